//! What was typed. No I/O and no checking beyond the form: each command turns its arguments into settings.

mod doctor;
mod export;
mod migrate;
mod runs;
mod schedule;
mod shape;
mod ticket;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::end::Force;
use crate::config::parse_rate;
use crate::intake::Selection;
use crate::redact::Secrets;
use crate::run::{Hours, MaxErrors};

pub(super) use doctor::DoctorArgs;
pub(super) use export::{By, ExportArgs, Include};
pub(super) use migrate::MigrateArgs;
pub(super) use runs::{
    AdoptArgs, Keep, PurgeArgs, RetryArgs, RollbackArgs, RunsCommand, SettleArgs,
};
pub(super) use schedule::{AddArgs, InstallArgs, RunArgs, ScheduleCommand};
pub(super) use shape::{command, common_flags};
pub(super) use ticket::{ActArgs, Desk, GetArgs, SearchArgs, TicketCommand, WriteArgs};
pub(super) use verify::VerifyArgs;

/// Moves help-desk tickets in bulk: spreadsheets into IncidentIQ and ClearFeed.
#[derive(Debug, Parser)]
#[command(
    name = "deskferry",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Start here, without an account:\n  deskferry init samples/tickets.csv --profile sandbox:incidentiq-2 -o my-mapping.toml\n  deskferry import samples/tickets.csv --mapping my-mapping.toml --profile sandbox:incidentiq-2 --dry-run"
)]
pub(super) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "For every command")]
pub(super) struct Global {
    /// What to print on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// No bar, no summary: only errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more; twice: every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The form of the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// The folder of ledger, directory cache and sandbox data [default: your own state folder]
    #[arg(
        long,
        global = true,
        env = "DESKFERRY_STATE",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub state: Option<PathBuf>,
    /// The configuration file [default: deskferry.toml here, in a parent folder, or in your configuration folder]
    #[arg(
        long,
        global = true,
        env = "DESKFERRY_CONFIG",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// Trust the configuration that was found: what it runs, reads and sends to (once is enough until that changes); and
    /// the mapping with the files outside its folder
    #[arg(long, global = true)]
    pub trust: bool,
    /// Who may read the files that are written, in octal: 640 [default: only you; a file that is there keeps its rights]
    #[arg(long, global = true, value_name = "MODE", value_parser = crate::outfile::parse_mode)]
    pub mode: Option<u32>,
    /// Ends the program whatever the command is doing.
    #[arg(skip)]
    pub force: Force,
    /// The tokens that the command has read: nothing that it prints holds them.
    #[arg(skip)]
    pub secrets: Secrets,
}

/// What data looks like on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// One JSON document, or JSON lines for streams
    Json,
}

/// What the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people
    Text,
    /// A JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create tickets from a file; resumes by itself
    Import(Box<ImportArgs>),
    /// Check mapping files, and an input against them; sends nothing
    Validate(Box<ValidateArgs>),
    /// The form of mapping files and files of columns for editors, and the fields of a system
    #[command(
        subcommand,
        after_help = "Examples:\n  deskferry schema fields --system incidentiq\n  deskferry schema mapping -o deskferry-mapping.schema.json"
    )]
    Schema(SchemaCommand),
    /// Write a first mapping from the columns of a file
    Init(Box<InitArgs>),
    /// The system's reference data: fetch it, look at it, keep a snapshot
    #[command(
        subcommand,
        after_help = "Examples:\n  deskferry directory show --profile sandbox:incidentiq\n  deskferry directory search lincoln --profile sandbox:incidentiq"
    )]
    Directory(DirectoryCommand),
    /// Tickets into a file
    Export(Box<ExportArgs>),
    /// The tickets of one desk into another; run it again for what has changed since
    Migrate(Box<MigrateArgs>),
    /// Repeat an export: every monday, every hour, in this program or by this machine's scheduler
    #[command(
        subcommand,
        after_help = "Examples:\n  deskferry schedule add weekly --every monday --at 07:00 -- export -o tickets-{date}.xlsx --period last-week --profile sandbox:incidentiq\n  deskferry schedule list\n  deskferry schedule run weekly --once"
    )]
    Schedule(ScheduleCommand),
    /// What happened, run by run
    #[command(
        subcommand,
        after_help = "Examples:\n  deskferry runs list\n  deskferry runs show last\n  deskferry runs receipts last -o tickets.receipts.csv\n  deskferry runs retry last --dry-run"
    )]
    Runs(RunsCommand),
    /// Read the tickets of a run back and compare them with the input and the mapping: did everything arrive?
    Verify(Box<VerifyArgs>),
    /// The state folder: whether what the ledger keeps is as it was written
    #[command(subcommand, after_help = "Examples:\n  deskferry state check")]
    State(StateCommand),
    /// One ticket at a time: look at it, look for it, write to it
    #[command(
        subcommand,
        after_help = "Examples:\n  deskferry ticket search --filter state=open --limit 20 --profile sandbox:incidentiq\n  deskferry ticket get 10060 --profile sandbox:incidentiq\n  deskferry ticket comment 10060 --body \"On my way\" --public --profile sandbox:incidentiq"
    )]
    Ticket(TicketCommand),
    /// Is everything as it should be between here and the system, and what to do where it is not
    Doctor(Box<DoctorArgs>),
    /// The emulator of both systems, on its own
    Sandbox(SandboxArgs),
    /// Completions for a shell
    #[command(after_help = "Example:\n  deskferry completions bash -o deskferry.bash")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
        /// Write them into this file: where a shell writes it (`>` of PowerShell), signs may change
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The manual page, or a page a command
    #[command(after_help = "Example:\n  deskferry man -o man")]
    Man(ManArgs),
}

