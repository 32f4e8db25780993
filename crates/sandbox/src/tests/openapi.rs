use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::desk::Desk;
use crate::emulator::Emulator;
use deskferry_testing::Shapes;

/// The calls that answer with what a file holds.
const NO_JSON: [&str; 1] = ["GET /v1.0/files/{fileId}"];

/// One operation of a document.
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) own: Value,
}

pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, own) in item.as_object().unwrap() {
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                own: own.clone(),
            });
        }
    }
    all
}

/// Everything that a path may name, made for one operation.
pub(super) async fn things(desk: &Desk, path: &str) -> Map<String, Value> {
    let (other, id) = (desk.ticket("other").await, desk.ticket("one").await);
    let ticket = format!("/tickets/{id}");
    let assign = json!({ "AssignToParentId": other, "AssignToRelatedId": other });
    desk.good(&format!("POST {ticket}/assign"), assign).await;
    desk.good(
        &format!("POST {ticket}/tags"),
        json!([{ "TagId": desk.district.tags[0].0 }]),
    )
    .await;
    let activity = desk
        .good(&format!("POST {ticket}/activities/new"), comment())
        .await;
    let subtask = desk
        .good(
            "POST /subtasks/create",
            json!({ "TicketId": id, "Subject": "s" }),
        )
        .await;
    let step = desk
        .good(
            &format!("POST {ticket}/next-steps/new"),
            json!({ "Name": "n" }),
        )
        .await;
    let group = desk
        .good("POST /subtasks/group/new", json!({ "Name": "g" }))
        .await;
    let file = desk
        .good(
            "POST /files/base64/save",
            json!({ "FileName": "a", "Content": "AAEC" }),
        )
        .await;
    let job = desk
        .good(
            "POST /tickets/bulk/set-priority",
            json!({ "TicketIds": [other], "Request": 9 }),
        )
        .await;
    if path.contains("/files/{fileId}/entity") {
        let place = format!("888891ac-91aa-e711-80c2-100dffa00001/{id}");
        let id = file["Uid"].as_str().unwrap();
        desk.good(&format!("POST /files/{id}/entity/{place}"), "")
            .await;
    }
    if path.contains("/approval/") || path.contains("/workflow/delete") {
        desk.good(&format!("POST {ticket}/workflow/approval"), "")
            .await;
    }
    let things = json!({
        "ticketId": id, "entityId": id, "otherId": other, "originalId": other, "activityId": activity["Uid"],
        "subtaskId": subtask["Items"][0]["TicketSubtaskId"], "nextStepId": step["Item"]["NextStepId"],
        "groupId": group["Uid"], "fileId": file["Uid"], "jobId": job["Item"],
    });
    things.as_object().unwrap().clone()
}

fn comment() -> Value {
    json!({ "ActivityItems": [{ "$type": "comment", "Comments": "hello" }] })
}

/// A body that an operation takes.
fn body(desk: &Desk, operation: &Operation, things: &Map<String, Value>) -> Value {
    let d = &desk.district;
    let id = &things["ticketId"];
    let path = operation
        .path
        .trim_start_matches("/api/v1.0")
        .trim_start_matches("/api/v2.0");
    let bulk = |request: Value| json!({ "TicketIds": [id], "Request": request });
    match path {
        "/tickets/new" | "/tickets/create" => desk.body("new"),
        "/tickets/simple/new" => json!({ "ForUsername": "helpdesk", "Issue": d.issues[0].name }),
        "/tickets/activities" => json!([id]),
        "/tickets/bulk/assign" => bulk(json!({ "AssignToUserId": d.users[1].id })),
        "/tickets/bulk/set-status" => bulk(json!(d.statuses[1].step)),
        "/tickets/bulk/set-priority" => bulk(json!(5)),
        "/tickets/bulk/set-issue" => bulk(json!({ "IssueId": d.issues[1].id })),
        "/tickets/bulk/assign-sla" => bulk(json!({ "SlaId": d.slas[0].id })),
        "/tickets/bulk/assign-workpackage" => bulk(json!({ "WorkpackageId": d.site })),
        "/tickets/bulk/set-info" => bulk(json!({ "Values": [] })),
        "/tickets/bulk/set-due-date" => bulk(json!({ "Type": 1 })),
        path if path.starts_with("/tickets/bulk/") => bulk(Value::Null),
        "/subtasks/create" => json!({ "TicketId": id, "Subject": "new" }),
        "/subtasks/update-sort" => json!([things["subtaskId"]]),
        "/subtasks/group/assign" => {
            json!({ "SubtaskGroupId": things["groupId"], "SubtaskIds": [things["subtaskId"]] })
        }
        "/files/base64/save" => json!({ "FileName": "b", "Content": "AAEC" }),
        "/custom-fields/values/for/tickets" => {
            json!([{ "TicketId": id, "CustomFieldTypeId": d.custom_fields[0].id, "Value": "v" }])
        }
        "/subtasks/group/new" | "/subtasks/group/{groupId}" => json!({ "Name": "g" }),
        path => {
            let last = path.rsplit('/').next().unwrap();
            match last {
                "subject" => json!({ "Subject": "s" }),
                "description" => json!({ "Description": "d" }),
                "issue" => json!({ "IssueId": d.issues[2].id }),
                "custom-fields" if path.contains("{ticketId}") => {
                    json!([{ "CustomFieldTypeId": d.custom_fields[0].id, "Value": "v" }])
                }
                "priority" => json!({ "Priority": 5 }),
                "due-dates" => json!({ "Type": 1 }),
                "assets" if path.contains("{ticketId}") => json!([{ "AssetId": d.assets[0].id }]),
                "tags" => json!([{ "Name": "t" }]),
                "sla" => json!({ "SlaId": d.slas[0].id }),
                "close" | "resolve" => json!({ "SkipCheckingNonMandatorySteps": true }),
                "response" => json!({ "Action": "Deny" }),
                "visibility" => json!(true),
                "new-batch" => json!([comment()]),
                _ if path.contains("new-batch") => json!([comment()]),
                _ if path.contains("/activities") => comment(),
                _ => json!({}),
            }
        }
    }
}

