//! Which fields of a ticket the requests of a row set, and how that differs from what it holds.

use super::bind::{BoundPlan, field_value};
use crate::record::{Record, RowKey};
use crate::systems::common::CommonTicket;
use crate::systems::diff::{Difference, differences};
use crate::systems::fields::FieldValue;
use crate::systems::{Operation, StepPayload};

impl BoundPlan {
    pub(super) fn changes(
        &self,
        rows: &[Record],
        key: &RowKey,
        sent: &[StepPayload],
        mut ticket: CommonTicket,
    ) -> Vec<Difference> {
        let plan = self.plan();
        let (made, _) = self.made(rows, key);
        let fields = plan.fields.iter().zip(made.outcomes).enumerate();
        let values: Vec<FieldValue> = fields
            .filter_map(|(at, (field, outcome))| {
                let value = field_value(field, outcome)?;
                match plan.upserts() {
                    true => Some(FieldValue {
                        target: plan.later.get(at).cloned().flatten()?,
                        ..value
                    }),
                    false => Some(value),
                }
            })
            .collect();
        ticket.fill_names(&plan.directory);
        let values = self.sent_values(values, sent);
        differences(&ticket, &values, &plan.directory)
    }

    /// Those of the values that stand in the requests that are to be sent: which request sets what is known to the
    /// system alone, so that each value is left out once to see which one changes.
    fn sent_values(&self, values: Vec<FieldValue>, sent: &[StepPayload]) -> Vec<FieldValue> {
        let plan = self.plan();
        let operation = match plan.operation {
            Operation::Upsert => Operation::Update,
            other => other,
        };
        let compose = |values| plan.schema.compose(operation, values, plan.notify);
        let Ok(whole) = compose(values.clone()) else {
            return values;
        };
        let is_sent = |at: usize| {
            let mut others = values.clone();
            others.remove(at);
            // What the operation cannot do without is in what is sent.
            let Ok(without) = compose(others) else {
                return true;
            };
            whole
                .iter()
                .filter(|step| !without.iter().any(|other| other.body == step.body))
                .any(|step| sent.iter().any(|sent| sent.body == step.body))
        };
        let keep: Vec<bool> = (0..values.len()).map(is_sent).collect();
        let kept = values.into_iter().zip(keep);
        kept.filter_map(|(value, keep)| keep.then_some(value))
            .collect()
    }
}
