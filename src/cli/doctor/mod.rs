//! `deskferry doctor`: is everything as it should be between here and the system, and what to do where it is not.

mod machine;
mod network;
mod probe;

use console::style;
use jiff::SignedDuration;
use serde_json::json;

use super::args::{DoctorArgs, Global};
use super::connect::{self, Connected, Target};
use super::directory::named_system;
use super::output::Output;
use super::trust;
use crate::error::{Error, ErrorKind, ExitCode, Result};
use crate::report::words;
use crate::run::Limiter;
use crate::systems::examine::{Finding, Verdict};
use crate::systems::{Account, SystemName};

/// Beyond this the two clocks are worth a word.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

pub(super) async fn run(args: DoctorArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    let target = Target::choose(&args.desk.target, &[], !args.write_probe, global)?;
    let named = args.desk.system.as_deref().map(named_system).transpose()?;
    let system = target.the_system(named)?;
    let mut doctor = Doctor {
        args: &args,
        target: &target,
        system,
        output: *output,
        findings: Vec::new(),
    };
    let ended = doctor.look(global).await;
    doctor.finish(ended)
}

struct Doctor<'a> {
    args: &'a DoctorArgs,
    target: &'a Target,
    system: SystemName,
    output: Output,
    findings: Vec<Finding>,
}

impl Doctor<'_> {
    /// Each line is told as soon as it is known: some take their time.
    fn tell(&mut self, finding: Finding) {
        self.output.report(&line(&finding));
        self.findings.push(finding);
    }

    /// # Errors
    /// What keeps it from looking any further.
    async fn look(&mut self, global: &Global) -> Result<()> {
        if !matches!(self.target, Target::Sandbox(_)) {
            let folder = connect::current_folder()?;
            let config = trust::configuration(global.config.as_deref(), &folder, global)?;
            self.tell(trust::finding(&config));
        }
        let (state, findings) = machine::look(global);
        findings.into_iter().for_each(|finding| self.tell(finding));
        let state = state?;
        let (connection, sandbox) = connect::connection(
            self.target,
            self.system,
            self.args.desk.target.insecure_http,
            self.target.concurrency(),
            &state,
        )
        .await?;
        self.tell(Finding::ok(
            "token",
            format!("is there ({})", self.target.token_place()),
        ));
        for finding in network::look(&connection).await {
            self.tell(finding);
        }
        let connected = Connected::sign_in(connection, sandbox, self.target, &state).await?;
        let account = connected.system.account().clone();
        self.tell(Finding::ok("sign-in", signed_in(&account)));
        self.tell(clock(account.clock_offset));
        let limiter = match self.target.rate() {
            Some(rate) => Limiter::new(Some(rate)),
            None => Limiter::searching(state.found_rate(self.target.name())),
        };
        for finding in connected.system.examine(&limiter).await {
            self.tell(finding);
        }
        self.tell(Finding::ok("rate", rate(&limiter, self.target)));
        let ended = match self.args.write_probe {
            true => self.probe(&connected, &limiter, &state).await,
            false => {
                let what = "not tried: reads say nothing about it; --write-probe makes one ticket and removes it";
                self.tell(Finding::ok("write", what));
                Ok(())
            }
        };
        connected.close().await?;
        ended
    }

    fn finish(&self, ended: Result<()>) -> Result<ExitCode> {
        let count = |verdict| {
            self.findings
                .iter()
                .filter(|one| one.verdict == verdict)
                .count()
        };
        let (failed, warnings) = (count(Verdict::Failed), count(Verdict::Warning));
        if self.output.is_json() {
            let error = ended.as_ref().err();
            let error =
                error.map(|error| json!({"message": error.to_string(), "hints": error.hints()}));
            let document = json!({
                "system": self.system, "target": self.target.name(), "failed": failed, "warnings": warnings,
                "findings": self.findings, "error": error,
            });
            self.output.data(&document.to_string())?;
        }
        if let Err(error) = ended {
            self.output.note(&error);
            return Ok(error.kind().exit_code());
        }
        self.output.report(&format!(
            "\n  {}, {}",
            match failed {
                0 => "nothing failed".to_owned(),
                failed => format!("{} failed", words::plural(failed as u64, "line", "lines")),
            },
            words::plural(warnings as u64, "warning", "warnings")
        ));
        Ok(match failed {
            0 => ExitCode::Done,
            _ => ExitCode::SomeRows,
        })
    }
}

/// A finding for people.
fn line(finding: &Finding) -> String {
    let word = match finding.verdict {
        Verdict::Ok => style("ok").green(),
        Verdict::Warning => style("warning").yellow(),
        Verdict::Failed => style("failed").red(),
    };
    // The width is that of the longest word, whatever colours it.
    let word = format!("{word:<7}");
    let mut text = format!("  {word}  {:<18}  {}", finding.what, finding.detail);
    if let Some(hint) = &finding.hint {
        text.push_str(&format!("\n           {:<18}  → {hint}", ""));
    }
    text
}

fn signed_in(account: &Account) -> String {
    let user = account.user.as_deref().unwrap_or("the owner of the token");
    format!("as {user}, tenant {}", account.tenant)
}

fn clock(offset: SignedDuration) -> Finding {
    let seconds = offset.as_secs();
    let detail = match seconds {
        0 => "the same as the system's, to the second".to_owned(),
        seconds if seconds > 0 => format!("{seconds} s behind the system's"),
        seconds => format!("{} s before the system's", -seconds),
    };
    match offset.abs() > SKEW {
        false => Finding::ok("clock", detail),
        true => Finding::warning(
            "clock",
            detail,
            "set this computer's clock: it is allowed for, but spans of time that you type are read by it",
        ),
    }
}

fn rate(limiter: &Limiter, target: &Target) -> String {
    match (limiter.rate(), target.rate()) {
        (Some(rate), Some(_)) => format!("{} at most, as the profile says", words::rate(rate)),
        (Some(rate), None) => format!("runs begin with {} and find the limit", words::rate(rate)),
        (None, _) => "no limit is held".to_owned(),
    }
}

/// What to do about an error, on one line.
fn remedy(error: &Error) -> String {
    match error.hints() {
        [] => "see what is said there".to_owned(),
        hints => hints.join("; "),
    }
}

/// An error as something that failed.
fn failure(what: &str, error: &Error) -> Finding {
    Finding::failed(what, error.to_string(), remedy(error))
}

/// Whether an error ends every further look.
fn ends(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Denied)
}
