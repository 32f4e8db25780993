//! The names that resolve to nothing, of all mappings in one table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::output::Output;
use crate::directory::Directory;
use crate::error::Result;
use crate::outfile::Readers;
use crate::report::tally::Miss;
use crate::report::{aliases, words};

/// The names of the input that one mapping resolves to nothing; maybe none.
pub(super) struct Unknown {
    pub(super) mapping: PathBuf,
    pub(super) directory: Arc<Directory>,
    pub(super) misses: Vec<Miss>,
    /// Whether names of the rows were looked up at all.
    pub(super) has_looked_up: bool,
}

impl Unknown {
    fn count(&self) -> String {
        words::plural(self.misses.len() as u64, "name", "names")
    }

    /// What to do about them, where no table was asked for.
    pub(super) fn advise(&self, output: Output) {
        if !self.misses.is_empty() {
            output.report(&format!(
                "    names      {} to be matched by hand: add --names for a workbook to fill",
                self.count()
            ));
        }
    }

    /// A path as the mapping names it: relative to its folder, where it lies there.
    pub(super) fn path_from_mapping(&self, path: &Path) -> String {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (path, mapping) = (absolute(path), absolute(&self.mapping));
        let beside = mapping
            .parent()
            .and_then(|folder| path.strip_prefix(folder).ok());
        beside.unwrap_or(&path).display().to_string()
    }
}

/// Writes the table, and says what to do with it; the name under which it was written.
pub(super) fn write(
    path: &Path,
    all: &[Unknown],
    readers: Readers,
    output: Output,
) -> Result<Option<PathBuf>> {
    if all.iter().all(|unknown| unknown.misses.is_empty()) {
        if !all.is_empty() {
            let why = match all.iter().all(|unknown| unknown.has_looked_up) {
                true => "every name resolves",
                false => "no names were looked up",
            };
            output.report(&format!(
                "    names      {why}: {} was not written",
                path.display()
            ));
        }
        return Ok(None);
    }
    let tables: Vec<(&[Miss], &Directory)> = all
        .iter()
        .map(|unknown| (unknown.misses.as_slice(), unknown.directory.as_ref()))
        .collect();
    let written = aliases::write(path, &tables, readers)?;
    if written != path {
        output.report(&format!(
            "    names      {} is open in another program and stays as it is",
            path.display()
        ));
    }
    for unknown in all.iter().filter(|unknown| !unknown.misses.is_empty()) {
        let mut fields: Vec<&str> = unknown
            .misses
            .iter()
            .map(|miss| miss.field.as_str())
            .collect();
        fields.dedup();
        let path = unknown.path_from_mapping(&written);
        let of = match all.len() {
            1 => String::new(),
            _ => format!(" of {}", unknown.mapping.display()),
        };
        output.report(&format!(
            "    names      {} in {path}: fill the yellow column `use`, then add aliases_file = '{path}' to {}{of}",
            unknown.count(),
            fields.join(", ")
        ));
    }
    Ok(Some(written))
}
