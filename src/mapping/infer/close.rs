//! How far each ticket was: the state that the new one gets, or its closing where a system sets no state by a create.

use super::comments::Then;
use super::draft::Line;
use super::fields::{Maker, quoted};
use super::names::fallback;
use super::sample::Column;
use super::toml;
use super::words::{ends, heading, likeness, state};
use crate::directory::{Found, Kind};
use crate::systems::Operation;
use crate::systems::fields::{FieldType, called};

/// So many different words a column of states has at most.
const MOST: usize = 60;
/// What the column is called that says whether a ticket is open.
const NAME: &str = "Desk state";

/// What is made of the states.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Lines of `[input.columns]`.
    pub(super) columns: Vec<Line>,
    pub(super) thens: Vec<Then>,
}

/// The column of the states: its category where the export has one that says more of its words, else the state itself.
pub(super) fn column(columns: &[Column], is_free: impl Fn(usize) -> bool) -> Option<usize> {
    let may = |at: &usize| {
        let column = &columns[*at];
        column.filled > 0
            && column.distinct <= MOST
            && column.lists == 0
            && column.dates == 0
            && column.mean_length() <= 40.0
            && is_free(*at)
    };
    let known = |at: usize| columns[at].share(|word| state(word).is_some());
    let named = |at: usize| likeness(&columns[at].name, called::STATUS).map(|(score, _)| score);
    let is_category = |at: &usize| {
        let words = heading(&columns[*at].name);
        let has = |word: &str| words.split(' ').any(|other| other == word);
        (has("status") || has("state")) && has("category") && known(*at) > 0.5
    };
    let all = || (0..columns.len()).filter(may);
    let state = all()
        .filter(|at| !is_category(at))
        .filter_map(|at| Some((named(at)?, at)))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map(|(_, at)| at);
    let category = all().find(is_category);
    match (state, category) {
        (Some(state), Some(category)) if known(category) <= known(state) => Some(state),
        (state, category) => category.or(state),
    }
}

