//! What is looked up about a row before its requests leave: the ticket that it names, and whether a request was obeyed
//! of which nobody knows and that must not simply go again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::context::RunContext;
use super::files::{brings_file, spool_again};
use super::plan::Row;
use super::retry::Backoff;
use super::row::{Sent, SentEnd};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::DoneBeside;
use crate::systems::common::CommonTicket;
use crate::systems::{
    Beside, Call, KIND, Print, Refusal, Sighting, Ticket, call_of, without_right,
};

/// Looks at the ticket of a row whether its first request in doubt was obeyed; where none is, whether people have changed
/// the ticket.
pub(super) async fn look(context: Arc<RunContext>, mut row: Row) -> Sent {
    if let Some(end) = compared(&context, &mut row).await {
        let changes = Vec::new();
        return Sent { row, end, changes };
    }
    let end = match seen(&context, &mut row).await {
        Ok(Some(sighting)) => SentEnd::Looked(sighting),
        Ok(None) => SentEnd::Withdrawn,
        // One ticket that may not be read says nothing about the others.
        Err(error) if stops(&error) && !is_of_ticket(&context, &error).await => {
            SentEnd::Stopped(error)
        }
        Err(error) => SentEnd::NotLooked(error.to_string()),
    };
    Sent {
        row,
        end,
        changes: Vec::new(),
    }
}

/// Whether people have changed the ticket of a row since it was compared; `None`: that is not the question.
async fn compared(context: &RunContext, row: &mut Row) -> Option<SentEnd> {
    let (ticket, ours_until) = row.guarded()?;
    let at = context.compared.get(&ticket.id).copied();
    let found = find(context, &ticket.id, at.max(Some(ours_until))).await;
    row.ours_until = None;
    Some(match found {
        // What is wrong with one that is not there is told when it is written to.
        Ok(Find::Found(_) | Find::Nothing) => SentEnd::Unchanged,
        Ok(Find::Changed) => SentEnd::Changed,
        Ok(Find::Halted) => SentEnd::Withdrawn,
        Ok(Find::Another(message)) => SentEnd::Unread(Refusal {
            status: 0,
            message,
            fields: Vec::new(),
        }),
        Ok(Find::Forbidden(refusal)) => SentEnd::Forbidden {
            refusal,
            right: READING.to_owned(),
        },
        Err(error) if stops(&error) => SentEnd::Stopped(error),
        Err(error) => SentEnd::Unread(Refusal {
            status: 0,
            message: format!("the ticket could not be read: {error}"),
            fields: Vec::new(),
        }),
    })
}

/// Nothing more will go through.
pub(super) fn stops(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Denied | ErrorKind::Unreachable)
}

/// Whether a read was refused for the ticket that it was about, and not for the token.
async fn is_of_ticket(context: &RunContext, error: &Error) -> bool {
    error.kind() == ErrorKind::Denied && context.admits().await
}

/// `None`: the run is to stop.
async fn seen(context: &RunContext, row: &mut Row) -> Result<Option<Sighting>> {
    if let Some(name) = row.find.clone() {
        match find(context, &name, None).await? {
            Find::Found(ticket) => {
                row.ticket = Some(ticket);
                row.find = None;
            }
            Find::Nothing => {
                let why = format!("there is no ticket `{name}` any more");
                return Ok(Some(Sighting::Unclear(why)));
            }
            Find::Another(why) => return Ok(Some(Sighting::Unclear(why))),
            Find::Forbidden(refusal) => return Ok(Some(Sighting::Unclear(refusal.message))),
            Find::Changed | Find::Halted => return Ok(None),
        }
    }
    let Some((request, since)) = row.in_doubt() else {
        return Ok(Some(Sighting::Absent));
    };
    let call = Call {
        step: call_of(&request.id.name),
        ticket: row.ticket.as_ref(),
        body: &request.body,
        id: context.identity(&row.key, &request.id, row.ticket.as_ref()),
        old_id: context.identity(&row.key, &request.id, None),
    };
    let others = row.others(&request.id);
    let mut done = match &row.ticket {
        Some(ticket) => context.run.beside(call.step, ticket).await?,
        None => DoneBeside::default(),
    };
    first_of_kind(&mut done.elsewhere, request.print.as_ref());
    let beside = Beside {
        others: &others,
        here: &done.here,
        elsewhere: &done.elsewhere,
        ticket: done.ticket.as_ref(),
        resumed: request.soft.as_ref().and_then(|soft| soft.resumed),
    };
    let mut backoff = Backoff::repeat();
    let file = match brings_file(&request.id) {
        true => Some(spool_again(context, row, request).await),
        false => None,
    };
    loop {
        let permit = context.limiter.as_ref();
        let seen = match &file {
            Some(file) => {
                let facts = file.as_ref().map(|file| &file.facts);
                let system = &context.system;
                system.attached(call, facts, beside, since, permit).await
            }
            None => {
                context
                    .system
                    .verify_step(call, beside, since, permit)
                    .await
            }
        };
        match seen {
            Ok(sighting) => return Ok(Some(sighting)),
            Err(error) => {
                if !goes_again(context, &mut backoff, error).await? {
                    return Ok(None);
                }
            }
        }
    }
}

