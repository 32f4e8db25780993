//! The calls on a request that stands, against scripted answers.

use deskferry_testing::server::matchers::{body_json, method, path, query_param};
use deskferry_testing::server::{Mock, MockServer, ResponseTemplate};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::tests::{mount, rest};
use super::*;
use crate::error::ErrorKind;
use crate::systems::testing::{Free, performed};
use crate::systems::{Beside, CREATE, Outcome};

const ROOT: &str = "/clearfeed/v1/rest/requests";

fn ticket() -> Ticket {
    Ticket {
        id: "352".to_owned(),
        ..Ticket::default()
    }
}

async fn perform(system: &ClearFeed, step: &str, ticket: Option<&Ticket>, body: &Value) -> Outcome {
    performed(
        system,
        Call {
            step,
            ticket,
            body,
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        },
    )
    .await
    .outcome
}

#[tokio::test]
async fn messages_are_posted_and_all_else_changes_the_request() {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    for (step, verb, tail, is_repeatable) in [
        ("update", "PATCH", "", true),
        ("assign", "PATCH", "", true),
        ("set_status", "PATCH", "", true),
        ("close", "PATCH", "", false),
        ("comment", "POST", "/message", false),
    ] {
        let body = json!({"step": step});
        Mock::given(method(verb))
            .and(path(format!("{ROOT}/352{tail}")))
            .and(body_json(&body))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": 999})))
            .expect(1)
            .mount(&server)
            .await;
        let outcome = perform(&system, step, Some(&ticket()), &body).await;
        assert_eq!(outcome, Outcome::Done(ticket()), "{step}");
        assert_eq!(system.schema().is_repeatable(step), is_repeatable, "{step}");
    }
    assert!(!system.schema().is_repeatable(CREATE));
    let sly = Ticket {
        id: "1/../../users".to_owned(),
        ..Ticket::default()
    };
    for (step, ticket) in [
        ("delete", Some(ticket())),
        ("dance", Some(ticket())),
        ("close", Some(sly)),
        ("close", None),
    ] {
        let outcome = perform(&system, step, ticket.as_ref(), &json!({})).await;
        assert!(
            matches!(&outcome, Outcome::Rejected(refusal) if refusal.status == 0),
            "{step}: {outcome:?}"
        );
    }
}

/// What a link comes to when the read before it is answered so; the write must not leave unless it may.
async fn linked(shown: ResponseTemplate, links: u64) -> Outcome {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    mount(&server, "GET", &format!("{ROOT}/352"), shown).await;
    Mock::given(method("POST"))
        .and(path("/clearfeed/v1/rest/tickets"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .expect(links)
        .mount(&server)
        .await;
    let body = json!({"link_integration": "jira", "link_ticket_id": "OPS-7"});
    perform(&system, "update", Some(&ticket()), &body).await
}

#[tokio::test]
async fn the_answer_to_a_read_never_counts_as_that_to_a_link() {
    let thread = json!({"channel_id": "C1", "thread_ts": "1.0"});
    let good = json!({"id": 352, "request_thread": thread});
    let outcome = linked(ResponseTemplate::new(200).set_body_json(good), 1).await;
    assert_eq!(outcome, Outcome::Done(ticket()));
    for (status, body) in [
        (200, ""),
        (204, ""),
        (200, "[]"),
        (200, "{}"),
        (404, "<html>"),
    ] {
        let answer = ResponseTemplate::new(status).set_body_string(body);
        let outcome = linked(answer, 0).await;
        assert!(
            matches!(outcome, Outcome::InDoubt(_)),
            "{status} {body}: {outcome:?}"
        );
    }
    // Another request's thread would link another request.
    let other = json!({"id": 353, "request_thread": thread});
    let outcome = linked(ResponseTemplate::new(200).set_body_json(other), 0).await;
    assert!(
        matches!(&outcome, Outcome::Rejected(refusal) if refusal.message.contains("`353`")),
        "{outcome:?}"
    );
    for (status, expected) in [(403, "Forbidden"), (404, "Rejected"), (429, "Throttled")] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({"message": "no"}));
        let outcome = format!("{:?}", linked(answer, 0).await);
        assert!(outcome.starts_with(expected), "{outcome}");
    }
}

#[tokio::test]
async fn a_request_that_is_answered_as_another_one_is_told() {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    let shown = ResponseTemplate::new(200).set_body_json(json!({"id": 353}));
    mount(&server, "GET", &format!("{ROOT}/352"), shown).await;
    let error = system
        .find_ticket("352", &Free::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("answered with `353`"), "{error}");
}

#[tokio::test]
async fn what_a_message_is_refused_for_bears_the_names_of_its_fields() {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    let refused = ResponseTemplate::new(422)
        .set_body_json(json!({"errors": [{"field": "html_body", "message": "too long"}]}));
    mount(&server, "POST", &format!("{ROOT}/352/message"), refused).await;
    let outcome = perform(&system, "comment", Some(&ticket()), &json!({})).await;
    assert!(
        matches!(&outcome, Outcome::Rejected(refusal) if refusal.fields[0].0 == "body"),
        "{outcome:?}"
    );
}

fn since() -> Timestamp {
    "2024-06-21T18:00:00Z".parse().unwrap()
}

fn message(text: &str, seconds: i64, thread: &str) -> Value {
    let at = since() + SignedDuration::from_secs(seconds);
    json!({"text": text, "ts": format!("{}.000100", at.as_second()), "thread_ts": thread})
}

