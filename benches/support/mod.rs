//! What the measurements share: a work folder, the release binary, the sandbox in a process of its own.

pub(crate) mod tickets;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program that is measured: `DESKFERRY_PROGRAM`, else the one that `cargo bench` builds.
pub(crate) fn measured_program() -> PathBuf {
    std::env::var_os("DESKFERRY_PROGRAM")
        .map_or_else(|| env!("CARGO_BIN_EXE_deskferry").into(), PathBuf::from)
}

/// A command of the program in a folder, with a state folder of its own.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    command_of(&measured_program(), folder, arguments)
}

/// The same of another build of the program.
pub(crate) fn command_of(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    // An older build cannot read the state of a newer one.
    let state = match program == measured_program() {
        true => "state",
        false => "state-before",
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("DESKFERRY_STATE", folder.join(state))
        .stdin(Stdio::null());
    // A file that is named is trusted.
    let config = folder.join("deskferry.toml");
    if config.is_file() {
        command.env("DESKFERRY_CONFIG", config);
    }
    command
}

/// The sandbox in a process of its own, stopped when dropped.
pub(crate) struct Sandbox {
    child: Child,
    ready: serde_json::Value,
}

impl Sandbox {
    /// Starts it on a free port with this limit.
    pub(crate) fn start(folder: &Path, rate: &str) -> Self {
        Self::start_with(folder, rate, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(folder: &Path, rate: &str, further: &[&str]) -> Self {
        let mut child = program(
            folder,
            &["sandbox", "--listen", "127.0.0.1:0", "--rate", rate],
        )
        .args(further)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the sandbox starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the sandbox tells its address");
        let ready = serde_json::from_str(&line).expect("the first line is JSON");
        Self { child, ready }
    }

    /// One member of its first line.
    pub(crate) fn told(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("the sandbox tells it")
    }

    /// What its own interface answers under a path (`stats`, `audit`).
    pub(crate) fn ask(&self, path: &str) -> String {
        self.request(reqwest::Method::GET, path, String::new())
    }

    /// Scripts a fault.
    pub(crate) fn script(&self, fault: &serde_json::Value) {
        self.request(reqwest::Method::POST, "faults", fault.to_string());
    }

    fn request(&self, method: reqwest::Method, path: &str, body: String) -> String {
        let address = format!("{}/{path}", self.told("admin").trim_end_matches('/'));
        // An `Err` only says that a provider is installed already.
        _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .expect("a client without encryption needs nothing");
        let request = client.request(method, address).body(body);
        let answer = async { request.send().await?.text().await };
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts")
            .block_on(answer)
            .expect("the sandbox answers")
    }

    /// A profile `support` (and `district`) for it in the folder's `deskferry.toml`.
    pub(crate) fn profiles(&self, folder: &Path, further: &str) {
        std::fs::write(folder.join("token"), self.told("token"))
            .expect("the folder can be written");
        let text = format!(
            "[profiles.district]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\ntoken = {{ file = \"token\" }}\n{further}\n\
             [profiles.support]\nsystem = \"clearfeed\"\nurl = \"{}\"\ntenant = \"acme\"\ntoken = {{ file = \"token\" }}\n{further}\n",
            self.told("incidentiq"),
            self.told("site_id"),
            self.told("clearfeed"),
        );
        std::fs::write(folder.join("deskferry.toml"), text).expect("the folder can be written");
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a command took, and the most memory it held.
pub(crate) struct Measured {
    /// From start to end.
    pub(crate) took: Duration,
    /// Processor time, all threads together; `None` where the system does not show it.
    pub(crate) processor: Option<Duration>,
    /// The most resident memory in MB; `None` where the system does not show it.
    pub(crate) peak_mb: Option<f64>,
    /// What it printed on standard output.
    pub(crate) stdout: String,
}

/// Runs a command to its end and measures it; it must end with 0.
pub(crate) fn measure(mut command: Command) -> Measured {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let (mut peak, mut processor) = (None, None);
    let status = loop {
        // Both grow only: the last look before the end is at most 5 ms old.
        peak = high_water_mark(child.id()).or(peak);
        processor = processor_time(&child.id().to_string()).or(processor);
        match child.try_wait().expect("the program can be waited for") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let took = started.elapsed();
    let mut stdout = String::new();
    std::io::Read::read_to_string(
        &mut child.stdout.take().expect("standard output is piped"),
        &mut stdout,
    )
    .expect("text");
    // A check that finds faults ends with 1 and has done its work.
    let is_done = matches!(status.code(), Some(0 | 1));
    assert!(is_done, "it ended with {status}: {stdout}");
    Measured {
        took,
        processor,
        peak_mb: peak,
        stdout,
    }
}

#[cfg(target_os = "linux")]
fn high_water_mark(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

#[cfg(not(target_os = "linux"))]
fn high_water_mark(_process: u32) -> Option<f64> {
    None
}

/// The processor time of a process so far (`self`: this one).
#[cfg(target_os = "linux")]
pub(crate) fn processor_time(process: &str) -> Option<Duration> {
    // The kernel counts in hundredths of a second, whatever the machine's own clock does.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn processor_time(_process: &str) -> Option<Duration> {
    None
}

/// The middle one.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Names that resolve, for the cells of a file.
pub(crate) struct Names {
    /// Of locations.
    pub(crate) places: Vec<String>,
    /// E-mail addresses.
    pub(crate) people: Vec<String>,
    /// Of issues.
    pub(crate) issues: Vec<String>,
}

impl Names {
    /// Pulls the directory of a connection into `directory.json` of the folder, puts `map.toml` beside it, and takes
    /// the names.
    pub(crate) fn pull(folder: &Path, connection: &[&str]) -> Self {
        std::fs::write(folder.join("map.toml"), MAPPING).expect("the folder can be written");
        let words = ["directory", "pull", "-o", "directory.json", "--quiet"];
        measure(program(folder, &[&words, connection].concat()));
        let snapshot = folder.join("directory.json");
        Self {
            places: names(&snapshot, "location", None),
            people: names(&snapshot, "user", Some("email")),
            issues: names(&snapshot, "issue", None),
        }
    }
}

/// The numbers of rows that the command line asks for.
pub(crate) fn sizes() -> Vec<u64> {
    let asked: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    match asked.is_empty() {
        true => vec![1_000_000],
        false => asked,
    }
}

/// The headings of the files that are measured.
pub(crate) const COLUMNS: [&str; 12] = [
    "Ticket #",
    "Title",
    "Description",
    "Problem",
    "Building",
    "Room",
    "Requester",
    "Opened",
    "Status",
    "Priority",
    "Asset",
    "Notes",
];

/// The cells of a row, as text.
pub(crate) fn cells(row: u64, names: &Names) -> [String; 12] {
    let pick = |list: &[String], step: u64| {
        list[(row.wrapping_mul(step) % list.len() as u64) as usize].clone()
    };
    let own = |list: &[&str]| list[(row % list.len() as u64) as usize].to_owned();
    [
        row.to_string(),
        format!("Printer {row} is out of paper"),
        format!(
            "The printer in room {} of the east wing says it is out of paper, again.",
            row % 300
        ),
        pick(&names.issues, 7919),
        pick(&names.places, 104_729),
        (row % 300).to_string(),
        pick(&names.people, 15_485_863),
        format!("0{}/1{}/2024 0{}:15", row % 9 + 1, row % 9, row % 10),
        own(&["Open", "Closed", "Waiting"]),
        own(&["P1", "P2", "P3", "P4"]),
        format!("{:06}", row % 40_000),
        own(&["", "seen in May", "ordered"]),
    ]
}

/// Writes a CSV of so many rows that `MAPPING` maps into IncidentIQ with three resolves a row.
pub(crate) fn write_csv(folder: &Path, rows: u64, names: &Names) -> PathBuf {
    let path = folder.join("tickets.csv");
    let mut file = BufWriter::new(File::create(&path).expect("the folder can be written"));
    writeln!(file, "{}", COLUMNS.join(",")).expect("it can be written");
    for row in 0..rows {
        writeln!(
            file,
            "{}",
            cells(row, names)
                .map(|cell| match cell.contains(',') {
                    true => format!("\"{cell}\""),
                    false => cell,
                })
                .join(",")
        )
        .expect("it can be written");
    }
    file.flush().expect("it can be written");
    path
}

/// Into IncidentIQ: three resolves, a date and a template a row.
pub(crate) const MAPPING: &str = r#"
version = 1
system = "incidentiq"
operation = "create"
scope = "bench"
key = ["Ticket #"]

[input]
timezone = "America/Chicago"

[input.columns]
"Opened" = { parse = "datetime", formats = ["%m/%d/%Y %H:%M"] }

[fields]
Subject = { from = "Title", max_length = 255 }
IssueDescription = { template = "{{ Description }}\n\nOpened {{ Opened }}, {{ Status }}" }
IssueId = { from = "Problem", resolve = "issue" }
LocationId = { from = "Building", resolve = "location" }
ForId = { from = "Requester", resolve = "user", match = "email" }
"#;

/// Names of a kind in a snapshot file that stand there once.
fn names(snapshot: &Path, kind: &str, property: Option<&str>) -> Vec<String> {
    let text = std::fs::read_to_string(snapshot).expect("the snapshot was pulled");
    let value: serde_json::Value = serde_json::from_str(&text).expect("a snapshot is JSON");
    let entries = value["kinds"][kind]["entries"]
        .as_array()
        .expect("the kind is listed");
    let name = |entry: &serde_json::Value| match property {
        Some(property) => entry["properties"][property].as_str().map(str::to_owned),
        None => entry["name"].as_str().map(str::to_owned),
    };
    let all: Vec<String> = entries
        .iter()
        .filter_map(name)
        .filter(|name| !name.contains([',', '"']))
        .collect();
    let once: Vec<String> = all
        .iter()
        .filter(|name| all.iter().filter(|other| other == name).count() == 1)
        .cloned()
        .collect();
    assert!(!once.is_empty(), "no {kind} has a name of its own");
    once
}
