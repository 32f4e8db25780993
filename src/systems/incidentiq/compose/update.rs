//! An update: what has a narrow call goes by it, the rest by one whole-ticket update that leaves out what it does not
//! name (contract incidentiq §8).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::custom::custom_text;
use super::{Composed, SWITCHES, items, objects, one_of, payload, step_body, steps_of};
use crate::html;
use crate::systems::fields::{FieldValue, Setting, Target};
use crate::systems::given::Faults;
use crate::systems::incidentiq::fields::{
    ASSETS, ASSIGN, COMMENT_CHANGE, CUSTOM_FIELDS, DESCRIPTION, DUE_DATE, FOLLOW, ISSUE, PRIORITY,
    SENSITIVE, SLA, STATUS, SUBJECT, TAGS, UNFOLLOW, URGENT, WHOLE,
};
use crate::systems::{Operation, StepPayload};

/// The order in which the narrow calls go: the issue first, since it decides which custom fields there are, and the
/// status last, since it may end what may be changed.
const STEPS: [&str; 16] = [
    ISSUE,
    CUSTOM_FIELDS,
    SUBJECT,
    DESCRIPTION,
    URGENT,
    SENSITIVE,
    ASSETS,
    PRIORITY,
    TAGS,
    ASSIGN,
    SLA,
    DUE_DATE,
    FOLLOW,
    UNFOLLOW,
    COMMENT_CHANGE,
    STATUS,
];

/// What every ticket has: it can be changed, not emptied.
const NEVER_EMPTY: [&str; 9] = [
    "ForId",
    "OwnerId",
    "IssueId",
    "LocationId",
    "Subject",
    "SourceId",
    "ProductId",
    "Priority",
    "WorkflowStepId",
];

/// The steps of an update, none where nothing is given. A null empties its field.
pub(in crate::systems::incidentiq) fn update(values: Vec<FieldValue>, notify: bool) -> Composed {
    let mut change = Change::default();
    let mut faults = Faults::new();
    for FieldValue { target, value } in values {
        let (name, taken) = match target {
            Target::Custom(field) => {
                let name = format!("custom.{}", field.name);
                let text = match value {
                    Value::Null => Ok(Value::Null),
                    value => custom_text(&field, &value).map(Value::String),
                };
                let taken = text.map(|text| {
                    let value = json!({"CustomFieldTypeId": field.id, "Value": text});
                    change.custom.push(value);
                });
                (name, taken)
            }
            Target::Field(field) => {
                let taken = change.take(field.name, field.setting, value);
                (field.name.to_owned(), taken)
            }
        };
        if let Err(message) = taken {
            faults.push((name, message));
        }
    }
    if let Some(comment) = change.narrow.get(COMMENT_CHANGE) {
        faults.extend(wrong_comment(comment));
    }
    match faults.is_empty() {
        true => Ok(steps_of(Operation::Update, change.payloads(notify))),
        false => Err(faults),
    }
}

/// What is to be changed, by the call that changes it.
#[derive(Default)]
struct Change {
    whole: Map<String, Value>,
    narrow: BTreeMap<&'static str, Map<String, Value>>,
    custom: Vec<Value>,
}

