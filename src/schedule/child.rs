//! A program that was started: what it prints goes to the log, and it is stopped politely first.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::log::Log;
use crate::run::{Going, Stop};

/// So much of what it prints as data is kept: a document, no stream.
const MOST_DATA: u64 = 1 << 20;
/// So much of one line is read at once.
const LONGEST_LINE: u64 = 64 << 10;
/// A program that has ended may have left one behind that still holds its output: it is not waited for.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its status.
    pub(super) status: ExitStatus,
    /// What it printed on standard output.
    pub(super) data: Vec<u8>,
    /// The last line on standard error that is not empty.
    pub(super) last_line: Option<String>,
    /// Whether it was asked to stop.
    pub(super) stopped: bool,
}

/// Runs a program to its end; standard input must be settled already.
///
/// # Errors
/// When it cannot be started or watched.
pub(super) async fn run(
    command: &mut Command,
    log: &mut Log,
    stop: &mut Stop,
) -> io::Result<Ended> {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A Ctrl-C of the terminal would reach it too, and be its second one after ours.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let (mut data, mut last_line) = (Vec::new(), None);
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let mut obeyed = Going::On;
    let status = {
        let reading = async {
            tokio::join!(keep(output, &mut data), copy(errors, log, &mut last_line));
        };
        tokio::pin!(reading);
        let mut read = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = &mut reading, if !read => read = true,
                going = more_than(obeyed, stop) => {
                    obeyed = going;
                    match going {
                        Going::Abort => kill(&mut child)?,
                        Going::On | Going::Drain => ask_to_stop(&child),
                    }
                }
            }
        };
        if !read {
            // What is still unread after that belongs to somebody else.
            let _ = tokio::time::timeout(AFTERWARDS, reading).await;
        }
        status
    };
    Ok(Ended {
        status,
        data,
        last_line,
        stopped: obeyed > Going::On,
    })
}

/// Waits until more is wanted than was obeyed.
async fn more_than(obeyed: Going, stop: &mut Stop) -> Going {
    loop {
        let now = *stop.borrow_and_update();
        if now > obeyed {
            return now;
        }
        if stop.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
fn ask_to_stop(child: &Child) {
    signal(child, rustix::process::Signal::INT);
}

#[cfg(unix)]
fn kill(child: &mut Child) -> io::Result<()> {
    signal(child, rustix::process::Signal::KILL);
    Ok(())
}

/// It leads a group of its own: what it started hears the signal too.
#[cfg(unix)]
fn signal(child: &Child, signal: rustix::process::Signal) {
    use rustix::process::{Pid, kill_process_group};
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        // It may just have ended by itself.
        let _ = kill_process_group(pid, signal);
    }
}

// The Ctrl-C of a console reaches it without us; there is no other way to ask politely.
#[cfg(not(unix))]
fn ask_to_stop(_child: &Child) {}

#[cfg(not(unix))]
fn kill(child: &mut Child) -> io::Result<()> {
    child.start_kill()
}

/// Keeps the beginning of what comes, and reads the rest too, so that the program is not held up.
async fn keep(output: Option<impl AsyncRead + Unpin>, data: &mut Vec<u8>) {
    let Some(mut output) = output else { return };
    // What cannot be read was not printed.
    let _ = (&mut output).take(MOST_DATA).read_to_end(data).await;
    let _ = tokio::io::copy(&mut output, &mut tokio::io::sink()).await;
}

async fn copy(errors: Option<impl AsyncRead + Unpin>, log: &mut Log, last: &mut Option<String>) {
    let Some(errors) = errors else { return };
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut errors)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(bytes) if bytes > 0) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            log.line(text);
            *last = Some(text.to_owned());
        }
    }
}

/// The words of a user, to be run by the shell of the platform: they are written for it, with pipes and variables.
pub(super) fn shell(text: &str) -> Command {
    #[cfg(windows)]
    {
        let mut command = Command::new("cmd");
        command
            .args(["/D", "/S", "/C"])
            .raw_arg(format!("\"{text}\""));
        command
    }
    #[cfg(not(windows))]
    {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }
}

#[cfg(all(test, unix))]
mod tests {
    use jiff::tz::TimeZone;
    use tokio::sync::watch;

    use super::*;

    async fn run_shell(text: &str, going: Vec<Going>) -> (Ended, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let mut log = Log::open(&path, TimeZone::UTC).unwrap();
        let (sender, mut stop) = watch::channel(Going::On);
        // It is stopped when it says that it is ready, in a file.
        let mut command = shell(text);
        command
            .stdin(Stdio::null())
            .env("READY", folder.path().join("ready"));
        let running = run(&mut command, &mut log, &mut stop);
        let stopping = async {
            for going in going {
                while !folder.path().join("ready").exists() {
                    tokio::task::yield_now().await;
                }
                std::fs::remove_file(folder.path().join("ready")).unwrap();
                sender.send(going).unwrap();
            }
        };
        let (ended, ()) = tokio::join!(running, stopping);
        (ended.unwrap(), std::fs::read_to_string(&path).unwrap())
    }

    #[tokio::test]
    async fn data_and_messages_are_kept_apart() {
        let (ended, log) = run_shell(
            "echo data; echo one >&2; echo two >&2; echo >&2; exit 3",
            Vec::new(),
        )
        .await;
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(ended.data, b"data\n");
        assert_eq!(ended.last_line.as_deref(), Some("two"));
        assert!(!ended.stopped);
        assert!(log.contains("  one\n") && log.ends_with("  two\n"), "{log}");
    }

    #[tokio::test]
    async fn the_first_stop_asks_and_the_second_kills() {
        let polite =
            "trap 'echo bye >&2; exit 130' INT; : > \"$READY\"; while :; do sleep 0.02; done";
        let (ended, log) = run_shell(polite, vec![Going::Drain]).await;
        assert_eq!(ended.status.code(), Some(130));
        assert!(ended.stopped && log.contains("bye"), "{log}");
        let stubborn = "trap ': > \"$READY\"' INT; : > \"$READY\"; while :; do sleep 0.02; done";
        let (ended, _) = run_shell(stubborn, vec![Going::Drain, Going::Abort]).await;
        assert_eq!(ended.status.code(), None);
        assert!(ended.stopped);
    }
}
