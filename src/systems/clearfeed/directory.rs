//! ClearFeed's reference data (contract clearfeed, Endpoints). There is no listing of people: their ids are
//! gathered from the teams and from the newest requests, and only those can be resolved.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;

use super::ClearFeed;
use super::listing::{COLLECTIONS, FIELDS, List, REQUESTS, TEAMS, USERS, page};
use super::requests::{LIMIT, text};
use crate::directory::{Choice, CustomField, CustomType, Entry, Kind, Listing, Needs, Snapshot};
use crate::error::Result;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::{DirectoryProgress, SystemName};

/// How many of the newest requests are looked at for people, in pages of [`LIMIT`].
const PAGES_SEEN: usize = 10;

/// How many ids one call for people takes.
const IDS_AT_A_TIME: usize = 100;

/// How many pages a list may have whose cursor never ends.
const MOST_PAGES: usize = 1_000;

/// Loads the kinds that are needed.
pub(super) async fn load(
    system: &ClearFeed,
    needs: Needs,
    reader: Reader<'_>,
    progress: DirectoryProgress<'_>,
) -> Result<Snapshot> {
    let needs_people = needs.has(Kind::User);
    let all = |is_needed, list, query| async move {
        match is_needed {
            true => all(reader, list, query, MOST_PAGES).await,
            false => Ok(Vec::new()),
        }
    };
    let members = vec![("include", "team_members".to_owned())];
    let of_requests = vec![("entity_type", "request".to_owned())];
    let (collections, fields, teams, requests) = futures::join!(
        all(needs.has(Kind::Collection), COLLECTIONS, vec![]),
        all(needs.has_custom_fields(), FIELDS, of_requests),
        all(needs_people || needs.has(Kind::Team), TEAMS, members),
        async {
            match needs_people {
                true => newest(reader).await,
                false => Ok(Vec::new()),
            }
        },
    );
    let mut kinds = BTreeMap::new();
    // What the token may not read costs only who needs it.
    let collections = match collections {
        Ok(collections) => listing(named(&collections)),
        Err(failure) if failure.is_denied() => Listing::unread(failure.note()),
        Err(failure) => return Err(failure.into()),
    };
    if needs.has(Kind::Collection) {
        progress("collection", collections.entries.len() as u64, None);
        kinds.insert(Kind::Collection, collections);
    }
    let (fields, custom_fields_note) = match fields {
        Ok(fields) => (fields, None),
        Err(failure) if failure.is_denied() => (Vec::new(), Some(failure.note())),
        Err(failure) => return Err(failure.into()),
    };
    let custom_fields: Vec<CustomField> = fields.iter().filter_map(custom_field).collect();
    if needs.has_custom_fields() {
        progress("custom field", custom_fields.len() as u64, None);
    }

    let mut people = BTreeSet::new();
    let mut unread = Vec::new();
    // Whether some people are unknown because the lists that name them could not be read.
    let mut failed = false;
    let teams = match teams {
        Ok(teams) => {
            teams
                .iter()
                .for_each(|team| self::members(team, &mut people));
            listing(named(&teams))
        }
        Err(failure) => {
            unread.push(format!("the teams could not be read: {}", failure.message));
            // A right that is missing is missing at the next command too: the people that were found are kept.
            failed |= !failure.is_denied();
            Listing::unread(failure.note())
        }
    };
    match requests {
        Ok(requests) => requests
            .iter()
            .for_each(|request| seen(request, &mut people)),
        Err(failure) => {
            unread.push(format!("no request could be read: {}", failure.message));
            failed |= !failure.is_denied();
        }
    }
    if needs.has(Kind::Team) {
        kinds.insert(Kind::Team, teams);
    }
    if needs_people {
        let users = match users(system, reader, people, unread, progress).await {
            Ok(users) => Listing { failed, ..users },
            Err(failure) if failure.is_denied() => Listing::unread(failure.note()),
            Err(failure) => return Err(failure.into()),
        };
        kinds.insert(Kind::User, users);
    }
    Ok(Snapshot {
        version: Snapshot::version_of(needs),
        holds: needs,
        system: SystemName::ClearFeed,
        dialect: system.account.dialect,
        tenant: system.account.tenant.clone(),
        pulled_at: Timestamp::now(),
        kinds,
        custom_fields,
        custom_fields_note,
        constants: BTreeMap::new(),
    })
}

fn listing(entries: Vec<Entry>) -> Listing {
    Listing {
        total: Some(entries.len() as u64),
        entries,
        ..Listing::default()
    }
}

/// Reads a list page by page, at most so many.
async fn all(
    reader: Reader<'_>,
    list: List,
    mut query: Vec<(&str, String)>,
    most: usize,
) -> Result<Vec<Value>, ReadFailure> {
    query.push(("limit", LIMIT.to_string()));
    let mut found = Vec::new();
    let mut cursors = HashSet::new();
    let mut cursor: Option<String> = None;
    for _ in 0..most {
        let page = page(reader, list, &query, cursor.as_deref()).await?;
        let came = page.rows.len() as u64;
        found.extend(page.rows);
        let Some(next) = page.next else {
            return Ok(found);
        };
        // A cursor that comes again would go round in a circle, and nobody knows what is outside of it.
        if came == 0 || !cursors.insert(next.clone()) {
            return Err(list.endless());
        }
        cursor = Some(next);
    }
    // Of the newest requests a part is enough.
    match most == MOST_PAGES {
        true => Err(list.endless()),
        false => Ok(found),
    }
}

