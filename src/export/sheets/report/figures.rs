//! The figures of one period of a report, as they are counted, kept and shown again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::export::sheets::durations::Durations;
use crate::export::sheets::facts::Facts;
use crate::export::sheets::flow::Flow;
use crate::export::sheets::groups::{Groups, Tally};
use crate::export::sheets::promise::{self, State};
use crate::export::sheets::response::first_response;
use crate::systems::common::{CommonTicket, Named};
use crate::systems::query::Span;

/// What is counted this long after a period is what it was at its end.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Room for the times of a period, and for those of one priority.
const ROOM: usize = 65_536;

/// The figures of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The first moment of the period.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// When they were counted.
    pub counted_at: Timestamp,
    /// Tickets created in it.
    pub created: u64,
    /// Tickets closed in it; `None`: the system does not tell.
    pub closed: Option<u64>,
    /// Open at its start.
    pub at_start: Option<u64>,
    /// Open at its end, or when they were counted if that was earlier.
    pub at_end: Option<u64>,
    /// Hours to the first response of the tickets created in it: how many, the median.
    pub response: Times,
    /// Hours to resolve of the tickets closed in it.
    pub resolution: Times,
    /// The same by priority.
    pub by_priority: BTreeMap<String, Times>,
    /// First responses that were promised for tickets created in it: kept, broken.
    pub responses_promised: (u64, u64),
    /// Solutions that were promised for tickets closed in it: kept, broken.
    pub solutions_promised: (u64, u64),
    /// Tickets created in it by location.
    pub locations: BTreeMap<String, u64>,
    /// The same by issue or collection.
    pub issues: BTreeMap<String, u64>,
    /// The names that its tickets show for the ids of locations. Figures that an older program kept have none.
    #[serde(default)]
    pub location_names: NamesOfIds,
    /// The same of issues and collections.
    #[serde(default)]
    pub issue_names: NamesOfIds,
    /// Tickets of the period that were deleted when it was counted, and are in none of these figures.
    pub deleted: u64,
}

/// Names by ids.
pub type NamesOfIds = BTreeMap<String, BTreeSet<String>>;

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Times {
    /// How many tickets.
    pub tickets: u64,
    /// The median in milliseconds: a whole number is read back as it was written.
    pub median: Option<u64>,
    /// Whether it is only near.
    pub is_near: bool,
}

impl Times {
    fn of(durations: &Durations) -> Self {
        Self {
            tickets: durations.count(),
            median: durations
                .quantile(0.5)
                .map(|hours| (hours * 3_600_000.0).round() as u64),
            is_near: durations.is_near(),
        }
    }
}

impl Times {
    /// The median in hours.
    pub(super) fn hours(&self) -> Option<f64> {
        self.median.map(|median| median as f64 / 3_600_000.0)
    }
}

impl Figures {
    /// Whether they were counted so late that tickets may have changed since the period.
    pub(super) fn are_late(&self) -> bool {
        self.counted_at.duration_since(self.until) > GRACE
    }

    /// Whether the period was over when they were counted.
    pub fn is_over(&self) -> bool {
        self.until <= self.counted_at
    }
}

/// Tickets created in a period by what they belong to.
#[derive(Debug, Default)]
struct Created {
    by_name: BTreeMap<String, u64>,
    names: NamesOfIds,
}

impl Created {
    fn add(&mut self, named: Option<&Named>) {
        let name = Facts::label(named);
        *self.by_name.entry(name.to_owned()).or_default() += 1;
        let Some(id) = named.and_then(|named| named.id.as_ref()) else {
            return;
        };
        let names = self.names.entry(id.to_lowercase()).or_default();
        if !name.is_empty() && !names.contains(name) {
            names.insert(name.to_owned());
        }
    }
}

/// Times of closed tickets.
#[derive(Debug, Clone)]
struct Took(Durations);

impl Default for Took {
    fn default() -> Self {
        Self(Durations::with_room(ROOM))
    }
}

impl Tally for Took {
    fn merge(&mut self, other: Self) {
        self.0.merge(&other.0);
    }

