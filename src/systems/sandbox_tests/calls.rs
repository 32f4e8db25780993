//! Every call of the contracts that this client makes, made once: what it sends and what comes back are of the
//! contract, and no schema is there for nothing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use reqwest::Method;

use super::desk::Desk;
use super::*;
use crate::systems::common::CommonTicket;
use crate::systems::page::{Axis, Mark, PageAsk, Shown};
use crate::systems::query::{Query, Span};

impl Desk {
    /// Reads everything that can be read.
    async fn reads(&self) {
        let free = Free::default();
        self.system
            .ticket(&self.ticket.id, &free)
            .await
            .unwrap()
            .unwrap();
        let number = self.ticket.number.clone().unwrap();
        self.system
            .find_ticket(&number, &free)
            .await
            .unwrap()
            .unwrap();
        self.system.sample("screen", &free).await.unwrap();
        listed(self.system.as_ref()).await;
        self.system.examine(&free).await;
        for words in [vec![], vec!["screen".to_owned()]] {
            let query = Query {
                words,
                ..Query::default()
            };
            let mut take = |_: Vec<CommonTicket>| ControlFlow::Break(());
            self.system.search(&query, &free, &mut take).await.unwrap();
        }
        let whole = Query::default();
        for axis in [Axis::Created, Axis::Updated] {
            for with_comments in [false, true] {
                let ask = PageAsk {
                    query: &whole,
                    is_filtered: true,
                    axis,
                    span: Span::default(),
                    is_newest_first: with_comments,
                    mark: Mark::First,
                    with_comments,
                    leaves_out_deleted: false,
                };
                let page = self.system.page(&ask, &free).await.unwrap();
                let is_own = |shown: &Shown| shown.ticket.id == self.ticket.id;
                assert!(page.tickets.iter().any(is_own));
            }
        }
        for part in self.schema.parts() {
            self.system
                .part(&self.ticket.id, part, &free)
                .await
                .unwrap();
        }
    }

    async fn part(&self, part: &str) -> Vec<Value> {
        let free = Free::default();
        self.system
            .part(&self.ticket.id, part, &free)
            .await
            .unwrap()
    }

    async fn acts(&self, action: &str, given: &[(&str, Value)]) -> Value {
        let given = [&[("action", json!(action))], given].concat();
        self.does(Operation::SetStatus, &given).await
    }

    async fn on_subtask(&self, action: &str, given: &[(&str, Value)]) -> Value {
        let given = [
            &[("Subject", json!("Order")), ("action", json!(action))],
            given,
        ]
        .concat();
        self.does(Operation::Subtask, &given).await;
        self.part("subtasks").await.remove(0)
    }
}

/// What is made of all calls that have a schema of a request, and what nobody made.
#[derive(Default)]
struct Made(BTreeSet<String>, BTreeSet<String>);

impl Made {
    fn add(&mut self, desk: &Desk) {
        let shapes = desk.recorder.check();
        self.0.extend(shapes.known(true));
        self.1.extend(shapes.requested);
    }

    fn is_all(&self) {
        let unused: Vec<_> = self.0.difference(&self.1).collect();
        assert!(unused.is_empty(), "{unused:#?}");
    }
}

