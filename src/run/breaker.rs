//! When something is wrong with everything, the run stops instead of collecting the same refusal 400,000 times.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// How many refusals by the system stop a run. Faults found before sending do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxErrors {
    /// So many in a row.
    InARow(u32),
    /// This share of the answered rows in percent, once 50 rows were answered.
    Share(f64),
}

impl Default for MaxErrors {
    fn default() -> Self {
        Self::InARow(50)
    }
}

impl fmt::Display for MaxErrors {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InARow(count) => write!(f, "{count}"),
            Self::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A share says nothing about fewer rows.
const ENOUGH: u64 = 50;
/// After so many answers in a row that say nothing, the run finds out about them before it sends more: each of
/// them leaves a row in doubt.
const MOST_UNCLEAR: u32 = 10;

/// After so many answers in a row that say that nothing was done, in shapes that are not proven, the run finds out
/// about them before it sends more.
const MOST_UNPROVEN: u32 = 50;

/// So many rows in a row that lack the same right: the next ones lack it too.
const MOST_FORBIDDEN: u32 = 3;

/// Whether rows are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// As many as the limits allow.
    Open,
    /// None: what is in doubt is looked up first.
    Held,
    /// One, to see whether its answer says something.
    Trial,
}

#[derive(Debug)]
pub(super) struct Breaker {
    most: MaxErrors,
    in_a_row: u32,
    refused: u64,
    answered: u64,
    flow: Flow,
    unclear: u32,
    unproven: u32,
    /// The right that rows in a row lacked, and how many.
    forbidden: Option<(String, u32)>,
}

impl Breaker {
    pub(super) fn new(most: MaxErrors) -> Self {
        Self {
            most,
            in_a_row: 0,
            refused: 0,
            answered: 0,
            flow: Flow::Open,
            unclear: 0,
            unproven: 0,
            forbidden: None,
        }
    }

    /// The second stage of a run begins: rows that were counted in the first are answered once more, and each stage is
    /// judged by itself.
    pub(super) fn begin_stage(&mut self) {
        self.in_a_row = 0;
        self.refused = 0;
        self.answered = 0;
        self.forbidden = None;
    }

    pub(super) fn flow(&self) -> Flow {
        self.flow
    }

    /// An answer said something, whatever it was.
    pub(super) fn clear(&mut self) {
        self.unclear = 0;
        self.flow = Flow::Open;
    }

