//! Envelopes (contract incidentiq §2) and the bodies of errors (§17).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Temper;
use crate::guid::Guid;
use crate::reply::{Refusal, Reply, Shape};

/// What every envelope holds besides.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Common {
    user_token: Guid,
    request_date: String,
    execution_time: f64,
    status_code: u16,
    server_name: &'static str,
    process_id: u32,
    properties: Map<String, Value>,
}

impl Common {
    fn new(status_code: u16) -> Self {
        Self {
            user_token: Guid::ZERO,
            request_date: now(),
            execution_time: 1.0,
            status_code,
            server_name: "SANDBOX",
            process_id: 1,
            properties: Map::new(),
        }
    }
}

/// The time of the answer, UTC with seven decimals (contract §2).
fn now() -> String {
    Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6f0Z")
        .to_string()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item<'a, T> {
    item: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<Guid>,
    #[serde(flatten)]
    common: Common,
}

/// One thing.
pub(super) fn item(status: u16, item: &impl Serialize, uid: Option<Guid>) -> Reply {
    let common = Common::new(status);
    Reply::json(status, &Item { item, uid, common })
}

/// Which rows of how many a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) index: usize,
    pub(super) size: usize,
}

impl Page {
    /// The places of its rows among so many.
    pub(super) fn range(self, total: usize) -> std::ops::Range<usize> {
        let from = self.index.saturating_mul(self.size).min(total);
        from..from.saturating_add(self.size).min(total)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Paging {
    total_rows: usize,
    page_count: usize,
    page_size: usize,
    page_index: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct List<'a, T> {
    items: &'a [T],
    item_count: usize,
    paging: Paging,
    #[serde(flatten)]
    common: Common,
}

/// One page of a list.
pub(super) fn list<T: Serialize>(items: &[T], total: usize, page: Page) -> Reply {
    let paging = Paging {
        total_rows: total,
        page_count: total.div_ceil(page.size.max(1)),
        page_size: page.size,
        page_index: page.index,
    };
    Reply::json(
        200,
        &List {
            items,
            item_count: items.len(),
            paging,
            common: Common::new(200),
        },
    )
}

/// A list that is not cut into pages.
pub(super) fn whole<T: Serialize>(items: &[T]) -> Reply {
    let page = Page {
        index: 0,
        size: items.len().max(1),
    };
    list(items, items.len(), page)
}

/// A live system leaves out what is not set, where the documents show null (contract §2).
pub(super) fn lean(value: Value, temper: Temper) -> Value {
    if temper == Temper::Lenient {
        return value;
    }
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, lean(value, temper)))
            .collect(),
        Value::Array(items) => items.into_iter().map(|item| lean(item, temper)).collect(),
        value => value,
    }
}

/// Done, and nothing more to say.
pub(super) fn action(message: &str) -> Reply {
    #[derive(Debug, Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Action<'a> {
        message: &'a str,
        #[serde(flatten)]
        common: Common,
    }
    let common = Common::new(200);
    Reply::json(200, &Action { message, common })
}

/// A refusal, its `Errors` in one of the two shapes.
pub(super) fn refusal(refusal: &Refusal) -> Reply {
    let mut body = json!({
        "StatusCode": refusal.status,
        "Message": refusal.message,
        "RequestDate": now(),
    });
    if !refusal.fields.is_empty() {
        body["Errors"] = errors(refusal);
        if refusal.shape == Shape::List {
            body["CorrelationId"] = json!(Guid::random());
        }
    }
    if let Some(key) = refusal.key {
        body["ErrorKey"] = json!(key);
    }
    if refusal.status >= 500 {
        body["RequestId"] = json!(Guid::random());
    }
    Reply::json(refusal.status, &body)
}

fn errors(refusal: &Refusal) -> Value {
    match refusal.shape {
        Shape::List => refusal
            .fields
            .iter()
            .map(|(field, message)| json!({ "Field": field, "Message": message }))
            .collect(),
        Shape::Map => {
            let mut map: Map<String, Value> = Map::new();
            for (field, message) in &refusal.fields {
                let messages = map
                    .entry(field.clone())
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(messages) = messages {
                    messages.push(Value::from(message.as_str()));
                }
            }
            Value::Object(map)
        }
    }
}

/// Too fast (contract §17): seconds in the body, and the header where it is told.
pub(super) fn throttle(after: Option<u64>) -> Reply {
    let mut body = json!({ "StatusCode": 429, "Message": "Too many requests." });
    if let Some(seconds) = after {
        body["RetryAfter"] = json!(seconds);
    }
    let reply = Reply::json(429, &body);
    match after {
        Some(seconds) => reply.with("retry-after", seconds),
        None => reply,
    }
}

/// An error inside HTTP 200 (contract §2, the client's rule).
pub(super) fn error_in_200() -> Reply {
    Reply::json(
        200,
        &json!({
            "StatusCode": 400,
            "IsSuccess": false,
            "Message": "The request could not be processed.",
            "RequestDate": now(),
            "Errors": [{ "Field": "Subject", "Message": "The value was not accepted.", "ErrorKey": "INVALID" }],
        }),
    )
}
