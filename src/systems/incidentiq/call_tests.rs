//! The calls on a ticket that stands, against scripted answers.

use deskferry_testing::server::matchers::{body_json, body_partial_json, header, method, path};
use deskferry_testing::server::{Match, Mock, MockServer, Request, ResponseTemplate};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::tests::{TICKET, mount, signed_in};
use super::*;
use crate::systems::testing::{Free, performed};
use crate::systems::{Beside, CREATE, Looks, Outcome, Print, Refusal};

/// An id as the engine makes them: of a name, not at random.
fn chosen(last: u8) -> Uuid {
    let mut id = *Uuid::parse_str("5f0c3d1e-7b52-5a0e-9d0c-0c5a4f1e2b00")
        .unwrap()
        .as_bytes();
    id[15] = last;
    Uuid::from_bytes(id)
}

fn ticket() -> Ticket {
    Ticket {
        id: TICKET.to_owned(),
        number: Some("0042".to_owned()),
        ..Ticket::default()
    }
}

async fn perform(system: &IncidentIq, step: &str, body: &Value) -> Outcome {
    let ticket = ticket();
    performed(
        system,
        Call {
            step,
            ticket: Some(&ticket),
            body,
            id: chosen(1),
            old_id: chosen(7),
        },
    )
    .await
    .outcome
}

struct Bare;

impl Match for Bare {
    fn matches(&self, request: &Request) -> bool {
        request.body.is_empty()
    }
}

#[tokio::test]
async fn every_call_has_its_path_and_names_its_ticket() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let same = |body: Value| (body.clone(), Some(body));
    let named = |body: Value| {
        let mut sent = body.clone();
        sent["TicketId"] = json!(TICKET);
        (body, Some(sent))
    };
    let bare = |body: Value| (body, None);
    let cases = [
        (
            "priority",
            "priority",
            named(json!({"Priority": 94, "PriorityId": 94})),
        ),
        ("tags", "tags", same(json!([{"Name": "old"}]))),
        ("assign", "assign", named(json!({"AssignToUserId": "u-2"}))),
        ("due_date", "due-dates", same(json!({"Type": 3}))),
        (
            "owner",
            "owner/u-2/for/u-1",
            bare(json!({"OwnerId": "u-2", "ForId": "u-1"})),
        ),
        (
            "status",
            "status/w-1",
            bare(json!({"WorkflowStepId": "w-1"})),
        ),
        ("update", "subject", named(json!({"Subject": "s"}))),
        (
            "description",
            "description",
            named(json!({"Description": "d"})),
        ),
        ("issue", "issue", named(json!({"IssueId": "i-1"}))),
        ("urgent", "mark-urgent", bare(json!({"IsUrgent": true}))),
        (
            "update",
            "mark-not-urgent",
            bare(json!({"IsUrgent": false})),
        ),
        (
            "sensitive",
            "mark-sensitive",
            bare(json!({"HasSensitiveInformation": true})),
        ),
        (
            "sensitive",
            "mark-not-sensitive",
            bare(json!({"HasSensitiveInformation": false})),
        ),
        ("assets", "assets", same(json!([{"AssetId": "a-1"}]))),
        ("sla", "sla", same(json!({"SlaId": "s-1"}))),
        ("unassign", "unassign-sla", bare(json!({"Unassign": "sla"}))),
        ("assign", "unassign/user", bare(json!({"Unassign": "user"}))),
        (
            "unassign_2",
            "unassign/team",
            bare(json!({"Unassign": "team"})),
        ),
        (
            "follow",
            "followers/user/u-1",
            bare(json!({"TicketFollowerUserId": "u-1"})),
        ),
        (
            "follow_3",
            "followers/team/t-1",
            bare(json!({"TicketFollowerTeamId": "t-1"})),
        ),
        (
            "set_status",
            "status/w-2",
            bare(json!({"WorkflowStepId": "w-2"})),
        ),
        ("set_status", "stop", bare(json!({"Action": "stop"}))),
        (
            "set_status",
            "confirm-issue",
            bare(json!({"Action": "confirm"})),
        ),
        (
            "set_status",
            "unconfirm-issue",
            bare(json!({"Action": "unconfirm"})),
        ),
        (
            "set_status",
            "status/waiting-on-requestor",
            bare(json!({"Action": "waiting"})),
        ),
        (
            "set_status",
            "status/requestor-responded",
            bare(json!({"Action": "responded"})),
        ),
        (
            "set_status",
            "mark-as-duplicate/t-7",
            bare(json!({"Action": "duplicate", "DuplicateOfId": "t-7"})),
        ),
        ("close", "close", same(json!({"CloseReasonTypeId": "r-1"}))),
    ];
    for (step, tail, (body, sent)) in cases {
        let at = format!("/api/v1.0/tickets/{TICKET}/{tail}");
        let mock = Mock::given(method("POST")).and(path(at));
        let mock = match sent {
            Some(sent) => mock.and(body_json(sent)),
            None => mock.and(Bare),
        };
        let answer = ResponseTemplate::new(200).set_body_json(json!({"Message": "ok"}));
        let guard = mock
            .respond_with(answer)
            .expect(1)
            .mount_as_scoped(&server)
            .await;
        let outcome = perform(&system, step, &body).await;
        assert_eq!(outcome, Outcome::Done(ticket()), "{step} {tail}");
        assert_eq!(
            system.schema().is_repeatable(step),
            step != "close",
            "{step}"
        );
        drop(guard);
    }
    for (step, body) in [
        ("status", json!({"WorkflowStepId": "../../login"})),
        ("follow", json!({"TicketFollowerUserId": "a/b"})),
        ("set_status", json!({"Action": "explode"})),
        ("dance", json!({})),
    ] {
        let outcome = perform(&system, step, &body).await;
        assert!(
            matches!(&outcome, Outcome::Rejected(Refusal { status: 0, .. })),
            "{step}: {outcome:?}"
        );
    }
    for step in [CREATE, "comment", "subtask", "close", "delete"] {
        assert!(!system.schema().is_repeatable(step));
    }
    assert!(system.schema().is_repeatable("complete"));
}

