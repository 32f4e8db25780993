//! The CSV files of an export: one, or one for each part.
//!
//! What people wrote into any of the parts is read before the first of them is written, so that it follows its ticket into
//! another part. A part of the last export that has no ticket any more is written with nothing but its headings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Written;
use super::csv::CsvFile;
use super::part::{Names, Partition};
use super::table::{TableSink, beside, csv_row, keep_unsent, rows, stand};
use super::target::{Target, retire};
use super::unwritable;
use crate::error::Result;
use crate::export::baseline::{file_of, is_baseline};
use crate::export::columns::Cell;
use crate::export::keep::{Columns, Unsent, is_ours};
use crate::outfile::{is_held, next_names};

/// How many files are open at once.
const MOST_OPEN: usize = 64;

/// The CSV files of an export.
#[derive(Default)]
pub(super) struct Files {
    names: Names,
    pub(super) parts: HashMap<String, Part>,
    /// The parts in the order of their first ticket.
    order: Vec<String>,
    /// Those that are open, the one that was used last at the end.
    open: Vec<String>,
    /// Where files of the last export were, and what people wrote into them is read.
    earlier: HashMap<PathBuf, Target>,
    pub(super) comments: Option<CsvFile>,
}

/// One of them.
pub(super) struct Part {
    file: CsvFile,
    /// By what the text of people in its file is known.
    pub(super) origin: String,
    /// People's columns in it.
    pub(super) columns: Columns,
}

/// The export that files are the parts of, as the list of written files knows it.
fn export_of(path: &Path, partition: Partition) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("{partition:?} {}", path.display())
}

impl TableSink {
    /// By what the text of people in a file is known; a file that is the only one has it with what was carried there.
    fn origin(&self, path: &Path) -> String {
        match self.partition {
            Some(_) => path.display().to_string(),
            None => String::new(),
        }
    }

    /// Reads what people wrote into the parts of the last export.
    pub(super) fn read_parts(&mut self, files: &mut Files) -> Result<()> {
        let Some(partition) = self.partition else {
            return Ok(());
        };
        // What stands beside a file is no part.
        for name in ["comments", "earlier"] {
            files.names.reserve(name);
        }
        let export = export_of(&self.path, partition);
        let mut parts = self.placing.records.parts_of(&export);
        parts.sort();
        for path in parts {
            let target = self.part_target(&path)?;
            files.earlier.insert(target.path.clone(), target);
        }
        Ok(())
    }

    /// Where a part goes, once what people wrote into the file that stands there, and beside it, is read.
    fn part_target(&mut self, path: &Path) -> Result<Target> {
        let mut target = self.target(path.to_owned(), &self.origin(path))?;
        target.part_of = self
            .partition
            .map(|partition| export_of(&self.path, partition));
        let earlier = beside(path, "earlier");
        if self.keeps && target.is_ours() && earlier.exists() {
            self.witness(&earlier);
            // What left the selection before may be back.
            self.read_earlier(&self.origin(path), &earlier)?;
        }
        Ok(target)
    }

    pub(super) fn open_part(&mut self, files: &mut Files, part: &str) -> Result<()> {
        let path = match self.partition {
            None => self.path.clone(),
            Some(_) => beside(&self.path, &files.names.file(part)),
        };
        let path = super::target::followed(path);
        let target = match files.earlier.remove(&path) {
            Some(target) => target,
            None => self.part_target(&path)?,
        };
        self.begin(files, part, target)
    }

    fn begin(&mut self, files: &mut Files, part: &str, target: Target) -> Result<()> {
        let columns = self.kept.columns();
        let headings = self.headings(&columns);
        let origin = self.origin(&target.path);
        let file = CsvFile::start(target, self.raw, headings.iter().map(String::as_str))?;
        let one = Part {
            file,
            origin,
            columns,
        };
        files.parts.insert(part.to_owned(), one);
        files.order.push(part.to_owned());
        files.open.push(part.to_owned());
        self.let_go(files)
    }

    /// Closes the file that was used longest ago, where too many are open.
    fn let_go(&self, files: &mut Files) -> Result<()> {
        if files.open.len() > MOST_OPEN {
            let oldest = files.open.remove(0);
            if let Some(one) = files.parts.get_mut(&oldest) {
                one.file.close()?;
            }
        }
        Ok(())
    }

