//! When a request was sent, on the system's clock, as far as two clocks tell it: the system's `Date` header and our own.
//! Either may be wrong: a proxy or a cache answers with a date of its own, a laptop's battery is empty. Where the two are
//! apart, what shows which of them is right is a thing that we made, listed back with the time of its making.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Print, System};

/// Two clocks that are no further apart than this are one.
pub(crate) const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// How much of a time is lost by whole seconds, in the `Date` header and in what is listed.
pub(crate) const ROUNDING: SignedDuration = SignedDuration::from_secs(2);

/// A clock of ours that is further off is not looked at: a battery is empty, and no listing reaches back as far.
const FURTHEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentAt {
    /// On the system's clock, as its `Date` header told it.
    pub at: Timestamp,
    /// By our own clock, where the two were apart.
    pub ours: Option<Timestamp>,
    /// Whether nobody knows it: at any time since its ticket was made, which `at` says by one of the clocks.
    pub ever: bool,
}

impl From<Timestamp> for SentAt {
    fn from(at: Timestamp) -> Self {
        Self {
            at,
            ours: None,
            ever: false,
        }
    }
}

impl SentAt {
    /// Now, a second before: the clocks are known to the second.
    pub(crate) fn now(system: &dyn System) -> Self {
        let ours = Timestamp::now() - SignedDuration::from_secs(1);
        let theirs = ours.checked_add(system.account().clock_offset);
        let at = theirs.unwrap_or(ours);
        Self {
            ours: ours_beside(at, ours),
            ..Self::from(at)
        }
    }

    /// What the ledger holds of it.
    pub(crate) fn of(at: Timestamp, print: Option<&Print>) -> Self {
        Self {
            ours: print.and_then(|print| print.ours),
            ..Self::from(at)
        }
    }

    /// At any time since the ticket was made, whose create was sent then.
    pub(crate) fn ever(at: Timestamp) -> Self {
        Self {
            ever: true,
            ..Self::from(at)
        }
    }

    /// The times that the two clocks tell, the system's first.
    pub(crate) fn each(&self) -> impl Iterator<Item = Timestamp> + use<> {
        std::iter::once(self.at).chain(self.ours)
    }

    /// The earlier of the two.
    pub(crate) fn earliest(&self) -> Timestamp {
        self.ours.map_or(self.at, |ours| ours.min(self.at))
    }

    /// The later of the two.
    pub(crate) fn latest(&self) -> Timestamp {
        self.ours.map_or(self.at, |ours| ours.max(self.at))
    }

    /// How far the clocks were apart, in minutes.
    fn apart(&self) -> Option<i64> {
        let ours = self.ours?;
        Some(ours.duration_since(self.at).as_mins())
    }
}

/// Our own clock beside the system's, where it counts as another one.
pub(crate) fn ours_beside(theirs: Timestamp, ours: Timestamp) -> Option<Timestamp> {
    let apart = theirs.duration_since(ours).abs();
    (apart > SLACK && apart <= FURTHEST).then_some(ours)
}

/// Now, no later than it is on the system's clock as far as that and ours tell: what is changed from here on may be missing
/// from what is read.
pub(crate) fn surely_now(system: &dyn System) -> Timestamp {
    earlier(Timestamp::now(), system.account().clock_offset)
}

fn earlier(ours: Timestamp, offset: SignedDuration) -> Timestamp {
    let theirs = ours.checked_add(offset).unwrap_or(ours);
    let other = ours_beside(theirs, ours);
    other.map_or(theirs, |ours| ours.min(theirs))
}

/// What things that we made show of the two clocks: whether the system says that they were made when they were sent.
#[derive(Debug, Default)]
pub(crate) struct Times {
    right: u64,
    /// Things that were made before either clock says that they were sent.
    early: u64,
    /// Things that were made long after that.
    late: u64,
    /// By how many minutes the clocks were apart.
    apart: BTreeMap<i64, Apart>,
}

/// What is known of two clocks that were apart.
#[derive(Debug, Default, Clone, Copy)]
struct Apart {
    /// Whether something was made that can have been sent by our clock alone.
    not_theirs: bool,
    /// Whether something was made that can have been sent by the system's clock alone.
    not_ours: bool,
}

