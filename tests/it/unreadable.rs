//! From a file to its error file and back: what nobody has put right is never sent, and what is sent is what the file says.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Format, Formula, Workbook};
use serde_json::Value;

use crate::support::{Work, creates};

const FIELDS: &str = "[fields]\ntitle = { from = \"Title\", required = true }\ndescription = { from = \"Text\" }\n\
     collection_id = { from = \"Team\", resolve = \"collection\" }\n";

fn mapping(work: &Work, head: &str, fields: &str) {
    work.write(
        "m.toml",
        format!(
            "version = 2\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\n{head}\n{fields}"
        ),
    );
}

/// Imports a file; what is said, and the summary.
fn import(work: &Work, input: &str) -> (String, Value) {
    let (ended, summary) = work.import(&[input, "--mapping", "m.toml", "--sandbox"]);
    (ended.stderr, summary)
}

/// The tickets that were made, by title: what their description says.
fn made(work: &Work) -> BTreeMap<String, String> {
    let created = creates(work.embedded_audit(), "clearfeed");
    let text = |request: &Value, name: &str| {
        request["body"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let all: Vec<(String, String)> = (created.iter())
        .map(|request| {
            let said = text(request, "description");
            let said = said.split("\n\nRef:").next().unwrap_or_default();
            (text(request, "title"), said.to_owned())
        })
        .collect();
    let titles: BTreeMap<String, String> = all.iter().cloned().collect();
    assert_eq!(titles.len(), all.len(), "a ticket is made twice: {all:?}");
    titles
}

fn titles(work: &Work) -> Vec<String> {
    made(work).into_keys().collect()
}

#[test]
fn a_row_that_could_not_be_read_is_sent_once_it_is_put_right_and_not_before() {
    let work = Work::new();
    mapping(&work, "key = \"Id\"", FIELDS);
    work.write(
        "in.csv",
        "Id,Title,Text,Team\n1,Good,as it is,IT Support\n2,Broken,one, two,IT Support\n3,Wrong,text,Nobody\n",
    );
    let (_, summary) = import(&work, "in.csv");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &2.into())
    );
    let errors = work.read("in.errors.csv");
    assert_eq!(errors.matches(",unreadable,").count(), 1, "{errors}");
    // Only what the mapping says is fixed; the row that could not be read is not.
    work.write("in.errors.csv", errors.replace("Nobody", "IT Support"));
    let (said, summary) = import(&work, "in.errors.csv");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &1.into()),
        "{said}"
    );
    assert!(said.contains("is still marked `unreadable`"), "{said}");
    assert_eq!(titles(&work), ["Good", "Wrong"]);
    let errors = work.read("in.errors-2.csv");
    let line = errors.lines().find(|line| line.starts_with("2,")).unwrap();
    let fixed = errors.replace(line, "2,Broken,\"one, two\",IT Support,3,2,,,,");
    work.write("in.errors-2.csv", fixed);
    let (said, summary) = import(&work, "in.errors-2.csv");
    assert_eq!(summary["created"], 1, "{said}");
    assert_eq!(made(&work)["Broken"], "one, two");
}

#[test]
fn an_unreadable_row_holds_back_its_group() {
    let work = Work::new();
    mapping(&work, "key = \"Id\"\n[input]\ngroup_by = \"Id\"", FIELDS);
    // The second row of the first ticket is broken: nobody can tell to which ticket it belongs.
    work.write(
        "in.csv",
        "Id,Title,Text,Team\n1,One,a,IT Support\n1,One,b, c,IT Support\n2,Two,x,IT Support\n",
    );
    let (said, summary) = import(&work, "in.csv");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&0.into(), &3.into()),
        "{said}"
    );
    assert!(
        said.contains("row 3 cannot be read and may belong to this ticket"),
        "{said}"
    );
    // As it stands, all of it is held back again.
    let (said, summary) = import(&work, "in.errors.csv");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&0.into(), &3.into()),
        "{said}"
    );
    let errors = work.read("in.errors.csv");
    let line = errors
        .lines()
        .find(|line| line.contains("unreadable"))
        .unwrap();
    let fixed = errors.replace(line, "1,One,\"b, c\",IT Support,3,,,,,");
    work.write("in.errors.csv", fixed);
    let (said, summary) = import(&work, "in.errors.csv");
    assert_eq!(summary["created"], 2, "{said}");
    assert_eq!(titles(&work), ["One", "Two"]);
}

