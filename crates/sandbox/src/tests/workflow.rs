use serde_json::{Value, json};

use super::desk::Desk;

#[tokio::test]
async fn the_workflow_allows_what_the_documents_tell_and_refuses_the_rest() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("flow").await;
    let ticket = format!("/tickets/{id}");
    let step = async |path: &str| {
        desk.good(&format!("POST {ticket}{path}"), "").await;
        desk.item(&id).await["WorkflowStep"]["StatusName"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(step("/confirm-issue").await, "Submitted");
    assert_eq!(step("/start").await, "In Progress");
    assert_eq!(
        step("/status/waiting-on-requestor").await,
        "Waiting on Requestor"
    );
    assert_eq!(step("/status/requestor-responded").await, "In Progress");
    assert_eq!(step("/stop").await, "Waiting on Requestor");
    assert_eq!(step("/unconfirm-issue").await, "Waiting on Requestor");
    let reason = desk.district.close_reasons[1];
    desk.good(
        &format!("POST {ticket}/resolve"),
        json!({ "CloseReasonTypeId": reason.0 }),
    )
    .await;
    let item = desk.item(&id).await;
    assert_eq!(item["CloseReason"]["Name"], reason.1);
    assert_eq!(item["IsClosed"], true);
    assert_eq!(
        item["ClosedByUserId"],
        desk.district.users[0].id.to_string()
    );
    for path in [
        "/close",
        "/cancel",
        "/start",
        "/status/waiting-on-requestor",
    ] {
        assert_eq!(
            desk.refused(&format!("POST {ticket}{path}"), "").await,
            400,
            "{path}"
        );
    }
    let reopened = desk.district.statuses[1].step;
    assert_eq!(step(&format!("/status/{reopened}")).await, "In Progress");
    let item = desk.item(&id).await;
    assert_eq!(
        (&item["ClosedDate"], &item["CloseReasonTypeId"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(step("/cancel").await, "Canceled");
    let nowhere = format!("POST {ticket}/status/{id}");
    assert_eq!(desk.refused(&nowhere, "").await, 400);
}

#[tokio::test]
async fn open_next_steps_stand_in_the_way_of_closing() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("steps").await;
    let new = format!("POST /tickets/{id}/next-steps/new");
    let must = desk
        .good(
            &new,
            json!({ "Name": "Ask the vendor", "IsMandatory": true }),
        )
        .await;
    desk.good(&new, json!({ "Name": "Tidy up" })).await;
    let close = format!("POST /tickets/{id}/close");
    let skipping = json!({ "SkipCheckingNonMandatorySteps": true });
    assert_eq!(desk.refused(&close, &skipping).await, 400);
    let step = must["Item"]["NextStepId"].as_str().unwrap();
    desk.good(&format!("POST /tickets/{id}/next-steps/{step}/resolve"), "")
        .await;
    assert_eq!(desk.refused(&close, "").await, 400);
    desk.good(&close, &skipping).await;
    let steps = desk
        .items(&format!("GET /tickets/{id}/next-steps"), "")
        .await;
    assert_eq!(
        (&steps[0]["IsResolved"], &steps[1]["IsResolved"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn approvals_are_asked_for_answered_and_taken_back() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("approval").await;
    let flow = format!("POST /tickets/{id}/workflow/approval");
    let answer =
        json!({ "TicketId": id, "Action": "Approve", "Comments": "go", "IsCommentPublic": false });
    assert_eq!(
        desk.refused(&format!("{flow}/response"), &answer).await,
        400
    );
    desk.good(&flow, json!({ "ApproverIds": [desk.district.users[2].id] }))
        .await;
    let status = desk.good(&format!("GET /tickets/{id}/status"), "").await;
    assert_eq!(status["Item"]["IsAwaitingOnApproval"], true);
    assert_eq!(
        status["Item"]["ApproverIds"][0],
        desk.district.users[2].id.to_string()
    );
    desk.good(&format!("{flow}/response"), &answer).await;
    let approvals = desk
        .items(&format!("GET /tickets/{id}/approvals"), "")
        .await;
    assert_eq!(approvals[0]["Action"], "Approve");
    desk.good(&flow, "").await;
    desk.good(&format!("DELETE /tickets/{id}/workflow/delete"), "")
        .await;
    assert_eq!(
        desk.items(&format!("GET /tickets/{id}/approvals"), "")
            .await
            .len(),
        1
    );
}

#[tokio::test]
async fn duplicates_and_related_tickets_are_closed_with_the_one_they_hang_on() {
    let desk = Desk::lenient().await;
    let [id, original, child] = [
        desk.ticket("a").await,
        desk.ticket("b").await,
        desk.ticket("c").await,
    ];
    desk.good(
        &format!("POST /tickets/{id}/mark-as-duplicate/{original}"),
        "",
    )
    .await;
    let item = desk.item(&id).await;
    assert_eq!(
        (&item["IsClosed"], &item["CloseReason"]["Name"]),
        (&json!(true), &json!("Duplicate"))
    );
    for bad in ["nonsense", "11111111-1111-1111-1111-111111111111"] {
        let line = format!("POST /tickets/{child}/mark-as-duplicate/{bad}");
        assert_eq!(desk.refused(&line, "").await, 500, "{bad}");
    }
    desk.good(
        &format!("POST /tickets/{child}/assign"),
        json!({ "AssignToParentId": original }),
    )
    .await;
    desk.good(
        &format!("POST /tickets/{original}/close"),
        json!({ "ForceCloseRelatedTickets": true }),
    )
    .await;
    assert_eq!(desk.item(&child).await["IsClosed"], true);
}
