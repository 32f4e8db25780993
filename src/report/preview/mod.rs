//! What a dry run would make, as people know it: names in place of ids, whole texts, the cell that each value came from,
//! and what a field took because its cell did not fit. The first tickets on the terminal, all of them as a workbook or a
//! page (`--preview FILE`): the sheet that somebody approves.

mod html;
mod text;
mod xlsx;

use std::path::Path;
use std::sync::Arc;

use super::texts::Texts;
use crate::error::{Error, Fault, Result};
use crate::event::{End, Fallback, RowEnd, Skip, UnfitBy};
use crate::mapping::{BoundPlan, ShownField};
use crate::outfile::{self, Draft, Readers, Records};
use crate::record::{Place, Record};
use crate::source::Table;
use crate::systems::Ticket;
use crate::systems::diff::{Deed, deeds};
use crate::unicode::shown;

/// So many tickets are shown on the terminal.
pub(crate) const SHOWN: usize = 10;

/// One row of the input with the ticket that would be made of it.
#[derive(Debug)]
struct Card {
    /// Where it stands: of several rows the first.
    place: Place,
    /// The number of its table in the input.
    table: usize,
    /// As they were read; none of what is skipped.
    rows: Vec<Record>,
    outcome: Outcome,
    fields: Vec<ShownField>,
    fallbacks: Vec<Fallback>,
    faults: Vec<Fault>,
    then: Vec<Deed>,
}

/// What would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// In words: `would be created`.
    Good(String),
    /// Nothing, and that is as it should be: why.
    Skipped(String),
    /// Nothing: why.
    Bad(String),
}

impl Outcome {
    fn text(&self) -> &str {
        let (Self::Good(text) | Self::Skipped(text) | Self::Bad(text)) = self;
        text
    }
}

/// The preview of a dry run.
pub(crate) struct Preview {
    plan: Arc<BoundPlan>,
    tables: Vec<Table>,
    most: usize,
    shown: Vec<Card>,
    file: Option<File>,
}

impl std::fmt::Debug for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preview").finish_non_exhaustive()
    }
}

struct File {
    path: std::path::PathBuf,
    records: Records,
    writer: Writer,
}

enum Writer {
    Workbook(Box<xlsx::Workbook>),
    Page(Box<html::Page>),
}

/// What a file of a preview is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Workbook,
    Page,
    /// The requests, one a line.
    Requests,
}

impl Form {
    /// The form that a name asks for.
    ///
    /// # Errors
    /// A usage error for any other name.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.to_lowercase().as_str() {
            "xlsx" => Ok(Self::Workbook),
            "html" | "htm" => Ok(Self::Page),
            "jsonl" | "ndjson" => Ok(Self::Requests),
            _ => Err(Error::usage("no preview is written under such a name")
                .at(path.display())
                .hint("name a file that ends in .xlsx (a sheet), .html (a page) or .jsonl (the requests)")),
        }
    }
}

impl Preview {
    /// Shows the first so many.
    pub(crate) fn new(plan: Arc<BoundPlan>, tables: &[Table], most: usize) -> Self {
        Self {
            plan,
            tables: tables.to_vec(),
            most,
            shown: Vec::new(),
            file: None,
        }
    }

