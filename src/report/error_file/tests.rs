//! An error file is read back as the input it came from.

use std::fs;

use jiff::SignedDuration;
use jiff::civil::{date, datetime, time};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::record::Cell;
use crate::source::{Input, InputOptions, Row};

fn records(input: &Input) -> Vec<Record> {
    input
        .rows()
        .unwrap()
        .map(|row| match row.unwrap() {
            Row::Record(record) | Row::Fault(record, _) => record,
        })
        .collect()
}

/// Rejects every row of a file and reads the error file.
fn reject_all(dir: &Path, path: &Path, options: &InputOptions) -> (Vec<Record>, PathBuf, Input) {
    let input = Input::open(&[path.to_owned()], options).unwrap();
    let before = records(&input);
    let mut files = ErrorFiles::new(input.tables(), dir, None).remembering(Records::of(dir));
    for record in &before {
        let column = input.tables()[record.table].header.names()[0].clone();
        let fault = Fault::row(record.place.clone(), "is `wrong` … here")
            .column(column)
            .field("Subject")
            .hint("fix it");
        let key = RowKey::new("K1");
        files
            .add(
                Some(&key),
                "rejected",
                std::slice::from_ref(record),
                &[fault],
            )
            .unwrap();
    }
    let written = files.finish().unwrap().files;
    let after = Input::open(&written, options).unwrap();
    (before, written[0].clone(), after)
}

fn cells_survive(before: &[Record], after: &Input, width: usize) {
    let found = records(after);
    assert_eq!(found.len(), before.len());
    for (before, after) in before.iter().zip(&found) {
        assert_eq!(before.cells[..width], after.cells[..width]);
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn csv_keeps_delimiter_encoding_and_line_ends() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.csv");
    fs::write(&path, b"\xff\xfea\0;\0b\0\r\0\n\0=\x001\0;\0\xfc\0\r\0\n\0").unwrap();
    let (before, written, after) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(name(&written), "tickets.errors.csv");
    assert_eq!(before[0].cells[0], Cell::Text("=1".into()));
    cells_survive(&before, &after, 2);
    let input = Input::open(&[path], &InputOptions::default()).unwrap();
    assert_eq!(after.tables()[0].layout, input.tables()[0].layout);
    assert_eq!(after.tables()[0].header.names()[2..], COLUMNS);
    let texts: Vec<_> = records(&after)[0].cells[2..]
        .iter()
        .map(|c| c.text().into_owned())
        .collect();
    assert_eq!(
        texts,
        [
            "2",
            "K1",
            "rejected",
            "Subject (column a)",
            "is `wrong` … here",
            "fix it"
        ]
    );
}

#[test]
fn windows_1252_and_a_later_header_row() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.csv");
    fs::write(
        &path,
        b"Report,\n,\nid,name\n001,M\xfcller\n002,\"a\n\nb, c\"\n",
    )
    .unwrap();
    let options = InputOptions {
        header_row: Some(3),
        encoding: Some("windows-1252".into()),
        ..InputOptions::default()
    };
    let (before, written, after) = reject_all(dir.path(), &path, &options);
    cells_survive(&before, &after, 2);
    assert!(
        fs::read(written)
            .unwrap()
            .windows(6)
            .any(|bytes| bytes == b"M\xfcller")
    );
    // A list in one cell was one row for the input; its number there is carried along.
    assert_eq!(records(&after)[1].cells[2].text(), "5");
}

#[test]
fn an_error_file_gives_another_one_with_the_first_rows() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.csv");
    fs::write(&path, "id,name\n1,x\n\n2,y\n").unwrap();
    let (_, first, _) = reject_all(dir.path(), &path, &InputOptions::default());
    let (_, again, _) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(first, again, "that of an earlier run is replaced");
    let (_, second, after) = reject_all(dir.path(), &first, &InputOptions::default());
    assert_eq!(name(&second), "tickets.errors-2.csv");
    assert_eq!(after.tables()[0].header.len(), 2 + COLUMNS.len());
    let rows: Vec<_> = records(&after)
        .iter()
        .map(|row| row.cells[2].text().into_owned())
        .collect();
    assert_eq!(rows, ["2", "4"]);
}

#[test]
fn what_is_open_elsewhere_is_not_overwritten() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.csv");
    fs::write(&path, "id\n1\n").unwrap();
    fs::write(dir.path().join("tickets.errors.csv"), "precious").unwrap();
    fs::write(dir.path().join("tickets.errors-2.csv"), "precious too").unwrap();
    fs::write(dir.path().join(".~lock.tickets.errors.csv#"), "").unwrap();
    let (_, written, _) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(name(&written), "tickets.errors-3.csv");
    assert_eq!(
        fs::read_to_string(dir.path().join("tickets.errors.csv")).unwrap(),
        "precious"
    );
}

