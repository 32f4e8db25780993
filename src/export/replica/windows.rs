//! The windows of time that are read, or are to be read.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::{Replica, ends, instant};
use crate::error::Result;
use crate::systems::query::Span;

/// A ticket may show so long after it was made.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// The number of the first window that lies over others.
const OVER: &str = "over";

/// How far a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be read.
    Open,
    /// Read, and nothing is missing.
    Read,
    /// Read, but that nothing is missing could not be proven.
    Unproven,
}

impl State {
    fn code(self) -> i64 {
        match self {
            Self::Open => 0,
            Self::Read => 1,
            Self::Unproven => 2,
        }
    }
}

/// A window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its number.
    pub id: i64,
    /// What is left of it to be read; an open side has no bound.
    pub span: Span,
}

impl Replica {
    /// The windows that are in a state.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn windows(&self, state: State) -> Result<Vec<Window>> {
        let mut found = self
            .connection
            .prepare_cached("SELECT id, from_at, until_at FROM part WHERE state = ?1 ORDER BY id")
            .map_err(self.trouble())?;
        let rows = found.query_map([state.code()], |row| {
            Ok(Window {
                id: row.get(0)?,
                span: Span {
                    from: bound(row.get(1)?),
                    until: bound(row.get(2)?),
                },
            })
        });
        let rows: rusqlite::Result<Vec<_>> = rows.and_then(Iterator::collect);
        rows.map_err(self.trouble())
    }

    /// Begins a reading at a moment of the system's clock, with its first window.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(&mut self, at: Timestamp, first: Span) -> Result<()> {
        self.together(|replica| {
            replica.forget_windows()?;
            replica.keep_fact(crate::export::reading::BEGAN, &at.to_string())?;
            replica.add_window(first).map(drop)
        })
    }

    /// Puts one window that is to be read in the place of all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn list_anew(&mut self, span: Span) -> Result<()> {
        self.together(|replica| {
            replica.forget_windows()?;
            replica.add_window(span).map(drop)
        })
    }

    /// Adds a window that is to be read.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add_window(&self, span: Span) -> Result<Window> {
        let (from, until) = ends(span);
        self.connection
            .execute(
                "INSERT INTO part (from_at, until_at, state, pages) VALUES (?1, ?2, 0, 0)",
                [from, until],
            )
            .map_err(self.trouble())?;
        let id = self.connection.last_insert_rowid();
        Ok(Window { id, span })
    }

    /// Puts several windows in the place of one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn split_window(&mut self, window: Window, parts: &[Span]) -> Result<Vec<Window>> {
        self.together(|replica| {
            replica
                .connection
                .execute("DELETE FROM part WHERE id = ?1", [window.id])
                .map_err(replica.trouble())?;
            parts.iter().map(|span| replica.add_window(*span)).collect()
        })
    }

    /// Ends a window earlier; the rest is a window of its own.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn cut_window(&mut self, window: i64, at: Timestamp, rest: Span) -> Result<Window> {
        self.together(|replica| {
            replica
                .connection
                .execute(
                    "UPDATE part SET until_at = ?2 WHERE id = ?1",
                    params![window, instant(Some(at))],
                )
                .map_err(replica.trouble())?;
            replica.add_window(rest)
        })
    }

    /// Says how a window ended, after so many pages.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_window(&self, window: Window, state: State, pages: u64) -> Result<()> {
        let (from, until) = ends(window.span);
        let ended = self.connection.execute(
            "UPDATE part SET state = ?2, pages = ?3, from_at = min(from_at, ?4), until_at = min(until_at, ?5) WHERE id = ?1",
            params![window.id, state.code(), i64::try_from(pages).unwrap_or(i64::MAX), from, until],
        );
        ended.map(drop).map_err(self.trouble())
    }

    /// Keeps how many tickets a window showed, whether they are what is looked for or not.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_rows(&self, window: Window, rows: u64) -> Result<()> {
        self.keep_fact(&rows_of(window), &rows.to_string())
    }

    /// The windows that were read whole, with how many tickets each showed where that is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn counted_windows(&self) -> Result<Vec<(Window, Option<u64>)>> {
        let read = self.windows(State::Read)?.into_iter();
        read.map(|window| {
            let rows = self.fact(&rows_of(window))?;
            Ok((window, rows.and_then(|rows| rows.parse().ok())))
        })
        .collect()
    }

    /// Opens the windows again that hold one of these moments and took more than one page: what moved there moved others
    /// from page to page. How many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn reopen(&self, moments: &[Timestamp]) -> Result<usize> {
        let mut reopen = self
            .connection
            .prepare_cached(
                "UPDATE part SET state = 0 WHERE state <> 0 AND pages > 1 AND from_at <= ?1 AND until_at > ?1",
            )
            .map_err(self.trouble())?;
        let mut reopened = 0;
        for at in moments {
            let at = instant(Some(*at));
            reopened += reopen.execute([at]).map_err(self.trouble())?;
        }
        Ok(reopened)
    }

    /// Opens the windows again that hold one of these moments, at which tickets were made that their list did not show. One
    /// that was made shortly before the reading `began` may have shown late: for it no window of many pages is read again.
    /// How many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn reopen_lacking(&self, moments: &[Timestamp], began: Timestamp) -> Result<usize> {
        let mut reopen = self
            .connection
            .prepare_cached(
                "UPDATE part SET state = 0
                 WHERE state <> 0 AND (pages <= 1 OR ?2) AND from_at <= ?1 AND until_at > ?1",
            )
            .map_err(self.trouble())?;
        let shown = began.checked_sub(LATE).unwrap_or(began);
        let mut reopened = 0;
        for at in moments {
            let moment = instant(Some(*at));
            let executed = reopen.execute((moment, *at < shown));
            reopened += executed.map_err(self.trouble())?;
        }
        Ok(reopened)
    }

    /// Whether one of these moments lies in a window that took more than one page.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_split_by(&self, moments: &[Timestamp]) -> Result<bool> {
        let mut split = self
            .connection
            .prepare_cached(
                "SELECT 1 FROM part WHERE pages > 1 AND from_at <= ?1 AND until_at > ?1",
            )
            .map_err(self.trouble())?;
        for at in moments {
            if split.exists([instant(Some(*at))]).map_err(self.trouble())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All windows that have been read, whatever came of it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_windows(&self) -> Result<Vec<Window>> {
        let mut read = self.windows(State::Read)?;
        read.extend(self.windows(State::Unproven)?);
        Ok(read)
    }

    /// Opens a window again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn reopen_window(&self, window: Window) -> Result<()> {
        let reopened = self
            .connection
            .execute("UPDATE part SET state = 0 WHERE id = ?1", [window.id]);
        reopened.map(drop).map_err(self.trouble())
    }

    /// Adds windows that lie over others, so that they do not stay; the number of the first.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn lay_over(&mut self, spans: &[Span]) -> Result<i64> {
        self.together(|replica| {
            let last =
                replica
                    .connection
                    .query_row("SELECT coalesce(max(id), 0) FROM part", [], |row| {
                        row.get::<_, i64>(0)
                    });
            let first = last.map_err(replica.trouble())? + 1;
            // Who is killed before they are taken off does that the next time.
            replica.keep_fact(OVER, &first.to_string())?;
            spans
                .iter()
                .try_for_each(|span| replica.add_window(*span).map(drop))?;
            Ok(first)
        })
    }

    /// Forgets the windows that lie over others.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn take_off(&mut self) -> Result<()> {
        let first = self.fact(OVER)?.and_then(|first| first.parse::<i64>().ok());
        let Some(first) = first else {
            return Ok(());
        };
        self.together(|replica| {
            replica
                .connection
                .execute("DELETE FROM part WHERE id >= ?1", [first])
                .map_err(replica.trouble())?;
            replica.forget_fact(OVER)
        })
    }

    /// Forgets all windows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_windows(&self) -> Result<()> {
        let forgotten = self.connection.execute("DELETE FROM part", []);
        forgotten.map(drop).map_err(self.trouble())
    }

    /// Does several things as one.
    fn together<T>(&mut self, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let run = |text: &str| self.connection.execute_batch(text).map_err(self.trouble());
        run("BEGIN IMMEDIATE")?;
        match work(self) {
            Ok(value) => run("COMMIT").map(|()| value),
            Err(error) => {
                // The first error says more than what follows of it.
                let _ = run("ROLLBACK");
                Err(error)
            }
        }
    }
}