#[tokio::test]
async fn actions_with_members_send_no_others() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    for (action, tail, sent) in [
        ("start", "start", json!({"UserId": "u-1"})),
        ("cancel", "cancel", json!({})),
    ] {
        let mut body = sent.clone();
        body["Action"] = json!(action);
        Mock::given(method("POST"))
            .and(path(format!("/api/v1.0/tickets/{TICKET}/{tail}")))
            .and(body_json(sent))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"Item": {}})))
            .expect(1)
            .mount(&server)
            .await;
        let outcome = perform(&system, "set_status", &body).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{action}: {outcome:?}");
    }
    let root = format!("/api/v1.0/tickets/{TICKET}");
    for (verb, at, step, body) in [
        ("DELETE", root.clone(), "delete", json!({})),
        (
            "PUT",
            format!("{root}/undelete"),
            "set_status",
            json!({"Action": "undelete"}),
        ),
    ] {
        mount(
            &server,
            verb,
            &at,
            ResponseTemplate::new(200).set_body_json(json!({"Item": {}})),
            1,
        )
        .await;
        let outcome = perform(&system, step, &body).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{verb}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_update_of_the_whole_ticket_asks_to_keep_the_rest() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let body = json!({"LocationId": "l-1", "DeleteMissingCustomFieldValues": false});
    Mock::given(method("POST"))
        .and(path(format!("/api/v1.0/tickets/{TICKET}")))
        .and(header("apiflags", "OnlySetMappedProperties"))
        .and(body_json(&body))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"Item": {}})))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        perform(&system, "update", &body).await,
        Outcome::Done(ticket())
    );
}

#[tokio::test]
async fn resolving_is_closing_where_there_is_no_such_call() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let at = |tail: &str| format!("/api/v1.0/tickets/{TICKET}/{tail}");
    let unknown = json!({"StatusCode": 404, "Message": "no such call"});
    let unknown = ResponseTemplate::new(404).set_body_json(unknown);
    mount(&server, "POST", &at("resolve"), unknown, 1).await;
    Mock::given(method("POST"))
        .and(path(at("close")))
        .and(body_json(json!({"CloseReasonTypeId": "r-1"})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"Item": {}})))
        .expect(1)
        .mount(&server)
        .await;
    let body = json!({"Action": "resolve", "CloseReasonTypeId": "r-1"});
    assert_eq!(
        perform(&system, "set_status", &body).await,
        Outcome::Done(ticket())
    );
}

/// What refuses it may stand before the site, which closed the ticket all the same: a second closing would show in its
/// history.
#[tokio::test]
async fn a_ticket_is_looked_at_before_it_is_closed_where_it_could_not_be_resolved() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let at = |tail: &str| format!("/api/v1.0/tickets/{TICKET}/{tail}");
    let page = ResponseTemplate::new(404).set_body_string("<html>blocked</html>");
    mount(&server, "POST", &at("resolve"), page, 1).await;
    let closed = ResponseTemplate::new(200).set_body_json(json!({"Item": {}}));
    mount(&server, "POST", &at("close"), closed, 1).await;
    let body = json!({"Action": "resolve", "CloseReasonTypeId": "r-1"});
    let outcome = perform(&system, "set_status", &body).await;
    assert!(matches!(outcome, Outcome::InDoubt(_)), "{outcome:?}");
    // Where it is open still, it is closed.
    let outcome = perform(&system, "set_status", &body).await;
    assert_eq!(outcome, Outcome::Done(ticket()));
}