/// Puts those before the others that are of the kind that is looked for: where a public reply is shown, an internal note may
/// be hidden all the same, and only a few tickets are read.
fn first_of_kind(elsewhere: &mut [(String, Print)], sought: Option<&Print>) {
    let kind = |print: &Print| print.traits.get(KIND).cloned();
    if let Some(sought) = sought {
        let sought = kind(sought);
        elsewhere.sort_by_key(|(_, print)| kind(print) != sought);
    }
}

/// The right without which a row's ticket cannot be looked up.
pub(super) const READING: &str = "read tickets";

/// What came of looking for a ticket by its name.
pub(super) enum Find {
    Found(Ticket),
    Nothing,
    /// The desk has changed it since it was compared.
    Changed,
    /// The system answered with another ticket: what is said of that.
    Another(String),
    /// The token may not read this one.
    Forbidden(Refusal),
    /// The run is to stop.
    Halted,
}

/// Looks for the ticket of that name; `compared`: when the desk had changed it when it was compared with the row.
pub(super) async fn find(
    context: &RunContext,
    name: &str,
    compared: Option<Timestamp>,
) -> Result<Find> {
    let mut backoff = Backoff::repeat();
    loop {
        let Some(slot) = context.slot(Duration::ZERO).await else {
            return Ok(Find::Halted);
        };
        let permit = context.limiter.as_ref();
        let found = match compared {
            None => context.system.find_ticket(name, permit).await,
            Some(at) => match context.system.ticket_fields(name, permit).await {
                Ok(Some(ticket)) if ticket.updated.is_none_or(|updated| updated > at) => {
                    return Ok(Find::Changed);
                }
                Ok(found) => Ok(found.map(bare)),
                Err(error) => Err(error),
            },
        };
        drop(slot);
        match found {
            Ok(Some(ticket)) => return Ok(Find::Found(ticket)),
            Ok(None) => return Ok(Find::Nothing),
            Err(error) if error.kind() == ErrorKind::Refused => {
                return Ok(Find::Another(error.to_string()));
            }
            Err(error) if is_of_ticket(context, &error).await => {
                let refusal = Refusal {
                    status: 403,
                    message: error.to_string(),
                    fields: Vec::new(),
                };
                return Ok(Find::Forbidden(without_right(READING, refusal)));
            }
            Err(error) => {
                if !goes_again(context, &mut backoff, error).await? {
                    return Ok(Find::Halted);
                }
            }
        }
    }
}

fn bare(ticket: CommonTicket) -> Ticket {
    Ticket {
        id: ticket.id,
        number: ticket.number,
        url: ticket.url,
        warnings: Vec::new(),
    }
}

/// Waits until a read that failed is tried again; `false`: the run is to stop.
async fn goes_again(context: &RunContext, backoff: &mut Backoff, error: Error) -> Result<bool> {
    match backoff.next() {
        Some(wait) if error.kind() != ErrorKind::Denied => Ok(context.wait(wait).await),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::{INTERNAL, Looks, PUBLIC};

    #[test]
    fn the_witnesses_of_a_note_are_notes() {
        let print = |kind: &str| {
            Print::of(&Looks {
                traits: vec![(KIND, kind.to_owned())],
                ..Looks::default()
            })
        };
        let names = [PUBLIC, PUBLIC, INTERNAL, PUBLIC, INTERNAL];
        let all = (1..).zip(names);
        let mut elsewhere: Vec<(String, Print)> = all
            .map(|(at, kind)| (at.to_string(), print(kind)))
            .collect();
        let order = |elsewhere: &[(String, Print)]| {
            let ids = elsewhere.iter().map(|(id, _)| id.as_str());
            ids.collect::<Vec<_>>().join(" ")
        };
        first_of_kind(&mut elsewhere, None);
        assert_eq!(order(&elsewhere), "1 2 3 4 5");
        first_of_kind(&mut elsewhere, Some(&print(INTERNAL)));
        assert_eq!(order(&elsewhere), "3 5 1 2 4");
        first_of_kind(&mut elsewhere, Some(&print(PUBLIC)));
        assert_eq!(order(&elsewhere), "1 2 4 3 5");
    }
}
