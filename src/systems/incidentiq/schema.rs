//! IncidentIQ without a connection: its fields, and what of a row it cannot promise.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::bulk;
use super::compose;
use super::envelope::canonical;
use super::fields::{ACTION, ASSIGN, FOLLOW, ISSUE, STATUS, Tables, UNFOLLOW};
use super::listing;
use super::parts;
use crate::systems::attach::{ATTACH, FileRules};
use crate::systems::bulk::Bulk;
use crate::systems::fields::{FieldTable, FieldValue};
use crate::systems::{
    CREATE, Dialect, Left, Looks, Operation, Schema, StepPayload, SystemName, call_of,
};

/// The product *Ticketing* (§5), for a tenant that names no other.
pub(super) const TICKETING: &str = "88df910c-91aa-e711-80c2-0004ffa00010";

/// `SourceId` of a ticket that came by the API (§6).
const SOURCE_API: i64 = 3;

/// IncidentIQ without a connection.
#[derive(Debug, Clone)]
pub(super) struct IncidentIqSchema {
    tables: Tables,
    /// The bodies of a create before any value: one that notifies, one that does not.
    loud: Map<String, Value>,
    quiet: Map<String, Value>,
}

impl IncidentIqSchema {
    pub(super) fn new(constants: &BTreeMap<String, String>) -> Self {
        let mut constants = constants.clone();
        constants
            .entry("ProductId".to_owned())
            .or_insert_with(|| TICKETING.to_owned());
        Self {
            tables: Tables::new(),
            loud: empty_create(&constants, true),
            quiet: empty_create(&constants, false),
        }
    }
}

/// The body of a create before any value: what the contract wants always sent (§7).
fn empty_create(constants: &BTreeMap<String, String>, notify: bool) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, value) in constants {
        body.insert(name.clone(), Value::String(value.clone()));
    }
    body.insert("SourceId".to_owned(), json!(SOURCE_API));
    for name in ["IsUrgent", "HasSensitiveInformation", "IsTraining"] {
        body.insert(name.to_owned(), Value::Bool(false));
    }
    if !notify {
        for name in compose::SWITCHES {
            body.insert(name.to_owned(), Value::Bool(false));
        }
    }
    body
}

impl Schema for IncidentIqSchema {
    fn system(&self) -> SystemName {
        SystemName::IncidentIq
    }

    fn dialect(&self) -> Dialect {
        Dialect::Only
    }

