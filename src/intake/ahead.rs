//! Rows read on a thread of their own, ahead of who judges them: unpacking and splitting the input costs about as
//! much as making its keys.

use std::sync::mpsc::sync_channel;
use std::thread::Scope;

use crate::error::Result;
use crate::source::Row;

/// How many rows travel together.
const BATCH: usize = 256;
/// How many batches wait at most.
const WAITING: usize = 4;

/// The same rows in the same order; an error is the last that comes. The thread ends with the rows, or soon after
/// the iterator is dropped.
pub(super) fn read_ahead<'scope, 'env>(
    threads: &'scope Scope<'scope, 'env>,
    rows: impl Iterator<Item = Result<Row>> + Send + 'scope,
) -> impl Iterator<Item = Result<Row>> {
    let (sender, batches) = sync_channel::<Vec<Result<Row>>>(WAITING);
    threads.spawn(move || {
        let mut rows = rows;
        loop {
            let batch: Vec<_> = rows.by_ref().take(BATCH).collect();
            if batch.is_empty() || sender.send(batch).is_err() {
                return;
            }
        }
    });
    batches.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::record::{Place, Record};

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
            std::thread::scope(|threads| read_ahead(threads, rows).collect::<Vec<_>>());
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
        let first = std::thread::scope(|threads| read_ahead(threads, (0..).map(row)).next());
        assert!(matches!(first, Some(Ok(Row::Record(_)))));
    }
}
