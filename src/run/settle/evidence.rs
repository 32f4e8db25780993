//! What a listing shows by tickets that the ledger holds: whether texts come back with their references, which
//! attributes come back as they were sent, whether times and groups are right; and what follows from that for a ticket
//! that nobody knows.
//!
//! A row was made, and its ticket is in the listing without its reference: that is what has to be excluded before a row
//! counts as absent. Such a ticket is one that the ledger does not hold, of the row's group and time. It is excluded by
//! what contradicts the row, and a contradiction counts only as far as such tickets show that the system does not change
//! what contradicts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::mapping::reference::{LONG, References, field_of, group_of, marked_group, reference_in};
use crate::run::plan::Doubt;
use crate::systems::{Listed, Print, Relation, SLACK, SentAt, TITLE, Ticket, Times, words};

/// How long after its intent a request may leave.
const INTENT_LASTS: SignedDuration = SignedDuration::from_secs(10);
/// A ticket that was updated later than this after it was made was changed by somebody.
const SETTLED: SignedDuration = SignedDuration::from_mins(1);

/// The time in which a ticket can have been made, on the system's clock, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Span {
    /// Of a request whose intent was written between two times.
    pub(super) fn of(sent: Timestamp, until: Option<Timestamp>, commit_within: Duration) -> Self {
        let within = SignedDuration::try_from(commit_within).unwrap_or(SignedDuration::MAX);
        let late = INTENT_LASTS.saturating_add(within).saturating_add(SLACK);
        let until = until.map_or(sent, |until| until.max(sent));
        Self {
            from: sent.checked_sub(SLACK).unwrap_or(Timestamp::MIN),
            to: until.checked_add(late).unwrap_or(Timestamp::MAX),
        }
    }

    /// The same by each clock that tells when a row in doubt was sent.
    pub(super) fn of_doubt(
        doubt: &Doubt,
        sent: SentAt,
        commit_within: Duration,
    ) -> impl Iterator<Item = Self> {
        let until = doubt.print.as_ref().and_then(|print| print.until);
        let lasted = lasted(doubt.sent_at, until);
        sent.each().map(move |at| {
            let until = at.checked_add(lasted).ok();
            Self::of(at, until, commit_within)
        })
    }

    fn holds(&self, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&at)
    }
}

/// How long the writing of an intent may have lasted: our clock was set meanwhile.
fn lasted(sent: Timestamp, until: Option<Timestamp>) -> SignedDuration {
    let lasted = until.map(|until| until.duration_since(sent));
    lasted.unwrap_or_default().max(SignedDuration::ZERO)
}

/// A listed ticket that is none of those by which the listing is proven.
#[derive(Debug, Clone)]
pub(super) struct Stray {
    pub(super) ticket: Ticket,
    pub(super) created_at: Option<Timestamp>,
    pub(super) group: String,
    pub(super) traits: Vec<(&'static str, String)>,
    /// The words of its title.
    words: Option<String>,
    /// What it bears in each place that is looked at, in their order.
    pub(super) refs: Vec<References>,
}

impl Stray {
    pub(super) fn of(listed: &Listed, refs: Vec<References>) -> Self {
        Self {
            ticket: Ticket {
                warnings: Vec::new(),
                ..listed.ticket.clone()
            },
            created_at: listed.created_at,
            group: listed.group.clone(),
            traits: listed.traits.clone(),
            words: listed.title().map(words),
            refs,
        }
    }

    pub(super) fn title(&self) -> Option<&str> {
        let mut traits = self.traits.iter();
        let title = traits.find(|(name, _)| *name == TITLE);
        title.map(|(_, title)| title.as_str())
    }

    /// How its title relates to the one that was sent; `None` where one of them is not known.
    pub(super) fn relation(&self, doubt: &Doubt) -> Option<Relation> {
        let print = doubt.print.as_ref()?;
        print.title_of(self.words.as_deref()?)
    }
}

/// What is known of a ticket that the ledger holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) reference: &'a str,
    /// The marked group in which it was made.
    pub(super) group: &'a str,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) print: Option<&'a Print>,
}

/// What tickets that the ledger holds show about the system.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Marked groups in which a ticket was listed back with its reference, with the longest text that was, by its last
    /// line.
    last: HashMap<String, usize>,
    /// The same by the first line.
    first: HashMap<String, usize>,
    /// Traits that came back as they were sent, with their value.
    same: HashSet<(String, String)>,
    /// Whether a title came back as it was sent.
    is_titled: bool,
    /// Traits that came back otherwise although nobody has changed the ticket.
    altered: HashSet<String>,
    /// Which clock tells the times at which the system says that tickets were made.
    times: Times,
    /// Whether a ticket was listed in another group than it was made in.
    is_moved: bool,
}

