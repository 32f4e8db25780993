//! All sheets over generated tickets: what is counted, what formulas mean, what a workbook holds.

use jiff::civil::DateTime;

use super::made::{basis, counted, sheets, tickets, week, zone};
use super::*;
use crate::systems::common::Named;

fn sheet(sheets: &[Sheet], kind: SheetKind) -> &Sheet {
    sheets
        .iter()
        .find(|sheet| sheet.name == kind.tab())
        .unwrap()
}

/// A cell of a row of tickets.
pub(super) enum Written {
    Nothing,
    Text(String),
    Time(DateTime),
}

pub(super) const COLUMNS: [Field; 14] = [
    Field::Id,
    Field::Standing,
    Field::State,
    Field::Priority,
    Field::Requester,
    Field::RequesterEmail,
    Field::Assignee,
    Field::AssigneeEmail,
    Field::Team,
    Field::Place,
    Field::Category,
    Field::Created,
    Field::Closed,
    Field::Due,
];

pub(super) fn written(ticket: &CommonTicket, field: Field) -> Written {
    let named = |named: &Option<Named>| named.as_ref().map(|named| named.label().to_owned());
    let text = match field {
        Field::Id => Some(ticket.id.clone()),
        Field::Standing => Some(ticket.standing.as_str().to_owned()),
        Field::State => named(&ticket.state),
        Field::Priority => named(&ticket.priority),
        Field::Requester => named(&ticket.requester),
        Field::RequesterEmail => ticket.requester.as_ref().and_then(|who| who.email.clone()),
        Field::Assignee => named(&ticket.assignee),
        Field::AssigneeEmail => ticket.assignee.as_ref().and_then(|who| who.email.clone()),
        Field::Team => named(&ticket.team),
        Field::Place => named(&ticket.place),
        Field::Category => named(&ticket.category),
        Field::Created | Field::Closed | Field::Due => {
            let at = match field {
                Field::Created => ticket.created,
                Field::Closed => ticket.closed,
                _ => ticket.due,
            };
            return at.map_or(Written::Nothing, |at| Written::Time(zone().to_datetime(at)));
        }
    };
    text.map_or(Written::Nothing, Written::Text)
}

/// Whether a cell fulfils a condition, as spreadsheet programs have it.
fn fulfils(cell: &Written, test: &Test) -> bool {
    match (cell, test) {
        (Written::Text(text), Test::Is(wanted)) => text.to_lowercase() == wanted.to_lowercase(),
        (_, Test::Is(_)) => false,
        (cell, Test::IsNot(text)) => !fulfils(cell, &Test::Is(text.clone())),
        (cell, Test::Empty) => matches!(cell, Written::Nothing),
        (cell, Test::Filled) => !matches!(cell, Written::Nothing),
        (Written::Time(at), Test::From(day)) => at.date() >= *day,
        (Written::Time(at), Test::Before(day)) => at.date() < *day,
        (Written::Time(at), Test::BeforeTime(time)) => at < time,
        (_, Test::From(_) | Test::Before(_) | Test::BeforeTime(_)) => false,
    }
}

fn number(table: &Table, at: At) -> f64 {
    table.rows[at.row][at.column].value.number().unwrap()
}

fn traced(trace: &Trace, table: &Table, tickets: &[CommonTicket]) -> f64 {
    let sum = |column: usize, rows: &std::ops::Range<usize>| {
        let rows = table.rows[rows.clone()].iter();
        rows.filter_map(|row| row[column].value.number())
            .sum::<f64>()
    };
    match trace {
        Trace::Count(conditions) => {
            let is_counted = |ticket: &&CommonTicket| {
                let mut conditions = conditions.iter();
                conditions.all(|one| fulfils(&written(ticket, one.field), &one.test))
            };
            tickets.iter().filter(is_counted).count() as f64
        }
        Trace::Sum { column, rows } => sum(*column, rows),
        Trace::Rest { whole, rows } => number(table, *whole) - sum(whole.column, rows),
        Trace::Ratio(part, whole) => number(table, *part) / number(table, *whole),
        Trace::Part { of, rest } => {
            number(table, *of) / (number(table, *of) + number(table, *rest))
        }
        Trace::Less(one, other) => number(table, *one) - number(table, *other),
    }
}

