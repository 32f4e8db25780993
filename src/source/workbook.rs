//! Workbooks: XLSX and XLSB cell by cell, XLS and ODS held whole.
//!
//! calamine's cell reader borrows its workbook, so an iterator cannot own both: the rows of a workbook are
//! read on a thread of their own and come over a bounded channel. The thread ends with the iterator. A panic
//! within calamine ends only that thread and becomes an error of the file.

mod copy;

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use calamine::{
    DataRef, ExcelDateTimeType, Ods, OdsError, Range, Reader, SheetVisible, Xls, XlsError, Xlsb,
    XlsbError, Xlsx, XlsxError,
};

use super::bytes::{Bytes, changed};
use super::look::{Formats, Look};
use super::notice::{Notice, ShownAs, What};
use super::parts::{Facts, Instead, SheetFacts};
use super::sheet::{self, EachRow, Gather, Sheet, letters};
use super::xlsx_cells::{self, Asked};
use super::{
    InputOptions, Layout, Numbers, Row, Rows, SheetChoice, Table, bounds, calc, parts, shown,
};
use crate::error::{Error, Fault, Result, Rule};
use crate::record::{Cell, Header, Place, Record};

/// XLS and ODS files are held whole: this much of a file, which takes some ten times as much memory.
const HELD_CAP: u64 = 64 * 1024 * 1024;
/// Rows that go over the channel at a time, and how many such batches may wait.
const BATCH: usize = 256;
const BATCHES: usize = 4;

/// The kinds of workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
}

pub(super) type Buffered = BufReader<File>;

enum Format {
    Xlsx(Box<Xlsx<Buffered>>),
    Xlsb(Box<Xlsb<Buffered>>),
    Xls(Box<Xls<Buffered>>),
    Ods(Box<Ods<Buffered>>),
}

/// An opened workbook.
pub(super) struct Book {
    pub(super) named: Arc<str>,
    format: Format,
    path: PathBuf,
    pub(super) facts: Arc<Facts>,
    /// Whether numbers come with what is shown for them.
    pub(super) shows: bool,
    /// The formats of the columns of an XLSX that is read so, where they are asked for.
    pub(super) formats: Option<Formats>,
}

impl Book {
    fn open(path: &Path, kind: Kind, named: &Arc<str>, facts: &Arc<Facts>) -> Result<Self> {
        let file = File::open(path).map_err(|error| changed(named).caused_by(error))?;
        let file = BufReader::new(file);
        let format = match kind {
            Kind::Xlsx => Xlsx::new(file)
                .map(|book| Format::Xlsx(Box::new(book)))
                .map_err(Trouble::from),
            Kind::Xlsb => Xlsb::new(file)
                .map(|book| Format::Xlsb(Box::new(book)))
                .map_err(Trouble::from),
            Kind::Xls => Xls::new(file)
                .map(|book| Format::Xls(Box::new(book)))
                .map_err(Trouble::from),
            Kind::Ods => Ods::new(file)
                .map(|book| Format::Ods(Box::new(book)))
                .map_err(Trouble::from),
        };
        Ok(Self {
            named: named.clone(),
            format: format.map_err(|trouble| trouble.error(named))?,
            path: path.to_owned(),
            facts: Arc::clone(facts),
            shows: false,
            formats: None,
        })
    }

    pub(super) fn sheets(&self) -> &[calamine::Sheet] {
        match &self.format {
            Format::Xlsx(book) => book.sheets_metadata(),
            Format::Xlsb(book) => book.sheets_metadata(),
            Format::Xls(book) => book.sheets_metadata(),
            Format::Ods(book) => book.sheets_metadata(),
        }
    }

    /// Whether its cells say their formats while they are read.
    pub(super) fn is_read_by_cells(&self) -> bool {
        matches!(self.format, Format::Xlsx(_) | Format::Xlsb(_))
    }

