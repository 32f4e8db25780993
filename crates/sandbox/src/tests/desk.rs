//! A sandbox of IncidentIQ with the district that it is populated with, for the tests of its sections.

use serde_json::{Value, json};

use crate::seed::District;
use crate::test_client::{Answer, Bench};
use crate::{Config, Temper};

pub(super) const API: &str = "/incidentiq/api/v1.0";

pub(super) struct Desk {
    pub(super) bench: Bench,
    pub(super) district: District,
}

impl Desk {
    pub(super) async fn start(config: Config) -> Self {
        Self {
            bench: Bench::start(config).await,
            district: District::new(),
        }
    }

    pub(super) async fn lenient() -> Self {
        Self::start(Config::default()).await
    }

    pub(super) async fn live_like() -> Self {
        Self::start(Config {
            temper: Temper::LiveLike,
            ..Config::default()
        })
        .await
    }

    pub(super) fn body(&self, subject: &str) -> Value {
        json!({
            "Subject": subject, "IssueDescription": format!("It does not work.\n\nRef: test/{subject}"),
            "ForId": self.district.users[200].id, "IssueId": self.district.issues[3].id,
            "LocationId": self.district.locations[2].id, "SendNotifications": false,
        })
    }

    /// The id of a new ticket.
    pub(super) async fn ticket(&self, subject: &str) -> String {
        self.made(&self.body(subject)).await
    }

    pub(super) async fn made(&self, body: &Value) -> String {
        let made = self.good("POST /tickets/new", body).await;
        made["Uid"].as_str().unwrap().to_owned()
    }

    /// One request; `line` is `METHOD /path` below the first version of the API.
    pub(super) async fn send(&self, line: &str, body: impl ToString) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        self.bench
            .send(&format!("{method} {API}{path}"), body)
            .await
    }

    /// The same under another token.
    pub(super) async fn send_as(&self, token: &str, line: &str, body: impl ToString) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let header = format!("authorization: Bearer {token}\r\n");
        let line = format!("{method} {API}{path}");
        self.bench
            .try_send(&line, &header, &body.to_string())
            .await
            .unwrap()
    }

    /// The answer to a request that must succeed.
    pub(super) async fn good(&self, line: &str, body: impl ToString) -> Value {
        let answer = self.send(line, body).await;
        assert!(answer.status < 300, "{line}: {}", answer.text);
        answer.json()
    }

    /// The status of a request that must fail.
    pub(super) async fn refused(&self, line: &str, body: impl ToString) -> u16 {
        let answer = self.send(line, body).await;
        assert!(answer.status >= 400, "{line}: {}", answer.text);
        assert_eq!(answer.json()["StatusCode"], answer.status);
        answer.status
    }

    pub(super) async fn item(&self, id: &str) -> Value {
        self.good(&format!("GET /tickets/{id}"), "").await["Item"].clone()
    }

    /// The rows of a list.
    pub(super) async fn items(&self, line: &str, body: impl ToString) -> Vec<Value> {
        let list = self.good(line, body).await;
        list["Items"]
            .as_array()
            .unwrap_or_else(|| panic!("{line}: {list}"))
            .clone()
    }

    /// The operations of the audit.
    pub(super) async fn operations(&self) -> Vec<String> {
        let lines = self.bench.audit().await.into_iter();
        lines
            .map(|line| line["operation"].as_str().unwrap().to_owned())
            .collect()
    }
}
