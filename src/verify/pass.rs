//! The way of a verification: the ledger asked for every record, one listing, then the tickets that were chosen.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::account::Accounts;
use super::count::Counting;
use super::digest::{Digests, LedgerDigest};
use super::extra::{Held, Seen, hash};
use super::fold::Pending;
use super::month::Months;
use super::read::{Work, read};
use super::sample::{Choice, Drawing, SAMPLE};
use super::ticket::{Facts, told};
use super::{About, Difference, Finding, NotCompared, Report, Tally, Verdict};
use crate::directory::Directory;
use crate::error::Result;
use crate::intake::{Item, Subject};
use crate::ledger::{Scope, State, StepRecord, UNKNOWN_CONTENT};
use crate::mapping::reference::reference;
use crate::mapping::{BoundPlan, Due, Expected, FollowingValues, MapRows, TicketName};
use crate::record::{Record, RowKey};
use crate::run::{Refer, know_files};
use crate::source::Table;
use crate::systems::tie::tie;
use crate::systems::{
    CREATE, Operation, Permit, StepPayload, System, Ticket, Window, is_following_step,
};

/// How many records are asked about and read at once.
const BATCH: usize = 256;

/// The records of an input, read anew each time.
pub type Records<'a> =
    Box<dyn Fn() -> Result<Box<dyn Iterator<Item = Result<Item>> + Send + 'a>> + Send + Sync + 'a>;

/// An input of the run: the whole one first, then the corrected error files that were imported as attempts at it.
pub struct Source<'a> {
    /// The mapping, bound to its tables.
    pub plan: &'a BoundPlan,
    /// Its tables.
    pub tables: &'a [Table],
    /// Reads its records.
    pub records: Records<'a>,
    /// Rows that `where` or the selection left out.
    pub left_out: u64,
    /// What put the tickets into its records that they name; `None`: they were sent as they are.
    pub refer: Option<Arc<dyn Refer>>,
    /// Whether it holds records of other runs too: only those count whose keys the ledger has of this one.
    pub is_of_more: bool,
}

/// What is verified.
pub struct Job<'a> {
    /// The run.
    pub about: About,
    /// What it does with each record.
    pub operation: Operation,
    /// Its inputs, one at least.
    pub sources: Vec<Source<'a>>,
    /// Where the tickets are.
    pub system: &'a dyn System,
    /// The directory by which names became ids.
    pub directory: &'a Directory,
    /// The keys of the run.
    pub scope: Scope,
    /// The codes of its attempts.
    pub attempts: Vec<String>,
    /// The scope of the keys by which rows name the tickets that they act on, where they do.
    pub targets: Option<Scope>,
    /// Asked for before every request.
    pub permit: &'a dyn Permit,
    /// How many tickets are read at once.
    pub concurrency: usize,
    /// Whether all tickets are compared, whatever their number.
    pub full: bool,
    /// How many are compared otherwise.
    pub size: Option<u64>,
    /// By what they are chosen.
    pub seed: u64,
    /// The time in which the run may have made tickets.
    pub window: Window,
    /// The folder of the archive of files.
    pub archive: PathBuf,
    /// How long after a request what it did may be dated.
    pub slack: SignedDuration,
    /// The digests of inputs, mapping and directory.
    pub digests: Digests,
    /// What is known so far that a reader must know.
    pub notes: Vec<String>,
}

/// Reads a run back. `progress` is told how many of how many tickets were read.
///
/// # Errors
/// When the input cannot be read, the ledger cannot be asked, or the system cannot be reached.
pub async fn verify(job: Job<'_>, progress: &mut (dyn FnMut(u64, u64) + Send)) -> Result<Report> {
    let mut verifying = Verifying::new(job);
    verifying.find_keys().await?;
    let first = verifying.ask_ledger().await?;
    let seen = verifying.list(&first).await?;
    verifying.read_back(&first, &seen, progress).await?;
    verifying.lacking().await?;
    Ok(verifying.report(first, seen))
}

