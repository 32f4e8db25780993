//! Files of all kinds through [`Input`], among them other people's torture cases where they are at hand.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::record::Cell;

fn file(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn open(name: &str, bytes: &[u8], options: &InputOptions) -> Result<(TempDir, Input)> {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, name, bytes);
    Input::open(&[path], options).map(|input| (dir, input))
}

fn rows(input: &Input) -> Vec<Row> {
    input.rows().unwrap().map(Result::unwrap).collect()
}

fn texts(row: &Row) -> Vec<String> {
    let (Row::Record(record) | Row::Fault(record, _)) = row;
    record
        .cells
        .iter()
        .map(|cell| cell.text().into_owned())
        .collect()
}

/// Row number, texts, and the message of the first fault.
fn table(name: &str, bytes: &[u8]) -> Vec<(u64, Vec<String>, String)> {
    let (_dir, input) = open(name, bytes, &InputOptions::default()).unwrap();
    rows(&input)
        .iter()
        .map(|row| {
            let (record, message) = match row {
                Row::Record(record) => (record, String::new()),
                Row::Fault(record, faults) => (record, faults[0].message.clone()),
            };
            (record.place.row, texts(row), message)
        })
        .collect()
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let error = open(name, bytes, &InputOptions::default()).unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Input, "{error}");
    assert!(
        !error.hints().is_empty() || error.message().contains("no records"),
        "{error}"
    );
    error.message().to_owned()
}

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn rows_are_numbered_as_a_spreadsheet_shows_them() {
    for end in ["\n", "\r\n"] {
        let text = "\na,b\n\n\n1,\"x\n\ny\"\n,\n2,z\n\n\n3,end".replace('\n', end);
        let cell = "x\n\ny".replace('\n', end);
        let found: Vec<_> = table("t.csv", text.as_bytes())
            .into_iter()
            .map(|(row, texts, _)| (row, texts[1].clone()))
            .collect();
        assert_eq!(
            found,
            [(5, cell), (7, "z".into()), (10, "end".into())],
            "{end:?}"
        );
    }
}

#[test]
fn ragged_rows_are_faults_and_not_the_end() {
    let found = table("t.csv", b"a,b,c\n1,2\n1,2,3,,\n1,2,3,4\n5,6,7\n");
    assert_eq!(found[0].2, "has 2 cells where the header has 3");
    assert_eq!(found[1].2, "");
    assert_eq!(found[2].2, "has 4 cells where the header has 3");
    assert_eq!(found[3].1, ["5", "6", "7"]);
}

#[test]
fn an_unclosed_quote_is_told_where_it_opens() {
    let found = table("t.csv", b"a,b\n1,2\n3,\"open\n5,6\n7,8\n");
    assert_eq!(found.len(), 2);
    assert!(found[1].2.contains("never closes"), "{found:?}");
    assert_eq!(found[1].1[1], "open\n5,6\n7,8\n");
    // A cell that ends in a line break is not one.
    assert_eq!(table("t.csv", b"a,b\n1,\"x\n\"")[0].1[1], "x\n");
}

#[test]
fn header_rows_other_than_the_first() {
    let text = b"Report\nof today\nid,name\n1,x\n";
    let options = InputOptions {
        header_row: Some(3),
        ..InputOptions::default()
    };
    let (_dir, input) = open("t.csv", text, &options).unwrap();
    assert_eq!(input.tables()[0].header.names(), ["id", "name"]);
    assert_eq!(texts(&rows(&input)[0]), ["1", "x"]);
    let options = InputOptions {
        header_row: Some(0),
        ..InputOptions::default()
    };
    let (_dir, input) = open("t.csv", b"1,x\n2,y,z\n", &options).unwrap();
    assert_eq!(input.tables()[0].header.names(), ["A", "B", "C"]);
    assert_eq!(rows(&input).len(), 2);
    let options = InputOptions {
        header_row: Some(9),
        ..InputOptions::default()
    };
    assert!(open("t.csv", text, &options).is_err());
}

#[test]
fn encodings_are_found_or_told() {
    let options = |label: &str| InputOptions {
        encoding: Some(label.to_owned()),
        ..InputOptions::default()
    };
    let (_dir, input) = open(
        "t.csv",
        b"a;b\nM\xfcller;\x80 5\n",
        &options("windows-1252"),
    )
    .unwrap();
    assert_eq!(texts(&rows(&input)[0]), ["Müller", "€ 5"]);
    let utf16: Vec<u8> = "\u{feff}a\tb\r\nMüller\tö\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = table("t.txt", &utf16);
    assert_eq!(found[0].1, ["Müller", "ö"]);
    assert_eq!(table("t.csv", b"\xef\xbb\xbfa,b\n1,2\n")[0].1, ["1", "2"]);
    assert!(open("t.csv", b"a,b\n1,2\n", &options("klingon")).is_err());
}

