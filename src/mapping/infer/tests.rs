//! Guesses over small tables: what they must see, and that whatever the cells hold the mapping is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::directory::{Choice, CustomField, CustomType, Entry, Kind, Listing, Needs, Snapshot};
use crate::mapping::{Mapping, Plan, PlanOptions};
use crate::record::{Cell, Header, Place};
use crate::source::Layout as FileLayout;
use crate::systems::{self, Dialect, SystemName};

pub(super) fn table(headings: &[String]) -> Table {
    Table {
        file: Arc::from("t.csv"),
        sheet: None,
        header: Arc::new(Header::new(headings.to_vec())),
        layout: FileLayout::Csv {
            delimiter: b',',
            encoding: crate::source::Charset::UTF_8,
            bom: false,
            crlf: false,
            guarded: crate::source::Guards::None,
            header_row: 1,
            tells_delimiter: false,
        },
        gzip: false,
    }
}

pub(super) fn records_of(rows: &[Vec<String>]) -> Vec<Record> {
    let record = |(number, cells): (usize, &Vec<String>)| Record {
        place: Place {
            file: Arc::from("t.csv"),
            sheet: None,
            row: number as u64 + 2,
        },
        table: 0,
        cells: cells.iter().map(|text| Cell::Text(text.into())).collect(),
    };
    rows.iter().enumerate().map(record).collect()
}

pub(super) fn directory(system: SystemName) -> Directory {
    let entry = |name: &str, properties: &[(&str, &str)]| Entry {
        id: format!("id of {name}"),
        name: name.to_owned(),
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        parent: None,
    };
    let listing = |entries| Listing {
        entries,
        ..Listing::default()
    };
    let people = [
        entry("Help Desk", &[("email", "helpdesk@district.example")]),
        entry("Jane Doe", &[("email", "jane@district.example")]),
    ];
    let kinds = BTreeMap::from([
        (Kind::User, listing(people.to_vec())),
        (
            Kind::Location,
            listing(vec![
                entry("District Office", &[]),
                entry("North", &[]),
                entry("South", &[]),
            ]),
        ),
        (
            Kind::Issue,
            listing(vec![
                entry("Other", &[("path", "Other › Other")]),
                entry("Screen", &[("path", "Hardware › Laptop › Screen")]),
                entry("Paper jam", &[("path", "Hardware › Printer › Paper jam")]),
            ]),
        ),
        (
            Kind::Collection,
            listing(vec![entry("IT Support", &[]), entry("Facilities", &[])]),
        ),
        (
            Kind::Priority,
            listing(vec![entry("Low", &[]), entry("High", &[])]),
        ),
    ]);
    Directory::new(Snapshot {
        version: Snapshot::VERSION,
        system,
        dialect: match system {
            SystemName::ClearFeed => Dialect::V1,
            SystemName::IncidentIq => Dialect::Only,
        },
        tenant: "t".to_owned(),
        pulled_at: Timestamp::UNIX_EPOCH,
        kinds,
        custom_fields: vec![
            CustomField {
                id: "cf".to_owned(),
                name: "Legacy ID".to_owned(),
                kind: CustomType::Text,
                options: Vec::new(),
                max_length: None,
                required: false,
            },
            CustomField {
                id: "colour".to_owned(),
                name: "Case Colour".to_owned(),
                kind: CustomType::Select,
                options: ["Red", "Blue"]
                    .map(|value| Choice {
                        id: format!("id of {value}"),
                        value: value.to_owned(),
                    })
                    .to_vec(),
                max_length: None,
                required: false,
            },
        ],
        custom_fields_note: None,
        holds: Needs::ALL,
        constants: BTreeMap::new(),
    })
}

/// The mapping of a small table, and what is wrong with it.
pub(super) fn guessed(
    system: SystemName,
    tables: &[Table],
    rows: &[Vec<String>],
) -> (String, Vec<String>) {
    guessed_of(system, tables, &records_of(rows))
}