#[tokio::test]
async fn every_call_to_incidentiq_is_of_the_contract() {
    let mut made = Made::default();
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let agent = desk.id(Kind::User, "helpdesk@district.example");
        let (team, level) = (desk.first(Kind::Team), desk.first(Kind::Sla));
        let new = [
            ("Subject", json!("Another")),
            ("IssueDescription", json!("Ref: fault/2")),
            ("ForId", agent.clone()),
            ("OwnerId", desk.first(Kind::User)),
            ("IssueId", desk.id(Kind::Issue, "Other")),
            ("LocationId", desk.id(Kind::Location, "LHS")),
        ];
        let new = desk.compose(Operation::Create, &new);
        let other = send(desk.system.as_ref(), &new).await;

        let mut values = values(desk.schema.as_ref(), &desk.snapshot, &[]);
        values.truncate(2);
        for step in desk
            .schema
            .compose(Operation::Update, values, false)
            .unwrap()
        {
            let outcome = desk.perform(&step, 1).await;
            assert_eq!(outcome, Outcome::Done(desk.ticket.clone()));
        }
        let updated = desk
            .does(
                Operation::Update,
                &[
                    ("Subject", json!("Screen stays dark")),
                    ("IssueDescription", json!("since Monday")),
                    ("IssueId", desk.id(Kind::Issue, "Other")),
                    ("LocationDetails", json!("by the window")),
                    ("OwnerId", agent.clone()),
                    ("IsUrgent", json!(true)),
                    ("HasSensitiveInformation", json!(true)),
                    ("Priority", desk.id(Kind::Priority, "High")),
                    ("Tags", json!(["old"])),
                    ("Assets", json!([desk.first(Kind::Asset)])),
                    ("DueDate", json!("2030-01-02T15:00:00-06:00")),
                    ("TicketFollowerUserIds", json!([agent])),
                    ("TicketFollowerTeamIds", json!([team])),
                ],
            )
            .await;
        assert_eq!(updated["Subject"], "Screen stays dark");
        assert_eq!(desk.part("followers").await.len(), 2);
        let unfollowed = [
            ("UnfollowUserIds", json!([agent])),
            ("UnfollowTeamIds", json!([team])),
            ("IsUrgent", json!(false)),
            ("HasSensitiveInformation", json!(false)),
        ];
        desk.does(Operation::Update, &unfollowed).await;
        assert!(desk.part("followers").await.is_empty());

        let assigned = [
            ("AssignedToUserId", agent.clone()),
            ("AssignedToTeamId", team.clone()),
            ("SlaId", level.clone()),
            ("RelatedTicketId", json!(other.id)),
        ];
        assert_eq!(
            desk.does(Operation::Assign, &assigned).await["SlaId"],
            level
        );
        let taken = [
            ("unassign", json!(["user", "team", "sla"])),
            ("UnrelatedTicketId", json!(other.id)),
        ];
        let bare = desk.does(Operation::Assign, &taken).await;
        assert_ne!(bare["AssignedToUserId"], agent);
        assert_ne!(bare["SlaId"], level);

        desk.does(Operation::Comment, &[("body", json!("On my way"))])
            .await;
        for step in desk
            .schema
            .compose(
                Operation::Comment,
                vec![desk.value(Operation::Comment, "body", json!("Loud"))],
                true,
            )
            .unwrap()
        {
            desk.perform(&step, 2).await;
        }
        let comment = desk.part("activities").await.remove(0)["TicketActivityId"].clone();
        let change = |given: Vec<(&'static str, Value)>| {
            let given = [vec![("CommentId", comment.clone())], given].concat();
            let desk = &desk;
            async move { desk.does(Operation::Update, &given).await }
        };
        change(vec![
            ("CommentText", json!("Changed")),
            ("CommentIsPublic", json!(false)),
        ])
        .await;
        change(vec![("CommentIsPublic", json!(true))]).await;
        let rows = desk.part("activities").await;
        let row = rows
            .iter()
            .find(|row| row["TicketActivityId"] == comment)
            .unwrap();
        assert_eq!(row["IsPublic"], true, "{row}");
        assert!(row.to_string().contains("Changed"), "{row}");
        change(vec![("CommentIsDeleted", json!(true))]).await;
        let is_shown = |rows: Vec<Value>| {
            let mut rows = rows.into_iter();
            rows.any(|row| row["TicketActivityId"] == comment && row["IsDeleted"] == false)
        };
        assert!(!is_shown(desk.part("activities").await));
        change(vec![("CommentIsDeleted", json!(false))]).await;
        assert!(is_shown(desk.part("activities").await));

        let order = [("Subject", json!("Order")), ("complete", json!(true))];
        desk.does(Operation::Subtask, &order).await;
        assert_eq!(desk.on_subtask("revert", &[]).await["IsCompleted"], false);
        let to = [("AssignedTo", agent.clone())];
        assert_eq!(desk.on_subtask("assign", &to).await["AssignedTo"], agent);
        assert_ne!(desk.on_subtask("unassign", &[]).await["AssignedTo"], agent);
        assert_eq!(desk.on_subtask("complete", &[]).await["IsCompleted"], true);
        let given = [("Subject", json!("Order")), ("action", json!("delete"))];
        desk.does(Operation::Subtask, &given).await;
        let left = desk.part("subtasks").await;
        assert!(left.iter().all(|row| row["IsDeleted"] == true), "{left:?}");

        for action in [
            "confirm",
            "start",
            "waiting",
            "responded",
            "stop",
            "unconfirm",
        ] {
            desk.acts(action, &[]).await;
        }
        for verdict in ["approve", "deny"] {
            desk.acts("request-approval", &[("ApproverIds", json!([agent]))])
                .await;
            assert_eq!(desk.part("workflow").await[0]["IsAwaitingOnApproval"], true);
            desk.acts(verdict, &[("Comments", json!("as agreed"))])
                .await;
            assert_eq!(
                desk.part("workflow").await[0]["IsAwaitingOnApproval"],
                false
            );
        }
        desk.acts("request-approval", &[]).await;
        desk.acts("withdraw-approval", &[]).await;
        assert_eq!(desk.part("approvals").await.len(), 2);
        let path = format!("/api/v1.0/tickets/{}/next-steps/new", desk.ticket.id);
        let step = json!({"Name": "Ask the parents", "IsMandatory": true});
        let step = desk
            .raw(Method::POST, "incidentiq", &path, Some(&step))
            .await;
        desk.acts(
            "resolve-step",
            &[("NextStepId", step["Item"]["NextStepId"].clone())],
        )
        .await;
        assert_eq!(desk.part("next-steps").await[0]["IsResolved"], true);

        desk.reads().await;
        let open = [("WorkflowStepId", desk.id(Kind::Status, "In Progress"))];
        assert_eq!(desk.does(Operation::Close, &[]).await["IsClosed"], true);
        desk.does(Operation::SetStatus, &open).await;
        for (action, given) in [
            ("resolve", vec![]),
            ("cancel", vec![]),
            ("duplicate", vec![("DuplicateOfId", json!(other.id))]),
        ] {
            assert_eq!(
                desk.acts(action, &given).await["IsClosed"],
                true,
                "{action}"
            );
            desk.does(Operation::SetStatus, &open).await;
        }
        desk.does(Operation::Delete, &[]).await;
        desk.acts("undelete", &[]).await;
        desk.in_bulk().await;
        made.add(&desk);
        desk.sandbox.stop().await.unwrap();
    }
    made.is_all();
}