#[test]
fn a_bad_byte_is_found_far_behind_and_placed() {
    let mut text = b"id,name\n".to_vec();
    while text.len() < 600 * 1024 {
        text.extend_from_slice("12,Zoë\n".as_bytes());
    }
    let lines = text.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let at = text.len() + 4;
    text.extend_from_slice(b"13,M\xfcller\n");
    let error = open("t.csv", &text, &InputOptions::default()).unwrap_err();
    let place = format!("0xFC at byte {} (line {lines})", at + 1);
    assert!(error.message().contains(&place), "{error}");
    assert!(error.hints()[0].contains("encoding = \"windows-1252\""));
    text[at] = 0;
    assert!(refusal("t.csv", &text).contains(&format!("NUL byte at byte {}", at + 1)));
}

#[test]
fn characters_cut_by_a_chunk_are_whole() {
    for shift in 0..4 {
        let mut text = format!("a\n{}", "x".repeat(bytes::CHUNK - 4 + shift - 2));
        text.push_str("€€\nend\n");
        let (_dir, input) = open("t.csv", text.as_bytes(), &InputOptions::default()).unwrap();
        assert!(texts(&rows(&input)[0])[0].ends_with("€€"));
    }
}

#[test]
fn gzip_is_unpacked_and_has_the_same_fingerprint() {
    let text = b"a,b\n1,2\n";
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text).unwrap();
    let packed = packer.finish().unwrap();
    let (_dir, input) = open("t.csv.gz", &packed, &InputOptions::default()).unwrap();
    let (_dir2, plain) = open("t.csv", text, &InputOptions::default()).unwrap();
    assert!(input.tables()[0].gzip);
    assert_eq!(texts(&rows(&input)[0]), ["1", "2"]);
    assert_eq!(input.fingerprint(), plain.fingerprint());
    assert!(refusal("t.csv.gz", &packed[..packed.len() - 6]).contains("damaged"));
}

#[test]
fn what_is_no_table_is_told() {
    assert!(refusal("t.csv", b"").contains("is empty"));
    assert!(refusal("t.csv", b"a,b\n").contains("a header row and no rows"));
    assert!(refusal("t.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").contains("binary"));
    assert!(refusal("t.csv", b"\x7fELF\x02\x01\x01\0\0\0\0\0").contains("binary"));
    assert!(refusal("t.xls", b"<html><table><tr><td>1").contains("HTML"));
    assert!(refusal("t.xlsx", b"not a zip").contains("no workbook"));
    assert!(refusal("t.xlsx", b"PK\x03\x04 broken").contains("damaged"));
    assert!(refusal("t.csv", b"%PDF-1.4").contains("PDF"));
    assert!(refusal("t.json", b"{\"tickets\": [{\"id\":1}]}").contains("one object"));
    let missing = Input::open(&["nowhere/t.csv".into()], &InputOptions::default()).unwrap_err();
    assert!(missing.to_string().contains("no such file"), "{missing}");
}

#[test]
fn json_lines_and_documents() {
    let text = b"{\"id\":1,\"who\":{\"name\":\"Ada\"}}\n\nnonsense\n{\"id\":2,\"big\":12345678901234567890}\n";
    let found = table("t.jsonl", text);
    assert_eq!(found[0].1, ["1", "Ada", ""]);
    assert_eq!(
        (found[1].0, found[1].2.contains("not valid JSON")),
        (3, true)
    );
    assert_eq!(
        found[2],
        (
            4,
            vec!["2".into(), String::new(), "12345678901234567890".into()],
            String::new()
        )
    );
    let options = InputOptions {
        records: Some("tickets".to_owned()),
        ..InputOptions::default()
    };
    let text = br#"{"count": 2, "x": {"tickets": []}, "tickets": [ {"id": "a]}\""}, {"id": 2} ], "next": null}"#;
    let (_dir, input) = open("t.json", text, &options).unwrap();
    let found: Vec<_> = rows(&input).iter().map(texts).collect();
    assert_eq!(found, [["a]}\""], ["2"]]);
    assert!(
        matches!(&input.tables()[0].layout, Layout::JsonDocument { records: Some(name) } if name == "tickets")
    );
    assert_eq!(table("t.json", b"[{\"a\":1},\n{\"a\":2}]").len(), 2);
}

