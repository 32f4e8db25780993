//! One sequence: the real program against the other desk, step by step.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::books::Books;
use super::plan::Marker;
use super::process::now;
use super::said::Command;
use super::server::Desk;
use super::setup::{Outcome, Setup};
use super::step::Step;
use super::verdict::{Case, Fault};
use crate::support::Work;

/// `visible_within` of the profiles, and a little.
pub(super) const VISIBLE: Duration = Duration::from_millis(1_100);

/// A sequence under way.
pub(super) struct Sequence {
    pub(super) setup: Setup,
    pub(super) work: Work,
    pub(super) desk: Desk,
    pub(super) commands: Vec<Command>,
    pub(super) kills: usize,
    pub(super) faults: Vec<Fault>,
    pub(super) struck: BTreeMap<String, u64>,
}

impl Sequence {
    pub(super) fn new(setup: Setup) -> Self {
        let work = Work::new();
        let desk = Desk::start(&work, setup.seed);
        setup.plan.write(&work, &desk);
        let mut sequence = Self {
            setup,
            work,
            desk,
            commands: Vec::new(),
            kills: 0,
            faults: Vec::new(),
            struck: BTreeMap::new(),
        };
        let profile = sequence.setup.plan.profile();
        let pull = ["directory", "pull", "--profile", profile, "-o", "d.json"];
        let pulled = sequence.command(&pull, &[]);
        assert_eq!(pulled.code, Some(0), "{}", pulled.stderr);
        sequence
    }

    pub(super) fn run(mut self) -> Outcome {
        let started = Instant::now();
        let watch = self.desk.watch();
        self.people(4);
        self.set_chaos(false);
        for step in self.setup.steps.clone() {
            self.step(&step);
        }
        self.end();
        let books = self.desk.books();
        let books = Books::read(&books, self.setup.plan.speech);
        self.count_strikes();
        let case = Case {
            plan: &self.setup.plan,
            books: &books,
            commands: &self.commands,
            breaks: self.setup.breaks,
            hides: self.setup.chaos.hides()
                || self.setup.plan.marker == Marker::None && self.setup.chaos.has("created-skew"),
            hides_comments: self.setup.chaos.hides_comments(),
            forgets: (self.setup.steps.iter())
                .any(|step| matches!(step, Step::Lose | Step::Restore)),
        };
        let mut verdict = case.judge();
        // Where tickets show too late on purpose, an export cannot know of them.
        let faults = std::mem::take(&mut self.faults);
        for fault in faults.into_iter().filter(|_| !self.setup.breaks) {
            verdict.add(fault.wrong, fault.item, &fault.text);
        }
        let errors = self.work.read("desk.err");
        assert!(errors.is_empty(), "the desk itself is broken: {errors}");
        let story = self.story(&books, &verdict) + &format!("\nlag {:?}\n", watch.longest());
        Outcome {
            seed: self.setup.seed,
            commands: self.commands.len(),
            kills: self.kills,
            rows: self.setup.plan.rows.len(),
            tickets: books.tickets.len(),
            struck: self.struck,
            took: started.elapsed(),
            lag: watch.longest(),
            starved: 0,
            verdict,
            story,
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Import(limit) => {
                self.import(*limit);
            }
            Step::Kill(death) => self.kill(death),
            Step::Retry => self.on_run(&["runs", "retry"]),
            Step::Settle => self.settle(),
            Step::Adopt => {
                self.adopt_once();
            }
            Step::Rollback => self.on_run(&["runs", "rollback"]),
            Step::Export => self.export(),
            Step::Copy => self.note("the state folder is copied", |work| {
                copy(&work.state(), &work.path().join("old"));
            }),
            Step::Restore => {
                self.quiet_down();
                self.note(
                    "the state folder is what it was when it was copied",
                    |work| {
                        fs::remove_dir_all(work.state()).unwrap();
                        copy(&work.path().join("old"), &work.state());
                    },
                );
            }
            Step::Lose => {
                self.quiet_down();
                self.note("the state folder is lost", |work| {
                    fs::remove_dir_all(work.state()).unwrap();
                });
                self.adopt();
            }
            Step::RestartDesk => {
                self.count_strikes();
                self.note("the desk is killed and comes back", |_| ());
                self.desk.restart(&self.work);
                self.set_chaos(false);
            }
            Step::Edit => {
                self.note("people edit the input", |_| ());
                self.setup.plan.edit(&mut self.setup.dice);
                self.setup.plan.write_input(&self.work);
            }
            Step::People => self.people(2),
        }
    }

    /// Chaos goes, what was under way comes, and the program runs until nothing is left that it could do.
    pub(super) fn end(&mut self) {
        self.note("the desk behaves from now on", |_| ());
        self.desk.set_chaos(&json!({}));
        self.quiet_down();
        // What shows too late is reported by a run that begins when it shows.
        if self.setup.chaos.has("late-visible too late") {
            std::thread::sleep(Duration::from_secs(6));
        }
        for _ in 0..4 {
            let document = self.import(None);
            let is_over = document["stopped"].is_null()
                && document["in_doubt"] == 0
                && document["not_sent"] == 0;
            if is_over {
                break;
            }
        }
        let listed = self.command(&["runs", "list", "--format", "json"], &[]);
        let runs = listed.document();
        for run in runs.as_array().into_iter().flatten() {
            let code = run["run"].as_str().unwrap().to_owned();
            self.command(&["runs", "ids", &code, "--format", "json"], &[]);
        }
    }

    /// Waits for what is under way still.
    pub(super) fn quiet_down(&self) {
        self.desk.settle();
        std::thread::sleep(VISIBLE);
    }

    pub(super) fn set_chaos(&self, gentle: bool) {
        self.desk.set_chaos(&self.setup.chaos.settings(gentle));
    }

    pub(super) fn count_strikes(&mut self) {
        let stats = self.desk.stats();
        for (name, count) in stats["struck"].as_object().unwrap() {
            let count = count.as_u64().unwrap();
            let before = self.struck.entry(name.clone()).or_default();
            // What the journal keeps is counted from the start, the rest since the desk came back.
            *before = if count >= *before {
                count
            } else {
                *before + count
            };
        }
    }

    pub(super) fn note(&mut self, what: &str, act: impl FnOnce(&Work)) {
        act(&self.work);
        let now = now();
        self.commands.push(Command {
            line: format!("# {what}"),
            code: Some(0),
            started: now,
            ended: now,
            ..Command::default()
        });
    }

    pub(super) fn people(&mut self, count: usize) {
        for n in 0..count {
            let dice = &mut self.setup.dice;
            let quotes = dice.chance(0.5) && self.setup.quoted;
            let text = match quotes {
                true => format!(
                    "see {} Ref: other-desk/k{}",
                    "long ".repeat(dice.below(300)),
                    dice.below(20)
                ),
                false => "somebody's own words".to_owned(),
            };
            let body = json!({
                "system": self.setup.plan.speech.system(),
                "title": format!("somebody's ticket {n}"),
                "description": text,
            });
            self.desk.person(&body);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}
