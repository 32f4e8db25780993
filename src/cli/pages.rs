//! What is told of the command line outside of it: completions, manual pages, the reference page. All of it is made from the
//! arguments themselves.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::{Cli, ManArgs};
use super::output::{Output, write_failed};
use crate::error::{Error, ExitCode, Result};
use crate::outfile;

/// `deskferry completions SHELL`
pub(super) fn completions(shell: Shell, path: Option<&Path>, output: Output) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "deskferry", &mut text);
    output.text(path, String::from_utf8_lossy(&text).trim_end())?;
    Ok(ExitCode::Done)
}

/// `deskferry man`
pub(super) fn man(args: &ManArgs, output: Output) -> Result<ExitCode> {
    match &args.output {
        None => {
            let mut text = Vec::new();
            let page = clap_mangen::Man::new(whole());
            page.render(&mut text).map_err(write_failed)?;
            output.data(String::from_utf8_lossy(&text).trim_end())?;
        }
        Some(folder) => pages(folder)?,
    }
    Ok(ExitCode::Done)
}

/// A page for every command.
fn pages(folder: &Path) -> Result<()> {
    fn write(command: &clap::Command, folder: &Path) -> std::io::Result<()> {
        for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            write(subcommand, folder)?;
        }
        let page = clap_mangen::Man::new(command.clone());
        let mut text = Vec::new();
        page.render(&mut text)?;
        let path = folder.join(page.get_filename());
        outfile::replace(&path, &text, outfile::Readers::AsUsual)
    }
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let written = std::fs::create_dir_all(folder).and_then(|()| write(&command, folder));
    written.map_err(|error| {
        Error::machine("cannot write the manual pages")
            .at(folder.display())
            .caused_by(error)
    })
}

/// The command with all that follows from its subcommands.
fn whole() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The page `docs/cli.md`: what `--help` says, command by command.
    fn reference() -> String {
        let mut text = String::from(
            "# The command line\n\nThis page is made from the program: it is what `--help` says. Flags of every command stand at its end.\n",
        );
        let mut command = whole();
        let general: Vec<clap::Id> = command
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().clone())
            .collect();
        for subcommand in command
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
        {
            write_command(&mut text, subcommand, 2, &general);
        }
        let flags = command
            .clone()
            .mut_subcommands(|subcommand| subcommand.hide(true))
            .term_width(100)
            .render_long_help();
        let flags = flags.to_string();
        let from = flags.find("For every command:").unwrap();
        let _ = write!(
            text,
            "\n## Flags of every command\n\n```text\n{}\n```\n",
            flags[from..].trim_end()
        );
        text
    }

    fn write_command(
        text: &mut String,
        command: &mut clap::Command,
        depth: usize,
        general: &[clap::Id],
    ) {
        let name = command
            .get_bin_name()
            .unwrap_or(command.get_name())
            .to_owned();
        let _ = write!(text, "\n{} `{name}`\n\n", "#".repeat(depth));
        let below: Vec<String> = command
            .get_subcommands()
            .map(|one| one.get_name().to_owned())
            .filter(|one| one != "help")
            .collect();
        if below.is_empty() {
            let mut alone = command.clone().term_width(100);
            for id in general {
                alone = alone.mut_arg(id, |argument| argument.hide(true));
            }
            let help = alone.render_long_help().to_string();
            let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
            let _ = write!(text, "```text\n{}\n```\n", lines.join("\n").trim_end());
            return;
        }
        let _ = writeln!(
            text,
            "{}: {}.",
            command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default(),
            below.join(", ")
        );
        for subcommand in command
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
        {
            write_command(text, subcommand, depth + 1, general);
        }
    }

    /// To write it anew: `DESKFERRY_WRITE_DOCS=1 cargo test the_reference_page_is_the_help`.
    #[test]
    fn the_reference_page_is_the_help() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
        // What this terminal's variables hold is no part of it.
        let now = reference();
        if std::env::var_os("DESKFERRY_WRITE_DOCS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            page.replace("\r\n", "\n") == now,
            "docs/cli.md is not what --help says: write it anew with DESKFERRY_WRITE_DOCS=1"
        );
    }

    #[test]
    fn every_shell_and_every_command_is_served() {
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "deskferry", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(
                text.contains("schedule") && text.contains("mapping"),
                "{shell}"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        pages(folder.path()).unwrap();
        for page in [
            "deskferry.1",
            "deskferry-import.1",
            "deskferry-schedule-add.1",
        ] {
            assert!(folder.path().join(page).exists(), "{page}");
        }
    }
}
