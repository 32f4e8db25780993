//! `deskferry ticket create|update|assign|…`: one ticket by hand, made as a mapping makes it.

use std::sync::Arc;

use super::send::Sending;
use super::{Open, Purpose, common_fields, reply};
use crate::cli::args::{Global, WriteArgs};
use crate::cli::confirm::{About, by_call, confirm};
use crate::cli::output::Output;
use crate::error::{Error, ExitCode, Result};
use crate::mapping::{ByHand, PlanOptions, by_hand, by_hand_differences};
use crate::systems::diff::Diff;
use crate::systems::fields::called;
use crate::systems::{self, Operation, Schema, StepPayload, Ticket};

pub(super) async fn run(
    operation: Operation,
    ticket: Option<String>,
    args: WriteArgs,
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    let mut open = Open::at(&args.desk, Purpose::Write, global, output).await?;
    let ended = async {
        can_compare(operation, &args)?;
        let typed = (operation, &ticket, &args);
        let steps = open.make(|open| Write::of(typed, open, output).compose());
        let steps = steps.await?;
        Write::of(typed, &open, output).run(steps).await
    }
    .await;
    open.close().await?;
    ended
}

/// Refuses `--diff` where there is nothing to compare.
fn can_compare(operation: Operation, args: &WriteArgs) -> Result<()> {
    let sets = matches!(
        operation,
        Operation::Update | Operation::Assign | Operation::SetStatus
    );
    match (args.diff, args.dry_run) {
        (false, _) => Ok(()),
        (true, false) => Err(Error::usage("`--diff` goes with `--dry-run`").hint(
            "add --dry-run: it reads the ticket and shows what would change, and sends nothing",
        )),
        (true, true) if !sets => Err(Error::usage(
            "`--diff` compares fields, and this changes none of a ticket that is there",
        )
        .hint("it is for update, assign and set-status: leave it out")),
        (true, true) => Ok(()),
    }
}

struct Write<'a> {
    operation: Operation,
    name: &'a Option<String>,
    args: &'a WriteArgs,
    open: &'a Open,
    output: Output,
}

impl<'a> Write<'a> {
    fn of(
        (operation, name, args): (Operation, &'a Option<String>, &'a WriteArgs),
        open: &'a Open,
        output: Output,
    ) -> Self {
        Self {
            operation,
            name,
            args,
            open,
            output,
        }
    }

    async fn run(&self, steps: Vec<StepPayload>) -> Result<ExitCode> {
        let schema = self.schema()?;
        // What is wrong with the fields is told before the network is asked about the ticket.
        let ticket = self.ticket().await?;
        if let (true, Some(ticket)) = (self.args.diff, &ticket) {
            let diff = self.differences(&schema, &steps, ticket).await?;
            return reply::compared(self.operation, &diff, self.output);
        }
        if self.args.dry_run {
            return reply::rehearsed(self.operation, ticket.as_ref(), &steps, self.output);
        }
        self.confirm(&steps)?;
        let (commit, visible) = self.open.target.surprise(self.open.system());
        let tell = |text: &str| self.output.say(&format!("  in doubt   {text}"));
        let sending = Sending {
            system: self.open.system(),
            limiter: &self.open.limiter,
            surprise: commit + visible,
            tell: &tell,
        };
        let sent = sending.all(&steps, ticket).await?;
        let title = self.title(schema.as_ref());
        reply::report(
            &sent,
            self.operation,
            title.as_deref(),
            self.open,
            self.output,
        )
    }

    async fn differences(
        &self,
        schema: &Arc<dyn Schema>,
        steps: &[StepPayload],
        ticket: &Ticket,
    ) -> Result<Diff> {
        let system = self.open.system();
        let read = system.ticket_fields(&ticket.id, &self.open.limiter).await?;
        let read = read.ok_or_else(|| self.open.no_ticket(&ticket.id))?;
        let values = self.values(schema.as_ref())?;
        let wanted = self.wanted(&values);
        let directory = Arc::clone(self.open.directory());
        let (schema, options) = (Arc::clone(schema), self.options());
        let fields = by_hand_differences(&wanted, schema, directory, &options, (steps, read))
            .map_err(|faults| reply::wrong(&faults, self.operation, self.open))?;
        Ok(Diff {
            ticket: ticket.clone(),
            fields,
            then: Vec::new(),
        })
    }

    fn wanted<'v>(&self, values: &'v [(String, String)]) -> ByHand<'v> {
        ByHand {
            operation: self.operation,
            values,
            notify: self.args.notify,
        }
    }

    fn options(&self) -> PlanOptions {
        PlanOptions {
            zone: Some(self.open.zone()),
            ..PlanOptions::default()
        }
    }

    fn values(&self, schema: &dyn Schema) -> Result<Vec<(String, String)>> {
        let table = schema.fields(self.operation).map_err(Error::usage)?;
        common_fields::values(self.args, self.operation, schema.system(), table)
    }

    fn schema(&self) -> Result<Arc<dyn Schema>> {
        systems::schema_for(self.open.directory().snapshot()).map(Arc::from)
    }

    fn compose(&self) -> Result<Vec<StepPayload>> {
        let schema = self.schema()?;
        let values = self.values(schema.as_ref())?;
        let (wanted, options) = (self.wanted(&values), self.options());
        let directory = Arc::clone(self.open.directory());
        let steps = by_hand(&wanted, Arc::clone(&schema), directory, &options)
            .map_err(|faults| reply::wrong(&faults, self.operation, self.open))?;
        if steps.is_empty() {
            return Err(Error::usage("there is nothing to do: no field has a value")
                .hint("give one with --set FIELD=VALUE")
                .hint(common_fields::listing(self.operation, schema.system())));
        }
        Ok(steps)
    }

    /// What the ticket is to be called, by which it can be looked for.
    fn title(&self, schema: &dyn Schema) -> Option<String> {
        let table = schema.fields(self.operation).ok()?;
        let field = table
            .fields
            .iter()
            .find(|field| field.called == called::TITLE)?;
        let values = self.values(schema).ok()?;
        values
            .into_iter()
            .find_map(|(name, value)| (name == field.name).then_some(value))
    }

    async fn ticket(&self) -> Result<Option<Ticket>> {
        let Some(name) = &self.name else {
            return Ok(None);
        };
        let found = self
            .open
            .system()
            .find_ticket(name, &self.open.limiter)
            .await?;
        found.map(Some).ok_or_else(|| self.open.no_ticket(name))
    }

    fn confirm(&self, steps: &[StepPayload]) -> Result<()> {
        let target = &self.open.target;
        if !target.is_live(self.open.system()) {
            return Ok(());
        }
        let tickets = match &self.name {
            Some(name) => format!("ticket {name}"),
            None => "one ticket".to_owned(),
        };
        let about = About {
            operation: self.operation,
            tickets,
            requests: Some(steps.len() as f64),
            steps: by_call(steps.iter().map(|step| &*step.step), 1),
            notify: "--notify is given",
            undo: match self.operation {
                Operation::Create => "`deskferry ticket delete`, or `deskferry ticket close`",
                _ => "nothing undoes this by itself",
            },
        };
        let about = about.say(target, &self.open.connected, &self.open.limiter);
        confirm(target.name(), &about, self.args.confirm.as_deref())
    }
}
