//! A report over generated tickets: what people read, and that an old one comes out as it was.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::export::sheets::made::{basis, tickets, week};
use crate::export::sheets::tests::read;
use crate::export::sheets::{Analysis, Sheet, SheetKind};
use crate::systems::Standing;

fn made(
    kept: Vec<Figures>,
    now: Timestamp,
    tickets: &[CommonTicket],
) -> (Vec<Sheet>, Vec<Figures>) {
    let mut basis = basis(Some(week()));
    basis.now = now;
    basis.frame = Some(Frame::of(SheetKind::Weekly, week().span, &basis.zone).unwrap());
    basis.kept = kept;
    let mut analysis = Analysis::new(&[SheetKind::Weekly], basis);
    for ticket in tickets {
        analysis.add(ticket, week().holds(ticket));
    }
    let figures = analysis.figures();
    (analysis.finish(), figures)
}

fn monday() -> Timestamp {
    "2024-06-17T12:00:00Z".parse().unwrap()
}

/// Tickets of the last year, so that each of the periods has some.
fn desk() -> Vec<CommonTicket> {
    let mut desk = tickets(900);
    let moved = SignedDuration::from_hours(24 * 7);
    for ticket in &mut desk {
        // None is of later than the report.
        for at in [
            &mut ticket.created,
            &mut ticket.closed,
            &mut ticket.due,
            &mut ticket.updated,
        ] {
            *at = at.map(|at| at - moved);
        }
    }
    desk
}

#[test]
fn a_week_against_the_one_before_and_a_year_ago() {
    let (sheets, figures) = made(Vec::new(), monday(), &desk());
    insta::assert_snapshot!("the_report_of_a_week", read(&sheets[..1]));
    assert_eq!(figures.len(), 3);
    assert!(figures.iter().all(Figures::is_over));
}

/// Between the two reports tickets are closed, reopened, deleted and moved.
#[test]
fn an_old_week_has_its_old_figures() {
    let desk = desk();
    let (first, kept) = made(Vec::new(), monday(), &desk);
    let mut later = desk.clone();
    for (at, ticket) in later.iter_mut().enumerate() {
        match at % 5 {
            0 => ticket.standing = Standing::Gone,
            1 => ticket.standing = Standing::Open,
            2 => ticket.place = None,
            _ => {}
        }
    }
    let now = "2024-09-02T12:00:00Z".parse().unwrap();
    let (again, _) = made(kept.clone(), now, &later);
    // What waits now is of now; all else is as it was.
    let figures = |sheets: &[Sheet]| {
        let tables = sheets[0].tables.iter();
        let of_periods =
            tables.filter(|table| !table.title.contains("now") && !table.title.contains("still"));
        of_periods
            .map(|table| (table.title.clone(), table.rows.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(figures(&again), figures(&first));
    let said = again[0].notes.join("\n");
    assert!(
        said.contains(
            "The figures of 10 to 16 Jun 2024 are those of the report of 17 Jun 2024, 07:00."
        ),
        "{said}"
    );
    assert!(
        said.contains("Counted from the tickets as they are now: created"),
        "{said}"
    );

    // Without the first report nobody can know: what may be other is marked.
    let (anew, _) = made(Vec::new(), now, &later);
    let glance = &anew[0].tables[0];
    for row in &glance.rows[1..4] {
        assert!(row[1].value.shown().starts_with('≈'), "{row:?}");
    }
    assert!(
        anew[0].notes[0]
            .starts_with("No report was made within a week of the end of 10 to 16 Jun 2024")
    );
}

#[test]
fn where_nobody_tells_when_a_ticket_was_closed_it_is_said() {
    let mut desk = desk();
    for ticket in &mut desk {
        ticket.closed = None;
        ticket.hide(
            "closed",
            "ClearFeed does not tell when a request was closed",
        );
    }
    let (sheets, _) = made(Vec::new(), monday(), &desk);
    let glance = &sheets[0].tables[0].rows;
    let shown = |row: usize| glance[row][1].value.shown();
    assert_eq!([1, 2, 3].map(shown), ["not known"; 3].map(str::to_owned));
    let said = sheets[0].notes.join("\n");
    assert!(
        said.contains("ClearFeed does not tell when a request was closed"),
        "{said}"
    );
}

#[test]
fn figures_are_kept_as_text_and_read_back() {
    let (_, figures) = made(Vec::new(), monday(), &desk());
    let text = serde_json::to_string(&figures).unwrap();
    let back: Vec<Figures> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, figures);
}

/// One location is renamed between the weeks, and priorities are written in two ways.
#[test]
fn spellings_of_one_thing_are_one_row() {
    let desk: Vec<CommonTicket> = desk()
        .into_iter()
        .map(|mut ticket| {
            let is_new = ticket.created >= week().span.from;
            if let Some(place) = &mut ticket.place {
                place.id = place.name.clone().map(|name| format!("id of {name}"));
                if place.name.as_deref() == Some("Room 12") && is_new {
                    place.name = Some("Maker space".to_owned());
                }
                if place.name.as_deref() == Some("District Office") && is_new {
                    (place.id, place.name) = (None, Some("DISTRICT OFFICE".to_owned()));
                }
            }
            if let Some(priority) = ticket.priority.as_mut().filter(|_| is_new) {
                priority.name = priority.name.as_ref().map(|name| name.to_uppercase());
            }
            ticket
        })
        .collect();
    let (plain, _) = made(Vec::new(), monday(), &self::desk());
    let (spelled, _) = made(Vec::new(), monday(), &desk);
    let numbers = |sheets: &[Sheet]| {
        let tables = sheets[0].tables.iter().skip(1).take(2);
        let rows = tables.flat_map(|table| table.rows.clone());
        let mut rows: Vec<Vec<String>> = rows
            .map(|row| row[1..].iter().map(|cell| cell.value.shown()).collect())
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(numbers(&spelled), numbers(&plain));
}
