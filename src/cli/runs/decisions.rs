//! The file of rows in doubt that a person fills in: `runs settle -o` writes it, `--decisions` reads it back.

use std::collections::HashMap;
use std::path::Path;

use rust_xlsxwriter::{Color, Format, Workbook, XlsxError};

use super::candidates::candidate_line;
use super::settle::said_of;
use crate::error::{Error, Result};
use crate::infile;
use crate::ledger::{ByHand, Doubtful};
use crate::outfile::{self, Readers, unwritable};
use crate::source::{Input, InputOptions, Row};

/// The column that a person fills.
const USE: &str = "use";
/// What it was called in earlier versions.
const EARLIER: &str = "_as";
/// The columns of the file.
const COLUMNS: [&str; 12] = [
    "_file",
    "_sheet",
    "_row",
    "_key",
    "_step",
    "_ordinal",
    "_ticket",
    "_sent",
    "_reference",
    "_answer",
    "_candidates",
    USE,
];
/// How wide they are in a workbook, in characters.
const WIDTHS: [f64; 12] = [
    16.0, 10.0, 6.0, 16.0, 14.0, 8.0, 16.0, 22.0, 28.0, 30.0, 60.0, 24.0,
];
/// The longest text that a cell of a workbook takes.
const LONGEST: usize = 32_767;

/// Writes the rows in doubt, as a workbook or a CSV.
///
/// # Errors
/// When there is such a file already, or it cannot be written.
pub(super) fn write(path: &Path, doubtful: &[Doubtful], readers: Readers) -> Result<()> {
    kind(path)?;
    if path.exists() {
        return Err(Error::usage("there is such a file already")
            .at(path.display())
            .hint("what was filled in is not overwritten: name another file"));
    }
    let rows: Vec<[String; 12]> = doubtful.iter().map(cells).collect();
    let bytes = match is_workbook(path) {
        true => workbook(&rows).map_err(|error| failed(path, error))?,
        false => csv_of(&rows).map_err(|error| failed(path, error))?,
    };
    outfile::create(path, &bytes, readers).map_err(|error| unwritable(path, error))
}

fn cells(row: &Doubtful) -> [String; 12] {
    let candidates: Vec<String> = row.candidates.iter().map(candidate_line).collect();
    [
        row.place.file.to_string(),
        row.place.sheet.as_deref().unwrap_or("").to_owned(),
        row.place.row.to_string(),
        row.key.as_str().to_owned(),
        row.step.name.to_string(),
        (row.step.ordinal + 1).to_string(),
        row.ticket
            .as_ref()
            .map_or_else(String::new, |ticket| ticket.id.clone()),
        sent_text(row),
        row.reference.clone().unwrap_or_default(),
        row.answer.clone().unwrap_or_default(),
        candidates.join("; "),
        String::new(),
    ]
}

/// Refuses endings of files that this is not written as.
fn kind(path: &Path) -> Result<()> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    match ["xls", "xlsm", "xlsb", "ods"].contains(&ending.to_lowercase().as_str()) {
        false => Ok(()),
        true => Err(
            Error::usage("the rows in doubt are written as .xlsx or .csv")
                .at(path.display())
                .hint("give the file one of these endings"),
        ),
    }
}

fn is_workbook(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"))
}

fn csv_of(rows: &[[String; 12]]) -> std::result::Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn workbook(rows: &[[String; 12]]) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let bold = Format::new().set_bold();
    let yellow = Format::new().set_background_color(Color::RGB(0x00FF_F2CC));
    sheet.set_name("in doubt")?;
    sheet.set_freeze_panes(1, 0)?;
    for ((at, heading), width) in (0..).zip(COLUMNS).zip(WIDTHS) {
        sheet.write_string_with_format(0, at, heading, &bold)?;
        sheet.set_column_width(at, width)?;
    }
    for (number, row) in (1..).zip(rows) {
        for (at, text) in (0..).zip(row) {
            match COLUMNS[usize::from(at)] {
                USE => sheet.write_blank(number, at, &yellow)?,
                _ => {
                    let text: String = text.chars().take(LONGEST / 2).collect();
                    sheet.write_string(number, at, text)?
                }
            };
        }
    }
    workbook.save_to_buffer()
}

fn failed(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::machine("cannot write the file")
        .at(path.display())
        .caused_by(error)
}