/// Of a workbook, and of a condition that cannot be judged, the group is known: the others go.
#[test]
fn where_the_group_is_known_only_that_is_held_back() {
    let work = Work::new();
    mapping(&work, "key = \"Id\"\n[input]\ngroup_by = \"Id\"", FIELDS);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = [
        ["Id", "Title", "Text", "Team"],
        ["1", "One", "a", "IT Support"],
        ["2", "Two", "b", "IT Support"],
        ["1", "One", "c", "IT Support"],
    ];
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    // Behind the rows by which the width is found.
    for (column, cell) in (0..).zip(["1", "One", "d", "IT Support", "", "", "beyond"]) {
        sheet.write_string(1200, column, cell).unwrap();
    }
    book.save(work.path().join("in.xlsx")).unwrap();
    let (said, summary) = import(&work, "in.xlsx");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &1.into()),
        "{said}"
    );
    assert_eq!(titles(&work), ["Two"]);
    // The whole group stands in the error file.
    let (said, summary) = import(&work, "in.errors.xlsx");
    assert_eq!(summary["created"], 0, "{said}");
    assert_eq!(titles(&work), ["Two"]);
}

#[test]
fn an_error_cell_is_the_same_error_in_the_error_workbook() {
    let work = Work::new();
    let fields = FIELDS.replace("from = \"Text\"", "from = \"Text\", default = \"none\"");
    mapping(&work, "key = \"Id\"\n[input]\nnull = [\"#N/A\"]", &fields);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, cell) in (0..).zip(["Id", "Title", "Text", "Team"]) {
        sheet.write_string(0, column, cell).unwrap();
    }
    for (row, error) in (1..).zip(["#REF!", "#N/A", "#VALUE!"]) {
        sheet.write_number(row, 0, row).unwrap();
        sheet.write_string(row, 1, format!("Matter {row}")).unwrap();
        let formula = Formula::new("=B1").set_result(error);
        sheet
            .write_formula_with_format(row, 2, formula, &Format::new())
            .unwrap();
        sheet.write_string(row, 3, "IT Support").unwrap();
    }
    book.save(work.path().join("in.xlsx")).unwrap();
    let (said, summary) = import(&work, "in.xlsx");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &2.into()),
        "{said}"
    );
    let (said, summary) = import(&work, "in.errors.xlsx");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&0.into(), &2.into()),
        "{said}"
    );
    assert!(said.contains("the cell shows the error `#REF!`"), "{said}");
}

#[test]
fn totals_and_notes_are_known_under_merged_cells() {
    let work = Work::new();
    mapping(
        &work,
        "key = \"Id\"\n[input]\nmerged = \"fill\"\ntotal_rows = \"skip\"",
        FIELDS,
    );
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, cell) in (0..).zip(["Id", "Title", "Text", "Team"]) {
        sheet.write_string(0, column, cell).unwrap();
    }
    for row in 1..3 {
        sheet.write_string(row, 0, format!("{row}")).unwrap();
        sheet.write_string(row, 1, format!("Matter {row}")).unwrap();
        sheet.write_string(row, 2, "t").unwrap();
    }
    sheet
        .merge_range(1, 3, 2, 3, "IT Support", &Format::new())
        .unwrap();
    sheet
        .merge_range(3, 0, 3, 2, "Total", &Format::new())
        .unwrap();
    sheet.write_number(3, 3, 2).unwrap();
    sheet
        .merge_range(4, 0, 4, 3, "IT Support", &Format::new())
        .unwrap();
    book.save(work.path().join("in.xlsx")).unwrap();
    let (said, summary) = import(&work, "in.xlsx");
    // The note is a row of one cell, and none that could become a ticket.
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&2.into(), &1.into()),
        "{said}"
    );
    assert_eq!(titles(&work), ["Matter 1", "Matter 2"]);
}

#[test]
fn columns_of_the_file_that_are_called_like_ours_are_sent_as_they_are() {
    let work = Work::new();
    let fields = FIELDS.replace("from = \"Text\"", "from = \"_state\"");
    mapping(&work, "key = \"_key\"", &fields);
    work.write(
        "in.csv",
        "_key,_state,_error,Title,Team\nk1,open,boom,One,IT Support\nk2,unreadable,bang,Two,Nobody\n",
    );
    let (said, summary) = import(&work, "in.csv");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &1.into()),
        "{said}"
    );
    let errors = work.read("in.errors.csv");
    work.write("in.errors.csv", errors.replace("Nobody", "IT Support"));
    let (said, summary) = import(&work, "in.errors.csv");
    assert_eq!(summary["created"], 1, "{said}");
    assert_eq!(made(&work)["Two"], "unreadable");
    assert_eq!(made(&work)["One"], "open");
    // Without a key in the mapping nobody can tell whose `_key` that is.
    mapping(&work, "", &fields);
    let ended = work.run(&[
        "import",
        "in.csv",
        "--mapping",
        "m.toml",
        "--sandbox",
        "--dry-run",
    ]);
    assert!(
        ended
            .stderr
            .contains("has a column `_key` but is not an error file"),
        "{}",
        ended.stderr
    );
}

