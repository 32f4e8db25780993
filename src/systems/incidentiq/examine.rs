//! What a site lets our token read, and which of its habits show (contract incidentiq §3, §4, §16).

use jiff::tz::TimeZone;
use reqwest::Method;
use serde_json::{Value, json};

use super::IncidentIq;
use super::envelope::{Page, id};
use crate::systems::examine::{Examiner, Finding, Need};
use crate::systems::http::Request;
use crate::systems::http::reader::Reader;

/// A day on which nobody had a ticket.
const NO_TICKETS: &str = "daterange:01/01/1990-01/02/1990";

pub(super) async fn examine(system: &IncidentIq, reader: Reader<'_>) -> Vec<Finding> {
    let mut examiner = Examiner::new(reader);
    examiner.add(match &system.site_id {
        Some(site_id) => Finding::ok("site id", site_id.clone()),
        None => Finding::warning(
            "site id",
            "neither the token nor the profile tells it",
            "add `site_id` to the profile: IncidentIQ shows it under Admin > Developer Tools",
        ),
    });
    examiner.add(match &system.zone {
        Some(zone) if system.site_zone.as_ref().is_some_and(|site| site != zone) => {
            let site = system.site_zone.as_ref().and_then(TimeZone::iana_name);
            Finding::warning(
                "time zone",
                format!(
                    "{}, as the profile says; the site's is {}",
                    zone.iana_name().unwrap_or("a fixed offset"),
                    site.unwrap_or("a fixed offset"),
                ),
                "leave `timezone_from` out of the profile, unless the site is set wrong",
            )
        }
        Some(zone) => Finding::ok("time zone", zone.iana_name().unwrap_or("a fixed offset")),
        None => Finding::warning(
            "time zone",
            "nobody tells it, and the times of tickets come without one",
            "add `timezone = \"America/Chicago\"`, or whichever is the site's, to the profile",
        ),
    });
    examiner.add(Finding::ok(
        "create path",
        "/tickets/create is tried first, then /tickets/new; only a create proves one (--write-probe)",
    ));
    tickets(&mut examiner).await;
    reference(system, &mut examiner).await;
    examiner.findings()
}

async fn tickets(examiner: &mut Examiner<'_>) {
    let search = |filters: Value| {
        json!({
            "Schema": "All", "Filters": filters, "Paging": {"PageSize": 1, "PageIndex": 0},
        })
    };
    let size = [("$s", "1".to_owned()), ("$p", "0".to_owned())];
    let post = |body| {
        let request = Request::new(Method::POST, "/v1.0/tickets").query(&size);
        Request {
            body: Some(body),
            ..request
        }
    };
    let all = search(json!([]));
    let Some(body) = examiner
        .may_read("tickets", &[post(&all)], Need::Always)
        .await
    else {
        return;
    };
    let page = match Page::counted(body) {
        Ok(page) => page,
        Err(what) => {
            return examiner.add(Finding::failed(
                "paging",
                format!("a page of tickets is not in the contract's shape: {what}"),
                "exports and the settling of lost answers cannot read this site: is something between here and it?",
            ));
        }
    };
    examiner.add(match page.items.len() {
        0 | 1 => Finding::ok("paging", "pages have the size that is asked for"),
        more => Finding::warning(
            "paging",
            format!("one ticket was asked for, {more} came"),
            "nothing to do: what comes is what counts, listings take longer",
        ),
    });
    let none = search(json!([{"Facet": "createddate", "Value": NO_TICKETS, "GroupIndex": 0}]));
    let filtered = examiner.peek(post(&none)).await;
    let filtered = filtered.and_then(|body| Page::counted(body).ok());
    if let (Some(filtered), true) = (filtered, page.total.is_some_and(|total| total > 0)) {
        examiner.add(match filtered.total == Some(0) || filtered.items.is_empty() {
            true => Finding::ok("filters", "`createddate` is obeyed; every hit is judged again all the same"),
            false => Finding::warning(
                "filters",
                "`createddate` is ignored: every ticket comes",
                "searches and the settling of lost answers read all tickets and take longer; what they find stays right",
            ),
        });
    }
    let Some(ticket_id) = page.items.first().and_then(|item| id(item, "TicketId")) else {
        return;
    };
    let one = format!("/v1.0/tickets/{ticket_id}");
    let activities = format!("{one}/activities");
    examiner
        .may_read("a ticket", &[Request::get(&one)], Need::Always)
        .await;
    let comments = "without it comments cannot be exported or looked for when their answer is lost";
    examiner
        .may_read(
            "comments",
            &[Request::get(&activities)],
            Need::For(comments),
        )
        .await;
}

