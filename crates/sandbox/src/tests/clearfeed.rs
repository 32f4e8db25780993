use serde_json::{Value, json};

use crate::test_client::{Bench, encoded};
use crate::{Config, Dialects, Temper};

const V1: &str = "/clearfeed/v1";
const REST: &str = "/clearfeed/v1/rest";

fn v1_body() -> Value {
    json!({
        "collection_id": "col_12",
        "title": "Invoice",
        "description": "Wrong plan, see https://a.example/x\n\nRef: support/7",
        "priority": "medium",
        "requester_email": "helpdesk@district.example",
        "assignee_id": "U0HELPDESK",
        "custom_fields": { "Legacy ID": "7", "Seats": 12, "Product Area": "Billing", "Affected Platforms": ["Web", "API"] },
        "tags": ["vip"],
    })
}

#[tokio::test]
async fn one_request_seen_in_both_dialects() {
    let bench = Bench::start(Config::default()).await;
    let answer = bench.send(&format!("POST {V1}/requests"), v1_body()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = answer.json();
    assert_eq!(made["id"], "req_392");
    assert_eq!(made["ticket_id"], "CF-392");
    assert_eq!(
        (&made["priority"], &made["status"]),
        (&json!("medium"), &json!("open"))
    );
    let rest = bench
        .get(&format!("{REST}/requests/392?include=messages"))
        .await
        .json();
    assert_eq!(rest["id"], 392);
    assert_eq!(rest["priority"], "normal");
    assert_eq!(rest["collection"]["id"], 12);
    assert_eq!(
        rest["custom_field_values"],
        json!({ "51": "7", "53": 12, "55": "5501", "56": ["5601", "5604"] })
    );
    assert!(
        rest["messages"][0]["text"]
            .as_str()
            .unwrap()
            .ends_with("Ref: support/7")
    );
    let v1 = bench.get(&format!("{V1}/requests/req_392")).await.json();
    assert_eq!(v1["custom_fields"]["Product Area"], "Billing");
    assert_eq!(v1.get("messages"), None);
    assert!(!v1.to_string().contains("Wrong plan"));
    assert_eq!(bench.audit().await[0]["marker"], "support/7");
}

#[tokio::test]
async fn the_rest_dialect_sets_by_patch_what_its_create_does_not_take() {
    let bench = Bench::start(Config::default()).await;
    let body =
        json!({ "collection_id": 11, "title": "a", "description": "b", "priority": "normal" });
    let made = bench
        .send(&format!("POST {REST}/requests"), &body)
        .await
        .json();
    assert_eq!(made["state"], "open");
    let path = format!("PATCH {REST}/requests/{}", made["id"]);
    let patch = json!({ "state": "solved", "assignee": "U0HELPDESK", "custom_field_values": { "55": "5502" } });
    let changed = bench.send(&path, &patch).await.json();
    assert_eq!(changed["assignee"]["id"], "U0HELPDESK");
    assert_eq!(changed["custom_field_values"]["55"], "5502");
    let said = bench
        .send(
            &format!("POST {REST}/requests/{}/message", made["id"]),
            json!({ "html_body": "hello", "is_private": true }),
        )
        .await;
    assert_eq!(said.status, 201);
    let mut wrong = body.clone();
    wrong["tags"] = json!(["x"]);
    assert_eq!(
        bench
            .send(&format!("POST {REST}/requests"), &wrong)
            .await
            .status,
        400
    );
    let live = Bench::start(Config {
        temper: Temper::LiveLike,
        ..Config::default()
    })
    .await;
    assert_eq!(
        live.send(&format!("POST {REST}/requests"), &wrong)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn what_a_create_must_hold() {
    let bench = Bench::start(Config::default()).await;
    for (field, value) in [
        ("collection_id", Value::Null),
        ("collection_id", json!(12)),
        ("collection_id", json!("col_99")),
        ("title", json!("")),
        ("description", Value::Null),
        ("priority", json!("normal")),
        ("requester_email", json!("nobody")),
        ("assignee_id", json!("U1")),
        ("custom_fields", json!({ "Colour": "blue" })),
        ("custom_fields", json!({ "Seats": "12" })),
        ("custom_fields", json!({ "Renewal Date": "06/21/2024" })),
        ("custom_fields", json!({ "Product Area": "Nothing" })),
        ("tags", json!("vip")),
    ] {
        let mut body = v1_body();
        body[field] = value.clone();
        let answer = bench.send(&format!("POST {V1}/requests"), &body).await;
        assert_eq!(answer.status, 400, "{field} {value}: {}", answer.text);
        assert!(
            answer.json()["message"][0]
                .as_str()
                .unwrap()
                .contains(field),
            "{}",
            answer.text
        );
    }
    assert!(bench.audit().await.is_empty());
}

#[tokio::test]
async fn listings_page_by_cursor_in_both_orders() {
    let bench = Bench::start(Config::default()).await;
    for n in 0..5 {
        let body = json!({ "collection_id": 12, "title": format!("t{n}"), "description": "d" });
        bench.send(&format!("POST {REST}/requests"), body).await;
    }
    for (order, by) in [
        ("asc", "created_at"),
        ("desc", "created_at"),
        ("asc", "updated_at"),
        ("desc", "updated_at"),
    ] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!(
                "{REST}/requests?limit=7&sort_order={order}&filter_by={by}&next_cursor={cursor}"
            );
            let page = bench.get(&path).await.json();
            seen.extend(
                page["requests"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["id"].as_u64().unwrap()),
            );
            match page["response_metadata"]["next_cursor"].as_str() {
                Some(next) => cursor = encoded(next),
                None => break,
            }
        }
        let mut sorted: Vec<_> = (352..397).collect();
        if order == "desc" {
            sorted.reverse();
        }
        assert_eq!(seen, sorted, "{order} {by}");
    }
    let recent = bench
        .get(&format!(
            "{V1}/requests?after=2025-01-01T00:00:00Z&collection_id=col_12&include=messages"
        ))
        .await;
    let recent = recent.json();
    assert_eq!(recent["requests"].as_array().unwrap().len(), 5);
    assert_eq!(recent["requests"][0]["messages"][0]["text"], "d");
    for wrong in [
        "limit=101",
        "sort_order=up",
        "state=gone",
        "after=soon",
        "next_cursor=zz",
    ] {
        assert_eq!(
            bench.get(&format!("{REST}/requests?{wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_directory_names_people_by_id_only() {
    let bench = Bench::start(Config::default()).await;
    let teams = bench
        .get(&format!("{REST}/teams?include=team_members"))
        .await
        .json();
    let member = teams["teams"][0]["team_members"][1]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let users = bench
        .get(&format!("{REST}/users?ids={member},nobody&ids=U0HELPDESK"))
        .await
        .json();
    assert_eq!(users["users"].as_array().unwrap().len(), 2);
    assert_eq!(bench.get(&format!("{REST}/users")).await.status, 400);
    let collections = bench.get(&format!("{V1}/collections")).await.json();
    assert_eq!(
        collections["collections"][0],
        json!({ "id": "col_11", "name": "IT Support" })
    );
    let fields = bench
        .get(&format!("{REST}/custom-fields?entity_type=request"))
        .await
        .json();
    assert_eq!(
        fields["custom_fields"][4]["config"]["options"][0],
        json!({ "id": "5501", "value": "Billing" })
    );
    let one = Bench::start(Config {
        dialects: Dialects::Rest,
        ..Config::default()
    })
    .await;
    assert_eq!(one.get(&format!("{V1}/collections")).await.status, 404);
    assert_eq!(one.get(&format!("{REST}/collections")).await.status, 200);
}
