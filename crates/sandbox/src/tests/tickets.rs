use serde_json::{Value, json};

use super::desk::Desk;

fn action(text: &str) -> Value {
    json!({
        "ActivityItems": [{ "$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared", "Comments": text }],
    })
}

#[tokio::test]
async fn narrow_endpoints_change_one_thing_with_post_and_put() {
    let desk = Desk::lenient().await;
    for method in ["POST", "PUT"] {
        let id = desk.ticket("narrow").await;
        let path = format!("{method} /tickets/{id}");
        desk.good(&format!("{path}/subject"), json!({ "Subject": "new" }))
            .await;
        desk.good(
            &format!("{path}/description"),
            json!({ "Description": "why" }),
        )
        .await;
        let issue = &desk.district.issues[7];
        let body = json!({ "TicketId": id, "IssueId": issue.id, "AutoUpdateSubject": true });
        desk.good(&format!("{path}/issue"), body).await;
        desk.good(&format!("{path}/mark-urgent"), "").await;
        desk.good(&format!("{path}/mark-sensitive"), "").await;
        let item = desk.item(&id).await;
        assert_eq!(item["Subject"], issue.name.as_str());
        assert_eq!(item["IssueDescription"], "why");
        assert_eq!(
            (&item["IsUrgent"], &item["HasSensitiveInformation"]),
            (&json!(true), &json!(true))
        );
        desk.good(&format!("{path}/mark-not-urgent"), "").await;
        desk.good(&format!("{path}/mark-not-sensitive"), "").await;
        let item = desk.item(&id).await;
        assert_eq!(
            (&item["IsUrgent"], &item["HasSensitiveInformation"]),
            (&json!(false), &json!(false))
        );
    }
}

#[tokio::test]
async fn priorities_are_taken_in_every_shape_of_the_documents() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("priority").await;
    let critical = desk.district.priorities[3].id;
    for (body, score) in [
        (json!({ "TicketId": id, "Priority": 60 }), 60),
        (json!({ "PriorityId": 10 }), 10),
        (json!({ "Priority": critical }), 151),
        (json!({ "PriorityId": desk.district.priorities[1].id }), 51),
    ] {
        desk.good(&format!("POST /tickets/{id}/priority"), &body)
            .await;
        assert_eq!(desk.item(&id).await["Priority"], score, "{body}");
    }
    let line = format!("POST /tickets/{id}/priority");
    assert_eq!(
        desk.refused(&line, json!({ "Priority": "high" })).await,
        400
    );
    assert_eq!(desk.refused(&line, json!({ "Priority": 5_000 })).await, 400);
}

#[tokio::test]
async fn an_update_takes_collections_only_where_it_says_so_and_drops_fields_that_it_leaves_out() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("update").await;
    let line = format!("POST /tickets/{id}");
    let [first, second] = [
        &desk.district.custom_fields[0],
        &desk.district.custom_fields[1],
    ];
    let value = |field: &crate::seed::district::CustomField, text: &str| json!({ "CustomFieldTypeId": field.id, "Value": text });
    let tags = json!([{ "TagId": desk.district.tags[0].0 }]);
    let assets = json!([{ "AssetId": desk.district.assets[0].id }]);
    let mut body =
        json!({ "Tags": tags, "Assets": assets, "CustomFieldValues": [value(first, "a")] });
    let item = desk.good(&line, &body).await["Item"].clone();
    for name in ["Tags", "Assets", "CustomFieldValues"] {
        assert_eq!(item[name], json!([]), "{name}");
    }
    for name in ["UpdateTags", "UpdateAssets", "UpdateCustomFields"] {
        body[name] = json!(true);
    }
    let item = desk.good(&line, &body).await["Item"].clone();
    for name in ["Tags", "Assets", "CustomFieldValues"] {
        assert_eq!(item[name].as_array().unwrap().len(), 1, "{name}");
    }
    let mut other =
        json!({ "UpdateCustomFields": true, "CustomFieldValues": [value(second, "b")] });
    other["DeleteMissingCustomFieldValues"] = json!(false);
    let item = desk.good(&line, &other).await["Item"].clone();
    assert_eq!(item["CustomFieldValues"].as_array().unwrap().len(), 2);
    other["DeleteMissingCustomFieldValues"] = json!(true);
    let item = desk.good(&line, &other).await["Item"].clone();
    assert_eq!(item["CustomFieldValues"][0]["Value"], "b");
    assert_eq!(item["CustomFieldValues"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tags_and_assets_are_replaced_or_changed_one_by_one() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("tags").await;
    let assets = desk
        .items(
            &format!("POST /tickets/{id}/assets"),
            json!([{ "AssetId": desk.district.assets[5].id }]),
        )
        .await;
    assert_eq!(assets[0]["AssetTag"], desk.district.assets[5].tag.as_str());
    let (tag, name) = desk.district.tags[1];
    desk.good(&format!("POST /tickets/{id}/tags/{tag}"), "")
        .await;
    assert_eq!(desk.item(&id).await["Tags"][0]["Name"], name);
    desk.good(&format!("DELETE /tickets/{id}/tags/{tag}"), "")
        .await;
    assert_eq!(desk.item(&id).await["Tags"], json!([]));
    assert_eq!(
        desk.refused(&format!("DELETE /tickets/{id}/tags/{tag}"), "")
            .await,
        404
    );
    assert_eq!(
        desk.refused(&format!("POST /tickets/{id}/tags"), json!({ "Name": "x" }))
            .await,
        400
    );
}

#[tokio::test]
async fn due_dates_are_dates_or_spans() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("due").await;
    let line = format!("POST /tickets/{id}/due-dates");
    for date in ["02/03/2031", "2031-02-03T00:00:00", "2031-02-03T06:00:00Z"] {
        let answer = desk
            .good(&line, json!({ "Type": 3, "CustomDate": date }))
            .await;
        assert_eq!(
            answer["Item"]["DueDate"], "2031-02-03T06:00:00.000Z",
            "{date}"
        );
    }
    let answer = desk
        .good(&line, json!({ "Type": 1, "Count": 2, "Period": 1 }))
        .await;
    let due: jiff::Timestamp = answer["Item"]["DueDate"].as_str().unwrap().parse().unwrap();
    let days = due.duration_since(jiff::Timestamp::now()).as_hours() / 24;
    assert!((13..=14).contains(&days), "{days}");
    let answer = desk.good(&line, json!({ "Type": 99 })).await;
    assert_eq!(answer["Item"]["DueDate"], Value::Null);
    assert_eq!(desk.refused(&line, json!({ "Type": 12 })).await, 400);
}

