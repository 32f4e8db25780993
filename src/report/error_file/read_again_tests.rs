//! What nobody has put right in an error file is never read as a row, and what is read is what the first input says.

use std::fs;

use proptest::prelude::*;
use rust_xlsxwriter::{Formula, Workbook};
use tempfile::TempDir;

use super::*;
use crate::source::{Guards, Input, InputOptions, Row};

/// Reads a file; every row that can be read is refused for another reason, so that all stand in the error file.
fn refuse(dir: &Path, input: &Input) -> (Vec<Row>, ErrorFilesWritten) {
    let rows: Vec<Row> = input.rows().unwrap().map(Result::unwrap).collect();
    let mut files = ErrorFiles::new(input.tables(), dir, None)
        .looking_like(input.looks())
        .remembering(Records::of(dir));
    for row in &rows {
        let (record, faults) = match row {
            Row::Record(record) => (
                record,
                vec![Fault::row(record.place.clone(), "is refused").hint("wait")],
            ),
            Row::Fault(record, faults) => (record, faults.clone()),
        };
        files
            .add(None, "rejected", std::slice::from_ref(record), &faults)
            .unwrap();
    }
    (rows, files.finish().unwrap())
}

/// The cells of the input proper, as text, where the row is one.
fn said(row: &Row, width: usize) -> Option<Vec<String>> {
    let Row::Record(record) = row else {
        return None;
    };
    let cells = record.cells[..width].iter();
    let shown = |cell: &Cell| match cell {
        Cell::Fault(why) => format!("! {why}"),
        cell => cell.text().into_owned(),
    };
    Some(cells.map(shown).collect())
}

/// Writes the input's error file, that of the error file, and compares all three.
fn stays_as_it_was(dir: &Path, path: &Path, options: &InputOptions) -> PathBuf {
    let input = Input::open(&[path.to_owned()], options).unwrap();
    let width = input.tables()[0].header.len();
    let (rows, written) = refuse(dir, &input);
    let expected: Vec<_> = rows.iter().map(|row| said(row, width)).collect();
    let first = written.files[0].clone();
    let mut file = first.clone();
    for _ in 0..2 {
        let after = Input::open(&[file], options).unwrap();
        assert!(Own::of(&after.tables()[0].header).is_some());
        assert_eq!(after.tables()[0].layout, input.tables()[0].layout);
        let (again, written) = refuse(dir, &after);
        let found: Vec<_> = again.iter().map(|row| said(row, width)).collect();
        assert_eq!(found, expected, "{}", path.display());
        file = written.files[0].clone();
    }
    first
}

#[test]
fn a_row_that_cannot_be_read_stays_marked_until_somebody_has_put_it_right() {
    for (text, name) in [
        ("id,a,b\n1,x,y\n2,one, two,y\n3,x\n4,x,y\n", "t.csv"),
        ("id,a,b\n1,x,y\n2,\"one\"two,y\n4,x,y\n", "t.csv"),
        ("id,a,b\n1,x,y\n2,\"one,y\n4,x,y\n", "t.csv"),
        (
            "{\"id\":1,\"a\":\"x\"}\n{\"id\":2,\"a\":}\n{\"id\":4,\"a\":\"y\"}\n",
            "t.jsonl",
        ),
        (
            "{\"id\":1,\"a\":\"x\"}\n{\"id\":2,\"a\":1,\"a\":2}\n{\"id\":4,\"a\":\"y\"}\n",
            "t.jsonl",
        ),
    ] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        let options = InputOptions::default();
        let input = Input::open(std::slice::from_ref(&path), &options).unwrap();
        let (_, written) = refuse(dir.path(), &input);
        let after = Input::open(&written.files, &options).unwrap();
        let faults = |input: &Input| {
            let rows = input.rows().unwrap().map(Result::unwrap);
            rows.filter(|row| matches!(row, Row::Fault(..))).count()
        };
        let marked = faults(&after);
        assert!(marked > 0, "{text}");
        let content = fs::read_to_string(&written.files[0]).unwrap();
        assert_eq!(content.matches(UNREADABLE).count(), marked, "{content}");
        assert!(content.contains(own::UNMARK), "{content}");
        // The second error file says the same of it, once.
        let (rows, second) = refuse(dir.path(), &after);
        let again = fs::read_to_string(&second.files[0]).unwrap();
        assert_eq!(again.matches(own::UNMARK).count(), marked, "{again}");
        let message = rows.iter().find_map(|row| match row {
            Row::Fault(_, faults) => Some(faults[0].message.clone()),
            Row::Record(_) => None,
        });
        assert_eq!(message.unwrap().matches("is still marked").count(), 1);
        // A person empties the mark, and says with it that the row is right.
        fs::write(&written.files[0], content.replace(UNREADABLE, "")).unwrap();
        let fixed = Input::open(&written.files, &options).unwrap();
        assert_eq!(faults(&fixed), 0, "{text}");
    }
}