#[test]
fn every_number_is_what_its_trace_means() {
    let tickets = tickets(3000);
    let mut counted = 0;
    for sheet in sheets(&tickets) {
        let is_drawn = sheet.tables.iter().any(|table| !table.charts.is_empty());
        assert!(
            is_drawn || sheet.name == definitions::TAB,
            "{}: {:?}",
            sheet.name,
            sheet.notes
        );
        for table in &sheet.tables {
            for (row, cells) in table.rows.iter().enumerate() {
                assert_eq!(
                    cells.len(),
                    table.headings.len(),
                    "{}: {}",
                    sheet.name,
                    table.title
                );
                for (cell, heading) in cells.iter().zip(&table.headings) {
                    let Some(trace) = &cell.trace else { continue };
                    counted += usize::from(matches!(trace, Trace::Count(_)));
                    let meant = traced(trace, table, &tickets);
                    let told = cell.value.number().unwrap();
                    let place = format!("{}, {}, row {row}, {heading}", sheet.name, table.title);
                    assert!(
                        (meant - told).abs() < 1e-9,
                        "{place}: {told}, but {trace:?} is {meant}"
                    );
                }
            }
        }
    }
    assert!(counted > 300, "{counted}");
}

/// What people read of sheets, but for charts.
pub(super) fn read(sheets: &[Sheet]) -> String {
    let mut text = String::new();
    for sheet in sheets {
        text.push_str(&format!("# {}\n{}\n", sheet.title, sheet.counted));
        sheet
            .notes
            .iter()
            .for_each(|note| text.push_str(&format!("! {note}\n")));
        for table in &sheet.tables {
            text.push_str(&format!("## {}: {}\n", table.title, table.population));
            text.push_str(&format!("   {}\n", table.headings.join(" | ")));
            for row in &table.rows {
                let cells: Vec<_> = row.iter().map(|cell| cell.value.shown()).collect();
                text.push_str(&format!("   {}\n", cells.join(" | ")));
            }
        }
    }
    text
}

/// Of these kinds only.
fn some(sheets: Vec<Sheet>, kinds: &[SheetKind]) -> Vec<Sheet> {
    let mut sheets = sheets;
    sheets.retain(|sheet| kinds.iter().any(|kind| kind.tab() == sheet.name));
    sheets
}

/// Of the whole desk the backlog, what was open at the end and the age; of the period what it lists.
#[test]
fn a_period_is_right_about_the_whole_desk() {
    let tickets = tickets(60);
    let whole = counted(&tickets, basis(Some(week())));
    let lists = |sheets: &[Sheet], kind: SheetKind| {
        let sheet = sheets.iter().find(|sheet| sheet.name == kind.tab());
        sheet.unwrap().tables.clone()
    };
    // The figures of the desk are those of a report without a period.
    let all = sheets(&tickets);
    for kind in [SheetKind::Backlog, SheetKind::Volume, SheetKind::Teams] {
        let (one, other) = (lists(&whole, kind), lists(&all, kind));
        let values = |tables: &[Table]| {
            let rows = tables.iter().flat_map(|table| &table.rows).flatten();
            rows.map(|cell| cell.value.shown()).collect::<Vec<_>>()
        };
        assert_eq!(values(&one), values(&other), "{}", kind.tab());
    }
    let shown = some(
        whole,
        &[
            SheetKind::Summary,
            SheetKind::Sla,
            SheetKind::Locations,
            SheetKind::Requesters,
        ],
    );
    insta::assert_snapshot!("a_period_of_a_whole_desk", read(&shown));
}

#[test]
fn where_only_a_period_was_read_figures_of_the_desk_are_left_out() {
    let tickets = tickets(60);
    let period = week();
    let (inside, _): (Vec<_>, Vec<_>) = tickets.iter().cloned().partition(|one| period.holds(one));
    let basis = Basis {
        is_whole: false,
        ..basis(Some(period))
    };
    insta::assert_snapshot!("only_a_period", read(&counted(&inside, basis)));
}

