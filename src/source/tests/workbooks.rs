//! Workbooks: types, faults, sheets.

use super::*;

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
pub(super) fn archive(members: &[(&str, &str)]) -> Vec<u8> {
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

/// What a cell or a row that is repeated shows, each of them shows; a note on a cell is no part of it.
#[test]
fn what_an_opendocument_repeats_is_shown_in_each_place() {
    let content = r##"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"><office:automatic-styles><number:number-style style:name="N1"><number:number number:decimal-places="0" number:min-integer-digits="5"/></number:number-style><style:style style:name="ce1" style:family="table-cell" style:data-style-name="N1"/></office:automatic-styles><office:body><office:spreadsheet><table:table table:name="S"><table:table-column table:number-columns-repeated="2"/><table:table-column table:default-cell-style-name="ce1"/><table:table-row><table:table-cell office:value-type="string" table:number-columns-repeated="3"><text:p>h</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="2"><table:table-cell table:formula="of:=1/0" office:value-type="float" office:value="0" calcext:value-type="error" table:number-columns-repeated="2"><office:annotation><text:p>why</text:p></office:annotation><text:p>#DIV/0!</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="501"><office:annotation><text:p>7</text:p></office:annotation><text:p>00501</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"##;
    let bytes = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            "<?xml version=\"1.0\"?><manifest/>",
        ),
        ("content.xml", content),
    ]);
    let options = InputOptions {
        numbers: Some(Numbers::Shown),
        ..InputOptions::default()
    };
    let (_dir, input) = open("t.ods", &bytes, &options).unwrap();
    let error = "! the cell shows the error `#DIV/0!`";
    let expected = [2, 3].map(|row| (row, [error, error, "00501"].map(str::to_owned).to_vec()));
    assert_eq!(faults(&input), expected);
}

/// A moment of which only the time is shown has its day in an ODS as it has in an XLSX.
#[test]
fn a_moment_of_an_opendocument_that_shows_its_time_is_no_duration() {
    let of = |origin: &str| {
        let cell = |style: &str, value: &str| {
            format!(
                r#"<table:table-cell table:style-name="{style}" office:value-type="time" office:time-value="{value}"><text:p>06:00</text:p></table:table-cell>"#
            )
        };
        let cells = [
            cell("at", "PT1091142H00M00S"),
            cell("at", "PT06H00M00S"),
            cell("for", "PT36H00M00S"),
        ]
        .concat();
        let heading =
            r#"<table:table-cell office:value-type="string"><text:p>h</text:p></table:table-cell>"#
                .repeat(3);
        let content = format!(
            r##"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:automatic-styles><number:time-style style:name="N1"><number:hours number:style="long"/><number:text>:</number:text><number:minutes number:style="long"/></number:time-style><number:time-style style:name="N2" number:truncate-on-overflow="false"><number:hours/><number:text>:</number:text><number:minutes number:style="long"/></number:time-style><style:style style:name="at" style:family="table-cell" style:data-style-name="N1"/><style:style style:name="for" style:family="table-cell" style:data-style-name="N2"/></office:automatic-styles><office:body><office:spreadsheet>{origin}<table:table table:name="S"><table:table-row>{heading}</table:table-row><table:table-row>{cells}</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"##
        );
        let bytes = archive(&[
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            (
                "META-INF/manifest.xml",
                "<?xml version=\"1.0\"?><manifest/>",
            ),
            ("content.xml", &content),
        ]);
        let (_dir, input) = open("t.ods", &bytes, &InputOptions::default()).unwrap();
        texts(&rows(&input)[0])
    };
    assert_eq!(of(""), ["2024-06-21 06:00", "06:00", "36:00"]);
    let origin = r#"<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>"#;
    assert_eq!(of(origin)[0], "2028-06-22 06:00");
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

#[test]
fn a_merged_heading_is_over_its_columns() {
    let bytes = workbook(|book| {
        let sheet = book.add_worksheet();
        sheet
            .merge_range(1, 1, 1, 2, "Contact", &rust_xlsxwriter::Format::new())
            .unwrap();
        for (column, text) in ["No", "Name", "E-mail", "Title"].into_iter().enumerate() {
            sheet.write_string(2, column as u16, text).unwrap();
            sheet.write_string(3, column as u16, "x").unwrap();
        }
    });
    let options = InputOptions {
        header_row: Some(3),
        header_above: vec![2],
        ..InputOptions::default()
    };
    let (_dir, input) = open("t.xlsx", &bytes, &options).unwrap();
    assert_eq!(
        input.tables()[0].header.names(),
        ["No", "Contact Name", "Contact E-mail", "Title"]
    );
    assert_eq!(rows(&input).len(), 1);
}
