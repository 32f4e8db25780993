//! The records of a JSON document, cut out of its stream without holding more than one of them.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::bounds::{MOST_RECORD, MOST_SAID};
use super::bytes::cannot_read;
use super::flatten;
use super::json::{is_too_long, too_long};
use crate::error::{Error, Result};

/// So many members of a document are named in an error.
const MOST_NAMED: usize = 100;
/// How deep arrays of records are looked for.
const LOOKED_FOR: usize = 6;

/// Cuts the elements of an array out of a JSON document, without holding more than one of them. What is
/// within an element is judged by serde_json; what is around them, here.
pub(super) struct Scan {
    reader: BufReader<Box<dyn Read + Send>>,
    named: Arc<str>,
    peeked: Option<u8>,
    line: u64,
    number: u64,
    /// Whether a record came since the array began.
    has_record: bool,
    /// The member that holds the array; `None`: the document is the array.
    records: Option<String>,
    /// How many objects the array lies in.
    depth: usize,
    /// Whether the records stand one after the other, in no array.
    tells_sequence: bool,
    over: bool,
}

impl Scan {
    pub(super) fn new(reader: BufReader<Box<dyn Read + Send>>, named: Arc<str>) -> Self {
        Self {
            reader,
            named,
            peeked: None,
            line: 1,
            number: 0,
            has_record: false,
            records: None,
            depth: 0,
            tells_sequence: false,
            over: false,
        }
    }

    /// Records that stand one after the other.
    pub(super) fn sequence(reader: BufReader<Box<dyn Read + Send>>, named: Arc<str>) -> Self {
        Self {
            tells_sequence: true,
            ..Self::new(reader, named)
        }
    }

    /// Whether it begins with an object and another one follows.
    pub(super) fn tells_sequence(mut self) -> Result<bool> {
        if self.token()? != Some(b'{') {
            return Ok(false);
        }
        // What is wrong in it is found, and said, when it is read.
        Ok(self.skip(b'{').is_ok() && self.token()? == Some(b'{'))
    }

    /// The members that hold arrays of objects, as `records` names them; none for an array or a sequence.
    pub(super) fn record_members(mut self) -> Result<Vec<String>> {
        match self.token()? {
            Some(b'{') => self.members_with_records(),
            _ => Ok(Vec::new()),
        }
    }

    /// Goes to the first record.
    pub(super) fn enter(&mut self, records: Option<&str>) -> Result<()> {
        self.records = records.map(str::to_owned);
        self.enter_document()
    }

    fn enter_document(&mut self) -> Result<()> {
        let first = self.token()?;
        self.enter_at(first)
    }

    fn enter_at(&mut self, first: Option<u8>) -> Result<()> {
        self.has_record = false;
        self.depth = 0;
        let records = self.records.clone();
        match (first, records.as_deref()) {
            (Some(b'['), None) => Ok(()),
            (Some(b'['), Some(member)) => Err(Error::input(format!(
                "is an array and has no member `{member}`"
            ))
            .at(&self.named)
            .hint("leave `records` out of [input]")),
            (Some(b'{'), Some(member)) => self.enter_member(member),
            (Some(b'{'), None) => Err(self.lone_object()?),
            (Some(byte), _) => {
                self.skip(byte)?;
                self.ended()?;
                Err(Error::input("holds one value and no records").at(&self.named))
            }
            (None, _) => Err(self.invalid("is not valid JSON: it ends too early")),
        }
    }

    /// Goes to the array of a member, which may lie in members of members: `data.tickets`.
    fn enter_member(&mut self, wanted: &str) -> Result<()> {
        self.depth += 1;
        let mut others = Vec::new();
        let mut first = true;
        while let Some((name, byte)) = self.member(first)? {
            first = false;
            if name == wanted {
                if byte == b'[' {
                    return Ok(());
                }
                return Err(
                    Error::input(format!("the member `{wanted}` is not an array")).at(&self.named),
                );
            }
            let inner = wanted
                .strip_prefix(&name)
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(inner) = inner.filter(|_| byte == b'{') {
                return self.enter_member(inner);
            }
            self.skip(byte)?;
            if others.len() < MOST_NAMED {
                others.push(name);
            }
        }
        self.depth -= 1;
        self.leave()?;
        self.ended()?;
        Err(Error::input(format!("has no member `{wanted}`"))
            .at(&self.named)
            .hint(format!("its members are `{}`", others.join("`, `"))))
    }

