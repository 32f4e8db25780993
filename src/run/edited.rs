//! An exported file that comes back: each cell against its baseline, and where people have changed it against the desk,
//! before anything is sent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::Limiter;
use super::prepare::Items;
use super::rehearse::{Unread, read};
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::export::baseline::judge::{Desk as InDesk, Verdict, is_edited, judge};
use crate::export::baseline::{Baseline, Entry, Stamp, Value};
use crate::export::columns::Plan;
use crate::intake::{Item, Subject};
use crate::ledger::{Scope, State};
use crate::mapping::{BoundPlan, FieldColumn, MapRows, TicketName, Touched};
use crate::record::{Cell, Place, Record, RowKey};
use crate::systems::System;
use crate::systems::common::CommonTicket;
use crate::systems::sighting::OBEYED;

/// How many edited rows are looked at together.
const TOGETHER: usize = 128;

/// The file that comes back.
pub struct File<'a> {
    /// The mapping, bound to its tables.
    pub plan: &'a BoundPlan,
    /// The columns as an export makes them.
    pub columns: Plan,
    /// What it said when it was written, by table.
    pub(crate) baselines: Vec<TableBaseline>,
    /// What is known of earlier imports of it.
    pub scope: &'a Scope,
    /// Rows of which an earlier attempt is not settled: what the desk says may be theirs, and they go again as they went.
    pub unsettled: HashSet<RowKey>,
    /// Whether what was changed on both sides is sent all the same.
    pub overwrites: bool,
}

/// What is known of what a table said when it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableBaseline {
    /// What each row said.
    pub(crate) baseline: Option<Arc<Baseline>>,
    /// The column with the stamps of the rows.
    pub(crate) stamp: Option<usize>,
    /// When it was read, where a row says nothing of that.
    pub(crate) read_at: Option<Timestamp>,
    /// Whether an empty cell says nothing at all: a row of a file of conflicts has one cell of its ticket, or none yet.
    pub(crate) is_sparse: bool,
}

impl TableBaseline {
    /// What a row said when it was written, and since when a change in the desk is another's. Of a row with another stamp
    /// the baseline says nothing: the row is from another export.
    fn of(&self, record: &Record, name: &str) -> Result<(Option<Entry>, Option<Timestamp>)> {
        let entry = match &self.baseline {
            Some(baseline) => {
                baseline.seen(name)?;
                baseline.entry(name)?
            }
            None => None,
        };
        let (entry, read_at) = match self.stamp {
            None => (entry, self.read_at),
            Some(at) => match Stamp::parse(&record.cell(at).text()) {
                Some(stamp) => (entry.filter(|entry| stamp.is_of(entry)), Some(stamp.at)),
                None => (None, None),
            },
        };
        let updated = entry.as_ref().and_then(|entry| entry.updated);
        Ok((entry, updated.or(read_at)))
    }
}

/// Where the tickets are.
pub struct Desk<'a> {
    /// The system.
    pub system: Arc<dyn System>,
    /// Its limit.
    pub limiter: &'a Limiter,
    /// How many tickets are read at once.
    pub concurrency: usize,
    /// The names of its things.
    pub directory: &'a Directory,
}

/// What people have changed.
#[derive(Debug, Default)]
pub struct Edited {
    /// The cells that are sent.
    pub touched: Touched,
    /// The cells that were changed on both sides, in the order of the file.
    pub clashes: Vec<Clash>,
    /// When the desk had changed the tickets that are written to, by what the file calls them.
    pub compared: HashMap<String, Timestamp>,
    /// The counts.
    pub counts: Counts,
}

/// The cells of an edited file, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Cells that say something else than when they were written.
    pub cells: u64,
    /// The rows of which something is sent.
    pub rows: u64,
    /// Those that are sent.
    pub sent: u64,
    /// Those that say what the desk says already.
    pub in_desk: u64,
    /// Those that were changed in the desk too.
    pub conflicts: u64,
    /// Cells that people have emptied: those leave their fields alone.
    pub emptied: u64,
    /// Rows of tickets without a baseline.
    pub without_baseline: u64,
    /// Tickets of the export that have no row any more.
    pub gone: u64,
}

