//! The command line: what was typed becomes checked settings, one file a command.

mod args;
mod columns;
mod confirm;
mod connect;
mod directory;
mod doctor;
mod end;
mod export;
mod import;
mod init;
mod interrupt;
mod migrate;
mod open;
mod output;
mod pages;
mod read_as;
mod receipts;
mod reference;
mod run_report;
mod runs;
mod sandbox;
mod schedule;
mod schema;
mod state;
mod ticket;
mod trust;
mod validate;
mod verify;

use clap::FromArgMatches;

use crate::error::{Error, ExitCode, Result};
use crate::outfile::Readers;
use crate::redact::Secrets;
use args::{Cli, Command, Format, Global, LogFormat};
use output::Output;

/// Parses the command line, runs the command, prints its error, and says how to end.
pub fn run() -> ExitCode {
    let typed = args::command().try_get_matches();
    let cli = match typed.and_then(|typed| Cli::from_arg_matches(&typed)) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to fail on `--help`.
            let _ = error.print();
            if let Some(hint) = without_mapping(&error) {
                output::stderr_text(&format!("\n  hint: {hint}\n"));
            }
            return if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Done
            };
        }
    };
    quiet_readers();
    start_log(&cli.global);
    let output = Output::new(&cli.global);
    let secrets = cli.global.secrets.clone();
    let of_command = secrets.clone();
    let ended = end::run(move |force| {
        let mut cli = cli;
        cli.global.force = force;
        ended(dispatch(cli, &output), output, &of_command)
    });
    ended.unwrap_or_else(|error| ended_badly(error, output, &secrets))
}

/// Said of an import without a mapping: how to get one.
fn without_mapping(error: &clap::Error) -> Option<String> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing,
        _ => return None,
    };
    let lacks = missing.iter().any(|flag| flag.starts_with("--mapping"));
    if error.kind() != ErrorKind::MissingRequiredArgument || !lacks {
        return None;
    }
    let typed = std::env::args().skip_while(|word| word != "import").skip(1);
    let input = typed.into_iter().find(|word| !word.starts_with('-'));
    let input = input.map_or("FILE".to_owned(), |word| {
        crate::report::words::shell_word(&word)
    });
    Some(format!(
        "write a first mapping from your file: deskferry init {input} --profile sandbox:incidentiq"
    ))
}

fn ended(result: Result<ExitCode>, output: Output, secrets: &Secrets) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::Done,
        Err(error) => ended_badly(error, output, secrets),
    }
}

fn ended_badly(error: Error, output: Output, secrets: &Secrets) -> ExitCode {
    let code = error.kind().exit_code();
    output.error(&error.redacted(&secrets.redactor()));
    code
}

fn dispatch(cli: Cli, output: &Output) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::machine("cannot start the runtime").caused_by(error))?;
    let global = cli.global;
    let ended = runtime.block_on(async {
        match cli.command {
            Command::Import(args) => import::run(*args, &global, output).await,
            Command::Validate(args) => validate::run(*args, &global, output).await,
            Command::Schema(command) => schema::run(command, output),
            Command::Init(args) => init::run(*args, &global, output).await,
            Command::Directory(command) => directory::run(command, &global, output).await,
            Command::Schedule(command) => schedule::run(command, &global, output).await,
            Command::Runs(command) => runs::run(command, &global, output).await,
            Command::State(command) => state::run(command, &global, output).await,
            Command::Verify(args) => verify::run(*args, &global, output).await,
            Command::Ticket(command) => ticket::run(command, &global, output).await,
            Command::Migrate(args) => migrate::run(*args, &global, output).await,
            Command::Export(args) => export::run(*args, &global, output).await,
            Command::Doctor(args) => doctor::run(*args, &global, output).await,
            Command::Sandbox(args) => sandbox::run(args, &global, output).await,
            Command::Completions {
                shell,
                output: path,
            } => pages::completions(shell, path.as_deref(), *output),
            Command::Man(args) => pages::man(&args, *output),
        }
    });
    // A reader that waits for standard input must not keep an interrupted program alive.
    runtime.shutdown_background();
    ended
}

/// A reader of workbooks may panic on a damaged one. That is caught and told as an error of the file: nobody needs the
/// stack of it.
fn quiet_readers() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(crate::source::READER_THREAD) {
            told(panic);
        }
    }));
}

fn start_log(global: &Global) {
    use tracing_subscriber::EnvFilter;
    let default = match (global.quiet, global.verbose) {
        (true, _) => "off",
        // What the reader of workbooks notes about a file is not for people: what matters is told as an error or a note.
        (false, 0) => "warn,calamine=off",
        (false, 1) => "deskferry=info,warn,calamine=off",
        (false, _) => "deskferry=debug,info,calamine=off",
    };
    let filter =
        EnvFilter::try_from_env("DESKFERRY_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let secrets = global.secrets.clone();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would tell them on standard error, which is what cannot be written.
        .log_internal_errors(false)
        .with_writer(move || secrets.writer(std::io::stderr()));
    // A second start (tests in one process) keeps the first one's settings.
    let _ = match global.log_format {
        LogFormat::Text => log.with_ansi(console::colors_enabled_stderr()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

impl Global {
    /// Who can read the files with people's data that the command writes.
    fn readers(&self) -> Readers {
        Readers::People(self.mode)
    }

    fn is_json(&self) -> bool {
        self.format == Format::Json
    }
}
