//! Files that would fill the memory, or never end. Each is refused, and fast.

use std::io::Cursor;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::source::bounds::{MOST_COLUMNS, batch_of};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// A part: its beginning, what is repeated and how often, its end.
type Part<'p> = (&'p str, &'p str, u64, &'p str);

/// Writes an archive part by part, without holding one.
fn archive(parts: &[(&str, Part<'_>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, (start, middle, times, end)) in parts {
        let options = SimpleFileOptions::default().large_file(true);
        zip.start_file(*name, options).unwrap();
        zip.write_all(start.as_bytes()).unwrap();
        let piece = middle.repeat(1024);
        for _ in 0..times / 1024 {
            zip.write_all(piece.as_bytes()).unwrap();
        }
        for _ in 0..times % 1024 {
            zip.write_all(middle.as_bytes()).unwrap();
        }
        zip.write_all(end.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An XLSX with one sheet.
fn xlsx(sheet: Part<'_>, texts: Part<'_>) -> Vec<u8> {
    let workbook = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let package = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let relations = format!(
        "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
         <Relationship Id=\"rId2\" Type=\"{OFFICE}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
    );
    archive(&[
        ("_rels/.rels", (&package, "", 0, "")),
        ("xl/workbook.xml", (&workbook, "", 0, "")),
        ("xl/_rels/workbook.xml.rels", (&relations, "", 0, "")),
        ("xl/sharedStrings.xml", texts),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

/// With these rows.
fn rows_of(middle: &str, times: u64) -> Vec<u8> {
    let head = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>id</t></is></c></row>";
    xlsx(
        (head, middle, times, "</sheetData></worksheet>"),
        ("<sst>", "", 0, "</sst>"),
    )
}

fn refused(name: &str, bytes: &[u8]) -> String {
    let start = Instant::now();
    let read = open(name, bytes, &InputOptions::default())
        .and_then(|(_, input)| input.rows()?.try_for_each(|row| row.map(drop)));
    let error = read.unwrap_err();
    let took = start.elapsed();
    println!("{name}, {} bytes: {took:?}: {error}", bytes.len());
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert_eq!(error.kind(), crate::error::ErrorKind::Input, "{error}");
    error.to_string()
}

#[test]
fn a_cell_beyond_the_sheet_is_refused() {
    for (at, more) in [
        ("ZZZZZZZ99999999999", "A1"),
        ("XFE2", "XFE2"),
        ("A1048577", "A1048577"),
        // In 32 bits this one is column A.
        ("MWLQKWV2", "MWLQKWV2"),
    ] {
        let row = format!("<row r=\"2\"><c r=\"{at}\"><v>1</v></c></row>");
        let said = refused("far.xlsx", &rows_of(&row, 1));
        assert!(
            said.contains("XFD") && (said.contains(more) || more == "A1"),
            "{said}"
        );
    }
}

#[test]
fn numbers_that_make_a_reader_take_memory_are_refused() {
    let formula = "<row r=\"2\"><c r=\"A2\"><f t=\"shared\" ref=\"A2\" si=\"4000000000\">1</f><v>1</v></c></row>";
    assert!(refused("si.xlsx", &rows_of(formula, 1)).contains("shared formula"));
    let texts = ("<sst uniqueCount=\"9000000000000000000\">", "", 0, "</sst>");
    let sheet = ("<worksheet><sheetData>", "", 0, "</sheetData></worksheet>");
    assert!(refused("sst.xlsx", &xlsx(sheet, texts)).contains("texts"));
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let spaces = rows_of(" ", 300 * 1024 * 1024);
    assert!(refused("spaces.xlsx", &spaces).contains("200 times"));
    let sheet = ("<worksheet><sheetData>", "", 0, "</sheetData></worksheet>");
    let texts = ("<sst><si><t>", "a", 100 * 1024 * 1024, "</t></si></sst>");
    assert!(refused("texts.xlsx", &xlsx(sheet, texts)).contains("200 times"));
}

#[test]
fn a_cell_of_a_workbook_has_a_bound() {
    let text = "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is>";
    let head = format!("<worksheet><sheetData>{text}");
    let end = "</is></c></row></sheetData></worksheet>";
    for middle in ["<r><t>abcdefgh</t></r>", "x"] {
        let start = match middle {
            "x" => format!("{head}<t>"),
            _ => head.clone(),
        };
        let texts = ("<sst>", "", 0, "</sst>");
        let bytes = xlsx((&start, middle, 1_000_000, end), texts);
        // Small enough to be believed: only its cell is too long.
        match middle {
            "x" => assert!(open("x.xlsx", &bytes, &InputOptions::default()).is_err()),
            _ => assert!(refused("runs.xlsx", &bytes).contains("cell longer")),
        }
    }
}

#[test]
fn an_ods_that_repeats_too_much_is_refused() {
    let head = "<?xml version=\"1.0\"?><office:document-content><office:body><office:spreadsheet><table:table table:name=\"A\">";
    let end = "</table:table></office:spreadsheet></office:body></office:document-content>";
    let row = "<table:table-row table:number-rows-repeated=\"1048576\"><table:table-cell office:value-type=\"float\" office:value=\"1\" table:number-columns-repeated=\"16384\"/></table:table-row>";
    let bytes = archive(&[
        (
            "mimetype",
            ("application/vnd.oasis.opendocument.spreadsheet", "", 0, ""),
        ),
        ("META-INF/manifest.xml", ("<manifest:manifest/>", "", 0, "")),
        ("content.xml", (head, row, 1, end)),
    ]);
    assert!(refused("many.ods", &bytes).contains("held in memory"));
}

#[test]
fn a_packed_file_that_unpacks_to_too_much_is_refused() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(b"id,text\n").unwrap();
    let lines = format!("{}\n", "a".repeat(999)).repeat(1000);
    for _ in 0..300 {
        packed.write_all(lines.as_bytes()).unwrap();
    }
    let packed = packed.finish().unwrap();
    for name in ["bomb.csv.gz", "bomb.jsonl.gz"] {
        assert!(refused(name, &packed).contains("200 times"));
    }
}

#[test]
fn a_record_that_never_ends_is_told_with_its_row() {
    let rows = "1,x\n".repeat(4_000_000);
    let text = format!("id,text\n1,x\n\n2,\"open\n{rows}");
    let said = refused("open.csv", text.as_bytes());
    assert!(said.contains("row 4 is longer than 8 MB"), "{said}");
    let said = refused("wide.csv", ",".repeat(20_000_000).as_bytes());
    assert!(said.contains("row 1 is longer"), "{said}");
    let said = refused(
        "wide.csv",
        format!("{}\n1\n", "h,".repeat(20_000)).as_bytes(),
    );
    assert!(said.contains("more than 16384 columns"), "{said}");
    let said = refused("open.json", format!("[{{\"a\": \"{rows}").as_bytes());
    assert!(said.contains("record 1 is longer"), "{said}");
    let said = refused(
        "open.jsonl",
        format!("{{\"a\": {}", "1".repeat(9_000_000)).as_bytes(),
    );
    assert!(said.contains("line 1 is longer"), "{said}");
}

/// The longest records that are read: they do not come near the bound by what surrounds them.
#[test]
fn a_long_record_is_read() {
    let long = "x".repeat(7 * 1024 * 1024);
    let text = format!("id,text\n1,{long}\n2,{long}\n3,\"{long}\"\n");
    let (_dir, input) = open("long.csv", text.as_bytes(), &InputOptions::default()).unwrap();
    assert_eq!(rows(&input).len(), 3);
}

#[test]
fn a_wide_sheet_is_read_without_a_full_batch_of_it() {
    assert_eq!(batch_of(10, 256), 256);
    assert_eq!(batch_of(MOST_COLUMNS, 256), 4);
    assert_eq!(batch_of(0, 256), 256);
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_at_once() {
    for path in ["/dev/zero", "/dev/null"] {
        let error = Input::open(&[PathBuf::from(path)], &InputOptions::default()).unwrap_err();
        assert!(error.message().contains("is a device"), "{error}");
    }
}