/// The cells of a filled-in file with the numbers of their rows, the headings first.
fn read_cells(path: &Path) -> Result<Vec<(u64, Vec<String>)>> {
    if is_workbook(path) || kind(path).is_err() {
        let input = Input::open(&[path.to_path_buf()], &InputOptions::default())?;
        let header = &input.tables()[0].header;
        let mut rows = vec![(1, header.names().to_vec())];
        let width = header.len();
        for row in input.rows()? {
            match row? {
                Row::Record(record) => {
                    let cells = (0..width).map(|at| record.cell(at).text().into_owned());
                    rows.push((record.place.row, cells.collect()));
                }
                Row::Fault(record, faults) => {
                    let what = faults
                        .first()
                        .map_or("the row cannot be read", |it| it.message.as_str());
                    return Err(Error::input(what.to_owned()).at(&record.place));
                }
            }
        }
        return Ok(rows);
    }
    let failed = |error: csv::Error| {
        Error::input("cannot read the file")
            .at(path.display())
            .caused_by(error)
    };
    let text = infile::read(path, infile::MOST_WORDS).map_err(|error| failed(error.into()))?;
    // Excel saves a CSV with a mark in front, and with semicolons where the comma is the decimal sign.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let head = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = [b'\t', b';'].into_iter().find(|it| head.contains(it));
    let delimiter = delimiter.unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(text);
    let records = reader.records();
    let rows = records.map(|record| {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        Ok((line, record.iter().map(str::to_owned).collect()))
    });
    rows.collect::<std::result::Result<_, csv::Error>>()
        .map_err(failed)
}

/// The rows of a filled-in file; a row whose `use` is empty takes what was typed, or stays in doubt.
///
/// # Errors
/// When it cannot be read, or says something about a row that is not in doubt, or was sent again since.
pub(super) fn read(
    path: &Path,
    doubtful: &[Doubtful],
    typed: Option<&str>,
) -> Result<Vec<(Doubtful, ByHand)>> {
    let rows = read_cells(path)?;
    let (headings, rows) = match rows.split_first() {
        Some(((_, headings), rows)) => (&headings[..], rows),
        None => (&[][..], &[][..]),
    };
    let position = |name: &str| {
        let mut headings = headings.iter();
        headings.position(|heading| heading.trim().eq_ignore_ascii_case(name))
    };
    let column = |name: &str| {
        position(name).ok_or_else(|| {
            Error::input(format!("the file has no column `{name}`"))
                .at(path.display())
                .hint("the first row holds the headings; `deskferry runs settle RUN -o FILE` writes a file to fill in")
        })
    };
    let (key, step, sent) = (column("_key")?, column("_step")?, column("_sent")?);
    let filled = match position(EARLIER) {
        Some(earlier) => position(USE).unwrap_or(earlier),
        None => column(USE)?,
    };
    // A file that an earlier version wrote has none: there each step has one of its name in doubt at a time.
    let ordinal = position("_ordinal");
    let mut said: Vec<(Doubtful, ByHand)> = Vec::new();
    let mut texts: HashMap<(&str, &str, &str), &str> = HashMap::new();
    for (number, record) in rows {
        let cell = |at: usize| record.get(at).map_or("", |cell| cell.trim());
        let text = match (cell(filled), typed) {
            ("", None) => continue,
            ("", Some(typed)) => typed,
            (text, _) => text,
        };
        let place = format!("{} row {number}", path.display());
        let step_of = (cell(key), cell(step), ordinal.map_or("", &cell));
        match texts.insert(step_of, text) {
            None => {}
            Some(before) if before.eq_ignore_ascii_case(text) => continue,
            Some(before) => {
                let message = format!(
                    "the file says `{before}` and `{text}` of the step `{}` of `{}`",
                    cell(step),
                    cell(key)
                );
                let error = Error::input(message).at(&place);
                return Err(error.hint("leave one of the two lines out"));
            }
        }
        let row = (doubtful.iter())
            .find(|row| {
                let is_it = |at: usize| cell(at) == (row.step.ordinal + 1).to_string();
                row.key.as_str() == cell(key)
                    && row.step.name == cell(step)
                    && ordinal.is_none_or(is_it)
            })
            .ok_or_else(|| {
                Error::input(format!("`{}` is not in doubt in this run", cell(key)))
                    .at(&place)
                    .hint("it may have been settled already: leave its `use` empty")
            })?;
        if cell(sent) != sent_text(row) {
            return Err(Error::input(format!(
                "`{}`: the file names another time of sending than this run",
                row.key
            ))
            .at(&place)
            .hint("the row was sent again since, or the file is of another run: write it anew with -o, look again, and fill that one in"));
        }
        said.push((
            row.clone(),
            said_of(row, text).map_err(|error| error.at(place))?,
        ));
    }
    Ok(said)
}

/// When a row was sent, as the file says it.
fn sent_text(row: &Doubtful) -> String {
    row.sent_at.map(|at| at.to_string()).unwrap_or_default()
}
