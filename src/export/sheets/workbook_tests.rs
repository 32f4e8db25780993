//! A workbook over generated tickets: what it holds, and what another program calculates in it.

use calamine::{Data, Reader, Xlsx, open_workbook};
use rust_xlsxwriter::{Format, Workbook};

use super::made::{sheets, tickets};
use super::tests::{COLUMNS, Written, written};
use super::xlsx::{Traced, TracedSheet};
use super::*;
use crate::systems::common::Named;

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
    let sheets = sheets(&tickets);
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
            assert_eq!(at(title.title, 0), Data::String(table.title.clone()));
            for (row, cells) in (title.headings + 1..).zip(&table.rows) {
                for (column, cell) in (0..).zip(cells) {
                    let read = at(row, column);
                    let is_formula = texts
                        .get_value((row, column))
                        .is_some_and(|text| !text.is_empty());
                    formulas += usize::from(is_formula);
                    let is_same = match &cell.value {
                        Value::Empty => read == Data::Empty,
                        Value::Text(text) | Value::Priority(text) | Value::Link { text, .. } => {
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
    let sheets = sheets(&tickets);
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

/// Settings by which LibreOffice calculates every formula of a workbook anew when it opens it.
const CALCULATES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"#;

/// With LibreOffice, where it is installed.
#[test]
fn another_program_calculates_what_is_stored() {
    let mut tickets = tickets(400);
    // People of one name: with addresses, without, and one whose address only some tickets show.
    for (at, ticket) in tickets.iter_mut().enumerate() {
        let who = |id: &str, email: Option<&str>| {
            Some(Named {
                id: Some(id.to_owned()),
                name: Some("Maria Garcia".to_owned()),
                email: email.map(str::to_owned),
            })
        };
        match at % 40 {
            0 => ticket.requester = who("m1", Some("mg@district.example")),
            1 => ticket.requester = who("m2", None),
            2 => ticket.requester = who("m3", Some("Maria@district.example")),
            3 => ticket.requester = who("m3", None),
            4 => ticket.assignee = who("m1", Some("mg@district.example")),
            5 => ticket.assignee = who("m2", None),
            6 => ticket.created = Some("2031-02-03T12:00:00Z".parse().unwrap()),
            _ => {}
        }
    }
    let sheets = sheets(&tickets);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stored.xlsx");
    let mut book = workbook(&tickets, &sheets);
    // What is stored wrongly shows whether anything is calculated.
    let wrong = rust_xlsxwriter::Formula::new("=1+1").set_result("5");
    let check = book.add_worksheet().set_name("Check").unwrap();
    check.write_formula(0, 0, wrong).unwrap();
    book.save(&file).unwrap();
    let user = folder.path().join("office/user");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::write(user.join("registrymodifications.xcu"), CALCULATES).unwrap();
    let ended = std::process::Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.path().join("office").display()
        ))
        .args(["--headless", "--convert-to", "xlsx", "--outdir"])
        .arg(folder.path().join("anew"))
        .arg(&file)
        .output();
    if !ended.is_ok_and(|ended| ended.status.success()) {
        deskferry_testing::absent::cannot_be_had(
            "another program calculates what is stored",
            "there is no `soffice`",
        );
        return;
    }
    let mut stored: Xlsx<_> = open_workbook(&file).unwrap();
    let mut anew: Xlsx<_> = open_workbook(folder.path().join("anew/stored.xlsx")).unwrap();
    let check = anew.worksheet_range("Check").unwrap();
    assert_eq!(check.get_value((0, 0)).and_then(float), Some(2.0));
    let mut compared = 0;
    for sheet in &sheets {
        let formulas = stored.worksheet_formula(sheet.name).unwrap();
        let (one, other) = (
            stored.worksheet_range(sheet.name).unwrap(),
            anew.worksheet_range(sheet.name).unwrap(),
        );
        let (top, left) = formulas.start().unwrap_or_default();
        for (row, column, formula) in formulas.used_cells() {
            let at = (top + row as u32, left + column as u32);
            let number = |range: &calamine::Range<Data>| range.get_value(at).and_then(float);
            let (stored, anew) = (number(&one), number(&other));
            let same = stored
                .zip(anew)
                .is_some_and(|(one, other)| (one - other).abs() < 1e-9);
            assert!(
                same || formula.is_empty(),
                "{} {at:?}: stored {stored:?}, calculated {anew:?}: {formula}",
                sheet.name
            );
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");
}