    /// Reads the rows of a sheet until `each` says to stop.
    pub(super) fn rows(&mut self, sheet: &str, each: &mut EachRow<'_>) -> Result<()> {
        let mut gather = Gather::new(each);
        let facts = self.facts.get(sheet);
        let instead = facts.map(|facts| &facts.cells);
        let flow = match &mut self.format {
            Format::Xlsx(book) => {
                let asked = Asked {
                    path: &self.path,
                    sheet,
                    facts: facts.map(|facts| &**facts),
                    shows: self.shows,
                };
                xlsx_cells::read(book, &asked, self.formats.as_mut(), &mut gather)
            }
            Format::Xlsb(book) => xlsb_cells(book, sheet, &mut gather),
            // A binary XLS stores a value with every formula: there is no formula without one.
            Format::Xls(book) => {
                let held = Held {
                    instead,
                    is_1904: book.has_1904_epoch(),
                    shows: self.shows,
                };
                book.worksheet_range(sheet)
                    .map(|range| held_cells(&range, None, &held, &mut gather))
                    .map_err(Trouble::from)
            }
            Format::Ods(book) => {
                let held = Held {
                    instead,
                    is_1904: false,
                    shows: self.shows,
                };
                ods_cells(book, sheet, &held, &mut gather)
            }
        };
        let place = format!("{}, sheet {sheet}", self.named);
        let flow = flow.map_err(|trouble| trouble.error(&place))?;
        if let Some(error) = gather.refused() {
            return Err(error
                .at(&place)
                .hint("open it in Excel or LibreOffice and save it again as .xlsx"));
        }
        if flow.is_continue() {
            // After the last row there is nothing left to stop.
            let _ = gather.end();
        }
        Ok(())
    }
}

fn xlsb_cells(
    book: &mut Xlsb<Buffered>,
    sheet: &str,
    gather: &mut Gather<'_, '_>,
) -> Result<ControlFlow<()>, Trouble> {
    let mut cells = book.worksheet_cells_reader(sheet)?;
    while let Some(cell) = cells.next_cell()? {
        let (row, column) = cell.get_position();
        let value: &DataRef<'_> = cell.get_value();
        if gather
            .cell(row, column, calc::cell(value.clone(), false))
            .is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// How the cells of a sheet that is held whole are read.
struct Held<'f> {
    instead: Option<&'f HashMap<(u32, u32), Instead>>,
    is_1904: bool,
    /// Whether numbers come with what is shown for them.
    shows: bool,
}

impl Held<'_> {
    /// A value as a cell, where the reader knows it whole and right, else what stands there.
    fn cell(&self, place: (u32, u32), value: &calamine::Data, formula: bool) -> Cell {
        let instead = self.instead.and_then(|instead| instead.get(&place));
        match instead {
            None => calc::held(value, formula),
            Some(Instead::Error(shown)) => calc::error_cell(shown),
            Some(Instead::Text(text)) => calc::text(text),
            Some(Instead::Moment(days, is_1904)) => {
                calc::serial(*days, ExcelDateTimeType::DateTime, *is_1904)
            }
            Some(Instead::Shown(number)) => match self.shows {
                true => Cell::Shown(Box::new((**number).clone())),
                false => calc::held(value, formula),
            },
            Some(Instead::Format(code)) => match calc::number(value) {
                None => calc::held(value, formula),
                Some(number) => match shown::is_date(code) {
                    Some(kind) => calc::serial(number, kind, self.is_1904),
                    None if self.shows => shown::cell(number, code),
                    None => Cell::Number(number),
                },
            },
        }
    }
}

fn ods_cells(
    book: &mut Ods<Buffered>,
    sheet: &str,
    held: &Held<'_>,
    gather: &mut Gather<'_, '_>,
) -> Result<ControlFlow<()>, Trouble> {
    let formulas = book.worksheet_formula(sheet)?;
    let values = book.worksheet_range(sheet)?;
    Ok(held_cells(&values, Some(&formulas), held, gather))
}

