//! `verify` is itself verified: a desk between it and the sandbox drops a comment, swaps two, changes a character, hides a
//! ticket, shows one twice. Each is found and named, and nothing else is; and where the desk shows what was sent, nothing
//! is reported.

mod desk;
mod runs;

use std::sync::{Arc, Mutex};

use deskferry::sandbox::Dice;
use serde_json::{Value, json};

use crate::follow::head;
use crate::support::echo::Echo;
use crate::support::{SandboxProcess, Work};
use desk::{Desk, Mutation};

/// How many tickets are imported.
const TICKETS: usize = 12;

struct Bench {
    work: Work,
    desk: Arc<Mutex<Desk>>,
    system: &'static str,
    /// The rows with the ids of their tickets.
    rows: Vec<Row>,
    _sandbox: SandboxProcess,
    _echo: Echo,
}

/// A row of the input.
#[derive(Debug, Clone)]
struct Row {
    key: String,
    title: String,
    body: String,
    comments: Vec<String>,
    files: Vec<String>,
    ticket: String,
    is_closed: bool,
}

const WORDS: [&str; 12] = [
    "projector",
    "flickers",
    "since",
    "monday",
    "lamp",
    "ordered",
    "library",
    "teacher",
    "replaced",
    "cable",
    "works",
    "again",
];

fn sentence(dice: &mut Dice, words: usize) -> String {
    let words = (0..words).map(|_| *dice.pick(&WORDS));
    words.collect::<Vec<_>>().join(" ")
}

fn rows(dice: &mut Dice) -> Vec<Row> {
    (0..TICKETS)
        .map(|at| Row {
            key: format!("t{at}"),
            title: format!("{} {at}", sentence(dice, 3)),
            body: format!("{}\n\nAsk <ann@a.example> & co.", sentence(dice, 12)),
            // All texts are different, so that each mutation is one.
            comments: (0..at % 5)
                .map(|nth| format!("{} number {nth}", sentence(dice, 6)))
                .collect(),
            files: (0..at % 3).map(|nth| format!("t{at}-{nth}.txt")).collect(),
            ticket: String::new(),
            is_closed: at % 3 == 0,
        })
        .collect()
}

