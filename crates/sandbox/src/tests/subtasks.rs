use serde_json::{Value, json};

use super::desk::Desk;

#[tokio::test]
async fn subtasks_go_through_their_life() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("work").await;
    let me = desk.district.users[0].id;
    desk.items(
        "POST /subtasks/create",
        json!({ "TicketId": id, "Subject": "first", "AssignedTo": me }),
    )
    .await;
    let all = desk
        .items(
            "POST /subtasks/create",
            json!({ "TicketId": id, "Subject": "second" }),
        )
        .await;
    assert_eq!(all.len(), 2);
    let ids: Vec<&str> = all
        .iter()
        .map(|one| one["TicketSubtaskId"].as_str().unwrap())
        .collect();
    let (first, second) = (ids[0], ids[1]);
    assert_eq!(desk.items("GET /subtasks", "").await.len(), 1);
    let done = desk
        .items(&format!("POST /subtasks/{first}/complete"), "")
        .await;
    assert_eq!(
        (&done[0]["IsCompleted"], &done[0]["CompletedBy"]),
        (&json!(true), &json!(me))
    );
    assert_eq!(desk.items("GET /subtasks", "").await.len(), 0);
    let item = desk.item(&id).await;
    assert_eq!(
        (&item["SubtaskCount"], &item["SubtasksClosed"]),
        (&json!(2), &json!(1))
    );
    let open = desk
        .good(&format!("POST /subtasks/{first}/revert"), "")
        .await;
    assert_eq!(open["Item"]["IsCompleted"], false);
    let user = desk.district.users[3].id;
    let all = desk
        .items(&format!("POST /subtasks/{second}/assign/{user}"), "")
        .await;
    assert_eq!(all[1]["AssignedTo"], user.to_string());
    let all = desk
        .items(&format!("POST /subtasks/{second}/unassign"), "")
        .await;
    assert_eq!(all[1]["IsAssigned"], false);
    let copy = desk
        .good(&format!("POST /subtasks/{second}/duplicate"), "")
        .await;
    assert_ne!(copy["Item"]["TicketSubtaskId"], second);
    desk.good(&format!("DELETE /subtasks/{second}"), "").await;
    assert_eq!(
        desk.refused(&format!("POST /subtasks/{second}/complete"), "")
            .await,
        404
    );
    desk.good(
        "POST /subtasks/update-sort",
        json!([{ "TicketSubtaskId": first, "SortOrder": 9 }]),
    )
    .await;
    let all = desk.items(&format!("GET /subtasks/{id}"), "").await;
    assert_eq!(all[1]["TicketSubtaskId"], first);
    let converted = desk
        .good(&format!("POST /subtasks/{first}/convert"), "")
        .await;
    let child = converted["Item"]["CreatedTicketId"].as_str().unwrap();
    let child = desk.item(child).await;
    assert_eq!(
        (&child["ParentTicketId"], &child["Subject"]),
        (&json!(id), &json!("first"))
    );
    assert_eq!(
        desk.refused(&format!("POST /subtasks/{first}/convert"), "")
            .await,
        400
    );
    for body in [json!({ "Subject": "x" }), json!({ "TicketId": id })] {
        assert_eq!(
            desk.refused("POST /subtasks/create", &body).await,
            400,
            "{body}"
        );
    }
    let nowhere = json!({ "TicketId": desk.district.site, "Subject": "x" });
    assert_eq!(desk.refused("POST /subtasks/create", nowhere).await, 404);
}

#[tokio::test]
async fn subtasks_stand_in_groups() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("groups").await;
    let all = desk
        .items(
            "POST /subtasks/create",
            json!({ "TicketId": id, "Subject": "one" }),
        )
        .await;
    let group = desk
        .good("POST /subtasks/group/new", json!({ "Name": "Monday" }))
        .await;
    let group = group["Item"]["SubtaskGroupId"].as_str().unwrap();
    let body = json!({ "SubtaskGroupId": group, "SubtaskIds": [all[0]["TicketSubtaskId"]] });
    desk.good("POST /subtasks/group/assign", body).await;
    assert_eq!(
        desk.items(&format!("GET /subtasks/{id}"), "").await[0]["SubtaskGroupId"],
        group
    );
    desk.good(
        &format!("POST /subtasks/group/{group}"),
        json!({ "Name": "Tuesday" }),
    )
    .await;
    let mine: Vec<Value> = desk.items("GET /subtasks/my/groups", "").await;
    assert_eq!(mine[0]["Name"], "Tuesday");
    let me = desk.district.users[0].id;
    desk.good(&format!("DELETE /subtasks/group/{group}"), "")
        .await;
    assert!(
        desk.items(&format!("GET /subtasks/{me}/groups"), "")
            .await
            .is_empty()
    );
    assert_eq!(
        desk.refused(
            &format!("POST /subtasks/group/{group}"),
            json!({ "Name": "x" })
        )
        .await,
        404
    );
}
