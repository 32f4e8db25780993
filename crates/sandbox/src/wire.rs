//! Connections that can be cut without an answer: the listener hands out streams with a switch, and a handler
//! that has thrown the switch lets the stream fail at its next write, which resets the connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// How long to wait after a failed accept (too many open files) before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// The switch of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Switch(Arc<AtomicBool>);

impl Switch {
    /// From now on nothing more is written to the connection.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// How long until a port that could not be had back is asked for again.
const AGAIN: Duration = Duration::from_millis(20);

/// The listener, which can be taken down for a while: connections are refused as if nothing ran there.
#[derive(Debug)]
pub(super) struct Door {
    listener: Option<TcpListener>,
    address: SocketAddr,
    /// Until when it is down.
    down: watch::Receiver<Option<Instant>>,
}

impl Door {
    pub(super) fn new(
        listener: TcpListener,
        down: watch::Receiver<Option<Instant>>,
    ) -> io::Result<Self> {
        Ok(Self {
            address: listener.local_addr()?,
            listener: Some(listener),
            down,
        })
    }

    /// The listener, once it is to be up.
    async fn up(&mut self) -> &TcpListener {
        loop {
            let down = *self.down.borrow_and_update();
            if let Some(until) = down.filter(|until| Instant::now() < *until) {
                self.listener = None;
                sleep_until(until).await;
                continue;
            }
            if self.listener.is_none() {
                match TcpListener::bind(self.address).await {
                    Ok(listener) => self.listener = Some(listener),
                    Err(error) => {
                        tracing::debug!(%error, "the port is not to be had yet");
                        sleep(AGAIN).await;
                    }
                }
                continue;
            }
            break;
        }
        self.listener.as_ref().expect("the loop ends with one")
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let mut down = self.down.clone();
            let listener = self.up().await;
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Ok(()) = down.changed() => continue,
            };
            match accepted {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection without TCP_NODELAY");
                    }
                    let switch = Switch::default();
                    return (Wire { stream, switch }, address);
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

/// A stream with a switch.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    switch: Switch,
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        if !self.switch.0.load(Ordering::Acquire) {
            return Ok(());
        }
        // No lingering: what is closed with nothing to linger for is reset, not finished politely.
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