/// A cell that was changed on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Clash {
    /// Its row.
    pub place: Place,
    /// What the file calls the ticket.
    pub ticket: String,
    /// The number that people use, or the id.
    pub number: String,
    /// What stands above it.
    pub column: String,
    /// What it said when it was written; `None`: that is not known.
    pub(crate) was: Option<Value>,
    /// What it says now.
    pub file: Cell,
    /// What the desk says; `None`: it does not show it.
    pub(crate) desk: Option<Value>,
    /// Who has changed the ticket since the export, the last one first; nobody where the system does not say it. Which of
    /// its fields they have changed, no system says.
    pub by: Vec<String>,
    /// When the desk has changed the ticket last.
    pub at: Option<Timestamp>,
}

/// A row that people have changed.
struct Row {
    place: Place,
    key: Option<RowKey>,
    /// When something of it was sent last.
    sent_at: Option<Timestamp>,
    name: String,
    /// Since when a change in the desk is another's.
    since: Option<Timestamp>,
    /// Whether what the desk says already is sent too.
    again: bool,
    /// Cells that are sent whatever the desk says.
    plain: Vec<usize>,
    cells: Vec<EditedCell>,
}

struct EditedCell {
    index: usize,
    heading: String,
    /// Among the columns of the export.
    column: usize,
    was: Option<Value>,
    now: Value,
    file: Cell,
}

/// What came of reading a ticket.
enum Found {
    Ticket(Box<CommonTicket>),
    /// Nobody was asked.
    Unasked,
    /// There is none of that name, or another one.
    Gone,
    /// It is there, perhaps, and we may not read it: nobody can tell whose change a cell of it is.
    Denied,
}

/// A column that is compared, in one table.
struct Compared {
    at: FieldColumn,
    /// Among the columns of the export; `None`: it is none of them.
    column: Option<usize>,
    /// Among those of the baseline.
    baseline: Option<usize>,
}

/// Looks at every row of the file, and at the tickets of those that people have changed. Without a desk nothing is compared
/// with it.
///
/// # Errors
/// When the file cannot be read to its end, or tickets cannot be read.
pub async fn look(items: Items<'_>, mut file: File<'_>, desk: Option<Desk<'_>>) -> Result<Edited> {
    let mut edited = Edited::default();
    let tables: Vec<Vec<Compared>> = (0..file.baselines.len())
        .map(|table| file.compared(table))
        .collect();
    let mut waiting = Vec::new();
    for item in items {
        let item = item?;
        if let Some(row) = file.edits(&item, &tables, &mut edited.counts)? {
            waiting.push(row);
        }
        if waiting.len() == TOGETHER {
            let rows = std::mem::take(&mut waiting);
            file.judge_all(rows, desk.as_ref(), &mut edited).await?;
        }
    }
    file.judge_all(waiting, desk.as_ref(), &mut edited).await?;
    let mut counted: Vec<*const Baseline> = Vec::new();
    for baseline in file.baselines.iter().filter_map(|it| it.baseline.as_ref()) {
        // Several tables may share one.
        if !counted.contains(&Arc::as_ptr(baseline)) {
            counted.push(Arc::as_ptr(baseline));
            edited.counts.gone += u64::try_from(baseline.gone()?).unwrap_or_default();
        }
    }
    Ok(edited)
}

impl Desk<'_> {
    /// Who has changed a ticket; nobody where that cannot be read: a conflict without a name is one all the same.
    async fn changed_by(&self, ticket: &str, since: Timestamp) -> Vec<String> {
        let changed_by = self.system.changed_by(ticket, since, self.limiter);
        changed_by.await.unwrap_or_else(|error| {
            tracing::debug!(ticket, %error, "nobody is named");
            Vec::new()
        })
    }
}

