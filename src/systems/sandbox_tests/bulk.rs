//! One request for many tickets: what it sets is what is read back, for every change that has one.

use std::collections::BTreeSet;

use super::desk::Desk;
use super::*;
use crate::systems::bulk::BulkCall;

/// A ticket that is not there.
fn ghost() -> Ticket {
    Ticket {
        id: Uuid::from_u128(7).to_string(),
        ..Ticket::default()
    }
}

impl Desk {
    async fn another(&self) -> Ticket {
        let steps = [StepPayload {
            step: CREATE.into(),
            ordinal: 0,
            body: plain_create(self.schema.as_ref(), &self.snapshot),
        }];
        send(self.system.as_ref(), &steps).await
    }

    async fn shown(&self, step: &StepPayload, tickets: &[Ticket], closely: bool) -> Vec<bool> {
        let free = Free::default();
        let call = BulkCall {
            step: &step.step,
            body: &step.body,
            tickets,
        };
        self.system.shown(call, closely, &free).await.unwrap()
    }

    /// Every change that one request can make to many tickets.
    pub(super) async fn in_bulk(&self) {
        let tickets = [self.another().await, self.another().await];
        let issues = &self.snapshot.kinds[&Kind::Issue].entries;
        let custom = values(self.schema.as_ref(), &self.snapshot, &[]);
        let custom = self
            .schema
            .compose(Operation::Update, custom, false)
            .unwrap();
        let of = |operation, given: &[(&str, Value)]| self.compose(operation, given);
        let agent = self.id(Kind::User, "helpdesk@district.example");
        let all = [
            of(
                Operation::Assign,
                &[
                    ("AssignedToUserId", agent.clone()),
                    ("AssignedToTeamId", self.first(Kind::Team)),
                    ("SlaId", self.first(Kind::Sla)),
                ],
            ),
            of(Operation::Assign, &[("unassign", json!(["sla"]))]),
            of(
                Operation::Update,
                &[
                    ("IssueId", json!(issues[0].id)),
                    ("Priority", self.id(Kind::Priority, "High")),
                    ("DueDate", json!("2030-01-02T15:00:00-06:00")),
                ],
            ),
            custom,
            of(
                Operation::SetStatus,
                &[("WorkflowStepId", self.id(Kind::Status, "In Progress"))],
            ),
            of(
                Operation::Close,
                &[("CloseReasonTypeId", self.first(Kind::CloseReason))],
            ),
            of(Operation::Delete, &[]),
        ];
        let mut names = BTreeSet::new();
        for step in all.iter().flatten() {
            let name = self.schema.bulk_call(&step.step, &step.body);
            let name = name.unwrap_or_else(|| panic!("{}: {}", step.step, step.body));
            assert_eq!(
                self.shown(step, &tickets, true).await,
                [false, false],
                "{name}"
            );
            let call = BulkCall {
                step: &step.step,
                body: &step.body,
                tickets: &tickets,
            };
            let outcome = self.system.perform_bulk(call).await.outcome;
            assert!(matches!(outcome, Outcome::Done(_)), "{name}: {outcome:?}");
            assert_eq!(
                self.shown(step, &tickets, false).await,
                [true, true],
                "{name}"
            );
            names.insert(name);
        }
        assert_eq!(names.len(), 10, "{names:?}");
        self.left_out(&all, &tickets[0]).await;
    }

    /// What a listing leaves out is read by itself: one that is not there at all shows a deletion and nothing else.
    async fn left_out(&self, all: &[Vec<StepPayload>], deleted: &Ticket) {
        let tickets = [deleted.clone(), ghost()];
        for step in all.iter().flatten() {
            let is_delete = *step.step == *"delete";
            let far = self.shown(step, &tickets, false).await;
            let near = self.shown(step, &tickets, true).await;
            assert_eq!((far[1], near[1]), (false, is_delete), "{}", step.step);
        }
    }
}

#[tokio::test]
async fn a_job_of_which_a_part_fails_is_seen_ticket_by_ticket() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let tickets = [desk.another().await, ghost()];
        let priority = [("Priority", desk.id(Kind::Priority, "High"))];
        let step = desk.compose(Operation::Update, &priority).remove(0);
        let call = BulkCall {
            step: &step.step,
            body: &step.body,
            tickets: &tickets,
        };
        let outcome = desk.system.perform_bulk(call).await.outcome;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        assert_eq!(desk.shown(&step, &tickets, true).await, [true, false]);
        desk.sandbox.stop().await.unwrap();
    }
}
