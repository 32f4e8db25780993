use serde_json::{Value, json};

use super::desk::Desk;
use crate::seed::District;
use crate::test_client::Bench;
use crate::{Config, Sandbox, SandboxError};

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

#[tokio::test]
async fn everything_that_was_written_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::start(config(folder.path())).await;
    let d = District::new();
    let (id, child) = (desk.ticket("parent").await, desk.ticket("child").await);
    let ticket = format!("POST /tickets/{id}");
    let text = json!({ "ActivityItems": [{ "$type": "comment", "Comments": "said" }] });
    let said = desk
        .good(&format!("{ticket}/activities/new/true"), &text)
        .await;
    let said = said["Uid"].as_str().unwrap();
    let hidden = desk.good(&format!("{ticket}/activities/new"), &text).await;
    let hidden = hidden["Uid"].as_str().unwrap();
    desk.good(&format!("DELETE /tickets/activities/{hidden}"), "")
        .await;
    desk.good(&format!("{ticket}/activities/{said}/visibility"), "true")
        .await;
    desk.good(&format!("{ticket}/followers/user/{}", d.users[5].id), "")
        .await;
    desk.good(&format!("{ticket}/tags"), json!([{ "Name": "Kept" }]))
        .await;
    desk.good(&format!("{ticket}/sla"), json!({ "SlaId": d.slas[0].id }))
        .await;
    desk.good(
        &format!("{ticket}/next-steps/new"),
        json!({ "Name": "later" }),
    )
    .await;
    desk.good(&format!("{ticket}/workflow/approval"), "").await;
    desk.good(&format!("{ticket}/start"), "").await;
    let subtask = desk
        .items(
            "POST /subtasks/create",
            json!({ "TicketId": id, "Subject": "s" }),
        )
        .await;
    let subtask = subtask[0]["TicketSubtaskId"].as_str().unwrap();
    desk.good(&format!("POST /subtasks/{subtask}/convert"), "")
        .await;
    let group = desk
        .good("POST /subtasks/group/new", json!({ "Name": "g" }))
        .await;
    let regroup = json!({ "SubtaskGroupId": group["Uid"], "SubtaskIds": [subtask] });
    desk.good("POST /subtasks/group/assign", regroup).await;
    desk.good(
        &format!("POST /tickets/{child}/assign"),
        json!({ "AssignToParentId": id }),
    )
    .await;
    desk.good(
        &format!("POST /tickets/{child}/copy"),
        json!({ "Quantity": 2 }),
    )
    .await;
    let file = desk
        .good(
            "POST /files/base64/save",
            json!({ "FileName": "a.txt", "Content": "aGk=" }),
        )
        .await;
    let file = file["Uid"].as_str().unwrap();
    let tickets = "888891ac-91aa-e711-80c2-100dffa00001";
    desk.good(&format!("POST /files/{file}/entity/{tickets}/{id}"), "")
        .await;
    let job = desk
        .good(
            "POST /tickets/bulk/set-priority",
            json!({ "TicketIds": [child], "Request": 9 }),
        )
        .await;
    let job = job["Item"].as_str().unwrap();
    let user = d.users[5].id;
    desk.good(
        &format!("POST /users/{user}"),
        json!({ "LastName": "Kept" }),
    )
    .await;
    let note = desk
        .send_as("sandbox-requestor", "POST /tickets/new", desk.body("asked"))
        .await;
    let asked = note.json()["Uid"].as_str().unwrap().to_owned();
    let rest = "/clearfeed/v1/rest";
    let message = json!({ "html_body": "reply", "is_private": true, "state": "solved" });
    desk.bench
        .send(&format!("POST {rest}/requests/352/message"), message)
        .await;
    desk.bench
        .send(&format!("POST {rest}/customers"), json!({ "name": "Kept" }))
        .await;
    desk.bench
        .send(
            &format!("PATCH {rest}/customers/71"),
            json!({ "version": 1, "name": "Acme Two" }),
        )
        .await;
    let shown = async |desk: &Desk| {
        let mut all = Vec::new();
        for path in [
            format!("tickets/{id}"),
            format!("tickets/{id}/activities"),
            format!("tickets/{id}/timeline"),
            format!("tickets/{id}/followers"),
            format!("tickets/{id}/sla"),
            format!("tickets/{id}/status"),
            format!("tickets/{id}/next-steps"),
            format!("tickets/{id}/approvals"),
            format!("tickets/{asked}"),
            format!("notifications/emails/for/ticket/{id}"),
            format!("subtasks/{id}"),
            "subtasks/my/groups".to_owned(),
            format!("files/entity/{tickets}/{id}"),
            format!("jobs/{job}"),
            format!("users/{user}"),
        ] {
            let answer = desk.good(&format!("GET /{path}"), "").await;
            all.push(json!([answer["Item"], answer["Items"]]));
        }
        let found = desk.items("POST /tickets?$s=100", "{}").await;
        assert_eq!(found.len(), 6);
        all.push(json!(found));
        for path in ["requests/352?include=messages", "customers"] {
            all.push(desk.bench.get(&format!("{rest}/{path}")).await.json());
        }
        all.push(json!(desk.bench.audit().await));
        all
    };
    let before = shown(&desk).await;
    desk.bench.sandbox.stop().await.unwrap();
    let desk = Desk::start(config(folder.path())).await;
    let after = shown(&desk).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
}
