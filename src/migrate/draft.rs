//! The first mapping of a migration: the ready one for the two systems, with the names of both desks matched by what they say,
//! and each guess explained beside its field.

use std::fmt::Write as _;

use regex::{NoExpand, Regex};

use crate::directory::suggest::{fold, nearest};
use crate::directory::{CustomField, CustomType, Directory, Kind};
use crate::systems::fields::{Field, FieldType, called};
use crate::systems::{Operation, Schema, SystemName};

/// The ready mapping from one system to another.
fn ready(from: SystemName, to: SystemName) -> &'static str {
    use SystemName::{ClearFeed, IncidentIq};
    match (from, to) {
        (IncidentIq, ClearFeed) => include_str!("../../mappings/incidentiq-to-clearfeed.toml"),
        (IncidentIq, IncidentIq) => include_str!("../../mappings/incidentiq-to-incidentiq.toml"),
        (ClearFeed, IncidentIq) => include_str!("../../mappings/clearfeed-to-incidentiq.toml"),
        (ClearFeed, ClearFeed) => include_str!("../../mappings/clearfeed-to-clearfeed.toml"),
    }
}

/// So many names are listed of each kind; of the others the count.
const MOST_LISTED: usize = 40;

/// Of longer lists a map has only the names that are others there.
const MOST_MAPPED: usize = 400;

/// Words that mean the same on different desks; the first of a line that a desk has is taken.
const SYNONYMS: [&[&str]; 9] = [
    &["urgent", "critical", "highest", "emergency", "p1"],
    &["high", "p2"],
    &["medium", "normal", "moderate", "p3"],
    &["low", "lowest", "minor", "p4"],
    &["open", "submitted", "new", "unassigned"],
    &[
        "in_progress",
        "in progress",
        "started",
        "working",
        "assigned",
    ],
    &[
        "pending",
        "waiting on requestor",
        "waiting on requester",
        "waiting",
        "waiting on customer",
    ],
    &[
        "on_hold",
        "on hold",
        "paused",
        "suspended",
        "waiting on requestor",
        "pending",
    ],
    &[
        "closed",
        "solved",
        "resolved",
        "done",
        "completed",
        "canceled",
        "cancelled",
    ],
];

/// How a name of the source was matched.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Match {
    /// The target has the same name.
    Same,
    /// Another word for the same.
    Synonym(String),
    /// The nearest name: a person should look at it.
    Near(String),
    /// None is like it.
    None,
}

/// How many names were matched, and how, of one kind of thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// What is matched, for people: `priorities`.
    pub what: &'static str,
    /// The same name, or another word for the same.
    pub sure: usize,
    /// The nearest name.
    pub near: usize,
    /// Nothing like it.
    pub none: usize,
}

/// A first mapping.
#[derive(Debug)]
pub struct Draft {
    /// The file.
    pub text: String,
    /// What was matched.
    pub tallies: Vec<Tally>,
}

/// One desk.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its profile.
    pub profile: &'a str,
    /// What it is.
    pub schema: &'a dyn Schema,
    /// Its names.
    pub directory: &'a Directory,
}

/// What is matched: a column of the record, with the fields of that meaning.
struct Meaning {
    what: &'static str,
    column: &'static str,
    operation: Operation,
    called: &'static [&'static [&'static str]],
}

const MEANINGS: [Meaning; 5] = [
    Meaning {
        what: "priorities",
        column: "priority",
        operation: Operation::Create,
        called: &[called::PRIORITY],
    },
    Meaning {
        what: "states",
        column: "state",
        operation: Operation::SetStatus,
        called: &[called::STATUS],
    },
    Meaning {
        what: "categories",
        column: "category",
        operation: Operation::Create,
        called: &[called::ISSUE, called::QUEUE],
    },
    Meaning {
        what: "teams",
        column: "team",
        operation: Operation::Create,
        called: &[called::TEAM],
    },
    Meaning {
        what: "locations",
        column: "place",
        operation: Operation::Create,
        called: &[called::LOCATION],
    },
];

/// Writes the first mapping from one desk to another; `scope` names the migration.
pub fn draft(from: Side<'_>, to: Side<'_>, scope: &str) -> Draft {
    let system = |side: Side<'_>| side.schema.system();
    let mut text = ready(system(from), system(to)).to_owned();
    let mut tallies = Vec::new();
    for meaning in &MEANINGS {
        let (ours, theirs) = (names(from, meaning), names(to, meaning));
        if ours.is_empty() || theirs.is_empty() {
            continue;
        }
        let made = matched(&text, meaning, &ours, &theirs);
        let made = made.or_else(|| match meaning.column {
            "state" => steps(&text, &ours, &theirs),
            _ => None,
        });
        if let Some((with, tally)) = made {
            text = with;
            tallies.push(tally);
        }
    }
    let (with, tally) = custom(&text, from, to);
    text = with;
    tallies.extend(tally);
    Draft {
        text: headed(&text, from, to, scope),
        tallies,
    }
}

/// The words that a desk has for something.
fn names(side: Side<'_>, meaning: &Meaning) -> Vec<String> {
    let Ok(table) = side.schema.fields(meaning.operation) else {
        return Vec::new();
    };
    let is_it = |field: &&Field| meaning.called.contains(&field.called);
    let Some(field) = table.fields.iter().find(is_it) else {
        return Vec::new();
    };
    let mut names: Vec<String> = match field.kind.item() {
        FieldType::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        FieldType::Reference(kind) => entries(side.directory, *kind),
        _ => Vec::new(),
    };
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| !name.trim().is_empty() && seen.insert(fold(name)));
    names
}

