//! Mappings, and inputs against them, are checked without anything being sent.

use std::path::PathBuf;

use serde_json::{Value, json};

use deskferry::source::{Input, InputOptions, Row, SheetChoice};

use crate::support::{SandboxProcess, Work, real_file, repository};

/// A work folder with a snapshot of each system, and no connection.
fn work() -> Work {
    let work = Work::new();
    for system in ["incidentiq", "clearfeed"] {
        let file = format!("{system}.json");
        work.run(&[
            "directory",
            "pull",
            "--system",
            system,
            "--sandbox",
            "-o",
            &file,
            "--quiet",
        ])
        .expect(0);
    }
    work
}

fn mapping(name: &str) -> String {
    repository().join(name).display().to_string()
}

/// Runs `validate … --format json`; its exit code and its document.
fn validate(work: &Work, arguments: &[&str]) -> (Option<i32>, Value) {
    let ended = work.run(&[&["validate"], arguments, &["--format", "json"]].concat());
    let document = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.stdout, ended.stderr));
    (ended.code, document)
}

#[test]
fn every_mapping_of_the_repository_is_good_with_and_without_names() {
    let work = work();
    let entries = std::fs::read_dir(repository().join("mappings")).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let (code, document) = validate(&work, &paths);
    assert_eq!(code, Some(0), "{document:#}");
    let note = document["mappings"][0]["notes"][0].as_str().unwrap();
    insta::assert_snapshot!("note_without_names", work.shown(note));
    let snapshots = [
        "--directory",
        "incidentiq.json",
        "--directory",
        "clearfeed.json",
    ];
    let (code, document) = validate(&work, &[&paths[..], &snapshots].concat());
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(document["mappings"][0]["notes"], json!([]), "{document:#}");
}

#[test]
fn the_rows_are_judged_as_the_dry_run_judges_them() {
    let work = work();
    let mut cases = vec![
        (
            "samples/tickets.csv".to_owned(),
            "mappings/incidentiq-tickets.toml",
        ),
        (
            "samples/tickets.xlsx".to_owned(),
            "mappings/incidentiq-tickets.toml",
        ),
        (
            "samples/tickets.xlsx".to_owned(),
            "mappings/clearfeed-tickets.toml",
        ),
        (
            "samples/support-queue.jsonl".to_owned(),
            "mappings/clearfeed-support-queue.toml",
        ),
    ];
    if let Some(path) = real_file("servicenow_incidents_5000x92.xlsx") {
        let path = path.display().to_string();
        cases.push((path, "tests/mappings/servicenow-incidents-incidentiq.toml"));
    }
    for (input, name) in cases {
        let input = mapping(&input);
        let system = if name.contains("clearfeed") {
            "clearfeed"
        } else {
            "incidentiq"
        };
        let (mapping, snapshot) = (mapping(name), format!("{system}.json"));
        let (code, document) = validate(
            &work,
            &[&mapping, "--input", &input, "--directory", &snapshot],
        );
        let (ended, dry) = work.import(&[
            &input,
            "--mapping",
            &mapping,
            "--directory",
            &snapshot,
            "--dry-run",
        ]);
        let found = &document["mappings"][0]["input"];
        for (mine, theirs) in [
            ("rows", "rows"),
            ("records", "records"),
            ("filtered", "filtered"),
            ("good", "would_create"),
            ("faulty", "rejected"),
            ("requests", "requests"),
            ("causes", "causes"),
            ("fallbacks", "fallbacks"),
        ] {
            assert_eq!(found[mine], dry[theirs], "{name}: {mine}");
        }
        assert_eq!(code, ended.code, "{name}");
    }
}

#[test]
fn what_people_read_of_a_file_with_faults() {
    let work = work();
    let arguments = [
        "validate",
        &mapping("mappings/incidentiq-tickets.toml"),
        "--input",
        &mapping("samples/tickets.xlsx"),
        "--directory",
        "incidentiq.json",
    ];
    let ended = work.run(&arguments).expect(1);
    insta::assert_snapshot!(
        "what_people_read_of_a_file_with_faults",
        work.shown(&ended.both())
    );
}

