//! The operations on a ticket that stands, and the traps that real tenants set for them.

use reqwest::Method;

use super::desk::Desk;
use super::*;
use crate::systems::{Beside, Looks, Print};

#[tokio::test]
async fn incidentiq_updates_what_is_named_and_nothing_else() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let office = desk.id(Kind::Location, "District Office");
        let all = desk
            .does(
                Operation::Update,
                &[
                    ("Subject", json!("Screen stays dark")),
                    ("LocationDetails", json!("by the window")),
                    ("IsUrgent", json!(true)),
                    ("HasSensitiveInformation", json!(true)),
                    ("Priority", desk.id(Kind::Priority, "High")),
                    ("Tags", json!(["old"])),
                    ("Assets", json!([desk.first(Kind::Asset)])),
                    ("DueDate", json!("2030-01-02T15:00:00-06:00")),
                ],
            )
            .await;
        assert_eq!(all["Subject"], "Screen stays dark", "{temper:?}");
        assert_eq!(all["IsUrgent"], true);
        assert_eq!(all["HasSensitiveInformation"], true);
        assert_eq!(all["Tags"][0]["Name"], "old");
        // The trap: an update blanks what it does not name.
        let moved = desk
            .does(Operation::Update, &[("LocationId", office.clone())])
            .await;
        assert_eq!(moved["LocationId"], office);
        let kept = [
            "Subject",
            "IssueDescription",
            "LocationDetails",
            "IsUrgent",
            "Priority",
            "Tags",
            "Assets",
            "DueDate",
            "CustomFieldValues",
            "ForId",
            "IssueId",
        ];
        for name in kept {
            assert_eq!(moved[name], all[name], "{temper:?} {name}");
        }
        let emptied = desk
            .does(
                Operation::Update,
                &[
                    ("LocationDetails", Value::Null),
                    ("DueDate", Value::Null),
                    ("Tags", Value::Null),
                    ("IsUrgent", Value::Null),
                ],
            )
            .await;
        assert!(
            emptied["LocationDetails"]
                .as_str()
                .is_none_or(str::is_empty)
        );
        assert!(emptied["Tags"].as_array().is_none_or(Vec::is_empty));
        assert_eq!(emptied["IsUrgent"], false);
        assert_eq!(emptied["Subject"], all["Subject"]);
        assert_eq!(emptied["Assets"], all["Assets"]);
        desk.sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn incidentiq_keeps_the_custom_fields_that_an_update_does_not_name() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let values = values(desk.schema.as_ref(), &desk.snapshot, &[]);
        let count = values.len();
        assert!(count > 1);
        let one = values[0].clone();
        for values in [values, vec![one]] {
            let steps = desk
                .schema
                .compose(Operation::Update, values, false)
                .unwrap();
            for step in &steps {
                let outcome = desk.perform(step, 1).await;
                assert_eq!(outcome, Outcome::Done(desk.ticket.clone()), "{}", step.body);
            }
            let shown = desk.read().await;
            let shown = shown["CustomFieldValues"].as_array().map(Vec::len);
            assert_eq!(shown, Some(count), "{temper:?}");
        }
    }
}

