//! Where the columns that a plan reads stand in the tables of an input, and how their cells are read.

use std::borrow::Cow;
use std::sync::Arc;

use super::append::Appended;
use super::computed::Computing;
use super::each::EachItem;
use super::file::Faults;
use super::item::Item;
use super::parse::{Problem, same};
use super::script::Origin;
use super::shape::{FieldRule, InputRules, ParseKind, ParseRule, Version};
use super::slots::Slots;
use super::stages::of_json;

use crate::directory::suggest::{did_you_mean, fold, nearest};
use crate::error::Fault;
use crate::record::{Cell, ColumnRef, Header, Record, STAMP, ShownNumber};
use crate::source::Table;
use crate::source::own::{self, Own};

/// What a part of the key is called.
const KEY: &str = "key";

/// What one cell gives.
#[derive(Debug, PartialEq)]
pub(super) enum Got<'r> {
    /// Nothing.
    Empty,
    /// Nothing, for a step of a column that is made left it out: that empties no field.
    LeftOut,
    /// A value.
    One(Item<'r>),
    /// The values of several columns, without the empty ones.
    Many(Vec<Item<'r>>),
}

/// The plan's columns in the tables of one input.
#[derive(Debug)]
pub(super) struct Columns {
    tables: Vec<TableColumns>,
    /// What a person should know about them.
    notes: Vec<String>,
}

#[derive(Debug)]
struct TableColumns {
    header: Arc<Header>,
    /// By slot; `None` where this table lacks the column.
    refs: Vec<Option<ColumnRef>>,
    /// By column: which typing rule of `[input.columns]`.
    types: Vec<Option<usize>>,
    /// What an error file adds.
    own: Option<Own>,
    /// `_key`, as an error file carries it.
    key: Option<usize>,
    /// The content's columns, in an order that no file decides.
    content: Vec<(String, ColumnRef)>,
}

impl Columns {
    /// Finds every column; one that no table has is a fault.
    pub(super) fn bind(
        slots: &Slots,
        rules: &InputRules,
        tables: &[Table],
        faults: &mut Faults,
    ) -> Self {
        let mut notes = Vec::new();
        let find = |table: &Table, name: &str| rules.version.find(&table.header, name);
        for (number, slot) in slots.iter() {
            if !slots.is_column(number) || slot.computed.is_some() || !slot.is_needed {
                continue;
            }
            let lack = |table: &&Table| find(table, &slot.name).is_none();
            let lacking: Vec<&Table> = tables.iter().filter(lack).collect();
            let Some(first) = lacking.first() else {
                continue;
            };
            if lacking.len() == tables.len() {
                missing_column(&slot.name, &slot.origin, tables, faults);
                continue;
            }
            let more = match lacking.len() - 1 {
                0 => " has".to_owned(),
                more => format!(" and {more} more have"),
            };
            let message = format!("{}{more} no column `{}`", called(first), slot.name);
            match rules.version {
                Version::One => notes.push(format!("{message}: it counts as empty there")),
                Version::Two => {
                    let near = did_you_mean(&nearest(
                        &slot.name,
                        first.header.names().iter().map(String::as_str),
                    ));
                    let hint = "add the column there; where a field may do without it, write `optional = true` into the field";
                    let hint =
                        near.map_or(hint.to_owned(), |near| format!("{near} Otherwise: {hint}"));
                    slot.origin.fault(faults, message, Some(hint));
                }
            }
        }
        for (name, _) in &rules.columns {
            let known = |table: &Table| find(table, &name.value).is_some();
            if slots.find(&name.value).is_none() && !tables.iter().any(known) {
                missing_column(&name.value, &Origin::Mapping(name.at), tables, faults);
            }
        }
        let bound = tables
            .iter()
            .map(|table| TableColumns::new(slots, rules, table));
        Self {
            tables: bound.collect(),
            notes,
        }
    }

    /// What a person should know about the columns of the input.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn table(&self, record: &Record) -> Option<&TableColumns> {
        self.tables.get(record.table)
    }

    /// The header of a record's table.
    pub(super) fn header(&self, record: &Record) -> Option<&Arc<Header>> {
        self.table(record).map(|table| &table.header)
    }

    /// Where a slot stands in a table: the positions of its columns, with their names.
    pub(super) fn positions(
        &self,
        table: usize,
        slot: usize,
    ) -> impl Iterator<Item = (usize, &str)> {
        let table = self.tables.get(table);
        let found = table.and_then(|table| Some((table, table.refs.get(slot)?.as_ref()?)));
        let columns: &[usize] = match found {
            Some((_, ColumnRef::One(index))) => std::slice::from_ref(index),
            Some((_, ColumnRef::All(all))) => all,
            _ => &[],
        };
        let names = found.map(|(table, _)| table.header.names());
        columns
            .iter()
            .filter_map(move |&index| Some((index, names?.get(index)?.as_str())))
    }

    /// `_file`: what the first input of a row was called.
    pub(super) fn file<'r>(&self, record: &'r Record) -> Cow<'r, str> {
        let kept = self.own_text(record, own::FILE);
        kept.map_or(Cow::Borrowed(&*record.place.file), Cow::Owned)
    }

    /// `_sheet`: the same.
    pub(super) fn sheet<'r>(&self, record: &'r Record) -> Option<Cow<'r, str>> {
        let kept = self.own_text(record, own::SHEET).map(Cow::Owned);
        kept.or_else(|| record.place.sheet.as_deref().map(Cow::Borrowed))
    }

    /// `_row`: the number that a row has in the first input.
    pub(super) fn row(&self, record: &Record) -> u64 {
        let own = self.table(record).and_then(|table| table.own);
        let kept = own.and_then(|own| own.row(record));
        kept.unwrap_or(record.place.row)
    }

    fn own_text(&self, record: &Record, name: &str) -> Option<String> {
        self.table(record)?.own?.text(record, name)
    }

    /// Whether something reads how the file is called, and whether something reads it of the sheet.
    pub(super) fn names_read(&self) -> (bool, bool) {
        let reads = |wanted: ColumnRef| {
            let mut all = self.tables.iter().flat_map(|table| table.refs.iter());
            all.any(|found| found.as_ref() == Some(&wanted))
        };
        (reads(ColumnRef::File), reads(ColumnRef::Sheet))
    }

    /// A table with a `_key` of its own, which is no error file.
    pub(super) fn with_foreign_key<'t>(&self, tables: &'t [Table]) -> Option<&'t Table> {
        let mut bound = self.tables.iter().zip(tables);
        let found = bound.find(|(columns, table)| {
            columns.own.is_none() && table.header.position("_key").is_some()
        });
        found.map(|(_, table)| table)
    }

    /// Whether the input is an error file, which carries the keys of its rows.
    pub(super) fn carries_keys(&self) -> bool {
        self.tables.iter().any(|table| table.key.is_some())
    }

    /// The `_key` of a row that comes from an error file.
    pub(super) fn carried_key<'r>(&self, record: &'r Record) -> Option<Cow<'r, str>> {
        let cell = record.cell(self.table(record)?.key?);
        (!cell.is_empty()).then(|| cell.text())
    }

    /// Whether a slot of any table is typed by `[input.columns]`, and as what.
    pub(super) fn declared<'p>(&self, slot: usize, rules: &'p InputRules) -> Option<&'p ParseRule> {
        self.tables.iter().find_map(|table| {
            let Some(ColumnRef::One(index)) = table.refs.get(slot)? else {
                return None;
            };
            let rule = (*table.types.get(*index)?)?;
            rules.columns.get(rule).map(|(_, rule)| rule)
        })
    }

    /// The cells of a row by their headings.
    fn to_json(&self, record: &Record) -> serde_json::Value {
        let header = self.header(record);
        let names = header.iter().flat_map(|header| header.names());
        let cells = names.enumerate().map(|(index, name)| {
            let cell = Item::of(record.cell(index));
            let value = cell.map_or(serde_json::Value::Null, Item::into_json);
            (name.clone(), value)
        });
        serde_json::Value::Object(cells.collect())
    }

    /// How the input writes the heading of a column of that name, where it has one.
    pub(super) fn heading(&self, name: &str) -> Option<&str> {
        self.tables.iter().find_map(|table| {
            let position = table.header.position(name)?;
            table.header.names().get(position).map(String::as_str)
        })
    }

    /// Whether a slot is a number by itself.
    pub(super) fn is_row_number(&self, slot: usize) -> bool {
        self.tables
            .iter()
            .any(|table| matches!(table.refs.get(slot), Some(Some(ColumnRef::Row))))
    }

    /// The columns of each table of the input by their unique names, those that an error file adds left out.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        self.tables.iter().enumerate().flat_map(|(table, columns)| {
            let names = columns.header.names().iter().enumerate();
            let theirs = names.filter(|(index, _)| !columns.is_own(*index));
            theirs.map(move |(index, name)| (table, index, name.as_str()))
        })
    }

    /// Whether something reads a column of a table.
    pub(super) fn reads(&self, table: usize, index: usize) -> bool {
        let table = self.tables.get(table);
        let mut columns = table.iter().flat_map(|table| table.refs.iter().flatten());
        columns.any(|column| match column {
            ColumnRef::One(at) => *at == index,
            ColumnRef::All(all) => all.contains(&index),
            ColumnRef::File | ColumnRef::Sheet | ColumnRef::Row => false,
        })
    }

    /// Columns that nothing reads, as (table, name); the error file's own are not counted.
    pub(super) fn unread(&self) -> Vec<(usize, String)> {
        let mut unread = Vec::new();
        for (number, table) in self.tables.iter().enumerate() {
            let mut read = vec![false; table.header.len()];
            for column in table.refs.iter().flatten() {
                match column {
                    ColumnRef::One(index) => read[*index] = true,
                    ColumnRef::All(all) => all.iter().for_each(|index| read[*index] = true),
                    ColumnRef::File | ColumnRef::Sheet | ColumnRef::Row => {}
                }
            }
            let names = table.header.names().iter().zip(read).enumerate();
            unread.extend(
                names
                    .filter(|(index, (_, read))| !read && !table.is_own(*index))
                    .map(|(_, (name, _))| (number, name.clone())),
            );
        }
        unread
    }

    /// Adds the columns that are listed under the description to what makes the content of a row.
    pub(super) fn add_content(&mut self, appended: &Appended) {
        for (number, table) in self.tables.iter_mut().enumerate() {
            let more = appended.columns(number);
            let more = more.map(|(index, name)| (fold(name), ColumnRef::One(index)));
            table.content.extend(more);
            table.content.sort_by(|a, b| a.0.cmp(&b.0));
        }
    }

    /// The cells that make the content of a row, by name.
    pub(super) fn content<'c>(
        &'c self,
        record: &'c Record,
    ) -> impl Iterator<Item = (&'c str, &'c Cell)> {
        let columns = self
            .table(record)
            .map_or(&[][..], |table| table.content.as_slice());
        columns.iter().flat_map(|(name, column)| {
            let indexes: &[usize] = match column {
                ColumnRef::One(index) => std::slice::from_ref(index),
                ColumnRef::All(all) => all,
                ColumnRef::File | ColumnRef::Sheet | ColumnRef::Row => &[],
            };
            indexes
                .iter()
                .map(|index| (name.as_str(), record.cell(*index)))
        })
    }
}

