//! Tickets as rows: the columns of the plan, behind them those that people added, comments and what left the selection
//! beside.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::csv::CsvFile;
use super::files::Files;
use super::part::{Labels, Partition};
use super::record::Recording;
use super::target::{Placing, Target, Witness};
use super::xlsx::{Book, Line, Rows};
use super::{About, Format, Options, Sink, Written, unwritable};
use crate::error::{Error, Result};
use crate::export::baseline::file_of;
use crate::export::columns::{Cell, Column, Plan, line_ends};
use crate::export::keep::{
    COMMENT_HEADINGS, COMMENTS, Columns, Dresses, EARLIER, Kept, Previous, Unsent, is_ours,
    replaceable, stands_in_comments,
};
use crate::export::replica::Parts;
use crate::export::sheets::Sheet;
use crate::systems::common::{CommonTicket, Named};

pub(super) struct TableSink {
    pub(super) plan: Plan,
    pub(super) path: PathBuf,
    about: About,
    comments: bool,
    pub(super) raw: bool,
    pub(super) partition: Option<Partition>,
    labels: Labels,
    /// What files held when people's text in them was read.
    pub(super) witnesses: HashMap<PathBuf, Witness>,
    /// Files of rows that left the selection which must not be replaced: why.
    pub(super) foreign_beside: HashMap<PathBuf, String>,
    pub(super) placing: Placing,
    sheets: Vec<Sheet>,
    pub(super) keeps: bool,
    pub(super) kept: Kept,
    pub(super) recording: Option<Recording>,
    /// What waits to be sent in the earlier files, by where it is from.
    pub(super) unsent: HashMap<String, Unsent>,
    out: Out,
    pub(super) written: Written,
}

enum Out {
    Csv(Box<Files>),
    Xlsx(Box<Book>, Head, Columns),
}

/// The headings of a workbook's sheets, and how they look where people dressed them.
struct Head {
    headings: Vec<String>,
    dressed: Dresses,
}

impl TableSink {
    pub(super) fn start(options: Options) -> Result<Self> {
        let plan = options
            .plan
            .ok_or_else(|| Error::usage("a table needs columns"))?;
        let mut sink = Self {
            out: Out::Csv(Box::default()),
            kept: Kept::default(),
            plan,
            path: options.path,
            about: options.about,
            comments: options.comments,
            raw: options.raw,
            partition: options.partition,
            labels: Labels::new(options.namesakes),
            placing: options.placing,
            sheets: options.sheets,
            keeps: !options.drop_columns,
            witnesses: HashMap::new(),
            foreign_beside: HashMap::new(),
            recording: None,
            unsent: HashMap::new(),
            written: Written::default(),
        };
        let is_workbook = options.format == Format::Xlsx;
        if let Some(old) = options
            .carry_from
            .as_deref()
            .filter(|_| is_workbook || options.partition.is_none())
        {
            if let Previous::Foreign(why) = sink.kept.read("", old, &sink.plan, false)? {
                return Err(
                    Error::usage(format!("no columns can be taken from this file: {why}"))
                        .at(old.display())
                        .hint("name a file that `deskferry export` wrote: --carry-from OLD.xlsx"),
                );
            }
        } else if options.carry_from.is_some() {
            return Err(Error::usage(
                "`--carry-from` takes columns into one file, not into several",
            )
            .hint("leave `--partition-by` out, or write a workbook"));
        }
        if is_workbook {
            let target = sink.target(sink.path.clone(), "")?;
            let mut book = Book::new(target, &sink.plan);
            book.reserve(COMMENTS);
            book.reserve(EARLIER);
            for sheet in &sink.sheets {
                book.reserve(sheet.name);
            }
            let columns = sink.kept.columns();
            let headings = sink.headings(&columns);
            let dressed = sink.kept.dressed_headings(&columns);
            let head = Head { headings, dressed };
            sink.out = Out::Xlsx(Box::new(book), head, columns);
        } else {
            let mut files = Files::default();
            match sink.partition {
                None => sink.open_part(&mut files, "")?,
                Some(_) => sink.read_parts(&mut files)?,
            }
            sink.out = Out::Csv(Box::new(files));
        }
        if let Some(recorder) = options.baseline {
            let beside = (!is_workbook).then(|| (sink.placing).plain(sink.path.clone()));
            let recording = Recording::start(recorder, &sink.plan, beside.as_ref())?;
            sink.recording = Some(recording);
        }
        Ok(sink)
    }

