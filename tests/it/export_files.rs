//! Files of an export: what people ask for on the command line, and the way back into the tickets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Work, repository};

/// A sandbox with some tickets of a sample in it.
pub(crate) fn filled(system: &str) -> Work {
    let work = Work::new();
    let mapping = repository().join(format!("mappings/{system}-tickets.toml"));
    let input = repository().join("samples/tickets.csv");
    work.run(&[
        "import",
        input.to_str().unwrap(),
        "--mapping",
        mapping.to_str().unwrap(),
        "--sandbox",
        "--limit",
        "8",
    ])
    .expect(0);
    work
}

pub(crate) fn export(work: &Work, system: &str, arguments: &[&str]) -> String {
    let mut all = vec![
        "export",
        "--system",
        system,
        "--sandbox",
        "--search",
        "Opened by",
        "--wait",
        "0",
    ];
    all.extend(arguments);
    work.run(&all).expect(0).stderr
}

/// The tickets of the sandbox by id, without what every change moves.
pub(crate) fn tickets(work: &Work, system: &str) -> BTreeMap<String, Value> {
    export(work, system, &["-o", "now.jsonl", "--refresh"]);
    let text = work.read("now.jsonl");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|mut ticket| {
            let members = ticket.as_object_mut().unwrap();
            members.remove("updated");
            members.remove("other");
            // A field that is set anew stands last.
            let custom = members["custom"].as_array_mut().unwrap();
            custom.sort_by_key(|field| field["name"].to_string());
            (members["id"].as_str().unwrap().to_owned(), ticket)
        })
        .collect()
}

#[track_caller]
fn leads_back(system: &str, edited: &str) {
    let work = filled(system);
    let before = tickets(&work, system);
    assert!(before.len() > 4, "{}", before.len());
    for file in ["t.csv", "t.xlsx"] {
        export(&work, system, &["-o", file, "--write-mapping", "back.toml"]);
        let (ended, summary) = work.import(&[file, "--mapping", "back.toml", "--sandbox"]);
        ended.expect(0);
        assert_eq!(summary["rejected"], 0, "{summary:#}");
        // Whatever was sent said what was there already.
        assert_eq!(
            tickets(&work, system),
            before,
            "{file}\n{}",
            work.read("back.toml")
        );
    }
    // What a person changes arrives, a text that would run too.
    export(
        &work,
        system,
        &["-o", "t.csv", "--write-mapping", "back.toml"],
    );
    let text = work.read("t.csv");
    // Ids come by chance: a cell that stands there once, and as it is.
    let mut cells = before
        .values()
        .map(|ticket| format!(",{},", ticket["title"].as_str().unwrap()));
    let cell = cells.find(|cell| text.matches(cell).count() == 1).unwrap();
    let text = text.replace(&cell, ",'=1+1,");
    work.write("edited.csv", text);
    work.import(&["edited.csv", "--mapping", "back.toml", "--sandbox"])
        .0
        .expect(0);
    let after = tickets(&work, system);
    let changed: Vec<&Value> = after
        .iter()
        .filter(|(id, ticket)| before[*id] != **ticket)
        .map(|(_, ticket)| ticket)
        .collect();
    assert_eq!(changed.len(), 1, "{edited}");
    assert_eq!(changed[0][edited], "=1+1");
}

#[test]
fn an_export_that_nobody_edits_changes_nothing_in_incidentiq() {
    leads_back("incidentiq", "title");
}

#[test]
fn an_export_that_nobody_edits_changes_nothing_in_clearfeed() {
    leads_back("clearfeed", "title");
}

