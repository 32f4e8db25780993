//! The rows of both dialects: the same calls under two roots, with each one's spellings.

use super::{ClearFeed, Dialect, customers, dialect, directory, link, list, seek};
use crate::Dialects;
use crate::call::Call;
use crate::reply::Answer;
use crate::route::{Endpoint, Section};

pub(super) fn sections(dialects: Dialects) -> Vec<Section<ClearFeed>> {
    let v1 = Section {
        name: "Dialect v1",
        root: "/v1",
        routes: V1,
    };
    let rest = Section {
        name: "Dialect rest",
        root: "/v1/rest",
        routes: REST,
    };
    match dialects {
        Dialects::Both => vec![v1, rest],
        Dialects::V1 => vec![v1],
        Dialects::Rest => vec![rest],
    }
}

const V1: &[Endpoint<ClearFeed>] = &rows(Dialect::V1);
const REST: &[Endpoint<ClearFeed>] = &rows(Dialect::Rest);

/// What differs between the dialects.
struct Words {
    listing: &'static str,
    new: &'static str,
    made: &'static str,
    one: &'static str,
    many: &'static str,
    patch: &'static str,
}

const fn words(dialect: Dialect) -> Words {
    match dialect {
        Dialect::V1 => Words {
            listing: "collection_id text, channel_id text, status [text], author_emails text, include text, filter_by text, after text, before text, sort_order text, limit int, next_cursor text",
            new: "NewRequestV1",
            made: "MadeRequestV1",
            one: "RequestV1",
            many: "{requests* [RequestV1], response_metadata Metadata}",
            patch: "PatchV1",
        },
        Dialect::Rest => Words {
            listing: "collection_id int, channel_id text, state [text], author_emails text, include text, filter_by text, after text, before text, sort_order text, limit int, next_cursor text",
            new: "NewRequest",
            made: "Request",
            one: "Request",
            many: "{requests* [Request], response_metadata Metadata}",
            patch: "Patch",
        },
    }
}

const fn rows(spoken: Dialect) -> [Endpoint<ClearFeed>; 19] {
    let words = words(spoken);
    [
        Endpoint::create("POST", "/requests", "create", create)
            .takes(words.new)
            .gives(words.made)
            .status(201)
            .for_all(),
        Endpoint::read("GET", "/requests", "search", list::page)
            .query(words.listing)
            .gives(words.many),
        Endpoint::read("GET", "/requests/search", "search", list::search)
            .query("query* text, limit int, only_public bool, created_before text, created_after text, customer_id text, collection_id text")
            .gives(words.many),
        Endpoint::read("GET", "/requests/{requestId}", "get", list::one)
            .query("include text")
            .gives(words.one),
        Endpoint::write("PATCH", "/requests/{requestId}", "update", change)
            .takes(words.patch)
            .gives(words.one),
        Endpoint::create("POST", "/requests/{requestId}/message", "message", change)
            .takes("NewMessage")
            .gives(words.one)
            .status(201),
        Endpoint::read("GET", "/collections", "collections", directory::collections)
            .query("include text")
            .gives("{collections* [Collection], response_metadata Metadata}"),
        Endpoint::read("GET", "/custom-fields", "custom_fields", directory::custom_fields)
            .query("entity_type text")
            .gives("{custom_fields* [CustomField], response_metadata Metadata}"),
        Endpoint::read("GET", "/users", "users", directory::users)
            .query("ids* text")
            .gives("{users* [User]}"),
        Endpoint::read("GET", "/teams", "teams", directory::teams)
            .query("include text")
            .gives("{teams* [Team], response_metadata Metadata}"),
        Endpoint::read("GET", "/teams/{teamId}", "team", directory::team)
            .query("include text")
            .gives("{team* Team}"),
        Endpoint::read("GET", "/customers", "customers", customers::page)
            .query("limit int, next_cursor text")
            .gives(CUSTOMERS),
        Endpoint::read("POST", "/customers/search", "customers", seek::search)
            .query("limit int")
            .takes("{filters* [CustomerFilter], limit int, next_cursor text?}")
            .gives(CUSTOMERS),
        Endpoint::read("GET", "/customers/{customerId}", "customer", customers::one)
            .gives("{customer* Customer}"),
        Endpoint::create("POST", "/customers", "customer_create", customers::create)
            .takes("NewCustomer")
            .gives("{customer* Customer}")
            .status(201),
        Endpoint::write("PATCH", "/customers/{customerId}", "customer_update", customers::update)
            .takes("NewCustomer")
            .gives("{customer* Customer}"),
        // The contract writes it so, the vendor's own client by an id in the path.
        Endpoint::read("GET", "/tickets/form", "ticket_form", directory::form)
            .query("id* text")
            .gives("{form* TicketForm}"),
        Endpoint::read("GET", "/tickets/forms/{formId}", "ticket_form", directory::form)
            .gives("{form* TicketForm}"),
        Endpoint::create("POST", "/tickets", "link", link::link)
            .takes("LinkRequest")
            .gives("{request_id any, ticket Linked?}")
            .status(201),
    ]
}

