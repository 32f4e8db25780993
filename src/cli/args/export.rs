//! `deskferry export`: what was typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Desk;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::export::file::Partition;

/// `deskferry export`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example:\n  deskferry export -o tickets.xlsx --period last-week --profile sandbox:incidentiq"
)]
pub(in crate::cli) struct ExportArgs {
    /// The file: .xlsx, .html, .csv or .jsonl; `-` streams JSON lines to standard output
    #[arg(long, short, value_name = "FILE", required_unless_present_any = ["fields", "count"])]
    pub output: Option<PathBuf>,
    /// Only tickets where the field has one of these values: FIELD=VALUE,VALUE (repeatable: all must hold)
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    pub filters: Vec<String>,
    /// List the fields that --filter knows
    #[arg(long)]
    pub fields: bool,
    /// Print how many tickets there are by these fields instead of writing a file: status, priority, requester, assignee,
    /// team, location, issue, tag, device, custom.NAME, or day, week, month, year, weekday, hour of creation
    #[arg(long, value_name = "FIELDS", conflicts_with_all = ["output", "include", "columns", "partition_by", "drop_columns", "carry_from", "raw", "write_mapping", "sheets"])]
    pub count: Option<String>,
    /// Only tickets that contain all these words
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// Only tickets of these whole days: today, yesterday, this-week, last-week, last-month, last-quarter, school-year, 7d, 2024-06-01..2024-06-30
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// By which of its times a ticket is in the period
    #[arg(long, value_enum, default_value_t = By::Created, requires = "period")]
    pub by: By,
    /// What is read besides the tickets
    #[arg(long, value_enum, value_name = "WHAT")]
    pub include: Vec<Include>,
    /// Keep all tickets of the tenant here, and read only what has changed since the last time
    #[arg(long)]
    pub incremental: bool,
    /// The columns, in a file of their own; see docs/export.md
    #[arg(long, value_name = "FILE")]
    pub columns: Option<PathBuf>,
    /// A sheet (.xlsx) or file (.csv) each: month, year, location, team, assignee, state, priority or category
    #[arg(long, value_name = "BY", value_parser = partition)]
    pub partition_by: Option<Partition>,
    /// Lose the columns that people added to the file that is written over
    #[arg(long, conflicts_with = "carry_from")]
    pub drop_columns: bool,
    /// Take the columns that people added from another file too, such as that of last week
    #[arg(long, value_name = "OLD")]
    pub carry_from: Option<PathBuf>,
    /// Keep a copy of what is written with the day in its name in this folder too
    #[arg(long, value_name = "FOLDER")]
    pub archive: Option<PathBuf>,
    /// Write a CSV whose texts a spreadsheet program may run
    #[arg(long)]
    pub raw: bool,
    /// Write the mapping with which `import` brings edited cells back into the tickets
    #[arg(long, value_name = "FILE")]
    pub write_mapping: Option<PathBuf>,
    /// The analyses of a workbook or page, with commas between them: summary, volume, backlog, resolution, teams, sla,
    /// locations, issues, devices, requesters, response, all or none; weekly or monthly for the report of a period
    /// [default: summary]
    #[arg(long, value_name = "NAMES")]
    pub sheets: Option<String>,
    /// How many seconds a file that is open in a spreadsheet program is waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u64,
    /// Where from.
    #[command(flatten)]
    pub desk: Desk,
}

/// A time of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum By {
    /// When it was made
    Created,
    /// When it was changed last
    Updated,
    /// When it was closed
    Closed,
}

/// What is read besides the tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Include {
    /// What was said on them
    Comments,
}

fn partition(word: &str) -> Result<Partition, String> {
    let words = Partition::WORDS.map(|(word, _)| word);
    let found = Partition::WORDS.into_iter().find(|(one, _)| *one == word);
    found.map(|(_, partition)| partition).ok_or_else(|| {
        did_you_mean(&nearest(word, words))
            .unwrap_or_else(|| format!("one of {}", words.join(", ")))
    })
}
