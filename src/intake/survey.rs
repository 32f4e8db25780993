//! The first pass, and the second that hands the records on.

use std::path::Path;

use super::ahead::{BATCH, read_ahead};
use super::apart::Apart;
use super::candidate::{Candidate, Candidates, Counts};
use super::sort::{Fixed, Sorter};
use super::spool::{Spool, Spooled};
use super::ties::Ties;
use super::verdict::{Prints, Verdicts, content_key, key_print};
use super::{Digest, Identify, Item, Selection, Subject};
use crate::error::{Error, Fault, Result};
use crate::record::{Place, Record, RowKey};
use crate::source::bounds::batch_of;
use crate::source::{Input, Row, Table};

/// How much memory the fingerprints may take before they go to temporary files.
const MEMORY: usize = 16 * 1024 * 1024;
/// What the first pass found out.
#[derive(Debug)]
pub struct Survey {
    verdicts: Verdicts,
    ties: Ties,
    pub(super) spool: Option<Spool>,
    selection: Selection,
    fingerprint: String,
    /// Of the whole input, the selection left aside.
    candidates: u64,
    rows: u64,
    records: u64,
    filtered: u64,
    /// The first row whose group is unknown, as its table and row number, and how many such rows there are: any group may
    /// lack one of them.
    stray: Option<(usize, u64, u64)>,
}

/// Reads the input once: filters, finds the keys and what is wrong with them.
///
/// Keys are judged over the whole input, whatever the selection: a row keeps its key when it is run alone.
/// Temporary files go to `scratch`.
///
/// # Errors
/// When the input cannot be read to its end, or `scratch` cannot be written.
pub fn survey(
    input: &Input,
    identify: &dyn Identify,
    selection: &Selection,
    scratch: &Path,
) -> Result<Survey> {
    survey_within(input, identify, selection, scratch, MEMORY)
}

/// The same with a bound for the memory of fingerprints.
pub(super) fn survey_within(
    input: &Input,
    identify: &dyn Identify,
    selection: &Selection,
    scratch: &Path,
    memory: usize,
) -> Result<Survey> {
    let mut pass = Pass::new(selection, identify, scratch, memory);
    let rows = Apart::new(input.rows()?, identify);
    let counts = std::thread::scope(|threads| {
        let widths = input.tables().iter().map(|table| table.header.len());
        let most = batch_of(widths.max().unwrap_or(0), BATCH);
        let mut candidates = read_ahead(threads, Candidates::new(rows, identify), most);
        for candidate in &mut candidates {
            pass.take(&candidate?, identify)?;
        }
        Ok::<_, Error>(candidates.into_inner().counts())
    })?;
    if !pass.scattered()? {
        return pass.survey(input, counts, None);
    }
    let rows = Apart::new(input.rows()?, identify);
    let spool = Spool::fill(rows, identify, scratch)?;
    let mut pass = Pass::new(selection, identify, scratch, memory);
    let mut candidates = spool.candidates(identify, input.tables())?;
    for candidate in &mut candidates {
        pass.take(&candidate?, identify)?;
    }
    let counts = candidates.counts();
    pass.survey(input, counts, Some(spool))
}

/// A group's digest, to find those that appear twice.
impl Fixed for Digest {
    const SIZE: usize = size_of::<Digest>();

    fn put(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(self);
    }

    fn take(bytes: &[u8]) -> Self {
        bytes.try_into().expect("as many bytes were written")
    }
}

/// The first pass on its way.
struct Pass<'a> {
    selection: &'a Selection,
    prints: Prints,
    ties: Ties,
    groups: Option<Sorter<Digest>>,
    candidates: u64,
    records: u64,
    unselected: u64,
    /// Whether no record names one of the input.
    names_elsewhere: bool,
}

impl<'a> Pass<'a> {
    fn new(
        selection: &'a Selection,
        identify: &dyn Identify,
        scratch: &Path,
        memory: usize,
    ) -> Self {
        Self {
            names_elsewhere: identify.names_elsewhere(),
            selection,
            prints: Prints::new(scratch, memory),
            ties: Ties::default(),
            groups: Some(Sorter::new(scratch, memory / 4 / size_of::<Digest>())),
            candidates: 0,
            records: 0,
            unselected: 0,
        }
    }

