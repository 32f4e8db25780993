//! Before a ticket is called a duplicate, both are read: a listing may be old, may show one ticket under two ids, or name
//! one that is not there. What cannot be confirmed is said without the advice to close anything.

use super::context::RunContext;
use super::look::stops;
use crate::error::Result;
use crate::mapping::reference::{field_of, reference_in};
use crate::systems::{Reading, Standing, Ticket};

/// What was read of the tickets that bear the reference of one row.
#[derive(Debug, Default)]
pub(super) struct Verified {
    /// Tickets that are there, bear the reference and are not the row's own, which is there as well.
    pub(super) doubles: Vec<Ticket>,
    /// What is to be looked at by a person, and why.
    pub(super) unclear: Vec<String>,
}

/// What one read says.
enum Seen {
    There,
    /// It is not there, or does not bear the reference: why.
    Not(String),
}

/// Reads a row's own ticket and those that seem to be duplicates of it.
///
/// # Errors
/// When the system cannot be reached or lets us read nothing.
pub(super) async fn verify(
    context: &RunContext,
    own: &Ticket,
    (group, reference): (&str, &str),
    others: Vec<Ticket>,
) -> Result<Verified> {
    let mut verified = Verified::default();
    let schema = context.system.schema();
    let is_own = |ticket: &Ticket| schema.ticket_id(&ticket.id) == schema.ticket_id(&own.id);
    let others: Vec<Ticket> = others.into_iter().filter(|it| !is_own(it)).collect();
    if others.is_empty() {
        return Ok(verified);
    }
    let own_seen = seen(context, own, (group, reference)).await?;
    for other in others {
        let name = other.number.clone().unwrap_or_else(|| other.id.clone());
        match (&own_seen, seen(context, &other, (group, reference)).await?) {
            (Seen::There, Seen::There) => verified.doubles.push(other),
            (Seen::There, Seen::Not(why)) => verified.unclear.push(format!(
                "ticket `{name}` was listed with the row's reference, but {why}"
            )),
            (Seen::Not(why), Seen::There) => verified.unclear.push(format!(
                "ticket `{name}` bears the row's reference and must stay: of the row's own ticket `{}` the system says \
                 that {why}",
                own.id
            )),
            (Seen::Not(why), Seen::Not(_)) => verified.unclear.push(format!(
                "neither its own ticket `{}` nor `{name}` could be confirmed: {why}",
                own.id
            )),
        }
    }
    Ok(verified)
}

/// Those of some tickets that are there and bear a reference.
///
/// # Errors
/// When the system cannot be reached or lets us read nothing.
pub(super) async fn there(
    context: &RunContext,
    (group, reference): (&str, &str),
    tickets: Vec<Ticket>,
) -> Result<Vec<Ticket>> {
    let mut there = Vec::new();
    for ticket in tickets {
        if matches!(
            seen(context, &ticket, (group, reference)).await?,
            Seen::There
        ) {
            there.push(ticket);
        }
    }
    Ok(there)
}

async fn seen(
    context: &RunContext,
    ticket: &Ticket,
    (group, reference): (&str, &str),
) -> Result<Seen> {
    let read = context
        .system
        .read_ticket(&ticket.id, context.limiter.as_ref())
        .await;
    Ok(match read {
        Ok(Reading::Found(listed)) if listed.standing == Standing::Gone => {
            Seen::Not("it is deleted".to_owned())
        }
        Ok(Reading::Found(listed)) if reference_in(&listed, field_of(group)).is(reference) => {
            Seen::There
        }
        Ok(Reading::Found(_)) => {
            Seen::Not("it does not bear the reference when it is read".to_owned())
        }
        Ok(Reading::Absent) => Seen::Not("it is not there".to_owned()),
        Ok(Reading::Another(what) | Reading::Unclear(what)) => Seen::Not(what),
        Err(error) if stops(&error) => return Err(error),
        Err(error) => Seen::Not(error.to_string()),
    })
}