impl File<'_> {
    fn compared(&self, table: usize) -> Vec<Compared> {
        let known = self.baselines.get(table);
        let baseline = known.and_then(|known| known.baseline.as_ref());
        let headings = self.columns.columns();
        let columns = self.plan.field_columns(table).into_iter();
        columns
            .map(|at| {
                let same = |heading: &str| {
                    crate::record::fold(heading) == crate::record::fold(&at.heading)
                };
                Compared {
                    column: headings.iter().position(|column| same(&column.heading)),
                    baseline: baseline.and_then(|baseline| baseline.column(&at.heading)),
                    at,
                }
            })
            .collect()
    }

    /// What people have changed in a row; `None` for one that they have left alone.
    fn edits(
        &self,
        item: &Item,
        tables: &[Vec<Compared>],
        counts: &mut Counts,
    ) -> Result<Option<Row>> {
        let Subject::Keyed(key) = &item.subject else {
            return Ok(None);
        };
        let Ok(TicketName::Named(name)) = self.plan.target(&item.rows) else {
            // What is wrong with it is told when it is mapped.
            return Ok(Some(Row::all(item, tables)));
        };
        let mut row = Row {
            place: item.place().clone(),
            key: Some(key.clone()),
            sent_at: None,
            name,
            since: None,
            again: self.unsettled.contains(key),
            plain: Vec::new(),
            cells: Vec::new(),
        };
        for record in &item.rows {
            let known = self.baselines.get(record.table);
            let (entry, since) = match known {
                Some(known) => known.of(record, &row.name)?,
                None => (None, None),
            };
            row.since = since;
            counts.without_baseline += u64::from(entry.is_none());
            for compared in tables.get(record.table).into_iter().flatten() {
                let cell = record.cell(compared.at.index);
                let Some(column) = compared.column else {
                    // Nobody knows what it said: it is none of the export.
                    if !cell.is_empty() {
                        row.plain.push(compared.at.index);
                    }
                    continue;
                };
                let Some(now) = Value::read(cell) else {
                    row.plain.push(compared.at.index);
                    continue;
                };
                let was = entry.as_ref().zip(compared.baseline);
                let was = was.map(|(entry, at)| entry.value(at).clone());
                if !is_edited(was.as_ref(), &now) {
                    continue;
                }
                if cell.is_empty() && known.is_some_and(|known| known.is_sparse) {
                    continue;
                }
                // Nobody knows of an empty cell without a baseline that a person has emptied it.
                if cell.is_empty() && (!compared.at.clears || was.is_none()) {
                    counts.emptied += u64::from(was.is_some());
                    continue;
                }
                row.cells.push(EditedCell {
                    index: compared.at.index,
                    heading: compared.at.heading.clone(),
                    column,
                    was,
                    now,
                    file: cell.clone(),
                });
            }
        }
        let is_touched = !row.cells.is_empty() || !row.plain.is_empty();
        Ok(is_touched.then_some(row))
    }

    async fn judge_all(
        &mut self,
        mut rows: Vec<Row>,
        desk: Option<&Desk<'_>>,
        edited: &mut Edited,
    ) -> Result<()> {
        let keyed = || rows.iter().filter(|row| row.key.is_some());
        let keys = keyed().filter_map(|row| row.key.clone()).collect();
        let known = self.scope.states(keys).await?;
        for (row, steps) in rows.iter_mut().filter(|row| row.key.is_some()).zip(known) {
            let sent = steps.iter().filter(|step| step.state == State::Done);
            row.sent_at = sent.filter_map(|step| step.sent_at).max();
        }
        let Some(desk) = desk else {
            for row in rows {
                self.judge(row, &Found::Unasked, edited)?;
            }
            return Ok(());
        };
        let most = desk.concurrency.max(1);
        let asked = stream::iter(rows).map(|row| async move {
            let ticket = match row.cells.is_empty() {
                true => Found::Unasked,
                false => match read(&desk.system, desk.limiter, &row.name).await? {
                    Ok(ticket) => Found::Ticket(Box::new(ticket)),
                    Err(Unread::Gone | Unread::Another(_)) => Found::Gone,
                    Err(Unread::Forbidden(_)) => Found::Denied,
                },
            };
            Ok::<_, Error>((row, ticket))
        });
        // Who changed what is asked for when all are read: a read that has the limiter's turn and is not polled meanwhile would
        // keep every other request waiting for ever.
        let mut disputed = Vec::new();
        let mut asked = std::pin::pin!(asked.buffered(most));
        while let Some(answered) = asked.next().await {
            let (row, mut found) = answered?;
            if let Found::Ticket(ticket) = &mut found {
                ticket.refresh_names(desk.directory);
            }
            let since = row.since;
            let known = edited.clashes.len();
            self.judge(row, &found, edited)?;
            let clashes = known..edited.clashes.len();
            if let (Found::Ticket(ticket), Some(since), false) = (&found, since, clashes.is_empty())
            {
                disputed.push((ticket.id.clone(), since, clashes));
            }
        }
        for (ticket, since, clashes) in disputed {
            let by = desk.changed_by(&ticket, since).await;
            for clash in &mut edited.clashes[clashes] {
                clash.by.clone_from(&by);
            }
        }
        Ok(())
    }

    /// The verdicts on the cells of a row. A ticket that is not there any more is told when it is looked up to be changed.
    fn judge(&mut self, row: Row, found: &Found, edited: &mut Edited) -> Result<()> {
        let ticket = match found {
            Found::Ticket(ticket) => Some(&**ticket),
            Found::Unasked | Found::Gone | Found::Denied => None,
        };
        let since = row.since;
        let updated = ticket.and_then(|ticket| ticket.updated);
        let changed = since.zip(updated).map(|(since, updated)| updated > since);
        // The desk says what the export said, although something was sent since: who changed the ticket after that may have
        // set it back.
        let is_set_back = (row.sent_at.zip(updated))
            .is_some_and(|(sent, updated)| updated.duration_since(sent) > OBEYED);
        let mut shown = Vec::new();
        if let Some(ticket) = ticket {
            self.columns.cells(ticket, &mut shown)?;
        }
        let mut sent = row.plain;
        let mut conflict = false;
        let counts = &mut edited.counts;
        for cell in row.cells {
            let is_hidden = ticket.is_some_and(|it| self.columns.is_hidden(cell.column, it));
            let shown = shown.get(cell.column).filter(|_| !is_hidden);
            let is_list = self.columns.is_list(cell.column);
            let desk = shown.map(|shown| Value::exported(shown, is_list));
            let verdict = match found {
                Found::Unasked | Found::Gone => Verdict::Send,
                Found::Denied => Verdict::Conflict,
                Found::Ticket(_) => {
                    let desk = match &desk {
                        Some(desk) => InDesk::Has(desk),
                        None => InDesk::Hidden { changed },
                    };
                    match judge(cell.was.as_ref(), &cell.now, desk, changed) {
                        Verdict::Send if is_set_back => Verdict::Conflict,
                        verdict => verdict,
                    }
                }
            };
            // Without a baseline most cells say what the desk says: nobody has changed them.
            counts.cells += u64::from(cell.was.is_some() || verdict != Verdict::InDesk);
            match verdict {
                Verdict::Untouched => {}
                Verdict::InDesk if row.again => sent.push(cell.index),
                Verdict::InDesk => counts.in_desk += u64::from(cell.was.is_some()),
                Verdict::Send => {
                    counts.sent += 1;
                    sent.push(cell.index);
                }
                Verdict::Conflict => {
                    counts.conflicts += 1;
                    if self.overwrites {
                        sent.push(cell.index);
                    } else {
                        conflict = true;
                    }
                    edited.clashes.push(Clash {
                        place: row.place.clone(),
                        ticket: row.name.clone(),
                        number: ticket
                            .and_then(|ticket| ticket.number.clone())
                            .unwrap_or_else(|| row.name.clone()),
                        column: cell.heading,
                        was: cell.was,
                        file: cell.file,
                        desk,
                        by: Vec::new(),
                        at: updated,
                    });
                }
            }
        }
        counts.rows += u64::from(!sent.is_empty());
        let compared = match found {
            // One that is there after all was never compared: whatever changed it was later than this.
            Found::Gone => Some(Timestamp::MIN),
            _ => updated,
        };
        if let Some(at) = compared.filter(|_| !sent.is_empty()) {
            edited.compared.insert(row.name, at);
        }
        if !sent.is_empty() || conflict {
            edited.touched.add(row.place, sent, conflict);
        }
        Ok(())
    }
}

impl Row {
    /// A row that is mapped whole.
    fn all(item: &Item, tables: &[Vec<Compared>]) -> Self {
        let table = item.rows[0].table;
        let columns = tables.get(table).into_iter().flatten();
        Self {
            place: item.place().clone(),
            key: None,
            sent_at: None,
            name: String::new(),
            since: None,
            again: false,
            plain: columns.map(|compared| compared.at.index).collect(),
            cells: Vec::new(),
        }
    }
}
