//! The second stage of a migration: all tickets are made, and what was said on them names those of the target.
//!
//! It is known by the columns of its input, so that a retry of a pass and its corrected error file are treated alike: what was
//! sent with references must be looked for with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Import, Pass};
use crate::error::Result;
use crate::intake::Subject;
use crate::ledger::{ActiveRun, Ledger, State, StepRecord};
use crate::migrate::notes::{Note, Says};
use crate::migrate::reference::{Named, References};
use crate::migrate::rewriting::{Columns, Rewriting, kept};
use crate::record::RowKey;
use crate::run::{Refer, Second};
use crate::systems::{CREATE, Ticket};

/// How many tickets the ledger is asked for at once.
const AT_ONCE: usize = 500;

impl Import<'_> {
    /// Whether the input holds tickets that were read of another desk.
    pub(super) fn is_of_desk(&self) -> bool {
        !self.acts() && self.columns().is_some()
    }

    fn columns(&self) -> Option<Columns> {
        match self.input.tables() {
            [only] => Columns::of(&only.header),
            _ => None,
        }
    }

    /// The tenant that the rows were read of.
    pub(super) fn source_tenant(&self, pass: &Pass<'_>) -> Result<Option<String>> {
        let (Some(columns), Some(first)) = (self.columns(), self.items(pass)?.next()) else {
            return Ok(None);
        };
        Ok(first?.rows.first().map(|row| columns.source(row)))
    }

    /// Keeps what each ticket of the source has become, where its source is to say it.
    pub(super) async fn keep_notes(&self, ledger: &Ledger, pass: &Pass<'_>) -> Result<()> {
        let (Some(migration), false) = (self.migration(), self.args.dry_run) else {
            return Ok(());
        };
        let (Some(spool), Some(columns)) = (&migration.notes, self.columns()) else {
            return Ok(());
        };
        let tenant = &pass.directory.snapshot().tenant;
        let (system, name) = (self.mapping.system().as_str(), self.mapping.scope());
        // One that was new is in the ledger by now.
        let scope = ledger.scope(system, tenant, name).await?;
        let mut rows = Vec::new();
        for item in self.items(pass)? {
            let item = item?;
            if let (Subject::Keyed(key), Some(row)) = (item.subject, item.rows.first()) {
                rows.push((columns.id(row), key));
            }
        }
        let mut notes = Vec::new();
        for some in rows.chunks(AT_ONCE) {
            let keys = some.iter().map(|(_, key)| key.clone()).collect();
            let states = scope.states(keys).await?;
            for ((id, key), steps) in some.iter().zip(states) {
                let ticket = made(&steps);
                let note = |ticket| Note::of(id.clone(), key.as_str().to_owned(), ticket);
                notes.extend(ticket.map(note).map(Ok));
            }
        }
        let of = (migration.system, name);
        tokio::task::block_in_place(|| Says::Moved.write(spool, of, notes.into_iter())).map(drop)
    }

    /// The records once more, with what they name in the target.
    pub(super) fn second<'i>(&'i self, pass: &'i Pass<'_>, run: &ActiveRun) -> Result<Second<'i>> {
        Ok(Second {
            refer: self.references(pass, run)?,
            items: self.items(pass)?,
        })
    }

    /// The references that this attempt knows, kept before anything is sent that has one; `None`: no comment names a ticket.
    fn references(&self, pass: &Pass<'_>, run: &ActiveRun) -> Result<Option<Arc<dyn Refer>>> {
        let Some(columns) = self.columns() else {
            return Ok(None);
        };
        let mut named = Named::default();
        let mut source = None;
        for item in self.items(pass)? {
            for row in &item?.rows {
                source.get_or_insert_with(|| columns.source(row));
                columns.texts(row, &mut |text| named.take(text));
            }
        }
        if named.is_empty() {
            return Ok(None);
        }
        let mut known = BTreeMap::new();
        let mut asked: Vec<(RowKey, Vec<String>)> = Vec::new();
        // A comment that is sent once more may name tickets that are not.
        for item in pass.survey.items(self.input, pass.plan)? {
            let item = item?;
            let (Subject::Keyed(key), Some(row)) = (item.subject, item.rows.first()) else {
                continue;
            };
            let mut names = columns.names(row);
            names.retain(|name| named.has(name));
            if !names.is_empty() {
                asked.push((key, names));
            }
            if asked.len() >= AT_ONCE {
                ask(run, &mut asked, &mut known)?;
            }
        }
        ask(run, &mut asked, &mut known)?;
        let source = source.unwrap_or_default();
        let path = kept(self.state.path(), run.scope().identity(), &source);
        let mut references = References::read(&path)?;
        let mut known: BTreeMap<String, Option<Ticket>> = known
            .into_iter()
            .map(|(name, ticket)| (name, Some(ticket)))
            .collect();
        for name in gone(run, &references, &named, &known)? {
            known.insert(name, None);
        }
        references.add(&path, run.code(), known)?;
        Ok(Some(Arc::new(Rewriting::new(references, columns))))
    }
}

/// Adds what the ledger knows of these tickets.
fn ask(
    run: &ActiveRun,
    asked: &mut Vec<(RowKey, Vec<String>)>,
    known: &mut BTreeMap<String, Ticket>,
) -> Result<()> {
    let keys = asked.iter().map(|(key, _)| key.clone()).collect();
    let states = run.scope().states_blocking(keys)?;
    for ((_, names), steps) in asked.drain(..).zip(states) {
        if let Some(ticket) = made(&steps) {
            known.extend(names.into_iter().map(|name| (name, ticket.clone())));
        }
    }
    Ok(())
}

/// The names in texts of tickets that were taken back: the ledger does not hold them any more.
fn gone(
    run: &ActiveRun,
    references: &References,
    named: &Named,
    known: &BTreeMap<String, Option<Ticket>>,
) -> Result<Vec<String>> {
    let is_asked = |name: &str| named.has(name) && !known.contains_key(name);
    let old: Vec<(String, String)> = (references.now())
        .filter(|(name, _)| is_asked(name))
        .map(|(name, number)| (name.to_owned(), number.to_owned()))
        .collect();
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = old.iter().map(|(_, number)| number.clone()).collect();
    let held = run.scope().holds_blocking(numbers)?;
    let gone = old.into_iter().filter(|(_, number)| !held.contains(number));
    Ok(gone.map(|(name, _)| name).collect())
}

fn made(steps: &[StepRecord]) -> Option<&Ticket> {
    let create = steps.iter().find(|step| step.id.name == CREATE)?;
    create
        .ticket
        .as_ref()
        .filter(|_| create.state == State::Done)
}
