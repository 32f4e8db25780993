//! A ticket as a record: the columns that a mapping of a migration reads.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::said;
use crate::files::OF_DESK;
use crate::systems::Standing;
use crate::systems::common::{Attachment, Comment, CommonTicket, CustomValue, Named};

/// The column that names the tenant of the source. A key must have it, so that two sources never share a key.
pub const SOURCE: &str = "source";
/// The column with the source's id of a ticket.
pub const ID: &str = "id";
/// The column with what was said.
pub const COMMENTS: &str = "comments";
/// The column with the source's text.
pub const DESCRIPTION: &str = "description";
/// The column with the tickets of the source that the description names, a line each.
pub const REFERENCES: &str = "references";
/// The column that says whether this pass or an earlier one has found the ticket closed.
pub const WAS_CLOSED: &str = "was_closed";

/// A ticket as a record. The columns are the same for every ticket, so that a mapping can name one that is empty in all of
/// them; only custom fields and the system's own members are there as the ticket has them.
pub fn record(ticket: &CommonTicket, tenant: &str) -> Map<String, Value> {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
    put(SOURCE, json!(tenant));
    put("source.system", json!(ticket.system));
    put(ID, json!(ticket.id));
    put("number", json!(ticket.number));
    put("url", json!(ticket.url));
    put("title", json!(ticket.title));
    put(DESCRIPTION, json!(ticket.description));
    put(REFERENCES, Value::Null);
    put("standing", json!(standing(ticket.standing)));
    put(WAS_CLOSED, json!(false));
    for (name, named) in [
        ("state", &ticket.state),
        ("priority", &ticket.priority),
        ("requester", &ticket.requester),
        ("assignee", &ticket.assignee),
        ("team", &ticket.team),
        ("place", &ticket.place),
        ("category", &ticket.category),
    ] {
        put(name, label(named.as_ref()));
        let id = named.as_ref().and_then(|named| named.id.as_ref());
        put(&format!("{name}.id"), json!(id));
    }
    for (name, person) in [
        ("requester", &ticket.requester),
        ("assignee", &ticket.assignee),
    ] {
        let email = person.as_ref().and_then(|person| person.email.as_ref());
        put(&format!("{name}.email"), json!(email));
    }
    let devices: Vec<&str> = ticket.devices.iter().map(Named::label).collect();
    put("devices", json!(devices));
    put("tags", json!(ticket.tags));
    for (name, at) in [
        ("created", ticket.created),
        ("updated", ticket.updated),
        ("closed", ticket.closed),
        ("due", ticket.due),
    ] {
        put(name, moment(at));
    }
    let comments = ticket.comments.iter().zip(1_u64..);
    let comments: Vec<Value> = comments.map(|(said, nth)| comment(said, nth)).collect();
    put("comments.count", json!(comments.len()));
    put(COMMENTS, Value::Array(comments));
    let attachments: Vec<Value> = ticket.attachments.iter().map(attachment).collect();
    put("attachments.count", json!(attachments.len()));
    put("attachments", Value::Array(attachments));
    let custom: Map<String, Value> = ticket.custom.iter().filter_map(custom).collect();
    if !custom.is_empty() {
        put("custom", Value::Object(custom));
    }
    let mut own: Vec<_> = ticket.other.iter().collect();
    // Headings are found without case: the columns above go first.
    own.retain(|(name, _)| !record.keys().any(|taken| taken.eq_ignore_ascii_case(name)));
    for (name, value) in own {
        record.insert(name.clone(), value.clone());
    }
    record
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "open",
        Standing::Closed => "closed",
        Standing::Gone => "deleted",
    }
}

fn label(named: Option<&Named>) -> Value {
    let label = named.map(Named::label).filter(|label| !label.is_empty());
    json!(label)
}

fn moment(at: Option<Timestamp>) -> Value {
    json!(at.map(|at| at.to_string()))
}

fn comment(comment: &Comment, nth: u64) -> Value {
    let author = comment.author.as_ref();
    json!({
        "number": nth,
        "head": said::line(comment),
        "author": said::person(author),
        "author_name": author.and_then(|author| author.name.as_ref()),
        "author_email": author.and_then(|author| author.email.as_ref()),
        "author_id": author.and_then(|author| author.id.as_ref()),
        "at": comment.at.map(said::time),
        "time": moment(comment.at),
        "public": comment.public,
        "text": comment.text,
    })
}