#[tokio::test]
async fn incidentiq_assigns_moves_and_closes() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let agent = desk.id(Kind::User, "helpdesk@district.example");
        let team = desk.first(Kind::Team);
        let given = [
            ("AssignedToUserId", agent.clone()),
            ("AssignedToTeamId", team.clone()),
        ];
        let assigned = desk.does(Operation::Assign, &given).await;
        assert_eq!(assigned["AssignedToUserId"], agent, "{temper:?}");
        let taken = desk
            .does(Operation::Assign, &[("unassign", json!(["user"]))])
            .await;
        assert_ne!(taken["AssignedToUserId"], agent);
        assert_eq!(taken["AssignedToTeamId"], team);
        for action in ["confirm", "start"] {
            desk.does(Operation::SetStatus, &[("action", json!(action))])
                .await;
        }
        let started = desk.read().await;
        assert_eq!(started["IsIssueConfirmed"], true);
        assert_eq!(started["IsClosed"], false);
        let reason = desk.first(Kind::CloseReason);
        let closed = desk
            .does(Operation::Close, &[("CloseReasonTypeId", reason.clone())])
            .await;
        assert_eq!(closed["IsClosed"], true);
        assert_eq!(closed["CloseReasonTypeId"], reason);
        let reopened = desk
            .does(
                Operation::SetStatus,
                &[
                    ("action", json!("reopen")),
                    ("WorkflowStepId", desk.id(Kind::Status, "In Progress")),
                ],
            )
            .await;
        assert_eq!(reopened["IsClosed"], false);
        desk.does(Operation::Delete, &[]).await;
        let gone = desk
            .system
            .read_ticket(&desk.ticket.id, &Free::default())
            .await
            .unwrap();
        assert!(
            matches!(&gone, Reading::Found(listed) if listed.standing == Standing::Gone),
            "{gone:?}"
        );
        desk.does(Operation::SetStatus, &[("action", json!("undelete"))])
            .await;
        desk.sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn incidentiq_does_what_its_workflow_has_calls_for() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let other = {
            let body = plain_create(desk.schema.as_ref(), &desk.snapshot);
            let steps = [StepPayload {
                step: CREATE.into(),
                ordinal: 0,
                body,
            }];
            send(desk.system.as_ref(), &steps).await
        };
        for action in [
            "confirm",
            "start",
            "waiting",
            "responded",
            "stop",
            "unconfirm",
        ] {
            let after = desk
                .does(Operation::SetStatus, &[("action", json!(action))])
                .await;
            assert_eq!(after["IsClosed"], false, "{temper:?} {action}");
        }
        let given = [
            ("action", json!("resolve")),
            ("CloseReasonTypeId", desk.first(Kind::CloseReason)),
        ];
        assert_eq!(
            desk.does(Operation::SetStatus, &given).await["IsClosed"],
            true
        );
        let open = [("WorkflowStepId", desk.id(Kind::Status, "In Progress"))];
        assert_eq!(
            desk.does(Operation::SetStatus, &open).await["IsClosed"],
            false
        );
        let given = [
            ("action", json!("duplicate")),
            ("DuplicateOfId", json!(other.id)),
        ];
        desk.does(Operation::SetStatus, &given).await;
        desk.does(Operation::SetStatus, &open).await;
        let cancelled = desk
            .does(Operation::SetStatus, &[("action", json!("cancel"))])
            .await;
        assert_eq!(cancelled["IsClosed"], true, "{temper:?}");
        desk.sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn incidentiq_sets_followers_and_service_levels() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let people = &desk.snapshot.kinds[&Kind::User].entries;
        let given = [
            ("TicketFollowerUserIds", json!([people[0].id, people[1].id])),
            ("TicketFollowerTeamIds", json!([desk.first(Kind::Team)])),
        ];
        desk.does(Operation::Update, &given).await;
        let path = format!("/api/v1.0/tickets/{}/followers", desk.ticket.id);
        let followers = desk.raw(Method::GET, "incidentiq", &path, None).await;
        let shown = followers.to_string().to_lowercase();
        for (_, ids) in &given {
            for id in ids.as_array().unwrap() {
                assert!(shown.contains(id.as_str().unwrap()), "{shown}");
            }
        }
        let levels = desk
            .raw(Method::GET, "incidentiq", "/api/v1.0/slas", None)
            .await;
        let level = levels["Items"][0]["SlaId"].clone();
        let set = desk
            .does(Operation::Assign, &[("SlaId", level.clone())])
            .await;
        assert_eq!(set["SlaId"], level, "{temper:?}");
        for given in [
            (Operation::Assign, ("unassign", json!(["sla"]))),
            (Operation::Update, ("SlaId", Value::Null)),
        ] {
            let taken = desk.does(given.0, &[given.1]).await;
            assert_ne!(taken["SlaId"], level, "{temper:?}");
            desk.does(Operation::Assign, &[("SlaId", level.clone())])
                .await;
        }
        desk.sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn incidentiq_adds_and_completes_subtasks_and_reads_them_back() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let agent = desk.id(Kind::User, "helpdesk@district.example");
        let given = [
            ("Subject", json!("Order a part")),
            ("AssignedTo", agent),
            ("complete", json!(true)),
        ];
        desk.does(Operation::Subtask, &given).await;
        let path = format!("/api/v1.0/subtasks/{}", desk.ticket.id);
        let shown = desk.raw(Method::GET, "incidentiq", &path, None).await;
        assert_eq!(shown["Items"][0]["IsCompleted"], true, "{shown}");
        // Its times are the site's and bear no offset, which is hours away from here.
        let step = desk
            .compose(Operation::Subtask, &[("Subject", json!("Fit it"))])
            .remove(0);
        for (fault, expected) in [
            ("reset-before-commit", Sighting::Absent),
            ("reset-after-commit", Sighting::Done),
        ] {
            let sighting = doubted(&desk, "subtask", fault, &step, &["Order a part"]).await;
            assert_eq!(sighting, expected, "{temper:?} {fault}");
        }
        desk.sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_note_in_doubt_is_settled_only_where_clearfeed_shows_notes() {
    for (temper, expected) in [
        (
            Temper::Lenient,
            [Some(Sighting::Absent), Some(Sighting::Done)],
        ),
        (Temper::LiveLike, [None, None]),
    ] {
        let config = Config {
            temper,
            ..Config::default()
        };
        let desk = Desk::open(config, SystemName::ClearFeed, Some(Dialect::Rest)).await;
        desk.does(Operation::Comment, &[("body", json!("For us alone"))])
            .await;
        let step = desk
            .compose(Operation::Comment, &[("body", json!("Ask the vendor"))])
            .remove(0);
        for (fault, expected) in ["reset-before-commit", "reset-after-commit"]
            .into_iter()
            .zip(expected)
        {
            let sighting = doubted(&desk, "message", fault, &step, &["For us alone"]).await;
            match expected {
                Some(expected) => assert_eq!(sighting, expected, "{temper:?} {fault}"),
                None => assert!(
                    matches!(sighting, Sighting::Unclear(_) | Sighting::Unseen(_)),
                    "{sighting:?}"
                ),
            }
        }
        desk.sandbox.stop().await.unwrap();
    }
}

