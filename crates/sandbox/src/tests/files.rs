use serde_json::{Value, json};

use super::desk::{API, Desk};

const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";
const LOCATIONS: &str = "888891ac-91aa-e711-80c2-100dffa00002";

async fn form(desk: &Desk) -> Value {
    let body = "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"log.txt\"\r\nContent-Type: text/plain\r\n\r\nit broke\r\n--b0--\r\n";
    let header = "content-type: multipart/form-data; boundary=b0\r\n";
    let line = format!("POST {API}/files");
    let answer = desk.bench.try_send(&line, header, body).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["Item"].clone()
}

#[tokio::test]
async fn files_come_as_forms_and_as_base64_and_go_out_as_they_came() {
    let desk = Desk::lenient().await;
    let file = form(&desk).await;
    assert_eq!(
        (&file["Name"], &file["Size"], &file["MimeType"]),
        (&json!("log.txt"), &json!(8), &json!("text/plain"))
    );
    let id = file["FileId"].as_str().unwrap();
    let content = desk.send(&format!("GET /files/{id}"), "").await;
    assert_eq!(
        (content.text.as_str(), content.header("content-type")),
        ("it broke", Some("text/plain"))
    );
    let saved = desk
        .good(
            "POST /files/base64/save",
            json!({ "FileName": "a.png", "Content": "AAEC", "FileType": 1 }),
        )
        .await;
    assert_eq!(
        (&saved["Item"]["Size"], &saved["Item"]["IsImage"]),
        (&json!(3), &json!(true))
    );
    for body in [
        json!({ "FileName": "a" }),
        json!({ "FileName": "a", "Content": "***" }),
    ] {
        assert_eq!(
            desk.refused("POST /files/base64/save", &body).await,
            400,
            "{body}"
        );
    }
    assert_eq!(desk.refused("POST /files", "no form").await, 400);
    let nothing = format!("GET /files/{}", desk.district.site);
    assert_eq!(desk.refused(&nothing, "").await, 404);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_with_its_own_status() {
    let desk = Desk::lenient().await;
    let body = json!({ "FileName": "big.bin", "Content": "A".repeat((25 << 20) / 3 * 4 + 8) });
    assert_eq!(desk.refused("POST /files/base64/save", &body).await, 413);
}

#[tokio::test]
async fn files_hang_on_tickets_whichever_order_the_ids_have() {
    let desk = Desk::lenient().await;
    let ticket = desk.ticket("files").await;
    let file = form(&desk).await["FileId"].as_str().unwrap().to_owned();
    for path in [format!("{TICKETS}/{ticket}"), format!("{ticket}/{TICKETS}")] {
        desk.good(&format!("POST /files/{file}/entity/{path}"), "")
            .await;
        let files = desk.items(&format!("GET /files/entity/{path}"), "").await;
        assert_eq!((files.len(), &files[0]["Name"]), (1, &json!("log.txt")));
    }
    let attached = desk.item(&ticket).await["Attachments"].clone();
    assert_eq!(attached[0]["FileId"], file.as_str());
    let place = format!("{LOCATIONS}/{}", desk.district.locations[0].id);
    for line in [
        format!("POST /files/{file}/entity/{place}"),
        format!("GET /files/entity/{place}"),
    ] {
        assert_eq!(desk.refused(&line, "").await, 404, "{line}");
    }
}

#[tokio::test]
async fn a_file_is_taken_off_its_ticket_and_deleted_for_good() {
    let desk = Desk::lenient().await;
    let ticket = desk.ticket("files").await;
    let file = form(&desk).await["FileId"].as_str().unwrap().to_owned();
    let link = format!("/files/{file}/entity/{TICKETS}/{ticket}");
    assert_eq!(desk.refused(&format!("DELETE {link}"), "").await, 404);
    desk.good(&format!("POST {link}"), "").await;
    desk.good(&format!("DELETE {link}"), "").await;
    let listed = format!("GET /files/entity/{TICKETS}/{ticket}");
    assert_eq!(desk.items(&listed, "").await, Vec::<Value>::new());
    assert_eq!(desk.item(&ticket).await["Attachments"], json!([]));
    // The file itself is still there, and can be linked again.
    let details = desk.good(&format!("GET /files/{file}/details"), "").await;
    assert_eq!(details["Item"]["Name"], "log.txt");
    let content = desk.good(&format!("GET /files/base64/{file}"), "").await;
    assert_eq!(content["Item"]["Content"], "aXQgYnJva2U=");
    desk.good(&format!("POST {link}"), "").await;
    desk.good(&format!("DELETE /files/{file}"), "").await;
    assert_eq!(desk.items(&listed, "").await, Vec::<Value>::new());
    for line in [
        format!("GET /files/{file}"),
        format!("GET /files/{file}/details"),
        format!("DELETE /files/{file}"),
        format!("POST {link}"),
    ] {
        assert_eq!(desk.refused(&line, "").await, 404, "{line}");
    }
    let made: Vec<_> = desk.operations().await.split_off(2);
    let wanted = ["file_link", "file_unlink", "file_link", "file_delete"];
    assert_eq!(made, wanted);
}

#[tokio::test]
async fn tickets_bring_their_attachments_along() {
    let desk = Desk::lenient().await;
    let mut body = desk.body("with a file");
    body["Attachments"] =
        json!([{ "FileName": "a.txt", "FileData": "aGVsbG8=", "ContentType": "text/plain" }]);
    let id = desk.made(&body).await;
    let file = desk.item(&id).await["Attachments"][0].clone();
    assert_eq!(
        desk.send(
            &format!("GET /files/{}", file["FileId"].as_str().unwrap()),
            ""
        )
        .await
        .text,
        "hello"
    );
    body["Attachments"][0]["FileData"] = json!("!");
    assert_eq!(desk.refused("POST /tickets/new", &body).await, 422);
}

#[tokio::test]
async fn bulk_requests_work_each_ticket_and_leave_a_job() {
    let desk = Desk::lenient().await;
    let ids = [desk.ticket("a").await, desk.ticket("b").await];
    let d = &desk.district;
    let bulk = async |line: &str, request: Value| {
        let body = json!({ "TicketIds": ids, "Request": request });
        let job = desk.good(line, body).await["Item"]
            .as_str()
            .unwrap()
            .to_owned();
        let job = desk.good(&format!("GET /jobs/{job}"), "").await["Item"].clone();
        assert_eq!(job["Succeeded"], 2, "{line}: {job}");
    };
    bulk(
        "POST /tickets/bulk/assign",
        json!({ "AssignToUserId": d.users[3].id }),
    )
    .await;
    bulk("POST /tickets/bulk/set-priority", json!(160)).await;
    bulk(
        "POST /tickets/bulk/set-issue",
        json!({ "IssueId": d.issues[9].id, "AutoUpdateSubject": true }),
    )
    .await;
    bulk(
        "POST /tickets/bulk/assign-sla",
        json!({ "SlaId": d.slas[0].id }),
    )
    .await;
    bulk("POST /tickets/bulk/follow", Value::Null).await;
    bulk(
        "POST /tickets/bulk/set-due-date",
        json!({ "Type": 3, "CustomDate": "01/01/2031" }),
    )
    .await;
    let field = d.custom_fields[0].id;
    bulk(
        "POST /tickets/bulk/set-info",
        json!({ "Values": [{ "Key": format!("custom-field:{field}"), "Value": "7" }] }),
    )
    .await;
    for id in &ids {
        let item = desk.item(id).await;
        assert_eq!(item["PriorityLevel"]["Name"], "Critical");
        assert_eq!(item["AssignedToUserId"], d.users[3].id.to_string());
        assert_eq!(item["Subject"], d.issues[9].name.as_str());
        assert_eq!(item["CustomFieldValues"][0]["Value"], "7");
        assert_eq!(item["SlaId"], d.slas[0].id.to_string());
        assert!(item["DueDate"].is_string());
    }
    bulk("DELETE /tickets/bulk/remove-sla", Value::Null).await;
    bulk("POST /tickets/bulk/work", json!({
        "IsIssueConfirmed": true, "StatusTypeId": d.statuses[3].status, "CloseReasonTypeId": d.close_reasons[0].0,
        "Activity": { "ActivityItems": [{ "$type": "comment", "Comments": "done" }] },
    })).await;
    for id in &ids {
        let item = desk.item(id).await;
        assert_eq!(
            (&item["IsClosed"], &item["SlaId"]),
            (&json!(true), &Value::Null)
        );
        assert_eq!(
            desk.items(&format!("GET /tickets/{id}/activities"), "")
                .await
                .len(),
            1
        );
    }
    let closed = desk
        .operations()
        .await
        .into_iter()
        .filter(|one| one == "close")
        .count();
    assert_eq!(closed, 2);
    bulk("DELETE /tickets/bulk/delete", Value::Null).await;
    assert!(desk.items("POST /tickets", "{}").await.is_empty());
}

#[tokio::test]
async fn a_bulk_status_comes_in_two_shapes_and_ids_of_nothing_are_told_in_the_job() {
    let desk = Desk::lenient().await;
    let (a, b) = (desk.ticket("a").await, desk.ticket("b").await);
    let step = desk.district.statuses[1].step;
    desk.good(
        "POST /tickets/bulk/set-status",
        json!({ "TicketIds": [a], "Request": { "WorkflowStepId": step } }),
    )
    .await;
    let named = json!({ "ticketIds": [b, desk.district.site], "targetStatus": "Resolved", "comment": "bye" });
    let job = desk.good("POST /tickets/bulk/set-status", named).await["Item"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        desk.item(&a).await["WorkflowStep"]["StatusName"],
        "In Progress"
    );
    assert_eq!(desk.item(&b).await["IsClosed"], true);
    let job = desk.good(&format!("GET /jobs/{job}"), "").await["Item"].clone();
    assert_eq!((&job["Succeeded"], &job["Failed"]), (&json!(1), &json!(1)));
    let unknown = json!({ "TicketIds": [a], "targetStatus": "Lost" });
    assert_eq!(
        desk.refused("POST /tickets/bulk/set-status", unknown).await,
        400
    );
    assert_eq!(
        desk.refused("POST /tickets/bulk/assign", json!({ "TicketIds": [] }))
            .await,
        400
    );
    let search = json!({ "Filters": [{ "Facet": "ticketstate", "Value": "open" }] });
    let all = json!({ "IsSelectAll": true, "TicketRequest": search, "Request": 5 });
    desk.good("POST /tickets/bulk/set-priority", all).await;
    assert_eq!(desk.item(&a).await["Priority"], 5);
    assert_eq!(desk.item(&b).await["Priority"], 100);
}
