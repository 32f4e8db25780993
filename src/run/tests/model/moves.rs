//! What happens to a client that knows no choice: how its runs start, what becomes of its requests, what it is shown.

use std::fmt;

/// After so many ticks nothing that was sent is obeyed any more; a tick is 30 s.
pub(super) const COMMIT_WITHIN: u8 = 2;
/// After so many ticks what was obeyed is listed.
pub(super) const VISIBLE_WITHIN: u8 = 1;
/// When a desk obeys that breaks the assumption about its latest commit.
pub(super) const TOO_LATE: u8 = 5;

/// What the row has to send that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Its ticket.
    Create,
    /// A comment on its ticket, which was made.
    Comment,
}

/// Where a story begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Setup {
    pub(super) kind: Kind,
    /// Whether the input has no other row, which would be a witness.
    pub(super) alone: bool,
    /// Whether what is obeyed shows at the latest moment, not at once.
    pub(super) slow: bool,
}

/// When the desk obeys a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Made {
    Never,
    Now,
    /// At the latest moment.
    Late,
    /// Later than the assumption says.
    TooLate,
}

/// What the client hears of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// It was made.
    Created,
    /// It was made, with the id of another row's ticket.
    Anothers,
    /// Nothing.
    Lost,
    /// 202.
    Accepted,
    /// 422, 429 or 403 in a shape that nobody has proven.
    Refused,
    TooFast,
    Denied,
    /// 400 or 429 as the contract has it.
    ProvenRefused,
    ProvenTooFast,
    /// There was no connection.
    Unsent,
    /// Nothing, and the run is told to return at once.
    CtrlC,
    /// Nothing: the process dies.
    Dies,
}

/// What happens beside a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Beside {
    Nothing,
    /// The process stands still before the request leaves, and a second run of the same ledger wants to begin.
    Stalled,
    /// A second run, which no lock held off, makes the row before the first sends it again.
    Overtaken,
    /// A run of another state folder makes the row too.
    Rival,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fate {
    pub(super) made: Made,
    pub(super) answer: Answer,
    pub(super) beside: Beside,
    /// Whether the process dies one tick later, while it waits to look the row up.
    pub(super) dies: bool,
}

impl Fate {
    pub(super) const WELL: Self = Self::of(Made::Now, Answer::Created);

    pub(super) const fn of(made: Made, answer: Answer) -> Self {
        Self {
            made,
            answer,
            beside: Beside::Nothing,
            dies: false,
        }
    }
}

/// How a listing is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Listing {
    Good,
    /// No text is shown.
    Hidden,
    /// The text of the row's ticket is not; that of its comment is empty.
    Unmarked,
    /// Nothing is shown, and the list looks whole.
    Empty,
    /// The row's ticket is missing, and the system counts more than it shows.
    Partial,
    /// It is refused.
    Failing,
    /// Somebody's ticket besides mentions the reference within its text.
    Mentioned,
    /// Somebody's ticket besides ends with the reference, and has another title.
    Quoted,
    /// The ticket of another scope's row looks the same, with its reference.
    Held,
    /// Somebody's ticket besides has the row's title, and no reference.
    Akin,
    /// The process dies before what it heard is written.
    Dies,
}

impl Listing {
    pub(super) const ALL: [Self; 11] = [
        Self::Good,
        Self::Hidden,
        Self::Unmarked,
        Self::Empty,
        Self::Partial,
        Self::Failing,
        Self::Mentioned,
        Self::Quoted,
        Self::Held,
        Self::Akin,
        Self::Dies,
    ];
}

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Start {
    /// Whether the whole wait has passed since the last one.
    pub(super) late: bool,
    /// As `runs retry`.
    pub(super) retry: bool,
    /// Over a ledger of before the row was sent.
    pub(super) restored: bool,
    /// With the other row in the input, from now on.
    pub(super) joined: bool,
    /// Whether the process dies one tick later, if it still waits then.
    pub(super) dies: bool,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(start) => {
                let flags = [
                    (start.late, "late"),
                    (start.retry, "to retry"),
                    (start.restored, "over an old ledger"),
                    (start.joined, "with the other row"),
                    (start.dies, "and dies while it waits"),
                ];
                let flags = flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name);
                let flags: Vec<&str> = flags.collect();
                write!(f, "a run starts {}", flags.join(", "))
            }
            Self::Send(fate) => {
                write!(f, "it sends: {:?}, made: {:?}", fate.answer, fate.made)?;
                if fate.beside != Beside::Nothing {
                    write!(f, ", beside it: {:?}", fate.beside)?;
                }
                if fate.dies {
                    write!(f, ", and the process dies while it waits")?;
                }
                Ok(())
            }
            Self::List(listing) => write!(f, "it lists: {listing:?}"),
        }
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Move {
    Start(Start),
    Send(Fate),
    List(Listing),
}
