//! The page `docs/mapping-keys.md`, made of the tables by which the loader checks a mapping.

use std::fmt::Write as _;

use super::steps::ORDER;
use super::{
    ACTION, ATTACHMENTS, BASELINE, COLUMN, COMMENTS, EACH, FIELD, FOLLOWS, INPUT, KEY_PART, Keys,
    LOOKUP, MARKER, TARGET, TEST, THEN, TICKETS, TOP, TYPED, Takes,
};

const HEAD: &str = "# Every key of a mapping

This page is made of the table by which the program checks a mapping, and from which its JSON Schema is made
(`DESKFERRY_WRITE_DOCS=1 cargo test --lib -- the_page_of_the_keys` writes it anew). [The mapping file](mapping.md) explains what the keys are for.
";

/// What a key takes, in words.
fn taken(takes: Takes) -> String {
    let words = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
        words.join(", ")
    };
    match takes {
        Takes::Version(newest) => format!("a number from 1 to {newest}"),
        Takes::Text => "a text".to_owned(),
        Takes::Texts | Takes::Some => "a text, or a list of them".to_owned(),
        Takes::Bool => "`true` or `false`".to_owned(),
        Takes::Count => "a whole number".to_owned(),
        Takes::Number => "a number".to_owned(),
        Takes::Constant => "a text, number, date or truth, or a list of them".to_owned(),
        Takes::Word(some) => words(some),
        Takes::WordOr(some, keys) => format!("{}, or {} (below)", words(some), keys.place),
        Takes::Instead(some) => format!("a value, or `{{ do = … }}` with {}", words(some)),
        Takes::Rows => "a row number, or a list of them".to_owned(),
        Takes::Sheet => "a name, a number from 1, a list of them, or `\"*\"`".to_owned(),
        Takes::Pairs => "a list of pairs of texts".to_owned(),
        Takes::Words => "a table from words to words".to_owned(),
        Takes::Table(_) => "a table (below)".to_owned(),
        Takes::Named(_) => "a table from names to tables (below)".to_owned(),
        Takes::Tables(_) => "a list of tables (below)".to_owned(),
        Takes::Parts(_) => "a column, a table (below), or a list of both".to_owned(),
        Takes::Fields(_) => "a table from fields to tables (below)".to_owned(),
        Takes::Values => "a table from fields to values".to_owned(),
        Takes::Cells => "a table from columns to cells, or a list of them".to_owned(),
    }
}

fn table(page: &mut String, title: &str, keys: &Keys) {
    let _ = write!(page, "\n## {title}\n\n| key | takes | |\n|---|---|---|\n");
    for key in keys.iter() {
        let doc = key.doc.replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {} | {doc} |", key.name, taken(key.takes));
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## The order of steps\n\nA field, a part of the key and a column that is made take these steps in this order, whatever the order of the keys.\n\n| | step | keys | |\n|---|---|---|---|\n");
    for (number, step) in (1..).zip(ORDER) {
        let keys: Vec<String> = step.keys.iter().map(|key| format!("`{key}`")).collect();
        let _ = writeln!(
            page,
            "| {number} | {} | {} | {} |",
            step.name,
            keys.join(", "),
            step.doc
        );
    }
    let sections: [(&str, &Keys); 16] = [
        ("At the top", &TOP),
        ("`[input]`", &INPUT),
        ("A field", &FIELD),
        ("`lookup`", &LOOKUP),
        ("`{ do = … }`", &ACTION),
        ("`columns` of `lookup` and `each`", &TYPED),
        ("`each` at the top", &TICKETS),
        ("`target`", &TARGET),
        ("`[[then]]`", &THEN),
        ("`each` of `[[then]]`", &EACH),
        ("`marker`", &MARKER),
        ("`attachments`", &ATTACHMENTS),
        ("`comments`", &COMMENTS),
        ("`[baseline]`", &BASELINE),
        ("`[[test]]`", &TEST),
        ("A step of `expect_then`", &FOLLOWS),
    ];
    for (title, keys) in sections {
        table(&mut page, title, keys);
    }
    for (what, keys) in [
        ("A part of `key`", &KEY_PART),
        ("An entry of `[input.columns]`", &COLUMN),
    ] {
        let without: Vec<String> = keys.without.iter().map(|key| format!("`{key}`")).collect();
        let _ = write!(
            page,
            "\n{what} takes the keys of a field without {}.\n",
            without.join(", ")
        );
    }
    page
}

#[test]
fn the_page_of_the_keys_is_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mapping-keys.md");
    let page = page();
    if std::env::var_os("DESKFERRY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/mapping-keys.md is not what the table says: write it anew with DESKFERRY_WRITE_DOCS=1"
    );
}

#[test]
fn every_key_of_a_field_is_a_part_of_one_step() {
    let mut ordered: Vec<&str> = ORDER.iter().flat_map(|step| step.keys).copied().collect();
    let mut keys: Vec<&str> = FIELD.iter().map(|key| key.name).collect();
    ordered.sort_unstable();
    keys.sort_unstable();
    assert_eq!(ordered, keys);
}
