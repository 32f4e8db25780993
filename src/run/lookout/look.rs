//! One look: what was created since, held against the ledger.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::super::context::RunContext;
use super::super::retry::Backoff;
use crate::error::{ErrorKind, Result};
use crate::ledger::{Candidate, Create};
use crate::mapping::reference::{LABEL, LONG, marked_group, reference_in};
use crate::systems::{Listed, Print, Reading, Relation, Standing, Ticket};

/// A ticket that bears a reference which may be of the scope.
#[derive(Debug, Clone)]
pub(super) struct Marked {
    /// That of the last line, or of the only one that shows one.
    pub(super) reference: String,
    /// That of the first line, where that is another or the only one: it counts for a row with a long description alone.
    pub(super) first: Option<String>,
    pub(super) title: Option<String>,
    pub(super) ticket: Ticket,
    pub(super) group: String,
    pub(super) created_at: Option<Timestamp>,
    /// Whether it is open and bears the note of a rollback.
    pub(super) is_noted: bool,
    /// From when on the look looked that listed it first.
    pub(super) since: Timestamp,
}

/// So many tickets are read where a list shows none.
const WITNESSES: u32 = 3;

/// What a look brought.
pub(in crate::run) struct Looked {
    /// Up to which time it has looked.
    pub(super) until: Timestamp,
    /// Whether all was on its pages.
    pub(super) whole: bool,
    /// Tickets that the ledger does not hold, with what it knows of their references.
    pub(super) unknown: Vec<(Marked, Option<Create>)>,
    /// When tickets were created that it does hold.
    pub(super) held: HashMap<String, Option<Timestamp>>,
    /// Of the tickets of rows that seem to have two: those that were read and are there.
    pub(super) there: HashSet<String>,
    /// Those that two reads say are gone.
    pub(super) gone: HashSet<String>,
    /// Those that bear the reference of another row.
    pub(super) anothers: HashSet<String>,
}

/// What a list of the newest tickets showed.
struct Newest {
    /// Those with a reference that may be of the scope.
    marked: Vec<Marked>,
    /// Whether that is all.
    whole: bool,
    /// When the newest was created.
    newest: Option<Timestamp>,
    /// Whether it showed no ticket at all.
    is_empty: bool,
}

/// One look.
pub(super) struct Look<'l> {
    pub(super) context: &'l RunContext,
    pub(super) scope: &'l str,
    pub(super) field: Option<&'l str>,
    /// How many pages it reads at most.
    pub(super) pages: u32,
    pub(super) taken_back: &'l HashSet<String>,
}