    /// The error for a document that is one object, which names the members that could be meant.
    fn lone_object(&mut self) -> Result<Error> {
        let members = self.members_with_records()?;
        self.ended()?;
        let error = Error::input("is one object, not an array of records").at(&self.named);
        Ok(match members.as_slice() {
            [] => error.hint("put the records into an array: [{…}, {…}]"),
            members => {
                let keys: Vec<String> = members
                    .iter()
                    .map(|member| format!("records = {}", serde_json::Value::from(member.as_str())))
                    .collect();
                error.hint(format!("add {} to [input]", keys.join(" or ")))
            }
        })
    }

    /// The members of the object that has just begun which hold arrays; those with objects in them where there are any.
    fn members_with_records(&mut self) -> Result<Vec<String>> {
        let (mut arrays, mut filled) = (Vec::new(), Vec::new());
        let mut first = true;
        while let Some((name, byte)) = self.member(first)? {
            first = false;
            match byte {
                b'[' | b'{' => {
                    let value: Outline = self.stream(byte)?;
                    note_arrays(&value, &name, 0, &mut arrays, &mut filled);
                }
                _ => self.skip(byte)?,
            }
        }
        Ok(if filled.is_empty() { arrays } else { filled })
    }

    /// The next member's name and the first byte of its value; `None` behind the closing brace.
    fn member(&mut self, first: bool) -> Result<Option<(String, u8)>> {
        let byte = match (self.token()?, first) {
            (Some(b'}'), _) => return Ok(None),
            (Some(b','), false) => self.token()?,
            (byte, true) => byte,
            (byte, false) => return Err(self.unexpected(byte, "`,` or `}`")),
        };
        if byte != Some(b'"') {
            return Err(self.unexpected(byte, "a member's name in quotes"));
        }
        let literal = self.value(b'"')?;
        let name = flatten::name(&literal).map_err(|why| self.invalid(&why))?;
        match self.token()? {
            Some(b':') => {}
            byte => return Err(self.unexpected(byte, "`:`")),
        }
        match self.token()? {
            Some(byte) => Ok(Some((name, byte))),
            None => Err(self.unexpected(None, "a value")),
        }
    }

    /// The next element of the array.
    pub(super) fn record(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        if self.over {
            return Ok(None);
        }
        let byte = match self.tells_sequence {
            true => match self.token()? {
                None => {
                    self.over = true;
                    return Ok(None);
                }
                byte => byte,
            },
            false => match self.element()? {
                None => return Ok(None),
                byte => byte,
            },
        };
        self.has_record = true;
        match byte {
            None | Some(b',' | b']' | b'}' | b':') => Err(self.unexpected(byte, "a record")),
            Some(byte) => {
                self.number += 1;
                let text = self.value(byte)?;
                match is_too_long(&text) {
                    true => Err(too_long("record", self.number).at(&self.named)),
                    false => Ok(Some((self.number, text))),
                }
            }
        }
    }

    /// The first byte of the next element of the array, or of the next array where several documents stand in one file.
    fn element(&mut self) -> Result<Option<u8>> {
        loop {
            match (self.token()?, self.has_record) {
                (Some(b']'), _) => {
                    self.leave()?;
                    match self.token()? {
                        None => {
                            self.over = true;
                            return Ok(None);
                        }
                        Some(byte @ (b'[' | b'{')) => self.enter_at(Some(byte))?,
                        byte => return Err(self.unexpected(byte, "the end of the file")),
                    }
                }
                (Some(b','), true) => return self.token().map(|byte| byte.or(Some(b','))),
                (Some(byte), false) => return Ok(Some(byte)),
                (None, false) => return Err(self.unexpected(None, "a record")),
                (byte, true) => return Err(self.unexpected(byte, "`,` or `]`")),
            }
        }
    }

    /// Behind the array: the rest of the objects that it lies in.
    fn leave(&mut self) -> Result<()> {
        for _ in 0..self.depth {
            while let Some((_, byte)) = self.member(false)? {
                self.skip(byte)?;
            }
        }
        Ok(())
    }

    fn ended(&mut self) -> Result<()> {
        match self.token()? {
            None => Ok(()),
            byte => Err(self.unexpected(byte, "the end of the file")),
        }
    }

    /// Goes behind a value that is no record, however long it is.
    fn skip(&mut self, first: u8) -> Result<()> {
        if matches!(first, b'"' | b'[' | b'{') {
            return self.stream::<IgnoredAny>(first).map(drop);
        }
        let value = self.value(first)?;
        flatten::check(&value).map_err(|why| self.invalid(&why))
    }

