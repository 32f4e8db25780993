//! The lookup step: the value is a key into another sheet or file, read once and held.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::beside::{Beside, ENTRY, per_table, typed};
use super::columns::{Columns, Reader};
use super::field::read_instead;
use super::file::{At, Faults, Section};
use super::input::read_columns;
use super::item::Item;
use super::keys;
use super::load::Reading;
use super::parse::Problem;
use super::render;
use super::script::{Origin as Place, Scripts};
use super::shape::{InputRules, Instead, ParseRule, Take, Version};
use super::slots::Slots;
use super::stages::{Caught, Passed};
use super::values::environment_of;
use super::{SheetBeside, table_key};
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::Fault;
use crate::event::UnfitBy;
use crate::record::Record;
use crate::source::{Input, Table};

/// So many keys a table may have for the nearest to be searched among them.
const SEARCHED: usize = 1_000;
/// How many doubles are told.
const TOLD: usize = 3;

/// What to do about a `where` that compares unlike things.
const OWN_TYPES: &str = "give the column a type in `columns` of `lookup`: `columns = { \"Seats\" = { parse = \"number\" } }`; or compare with a text: `Seats == '3'`";

/// `lookup = { … }` as it is written.
#[derive(Debug)]
pub(super) struct LookupRule {
    version: Version,
    /// The types of columns.
    columns: Vec<(At<String>, ParseRule)>,
    sheet: Option<At<String>>,
    by: At<String>,
    take: At<String>,
    where_: Option<At<String>>,
    otherwise: Instead,
    /// The table, where it is a file of its own: read with the mapping.
    file: Option<Arc<LookupTable>>,
}

/// A table in memory.
#[derive(Debug, Default)]
pub(super) struct LookupTable {
    /// What messages call it.
    shown: String,
    by: String,
    rows: HashMap<String, Found>,
    /// By folded key; `None` where several keys fold to one.
    folded: HashMap<String, Option<String>>,
}

/// What stands under a key.
#[derive(Debug)]
struct Found {
    /// What is taken, or why it cannot be read.
    value: Result<Option<Item<'static>>, Problem>,
    row: u64,
}

