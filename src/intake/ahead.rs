//! Rows read on a thread of their own, ahead of who judges them: unpacking and splitting the input costs about as
//! much as making its keys.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::vec;

/// How many items travel together at most.
pub(super) const BATCH: usize = 256;
/// How many batches wait at most.
const WAITING: usize = 4;

/// The items of an iterator that runs on a thread of its own, in their order. The thread ends with the items, or
/// soon after this is dropped.
pub(super) struct Ahead<'scope, I: Iterator> {
    batches: Receiver<Vec<I::Item>>,
    batch: vec::IntoIter<I::Item>,
    thread: ScopedJoinHandle<'scope, I>,
}

/// Starts the thread; so many items travel together.
pub(super) fn read_ahead<'scope, I>(
    threads: &'scope Scope<'scope, '_>,
    mut items: I,
    most: usize,
) -> Ahead<'scope, I>
where
    I: Iterator<Item: Send> + Send + 'scope,
{
    let (sender, batches) = sync_channel(WAITING);
    let thread = threads.spawn(move || {
        loop {
            let batch: Vec<_> = items.by_ref().take(most).collect();
            if batch.is_empty() || sender.send(batch).is_err() {
                return items;
            }
        }
    });
    Ahead {
        batches,
        batch: Vec::new().into_iter(),
        thread,
    }
}

impl<I: Iterator> Ahead<'_, I> {
    /// The iterator itself, where it has got to.
    pub(super) fn into_inner(self) -> I {
        drop(self.batches);
        match self.thread.join() {
            Ok(items) => items,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl<I: Iterator> Iterator for Ahead<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        loop {
            if let Some(item) = self.batch.next() {
                return Some(item);
            }
            self.batch = self.batches.recv().ok()?.into_iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Result};
    use crate::record::{Place, Record};
    use crate::source::Row;

    fn row(number: u64) -> Result<Row> {
        Ok(Row::Record(Record {
            place: Place {
                file: "a.csv".into(),
                sheet: None,
                row: number,
            },
            table: 0,
            cells: Vec::new(),
        }))
    }

    #[test]
    fn rows_keep_their_order_and_an_error_comes_where_it_stood() {
        let count = 3 * BATCH as u64 + 7;
        let rows = (0..count)
            .map(row)
            .chain(std::iter::once(Err(Error::input("cannot be read"))));
        let read: Vec<_> =
            std::thread::scope(|threads| read_ahead(threads, rows, BATCH).collect::<Vec<_>>());
        let numbers = read.iter().map_while(|row| match row {
            Ok(Row::Record(record)) => Some(record.place.row),
            _ => None,
        });
        assert!(numbers.eq(0..count));
        assert!(matches!(read.last(), Some(Err(_))));
        assert_eq!(read.len() as u64, count + 1);
    }

    #[test]
    fn who_stops_listening_stops_the_reading() {
        let first = std::thread::scope(|threads| read_ahead(threads, (0..).map(row), BATCH).next());
        assert!(matches!(first, Some(Ok(Row::Record(_)))));
    }

    #[test]
    fn the_iterator_comes_back_where_it_has_got_to() {
        let mut rest = std::thread::scope(|threads| {
            let mut ahead = read_ahead(threads, 0..1000, BATCH);
            assert!(ahead.by_ref().eq(0..1000));
            ahead.into_inner()
        });
        assert_eq!(rest.next(), None);
    }
}
