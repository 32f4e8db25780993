//! The columns of an export once more, by the names that a mapping keeps of them: what the desk has now goes through the same
//! columns as what was written.

use jiff::tz::TimeZone;

use super::default::custom_kind;
use super::fields::{Kind, Path, path};
use super::plan::{Column, ColumnRule, Plan, SHEET};
use super::read::common_column;
use super::template::Templates;
use crate::directory::CustomField;
use crate::record::fold;
use crate::systems::common::CommonTicket;

impl Plan {
    /// Columns by heading and name, and what those are headed that no ticket has.
    pub(crate) fn of_names<'n>(
        names: impl Iterator<Item = (&'n str, &'n str)>,
        custom: &[CustomField],
        zone: &TimeZone,
    ) -> (Self, Vec<String>) {
        let mut unknown = Vec::new();
        let mut rules = Vec::new();
        for (heading, name) in names {
            match column(heading, name, custom) {
                Some(column) => rules.push(ColumnRule { column, zone: None }),
                None => unknown.push(heading.to_owned()),
            }
        }
        let plan = Self::new(SHEET.to_owned(), rules, Templates::default(), zone);
        (plan, unknown)
    }

    /// Whether a column holds several words or names.
    pub(crate) fn is_list(&self, column: usize) -> bool {
        let column = self.columns().get(column);
        column.is_some_and(|column| column.kind == Kind::List)
    }

    /// Whether an answer does not show what a column is made of.
    pub(crate) fn is_hidden(&self, column: usize, ticket: &CommonTicket) -> bool {
        let Some(name) = self.columns().get(column).and_then(Column::shows) else {
            return false;
        };
        let member = name.split('.').next().unwrap_or(name);
        let mut hidden = ticket.not_shown.iter();
        // What one answer does not show another one may have.
        hidden.any(|hidden| hidden.field == member)
            && (member != "custom" || !ticket.custom.iter().any(|it| is_named(it, name)))
    }
}

fn is_named(value: &crate::systems::common::CustomValue, column: &str) -> bool {
    let name = column.strip_prefix(super::fields::CUSTOM).unwrap_or(column);
    value
        .name
        .as_deref()
        .is_some_and(|one| fold(one) == fold(name))
}

fn column(heading: &str, name: &str, custom: &[CustomField]) -> Option<Column> {
    let column = match common_column(name) {
        Some(column) => column,
        None => {
            let path = path(name).ok()?;
            let Path::Custom(field) = &path else {
                return None;
            };
            let known = custom.iter().find(|it| fold(&it.name) == fold(field))?;
            Column::plain(name, path.clone(), String::new(), custom_kind(known))
        }
    };
    Some(Column {
        heading: heading.to_owned(),
        ..column
    })
}
