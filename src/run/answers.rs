//! Whose ticket an answer names. A system, or something before it, may replay the answer to another row: an id that the
//! ledger holds for another row of the tenant, that a row had before, or that another row of this run was answered with, is
//! not believed, and the row is in doubt.
//!
//! Rows that are done come here before they end, and are compared with the ledger by one read for all that wait; a row
//! with further steps asks by itself before it goes on ([`super::row`]).

use std::collections::{HashMap, VecDeque};

use futures::future::BoxFuture;

use super::engine::{Engine, maybe};
use super::intended::Intended;
use super::row::{Sent, SentEnd, doubted};
use crate::error::Result;
use crate::ledger::Owner;
use crate::record::RowKey;

/// Whose tickets these are, by their ids.
pub(super) type Owners = HashMap<String, Owner>;

/// So many ids are remembered: more than are on their way into the ledger, which knows all others.
const REMEMBERED: usize = 20_000;

/// The ids that answers of this run named lately.
#[derive(Debug, Default)]
pub(super) struct Named {
    rows: HashMap<String, RowKey>,
    order: VecDeque<String>,
}

impl Named {
    /// Notes that a row was answered with an id, unless another row was: which one.
    pub(super) fn claim(&mut self, id: &str, key: &RowKey) -> Option<RowKey> {
        match self.rows.get(id) {
            Some(other) if other == key => None,
            Some(other) => Some(other.clone()),
            None => {
                if self.order.len() >= REMEMBERED
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.rows.remove(&oldest);
                }
                self.order.push_back(id.to_owned());
                self.rows.insert(id.to_owned(), key.clone());
                None
            }
        }
    }
}

/// Why an answer is not believed that names a ticket which another row has, or which a row had before.
pub(super) fn another(id: &str, owner: &Owner) -> String {
    let whose = match owner {
        Owner::Row(key) => format!("is that of row `{key}`"),
        Owner::Former(key) => format!("was that of row `{key}` and was given up"),
        Owner::Elsewhere => "is that of a row of another scope".to_owned(),
    };
    format!("the system answered with ticket `{id}`, which {whose}")
}

/// Rows that are done, and the read that tells whether their tickets are their own.
pub(super) struct Checking<'e> {
    rows: Vec<Sent>,
    done: Option<BoxFuture<'e, Result<Owners>>>,
}

/// The running read, when there is one.
pub(super) async fn checked(checking: &mut Option<Checking<'_>>) -> Result<Owners> {
    match checking {
        Some(checking) => maybe(&mut checking.done).await,
        None => std::future::pending().await,
    }
}

impl Engine<'_> {
    /// Compares what waits with the ledger, all at once.
    pub(super) fn check(&mut self) {
        if self.checking.is_some() || self.unchecked.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.unchecked);
        let ids = rows.iter().filter_map(Sent::named).map(str::to_owned);
        let (ids, context) = (ids.collect(), self.context.clone());
        self.checking = Some(Checking {
            rows,
            done: Some(Box::pin(async move { context.owners(ids).await })),
        });
    }

    pub(super) fn checked(&mut self, owners: Result<Owners>) {
        let Some(Checking { rows, .. }) = self.checking.take() else {
            return;
        };
        let owners = match owners {
            Ok(owners) => owners,
            Err(error) => {
                for Sent { row, .. } in rows {
                    self.leaving.remove(&row.base.ordinal);
                    self.unwritten(row);
                }
                return self.break_with(error);
            }
        };
        // Of two that come together nobody knows whose it is.
        let mut times: HashMap<String, usize> = HashMap::new();
        for id in rows.iter().filter_map(Sent::named) {
            *times.entry(id.to_owned()).or_default() += 1;
        }
        for mut sent in rows {
            let id = sent.named().unwrap_or_default().to_owned();
            let why = match owners.get(&id) {
                Some(owner) if !owner.is(&sent.row.key) => Some(another(&id, owner)),
                _ if times.get(&id).is_some_and(|times| *times > 1) => Some(format!(
                    "the system answered with ticket `{id}` to several rows at once"
                )),
                _ => {
                    let other = self.context.claim(&id, &sent.row.key);
                    other.map(|other| another(&id, &Owner::Row(other)))
                }
            };
            if let Some(answer) = why {
                sent.row.ticket = None;
                sent.changes = vec![doubted(&self.context, &sent.row, &answer)];
                let at = sent
                    .row
                    .sent_at
                    .unwrap_or_else(|| Intended::now(&self.context));
                sent.end = SentEnd::Doubt { answer, at };
            }
            sent.row.named = false;
            self.on_row_returned(sent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_belongs_to_the_row_that_was_answered_with_it_first() {
        let mut named = Named::default();
        let (one, two) = (RowKey::new("k1"), RowKey::new("k2"));
        assert_eq!(named.claim("7", &one), None);
        assert_eq!(named.claim("7", &one), None);
        assert_eq!(named.claim("7", &two), Some(one));
        assert_eq!(named.claim("8", &two), None);
    }

    #[test]
    fn no_more_ids_are_remembered_than_the_ledger_may_not_know() {
        let mut named = Named::default();
        let key = RowKey::new("k");
        for n in 0..REMEMBERED + 10 {
            named.claim(&n.to_string(), &key);
        }
        assert_eq!(named.rows.len(), REMEMBERED);
        assert_eq!(named.claim("0", &RowKey::new("other")), None);
    }
}