fn workbook(build: impl FnOnce(&mut rust_xlsxwriter::Workbook)) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    build(&mut book);
    book.save_to_buffer().unwrap()
}

#[test]
fn workbooks_keep_types_and_faults() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula};
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        sheet.set_name("Tickets").unwrap();
        for (column, name) in [
            "id", "at", "time", "span", "formula", "error", "text", "yes",
        ]
        .iter()
        .enumerate()
        {
            sheet.write_string(1, column as u16, *name).unwrap();
        }
        let format = |code: &str| Format::new().set_num_format(code);
        sheet.write_number(3, 0, 120_000.0).unwrap();
        let at = ExcelDateTime::parse_from_str("2024-06-21 22:43").unwrap();
        sheet
            .write_datetime_with_format(3, 1, &at, &format("yyyy-mm-dd hh:mm"))
            .unwrap();
        sheet
            .write_number_with_format(3, 2, 0.25, &format("hh:mm"))
            .unwrap();
        sheet
            .write_number_with_format(3, 3, 1.5, &format("[h]:mm"))
            .unwrap();
        sheet
            .write_formula(3, 4, Formula::new("=1+1").set_result(""))
            .unwrap();
        sheet
            .write_formula(3, 5, Formula::new("=NA()").set_result("#N/A"))
            .unwrap();
        sheet.write_string(3, 6, "a_x000D_b\r\nc").unwrap();
        sheet.write_boolean(3, 7, true).unwrap();
        sheet.write_string(4, 9, "stray").unwrap();
        sheet.write_string(1500, 12, "stray").unwrap();
    });
    let (_dir, input) = open("t.xlsx", &bytes, &InputOptions::default()).unwrap();
    assert_eq!(
        input.tables()[0].layout,
        Layout::Workbook {
            header_row: 2,
            number: 1
        }
    );
    let found = rows(&input);
    assert_eq!(
        texts(&found[0])[..4],
        ["120000", "2024-06-21 22:43", "06:00", "36:00"]
    );
    let Row::Record(record) = &found[0] else {
        panic!()
    };
    assert_eq!(record.place.row, 4);
    assert!(matches!(&record.cells[5], Cell::Fault(why) if why.contains("#N/A")));
    assert_eq!(record.cells[6].text(), "a_x000D_b\r\nc");
    assert_eq!(record.cells[7], Cell::Bool(true));
    assert_eq!(input.tables()[0].header.names()[9], "#10");
    assert!(matches!(&found[2], Row::Fault(_, faults) if faults[0].message.contains("column M")));
}

/// A zip archive of stored members, for workbooks that no writer would make.
fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in members {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((text.len() as u32).to_le_bytes());
        common.extend((text.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let offset = out.len() as u32;
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), text.as_bytes()].concat());
        directory.extend([b"PK\x01\x02\x14\0", &common[..], &[0; 10]].concat());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn faults(input: &Input) -> Vec<(u64, Vec<String>)> {
    let told = |cell: &Cell| match cell {
        Cell::Fault(why) => format!("! {why}"),
        cell => cell.text().into_owned(),
    };
    rows(input)
        .iter()
        .map(|row| {
            let (Row::Record(record) | Row::Fault(record, _)) = row;
            (record.place.row, record.cells.iter().map(told).collect())
        })
        .collect()
}

const WITHOUT_VALUE: &str =
    "! a formula without a stored value: open the file in Excel and save it";

