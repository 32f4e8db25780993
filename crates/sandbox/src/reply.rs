//! What goes back: an answer, or the reason of a refusal that each system words in its own way.

use serde::Serialize;

/// An answer before it becomes HTTP.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// JSON, unspaced.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            content_type: "application/json; charset=utf-8".to_owned(),
            body: serde_json::to_vec(body).expect("the sandbox's own answers are JSON"),
            headers: Vec::new(),
        }
    }

    /// JSON lines or plain text.
    pub(super) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type: content_type.to_owned(),
            body: body.into_bytes(),
            headers: Vec::new(),
        }
    }

    /// Bytes of any type.
    pub(super) fn bytes(content_type: &str, body: &[u8]) -> Self {
        Self {
            status: 200,
            content_type: content_type.to_owned(),
            body: body.to_vec(),
            headers: Vec::new(),
        }
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Which of IncidentIQ's two shapes of `Errors` a refusal takes (contract incidentiq §17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Field → messages, with 400.
    Map,
    /// A list of field and message, with 422 (or 400).
    List,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) shape: Shape,
    /// The word by which a program knows the reason.
    pub(super) key: Option<&'static str>,
}

impl Refusal {
    /// A refusal of the whole request.
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            fields: Vec::new(),
            shape: Shape::Map,
            key: None,
        }
    }

    /// A refusal for one field.
    pub(super) fn field(status: u16, field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(status, "One or more validation errors occurred.");
        refusal.fields.push((field.into(), message.into()));
        refusal
    }

    /// The same with a word for programs.
    pub(super) fn with_key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// Everything that it says, in one line.
    pub(super) fn told(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|(field, message)| format!("{field}: {message}"));
        match self.fields.is_empty() {
            true => self.message.clone(),
            false => fields.collect::<Vec<_>>().join(" "),
        }
    }

    /// The same as a list.
    pub(super) fn listed(mut self) -> Self {
        self.shape = Shape::List;
        self
    }

    /// A refusal because of a rule of the whole body, told under its field, in the documents' usual shape.
    pub(super) fn bad(field: &str, message: impl Into<String>) -> Self {
        Self::field(400, field, message)
    }

    /// A path that is not there.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} was not found."))
    }
}

/// What a handler comes to.
pub(super) type Answer = Result<Reply, Refusal>;
