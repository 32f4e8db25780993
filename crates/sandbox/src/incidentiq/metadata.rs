//! What tickets are made of: statuses, priorities, sources, fields, reasons, service levels (contract incidentiq §15).

use serde_json::{Value, json};

use super::IncidentIq;
use super::body::{self, get, id};
use super::book::{Book, Json, Kind};
use super::envelope;
use super::expression::narrowed;
use super::search::{PAGED, paging_of};
use super::ticket::sla;
use crate::Temper;
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET", "/login", "login", login).gives("Item(Login)"),
    Row::read("GET", "/sites/my/settings", "settings", settings).gives("Item(Site)"),
    Row::read("GET", "/tickets/statuses", "statuses", |iiq, call| {
        statuses(iiq, call, iiq.rules.temper == Temper::LiveLike)
    })
    .query(PAGED)
    .gives("List(Status)"),
    Row::read("GET", "/tickets/workflows/statuses", "statuses", |iiq, call| {
        statuses(iiq, call, false)
    })
    .query(PAGED)
    .gives("List(Status)"),
    Row::read("GET", "/tickets/{workflowId:guid}/statuses", "statuses", of_workflow)
        .query(PAGED)
        .gives("List(Status)"),
    Row::read("GET", "/tickets/statuses/{statusId:guid}", "status_type", |iiq, call| {
        let book = iiq.book();
        let id = id(call, "statusId")?;
        let place = book.find(Kind::Status, id).or_else(|| book.find(Kind::Step, id));
        let place = place.ok_or_else(|| Refusal::not_found("The status"))?;
        Ok(envelope::item(200, &book.steps[place], None))
    })
    .gives("Item(Status)"),
    Row::read("GET", "/workflows", "workflows", workflows).gives("List(Workflow)"),
    Row::read("GET", "/workflows/allproducts/site/{siteId:guid}", "workflows", |iiq, call| {
        check_site(iiq, call)?;
        workflows(iiq, call)
    })
    .gives("List(Workflow)"),
    Row::read("GET", "/workflows/{workflowId:guid}/steps", "statuses", of_workflow)
        .query(PAGED)
        .gives("List(Status)"),
    Row::read("GET", "/workflows/steps", "statuses", |iiq, call| statuses(iiq, call, false))
        .query(PAGED)
        .gives("List(Status)"),
    Row::read("GET", "/tickets/priorities", "priorities", |iiq, call| {
        cut(iiq, call, &iiq.book().priorities, 100)
    })
    .query(PAGED)
    .gives("List(Priority)"),
    Row::read("GET", "/tickets/sources", "sources", sources).gives("List(Source)"),
    Row::read("GET", "/tickets/fields", "fields", fields).gives("List(Field)"),
    Row::read("GET", "/tickets/wizards", "wizards", wizards)
        .query(PAGED)
        .gives("List(WizardCategory)"),
    Row::read("GET", "/tickets/wizards/site/{siteId:guid}", "wizards", |iiq, call| {
        check_site(iiq, call)?;
        wizards(iiq, call)
    })
    .query(PAGED)
    .gives("List(WizardCategory)"),
    Row::read("GET", "/tickets/wizards/categories", "wizards", wizards)
        .query(PAGED)
        .gives("List(WizardCategory)"),
    Row::read("GET", "/resolutions/close-reason-types", "close_reasons", |iiq, _| {
        // Irregular: an array in `Item` (contract §2).
        Ok(envelope::item(200, &reasons(&iiq.book()), None))
    })
    .gives("Item([CloseReason])"),
    Row::read("GET", "/resolutions/actions", "actions", |iiq, call| {
        let book = iiq.book();
        let actions = book.district.actions.iter();
        let items: Vec<_> = actions
            .map(|(id, name)| json!({ "ResolutionActionId": id, "Name": name, "ActionCategoryName": "General" }))
            .collect();
        cut(iiq, call, &items, 100)
    })
    .gives("List(ResolutionAction)"),
    Row::read("GET", "/slas", "sla_types", |iiq, call| {
        let items: Vec<_> = iiq.book().district.slas.iter().map(sla).collect();
        cut(iiq, call, &items, 100)
    })
    .gives("List(Sla)"),
    Row::read("POST", "/filters", "filters", filters)
        .query(PAGED)
        .takes("{Facets [text], Query text?, ResultsFilter object}")
        .gives("List({Id guid, Name text, Facet text})"),
    Row::read("GET", "/filters/for/entitytype/{entityTypeId:guid}", "filters", |iiq, call| {
        let items: Vec<_> = FACETS.iter().map(|name| json!({ "Facet": name, "Name": name })).collect();
        cut(iiq, call, &items, 100)
    })
    .gives("List({Facet text, Name text})"),
];

