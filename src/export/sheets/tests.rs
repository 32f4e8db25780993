//! All sheets over generated tickets: what is counted, what formulas mean, what a workbook holds.

use calamine::{Data, Reader, Xlsx, open_workbook};
use jiff::civil::DateTime;
use rust_xlsxwriter::{Format, Workbook};

use super::made::{sheets, tickets, zone};
use super::xlsx::{Traced, TracedSheet};
use super::*;
use crate::systems::common::Named;

fn sheet(sheets: &[Sheet], kind: SheetKind) -> &Sheet {
    sheets
        .iter()
        .find(|sheet| sheet.name == kind.tab())
        .unwrap()
}

/// A cell of a row of tickets.
enum Written {
    Nothing,
    Text(String),
    Time(DateTime),
}

const COLUMNS: [Field; 13] = [
    Field::Id,
    Field::Standing,
    Field::State,
    Field::Priority,
    Field::Requester,
    Field::RequesterEmail,
    Field::Assignee,
    Field::Team,
    Field::Place,
    Field::Category,
    Field::Created,
    Field::Closed,
    Field::Due,
];

fn written(ticket: &CommonTicket, field: Field) -> Written {
    let named = |named: &Option<Named>| named.as_ref().map(|named| named.label().to_owned());
    let text = match field {
        Field::Id => Some(ticket.id.clone()),
        Field::Standing => Some(ticket.standing.as_str().to_owned()),
        Field::State => named(&ticket.state),
        Field::Priority => named(&ticket.priority),
        Field::Requester => named(&ticket.requester),
        Field::RequesterEmail => ticket.requester.as_ref().and_then(|who| who.email.clone()),
        Field::Assignee => named(&ticket.assignee),
        Field::Team => named(&ticket.team),
        Field::Place => named(&ticket.place),
        Field::Category => named(&ticket.category),
        Field::Created | Field::Closed | Field::Due => {
            let at = match field {
                Field::Created => ticket.created,
                Field::Closed => ticket.closed,
                _ => ticket.due,
            };
            return at.map_or(Written::Nothing, |at| Written::Time(zone().to_datetime(at)));
        }
    };
    text.map_or(Written::Nothing, Written::Text)
}

/// Whether a cell fulfils a condition, as spreadsheet programs have it.
fn fulfils(cell: &Written, test: &Test) -> bool {
    match (cell, test) {
        (Written::Text(text), Test::Is(wanted)) => text.to_lowercase() == wanted.to_lowercase(),
        (_, Test::Is(_)) => false,
        (cell, Test::IsNot(text)) => !fulfils(cell, &Test::Is(text.clone())),
        (cell, Test::Empty) => matches!(cell, Written::Nothing),
        (cell, Test::Filled) => !matches!(cell, Written::Nothing),
        (Written::Time(at), Test::From(day)) => at.date() >= *day,
        (Written::Time(at), Test::Before(day)) => at.date() < *day,
        (Written::Time(at), Test::BeforeTime(time)) => at < time,
        (_, Test::From(_) | Test::Before(_) | Test::BeforeTime(_)) => false,
    }
}

fn number(table: &Table, at: At) -> f64 {
    table.rows[at.row][at.column].value.number().unwrap()
}

fn traced(trace: &Trace, table: &Table, tickets: &[CommonTicket]) -> f64 {
    let sum = |column: usize, rows: &std::ops::Range<usize>| {
        let rows = table.rows[rows.clone()].iter();
        rows.filter_map(|row| row[column].value.number())
            .sum::<f64>()
    };
    match trace {
        Trace::Count(conditions) => {
            let is_counted = |ticket: &&CommonTicket| {
                let mut conditions = conditions.iter();
                conditions.all(|one| fulfils(&written(ticket, one.field), &one.test))
            };
            tickets.iter().filter(is_counted).count() as f64
        }
        Trace::Sum { column, rows } => sum(*column, rows),
        Trace::Rest { whole, rows } => number(table, *whole) - sum(whole.column, rows),
        Trace::Ratio(part, whole) => number(table, *part) / number(table, *whole),
        Trace::Part { of, rest } => {
            number(table, *of) / (number(table, *of) + number(table, *rest))
        }
        Trace::Less(one, other) => number(table, *one) - number(table, *other),
    }
}

