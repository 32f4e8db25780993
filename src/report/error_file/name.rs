//! The name of an error file: after the input, never that of an input, never over a file that is open elsewhere.

use std::path::{Path, PathBuf};

use super::super::texts;
use crate::error::{Error, Result};
use crate::outfile::{Claims, Records, Whole, is_same_file, lock_of};
use crate::source::{Layout, Table};

/// How many names are tried.
const MOST: u32 = 1000;

/// Where an error file is to go.
pub(super) struct Target {
    folder: PathBuf,
    /// The name up to the number.
    base: String,
    extension: String,
    /// The first number that is tried; 1 is written as none.
    first: u32,
    inputs: Vec<PathBuf>,
}

/// What is known of the names.
pub(super) struct Place<'a> {
    pub(super) records: &'a Records,
    pub(super) claims: &'a Claims,
    /// Those that this run has given already.
    pub(super) taken: &'a [PathBuf],
}

impl Target {
    pub(super) fn new<'a>(
        folder: &Path,
        to: Option<&Path>,
        table: &Table,
        inputs: impl Iterator<Item = &'a str>,
    ) -> Self {
        let (base, extension, first) = match to {
            Some(to) => {
                let part = |part: Option<&std::ffi::OsStr>| {
                    part.map(|part| part.to_string_lossy().into_owned())
                        .unwrap_or_default()
                };
                (part(to.file_stem()), part(to.extension()), 1)
            }
            None => named_after(table),
        };
        Self {
            folder: folder.to_owned(),
            base,
            extension,
            first,
            inputs: inputs.map(PathBuf::from).collect(),
        }
    }

    fn path(&self, number: u32) -> PathBuf {
        let mut name = self.base.clone();
        if number > 1 {
            name.push_str(&format!("-{number}"));
        }
        if !self.extension.is_empty() {
            name.push('.');
            name.push_str(&self.extension);
        }
        self.folder.join(name)
    }

    /// Gives the file its name, and a line where an earlier file keeps its own.
    pub(super) fn place(
        &self,
        mut whole: Whole,
        known: &Place<'_>,
    ) -> Result<(PathBuf, Option<String>)> {
        let mut refused = None;
        let mut note = None;
        for number in self.first..self.first + MOST {
            let path = self.path(number);
            let is_spared = self.inputs.iter().any(|input| is_same_file(input, &path))
                || known.taken.contains(&path)
                || known.claims.may_write(&path, "--errors").is_err()
                || lock_of(&path).is_some()
                || texts::are_changed(&path);
            if is_spared {
                continue;
            }
            // On Windows a file that a program holds open cannot be replaced: that is the sign there.
            let placed = if number == self.first && known.records.is_unchanged(&path) {
                whole.replace(&path)
            } else {
                whole.take(&path)
            };
            match placed {
                Ok(()) => return Ok((path, note)),
                Err(unnamed) => {
                    whole = unnamed.whole;
                    if path.exists() {
                        note.get_or_insert_with(|| kept(&path));
                    }
                    refused = Some(unnamed.error);
                }
            }
        }
        let error = Error::machine("no name can be had for the error file")
            .at(self.path(self.first).display())
            .hint("name another place: --errors FILE");
        Err(match refused {
            Some(cause) => error.caused_by(cause),
            None => error,
        })
    }
}

/// What is said of a file that is not replaced.
fn kept(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    format!(
        "{} is not what was written there last: it is kept, and the new error file has the next free name",
        path.display()
    )
}

/// `tickets.csv.gz` gives `tickets.errors`, `csv`, 1; `tickets.errors.csv` gives number 2.
fn named_after(table: &Table) -> (String, String, u32) {
    let name = match &*table.file {
        "-" => "stdin".to_owned(),
        file => Path::new(file)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_else(|| "input".to_owned()),
    };
    let (stem, extension) = parts(&name);
    let extension = extension_like(&table.layout, &extension).to_owned();
    match numbered(stem) {
        Some((base, next)) => (format!("{base}.errors"), extension, next),
        None => (format!("{stem}.errors"), extension, 1),
    }
}

/// Whether a file of that name would be read again as what an error file of this table is.
pub(super) fn is_read_as(table: &Table, path: &Path) -> bool {
    const TEXTS: [&str; 4] = ["csv", "tsv", "tab", "txt"];
    const BOOKS: [&str; 5] = ["xlsx", "xlsm", "xlsb", "xls", "ods"];
    const JSON: [&str; 3] = ["json", "jsonl", "ndjson"];
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_lowercase();
    let is_known = [&TEXTS[..], &BOOKS, &JSON]
        .iter()
        .any(|names| names.contains(&&*extension));
    // Another name says nothing: then the content does.
    !is_known
        || match table.layout {
            Layout::Csv { .. } => TEXTS.contains(&&*extension),
            Layout::Workbook { .. } => extension == "xlsx",
            Layout::JsonLines { .. } => matches!(&*extension, "jsonl" | "ndjson"),
            Layout::JsonDocument { .. } => extension == "json",
        }
}

/// The extension of a file that is laid out like an input of this one.
fn extension_like<'e>(layout: &Layout, extension: &'e str) -> &'e str {
    match (layout, extension) {
        (Layout::Csv { .. }, "csv" | "tsv" | "tab" | "txt") => extension,
        (Layout::Csv { .. }, _) => "csv",
        (Layout::Workbook { .. }, _) => "xlsx",
        (Layout::JsonLines { .. }, "ndjson") => extension,
        (Layout::JsonLines { .. }, _) => "jsonl",
        (Layout::JsonDocument { .. }, _) => "json",
    }
}

/// The stem and the extension of a copy of an input: `tickets.csv.gz` gives `tickets` and `csv`. Macros stay where they are.
pub(crate) fn named_like(table: &Table) -> (String, String) {
    let name = match &*table.file {
        "-" => "stdin".to_owned(),
        file => Path::new(file)
            .file_name()
            .map_or("input".to_owned(), |name| {
                name.to_string_lossy().into_owned()
            }),
    };
    let (stem, extension) = parts(&name);
    let own = match extension.as_str() {
        "xlsm" => "xlsm",
        extension => extension_like(&table.layout, extension),
    };
    (stem.to_owned(), own.to_owned())
}

/// What the names of the error files of an input begin with: `tickets.csv.gz` and `tickets.errors-2.csv` give
/// `tickets.errors`.
pub(crate) fn base_of(input: &str) -> String {
    let name = Path::new(input).file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let (stem, _) = parts(&name);
    let base = numbered(stem).map_or(stem, |(base, _)| base);
    format!("{base}.errors")
}

/// A name up to its extension, and that in small letters; `.gz` counts for nothing.
fn parts(name: &str) -> (&str, String) {
    let name = match name.to_lowercase().ends_with(".gz") {
        true => &name[..name.len() - 3],
        false => name,
    };
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension.to_lowercase()),
        _ => (name, String::new()),
    }
}

/// Of the name of an error file what stands before `.errors`, and the number of the next one.
fn numbered(stem: &str) -> Option<(&str, u32)> {
    let (base, number) = stem.rsplit_once(".errors")?;
    let next = match number.strip_prefix('-') {
        Some(number) => number.parse::<u32>().ok()?.checked_add(1)?,
        None if number.is_empty() => 2,
        None => return None,
    };
    (next < u32::MAX - MOST).then_some((base, next))
}
