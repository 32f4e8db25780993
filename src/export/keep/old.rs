//! An earlier file, its columns told apart, its rows read.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::LONGEST_PROPERTY;
use super::look::Look;
use super::{COMMENTS, EARLIER, Row, Value};
use crate::error::{Error, Result};
use crate::export::columns::Plan;
use crate::record::{Cell, fold};
use crate::source::{self, Input, InputOptions, SheetChoice, SheetName};

/// An earlier file that can be replaced.
pub(super) struct Old {
    input: Option<Input>,
    /// The columns that we wrote, folded; empty: those of the plan.
    ours: Vec<String>,
    /// Of the column of the tickets' ids.
    key: String,
}

/// Looks into an earlier file, where it is a workbook. `is_replaced`: it is to be written over.
///
/// # Errors
/// Why it must not be replaced, or cannot be read.
pub(super) fn look(path: &Path, plan: &Plan, is_replaced: bool) -> Result<Option<Look>, String> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    if !extension.is_some_and(|extension| matches!(extension.as_str(), "xlsx" | "xlsm")) {
        return Ok(None);
    }
    let look = Look::at(path)?;
    if is_replaced {
        if let Some(what) = look.more {
            return Err(format!("it holds {what}"));
        }
        let known = known_sheets(&look, plan);
        let is_ours = |sheet: &&String| {
            known.contains(sheet)
                || look.made.contains(sheet)
                || sheet.starts_with(crate::export::baseline::SHEET)
                || (*sheet == COMMENTS && (look.rows.is_empty() || look.rows.contains(sheet)))
        };
        if let Some(sheet) = look.sheets.iter().find(|sheet| !is_ours(sheet)) {
            return Err(format!("it has a sheet `{sheet}` that is not ours"));
        }
    }
    Ok(Some(look))
}

/// Whether a file bears a mark of ours: the properties of a workbook; else the column of the tickets' ids, with half of the
/// plan's other headings.
pub(super) fn is_ours(path: &Path, plan: &Plan) -> bool {
    let look = match look(path, plan, false) {
        Ok(Some(look)) if look.is_ours => return true,
        Ok(look) => look,
        Err(_) => return false,
    };
    let known = look.as_ref().map(|look| known_sheets(look, plan));
    let options = InputOptions {
        sheet: match known {
            Some(known) if known.is_empty() => return false,
            Some(known) => SheetChoice::These(known.into_iter().map(SheetName::Name).collect()),
            None => SheetChoice::First,
        },
        guarded: source::Guards::Ours,
        ..InputOptions::default()
    };
    let input = match Input::open(&[path.to_path_buf()], &options) {
        Ok(input) => input,
        // A table without tickets is what an export may have been, and nothing is lost with it.
        Err(error) => return error.message().ends_with("no rows"),
    };
    let columns = plan.columns();
    let has =
        |table: &source::Table, at: usize| table.header.position(&columns[at].heading).is_some();
    input.tables().iter().any(|table| {
        let found = (0..columns.len()).filter(|&at| has(table, at)).count();
        plan.key().is_none_or(|key| has(table, key)) && found * 2 >= columns.len()
    })
}

/// Opens an earlier file.
///
/// # Errors
/// Within: why it must not be replaced, or cannot be read.
pub(super) fn open(path: &Path, plan: &Plan, is_replaced: bool) -> Result<Result<Old, String>> {
    let look = match look(path, plan, is_replaced) {
        Ok(look) => look,
        Err(why) => return Ok(Err(why)),
    };
    let is_workbook = look.is_some();
    let look = look.unwrap_or_default();
    let Some(key) = plan.key() else {
        let why = "the columns name no ticket, so that nothing people wrote beside one can be kept: add a column `from = \"id\"`";
        return Ok(Err(why.to_owned()));
    };
    let key = plan.columns()[key].heading.clone();
    let known = known_sheets(&look, plan);
    let sheets = known.iter().filter(|sheet| look.sheets.contains(sheet));
    let options = InputOptions {
        sheet: match is_workbook {
            true => {
                SheetChoice::These(sheets.map(|sheet| SheetName::Name(sheet.clone())).collect())
            }
            false => SheetChoice::First,
        },
        guarded: source::Guards::Ours,
        ..InputOptions::default()
    };
    let input = match Input::open(&[path.to_path_buf()], &options) {
        Ok(input) => Some(input),
        // A table without tickets is what an export may have been.
        Err(error) if error.message().ends_with("no rows") => None,
        Err(error) => {
            return Ok(Err(format!(
                "it cannot be read as a table ({})",
                error.message()
            )));
        }
    };
    let old = Old {
        ours: look.columns.iter().map(|heading| fold(heading)).collect(),
        key,
        input,
    };
    let tables = old.input.as_ref().map(Input::tables).unwrap_or_default();
    if !tables.is_empty()
        && !tables
            .iter()
            .any(|table| table.header.position(&old.key).is_some())
    {
        return Ok(Err(format!(
            "it has no column `{}`, so it is none of ours",
            old.key
        )));
    }
    if is_replaced && is_workbook {
        for table in tables {
            let sheet = table.sheet.as_deref().unwrap_or_default();
            let layout = old.layout(table, plan, &mut Vec::new());
            let people: Vec<u32> = layout.people().collect();
            if !people.is_empty() && source::has_formulas(path, sheet, &people)? {
                return Ok(Err(
                    "people's columns have formulas in them, which would be lost".to_owned(),
                ));
            }
        }
    }
    Ok(Ok(old))
}

