use serde_json::json;

use super::desk::Desk;

#[tokio::test]
async fn a_token_that_may_only_read_is_told_so() {
    for (desk, status) in [(Desk::lenient().await, 403), (Desk::live_like().await, 401)] {
        let id = desk.ticket("x").await;
        let send = async |line: &str, body: serde_json::Value| {
            desk.send_as("sandbox-readonly", line, body).await
        };
        assert_eq!(
            send(&format!("GET /tickets/{id}"), json!({})).await.status,
            200
        );
        assert_eq!(
            send("POST /tickets", json!({})).await.json()["Paging"]["TotalRows"],
            1
        );
        for (line, body) in [
            ("POST /tickets/new".to_owned(), desk.body("y")),
            (format!("POST /tickets/{id}"), json!({ "Subject": "y" })),
            (format!("POST /tickets/{id}/close"), json!({})),
            (format!("DELETE /tickets/{id}"), json!({})),
            (format!("POST /tickets/{id}/activities/new"), json!({})),
        ] {
            let answer = send(&line, body).await;
            assert_eq!(answer.status, status, "{line}: {}", answer.text);
            assert_eq!(answer.json()["StatusCode"], status);
        }
        let header = "authorization: Bearer sandbox-readonly\r\n";
        let line = "PATCH /clearfeed/v1/rest/requests/352";
        let answer = desk
            .bench
            .try_send(line, header, r#"{"state":"closed"}"#)
            .await
            .unwrap();
        assert_eq!(
            (answer.status, &answer.json()["statusCode"]),
            (status, &json!(status))
        );
        assert_eq!(desk.bench.audit().await.len(), 1);
    }
}

#[tokio::test]
async fn who_asks_for_help_sees_and_says_the_own_things_alone() {
    let desk = Desk::lenient().await;
    let (me, other) = (desk.district.users[200].id, desk.district.users[300].id);
    let own = desk.ticket("mine").await;
    let mut body = desk.body("theirs");
    body["ForId"] = json!(other);
    let theirs = desk.made(&body).await;
    let send = async |line: &str, body: serde_json::Value| {
        desk.send_as("sandbox-requestor", line, body).await
    };
    let login = send("GET /login", json!({})).await.json();
    assert_eq!(login["Item"]["UserId"], me.to_string());
    let found = send("POST /tickets", json!({})).await.json();
    assert_eq!(
        (&found["Paging"]["TotalRows"], &found["Items"][0]["Subject"]),
        (&json!(1), &json!("mine"))
    );
    assert_eq!(
        send(&format!("GET /tickets/{theirs}"), json!({}))
            .await
            .status,
        403
    );
    let item = send(&format!("GET /tickets/{own}"), json!({})).await.json();
    assert_eq!(item["Item"]["UserPermissions"]["CanWork"], false);
    let said = json!({ "IsPublic": true, "ActivityItems": [{ "$type": "comment", "Comments": "please" }] });
    assert_eq!(
        send(&format!("POST /tickets/{own}/activities/new"), said.clone())
            .await
            .status,
        201
    );
    assert_eq!(
        send(&format!("POST /tickets/{theirs}/activities/new"), said)
            .await
            .status,
        403
    );
    assert_eq!(
        send(&format!("POST /tickets/{own}/close"), json!({}))
            .await
            .status,
        403
    );
    assert_eq!(send("POST /tickets/new", body).await.status, 403);
    let made = send("POST /tickets/new", desk.body("new")).await.json();
    assert_eq!(made["Item"]["OwnerId"], me.to_string());
    let audit = desk.bench.audit().await;
    assert_eq!(audit.last().unwrap()["by"], "sandbox-requestor");
    // What the team says among itself stays there.
    let note =
        json!({ "IsPublic": false, "ActivityItems": [{ "$type": "comment", "Comments": "hm" }] });
    desk.good(&format!("POST /tickets/{own}/activities/new"), note)
        .await;
    let seen = send(&format!("GET /tickets/{own}/activities"), json!({}))
        .await
        .json();
    assert_eq!(seen["Paging"]["TotalRows"], 1);
}

#[tokio::test]
async fn a_token_that_has_expired_is_told_so() {
    let desk = Desk::lenient().await;
    let answer = desk.send_as("sandbox-expired", "GET /login", "").await;
    assert_eq!(answer.status, 401);
    assert!(
        answer.json()["Message"]
            .as_str()
            .unwrap()
            .contains("expired")
    );
}

#[tokio::test]
async fn incidentiq_takes_its_token_in_every_way_that_clients_send_it() {
    let desk = Desk::lenient().await;
    let send = async |header: &str, path: &str| {
        let answer = desk
            .bench
            .try_send(&format!("GET {path}"), header, "")
            .await;
        answer.unwrap()
    };
    // `helpdesk:sandbox` in base64; the last one bears no `Authorization` at all.
    for header in [
        "authorization: bearer sandbox\r\n",
        "authorization: sandbox\r\n",
        "authorization: Basic aGVscGRlc2s6c2FuZGJveA==\r\n",
        "x-no-authorization: 1\r\nUserToken: sandbox\r\n",
    ] {
        let answer = send(header, "/incidentiq/api/v1.0/login").await;
        assert_eq!(answer.status, 200, "{header}: {}", answer.text);
        assert_eq!(answer.json()["Item"]["JwtToken"], "sandbox");
    }
    let bare = send("authorization: sandbox\r\n", "/clearfeed/v1/collections").await;
    assert_eq!(bare.status, 401);
}
