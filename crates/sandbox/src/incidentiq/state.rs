//! What the emulator keeps: the tickets, the files, the jobs, the reference data as it is now.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::book::Book;
use super::deed::Effect;
use super::files::File;
use super::ticket::{Child, Ticket};
use crate::guid::Guid;
use crate::reply::Refusal;
use crate::visibility::Visibility;

/// The number before the first ticket's.
const FIRST_NUMBER: u64 = 10_000;

/// A group of somebody's subtasks.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) user: usize,
    pub(super) is_deleted: bool,
}

/// A job of a bulk request.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: Guid,
    /// What became of it, as `GET /jobs/{jobId}` shows it.
    pub(super) shown: Value,
}

/// Everything that writes change.
#[derive(Debug)]
pub(super) struct State {
    pub(super) instance: Guid,
    pub(super) book: Arc<Book>,
    /// The tickets, oldest first.
    pub(super) tickets: Vec<Ticket>,
    places: HashMap<Guid, usize>,
    /// On which ticket an activity, a subtask or a next step stands.
    parts: HashMap<Guid, usize>,
    pub(super) deleted: usize,
    pub(super) visibility: Visibility,
    pub(super) files: Vec<Arc<File>>,
    /// Those of them that were deleted.
    gone_files: HashSet<Guid>,
    pub(super) jobs: Vec<Job>,
    pub(super) groups: Vec<Group>,
}

impl State {
    pub(super) fn new(instance: Guid, book: Arc<Book>) -> Self {
        Self {
            instance,
            book,
            tickets: Vec::new(),
            places: HashMap::new(),
            parts: HashMap::new(),
            deleted: 0,
            visibility: Visibility::default(),
            files: Vec::new(),
            gone_files: HashSet::new(),
            jobs: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// A time that is not before the last ticket's, so that the order of the tickets is that of their times.
    pub(super) fn not_before(&self, at: Timestamp) -> Timestamp {
        self.tickets.last().map_or(at, |last| last.created.max(at))
    }

    /// The id of the next ticket.
    pub(super) fn next_ticket(&self) -> Guid {
        Guid::nth(self.instance, self.tickets.len() as u64)
    }

    /// The id of the nth thing of a kind in this instance.
    pub(super) fn next_id(&self, kind: &str, nth: usize) -> Guid {
        Guid::seeded(kind, &format!("{}/{nth}", self.instance))
    }

    /// Where a ticket stands.
    pub(super) fn place(&self, id: Guid) -> Result<usize, Refusal> {
        self.places
            .get(&id)
            .copied()
            .ok_or_else(|| Refusal::not_found("The ticket"))
    }

    pub(super) fn ticket(&self, id: Guid) -> Result<&Ticket, Refusal> {
        Ok(&self.tickets[self.place(id)?])
    }

    /// The ticket on which an activity, a subtask or a next step stands.
    pub(super) fn owner_of(&self, part: Guid, what: &str) -> Result<&Ticket, Refusal> {
        let place = self.parts.get(&part);
        place
            .map(|place| &self.tickets[*place])
            .ok_or_else(|| Refusal::not_found(what))
    }

    pub(super) fn file(&self, id: Guid) -> Result<&Arc<File>, Refusal> {
        let is_there = !self.gone_files.contains(&id);
        let file = self.files.iter().find(|file| is_there && file.id == id);
        file.ok_or_else(|| Refusal::not_found("The file"))
    }

    /// Does what was decided; listings do not show new tickets for so long.
    pub(super) fn commit(&mut self, effects: Vec<Effect>, hidden: Duration) {
        for effect in effects {
            match effect {
                Effect::New(ticket) => self.push(*ticket, hidden),
                Effect::Changed(ticket) => self.replace(*ticket),
                Effect::File(file) => self.files.push(file),
                Effect::FileDeleted(id) => self.forget_file(id),
                Effect::Job(job) => self.jobs.push(job),
                Effect::Group(group) => {
                    self.groups.retain(|one| one.id != group.id);
                    self.groups.push(group);
                }
                Effect::District(district) => {
                    self.book = Arc::new(Book::new(*district, self.book.clock.clone()));
                }
            }
        }
    }

    /// Files are deleted softly (contract §21): nothing shows this one any more.
    fn forget_file(&mut self, id: Guid) {
        self.gone_files.insert(id);
        for ticket in &mut self.tickets {
            ticket.attachments.retain(|file| file.id != id);
        }
    }

    /// Takes a ticket that stands there from the beginning.
    pub(super) fn take(&mut self, ticket: Ticket) {
        self.push(ticket, Duration::ZERO);
    }

    fn push(&mut self, mut ticket: Ticket, hidden: Duration) {
        let place = self.tickets.len();
        ticket.number = FIRST_NUMBER + 1 + place as u64;
        self.visibility.hide(ticket.number, hidden);
        self.places.insert(ticket.id, place);
        self.index(&ticket, place);
        self.tell_parents(None, &ticket);
        self.tickets.push(ticket);
    }

    fn replace(&mut self, changed: Ticket) {
        let Some(place) = self.places.get(&changed.id).copied() else {
            return;
        };
        self.index(&changed, place);
        let before = std::mem::replace(&mut self.tickets[place], changed);
        let after = &self.tickets[place];
        match (before.is_deleted, after.is_deleted) {
            (false, true) => self.deleted += 1,
            (true, false) => self.deleted -= 1,
            _ => {}
        }
        if before.parent.is_some() || after.parent.is_some() {
            let after = after.clone();
            self.tell_parents(before.parent, &after);
        }
    }

    fn index(&mut self, ticket: &Ticket, place: usize) {
        let activities = ticket.activities.iter().map(|one| one.id);
        let subtasks = ticket.subtasks.iter().map(|one| one.id);
        let steps = ticket.next_steps.iter().map(|one| one.id);
        for part in activities.chain(subtasks).chain(steps) {
            self.parts.insert(part, place);
        }
    }

    /// Parents know their children, and whether those are closed.
    fn tell_parents(&mut self, before: Option<Guid>, child: &Ticket) {
        let is_gone = |parent: &Guid| Some(*parent) != child.parent || child.is_deleted;
        if let Some(parent) = before.filter(is_gone).and_then(|id| self.place(id).ok()) {
            let children = &mut self.tickets[parent].children;
            children.retain(|one| one.id != child.id);
        }
        let parent = child.parent.filter(|_| !child.is_deleted);
        if let Some(parent) = parent.and_then(|id| self.place(id).ok()) {
            let is_closed = child.closed.is_some();
            let children = &mut self.tickets[parent].children;
            match children.iter_mut().find(|one| one.id == child.id) {
                Some(known) => known.is_closed = is_closed,
                None => children.push(Child {
                    id: child.id,
                    is_closed,
                }),
            }
        }
    }
}
