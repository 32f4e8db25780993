//! The reference data (contract incidentiq §15, §16): people, places, issues, devices, custom fields, workflow.

use serde_json::{Value, json};

use super::book::{Json, Kind};
use super::check::get;
use super::envelope::{self, Page};
use super::{IncidentIq, ROOT};
use crate::sandbox::Temper;
use crate::sandbox::call::Call;
use crate::sandbox::guid::Guid;
use crate::sandbox::reply::{Answer, Refusal};
use crate::sandbox::seed::district::Role;
use crate::sandbox::server::Route;

/// Where a path of the reference data leads.
pub(super) fn route(method: &str, path: &[&str], is_v2: bool) -> Option<Route<IncidentIq>> {
    let read = Route::read;
    match (method, path) {
        ("GET", ["login"]) => read("login", login),
        ("GET", ["sites", "my", "settings"]) => read("settings", settings),
        (
            "GET",
            ["tickets", "statuses"] | ["tickets", "workflows", "statuses"] | ["workflows", "steps"],
        )
        | ("GET", ["tickets" | "workflows", _, "statuses" | "steps"]) => read("statuses", statuses),
        ("GET", ["tickets", "priorities"]) => read("priorities", |iiq, call| {
            cut(iiq, call, &iiq.book.priorities, 100)
        }),
        ("GET", ["tickets", "sources"]) => read("sources", sources),
        ("GET", ["resolutions", "close-reason-types"]) => read("close_reasons", close_reasons),
        ("POST" | "GET", ["issues"]) => {
            read("issues", |iiq, call| cut(iiq, call, &iiq.book.issues, 100))
        }
        ("GET", ["issues", "site"]) => read("issues", site_issues),
        ("POST" | "GET", ["issues", "types"]) => read("issue_types", issue_types),
        ("GET", ["categories", "of", "issues"]) | ("POST", ["categories", "v2"]) => {
            read("issue_categories", issue_categories)
        }
        ("POST" | "GET", ["users"]) | ("POST", ["users", "list"]) => read("users", users),
        ("POST" | "GET", ["users", "agents"] | ["users", "agents", "list"]) => {
            read("agents", agents)
        }
        ("GET", ["users", "by-email", _, _]) => read("user", user_by_email),
        ("GET", ["users", "search", _]) => read("users", search_users),
        ("GET", ["users", _]) => read("user", |iiq, call| {
            one(call, &iiq.book.users, iiq, Kind::User)
        }),
        ("GET", ["teams"] | ["teams", "all"]) => {
            read("teams", |iiq, call| cut(iiq, call, &iiq.book.teams, 20))
        }
        ("GET", ["teams", _, "members"]) => read("team_members", team_members),
        ("GET", ["assets", "assettag", _]) => read("asset", asset_by_tag),
        ("POST", ["assets"]) => read("assets", |iiq, call| cut(iiq, call, &iiq.book.assets, 20)),
        ("POST" | "GET", ["custom-fields", "for", "ticket"]) | ("POST", ["custom-fields"]) => {
            read("custom_fields", custom_fields)
        }
        ("POST" | "GET", ["custom-fields", "types"]) => {
            read("custom_field_types", custom_field_types)
        }
        ("POST", ["filters"]) => read("filters", filters),
        (_, ["locations", rest @ ..]) => places(method, rest, is_v2),
        _ => None,
    }
}

fn places(method: &str, path: &[&str], is_v2: bool) -> Option<Route<IncidentIq>> {
    let read = Route::read;
    match (method, path) {
        ("GET", ["all", _]) => read("locations", |iiq, call| {
            if call.segment(ROOT + 2).parse() != Ok(iiq.book.district.site) {
                return Err(Refusal::not_found("The site"));
            }
            cut(iiq, call, &iiq.book.locations, 100)
        }),
        ("GET" | "POST", [] | ["all"] | ["view"]) => read("locations", own_locations),
        ("GET", ["types"]) => read("location_types", location_types),
        ("GET", ["rooms"]) if !is_v2 => {
            read("rooms", |iiq, call| cut(iiq, call, &iiq.book.rooms, 100))
        }
        ("POST", ["rooms", "query"]) if is_v2 => read("rooms", query_rooms),
        ("GET", [_, "rooms"]) => read("rooms", |iiq, call| {
            rooms_of(iiq, call, call.segment(ROOT + 1))
        }),
        ("GET", [_]) => read("location", |iiq, call| {
            one(call, &iiq.book.locations, iiq, Kind::Location)
        }),
        _ => None,
    }
}

