//! `deskferry export`: what was typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Desk;

/// `deskferry export`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  deskferry export -o tickets.jsonl --period last-week --system incidentiq --sandbox"
)]
pub(in crate::cli) struct ExportArgs {
    /// The file: .jsonl; `-` streams JSON lines to standard output
    #[arg(long, short, value_name = "FILE", required_unless_present = "fields")]
    pub output: Option<PathBuf>,
    /// Only tickets of which a field has one of these values: FIELD=VALUE,VALUE (repeatable: all must hold)
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    pub filters: Vec<String>,
    /// List the fields that --filter knows
    #[arg(long)]
    pub fields: bool,
    /// Only tickets in which all these words stand
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// Only tickets of these whole days: yesterday, last-week, last-month, 7d, 2024-06-01..2024-06-30
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