#[test]
fn faults_have_byte_offsets_for_editors() {
    let work = Work::new();
    let text = "\u{feff}version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"ä\"\n[fields]\nForId = { from = \"Wer ö\", resolv = \"user\" }\nLocationId = { value = \"x\" }\nIssueId = { value = \"x\" }\n";
    work.write("m.toml", text);
    let (code, document) = validate(&work, &["m.toml"]);
    assert_eq!(code, Some(2), "{document:#}");
    let fault = &document["mappings"][0]["faults"][0];
    let at = |name: &str| usize::try_from(fault[name].as_u64().unwrap()).unwrap();
    assert_eq!(&text[at("start")..at("end")], "resolv", "{fault:#}");
    assert_eq!((at("line"), at("column")), (6, 27));
    assert_eq!(fault["hint"], "did you mean `resolve`?");
    assert_eq!(document["exit_code"], 2);
}

#[test]
fn a_fault_of_one_mapping_keeps_no_other_from_being_checked() {
    let work = Work::new();
    work.write("bad.toml", "version = 1\n");
    let good = mapping("mappings/clearfeed-tickets.toml");
    let (code, document) = validate(&work, &["bad.toml", "nowhere.toml", &good]);
    assert_eq!(code, Some(2), "{document:#}");
    let good: Vec<&Value> = document["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mapping| &mapping["good"])
        .collect();
    assert_eq!(good, [false, false, true]);
}

/// A mapping for IncidentIQ with a title of its own.
fn small(head: &str, fields: &str, tail: &str) -> String {
    format!(
        "version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"s\"\n{head}\n[fields]\nForId = {{ value = \"helpdesk@district.example\" }}\nIssueId = {{ value = \"Other\" }}\n{fields}\n{tail}"
    )
}

#[test]
fn the_tests_of_a_mapping_are_run() {
    let work = work();
    let fields = "LocationId = { from = \"B\", aliases = { \"HS\" = \"Lincoln High School\" } }\nSubject = { from = \"T\", max_length = 12 }\nIsUrgent = { from = \"V\" }\n\"custom.Affected Devices\" = { from = \"D\", split = \";\" }\n\"custom.Needed By\" = { from = \"N\", parse = \"date\", formats = [\"%m/%d/%Y\"] }";
    let tests = "[[test]]\nname = \"all of it\"\nrow = { B = \"HS\", T = \" Printer \", V = true, D = \"Printer; Chromebook\", N = \"06/21/2024\" }\nexpect = { LocationId = \"Lincoln High School\", Subject = \"Printer\", IsUrgent = true, custom = { \"Affected Devices\" = [\"Printer\", \"Chromebook\"], \"Needed By\" = 2024-06-21 } }\n\
        [[test]]\nname = \"a long title\"\nrow = { B = \"LHS\", T = \"much too long for it\" }\nexpect_error = \"longer than 12\"\n\
        [[test]]\nname = \"spam\"\nrow = { B = \"LHS\", T = \"Spam\" }\nexpect_skip = true\n\
        [[test]]\nname = \"what is not there is empty\"\nrow = { B = \"DO\" }\nexpect = { Subject = \"\", LocationId = \"DO\" }\n";
    work.write(
        "m.toml",
        small("[input]\nwhere = \"T != 'Spam'\"", fields, tests),
    );
    let (code, document) = validate(&work, &["m.toml", "--directory", "incidentiq.json"]);
    assert_eq!(
        (code, &document["mappings"][0]["tests"]),
        (Some(0), &json!(4)),
        "{document:#}"
    );
    // Without names they run too: what is resolved is compared as it is written.
    let (code, document) = validate(&work, &["m.toml"]);
    assert_eq!(code, Some(0), "{document:#}");
    work.write(
        "m.toml",
        small(
            "[input]\nwhere = \"T != 'Spam'\"",
            fields,
            &tests.replace("LocationId = \"DO\"", "LocationId = \"District Office\""),
        ),
    );
    let (code, document) = validate(&work, &["m.toml", "--directory", "incidentiq.json"]);
    assert_eq!(code, Some(0), "{document:#}");
}

#[test]
fn columns_that_nothing_reads_are_told_or_refused() {
    let work = work();
    work.write("in.csv", "T,B,Vendor,Empty\na,DO,Dell,\nb,LHS,,\n");
    let fields = "LocationId = { from = \"B\" }\nSubject = { from = \"T\" }";
    let arguments = [
        "m.toml",
        "--input",
        "in.csv",
        "--directory",
        "incidentiq.json",
    ];
    work.write("m.toml", small("", fields, ""));
    let (code, document) = validate(&work, &arguments);
    assert_eq!(
        (code, &document["mappings"][0]["input"]["unread"]),
        (Some(0), &json!([{"column": "Vendor", "cells": 1}])),
        "{document:#}"
    );
    work.write("m.toml", small("unmapped = \"error\"", fields, ""));
    assert_eq!(validate(&work, &arguments).0, Some(2));
    work.write("m.toml", small("unmapped = \"append\"", fields, ""));
    let (code, document) = validate(&work, &arguments);
    assert_eq!(
        (code, &document["mappings"][0]["input"]["unread"]),
        (Some(0), &json!([]))
    );
}

#[test]
fn thousands_of_causes_stay_a_page() {
    let work = work();
    let mut rows = "Id,T,B\n".to_owned();
    for row in 0..30_000 {
        rows.push_str(&format!("{},t,Nowhere {}\n", row / 2, row));
    }
    work.write("in.csv", rows);
    work.write(
        "m.toml",
        small(
            "key = [\"Id\"]",
            "LocationId = { from = \"B\" }\nSubject = { from = \"T\" }",
            "",
        ),
    );
    let arguments = [
        "validate",
        "m.toml",
        "--input",
        "in.csv",
        "--directory",
        "incidentiq.json",
    ];
    let ended = work.run(&arguments).expect(1);
    assert!(ended.stdout.lines().count() < 40, "{}", ended.stdout);
    insta::assert_snapshot!("thousands_of_causes", work.shown(&ended.both()));
}

#[test]
fn dates_of_two_meanings_are_one_cause_that_shows_a_cell() {
    let work = work();
    work.write("in.csv", "T,D\na,03/04/2024\nb,05/06/2024\nc,21/06/2024\n");
    let fields = "LocationId = { value = \"DO\" }\nSubject = { from = \"T\" }\n\"custom.Needed By\" = { from = \"D\", parse = \"date\", formats = [\"%m/%d/%Y\", \"%d/%m/%Y\"] }";
    work.write("m.toml", small("", fields, ""));
    let (code, document) = validate(
        &work,
        &[
            "m.toml",
            "--input",
            "in.csv",
            "--directory",
            "incidentiq.json",
        ],
    );
    let causes = &document["mappings"][0]["input"]["causes"];
    assert_eq!(
        (code, causes.as_array().unwrap().len(), &causes[0]["rows"]),
        (Some(2), 1, &json!(2)),
        "{document:#}"
    );
    // The mapping must choose, so its own place is shown too, by the dry run as well.
    let fault = &document["mappings"][0]["faults"][0];
    let text = work.read("m.toml");
    let at = |name: &str| usize::try_from(fault[name].as_u64().unwrap()).unwrap();
    assert_eq!(
        &text[at("start")..at("end")],
        "[\"%m/%d/%Y\", \"%d/%m/%Y\"]",
        "{fault:#}"
    );
    assert_eq!(
        fault["message"],
        "a cell is a different date under `%m/%d/%Y` and `%d/%m/%Y`: `03/04/2024`, `05/06/2024`, in 2 rows"
    );
    let mut arguments = vec!["import", "in.csv", "--mapping", "m.toml", "--dry-run"];
    arguments.extend(["--directory", "incidentiq.json"]);
    let ended = work.run(&arguments).expect(1);
    insta::assert_snapshot!(
        "dry_run_of_dates_of_two_meanings",
        work.shown(&ended.both())
    );
    // A column that has a type of its own, of rows that are gathered first.
    let head = "[input]\ngroup_by = [\"T\"]\nwhere = \"D != ''\"\n[input.columns]\nD = { parse = \"date\", formats = [\"%m/%d/%Y\", \"%d/%m/%Y\"] }";
    work.write("m.toml", small(head, "LocationId = { value = \"DO\" }", ""));
    let arguments = [
        "m.toml",
        "--input",
        "in.csv",
        "--directory",
        "incidentiq.json",
    ];
    let (_, document) = validate(&work, &arguments);
    let fault = &document["mappings"][0]["faults"][0];
    assert_eq!(fault["line"], 9, "{document:#}");
    insta::assert_snapshot!("dates_of_two_meanings", work.shown(&format!("{causes:#}")));
}

#[test]
fn names_come_from_a_connection_too_and_nothing_is_sent() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "");
    let arguments = [
        &mapping("mappings/incidentiq-tickets.toml"),
        "--input",
        &mapping("samples/tickets.csv"),
        "--profile",
        "district",
    ];
    let (code, document) = validate(&work, &arguments);
    assert_eq!(code, Some(0), "{document:#}");
    assert!(sandbox.audit().is_empty());
    // A profile of the other system is no place to look.
    let ended = work
        .run(&[
            "validate",
            &mapping("mappings/clearfeed-tickets.toml"),
            "--profile",
            "district",
        ])
        .expect(2);
    insta::assert_snapshot!("profile_of_the_other_system", work.shown(&ended.both()));
}

