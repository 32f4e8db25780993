//! An input against the ledger, before anything of it is sent: which rows are new, changed, already sent, which
//! keys are done under another scope, and which look like a done key that is written in another way.
//!
//! Runs over the records once, in pages; what it keeps grows with the ranges of rows, not with the rows.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::engine::take;
use super::plan::{Plan, Planner};
use super::prepare::{BATCH, Items, absent, keys, leave_unknown, plan, read};
use crate::error::Result;
use crate::event::End;
use crate::intake::{Digest, Subject};
use crate::ledger::{Elsewhere, RunLocks, Scope, State, StepRecord, UNKNOWN_CONTENT};
use crate::mapping::MapRows;
use crate::record::{Place, Record, RowKey};
use crate::systems::{CREATE, is_update_step};
use crate::unicode::plain;

/// How many new keys are held at once to be looked for among the done ones.
const HELD: usize = 100_000;
/// How many done keys are read at once.
const PAGE: u32 = 10_000;
/// How many examples of one finding are kept.
const EXAMPLES: usize = 20;

/// Rows as ranges, whole and in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many.
    pub count: u64,
    ranges: Vec<(Place, u64)>,
}

impl Rows {
    fn add(&mut self, place: &Place) {
        self.count += 1;
        if let Some((from, to)) = self.ranges.last_mut()
            && from.file == place.file
            && from.sheet == place.sheet
            && *to + 1 == place.row
        {
            *to = place.row;
            return;
        }
        self.ranges.push((place.clone(), place.row));
    }

    /// The first ranges, for people: `2-17, 19, 204-991 … and more`.
    pub fn text(&self, most: usize) -> String {
        let mut text = String::new();
        let mut last: Option<&Place> = None;
        for (from, to) in self.ranges.iter().take(most) {
            let same = last.is_some_and(|l| l.file == from.file && l.sheet == from.sheet);
            match (last.is_some(), same) {
                (false, _) => {}
                (true, true) => text.push_str(", "),
                (true, false) => text.push_str("; "),
            }
            if let (Some(sheet), false) = (&from.sheet, same) {
                let _ = write!(text, "{sheet}: ");
            }
            let _ = match *to == from.row {
                true => write!(text, "{to}"),
                false => write!(text, "{}-{to}", from.row),
            };
            last = Some(from);
        }
        if self.ranges.len() > most {
            text.push_str(" …");
        }
        text
    }

    /// All ranges, for programs.
    pub fn to_json(&self) -> Value {
        let range = |(from, to): &(Place, u64)| json!({"file": &*from.file, "sheet": from.sheet.as_deref(), "from": from.row, "to": to});
        json!({"count": self.count, "rows": self.ranges.iter().map(range).collect::<Vec<_>>()})
    }
}

/// A new key that differs from a done one only by zeros, spaces, separators, capitals or what is invisible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Where the new one stands.
    pub place: Place,
    /// The new key.
    pub key: RowKey,
    /// The done one.
    pub done: RowKey,
    /// Its ticket, as people call it.
    pub ticket: String,
    /// The run that made it.
    pub run: String,
}

/// What the ledger knows of an input.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// Rows that were never sent.
    pub new: Rows,
    /// Rows that were made from other content.
    pub changed: Rows,
    /// Rows that were made as they are.
    pub sent: Rows,
    /// Rows that were made as they are and stand elsewhere now.
    pub moved: Rows,
    /// Rows that are known and not made: refused, in doubt, stopped half-way, undone.
    pub open: Rows,
    /// Keys that look like a done one, and the first of them.
    pub near: (u64, Vec<Near>),
    /// Rows that were done under another scope, and the first of them with the key.
    pub elsewhere: (u64, Vec<(Place, RowKey, Elsewhere)>),
    /// Keys that other rows have under another scope.
    pub shared: u64,
    /// Tickets that `--again` makes once more: row and ticket, the first of them.
    pub doubled: Vec<(Place, String)>,
}

impl Compared {
    /// Rows that are done, changed or not.
    pub fn done(&self) -> u64 {
        self.sent.count + self.changed.count
    }

