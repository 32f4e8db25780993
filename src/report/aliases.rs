//! Names that resolve to nothing as a workbook that a person fills: `in the file · rows · suggestion · use`, a sheet
//! a field. The mapping reads it back by `aliases_file`.

use std::collections::BTreeMap;
use std::path::Path;

use rust_xlsxwriter::{Color, DataValidation, Format, Workbook, Worksheet, XlsxError};

use super::tally::Miss;
use crate::directory::{Directory, Kind};
use crate::error::{Error, Result};
use crate::mapping::alias::{IN_THE_FILE, USE, sheet_name};
use crate::source::{Input, InputOptions, Row, SheetChoice};

/// The sheet of the names that may be used.
const NAMES: &str = "names";
/// More names than these are not offered for choosing.
const MOST_NAMES: usize = 10_000;

/// What a person has filled in already: by sheet, (in the file, use).
type Filled = BTreeMap<String, Vec<(String, String)>>;

/// Writes the workbook. Where the file is there already, the names that a person has filled in stay in it.
///
/// # Errors
/// When the file is there and cannot be read as such a workbook, or cannot be written.
pub fn write(path: &Path, misses: &[Miss], directory: &Directory) -> Result<()> {
    let mut filled = read_filled(path)?;
    let failed = |error: XlsxError| {
        Error::machine("cannot write the table of names")
            .at(path.display())
            .caused_by(error)
            .hint("close it in the spreadsheet program, or name another file")
    };
    let mut by_field: BTreeMap<&str, Vec<&Miss>> = BTreeMap::new();
    for miss in misses {
        by_field.entry(&miss.field).or_default().push(miss);
    }
    let mut workbook = Workbook::new();
    let mut offered: Vec<(Kind, usize)> = Vec::new();
    for (field, misses) in &by_field {
        let name = sheet_name(field);
        let before = filled.remove(&name).unwrap_or_default();
        let kind = misses[0].kind;
        let position = offered.iter().position(|(known, _)| *known == kind);
        let column = position.unwrap_or_else(|| {
            offered.push((kind, names(directory, kind).len()));
            offered.len() - 1
        });
        let choices = offered[column].1;
        let sheet = workbook.add_worksheet();
        sheet.set_name(&name).map_err(failed)?;
        table(sheet, &before, misses, (column, choices)).map_err(failed)?;
    }
    for (name, before) in &filled {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name).map_err(failed)?;
        table(sheet, before, &[], (0, 0)).map_err(failed)?;
    }
    if !offered.is_empty() {
        let sheet = workbook.add_worksheet();
        sheet.set_name(NAMES).map_err(failed)?;
        for (column, (kind, _)) in offered.iter().enumerate() {
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            let all = names(directory, *kind);
            sheet
                .write_string(0, column, kind.as_str())
                .map_err(failed)?;
            for (row, name) in (1..).zip(&all) {
                sheet.write_string(row, column, *name).map_err(failed)?;
            }
        }
    }
    workbook.save(path).map_err(failed)
}

fn table(
    sheet: &mut Worksheet,
    before: &[(String, String)],
    misses: &[&Miss],
    (column, choices): (usize, usize),
) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let open = Format::new().set_background_color(Color::RGB(0x00FF_F2CC));
    for (at, heading) in (0..).zip([IN_THE_FILE, "rows", "suggestion", USE]) {
        sheet.write_string_with_format(0, at, heading, &bold)?;
    }
    let mut row = 1;
    for (word, name) in before {
        sheet.write_string(row, 0, word)?;
        sheet.write_string(row, 3, name)?;
        row += 1;
    }
    for miss in misses {
        sheet.write_string(row, 0, &miss.name)?;
        sheet.write_number(row, 1, miss.rows as f64)?;
        sheet.write_string(row, 2, miss.suggestion.as_deref().unwrap_or_default())?;
        sheet.write_blank(row, 3, &open)?;
        row += 1;
    }
    if row > 1 && choices > 0 {
        let letter = rust_xlsxwriter::column_number_to_name(u16::try_from(column).unwrap_or(0));
        let list = format!("={NAMES}!${letter}$2:${letter}${}", choices + 1);
        let choice = DataValidation::new()
            .allow_list_formula(list.as_str().into())
            // An id or an e-mail address is good too.
            .set_error_title("not in the list")?
            .set_error_style(rust_xlsxwriter::DataValidationErrorStyle::Information);
        sheet.add_data_validation(1, 3, row - 1, 3, &choice)?;
    }
    sheet.set_column_width(0, 40)?;
    sheet.set_column_width(2, 40)?;
    sheet.set_column_width(3, 40)?;
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// The names of a kind that may be used, where they are few enough to choose from.
fn names(directory: &Directory, kind: Kind) -> Vec<&str> {
    let listing = directory.snapshot().kinds.get(&kind);
    let entries = listing.map_or(&[][..], |listing| listing.entries.as_slice());
    if entries.len() > MOST_NAMES {
        return Vec::new();
    }
    let best = |property: &str| {
        entries
            .iter()
            .map(|entry| entry.properties.get(property).map(String::as_str))
            .collect::<Option<Vec<&str>>>()
    };
    // What names one entry and no other is better than a bare name.
    let mut names = best("path")
        .or_else(|| best("email"))
        .unwrap_or_else(|| entries.iter().map(|entry| entry.name.as_str()).collect());
    names.sort_unstable();
    names.dedup();
    names
}

fn read_filled(path: &Path) -> Result<Filled> {
    let mut filled = Filled::new();
    if !path.exists() {
        return Ok(filled);
    }
    let options = InputOptions {
        sheet: SheetChoice::All,
        ..InputOptions::default()
    };
    let input = Input::open(&[path.to_path_buf()], &options).map_err(|error| {
        error.hint("the file is there already and is no table of names: name another file")
    })?;
    for row in input.rows()? {
        let Row::Record(record) = row? else {
            continue;
        };
        let table = &input.tables()[record.table];
        let cell = |name: &str| {
            let position = table.header.position(name)?;
            let text = record.cell(position).text().trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let (Some(word), Some(name), Some(sheet)) =
            (cell(IN_THE_FILE), cell(USE), table.sheet.as_deref())
        else {
            continue;
        };
        filled
            .entry(sheet.to_owned())
            .or_default()
            .push((word, name));
    }
    Ok(filled)
}
