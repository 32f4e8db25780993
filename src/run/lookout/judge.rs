//! What a look found, row by row.

use std::collections::{BTreeMap, HashMap};

use super::super::adopt::remembered;
use super::super::engine::Engine;
use super::super::plan::{Row, RowHeader};
use super::PAGES;
use super::look::{Looked, Marked, name_of};
use crate::error::{Error, ErrorKind, Result};
use crate::event::End;
use crate::ledger::{Candidate, Change, Create, State};
use crate::record::RowKey;
use crate::systems::Ticket;

/// How many tickets of a finding are named.
const NAMED: usize = 5;

/// The first of some tickets, with the keys of their rows.
fn told(rows: &[(RowKey, Ticket)]) -> String {
    let names: Vec<String> = (rows.iter().take(NAMED))
        .map(|(key, ticket)| format!("`{}` (key `{key}`)", name_of(ticket)))
        .collect();
    let more = if rows.len() > NAMED { " …" } else { "" };
    format!("{}{more}", names.join(", "))
}

impl Engine<'_> {
    /// A look came back.
    pub(in crate::run) fn looked_around(
        &mut self,
        looked: Result<std::result::Result<Looked, String>>,
    ) {
        let is_first = std::mem::take(&mut self.watch.is_first);
        if self.is_halted() {
            self.watch.forgive();
        }
        let looked = match looked {
            Ok(Ok(looked)) => looked,
            Ok(Err(why)) if is_first && !self.watch.trusts => {
                let error = Error::new(
                    ErrorKind::System,
                    format!("what was created since the last run could not be listed: {why}"),
                );
                let error = error
                    .hint("nothing was sent: this ledger may be older than what is there; run the same command again")
                    .hint("or pass `--trust-ledger` if you know that nothing was sent since");
                return self.stop_with(error);
            }
            // The next look begins where this one did.
            Ok(Err(why)) => {
                self.watch.failed = true;
                return self.fold.note(format!(
                    "the system could not be looked at for tickets of another run: {why}"
                ));
            }
            Err(error) => return self.break_with(error),
        };
        self.watch.failed = false;
        // What is still open is put back.
        self.watch.pending.clear();
        if let Err(error) = self.judge(&looked) {
            return self.stop_with(error);
        }
        if !looked.whole && !std::mem::replace(&mut self.watch.said_partial, true) {
            self.fold.note(format!(
                "more tickets were created than the newest {PAGES} pages show beside those of this run: those before were only searched for \
                 `{}`, and one of another run may be among them",
                self.watch.about.scope
            ));
        }
        self.watch.since = looked.until;
        self.watch.listed = self.watch.asked;
        let explained = self.watch.explained();
        self.changes.push(Change::Looked(explained));
    }

    /// Tells what a look found.
    fn judge(&mut self, looked: &Looked) -> Result<()> {
        let is_last = self.feed.is_none() && self.backlog.is_empty() && self.ready.is_empty();
        let (mut missing, mut rivals) = (Vec::new(), Vec::new());
        // Rows that were refused and have their ticket all the same: the earliest of several is their own.
        let mut turned_up: HashMap<RowKey, Ticket> = HashMap::new();
        // Tickets with their references and other titles.
        let mut alleged: BTreeMap<RowKey, Vec<Candidate>> = BTreeMap::new();
        for (marked, create) in &looked.unknown {
            let found =
                || (create.as_ref()).map(|create| (create.key.clone(), marked.ticket.clone()));
            match create.as_ref().map(|create| (create.state, create)) {
                Some((State::Sending | State::InDoubt, _)) => {
                    self.watch.pending.push(marked.clone());
                }
                Some((State::Done | State::Skipped, create)) => {
                    self.watch.unsaid.get_or_insert(marked.since);
                    self.tell_other(marked, create, looked);
                    // A row that this run made, and that was never in doubt, has been made by somebody else too.
                    if create.of_this_run && !create.doubted && !is_last {
                        rivals.extend(found());
                    }
                }
                // The system denied what it has done: the row is looked up before it goes again; one that does not go
                // again is done.
                Some((State::Pending | State::Rejected, create)) if create.was_denied => {
                    self.watch.unsaid.get_or_insert(marked.since);
                    let is_over = is_last && self.pool.is_empty() && self.under_way.is_empty();
                    if is_over && (marked.is_noted || !marked.is_titled_as(create)) {
                        let of_row = alleged.entry(create.key.clone()).or_default();
                        of_row.push(marked.candidate());
                    } else if is_over {
                        match turned_up.get(&create.key) {
                            None => {
                                turned_up.insert(create.key.clone(), marked.ticket.clone());
                                self.was_made(&create.key, &marked.ticket);
                                self.disproved(create.shape.as_deref());
                            }
                            Some(own) => self.tell_twin(&create.key, own, &marked.ticket),
                        }
                    } else {
                        self.watch.pending.push(marked.clone());
                    }
                }
                _ => match self.watch.key_of(&marked.reference)? {
                    Some(key) => missing.push((key, marked.ticket.clone())),
                    None => match create.as_ref().filter(|it| it.state == State::Undone) {
                        Some(create) => {
                            self.watch.unsaid.get_or_insert(marked.since);
                            self.tell_left(&create.key, std::slice::from_ref(&marked.ticket));
                        }
                        // Whether it is to stay, nobody knows: who imports its row is told.
                        None if marked.is_noted => {}
                        None => self.remember(marked),
                    },
                },
            }
        }
        for (key, candidates) in alleged {
            if !turned_up.contains_key(&key) {
                self.may_have_been_made(&key, candidates);
            }
        }
        let what = match (missing.as_slice(), rivals.as_slice()) {
            ([], []) => return Ok(()),
            ([], rivals) => format!(
                "another computer or state folder sends the same rows: this ledger does not know {}",
                told(rivals)
            ),
            (missing, _) => format!(
                "the system holds {} of rows of this input that this ledger does not know: {}",
                match missing.len() {
                    1 => "a ticket".to_owned(),
                    count => format!("{count} tickets"),
                },
                told(missing)
            ),
        };
        if self.watch.trusts {
            self.watch.unsaid.get_or_insert(self.watch.since);
            self.fold.note(what);
            return Ok(());
        }
        if !self.is_halted() {
            self.watch.owe();
        }
        let error = Error::usage(what)
            .hint("this ledger is older than what was sent, or another computer or state folder sends the same rows: stop that one")
            .hint(format!("then learn from the system what is there: {}", self.watch.adopt))
            .hint("`--trust-ledger` sends the rows all the same, and makes duplicates of those that are there");
        Err(error)
    }

    /// A row has a ticket, and another one bears its reference.
    fn tell_other(&mut self, marked: &Marked, create: &Create, looked: &Looked) {
        let other = &marked.ticket;
        if !self.doubles.insert(other.id.clone()) {
            return;
        }
        let Some(own) = &create.ticket else {
            // Settled by hand as not to be sent.
            return self.fold.note(format!(
                "row `{}` is not to be sent, and ticket `{}` bears its reference",
                create.key,
                name_of(other)
            ));
        };
        let is_lost = looked.gone.contains(&own.id) || looked.anothers.contains(&own.id);
        if is_lost
            && looked.there.contains(&other.id)
            && !looked.anothers.contains(&other.id)
            && self.watch.repointed.insert(create.key.clone())
        {
            return self.repoint(create, own, other, looked);
        }
        if !looked.there.contains(&other.id) {
            return self.fold.note(format!(
                "row `{}`: ticket `{}` was listed with its reference, but cannot be read; look at both before you close one",
                create.key,
                name_of(other)
            ));
        }
        if !looked.there.contains(&own.id) {
            return self.fold.note(format!(
                "row `{}` has been made more than once: its ticket `{}` cannot be read any more, keep `{}`",
                create.key,
                name_of(own),
                name_of(other)
            ));
        }
        self.fold.totals.doubles += 1;
        // One that was made before the look's time is the older one.
        let own_at = looked.held.get(&own.id).copied().flatten();
        let own_first = own_at.is_none_or(|own_at| {
            marked
                .created_at
                .is_none_or(|at| (own_at, &own.id) <= (at, &other.id))
        });
        let (keep, close) = if own_first {
            (own, other)
        } else {
            (other, own)
        };
        self.fold.note(format!(
            "row `{}` has been made more than once: keep ticket `{}`, the earlier one, and close `{}`",
            create.key,
            name_of(keep),
            name_of(close)
        ));
    }

    /// The ticket that the ledger holds for a row is gone, or another row's, and this one bears the row's reference.
    fn repoint(&mut self, create: &Create, own: &Ticket, other: &Ticket, looked: &Looked) {
        let what = match looked.gone.contains(&own.id) {
            true => "is not there any more",
            false => "bears the reference of another row",
        };
        self.fold.note(format!(
            "row `{}`: its ticket `{}` {what}, but `{}` bears its reference, and is its ticket from now on: run the same \
             command again, which looks what is to be done on it",
            create.key,
            name_of(own),
            name_of(other)
        ));
        self.fold.totals.unswept = true;
        let change = Change::Repoint(create.key.clone(), other.clone());
        self.changes.push(change);
        self.set_aside(&create.key);
    }

    /// What this run holds of a row is about a ticket that is not its own: nothing more is done there.
    fn set_aside(&mut self, key: &RowKey) {
        let is_own = |row: &mut Row| row.key == *key;
        let mut aside: Vec<Row> = Vec::new();
        for queue in [&mut self.backlog, &mut self.looking] {
            let mut rows = Vec::from(std::mem::take(queue));
            aside.extend(rows.extract_if(.., is_own));
            queue.extend(rows);
        }
        let delayed = self.delayed.extract_if(.., |(_, row)| is_own(row));
        aside.extend(delayed.map(|(_, row)| row));
        let mut ready = Vec::from(std::mem::take(&mut self.ready));
        let own = ready.extract_if(.., |(row, _)| is_own(row));
        aside.extend(own.map(|(row, _)| row));
        self.ready = ready.into();
        for row in aside {
            self.is_set_aside(row.base);
        }
    }

    /// Whether the row of that key was given another ticket in this run.
    pub(in crate::run) fn was_repointed(&self, key: &RowKey) -> bool {
        self.watch.repointed.contains(key)
    }

    /// A row that was given another ticket ends here: the next run looks what is to be done on it.
    pub(in crate::run) fn is_set_aside(&mut self, base: RowHeader) {
        let reason =
            "its ticket was found to be another one: the same command goes on with that".to_owned();
        self.end(base, End::InDoubt { reason });
    }

    /// A ticket of the scope whose row is in another input.
    fn remember(&mut self, marked: &Marked) {
        let key = marked
            .reference
            .split_once('/')
            .map(|(_, key)| RowKey::new(key));
        // A hashed one tells no key, and perhaps is of another scope.
        let Some(key) = key.filter(|_| self.watch.told.insert(marked.reference.clone())) else {
            return;
        };
        let at = marked.created_at.unwrap_or_else(|| self.now());
        self.changes.extend(remembered(
            key,
            marked.reference.clone(),
            marked.ticket.clone(),
            marked.group.clone(),
            at,
        ));
    }
}
