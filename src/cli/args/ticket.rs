//! `deskferry ticket …`: what was typed.

use clap::{Args, Subcommand};

use super::{By, Where};
use crate::systems::fields::called;

/// `deskferry ticket …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TicketCommand {
    /// Show a ticket with all that is known of it
    #[command(after_help = "Example:\n  deskferry ticket get 10060 --profile sandbox:incidentiq")]
    Get(GetArgs),
    /// Look for tickets, the newest first
    #[command(
        after_help = "Example:\n  deskferry ticket search --filter state=open --limit 20 --profile sandbox:incidentiq"
    )]
    Search(Box<SearchArgs>),
    /// Make a ticket
    #[command(
        after_help = "Example:\n  deskferry ticket create --title Beamer --requester helpdesk@district.example --issue Other --place LHS --profile sandbox:incidentiq"
    )]
    Create(Box<CreateArgs>),
    /// Change fields of a ticket; what is not named stays as it is
    #[command(
        after_help = "Example:\n  deskferry ticket update 10060 --priority High --profile sandbox:incidentiq"
    )]
    Update(Box<ActArgs>),
    /// Give a ticket to a person or a team
    #[command(
        after_help = "Example:\n  deskferry ticket assign 10060 --user helpdesk@district.example --profile sandbox:incidentiq"
    )]
    Assign(Box<ActArgs>),
    /// Move a ticket to a status
    #[command(
        after_help = "Example:\n  deskferry ticket set-status 10060 --set action=waiting --profile sandbox:incidentiq"
    )]
    SetStatus(Box<ActArgs>),
    /// Add a comment, by default an internal note
    #[command(
        after_help = "Example:\n  deskferry ticket comment 10060 --body Done --public --profile sandbox:incidentiq"
    )]
    Comment(Box<ActArgs>),
    /// Close a ticket
    #[command(after_help = "Example:\n  deskferry ticket close 10059 --profile sandbox:incidentiq")]
    Close(Box<ActArgs>),
    /// Delete a ticket
    #[command(
        after_help = "Example:\n  deskferry ticket delete 10058 --profile sandbox:incidentiq"
    )]
    Delete(Box<ActArgs>),
    /// Add a subtask to a ticket
    #[command(
        after_help = "Example:\n  deskferry ticket subtask 10057 --title Order --profile sandbox:incidentiq"
    )]
    Subtask(Box<ActArgs>),
}

/// Which desk a ticket is on.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Desk {
    /// Which connection.
    #[command(flatten)]
    pub target: Where,
    /// The system: incidentiq or clearfeed; a profile says it itself
    #[arg(long, value_name = "NAME")]
    pub system: Option<String>,
    /// Fetch the directory anew
    #[arg(long)]
    pub refresh: bool,
}

/// `deskferry ticket get`
#[derive(Debug, Args)]
pub(in crate::cli) struct GetArgs {
    /// Its id, or the number that people use
    #[arg(value_name = "ID|NUMBER")]
    pub ticket: String,
    /// What hangs on it, as the system shows it: activities, timeline, workflow, approvals, next-steps, subtasks,
    /// followers, assets, files, emails (several with commas)
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub include: Vec<String>,
    /// Where it is.
    #[command(flatten)]
    pub desk: Desk,
}

/// `deskferry ticket search`
#[derive(Debug, Args)]
pub(in crate::cli) struct SearchArgs {
    /// Only tickets where the field has one of these values: FIELD=VALUE,VALUE (repeatable: all must hold)
    #[arg(long = "filter", value_name = "FIELD=VALUE")]
    pub filters: Vec<String>,
    /// List the fields that --filter knows
    #[arg(long)]
    pub fields: bool,
    /// Only tickets that contain all these words
    #[arg(long, alias = "text", value_name = "WORDS")]
    pub search: Option<String>,
    /// Only tickets of these days: today, yesterday, this-week, last-week, last-month, school-year,
    /// 2024-06-01..2024-06-30, 2024-06-01.., or 7d for the last seven days until now
    #[arg(long, alias = "created", value_name = "PERIOD")]
    pub period: Option<String>,
    /// By which of its times a ticket is in the period
    #[arg(long, value_enum, default_value_t = By::Created, requires = "period")]
    pub by: By,
    /// How far they are: open, closed, deleted, or a status by name (repeatable: any of them)
    #[arg(long, value_name = "STATUS", hide = true)]
    pub status: Vec<String>,
    /// Who works on them: a name or an e-mail address
    #[arg(long, value_name = "PERSON", hide = true)]
    pub assignee: Option<String>,
    /// The team that works on them
    #[arg(long, value_name = "TEAM", hide = true)]
    pub team: Option<String>,
    /// Who needs help: a name or an e-mail address
    #[arg(long, value_name = "PERSON", hide = true)]
    pub requester: Option<String>,
    /// Where they are
    #[arg(long, value_name = "PLACE", hide = true)]
    pub place: Option<String>,
    /// When they were changed last, written as --period
    #[arg(long, value_name = "DATE..DATE", hide = true)]
    pub updated: Option<String>,
    /// At most so many tickets
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
    /// Where they are.
    #[command(flatten)]
    pub desk: Desk,
}

