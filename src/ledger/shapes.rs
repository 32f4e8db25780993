//! The shapes of refusals that a tenant's system is known for: [`crate::systems::shape`].

use rusqlite::{Connection, params};

use super::worker::Kind;
use super::{ActiveRun, Ledger, runs};
use crate::error::Result;
use crate::systems::shape::Known;

impl ActiveRun {
    /// The shapes that the tenant of the run is known for.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn shapes(&self) -> Result<Vec<(String, Known)>> {
        let scope = self.scope_id;
        self.scope
            .ledger
            .read(move |c| {
                let tenant =
                    c.query_row("SELECT tenant FROM scope WHERE id = ?1", [scope], |row| {
                        row.get(0)
                    })?;
                all(c, tenant)
            })
            .await
    }
}

impl Ledger {
    /// The shapes that a tenant is known for.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn shapes(&self, system: &str, tenant: &str) -> Result<Vec<(String, Known)>> {
        let names = [system, tenant].map(str::to_owned);
        self.read(move |c| match runs::find_tenant(c, &names[0], &names[1])? {
            Some(tenant) => all(c, tenant),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// Keeps what is known of a shape at a tenant.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn keep_shape(
        &self,
        system: &str,
        tenant: &str,
        shape: &str,
        known: Known,
    ) -> Result<()> {
        let names = [system, tenant, shape].map(str::to_owned);
        self.worker
            .call(Kind::Write, move |c| {
                let tenant = runs::make_tenant(c, &names[0], &names[1])?;
                put(c, tenant, &names[2], &known)
            })
            .await
    }
}

fn all(c: &Connection, tenant: i64) -> rusqlite::Result<Vec<(String, Known)>> {
    c.prepare_cached("SELECT shape, absent, seen, probed, lost FROM shape WHERE tenant = ?1")?
        .query_map([tenant], |row| {
            let known = Known {
                absent: row.get(1)?,
                seen: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
                probed: row.get(3)?,
                lost: row.get(4)?,
            };
            Ok((row.get(0)?, known))
        })?
        .collect()
}

/// Writes what is known of a shape at the tenant of a scope.
pub(super) fn put_of_scope(
    c: &Connection,
    scope: i64,
    shape: &str,
    known: &Known,
) -> rusqlite::Result<()> {
    let tenant = c
        .prepare_cached("SELECT tenant FROM scope WHERE id = ?1")?
        .query_row([scope], |row| row.get(0))?;
    put(c, tenant, shape, known)
}

fn put(c: &Connection, tenant: i64, shape: &str, known: &Known) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT INTO shape (tenant, shape, absent, seen, probed, lost) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, shape) DO UPDATE SET
             absent = excluded.absent, seen = excluded.seen, probed = excluded.probed, lost = excluded.lost",
    )?
    .execute(params![
        tenant,
        shape,
        known.absent,
        i64::try_from(known.seen).unwrap_or(i64::MAX),
        known.probed,
        known.lost
    ])
    .map(drop)
}
