//! `unmapped = "append"`: the columns that nothing reads, listed under the description.

use serde_json::Value;

use super::apply::{Outcome, Row};
use super::item::Item;
use super::parse::Problem;
use super::plan::FieldPlan;
use super::shape::Take;
use super::target::Want;
use super::text::{fits, truncate};
use crate::html;
use crate::source::Table;

/// The columns to be listed, by table: (position, name).
#[derive(Debug, Default)]
pub(super) struct Appended(Vec<Vec<(usize, String)>>);

impl Appended {
    /// From the columns that nothing reads, as (table, name).
    pub(super) fn new(unread: Vec<(usize, String)>, tables: &[Table]) -> Self {
        let mut columns = vec![Vec::new(); tables.len()];
        for (table, name) in unread {
            if let Some(position) = tables[table].header.position(&name) {
                columns[table].push((position, name));
            }
        }
        Self(columns)
    }

    /// Those of one table.
    pub(super) fn columns(&self, table: usize) -> impl Iterator<Item = (usize, &str)> {
        let columns = self.0.get(table).map(Vec::as_slice).unwrap_or_default();
        columns.iter().map(|(index, name)| (*index, name.as_str()))
    }

    /// The lines for a row, those of empty cells left out; `None` when there are none.
    pub(super) fn text(&self, row: &Row<'_, '_>, html: bool) -> Option<String> {
        let rules = row.reader.rules;
        let record = match rules.take {
            Take::First => &row.rows[0],
            Take::Last | Take::LastFilled => &row.rows[row.rows.len() - 1],
        };
        let mut lines = Vec::new();
        for (index, name) in self.columns(record.table) {
            let cell = match rules.take {
                Take::LastFilled => row
                    .rows
                    .iter()
                    .rev()
                    .map(|record| record.cell(index))
                    .find(|cell| !cell.is_empty())
                    .unwrap_or_else(|| record.cell(index)),
                Take::First | Take::Last => record.cell(index),
            };
            let Some(item) = Item::of(cell) else {
                continue;
            };
            let text = item.text();
            if !rules
                .null
                .iter()
                .any(|word| super::parse::same(word, &text))
            {
                lines.push(format!("{name}: {}", text.trim()));
            }
        }
        let text = lines.join("\n");
        match (lines.is_empty(), html) {
            (true, _) => None,
            (false, true) => Some(html::from_text(&text)),
            (false, false) => Some(text),
        }
    }
}

impl Row<'_, '_> {
    /// Puts the list under a description, within the limits that the description has.
    pub(super) fn append(
        &mut self,
        field: &FieldPlan,
        outcome: Outcome,
        appended: &str,
        reserve: usize,
    ) -> Outcome {
        let between = match field.is_html() {
            true => "<br><br>",
            false => "\n\n",
        };
        let text = match outcome {
            Outcome::Value(Value::String(text)) => text + between + appended,
            Outcome::Empty | Outcome::LeftAlone => appended.to_owned(),
            other => return other,
        };
        let Want::Text { max_length } = field.wanted.want else {
            return Outcome::Value(Value::String(text));
        };
        let room = |most: usize| most.saturating_sub(reserve);
        let (graphemes, scalars) = (field.rule.check.max_length.map(room), max_length.map(room));
        let most = |limit: Option<usize>| limit.unwrap_or(usize::MAX);
        if fits(&text, most(graphemes), most(scalars)) {
            return Outcome::Value(Value::String(text));
        }
        if field.rule.check.truncate {
            let cut = truncate(&text, graphemes, scalars, field.markup());
            return Outcome::Value(Value::String(cut));
        }
        let limit = most(graphemes).min(most(scalars));
        self.fault(
            field,
            Problem::new(format!(
                "is longer than {limit} characters with the columns that are listed under it"
            ))
            .hint("let it be cut: `overflow = \"truncate\"`, or map these columns"),
        );
        Outcome::Faulty
    }
}
