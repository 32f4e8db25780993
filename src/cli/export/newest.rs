//! What is said where a period holds no ticket: which one is the newest.

use jiff::Timestamp;

use super::{everything_of, table};
use crate::cli::args::{By, ExportArgs};
use crate::cli::open::Open;
use crate::error::Result;
use crate::export::replica::{Parts, Replica, Selection};
use crate::export::sheets::days;
use crate::systems::common::CommonTicket;
use crate::systems::page::{Axis, Mark, PageAsk};
use crate::systems::query::{Query, Span};

/// So many of the newest tickets are asked for.
const ASKED: u64 = 20;

/// The newest ticket that is known.
#[derive(Debug, Default)]
pub(super) struct Newest {
    at: Option<Timestamp>,
    number: String,
    /// Whether the filters let it through.
    holds: bool,
}

impl Newest {
    fn offer(&mut self, ticket: &CommonTicket, at: Option<Timestamp>, holds: bool) {
        if (holds, at) > (self.holds, self.at) {
            let number = ticket.number.as_ref().unwrap_or(&ticket.id);
            (self.at, self.holds) = (at, holds);
            self.number.clone_from(number);
        }
    }

    /// Among those that are known here.
    pub(super) fn of_replica(
        by: By,
        replica: &Replica,
        query: &Query,
        open: &Open,
    ) -> Result<Self> {
        let all = everything_of(query);
        let selection = Selection {
            query: Some(&all),
            parts: Parts {
                comments: false,
                not_shown: false,
                other: false,
            },
            directory: open.directory(),
        };
        let mut newest = Self::default();
        replica.each(selection, &mut |ticket| {
            newest.offer(&ticket, time(by, &ticket), true);
            Ok(())
        })?;
        Ok(newest)
    }

    /// By the system's word: one request for a few of the newest.
    pub(super) async fn of_desk(by: By, query: &Query, open: &Open) -> Result<Self> {
        let all = everything_of(query);
        let ask = PageAsk {
            query: &all,
            is_filtered: true,
            axis: match by {
                By::Updated => Axis::Updated,
                By::Created | By::Closed => Axis::Created,
            },
            span: Span::default(),
            is_newest_first: true,
            mark: Mark::Index(0, ASKED),
            with_comments: false,
            leaves_out_deleted: false,
        };
        let page = open.system().page(&ask, &open.limiter).await?;
        let mut newest = Self::default();
        for shown in &page.tickets {
            newest.offer(&shown.ticket, time(by, &shown.ticket), shown.holds);
        }
        Ok(newest)
    }

    /// What is said; `span`: the period that holds none.
    pub(super) fn told(&self, args: &ExportArgs, span: Span, open: &Open) -> String {
        let by = table::by(args);
        let period = days(span, &open.zone());
        let narrowed = table::narrowed(args);
        let with = match narrowed.is_empty() {
            true => String::new(),
            false => format!(" with {}", narrowed.join(", ")),
        };
        let none = format!("no ticket{with} was {by} {period}");
        let Some(at) = self.at else {
            return format!("{none}, and there is no other");
        };
        let at = open.zone().to_datetime(at).strftime("%-d %b %Y at %H:%M");
        let which = match self.holds {
            true => format!("the newest{with}"),
            false => "the newest of the desk".to_owned(),
        };
        format!("{none}; {which} is {} ({by} {at})", self.number)
    }
}

fn time(by: By, ticket: &CommonTicket) -> Option<Timestamp> {
    match by {
        By::Created => ticket.created,
        By::Updated => ticket.updated,
        By::Closed => ticket.still_closed(),
    }
}