#[test]
fn nothing_rejected_nothing_written() {
    let dir = TempDir::new().unwrap();
    let files = ErrorFiles::new(&[], dir.path(), None);
    assert!(files.finish().unwrap().files.is_empty());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn json_is_nested_as_it_was() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.jsonl");
    let text = "{\"id\":1,\"who\":{\"name\":\"Ada\",\"tags\":[1]},\"big\":12345678901234567890}\n\
                {\"id\":2,\"who\":null,\"other\":{}}\n{\"id\":3,\"who\":\"me\",\"x\":1.5}\n";
    fs::write(&path, text).unwrap();
    let (before, written, after) = reject_all(dir.path(), &path, &InputOptions::default());
    assert!(
        fs::read_to_string(written)
            .unwrap()
            .contains(r#""who":{"name":"Ada","tags":[1]}"#)
    );
    let header = |input: &Input| input.tables()[0].header.clone();
    let input = Input::open(&[path], &InputOptions::default()).unwrap();
    for (before, after_record) in before.iter().zip(records(&after)) {
        for column in header(&input).names() {
            let (was, is) = (
                header(&input).position(column),
                header(&after).position(column),
            );
            let (was, is) = (
                was.unwrap(),
                is.unwrap_or_else(|| panic!("{column} is gone")),
            );
            assert_eq!(before.cells[was], after_record.cells[is], "{column}");
        }
    }
    let path = dir.path().join("doc.json");
    fs::write(&path, r#"{"tickets": [{"a": 1}, {"a": "x"}], "n": 2}"#).unwrap();
    let options = InputOptions {
        records: Some("tickets".into()),
        ..InputOptions::default()
    };
    let (before, written, after) = reject_all(dir.path(), &path, &options);
    assert_eq!(name(&written), "doc.errors.json");
    cells_survive(&before, &after, 1);
}

#[test]
fn workbooks_keep_sheets_types_and_text() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.xlsx");
    let table = |sheet: &str, number: u32, header_row: u32| Table {
        file: path.to_string_lossy().into(),
        sheet: Some(sheet.into()),
        header: Arc::new(crate::record::Header::new(
            ["Id", "Value", "", "_error"].map(str::to_owned).to_vec(),
        )),
        layout: Layout::Workbook { header_row, number },
        gzip: false,
    };
    let tables = [table("Tickets", 2, 3), table("More", 3, 1)];
    let values = [
        Cell::Text("0012".into()),
        Cell::Text("=1+1".into()),
        Cell::Text("a_x000D_b\n@".into()),
        Cell::Number(12.5),
        Cell::Bool(true),
        Cell::Date(date(2024, 6, 21)),
        Cell::Date(date(1900, 1, 31)),
        Cell::DateTime(datetime(2024, 6, 21, 22, 43, 7, 0)),
        Cell::Time(time(6, 30, 0, 0)),
        Cell::Duration(SignedDuration::from_secs(36 * 3600)),
        Cell::Fault("the cell shows the error `#N/A`".into()),
        Cell::Empty,
    ];
    let mut files = ErrorFiles::new(&tables, dir.path(), None);
    for (row, value) in (10..).zip(&values) {
        let record = Record {
            place: Place {
                file: tables[0].file.clone(),
                sheet: tables[0].sheet.clone(),
                row,
            },
            table: 0,
            cells: vec![
                Cell::Text("x".into()),
                value.clone(),
                Cell::Empty,
                Cell::Text("old".into()),
            ],
        };
        let fault = Fault::row(record.place.clone(), "bad").column("Value");
        files.add(None, "rejected", &[record], &[fault]).unwrap();
    }
    let written = files.finish().unwrap().files;
    assert_eq!(name(&written[0]), "tickets.errors.xlsx");
    let options = InputOptions {
        sheet: crate::source::SheetChoice::These(vec![
            crate::source::SheetName::Number(2),
            crate::source::SheetName::Name("More".into()),
        ]),
        header_row: None,
        ..InputOptions::default()
    };
    let after = Input::open(&written, &options).unwrap();
    assert_eq!(after.tables()[0].layout, tables[0].layout);
    assert_eq!(
        after.tables()[0].header.names()[..4],
        ["Id", "Value", "#3", "_error"]
    );
    let found: Vec<Cell> = records(&after)
        .into_iter()
        .map(|mut record| record.cells.remove(1))
        .collect();
    assert_eq!(found, values);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn cells_of_a_csv_survive(
        cells in proptest::collection::vec(proptest::collection::vec("[^\0\u{feff}]{0,10}", 3), 1..6),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t')],
    ) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("t.csv");
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_path(&path).unwrap();
        writer.write_record(["a", "b", "c"]).unwrap();
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        writer.write_record(["last", "", ""]).unwrap();
        writer.flush().unwrap();
        let options = InputOptions {
            delimiter: Some(char::from(delimiter)),
            ..InputOptions::default()
        };
        let (before, _, after) = reject_all(dir.path(), &path, &options);
        cells_survive(&before, &after, 3);
    }
}

