//! Fields that name another ticket by the key of its row (`resolve = "key"`): which records they name, what is told of those
//! that nothing has, and the step that ties the tickets when all are made.

use std::borrow::Cow;

use serde_json::Value;

use super::apply::{Outcome, Parent};
use super::bind::BoundPlan;
use super::plan::{Compiler, FieldPlan};
use super::shape::{FieldRule, Instead};
use super::{Mapping, Untied};
use crate::error::Fault;
use crate::event::{Fallback, Unfit, UnfitBy};
use crate::intake::Named;
use crate::record::{Record, RowKey};
use crate::systems::fields::{FieldTable, FieldValue, Target, Tie};
use crate::systems::tie::keyed;
use crate::systems::{Operation, StepPayload, tie_step};

impl FieldPlan {
    /// How it ties tickets together, where it names one by its key.
    pub(super) fn tie(&self) -> Option<Tie> {
        self.rule.resolve.by_key?;
        match &self.target {
            Some(Target::Field(field)) => field.tie,
            _ => None,
        }
    }

    /// A key where the id of its ticket will stand.
    pub(super) fn tied(&self, value: Value) -> Value {
        match (self.tie(), &value) {
            (Some(_), Value::String(key)) => keyed(key),
            _ => value,
        }
    }
}

/// Leaves fields out that name one of these keys.
pub(super) fn leave_absent(fields: &[FieldPlan], outcomes: &mut [Outcome], absent: &[RowKey]) {
    if absent.is_empty() {
        return;
    }
    for (field, outcome) in fields.iter().zip(outcomes) {
        if field.tie().is_some()
            && let Outcome::Value(Value::String(key)) = &*outcome
            && absent.contains(&RowKey::new(key.as_str()))
        {
            *outcome = Outcome::LeftAlone;
        }
    }
}

impl Compiler<'_> {
    /// Tells fields that cannot name a ticket by its key.
    pub(super) fn check_ties(&mut self, mapping: &Mapping) {
        let table = self.table;
        for rule in &mapping.fields {
            self.check_tie(rule, table, mapping);
        }
        for then in &mapping.thens {
            let Ok(table) = self.schema.fields(then.operation.value) else {
                continue;
            };
            for rule in &then.fields {
                self.check_tie(rule, table, mapping);
            }
        }
    }

    fn check_tie(&mut self, rule: &FieldRule, table: &FieldTable, mapping: &Mapping) {
        let Some(at) = rule.resolve.by_key else {
            return;
        };
        let name = &rule.name.value;
        let ties = |name: &str| table.get(name).is_some_and(|field| field.tie.is_some());
        if !ties(name) {
            let named: Vec<&str> = table.names().filter(|name| ties(name)).collect();
            let hint = match named.is_empty() {
                true => "leave `resolve` out".to_owned(),
                false => format!("it is for {}", named.join(", ")),
            };
            let message = format!(
                "`{name}` takes no ticket: `resolve = \"key\"` names one by the key of its row"
            );
            self.faults.hint(at, message, hint);
        } else if mapping.operation.makes() && mapping.key.is_none() {
            let message = "`resolve = \"key\"` needs `key`: rows are known by their content here";
            let hint =
                "name the column that tells one ticket from all others: `key = [\"Ticket #\"]`";
            self.faults.hint(at, message, hint);
        }
    }
}

impl BoundPlan {
    /// Whether anything names tickets by their keys.
    pub(super) fn has_ties(&self) -> bool {
        let thens = self.plan().thens.iter().flat_map(|then| &then.fields);
        let mut fields = self.plan().fields.iter().chain(thens);
        fields.any(|field| field.tie().is_some())
    }

    /// What each field names that does: the field, and the key.
    fn tied(&self, rows: &[Record]) -> Vec<(&FieldPlan, Tie, String)> {
        let plan = self.plan();
        let mut tied = Vec::new();
        let mut row = self.row(rows);
        for field in &plan.fields {
            if let Some(tie) = field.tie()
                && self.is_touched(field, rows)
                && let Outcome::Value(Value::String(key)) = row.field(field, Parent::Any, 0)
            {
                tied.push((field, tie, key));
            }
        }
        let ties = |field: &FieldPlan| field.tie().is_some();
        if plan.thens.iter().any(|then| then.fields.iter().any(ties)) {
            for (at, outcomes) in self.follow_fields(rows).0 {
                for (field, outcome) in plan.thens[at].fields.iter().zip(outcomes) {
                    if let (Some(tie), Outcome::Value(Value::String(key))) = (field.tie(), outcome)
                    {
                        tied.push((field, tie, key));
                    }
                }
            }
        }
        tied
    }

