//! What a technician reads and keeps: receipts, previews, tables of names, lists, messages.

use std::fs;
use std::path::Path;

use crate::support::{SandboxProcess, Work, repository, sums};

const MAPPING: &str = "mappings/incidentiq-tickets.toml";
/// A mapping of three columns, for small files.
const SMALL: &str = r#"
version   = 2
system    = "incidentiq"
operation = "create"
scope     = "people"
key       = ["Id"]

[input]
header_row = 3

[fields]
Subject          = { from = "Title" }
IssueDescription = { from = "Text" }
IssueId          = { value = "Other", resolve = "issue" }
LocationId       = { from = "Building", resolve = "location" }
ForId            = { from = "Who", resolve = "user", missing = "helpdesk@district.example" }
"#;
const ROWS: &str = "Help desk export;;;;\r\n;;;;\r\nId;Title;Text;Building;Who\r\n\
    1;Beamer;\"Does not turn on;\r\nsince Monday\";Lincoln High School;nobody@nowhere.example\r\n\r\n\
    2;Laptop;Cracked;Linclon HS;helpdesk@district.example\r\n";

fn work(files: &[&str]) -> (Work, SandboxProcess) {
    let work = Work::new();
    for name in files {
        work.write(name, fs::read(repository().join(name)).unwrap());
    }
    work.write("small.toml", SMALL);
    work.write("rows.csv", ROWS);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    (work, sandbox)
}

fn to_district<'a>(input: &'a str, mapping: &'a str) -> Vec<&'a str> {
    vec![
        "import",
        input,
        "--mapping",
        mapping,
        "--profile",
        "district",
    ]
}

