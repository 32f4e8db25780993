//! `deskferry runs settle`: what only a person can decide.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::args::{Global, SettleArgs};
use super::super::output::Output;
use super::candidates::{candidate_json, candidate_line};
use super::decisions;
use super::typed::{self, Typed};
use crate::config::StateFolder;
use crate::error::{Error, ExitCode, Result};
use crate::ledger::{ByHand, Doubtful, Ledger, Run};
use crate::mapping::reference::{field_of, reference_in};
use crate::report::words;
use crate::run::{Limiter, step_in_words};
use crate::systems::{CREATE, Reading, System, Ticket};

pub(super) async fn run(
    args: SettleArgs,
    ledger: &Ledger,
    run: &Run,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let doubtful = ledger.doubtful(run).await?;
    if let Some(path) = &args.output {
        decisions::write(path, &doubtful, global.readers())?;
        output.say(&format!(
            "  {} to {}: fill in the column `use` with done=ID, resend or skip, then\n  deskferry runs settle {} --decisions {}",
            words::plural(doubtful.len() as u64, "row in doubt written", "rows in doubt written"),
            path.display(),
            run.code(),
            words::shell_word(&path.display().to_string())
        ));
        return report(run, &doubtful, 0, output);
    }
    if args.decisions.is_none() && args.verdict.is_none() {
        list(run, &doubtful, output);
        return report(run, &doubtful, 0, output);
    }
    let said = match &args.decisions {
        Some(path) => decisions::read(path, &doubtful, args.verdict.as_deref())?,
        None => all_as(&doubtful, &args)?,
    };
    let locks = typed::lock(run.last(), None, ledger)?;
    let said = match args.unchecked
        || said
            .iter()
            .all(|(_, verdict)| !matches!(verdict, ByHand::Done(_)))
    {
        true => said,
        false => looked_up(said, run, state, global).await?,
    };
    each_its_own(&said, ledger, run).await?;
    let count = ledger.settle_by_hand(&locks, run, said).await?;
    let left = ledger.doubtful(run).await?;
    output.say(&format!(
        "  settled {}, {} still in doubt",
        words::plural(count, "row", "rows"),
        words::count(left.len() as u64)
    ));
    let again = super::list::resume(run);
    if count > 0 && !again.is_empty() {
        output.say(&format!("  go on      {again}"));
    }
    report(run, &left, count, output)
}

fn report(run: &Run, left: &[Doubtful], settled: u64, output: Output) -> Result<ExitCode> {
    if output.is_json() {
        let rows: Vec<Value> = left.iter().map(row_json).collect();
        let document = json!({"run": run.code(), "settled": settled, "in_doubt": rows});
        output.data(&document.to_string())?;
    }
    Ok(match left.is_empty() {
        true => ExitCode::Done,
        false => ExitCode::SomeRows,
    })
}

fn row_json(row: &Doubtful) -> Value {
    json!({
        "file": &*row.place.file, "sheet": row.place.sheet.as_deref(), "row": row.place.row, "key": row.key.as_str(),
        "step": row.step.name, "ordinal": row.step.ordinal + 1, "ticket": row.ticket.as_ref().map(|ticket| &ticket.id), "sent": row.sent_at,
        "reference": row.reference, "answer": row.answer,
        "candidates": row.candidates.iter().map(candidate_json).collect::<Vec<_>>(),
    })
}