fn entries(directory: &Directory, kind: Kind) -> Vec<String> {
    let listing = directory.listing(kind);
    let entries = listing.into_iter().flat_map(|listing| &listing.entries);
    entries.map(|entry| entry.name.clone()).collect()
}

fn find(name: &str, theirs: &[String]) -> Match {
    let same = |wanted: &str| theirs.iter().find(|it| fold(it) == fold(wanted));
    if same(name).is_some() {
        return Match::Same;
    }
    let line = SYNONYMS
        .iter()
        .find(|line| line.contains(&fold(name).as_str()));
    if let Some(found) = line.and_then(|line| line.iter().find_map(|word| same(word))) {
        return Match::Synonym(found.clone());
    }
    match nearest(name, theirs.iter().map(String::as_str))
        .into_iter()
        .next()
    {
        Some(near) => Match::Near(near),
        None => Match::None,
    }
}

/// The text with the names of one meaning matched; `None`: no field of it reads the column.
fn matched(
    text: &str,
    meaning: &Meaning,
    ours: &[String],
    theirs: &[String],
) -> Option<(String, Tally)> {
    let column = regex::escape(meaning.column);
    // The field, or the made column, that reads it; what it maps already is written anew.
    let field = format!(
        r#"(?m)^(?P<head>.*?[\w"' ]+ *= *\{{ from = "{column}")(?P<map>, map = \{{[^}}]*\}})?(?P<rest>[^\n]*)$"#
    );
    let field = Regex::new(&field).ok()?;
    let found = field.captures(text)?;
    let mut tally = Tally {
        what: meaning.what,
        ..Tally::default()
    };
    let (mut said, mut map, mut more) = (Vec::new(), Vec::new(), 0);
    for name in ours {
        let (line, to) = match find(name, theirs) {
            Match::Same => {
                tally.sure += 1;
                (None, None)
            }
            Match::Synonym(to) => {
                tally.sure += 1;
                (
                    Some(format!("{name} is {to}: another word for the same")),
                    Some(to),
                )
            }
            Match::Near(to) => {
                tally.near += 1;
                (
                    Some(format!("{name} is {to}: the nearest name. TODO is it?")),
                    Some(to),
                )
            }
            Match::None => {
                tally.none += 1;
                (
                    Some(format!("{name}: no name is like it. TODO which one?")),
                    None,
                )
            }
        };
        if let Some(to) = to {
            map.push(format!("{} = {}", quoted(name), quoted(&to)));
        }
        match line {
            Some(line) if said.len() < MOST_LISTED => said.push(line),
            Some(_) => more += 1,
            None => {}
        }
    }
    let same = ours
        .iter()
        .filter(|name| find(name, theirs) == Match::Same)
        .count();
    let mut comment = format!(
        "# Matched by name, {}: {same} of {} have the same name there.\n",
        meaning.what,
        ours.len()
    );
    for line in &said {
        let _ = writeln!(comment, "#   {line}");
    }
    if more > 0 {
        let _ = writeln!(comment, "#   and {more} more");
    }
    let rest = &found["rest"];
    let is_mapped = found.name("map").is_some();
    // A map that has every word counts none as one that it does not know.
    if is_mapped || (!map.is_empty() && ours.len() <= MOST_MAPPED) {
        let same = ours.iter().filter(|name| find(name, theirs) == Match::Same);
        map.extend(same.map(|name| format!("{} = {}", quoted(name), quoted(&there(name, theirs)))));
    }
    let map = match (map.is_empty(), is_mapped) {
        (true, _) => found
            .name("map")
            .map_or_else(String::new, |map| map.as_str().to_owned()),
        (false, true) => format!(", map = {{ {} }}", map.join(", ")),
        (false, false) => format!(
            ", map = {{ {} }}, else = {{ do = \"keep\" }}",
            map.join(", ")
        ),
    };
    let line = format!("{}{map}{rest}", &found["head"]);
    let with = field.replace(text, NoExpand(&format!("{comment}{line}")));
    Some((with.into_owned(), tally))
}

