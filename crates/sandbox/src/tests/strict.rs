//! The sandbox beside what documents and captures show of the real systems.

use serde_json::{Value, json};

use super::desk::{API, Desk};
use crate::test_client::Bench;
use crate::{Config, Temper, Unheeded};

const REST: &str = "/clearfeed/v1/rest";

#[tokio::test]
async fn a_field_type_tells_its_options_as_a_text_that_holds_json() {
    let desk = Desk::lenient().await;
    let types = desk.items("GET /custom-fields/types", "").await;
    let (mut with, mut without) = (0, 0);
    for one in types {
        let text = one["Options"].as_str().unwrap();
        if text.is_empty() {
            without += 1;
            continue;
        }
        let options: Vec<Value> = serde_json::from_str(text).unwrap();
        assert!(options[0]["Id"].is_string() && options[0]["Name"].is_string());
        with += 1;
    }
    assert!(with > 0 && without > 0, "{with} {without}");
}

#[tokio::test]
async fn a_mail_has_a_list_of_receivers_and_a_source_an_id() {
    let desk = Desk::lenient().await;
    let mut body = desk.body("loud");
    body["SendNotifications"] = json!(true);
    let id = desk.made(&body).await;
    let line = format!("GET /notifications/emails/for/ticket/{id}");
    let mails = desk.items(&line, "").await;
    assert_eq!(mails[0]["To"], json!([desk.district.users[200].email]));
    let sources = desk.items("GET /tickets/sources", "").await;
    assert!(sources[0]["SourceId"].as_str().unwrap().len() == 36);
    assert_eq!(sources[0]["IsActive"], true);
    assert_eq!(desk.item(&id).await["SourceId"], 3);
}

#[tokio::test]
async fn a_transition_answers_the_step_and_the_timeline_lists_activities() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("x").await;
    let started = desk.good(&format!("POST /tickets/{id}/start"), "").await;
    assert_eq!(started["Item"]["StepName"], "In Progress");
    assert_eq!(started["Item"].get("TicketId"), None);
    let timeline = desk.items(&format!("GET /tickets/{id}/timeline"), "").await;
    for one in &timeline {
        assert!(one["TicketActivityId"].is_string() && one["Owner"]["UserId"].is_string());
        assert!(
            one["ActivityItems"][0]["$type"]
                .as_str()
                .unwrap()
                .starts_with("Spark.Shared.Models.")
        );
    }
    let log = &timeline[1]["ActivityItems"][0];
    assert!(log["TicketActivityWorkflowLogId"].is_string(), "{log}");
}

#[tokio::test]
async fn a_live_ticket_is_as_captures_show_it() {
    let desk = Desk::live_like().await;
    let mut body = desk.body("x");
    body["Assets"] = json!([{ "AssetId": desk.district.assets[3].id }]);
    let id = desk.made(&body).await;
    let row = desk.items("POST /tickets", "{}").await[0].clone();
    let nulls: Vec<_> = row
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| value.is_null())
        .collect();
    assert!(nulls.is_empty(), "{nulls:?}");
    // The ticket's time is the site's, that of the link is UTC; neither says so.
    let (ticket, link) = (&row["CreatedDate"], &row["Assets"][0]["CreatedDate"]);
    let time = |value: &Value| {
        let text = value.as_str().unwrap();
        assert!(!text.ends_with('Z') && !text.ends_with('0'), "{text}");
        text.parse::<jiff::civil::DateTime>().unwrap()
    };
    let apart = time(link).since(time(ticket)).unwrap();
    let hours = apart.total(jiff::Unit::Hour).unwrap();
    assert!((4.9..6.1).contains(&hours), "{ticket} {link}");
    let status = desk.good(&format!("GET /tickets/{id}/status"), "").await;
    assert_eq!(status["Item"].get("IsApproved"), None);
}

#[tokio::test]
async fn filters_that_are_not_known_are_refused_or_dropped_on_every_list() {
    for (desk, is_live) in [
        (Desk::lenient().await, false),
        (Desk::live_like().await, true),
    ] {
        let list = json!({ "Filters": [{ "Facet": "colour", "Value": "blue" }] });
        let options =
            json!({ "RequestOptions": { "Filters": [{ "Facet": "colour", "Value": "blue" }] } });
        let no_id = json!({ "Filters": [{ "Facet": "location", "Id": "Lincoln" }] });
        let lines = [
            ("POST /incidentiq/api/v1.0/users", &list),
            ("POST /incidentiq/api/v1.0/users", &no_id),
            ("POST /incidentiq/api/v1.0/assets", &list),
            ("POST /incidentiq/api/v1.0/issues", &list),
            ("POST /incidentiq/api/v2.0/locations/all", &options),
            (
                "GET /incidentiq/api/v1.0/locations/all?$filter=(Colour%20eq%20'blue')",
                &list,
            ),
        ];
        for (line, body) in lines {
            let answer = desk.bench.send(line, body).await;
            let expected = if is_live { 200 } else { 400 };
            assert_eq!(answer.status, expected, "{line} {body}: {}", answer.text);
            if is_live {
                assert!(answer.json()["Paging"]["TotalRows"].as_u64().unwrap() > 5);
            }
        }
        // Known to the documents, and heeded by no server.
        let old = json!({ "Filters": [{ "Facet": "modifieddate", "Value": "range:today" }] });
        let users = desk.good("POST /users", old).await;
        assert_eq!(users["Paging"]["TotalRows"], 2_000);
    }
}

