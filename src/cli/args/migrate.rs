//! `deskferry migrate`: what was typed.

use std::path::PathBuf;

use clap::Args;

use super::{FILES, ImportArgs, LOOK, PACE, ReadAs, Where, max_errors};
use crate::cli::args::By;
use crate::config::parse_rate;
use crate::run::{Hours, MaxErrors};

const TICKETS: &str = "Which tickets";

/// `deskferry migrate`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example:\n  deskferry migrate --from sandbox:incidentiq --to sandbox:clearfeed --mapping mappings/incidentiq-to-clearfeed.toml"
)]
pub(in crate::cli) struct MigrateArgs {
    /// The profile of the desk that is read
    #[arg(long, value_name = "PROFILE")]
    pub from: String,
    /// The profile of the desk that is written to
    #[arg(long, value_name = "PROFILE")]
    pub to: String,
    /// The mapping file: what a ticket of the source becomes; see docs/migrating.md
    #[arg(long, short, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Only tickets where the field has one of these values: FIELD=VALUE,VALUE (repeatable: all must hold)
    #[arg(long = "filter", value_name = "FIELD=VALUE", help_heading = TICKETS)]
    pub filters: Vec<String>,
    /// Only tickets of these whole days: last-month, school-year, 7d, 2024-06-01..2024-06-30
    #[arg(long, value_name = "PERIOD", help_heading = TICKETS)]
    pub period: Option<String>,
    /// By which of its times a ticket is in the period
    #[arg(long, value_enum, default_value_t = By::Created, requires = "period", help_heading = TICKETS)]
    pub by: By,
    /// Only tickets for which this holds, besides the mapping's own `where`
    #[arg(long = "where", value_name = "EXPR", help_heading = TICKETS)]
    pub condition: Option<String>,
    /// Only a sample of so many tickets: the oldest, the newest, the longest, and one of every status, priority, issue or
    /// collection, location and team
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000), help_heading = TICKETS)]
    pub sample: Option<u64>,
    /// Do everything but the sending
    #[arg(long, help_heading = LOOK)]
    pub dry_run: bool,
    /// With --dry-run, write what each ticket would become beside it: .xlsx or .html for people, .jsonl for the requests
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = LOOK)]
    pub preview: Option<PathBuf>,
    /// So many payloads of a dry run are shown beside their tickets
    #[arg(long, value_name = "N", requires = "dry_run", hide = true)]
    pub show: Option<usize>,
    /// Read the tickets that a dry run would change, and show what they hold now and what they would hold
    #[arg(long, help_heading = LOOK)]
    pub diff: bool,
    /// Write every request that a dry run would send, as JSON lines
    #[arg(long, value_name = "FILE", requires = "dry_run", hide = true)]
    pub payloads: Option<PathBuf>,
    /// Write each ticket as it was read, with the new ticket's number, link, outcome and time
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", help_heading = FILES)]
    pub receipts: Option<PathBuf>,
    /// Write a report of the pass as a page (.html): counts, causes, the rate over time, waits, rows in doubt
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", help_heading = FILES)]
    pub report: Option<PathBuf>,
    /// Write what became of each ticket as JSON lines
    #[arg(long, value_name = "FILE", hide = true)]
    pub outcomes: Option<PathBuf>,
    /// Send at most so many tickets that are not done yet
    #[arg(long, value_name = "N", help_heading = TICKETS)]
    pub limit: Option<u64>,
    /// Requests per second to the target, at most: 10/s, 600/min [default: the profile's]
    #[arg(long, value_name = "RATE", value_parser = parse_rate, help_heading = PACE)]
    pub rate: Option<f64>,
    /// Send only within these hours of the target's zone, and wait otherwise: 18:00-06:00
    #[arg(long, value_name = "FROM-UNTIL", help_heading = PACE)]
    pub hours: Option<Hours>,
    /// Requests under way at once [default: the profile's, else 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024), help_heading = PACE)]
    pub concurrency: Option<u64>,
    /// The error file [default: named after the profiles, in this folder]
    #[arg(long = "errors", alias = "errors-to", value_name = "FILE", help_heading = FILES)]
    pub errors: Option<PathBuf>,
    /// Stop after so many refusals in a row, or when this share is refused: 50, 20%
    #[arg(long, value_name = "N|P%", default_value = "50", value_parser = max_errors, help_heading = PACE)]
    pub max_errors: MaxErrors,
    /// Go on with a ledger that may be older than what was sent: a backup that was put back
    #[arg(long)]
    pub trust_ledger: bool,
    /// Read the source and both directories anew
    #[arg(long)]
    pub refresh: bool,
    /// Confirm the first write to a live profile without being asked: its name
    #[arg(long, value_name = "PROFILE")]
    pub confirm: Option<String>,
    /// Overwrite tickets that people have changed in the target since
    #[arg(long)]
    pub overwrite: bool,
    /// Leave a note on each old ticket, for the team only, with the number and link of the new one
    #[arg(long)]
    pub note_source: bool,
    /// Confirm the notes in a live source without being asked: the name of its profile
    #[arg(long, value_name = "PROFILE", requires = "note_source")]
    pub confirm_source: Option<String>,
    /// Let a token travel over plain http to another machine
    #[arg(long)]
    pub insecure_http: bool,
}

impl MigrateArgs {
    /// A connection of one of the two profiles.
    pub(in crate::cli) fn at(&self, profile: &str) -> Where {
        Where {
            profile: Some(profile.to_owned()),
            sandbox: None,
            insecure_http: self.insecure_http,
        }
    }

    /// The import of the notes on the old tickets.
    pub(in crate::cli) fn import_notes(&self, [rows, mapping]: [PathBuf; 2]) -> ImportArgs {
        ImportArgs {
            mapping,
            target: self.at(&self.from),
            preview: None,
            receipts: None,
            report: None,
            payloads: None,
            outcomes: None,
            limit: None,
            condition: None,
            rate: None,
            errors: None,
            confirm: Some(self.from.clone()),
            ..self.import(rows)
        }
    }

    /// The import of the tickets that were read.
    pub(in crate::cli) fn import(&self, spool: PathBuf) -> ImportArgs {
        ImportArgs {
            inputs: vec![spool],
            mapping: self.mapping.clone(),
            target: self.at(&self.to),
            dry_run: self.dry_run,
            preview: self.preview.clone(),
            receipts: self.receipts.clone(),
            report: self.report.clone(),
            show: self.show,
            diff: self.diff,
            payloads: self.payloads.clone(),
            outcomes: self.outcomes.clone(),
            limit: self.limit,
            rows: None,
            condition: self.condition.clone(),
            rate: self.rate,
            hours: self.hours,
            concurrency: self.concurrency,
            bulk: false,
            errors: self.errors.clone(),
            max_errors: self.max_errors,
            again: false,
            rekey: false,
            no_rekey: false,
            overwrite: self.overwrite,
            trust_ledger: self.trust_ledger,
            refresh: self.refresh,
            directory: None,
            confirm: self.confirm.clone(),
            faults: Vec::new(),
            seed: None,
            read_as: ReadAs::default(),
        }
    }
}
