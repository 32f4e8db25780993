//! Every body to every row of the tables: none may break the sandbox.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::openapi::{Operation, filled, operations, things};
use crate::test_client::Answer;

/// One of each kind of JSON value, as a whole body and as the value of a member.
fn kinds() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-7),
        json!(1e300),
        json!("text"),
        json!(""),
        json!([]),
        json!([null, 1, "x", [], {}]),
        json!({}),
        json!({ "a": { "b": [] } }),
    ]
}

/// The names of the members that a body may have, by the document.
fn members(document: &Value, schema: &Value) -> Vec<String> {
    let named = schema["$ref"].as_str().and_then(|reference| {
        let pointer = reference.trim_start_matches('#');
        document.pointer(pointer)
    });
    let schema = named.unwrap_or(schema);
    if schema["type"] == "array" {
        return members(document, &schema["items"]);
    }
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flat_map(|all| all.keys().cloned())
        .collect()
}

/// The bodies for one operation: every kind of value, and an object (or a list of one) with all members of each kind at
/// once; where it is to be thorough, also with each member alone.
fn bodies(document: &Value, operation: &Operation, is_thorough: bool) -> Vec<String> {
    let mut all: Vec<String> = kinds().iter().map(Value::to_string).collect();
    all.extend(["{", "nul", "{\"a\":1}x", "\u{0}"].map(str::to_owned));
    let schema = &operation.own["requestBody"]["content"]["application/json"]["schema"];
    let names = members(document, schema);
    let mut objects: Vec<Value> = Vec::new();
    for kind in kinds() {
        let whole: Map<String, Value> = names
            .iter()
            .map(|name| (name.clone(), kind.clone()))
            .collect();
        objects.push(Value::Object(whole));
    }
    for name in names.iter().filter(|_| is_thorough) {
        for kind in [json!([{}]), json!(i64::MAX)] {
            objects.push(json!({ name: kind }));
        }
    }
    let is_list = schema["type"] == "array";
    all.extend(objects.into_iter().map(|one| match is_list {
        true => json!([one]).to_string(),
        false => one.to_string(),
    }));
    all
}

/// Sends it all; each answer must be one that the document lists.
async fn send_all(
    desk: &Desk,
    system: &str,
    things: &Map<String, Value>,
    is_thorough: bool,
) -> BTreeMap<u16, usize> {
    let document = desk
        .bench
        .get(&format!("/{system}/openapi.json"))
        .await
        .json();
    let mut counts = BTreeMap::new();
    for operation in operations(&document) {
        let line = format!(
            "{} /{system}{}",
            operation.method,
            filled(&operation, things)
        );
        let mut check = |what: &str, answer: Answer| {
            let listed = operation.own["responses"].as_object().unwrap();
            // A live system answers 200 where the documents say 201.
            let is_listed = answer.status == 200 || listed.contains_key(&answer.status.to_string());
            assert!(
                is_listed && answer.status < 500,
                "{line} {what}: {} {}",
                answer.status,
                answer.text
            );
            if answer.status >= 400 {
                let error = answer.json();
                let status = error.get("StatusCode").or_else(|| error.get("statusCode"));
                assert_eq!(
                    status,
                    Some(&json!(answer.status)),
                    "{line} {what}: {error}"
                );
            }
            *counts.entry(answer.status).or_default() += 1;
        };
        for body in bodies(&document, &operation, is_thorough) {
            let answer = desk.bench.try_send(&line, "", &body).await;
            check(
                &body,
                answer.unwrap_or_else(|error| panic!("{line} {body}: {error}")),
            );
        }
        check("", desk.bench.try_send(&line, "", "").await.unwrap());
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=b",
        ] {
            let header = format!("content-type: {kind}\r\n");
            let answer = desk.bench.try_send(&line, &header, "{}").await;
            check(kind, answer.unwrap());
        }
    }
    counts
}

#[tokio::test]
async fn no_body_breaks_incidentiq() {
    // The tempers read bodies by the same types: one of them is enough for every member alone.
    for (desk, is_thorough) in [
        (Desk::lenient().await, true),
        (Desk::live_like().await, false),
    ] {
        let things = things(&desk, "/approval/").await;
        let counts = send_all(&desk, "incidentiq", &things, is_thorough).await;
        assert!(counts[&400] > 500, "{counts:?}");
        assert!(counts[&415] > 100, "{counts:?}");
    }
}

#[tokio::test]
async fn no_body_breaks_clearfeed() {
    for desk in [Desk::lenient().await, Desk::live_like().await] {
        for (request, team, customer) in [("req_353", "team_31", "cust_71"), ("353", "31", "71")] {
            let things = json!({ "requestId": request, "teamId": team, "customerId": customer });
            let counts = send_all(&desk, "clearfeed", things.as_object().unwrap(), true).await;
            assert!(counts[&400] > 100, "{counts:?}");
        }
    }
}

#[tokio::test]
async fn a_body_of_the_wrong_type_is_told_by_its_place() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("x").await;
    let answer = desk
        .send(&format!("POST /tickets/{id}/copy"), "[1,2]")
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    let mut body = desk.body("y");
    body["CustomFieldValues"] = json!([{ "CustomFieldTypeId": 7 }]);
    let answer = desk.send("POST /tickets/new", &body).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.json()["Errors"]["CustomFieldValues[0].CustomFieldTypeId"].is_array(),
        "{}",
        answer.text
    );
    let line = "PATCH /clearfeed/v1/rest/requests/352";
    let answer = desk.bench.send(line, json!({ "title": 7 })).await;
    assert_eq!(
        answer.json()["message"],
        json!(["title must be a string"]),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_file_goes_out_whatever_it_is_called() {
    let desk = Desk::lenient().await;
    for (name, kind) in [
        ("a\u{0}b\r\nc\".txt", "text/plain"),
        ("\u{7f}é.pdf", "text/\u{1}"),
        ("a", "\n"),
    ] {
        let body = json!({ "FileName": name, "Content": "AAEC", "ContentType": kind });
        let made = desk.good("POST /files/base64/save", body).await;
        let line = format!("GET /files/{}", made["Uid"].as_str().unwrap());
        let answer = desk.send(&line, "").await;
        assert_eq!(answer.status, 200, "{name:?}");
        assert_eq!(answer.text, "\u{0}\u{1}\u{2}");
    }
}
