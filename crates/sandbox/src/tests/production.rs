//! What rehearsals meet of a production: tokens with few rights, hidden notes, erased texts, other people.

use std::time::Duration;

use serde_json::{Value, json};

use super::desk::{API, Desk};
use crate::test_client::Bench;
use crate::{Config, Sandbox, SandboxError, Temper};

const REST: &str = "/clearfeed/v1/rest";

async fn status(bench: &Bench, token: &str, line: &str, body: Value) -> u16 {
    let header = format!("authorization: Bearer {token}\r\n");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = bench.try_send(line, &header, &body).await;
    answer.unwrap().status
}

#[tokio::test]
async fn a_token_of_a_production_has_tickets_and_no_directory() {
    for (desk, refused) in [(Desk::lenient().await, 403), (Desk::live_like().await, 401)] {
        let id = desk.ticket("x").await;
        let site = desk.district.site;
        let send = async |line: String, body| {
            status(&desk.bench, "sandbox-no-directory", &line, body).await
        };
        for (line, body) in [
            (format!("GET {API}/login"), Value::Null),
            (format!("GET {API}/sites/my/settings"), Value::Null),
            (format!("GET {API}/tickets/statuses"), Value::Null),
            (format!("GET {API}/tickets/{id}"), Value::Null),
            (format!("POST {API}/tickets"), json!({})),
            (
                format!("POST {API}/tickets/{id}/subject"),
                json!({ "Subject": "y" }),
            ),
            (format!("GET {REST}/collections"), Value::Null),
            (format!("GET {REST}/requests"), Value::Null),
        ] {
            assert_eq!(send(line.clone(), body).await, 200, "{line}");
        }
        for (line, body) in [
            (format!("POST {API}/issues"), json!({})),
            (format!("GET {API}/locations/all/{site}"), Value::Null),
            (format!("POST {API}/users"), json!({})),
            (format!("GET {API}/teams/all"), Value::Null),
            (format!("POST {API}/custom-fields/for/ticket"), json!({})),
            (format!("DELETE {API}/tickets/{id}"), Value::Null),
            (format!("GET {REST}/users?ids=U0HELPDESK"), Value::Null),
            (format!("GET {REST}/custom-fields"), Value::Null),
        ] {
            assert_eq!(send(line.clone(), body).await, refused, "{line}");
        }
    }
}

#[tokio::test]
async fn an_agent_works_and_does_not_administer() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("x").await;
    let send = async |line: String, body| status(&desk.bench, "sandbox-agent", &line, body).await;
    let user = desk.district.users[200].id;
    assert_eq!(send(format!("POST {API}/issues"), json!({})).await, 200);
    assert_eq!(
        send(format!("POST {API}/tickets/{id}/close"), json!({})).await,
        200
    );
    let seen = desk.item(&id).await;
    assert_eq!(
        seen["ClosedByUserId"],
        desk.district.users[4].id.to_string()
    );
    assert_eq!(
        send(format!("DELETE {API}/tickets/{id}"), Value::Null).await,
        403
    );
    let change = json!({ "LastName": "x" });
    assert_eq!(send(format!("POST {API}/users/{user}"), change).await, 403);
    assert_eq!(
        send(format!("POST {REST}/customers"), json!({ "name": "x" })).await,
        403
    );
    let other = send(
        format!("PATCH {REST}/requests/352"),
        json!({ "title": "x" }),
    )
    .await;
    assert_eq!(other, 200);
}

#[tokio::test]
async fn single_reads_are_denied_to_everybody() {
    let deny = vec!["issues".to_owned(), "users".to_owned()];
    let desk = Desk::start(Config {
        deny,
        ..Config::default()
    })
    .await;
    desk.ticket("x").await;
    assert_eq!(desk.refused("POST /issues", "{}").await, 403);
    assert_eq!(desk.refused("POST /users", "{}").await, 403);
    desk.good("GET /teams/all", "").await;
    let answer = desk
        .bench
        .get(&format!("{REST}/users?ids=U0HELPDESK"))
        .await;
    assert_eq!(answer.status, 403);
    let wrong = Config {
        deny: vec!["colours".to_owned()],
        ..Config::default()
    };
    let error = Sandbox::start(wrong).await.unwrap_err();
    assert!(matches!(error, SandboxError::NoOperation { .. }), "{error}");
    assert!(error.hint().contains("issues"));
}