    fn take(&mut self, candidate: &Candidate, identify: &dyn Identify) -> Result<()> {
        if let (Some(groups), Some(group)) = (&mut self.groups, candidate.group) {
            groups.push(group)?;
        }
        if candidate.is_left_out {
            return Ok(());
        }
        // Rows that have a fault, or whose key cannot be made, clash with nobody.
        if candidate.faults.is_empty()
            && let Ok(identity) = identify.identify(&candidate.rows)
        {
            self.prints
                .add(self.candidates, &identity, &candidate.rows[0])?;
            if let (Some(key), false) = (&identity.key, self.names_elsewhere) {
                let key = key_print(key.as_str());
                for named in identify.ties(&candidate.rows) {
                    let other = key_print(named.key.as_str());
                    let row = candidate.rows[0].place.row;
                    self.ties.add(key, other, named.is_above, row);
                }
            }
        }
        self.candidates += 1;
        if self.selection.takes_any(&candidate.rows) {
            self.records += 1;
        } else {
            self.unselected += candidate.rows.len() as u64;
        }
        Ok(())
    }

    /// Whether a group was seen in two places.
    fn scattered(&mut self) -> Result<bool> {
        let Some(groups) = self.groups.take() else {
            return Ok(false);
        };
        let mut groups = groups.sorted()?;
        let mut last = None;
        while let Some(group) = groups.next()? {
            if last == Some(group) {
                return Ok(true);
            }
            last = Some(group);
        }
        Ok(false)
    }

    fn survey(mut self, input: &Input, counts: Counts, spool: Option<Spool>) -> Result<Survey> {
        Ok(Survey {
            verdicts: self.prints.judge(&mut self.ties)?,
            ties: self.ties,
            spool,
            selection: self.selection.clone(),
            fingerprint: input.fingerprint().to_owned(),
            candidates: self.candidates,
            rows: counts.rows,
            records: self.records,
            filtered: counts.filtered + self.unselected,
            stray: counts.stray,
        })
    }
}

impl Survey {
    /// The rows that were read, blank ones left aside.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// A warning about keys that look the same and differ in invisible characters.
    pub fn alike(&self, input: &Input) -> Option<String> {
        self.verdicts.alike(input.tables())
    }

    /// The records that the second pass hands on.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The rows that a condition or the selection left out.
    pub fn filtered(&self) -> u64 {
        self.filtered
    }

    /// The fault that holds back a record when a row of its group may be missing.
    fn held_back(&self, first: &Record, tables: &[Table]) -> Option<Fault> {
        let (table, row, count) = self.stray?;
        let place = match tables.get(table) {
            Some(of) if table != first.table => Place {
                file: of.file.clone(),
                sheet: of.sheet.clone(),
                row,
            }
            .to_string(),
            _ => format!("row {row}"),
        };
        let more = match count - 1 {
            0 => String::new(),
            1 => " and 1 more row".to_owned(),
            more => format!(" and {more} more rows"),
        };
        let message = format!(
            "{place}{more} cannot be read and may belong to this ticket (`group_by`): the ticket is held back"
        );
        let hint = format!("fix {place} first");
        Some(Fault::row(first.place.clone(), message).hint(hint))
    }

    /// Reads the input again and hands on each record with what it turned out to be.
    ///
    /// # Errors
    /// A machine error when the input is no longer what the first pass read; the items are `Err` for the
    /// same reason, or when reading cannot go on.
    pub fn items<'a>(
        &'a self,
        input: &'a Input,
        identify: &'a dyn Identify,
    ) -> Result<Box<dyn Iterator<Item = Result<Item>> + Send + 'a>> {
        if input.fingerprint() != self.fingerprint {
            return Err(changed());
        }
        let candidates = match &self.spool {
            Some(spool) => Second::Spooled(spool.candidates(identify, input.tables())?),
            None => {
                let rows: InputRows<'_> = match identify.takes_apart() {
                    true => Box::new(Apart::new(input.rows()?, identify)),
                    false => input.rows()?,
                };
                Second::Streamed(Box::new(Candidates::new(rows, identify)))
            }
        };
        Ok(Box::new(Items {
            survey: self,
            input,
            identify,
            tables: input.tables(),
            candidates,
            candidate: 0,
            ordinal: 0,
            over: false,
            names_elsewhere: identify.names_elsewhere(),
        }))
    }
}