/// The facets by which tickets are looked for most.
const FACETS: [&str; 14] = [
    "agent",
    "team",
    "location",
    "room",
    "user",
    "issue",
    "issuetype",
    "issuecategory",
    "status",
    "ticketstate",
    "prioritylevel",
    "tag",
    "createddate",
    "modifieddate",
];

/// One page of a list.
pub(super) fn cut<T: serde::Serialize>(
    iiq: &IncidentIq,
    call: &Call,
    items: &[T],
    default: usize,
) -> Answer {
    let body = if call.method == "POST" {
        call.json()?
    } else {
        Value::Null
    };
    let page = paging_of(iiq, call, &body, default);
    if let Some(items) = narrowed(iiq, call, items)? {
        let shown = &items[page.range(items.len())];
        return Ok(envelope::list(shown, items.len(), page));
    }
    Ok(envelope::list(
        &items[page.range(items.len())],
        items.len(),
        page,
    ))
}

/// The site of the path is this one.
pub(super) fn check_site(iiq: &IncidentIq, call: &Call) -> Result<(), Refusal> {
    if id(call, "siteId")? == iiq.site() {
        return Ok(());
    }
    Err(Refusal::not_found("The site"))
}

fn site(book: &Book) -> Value {
    let offset = book.clock.zone.to_offset(jiff::Timestamp::now());
    json!({
        "SiteId": book.district.site, "Name": "Example School District", "Domain": "district",
        "TimeZone": book.clock.name, "OffsetInMinutesFromUtc": -offset.seconds() / 60,
    })
}

/// Whom the token acts as.
fn login(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let user = super::actor(call.token);
    let item = json!({
        "UserId": book.district.users[user].id, "User": book.ticket_users[user], "SiteId": book.district.site,
        "ProductId": book.district.product, "Site": site(&book), "UserToken": call.token.text(),
        "JwtToken": call.token.text(),
    });
    Ok(envelope::item(200, &item, None))
}

fn settings(iiq: &IncidentIq, _: &Call) -> Answer {
    let book = iiq.book();
    let mut item = site(&book);
    item["PriorityLevels"] = json!(book.priorities);
    item["CloseReasonTypes"] = reasons(&book);
    item["EntityTypes"] = ["Tickets", "Locations", "Assets", "Users"]
        .iter()
        .enumerate()
        .map(|(nth, name)| {
            json!({ "EntityTypeId": format!("888891ac-91aa-e711-80c2-100dffa0000{}", nth + 1), "Name": name })
        })
        .collect();
    Ok(envelope::item(200, &item, None))
}

/// Live answers may leave out three members (contract §15).
fn statuses(iiq: &IncidentIq, call: &Call, is_scant: bool) -> Answer {
    let book = iiq.book();
    let mut items: Vec<Value> = book.steps.iter().map(|step| json!(step)).collect();
    if is_scant {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.retain(|name, _| {
                !["WorkflowId", "WorkflowStepId", "DisplayOrder"].contains(&name.as_str())
            });
        }
    }
    cut(iiq, call, &items, 100)
}

fn of_workflow(iiq: &IncidentIq, call: &Call) -> Answer {
    if id(call, "workflowId")? != iiq.book().district.workflow {
        return Err(Refusal::not_found("The workflow"));
    }
    statuses(iiq, call, false)
}

fn workflows(iiq: &IncidentIq, call: &Call) -> Answer {
    let district = &iiq.book().district;
    let item = json!({ "WorkflowId": district.workflow, "Name": "Ticketing", "ProductId": district.product });
    cut(iiq, call, &[item], 100)
}

