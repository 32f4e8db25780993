//! What the records of an XLS say besides what its reader takes from them (MS-XLS 2.4): formats by any number, texts of
//! formulas that go on in further records, what is hidden and merged.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{Area, Facts, Instead, SheetFacts};
use crate::source::shown::is_general_format;

const BEGIN: u16 = 0x0809;
const SHEET: u16 = 0x0085;
const FORMAT: u16 = 0x041e;
const XF: u16 = 0x00e0;
const NUMBER: u16 = 0x0203;
/// Records of cells that are no numbers: texts, truths, errors.
const OTHERS: [u16; 4] = [0x0204, 0x00fd, 0x0205, 0x00d6];
const RK: u16 = 0x027e;
const MULTIPLE_RK: u16 = 0x00bd;
const FORMULA: u16 = 0x0006;
const STRING: u16 = 0x0207;
const CONTINUE: u16 = 0x003c;
const ROW: u16 = 0x0208;
const COLUMNS: u16 = 0x007d;
const MERGED: u16 = 0x00e5;
const FILTERED: u16 = 0x009b;

/// The version whose texts are known here: Excel 97 and later.
const BIFF8: u16 = 0x0600;
/// So many characters of a text are taken.
const MOST_TEXT: usize = 4 * 1024 * 1024;

/// Whether the reader knows a format by this number, where the file gives it one.
fn is_known(number: u16) -> bool {
    matches!(number, 5..=8 | 23..=26 | 41..=44 | 63..=66 | 164..=382)
}

/// Takes the records in order.
#[derive(Default)]
pub(super) struct Records {
    is_biff8: bool,
    /// Names of sheets by the offset at which they begin.
    names: HashMap<u64, String>,
    formats: HashMap<u16, Arc<str>>,
    xfs: Vec<u16>,
    sheet: Option<String>,
    facts: SheetFacts,
    all: Facts,
    formula: Option<(u32, u32)>,
    text: Option<Text>,
}

/// A text of a formula on its way.
struct Text {
    at: (u32, u32),
    /// Characters that are still to come.
    left: usize,
    units: Vec<u16>,
    goes_on: bool,
}

impl Text {
    /// Takes the characters of a record; the first byte says how wide they are.
    fn take(&mut self, data: &[u8]) {
        let Some((flags, data)) = data.split_first() else {
            return;
        };
        let before = self.units.len();
        match flags & 1 {
            0 => self
                .units
                .extend(data.iter().take(self.left).map(|byte| u16::from(*byte))),
            _ => {
                let units = data.chunks_exact(2).take(self.left);
                self.units
                    .extend(units.map(|two| u16::from_le_bytes([two[0], two[1]])));
            }
        }
        self.left -= self.units.len() - before;
    }
}