fn list(run: &Run, doubtful: &[Doubtful], output: Output) {
    if doubtful.is_empty() {
        return output.say(&format!("  run {} has no row in doubt", run.code()));
    }
    for row in doubtful {
        let sent = row.sent_at.map_or_else(String::new, |at| {
            at.strftime(", sent at %Y-%m-%d %H:%M:%S (UTC)").to_string()
        });
        let look = match (&row.ticket, &row.reference) {
            (Some(ticket), _) if row.taken_back.is_some() => format!(
                "look at ticket {} whether it is there still: a rollback has begun with it",
                ticket.number.as_ref().unwrap_or(&ticket.id)
            ),
            (Some(ticket), _) => format!(
                "look at ticket {} whether {} was done",
                ticket.number.as_ref().unwrap_or(&ticket.id),
                step_in_words(&row.step)
            ),
            (None, Some(reference)) => format!("look for a ticket with `Ref: {reference}`"),
            (None, None) => {
                "look for its ticket by what the row says: the mapping leaves no marker".to_owned()
            }
        };
        output.say(&format!(
            "{} (key {}){sent}\n    {}",
            row.place, row.key, look
        ));
        for candidate in &row.candidates {
            output.say(&format!("    it may be {}", candidate_line(candidate)));
        }
    }
    let again = super::list::resume(run);
    if !again.is_empty() {
        output.say(&format!(
            "\n  the same command as before settles by itself what it can: {again}"
        ));
    }
    output.say(&format!(
        "  what is left, you decide: deskferry runs settle {} --row N --as done=ID|resend|skip",
        run.code()
    ));
}

fn verdict(text: &str) -> Result<ByHand> {
    let text = text.trim();
    match text.split_once('=') {
        Some((done, id)) if done.trim().eq_ignore_ascii_case("done") && !id.trim().is_empty() => {
            Ok(ByHand::Done(Ticket {
                id: id.trim().to_owned(),
                ..Ticket::default()
            }))
        }
        None if text.eq_ignore_ascii_case("resend") => Ok(ByHand::Resend),
        None if text.eq_ignore_ascii_case("skip") => Ok(ByHand::Skip),
        _ => Err(Error::usage(format!("`{text}` is not a decision"))
            .hint("done=ID: the ticket is there, and this is its id; resend: it is not there; skip: leave the row")),
    }
}

/// What is said of a row; the further steps of a ticket that stands need no id.
pub(super) fn said_of(row: &Doubtful, text: &str) -> Result<ByHand> {
    if (row.step.name != CREATE || row.taken_back.is_some())
        && let Some(ticket) = &row.ticket
        && text.trim().eq_ignore_ascii_case("done")
    {
        return Ok(ByHand::Done(ticket.clone()));
    }
    let said = verdict(text)?;
    match (&said, &row.ticket) {
        (ByHand::Done(said), Some(made)) if said.id != made.id => Err(Error::usage(format!(
            "{} has the ticket `{}` already, not `{}`",
            row.place, made.id, said.id
        ))),
        _ => Ok(said),
    }
}

fn all_as(doubtful: &[Doubtful], args: &SettleArgs) -> Result<Vec<(Doubtful, ByHand)>> {
    let text = args.verdict.as_deref().unwrap_or_default();
    let known: Vec<String> = doubtful
        .iter()
        .map(|row| row.place.row.to_string())
        .collect();
    for row in &args.rows {
        if doubtful.iter().all(|known| known.place.row != *row) {
            return Err(Error::usage(format!("row {row} is not in doubt")).hint(
                match known.is_empty() {
                    true => "no row of this run is".to_owned(),
                    false => format!("in doubt are {}", known.join(", ")),
                },
            ));
        }
    }
    let chosen: Vec<&Doubtful> = (doubtful.iter())
        .filter(|row| args.rows.is_empty() || args.rows.contains(&row.place.row))
        .collect();
    if chosen.len() > 1 && matches!(verdict(text), Ok(ByHand::Done(_))) {
        return Err(Error::usage("one ticket cannot be that of several rows")
            .hint("name the row with --row N, or fill in a file: -o settle.xlsx, then --decisions settle.xlsx"));
    }
    chosen
        .into_iter()
        .map(|row| Ok((row.clone(), said_of(row, text)?)))
        .collect()
}

