//! The command line as people see it: what a command does not take is not in its help, and shells complete values.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, CommandFactory};

use super::Cli;
use super::ticket::CommonFields;
use crate::systems::{self, Dialect, Operation, SystemName};

/// The commands of `ticket` that act, with their operations.
const OPERATIONS: [(&str, Operation); 8] = [
    ("create", Operation::Create),
    ("update", Operation::Update),
    ("assign", Operation::Assign),
    ("set-status", Operation::SetStatus),
    ("comment", Operation::Comment),
    ("close", Operation::Close),
    ("delete", Operation::Delete),
    ("subtask", Operation::Subtask),
];
/// The operations of which `--diff` can show the differences.
const COMPARED: [Operation; 3] = [Operation::Update, Operation::Assign, Operation::SetStatus];

const PROFILES: &[&str] = &[
    "sandbox:incidentiq",
    "sandbox:clearfeed",
    "sandbox:incidentiq-2",
    "sandbox:clearfeed-2",
];
const SYSTEMS: &[&str] = &["incidentiq", "clearfeed"];
const OPERATION_WORDS: &[&str] = &[
    "create",
    "update",
    "upsert",
    "comment",
    "assign",
    "set_status",
    "close",
    "delete",
    "subtask",
    "attach",
];
const PERIODS: &[&str] = &[
    "today",
    "yesterday",
    "this-week",
    "last-week",
    "this-month",
    "last-month",
    "this-quarter",
    "last-quarter",
    "school-year",
    "last-school-year",
    "7d",
];
const KINDS: &[&str] = &[
    "issue",
    "location",
    "room",
    "user",
    "team",
    "asset",
    "status",
    "priority",
    "collection",
    "tag",
    "custom_field",
];
const SHEETS: &[&str] = &[
    "summary",
    "volume",
    "backlog",
    "resolution",
    "teams",
    "sla",
    "locations",
    "issues",
    "devices",
    "requesters",
    "response",
    "all",
    "none",
    "weekly",
    "monthly",
];
const COUNTED: &[&str] = &[
    "status",
    "priority",
    "requester",
    "assignee",
    "team",
    "location",
    "issue",
    "tag",
    "device",
    "day",
    "week",
    "month",
    "year",
    "weekday",
    "hour",
];
const PARTS: &[&str] = &[
    "activities",
    "timeline",
    "workflow",
    "approvals",
    "next-steps",
    "subtasks",
    "followers",
    "assets",
    "files",
    "emails",
];
const STATES: &[&str] = &["open", "closed", "deleted"];
const RUNS: &[&str] = &["last"];

/// The values that shells offer, by the name of the command and the id of the argument; an empty name is every command.
const VALUES: &[(&str, &str, &[&str])] = &[
    ("", "profile", PROFILES),
    ("", "system", SYSTEMS),
    ("", "period", PERIODS),
    ("", "run", RUNS),
    ("migrate", "from", PROFILES),
    ("migrate", "to", PROFILES),
    ("init", "source", PROFILES),
    ("init", "to", PROFILES),
    ("fields", "operation", OPERATION_WORDS),
    ("init", "operation", OPERATION_WORDS),
    ("show", "kind", KINDS),
    ("export", "sheets", SHEETS),
    ("export", "count", COUNTED),
    ("get", "include", PARTS),
    ("search", "status", STATES),
];

/// The command line, for parsing, help and pages.
pub(in crate::cli) fn command() -> Command {
    let command = Cli::command();
    let command = command.mut_subcommand("ticket", |ticket| {
        OPERATIONS
            .into_iter()
            .fold(ticket, |ticket, (name, operation)| {
                ticket.mut_subcommand(name, |one| only_taken(one, operation))
            })
    });
    shaped(command)
}

