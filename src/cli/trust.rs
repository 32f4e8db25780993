//! The configuration of a command: found or named, and confirmed once where it runs, reads or speaks to something.

use std::io::IsTerminal;
use std::path::Path;

use super::args::Global;
use super::confirm::yes_or_no;
use super::output::stderr_text;
use crate::config::{CHECKS_RIGHTS, Config, Origin, StateFolder, Trusted};
use crate::error::{Error, Result};
use crate::systems::examine::Finding;

/// Reads the configuration that holds in a folder. Nothing that it names is run, read or reached before it is trusted.
///
/// # Errors
/// When it cannot be read, others can change it, or it is not confirmed.
pub(super) fn configuration(
    named: Option<&Path>,
    folder: &Path,
    global: &Global,
) -> Result<Config> {
    let config = Config::load(named, folder)?;
    if config.origin != Origin::Found || config.path.is_none() {
        return Ok(config);
    }
    let trusted = Trusted::of(&StateFolder::open(global.state.as_deref())?);
    if trusted.knows(&config) {
        return Ok(config);
    }
    let open = trusted.open_points(&config);
    if !open.is_empty() && !global.trust {
        ask(&config, &open)?;
    }
    trusted.remember(&config).map_err(|error| {
        Error::machine("what you trust cannot be kept in the state folder").caused_by(error)
    })?;
    Ok(config)
}

fn ask(config: &Config, open: &[String]) -> Result<()> {
    let path = config.path.as_deref().unwrap_or(Path::new(""));
    let shown = path.display();
    if !std::io::stdin().is_terminal() {
        let error = Error::usage("the configuration was found, not named, and is not trusted yet; nothing was run or sent")
            .at(&shown);
        let error = open
            .iter()
            .fold(error, |error, line| error.hint(format!("it {line}")));
        return Err(error.hint("look at it, then add --trust once, or name it with --config FILE"));
    }
    let lines: Vec<String> = open.iter().map(|line| format!("    {line}\n")).collect();
    stderr_text(&format!(
        "  `{shown}` was found here and is new, or has changed. It\n{}",
        lines.concat()
    ));
    match yes_or_no("Do you trust it? [y/N] ")? {
        true => Ok(()),
        false => Err(
            Error::usage("the configuration is not trusted; nothing was run or sent")
                .at(shown)
                .hint("name another one with --config FILE, or rehearse with --sandbox"),
        ),
    }
}

/// What `doctor` says about the configuration.
pub(super) fn finding(config: &Config) -> Finding {
    let Some(path) = &config.path else {
        return Finding::ok("configuration", "there is none");
    };
    let how = match (config.origin, CHECKS_RIGHTS) {
        (Origin::Named, _) => "named by --config or DESKFERRY_CONFIG",
        (Origin::Own, true) => "in your configuration folder; nobody else can change it",
        (Origin::Found, true) => "found and trusted; nobody else can change it",
        (Origin::Own, false) => {
            "in your configuration folder; who else can change it is not checked on this system"
        }
        (Origin::Found, false) => {
            "found and trusted; who else can change it is not checked on this system"
        }
    };
    Finding::ok("configuration", format!("{} ({how})", path.display()))
}