fn changed() -> Error {
    Error::machine("the input changed between its two readings")
        .hint("let the program that writes it finish, then run the same command again")
}

type InputRows<'a> = Box<dyn Iterator<Item = Result<Row>> + Send + 'a>;

enum Second<'a> {
    Streamed(Box<Candidates<'a, InputRows<'a>>>),
    Spooled(Spooled<'a>),
}

impl Iterator for Second<'_> {
    type Item = Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Streamed(candidates) => {
                candidates.find(|candidate| !candidate.as_ref().is_ok_and(|one| one.is_left_out))
            }
            Self::Spooled(candidates) => candidates.next(),
        }
    }
}

struct Items<'a> {
    survey: &'a Survey,
    input: &'a Input,
    identify: &'a dyn Identify,
    tables: &'a [Table],
    candidates: Second<'a>,
    /// Among all records of the input, as in the first pass.
    candidate: u64,
    /// Among those selected.
    ordinal: u64,
    over: bool,
    /// Whether no record names one of the input.
    names_elsewhere: bool,
}

impl Items<'_> {
    fn item(&mut self, candidate: Candidate) -> Item {
        let Candidate { rows, faults, .. } = candidate;
        let subject = if !faults.is_empty() {
            Subject::Faulty(None, faults)
        } else if let Some(fault) = self.survey.held_back(&rows[0], self.tables) {
            let key = self.identify.key(&rows).ok().flatten();
            Subject::Faulty(key, vec![fault])
        } else {
            match self.identify.key(&rows) {
                Err(faults) => Subject::Faulty(None, faults),
                Ok(key) => {
                    let content = || RowKey::new(content_key(&self.identify.content(&rows)));
                    self.survey.verdicts.subject(
                        self.candidate,
                        key.unwrap_or_else(content),
                        &rows[0],
                        self.tables,
                    )
                }
            }
        };
        let (subject, absent) = self.tied(subject, &rows);
        let ordinal = self.ordinal;
        self.ordinal += 1;
        Item {
            ordinal,
            rows,
            subject,
            absent,
        }
    }

    /// A record that is led back to itself is none; and which keys it names that the input does not have.
    fn tied(&self, subject: Subject, rows: &[Record]) -> (Subject, Vec<RowKey>) {
        let ties = &self.survey.ties;
        // All that is wrong with a record is told at once.
        let (Subject::Keyed(key) | Subject::Faulty(Some(key), _)) = &subject else {
            return (subject, Vec::new());
        };
        if self.names_elsewhere {
            let named = self.identify.ties(rows).into_iter();
            return (subject, named.map(|named| named.key).collect());
        }
        if ties.is_empty() {
            return (subject, Vec::new());
        }
        if let (Subject::Keyed(_), Some(ring)) = (&subject, ties.ring(&key_print(key.as_str()))) {
            let fault = self.identify.led_back(rows, &ring);
            return (Subject::Faulty(Some(key.clone()), vec![fault]), Vec::new());
        }
        let named = self.identify.ties(rows).into_iter();
        let absent = named.filter(|named| !ties.has(&key_print(named.key.as_str())));
        (subject, absent.map(|named| named.key).collect())
    }

    /// At the end the two passes must have seen the same.
    fn end(&mut self) -> Option<Result<Item>> {
        self.over = true;
        let same = self.candidate == self.survey.candidates;
        match self.input.unchanged() {
            Err(error) => Some(Err(error)),
            Ok(()) => (!same).then(|| Err(changed())),
        }
    }
}

impl Iterator for Items<'_> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            match self.candidates.next() {
                None => return self.end(),
                Some(Err(error)) => {
                    self.over = true;
                    return Some(Err(error));
                }
                // One more than was judged: it may be a part of anything.
                Some(Ok(_)) if self.candidate == self.survey.candidates => {
                    self.over = true;
                    return Some(Err(changed()));
                }
                Some(Ok(candidate)) => {
                    let taken = self.survey.selection.takes_any(&candidate.rows);
                    let item = taken.then(|| self.item(candidate));
                    self.candidate += 1;
                    if let Some(item) = item {
                        return Some(Ok(item));
                    }
                }
            }
        }
        None
    }
}
