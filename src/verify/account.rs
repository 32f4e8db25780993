//! Every column of the input, and every member of the items that stand in columns: what became of it, and in how many rows
//! it says something.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::mapping::{BoundPlan, ColumnUse, Fate, ItemUse};
use crate::record::{Cell, Record};

/// Of how many members of items the values are counted; beyond that something stands for data.
const MOST_MEMBERS: usize = 500;

/// What became of a column, or of a member of the items in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The column, or `column[].member`.
    pub field: String,
    /// What became of it.
    pub fate: Fate,
    /// The fields that are made of it, and what else reads it.
    pub into: Vec<String>,
    /// In how many rows, or items, something stands there.
    pub filled: u64,
}

impl Account {
    /// Whether something was left behind that nobody has given up.
    pub fn is_lost(&self) -> bool {
        self.fate == Fate::Lost && self.filled > 0
    }
}

/// The accounts of one input on their way.
#[derive(Debug)]
pub struct Accounts {
    columns: Vec<(ColumnUse, u64)>,
    items: Vec<(ItemUse, BTreeMap<String, u64>)>,
}

impl Accounts {
    /// Of the columns of an input.
    pub fn new(plan: &BoundPlan) -> Self {
        let columns = plan.column_uses().into_iter().map(|it| (it, 0));
        let items = plan.item_uses().into_iter();
        Self {
            columns: columns.collect(),
            items: items.map(|it| (it, BTreeMap::new())).collect(),
        }
    }

    /// Takes a row that counts.
    pub fn see(&mut self, row: &Record) {
        for (column, filled) in &mut self.columns {
            if column.table == row.table && says_something(row.cell(column.index)) {
                *filled += 1;
            }
        }
        for (of, members) in &mut self.items {
            if of.table != row.table {
                continue;
            }
            match row.cell(of.index) {
                Cell::Json(value) => each_item(value, members),
                Cell::Text(text) if text.trim_start().starts_with('[') => {
                    if let Ok(value) = serde_json::from_str(text) {
                        each_item(&value, members);
                    }
                }
                _ => {}
            }
        }
    }

    /// These with those of another input.
    pub fn and(mut self, other: Self) -> Self {
        self.columns.extend(other.columns);
        self.items.extend(other.items);
        self
    }

    /// The accounts: columns of one name in several tables are one.
    pub fn finish(self) -> Vec<Account> {
        let mut accounts: Vec<Account> = Vec::new();
        let mut add = |account: Account| {
            let known = accounts.iter_mut().find(|it| it.field == account.field);
            let Some(known) = known else {
                accounts.push(account);
                return;
            };
            known.filled += account.filled;
            // What one table loses is lost there.
            known.fate = match account.filled {
                0 => known.fate,
                _ => known.fate.max(account.fate),
            };
            for into in account.into {
                if !known.into.contains(&into) {
                    known.into.push(into);
                }
            }
        };
        for (column, filled) in self.columns {
            add(Account {
                field: column.column,
                fate: column.fate,
                into: column.into,
                filled,
            });
        }
        for (of, members) in self.items {
            for (path, filled) in members {
                let (fate, into) = of.of(&path);
                add(Account {
                    field: format!("{}[]{path}", of.column),
                    fate,
                    into,
                    filled,
                });
            }
        }
        accounts
    }
}

/// Whether something stands in a cell: an empty list is nothing.
fn says_something(cell: &Cell) -> bool {
    match cell {
        Cell::Json(value) => match &**value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            other => !other.is_null(),
        },
        cell => !cell.is_empty(),
    }
}

fn each_item(value: &Value, members: &mut BTreeMap<String, u64>) {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    for item in items {
        // An item that is a value has no members: its column tells of it.
        if item.is_object() {
            leaves(item, String::new(), members);
        }
    }
}

/// Counts the values of an item by the members that lead to them.
fn leaves(value: &Value, path: String, members: &mut BTreeMap<String, u64>) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                leaves(value, format!("{path}.{name}"), members);
            }
        }
        Value::Null => {}
        Value::String(text) if text.trim().is_empty() => {}
        Value::Array(items) if items.is_empty() => {}
        _ if members.len() < MOST_MEMBERS || members.contains_key(&path) => {
            *members.entry(path).or_default() += 1;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::record::Place;

    fn row(cells: Vec<Cell>) -> Record {
        Record {
            place: Place {
                file: Arc::from("t.jsonl"),
                sheet: None,
                row: 1,
            },
            table: 0,
            cells,
        }
    }

    #[test]
    fn rows_and_members_with_a_value_are_counted() {
        let column = |index: usize, column: &str, fate| ColumnUse {
            table: 0,
            index,
            column: column.to_owned(),
            fate,
            into: Vec::new(),
        };
        let talk = ItemUse {
            table: 0,
            index: 1,
            column: "talk".to_owned(),
            paths: vec![(".text".to_owned(), "then-1/body".to_owned())],
            dropped: vec![".id".to_owned()],
        };
        let columns = [
            column(0, "Old", Fate::Lost),
            column(1, "talk", Fate::Converted),
        ];
        let mut accounts = Accounts {
            columns: columns.map(|it| (it, 0)).to_vec(),
            items: vec![(talk, BTreeMap::new())],
        };
        let said = json!([{"id": 1, "text": "a", "author": {"name": "Ann"}}, {"text": "", "author": null}]);
        accounts.see(&row(vec![
            Cell::Text("x".into()),
            Cell::Json(Box::new(said)),
        ]));
        let as_text = Cell::Text("[{\"text\": \"b\"}]".into());
        accounts.see(&row(vec![Cell::Text(" ".into()), as_text]));
        let told: Vec<(String, Fate, u64, bool)> = accounts
            .finish()
            .into_iter()
            .map(|it| (it.field.clone(), it.fate, it.filled, it.is_lost()))
            .collect();
        let expected = [
            ("Old", Fate::Lost, 1, true),
            ("talk", Fate::Converted, 2, false),
            ("talk[].author.name", Fate::Lost, 1, true),
            ("talk[].id", Fate::Dropped, 1, false),
            ("talk[].text", Fate::Converted, 2, false),
        ];
        let expected =
            expected.map(|(field, fate, filled, lost)| (field.to_owned(), fate, filled, lost));
        assert_eq!(told, expected);
    }
}
