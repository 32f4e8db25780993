//! What is looked at on this computer: the state folder and the ledger in it.

use super::failure;
use crate::cli::args::Global;
use crate::config::StateFolder;
use crate::error::Result;
use crate::ledger::{Ledger, objection};
use crate::systems::examine::Finding;

/// The state folder, where it can be used, and what was found.
pub(super) fn look(global: &Global) -> (Result<StateFolder>, Vec<Finding>) {
    let state = match StateFolder::open(global.state.as_deref()) {
        Ok(state) => state,
        Err(error) => {
            let finding = failure("state folder", &error);
            return (Err(error), vec![finding]);
        }
    };
    let folder = state.path().display();
    let mut findings = vec![Finding::ok("state folder", format!("{folder} is writable"))];
    if let Some(why) = objection(state.path()) {
        findings.push(Finding::warning(
            "state folder",
            why,
            "use a folder on this computer's own disk, with --state DIR or DESKFERRY_STATE: locks may not hold there",
        ));
    }
    let ledger = state.ledger();
    findings.push(match ledger.exists() {
        false => Finding::ok("ledger", "there is none yet: the first import makes it"),
        // Opening it checks all of it.
        true => match tokio::task::block_in_place(|| Ledger::open(&ledger)) {
            Ok(_) => Finding::ok("ledger", "is whole"),
            Err(error) => failure("ledger", &error),
        },
    });
    (Ok(state), findings)
}