/// The commonest fields with the meaning that a system's table of fields knows them by.
pub(in crate::cli) fn common_flags() -> [(&'static str, &'static [&'static str]); 15] {
    CommonFields::MEANINGS
}

/// Hides the flags that no system takes for the operation. They are still parsed: whoever types one is told what is there.
fn only_taken(command: Command, operation: Operation) -> Command {
    let schemas = [
        (SystemName::IncidentIq, None),
        (SystemName::ClearFeed, Some(Dialect::V1)),
        (SystemName::ClearFeed, Some(Dialect::Rest)),
    ];
    let schemas: Vec<_> = schemas
        .into_iter()
        .filter_map(|(system, dialect)| systems::schema(system, dialect).ok())
        .collect();
    let is_taken = |meaning: &[&str]| {
        schemas.iter().any(|schema| {
            schema
                .fields(operation)
                .is_ok_and(|table| table.fields.iter().any(|field| field.called == meaning))
        })
    };
    let unknown = common_flags()
        .into_iter()
        .filter(|(_, meaning)| !is_taken(meaning))
        .map(|(id, _)| id);
    let compared = (!COMPARED.contains(&operation)).then_some("diff");
    unknown.chain(compared).fold(command, |command, id| {
        command.mut_arg(id, |arg| arg.hide(true))
    })
}

/// The command and those below it with the values that shells offer. `--sandbox` and `--system` stay where a mapping or a
/// file says the rest; elsewhere `--profile sandbox:SYSTEM` says both.
fn shaped(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let has_mapping = ["import", "validate", "adopt"].contains(&name.as_str());
    let names_system = ["init", "fields"].contains(&name.as_str());
    command
        .mut_args(|arg| {
            let is_hidden = match arg.get_id().as_str() {
                "sandbox" => !has_mapping,
                "system" => !names_system,
                _ => false,
            };
            let arg = if is_hidden { arg.hide(true) } else { arg };
            offering(&name, arg)
        })
        .mut_subcommands(shaped)
}

fn offering(command: &str, arg: Arg) -> Arg {
    let id = arg.get_id().as_str();
    let values = VALUES
        .iter()
        .find(|(of, known, _)| *known == id && (of.is_empty() || *of == command));
    match values {
        Some((_, _, values)) => arg.value_parser(Offered(values)).hide_possible_values(true),
        None => arg,
    }
}

/// A text that can be anything, of which shells offer some values.
#[derive(Debug, Clone, Copy)]
struct Offered(&'static [&'static str]);

impl TypedValueParser for Offered {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(words: &[&str]) -> String {
        let mut command = command();
        command.build();
        let mut at = &mut command;
        for word in words {
            at = at.find_subcommand_mut(word).unwrap();
        }
        at.render_long_help().to_string()
    }

    #[test]
    fn an_operation_lists_the_flags_that_it_takes() {
        let delete = help(&["ticket", "delete"]);
        for flag in ["--title", "--body", "--due", "--diff"] {
            assert!(!delete.contains(flag), "{flag}: {delete}");
        }
        let comment = help(&["ticket", "comment"]);
        assert!(comment.contains("--body") && comment.contains("--public"));
        assert!(!comment.contains("--requester"), "{comment}");
        let create = help(&["ticket", "create"]);
        assert!(create.contains("--title") && create.contains("--requester"));
    }

    /// What is hidden is still taken, and told to be wrong where it is.
    #[test]
    fn old_spellings_are_parsed() {
        let parses = |line: &str| {
            let ended = command().try_get_matches_from(line.split_whitespace());
            assert!(ended.is_ok(), "{line}: {}", ended.unwrap_err());
        };
        for line in [
            "deskferry ticket delete 1 --title x --system incidentiq --sandbox",
            "deskferry ticket search --text a --status open --created 7d --place LHS --system incidentiq --sandbox",
            "deskferry import a.csv -m m.toml --errors-to e.csv --show 3 --outcomes o.jsonl --sandbox --dry-run",
            "deskferry migrate --from a --to b -m m.toml --dry-run --show 3 --payloads p.jsonl --errors-to e",
            "deskferry runs settle last --to s.csv",
            "deskferry runs settle last --from s.csv",
            "deskferry runs ids last",
            "deskferry validate m.toml --write-aliases a.xlsx",
            "deskferry export -o a.xlsx --system clearfeed --sandbox=empty",
            "deskferry directory show user --system incidentiq --sandbox",
        ] {
            parses(line);
        }
    }

    #[test]
    fn the_flags_of_every_command_stand_at_the_end_in_a_group_of_their_own() {
        for words in [
            &["import"][..],
            &["migrate"],
            &["ticket", "create"],
            &["export"],
            &["runs", "list"],
        ] {
            let help = help(words);
            let general = help.find("\nFor every command:\n").unwrap();
            let own = help[general + 1..].find("\n\nExample").unwrap();
            let group = &help[general..general + 1 + own];
            assert_eq!(group.matches("\n      --format").count(), 1, "{help}");
            // Nothing else begins after it.
            assert!(!group.contains(":\n\n      --profile"), "{help}");
            let headings = group
                .lines()
                .filter(|line| !line.starts_with(' ') && line.ends_with(':'));
            assert_eq!(headings.count(), 1, "{help}");
        }
    }
}
