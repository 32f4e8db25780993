//! A work folder, the real binary in it, and the real sandbox in a process of its own.

pub(crate) mod echo;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use deskferry_testing::absent::cannot_be_had;
use deskferry_testing::server::{Mock, MockServer, Request, ResponseTemplate};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::{Captures, Regex};
use serde_json::Value;
use tempfile::TempDir;

/// The repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One of the real files that lie beside the repository, or where `DESKFERRY_REAL_FILES` says; `None`, said on
/// standard error and by `.ci/run`, where they are not.
pub(crate) fn real_file(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DESKFERRY_REAL_FILES")
        .map_or_else(|| repository().join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    cannot_be_had(
        "real files",
        &format!("`{name}` is not here; `DESKFERRY_REAL_FILES` names their folder"),
    );
    None
}

/// A folder to work in with a state folder of its own.
pub(crate) struct Work {
    folder: TempDir,
    /// Stands for the user's cache.
    cache: TempDir,
    /// Whether `--sandbox` has no tickets from the beginning.
    is_empty: bool,
}

impl Work {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
            is_empty: true,
        }
    }

    /// The same as somebody finds it who begins: the embedded sandbox has its history.
    pub(crate) fn of_a_beginner() -> Self {
        Self {
            is_empty: false,
            ..Self::new()
        }
    }

    /// The folder in which commands run.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Reads a text file of the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program with these arguments, not started yet.
    #[must_use]
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        if self.is_empty && arguments.iter().any(|word| word.starts_with("--sandbox")) {
            self.empty_sandbox();
        }
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("DESKFERRY_STATE", self.state())
            .env("XDG_CACHE_HOME", self.cache.path())
            .env_remove("DESKFERRY_PROFILE")
            .env_remove("DESKFERRY_CONFIG")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A file that the user names is trusted; one that is found is asked about (`trust.rs` tries that).
        let config = self.path().join("deskferry.toml");
        if config.is_file() {
            command.env("DESKFERRY_CONFIG", config);
        }
        command
    }

    /// Makes the folder that `--sandbox` had for both systems in earlier versions, which has no history.
    fn empty_sandbox(&self) {
        let folder = self.state().join("sandbox");
        // Where nothing can be written, that is what the test is about.
        if !folder.exists() && fs::create_dir_all(&folder).is_ok() {
            let journal = folder.join("journal.jsonl");
            let _ = fs::write(&journal, "");
            // As the program makes them: they are its owner's.
            #[cfg(unix)]
            for (path, mode) in [(&folder, 0o700), (&journal, 0o600)] {
                use std::os::unix::fs::PermissionsExt as _;
                let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
            }
        }
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Runs `import … --format json` and reads the summary.
    pub(crate) fn import(&self, arguments: &[&str]) -> (Ended, Value) {
        let mut all = vec!["import"];
        all.extend(arguments);
        all.extend(["--format", "json"]);
        let ended = self.run(&all);
        let summary = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| {
            panic!("no summary ({error})\n{}\n{}", ended.stdout, ended.stderr)
        });
        (ended, summary)
    }

    /// What people read, without what differs from run to run and from machine to machine.
    pub(crate) fn shown(&self, text: &str) -> String {
        let mut text = text.replace("\r\n", "\n");
        let program = PathBuf::from(program());
        let folder = format!("{}/", repository().display());
        // What is followed to its end first: the other may be a part of it.
        for (path, with) in [
            (program.canonicalize().unwrap_or_default(), "PROGRAM"),
            (program, "PROGRAM"),
            (self.path().canonicalize().unwrap(), "WORK"),
            (self.path().to_owned(), "WORK"),
        ] {
            if path.is_absolute() {
                text = text.replace(&path.display().to_string(), with);
            }
        }
        text = text.replace(&folder, "");
        for (pattern, with) in VARYING {
            let pattern = Regex::new(pattern).unwrap();
            text = pattern.replace_all(&text, with).into_owned();
        }
        without_days(&text)
    }

    /// What the embedded sandbox of this state folder has accepted, oldest first.
    pub(crate) fn embedded_audit(&self) -> Vec<Value> {
        let folder = self.state().join("sandbox");
        SandboxProcess::start(self, &["--data", folder.to_str().unwrap()]).audit()
    }
}

/// The program; another build of it, such as a release, can be put to the same tests.
pub(crate) fn program() -> OsString {
    std::env::var_os("DESKFERRY_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_deskferry").into())
}

