use std::time::Duration;

use serde_json::{Value, json};

use super::desk::Desk;
use crate::Config;
use crate::test_client::Bench;

const CREATE: &str = "POST /clearfeed/v1/rest/requests";

fn body() -> String {
    json!({ "collection_id": 11, "title": "a", "description": "b" }).to_string()
}

async fn script(bench: &Bench, fault: &str) {
    let wanted = json!({ "operation": "create", "fault": fault });
    let answer = bench.send("POST /_sandbox/faults", wanted).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn every_fault_shows_and_commits_as_it_says() {
    let bench = Bench::start(Config::default()).await;
    let mut writes = 0;
    for (fault, status, commits) in [
        ("status-429", Some(429), false),
        ("status-429-retry-after", Some(429), false),
        ("status-500", Some(500), false),
        ("status-502", Some(502), false),
        ("status-503", Some(503), false),
        ("status-504", Some(504), true),
        ("status-429-retry-date", Some(429), false),
        ("status-429-rate-limit", Some(429), false),
        ("error-in-200", Some(200), false),
        ("html", Some(200), false),
        ("reset-before-commit", None, false),
        ("reset-after-commit", None, true),
        ("truncate", None, true),
    ] {
        script(&bench, fault).await;
        let answer = bench.try_send(CREATE, "", &body()).await;
        assert_eq!(
            answer.as_ref().ok().map(|answer| answer.status),
            status,
            "{fault}"
        );
        if let Ok(answer) = answer {
            assert_eq!(
                answer.header("retry-after").is_some(),
                fault.starts_with("status-429-retry"),
                "{fault}"
            );
            assert_eq!(
                answer.header("x-ratelimit-reset").is_some(),
                fault == "status-429-rate-limit",
                "{fault}"
            );
        }
        writes += usize::from(commits);
        assert_eq!(bench.audit().await.len(), writes, "{fault}");
    }
    assert_eq!(bench.send(CREATE, body()).await.status, 201);
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_told_by_a_success_and_then_enforced() {
    let bench = Bench::start(Config::default()).await;
    script_for(&bench, "create", "rate-limit-spent", "1:400ms").await;
    let answer = bench.send(CREATE, body()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
    assert!(answer.header("x-ratelimit-reset").is_some());
    assert_eq!(bench.send(CREATE, body()).await.status, 429);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.send(CREATE, body()).await.status, 201);
    assert_eq!(bench.audit().await.len(), 2);
}

#[tokio::test]
async fn a_committed_write_can_be_left_without_an_answer_and_the_stop_does_not_hang_on_it() {
    let bench = Bench::start(Config::default()).await;
    script(&bench, "timeout-after-commit").await;
    let wait = Duration::from_millis(200);
    assert!(
        tokio::time::timeout(wait, bench.send(CREATE, body()))
            .await
            .is_err()
    );
    assert_eq!(bench.audit().await.len(), 1);
    script(&bench, "timeout-after-commit").await;
    let stopped = async {
        tokio::time::sleep(wait).await;
    };
    tokio::pin!(stopped);
    let request = body();
    let hanging = bench.try_send(CREATE, "", &request);
    tokio::select! {
        _ = hanging => panic!("answered"),
        () = &mut stopped => {}
    }
    tokio::time::timeout(Duration::from_secs(2), bench.sandbox.stop())
        .await
        .unwrap()
        .unwrap();
}

async fn script_for(bench: &Bench, operation: &str, fault: &str, value: &str) {
    let wanted = json!({ "operation": operation, "fault": fault, "value": value });
    let answer = bench.send("POST /_sandbox/faults", wanted).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_pause_is_told_in_seconds_as_a_date_and_as_a_reset() {
    let bench = Bench::start(Config::default()).await;
    let now = jiff::Timestamp::now().as_second();
    script_for(&bench, "create", "status-429-retry-after", "1:7s").await;
    let answer = bench.send(CREATE, body()).await;
    assert_eq!(answer.header("retry-after"), Some("7"));
    script_for(&bench, "create", "status-429-retry-date", "1:7s").await;
    let answer = bench.send(CREATE, body()).await;
    let date = answer.header("retry-after").unwrap();
    assert!(date.ends_with(" GMT") && date.contains(", "), "{date}");
    script_for(&bench, "create", "status-429-rate-limit", "1:7s").await;
    let answer = bench.send(CREATE, body()).await;
    let reset: i64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((now + 7..now + 10).contains(&reset), "{reset} {now}");
}

#[tokio::test]
async fn a_late_commit_comes_after_its_time_and_at_the_stop_at_the_latest() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        data: Some(folder.path().to_owned()),
        ..Config::default()
    };
    let bench = Bench::start(config.clone()).await;
    script_for(&bench, "create", "late-commit", "300ms").await;
    assert!(bench.try_send(CREATE, "", &body()).await.is_err());
    assert!(bench.audit().await.is_empty());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.audit().await.len(), 1);
    script_for(&bench, "create", "late-commit", "10m").await;
    assert!(bench.try_send(CREATE, "", &body()).await.is_err());
    bench.sandbox.stop().await.unwrap();
    let bench = Bench::start(config).await;
    assert_eq!(bench.audit().await.len(), 2);
}