/// `deskferry state …`
#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// Read the whole ledger and list what is damaged
    #[command(after_help = "Example:\n  deskferry state check")]
    Check,
}

/// `deskferry man`
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write a page for every command into this folder
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Which system a command speaks to.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Where {
    /// The profile of deskferry.toml
    #[arg(long, value_name = "NAME", conflicts_with = "sandbox")]
    pub profile: Option<String>,
    /// The embedded sandbox; `--sandbox=empty` deletes what earlier commands left there
    #[arg(long, value_name = "empty", num_args = 0..=1, require_equals = true, default_missing_value = "kept")]
    pub sandbox: Option<SandboxState>,
    /// Let a token travel over plain http to another machine
    #[arg(long)]
    pub insecure_http: bool,
}

/// What the embedded sandbox starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SandboxState {
    /// What earlier commands left
    Kept,
    /// Nothing
    Empty,
}

/// `deskferry import`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  deskferry import samples/tickets.csv --mapping mappings/incidentiq-tickets.toml --sandbox"
)]
pub(super) struct ImportArgs {
    /// The files: CSV, XLSX, XLS, ODS, JSON lines or JSON, each also gzipped; `-` is standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The mapping file: how a row becomes a ticket
    #[arg(long, short, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Where to.
    #[command(flatten)]
    pub target: Where,
    /// Do everything but the sending
    #[arg(long, help_heading = LOOK)]
    pub dry_run: bool,
    /// With --dry-run, write what each row would become beside the row: .xlsx or .html for people, .jsonl for the requests
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = LOOK)]
    pub preview: Option<PathBuf>,
    /// So many payloads of a dry run are shown beside their rows
    #[arg(long, value_name = "N", requires = "dry_run", hide = true)]
    pub show: Option<usize>,
    /// Show how a dry run would change every ticket, not only the first ten
    #[arg(long, help_heading = LOOK)]
    pub diff: bool,
    /// Write every request that a dry run would send, as JSON lines
    #[arg(long, value_name = "FILE", requires = "dry_run", hide = true)]
    pub payloads: Option<PathBuf>,
    /// Write a copy of your file with ticket number, link, outcome and time beside each row: tickets.receipts.xlsx
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", help_heading = FILES)]
    pub receipts: Option<PathBuf>,
    /// Write a report of the run as a page (.html): counts, causes, the rate over time, waits, rows in doubt
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", help_heading = FILES)]
    pub report: Option<PathBuf>,
    /// Write what became of each record, row by row, as JSON lines
    #[arg(long, value_name = "FILE", hide = true)]
    pub outcomes: Option<PathBuf>,
    /// Send at most so many rows that are not done yet
    #[arg(long, value_name = "N", help_heading = ROWS)]
    pub limit: Option<u64>,
    /// Only these rows, as the spreadsheet program numbers them: 10-20,31
    #[arg(long, value_name = "ROWS", help_heading = ROWS)]
    pub rows: Option<Selection>,
    /// Only rows for which this holds, besides the mapping's own `where`
    #[arg(long = "where", value_name = "EXPR", help_heading = ROWS)]
    pub condition: Option<String>,
    /// Requests per second, at most: 10/s, 600/min [default: the profile's]
    #[arg(long, value_name = "RATE", value_parser = parse_rate, help_heading = PACE)]
    pub rate: Option<f64>,
    /// Send only within these hours of the system's zone, and wait otherwise: 18:00-06:00
    #[arg(long, value_name = "FROM-UNTIL", help_heading = PACE)]
    pub hours: Option<Hours>,
    /// Requests under way at once [default: the profile's, else 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024), help_heading = PACE)]
    pub concurrency: Option<u64>,
    /// Set the same on many tickets by one request where the system has it, and read the tickets back
    #[arg(long, help_heading = PACE)]
    pub bulk: bool,
    /// The error file [default: named after the input, in this folder]
    #[arg(long = "errors", alias = "errors-to", value_name = "FILE", help_heading = FILES)]
    pub errors: Option<PathBuf>,
    /// Stop after so many refusals in a row, or when this share is refused: 50, 20%
    #[arg(long, value_name = "N|P%", default_value = "50", value_parser = max_errors, help_heading = PACE)]
    pub max_errors: MaxErrors,
    /// Send rows that are done once more, after saying which tickets that doubles
    #[arg(long, help_heading = ROWS)]
    pub again: bool,
    /// Give rows that are done the keys that the mapping makes now, after its `key` was changed
    #[arg(long, help_heading = ROWS)]
    pub rekey: bool,
    /// Treat rows that equal done ones but have other keys as new tickets
    #[arg(long, conflicts_with = "rekey", help_heading = ROWS)]
    pub no_rekey: bool,
    /// Of an exported file that comes back: send what was changed in the desk since, too
    #[arg(long, help_heading = ROWS)]
    pub overwrite: bool,
    /// Go on with a ledger that may be older than what was sent: a backup that was put back
    #[arg(long)]
    pub trust_ledger: bool,
    /// Fetch the directory anew
    #[arg(long)]
    pub refresh: bool,
    /// Take the directory from this snapshot; a dry run then needs no network
    #[arg(long, value_name = "SNAPSHOT")]
    pub directory: Option<PathBuf>,
    /// Confirm the first write to a live profile without being asked: its name
    #[arg(long, value_name = "PROFILE")]
    pub confirm: Option<String>,
    /// With --sandbox, a fault to inject: NAME=VALUE (repeatable), see docs/sandbox.md
    #[arg(
        long = "fault",
        value_name = "NAME=VALUE",
        requires = "sandbox",
        help_heading = "Faults of the sandbox"
    )]
    pub faults: Vec<String>,
    /// The seed of the faults
    #[arg(
        long,
        value_name = "N",
        requires = "faults",
        help_heading = "Faults of the sandbox"
    )]
    pub seed: Option<u64>,
    /// How the input is read.
    #[command(flatten)]
    pub read_as: ReadAs,
}

