//! `deskferry ticket`: one ticket at a time, in the same words on every system.

mod card;
mod common_fields;
mod find;
mod reply;
mod send;
mod write;

use super::args::{GetArgs, Global, TicketCommand};
use super::open::{Open, Purpose};
use super::output::Output;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::systems::Operation;

pub(super) use send::{End, Sending, Sent};

pub(super) async fn run(
    command: TicketCommand,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    match command {
        TicketCommand::Get(args) => get(args, global, *output).await,
        TicketCommand::Search(args) => find::run(*args, global, *output).await,
        TicketCommand::Create(args) => {
            write::run(Operation::Create, None, args.write, global, *output).await
        }
        TicketCommand::Update(args) => act(Operation::Update, *args, global, output).await,
        TicketCommand::Assign(args) => act(Operation::Assign, *args, global, output).await,
        TicketCommand::SetStatus(args) => act(Operation::SetStatus, *args, global, output).await,
        TicketCommand::Comment(args) => act(Operation::Comment, *args, global, output).await,
        TicketCommand::Close(args) => act(Operation::Close, *args, global, output).await,
        TicketCommand::Delete(args) => act(Operation::Delete, *args, global, output).await,
        TicketCommand::Subtask(args) => act(Operation::Subtask, *args, global, output).await,
    }
}

async fn act(
    operation: Operation,
    args: super::args::ActArgs,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    write::run(operation, Some(args.ticket), args.write, global, *output).await
}

async fn get(args: GetArgs, global: &Global, output: Output) -> Result<ExitCode> {
    let mut open = Open::at(&args.desk, Purpose::Read, global, output).await?;
    let got = async {
        known_parts(&open, &args.include)?;
        let Some(ticket) = open.system().ticket(&args.ticket, &open.limiter).await? else {
            return Err(open.no_ticket(&args.ticket));
        };
        let named = open.make(|open| {
            let mut ticket = ticket.clone();
            ticket.fill_names(open.directory());
            Ok(ticket)
        });
        let ticket = named.await?;
        let mut parts = serde_json::Map::new();
        for part in &args.include {
            let rows = open.system().part(&ticket.id, part, &open.limiter).await?;
            parts.insert(part.clone(), rows.into());
        }
        if output.is_json() {
            let mut all = serde_json::json!(ticket);
            if !parts.is_empty() {
                all["parts"] = parts.into();
            }
            return output.data(&all.to_string());
        }
        let mut card = card::card(&ticket, &open.zone());
        for (part, rows) in &parts {
            card.push_str(&card::part(part, rows));
        }
        output.data(card.trim_end())
    }
    .await;
    open.close().await?;
    got.map(|()| ExitCode::Done)
}

/// What is asked for is told to be unknown before anything is read.
fn known_parts(open: &Open, wanted: &[String]) -> Result<()> {
    let known = open.system().schema().parts();
    let is_unknown = |part: &&String| !known.contains(&part.as_str());
    let Some(unknown) = wanted.iter().find(is_unknown) else {
        return Ok(());
    };
    let system = open.system().schema().system();
    let error =
        Error::usage(format!("`{system}` shows no `{unknown}` of a ticket")).at("--include");
    Err(match known {
        [] => error.hint("all that it tells is in the ticket itself: leave --include out"),
        known => error.hint(format!("it shows: {}", known.join(", "))),
    })
}

impl Open {
    fn no_ticket(&self, name: &str) -> Error {
        Error::new(ErrorKind::Usage, format!("there is no ticket `{name}`")).hint(format!(
            "give its id or its number; `deskferry ticket search --search WORDS {}` looks for it",
            self.flags()
        ))
    }
}