pub(super) fn guessed_of(
    system: SystemName,
    tables: &[Table],
    records: &[Record],
) -> (String, Vec<String>) {
    let directory = Arc::new(directory(system));
    let schema: Arc<dyn Schema> = Arc::from(systems::schema_for(directory.snapshot()).unwrap());
    let seen = Seen {
        input: "t.csv",
        tables,
        records,
        is_whole: true,
        other_sheets: &[],
        options: &InputOptions::default(),
        guess: None,
        notices: &[],
        found_headings: false,
        schema: schema.as_ref(),
        operation: Operation::Create,
        directory: Some(&directory),
        scope: "t",
        aliases: None,
        zone: Some("UTC"),
    };
    let text = guess(&seen).render();
    let checked =
        Mapping::read("m.toml".to_owned(), text.clone(), Path::new("")).and_then(|mapping| {
            let plan = Plan::compile(
                &mapping,
                schema,
                Arc::clone(&directory),
                &PlanOptions::default(),
            )?;
            Arc::new(plan).bind(tables).map(|_| ())
        });
    let faults = checked.err().map_or_else(Vec::new, |error| {
        error
            .faults()
            .iter()
            .map(ToString::to_string)
            .chain([error.to_string()])
            .collect()
    });
    (text, faults)
}

#[track_caller]
fn sure(system: SystemName, headings: &[&str], rows: &[&[&str]]) -> String {
    let headings: Vec<String> = headings
        .iter()
        .map(|heading| (*heading).to_owned())
        .collect();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
        .collect();
    let (text, faults) = guessed(system, &[table(&headings)], &rows);
    assert!(faults.is_empty(), "{faults:#?}\n{text}");
    text
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(
        text.lines().any(|other| other == line),
        "no line `{line}` in\n{text}"
    );
}

#[test]
fn columns_are_known_by_their_cells_where_the_heading_says_nothing() {
    let text = sure(
        SystemName::IncidentIq,
        &["A", "B", "C", "D", "Id"],
        &[
            &[
                "North",
                "jane@district.example",
                "The screen of the laptop in the library has a crack.",
                "Cracked screen",
                "1",
            ],
            &[
                "South",
                "gone@district.example",
                "Nothing prints, and the light on the left blinks in red.",
                "Printer is dead",
                "2",
            ],
            &[
                "north",
                "jane@district.example",
                "It has been like that since the holidays, says the teacher.",
                "Clock is wrong",
                "3",
            ],
        ],
    );
    has(
        &text,
        "LocationId = { from = \"A\", resolve = \"location\" }",
    );
    has(
        &text,
        "ForId = { from = \"B\", lower = true, match = \"email\", resolve = \"user\", default = \"helpdesk@district.example\", missing = \"helpdesk@district.example\" }",
    );
    has(&text, "IssueDescription = { from = \"C\" }");
    has(
        &text,
        "Subject = { from = \"D\", collapse = true, max_length = 255, overflow = \"truncate\" }",
    );
    has(
        &text,
        "IssueId = { value = \"Other\", resolve = \"issue\" }",
    );
    has(&text, "key = [\"Id\"]");
    has(&text, "\"custom.Legacy ID\" = { from = \"Id\" }");
}

#[test]
fn two_columns_that_name_one_thing_are_found_together() {
    let text = sure(
        SystemName::IncidentIq,
        &["Id", "Subject", "Area", "What"],
        &[
            &["1", "a crack", "Hardware", "Screen"],
            &["2", "no print", "Hardware", "Paper jam"],
            &["3", "who knows", "Other", "Other"],
        ],
    );
    has(
        &text,
        "IssueId = { from = [\"Area\", \"What\"], resolve = \"issue\" }",
    );
}

#[test]
fn an_event_log_is_grouped_by_what_names_its_tickets() {
    let rows: Vec<[String; 4]> = (0..12)
        .map(|n| {
            [
                format!("INC{}", n / 3),
                format!("2024-05-{:02} 10:00", n + 1),
                "Open".to_owned(),
                "?".to_owned(),
            ]
        })
        .collect();
    let rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let text = sure(
        SystemName::ClearFeed,
        &["number", "updated_at", "state", "vendor"],
        &rows,
    );
    has(&text, "group_by = [\"number\"]");
    has(&text, "order_by = \"updated_at\"");
    has(&text, "take = \"last\"");
    has(&text, "null = [\"?\"]");
    has(&text, "status = { from = \"state\" }");
}