/// What reading back says about a step that met a fault, where the ledger holds others as done.
async fn doubted(
    desk: &Desk,
    operation: &str,
    fault: &str,
    step: &StepPayload,
    done: &[&str],
) -> Sighting {
    let looks = |text: &&str| Looks {
        traits: Vec::new(),
        text: (*text).to_owned(),
    };
    let here: Vec<Print> = done.iter().map(|text| Print::of(&looks(text))).collect();
    let beside = Beside {
        here: &here,
        ..Beside::default()
    };
    let since = Timestamp::now() + desk.system.account().clock_offset;
    desk.script(operation, fault).await;
    let outcome = desk.perform(step, 7).await;
    assert!(
        matches!(outcome, Outcome::InDoubt(_)),
        "{fault}: {outcome:?}"
    );
    desk.system
        .verify_step(desk.call(step, 7), beside, since.into(), &Free::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_comment_in_doubt_is_read_back() {
    let text = "Ordered a part: https://parts.example/7 .\nCost < 5 & paid by ann@parts.example";
    for temper in TEMPERS {
        for (name, dialect, operation) in [
            (SystemName::IncidentIq, None, "comment"),
            (SystemName::ClearFeed, Some(Dialect::Rest), "message"),
            (SystemName::ClearFeed, Some(Dialect::V1), "message"),
        ] {
            let config = Config {
                temper,
                ..Config::default()
            };
            let desk = Desk::open(config, name, dialect).await;
            let comment = |body: &str| {
                let given = [("body", json!(body)), ("public", json!(true))];
                desk.compose(Operation::Comment, &given).remove(0)
            };
            let other = desk.perform(&comment("Looking into it"), 1).await;
            assert!(matches!(other, Outcome::Done(_)), "{other:?}");
            for (fault, expected) in [
                ("reset-before-commit", Sighting::Absent),
                ("reset-after-commit", Sighting::Done),
            ] {
                let sighting = doubted(
                    &desk,
                    operation,
                    fault,
                    &comment(text),
                    &["Looking into it"],
                )
                .await;
                assert_eq!(sighting, expected, "{temper:?} {name} {dialect:?} {fault}");
            }
            desk.sandbox.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn incidentiq_keeps_a_repeated_comment_once() {
    let desk = Desk::incidentiq(Temper::LiveLike).await;
    let step = desk
        .compose(Operation::Comment, &[("body", json!("once"))])
        .remove(0);
    for _ in 0..2 {
        let outcome = desk.perform(&step, 1).await;
        assert_eq!(outcome, Outcome::Done(desk.ticket.clone()));
    }
    let path = format!("/api/v1.0/tickets/{}/activities", desk.ticket.id);
    let feed = desk.raw(Method::GET, "incidentiq", &path, None).await;
    let said = feed["Items"].as_array().unwrap();
    let said = said
        .iter()
        .filter(|row| row.to_string().contains("once"))
        .count();
    assert_eq!(said, 1, "{feed}");
}

#[tokio::test]
async fn clearfeed_changes_assigns_and_closes_in_both_dialects() {
    for temper in TEMPERS {
        for dialect in [Dialect::V1, Dialect::Rest] {
            let config = Config {
                temper,
                ..Config::default()
            };
            let desk = Desk::open(config, SystemName::ClearFeed, Some(dialect)).await;
            let state = match dialect {
                Dialect::V1 => "status",
                _ => "state",
            };
            let changed = desk
                .does(
                    Operation::Update,
                    &[("title", json!("New title")), ("priority", json!("high"))],
                )
                .await;
            assert_eq!(changed["title"], "New title");
            assert_eq!(changed["priority"], "high");
            let person = desk.first(Kind::User);
            let assigned = desk
                .does(Operation::Assign, &[("assignee_id", person.clone())])
                .await;
            assert_eq!(assigned["assignee"]["id"], person);
            assert_eq!(assigned["title"], "New title");
            let taken = desk
                .does(Operation::Assign, &[("unassign", json!(["user"]))])
                .await;
            assert!(taken["assignee"].is_null(), "{taken}");
            let moved = desk
                .does(Operation::SetStatus, &[("status", json!("pending"))])
                .await;
            assert_eq!(moved[state], "pending");
            let solved = desk
                .does(
                    Operation::Comment,
                    &[("body", json!("Done.")), ("status", json!("solved"))],
                )
                .await;
            assert_eq!(solved[state], "solved");
            let closed = desk.does(Operation::Close, &[]).await;
            assert_eq!(closed[state], "closed");
            desk.sandbox.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn tickets_are_found_by_number_among_others() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let number = desk.ticket.number.clone().unwrap();
        let find = |name: String| {
            let system = Arc::clone(&desk.system);
            async move { system.find_ticket(&name, &Free::default()).await.unwrap() }
        };
        assert_eq!(find(number).await.unwrap().id, desk.ticket.id);
        assert_eq!(
            find(desk.ticket.id.clone()).await.unwrap().id,
            desk.ticket.id
        );
        assert_eq!(find("999999".to_owned()).await, None);
        desk.sandbox.stop().await.unwrap();
    }
}
