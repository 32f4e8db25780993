//! Files into records: CSV, workbooks (XLSX, XLS, ODS), JSON lines and documents, each also gzipped, and
//! standard input. Reading streams: memory does not grow with rows (XLS and ODS are held whole, size-capped), and what a
//! file may hold besides has its bounds (`bounds`).

pub(crate) mod bounds;
mod bytes;
mod calc;
mod cells;
mod charset;
pub(crate) mod copy;
mod csv;
pub(crate) mod cut;
mod delimiter;
mod encoding;
mod flatten;
pub(crate) mod guard;
mod guess;
mod headings;
mod json;
mod kept;
mod lines;
mod look;
mod marks;
mod notice;
mod open;
pub(crate) mod own;
mod parts;
mod scan;
mod sheet;
mod shown;
mod spread;
mod totals;
mod workbook;
mod xlsx_cells;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Fault, Result};
use crate::record::{Header, Record};

pub(crate) use bounds::{MOST_RECORD, MOST_SAID};
pub(crate) use cells::{Archive, Spot, each_cell};
pub use charset::Charset;
pub(crate) use encoding::LABELS;
pub use guard::Guards;
pub use guess::{Likely, Mixed};
pub(crate) use look::Look;
pub use notice::{Notice, ShownAs, What};
pub(crate) use parts::{attribute_of, each_tag, name_of};
pub(crate) use sheet::{excel_name, letters, name_apart};
pub(crate) use shown::{is_date_format, is_general_format};
pub(crate) use workbook::THREAD as READER_THREAD;

use bytes::Bytes;
use open::SourceFile;

pub(crate) use spread::Spread;

/// Which sheets of a workbook are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SheetChoice {
    /// The first visible sheet with data.
    #[default]
    First,
    /// These, by name or 1-based number.
    These(Vec<SheetName>),
    /// All visible sheets with data.
    All,
}

/// A sheet by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetName {
    /// By name: as written, then without case and outer space.
    Name(String),
    /// By number from 1.
    Number(usize),
}

/// How the input is to be read (`[input]` of the mapping).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputOptions {
    /// Which sheets.
    pub sheet: SheetChoice,
    /// The row of the headings from 1; 0: none, columns are `A`, `B`, `C`…; `None`: 1.
    pub header_row: Option<u32>,
    /// The rows above it that make the headings with it, from the top.
    pub header_above: Vec<u32>,
    /// The encoding by its label; `None`: a byte-order mark, else UTF-8.
    pub encoding: Option<String>,
    /// The delimiter of a CSV; `None`: found.
    pub delimiter: Option<char>,
    /// The guards that texts of a CSV stand behind and that are no part of them.
    pub guarded: Guards,
    /// The member of a JSON document that holds the records; members of members are `a.b`.
    pub records: Option<String>,
    /// Whether numbers of a workbook are read as they are shown; `None`: as they are held, and what is shown otherwise is
    /// noticed.
    pub numbers: Option<Numbers>,
    /// What becomes of the hidden rows of a workbook; `None`: they are read, and noticed.
    pub hidden_rows: Option<Rule>,
    /// Whether cells under a merged one take its value; `None`: they are empty, and noticed.
    pub merged: Option<Merged>,
    /// What becomes of rows that sum up others; `None`: they are read, and noticed.
    pub total_rows: Option<Rule>,
    /// Whether a sheet with headings and no row is good too.
    pub may_be_empty: bool,
}

/// How numbers of a workbook are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// As the spreadsheet program shows them: `00501`, `5%`.
    Shown,
    /// As they are held: `501`, `0.05`.
    Held,
}

/// What becomes of rows of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// They are read like others.
    Read,
    /// They are left out, and counted.
    Skip,
}

/// What the cells under a merged one hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// The value of the merged cell.
    Fill,
    /// Nothing.
    Empty,
}

/// How a file is laid out: what it takes to write another one like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// A delimited text.
    Csv {
        /// The delimiter.
        delimiter: u8,
        /// The encoding.
        encoding: Charset,
        /// Whether it begins with a byte-order mark.
        bom: bool,
        /// Whether records end in CR LF.
        crlf: bool,
        /// The guards that texts stand behind.
        guarded: Guards,
        /// The row of the headings; 0: none.
        header_row: u32,
        /// Whether its first line tells Excel the delimiter (`sep=;`).
        tells_delimiter: bool,
    },
    /// A workbook of any kind (written again as XLSX).
    Workbook {
        /// The row of the headings; 0: none.
        header_row: u32,
        /// The number of the sheet in its workbook, from 1.
        number: u32,
    },
    /// One JSON object a line.
    JsonLines {
        /// Whether it is UTF-8.
        is_utf8: bool,
    },
    /// A JSON document: an array of objects, or an object with them under a member.
    JsonDocument {
        /// The member that holds the records; `None`: the document is the array.
        records: Option<String>,
        /// Whether it is UTF-8.
        is_utf8: bool,
    },
}

