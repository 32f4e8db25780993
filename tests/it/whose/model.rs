//! What each ticket may say, who made it, and what the exported file says.

use std::collections::{BTreeMap, BTreeSet};

/// The columns that are watched.
pub(super) const COLUMNS: [&str; 2] = ["Title", "Priority"];

/// What is seen of a ticket: its columns, and the row that it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) columns: [String; 2],
    pub(super) item: Option<usize>,
}

pub(super) type Desk = BTreeMap<String, Seen>;

/// A cell of the exported file: the ticket, and which of [`COLUMNS`].
pub(super) type At = (String, usize);

/// An exported file.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    /// What each cell said when it was written, and says now.
    pub(super) cells: BTreeMap<At, (String, String)>,
}

/// How an import of the file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    /// Whatever it had done by then is done.
    Died,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) desk: Desk,
    pub(super) sheet: Option<Sheet>,
    /// What was sent of the file before.
    sent: BTreeSet<(At, String)>,
    /// Tickets that were made by runs whose ledger is still there, and were changed by nobody else since.
    pub(super) ours: BTreeSet<String>,
    /// Rows whose ticket may be missing: the run that made them was cut off, or they were taken back.
    pub(super) open: BTreeSet<usize>,
    /// Tickets that a run which was cut off has made: what follows the making may still be owed to them.
    pub(super) half: BTreeSet<String>,
    pub(super) wrong: Vec<String>,
}

/// What may have become of cells and tickets.
#[derive(Debug, Default)]
pub(super) struct May {
    /// The values that a cell may have now; any other keeps its own.
    pub(super) say: BTreeMap<At, Vec<String>>,
    /// Whether tickets of ours may be gone.
    pub(super) undo: bool,
    /// Whether tickets may have been made.
    pub(super) make: bool,
    /// Whether what made them was cut off.
    pub(super) cut_off: bool,
}

impl Model {
    /// What an import of the file may do.
    pub(super) fn sends(&mut self, overwrites: bool, ended: Ended) -> May {
        let mut may = May::default();
        let Some(sheet) = &self.sheet else { return may };
        for (at, (was, file)) in &sheet.cells {
            let Some(seen) = self.desk.get(&at.0) else {
                continue;
            };
            let desk = &seen.columns[at.1];
            if file == was || desk == file || (desk != was && !overwrites) {
                continue;
            }
            let mut values = vec![file.clone()];
            let once = (at.clone(), file.clone());
            // Where others have set it back to what it was, nobody can tell that it was sent; the ledger may.
            if ended == Ended::Died || self.sent.contains(&once) {
                values.push(desk.clone());
            }
            self.sent.insert(once);
            may.say.insert(at.clone(), values);
        }
        may
    }

    /// What an import of the rows may do to tickets that an earlier one left half made; `priority` is what it sets.
    pub(super) fn finishes(&self, priority: &str) -> BTreeMap<At, Vec<String>> {
        let values = |id: &String| {
            let seen = self.desk.get(id)?;
            let values = vec![seen.columns[1].clone(), priority.to_owned()];
            Some(((id.clone(), 1), values))
        };
        self.half.iter().filter_map(values).collect()
    }

    /// Somebody else changes a cell.
    pub(super) fn others_change(&mut self, id: &str, column: usize, value: &str) -> May {
        // What says the same as before is no change.
        if self
            .desk
            .get(id)
            .is_some_and(|seen| seen.columns[column] != value)
        {
            self.ours.remove(id);
            self.half.remove(id);
        }
        let say = BTreeMap::from([((id.to_owned(), column), vec![value.to_owned()])]);
        May {
            say,
            ..May::default()
        }
    }

    /// Compares the desk with what may have become of it, and takes it over.
    pub(super) fn look(&mut self, now: Desk, may: &May) {
        for (id, before) in &self.desk {
            let Some(seen) = now.get(id) else {
                match may.undo && self.ours.contains(id) {
                    true => self.open.extend(before.item),
                    false => self.wrong.push(format!("{id} is gone: {before:?}")),
                }
                continue;
            };
            for (column, name) in COLUMNS.into_iter().enumerate() {
                let own = vec![before.columns[column].clone()];
                let allowed = may.say.get(&(id.clone(), column)).unwrap_or(&own);
                if !allowed.contains(&seen.columns[column]) {
                    self.wrong.push(format!(
                        "{id} says {name} `{}`, it may say {allowed:?}",
                        seen.columns[column]
                    ));
                }
            }
        }
        let mut of_row: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
        for (id, seen) in &now {
            if let Some(item) = seen.item {
                of_row.entry(item).or_default().push(id);
            }
            if !self.desk.contains_key(id) {
                match may.make {
                    true => {
                        self.ours.insert(id.clone());
                        if may.cut_off {
                            self.half.insert(id.clone());
                        }
                    }
                    false => self.wrong.push(format!("{id} was made: {seen:?}")),
                }
            }
        }
        for (item, ids) in of_row {
            self.open.remove(&item);
            if ids.len() > 1 {
                self.wrong.push(format!("row {item} has {ids:?}"));
            }
        }
        self.desk = now;
    }
}