    /// Where a file goes, once what people wrote into the one that stands there is read.
    pub(super) fn target(&mut self, path: PathBuf, part: &str) -> Result<Target> {
        let witness = self.witness(&path);
        let mut target = (self.placing).target(path, |path| is_ours(path, &self.plan));
        let path = &target.path;
        let previous = match (path.exists() && !target.is_strange, self.keeps) {
            (false, _) => Previous::Read,
            (true, true) => self.kept.read(part, path, &self.plan, true)?,
            (true, false) => replaceable(path, &self.plan),
        };
        if path.exists() && !target.is_strange {
            let beside = match self.partition {
                // Several files have one baseline.
                Some(_) => file_of(&self.path),
                None => file_of(path),
            };
            let unsent = Unsent::read(path, &beside, &self.plan)?;
            self.unsent.insert(part.to_owned(), unsent);
        }
        if let Previous::Foreign(why) = previous {
            target.foreign = Some(why);
        }
        Ok(match witness {
            Some(witness) => target.seen_as(witness),
            // What cannot be read is foreign.
            None => target,
        })
    }

    /// Reads what people wrote into a file of rows that left the selection.
    pub(super) fn read_earlier(&mut self, part: &str, earlier: &Path) -> Result<()> {
        if let Previous::Foreign(why) = self.kept.read(part, earlier, &self.plan, true)? {
            self.foreign_beside.insert(earlier.to_owned(), why);
        }
        Ok(())
    }

    /// What a file holds before it is read.
    pub(super) fn witness(&mut self, path: &Path) -> Option<Witness> {
        let witness = Witness::of(path).ok()?;
        self.witnesses.insert(path.to_owned(), witness);
        Some(witness)
    }

    pub(super) fn headings(&self, columns: &Columns) -> Vec<String> {
        let own = self
            .plan
            .columns()
            .iter()
            .map(|column| column.heading.clone());
        own.chain(self.kept.headings(columns)).collect()
    }

