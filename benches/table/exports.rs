//! Exports beside the bare writers, which write as many cells of the same texts.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use deskferry::export::columns::Plan;
use deskferry::export::file::{About, Format, Options, Placing, create};
use deskferry::systems::SystemName;
use deskferry::systems::common::CommonTicket;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_xlsxwriter::Workbook;

use crate::support::tickets::ticket;
use crate::{Cost, Line, timed};

/// How many tickets are held at once: they are made outside of what is timed.
const HELD: u64 = 20_000;

/// How many cells a row of the bare writers has: about what the default columns hold.
const CELLS: usize = 20;

pub(crate) fn lines(folder: &Path, rows: u64) {
    let rows = rows.min(HELD);
    let tickets: Vec<CommonTicket> = (0..rows).map(ticket).collect();
    let texts: Vec<String> = (0..CELLS)
        .map(|cell| format!("text of column {cell}"))
        .collect();
    let ours = |name: &'static str, format| {
        let tickets = &tickets;
        move || timed(|| export(&folder.join(name), format, tickets))
    };
    Line::measure_here(
        "export, CSV",
        "csv",
        rows,
        ours("out.csv", Format::Csv),
        || bare(|| write_csv(&folder.join("bare.csv"), &tickets, &texts)),
    );
    Line::measure_here(
        "export, XLSX",
        "rust_xlsxwriter",
        rows,
        ours("out.xlsx", Format::Xlsx),
        || bare(|| write_workbook(&folder.join("bare.xlsx"), &tickets, &texts)),
    );
    Line::measure_here(
        "export, JSON lines",
        "serde_json",
        rows,
        ours("out.jsonl", Format::JsonLines),
        || bare(|| write_json_lines(&folder.join("bare.jsonl"), &tickets)),
    );
}

fn bare(work: impl FnOnce()) -> Cost {
    timed(work)
}

fn export(path: &Path, format: Format, tickets: &[CommonTicket]) {
    // Each pass writes the file anew; what people wrote into the last one is not the question here.
    if path.exists() {
        std::fs::remove_file(path).expect("it is ours");
    }
    let zone = TimeZone::get("America/Chicago").expect("the zone is known");
    let plan = Plan::by_default(SystemName::IncidentIq, &[], &zone);
    let about = About {
        system: SystemName::IncidentIq,
        source: "bench".to_owned(),
        filter: "all tickets".to_owned(),
        read_at: Timestamp::now(),
    };
    let mut sink = create(Options::new(
        path.to_owned(),
        format,
        (format != Format::JsonLines).then_some(plan),
        about,
        Placing::replacing(),
    ))
    .expect("the file can be written");
    for ticket in tickets {
        sink.ticket(ticket).expect("the ticket is written");
    }
    let written = sink.finish().expect("the file is written");
    assert_eq!(written.tickets, tickets.len() as u64);
}

fn cells<'t>(ticket: &'t CommonTicket, texts: &'t [String]) -> impl Iterator<Item = &'t str> {
    let own = [
        ticket.title.as_deref().unwrap_or_default(),
        ticket.description.as_deref().unwrap_or_default(),
    ];
    own.into_iter()
        .chain(texts.iter().skip(2).map(String::as_str))
}

fn write_csv(path: &Path, tickets: &[CommonTicket], texts: &[String]) {
    let mut file = csv::Writer::from_path(path).expect("the folder can be written");
    for ticket in tickets {
        file.write_record(cells(ticket, texts))
            .expect("it is written");
    }
    file.flush().expect("it is written");
}

fn write_workbook(path: &Path, tickets: &[CommonTicket], texts: &[String]) {
    let mut book = Workbook::new();
    let sheet = book
        .add_worksheet_with_constant_memory()
        .expect("a sheet is added");
    for (row, ticket) in (0..).zip(tickets) {
        for (column, cell) in (0..).zip(cells(ticket, texts)) {
            sheet
                .write_string(row, column, cell)
                .expect("it is written");
        }
    }
    book.save(path).expect("the folder can be written");
}

fn write_json_lines(path: &Path, tickets: &[CommonTicket]) {
    let mut file = BufWriter::new(File::create(path).expect("the folder can be written"));
    for ticket in tickets {
        serde_json::to_writer(&mut file, ticket).expect("it is written");
        file.write_all(b"\n").expect("it is written");
    }
    file.flush().expect("it is written");
}
