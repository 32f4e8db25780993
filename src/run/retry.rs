//! What an answer means for the step: *may* it go again ([`judge`], the one table), and *when*
//! ([`Backoff`]). Neither knows the other; unknown means no.

use std::time::Duration;

use crate::systems::shape::Worth;
use crate::systems::{Answered, Outcome};

/// What may be done after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The step is done.
    Done,
    /// The step is refused; the payload must change.
    Refused,
    /// Nothing was done: the same request goes again after the shared pause.
    AfterPause,
    /// Nothing was sent: the same request goes again after a while, a few times, then the run stops.
    Unsent,
    /// Done or not, it may go again after a while, a few times.
    Repeat,
    /// Nobody knows, and it must not go again before that is settled.
    Settle,
    /// The answer says that nothing was done, in a shape that is not proven, or proven and looked up still: it is
    /// looked up, and nothing else waits for it.
    LookUp,
    /// Nothing was done yet, and one more request is needed.
    GoOn,
    /// Nothing will go through: the run stops.
    Stop,
    /// The same, and whether this request was done is looked up by the next run.
    StopInDoubt,
}

/// The one table from answer to verdict.
///
/// `worth` is that of the answer's shape ([`weigh`]); what it says in brackets holds for a shape that is not proven.
///
/// | answer | a step that makes something | a step that sets something |
/// |---|---|---|
/// | done | done | done |
/// | rejected | refused (looked up) | refused |
/// | throttled | after the pause (looked up) | after the pause |
/// | unsent | again, nothing was sent | again, nothing was sent |
/// | forbidden | refused (looked up) | refused |
/// | denied | stop (and in doubt) | stop |
/// | further | go on | go on |
/// | in doubt | settle | repeat |
/// | in doubt in a shape | looked up | repeat |
pub(super) fn judge(answered: &Answered, worth: Worth, repeatable: bool) -> Verdict {
    let believed = repeatable || worth == Worth::Proven;
    match &answered.outcome {
        Outcome::Done(_) => Verdict::Done,
        Outcome::Rejected(_) | Outcome::Throttled(_) | Outcome::Forbidden(_) if !believed => {
            Verdict::LookUp
        }
        Outcome::Denied(_) if !repeatable && worth == Worth::Unproven => Verdict::StopInDoubt,
        Outcome::Rejected(_) | Outcome::Forbidden(_) => Verdict::Refused,
        Outcome::Further => Verdict::GoOn,
        Outcome::Throttled(_) => Verdict::AfterPause,
        Outcome::Unsent(_) => Verdict::Unsent,
        Outcome::Denied(_) => Verdict::Stop,
        Outcome::InDoubt(_) if repeatable => Verdict::Repeat,
        Outcome::InDoubt(_) if answered.shape.is_some() => Verdict::LookUp,
        Outcome::InDoubt(_) => Verdict::Settle,
    }
}

/// How often one request is throttled before the run gives up: at the longest pause this is more than an hour.
pub(super) const MOST_THROTTLED: u32 = 64;

/// When a request goes again: waits that double, a few times.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    tries: u32,
    most: u32,
}

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Backoff {
    /// For a system that cannot be reached: half a minute in all, long enough for a restart of it.
    pub(super) fn unsent() -> Self {
        Self { tries: 0, most: 6 }
    }

    /// For a step that may be repeated, and for listings.
    pub(super) fn repeat() -> Self {
        Self { tries: 0, most: 5 }
    }

    /// How long to wait before the next try; `None`: no more.
    pub(super) fn next(&mut self) -> Option<Duration> {
        (self.tries < self.most).then(|| {
            let wait = doubled(FIRST_WAIT, self.tries, LONGEST_WAIT);
            self.tries += 1;
            wait
        })
    }
}

/// `first`, doubled so often, never more than `most`.
pub(super) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    2_u32
        .checked_pow(times)
        .and_then(|factor| first.checked_mul(factor))
        .map_or(most, |wait| wait.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::shape::{Content, Shape};
    use crate::systems::{Refusal, Ticket};

    fn verdict(outcome: Outcome, worth: Worth, repeatable: bool) -> Verdict {
        judge(&outcome.into(), worth, repeatable)
    }

    fn refusal() -> Refusal {
        Refusal {
            status: 400,
            message: String::new(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn only_a_repeatable_step_goes_again_in_doubt() {
        let doubt = Outcome::InDoubt("timed out".to_owned());
        assert_eq!(
            verdict(doubt.clone(), Worth::Proven, false),
            Verdict::Settle
        );
        assert_eq!(verdict(doubt, Worth::Proven, true), Verdict::Repeat);
    }

    #[test]
    fn the_rest_of_the_table_does_not_ask_whether_it_is_repeatable() {
        for repeatable in [false, true] {
            for (outcome, expected) in [
                (Outcome::Done(Ticket::default()), Verdict::Done),
                (Outcome::Rejected(refusal()), Verdict::Refused),
                (Outcome::Forbidden(refusal()), Verdict::Refused),
                (Outcome::Further, Verdict::GoOn),
                (Outcome::Throttled(None), Verdict::AfterPause),
                (Outcome::Unsent(String::new()), Verdict::Unsent),
                (Outcome::Denied(String::new()), Verdict::Stop),
            ] {
                assert_eq!(verdict(outcome, Worth::Proven, repeatable), expected);
            }
        }
    }

    #[test]
    fn what_is_not_proven_is_believed_of_a_step_alone_that_sets_something() {
        for (outcome, makes, sets) in [
            (
                Outcome::Rejected(refusal()),
                Verdict::LookUp,
                Verdict::Refused,
            ),
            (
                Outcome::Forbidden(refusal()),
                Verdict::LookUp,
                Verdict::Refused,
            ),
            (
                Outcome::Throttled(None),
                Verdict::LookUp,
                Verdict::AfterPause,
            ),
            (
                Outcome::Denied(String::new()),
                Verdict::StopInDoubt,
                Verdict::Stop,
            ),
        ] {
            assert_eq!(verdict(outcome.clone(), Worth::Unproven, false), makes);
            assert_eq!(verdict(outcome, Worth::Unproven, true), sets);
        }
        // One of many that are proven: a run does not stop in doubt for it.
        let denied = Outcome::Denied(String::new());
        assert_eq!(verdict(denied, Worth::Sampled, false), Verdict::Stop);
        let throttled = Outcome::Throttled(None);
        assert_eq!(verdict(throttled, Worth::Sampled, false), Verdict::LookUp);
    }

    #[test]
    fn a_doubt_about_the_way_alone_is_looked_up_and_holds_nothing() {
        let shape = Shape {
            call: "create".to_owned(),
            http: 404,
            status: 404,
            content: Content::Html,
            members: Vec::new(),
        };
        let answered = Answered {
            shape: Some(shape),
            ..Outcome::InDoubt("404".to_owned()).into()
        };
        assert_eq!(judge(&answered, Worth::Unproven, false), Verdict::LookUp);
    }

    #[test]
    fn waits_double_and_end() {
        let mut backoff = Backoff::unsent();
        let waits: Vec<_> = std::iter::from_fn(|| backoff.next()).collect();
        assert_eq!(waits.len(), 6);
        assert!(waits.is_sorted());
        // A system that comes back after ten seconds is still waited for.
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(20));
    }

    proptest::proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(first in 0_u64..u64::MAX, times in 0_u32..u32::MAX, most in 0_u64..1_000_000) {
            let most = Duration::from_millis(most);
            proptest::prop_assert!(doubled(Duration::from_millis(first), times, most) <= most);
        }
    }
}