async fn verify_step(body: &Value, messages: &Value) -> &'static str {
    sighted_in(body, messages, &json!(352)).await
}

async fn sighted_in(body: &Value, messages: &Value, id: &Value) -> &'static str {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    let request = json!({"id": id, "messages": messages, "request_thread": {"thread_ts": "1.0"},
                         "triage_thread": {"thread_ts": "2.0"}});
    Mock::given(method("GET"))
        .and(path(format!("{ROOT}/352")))
        .and(query_param("include", "messages"))
        .respond_with(ResponseTemplate::new(200).set_body_json(request))
        .mount(&server)
        .await;
    let ticket = ticket();
    let call = Call {
        step: "comment",
        ticket: Some(&ticket),
        body,
        id: Uuid::nil(),
        old_id: Uuid::nil(),
    };
    match system
        .verify_step(call, Beside::default(), since().into(), &Free::default())
        .await
        .unwrap()
    {
        Sighting::Done => "done",
        Sighting::Absent => "absent",
        Sighting::Unseen(_) | Sighting::Unclear(_) | Sighting::Hidden(_) => "unclear",
    }
}

#[tokio::test]
async fn another_request_says_nothing_of_a_message() {
    let reply = json!({"html_body": "hello", "is_private": false});
    let messages = json!([message("It is broken", -9_000, "1.0")]);
    assert_eq!(sighted_in(&reply, &messages, &json!(352)).await, "absent");
    for id in [json!(353), Value::Null] {
        assert_eq!(sighted_in(&reply, &messages, &id).await, "unclear", "{id}");
    }
}

#[tokio::test]
async fn a_message_is_found_by_its_words_and_its_time() {
    let reply = json!({"html_body": "a &lt; b<br>c", "is_private": false});
    let first = message("It is broken", -9_000, "1.0");
    let cases = [
        (json!([first]), "absent"),
        (json!([first, message("a < b\nc", 1, "1.0")]), "done"),
        (
            json!([first, message("a &amp;lt; b&lt;br&gt;c", 1, "1.0")]),
            "done",
        ),
        (json!([first, message("a < b c", -7_000, "1.0")]), "absent"),
        (json!([first, message("a < b c", -30, "1.0")]), "unclear"),
        (
            json!([
                first,
                message("a < b c", 1, "1.0"),
                message("a < b c", 3, "1.0")
            ]),
            "unclear",
        ),
        (
            json!([first, message("a < b c and more", 1, "1.0")]),
            "unclear",
        ),
        // It may be ours, with nothing left of its words.
        (json!([first, {"text": null, "ts": first["ts"]}]), "absent"),
        (json!([first, message("", 1, "1.0")]), "unclear"),
        (json!([first, message(":+1:", 1, "1.0")]), "unclear"),
        (json!([{"text": null, "ts": first["ts"]}]), "unclear"),
        (json!([]), "unclear"),
        (Value::Null, "unclear"),
    ];
    for (messages, expected) in cases {
        assert_eq!(verify_step(&reply, &messages).await, expected, "{messages}");
    }
}

#[tokio::test]
async fn a_note_is_absent_only_where_notes_are_shown() {
    let note = json!({"html_body": "for us", "is_private": true});
    let first = message("It is broken", -9_000, "1.0");
    let mut marked = message("another note", -5_000, "1.0");
    marked["is_private"] = json!(true);
    let cases = [
        (json!([first]), "unclear"),
        (json!([first, message("for us", 1, "2.0")]), "done"),
        (
            json!([first, message("another note", -5_000, "2.0")]),
            "absent",
        ),
        (json!([first, marked]), "absent"),
    ];
    for (messages, expected) in cases {
        assert_eq!(verify_step(&note, &messages).await, expected, "{messages}");
    }
}

#[tokio::test]
async fn a_number_is_searched_for_and_read_again() {
    let row = |id: u32, number: Option<&str>| json!({"id": id, "ticket_id": number});
    let cases = [
        (
            vec![row(1, Some("CF-12")), row(2, Some("CF-123"))],
            Ok(Some("1")),
        ),
        (vec![row(2, Some("CF-123"))], Ok(None)),
        (vec![], Ok(None)),
        (vec![row(1, None)], Err("shows no numbers")),
        (
            vec![row(1, Some("CF-12")), row(2, Some("cf-12"))],
            Err("2 requests"),
        ),
    ];
    for (rows, expected) in cases {
        let server = MockServer::start().await;
        let system = rest(&server).await;
        Mock::given(method("GET"))
            .and(path(format!("{ROOT}/search")))
            .and(query_param("query", "cf-12"))
            .and(query_param("only_public", "false"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"requests": rows})))
            .mount(&server)
            .await;
        match (
            system.find_ticket("cf-12", &Free::default()).await,
            expected,
        ) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(found.map(|ticket| ticket.id).as_deref(), expected);
            }
            (Err(error), Err(words)) => assert!(error.message().contains(words), "{error}"),
            (found, _) => panic!("{found:?}"),
        }
    }
    let server = MockServer::start().await;
    let system = rest(&server).await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({"id": 352, "messages": []}));
    mount(&server, "GET", &format!("{ROOT}/352"), answer).await;
    let find = |name: &'static str| {
        let system = &system;
        async move { system.find_ticket(name, &Free::default()).await.unwrap() }
    };
    assert_eq!(find("352").await.unwrap().id, "352");
    assert_eq!(find("353").await, None);
}