/// One table of the input: a file, or a sheet of it.
#[derive(Debug, Clone)]
pub struct Table {
    /// The file as the user named it, `-` for standard input.
    pub file: Arc<str>,
    /// The sheet of a workbook.
    pub sheet: Option<Arc<str>>,
    /// Its columns.
    pub header: Arc<Header>,
    /// How its file is laid out.
    pub layout: Layout,
    /// Whether the file is gzipped.
    pub gzip: bool,
}

/// A row as read: a record, or what is wrong with it together with what could be read.
#[derive(Debug, Clone)]
pub enum Row {
    /// A good row.
    Record(Record),
    /// A row that cannot be read as the header says (ragged, not JSON).
    Fault(Record, Vec<Fault>),
}

/// An opened input of one or more files: every file exists, its format, encoding and layout are known, and
/// its bytes were looked at once (encoding, NUL bytes, fingerprint).
#[derive(Debug)]
pub struct Input {
    files: Vec<SourceFile>,
    tables: Vec<Table>,
    fingerprint: String,
    /// Whether each row names one cell of a wider one, and the tables as they stand in the file then.
    spread: Option<(Spread, Vec<Table>)>,
}

/// The rows of a file or of all files, in order.
type Rows<'a> = Box<dyn Iterator<Item = Result<Row>> + Send + 'a>;

impl Input {
    /// Opens the files (`-`: standard input, spooled to a temporary file).
    ///
    /// # Errors
    /// When a file is missing, empty, of no readable format, has no such sheet, or bytes that its encoding
    /// does not know (told with their position).
    pub fn open(paths: &[PathBuf], options: &InputOptions) -> Result<Self> {
        let mut tables = Vec::new();
        let mut files = Vec::with_capacity(paths.len());
        let mut hasher = blake3::Hasher::new();
        for path in paths {
            files.push(SourceFile::open(path, options, &mut tables, &mut hasher)?);
        }
        Ok(Self {
            files,
            tables,
            fingerprint: hasher.finalize().to_hex().to_string(),
            spread: None,
        })
    }

    /// Its tables, in reading order; [`Record::table`] points in here.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// A hash of the bytes of all files (unpacked, where they are gzipped), in hex.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads all rows of all tables in order, blank rows left out; may be called again. The first `Err` is
    /// the last item.
    ///
    /// # Errors
    /// When a file changed since it was opened; the items are `Err` when reading cannot go on.
    pub fn rows(&self) -> Result<Box<dyn Iterator<Item = Result<Row>> + Send + '_>> {
        self.unchanged()?;
        let tables = (self.spread.as_ref()).map_or(&self.tables, |(_, tables)| tables);
        let rows = self.files.iter().flat_map(|file| match file.rows(tables) {
            Ok(rows) => rows,
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        let mut over = false;
        Ok(Box::new(rows.map_while(move |item| {
            if over {
                return None;
            }
            over = item.is_err();
            Some(item.map(|row| match &self.spread {
                Some((spread, _)) => spread.row(row),
                None => row,
            }))
        })))
    }

    /// How its tables look, in their order.
    pub(crate) fn looks(&self) -> Vec<Look> {
        self.files.iter().flat_map(SourceFile::looks).collect()
    }

    /// What the input has that nobody may have noticed, as far as its rows were read.
    pub fn notices(&self) -> Vec<Notice> {
        let files = self.files.iter();
        files.flat_map(|file| file.notices(&self.tables)).collect()
    }

    /// Whether a text file has byte-order marks in the middle: files that were joined. They are dropped, which older versions
    /// did not do.
    pub fn has_marks(&self) -> bool {
        self.files.iter().any(SourceFile::has_marks)
    }

    /// Whether the files are still those that were opened, by size and time of the last change.
    ///
    /// # Errors
    /// A machine error that names the file that changed or went away.
    pub fn unchanged(&self) -> Result<()> {
        self.files.iter().try_for_each(SourceFile::unchanged)
    }
}

/// Whether a path can be read only once: `-`, standard input, or a pipe (`<(…)`, a FIFO).
pub fn comes_once(path: &Path) -> bool {
    path == Path::new("-") || bytes::is_pipe(path)
}

/// The encoding that a file which is no UTF-8 looks like, if it looks like one.
///
/// # Errors
/// When the file cannot be read.
pub fn likely_encoding(path: &Path) -> Result<Option<Likely>> {
    guess::guess(&Bytes::open(path)?)
}

/// The members of a JSON document, as `records` names them, that hold arrays of objects; none for other files.
///
/// # Errors
/// When the file cannot be read, or is not JSON.
pub fn record_members(path: &Path) -> Result<Vec<String>> {
    let bytes = Bytes::open(path)?;
    let head = bytes.head(4096)?;
    let encoded = encoding::find(&head, None)?;
    match encoded.charset.text_of(&head).trim_start().starts_with('{') {
        true => json::record_members(&bytes, encoded),
        false => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod calendars;
#[cfg(test)]
mod tests;
