//! A desk between the program and the sandbox: it takes a token of its own, and may hand it back in whatever it answers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use super::{SandboxProcess, Work};

/// What becomes of an answer.
pub(crate) type Change = dyn Fn(usize, &Asked, Answer) -> Answer + Send + Sync;

/// What is answered without asking the sandbox; `None` asks it.
pub(crate) type Instead = dyn Fn(&Asked) -> Option<Answer> + Send + Sync;

/// What was asked.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
}

/// What is answered.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Header lines, each with its line end.
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// The desk; it ends when dropped.
pub(crate) struct Echo {
    address: String,
    token: String,
    ended: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Echo {
    /// Starts it before a sandbox. `change` is told how many requests there were before.
    pub(crate) fn start(
        sandbox: &SandboxProcess,
        token: &str,
        change: impl Fn(usize, &Asked, Answer) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::between(sandbox, token, |_| None, change)
    }

    /// The same, with what it answers by itself.
    pub(crate) fn between(
        sandbox: &SandboxProcess,
        token: &str,
        instead: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
        change: impl Fn(usize, &Asked, Answer) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let instead: Arc<Instead> = Arc::new(instead);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ended = Arc::new(AtomicBool::new(false));
        let (over, behind, own) = (Arc::clone(&ended), sandbox.address(), token.to_owned());
        let change: Arc<Change> = Arc::new(change);
        let count = Arc::new(AtomicUsize::new(0));
        let serving = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (behind, own) = (behind.clone(), own.clone());
                let (change, count) = (Arc::clone(&change), Arc::clone(&count));
                let instead = Arc::clone(&instead);
                std::thread::spawn(move || {
                    // A client that breaks off is no fault of this desk.
                    let _ = serve(
                        stream.unwrap(),
                        &behind,
                        &own,
                        (&*instead, &*change),
                        &count,
                    );
                });
            }
        });
        Self {
            address,
            token: token.to_owned(),
            ended,
            serving: Some(serving),
        }
    }

    /// The profiles `district` and `support` of this desk.
    pub(crate) fn profiles(&self, sandbox: &SandboxProcess, work: &Work, further: &str) {
        sandbox.profiles(work, further);
        work.write("token", &self.token);
        let text = work.read("deskferry.toml");
        work.write(
            "deskferry.toml",
            text.replace(&sandbox.address(), &self.address),
        );
    }

    /// The profile `support` of this desk.
    pub(crate) fn profile(&self, work: &Work, further: &str) {
        work.write("token", &self.token);
        work.write(
            "deskferry.toml",
            format!(
                "[profiles.support]\nsystem = \"clearfeed\"\nurl = \"http://{}/clearfeed\"\ntenant = \"acme\"\n\
                 dialect = \"v1\"\ntoken = {{ file = \"token\" }}\n{further}\n",
                self.address
            ),
        );
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It waits for the next connection.
        let _ = TcpStream::connect(&self.address);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

/// One request a connection.
fn serve(
    mut client: TcpStream,
    behind: &str,
    token: &str,
    (instead, change): (&Instead, &Change),
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let (head, body) = read(&mut client)?;
    let mut words = head.split_whitespace();
    let asked = Asked {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        body: body.clone(),
    };
    let bearer = format!("Bearer {token}");
    assert!(head.contains(&bearer), "another token: {head}");
    let passed: String = head
        .lines()
        .filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            !line.is_empty() && !["connection", "accept-encoding", "host"].contains(&name.as_str())
        })
        .map(|line| line.replace(&bearer, "Bearer sandbox") + "\r\n")
        .collect();
    if let Some(answer) = instead(&asked) {
        return answered(&mut client, &answer);
    }
    let mut desk = TcpStream::connect(behind)?;
    write!(
        desk,
        "{passed}host: localhost\r\nconnection: close\r\n\r\n{body}"
    )?;
    let (head, body) = read(&mut desk)?;
    let headers = head
        .lines()
        .skip(1)
        .filter(|line| {
            let line = line.to_lowercase();
            !line.is_empty()
                && !line.starts_with("content-length")
                && !line.starts_with("connection")
        })
        .map(|line| format!("{line}\r\n"))
        .collect();
    let answer = Answer {
        status: head[9..12].parse().unwrap(),
        headers,
        body,
    };
    let answer = change(count.fetch_add(1, Ordering::Relaxed), &asked, answer);
    answered(&mut client, &answer)
}

fn answered(client: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    write!(
        client,
        "HTTP/1.1 {} As it is\r\n{}content-length: {}\r\nconnection: close\r\n\r\n{}",
        answer.status,
        answer.headers,
        answer.body.len(),
        answer.body
    )
}

/// A head without its last empty line, and the body behind it.
fn read(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 64 * 1024];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok((head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
