//! What a ticket must show once all requests of its row are done: what it is compared with when it is read back.

use serde_json::Value;

use super::bind::{BoundPlan, field_value};
use super::marker::Marks;
use super::tied::leave_absent;
use super::{MapRows, Mapped};
use crate::error::Fault;
use crate::event::Fallback;
use crate::record::{Record, RowKey};
use crate::systems::fields::{FieldValue, Target};
use crate::systems::{Operation, StepPayload};

/// What is due of a row.
#[derive(Debug, Clone)]
pub enum Due {
    /// A ticket that shows this.
    Ticket(Box<Expected>),
    /// Nothing: a field said `skip_row`, and why.
    Skip(String),
    /// Nothing: what is wrong with the row.
    Faults(Vec<Fault>),
}

/// What the ticket of a row must show.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The requests of the row in order: what they say in texts is compared as it was sent.
    pub steps: Vec<StepPayload>,
    /// The values of its own fields; where tickets are named by the keys of their rows, the keys stand in them.
    pub values: Vec<FieldValue>,
    /// Of an upsert, the values that an update sets.
    pub later: Vec<FieldValue>,
    /// The values of what follows, in order.
    pub following: Vec<FollowingValues>,
    /// The reference that the ticket bears in its description.
    pub reference: Option<String>,
    /// Which fields took something else than their cell says.
    pub fallbacks: Vec<Fallback>,
}

/// The values of one item of a `[[then]]`.
#[derive(Debug, Clone)]
pub struct FollowingValues {
    /// What is done.
    pub operation: Operation,
    /// The name of its first step in the ledger.
    pub step: String,
    /// The ordinal of its steps.
    pub ordinal: u32,
    /// The values.
    pub values: Vec<FieldValue>,
}

impl BoundPlan {
    /// What is due of a record made of these rows. `absent`: the keys that it names and that nothing has.
    pub fn due(&self, rows: &[Record], key: &RowKey, absent: &[RowKey]) -> Due {
        let ready = match self.map_without(rows, key, absent) {
            Mapped::Ready(ready) => ready,
            Mapped::Skip(why) => return Due::Skip(why),
            Mapped::Faults(faults) => return Due::Faults(faults),
        };
        let plan = self.plan();
        let (mut made, _) = self.made(rows, key);
        leave_absent(&plan.fields, &mut made.outcomes, absent);
        let (mut values, mut later) = (Vec::new(), Vec::new());
        for (at, (field, outcome)) in plan.fields.iter().zip(made.outcomes).enumerate() {
            let Some(value) = field_value(field, outcome) else {
                continue;
            };
            let value = FieldValue {
                value: field.tied(value.value),
                ..value
            };
            if let Some(target) = plan.later.get(at).cloned().flatten() {
                later.push(FieldValue {
                    target,
                    value: value.value.clone(),
                });
            }
            // What is made new has nothing to empty.
            if !plan.operation.makes() || !value.value.is_null() {
                values.push(value);
            }
        }
        let mut reference = None;
        match (&plan.marks, ready.reference) {
            (Marks::Description, own) => reference = own,
            (Marks::Field(field), Some(own)) => values.push(FieldValue {
                target: Target::Custom(std::sync::Arc::clone(field)),
                value: Value::String(own),
            }),
            (Marks::Field(_) | Marks::Nothing, _) => {}
        }
        Due::Ticket(Box::new(Expected {
            steps: ready.steps,
            values,
            later,
            following: self.following(rows, absent),
            reference,
            fallbacks: ready.fallbacks,
        }))
    }

    fn following(&self, rows: &[Record], absent: &[RowKey]) -> Vec<FollowingValues> {
        let mut following = Vec::new();
        for (at, ordinal, mut outcomes) in self.follow_items(rows).0 {
            let then = &self.plan().thens[at];
            leave_absent(&then.fields, &mut outcomes, absent);
            let values = then.fields.iter().zip(outcomes);
            let values = values.filter_map(|(field, outcome)| {
                let value = field_value(field, outcome)?;
                Some(FieldValue {
                    value: field.tied(value.value),
                    ..value
                })
            });
            following.push(FollowingValues {
                operation: then.operation(),
                step: then.step(then.operation().as_str()).into_owned(),
                ordinal,
                values: values.collect(),
            });
        }
        following
    }
}