/// `deskferry ticket create`
#[derive(Debug, Args)]
pub(in crate::cli) struct CreateArgs {
    /// What the ticket is to hold.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `deskferry ticket update` and all others that act on a ticket that is there.
#[derive(Debug, Args)]
pub(in crate::cli) struct ActArgs {
    /// Its id, or the number that people use
    #[arg(value_name = "ID|NUMBER")]
    pub ticket: String,
    /// What is done with it.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What is written to one ticket.
#[derive(Debug, Args)]
pub(in crate::cli) struct WriteArgs {
    /// A field and its value, as the system calls it or custom.NAME (repeatable); `deskferry schema fields` lists them
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Let e-mails, notifications and rules fire
    #[arg(long)]
    pub notify: bool,
    /// Print the requests instead of sending them
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run, read the ticket and show what they hold now and what they would hold
    #[arg(long)]
    pub diff: bool,
    /// Confirm the write to a live profile without being asked: its name
    #[arg(long, value_name = "PROFILE")]
    pub confirm: Option<String>,
    /// Where the ticket is.
    #[command(flatten)]
    pub desk: Desk,
    /// The commonest fields.
    #[command(flatten)]
    pub common: CommonFields,
}

/// The commonest fields, whatever a system calls them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The commonest fields, whatever the system calls them")]
pub(in crate::cli) struct CommonFields {
    /// What it is about, in a few words
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// The whole text
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// What a comment says
    #[arg(long, value_name = "TEXT")]
    pub body: Option<String>,
    /// A comment that the requester sees
    #[arg(long)]
    pub public: bool,
    /// Who works on it
    #[arg(long, value_name = "PERSON")]
    pub user: Option<String>,
    /// The team that works on it
    #[arg(long, value_name = "TEAM")]
    pub team: Option<String>,
    /// How far it is
    #[arg(long, value_name = "STATUS")]
    pub status: Option<String>,
    /// How much it hurries
    #[arg(long, value_name = "PRIORITY")]
    pub priority: Option<String>,
    /// Who needs help
    #[arg(long, value_name = "PERSON")]
    pub requester: Option<String>,
    /// Where it is
    #[arg(long, value_name = "PLACE")]
    pub place: Option<String>,
    /// What is wrong, on systems that file by issue
    #[arg(long, value_name = "ISSUE")]
    pub issue: Option<String>,
    /// Where it goes, on systems that file by collection
    #[arg(long, value_name = "COLLECTION")]
    pub collection: Option<String>,
    /// Why it is closed
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// When it is due
    #[arg(long, value_name = "DATE")]
    pub due: Option<String>,
    /// A tag (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
}

impl CommonFields {
    /// What each of them means, as the tables of fields name it.
    pub(super) const MEANINGS: [(&'static str, &'static [&'static str]); 15] = [
        ("title", called::TITLE),
        ("description", called::DESCRIPTION),
        ("body", called::COMMENT),
        ("public", called::PUBLIC),
        ("user", called::ASSIGNEE),
        ("team", called::TEAM),
        ("status", called::STATUS),
        ("priority", called::PRIORITY),
        ("requester", called::REQUESTER),
        ("place", called::LOCATION),
        ("issue", called::ISSUE),
        ("collection", called::QUEUE),
        ("reason", called::CLOSE_REASON),
        ("due", called::DUE),
        ("tags", called::TAGS),
    ];

    /// What was typed, by the same ids; a list has several.
    pub(in crate::cli) fn typed(&self) -> Vec<(&'static str, String)> {
        let public = self.public.then(|| "true".to_owned());
        let one = [
            ("title", &self.title),
            ("description", &self.description),
            ("body", &self.body),
            ("public", &public),
            ("user", &self.user),
            ("team", &self.team),
            ("status", &self.status),
            ("priority", &self.priority),
            ("requester", &self.requester),
            ("place", &self.place),
            ("issue", &self.issue),
            ("collection", &self.collection),
            ("reason", &self.reason),
            ("due", &self.due),
        ];
        let one = one
            .into_iter()
            .filter_map(|(id, value)| Some((id, value.clone()?)));
        let tags = self.tags.iter().map(|tag| ("tags", tag.clone()));
        one.chain(tags).collect()
    }
}
