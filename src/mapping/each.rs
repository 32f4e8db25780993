//! `each`: the items for which a step of `[[then]]` is done, one after the other: parts of a cell, members of a JSON
//! array, or the rows of another sheet or file, which are read once and held.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::beside::{Beside, per_table};
use super::bind::order;
use super::field::read_field;
use super::file::{At, Faults, Section};
use super::item::Item;
use super::keys;
use super::load::Reading;
use super::shape::FieldRule;
use super::table_key;
use crate::record::Record;
use crate::source::{Input, Table};

/// What an item takes besides its texts, and what each of its members does, in bytes: measured.
const ROW: usize = 512;
const MEMBER: usize = 256;

/// `each = { … }` as it is written.
#[derive(Debug)]
pub(super) enum EachRule {
    /// The items stand in a cell.
    Cell(Arc<FieldRule>),
    /// The items are rows elsewhere.
    Rows(RowsRule),
}

/// The rows of another sheet or file.
#[derive(Debug)]
pub(super) struct RowsRule {
    sheet: Option<At<String>>,
    /// The column of the input that says to which row an item belongs.
    pub(super) on: Arc<FieldRule>,
    by: At<String>,
    order_by: Option<At<String>>,
    /// The rows, where they stand in a file of their own: read with the mapping.
    file: Option<Arc<Items>>,
}

/// Items by what they belong to.
#[derive(Debug, Default)]
pub(super) struct Items {
    by: HashMap<String, Vec<Value>>,
}

impl Items {
    /// The items of a row, in order.
    pub(super) fn of(&self, key: &str) -> &[Value] {
        self.by
            .get(table_key(key).as_ref())
            .map_or(&[], Vec::as_slice)
    }
}

/// Reads `each`; a file is read right away.
pub(super) fn read_each(
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<EachRule> {
    let (table, at) = section.table("each", faults)?;
    let inner = Section::open(table, at, &keys::EACH, faults);
    let is_rows = inner.has("sheet") || inner.has("file");
    if !is_rows {
        for key in ["on", "by", "order_by"] {
            if inner.has(key) {
                let message = format!("`{key}` in `each` needs a `sheet` or a `file`");
                faults.hint(inner.key_at(key), message, "name where the items stand");
            }
        }
        let name = At::new("each".to_owned(), at);
        let rule = read_field(name, &inner, reading, faults);
        return Some(EachRule::Cell(Arc::new(rule)));
    }
    if let Some(key) = ["from", "split", "parse"]
        .into_iter()
        .find(|key| inner.has(key))
    {
        let message = format!("`each` takes rows of a table: `{key}` has no place there");
        faults.hint(inner.key_at(key), message, "leave it out");
    }
    let Some(on) = inner.text("on", faults) else {
        let hint = "add `on = \"Ticket #\"`: the column that both have";
        faults.hint(at, "`each` does not say to which row an item belongs", hint);
        return None;
    };
    let mut rule = RowsRule {
        sheet: inner.text("sheet", faults),
        by: inner.text("by", faults).unwrap_or_else(|| on.clone()),
        order_by: inner.text("order_by", faults),
        on: Arc::new(FieldRule::key_column(on)),
        file: None,
    };
    if let Some(file) = inner.text("file", faults) {
        let beside = Beside::file(&reading.folder, &file, rule.sheet.as_ref());
        reading.beside.push(beside.path.clone());
        let input = beside.open(faults)?;
        reading.digest.update(input.fingerprint().as_bytes());
        rule.file = Some(Arc::new(rule.read(&beside, &input, faults)));
    }
    Some(EachRule::Rows(rule))
}

impl RowsRule {
    /// The items for rows of each of the input's tables.
    pub(super) fn bind(&self, tables: &[Table], faults: &mut Faults) -> Vec<Arc<Items>> {
        if let Some(items) = &self.file {
            return vec![Arc::clone(items); tables.len().max(1)];
        }
        let Some(sheet) = &self.sheet else {
            return Vec::new();
        };
        let hint = "name a file: `each = { file = \"….csv\", on = \"…\" }`";
        per_table(tables, sheet, hint, faults, |beside, input, faults| {
            self.read(beside, input, faults)
        })
    }

    /// Whether it reads the input's own workbook.
    pub(super) fn needs_input(&self) -> bool {
        self.file.is_none()
    }

    fn read(&self, beside: &Beside<'_>, input: &Input, faults: &mut Faults) -> Items {
        let mut items = Items::default();
        let Some(table) = input.tables().first() else {
            return items;
        };
        let header = Arc::clone(&table.header);
        let by = beside.column(&header, &self.by.value, self.by.at, faults);
        let order_by = match &self.order_by {
            Some(name) => beside.column(&header, &name.value, name.at, faults),
            None => None,
        };
        let Some(by) = by else { return items };
        let mut found: HashMap<String, Vec<(Option<Item<'static>>, Value)>> = HashMap::new();
        beside.rows(input, faults, |record, _| {
            let Some(key) = Item::of(record.cell(by)) else {
                return 0;
            };
            let names = header.names().iter().enumerate();
            let sizes = names.map(|(at, name)| name.len() + record.cell(at).text().len() + MEMBER);
            let size = ROW + sizes.sum::<usize>();
            let rank = order_by.and_then(|at| Item::of(record.cell(at)).map(Item::into_owned));
            let key = table_key(&key.text()).into_owned();
            let item = object(header.names(), &record);
            found.entry(key).or_default().push((rank, item));
            size
        });
        for (key, mut rows) in found {
            // Stable: rows of one rank stay as they stand.
            rows.sort_by(|(a, _), (b, _)| order(a.as_ref(), b.as_ref()));
            let rows = rows.into_iter().map(|(_, item)| item).collect();
            items.by.insert(key, rows);
        }
        items
    }
}

/// A row as an item: its cells by their headings.
fn object(names: &[String], record: &Record) -> Value {
    let mut members = Map::new();
    for (index, name) in names.iter().enumerate() {
        let value = Item::of(record.cell(index)).map_or(Value::Null, Item::into_json);
        members.entry(name.as_str()).or_insert(value);
    }
    Value::Object(members)
}
