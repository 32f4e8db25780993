//! What is told of the command line outside of it: completions, manual pages, the reference page. All of it is made from the
//! arguments themselves.

use std::path::Path;

use clap_complete::Shell;

use super::args::{ManArgs, command};
use super::output::{Output, write_failed};
use crate::error::{Error, ExitCode, Result};
use crate::outfile;

/// `deskferry completions SHELL`
pub(super) fn completions(shell: Shell, path: Option<&Path>, output: Output) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "deskferry", &mut text);
    output.text(path, String::from_utf8_lossy(&text).trim_end())?;
    Ok(ExitCode::Done)
}

/// `deskferry man`
pub(super) fn man(args: &ManArgs, output: Output) -> Result<ExitCode> {
    match &args.output {
        None => {
            let text = page(&whole()).map_err(write_failed)?;
            output.data(String::from_utf8_lossy(&text).trim_end())?;
        }
        Some(folder) => {
            pages(folder)?;
            output.say(&format!("  written    {}", folder.display()));
        }
    }
    Ok(ExitCode::Done)
}

/// A page for every command.
fn pages(folder: &Path) -> Result<()> {
    fn write(command: &clap::Command, folder: &Path) -> std::io::Result<()> {
        for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            write(subcommand, folder)?;
        }
        let name = clap_mangen::Man::new(command.clone()).get_filename();
        outfile::replace(
            &folder.join(name),
            &page(command)?,
            outfile::Readers::AsUsual,
        )
    }
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let written = std::fs::create_dir_all(folder).and_then(|()| write(&command, folder));
    written.map_err(|error| {
        Error::machine("cannot write the manual pages")
            .at(folder.display())
            .caused_by(error)
    })
}

/// The page of a command: what its help says, then the exit codes and the variables, which are those of all commands.
fn page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    // What follows the flags is examples.
    let text = String::from_utf8_lossy(&text).replace("\n.SH EXTRA\n", "\n.SH EXAMPLES\n");
    let (before, after) = text.split_at(text.find("\n.SH VERSION\n").unwrap_or(text.len()));
    let codes = ExitCode::MEANINGS.map(|(code, meaning)| ((code as u8).to_string(), meaning));
    let variables = VARIABLES.map(|(name, meaning)| (name.to_owned(), meaning));
    let (codes, variables) = (
        section("EXIT STATUS", &codes),
        section("ENVIRONMENT", &variables),
    );
    Ok(format!(
        "{}{codes}{variables}{}\n",
        before.trim_end(),
        after.trim_end()
    )
    .into_bytes())
}

/// A section of a manual page: terms with what they mean.
fn section(title: &str, terms: &[(String, &str)]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\e").replace('-', "\\-");
    let mut text = format!("\n.SH \"{title}\"");
    for (term, meaning) in terms {
        text.push_str(&format!(
            "\n.TP\n\\fB{}\\fR\n{}",
            escaped(term),
            escaped(meaning)
        ));
    }
    text
}

/// The variables that the program reads.
const VARIABLES: [(&str, &str); 8] = [
    (
        "DESKFERRY_PROFILE",
        "The profile where --profile names none. Commands that write take it only where they ask for a confirmation.",
    ),
    (
        "DESKFERRY_CONFIG",
        "The configuration file, as --config names it.",
    ),
    (
        "DESKFERRY_STATE",
        "The folder of ledger, directory cache and sandbox data, as --state names it.",
    ),
    (
        "DESKFERRY_LOG",
        "What is logged, as a filter of tracing: deskferry=debug.",
    ),
    (
        "DESKFERRY_SANDBOX_ADMIN_TOKEN",
        "The bearer that /_sandbox of `deskferry sandbox` wants, as --admin-token names it.",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY, HTTP_PROXY",
        "The proxy, unless the profile names one. HTTP_PROXY is for plain http alone.",
    ),
    ("NO_COLOR", "No colours where it is set."),
    (
        "TZ",
        "The time zone of this machine, in which times are shown.",
    ),
];

/// The command with all that follows from its subcommands.
fn whole() -> clap::Command {
    let mut command = command();
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
        if let Some(examples) = command.get_after_help() {
            let _ = write!(text, "\n```text\n{examples}\n```\n");
        }
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
            clap_complete::generate(shell, &mut command(), "deskferry", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(
                text.contains("schedule") && text.contains("mapping"),
                "{shell}"
            );
            // Values too, where a shell can offer some.
            if !matches!(shell, Shell::Elvish | Shell::PowerShell) {
                for value in [
                    "sandbox:clearfeed",
                    "last-week",
                    "custom_field",
                    "set_status",
                ] {
                    let plain = text.replace('\\', "");
                    assert!(plain.contains(value), "{shell}: {value}");
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        pages(folder.path()).unwrap();
        for page in [
            "deskferry.1",
            "deskferry-import.1",
            "deskferry-schedule-add.1",
        ] {
            let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
            let sections = [
                ".SH \"EXIT STATUS\"",
                ".SH ENVIRONMENT",
                ".SH \"ENVIRONMENT\"",
            ];
            let held = sections.iter().filter(|section| text.contains(**section));
            assert_eq!(held.count(), 2, "{text}");
            for told in ["\\fB130\\fR", "interrupted", "DESKFERRY_STATE", "NO_COLOR"] {
                assert!(text.contains(told), "{page}: {told}");
            }
            assert!(!text.contains(".SH EXTRA"), "{page}");
        }
    }
}
