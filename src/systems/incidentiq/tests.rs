//! The connector against scripted answers: where the sandbox would be too polite.

use std::time::Duration;

use deskferry_testing::server::matchers::{header, method, path};
use deskferry_testing::server::{Mock, MockServer, Request, ResponseTemplate};
use serde_json::{Value, json};

use uuid::Uuid;

use super::*;
use crate::directory::{Kind, Needs};
use crate::error::ErrorKind;
use crate::systems::testing::{Free, connection, performed};
use crate::systems::{CREATE, Gap, Outcome, SystemName};

const SITE: &str = "11111111-2222-3333-4444-555555555555";
pub(super) const TICKET: &str = "aaaaaaaa-0000-0000-0000-000000000001";

fn profile(server: &MockServer) -> Connection {
    connection(SystemName::IncidentIq, &server.uri())
}

pub(super) async fn mount(
    server: &MockServer,
    verb: &str,
    at: &str,
    answer: ResponseTemplate,
    times: u64,
) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(answer)
        .expect(times)
        .mount(server)
        .await;
}

fn login() -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .set_body_json(json!({"Item": {
            "UserId": "u-1", "User": {"Email": "helpdesk@district.example"},
            "Site": {"SiteId": SITE.to_uppercase(), "TimeZone": "Central Standard Time"},
            "ProductId": "88df910c-91aa-e711-80c2-0004ffa00010",
        }, "StatusCode": 200}))
}

fn made() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(
        json!({"Item": {"TicketId": TICKET, "TicketNumber": "0042"}, "StatusCode": 201, "Errors": [{"Message": "no SLA"}]}),
    )
}

pub(super) async fn signed_in(server: &MockServer) -> IncidentIq {
    mount(server, "GET", "/api/v1.0/login", login(), 1).await;
    sign_in(profile(server)).await.unwrap()
}

async fn create(system: &IncidentIq) -> Outcome {
    let body = json!({"Subject": "s"});
    performed(
        system,
        Call {
            step: CREATE,
            ticket: None,
            body: &body,
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        },
    )
    .await
    .outcome
}

#[tokio::test]
async fn the_zone_of_the_profile_goes_first_where_it_says_so() {
    let server = MockServer::start().await;
    mount(&server, "GET", "/api/v1.0/login", login(), 2).await;
    let chicago = TimeZone::get("America/Chicago").ok();
    let berlin = TimeZone::get("Europe/Berlin").ok();
    for (timezone_first, expected) in [(false, &chicago), (true, &berlin)] {
        let other = Connection {
            timezone: berlin.clone(),
            timezone_first,
            ..profile(&server)
        };
        let other = sign_in(other).await.unwrap();
        assert_eq!(other.zone, *expected);
        assert_eq!(other.site_zone, chicago);
    }
}

#[tokio::test]
async fn the_login_tells_site_zone_and_user() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let account = system.account();
    assert_eq!(account.tenant, SITE);
    assert_eq!(account.user.as_deref(), Some("helpdesk@district.example"));
    assert!(account.clock_offset.as_hours() < -24 * 365 * 20);
    assert_eq!(system.zone, TimeZone::get("America/Chicago").ok());
    Mock::given(method("POST"))
        .and(path("/api/v1.0/tickets/create"))
        .and(header("siteid", SITE))
        .and(header("client", "ApiClient"))
        .and(header("authorization", "Bearer sandbox"))
        .respond_with(made())
        .expect(1)
        .mount(&server)
        .await;
    let Outcome::Done(ticket) = create(&system).await else {
        panic!("the create carries the headers");
    };
    assert_eq!(
        (ticket.id.as_str(), ticket.number.as_deref()),
        (TICKET, Some("0042"))
    );
    assert_eq!(ticket.warnings, ["no SLA"]);
}

#[tokio::test]
async fn a_sandbox_on_this_machine_is_its_own_tenant() {
    let server = MockServer::start().await;
    let login = login().insert_header("x-deskferry-sandbox", "sb-7");
    mount(&server, "GET", "/api/v1.0/login", login, 1).await;
    let system = sign_in(profile(&server)).await.unwrap();
    assert_eq!(system.account().tenant, "sb-7");
    assert_eq!(system.constants["SiteId"], SITE);
}