/// What a row is called by the file and the number of its row is the same in the error file.
#[test]
fn file_sheet_and_row_are_those_of_the_first_input() {
    let work = Work::new();
    let fields = FIELDS.replace("from = \"Text\"", "template = \"{{ _file }} {{ _row }}\"");
    mapping(&work, "key = [\"_file\", \"_row\"]", &fields);
    work.write("a.csv", "Title,Team\nOne,IT Support\nTwo,Nobody\n");
    let (said, summary) = import(&work, "a.csv");
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &1.into()),
        "{said}"
    );
    let errors = work.read("a.errors.csv");
    assert!(errors.contains("_from_file"), "{errors}");
    work.write("a.errors.csv", errors.replace("Nobody", "IT Support"));
    let (said, summary) = import(&work, "a.errors.csv");
    assert_eq!(summary["created"], 1, "{said}");
    assert_eq!(made(&work)["Two"], "a.csv 3");
    // Done: the file as a whole makes nothing more of it.
    work.write("a.csv", "Title,Team\nOne,IT Support\nTwo,IT Support\n");
    let (said, summary) = import(&work, "a.csv");
    assert_eq!(summary["created"], 0, "{said}");
}

#[test]
fn keys_that_nobody_can_tell_apart_are_told() {
    let work = Work::new();
    mapping(&work, "key = \"Id\"", FIELDS);
    work.write(
        "in.csv",
        "Id,Title,Text,Team\nK1,a,x,IT Support\nK\u{200b}1,b,x,IT Support\nCl\u{e9},c,x,IT Support\nCle\u{301},d,x,IT Support\n\
         A B,e,x,IT Support\nA\u{a0}B,f,x,IT Support\nZ\u{ad}9,g,x,IT Support\n",
    );
    let ended = work.run(&["validate", "m.toml", "--input", "in.csv", "--sandbox"]);
    let line = "3 keys look like another key and differ only in invisible characters";
    assert!(ended.stdout.contains(line), "{}", ended.both());
    for pair in ["row 2 and row 3", "row 4 and row 5", "row 6 and row 7"] {
        assert!(ended.stdout.contains(pair), "{pair}: {}", ended.stdout);
    }
    let (ended, _) = work.import(&["in.csv", "--mapping", "m.toml", "--sandbox", "--dry-run"]);
    assert!(ended.stderr.contains(line), "{}", ended.stderr);
}

#[test]
fn a_long_member_beside_the_records_is_passed_over_and_a_long_record_is_told_with_its_place() {
    let work = Work::new();
    mapping(
        &work,
        "key = \"Id\"\n[input]\nrecords = \"tickets\"",
        FIELDS,
    );
    let long = "x".repeat(9 << 20);
    let record = "{\"Id\":1,\"Title\":\"One\",\"Text\":\"t\",\"Team\":\"IT Support\"}";
    work.write(
        "in.json",
        format!("{{\"blob\":\"{long}\",\"tickets\":[{record}],\"more\":[\"{long}\"]}}"),
    );
    let (said, summary) = import(&work, "in.json");
    assert_eq!(summary["created"], 1, "{said}");
    mapping(&work, "key = \"Id\"", FIELDS);
    let ended = work.run(&[
        "import",
        "in.json",
        "--mapping",
        "m.toml",
        "--sandbox",
        "--dry-run",
    ]);
    assert!(
        ended.stderr.contains("add records = \"tickets\""),
        "{}",
        ended.stderr
    );
    work.write(
        "in.jsonl",
        format!(
            "{record}\n{{\"Id\":2,\"Title\":\"{long}\",\"Text\":\"t\",\"Team\":\"IT Support\"}}\n"
        ),
    );
    let ended = work.run(&[
        "import",
        "in.jsonl",
        "--mapping",
        "m.toml",
        "--sandbox",
        "--dry-run",
    ]);
    assert!(
        ended.stderr.contains("line 2 is longer than 8 MB"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("remove its longest member"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_error_file_has_the_extension_of_its_format() {
    let work = Work::new();
    mapping(&work, "key = \"Id\"", FIELDS);
    work.write("in.csv", "Id,Title,Text,Team\n1,One,x,Nobody\n");
    let all = [
        "import",
        "in.csv",
        "--mapping",
        "m.toml",
        "--sandbox",
        "--errors",
    ];
    let ended = work.run(&[&all[..], &["wrong.xlsx"]].concat());
    assert!(
        ended.stderr.contains("has the wrong extension"),
        "{}",
        ended.stderr
    );
    assert!(titles(&work).is_empty());
    work.run(&[&all[..], &["wrong.txt"]].concat()).expect(1);
    assert!(work.read("wrong.txt").contains("Nobody"));
}
