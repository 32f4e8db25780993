//! What a listing may say about rows in doubt when the desk shows texts and titles otherwise than they were sent.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::decide::{Decision, decide_all};
use super::seen::{Held, Seen, Wanted};
use super::window;
use crate::ledger::{Control, Owner};
use crate::mapping::reference::{LONG, head};
use crate::record::RowKey;
use crate::run::plan::Doubt;
use crate::systems::{Listed, Looks, Print, TITLE, Ticket};

const COMMIT_WITHIN: Duration = Duration::from_secs(60);

fn sent() -> Timestamp {
    "2024-06-21T13:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    sent() + SignedDuration::from_secs(seconds)
}

/// A description as it is sent.
fn described(n: usize, body: &str) -> String {
    let text = format!("{body}\n\nRef: s/{n}");
    match text.chars().count() > LONG {
        true => format!("{}\n\n{text}", head(&format!("s/{n}"))),
        false => text,
    }
}

fn print(title: &str, text: &str) -> Print {
    Print {
        until: Some(sent()),
        ..Print::of(&Looks {
            traits: vec![(TITLE, title.to_owned()), ("requester", "ann".to_owned())],
            text: text.to_owned(),
        })
    }
}

fn doubt(n: usize, title: &str, text: &str) -> Doubt {
    Doubt {
        known: false,
        key: RowKey::new(n.to_string()),
        soft: None,
        reference: Some(format!("s/{n}")),
        group: "IT".to_owned(),
        sent_at: sent(),
        run: "R".to_owned(),
        absent: 0,
        answer: None,
        changed: None,
        more: false,
        print: Some(print(title, text)),
        is_open: true,
    }
}

fn listed(id: usize, title: &str, text: &str) -> Listed {
    Listed {
        ticket: Ticket {
            id: id.to_string(),
            ..Ticket::default()
        },
        created_at: Some(after(1)),
        updated_at: Some(after(1)),
        group: "IT".to_owned(),
        text: (!text.is_empty()).then(|| text.to_owned()),
        traits: vec![(TITLE, title.to_owned()), ("requester", "ann".to_owned())],
        ..Listed::default()
    }
}

/// A desk with one ticket that the ledger holds, and what it lists beside it.
struct Desk {
    controls: Vec<Control>,
    listed: Vec<Listed>,
    doubts: Vec<Doubt>,
}

impl Desk {
    /// The row of the ticket 90 is held, and comes back as it was sent.
    fn new() -> Self {
        let mut desk = Self {
            controls: Vec::new(),
            listed: Vec::new(),
            doubts: Vec::new(),
        };
        let text = described(90, "It hums");
        desk.hold(
            90,
            "Projector hums",
            &text,
            listed(90, "Projector hums", &text),
        );
        desk
    }

    fn hold(&mut self, n: usize, title: &str, text: &str, as_listed: Listed) {
        self.controls.push(Control {
            ticket: n.to_string(),
            reference: format!("s/{n}"),
            group: "IT".to_owned(),
            sent_at: Some(sent()),
            print: Some(print(title, text)),
        });
        self.listed.push(as_listed);
    }

    fn doubt(mut self, n: usize, title: &str, text: &str) -> Self {
        self.doubts.push(doubt(n, title, text));
        self
    }

    fn list(mut self, listed: Listed) -> Self {
        self.listed.push(listed);
        self
    }

    fn decide(&self) -> Vec<Decision> {
        let mut wanted = Wanted::of_doubts(&self.doubts, COMMIT_WITHIN);
        wanted.control("IT", self.controls.clone());
        let mut seen = Seen::default();
        for listed in &self.listed {
            seen.take(listed, &wanted);
        }
        seen.unknown();
        let held: Held = (self.controls.iter())
            .map(|control| (control.ticket.clone(), Owner::Elsewhere))
            .collect();
        decide_all(&self.doubts, &wanted, seen, &held)
    }

    fn words(&self) -> Vec<String> {
        self.decide().iter().map(word).collect()
    }
}

