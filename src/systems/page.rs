//! Tickets by the page, for reading very many of them.
//!
//! How pages follow each other differs: some systems count their rows and give any page by its index, others hand out
//! a cursor for the next one only. [`Next`] says which it is; what is made of it is the reader's business.

use std::collections::HashSet;
use std::num::NonZero;
use std::thread;

use jiff::Timestamp;
use serde_json::Value;

use super::common::CommonTicket;
use super::query::{Query, Span};
use super::whole::{Gap, uncounted};

/// By which time a listing is bounded and ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// When tickets were made, which never changes.
    Created,
    /// When they were changed last.
    Updated,
}

impl Axis {
    /// That time of a ticket.
    pub fn of(self, ticket: &CommonTicket) -> Option<Timestamp> {
        match self {
            Self::Created => ticket.created,
            Self::Updated => ticket.updated,
        }
    }
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The first.
    First,
    /// The one of that index, from 0, with pages of that size.
    Index(u64, u64),
    /// The one that a cursor leads to.
    Cursor(String),
}

/// What page is asked for.
#[derive(Debug, Clone)]
pub struct PageAsk<'a> {
    /// What every ticket is judged by.
    pub query: &'a Query,
    /// Whether the system is asked to filter by it; else it is only bounded by the span.
    pub is_filtered: bool,
    /// By which time it is bounded and ordered.
    pub axis: Axis,
    /// The bounds. Where [`super::System::window_days`] tells a zone, they are taken as the whole days that the span
    /// touches there.
    pub span: Span,
    /// Whether the newest come first.
    pub is_newest_first: bool,
    /// Which page.
    pub mark: Mark,
    /// Whether the comments are wanted.
    pub with_comments: bool,
    /// Whether deleted tickets are left out, where the system can: for a page that is only asked how many there are.
    pub leaves_out_deleted: bool,
}

/// A ticket of a page.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The ticket.
    pub ticket: CommonTicket,
    /// Whether it is what is looked for ([`Query::holds`]).
    pub holds: bool,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing, by the system's word.
    Nothing,
    /// Any page by its index: so many rows are in all, so many on a page.
    Counted {
        /// Rows that the system counts.
        total: u64,
        /// Rows on a page.
        size: u64,
    },
    /// The one that a cursor leads to.
    Cursor(String),
}

/// A page of tickets.
#[derive(Debug, Clone)]
pub struct TicketPage {
    /// Its tickets in the order of the system.
    pub tickets: Vec<Shown>,
    /// What follows.
    pub next: Next,
    /// Whether rows are missing on it, although it is not the last.
    pub is_short: bool,
    /// How many rows there are by the word of a system that hands out cursors: on this page, or in the whole list.
    pub count: Option<u64>,
}

impl TicketPage {
    /// The ids of its tickets with their times.
    pub fn times(&self, axis: Axis) -> Vec<(String, Option<Timestamp>)> {
        let shown = self.tickets.iter();
        shown
            .map(|shown| (shown.ticket.id.clone(), axis.of(&shown.ticket)))
            .collect()
    }

    /// Whether rows are missing on it, the last of a list with so many rows.
    pub fn gap(&self, listed: u64) -> Option<Gap> {
        if self.is_short {
            return Some(Gap::Short);
        }
        let ids: HashSet<&str> = self.tickets.iter().map(|shown| &*shown.ticket.id).collect();
        uncounted(
            self.count,
            ids.len() as u64,
            self.tickets.len() as u64,
            listed,
        )
    }
}

/// From how many rows on it is worth to share them out.
const MANY: usize = 200;

/// The tickets of a page, in the order of its rows; the rows of a large one are shared out among the processors.
pub(super) fn each_shown(
    rows: &[Value],
    shown: impl Fn(&Value) -> Option<Shown> + Sync,
) -> Vec<Shown> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let all = |rows: &[Value]| rows.iter().filter_map(&shown).collect::<Vec<_>>();
    if rows.len() < MANY || processors == 1 {
        return all(rows);
    }
    thread::scope(|threads| {
        let (first, others) = rows.split_at(rows.len().div_ceil(processors));
        let others = others.chunks(first.len());
        let others: Vec<_> = others.map(|rows| threads.spawn(|| all(rows))).collect();
        let mut tickets = all(first);
        for other in others {
            match other.join() {
                Ok(more) => tickets.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        tickets
    })
}