    fn size(&self) -> u64 {
        self.0.count()
    }
}

/// The figures of a period on their way.
#[derive(Debug)]
pub(super) struct Counting {
    span: Span,
    now: Timestamp,
    flow: Flow,
    response: Durations,
    resolution: Durations,
    by_priority: Groups<Took>,
    responses_promised: (u64, u64),
    solutions_promised: (u64, u64),
    locations: Created,
    issues: Created,
    /// Whether the time of any closing is known.
    knows_closing: bool,
    deleted: u64,
}

fn judge(promised: &mut (u64, u64), state: State) {
    match state {
        State::Kept => promised.0 += 1,
        State::Broken(_) => promised.1 += 1,
        State::Running(_) => {}
    }
}

impl Counting {
    pub(super) fn new(span: Span, now: Timestamp) -> Self {
        Self {
            span,
            now,
            flow: Flow::new(span, now),
            response: Durations::with_room(ROOM),
            resolution: Durations::with_room(ROOM),
            by_priority: Groups::default(),
            responses_promised: (0, 0),
            solutions_promised: (0, 0),
            locations: Created::default(),
            issues: Created::default(),
            knows_closing: false,
            deleted: 0,
        }
    }

    pub(super) fn add(&mut self, facts: &Facts<'_>) {
        self.flow.add(facts);
        self.knows_closing |= facts.closed_at.is_some();
        let ticket = facts.ticket;
        if self.flow.holds(ticket.created) {
            if let Some(seconds) = first_response(ticket) {
                self.response.add(seconds);
            }
            if let Some(state) = promise::response(facts) {
                judge(&mut self.responses_promised, state);
            }
            self.locations.add(ticket.place.as_ref());
            self.issues.add(ticket.category.as_ref());
        }
        if self.flow.holds(facts.closed_at) {
            if let Some(resolved) = facts.resolved {
                self.resolution.add(resolved.seconds);
                let priority = Facts::label(ticket.priority.as_ref());
                self.by_priority.of(priority).0.add(resolved.seconds);
            }
            if let Some((state, _)) = promise::solution(facts, self.now) {
                judge(&mut self.solutions_promised, state);
            }
        }
    }

    /// Takes a deleted ticket, which counts nowhere.
    pub(super) fn deleted(&mut self, ticket: &CommonTicket) {
        self.deleted += u64::from(self.flow.holds(ticket.created));
    }

    /// How many tickets keep closings and what was open from being known, as far as there are some.
    pub(super) fn undated(&self) -> u64 {
        self.flow.undated
    }

    /// How many tickets were closed by its end and are open again.
    pub(super) fn reopened(&self) -> u64 {
        self.flow.reopened
    }

    /// What it came to; `knows_past`: open and closed tickets were both read.
    pub(super) fn figures(&self, knows_past: bool) -> Figures {
        let knows_closing = knows_past && (self.knows_closing || self.undated() == 0);
        let flow = &self.flow;
        let known = |number| knows_closing.then_some(number);
        let open = |number| known(number).filter(|_| self.undated() == 0);
        let ranked = self.by_priority.clone().ranked(usize::MAX);
        let unnamed = ranked.nameless.map(|took| (String::new(), took));
        let by_priority = ranked.shown.into_iter().chain(unnamed);
        Figures {
            from: self.span.from.unwrap_or(Timestamp::MIN),
            until: self.span.until.unwrap_or(Timestamp::MAX),
            counted_at: self.now,
            created: flow.created,
            closed: known(flow.closed),
            at_start: open(flow.at_start),
            at_end: open(flow.at_end),
            response: Times::of(&self.response),
            resolution: Times::of(&self.resolution),
            by_priority: by_priority
                .map(|(name, took)| (name, Times::of(&took.0)))
                .collect(),
            responses_promised: self.responses_promised,
            solutions_promised: self.solutions_promised,
            locations: self.locations.by_name.clone(),
            issues: self.issues.by_name.clone(),
            location_names: self.locations.names.clone(),
            issue_names: self.issues.names.clone(),
            deleted: self.deleted,
        }
    }
}
