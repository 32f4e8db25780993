//! `deskferry ticket`: one ticket at a time, in the same words on every system.

mod card;
mod common_fields;
mod find;
mod reply;
mod send;
mod write;

use std::sync::Arc;

use super::args::{Desk, GetArgs, Global, TicketCommand};
use super::connect::{Connected, Target};
use super::directory::named_system;
use super::output::Output;
use super::reference;
use crate::config::StateFolder;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::run::Limiter;
use crate::systems::{Operation, System};

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
    let open = Open::at(&args.desk, Purpose::Read, global, output).await?;
    let got = async {
        known_parts(&open, &args.include)?;
        let Some(mut ticket) = open.system().ticket(&args.ticket, &open.limiter).await? else {
            return Err(open.no_ticket(&args.ticket));
        };
        ticket.fill_names(&open.directory);
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

/// What a connection is for: only what reads takes its profile from the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    Write,
}

/// A connection to one system with its directory.
struct Open {
    target: Target,
    connected: Connected,
    limiter: Limiter,
    directory: Arc<Directory>,
}

impl Open {
    async fn at(desk: &Desk, purpose: Purpose, global: &Global, output: Output) -> Result<Self> {
        let target = Target::choose(&desk.target, &[], purpose == Purpose::Read, global)?;
        let named = desk.system.as_deref().map(named_system).transpose()?;
        let system = target.the_system(named)?;
        let state = StateFolder::open(global.state.as_deref())?;
        let connected = Connected::open(
            &target,
            system,
            desk.target.insecure_http,
            target.concurrency(),
            &state,
        )
        .await?;
        let limiter = match target.rate() {
            Some(rate) => Limiter::new(Some(rate)),
            None => Limiter::searching(state.found_rate(target.name())),
        };
        let system = connected.system.as_ref();
        match reference::of(system, &limiter, &state, desk.refresh, output).await {
            Ok(directory) => Ok(Self {
                target,
                connected,
                limiter,
                directory,
            }),
            Err(error) => {
                connected.close().await?;
                Err(error)
            }
        }
    }

    fn system(&self) -> &dyn System {
        self.connected.system.as_ref()
    }

    /// The zone in which times are shown to people and dates are read.
    fn zone(&self) -> jiff::tz::TimeZone {
        let own = self.target.timezone();
        own.unwrap_or_else(jiff::tz::TimeZone::system)
    }

    /// The flags by which a printed command goes to the same place.
    fn flags(&self) -> String {
        let mut words = self.target.flags();
        if self.target.system().is_none() {
            let system = self.system().schema().system();
            words.splice(0..0, ["--system".to_owned(), system.to_string()]);
        }
        words.join(" ")
    }

    fn no_ticket(&self, name: &str) -> Error {
        Error::new(ErrorKind::Usage, format!("there is no ticket `{name}`")).hint(format!(
            "give its id or its number; `deskferry ticket search --text WORDS {}` looks for it",
            self.flags()
        ))
    }

    async fn close(self) -> Result<()> {
        self.connected.close().await
    }
}
