//! What a listing says about each row in doubt: a pure function of what was seen.

use std::collections::HashSet;

use super::evidence::{Known, Stray};
use super::seen::{Held, Hit, Seen, Wanted};
use crate::ledger::Candidate;
use crate::run::adopt::HALF_BACK;
use crate::run::plan::Doubt;
use crate::systems::{Relation, Ticket};

/// How many tickets that may be a row's are kept for a person to look at.
const MOST_CANDIDATES: usize = 5;
/// What a listing says about one row.
#[derive(Debug)]
pub(in crate::run) enum Decision {
    /// It was made: the earliest ticket that bears its reference, and further ones.
    Found(Ticket, Vec<Ticket>),
    /// It was not made.
    Absent,
    /// Nothing is proven, since no other ticket was listed back; but the listing was whole, and showed no ticket of the
    /// time that may be the row's. Why it is no proof.
    Unseen(String),
    /// Nothing is proven: why, and which tickets may be its own.
    Open(String, Vec<Candidate>),
    /// The tickets could not be listed: why.
    Failed(String),
}

/// What a listing says about rows in doubt.
pub(super) fn decide_all(
    doubts: &[Doubt],
    wanted: &Wanted,
    mut seen: Seen,
    held: &Held,
) -> Vec<Decision> {
    let found: Vec<Option<Vec<Ticket>>> = doubts
        .iter()
        .map(|doubt| found(doubt, doubts, &seen, held))
        .collect();
    // A row that was found proves its group as well as any other ticket.
    let mut evidence = std::mem::take(&mut seen.evidence);
    let mut taken = HashSet::new();
    for (doubt, tickets) in doubts.iter().zip(&found) {
        let (Some(tickets), Some(reference)) = (tickets, &doubt.reference) else {
            continue;
        };
        taken.extend(tickets.iter().map(|ticket| ticket.id.clone()));
        let hits = seen.free(&doubt.group, (reference, doubt.length()), held);
        let known = Known {
            reference,
            group: &doubt.group,
            sent_at: None,
            print: doubt.print.as_ref(),
        };
        let first = hits
            .iter()
            .find(|hit| hit.listed.ticket.id == tickets[0].id);
        if let Some(hit) = first {
            evidence.observe(&hit.listed, known, wanted.commit_within);
        }
    }
    seen.evidence = evidence;
    let is_free =
        |stray: &Stray| !held.contains_key(&stray.ticket.id) && !taken.contains(&stray.ticket.id);
    seen.strays.retain(is_free);
    doubts
        .iter()
        .zip(found)
        .map(|(doubt, found)| match found {
            Some(mut tickets) => {
                let first = tickets.remove(0);
                Decision::Found(first, tickets)
            }
            None => unfound(doubt, wanted, &seen, held),
        })
        .collect()
}

/// The tickets of a row, the earliest first; `None` where none is surely its own.
fn found(doubt: &Doubt, doubts: &[Doubt], seen: &Seen, held: &Held) -> Option<Vec<Ticket>> {
    let reference = doubt.reference.as_deref()?;
    let hits = seen.free(&doubt.group, (reference, doubt.length()), held);
    let own = hits.into_iter().filter(|hit| is_own(hit, doubt, doubts));
    let tickets: Vec<Ticket> = own.map(|hit| hit.listed.ticket.clone()).collect();
    (!tickets.is_empty()).then_some(tickets)
}

/// Whether a ticket that bears a row's reference in place is the row's, and does not end, cut, where it quotes it.
fn is_own(hit: &Hit, doubt: &Doubt, doubts: &[Doubt]) -> bool {
    // Whether it is to stay, nobody knows.
    if hit.listed.noted_at.is_some() {
        return false;
    }
    // What an earlier version sent is known by its reference alone.
    let refs = hit.refs(doubt.length());
    let Some(print) = &doubt.print else {
        return !refs.is_torn();
    };
    let title = hit.listed.title().and_then(|title| print.title(title));
    if !matches!(title, None | Some(Relation::Same)) {
        return false;
    }
    let text = hit.listed.text.as_deref().unwrap_or_default();
    if hit.is_field || print.is_text(text) {
        return true;
    }
    let shown = hit.refs(None);
    if shown.is_torn() {
        let others = doubts
            .iter()
            .filter(|other| other.reference != doubt.reference);
        let is_alike = |other: &Doubt| match (&other.print, hit.listed.title()) {
            (Some(print), Some(title)) => print.title(title) != Some(Relation::Other),
            _ => true,
        };
        let is_one = |other: &&Doubt| other.reference.as_deref().is_some_and(|it| shown.is(it));
        return title.is_some() && !others.filter(is_one).any(is_alike);
    }
    // Short or long, the first line of a description is cut last.
    refs.first.is_some()
}

