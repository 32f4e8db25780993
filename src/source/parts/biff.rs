//! The cells of an XLS. Its reader makes a full grid of each sheet, whatever lies between the outermost cells; their
//! addresses are found here first.
//!
//! An XLS is a compound file (MS-CFB): sectors chained by a table, which holds a stream `Workbook` of records (MS-XLS 2.1.4):
//! a type, a length, so many bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::biff_facts::Records;
use super::{Facts, MOST_HELD, Stop, beyond};

/// The end of a chain.
const END: u32 = 0xffff_fffa;
/// The names of the stream. A file for Excel 95 and 97 has both: the newer one counts, which the reader takes too.
const STREAMS: [&str; 2] = ["Workbook", "Book"];

/// Records that begin with the row and the column of a cell.
const CELLS: [u16; 9] = [
    0x0203, 0x0204, 0x00fd, 0x027e, 0x00bd, 0x0205, 0x0006, 0x00d6, 0x0406,
];
/// Several cells in a row: the last column stands at the end.
const MULTIPLE: u16 = 0x00bd;
const BEGIN: u16 = 0x0809;

/// Measures the sheets.
///
/// # Errors
/// When their grids are too large together.
pub(super) fn measure(path: &Path) -> Result<Facts, Stop> {
    let mut compound = Compound::open(path)?;
    let Some(stream) = compound.stream()? else {
        return Err(Stop::Damaged);
    };
    let mut all = 0_u64;
    let mut grid = Grid::default();
    let mut rest = stream.as_slice();
    let mut records = Records::default();
    while let [a, b, c, d, more @ ..] = rest {
        let kind = u16::from_le_bytes([*a, *b]);
        let length = usize::from(u16::from_le_bytes([*c, *d]));
        let Some((data, next)) = more.split_at_checked(length) else {
            break;
        };
        records.take((stream.len() - rest.len()) as u64, kind, data);
        rest = next;
        if kind == BEGIN {
            all += std::mem::take(&mut grid).cells();
        } else if let (true, [a, b, c, d, ..]) = (CELLS.contains(&kind), data) {
            let (row, column) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
            grid.add(row, column);
            if let (MULTIPLE, [.., c, d]) = (kind, data) {
                grid.add(row, u16::from_le_bytes([*c, *d]));
            }
        }
        if all + grid.cells() > MOST_HELD {
            return Err(beyond(format!(
                "has sheets of more than {MOST_HELD} cells between the outermost ones, and this kind of workbook must be held in memory as a whole"
            )));
        }
    }
    Ok(records.finish())
}

/// What lies between the outermost cells of a sheet.
#[derive(Debug, Default)]
struct Grid(Option<[u16; 4]>);

impl Grid {
    fn add(&mut self, row: u16, column: u16) {
        let [top, left, bottom, right] = self.0.unwrap_or([row, column, row, column]);
        self.0 = Some([
            top.min(row),
            left.min(column),
            bottom.max(row),
            right.max(column),
        ]);
    }

    fn cells(&self) -> u64 {
        self.0.map_or(0, |[top, left, bottom, right]| {
            (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1)
        })
    }
}

/// A compound file.
struct Compound {
    file: File,
    sector: u64,
    sectors: u64,
    /// The next sector of each.
    table: Vec<u32>,
    directory: u32,
    small_below: u32,
    small_table: u32,
}

