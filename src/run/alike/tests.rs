//! What is named as possibly a duplicate, and what is none.

use super::*;
use crate::systems::{Looks, Print};

const START: &str = "2026-11-30T08:00:00Z";

fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

fn row(key: &str, sent: i64, title: &str, text: &str) -> Unmarked {
    Unmarked {
        key: RowKey::new(key),
        ticket: Some(Ticket {
            id: format!("own-{key}"),
            ..Ticket::default()
        }),
        fate: Fate::Made,
        group: "IT".to_owned(),
        sent: (at(sent), at(sent)),
        by_ours: false,
        print: Some(Print::of(&Looks {
            traits: vec![(TITLE, title.to_owned())],
            text: text.to_owned(),
        })),
    }
}

fn without(fate: Fate, row: Unmarked) -> Unmarked {
    Unmarked {
        ticket: None,
        fate,
        ..row
    }
}

fn open(row: Unmarked) -> Unmarked {
    without(Fate::Open, row)
}

fn listed(id: &str, made: i64, title: &str, text: &str) -> Listed {
    Listed {
        ticket: Ticket {
            id: id.to_owned(),
            ..Ticket::default()
        },
        created_at: Some(at(made)),
        group: "IT".to_owned(),
        text: Some(text.to_owned()),
        traits: vec![(TITLE, title.to_owned())],
        ..Listed::default()
    }
}

/// The duplicates, as `key: own, other`; what nobody knows has an id that begins with `x`.
fn twins(rows: Vec<Unmarked>, listed: &[Listed]) -> Vec<String> {
    let mut shown: Vec<Shown> = listed.iter().map(Shown::of).collect();
    let late = SignedDuration::from_secs(10 + 60 + 60);
    let rows = Rows::new(rows, Offset(SignedDuration::from_hours(2)), late, &shown);
    shown.retain(|one| rows.concerns(one) && one.ticket.id.starts_with('x'));
    let told = |twin: Twin| {
        let own = twin.own.as_ref().map_or("-", |own| &own.id);
        assert!(twin.to_string().contains("look"));
        format!("{}: {own}, {}", twin.key, twin.other.id)
    };
    rows.twins(shown).into_iter().map(told).collect()
}

#[test]
fn a_second_ticket_that_says_the_same_is_possibly_a_duplicate() {
    let rows = || {
        vec![
            row("k1", 0, "Printer jams", "Tray 2"),
            row("k2", 1, "Screen", ""),
        ]
    };
    let own = [
        listed("own-k1", 1, "Printer jams", "<p>Tray 2</p>"),
        listed("own-k2", 2, "Screen", ""),
    ];
    let with = |other: Listed| twins(rows(), &[own[0].clone(), own[1].clone(), other]);
    let same = with(listed("x1", 2, "Printer jams", "<p>Tray 2</p>"));
    assert_eq!(same, ["k1: own-k1, x1"]);
    let none: [&str; 0] = [];
    assert_eq!(with(listed("x1", 2, "Printer jams", "Tray 3")), none);
    assert_eq!(with(listed("x1", 2, "Printer jams again", "Tray 2")), none);
    assert_eq!(with(listed("x1", 600, "Printer jams", "Tray 2")), none);
    assert_eq!(with(listed("x1", -600, "Printer jams", "Tray 2")), none);
    let mut other = listed("x1", 2, "Printer jams", "Tray 2");
    other.group = "HR".to_owned();
    assert_eq!(with(other.clone()), none);
    (other.group, other.standing) = ("IT".to_owned(), Standing::Gone);
    assert_eq!(with(other), none);
}

#[test]
fn rows_of_the_same_content_are_no_duplicates_of_each_other() {
    let rows = || {
        vec![
            row("k1", 0, "Screen", "dark"),
            row("k2", 20, "Screen", "dark"),
        ]
    };
    let own = [
        listed("own-k1", 1, "Screen", "dark"),
        listed("own-k2", 21, "Screen", "dark"),
    ];
    assert!(twins(rows(), &own).is_empty());
    // A third one is that of the row that was sent when it was made.
    let all = [
        own[0].clone(),
        own[1].clone(),
        listed("x1", 22, "Screen", "dark"),
    ];
    assert_eq!(twins(rows(), &all), ["k2: own-k2, x1"]);
    // One that may be the ticket of a row in doubt is no duplicate, a second one is.
    let rows = || {
        vec![
            row("k1", 0, "Screen", "dark"),
            open(row("k2", 20, "Screen", "dark")),
        ]
    };
    let one = [own[0].clone(), listed("x1", 22, "Screen", "dark")];
    assert!(twins(rows(), &one).is_empty());
    let two = [
        one[0].clone(),
        one[1].clone(),
        listed("x2", 23, "Screen", "dark"),
    ];
    assert_eq!(twins(rows(), &two), ["k1: own-k1, x2"]);
    let rows = vec![open(row("k2", 20, "Screen", "dark"))];
    assert_eq!(twins(rows, &two[1..]), ["k2: x1, x2"]);
    // A row that was refused has none: one that says what was sent is told at once.
    let refused = without(Fate::Refused, row("k2", 20, "Screen", "dark"));
    assert_eq!(twins(vec![refused], &two[1..]), ["k2: -, x1", "k2: x1, x2"]);
}

/// What a system rewrites it rewrites in both; and its times may be others than those of sending.
#[test]
fn tickets_are_held_against_each_other_as_they_are_listed() {
    let listed = [
        listed("own-k1", 50_000, "[IT] Printer jams", "Tray 2, see :pray:"),
        listed("x1", 50_003, "[IT] Printer jams", "Tray 2, see :pray:"),
    ];
    let rows = || vec![row("k1", 0, "Printer jams", "Tray 2, see 🙏")];
    assert_eq!(twins(rows(), &listed), ["k1: own-k1, x1"]);
    assert!(twins(rows(), &listed[1..]).is_empty());
}

/// A ticket that was given up was made between two times on our clock, which may be off.
#[test]
fn a_duplicate_of_a_ticket_that_was_given_up_is_told() {
    let mut former = row("k1", 0, "Printer jams", "Tray 2");
    (former.fate, former.by_ours) = (Fate::GivenUp, true);
    former.sent = (at(0), at(900));
    let hours = 2 * 3_600;
    for (made, is_told) in [(500, true), (hours + 500, true), (hours / 2, false)] {
        let other = listed("x1", made, "Printer jams", "Tray 2");
        let told = twins(vec![former.clone()], &[other]);
        assert_eq!(!told.is_empty(), is_told, "{made}");
    }
}
