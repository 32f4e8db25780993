//! `docs/tours/`: what three people see in the terminal, step by step. The tours run against the embedded sandbox, whose
//! history is fixed for that, and are compared with the files, so that they cannot rot. To write them anew:
//! `DESKFERRY_WRITE_DOCS=1 cargo test --test it tours`.

use std::fmt::Write as _;

use crate::support::{Work, repository};

/// A step: what somebody does.
enum Step {
    /// Says something first.
    Says(&'static str),
    /// Runs a command of the program, which ends with this code.
    Runs(i32, &'static str),
    /// Changes a text in a file, as in a spreadsheet program.
    Edits(&'static str, &'static str, &'static str),
}

use Step::{Edits, Runs, Says};

const TECHNICIAN: &[Step] = &[
    Says(
        "A school's technician has the tickets of an old help desk in a workbook, and a district that uses IncidentIQ.",
    ),
    Says("A first mapping, guessed from the columns and the cells:"),
    Runs(
        0,
        "deskferry init samples/tickets.xlsx --profile sandbox:incidentiq -o tickets.toml",
    ),
    Says(
        "Are the rows right? The ready mapping of the sample knows more than a guess. Names that match nothing go into names.xlsx:",
    ),
    Runs(
        1,
        "deskferry validate mappings/incidentiq-tickets.toml --input samples/tickets.xlsx --sandbox --names",
    ),
    Says("What would the tickets look like? The principal gets all rows as a sheet:"),
    Runs(
        1,
        "deskferry import samples/tickets.xlsx --mapping mappings/incidentiq-tickets.toml --sandbox --rows 2-30 --dry-run --preview tickets.preview.xlsx",
    ),
    Says("A few rows first, with a receipt: the workbook again, with the ticket beside each row."),
    Runs(
        1,
        "deskferry import samples/tickets.xlsx --mapping mappings/incidentiq-tickets.toml --sandbox --rows 2-30 --receipts tickets.receipts.xlsx",
    ),
    Says("What was refused, and what comes next?"),
    Runs(0, "deskferry runs errors last"),
    Runs(0, "deskferry runs list"),
    Says("One of them, as the help desk shows it:"),
    Runs(0, "deskferry ticket get 10061 --profile sandbox:incidentiq"),
    Says("It was only a trial. What would taking it back do?"),
    Runs(0, "deskferry runs rollback last --dry-run"),
    Runs(0, "deskferry runs rollback last"),
];

const ANALYST: &[Step] = &[
    Says("An analyst reports on the desk every week, and corrects what she finds."),
    Says("How many tickets are there, and where?"),
    Runs(
        0,
        "deskferry export --count location,status --period 2025-06-01..2025-06-30 --profile sandbox:incidentiq",
    ),
    Says("The month as a workbook with analyses:"),
    Runs(
        0,
        "deskferry export -o june.xlsx --period 2025-06-01..2025-06-30 --sheets summary,backlog,teams --profile sandbox:incidentiq",
    ),
    Says("The week as a page to mail, beside the week before and a year ago:"),
    Runs(
        0,
        "deskferry export -o week.html --sheets weekly --period 2025-06-23..2025-06-29 --profile sandbox:incidentiq",
    ),
    Says("A file whose edited cells go back into the desk:"),
    Runs(
        0,
        "deskferry export -o open.csv --filter state=open --period 2025-06-01..2025-06-30 --write-mapping back.toml --profile sandbox:incidentiq",
    ),
    Says("In the spreadsheet program she corrects a title. Only that would be sent:"),
    Edits(
        "open.csv",
        "Cannot print to the library",
        "Library printer is offline",
    ),
    Runs(
        0,
        "deskferry import open.csv --mapping back.toml --profile sandbox:incidentiq --dry-run",
    ),
    Runs(
        0,
        "deskferry import open.csv --mapping back.toml --profile sandbox:incidentiq",
    ),
    Says("From now on the workbook is written every Monday:"),
    Runs(
        0,
        "deskferry schedule add weekly --every monday --at 07:00 --keep 12 -- export -o tickets-{date}.xlsx --incremental --profile sandbox:incidentiq",
    ),
    Runs(0, "deskferry schedule run weekly --once"),
    Runs(0, "deskferry schedule list"),
];

const CONSULTANT: &[Step] = &[
    Says(
        "A consultant moves a desk from IncidentIQ to ClearFeed, and must prove that everything arrived.",
    ),
    Says("Is the connection right?"),
    Runs(0, "deskferry doctor --profile sandbox:clearfeed"),
    Says("The ready mapping, checked against the target:"),
    Runs(
        0,
        "deskferry validate mappings/incidentiq-to-clearfeed.toml --profile sandbox:clearfeed",
    ),
    Says("A rehearsal sends nothing:"),
    Runs(
        0,
        "deskferry migrate --from sandbox:incidentiq --to sandbox:clearfeed --mapping mappings/incidentiq-to-clearfeed.toml --sample 8 --dry-run",
    ),
    Says("A sample, to look at in the new desk, with a report of the pass:"),
    Runs(
        0,
        "deskferry migrate --from sandbox:incidentiq --to sandbox:clearfeed --mapping mappings/incidentiq-to-clearfeed.toml --sample 8 --report pass.html",
    ),
    Says("Did everything arrive? The page is signed by the customer:"),
    Runs(0, "deskferry verify last"),
    Says("What the ledger knows of the pass:"),
    Runs(0, "deskferry runs show last"),
    Says("And the way back, should the customer change his mind:"),
    Runs(0, "deskferry runs rollback last --dry-run"),
    Runs(0, "deskferry state check"),
];

#[test]
fn the_technicians_tour_is_what_happens() {
    tour("technician", TECHNICIAN);
}

#[test]
fn the_analysts_tour_is_what_happens() {
    tour("analyst", ANALYST);
}

#[test]
fn the_consultants_tour_is_what_happens() {
    tour("consultant", CONSULTANT);
}

/// A folder with samples, mappings, and sandboxes whose history is always the same.
fn prepared() -> Work {
    let work = Work::of_a_beginner();
    for folder in ["samples", "mappings"] {
        for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            work.write(&format!("{folder}/{name}"), std::fs::read(&path).unwrap());
        }
    }
    for (nth, system) in ["incidentiq", "clearfeed"].iter().enumerate() {
        let head = serde_json::json!({
            "sandbox": 1,
            "instance": format!("00000000-0000-4000-8000-00000000000{nth}"),
            "population": {"tickets": 60, "comments": 4, "until": "2025-06-30T12:00:00Z"},
        });
        let path = format!("state/sandbox-{system}/journal.jsonl");
        work.write(&path, format!("{head}\n"));
    }
    work
}

fn tour(name: &str, steps: &[Step]) {
    let work = prepared();
    // The codes of runs, where nothing before them says that they are.
    let code = regex::Regex::new(r"(?m)^[0-9A-HJKMNP-TV-Z]{4}(?P<list>  THEN)|(?P<errors>runs errors )[0-9A-HJKMNP-TV-Z]{4}$").unwrap();
    let mut told = String::new();
    for step in steps {
        match step {
            Says(text) => {
                let _ = write!(told, "\n# {text}\n");
            }
            Edits(file, from, to) => {
                let text = work.read(file);
                assert!(
                    text.contains(from),
                    "{file} does not hold `{from}`:\n{text}"
                );
                work.write(file, text.replacen(from, to, 1));
            }
            Runs(ends, command) => {
                let words: Vec<&str> = command.split(' ').skip(1).collect();
                let ended = work.run(&words);
                assert_eq!(ended.code, Some(*ends), "{command}\n{}", ended.both());
                let both = ended.both();
                let shown = work.shown(both.trim_end());
                let shown = code.replace_all(&shown, "${errors}CODE${list}");
                let lines = shown.lines().map(str::trim_end);
                let _ = write!(
                    told,
                    "\n$ {command}\n{}\n",
                    lines.collect::<Vec<_>>().join("\n")
                );
            }
        }
    }
    let told = told.trim_start();
    let path = repository().join(format!("docs/tours/{name}.txt"));
    if std::env::var_os("DESKFERRY_WRITE_DOCS").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let kept = kept.replace("\r\n", "\n");
    if kept != told {
        let differs = kept
            .lines()
            .zip(told.lines())
            .find(|(one, other)| one != other);
        panic!(
            "docs/tours/{name}.txt is not what happens: write it anew with DESKFERRY_WRITE_DOCS=1; it differs here: {differs:#?}"
        );
    }
}
