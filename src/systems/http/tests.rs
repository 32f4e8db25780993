//! Every kind of answer through a real socket.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::classify::{Expect, write};
use super::*;
use crate::redact::tests::{form, gives_away};
use crate::systems::{Answered, Outcome, Ticket};

const TOKEN: &str = "a-token/nobody+may_see==";

fn transport(base: &str) -> Transport {
    Transport::new(Settings {
        base: Url::parse(base).unwrap(),
        token: &SecretString::from(TOKEN),
        headers: HeaderMap::new(),
        concurrency: 2,
        timeout: Duration::from_secs(2),
        insecure_http: false,
        route: &Route::default(),
    })
    .unwrap()
}

fn id(body: &Value) -> Option<Ticket> {
    Some(Ticket {
        id: body["id"].as_str()?.to_owned(),
        ..Ticket::default()
    })
}

async fn written(server: &MockServer) -> Answered {
    let transport = transport(&server.uri());
    let body = json!({"a": 1});
    let answer = transport
        .send(&Request::new(Method::POST, "/x").body(&body))
        .await;
    write(
        answer,
        &Expect {
            call: "create",
            levels: 2,
            ticket: &id,
            title: &|_| None,
            standing: None,
            makes_more: false,
            rename: str::to_owned,
        },
    )
}

async fn answered(template: ResponseTemplate) -> Outcome {
    whole(template).await.outcome
}

async fn whole(template: ResponseTemplate) -> Answered {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(template)
        .expect(1)
        .mount(&server)
        .await;
    written(&server).await
}

