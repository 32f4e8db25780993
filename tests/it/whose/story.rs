//! One sequence: what is done, and what is seen of the desk after it.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use deskferry::run::CrashPlace;
use deskferry::sandbox::Dice;
use serde_json::Value;

use super::lies::{Lies, OFTEN};
use super::model::{At, COLUMNS, Desk, Ended, May, Model, Seen, Sheet};
use crate::support::{SandboxProcess, Work};

/// Longer than the second by which a system's stamps may lag behind its answers.
const A_MOMENT: Duration = Duration::from_millis(1_300);

const PRIORITIES: [[&str; 3]; 2] = [["Low", "Medium", "High"], ["low", "medium", "high"]];

pub(super) struct Story {
    dice: Dice,
    /// Of [`PRIORITIES`] and the profiles.
    system: usize,
    work: Work,
    /// Somebody else's state folder, by which the desk is looked at and changed.
    eye: Work,
    /// What stands between the program and the sandbox; dropped before it.
    lies: Option<Lies>,
    _sandbox: SandboxProcess,
    model: Model,
    rows: usize,
    named: usize,
    /// When a run has written last.
    wrote: Instant,
    told: Vec<String>,
}

impl Story {
    pub(super) fn new(seed: u64) -> Self {
        Self::begin(seed, false)
    }

    /// The same, with a wrong answer to one call in fifty.
    pub(super) fn lied_to(seed: u64) -> Self {
        Self::begin(seed, true)
    }

    fn begin(seed: u64, lied_to: bool) -> Self {
        let (work, eye) = (Work::new(), Work::new());
        let rate = ["--rate", "0"];
        let sandbox = SandboxProcess::start(&work, &rate);
        let further = |visible: &str| {
            format!(
                "rate = \"2000/s\"\ncommit_within = \"100ms\"\nvisible_within = \"{visible}\"\nlive = false"
            )
        };
        sandbox.profiles(&eye, &further("100ms"));
        let lies = lied_to.then(|| Lies::start(&sandbox, seed, OFTEN));
        match &lies {
            Some(lies) => lies.echo.profiles(&sandbox, &work, &further("1500ms")),
            None => sandbox.profiles(&work, &further("100ms")),
        }
        let story = Self {
            dice: Dice::new(seed),
            system: (seed % 2) as usize,
            work,
            eye,
            lies,
            _sandbox: sandbox,
            model: Model::default(),
            rows: 0,
            named: 0,
            wrote: Instant::now(),
            told: Vec::new(),
        };
        story.work.write("make.toml", story.mapping());
        story
    }