/// `deskferry validate`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  deskferry validate mappings/incidentiq-tickets.toml --input samples/tickets.csv --sandbox"
)]
pub(super) struct ValidateArgs {
    /// The mapping files
    #[arg(required = true, value_name = "MAPPING")]
    pub mappings: Vec<PathBuf>,
    /// Check this file against them: columns, values, names, keys (repeatable)
    #[arg(long, short, value_name = "FILE")]
    pub input: Vec<PathBuf>,
    /// Which connection.
    #[command(flatten)]
    pub target: Where,
    /// Check names against this snapshot, without any network (repeatable, one a system)
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["profile", "sandbox"])]
    pub directory: Vec<PathBuf>,
    /// Fetch the directory anew
    #[arg(long)]
    pub refresh: bool,
    /// Write the names that are unknown or mean several things into a workbook; fill its yellow column `use`, and
    /// `aliases_file` reads it [default file: names.xlsx]
    #[arg(
        long = "names",
        alias = "write-aliases",
        value_name = "FILE.xlsx",
        num_args = 0..=1,
        default_missing_value = "names.xlsx"
    )]
    pub names: Option<PathBuf>,
    /// How the input is read.
    #[command(flatten)]
    pub read_as: ReadAs,
}

/// How an input is read, where it is not as the mapping says, or as its bytes tell.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ReadAs {
    /// The sheet: a name, a number, a comma-separated list, or * for all
    #[arg(long, value_name = "SHEET", help_heading = READ_AS)]
    pub sheet: Option<String>,
    /// The encoding of a CSV, such as windows-1252
    #[arg(long, value_name = "NAME", help_heading = READ_AS)]
    pub encoding: Option<String>,
    /// The delimiter of a CSV
    #[arg(long, value_name = "CHAR", help_heading = READ_AS)]
    pub delimiter: Option<char>,
    /// The row of the headings; 0: none
    #[arg(long, value_name = "N", help_heading = READ_AS)]
    pub header_row: Option<u32>,
}

