//! What is said of an input that has changed since it was sent, and what stops it: rows that are done under another
//! scope, and tickets of this scope that another ledger made.

use super::super::connect::Target;
use super::{Import, Pass};
use crate::error::{Error, Result};
use crate::ledger::{RunLocks, RunMeta, Scope};
use crate::mapping::MapRows;
use crate::report::words;
use crate::run::{self, Compared};
use crate::unicode::shown;

/// How many ranges of rows are named.
const RANGES: usize = 6;
/// How many examples are named.
const EXAMPLES: usize = 3;

impl Import<'_> {
    /// Holds the input against the ledger, unless the same bytes were run the same way before.
    pub(super) async fn compare(
        &self,
        pass: &Pass<'_>,
        scope: &Scope,
        meta: &RunMeta,
    ) -> Result<Option<Compared>> {
        // Rows that act on tickets have their steps judged one by one.
        if self.only().is_some() || self.acts() {
            return Ok(None);
        }
        let (bytes, flags) = scope.has_seen(meta).await?;
        // An older version read the keys of joined files with the marks in them.
        let changed = (!bytes || self.input.has_marks()) && !scope.is_empty().await?;
        // Other flags may take other rows of the same file.
        let perhaps_elsewhere = !flags && scope.has_neighbours().await?;
        if !self.args.again && !changed && !perhaps_elsewhere {
            return Ok(None);
        }
        let compared = tokio::task::block_in_place(|| {
            run::compare(
                self.items(pass)?,
                pass.plan,
                scope,
                self.input.fingerprint(),
            )
        })?;
        for line in lines(&compared, changed) {
            self.output.say(&line);
        }
        if self.args.again {
            // A live profile says it with the confirmation.
            if self.args.dry_run || !self.is_live() {
                self.output.say(&doubled(&compared));
            }
        } else if compared.elsewhere.0 > 0 {
            return Err(elsewhere(&compared, &meta.mapping));
        }
        Ok(Some(compared))
    }

    /// Before the first send of a scope that this ledger does not know: another one may have sent it.
    pub(super) async fn probe(&self, pass: &Pass<'_>, scope: &Scope) -> Result<()> {
        let Some(connected) = self.connected.filter(|_| !self.args.dry_run) else {
            return Ok(());
        };
        if self.args.again || self.acts() || !scope.is_empty().await? {
            return Ok(());
        }
        let name = self.mapping.scope();
        let system = connected.system.as_ref();
        let mut sample = run::probe(
            system,
            self.limiter.as_ref(),
            name,
            pass.plan.marker_field(),
        )
        .await?;
        tokio::task::block_in_place(|| sample.find_hashed(name, || self.items(pass)))?;
        let found = sample.of_scope;
        let Some(first) = found.first() else {
            return Ok(());
        };
        let ticket = first.number.as_ref().unwrap_or(&first.id);
        Err(Error::usage(format!(
            "this ledger knows nothing of the scope `{name}`, but the system holds tickets of it: {}, among them {ticket}",
            words::plural(found.len() as u64, "was found", "were found")
        ))
        .at(self.mapping.name())
        .hint("another computer or another state folder has sent these rows: go on there, with its `--state`")
        .hint(format!("or learn from the system what is there: {}", self.adopting()))
        .hint("nothing was sent; --again sends the rows all the same, and doubles those that are there"))
    }

    /// The command that learns from the system what is there.
    pub(super) fn adopting(&self) -> String {
        let inputs: Vec<String> = (self.inputs().iter())
            .map(|path| words::shell_word(&path.display().to_string()))
            .collect();
        let target = self.target.map(Target::flags).unwrap_or_default();
        format!(
            "deskferry runs adopt {} --mapping {} {}",
            inputs.join(" "),
            words::shell_word(&self.args.mapping.display().to_string()),
            target.join(" ")
        )
    }

    /// Gives up what is to be sent once more; a dry run only says so.
    pub(super) fn give_up(
        &self,
        pass: &Pass<'_>,
        scope: &Scope,
        locks: &RunLocks,
        compared: Option<&Compared>,
    ) -> Result<()> {
        let nothing = compared.is_none_or(|compared| compared.done() == 0);
        if !self.args.again || self.args.dry_run || nothing {
            return Ok(());
        }
        tokio::task::block_in_place(|| {
            run::give_up(self.items(pass)?, pass.plan, scope, locks, self.limit())
        })?;
        Ok(())
    }
}

/// What has changed, as lines; none where all is new, or nothing has.
fn lines(compared: &Compared, changed: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let of = |rows: &run::Rows, what: &str| {
        (rows.count > 0).then(|| {
            let count = words::plural(rows.count, "row", "rows");
            format!("{count} {what} ({})", rows.text(RANGES))
        })
    };
    if changed && compared.done() + compared.open.count > 0 {
        let parts = [
            of(&compared.new, "new"),
            of(&compared.changed, "changed"),
            of(&compared.sent, "already sent"),
            of(&compared.open, "known and not made yet"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        lines.push(format!("  compared   {}", parts.join(", ")));
        if compared.moved.count > 0 {
            lines.push(format!(
                "             {} of those already sent stand elsewhere now: that changes nothing",
                words::count(compared.moved.count)
            ));
        }
    }
    let (count, near) = &compared.near;
    if *count > 0 {
        lines.push(format!(
            "  warning    {} from a done one only by zeros, spaces, separators, capitals or invisible signs, and would be made beside it:",
            words::plural(*count, "new key differs", "new keys differ")
        ));
        lines.extend(near.iter().take(EXAMPLES).map(|near| {
            format!(
                "             {}: `{}` is like `{}`, which is ticket {} of run {}",
                near.place,
                shown(near.key.to_string()),
                shown(near.done.to_string()),
                near.ticket,
                near.run
            )
        }));
        let more = count.saturating_sub(near.len().min(EXAMPLES) as u64);
        if more > 0 {
            lines.push(format!("             and {} more", words::count(more)));
        }
    }
    lines
}

/// What `--again` doubles.
pub(super) fn doubled(compared: &Compared) -> String {
    let done = compared.done() + compared.elsewhere.0;
    if done == 0 {
        return "  again      no row is done yet: nothing is doubled".to_owned();
    }
    let others = (compared.elsewhere.1.iter()).map(|(place, _, it)| (place, &it.ticket));
    let rows: Vec<String> = (compared.doubled.iter())
        .map(|(place, ticket)| (place, ticket))
        .chain(others)
        .take(EXAMPLES)
        .map(|(place, ticket)| format!("{place}: {ticket}"))
        .collect();
    format!(
        "  again      {} done already and will stand in the system twice\n             {}",
        words::plural(done, "row is", "rows are"),
        words::list(&rows, done)
    )
}

fn elsewhere(compared: &Compared, mapping: &str) -> Error {
    let (count, rows) = &compared.elsewhere;
    let mut scopes: Vec<&str> = rows.iter().map(|(.., it)| it.scope.as_str()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let error = Error::usage(format!(
        "{} done already under another scope of this tenant: `{}`",
        words::plural(*count, "of these rows is", "of these rows are"),
        scopes.join("`, `")
    ))
    .at(mapping);
    let error = rows
        .iter()
        .take(EXAMPLES)
        .fold(error, |error, (place, key, it)| {
            error.hint(format!(
                "{place} (key `{key}`) was made as {} in run {} from {}",
                it.ticket, it.run, it.place
            ))
        });
    error
        .hint(format!(
            "write scope = \"{}\" in the mapping to go on there: a scope is chosen once",
            scopes.first().copied().unwrap_or_default()
        ))
        .hint("nothing was sent; --again sends these rows once more all the same")
}