#[tokio::test]
async fn what_is_no_resolving_is_never_closed_in_its_place() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let at = |tail: &str| format!("/api/v1.0/tickets/{TICKET}/next-steps/n-1/{tail}");
    let unknown = json!({"StatusCode": 404, "Message": "no such step"});
    let unknown = ResponseTemplate::new(404).set_body_json(unknown);
    mount(&server, "POST", &at("resolve"), unknown, 1).await;
    let closed = ResponseTemplate::new(200).set_body_json(json!({"Item": {}}));
    mount(&server, "POST", &at("close"), closed, 0).await;
    let body = json!({"Action": "resolve-step", "NextStepId": "n-1"});
    let outcome = perform(&system, "set_status", &body).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_comment_bears_the_id_of_its_call() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let body = json!({"IsPublic": false, "SendEmail": false, "ActivityItems": [{"Comments": "c"}]});
    let sent = json!({"IsPublic": false, "ActivityItems": [{"Comments": "c"}],
                      "TicketId": TICKET, "TicketActivityId": chosen(1).to_string()});
    Mock::given(method("POST"))
        .and(path(format!(
            "/api/v1.0/tickets/{TICKET}/activities/new/false"
        )))
        .and(body_json(sent))
        .respond_with(
            ResponseTemplate::new(201)
                .set_body_json(json!({"Item": {}, "Uid": chosen(1).to_string()})),
        )
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        perform(&system, "comment", &body).await,
        Outcome::Done(ticket())
    );
    let refused = ResponseTemplate::new(400)
        .set_body_json(json!({"Errors": [{"Field": "OwnerId", "Message": "unknown"}]}));
    let at = format!("/api/v1.0/tickets/{TICKET}/activities/new");
    mount(&server, "POST", &at, refused, 1).await;
    let loud = json!({"IsPublic": false, "ActivityItems": [{"Comments": "c"}]});
    let outcome = perform(&system, "comment", &loud).await;
    assert!(
        matches!(&outcome, Outcome::Rejected(refusal) if refusal.fields[0].0 == "by"),
        "{outcome:?}"
    );
}

fn since() -> Timestamp {
    "2024-06-21T18:00:00Z".parse().unwrap()
}

/// A time as the site writes it: five hours behind, without an offset.
fn written(seconds: i64) -> String {
    let at = since() + SignedDuration::from_secs(seconds) - SignedDuration::from_hours(5);
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

async fn verify_step(step: &str, body: &Value, at: &str, answer: Value) -> Sighting {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let answer = ResponseTemplate::new(200).set_body_json(answer);
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .mount(&server)
        .await;
    let ticket = ticket();
    let call = Call {
        step,
        ticket: Some(&ticket),
        body,
        id: chosen(1),
        old_id: chosen(7),
    };
    // What the ledger holds as done on the ticket.
    let held = [Print::of(&Looks {
        traits: Vec::new(),
        text: HELD.to_owned(),
    })];
    let beside = Beside {
        here: &held,
        ..Beside::default()
    };
    system
        .verify_step(call, beside, since().into(), &Free::default())
        .await
        .unwrap()
}

/// The words of what was done on the ticket before.
const HELD: &str = "Done on Monday";

fn activity(id: &str, text: &str, seconds: i64) -> Value {
    json!({"TicketActivityId": id, "CreatedDate": written(seconds), "ActivityItems": [{"Comments": text}]})
}

#[tokio::test]
async fn a_comment_is_found_by_its_id_else_by_its_text() {
    let body = json!({"ActivityItems": [{"Comments": "a &lt; b<br>c"}]});
    let theirs = "12345678-0000-4000-8000-000000000001";
    let held = "12345678-0000-4000-8000-000000000002";
    let (ours, twin) = (chosen(1).to_string(), chosen(2).to_string());
    let cases = [
        // The id settles it, whatever became of text and time.
        (vec![activity(&ours.to_uppercase(), "", -9_000)], "done"),
        // So does the one that an earlier version chose.
        (vec![activity(&chosen(7).to_string(), "", -9_000)], "done"),
        (vec![], "unclear"),
        (vec![activity(held, HELD, -90_000)], "absent"),
        (vec![activity(theirs, "another", 2)], "unclear"),
        (
            vec![
                activity(held, HELD, -90_000),
                activity(theirs, "another", 2),
            ],
            "absent",
        ),
        (
            vec![activity(held, HELD, -90_000), activity(theirs, "", 2)],
            "unclear",
        ),
        // Another comment of the row says the same: the site keeps our ids, and ours is not there.
        (vec![activity(&twin, "a &lt; b<br>c", 1)], "absent"),
        // The site gives ids of its own.
        (vec![activity(theirs, "<p>a &lt; b</p> c", 1)], "done"),
        (vec![activity(theirs, "a &lt; b<br>c", -90_000)], "unclear"),
        (
            vec![
                activity(held, HELD, -90_000),
                activity(theirs, "a &lt; b<br>c", -90_000),
            ],
            "absent",
        ),
        (vec![activity(theirs, "a &lt; b<br>c", -30)], "unclear"),
        (
            vec![
                activity(theirs, "a &lt; b<br>c", 1),
                activity("1", "a &lt; b c", 2),
            ],
            "unclear",
        ),
    ];
    for (rows, expected) in cases {
        let told = json!({"Items": rows, "Paging": {"TotalRows": rows.len(), "PageSize": 100, "PageIndex": 0}});
        let at = format!("/api/v1.0/tickets/{TICKET}/activities");
        assert_eq!(
            word(&verify_step("comment", &body, &at, told.clone()).await),
            expected,
            "{told}"
        );
    }
}

fn word(sighting: &Sighting) -> &'static str {
    match sighting {
        Sighting::Done => "done",
        Sighting::Absent => "absent",
        Sighting::Unseen(_) | Sighting::Unclear(_) | Sighting::Hidden(_) => "unclear",
    }
}

