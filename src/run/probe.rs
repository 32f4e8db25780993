//! Whether a scope that the ledger does not know has left its markers in the system all the same.

use std::collections::HashMap;

use super::adopt::references;
use super::prepare::Items;
use crate::error::Result;
use crate::intake::Subject;
use crate::mapping::reference::{LABEL, reference_in, short};
use crate::systems::{Permit, Standing, System, Ticket};

/// What a sample of the system's tickets says about a scope; those that were deleted or taken back are left aside.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Tickets that bear a plain reference of the scope.
    pub of_scope: Vec<Ticket>,
    /// Tickets by the hashed reference that they bear: it names no scope, only a key can tell whether it is its own.
    hashed: HashMap<String, Ticket>,
}

/// Samples the system for markers of a scope, in the description or a custom field.
///
/// # Errors
/// When the system cannot be asked.
pub async fn probe(
    system: &dyn System,
    permit: &dyn Permit,
    scope: &str,
    field: Option<&str>,
) -> Result<Sample> {
    let mut sample = Sample::default();
    let words = match field {
        Some(_) => scope.to_owned(),
        None => format!("{LABEL}{scope}"),
    };
    for listed in system.sample(&words, permit).await? {
        let refs = reference_in(&listed, field);
        let Some(found) = refs.last.as_deref().or(refs.first.as_deref()) else {
            continue;
        };
        if listed.standing == Standing::Gone || listed.is_taken_back {
            continue;
        }
        match found.split_once('/') {
            Some((name, _)) if name == scope => sample.of_scope.push(listed.ticket),
            Some(_) => {}
            None => drop(sample.hashed.insert(found.to_owned(), listed.ticket)),
        }
    }
    Ok(sample)
}

impl Sample {
    /// Adds the tickets whose hashed reference is that of a record. Reads the records only where there are such tickets.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn find_hashed<'a>(
        &mut self,
        scope: &str,
        items: impl FnOnce() -> Result<Items<'a>>,
    ) -> Result<()> {
        if self.hashed.is_empty() || !self.of_scope.is_empty() {
            return Ok(());
        }
        for item in items()? {
            if let Subject::Keyed(key) = &item?.subject {
                let own = references(scope, key).into_iter().flatten();
                self.of_scope
                    .extend(own.filter_map(|one| self.hashed.remove(&*short(&one))));
            }
        }
        Ok(())
    }
}