/// One page of a list.
fn cut(iiq: &IncidentIq, call: &Call, items: &[Json], default: usize) -> Answer {
    let page = page_of(iiq, call, default)?;
    Ok(envelope::list(
        &items[page.range(items.len())],
        items.len(),
        page,
    ))
}

fn cut_values(iiq: &IncidentIq, call: &Call, items: &[Value], default: usize) -> Answer {
    let page = page_of(iiq, call, default)?;
    Ok(envelope::list(
        &items[page.range(items.len())],
        items.len(),
        page,
    ))
}

fn page_of(iiq: &IncidentIq, call: &Call, default: usize) -> Result<Page, Refusal> {
    let body = if call.method == "POST" {
        call.json()?
    } else {
        Value::Null
    };
    let options = get(&body, "RequestOptions").and_then(|options| get(options, "Paging"));
    let in_body = |name| {
        [get(&body, "Paging"), options]
            .into_iter()
            .flatten()
            .find_map(|paging| get(paging, name)?.as_i64())
    };
    let asked = |query, name| {
        call.query(query)
            .and_then(|text| text.parse().ok())
            .or_else(|| in_body(name))
    };
    let size = match asked("$s", "PageSize") {
        Some(-1) => iiq.rules.max_page,
        Some(size) => usize::try_from(size)
            .unwrap_or(0)
            .clamp(1, iiq.rules.max_page),
        None => default,
    };
    let index = usize::try_from(asked("$p", "PageIndex").unwrap_or(0)).unwrap_or(0);
    Ok(Page { index, size })
}

/// One thing by the id that ends the path.
fn one(call: &Call, items: &[Json], iiq: &IncidentIq, kind: Kind) -> Answer {
    let place = call
        .segment(ROOT + 1)
        .parse()
        .ok()
        .and_then(|id| iiq.book.find(kind, id));
    let place = place.ok_or_else(|| Refusal::not_found("The resource"))?;
    Ok(envelope::item(200, &items[place], None))
}

fn site(iiq: &IncidentIq) -> Value {
    let offset = iiq.book.zone.to_offset(jiff::Timestamp::now());
    json!({
        "SiteId": iiq.book.district.site, "Name": "Example School District", "Domain": "district",
        "TimeZone": iiq.book.zone_name, "OffsetInMinutesFromUtc": -offset.seconds() / 60,
    })
}

fn login(iiq: &IncidentIq, _: &Call) -> Answer {
    let district = &iiq.book.district;
    let item = json!({
        "UserId": district.users[0].id, "User": iiq.book.ticket_users[0], "SiteId": district.site,
        "ProductId": district.product, "Site": site(iiq),
    });
    Ok(envelope::item(200, &item, None))
}

fn settings(iiq: &IncidentIq, _: &Call) -> Answer {
    let mut item = site(iiq);
    item["PriorityLevels"] = json!(iiq.book.priorities);
    item["CloseReasonTypes"] = reasons(iiq);
    item["EntityTypes"] = json!([
        { "EntityTypeId": "888891ac-91aa-e711-80c2-100dffa00001", "Name": "Tickets" },
        { "EntityTypeId": "888891ac-91aa-e711-80c2-100dffa00002", "Name": "Locations" },
        { "EntityTypeId": "888891ac-91aa-e711-80c2-100dffa00003", "Name": "Assets" },
        { "EntityTypeId": "888891ac-91aa-e711-80c2-100dffa00004", "Name": "Users" },
    ]);
    Ok(envelope::item(200, &item, None))
}

