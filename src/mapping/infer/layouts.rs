//! Ready mappings for the exports of common help desks, known by their headings.

use std::path::Path;

use regex::{Captures, Regex};

use super::super::Mapping;
use super::names::fallback;
use super::reads::Reads;
use super::{Seen, draft, toml};
use crate::directory::{Directory, Found, Kind};
use crate::source::Table;
use crate::systems::SystemName;

/// The exports, and their ready mappings as they stand in `mappings/`.
const READY: [(&str, &str); 14] = [
    (
        "Jira",
        include_str!("../../../mappings/incidentiq-jira.toml"),
    ),
    (
        "Jira",
        include_str!("../../../mappings/clearfeed-jira.toml"),
    ),
    (
        "Zendesk",
        include_str!("../../../mappings/incidentiq-zendesk.toml"),
    ),
    (
        "Zendesk",
        include_str!("../../../mappings/clearfeed-zendesk.toml"),
    ),
    (
        "Freshdesk",
        include_str!("../../../mappings/incidentiq-freshdesk.toml"),
    ),
    (
        "Freshdesk",
        include_str!("../../../mappings/clearfeed-freshdesk.toml"),
    ),
    (
        "osTicket",
        include_str!("../../../mappings/incidentiq-osticket.toml"),
    ),
    (
        "osTicket",
        include_str!("../../../mappings/clearfeed-osticket.toml"),
    ),
    (
        "GLPI",
        include_str!("../../../mappings/incidentiq-glpi.toml"),
    ),
    (
        "GLPI",
        include_str!("../../../mappings/clearfeed-glpi.toml"),
    ),
    (
        "Spiceworks",
        include_str!("../../../mappings/incidentiq-spiceworks.toml"),
    ),
    (
        "Spiceworks",
        include_str!("../../../mappings/clearfeed-spiceworks.toml"),
    ),
    (
        "ServiceNow",
        include_str!("../../../mappings/incidentiq-servicenow.toml"),
    ),
    (
        "ServiceNow",
        include_str!("../../../mappings/clearfeed-servicenow.toml"),
    ),
];

/// A ready mapping that needs no column that the input lacks.
#[derive(Debug)]
pub struct Layout {
    /// Whose export it is.
    pub name: &'static str,
    text: &'static str,
    mapping: Mapping,
}

impl Layout {
    /// The layout of an input, by its headings: every column that the ready mapping needs is there. Of several the one
    /// that finds the most of what it reads.
    pub fn of(tables: &[Table], system: SystemName) -> Option<Self> {
        let fitting = READY.iter().filter_map(|(name, text)| {
            let mapping =
                Mapping::read((*name).to_owned(), (*text).to_owned(), Path::new("")).ok()?;
            if mapping.system() != system {
                return None;
            }
            let reads = Reads::of(&mapping);
            let has = |column: &&String| {
                let mut tables = tables.iter();
                tables.any(|table| table.header.find(column).is_some())
            };
            let found = reads.all.iter().filter(has).count();
            reads.needed.iter().all(|column| has(&column)).then_some((
                found,
                Self {
                    name,
                    text,
                    mapping,
                },
            ))
        });
        fitting
            .max_by_key(|(count, _)| *count)
            .map(|(_, layout)| layout)
    }

    /// The ready mapping for this input: read as it was, under its own scope, with names that the directory knows.
    pub fn render(&self, seen: &Seen<'_>) -> String {
        let mut text = String::new();
        let mut reading = super::input::reading(seen);
        for (number, line) in self.text.lines().enumerate() {
            let own = format!("scope    = {}", toml::text(self.mapping.scope()));
            if line.starts_with('[') && !reading.is_empty() {
                text.push_str("[input]\n");
                draft::section(&mut text, &std::mem::take(&mut reading));
                text.push('\n');
                if line == "[input]" {
                    continue;
                }
            }
            if line == own {
                text.push_str(&format!("scope    = {}", toml::text(seen.scope)));
            } else {
                text.push_str(&known(line, seen.directory));
            }
            text.push('\n');
            if number == 0 {
                let found = format!(
                    "Written by `deskferry init`: the headings of {} are those of {}, for which there is a ready mapping.",
                    seen.input, self.name
                );
                draft::comment(&mut text, "# ", &found);
                text.push_str("#\n");
            }
        }
        text
    }
}

/// A line with names for which the directory knows no entry replaced by one that takes what belongs nowhere else.
fn known(line: &str, directory: Option<&Directory>) -> String {
    let kind = line
        .split_once("resolve = \"")
        .and_then(|(_, rest)| Kind::parse(rest.split('"').next()?));
    let (Some(directory), Some(kind), false) = (directory, kind, line.starts_with('#')) else {
        return line.to_owned();
    };
    let Ok(names) = Regex::new(r#"\b(value|default|missing) = "([^"]*)""#) else {
        return line.to_owned();
    };
    let replaced = names.replace_all(line, |found: &Captures<'_>| {
        let name = &found[2];
        let is_known = matches!(directory.look_up(kind, name, &[], None), Found::One(_));
        match fallback(directory, kind).filter(|_| !is_known) {
            Some(other) => format!("{} = {}", &found[1], toml::text(&other)),
            None => found[0].to_owned(),
        }
    });
    replaced.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::InputOptions;

    #[test]
    fn every_ready_mapping_loads_and_reads_columns_of_its_own() {
        for (name, text) in READY {
            let mapping = Mapping::read(name.to_owned(), text.to_owned(), Path::new(""))
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let reads = Reads::of(&mapping);
            assert!(reads.needed.len() >= 6, "{name}: {reads:?}");
            // What `render` looks for.
            let scope = format!("scope    = {}", toml::text(mapping.scope()));
            assert_eq!(
                text.lines().filter(|line| *line == scope).count(),
                1,
                "{name}"
            );
            assert!(text.starts_with("#:schema "), "{name}");
            let sections = text.lines().filter(|line| line.starts_with('['));
            let sections: Vec<&str> = sections.collect();
            let place = sections.iter().position(|line| *line == "[input]");
            assert!(matches!(place, None | Some(0)), "{name}: {sections:?}");
            assert_eq!(*mapping.input_options(), InputOptions::default(), "{name}");
        }
    }
}
