//! Names that resolve to nothing as a workbook that a person fills: `in the file · rows · suggestion · use`, a sheet
//! a field. The mapping reads it back by `aliases_file`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Color, DataValidation, Format, Workbook, Worksheet, XlsxError};

use super::tally::Miss;
use super::texts::Texts;
use crate::directory::suggest::fold;
use crate::directory::{Directory, Kind};
use crate::error::{Error, Result};
use crate::mapping::alias::{IN_THE_FILE, USE, sheet_name};
use crate::outfile::{Draft, Readers, folder, unwritable};
use crate::source::{Input, InputOptions, Row, SheetChoice, Table};
use crate::systems::SystemName;

/// The sheet of the names that may be used.
const NAMES: &str = "names";
/// More names than these are not offered for choosing.
const MOST_NAMES: usize = 10_000;

/// The longest list of choices that a cell holds itself, in characters.
const LONGEST_LIST: usize = 255;

/// What a person has filled in already: by sheet, (in the file, use).
type Filled = BTreeMap<String, Vec<(String, String)>>;

/// One row of a sheet.
struct Line<'m> {
    word: &'m str,
    /// How many rows have it, where the input was asked.
    rows: Option<u64>,
    suggestion: Option<&'m str>,
    /// The name that a person has chosen.
    name: Option<&'m str>,
}

/// The names of one field that resolve to nothing, and where they were looked for.
struct Open<'m> {
    kind: Kind,
    directory: &'m Directory,
    misses: Vec<&'m Miss>,
}

/// Writes the workbook: the names that resolve to nothing, by the directories in which they were looked for. Where the
/// file is there already, the names that a person has filled in stay in it.
///
/// # Errors
/// When the file is there and cannot be read as such a workbook, or cannot be written.
///
/// Gives the name that it got: the next free one where a spreadsheet program has the file open.
pub(crate) fn write(
    path: &Path,
    unknown: &[(&[Miss], &Directory)],
    readers: Readers,
) -> Result<PathBuf> {
    let filled = read_filled(path)?;
    let failed = |error: XlsxError| {
        Error::machine("cannot write the table of names")
            .at(path.display())
            .caused_by(error)
            .hint("close it in the spreadsheet program, or name another file")
    };
    let mut sheets: BTreeMap<String, Option<Open<'_>>> =
        filled.keys().map(|name| (name.clone(), None)).collect();
    for (misses, directory) in unknown {
        for miss in *misses {
            let sheet = sheets.entry(sheet_name(&miss.field)).or_default();
            let open = sheet.get_or_insert_with(|| Open {
                kind: miss.kind,
                directory,
                misses: Vec::new(),
            });
            // Another mapping may read the same column.
            if !open.misses.iter().any(|other| other.name == miss.name) {
                open.misses.push(miss);
            }
        }
    }
    let mut workbook = Workbook::new();
    let mut texts = Texts::new(folder(path), readers);
    let mut offered: Vec<(SystemName, Kind, Vec<String>)> = Vec::new();
    for (name, open) in &sheets {
        let before = filled.get(name).map_or(&[][..], Vec::as_slice);
        let misses = open.as_ref().map_or(&[][..], |open| &open.misses);
        let choices = open.as_ref().map(|open| {
            let system = open.directory.snapshot().system;
            let known = |(of, kind, _): &(SystemName, Kind, Vec<String>)| {
                (*of, *kind) == (system, open.kind)
            };
            let column = offered.iter().position(known).unwrap_or_else(|| {
                offered.push((system, open.kind, names(open.directory, open.kind)));
                offered.len() - 1
            });
            (column, offered[column].2.len())
        });
        let sheet = workbook.add_worksheet();
        sheet.set_name(name).map_err(failed)?;
        let lines = lines(before, misses);
        let words = (1..).zip(&lines).map(|(row, line)| {
            let word = texts.cell(Cow::Borrowed(line.word), row, 0);
            word.map_err(|error| unwritable(path, error))
        });
        let words: Vec<Cow<'_, str>> = words.collect::<Result<_>>()?;
        table(sheet, &lines, &words, choices).map_err(failed)?;
    }
    if !offered.is_empty() {
        let sheet = workbook.add_worksheet();
        sheet.set_name(NAMES).map_err(failed)?;
        for (column, (_, kind, names)) in (0..).zip(&offered) {
            sheet
                .write_string(0, column, kind.as_str())
                .map_err(failed)?;
            for (row, name) in (1..).zip(names) {
                sheet.write_string(row, column, name).map_err(failed)?;
            }
        }
    }
    let mut draft = Draft::beside(path, readers).map_err(|error| unwritable(path, error))?;
    workbook.save_to_writer(&mut draft).map_err(failed)?;
    let whole = draft.whole().map_err(|error| unwritable(path, error))?;
    let placed = whole.place_over(path);
    let path = &placed.map_err(|error| unwritable(path, error))?.path;
    texts.place(path).map_err(|error| unwritable(path, error))?;
    Ok(path.to_owned())
}

