//! Whose ticket it is: that of the row that has it, or had it before.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::sums::{CHECKED, verify};
use crate::record::RowKey;

/// Whose ticket it is, as far as the ledger of the tenant knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The row with this key has it.
    Row(RowKey),
    /// The row with this key had it, and gave it up (`--again`) or was rolled back.
    Former(RowKey),
    /// A row of another scope has or had it.
    Elsewhere,
}

impl Owner {
    /// The key of the row of this scope.
    pub fn key(&self) -> Option<&RowKey> {
        match self {
            Self::Row(key) | Self::Former(key) => Some(key),
            Self::Elsewhere => None,
        }
    }

    /// Whether it is the ticket of the row with this key.
    pub fn is(&self, key: &RowKey) -> bool {
        matches!(self, Self::Row(own) if own == key)
    }
}

/// Whose the tickets are, for those of the ids that the tenant's ledger holds.
pub(super) fn owners(
    connection: &Connection,
    scope: i64,
    tickets: &[String],
) -> rusqlite::Result<HashMap<String, Owner>> {
    let mut held = connection.prepare_cached(&format!(
        "SELECT step.scope, step.key, {CHECKED} FROM step JOIN scope ON scope.id = step.scope
         WHERE ticket = ?1 AND state <> 6 AND tenant = (SELECT tenant FROM scope WHERE id = ?2) LIMIT 1"
    ))?;
    // One that was given up (`--again`, a rollback) is no hit for a row in doubt either.
    let mut former = connection.prepare_cached(
        "SELECT former.scope, former.key FROM former JOIN scope ON scope.id = former.scope
         WHERE ticket = ?1 AND tenant = (SELECT tenant FROM scope WHERE id = ?2) LIMIT 1",
    )?;
    let owner = |row: &Row<'_>, of: fn(RowKey) -> Owner| {
        let key = RowKey::new(row.get::<_, String>(1)?);
        let is_here = row.get::<_, i64>(0)? == scope;
        Ok(if is_here { of(key) } else { Owner::Elsewhere })
    };
    let checked = |row: &Row<'_>| verify(row, 2).and_then(|()| owner(row, Owner::Row));
    let mut owners = HashMap::new();
    for ticket in tickets {
        let here = params![ticket, scope];
        let mut found = held.query_row(here, checked).optional()?;
        if found.is_none() {
            let given_up = |row: &Row<'_>| owner(row, Owner::Former);
            found = former.query_row(here, given_up).optional()?;
        }
        if let Some(owner) = found {
            owners.insert(ticket.clone(), owner);
        }
    }
    Ok(owners)
}
