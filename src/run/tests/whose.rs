//! Whose change is this: an exported file comes back again and again, while others change the same tickets, requests are
//! refused and lost, and runs are killed. The desk itself watches that nothing of others is written over.

mod desk;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use tokio::time::timeout;

use super::*;
use crate::directory::Directory;
use crate::event::Event;
use crate::export::baseline::{Baseline, Value};
use crate::export::columns::Plan as Columns;
use crate::intake::{Item, Subject};
use crate::ledger::{Ledger, RunMeta};
use crate::mapping::{BoundPlan, Checked, Mapping, PlanOptions, Reach};
use crate::record::{Cell, Header, Place, Record, RowKey};
use crate::run::{Desk as Compared, Edited, File, TableBaseline, look_at_edits};
use crate::sandbox::Dice;
use crate::source::{Layout, Table};
use crate::systems::{Dialect, SystemName};
use desk::{At, Desk, Fate, Guard, PRIORITIES};

/// How many sequences the suite runs, and the long form.
const FEW: u64 = 60;
const MANY: u64 = 10_000;

struct Mute;

impl Listener for Mute {
    fn on(&mut self, _: &Event) {}
}

/// An exported file as it is now, and what it said when it was written.
#[derive(Clone)]
struct Sheet {
    read_at: jiff::Timestamp,
    /// The ids of the tickets, in the order of the rows.
    rows: Vec<String>,
    was: BTreeMap<At, String>,
    now: BTreeMap<At, String>,
    has_baseline: bool,
}

struct Story {
    dice: Dice,
    desk: Arc<Desk>,
    ledger: Ledger,
    mapping: Arc<Mapping>,
    sheet: Sheet,
    named: u64,
    /// Cells that were sent, and those that were in conflict.
    counts: (u64, u64),
    told: Vec<String>,
}

impl Story {
    fn new(seed: u64, mapping: &Arc<Mapping>) -> Self {
        let mut dice = Dice::new(seed);
        let desk = Arc::new(Desk::new(2 + dice.below(4)));
        let sheet = Sheet::of(&desk);
        Self {
            dice,
            desk,
            ledger: Ledger::in_memory().unwrap(),
            mapping: Arc::clone(mapping),
            sheet,
            named: 0,
            counts: (0, 0),
            told: Vec::new(),
        }
    }

    /// What was done, where something was wrong.
    async fn run(mut self) -> std::result::Result<(u64, u64), String> {
        for _ in 0..4 + self.dice.below(8) {
            match self.dice.below(12) {
                0 => {
                    self.sheet = Sheet::of(&self.desk);
                    self.sheet.has_baseline = self.dice.chance(0.8);
                    let baseline = self.sheet.has_baseline;
                    self.told.push(format!("an export, baseline {baseline}"));
                }
                1..=4 => self.edit(),
                5..=7 => self.others(),
                _ => self.import().await,
            }
            self.check()?;
        }
        // On a good day all that is ours arrives.
        self.desk.fates(Vec::new());
        self.desk.intrude(Vec::new());
        let expected = self.expected();
        self.go(false, None).await;
        self.check()?;
        for (at, allowed) in expected {
            let value = self.desk.value(&at);
            if !allowed.contains(&value) {
                let told = format!("{at:?} is `{value}` in the end, not one of {allowed:?}");
                return Err(self.shown(&told));
            }
        }
        Ok(self.counts)
    }

    fn shown(&self, wrong: &str) -> String {
        format!("{}\n{wrong}", self.told.join("\n"))
    }

    fn check(&self) -> std::result::Result<(), String> {
        match self.desk.wrong() {
            Some(wrong) => Err(self.shown(&wrong)),
            None => Ok(()),
        }
    }

    fn cell(&mut self) -> At {
        let row = self.dice.below(self.sheet.rows.len());
        (self.sheet.rows[row].clone(), self.dice.below(2))
    }

    fn value(&mut self, who: &str, column: usize) -> String {
        self.named += 1;
        match column {
            0 => format!("{who} {}", self.named),
            _ => (*self.dice.pick(&PRIORITIES)).to_owned(),
        }
    }

    fn edit(&mut self) {
        let at = self.cell();
        let value = match self.dice.chance(0.1) {
            // Set back to what it was.
            true => self.sheet.was[&at].clone(),
            false => self.value("mine", at.1),
        };
        self.told.push(format!("{at:?} is edited to `{value}`"));
        self.sheet.now.insert(at, value);
    }