#[test]
fn columns_parts_and_what_people_wrote() {
    let work = filled("incidentiq");
    let columns = "version = 1\n[[column]]\nfrom = \"number\"\n[[column]]\nfrom = \"assigne\"\n[[column]]\nfrom = \"custom.Assett Tag\"\n";
    work.write("columns.toml", columns);
    let faults = work
        .run(&[
            "export",
            "-o",
            "t.csv",
            "--columns",
            "columns.toml",
            "--system",
            "incidentiq",
            "--sandbox",
        ])
        .expect(2)
        .stderr;
    insta::assert_snapshot!("faults_of_columns", work.shown(&faults));

    let columns = "version = 1\n[[column]]\nfrom = \"number\"\n[[column]]\nfrom = \"title\"\nheading = \"What\"\n[[column]]\nheading = \"Remark\"\nby_hand = true\n";
    work.write("columns.toml", columns);
    let with = |arguments: &[&str]| {
        let mut all = vec!["--columns", "columns.toml"];
        all.extend(arguments);
        export(&work, "incidentiq", &all)
    };
    with(&["-o", "t.csv"]);
    let mut lines: Vec<String> = work.read("t.csv").lines().map(str::to_owned).collect();
    assert_eq!(lines[0], "\u{feff}Ticket,What,Remark");
    lines[1].push_str("call back");
    lines[0].push_str(",Mine");
    work.write("t.csv", lines.join("\r\n"));
    with(&["-o", "t.csv"]);
    let text = work.read("t.csv");
    assert!(
        text.starts_with("\u{feff}Ticket,What,Remark,Mine\r\n"),
        "{text}"
    );
    assert!(
        text.lines().nth(1).unwrap().contains(",call back"),
        "{text}"
    );
    // What is no longer asked for moves beside.
    let told = with(&["-o", "t.csv", "--period", "2019-01-01..2019-01-31"]);
    // Which ticket is the newest hangs on the day of the test.
    let told = told.lines().filter(|line| !line.contains("the newest"));
    let told: Vec<&str> = told.collect();
    insta::assert_snapshot!("rows_that_moved_beside", work.shown(&told.join("\n")));
    assert!(work.read("t.earlier.csv").contains("call back"));

    with(&["-o", "p.csv", "--partition-by", "location"]);
    let parts = std::fs::read_dir(work.path()).unwrap();
    let parts = parts.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("p.")
    });
    assert!(parts.count() > 1);
    let told = with(&["-o", "raw.csv", "--raw"]);
    insta::assert_snapshot!("raw", work.shown(&told));
    // What cannot be written is told before anything is read.
    for (scene, arguments) in [
        ("raw_workbook", &["-o", "t.xlsx", "--raw"][..]),
        ("no_such_folder", &["-o", "no/t.xlsx"]),
        (
            "no_such_folder_for_the_mapping",
            &["-o", "t.csv", "--write-mapping", "no/m.toml"],
        ),
        (
            "nothing_to_carry_from",
            &["-o", "t.csv", "--carry-from", "no.csv"],
        ),
    ] {
        let start = ["export", "--system", "incidentiq", "--sandbox"];
        let ended = work.run(&[&start[..], arguments].concat()).expect(2);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    }
}

#[test]
fn a_system_that_deletes_nothing_has_a_replica_too() {
    let work = Work::new();
    let export = |arguments: &[&str], code: i32| {
        let start = ["export", "-o", "t.jsonl", "--system=clearfeed", "--sandbox"];
        let ended = work.run(&[&start[..], arguments].concat());
        ended.expect(code).stderr
    };
    export(&["--incremental"], 0);
    let first = work.read("t.jsonl");
    assert!(first.lines().count() > 30, "{first}");
    let told = export(&["--incremental"], 0);
    insta::assert_snapshot!("replica_up_to_date", work.shown(&told));
    assert_eq!(work.read("t.jsonl"), first);
    let told = export(&["--filter", "state=deleted"], 2);
    insta::assert_snapshot!("deleted_requests", work.shown(&told));
}

#[test]
fn what_columns_can_show_is_listed() {
    let work = Work::new();
    let listed = work.run(&["schema", "fields", "--common"]).expect(0).stdout;
    insta::assert_snapshot!("common_fields", work.shown(&listed));
    let printed = work.run(&["schema", "columns"]).expect(0).stdout;
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("columns.json", serde_json::from_str(&printed).unwrap())
        .unwrap();
    let mut schemas = boon::Schemas::new();
    let schema = compiler.compile("columns.json", &mut schemas).unwrap();
    // The sample of the page fits.
    let page = std::fs::read_to_string(repository().join("docs/export.md")).unwrap();
    let sample = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let sample: Value = toml::from_str(sample).unwrap();
    schemas.validate(&sample, schema).unwrap();
}