/// What the ledger says of all records.
pub(super) struct First {
    pub(super) choice: Choice,
    chosen: HashSet<u64>,
    held: Held,
    pub(super) ledger: (String, u64),
}

/// A verification on its way.
pub(super) struct Verifying<'a> {
    pub(super) job: Job<'a>,
    /// Of several inputs, which one says what was sent for a key.
    source_of: HashMap<RowKey, usize>,
    /// The keys of the run by the ledger, as hashes.
    keys: HashSet<u64>,
    /// Those that the inputs have.
    had: HashSet<u64>,
    pub(super) tally: Tally,
    pub(super) findings: Vec<(u64, Finding)>,
    pub(super) pending: Vec<Pending>,
    pub(super) shown: HashSet<String>,
    pub(super) not_compared: Vec<NotCompared>,
    pub(super) counting: Counting,
    /// Of the tickets that were compared, whether a difference is open.
    pub(super) compared: HashMap<u64, Option<bool>>,
    pub(super) accounts: Vec<Accounts>,
    pub(super) months: Vec<Months>,
}

impl<'a> Verifying<'a> {
    fn new(job: Job<'a>) -> Self {
        let zone = |source: &Source<'_>| {
            let own = source.plan.plan().zone().cloned();
            own.or_else(|| job.system.site_zone().cloned())
                .unwrap_or(TimeZone::UTC)
        };
        let months = (job.sources.iter())
            .map(|source| Months::of(source.tables, zone(source)))
            .collect();
        Self {
            accounts: (job.sources.iter())
                .map(|source| Accounts::new(source.plan))
                .collect(),
            tally: Tally {
                left_out: job.sources.first().map_or(0, |source| source.left_out),
                ..Tally::default()
            },
            months,
            job,
            source_of: HashMap::new(),
            keys: HashSet::new(),
            had: HashSet::new(),
            findings: Vec::new(),
            pending: Vec::new(),
            shown: HashSet::new(),
            not_compared: Vec::new(),
            counting: Counting::default(),
            compared: HashMap::new(),
        }
    }

    /// The next records of an input.
    fn batch(items: &mut (dyn Iterator<Item = Result<Item>> + Send)) -> Result<Vec<Item>> {
        items.take(BATCH).collect()
    }

    async fn states(&self, batch: &[Item]) -> Result<HashMap<RowKey, Vec<StepRecord>>> {
        let keys: Vec<RowKey> = (batch.iter())
            .filter_map(|item| match &item.subject {
                Subject::Keyed(key) => Some(key.clone()),
                _ => None,
            })
            .collect();
        let states = self.job.scope.states(keys.clone()).await?;
        Ok(keys.into_iter().zip(states).collect())
    }

    /// Whether an input is the one that says what was sent for a key.
    fn is_of(&self, source: usize, key: &RowKey) -> bool {
        self.source_of.get(key).is_none_or(|own| *own == source)
    }

    /// Which input says what was sent for each key: the one whose row has the content that the ledger knows.
    async fn find_sources(&mut self) -> Result<()> {
        if self.job.sources.len() < 2 {
            return Ok(());
        }
        let mut matched: HashSet<RowKey> = HashSet::new();
        for at in 0..self.job.sources.len() {
            let mut items = (self.job.sources[at].records)()?;
            loop {
                let batch = Self::batch(&mut items)?;
                if batch.is_empty() {
                    break;
                }
                let states = self.states(&batch).await?;
                for item in batch {
                    let Subject::Keyed(key) = item.subject else {
                        continue;
                    };
                    let content = self.job.sources[at].plan.content(&item.rows);
                    let is_it = is_content(&states[&key], content);
                    if is_it && matched.insert(key.clone()) {
                        self.source_of.insert(key, at);
                    } else {
                        self.source_of.entry(key).or_insert(at);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next keys of the run by the ledger.
    async fn page_of_keys(&self, after: Option<RowKey>) -> Result<Vec<RowKey>> {
        let attempts = Some(&*self.job.attempts);
        self.job.scope.keys(attempts, after, BATCH as u32).await
    }

    async fn find_keys(&mut self) -> Result<()> {
        let mut after = None;
        loop {
            let keys = self.page_of_keys(after).await?;
            self.keys.extend(keys.iter().map(|key| hash(key.as_str())));
            after = keys.last().cloned();
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Reports what the run has sent of rows that no input has any more: nobody can say what should be there.
    async fn lacking(&mut self) -> Result<()> {
        if self.keys.is_subset(&self.had) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let keys = self.page_of_keys(after).await?;
            after = keys.last().cloned();
            if after.is_none() {
                return Ok(());
            }
            let keys = keys.into_iter();
            let keys: Vec<RowKey> = keys
                .filter(|key| !self.had.contains(&hash(key.as_str())))
                .collect();
            let states = self.job.scope.states(keys.clone()).await?;
            for (key, steps) in keys.into_iter().zip(states) {
                let open = |step: &&StepRecord| !matches!(step.state, State::Done | State::Skipped);
                let open = steps
                    .iter()
                    .find(open)
                    .map(|step| format!("; {}", told(step)));
                let lost = Difference::new(Verdict::Unreadable, "row").note(format!(
                    "the input does not have it any more: its ticket was not compared{}",
                    open.unwrap_or_default()
                ));
                let finding = Finding {
                    place: None,
                    key: Some(key),
                    ticket: made(&steps).cloned(),
                    difference: lost,
                };
                self.findings.push((u64::MAX, finding));
            }
        }
    }

    async fn ask_ledger(&mut self) -> Result<First> {
        self.find_sources().await?;
        let mut digest = LedgerDigest::default();
        let mut held = Held::default();
        let mut drawing = Drawing::new(self.job.size.unwrap_or(SAMPLE), self.job.seed);
        let marks = self.marks();
        let mut number = 0;
        for at in 0..self.job.sources.len() {
            let mut items = (self.job.sources[at].records)()?;
            loop {
                let batch = Self::batch(&mut items)?;
                if batch.is_empty() {
                    break;
                }
                let states = self.states(&batch).await?;
                for item in batch {
                    self.see(&item.subject);
                    let counts = self.counts(at, &item);
                    // The columns are those of the whole input, whichever file says what was sent.
                    if at == 0 || (counts && self.job.sources[at].is_of_more) {
                        item.rows.iter().for_each(|row| self.accounts[at].see(row));
                    }
                    if !counts {
                        continue;
                    }
                    self.tally.records += 1;
                    let own = number;
                    number += 1;
                    let Subject::Keyed(key) = &item.subject else {
                        self.tally.without_ticket += 1;
                        continue;
                    };
                    let steps = &states[key];
                    digest.add(key, steps);
                    match self.has_ticket(steps) {
                        true => {
                            self.tally.with_ticket += 1;
                            drawing.take(key, own);
                            if let (true, Some(ticket)) = (marks, made(steps)) {
                                let id = self.job.system.schema().ticket_id(&ticket.id);
                                held.add(&reference(self.job.scope.name(), key.as_str()), &id);
                            }
                        }
                        false => self.tally.without_ticket += 1,
                    }
                }
            }
        }
        let tickets = self.tally.with_ticket;
        let choice = Choice::of(tickets, self.job.full, self.job.size, self.job.seed);
        Ok(First {
            choice,
            chosen: match choice {
                Choice::Full => HashSet::new(),
                Choice::Sample { .. } => drawing.numbers(),
            },
            held,
            ledger: digest.finish(),
        })
    }

    /// Notes that an input has a key.
    fn see(&mut self, subject: &Subject) {
        let key = match subject {
            Subject::Keyed(key) | Subject::Repeated(key, _) => Some(key),
            Subject::Faulty(key, _) => key.as_ref(),
        };
        let spellings = key
            .into_iter()
            .flat_map(|key| [Some(key.clone()), key.old_spelling()]);
        let spellings = spellings.flatten();
        self.had.extend(spellings.map(|key| hash(key.as_str())));
    }

    /// Whether a record is one of the run: of a corrected error file only those rows are that were sent from it.
    fn counts(&self, source: usize, item: &Item) -> bool {
        match &item.subject {
            Subject::Keyed(key) if self.job.sources[source].is_of_more => {
                self.is_of(source, key) && self.keys.contains(&hash(key.as_str()))
            }
            Subject::Keyed(key) => self.is_of(source, key),
            Subject::Repeated(..) | Subject::Faulty(..) => source == 0,
        }
    }

    fn has_ticket(&self, steps: &[StepRecord]) -> bool {
        match self.job.operation.makes() {
            true => made(steps).is_some(),
            false => steps.iter().any(|step| step.state == State::Done),
        }
    }

    /// Whether the tickets bear references by which a second one can be told.
    fn marks(&self) -> bool {
        let plan = self.job.sources.first().map(|source| source.plan);
        self.job.operation.makes() && plan.is_some_and(MapRows::marks)
    }

    async fn list(&self, first: &First) -> Result<Seen> {
        if !self.job.operation.makes() {
            return Ok(Seen::nothing("the run made no tickets"));
        }
        let plan = self.job.sources.first().map(|source| source.plan);
        let field = plan.and_then(|plan| plan.marker_field());
        if !self.marks() {
            return Ok(Seen::nothing(
                "the tickets bear no reference (`marker = \"none\"`): nothing tells a second one",
            ));
        }
        let look = first
            .held
            .look(self.job.system, self.job.window, field, self.job.permit);
        look.await
    }

    async fn read_back(
        &mut self,
        first: &First,
        seen: &Seen,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<()> {
        let all = match first.choice {
            Choice::Full => self.tally.with_ticket,
            Choice::Sample { size, .. } => size.min(self.tally.with_ticket),
        };
        let archive = self.job.archive.clone();
        let facts = Facts {
            schema: self.job.system.schema(),
            directory: self.job.directory,
            operation: self.job.operation,
            archive: &archive,
            slack: self.job.slack,
        };
        let (system, permit) = (self.job.system, self.job.permit);
        let (mut number, mut read_so_far) = (0, 0);
        for at in 0..self.job.sources.len() {
            let mut items = (self.job.sources[at].records)()?;
            loop {
                let batch = Self::batch(&mut items)?;
                if batch.is_empty() {
                    break;
                }
                let mut states = self.states(&batch).await?;
                let mut works = Vec::new();
                for item in batch {
                    if !self.counts(at, &item) {
                        continue;
                    }
                    let steps = match &item.subject {
                        Subject::Keyed(key) => states.remove(key).unwrap_or_default(),
                        _ => Vec::new(),
                    };
                    let own = (at, number);
                    number += 1;
                    works.extend(self.work(own, item, steps, first, seen).await?);
                }
                let mut reading = stream::iter(works)
                    .map(|work| read(system, permit, facts, work))
                    .buffered(self.job.concurrency.max(1));
                let mut done = Vec::new();
                while let Some(one) = reading.try_next().await? {
                    read_so_far += u64::from(one.work.is_chosen);
                    progress(read_so_far, all);
                    done.push(one);
                }
                drop(reading);
                for one in done {
                    self.take(at, one);
                }
            }
        }
        Ok(())
    }

    /// What is to be read for a record; nothing where it has no ticket, or is not chosen.
    async fn work(
        &mut self,
        (source, number): (usize, u64),
        item: Item,
        steps: Vec<StepRecord>,
        first: &First,
        seen: &Seen,
    ) -> Result<Option<Work>> {
        let place = item.place().clone();
        let plan = self.job.sources[source].plan;
        let key = match item.subject {
            Subject::Keyed(key) => key,
            Subject::Repeated(key, other) => {
                let same = Difference::new(Verdict::Missing, "ticket")
                    .explained(format!("it says the same as row {}", other.row));
                self.add(number, (place, Some(key), None), same);
                return Ok(None);
            }
            Subject::Faulty(key, faults) => {
                let why = faults.iter().map(|fault| fault.message.clone());
                let lost = Difference::new(Verdict::Missing, "ticket")
                    .note(why.collect::<Vec<_>>().join("; "));
                self.add(number, (place, key, None), lost);
                return Ok(None);
            }
        };
        if !self.has_ticket(&steps) {
            let lost = self.without(plan.due(&item.rows, &key, &item.absent), &steps);
            self.add(number, (place, Some(key), None), lost);
            return Ok(None);
        }
        let own = reference(self.job.scope.name(), key.as_str());
        let others = match self.marks() {
            true => seen.others(&own),
            false => Vec::new(),
        };
        let made = made(&steps).cloned();
        let schema = self.job.system.schema();
        let is_lacking = |ticket: &Ticket| seen.lacks(&schema.ticket_id(&ticket.id));
        let is_chosen = first.choice == Choice::Full || first.chosen.contains(&number);
        let is_odd = !others.is_empty() || made.as_ref().is_some_and(is_lacking);
        if !is_chosen && !is_odd {
            return Ok(None);
        }
        let mut expected = match plan.due(&item.rows, &key, &item.absent) {
            Due::Ticket(expected) => expected,
            due @ (Due::Skip(_) | Due::Faults(_)) => {
                // It was sent, and the mapping makes nothing of it any more.
                let lost = self.without(due, &steps);
                let lost = Difference {
                    verdict: Verdict::Unreadable,
                    explained: None,
                    ..lost
                };
                if is_chosen {
                    self.compared.insert(number, Some(true));
                }
                self.add(number, (place, Some(key), made), lost);
                return Ok(None);
            }
        };
        let sent = (&item.rows[..], &item.absent[..]);
        self.refer(source, sent, (&key, &steps), &mut expected);
        self.tie(&mut expected).await?;
        let ticket = match made {
            Some(ticket) => ticket,
            None => match self.target(plan, &item.rows).await? {
                Ok(ticket) => ticket,
                Err(why) => {
                    let lost = Difference::new(Verdict::Unreadable, "ticket").note(why);
                    if is_chosen {
                        self.compared.insert(number, Some(true));
                    }
                    self.add(number, (place, Some(key), None), lost);
                    return Ok(None);
                }
            },
        };
        let aim = (!self.job.operation.makes()).then_some(&*ticket.id);
        know_files(&mut expected.steps, &steps, aim);
        let is_changed = !is_content(&steps, plan.content(&item.rows));
        let field = plan.marker_field().map(str::to_owned);
        let first_row = &item.rows[0];
        Ok(Some(Work {
            number,
            place,
            month: self.months[source].of_row(first_row),
            key,
            steps,
            ticket,
            expected,
            others,
            reference: self.marks().then_some((own, field)),
            is_changed,
            is_chosen,
        }))
    }

    /// Lets each step say what the attempt made of it that sent it: it names the tickets that were known by then.
    fn refer(
        &self,
        source: usize,
        (rows, absent): (&[Record], &[RowKey]),
        (key, known): (&RowKey, &[StepRecord]),
        expected: &mut Expected,
    ) {
        let source = &self.job.sources[source];
        let Some(refer) = &source.refer else {
            return;
        };
        let attempts: HashSet<&str> = known.iter().map(|step| &*step.run).collect();
        for attempt in attempts {
            let Some(rows) = refer.rewrite(rows, Some(attempt)) else {
                continue;
            };
            let Due::Ticket(sent) = source.plan.due(&rows, key, absent) else {
                continue;
            };
            // What made the ticket left before any had its number.
            let is_its = |step: &StepPayload| {
                let own = |known: &&StepRecord| {
                    known.id.name == step.step && known.id.ordinal == step.ordinal
                };
                let own = known.iter().find(own);
                is_following_step(&step.step) && own.is_some_and(|own| own.run == attempt)
            };
            for step in expected.steps.iter_mut().filter(|step| is_its(step)) {
                let same =
                    |other: &&StepPayload| other.step == step.step && other.ordinal == step.ordinal;
                if let Some(sent) = sent.steps.iter().find(same) {
                    *step = sent.clone();
                }
            }
            let is_its = |it: &FollowingValues| {
                let own = |known: &&StepRecord| {
                    known.id.name == it.step && known.id.ordinal == it.ordinal
                };
                (known.iter().find(own)).is_some_and(|own| own.run == attempt)
            };
            for values in expected.following.iter_mut().filter(|it| is_its(it)) {
                let mut sent = sent.following.iter();
                let same =
                    |it: &&FollowingValues| it.step == values.step && it.ordinal == values.ordinal;
                if let Some(sent) = sent.find(same) {
                    *values = sent.clone();
                }
            }
        }
    }

    /// Why a record has no ticket.
    fn without(&self, due: Due, steps: &[StepRecord]) -> Difference {
        let lost = Difference::new(Verdict::Missing, "ticket");
        let of_step = steps.iter().find(|step| step.state != State::Done);
        match (due, of_step) {
            (Due::Skip(why), _) => lost.explained(format!("the mapping leaves it out: {why}")),
            (_, Some(step)) => lost.note(told(step)),
            (Due::Faults(faults), None) => {
                let why = faults.iter().map(|fault| fault.message.clone());
                lost.note(why.collect::<Vec<_>>().join("; "))
            }
            (Due::Ticket(_), None) => {
                lost.note("the ledger has nothing of it: it was not sent".to_owned())
            }
        }
    }

    /// The ticket that a row acts on.
    async fn target(
        &self,
        plan: &BoundPlan,
        rows: &[Record],
    ) -> Result<std::result::Result<Ticket, String>> {
        let named = |id: String| Ticket {
            id,
            ..Ticket::default()
        };
        Ok(match plan.target(rows) {
            Ok(TicketName::Named(name)) => Ok(named(name)),
            Ok(TicketName::Made(key)) => {
                let scope = self.job.targets.as_ref().unwrap_or(&self.job.scope);
                let states = scope.states(vec![key.clone()]).await?;
                let ticket = states.first().and_then(|steps| made(steps).cloned());
                ticket.ok_or_else(|| format!("no ticket was made under the key `{key}`"))
            }
            Err(faults) => {
                let why = faults.iter().map(|fault| fault.message.clone());
                Err(why.collect::<Vec<_>>().join("; "))
            }
        })
    }

    /// Puts the ids of tickets where what is due names them by their keys.
    async fn tie(&self, expected: &mut Expected) -> Result<()> {
        let values = expected.values.iter().chain(&expected.later);
        let following = expected.following.iter().flat_map(|it| &it.values);
        let keys: Vec<RowKey> = values
            .chain(following)
            .flat_map(|value| crate::systems::tie::keys_of(&value.value))
            .map(RowKey::new)
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let scope = match self.job.operation.makes() {
            true => &self.job.scope,
            false => self.job.targets.as_ref().unwrap_or(&self.job.scope),
        };
        let states = scope.states(keys.clone()).await?;
        let ids: HashMap<RowKey, String> = keys
            .into_iter()
            .zip(states)
            .filter_map(|(key, steps)| Some((key, made(&steps)?.id.clone())))
            .collect();
        let id = |key: &str| ids.get(&RowKey::new(key)).cloned();
        let values = expected.values.iter_mut().chain(&mut expected.later);
        let following = expected.following.iter_mut().flat_map(|it| &mut it.values);
        for value in values.chain(following) {
            tie(&mut value.value, &id);
        }
        Ok(())
    }
}

/// The ticket that was made under a key.
fn made(steps: &[StepRecord]) -> Option<&Ticket> {
    let create = steps.iter().find(|step| step.id.name == CREATE)?;
    create
        .ticket
        .as_ref()
        .filter(|_| create.state == State::Done)
}

/// Whether the ledger knows a row by this content.
fn is_content(steps: &[StepRecord], content: crate::intake::Digest) -> bool {
    let is = |step: &StepRecord| step.content == content || step.content == UNKNOWN_CONTENT;
    steps.iter().any(is)
}
