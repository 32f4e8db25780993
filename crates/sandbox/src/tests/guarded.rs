use std::net::{Ipv4Addr, SocketAddr};

use crate::Config;
use crate::test_client::Bench;

const PATHS: [&str; 4] = [
    "/_sandbox/stats",
    "/incidentiq/openapi.json",
    "/incidentiq/api/v1.0/tickets/statuses",
    "/clearfeed/v1/collections",
];

#[tokio::test]
async fn a_page_of_another_site_is_let_in_nowhere() {
    let bench = Bench::start(Config::default()).await;
    for path in PATHS {
        let line = format!("GET {path}");
        assert_eq!(bench.get(path).await.status, 200, "{path}");
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost.evil.example:8700",
        ] {
            let extra = format!("origin: {origin}\r\n");
            let answer = bench.try_send(&line, &extra, "").await.unwrap();
            assert_eq!(answer.status, 403, "{path} {origin}");
        }
        let own = "origin: http://localhost:3000\r\n";
        assert_eq!(bench.try_send(&line, own, "").await.unwrap().status, 200);
        // A name that was given this machine's address.
        let answer = bench.get(&format!("http://evil.example{path}")).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let reset = "origin: http://evil.example\r\ncontent-type: text/plain\r\n";
    let answer = bench.try_send("POST /_sandbox/reset", reset, "").await;
    assert_eq!(answer.unwrap().status, 403);
}

#[tokio::test]
async fn beyond_this_machine_it_is_administered_with_a_token_of_its_own() {
    let near = Bench::start(Config::default()).await;
    assert!(!near.sandbox.is_public() && near.sandbox.ready_line().get("admin_token").is_none());
    let bench = Bench::start(Config {
        listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        ..Config::default()
    })
    .await;
    assert!(bench.sandbox.is_public());
    let ready = bench.sandbox.ready_line();
    let token = ready["admin_token"].as_str().unwrap();
    // The token of the systems is none.
    for line in [
        "GET /_sandbox/audit",
        "POST /_sandbox/reset",
        "DELETE /_sandbox/faults",
    ] {
        let answer = bench.send(line, "").await;
        assert_eq!(answer.status, 401, "{line}");
    }
    let bearer = format!("authorization: Bearer {token}\r\n");
    let answer = bench.try_send("GET /_sandbox/stats", &bearer, "").await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(bench.get("/clearfeed/v1/collections").await.status, 200);
}
