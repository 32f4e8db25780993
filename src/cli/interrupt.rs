//! Ctrl-C: once drains, twice stops, and whatever still hangs then does not keep the program alive. So does all else by which
//! a machine asks programs to end: SIGTERM, a terminal that is closed (SIGHUP), and on Windows Ctrl-Break, a closed window,
//! a logoff and a shutdown.
//!
//! Signals are heard on a thread of their own, so that nothing that keeps the other threads busy is in their way. It ends
//! with the program.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::end::Force;
use crate::error::{Error, Result};
use crate::run::{Shutdown, Stop};

/// How long a command that was told twice to stop may still write what it knows. A third signal does not wait.
const LAST: Duration = Duration::from_secs(5);

/// What of the command hears signals now; between two parts that do, a signal ends the program at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Hearing(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// Whether the thread of the signals runs.
    listens: bool,
    /// How far the parts that have ended were asked to stop.
    before: Shutdown,
    part: Option<Arc<watch::Sender<Shutdown>>>,
}

impl Hearing {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens for Ctrl-C and its like until it is dropped.
pub(super) struct Interrupts {
    stop: Stop,
    part: Arc<watch::Sender<Shutdown>>,
    hearing: Hearing,
}

impl Interrupts {
    /// Starts to listen. Until here a signal ends the program at once.
    ///
    /// # Errors
    /// When no handler can be installed.
    pub(super) fn listen(force: &Force) -> Result<Self> {
        let failed =
            |error: std::io::Error| Error::machine("cannot listen for Ctrl-C").caused_by(error);
        let hearing = force.hearing.clone();
        let (listens, part, stop) = {
            let mut heard = hearing.lock();
            // What came when a part was about to end is heard by the next one.
            let (sender, stop) = watch::channel(heard.before);
            let part = Arc::new(sender);
            heard.part = Some(Arc::clone(&part));
            (std::mem::replace(&mut heard.listens, true), part, stop)
        };
        if !listens {
            let (ready, installed) = mpsc::channel();
            let force = force.clone();
            thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || hear(&force, &ready))
                .map_err(failed)?;
            match installed.recv() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(failed(error)),
                Err(_) => return Err(Error::machine("cannot listen for Ctrl-C")),
            }
        }
        Ok(Self {
            stop,
            part,
            hearing,
        })
    }

    /// What the run looks at.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        let mut heard = self.hearing.lock();
        heard.before = heard.before.max(*self.part.borrow());
        // Another part may hear by now.
        if (heard.part.as_ref()).is_some_and(|part| Arc::ptr_eq(part, &self.part)) {
            heard.part = None;
        }
    }
}

fn hear(force: &Force, ready: &mpsc::Sender<std::io::Result<()>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let mut signals = match signals() {
            Ok(signals) => signals,
            Err(error) => return drop(ready.send(Err(error))),
        };
        // Who asked for it waits for the answer.
        let _ = ready.send(Ok(()));
        loop {
            signals.next().await;
            let part = force.hearing.lock().part.clone();
            let Some(part) = part else {
                return force.end();
            };
            if *part.borrow() == Shutdown::None {
                part.send_replace(Shutdown::Drain);
                continue;
            }
            part.send_replace(Shutdown::Abort);
            tokio::select! {
                () = tokio::time::sleep(LAST) => {}
                () = signals.next() => {}
            }
            return force.end();
        }
    });
}

#[cfg(unix)]
struct Signals {
    /// `None`: the program was started in the background of a script, where a Ctrl-C is meant for the script.
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: tokio::signal::unix::Signal,
    /// `None`: the program was started so that it outlives its terminal.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
fn signals() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    // To listen is to be no longer deaf, so it is asked first.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let unless_deaf = |kind: SignalKind| match ignores(&status, kind.as_raw_value()) {
        true => Ok(None),
        false => signal(kind).map(Some),
    };
    Ok(Signals {
        interrupt: unless_deaf(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
        hangup: unless_deaf(SignalKind::hangup())?,
    })
}

/// Whether whoever started this process made it deaf to a signal, by what Linux says of it: `nohup` to SIGHUP, a shell that
/// puts a command of a script into the background to SIGINT. Other systems do not say it without unsafe code: there such a
/// signal drains.
#[cfg(unix)]
fn ignores(status: &str, signal: i32) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal 1 is the lowest bit.
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(unix)]
impl Signals {
    async fn next(&mut self) {
        async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending::<()>().await,
            }
        }
        tokio::select! {
            () = heard(&mut self.interrupt) => {}
            _ = self.terminate.recv() => {}
            () = heard(&mut self.hangup) => {}
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    stop: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    logoff: tokio::signal::windows::CtrlLogoff,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
fn signals() -> std::io::Result<Signals> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
    Ok(Signals {
        interrupt: ctrl_c()?,
        stop: ctrl_break()?,
        close: ctrl_close()?,
        logoff: ctrl_logoff()?,
        shutdown: ctrl_shutdown()?,
    })
}

#[cfg(windows)]
impl Signals {
    /// After the last three Windows ends the program by itself, a few seconds later: what is under way is in the ledger.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.stop.recv() => {}
            _ = self.close.recv() => {}
            _ = self.logoff.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_deaf_to_a_signal_stays_so() {
        let status = |mask: &str| {
            format!("Name:\tdeskferry\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n")
        };
        let (hangup, interrupt) = (1, 2);
        assert!(ignores(&status("0000000000000001"), hangup));
        assert!(!ignores(&status("0000000000000001"), interrupt));
        assert!(ignores(&status("0000000000001007"), hangup));
        assert!(ignores(&status("0000000000000006"), interrupt));
        assert!(!ignores(&status("0000000000001000"), hangup));
        assert!(!ignores(&status("0000000000001000"), interrupt));
        assert!(!ignores("", interrupt));
    }
}