    /// For programs, whole.
    pub fn to_json(&self) -> Value {
        let near: Vec<Value> = (self.near.1.iter())
            .map(|near| {
                json!({"file": &*near.place.file, "sheet": near.place.sheet.as_deref(), "row": near.place.row,
                       "key": near.key.as_str(), "done_key": near.done.as_str(), "ticket": near.ticket, "run": near.run})
            })
            .collect();
        json!({
            "new": self.new.to_json(), "changed": self.changed.to_json(), "already_sent": self.sent.to_json(),
            "moved": self.moved.to_json(), "open": self.open.to_json(),
            "near_keys": {"count": self.near.0, "first": near}, "keys_of_other_scopes": self.shared,
        })
    }
}

/// Compares the records of an input with the ledger. Call it where blocking is allowed.
///
/// # Errors
/// When the input cannot be read, or the ledger.
pub fn compare(
    items: Items<'_>,
    map: &dyn MapRows,
    scope: &Scope,
    input_print: &str,
) -> Result<Compared> {
    let mut compared = Compared::default();
    let taking_back = scope.taking_back_blocking()?;
    let mut fresh: HashMap<String, Vec<(RowKey, Place)>> = HashMap::new();
    let mut held = 0;
    pages(items, |page| {
        let keys = page.iter().map(|(key, _)| key.clone()).collect();
        let prior = scope.states_blocking(keys)?;
        let contents: Vec<(RowKey, Digest)> = page
            .iter()
            .map(|(key, rows)| (key.clone(), map.content(rows)))
            .collect();
        let others = scope.elsewhere_blocking(contents.clone(), input_print)?;
        for (((key, content), (_, rows)), (steps, other)) in
            contents.iter().zip(page).zip(prior.iter().zip(others))
        {
            let place = &rows[0].place;
            let known = match taking_back.contains_key(key) {
                true => {
                    compared.open.add(place);
                    true
                }
                false => compared.row(place, content, steps),
            };
            if let Some(other) = other.filter(|_| !known) {
                compared.other(place, key, other);
            }
            if !known {
                let place = (key.clone(), place.clone());
                fresh.entry(folded(key.as_str())).or_default().push(place);
                held += 1;
            }
        }
        if held >= HELD {
            held = 0;
            compared.find_near(scope, &std::mem::take(&mut fresh))?;
        }
        Ok(())
    })?;
    compared.find_near(scope, &fresh)?;
    Ok(compared)
}

/// Gives the keys of these records free that are done, as far as a run with this limit takes them up: they are sent
/// once more. Returns how many were. Call it where blocking is allowed.
///
/// # Errors
/// When the input cannot be read, or the ledger be written.
pub fn give_up(
    mut items: Items<'_>,
    map: &dyn MapRows,
    scope: &Scope,
    locks: &RunLocks,
    limit: Option<u64>,
) -> Result<u64> {
    // The plans of the run itself: no other count of the records would stop at the same one.
    let planner = Planner {
        again: true,
        ..Planner::of(map)
    };
    let (mut count, mut left) = (0, limit);
    loop {
        let mut batch = read(&mut items)?;
        let is_last = batch.is_empty();
        let named = scope.states_blocking(absent(&batch))?;
        leave_unknown(&mut batch, named);
        let prior = scope.states_blocking(keys(&batch))?;
        let plans = plan(&planner, batch, prior)?;
        let most = plans.len();
        let taken: Vec<Plan> = (plans.into_iter())
            .take_while(|plan| take(&mut left, plan))
            .collect();
        let goes_on = !is_last && taken.len() == most;
        count += scope.give_up_blocking(locks, taken.into_iter().filter_map(taken_up).collect())?;
        if !goes_on {
            return Ok(count);
        }
    }
}

/// The key of a record that a run takes up; one that it passes over keeps what it has.
fn taken_up(plan: Plan) -> Option<RowKey> {
    match plan {
        Plan::End(_, End::Skipped(_)) => None,
        Plan::End(base, _) => base.key,
        Plan::Send(row) => Some(row.key),
        Plan::Settle(doubtful) => Some(doubtful.key),
    }
}

type Page = Vec<(RowKey, Vec<Record>)>;

/// Hands the records that have a key of their own on, page by page.
fn pages(items: Items<'_>, mut each: impl FnMut(&Page) -> Result<()>) -> Result<()> {
    let mut page = Page::with_capacity(BATCH);
    for item in items {
        let item = item?;
        if let Subject::Keyed(key) = item.subject {
            page.push((key, item.rows));
        }
        if page.len() == BATCH {
            each(&page)?;
            page.clear();
        }
    }
    if !page.is_empty() {
        each(&page)?;
    }
    Ok(())
}

