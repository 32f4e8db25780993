//! The tickets that were made since the run began, by one listing: second tickets of its rows, and which of its own are
//! shown.

use std::collections::{HashMap, HashSet};

use super::Search;
use crate::error::Result;
use crate::mapping::reference::{reference_in, short};
use crate::systems::{Listed, Permit, Standing, System, Ticket, Window};

/// The tickets of a run by their references: hashes, since there may be very many.
#[derive(Debug, Default)]
pub(super) struct Held {
    by_reference: HashMap<u64, u64>,
}

/// What the listing showed.
#[derive(Debug)]
pub(super) struct Seen {
    /// How it went.
    pub(super) search: Search,
    /// The tickets of the run that it showed.
    tickets: HashSet<u64>,
    /// Tickets that bear the reference of a row and are not its own, by the reference.
    others: HashMap<u64, Vec<Ticket>>,
}

impl Held {
    /// Adds the ticket of a row.
    pub(super) fn add(&mut self, reference: &str, ticket: &str) {
        self.by_reference.insert(hash(reference), hash(ticket));
        self.by_reference
            .insert(hash(&short(reference)), hash(ticket));
    }

    /// Lists what was made in the window. `field`: what listings call the custom field that bears the references.
    ///
    /// # Errors
    /// When the system cannot be asked.
    pub(super) async fn look(
        &self,
        system: &dyn System,
        window: Window,
        field: Option<&str>,
        permit: &dyn Permit,
    ) -> Result<Seen> {
        let mut tickets = HashSet::new();
        let mut others: HashMap<u64, Vec<Ticket>> = HashMap::new();
        let mut count = 0;
        let mut page = |listed: Vec<Listed>| {
            for one in listed {
                count += 1;
                let id = hash(&system.schema().ticket_id(&one.ticket.id));
                if one.standing != Standing::Gone {
                    tickets.insert(id);
                }
                let refs = reference_in(&one, field);
                let is_back = one.is_taken_back || one.standing == Standing::Gone;
                let Some(reference) = refs.own().filter(|_| !is_back) else {
                    continue;
                };
                let reference = hash(reference);
                if self
                    .by_reference
                    .get(&reference)
                    .is_some_and(|own| *own != id)
                {
                    others.entry(reference).or_default().push(one.ticket);
                }
            }
        };
        let end = system.list_created(window, permit, &mut page).await?;
        let search = match end.gap {
            None => Search::Whole(count),
            Some(gap) => Search::Partial(gap.to_string()),
        };
        Ok(Seen {
            search,
            tickets,
            others,
        })
    }
}

impl Seen {
    /// Without a listing.
    pub(super) fn nothing(why: &str) -> Self {
        Self {
            search: Search::NotDone(why.to_owned()),
            tickets: HashSet::new(),
            others: HashMap::new(),
        }
    }

    /// Whether a whole listing does not show a ticket.
    pub(super) fn lacks(&self, ticket: &str) -> bool {
        matches!(self.search, Search::Whole(_)) && !self.tickets.contains(&hash(ticket))
    }

    /// The tickets that bear a reference beside the row's own.
    pub(super) fn others(&self, reference: &str) -> Vec<Ticket> {
        let forms = [hash(reference), hash(&short(reference))];
        let mut found: Vec<Ticket> = Vec::new();
        for form in forms {
            for ticket in self.others.get(&form).into_iter().flatten() {
                if !found.iter().any(|known| known.id == ticket.id) {
                    found.push(ticket.clone());
                }
            }
        }
        found
    }
}

pub(super) fn hash(text: &str) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(number)
}

/// Whether a ticket, read by itself, is there and bears the reference of a row.
pub(super) fn is_second(listed: &Listed, reference: Option<&(String, Option<String>)>) -> bool {
    let is_back = listed.is_taken_back || listed.standing == Standing::Gone;
    reference.is_some_and(|(reference, field)| {
        !is_back && reference_in(listed, field.as_deref()).is(reference)
    })
}