impl Evidence {
    /// Takes up what a ticket shows that the ledger holds.
    pub(super) fn observe(&mut self, listed: &Listed, known: Known<'_>, commit_within: Duration) {
        let field = field_of(known.group);
        let refs = reference_in(listed, field);
        if refs.is(known.reference) && !refs.is_torn() {
            self.read_back(listed, known, &refs);
        }
        let is_changed = match (listed.created_at, listed.updated_at) {
            (Some(created), Some(updated)) => updated.duration_since(created) > SETTLED,
            _ => false,
        };
        if !listed.group.is_empty() && listed.group != group_of(known.group) && !is_changed {
            self.is_moved = true;
        }
        for (name, value) in &listed.traits {
            let Some(print) = known.print else { break };
            let is_altered = match *name {
                TITLE => print.title(value) == Some(Relation::Other),
                _ => print.is(name, value) == Some(false),
            };
            if print.is(name, value) == Some(true) {
                self.is_titled |= *name == TITLE;
                self.same
                    .insert(((*name).to_owned(), print.traits[*name].clone()));
            } else if is_altered && !is_changed {
                self.altered.insert((*name).to_owned());
            }
        }
        if let (Some(sent), Some(created)) = (known.sent_at, listed.created_at) {
            let until = known.print.and_then(|print| print.until);
            let within = SignedDuration::try_from(commit_within).unwrap_or(SignedDuration::MAX);
            let late = INTENT_LASTS.saturating_add(within).saturating_add(SLACK);
            let at = SentAt::of(sent, known.print);
            self.times
                .observe(at, lasted(sent, until), late, &[created]);
        }
    }

    fn read_back(&mut self, listed: &Listed, known: Known<'_>, refs: &References) {
        let field = field_of(known.group);
        let group = marked_group(listed.group.clone(), field);
        let text = listed.text.as_deref().unwrap_or_default();
        let length = match (field, known.print) {
            (Some(_), _) => usize::MAX,
            (None, Some(print)) => print.length,
            (None, None) => text.chars().count(),
        };
        let by = |is: bool| if is { length } else { 0 };
        let last = self.last.entry(group.clone()).or_default();
        *last = (*last).max(by(refs.last.is_some()));
        let first = self.first.entry(group).or_default();
        *first = (*first).max(by(refs.first.is_some()));
    }

    /// Whether a ticket of the group was listed back with its reference; of no group: of any.
    pub(super) fn is_proven(&self, group: &str) -> bool {
        match group.is_empty() {
            true => !self.last.is_empty(),
            false => self.last.contains_key(group),
        }
    }

    /// Whether a text of this length would show its reference: one at least as long did.
    fn is_readable(&self, group: &str, length: usize) -> bool {
        let most = |by: &HashMap<String, usize>| match group.is_empty() {
            true => by.values().copied().max().unwrap_or_default(),
            false => by.get(group).copied().unwrap_or_default(),
        };
        length <= most(&self.last) || (length > LONG && length <= most(&self.first))
    }

    /// Whether the times at which the system says that tickets were made are those at which they were sent.
    pub(super) fn tells_time(&self) -> bool {
        self.times.are_told()
    }

    /// Whether a ticket that the ledger does not hold may be the one that a row in doubt has made; `place` is the number
    /// of the place in which the row's reference would be.
    pub(super) fn may_be(
        &self,
        stray: &Stray,
        doubt: &Doubt,
        place: usize,
        commit_within: Duration,
    ) -> bool {
        let group = group_of(&doubt.group);
        let is_there =
            self.is_moved || group.is_empty() || stray.group.is_empty() || stray.group == group;
        let sent = self.times.narrowed(doubt.sent());
        let is_then = !self.tells_time()
            || (stray.created_at).is_none_or(|at| {
                Span::of_doubt(doubt, sent, commit_within).any(|span| span.holds(at))
            });
        is_there
            && is_then
            && !self.contradicts(stray, doubt)
            && !self.is_anothers(stray, doubt, place)
    }

    /// Whether it bears the reference of another row where the row's own would be read.
    fn is_anothers(&self, stray: &Stray, doubt: &Doubt, place: usize) -> bool {
        let is_marked = stray.refs.get(place).is_some_and(|refs| !refs.is_empty());
        let is_readable = field_of(&doubt.group).is_some()
            || (doubt.print.as_ref())
                .is_some_and(|print| self.is_readable(&doubt.group, print.length));
        is_marked && is_readable
    }

    fn contradicts(&self, stray: &Stray, doubt: &Doubt) -> bool {
        let Some(print) = &doubt.print else {
            return false;
        };
        if self.is_titled
            && !self.altered.contains(TITLE)
            && stray.relation(doubt) == Some(Relation::Other)
        {
            return true;
        }
        let mut others = stray.traits.iter().filter(|(name, _)| *name != TITLE);
        others.any(|(name, value)| {
            // What becomes of a value may depend on the value: a requester that the system does not know.
            let is_kept = |sent: &String| self.same.contains(&((*name).to_owned(), sent.clone()));
            !self.altered.contains(*name)
                && print.is(name, value) == Some(false)
                && print.traits.get(*name).is_some_and(is_kept)
        })
    }
}