impl TableColumns {
    fn is_own(&self, column: usize) -> bool {
        self.own.is_some_and(|own| own.has(column))
            || (self.header.names().get(column)).is_some_and(|name| name == STAMP)
    }

    fn new(slots: &Slots, rules: &InputRules, table: &Table) -> Self {
        let header = &table.header;
        let refs: Vec<Option<ColumnRef>> = slots
            .iter()
            .map(|(_, slot)| match slot.computed {
                Some(_) => None,
                None => rules.version.find(header, &slot.name),
            })
            .collect();
        let mut types = vec![None; header.len()];
        for (rule, (name, _)) in rules.columns.iter().enumerate() {
            match rules.version.find(header, &name.value) {
                Some(ColumnRef::One(index)) => types[index] = Some(rule),
                Some(ColumnRef::All(all)) => {
                    all.iter().for_each(|index| types[*index] = Some(rule))
                }
                _ => {}
            }
        }
        let mut content: Vec<(String, ColumnRef)> = slots
            .iter()
            .zip(&refs)
            .filter(|((_, slot), _)| slot.is_content)
            .filter_map(|((_, slot), column)| Some((fold(&slot.name), column.clone()?)))
            .collect();
        content.sort_by(|a, b| a.0.cmp(&b.0));
        content.dedup_by(|a, b| a.0 == b.0);
        let own = Own::of(header);
        let of_file = || match rules.version {
            Version::One => header.position("_key"),
            Version::Two => None,
        };
        Self {
            refs,
            types,
            key: own.map_or_else(of_file, |own| own.column("_key")),
            own,
            content,
            header: Arc::clone(header),
        }
    }
}

