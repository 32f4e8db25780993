//! What follows on a ticket (`[[then]]`) and what is done to tickets that are there: each step once and in order,
//! whatever breaks. The real program is killed again and again while the real sandbox loses answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use deskferry::sandbox::Dice;
use serde_json::Value;

use crate::support::{SandboxProcess, Work, real_file, repository};

/// A way of moving tickets that is killed on its way.
pub(crate) struct Bench {
    pub(crate) work: Work,
    pub(crate) sandbox: SandboxProcess,
    pub(crate) profile: &'static str,
    dice: Dice,
}

/// What happened to one ticket, in order.
pub(crate) type Story = Vec<String>;

pub(crate) const FAULTS: [&str; 9] = [
    "latency=1ms..15ms",
    "reset-after-commit=0.03",
    "reset-before-commit=0.02",
    "late-commit=0.02:50ms..500ms",
    "status-500=0.01",
    "status-503=0.01",
    "status-429-retry-after=0.002",
    "truncate=0.02",
    "html=0.01",
];

impl Bench {
    pub(crate) fn new(system: &str, seed: u64, faults: &[&str]) -> Self {
        let work = Work::new();
        let (seed_text, data) = (seed.to_string(), work.path().join("data"));
        let data = data.display().to_string();
        let mut arguments = vec!["--rate", "0", "--data", &data, "--seed", &seed_text];
        for fault in faults {
            arguments.extend(["--fault", fault]);
        }
        let sandbox = SandboxProcess::start(&work, &arguments);
        sandbox.profiles(
            &work,
            "rate = \"300/s\"\ntimeout = \"2s\"\ncommit_within = \"1200ms\"\nvisible_within = \"100ms\"",
        );
        let profile = if system == "clearfeed" {
            "support"
        } else {
            "district"
        };
        let pull = [
            "directory",
            "pull",
            "--profile",
            profile,
            "-o",
            "d.json",
            "--quiet",
        ];
        work.run(&pull).expect(0);
        Self {
            work,
            sandbox,
            profile,
            dice: Dice::new(seed),
        }
    }

    pub(crate) fn import(&self, mapping: &str) -> std::process::Command {
        let profile = self.profile;
        self.work.command(&[
            "import",
            "in.csv",
            "--mapping",
            mapping,
            "--profile",
            profile,
            "--directory",
            "d.json",
            "--format",
            "json",
        ])
    }

