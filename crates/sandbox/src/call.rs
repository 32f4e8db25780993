//! A request as the emulators see it: the path in pieces, the query and the headers, the body.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use super::reply::Refusal;
use super::route::Parameters;
use super::token::Token;

/// One request.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// The path's pieces, decoded, as written.
    segments: Vec<String>,
    /// The same in lower case.
    lower: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) at: Timestamp,
    /// How long listings do not show what it creates.
    pub(super) hidden: Duration,
    /// Whom it acts as.
    pub(super) token: Token,
    /// The name of what it asks for.
    pub(super) operation: &'static str,
    parameters: Parameters,
}

impl Call {
    pub(super) fn new(
        method: &str,
        path: &str,
        query: Option<&str>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let segments: Vec<String> = path
            .split('/')
            .filter(|piece| !piece.is_empty())
            .map(decode)
            .collect();
        Self {
            method: method.to_owned(),
            lower: segments.iter().map(|piece| piece.to_lowercase()).collect(),
            segments,
            query: url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .map(|(key, value)| (key.to_lowercase(), value.into_owned()))
                .collect(),
            headers,
            body,
            at: Timestamp::now(),
            hidden: Duration::ZERO,
            token: Token::default(),
            operation: "",
            parameters: Vec::new(),
        }
    }

    /// Notes the row that it has found: the operation, and which pieces of the path are the row's parameters,
    /// counted after the system's name.
    pub(super) fn led(&mut self, operation: &'static str, parameters: Parameters) {
        self.operation = operation;
        self.parameters = parameters;
    }

    /// A parameter of the path as written.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let place = self.parameters.iter().find(|(own, _)| *own == name);
        place.map_or("", |(_, place)| self.segment(place + 1))
    }

    /// Lets a parameter of the path be another one.
    pub(super) fn mislead(&mut self, name: &str, value: String) {
        let place = self.parameters.iter().find(|(own, _)| *own == name);
        let segment = place.and_then(|(_, place)| self.segments.get_mut(place + 1));
        if let Some(segment) = segment {
            *segment = value;
        }
    }

    /// The pieces of the path in lower case.
    pub(super) fn path(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }

    /// One piece of the path as written.
    fn segment(&self, index: usize) -> &str {
        self.segments.get(index).map_or("", String::as_str)
    }

    /// A parameter of the query, its name without case.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, repeated or not.
    pub(super) fn queries<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body says that it is JSON, or does not say what it is.
    pub(super) fn bears_json(&self) -> bool {
        self.header("content-type").is_none_or(|kind| {
            let kind = kind.split(';').next().unwrap_or_default();
            let kind = kind.trim().to_ascii_lowercase();
            kind.is_empty() || kind.ends_with("/json") || kind.ends_with("+json")
        })
    }

    /// The body as JSON; an empty body is null.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::new(400, format!("The body is not valid JSON: {error}")))
    }
}

/// Undoes percent encoding; bytes that are no UTF-8 become replacement characters.
fn decode(piece: &str) -> String {
    if !piece.contains('%') {
        return piece.to_owned();
    }
    let bytes = piece.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escape = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = escape {
            decoded.push(byte);
            rest = &tail[2..];
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_come_decoded_and_without_case() {
        let call = Call::new(
            "GET",
            "/IncidentIQ/api/V1.0/Users/by-email/x/a%40b.example/",
            Some("%24s=5&$P=2&id=a&id=b"),
            HeaderMap::new(),
            Bytes::new(),
        );
        assert_eq!(call.path().last(), Some(&"a@b.example"));
        assert_eq!(call.segment(0), "IncidentIQ");
        assert_eq!(call.query("$s"), Some("5"));
        assert_eq!(call.query("$p"), Some("2"));
        assert_eq!(call.queries("id").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(call.json().unwrap(), Value::Null);
    }

    #[test]
    fn a_stray_percent_stays() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%41"), "%zzA");
    }
}