/// What people read on a page that the program wrote, a line each: the text alone.
pub(crate) fn page_text(page: &str) -> String {
    let (_, main) = page.split_once("<main>").unwrap();
    let text = main
        .replace("</th><td>", ": ")
        .replace("<small>", " (")
        .replace("</small>", ")");
    let text = Regex::new("<[^>]*>").unwrap().replace_all(&text, "");
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The sums of a dry run, without the tickets that it shows before them; all of what is none.
pub(crate) fn sums(told: &str) -> &str {
    let Some(end) = told.find("   dry run, nothing was sent") else {
        return told;
    };
    &told[told[..end].rfind('\n').map_or(0, |at| at + 1)..]
}

/// What differs from run to run in what people read, and what is shown in its place; each sees what those above it left.
const VARYING: [(&str, &str); 30] = [
    // Windows of time overlap by other tickets at another hour.
    (
        r"read( +)\d+ tickets on \d+ pages",
        "read${1}N tickets on N pages",
    ),
    // Codes of runs.
    (
        r"(\brun|\bsettle|\brollback|\bpurge|\bretry|--confirm)( +`?)[0-9A-HJKMNP-TV-Z]{4,5}\b",
        "${1}${2}CODE",
    ),
    // Times, rates and ages.
    (
        r"\bin (?:\d+ h \d\d min|\d+ min \d\d s|\d+(?:\.\d)? s)\b",
        "in TIME",
    ),
    (
        r"not before (?:\d{4}-\d\d-\d\d )?\d\d:\d\d",
        "not before THEN",
    ),
    (r"\(\d[\d,]*(?:\.\d)?/(?:s|min), limit", "(RATE, limit"),
    (r"\(\d[\d,]*/s\)", "(RATE)"),
    (
        r"\b(requests?) at \d[\d,]*(?:\.\d)?/(?:s|min)",
        "${1} at RATE",
    ),
    (r"\(fetched [^)]*\)", "(AGE)"),
    (r"\b\d+ ms\b", "N ms"),
    (
        r"the same as the system's, to the second|\d+ s (?:behind|before) the system's",
        "CLOCK",
    ),
    // Half of the year it is another hour.
    (r"is [+-]\d+\.\d h off", "is HOURS h off"),
    (r"(?m)^( *)timezone: .*$", "${1}timezone: ZONE"),
    // When a report was made, as its sheets say it.
    (
        r"(?:\b[A-Z][a-z]{2} )?\b\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d",
        "THEN",
    ),
    (r"\b\d[\d,]* missed\b", "N missed"),
    (r"\band \d[\d,]* before it\b", "and N before it"),
    // How many pages a listing has follows from the times of its tickets.
    (r"\bin TIME on \d+ pages?\b", "in TIME on PAGES"),
    // Addresses on this machine.
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\bport \d+\b", "port PORT"),
    (r"\(os error \d+\)", "(os error N)"),
    (r"(x-ratelimit-(?:remaining|reset)): [^,\n]+", "${1}: N"),
    // A connection that breaks is told as what broke first.
    (r"(whether `[\w-]+` was obeyed): .*", "${1}: WHY"),
    (
        r"(?m)^(  in doubt   ).*: looking in TIME",
        "${1}WHY: looking in TIME",
    ),
    // What comes by chance, and what is made of it; the ids of a sandbox's directory are the same for ever.
    (
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b",
        "GUID",
    ),
    (r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "/GUID"),
    (r#""TicketId": "[^"]*""#, r#""TicketId": "GUID""#),
    // Tickets are numbered as they come, whichever row is the first.
    (r"\bCF-\d+\b", "CF-N"),
    (r"\breq_\d+\b", "req_N"),
    (r"\bticket \d+\b", "ticket N"),
    (r"\bmade (as )?\d+ (from|in run)\b", "made ${1}N ${2}"),
    (r"/p\d{10,}\b", "/pSTAMP"),
];

/// Without the days around today and later, nor any that stands with its weekday, as those of schedules do; the days of
/// the tickets in the samples are long past.
fn without_days(text: &str) -> String {
    let moment = Regex::new(
        r"(?x)(?:\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\ )? (\d{4}-\d\d-\d\d) (?:[T\ -]\d\d:?\d\d(?::\d\d(?:\.\d+)?)?)?
          (?:Z|[+-]\d\d:\d\d|\ (?:[A-Z]{3,4}|[+-]\d{2,4})\b)?",
    )
    .unwrap();
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let yesterday = today.yesterday().unwrap();
    let shown = moment.replace_all(text, |found: &Captures<'_>| {
        let is_near = found[2].parse::<Date>().is_ok_and(|day| day >= yesterday);
        match is_near || found.get(1).is_some() {
            true => "THEN".to_owned(),
            false => found[0].to_owned(),
        }
    });
    shown.into_owned()
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What people read on both streams: the report, then what goes with it.
    pub(crate) fn both(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Panics with everything that was printed unless the exit code is this one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "standard output:\n{}\nstandard error:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// The sandbox in a process of its own; killed when dropped.
pub(crate) struct SandboxProcess {
    child: Child,
    ready: Value,
}

impl SandboxProcess {
    /// Starts it on a free port with these further arguments.
    pub(crate) fn start(work: &Work, arguments: &[&str]) -> Self {
        Self::start_at(work, "127.0.0.1:0", arguments)
    }

    /// Starts it on this address.
    pub(crate) fn start_at(work: &Work, address: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["sandbox", "--listen", address];
        all.extend(arguments);
        let mut child = work.command(&all).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("not ready: {error}: {line}"));
        Self { child, ready }
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> String {
        let url = self.told("admin").trim_start_matches("http://");
        url.split('/').next().unwrap().to_owned()
    }

    /// One member of its first line: `incidentiq`, `clearfeed`, `admin`, `token`, `site_id`.
    pub(crate) fn told(&self, name: &str) -> &str {
        self.ready[name]
            .as_str()
            .unwrap_or_else(|| panic!("no `{name}` in {}", self.ready))
    }

    /// A `deskferry.toml` with the profiles `district` and `support` for it; further lines go to both.
    pub(crate) fn profiles(&self, work: &Work, further: &str) {
        work.write("token", self.told("token"));
        let text = format!(
            "[profiles.district]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\ntoken = {{ file = \"token\" }}\n{further}\n\
             [profiles.support]\nsystem = \"clearfeed\"\nurl = \"{}\"\ntenant = \"acme\"\ntoken = {{ file = \"token\" }}\n{further}\n",
            self.told("incidentiq"),
            self.told("site_id"),
            self.told("clearfeed"),
        );
        work.write("deskferry.toml", text);
    }

    /// A GET or other request on the admin route.
    pub(crate) fn admin(&self, method: &str, path: &str, body: Option<Value>) -> String {
        let url = format!("{}/{path}", self.told("admin").trim_end_matches('/'));
        request(method, &url, body)
    }

    /// A request of a person who works on a ticket: `system` is `incidentiq` or `clearfeed`, `path` is below its address.
    pub(crate) fn person(&self, method: &str, system: &str, path: &str, body: Value) {
        let url = format!("{}/{path}", self.told(system).trim_end_matches('/'));
        let headers = [
            ("authorization", format!("Bearer {}", self.told("token"))),
            ("siteid", self.told("site_id").to_owned()),
            ("client", "ApiClient".to_owned()),
        ];
        request_with(method, &url, Some(body), &headers);
    }

    /// What it has accepted, oldest first.
    pub(crate) fn audit(&self) -> Vec<Value> {
        self.admin("GET", "audit", None)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The accepted creates of one system.
    pub(crate) fn created(&self, system: &str) -> Vec<Value> {
        creates(self.audit(), system)
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The creates of one system in an audit.
pub(crate) fn creates(audit: Vec<Value>, system: &str) -> Vec<Value> {
    audit
        .into_iter()
        .filter(|entry| entry["system"] == system && entry["operation"] == "create")
        .collect()
}

/// Changes what stands at an address, with a token.
pub(crate) fn patch(url: &str, token: &str, body: Value) {
    let headers = [("authorization", format!("Bearer {token}"))];
    request_with("PATCH", url, Some(body), &headers);
}

/// What stands at an address.
pub(crate) fn fetch(url: &str) -> String {
    request("GET", url, None)
}

fn request(method: &str, url: &str, body: Option<Value>) -> String {
    request_with(method, url, body, &[])
}

/// A status, the headers that say what an answer is and of whom, and its text.
pub(crate) type Told = (u16, Vec<(String, String)>, String);

/// A server before a sandbox: `meddle` sees each request, and may ask the sandbox for its answer.
pub(crate) async fn between(
    upstream: &str,
    meddle: impl Fn(&Request, &dyn Fn() -> Told) -> Told + Send + Sync + 'static,
) -> MockServer {
    let upstream = upstream.trim_end_matches('/').to_owned();
    let server = MockServer::start().await;
    let answer = move |request: &Request| {
        let ask = || {
            let asked = Asked {
                method: request.method.to_string(),
                url: format!("{upstream}{}", &request.url[url::Position::BeforePath..]),
                headers: (request.headers.iter())
                    .filter(|(name, _)| {
                        !["host", "content-length", "accept-encoding"].contains(&name.as_str())
                    })
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                body: request.body.clone(),
            };
            // The server's own runtime must not be waited for within itself.
            std::thread::spawn(move || forward(asked)).join().unwrap()
        };
        let (status, headers, text) = meddle(request, &ask);
        let mut answer = ResponseTemplate::new(status).set_body_string(text);
        for (name, value) in headers {
            answer = answer.insert_header(&name, value);
        }
        answer
    };
    Mock::given(|_: &Request| true)
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// A request that is handed on as it came.
struct Asked {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Hands a request on.
fn forward(asked: Asked) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // A second installation of the provider in this process is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(asked.method.parse().unwrap(), asked.url);
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        let answer = request.body(asked.body).send().await.unwrap();
        let status = answer.status().as_u16();
        let told = ["content-type", "x-deskferry-sandbox", "date"];
        let headers = told.iter().filter_map(|name| {
            let value = answer.headers().get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        });
        let headers = headers.collect();
        (status, headers, answer.text().await.unwrap())
    })
}

fn request_with(
    method: &str,
    url: &str,
    body: Option<Value>,
    headers: &[(&str, String)],
) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // A second installation of the provider in this process is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{method} {url}: {}",
            answer.status()
        );
        answer.text().await.unwrap()
    })
}