fn json_lines(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let comments: Vec<Value> = (row.comments.iter().enumerate())
            .map(|(nth, text)| json!({"text": text, "public": nth % 2 == 0}))
            .collect();
        let status = if row.is_closed { "Closed" } else { "Open" };
        json!({"Id": row.key, "Title": row.title, "Body": row.body, "Status": status, "comments": comments,
            "files": row.files, "Old": "x"})
            .to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

const THEN: &str = "[[then]]\noperation = \"comment\"\neach = { from = \"comments\" }\n\
    fields = { body = { from = \"item.text\" }, public = { from = \"item.public\" } }\n\
    [[then]]\noperation = \"attach\"\neach = { from = \"files\" }\nfields = { file = { from = \"item\" } }\n\
    [[then]]\noperation = \"close\"\nwhen = \"Status == 'Closed'\"\n";

fn mapping(system: &str) -> String {
    let head =
        head(system, "create", "proof").replace("version = 1", "version = 2") + "drop = \"Old\"\n";
    let fields = match system {
        "clearfeed" => {
            "attachments = \"skip\"\n[fields]\ntitle = { from = \"Title\" }\ndescription = { from = \"Body\" }\n\
             collection_id = { value = \"IT Support\" }\n"
        }
        _ => {
            "[fields]\nSubject = { from = \"Title\" }\nIssueDescription = { from = \"Body\" }\n\
             IssueId = { value = \"Other\" }\nLocationId = { value = \"LHS\" }\n\
             ForId = { value = \"helpdesk@district.example\", match = \"email\" }\n"
        }
    };
    head + fields + THEN
}

impl Bench {
    fn new(system: &'static str, seed: u64) -> Self {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        let desk = Arc::new(Mutex::new(Desk::default()));
        let (own, other) = (Arc::clone(&desk), Arc::clone(&desk));
        let echo = Echo::between(
            &sandbox,
            "another-token",
            move |asked| own.lock().unwrap().instead(asked),
            move |_, asked, answer| other.lock().unwrap().change(asked, answer),
        );
        echo.profiles(&sandbox, &work, "rate = \"100000/s\"");
        let mut dice = Dice::new(seed);
        let mut rows = rows(&mut dice);
        work.write("in.jsonl", json_lines(&rows));
        for file in rows.iter().flat_map(|row| &row.files) {
            work.write(file, format!("what {file} says"));
        }
        work.write("map.toml", mapping(system));
        let profile = if system == "clearfeed" {
            "support"
        } else {
            "district"
        };
        let arguments = ["in.jsonl", "--mapping", "map.toml", "--profile", profile];
        work.import(&arguments).0.expect(0);
        let ids = work
            .run(&["runs", "ids", "last", "--format", "json"])
            .expect(0);
        for line in ids.stdout.lines() {
            let made: Value = serde_json::from_str(line).unwrap();
            let row = rows.iter_mut().find(|row| made["_key"] == row.key.as_str());
            row.unwrap().ticket = made["_id"].as_str().unwrap().to_owned();
        }
        assert!(
            rows.iter().all(|row| !row.ticket.is_empty()),
            "{}",
            ids.stdout
        );
        Self {
            work,
            desk,
            system,
            rows,
            _sandbox: sandbox,
            _echo: echo,
        }
    }

    fn verify(&self, mutation: Option<&Mutation>) -> (i32, Value, String) {
        *self.desk.lock().unwrap() = Desk {
            mutation: mutation.cloned(),
            second: None,
        };
        let ended = self.work.run(&["verify", "last", "--format", "json"]);
        let report = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ended.stdout, ended.stderr));
        (ended.code.unwrap(), report, ended.stderr)
    }

    /// A mutation by chance, of a kind by its number.
    fn mutation(&self, kind: usize, dice: &mut Dice) -> Mutation {
        let with = |least: usize| -> Vec<&Row> {
            let rows = self.rows.iter();
            rows.filter(|row| row.comments.len() >= least).collect()
        };
        let any = dice.pick(&self.rows).ticket.clone();
        let mut file = || {
            let with: Vec<&Row> = (self.rows.iter())
                .filter(|row| !row.files.is_empty())
                .collect();
            let row = *dice.pick(&with);
            (row.ticket.clone(), dice.pick(&row.files).clone())
        };
        let kinds = if self.system == "incidentiq" { 11 } else { 8 };
        match kind % kinds {
            0 => {
                let row = *dice.pick(&with(2));
                let text = dice.pick(&row.comments).clone();
                Mutation::Drop {
                    ticket: row.ticket.clone(),
                    text,
                }
            }
            1 => {
                let row = *dice.pick(&with(2));
                let at = dice.below(row.comments.len() - 1);
                Mutation::Swap {
                    ticket: row.ticket.clone(),
                    one: row.comments[at].clone(),
                    other: row.comments[at + 1].clone(),
                }
            }
            2 => {
                let row = *dice.pick(&with(1));
                let mut texts = row.comments.clone();
                texts.extend([row.title.clone(), row.body.clone()]);
                let text = dice.pick(&texts).clone();
                Mutation::Change {
                    ticket: row.ticket.clone(),
                    changed: changed(&text, dice),
                    text,
                }
            }
            3 => Mutation::Hide { ticket: any },
            4 => Mutation::Double {
                id: second_id(&any, dice),
                ticket: any,
            },
            5 => {
                let row = *dice.pick(&with(1));
                let text = dice.pick(&row.comments).clone();
                Mutation::Repeat {
                    ticket: row.ticket.clone(),
                    text,
                }
            }
            6 if self.system == "incidentiq" => {
                let row = *dice.pick(&with(1));
                let text = dice.pick(&row.comments).clone();
                Mutation::Show {
                    ticket: row.ticket.clone(),
                    text,
                }
            }
            8 => {
                let (ticket, file) = file();
                Mutation::Lose { ticket, file }
            }
            9 => {
                let (ticket, file) = file();
                Mutation::Twice { ticket, file }
            }
            10 => {
                let (ticket, file) = file();
                Mutation::Shrink { ticket, file }
            }
            _ => {
                let closed: Vec<&Row> = self.rows.iter().filter(|row| row.is_closed).collect();
                Mutation::Reopen {
                    ticket: dice.pick(&closed).ticket.clone(),
                }
            }
        }
    }

    /// Lets the desk lie in one way, and expects that and nothing else in the report.
    fn assert_found(&self, mutation: &Mutation) {
        let (code, report, stderr) = self.verify(Some(mutation));
        let findings = report["findings"].as_array().unwrap();
        let row = self
            .rows
            .iter()
            .find(|row| row.ticket == mutation.ticket())
            .unwrap();
        let (results, what) = mutation.result();
        let told = format!("{mutation:?}\n{report:#}\n{stderr}");
        assert_eq!(code, 1, "{told}");
        assert_eq!(report["is_open"], true, "{told}");
        let is_it = |finding: &Value| {
            finding["key"] == row.key.as_str()
                && results.iter().any(|result| finding["result"] == *result)
                && finding["what"].as_str().unwrap().contains(what)
                && finding["is_open"] == true
        };
        assert!(findings.iter().any(is_it), "{told}");
        let is_others = |finding: &Value| finding["key"] != row.key.as_str();
        assert!(!findings.iter().any(is_others), "{told}");
        if let Mutation::Change { text, changed, .. } = mutation {
            let finding = findings.iter().find(|it| is_it(it)).unwrap();
            // It shows the place.
            assert_ne!(finding["expected"], finding["found"], "{text} {changed}");
        }
    }
}

