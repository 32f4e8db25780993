//! The description: the text of the ticket, and the cells that no field takes, so that nothing is lost.

use std::collections::BTreeSet;

use super::content;
use super::draft::Line;
use super::words::likeness;
use super::{Guess, toml};
use crate::systems::fields::{Field, FieldTable, called};

/// So many columns are listed under the text.
const MOST: usize = 14;

/// The columns that are listed under the text: filled, with something to say, and taken by no field. In the order of
/// the input.
pub(super) fn columns(
    guess: &Guess<'_>,
    table: &FieldTable,
    taken: &BTreeSet<usize>,
) -> Vec<usize> {
    let key = guess.key.column();
    let rows = guess.sample.rows;
    let mut ranked: Vec<(u32, usize)> = guess
        .sample
        .columns
        .iter()
        .enumerate()
        .filter(|(at, column)| column.filled > 0 && !taken.contains(at) && key != Some(*at))
        // What is the same in every row says nothing about one.
        .filter(|(_, column)| rows < 4 || column.distinct > 1 || column.filled < rows)
        .map(|(at, column)| (rank(table, &column.name, column.filled, rows), at))
        .collect();
    ranked.sort_by_key(|(rank, at)| (std::cmp::Reverse(*rank), *at));
    ranked.truncate(MOST);
    let mut chosen: Vec<usize> = ranked.into_iter().map(|(_, at)| at).collect();
    chosen.sort_unstable();
    chosen
}

/// When it was made and closed first, then what has a meaning that the system knows, then what is filled most.
fn rank(table: &FieldTable, name: &str, filled: usize, rows: usize) -> u32 {
    let is =
        |called: &[&'static str]| likeness(name, called).is_some_and(|(score, _)| score > 70.0);
    let filled = u32::try_from(filled * 100 / rows.max(1)).unwrap_or(100);
    if is(called::CREATED) || is(called::CLOSED) || is(called::STATUS) || is(called::REQUESTER) {
        300 + filled
    } else if table.fields.iter().any(|field| is(field.called)) {
        200 + filled
    } else {
        filled
    }
}

/// The line of the description: the text, and the listed columns under it; `title` is what the title is made of, for
/// rows that have no text.
pub(super) fn line(
    guess: &Guess<'_>,
    field: &Field,
    text: Option<usize>,
    listed: &[usize],
    title: Option<usize>,
) -> Line {
    let (field, required) = (field.name, field.required);
    let body = text.map(|at| format!("{{{{ {} }}}}", toml::in_template(guess.name(at))));
    let markup = text.and_then(|at| content::markup(&guess.sample.columns[at]));
    let html = markup.map_or(String::new(), |(step, _)| format!(", html = \"{step}\""));
    let line = match (&body, listed) {
        // Every row would be refused without one.
        (None, []) if required => {
            let line = match title {
                Some(at) => Line::new(
                    field,
                    format!("{{ from = {} }}", toml::text(guess.name(at))),
                )
                .why("No column has a text, so the title is the text too."),
                None => Line::new(field, "{ value = \"TODO\" }"),
            };
            return line.todo("which column holds the text of a ticket?");
        }
        (None, []) => return Line::new(field, "{ value = \"\" }"),
        (Some(_), []) => {
            let name = text.map_or("", |at| guess.name(at));
            Line::new(field, format!("{{ from = {}{html} }}", toml::text(name)))
        }
        (body, listed) => {
            let mut template = body
                .as_ref()
                .map_or(String::new(), |body| format!("{body}\n"));
            for (number, at) in listed.iter().enumerate() {
                let column = toml::in_template(guess.name(*at));
                // The first keeps the blank line under the text.
                let dash = if number == 0 && body.is_some() {
                    ""
                } else {
                    "-"
                };
                let heading = plain(guess.name(*at));
                template.push_str(&format!(
                    "{{%{dash} if {column} is filled %}}\n{heading}: {{{{ {column} }}}}{{% endif %}}\n"
                ));
            }
            Line::new(field, format!("{{ template = {}{html} }}", toml::lines(&template)))
                .why("Under the text stands what no field takes: what was opened and closed when, and by whom.")
        }
    };
    match markup {
        Some((_, why)) => line.why(why),
        None => line,
    }
}

/// A heading as text of a template: braces of it must not begin anything.
fn plain(heading: &str) -> String {
    let heading = heading.split_whitespace().collect::<Vec<_>>().join(" ");
    match heading.contains("{{") || heading.contains("{%") || heading.contains("{#") {
        true => heading.replace('{', "("),
        false => heading,
    }
}
