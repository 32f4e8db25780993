//! Changing the machine: what was rendered is put where its scheduler looks, and taken away again.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Installed, Places, Rendered, cron, launchd, systemd, windows};
use crate::error::{Error, Result};
use crate::outfile;
use crate::schedule::Name;

/// Whether something lies in the way that this program did not put there for this schedule.
pub fn is_foreign(rendered: &Rendered, state: &Path) -> bool {
    let state = state.to_string_lossy();
    let ours = |text: String| text.contains("deskferry") && text.contains(&*state);
    let mut paths = rendered.parts.iter().filter_map(|part| part.path.as_ref());
    // Each of the files that names the state folder does so as plain text, or it holds signs that are rare in paths.
    paths.any(|path| {
        let names_state = path
            .extension()
            .is_some_and(|extension| extension != "timer");
        names_state && std::fs::read_to_string(path).is_ok_and(|text| !ours(text))
    })
}

/// Installs what was rendered.
///
/// # Errors
/// When a file cannot be written or the scheduler refuses it.
pub fn apply(kind: Installed, rendered: &Rendered, name: &Name, state: &Path) -> Result<()> {
    for part in &rendered.parts {
        if let Some(path) = &part.path {
            write(path, &part.text)?;
        }
    }
    match kind {
        Installed::Systemd => {
            tool(&["systemctl", "--user", "daemon-reload"], None)?;
            let timer = systemd::unit(name, "timer");
            tool(&["systemctl", "--user", "enable", "--now", &timer], None)?;
        }
        Installed::Cron => {
            let marker = cron::marker(name, &state.to_string_lossy());
            let (mut crontab, _) = cron::without(&crontab()?, &marker);
            for part in &rendered.parts {
                crontab.push_str(&part.text);
            }
            tool(&["crontab", "-"], Some(&crontab))?;
        }
        Installed::Launchd => {
            // One that is loaded already goes first; there mostly is none.
            let _ = tool(&["launchctl", "bootout", &target(name)], None);
            for path in rendered.parts.iter().filter_map(|part| part.path.as_ref()) {
                let path = path.to_string_lossy();
                patiently(
                    || tool(&["launchctl", "bootstrap", &domain(), &path], None),
                    std::thread::sleep,
                )?;
            }
        }
        Installed::TaskScheduler => {
            for part in &rendered.parts {
                let file = utf16(&part.text).map_err(|error| {
                    Error::machine("cannot write a temporary file").caused_by(error)
                })?;
                let path = file.to_string_lossy().into_owned();
                let task = windows::task(name);
                tool(
                    &["schtasks", "/Create", "/TN", &task, "/XML", &path, "/F"],
                    None,
                )?;
            }
        }
    }
    Ok(())
}

/// Takes away what was installed; what is gone already is no error.
///
/// # Errors
/// When the scheduler keeps it.
pub fn take_away(kind: Installed, name: &Name, state: &Path, places: &Places) -> Result<()> {
    match kind {
        Installed::Systemd => {
            let timer = systemd::file(name, "timer", places);
            if timer.exists() {
                let unit = systemd::unit(name, "timer");
                tool(&["systemctl", "--user", "disable", "--now", &unit], None)?;
            }
            delete(&timer)?;
            delete(&systemd::file(name, "service", places))?;
            tool(&["systemctl", "--user", "daemon-reload"], None)?;
        }
        Installed::Cron => {
            let marker = cron::marker(name, &state.to_string_lossy());
            let (crontab, found) = cron::without(&crontab()?, &marker);
            if found {
                tool(&["crontab", "-"], Some(&crontab))?;
            }
        }
        Installed::Launchd => {
            let file = launchd::file(name, places);
            if file.exists() {
                // One that is not loaded is told as an error, and is gone with its file.
                let _ = tool(&["launchctl", "bootout", &target(name)], None);
            }
            delete(&file)?;
        }
        Installed::TaskScheduler => {
            let task = windows::task(name);
            if tool(&["schtasks", "/Query", "/TN", &task], None).is_ok() {
                tool(&["schtasks", "/Delete", "/TN", &task, "/F"], None)?;
            }
        }
    }
    Ok(())
}

/// The user's crontab; only where the program says that there is none it is empty: it is written back whole.
fn crontab() -> Result<String> {
    match tool(&["crontab", "-l"], None) {
        Err(error) if error.to_string().contains("no crontab") => Ok(String::new()),
        crontab => crontab,
    }
}

#[cfg(unix)]
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn domain() -> String {
    "gui".to_owned()
}

fn target(name: &Name) -> String {
    format!("{}/{}", domain(), launchd::label(name))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        outfile::replace(path, text.as_bytes(), outfile::Readers::AsUsual)
    };
    write().map_err(|error: std::io::Error| {
        Error::machine("cannot write what is to be installed")
            .at(path.display())
            .caused_by(error)
    })
}

fn delete(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::machine("cannot take away what was installed")
                .at(path.display())
                .caused_by(error))
        }
        _ => Ok(()),
    }
}

/// A temporary file as the Task Scheduler wants it.
fn utf16(text: &str) -> std::io::Result<tempfile::TempPath> {
    let mut file = tempfile::NamedTempFile::new()?;
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    file.write_all(&bytes)?;
    // The Task Scheduler opens it while it is open here only if it is closed.
    Ok(file.into_temp_path())
}

/// The pauses before launchd is asked once more.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// `bootout` answers before launchd has let a service go; until then `bootstrap` is refused with *Input/output error* (5),
/// *Operation already in progress* (37) or *Service is disabled or in progress*.
fn patiently(
    mut attempt: impl FnMut() -> Result<String>,
    mut pause: impl FnMut(Duration),
) -> Result<String> {
    for before in PAUSES {
        match attempt() {
            Err(error) if is_on_its_way_out(&error.to_string()) => pause(before),
            ended => return ended,
        }
    }
    attempt()
}

fn is_on_its_way_out(said: &str) -> bool {
    [
        "Bootstrap failed: 5:",
        "Bootstrap failed: 37:",
        "already in progress",
        "Input/output error",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// Runs a program of the machine and gives what it printed.
fn tool(words: &[&str], input: Option<&str>) -> Result<String> {
    let shown = words.join(" ");
    let failed = |what: String| Error::machine(format!("`{shown}` {what}"));
    let broken = |error| failed("cannot be run".to_owned()).caused_by(error);
    let [program, arguments @ ..] = words else {
        return Err(failed("is empty".to_owned()));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(text.as_bytes()).map_err(broken)?;
    }
    let output = child.wait_with_output().map_err(broken)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = format!("{} {}", text(&output.stdout), text(&output.stderr));
        Err(failed(format!(
            "ended with {}: {}",
            output.status,
            said.trim()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchd_is_asked_again_while_it_lets_the_old_service_go() {
        let busy = || {
            Error::machine(
                "`launchctl bootstrap` ended with exit status: 5: Bootstrap failed: 5: Input/output error",
            )
        };
        let (mut tries, mut paused) = (0, Duration::ZERO);
        let ended = patiently(
            || {
                tries += 1;
                match tries {
                    3 => Ok(String::new()),
                    _ => Err(busy()),
                }
            },
            |pause| paused += pause,
        );
        assert!(ended.is_ok() && paused == PAUSES[0] + PAUSES[1]);
        tries = 0;
        let refused = patiently(
            || {
                tries += 1;
                Err(Error::machine(
                    "`launchctl bootstrap` ended with exit status: 1: no such file",
                ))
            },
            |_| {},
        );
        assert!(refused.is_err() && tries == 1);
    }
}