/// A member of a value, or the value itself: `.author.name`, or nothing for the whole.
fn member(value: &serde_json::Value, path: &str) -> Option<Item<'static>> {
    let mut members = path.split('.').filter(|member| !member.is_empty());
    let found = members.try_fold(value, |value, member| value.get(member));
    found.cloned().and_then(of_json)
}

/// A table of the input, for people.
pub(super) fn called(table: &Table) -> String {
    match &table.sheet {
        Some(sheet) => format!("sheet `{sheet}` of `{}`", table.file),
        None => format!("`{}`", table.file),
    }
}

pub(super) fn missing_column(name: &str, origin: &Origin, tables: &[Table], faults: &mut Faults) {
    let mut names: Vec<&str> = Vec::new();
    for table in tables {
        names.extend(table.header.names().iter().map(String::as_str));
    }
    let is_item = name == "item" || name.starts_with("item.");
    let of_each = "`item` is one of what `each = { … }` says, of `[[then]]` or at the top of the mapping: there is none";
    let near = match is_item {
        true => Some(of_each.to_owned()),
        false => did_you_mean(&nearest(name, names.iter().copied())),
    };
    let hint = near.or_else(|| {
        let shown: Vec<String> = names
            .iter()
            .take(12)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = if names.len() > 12 { ", …" } else { "" };
        (!shown.is_empty()).then(|| format!("the input has {}{more}", shown.join(", ")))
    });
    origin.fault(faults, format!("the input has no column `{name}`"), hint);
}