/// The same of a column that a template makes of the states: each that is neither the first nor an end has a step of its own
/// where the target has a name for it.
fn steps(text: &str, ours: &[String], theirs: &[String]) -> Option<(String, Tally)> {
    let line =
        Regex::new(r#"(?m)^(?P<head>"[^"\n]+" = )\{ template = "\{% if state == [^\n]*$"#).ok()?;
    let found = line.captures(text)?;
    let mut tally = Tally {
        what: "states",
        ..Tally::default()
    };
    let (mut said, mut template) = (String::new(), String::new());
    let is_end = |name: &str| ["open", "closed", "solved"].contains(&fold(name).as_str());
    for name in ours.iter().filter(|name| !is_end(name)) {
        let (to, why) = match find(name, theirs) {
            Match::Same => (there(name, theirs), "the same name"),
            Match::Synonym(to) => (to, "another word for the same"),
            Match::Near(to) => (to, "the nearest name. TODO is it?"),
            Match::None => {
                tally.none += 1;
                let _ = writeln!(
                    said,
                    "#   {name}: no name is like it, so that it takes no step. TODO which one?"
                );
                continue;
            }
        };
        match why.contains("TODO") {
            true => tally.near += 1,
            false => tally.sure += 1,
        }
        let _ = writeln!(said, "#   {name} is {to}: {why}");
        let word = if template.is_empty() { "if" } else { "elif" };
        let _ = write!(
            template,
            "{{% {word} state == '{name}' %}}{}",
            to.replace(['{', '}'], "")
        );
    }
    if !template.is_empty() {
        template.push_str("{% endif %}");
    }
    let with = format!(
        "# Matched by name, states: new and finished ones need no step.\n{said}{}{{ template = {} }}",
        &found["head"],
        quoted(&template)
    );
    Some((line.replace(text, NoExpand(&with)).into_owned(), tally))
}

/// How the target spells a name that is the same.
fn there(name: &str, theirs: &[String]) -> String {
    let same = theirs.iter().find(|it| fold(it) == fold(name));
    same.cloned().unwrap_or_else(|| name.to_owned())
}

/// A text in quotes, as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The lines of custom fields, in the place of the example that the ready mapping has.
fn custom(text: &str, from: Side<'_>, to: Side<'_>) -> (String, Option<Tally>) {
    let (ours, theirs) = (from.directory.custom_fields(), to.directory.custom_fields());
    if ours.is_empty() {
        return (text.to_owned(), None);
    }
    let mut tally = Tally {
        what: "custom fields",
        ..Tally::default()
    };
    let mut lines = "# Custom fields, matched by name.\n".to_owned();
    let names = theirs.iter().map(|field| field.name.as_str());
    let names: Vec<&str> = names.collect();
    for own in ours {
        let same = theirs.iter().find(|it| fold(&it.name) == fold(&own.name));
        let near = nearest(&own.name, names.iter().copied()).into_iter().next();
        let near = near.and_then(|near| theirs.iter().find(|it| it.name == near));
        let Some(other) = same.or(near) else {
            tally.none += 1;
            let _ = writeln!(
                lines,
                "#   {}: no field is like it. TODO make one there, or add it to `drop`",
                own.name
            );
            continue;
        };
        let doubt = doubt(own, other, same.is_some());
        let line = format!(
            "{} = {{ from = {}, optional = true }}",
            quoted(&format!("custom.{}", other.name)),
            quoted(&format!("custom.{}", own.name))
        );
        match doubt {
            None => {
                tally.sure += 1;
                let _ = writeln!(lines, "{line}");
            }
            Some(why) => {
                tally.near += 1;
                let _ = writeln!(
                    lines,
                    "#   {} is {}: {why}. TODO take the sign of the comment away if it fits\n# {line}",
                    own.name, other.name
                );
            }
        }
    }
    let example =
        Regex::new(r#"(?m)^# "custom\.[^\n]*$"#).expect("a pattern that is always the same");
    let with = match example.is_match(text) {
        true => example
            .replace(text, NoExpand(lines.trim_end()))
            .into_owned(),
        false => text.replacen("\n[[then]]", &format!("\n{lines}\n[[then]]"), 1),
    };
    (with, Some(tally))
}

/// Why a person should look at two custom fields before one goes into the other.
fn doubt(own: &CustomField, other: &CustomField, is_same: bool) -> Option<String> {
    if !is_same {
        return Some("the nearest name".to_owned());
    }
    let takes_any = other.kind == CustomType::Text;
    if own.kind != other.kind && !takes_any {
        return Some(format!(
            "the same name, but it is {} here and {} there",
            kind(own),
            kind(other)
        ));
    }
    let lacks = |choice: &&crate::directory::Choice| {
        !other
            .options
            .iter()
            .any(|it| fold(&it.value) == fold(&choice.value))
    };
    let lacking: Vec<&str> = match other.options.is_empty() {
        true => Vec::new(),
        false => own
            .options
            .iter()
            .filter(lacks)
            .map(|it| it.value.as_str())
            .collect(),
    };
    (!lacking.is_empty()).then(|| {
        format!(
            "the same name, but it has no option {} there",
            lacking.join(", ")
        )
    })
}

fn kind(field: &CustomField) -> String {
    let word = serde_json::to_value(field.kind).ok();
    let word = word.as_ref().and_then(serde_json::Value::as_str);
    word.unwrap_or("another type").replace('_', " ")
}

/// The text with the names of this migration, and what its comments mean.
fn headed(text: &str, from: Side<'_>, to: Side<'_>, scope: &str) -> String {
    let is_comment = |line: &&str| line.starts_with('#');
    let body: Vec<&str> = text.lines().skip_while(is_comment).collect();
    let system =
        Regex::new(r#"(?m)^scope( *)= "[^"]*"$"#).expect("a pattern that is always the same");
    let body = body.join("\n");
    let body = system.replace(&body, |found: &regex::Captures<'_>| {
        format!("scope{}= {}", &found[1], quoted(scope))
    });
    let schema = text.lines().next().filter(|line| line.starts_with("#:"));
    let schema = schema.map_or_else(String::new, |line| format!("{line}\n"));
    format!(
        "{schema}# The tickets of {} ({}) go into {} ({}). Written by `deskferry init`: names were matched by what they say, and each\n\
         # guess is explained above its field. Look at each TODO, then rehearse:\n\
         #\n\
         #   deskferry migrate --from {} --to {} --mapping FILE --dry-run\n{body}\n",
        from.profile,
        from.schema.system(),
        to.profile,
        to.schema.system(),
        from.profile,
        to.profile,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_are_matched_by_what_they_say() {
        let priorities = theirs(&["low", "medium", "high", "urgent"]);
        assert_eq!(find("High", &priorities), Match::Same);
        assert_eq!(
            find("Critical", &priorities),
            Match::Synonym("urgent".to_owned())
        );
        assert_eq!(
            find("Normal", &priorities),
            Match::Synonym("medium".to_owned())
        );
        assert_eq!(find("Whenever", &priorities), Match::None);
        let places = theirs(&["Lincoln High School", "District Office"]);
        assert_eq!(
            find("Lincoln High Scool", &places),
            Match::Near("Lincoln High School".to_owned())
        );
    }

    #[test]
    fn a_field_says_above_it_how_its_names_were_matched() {
        let text = "[fields]\nPriority         = { from = \"priority\", missing = { do = \"skip_field\" } }\nx = 1\n";
        let meaning = &MEANINGS[0];
        let ours = theirs(&["Critical", "High", "Odd \"one\""]);
        let (with, tally) = matched(text, meaning, &ours, &theirs(&["urgent", "high"])).unwrap();
        assert_eq!((tally.sure, tally.near, tally.none), (2, 0, 1));
        assert_eq!(
            with,
            "[fields]\n# Matched by name, priorities: 1 of 3 have the same name there.\n\
             #   Critical is urgent: another word for the same\n\
             #   Odd \"one\": no name is like it. TODO which one?\n\
             Priority         = { from = \"priority\", map = { \"Critical\" = \"urgent\", \"High\" = \"high\" }, else = { do = \"keep\" }, missing = { do = \"skip_field\" } }\nx = 1\n"
        );
    }
}
