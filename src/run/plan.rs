//! What is to be done with a record: a pure function of the record, what the ledger knows of its key, and what the
//! mapping makes of it. Run on the mapping threads; nothing is mapped that is known to be done.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::intended::Intended;
use super::known::{is_whole, learned, leave_open, trust_own};
use super::tied::{Tickets, tie_to};
use super::{Keep, Refer, Shutdown, Stop};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::event::{End, Fallback, Skip};
use crate::intake::{Digest, Item, Subject};
use crate::ledger::{
    Glance, SUSPECT, Said, State, StepId, StepRecord, TakingBack, Trouble, UNKNOWN_CONTENT,
};
use crate::mapping::reference::{marked_group, without_head};
use crate::mapping::{MapRows, Mapped, Untied};
use crate::record::{Place, Record, RowKey};
use crate::systems::tie::keys_of;
use crate::systems::{
    CREATE, Print, Refusal, Resumed, Schema, SentAt, StepPayload, System, Ticket, call_of,
    is_own_step,
};

/// A record without its requests.
#[derive(Debug)]
pub(super) struct RowHeader {
    pub(super) ordinal: u64,
    pub(super) place: Place,
    pub(super) key: Option<RowKey>,
    pub(super) rows: Vec<Record>,
    /// The keys that it names and that nothing has.
    pub(super) absent: Vec<RowKey>,
    /// Of a dry run, the keys of the tickets that its requests name.
    pub(super) named: Vec<RowKey>,
}

impl RowHeader {
    /// The same without its rows.
    pub(super) fn stub(&self) -> Self {
        Self {
            ordinal: self.ordinal,
            place: self.place.clone(),
            key: self.key.clone(),
            rows: Vec::new(),
            absent: Vec::new(),
            named: Vec::new(),
        }
    }
}

/// One request, with the hash of its bytes.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: StepId,
    pub(super) body: Value,
    pub(super) hash: Digest,
    /// When it was sent, if nobody knows whether it was obeyed and it must be looked up before it goes again.
    pub(super) look: Option<SentAt>,
    /// How often it was answered and settled as absent.
    pub(super) absent: u32,
    /// How what it makes will look when it is listed.
    pub(super) print: Option<Print>,
    /// What the system said of it, where it is looked up all the same.
    pub(super) soft: Option<Soft>,
    /// The keys whose tickets it names and that are not in the body yet.
    pub(super) ties: Vec<RowKey>,
    /// The body to send once it is known that the one which may have been sent was not obeyed; `None`: the same.
    pub(super) anew: Option<Value>,
}

/// What is known of a request of which the system said that nothing was done, and that is looked up all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Soft {
    /// The shape of the answer; a ledger of an earlier version knows none.
    pub(super) shape: Option<String>,
    /// What it said; `None`: the row goes again once it is looked up.
    pub(super) said: Option<Said>,
    /// Whether it was settled before this look: only a ticket that turns up keeps it from going again.
    pub(super) settled: bool,
    /// Whether the shape was proven when the answer came: one of those that are looked up still.
    pub(super) proven: bool,
    /// It sets something on a ticket whose making was cut off: it is looked at for what others have set there meanwhile.
    pub(super) resumed: Option<Resumed>,
}

impl Soft {
    /// Of a step that the ledger holds as refused or taken back, and that goes again.
    pub(super) fn settled(shape: Option<String>) -> Self {
        Self {
            shape,
            said: None,
            settled: true,
            proven: false,
            resumed: None,
        }
    }

    /// Of a step that sets something on a ticket whose making was cut off, and to which we wrote then.
    pub(super) fn resumed(wrote_at: Option<Timestamp>) -> Self {
        Self {
            resumed: Some(Resumed { wrote_at }),
            ..Self::suspect()
        }
    }

    /// Of a step of which the ledger knows neither whether it was sent nor when: its ticket was learned from the system.
    pub(super) fn suspect() -> Self {
        Self::settled(Some(SUSPECT.to_owned()))
    }

    /// Whether the answer was a success that does not say that anything was done.
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.said, Some(Said::Accepted(_)))
    }

    /// Whether no answer and no earlier look says anything about it.
    pub(super) fn is_unanswered(&self) -> bool {
        self.shape.as_deref() == Some(SUSPECT)
    }
}

impl Request {
    /// What is sent is this body: how it is to look is kept with its intent.
    pub(super) fn look_like(&mut self, body: &Value, schema: &dyn Schema) {
        let looks = schema.looks(call_of(&self.id.name), body);
        self.print = (!looks.is_empty()).then(|| Print::of(&looks));
    }

