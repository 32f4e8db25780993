//! A body being read member by member, its faults gathered.

use serde_json::{Map, Value};

use super::member;
use crate::guid::Guid;
use crate::incidentiq::book::{Book, Kind};
use crate::reply::Refusal;

/// A body being read: what is wrong with it is gathered, not told at the first fault.
pub(super) struct Form<'a> {
    pub(super) book: &'a Book,
    pub(super) body: &'a Map<String, Value>,
    /// Wrong in form: 400.
    pub(super) bad: Vec<(String, String)>,
    /// Wrong in sense: 422.
    pub(super) wrong: Vec<(String, String)>,
}

impl<'a> Form<'a> {
    /// A form of an object.
    pub(super) fn new(book: &'a Book, body: &'a Value) -> Result<Self, Refusal> {
        let body = body
            .as_object()
            .ok_or_else(|| Refusal::new(400, "A request body of type object is required."))?;
        Ok(Self {
            book,
            body,
            bad: Vec::new(),
            wrong: Vec::new(),
        })
    }

    /// A member: absent, null, or there.
    pub(super) fn at(&self, name: &str) -> Option<Option<&'a Value>> {
        let value = member(self.body, name)?;
        Some(Some(value).filter(|value| !value.is_null()))
    }

    fn typed<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(value) = self.at(name)? else {
            return Some(None);
        };
        let read = read(value);
        if read.is_none() {
            let message = format!("Error converting value {value} to type {what}.");
            self.bad.push((name.to_owned(), message));
            return None;
        }
        Some(read)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Option<&'a str>> {
        self.typed(name, "'System.String'", Value::as_str)
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.typed(name, "'System.Boolean'", Value::as_bool)
            .flatten()
    }

    pub(super) fn integer(&mut self, name: &str) -> Option<i64> {
        self.typed(name, "'System.Int32'", Value::as_i64).flatten()
    }

    pub(super) fn list(&mut self, name: &str) -> Option<&'a [Value]> {
        self.typed(name, "'System.Collections.Generic.List`1'", |value| {
            value.as_array().map(Vec::as_slice)
        })
        .flatten()
    }

    /// An id; the zero id is none.
    pub(super) fn guid(&mut self, name: &str) -> Option<Option<Guid>> {
        let id = self.typed(name, "'System.Guid'", |value| {
            value.as_str()?.parse::<Guid>().ok()
        })?;
        Some(id.filter(|id| *id != Guid::ZERO))
    }

    /// Where the thing of an id stands; the zero id is none.
    pub(super) fn reference(
        &mut self,
        name: &str,
        kind: Kind,
        what: &str,
    ) -> Option<Option<usize>> {
        let Some(id) = self.guid(name)? else {
            return Some(None);
        };
        let place = self.book.find(kind, id);
        if place.is_none() {
            self.wrong
                .push((name.to_owned(), format!("{what} {id} does not exist.")));
            return None;
        }
        Some(place)
    }

    pub(super) fn refuse_if_bad(self) -> Result<(), Refusal> {
        let status = match (self.bad.is_empty(), self.wrong.is_empty()) {
            (true, true) => return Ok(()),
            (false, _) => 400,
            (true, false) => 422,
        };
        let mut refusal = Refusal::new(status, "One or more validation errors occurred.");
        refusal.fields = self.bad;
        refusal.fields.extend(self.wrong);
        Err(if status == 422 {
            refusal.listed()
        } else {
            refusal
        })
    }
}