fn held_cells(
    values: &Range<calamine::Data>,
    formulas: Option<&Range<String>>,
    held: &Held<'_>,
    gather: &mut Gather<'_, '_>,
) -> ControlFlow<()> {
    let formula_at = |position| {
        formulas
            .and_then(|formulas| formulas.get_value(position))
            .is_some_and(|formula| !formula.is_empty())
    };
    // A formula without a value may stand outside of the range of values.
    let bounds = [
        values.start().zip(values.end()),
        formulas.and_then(|formulas| formulas.start().zip(formulas.end())),
    ];
    let bounds = bounds.into_iter().flatten().reduce(|(s, e), (start, end)| {
        (
            (s.0.min(start.0), s.1.min(start.1)),
            (e.0.max(end.0), e.1.max(end.1)),
        )
    });
    let Some((start, end)) = bounds else {
        return ControlFlow::Continue(());
    };
    for row in start.0..=end.0 {
        for column in start.1..=end.1 {
            let formula = formula_at((row, column));
            match values.get_value((row, column)) {
                None if !formula => {}
                value => {
                    let value = value.unwrap_or(&calamine::Data::Empty);
                    let mut cell = held.cell((row, column), value, formula);
                    // Programs that store no kind of it store an error of a formula as a text.
                    if formula
                        && let Cell::Text(text) = &cell
                        && calc::is_error(text)
                    {
                        cell = calc::error_cell(text);
                    }
                    gather.cell(row, column, cell)?;
                }
            }
        }
    }
    ControlFlow::Continue(())
}

/// What keeps a workbook from being read.
pub(super) enum Trouble {
    Password,
    Damaged(String),
    /// It cannot be opened once more.
    Changed(std::io::Error),
}