    fn of(step: StepPayload, reference: Option<&str>, schema: Option<&dyn Schema>) -> Self {
        let looks = schema.map(|schema| schema.looks(call_of(&step.step), &step.body));
        Self {
            hash: hash(&step.body, reference),
            print: looks
                .filter(|looks| !looks.is_empty())
                .map(|looks| Print::of(&looks)),
            id: StepId {
                name: step.step.into_owned(),
                ordinal: step.ordinal,
            },
            body: step.body,
            look: None,
            absent: 0,
            soft: None,
            ties: Vec::new(),
            anew: None,
        }
    }
}

/// The requests of a record.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) steps: Vec<Request>,
    pub(super) fallbacks: Vec<Fallback>,
    /// Of a new ticket in a dry run, the state in which they leave it.
    pub(super) left: Option<Cow<'static, str>>,
    pub(super) reference: Option<String>,
    pub(super) group: String,
    /// Whether they are about a ticket that is there.
    pub(super) acts: bool,
    /// Of an upsert, what sets the same on a ticket that is there: what the ledger notes as set when all is done.
    pub(super) updates: Vec<Request>,
    /// What earlier runs set by a step that the row takes no more: it holds no longer once another one goes.
    pub(super) stale: Vec<StepId>,
    /// The bodies of steps that are done, where one of their kind is in doubt and is to be told from them.
    pub(super) done: Vec<(StepId, Value)>,
}

impl Requests {
    /// Whether a step that is done goes again where its bytes are others now: it sets what it sets.
    pub(super) fn may_redo(&self, step: &StepId) -> bool {
        self.acts || (!self.updates.is_empty() && !is_own_step(&step.name))
    }

    /// How often the create was answered and settled as absent.
    pub(super) fn was_absent(&mut self, times: u32) {
        if let Some(create) = self.steps.first_mut() {
            create.absent = times;
        }
    }

    /// Puts what an upsert sets on a ticket that is there before what follows.
    pub(super) fn update_too(&mut self) {
        let own = |request: &Request| is_own_step(&request.id.name);
        let at = self.steps.iter().take_while(|it| own(it)).count();
        self.steps.splice(at..at, self.updates.iter().cloned());
    }
}

/// A record that has something to send.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) base: RowHeader,
    pub(super) key: RowKey,
    pub(super) content: Digest,
    pub(super) requests: Requests,
    /// The step that goes next.
    pub(super) next: usize,
    /// The ticket, once there is one.
    pub(super) ticket: Option<Ticket>,
    /// Whether the ledger still holds it as in doubt (settled as absent, no new intent yet).
    pub(super) was_in_doubt: bool,
    /// Whether it is the one of its group that goes alone: the others wait to hear that it is made.
    pub(super) alone: bool,
    /// What the ticket is called that it acts on, before it is looked up.
    pub(super) find: Option<String>,
    /// Whether something of it was done before this run.
    pub(super) begun: bool,
    /// Whether its ticket was whole before this run, which updates it.
    pub(super) updates: bool,
    /// Whether its ticket was not made by this run: another one did, or it was adopted.
    pub(super) known: bool,
    /// Whether duplicates of it are to be looked for: a request of it was sent more than once.
    pub(super) doubted: bool,
    /// The shape in which the system said of the step that goes next that it is to go again.
    pub(super) told: Option<String>,
    /// Whether its ticket was named by an answer that was not compared with those of other rows yet; when that was
    /// intended.
    pub(super) named: bool,
    /// Whether it came back before, to wait for the tickets that it names.
    pub(super) has_waited: bool,
    pub(super) sent_at: Option<Intended>,
    /// What is wrong with files of it that were left out while its other steps went on.
    pub(super) left: Vec<Fault>,
    /// Where it sets something on a ticket that people may have changed: up to when changes of that may be our own.
    pub(super) ours_until: Option<Timestamp>,
}

impl Row {
    /// A row of which nothing is known but what it is to send.
    pub(super) fn new(content: Digest, base: RowHeader, key: RowKey, requests: Requests) -> Self {
        Self {
            base,
            key,
            content,
            requests,
            next: 0,
            ticket: None,
            was_in_doubt: false,
            alone: false,
            find: None,
            begun: false,
            updates: false,
            known: false,
            doubted: false,
            told: None,
            named: false,
            has_waited: false,
            sent_at: None,
            left: Vec::new(),
            ours_until: None,
        }
    }

    /// Whether it makes a ticket next by which nobody finds the row again.
    pub(super) fn makes_unmarked(&self) -> bool {
        self.ticket.is_none() && self.requests.reference.is_none()
    }