/// Checks answers against the schemas of a document.
struct Checker<'a> {
    document: &'a Value,
    compiler: boon::Compiler,
    schemas: boon::Schemas,
    checked: usize,
}

impl<'a> Checker<'a> {
    fn new(document: &'a Value) -> Self {
        let mut compiler = boon::Compiler::new();
        compiler.enable_format_assertions();
        compiler
            .add_resource("http://sandbox/openapi.json", document.clone())
            .unwrap();
        Self {
            document,
            compiler,
            schemas: boon::Schemas::new(),
            checked: 0,
        }
    }

    fn check(&mut self, operation: &Operation, status: u16, answer: &str) {
        let (path, method) = (
            operation.path.replace('/', "~1"),
            operation.method.to_lowercase(),
        );
        let pointer =
            format!("/paths/{path}/{method}/responses/{status}/content/application~1json/schema");
        if self.document.pointer(&pointer).is_none() {
            return;
        }
        let place = pointer.replace('{', "%7B").replace('}', "%7D");
        let place = format!("http://sandbox/openapi.json#{place}");
        let schema = self.compiler.compile(&place, &mut self.schemas);
        let schema = schema.unwrap_or_else(|error| panic!("{place}: {error}"));
        let answer: Value = serde_json::from_str(answer).unwrap();
        self.checked += 1;
        if let Err(error) = self.schemas.validate(&answer, schema) {
            panic!(
                "{} {}: {error:#}\n{answer}",
                operation.method, operation.path
            );
        }
    }
}

pub(super) fn filled(operation: &Operation, things: &Map<String, Value>) -> String {
    let mut path = operation.path.clone();
    for parameter in operation.own["parameters"].as_array().unwrap() {
        let name = parameter["name"].as_str().unwrap();
        let value = things.get(name).or_else(|| parameter.get("example"));
        if parameter["in"] == "path" {
            let value = value
                .and_then(Value::as_str)
                .unwrap_or_else(|| panic!("{name}: {path}"));
            path = path.replace(&format!("{{{name}}}"), value);
        }
    }
    path
}

#[tokio::test]
async fn every_operation_of_the_document_is_there_and_answers_as_it_says() {
    for desk in [Desk::lenient().await, Desk::live_like().await] {
        let document = desk.bench.get("/incidentiq/openapi.json").await.json();
        assert_eq!(document["openapi"], "3.1.0");
        let mut checker = Checker::new(&document);
        let mut shapes = Shapes::of("incidentiq");
        let all = operations(&document);
        assert!(all.len() > 180, "{}", all.len());
        for operation in &all {
            let things = things(&desk, &operation.path).await;
            let path = filled(operation, &things);
            let line = format!("{} /incidentiq{path}", operation.method);
            let is_form = operation.own["requestBody"]["content"]
                .get("multipart/form-data")
                .is_some();
            let answer = if is_form {
                let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n";
                let header = "content-type: multipart/form-data; boundary=b\r\n";
                desk.bench.try_send(&line, header, form).await.unwrap()
            } else {
                let body = match operation.own.get("requestBody") {
                    Some(_) => body(&desk, operation, &things).to_string(),
                    None => String::new(),
                };
                desk.bench.send(&line, body).await
            };
            assert!(
                answer.status < 300,
                "{line}: {} {}",
                answer.status,
                answer.text
            );
            checker.check(operation, answer.status, &answer.text);
            if let Ok(body) = serde_json::from_str(&answer.text) {
                let path = path.trim_start_matches("/api");
                shapes.answer(&operation.method, path, answer.status, &body);
            }
        }
        assert!(checker.checked > 180, "{}", checker.checked);
        let unseen: Vec<_> = shapes
            .known(false)
            .difference(&shapes.answered)
            .cloned()
            .collect();
        assert_eq!(unseen, NO_JSON);
        shapes.prove();
    }
}