fn attachment(file: &Attachment) -> Value {
    json!({
        "id": file.id,
        // Where the file is read when it is sent: in the desk that the ticket is of.
        "file": file.id.as_ref().or(file.url.as_ref()).map(|known| match &file.id {
            Some(id) => format!("{OF_DESK}{id}"),
            None => known.clone(),
        }),
        "name": file.name,
        "url": file.url,
        "bytes": file.bytes,
        "time": moment(file.at),
    })
}

fn custom(value: &CustomValue) -> Option<(String, Value)> {
    let name = value.name.as_ref().or(value.id.as_ref())?;
    Some((name.clone(), value.value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::SystemName;

    fn ticket() -> CommonTicket {
        CommonTicket {
            number: Some("10007".to_owned()),
            title: Some("No picture".to_owned()),
            requester: Some(Named {
                id: Some("u1".to_owned()),
                name: Some("Ann Lee".to_owned()),
                email: Some("ann@school.example".to_owned()),
            }),
            custom: vec![CustomValue {
                id: Some("f1".to_owned()),
                name: Some("Legacy ID".to_owned()),
                value: json!("A-7"),
            }],
            comments: vec![Comment {
                author: None,
                at: None,
                public: Some(false),
                text: "Ordered".to_owned(),
            }],
            created: "2024-06-21T14:05:09Z".parse().ok(),
            other: json!({"Number": 1, "IsUrgent": true})
                .as_object()
                .cloned()
                .unwrap(),
            ..CommonTicket::new(SystemName::IncidentIq, "t1".to_owned())
        }
    }

    #[test]
    fn a_record_has_the_names_of_the_common_ticket() {
        let record = record(&ticket(), "north");
        assert_eq!(record[SOURCE], "north");
        assert_eq!(record[ID], "t1");
        assert_eq!(record["requester"], "Ann Lee");
        assert_eq!(record["requester.email"], "ann@school.example");
        assert_eq!(record["custom"]["Legacy ID"], "A-7");
        assert_eq!(record["created"], "2024-06-21T14:05:09Z");
        assert_eq!(record["comments"][0]["public"], false);
        assert_eq!(record["comments.count"], 1);
        assert_eq!(record["IsUrgent"], true);
        // A column of the common ticket is never hidden by one of the system's own.
        assert_eq!(record["number"], "10007");
        assert!(!record.contains_key("Number"));
    }

    #[test]
    fn two_people_with_one_address_stay_two_and_a_comment_without_text_keeps_its_line() {
        let by = |name: &str, text: &str| Comment {
            author: Some(Named {
                id: Some(name.to_lowercase()),
                name: Some(name.to_owned()),
                email: Some("desk@school.example".to_owned()),
            }),
            at: "2024-06-21T14:05:09Z".parse().ok(),
            public: Some(true),
            text: text.to_owned(),
        };
        let ticket = CommonTicket {
            comments: vec![by("Ann", "first"), by("Bob", "")],
            ..ticket()
        };
        let record = record(&ticket, "north");
        let heads: Vec<_> = (record[COMMENTS].as_array().unwrap().iter())
            .map(|said| said["head"].as_str().unwrap())
            .collect();
        assert_eq!(
            heads,
            [
                "[2024-06-21 14:05:09 UTC] Ann (desk@school.example), public reply:",
                "[2024-06-21 14:05:09 UTC] Bob (desk@school.example), public reply:",
            ]
        );
    }

    #[test]
    fn a_file_is_read_in_the_desk_that_the_ticket_is_of() {
        let file = |id: Option<&str>| Attachment {
            id: id.map(str::to_owned),
            name: "a.png".to_owned(),
            url: Some("https://desk.example/files/7".to_owned()),
            bytes: Some(7),
            at: None,
        };
        let ticket = CommonTicket {
            attachments: vec![file(Some("7")), file(None)],
            ..ticket()
        };
        let record = record(&ticket, "north");
        assert_eq!(record["attachments"][0]["file"], "desk:7");
        assert_eq!(
            record["attachments"][1]["file"],
            "https://desk.example/files/7"
        );
    }

    #[test]
    fn every_ticket_has_the_same_columns() {
        let bare = CommonTicket::new(SystemName::ClearFeed, "352".to_owned());
        let bare = record(&bare, "acme");
        let full = record(&ticket(), "north");
        let further = full.keys().filter(|name| !bare.contains_key(*name));
        assert_eq!(further.collect::<Vec<_>>(), ["custom", "IsUrgent"]);
        assert_eq!(bare["due"], Value::Null);
    }
}
