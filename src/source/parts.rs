//! Workbooks that are archives, measured before a reader takes them into memory: what each part unpacks to, how long its
//! pieces are, where its cells lie, and how many cells an ODS repeats.

mod biff;
mod biff_facts;
mod facts;
mod ods;
mod ods_styles;
mod xlsx;
mod xml;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use memchr::memmem;
use zip::ZipArchive;

use super::bounds::unbelievable;
use super::bytes::{Bytes, CHUNK};
use super::workbook::Kind;
use crate::error::{Error, Result};
pub(super) use facts::{Area, Facts, Formatted, Instead, SheetFacts};
pub(crate) use xml::{attribute as attribute_of, name as name_of};

/// Hands out the tags of a part, without their brackets; whether it could be read to its end.
pub(crate) fn each_tag(from: impl Read, each: &mut dyn FnMut(&[u8])) -> bool {
    struct Each<'e>(&'e mut dyn FnMut(&[u8]));
    impl xml::Visit for Each<'_> {
        fn tag(&mut self, tag: &[u8]) -> Result<(), Stop> {
            (self.0)(tag);
            Ok(())
        }

        fn text(&mut self, _: &[u8]) -> Result<(), Stop> {
            Ok(())
        }
    }
    xml::scan(from, &mut Each(each)).is_ok()
}

/// The parts of an archive.
const MOST_PARTS: u16 = 10_000;
/// The end of an archive's directory lies in so many of its last bytes.
const TAIL: u64 = 66_000;
/// The texts that an XLSX holds once for all cells, in bytes: they are held whole.
const MOST_TEXTS: u64 = 128 * 1024 * 1024;
/// Any other part, in bytes: they are read piece by piece.
const MOST_PART: u64 = 2 * 1024 * 1024 * 1024;
/// One piece of a part, in bytes: a tag, a text, a cell, a record.
pub(super) const MOST_PIECE: usize = 4 * 1024 * 1024;
/// The cells of a workbook that is held whole. One takes a hundred bytes while it is read.
pub(super) const MOST_HELD: u64 = 2 * 1024 * 1024;

/// Measures a workbook.
///
/// # Errors
/// When it goes beyond a bound. What is only damaged is left to the reader, which says it better.
pub(super) fn measure(bytes: &Bytes, kind: Kind) -> Result<Facts> {
    let measured = match kind {
        Kind::Xls => biff::measure(bytes.path()),
        _ => archive(bytes, kind),
    };
    match measured {
        Ok(facts) => Ok(facts),
        Err(Stop::Damaged) => Ok(Facts::new()),
        Err(Stop::Beyond(what)) => Err(Error::input(what).at(&bytes.named).hint(
            "if it is a real table, save it as .csv, which is read row by row; else do not open it",
        )),
    }
}

/// Why measuring ends early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It goes beyond a bound: which, as the end of a sentence about the file.
    Beyond(String),
    /// It cannot be read.
    Damaged,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Damaged
    }
}

pub(super) fn beyond(what: impl Into<String>) -> Stop {
    Stop::Beyond(what.into())
}

