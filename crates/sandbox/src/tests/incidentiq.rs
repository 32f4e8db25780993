use serde_json::{Value, json};

use crate::seed::District;
use crate::test_client::Bench;
use crate::{Config, Temper};

const API: &str = "/incidentiq/api/v1.0";

fn body(district: &District, subject: &str) -> Value {
    json!({
        "Subject": subject,
        "IssueDescription": format!("It does not work.\n\nRef: test/{subject}"),
        "ForId": district.users[20].id,
        "IssueId": district.issues[3].id,
        "LocationId": district.locations[2].id,
        "ProductId": district.product,
        "SourceId": 3,
        "IsUrgent": true,
        "RunRules": false,
    })
}

async fn created(bench: &Bench, district: &District, subject: &str) -> String {
    let answer = bench
        .send(
            &format!("POST {API}/tickets/create"),
            body(district, subject),
        )
        .await;
    assert!(answer.status < 300, "{}", answer.text);
    answer.json()["Item"]["TicketId"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn live_like() -> Config {
    Config {
        temper: Temper::LiveLike,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_ticket_is_created_under_both_paths_and_read_back() {
    let bench = Bench::start(Config::default()).await;
    let district = District::new();
    let answer = bench
        .send(
            "POST /IncidentIQ/API/V1.0/Tickets/New",
            body(&district, "A1"),
        )
        .await;
    assert_eq!(answer.status, 201);
    let made = answer.json();
    assert_eq!(made["Uid"], made["Item"]["TicketId"]);
    assert_eq!(made["StatusCode"], 201);
    assert_eq!(made["Item"]["TicketNumber"], "10001");
    assert_eq!(
        made["Item"]["For"]["Email"],
        district.users[20].email.as_str()
    );
    assert!(answer.header("date").is_some());
    assert_eq!(answer.header("x-deskferry-sandbox").unwrap().len(), 36);
    let id = created(&bench, &district, "A2").await;
    let read = bench
        .get(&format!("{API}/tickets/{}", id.to_uppercase()))
        .await
        .json();
    assert_eq!(read["Item"]["Subject"], "A2");
    assert_eq!(read["Item"]["AssignedToUser"], Value::Null);
    let audit = bench.audit().await;
    assert_eq!(audit.len(), 2);
    assert_eq!(audit[1]["id"], id.as_str());
    assert_eq!(audit[1]["marker"], "test/A2");
    assert_eq!(audit[1]["operation"], "create");
    assert_eq!(audit[1]["body"]["Subject"], "A2");
}

#[tokio::test]
async fn what_a_create_must_hold() {
    let bench = Bench::start(Config::default()).await;
    let district = District::new();
    let full = body(&district, "x");
    let room_elsewhere = district
        .rooms
        .iter()
        .find(|room| room.location == 5)
        .unwrap()
        .id;
    let asset = json!([{ "AssetId": "00000000-0000-0000-0000-000000000009" }]);
    let option =
        json!([{ "CustomFieldTypeId": district.custom_fields[5].id, "Value": "A planet" }]);
    for (field, value, status) in [
        ("ForId", Value::Null, 400),
        ("LocationId", Value::Null, 400),
        ("IssueId", json!("no guid"), 400),
        ("IsUrgent", json!("yes"), 400),
        ("Subject", json!(7), 400),
        ("Subject", json!("x".repeat(256)), 422),
        ("ForId", json!("11111111-1111-1111-1111-111111111111"), 422),
        ("LocationRoomId", json!(room_elsewhere), 422),
        ("Assets", asset, 422),
        ("CustomFieldValues", option, 422),
    ] {
        let mut body = full.clone();
        body[field] = value;
        let answer = bench
            .send(&format!("POST {API}/tickets/create"), &body)
            .await;
        assert_eq!(answer.status, status, "{field}: {}", answer.text);
        let errors = &answer.json()["Errors"];
        match status {
            400 => assert!(errors[field][0].is_string(), "{errors}"),
            _ => assert_eq!(errors[0]["Field"], field, "{errors}"),
        }
    }
    assert_eq!(
        bench
            .send(&format!("POST {API}/tickets/create"), "{oops")
            .await
            .status,
        400
    );
    assert!(bench.audit().await.is_empty());
    let mut body = full;
    body.as_object_mut().unwrap().remove("LocationId");
    let answer = bench.send(&format!("POST {API}/tickets/new"), &body).await;
    let home = &district.locations[district.users[20].location];
    assert_eq!(answer.json()["Item"]["LocationId"], home.id.to_string());
}

#[tokio::test]
async fn tokens_and_sites_are_checked() {
    let bench = Bench::start(Config::default()).await;
    let status = async |headers: &str| {
        bench
            .try_send(&format!("GET {API}/login"), headers, "")
            .await
            .unwrap()
            .status
    };
    assert_eq!(status("authorization: Bearer other\r\n").await, 401);
    assert_eq!(status("authorization: none\r\n").await, 401);
    assert_eq!(
        status("siteid: 11111111-1111-1111-1111-111111111111\r\n").await,
        403
    );
    let site = bench.sandbox.ready_line()["site_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        status(&format!("SiteId: {}\r\n", site.to_uppercase())).await,
        200
    );
    assert_eq!(status("").await, 200);
    let strict = Bench::start(Config {
        strict_headers: true,
        ..Config::default()
    })
    .await;
    let answer = strict.get(&format!("{API}/login")).await;
    assert_eq!(answer.status, 400);
    let headers = format!("SiteId: {site}\r\nClient: ApiClient\r\n");
    let answer = strict
        .try_send(&format!("GET {API}/login"), &headers, "")
        .await
        .unwrap();
    assert_eq!(answer.json()["Item"]["SiteId"], site.as_str());
}

#[tokio::test]
async fn searching_pages_in_both_spellings_and_by_whole_days() {
    let bench = Bench::start(Config::default()).await;
    let district = District::new();
    for n in 0..7 {
        created(&bench, &district, &format!("S{n}")).await;
    }
    let today = jiff::Timestamp::now()
        .to_zoned(Config::default().site_zone)
        .strftime("%m/%d/%Y")
        .to_string();
    let search = async |query: &str, body: Value| {
        let answer = bench
            .send(&format!("POST {API}/tickets{query}"), body)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let json = answer.json();
        let items = json["Items"].as_array().unwrap().iter();
        let subjects: Vec<_> = items
            .map(|item| item["Subject"].as_str().unwrap().to_owned())
            .collect();
        (json["Paging"]["TotalRows"].as_u64().unwrap(), subjects)
    };
    let day = json!({ "Facet": "createddate", "Value": format!("daterange:{today}-{today}") });
    let (total, page) = search(
        "?%24s=3&$p=1&%24o=TicketCreatedDate%20asc",
        json!({ "Filters": [day] }),
    )
    .await;
    assert_eq!(
        (total, page),
        (7, ["S3", "S4", "S5"].map(str::to_owned).to_vec())
    );
    let (_, page) = search("", json!({ "Paging": { "PageSize": 2, "PageIndex": 0 } })).await;
    assert_eq!(page, ["S6", "S5"]);
    let (_, page) = search(
        "",
        json!({ "RequestOptions": { "Paging": { "PageSize": 1, "PageIndex": 6 } } }),
    )
    .await;
    assert_eq!(page, ["S0"]);
    let (total, page) = search("?$s=5&$p=9", json!({})).await;
    assert_eq!((total, page.len()), (7, 0));
    let old = json!({ "Facet": "createddate", "Value": "date<01/01/2020" });
    assert_eq!(search("", json!({ "Filters": [old] })).await.0, 0);
    let both = json!({ "Filters": [day, { "Facet": "Location", "Id": district.locations[3].id }] });
    assert_eq!(search("", both).await.0, 0);
    let both =
        json!({ "Filters": [day, { "Facet": "Location", "Values": [district.locations[2].id] }] });
    assert_eq!(search("", both).await.0, 7);
    let not = json!({ "Filters": [{ "Facet": "location", "Id": district.locations[2].id, "Negative": true }] });
    assert_eq!(search("", not).await.0, 0);
    let count = bench
        .send(
            &format!("POST {API}/tickets/count"),
            json!({ "Filters": [day] }),
        )
        .await;
    assert_eq!(count.json()["Item"], 7);
}

#[tokio::test]
async fn what_a_filter_does_not_say_is_refused_or_silently_dropped() {
    let district = District::new();
    let filter = json!({ "Filters": [{ "Facet": "StatusTypeName", "Values": ["Closed"] }] });
    let nonsense = json!({ "Filters": [{ "Facet": "colour", "Value": "blue" }] });
    let path = format!("POST {API}/tickets");
    let lenient = Bench::start(Config::default()).await;
    created(&lenient, &district, "x").await;
    assert_eq!(
        lenient.send(&path, &filter).await.json()["Paging"]["TotalRows"],
        0
    );
    assert_eq!(lenient.send(&path, &nonsense).await.status, 400);
    let live = Bench::start(live_like()).await;
    created(&live, &district, "x").await;
    for body in [&filter, &nonsense] {
        assert_eq!(
            live.send(&path, body).await.json()["Paging"]["TotalRows"],
            1
        );
    }
}

#[tokio::test]
async fn the_live_temper_shows_values_as_zero_leaves_the_rest_out_and_writes_no_offset() {
    let bench = Bench::start(live_like()).await;
    let answer = bench
        .send(
            &format!("POST {API}/tickets/new"),
            body(&District::new(), "x"),
        )
        .await;
    let item = &answer.json()["Item"];
    for name in [
        "AssignedToUser",
        "AssignedToUserId",
        "DueDate",
        "LocationDetails",
        "Sla",
    ] {
        assert_eq!(item.get(name), None, "{name}");
    }
    assert_eq!(
        item["TicketWizardCategoryId"],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(item["ClosedDate"], "0001-01-01T00:00:00");
    assert!(!item["CreatedDate"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn steps_change_the_ticket_and_stand_in_the_audit() {
    let bench = Bench::start(Config::default()).await;
    let district = District::new();
    let id = created(&bench, &district, "steps").await;
    let ticket = format!("{API}/tickets/{id}");
    let step = async |path: &str, body: Value| {
        let answer = bench.send(&format!("POST {ticket}{path}"), body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
    };
    step(
        "/priority",
        json!({ "TicketId": id, "Priority": 200, "PriorityId": 200 }),
    )
    .await;
    step(
        "/tags",
        json!([{ "TagId": district.tags[0].0 }, { "Name": "New one" }]),
    )
    .await;
    step(
        "/assign",
        json!({ "TicketId": id, "AssignToUserId": district.users[3].id }),
    )
    .await;
    step(
        "/custom-fields",
        json!([{ "CustomFieldTypeId": district.custom_fields[0].id, "Value": "A-1" }]),
    )
    .await;
    step(
        "/due-dates",
        json!({ "Type": 3, "CustomDate": "2030-01-02T10:00:00" }),
    )
    .await;
    step("", json!({ "Subject": "changed" })).await;
    step("/activities/new", json!({
        "TicketId": id, "IsPublic": false, "ActivityItems": [{ "$type": "comment", "Comments": "hello" }],
    })).await;
    step("/close", json!({})).await;
    let item = bench.get(&ticket).await.json()["Item"].clone();
    assert_eq!(item["PriorityLevel"]["Name"], "Critical");
    assert_eq!(item["Tags"][1]["Name"], "New one");
    assert_eq!(item["AssignedToUserId"], district.users[3].id.to_string());
    assert_eq!(item["CustomFieldValues"][0]["Value"], "A-1");
    assert_eq!(item["DueDate"], "2030-01-02T16:00:00.000Z");
    assert_eq!(item["Subject"], "changed");
    assert_eq!(item["IsClosed"], true);
    let said = bench.get(&format!("{ticket}/activities")).await.json();
    assert_eq!(said["Items"][0]["ActivityItems"][0]["Comments"], "hello");
    let operations: Vec<_> = bench
        .audit()
        .await
        .iter()
        .map(|line| line["operation"].clone())
        .collect();
    assert_eq!(
        operations,
        [
            "create",
            "priority",
            "tags",
            "assign",
            "custom_fields",
            "due_dates",
            "update",
            "comment",
            "close"
        ]
    );
    assert_eq!(
        bench.send(&format!("DELETE {ticket}"), "").await.status,
        200
    );
    assert_eq!(
        bench
            .send(&format!("POST {API}/tickets"), "{}")
            .await
            .json()["Paging"]["TotalRows"],
        0
    );
    assert_eq!(
        bench
            .get(&format!("{API}/tickets/{}", district.site))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_live_update_blanks_what_it_leaves_out_unless_told_not_to() {
    let bench = Bench::start(live_like()).await;
    let id = created(&bench, &District::new(), "x").await;
    let line = format!("POST {API}/tickets/{id}");
    let partial = "ApiFlags: OnlySetMappedProperties\r\n";
    let kept = bench
        .try_send(&line, partial, r#"{"Subject":"a"}"#)
        .await
        .unwrap()
        .json();
    assert!(kept["Item"]["IssueDescription"].is_string());
    let blanked = bench.send(&line, r#"{"Subject":"b"}"#).await.json();
    assert_eq!(blanked["Item"]["IssueDescription"], Value::Null);
}

#[tokio::test]
async fn a_comment_under_the_same_id_is_there_once() {
    let bench = Bench::start(Config::default()).await;
    let id = created(&bench, &District::new(), "x").await;
    let body = json!({
        "TicketActivityId": "2c9b3a3e-0000-4000-8000-000000000001",
        "ActivityItems": [{ "$type": "comment", "Comments": "once" }],
    });
    for _ in 0..2 {
        let answer = bench
            .send(&format!("POST {API}/tickets/{id}/activities/new"), &body)
            .await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.json()["Uid"], body["TicketActivityId"]);
    }
    let said = bench
        .get(&format!("{API}/tickets/{id}/activities"))
        .await
        .json();
    assert_eq!(said["Paging"]["TotalRows"], 1);
}
