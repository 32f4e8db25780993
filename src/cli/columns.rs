//! Columns that an input lacks, listed once, with what makes the file look so: headings that stand in another row, a
//! delimiter that was not found.

use crate::error::MappingFault;
use crate::record::Header;
use crate::source::{Input, InputOptions, Layout, Row, Table};

/// How the message about a column that is missing begins.
const MISSING: &str = "the input has no column `";
/// So many rows are looked at for headings.
const ROWS: usize = 30;
/// So many names are listed.
const LISTED: usize = 12;
/// What may stand between the fields of a text.
const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];

/// The faults of a mapping with those about missing columns as one, where several are missing or the file says why.
pub(super) fn explained(
    faults: Vec<MappingFault>,
    input: &Input,
    options: &InputOptions,
) -> Vec<MappingFault> {
    let name_of = |fault: &MappingFault| {
        let name = fault.message.strip_prefix(MISSING)?.strip_suffix('`')?;
        Some(name.to_owned())
    };
    let mut names: Vec<String> = Vec::new();
    for name in faults.iter().filter_map(name_of) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return faults;
    }
    let why = delimiter(input).or_else(|| header_row(input, options, &names));
    if names.len() < 2 && why.is_none() {
        return faults;
    }
    let mut shown: Vec<String> = Vec::new();
    let mut near: Vec<String> = Vec::new();
    let mut kept: Vec<MappingFault> = Vec::new();
    let mut first: Option<usize> = None;
    for fault in faults {
        let Some(name) = name_of(&fault) else {
            kept.push(fault);
            continue;
        };
        if shown.contains(&name) {
            continue;
        }
        let meant = fault.hint.as_deref().and_then(meant);
        near.extend(meant.map(|meant| format!("`{name}` may be {meant}")));
        shown.push(name);
        if first.is_none() {
            first = Some(kept.len());
            kept.push(fault);
        }
    }
    if let Some(fault) = first.and_then(|at| kept.get_mut(at)) {
        let quoted: Vec<String> = (shown.iter().take(LISTED))
            .map(|name| format!("`{name}`"))
            .collect();
        let more = match shown.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        fault.message = match shown.len() {
            1 => format!("{MISSING}{}`", shown[0]),
            _ => format!(
                "the input has none of the columns {}{more}",
                quoted.join(", ")
            ),
        };
        let has = headings(input);
        fault.hint = Some(match (why, near.is_empty()) {
            (Some(why), _) => why,
            (None, false) => format!("{}; the input has {has}", near.join(", ")),
            (None, true) => format!("the input has {has}"),
        });
    }
    kept
}

/// The name in `did you mean …?`.
fn meant(hint: &str) -> Option<&str> {
    hint.strip_prefix("did you mean ")?.strip_suffix('?')
}

fn headings(input: &Input) -> String {
    let names = input.tables().iter().flat_map(|table| table.header.names());
    let mut all: Vec<String> = Vec::new();
    for name in names {
        let name = format!("`{name}`");
        if !all.contains(&name) {
            all.push(name);
        }
    }
    let more = if all.len() > LISTED { ", …" } else { "" };
    all.truncate(LISTED);
    format!("{}{more}", all.join(", "))
}

/// Said of a text whose headings are all in one column.
fn delimiter(input: &Input) -> Option<String> {
    let one = input.tables().iter().find_map(|table| match table.layout {
        Layout::Csv { .. } if table.header.len() == 1 => table.header.names().first(),
        _ => None,
    })?;
    let counts = DELIMITERS.map(|mark| (one.matches(mark).count(), mark));
    let (count, mark) = counts.into_iter().max_by_key(|(count, _)| *count)?;
    (count > 0).then(|| {
        let shown = match mark {
            '\t' => "\\t".to_owned(),
            mark => mark.to_string(),
        };
        format!(
            "the file has one column, `{one}`: write delimiter = \"{shown}\" in [input], or pass --delimiter '{mark}'"
        )
    })
}

/// Said of a table in which these names stand in another row than the one that was taken for the headings.
fn header_row(input: &Input, options: &InputOptions, names: &[String]) -> Option<String> {
    let table = input.tables().first()?;
    if table.file.as_ref() == "-" {
        return None;
    }
    let now = match table.layout {
        Layout::Csv { header_row, .. } | Layout::Workbook { header_row, .. } => header_row,
        Layout::JsonLines { .. } | Layout::JsonDocument { .. } => return None,
    };
    let bare = InputOptions {
        header_row: Some(0),
        header_above: Vec::new(),
        ..options.clone()
    };
    let raw = Input::open(&[table.file.as_ref().into()], &bare).ok()?;
    let mut best: Option<(usize, u64)> = None;
    for row in raw.rows().ok()?.take(ROWS) {
        let (Row::Record(record) | Row::Fault(record, _)) = row.ok()?;
        let is_same_sheet = |of: &Table| of.sheet == table.sheet;
        if !raw.tables().get(record.table).is_some_and(is_same_sheet) {
            continue;
        }
        let texts = record.cells.iter().map(|cell| cell.text().into_owned());
        let header = Header::new(texts.collect());
        let found = names.iter().filter(|name| header.position(name).is_some());
        let found = found.count();
        if best.is_none_or(|(most, _)| found > most) {
            best = Some((found, record.place.row));
        }
    }
    let (found, row) = best?;
    let is_it = found > 0 && 2 * found >= names.len() && row != u64::from(now);
    is_it.then(|| {
        format!(
            "row {row} looks like the headings: write header_row = {row} in [input], or pass --header-row {row}"
        )
    })
}
