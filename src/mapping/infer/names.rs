//! Fields that take the id of something: how the cells name it, and what rows get that name nothing.

use super::draft::{Line, Unknown};
use super::fields::{Maker, PROPOSED, quoted};
use super::matching::{Match, finds, names, percent};
use super::words::likeness;
use super::{content, toml};
use crate::directory::{Directory, Kind};
use crate::record::fold;
use crate::systems::fields::{Field, FieldType};

/// Turns `Doe, Jane` round.
const TURNED: &str = r#", replace = [['^\s*([^,]+?)\s*,\s*(.+?)\s*$', "$2 $1"]]"#;

impl Maker<'_> {
    pub(super) fn reference(&mut self, field: &Field, kind: Kind, found: &Match) -> Option<Line> {
        let resolve = format!(", resolve = \"{kind}\"");
        let Some(directory) = self.directory() else {
            let line = self.plain(
                field,
                found,
                &format!("{}{resolve}", self.person(kind, found)),
            );
            return Some(match field.required {
                true => line.todo(format!("no name was looked up: does the system know the cells as names of its `{kind}`?")),
                false => Line {
                    is_proposed: true,
                    ..line.todo("take the sign of the comment away when the system knows these names")
                },
            });
        };
        if matches!(kind, Kind::Priority | Kind::Status) {
            let options = names(directory, kind);
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let line = self.word(field.name, &found.columns, &options, &resolve);
            return Some(match kind {
                // A workflow refuses moves for reasons that no client sees.
                Kind::Status => Line {
                    todo: None,
                    is_proposed: true,
                    ..line.why("A further request a row, which a workflow may refuse: take the sign of the comment away to set it.")
                },
                _ => line,
            });
        }
        Some(self.name(field, kind, found, &resolve))
    }

    /// How a person is found.
    fn person(&self, kind: Kind, found: &Match) -> &'static str {
        let column = &self.guess.sample.columns[found.columns[0]];
        if kind != Kind::User {
            return "";
        }
        match content::addresses(column) >= 0.6 {
            true => ", lower = true, match = \"email\"",
            false if self.is_turned(kind, found) => TURNED,
            false => "",
        }
    }

    /// Whether people are named `Last, First`.
    fn is_turned(&self, kind: Kind, found: &Match) -> bool {
        let [at] = found.columns[..] else {
            return false;
        };
        let column = &self.guess.sample.columns[at];
        kind == Kind::User && column.share(|value| content::turned(value).is_some()) >= 0.3
    }

    /// The names of a field that the system does not know, as the field sees them.
    fn unknown(&self, field: &Field, kind: Kind, found: &Match) -> Vec<Unknown> {
        let ([at], Some(directory)) = (&found.columns[..], self.directory()) else {
            return Vec::new();
        };
        let is_turned = self.is_turned(kind, found);
        let column = &self.guess.sample.columns[*at];
        let seen = column.values.iter().map(|(value, count)| {
            let turned = content::turned(value).filter(|_| is_turned);
            (turned.unwrap_or_else(|| value.clone()), *count as u64)
        });
        seen.filter(|(name, _)| !finds(directory, kind, name))
            .map(|(name, rows)| Unknown {
                field: field.name.to_owned(),
                kind,
                name,
                rows,
            })
            .collect()
    }

    /// A field that takes the id of a named thing.
    fn name(&mut self, field: &Field, kind: Kind, found: &Match, resolve: &str) -> Line {
        let known = found.resolved.unwrap_or(0.0);
        let (split, _) = self.split(field, found);
        let mut steps = format!("{split}{}{resolve}", self.person(kind, found));
        let mut todo = None;
        if kind == Kind::Room {
            let location = self
                .table
                .fields
                .iter()
                .find(|field| field.kind == FieldType::Reference(Kind::Location));
            if let Some(location) = location {
                steps.push_str(&format!(", within = {}", toml::text(location.name)));
            }
        }
        let fallback = self
            .directory()
            .and_then(|directory| fallback(directory, kind));
        // Names that somebody must explain go into a table that `init` writes beside the mapping.
        let wants_table = known < 1.0
            && split.is_empty()
            && field.required
            && (kind != Kind::User
                || content::addresses(&self.guess.sample.columns[found.columns[0]]) < 0.6)
            && self.guess.seen.aliases.is_some();
        let unknown = match wants_table {
            true => self.unknown(field, kind, found),
            false => Vec::new(),
        };
        let table = self.guess.seen.aliases.filter(|_| !unknown.is_empty());
        if let Some(table) = table {
            steps.push_str(&format!(", aliases_file = {}", toml::text(table)));
        }
        match (field.required, fallback) {
            (false, _) => steps.push_str(", missing = { do = \"skip_field\" }"),
            (true, Some(fallback)) if kind == Kind::User => {
                if known < 1.0 || !self.guess.is_full(found.columns[0]) {
                    let name = toml::text(&fallback);
                    steps.push_str(&format!(", default = {name}, missing = {name}"));
                    let by_hand = match table {
                        Some(table) => format!(
                            " {table} lists them: a name that several people have is rejected until its column `use` says who"
                        ),
                        None => String::new(),
                    };
                    todo = Some(format!(
                        "{} % of the cells name exactly one person whom the system knows: is `{fallback}` right for the others?{by_hand}",
                        percent(known)
                    ));
                }
            }
            (true, fallback) => {
                if let Some(fallback) = fallback.filter(|_| !self.guess.is_full(found.columns[0])) {
                    steps.push_str(&format!(", default = {}", toml::text(&fallback)));
                    todo = Some(format!(
                        "some cells are empty: is `{fallback}` right for them?"
                    ));
                }
                if known < 1.0 {
                    todo = Some(match table {
                        Some(table) => format!(
                            "{} % of the cells are known names; fill in the others in {table}: until then their rows are rejected",
                            percent(known)
                        ),
                        None => format!(
                            "{} % of the cells are known names; a dry run lists the others, and `validate --names` makes a table of them",
                            percent(known)
                        ),
                    });
                }
            }
        }
        self.names.extend(unknown);
        let line = Line::new(
            field.name,
            format!("{{ from = {}{steps} }}", self.from(&found.columns)),
        );
        let line = match self.is_turned(kind, found) {
            true => line.why("People are named `Last, First`: that is turned round."),
            false => line,
        };
        match todo {
            Some(todo) => line.todo(todo),
            None => line,
        }
    }

    /// The same thing for every row, until somebody says better.
    pub(super) fn constant(&self, field: &Field, kind: Kind) -> Line {
        let like: Vec<String> = self
            .guess
            .sample
            .columns
            .iter()
            .filter(|column| column.filled > 0)
            .filter(|column| {
                likeness(&column.name, field.called).is_some_and(|(score, _)| score > 70.0)
            })
            .take(3)
            .map(|column| format!("`{}`", column.name))
            .collect();
        let why = match (like.is_empty(), self.directory()) {
            (true, _) => format!("No column says it, so every ticket gets the same `{kind}`."),
            (false, Some(_)) => format!(
                "By the heading it could be {}, but the cells name no `{kind}` that the system knows, so every ticket gets the same.",
                like.join(" or ")
            ),
            (false, None) => format!("It could be {}.", like.join(" or ")),
        };
        let Some((directory, name)) = self
            .directory()
            .and_then(|directory| Some((directory, fallback(directory, kind)?)))
        else {
            return Line::new(
                field.name,
                format!("{{ value = \"TODO\", resolve = \"{kind}\" }}"),
            )
            .why(why)
            .todo(format!(
                "write the name of the `{kind}` that all tickets get, or `from = \"a column\"`"
            ));
        };
        // Of people there are too many to choose from.
        let most = if kind == Kind::User { 0 } else { PROPOSED };
        let others: Vec<String> = names(directory, kind)
            .into_iter()
            .filter(|other| *other != name)
            .take(most)
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let others = match others.is_empty() {
            true => String::new(),
            false => format!(" The system has also {}, …", quoted(&others)),
        };
        Line::new(
            field.name,
            format!("{{ value = {}, resolve = \"{kind}\" }}", toml::text(&name)),
        )
        .why(why)
        .todo(format!("is `{name}` right for all tickets?{others}"))
    }
}

/// The entry that takes what belongs nowhere else, by its name; an address where it has one.
pub(super) fn fallback(directory: &Directory, kind: Kind) -> Option<String> {
    const GENERAL: [&str; 9] = [
        "other",
        "help desk",
        "helpdesk",
        "service desk",
        "it support",
        "general",
        "district office",
        "office",
        "support",
    ];
    const REASONS: [&str; 7] = [
        "resolved",
        "completed",
        "complete",
        "solved",
        "fixed",
        "closed",
        "done",
    ];
    let general: &[&str] = match kind {
        Kind::CloseReason => &REASONS,
        _ => &GENERAL,
    };
    let entries = &directory.snapshot().kinds.get(&kind)?.entries;
    let of_name = |wanted: &str| entries.iter().find(|entry| fold(&entry.name) == wanted);
    let with_name = |wanted: &str| {
        entries
            .iter()
            .find(|entry| fold(&entry.name).contains(wanted))
    };
    let entry = general
        .iter()
        .find_map(|name| of_name(name))
        .or_else(|| general.iter().find_map(|name| with_name(name)))
        .or_else(|| entries.first())?;
    Some(entry.properties.get("email").unwrap_or(&entry.name).clone())
}