fn archive(bytes: &Bytes, kind: Kind) -> Result<Facts, Stop> {
    let tail = bytes.tail(TAIL).map_err(|_| Stop::Damaged)?;
    let end = memmem::rfind(&tail, b"PK\x05\x06").ok_or(Stop::Damaged)?;
    let count = tail.get(end + 10..end + 12).ok_or(Stop::Damaged)?;
    if u16::from_le_bytes([count[0], count[1]]) > MOST_PARTS {
        return Err(beyond(format!("has more than {MOST_PARTS} parts")));
    }
    let file = File::open(bytes.path())?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| Stop::Damaged)?;
    let mut all = 0_u64;
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(|_| Stop::Damaged)?;
        let name = part.name().map_err(|_| Stop::Damaged)?.into_owned();
        let size = part.size();
        all = all.saturating_add(size);
        let why = unbelievable(part.compressed_size(), size).or(unbelievable(bytes.size(), all));
        if let Some(why) = why {
            return Err(beyond(format!(
                "is no workbook that anybody wrote: its part `{name}` {why}"
            )));
        }
        let most = match name.ends_with("sharedStrings.xml") || name.ends_with("sharedStrings.bin")
        {
            true => MOST_TEXTS,
            false => MOST_PART,
        };
        if size > most {
            return Err(beyond(format!(
                "is too large for a workbook: its part `{name}` unpacks to more than {} MB",
                most / 1024 / 1024
            )));
        }
    }
    let mut facts = Facts::new();
    let mut found = Xlsx::default();
    let mut styles = ods::Cells::default();
    if kind == Kind::Ods
        && let Ok(part) = archive.by_name("styles.xml")
    {
        // What is wrong with it is told below, where its turn is.
        let _ = xml::scan(part, &mut styles);
    }
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| Stop::Damaged)?;
        let name = part.name().map_err(|_| Stop::Damaged)?.into_owned();
        let size = part.size();
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
        let scanned = match kind {
            Kind::Ods if name == "content.xml" => {
                let mut cells = ods::Cells::default();
                cells.styles = std::mem::take(&mut styles.styles);
                let scanned = xml::scan(part, &mut cells);
                facts = cells.all;
                scanned
            }
            Kind::Xlsx if is_xml => {
                let mut cells = xlsx::Cells::of(size);
                let scanned = xml::scan(part, &mut cells);
                if scanned.is_err() {
                    cells.facts.formatted = None;
                }
                found.add(&name, cells);
                scanned
            }
            Kind::Xlsb if is_records(&name) => records(part),
            _ => Ok(()),
        };
        match scanned {
            // What is damaged may be a part that nobody reads.
            Ok(()) | Err(Stop::Damaged) => {}
            Err(Stop::Beyond(what)) => {
                return Err(beyond(format!("{what} (in its part `{name}`)")));
            }
        }
    }
    Ok(match kind {
        Kind::Xlsx => found.by_sheet(),
        _ => facts,
    })
}

/// What the parts of an XLSX say, until it is known which is which sheet.
#[derive(Default)]
struct Xlsx {
    parts: HashMap<String, SheetFacts>,
    sheets: Vec<(String, String)>,
    targets: HashMap<String, String>,
}

impl Xlsx {
    fn add(&mut self, name: &str, cells: xlsx::Cells) {
        if name.ends_with("workbook.xml") {
            self.sheets = cells.sheets;
        } else if name.ends_with("workbook.xml.rels") {
            self.targets = cells.targets.into_iter().collect();
        } else if cells.facts != SheetFacts::default() {
            self.parts.insert(name.to_owned(), cells.facts.sorted());
        }
    }

    fn by_sheet(mut self) -> Facts {
        let mut facts = Facts::new();
        for (sheet, id) in self.sheets {
            let target = self
                .targets
                .get(&id)
                .map(|target| target.trim_start_matches('/'));
            // A target stands beside the workbook, or is a whole path.
            let part = target.and_then(|target| {
                let found = self.parts.keys().filter(|name| {
                    name.as_str() == target
                        || name
                            .strip_suffix(target)
                            .is_some_and(|rest| rest.ends_with('/'))
                });
                // Of several the one that is nearest to the root, where the workbook is.
                found
                    .min_by_key(|name| (name.len(), name.as_str()))
                    .cloned()
            });
            if let Some(found) = part.and_then(|part| self.parts.remove(&part)) {
                facts.insert(sheet, Arc::new(found));
            }
        }
        facts
    }
}

/// Whether a part of an XLSB consists of records.
fn is_records(name: &str) -> bool {
    let ends = ["sharedStrings.bin", "styles.bin", "workbook.bin"];
    name.ends_with(".bin")
        && (name.contains("sheets/") || ends.iter().any(|end| name.ends_with(end)))
}

/// The records of an XLSB: a type, a length, so many bytes (MS-XLSB 2.1.4).
fn records(part: impl Read) -> Result<(), Stop> {
    let mut part = BufReader::with_capacity(CHUNK, part);
    loop {
        let mut next = [0];
        if part.read(&mut next)? == 0 {
            return Ok(());
        }
        if next[0] & 0x80 != 0 {
            part.read_exact(&mut next)?;
        }
        let mut length = 0_usize;
        for shift in 0..4 {
            part.read_exact(&mut next)?;
            length |= usize::from(next[0] & 0x7f) << (7 * shift);
            if next[0] & 0x80 == 0 {
                break;
            }
        }
        if length > MOST_PIECE {
            return Err(beyond(format!(
                "has a record longer than {} MB",
                MOST_PIECE / 1024 / 1024
            )));
        }
        let skipped = io::copy(&mut part.by_ref().take(length as u64), &mut io::sink())?;
        if skipped < length as u64 {
            return Err(Stop::Damaged);
        }
    }
}