/// What a person has worked on is theirs, whatever the same command would write there.
#[test]
fn an_error_file_that_was_mended_is_kept() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tickets.csv");
    fs::write(&path, "id,name\n1,x\n2,y\n").unwrap();
    let (_, first, _) = reject_all(dir.path(), &path, &InputOptions::default());
    let fixed = fs::read_to_string(&first).unwrap().replace('x', "fixed");
    fs::write(&first, &fixed).unwrap();
    let (_, second, _) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(name(&second), "tickets.errors-2.csv");
    assert_eq!(fs::read_to_string(&first).unwrap(), fixed);
    // That of which nothing is remembered may be anybody's.
    fs::remove_file(dir.path().join("written.json")).unwrap();
    fs::remove_file(&second).unwrap();
    let (_, second, _) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(name(&second), "tickets.errors-2.csv");
    let input = Input::open(&[path], &InputOptions::default()).unwrap();
    let mut files = ErrorFiles::new(input.tables(), dir.path(), None);
    let record = &records(&input)[0];
    files
        .add(None, "rejected", std::slice::from_ref(record), &[])
        .unwrap();
    let written = files.finish().unwrap();
    assert_eq!(name(&written.files[0]), "tickets.errors-3.csv");
    assert!(
        written.notes[0].contains("tickets.errors.csv"),
        "{:?}",
        written.notes
    );
}

/// A text that no cell holds is cut in the workbook and whole beside it; the importer takes the whole one.
#[test]
fn a_text_longer_than_a_cell_survives() {
    let dir = TempDir::new().unwrap();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/02-error-file-long-cell");
    let path = dir.path().join("in.ods");
    fs::copy(case.join("in.ods"), &path).unwrap();
    let (before, written, after) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(before[1].cells[2].text().len(), 40_000);
    cells_survive(&before, &after, 3);
    // The same once more: what nobody changed is replaced, with its texts.
    let texts = dir.path().join("in.errors.texts");
    let count = || fs::read_dir(&texts).unwrap().count();
    assert_eq!((name(&written), count()), ("in.errors.xlsx".to_owned(), 1));
    reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(count(), 1);
    // A person's text is theirs: it is read, and the next error file takes another name.
    let text = fs::read_dir(&texts).unwrap().next().unwrap().unwrap();
    fs::write(text.path(), "short").unwrap();
    let after = Input::open(&[written], &InputOptions::default()).unwrap();
    assert_eq!(records(&after)[1].cells[2].text(), "short");
    let (_, second, _) = reject_all(dir.path(), &path, &InputOptions::default());
    assert_eq!(name(&second), "in.errors-2.xlsx");
    assert_eq!(fs::read_to_string(text.path()).unwrap(), "short");
    // Without its file a marked cell is no text that goes anywhere.
    fs::remove_dir_all(dir.path().join("in.errors-2.texts")).unwrap();
    fs::remove_dir_all(&texts).unwrap();
    let after = Input::open(&[second], &InputOptions::default()).unwrap();
    let rows: Vec<Row> = after.rows().unwrap().map(Result::unwrap).collect();
    assert!(
        matches!(&rows[1], Row::Fault(_, faults) if faults[0].message.contains("in.errors-2.texts")),
        "{rows:?}"
    );
}

/// A workbook with a cover, tickets in their own widths and formats, and notes on a hidden sheet.
fn dressed(path: &Path) {
    use rust_xlsxwriter::{Format, Workbook};
    let format = |code: &str| Format::new().set_num_format(code);
    let mut book = Workbook::new();
    let cover = book.add_worksheet();
    cover.set_name("Cover").unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("Tickets").unwrap();
    for (column, heading) in (0..).zip(["ID", "Opened", "Secret", "Cost"]) {
        sheet.write_string(0, column, heading).unwrap();
    }
    for row in 1..=3_u32 {
        let number = f64::from(row);
        let id = format("00000");
        sheet.write_number_with_format(row, 0, number, &id).unwrap();
        let day = format("dd/mm/yyyy");
        sheet
            .write_number_with_format(row, 1, 45464.0 + number, &day)
            .unwrap();
        sheet.write_string(row, 2, "s").unwrap();
        let cost = format("#,##0.00");
        sheet
            .write_number_with_format(row, 3, 1234.5, &cost)
            .unwrap();
    }
    sheet.set_column_width(0, 25).unwrap();
    sheet.set_column_hidden(2).unwrap();
    let notes = book.add_worksheet();
    notes.set_name("Notes").unwrap().set_hidden(true);
    for (column, heading) in (0..).zip(["Ticket", "Text"]) {
        notes.write_string(0, column, heading).unwrap();
    }
    for (row, (ticket, text)) in (1..).zip([(1, "a"), (2, "b"), (3, "c"), (2, "d")]) {
        notes.write_number(row, 0, ticket).unwrap();
        notes.write_string(row, 1, text).unwrap();
    }
    book.save(path).unwrap();
}