/// `deskferry schema …`
#[derive(Debug, Subcommand)]
pub(super) enum SchemaCommand {
    /// The JSON Schema of mapping files: editors complete and check by it
    #[command(after_help = "Example:\n  deskferry schema mapping -o deskferry-mapping.schema.json")]
    Mapping {
        /// Write it into this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The JSON Schema of files of columns, for `export --columns`
    #[command(after_help = "Example:\n  deskferry schema columns -o deskferry-columns.schema.json")]
    Columns {
        /// Write it into this file
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The fields that a mapping can fill, or the names that a column of an export can show
    #[command(
        after_help = "Example:\n  deskferry schema fields --system incidentiq --operation comment"
    )]
    Fields {
        /// The system
        #[arg(long, value_name = "NAME", required_unless_present = "common")]
        system: Option<String>,
        /// The operation: create, update, upsert, comment, assign, set_status, close, delete, subtask or attach
        #[arg(long, value_name = "NAME", default_value = "create")]
        operation: String,
        /// The names of the common ticket, whatever the system
        #[arg(long, conflicts_with_all = ["system", "operation"])]
        common: bool,
    },
}

/// `deskferry init`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deskferry init samples/tickets.csv --profile sandbox:incidentiq -o my-mapping.toml\n  deskferry init --from sandbox:incidentiq --to sandbox:clearfeed -o my-migration.toml"
)]
pub(super) struct InitArgs {
    /// The file: CSV, XLSX, XLS, ODS, JSON lines or JSON, each also gzipped; `-` is standard input
    #[arg(
        value_name = "INPUT",
        required_unless_present = "source",
        conflicts_with = "source"
    )]
    pub input: Option<PathBuf>,
    /// Instead of a file: the profile of the desk whose tickets are to be migrated
    #[arg(long = "from", value_name = "PROFILE", requires = "to")]
    pub source: Option<String>,
    /// With --from: the profile of the desk that they go to
    #[arg(long, value_name = "PROFILE", requires = "source", conflicts_with_all = ["profile", "sandbox", "directory", "system"])]
    pub to: Option<String>,
    /// The system whose names are looked up; without one no name is looked up.
    #[command(flatten)]
    pub from: From,
    /// What the mapping does with each row
    #[arg(long, value_name = "OPERATION", default_value = "create")]
    pub operation: String,
    /// The mapping file, `-` is standard output [default: named after the input, in this folder]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How the input is read.
    #[command(flatten)]
    pub read_as: ReadAs,
}

impl InitArgs {
    /// The file; empty where there is none.
    pub(super) fn input(&self) -> &std::path::Path {
        self.input.as_deref().unwrap_or(std::path::Path::new(""))
    }
}

/// `deskferry directory …`
#[derive(Debug, Subcommand)]
pub(super) enum DirectoryCommand {
    /// Fetch the directory, and keep it as a file with -o
    #[command(
        after_help = "Example:\n  deskferry directory pull --profile sandbox:incidentiq -o district.json"
    )]
    Pull {
        /// Where from.
        #[command(flatten)]
        from: From,
        /// Keep the snapshot in this file too
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the entries of a kind, or how many of each there are
    #[command(
        after_help = "Example:\n  deskferry directory show location --profile sandbox:incidentiq"
    )]
    Show {
        /// issue, location, room, user, team, asset, status, priority, collection, tag, custom_field
        kind: Option<String>,
        /// Where from.
        #[command(flatten)]
        from: From,
    },
    /// Find entries by a part of their name or another property
    #[command(
        after_help = "Example:\n  deskferry directory search lincoln --profile sandbox:incidentiq"
    )]
    Search {
        /// What to look for
        text: String,
        /// Where from.
        #[command(flatten)]
        from: From,
    },
}

/// Where a directory comes from.
#[derive(Debug, Clone, Args)]
pub(super) struct From {
    /// Which connection.
    #[command(flatten)]
    pub target: Where,
    /// The system: incidentiq or clearfeed; a profile or a snapshot says it itself
    #[arg(long, value_name = "NAME")]
    pub system: Option<String>,
    /// Read this snapshot instead of asking the system
    #[arg(long, value_name = "SNAPSHOT")]
    pub directory: Option<PathBuf>,
    /// Fetch it anew
    #[arg(long)]
    pub refresh: bool,
}

impl From {
    /// Whether it names a connection or a snapshot.
    pub(super) fn names_one(&self) -> bool {
        self.target.profile.is_some() || self.target.sandbox.is_some() || self.directory.is_some()
    }
}

