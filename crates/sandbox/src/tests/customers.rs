use serde_json::json;

use crate::test_client::{Bench, encoded};
use crate::{Config, Temper};

const REST: &str = "/clearfeed/v1/rest";
const V1: &str = "/clearfeed/v1";

#[tokio::test]
async fn customers_are_changed_by_the_version_that_was_read() {
    let bench = Bench::start(Config::default()).await;
    let all = bench.get(&format!("{REST}/customers?limit=3")).await.json();
    assert_eq!(all["customers"].as_array().unwrap().len(), 3);
    let next = encoded(all["response_metadata"]["next_cursor"].as_str().unwrap());
    let rest = bench
        .get(&format!("{REST}/customers?next_cursor={next}"))
        .await
        .json();
    assert_eq!(rest["customers"][0]["name"], "Example School District");
    let made = bench
        .send(
            &format!("POST {REST}/customers"),
            json!({ "name": "Fabrikam", "domains": ["Fabrikam.example"] }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["customer"]["id"].clone();
    let line = format!("PATCH {REST}/customers/{id}");
    let tier = json!({ "version": 1, "custom_field_values": { "61": 6102 } });
    let changed = bench.send(&line, &tier).await.json();
    assert_eq!(
        (
            &changed["customer"]["version"],
            &changed["customer"]["custom_field_values"]["61"]
        ),
        (&json!(2), &json!("6102"))
    );
    let late = bench.send(&line, &tier).await;
    assert_eq!(
        (late.status, &late.json()["error"]),
        (409, &json!("Conflict"))
    );
    assert_eq!(bench.send(&line, json!({ "name": "x" })).await.status, 400);
    assert_eq!(
        bench
            .send(&format!("PATCH {REST}/customers/9"), &tier)
            .await
            .status,
        404
    );
    let found = bench
        .send(
            &format!("POST {V1}/customers/search"),
            json!({ "filters": [{ "field": "domains", "operator": "overlaps", "values": ["fabrikam.example"] }] }),
        )
        .await
        .json();
    assert_eq!(found["customers"][0]["custom_fields"]["Tier"], "Plus");
    let fields = bench
        .get(&format!("{REST}/custom-fields?entity_type=customer"))
        .await
        .json();
    assert_eq!(fields["custom_fields"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_request_is_linked_to_a_ticket_elsewhere_once() {
    let bench = Bench::start(Config::default()).await;
    let thread = bench.get(&format!("{REST}/requests/352")).await.json()["request_thread"].clone();
    let mut data = json!({
        "integration": "jira", "ticket_id": "OPS-7", "channel_id": thread["channel_id"],
        "message_ts": thread["thread_ts"], "message_source": "request",
    });
    for _ in 0..2 {
        let linked = bench
            .send(
                &format!("POST {REST}/tickets"),
                json!({ "type": "link", "data": data }),
            )
            .await;
        assert_eq!(linked.status, 201, "{}", linked.text);
    }
    let request = bench.get(&format!("{REST}/requests/352")).await.json();
    assert_eq!(request["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(request["tickets"][0]["key"], "OPS-7");
    data["message_ts"] = json!("1.0");
    let nowhere = bench
        .send(
            &format!("POST {REST}/tickets"),
            json!({ "type": "link", "data": data }),
        )
        .await;
    assert_eq!(nowhere.status, 404);
    assert_eq!(
        bench
            .send(&format!("POST {REST}/tickets"), json!({ "type": "new" }))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn replies_and_notes_stand_in_their_threads_and_may_change_the_state() {
    for temper in [Temper::Lenient, Temper::LiveLike] {
        let bench = Bench::start(Config {
            temper,
            ..Config::default()
        })
        .await;
        let line = format!("POST {REST}/requests/352/message");
        bench
            .send(
                &line,
                json!({ "html_body": "<b>public</b>", "state": "pending" }),
            )
            .await;
        bench
            .send(
                &line,
                json!({ "html_body": "among us: zebra", "is_private": true }),
            )
            .await;
        bench
            .send(
                &line,
                json!({ "html_body": "there", "user_reply_channel_type": "triage" }),
            )
            .await;
        let request = bench
            .get(&format!("{REST}/requests/352?include=messages"))
            .await
            .json();
        assert_eq!(request["state"], "pending");
        let messages = request["messages"].as_array().unwrap();
        let told = if temper == Temper::Lenient { 4 } else { 2 };
        assert_eq!(messages.len(), told, "{temper:?}");
        assert_eq!(messages[1]["is_responder"], true);
        assert_eq!(messages[0]["is_responder"], false);
        let found = async |query: &str| {
            let path = format!("{REST}/requests/search?query=zebra{query}");
            bench.get(&path).await.json()["requests"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!((found("").await, found("&only_public=false").await), (0, 1));
        let wrong = json!({ "html_body": "x", "user_reply_channel_type": "elsewhere" });
        assert_eq!(bench.send(&line, wrong).await.status, 400);
    }
}

#[tokio::test]
async fn requests_are_closed_reopened_and_unassigned_in_both_dialects() {
    let bench = Bench::start(Config::default()).await;
    let rest = format!("PATCH {REST}/requests/352");
    let v1 = format!("PATCH {V1}/requests/req_352");
    let closed = bench
        .send(
            &rest,
            json!({ "state": "closed", "assignee": "U0HELPDESK" }),
        )
        .await
        .json();
    assert_eq!(
        (
            &closed["state"],
            closed["sla_metrics"]["resolution_time"].is_object()
        ),
        (&json!("closed"), true)
    );
    let open = bench
        .send(
            &v1,
            json!({ "status": "open", "assignee_id": null, "priority": "urgent" }),
        )
        .await
        .json();
    assert_eq!(
        (&open["status"], &open["assignee"], &open["priority"]),
        (&json!("open"), &json!(null), &json!("urgent"))
    );
    assert_eq!(
        bench.send(&v1, json!({ "status": "lost" })).await.status,
        400
    );
    let tagged = bench.send(&v1, json!({ "tags": ["a", "b"] })).await;
    assert_eq!(tagged.status, 200, "{}", tagged.text);
    assert_eq!(
        bench.send(&rest, json!({ "tags": ["a"] })).await.status,
        400
    );
}

#[tokio::test]
async fn listings_are_filtered_by_everything_that_the_documents_name() {
    let bench = Bench::start(Config::default()).await;
    let body = json!({
        "collection_id": 13, "title": "t", "description": "d", "requester_email": "someone@northwind.example",
    });
    let made = bench
        .send(&format!("POST {REST}/requests"), &body)
        .await
        .json();
    assert_eq!(made["customer_id"], 72);
    let id = made["id"].clone();
    bench
        .send(
            &format!("PATCH {REST}/requests/{id}"),
            json!({ "state": "on_hold" }),
        )
        .await;
    for query in [
        "state=on_hold&state=solved",
        "author_emails=nobody@x.example,SOMEONE@northwind.example",
        "channel_id=C0000002&after=2025-01-01",
        "collection_id=13&filter_by=updated_at&after=2025-01-01T00:00:00Z",
    ] {
        let found = bench.get(&format!("{REST}/requests?{query}")).await.json();
        let ids: Vec<_> = found["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        assert_eq!(ids, std::slice::from_ref(&id), "{query}");
    }
    let found = bench
        .get(&format!("{REST}/requests/search?query=d&customer_id=72"))
        .await
        .json();
    assert_eq!(found["requests"].as_array().unwrap().len(), 1);
    let many = (0..51)
        .map(|n| format!("{n}@x.example"))
        .collect::<Vec<_>>()
        .join(",");
    assert_eq!(
        bench
            .get(&format!("{REST}/requests?author_emails={many}"))
            .await
            .status,
        400
    );
}