#[tokio::test]
async fn a_ticket_is_assigned_to_people_teams_levels_and_other_tickets() {
    let desk = Desk::lenient().await;
    let (id, other) = (desk.ticket("a").await, desk.ticket("b").await);
    let line = format!("POST /tickets/{id}/assign");
    let sla = desk.district.slas[1].id;
    desk.good(
        &line,
        json!({ "TicketId": id, "AssignToUserId": desk.district.users[4].id }),
    )
    .await;
    desk.good(&line, json!({ "TicketId": id, "AssignToTeamId": desk.district.teams[1].id, "AssignToSlaId": sla }))
        .await;
    desk.good(
        &line,
        json!({ "TicketId": id, "AssignToParentId": other, "AssignToRelatedId": other }),
    )
    .await;
    let item = desk.item(&id).await;
    assert_eq!(
        item["AssignedToUserId"],
        desk.district.users[4].id.to_string()
    );
    assert_eq!(
        item["AssignedToTeamId"],
        desk.district.teams[1].id.to_string()
    );
    assert_eq!(item["Sla"]["Name"], "Classroom down");
    assert_eq!(item["ParentTicketId"], other.as_str());
    assert_eq!(item["ParentTicketNumber"], "10002");
    let level = desk.good(&format!("GET /tickets/{id}/sla"), "").await;
    assert_eq!(level["Item"]["SlaTimes"][0]["IsRunning"], true);
    assert_eq!(level["Item"]["Sla"]["Metrics"][1]["ValueInMinutes"], 240);
    let parent = desk.item(&other).await;
    assert_eq!(
        (&parent["SubticketCount"], &parent["HasSubticketsOpen"]),
        (&json!(1), &json!(true))
    );
    desk.good(&format!("POST /tickets/{id}/close"), "").await;
    let parent = desk.item(&other).await;
    assert_eq!(
        (&parent["SubticketsClosed"], &parent["HasSubticketsOpen"]),
        (&json!(1), &json!(false))
    );
    desk.good(&format!("DELETE /subtickets/{id}"), "").await;
    assert_eq!(desk.item(&other).await["SubticketCount"], 0);
    for path in ["unassign/user", "unassign/team", "unassign-sla"] {
        desk.good(&format!("POST /tickets/{id}/{path}"), "").await;
    }
    desk.good(&format!("POST /tickets/{id}/unassign/related/{other}"), "")
        .await;
    let item = desk.item(&id).await;
    for name in ["AssignedToUserId", "AssignedToTeamId", "SlaId"] {
        assert_eq!(item[name], Value::Null, "{name}");
    }
    let (owner, requestor) = (desk.district.users[30].id, desk.district.users[31].id);
    desk.good(
        &format!("POST /tickets/{id}/owner/{owner}/for/{requestor}"),
        "",
    )
    .await;
    assert_eq!(desk.item(&id).await["OwnerId"], owner.to_string());
    for body in [
        json!({ "TicketId": other, "ClearUser": true }),
        json!({ "AssignToUserId": other }),
        json!({ "AssignToParentId": id }),
    ] {
        assert_eq!(desk.refused(&line, &body).await, 400, "{body}");
    }
}

