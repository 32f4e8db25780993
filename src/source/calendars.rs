//! A workbook counts its days from 1900 or from 1904, and says so: the same day must come out of both.

use std::path::Path;

use jiff::civil::date;

use super::{Input, InputOptions, Row};
use crate::record::Cell;

/// A workbook whose second row holds this serial number as a date, put together by hand: no writer makes the
/// calendar of 1904 any more.
fn workbook(path: &Path, serial: u32, from_1904: bool) {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let calendar = if from_1904 {
        "<workbookPr date1904=\"1\"/>"
    } else {
        "<workbookPr/>"
    };
    let parts = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPE}.sheet.main+xml\"/>\
             <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{TYPE}.worksheet+xml\"/>\
             <Override PartName=\"/xl/styles.xml\" ContentType=\"{TYPE}.styles+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\">{calendar}<sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
             <Relationship Id=\"rId2\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet xmlns=\"{MAIN}\"><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Day</t></is></c></row>\
             <row r=\"2\"><c r=\"A2\" s=\"1\"><v>{serial}</v></c></row></sheetData></worksheet>"
            ),
        ),
    ];
    std::fs::write(path, stored_zip(&parts)).unwrap();
}

/// A zip archive of uncompressed files.
fn stored_zip(parts: &[(&str, String)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in parts {
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let offset = archive.len() as u32;
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        common.extend(crc.sum().to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (offset, size) = (archive.len() as u32, directory.len() as u32);
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend((parts.len() as u16).to_le_bytes());
    archive.extend((parts.len() as u16).to_le_bytes());
    archive.extend(size.to_le_bytes());
    archive.extend(offset.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn day(serial: u32, from_1904: bool) -> Cell {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("days.xlsx");
    workbook(&path, serial, from_1904);
    let input = Input::open(&[path], &InputOptions::default()).unwrap();
    let row = input.rows().unwrap().next().unwrap().unwrap();
    match row {
        Row::Record(record) => record.cells[0].clone(),
        Row::Fault(_, faults) => panic!("{faults:?}"),
    }
}

#[test]
fn both_calendars_agree_with_the_workbook() {
    assert_eq!(day(45_464, false), Cell::Date(date(2024, 6, 21)));
    assert_eq!(day(44_002, true), Cell::Date(date(2024, 6, 21)));
    // The two begin 1,462 days apart, the day that 1900 did not have counted.
    for serial in [61, 10_000, 60_000] {
        assert_eq!(day(serial + 1_462, false), day(serial, true));
    }
    assert_eq!(day(59, false), Cell::Date(date(1900, 2, 28)));
    assert_eq!(day(61, false), Cell::Date(date(1900, 3, 1)));
    assert!(
        matches!(day(60, false), Cell::Fault(_)),
        "29 February 1900 never was"
    );
}
