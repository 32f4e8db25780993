//! Ctrl-C: once drains, twice stops.

use crate::error::{Error, Result};
use crate::run::{Going, Stop};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Listens for Ctrl-C until it is dropped.
pub(super) struct Interrupts {
    listener: JoinHandle<()>,
    stop: Stop,
}

impl Interrupts {
    /// Starts to listen.
    pub(super) fn listen() -> Result<Self> {
        let (sender, stop) = watch::channel(Going::On);
        let mut signals = signals()
            .map_err(|error| Error::machine("cannot listen for Ctrl-C").caused_by(error))?;
        let listener = tokio::spawn(async move {
            for stop in [Going::Drain, Going::Abort] {
                signals.next().await;
                if sender.send(stop).is_err() {
                    return;
                }
            }
        });
        Ok(Self { listener, stop })
    }

    /// What the run looks at.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.listener.abort();
    }
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