    fn others(&mut self) {
        let at = self.cell();
        let value = self.value("theirs", at.1);
        self.told.push(format!("others set {at:?} to `{value}`"));
        self.desk.others(&at, &value);
    }

    async fn import(&mut self) {
        let fates: Vec<Fate> = (0..self.dice.below(8))
            .map(|_| *self.dice.pick(&Fate::ALL))
            .collect();
        let mut intruders = Vec::new();
        for _ in 0..self.dice.below(3) {
            let at = self.cell();
            let value = self.value("theirs meanwhile", at.1);
            intruders.push((self.dice.below(8), at, value));
        }
        let killed = match self.dice.chance(0.3) {
            true => Some(Duration::from_millis(self.dice.below(400) as u64)),
            false => None,
        };
        let overwrites = self.dice.chance(0.15);
        self.told.push(format!(
            "an import, overwrites {overwrites}, killed after {killed:?}, {fates:?}, {intruders:?}"
        ));
        self.desk.fates(fates);
        self.desk.intrude(intruders);
        self.go(overwrites, killed).await;
    }

    /// What each cell may say after an import on a good day.
    fn expected(&self) -> BTreeMap<At, Vec<String>> {
        let sheet = &self.sheet;
        let cells = sheet.now.iter().map(|(at, file)| {
            let (was, desk) = (&sheet.was[at], self.desk.value(at));
            let is_sent = match sheet.has_baseline {
                true => file != was && desk == *was,
                false => file != &desk && !self.desk.changed_since(&at.0, sheet.read_at),
            };
            let mut allowed = vec![if is_sent { file.clone() } else { desk.clone() }];
            // What was sent before and set back by others is done, as the ledger has it; what was refused is not sent again.
            if is_sent && (self.desk.was_sent(at, file) || self.desk.was_refused(at, file)) {
                allowed.push(desk);
            }
            (at.clone(), allowed)
        });
        cells.collect()
    }

    async fn go(&mut self, overwrites: bool, killed: Option<Duration>) {
        let sheet = self.sheet.clone();
        self.desk.guard(Guard {
            was: sheet.has_baseline.then(|| sheet.was.clone()),
            read_at: sheet.read_at,
            overwrites,
        });
        let coming = come_back(
            &self.ledger,
            Arc::clone(&self.desk),
            &self.mapping,
            &sheet,
            overwrites,
        );
        let ended = match killed {
            Some(after) => timeout(after, coming).await.ok(),
            None => Some(coming.await),
        };
        if let Some(Ok((counts, _))) = &ended {
            self.counts.0 += counts.sent;
            self.counts.1 += counts.conflicts;
        }
        self.told.push(format!("it ends: {ended:?}"));
        self.desk.guard(Guard::default());
    }
}

impl Sheet {
    fn of(desk: &Desk) -> Self {
        let was = desk.cells();
        let mut rows: Vec<String> = was.keys().map(|(id, _)| id.clone()).collect();
        rows.dedup();
        Self {
            read_at: desk.now(),
            rows,
            now: was.clone(),
            was,
            has_baseline: true,
        }
    }

    fn table() -> Table {
        let names = ["Ticket ID", "Title", "Priority"].map(str::to_owned);
        Table {
            file: "t.csv".into(),
            sheet: None,
            header: Arc::new(Header::new(names.to_vec())),
            layout: Layout::JsonLines { is_utf8: true },
            gzip: false,
        }
    }

    fn items(&self) -> Items<'static> {
        let items: Vec<Result<Item>> = (0..)
            .zip(&self.rows)
            .map(|(ordinal, id)| {
                let text = |text: &str| Cell::Text(text.into());
                let of = |column| text(&self.now[&(id.clone(), column)]);
                let place = Place {
                    file: "t.csv".into(),
                    sheet: None,
                    row: ordinal + 2,
                };
                Ok(Item {
                    ordinal,
                    rows: vec![Record {
                        place,
                        table: 0,
                        cells: vec![text(id), of(0), of(1)],
                    }],
                    subject: Subject::Keyed(RowKey::new(id.clone())),
                    absent: Vec::new(),
                })
            })
            .collect();
        Box::new(items.into_iter())
    }

    fn baseline(&self) -> Option<Arc<Baseline>> {
        let columns = ["Title", "Priority"].map(str::to_owned);
        let rows = self.rows.iter().map(|id| {
            let of = |column| Value::text(&self.was[&(id.clone(), column)]).written();
            (id.clone(), vec![of(0), of(1)])
        });
        let rows = rows.collect();
        (self.has_baseline).then(|| Arc::new(Baseline::of_rows(&columns, rows).unwrap()))
    }
}