/// The rows of an earlier file of ours, where it can be read.
pub(super) fn rows_of(path: &Path, plan: &Plan) -> Option<Input> {
    let look = look(path, plan, false).ok()?;
    let sheet = match &look {
        None => SheetChoice::First,
        Some(look) => {
            let known = known_sheets(look, plan).into_iter();
            SheetChoice::These(
                known
                    .filter(|sheet| look.sheets.contains(sheet))
                    .map(SheetName::Name)
                    .collect(),
            )
        }
    };
    let options = InputOptions {
        sheet,
        guarded: source::Guards::Ours,
        ..InputOptions::default()
    };
    Input::open(&[path.to_path_buf()], &options).ok()
}

/// The sheets with rows of tickets.
fn known_sheets(look: &Look, plan: &Plan) -> Vec<String> {
    if !look.rows.is_empty() {
        return look
            .rows
            .iter()
            .filter(|sheet| *sheet != COMMENTS)
            .cloned()
            .collect();
    }
    let is_ours = |sheet: &&String| {
        let rest = sheet.strip_prefix(plan.sheet.as_str());
        let is_further = |rest: &str| {
            rest.strip_prefix(' ')
                .is_some_and(|number| number.parse::<u32>().is_ok())
        };
        *sheet == EARLIER || rest.is_some_and(|rest| rest.is_empty() || is_further(rest))
    };
    look.sheets.iter().filter(is_ours).cloned().collect()
}

/// Where the columns of a table go.
struct Layout {
    key: usize,
    /// By column of the table: its place in a row of ours.
    places: Vec<Option<usize>>,
    /// Which of these places are people's.
    is_people: Vec<bool>,
}

impl Layout {
    /// People's columns, by their numbers in the table.
    fn people(&self) -> impl Iterator<Item = u32> + '_ {
        let places = (0..).zip(&self.places);
        places
            .filter(|(_, place)| place.is_some_and(|place| self.is_people[place]))
            .map(|(at, _)| at)
    }
}

impl Old {
    /// Whether we wrote a column of that heading.
    fn has_written(&self, heading: &str) -> bool {
        // A property holds no more of it.
        let cut: String = heading.chars().take(LONGEST_PROPERTY).collect();
        self.ours.contains(&fold(&cut))
    }

    /// The heading under which a column of people goes on that we did not write, where the plan fills one of its name now.
    fn kept_heading(&self, heading: &str, plan: &Plan) -> Option<String> {
        let own = plan.columns();
        let is_planned = |heading: &str| {
            let mut own = own.iter().filter(|column| !column.is_by_hand());
            own.any(|column| fold(&column.heading) == fold(heading))
        };
        if self.ours.is_empty() || self.has_written(heading) || !is_planned(heading) {
            return None;
        }
        let mut kept = format!("{heading} (kept)");
        while own
            .iter()
            .any(|column| fold(&column.heading) == fold(&kept))
        {
            kept.push_str(" (kept)");
        }
        Some(kept)
    }

    /// Columns of people that go on under another heading, with that.
    pub(super) fn renamed(&self, plan: &Plan) -> Vec<(String, String)> {
        let tables = self.input.as_ref().map(Input::tables).unwrap_or_default();
        let headings = tables.iter().flat_map(|table| table.header.written());
        let mut renamed: Vec<(String, String)> = headings
            .filter_map(|heading| Some((heading.clone(), self.kept_heading(heading, plan)?)))
            .collect();
        renamed.sort();
        renamed.dedup();
        renamed
    }