fn json_answer(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

#[tokio::test]
async fn a_success_names_its_ticket() {
    let done = answered(json_answer(201, json!({"id": "t-1"}))).await;
    assert!(matches!(done, Outcome::Done(ticket) if ticket.id == "t-1"));
}

#[tokio::test]
async fn a_further_call_is_done_only_when_the_answer_shows_something() {
    let standing = Ticket {
        id: "t-1".to_owned(),
        ..Ticket::default()
    };
    let said = json!({"id": "c-1"});
    for (template, makes_more, is_done) in [
        (json_answer(201, said.clone()), true, true),
        (json_answer(202, said), true, false),
        (ResponseTemplate::new(204), true, false),
        (ResponseTemplate::new(200), true, false),
        (ResponseTemplate::new(204), false, false),
        (ResponseTemplate::new(200), false, false),
        (json_answer(202, json!({"id": "c-1"})), false, false),
        (json_answer(200, json!({"id": "c-1"})), false, true),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(template)
            .mount(&server)
            .await;
        let transport = transport(&server.uri());
        let answer = transport.send(&Request::new(Method::POST, "/x")).await;
        let expect = Expect {
            call: "comment",
            levels: 2,
            ticket: &id,
            title: &|_| None,
            standing: Some(&standing),
            makes_more,
            rename: str::to_owned,
        };
        let outcome = write(answer, &expect).outcome;
        assert_eq!(matches!(outcome, Outcome::Done(_)), is_done, "{outcome:?}");
    }
}

#[tokio::test]
async fn statuses_are_classified() {
    for status in [400, 404, 405, 409, 413, 415, 422] {
        let outcome = answered(json_answer(status, json!({"Message": "no"}))).await;
        assert!(
            matches!(&outcome, Outcome::Rejected(refusal) if refusal.status == status && refusal.message == "no"),
            "{status}: {outcome:?}"
        );
    }
    for status in [301, 302, 307, 308, 407] {
        let outcome = answered(
            ResponseTemplate::new(status)
                .insert_header("location", "https://elsewhere.example/login?x=1"),
        )
        .await;
        assert!(
            matches!(outcome, Outcome::Denied(_)),
            "{status}: {outcome:?}"
        );
    }
    for status in [408, 425, 500, 502, 503, 504] {
        let outcome = answered(ResponseTemplate::new(status)).await;
        assert!(
            matches!(outcome, Outcome::InDoubt(_)),
            "{status}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_creation_is_answered_with_200_or_201_alone() {
    for (status, made) in [
        (200, true),
        (201, true),
        (202, false),
        (203, false),
        (207, false),
    ] {
        let outcome = answered(json_answer(status, json!({"id": "t-1"}))).await;
        assert_eq!(
            matches!(outcome, Outcome::Done(_)),
            made,
            "{status}: {outcome:?}"
        );
        assert!(made || matches!(outcome, Outcome::InDoubt(_)));
    }
}

#[tokio::test]
async fn what_says_that_nothing_was_done_bears_its_shape() {
    let page = "<html><title>Blocked</title></html>";
    for (template, shape) in [
        (
            json_answer(
                400,
                json!({"StatusCode": 400, "Message": "no", "Errors": []}),
            ),
            "create 400/400 json Errors,Message,StatusCode",
        ),
        (
            json_answer(403, json!({"StatusCode": 200, "Message": "no"})),
            "create 403/403 json Message,StatusCode,status!",
        ),
        (
            json_answer(200, json!({"StatusCode": 422, "Message": "no"})),
            "create 200/422 json Message,StatusCode",
        ),
        (
            ResponseTemplate::new(404).set_body_string(page),
            "create 404/404 html ",
        ),
        (ResponseTemplate::new(302), "create 302/302 empty "),
        (
            ResponseTemplate::new(429).set_body_string("slow"),
            "create 429/429 other ",
        ),
        (json_answer(401, json!(["no"])), "create 401/401 other "),
    ] {
        let answered = whole(template).await;
        assert_eq!(answered.shape.unwrap().to_string(), shape);
    }
    for template in [
        json_answer(201, json!({"id": "t-1"})),
        ResponseTemplate::new(503),
        ResponseTemplate::new(200),
    ] {
        assert_eq!(whole(template).await.shape, None);
    }
}

#[tokio::test]
async fn a_redirect_tells_its_host_and_is_not_followed() {
    let redirect = ResponseTemplate::new(302)
        .insert_header("location", "https://elsewhere.example/p?secret=1");
    let Outcome::Denied(message) = answered(redirect).await else {
        panic!("a redirect is denied");
    };
    assert!(message.contains("`elsewhere.example`") && !message.contains("secret"));
}

#[tokio::test]
async fn a_create_that_cannot_be_read_is_in_doubt() {
    for template in [
        json_answer(200, json!({"Item": null})),
        ResponseTemplate::new(200),
        ResponseTemplate::new(200).set_body_string("<html><title>Blocked</title></html>"),
        ResponseTemplate::new(200).set_body_string("{\"id\": \"t-"),
    ] {
        let outcome = answered(template).await;
        assert!(matches!(outcome, Outcome::InDoubt(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_error_inside_a_200_is_what_it_says() {
    let inside = |body: Value| answered(json_answer(200, body));
    let refused = inside(json!({"id": "t-1", "StatusCode": 400, "Message": "bad"})).await;
    assert!(matches!(refused, Outcome::Rejected(refusal) if refusal.status == 400));
    let failed = inside(json!({"id": "t-1", "IsSuccess": false, "Message": "bad"})).await;
    assert!(matches!(failed, Outcome::Rejected(refusal) if refusal.message == "bad"));
    let doubt = inside(json!({"id": "t-1", "StatusCode": 500})).await;
    assert!(matches!(doubt, Outcome::InDoubt(_)));
    let slow = inside(json!({"StatusCode": 429, "RetryAfter": 7})).await;
    assert_eq!(slow, Outcome::Throttled(Some(Duration::from_secs(7))));
    let denied = inside(json!({"StatusCode": 401, "Message": "who?"})).await;
    assert!(
        matches!(&denied, Outcome::Forbidden(refusal) if refusal.status == 401 && refusal.message == "who?"),
        "{denied:?}"
    );
}

#[tokio::test]
async fn all_shapes_of_errors_are_read() {
    let shapes = [
        json!({"Message": "m", "Errors": {"Subject": ["too long", "bad"]}}),
        json!({"Message": "m", "Errors": [{"Field": "Subject", "Message": "too long"}, {"field": "Subject", "message": "bad"}]}),
    ];
    for shape in shapes {
        let Outcome::Rejected(refusal) = answered(json_answer(400, shape)).await else {
            panic!("a 400 is a refusal");
        };
        let expected = [("Subject", "too long"), ("Subject", "bad")]
            .map(|(field, message)| (field.to_owned(), message.to_owned()));
        assert_eq!(refusal.fields, expected);
        assert_eq!(refusal.message, "m");
    }
    for (shape, message) in [
        (json!({"errors": ["one", "two"]}), "one; two"),
        (json!({"error": {"message": "deep"}}), "deep"),
        (json!({"error": "flat"}), "flat"),
        (json!({"Message": "m", "ErrorKey": "IN_USE"}), "m (IN_USE)"),
    ] {
        let Outcome::Rejected(refusal) = answered(json_answer(422, shape)).await else {
            panic!("a 422 is a refusal");
        };
        assert_eq!(refusal.message, message);
    }
}

#[tokio::test]
async fn a_page_of_a_filter_is_told_by_its_title() {
    let page = ResponseTemplate::new(404)
        .set_body_string("<!doctype html><TITLE> School\n filter </TITLE>");
    let Outcome::Rejected(refusal) = answered(page).await else {
        panic!("a 404 is a refusal");
    };
    assert_eq!(
        refusal.message,
        "answered with a web page titled `School filter`"
    );
}

#[tokio::test]
async fn throttling_says_how_long() {
    let throttled = |name: &'static str, value: &'static str| {
        answered(
            ResponseTemplate::new(429)
                .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
                .insert_header(name, value),
        )
    };
    let cases = [
        ("retry-after", "3", Some(3)),
        ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
        ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("retry-after", "soon", None),
        ("retry-after", "999999", Some(3600)),
        ("x-ratelimit-reset", "784111782", Some(5)),
        ("x-ratelimit-reset", "12", Some(12)),
    ];
    for (name, value, expected) in cases {
        let outcome = throttled(name, value).await;
        assert_eq!(
            outcome,
            Outcome::Throttled(expected.map(Duration::from_secs)),
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn a_success_says_that_nothing_remains_of_the_limit() {
    let spent = |status: u16, remaining: &'static str, reset: Option<&'static str>| async move {
        let answer = json_answer(status, json!({"id": "t-1"}))
            .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .insert_header("x-ratelimit-remaining", remaining);
        let answer = match reset {
            Some(reset) => answer.insert_header("x-ratelimit-reset", reset),
            None => answer,
        };
        whole(answer).await.spent.map(|left| left.as_secs())
    };
    for (reset, expected) in [
        ("12", 12),
        ("784111782", 5),
        ("784111782000", 5),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("1994-11-06T08:49:57Z", 20),
        ("999999", 3600),
    ] {
        assert_eq!(
            spent(201, "0", Some(reset)).await,
            Some(expected),
            "{reset}"
        );
    }
    // Something remains, nobody says until when, it is over already, or it is no success.
    assert_eq!(spent(201, "1", Some("12")).await, None);
    assert_eq!(spent(201, "0", None).await, None);
    assert_eq!(spent(201, "0", Some("784111700")).await, None);
    assert_eq!(spent(429, "0", Some("12")).await, None);
}

#[tokio::test]
async fn nothing_listens_is_unsent() {
    let transport = transport("http://127.0.0.1:1");
    let lost = transport.send(&Request::get("/x?y")).await.unwrap_err();
    assert!(
        matches!(&lost, Lost::Unsent(message) if message.contains("`127.0.0.1`")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn a_line_that_drops_after_the_request_is_a_doubt() {
    use tokio::io::AsyncReadExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
    };
    let transport = transport(&format!("http://{address}"));
    let body = json!({});
    let request = Request::new(Method::POST, "/x").body(&body);
    let (lost, ()) = tokio::join!(transport.send(&request), server);
    assert!(matches!(lost.unwrap_err(), Lost::Unknown(_)));
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    let server = MockServer::start().await;
    let transport = transport(&server.uri().replace("http:", "https:"));
    let lost = transport.send(&Request::get("/")).await.unwrap_err();
    assert!(
        matches!(&lost, Lost::Unsent(why) if why.contains("TLS")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_is_unsent() {
    let transport = transport("https://nobody.invalid");
    let lost = transport.send(&Request::get("/")).await.unwrap_err();
    assert!(
        matches!(&lost, Lost::Unsent(why) if why.contains("`nobody.invalid`")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn a_time_out_is_a_doubt() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(20)))
        .mount(&server)
        .await;
    let outcome = written(&server).await.outcome;
    assert!(
        matches!(&outcome, Outcome::InDoubt(why) if why.contains("in time")),
        "{outcome:?}"
    );
}

/// An answer repeats the token in every spelling, in every part of it that anybody reads.
#[tokio::test]
async fn no_spelling_of_the_token_is_left_of_an_answer() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let form = form(TOKEN).new_tree(&mut runner).unwrap().current();
        let texts = [
            (
                400,
                format!(r#"{{"Message":"no {form}","Errors":{{"{form}":["{form}"]}}}}"#),
            ),
            (200, format!(r#"{{"id":"t-1","Errors":["{form}"]}}"#)),
            (200, format!(r#"{{"id":"{form}"}}"#)),
            (403, format!("<html><title>{form}</title></html>")),
            (422, form.clone()),
            (502, format!(r#"{{"error":{{"detail":"{form}"}}}}"#)),
        ];
        for (status, text) in texts {
            let outcome = answered(ResponseTemplate::new(status).set_body_string(&text)).await;
            let outcome = format!("{outcome:?}");
            assert!(
                !gives_away(outcome.as_bytes(), TOKEN) && !outcome.contains(&form),
                "{text}: {outcome}"
            );
        }
    }
    let redirect = ResponseTemplate::new(302)
        .insert_header("location", format!("https://{TOKEN}.example/").as_str());
    let outcome = format!("{:?}", answered(redirect).await);
    assert!(!outcome.contains("nobody"), "{outcome}");
}

#[tokio::test]
async fn the_token_is_seen_nowhere() {
    let echo = json_answer(
        400,
        json!({"Message": format!("bad header Bearer {TOKEN}")}),
    );
    let outcome = answered(echo).await;
    assert!(!format!("{outcome:?}").contains(TOKEN));
    assert!(!format!("{:?}", transport("http://localhost")).contains(TOKEN));
}

#[test]
fn plain_http_is_for_this_machine() {
    let new = |base: &str, insecure_http: bool| {
        Transport::new(Settings {
            base: Url::parse(base).unwrap(),
            token: &SecretString::from(TOKEN),
            headers: HeaderMap::new(),
            concurrency: 1,
            timeout: Duration::from_secs(1),
            insecure_http,
            route: &Route::default(),
        })
    };
    assert!(new("http://district.example", false).is_err());
    assert!(new("http://district.example", true).is_ok());
    assert!(new("http://[::1]:80", false).is_ok());
    assert!(new("ftp://localhost", true).is_err());
}