impl Change {
    fn take(&mut self, name: &'static str, setting: Setting, value: Value) -> Result<(), String> {
        let is_nothing = items(value.clone()).is_empty();
        if value.is_null() && NEVER_EMPTY.contains(&name) {
            return Err("every ticket has one: it can be changed, not emptied".to_owned());
        }
        match (setting, name) {
            (Setting::Never(instead), _) => return Err(instead.to_owned()),
            (_, "ParentTicketId") if value.is_null() => {
                return Err(
                    "no call takes a ticket away from the one it belongs under: do it in IncidentIQ"
                        .to_owned(),
                );
            }
            (_, "RelatedTicketId") if value.is_null() => {
                return Err("an empty cell names no ticket: `UnrelatedTicketId` of an assignment takes one away".to_owned());
            }
            // The narrow calls have no form for none.
            (_, "DueDate") if value.is_null() => {
                self.whole.insert(name.to_owned(), Value::Null);
            }
            (_, "Tags" | "Assets") if is_nothing => {
                self.whole.insert(name.to_owned(), json!([]));
                self.whole.insert(format!("Update{name}"), json!(true));
            }
            (Setting::Own, _) => {
                self.whole.insert(name.to_owned(), value);
            }
            (Setting::Step(step), _) => {
                let members = self.narrow.entry(step).or_default();
                members.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    fn payloads(mut self, notify: bool) -> Vec<StepPayload> {
        let mut payloads = Vec::new();
        if !self.whole.is_empty() {
            self.whole.insert(WHOLE.to_owned(), json!(false));
            self.whole
                .insert("BypassSubjectUpdate".to_owned(), json!(true));
            if !notify {
                let off = SWITCHES.map(|name| (name.to_owned(), json!(false)));
                self.whole.extend(off);
            }
            payloads.push(payload("update", Value::Object(self.whole)));
        }
        for step in STEPS {
            let members = self.narrow.remove(step).unwrap_or_default();
            match step {
                CUSTOM_FIELDS if !self.custom.is_empty() => {
                    let custom = Value::Array(std::mem::take(&mut self.custom));
                    payloads.push(payload(step, custom));
                }
                _ if members.is_empty() => {}
                FOLLOW | UNFOLLOW => payloads.extend(followers(step, members)),
                COMMENT_CHANGE => payloads.extend(comment_changes(members)),
                _ => payloads.push(payload(step, narrow_body(step, members, notify))),
            }
        }
        payloads
    }
}

/// The body of a narrow call.
fn narrow_body(step: &str, mut members: Map<String, Value>, notify: bool) -> Value {
    match step {
        DESCRIPTION => json!({"Description": members.remove("IssueDescription")}),
        ASSETS => objects("AssetId", members.remove("Assets").unwrap_or_default()),
        // Neither urgent nor sensitive is what an empty cell says.
        URGENT | SENSITIVE => members
            .into_iter()
            .map(|(name, value)| (name, json!(value == json!(true))))
            .collect(),
        _ => step_body(step, members, notify),
    }
}

/// What is wrong with the fields that change a comment.
fn wrong_comment(members: &Map<String, Value>) -> Option<(String, String)> {
    let fault = |field: &str, message: &str| Some((field.to_owned(), message.to_owned()));
    let has = |name: &str| members.get(name).is_some_and(|value| !value.is_null());
    if !has("CommentId") {
        return fault(
            "CommentId",
            "names no comment, which the fields beside it are for",
        );
    }
    match (
        has("CommentText"),
        has("CommentIsPublic"),
        has("CommentIsDeleted"),
    ) {
        // The call for the text sets both, and nothing tells what the comment was.
        (true, false, _) => fault(
            "CommentIsPublic",
            "is empty: a new text sets anew whether the requestor sees the comment",
        ),
        (false, false, false) => fault("CommentId", "is to change, but nothing says how"),
        _ => None,
    }
}

/// What changes a comment, one request each: its text with who sees it, or that alone, then whether it is deleted.
fn comment_changes(mut members: Map<String, Value>) -> impl Iterator<Item = StepPayload> {
    let id = members.remove("CommentId").unwrap_or_default();
    let mut take = |name: &str| members.remove(name).filter(|value| !value.is_null());
    let is_public = take("CommentIsPublic");
    let said = match (take("CommentText"), is_public) {
        (Some(text), is_public) => {
            let text = html::of(text.as_str().unwrap_or_default().to_owned());
            Some(json!({"CommentId": id, "CommentText": text, "CommentIsPublic": is_public}))
        }
        (None, Some(is_public)) => Some(json!({"CommentId": id, "CommentIsPublic": is_public})),
        (None, None) => None,
    };
    let deleted = take("CommentIsDeleted")
        .map(|is_deleted| json!({"CommentId": id, "CommentIsDeleted": is_deleted}));
    let bodies = said.into_iter().chain(deleted);
    (1..)
        .zip(bodies)
        .map(|(nth, body)| one_of(COMMENT_CHANGE, nth, body))
}

/// One request for each follower.
fn followers(call: &'static str, members: Map<String, Value>) -> impl Iterator<Item = StepPayload> {
    let ids = members.into_iter().flat_map(|(name, ids)| {
        let member = name.trim_end_matches('s').to_owned();
        items(ids)
            .into_iter()
            .map(move |id| json!({member.clone(): id}))
    });
    (1..)
        .zip(ids)
        .map(move |(nth, body)| one_of(call, nth, body))
}