#[test]
fn every_number_is_what_its_trace_means() {
    let tickets = tickets(3000);
    let mut counted = 0;
    for sheet in sheets(&tickets, Rows::Same) {
        assert!(
            !sheet.tables.is_empty(),
            "{}: {:?}",
            sheet.name,
            sheet.notes
        );
        assert!(
            sheet.tables.iter().any(|table| !table.charts.is_empty()),
            "{}",
            sheet.name
        );
        for table in &sheet.tables {
            for (row, cells) in table.rows.iter().enumerate() {
                assert_eq!(
                    cells.len(),
                    table.headings.len(),
                    "{}: {}",
                    sheet.name,
                    table.title
                );
                for (cell, heading) in cells.iter().zip(&table.headings) {
                    let Some(trace) = &cell.trace else { continue };
                    counted += usize::from(matches!(trace, Trace::Count(_)));
                    let meant = traced(trace, table, &tickets);
                    let told = cell.value.number().unwrap();
                    let place = format!("{}, {}, row {row}, {heading}", sheet.name, table.title);
                    assert!(
                        (meant - told).abs() < 1e-9,
                        "{place}: {told}, but {trace:?} is {meant}"
                    );
                }
            }
        }
    }
    assert!(counted > 300, "{counted}");
}

#[test]
fn where_other_rows_are_listed_numbers_are_no_formulas() {
    let tickets = tickets(200);
    let sheets = sheets(
        &tickets,
        Rows::Other("created 10 to 16 Jun 2024".to_owned()),
    );
    let cells = sheets
        .iter()
        .flat_map(|sheet| &sheet.tables)
        .flat_map(|table| &table.rows)
        .flatten();
    let is_count = |cell: &Cell| matches!(cell.trace, Some(Trace::Count(_)));
    assert!(!cells.into_iter().any(is_count));
    insta::assert_snapshot!(sheets[0].counted, @"Counts 195 tickets: all tickets of district (IncidentIQ) as read on Mon 24 Jun 2024, 07:00 (America/Chicago). 5 deleted are left out. The list of tickets holds only those created 10 to 16 Jun 2024, so these numbers are more than can be counted there.");
}

/// Tickets, and all sheets over them.
fn workbook(tickets: &[CommonTicket], sheets: &[Sheet]) -> Workbook {
    let mut workbook = Workbook::new();
    let date = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let out = workbook.add_worksheet().set_name("It's all").unwrap();
    for (column, field) in COLUMNS.iter().enumerate() {
        let column = column as u16;
        out.write(0, column, format!("{field:?}")).unwrap();
        for (row, ticket) in (1..).zip(tickets) {
            match written(ticket, *field) {
                Written::Nothing => {}
                Written::Text(text) => drop(out.write(row, column, text).unwrap()),
                Written::Time(at) => {
                    let serial = xlsx::serial(at).unwrap();
                    out.write_number_with_format(row, column, serial, &date)
                        .unwrap();
                }
            }
        }
    }
    let traced = Traced {
        sheets: vec![TracedSheet {
            name: "It's all".to_owned(),
            first_row: 1,
            last_row: tickets.len() as u32,
        }],
        columns: COLUMNS.into_iter().zip(0..).collect(),
    };
    xlsx::add(&mut workbook, sheets, Some(&traced)).unwrap();
    workbook
}

fn float(read: &Data) -> Option<f64> {
    match read {
        Data::Float(number) => Some(*number),
        Data::Int(number) => Some(*number as f64),
        Data::DateTime(at) => Some(at.as_f64()),
        _ => None,
    }
}