/// Without what differs from run to run: numbers of tickets, links, times.
fn plain(text: &str) -> String {
    let varying = [
        (r"https?://[^;,\s]+", "LINK"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d", "THEN"),
        (r"\b1\d{4}\b", "NUMBER"),
    ];
    varying
        .iter()
        .fold(text.to_owned(), |text, (pattern, with)| {
            let pattern = regex::Regex::new(pattern).unwrap();
            pattern.replace_all(&text, *with).into_owned()
        })
}

#[test]
fn a_receipt_is_the_file_again_with_the_tickets_beside_the_rows() {
    let (work, sandbox) = work(&[]);
    let arguments = to_district("rows.csv", "small.toml");
    let ended = work
        .run(&[&arguments[..], &["--receipts", "rows.receipts.csv"]].concat())
        .expect(1);
    insta::assert_snapshot!("receipts_told", work.shown(&ended.stderr));
    assert_eq!(work.read("rows.csv"), ROWS);
    let receipts = work.read("rows.receipts.csv");
    insta::assert_snapshot!("receipts", plain(&receipts).replace("\r\n", "␍\n"));
    let made = sandbox.created("incidentiq");
    assert_eq!(made.len(), 1);
    // Later, and without the system.
    drop(sandbox);
    work.run(&["runs", "receipts", "last", "-o", "later.csv"])
        .expect(0);
    assert_eq!(work.read("later.csv"), receipts);
    // Named after the file, beside what is there.
    let ended = work.run(&["runs", "receipts", "last"]).expect(0);
    insta::assert_snapshot!("receipts_later", work.shown(&ended.stderr));
    // What somebody has written into it is kept.
    let mine = format!("{receipts}mine\r\n");
    work.write("rows.receipts.csv", &mine);
    work.run(&["runs", "receipts", "last"]).expect(0);
    assert_eq!(work.read("rows.receipts.csv"), mine);
    assert_eq!(work.read("rows.receipts-2.csv"), receipts);
}

#[test]
fn a_receipt_is_never_the_file_itself_and_has_its_format() {
    let (work, _sandbox) = work(&[]);
    let arguments = to_district("rows.csv", "small.toml");
    for (name, what) in [("rows.csv", "itself"), ("rows.xlsx", "format")] {
        let ended = work
            .run(&[&arguments[..], &["--receipts", name]].concat())
            .expect(2);
        insta::assert_snapshot!(format!("receipt_{what}"), work.shown(&ended.stderr));
    }
    assert_eq!(work.read("rows.csv"), ROWS);
}

#[test]
fn a_workbook_gets_its_receipts_where_its_rows_are() {
    let (work, sandbox) = work(&["samples/tickets.xlsx", MAPPING]);
    let arguments = to_district("samples/tickets.xlsx", MAPPING);
    let further = ["--rows", "2-40", "--receipts", "tickets.receipts.xlsx"];
    work.run(&[&arguments[..], &further].concat());
    let made = sandbox.created("incidentiq");
    assert!(!made.is_empty());
    let original = sheets(&work.path().join("samples/tickets.xlsx"));
    let receipts = sheets(&work.path().join("tickets.receipts.xlsx"));
    assert_eq!(original.len(), receipts.len());
    let mut tickets = 0;
    for ((name, before), (_, after)) in original.iter().zip(&receipts) {
        let width = before.iter().map(Vec::len).max().unwrap_or(0);
        for (row, (before, after)) in before.iter().zip(after).enumerate() {
            let mut before = before.clone();
            before.resize(width, String::new());
            assert_eq!(before[..], after[..width], "{name}, row {row}");
            let added: Vec<&str> = after[width..].iter().map(String::as_str).collect();
            let is_headings = added == ["_ticket", "_link", "_outcome", "_time"];
            assert!(
                row > 0 || is_headings || added.is_empty(),
                "{name}: {added:?}"
            );
            if added.get(2) == Some(&"created") {
                tickets += 1;
                // The sandbox has no pages to lead to.
                assert!(added[0].parse::<u64>().is_ok(), "{added:?}");
            }
        }
    }
    assert_eq!(tickets, made.len());
}

/// The cells of each sheet as texts.
fn sheets(path: &Path) -> Vec<(String, Vec<Vec<String>>)> {
    use calamine::Reader;
    let mut book = calamine::open_workbook_auto(path).unwrap();
    let names = book.sheet_names();
    let cells = |name: &String| {
        let range = book.worksheet_range(name).unwrap();
        let rows = range
            .rows()
            .map(|row| row.iter().map(ToString::to_string).collect());
        (name.clone(), rows.collect())
    };
    names.iter().map(cells).collect()
}

#[test]
fn a_dry_run_shows_tickets_as_people_know_them() {
    let (work, _sandbox) = work(&["samples/tickets.csv", MAPPING]);
    let arguments = to_district("rows.csv", "small.toml");
    let ended = work
        .run(&[&arguments[..], &["--dry-run"]].concat())
        .expect(1);
    insta::assert_snapshot!("preview", work.shown(&ended.stderr));
    let arguments = to_district("samples/tickets.csv", MAPPING);
    let dry = ["--dry-run", "--rows", "2-3"];
    let ended = work.run(&[&arguments[..], &dry].concat());
    insta::assert_snapshot!("preview_of_the_sample", work.shown(&ended.stderr));
}

#[test]
fn a_preview_is_written_as_a_sheet_a_page_or_the_requests() {
    let (work, _sandbox) = work(&[]);
    let arguments = to_district("rows.csv", "small.toml");
    for name in ["preview.xlsx", "preview.html", "preview.jsonl"] {
        let preview = ["--dry-run", "--preview", name];
        let ended = work.run(&[&arguments[..], &preview].concat()).expect(1);
        let told = ended.stderr.replace(name, "preview.FORMAT");
        insta::assert_snapshot!("preview_told", work.shown(sums(&told)));
    }
    let rows = sheets(&work.path().join("preview.xlsx")).remove(0).1;
    let rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
    insta::assert_snapshot!("preview_sheet", plain(&work.shown(&rows.join("\n"))));
    let page = work.read("preview.html");
    let body = page.split("<main>").nth(1).unwrap();
    insta::assert_snapshot!("preview_page", work.shown(body));
    let requests = work.read("preview.jsonl");
    assert_eq!(requests.lines().count(), 1);
    assert!(requests.contains("\"Subject\":\"Beamer\""), "{requests}");
    let preview = ["--dry-run", "--preview", "preview.docx"];
    let ended = work.run(&[&arguments[..], &preview].concat()).expect(2);
    insta::assert_snapshot!("preview_of_another_kind", work.shown(&ended.stderr));
}

#[test]
fn names_that_mean_several_people_or_are_shortened_are_offered_so_that_they_work() {
    let (work, _sandbox) = work(&[]);
    let validate = [
        "validate",
        "small.toml",
        "--input",
        "rows.csv",
        "--profile",
        "district",
        "--names",
    ];
    let ended = work.run(&validate).expect(1);
    insta::assert_snapshot!("names", work.shown(&ended.stdout));
    let rows = sheets(&work.path().join("names.xlsx")).remove(0).1;
    let rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
    insta::assert_snapshot!("names_sheet", rows.join("\n"));
}

#[test]
fn messages_say_what_to_do() {
    let (work, _sandbox) = work(&[]);
    let ended = work.run(&["import", "rows.csv", "--sandbox"]).expect(2);
    insta::assert_snapshot!("no_mapping", work.shown(&ended.stderr));
    let arguments = to_district("rows.csv", "small.toml");
    let past = ["--dry-run", "--rows", "400"];
    let ended = work.run(&[&arguments[..], &past].concat()).expect(2);
    insta::assert_snapshot!("rows_past_the_end", work.shown(&ended.stderr));
    // The headings are in row 3.
    work.write("first.toml", SMALL.replace("header_row = 3", ""));
    let arguments = to_district("rows.csv", "first.toml");
    let ended = work
        .run(&[&arguments[..], &["--dry-run"]].concat())
        .expect(2);
    insta::assert_snapshot!("headings_elsewhere", work.shown(&ended.stderr));
    let other = ["--dry-run", "--header-row", "3", "--delimiter", ","];
    let ended = work.run(&[&arguments[..], &other].concat()).expect(2);
    insta::assert_snapshot!("another_delimiter", work.shown(&ended.stderr));
    work.write(
        "names.toml",
        SMALL
            .replace("\"Title\"", "\"Titel\"")
            .replace("\"Text\"", "\"Body\""),
    );
    let arguments = to_district("rows.csv", "names.toml");
    let ended = work
        .run(&[&arguments[..], &["--dry-run"]].concat())
        .expect(2);
    insta::assert_snapshot!("several_columns", work.shown(&ended.stderr));
}

#[test]
fn lists_are_read_by_people() {
    let (work, _sandbox) = work(&[]);
    work.run(&to_district("rows.csv", "small.toml")).expect(1);
    work.write(
        "good.csv",
        ROWS.replace("Linclon HS", "District Office")
            .replace("Beamer", "Projector")
            .replace("Laptop", "Tablet")
            .replace(";2;", ";9;"),
    );
    work.write(
        "good.toml",
        SMALL.replace("scope     = \"people\"", "scope = \"good\""),
    );
    work.run(&to_district("good.csv", "good.toml")).expect(0);
    work.run(&["runs", "rollback", "last"]).expect(0);
    let listed = work.run(&["runs", "list"]).expect(0).stdout;
    let codes = regex::Regex::new(r"(?m)^[0-9A-Z]{4}  |\b(errors|show) [0-9A-Z]{4}\b").unwrap();
    insta::assert_snapshot!(
        "runs_list",
        codes.replace_all(&work.shown(&listed), "${1} CODE")
    );
    let rooms = ["directory", "show", "room", "--profile", "district"];
    let rooms = work.run(&rooms).expect(0).stdout;
    let first: Vec<&str> = rooms.lines().take(2).collect();
    insta::assert_snapshot!("rooms", work.shown(&first.join("\n")));
}

#[test]
fn comments_are_counted_and_those_of_no_row_are_named() {
    let (work, _sandbox) = work(&[]);
    work.write(
        "notes.csv",
        "Id,Note\n1,First\n1,Second\n7,Nobody's\n8,Nor this\n",
    );
    let then = "\n[[then]]\noperation = \"comment\"\neach = { file = \"notes.csv\", on = \"Id\" }\n\
        fields = { body = { template = \"{{ item.Note }}\" } }\n";
    work.write("then.toml", format!("{SMALL}{then}"));
    let arguments = to_district("rows.csv", "then.toml");
    let dry = ["--dry-run", "--show", "0"];
    let ended = work.run(&[&arguments[..], &dry].concat()).expect(1);
    insta::assert_snapshot!("comments_rehearsed", work.shown(&ended.stderr));
    let ended = work.run(&arguments).expect(1);
    insta::assert_snapshot!("comments", work.shown(&ended.stderr));
}