#[test]
fn a_value_without_a_heading_and_every_error_stay_in_a_workbook() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, heading) in (0..).zip(["id", "a"]) {
        sheet.write_string(0, column, heading).unwrap();
    }
    let errors = [
        "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!",
    ];
    for (row, error) in (1..).zip(errors) {
        sheet.write_number(row, 0, row).unwrap();
        let formula = Formula::new("=B1").set_result(error);
        sheet.write_formula(row, 1, formula).unwrap();
    }
    // Behind the rows by which the width is found.
    sheet.write_number(1200, 0, 20).unwrap();
    sheet.write_string(1200, 4, "beyond").unwrap();
    book.save(&path).unwrap();
    let options = InputOptions::default();
    let file = stays_as_it_was_but_for(&dir, &path, &options);
    let after = Input::open(&[file], &options).unwrap();
    let found: Vec<Row> = after.rows().unwrap().map(Result::unwrap).collect();
    for (row, error) in found.iter().zip(errors) {
        let Row::Record(record) = row else {
            panic!("{row:?}");
        };
        assert_eq!(record.cells[1].error(), Some(error));
    }
    assert!(matches!(found[errors.len()], Row::Fault(..)));
}

/// The same, where a cell that is no error of a spreadsheet marks its row.
fn stays_as_it_was_but_for(dir: &TempDir, path: &Path, options: &InputOptions) -> PathBuf {
    let input = Input::open(&[path.to_owned()], options).unwrap();
    let (rows, written) = refuse(dir.path(), &input);
    let after = Input::open(&written.files, options).unwrap();
    for (before, after) in rows.iter().zip(after.rows().unwrap().map(Result::unwrap)) {
        let is_row = said(before, 2).is_some_and(|cells| {
            cells
                .iter()
                .all(|cell| !cell.starts_with("! ") || cell.contains("shows the error"))
        });
        match is_row {
            true => assert_eq!(said(before, 2), said(&after, 2)),
            false => assert!(matches!(after, Row::Fault(..)), "{after:?}"),
        }
    }
    written.files[0].clone()
}

#[test]
fn columns_of_the_input_that_are_called_like_ours_are_its_own() {
    for (name, text) in [
        (
            "t.csv",
            "id,_key,_state,_error,_hint\n1,k,open,e,h\n2,,unreadable,,\n",
        ),
        (
            "t.jsonl",
            "{\"id\":1,\"_key\":\"k\",\"_state\":\"unreadable\",\"_error\":\"e\",\"_row\":9}\n",
        ),
    ] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        stays_as_it_was(dir.path(), &path, &InputOptions::default());
    }
}

#[test]
fn inputs_without_headings_and_with_a_line_for_excel_keep_their_layout() {
    let with = |header_row: Option<u32>| InputOptions {
        header_row,
        ..InputOptions::default()
    };
    for (text, options) in [
        ("1,x\n2,one,two\n3,\"a\nb\"\n", with(Some(0))),
        ("sep=;\n1;x\n2;y\n", with(Some(0))),
        ("sep=;\nid;a\n1;x\n2;one;two\n", with(None)),
        ("sep=;\nid;a\n1;x\n2;y\n", with(Some(1))),
        ("sep=;\n\nid;a\n1;x\n2;y\n", with(Some(3))),
        ("\"sep=|\"\r\nid|a\r\n1|x;y\r\n", with(Some(2))),
    ] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("t.csv");
        fs::write(&path, text).unwrap();
        let file = stays_as_it_was(dir.path(), &path, &options);
        let is_told = fs::read_to_string(file).unwrap().starts_with("sep=");
        assert_eq!(is_told, text.contains("sep="), "{text}");
    }
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..3 {
        sheet.write_number(row, 0, row).unwrap();
        sheet.write_string(row, 1, "00123").unwrap();
    }
    book.save(&path).unwrap();
    stays_as_it_was(dir.path(), &path, &with(Some(0)));
}