impl Compound {
    fn open(path: &Path) -> Result<Self, Stop> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut header = [0; 512];
        file.read_exact(&mut header)?;
        let at = |at: usize| {
            let bytes: [u8; 4] = header[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(bytes)
        };
        let shift = u16::from_le_bytes([header[30], header[31]]);
        if !(7..=16).contains(&shift) {
            return Err(Stop::Damaged);
        }
        let sector = 1_u64 << shift;
        let mut compound = Self {
            file,
            sector,
            sectors: length / sector,
            table: Vec::new(),
            directory: at(48),
            small_below: at(56),
            small_table: at(60),
        };
        // The sectors of the table are listed in the header, and then in sectors of their own.
        let mut listed: Vec<u32> = (0..109).map(|number| at(76 + 4 * number)).collect();
        let mut more = at(68);
        let mut seen = 0;
        while more < END {
            seen += 1;
            if seen > compound.sectors {
                return Err(looped());
            }
            let mut next = compound.numbers(more)?;
            more = next.pop().unwrap_or(END);
            listed.append(&mut next);
        }
        for number in listed.into_iter().filter(|number| *number < END) {
            if compound.table.len() as u64 > compound.sectors + compound.sector {
                break;
            }
            let next = compound.numbers(number)?;
            compound.table.extend(next);
        }
        Ok(compound)
    }

    fn read(&mut self, number: u32) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let at = (u64::from(number) + 1) * self.sector;
        self.file.seek(SeekFrom::Start(at))?;
        (&mut self.file).take(self.sector).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn numbers(&mut self, number: u32) -> io::Result<Vec<u32>> {
        let bytes = self.read(number)?;
        let numbers = bytes.chunks_exact(4);
        Ok(numbers
            .map(|four| u32::from_le_bytes(four.try_into().unwrap_or_default()))
            .collect())
    }

    /// The bytes of a chain of sectors.
    fn chain(&mut self, first: u32, most: u64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        let (mut next, mut seen) = (first, 0);
        while next < END && (bytes.len() as u64) < most {
            seen += 1;
            if seen > self.sectors + 1 {
                return Err(looped());
            }
            bytes.extend(self.read(next)?);
            next = self.table.get(next as usize).copied().unwrap_or(END);
        }
        Ok(bytes)
    }

    /// The stream of the workbook.
    fn stream(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let directory = self.chain(self.directory, u64::MAX)?;
        let entries: Vec<(String, u32, u64)> = directory.chunks_exact(128).map(entry).collect();
        // Compound files compare names without case (MS-CFB 2.6.4).
        let of = |stream: &&str| {
            entries
                .iter()
                .find(|(name, ..)| name.eq_ignore_ascii_case(stream))
        };
        let found = STREAMS.iter().find_map(of);
        let Some((_, first, size)) = found else {
            return Ok(None);
        };
        let bytes = match *size < u64::from(self.small_below) {
            false => self.chain(*first, *size)?,
            true => {
                // Small streams lie in pieces of 64 bytes in that of the root, which is the first entry.
                let Some((_, root, length)) = entries.first() else {
                    return Ok(None);
                };
                let small = self.chain(*root, *length)?;
                let table = self.chain(self.small_table, u64::MAX)?;
                let table: Vec<u32> = table
                    .chunks_exact(4)
                    .map(|four| u32::from_le_bytes(four.try_into().unwrap_or_default()))
                    .collect();
                let mut bytes = Vec::new();
                let mut next = *first;
                while next < END && (bytes.len() as u64) < *size {
                    let from = next as usize * 64;
                    let piece = small.get(from..(from + 64).min(small.len()));
                    bytes.extend_from_slice(piece.ok_or(Stop::Damaged)?);
                    next = table.get(next as usize).copied().unwrap_or(END);
                }
                bytes
            }
        };
        Ok(Some(bytes))
    }
}

/// The name of an entry, its first sector, its size.
fn entry(entry: &[u8]) -> (String, u32, u64) {
    let length = usize::from(u16::from_le_bytes([entry[64], entry[65]])).min(64);
    let units = entry[..length].chunks_exact(2);
    let name: Vec<u16> = units
        .map(|two| u16::from_le_bytes([two[0], two[1]]))
        .filter(|unit| *unit != 0)
        .collect();
    let four = |at: usize| {
        let bytes: [u8; 4] = entry[at..at + 4].try_into().unwrap_or_default();
        u32::from_le_bytes(bytes)
    };
    (
        String::from_utf16_lossy(&name),
        four(116),
        u64::from(four(120)),
    )
}

fn looped() -> Stop {
    beyond("leads in a circle: its sectors are chained to one another without an end")
}