#[tokio::test]
async fn without_a_login_the_statuses_prove_the_token() {
    let server = MockServer::start().await;
    let statuses = ResponseTemplate::new(200).set_body_json(json!({"Items": []}));
    mount(&server, "GET", "/api/v1.0/tickets/statuses", statuses, 2).await;
    let error = sign_in(profile(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hints()[0].contains("site_id"));
    let profile = Connection {
        site_id: Some(SITE.to_owned()),
        ..profile(&server)
    };
    assert_eq!(sign_in(profile).await.unwrap().account().tenant, SITE);
}

/// The product that every create names, the site and the zone come with the login alone.
#[tokio::test]
async fn one_wrong_answer_to_the_login_loses_nothing_of_it() {
    for wrong in [
        ResponseTemplate::new(403),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200),
        ResponseTemplate::new(200).set_body_json(json!({})),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/api/v1.0/login"))
            .respond_with(wrong)
            .up_to_n_times(1)
            .mount(&server)
            .await;
        mount(&server, "GET", "/api/v1.0/login", login(), 1).await;
        let statuses = ResponseTemplate::new(200).set_body_json(json!({"Items": []}));
        mount(&server, "GET", "/api/v1.0/tickets/statuses", statuses, 1).await;
        let system = sign_in(profile(&server)).await.unwrap();
        assert_eq!(system.account().tenant, SITE);
        let product = "88df910c-91aa-e711-80c2-0004ffa00010";
        assert_eq!(system.constants["ProductId"], product);
        assert!(system.zone.is_some() && system.account().user.is_some());
    }
}

#[tokio::test]
async fn one_wrong_answer_to_the_settings_loses_nothing_of_them() {
    let server = MockServer::start().await;
    let login = json!({"Item": {"UserId": "u-1", "SiteId": SITE}, "StatusCode": 200});
    let login = ResponseTemplate::new(200).set_body_json(login);
    mount(&server, "GET", "/api/v1.0/login", login, 1).await;
    Mock::given(method("GET"))
        .and(path("/api/v1.0/sites/my/settings"))
        .respond_with(ResponseTemplate::new(404))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let settings = json!({"Item": {"Site": {"TimeZone": "Central Standard Time"}}});
    let settings = ResponseTemplate::new(200).set_body_json(settings);
    mount(&server, "GET", "/api/v1.0/sites/my/settings", settings, 1).await;
    let system = sign_in(profile(&server)).await.unwrap();
    assert_eq!(system.zone, TimeZone::get("America/Chicago").ok());
}

/// A list in another spelling may show less: only the places that the token's user sees.
#[tokio::test]
async fn one_wrong_answer_to_a_list_does_not_choose_its_other_spelling() {
    for wrong in [403, 404] {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        let places = |names: &[&str]| {
            let places = names.iter().map(|it| json!({"LocationId": it, "Name": it}));
            let places: Vec<Value> = places.collect();
            ResponseTemplate::new(200).set_body_json(json!({"Items": places}))
        };
        let all = format!("/api/v1.0/locations/all/{SITE}");
        Mock::given(method("GET"))
            .and(path(all.as_str()))
            .respond_with(ResponseTemplate::new(wrong))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        mount(&server, "GET", &all, places(&["LHS", "DO"]), 1).await;
        mount(
            &server,
            "GET",
            "/api/v1.0/locations/all",
            places(&["DO"]),
            0,
        )
        .await;
        let needs = Needs::kind(Kind::Location);
        let free = Free::default();
        let snapshot = system.load_directory(needs, &free, &|_, _, _| {});
        let snapshot = snapshot.await.unwrap();
        assert_eq!(snapshot.kinds[&Kind::Location].entries.len(), 2, "{wrong}");
    }
}

