//! Generated tickets for tests: every field, hostile texts, names that formulas stumble over.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Analysis, Basis, By, Period, Sheet, SheetKind};
use crate::systems::common::{Clock, CommonTicket, Named, Service};
use crate::systems::query::Span;
use crate::systems::{Standing, SystemName};

/// When everything was read.
pub(in crate::export) fn now() -> Timestamp {
    "2024-06-24T12:00:00Z".parse().unwrap()
}

pub(in crate::export) fn zone() -> TimeZone {
    TimeZone::get("America/Chicago").unwrap()
}

/// An analysis that reads the whole desk and lists the tickets of a period.
pub(in crate::export) fn basis(period: Option<Period>) -> Basis {
    Basis {
        zone: zone(),
        now: now(),
        source: "district (IncidentIQ)".to_owned(),
        filter: None,
        by_state: false,
        period,
        is_whole: true,
        frame: None,
        kept: Vec::new(),
    }
}

/// The week from 10 to 16 June 2024, by the time of creation.
pub(in crate::export) fn week() -> Period {
    let at = |text: &str| Some(text.parse().unwrap());
    Period {
        by: By::Created,
        span: Span {
            from: at("2024-06-10T05:00:00Z"),
            until: at("2024-06-17T05:00:00Z"),
        },
    }
}

/// The numbers that a seed leads to, always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// The first ones more often than the last.
    fn pick<'a>(&mut self, names: &[&'a str]) -> &'a str {
        let end = names.len() as u64;
        let at = self.below(end).min(self.below(end));
        names[at as usize]
    }
}

fn named(name: &str) -> Option<Named> {
    (!name.is_empty()).then(|| Named {
        name: Some(name.to_owned()),
        ..Named::default()
    })
}

const STATES: [&str; 4] = ["Submitted", "In Progress", "Waiting for parts", "Closed"];
const PRIORITIES: [&str; 5] = ["Medium", "High", "Low", "Urgent", ""];
const TEAMS: [&str; 7] = [
    "Help Desk",
    "Network",
    "2nd level",
    "=1+1",
    "Field ~ technicians*",
    "help desk",
    "",
];
const PLACES: [&str; 6] = [
    "Lincoln High School",
    "District Office",
    "Room 12",
    "Kennedy \"K8\"",
    "<Annex>",
    "",
];

fn ticket(number: u64, dice: &mut Dice) -> CommonTicket {
    let minutes = |count: u64| SignedDuration::from_mins(count as i64);
    let created = now() - minutes(dice.below(60 * 24 * 600));
    let took = 5 + dice.below(60) * dice.below(400);
    let is_closed = dice.below(10) < 7 && created + minutes(took) < now();
    let deleted = dice.below(50) == 0;
    let target = [240.0, 1440.0, 4320.0][dice.below(3) as usize];
    let spent = match is_closed {
        true => took as f64,
        false => now().duration_since(created).as_secs_f64() / 60.0,
    };
    let who = format!("person{}", dice.below(40));
    CommonTicket {
        number: Some(format!("{:05}", 10_000 + number)),
        url: Some(format!("https://district.example/tickets/{number}")),
        title: Some(format!(
            "=cmd|'/c calc'!A{number} <script>alert(1)</script>"
        )),
        standing: match (deleted, is_closed) {
            (true, _) => Standing::Gone,
            (_, true) => Standing::Closed,
            (_, false) => Standing::Open,
        },
        state: named(if is_closed {
            STATES[3]
        } else {
            STATES[dice.below(3) as usize]
        }),
        priority: named(dice.pick(&PRIORITIES)),
        requester: Some(Named {
            id: Some(who.clone()),
            name: Some(format!("Person {who}")),
            email: Some(format!("{who}@district.example")),
        }),
        assignee: named(dice.pick(&["Ann Lee", "Bo Diaz", "", "Cy O'Neil"])),
        team: named(dice.pick(&TEAMS)),
        place: named(dice.pick(&PLACES)),
        category: named(&format!("Issue {}", dice.below(60).min(dice.below(60)))),
        devices: (0..dice.below(3))
            .filter_map(|_| named(&format!("T-{:03}", dice.below(50))))
            .collect(),
        service: (dice.below(4) > 0).then(|| Service {
            name: Some("Standard".to_owned()),
            response: Some(Clock {
                target: Some(60.0),
                minutes: Some(dice.below(120) as f64),
                is_running: Some(false),
                is_breached: None,
            }),
            resolution: Some(Clock {
                target: Some(target),
                minutes: Some(spent),
                is_running: Some(!is_closed),
                is_breached: Some(spent > target),
            }),
        }),
        created: Some(created),
        updated: Some(created),
        // One that was opened again keeps its time of closing.
        closed: (is_closed || dice.below(9) == 0).then(|| created + minutes(took)),
        due: (dice.below(2) == 0).then(|| created + minutes(target as u64)),
        ..CommonTicket::new(SystemName::IncidentIq, format!("id-{number}"))
    }
}

/// So many tickets, always the same.
pub(in crate::export) fn tickets(count: u64) -> Vec<CommonTicket> {
    let mut dice = Dice(7);
    (0..count).map(|number| ticket(number, &mut dice)).collect()
}

/// All sheets over tickets, all of which are listed.
pub(in crate::export) fn sheets(tickets: &[CommonTicket]) -> Vec<Sheet> {
    counted(tickets, basis(None))
}

/// All sheets over tickets.
pub(in crate::export) fn counted(tickets: &[CommonTicket], basis: Basis) -> Vec<Sheet> {
    let period = basis.period.clone();
    let mut analysis = Analysis::new(&SheetKind::ALL, basis);
    for ticket in tickets {
        let is_listed = period.as_ref().is_none_or(|period| period.holds(ticket));
        analysis.add(ticket, is_listed);
    }
    analysis.finish()
}