    fn row(&mut self, part: &str, cells: &[Cell<'_>], dresses: &Dresses) -> Result<()> {
        let mut out = std::mem::replace(&mut self.out, Out::Csv(Box::default()));
        let done = match &mut out {
            Out::Xlsx(book, head, _) => book.row(&Line {
                rows: Rows::Tickets,
                part,
                sheet: if part.is_empty() {
                    &self.plan.sheet
                } else {
                    part
                },
                headings: &head.headings,
                cells,
                dresses,
                dressed_headings: &head.dressed,
            }),
            Out::Csv(files) => self.csv_row(files, part, cells),
        };
        self.out = out;
        done
    }

    fn write_comments(&mut self, ticket: &CommonTicket) -> Result<()> {
        let headings = COMMENT_HEADINGS.map(str::to_owned);
        for comment in &ticket.comments {
            let author = comment.author.as_ref().map(Named::label);
            let email = comment
                .author
                .as_ref()
                .and_then(|author| author.email.as_deref());
            let cells = [
                Cell::Text(ticket.number.as_ref().unwrap_or(&ticket.id).as_str().into()),
                Cell::Text(ticket.id.as_str().into()),
                comment
                    .at
                    .map_or(Cell::Empty, |at| Cell::Time(self.plan.local(at))),
                author.map_or(Cell::Empty, |author| Cell::Text(author.into())),
                email.map_or(Cell::Empty, |email| Cell::Text(email.into())),
                comment.public.map_or(Cell::Empty, Cell::Truth),
                Cell::Text(line_ends(comment.text.as_str().into())),
            ];
            match &mut self.out {
                Out::Xlsx(book, ..) => book.row(&Line {
                    rows: Rows::Comments,
                    part: "",
                    sheet: COMMENTS,
                    headings: &headings,
                    cells: &cells,
                    dresses: &Dresses::new(),
                    dressed_headings: &Dresses::new(),
                })?,
                Out::Csv(files) => {
                    if files.comments.is_none() {
                        let path = beside(&self.path, "comments");
                        let mut target = (self.placing)
                            .target(path, |path| starts_with(path, &COMMENT_HEADINGS));
                        if target.path.exists() && target.is_ours() {
                            let witness = Witness::of(&target.path).ok();
                            target.foreign = stands_in_comments(&target.path);
                            if let Some(witness) = witness {
                                target = target.seen_as(witness);
                            }
                        }
                        files.comments = Some(CsvFile::start(
                            target,
                            self.raw,
                            COMMENT_HEADINGS.into_iter(),
                        )?);
                    }
                    if let Some(file) = &mut files.comments {
                        for cell in &cells {
                            file.cell(cell, &self.plan, None)?;
                        }
                        file.end()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn finish_book(mut self, mut book: Book, head: Head, columns: &Columns) -> Result<Written> {
        let kept = &mut self.kept;
        let left = kept.left("", columns, |cells, dresses| {
            book.row(&Line {
                rows: Rows::Earlier,
                part: "",
                sheet: EARLIER,
                headings: &head.headings,
                cells: &cells,
                dresses: &dresses,
                dressed_headings: &head.dressed,
            })
        })?;
        if left > 0 {
            self.written.notes.push(format!(
                "{left} earlier {} with people's text left the selection: {} on the sheet `{EARLIER}`",
                rows(left),
                stand(left)
            ));
        }
        let whole = book.finish(
            &self.plan,
            &self.about,
            (&head.headings, &head.dressed),
            &self.sheets,
        )?;
        self.written.sheets = whole.sheets;
        let mut target = whole.target;
        keep_unsent(&mut target, self.unsent.get(""));
        let path = target.place(whole.file, &mut self.written.notes)?;
        let told = whole.texts.add(&path).map_err(unwritable)?;
        self.written.notes.extend(told);
        self.written.files.push(path);
        self.written.plan = Some(self.plan);
        Ok(self.written)
    }
}

impl Sink for TableSink {
    fn parts(&self) -> Parts {
        self.plan.parts(self.comments)
    }

    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()> {
        let part = match self.partition {
            None => String::new(),
            Some(partition) => self.labels.of(partition, ticket, self.plan.zone()),
        };
        let mut cells = Vec::with_capacity(self.plan.columns().len());
        self.plan.cells(ticket, &mut cells)?;
        // What people wrote into the file of a part is read when the part begins, unless it was there before.
        if let Out::Csv(files) = &self.out
            && !files.parts.contains_key(&part)
        {
            let mut out = std::mem::replace(&mut self.out, Out::Csv(Box::default()));
            let opened = match &mut out {
                Out::Csv(files) => self.open_part(files, &part),
                Out::Xlsx(..) => Ok(()),
            };
            self.out = out;
            opened?;
        }
        let nowhere = Columns::default();
        let (kept_in, columns) = match &self.out {
            Out::Xlsx(_, _, columns) => ("", columns),
            Out::Csv(files) => match files.parts.get(&part) {
                Some(one) => (one.origin.as_str(), &one.columns),
                None => ("", &nowhere),
            },
        };
        let key = self.plan.key().map(|key| match &cells[key] {
            Cell::Text(text) | Cell::Link { text, .. } => text.to_string(),
            _ => String::new(),
        });
        let said = self.recording.as_ref().zip(key.as_ref());
        let said = said.map(|(recording, key)| recording.row(key, ticket, &cells, &self.plan));
        if let (Some(at), Some((_, stamp))) = (self.plan.stamp(), &said) {
            cells[at] = Cell::Text(stamp.clone().into());
        }
        let mut dresses = Dresses::new();
        if let Some(key) = &key {
            let plan = &self.plan;
            dresses = self.kept.fill(kept_in, key, columns, &mut cells, |at| {
                plan.columns().get(at).is_some_and(Column::is_by_hand)
            })?;
            // It may have been changed, and sent, in the file of another part.
            for unsent in self.unsent.values_mut().filter(|unsent| !unsent.is_empty()) {
                unsent.meet(key, &cells, plan);
            }
        }
        self.row(&part, &cells, &dresses)?;
        if let (Some(recording), Some((said, _))) = (&mut self.recording, said) {
            let book = match &mut self.out {
                Out::Xlsx(book, ..) => Some(&mut **book),
                Out::Csv(_) => None,
            };
            recording.note(said, book)?;
        }
        if self.comments {
            self.write_comments(ticket)?;
        }
        self.written.tickets += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        for heading in self.plan.never_filled() {
            self.written.notes.push(format!(
                "the column `{heading}` is empty in all {} tickets: no ticket had such a member",
                self.written.tickets
            ));
        }
        self.written.notes.extend(self.kept.notes());
        if self.raw {
            let note = "texts stand as they are (--raw): a spreadsheet program RUNS those that begin with = + - @";
            self.written.notes.push(note.to_owned());
        }
        match std::mem::replace(&mut self.out, Out::Csv(Box::default())) {
            Out::Xlsx(book, head, columns) => self.finish_book(*book, head, &columns),
            Out::Csv(files) => self.finish_files(*files),
        }
    }
}

/// Keeps a file that has changes of people which were not sent.
pub(super) fn keep_unsent(target: &mut Target, unsent: Option<&Unsent>) {
    if target.foreign.is_none() {
        target.foreign = unsent.and_then(Unsent::why);
    }
}

pub(super) fn csv_row(file: &mut CsvFile, cells: &[Cell<'_>], plan: &Plan) -> Result<()> {
    let own = plan.columns().len();
    for (at, cell) in cells.iter().enumerate() {
        file.cell(cell, plan, (at < own).then_some(at))?;
    }
    file.end()
}

/// Whether a CSV begins with these headings.
fn starts_with(path: &Path, headings: &[&str]) -> bool {
    let mut head = vec![0; 1024];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut head));
    let head = String::from_utf8_lossy(&head[..read.unwrap_or(0)]).into_owned();
    head.trim_start_matches('\u{feff}')
        .starts_with(&headings.join(","))
}

pub(super) fn rows(count: u64) -> &'static str {
    if count == 1 { "row" } else { "rows" }
}

pub(super) fn stand(count: u64) -> &'static str {
    if count == 1 {
        "it stands"
    } else {
        "they stand"
    }
}

/// `tickets.csv` gives `tickets.comments.csv`.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let part =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = part(path.file_stem()).unwrap_or_default();
    let extension = part(path.extension()).unwrap_or_else(|| "csv".to_owned());
    path.with_file_name(format!("{stem}.{what}.{extension}"))
}