    /// An answer said nothing, or none came: whether the run begins to hold, or why it stops.
    pub(super) fn unclear(&mut self, answer: &str) -> Result<bool> {
        self.unclear += 1;
        match self.flow {
            Flow::Trial => Err(self.gives_up(answer)),
            Flow::Open if self.unclear >= MOST_UNCLEAR => {
                self.flow = Flow::Held;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// An answer said that nothing was done, and is not believed before it is looked up. It says nothing about the
    /// system's health: nothing is held for it, unless there are very many in a row. Returns whether the run begins to
    /// hold.
    pub(super) fn unproven(&mut self) -> bool {
        self.unclear = 0;
        self.unproven += 1;
        match self.flow {
            Flow::Trial => self.flow = Flow::Open,
            Flow::Open if self.unproven >= MOST_UNPROVEN => {
                self.flow = Flow::Held;
                return true;
            }
            _ => {}
        }
        false
    }

    /// What was in doubt has been looked up.
    pub(super) fn looked_up(&mut self) {
        self.unproven = 0;
        if self.flow == Flow::Held {
            self.flow = Flow::Trial;
        }
    }

    /// The end of a run whose system says nothing.
    pub(super) fn gives_up(&self, answer: &str) -> Error {
        Error::new(
            ErrorKind::System,
            format!(
                "the system gave no clear answer to {} requests in a row, the last: {answer}",
                self.unclear
            ),
        )
        .hint(
            "when the system is well again, run the same command: it finds out what became of them and goes on \
             where it was",
        )
    }

    /// A row was done.
    pub(super) fn done(&mut self) {
        self.answered += 1;
        self.unproven = 0;
        self.in_a_row = 0;
        self.forbidden = None;
    }

    /// The system takes the token but does not let it do this with a row's ticket: whether the run stops.
    pub(super) fn forbidden(&mut self, right: &str, message: &str) -> Option<Error> {
        let in_a_row = match self.forbidden.take() {
            Some((same, count)) if same == right => count + 1,
            _ => 1,
        };
        let refused = self.refused(message);
        self.forbidden = Some((right.to_owned(), in_a_row));
        if in_a_row < MOST_FORBIDDEN {
            return refused;
        }
        Some(lacks(right, in_a_row, message))
    }

    /// The system refused a row, saying this: whether the run stops.
    pub(super) fn refused(&mut self, message: &str) -> Option<Error> {
        self.answered += 1;
        self.refused += 1;
        self.in_a_row += 1;
        self.forbidden = None;
        let what = match self.most {
            MaxErrors::InARow(most) if self.in_a_row >= most.max(1) => {
                format!("the system refused {} rows in a row", self.in_a_row)
            }
            MaxErrors::Share(percent)
                if self.answered >= ENOUGH
                    && self.refused as f64 * 100.0 >= percent * self.answered as f64 =>
            {
                format!(
                    "the system refused {} of {} rows",
                    self.refused, self.answered
                )
            }
            _ => return None,
        };
        Some(
            Error::new(
                ErrorKind::Refused,
                format!("stopped: {what}, the last with: {message}"),
            )
            .hint("fix what they have in common and run the same command again: it goes on where it was; `--max-errors` sets when to stop"),
        )
    }
}

/// That the token lacks a right, as so many tickets in a row show.
fn lacks(right: &str, tickets: u32, message: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!(
            "stopped: the token seems to lack the right to {right}: {tickets} tickets in a row were refused for it, the \
             last with: {message}"
        ),
    )
    .hint(
        "give the token's user that right and run the same command again: it goes on where it was; `deskferry runs retry \
         last` sends the refused rows again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_missing_right_several_times_in_a_row_stops_the_run() {
        let mut breaker = Breaker::new(MaxErrors::default());
        for _ in 0..4 {
            assert!(breaker.forbidden("close tickets", "no").is_none());
            assert!(breaker.forbidden("close tickets", "no").is_none());
            assert!(breaker.forbidden("delete tickets", "no").is_none());
            breaker.forbidden("close tickets", "no");
            assert!(breaker.refused("another fault").is_none());
            breaker.forbidden("close tickets", "no");
            breaker.done();
        }
        for _ in 1..MOST_FORBIDDEN {
            assert!(breaker.forbidden("close tickets", "no").is_none());
        }
        let error = breaker.forbidden("close tickets", "no").unwrap();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("the right to close tickets"));
    }

    #[test]
    fn a_success_begins_the_row_anew() {
        let mut breaker = Breaker::new(MaxErrors::InARow(3));
        for _ in 0..2 {
            assert!(breaker.refused("no").is_none());
            assert!(breaker.refused("no").is_none());
            breaker.done();
        }
        breaker.refused("no");
        breaker.refused("no");
        assert!(breaker.refused("no").is_some());
    }

    #[test]
    fn answers_that_say_nothing_hold_the_run_and_then_stop_it() {
        let mut breaker = Breaker::new(MaxErrors::default());
        for _ in 1..MOST_UNCLEAR {
            assert!(!breaker.unclear("500").unwrap());
        }
        breaker.clear();
        for _ in 1..MOST_UNCLEAR {
            assert!(!breaker.unclear("500").unwrap());
        }
        assert!(breaker.unclear("500").unwrap());
        assert_eq!(breaker.flow(), Flow::Held);
        // Those that were under way still come back.
        assert!(!breaker.unclear("500").unwrap());
        breaker.looked_up();
        assert_eq!(breaker.flow(), Flow::Trial);
        assert!(
            breaker
                .unclear("503")
                .unwrap_err()
                .to_string()
                .contains("503")
        );
        breaker.clear();
        assert_eq!(breaker.flow(), Flow::Open);
    }

    #[test]
    fn answers_that_are_not_proven_hold_nothing_before_there_are_very_many() {
        let mut breaker = Breaker::new(MaxErrors::default());
        for _ in 1..MOST_UNPROVEN {
            assert!(!breaker.unproven());
        }
        assert_eq!(breaker.flow(), Flow::Open);
        assert!(breaker.unproven());
        assert_eq!(breaker.flow(), Flow::Held);
        breaker.looked_up();
        assert_eq!(breaker.flow(), Flow::Trial);
        assert!(!breaker.unproven());
        assert_eq!(breaker.flow(), Flow::Open);
    }

    #[test]
    fn what_the_first_stage_has_made_hides_nothing_of_the_second() {
        let mut breaker = Breaker::new(MaxErrors::Share(50.0));
        for _ in 0..1_000 {
            breaker.done();
        }
        breaker.begin_stage();
        let stops = (0..ENOUGH).filter(|_| breaker.refused("no").is_some());
        assert_eq!(stops.count(), 1);
    }

    #[test]
    fn a_share_counts_only_when_there_are_enough() {
        let mut breaker = Breaker::new(MaxErrors::Share(10.0));
        for _ in 0..20 {
            assert!(breaker.refused("no").is_none());
        }
        for _ in 0..200 {
            breaker.done();
        }
        assert!(breaker.refused("no").is_none());
        let stops = (0..10).any(|_| breaker.refused("no").is_some());
        assert!(stops);
    }
}