/// Live answers may leave out three members (contract §15).
fn statuses(iiq: &IncidentIq, call: &Call) -> Answer {
    let is_scant =
        iiq.rules.temper == Temper::LiveLike && call.path().get(ROOT + 1) == Some(&"statuses");
    let mut items: Vec<Value> = iiq
        .book
        .steps
        .iter()
        .map(|step| serde_json::from_str(step.get()).unwrap_or_default())
        .collect();
    if is_scant {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            for name in ["WorkflowId", "WorkflowStepId", "DisplayOrder"] {
                item.remove(name);
            }
        }
    }
    cut_values(iiq, call, &items, 100)
}

fn sources(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = (1..)
        .zip(["Web", "Mobile", "API"])
        .map(|(id, name)| json!({ "SourceId": id, "Key": name, "Name": name }))
        .collect();
    cut_values(iiq, call, &items, 100)
}

fn reasons(iiq: &IncidentIq) -> Value {
    let reasons = iiq.book.district.close_reasons.iter();
    reasons
        .map(|(id, name)| json!({ "CloseReasonTypeId": id, "Name": name }))
        .collect()
}

/// Irregular: an array in `Item` (contract §2).
fn close_reasons(iiq: &IncidentIq, _: &Call) -> Answer {
    Ok(envelope::item(200, &reasons(iiq), None))
}

/// Ids and roles only, no names (contract §16).
fn site_issues(iiq: &IncidentIq, call: &Call) -> Answer {
    let issues = iiq.book.district.issues.iter();
    let items: Vec<_> = issues
        .map(|issue| json!({ "IssueId": issue.id, "EnabledRoles": [], "DisabledRoles": [] }))
        .collect();
    cut_values(iiq, call, &items, 100)
}

fn issue_types(iiq: &IncidentIq, call: &Call) -> Answer {
    let mut items: Vec<Value> = iiq
        .book
        .district
        .issues
        .iter()
        .map(|issue| {
            json!({
                "IssueTypeId": issue.kind.0, "Name": issue.kind.1, "IssueCategoryId": issue.category.0,
                "IssueCategoryName": issue.category.1,
            })
        })
        .collect();
    items.dedup();
    cut_values(iiq, call, &items, 100)
}

fn issue_categories(iiq: &IncidentIq, call: &Call) -> Answer {
    let issues = iiq.book.district.issues.iter();
    let mut items: Vec<Value> = issues
        .map(|issue| json!({ "CategoryId": issue.category.0, "Name": issue.category.1 }))
        .collect();
    items.dedup();
    cut_values(iiq, call, &items, 100)
}

fn users(iiq: &IncidentIq, call: &Call) -> Answer {
    cut(iiq, call, &iiq.book.users, 20)
}

fn agents(iiq: &IncidentIq, call: &Call) -> Answer {
    let users = (0..).zip(&iiq.book.district.users);
    let items: Vec<Json> = users
        .filter(|(_, user)| user.role == Role::Agent)
        .map(|(place, _): (usize, _)| iiq.book.users[place].clone())
        .collect();
    cut(iiq, call, &items, 200)
}

fn user_by_email(iiq: &IncidentIq, call: &Call) -> Answer {
    let place = iiq
        .book
        .by_email
        .get(&call.segment(ROOT + 3).to_lowercase());
    let place = place.ok_or_else(|| Refusal::not_found("The user"))?;
    Ok(envelope::item(200, &iiq.book.users[*place], None))
}

fn search_users(iiq: &IncidentIq, call: &Call) -> Answer {
    let wanted = call.segment(ROOT + 2).to_lowercase();
    let users = iiq.book.district.users.iter().zip(&iiq.book.users);
    let items: Vec<Json> = users
        .filter(|(user, _)| {
            user.name().to_lowercase().contains(&wanted) || user.email.contains(&wanted)
        })
        .map(|(_, json)| json.clone())
        .collect();
    cut(iiq, call, &items, 20)
}

