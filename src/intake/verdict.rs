//! What all keys together say about each: fingerprints sorted by key, and a verdict for those not simply unique.

use std::path::Path;

use data_encoding::BASE32_NOPAD;

use super::alike::{Alike, HiddenKeys};
use super::sort::{Fixed, Sorter};
use super::ties::Ties;
use super::{Digest, Identity, Subject};
use crate::error::{Fault, Result};
use crate::record::{Place, Record, RowKey};
use crate::report::words;
use crate::source::Table;

/// How many characters of the content digest make a key, 5 bits each.
const KEY_CHARACTERS: usize = 16;
/// How many rows of one key are told.
const TOLD_ROWS: usize = 10;

/// The key of a record whose content is its key, before its ordinal among identical rows.
pub(super) fn content_key(content: &Digest) -> String {
    let mut text = BASE32_NOPAD.encode(content);
    text.truncate(KEY_CHARACTERS);
    text
}

/// What tells keys apart in sixteen bytes: a short one stands as it is behind its length, a longer one as its hash
/// behind a byte that is no length.
pub(super) fn key_print(key: &str) -> Digest {
    let mut print = Digest::default();
    let room = print.len() - 1;
    if key.len() <= room {
        print[0] = key.len() as u8;
        print[1..=key.len()].copy_from_slice(key.as_bytes());
    } else {
        print[0] = u8::MAX;
        print[1..].copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..room]);
    }
    print
}

/// Where a row stands, without its file's name.
pub(super) type Spot = (u32, u64);

/// What is remembered of one record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Print {
    key: Digest,
    ordinal: u64,
    content: Digest,
    table: u32,
    row: u64,
    /// Whether the key was mapped or carried along, not made of the content.
    explicit: bool,
}

impl Fixed for Print {
    const SIZE: usize = 16 + 8 + 16 + 4 + 8 + 1;

    fn put(&self, bytes: &mut [u8]) {
        bytes[..16].copy_from_slice(&self.key);
        bytes[16..24].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.content);
        bytes[40..44].copy_from_slice(&self.table.to_le_bytes());
        bytes[44..52].copy_from_slice(&self.row.to_le_bytes());
        bytes[52] = u8::from(self.explicit);
    }

    fn take(bytes: &[u8]) -> Self {
        let (key, content) = (&bytes[..16], &bytes[24..40]);
        Self {
            key: key.try_into().expect("sixteen bytes were cut"),
            ordinal: u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes were cut")),
            content: content.try_into().expect("sixteen bytes were cut"),
            table: u32::from_le_bytes(bytes[40..44].try_into().expect("four bytes were cut")),
            row: u64::from_le_bytes(bytes[44..52].try_into().expect("eight bytes were cut")),
            explicit: bytes[52] != 0,
        }
    }
}

/// Gathers fingerprints.
pub(super) struct Prints {
    sorter: Sorter<Print>,
    hidden: HiddenKeys,
}

impl Prints {
    /// At most `memory` bytes of fingerprints are held.
    pub(super) fn new(scratch: &Path, memory: usize) -> Self {
        Self {
            sorter: Sorter::new(scratch, memory / size_of::<Print>()),
            hidden: HiddenKeys::new(scratch, memory / 4),
        }
    }

    pub(super) fn add(&mut self, ordinal: u64, identity: &Identity, first: &Record) -> Result<()> {
        if let Some(key) = &identity.key {
            let table = u32::try_from(first.table).unwrap_or(u32::MAX);
            self.hidden.add(key.as_str(), (table, first.place.row))?;
        }
        self.sorter.push(Print {
            key: match &identity.key {
                Some(key) => key_print(key.as_str()),
                // The same as a carried `_key` of that text has: both name one row.
                None => key_print(&content_key(&identity.content)),
            },
            ordinal,
            content: identity.content,
            table: u32::try_from(first.table).unwrap_or(u32::MAX),
            row: first.place.row,
            explicit: identity.key.is_some(),
        })
    }

    /// Judges the records of each key, and notes which of those that are named are there.
    pub(super) fn judge(self, ties: &mut Ties) -> Result<Verdicts> {
        let mut verdicts = Verdicts::default();
        let mut sorted = self.sorter.sorted()?;
        let mut hidden = self.hidden.sorted()?;
        let mut same: Vec<Print> = Vec::new();
        while let Some(print) = sorted.next()? {
            if !ties.is_empty() {
                ties.seen(&print.key);
            }
            if same.first().is_some_and(|first| first.key != print.key) {
                verdicts.judge(&same);
                same.clear();
            }
            if same.is_empty() {
                hidden.key(&print.key, (print.table, print.row))?;
            }
            same.push(print);
        }
        verdicts.judge(&same);
        verdicts.alike = hidden.end()?;
        verdicts
            .single
            .sort_unstable_by_key(|(ordinal, _)| *ordinal);
        Ok(verdicts)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// One with the record that stands there.
    Repeated(Spot),
    /// The n-th, from 2, of identical rows without a key of their own.
    Again(u64),
    /// Differs from others under its key: an index into the clashes.
    Clash(usize),
}

/// The verdicts on records that are not simply unique, by ordinal.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    single: Vec<(u64, Verdict)>,
    clashes: Vec<(Vec<Spot>, usize)>,
    alike: Alike,
}

