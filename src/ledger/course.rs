//! How a run went: when its steps were sent, and what became of those that were ever in doubt.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempts::OURS;
use super::steps::moment;
use super::{Ledger, Run, State};
use crate::error::Result;

/// Into so many spans of time a run is parted.
const SPANS: i64 = 40;

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Course {
    /// The length of a span, in microseconds.
    pub span: i64,
    /// The spans in which something was sent: when each begins, and how many steps left in it.
    pub sent: Vec<(Timestamp, u64)>,
    /// Steps that were in doubt: how each was settled, and how many.
    pub doubts: Vec<(Doubt, u64)>,
}

/// How a step that was in doubt was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The system had done it.
    Found,
    /// It had not, and it was sent again.
    SentAgain,
    /// The system refused it.
    Refused,
    /// A person decided that it is not to be sent.
    ByHand,
    /// It is still in doubt.
    Open,
}

impl Ledger {
    /// How a run went, as far as the ledger still holds its steps.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn course(&self, run: &Run) -> Result<Course> {
        let codes = serde_json::json!(run.codes()).to_string();
        self.read(move |c| course(c, &codes)).await
    }
}

fn course(c: &Connection, codes: &str) -> rusqlite::Result<Course> {
    let of_run = format!("FROM step WHERE run IN {OURS}");
    let (first, last): (Option<i64>, Option<i64>) = c.query_row(
        &format!("SELECT min(sent_at), max(sent_at) {of_run}"),
        [codes],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut course = Course::default();
    if let (Some(first), Some(last)) = (first, last) {
        // No finer than a second.
        course.span = ((last - first) / SPANS + 1).max(1_000_000);
        course.sent = c
            .prepare(&format!(
                "SELECT (sent_at - ?2) / ?3, count(*) {of_run} AND sent_at IS NOT NULL GROUP BY 1 ORDER BY 1"
            ))?
            .query_map((codes, first, course.span), |row| {
                let at = first + row.get::<_, i64>(0)? * course.span;
                let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
                Ok((moment(at), count))
            })?
            .collect::<rusqlite::Result<_>>()?;
    }
    let mut doubts = c.prepare(&format!(
        "SELECT state, absent > 0, count(*) {of_run} AND (doubted > 0 OR state = 5) GROUP BY 1, 2"
    ))?;
    let mut rows = doubts.query([codes])?;
    while let Some(row) = rows.next()? {
        let doubt = match (row.get::<_, State>(0)?, row.get::<_, bool>(1)?) {
            (State::Done | State::Undone, false) => Doubt::Found,
            (State::Done | State::Undone, true) => Doubt::SentAgain,
            (State::Rejected, _) => Doubt::Refused,
            (State::Skipped, _) => Doubt::ByHand,
            (State::Pending | State::Sending | State::InDoubt, _) => Doubt::Open,
        };
        let count = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        match course.doubts.iter_mut().find(|(known, _)| *known == doubt) {
            Some((_, sum)) => *sum += count,
            None => course.doubts.push((doubt, count)),
        }
    }
    course.doubts.sort_unstable();
    Ok(course)
}