fn mapping() -> Arc<Mapping> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("back.toml");
    let text = "version = 1\nsystem = \"clearfeed\"\noperation = \"update\"\nscope = \"back\"\n\
                target = { from = \"Ticket ID\" }\n\n[fields]\ntitle = { from = \"Title\", trim = false }\n\
                priority = { from = \"Priority\" }\n";
    std::fs::write(&path, text).unwrap();
    Arc::new(Mapping::load(&path, Reach::Folder).unwrap())
}

fn bound(mapping: &Mapping) -> BoundPlan {
    let schema = crate::systems::schema(SystemName::ClearFeed, Some(Dialect::V1)).unwrap();
    let mut directory = Directory::absent(SystemName::ClearFeed, Dialect::V1)
        .snapshot()
        .clone();
    directory.tenant = "acme".to_owned();
    let directory = Arc::new(Directory::new(directory));
    let mut checked = Checked::of(
        mapping,
        Arc::from(schema),
        directory,
        &PlanOptions::default(),
    );
    let bound = checked.bind(&[Sheet::table()]);
    bound.unwrap_or_else(|| panic!("{:?}", checked.into_faults()))
}

/// What an import of the file does.
async fn come_back(
    ledger: &Ledger,
    desk: Arc<Desk>,
    mapping: &Mapping,
    sheet: &Sheet,
    overwrites: bool,
) -> Result<(Counts, RunState)> {
    let plan = bound(mapping);
    let names = [("Title", "title"), ("Priority", "priority")];
    let (columns, unknown) = Columns::of_names(names.into_iter(), &[], &TimeZone::UTC);
    assert!(unknown.is_empty());
    let scope = ledger.scope("clearfeed", "acme", "back").await?;
    let locks = locks(&scope).await?;
    let unsettled = scope.unsettled().await?;
    let file = File {
        plan: &plan,
        scope: &scope,
        columns,
        baselines: vec![TableBaseline {
            baseline: sheet.baseline(),
            read_at: Some(sheet.read_at),
            ..TableBaseline::default()
        }],
        unsettled: unsettled.into_iter().map(|row| row.key).collect(),
        overwrites,
    };
    let limiter = Arc::new(Limiter::new(Some(1_000.0)));
    let directory = Directory::absent(SystemName::ClearFeed, Dialect::V1);
    let system: Arc<dyn System> = desk;
    let compared = Compared {
        system: Arc::clone(&system),
        limiter: &limiter,
        concurrency: 2,
        directory: &directory,
    };
    let Edited {
        touched,
        compared,
        counts,
        ..
    } = look_at_edits(sheet.items(), file, Some(compared)).await?;
    plan.send_only(touched);
    let settings = Settings {
        rate: Some(1_000.0),
        concurrency: 2,
        commit_within: Duration::from_millis(100),
        visible_within: Duration::from_millis(100),
        compared: Arc::new(compared),
        ..Settings::default()
    };
    let count = sheet.rows.len() as u64;
    let job = Job {
        items: sheet.items(),
        counted: (count, count, 0),
        map: &plan,
        system: Some(system),
        targets: None,
        meta: RunMeta {
            input_print: "in".to_owned(),
            operation: crate::systems::Operation::Update,
            ..RunMeta::default()
        },
        locks: Some(locks),
        reread: None,
        again: None,
        ledger: Some(scope),
    };
    let (_going, stop) = tokio::sync::watch::channel(Shutdown::None);
    let totals = execute(job, &settings, limiter, stop, &mut Mute).await?;
    Ok((counts, totals.state))
}

async fn all(seeds: std::ops::Range<u64>) {
    let mapping = mapping();
    let (mut sent, mut conflicts) = (0, 0);
    for seed in seeds {
        match Story::new(seed, &mapping).run().await {
            Ok(counts) => {
                sent += counts.0;
                conflicts += counts.1;
            }
            Err(told) => panic!("seed {seed}\n{told}"),
        }
    }
    // Sequences in which nothing happens prove nothing.
    assert!(
        sent >= FEW && conflicts >= FEW / 2,
        "{sent} sent, {conflicts} conflicts"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_of_others_is_written_over() {
    all(0..FEW).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "10,000 sequences: minutes"]
async fn nothing_of_others_is_written_over_in_ten_thousand_sequences() {
    all(0..MANY).await;
}