#[test]
fn a_formula_without_a_stored_value_is_a_fault_and_no_vanished_row() {
    let sheet = r##"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>
        <row r="2"><c r="A2"><f>1+1</f></c></row>
        <row r="3"><c r="A3"><f>1+1</f><v></v></c><c r="B3"><f>1+1</f><v>2</v></c></row>
        <row r="4"><c r="A4" t="str"><f>""</f><v></v></c><c r="B4"><v>7</v></c></row>
        <row r="5"><c r="A5" t="e"><f>B1:B9</f><v>#SPILL!</v></c><c r="B5"><v>8</v></c></row>
        </sheetData></worksheet>"##;
    let workbook = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let relations = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let package = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let bytes = archive(&[
        ("_rels/.rels", package),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    let (_dir, input) = open("t.xlsx", &bytes, &InputOptions::default()).unwrap();
    let spill = "! the cell shows the error `#SPILL!`";
    let expected = [
        (2, [WITHOUT_VALUE, ""]),
        (3, [WITHOUT_VALUE, "2"]),
        (4, ["", "7"]),
        (5, [spill, "8"]),
    ];
    assert_eq!(
        faults(&input),
        expected.map(|(row, cells)| (row, cells.map(str::to_owned).to_vec()))
    );
}

#[test]
fn an_opendocument_formula_without_a_value_is_a_fault() {
    let content = r#"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="S"><table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>b</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell office:value-type="float" office:value="5"><text:p>5</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell table:formula="of:=1+1"/><table:table-cell table:formula="of:=2" office:value-type="float" office:value="2"/></table:table-row><table:table-row><table:table-cell table:formula="of:=1+1"/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"#;
    let bytes = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            "<?xml version=\"1.0\"?><manifest/>",
        ),
        ("content.xml", content),
    ]);
    let (_dir, input) = open("t.ods", &bytes, &InputOptions::default()).unwrap();
    let expected = [
        (2, ["5", ""]),
        (3, [WITHOUT_VALUE, "2"]),
        (4, [WITHOUT_VALUE, ""]),
    ];
    assert_eq!(
        faults(&input),
        expected.map(|(row, cells)| (row, cells.map(str::to_owned).to_vec()))
    );
}

#[test]
fn sheets_are_chosen_by_visibility_name_and_number() {
    let bytes = workbook(|book| {
        for (name, rows) in [("Cover", 0), ("Hidden", 2), ("One", 2), ("Two", 3)] {
            let sheet = book.add_worksheet();
            sheet.set_name(name).unwrap();
            for row in 0..rows {
                sheet.write_string(row, 0, format!("{name} {row}")).unwrap();
            }
        }
        book.worksheet_from_name("Hidden").unwrap().set_hidden(true);
    });
    let sheets = |choice: SheetChoice| {
        let options = InputOptions {
            sheet: choice,
            ..InputOptions::default()
        };
        open("t.xlsx", &bytes, &options).map(|(_dir, input)| {
            let names: Vec<String> = input
                .tables()
                .iter()
                .map(|table| table.sheet.as_deref().unwrap().to_owned())
                .collect();
            (names, rows(&input).len())
        })
    };
    let named = |name: &str| SheetChoice::These(vec![SheetName::Name(name.into())]);
    assert_eq!(sheets(SheetChoice::First).unwrap(), (vec!["One".into()], 1));
    assert_eq!(
        sheets(SheetChoice::All).unwrap(),
        (vec!["One".into(), "Two".into()], 3)
    );
    assert_eq!(sheets(named(" hidden ")).unwrap().0, ["Hidden"]);
    let number = SheetChoice::These(vec![SheetName::Number(4)]);
    assert_eq!(sheets(number).unwrap().0, ["Two"]);
    let error = sheets(named("Three")).unwrap_err();
    assert!(error.hints()[0].contains("`One` (3)"), "{error:?}");
}

/// Every `n_` is refused, every `y_` is read or refused for holding no records, nothing crashes.
#[test]
fn json_test_suite() {
    let Some(folder) = data("acid/JSONTestSuite") else {
        return;
    };
    let mut count = 0;
    for path in entries(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let complaint = match Input::open(std::slice::from_ref(&path), &InputOptions::default()) {
            Err(error) => Some(error.to_string()),
            Ok(input) => input.rows().unwrap().find_map(|row| match row {
                Err(error) => Some(error.to_string()),
                Ok(Row::Fault(_, faults)) => Some(faults[0].message.clone()),
                Ok(Row::Record(_)) => None,
            }),
        };
        if name.starts_with("n_") {
            assert!(complaint.is_some(), "{name} was taken");
        } else if name.starts_with("y_") {
            let why = complaint.unwrap_or_default();
            assert!(!why.contains("not valid JSON"), "{name}: {why}");
        }
        count += 1;
    }
    assert!(count > 300);
}

