//! Whether a scope that the ledger does not know has left its markers in the system all the same.

use crate::error::Result;
use crate::mapping::reference::{LABEL, find_references};
use crate::systems::{Permit, Standing, System, Ticket};

/// The tickets of a sample that bear a plain reference of the scope, deleted ones left aside. A hashed reference
/// names no scope: tickets that bear such a one are not found by this.
///
/// # Errors
/// When the system cannot be asked.
pub async fn probe(system: &dyn System, permit: &dyn Permit, scope: &str) -> Result<Vec<Ticket>> {
    let sample = system.sample(&format!("{LABEL}{scope}"), permit).await?;
    let of_scope = |reference: &str| {
        reference
            .split_once('/')
            .is_some_and(|(name, _)| name == scope)
    };
    Ok(sample
        .into_iter()
        .filter(|listed| listed.standing != Standing::Gone)
        .filter(|listed| {
            // A ticket has one reference of its own, at the end.
            let text = listed.text.as_deref().unwrap_or_default();
            find_references(text).last().is_some_and(of_scope)
        })
        .map(|listed| listed.ticket)
        .collect())
}