#[test]
fn a_workbook_reads_back_equal() {
    let tickets = tickets(600);
    let sheets = sheets(&tickets, Rows::Same);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheets.xlsx");
    workbook(&tickets, &sheets).save(&path).unwrap();
    let mut read: Xlsx<_> = open_workbook(&path).unwrap();
    let mut formulas = 0;
    for sheet in &sheets {
        let range = read.worksheet_range(sheet.name).unwrap();
        let texts = read.worksheet_formula(sheet.name).unwrap();
        let at = |row, column| {
            range
                .get_value((row, column))
                .cloned()
                .unwrap_or(Data::Empty)
        };
        assert_eq!(at(0, 0), Data::String(sheet.title.clone()));
        assert!(at(1, 0).to_string().starts_with(&sheet.counted));
        for (row, note) in (2..).zip(&sheet.notes) {
            assert_eq!(at(row, 0), Data::String(note.clone()));
        }
        for (table, title) in sheet.tables.iter().zip(xlsx::layout(sheet)) {
            assert_eq!(at(title, 0), Data::String(table.title.clone()));
            for (row, cells) in (title + 2..).zip(&table.rows) {
                for (column, cell) in (0..).zip(cells) {
                    let read = at(row, column);
                    let is_formula = texts
                        .get_value((row, column))
                        .is_some_and(|text| !text.is_empty());
                    formulas += usize::from(is_formula);
                    let is_same = match &cell.value {
                        Value::Empty => read == Data::Empty,
                        Value::Text(text) | Value::Link { text, .. } => {
                            read == Data::String(text.clone())
                        }
                        Value::Day(day) | Value::Month(day) => {
                            float(&read) == xlsx::serial(day.at(0, 0, 0, 0))
                        }
                        Value::Time(time) => float(&read) == xlsx::serial(*time),
                        number => float(&read) == number.number(),
                    };
                    assert!(
                        is_same,
                        "{} {row}:{column}: {cell:?} was read as {read:?}",
                        sheet.name
                    );
                }
            }
        }
    }
    assert!(formulas > 300, "{formulas}");
}

#[test]
fn bars_begin_at_nothing() {
    let tickets = tickets(400);
    let sheets = sheets(&tickets, Rows::Same);
    let book = workbook(&tickets, &sheets).save_to_buffer().unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap();
    let mut charts = 0;
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        if part.name().unwrap().starts_with("xl/charts/chart") {
            let mut xml = String::new();
            std::io::Read::read_to_string(&mut part, &mut xml).unwrap();
            assert!(xml.contains("<c:min val=\"0\"/>"), "{xml}");
            charts += 1;
        }
    }
    assert!(charts > 10, "{charts}");
}

#[test]
fn what_a_system_does_not_tell_is_said() {
    let mut tickets = tickets(50);
    for ticket in &mut tickets {
        (ticket.closed, ticket.due, ticket.place, ticket.service) = (None, None, None, None);
        ticket.devices.clear();
        ticket.hide(
            "closed",
            "ClearFeed does not tell when a request was closed",
        );
        ticket.hide("due", "ClearFeed's requests have no due date");
        ticket.hide("place", "ClearFeed's requests have no place");
    }
    let sheets = sheets(&tickets, Rows::Same);
    let told: String = [
        SheetKind::Volume,
        SheetKind::Resolution,
        SheetKind::Sla,
        SheetKind::Locations,
        SheetKind::Devices,
        SheetKind::Response,
    ]
    .into_iter()
    .map(|kind| {
        let sheet = sheet(&sheets, kind);
        let tables: Vec<_> = sheet
            .tables
            .iter()
            .map(|table| table.headings.join("|"))
            .collect();
        format!(
            "{}\n  {}\n  {tables:?}\n",
            sheet.title,
            sheet.notes.join("\n  ")
        )
    })
    .collect();
    insta::assert_snapshot!(told, @r#"
    Monthly volume: created against closed
      The time of closing of 32 tickets is not known: ClearFeed does not tell when a request was closed.
      ["Month|Created"]
    Time to resolve: from creation to closing
      How long 32 closed tickets took is not known: ClearFeed does not tell when a request was closed.
      []
    SLA: promised times
      The due date is not known of any ticket: ClearFeed's requests have no due date.
      []
    Tickets by location
      The location is not known of any ticket: ClearFeed's requests have no place.
      []
    Tickets by device
      No ticket has a device.
      []
    First response: from creation to the first answer
      No first answer is known for 48 tickets: they have none yet, or it is not told.
      []
    "#);
}

#[test]
fn no_tickets_make_empty_sheets() {
    for sheet in sheets(&[], Rows::Same) {
        let rows = sheet.tables.iter().flat_map(|table| &table.charts).count();
        assert_eq!(rows, 0, "{}", sheet.name);
        assert!(
            sheet.name == "Summary" || !sheet.notes.is_empty(),
            "{}",
            sheet.name
        );
    }
}