impl From<XlsxError> for Trouble {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::Password => Self::Password,
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<XlsError> for Trouble {
    fn from(error: XlsError) -> Self {
        match error {
            XlsError::Password => Self::Password,
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<OdsError> for Trouble {
    fn from(error: OdsError) -> Self {
        match error {
            OdsError::Password => Self::Password,
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<XlsbError> for Trouble {
    fn from(error: XlsbError) -> Self {
        match error {
            XlsbError::Password => Self::Password,
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl Trouble {
    pub(super) fn error(self, place: &str) -> Error {
        match self {
            Self::Password => locked().at(place),
            Self::Changed(error) => changed(place).caused_by(error),
            Self::Damaged(why) => Error::input(format!("is damaged, or no workbook: {why}"))
                .at(place)
                .hint("open it in Excel or LibreOffice and save it again as .xlsx, or export it again"),
        }
    }
}

/// The error for a workbook with a password.
pub(super) fn locked() -> Error {
    Error::input("is protected by a password").hint(
        "open it in Excel, take the password off (File, Info, Protect Workbook) and save a copy",
    )
}

/// The name of a sheet, its columns, its layout.
pub(super) type SheetTable = (String, Header, Layout);

/// What it takes to read the rows of a workbook.
#[derive(Debug)]
pub(super) struct WorkbookPlan {
    kind: Kind,
    sheets: Arc<[Sheet]>,
    facts: Arc<Facts>,
    shows: bool,
    /// The sheets that nobody sees, where nobody named those that are read.
    hidden_sheets: Vec<String>,
    /// All sheets, and whether nobody sees each.
    all: Vec<(String, bool)>,
}

/// The sheets that are read, and all by name with whether they are hidden.
type Probed = (Vec<Sheet>, Vec<(String, bool)>);

impl WorkbookPlan {
    /// Finds the sheets and their headings.
    pub(super) fn open(
        bytes: &Bytes,
        kind: Kind,
        options: &InputOptions,
    ) -> Result<(Self, Vec<SheetTable>)> {
        if matches!(kind, Kind::Xls | Kind::Ods) && bytes.size() > HELD_CAP {
            return Err(Error::input(format!(
                "is larger than {} MB, and this kind of workbook must be held in memory as a whole",
                HELD_CAP / 1024 / 1024
            ))
            .at(&bytes.named)
            .hint("save it as .xlsx or .csv: these are read row by row"));
        }
        let facts = Arc::new(parts::measure(bytes, kind)?);
        let named = &bytes.named;
        let shows = options.numbers == Some(Numbers::Shown);
        let probe = || -> Result<Probed> {
            let mut book = Book::open(bytes.path(), kind, named, &facts)?;
            // Numbers that are shown in another way are noticed, and an error file is to look like this.
            book.shows = true;
            let sheets = sheet::choose(&mut book, options, named)?;
            let all = book.sheets().iter();
            let is_hidden = |sheet: &calamine::Sheet| sheet.visible != SheetVisible::Visible;
            let all = all.map(|sheet| (sheet.name.clone(), is_hidden(sheet)));
            Ok((sheets, all.collect()))
        };
        let probed = std::thread::scope(|scope| match thread().spawn_scoped(scope, probe) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(panicked(named))),
            Err(error) => Err(no_thread(error)),
        });
        let (sheets, all) = probed?;
        let tables = sheets
            .iter()
            .map(|sheet| {
                let layout = Layout::Workbook {
                    header_row: match sheet.has_headings {
                        true => u32::try_from(sheet.header_row).unwrap_or(u32::MAX),
                        false => 0,
                    },
                    number: sheet.number,
                };
                (
                    sheet.name.clone(),
                    Header::new(sheet.headings.clone()),
                    layout,
                )
            })
            .collect();
        let plan = Self {
            kind,
            sheets: sheets.into(),
            facts,
            shows,
            hidden_sheets: match options.sheet {
                SheetChoice::These(_) => Vec::new(),
                SheetChoice::First | SheetChoice::All => {
                    let hidden = all.iter().filter(|(_, is_hidden)| *is_hidden);
                    hidden.map(|(name, _)| name.clone()).collect()
                }
            },
            all,
        };
        Ok((plan, tables))
    }

    /// Reads the rows of all chosen sheets; the first table is number `first`.
    pub(super) fn rows<'a>(
        &self,
        bytes: &'a Bytes,
        tables: &'a [Table],
        first: usize,
    ) -> Result<Rows<'a>> {
        let (sender, receiver) = sync_channel(BATCHES);
        let worker = Worker {
            path: bytes.path().to_owned(),
            kind: self.kind,
            named: bytes.named.clone(),
            sheets: self.sheets.clone(),
            facts: self.facts.clone(),
            shows: self.shows,
            tables: tables[first..first + self.sheets.len()].to_vec(),
            first,
            batch: Vec::with_capacity(BATCH),
            sender,
        };
        let thread = thread().spawn(move || worker.run()).map_err(no_thread)?;
        Ok(Box::new(WorkbookRows {
            named: bytes.named.clone(),
            batch: Vec::new().into_iter(),
            receiver: Some(receiver),
            thread: Some(thread),
        }))
    }
}

/// What a sheet is besides its rows, and what was seen of it when its headings were looked for.
pub(super) struct AboutSheet<'p> {
    pub(super) facts: Option<&'p Arc<SheetFacts>>,
    pub(super) sheet: &'p Sheet,
}

impl WorkbookPlan {
    /// The sheets in reading order.
    pub(super) fn about(&self) -> impl Iterator<Item = AboutSheet<'_>> {
        self.sheets.iter().map(|sheet| AboutSheet {
            facts: self.facts.get(&sheet.name),
            sheet,
        })
    }

    /// How the sheets look, in reading order.
    pub(super) fn looks(&self) -> impl Iterator<Item = Look> {
        self.about().map(|about| Look {
            widths: about
                .facts
                .map(|facts| facts.widths.clone())
                .unwrap_or_default(),
            hidden: about
                .facts
                .map(|facts| facts.hidden_columns.clone())
                .unwrap_or_default(),
            formats: about.sheet.formats.clone(),
            shows: self.shows,
            sheets: self.all.clone(),
        })
    }

    /// What was noticed when the sheets were opened; the tables are those of this workbook.
    pub(super) fn notices(&self, options: &InputOptions, tables: &[Table]) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut note = |table: &Table, sheet: bool, what: What, count: u64, rows: Vec<u64>| {
            if count > 0 {
                notices.push(Notice {
                    file: table.file.clone(),
                    sheet: table.sheet.clone().filter(|_| sheet),
                    what,
                    count,
                    rows,
                });
            }
        };
        for (about, table) in self.about().zip(tables) {
            note(table, true, What::Above, about.sheet.above, Vec::new());
            let names = table.header.names();
            if let Some(facts) = about.facts {
                let hidden: Vec<String> = (0..)
                    .zip(names)
                    .filter(|(column, _)| facts.is_hidden_column(*column))
                    .map(|(_, name)| name.clone())
                    .collect();
                let count = hidden.len() as u64;
                note(table, true, What::HiddenColumns(hidden), count, Vec::new());
            }
            if options.numbers.is_none() {
                for column in about.sheet.shown.iter().take(MOST_SHOWN) {
                    let examples: Vec<_> = column.named().collect();
                    let rows = examples.iter().map(|example| example.row).collect();
                    let what = What::Shown {
                        column: names.get(column.column).cloned().unwrap_or_default(),
                        examples: examples
                            .iter()
                            .map(|example| ShownAs {
                                shown: example.number.text.to_string(),
                                held: Cell::Number(example.number.number).text().into_owned(),
                            })
                            .collect(),
                    };
                    note(table, true, what, column.cells, rows);
                }
            }
        }
        if let Some(table) = tables.first() {
            let hidden = self.hidden_sheets.clone();
            let count = hidden.len() as u64;
            note(table, false, What::HiddenSheets(hidden), count, Vec::new());
        }
        notices
    }
}

/// So many columns with numbers that are shown in another way are told.
const MOST_SHOWN: usize = 5;

/// The name of each thread in which a reader of workbooks runs: it may panic there, which is caught.
pub(crate) const THREAD: &str = "workbook";

pub(super) fn thread() -> std::thread::Builder {
    std::thread::Builder::new().name(THREAD.to_owned())
}

pub(super) fn no_thread(error: std::io::Error) -> Error {
    Error::machine("no thread can be started").caused_by(error)
}

pub(super) fn panicked(named: &str) -> Error {
    Error::input("is damaged in a way that the workbook reader cannot cope with")
        .at(named)
        .hint("open it in Excel or LibreOffice and save it again as .xlsx")
}

type Batch = Vec<Result<Row>>;

struct Worker {
    path: PathBuf,
    kind: Kind,
    named: Arc<str>,
    sheets: Arc<[Sheet]>,
    facts: Arc<Facts>,
    shows: bool,
    tables: Vec<Table>,
    first: usize,
    batch: Batch,
    sender: SyncSender<Batch>,
}

impl Worker {
    fn run(mut self) {
        if let Err(error) = self.read() {
            self.batch.push(Err(error));
        }
        // Nobody listens any more when the iterator was dropped: then there is nothing left to do.
        let _ = self.sender.send(std::mem::take(&mut self.batch));
    }

    fn read(&mut self) -> Result<()> {
        let mut book = Book::open(&self.path, self.kind, &self.named, &self.facts)?;
        book.shows = self.shows;
        for (offset, sheet) in self.sheets.clone().iter().enumerate() {
            let table = self.tables[offset].clone();
            let mut gone = false;
            book.rows(&sheet.name, &mut |number, cells| {
                if number <= sheet.header_row {
                    return ControlFlow::Continue(());
                }
                self.batch
                    .push(Ok(row(&table, self.first + offset, number, cells)));
                if self.batch.len() == bounds::batch_of(table.header.len(), BATCH) {
                    let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
                    gone = self.sender.send(batch).is_err();
                }
                if gone {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
            if gone {
                break;
            }
        }
        Ok(())
    }
}

fn row(table: &Table, index: usize, number: u64, mut cells: Vec<Cell>) -> Row {
    let width = table.header.len();
    let place = Place {
        file: table.file.clone(),
        sheet: table.sheet.clone(),
        row: number,
    };
    let surplus = (width..cells.len()).find(|&column| !cells[column].is_empty());
    let fault = surplus.map(|column| {
        Fault::row(
            place.clone(),
            format!(
                "has a value in column {}, where no heading stands",
                letters(column)
            ),
        )
        .rule(Rule::Lost)
        .value(cells[column].text())
        .hint(format!(
            "give the column a heading, or clear the cell, which holds `{}`",
            cells[column].text()
        ))
    });
    cells.resize(width, Cell::Empty);
    let record = Record {
        place,
        table: index,
        cells,
    };
    match fault {
        Some(fault) => Row::Fault(record, vec![fault]),
        None => Row::Record(record),
    }
}

struct WorkbookRows {
    named: Arc<str>,
    batch: std::vec::IntoIter<Result<Row>>,
    receiver: Option<Receiver<Batch>>,
    thread: Option<JoinHandle<()>>,
}

impl Iterator for WorkbookRows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.batch.next() {
                return Some(row);
            }
            match self.receiver.as_ref()?.recv() {
                Ok(batch) => self.batch = batch.into_iter(),
                Err(_) => {
                    self.receiver = None;
                    let panic = self.thread.take()?.join().is_err();
                    return panic.then(|| Err(panicked(&self.named)));
                }
            }
        }
    }
}

impl Drop for WorkbookRows {
    fn drop(&mut self) {
        // Without a receiver the worker's next send fails, and it ends.
        self.receiver = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
