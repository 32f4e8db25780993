//! Analyses behind the tickets of a workbook, and on a page.

use std::fs::File;
use std::io::BufReader;

use calamine::{Data, Reader, Xlsx, open_workbook};

use crate::support::Work;

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
    assert_eq!(book.sheet_names().len(), 12, "{:?}", book.sheet_names());
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
    assert!(page.contains("<h2>Tickets by issue or collection</h2>"));
    assert!(page.contains("=1+7 &lt;b&gt;") && !page.contains("=1+7 <b>"));
    assert!(!page.contains("Monthly volume"));
}