#[test]
fn an_error_workbook_looks_like_its_input_and_has_the_rows_of_other_sheets() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("in.xlsx");
    dressed(&path);
    let tickets = |sheet: &str| InputOptions {
        sheet: crate::source::SheetChoice::These(vec![crate::source::SheetName::Name(
            sheet.to_owned(),
        )]),
        ..InputOptions::default()
    };
    let input = Input::open(&[path], &tickets("Tickets")).unwrap();
    let before = records(&input);
    let beside = SheetBeside {
        sheet: "Notes".to_owned(),
        of: Some(("ID".to_owned(), "Ticket".to_owned())),
    };
    let mut files = ErrorFiles::new(input.tables(), dir.path(), None)
        .looking_like(input.looks())
        .with_sheets(vec![beside])
        .keyed_by(vec!["ID".to_owned()]);
    let second = &before[1];
    let of_note = Place {
        sheet: Some("Notes".into()),
        row: 5,
        ..second.place.clone()
    };
    let faults = [
        Fault::of_key(second.place.clone(), "2", "stands in rows 3 and 4"),
        Fault::row(of_note, "is too short").field("then-1/body"),
    ];
    let key = RowKey::new("2");
    files
        .add(
            Some(&key),
            "rejected",
            std::slice::from_ref(second),
            &faults,
        )
        .unwrap();
    let written = files.finish().unwrap().files;
    let after = Input::open(&written, &tickets("Tickets")).unwrap();
    let found = records(&after);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].cells[..4], second.cells[..4]);
    assert_eq!(found[0].cells[5].text(), "2");
    assert_eq!(found[0].cells[7].text(), "ID | then-1/body");
    let (was, is) = (&input.looks()[0], &after.looks()[0]);
    for column in 0..4 {
        assert_eq!(was.format(column), is.format(column), "{column}");
        assert_eq!(was.is_hidden(column), is.is_hidden(column), "{column}");
    }
    assert!((is.width(0).unwrap() - was.width(0).unwrap()).abs() < 0.1);
    assert_eq!(is.format(0), Some("00000"));
    assert_eq!(is.format(1), Some("dd/mm/yyyy"));
    assert_eq!(is.sheet(1), Some(("Cover", false)));
    assert_eq!(is.sheet(2), Some(("Tickets", false)));
    assert_eq!(is.sheet(3), Some(("Notes", true)));
    let notes = Input::open(&written, &tickets("Notes")).unwrap();
    let texts: Vec<String> = records(&notes)
        .iter()
        .map(|row| row.cells[1].text().into_owned())
        .collect();
    assert_eq!(texts, ["b", "d"]);
}

/// Of workbooks that are held whole too: the widths of columns, and the formats of those that have one.
#[test]
fn an_error_file_of_an_xls_or_an_ods_looks_like_it() {
    for format in ["xls", "ods"] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(format!("in.{format}"));
        let case = format!("tests/cases/05-old-workbooks/layout.{format}");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(case), &path).unwrap();
        let input = Input::open(&[path], &InputOptions::default()).unwrap();
        let mut files =
            ErrorFiles::new(input.tables(), dir.path(), None).looking_like(input.looks());
        for record in &records(&input) {
            let fault = Fault::row(record.place.clone(), "is wrong");
            files
                .add(None, "rejected", std::slice::from_ref(record), &[fault])
                .unwrap();
        }
        let written = files.finish().unwrap().files;
        let after = Input::open(&written, &InputOptions::default()).unwrap();
        let (was, is) = (&input.looks()[0], &after.looks()[0]);
        let dates = was.format(6).unwrap_or_default().to_lowercase();
        assert!(dates.contains("yyyy"), "{format}: {was:?}");
        assert_eq!(was.format(6), is.format(6), "{format}");
        assert!(is.is_hidden(4), "{format}: {is:?}");
        for column in [0, 1, 4] {
            let (was, is) = (was.width(column), is.width(column));
            let (was, is) = (was.unwrap(), is.unwrap());
            assert!((was - is).abs() < 0.2, "{format}: {was} {is}");
        }
    }
}
