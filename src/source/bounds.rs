//! How much an input may hold. A file that goes beyond is an error that names the bound, before memory is taken for it.

use std::io::{self, Read};

use crate::error::Error;

/// The columns of a table: those of a sheet, `A` to `XFD`.
pub(crate) const MOST_COLUMNS: usize = 16_384;
/// The rows of a sheet.
pub(super) const MOST_ROWS: u64 = 1_048_576;
/// One record of a CSV or of JSON, in bytes.
pub(crate) const MOST_RECORD: usize = 8 * 1024 * 1024;
/// What the record of an error file has room for besides: what is said of the row.
pub(crate) const MOST_SAID: usize = 1024 * 1024;
/// What standard input and a packed file may unpack to, in bytes.
pub(super) const MOST_UNPACKED: u64 = 4 * 1024 * 1024 * 1024;
/// So many times its size a packed file unpacks to; beyond [`SUSPICIOUS`] more is no table that anybody wrote.
pub(super) const MOST_RATIO: u64 = 200;
/// What may unpack whatever its ratio, in bytes.
pub(super) const SUSPICIOUS: u64 = 32 * 1024 * 1024;
/// How many cells travel between two threads at a time.
const CELLS_A_BATCH: usize = 64 * 1024;

/// How many rows of a table that wide travel together, where `most` narrow ones would.
pub(crate) fn batch_of(width: usize, most: usize) -> usize {
    (CELLS_A_BATCH / width.max(1)).clamp(1, most)
}

/// A reader that stops what unpacks to more than is believable.
pub(super) struct Unpacked<R> {
    inner: R,
    packed: u64,
    count: u64,
}

impl<R> Unpacked<R> {
    /// `packed`: the size of what is unpacked, in bytes.
    pub(super) fn new(inner: R, packed: u64) -> Self {
        Self {
            inner,
            packed,
            count: 0,
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.count += count as u64;
        if let Some(why) = unbelievable(self.packed, self.count) {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        Ok(count)
    }
}

/// Why a packed size and an unpacked one do not belong to a table.
pub(super) fn unbelievable(packed: u64, unpacked: u64) -> Option<String> {
    if unpacked > MOST_UNPACKED {
        return Some(format!(
            "unpacks to more than {} GB",
            MOST_UNPACKED / 1024 / 1024 / 1024
        ));
    }
    (unpacked > SUSPICIOUS && unpacked / MOST_RATIO > packed)
        .then(|| format!("unpacks to more than {MOST_RATIO} times its size"))
}

/// The error for a record that is never at its end.
pub(super) fn record_too_long(unit: &str, number: u64) -> Error {
    Error::input(format!(
        "{unit} {number} is longer than {} MB",
        MOST_RECORD / 1024 / 1024
    ))
}

/// The error for a table with too many columns.
pub(super) fn too_many_columns() -> Error {
    Error::input(format!("has more than {MOST_COLUMNS} columns"))
        .hint("no sheet has more; is the delimiter right (`delimiter` in [input])?")
}