#[tokio::test]
async fn grades_and_expressions_of_the_query_narrow_lists() {
    let desk = Desk::lenient().await;
    let grade = json!({ "Filters": [{ "Facet": "grade", "Value": "10" }] });
    let users = desk.items("POST /users?$s=50", &grade).await;
    assert!(!users.is_empty() && users.iter().all(|user| user["Grade"] == "10"));
    let mut body = desk.body("of a student");
    body["ForId"] = users[0]["UserId"].clone();
    desk.made(&body).await;
    desk.ticket("of a teacher").await;
    let found = desk.items("POST /tickets", &grade).await;
    let subjects: Vec<_> = found.iter().map(|row| &row["Subject"]).collect();
    assert_eq!(subjects, [&json!("of a student")]);
    let line = "POST /tickets?$filter=(Subject%20contains%20'teacher')";
    let found = desk.good(line, "{}").await;
    assert_eq!(found["Paging"]["TotalRows"], 1);
    assert_eq!(found["Items"][0]["Subject"], "of a teacher");
    let names = desk
        .items("GET /locations/all?$filter=(Abbreviation%20eq%20'LHS')", "")
        .await;
    assert_eq!(names.len(), 1);
    assert_eq!(names[0]["Name"], "Lincoln High School");
}

#[tokio::test]
async fn a_conversation_keeps_its_times_where_the_site_heeds_them() {
    let batch = |owner: &Value| {
        json!([{
            "TicketActivityId": "aaaaaaaa-bbbb-5ccc-8ddd-eeeeeeeeeeee", "OwnerId": owner,
            "CreatedDate": "2020-02-03T04:05:06Z",
            "ActivityItems": [{ "$type": "comment", "Comments": "long ago" }],
        }])
    };
    let start = async |temper, unheeded| {
        Desk::start(Config {
            temper,
            unheeded,
            ..Config::default()
        })
        .await
    };
    let all = vec![Unheeded::Owner, Unheeded::ActivityId, Unheeded::CreatedDate];
    for (desk, time, owner, id) in [
        (start(Temper::Lenient, vec![]).await, true, true, true),
        (start(Temper::LiveLike, vec![]).await, false, true, true),
        (start(Temper::Lenient, all).await, false, false, false),
    ] {
        let ticket = desk.ticket("x").await;
        let wanted = json!(desk.district.users[7].id);
        let line = format!("POST /tickets/{ticket}/activities/new-batch");
        let made = desk.good(&line, batch(&wanted)).await[0].clone();
        assert_eq!(
            made["CreatedDate"]
                .as_str()
                .unwrap()
                .starts_with("2020-02-0"),
            time
        );
        assert_eq!(made["OwnerId"] == wanted, owner);
        let known = made["TicketActivityId"] == "aaaaaaaa-bbbb-5ccc-8ddd-eeeeeeeeeeee";
        assert_eq!(known, id);
    }
}