    /// Whether something of it is done.
    pub(super) fn has_begun(&self) -> bool {
        self.next > 0 || self.begun
    }

    /// The bodies of the row's other calls of one kind, done or not.
    pub(super) fn others(&self, step: &StepId) -> Vec<&Value> {
        let open = self.requests.steps.iter().map(|it| (&it.id, &it.body));
        let done = self.requests.done.iter().map(|(id, body)| (id, body));
        open.chain(done)
            .filter(|(id, _)| *id != step && call_of(&id.name) == call_of(&step.name))
            .map(|(_, body)| body)
            .collect()
    }

    /// The first request that is to be looked up, and when it was sent.
    pub(super) fn in_doubt(&self) -> Option<(&Request, SentAt)> {
        let requests = self.requests.steps.iter();
        requests
            .filter_map(|request| Some((request, request.look?)))
            .next()
    }

    /// What was looked up last is known: it was done, and is no request any more, or it was not. Also how often it
    /// was not.
    pub(super) fn looked_up(&mut self, done: bool) -> Option<(StepId, u32)> {
        let steps = &mut self.requests.steps;
        let at = steps.iter().position(|request| request.look.is_some())?;
        if done {
            self.begun = true;
            return Some((steps.remove(at).id, 0));
        }
        steps[at].look = None;
        steps[at].soft = None;
        if let Some(body) = steps[at].anew.take() {
            steps[at].body = body;
        }
        steps[at].absent += 1;
        Some((steps[at].id.clone(), steps[at].absent))
    }
}

/// What happens to a record in doubt when its ticket turns out not to exist.
#[derive(Debug)]
pub(super) enum Otherwise {
    /// It is sent again.
    Send(Requests),
    /// It cannot be sent: the mapping makes no requests of it now.
    End(End),
}

impl Otherwise {
    /// Whether a ticket that turns out to exist is updated with what the row says now.
    pub(super) fn upserts(&self) -> bool {
        matches!(self, Self::Send(requests) if !requests.updates.is_empty())
    }
}

/// What is known of a request whose outcome is not.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    pub(super) key: RowKey,
    pub(super) reference: Option<String>,
    pub(super) group: String,
    /// On the system's clock.
    pub(super) sent_at: Timestamp,
    /// The run that sent it.
    pub(super) run: String,
    pub(super) absent: u32,
    /// What happened; `None` when the process died before it could know.
    pub(super) answer: Option<String>,
    /// The row that sent it, where its content was another than now.
    pub(super) changed: Option<Place>,
    /// Whether another run has sent it.
    pub(super) known: bool,
    /// Whether the ledger knows further steps of the row.
    pub(super) more: bool,
    /// How its ticket will look when it is listed; `None`: nobody knows.
    pub(super) print: Option<Print>,
    /// What the system said of it, where an answer came that is not believed as it stands.
    pub(super) soft: Option<Soft>,
    /// Whether the ledger holds it as in doubt.
    pub(super) is_open: bool,
}

impl Doubt {
    /// How many characters its description has, where that is known.
    pub(super) fn length(&self) -> Option<usize> {
        self.print.as_ref().map(|print| print.length)
    }

    /// When it was sent, by the clocks that tell it.
    pub(super) fn sent(&self) -> SentAt {
        SentAt::of(self.sent_at, self.print.as_ref())
    }

    /// Whether the row was settled before, and only goes again once it is looked up.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_open && self.soft.as_ref().is_some_and(|soft| soft.settled)
    }
}

/// A record whose create may or may not have been obeyed.
#[derive(Debug)]
pub(super) struct Doubtful {
    pub(super) base: RowHeader,
    pub(super) key: RowKey,
    pub(super) content: Digest,
    pub(super) otherwise: Otherwise,
    pub(super) doubt: Doubt,
}

/// What is to be done.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most plans are ends: a box for each would cost an allocation a row"
)]
pub(super) enum Plan {
    /// Nothing: it has its end.
    End(RowHeader, End),
    /// It is sent.
    Send(Box<Row>),
    /// It is settled first.
    Settle(Box<Doubtful>),
}

