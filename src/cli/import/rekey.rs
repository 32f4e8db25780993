//! Done rows that get other keys, because the mapping makes other keys of them now.

use std::collections::HashMap;

use super::{Import, Pass};
use crate::error::{Error, Result};
use crate::ledger::{RunLocks, RunMeta, Scope};
use crate::record::RowKey;
use crate::report::words;
use crate::run::{self, Definitions, Moved};

/// How many examples are named.
const EXAMPLES: usize = 5;

impl Import<'_> {
    /// Finds rows that are done under the keys of another definition, before anything is sent. With `--rekey` they get
    /// their new keys; a dry run knows them by their old ones and shows both.
    pub(super) async fn rekey(
        &self,
        pass: &Pass<'_>,
        scope: &Scope,
        locks: Option<&RunLocks>,
        meta: &RunMeta,
    ) -> Result<()> {
        let new = self.mapping.key_definition();
        if self.args.again || self.args.no_rekey || self.acts() || scope.is_empty().await? {
            return Ok(());
        }
        let old = scope.key_definition().await?;
        let is_same = match &old {
            Some(old) => old == new,
            // An older version wrote it: the same mapping makes the same keys.
            None => {
                let last = scope.last_run().await?;
                last.is_some_and(|last| last.meta.mapping_print == meta.mapping_print)
            }
        };
        if is_same {
            return Ok(());
        }
        let definitions = Definitions {
            old: old.as_deref(),
            new,
        };
        let moved = tokio::task::block_in_place(|| {
            let tables = self.input.tables();
            run::moved(self.items(pass)?, tables, pass.plan, scope, definitions)
        })?;
        if moved.is_empty() {
            return Ok(());
        }
        if !self.args.rekey {
            return Err(refused(&moved, definitions, self.mapping.name()));
        }
        tokio::task::block_in_place(|| self.give_keys(moved, scope, locks))
    }

    fn give_keys(&self, moved: Vec<Moved>, scope: &Scope, locks: Option<&RunLocks>) -> Result<()> {
        let unsettled = scope.unsettled_blocking()?;
        let in_doubt = moved
            .iter()
            .filter(|row| unsettled.contains(&row.old))
            .count();
        if in_doubt > 0 {
            return Err(Error::usage(format!(
                "{} in doubt: nobody knows yet whether all of its requests were obeyed",
                words::plural(
                    in_doubt as u64,
                    "row that would get another key is",
                    "rows that would get other keys are"
                )
            ))
            .hint("let the mapping say `key` as it did, run it once more, then change it"));
        }
        let verb = if locks.is_some() { "get" } else { "would get" };
        self.output.say(&format!(
            "  rekey      {} {verb} the keys that the mapping makes now:",
            words::plural(moved.len() as u64, "done row", "done rows")
        ));
        for row in moved.iter().take(EXAMPLES) {
            self.output.say(&format!("             {}", line(row)));
        }
        let Some(locks) = locks else {
            let old = moved.into_iter().map(|row| (row.new, row.old));
            *self
                .known_as
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = old.collect();
            return Ok(());
        };
        let keys: HashMap<RowKey, RowKey> =
            moved.into_iter().map(|row| (row.old, row.new)).collect();
        scope.rekey_blocking(locks, keys)
    }
}

fn line(row: &Moved) -> String {
    let ticket = row.ticket.number.as_ref().unwrap_or(&row.ticket.id);
    format!(
        "{}: `{}` becomes `{}` (ticket {ticket})",
        row.place, row.old, row.new
    )
}

fn refused(moved: &[Moved], definitions: Definitions<'_>, mapping: &str) -> Error {
    let old = match definitions.old {
        Some(old) => format!("`key` was {old} and is {} now", definitions.new),
        None => format!("`key` is {} now", definitions.new),
    };
    let error = Error::usage(format!(
        "{} done already under other keys: {old}",
        words::plural(moved.len() as u64, "of these rows is", "of these rows are")
    ))
    .at(mapping);
    let error = (moved.iter().take(EXAMPLES)).fold(error, |error, row| error.hint(line(row)));
    error
        .hint("nothing was sent: they would become duplicates")
        .hint("add --rekey to give the done rows their new keys; with --dry-run it only shows them")
        .hint("or --no-rekey, if these rows are other tickets that say the same")
}