    fn mapping(&self) -> &'static str {
        match self.system {
            0 => {
                "version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"whose\"\nkey = [\"Id\"]\n\n[fields]\n\
                 Subject = { from = \"Title\" }\nIssueDescription = { template = \"item-{{ row['Id'] }}. It is broken\" }\n\
                 IssueId = { value = \"Other\", resolve = \"issue\" }\nLocationId = { value = \"District Office\", resolve = \"location\" }\n\
                 ForId = { value = \"helpdesk@district.example\", resolve = \"user\", match = \"email\" }\n\
                 Priority = { value = \"Medium\" }\n"
            }
            _ => {
                "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"whose\"\nkey = [\"Id\"]\n\n[fields]\n\
                 title = { from = \"Title\" }\ndescription = { template = \"item-{{ row['Id'] }}. It is broken\" }\n\
                 collection_id = { value = \"IT Support\", resolve = \"collection\" }\npriority = { value = \"medium\" }\n"
            }
        }
    }

    /// What was done, and what was wrong with it.
    pub(super) fn run(mut self) -> (Vec<String>, Vec<String>) {
        self.model.desk = self.seen();
        self.grow();
        self.make(None);
        self.export();
        for _ in 0..7 + self.dice.below(5) {
            match self.dice.below(16) {
                0 => self.export(),
                1..=3 => self.edit(),
                4..=6 => self.others(),
                7 | 8 => self.back(None),
                9 => self.die_back(),
                10 => self.grow(),
                11 => {
                    let place = self.place();
                    self.make(Some(&place));
                }
                12 => self.rollback(),
                13 => self.retry(),
                14 => self.settle(),
                _ => self.lose(),
            }
            if !self.model.wrong.is_empty() {
                return (self.told, self.model.wrong);
            }
        }
        if let Some(lies) = &self.lies {
            lies.ends();
            // What was refused goes again only then.
            self.retry();
        }
        self.make(None);
        self.back(None);
        (self.told, self.model.wrong)
    }

    fn profile(&self) -> &'static str {
        ["district", "support"][self.system]
    }

    /// Runs a command, in which `@` stands for the profile; the exit code, `None` where it was killed.
    fn command(&mut self, line: &str, crash: Option<&str>) -> Option<i32> {
        let line = line.replace('@', self.profile());
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = self.work.command(&words);
        if let Some(place) = crash {
            command.env("DESKFERRY_CRASH", place);
        }
        let ended = command.output().unwrap();
        let shown = String::from_utf8_lossy(&ended.stderr).into_owned();
        let crash = crash.map(|place| format!(" dies {place}"));
        self.told.push(format!(
            "{line}{}: {:?}\n{shown}",
            crash.unwrap_or_default(),
            ended.status.code()
        ));
        self.wrote = Instant::now();
        ended.status.code()
    }

    /// The desk as it is.
    fn seen(&self) -> Desk {
        // What ClearFeed takes back stays there, closed; nobody else closes anything here.
        let words = "export -o now.jsonl --wait 0 --filter state=open --profile";
        let mut words: Vec<&str> = words.split(' ').collect();
        words.push(self.profile());
        self.eye.run(&words).expect(0);
        let text = self.eye.read("now.jsonl");
        let tickets = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        tickets
            .map(|ticket| {
                let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let description = of(&ticket["description"]);
                let item = description
                    .strip_prefix("item-")
                    .and_then(|rest| rest.split('.').next()?.parse().ok());
                let seen = Seen {
                    columns: [of(&ticket["title"]), of(&ticket["priority"]["name"])],
                    item,
                };
                (of(&ticket["id"]), seen)
            })
            .collect()
    }

    fn look(&mut self, may: &May) {
        let now = self.seen();
        self.model.look(now, may);
    }

    fn place(&mut self) -> String {
        let (_, place) = *self.dice.pick(&CrashPlace::ALL);
        format!("{place}:{}", 1 + self.dice.below(3))
    }

    /// More rows.
    fn grow(&mut self) {
        self.rows += 1 + self.dice.below(3);
        let mut text = "Id,Title\n".to_owned();
        for row in 0..self.rows {
            text.push_str(&format!("{row},Row {row}\n"));
        }
        self.work.write("in.csv", text);
    }

    /// The rows become tickets.
    fn make(&mut self, crash: Option<&str>) {
        let line = "import in.csv --mapping make.toml --outcomes made.jsonl --profile @";
        let code = self.command(line, crash);
        let may = May {
            say: self.model.finishes("Medium"),
            make: true,
            cut_off: code != Some(0),
            ..May::default()
        };
        self.look(&may);
        if code == Some(0) {
            self.model.half.clear();
        }
        if code.is_some() {
            self.compare_made();
        }
        if crash.is_none() && self.lies.is_none() && !matches!(code, Some(0 | 1)) {
            self.model.wrong.push(format!("the rows end with {code:?}"));
        }
        if code == Some(0) {
            let made = |row: &usize| self.model.desk.values().any(|seen| seen.item == Some(*row));
            let missing: Vec<usize> = (0..self.rows).filter(|row| !made(row)).collect();
            if !missing.is_empty() {
                self.model
                    .wrong
                    .push(format!("rows {missing:?} have no ticket"));
            }
        }
    }

    /// What a command said of each row: its state, and the ticket that it names.
    fn outcomes(&self, file: &str) -> Vec<(usize, String, Option<String>)> {
        let text = fs::read_to_string(self.work.path().join(file)).unwrap_or_default();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| {
                let row = usize::try_from(line["row"].as_u64().unwrap()).unwrap() - 2;
                let id = line["id"].as_str().map(str::to_owned);
                (row, line["state"].as_str().unwrap().to_owned(), id)
            })
            .collect()
    }

    /// Whether what an import said of its rows is so.
    fn compare_made(&mut self) {
        for (row, state, id) in self.outcomes("made.jsonl") {
            let desk = self.model.desk.iter();
            let of_row = desk.filter(|(_, seen)| seen.item == Some(row));
            let of_row: Vec<&String> = of_row.map(|(id, _)| id).collect();
            let is_so = match (state.as_str(), &id) {
                ("created", Some(id)) => of_row == [id],
                ("rejected", None) => of_row.is_empty(),
                _ => true,
            };
            if !is_so {
                self.model.wrong.push(format!(
                    "row {row} is {state} as {id:?}, the desk has {of_row:?}"
                ));
            }
        }
    }

    /// A new export in the place of the file, whatever was in it.
    fn export(&mut self) {
        for file in ["t.csv", "t.csv.baseline", "back.toml"] {
            let _ = fs::remove_file(self.work.path().join(file));
        }
        let line =
            "export -o t.csv --write-mapping back.toml --wait 0 --filter state=open --profile @";
        if self.command(line, None) != Some(0) {
            self.model.sheet = None;
            if self.lies.is_none() {
                self.model
                    .wrong
                    .push("the export did not come to its end".to_owned());
            }
            return;
        }
        let mut sheet = Sheet::default();
        for (id, row) in self.sheet_rows() {
            for (at, value) in row.into_iter().enumerate() {
                sheet.cells.insert((id.clone(), at), (value.clone(), value));
            }
        }
        let is_so = |(at, (was, _)): (&At, &(String, String))| {
            let seen = self.model.desk.get(&at.0);
            seen.is_some_and(|seen| seen.columns[at.1] == *was)
        };
        if !sheet.cells.iter().all(is_so) || sheet.cells.len() != 2 * self.model.desk.len() {
            let told = format!(
                "the export says {:?}, the desk {:?}",
                sheet.cells, self.model.desk
            );
            self.model.wrong.push(told);
        }
        self.model.sheet = Some(sheet);
        self.look(&May::default());
    }

    fn sheet_rows(&self) -> Vec<(String, [String; 2])> {
        let text = self.work.read("t.csv");
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let headings = reader.headers().unwrap().clone();
        let place = |name: &str| headings.iter().position(|one| one == name).unwrap();
        let [title, priority, id] = ["Title", "Priority", "Ticket ID"].map(place);
        let rows = reader.records().map(Result::unwrap);
        rows.map(|row| {
            let of = |at: usize| row[at].to_owned();
            (of(id), [of(title), of(priority)])
        })
        .collect()
    }

    /// A new value for a column.
    fn value(&mut self, who: &str, column: usize) -> String {
        self.named += 1;
        match column {
            0 => format!("{who} {}", self.named),
            _ => (*self.dice.pick(&PRIORITIES[self.system])).to_owned(),
        }
    }

    /// A person edits some cells of the file; at times its rows are sorted anew, and one is deleted.
    fn edit(&mut self) {
        let Some(mut sheet) = self.model.sheet.clone() else {
            return;
        };
        for _ in 0..1 + self.dice.below(3) {
            let Some(at) = self.cell(&sheet) else { return };
            let value = self.value("mine", at.1);
            self.told.push(format!("{at:?} is edited to `{value}`"));
            sheet.cells.get_mut(&at).unwrap().1 = value;
        }
        let turned = self.dice.chance(0.3);
        let text = self.work.read("t.csv");
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let headings = reader.headers().unwrap().clone();
        let place = |name: &str| headings.iter().position(|one| one == name).unwrap();
        let (id, own) = (place("Ticket ID"), COLUMNS.map(place));
        let mut rows: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect();
        for row in &mut rows {
            let ticket = row[id].clone();
            for (column, at) in own.into_iter().enumerate() {
                row[at].clone_from(&sheet.cells[&(ticket.clone(), column)].1);
            }
        }
        if turned {
            rows.reverse();
            let gone = rows.pop().unwrap();
            self.told
                .push(format!("the row of {} is deleted", gone[id]));
            sheet.cells.retain(|(ticket, _), _| *ticket != gone[id]);
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&headings).unwrap();
        for row in rows {
            writer.write_record(row).unwrap();
        }
        self.work.write("t.csv", writer.into_inner().unwrap());
        self.model.sheet = Some(sheet);
    }

    fn cell(&mut self, sheet: &Sheet) -> Option<At> {
        let cells: Vec<&At> = sheet.cells.keys().collect();
        (!cells.is_empty()).then(|| (*self.dice.pick(&cells)).clone())
    }

    /// Other people change tickets, at times the cells that were edited.
    fn others(&mut self) {
        if let Some(left) = A_MOMENT.checked_sub(self.wrote.elapsed()) {
            sleep(left);
        }
        let edited: Vec<At> = (self.model.sheet.iter().flat_map(|sheet| &sheet.cells))
            .filter(|(at, (was, now))| was != now && self.model.desk.contains_key(&at.0))
            .map(|(at, _)| at.clone())
            .collect();
        for _ in 0..1 + self.dice.below(2) {
            let all: Vec<String> = self.model.desk.keys().cloned().collect();
            if all.is_empty() {
                return;
            }
            let at = match !edited.is_empty() && self.dice.chance(0.5) {
                true => self.dice.pick(&edited).clone(),
                false => (self.dice.pick(&all).clone(), self.dice.below(2)),
            };
            let value = self.value("theirs", at.1);
            let flag = ["--title", "--priority"][at.1];
            let words = [
                "ticket",
                "update",
                &at.0,
                flag,
                &value,
                "--profile",
                self.profile(),
            ];
            self.eye.run(&words).expect(0);
            self.told.push(format!("others set {at:?} to `{value}`"));
            let may = self.model.others_change(&at.0, at.1, &value);
            self.look(&may);
        }
    }

    /// The file comes back.
    fn back(&mut self, crash: Option<&str>) {
        // A file without rows is none.
        if (self.model.sheet.as_ref()).is_none_or(|sheet| sheet.cells.is_empty()) {
            return;
        }
        let overwrites = crash.is_none() && self.dice.chance(0.2);
        let _ = fs::remove_file(self.work.path().join("back.jsonl"));
        let mut line =
            "import t.csv --mapping back.toml --outcomes back.jsonl --profile @".to_owned();
        if overwrites {
            line.push_str(" --overwrite");
        }
        let code = self.command(&line, crash);
        let ended = match code {
            Some(0 | 1) => Ended::Whole,
            _ => Ended::Died,
        };
        if crash.is_none() && ended == Ended::Died && self.lies.is_none() {
            self.model
                .wrong
                .push(format!("the import ended with {code:?}"));
        }
        let mut may = self.model.sends(overwrites, ended);
        if self.lies.is_some() {
            self.as_told(&mut may, ended);
        }
        self.look(&may);
    }

    /// Of a row that was refused, withheld or left in doubt something else may have become, and that was said.
    fn as_told(&self, may: &mut May, ended: Ended) {
        let told = self.outcomes("back.jsonl");
        let rows = self.sheet_rows();
        for (at, values) in &mut may.say {
            let row = rows.iter().position(|(id, _)| *id == at.0);
            let state = told.iter().find(|(of, ..)| Some(*of) == row);
            let state = state.map_or("", |(_, state, _)| state.as_str());
            let own = self.model.desk[&at.0].columns[at.1].clone();
            match (ended, state) {
                (Ended::Whole, "updated") => {}
                // Several cells may take several requests, of which some were obeyed.
                _ => values.push(own),
            }
        }
    }

    fn die_back(&mut self) {
        let place = self.place();
        self.back(Some(&place));
    }

    /// What was refused goes again, of whichever file the last run was.
    fn retry(&mut self) {
        self.command("runs retry last", None);
        let mut may = May {
            make: true,
            cut_off: true,
            ..self.model.sends(false, Ended::Died)
        };
        for (at, values) in self.model.finishes("Medium") {
            may.say.entry(at).or_default().extend(values);
        }
        self.look(&may);
    }

    /// A person looks at the desk, and says of each row in doubt what became of it. That is believed only where the desk
    /// shows the ticket.
    fn settle(&mut self) {
        let words = ["runs", "settle", "last", "--format", "json"];
        let listed = self.work.run(&words).stdout;
        let listed: Value = serde_json::from_str(&listed).unwrap_or_default();
        for row in listed["in_doubt"].as_array().into_iter().flatten() {
            let (Some(number), Some("create")) = (row["row"].as_u64(), row["step"].as_str()) else {
                continue;
            };
            let item = usize::try_from(number).unwrap() - 2;
            let desk = self.model.desk.iter();
            let found = desk
                .filter(|(_, seen)| seen.item == Some(item))
                .map(|(id, _)| id.clone())
                .next();
            let verdict = found.map_or("resend".to_owned(), |id| format!("done={id}"));
            let line = format!("runs settle last --row {number} --as {verdict}");
            self.command(&line, None);
        }
        self.look(&May::default());
    }

    fn rollback(&mut self) {
        self.command("runs rollback last", None);
        let may = May {
            undo: true,
            ..May::default()
        };
        self.look(&may);
    }

    /// The state folder is lost, and the ledger rebuilt: from then on nothing that is there is taken back.
    fn lose(&mut self) {
        let _ = fs::remove_dir_all(self.work.state());
        self.told.push("the state folder is lost".to_owned());
        self.model.ours.clear();
        let line = "runs adopt in.csv --mapping make.toml --profile @";
        let tries = if self.lies.is_some() { 5 } else { 1 };
        if !(0..tries).any(|_| self.command(line, None) == Some(0)) {
            self.model
                .wrong
                .push("the ledger was not rebuilt".to_owned());
        }
        self.look(&May::default());
    }
}