/// Makes plans.
pub(super) struct Planner<'a> {
    pub(super) map: &'a dyn MapRows,
    pub(super) system: Option<Arc<dyn System>>,
    pub(super) dry_run: bool,
    /// What is done counts as not done.
    pub(super) again: bool,
    /// What was refused goes again as it stands.
    pub(super) retry: bool,
    /// A key that the input lacks counts as one that an earlier run has sent.
    pub(super) trusts_names: bool,
    pub(super) keep: Keep,
    /// The codes of the earlier attempts at this run: what they made is its own.
    pub(super) ours: HashSet<String>,
    /// The rows whose tickets a rollback has begun to take back: nobody knows whether these are there still.
    pub(super) taking_back: HashMap<RowKey, TakingBack>,
    /// What ends planning between two records, where there is anything.
    pub(super) stop: Option<Stop>,
    /// The code of this attempt, once it may have made tickets.
    pub(super) own: OnceLock<String>,
    /// What puts the tickets into records that they name, in the second stage of a run.
    pub(super) refer: OnceLock<Arc<dyn Refer>>,
    /// So long after a request of ours a change of its ticket may be what came of it; `None`: rows go over what people have
    /// changed.
    pub(super) guards: Option<SignedDuration>,
}

impl<'a> Planner<'a> {
    /// Plans as a first attempt would, by the ledger alone.
    pub(super) fn of(map: &'a dyn MapRows) -> Self {
        Self {
            map,
            system: None,
            dry_run: false,
            again: false,
            retry: false,
            trusts_names: false,
            keep: Keep::default(),
            ours: HashSet::new(),
            taking_back: HashMap::new(),
            stop: None,
            own: OnceLock::new(),
            refer: OnceLock::new(),
            guards: None,
        }
    }
}