#[tokio::test]
async fn customers_are_searched_for_by_what_they_are() {
    let bench = Bench::start(Config::default()).await;
    let body = json!({
        "name": "Fabrikam", "owner": "U0HELPDESK", "domains": ["fabrikam.example", "fab.example"],
        "channel_ids": ["C0999"], "collection_id": 12, "external_system": "hubspot", "external_entity_id": "77",
        "portal_users": [{ "email": "Ann@fab.example", "role": "admin" }],
    });
    let made = bench.send(&format!("POST {REST}/customers"), &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json()["customer"].clone();
    let read = bench.get(&format!("{REST}/customers/{}", made["id"])).await;
    assert_eq!(read.json()["customer"], made);
    assert_eq!(made["portal_users"][0]["email"], "ann@fab.example");
    let search = async |filters: Value| {
        let line = format!("POST {REST}/customers/search");
        bench.send(&line, json!({ "filters": filters })).await
    };
    let filter = |field: &str, operator: &str, values: Value| json!([{ "field": field, "operator": operator, "values": values }]);
    for (filters, count) in [
        (
            filter(
                "domains",
                "overlaps",
                json!(["FAB.example", "acme.example"]),
            ),
            2,
        ),
        (
            filter(
                "domains",
                "contains_all",
                json!(["fab.example", "fabrikam.example"]),
            ),
            1,
        ),
        (
            filter(
                "domains",
                "contains_all",
                json!(["fab.example", "acme.example"]),
            ),
            0,
        ),
        (filter("owner", "overlaps", json!(["U0HELPDESK"])), 1),
        (filter("channel_ids", "overlaps", json!(["C0999"])), 1),
        (filter("collection_id", "overlaps", json!([12])), 1),
        (
            filter("portal_users", "overlaps", json!(["ann@fab.example"])),
            1,
        ),
        (filter("external_entity_id", "overlaps", json!(["77"])), 1),
        (
            json!([{ "field": "external_company", "system": "hubspot", "id": "77" }]),
            1,
        ),
        (
            json!([{ "field": "external_company", "system": "salesforce", "id": "77" }]),
            0,
        ),
    ] {
        let found = search(filters.clone()).await.json();
        assert_eq!(
            found["customers"].as_array().unwrap().len(),
            count,
            "{filters}"
        );
    }
    for wrong in [
        json!([]),
        filter("colour", "overlaps", json!(["blue"])),
        filter("domains", "near", json!(["a"])),
        filter("domains", "overlaps", json!([])),
        json!([{ "field": "external_company", "system": "sap", "id": "7" }]),
    ] {
        assert_eq!(search(wrong.clone()).await.status, 400, "{wrong}");
    }
    for wrong in [
        json!({ "name": "x", "owner": "nobody" }),
        json!({ "name": "x", "domain": "x.example" }),
        json!({ "name": "x", "portal_users": [{ "email": "a@b.example", "role": "king" }] }),
        json!({ "name": "x", "external_system": "hubspot" }),
    ] {
        let answer = bench.send(&format!("POST {REST}/customers"), &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn requests_are_as_the_vendors_clients_know_them() {
    let bench = Bench::start(Config {
        temper: Temper::LiveLike,
        ..Config::default()
    })
    .await;
    let page = bench
        .get(&format!("{REST}/requests?limit=100&include=messages"))
        .await
        .json();
    let rows = page["requests"].as_array().unwrap();
    let strays = rows.iter().filter(|row| row["state"].is_null()).count();
    assert_eq!(strays, 4);
    let none = bench
        .get(&format!("{REST}/requests?limit=100&state=none"))
        .await
        .json();
    assert_eq!(none["requests"].as_array().unwrap().len(), 4);
    assert!(rows.iter().all(|row| row.get("author_email").is_none()));
    assert!(
        rows.iter()
            .all(|row| row["messages"][0]["author"].is_null())
    );
    assert_eq!(rows[0]["csat_survey"]["status"], "pending");
    assert!(rows[0]["last_message_time"].is_string() && rows[0]["ai_field_values"].is_object());

    let line = format!("POST {REST}/requests/353/message");
    for (body, state) in [
        (json!({ "state": "committed" }), "in_progress"),
        (json!({ "html_body": "again", "state": "re_open" }), "open"),
    ] {
        let said = bench.send(&line, &body).await;
        assert_eq!(said.status, 201, "{body}: {}", said.text);
        assert_eq!(said.json()["state"], state);
    }
    assert_eq!(bench.send(&line, json!({})).await.status, 400);
    let patch = format!("PATCH {REST}/requests/353");
    assert_eq!(
        bench
            .send(&patch, json!({ "state": "re_open" }))
            .await
            .status,
        400
    );
    for value in [json!("5502"), json!(5502)] {
        let body = json!({ "custom_field_values": { "55": value } });
        let changed = bench.send(&patch, body).await.json();
        assert_eq!(changed["custom_field_values"]["55"], "5502");
    }
    let nowhere = bench
        .send(
            &format!("POST {REST}/custom-fields"),
            json!({ "name": "x" }),
        )
        .await;
    assert_eq!(nowhere.status, 405);
    let nowhere = bench.get(&format!("{REST}/channels/7")).await;
    assert_eq!(
        nowhere.json(),
        json!({ "statusCode": 404, "message": "Cannot GET /v1/rest/channels/7", "error": "Not Found" })
    );
}

#[tokio::test]
async fn members_that_no_source_has_are_gone() {
    let desk = Desk::lenient().await;
    let gone = [
        (format!("GET {API}/assets"), "ModelName"),
        (format!("GET {API}/users"), "RoleName"),
        (format!("GET {API}/issues"), "IsDeleted"),
        (format!("GET {API}/tickets/sources"), "Key"),
    ];
    for (line, name) in gone {
        let answer = desk.bench.send(&line, "").await.json();
        let row = &answer["Items"][0];
        assert!(row.is_object() && row.get(name).is_none(), "{line} {name}");
    }
}