    pub(super) fn csv_row(
        &mut self,
        files: &mut Files,
        part: &str,
        cells: &[Cell<'_>],
    ) -> Result<()> {
        if !files.parts.contains_key(part) {
            self.open_part(files, part)?;
        }
        if files.open.last().is_none_or(|last| last != part) {
            files.open.retain(|open| open != part);
            files.open.push(part.to_owned());
            self.let_go(files)?;
        }
        match files.parts.get_mut(part) {
            Some(one) => csv_row(&mut one.file, cells, &self.plan),
            None => Ok(()),
        }
    }

    /// Writes the parts of the last export that have no ticket any more, with nothing but their headings.
    fn empty_parts(&mut self, files: &mut Files) -> Result<()> {
        let mut left: Vec<Target> = std::mem::take(&mut files.earlier).into_values().collect();
        left.sort_by(|one, other| one.path.cmp(&other.path));
        for mut target in left {
            let origin = self.origin(&target.path);
            keep_unsent(&mut target, self.unsent.get(&origin));
            let shown = target.path.display().to_string();
            if let Some(why) = &target.foreign {
                self.written.notes.push(format!(
                    "no ticket belongs into {shown} any more, and it stays as it is: {why}"
                ));
            } else if target.is_ours() {
                self.written.notes.push(format!(
                    "no ticket belongs into {shown} any more: it has only headings now"
                ));
                // No part is called like this.
                self.begin(files, &format!("\0{shown}"), target)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish_files(mut self, mut files: Files) -> Result<Written> {
        self.empty_parts(&mut files)?;
        let parts = std::mem::take(&mut files.order);
        let mut beside_them = Vec::new();
        // A row that people wrote into stands in the part of its ticket, or beside the one that it was in.
        let columns = self.kept.columns();
        let headings = self.headings(&columns);
        for part in parts {
            let Some(one) = files.parts.remove(&part) else {
                continue;
            };
            let origin = one.origin;
            let (mut target, file) = one.file.finish()?;
            keep_unsent(&mut target, self.unsent.get(&origin));
            let place = target.place(file, &mut self.written.notes)?;
            let earlier = beside(&target.path, "earlier");
            let mut out = None;
            let mut kept = std::mem::take(&mut self.kept);
            let left = kept.left(&origin, &columns, |cells, _| {
                if out.is_none() {
                    out = Some(self.begin_earlier(&beside(&place, "earlier"), &headings)?);
                }
                match &mut out {
                    Some(file) => csv_row(file, &cells, &self.plan),
                    None => Ok(()),
                }
            })?;
            self.kept = kept;
            self.written.files.push(place);
            match out {
                Some(file) => {
                    let (target, file) = file.finish()?;
                    let place = target.place(file, &mut self.written.notes)?;
                    self.written.notes.push(format!(
                        "{left} earlier {} with people's text left the selection: {} in {}",
                        rows(left),
                        stand(left),
                        place.display()
                    ));
                    beside_them.push(place);
                }
                None if target.is_ours()
                    && self.keeps
                    && !self.foreign_beside.contains_key(&earlier)
                    && is_ours(&earlier, &self.plan) =>
                {
                    // Its copy stays, whatever was written into it since.
                    match retire(&earlier) {
                        Err(error) if is_held(&error) => self.written.notes.push(format!(
                            "{} is open in another program and stays: nobody's text is in it any more",
                            earlier.display()
                        )),
                        retired => retired.map_err(unwritable)?,
                    }
                }
                None => {}
            }
        }
        if let Some(file) = files.comments.take() {
            let (target, file) = file.finish()?;
            beside_them.push(target.place(file, &mut self.written.notes)?);
        }
        self.finish_baseline()?;
        self.written.files.extend(beside_them);
        self.written.plan = Some(self.plan);
        Ok(self.written)
    }

    /// A file of rows that left the selection, begun.
    fn begin_earlier(&self, path: &Path, headings: &[String]) -> Result<CsvFile> {
        let mut target = (self.placing).target(path.to_owned(), |path| is_ours(path, &self.plan));
        if let Some(witness) = self.witnesses.get(path) {
            target = target.seen_as(*witness);
        }
        target.foreign = self.foreign_beside.get(path).cloned();
        CsvFile::start(target, self.raw, headings.iter().map(String::as_str))
    }

    /// The baseline of CSV files takes its name, and one that says nothing of them goes.
    fn finish_baseline(&mut self) -> Result<()> {
        let is_one = self.partition.is_none();
        let first = self.written.files.first().filter(|_| is_one);
        let mut beside = first.unwrap_or(&self.path).clone();
        // A file that was kept is still compared with the one before.
        let keeps = |unsent: &Unsent| unsent.why().is_some();
        if !is_one && self.unsent.values().any(keeps) {
            let free = next_names(&beside).find(|path| !file_of(path).exists());
            beside = free.unwrap_or(beside);
        }
        match self.recording.take() {
            Some(recording) => {
                let notes = &mut self.written.notes;
                self.written.baseline = recording.place(&beside, &self.placing, notes)?;
            }
            None if is_baseline(&file_of(&beside)) => {
                retire(&file_of(&beside)).map_err(unwritable)?;
            }
            None => {}
        }
        Ok(())
    }
}
