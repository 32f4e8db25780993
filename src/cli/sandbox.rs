//! `deskferry sandbox`: the emulator on its own, until it is interrupted.

use super::args::{Global, SandboxArgs, Temper};
use super::connect::{faults, sandbox_failed};
use super::interrupt::Interrupts;
use super::output::Output;
use crate::error::{ExitCode, Result};
use crate::run::Shutdown;
use crate::sandbox::{Config, Sandbox};

pub(super) async fn run(args: SandboxArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    let mut config = Config {
        listen: args.listen,
        admin_token: args.admin_token.filter(|token| !token.trim().is_empty()),
        data: args.data,
        rate: args.rate,
        tickets: args.tickets,
        comments: args.comments,
        max_page: args.max_page,
        people: args.people,
        deny: args.deny,
        hides_notes: args.hide_notes,
        retention: args.retention,
        unheeded: args.ignore,
        rules: args.rules,
        faults: faults(&args.faults)?,
        temper: match args.temper {
            Temper::Lenient => crate::sandbox::Temper::Lenient,
            Temper::LiveLike => crate::sandbox::Temper::LiveLike,
        },
        ..Config::default()
    };
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    let interrupts = Interrupts::listen(&global.force)?;
    let sandbox = Sandbox::start(config).await.map_err(sandbox_failed)?;
    output.data(&sandbox.ready_line().to_string())?;
    if sandbox.is_public() {
        output.complain(&format!(
            "  warning    it listens on {}, beyond this machine: whoever reaches it reads and changes its tickets with the \
             token `{}`; `/_sandbox` wants the `admin_token` above\n",
            sandbox.address(),
            crate::sandbox::TOKEN
        ));
    }
    output.say("  Ctrl-C stops it");
    let mut stop = interrupts.stop();
    // A listener that is gone will never say so.
    let _ = stop.wait_for(|going| *going > Shutdown::None).await;
    sandbox.stop().await.map_err(sandbox_failed)?;
    Ok(ExitCode::Done)
}
