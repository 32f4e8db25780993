//! A client of one request a connection, for the sandbox's own tests: it takes nothing for granted, and sees a
//! connection that was cut.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Config, Sandbox};

/// A sandbox with its client.
pub(super) struct Bench {
    pub(super) sandbox: Sandbox,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// A text as a query bears it: base64 means something else there.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Bench {
    pub(super) async fn start(config: Config) -> Self {
        let config = Config {
            rate: 0.0,
            ..config
        };
        Self::limited(config).await
    }

    pub(super) async fn limited(config: Config) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        Self { sandbox }
    }

    /// One request with the token; `line` is `METHOD /path`, `extra` further header lines.
    pub(super) async fn try_send(&self, line: &str, extra: &str, body: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.sandbox.address()).await?;
        let token = if extra.to_lowercase().contains("authorization") {
            ""
        } else {
            "authorization: Bearer sandbox\r\n"
        };
        let request = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{token}{extra}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, text) = answer
            .split_once("\r\n\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse::<usize>()
                .ok()
        });
        if length.is_some_and(|length| length != text.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            text: text.to_owned(),
        })
    }

    pub(super) async fn send(&self, line: &str, body: impl ToString) -> Answer {
        self.try_send(line, "", &body.to_string()).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "").await
    }

    /// The lines of the audit.
    pub(super) async fn audit(&self) -> Vec<Value> {
        let text = self.get("/_sandbox/audit").await.text;
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