/// The newest requests.
async fn newest(reader: Reader<'_>) -> Result<Vec<Value>, ReadFailure> {
    let query = vec![("sort_order", "desc".to_owned())];
    all(reader, REQUESTS, query, PAGES_SEEN).await
}

/// Rows with an id and a name, each once.
fn named(rows: &[Value]) -> Vec<Entry> {
    let mut ids = HashSet::new();
    rows.iter()
        .filter_map(|row| {
            Some(Entry {
                id: text(row, "id")?,
                name: text(row, "name")?,
                ..Entry::default()
            })
        })
        .filter(|entry| ids.insert(entry.id.clone()))
        .collect()
}

/// The ids of a team's members, given as ids or as people.
fn members(team: &Value, people: &mut BTreeSet<String>) {
    let listed = ["team_members", "members", "users", "user_ids"]
        .iter()
        .find_map(|name| member(team, &[name])?.as_array());
    people.extend(listed.into_iter().flatten().filter_map(person));
}

/// The ids of the people in a request.
fn seen(request: &Value, people: &mut BTreeSet<String>) {
    people.extend(
        ["author", "assignee", "assignee_id"]
            .iter()
            .filter_map(|name| person(member(request, &[name])?)),
    );
}

fn person(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        Value::Object(_) => text(value, "user_id")
            .or_else(|| text(value, "id"))
            .or_else(|| person(member(value, &["user"])?)),
        _ => None,
    }
}

/// The people of those ids, in batches.
async fn users(
    system: &ClearFeed,
    reader: Reader<'_>,
    people: BTreeSet<String>,
    unread: Vec<String>,
    progress: DirectoryProgress<'_>,
) -> Result<Listing, ReadFailure> {
    let ids: Vec<String> = people.into_iter().collect();
    let fetch = |batch: Vec<String>| async move {
        let query = [("ids", batch.join(","))];
        let page = page(reader, USERS, &query, None).await?;
        Ok::<_, ReadFailure>(page.rows)
    };
    let batches = ids.chunks(IDS_AT_A_TIME).map(<[String]>::to_vec);
    let mut entries: Vec<Entry> = Vec::with_capacity(ids.len());
    let mut answers = stream::iter(batches.map(fetch)).buffered(system.concurrency.clamp(1, 4));
    while let Some(users) = answers.try_next().await? {
        entries.extend(users.iter().filter_map(user));
        progress("user", entries.len() as u64, Some(ids.len() as u64));
    }
    let mut note = "ClearFeed lists no people: these are the members of the teams and those seen in the newest requests; nobody else can be resolved by name or e-mail".to_owned();
    for reason in unread {
        note = format!("{note}; {reason}");
    }
    Ok(Listing {
        entries,
        total: None,
        note: Some(note),
        ..Listing::default()
    })
}

/// The people of these ids; none where the token may not read them.
pub(super) async fn people(ids: &[String], reader: Reader<'_>) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for some in ids.chunks(IDS_AT_A_TIME) {
        let query = [("ids", some.join(","))];
        match page(reader, USERS, &query, None).await {
            Ok(page) => found.extend(page.rows.iter().filter_map(user)),
            Err(failure) if failure.is_denied() => return Ok(found),
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(found)
}

fn user(user: &Value) -> Option<Entry> {
    let email = text(user, "email");
    let name = ["name", "real_name", "display_name"]
        .iter()
        .find_map(|name| text(user, name))
        .or_else(|| email.clone())?;
    Some(Entry {
        id: text(user, "id")?,
        name,
        properties: email
            .map(|email| ("email".to_owned(), email))
            .into_iter()
            .collect(),
        parent: None,
    })
}

fn custom_field(field: &Value) -> Option<CustomField> {
    let config = member(field, &["config"]).unwrap_or(&Value::Null);
    let options = member(config, &["options"]).and_then(Value::as_array);
    let kind = match text(field, "type")?.as_str() {
        "text" => CustomType::Text,
        "number" => CustomType::Number,
        "date" => CustomType::Date,
        "select" => CustomType::Select,
        "multi_select" => CustomType::MultiSelect,
        "user_select" => CustomType::User,
        _ => CustomType::Other,
    };
    Some(CustomField {
        id: text(field, "id")?,
        name: text(field, "name")?,
        kind,
        options: options
            .into_iter()
            .flatten()
            .filter_map(|option| {
                let value = text(option, "value").or_else(|| text(option, "name"))?;
                Some(Choice {
                    id: text(option, "id").unwrap_or_else(|| value.clone()),
                    value,
                })
            })
            .collect(),
        max_length: member(config, &["max_length"])
            .and_then(Value::as_u64)
            .and_then(|most| usize::try_from(most).ok()),
        required: member(field, &["required", "is_required"]).and_then(Value::as_bool)
            == Some(true),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_are_gathered_from_every_form() {
        let mut people = BTreeSet::new();
        members(
            &json!({"team_members": [{"id": "U1"}, "U2", {"user_id": 3}, {"user": {"id": "U4"}}]}),
            &mut people,
        );
        seen(
            &json!({"author": "U5", "assignee": {"id": "U6"}}),
            &mut people,
        );
        seen(&json!({"author": null, "assignee": null}), &mut people);
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        assert_eq!(people, ["3", "U1", "U2", "U4", "U5", "U6"]);
    }

    #[test]
    fn option_ids_may_be_numbers() {
        let field = custom_field(&json!({
            "id": 31, "name": "Plan", "type": "select",
            "config": {"options": [{"id": 7, "value": "Enterprise"}]},
        }))
        .unwrap();
        assert_eq!(field.id, "31");
        assert_eq!(field.options[0].id, "7");
        assert_eq!(field.kind, CustomType::Select);
    }
}
