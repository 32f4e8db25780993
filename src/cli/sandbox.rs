//! `deskferry sandbox`: the emulator on its own, until it is interrupted.

use super::args::{SandboxArgs, Temper};
use super::connect::{faults, sandbox_failed};
use super::output::Output;
use crate::error::{Error, ExitCode, Result};
use crate::sandbox::{Config, Sandbox};

pub(super) async fn run(args: SandboxArgs, output: &Output) -> Result<ExitCode> {
    let mut config = Config {
        listen: args.listen,
        data: args.data,
        rate: args.rate,
        tickets: args.tickets,
        max_page: args.max_page,
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
    let sandbox = Sandbox::start(config).await.map_err(sandbox_failed)?;
    output.data(&sandbox.ready_line().to_string())?;
    output.say("  Ctrl-C stops it");
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| Error::machine("cannot wait for Ctrl-C").caused_by(error))?;
    sandbox.stop().await.map_err(sandbox_failed)?;
    Ok(ExitCode::Done)
}