impl Look<'_> {
    /// Lists what was created since, and holds it against the ledger. The inner error: it could not be listed.
    pub(super) async fn at(
        &self,
        since: Timestamp,
        overlap: SignedDuration,
        pending: Vec<Marked>,
    ) -> Result<std::result::Result<Looked, String>> {
        let (now, at_most) = (self.context.surely(), self.context.at_the_latest());
        let Newest {
            marked: listed,
            whole,
            newest,
            is_empty,
        } = match self.list(since).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if is_empty && let Some(ticket) = self.unlisted(since).await? {
            return Ok(Err(format!(
                "the list of new tickets is empty, and ticket `{ticket}` is there"
            )));
        }
        // Where two clocks are apart, what was listed shows how late it is at least.
        let newest = newest.filter(|newest| *newest <= at_most);
        let now = newest.map_or(now, |newest| newest.max(now));
        let mut marked: HashMap<String, Marked> = HashMap::new();
        for mut one in pending.into_iter().chain(listed) {
            if let Some(before) = marked.get(&one.ticket.id) {
                one.since = before.since;
            }
            marked.insert(one.ticket.id.clone(), one);
        }
        let owners = self
            .context
            .run
            .owners(marked.keys().cloned().collect())
            .await?;
        let held = (marked.values())
            .filter(|one| owners.contains_key(&one.ticket.id))
            .map(|one| (one.ticket.id.clone(), one.created_at))
            .collect();
        let free: Vec<Marked> = (marked.into_values())
            .filter(|one| !owners.contains_key(&one.ticket.id))
            .filter(|one| !self.taken_back.contains(&one.ticket.id))
            .collect();
        let references = free
            .iter()
            .flat_map(|one| std::iter::once(&one.reference).chain(&one.first));
        let references: HashSet<String> = references.cloned().collect();
        let known = match references.is_empty() {
            true => HashMap::new(),
            false => self.context.run.creates(references).await?,
        };
        let mut looked = Looked {
            until: now.checked_sub(overlap).unwrap_or(now),
            whole,
            unknown: Vec::new(),
            held,
            there: HashSet::new(),
            gone: HashSet::new(),
            anothers: HashSet::new(),
        };
        for one in free {
            let Some(one) = one.placed(&known) else {
                continue;
            };
            let create = known.get(&one.reference).cloned();
            if let Some(ticket) = create.as_ref().and_then(|create| create.ticket.as_ref()) {
                if ticket.id == one.ticket.id {
                    // Its answer was written between the two questions.
                    looked.held.insert(one.ticket.id, one.created_at);
                    continue;
                }
                let own = (&*one.reference, create.as_ref().and_then(Create::length));
                self.read(ticket, own, &mut looked).await;
                self.read(&one.ticket, own, &mut looked).await;
            }
            looked.unknown.push((one, create));
        }
        // The earliest of several is a row's own.
        looked.unknown.sort_by(|(one, _), (other, _)| {
            let by = |it: &Marked| (it.reference.clone(), it.created_at, it.ticket.id.clone());
            by(one).cmp(&by(other))
        });
        Ok(Ok(looked))
    }

    /// An empty list is no witness: a ticket that the ledger holds and the list must show, and that is there.
    async fn unlisted(&self, since: Timestamp) -> Result<Option<String>> {
        let surprise =
            SignedDuration::try_from(self.context.surprise).unwrap_or(SignedDuration::MAX);
        let shows = self.context.now().checked_sub(surprise).unwrap_or(since);
        let made = self
            .context
            .run
            .made_between(since, shows, WITNESSES)
            .await?;
        let (system, permit) = (&self.context.system, self.context.limiter.as_ref());
        for ticket in made {
            match system.read_ticket(&ticket, permit).await {
                Ok(Reading::Found(listed)) if !is_gone(&listed) => return Ok(Some(ticket)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads a ticket of a row that seems to have two: a listing may be old, or name one that is gone.
    async fn read(
        &self,
        ticket: &Ticket,
        (reference, length): (&str, Option<usize>),
        looked: &mut Looked,
    ) {
        let (system, permit) = (&self.context.system, self.context.limiter.as_ref());
        // One that is not there may be a refusal of something before the system: it is asked for twice.
        for is_again in [false, true] {
            match system.read_ticket(&ticket.id, permit).await {
                Ok(Reading::Found(listed)) if is_gone(&listed) => {}
                Ok(Reading::Absent) => {}
                Ok(Reading::Found(listed)) => {
                    let refs = reference_in(&listed, self.field).of_length(length);
                    if refs.own().is_some() && !refs.is(reference) {
                        looked.anothers.insert(ticket.id.clone());
                    }
                    looked.there.insert(ticket.id.clone());
                    return;
                }
                Ok(Reading::Another(_) | Reading::Unclear(_)) | Err(_) => return,
            }
            if is_again {
                looked.gone.insert(ticket.id.clone());
            }
        }
    }

    /// What is listed since.
    async fn list(&self, since: Timestamp) -> Result<Newest> {
        let (system, permit) = (&self.context.system, self.context.limiter.as_ref());
        let mut backoff = Backoff::repeat();
        loop {
            let (mut found, mut newest, mut is_empty) = (Vec::new(), None, true);
            let mut page = |listed: Vec<Listed>| {
                is_empty &= listed.is_empty();
                newest = listed
                    .iter()
                    .map(|one| one.created_at)
                    .max()
                    .flatten()
                    .max(newest);
                found.extend(listed.into_iter().filter_map(|one| self.marked(one, since)))
            };
            match system
                .list_newest(since, self.pages, permit, &mut page)
                .await
            {
                Ok(true) => {
                    return Ok(Newest {
                        marked: found,
                        whole: true,
                        newest,
                        is_empty,
                    });
                }
                Ok(false) => {
                    let words = match self.field {
                        Some(_) => self.scope.to_owned(),
                        None => format!("{LABEL}{}", self.scope),
                    };
                    // A help: without it, what was listed is what there is.
                    if let Ok(sample) = system.sample(&words, permit).await {
                        found.extend(sample.into_iter().filter_map(|one| self.marked(one, since)));
                    }
                    return Ok(Newest {
                        marked: found,
                        whole: false,
                        newest,
                        is_empty,
                    });
                }
                Err(error) => match backoff.next() {
                    Some(wait) if error.kind() != ErrorKind::Denied => sleep(wait).await,
                    _ => return Err(error),
                },
            }
        }
    }

    /// A listed ticket with a reference that may be of the scope.
    fn marked(&self, listed: Listed, since: Timestamp) -> Option<Marked> {
        let refs = reference_in(&listed, self.field);
        let first = refs
            .first
            .clone()
            .filter(|_| refs.last.is_none() || refs.is_torn());
        let reference = refs.last.or(refs.first)?;
        let of_scope = (reference.split_once('/')).is_none_or(|(name, _)| name == self.scope);
        (of_scope && !is_gone(&listed)).then(|| Marked {
            reference,
            first,
            title: listed.title().map(str::to_owned),
            group: marked_group(listed.group, self.field),
            created_at: listed.created_at,
            is_noted: listed.noted_at.is_some(),
            since,
            ticket: listed.ticket,
        })
    }
}

impl Marked {
    /// The same as that of one row: which of its two references is quoted, by how long the descriptions of the rows are
    /// that the ledger knows. `None`: it is that of a row of which nothing is left to read.
    fn placed(self, known: &HashMap<String, Create>) -> Option<Self> {
        let Some(first) = &self.first else {
            return Some(self);
        };
        let length = known.get(first).and_then(Create::length);
        let is_only = *first == self.reference;
        match length {
            // A short description quotes on its first line. What else it shows is its own.
            Some(length) if length <= LONG => (!is_only).then_some(self),
            // A long one may be cut where it quotes, and a short one may quote it.
            _ => is_only.then_some(self),
        }
    }

    /// Whether it has the title that was sent, as far as is known.
    pub(super) fn is_titled_as(&self, create: &Create) -> bool {
        let title = self.title.as_deref();
        create
            .print
            .as_ref()
            .zip(title)
            .is_none_or(|(print, title)| is_as_sent(print, title))
    }

    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            ticket: self.ticket.clone(),
            title: self.title.clone(),
            created_at: self.created_at,
            is_marked: true,
        }
    }
}

/// Whether a listed title is the one that was sent, or none was.
pub(in crate::run) fn is_as_sent(print: &Print, title: &str) -> bool {
    matches!(print.title(title), None | Some(Relation::Same))
}

/// Whether a ticket is deleted, or shows that it was taken back.
fn is_gone(listed: &Listed) -> bool {
    listed.standing == Standing::Gone || listed.is_taken_back
}

/// What people call a ticket.
pub(in crate::run) fn name_of(ticket: &Ticket) -> &str {
    ticket.number.as_deref().unwrap_or(&ticket.id)
}
