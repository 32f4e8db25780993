//! ClearFeed without a connection: its fields, and what of a row it cannot promise.

use serde_json::{Value, json};

use super::fields::{Tables, UPDATE};
use super::{compose, dialect, ids, requests};
use crate::directory::CustomField;
use crate::systems::fields::{FieldTable, FieldValue};
use crate::systems::{Dialect, Left, Looks, Operation, Schema, StepPayload, SystemName};

/// ClearFeed without a connection.
#[derive(Debug, Clone)]
pub(super) struct ClearFeedSchema {
    dialect: Dialect,
    /// Whether ids are numbers whatever the dialect.
    numbers: bool,
    tables: Tables,
}

impl ClearFeedSchema {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            numbers: false,
            tables: Tables::new(dialect),
        }
    }

    /// The schema of a workspace that spells its ids as numbers whatever the dialect.
    pub(super) fn with_numbers(self, numbers: bool) -> Self {
        Self { numbers, ..self }
    }
}

impl Schema for ClearFeedSchema {
    fn system(&self) -> SystemName {
        SystemName::ClearFeed
    }

    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn fields(&self, operation: Operation) -> Result<&FieldTable, &'static str> {
        self.tables.of(operation)
    }

    fn create(&self) -> &FieldTable {
        &self.tables.create
    }

    fn compose(
        &self,
        operation: Operation,
        values: Vec<FieldValue>,
        _notify: bool,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let table = self
            .tables
            .of(operation)
            .map_err(|why| vec![(operation.to_string(), why.to_owned())])?;
        compose::compose(self.dialect, operation, table, values)
    }

    fn is_repeatable(&self, call: &str) -> bool {
        // A `PATCH` sets what it sets; an end is made once, since people take note of it.
        !matches!(
            Operation::parse(call),
            Some(Operation::Create | Operation::Comment | Operation::Close)
        )
    }

    fn cannot_silence(&self) -> Option<&'static str> {
        Some(
            "ClearFeed posts every new request, every public comment and changes of state to the Slack channels of its collection, and no switch keeps it from that",
        )
    }

    fn leaves<'s>(&self, steps: &'s [StepPayload]) -> Left<'s> {
        let member = dialect::status_member(self.dialect);
        let said = steps.iter().rev();
        let mut said = said.filter_map(|step| step.body.get(member)?.as_str());
        match said.next() {
            None | Some("open") => Left::Open,
            Some("closed") => Left::Closed,
            Some(other) => Left::State(other),
        }
    }

    fn sets_off(&self, call: &str) -> Option<&'static str> {
        match Operation::parse(call) {
            Some(
                Operation::Create | Operation::Comment | Operation::Close | Operation::SetStatus,
            ) => Some("are posted to Slack"),
            _ => None,
        }
    }

    fn unforeseen(&self, steps: &[&str]) -> Vec<&'static str> {
        let mut reasons =
            vec!["what the token may do, and whether each collection takes new requests"];
        let moves = [UPDATE, "set_status", "close"];
        if moves.iter().any(|step| steps.contains(step)) {
            reasons.push("whether the workspace allows the move to each status");
        }
        reasons
    }

    fn custom_key<'f>(&self, field: &'f CustomField) -> &'f str {
        dialect::custom_key(self.dialect, field)
    }

    fn looks(&self, call: &str, body: &Value) -> Looks {
        requests::looks(call, body)
    }

    fn ticket_id(&self, id: &str) -> String {
        ids::canonical(self.dialect, self.numbers, id)
    }

    fn spellings(&self, id: &str) -> Vec<String> {
        ids::spellings(self.dialect, self.numbers, id)
    }

    fn invalid_create(&self, title: &str, text: &str) -> Value {
        // No workspace has such a collection, whose id is a number in one dialect and a text in the other.
        let collection = match self.dialect {
            Dialect::Rest => json!(0),
            _ => json!("col_no_such_collection"),
        };
        json!({"collection_id": collection, "title": title, "description": text,
               "priority": "no such priority"})
    }

    fn group(&self, body: &Value) -> String {
        match &body["collection_id"] {
            Value::String(id) => id.clone(),
            Value::Null => String::new(),
            id => id.to_string(),
        }
    }
}
