//! Files that hang on tickets, against scripted answers.

use deskferry_testing::server::{MockServer, ResponseTemplate};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::tests::{TICKET, mount, signed_in};
use super::*;
use crate::systems::attach::{ATTACH, BYTES, NAME};
use crate::systems::testing::Free;
use crate::systems::{Looks, Outcome, Print};

const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";
const OTHER: &str = "bbbbbbbb-0000-0000-0000-000000000002";

fn file() -> FileFacts {
    FileFacts {
        path: "none".into(),
        name: "a.png".to_owned(),
        kind: "image/png",
        bytes: 8,
        hash: String::new(),
    }
}

fn row(name: &str, bytes: u64) -> Value {
    json!({"FileId": "f-1", "FileName": name, "Size": bytes})
}

fn print(name: &str, bytes: u64) -> Print {
    Print::of(&Looks {
        traits: vec![(NAME, name.to_owned()), (BYTES, bytes.to_string())],
        text: String::new(),
    })
}

fn counted(rows: &[Value]) -> Value {
    json!({"Items": rows, "Paging": {"TotalRows": rows.len()}})
}

/// What is seen of a file where its ticket and another one list these, by either order of the ids.
async fn seen(
    lists: [(Value, Value); 2],
    here: &[Print],
    elsewhere: &[(String, Print)],
) -> Sighting {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    for (id, (one, other)) in [TICKET, OTHER].into_iter().zip(lists) {
        for (path, body) in [
            (format!("{TICKETS}/{id}"), one),
            (format!("{id}/{TICKETS}"), other),
        ] {
            let answer = match body.is_null() {
                true => {
                    ResponseTemplate::new(404).set_body_json(json!({"Message": "no such call"}))
                }
                false => ResponseTemplate::new(200).set_body_json(body),
            };
            let at = format!("/api/v1.0/files/entity/{path}");
            mount_any(&server, &at, answer).await;
        }
    }
    let ticket = Ticket {
        id: TICKET.to_owned(),
        ..Ticket::default()
    };
    let body = json!({"file": "a.png", "name": "a.png"});
    let call = Call {
        step: ATTACH,
        ticket: Some(&ticket),
        body: &body,
        id: Uuid::nil(),
        old_id: Uuid::nil(),
    };
    let beside = Beside {
        here,
        elsewhere,
        ..Beside::default()
    };
    let since = SentAt::from(Timestamp::now());
    let permit = Free::default();
    let file = file();
    let seen = system.attached(call, Some(&file), beside, since, &permit);
    seen.await.unwrap()
}

async fn mount_any(server: &MockServer, at: &str, answer: ResponseTemplate) {
    use deskferry_testing::server::Mock;
    use deskferry_testing::server::matchers::{method, path};
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

#[tokio::test]
async fn an_empty_list_is_no_proof_that_a_file_is_absent() {
    let none = || (json!([]), Value::Null);
    let empty = || (counted(&[]), Value::Null);
    for lists in [[none(), none()], [empty(), empty()]] {
        let unseen = seen(lists.clone(), &[], &[]).await;
        assert!(matches!(unseen, Sighting::Unseen(_)), "{unseen:?}");
        // Nor is one that lacks what was attached before.
        let unclear = seen(lists.clone(), &[print("b.png", 3)], &[]).await;
        assert!(matches!(unclear, Sighting::Unclear(_)), "{unclear:?}");
        let elsewhere = [(OTHER.to_owned(), print("b.png", 3))];
        let unseen = seen(lists, &[], &elsewhere).await;
        assert!(matches!(unseen, Sighting::Unseen(_)), "{unseen:?}");
    }
}

#[tokio::test]
async fn a_file_is_absent_where_another_one_is_listed_back() {
    let b = [row("b.png", 3)];
    let here = (counted(&b), Value::Null);
    let empty = || (counted(&[]), Value::Null);
    let shown = seen([here, empty()], &[print("b.png", 3)], &[]).await;
    assert_eq!(shown, Sighting::Absent);
    let elsewhere = [(OTHER.to_owned(), print("b.png", 3))];
    let shown = seen([empty(), (counted(&b), Value::Null)], &[], &elsewhere).await;
    assert_eq!(shown, Sighting::Absent);
    // A list that counts nothing and is not full is as good with that.
    let shown = seen(
        [(json!([]), Value::Null), (json!(b), Value::Null)],
        &[],
        &elsewhere,
    )
    .await;
    assert_eq!(shown, Sighting::Absent);
    // One that lacks rows which it counts is not.
    let cut = json!({"Items": b, "Paging": {"TotalRows": 2}});
    let shown = seen([(cut, Value::Null), empty()], &[print("b.png", 3)], &[]).await;
    assert!(matches!(shown, Sighting::Unclear(_)), "{shown:?}");
}

#[tokio::test]
async fn a_site_that_takes_the_ids_in_the_other_order_shows_the_file() {
    let swapped = |rows: &[Value]| (counted(&[]), counted(rows));
    let lists = [swapped(&[row("a.png", 8)]), swapped(&[])];
    assert_eq!(seen(lists, &[], &[]).await, Sighting::Done);
}

#[tokio::test]
async fn an_upload_without_an_answer_goes_once_more_and_is_linked_once() {
    let server = MockServer::start().await;
    let system = signed_in(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, [0; 8]).unwrap();
    let file = FileFacts { path, ..file() };
    let answers = std::sync::atomic::AtomicU32::new(0);
    let upload = move |_: &deskferry_testing::server::Request| match answers
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    {
        0 => ResponseTemplate::new(502),
        _ => ResponseTemplate::new(201).set_body_json(json!({"Item": {"FileId": "f-1"}})),
    };
    {
        use deskferry_testing::server::Mock;
        use deskferry_testing::server::matchers::{method, path};
        Mock::given(method("POST"))
            .and(path("/api/v1.0/files"))
            .respond_with(upload)
            .expect(2)
            .mount(&server)
            .await;
    }
    let link = format!("/api/v1.0/files/f-1/entity/{TICKETS}/{TICKET}");
    let done = ResponseTemplate::new(200).set_body_json(json!({"StatusCode": 200}));
    mount(&server, "POST", &link, done, 1).await;
    let list = format!("/api/v1.0/files/entity/{TICKETS}/{TICKET}");
    let listed = ResponseTemplate::new(200).set_body_json(counted(&[row("a.png", 8)]));
    mount(&server, "GET", &list, listed, 1).await;
    let ticket = Ticket {
        id: TICKET.to_owned(),
        ..Ticket::default()
    };
    let body = json!({"file": "a.png", "name": "a.png"});
    let call = Call {
        step: ATTACH,
        ticket: Some(&ticket),
        body: &body,
        id: Uuid::nil(),
        old_id: Uuid::nil(),
    };
    let mut way = Way::default();
    let outcome = loop {
        match system.attach(call, &file, &mut way).await.outcome {
            Outcome::Further => {}
            outcome => break outcome,
        }
    };
    let Outcome::Done(ticket) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(ticket.warnings.len(), 1, "{ticket:?}");
    assert!(
        ticket.warnings[0].contains("may have left a file that hangs on no ticket"),
        "{ticket:?}"
    );
}