impl Planner<'_> {
    /// Whether a ticket is none that an attempt at this run has made.
    fn is_known(&self, create: &StepRecord) -> bool {
        let is_own = self.own.get() == Some(&create.run);
        !(is_own || self.ours.contains(&create.run)) || create.content == UNKNOWN_CONTENT
    }

    /// Whether the next record is planned.
    ///
    /// # Errors
    /// When the run is told to stop: nobody wants the plans any more.
    pub(super) fn go_on(&self) -> Result<()> {
        match &self.stop {
            Some(stop) if *stop.borrow() > Shutdown::None => {
                Err(Error::new(ErrorKind::Interrupted, "stopped"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) enum Shaped {
    Ready(Requests),
    Skip(String),
    Faults(Vec<Fault>),
}

impl Planner<'_> {
    /// The plan of one record; `prior` is what the ledger knows of its key.
    pub(super) fn plan(&self, item: Item, prior: &[StepRecord]) -> Plan {
        let place = item.place().clone();
        let base = |key| RowHeader {
            ordinal: item.ordinal,
            place,
            key,
            rows: item.rows,
            absent: item.absent,
            named: Vec::new(),
        };
        match item.subject {
            Subject::Repeated(key, first) => {
                Plan::End(base(Some(key)), End::Skipped(Skip::Repeated { first }))
            }
            Subject::Faulty(key, faults) => {
                let base = base(key);
                let faults = self.with_others(&base, faults);
                Plan::End(base, End::Rejected(faults))
            }
            Subject::Keyed(key) => {
                if self.dry_run && prior.is_empty() {
                    return self.rehearsed(base(None), key);
                }
                let base = base(Some(key.clone()));
                if let Some(begun) = self.taking_back.get(&key).filter(|_| !self.again) {
                    let reason = begun.reason();
                    return Plan::End(base, End::InDoubt { reason });
                }
                match prior.iter().find(|step| step.id.name == CREATE) {
                    None => self.fresh(base, key, None),
                    Some(create) => match create.state {
                        State::Skipped => Plan::End(base, End::Skipped(Skip::ByHand)),
                        State::Pending | State::Undone | State::Rejected => {
                            self.fresh(base, key, Some(create))
                        }
                        State::Sending | State::InDoubt => {
                            self.doubtful(base, key, create, prior.len() > 1)
                        }
                        State::Done if self.again => self.fresh(base, key, None),
                        State::Done => self.done(base, key, create, prior),
                    },
                }
            }
        }
    }

    /// A quick look, with the content compared: what is done from other content is to be looked at whole, and so is
    /// what may be updated.
    pub(super) fn judge(&self, item: &Item, glance: Glance) -> Glance {
        match glance {
            Glance::Done(..) if !self.taking_back.is_empty() && self.is_taken_back(item) => {
                Glance::Open
            }
            Glance::Done(ticket, contents) if !self.again && !self.map.upserts() => {
                let content = self.map.content(&item.rows);
                // Of a row whose content nobody knows, nobody knows what followed either.
                let is_known = !contents.contains(&UNKNOWN_CONTENT);
                match is_known && contents.contains(&content) {
                    true => Glance::Done(ticket, contents),
                    false => Glance::Open,
                }
            }
            Glance::Done(..) => Glance::Open,
            other => other,
        }
    }

    fn is_taken_back(&self, item: &Item) -> bool {
        matches!(&item.subject, Subject::Keyed(key) if self.taking_back.contains_key(key))
    }

    /// The plan of a record that is done as it is.
    pub(super) fn done_as_it_is(&self, item: Item, ticket: Ticket) -> Plan {
        let place = item.place().clone();
        let key = match item.subject {
            Subject::Keyed(key) | Subject::Repeated(key, _) => Some(key),
            Subject::Faulty(key, _) => key,
        };
        let base = RowHeader {
            ordinal: item.ordinal,
            place,
            key,
            // Freed here, where several threads share the work.
            rows: Vec::new(),
            absent: Vec::new(),
            named: Vec::new(),
        };
        Plan::End(base, End::Skipped(Skip::DoneBefore { ticket }))
    }

    /// A record that has no ticket: it is sent, unless the system refused the same bytes before.
    fn fresh(&self, base: RowHeader, key: RowKey, create: Option<&StepRecord>) -> Plan {
        let mut requests = match self.shape(&base, &key) {
            Shaped::Ready(requests) => requests,
            other => return without_requests(base, other),
        };
        if let Some(create) = create.filter(|it| it.state == State::Rejected && !self.retry)
            && create.payload == requests.steps.first().map(|step| step.hash)
            && let Some(Trouble::Refused(refusal)) = &create.trouble
        {
            let faults = refused_before(refusal, &base.place, &create.run);
            return Plan::End(base, End::Rejected(faults));
        }
        let pending = create.filter(|create| create.state == State::Pending);
        requests.was_absent(pending.map_or(0, |create| create.absent));
        let content = self.map.content(&base.rows);
        if let Some(create) = create.filter(|it| !self.dry_run && may_have_been_made(it)) {
            return Plan::Settle(Box::new(Doubtful {
                doubt: Doubt {
                    soft: Some(Soft::settled(create.shape.clone())),
                    absent: pending.map_or(0, |create| create.absent),
                    ..doubt_of(&key, create)
                },
                base,
                key,
                content,
                otherwise: Otherwise::Send(requests),
            }));
        }
        Plan::Send(Box::new(Row::new(content, base, key, requests)))
    }

    /// The dry run's short way: nothing is hashed that nobody compares.
    fn rehearsed(&self, mut base: RowHeader, key: RowKey) -> Plan {
        let end = match self.mapped(&base, &key) {
            Mapped::Ready(ready) => {
                let left = self.map.left(&ready.steps);
                ready_end(ready.steps, ready.fallbacks, left, (false, false))
            }
            Mapped::Skip(reason) => End::Skipped(Skip::ByMapping { reason }),
            Mapped::Faults(faults) => End::Rejected(faults),
        };
        base.key = Some(key);
        Plan::End(base, end)
    }

    /// Frees what a dry run will not show of a plan, here where several threads share the work. `kept` counts, over
    /// one batch, the records whose payloads are kept: the first of all records are among the first of each batch.
    pub(super) fn trim(&self, plan: &mut Plan, kept: &mut usize) {
        let Plan::End(base, end) = plan else { return };
        match end {
            End::Rejected(_) | End::Incomplete { .. } => {}
            End::Ready { payloads, .. } => {
                if self.map.ties() {
                    let keys = payloads.iter().flat_map(|step| keys_of(&step.body));
                    base.named = keys.map(RowKey::new).collect();
                }
                match self.keep {
                    Keep::All => {}
                    Keep::First(most) if *kept < most => *kept += 1,
                    Keep::First(_) => {
                        *payloads = Vec::new();
                        base.rows = Vec::new();
                    }
                }
            }
            _ => base.rows = Vec::new(),
        }
    }

    fn doubtful(&self, base: RowHeader, key: RowKey, create: &StepRecord, more: bool) -> Plan {
        let content = self.map.content(&base.rows);
        let otherwise = match self.shape(&base, &key) {
            Shaped::Ready(requests) => Otherwise::Send(requests),
            Shaped::Faults(faults) => Otherwise::End(End::Rejected(faults)),
            Shaped::Skip(reason) => Otherwise::End(End::Skipped(Skip::ByMapping { reason })),
        };
        let (answer, soft) = match (&create.trouble, create.state) {
            (Some(Trouble::Doubt(answer)), State::InDoubt) => (Some(answer.clone()), None),
            (Some(Trouble::Said { shape, said }), State::InDoubt) => {
                // What was refused as it stands ends so; what has changed since goes again.
                let is_same = matches!(&otherwise, Otherwise::Send(requests)
                    if create.payload == requests.steps.first().map(|step| step.hash));
                let ends = !matches!(said, Said::Refused(_)) || (is_same && !self.retry);
                let soft = Soft {
                    shape: Some(shape.clone()),
                    said: ends.then(|| said.clone()),
                    settled: false,
                    proven: false,
                    resumed: None,
                };
                (Some(said.told()), Some(soft))
            }
            // It was settled before, and the look before it goes again proved nothing.
            (_, State::InDoubt) if create.shape.is_some() => {
                (None, Some(Soft::settled(create.shape.clone())))
            }
            _ => (None, None),
        };
        let doubt = Doubt {
            answer,
            changed: (create.content != content).then(|| create.place.clone()),
            known: self.is_known(create),
            more,
            soft,
            ..doubt_of(&key, create)
        };
        // What an earlier version sent is known where the row makes the same of it now.
        let print = match (&create.print, &otherwise) {
            (None, Otherwise::Send(requests)) => (requests.steps.first())
                .filter(|first| create.payload == Some(first.hash))
                .and_then(|first| first.print.clone()),
            (print, _) => print.clone(),
        };
        Plan::Settle(Box::new(Doubtful {
            base,
            key,
            content,
            otherwise,
            doubt: Doubt { print, ..doubt },
        }))
    }

    /// A record that has its ticket: nothing, or the steps that are open.
    fn done(
        &self,
        base: RowHeader,
        key: RowKey,
        create: &StepRecord,
        prior: &[StepRecord],
    ) -> Plan {
        let content = self.map.content(&base.rows);
        let ticket = create.ticket.clone().unwrap_or_default();
        let place = base.place.clone();
        let known = self.is_known(create);
        let is_whole = is_whole(prior);
        let is_known = learned(prior).is_none();
        if is_whole && is_known && !self.map.upserts() {
            let skip = done_before(ticket, create, prior, content);
            return Plan::End(base, skip);
        }
        let mut requests = match self.shape(&base, &key) {
            Shaped::Ready(requests) => requests,
            Shaped::Faults(_) if is_whole && !self.map.upserts() => {
                let skip = done_before(ticket, create, prior, content);
                return Plan::End(base, skip);
            }
            Shaped::Faults(faults) if !is_whole => {
                return Plan::End(
                    base,
                    End::Incomplete {
                        ticket,
                        faults,
                        known,
                    },
                );
            }
            other => return without_requests(base, other),
        };
        if is_whole && self.map.upserts() {
            return self.update(base, key, requests, (create, ticket), prior);
        }
        let is_same = create.payload == requests.steps.first().map(|step| step.hash);
        if !is_same {
            requests.update_too();
        }
        let reference = requests.reference.clone();
        self.know_files(&mut requests, prior, |body| {
            hash(body, reference.as_deref())
        });
        // Only what is open is sent; the create stays in its place, so that positions keep their meaning.
        let other = leave_open(&mut requests, prior, |call| self.map.is_repeatable(call));
        if let Some(step) = other {
            return Plan::End(base, done_otherwise(step, (ticket, known), &place));
        }
        let left = self.leave_files(&mut requests.steps, prior, &base.place);
        if self.own.get() == Some(&create.run) {
            trust_own(&mut requests.steps, prior);
        }
        let Some(open) = requests.steps.get(1) else {
            if !left.is_empty() {
                let end = End::Incomplete {
                    ticket,
                    faults: left,
                    known,
                };
                return Plan::End(base, end);
            }
            let skip = done_before(ticket, create, prior, content);
            return Plan::End(base, skip);
        };
        let step = prior.iter().find(|step| step.id == open.id);
        if let Some(end) = self.stuck(open, step, (&ticket, known), &base.place) {
            return Plan::End(base, end);
        }
        let ours_until = self.ours_until(&requests.steps[1..], prior);
        self.refer(&base, &key, &mut requests, prior);
        let mut ticket = ticket;
        if !is_same && is_known && requests.updates.is_empty() {
            ticket.warnings.push(format!(
                "made in run {} from other content; only the open steps were sent now",
                create.run
            ));
        }
        Plan::Send(Box::new(Row {
            next: 1,
            known,
            ticket: Some(ticket),
            left,
            ours_until,
            ..Row::new(content, base, key, requests)
        }))
    }

    /// The end of a row whose open step must not be sent: refused as it is, or in doubt for ever.
    fn stuck(
        &self,
        open: &Request,
        step: Option<&StepRecord>,
        (ticket, known): (&Ticket, bool),
        place: &Place,
    ) -> Option<End> {
        let step = step?;
        match (step.state, &step.trouble) {
            (State::Rejected, Some(Trouble::Refused(refusal)))
                if step.payload == Some(open.hash) && !self.retry =>
            {
                Some(End::Incomplete {
                    ticket: ticket.clone(),
                    faults: refused_before(refusal, place, &step.run),
                    known,
                })
            }
            _ => None,
        }
    }

    /// What is wrong with a record besides its key too, so that a person corrects its row once.
    fn with_others(&self, base: &RowHeader, mut faults: Vec<Fault>) -> Vec<Fault> {
        if let Some(key) = &base.key
            && let Mapped::Faults(others) = self.mapped(base, key)
        {
            faults.extend(others);
        }
        faults
    }

    /// What a record becomes; a field that names a key which nothing has is left out.
    fn mapped(&self, base: &RowHeader, key: &RowKey) -> Mapped {
        if base.absent.is_empty() || self.trusts_names {
            return self.map.map(&base.rows, key);
        }
        let mapped = self.map.map_without(&base.rows, key, &base.absent);
        let untied = self.map.untied(&base.rows, &base.absent);
        let Untied {
            faults,
            skip,
            fallbacks,
        } = untied;
        match (mapped, skip) {
            (mapped @ Mapped::Skip(_), _) => mapped,
            (_, Some(why)) => Mapped::Skip(why),
            (Mapped::Faults(mut all), None) => {
                all.extend(faults);
                Mapped::Faults(all)
            }
            (Mapped::Ready(_), None) if !faults.is_empty() => Mapped::Faults(faults),
            (Mapped::Ready(mut ready), None) => {
                ready.fallbacks.extend(fallbacks);
                Mapped::Ready(ready)
            }
        }
    }

    pub(super) fn shape(&self, base: &RowHeader, key: &RowKey) -> Shaped {
        self.shape_tied(base, key, &Tickets::new())
    }

    /// The same with the tickets of keys that are known already.
    pub(super) fn shape_tied(&self, base: &RowHeader, key: &RowKey, tickets: &Tickets) -> Shaped {
        let mut ready = match self.mapped(base, key) {
            Mapped::Ready(ready) => ready,
            Mapped::Skip(reason) => return Shaped::Skip(reason),
            Mapped::Faults(faults) => return Shaped::Faults(faults),
        };
        if !tickets.is_empty() {
            let bodies = ready.steps.iter_mut().map(|step| &mut step.body);
            bodies.for_each(|body| tie_to(body, tickets));
        }
        let group = match (&self.system, ready.steps.first()) {
            (Some(system), Some(first)) => {
                marked_group(system.schema().group(&first.body), self.map.marker_field())
            }
            _ => String::new(),
        };
        let schema = self.system.as_ref().map(|system| system.schema());
        let reference = ready.reference.as_deref();
        let ties = self.map.ties();
        let requests = |steps: Vec<StepPayload>, schema: Option<&dyn Schema>| {
            let steps = steps.into_iter();
            steps
                .map(|step| {
                    let mut request = Request::of(step, reference, schema);
                    if ties {
                        let keys = keys_of(&request.body).into_iter();
                        request.ties = keys.map(RowKey::new).collect();
                    }
                    request
                })
                .collect()
        };
        Shaped::Ready(Requests {
            left: match self.dry_run {
                true => self.map.left(&ready.steps),
                false => None,
            },
            steps: requests(ready.steps, schema),
            updates: requests(ready.updates, None),
            stale: Vec::new(),
            fallbacks: ready.fallbacks,
            reference: ready.reference,
            group,
            acts: self.map.acting().is_some(),
            done: Vec::new(),
        })
    }
}

/// Whether a create that is not done was sent once, so that it is looked up before it is sent again. What was sent too
/// often without being made, and what we refused ourselves, bears a status of zero.
fn may_have_been_made(create: &StepRecord) -> bool {
    let was_refused = create.state == State::Rejected
        && match &create.trouble {
            Some(Trouble::Refused(refusal)) => refusal.status != 0,
            // What the system said was purged.
            None => create.shape.is_some(),
            Some(_) => false,
        };
    let was_taken_back = create.state == State::Pending && create.shape.is_some();
    create.reference.is_some() && (was_refused || was_taken_back)
}

/// What the ledger knows of a create that is to be looked up.
fn doubt_of(key: &RowKey, create: &StepRecord) -> Doubt {
    Doubt {
        key: key.clone(),
        reference: create.reference.clone(),
        group: create.group.clone(),
        sent_at: create.sent_at.unwrap_or_else(Timestamp::now),
        run: create.run.clone(),
        absent: create.absent,
        answer: None,
        changed: None,
        known: false,
        more: false,
        print: create.print.clone(),
        soft: None,
        is_open: matches!(create.state, State::Sending | State::InDoubt),
    }
}

/// The end of a record that a dry run would send.
pub(super) fn ready_end(
    payloads: Vec<StepPayload>,
    fallbacks: Vec<Fallback>,
    left: Option<Cow<'static, str>>,
    (updates, known): (bool, bool),
) -> End {
    End::Ready {
        updates,
        known,
        left,
        requests: u32::try_from(payloads.len()).unwrap_or(u32::MAX),
        further: (payloads.iter().skip(1))
            .map(|payload| payload.step.clone())
            .collect(),
        fallbacks,
        payloads,
        diff: None,
        untied: Vec::new(),
    }
}

/// The hash of the serialised body of a row that bears a reference.
pub(super) fn hash(body: &Value, reference: Option<&str>) -> Digest {
    // In one go: a hasher that is fed piece by piece takes longer than the writing.
    let bytes = serde_json::to_vec(body).expect("a JSON value has a JSON form");
    digest(&without_head(bytes, reference))
}

pub(super) fn digest(bytes: &[u8]) -> Digest {
    let mut digest = Digest::default();
    let length = digest.len();
    digest.copy_from_slice(&blake3::hash(bytes).as_bytes()[..length]);
    digest
}

pub(super) fn without_requests(base: RowHeader, shaped: Shaped) -> Plan {
    let end = match shaped {
        Shaped::Faults(faults) => End::Rejected(faults),
        Shaped::Skip(reason) => End::Skipped(Skip::ByMapping { reason }),
        Shaped::Ready(_) => End::NotSent,
    };
    Plan::End(base, end)
}

pub(super) fn done_before(
    ticket: Ticket,
    create: &StepRecord,
    prior: &[StepRecord],
    content: Digest,
) -> End {
    let same = |step: &StepRecord| step.content == content || step.content == UNKNOWN_CONTENT;
    End::Skipped(if prior.iter().any(same) {
        Skip::DoneBefore { ticket }
    } else {
        Skip::Changed {
            ticket,
            run: create.run.clone(),
            from: create.place.clone(),
        }
    })
}

/// The faults of a refusal; a status of zero is ours: settled as absent too often.
pub(super) fn faults_of(refusal: &Refusal, place: &Place) -> Vec<Fault> {
    match refusal.status {
        0 => vec![Fault::row(place.clone(), refusal.message.clone())],
        _ => crate::systems::refusal_faults(refusal, place),
    }
}

pub(super) fn refused_before(refusal: &Refusal, place: &Place, run: &str) -> Vec<Fault> {
    let hint = format!("refused in run {run} as it stands; it is sent again when the row changes");
    faults_of(refusal, place)
        .into_iter()
        .map(|fault| fault.hint(hint.clone()))
        .collect()
}

/// The end of a row whose further step was done, or perhaps done, as something else than it would be now.
fn done_otherwise(step: &StepRecord, (ticket, known): (Ticket, bool), place: &Place) -> End {
    if step.state != State::Done {
        return End::InDoubt {
            reason: other_in_doubt(step, &ticket),
        };
    }
    End::Incomplete {
        ticket,
        faults: vec![otherwise_fault(step, place)],
        known,
    }
}

/// Tells of a step that was done as something else than it would be now, and cannot be done over.
pub(super) fn otherwise_fault(step: &StepRecord, place: &Place) -> Fault {
    let call = call_of(&step.id.name);
    let message = format!(
        "`{call}` was done in run {} from other content than now",
        step.run
    );
    Fault::row(place.clone(), message).hint(
        "let the row and the mapping say what they said then, and add what is new at their ends; or do the rest by hand",
    )
}

/// Why a step in doubt cannot be looked up: nobody holds what it sent.
pub(super) fn other_in_doubt(step: &StepRecord, ticket: &Ticket) -> String {
    format!(
        "{}; the row or the mapping has changed since run {}, so that it cannot be looked up: let them say what they \
         said then, or settle it by `runs settle`",
        step_in_doubt(
            &StepId {
                name: call_of(&step.id.name).to_owned(),
                ordinal: step.id.ordinal
            },
            ticket
        ),
        step.run
    )
}

/// A step as people are asked about it: which of several under its name, the first is not counted.
pub(crate) fn step_in_words(step: &StepId) -> String {
    match step.ordinal {
        0 => format!("`{}`", step.name),
        ordinal => format!("number {} of `{}`", ordinal + 1, step.name),
    }
}

/// Why a step that makes something and is in doubt stays so.
pub(super) fn step_in_doubt(step: &StepId, ticket: &Ticket) -> String {
    format!(
        "nobody knows whether {} was done on ticket `{}`: look at the ticket",
        step_in_words(step),
        ticket.number.as_ref().unwrap_or(&ticket.id)
    )
}
