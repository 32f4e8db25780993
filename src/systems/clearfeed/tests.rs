//! The connector against scripted answers: where the sandbox would be too polite.

use deskferry_testing::server::matchers::{body_json, method, path, query_param};
use deskferry_testing::server::{Mock, MockServer, Request, ResponseTemplate};
use serde_json::{Value, json};

use super::*;
use crate::directory::{Kind, Needs};
use crate::error::ErrorKind;
use crate::systems::testing::{Free, connection, performed};
use crate::systems::{CREATE, Outcome, SystemName, Ticket};

pub(super) fn profile(server: &MockServer) -> Connection {
    Connection {
        tenant: Some("acme".to_owned()),
        ..connection(
            SystemName::ClearFeed,
            &format!("{}/clearfeed", server.uri()),
        )
    }
}

fn collections() -> ResponseTemplate {
    let page = |name: &str| json!({"id": 11, "name": name, "channels": []});
    ResponseTemplate::new(200).set_body_json(
        json!({"collections": [page("IT Support")], "response_metadata": {"next_cursor": null}}),
    )
}

pub(super) async fn mount(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

pub(super) async fn rest(server: &MockServer) -> ClearFeed {
    mount(
        server,
        "GET",
        "/clearfeed/v1/rest/collections",
        collections(),
    )
    .await;
    let settled = Connection {
        dialect: Some(Dialect::Rest),
        ..profile(server)
    };
    sign_in(settled).await.unwrap()
}

#[tokio::test]
async fn the_dialect_that_answers_is_kept() {
    let server = MockServer::start().await;
    rest(&server).await;
    let system = sign_in(profile(&server)).await.unwrap();
    assert_eq!(system.account().dialect, Dialect::Rest);
    assert_eq!(system.account().tenant, "acme");
    mount(&server, "GET", "/clearfeed/v1/collections", collections()).await;
    assert_eq!(
        sign_in(profile(&server)).await.unwrap().account().dialect,
        Dialect::V1
    );
    let settled = Connection {
        dialect: Some(Dialect::Rest),
        ..profile(&server)
    };
    assert_eq!(
        sign_in(settled).await.unwrap().account().dialect,
        Dialect::Rest
    );
}

/// Another dialect means other bodies and ids: a proxy that answers once must not choose it.
#[tokio::test]
async fn one_wrong_answer_does_not_change_the_dialect() {
    let page = ResponseTemplate::new(200).set_body_string("<html>blocked</html>");
    let other = ResponseTemplate::new(200).set_body_json(json!({"requests": []}));
    for wrong in [
        ResponseTemplate::new(403),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200),
        page,
        other,
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/clearfeed/v1/collections"))
            .respond_with(wrong)
            .up_to_n_times(1)
            .mount(&server)
            .await;
        mount(&server, "GET", "/clearfeed/v1/collections", collections()).await;
        rest(&server).await;
        let system = sign_in(profile(&server)).await.unwrap();
        assert_eq!(system.account().dialect, Dialect::V1);
    }
}