impl Times {
    /// Takes up something that was sent then, at the latest so long after, and made at one of these times; `late`: how long
    /// a request may take.
    pub(crate) fn observe(
        &mut self,
        sent: SentAt,
        lasted: SignedDuration,
        late: SignedDuration,
        made: &[Timestamp],
    ) {
        let fits = |sent: Timestamp, early: SignedDuration| {
            let from = sent.checked_sub(early).unwrap_or(Timestamp::MIN);
            let to = sent
                .checked_add(lasted.saturating_add(late))
                .unwrap_or(Timestamp::MAX);
            made.iter().any(|at| (from..=to).contains(at))
        };
        let earliest = sent.earliest().checked_sub(SLACK).unwrap_or(Timestamp::MIN);
        if sent.each().any(|sent| fits(sent, SLACK)) {
            self.right += 1;
        } else if made.iter().all(|at| *at < earliest) {
            self.early += 1;
        } else {
            self.late += 1;
        }
        if let Some((apart, ours)) = sent.apart().zip(sent.ours) {
            // Nothing is made before it is sent: what was made before the later of the two clocks shows that to be wrong.
            let (theirs, ours) = (fits(sent.at, ROUNDING), fits(ours, ROUNDING));
            let seen = self.apart.entry(apart).or_default();
            seen.not_theirs |= ours && !theirs;
            seen.not_ours |= theirs && !ours;
        }
    }

    /// Whether things were made when one of the clocks says so, and none otherwise.
    pub(crate) fn are_told(&self) -> bool {
        self.right > 0 && self.early == 0 && self.late == 0
    }

    /// Whether something was made before either clock says that it was sent.
    pub(crate) fn are_ahead(&self) -> bool {
        self.early > 0
    }

    /// When a request was sent, by the clock that is shown to be right; by both where nothing shows it.
    pub(crate) fn narrowed(&self, sent: SentAt) -> SentAt {
        let Some((apart, ours)) = sent.apart().zip(sent.ours) else {
            return sent;
        };
        let seen = self.apart.range(apart - 1..=apart + 1);
        let (mut not_theirs, mut not_ours) = (false, false);
        for (_, seen) in seen {
            not_theirs |= seen.not_theirs;
            not_ours |= seen.not_ours;
        }
        match (not_theirs, not_ours) {
            (false, true) => SentAt { ours: None, ..sent },
            (true, false) => SentAt {
                at: ours,
                ours: None,
                ..sent
            },
            _ => sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-11-30T09:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    /// The system's clock and ours.
    fn sent(theirs: i64, ours: i64) -> SentAt {
        SentAt {
            ours: ours_beside(at(theirs), at(ours)),
            ..SentAt::from(at(theirs))
        }
    }

    fn shown(sent: SentAt, made: i64) -> Times {
        let mut times = Times::default();
        let late = SignedDuration::from_mins(2);
        times.observe(sent, SignedDuration::ZERO, late, &[at(made)]);
        times
    }

    #[test]
    fn clocks_that_agree_are_one() {
        assert_eq!(sent(0, 1).ours, None);
        assert_eq!(sent(30, 0).ours, Some(at(0)));
        // A battery was empty.
        assert_eq!(sent(0, -60 * 24 * 365).ours, None);
    }

    /// What is read up to a time that is yet to come is never looked at again.
    #[test]
    fn nothing_counts_as_read_up_to_a_time_that_may_be_to_come() {
        let minutes = SignedDuration::from_mins;
        assert_eq!(earlier(at(0), minutes(26)), at(0));
        assert_eq!(earlier(at(0), minutes(-26)), at(-26));
        let years = minutes(60 * 24 * 365 * 20);
        assert_eq!(earlier(at(0), years), at(0) + years);
    }

    #[test]
    fn what_was_made_shows_which_clock_is_right() {
        // The header is 26 minutes ahead.
        let ahead = sent(26, 0);
        assert_eq!((ahead.earliest(), ahead.latest()), (at(0), at(26)));
        assert_eq!(Times::default().narrowed(ahead), ahead);
        assert_eq!(shown(ahead, 0).narrowed(ahead), SentAt::from(at(0)));
        assert_eq!(shown(ahead, 27).narrowed(ahead), SentAt::from(at(26)));
        // Clocks that were apart by as much are the same ones; of others nothing is known.
        assert_eq!(shown(sent(56, 30), 30).narrowed(ahead), sent(0, 0));
        // Between clocks that are hardly apart a late commit tells nothing; an early one does.
        let hardly = sent(2, 0);
        assert_eq!(shown(hardly, 2).narrowed(hardly), hardly);
        assert_eq!(shown(hardly, 1).narrowed(hardly), sent(0, 0));
        let others = sent(-40, 0);
        assert_eq!(shown(others, 0).narrowed(ahead), ahead);
    }

    #[test]
    fn times_that_neither_clock_tells_prove_nothing() {
        assert!(shown(sent(26, 0), 0).are_told());
        assert!(shown(sent(0, 0), 0).are_told());
        let late = shown(sent(26, 0), 300);
        assert!(!late.are_ahead() && !late.are_told());
        let wrong = shown(sent(26, 0), -300);
        assert!(wrong.are_ahead() && !wrong.are_told());
        assert_eq!(wrong.narrowed(sent(26, 0)), sent(26, 0));
    }
}
