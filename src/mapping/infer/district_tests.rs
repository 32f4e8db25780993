//! Guesses over random sheets of school districts: columns in any order under any heading, a few that could be taken for one
//! another, and comments in the forms in which exports have them.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::tests::{directory, guessed, records_of, table};
use super::{LOOKED_AT, heading_row};
use crate::mapping::{MapRows, Mapped, Mapping, Plan, PlanOptions};
use crate::record::{Cell, Header, Record, RowKey};
use crate::source::{Input, InputOptions, Row, Rule, Table};
use crate::systems::{self, SystemName};

/// What a column of a district's sheet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Number,
    Date,
    Title,
    Details,
    Person,
    Phone,
    School,
    State,
    Hours,
}

const ALL: [Holds; 9] = [
    Holds::Number,
    Holds::Date,
    Holds::Title,
    Holds::Details,
    Holds::Person,
    Holds::Phone,
    Holds::School,
    Holds::State,
    Holds::Hours,
];

fn headings(holds: Holds) -> &'static [&'static str] {
    match holds {
        Holds::Number => &[
            "Tkt", "No.", "Ref", "Ticket #", "Case", "WO", "Zahl", "Item",
        ],
        Holds::Date => &["Date", "Logged", "Opened", "Day", "When"],
        Holds::Title => &["What's wrong", "Problem", "Summary", "Short description"],
        Holds::Details => &["Details", "Description", "More", "Full story"],
        Holds::Person => &["Reported By", "Requester", "Teacher", "Who"],
        Holds::Phone => &["Phone", "Ext", "Call back", "Contact"],
        Holds::School => &["School", "Building", "Site", "Campus"],
        Holds::State => &["Status", "State"],
        Holds::Hours => &["Hours", "Time spent", "Hrs"],
    }
}

/// One row's cell. Every seventh school is a nickname, and the dates are written in two ways.
fn cell(holds: Holds, row: usize, prefix: &str) -> String {
    let of = |words: &[&str]| words[row % words.len()].to_owned();
    match holds {
        Holds::Number => format!("{prefix}{}", 1000 + row * 3),
        Holds::Date => match row % 3 {
            0 => format!("{:02}-Aug-2023", row % 27 + 1),
            _ => format!("08/{:02}/23", row % 17 + 13),
        },
        Holds::Title => format!(
            "{} is broken ({row})",
            of(&["Projector", "Door", "Laptop", "Printer"])
        ),
        Holds::Details => format!(
            "It began on {}. We restarted it twice and nothing changed, please help, case {row}.",
            of(&["Monday", "Tuesday", "Friday"])
        ),
        Holds::Person => of(&["Doe, Jane", "Desk, Help", "Doe, Jane", "Perez, Fatima"]),
        Holds::Phone => format!("(555) 201-{:04}", 1000 + row * 7),
        Holds::School if row % 7 == 3 => "The Annex".to_owned(),
        Holds::School => of(&["North", "South", "District Office"]),
        Holds::State => of(&["Open", "Closed", "Waiting on parts", "CLOSED - dup"]),
        Holds::Hours => format!("{}.5", row % 4),
    }
}

#[derive(Debug, Clone)]
struct Sheet {
    columns: Vec<(Holds, String)>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn heading(&self, holds: Holds) -> Option<&str> {
        let found = self.columns.iter().find(|(its, _)| *its == holds);
        found.map(|(_, heading)| heading.as_str())
    }

    fn headings(&self) -> Vec<String> {
        self.columns
            .iter()
            .map(|(_, heading)| heading.clone())
            .collect()
    }
}

fn sheet() -> impl Strategy<Value = Sheet> {
    let needed = [Holds::Number, Holds::Title, Holds::School];
    let order = Just(ALL.to_vec()).prop_shuffle();
    let kept = prop::collection::vec(any::<bool>(), ALL.len());
    let names = prop::collection::vec(any::<prop::sample::Index>(), ALL.len());
    let prefix = select(vec!["FV-", "", "T", "2023-"]);
    (order, kept, names, 24_usize..60, prefix).prop_map(
        move |(order, kept, names, rows, prefix)| {
            let columns: Vec<(Holds, String)> = order
                .into_iter()
                .zip(kept)
                .filter(|(holds, kept)| *kept || needed.contains(holds))
                .zip(names)
                .map(|((holds, _), name)| {
                    let all = headings(holds);
                    (holds, all[name.index(all.len())].to_owned())
                })
                .collect();
            let row = |row| {
                columns
                    .iter()
                    .map(|(holds, _)| cell(*holds, row, prefix))
                    .collect()
            };
            let rows = (0..rows).map(row).collect();
            Sheet { columns, rows }
        },
    )
}

