//! Conflicts as a workbook: cells of an exported file that were changed in the desk too. A person fills the yellow column
//! and imports the file with the same mapping.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Color, Format, Workbook, Worksheet, XlsxError};

use crate::error::{Error, Result};
use crate::export::baseline::{STAMP, Stamp, Value};
use crate::outfile::{Claims, Draft, Readers, Records, lock_of, next_names};
use crate::record::{Cell, fold};
use crate::run::Clash;
use crate::source::{Input, InputOptions, SheetChoice, SheetName, Spread};

/// The sheet.
const SHEET: &str = "Conflicts";
/// What stands above the columns; the second is the heading under which the export names its tickets.
const HEADINGS: [&str; 11] = [
    "Ticket",
    "",
    "Column",
    "was",
    "in the file",
    "in the desk",
    "changed by",
    "when",
    "use",
    "_desk",
    STAMP,
];
/// Which of them holds the name of the ticket, the column, what is to be used, and what the desk said with its type.
const TICKET: usize = 1;
const COLUMN: usize = 2;
const USE: usize = 8;
const DESK: usize = 9;
/// How many characters of a text are shown, and what stands behind it where it has more.
const SHOWN: usize = 16_000;
const CUT: &str = " … [cut here: the whole text is in the file, or in the desk]";

/// A file of conflicts that comes back.
pub(crate) struct Resolved {
    /// Its rows as those of an export.
    pub(crate) input: Input,
    /// What the desk said of each, by ticket and column.
    pub(crate) desk: Vec<(String, String, Value)>,
    /// How many of them nobody has decided.
    pub(crate) undecided: u64,
}

/// Opens a file of conflicts; `None` where it is something else. `columns` are those of the export.
///
/// # Errors
/// When it cannot be read to its end.
pub(crate) fn open(path: &Path, columns: &[String]) -> Result<Option<Resolved>> {
    let is_workbook = path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("xlsx"));
    if !is_workbook {
        return Ok(None);
    }
    let options = InputOptions {
        sheet: SheetChoice::These(vec![SheetName::Name(SHEET.to_owned())]),
        ..InputOptions::default()
    };
    let Ok(input) = Input::open(&[path.to_path_buf()], &options) else {
        return Ok(None);
    };
    let Some(table) = input.tables().first() else {
        return Ok(None);
    };
    let places: Vec<Option<usize>> = (HEADINGS.iter())
        .map(|heading| table.header.position(heading))
        .collect();
    let key = table.header.names().get(TICKET).cloned();
    let (Some(key), Some(column), Some(value), Some(desk)) =
        (key, places[COLUMN], places[USE], places[DESK])
    else {
        return Ok(None);
    };
    let stamp = table.header.position(STAMP);
    let mut resolved = Vec::new();
    let mut undecided = 0;
    let mut cells: HashMap<u64, Vec<(usize, Cell)>> = HashMap::new();
    let mut first: HashMap<String, u64> = HashMap::new();
    for row in input.rows()? {
        let (crate::source::Row::Record(record) | crate::source::Row::Fault(record, _)) = row?;
        let text = |at: usize| record.cell(at).text().trim().to_owned();
        if let Some(value) = Value::parse(&record.cell(desk).text()) {
            resolved.push((text(TICKET), text(column), value));
        }
        if record.cell(value).is_empty() {
            undecided += 1;
            continue;
        }
        if text(value).ends_with(CUT.trim()) {
            return Err(Error::input("the text in `use` is not whole: it was cut to be shown")
                .at(&record.place)
                .hint("write the whole text there, or leave the cell empty and change the ticket by hand"));
        }
        let name = text(column);
        let is_it = |column: &String| fold(column) == fold(&name);
        let Some(at) = columns.iter().position(is_it) else {
            return Err(Error::input(format!("the mapping has no column `{name}`"))
                .at(&record.place)
                .hint(
                    "`Column` holds a heading of the exported file; leave it as it was written",
                ));
        };
        let row = *first.entry(text(TICKET)).or_insert(record.place.row);
        let own = cells.entry(row).or_default();
        let decided = record.cell(value);
        match own.iter().find(|(other, _)| *other == at) {
            Some((_, other)) if other != decided => {
                return Err(Error::input(format!(
                    "the file says `{}` and `{}` for `{name}` of ticket `{}`",
                    other.text(),
                    decided.text(),
                    text(TICKET)
                ))
                .at(&record.place)
                .hint("leave one of the two rows out"));
            }
            Some(_) => continue,
            None => own.push((at, decided.clone())),
        }
        own.extend(stamp.map(|stamp| (columns.len(), record.cell(stamp).clone())));
    }
    let columns = columns.iter().cloned().chain([STAMP.to_owned()]).collect();
    let input = input.spread(Spread {
        key: (TICKET, key),
        columns,
        cells,
    });
    Ok(Some(Resolved {
        input,
        desk: resolved,
        undecided,
    }))
}

