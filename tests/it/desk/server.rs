//! The other desk (`tests/desk/desk.py`) in a process of its own, and its admin side.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Work, repository};

/// What the desk needs.
const NEEDED: &str = "import sys; sys.exit(sys.version_info < (3, 11))";

/// The Python that runs the desk; `None` where there is none that can.
pub(super) fn python() -> Option<&'static str> {
    let ended = Command::new("python3").args(["-c", NEEDED]).status().ok()?;
    ended.success().then_some("python3")
}

/// A desk that runs; killed when dropped.
pub(super) struct Desk {
    child: Child,
    ready: Value,
    address: String,
    seed: u64,
}

impl Desk {
    /// Starts it on a free port with its journal in the work folder.
    pub(super) fn start(work: &Work, seed: u64) -> Self {
        let (child, ready) = spawn(work, seed, "127.0.0.1:0");
        let admin = text(&ready, "admin").trim_start_matches("http://");
        let address = admin.split('/').next().unwrap().to_owned();
        Self {
            child,
            ready,
            address,
            seed,
        }
    }

    /// Kills it with `SIGKILL` and starts it again on the same port and journal. It has forgotten its chaos.
    pub(super) fn restart(&mut self, work: &Work) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.ready) = spawn(work, self.seed, &self.address);
    }

    /// One member of its first line.
    pub(super) fn told(&self, name: &str) -> &str {
        text(&self.ready, name)
    }

    /// Puts this chaos in force instead of what was before.
    pub(super) fn set_chaos(&self, settings: &Value) {
        let body = serde_json::json!({"set": settings});
        self.admin("POST", "chaos", Some(&body));
    }

    /// Does what a person does at the desk.
    pub(super) fn person(&self, body: &Value) {
        self.admin("POST", "person", Some(body));
    }

    /// Every ticket that was really made, and every misbehaviour.
    pub(super) fn books(&self) -> Value {
        self.admin("GET", "books", None)
    }

    /// Its counts.
    pub(super) fn stats(&self) -> Value {
        self.admin("GET", "stats", None)
    }

    /// How many requests of the program it has seen to their end since it started.
    pub(super) fn answered(&self) -> u64 {
        let stats = self.stats();
        let statuses = stats["statuses"].as_object().unwrap().values();
        statuses.filter_map(Value::as_u64).sum()
    }

    /// Waits until no late commit is under way any more.
    pub(super) fn settle(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.stats()["pending_late_commits"] != 0 {
            assert!(Instant::now() < until, "late commits never end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Watches how long it takes to answer: a machine without time for it breaks the assumptions all by itself.
    pub(super) fn watch(&self) -> Watch {
        let (address, longest) = (self.address.clone(), Arc::new(AtomicU64::new(0)));
        let (kept, alive) = (Arc::clone(&longest), Arc::new(()));
        let watched = Arc::downgrade(&alive);
        let thread = std::thread::spawn(move || {
            while watched.strong_count() > 0 {
                let started = Instant::now();
                // It may be dead just now, on purpose.
                if request(&address, "GET", "health", "").is_ok() {
                    let took = started.elapsed().as_millis();
                    kept.fetch_max(u64::try_from(took).unwrap(), Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(250));
            }
        });
        Watch {
            longest,
            alive: Some(alive),
            thread: Some(thread),
        }
    }

    fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = request(&self.address, method, path, &body)
            .unwrap_or_else(|error| panic!("the desk is gone, and nobody here killed it: {error}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 200"),
            "{method} {path}: {answer}"
        );
        serde_json::from_str(body).unwrap()
    }
}

/// Looks at a desk as long as it is kept.
pub(super) struct Watch {
    longest: Arc<AtomicU64>,
    alive: Option<Arc<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// How long the desk took to answer at most.
    pub(super) fn longest(&self) -> Duration {
        Duration::from_millis(self.longest.load(Ordering::Relaxed))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.alive = None;
        // A panic of its own was printed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn request(address: &str, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{method} /_desk/{path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Drop for Desk {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(work: &Work, seed: u64, address: &str) -> (Child, Value) {
    let errors = File::options()
        .append(true)
        .create(true)
        .open(work.path().join("desk.err"))
        .unwrap();
    let mut child = Command::new(python().expect("the caller has asked for it"))
        .arg(repository().join("tests/desk/desk.py"))
        .args(["--listen", address, "--seed", &seed.to_string(), "--data"])
        .arg(work.path().join("desk"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready = serde_json::from_str(&line).unwrap_or_else(|error| {
        panic!(
            "the desk is not ready: {error}: {line}{}",
            work.read("desk.err")
        )
    });
    (child, ready)
}

fn text<'v>(ready: &'v Value, name: &str) -> &'v str {
    ready[name]
        .as_str()
        .unwrap_or_else(|| panic!("no `{name}` in {ready}"))
}