/// Reads `lookup`; a file is read right away.
pub(super) fn read_lookup(
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<LookupRule> {
    let (table, at) = section.table("lookup", faults)?;
    let inner = Section::open(table, at, &keys::LOOKUP, faults);
    let actions = [
        ("error", Instead::Error),
        ("keep", Instead::Keep),
        ("skip_item", Instead::SkipItem),
        ("skip_field", Instead::SkipField),
        ("skip_row", Instead::SkipRow),
    ];
    let otherwise = read_instead(&inner, "else", &actions, faults).unwrap_or(Instead::Error);
    let file = inner.text("file", faults);
    let sheet = inner.text("sheet", faults);
    let where_ = inner.text("where", faults);
    if file.is_none() && sheet.is_none() {
        faults.hint(
            at,
            "`lookup` does not say where to look",
            "name a `sheet` of the input's workbook, or a `file` beside the mapping",
        );
    }
    for (key, what) in [("by", "holds the keys"), ("take", "is taken")] {
        if !inner.has(key) {
            let message = format!("`lookup` does not say which column {what}");
            faults.hint(at, message, format!("add `{key} = \"a column\"`"));
        }
    }
    let (by, take) = (inner.text("by", faults)?, inner.text("take", faults)?);
    let mut rule = LookupRule {
        version: reading.version,
        columns: read_columns(&inner, reading.version, faults),
        sheet,
        by,
        take,
        where_,
        otherwise,
        file: None,
    };
    if let Some(file) = file {
        let path = reading.place(&file, faults)?;
        let beside = Beside::file(path, &file, rule.sheet.as_ref());
        reading.beside.push(beside.path.clone());
        let input = beside.open(faults)?;
        reading.digest.update(input.fingerprint().as_bytes());
        rule.file = Some(Arc::new(rule.read(&beside, &input, faults)));
    }
    Some(rule)
}

impl LookupRule {
    /// The tables that this looks into for rows of each of the input's tables.
    pub(super) fn bind(&self, tables: &[Table], faults: &mut Faults) -> Vec<Arc<LookupTable>> {
        if let Some(table) = &self.file {
            return vec![Arc::clone(table); tables.len().max(1)];
        }
        let Some(sheet) = &self.sheet else {
            return Vec::new();
        };
        let hint = format!(
            "name a file: `lookup = {{ file = \"….csv\", by = \"{}\", take = \"{}\" }}`",
            self.by.value, self.take.value
        );
        per_table(tables, sheet, &hint, faults, |beside, input, faults| {
            self.read(beside, input, faults)
        })
    }

    fn read(&self, beside: &Beside<'_>, input: &Input, faults: &mut Faults) -> LookupTable {
        let mut table = LookupTable {
            shown: beside.shown.clone(),
            by: self.by.value.clone(),
            ..LookupTable::default()
        };
        let Some(header) = input
            .tables()
            .first()
            .map(|table| Arc::clone(&table.header))
        else {
            return table;
        };
        let by = beside.column(&header, &self.by.value, self.by.at, faults);
        let take = beside.column(&header, &self.take.value, self.take.at, faults);
        let condition = self
            .where_
            .as_ref()
            .map(|text| Condition::new(self, text, beside, input.tables(), faults));
        let types = beside.types(&header, &self.columns, faults);
        let (Some(by), Some(take)) = (by, take) else {
            return table;
        };
        let mut doubles = Vec::new();
        let mut unjudged: Option<(u64, Box<Fault>)> = None;
        let mut further = 0;
        beside.rows(input, faults, |record, faults| {
            match condition.as_ref().map(|condition| condition.holds(&record)) {
                None | Some(Ok(true)) => {}
                Some(Ok(false)) => return 0,
                Some(Err(fault)) => {
                    match &unjudged {
                        None => unjudged = Some((record.place.row, fault)),
                        Some(_) => further += 1,
                    }
                    return 0;
                }
            }
            let item = match typed(&record, by, types[by], self.version) {
                Ok(Some(item)) => item,
                Ok(None) => return 0,
                Err(problem) => {
                    beside.unreadable(&record, &self.by, problem, faults);
                    return 0;
                }
            };
            let key = item.text().trim().to_owned();
            // The key is held as written and folded.
            let size = 2 * key.len() + record.cell(take).text().len() + 2 * ENTRY;
            let value = typed(&record, take, types[take], self.version);
            match table.add(key, value, record.place.row, &mut doubles) {
                true => size,
                false => 0,
            }
        });
        if let (Some((row, fault)), Some(text)) = (unjudged, &self.where_) {
            let rows = match further {
                0 => format!("row {row}"),
                _ => format!("row {row} and {further} more rows"),
            };
            let message = format!("{rows} of {}: {}", beside.shown, fault.message);
            *faults.add(text.at, message) = match fault.column {
                Some(_) => fault.hint,
                None => Some(OWN_TYPES.to_owned()),
            };
        }
        if let Some(more) = doubles.len().checked_sub(TOLD + 1) {
            doubles.truncate(TOLD);
            doubles.push(format!("{} more", more + 1));
        }
        if !doubles.is_empty() {
            faults.hint(
                self.by.at,
                format!(
                    "`{}` of {} says different things twice: {}",
                    self.by.value,
                    beside.shown,
                    doubles.join("; ")
                ),
                "each key must stand once: choose another `by`, or narrow the rows by `where`",
            );
        }
        table
    }

    /// What becomes of a key that is not there.
    pub(super) fn otherwise(&self) -> &Instead {
        &self.otherwise
    }

    /// The sheet of the input's own workbook that it looks into, where it does.
    pub(super) fn sheet(&self) -> Option<SheetBeside> {
        let sheet = self.sheet.as_ref().filter(|_| self.needs_input())?;
        Some(SheetBeside {
            sheet: sheet.value.clone(),
            of: None,
        })
    }

    /// Whether it looks into the input itself.
    pub(super) fn needs_input(&self) -> bool {
        self.file.is_none()
    }

    /// What stands under a value; one that the table does not have is put into `caught`, unless its row goes no further.
    pub(super) fn find<'a>(
        &self,
        table: &LookupTable,
        item: Item<'a>,
        caught: &mut Option<Caught>,
        skipped: impl FnOnce(&str) -> String,
    ) -> Result<Passed<'a>, Problem> {
        let text = item.text();
        let text = text.trim();
        if let Some(found) = table.get(text) {
            return match found.value.clone() {
                Ok(Some(value)) => Ok(Passed::On(value)),
                Ok(None) => Ok(Passed::Nothing),
                Err(problem) => Err(Problem {
                    message: format!(
                        "{}, row {}, column `{}`: {}",
                        table.shown, found.row, self.take.value, problem.message
                    ),
                    ..problem
                }),
            };
        }
        let took = match &self.otherwise {
            Instead::Value(value) => Some(value.value.as_str()),
            Instead::Keep => Some(text),
            _ => None,
        };
        if !matches!(self.otherwise, Instead::Error | Instead::SkipRow) {
            *caught = Some(Caught::new(UnfitBy::Lookup, text, took));
        }
        Ok(match &self.otherwise {
            Instead::Value(value) if value.value.trim().is_empty() => Passed::Nothing,
            Instead::Value(value) => Passed::On(Item::Text(Cow::Owned(value.value.clone()))),
            Instead::SkipField => Passed::SkipField,
            Instead::SkipItem => Passed::SkipItem,
            Instead::SkipRow => Passed::SkipRow(skipped(text)),
            Instead::Keep => Passed::On(item),
            Instead::Error => return Err(table.missing(text)),
        })
    }
}

