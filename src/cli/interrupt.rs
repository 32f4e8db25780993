//! Ctrl-C: once drains, twice stops, and whatever still hangs then does not keep the program alive.
//!
//! Signals are heard on a thread of their own, so that nothing that keeps the other threads busy is in their way. It ends
//! with the program.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::end::Force;
use crate::error::{Error, Result};
use crate::run::{Going, Stop};

/// How long a command that was told twice to stop may still write what it knows. A third signal does not wait.
const LAST: Duration = Duration::from_secs(5);

/// Listens for Ctrl-C and SIGTERM from here to the end of the program.
pub(super) struct Interrupts {
    stop: Stop,
}

impl Interrupts {
    /// Starts to listen. Until here a signal ends the program at once, as the system has it.
    ///
    /// # Errors
    /// When no handler can be installed.
    pub(super) fn listen(force: &Force) -> Result<Self> {
        let failed =
            |error: std::io::Error| Error::machine("cannot listen for Ctrl-C").caused_by(error);
        let (sender, stop) = watch::channel(Going::On);
        let (ready, installed) = mpsc::channel();
        let force = force.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || hear(&sender, &force, &ready))
            .map_err(failed)?;
        match installed.recv() {
            Ok(Ok(())) => Ok(Self { stop }),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(Error::machine("cannot listen for Ctrl-C")),
        }
    }

    /// What the run looks at.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

fn hear(sender: &watch::Sender<Going>, force: &Force, ready: &mpsc::Sender<std::io::Result<()>>) {
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
        for going in [Going::Drain, Going::Abort] {
            signals.next().await;
            sender.send_replace(going);
        }
        tokio::select! {
            () = tokio::time::sleep(LAST) => {}
            () = signals.next() => {}
        }
        force.end();
    });
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn signals() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals {
        interrupt: signal(SignalKind::interrupt())?,
        terminate: signal(SignalKind::terminate())?,
    })
}

#[cfg(unix)]
impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
fn signals() -> std::io::Result<Signals> {
    Ok(Signals)
}

#[cfg(not(unix))]
impl Signals {
    async fn next(&mut self) {
        // An error means that the handler could not be installed: then no Ctrl-C will ever come this way.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
