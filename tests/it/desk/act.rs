//! What people do in a sequence: imports, kills, and the commands that work on the ledger.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::books::{Books, Made};
use super::process::now;
use super::sequence::{Sequence, VISIBLE};
use super::step::Death;
use super::verdict::{Fault, Wrong};

impl Sequence {
    pub(super) fn import_line(&self, further: &[String]) -> Vec<String> {
        let plan = &self.setup.plan;
        let line = format!(
            "import in.csv --mapping map.toml --profile {} --directory d.json --format json",
            plan.profile()
        );
        let words = line.split(' ').map(str::to_owned);
        words.chain(further.iter().cloned()).collect()
    }

    /// An import to its end; where it demands that the ledger is rebuilt, that too. Returns its summary.
    pub(super) fn import(&mut self, limit: Option<u64>) -> Value {
        for _ in 0..2 {
            let outcomes = format!("outcomes-{}.jsonl", self.commands.len());
            let mut further = vec!["--outcomes".to_owned(), outcomes.clone()];
            if let Some(limit) = limit {
                further.extend(["--limit".to_owned(), limit.to_string()]);
            }
            let line = self.import_line(&further);
            let words: Vec<&str> = line.iter().map(String::as_str).collect();
            self.command(&words, &[]);
            let path = self.work.path().join(&outcomes);
            let command = self.commands.last_mut().unwrap();
            if let Ok(text) = fs::read_to_string(path) {
                command.read_outcomes(&text);
            }
            if !command.wants_adopt() {
                return command.document();
            }
            self.adopt();
        }
        Value::Null
    }

    pub(super) fn kill(&mut self, death: &Death) {
        let mut died = match death {
            Death::Place(place) => self.die(&[("DESKFERRY_CRASH", place)], |_, _| false),
            Death::Millis(millis) => self.die(&[], |_, started| {
                started.elapsed() > Duration::from_millis(*millis)
            }),
            Death::Requests(count) => {
                let from = self.desk.answered();
                self.die(&[], move |desk, _| desk.answered() - from >= *count)
            }
        };
        // It came to its end before: then it is killed as it starts, or even earlier.
        let mut tries = 0..5_u64;
        while !died && let Some(earlier) = tries.next() {
            let millis = (20 + self.setup.dice.below(120) as u64) / (1 + earlier);
            died = self.die(&[], |_, started| {
                started.elapsed() > Duration::from_millis(millis)
            });
        }
    }

    /// The newest import that made something, or did not come to its end; else the newest.
    pub(super) fn last_run(&mut self) -> Option<String> {
        let listed = self.command(&["runs", "list", "--format", "json"], &[]);
        let runs = listed.document();
        let mut imports = runs
            .as_array()?
            .iter()
            .filter(|run| run["resume"] != "deskferry runs adopt");
        let newest = imports.clone().next()?;
        let made = imports.find(|run| run["made"] != 0);
        Some(made.unwrap_or(newest)["run"].as_str()?.to_owned())
    }

    pub(super) fn on_run(&mut self, words: &[&str]) {
        let Some(run) = self.last_run() else { return };
        let words = [words, &[&run, "--format", "json"]].concat();
        if self.command(&words, &[]).wants_adopt() {
            self.adopt();
        }
    }

    /// What a person does about rows in doubt: looks at the desk, and says how it is.
    pub(super) fn settle(&mut self) {
        let Some(run) = self.last_run() else { return };
        self.quiet_down();
        let listed = self.command(&["runs", "settle", &run, "--format", "json"], &[]);
        let document = listed.document();
        let books = Books::read(&self.desk.books(), self.setup.plan.speech);
        for row in document["in_doubt"].as_array().into_iter().flatten() {
            let key = row["key"].as_str().unwrap();
            let item = self
                .setup
                .plan
                .rows
                .iter()
                .find(|row| row.key == key)
                .unwrap()
                .item;
            if let Some(verdict) = self.look(&books.live(item), row["step"].as_str().unwrap(), item)
            {
                let number = row["row"].to_string();
                let words = [
                    "runs", "settle", &run, "--row", &number, "--as", &verdict, "--format", "json",
                ];
                self.command(&words, &[]);
            }
        }
    }

    /// What a person says of a step in doubt; `None` where the books leave several answers.
    pub(super) fn look(&self, live: &[&Made], step: &str, item: usize) -> Option<String> {
        let made = match live {
            [] => return (step == "create").then(|| "resend".to_owned()),
            [made] => made,
            _ => return None,
        };
        let prefix = match self.setup.plan.speech.system() {
            "clearfeed" => "req_",
            _ => "",
        };
        let said = |done: bool| Some(if done { "done" } else { "resend" }.to_owned());
        match step {
            "create" => Some(format!("done={prefix}{}", made.id)),
            step if step.ends_with("close") => said(made.closed > 0),
            step if step.ends_with("comment") && self.setup.plan.rows[item].notes.len() == 1 => {
                said(!made.comments.is_empty())
            }
            _ => None,
        }
    }

    pub(super) fn adopt_once(&mut self) -> bool {
        let profile = self.setup.plan.profile();
        let line =
            format!("runs adopt in.csv --mapping map.toml --profile {profile} --format json");
        let words: Vec<&str> = line.split(' ').collect();
        self.command(&words, &[]).code == Some(0)
    }

    /// Rebuilds the ledger; where the desk lists badly, on a better day.
    pub(super) fn adopt(&mut self) {
        self.quiet_down();
        let _ = self.adopt_once() || self.adopt_once() || {
            self.note("the desk lists well for a while", |_| ());
            self.set_chaos(true);
            let adopted = self.adopt_once() || self.adopt_once();
            self.set_chaos(false);
            adopted
        };
    }

    /// An export, and whether it is as whole as it says.
    pub(super) fn export(&mut self) {
        let books = Books::read(&self.desk.books(), self.setup.plan.speech);
        let before = now() - VISIBLE.as_secs_f64();
        let file = format!("export-{}.jsonl", self.commands.len());
        let profile = self.setup.plan.profile();
        let words = [
            "export",
            "-o",
            &file,
            "--profile",
            profile,
            "--format",
            "json",
        ];
        let command = self.command(&words, &[]);
        let complete = command.document()["complete"] == true;
        if command.code != Some(0) && !complete {
            return;
        }
        let line = command.line.clone();
        let (started, ended) = (command.started, command.ended);
        let text = fs::read_to_string(self.work.path().join(&file)).unwrap_or_default();
        let ids: Vec<String> = text
            .lines()
            .filter_map(|line| {
                serde_json::from_str::<Value>(line).ok()?["id"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect();
        // A named assumption is broken: every page and every count says that there is nothing.
        let after = Books::read(&self.desk.books(), self.setup.plan.speech);
        if ids.is_empty() && after.is_blank(started, ended) {
            return;
        }
        for made in &books.tickets {
            let old = made.at < before && made.entry["deleted"] != true;
            if old && !ids.iter().any(|id| made.is(id)) {
                self.faults.push(Fault {
                    wrong: Wrong::Untrue,
                    item: made.item,
                    text: format!("`{line}` is complete without {}", made.number),
                });
            }
        }
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        if once.len() < ids.len() {
            self.faults.push(Fault {
                wrong: Wrong::Untrue,
                item: None,
                text: format!("`{line}` holds a ticket twice"),
            });
        }
    }
}
