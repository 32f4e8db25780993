//! What counting costs: `cargo bench --bench analyses -- 1000000`. All sheets at once over so many tickets of 200 teams,
//! places and issues and 20,000 people; the rows a second, and what the process held at most.

use std::time::{Duration, Instant};

use deskferry::export::sheets::{Analysis, Basis, SheetKind};
use deskferry::systems::common::{Clock, CommonTicket, Named, Service};
use deskferry::systems::{Standing, SystemName};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Map;

fn main() {
    let tickets: u64 = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(1_000_000);
    let now = Timestamp::from_second(1_719_230_000).expect("it is a time");
    let basis = Basis {
        zone: TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC),
        now,
        source: "bench".to_owned(),
        filter: None,
        by_state: false,
        period: None,
        is_whole: true,
        frame: None,
        kept: Vec::new(),
    };
    let mut analysis = Analysis::new(&SheetKind::ALL, basis);
    let mut took = Duration::ZERO;
    for number in 0..tickets {
        let ticket = ticket(number, now);
        let started = Instant::now();
        analysis.add(&ticket, true);
        took += started.elapsed();
    }
    let started = Instant::now();
    let sheets = analysis.finish();
    println!(
        "analyses: {tickets} tickets into {} sheets, {:.0} rows/s, told in {:.0} ms{}",
        sheets.len(),
        tickets as f64 / took.as_secs_f64(),
        started.elapsed().as_secs_f64() * 1e3,
        peak_mb().map_or_else(String::new, |mb| format!(", {mb:.0} MB at most")),
    );
}

/// What the process held at most, where the system tells.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

fn ticket(number: u64, now: Timestamp) -> CommonTicket {
    // Spread without a pattern that a table could profit from.
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let named = |word: &str, of: u64| {
        Some(Named {
            name: Some(format!("{word} {}", spread % of)),
            ..Named::default()
        })
    };
    let created = now - SignedDuration::from_secs((spread % 90_000_000) as i64);
    let lasted = SignedDuration::from_secs((spread % 3_000_000) as i64);
    let is_closed = !number.is_multiple_of(5);
    CommonTicket {
        system: SystemName::IncidentIq,
        id: number.to_string(),
        number: Some(number.to_string()),
        url: None,
        title: Some("The beamer flickers".to_owned()),
        description: None,
        standing: if is_closed {
            Standing::Closed
        } else {
            Standing::Open
        },
        state: named("State", 6),
        priority: named("Priority", 4),
        requester: Some(Named {
            email: Some(format!("person{}@district.example", spread % 20_000)),
            ..Named::default()
        }),
        assignee: named("Agent", 200),
        team: named("Team", 200),
        place: named("Place", 200),
        category: named("Issue", 200),
        devices: named("Device", 5_000).into_iter().collect(),
        tags: Vec::new(),
        custom: Vec::new(),
        comments: Vec::new(),
        attachments: Vec::new(),
        service: Some(Service {
            name: None,
            response: Some(Clock {
                target: Some(60.0),
                minutes: Some((spread % 600) as f64),
                is_running: Some(false),
                is_breached: None,
            }),
            resolution: Some(Clock {
                target: Some(30_000.0),
                minutes: Some(lasted.as_secs_f64() / 60.0),
                is_running: Some(!is_closed),
                is_breached: None,
            }),
        }),
        created: Some(created),
        updated: Some(created),
        closed: is_closed.then(|| created + lasted),
        due: None,
        not_shown: Vec::new(),
        other: Map::new(),
    }
}