#[tokio::test]
async fn a_write_is_done_although_its_client_has_gone_meanwhile() {
    let bench = Bench::start(Config::default()).await;
    script_for(&bench, "create", "latency", "200ms").await;
    let gone = Duration::from_millis(50);
    let waiting = bench.send(CREATE, body());
    assert!(tokio::time::timeout(gone, waiting).await.is_err());
    assert!(bench.audit().await.is_empty());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(bench.audit().await.len(), 1);
}

#[tokio::test]
async fn a_double_commit_leaves_two_tickets_and_no_answer() {
    let bench = Bench::start(Config::default()).await;
    script(&bench, "double-commit").await;
    assert!(bench.try_send(CREATE, "", &body()).await.is_err());
    let ids: Vec<_> = bench
        .audit()
        .await
        .iter()
        .map(|entry| entry["id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_refused_connection_is_refused_for_its_time_and_not_longer() {
    let bench = Bench::start(Config::default()).await;
    script_for(&bench, "create", "refuse", "1:400ms").await;
    assert!(bench.try_send(CREATE, "", &body()).await.is_err());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = bench.try_send(CREATE, "", &body()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(bench.send(CREATE, body()).await.status, 201);
    assert_eq!(bench.audit().await.len(), 1);
}

#[tokio::test]
async fn what_is_hidden_is_there_by_its_id_and_listed_later_and_whole() {
    let bench = Bench::start(Config::default()).await;
    let listed = |answer: Value, rows: &str| answer[rows].as_array().unwrap().len();
    let requests = "/clearfeed/v1/rest/requests";
    let before = listed(bench.get(requests).await.json(), "requests");
    script_for(&bench, "create", "visibility", "400ms").await;
    let id = bench.send(CREATE, body()).await.json()["id"].clone();
    assert_eq!(bench.get(&format!("{requests}/{id}")).await.status, 200);
    assert_eq!(listed(bench.get(requests).await.json(), "requests"), before);
    tokio::time::sleep(Duration::from_millis(600)).await;
    let after = listed(bench.get(requests).await.json(), "requests");
    assert_eq!(after, before + 1);
    script(&bench, "repeat-in-search").await;
    let twice = json!({ "operation": "search", "fault": "repeat-in-search" });
    bench.send("POST /_sandbox/faults", twice).await;
    let page = bench.get(requests).await.json();
    assert_eq!(listed(page.clone(), "requests"), after + 1);
    assert_eq!(page["requests"][0], page["requests"][after]);
}

#[tokio::test]
async fn an_answer_that_drips_comes_whole_and_late() {
    let bench = Bench::start(Config::default()).await;
    script_for(&bench, "create", "drip", "1:300ms").await;
    let start = std::time::Instant::now();
    let answer = bench.send(CREATE, body()).await;
    assert!(start.elapsed() >= Duration::from_millis(250));
    assert!(answer.json()["id"].is_number());
}

#[tokio::test]
async fn a_revoked_token_and_a_lowered_limit_come_after_their_count() {
    let faults = ["revoke-after=2", "rate-after=6:1/s"];
    let bench = Bench::start(Config {
        faults: faults.map(|fault| fault.parse().unwrap()).into(),
        ..Config::default()
    })
    .await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(bench.send(CREATE, body()).await.status);
    }
    assert_eq!(seen, [201, 201, 401]);
    bench.send("DELETE /_sandbox/faults", "").await;
    seen.clear();
    for _ in 0..6 {
        seen.push(bench.send(CREATE, body()).await.status);
    }
    // The sixth request is the last under the old limit; the bucket of the new one holds one.
    assert_eq!(seen, [201, 201, 201, 201, 429, 429]);
}

#[tokio::test]
async fn the_limit_is_told_in_each_system_s_words() {
    let bench = Bench::limited(Config {
        rate: 2.0,
        ..Config::default()
    })
    .await;
    let path = "GET /incidentiq/api/v1.0/tickets/priorities";
    let mut last = bench.send(path, "").await;
    for _ in 0..2 {
        last = bench.send(path, "").await;
    }
    assert_eq!(last.status, 429);
    assert_eq!(last.json()["RetryAfter"], 1);
    assert_eq!(last.header("retry-after"), Some("1"));
    assert_eq!(bench.get("/clearfeed/v1/collections").await.status, 200);
    let stats = bench.get("/_sandbox/stats").await.json();
    assert_eq!(
        stats["throttled"],
        json!({ "incidentiq": 1, "clearfeed": 0 })
    );
    assert_eq!(stats["requests"]["incidentiq"], 3);
}

#[tokio::test]
async fn scripts_are_listed_refused_and_forgotten() {
    let bench = Bench::start(Config {
        faults: vec!["latency=1ms..2ms".parse().unwrap()],
        ..Config::default()
    })
    .await;
    for wrong in [
        json!({ "fault": "gremlin" }),
        json!({ "fault": "latency" }),
        json!({ "fault": "html", "colour": 1 }),
        json!({ "fault": "late-commit" }),
        json!({ "fault": "revoke-after", "value": "3" }),
    ] {
        assert_eq!(bench.send("POST /_sandbox/faults", wrong).await.status, 400);
    }
    let two = json!([{ "operation": "create", "fault": "html", "times": 2 }, { "fault": "latency", "value": "1ms" }]);
    bench.send("POST /_sandbox/faults", two).await;
    let listed = bench.get("/_sandbox/faults").await.json();
    assert_eq!(
        listed["scripted"]["create"],
        json!([{ "fault": "html", "times": 2 }])
    );
    assert_eq!(listed["chance"][0]["fault"], "latency");
    let left = bench.send("DELETE /_sandbox/faults", "").await.json();
    assert_eq!(left["scripted"], Value::Object(serde_json::Map::new()));
    assert_eq!(bench.send(CREATE, body()).await.status, 201);
}

#[tokio::test]
async fn faults_strike_every_write_and_not_creates_alone() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("struck").await;
    let api = super::desk::API;
    let said = json!({ "ActivityItems": [{ "$type": "comment", "Comments": "x" }] });
    let rest = "/clearfeed/v1/rest/requests/352";
    for (operation, line, body) in [
        (
            "update",
            format!("POST {api}/tickets/{id}"),
            json!({ "Subject": "y" }),
        ),
        (
            "comment",
            format!("POST {api}/tickets/{id}/activities/new"),
            said,
        ),
        (
            "assign",
            format!("POST {api}/tickets/{id}/assign"),
            json!({ "ClearUser": true }),
        ),
        (
            "subtask",
            format!("POST {api}/subtasks/create"),
            json!({ "TicketId": id, "Subject": "s" }),
        ),
        (
            "follow",
            format!(
                "POST {api}/tickets/{id}/followers/user/{}",
                desk.district.users[1].id
            ),
            json!({}),
        ),
        ("close", format!("POST {api}/tickets/{id}/close"), json!({})),
        ("delete", format!("DELETE {api}/tickets/{id}"), json!({})),
        (
            "message",
            format!("POST {rest}/message"),
            json!({ "html_body": "m" }),
        ),
        (
            "update",
            format!("PATCH {rest}"),
            json!({ "state": "closed" }),
        ),
    ] {
        let writes = desk.bench.audit().await.len();
        for (fault, more) in [
            ("status-500", 0),
            ("reset-before-commit", 0),
            ("reset-after-commit", 1),
        ] {
            let wanted = json!({ "operation": operation, "fault": fault });
            desk.bench.send("POST /_sandbox/faults", wanted).await;
            let answer = desk.bench.try_send(&line, "", &body.to_string()).await;
            assert_eq!(
                answer.ok().map(|answer| answer.status),
                (fault == "status-500").then_some(500),
                "{line}"
            );
            assert_eq!(
                desk.bench.audit().await.len(),
                writes + more,
                "{line} {fault}"
            );
        }
    }
}

#[tokio::test]
async fn what_makes_something_new_can_make_it_twice() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("twice").await;
    let new = "POST /tickets/".to_owned() + &id + "/activities/new";
    let script = json!({ "operation": "comment", "fault": "double-commit" });
    desk.bench.send("POST /_sandbox/faults", script).await;
    let (method, path) = new.split_once(' ').unwrap();
    let line = format!("{method} {}{path}", super::desk::API);
    let said = json!({ "ActivityItems": [{ "$type": "comment", "Comments": "x" }] });
    assert!(
        desk.bench
            .try_send(&line, "", &said.to_string())
            .await
            .is_err()
    );
    assert_eq!(
        desk.items(&format!("GET /tickets/{id}/activities"), "")
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn a_success_can_warn() {
    let desk = Desk::lenient().await;
    let script = json!({ "operation": "create", "fault": "soft-errors" });
    desk.bench.send("POST /_sandbox/faults", script).await;
    let made = desk.good("POST /tickets/new", desk.body("warned")).await;
    assert_eq!(made["Errors"][0]["Field"], "LocationRoomId");
    assert!(made["Item"]["TicketId"].is_string());
}
