//! Who has changed a ticket: its timeline names who did what and when, but not which field it was (contract incidentiq
//! §11).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::common::person;
use super::envelope::{id, moment, text};
use super::parts;
use crate::error::Result;
use crate::systems::common::Named;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;

/// The people who have changed a ticket since a moment, the last one first, each once.
///
/// # Errors
/// When the timeline cannot be read.
pub(super) async fn changed_by(
    ticket: &str,
    since: Timestamp,
    zone: Option<&TimeZone>,
    reader: Reader<'_>,
) -> Result<Vec<String>> {
    let rows = parts::read(ticket, "timeline", reader).await?;
    Ok(people(&rows, since, zone))
}

fn people(rows: &[Value], since: Timestamp, zone: Option<&TimeZone>) -> Vec<String> {
    let mut changes: Vec<(Timestamp, String)> = rows
        .iter()
        .filter(|row| is_change(row))
        .filter_map(|row| {
            let at = moment(row, "CreatedDate", zone).filter(|at| *at > since)?;
            let by = person(row, "OwnerId", "Owner");
            let by =
                by.or_else(|| items(row).find_map(|item| id(item, "ByUserId").map(Named::id)))?;
            Some((at, by.label().to_owned()))
        })
        .collect();
    changes.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut people: Vec<String> = Vec::new();
    for (_, name) in changes {
        if !people.contains(&name) {
            people.push(name);
        }
    }
    people
}

/// Whether an activity changes a ticket: what is said on it changes none of its fields. They are told apart by `$type`,
/// since the numbers of the types differ between documents (§11).
fn is_change(row: &Value) -> bool {
    let says = ["comment", "action", "email", "attachment"];
    let mut kinds = items(row).filter_map(|item| Some(text(item, "$type")?.to_lowercase()));
    kinds.any(|kind| {
        let kind = kind.split(',').next().unwrap_or_default();
        let kind = kind.rsplit('.').next().unwrap_or_default();
        !says.iter().any(|word| kind.contains(word))
    })
}

fn items(row: &Value) -> impl Iterator<Item = &Value> {
    let items = member(row, &["ActivityItems"]).and_then(Value::as_array);
    items.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(kind: &str, at: &str, name: &str) -> Value {
        json!({
            "CreatedDate": at, "OwnerId": "u-1", "Owner": {"UserId": "u-1", "Name": name},
            "ActivityItems": [{"$type": format!("Spark.Shared.Models.{kind}, Spark.Shared")}],
        })
    }

    #[test]
    fn people_who_changed_it_since_are_named_the_last_one_first() {
        let rows = [
            row(
                "TicketActivityRevision",
                "2026-03-01T08:00:00Z",
                "Before Then",
            ),
            row("TicketActivityRevision", "2026-03-02T08:00:00Z", "Ada Long"),
            row(
                "TicketActivityComment",
                "2026-03-02T09:00:00Z",
                "Only Said Something",
            ),
            row(
                "TicketActivityWorkflowLog",
                "2026-03-02T10:00:00Z",
                "Bo Short",
            ),
            row("TicketActivityRevision", "2026-03-02T07:00:00Z", "Bo Short"),
        ];
        let since = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(people(&rows, since, None), ["Bo Short", "Ada Long"]);
    }

    #[test]
    fn nobody_is_named_where_the_time_or_the_person_is_not_known() {
        let since = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut nameless = row("TicketActivityRevision", "2026-03-02T08:00:00Z", "");
        nameless["OwnerId"] = Value::Null;
        nameless["Owner"] = Value::Null;
        let rows = [
            nameless,
            row("TicketActivityRevision", "2026-03-02T08:00:00", "No Zone"),
        ];
        assert_eq!(people(&rows, since, None), Vec::<String>::new());
    }
}