    /// Writes all of them to a file besides; `about` says what it is, a line each.
    ///
    /// # Errors
    /// When the folder takes none.
    pub(crate) fn into_file(
        mut self,
        path: &Path,
        form: Form,
        about: &[String],
        (readers, records): (Readers, Records),
    ) -> Result<Self> {
        let unwritable = |error| outfile::unwritable(path, error);
        let draft = || Draft::beside(path, readers).map_err(unwritable);
        let writer = match form {
            Form::Workbook => {
                let texts = Texts::new(outfile::folder(path), readers);
                let book = xlsx::Workbook::start(&self.plan, &self.tables, about, texts, draft()?)?;
                Some(Writer::Workbook(Box::new(book)))
            }
            Form::Page => Some(Writer::Page(Box::new(
                html::Page::start(about, draft()?).map_err(unwritable)?,
            ))),
            Form::Requests => None,
        };
        self.file = writer.map(|writer| File {
            path: path.to_owned(),
            records,
            writer,
        });
        Ok(self)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add(&mut self, row: &RowEnd) -> Result<()> {
        let is_shown = self.shown.len() < self.most && is_good(&row.end);
        if !is_shown && self.file.is_none() {
            return Ok(());
        }
        let Some(card) = self.card(row) else {
            return Ok(());
        };
        if let Some(file) = &mut self.file {
            match &mut file.writer {
                Writer::Workbook(book) => book.add(&card)?,
                Writer::Page(page) => page
                    .add(&card, &self.tables)
                    .map_err(|error| outfile::unwritable(&file.path, error))?,
            }
        }
        if is_shown {
            self.shown.push(card);
        }
        Ok(())
    }

    fn card(&self, row: &RowEnd) -> Option<Card> {
        let mut card = Card {
            place: row.place.clone(),
            table: self.table_of(row)?,
            rows: row.rows.clone(),
            outcome: self.outcome(&row.end)?,
            fields: Vec::new(),
            fallbacks: Vec::new(),
            faults: Vec::new(),
            then: Vec::new(),
        };
        match &row.end {
            End::Ready {
                updates,
                payloads,
                fallbacks,
                untied,
                ..
            } => {
                if let Some(key) = row.key.as_ref().filter(|_| !row.rows.is_empty()) {
                    let plan = &self.plan;
                    card.fields = plan.shown(&row.rows, key, *updates, fallbacks, untied);
                }
                card.then = deeds(self.plan.plan().schema(), payloads);
                card.fallbacks.clone_from(fallbacks);
                card.faults.clone_from(untied);
            }
            End::Rejected(faults) => card.faults.clone_from(faults),
            _ => {}
        }
        Some(card)
    }

    /// The number of the table in which a row stands.
    fn table_of(&self, row: &RowEnd) -> Option<usize> {
        let is_its = |table: &Table| table.file == row.place.file && table.sheet == row.place.sheet;
        let first = row.rows.first().map(|record| record.table);
        first.or_else(|| self.tables.iter().position(is_its))
    }

    fn outcome(&self, end: &End) -> Option<Outcome> {
        let number = |ticket: &Ticket| ticket.number.clone().unwrap_or_else(|| ticket.id.clone());
        Some(match end {
            End::Ready { updates: true, .. } => Outcome::Good("would be updated".to_owned()),
            End::Ready { known: true, .. } => {
                Outcome::Good("is there; what is open would be done".to_owned())
            }
            End::Ready { .. } => {
                let operation = self.plan.plan().operation();
                Outcome::Good(format!("would be {}", operation.done()))
            }
            End::Rejected(_) => Outcome::Bad("rejected".to_owned()),
            End::InDoubt { .. } => Outcome::Bad("in doubt".to_owned()),
            End::Skipped(Skip::DoneBefore { ticket }) => {
                Outcome::Skipped(format!("done before: ticket {}", number(ticket)))
            }
            End::Skipped(Skip::Changed { ticket, .. }) => Outcome::Bad(format!(
                "not sent: the row changed since it made ticket {}",
                number(ticket)
            )),
            End::Skipped(Skip::Repeated { first }) => {
                Outcome::Skipped(format!("the same as row {}", first.row))
            }
            End::Skipped(Skip::Unedited) => Outcome::Skipped("unchanged".to_owned()),
            End::Skipped(Skip::Conflict) => Outcome::Bad("in conflict with the desk".to_owned()),
            End::Skipped(Skip::ByHand) => Outcome::Skipped("settled by hand".to_owned()),
            End::Skipped(Skip::ByMapping { reason }) => {
                Outcome::Skipped(format!("left out by the mapping: {reason}"))
            }
            _ => return None,
        })
    }

    /// The first of them as text for a terminal that is so wide.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        text::render(&self.shown, &self.tables, width)
    }

    /// Ends the file; a line where another file steps aside for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn finish(&mut self) -> Result<Vec<String>> {
        let Some(file) = self.file.take() else {
            return Ok(Vec::new());
        };
        let path = file.path;
        let unwritable = |error| outfile::unwritable(&path, error);
        let (draft, texts) = match file.writer {
            Writer::Workbook(book) => {
                let (draft, texts) = book.finish()?;
                (draft, Some(texts))
            }
            Writer::Page(page) => (page.finish().map_err(unwritable)?, None),
        };
        let whole = draft.whole().map_err(unwritable)?;
        let placed = whole.place(&path, &file.records).map_err(unwritable)?;
        let mut notes: Vec<String> = placed.note("a dry run").into_iter().collect();
        if let Some(texts) = texts {
            notes.extend(texts.place(&placed.path).map_err(unwritable)?);
        }
        Ok(notes)
    }
}

fn is_good(end: &End) -> bool {
    // How a ticket would change is shown when it was read.
    matches!(end, End::Ready { payloads, diff: None, .. } if !payloads.is_empty())
}

/// Why a field took something else than its cell says.
fn fell_back(fallback: &Fallback) -> String {
    let took = match &fallback.took {
        Some(took) => format!("took {}", shown(took.clone())),
        None => "left out".to_owned(),
    };
    let Some(word) = &fallback.word else {
        return format!("{took} instead");
    };
    let text = shown(word.text.clone());
    let why = match word.by {
        UnfitBy::Map => format!("`map` does not have `{text}`"),
        UnfitBy::Lookup => format!("the table of `lookup` does not have `{text}`"),
        UnfitBy::Names => format!("nothing is called `{text}`"),
        UnfitBy::Ambiguous => format!("several are called `{text}`"),
        UnfitBy::Within => format!("`within` names an empty field for `{text}`"),
    };
    match fallback.took.as_deref() == Some(&word.text) {
        true => format!("kept as it is: {why}"),
        false => format!("{took}: {why}"),
    }
}

/// A fault of a row for people: where, what, what to do.
fn told(fault: &Fault) -> String {
    let about = fault.field.as_deref().or(fault.column.as_deref());
    let about = about.map(|about| format!("{about}: ")).unwrap_or_default();
    let hint = fault.hint.as_deref().map(|hint| format!(" ({hint})"));
    format!("{about}{}{}", fault.message, hint.unwrap_or_default())
}

/// What would be done on the ticket besides its fields.
fn deed(deed: &Deed) -> String {
    match &deed.text {
        Some(text) => format!("{}: {text}", deed.call.replace('_', " ")),
        None => deed.call.replace('_', " "),
    }
}