fn line<'t>(text: &'t str, field: &str) -> &'t str {
    let start = format!("{field} = ");
    text.lines()
        .find(|line| line.starts_with(&start))
        .unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A field is never filled by a column that fits it worse than another, whatever their headings and their order.
    #[test]
    fn fields_take_the_columns_that_fit_them(sheet in sheet()) {
        let (text, faults) = guessed(SystemName::IncidentIq, &[table(&sheet.headings())], &sheet.rows);
        prop_assert!(faults.is_empty(), "{faults:#?}\n{text}");
        let from = |holds: Holds| sheet.heading(holds).map(|heading| format!("from = \"{heading}\""));
        let subject = line(&text, "Subject");
        prop_assert!(subject.contains(&from(Holds::Title).unwrap()), "{subject}\n{text}");
        // With what no field takes under it, it is a template.
        if let Some(heading) = sheet.heading(Holds::Details) {
            let (_, description) = text.split_once("\nIssueDescription = ").unwrap_or_default();
            let description = description.split("\n\n").next().unwrap_or_default();
            prop_assert!(description.contains(heading), "{description}\n{text}");
        }
        // A column of which some values resolve is resolved.
        let location = line(&text, "LocationId");
        prop_assert!(location.contains(&from(Holds::School).unwrap()), "{location}\n{text}");
        prop_assert!(location.contains("resolve = \"location\""), "{location}");
        // `Last, First` is turned round, and a telephone number is nobody.
        let person = line(&text, "ForId");
        match from(Holds::Person) {
            Some(from) => {
                prop_assert!(person.contains(&from), "{person}\n{text}");
                prop_assert!(person.contains("$2 $1"), "{person}\n{text}");
            }
            None => prop_assert!(!person.contains("from = "), "{person}\n{text}"),
        }
        // Any filled column without a repeat may be the key, whatever its heading; texts and telephone numbers are none.
        let key = format!("key = [\"{}\"]", sheet.heading(Holds::Number).unwrap());
        prop_assert!(text.lines().any(|line| line == key), "no {key}\n{text}");
        // The state of each ticket is brought over, or is an open decision.
        if let Some(heading) = sheet.heading(Holds::State) {
            prop_assert!(text.contains("operation = \"close\""), "{text}");
            let made = format!("\"Desk state\" = {{ from = \"{heading}\"");
            prop_assert!(text.contains(&made), "{text}");
        }
    }

    /// Title lines above the headings, blank lines between, and a row of totals below are no rows.
    #[test]
    fn titles_and_totals_are_no_tickets(
        sheet in sheet(),
        titles in prop::collection::vec("[A-Z][a-z]{2,9}( [a-z0-9]{2,6}){0,3}", 1..4),
        total in select(vec!["TOTAL", "Total", "Grand total"]),
    ) {
        let mut out = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for title in &titles {
            out.write_record([title]).unwrap();
        }
        out.write_record(sheet.headings()).unwrap();
        for row in &sheet.rows {
            out.write_record(row).unwrap();
        }
        let sum = |at: usize| match (at, sheet.columns[at].0) {
            (0, _) => total.to_owned(),
            (_, Holds::Hours) => "77.5".to_owned(),
            _ => String::new(),
        };
        out.write_record((0..sheet.columns.len()).map(sum)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, out.into_inner().unwrap()).unwrap();
        let read = |options: &InputOptions| -> Vec<Record> {
            let input = Input::open(std::slice::from_ref(&path), options).unwrap();
            let rows = input.rows().unwrap().map(|row| match row.unwrap() {
                Row::Record(record) | Row::Fault(record, _) => record,
            });
            rows.collect()
        };
        let mut first = read(&InputOptions { header_row: Some(0), ..InputOptions::default() });
        first.truncate(LOOKED_AT);
        let found = heading_row(&first);
        prop_assert_eq!(found, Some(titles.len() as u32 + 1));
        let rows = read(&InputOptions {
            header_row: found,
            total_rows: Some(Rule::Skip),
            ..InputOptions::default()
        });
        prop_assert_eq!(rows.len(), sheet.rows.len());
    }
}

// What exports say of conversations

#[derive(Debug, Clone)]
struct Comment {
    text: String,
    author: String,
    at: String,
}