/// The text with another letter or digit somewhere.
fn changed(text: &str, dice: &mut Dice) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (0..signs.len())
        .filter(|at| signs[*at].is_ascii_alphanumeric())
        .collect();
    let at = *dice.pick(&places);
    signs[at] = match signs[at] {
        'q' | '7' => 'z',
        '0'..='9' => '7',
        _ => 'q',
    };
    signs.into_iter().collect()
}

/// The id of a ticket that is not there.
fn second_id(id: &str, dice: &mut Dice) -> String {
    match id.split_once('_') {
        Some((head, _)) => format!("{head}_{}", 900_000 + dice.below(1_000)),
        None => format!("{:08x}{}", dice.below(0xffff_ffff), &id[8..]),
    }
}

fn assert_mutations(system: &'static str, seed: u64, kinds: std::ops::Range<usize>) {
    let bench = Bench::new(system, seed);
    let (code, report, stderr) = bench.verify(None);
    assert_eq!(report["findings"], json!([]), "{report:#}\n{stderr}");
    assert_eq!(code, 0, "{report:#}\n{stderr}");
    assert_eq!(report["tally"]["equal"], TICKETS, "{report:#}");
    let mut dice = Dice::new(seed);
    for kind in kinds {
        let mutation = bench.mutation(kind, &mut dice);
        bench.assert_found(&mutation);
    }
    let (code, report, _) = bench.verify(None);
    assert_eq!((code, &report["findings"]), (0, &json!([])), "{report:#}");
}

#[test]
fn what_an_incident_shows_otherwise_is_found_and_named() {
    assert_mutations("incidentiq", 1, 0..11);
}

#[test]
fn what_a_request_shows_otherwise_is_found_and_named() {
    assert_mutations("clearfeed", 2, 0..6);
}

#[test]
#[ignore = "200 mutations with the real program: ten minutes"]
fn two_hundred_mutations() {
    for seed in 0..5 {
        assert_mutations("incidentiq", 100 + seed, 0..20);
        assert_mutations("clearfeed", 200 + seed, 0..20);
    }
}
