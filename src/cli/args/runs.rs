//! `deskferry runs …`: what was typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Where;
use crate::config::parse_rate;

/// `deskferry runs …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunsCommand {
    /// All runs, the newest first
    #[command(after_help = "Example:\n  deskferry runs list")]
    List,
    /// One run: what it read, what came of it, how to go on
    #[command(after_help = "Example:\n  deskferry runs show last")]
    Show {
        /// Its code, such as 7KQ2, or `last`
        #[arg(default_value = "last")]
        run: String,
    },
    /// The rows of a run that were refused or are in doubt, with why
    #[command(after_help = "Example:\n  deskferry runs errors last")]
    Errors {
        /// Its code, or `last`
        #[arg(default_value = "last")]
        run: String,
    },
    /// Write a copy of the file that a run read, with ticket number, link, outcome and time beside each row
    #[command(after_help = "Example:\n  deskferry runs receipts last -o tickets.receipts.csv")]
    Receipts {
        /// Its code, such as 7KQ2, or `last`
        #[arg(default_value = "last")]
        run: String,
        /// The copy, in the format of the file; of several files a folder [default: named after the file, in this folder]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write a report of a run as a page: counts, causes, the rate over time, waits, rows in doubt
    #[command(after_help = "Example:\n  deskferry runs report last -o run.html")]
    Report {
        /// Its code, such as 7KQ2, or `last`
        #[arg(default_value = "last")]
        run: String,
        /// The page, .html [default: named after the run, in this folder]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The rows of a run with the tickets they made: file, row, key, id, number, link
    #[command(
        after_help = "Example:\n  deskferry runs ids last -o ids.csv",
        hide = true
    )]
    Ids {
        /// Its code, or `last`
        #[arg(default_value = "last")]
        run: String,
        /// Write them into this file [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run the rows of a run that failed once more, as they stand in the file now; refused ones too
    #[command(after_help = "Example:\n  deskferry runs retry last --dry-run")]
    Retry(RetryArgs),
    /// Decide rows in doubt that only a person can decide; without --as or --decisions: list them
    #[command(
        after_help = "Example:\n  deskferry runs settle last -o settle.xlsx\n\nFill in the yellow column `use` with done=ID, resend or skip, then:\n  deskferry runs settle last --decisions settle.xlsx"
    )]
    Settle(SettleArgs),
    /// Take back what a run made: delete it where the system can, else close it with a note
    #[command(
        after_help = "Example:\n  deskferry runs rollback last --dry-run\n\nTickets that somebody has changed since are kept and named."
    )]
    Rollback(RollbackArgs),
    /// Rebuild the ledger from the markers that tickets bear in the system
    #[command(
        after_help = "Example:\n  deskferry runs adopt samples/tickets.csv --mapping mappings/incidentiq-tickets.toml --sandbox"
    )]
    Adopt(AdoptArgs),
    /// Take the data of a run out of the state folder
    #[command(after_help = "Example:\n  deskferry runs purge last --keep ids")]
    Purge(PurgeArgs),
}

/// `deskferry runs retry`
#[derive(Debug, Args)]
pub(in crate::cli) struct RetryArgs {
    /// Its code, or `last`
    #[arg(default_value = "last")]
    pub run: String,
    /// Its error file, corrected [default: the rows as they stand in the file that the run read]
    pub file: Option<PathBuf>,
    /// Instead of what failed: set the fields that fell back to something else, where their names are known now
    #[arg(long, conflicts_with = "file")]
    pub fallbacks: bool,
    /// Do everything but the sending
    #[arg(long)]
    pub dry_run: bool,
    /// Confirm the first write to a live profile without being asked: its name
    #[arg(long, value_name = "PROFILE")]
    pub confirm: Option<String>,
}

/// `deskferry runs settle`
#[derive(Debug, Args)]
pub(in crate::cli) struct SettleArgs {
    /// Its code, or `last`
    #[arg(default_value = "last")]
    pub run: String,
    /// Only this row, as the spreadsheet program numbers it (repeatable)
    #[arg(long = "row", value_name = "N", conflicts_with = "decisions")]
    pub rows: Vec<u64>,
    /// Read your decisions from this file; -o writes it
    #[arg(long, alias = "from", value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// What they are: done=ID (the ticket is there), resend (it is not), skip (leave the row alone)
    #[arg(long = "as", value_name = "VERDICT")]
    pub verdict: Option<String>,
    /// Write the rows in doubt to this file (.xlsx or .csv); fill in its column `use`
    #[arg(long, short, alias = "to", value_name = "FILE", conflicts_with_all = ["decisions", "verdict"])]
    pub output: Option<PathBuf>,
    /// Do not look up in the system whether the ticket of done=ID is there
    #[arg(long)]
    pub unchecked: bool,
}

/// `deskferry runs rollback`
#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// Its code, or `last`
    #[arg(default_value = "last")]
    pub run: String,
    /// Only show what would be taken back and what would be kept
    #[arg(long)]
    pub dry_run: bool,
    /// Requests per second, at most: 10/s, 600/min [default: that of the run]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub rate: Option<f64>,
    /// Confirm it on a live profile without being asked: its name
    #[arg(long, value_name = "PROFILE")]
    pub confirm: Option<String>,
}

/// `deskferry runs adopt`
#[derive(Debug, Args)]
pub(in crate::cli) struct AdoptArgs {
    /// The files that the tickets were made from; without them only plain keys can be read from the markers, and
    /// what the rows held is not known
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The mapping that they were made with
    #[arg(long, short, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Where they are.
    #[command(flatten)]
    pub target: Where,
    /// Only tickets made since this day: 2024-09-01
    #[arg(long, value_name = "DATE")]
    pub since: Option<jiff::civil::Date>,
    /// Only say what would be learned
    #[arg(long)]
    pub dry_run: bool,
}

/// `deskferry runs purge`
#[derive(Debug, Args)]
pub(in crate::cli) struct PurgeArgs {
    /// Its code, or `last`
    #[arg(default_value = "last")]
    pub run: String,
    /// What stays: `ids` keeps keys and ticket ids, so that nothing is sent twice
    #[arg(long, value_enum, value_name = "ids")]
    pub keep: Option<Keep>,
    /// Confirm it without being asked where no ids are kept: the code of the run
    #[arg(long, value_name = "RUN")]
    pub confirm: Option<String>,
}

/// What `runs purge` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Keep {
    /// Keys and ticket ids
    Ids,
}
