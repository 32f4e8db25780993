//! The rows of a file that are rows of its table, as the mapping wants them: headings that come again are left out, hidden
//! rows and totals where it says so, cells under a merged one take its value. All of it is counted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::cut;
use super::notice::{Notice, Tally, What};
use super::own::{Own, UNMARK};
use super::parts::{Area, SheetFacts};
use super::totals::{is_note, is_total};
use super::{Guards, InputOptions, Layout, Merged, Row, Rows, Rule, Table};
use crate::error::{Fault, Result, Rule as Common};
use crate::record::{Cell, Record};
use crate::unicode::plain;

/// What a pass over a file noticed, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    tables: BTreeMap<usize, OfTable>,
    /// Whether the pass came to the end.
    is_whole: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfTable {
    headings: Tally,
    hidden: Tally,
    totals: Tally,
    merged: Tally,
    guards: Tally,
    /// Rows at the end with one filled cell, after rows with more.
    below: Tally,
    rows: u64,
}

/// How rows are kept, and what is known of them.
#[derive(Debug, Clone)]
pub(super) struct Keeping {
    hidden_rows: Option<Rule>,
    merged: Option<Merged>,
    total_rows: Option<Rule>,
    /// Whether guards are looked for that this mapping does not take off.
    looks_for_guards: bool,
    /// By table of the file.
    facts: Vec<Option<Arc<SheetFacts>>>,
    /// The number of the file's first table.
    first: usize,
}

impl Keeping {
    pub(super) fn new(
        options: &InputOptions,
        facts: Vec<Option<Arc<SheetFacts>>>,
        first: usize,
    ) -> Self {
        Self {
            hidden_rows: options.hidden_rows,
            merged: options.merged,
            total_rows: options.total_rows,
            looks_for_guards: options.guarded == Guards::Ours,
            facts,
            first,
        }
    }

    fn facts(&self, table: usize) -> Option<&SheetFacts> {
        self.facts.get(table.checked_sub(self.first)?)?.as_deref()
    }

    /// What is to be said of a pass.
    pub(super) fn notices(&self, counts: &Counts, tables: &[Table]) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (at, of_table) in &counts.tables {
            let mut note = |what: What, tally: &Tally| {
                if tally.count > 0 {
                    notices.push(Notice {
                        file: tables[*at].file.clone(),
                        sheet: tables[*at].sheet.clone(),
                        what,
                        count: tally.count,
                        rows: tally.rows.clone(),
                    });
                }
            };
            note(What::Headings, &of_table.headings);
            if self.hidden_rows != Some(Rule::Read) {
                let what = What::HiddenRows {
                    is_filtered: self.facts(*at).is_some_and(|facts| facts.is_filtered),
                    is_read: self.hidden_rows.is_none(),
                };
                note(what, &of_table.hidden);
            }
            if self.merged != Some(Merged::Empty) {
                let is_filled = self.merged == Some(Merged::Fill);
                note(What::Merged { is_filled }, &of_table.merged);
            }
            if self.total_rows != Some(Rule::Read) {
                let is_read = self.total_rows.is_none();
                note(What::Totals { is_read }, &of_table.totals);
            }
            if of_table.below.count < of_table.rows {
                note(What::Below, &of_table.below);
            }
            note(What::Guards, &of_table.guards);
        }
        notices
    }
}

/// How the fault of a row begins that nobody has fixed since.
const STILL: &str = "is still marked `unreadable` in `_state`: ";

/// A merged area on its way down, with its value.
struct Open {
    area: Area,
    value: Cell,
}