/// Where the file goes.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    /// The input that it is named after.
    pub(crate) input: &'a Path,
    pub(crate) records: Records,
    /// Who may read it.
    pub(crate) readers: Readers,
    pub(crate) claims: &'a Claims,
}

/// Writes the conflicts; `key` is the heading under which the export names its tickets.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(clashes: &[Clash], key: &str, place: &Place<'_>) -> Result<PathBuf> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet(), clashes, key).map_err(failed)?;
    let path = named_after(place.folder, place.input);
    let mut draft = Draft::beside(&path, place.readers)
        .map_err(unwritable)?
        .digested();
    workbook.save_to_writer(&mut draft).map_err(failed)?;
    let mut whole = draft.whole().map_err(unwritable)?;
    let digest = whole.digest();
    for path in std::iter::once(path.clone()).chain(next_names(&path)) {
        if lock_of(&path).is_some() || place.claims.may_write(&path, "--errors").is_err() {
            continue;
        }
        let placed = match place.records.is_unchanged(&path) {
            true => whole.replace(&path),
            false => whole.take(&path),
        };
        match placed {
            Ok(()) => {
                place.records.note(&path, digest);
                return Ok(path);
            }
            Err(unnamed) => whole = unnamed.whole,
        }
    }
    Err(Error::machine("no name can be had for the file of conflicts").at(path.display()))
}

/// `tickets.xlsx` gives `tickets.conflicts.xlsx`, and so does that.
fn named_after(folder: &Path, input: &Path) -> PathBuf {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.split(".conflicts").next().unwrap_or_default();
    let stem = if stem.is_empty() || stem == "-" {
        "stdin"
    } else {
        stem
    };
    folder.join(format!("{stem}.conflicts.xlsx"))
}

fn fill(sheet: &mut Worksheet, clashes: &[Clash], key: &str) -> std::result::Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let yellow = Format::new().set_background_color(Color::RGB(0x00FF_F2CC));
    sheet.set_name(SHEET)?;
    sheet.set_freeze_panes(1, 0)?;
    for (at, heading) in (0..).zip(HEADINGS) {
        let heading = if heading.is_empty() { key } else { heading };
        sheet.write_string_with_format(0, at, heading, &bold)?;
        sheet.set_column_width(
            at,
            if (3..6).contains(&at) || at == 8 {
                36
            } else {
                16
            },
        )?;
    }
    for (row, clash) in (1..).zip(clashes) {
        let mut text = |at: usize, text: &str| {
            let shown = match text.char_indices().nth(SHOWN) {
                Some((end, _)) => Cow::Owned(format!("{}{CUT}", &text[..end])),
                None => Cow::Borrowed(text),
            };
            sheet.write_string(row, at as u16, &*shown).map(drop)
        };
        text(0, &clash.number)?;
        text(TICKET, &clash.ticket)?;
        text(COLUMN, &clash.column)?;
        match &clash.was {
            Some(was) => text(3, &was.shown())?,
            None => text(3, "not known")?,
        }
        text(4, &clash.file.text())?;
        match &clash.desk {
            Some(desk) => text(5, &desk.shown())?,
            None => text(5, "not shown")?,
        }
        text(6, &changed_by(&clash.by))?;
        if let Some(at) = clash.at {
            text(7, &at.strftime("%Y-%m-%d %H:%M UTC").to_string())?;
        }
        if let Some(desk) = &clash.desk {
            text(DESK, &desk.written())?;
        }
        if let Some(at) = clash.at {
            text(DESK + 1, &Stamp::text(at))?;
        }
        sheet.write_blank(row, USE as u16, &yellow)?;
    }
    sheet.set_column_hidden(DESK as u16)?;
    sheet.set_column_hidden(DESK as u16 + 1)?;
    Ok(())
}

/// Who may have changed a cell: whoever changed the ticket since the export.
fn changed_by(people: &[String]) -> String {
    match people {
        [] => "the system does not say".to_owned(),
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}

fn failed(error: XlsxError) -> Error {
    unwritable(std::io::Error::other(error))
}

fn unwritable(error: std::io::Error) -> Error {
    Error::machine("the file of conflicts cannot be written")
        .caused_by(error)
        .hint("free some space, or name another folder: --errors FOLDER")
}