fn at(data: &[u8], offset: usize) -> Option<u16> {
    let bytes = data.get(offset..offset + 2)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

/// A text of 8 or 16 bits a character.
fn text(data: &[u8], flags: u8, count: usize) -> String {
    match flags & 1 {
        0 => data
            .iter()
            .take(count)
            .map(|byte| char::from(*byte))
            .collect(),
        _ => {
            let units = data.chunks_exact(2).take(count);
            let units: Vec<u16> = units
                .map(|two| u16::from_le_bytes([two[0], two[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
    }
}

impl Records {
    /// Takes one record, which begins at an offset of the stream.
    pub(super) fn take(&mut self, offset: u64, kind: u16, data: &[u8]) {
        // What is too short says nothing here: the reader refuses it.
        let _ = self.record(offset, kind, data);
    }

    fn record(&mut self, offset: u64, kind: u16, data: &[u8]) -> Option<()> {
        if kind != CONTINUE {
            self.end_text();
        }
        match kind {
            BEGIN => self.begin(offset, data)?,
            SHEET => {
                let position = data.get(..4)?;
                let position = u32::from_le_bytes(position.try_into().ok()?);
                let count = usize::from(*data.get(6)?);
                let name = text(data.get(8..)?, *data.get(7)?, count);
                self.names.insert(u64::from(position), name);
            }
            FORMAT if self.is_biff8 => {
                let (number, count) = (at(data, 0)?, at(data, 2)?);
                let code = text(data.get(5..)?, *data.get(4)?, usize::from(count));
                self.formats.insert(number, code.into());
            }
            XF => self.xfs.push(at(data, 2)?),
            NUMBER | RK => self.cell(at(data, 0)?.into(), at(data, 2)?.into(), at(data, 4)?),
            FORMULA => {
                let (row, column) = (at(data, 0)?, at(data, 2)?);
                self.formula = Some((u32::from(row), u32::from(column)));
                self.cell(row.into(), column.into(), at(data, 4)?);
            }
            // Of a cell that comes twice the last one counts.
            _ if OTHERS.contains(&kind) => {
                let at = (u32::from(at(data, 0)?), u32::from(at(data, 2)?));
                self.facts.cells.remove(&at);
            }
            MULTIPLE_RK => {
                let (row, first) = (at(data, 0)?, at(data, 2)?);
                let cells = data.get(4..data.len().checked_sub(2)?)?.chunks_exact(6);
                for (column, cell) in (u32::from(first)..).zip(cells) {
                    self.cell(row.into(), column, at(cell, 0)?);
                }
            }
            STRING if self.is_biff8 => {
                let mut text = Text {
                    at: self.formula?,
                    left: usize::from(at(data, 0)?),
                    units: Vec::new(),
                    goes_on: false,
                };
                text.take(data.get(2..)?);
                self.text = Some(text);
            }
            CONTINUE => {
                if let Some(text) = &mut self.text
                    && text.left > 0
                    && text.units.len() < MOST_TEXT
                {
                    text.goes_on = true;
                    text.take(data);
                }
            }
            ROW if data.get(12)? & 0x20 != 0 => {
                let row = u64::from(at(data, 0)?) + 1;
                self.facts.hide_rows(row, row);
            }
            COLUMNS => {
                let (first, last) = (u32::from(at(data, 0)?), u32::from(at(data, 2)?));
                if data.get(8)? & 1 != 0 {
                    self.facts.hidden_columns.push((first, last));
                }
                // In 256ths of a character.
                self.facts
                    .widen(first, last, f64::from(at(data, 4)?) / 256.0);
            }
            MERGED => {
                for area in data.get(2..)?.chunks_exact(8) {
                    self.facts.merge(Area {
                        top: at(area, 0)?.into(),
                        bottom: at(area, 2)?.into(),
                        left: at(area, 4)?.into(),
                        right: at(area, 6)?.into(),
                    });
                }
            }
            FILTERED => self.facts.is_filtered = true,
            _ => {}
        }
        Some(())
    }

    fn begin(&mut self, offset: u64, data: &[u8]) -> Option<()> {
        // A chart within a sheet begins and ends there too: it has no name, and what follows is the sheet's.
        if let Some(name) = self.names.get(&offset).cloned() {
            self.end_sheet();
            self.sheet = Some(name);
        } else if self.sheet.is_none() {
            self.is_biff8 = at(data, 0)? == BIFF8;
        }
        Some(())
    }

    fn cell(&mut self, row: u32, column: u32, xf: u16) {
        self.facts.cells.remove(&(row, column));
        let Some(number) = self.xfs.get(usize::from(xf)).copied() else {
            return;
        };
        let own = self.formats.get(&number).cloned();
        let is_wrong = own.is_some() && !is_known(number);
        let code = match own {
            Some(code) => code,
            None => match ssfmt::format_code_from_id(u32::from(number)) {
                Some(code) => code.into(),
                None => return,
            },
        };
        let is_general = is_general_format(&code);
        let noted = if is_general { "" } else { &*code };
        self.facts.formats.note(column, noted);
        if is_wrong || !is_general {
            self.facts
                .cells
                .insert((row, column), Instead::Format(code));
        }
    }

    fn end_text(&mut self) {
        if let Some(text) = self.text.take()
            && text.goes_on
        {
            let whole = String::from_utf16_lossy(&text.units);
            self.facts.cells.insert(text.at, Instead::Text(whole));
        }
    }

    fn end_sheet(&mut self) {
        let facts = std::mem::take(&mut self.facts).sorted();
        if let Some(name) = self.sheet.take() {
            self.all.insert(name, Arc::new(facts));
        }
    }

    /// All sheets.
    pub(super) fn finish(mut self) -> Facts {
        self.end_text();
        self.end_sheet();
        self.all
    }
}