#[test]
fn a_key_with_doubles_and_a_date_that_reads_two_ways_are_open_points() {
    let rows: Vec<[String; 2]> = (1..=40)
        .map(|n| {
            [
                format!("T-{}", if n == 40 { 1 } else { n }),
                "03/04/2024".to_owned(),
            ]
        })
        .collect();
    let rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let text = sure(SystemName::IncidentIq, &["Ticket #", "Due date"], &rows);
    assert!(
        text.contains("# TODO it is the same as in an earlier row in row 41: a row without a key"),
        "{text}"
    );
    assert!(
        text.contains("# TODO is the month first, or the day?"),
        "{text}"
    );
    has(
        &text,
        "\"Due date\" = { parse = \"date\", formats = [\"%m/%d/%Y\"] }",
    );
}

#[test]
fn ids_of_which_one_comes_twice_are_the_key_whatever_the_column_is_called() {
    let rows: Vec<[String; 3]> = (1..=40)
        .map(|n| {
            let number = 23_000 + if n == 40 { 1 } else { n };
            [
                number.to_string(),
                format!("555-{}", 1000 + n),
                format!("Problem {n}"),
            ]
        })
        .collect();
    let rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let text = sure(SystemName::IncidentIq, &["Tkt", "Phone", "Title"], &rows);
    has(&text, "key = [\"Tkt\"]");
    assert!(text.contains("by its cells, which are like ids"), "{text}");
    assert!(
        text.contains("# TODO it is the same as in an earlier row in row 41: a row without a key"),
        "{text}"
    );
}

#[test]
fn what_one_column_leaves_open_another_settles() {
    let text = sure(
        SystemName::IncidentIq,
        &["Id", "Created", "Due date"],
        &[
            &["1", "21/06/2024", "03/04/2024"],
            &["2", "22/06/2024", "05/06/2024"],
        ],
    );
    has(
        &text,
        "\"Due date\" = { parse = \"date\", formats = [\"%d/%m/%Y\"] }",
    );
    assert!(!text.contains("month first"), "{text}");
}

#[test]
fn words_that_a_custom_field_does_not_have_are_an_open_point() {
    let rows: [&[&str]; 4] = [
        &["1", "a", "Red"],
        &["2", "b", "blue"],
        &["3", "c", "Red"],
        &["4", "d", "Mauve"],
    ];
    let text = sure(
        SystemName::IncidentIq,
        &["Id", "Subject", "Case Colour"],
        &rows,
    );
    has(
        &text,
        "\"custom.Case Colour\" = { from = \"Case Colour\", map = { \"Red\" = \"Red\", \"blue\" = \"Blue\" }, else = { do = \"skip_field\" } }",
    );
    assert!(
        text.contains("# TODO what do `Mauve` mean? The system has `Red`, `Blue`"),
        "{text}"
    );
    let text = sure(
        SystemName::IncidentIq,
        &["Id", "Subject", "Case Colour"],
        &rows[..3],
    );
    has(&text, "\"custom.Case Colour\" = { from = \"Case Colour\" }");
}

fn heading() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "Title", "Description", "Status", "Priority", "Created", "E-Mail", "Category", "Id", "Tags", "Room", "Comment",
        ]).prop_map(str::to_owned),
        2 => "[ -~]{1,12}",
        1 => "\\PC{1,8}",
        1 => "[ -~\\x01-\\x1f\\x7f]{1,8}",
    ]
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        3 => "[ -~]{0,20}",
        1 => "\\PC{0,12}",
        1 => prop::sample::select(vec![
            "{{ 7 * 7 }}", "\"\"\"", "\\", "N/A", "2024-06-21 22:43", "03/04/2024", "jane@district.example", "P1", "yes",
            "Closed", "a,b;c", "North", "12.5", "line\nline", "line\r\nline\u{1}\u{7f}",
        ]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_table_holds_the_guess_is_a_mapping_without_faults(
        headings in prop::collection::vec(heading(), 1..9),
        rows in prop::collection::vec(prop::collection::vec(cell(), 9), 0..8),
    ) {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row[..headings.len()].to_vec()).collect();
        for system in SystemName::ALL {
            let (text, faults) = guessed(system, &[table(&headings)], &rows);
            // Where no column can be a title somebody must write one: that is told, and loads.
            let faults: Vec<&String> = faults.iter().filter(|fault| !fault.contains("TODO")).collect();
            prop_assert!(faults.is_empty(), "{faults:#?}\n{text}");
        }
    }
}