#[test]
fn csv_spectrum() {
    let Some(folder) = data("acid/csv-spectrum") else {
        return;
    };
    for path in entries(&folder.join("csvs")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let json = fs::read_to_string(folder.join("json").join(format!("{name}.json"))).unwrap();
        let mut expected: serde_json::Value = serde_json::from_str(&json).unwrap();
        if expected.is_object() {
            expected = vec![expected].into();
        }
        // Where the stored CSV and its expectation differ in themselves, the CSV counts: another telephone
        // number here, and line ends that were turned into LF on the way to this folder.
        if name == "location_coordinates" {
            expected[0]["Contact Phone Number"] = "2095257564".into();
        }
        if name == "newlines_crlf" && !fs::read(&path).unwrap().contains(&b'\r') {
            expected[1]["a"] = "Once upon \na time".into();
        }
        let input = Input::open(&[path], &InputOptions::default()).unwrap();
        let found: Vec<_> = rows(&input)
            .iter()
            .map(|row| {
                let names = input.tables()[0].header.written().iter().cloned();
                let values = texts(row).into_iter().map(serde_json::Value::from);
                serde_json::Value::Object(names.zip(values).collect())
            })
            .collect();
        assert_eq!(serde_json::Value::from(found), expected, "{name}");
    }
}

/// Every workbook is read or refused with a hint; none ends the program.
#[test]
fn calamine_workbooks() {
    let Some(folder) = data("acid/calamine") else {
        return;
    };
    for path in entries(&folder) {
        let options = InputOptions {
            sheet: SheetChoice::All,
            ..InputOptions::default()
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match Input::open(&[path], &options) {
            Ok(input) => {
                assert!(!name.starts_with("pass_protected"), "{name}");
                input.rows().unwrap().for_each(drop);
            }
            Err(error) => {
                assert!(!error.hints().is_empty(), "{name}: {error}");
                if name.starts_with("pass_protected") {
                    assert!(error.to_string().contains("password"), "{name}: {error}");
                }
            }
        }
    }
}

/// The files of the field, with the number of rows that their notes tell.
#[test]
fn real_files() {
    let Some(folder) = data("") else { return };
    for (name, expected, columns) in [
        ("kaggle_customer_support_tickets.csv", 8469, 17),
        ("uci_incident_event_log_6k_excel.csv", 5998, 36),
        ("servicenow_export_107cols.csv", 2, 107),
        ("freshdesk_export.csv", 45, 15),
        ("helpdesk_faq_ja_bom.csv", 10, 7),
        ("support_tickets_100.jsonl", 100, 0),
        ("zendesk_tickets_synth.jsonl", 420, 0),
        ("jira_issues_synth.jsonl", 80, 0),
        ("greatlearning_tickets_8500_x000D.xlsx", 8500, 4),
    ] {
        let input = Input::open(&[folder.join(name)], &InputOptions::default()).unwrap();
        let found = rows(&input);
        let faults: Vec<_> = found
            .iter()
            .filter(|row| matches!(row, Row::Fault(..)))
            .collect();
        assert!(faults.is_empty(), "{name}: {:?}", faults[0]);
        assert_eq!(found.len(), expected, "{name}");
        if columns > 0 {
            assert_eq!(input.tables()[0].header.len(), columns, "{name}");
        }
        if name.starts_with("servicenow_export") || name.starts_with("uci") {
            assert!(matches!(
                input.tables()[0].layout,
                Layout::Csv { crlf: true, .. }
            ));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cells_written_as_csv_are_read_back(
        cells in proptest::collection::vec(proptest::collection::vec("[^\0\u{feff}]{0,12}", 3), 1..8),
        crlf: bool,
    ) {
        let mut writer = ::csv::WriterBuilder::new()
            .terminator(if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .quote_style(::csv::QuoteStyle::Always)
            .from_writer(Vec::new());
        writer.write_record(["a", "b", "c"]).unwrap();
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let options = InputOptions { delimiter: Some(','), ..InputOptions::default() };
        let expected: Vec<_> = cells
            .into_iter()
            .filter(|row| row.iter().any(|cell| !cell.trim().is_empty()))
            .collect();
        match open("t.csv", &bytes, &options) {
            Ok((_dir, input)) => {
                let found: Vec<_> = rows(&input).iter().map(texts).collect();
                prop_assert_eq!(found, expected);
            }
            Err(error) => prop_assert!(expected.is_empty(), "{}", error),
        }
    }

    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        start in prop_oneof![Just(""), Just("a,b\n1,"), Just("{\"a\":"), Just("[{"), Just("PK\u{3}\u{4}")],
        name in prop_oneof![Just("t.csv"), Just("t.json"), Just("t.jsonl"), Just("t.xlsx"), Just("t.xls"), Just("t")],
    ) {
        let whole = [start.as_bytes(), &bytes].concat();
        if let Ok((_dir, input)) = open(name, &whole, &InputOptions::default()) {
            input.rows().unwrap().for_each(drop);
        }
    }
}