/// What is to be said of a row that was not found.
fn unfound(doubt: &Doubt, wanted: &Wanted, seen: &Seen, held: &Held) -> Decision {
    let Some(reference) = &doubt.reference else {
        return Decision::Open(NO_MARKER.to_owned(), Vec::new());
    };
    let marked = seen.free(&doubt.group, (reference, doubt.length()), held);
    if let Some(noted) = marked.iter().find(|hit| hit.listed.noted_at.is_some()) {
        return Decision::Open(HALF_BACK.to_owned(), vec![noted.candidate()]);
    }
    if !marked.is_empty() {
        let candidates: Vec<Candidate> = (marked.iter().take(MOST_CANDIDATES))
            .map(|hit| hit.candidate())
            .collect();
        let why = format!(
            "{} its reference, but the title or the text is not what was sent: compare them, and decide with `runs settle`",
            bears(&candidates)
        );
        return Decision::Open(why, candidates);
    }
    if let Some((id, owner)) = seen.taken(&doubt.group, (reference, doubt.length()), held)
        && owner.key() != Some(&doubt.key)
    {
        let whose = match owner.key() {
            Some(key) => format!("row `{key}`"),
            None => "a row of another scope".to_owned(),
        };
        return Decision::Open(
            format!(
                "ticket `{id}` bears its reference, but is the ticket of {whose}: check which of the two it is"
            ),
            Vec::new(),
        );
    }
    let place = wanted.number(&doubt.group);
    let may_be = |stray: &&Stray| {
        seen.evidence
            .may_be(stray, doubt, place, wanted.commit_within)
    };
    let mut suspects: Vec<&Stray> = seen.strays.iter().filter(may_be).collect();
    suspects.sort_by_key(|stray| match stray.relation(doubt) {
        Some(Relation::Same) => 0,
        Some(Relation::Akin) => 1,
        None => 2,
        Some(Relation::Other) => 3,
    });
    let candidates: Vec<Candidate> = (suspects.iter().take(MOST_CANDIDATES))
        .map(|stray| Candidate {
            ticket: stray.ticket.clone(),
            title: stray.title().map(str::to_owned),
            created_at: stray.created_at,
            is_marked: false,
        })
        .collect();
    let open = |why: &str| Decision::Open(why.to_owned(), candidates.clone());
    if let Some(gap) = seen.gap {
        return open(&format!(
            "it was not found, but the list of tickets is not complete ({gap}): run the same command again"
        ));
    }
    if !seen.evidence.is_proven(&doubt.group) {
        const NO_WITNESS: &str = "it was not found, but no other ticket like it was listed back with its reference \
             either, so that proves nothing: look for the ticket by hand, or run the same command again with more rows";
        let nothing_is_like_it =
            suspects.is_empty() && !seen.is_crowded && !seen.is_blank(&doubt.group, wanted);
        return match doubt.soft.is_some() && nothing_is_like_it {
            true => Decision::Unseen(NO_WITNESS.to_owned()),
            false => open(NO_WITNESS),
        };
    }
    if seen.is_crowded && !seen.evidence.tells_time() {
        return open(
            "it was not found, but the system's times of creation are not those at which tickets were sent, and it \
             lists too many tickets to compare: look for the ticket by hand",
        );
    }
    match suspects.len() {
        0 => Decision::Absent,
        more => {
            let others = match more - candidates.len() {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            open(&format!(
                "no ticket with its reference was found, but {}{others} may be its own: made at that time, by nobody \
                 that the ledger knows, and without a readable reference. Compare them, and decide with `runs settle`",
                names(&candidates)
            ))
        }
    }
}

fn names(candidates: &[Candidate]) -> String {
    let name = |candidate: &Candidate| {
        let ticket = &candidate.ticket;
        format!("`{}`", ticket.number.as_ref().unwrap_or(&ticket.id))
    };
    let names: Vec<String> = candidates.iter().map(name).collect();
    match names.len() {
        1 => format!("ticket {}", names[0]),
        _ => format!("tickets {}", names.join(", ")),
    }
}

fn bears(candidates: &[Candidate]) -> String {
    let verb = if candidates.len() == 1 {
        "bears"
    } else {
        "bear"
    };
    format!("{} {verb}", names(candidates))
}

/// Why a row without a marker stays in doubt.
pub(in crate::run) const NO_MARKER: &str = "the mapping leaves no marker in the ticket (`marker = \"none\"`), so it cannot be \
    found again: look for it by hand";
