//! `docs/mapping.md` explains the keys by hand: its tables have every key, every word that one takes, the steps in their
//! order, and no other default than the table of keys.

use std::collections::BTreeSet;

use super::steps::ORDER;
use super::{EACH, FIELD, INPUT, Key, Keys, TARGET, TEST, THEN, TOP, Takes};

const PAGE: &str = include_str!("../../../docs/mapping.md");

/// What stands between a heading and the next one of its rank or a higher one.
fn section(heading: &str) -> &'static str {
    let at = PAGE.find(&format!("\n{heading}\n"));
    let at = at.unwrap_or_else(|| panic!("`{heading}` is no heading of the page")) + 1;
    let text = &PAGE[at + heading.len()..];
    let rank = heading.bytes().take_while(|byte| *byte == b'#').count();
    let is_end = |line: &str| {
        let signs = line.bytes().take_while(|byte| *byte == b'#').count();
        signs > 0 && signs <= rank && line.as_bytes().get(signs) == Some(&b' ')
    };
    let (mut end, mut is_code) = (0, false);
    for line in text.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        if !is_code && is_end(line) {
            break;
        }
        end += line.len();
    }
    &text[..end]
}

/// The rows of the first table of a section: the first cell, and the others as they stand.
fn rows(heading: &str) -> Vec<(&'static str, &'static str)> {
    let lines = section(heading)
        .lines()
        .skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| {
            let line = line.trim_start_matches("| ").trim_end_matches(" |");
            line.split_once(" | ").unwrap_or((line, ""))
        })
        .collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The words within what stands in backticks.
fn words(text: &str) -> BTreeSet<&str> {
    let is_other = |sign: char| !sign.is_alphanumeric() && sign != '_';
    quoted(text)
        .into_iter()
        .flat_map(|quoted| quoted.split(is_other))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The keys that the first cell of a row names.
fn keys_of(cell: &str) -> Vec<&str> {
    quoted(cell)
        .into_iter()
        .map(|quoted| quoted.split(' ').next().unwrap_or_default())
        .collect()
}

/// What the table of keys says of the default of a key that takes words.
fn default(key: &Key) -> Option<&'static str> {
    if let Some((_, after)) = key.doc.split_once("Default: \"") {
        return after.split('"').next();
    }
    let (before, _) = key.doc.split_once("\", the default)")?;
    before.rsplit('"').next()
}

fn find(keys: &Keys, name: &str) -> &'static Key {
    let found = keys.keys.iter().find(|key| key.name == name);
    found.unwrap_or_else(|| panic!("{} has no key `{name}`", keys.place))
}

const TABLES: [(&str, &Keys); 3] = [
    ("## At the top", &TOP),
    ("## `[input]`: how the file is read", &INPUT),
    ("## What follows", &THEN),
];

#[test]
fn every_key_has_its_row_and_no_other() {
    for (heading, keys) in TABLES {
        let rows = rows(heading);
        let told: BTreeSet<&str> = rows.iter().flat_map(|(cell, _)| keys_of(cell)).collect();
        let known: BTreeSet<&str> = keys.names().into_iter().collect();
        assert_eq!(told, known, "{heading}");
    }
    for (heading, keys) in [("## Tests", &TEST), ("## Tickets that are there", &TARGET)] {
        let told = words(section(heading));
        for name in keys.names() {
            assert!(told.contains(name), "{heading}: `{name}`");
        }
    }
    let each = rows("## What follows");
    let (_, each) = each.iter().find(|(cell, _)| *cell == "`each`").unwrap();
    for name in EACH.names() {
        assert!(words(each).contains(name), "`each`: `{name}`");
    }
}

#[test]
fn every_word_of_a_key_is_told_and_defaults_are_those_of_the_table() {
    for (heading, keys) in &TABLES[..2] {
        for (cell, rest) in rows(heading) {
            let of_row: Vec<&Key> = keys_of(cell).into_iter().map(|it| find(keys, it)).collect();
            let defaults: Vec<&str> = of_row.iter().filter_map(|key| default(key)).collect();
            for (before, _) in rest.match_indices("` (the default)") {
                let word = rest[..before].rsplit('`').next().unwrap().trim_matches('"');
                assert!(
                    defaults.contains(&word),
                    "{heading}: {cell}: the default is {defaults:?}, not `{word}`"
                );
            }
            for key in of_row {
                let (Takes::Word(some) | Takes::WordOr(some, _)) = key.takes else {
                    continue;
                };
                for word in some.iter().filter(|word| Some(**word) != default(key)) {
                    assert!(
                        rest.contains(&format!("\"{word}\"")),
                        "{heading}: {cell}: `\"{word}\"`"
                    );
                }
            }
        }
    }
}

#[test]
fn the_steps_stand_in_their_order_each_with_its_keys() {
    let (origin, steps) = ORDER.split_first().unwrap();
    let told = words(section("## A field: where its value comes from"));
    for key in origin.keys {
        assert!(told.contains(key), "where its value comes from: `{key}`");
    }
    let rows = rows("## A field: what is done to it");
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
    assert_eq!(names, known);
    for (step, (name, rest)) in steps.iter().zip(rows) {
        for key in step.keys {
            assert!(words(rest).contains(key), "{name}: `{key}`");
        }
    }
}

#[test]
fn what_is_done_without_a_value_is_what_the_keys_take() {
    let mut told = Vec::new();
    let mut before: Vec<&str> = Vec::new();
    for (_, rest) in rows("### When there is no value") {
        let mut cells = rest.split(" | ");
        let key = keys_of(cells.next().unwrap())[0];
        let can = cells.next().unwrap();
        if can != "the same" {
            before = quoted(can)
                .iter()
                .map(|word| word.trim_matches('"'))
                .collect();
        }
        let Takes::Instead(known) = find(&FIELD, key).takes else {
            panic!("`{key}` takes no action");
        };
        assert_eq!(before, known, "`{key}`");
        told.push(key);
    }
    let instead = |key: &&Key| matches!(key.takes, Takes::Instead(_));
    let mut known: Vec<&str> = FIELD.iter().filter(instead).map(|key| key.name).collect();
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
}