fn word(decision: &Decision) -> String {
    match decision {
        Decision::Found(ticket, doubles) => {
            let doubles: String = doubles
                .iter()
                .map(|double| format!(" and {}", double.id))
                .collect();
            format!("found {}{doubles}", ticket.id)
        }
        Decision::Absent => "absent".to_owned(),
        Decision::Unseen(_) => "unseen".to_owned(),
        Decision::Failed(_) => "failed".to_owned(),
        Decision::Open(_, candidates) => {
            let ids = candidates
                .iter()
                .map(|candidate| match candidate.is_marked {
                    true => format!(" marked {}", candidate.ticket.id),
                    false => format!(" {}", candidate.ticket.id),
                });
            format!("open{}", ids.collect::<String>())
        }
    }
}

const TITLE_1: &str = "Screen of laptop 12 is dark";

#[test]
fn a_ticket_is_found_by_its_reference_and_its_absence_is_known() {
    let text = described(1, "Dark");
    let desk =
        Desk::new()
            .doubt(1, TITLE_1, &text)
            .doubt(2, "Mouse is lost", &described(2, "Gone"));
    let desk = desk
        .list(listed(1, TITLE_1, &text))
        .list(listed(5, TITLE_1, &text));
    assert_eq!(desk.words(), ["found 1 and 5", "absent"]);
}

#[test]
fn a_long_text_that_is_listed_shortened_is_found_or_stays_in_doubt() {
    let text = described(1, &"long words ".repeat(200));
    let cut = |from: usize, to: usize| listed(1, TITLE_1, &text[from..to]);
    let desk = || Desk::new().doubt(1, TITLE_1, &text);
    // The first line is left, or the last, or neither.
    assert_eq!(desk().list(cut(0, 200)).words(), ["found 1"]);
    assert_eq!(desk().list(cut(100, 500)).words(), ["open 1"]);
    assert_eq!(desk().list(listed(1, TITLE_1, "")).words(), ["open 1"]);
    assert_eq!(
        desk().list(listed(1, TITLE_1, "[removed]")).words(),
        ["open 1"]
    );
    // As an earlier version sent it: without the first line.
    let old = text.split_once("\n\n").unwrap().1;
    let desk = Desk::new().doubt(1, TITLE_1, old);
    assert_eq!(
        desk.list(listed(1, TITLE_1, &old[..200])).words(),
        ["open 1"]
    );
}

#[test]
fn a_row_whose_reference_is_quoted_takes_no_ticket_of_another() {
    let body = format!("As I wrote:\nRef: s/2\n{}", "and more ".repeat(20));
    let text = described(1, &body);
    let cut = text.split_once("and more").unwrap().0.to_owned();
    // Its own ticket is never made, and has the same title.
    let both = |other: &str| {
        Desk::new()
            .doubt(1, TITLE_1, &text)
            .doubt(2, other, &described(2, "Gone"))
    };
    let desk = both(TITLE_1).list(listed(1, TITLE_1, &cut));
    assert_eq!(desk.words(), ["open 1", "open marked 1"]);
    let desk = both("Mouse is lost").list(listed(1, TITLE_1, &cut));
    assert_eq!(desk.words(), ["open 1", "open marked 1"]);
    // Listed whole it says nothing of the other one.
    let desk = both(TITLE_1).list(listed(1, TITLE_1, &text));
    assert_eq!(desk.words(), ["found 1", "absent"]);
    // A long one says on its first line whose it is.
    let text = described(
        1,
        &format!("As I wrote:\nRef: s/2\n{}", "and more ".repeat(200)),
    );
    let cut = text.split_once("and more").unwrap().0.to_owned();
    let desk =
        Desk::new()
            .doubt(1, TITLE_1, &text)
            .doubt(2, "Mouse is lost", &described(2, "Gone"));
    assert_eq!(
        desk.list(listed(1, TITLE_1, &cut)).words(),
        ["found 1", "open marked 1"]
    );
}