fn comment() -> impl Strategy<Value = Comment> {
    let text = "[A-Za-z][a-z]{1,8}( [a-z]{1,8}){0,5}(\n[a-z]{2,8}){0,2}";
    (text, "[A-Z][a-z]{2,8} [A-Z][a-z]{2,8}", 1_u8..28, 0_u8..24).prop_map(
        |(text, author, day, hour)| Comment {
            text,
            author,
            at: format!("2024-05-{day:02} {hour:02}:15:00"),
        },
    )
}

fn conversations() -> impl Strategy<Value = Vec<Vec<Comment>>> {
    prop::collection::vec(prop::collection::vec(comment(), 0..5), 3..9)
}

/// The bodies of the comments that a mapping makes of each row.
fn comments(mapping: &str, tables: &[Table], records: &[Record]) -> Vec<Vec<String>> {
    let directory = Arc::new(directory(SystemName::IncidentIq));
    let schema: Arc<dyn systems::Schema> =
        Arc::from(systems::schema_for(directory.snapshot()).unwrap());
    let mapping = Mapping::read("m.toml".to_owned(), mapping.to_owned(), Path::new("")).unwrap();
    let plan = Plan::compile(&mapping, schema, directory, &PlanOptions::default()).unwrap();
    let bound = Arc::new(plan).bind(tables).unwrap();
    let of = |record: &Record| match bound.map(std::slice::from_ref(record), &RowKey::new("k")) {
        Mapped::Ready(ready) => {
            let steps = ready.steps.into_iter();
            let steps = steps.filter(|step| step.step.ends_with("comment"));
            steps.map(|step| body(&step.body)).collect()
        }
        other => panic!("{other:#?}"),
    };
    records.iter().map(of).collect()
}

/// All texts of a request, one behind the other: one of them is the comment.
fn body(request: &Value) -> String {
    fn texts(value: &Value, found: &mut String) {
        match value {
            Value::String(text) => {
                found.push('\u{1e}');
                found.push_str(text);
            }
            Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
            Value::Object(all) => all.values().for_each(|one| texts(one, found)),
            _ => {}
        }
    }
    let mut found = String::new();
    texts(request, &mut found);
    found
}