/// Objects escape what their encoding does not have, and an error file is UTF-8 whatever the mapping says.
#[test]
fn json_in_another_encoding_comes_back() {
    let options = InputOptions {
        encoding: Some("windows-1252".into()),
        ..InputOptions::default()
    };
    for (name, text) in [
        (
            "t.jsonl",
            &b"{\"id\":\"M\xfcller\",\"a\":\"\\u4e2d\"}\n"[..],
        ),
        ("t.json", &b"[{\"id\":\"M\xfcller\",\"a\":\"\\u4e2d\"}]"[..]),
    ] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        let input = Input::open(&[path], &options).unwrap();
        let (rows, written) = refuse(dir.path(), &input);
        let after = Input::open(&written.files, &options).unwrap();
        let again: Vec<Row> = after.rows().unwrap().map(Result::unwrap).collect();
        assert_eq!(said(&rows[0], 2).unwrap(), ["Müller", "中"]);
        assert_eq!(said(&again[0], 2), said(&rows[0], 2));
    }
}

/// Sheets that would have one name in an XLSX, as an ODS may have them, are told apart; a mark that begins a key stays.
#[test]
fn names_of_sheets_and_signs_at_the_beginning_are_kept_apart() {
    let dir = TempDir::new().unwrap();
    let tables: Vec<Table> = (1..)
        .zip(["Tickets/A", "Tickets:A"])
        .map(|(number, sheet)| Table {
            file: "in.ods".into(),
            sheet: Some(sheet.into()),
            header: Arc::new(crate::record::Header::new(vec!["id".into()])),
            layout: Layout::Workbook {
                header_row: 1,
                number,
            },
            gzip: false,
        })
        .collect();
    let mut files = ErrorFiles::new(&tables, dir.path(), None).naming(true, true);
    for (table, of) in tables.iter().enumerate() {
        let record = Record {
            place: Place {
                file: of.file.clone(),
                sheet: of.sheet.clone(),
                row: 7,
            },
            table,
            cells: vec![Cell::Text(of.sheet.as_deref().unwrap().into())],
        };
        files.add(None, "rejected", &[record], &[]).unwrap();
    }
    let written = files.finish().unwrap().files;
    for of in &tables {
        let name = of.sheet.as_deref().unwrap();
        let options = InputOptions {
            sheet: crate::source::SheetChoice::These(vec![crate::source::SheetName::Name(
                name.to_owned(),
            )]),
            ..InputOptions::default()
        };
        let after = Input::open(&written, &options).unwrap();
        let own = Own::of(&after.tables()[0].header).unwrap();
        let Row::Record(record) = after.rows().unwrap().next().unwrap().unwrap() else {
            panic!("{name}");
        };
        assert_eq!(record.cells[0].text(), name);
        assert_eq!(own.text(&record, own::SHEET).as_deref(), Some(name));
        assert_eq!(own.text(&record, own::FILE).as_deref(), Some("in.ods"));
        assert_eq!(own.row(&record), Some(7));
    }
    let path = dir.path().join("t.csv");
    fs::write(&path, "id,a\n\"\u{feff}K1\",x\n").unwrap();
    stays_as_it_was(dir.path(), &path, &InputOptions::default());
}

/// A number below the rows by which the format of its column is found is shown as it was.
#[test]
fn a_number_is_shown_again_as_it_was() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let padded = rust_xlsxwriter::Format::new().set_num_format("00000");
    sheet.write_string(0, 0, "id").unwrap();
    for row in 1..=1100_u32 {
        match row {
            1100 => sheet.write_number(row, 0, row).unwrap(),
            row => sheet
                .write_number_with_format(row, 0, row, &padded)
                .unwrap(),
        };
    }
    book.save(&path).unwrap();
    let options = InputOptions {
        numbers: Some(crate::source::Numbers::Shown),
        ..InputOptions::default()
    };
    stays_as_it_was(dir.path(), &path, &options);
}

/// A record that is nearly as long as one may be has room for what is said of it; one that grows beyond is left out, and said.
#[test]
fn long_records_come_back_or_it_is_said() {
    let dir = TempDir::new().unwrap();
    for (name, text) in [
        (
            "t.jsonl",
            format!("{{\"id\":1,\"a\":\"{}\"}}\n", "x".repeat(MOST_RECORD - 100)),
        ),
        (
            "t.csv",
            format!("id,a\n1,{}\n", "x".repeat(MOST_RECORD - 100)),
        ),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        stays_as_it_was(dir.path(), &path, &InputOptions::default());
    }
    let path = dir.path().join("quotes.csv");
    let text = format!("id,a\n1,x{}\n2,y\n", "\"".repeat(MOST_RECORD / 3 * 2));
    fs::write(&path, text).unwrap();
    let options = InputOptions {
        delimiter: Some(','),
        ..InputOptions::default()
    };
    let input = Input::open(&[path], &options).unwrap();
    let (_, written) = refuse(dir.path(), &input);
    assert!(
        written
            .notes
            .iter()
            .any(|note| note.contains("itself: row 2") && note.contains("8 MB")),
        "{:?}",
        written.notes
    );
    let after = Input::open(&written.files, &options).unwrap();
    assert_eq!(after.rows().unwrap().count(), 1);
}

