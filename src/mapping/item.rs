//! One value on its way through the steps of a field.

use std::borrow::Cow;

use jiff::Zoned;
use jiff::civil::{Date, DateTime};
use serde_json::Value;

use super::text::{plain_json, plain_lines};
use crate::record::{Cell, is_blank};

/// One value: a text, or what the source or the type step made of it. Never an empty cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A number with more digits than the others keep, in decimal: as it is written, without signs of thousands.
    Decimal(String),
    /// Yes or no.
    Bool(bool),
    /// A calendar date.
    Date(Date),
    /// A date and time whose zone is not known.
    DateTime(DateTime),
    /// A moment, in the zone in which people read it.
    Instant(Box<Zoned>),
    /// A date that was written without a time, as the moment at which it begins: no other zone makes another day of it.
    Day(Box<Zoned>),
    /// JSON that is none of the above.
    Json(Value),
}

impl<'a> Item<'a> {
    /// A text that is borrowed.
    pub(crate) fn borrowed(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A number of a workbook.
    pub(crate) fn of_number(number: f64) -> Self {
        whole(number).map_or(Self::Number(number), Self::Integer)
    }

    /// The value of a cell; `None` for an empty one and for a fault.
    pub(crate) fn of(cell: &'a Cell) -> Option<Self> {
        Some(match cell {
            Cell::Text(text) if !is_blank(text) => Self::borrowed(text),
            Cell::Empty | Cell::Fault(_) | Cell::Text(_) => return None,
            Cell::Integer(number) => Self::Integer(*number),
            Cell::Number(number) => Self::of_number(*number),
            Cell::Shown(shown) => Self::borrowed(&shown.text),
            Cell::Bool(value) => Self::Bool(*value),
            Cell::Date(date) => Self::Date(*date),
            Cell::DateTime(at) => Self::DateTime(*at),
            Cell::Time(_) | Cell::Duration(_) => Self::Text(cell.text()),
            Cell::Json(value) => Self::Json(Value::clone(value)),
        })
    }

    /// With lines that end in one way.
    pub(crate) fn with_plain_lines(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(plain_lines(text)),
            Self::Json(mut value) => {
                plain_json(&mut value);
                Self::Json(value)
            }
            other => other,
        }
    }

    /// The value as a person would write it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(Cell::Number(*number).text().into_owned()),
            Self::Decimal(digits) => Cow::Borrowed(digits),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::DateTime(at) => Cow::Owned(Cell::DateTime(*at).text().into_owned()),
            Self::Instant(at) | Self::Day(at) => {
                Cow::Owned(Cell::DateTime(at.datetime()).text().into_owned())
            }
            Self::Json(Value::String(text)) => Cow::Borrowed(text),
            Self::Json(Value::Null) => Cow::Borrowed(""),
            Self::Json(value) => Cow::Owned(value.to_string()),
        }
    }

    /// The text, owned where it already is.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            other => Cow::Owned(other.text().into_owned()),
        }
    }

    /// The value as JSON.
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Integer(number) => Value::from(number),
            Self::Number(number) => Value::from(number),
            Self::Bool(value) => Value::Bool(value),
            Self::Json(value) => value,
            other => Value::String(other.text().into_owned()),
        }
    }

    /// Without a tie to the record.
    pub(crate) fn into_owned(self) -> Item<'static> {
        match self {
            Self::Text(text) => Item::Text(Cow::Owned(text.into_owned())),
            Self::Integer(number) => Item::Integer(number),
            Self::Number(number) => Item::Number(number),
            Self::Decimal(digits) => Item::Decimal(digits),
            Self::Bool(value) => Item::Bool(value),
            Self::Date(date) => Item::Date(date),
            Self::DateTime(at) => Item::DateTime(at),
            Self::Instant(at) => Item::Instant(at),
            Self::Day(at) => Item::Day(at),
            Self::Json(value) => Item::Json(value),
        }
    }
}

/// A workbook's number that is whole and, with at most 15 digits, as it was typed.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}