#[tokio::test]
async fn refusals_at_sign_in_say_what_to_do() {
    let refuse = |status: u16, message: &'static str| async move {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .set_body_json(json!({"StatusCode": status, "Message": message}));
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let profile = Connection {
            site_id: Some(SITE.to_owned()),
            ..profile(&server)
        };
        sign_in(profile).await.unwrap_err()
    };
    let denied = refuse(401, "Unauthorized").await;
    assert_eq!(denied.kind(), ErrorKind::Denied);
    assert!(denied.hints()[0].contains("Developer Tools"));
    for status in [400, 401, 403] {
        let site = refuse(status, "Invalid SiteId").await;
        assert_eq!(site.kind(), ErrorKind::Denied);
        assert!(site.message().contains(SITE) && site.hints()[0].contains("site_id"));
    }
    assert_eq!(refuse(500, "down").await.kind(), ErrorKind::System);
    let nobody = connection(SystemName::IncidentIq, "http://127.0.0.1:1");
    let unreachable = sign_in(nobody).await.unwrap_err();
    assert_eq!(unreachable.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_token_of_another_site_is_told() {
    let server = MockServer::start().await;
    mount(&server, "GET", "/api/v1.0/login", login(), 1).await;
    let profile = Connection {
        site_id: Some("99999999-0000-0000-0000-000000000009".to_owned()),
        ..profile(&server)
    };
    let error = sign_in(profile).await.unwrap_err();
    assert!(error.message().contains(SITE), "{error}");
}

#[tokio::test]
async fn the_first_create_proves_the_spelling_for_all_others() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let unknown = refuses(404, "no such call").set_delay(Duration::from_millis(100));
    mount(&server, "POST", "/api/v1.0/tickets/create", unknown, 1).await;
    mount(&server, "POST", "/api/v1.0/tickets/new", made(), 3).await;
    assert!(system.wants_first_alone());
    let all = futures::join!(create(&system), create(&system), create(&system));
    for outcome in [all.0, all.1, all.2] {
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    assert!(!system.wants_first_alone());
}

#[tokio::test]
async fn a_create_is_answered_with_200_or_201() {
    for status in [200, 201] {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        let made = ResponseTemplate::new(status)
            .set_body_json(json!({"Uid": TICKET.to_uppercase(), "StatusCode": status}));
        mount(&server, "POST", "/api/v1.0/tickets/create", made, 1).await;
        let outcome = create(&system).await;
        assert!(
            matches!(&outcome, Outcome::Done(ticket) if ticket.id == TICKET),
            "{status}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_failing_first_spelling_is_settled_before_the_second_is_tried() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    mount(
        &server,
        "POST",
        "/api/v1.0/tickets/create",
        ResponseTemplate::new(500),
        1,
    )
    .await;
    mount(&server, "POST", "/api/v1.0/tickets/new", made(), 1).await;
    assert!(matches!(create(&system).await, Outcome::InDoubt(_)));
    assert!(matches!(create(&system).await, Outcome::Done(_)));
}

/// The row that comes after a doubt meets the second spelling first: that the site does not know it is no fault of the row.
#[tokio::test]
async fn a_row_that_meets_an_unknown_spelling_first_goes_by_the_other() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    Mock::given(method("POST"))
        .and(path("/api/v1.0/tickets/create"))
        .respond_with(ResponseTemplate::new(404).set_body_string("<html>blocked</html>"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    mount(&server, "POST", "/api/v1.0/tickets/create", made(), 2).await;
    let unknown = refuses(404, "no such call");
    mount(&server, "POST", "/api/v1.0/tickets/new", unknown, 1).await;
    assert!(matches!(create(&system).await, Outcome::InDoubt(_)));
    for _ in 0..2 {
        let outcome = create(&system).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_says_nothing_of_the_spelling_leaves_it() {
    for (status, times) in [(401, 2), (403, 2), (429, 2)] {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        mount(
            &server,
            "POST",
            "/api/v1.0/tickets/create",
            ResponseTemplate::new(status),
            times,
        )
        .await;
        mount(&server, "POST", "/api/v1.0/tickets/new", made(), 0).await;
        for _ in 0..times {
            let outcome = create(&system).await;
            assert!(
                matches!(outcome, Outcome::Forbidden(_) | Outcome::Throttled(_)),
                "{outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_bad_row_is_told_by_the_spelling_that_knows_it() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let refused = refuses(400, "LocationId?");
    mount(&server, "POST", "/api/v1.0/tickets/create", refused, 1).await;
    mount(
        &server,
        "POST",
        "/api/v1.0/tickets/new",
        refuses(404, "no such call"),
        1,
    )
    .await;
    assert!(
        matches!(create(&system).await, Outcome::Rejected(refusal) if refusal.message == "LocationId?")
    );
}

/// A refusal as §17 has it.
fn refuses(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"StatusCode": status, "Message": message}))
}

#[tokio::test]
async fn a_refusal_that_proves_nothing_is_looked_up_before_the_other_spelling_is_tried() {
    for unknown in [
        ResponseTemplate::new(404),
        ResponseTemplate::new(405).set_body_string("<html>no</html>"),
        ResponseTemplate::new(404).set_body_json(json!({"message": "no route"})),
        ResponseTemplate::new(302),
    ] {
        let server = MockServer::start().await;
        let system = signed_in(&server).await;
        mount(&server, "POST", "/api/v1.0/tickets/create", unknown, 1).await;
        mount(&server, "POST", "/api/v1.0/tickets/new", made(), 1).await;
        let call = Call {
            step: CREATE,
            ticket: None,
            body: &json!({}),
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        };
        let answered = performed(&system, call).await;
        assert!(
            matches!(answered.outcome, Outcome::InDoubt(_)),
            "{answered:?}"
        );
        let shape = answered.shape.unwrap();
        assert!(!system.shapes().is_proven(&shape), "{shape}");
        // The next row goes the other way at once.
        assert!(matches!(create(&system).await, Outcome::Done(_)));
    }
}

#[tokio::test]
async fn a_ticket_by_another_id_than_the_one_asked_for_is_another() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let path = format!("/api/v1.0/tickets/{TICKET}");
    let other = "cccccccc-0000-0000-0000-000000000009";
    let answer = ResponseTemplate::new(200).set_body_json(json!({"Item": {"TicketId": other}}));
    mount(&server, "GET", &path, answer, 3).await;
    let reading = system.read_ticket(TICKET, &Free::default()).await.unwrap();
    assert!(matches!(reading, Reading::Another(_)), "{reading:?}");
    // That there is none would be untrue: a row that names it learns what has become of it.
    let found = system.find_ticket(TICKET, &Free::default()).await;
    let error = found.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(
        error.to_string().contains("may have been merged"),
        "{error}"
    );
    let fields = system.ticket_fields(TICKET, &Free::default()).await;
    assert!(fields.unwrap_err().to_string().contains(other));
}

fn tickets(range: std::ops::Range<u32>, total: u32, index: u32) -> Value {
    let items: Vec<Value> = range
        .map(|n| {
            json!({
                "TicketId": format!("bbbbbbbb-0000-0000-0000-{n:012}"),
                "CreatedDate": format!("2024-06-21T08:{:02}:{:02}", n / 60, n % 60),
                "ProductId": "P", "IssueDescription": format!("text\nRef: s/{n}"),
            })
        })
        .collect();
    json!({"Items": items, "Paging": {"TotalRows": total, "PageSize": 100, "PageIndex": index}})
}

async fn listed(pages: Vec<Value>) -> (Vec<Listed>, ListingEnd, usize) {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    Mock::given(method("POST"))
        .and(path("/api/v1.0/tickets"))
        .respond_with(move |request: &Request| {
            let body: Value = request.body_json().unwrap();
            let index = body["Paging"]["PageIndex"].as_u64().unwrap() as usize;
            // The page at the other end stands behind all others.
            let (last, others) = pages.split_last().unwrap();
            let page = match request.url.query().unwrap().contains("asc") {
                true => others.get(index).or(others.last()).unwrap_or(last),
                false => last,
            };
            ResponseTemplate::new(200).set_body_json(page)
        })
        .mount(&server)
        .await;
    let window = Window {
        from: "2024-06-21T13:00:00Z".parse().unwrap(),
        to: "2024-06-21T13:10:00Z".parse().unwrap(),
    };
    let mut rows = Vec::new();
    let mut calls = 0;
    let end = system
        .list_created(window, &Free::default(), &mut |page| {
            calls += 1;
            rows.extend(page);
        })
        .await
        .unwrap();
    (rows, end, calls)
}

#[tokio::test]
async fn a_listing_hands_every_row_on_once() {
    // A row moved from page to page while reading comes twice.
    let pages = vec![
        tickets(0..100, 150, 0),
        tickets(99..150, 150, 1),
        tickets(50..150, 150, 0),
    ];
    let (rows, end, calls) = listed(pages).await;
    assert_eq!((rows.len(), calls), (150, 2));
    assert_eq!(
        end,
        ListingEnd {
            gap: None,
            pages: 3
        }
    );
    // Chicago in June is five hours behind.
    assert_eq!(
        rows[0].created_at,
        Some("2024-06-21T13:00:00Z".parse().unwrap())
    );
    assert_eq!(rows[7].text.as_deref(), Some("text\nRef: s/7"));
    assert_eq!(rows[0].group, "p");
}

#[tokio::test]
async fn a_listing_that_lacks_rows_is_not_whole() {
    let twice = vec![
        tickets(0..100, 150, 0),
        tickets(0..100, 150, 1),
        tickets(50..150, 150, 0),
    ];
    let (rows, end, _) = listed(twice).await;
    assert_eq!(
        rows.len(),
        100,
        "a list that does not fit its count needs no witness"
    );
    let counted = Gap::Count {
        shown: 100,
        counted: 150,
    };
    assert_eq!(end.gap, Some(counted));
    // The site counts what it lists, and cuts both.
    let cut = vec![tickets(0..100, 100, 0), tickets(60..160, 160, 0)];
    assert!(!listed(cut).await.1.is_whole());
    let none = vec![tickets(0..0, 0, 0)];
    assert!(listed(none).await.1.is_whole());
    let empty = vec![tickets(0..0, 500, 0)];
    assert!(!listed(empty).await.1.is_whole());
}

#[tokio::test]
async fn the_directory_takes_the_size_that_is_granted() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    Mock::given(method("POST"))
        .and(path("/api/v1.0/users"))
        .respond_with(|request: &Request| {
            let asked = |name: &str| -> usize {
                let query = request.url.query_pairs().find(|(key, _)| key == name).unwrap();
                query.1.parse().unwrap()
            };
            let (size, page) = (asked("$s").min(250), asked("$p"));
            let items: Vec<Value> = (page * size..620.min((page + 1) * size))
                .map(|n| json!({"UserId": format!("cccccccc-0000-0000-0000-{n:012}"), "Name": format!("User {n}"),
                                "Email": format!("u{n}@district.example"), "SchoolIdNumber": n.to_string()}))
                .collect();
            ResponseTemplate::new(200).set_body_json(
                json!({"Items": items, "Paging": {"TotalRows": 620, "PageSize": size, "PageIndex": page}}),
            )
        })
        // 100, then 1000 asked and 250 granted, then two more pages.
        .expect(4)
        .mount(&server)
        .await;
    let slow = ResponseTemplate::new(429).insert_header("retry-after", "2");
    Mock::given(path("/api/v1.0/issues"))
        .respond_with(slow)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    mount(&server, "POST", "/api/v1.0/issues", ResponseTemplate::new(200).set_body_json(json!({"Items": [
        {"IssueId": "i-1", "Name": "Broken screen", "IssueTypeId": "t-1", "IssueCategoryName": "Devices"}],
        "Paging": {"TotalRows": 1, "PageSize": 100, "PageIndex": 0}})), 1).await;
    mount(
        &server,
        "GET",
        "/api/v1.0/issues/types",
        ResponseTemplate::new(200)
            .set_body_json(json!({"Items": [{"IssueTypeId": "T-1", "Name": "Laptop"}]})),
        1,
    )
    .await;
    mount(&server, "GET", "/api/v1.0/locations/all", ResponseTemplate::new(200).set_body_json(json!({"Items": [
        {"LocationId": "l-1", "Name": "Lincoln High School", "Abbreviation": "LHS"}], "Paging": {"TotalRows": 3}})), 4).await;
    mount(&server, "POST", "/api/v1.0/custom-fields", ResponseTemplate::new(200).set_body_json(json!({"Items": [
        {"CustomFieldTypeId": "f-1", "CustomFieldType": {"Name": "Size", "EditorType": 9, "Options": "[{\"Id\":\"o-1\",\"Name\":\"Large\"}]"}}]})), 1).await;
    let permit = Free::default();
    let snapshot = system
        .load_directory(Needs::ALL, &permit, &|_, _, _| {})
        .await
        .unwrap();
    let users = &snapshot.kinds[&Kind::User];
    assert_eq!(
        (users.entries.len(), users.total, &users.note),
        (620, Some(620), &None)
    );
    assert_eq!(users.entries[5].properties["number"], "5");
    assert_eq!(
        snapshot.kinds[&Kind::Issue].entries[0].properties["path"],
        "Devices › Laptop › Broken screen"
    );
    assert_eq!(
        snapshot.kinds[&Kind::Location].note.as_deref(),
        Some("the system counts 3, 1 came")
    );
    assert!(
        snapshot.kinds[&Kind::Room]
            .note
            .as_deref()
            .unwrap()
            .contains("GET /v1.0/locations/rooms")
    );
    assert_eq!(snapshot.custom_fields[0].options[0].value, "Large");
    assert_eq!(
        *permit.pauses.lock().unwrap(),
        [Some(Duration::from_secs(2))]
    );
    assert_eq!(snapshot.constants["SiteId"], SITE);
}