    /// Runs a mapping, killed so many times on its way, until nothing is left to do.
    pub(crate) fn carry(&mut self, mapping: &str, kills: usize, longest: usize) -> Value {
        for _ in 0..kills {
            let mut child = self.import(mapping).spawn().unwrap();
            let lives = Duration::from_millis(200 + self.dice.below(longest) as u64);
            let until = Instant::now() + lives;
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
            // It may be over by itself.
            let _ = child.kill();
            child.wait().unwrap();
        }
        for _ in 0..6 {
            let output = self.import(mapping).output().unwrap();
            let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let is_over = summary["stopped"].is_null() && output.status.code() == Some(0);
            if is_over && summary["skipped"] == summary["records"] {
                return summary;
            }
            // What was lost three times in a row is left to a person, who sends it again.
            self.work.run(&["runs", "retry", "last", "--quiet"]);
            // A process that died with all of them under way leaves no witness: only a person sees that none is there.
            if summary["in_doubt"] == summary["records"] {
                let settle = ["runs", "settle", "last", "--as", "resend", "--quiet"];
                self.work.run(&settle).expect(0);
            }
        }
        let output = self.import(mapping).output().unwrap();
        panic!(
            "it does not come to its end: {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What happened to each ticket, by the title with which it was made.
    pub(crate) fn stories(&self, system: &str) -> BTreeMap<String, Story> {
        let mut titles: BTreeMap<String, String> = BTreeMap::new();
        let mut stories: BTreeMap<String, Story> = BTreeMap::new();
        for entry in self.sandbox.audit() {
            if entry["system"] != system {
                continue;
            }
            let (id, body) = (entry["id"].to_string(), &entry["body"]);
            let operation = entry["operation"].as_str().unwrap();
            if operation == "create" {
                let title = body["title"].as_str().or_else(|| body["Subject"].as_str());
                titles.insert(id.clone(), title.unwrap().to_owned());
            }
            let Some(title) = titles.get(&id) else {
                continue;
            };
            let text = body["html_body"]
                .as_str()
                .or_else(|| body["ActivityItems"][0]["Comments"].as_str());
            let closed = ["state", "status"]
                .iter()
                .any(|name| body[name] == "closed");
            let told = match (operation, text) {
                (_, Some(text)) => format!("comment {text}"),
                ("create", None) => "create".to_owned(),
                ("close", None) => "close".to_owned(),
                (_, None) if closed => "close".to_owned(),
                (other, None) => other.to_owned(),
            };
            stories.entry(title.clone()).or_default().push(told);
        }
        stories
    }
}

pub(crate) fn head(system: &str, operation: &str, scope: &str) -> String {
    format!(
        "version = 1\nsystem = \"{system}\"\noperation = \"{operation}\"\nscope = \"{scope}\"\nkey = [\"Id\"]\n"
    )
}

pub(crate) fn fields(system: &str) -> &'static str {
    if system == "clearfeed" {
        "[fields]\ntitle = { from = \"Id\" }\ndescription = { from = \"Title\" }\n\
         collection_id = { value = \"IT Support\" }\n"
    } else {
        "[fields]\nSubject = { from = \"Id\" }\nIssueDescription = { from = \"Title\" }\n\
         IssueId = { value = \"Other\" }\nLocationId = { value = \"LHS\" }\n\
         ForId = { value = \"helpdesk@district.example\", match = \"email\" }\n"
    }
}

/// Rows with up to three notes each, every third closed; and what is to happen to each.
fn rows(count: usize) -> (String, BTreeMap<String, Story>) {
    let mut text = "Id,Title,Status,Notes\n".to_owned();
    let mut expected = BTreeMap::new();
    for row in 0..count {
        let id = format!("t{row}");
        let notes: Vec<String> = (0..row % 4).map(|n| format!("note {n} of {id}")).collect();
        let closed = row % 3 == 0;
        let status = if closed { "Closed" } else { "Open" };
        writeln!(text, "{id},Out of paper,{status},{}", notes.join("|")).unwrap();
        let mut story = vec!["create".to_owned()];
        story.extend(notes.iter().map(|note| format!("comment {note}")));
        story.extend(closed.then(|| "close".to_owned()));
        expected.insert(id, story);
    }
    (text, expected)
}

const THEN: &str = "[[then]]\noperation = \"comment\"\neach = { from = \"Notes\", split = \"|\" }\n\
    fields = { body = { template = \"{{ item }}\" }, public = { value = true } }\n\
    [[then]]\noperation = \"close\"\nwhen = \"Status == 'Closed'\"\n";

fn assert_followed(system: &str, seed: u64, count: usize, kills: usize) {
    let mut bench = Bench::new(system, seed, &FAULTS);
    let (text, expected) = rows(count);
    bench.work.write("in.csv", text);
    let mapping = head(system, "create", "follow") + fields(system) + THEN;
    bench.work.write("map.toml", mapping);
    bench.carry("map.toml", kills, count * 20);
    assert_eq!(bench.stories(system), expected);
}

#[test]
fn what_follows_on_an_incident_is_done_once_and_in_order() {
    assert_followed("incidentiq", 1, 40, 5);
}

#[test]
fn what_follows_on_a_request_is_done_once_and_in_order() {
    assert_followed("clearfeed", 2, 40, 5);
}

/// Comments on tickets that an earlier mapping made, then their closing, each in bulk.
fn assert_acted(system: &str, seed: u64, count: usize, kills: usize) {
    let mut bench = Bench::new(system, seed, &FAULTS);
    let (text, _) = rows(count);
    bench.work.write("in.csv", text);
    let target = "target = { key = [\"Id\"], scope = \"made\" }\n";
    let made = head(system, "create", "made") + fields(system);
    bench.work.write("made.toml", made);
    let update = match system {
        "clearfeed" => "[fields]\npriority = { value = \"high\" }\n",
        _ => "[fields]\nPriority = { value = \"High\" }\n",
    };
    let update = head(system, "update", "updated") + target + update;
    bench.work.write("update.toml", update);
    let comment = head(system, "comment", "commented")
        + target
        + "[fields]\nbody = { template = \"about {{ Id }}\" }\npublic = { value = true }\n";
    bench.work.write("comment.toml", comment);
    let close = head(system, "close", "closed") + target;
    bench.work.write("close.toml", close);
    bench.carry("made.toml", 1, count * 10);
    for mapping in ["update.toml", "comment.toml", "close.toml"] {
        bench.carry(mapping, kills, count * 10);
    }
    let stories = bench.stories(system);
    assert_eq!(stories.len(), count);
    for (id, mut story) in stories {
        // What sets what it sets may go twice.
        story.dedup();
        let update = story.get(1).cloned().unwrap_or_default();
        let comment = format!("comment about {id}");
        assert_eq!(story, ["create", &update, &comment, "close"], "{id}");
    }
}

#[test]
fn incidents_are_updated_commented_and_closed_in_bulk() {
    assert_acted("incidentiq", 3, 40, 2);
}

#[test]
fn requests_are_updated_commented_and_closed_in_bulk() {
    assert_acted("clearfeed", 4, 40, 2);
}

/// The long form: 10,000 of each, killed on its way.
#[test]
#[ignore = "half an hour: see docs/delivery.md"]
fn ten_thousand_of_each() {
    for (seed, system) in [(11, "incidentiq"), (12, "clearfeed")] {
        assert_acted(system, seed, 10_000, 3);
        assert_followed(system, seed, 10_000, 10);
    }
}

/// What is to happen to each ticket of the real file.
fn expected(file: &std::path::Path) -> BTreeMap<String, Story> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let headings = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let cell = |name: &str| {
            let at = headings.iter().position(|heading| heading == name);
            row[at.unwrap()].trim().to_owned()
        };
        let mut story = vec!["create".to_owned()];
        let resolution = cell("Resolution");
        story.extend((!resolution.is_empty()).then(|| format!("comment {resolution}")));
        story.extend((cell("Ticket Status") == "Closed").then(|| "close".to_owned()));
        let title = format!("#{} {}", cell("Ticket ID"), cell("Ticket Subject"));
        (title, story)
    });
    rows.collect()
}

