//! How a dry run would change tickets, ticket by ticket, as it is found out: lines for people, the elements of a list for
//! programs.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::event::RowEnd;
use crate::systems::diff::Diff;

/// So many characters of a text are shown.
const CUT: usize = 60;

/// What of a row would change, as lines for people.
pub fn lines(place: &str, diff: &Diff) -> String {
    let ticket = &diff.ticket;
    let mut text = format!(
        "{place}   ticket {}",
        ticket.number.as_ref().unwrap_or(&ticket.id)
    );
    let width = diff.fields.iter().map(|one| one.field.chars().count());
    let width = width.max().unwrap_or(0);
    for one in &diff.fields {
        let now = match &one.not_shown {
            Some(why) => format!("(cannot be read: {why})"),
            None => shown(one.now.as_deref()),
        };
        let would_be = shown(one.would_be.as_deref());
        let _ = write!(text, "\n      {:<width$}   {now} → {would_be}", one.field);
    }
    for deed in &diff.then {
        let _ = write!(text, "\n      + {}", deed.call);
        if deed.text.is_some() {
            let _ = write!(text, ": {}", shown(deed.text.as_deref()));
        }
    }
    text
}

fn shown(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "(nothing)".to_owned();
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.chars().count() > CUT {
        true => line.chars().take(CUT - 1).chain(['…']).collect(),
        false => line,
    }
}

/// The list for programs: the first member of the summary's document, written as it comes, so that a long one needs no
/// memory.
#[derive(Debug, Default)]
pub struct DiffList {
    begun: bool,
}

impl DiffList {
    /// Writes one row.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn add(&mut self, row: &RowEnd, diff: &Diff) -> Result<()> {
        let before = if self.begun { ",\n" } else { "{\"diff\":[\n" };
        self.begun = true;
        let line = json!({
            "file": &*row.place.file, "sheet": row.place.sheet.as_deref(), "row": row.place.row,
            "key": row.key.as_ref().map(|key| key.as_str()), "ticket": diff.ticket, "fields": diff.fields,
            "then": diff.then,
        });
        write!(io::stdout().lock(), "{before}{line}").map_err(failed)
    }

    /// The text that closes the list and goes on with the members of `summary`.
    pub fn close(&self, summary: &Value) -> String {
        let summary = summary.to_string();
        let rest = summary.strip_prefix('{').unwrap_or(&summary);
        match self.begun {
            true => format!("\n],{rest}"),
            false => format!("{{\"diff\":[],{rest}"),
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::machine("cannot write to standard output").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::Ticket;
    use crate::systems::diff::{Deed, Difference};

    #[test]
    fn a_ticket_has_a_line_for_each_field() {
        let one = |field: &str, now: Option<&str>, would_be: Option<&str>| Difference {
            field: field.to_owned(),
            now: now.map(str::to_owned),
            would_be: would_be.map(str::to_owned),
            not_shown: None,
        };
        let long = "word ".repeat(30);
        let diff = Diff {
            ticket: Ticket {
                number: Some("10023".to_owned()),
                ..Ticket::default()
            },
            fields: vec![
                one("Subject", Some("Printer"), Some(&long)),
                one("SlaId", Some("Gold"), None),
                Difference {
                    not_shown: Some("ClearFeed shows no tags".to_owned()),
                    ..one("tags", None, Some("vip"))
                },
            ],
            then: vec![
                Deed {
                    call: "comment".to_owned(),
                    text: Some("Moved from the old desk".to_owned()),
                },
                Deed {
                    call: "close".to_owned(),
                    text: None,
                },
            ],
        };
        insta::assert_snapshot!(lines("in.csv:2", &diff), @r"
        in.csv:2   ticket 10023
              Subject   Printer → word word word word word word word word word word word word…
              SlaId     Gold → (nothing)
              tags      (cannot be read: ClearFeed shows no tags) → vip
              + comment: Moved from the old desk
              + close
        ");
    }
}