fn team_members(iiq: &IncidentIq, call: &Call) -> Answer {
    let place = call.segment(ROOT + 1).parse().ok();
    let place = place.and_then(|id| iiq.book.find(Kind::Team, id));
    let place = place.ok_or_else(|| Refusal::not_found("The team"))?;
    let members = iiq.book.district.teams[place].members.iter();
    let items: Vec<Json> = members.map(|user| iiq.book.users[*user].clone()).collect();
    cut(iiq, call, &items, 100)
}

/// Irregular: a list, empty where there is no such tag (contract §2).
fn asset_by_tag(iiq: &IncidentIq, call: &Call) -> Answer {
    let place = iiq.book.by_tag.get(&call.segment(ROOT + 2).to_lowercase());
    let items: Vec<Json> = place
        .map(|place| iiq.book.assets[*place].clone())
        .into_iter()
        .collect();
    cut(iiq, call, &items, 100)
}

fn editor(field: &crate::sandbox::seed::district::CustomField) -> Value {
    let options: Vec<_> = field
        .options
        .iter()
        .map(|(id, name)| json!({ "Id": id, "Name": name }))
        .collect();
    json!({
        "CustomFieldTypeId": field.id, "Name": field.name, "EditorType": field.editor, "EditorTypeId": field.editor,
        "Options": options,
    })
}

fn custom_fields(iiq: &IncidentIq, call: &Call) -> Answer {
    let fields = iiq.book.district.custom_fields.iter();
    let items: Vec<_> = fields
        .map(|field| {
            json!({
                "CustomFieldId": Guid::seeded("custom-field-on-ticket", field.name),
                "CustomFieldTypeId": field.id, "CustomFieldType": editor(field), "IsRequired": false,
            })
        })
        .collect();
    cut_values(iiq, call, &items, 100)
}

fn custom_field_types(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = iiq.book.district.custom_fields.iter().map(editor).collect();
    cut_values(iiq, call, &items, 100)
}

/// The look-up of filter values; the sandbox knows it for tags (contract §4, discovery).
fn filters(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    let facets = get(&body, "Facets").and_then(Value::as_array);
    let wants_tags = facets.into_iter().flatten().any(|facet| {
        facet
            .as_str()
            .is_some_and(|name| name.eq_ignore_ascii_case("tag"))
    });
    let tags = iiq.book.district.tags.iter().filter(|_| wants_tags);
    let items: Vec<_> = tags
        .map(|(id, name)| json!({ "Id": id, "Name": name, "Facet": "tag" }))
        .collect();
    cut_values(iiq, call, &items, 100)
}

/// What the token's user may see: on a live system less than there is (contract §16).
fn own_locations(iiq: &IncidentIq, call: &Call) -> Answer {
    let all = &iiq.book.locations;
    let seen = if iiq.rules.temper == Temper::LiveLike {
        all.len() / 2
    } else {
        all.len()
    };
    cut(iiq, call, &all[..seen], 100)
}

fn location_types(iiq: &IncidentIq, call: &Call) -> Answer {
    let items: Vec<_> = (1..)
        .zip(["Admin", "Elementary School", "Middle School", "High School"])
        .map(|(n, name)| {
            let id = format!("16469164-bce0-42b1-be1c-49861087c40{n}");
            json!({ "LocationTypeId": id, "Name": name })
        })
        .collect();
    cut_values(iiq, call, &items, 100)
}

fn query_rooms(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = call.json()?;
    match get(&body, "LocationId").and_then(Value::as_str) {
        Some(location) => rooms_of(iiq, call, location),
        None => cut(iiq, call, &iiq.book.rooms, 100),
    }
}

fn rooms_of(iiq: &IncidentIq, call: &Call, location: &str) -> Answer {
    let place = location
        .parse()
        .ok()
        .and_then(|id| iiq.book.find(Kind::Location, id));
    let place = place.ok_or_else(|| Refusal::not_found("The location"))?;
    let rooms = iiq.book.district.rooms.iter().zip(&iiq.book.rooms);
    let items: Vec<Json> = rooms
        .filter(|(room, _)| room.location == place)
        .map(|(_, json)| json.clone())
        .collect();
    cut(iiq, call, &items, 100)
}