#[tokio::test]
async fn another_ticket_may_be_answered() {
    let desk = Desk::lenient().await;
    let (one, other) = (desk.ticket("one").await, desk.ticket("other").await);
    for operation in ["get", "get"] {
        let script = json!({ "operation": operation, "fault": "wrong-id" });
        desk.bench.send("POST /_sandbox/faults", script).await;
    }
    assert_eq!(desk.item(&one).await["TicketId"], other.as_str());
    let request = desk.bench.get(&format!("{REST}/requests/352")).await;
    assert_eq!(request.json()["id"], 353);
    assert_eq!(desk.item(&one).await["TicketId"], one.as_str());
    let audit = desk.bench.audit().await;
    assert_eq!(audit.len(), 2);
}

#[tokio::test]
async fn notes_are_shown_to_nobody_where_they_are_hidden() {
    for (hides_notes, count) in [(false, 2), (true, 1)] {
        let desk = Desk::start(Config {
            hides_notes,
            ..Config::default()
        })
        .await;
        let id = desk.ticket("x").await;
        let line = format!("/tickets/{id}/activities");
        for is_public in [true, false] {
            let item = json!({ "$type": "comment", "Comments": "word" });
            let body = json!({ "IsPublic": is_public, "ActivityItems": [item] });
            desk.good(&format!("POST {line}/new"), body).await;
            let note = json!({ "html_body": "word", "is_private": !is_public });
            let path = format!("POST {REST}/requests/352/message");
            assert_eq!(desk.bench.send(&path, note).await.status, 201);
        }
        assert_eq!(desk.items(&format!("GET {line}"), "").await.len(), count);
        let only = json!({ "LoadRevisions": false });
        let timeline = format!("POST /tickets/{id}/timeline");
        assert_eq!(desk.items(&timeline, only).await.len(), count);
        let path = format!("{REST}/requests/352?include=messages");
        let request = desk.bench.get(&path).await.json();
        assert_eq!(request["messages"].as_array().unwrap().len(), 1 + count);
    }
}

#[tokio::test]
async fn texts_are_erased_and_the_request_stays() {
    let bench = Bench::start(Config {
        retention: Some(Duration::from_secs(60 * 86_400)),
        ..Config::default()
    })
    .await;
    let new = json!({ "description": "zebra", "title": "new" });
    let made = bench
        .send(&format!("POST {REST}/requests"), new)
        .await
        .json();
    let old = bench
        .get(&format!("{REST}/requests/352?include=messages"))
        .await
        .json();
    assert_eq!((&old["title"], &old["messages"]), (&json!(""), &json!([])));
    assert_eq!(old["state"], "open");
    let new = bench
        .get(&format!("{REST}/requests/{}?include=messages", made["id"]))
        .await
        .json();
    assert_eq!(
        (&new["title"], &new["messages"][0]["text"]),
        (&json!("new"), &json!("zebra"))
    );
    let found = async |word: &str| {
        let path = format!("{REST}/requests/search?query={word}&only_public=false&limit=100");
        bench.get(&path).await.json()["requests"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((found("update").await, found("zebra").await), (0, 1));
    let all = bench
        .get(&format!("{REST}/requests?limit=100"))
        .await
        .json();
    assert_eq!(all["requests"].as_array().unwrap().len(), 41);
}

/// What people did, without the times.
async fn deeds(seed: u64, least: usize) -> Vec<String> {
    let bench = Bench::start(Config {
        people: 500.0,
        seed,
        tickets: 20,
        temper: Temper::LiveLike,
        ..Config::default()
    })
    .await;
    for _ in 0..400 {
        let audit = bench.audit().await;
        if audit.len() >= least {
            let line = |one: &Value| {
                assert_eq!(one["by"], "sandbox-people", "{one}");
                format!("{} {}", one["system"], one["operation"])
            };
            return audit.iter().map(line).take(least).collect();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("nobody works");
}

#[tokio::test]
async fn people_change_tickets_meanwhile_and_the_same_seed_does_the_same() {
    let first = deeds(5, 40).await;
    assert_eq!(first, deeds(5, 40).await);
    assert_ne!(first, deeds(6, 40).await);
    for operation in [
        "incidentiq\" \"comment",
        "incidentiq\" \"subject",
        "clearfeed\" \"update",
        "clearfeed\" \"message",
    ] {
        assert!(
            first.iter().any(|one| one.contains(operation)),
            "{operation}: {first:?}"
        );
    }
    let bench = Bench::start(Config::default()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(bench.audit().await.is_empty());
}
