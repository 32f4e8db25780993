//! Rows that cannot be read, on their way through the error file: nothing of them is sent before a person has mended them,
//! and nothing is sent without them.

use serde_json::Value;

use crate::support::{Work, creates};

const MAPPING: &str = r##"
version = 2
system = "clearfeed"
operation = "create"
scope = "mended"
key = ["Id"]

[fields]
title = { from = "Title" }
description = { from = "Text" }
collection_id = { value = "IT Support", resolve = "collection" }
"##;

fn work(input: &str, mapping: &str) -> Work {
    let work = Work::new();
    work.write("map.toml", mapping);
    work.write("in.csv", input);
    work
}

/// Imports a file; the titles that the sandbox holds then.
fn import(work: &Work, file: &str, code: i32) -> (Vec<String>, Value) {
    let (ended, summary) = work.import(&[file, "--mapping", "map.toml", "--sandbox"]);
    ended.expect(code);
    let made = creates(work.embedded_audit(), "clearfeed");
    let title = |entry: &Value| entry["body"]["title"].as_str().unwrap().to_owned();
    (made.iter().map(title).collect(), summary)
}

#[test]
fn a_row_that_cannot_be_read_is_sent_when_somebody_has_looked_at_it() {
    let text = "Id,Title,Text\n1,one,a\n2,two, with a comma,b\n3,three,c\n";
    let work = work(text, MAPPING);
    let (titles, _) = import(&work, "in.csv", 1);
    assert_eq!(titles, ["one", "three"]);
    insta::assert_snapshot!("unread_row", work.read("in.errors.csv"));
    // As it stands its comma would part the title, and the rest be lost.
    for _ in 0..2 {
        let (titles, summary) = import(&work, "in.errors.csv", 1);
        assert_eq!(titles, ["one", "three"]);
        assert_eq!(summary["rejected"], 1, "{summary:#}");
    }
    let fixed = work.read("in.errors.csv");
    let fixed = fixed.replace("2,two, with a comma,", "2,\"two, with a comma\",b,");
    let fixed = fixed.replace(",unread,", ",,");
    work.write("in.errors.csv", fixed);
    let (titles, _) = import(&work, "in.errors.csv", 0);
    assert_eq!(titles, ["one", "three", "two, with a comma"]);
}

#[test]
fn rows_of_a_ticket_wait_for_the_one_that_cannot_be_read() {
    let mapping = MAPPING.replace("[fields]", "[input]\ngroup_by = [\"Id\"]\n\n[fields]");
    let mapping = mapping.replace(
        "{ from = \"Text\" }",
        "{ template = \"{{ rows | map(attribute='Text') | join('; ') }}\" }",
    );
    for text in [
        "Id,Title,Text\n1,one,a\n1,one,b,c\n2,two,d\n",
        "Id,Title,Text\n1,one,a\n2,two,d\n1,one,b,c\n",
        "Id,Title,Text\n1,one,b,c\n1,one,a\n2,two,d\n",
    ] {
        let work = work(text, &mapping);
        let (titles, summary) = import(&work, "in.csv", 1);
        assert_eq!(titles, ["two"], "{text}");
        assert_eq!(summary["rejected"], 1, "{text} {summary:#}");
        // Both rows are in the error file.
        assert_eq!(work.read("in.errors.csv").matches("\n1,one,").count(), 2);
    }
}

#[test]
fn columns_that_are_called_like_those_of_an_error_file_are_the_files_own() {
    let mapping = MAPPING.replace("key = [\"Id\"]\n", "");
    let text = "_key,_state,Title,Text\nsame,unread,one,a\nsame,unread,two,b\nsame,unread,,c\n";
    let mapping = mapping.replace(
        "{ from = \"Title\" }",
        "{ from = \"Title\", required = true }",
    );
    let work = work(text, &mapping);
    let (titles, _) = import(&work, "in.csv", 1);
    assert_eq!(titles, ["one", "two"]);
    let errors = work.read("in.errors.csv");
    assert!(errors.contains("same,unread,,c,"), "{errors}");
    work.write(
        "in.errors.csv",
        errors.replace("same,unread,,c,", "same,unread,three,c,"),
    );
    let (titles, _) = import(&work, "in.errors.csv", 0);
    assert_eq!(titles, ["one", "two", "three"]);
}