#[tokio::test]
async fn a_feed_that_is_not_whole_proves_nothing() {
    let body = json!({"ActivityItems": [{"Comments": "c"}]});
    let at = format!("/api/v1.0/tickets/{TICKET}/activities");
    for told in [
        json!({"Items": []}),
        json!({"Items": [activity("1", "x", 0)], "Paging": {"TotalRows": 3}}),
    ] {
        assert_eq!(
            word(&verify_step("comment", &body, &at, told.clone()).await),
            "unclear",
            "{told}"
        );
    }
}

fn subtask(id: &str, subject: &str, seconds: i64, done: bool) -> Value {
    json!({"TicketSubtaskId": id, "Subject": subject, "CreatedDate": written(seconds), "IsCompleted": done})
}

#[tokio::test]
async fn a_subtask_is_found_by_its_subject() {
    let body = json!({"Subject": "Order a part"});
    let at = format!("/api/v1.0/subtasks/{TICKET}");
    let deleted = json!({"Subject": "Order a part", "CreatedDate": written(1), "IsDeleted": true});
    for (answer, expected) in [
        (json!({"Items": []}), "unclear"),
        (
            json!({"Items": [subtask("0", HELD, -90_000, false)]}),
            "absent",
        ),
        (
            json!({"Items": [subtask("0", HELD, -90_000, false), {"CreatedDate": written(1)}]}),
            "unclear",
        ),
        (json!({"Message": "ok"}), "unclear"),
        (
            json!({"Items": [subtask("1", "Order a part", 1, false)]}),
            "done",
        ),
        (
            json!({"Items": [subtask("0", HELD, -90_000, false), subtask("1", "Order a part", -90_000, false)]}),
            "absent",
        ),
        (
            json!({"Items": [subtask("0", HELD, -90_000, false), deleted]}),
            "absent",
        ),
        (json!({"Items": [{"Subject": "Order a part"}]}), "unclear"),
    ] {
        let sighting = verify_step("subtask", &body, &at, answer.clone()).await;
        assert_eq!(word(&sighting), expected, "{answer}");
    }
    let sighting = verify_step("close", &json!({}), &at, json!({})).await;
    assert_eq!(word(&sighting), "unclear");
}