impl Verdicts {
    /// Judges the records of one key, in reading order.
    fn judge(&mut self, same: &[Print]) {
        let [first, others @ ..] = same else { return };
        if others.is_empty() {
            return;
        }
        if others.iter().any(|other| other.content != first.content) {
            let told = same.iter().take(TOLD_ROWS);
            self.clashes.push((
                told.map(|print| (print.table, print.row)).collect(),
                same.len(),
            ));
            let clash = Verdict::Clash(self.clashes.len() - 1);
            self.single
                .extend(same.iter().map(|print| (print.ordinal, clash)));
        } else if same.iter().any(|print| print.explicit) {
            let spot = Verdict::Repeated((first.table, first.row));
            self.single
                .extend(others.iter().map(|print| (print.ordinal, spot)));
        } else {
            let again = (2..).map(Verdict::Again);
            let ordinals = others.iter().map(|print| print.ordinal);
            self.single.extend(ordinals.zip(again));
        }
    }

    /// A warning about keys that look the same and differ in invisible characters.
    pub(super) fn alike(&self, tables: &[Table]) -> Option<String> {
        let Alike { count, pairs } = &self.alike;
        let first = pairs.first()?;
        let is_one_table = pairs
            .iter()
            .all(|(one, other)| one.0 == other.0 && one.0 == first.0.0);
        let named = |spot: &Spot| match (
            is_one_table && tables.len() == 1,
            tables.get(spot.0 as usize),
        ) {
            (false, Some(table)) => Place {
                file: table.file.clone(),
                sheet: table.sheet.clone(),
                row: spot.1,
            }
            .to_string(),
            _ => format!("row {}", spot.1),
        };
        let pairs: Vec<String> = (pairs.iter())
            .map(|(one, other)| format!("{} and {}", named(one), named(other)))
            .collect();
        let more = match count - pairs.len() as u64 {
            0 => String::new(),
            more => format!("; and {} more", words::count(more)),
        };
        let keys = words::plural(
            *count,
            "key looks like another key and differs",
            "keys look like another key and differ",
        );
        Some(format!(
            "{keys} only in invisible characters, accents or spaces; each creates its own ticket: {}{more}",
            pairs.join("; ")
        ))
    }

    /// What a record turned out to be.
    pub(super) fn subject(
        &self,
        ordinal: u64,
        key: RowKey,
        first: &Record,
        tables: &[Table],
    ) -> Subject {
        let found = self
            .single
            .binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal);
        match found.map(|at| self.single[at].1) {
            Err(_) => Subject::Keyed(key),
            Ok(Verdict::Again(nth)) => Subject::Keyed(RowKey::new(format!("{key}-{nth}"))),
            Ok(Verdict::Repeated(spot)) => Subject::Repeated(key, place(spot, tables, first)),
            Ok(Verdict::Clash(index)) => {
                let (spots, count) = &self.clashes[index];
                let rows = rows_text(spots, *count, tables, first);
                let fault = Fault::of_key(
                    first.place.clone(),
                    key.as_str(),
                    &format!("stands in {rows} with different content"),
                )
                .hint("keep one of these rows, give them keys of their own, or add a column to `key` in the mapping");
                Subject::Faulty(Some(key), vec![fault])
            }
        }
    }
}

fn place((table, row): Spot, tables: &[Table], like: &Record) -> Place {
    match tables.get(table as usize) {
        Some(table) => Place {
            file: table.file.clone(),
            sheet: table.sheet.clone(),
            row,
        },
        None => Place {
            row,
            ..like.place.clone()
        },
    }
}

/// `rows 3, 9 and 12`, with file or sheet where they differ.
fn rows_text(spots: &[Spot], count: usize, tables: &[Table], like: &Record) -> String {
    let one_table = spots.iter().all(|spot| spot.0 == spots[0].0);
    let mut names: Vec<String> = spots
        .iter()
        .map(|&spot| match one_table {
            true => spot.1.to_string(),
            false => format!("`{}`", place(spot, tables, like)),
        })
        .collect();
    if count > names.len() {
        names.push(format!("{} more", count - names.len()));
    }
    let last = names.pop().unwrap_or_default();
    let list = match names.is_empty() {
        true => last,
        false => format!("{} and {last}", names.join(", ")),
    };
    match one_table {
        true => format!("rows {list}"),
        false => list,
    }
}
