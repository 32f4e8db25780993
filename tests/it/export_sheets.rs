//! Analyses behind the tickets of a workbook, and on a page.

use std::fs::File;
use std::io::BufReader;

use calamine::{Data, Reader, Xlsx, open_workbook};

use crate::support::{SandboxProcess, Work};

fn number(sheet: &calamine::Range<Data>, name: &str) -> f64 {
    let row = sheet
        .rows()
        .find(|row| row[0] == Data::String(name.to_owned()));
    match row.map(|row| &row[1]) {
        Some(Data::Float(number)) => *number,
        Some(Data::Int(number)) => *number as f64,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn analyses_count_the_tickets_of_the_file() {
    let work = Work::new();
    let mut rows = String::from("Subject,Name\n");
    for row in 0..12 {
        rows.push_str(&format!("=1+{row} <b>,helpdesk@district.example\n"));
    }
    work.write("in.csv", rows);
    work.write(
        "map.toml",
        "version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"s\"\n[input]\n[fields]\nSubject = { from = \"Subject\" }\n\
         ForId = { from = \"Name\", match = \"email\" }\nLocationId = { value = \"LHS\" }\nIssueId = { value = \"Other\" }\n",
    );
    work.run(&["import", "in.csv", "--mapping", "map.toml", "--sandbox"])
        .expect(0);
    let export = |file: &str, sheets: &str, code: i32| {
        let system = ["--system", "incidentiq", "--sandbox"];
        let all = [&["export", "-o", file, "--sheets", sheets][..], &system[..]].concat();
        work.run(&all).expect(code)
    };
    let ended = export("tickets.xlsx", "sumary", 2);
    insta::assert_snapshot!("sheet_that_is_unknown", work.shown(&ended.stderr));
    // A second time: the charts of the first are ours to replace.
    export("tickets.xlsx", "all", 0);
    let ended = export("tickets.xlsx", "all", 0);
    assert!(!ended.stderr.contains("stays as it is"), "{}", ended.stderr);
    let mut book: Xlsx<BufReader<File>> = open_workbook(work.path().join("tickets.xlsx")).unwrap();
    // The tickets, eleven analyses and how they are counted.
    assert_eq!(book.sheet_names().len(), 13, "{:?}", book.sheet_names());
    let tickets = book.worksheet_range("Tickets").unwrap().height() as f64 - 1.0;
    let summary = book.worksheet_range("Summary").unwrap();
    assert_eq!(number(&summary, "Tickets"), tickets);
    let split = number(&summary, "Open") + number(&summary, "Closed");
    assert_eq!(split, tickets);
    let formulas = book.worksheet_formula("Summary").unwrap();
    let is_count = |text: &String| text.contains("COUNTIFS('Tickets'!");
    assert!(formulas.rows().flatten().any(is_count));
    export("tickets.html", "summary,issues", 0);
    let page = work.read("tickets.html");
    assert!(page.contains("=1+7 &lt;b&gt;") && !page.contains("=1+7 <b>"));
    let is_heading = |line: &&str| ["<h1", "<h2", "<h3"].iter().any(|tag| line.contains(tag));
    let headings = page.lines().filter(is_heading);
    let headings = headings.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("headings_of_a_page", work.shown(&headings));
}

/// A sandbox with so many tickets of its own, and profiles for it.
fn desk(tickets: &str) -> (Work, SandboxProcess) {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--tickets", tickets]);
    sandbox.profiles(&work, "timezone = \"America/Chicago\"");
    (work, sandbox)
}

/// A period in which the sandbox has tickets.
const SUMMER: &str = "2024-06-01..2024-08-31";

fn sheet(work: &Work, file: &str, name: &str) -> calamine::Range<Data> {
    let mut book: Xlsx<BufReader<File>> = open_workbook(work.path().join(file)).unwrap();
    book.worksheet_range(name).unwrap()
}

fn text(sheet: &calamine::Range<Data>) -> String {
    let rows = sheet.rows().map(|row| {
        let cells: Vec<_> = row.iter().map(ToString::to_string).collect();
        cells.join(" | ").trim_end_matches([' ', '|']).to_owned()
    });
    // Where a chart lies, the rows are empty.
    let rows = rows.filter(|row| !row.is_empty());
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_period_chooses_what_is_listed_and_not_what_the_desk_has() {
    let (work, _sandbox) = desk("300");
    let export = |arguments: &[&str]| {
        let all = [&["export", "--profile=district"], arguments].concat();
        work.run(&all).expect(0)
    };
    export(&["-o", "all.jsonl"]);
    let all = work.read("all.jsonl");
    let open = all.matches("\"standing\":\"open\"").count() as f64;
    assert!(open > 10.0, "{open}");

    export(&[
        "-o",
        "whole.xlsx",
        "--incremental",
        "--period",
        SUMMER,
        "--sheets",
        "all",
    ]);
    let listed = sheet(&work, "whole.xlsx", "Tickets").height() as f64 - 1.0;
    assert!(listed > 10.0 && listed < 250.0, "{listed}");
    let summary = sheet(&work, "whole.xlsx", "Summary");
    assert_eq!(number(&summary, "Tickets"), listed);
    assert_eq!(number(&summary, "Created in the period"), listed);
    assert_eq!(number(&summary, "Open now"), open);
    let volume = text(&sheet(&work, "whole.xlsx", "Monthly volume"));
    insta::assert_snapshot!("volume_of_the_desk", work.shown(&volume));
    let backlog = text(&sheet(&work, "whole.xlsx", "Backlog by age"));
    assert!(backlog.contains(&format!("Total | {open}")), "{backlog}");

    // Where only the period was read, what the desk has is left out, and that is said.
    export(&["-o", "part.xlsx", "--period", SUMMER, "--sheets", "all"]);
    let part = sheet(&work, "part.xlsx", "Summary");
    assert_eq!(number(&part, "Tickets"), listed);
    insta::assert_snapshot!("summary_of_a_period", work.shown(&text(&part)));
    for (scene, name) in [
        ("backlog_of_a_period", "Backlog by age"),
        ("volume_of_a_period", "Monthly volume"),
        ("definitions_of_a_period", "Definitions"),
    ] {
        let said = text(&sheet(&work, "part.xlsx", name));
        insta::assert_snapshot!(scene, work.shown(&said));
    }
}

#[test]
fn a_week_is_reported_the_same_again() {
    let (work, sandbox) = desk("400");
    let week = [
        "--period",
        "2024-06-10..2024-06-16",
        "--sheets",
        "weekly",
        "--profile=district",
    ];
    let export = |file: &str, further: &[&str], code: i32| {
        work.run(&[&["export", "-o", file], &week[..], further].concat())
            .expect(code)
    };
    export("one.xlsx", &[], 0);
    let glance = |file: &str| {
        let shown = text(&sheet(&work, file, "Weekly report"));
        let (_, glance) = shown.split_once("At a glance").unwrap();
        let (glance, _) = glance.split_once("At risk now").unwrap_or((glance, ""));
        let (glance, _) = glance
            .split_once("Broken and still open")
            .unwrap_or((glance, ""));
        // How many tickets the desk has is of now.
        let lines = glance.lines().filter(|line| !line.starts_with("Counts "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let first = glance("one.xlsx");
    insta::assert_snapshot!("week_at_a_glance", work.shown(&first));
    // A ticket of that week is deleted: the report stays what it was, and says what is other now.
    work.run(&[
        "export",
        "-o",
        "week.jsonl",
        "--period",
        "2024-06-10..2024-06-16",
        "--profile=district",
    ])
    .expect(0);
    let tickets = work.read("week.jsonl");
    let ticket: serde_json::Value = serde_json::from_str(tickets.lines().next().unwrap()).unwrap();
    let path = format!("api/v1.0/tickets/{}", ticket["id"].as_str().unwrap());
    sandbox.person("DELETE", "incidentiq", &path, serde_json::json!({}));
    export("two.xlsx", &[], 0);
    assert_eq!(glance("two.xlsx"), first);
    let said = text(&sheet(&work, "two.xlsx", "Weekly report"));
    let (head, _) = said.split_once("At a glance").unwrap();
    insta::assert_snapshot!("week_with_fewer_tickets", work.shown(head));
    // Counted anew where that is asked for.
    export("three.xlsx", &["--refresh"], 0);
    assert_ne!(glance("three.xlsx"), first);
    // A page to mail.
    export("week.html", &[], 0);
    let page = work.read("week.html");
    assert!(
        !page.contains("<script") && page.contains("<h3>At a glance</h3>"),
        "{page}"
    );
    // Another span is no week.
    let ended = work
        .run(&[
            "export",
            "-o",
            "x.xlsx",
            "--period",
            SUMMER,
            "--sheets",
            "weekly",
            "--profile=district",
        ])
        .expect(2);
    insta::assert_snapshot!("a_report_of_no_week", work.shown(&ended.stderr));
}

#[test]
fn tickets_are_counted_in_the_terminal() {
    let (work, _sandbox) = desk("200");
    let count = |arguments: &[&str], code: i32| {
        let all = [&["export", "--profile=district", "--count"], arguments].concat();
        work.run(&all).expect(code)
    };
    let ended = count(&["location,status", "--period", SUMMER], 0);
    insta::assert_snapshot!("counted_by_location_and_status", ended.stdout);
    let ended = count(&["priority", "--period", SUMMER, "--format", "json"], 0);
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let groups = told["groups"].as_array().unwrap();
    let sum: u64 = groups
        .iter()
        .map(|one| one["tickets"].as_u64().unwrap())
        .sum();
    assert_eq!(told["tickets"], sum);
    assert!(sum > 5, "{told}");
    // The same from the tickets that are kept.
    let kept = count(
        &[
            "priority",
            "--period",
            SUMMER,
            "--incremental",
            "--format",
            "json",
        ],
        0,
    );
    let kept: serde_json::Value = serde_json::from_str(&kept.stdout).unwrap();
    assert_eq!(kept["groups"], told["groups"]);
    let ended = count(&["locaton"], 2);
    insta::assert_snapshot!("counted_by_what_is_unknown", work.shown(&ended.stderr));

    // An empty period names the newest ticket, whether all are kept here or not.
    for further in [&["--quiet"][..], &["--incremental", "--quiet"]] {
        let empty = [
            "status",
            "--period",
            "2019-01-01..2019-01-31",
            "--format",
            "json",
        ];
        let ended = count(&[&empty, further].concat(), 0);
        let told: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let note = told["notes"][0].as_str().unwrap();
        assert!(
            note.starts_with("no ticket was created 1 to 31 Jan 2019; the newest is "),
            "{note}"
        );
    }
    let ended = work
        .run(&[
            "export",
            "-o",
            "x.csv",
            "--period",
            "2019-01-01..2019-01-31",
            "--profile=district",
        ])
        .expect(0);
    insta::assert_snapshot!("period_without_tickets", work.shown(&ended.stderr));
}
