//! The readers alone: every cell is looked at, nothing is made of it.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use calamine::{DataRef, Reader, Xlsx, open_workbook};
use rust_xlsxwriter::Workbook;
use serde_json::{Map, Value};

use crate::support::{COLUMNS, Names, cells};

pub(crate) fn read_csv(path: &Path) {
    let mut reader = csv::Reader::from_path(path).expect("the file was written");
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).expect("it is CSV") {
        for cell in &record {
            black_box(cell);
        }
    }
}

pub(crate) fn read_workbook(path: &Path) {
    let mut book: Xlsx<_> = open_workbook(path).expect("the file was written");
    let sheet = book.sheet_names()[0].clone();
    let mut reader = book
        .worksheet_cells_reader(&sheet)
        .expect("there is a sheet");
    while let Some(cell) = reader.next_cell().expect("it is a sheet") {
        if !matches!(cell.get_value(), DataRef::Empty) {
            black_box(cell.get_value());
        }
    }
}

pub(crate) fn read_json_lines(path: &Path) {
    let file = BufReader::new(File::open(path).expect("the file was written"));
    for line in file.lines() {
        let record: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        black_box(record);
    }
}

/// The rows of [`crate::support::write_csv`] as a workbook.
pub(crate) fn write_workbook(path: &Path, rows: u64, names: &Names) {
    let mut book = Workbook::new();
    let sheet = book
        .add_worksheet_with_constant_memory()
        .expect("a sheet is added");
    for (column, heading) in (0..).zip(COLUMNS) {
        sheet
            .write_string(0, column, heading)
            .expect("it is written");
    }
    for row in 0..rows {
        for (column, cell) in (0..).zip(cells(row, names)) {
            sheet
                .write_string(row as u32 + 1, column, cell)
                .expect("it is written");
        }
    }
    book.save(path).expect("the folder can be written");
}

/// The same as JSON lines.
pub(crate) fn write_json_lines(path: &Path, rows: u64, names: &Names) {
    let mut file = BufWriter::new(File::create(path).expect("the folder can be written"));
    for row in 0..rows {
        let cells = cells(row, names).map(Value::String);
        let record: Map<String, Value> =
            COLUMNS.map(str::to_owned).into_iter().zip(cells).collect();
        serde_json::to_writer(&mut file, &record).expect("it is written");
        file.write_all(b"\n").expect("it is written");
    }
    file.flush().expect("it is written");
}
