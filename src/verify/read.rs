//! One row's ticket, read back: what came of it, with what explains a difference.

use jiff::Timestamp;

use super::count::Facet;
use super::extra::is_second;
use super::files;
use super::ticket::{Facts, Judged, judge, last_write};
use super::{Difference, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::StepRecord;
use crate::mapping::Expected;
use crate::record::{Place, RowKey};
use crate::systems::common::CommonTicket;
use crate::systems::{Operation, Permit, Reading, Standing, System, Ticket};

/// A row whose ticket is to be read.
pub(super) struct Work {
    /// Its number among all records.
    pub(super) number: u64,
    pub(super) place: Place,
    pub(super) key: RowKey,
    pub(super) steps: Vec<StepRecord>,
    /// The ticket as the ledger or the row names it.
    pub(super) ticket: Ticket,
    pub(super) expected: Box<Expected>,
    /// Tickets that bear its reference too.
    pub(super) others: Vec<Ticket>,
    /// Its reference, with what listings call the custom field that bears it.
    pub(super) reference: Option<(String, Option<String>)>,
    /// The month in which the source made it.
    pub(super) month: Option<String>,
    /// What the row says is not what was sent.
    pub(super) is_changed: bool,
    /// Whether it is one of those that count for the sample.
    pub(super) is_chosen: bool,
}

/// What came of it.
pub(super) struct Done {
    pub(super) work: Work,
    /// As the system shows it.
    pub(super) ticket: Option<Ticket>,
    pub(super) created: Option<Timestamp>,
    pub(super) judged: Judged,
}

/// Reads the ticket of a row and compares it.
///
/// # Errors
/// When no other ticket could be read either.
pub(super) async fn read(
    system: &dyn System,
    permit: &dyn Permit,
    facts: Facts<'_>,
    work: Work,
) -> Result<Done> {
    let asked = work.ticket.id.clone();
    let mut done = Done {
        ticket: None,
        created: None,
        judged: Judged::default(),
        work,
    };
    let only = |difference: Difference| Judged {
        differences: vec![(difference, false)],
        facets: due(facts, &done.work.expected),
        ..Judged::default()
    };
    let is_deletion = facts.operation == Operation::Delete
        || (done.work.expected.following.iter()).any(|it| it.operation == Operation::Delete);
    match system.ticket(&asked, permit).await {
        Ok(Some(mut ticket)) => {
            let schema = system.schema();
            let is_its = schema.ticket_id(&ticket.id) == schema.ticket_id(&asked)
                || ticket.number.as_deref() == Some(asked.as_str());
            if !is_its {
                let why = format!("the system answered with ticket `{}`", ticket.id);
                done.judged = only(unreadable(&asked, why));
            } else if ticket.standing == Standing::Gone && !is_deletion {
                let gone = Difference::new(Verdict::Missing, "ticket").expected(asked.clone());
                done.judged = only(gone.note("it is deleted".to_owned()));
            } else {
                let files = files::look(system, permit, facts, &done.work, &ticket.id).await?;
                let Work {
                    expected, steps, ..
                } = &done.work;
                done.judged = judge(facts, expected, steps, &files, &mut ticket);
                explain(system, permit, facts, &mut done, &ticket).await;
            }
            done.created = ticket.created;
            done.ticket = Some(bare(ticket));
        }
        Ok(None) if is_deletion => {}
        Ok(None) => {
            let gone = Difference::new(Verdict::Missing, "ticket").expected(asked.clone());
            done.judged = only(gone.note("the system says that it is not there".to_owned()));
        }
        Err(error) if stops(system, permit, &error).await => return Err(error),
        Err(error) => done.judged = only(unreadable(&asked, error.to_string())),
    }
    if done.work.is_changed {
        for (difference, _) in &mut done.judged.differences {
            difference.note.get_or_insert_with(|| {
                "the row says something else now than when it was sent".to_owned()
            });
        }
    }
    let others = std::mem::take(&mut done.work.others);
    for other in others {
        let second = second(system, permit, &done.work, &other).await?;
        done.judged
            .differences
            .extend(second.map(|difference| (difference, false)));
    }
    Ok(done)
}

fn unreadable(asked: &str, why: String) -> Difference {
    Difference::new(Verdict::Unreadable, "ticket")
        .expected(asked.to_owned())
        .note(why)
}

/// Whether what went wrong would meet every other ticket too.
pub(super) async fn stops(system: &dyn System, permit: &dyn Permit, error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unreachable | ErrorKind::Machine | ErrorKind::Interrupted => true,
        ErrorKind::Denied => !system.admits(permit).await,
        _ => false,
    }
}

/// Where a row counts by what it says, whatever became of its ticket.
fn due(facts: Facts<'_>, expected: &Expected) -> Vec<Facet> {
    let mut blank = CommonTicket::new(facts.schema.system(), String::new());
    let mut facets = judge(facts, expected, &[], &files::Files::default(), &mut blank).facets;
    facets.retain(Facet::is_due);
    facets
}

/// Explains fields that show something else by the work of somebody who has changed the ticket since. Texts, their order
/// and what is missing stay open.
async fn explain(
    system: &dyn System,
    permit: &dyn Permit,
    facts: Facts<'_>,
    done: &mut Done,
    ticket: &CommonTicket,
) {
    let may_be = done.judged.differences.iter().any(|(_, may_be)| *may_be);
    let (Some(last), Some(updated)) = (last_write(&done.work.steps), ticket.updated) else {
        return;
    };
    if !may_be || updated <= last + facts.slack {
        return;
    }
    // That it was changed is known; by whom, some systems say.
    let since = last + facts.slack;
    let who = system.changed_by(&ticket.id, since, permit).await;
    let who = who.unwrap_or_default().join(", ");
    let by = match who.is_empty() {
        true => String::new(),
        false => format!(" by {who}"),
    };
    let why = format!("the ticket was changed{by} after the run, last on {updated}");
    for (difference, may_be) in &mut done.judged.differences {
        if *may_be {
            difference.explained.get_or_insert_with(|| why.clone());
        }
    }
}

/// Reads a ticket that was listed with the reference of a row: a listing may be old, or show one ticket under two ids.
async fn second(
    system: &dyn System,
    permit: &dyn Permit,
    work: &Work,
    other: &Ticket,
) -> Result<Option<Difference>> {
    let name = other.number.as_ref().unwrap_or(&other.id).clone();
    let unclear = |why: String| {
        Difference::new(Verdict::Unreadable, "second ticket")
            .found(name.clone())
            .note(format!(
                "it was listed with the reference of this row: {why}"
            ))
    };
    let read = match system.read_ticket(&other.id, permit).await {
        Ok(read) => read,
        Err(error) if stops(system, permit, &error).await => return Err(error),
        Err(error) => return Ok(Some(unclear(error.to_string()))),
    };
    Ok(match read {
        Reading::Found(listed) if is_second(&listed, work.reference.as_ref()) => Some(
            Difference::new(Verdict::Extra, "second ticket")
                .expected(work.ticket.id.clone())
                .found(name)
                .note("it bears the reference of this row too".to_owned()),
        ),
        Reading::Found(_) | Reading::Absent => None,
        Reading::Another(why) | Reading::Unclear(why) => Some(unclear(why)),
    })
}

fn bare(ticket: CommonTicket) -> Ticket {
    Ticket {
        id: ticket.id,
        number: ticket.number,
        url: ticket.url,
        warnings: Vec::new(),
    }
}
