//! For tests: checks what travels between a client and a system against schemas that were written from the contracts
//! alone. `tests/schemas` knows neither the client's code nor the sandbox's, and both are tested with it.
//!
//! Each call has the schema of its answer, and of its request where this client makes the call. A call that has none
//! fails the test that makes it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::{Map, Value};

/// The schemas of one system, and which of them were needed.
pub struct Shapes {
    document: Value,
    compiler: Compiler,
    schemas: Schemas,
    /// The calls whose answers were seen.
    pub answered: BTreeSet<String>,
    /// The calls that were made.
    pub requested: BTreeSet<String>,
    /// What is not of the contract.
    faults: BTreeSet<String>,
}

/// One call as it went over the wire.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// In capitals.
    pub method: String,
    /// Below the system's address: `/v1.0/tickets/…`, `/v1/rest/requests`.
    pub path: String,
    /// The names in the query.
    pub query: Vec<String>,
    /// What was sent; null: nothing.
    pub request: Value,
    /// Of HTTP.
    pub status: u16,
    /// What came, where it was JSON.
    pub answer: Option<Value>,
}

impl Shapes {
    /// The schemas of `incidentiq` or `clearfeed`.
    ///
    /// # Panics
    ///
    /// When there are none of that name.
    pub fn of(system: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/schemas");
        let text = fs::read_to_string(folder.join(format!("{system}.json"))).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut compiler = Compiler::new();
        compiler
            .add_resource("http://contract/it", document.clone())
            .unwrap();
        Self {
            document,
            compiler,
            schemas: Schemas::new(),
            answered: BTreeSet::new(),
            requested: BTreeSet::new(),
            faults: BTreeSet::new(),
        }
    }

    fn calls(&self) -> &Map<String, Value> {
        self.document["calls"].as_object().unwrap()
    }

    /// All calls that have a schema; with `made`, those that this client makes.
    pub fn known(&self, made: bool) -> BTreeSet<String> {
        let calls = self.calls().iter();
        calls
            .filter(|(_, call)| !made || call.get("request").is_some())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The call of a path, in which ids and names stand for parameters: the one with the most pieces of its own.
    fn call(&self, method: &str, path: &str) -> String {
        let pieces: Vec<_> = path.trim_end_matches('/').split('/').collect();
        let own = |name: &str| {
            let (of, template) = name.split_once(' ')?;
            let parts: Vec<_> = template.split('/').collect();
            let fits = |(part, piece): (&&str, &&str)| {
                part.starts_with('{') || part.eq_ignore_ascii_case(piece)
            };
            let is_it =
                of == method && parts.len() == pieces.len() && parts.iter().zip(&pieces).all(fits);
            is_it.then(|| parts.iter().filter(|part| !part.starts_with('{')).count())
        };
        let found = self
            .calls()
            .keys()
            .filter_map(|name| Some((own(name)?, name)));
        let (_, name) = found
            .max()
            .unwrap_or_else(|| panic!("no contract has {method} {path}"));
        name.clone()
    }

    /// Checks an answer.
    pub fn answer(&mut self, method: &str, path: &str, status: u16, body: &Value) {
        let call = self.call(method, path);
        let place = match status {
            200..300 => format!("/calls/{}/answer", escaped(&call)),
            _ => "/$defs/Error".to_owned(),
        };
        self.check(
            &place,
            body,
            &format!("the answer to {method} {path} ({status})"),
        );
        if status < 300 {
            self.answered.insert(call);
        }
    }

    /// Checks what was sent and what came.
    pub fn exchange(&mut self, exchange: &Exchange) {
        let (method, path) = (&exchange.method, &exchange.path);
        let call = self.call(method, path);
        let request = self.calls()[&call].get("request").cloned();
        let Some(request) = request else {
            self.faults.insert(format!(
                "{call} was made, and no schema of its request is there"
            ));
            return;
        };
        let names = request["query"].as_array().unwrap();
        for name in &exchange.query {
            if !names.iter().any(|known| known == name.as_str()) {
                self.faults
                    .insert(format!("{call} has no `{name}` in its query"));
            }
        }
        let place = format!("/calls/{}/request/body", escaped(&call));
        self.check(
            &place,
            &exchange.request,
            &format!("the request {method} {path}"),
        );
        self.requested.insert(call);
        if let Some(answer) = &exchange.answer {
            self.answer(method, path, exchange.status, answer);
        }
    }

    /// Panics with all that is not of the contract.
    pub fn prove(&self) {
        let faults: Vec<_> = self.faults.iter().map(String::as_str).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    }

    fn check(&mut self, pointer: &str, value: &Value, what: &str) {
        let place = format!(
            "http://contract/it#{}",
            pointer
                .replace('{', "%7B")
                .replace('}', "%7D")
                .replace(' ', "%20")
        );
        let schema = self.compiler.compile(&place, &mut self.schemas);
        let schema = schema.unwrap_or_else(|error| panic!("{place}: {error}"));
        if let Err(error) = self.schemas.validate(value, schema) {
            self.faults.insert(format!("{what}: {error:#}\n{value:#}"));
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