    /// Tells the columns of a table apart; people's are added to `headings`.
    fn layout(&self, table: &source::Table, plan: &Plan, headings: &mut Vec<String>) -> Layout {
        let own = plan.columns();
        let key = table.header.position(&self.key).unwrap_or(usize::MAX);
        let mut used = vec![false; own.len()];
        let mut met: Vec<bool> = vec![false; headings.len()];
        let mut places = Vec::with_capacity(table.header.len());
        for heading in table.header.written() {
            let renamed = self.kept_heading(heading, plan);
            let heading = renamed.as_ref().unwrap_or(heading);
            let planned = own
                .iter()
                .position(|column| fold(&column.heading) == fold(heading));
            let planned = planned.filter(|at| !std::mem::replace(&mut used[*at], true));
            let was_ours = planned.is_none() && self.has_written(heading);
            places.push(match planned {
                Some(at) => Some(at),
                // A column of ours that the plan no longer has.
                None if was_ours => None,
                None => {
                    let known = (0..headings.len())
                        .find(|&at| !met[at] && fold(&headings[at]) == fold(heading));
                    let at = known.unwrap_or_else(|| {
                        headings.push(heading.clone());
                        met.push(false);
                        headings.len() - 1
                    });
                    met[at] = true;
                    Some(own.len() + at)
                }
            });
        }
        let by_hand = own.iter().map(crate::export::columns::Column::is_by_hand);
        Layout {
            key,
            places,
            is_people: by_hand.chain(headings.iter().map(|_| true)).collect(),
        }
    }

    /// Reads the rows that carry something of people. `headings` get people's columns; `each` is told how many there are.
    pub(super) fn rows(
        self,
        plan: &Plan,
        headings: &mut Vec<String>,
        mut each: impl FnMut(Row, usize) -> Result<()>,
    ) -> Result<()> {
        let Some(input) = &self.input else {
            return Ok(());
        };
        // All tables first: a row is as wide as the widest of them.
        for table in input.tables() {
            self.layout(table, plan, headings);
        }
        let layouts: Vec<Layout> = input
            .tables()
            .iter()
            .map(|table| self.layout(table, plan, headings))
            .collect();
        if layouts
            .iter()
            .all(|layout| layout.people().next().is_none())
        {
            return Ok(());
        }
        let width = plan.columns().len() + headings.len();
        for row in input.rows()? {
            let (source::Row::Record(record) | source::Row::Fault(record, _)) =
                row.map_err(|error| {
                    Error::machine("the earlier file cannot be read to its end").caused_by(error)
                })?;
            let layout = &layouts[record.table];
            let mut cells = vec![Value::Empty; width];
            for (cell, place) in record.cells.iter().zip(&layout.places) {
                if let Some(place) = place {
                    cells[*place] = value(cell);
                }
            }
            let people = cells.iter().zip(&layout.is_people);
            let mut mine: Vec<Value> = people
                .filter(|(_, people)| **people)
                .map(|(cell, _)| cell.clone())
                .collect();
            while mine.pop_if(|cell| *cell == Value::Empty).is_some() {}
            if !mine.is_empty() {
                let key = record.cell(layout.key).text().into_owned();
                each(Row { key, mine, cells }, headings.len())?;
            }
        }
        Ok(())
    }
}

fn value(cell: &Cell) -> Value {
    let millis = |at: DateTime| {
        let at = at
            .to_zoned(TimeZone::UTC)
            .map(|at| at.timestamp().as_millisecond());
        at.map_or_else(|_| Value::Text(cell.text().into_owned()), Value::Time)
    };
    match cell {
        Cell::Empty | Cell::Fault(_) => Value::Empty,
        Cell::Text(text) if text.is_empty() => Value::Empty,
        Cell::Integer(number) => Value::Number(*number as f64),
        Cell::Number(number) => Value::Number(*number),
        Cell::Shown(shown) => Value::Number(shown.number),
        Cell::Bool(truth) => Value::Truth(*truth),
        Cell::Date(date) => millis(date.at(0, 0, 0, 0)),
        Cell::DateTime(at) => millis(*at),
        cell => Value::Text(cell.text().into_owned()),
    }
}