/// Passes on what is a row of its table.
pub(super) struct Kept<'a> {
    rows: Rows<'a>,
    tables: &'a [Table],
    keeping: &'a Keeping,
    counts: Counts,
    /// Where the counts go when the pass ends.
    noticed: &'a Mutex<Counts>,
    /// The table of the last row, the next of its merged areas, and those that reach to this row.
    table: usize,
    next_area: usize,
    open: Vec<Open>,
    /// Of each table that is an error file, its columns.
    own: Vec<Option<Own>>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(
        rows: Rows<'a>,
        tables: &'a [Table],
        keeping: &'a Keeping,
        noticed: &'a Mutex<Counts>,
    ) -> Self {
        Self {
            rows,
            tables,
            keeping,
            counts: Counts::default(),
            noticed,
            table: usize::MAX,
            next_area: 0,
            open: Vec::new(),
            own: tables.iter().map(|table| Own::of(&table.header)).collect(),
        }
    }

    /// A row that could not be read when its error file was written is none until somebody has said that it is put right.
    fn as_marked(&self, row: Row) -> Row {
        let own = |record: &Record| self.own.get(record.table).copied().flatten();
        let Row::Record(record) = row else { return row };
        let Some(own) = own(&record).filter(|own| own.is_unreadable(&record)) else {
            return Row::Record(record);
        };
        let said = own.text(&record, "_error").unwrap_or_default();
        let said = said.trim_start_matches(STILL);
        let hint = own.text(&record, "_hint");
        let hint = hint.filter(|hint| hint.ends_with(UNMARK));
        let fault = Fault::row(record.place.clone(), format!("{STILL}{said}"))
            .rule(Common::Mangled)
            .hint(hint.unwrap_or_else(|| format!("fix the row, {UNMARK}")));
        Row::Fault(record, vec![fault])
    }

    fn with_whole_texts(&self, row: Row) -> Row {
        match row {
            Row::Record(mut record) => match self.whole_texts(&mut record) {
                faults if faults.is_empty() => Row::Record(record),
                faults => Row::Fault(record, faults),
            },
            Row::Fault(mut record, mut faults) => {
                faults.extend(self.whole_texts(&mut record));
                Row::Fault(record, faults)
            }
        }
    }

    /// Gives marked cells of a workbook the whole texts that lie beside it; what keeps one from it.
    fn whole_texts(&self, record: &mut Record) -> Vec<Fault> {
        let table = &self.tables[record.table];
        if !matches!(table.layout, Layout::Workbook { .. }) {
            return Vec::new();
        }
        let mut faults = Vec::new();
        for (column, cell) in record.cells.iter_mut().enumerate() {
            let Cell::Text(text) = cell else { continue };
            match cut::whole(text, Path::new(&*table.file)) {
                None => {}
                Some(Ok(whole)) => *cell = Cell::Text(whole.into()),
                Some(Err(why)) => {
                    let mut fault = Fault::row(record.place.clone(), why);
                    fault.column = table.header.names().get(column).cloned();
                    faults.push(fault);
                }
            }
        }
        faults
    }

    /// Whether a row stays.
    fn keeps(&mut self, record: &mut Record, is_good: bool) -> bool {
        let keeping = self.keeping;
        let row = record.place.row;
        // A merged cell that takes a whole row makes none of its cells a value of a column.
        let (is_total, is_note) = (is_total(record), is_note(record));
        if let Some(facts) = keeping.facts(record.table) {
            let filled = self.fill(facts, record, is_total || is_note);
            let of_table = self.counts.tables.entry(record.table).or_default();
            for _ in 0..filled {
                of_table.merged.add(row);
            }
            if facts.is_hidden(row) {
                of_table.hidden.add(row);
                if keeping.hidden_rows == Some(Rule::Skip) {
                    return false;
                }
            }
        }
        if !is_good {
            return true;
        }
        let of_table = self.counts.tables.entry(record.table).or_default();
        if is_heading(record, &self.tables[record.table]) {
            of_table.headings.add(row);
            return false;
        }
        if is_total {
            of_table.totals.add(row);
            if keeping.total_rows == Some(Rule::Skip) {
                return false;
            }
        }
        of_table.rows += 1;
        match is_note {
            true => of_table.below.add(row),
            false => of_table.below = Tally::default(),
        }
        if keeping.looks_for_guards {
            let guards = record.cells.iter().filter(|cell| match cell {
                Cell::Text(text) => Guards::All.off(text) != text.as_str(),
                _ => false,
            });
            for _ in guards {
                of_table.guards.add(row);
            }
        }
        true
    }

    /// Gives the cells under merged ones their value, or counts those that would have one; how many they are. In a row
    /// that sums up others, or holds one cell, what is merged over several columns stays one cell.
    fn fill(&mut self, facts: &SheetFacts, record: &mut Record, is_apart: bool) -> usize {
        if facts.merged.is_empty() {
            return 0;
        }
        if self.table != record.table {
            self.table = record.table;
            self.next_area = 0;
            self.open.clear();
        }
        let Ok(row) = u32::try_from(record.place.row.saturating_sub(1)) else {
            return 0;
        };
        self.open.retain(|open| open.area.bottom >= row);
        while let Some(area) = facts
            .merged
            .get(self.next_area)
            .filter(|area| area.top <= row)
        {
            self.next_area += 1;
            // One that begins in or above the headings is no part of the table.
            if area.top == row && area.bottom >= row {
                let value = record.cell(area.left as usize).clone();
                self.open.push(Open { area: *area, value });
            }
        }
        let is_filled = self.keeping.merged == Some(Merged::Fill);
        let mut count = 0;
        let is_filling = |open: &&Open| {
            let is_wide = open.area.right > open.area.left;
            let stays_one = is_apart && is_wide && open.area.top == row;
            !open.value.is_empty() && !stays_one
        };
        for Open { area, value } in self.open.iter().filter(is_filling) {
            let last = (area.right as usize).min(record.cells.len().saturating_sub(1));
            for column in area.left as usize..=last {
                let cell = &mut record.cells[column];
                if matches!(cell, Cell::Empty) {
                    count += 1;
                    if is_filled {
                        *cell = value.clone();
                    }
                }
            }
        }
        count
    }
}

/// Whether a row is the headings once more. One filled cell does not say so: a title may be `Title`.
fn is_heading(record: &Record, table: &Table) -> bool {
    let has_headings = match &table.layout {
        Layout::Csv { header_row, .. } | Layout::Workbook { header_row, .. } => *header_row > 0,
        Layout::JsonLines { .. } | Layout::JsonDocument { .. } => false,
    };
    let written = table.header.written();
    let mut filled = 0;
    has_headings
        && written.len() == record.cells.len()
        && written.iter().zip(&record.cells).all(|(heading, cell)| {
            let heading = heading.trim();
            filled += usize::from(!heading.is_empty());
            match cell {
                Cell::Text(text) => {
                    text.trim() == heading || plain(text).trim() == plain(heading).trim()
                }
                Cell::Empty => heading.is_empty(),
                other => other.text() == heading,
            }
        })
        && filled > 1
}

impl Iterator for Kept<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut row = self
                .rows
                .next()
                .map(|row| row.map(|row| self.as_marked(self.with_whole_texts(row))));
            let keeps = match &mut row {
                Some(Ok(Row::Record(record))) => self.keeps(record, true),
                Some(Ok(Row::Fault(record, _))) => self.keeps(record, false),
                Some(Err(_)) => true,
                None => {
                    self.counts.is_whole = true;
                    true
                }
            };
            if keeps {
                return row;
            }
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let mut noticed = self
            .noticed
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        // What a whole pass found is not forgotten for a shorter one.
        if self.counts.is_whole || !noticed.is_whole {
            *noticed = std::mem::take(&mut self.counts);
        }
    }
}