#[tokio::test]
async fn every_row_of_the_table_stands_in_the_document_under_a_name_of_its_own() {
    let desk = Desk::lenient().await;
    let app = &desk.bench.sandbox.app;
    for (name, rows) in [
        ("incidentiq", rows(&app.incidentiq)),
        ("clearfeed", rows(&app.clearfeed)),
    ] {
        let document = desk
            .bench
            .get(&format!("/{name}/openapi.json"))
            .await
            .json();
        let all = operations(&document);
        let told: BTreeSet<String> = all
            .iter()
            .map(|one| format!("{} {}", one.method, one.path))
            .collect();
        assert_eq!(told, rows, "{name}");
        let ids: BTreeSet<_> = all
            .iter()
            .map(|one| one.own["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), all.len(), "{name}");
        let known = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let word = reference.split('"').next().unwrap();
            assert!(known.contains_key(word), "{name}: {word}");
        }
    }
}

fn rows<E: Emulator + 'static>(system: &E) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for section in &system.table().sections {
        for row in section.routes {
            let path = format!("{}{}", section.root, row.path.replace(":guid", ""));
            rows.extend(
                row.methods
                    .split('|')
                    .map(|method| format!("{method} {path}")),
            );
        }
    }
    rows
}

#[tokio::test]
async fn the_operations_of_both_dialects_are_there_and_answer_as_the_document_says() {
    let desk = Desk::lenient().await;
    let document = desk.bench.get("/clearfeed/openapi.json").await.json();
    let mut checker = Checker::new(&document);
    let mut shapes = Shapes::of("clearfeed");
    for operation in operations(&document) {
        let is_rest = operation.path.starts_with("/v1/rest/");
        let id = |prefix: &str, number: u64| match is_rest {
            true => json!(number.to_string()),
            false => json!(format!("{prefix}_{number}")),
        };
        let things = json!({
            "requestId": id("req", 353), "teamId": id("team", 31), "customerId": id("cust", 71), "formId": id("form", 11),
        });
        let path = filled(&operation, things.as_object().unwrap());
        let asked = match path.rsplit('/').next().unwrap() {
            "search" => "?query=a",
            "users" => "?ids=U0HELPDESK",
            "form" if is_rest => "?id=11",
            "form" => "?id=form_11",
            "requests" => "?include=messages&limit=5",
            "collections" => "?include=channels",
            _ => "",
        };
        let version =
            desk.bench.get("/clearfeed/v1/rest/customers").await.json()["customers"][0]["version"]
                .clone();
        let thread = desk
            .bench
            .get("/clearfeed/v1/rest/requests/353")
            .await
            .json()["request_thread"]
            .clone();
        let body = match operation
            .path
            .trim_start_matches("/v1")
            .trim_start_matches("/rest")
        {
            "/requests" if is_rest => json!({ "description": "d" }),
            "/requests" => json!({ "collection_id": "col_11", "title": "t", "description": "d" }),
            "/requests/{requestId}/message" => json!({ "html_body": "hello" }),
            "/customers" => json!({ "name": "New" }),
            "/customers/search" => {
                json!({ "filters": [{ "field": "domains", "operator": "overlaps", "values": ["a"] }] })
            }
            "/customers/{customerId}" => json!({ "version": version }),
            "/tickets" => json!({ "type": "link", "data": {
                "integration": "jira", "ticket_id": "A-1", "channel_id": thread["channel_id"],
                "message_ts": thread["thread_ts"],
            } }),
            _ => json!({}),
        };
        let line = format!("{} /clearfeed{path}{asked}", operation.method);
        let answer = desk.bench.send(&line, body).await;
        assert!(
            answer.status < 300,
            "{line}: {} {}",
            answer.status,
            answer.text
        );
        checker.check(&operation, answer.status, &answer.text);
        let body = serde_json::from_str(&answer.text).unwrap();
        shapes.answer(&operation.method, &path, answer.status, &body);
    }
    assert_eq!(checker.checked, 38);
    assert_eq!(shapes.known(false), shapes.answered);
    shapes.prove();
}