    /// What is made of a text, an array or an object while it goes by.
    fn stream<T: for<'de> Deserialize<'de>>(&mut self, first: u8) -> Result<T> {
        let mut bytes = OneByOne {
            scan: self,
            first: Some(first),
            failed: None,
        };
        let made = T::deserialize(&mut serde_json::Deserializer::from_reader(&mut bytes));
        match bytes.failed.take() {
            Some(error) => Err(error),
            None => made.map_err(|error| self.invalid(&flatten::invalid(error))),
        }
    }

    /// The text of the value that begins with this byte, as far as its brackets and quotes reach.
    fn value(&mut self, first: u8) -> Result<Vec<u8>> {
        let mut text = vec![first];
        let mut depth = usize::from(matches!(first, b'{' | b'['));
        let mut quoted = first == b'"';
        let scalar = depth == 0 && !quoted;
        while scalar || depth > 0 || quoted {
            let Some(byte) = self.byte()? else {
                if scalar {
                    break;
                }
                return Err(self.invalid("is not valid JSON: a bracket or a quote is never closed"));
            };
            if scalar && matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') {
                self.peeked = Some(byte);
                break;
            }
            text.push(byte);
            match byte {
                b'\\' if quoted => text.extend(self.byte()?),
                b'"' => quoted = !quoted && !scalar,
                b'{' | b'[' if !quoted && !scalar => depth += 1,
                b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            if text.len() > MOST_RECORD + MOST_SAID {
                return Err(too_long("record", self.number).at(&self.named));
            }
        }
        Ok(text)
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Result<Option<u8>> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                other => return Ok(other),
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(byte) = self.peeked.take() {
            return Ok(Some(byte));
        }
        let buffer = self
            .reader
            .fill_buf()
            .map_err(|error| cannot_read(&self.named, error))?;
        let Some(&byte) = buffer.first() else {
            return Ok(None);
        };
        self.reader.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    fn unexpected(&self, found: Option<u8>, expected: &str) -> Error {
        match found {
            Some(byte) if byte.is_ascii_graphic() => self.invalid(&format!(
                "is not valid JSON: `{}` stands where {expected} should be",
                char::from(byte)
            )),
            Some(_) => self.invalid(&format!("is not valid JSON: {expected} is missing")),
            None => self.invalid(&format!(
                "is not valid JSON: it ends where {expected} should be"
            )),
        }
    }

    fn invalid(&self, why: &str) -> Error {
        Error::input(why)
            .at(format!("{}, line {}", self.named, self.line))
            .hint("look whether the export was cut short")
    }
}

/// The bytes of a value for who reads it while it goes by.
struct OneByOne<'s> {
    scan: &'s mut Scan,
    first: Option<u8>,
    failed: Option<Error>,
}

impl Read for OneByOne<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(room) = out.first_mut() else {
            return Ok(0);
        };
        let next = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.scan.byte(),
        };
        match next {
            Ok(Some(byte)) => {
                *room = byte;
                Ok(1)
            }
            Ok(None) => Ok(0),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("the file cannot be read"))
            }
        }
    }
}

/// Where a value has arrays.
enum Outline {
    Other,
    Array { has_objects: bool },
    Object(Vec<(String, Outline)>),
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(value: D) -> std::result::Result<Self, D::Error> {
        value.deserialize_any(OutlineOf)
    }
}

struct OutlineOf;

impl<'de> Visitor<'de> for OutlineOf {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_unit<E>(self) -> std::result::Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Outline, A::Error> {
        let mut has_objects = false;
        while let Some(item) = items.next_element::<Outline>()? {
            has_objects |= matches!(item, Outline::Object(_));
        }
        Ok(Outline::Array { has_objects })
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut members: A,
    ) -> std::result::Result<Outline, A::Error> {
        let mut named = Vec::new();
        while let Some((name, value)) = members.next_entry::<String, Outline>()? {
            // An object that is a table has a member for each of its rows.
            if !matches!(value, Outline::Other) && named.len() < MOST_NAMED {
                named.push((name, value));
            }
        }
        Ok(Outline::Object(named))
    }
}

/// Notes the arrays within a value by their paths: all of them, and those that hold objects.
fn note_arrays(
    value: &Outline,
    path: &str,
    depth: usize,
    arrays: &mut Vec<String>,
    filled: &mut Vec<String>,
) {
    match value {
        Outline::Array { has_objects } if arrays.len() < MOST_NAMED => {
            arrays.push(path.to_owned());
            if *has_objects {
                filled.push(path.to_owned());
            }
        }
        Outline::Object(members) if depth < LOOKED_FOR => {
            for (name, value) in members {
                note_arrays(value, &format!("{path}.{name}"), depth + 1, arrays, filled);
            }
        }
        _ => {}
    }
}
