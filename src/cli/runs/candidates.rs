//! Tickets that may be that of a row in doubt, shown to who decides.

use serde_json::{Value, json};

use crate::ledger::Candidate;
use crate::systems::Ticket;

pub(super) fn candidate_json(candidate: &Candidate) -> Value {
    let Ticket {
        id, number, url, ..
    } = &candidate.ticket;
    json!({
        "ticket": id, "number": number, "title": candidate.title, "created": candidate.created_at, "url": url,
        "reference": candidate.is_marked,
    })
}

/// A ticket that may be the row's, in one line; the id is what `done=ID` takes.
pub(super) fn candidate_line(candidate: &Candidate) -> String {
    let Ticket {
        id, number, url, ..
    } = &candidate.ticket;
    let mut parts = vec![match number {
        Some(number) => format!("{number} (id {id})"),
        None => format!("id {id}"),
    }];
    parts.extend(candidate.title.as_ref().map(|title| format!("\"{title}\"")));
    let created = candidate
        .created_at
        .map(|at| at.strftime("created %Y-%m-%d %H:%M:%S (UTC)"));
    parts.extend(created.map(|created| created.to_string()));
    parts.extend(url.clone());
    if candidate.is_marked {
        parts.push("bears the reference".to_owned());
    }
    parts.join(", ")
}
