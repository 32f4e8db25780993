//! A program that was started: what it prints goes to the log, and it is stopped politely first.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::log::Log;
use crate::run::{Shutdown, Stop};

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
    let mut group = Group::of(&child);
    let (mut data, mut last_line) = (Vec::new(), None);
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let mut obeyed = Shutdown::None;
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
                        Shutdown::Abort => group.kill(&mut child)?,
                        Shutdown::None | Shutdown::Drain => group.ask_to_stop(),
                    }
                }
            }
        };
        // What it left behind in its group ends with it: first it is asked.
        group.end();
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
        stopped: obeyed > Shutdown::None,
    })
}

/// Waits until more is wanted than was obeyed.
async fn more_than(obeyed: Shutdown, stop: &mut Stop) -> Shutdown {
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

/// A program that was started, and all that it started in turn. It ends when this is dropped, whatever became of the
/// waiting: a command that takes too long, or leaves something behind, does not outlive its run.
#[cfg(unix)]
struct Group(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    /// The group that a child leads.
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    /// By a signal that is heard also where a Ctrl-C is not, as by what a script starts in the background.
    fn ask_to_stop(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn kill(&mut self, _child: &mut Child) -> io::Result<()> {
        self.signal(rustix::process::Signal::KILL);
        Ok(())
    }

    /// A shell makes what it starts in the background deaf to Ctrl-C, so it is asked in another way.
    fn end(&mut self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(leader) = self.0 {
            // It may just have ended by itself.
            let _ = rustix::process::kill_process_group(leader, signal);
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
    }
}

/// A Job object holds the program and all that it starts in turn. When its handle is closed, by us or because we are gone,
/// all of it ends. The Ctrl-C of a console reaches a program without us; there is no other way to ask politely.
#[cfg(windows)]
struct Group(Option<win32job::Job>);

#[cfg(windows)]
impl Group {
    /// Puts a child into a job. Without one it is ended alone, as far as that goes.
    fn of(child: &Child) -> Self {
        let mut limits = win32job::ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = win32job::Job::create_with_limit_info(&limits);
        let held = job.ok().filter(|job| {
            let handle = child.raw_handle();
            handle.is_some_and(|handle| job.assign_process(handle as isize).is_ok())
        });
        if held.is_none() {
            tracing::warn!("what a program starts in turn may outlive it: it is in no job");
        }
        Self(held)
    }

    fn ask_to_stop(&self) {}

    fn kill(&mut self, child: &mut Child) -> io::Result<()> {
        self.end();
        child.start_kill()
    }

    fn end(&mut self) {
        drop(self.0.take());
    }
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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use tokio::sync::watch;

    use super::*;

    async fn run_shell(text: &str, going: Vec<Shutdown>) -> (Ended, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let mut log = Log::open(&path, TimeZone::UTC).unwrap();
        let (sender, mut stop) = watch::channel(Shutdown::None);
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
        let polite = "trap '' INT; trap 'echo bye >&2; exit 130' TERM; : > \"$READY\"; while :; do sleep 0.02; done";
        let (ended, log) = run_shell(polite, vec![Shutdown::Drain]).await;
        assert_eq!(ended.status.code(), Some(130));
        assert!(ended.stopped && log.contains("bye"), "{log}");
        let stubborn = "trap ': > \"$READY\"' TERM; : > \"$READY\"; while :; do sleep 0.02; done";
        let (ended, _) = run_shell(stubborn, vec![Shutdown::Drain, Shutdown::Abort]).await;
        assert_eq!(ended.status.code(), None);
        assert!(ended.stopped);
    }

    /// Whether a process lives; its number is in a file that it wrote itself.
    async fn lives(path: &std::path::Path) -> bool {
        let number = std::fs::read_to_string(path).unwrap();
        let number = rustix::process::Pid::from_raw(number.trim().parse().unwrap()).unwrap();
        // One that has ended stays in the table until its parent asks for it, which on some machines nobody does.
        let is_over = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", number.as_raw_nonzero()));
            stat.is_ok_and(|stat| {
                stat.rsplit_once(") ")
                    .is_some_and(|(_, rest)| rest.starts_with('Z'))
            })
        };
        for _ in 0..100 {
            if rustix::process::test_kill_process(number).is_err() || is_over() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    #[tokio::test]
    async fn what_a_command_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let number = folder.path().join("number");
        let behind = format!(
            "sleep 60 >/dev/null 2>&1 & echo $! > '{}'",
            number.display()
        );
        // It ends by itself, it is stopped, and nobody waits for it any longer.
        let (ended, _) = run_shell(&behind, Vec::new()).await;
        assert_eq!(ended.status.code(), Some(0));
        assert!(!lives(&number).await);
        let waits = format!("{behind}; : > \"$READY\"; wait");
        let (ended, _) = run_shell(&waits, vec![Shutdown::Drain]).await;
        assert!(ended.stopped);
        assert!(!lives(&number).await);
        let endless = format!("{behind}; wait");
        let late = tokio::time::timeout(Duration::from_secs(1), run_shell(&endless, Vec::new()));
        assert!(late.await.is_err());
        assert!(!lives(&number).await);
    }
}
