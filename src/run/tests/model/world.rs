//! What is there: the row, its ledger, the process, and what was made.

use super::decide::Soft;
use super::moves::{COMMIT_WITHIN, Kind, Made, Setup, TOO_LATE, VISIBLE_WITHIN};

/// After so many rows that were refused in a shape and looked up, the shape is proven.
pub(super) const ENOUGH: u8 = 3;

/// Where the row's step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum State {
    Open,
    Sending,
    InDoubt,
    Done,
    Rejected,
}

/// What the ledger keeps of an answer that was not believed as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Said {
    Doubt,
    Refused,
    TooFast,
    Denied,
}

impl Said {
    pub(super) fn shape(self) -> Option<usize> {
        match self {
            Self::Doubt => None,
            Self::Refused => Some(0),
            Self::TooFast => Some(1),
            Self::Denied => Some(2),
        }
    }
}

/// Which ticket the ledger holds for a row that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Holds {
    Own,
    Anothers,
}

/// What is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ledger {
    pub(super) state: State,
    pub(super) said: Option<Said>,
    /// The shape of the answer that closed it: it was sent once. One of the contract has no number.
    pub(super) shape: Option<Option<usize>>,
    pub(super) absent: u8,
    pub(super) doubted: bool,
    pub(super) holds: Holds,
}

impl Ledger {
    pub(super) const NEW: Self = Self {
        state: State::Open,
        said: None,
        shape: None,
        absent: 0,
        doubted: false,
        holds: Holds::Own,
    };
}

/// A row in doubt, as the process knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Doubt {
    /// Whether an answer came, or was missed by a process that lived.
    pub(super) answered: bool,
    pub(super) absent: u8,
    pub(super) soft: Option<Soft>,
}

/// What the process waits for; all of it is gone when it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Off,
    Send {
        absent: u8,
        doubted: bool,
        /// Whether the intent is written already: the same step goes again.
        intended: bool,
    },
    Look(Doubt),
    Sweep(End),
}

/// How a run ends for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    Made,
    Before,
    Rejected,
    InDoubt,
    NotSent,
    /// The process died.
    Died,
}

/// What can be compared when a process has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) end: End,
    pub(super) state: State,
    pub(super) absent: Option<u8>,
    pub(super) tickets: usize,
    /// Duplicates that this run told.
    pub(super) doubles: usize,
    /// Whether it stopped before its end.
    pub(super) stopped: bool,
    /// Whether its last look for duplicates proved nothing.
    pub(super) unswept: bool,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) setup: Setup,
    pub(super) ledger: Ledger,
    pub(super) client: Client,
    /// In how many ticks each ticket (or comment) shows, in the order in which they were made.
    pub(super) tickets: Vec<u8>,
    /// Whether the other row is in the input, and done.
    pub(super) joined: bool,
    pub(super) witness: bool,
    /// Whether an earlier run has looked at the system.
    pub(super) known: bool,
    /// How often each shape was borne out; whether a ticket turned up that it denied.
    pub(super) proof: [u8; 3],
    pub(super) lost: [bool; 3],
    /// Whether the desk has broken an assumption, so that duplicates must be told and no more; whether a refusal in the
    /// shape of the contract was untrue, so that the row may be called rejected as well.
    pub(super) breaks: bool,
    pub(super) lied: bool,
    /// How many of the tickets were told as duplicates.
    pub(super) told: u8,
    /// How many requests had a fate.
    pub(super) sends: u8,
    /// Of the run under way: the duplicates that it told, and whether a round settled rows.
    pub(super) doubles: u8,
    pub(super) settled: bool,
    /// What is wrong.
    pub(super) wrong: Option<&'static str>,
}

impl World {
    pub(super) fn first(setup: Setup) -> Self {
        Self {
            setup,
            ledger: Ledger::NEW,
            client: Client::Off,
            tickets: Vec::new(),
            joined: !setup.alone,
            witness: false,
            known: false,
            proof: [0; 3],
            lost: [false; 3],
            breaks: false,
            lied: false,
            told: 0,
            sends: 0,
            doubles: 0,
            settled: false,
            wrong: None,
        }
    }

    pub(super) fn creates(&self) -> bool {
        self.setup.kind == Kind::Create
    }

    pub(super) fn visible(&self) -> usize {
        self.tickets.iter().filter(|shows| **shows == 0).count()
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(self.ledger.state, State::Done | State::Rejected)
    }

    pub(super) fn proven(&self, said: Said) -> bool {
        said.shape()
            .is_some_and(|shape| self.proof[shape] >= ENOUGH && !self.lost[shape])
    }

    pub(super) fn tick(&mut self, ticks: u8) {
        for shows in &mut self.tickets {
            *shows = shows.saturating_sub(ticks);
        }
    }

    pub(super) fn make(&mut self, made: Made) {
        let visible = if self.setup.slow { VISIBLE_WITHIN } else { 0 };
        let commits = match made {
            Made::Never => return,
            Made::Now => 0,
            Made::Late => COMMIT_WITHIN,
            Made::TooLate => TOO_LATE,
        };
        self.breaks |= made == Made::TooLate;
        self.tickets.push(commits + visible);
    }

    pub(super) fn judge(&mut self) {
        let made = self.tickets.len();
        let state = self.ledger.state;
        self.wrong = self.wrong.or(match (state, made) {
            (_, 2..) if !self.breaks && !self.lied => Some("doubled"),
            (State::Done, 0) => Some("lost: it counts as done, and nothing was made"),
            (State::Done, _) if self.ledger.holds == Holds::Anothers => {
                Some("untrue: it counts as done with the ticket of another row")
            }
            (State::Rejected, 1..) if !self.breaks && !self.lied => {
                Some("untrue: it counts as rejected, and it was made")
            }
            _ => None,
        });
    }
}
