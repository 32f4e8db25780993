//! Rows a second and memory of writing tickets: `cargo bench --bench export_files -- 1000000`.
//!
//! The tickets are made beforehand, a thousand at a time, and only the writing is timed.

use std::path::Path;
use std::time::{Duration, Instant};

use deskferry::export::columns::Plan;
use deskferry::export::file::{About, Format, Options, create};
use deskferry::systems::SystemName;
use deskferry::systems::common::CommonTicket;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

fn main() {
    let rows: u64 = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("there is room for a folder");
    for (name, format) in [
        ("tickets.csv", Format::Csv),
        ("tickets.xlsx", Format::Xlsx),
        ("tickets.jsonl", Format::JsonLines),
    ] {
        let path = folder.path().join(name);
        let took = write(&path, format, rows);
        let size = std::fs::metadata(&path).map_or(0, |meta| meta.len()) / 1_000_000;
        let memory = peak_mb().map_or_else(
            || "memory is not told by this system".to_owned(),
            |mb| format!("{mb:.0} MB at most so far"),
        );
        println!(
            "{name}: {rows} tickets ({size} MB), {:.0} rows/s, {memory}",
            rows as f64 / took.as_secs_f64()
        );
    }
}

fn write(path: &Path, format: Format, rows: u64) -> Duration {
    let zone = TimeZone::get("America/Chicago").expect("the zone is known");
    let mut took = Duration::ZERO;
    let mut sink = create(Options {
        path: path.to_owned(),
        format,
        plan: (format != Format::JsonLines)
            .then(|| Plan::by_default(SystemName::IncidentIq, &[], &zone)),
        about: About {
            system: SystemName::IncidentIq,
            source: "bench".to_owned(),
            filter: "all tickets".to_owned(),
            read_at: Timestamp::now(),
        },
        comments: false,
        raw: false,
        partition: None,
        drop_columns: false,
        carry_from: None,
        wait: Duration::ZERO,
        sheets: Vec::new(),
    })
    .expect("the file can be written");
    let mut next = 0;
    while next < rows {
        let end = rows.min(next + 1000);
        let tickets: Vec<CommonTicket> = (next..end).map(ticket).collect();
        next = end;
        let started = Instant::now();
        for ticket in &tickets {
            sink.ticket(ticket).expect("the ticket is written");
        }
        took += started.elapsed();
    }
    let started = Instant::now();
    let written = sink.finish().expect("the file is written");
    assert_eq!(written.tickets, rows);
    took + started.elapsed()
}

/// A ticket like no other: names, texts and times of all lengths.
fn ticket(number: u64) -> CommonTicket {
    let pick = |salt: u64, from: &[&str]| {
        let mixed = (number ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        from[mixed as usize % from.len()].to_owned()
    };
    let topic = pick(
        1,
        &[
            "Beamer flackert",
            "No sound in room",
            "Wi-Fi drops",
            "=broken printer",
            "Password",
        ],
    );
    let person = |salt: u64| {
        let first = pick(salt, &["Ann", "Zoë", "Omar", "Lucía", "Wei", "Ivan"]);
        let last = pick(
            salt + 9,
            &["Lee", "Müller", "Haddad", "García", "Chen", "Petrov"],
        );
        let id = number % 977 + salt;
        json!({"id": format!("{id:08x}-0000-4000-8000-000000000000"), "name": format!("{first} {last}"),
               "email": format!("{first}.{last}{id}@district.example")})
    };
    let named =
        |salt: u64, from: &[&str]| json!({"id": format!("{salt}"), "name": pick(salt, from)});
    let created = 1_700_000_000 + number as i64 * 37;
    let at = |second: i64| {
        Timestamp::from_second(second)
            .expect("it is in range")
            .to_string()
    };
    let is_closed = !number.is_multiple_of(3);
    let sentence =
        "It began after the holidays, and only in the afternoon; the lamp was changed in May. ";
    serde_json::from_value(json!({
        "system": "incidentiq",
        "id": format!("{number:08x}-1111-4000-8000-{number:012x}"),
        "number": format!("{number}"),
        "url": format!("https://district.incidentiq.com/agent/tickets/{number:08x}-1111-4000-8000-{number:012x}"),
        "title": format!("{topic} {number}"),
        "description": sentence.repeat(1 + (number % 4) as usize),
        "standing": if is_closed { "closed" } else { "open" },
        "state": named(3, &["New", "In Progress", "Waiting on requestor", "Closed"]),
        "priority": named(4, &["Low", "Medium", "High", "Critical"]),
        "requester": person(5),
        "assignee": person(6),
        "team": named(7, &["IT Support", "Facilities", "AV"]),
        "place": named(8, &["Lincoln High School", "District Office", "Sankt-Peter-Schule"]),
        "category": named(9, &["Hardware › Projector › Flickers", "Network › Wi-Fi", "Other"]),
        "devices": [{"id": "d", "name": format!("{:06}", number % 40_000)}],
        "tags": ["import", pick(2, &["av", "room 12", "urgent"])],
        "custom": [], "comments": [], "attachments": [], "service": null,
        "created": at(created), "updated": at(created + 90_000),
        "closed": is_closed.then(|| at(created + 80_000)), "due": at(created + 200_000),
        "not_shown": [], "other": {},
    }))
    .expect("it is a ticket")
}

/// The most memory that this process has had, in megabytes.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
