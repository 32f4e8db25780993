//! A part of the records of an input: those that ended badly in an earlier run.

use std::collections::HashSet;
use std::path::Path;

use super::super::connect::same_tenant;
use crate::error::{Error, Result};
use crate::intake::{Item, Selection, Subject};
use crate::ledger::RunInfo;
use crate::record::{Place, RowKey};
use crate::source::{Input, Row};

/// Refuses a selection in which no row of the input is.
pub(super) fn has_rows(selection: Option<&Selection>, input: &Input) -> Result<()> {
    let Some(selection) = selection else {
        return Ok(());
    };
    let mut last = 0;
    for row in input.rows()? {
        let (Row::Record(record) | Row::Fault(record, _)) = row?;
        if selection.takes(record.place.row) {
            return Ok(());
        }
        last = last.max(record.place.row);
    }
    Err(
        Error::usage(format!("no row of the input is in `--rows {selection}`")).hint(format!(
            "the last row is {last}; rows are numbered as the spreadsheet program shows them"
        )),
    )
}

fn named(place: &Place) -> (String, Option<String>, u64) {
    let file = Path::new(&*place.file).file_name();
    let file = file.map_or_else(
        || place.file.to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    (file, place.sheet.as_deref().map(str::to_owned), place.row)
}

/// Which records are run.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Only {
    /// The run in which they ended badly.
    run: RunInfo,
    keys: HashSet<RowKey>,
    /// Of rows whose key could not be made: file name, sheet and row, wherever the file lies now.
    places: HashSet<(String, Option<String>, u64)>,
}

impl Only {
    /// None yet of this run.
    pub(in crate::cli) fn of_run(run: RunInfo) -> Self {
        Self {
            run,
            keys: HashSet::new(),
            places: HashSet::new(),
        }
    }

    /// The code of an attempt at the run in which they ended badly.
    pub(super) fn code(&self) -> &str {
        &self.run.code
    }

    /// The folder in which the paths of the run hold.
    pub(super) fn folder(&self) -> &Path {
        Path::new(&self.run.meta.folder)
    }

    /// Refuses another tenant than that of the run: its keys say nothing about what was made there.
    pub(super) fn same_tenant(&self, tenant: &str, target: &str) -> Result<()> {
        same_tenant(&self.run, tenant, target)
    }

    /// Adds a row by its key, or by its place where it had none.
    pub(in crate::cli) fn add(&mut self, key: Option<RowKey>, place: Place) {
        match key {
            Some(key) => drop(self.keys.insert(key)),
            None => drop(self.places.insert(named(&place))),
        }
    }

    /// How many rows were added.
    pub(in crate::cli) fn len(&self) -> usize {
        self.keys.len() + self.places.len()
    }

    fn takes(&self, item: &Item) -> bool {
        let key = match &item.subject {
            Subject::Keyed(key) => Some(key),
            Subject::Faulty(key, _) => key.as_ref(),
            // It is one with an earlier row, which is taken itself.
            Subject::Repeated(..) => return false,
        };
        key.is_some_and(|key| self.keys.contains(key)) || self.places.contains(&named(item.place()))
    }

    /// Those of the records that are run.
    pub(super) fn of<'a>(
        &'a self,
        items: impl Iterator<Item = Result<Item>> + Send + 'a,
    ) -> impl Iterator<Item = Result<Item>> + Send + 'a {
        items.filter(|item| item.as_ref().map_or(true, |item| self.takes(item)))
    }

    /// Rows and records of those that are run; none is left out by a condition.
    pub(super) fn count(
        &self,
        items: impl Iterator<Item = Result<Item>> + Send,
    ) -> Result<(u64, u64, u64)> {
        let (mut rows, mut records) = (0, 0);
        for item in self.of(items) {
            rows += item?.rows.len() as u64;
            records += 1;
        }
        Ok((rows, records, 0))
    }
}
