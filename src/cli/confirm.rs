//! The confirmation before the first write to a live profile: what is about to happen, and the name typed.

use std::io::{BufRead, IsTerminal, Write};

use crate::error::{Error, ErrorKind, Result};

/// Says `about`, and asks for the profile's name unless `given` confirms it already.
///
/// # Errors
/// Without a terminal and without `--confirm`, or when another name is typed.
pub(super) fn confirm(profile: &str, about: &str, given: Option<&str>) -> Result<()> {
    eprintln!("{about}");
    match given {
        Some(name) if name == profile => return Ok(()),
        Some(name) => {
            return Err(Error::usage(format!(
                "--confirm names `{name}`, but this goes to `{profile}`"
            ))
            .hint(format!("nothing was sent; to go on: --confirm {profile}")));
        }
        None => {}
    }
    if !std::io::stdin().is_terminal() {
        return Err(Error::usage(format!(
            "the first write to the live profile `{profile}` needs a confirmation"
        ))
        .hint(format!(
            "nothing was sent; add --confirm {profile} where there is no terminal to ask on"
        ))
        .hint("try it first with --dry-run, or with --sandbox"));
    }
    eprint!("  type the profile's name to go on: ");
    let failed = |error| Error::machine("cannot read the confirmation").caused_by(error);
    std::io::stderr().flush().map_err(failed)?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    if line.trim() == profile {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!("`{}` is not `{profile}`, nothing was sent", line.trim()),
    ))
}
