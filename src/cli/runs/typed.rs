//! The import that a run was, as it was typed: where to, which files, which flags.

use std::path::{Path, PathBuf};

use clap::Parser;

use super::super::args::{Cli, Command, Global, ImportArgs};
use super::super::connect::{Connected, Target, same_tenant};
use crate::config::{FILE_NAME, StateFolder};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, Run, RunInfo, RunLocks};
use crate::mapping::{Mapping, Reach};
use crate::systems::SystemName;

/// The import of a run with its paths made absolute, and the global flags with its configuration.
pub(in crate::cli) struct Typed {
    pub(in crate::cli) args: ImportArgs,
    pub(in crate::cli) global: Global,
}

/// What all attempts at a run say of `--where`; `None` where they differ: then it leaves out no row of the run.
pub(in crate::cli) fn condition(run: &Run, global: &Global) -> Option<String> {
    let typed = run.attempts().iter();
    let typed = typed.filter_map(|attempt| Typed::of(attempt, global).ok());
    let mut all = typed.map(|typed| typed.args.condition);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first).flatten()
}

impl Typed {
    /// Reads what the ledger keeps of a run.
    ///
    /// # Errors
    /// When it keeps nothing: the run was made by an older version, or was purged.
    pub(in crate::cli) fn of(run: &RunInfo, global: &Global) -> Result<Self> {
        let forgotten = || {
            let error = Error::usage(format!(
                "the ledger does not know how run `{}` was started",
                run.code
            ));
            if run.meta.command == super::adopt::COMMAND {
                return Error::usage(format!(
                    "run `{}` learned what was there already, and made nothing itself",
                    run.code
                ));
            }
            match run.meta.command.is_empty() {
                true => error.hint("its data was purged: give the file and the mapping to `deskferry import` again"),
                false => error.hint(format!("an older version made it; this goes on there: {}", run.meta.command)),
            }
        };
        let cli = Cli::try_parse_from(&run.meta.arguments).map_err(|_| forgotten())?;
        let Command::Import(args) = cli.command else {
            return Err(forgotten());
        };
        let mut args = *args;
        let folder = Path::new(&run.meta.folder);
        let absolute = |path: &mut PathBuf| {
            if *path != Path::new("-") {
                *path = shorter(folder.join(&path));
            }
        };
        args.inputs.iter_mut().for_each(absolute);
        absolute(&mut args.mapping);
        args.directory.iter_mut().for_each(absolute);
        let mut global = global.clone();
        global.config = (global.config.take())
            .or_else(|| cli.global.config.map(|path| folder.join(path)))
            .or_else(|| config_beside(folder));
        global.trust |= cli.global.trust;
        Ok(Self { args, global })
    }

    /// The mapping, which must still be there.
    pub(in crate::cli) fn mapping(&self) -> Result<Mapping> {
        Mapping::load(&self.args.mapping, Reach::told(self.global.trust))
    }

    /// Where the run went.
    pub(in crate::cli) fn target(&self) -> Result<Target> {
        Target::choose(&self.args.target, &[], false, &self.global)
    }
}

/// The connection of a run, signed in, to the tenant that it went to.
pub(in crate::cli) async fn connect(
    run: &RunInfo,
    typed: &Typed,
    target: &Target,
    state: &StateFolder,
) -> Result<Connected> {
    let system = SystemName::parse(&run.system)
        .ok_or_else(|| Error::usage(format!("there is no system `{}`", run.system)))?;
    if let Some(other) = target.system().filter(|other| *other != system) {
        return Err(Error::usage(format!(
            "run `{}` went to `{system}`, but the profile `{}` is of `{other}` now",
            run.code,
            target.name()
        )));
    }
    let concurrency = (typed.args.concurrency)
        .and_then(|typed| usize::try_from(typed).ok())
        .unwrap_or_else(|| target.concurrency());
    let insecure = typed.args.target.insecure_http;
    let connected = Connected::open(target, system, insecure, concurrency, state).await?;
    let same = same_tenant(run, &connected.system.account().tenant, target.name());
    if let Err(error) = same {
        connected.close().await?;
        return Err(error);
    }
    Ok(connected)
}

/// The right to change what the ledger knows of a run's scope, and to send to its tenant.
pub(in crate::cli) fn lock(
    run: &RunInfo,
    target: Option<&Target>,
    ledger: &Ledger,
) -> Result<RunLocks> {
    let token = target.map(Target::token_name);
    ledger.lock(&run.system, &run.tenant, &run.scope, token.as_deref())
}

/// The path as it is typed from here, where that is possible: messages and error files are read by people.
pub(in crate::cli) fn shorter(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(short) if !here.as_os_str().is_empty() => short.to_owned(),
        _ => path,
    }
}

/// The configuration that the run found from its folder.
fn config_beside(folder: &Path) -> Option<PathBuf> {
    if folder.as_os_str().is_empty() {
        return None;
    }
    folder
        .ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.is_file())
}