/// `deskferry sandbox`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  deskferry sandbox --listen 127.0.0.1:8700 --rate 0")]
pub(super) struct SandboxArgs {
    /// The address; port 0: any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    pub listen: SocketAddr,
    /// The bearer that `/_sandbox` wants [default: none; beyond this machine one that the first line tells]
    #[arg(
        long,
        env = "DESKFERRY_SANDBOX_ADMIN_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub admin_token: Option<String>,
    /// Keep the tickets in this folder over a restart
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Its limit in requests per second; 0: none
    #[arg(long, value_name = "RATE", default_value = "100/s", value_parser = sandbox_rate)]
    pub rate: f64,
    /// Lenient as the documents promise, or live-like with the traps that tenants set
    #[arg(long, value_enum, default_value_t = Temper::Lenient)]
    pub temper: Temper,
    /// So many tickets are in each system from the beginning, the same each time
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub tickets: usize,
    /// At most so many comments are on each of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub comments: usize,
    /// The greatest page of IncidentIQ
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub max_page: usize,
    /// A fault to inject: NAME=VALUE (repeatable), see docs/sandbox.md
    #[arg(long = "fault", value_name = "NAME=VALUE")]
    pub faults: Vec<String>,
    /// Changes that other people make to tickets meanwhile; 0: none
    #[arg(long, value_name = "RATE", default_value = "0", value_parser = sandbox_rate)]
    pub people: f64,
    /// Refuse a read to every token: issues, locations, users, custom_fields, … (repeatable)
    #[arg(long, value_name = "OPERATION")]
    pub deny: Vec<String>,
    /// Show notes among the team to nobody
    #[arg(long)]
    pub hide_notes: bool,
    /// Erase the texts of ClearFeed's requests that are older, such as 60d [default: never]
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub retention: Option<Duration>,
    /// Ignore what a new activity of IncidentIQ says: created-date, owner or activity-id (repeatable)
    #[arg(long, value_name = "MEMBER", value_parser = unheeded)]
    pub ignore: Vec<crate::sandbox::Unheeded>,
    /// A rule that IncidentIQ runs on new activities, which nothing silences: reopen-on-reply, reopen-on-comment or
    /// start-on-action (repeatable)
    #[arg(long = "rule", value_name = "RULE", value_parser = rule)]
    pub rules: Vec<crate::sandbox::Rule>,
    /// The seed of the faults and of what people do
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// How strictly the sandbox keeps to the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Temper {
    /// What the documents promise
    Lenient,
    /// The traps of real tenants
    LiveLike,
}

/// Headings of groups of flags.
const LOOK: &str = "Look first";
const ROWS: &str = "Which rows";
const PACE: &str = "Pace";
const FILES: &str = "Files";
const READ_AS: &str = "How the file is read";

fn max_errors(text: &str) -> Result<MaxErrors, String> {
    let wrong = || format!("`{text}` is neither a number of refusals nor a share such as `20%`");
    match text.strip_suffix('%') {
        Some(share) => match share.trim().parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 100.0 => Ok(MaxErrors::Share(share)),
            _ => Err(wrong()),
        },
        None => text
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .map(MaxErrors::InARow)
            .ok_or_else(wrong),
    }
}

/// A number of days: `60d`.
fn days(text: &str) -> Result<Duration, String> {
    let number = text.trim().strip_suffix('d').unwrap_or(text).trim();
    let days = number.parse::<u32>().ok().filter(|days| *days > 0);
    days.map(|days| Duration::from_secs(u64::from(days) * 86_400))
        .ok_or_else(|| format!("`{text}` is not a number of days, write `60d`"))
}

fn unheeded(text: &str) -> Result<crate::sandbox::Unheeded, String> {
    crate::sandbox::Unheeded::parse(text).ok_or_else(|| {
        let words: Vec<_> = crate::sandbox::Unheeded::words().collect();
        format!("`{text}` is none of {}", words.join(", "))
    })
}

fn rule(text: &str) -> Result<crate::sandbox::Rule, String> {
    crate::sandbox::Rule::parse(text).ok_or_else(|| {
        let words: Vec<_> = crate::sandbox::Rule::words().collect();
        format!("`{text}` is none of {}", words.join(", "))
    })
}

fn sandbox_rate(text: &str) -> Result<f64, String> {
    if matches!(text, "0" | "0/s") {
        Ok(0.0)
    } else {
        parse_rate(text)
    }
}
