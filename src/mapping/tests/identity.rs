//! Keys, contents, conditions and groups.

use super::*;
use crate::intake::Identify;

fn key_of(bound: &BoundPlan, cells: Vec<Cell>) -> String {
    match bound.identify(&[record(2, cells)]) {
        Ok(identity) => identity.key.map(|key| key.to_string()).unwrap_or_default(),
        Err(faults) => faults.iter().map(fault_line).collect::<Vec<_>>().join("\n"),
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

#[test]
fn keys_are_made_of_columns() {
    let mapping = with_fields("").replace(
        "key = [\"Id\"]",
        "key = [\"Id\", { from = \"Site\", upper = true }]",
    );
    let bound = bind(&mapping, workbook(&["Id", "Title", "Building", "Site"]));
    let key = |id, site| key_of(&bound, vec![id, text("t"), text("DO"), site]);
    assert_eq!(key(Cell::Number(4711.0), text(" north ")), "4711/NORTH");
    assert_eq!(
        key(Cell::Empty, text("n")),
        "row 2 [Id] -: is empty — every row needs its key: fill the cell"
    );
    assert!(key(text("1.2E+05"), text("n")).contains("`1.2E+05` has lost digits"));
    assert!(key(Cell::Number(12_345_678_901_234_500.0), text("n")).contains("has lost digits"));
    assert!(key(Cell::Fault("#N/A".to_owned()), text("n")).contains("#N/A"));
}

#[test]
fn compound_keys_keep_their_parts_apart() {
    let mapping = with_fields("").replace("key = [\"Id\"]", "key = [\"Id\", \"Site\"]");
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "Site"]));
    let key = |id, site| key_of(&bound, vec![text(id), text("t"), text("DO"), text(site)]);
    assert_ne!(key("1/2", "3"), key("1", "2/3"));
    assert_eq!(key("1", "3"), "1/3");
}

#[test]
fn without_a_key_the_content_or_the_carried_key() {
    let mapping = with_fields("").replace("key = [\"Id\"]\n", "");
    let bound = bind(&mapping, table(&["Title", "Building", "Other", "_key"]));
    let identity = |cells: &[&str]| bound.identify(&[texts(2, cells)]).unwrap();
    let first = identity(&["t", "DO", "x", ""]);
    assert_eq!(first.key, None);
    assert_eq!(first.content, identity(&["t ", "DO", "y", ""]).content);
    assert_ne!(first.content, identity(&["DO", "t", "x", ""]).content);
    assert_eq!(
        identity(&["t", "DO", "x", "abc"]).key,
        Some(RowKey::new("abc"))
    );

    let turned = bind(&mapping, table(&["building", "More", "TITLE"]));
    let other = turned.identify(&[texts(9, &["DO", "1", "t"])]).unwrap();
    assert_eq!(first.content, other.content);
}

#[test]
fn conditions_filter_rows() {
    let mapping = with_fields("").replace(
        "[fields]",
        "[input]\nwhere = \"Title != 'Spam' and Opened >= date('2024-01-01')\"\n[input.columns]\nOpened = { parse = \"date\" }\n[fields]",
    );
    let options = PlanOptions {
        where_: Some("Building in ['DO', 'LHS']".to_owned()),
        ..PlanOptions::default()
    };
    let plan = compile_with(&mapping, &options).unwrap();
    let bound = plan
        .bind(&[table(&["Id", "Title", "Building", "Opened"])])
        .unwrap();
    let passes = |cells: &[&str]| bound.passes(&texts(2, cells));
    assert_eq!(passes(&["1", "t", "DO", "2024-02-01"]), Ok(true));
    assert_eq!(passes(&["1", "Spam", "DO", "2024-02-01"]), Ok(false));
    assert_eq!(passes(&["1", "t", "XX", "2024-02-01"]), Ok(false));
    assert_eq!(passes(&["1", "t", "DO", "2023-02-01"]), Ok(false));
    assert_eq!(passes(&["1", "t", "DO", ""]), Ok(false));
    let told = passes(&["1", "t", "DO", "soon"]).unwrap_err();
    assert_eq!(told[0].message, "`soon` is no date like 2024-06-21");
    assert_eq!(told[0].column.as_deref(), Some("Opened"));
}

#[test]
fn a_workbook_row_that_compares_unlike_things_is_told() {
    let mapping = with_fields("").replace("[fields]", "[input]\nwhere = \"Amount > 5\"\n[fields]");
    let bound = bind(&mapping, workbook(&["Id", "Title", "Building", "Amount"]));
    let passes = |cell| {
        bound.passes(&record(
            2,
            vec![Cell::Empty, Cell::Empty, Cell::Empty, cell],
        ))
    };
    assert_eq!(passes(Cell::Number(6.0)), Ok(true));
    assert_eq!(passes(Cell::Empty), Ok(false));
    assert_eq!(
        passes(text("six")).unwrap_err()[0].message,
        "`where` cannot be judged: a text is compared with a number: `six` with `5`"
    );
}

#[test]
fn groups_are_found_ordered_and_judged() {
    let mapping = with_fields("").replace(
        "[fields]",
        "[input]\ngroup_by = \"Id\"\norder_by = \"N\"\nwhere_group = \"rows|length > 1\"\n[input.columns]\nN = { parse = \"integer\" }\n[fields]",
    );
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "N"]));
    let row = |number, id, n| texts(number, &[id, "t", "DO", n]);
    assert_eq!(
        bound.group(&row(2, "a", "1")),
        bound.group(&row(9, " a ", "2"))
    );
    assert_ne!(bound.group(&row(2, "", "1")), bound.group(&row(3, "", "1")));
    let mut rows = vec![row(2, "a", "10"), row(3, "a", "9"), row(4, "a", "")];
    bound.arrange(&mut rows).unwrap();
    let numbers: Vec<u64> = rows.iter().map(|record| record.place.row).collect();
    assert_eq!(numbers, [4, 3, 2]);
    assert_eq!(bound.passes_group(&rows), Ok(true));
    assert_eq!(bound.passes_group(&rows[..1]), Ok(false));
}

#[test]
fn columns_that_nothing_reads_are_known() {
    let bound = bind(
        &with_fields(""),
        table(&["Id", "Title", "Building", "Notes", "_error"]),
    );
    let names: Vec<String> = (bound.unread_columns().into_iter())
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names, ["Notes", "_error"]);
    let mut columns = vec!["Id", "Title", "Building", "Notes"];
    columns.extend(crate::source::own::COLUMNS);
    let bound = bind(&with_fields(""), table(&columns));
    assert_eq!(bound.unread_columns(), [(0, "Notes".to_owned())]);
}