fn sources(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = (1_u8..)
        .zip(["Web", "Mobile", "API"])
        .map(|(nth, name)| {
            // A ticket says the number; this list says an id of another kind (docs26; contract §19, D18).
            json!({
                "SourceId": Guid::seeded("source", name), "Name": name, "Description": format!("Source {nth}"),
                "IsSystem": true, "IsActive": true,
            })
        })
        .collect();
    cut(iiq, call, &items, 100)
}

/// Both shapes of the documents: `FieldId`, `FieldType`, `IsRequired`, and `Value` (contract §15).
fn fields(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = (1..)
        .zip([
            ("Subject", "Text", false),
            ("IssueDescription", "Multiline", false),
            ("ForId", "User", true),
            ("LocationId", "Location", true),
            ("LocationRoomId", "Room", false),
            ("IssueId", "Issue", true),
            ("Priority", "Number", false),
            ("DueDate", "DateTime", false),
        ])
        .map(|(value, (name, kind, is_required))| {
            json!({
                "FieldId": Guid::seeded("field", name), "Name": name, "FieldType": kind, "IsRequired": is_required,
                "Value": value,
            })
        })
        .collect();
    cut(iiq, call, &items, 100)
}

fn wizards(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let categories = book.district.categories.iter().enumerate();
    let items: Vec<_> = categories
        .map(|(order, (id, name))| {
            json!({
                "TicketWizardCategoryId": Guid::seeded("wizard", &id.to_string()), "Name": name, "Icon": "",
                "SortOrder": order, "IsDisabled": false,
            })
        })
        .collect();
    cut(iiq, call, &items, 100)
}

fn reasons(book: &Book) -> Value {
    let reasons = book.district.close_reasons.iter();
    reasons
        .map(|(id, name)| json!({ "CloseReasonTypeId": id, "Name": name }))
        .collect()
}

/// The look-up of a filter's values: what a facet's ids are called (contract §4, discovery).
fn filters(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let query = body::text(&body, "Query")
        .unwrap_or_default()
        .to_lowercase();
    let facets = get(&body, "Facets").and_then(Value::as_array);
    let book = iiq.book();
    let district = &book.district;
    let mut items: Vec<Value> = Vec::new();
    for facet in facets.into_iter().flatten().filter_map(Value::as_str) {
        let facet = facet.to_lowercase();
        let named: Vec<(Guid, String)> = match facet.as_str() {
            "tag" => district
                .tags
                .iter()
                .map(|(id, name)| (*id, (*name).to_owned()))
                .collect(),
            "team" => district
                .teams
                .iter()
                .map(|one| (one.id, one.name.clone()))
                .collect(),
            "location" => district
                .locations
                .iter()
                .map(|one| (one.id, one.name.clone()))
                .collect(),
            "issue" => district
                .issues
                .iter()
                .map(|one| (one.id, one.name.clone()))
                .collect(),
            "status" => district
                .statuses
                .iter()
                .map(|one| (one.step, one.name.to_owned()))
                .collect(),
            "sla" => district
                .slas
                .iter()
                .map(|one| (one.id, one.name.to_owned()))
                .collect(),
            "agent" | "user" => district
                .users
                .iter()
                .map(|one| (one.id, one.name()))
                .collect(),
            _ => Vec::new(),
        };
        let hits = named
            .iter()
            .filter(|(_, name)| name.to_lowercase().contains(&query));
        items.extend(hits.map(|(id, name)| json!({ "Id": id, "Name": name, "Facet": facet })));
    }
    cut(iiq, call, &items, 100)
}

/// One thing by the id in the path.
pub(super) fn one(
    book: &Book,
    call: &Call,
    parameter: &str,
    kind: Kind,
    items: impl FnOnce(&Book) -> &[Json],
) -> Answer {
    let place = book.find(kind, id(call, parameter)?);
    let place = place.ok_or_else(|| Refusal::not_found("The resource"))?;
    Ok(envelope::item(200, &items(book)[place], None))
}