#[tokio::test]
async fn tickets_are_made_by_names_and_as_copies() {
    let desk = Desk::lenient().await;
    let simple = json!({
        "ForUsername": "helpdesk", "Issue": desk.district.issues[2].name, "AssetTag": desk.district.assets[1].tag,
    });
    let made = desk.good("POST /tickets/simple/new", &simple).await["Item"].clone();
    assert_eq!(made["Subject"], desk.district.issues[2].name.as_str());
    assert_eq!(
        made["Assets"][0]["AssetTag"],
        desk.district.assets[1].tag.as_str()
    );
    for (name, value) in [
        ("ForUsername", "nobody"),
        ("Issue", "No such issue"),
        ("AssetTag", "999999"),
    ] {
        let mut body = simple.clone();
        body[name] = json!(value);
        assert_eq!(
            desk.refused("POST /tickets/simple/new", &body).await,
            404,
            "{name}"
        );
    }
    let id = desk.ticket("source").await;
    let options = json!({ "Quantity": 2, "CopyRequestor": true, "NewSubject": "copied" });
    let copies = desk
        .items(&format!("POST /tickets/{id}/copy"), &options)
        .await;
    assert_eq!(copies.len(), 2);
    assert_eq!(
        (&copies[1]["Subject"], &copies[1]["TicketNumber"]),
        (&json!("copied"), &json!("10004"))
    );
    assert_eq!(copies[0]["ForId"], desk.district.users[200].id.to_string());
    assert_eq!(
        desk.operations().await,
        ["create", "create", "copy", "copy"]
    );
}

#[tokio::test]
async fn on_the_newer_path_a_type_stands_for_its_first_issue() {
    let desk = Desk::lenient().await;
    let kind = &desk.district.issue_types[2];
    let mut body = desk.body("type");
    body.as_object_mut().unwrap().remove("IssueId");
    assert_eq!(desk.refused("POST /tickets/new", &body).await, 400);
    body["IssueTypeId"] = json!(kind.id);
    let made = desk.good("POST /tickets/new", &body).await;
    assert_eq!(made["Item"]["Issue"]["IssueTypeId"], kind.id.to_string());
    assert_eq!(desk.refused("POST /tickets/create", &body).await, 400);
}

#[tokio::test]
async fn deleting_hides_and_undeleting_shows_again() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("gone").await;
    desk.good(&format!("DELETE /tickets/{id}"), "").await;
    assert_eq!(desk.items("POST /tickets", "{}").await.len(), 0);
    let deleted = desk
        .items("POST /tickets", json!({ "OnlyShowDeleted": true }))
        .await;
    assert_eq!(deleted[0]["TicketId"], id.as_str());
    assert_eq!(desk.item(&id).await["IsDeleted"], true);
    desk.good(&format!("PUT /tickets/{id}/undelete"), "").await;
    assert_eq!(desk.items("POST /tickets", "{}").await.len(), 1);
}

#[tokio::test]
async fn the_timeline_tells_everything_in_its_order() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("story").await;
    desk.good(&format!("POST /tickets/{id}/start"), "").await;
    desk.good(
        &format!("POST /tickets/{id}/activities/new"),
        action("hello"),
    )
    .await;
    desk.good(&format!("POST /tickets/{id}/close"), "").await;
    let types = async |line: &str, body: Value| {
        let items = desk.items(line, body).await.into_iter();
        items
            .map(|one| {
                one["ActivityItems"][0]["TicketActivityTypeId"]
                    .as_u64()
                    .unwrap()
            })
            .collect::<Vec<_>>()
    };
    let line = format!("/tickets/{id}/timeline");
    assert_eq!(
        types(&format!("GET {line}"), json!({})).await,
        [5, 63, 6, 10]
    );
    let comments = json!({ "LoadRevisions": false });
    assert_eq!(types(&format!("POST {line}"), comments).await, [6]);
}

#[tokio::test]
async fn a_live_system_leaves_out_what_it_was_seen_to_leave_out() {
    let desk = Desk::live_like().await;
    let id = desk.ticket("live").await;
    let item = desk.item(&id).await;
    for name in ["TicketId", "SiteId", "IsTraining"] {
        assert_eq!(item.get(name), None, "{name}");
    }
    let row = &desk.items("POST /tickets", "{}").await[0];
    assert_eq!(row["TicketId"], id.as_str());
    assert_eq!(row.get("Sla"), None);
}

#[tokio::test]
async fn mails_are_sent_unless_they_are_switched_off() {
    let desk = Desk::lenient().await;
    let quiet = desk.ticket("quiet").await;
    let mails = async |id: &str| {
        desk.items(&format!("GET /notifications/emails/for/ticket/{id}"), "")
            .await
            .len()
    };
    assert_eq!(mails(&quiet).await, 0);
    let mut loud = desk.body("loud");
    loud["SendNotifications"] = json!(true);
    let loud = desk.made(&loud).await;
    desk.good(
        &format!("POST /tickets/{loud}/activities/new/true"),
        action("x"),
    )
    .await;
    desk.good(
        &format!("POST /tickets/{loud}/activities/new/false"),
        action("y"),
    )
    .await;
    assert_eq!(mails(&loud).await, 2);
}
