//! A body being read member by member.

use serde_json::{Map, Value};

use crate::Temper;
use crate::reply::Refusal;

/// A body being read: what is wrong with it is gathered.
pub(super) struct Form<'a> {
    body: &'a Map<String, Value>,
    faults: Vec<(String, String)>,
}

impl<'a> Form<'a> {
    pub(super) fn new(body: &'a Value) -> Result<Self, Refusal> {
        let body = body
            .as_object()
            .ok_or_else(|| Refusal::new(400, "the body must be a JSON object"))?;
        Ok(Self {
            body,
            faults: Vec::new(),
        })
    }

    pub(super) fn fault(&mut self, name: &str, rule: &str) {
        self.faults
            .push((name.to_owned(), format!("{name} {rule}")));
    }

    pub(super) fn at(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn is_null(&self, name: &str) -> bool {
        self.body.get(name).is_some_and(Value::is_null)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        let value = self.at(name)?;
        if !value.is_string() {
            self.fault(name, "must be a string");
        }
        value.as_str()
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<&'a str>> {
        let items = self.at(name)?.as_array();
        let texts = items.and_then(|items| items.iter().map(Value::as_str).collect());
        if texts.is_none() {
            self.fault(name, "each value must be a string");
        }
        texts
    }

    pub(super) fn required(&mut self, name: &str) -> &'a str {
        let is_there = self.at(name).is_some();
        let text = self.text(name).unwrap_or_default();
        if text.trim().is_empty() && (!is_there || self.at(name).is_some_and(Value::is_string)) {
            self.fault(name, "should not be empty");
        }
        text
    }

    /// A framework that knows its members refuses the others; a live system drops them.
    pub(super) fn only(&mut self, known: &[&str], temper: Temper) {
        if temper == Temper::LiveLike {
            return;
        }
        let unknown: Vec<_> = self
            .body
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
            .collect();
        for name in unknown {
            self.faults
                .push((name.clone(), format!("property {name} should not exist")));
        }
    }

    pub(super) fn end(self) -> Result<(), Refusal> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let mut refusal = Refusal::new(400, "Bad Request");
        refusal.fields = self.faults;
        Err(refusal)
    }
}