#[test]
fn a_period_lists_the_same_figures_whether_the_whole_desk_was_read_or_not() {
    let tickets = tickets(400);
    let period = week();
    let inside: Vec<_> = tickets
        .iter()
        .filter(|one| period.holds(one))
        .cloned()
        .collect();
    let whole = counted(&tickets, basis(Some(period.clone())));
    let part = counted(
        &inside,
        Basis {
            is_whole: false,
            ..basis(Some(period))
        },
    );
    let mut compared = 0;
    for sheet in &part {
        let of_whole = whole.iter().find(|one| one.name == sheet.name).unwrap();
        for table in &sheet.tables {
            let is_it = |one: &&Table| {
                (&one.title, &one.headings, &one.population)
                    == (&table.title, &table.headings, &table.population)
            };
            if table.population.is_empty() {
                continue;
            }
            // What has no twin counts the desk where that is known: the load by team, the months.
            let Some(twin) = of_whole.tables.iter().find(is_it) else {
                assert!(table.title.starts_with("By "), "{}", table.title);
                continue;
            };
            assert_eq!(twin.rows, table.rows, "{}: {}", sheet.name, table.title);
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn what_is_dated_in_the_future_is_in_no_last_days() {
    let mut tickets = tickets(200);
    for ticket in tickets.iter_mut().take(40) {
        ticket.created = Some("2031-02-03T12:00:00Z".parse().unwrap());
        ticket.standing = Standing::Open;
        ticket.closed = None;
    }
    let sheets = sheets(&tickets);
    let summary = sheet(&sheets, SheetKind::Summary);
    let later = summary.tables[0].rows.iter().find(|row| {
        let name = row[0].value.shown();
        name.starts_with("Created in 30 days")
    });
    let counted = later.unwrap()[1].value.number().unwrap();
    assert!(counted < 40.0, "{counted}");
    let volume = read(&some(sheets.clone(), &[SheetKind::Volume]));
    assert!(
        volume.contains("in the future, from Jul 2024 | 40"),
        "{volume}"
    );
    assert!(volume.contains("Jun 2024 |"), "{volume}");
    assert!(!volume.contains("2031"), "{volume}");
    let backlog = sheet(&sheets, SheetKind::Backlog);
    assert!(backlog.notes[0].contains("40 open tickets are dated in the future"));
}

#[test]
fn medians_of_very_many_times_say_that_they_are_near() {
    let mut many = tickets(1);
    many[0].standing = Standing::Closed;
    let created = many[0].created.unwrap();
    let mut analysis = Analysis::new(&[SheetKind::Resolution], basis(None));
    for seconds in 0..70_000_i64 {
        let took = jiff::SignedDuration::from_secs(seconds * 40);
        many[0].closed = Some(created + took);
        analysis.add(&many[0], true);
    }
    let sheets = analysis.finish();
    let whole = &sheets[0].tables[0].rows[0];
    let shown: Vec<_> = whole.iter().map(|cell| cell.value.shown()).collect();
    insta::assert_snapshot!(shown.join(" | "), @"Time to resolve | 70,000 | 100 % | ≈ 388.9 | ≈ 700.0 | 388.9");
}

#[test]
fn what_a_system_does_not_tell_is_said() {
    let mut tickets = tickets(50);
    for ticket in &mut tickets {
        (ticket.closed, ticket.due, ticket.place, ticket.service) = (None, None, None, None);
        ticket.devices.clear();
        ticket.hide(
            "closed",
            "ClearFeed does not tell when a request was closed",
        );
        ticket.hide("due", "ClearFeed's requests have no due date");
        ticket.hide("place", "ClearFeed's requests have no place");
    }
    let sheets = sheets(&tickets);
    let told: String = [
        SheetKind::Volume,
        SheetKind::Resolution,
        SheetKind::Sla,
        SheetKind::Locations,
        SheetKind::Devices,
        SheetKind::Response,
    ]
    .into_iter()
    .map(|kind| {
        let sheet = sheet(&sheets, kind);
        let tables: Vec<_> = sheet
            .tables
            .iter()
            .map(|table| table.headings.join("|"))
            .collect();
        format!(
            "{}\n  {}\n  {tables:?}\n",
            sheet.title,
            sheet.notes.join("\n  ")
        )
    })
    .collect();
    insta::assert_snapshot!(told, @r#"
    Monthly volume: created against closed
      The time of closing of 32 tickets is not known: ClearFeed does not tell when a request was closed.
      ["Month|Created"]
    Time to resolve: from creation to closing
      How long 32 closed tickets took is not known: ClearFeed does not tell when a request was closed.
      []
    SLA: promised times
      The due date is not known of any ticket: ClearFeed's requests have no due date.
      []
    Tickets by location
      The location is not known of any ticket: ClearFeed's requests have no place.
      []
    Tickets by device
      No ticket has a device.
      []
    First response: from creation to the first answer
      No first answer is known for 48 tickets: they have none yet, or it is not told.
      []
    "#);
}

#[test]
fn no_tickets_make_empty_sheets() {
    for sheet in sheets(&[]) {
        let rows = sheet.tables.iter().flat_map(|table| &table.charts).count();
        assert_eq!(rows, 0, "{}", sheet.name);
        assert!(
            matches!(sheet.name, "Summary" | "Definitions") || !sheet.notes.is_empty(),
            "{}",
            sheet.name
        );
    }
}