/// The rows of a sheet, each word once: what is filled in and well, then what is open, with the name that was tried.
fn lines<'m>(before: &'m [(String, String)], misses: &[&'m Miss]) -> Vec<Line<'m>> {
    let is_same = |word: &str, miss: &Miss| fold(word) == fold(&miss.name);
    let good = before
        .iter()
        .filter(|(word, _)| !misses.iter().any(|miss| is_same(word, miss)))
        .map(|(word, name)| Line {
            word,
            rows: None,
            suggestion: None,
            name: Some(name),
        });
    let open = misses.iter().map(|miss| Line {
        word: &miss.name,
        rows: Some(miss.rows),
        suggestion: miss.suggestion.as_deref(),
        name: before
            .iter()
            .find(|(word, _)| is_same(word, miss))
            .map(|(_, name)| name.as_str()),
    });
    good.chain(open).collect()
}

/// `words`: the words of the lines as cells can hold them; `choices`: the column of the names that may be used, and how many they are.
fn table(
    sheet: &mut Worksheet,
    lines: &[Line<'_>],
    words: &[Cow<'_, str>],
    choices: Option<(usize, usize)>,
) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let open = Format::new().set_background_color(Color::RGB(0x00FF_FF99));
    let several = Format::new().set_text_wrap();
    for (at, heading) in (0..).zip([IN_THE_FILE, "rows", "suggestion", USE]) {
        sheet.write_string_with_format(0, at, heading, &bold)?;
    }
    let mut row = 0;
    for (line, word) in lines.iter().zip(words) {
        row += 1;
        sheet.write_string(row, 0, &**word)?;
        let Some(rows) = line.rows else {
            sheet.write_string(row, 3, line.name.unwrap_or_default())?;
            continue;
        };
        sheet.write_number(row, 1, rows as f64)?;
        match line.suggestion {
            Some(names) if names.contains('\n') => {
                sheet.write_string_with_format(row, 2, names, &several)?
            }
            other => sheet.write_string(row, 2, other.unwrap_or_default())?,
        };
        match line.name {
            Some(name) => sheet.write_string_with_format(row, 3, name, &open)?,
            None => sheet.write_blank(row, 3, &open)?,
        };
    }
    choose(sheet, lines, choices)?;
    sheet.set_column_width(0, 40)?;
    sheet.set_column_width(2, 60)?;
    sheet.set_column_width(3, 40)?;
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// So many namesakes are suggested for one name.
const MOST_MEANT: usize = 6;

/// What may be meant by a name that says nothing, or not enough: the nearest name, or of those who share one what tells them
/// apart, a line each.
pub fn suggestion(directory: &Directory, kind: Kind, name: &str) -> Option<String> {
    let mut meant = directory.meant(kind, name);
    meant.truncate(MOST_MEANT);
    (!meant.is_empty()).then(|| meant.join("\n"))
}

/// Lets the cells of the last column be chosen: of namesakes these, else all names that may be used.
fn choose(
    sheet: &mut Worksheet,
    lines: &[Line<'_>],
    choices: Option<(usize, usize)>,
) -> Result<(), XlsxError> {
    // An id or an e-mail address is good too.
    let lenient = |validation: DataValidation| {
        let validation = validation.set_error_title("not in the list")?;
        Ok::<_, XlsxError>(
            validation.set_error_style(rust_xlsxwriter::DataValidationErrorStyle::Information),
        )
    };
    let general = match choices.filter(|(_, choices)| *choices > 0) {
        Some((column, choices)) => {
            let letter = rust_xlsxwriter::column_number_to_name(u16::try_from(column).unwrap_or(0));
            let list = format!("={NAMES}!${letter}$2:${letter}${}", choices + 1);
            let list = DataValidation::new().allow_list_formula(list.as_str().into());
            Some(lenient(list)?)
        }
        None => None,
    };
    let mut first = 1;
    for (row, line) in (1..).zip(lines) {
        let namesakes: Vec<&str> = line.suggestion.unwrap_or_default().lines().collect();
        let is_list = namesakes.len() > 1
            && namesakes.join(",").chars().count() <= LONGEST_LIST
            && !namesakes.iter().any(|name| name.contains(','));
        if is_list {
            if let (Some(general), true) = (&general, row > first) {
                sheet.add_data_validation(first, 3, row - 1, 3, general)?;
            }
            let list = DataValidation::new().allow_list_strings(&namesakes)?;
            sheet.add_data_validation(row, 3, row, 3, &lenient(list)?)?;
            first = row + 1;
        }
    }
    let last = u32::try_from(lines.len()).unwrap_or(u32::MAX).max(1);
    if let (Some(general), true) = (&general, first <= last) {
        sheet.add_data_validation(first, 3, last, 3, general)?;
    }
    Ok(())
}

/// The names of a kind that may be used, where they are few enough to choose from.
fn names(directory: &Directory, kind: Kind) -> Vec<String> {
    let listing = directory.snapshot().kinds.get(&kind);
    let entries = listing.map_or(&[][..], |listing| listing.entries.as_slice());
    if entries.len() > MOST_NAMES {
        return Vec::new();
    }
    let best = |property: &str| {
        entries
            .iter()
            .map(|entry| entry.properties.get(property).cloned())
            .collect::<Option<Vec<String>>>()
    };
    // What names one entry and no other is better than a bare name.
    let mut names = best("path").or_else(|| best("email")).unwrap_or_else(|| {
        let mut called_so: HashMap<&str, usize> = HashMap::new();
        for entry in entries {
            *called_so.entry(&entry.name).or_default() += 1;
        }
        let called = entries.iter().map(|entry| match called_so[&*entry.name] {
            1 => entry.name.clone(),
            _ => directory.label(kind, entry),
        });
        called.collect()
    });
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
    let is_ours = |table: &Table| {
        table.sheet.as_deref() == Some(NAMES)
            || [IN_THE_FILE, USE]
                .iter()
                .all(|name| table.header.position(name).is_some())
    };
    if let Some(table) = input.tables().iter().find(|table| !is_ours(table)) {
        let sheet = table.sheet.as_deref().unwrap_or_default();
        return Err(Error::usage(format!(
            "the file is there already, and its sheet `{sheet}` is no table of names"
        ))
        .at(path.display())
        .hint("nothing was written: name another file"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Entry, Listing, Snapshot};
    use crate::systems::Dialect;

    #[test]
    fn those_who_share_a_name_are_told_apart() {
        let user = |id: &str, name: &str, email: Option<&str>| Entry {
            id: id.to_owned(),
            name: name.to_owned(),
            properties: email
                .map(|email| ("email".to_owned(), email.to_owned()))
                .into_iter()
                .collect(),
            parent: None,
        };
        let mut snapshot = Snapshot::empty(SystemName::IncidentIq, Dialect::Only);
        let listing = Listing {
            entries: vec![
                user("u-1", "Tamara Carter", Some("tamara@x.example")),
                user("u-2", "Tamara Carter", None),
                user("u-3", "Ann Lee", Some("ann@x.example")),
            ],
            ..Listing::default()
        };
        snapshot.kinds.insert(Kind::User, listing);
        let directory = Directory::new(snapshot);
        let suggested = |name: &str| suggestion(&directory, Kind::User, name);
        let both = Some("Tamara Carter (tamara@x.example)\nTamara Carter (u-2)".to_owned());
        assert_eq!(suggested("Tamara Carter"), both);
        // The nearest name says no more than the one in the file.
        assert_eq!(suggested("Tamra Carter"), both);
        assert_eq!(suggested("Ann Le"), Some("Ann Lee".to_owned()));
        assert_eq!(suggested("Hugo Nobody"), None);
    }
}