async fn reference(system: &IncidentIq, examiner: &mut Examiner<'_>) {
    let (empty, filters) = (json!({}), json!({"Filters": []}));
    let tags = json!({
        "Facets": ["tag"], "Query": "", "ResultsFilter": {"ShowAll": true, "ShowDeleted": false},
    });
    let issues = json!({"SiteScope": "Aggregate", "Strategy": "All"});
    let post = |path, body| Request {
        body: Some(body),
        ..Request::new(Method::POST, path)
    };
    let site = system.site_id.as_deref().unwrap_or_default();
    let places = format!("/v1.0/locations/all/{site}");
    let places = match site {
        "" => "/v1.0/locations/all",
        _ => places.as_str(),
    };
    let reads: [(&str, &str, Vec<Request<'_>>); 12] = [
        (
            "places",
            "without it mappings cannot name locations, and exports show them as ids",
            vec![
                Request::get(places),
                Request::get("/v1.0/locations/all"),
                Request::get("/v2.0/locations/all"),
            ],
        ),
        (
            "people",
            "without it mappings cannot name people (requester, assignee), and exports show them as the tickets do",
            vec![post("/v1.0/users", &filters), Request::get("/v1.0/users")],
        ),
        (
            "teams",
            "without it mappings cannot name teams",
            vec![Request::get("/v1.0/teams/all"), Request::get("/v1.0/teams")],
        ),
        (
            "issues",
            "without it mappings cannot name issues, so they create no tickets, and exports show no paths of issues",
            vec![post("/v1.0/issues", &issues), Request::get("/v1.0/issues")],
        ),
        (
            "statuses",
            "without it mappings cannot set a status by its name",
            vec![
                Request::get("/v1.0/tickets/statuses"),
                Request::get("/v1.0/workflows/steps"),
            ],
        ),
        (
            "custom fields",
            "without it mappings cannot set custom fields, and exports show their values by id",
            vec![
                post("/v1.0/custom-fields/for/ticket", &empty),
                Request::get("/v1.0/custom-fields/types"),
            ],
        ),
        (
            "rooms",
            "without it mappings cannot name rooms",
            vec![
                Request::get("/v1.0/locations/rooms"),
                post("/v2.0/locations/rooms/query", &empty),
            ],
        ),
        (
            "assets",
            "without it mappings cannot name assets, and exports show them as the tickets do",
            vec![post("/v1.0/assets", &filters)],
        ),
        (
            "priorities",
            "without it mappings cannot set a priority by its name",
            vec![Request::get("/v1.0/tickets/priorities")],
        ),
        (
            "tags",
            "without it mappings cannot set tags",
            vec![post("/v1.0/filters", &tags)],
        ),
        (
            "close reasons",
            "without it mappings cannot name the reason of a closing",
            vec![Request::get("/v1.0/resolutions/close-reason-types")],
        ),
        (
            "SLAs",
            "without it mappings cannot name service levels",
            vec![Request::get("/v1.0/slas")],
        ),
    ];
    for (what, costs, spellings) in reads {
        examiner.may_read(what, &spellings, Need::For(costs)).await;
    }
}