#[tokio::test]
async fn the_dialect_of_a_profile_is_never_left_silently() {
    let server = MockServer::start().await;
    rest(&server).await;
    let before = |dialect| Connection {
        answered_before: Some(dialect),
        ..profile(&server)
    };
    let error = sign_in(before(Dialect::V1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::System);
    assert!(error.message().contains("`v1` before"), "{error}");
    assert!(error.hints()[1].contains("dialect = \"rest\""), "{error}");
    // It goes first where it answered before.
    mount(&server, "GET", "/clearfeed/v1/collections", collections()).await;
    let system = sign_in(before(Dialect::Rest)).await.unwrap();
    assert_eq!(system.account().dialect, Dialect::Rest);
}

#[tokio::test]
async fn a_kind_is_refused_only_when_it_is_refused_twice() {
    for (times, is_read) in [(1, true), (2, false)] {
        let server = MockServer::start().await;
        let system = rest(&server).await;
        let at = "/clearfeed/v1/rest/teams";
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(ResponseTemplate::new(403))
            .up_to_n_times(times)
            .mount(&server)
            .await;
        let teams = json!({"teams": [{"id": 1, "name": "Tier 1"}]});
        let teams = ResponseTemplate::new(200).set_body_json(teams);
        mount(&server, "GET", at, teams).await;
        let needs = Needs::kind(Kind::Team);
        let free = Free::default();
        let snapshot = system.load_directory(needs, &free, &|_, _, _| {});
        let snapshot = snapshot.await.unwrap();
        let teams = &snapshot.kinds[&Kind::Team];
        assert_eq!(teams.entries.len(), usize::from(is_read));
        assert_eq!(teams.note.is_none(), is_read);
        // The right may be given before the next command.
        let kept = snapshot.clone().without_failed();
        assert_eq!(kept.holds.has(Kind::Team), is_read);
    }
}

/// Without the right to read teams, people are those of the requests; they are not loaded anew at each command.
#[tokio::test]
async fn people_are_kept_where_the_teams_are_refused() {
    for (status, is_kept) in [(403, true), (500, false)] {
        let server = MockServer::start().await;
        let system = rest(&server).await;
        mount(
            &server,
            "GET",
            "/clearfeed/v1/rest/teams",
            ResponseTemplate::new(status),
        )
        .await;
        let none = ResponseTemplate::new(200).set_body_json(
            json!({"requests": [], "users": [], "response_metadata": {"next_cursor": null}}),
        );
        mount(&server, "GET", "/clearfeed/v1/rest/requests", none.clone()).await;
        let needs = Needs::kind(Kind::User);
        let free = Free::default();
        let snapshot = system.load_directory(needs, &free, &|_, _, _| {});
        let snapshot = snapshot.await.unwrap();
        let kept = snapshot.without_failed();
        assert_eq!(kept.holds.has(Kind::User), is_kept, "{status}");
    }
}

#[tokio::test]
async fn a_stumble_at_sign_in_is_asked_again() {
    let server = MockServer::start().await;
    for stumble in [
        ResponseTemplate::new(503),
        ResponseTemplate::new(429).insert_header("retry-after", "0"),
    ] {
        Mock::given(method("GET"))
            .respond_with(stumble)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    rest(&server).await;
}

#[tokio::test]
async fn a_workspace_without_a_name_is_refused() {
    let server = MockServer::start().await;
    rest(&server).await;
    let nameless = Connection {
        tenant: None,
        ..profile(&server)
    };
    let error = sign_in(nameless).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hints()[0].contains("tenant"));
}

#[tokio::test]
async fn a_bad_token_outweighs_an_unknown_path() {
    let server = MockServer::start().await;
    mount(
        &server,
        "GET",
        "/clearfeed/v1/rest/collections",
        ResponseTemplate::new(401),
    )
    .await;
    let error = sign_in(profile(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.hints()[0].contains("access token"));
    let page = ResponseTemplate::new(200).set_body_string("<html></html>");
    let elsewhere = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(page)
        .mount(&elsewhere)
        .await;
    assert_eq!(
        sign_in(profile(&elsewhere)).await.unwrap_err().kind(),
        ErrorKind::System
    );
}

#[tokio::test]
async fn a_create_and_its_update() {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    let made =
        json!({"id": 352, "title": "t", "request_thread": {"url": "https://slack.example/t"}});
    mount(
        &server,
        "POST",
        "/clearfeed/v1/rest/requests",
        ResponseTemplate::new(201).set_body_json(made),
    )
    .await;
    let body = json!({"collection_id": 11});
    let Outcome::Done(ticket) = performed(
        &system,
        Call {
            step: CREATE,
            ticket: None,
            body: &body,
            id: uuid::Uuid::nil(),
            old_id: uuid::Uuid::nil(),
        },
    )
    .await
    .outcome
    else {
        panic!("an integer id is an id");
    };
    assert_eq!(
        ticket,
        Ticket {
            id: "352".into(),
            url: Some("https://slack.example/t".into()),
            ..Ticket::default()
        }
    );
    let change = json!({"state": "closed"});
    Mock::given(method("PATCH"))
        .and(path("/clearfeed/v1/rest/requests/352"))
        .and(body_json(&change))
        .respond_with(
            ResponseTemplate::new(422)
                .set_body_json(json!({"errors": [{"field": "state", "message": "no"}]})),
        )
        .mount(&server)
        .await;
    let outcome = performed(
        &system,
        Call {
            step: "update",
            ticket: Some(&ticket),
            body: &change,
            id: uuid::Uuid::nil(),
            old_id: uuid::Uuid::nil(),
        },
    )
    .await
    .outcome;
    assert!(
        matches!(outcome, Outcome::Rejected(refusal) if refusal.fields == [("status".to_owned(), "no".to_owned())])
    );
}

fn requests(range: impl Iterator<Item = u32>, cursor: Option<&str>) -> Value {
    let rows: Vec<Value> = range
        .map(|n| json!({"id": n, "created_at": format!("2024-06-21T08:{:02}:{:02}.000Z", n / 60, n % 60), "author": format!("U{n}"),
                        "assignee": null, "collection": {"id": 11}, "messages": [{"text": format!("Ref: s/{n}")}, {"text": "later"}]}))
        .collect();
    json!({"requests": rows, "response_metadata": {"next_cursor": cursor}})
}

#[tokio::test]
async fn a_listing_follows_the_cursor_and_looks_at_the_other_end() {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    Mock::given(method("GET"))
        .and(path("/clearfeed/v1/rest/requests"))
        .and(query_param("include", "messages"))
        .respond_with(|request: &Request| {
            let query = request.url.query().unwrap();
            let page = match (
                query.contains("next_cursor=c1"),
                query.contains("order=asc"),
            ) {
                (true, true) => requests(100..120, None),
                (_, true) => requests(0..100, Some("c1")),
                _ => requests((20..120).rev(), Some("d1")),
            };
            ResponseTemplate::new(200).set_body_json(page)
        })
        .expect(3)
        .mount(&server)
        .await;
    let window = Window {
        from: "2024-06-21T08:00:00Z".parse().unwrap(),
        to: "2024-06-21T08:10:00Z".parse().unwrap(),
    };
    let mut rows = Vec::new();
    let end = system
        .list_created(window, &Free::default(), &mut |page| rows.extend(page))
        .await
        .unwrap();
    assert_eq!(rows.len(), 120);
    assert_eq!(
        end,
        ListingEnd {
            gap: None,
            pages: 3
        }
    );
    assert_eq!(
        (rows[3].group.as_str(), rows[3].text.as_deref()),
        ("11", Some("Ref: s/3"))
    );
}

#[tokio::test]
async fn people_are_fetched_by_the_ids_that_were_seen() {
    let server = MockServer::start().await;
    let system = rest(&server).await;
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    mount(
        &server,
        "GET",
        "/clearfeed/v1/rest/custom-fields",
        ok(json!({"custom_fields": []})),
    )
    .await;
    mount(
        &server,
        "GET",
        "/clearfeed/v1/rest/teams",
        ok(json!({"teams": [{"id": 1, "name": "Tier 1", "team_members": [{"id": "U900"}]}]})),
    )
    .await;
    mount(
        &server,
        "GET",
        "/clearfeed/v1/rest/requests",
        ok(requests(0..150, None)),
    )
    .await;
    Mock::given(method("GET"))
        .and(path("/clearfeed/v1/rest/users"))
        .respond_with(|request: &Request| {
            let (_, ids) = request.url.query_pairs().find(|(key, _)| key == "ids").unwrap();
            let ids: Vec<&str> = ids.split(',').collect();
            assert!(ids.len() <= 100);
            let users: Vec<Value> = ids.iter().map(|id| json!({"id": id, "name": format!("N{id}"), "email": format!("{id}@x.example")})).collect();
            ResponseTemplate::new(200).set_body_json(json!({"users": users}))
        })
        .expect(2)
        .mount(&server)
        .await;
    let snapshot = system
        .load_directory(Needs::ALL, &Free::default(), &|_, _, _| {})
        .await
        .unwrap();
    let users = &snapshot.kinds[&Kind::User];
    assert_eq!(users.entries.len(), 151);
    assert!(users.note.as_deref().unwrap().contains("lists no people"));
    assert_eq!(snapshot.kinds[&Kind::Collection].entries[0].id, "11");
    assert_eq!(snapshot.kinds[&Kind::Team].entries[0].name, "Tier 1");
}