/// Somebody's tickets with their resolutions as comments, closed where they were closed, killed ten times on the way.
#[test]
#[ignore = "some minutes, and a real file: see docs/delivery.md"]
fn a_real_file_is_followed_once_and_in_order() {
    let Some(file) = real_file("kaggle_customer_support_tickets.csv") else {
        return;
    };
    let expected = expected(&file);
    for (seed, system) in [(21, "incidentiq"), (22, "clearfeed")] {
        let mut bench = Bench::new(system, seed, &FAULTS);
        std::fs::copy(&file, bench.work.path().join("in.csv")).unwrap();
        let mapping = format!("tests/mappings/kaggle-follow-{system}.toml");
        let mapping = std::fs::read(repository().join(mapping)).unwrap();
        bench.work.write("map.toml", mapping);
        let started = Instant::now();
        bench.carry("map.toml", 10, 9_000);
        let stories = bench.stories(system);
        assert_eq!(stories.len(), expected.len());
        for (title, story) in &expected {
            assert_eq!(&stories[title], story, "{title}");
        }
        let count = |what: &str| {
            let all = stories.values().flatten();
            all.filter(|told| told.starts_with(what)).count()
        };
        eprintln!(
            "{system}: {} tickets, {} comments, {} closings, each once and in order, in {:?}",
            count("create"),
            count("comment"),
            count("close"),
            started.elapsed()
        );
    }
}