/// How cells are read: the columns, their types, what counts as empty.
#[derive(Clone, Copy)]
pub(super) struct Reader<'p> {
    pub(super) columns: &'p Columns,
    pub(super) rules: &'p InputRules,
    pub(super) slots: &'p Slots,
    pub(super) zone: Option<&'p jiff::tz::TimeZone>,
    /// The item of `each` for which a step is made.
    pub(super) item: Option<&'p EachItem>,
    /// The field that is made, where it is one.
    pub(super) field: Option<&'p FieldRule>,
    /// What makes the columns that the input does not have.
    pub(super) computing: Option<Computing<'p>>,
}

impl<'p> Reader<'p> {
    /// The value of a column in a row.
    ///
    /// # Errors
    /// When the cell cannot be read, or is not what `[input.columns]` says.
    pub(super) fn get<'r>(&self, slot: usize, record: &'r Record) -> Result<Got<'r>, Box<Fault>> {
        let one = |item: Option<Item<'r>>| item.map_or(Got::Empty, Got::One);
        if let (true, Some(EachItem::Record(row))) = (self.slots.is_of_item(slot), self.item) {
            return Ok(match self.in_row(slot, row)? {
                Got::Empty => Got::Empty,
                Got::LeftOut => Got::LeftOut,
                Got::One(item) => Got::One(item.into_owned()),
                Got::Many(items) => Got::Many(items.into_iter().map(Item::into_owned).collect()),
            });
        }
        if let Some(path) = self.slots.item(slot) {
            let item = self.of_item(path).map_err(|problem| {
                let name = format!("item{path}");
                let message = format!("column `{name}`: {}", problem.message);
                let fault = Fault::row(record.place.clone(), message).column(name);
                Box::new(Fault {
                    hint: problem.hint,
                    rule: problem.rule,
                    ..fault
                })
            })?;
            return Ok(one(item.filter(|item| !self.is_null(item))));
        }
        self.in_row(slot, record)
    }

    fn in_row<'r>(&self, slot: usize, record: &'r Record) -> Result<Got<'r>, Box<Fault>> {
        let Some(table) = self.columns.table(record) else {
            return Ok(Got::Empty);
        };
        let one = |item: Option<Item<'r>>| item.map_or(Got::Empty, Got::One);
        if let Some(path) = self.slots.ticket_item(slot) {
            let item = Item::of(record.cell(table.header.len())).map(Item::into_owned);
            let item = match path {
                "" => item,
                path => member(&item.map_or(serde_json::Value::Null, Item::into_json), path),
            };
            return Ok(one(item.filter(|item| !self.is_null(item))));
        }
        if let (Some(number), Some(computing)) = (self.slots.computed(slot), self.computing) {
            let made = computing.column(number, self, record)?;
            return Ok(self.without_null(made));
        }
        match table.refs.get(slot).and_then(Option::as_ref) {
            None => Ok(Got::Empty),
            Some(ColumnRef::One(index)) => {
                self.cell(*index, record, self.slots.name(slot)).map(one)
            }
            Some(ColumnRef::All(all)) => {
                let mut items = Vec::new();
                for index in all {
                    items.extend(self.cell(*index, record, self.slots.name(slot))?);
                }
                Ok(if items.is_empty() {
                    Got::Empty
                } else {
                    Got::Many(items)
                })
            }
            Some(ColumnRef::File) => Ok(Got::One(Item::Text(self.columns.file(record)))),
            Some(ColumnRef::Sheet) => Ok(one(self.columns.sheet(record).map(Item::Text))),
            Some(ColumnRef::Row) => Ok(Got::One(Item::Integer(
                i64::try_from(self.columns.row(record)).unwrap_or(i64::MAX),
            ))),
        }
    }

    /// The value of a member of the item, or the item itself: `.author.name`, or nothing for the whole.
    fn of_item(&self, path: &str) -> Result<Option<Item<'static>>, Problem> {
        match self.item {
            None => Ok(None),
            Some(EachItem::Json(value)) => {
                let item = member(value, path);
                Ok(match self.rules.version {
                    Version::One => item,
                    Version::Two => item.map(Item::with_plain_lines),
                })
            }
            Some(EachItem::Row(row)) => match path.strip_prefix('.') {
                Some(name) => row.get(name).unwrap_or(Ok(None)),
                None => Ok(of_json(row.to_json())),
            },
            Some(EachItem::Record(row)) => Ok(of_json(self.columns.to_json(row))),
        }
    }

    /// Whether a text is one of the words for an empty cell.
    pub(super) fn is_null_text(&self, text: &str) -> bool {
        self.rules.null.iter().any(|word| same(word, text))
    }

    /// Whether a value is one of the words for an empty cell.
    fn is_null(&self, item: &Item<'_>) -> bool {
        match (item, self.rules.version) {
            (Item::Text(text), _) => self.rules.null.iter().any(|word| same(word, text)),
            (_, Version::One) => false,
            (_, Version::Two) if self.rules.null.is_empty() => false,
            (item, Version::Two) => {
                let text = item.text();
                self.rules.null.iter().any(|word| same(word, &text))
            }
        }
    }

    /// What a column that is made gives a field that has empty words of its own.
    fn without_null<'r>(&self, got: Got<'r>) -> Got<'r> {
        let field = self.field.filter(|field| field.version >= Version::Two);
        let Some(field) = field.filter(|field| !field.null.is_empty()) else {
            return got;
        };
        let is_filled = |item: &Item<'_>| !field.null.iter().any(|word| same(word, &item.text()));
        match got {
            Got::One(item) if !is_filled(&item) => Got::Empty,
            Got::Many(mut items) => {
                items.retain(is_filled);
                match items.is_empty() {
                    true => Got::Empty,
                    false => Got::Many(items),
                }
            }
            got => got,
        }
    }

    /// Whether a number is taken as it is held: where a number is wanted, and in a key, which takes only zeros and
    /// letters as they are shown, for rounding and separators are no part of an id.
    fn wants_held(&self, shown: &ShownNumber, column: Option<&ParseRule>) -> bool {
        let wants_number =
            |rule: &ParseRule| matches!(rule.kind, ParseKind::Number | ParseKind::Integer);
        if column.is_some_and(|rule| rule.kind == ParseKind::Text) {
            return false;
        }
        let of_field = self.field.and_then(|field| field.parse.as_ref());
        if column.or(of_field).is_some_and(wants_number) {
            return true;
        }
        match self.field {
            Some(field) => {
                let is_key = field.name.value == KEY || field.resolve.by_key.is_some();
                is_key && !shown.is_exact
            }
            // Conditions, groups and orders compare.
            None => !shown.is_exact,
        }
    }

    /// Whether a cell that shows this error counts as empty.
    fn passes_error(&self, shown: &str) -> bool {
        let is_word = |word: &String| same(word, shown);
        self.rules.empty_errors
            || self.rules.null.iter().any(is_word)
            || self
                .field
                .is_some_and(|field| field.empty_errors || field.null.iter().any(is_word))
    }

    /// The value of a cell by its position.
    pub(super) fn cell<'r>(
        &self,
        index: usize,
        record: &'r Record,
        name: &str,
    ) -> Result<Option<Item<'r>>, Box<Fault>> {
        let cell = record.cell(index);
        if let Cell::Fault(why) = cell {
            return match cell.error() {
                Some(shown) if self.passes_error(shown) => Ok(None),
                shown => {
                    let hint = match shown {
                        Some(_) => {
                            "fix the cell in the spreadsheet program, or let such cells count as empty: error_cells = \"empty\" in [input] or on the field"
                        }
                        None => "fix the cell in the spreadsheet program",
                    };
                    let fault = Fault::row(record.place.clone(), format!("column `{name}`: {why}"));
                    Err(Box::new(fault.column(name).hint(hint)))
                }
            };
        }
        let rule = self
            .columns
            .table(record)
            .and_then(|table| *table.types.get(index)?)
            .and_then(|rule| self.rules.columns.get(rule));
        let item = match cell {
            Cell::Shown(shown) if self.wants_held(shown, rule.map(|(_, rule)| rule)) => {
                Some(Item::of_number(shown.number))
            }
            cell => Item::of(cell),
        };
        let item = match self.rules.version {
            Version::One => item,
            Version::Two => item.map(Item::with_plain_lines),
        };
        let of_field = self.field.filter(|field| field.version >= Version::Two);
        let is_null_here = |item: &Item<'_>| {
            of_field.is_some_and(|field| {
                !field.null.is_empty() && field.null.iter().any(|word| same(word, &item.text()))
            })
        };
        let Some(item) = item.filter(|item| !self.is_null(item) && !is_null_here(item)) else {
            return Ok(None);
        };
        match rule {
            None => Ok(Some(item)),
            Some((_, rule)) => rule.apply(item, self.zone).map(Some).map_err(|problem| {
                let fault = Fault::row(record.place.clone(), problem.message)
                    .column(name)
                    .value(cell.text());
                Box::new(Fault {
                    hint: problem.hint,
                    rule: problem.rule,
                    ..fault
                })
            }),
        }
    }
}
