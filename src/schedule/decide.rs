//! What is to be done now: a pure function of the schedules and the clock on the wall.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::store::Name;
use super::when::When;

/// A clock that went back by up to this much repeats no run: those times had their runs. One that went back further was
/// wrong before ([`count_from`]).
const WENT_BACK: SignedDuration = SignedDuration::from_hours(1);
/// Wall clock and monotonic clock may differ by so much between two looks before it is told.
const JUMP: SignedDuration = SignedDuration::from_secs(90);

/// What is known of a schedule when it is decided.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Its name.
    pub name: &'a Name,
    /// Where its export goes: to one target one run at a time.
    pub target: &'a str,
    /// When.
    pub when: &'a When,
    /// Up to so much later.
    pub jitter: Duration,
    /// Times up to this moment are done with.
    pub done_until: Timestamp,
    /// Whether it is running.
    pub running: bool,
    /// Not before this moment, whatever is due.
    pub not_before: Option<Timestamp>,
}

/// A run that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which of the schedules.
    pub index: usize,
    /// The time that it is for.
    pub at: Timestamp,
    /// How many times before it were missed: they are caught up by it.
    pub missed: u64,
}

/// What is to be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// These are started.
    pub start: Vec<Due>,
    /// These are due and wait: their last run, or another one with the same target, still goes.
    pub wait: Vec<Due>,
    /// When there is something to be done next, by the clock alone; `None`: never.
    pub wake: Option<Timestamp>,
}

/// Decides.
pub fn decide(schedules: &[Watched<'_>], now: Timestamp) -> Decision {
    let mut decision = Decision::default();
    let mut busy: Vec<&str> = schedules
        .iter()
        .filter(|watched| watched.running)
        .map(|watched| watched.target)
        .collect();
    for (index, watched) in schedules.iter().enumerate() {
        let mut wake = |at: Timestamp| {
            decision.wake = Some(decision.wake.map_or(at, |wake| wake.min(at)));
        };
        let from = watched.done_until;
        if let Some((at, count)) = watched.when.between(from, now) {
            let due = Due {
                index,
                at,
                missed: count - 1,
            };
            let ripe = later(at, jitter_of(watched, at)).max(watched.not_before.unwrap_or(at));
            if ripe > now {
                wake(ripe);
            } else if watched.running || busy.contains(&watched.target) {
                decision.wait.push(due);
            } else {
                busy.push(watched.target);
                decision.start.push(due);
            }
        }
        if let Some(next) = watched.when.next(now.max(from)) {
            wake(later(next, jitter_of(watched, next)));
        }
    }
    decision
}

/// From when times count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountFrom {
    /// Times after this moment are due.
    pub at: Timestamp,
    /// The moment that is written down instead, where it is still to come: the clock was ahead when it was written, or is
    /// behind now.
    pub instead_of: Option<Timestamp>,
}

/// From when times count, by what is written down as done and what the clock says now.
///
/// A moment that is still to come is no truth: believed, it would silence the schedule until then. The last of the
/// `believable` ones (when earlier runs began, when the schedule was added) counts instead; without any, the times that
/// are just past do.
pub fn count_from(
    done_until: Timestamp,
    believable: impl IntoIterator<Item = Timestamp>,
    now: Timestamp,
) -> CountFrom {
    if done_until.duration_since(now) <= WENT_BACK {
        return CountFrom {
            at: done_until,
            instead_of: None,
        };
    }
    let past = believable.into_iter().filter(|at| *at <= now).max();
    let just_past = now.checked_sub(WENT_BACK).unwrap_or(Timestamp::MIN);
    CountFrom {
        at: past.unwrap_or(just_past),
        instead_of: Some(done_until),
    }
}