/// The name of the fact that says how many tickets a window showed.
fn rows_of(window: Window) -> String {
    format!("rows.{}", window.id)
}

fn bound(at: i64) -> Option<Timestamp> {
    match at {
        i64::MIN | i64::MAX => None,
        at => Timestamp::from_nanosecond(i128::from(at)).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_left_out_a_ticket_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut replica = Replica::open(&folder.path().join("r.sqlite")).unwrap();
        let at = |minute: i64| Timestamp::from_second(1_700_000_000 + 60 * minute).unwrap();
        let span = |from, until| Span {
            from: Some(at(from)),
            until: Some(at(until)),
        };
        replica.begin(at(100), span(0, 50)).unwrap();
        let long = replica.windows(State::Open).unwrap()[0];
        let short = replica.add_window(span(50, 200)).unwrap();
        replica.end_window(long, State::Read, 7).unwrap();
        replica.end_window(short, State::Read, 1).unwrap();
        // One that may have shown late opens no window of many pages.
        assert_eq!(replica.reopen_lacking(&[at(49)], at(50)).unwrap(), 0);
        assert_eq!(replica.reopen_lacking(&[at(199)], at(100)).unwrap(), 1);
        assert_eq!(replica.reopen_lacking(&[at(200)], at(100)).unwrap(), 0);
        assert_eq!(replica.reopen_lacking(&[at(10)], at(100)).unwrap(), 1);
        assert_eq!(replica.windows(State::Read).unwrap(), []);
    }
}
