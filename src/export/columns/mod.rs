//! The columns of an export: a file that says them, or those that a system has by default, compiled once into a plan
//! that turns a ticket into typed cells.
//!
//! ```text
//! file ─▶ read ─▶ ColumnRule ─▶ Plan ── ticket ─▶ cells
//! defaults ────────────┘
//! ```
//!
//! The file is read like a mapping: every value knows where it stands, and all faults are told at once. `from` and
//! templates name what [`COMMON`] lists, custom fields, and the system's own members.

mod back;
mod default;
mod fields;
mod keys;
mod pattern;
mod plan;
mod read;
mod schema;
mod template;
mod zone;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use fields::{COMMON, CommonField, Kind};
pub use plan::{Column, Plan};
pub use schema::json_schema;
pub use zone::Local;

pub(crate) use fields::{BETWEEN, ask_for, ask_for_all};
pub(crate) use plan::line_ends;
pub(crate) use read::{Found as FoundCustom, NOT_IN_SHEETS, SHEET_LENGTH, find_custom};

/// What stands in one cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'t> {
    /// Nothing.
    Empty,
    /// A text as it stands in the ticket.
    Text(Cow<'t, str>),
    /// A number.
    Number(f64),
    /// Yes or no.
    Truth(bool),
    /// A moment on the clocks of the column's zone.
    Time(Local),
    /// A text that leads to a page.
    Link {
        /// Where it leads to.
        url: Cow<'t, str>,
        /// What is shown.
        text: Cow<'t, str>,
    },
    /// A number that people wrote, in its format; boxed, for it is rare.
    Formatted(Box<Formatted>),
}

/// A number in the format that people gave it: a duration, a share, an amount.
#[derive(Debug, Clone, PartialEq)]
pub struct Formatted {
    /// As it is held; days of a duration.
    pub number: f64,
    /// As spreadsheet programs write it: `[h]:mm`.
    pub format: String,
    /// What is shown.
    pub text: String,
}