#[test]
fn a_table_of_names_needs_an_input_and_a_directory() {
    let work = work();
    work.write("in.csv", "T,B\na,Nowhere\n");
    work.write("m.toml", small("", "LocationId = { from = \"B\" }", ""));
    let ended = work
        .run(&["validate", "m.toml", "--write-aliases", "a.xlsx"])
        .expect(2);
    insta::assert_snapshot!("aliases_without_an_input", work.shown(&ended.both()));
    let ended = work
        .run(&[
            "validate",
            "m.toml",
            "--input",
            "in.csv",
            "--write-aliases",
            "a.xlsx",
        ])
        .expect(2);
    insta::assert_snapshot!("aliases_without_a_directory", work.shown(&ended.both()));
    // What is no such table is never written over.
    work.write("a.xlsx", "notes of a person");
    let ended = work.run(&[
        "validate",
        "m.toml",
        "--input",
        "in.csv",
        "--directory",
        "incidentiq.json",
        "--write-aliases",
        "a.xlsx",
    ]);
    assert_ne!(ended.code, Some(0));
    assert_eq!(work.read("a.xlsx"), "notes of a person");
}

#[test]
fn one_table_has_the_unknown_names_of_all_mappings() {
    let work = work();
    work.write("in.csv", "T,B,C\na,Nowhere,Lost\nb,Nowhere,Found\n");
    work.write("a.toml", small("", "LocationId = { from = \"B\" }", ""));
    work.write("b.toml", small("", "LocationId = { from = \"C\" }", ""));
    let cf = "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\n[fields]\ntitle = { from = \"T\" }\ndescription = { from = \"T\" }\ncollection_id = { from = \"B\" }\n";
    work.write("c.toml", cf);
    let mut arguments = vec!["a.toml", "b.toml", "c.toml", "--input", "in.csv"];
    arguments.extend([
        "--directory",
        "incidentiq.json",
        "--directory",
        "clearfeed.json",
    ]);
    arguments.extend(["--write-aliases", "names.xlsx"]);
    let (code, document) = validate(&work, &arguments);
    assert_eq!(code, Some(1), "{document:#}");
    for mapping in document["mappings"].as_array().unwrap() {
        let written = &mapping["input"]["aliases_written_to"];
        assert_eq!(written, "names.xlsx", "{mapping:#}");
    }
    let options = InputOptions {
        sheet: SheetChoice::All,
        ..InputOptions::default()
    };
    let input = Input::open(&[work.path().join("names.xlsx")], &options).unwrap();
    let mut words = Vec::new();
    for row in input.rows().unwrap() {
        let Row::Record(record) = row.unwrap() else {
            panic!("a row that cannot be read");
        };
        let sheet = record.place.sheet.as_deref().unwrap().to_owned();
        if sheet != "names" {
            words.push((sheet, record.cell(0).text().into_owned()));
        }
    }
    words.sort();
    let word = |sheet: &str, word: &str| (sheet.to_owned(), word.to_owned());
    assert_eq!(
        words,
        [
            word("LocationId", "Found"),
            word("LocationId", "Lost"),
            word("LocationId", "Nowhere"),
            word("collection_id", "Nowhere"),
        ]
    );
    let told = work
        .run(&[&["validate"], &arguments[..]].concat())
        .expect(1);
    insta::assert_snapshot!("aliases_of_several_mappings", work.shown(&told.both()));
}