    /// Whether the tickets that rows name by their keys are those of earlier runs alone: the rows make none.
    pub(super) fn names_elsewhere(&self) -> bool {
        !self.plan().operation.makes() && self.has_ties()
    }

    /// The records that a record names.
    pub(super) fn named(&self, rows: &[Record]) -> Vec<Named> {
        match self.has_ties() {
            true => (self.tied(rows).into_iter())
                .map(|(_, tie, key)| Named {
                    key: RowKey::new(key),
                    is_above: tie == Tie::Parent,
                })
                .collect(),
            false => Vec::new(),
        }
    }

    /// What becomes of a record that names keys which nothing has.
    pub(super) fn without(&self, rows: &[Record], absent: &[RowKey]) -> Untied {
        let mut untied = Untied::default();
        for (field, _, key) in self.tied(rows) {
            if !absent.contains(&RowKey::new(key.as_str())) {
                continue;
            }
            match &field.rule.resolve.missing {
                Some(Instead::SkipField | Instead::SkipItem) => {
                    let word = Unfit {
                        text: key,
                        by: UnfitBy::Names,
                    };
                    untied.fallbacks.push(Fallback {
                        field: field.rule.name.value.clone(),
                        took: None,
                        word: Some(word),
                    });
                }
                Some(Instead::SkipRow) => {
                    untied.skip = Some(format!("{}: `{key}`", field.rule.name.value));
                }
                _ => {
                    let message = match self.plan().operation.makes() {
                        true => format!(
                            "no row of the input and no ticket of an earlier run has the key `{key}`"
                        ),
                        false => format!("no ticket was made under the key `{key}`"),
                    };
                    let fault = self.fault_of(field, rows, message).value(key);
                    untied.faults.push(fault.hint(
                        "correct the cell, import the file with that row first, or say what else: `missing = { do = \"skip_field\" }`",
                    ));
                }
            }
        }
        untied
    }

    /// What is told of a record that is above itself; `ring`: the rows by which it is.
    pub(super) fn above_itself(&self, rows: &[Record], ring: &[u64]) -> Fault {
        let fields = self.plan().fields.iter();
        let thens = self.plan().thens.iter().flat_map(|then| &then.fields);
        let field = fields
            .chain(thens)
            .find(|field| field.tie() == Some(Tie::Parent));
        let message = match ring {
            [_] => "names the row itself".to_owned(),
            ring => {
                let rows: Vec<String> = ring.iter().chain(&ring[..1]).map(u64::to_string).collect();
                format!("leads back to the row itself: rows {}", rows.join(" → "))
            }
        };
        let fault = match field {
            Some(field) => self.fault_of(field, rows, message),
            None => Fault::row(rows[0].place.clone(), message),
        };
        fault.hint("a ticket is never above itself: empty or correct one of these cells")
    }

    fn fault_of(&self, field: &FieldPlan, rows: &[Record], message: String) -> Fault {
        let place = self.row(rows).record(field).place.clone();
        let mut fault = Fault::row(place, message);
        fault.column = field.label.clone();
        fault.field = Some(field.rule.name.value.clone());
        fault
    }

    /// The steps that tie a ticket to others, from the fields that name them and their keys.
    ///
    /// # Errors
    /// What the system cannot hold.
    pub(super) fn tie_steps(
        &self,
        ties: Vec<FieldValue>,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let mut steps = Vec::new();
        for (ordinal, value) in (0u32..).zip(ties) {
            let plan = self.plan();
            let made = plan
                .schema
                .compose(Operation::Assign, vec![value], plan.notify)?;
            steps.extend(made.into_iter().map(|step| StepPayload {
                step: Cow::Owned(tie_step(&step.step)),
                ordinal,
                body: step.body,
            }));
        }
        Ok(steps)
    }

    /// What a person should know of fields that take the ids of tickets.
    pub(super) fn notes_of_ids(&self) -> Vec<String> {
        let plan = self.plan();
        let fields = plan.fields.iter().filter(|_| plan.operation.makes());
        let thens = plan.thens.iter().flat_map(|then| &then.fields);
        let takes_id = |field: &&FieldPlan| {
            let tie = match &field.target {
                Some(Target::Field(field)) => field.tie,
                _ => None,
            };
            tie.is_some() && field.rule.resolve.by_key.is_none()
        };
        let mut names: Vec<&str> = (fields.chain(thens).filter(takes_id))
            .map(|field| field.rule.name.value.as_str())
            .collect();
        names.dedup();
        names
            .into_iter()
            .map(|name| {
                format!(
                    "`{name}` takes the ids of tickets that are there, and they are not checked; rows of this file are named by their keys with `resolve = \"key\"`"
                )
            })
            .collect()
    }
}
