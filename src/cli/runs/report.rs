//! `deskferry runs report`: a run as a page.

use std::path::PathBuf;

use super::super::args::Global;
use super::super::output::Output;
use super::super::run_report::{claim, write};
use crate::config::StateFolder;
use crate::error::Result;
use crate::ledger::{Ledger, Run};
use crate::outfile::{Claims, Records};

pub(super) async fn run(
    ledger: &Ledger,
    run: &Run,
    path: Option<PathBuf>,
    state: &StateFolder,
    global: &Global,
    output: Output,
) -> Result<()> {
    let path = path.unwrap_or_else(|| PathBuf::from(format!("run-{}.html", run.code())));
    claim(&path, &mut Claims::default().keeping(state.path()), "-o")?;
    let around = (global.readers(), Records::of(state.path()));
    let (path, note) = write(ledger, run, &path, around).await?;
    if output.is_json() {
        return output.data(&serde_json::json!({"run": run.code(), "report": path}).to_string());
    }
    output.say(&format!("  written    {}", path.display()));
    if let Some(note) = note {
        output.say(&format!("  note       {note}"));
    }
    Ok(())
}
