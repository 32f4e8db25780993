//! `deskferry export --count`: tickets counted in the terminal, without a file.

use serde_json::json;

use super::{DeskRead, each, table};
use crate::cli::args::{ExportArgs, Global};
use crate::cli::interrupt::Interrupts;
use crate::cli::open::Open;
use crate::cli::output::Output;
use crate::config::StateFolder;
use crate::error::{ExitCode, Result};
use crate::export::columns::{ask_for, ask_for_all};
use crate::export::count::{By, Counts};
use crate::export::reading::Order;
use crate::export::replica::{Parts, Selection};

/// The fields to count by; asks the directory for what names their groups.
fn by(fields: &str, open: &Open) -> Result<Vec<By>> {
    let directory = open.directory();
    let by = match By::parse(fields, &[]) {
        Ok(by) => by,
        Err(_) => By::parse(fields, directory.custom_fields())?,
    };
    if by.iter().any(By::is_custom) {
        ask_for_all(directory);
    }
    let columns = by.iter().filter_map(By::column);
    columns.for_each(|column| ask_for(column, directory));
    Ok(by)
}

/// A table of a terminal whose width nobody tells.
const USUAL: usize = 100;

pub(super) async fn run(
    args: &ExportArgs,
    fields: &str,
    open: &mut Open,
    (global, state): (&Global, &StateFolder),
    output: Output,
) -> Result<ExitCode> {
    let (by, query) = open
        .make(|open| {
            if args.search.is_some() {
                // Words are looked for in names too.
                ask_for_all(open.directory());
            }
            Ok((by(fields, open)?, super::query(args, open)?))
        })
        .await?;
    let order = Order {
        query: match args.incremental {
            true => super::everything(),
            false => query.clone(),
        },
        with_comments: false,
        is_lasting: args.incremental,
    };
    let interrupts = Interrupts::listen(&global.force)?;
    let desk = DeskRead::new(
        (args.incremental, args.desk.refresh),
        &order,
        open,
        state,
        &interrupts,
        output,
    )
    .await?;
    let open = &*open;
    let mut counts = Counts::new(by, open.calendar());
    let stop = interrupts.stop();
    tokio::task::block_in_place(|| {
        let selection = Selection {
            query: args.incremental.then_some(&query),
            parts: Parts {
                comments: false,
                not_shown: false,
                other: false,
            },
            directory: open.directory(),
        };
        let replica = desk.replica();
        let words = super::words(args, open);
        each(&replica, selection, words, &stop, &mut |ticket| {
            counts.add(ticket);
            Ok(())
        })
    })?;
    let mut notes: Vec<String> = desk.read.notes.clone();
    notes.extend(
        desk.empty_period(args, &query, counts.tickets(), open)
            .await?,
    );
    let doubts = desk.read.doubts.clone();
    desk.done()?;
    match output.is_json() {
        true => {
            let mut document = counts.document();
            document["system"] = json!(open.system().schema().system());
            document["tenant"] = json!(open.system().account().tenant);
            document["asked"] = json!(table::asked(args));
            document["complete"] = json!(doubts.is_empty());
            document["doubts"] = json!(doubts);
            document["notes"] = json!(notes);
            output.data(&document.to_string())?;
        }
        false => {
            let terminal = console::Term::stdout().size_checked();
            let width = terminal.map_or(USUAL, |(_, columns)| usize::from(columns));
            if counts.tickets() > 0 {
                output.data(&counts.table(width))?;
            } else {
                output.data("no tickets")?;
            }
            notes
                .iter()
                .for_each(|note| output.say(&format!("  note       {note}")));
        }
    }
    Ok(super::told::doubtful(
        &doubts,
        "the counts may lack tickets",
        output,
    ))
}
