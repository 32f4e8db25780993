//! An earlier file, its columns told apart, its rows read.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::beyond::{self, Columns};
use super::dress::Dressed;
use super::look::Look;
use super::{COMMENT_HEADINGS, COMMENTS, Dresses, EARLIER, LONGEST_PROPERTY, Row, Value};
use crate::error::{Error, Fault, Result};
use crate::export::baseline::STAMP;
use crate::export::columns::Plan;
use crate::record::{Cell, fold};
use crate::source::{self, Input, InputOptions, Numbers, SheetChoice, SheetName};

/// An earlier file that can be replaced.
pub(super) struct Old {
    input: Option<Input>,
    /// The columns that we wrote, folded; empty: those of the plan.
    ours: Vec<String>,
    /// Of the column of the tickets' ids.
    key: String,
    /// Whether nobody knows what people wrote on its analyses.
    pub(super) is_without_prints: bool,
    /// How people's cells look, by sheet.
    dressed: HashMap<String, Dressed>,
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
        if let Some(what) = &look.more {
            return Err(format!("it holds {what}"));
        }
        if look.sheets.is_empty() {
            return Err("it cannot be looked into".to_owned());
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
        beyond::on_sheets(path, &look, &known)?;
        if look.sheets.iter().any(|sheet| sheet == COMMENTS) {
            beyond::on_comments(path, COMMENTS)?;
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
        // People's numbers keep their formats.
        numbers: Some(Numbers::Shown),
        // A column of theirs may have nothing but a heading.
        may_be_empty: true,
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
    let mut dressed = HashMap::new();
    for sheet in &known {
        if let Some(part) = look.parts.get(sheet) {
            let Some(found) = Dressed::of(path, part) else {
                return Ok(Err(format!("its sheet `{sheet}` cannot be looked into")));
            };
            dressed.insert(sheet.clone(), found);
        }
    }
    let old = Old {
        dressed,
        ours: look.columns.iter().map(|heading| fold(heading)).collect(),
        key,
        input,
        is_without_prints: beyond::is_without_prints(&look),
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
    if is_replaced && let Err(why) = old.can_be_carried(path, &look, plan)? {
        return Ok(Err(why));
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

/// Why a CSV of comments is not as we wrote it.
pub(super) fn stands_in_comments(path: &Path) -> Option<String> {
    let options = InputOptions {
        guarded: source::Guards::Ours,
        ..InputOptions::default()
    };
    let lost = "people wrote into it beside the comments, which would be lost".to_owned();
    let input = match Input::open(&[path.to_path_buf()], &options) {
        Ok(input) => input,
        Err(error) if error.message().ends_with("no rows") => return None,
        Err(error) => return Some(format!("it cannot be read ({})", error.message())),
    };
    let header = input.tables().first()?.header.written();
    let is_ours = header.len() == COMMENT_HEADINGS.len()
        && COMMENT_HEADINGS
            .iter()
            .all(|heading| header.iter().any(|one| fold(one) == fold(heading)));
    if !is_ours {
        return Some(lost);
    }
    let at = header
        .iter()
        .position(|one| fold(one) == fold(super::COMMENT_KEY))?;
    for row in input.rows().ok()? {
        match row {
            Ok(source::Row::Record(record)) if !record.cell(at).is_empty() => {}
            Ok(source::Row::Fault(_, faults)) if !is_unread(&faults) => {}
            _ => return Some(lost),
        }
    }
    None
}

/// Whether a row has something that its cells do not: what stands beyond the headings, or behind a quote that is wrong. One
/// that only ends early lacks nothing.
fn is_unread(faults: &[Fault]) -> bool {
    let ends_early =
        |fault: &Fault| fault.value.is_none() && fault.message.contains(" where the header has ");
    !faults.iter().all(ends_early)
}

impl Old {
    /// Whether all that people wrote into it can go into the next file: within, why not.
    fn can_be_carried(
        &self,
        path: &Path,
        look: &Look,
        plan: &Plan,
    ) -> Result<std::result::Result<(), String>> {
        let tables = self.input.as_ref().map(Input::tables).unwrap_or_default();
        for table in tables {
            if let Some(heading) = self.twice(table.header.written(), plan) {
                return Ok(Err(format!(
                    "it has more than one column `{heading}`, and which of them is people's cannot be told"
                )));
            }
            let Some(sheet) = &table.sheet else {
                continue;
            };
            let layout = self.layout(table, plan, &mut Vec::new());
            let columns = Columns {
                sheet: sheet.to_string(),
                people: layout.people().collect(),
                width: u32::try_from(layout.places.len()).unwrap_or(u32::MAX),
            };
            if let Err(why) = beyond::in_columns(path, look, &columns) {
                return Ok(Err(why));
            }
        }
        let is_csv = tables.iter().all(|table| table.sheet.is_none());
        let Some(input) = self.input.as_ref().filter(|_| is_csv) else {
            return Ok(Ok(()));
        };
        for row in input.rows()? {
            if let Ok(source::Row::Fault(record, faults)) = row
                && is_unread(&faults)
            {
                let what = faults
                    .first()
                    .map_or("cannot be read", |fault| &fault.message);
                return Ok(Err(format!("its row {} {what}", record.place.row)));
            }
        }
        Ok(Ok(()))
    }

    /// A heading of ours that stands above more columns than we wrote under it.
    fn twice<'h>(&self, headings: &'h [String], plan: &Plan) -> Option<&'h String> {
        let of_plan = plan.columns().iter().map(|column| fold(&column.heading));
        let of_plan: Vec<String> = of_plan.collect();
        let ours = match self.ours.is_empty() {
            true => &of_plan,
            false => &self.ours,
        };
        headings.iter().find(|heading| {
            let name = fold(heading);
            let count = |all: &[String]| all.iter().filter(|one| **one == name).count();
            let found = headings.iter().filter(|one| fold(one) == name).count();
            let written = count(ours);
            written > 0 && found > written.max(count(&of_plan))
        })
    }

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
            let was_ours =
                planned.is_none() && (self.has_written(heading) || fold(heading) == fold(STAMP));
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

    /// Reads the rows that carry something of people. `headings` get people's columns, `dressed` how headings look by their
    /// places; `each` is told how many columns of people there are.
    pub(super) fn rows(
        self,
        plan: &Plan,
        headings: &mut Vec<String>,
        dressed: &mut Dresses,
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
        let width = plan.columns().len() + headings.len();
        let looks = |table: usize, row: u64| -> Dresses {
            let sheet = input.tables()[table].sheet.as_deref();
            let Some(found) = sheet.and_then(|sheet| self.dressed.get(sheet)) else {
                return Dresses::new();
            };
            let placed = found.row(row).filter_map(|(column, dress)| {
                let place = *layouts[table].places.get(column as usize)?;
                Some((place?, dress.clone()))
            });
            placed.collect()
        };
        for table in 0..layouts.len() {
            for (place, dress) in looks(table, 1) {
                dressed.entry(place).or_insert(dress);
            }
        }
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
            let key = record.cell(layout.key).text().into_owned();
            // A row without a ticket is people's as a whole.
            let is_theirs = key.trim().is_empty() && cells.iter().any(|cell| *cell != Value::Empty);
            let dresses = looks(record.table, record.place.row);
            let is_dressed = !dresses.is_empty() && !key.trim().is_empty();
            if !mine.is_empty() || is_theirs || is_dressed {
                let row = Row {
                    key,
                    mine,
                    cells,
                    dresses,
                };
                each(row, headings.len())?;
            }
        }
        Ok(())
    }
}

/// A time as days, the way in which spreadsheet programs count.
fn days(seconds: f64) -> f64 {
    seconds / 86_400.0
}

fn value(cell: &Cell) -> Value {
    let text = || cell.text().into_owned();
    let formatted = |number: f64, format: &str| Value::Formatted(number, format.to_owned(), text());
    match cell {
        Cell::Empty | Cell::Fault(_) => Value::Empty,
        Cell::Text(text) if text.is_empty() => Value::Empty,
        Cell::Integer(number) => Value::Number(*number as f64),
        Cell::Number(number) => Value::Number(*number),
        Cell::Shown(shown) => formatted(shown.number, &shown.format),
        Cell::Bool(truth) => Value::Truth(*truth),
        Cell::Date(date) => match serial(date.at(0, 0, 0, 0)) {
            Some(day) => formatted(day, "yyyy-mm-dd"),
            None => Value::Text(text()),
        },
        Cell::DateTime(at) => {
            let at = at.to_zoned(TimeZone::UTC);
            at.map_or_else(
                |_| Value::Text(text()),
                |at| Value::Time(at.timestamp().as_millisecond()),
            )
        }
        Cell::Time(time) => {
            let seconds = f64::from(time.hour()) * 3600.0
                + f64::from(time.minute()) * 60.0
                + f64::from(time.second())
                + f64::from(time.subsec_nanosecond()) / 1e9;
            formatted(days(seconds), "hh:mm:ss")
        }
        Cell::Duration(length) => formatted(days(length.as_secs_f64()), "[h]:mm:ss"),
        cell => Value::Text(cell.text().into_owned()),
    }
}

/// The number of a day; before March 1900 the calendars of programs differ.
fn serial(at: DateTime) -> Option<f64> {
    let at = at.to_zoned(TimeZone::UTC).ok()?;
    let day = days(at.timestamp().as_second() as f64) + 25_569.0;
    (day >= 61.0).then_some(day)
}