fn is_said(body: &str, comment: &Comment) -> bool {
    comment
        .text
        .split('\n')
        .all(|line| body.contains(line.trim()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Arrays of comments, whatever they and their members are called, become one comment for each, in their order.
    #[test]
    fn arrays_of_comments_come_along(
        rows in conversations(),
        called in select(vec!["comments", "conversations", "notes", "history", "ticket.comments", "odd name"]),
        members in select(vec![
            ("body", "author", "created_at"), ("text", "user.name", "created"), ("content", "by", "date"),
            ("plain_body", "author.name", "timestamp"), ("message", "from", "time"),
        ]),
        is_text in any::<bool>(),
    ) {
        prop_assume!(rows.iter().any(|row| !row.is_empty()));
        let put = |object: &mut Value, name: &str, value: &str| match name.split_once('.') {
            Some((outer, inner)) => object[outer][inner] = json!(value),
            None => object[name] = json!(value),
        };
        let array = |row: &Vec<Comment>| -> Value {
            let one = |comment: &Comment| {
                let mut object = json!({"id": 7});
                put(&mut object, members.0, &comment.text);
                put(&mut object, members.1, &comment.author);
                put(&mut object, members.2, &comment.at);
                object
            };
            row.iter().map(one).collect()
        };
        let headings = ["id", "subject", "description", called].map(str::to_owned);
        let tables = [table(&headings)];
        let texts: Vec<Vec<String>> = (0..rows.len())
            .map(|row| vec![format!("T-{row}"), format!("Broken {row}"), "It is broken since Monday.".to_owned()])
            .collect();
        let mut records = records_of(&texts);
        for (record, row) in records.iter_mut().zip(&rows) {
            let array = array(row);
            record.cells.push(match is_text {
                true => Cell::Text(array.to_string().into()),
                false => Cell::Json(Box::new(array)),
            });
        }
        let (text, faults) = super::tests::guessed_of(SystemName::IncidentIq, &tables, &records);
        prop_assert!(faults.is_empty(), "{faults:#?}\n{text}");
        let made = comments(&text, &tables, &records);
        for (made, row) in made.iter().zip(&rows) {
            prop_assert_eq!(made.len(), row.len(), "{}", text);
            for (body, comment) in made.iter().zip(row) {
                prop_assert!(is_said(body, comment), "{body:?} of {comment:?}\n{text}");
                prop_assert!(body.contains(&comment.author), "{body:?} of {comment:?}\n{text}");
            }
        }
    }

    /// Jira's columns of one heading: each filled cell is a comment, and says who wrote it.
    #[test]
    fn columns_of_comments_come_along(rows in conversations()) {
        let most = rows.iter().map(Vec::len).max().unwrap_or_default();
        prop_assume!(most > 1);
        let mut headings: Vec<String> = ["Issue key", "Summary", "Description"].map(str::to_owned).to_vec();
        headings.extend(std::iter::repeat_n("Comment".to_owned(), most));
        let cells: Vec<Vec<String>> = rows.iter().enumerate().map(|(at, row)| {
            let mut cells = vec![format!("H-{at}"), format!("Broken {at}"), "It is broken since Monday.".to_owned()];
            cells.extend((0..most).map(|number| row.get(number).map_or(String::new(), |comment| {
                format!("14/Jan/26 9:29 AM;{};{}", comment.author, comment.text)
            })));
            cells
        }).collect();
        let tables = [table(&headings)];
        let records = records_of(&cells);
        let (text, faults) = super::tests::guessed_of(SystemName::IncidentIq, &tables, &records);
        prop_assert!(faults.is_empty(), "{faults:#?}\n{text}");
        let made = comments(&text, &tables, &records);
        for (made, row) in made.iter().zip(&rows) {
            prop_assert_eq!(made.len(), row.len(), "{}", text);
            for (body, comment) in made.iter().zip(row) {
                let starts = format!("{} on 14/Jan/26 9:29 AM:", comment.author);
                prop_assert!(is_said(body, comment) && body.contains(&starts), "{body:?} of {comment:?}");
            }
        }
    }

    /// A journal of ServiceNow: each entry is a comment, the oldest first, whatever stands in its lines.
    #[test]
    fn journals_come_along(rows in conversations(), kind in select(vec!["Work notes", "Additional comments"])) {
        let ready = include_str!("../../../mappings/incidentiq-servicenow.toml")
            .replace("value = \"Resolved\"", "value = \"North\"")
            .replace("resolve = \"close_reason\"", "resolve = \"location\"")
            .replace(", \"username\"]", "]");
        // What the small directory of these tests does not have is no part of this.
        let ready: String = ready
            .split("\n[[then]]\noperation = \"close\"")
            .next()
            .unwrap()
            .replace("resolve = \"priority\"", "resolve = \"priority\", missing = { do = \"skip_field\" }")
            .replace("map = { \"1 - Critical\" = \"Critical\", \"2 - High\" = \"High\", \"3 - Moderate\" = \"Medium\", \"4 - Low\" = \"Low\", \"5 - Planning\" = \"Low\" }, else = \"Medium\"", "map = { \"2 - High\" = \"High\" }, else = \"Low\"");
        let headings: Vec<String> = [
            "Number", "Opened", "Short description", "Caller", "Priority", "State", "Category", "Assignment group",
            "Assigned to", "Description", "Resolution notes", "Resolved", "Subcategory", kind,
        ].map(str::to_owned).to_vec();
        let cells: Vec<Vec<String>> = rows.iter().enumerate().map(|(at, row)| {
            let entries: Vec<String> = row.iter().rev().map(|comment| {
                format!("{} - {} ({kind})\n{}", comment.at, comment.author, comment.text)
            }).collect();
            let mut cells: Vec<String> = [
                "", "2025-06-01 08:00:00", "a b", "Jane Doe", "2 - High", "New", "Software", "Desk", "Lee", "text", "", "", "Mail",
            ].map(str::to_owned).to_vec();
            cells[0] = format!("INC{at}");
            cells.push(entries.join("\n\n"));
            cells
        }).collect();
        let tables = [Table { header: Arc::new(Header::new(headings.clone())), ..table(&headings) }];
        let records = records_of(&cells);
        let made = comments(&ready, &tables, &records);
        for (made, row) in made.iter().zip(&rows) {
            prop_assert_eq!(made.len(), row.len());
            for (body, comment) in made.iter().zip(row) {
                let starts = format!("{} - {} ({kind})", comment.at, comment.author);
                prop_assert!(is_said(body, comment) && body.contains(&starts), "{body:?} of {comment:?}");
            }
        }
    }
}