#[test]
fn an_update_tells_what_it_cannot_find_and_sends_what_changed() {
    let bench = Bench::new("incidentiq", 5, &[]);
    bench.work.write("in.csv", "Id,Title\n1,one\n2,two\n");
    bench.work.write(
        "made.toml",
        head("incidentiq", "create", "made") + fields("incidentiq"),
    );
    bench.import("made.toml").output().unwrap();
    let update = head("incidentiq", "update", "updated")
        + "target = { key = [\"Id\"], scope = \"made\" }\n[fields]\nSubject = { from = \"Title\" }\n";
    bench.work.write("update.toml", update);
    let run = || -> Value {
        let output = bench.import("update.toml").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let first = run();
    assert_eq!(
        (&first["updated"], &first["rejected"]),
        (&2.into(), &0.into())
    );
    bench
        .work
        .write("in.csv", "Id,Title\n1,one\n2,two and more\n3,three\n");
    let second = run();
    assert_eq!(second["updated"], 1, "{second:#}");
    assert_eq!(second["skipped_because"]["done_before"], 1);
    assert_eq!(second["rejected"], 1);
    let causes = format!("{:#}", second["causes"]);
    insta::assert_snapshot!("key_without_a_ticket", bench.work.shown(&causes));
    // By number, and one that is not there.
    let ids = bench.work.run(&["runs", "ids", "last", "--format", "json"]);
    let number = ids.stdout.lines().find_map(|line| {
        serde_json::from_str::<Value>(line).ok()?["_number"]
            .as_str()
            .map(str::to_owned)
    });
    let number = number.unwrap_or_else(|| panic!("{}", ids.stdout));
    bench.work.write(
        "in.csv",
        format!("Id,Title,Nr\n1,by number,{number}\n2,nothing,99999999\n"),
    );
    let named = head("incidentiq", "update", "named")
        + "target = { from = \"Nr\" }\n[fields]\nSubject = { from = \"Title\" }\n";
    bench.work.write("update.toml", named);
    let third = run();
    assert_eq!(
        (&third["updated"], &third["rejected"]),
        (&1.into(), &1.into()),
        "{third:#}"
    );
    let causes = format!("{:#}", third["causes"]);
    insta::assert_snapshot!("no_such_ticket", bench.work.shown(&causes));
}

/// A row whose closing was refused after its comments were made, in a mapping that `change` then rewrites.
fn after_a_refused_closing(change: impl FnOnce(&Work, &str)) -> (Bench, Value) {
    let bench = Bench::new("incidentiq", 7, &[]);
    bench.work.write(
        "in.csv",
        "Id,Title,Status,Notes\nt1,Out of paper,Closed,one|two\n",
    );
    let mapping = head("incidentiq", "create", "follow") + fields("incidentiq") + THEN;
    bench.work.write("map.toml", &mapping);
    let script = serde_json::json!({"operation": "close", "fault": "error-in-200", "times": 1});
    bench.sandbox.admin("POST", "faults", Some(script));
    let first: Value =
        serde_json::from_slice(&bench.import("map.toml").output().unwrap().stdout).unwrap();
    assert_eq!(first["incomplete"], 1, "{first:#}");
    change(&bench.work, &mapping);
    let second = bench.import("map.toml").output().unwrap();
    (bench, serde_json::from_slice(&second.stdout).unwrap())
}

/// What stands in the ledger under a step's name was made of other content: it is told, and nothing is made twice.
fn is_told_and_makes_nothing(scene: &str, change: impl FnOnce(&Work, &str)) {
    let (bench, summary) = after_a_refused_closing(change);
    let stories = bench.stories("incidentiq");
    assert_eq!(stories["t1"], ["create", "comment one", "comment two"]);
    assert_eq!(summary["incomplete"], 1, "{summary:#}");
    let causes = format!("{:#}", summary["causes"]);
    insta::assert_snapshot!(scene, bench.work.shown(&causes));
}

#[test]
fn a_step_that_is_put_before_others_makes_none_of_them_twice() {
    is_told_and_makes_nothing("step_before_others", |work, mapping| {
        let more = "[[then]]\noperation = \"comment\"\nfields = { body = { value = \"moved\" }, \
                    public = { value = true } }\n[[then]]";
        work.write("map.toml", mapping.replacen("[[then]]", more, 1));
    });
}

#[test]
fn a_step_that_is_put_between_others_goes_before_what_was_open() {
    let (bench, summary) = after_a_refused_closing(|work, mapping| {
        let more = "[[then]]\noperation = \"comment\"\nfields = { body = { value = \"moved\" }, \
                    public = { value = true } }\n[[then]]\noperation = \"close\"";
        let close = "[[then]]\noperation = \"close\"";
        assert!(mapping.contains(close), "{mapping}");
        work.write("map.toml", mapping.replacen(close, more, 1));
    });
    assert_eq!(
        bench.stories("incidentiq")["t1"],
        [
            "create",
            "comment one",
            "comment two",
            "comment moved",
            "close"
        ],
        "{summary:#}"
    );
}

#[test]
fn an_item_that_is_put_before_others_makes_none_of_them_twice() {
    is_told_and_makes_nothing("item_before_others", |work, _| {
        work.write(
            "in.csv",
            "Id,Title,Status,Notes\nt1,Out of paper,Closed,new|one|two\n",
        );
    });
}

#[test]
fn a_row_that_names_another_ticket_acts_on_that_one() {
    let bench = Bench::new("incidentiq", 8, &[]);
    bench.work.write("in.csv", "Id,Title\n1,one\n2,two\n");
    bench.work.write(
        "made.toml",
        head("incidentiq", "create", "made") + fields("incidentiq"),
    );
    bench.import("made.toml").output().unwrap();
    let close =
        head("incidentiq", "close", "closed") + "target = { key = [\"Of\"], scope = \"made\" }\n";
    bench.work.write("close.toml", close);
    bench.work.write("in.csv", "Id,Of\na,1\n");
    bench.import("close.toml").output().unwrap();
    let update = head("incidentiq", "update", "updated")
        + "target = { key = [\"Of\"], scope = \"made\" }\n[fields]\nIsUrgent = { value = true }\n";
    bench.work.write("update.toml", update);
    let run = |mapping: &str| -> Value {
        serde_json::from_slice(&bench.import(mapping).output().unwrap().stdout).unwrap()
    };
    assert_eq!(run("update.toml")["updated"], 1);
    bench.work.write("in.csv", "Id,Of\na,2\n");
    // What sets something sets it there too; what ends something is told.
    assert_eq!(run("update.toml")["updated"], 1);
    let told = run("close.toml");
    assert_eq!(told["skipped_because"]["changed"], 1, "{told:#}");
    let stories = bench.stories("incidentiq");
    assert_eq!(stories["1"][..2], ["create", "close"]);
    assert_eq!(stories["2"].len(), 2, "{stories:?}");
}
