//! `each`: the items for which a step of `[[then]]` is done, one after the other: parts of a cell, members of a JSON
//! array, or the rows of another sheet or file, which are read once and held.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::SheetBeside;
use super::input::{ORDERS, read_columns};
use super::rank::{Untyped, order, trim};

use super::beside::{Beside, per_table, typed};
use super::field::read_field;
use super::file::{At, Faults, Section};
use super::item::Item;
use super::keys::Keys;
use super::load::Reading;
use super::orphans::Claimed;
use super::parse::Problem;
use super::shape::{FieldRule, Origin, ParseKind, ParseRule, Version};
use super::table_key;
use crate::record::{Header, Place, Record};
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
    /// The items are the rows of the group.
    Group(GroupRule),
}

/// The rows of the group.
#[derive(Debug)]
pub(super) struct GroupRule {
    pub(super) at: usize,
    /// The column that orders them; `None`: as the group is ordered.
    pub(super) order_by: Option<At<String>>,
    pub(super) descending: bool,
}

/// The rows of another sheet or file.
#[derive(Debug)]
pub(super) struct RowsRule {
    version: Version,
    /// The types of columns.
    columns: Vec<(At<String>, ParseRule)>,
    sheet: Option<At<String>>,
    /// The column of the input that says to which row an item belongs.
    pub(super) on: Arc<FieldRule>,
    by: At<String>,
    order_by: Option<At<String>>,
    descending: bool,
    /// The rows, where they stand in a file of their own: read with the mapping.
    file: Option<Arc<Items>>,
}

/// One item of `each`.
#[derive(Debug, Clone)]
pub(crate) enum EachItem {
    /// A part of a cell.
    Json(Value),
    /// A row elsewhere.
    Row(Arc<RowItem>),
    /// A row of the group.
    Record(Arc<Record>),
}

impl EachItem {
    /// Where it stands, if that is elsewhere.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::Json(_) => None,
            Self::Row(row) => Some(&row.place),
            Self::Record(row) => Some(&row.place),
        }
    }
}

/// A row of another sheet or file.
#[derive(Debug)]
pub(crate) struct RowItem {
    place: Place,
    version: Version,
    header: Arc<Header>,
    /// One a column: its value, or why it cannot be read.
    cells: Vec<Result<Option<Item<'static>>, Problem>>,
}

impl RowItem {
    /// The value of a column; `None` where there is none of that name.
    pub(super) fn get(&self, name: &str) -> Option<Result<Option<Item<'static>>, Problem>> {
        let position = match self.version {
            Version::One => self.header.names().iter().position(|known| known == name),
            Version::Two => self.header.position(name),
        };
        self.cells.get(position?).cloned()
    }

    /// Where it stands.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The names of its columns.
    pub(crate) fn names(&self) -> &[String] {
        self.header.names()
    }

    /// The whole row: its cells by their headings.
    pub(crate) fn to_json(&self) -> Value {
        let mut members = Map::new();
        for (name, cell) in self.header.names().iter().zip(&self.cells) {
            let value = cell
                .clone()
                .ok()
                .flatten()
                .map_or(Value::Null, Item::into_json);
            members.entry(name.as_str()).or_insert(value);
        }
        Value::Object(members)
    }
}

/// A row with what it is ordered by.
type Ranked = (Option<Item<'static>>, Arc<RowItem>);

/// Items by what they belong to.
#[derive(Debug, Default)]
pub(super) struct Items {
    by: HashMap<String, Vec<Arc<RowItem>>>,
    /// What is ordered as texts although it seems to be something else.
    pub(super) untyped: Untyped,
    /// What the columns are called; `None` where the table could not be read.
    pub(super) header: Option<Arc<Header>>,
    /// What messages call the table.
    pub(super) shown: String,
    /// Which of them belong to a row of the input.
    pub(super) claimed: Claimed,
}

impl Items {
    /// All of them by what they belong to.
    pub(super) fn by_key(&self) -> impl Iterator<Item = (&str, &[Arc<RowItem>])> {
        self.by
            .iter()
            .map(|(key, rows)| (key.as_str(), rows.as_slice()))
    }

    /// The items of a row, in order.
    pub(super) fn of(&self, key: &str) -> &[Arc<RowItem>] {
        self.by
            .get(table_key(key).as_ref())
            .map_or(&[], Vec::as_slice)
    }
}

/// Reads `each`; a file is read right away.
pub(super) fn read_each(
    section: &Section<'_, '_>,
    keys: &'static Keys,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<EachRule> {
    let (table, at) = section.table("each", faults)?;
    let inner = Section::open(table, at, keys, faults);
    let is_rows = inner.has("sheet") || inner.has("file");
    if inner.bool("rows", faults).unwrap_or(false) {
        let others = inner.keys().map(|key| key.name);
        let others = others.filter(|key| !["rows", "order_by", "order"].contains(key));
        for key in others.filter(|key| inner.has(key)) {
            let message = format!("`each` takes the rows of the group: `{key}` has no place there");
            faults.hint(inner.key_at(key), message, "leave it out");
        }
        return Some(EachRule::Group(GroupRule {
            at,
            order_by: inner.text("order_by", faults),
            descending: inner.word("order", &ORDERS, faults).unwrap_or(false),
        }));
    }
    if !is_rows {
        for key in ["on", "by", "order_by", "columns"] {
            if inner.has(key) {
                let message = format!("`{key}` in `each` needs a `sheet` or a `file`");
                faults.hint(inner.key_at(key), message, "name where the items stand");
            }
        }
        let name = At::new("each".to_owned(), at);
        let rule = read_field(name, &inner, reading, faults);
        let reads_json = |parse: &ParseRule| parse.kind == ParseKind::Json;
        if rule.parse.as_ref().is_some_and(|parse| !reads_json(parse)) {
            let message = "`parse` in `each` can only be \"json\"";
            let hint = "leave it out: fields give an item its type";
            faults.hint(inner.key_at("parse"), message, hint);
        }
        return Some(EachRule::Cell(Arc::new(rule)));
    }
    if let Some(key) = ["from", "list", "split", "parse", "optional"]
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
        version: reading.version,
        columns: read_columns(&inner, reading.version, faults),
        sheet: inner.text("sheet", faults),
        by: inner.text("by", faults).unwrap_or_else(|| on.clone()),
        order_by: inner.text("order_by", faults),
        descending: inner.word("order", &ORDERS, faults).unwrap_or(false),
        on: Arc::new(FieldRule::key_column(on)),
        file: None,
    };
    if let Some(file) = inner.text("file", faults) {
        let path = reading.place(&file, faults)?;
        let beside = Beside::file(path, &file, rule.sheet.as_ref());
        reading.beside.push(beside.path.clone());
        let input = beside.open(faults)?;
        reading.digest.update(input.fingerprint().as_bytes());
        rule.file = Some(Arc::new(rule.read(&beside, &input, faults)));
    }
    Some(EachRule::Rows(rule))
}