#[test]
fn a_reference_in_place_under_another_title_settles_nothing() {
    let text = described(1, "Dark");
    for title in ["Ticket 4711", "[IT] Screen of laptop 12 is dark"] {
        let desk = Desk::new()
            .doubt(1, TITLE_1, &text)
            .list(listed(1, title, &text));
        assert_eq!(desk.words(), ["open marked 1"], "{title}");
    }
    let mut untitled = listed(1, "", &text);
    untitled.traits.clear();
    let desk = Desk::new().doubt(1, TITLE_1, &text).list(untitled);
    assert_eq!(desk.words(), ["found 1"]);
}

#[test]
fn what_colleagues_make_contradicts_by_its_title() {
    let desk = || Desk::new().doubt(1, TITLE_1, &described(1, "Dark"));
    let other = |title: &str| listed(7, title, "Please help");
    assert_eq!(desk().list(other("Password reset")).words(), ["absent"]);
    assert_eq!(
        desk().list(other("Screen of laptop 13 is dark")).words(),
        ["absent"]
    );
    assert_eq!(
        desk()
            .list(other("[New] screen of laptop 12 is d…"))
            .words(),
        ["open 7"]
    );
    assert_eq!(desk().list(other(TITLE_1)).words(), ["open 7"]);
    // Titles come back as other ones: they contradict nothing.
    let mut desk = desk().list(other("Password reset"));
    let text = described(91, "Beeps");
    desk.hold(91, "Server beeps", &text, listed(91, "Ticket 91", &text));
    assert_eq!(desk.words(), ["open 7"]);
    // Somebody has changed that one since.
    let changed = desk.listed.last_mut().unwrap();
    changed.updated_at = Some(after(9_000));
    assert_eq!(desk.words(), ["absent"]);
}

#[test]
fn other_attributes_contradict_where_their_own_value_came_back() {
    let by = |requester: &str| {
        let mut other = listed(7, TITLE_1, "Please help");
        other.traits[1].1 = requester.to_owned();
        other
    };
    let desk = || Desk::new().doubt(1, TITLE_1, &described(1, "Dark"));
    assert_eq!(desk().list(by("bob")).words(), ["absent"]);
    assert_eq!(desk().list(by("Ann")).words(), ["open 7"]);
    // Nothing shows what becomes of a requester that the system may not know.
    let mut unknown = desk().list(by("bob"));
    let looks = Looks {
        traits: vec![(TITLE, TITLE_1.to_owned()), ("requester", "zoe".to_owned())],
        text: String::new(),
    };
    unknown.doubts[0].print = Some(Print::of(&looks));
    assert_eq!(unknown.words(), ["open 7"]);
}

#[test]
fn only_what_was_made_at_its_time_and_in_its_group_may_be_its_own() {
    let desk = |stray: Listed| {
        Desk::new()
            .doubt(1, TITLE_1, &described(1, "Dark"))
            .list(stray)
    };
    let at = |seconds: i64| Listed {
        created_at: Some(after(seconds)),
        ..listed(7, TITLE_1, "Please help")
    };
    assert_eq!(desk(at(-3_600)).words(), ["absent"]);
    assert_eq!(desk(at(3_600)).words(), ["absent"]);
    assert_eq!(desk(at(100)).words(), ["open 7"]);
    assert_eq!(desk(at(-30)).words(), ["open 7"]);
    let facilities = Listed {
        group: "Facilities".to_owned(),
        ..at(1)
    };
    assert_eq!(desk(facilities.clone()).words(), ["absent"]);
    // The system's times are wrong, or it moves tickets: neither says anything.
    let mut wrong = desk(at(-3_600));
    wrong.listed[0].created_at = Some(after(-18_000));
    assert_eq!(wrong.words(), ["open 7"]);
    let mut moved = desk(facilities);
    let text = described(91, "Beeps");
    let elsewhere = Listed {
        group: "Facilities".to_owned(),
        ..listed(91, "Server beeps", &text)
    };
    moved.hold(91, "Server beeps", &text, elsewhere);
    assert_eq!(moved.words(), ["open 7"]);
}