impl Compared {
    /// Counts a row; says whether the ledger knows it.
    fn row(&mut self, place: &Place, content: &Digest, steps: &[StepRecord]) -> bool {
        let Some(create) = steps.iter().find(|step| step.id.name == CREATE) else {
            self.new.add(place);
            return false;
        };
        if create.state != State::Done {
            self.open.add(place);
            return true;
        }
        if self.doubled.len() < EXAMPLES {
            let ticket = create.ticket.clone().unwrap_or_default();
            let name = ticket.number.unwrap_or(ticket.id);
            self.doubled.push((place.clone(), name));
        }
        let same = |step: &StepRecord| step.content == *content || step.content == UNKNOWN_CONTENT;
        let mut updates = (steps.iter())
            .filter(|step| is_update_step(&step.id.name))
            .peekable();
        // Of a ticket that is kept up to date, what it was set to last counts.
        let is_same = match updates.peek() {
            Some(_) => updates.all(same),
            None => steps.iter().any(same),
        };
        if !is_same {
            self.changed.add(place);
            return true;
        }
        self.sent.add(place);
        if create.place != *place {
            self.moved.add(place);
        }
        true
    }

    fn other(&mut self, place: &Place, key: &RowKey, other: Elsewhere) {
        if !other.same {
            self.shared += 1;
            return;
        }
        self.elsewhere.0 += 1;
        if self.elsewhere.1.len() < EXAMPLES {
            let row = (place.clone(), key.clone(), other);
            self.elsewhere.1.push(row);
        }
    }

    fn find_near(
        &mut self,
        scope: &Scope,
        fresh: &HashMap<String, Vec<(RowKey, Place)>>,
    ) -> Result<()> {
        let mut after = None;
        while !fresh.is_empty() {
            let page = scope.done_keys_blocking(after.take(), PAGE)?;
            for done in &page {
                for (key, place) in fresh.get(&folded(done.key.as_str())).into_iter().flatten() {
                    self.near.0 += 1;
                    // Those that stand first, in whatever order they are found.
                    let before = self.near.1.partition_point(|it| it.place < *place);
                    if before < EXAMPLES {
                        let near = Near {
                            place: place.clone(),
                            key: key.clone(),
                            done: done.key.clone(),
                            ticket: done.ticket.clone(),
                            run: done.run.clone(),
                        };
                        self.near.1.insert(before, near);
                        self.near.1.truncate(EXAMPLES);
                    }
                }
            }
            match page.into_iter().last() {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
        Ok(())
    }
}

/// A key without what people and spreadsheets write differently: white space, separators, the zeros before a number,
/// capitals, how accents are put together, what is invisible.
fn folded(key: &str) -> String {
    let key = plain(key).to_lowercase();
    let key = key.trim();
    let key = key.strip_suffix(".0").unwrap_or(key);
    let mut text = String::with_capacity(key.len());
    let mut in_number = false;
    for c in key.chars() {
        if c.is_whitespace()
            || matches!(
                c,
                '-' | '_' | '.' | ',' | '/' | '\\' | ':' | ';' | '#' | '|' | '\''
            )
        {
            in_number = false;
        } else if c == '0' && !in_number {
            // A zero that leads.
        } else {
            in_number = c.is_ascii_digit();
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_spaces_and_separators_make_no_other_key() {
        for same in ["0042", "42", " 42 ", "4 2", "42.0"] {
            assert_eq!(folded(same), "42", "{same}");
        }
        assert_eq!(folded("INC-00042"), folded("INC 42"));
        assert_eq!(folded("inc_42/7"), folded("inc-42 07"));
        for other in ["420", "402", "43", "INC42"] {
            assert_ne!(folded(other), "42", "{other}");
        }
        assert_eq!(folded("ABC-42"), folded("abc-42"));
        assert_eq!(folded("é\u{200b}1"), folded("\u{feff}e\u{301}1"));
    }

    #[test]
    fn rows_are_told_as_ranges() {
        let place = |row| Place {
            file: "in.csv".into(),
            sheet: None,
            row,
        };
        let mut rows = Rows::default();
        for row in [2, 3, 4, 9, 11, 12] {
            rows.add(&place(row));
        }
        assert_eq!(rows.text(5), "2-4, 9, 11-12");
        assert_eq!(rows.text(2), "2-4, 9 …");
        assert_eq!(rows.to_json()["rows"][2]["to"], 12);
        assert_eq!(rows.count, 6);
    }
}