#[tokio::test]
async fn every_call_to_clearfeed_is_of_the_contract_in_both_dialects() {
    let mut made = Made::default();
    for temper in TEMPERS {
        for dialect in [Dialect::V1, Dialect::Rest] {
            let config = Config {
                temper,
                ..Config::default()
            };
            let desk = Desk::open(config, SystemName::ClearFeed, Some(dialect)).await;
            let mut values = values(desk.schema.as_ref(), &desk.snapshot, &[]);
            values.push(desk.value(Operation::Update, "title", json!("Login fails")));
            for step in desk
                .schema
                .compose(Operation::Update, values, false)
                .unwrap()
            {
                let outcome = desk.perform(&step, 1).await;
                assert_eq!(outcome, Outcome::Done(desk.ticket.clone()));
            }
            let linked = [
                ("link_integration", json!("jira")),
                ("link_ticket_id", json!("OPS-7")),
            ];
            for _ in 0..2 {
                let shown = desk.does(Operation::Update, &linked).await;
                assert_eq!(shown["tickets"][0]["key"], "OPS-7", "{shown}");
                assert_eq!(shown["tickets"].as_array().map(Vec::len), Some(1));
            }
            desk.does(
                Operation::Assign,
                &[("assignee_id", desk.first(Kind::User))],
            )
            .await;
            desk.does(Operation::Comment, &[("body", json!("On my way"))])
                .await;
            desk.reads().await;
            desk.does(Operation::Close, &[]).await;
            made.add(&desk);
            desk.sandbox.stop().await.unwrap();
        }
    }
    made.is_all();
}