#[test]
fn the_ticket_of_another_row_excuses_as_far_as_texts_are_proven() {
    let foreign = listed(7, TITLE_1, "Seen\nRef: x/7");
    // A text as long as the proven ones would show its own reference.
    let desk = Desk::new().doubt(1, TITLE_1, &described(1, "Dark"));
    assert_eq!(desk.list(foreign.clone()).words(), ["absent"]);
    // A longer one may end where it quotes.
    let desk = Desk::new().doubt(1, TITLE_1, &described(1, &"dark ".repeat(50)));
    assert_eq!(desk.list(foreign).words(), ["open 7"]);
}

#[test]
fn what_a_place_proves_is_proven_for_that_place_alone() {
    let mut desk = Desk::new().doubt(1, TITLE_1, "").doubt(2, TITLE_1, "");
    desk.doubts[1].group = "IT#cf".to_owned();
    let in_field = |id: usize, text: &str, field: &str| Listed {
        custom: vec![("cf".to_owned(), field.to_owned())],
        ..listed(id, TITLE_1, text)
    };
    // The text quotes a row that the field would bear; the field of another ticket bears it.
    let desk = desk
        .list(in_field(7, "Ref: s/2", "Room 12"))
        .list(in_field(8, "Ref: s/9", "s/2"));
    assert_eq!(desk.words(), ["absent", "found 8"]);
}

#[test]
fn what_an_earlier_version_sent_is_known_by_its_reference() {
    let mut desk = Desk::new()
        .doubt(1, TITLE_1, "")
        .doubt(2, "Mouse is lost", "");
    desk.controls[0].print = None;
    for doubt in &mut desk.doubts {
        doubt.print = None;
    }
    let desk = desk.list(listed(1, "Renamed", &described(1, "Dark")));
    assert_eq!(desk.words(), ["found 1", "absent"]);
    let desk = desk.list(listed(7, "Password reset", "Please help"));
    assert_eq!(desk.words(), ["found 1", "open 7"]);
}

/// How a desk shows what it was sent.
#[derive(Debug, Clone, Copy)]
enum Texts {
    Whole,
    /// So many characters of it.
    Cut(usize),
    /// Its first paragraphs, as far as so many characters hold.
    Split(usize),
    /// That of some tickets is empty.
    Emptied(u64),
    Removed,
    Escaped,
}

#[derive(Debug, Clone, Copy)]
enum Titles {
    Whole,
    Cut(usize),
    Labelled,
    Numbered,
    Hidden,
}

impl Texts {
    fn show(self, id: usize, text: &str) -> String {
        match self {
            Self::Whole => text.to_owned(),
            Self::Cut(most) => text.chars().take(most).collect(),
            Self::Split(most) if text.len() > most => {
                let end = text[..most].rfind("\n\n").unwrap_or(most);
                text[..end].to_owned()
            }
            Self::Split(_) => text.to_owned(),
            Self::Emptied(which) if which >> id & 1 == 1 => String::new(),
            Self::Emptied(_) => text.to_owned(),
            Self::Removed => "[removed]".to_owned(),
            Self::Escaped => text.replace('\n', "&lt;br&gt;"),
        }
    }
}

impl Titles {
    fn show(self, id: usize, title: &str) -> Option<String> {
        match self {
            Self::Whole => Some(title.to_owned()),
            Self::Cut(most) => Some(title.chars().take(most).collect()),
            Self::Labelled => Some(format!("[IT] {title}")),
            Self::Numbered => Some(format!("Ticket {id}")),
            Self::Hidden => None,
        }
    }
}

/// A row: title, paragraphs, which row each quotes after it, and what became of it.
type Drawn = (usize, Vec<(usize, Option<usize>)>, bool, bool);

const POOL: [&str; 4] = [
    TITLE_1,
    "Screen of laptop 13 is dark",
    "Mouse is lost",
    "Password",
];