#[test]
fn every_mapping_says_itself_where_it_may_run() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "");
    let fields = "LocationId = { value = \"District Office\" }";
    work.write("free.toml", small("", fields, ""));
    work.write("bound.toml", small("profile = [\"elsewhere\"]", fields, ""));
    for order in [["free.toml", "bound.toml"], ["bound.toml", "free.toml"]] {
        let (code, document) = validate(&work, &[&order[..], &["--profile", "district"]].concat());
        assert_eq!(code, Some(2), "{document:#}");
        for (name, mapping) in order.iter().zip(document["mappings"].as_array().unwrap()) {
            assert_eq!(
                mapping["good"],
                *name == "free.toml",
                "{order:?}: {mapping:#}"
            );
        }
    }
}

#[test]
fn standard_input_is_read_for_one_mapping() {
    let work = Work::new();
    let fields = "LocationId = { value = \"District Office\" }";
    work.write("a.toml", small("", fields, ""));
    work.write("b.toml", small("", fields, ""));
    let ended = work
        .run(&["validate", "a.toml", "b.toml", "--input", "-"])
        .expect(2);
    insta::assert_snapshot!("standard_input_for_two_mappings", work.shown(&ended.both()));
}

#[test]
fn tests_that_fail_are_counted_by_what_they_are() {
    let work = work();
    let fields = "LocationId = { value = \"District Office\" }\nSubject = { from = \"T\" }";
    let tests = "[[test]]\nname = \"good\"\nrow = { T = \"a\" }\nexpect = { Subject = \"a\" }\n\
        [[test]]\nname = \"bad\"\nrow = { T = \"a\" }\nexpect = { Subject = \"b\", IsUrgent = true }\n";
    work.write("m.toml", small("", fields, tests));
    let ended = work
        .run(&["validate", "m.toml", "--directory", "incidentiq.json"])
        .expect(2);
    insta::assert_snapshot!("tests_that_fail", work.shown(&ended.both()));
    let (_, document) = validate(&work, &["m.toml", "--directory", "incidentiq.json"]);
    let mapping = &document["mappings"][0];
    assert_eq!(
        (&mapping["tests"], &mapping["tests_failed"]),
        (&json!(2), &json!(1)),
        "{mapping:#}"
    );
}

#[test]
fn advice_names_what_this_command_has() {
    let work = Work::new();
    let ended = work.run(&["validate", "nowhere.toml"]).expect(2);
    insta::assert_snapshot!("mapping_that_is_not_there", work.shown(&ended.both()));
}