/// Refuses a ticket that is said to be that of two rows, or that the ledger holds as that of another row.
async fn each_its_own(said: &[(Doubtful, ByHand)], ledger: &Ledger, run: &Run) -> Result<()> {
    let creates = said.iter().filter_map(|(row, by_hand)| match by_hand {
        ByHand::Done(ticket) | ByHand::Own(ticket) if row.step.name == CREATE => {
            Some((ticket.id.clone(), row))
        }
        _ => None,
    });
    let mut rows: HashMap<String, &Doubtful> = HashMap::new();
    for (id, row) in creates {
        if let Some(other) = rows.insert(id.clone(), row) {
            return Err(Error::usage(format!(
                "two rows name the ticket `{id}`: {} and {}",
                other.place, row.place
            ))
            .hint("each row made a ticket of its own, or none"));
        }
    }
    let holders = ledger.holders(run, rows.keys().cloned().collect()).await?;
    for (id, holder) in holders {
        let row = rows[&id];
        if holder.key() == Some(&row.key) {
            continue;
        }
        let whose = match holder.key() {
            Some(key) => format!("its key is `{key}`"),
            None => "it is a row of another scope".to_owned(),
        };
        return Err(
            Error::usage(format!("the ticket `{id}` is the ticket of another row"))
                .at(&row.place)
                .hint(whose),
        );
    }
    Ok(())
}

/// Looks in the system whether the tickets are there, and whether they are those of the rows.
async fn looked_up(
    said: Vec<(Doubtful, ByHand)>,
    run: &Run,
    state: &StateFolder,
    global: &Global,
) -> Result<Vec<(Doubtful, ByHand)>> {
    let typed = Typed::of(run.last(), global)?;
    let target = typed.target()?;
    let connected = typed::connect(run.last(), &typed, &target, state)
        .await
        .map_err(|error| error.hint("--unchecked settles without looking the tickets up"))?;
    let limiter = Limiter::new(typed.args.rate.or_else(|| target.rate()));
    let system = Arc::clone(&connected.system);
    let mut checked = Vec::with_capacity(said.len());
    let mut failed = None;
    for (row, by_hand) in said {
        let by_hand = match by_hand {
            ByHand::Done(ticket) => match look_up(system.as_ref(), &limiter, &row, &ticket).await {
                Ok((ticket, true)) => ByHand::Own(ticket),
                Ok((ticket, false)) => ByHand::Done(ticket),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            },
            other => other,
        };
        checked.push((row, by_hand));
    }
    drop(system);
    connected.close().await?;
    failed.map_or(Ok(checked), Err)
}

/// The ticket, and whether it bears the reference of the row.
async fn look_up(
    system: &dyn System,
    limiter: &Limiter,
    row: &Doubtful,
    ticket: &Ticket,
) -> Result<(Ticket, bool)> {
    let id = &ticket.id;
    if row.acts {
        let found = system.find_ticket(id, limiter).await?;
        let none = || Error::usage(format!("the system has no ticket `{id}`")).at(&row.place);
        return Ok((found.ok_or_else(none)?, false));
    }
    let found = match system.read_ticket(id, limiter).await? {
        Reading::Found(listed) => Ok(listed),
        Reading::Absent => Err(format!("the system has no ticket with the id `{id}`")),
        Reading::Another(what) => Err(what),
        Reading::Unclear(what) => Err(format!("the ticket `{id}` could not be read: {what}")),
    };
    let listed = found.map_err(|why| {
        Error::usage(why)
            .at(&row.place)
            .hint("the id is in the ticket's address, which `deskferry runs receipts` shows beside each row; it is not the ticket's number")
    })?;
    let refs = reference_in(&listed, field_of(&row.group));
    match (refs.own(), &row.reference) {
        (Some(found), Some(wanted)) if !refs.is(wanted) => Err(Error::usage(format!(
            "the ticket `{}` is that of another row: it bears the reference `{found}`",
            ticket.id
        ))
        .at(&row.place)
        .hint(format!("the ticket of this row would bear `{wanted}`"))),
        (own, wanted) => Ok((listed.ticket, own.is_some() && wanted.is_some())),
    }
}