fn row() -> impl Strategy<Value = Drawn> {
    let paragraph = (1_usize..400, prop::option::weighted(0.4, 0_usize..8));
    (
        0..POOL.len(),
        prop::collection::vec(paragraph, 1..6),
        any::<bool>(),
        any::<bool>(),
    )
}

fn texts() -> impl Strategy<Value = Texts> {
    prop_oneof![
        Just(Texts::Whole),
        (10_usize..2_000).prop_map(Texts::Cut),
        (10_usize..2_000).prop_map(Texts::Split),
        any::<u64>().prop_map(Texts::Emptied),
        Just(Texts::Removed),
        Just(Texts::Escaped),
    ]
}

fn titles() -> impl Strategy<Value = Titles> {
    prop_oneof![
        Just(Titles::Whole),
        (3_usize..30).prop_map(Titles::Cut),
        Just(Titles::Labelled),
        Just(Titles::Numbered),
        Just(Titles::Hidden),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever a desk does to texts and titles: a row whose ticket is listed is never absent, and none takes the ticket
    /// of another.
    #[test]
    fn no_row_is_doubled_and_none_is_lost(
        rows in prop::collection::vec(row(), 2..9),
        by_hand in prop::collection::vec(0..POOL.len(), 0..4),
        texts in texts(),
        titles in titles(),
    ) {
        let mut desk = Desk { controls: Vec::new(), listed: Vec::new(), doubts: Vec::new() };
        let mut made = HashMap::new();
        for (n, (title, paragraphs, is_made, is_held)) in rows.iter().enumerate() {
            let title = POOL[*title];
            let body: Vec<String> = paragraphs
                .iter()
                .map(|(length, quoted)| {
                    let words = format!("row{n} ").repeat(length / 5 + 1);
                    match quoted.filter(|quoted| *quoted != n) {
                        Some(quoted) => format!("{words}\nRef: s/{quoted}"),
                        None => words,
                    }
                })
                .collect();
            let text = described(n, &body.join("\n\n"));
            // A part that ends exactly with another row's line is taken for that row's: docs/delivery.md says so.
            let part = texts.show(n, &text);
            let last = part.trim_end().lines().last().unwrap_or_default();
            let is_anothers = last.starts_with("Ref: s/") && last != format!("Ref: s/{n}");
            prop_assume!(!(matches!(texts, Texts::Split(_) | Texts::Cut(_)) && is_anothers));
            let shown = || {
                let mut shown = listed(n, "", &texts.show(n, &text));
                shown.traits.remove(0);
                shown.traits.extend(titles.show(n, title).map(|title| (TITLE, title)));
                shown
            };
            // The first is always held: without it nothing is absent.
            if n == 0 || (*is_held && *is_made) {
                desk.hold(n, title, &text, shown());
            } else {
                desk.doubts.push(doubt(n, title, &text));
                if *is_made {
                    desk.listed.push(shown());
                    made.insert(n, n.to_string());
                }
            }
        }
        for (at, title) in by_hand.iter().enumerate() {
            desk.listed.push(listed(50 + at, POOL[*title], "Please help"));
        }
        let mut taken = HashSet::new();
        for (doubt, decision) in desk.doubts.iter().zip(desk.decide()) {
            let reference = doubt.reference.as_deref().unwrap();
            let n: usize = reference.trim_start_matches("s/").parse().unwrap();
            match (decision, made.get(&n)) {
                (Decision::Absent, made) => prop_assert!(made.is_none(), "{reference} is lost sight of"),
                (Decision::Found(ticket, doubles), made) => {
                    prop_assert_eq!(Some(&ticket.id), made);
                    prop_assert!(doubles.is_empty());
                    prop_assert!(taken.insert(ticket.id));
                }
                (Decision::Open(..) | Decision::Unseen(_) | Decision::Failed(_), _) => {}
            }
        }
        // On a desk that shows everything as it was sent all is settled.
        if matches!((texts, titles), (Texts::Whole | Texts::Escaped, Titles::Whole)) && by_hand.is_empty() {
            for decision in desk.decide() {
                prop_assert!(!matches!(decision, Decision::Open(..)), "{}", word(&decision));
            }
        }
    }
}

/// The `Date` header was 26 minutes ahead, and our clock tells when the system says that tickets were made.
#[test]
fn a_header_that_is_wrong_excuses_no_ticket() {
    const AHEAD: i64 = 1_591;
    let sent_then = |print: Print| Print {
        until: Some(after(AHEAD)),
        ours: Some(sent()),
        ..print
    };
    let (held, text) = (described(90, "It hums"), described(1, "Dark"));
    let mut desk = Desk {
        controls: Vec::new(),
        listed: Vec::new(),
        doubts: Vec::new(),
    };
    desk.hold(
        90,
        "Projector hums",
        &held,
        listed(90, "Projector hums", &held),
    );
    desk.controls[0].sent_at = Some(after(AHEAD));
    desk.controls[0].print = desk.controls[0].print.take().map(sent_then);
    let mut desk = desk.doubt(1, TITLE_1, &text).list(listed(7, TITLE_1, ""));
    desk.doubts[0].sent_at = after(AHEAD);
    desk.doubts[0].print = desk.doubts[0].print.take().map(sent_then);
    assert_eq!(desk.words(), ["open 7"]);
    // What was made when the header says is excluded: that the header is wrong is shown.
    desk.listed[1].created_at = Some(after(AHEAD));
    assert_eq!(desk.words(), ["absent"]);
}

#[test]
fn a_short_description_bears_nothing_on_its_first_line() {
    let quoting = format!("{}\nas before, and it", head("s/2"));
    let with = |text: &str| {
        let desk = Desk::new().doubt(2, TITLE_1, &described(2, text));
        desk.list(listed(7, TITLE_1, &quoting)).words()
    };
    assert_eq!(with("Gone"), ["absent"]);
    // A text of that length may be shown cut.
    assert_eq!(with(&"Gone ".repeat(30)), ["open 7"]);
    // A long one does.
    let long = described(2, &"long words ".repeat(200));
    let desk = Desk::new()
        .doubt(2, TITLE_1, &long)
        .list(listed(7, TITLE_1, &quoting));
    assert_eq!(desk.words(), ["found 7"]);
}

#[test]
fn what_a_rollback_took_back_is_no_rows_ticket() {
    let text = described(1, "Dark");
    let mut closed = listed(7, TITLE_1, &text);
    closed.is_taken_back = true;
    let desk = Desk::new().doubt(1, TITLE_1, &text).list(closed);
    assert_eq!(desk.words(), ["absent"]);
}

/// The system's clock was ahead when the rows were sent, and is right now.
#[test]
fn a_clock_that_was_set_back_leaves_what_was_sent_in_the_window() {
    let mut late = doubt(1, "Row 1", "text");
    late.sent_at = after(31 * 3_600);
    late.print = None;
    let now = after(0);
    let wanted = Wanted::of_doubts(&[late.clone(), doubt(2, "Row 2", "text")], COMMIT_WITHIN);
    let window = window(&wanted, now);
    assert!(window.from < now - SignedDuration::from_hours(23));
    assert!(window.to > late.sent_at + SignedDuration::from_hours(24));
}

/// A rollback has left a note on it and was stopped before it closed the ticket; or somebody has opened it again.
#[test]
fn a_ticket_with_the_note_of_a_rollback_that_is_open_settles_nothing() {
    let text = described(1, "Dark");
    let noted = Listed {
        noted_at: Some(after(60)),
        ..listed(1, TITLE_1, &text)
    };
    let desk = || Desk::new().doubt(1, TITLE_1, &text).list(noted.clone());
    assert_eq!(desk().words(), ["open marked 1"]);
    // Another one without a note is the row's.
    let desk = desk().list(listed(5, TITLE_1, &text));
    assert_eq!(desk.words(), ["found 5"]);
}
