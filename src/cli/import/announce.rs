//! What is said before the first write to a live profile, and the commands that are printed for later.

use std::path::Path;

use super::super::args::{Global, ImportArgs};
use super::super::connect::{Connected, Target};
use crate::mapping::BoundPlan;
use crate::report::words;
use crate::run::{Limiter, UNKNOWN_RATE};

/// What is about to happen: how many tickets, where, as whom, what cannot be silenced, how long, how to undo.
pub(super) fn before_first_write(
    target: &Target,
    connected: &Connected,
    records: u64,
    plan: &BoundPlan,
    limiter: &Limiter,
) -> String {
    let rate = limiter.rate().unwrap_or(UNKNOWN_RATE);
    let system = connected.system.as_ref();
    let account = system.account();
    let whom = account.user.as_deref().unwrap_or("the owner of the token");
    let least =
        std::time::Duration::from_secs_f64(records as f64 * plan.requests_per_row() as f64 / rate);
    let mut lines = vec![
        format!(
            "  about to create up to {} in {}",
            words::plural(records, "ticket", "tickets"),
            system.schema().system()
        ),
        format!(
            "    where      profile `{}`, tenant {}",
            target.name(),
            account.tenant
        ),
        format!("    as         {whom}"),
        format!(
            "    how long   {} at {}",
            words::duration(least),
            words::rate(rate)
        ),
    ];
    lines.push(match system.schema().cannot_silence() {
        Some(what) => format!("    not silent {what}"),
        None => "    silent     no e-mail, notification or rule fires unless the mapping says notify = true".to_owned(),
    });
    lines.push(
        "    undo       by hand in the system: `deskferry runs ids` lists what a run made"
            .to_owned(),
    );
    lines.join("\n")
}

/// The command that does this import again, for this input.
pub(super) fn command_for(
    args: &ImportArgs,
    global: &Global,
    target: Option<&Target>,
    inputs: &[&Path],
) -> String {
    let mut words: Vec<String> = vec!["deskferry".into(), "import".into()];
    words.extend(inputs.iter().map(|path| path.display().to_string()));
    words.extend(["--mapping".into(), args.mapping.display().to_string()]);
    words.extend(target.map(Target::flags).unwrap_or_default());
    if let Some(path) = &args.directory {
        words.extend(["--directory".into(), path.display().to_string()]);
    }
    if args.target.insecure_http {
        words.push("--insecure-http".into());
    }
    for (flag, value) in [
        ("--state", typed_state(global)),
        ("--config", typed_config(global)),
        ("--sheet", args.sheet.clone()),
        ("--encoding", args.encoding.clone()),
        ("--delimiter", args.delimiter.map(String::from)),
        ("--header-row", args.header_row.map(|row| row.to_string())),
    ] {
        if let Some(value) = value {
            words.extend([flag.into(), value]);
        }
    }
    words
        .iter()
        .map(|word| words::shell_word(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The flag, but not what the environment says: that is still there for the next command.
fn typed_state(global: &Global) -> Option<String> {
    typed(global.state.as_deref(), "DESKFERRY_STATE")
}

fn typed_config(global: &Global) -> Option<String> {
    typed(global.config.as_deref(), "DESKFERRY_CONFIG")
}

fn typed(path: Option<&Path>, variable: &str) -> Option<String> {
    let path = path
        .filter(|path| std::env::var_os(variable).is_none_or(|value| value != path.as_os_str()))?;
    Some(path.display().to_string())
}
