//! What a workspace lets our token read, and which of its habits show (contract clearfeed, Endpoints).

use std::time::Duration;

use serde_json::Value;

use super::ClearFeed;
use super::requests::text;
use crate::systems::examine::{Examiner, Finding, Need};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;
use crate::systems::http::refusal::member;

/// Before there were any requests.
const NO_REQUESTS: &str = "1990-01-01T00:00:00Z";

pub(super) async fn examine(system: &ClearFeed, reader: Reader<'_>) -> Vec<Finding> {
    let mut examiner = Examiner::new(reader);
    examiner.add(Finding::ok(
        "dialect",
        format!(
            "`{}` answers, at {}",
            system.account.dialect,
            system.transport.base()
        ),
    ));
    examiner.add(retention(system.retention));
    examiner
        .may_read(
            "collections",
            &[Request::get("/collections")],
            Need::For(
                "without it no mapping can create requests, and exports show collections as ids",
            ),
        )
        .await;
    requests(&mut examiner).await;
    let members = [("include", "team_members".to_owned())];
    let fields = [("entity_type", "request".to_owned())];
    examiner
        .may_read(
            "teams",
            &[Request::get("/teams").query(&members)],
            Need::For(
                "without it mappings cannot name teams, nor people who are in no recent request",
            ),
        )
        .await;
    examiner
        .may_read(
            "custom fields",
            &[Request::get("/custom-fields").query(&fields)],
            Need::For(
                "without it mappings cannot set custom fields, and exports show their values by id",
            ),
        )
        .await;
    // Of nobody: whether people may be read is all that is asked.
    let nobody = [("ids", "0".to_owned())];
    examiner
        .may_read(
            "people",
            &[Request::get("/users").query(&nobody)],
            Need::For("without it mappings cannot name people, and exports show them as ids"),
        )
        .await;
    examiner.findings()
}

/// What the workspace's retention costs. The API does not tell it: the profile must.
fn retention(kept: Option<Duration>) -> Finding {
    match kept {
        Some(kept) => Finding::ok(
            "retention",
            format!(
                "texts are erased after {} days: what is older is found neither by `runs adopt` nor for rows in doubt; exports keep the texts that they have",
                kept.as_secs() / 86_400
            ),
        ),
        None => Finding::ok(
            "retention",
            "not known: if the workspace erases texts (Settings › Data retention; 60 days by default for external help desks), add `retention = \"60d\"` to the profile",
        ),
    }
}

fn rows(body: &Value) -> &[Value] {
    let rows = member(body, &["requests"]).and_then(Value::as_array);
    rows.map(Vec::as_slice).unwrap_or_default()
}

async fn requests(examiner: &mut Examiner<'_>) {
    let one = [("limit", "1".to_owned())];
    let newest = Request::get("/requests").query(&one);
    let Some(body) = examiner.may_read("requests", &[newest], Need::Always).await else {
        return;
    };
    let Some(first) = rows(&body).first() else {
        return;
    };
    examiner.add(match rows(&body).len() {
        1 => Finding::ok("paging", "pages have the size that is asked for"),
        more => Finding::warning(
            "paging",
            format!("one request was asked for, {more} came"),
            "nothing to do: what comes is what counts, listings take longer",
        ),
    });
    let none = [
        ("before", NO_REQUESTS.to_owned()),
        ("limit", "1".to_owned()),
    ];
    if let Some(filtered) = examiner.peek(Request::get("/requests").query(&none)).await {
        examiner.add(match rows(&filtered) {
            [] => Finding::ok("filters", "`before` is obeyed; every hit is judged again all the same"),
            _ => Finding::warning(
                "filters",
                "`before` is ignored: every request comes",
                "searches and the settling of lost answers read all requests and take longer; what they find stays right",
            ),
        });
    }
    let Some(id) = text(first, "id") else { return };
    let path = format!("/requests/{id}");
    let include = [("include", "messages".to_owned())];
    let request = Request::get(&path).query(&include);
    let Some(body) = examiner
        .may_read("a request", &[request], Need::Always)
        .await
    else {
        return;
    };
    let request = super::requests::inner(&body);
    if member(request, &["messages"]).is_none() {
        examiner.add(Finding::warning(
            "messages",
            "a request does not show its messages",
            "a row whose answer is lost cannot be found by its description: settle it by hand",
        ));
    }
    let words = [
        ("query", "the".to_owned()),
        ("only_public", "false".to_owned()),
        ("limit", "1".to_owned()),
    ];
    let search = Request::get("/requests/search").query(&words);
    let without = "without it tickets cannot be looked for by their words or numbers";
    examiner
        .may_read("the search", &[search], Need::For(without))
        .await;
}
