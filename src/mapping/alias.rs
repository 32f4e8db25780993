//! Other names for things: `aliases` in the mapping itself, and the table that people fill in a spreadsheet.

use std::collections::HashMap;

use super::beside::{Beside, ENTRY};
use super::field::scalar;
use super::file::{At, Faults, Section, in_order};
use super::load::Reading;
use crate::directory::suggest::fold;
use crate::record::Header;
use crate::source::{Input, InputOptions, SheetChoice};

/// The headings of the table that `validate --names` writes.
pub const IN_THE_FILE: &str = "in the file";
/// The heading of the column that people fill.
pub const USE: &str = "use";

/// The sheet of such a workbook that is for one field: its name, as far as a sheet can bear it.
pub fn sheet_name(field: &str) -> String {
    const LONGEST: usize = 31;
    field
        .chars()
        .map(|sign| match sign {
            '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'' => '_',
            other => other,
        })
        .take(LONGEST)
        .collect()
}

/// One other name.
#[derive(Debug)]
pub(super) struct Alias {
    /// The word of the input, folded.
    pub(super) word: String,
    /// The name in the system, and where the mapping says so.
    pub(super) to: At<String>,
    /// Where it stands, for one of a file: `` `buildings.xlsx`, row 3 ``.
    pub(super) place: Option<String>,
}

/// Reads `aliases` and `aliases_file`; what stands in the mapping wins.
pub(super) fn read_aliases(
    field: &str,
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Vec<Alias> {
    let mut aliases = Vec::new();
    if let Some(file) = section.text("aliases_file", faults) {
        read_file(field, &file, reading, faults, &mut aliases);
    }
    if let Some((table, _)) = section.table("aliases", faults) {
        for (key, _, raw) in in_order(table) {
            match scalar(raw.get_ref()) {
                Some(name) => aliases.push(Alias {
                    word: fold(key),
                    to: At::new(name, raw.span().start),
                    place: None,
                }),
                None => {
                    section.wrong::<()>("aliases", raw, "a table from words to names", faults);
                }
            }
        }
    }
    aliases
}

fn read_file(
    field: &str,
    file: &At<String>,
    reading: &mut Reading,
    faults: &mut Faults,
    aliases: &mut Vec<Alias>,
) {
    let Some(path) = reading.place(file, faults) else {
        return;
    };
    let sheet = sheet_name(field);
    let beside = Beside {
        sheet: has_sheet(&path, &sheet).then_some(sheet.as_str()),
        path,
        shown: format!("`{}`", file.value),
        at: file.at,
    };
    let Some(input) = beside.open(faults) else {
        return;
    };
    reading.digest.update(input.fingerprint().as_bytes());
    let Some(header) = input.tables().first().map(|table| table.header.clone()) else {
        return;
    };
    let Some((from, to)) = columns(&header) else {
        let hint = format!("the first row must be `{IN_THE_FILE}` and `{USE}`");
        let message = format!("`{}` has fewer than two columns", file.value);
        faults.hint(file.at, message, hint);
        return;
    };
    let mut known: HashMap<String, String> = HashMap::new();
    beside.rows(&input, faults, |record, faults| {
        let text = |index: usize| record.cell(index).text().trim().to_owned();
        let (word, name) = (text(from), text(to));
        // A row whose `use` is not filled yet says nothing.
        if word.is_empty() || name.is_empty() {
            return 0;
        }
        let row = record.place.row;
        let folded = fold(&word);
        let size = 2 * (folded.len() + name.len() + ENTRY);
        let other = known.entry(folded.clone()).or_insert_with(|| name.clone());
        if *other != name {
            let message = format!(
                "`{}`, row {row}: `{word}` is `{name}` here and `{}` above",
                file.value, other
            );
            faults.hint(file.at, message, "names match without case and outer space");
        }
        aliases.push(Alias {
            word: folded,
            to: At::new(name, file.at),
            place: Some(format!("`{}`, row {row}", file.value)),
        });
        size
    });
}

/// Whether a workbook has a sheet for this field alone.
fn has_sheet(path: &std::path::Path, field: &str) -> bool {
    let options = InputOptions {
        sheet: SheetChoice::All,
        ..InputOptions::default()
    };
    // What cannot be opened is told when it is opened for good.
    Input::open(&[path.to_path_buf()], &options).is_ok_and(|input| {
        input
            .tables()
            .iter()
            .any(|table| table.sheet.as_deref() == Some(field))
    })
}

/// The columns by their headings, else the first two.
fn columns(header: &Header) -> Option<(usize, usize)> {
    let named = |names: [&str; 2]| names.into_iter().find_map(|name| header.position(name));
    match (named([IN_THE_FILE, "from"]), named([USE, "to"])) {
        (Some(from), Some(to)) => Some((from, to)),
        _ => (header.len() >= 2).then_some((0, 1)),
    }
}