/// By how much a run is late on purpose: the same whenever it is asked, another for each schedule and time.
fn jitter_of(watched: &Watched<'_>, at: Timestamp) -> Duration {
    let most = u64::try_from(watched.jitter.as_millis()).unwrap_or(u64::MAX);
    let mut hash = blake3::Hasher::new();
    hash.update(watched.name.as_str().as_bytes());
    hash.update(&at.as_second().to_le_bytes());
    let mut number = [0; 8];
    hash.finalize_xof().fill(&mut number);
    Duration::from_millis(u64::from_le_bytes(number).checked_rem(most).unwrap_or(0))
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// By how much the wall clock has moved beside the monotonic one: the machine slept, or the clock was set. `None`: they agree.
pub(super) fn jump(wall: SignedDuration, monotonic: Duration) -> Option<SignedDuration> {
    let monotonic = SignedDuration::try_from(monotonic).unwrap_or(SignedDuration::MAX);
    let difference = wall.saturating_sub(monotonic);
    (difference.abs() > JUMP).then_some(difference)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    struct One {
        name: Name,
        when: When,
    }

    impl One {
        fn new(name: &str, cron: &str) -> Self {
            let zone = TimeZone::get("America/Chicago").unwrap();
            Self {
                name: name.parse().unwrap(),
                when: When::new(cron, zone).unwrap(),
            }
        }

        fn watched(&self, done_until: Timestamp) -> Watched<'_> {
            Watched {
                name: &self.name,
                target: "district",
                when: &self.when,
                jitter: Duration::ZERO,
                done_until,
                running: false,
                not_before: None,
            }
        }
    }

    #[test]
    fn what_was_missed_is_caught_up_once() {
        let daily = One::new("daily", "0 7 * * *");
        let decision = decide(
            &[daily.watched(at("2026-11-20T08:00-06"))],
            at("2026-11-23T06:00-06"),
        );
        let due = Due {
            index: 0,
            at: at("2026-11-22T07:00-06"),
            missed: 1,
        };
        assert_eq!(decision.start, [due]);
        assert_eq!(decision.wake, Some(at("2026-11-23T07:00-06")));
        let decision = decide(
            &[daily.watched(at("2026-11-23T06:00-06"))],
            at("2026-11-23T06:00-06"),
        );
        assert_eq!(decision.start, []);
    }

    #[test]
    fn a_run_that_still_goes_keeps_its_own_and_its_targets_next_waiting() {
        let hourly = One::new("hourly", "0 * * * *");
        let other = One::new("other", "0 * * * *");
        let (done, now) = (at("2026-11-20T08:00-06"), at("2026-11-20T09:00-06"));
        let going = Watched {
            running: true,
            ..hourly.watched(done)
        };
        let elsewhere = Watched {
            target: "support",
            ..other.watched(done)
        };
        let decision = decide(&[going, other.watched(done), elsewhere], now);
        let indexes = |dues: &[Due]| dues.iter().map(|due| due.index).collect::<Vec<_>>();
        assert_eq!(indexes(&decision.wait), [0, 1]);
        assert_eq!(indexes(&decision.start), [2]);
        // Two that are due at once go one after the other.
        let decision = decide(&[hourly.watched(done), other.watched(done)], now);
        assert_eq!(indexes(&decision.start), [0]);
        assert_eq!(indexes(&decision.wait), [1]);
    }

    #[test]
    fn sleep_and_a_clock_that_is_set_are_noticed() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(jump(seconds(30), Duration::from_secs(30)), None);
        assert_eq!(
            jump(seconds(7230), Duration::from_secs(30)),
            Some(seconds(7200))
        );
        assert_eq!(
            jump(seconds(-3570), Duration::from_secs(30)),
            Some(seconds(-3600))
        );
    }

    proptest! {
        /// However the clock moves (ticks, sleeps, days on which clocks are set, small steps back): the runs' times only
        /// ever go forward, each is of the past, and after a look nothing is left due.
        #[test]
        fn every_time_is_run_at_most_once_and_never_forgotten(
            cron in prop::sample::select(vec!["0 7 * * *", "*/15 * * * *", "30 2 * * *", "30 1 * * *", "0 6 1 * *", "0 * * * 1-5"]),
            start in 1_760_000_000_i64..1_800_000_000,
            moves in prop::collection::vec(prop_oneof![1_i64..120, 3_000_i64..200_000, -3_600_i64..0], 1..60),
        ) {
            let one = One::new("one", cron);
            let mut now = second(start);
            let mut done_until = now;
            let mut last: Option<Timestamp> = None;
            let mut furthest = now;
            for step in moves {
                // Not further back than what still counts as a small step.
                now = second((now.as_second() + step).max(furthest.as_second() - 3_600));
                furthest = furthest.max(now);
                prop_assert_eq!(count_from(done_until, [], now).instead_of, None);
                let decision = decide(&[one.watched(done_until)], now);
                for due in &decision.start {
                    prop_assert!(due.at <= now);
                    prop_assert!(last.is_none_or(|last| due.at > last), "{} again", due.at);
                    last = Some(due.at);
                    done_until = now;
                }
                prop_assert!(decide(&[one.watched(done_until)], now).start.is_empty());
                prop_assert!(one.when.between(done_until, now).is_none());
                prop_assert!(decision.wake.is_some_and(|wake| wake > now));
            }
        }

        /// Waking when it is asked for, every time gets its run, within its jitter.
        #[test]
        fn nothing_is_missed_by_who_wakes_in_time(start in 1_760_000_000_i64..1_800_000_000, jitter in 0_u64..3_600, name in "[a-z]{1,8}") {
            let Ok(_) = name.parse::<Name>() else { return Ok(()) };
            let one = One::new(&name, "0 * * * *");
            let mut now = second(start);
            let mut done_until = now;
            let mut expected = one.when.next(now).unwrap();
            for _ in 0..40 {
                let watched = Watched { jitter: Duration::from_secs(jitter), ..one.watched(done_until) };
                let decision = decide(&[watched], now);
                if let [due] = decision.start[..] {
                    prop_assert_eq!(due, Due { index: 0, at: expected, missed: 0 });
                    let late = now.duration_since(due.at).as_secs();
                    prop_assert!(late <= i64::try_from(jitter).unwrap());
                    expected = one.when.next(expected).unwrap();
                    done_until = now;
                }
                now = decision.wake.unwrap();
            }
            prop_assert!(expected > second(start + 10 * 3600));
        }

        /// A clock that was hours or years ahead does not silence a schedule: from the next look on every time gets its
        /// run, and what was due since the last believable run is caught up once.
        #[test]
        fn a_clock_that_was_wrong_is_forgiven(ahead in 3_601_i64..400_000_000, has_run in any::<bool>(), look in 1_i64..3_600) {
            let one = One::new("one", "0 * * * *");
            let corrected = second(1_770_000_000);
            let wrong = second(corrected.as_second() + ahead);
            let past = second(corrected.as_second() - 200_000);
            let runs = [Some(wrong), has_run.then_some(past)].into_iter().flatten();
            let now = second(corrected.as_second() + look);
            let from = count_from(wrong, runs, now);
            if wrong.duration_since(now) <= WENT_BACK {
                prop_assert_eq!(from.at, wrong);
                return Ok(());
            }
            prop_assert_eq!(from.instead_of, Some(wrong));
            prop_assert_eq!(from.at == past, has_run);
            let decision = decide(&[one.watched(from.at)], now);
            let due = one.when.between(from.at, now);
            prop_assert_eq!(decision.start.len(), usize::from(due.is_some()));
            prop_assert!(due.is_some());
            prop_assert!(decision.wake.unwrap().duration_since(now) <= SignedDuration::from_hours(1));
        }
    }
}