impl LookupTable {
    /// Whether it is new.
    fn add(
        &mut self,
        key: String,
        value: Result<Option<Item<'static>>, Problem>,
        row: u64,
        doubles: &mut Vec<String>,
    ) -> bool {
        if let Some(first) = self.rows.get(&key) {
            // The same thing said twice leaves nothing open.
            if first.value != value {
                doubles.push(format!("`{key}` in rows {} and {row}", first.row));
            }
            return false;
        }
        let folded = table_key(&key).into_owned();
        self.folded
            .entry(folded)
            .and_modify(|known| *known = None)
            .or_insert_with(|| Some(key.clone()));
        self.rows.insert(key, Found { value, row });
        true
    }

    /// Whether something stands under a value.
    pub(super) fn has(&self, text: &str) -> bool {
        self.get(text.trim()).is_some()
    }

    /// As written, then without case and outer space where that is no other key.
    fn get(&self, key: &str) -> Option<&Found> {
        self.rows.get(key).or_else(|| {
            let written = self.folded.get(table_key(key).as_ref())?.as_ref()?;
            self.rows.get(written)
        })
    }

    fn missing(&self, text: &str) -> Problem {
        let near = match self.rows.len() <= SEARCHED {
            true => did_you_mean(&nearest(text, self.rows.keys().map(String::as_str))),
            false => None,
        };
        Problem::new(format!("`{}` of {} has no `{text}`", self.by, self.shown)).hint(
            near.unwrap_or_else(|| {
                "fix the cell, add the row there, or say what else: `else = { do = \"skip_field\" }` in `lookup`"
                    .to_owned()
            }),
        )
    }
}

/// The `where` of a lookup.
struct Condition {
    slots: Slots,
    scripts: Scripts,
    columns: Columns,
    script: Option<super::script::Script>,
    rules: InputRules,
}

impl Condition {
    fn new(
        rule: &LookupRule,
        text: &At<String>,
        beside: &Beside<'_>,
        tables: &[Table],
        faults: &mut Faults,
    ) -> Self {
        let mut slots = Slots::default();
        let mut scripts = Scripts::new(environment_of(rule.version));
        let place = Place::Mapping(text.at);
        let script = scripts.condition(&text.value, place, &mut slots, faults);
        let rules = InputRules {
            version: rule.version,
            columns: rule.columns.clone(),
            ..InputRules::default()
        };
        for (_, slot) in slots.iter() {
            if let Some(table) = tables.first()
                && table.header.find(&slot.name).is_none()
            {
                beside.column(&table.header, &slot.name, text.at, faults);
            }
        }
        // What is missing was told under the name of this table.
        let columns = Columns::bind(&slots, &rules, tables, &mut faults.clone());
        Self {
            slots,
            scripts,
            columns,
            script,
            rules,
        }
    }

    fn holds(&self, record: &Record) -> Result<bool, Box<Fault>> {
        let Some(script) = &self.script else {
            return Ok(false);
        };
        let reader = Reader {
            columns: &self.columns,
            rules: &self.rules,
            slots: &self.slots,
            zone: None,
            item: None,
            field: None,
            computing: None,
        };
        let rows = std::slice::from_ref(record);
        render::holds(&self.scripts, script, &reader, rows, Take::First)
    }
}
