//! One ticket at a time, with wrong answers in between: what each command says of itself is what the desk has obeyed.

use std::collections::BTreeMap;

use deskferry::sandbox::Dice;
use serde_json::Value;

use super::lies::Lies;
use crate::support::{SandboxProcess, Work};

/// A command that writes to one ticket.
struct Deed {
    name: &'static str,
    /// Its words; `N` is a number of its own, `ID` the ticket.
    words: &'static [&'static str],
    /// Whether it may be obeyed twice without harm.
    is_repeatable: bool,
}

const fn deed(name: &'static str, words: &'static [&'static str], is_repeatable: bool) -> Deed {
    Deed {
        name,
        words,
        is_repeatable,
    }
}

const HELP: &str = "helpdesk@district.example";

const INCIDENTIQ: [Deed; 8] = [
    deed(
        "create",
        &[
            "create",
            "--title",
            "Made N",
            "--requester",
            HELP,
            "--issue",
            "Other",
            "--place",
            "DO",
        ],
        false,
    ),
    deed("update", &["update", "ID", "--title", "Said N"], true),
    deed("assign", &["assign", "ID", "--user", HELP], true),
    deed(
        "set-status",
        &["set-status", "ID", "--status", "In Progress"],
        true,
    ),
    deed("comment", &["comment", "ID", "--body", "Heard N"], false),
    deed("subtask", &["subtask", "ID", "--title", "Do N"], false),
    deed("close", &["close", "ID"], false),
    deed("delete", &["delete", "ID"], false),
];

const CLEARFEED: [Deed; 6] = [
    deed(
        "create",
        &[
            "create",
            "--title",
            "Made N",
            "--description",
            "Dark",
            "--collection",
            "IT Support",
        ],
        false,
    ),
    deed("update", &["update", "ID", "--title", "Said N"], true),
    deed("assign", &["assign", "ID", "--user", HELP], true),
    deed(
        "set-status",
        &["set-status", "ID", "--status", "in_progress"],
        true,
    ),
    deed("comment", &["comment", "ID", "--body", "Heard N"], false),
    deed("close", &["close", "ID"], false),
];

struct Hands {
    system: &'static str,
    profile: &'static str,
    deeds: &'static [Deed],
    work: Work,
    /// Somebody to whom nobody lies.
    eye: Work,
    _lies: Lies,
    sandbox: SandboxProcess,
    dice: Dice,
    number: u32,
    /// What each command writes where nothing goes wrong.
    writes: BTreeMap<&'static str, Vec<String>>,
}

impl Hands {
    fn new(system: usize, seed: u64, often: f64) -> Self {
        let (work, eye) = (Work::new(), Work::new());
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        let further = |visible: &str| {
            format!(
                "rate = \"2000/s\"\ncommit_within = \"100ms\"\nvisible_within = \"{visible}\"\nlive = false"
            )
        };
        sandbox.profiles(&eye, &further("100ms"));
        let lies = Lies::start(&sandbox, seed, often);
        lies.echo.profiles(&sandbox, &work, &further("1500ms"));
        let (system, profile, deeds) = match system {
            0 => ("incidentiq", "district", &INCIDENTIQ[..]),
            _ => ("clearfeed", "support", &CLEARFEED[..]),
        };
        Self {
            system,
            profile,
            deeds,
            work,
            eye,
            _lies: lies,
            sandbox,
            dice: Dice::new(seed),
            number: 0,
            writes: BTreeMap::new(),
        }
    }

    /// The words of a command about a ticket.
    fn words(&mut self, deed: &Deed, id: &str) -> Vec<String> {
        self.number += 1;
        let number = self.number.to_string();
        let own = deed.words.iter().map(|word| match *word {
            "ID" => id.to_owned(),
            word => word.replace(" N", &format!(" {number}")),
        });
        let mut words = vec!["ticket".to_owned()];
        words.extend(own);
        words.extend(["--profile", self.profile, "--format", "json"].map(str::to_owned));
        words
    }

    /// What the desk has obeyed since so many lines of its audit.
    fn obeyed(&self, before: usize) -> Vec<(String, String)> {
        let lines = self.sandbox.audit().into_iter().skip(before);
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        lines
            .filter(|line| line["system"] == self.system)
            .map(|line| (text(&line, "operation"), text(&line, "id")))
            .collect()
    }

    /// A ticket that is there, by its id in the audit and in commands.
    fn ticket(&mut self) -> (String, String) {
        let before = self.sandbox.audit().len();
        let deeds = self.deeds;
        let words = self.words(&deeds[0], "");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let made = self.eye.run(&words).expect(0).stdout;
        let made: Value = serde_json::from_str(&made).unwrap();
        let id = made["ticket"]["id"].as_str().unwrap().to_owned();
        let [(_, own), ..] = &self.obeyed(before)[..] else {
            panic!("nothing was made: {made}");
        };
        (own.clone(), id)
    }

    /// Learns what a command writes where nobody lies.
    fn learn(&mut self, deed: &'static Deed) {
        let (own, id) = self.ticket();
        let words = self.words(deed, &id);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let before = self.sandbox.audit().len();
        self.eye.run(&words).expect(0);
        let obeyed = self.obeyed(before);
        let is_own = |(_, id): &(String, String)| deed.name == "create" || *id == own;
        assert!(
            !obeyed.is_empty() && obeyed.iter().all(is_own),
            "{} {obeyed:?}",
            deed.name
        );
        let operations = obeyed.into_iter().map(|(operation, _)| operation);
        self.writes.insert(deed.name, operations.collect());
    }

    /// One command with wrong answers; what is wrong with what it said.
    fn tries(&mut self, deed: &'static Deed) -> Option<String> {
        let (own, id) = self.ticket();
        let words = self.words(deed, &id);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let before = self.sandbox.audit().len();
        let ended = self.work.run(&words);
        let obeyed = self.obeyed(before);
        let said: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
        let outcome = said["outcome"].as_str().unwrap_or("nothing");
        let wanted = &self.writes[deed.name];
        let count = |operation: &String| obeyed.iter().filter(|(one, _)| one == operation).count();
        let steps = said["done"].as_array().map_or(0, Vec::len);
        let whole = wanted.iter().all(|operation| match deed.is_repeatable {
            true => count(operation) > 0,
            false => count(operation) == 1,
        });
        let begun = wanted
            .iter()
            .filter(|operation| count(operation) > 0)
            .count();
        let is_once = deed.is_repeatable || wanted.iter().all(|operation| count(operation) < 2);
        let is_own = obeyed.iter().all(|(operation, id)| {
            wanted.contains(operation) && (deed.name == "create" || *id == own)
        });
        let named = said["ticket"]["id"].as_str();
        let is_so = match outcome {
            "done" => whole && ended.code == Some(0) && named.is_some(),
            // What was done before the refusal is said.
            "refused" => begun == steps && ended.code == Some(1),
            "in_doubt" => ended.code == Some(1),
            _ => obeyed.is_empty() && ended.code != Some(0),
        };
        (!is_so || !is_own || !is_once).then(|| {
            format!(
                "{}: {outcome} ({:?}), and the desk has obeyed {obeyed:?} of {wanted:?} on {own}\n{}\n{}",
                words.join(" "),
                ended.code,
                ended.stdout,
                ended.stderr
            )
        })
    }

    fn run(mut self, commands: usize) {
        for deed in self.deeds {
            self.learn(deed);
        }
        let mut wrong = Vec::new();
        for nth in 0..commands {
            // Each of them comes before any comes again.
            let deed = match nth < self.deeds.len() {
                true => &self.deeds[nth],
                false => self.dice.pick(self.deeds),
            };
            wrong.extend(self.tries(deed));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }
}

/// More often than in a long run, so that few commands meet many wrong answers.
const MORE_OFTEN: f64 = 0.1;

#[test]
fn what_a_command_says_of_one_ticket_in_incidentiq_is_so() {
    Hands::new(0, 4, MORE_OFTEN).run(24);
}

#[test]
fn what_a_command_says_of_one_request_in_clearfeed_is_so() {
    Hands::new(1, 5, MORE_OFTEN).run(18);
}

#[test]
#[ignore = "1,000 commands on each system, with a wrong answer to one call in fifty: half an hour"]
fn what_a_thousand_commands_say_is_so() {
    for system in [0, 1] {
        Hands::new(system, 6, super::lies::OFTEN).run(1_000);
    }
}