/// A cell of a generated file; some need quotes, guards or nothing.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 ]{0,6}",
        "[=+'@\t-]{0,2}[0-9]{1,3}",
        "[a;,\"\n é]{0,6}",
        Just("=\"00123\"".to_owned()),
        Just("unreadable".to_owned()),
        Just("#N/A".to_owned()),
    ]
}

/// The members of a row by their names, where it is one.
fn members(input: &Input, row: &Row) -> Option<Vec<(String, Cell)>> {
    let Row::Record(record) = row else {
        return None;
    };
    let header = &input.tables()[0].header;
    let own = Own::of(header);
    let names = header.names().iter().enumerate();
    let theirs = names.filter(|(at, _)| own.is_none_or(|own| !own.has(*at)));
    let mut members: Vec<(String, Cell)> = theirs
        .map(|(at, name)| (name.clone(), record.cell(at).clone()))
        .filter(|(_, cell)| *cell != Cell::Empty)
        .collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    Some(members)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The same of objects, whatever their members are called and however they lie in each other.
    #[test]
    fn objects_that_are_read_again_are_what_was_read(
        lines in proptest::collection::vec(prop_oneof![
            8 => proptest::collection::vec(
                (
                    prop_oneof![Just("id"), Just("_key"), Just("_state"), Just("_row"), Just("a"), Just("a.b"), Just("_error")],
                    prop_oneof![
                        Just("1".to_owned()), Just("1.5".to_owned()), Just("null".to_owned()), Just("12345678901234567890".to_owned()),
                        Just("{\"b\":\"x\"}".to_owned()), Just("[1,{\"c\":2}]".to_owned()), Just("{}".to_owned()),
                        Just("\"unreadable\"".to_owned()), "\"[a-z é]{0,5}\"",
                    ],
                ),
                0..5,
            ).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
            1 => Just("{\"id\":}".to_owned()),
            1 => Just("[1]".to_owned()),
        ], 1..8),
    ) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("t.jsonl");
        // One at least that can be read.
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&path, format!("{{\"id\":0}}\n{text}")).unwrap();
        let input = Input::open(&[path], &InputOptions::default()).unwrap();
        let (rows, written) = refuse(dir.path(), &input);
        let after = Input::open(&written.files, &InputOptions::default()).unwrap();
        let again: Vec<Row> = after.rows().unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), again.len());
        for (before, again) in rows.iter().zip(&again) {
            let expected = members(&input, before)
                .filter(|cells| cells.iter().all(|(_, cell)| !matches!(cell, Cell::Fault(_))));
            prop_assert_eq!(expected, members(&after, again));
        }
    }

    /// Any table, some rows of which are broken: what is read of its error file is what was read of it, whatever stands
    /// there is never read as a row where it was none.
    #[test]
    fn what_is_read_again_is_what_was_read(
        rows in proptest::collection::vec((proptest::collection::vec(cell(), 3), 0..6_u8), 1..8),
        header_row in 0..3_u32,
        tells in any::<bool>(),
        guarded in prop_oneof![Just(Guards::None), Just(Guards::Ours), Just(Guards::All)],
    ) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("t.csv");
        let mut text = if tells { "sep=;\n".to_owned() } else { String::new() };
        let quoted = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            cells.join(";")
        };
        if header_row > 0 {
            for _ in 1..header_row.saturating_sub(u32::from(tells)) {
                text.push_str("above\n");
            }
            text.push_str("id;_state;c\n");
        } else {
            text.push_str("first;x;y\n");
        }
        for (number, (cells, broken)) in rows.iter().enumerate() {
            let line = match broken {
                0 => format!("{number};{};more", quoted(cells)),
                1 => format!("{number}"),
                2 => format!("{number};\"stray\"x;{}", quoted(&cells[..1])),
                _ => format!("{number};{}", quoted(&cells[..2])),
            };
            text.push_str(&line);
            text.push('\n');
        }
        fs::write(&path, &text).unwrap();
        let header_row = match (header_row, tells) {
            (0, _) => 0,
            (row, true) => row.max(2),
            (row, false) => row,
        };
        let options = InputOptions {
            header_row: Some(header_row),
            delimiter: Some(';'),
            guarded,
            ..InputOptions::default()
        };
        stays_as_it_was(dir.path(), &path, &options);
    }
}
