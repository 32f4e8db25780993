use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::Config;
use crate::sandbox::test_client::Bench;

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
        ("status-503", Some(503), false),
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
            let after = (fault == "status-429-retry-after").then_some("1");
            assert_eq!(answer.header("retry-after"), after);
        }
        writes += usize::from(commits);
        assert_eq!(bench.audit().await.len(), writes, "{fault}");
    }
    assert_eq!(bench.send(CREATE, body()).await.status, 201);
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
