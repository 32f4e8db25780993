//! `deskferry state`: what lies in the state folder.

use serde_json::json;

use super::args::{Global, StateCommand};
use super::output::Output;
use crate::config::StateFolder;
use crate::error::{ExitCode, Result};
use crate::ledger::{Age, Ledger};
use crate::report::words;

pub(super) async fn run(
    command: StateCommand,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    let StateCommand::Check = command;
    let state = StateFolder::open(global.state.as_deref())?;
    let ledger = Ledger::open_to_read(&state.ledger())?;
    let checked = ledger.check().await?;
    let older = match ledger.age() {
        Age::Doubtful(why) if !ledger.has_learned_all().await? => Some(why),
        Age::Doubtful(_) | Age::Current | Age::Learning | Age::Trusted => None,
    };
    if output.is_json() {
        let document = json!({
            "scopes": checked.scopes, "steps": checked.steps, "damage": checked.damage, "older": older,
        });
        output.data(&document.to_string())?;
    }
    let mut lines = vec![format!(
        "  checked    {} of {}",
        words::plural(checked.steps, "step", "steps"),
        words::plural(checked.scopes, "scope", "scopes")
    )];
    if let Some(why) = older {
        lines.push(format!(
            "  warning    the ledger may be an older one than the one that was last used here: {why}"
        ));
        lines.push(
            "             the next import asks for `runs adopt` or `--trust-ledger`".to_owned(),
        );
    }
    lines.extend(
        checked
            .damage
            .iter()
            .map(|what| format!("  damaged    {what}")),
    );
    if !checked.damage.is_empty() {
        lines.push(
            "  next       keep the file: move it away with the files beside it, put a backup in its place, and let\n             \
             `deskferry runs adopt` learn from the system what was made since"
                .to_owned(),
        );
    }
    output.say(&lines.join("\n"));
    Ok(match (checked.damage.is_empty(), older) {
        (false, _) => ExitCode::Machine,
        (true, Some(_)) => ExitCode::SomeRows,
        (true, None) => ExitCode::Done,
    })
}