impl Maker<'_> {
    /// The closing of what was finished, where the create itself sets no state.
    pub(super) fn closing(&self) -> State {
        let columns = &self.guess.sample.columns;
        let is_free = |at: usize| !self.guess.reserved.contains(&at);
        let schema = self.guess.seen.schema;
        let sets_state = |kind: &FieldType| matches!(kind, FieldType::Choice(words) if words.contains(&"closed"));
        let mut of_create = self.table.fields.iter();
        let (Some(at), Ok(table), false) = (
            column(columns, is_free),
            schema.fields(Operation::Close),
            of_create.any(|field| field.called == called::STATUS && sets_state(&field.kind)),
        ) else {
            return State::default();
        };
        let column = &columns[at];
        let (mut pairs, mut unknown) = (Vec::new(), Vec::new());
        for (word, _) in &column.values {
            match ends(word) {
                Some(true) => pairs.push((word.as_str(), "closed")),
                Some(false) => pairs.push((word.as_str(), "open")),
                None => unknown.push(word.as_str()),
            }
        }
        pairs.sort_by_key(|(_, to)| *to == "closed");
        let is_known = !pairs.is_empty();
        if !is_known {
            // Something to fill in stands there.
            pairs.extend(unknown.iter().take(3).map(|word| (*word, "open")));
        }
        let is_taken = |name: &str| {
            columns
                .iter()
                .any(|column| heading(&column.name) == heading(name))
        };
        let name = match is_taken(NAME) {
            true => "Desk state of the ticket",
            false => NAME,
        };
        let line = Line {
            is_proposed: !is_known,
            ..Line::new(
                name,
                format!(
                    "{{ from = {}, map = {}, else = \"open\", default = \"open\" }}",
                    toml::text(&column.name),
                    toml::table(pairs)
                ),
            )
        };
        let line = line.why(format!(
            "What was finished: `{}`, by its heading. The summary counts words that are not in the table.",
            column.name
        ));
        let line = match unknown.is_empty() {
            true => line,
            false => line.todo(format!(
                "what do {} mean, `open` or `closed`? Until they are in the table they count as open",
                quoted(&unknown)
            )),
        };
        let then = Then {
            why: vec!["What was finished is closed, after its comments.".to_owned()],
            operation: Operation::Close,
            each: None,
            when: Some(format!("row['{name}'] == 'closed'")),
            fields: self.reason(table).into_iter().collect(),
            is_proposed: !is_known,
        };
        State {
            columns: vec![line],
            thens: [then]
                .into_iter()
                .chain(self.on_the_way(column, name))
                .collect(),
        }
    }

    /// The states between new and finished, where the system has a step for such.
    fn on_the_way(&self, column: &Column, desk_state: &str) -> Option<Then> {
        let table = self.guess.seen.schema.fields(Operation::SetStatus).ok()?;
        let mut fields = table.fields.iter();
        let field = fields.find(|field| field.called == called::STATUS)?;
        let FieldType::Reference(kind) = field.kind else {
            return None;
        };
        let is_new = |word: &str| state(word).is_some_and(|words| words.first() == Some(&"open"));
        let (mut new, mut others) = (Vec::new(), Vec::new());
        for (word, _) in &column.values {
            match ends(word) {
                Some(true) => {}
                _ if is_new(word) => new.push(word.as_str()),
                _ => others.push(word.as_str()),
            }
        }
        let is_plain = |text: &str| !text.contains(['\'', '\\', '\n']);
        let is_text = column.texts == column.filled;
        if others.is_empty()
            || !is_text
            || !is_plain(&column.name)
            || !new.iter().all(|word| is_plain(word))
        {
            return None;
        }
        let found: Option<Vec<&str>> = self.directory().map(|directory| {
            let is_found =
                |word: &&str| matches!(directory.look_up(kind, word, &[], None), Found::One(_));
            others.iter().copied().filter(is_found).collect()
        });
        let noun = Kind::noun(kind);
        let why = match &found {
            None => format!(
                "A state between new and finished, where the system has one {noun} of that name:"
            ),
            Some(found) if found.is_empty() => format!(
                "The system has no {noun} called {}: `aliases` of the field would give them one.",
                quoted(&others)
            ),
            Some(found) => format!(
                "What is neither new nor finished: the system has {} too. The summary names what it has not.",
                quoted(found)
            ),
        };
        let mut when = format!(
            "row['{desk_state}'] == 'open' and row['{0}'] != ''",
            column.name
        );
        if !new.is_empty() {
            let new: Vec<String> = new.iter().map(|word| format!("'{word}'")).collect();
            when.push_str(&format!(
                " and row['{}'] not in [{}]",
                column.name,
                new.join(", ")
            ));
        }
        let line = Line::new(
            field.name,
            format!(
                "{{ from = {}, resolve = \"{kind}\", missing = {{ do = \"skip_field\" }}, ambiguous = {{ do = \"skip_field\" }} }}",
                toml::text(&column.name)
            ),
        );
        Some(Then {
            why: vec![why],
            operation: Operation::SetStatus,
            each: None,
            when: Some(when),
            fields: vec![line],
            is_proposed: found.is_none_or(|found| found.is_empty()),
        })
    }

    /// Why tickets are closed.
    fn reason(&self, table: &crate::systems::fields::FieldTable) -> Option<Line> {
        let mut fields = table.fields.iter();
        let field = fields.find(|field| field.called == called::CLOSE_REASON)?;
        let FieldType::Reference(kind) = field.kind else {
            return None;
        };
        let instead = self
            .directory()
            .and_then(|directory| fallback(directory, kind));
        let Some(instead) = instead else {
            let line = Line::new(
                field.name,
                format!("{{ value = \"TODO\", resolve = \"{kind}\" }}"),
            );
            return Some(Line {
                is_proposed: true,
                ..line.todo(format!("which {} do they get?", Kind::noun(kind)))
            });
        };
        let columns = &self.guess.sample.columns;
        let may = |at: &usize| {
            let column = &columns[*at];
            (2..=MOST).contains(&column.distinct)
                && column.mean_length() <= 40.0
                && column.lists == 0
                && !self.guess.reserved.contains(at)
                && likeness(&column.name, field.called).is_some_and(|(score, _)| score > 70.0)
        };
        let from = (0..columns.len()).find(may);
        let name = toml::text(&instead);
        let line = match from {
            Some(at) => Line::new(
                field.name,
                format!(
                    "{{ from = {}, resolve = \"{kind}\", default = {name}, missing = {name} }}",
                    toml::text(&columns[at].name)
                ),
            ),
            None => Line::new(
                field.name,
                format!("{{ value = {name}, resolve = \"{kind}\" }}"),
            ),
        };
        Some(line.todo(format!(
            "is `{instead}` the right {} for them?",
            Kind::noun(kind)
        )))
    }
}
