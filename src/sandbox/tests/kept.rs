use serde_json::{Value, json};

use crate::sandbox::seed::District;
use crate::sandbox::test_client::Bench;
use crate::sandbox::{Config, Sandbox, SandboxError};

fn config(folder: &std::path::Path) -> Config {
    Config {
        data: Some(folder.to_owned()),
        ..Config::default()
    }
}

#[tokio::test]
async fn tickets_steps_audit_and_instance_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let district = District::new();
    let bench = Bench::start(config(folder.path())).await;
    let ticket = json!({
        "Subject": "kept", "IssueDescription": "Ref: k/1", "ForId": district.users[40].id,
        "IssueId": district.issues[0].id, "LocationId": district.locations[4].id,
    });
    // Spread over lines: the journal must still be one line a write.
    let pretty = serde_json::to_string_pretty(&ticket).unwrap();
    let made = bench
        .send("POST /incidentiq/api/v1.0/tickets/create", pretty)
        .await
        .json();
    let path = format!(
        "/incidentiq/api/v1.0/tickets/{}",
        made["Uid"].as_str().unwrap()
    );
    bench
        .send(&format!("POST {path}/priority"), json!({ "Priority": 10 }))
        .await;
    let request =
        json!({ "collection_id": "col_11", "title": "t", "description": "d", "tags": ["x"] });
    bench.send("POST /clearfeed/v1/requests", request).await;
    bench
        .send(
            "PATCH /clearfeed/v1/requests/req_392",
            json!({ "status": "closed" }),
        )
        .await;
    let before = (
        bench.get(&path).await.json()["Item"].clone(),
        bench.get("/clearfeed/v1/requests/req_392").await.json(),
        bench.audit().await,
        bench.sandbox.ready_line()["instance"].clone(),
    );
    assert!(matches!(
        Sandbox::start(config(folder.path())).await,
        Err(SandboxError::InUse { .. })
    ));
    bench.sandbox.stop().await.unwrap();

    let bench = Bench::start(config(folder.path())).await;
    let after = (
        bench.get(&path).await.json()["Item"].clone(),
        bench.get("/clearfeed/v1/requests/req_392").await.json(),
        bench.audit().await,
        bench.sandbox.ready_line()["instance"].clone(),
    );
    assert_eq!(before, after);
    assert_eq!(after.0["PriorityLevel"]["Name"], "Low");
    assert_eq!(after.2.len(), 4);

    let reset = bench.send("POST /_sandbox/reset", "").await.json();
    assert_ne!(reset["instance"], after.3);
    assert!(bench.audit().await.is_empty());
    assert_eq!(bench.get(&path).await.status, 404);
    bench.sandbox.stop().await.unwrap();
    let bench = Bench::start(config(folder.path())).await;
    assert_eq!(bench.sandbox.ready_line()["instance"], reset["instance"]);
}

#[tokio::test]
async fn the_ready_line_tells_where_everything_is() {
    let bench = Bench::start(Config::default()).await;
    let line = bench.sandbox.ready_line();
    let root = format!("http://{}", bench.sandbox.address());
    assert_eq!(
        line["incidentiq"],
        Value::from(format!("{root}/incidentiq"))
    );
    assert_eq!(line["clearfeed"], Value::from(format!("{root}/clearfeed")));
    assert_eq!(line["admin"], Value::from(format!("{root}/_sandbox")));
    assert_eq!(line["token"], "sandbox");
    assert_eq!(line["site_id"], District::new().site.to_string());
    let header = bench.get("/_sandbox/stats").await;
    assert_eq!(
        header.header("x-deskferry-sandbox"),
        line["instance"].as_str()
    );
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let bench = Bench::start(Config::default()).await;
    let taken = Config {
        listen: bench.sandbox.address(),
        ..Config::default()
    };
    let error = Sandbox::start(taken).await.unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }), "{error}");
    assert!(error.hint().contains("port 0"));
}