#[tokio::test]
async fn the_subtask_that_was_made_last_is_completed_once() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let made = Mock::given(method("POST"))
        .and(path("/api/v1.0/subtasks/create"))
        .and(body_partial_json(
            json!({"TicketId": TICKET, "Subject": "Order a part"}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"Items": []})))
        .expect(1);
    made.mount(&server).await;
    let body = json!({"Subject": "Order a part"});
    assert_eq!(
        perform(&system, "subtask", &body).await,
        Outcome::Done(ticket())
    );
    let at = format!("/api/v1.0/subtasks/{TICKET}");
    let rows = |done| {
        ResponseTemplate::new(200).set_body_json(json!({"Items": [
            subtask("s-2", "Order a part", 5, done),
            subtask("s-1", "Order a part", 1, false),
            subtask("s-3", "Something else", 9, false),
        ]}))
    };
    Mock::given(method("GET"))
        .and(path(&at))
        .respond_with(rows(false))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let complete = "/api/v1.0/subtasks/s-2/complete";
    mount(
        &server,
        "POST",
        complete,
        ResponseTemplate::new(200).set_body_json(json!({})),
        1,
    )
    .await;
    mount(&server, "GET", &at, rows(true), 2).await;
    for _ in 0..2 {
        assert_eq!(
            perform(&system, "complete", &body).await,
            Outcome::Done(ticket())
        );
    }
    let outcome = perform(&system, "complete", &json!({"Subject": "Nothing"})).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
}

#[tokio::test]
async fn no_subtask_of_another_ticket_is_acted_on() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let at = format!("/api/v1.0/subtasks/{TICKET}");
    let mut row = subtask("s-9", "x", 5, false);
    row["TicketId"] = json!("cccccccc-0000-0000-0000-000000000009");
    let rows = ResponseTemplate::new(200).set_body_json(json!({"Items": [row]}));
    mount(&server, "GET", &at, rows, 1).await;
    mount(
        &server,
        "POST",
        "/api/v1.0/subtasks/s-9/complete",
        ResponseTemplate::new(200),
        0,
    )
    .await;
    let outcome = perform(&system, "complete", &json!({"Subject": "x"})).await;
    assert!(
        matches!(&outcome, Outcome::Rejected(refusal) if refusal.message.contains("cccccccc")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_lists_subtasks_badly_is_judged_as_a_write() {
    for (status, expected) in [
        (429, "throttled"),
        (403, "forbidden"),
        (500, "in doubt"),
        (200, "in doubt"),
    ] {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        let at = format!("/api/v1.0/subtasks/{TICKET}");
        mount(&server, "GET", &at, ResponseTemplate::new(status), 1).await;
        let judged = match perform(&system, "complete", &json!({"Subject": "x"})).await {
            Outcome::Throttled(_) => "throttled",
            Outcome::Forbidden(_) => "forbidden",
            Outcome::Denied(_) => "denied",
            Outcome::InDoubt(_) => "in doubt",
            _ => "otherwise",
        };
        assert_eq!(judged, expected, "{status}");
    }
}

#[tokio::test]
async fn tickets_are_found_by_number_only_when_a_row_bears_it() {
    let row = |id: &str, number: &str| json!({"TicketId": id, "TicketNumber": number});
    let cases = [
        ("1042", vec![row("t-1", "1042")], 1, Ok(Some("t-1"))),
        ("#1042", vec![row("t-1", "1042")], 1, Ok(Some("t-1"))),
        ("42", vec![row("t-1", "0042")], 1, Ok(Some("t-1"))),
        (
            "42",
            vec![row("t-1", "0042"), row("t-2", "42")],
            2,
            Ok(Some("t-2")),
        ),
        ("7", vec![], 0, Ok(None)),
        ("7", vec![row("t-1", "8")], 1, Ok(None)),
        // The site ignores the filter: what came proves nothing.
        ("7", vec![row("t-1", "8")], 500, Err("ignores")),
        (
            "7",
            vec![row("t-1", "07"), row("t-2", "007")],
            2,
            Err("2 tickets"),
        ),
    ];
    for (name, rows, total, expected) in cases {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        let number = name.trim_start_matches('#');
        Mock::given(method("POST"))
            .and(path("/api/v1.0/tickets"))
            .and(body_partial_json(
                json!({"Filters": [{"Facet": "ticketnumber", "Value": number}]}),
            ))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(json!({"Items": rows, "Paging": {"TotalRows": total}})),
            )
            .mount(&server)
            .await;
        let found = system.find_ticket(name, &Free::default()).await;
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.map(|ticket| ticket.id).as_deref(), expected, "{name}");
            }
            (Err(error), Err(words)) => {
                assert!(error.message().contains(words), "{error}");
                assert!(!error.hints().is_empty());
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let at = format!("/api/v1.0/tickets/{TICKET}");
    let answer = ResponseTemplate::new(200).set_body_json(json!({"Item": {"TicketId": TICKET}}));
    mount(&server, "GET", &at, answer, 1).await;
    let found = system.find_ticket(TICKET, &Free::default()).await.unwrap();
    assert_eq!(found.unwrap().id, TICKET);
}
