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
    let open = Open::at(&args.desk, Purpose::Read, global, output).await?;
    let got = async {
        let Some(mut ticket) = open.system().ticket(&args.ticket, &open.limiter).await? else {
            return Err(open.no_ticket(&args.ticket));
        };
        ticket.fill_names(&open.directory);
        match output.is_json() {
            true => output.data(&serde_json::json!(ticket).to_string()),
            false => output.data(card::card(&ticket, &open.zone()).trim_end()),
        }
    }
    .await;
    open.close().await?;
    got.map(|()| ExitCode::Done)
}

impl Open {
    fn no_ticket(&self, name: &str) -> Error {
        Error::new(ErrorKind::Usage, format!("there is no ticket `{name}`")).hint(format!(
            "give its id or its number; `deskferry ticket search --text WORDS {}` looks for it",
            self.flags()
        ))
    }
}