    fn fields(&self, operation: Operation) -> Result<&FieldTable, &'static str> {
        Ok(self.tables.of(operation))
    }

    fn create(&self) -> &FieldTable {
        &self.tables.create
    }

    fn compose(
        &self,
        operation: Operation,
        values: Vec<FieldValue>,
        notify: bool,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let table = self.tables.of(operation);
        match operation {
            Operation::Create | Operation::Upsert => {
                let empty = if notify { &self.loud } else { &self.quiet };
                compose::create(empty, values)
            }
            Operation::Update => compose::update(values, notify),
            Operation::Comment => compose::comment(table, values, notify),
            Operation::Assign => compose::assign(table, values),
            Operation::SetStatus => compose::set_status(table, values),
            Operation::Close => compose::close(table, values),
            Operation::Delete => compose::delete(table, values),
            Operation::Subtask => compose::subtask(table, values),
            Operation::Attach => compose::attach(table, values),
        }
    }

    fn leaves<'s>(&self, steps: &'s [StepPayload]) -> Left<'s> {
        let mut left = Left::Open;
        for step in steps {
            match call_of(&step.step) {
                "close" => left = Left::Closed,
                STATUS | "set_status" => {
                    let text = |member: &str| step.body.get(member).and_then(Value::as_str);
                    match (text("WorkflowStepId"), text("Action")) {
                        (Some(id), _) => left = Left::Status(id),
                        (None, Some("resolve" | "cancel" | "duplicate")) => left = Left::Closed,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        left
    }

    fn is_repeatable(&self, call: &str) -> bool {
        // Every other step sets what it sets; an end is made once, since rules and people take note of it.
        !matches!(
            Operation::parse(call),
            Some(
                Operation::Create
                    | Operation::Comment
                    | Operation::Subtask
                    | Operation::Attach
                    | Operation::Close
                    | Operation::Delete
            )
        )
    }

    /// Contract incidentiq §14, §21: 413 beyond about 25 MB, which "may vary by site".
    fn files(&self) -> Option<FileRules> {
        Some(FileRules { most: 25 << 20 })
    }

    fn bulk(&self) -> Option<Bulk> {
        Some(bulk::BULK)
    }

    fn bulk_call(&self, call: &str, body: &Value) -> Option<&'static str> {
        bulk::name(call, body)
    }

    fn parts(&self) -> &'static [&'static str] {
        &parts::PARTS
    }

    fn cannot_silence(&self) -> Option<&'static str> {
        Some(
            "creates and updates of a whole ticket are sent with rules, notifications and e-mail off. Comments and resolution actions always run the tenant's rules (a common one reopens a closed ticket); only their e-mails are kept back. For what has a call of its own (subject, priority, tags, assignment, due date, status, closing) IncidentIQ has no switch, and rules may fire",
        )
    }

    /// Contract incidentiq §21: `activities/new` "always runs workflow rules".
    fn sets_off(&self, call: &str) -> Option<&'static str> {
        match call {
            CREATE | "update" | ISSUE | FOLLOW | UNFOLLOW => None,
            "comment" | ACTION => Some("always run the tenant's rules"),
            _ => Some("may fire the tenant's rules"),
        }
    }

    fn unforeseen(&self, steps: &[&str]) -> Vec<&'static str> {
        let mut reasons = vec![
            "what the token may do, and fields that the tenant's own rules demand of an issue or a location",
        ];
        let moves = [STATUS, "set_status", "close"];
        if moves.iter().any(|step| steps.contains(step)) {
            reasons.push("whether the workflow allows the move to each status");
        }
        if steps.contains(&ATTACH) {
            reasons.push("how large a file the site takes: about 25 MB, some sites less");
        }
        if steps.contains(&ASSIGN) {
            reasons.push("whether each agent and team may be given tickets of their location");
        }
        reasons
    }

    fn looks(&self, call: &str, body: &Value) -> Looks {
        listing::looks(call, body)
    }

    fn ticket_id(&self, id: &str) -> String {
        canonical(id)
    }

    fn spellings(&self, id: &str) -> Vec<String> {
        let canonical = canonical(id);
        let given = id.trim().to_owned();
        match given == canonical {
            true => vec![canonical],
            false => vec![canonical, given],
        }
    }

    fn invalid_create(&self, title: &str, text: &str) -> Value {
        // §17: an id that is none is refused, and so is a ticket for nobody about nothing.
        let mut body = Value::Object(self.quiet.clone());
        body["Subject"] = json!(title);
        body["IssueDescription"] = json!(text);
        for name in ["ForId", "IssueId", "LocationId"] {
            body[name] = json!("no such id");
        }
        body
    }

    fn group(&self, body: &Value) -> String {
        body["ProductId"]
            .as_str()
            .unwrap_or_default()
            .to_ascii_lowercase()
    }
}

#[cfg(test)]
mod heard_tests {
    use super::*;

    #[test]
    fn comments_and_actions_always_run_rules_and_a_quiet_create_does_not() {
        let schema = IncidentIqSchema::new(&BTreeMap::new());
        for call in ["comment", ACTION] {
            assert_eq!(schema.sets_off(call), Some("always run the tenant's rules"));
        }
        for call in ["close", ASSIGN, STATUS] {
            assert_eq!(schema.sets_off(call), Some("may fire the tenant's rules"));
        }
        assert_eq!(schema.sets_off(CREATE), None);
        let said = schema.cannot_silence().unwrap();
        assert!(
            said.contains("Comments and resolution actions always run"),
            "{said}"
        );
    }
}