const CUSTOMERS: &str = "{customers* [Customer], response_metadata Metadata}";

fn create(system: &ClearFeed, call: &Call) -> Answer {
    system.create(call, dialect(call))
}

fn change(system: &ClearFeed, call: &Call) -> Answer {
    system.change(call)
}

/// What bodies hold, by name (contract clearfeed, endpoints and request object).
pub(super) const SCHEMAS: &[(&str, &str)] = &[
    ("Error", "{statusCode* int, message* any, error text}"),
    ("Metadata", "{next_cursor text?, count int}"),
    (
        "Thread",
        "{channel_id text, thread_ts text, team_id text, url text}",
    ),
    ("Measured", "{value* number, is_breached* bool}"),
    (
        "Metrics",
        "{first_response_time Measured?, resolution_time Measured?, first_resolution_time Measured?}",
    ),
    (
        "Message",
        "{text* text, author text?, ts* text, thread_ts text, is_responder* bool}",
    ),
    (
        "Linked",
        "{id* any, type text, key text, url text, created_at time}",
    ),
    ("Survey", "{status text, response object?, comment text?}"),
    (
        "Request",
        "{id* int, title* text, state* text?, not_a_request_state text?, priority* text, author text?, author_email text?, customer_id int?, assignee {id text}?, assigned_team {id int}?, \
        tickets [Linked], csat_survey Survey, channel {id text, name text, owner text?}, collection* {id* int, name text}, custom_field_values* object, \
        request_thread Thread, triage_thread Thread, sla_metrics Metrics, messages [Message], ai_field_values object, last_message_time time, created_at* time, \
        updated_at* time}",
    ),
    (
        "RequestV1",
        "{id* text, ticket_id* text, title* text, status* text?, not_a_request_state text?, priority* text, author text?, author_email text?, customer_id text?, assignee {id text}?, \
        assigned_team {id text}?, tickets [Linked], csat_survey Survey, channel {id text, name text, owner text?}, collection* {id* text, name text}, custom_fields* object, \
        request_thread Thread, triage_thread Thread, sla_metrics Metrics, messages [Message], ai_field_values object, last_message_time time, created_at* time, \
        updated_at* time}",
    ),
    (
        "MadeRequestV1",
        "{id* text, ticket_id* text, collection_id* text, title* text, status* text, priority* text, created_at* time, slack_thread_url text}",
    ),
    (
        "NewRequest",
        "{description* text, title text, priority text, requester_email text, collection_id int}",
    ),
    (
        "NewRequestV1",
        "{collection_id* text, title* text, description* text, priority text, requester_email text, assignee_id text, custom_fields object, tags [text]}",
    ),
    (
        "Patch",
        "{state text, assignee text?, title text, priority text, custom_field_values object}",
    ),
    (
        "PatchV1",
        "{status text, assignee text?, assignee_id text?, title text, priority text, custom_fields object, tags [text]}",
    ),
    (
        "NewMessage",
        "{html_body text, is_private bool, post_as_bot bool, thread_ts text, user_reply_channel_type text, state text, source text}",
    ),
    (
        "Collection",
        "{id* any, name* text, channels [{id text, name text, owner text?, status text}]}",
    ),
    (
        "CustomField",
        "{id* any, name* text, type* text, config* {options [{id any, value text}], max_length int}}",
    ),
    (
        "TicketForm",
        "{id* any, name* text, collection_id* any, fields* [TicketFormField]}",
    ),
    (
        "TicketFormField",
        "{id* any, name* text, type* text, is_required* bool, config* object}",
    ),
    ("User", "{id* text, name text, email text}"),
    ("Team", "{id* any, name* text, team_members [{id text}]}"),
    (
        "Customer",
        "{id* any, name* text, owner text?, domains* [text], channel_ids* [text], collection_id any, portal_users [PortalUser], external_system text?, \
        external_entity_id text?, version* int, custom_fields object, custom_field_values object, created_at time, updated_at time}",
    ),
    ("PortalUser", "{email* text, role* text}"),
    (
        "CustomerFilter",
        "{field* text, operator text, values [any], system text, id text}",
    ),
    (
        "NewCustomer",
        "{name text, owner text, domains [text], channel_ids [text], collection_id any, portal_users [PortalUser], external_system text, external_entity_id text, \
        version int, custom_fields object, custom_field_values object}",
    ),
    (
        "LinkRequest",
        "{type* text, data* {integration* text, ticket_id* any, message_ts* text, channel_id* text, message_source text}}",
    ),
];