/// Puts things with their ranks in order; those of one rank stay as they stand.
pub(super) fn sort<T>(ranked: &mut [(Option<Item<'static>>, T)], descending: bool) {
    ranked.sort_by(|(a, _), (b, _)| {
        let order = order(a.as_ref(), b.as_ref());
        match descending {
            true => order.reverse(),
            false => order,
        }
    });
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

    /// The sheet of the input's own workbook that it reads, where it does.
    pub(super) fn sheet(&self) -> Option<SheetBeside> {
        let sheet = self.sheet.as_ref().filter(|_| self.needs_input())?;
        let Origin::Columns { columns, .. } = &self.on.origin else {
            return None;
        };
        Some(SheetBeside {
            sheet: sheet.value.clone(),
            of: Some((columns.first()?.value.clone(), self.by.value.clone())),
        })
    }

    fn read(&self, beside: &Beside<'_>, input: &Input, faults: &mut Faults) -> Items {
        let mut items = Items {
            shown: beside.shown.clone(),
            ..Items::default()
        };
        let Some(table) = input.tables().first() else {
            return items;
        };
        let header = Arc::clone(&table.header);
        items.header = Some(Arc::clone(&header));
        let types = beside.types(&header, &self.columns, faults);
        let by = beside.column(&header, &self.by.value, self.by.at, faults);
        let order_by = match &self.order_by {
            Some(name) => beside.column(&header, &name.value, name.at, faults),
            None => None,
        };
        let Some(by) = by else { return items };
        let mut found: HashMap<String, Vec<Ranked>> = HashMap::new();
        beside.rows(input, faults, |record, faults| {
            let cells = (0..header.len())
                .map(|at| typed(&record, at, types[at], self.version))
                .collect();
            let row = RowItem {
                place: record.place.clone(),
                version: self.version,
                header: Arc::clone(&header),
                cells,
            };
            let key = match row.cells[by].clone() {
                Ok(Some(key)) => key,
                Ok(None) => return 0,
                Err(problem) => {
                    beside.unreadable(&record, &self.by, problem, faults);
                    return 0;
                }
            };
            let names = header.names().iter().enumerate();
            let sizes = names.map(|(at, name)| name.len() + record.cell(at).text().len() + MEMBER);
            let size = ROW + sizes.sum::<usize>();
            let mut rank = match order_by.map(|at| row.cells[at].clone()) {
                None => None,
                Some(Ok(rank)) => rank,
                Some(Err(problem)) => {
                    let name = self.order_by.as_ref().unwrap_or(&self.by);
                    beside.unreadable(&record, name, problem, faults);
                    None
                }
            };
            if self.version >= Version::Two {
                rank.iter_mut().for_each(trim);
            }
            let key = table_key(&key.text()).into_owned();
            found.entry(key).or_default().push((rank, Arc::new(row)));
            size
        });
        for (key, mut rows) in found {
            match (self.descending, &self.order_by) {
                (true, None) => rows.reverse(),
                (is_turned, _) => sort(&mut rows, is_turned),
            }
            items
                .untyped
                .note(rows.iter().map(|(rank, _)| rank.as_ref()));
            let rows = rows.into_iter().map(|(_, item)| item).collect();
            items.by.insert(key, rows);
        }
        items
    }
}
