//! A script of the model, followed by the real engine on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::books::{Books, HELD, OTHER, ROW, TICK};
use super::desk::{Cue, Desk};
use super::moves::{Kind, Start};
use super::script::Script;
use super::world::{self, Told};
use crate::event::{End, Skip};
use crate::ledger::{
    Change, Intent, Ledger, RunMeta, Settlement, State, StepId, StepRecord, UNKNOWN_CONTENT,
};
use crate::record::{Place, RowKey};
use crate::run::tests::fake::{FakeSchema, Input};
use crate::run::tests::{self, locks};
use crate::run::{Job, Limiter, Settings, Shutdown, Totals, execute};
use crate::systems::{CREATE, Print, Schema, Ticket};

/// The comment's call.
const COMMENT: &str = "comment";
/// The longest that a run may take.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What the engine tells at the end of each process.
pub(super) fn replay(script: &Script) -> Vec<Told> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let books = Books::new(script.setup, script.fates.clone(), script.listings.clone());
        let mut stage = Stage {
            books: Arc::new(Mutex::new(books)),
            ledger: ledger(None).await,
            kind: script.setup.kind,
            joined: !script.setup.alone,
        };
        let mut told = Vec::new();
        for start in &script.starts {
            told.push(stage.process(*start).await);
        }
        told
    })
}

/// A ledger that holds a ticket of another scope, and in this one that of the other row.
async fn ledger(other: Option<String>) -> Ledger {
    let ledger = Ledger::in_memory().unwrap();
    done(&ledger, "other", ROW, HELD).await;
    if let Some(id) = other {
        done(&ledger, "s", OTHER, &id).await;
        let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let locks = scope.unheld();
        let run = (scope.start_run(&locks, RunMeta::default()).await).unwrap();
        let looked = Change::Looked(Timestamp::now());
        run.apply(vec![looked]).await.unwrap();
    }
    ledger
}

/// Notes that a row is done.
async fn done(ledger: &Ledger, scope: &str, key: &str, id: &str) {
    let scope = ledger.scope("clearfeed", "acme", scope).await.unwrap();
    let locks = scope.unheld();
    let run = (scope.start_run(&locks, RunMeta::default()).await).unwrap();
    let create = || StepId {
        name: CREATE.to_owned(),
        ordinal: 0,
    };
    let body = json!({"key": key, "text": format!("text\nRef: s/{key}")});
    let intent = Intent {
        key: RowKey::new(key),
        step: create(),
        later: Vec::new(),
        place: Place {
            file: "t.csv".into(),
            sheet: None,
            row: 2,
        },
        content: UNKNOWN_CONTENT,
        payload: [2; 16],
        reference: Some(format!("s/{key}")),
        group: "all".to_owned(),
        absent: 0,
        doubted: false,
        redo: false,
        about: None,
        stale: Vec::new(),
        print: Some(Print::of(&FakeSchema.looks(CREATE, &body))),
        at: Timestamp::now(),
    };
    run.intend(vec![intent]).await.unwrap();
    let made = Settlement {
        key: RowKey::new(key),
        step: create(),
        to: State::Done,
        ticket: Some(Ticket {
            id: id.to_owned(),
            ..Ticket::default()
        }),
        trouble: None,
        doubted: false,
        at: Timestamp::now(),
    };
    run.settle(vec![made]).await.unwrap();
}

struct Stage {
    books: Arc<Mutex<Books>>,
    ledger: Ledger,
    kind: Kind,
    joined: bool,
}

impl Stage {
    /// One process, from its start to its end.
    async fn process(&mut self, start: Start) -> Told {
        if start.late {
            sleep(3 * TICK).await;
        }
        self.joined |= start.joined;
        if start.restored {
            let other = self.books.lock().unwrap().id_of(OTHER);
            self.ledger = ledger(other).await;
        }
        let input = match self.kind {
            Kind::Create => Input::new(2),
            Kind::Comment => Input::new(2).with_step(COMMENT),
        };
        let input = match self.joined {
            true => input,
            false => input.only(&[1]),
        };
        let settings = Settings {
            rate: Some(100.0),
            concurrency: 4,
            retry: start.retry,
            ..Settings::default()
        };
        let scope = self.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let cue = match start.dies {
            true => Cue::KillAt(Instant::now() + TICK),
            false => Cue::None,
        };
        let desk = Arc::new(Desk::new(self.books.clone(), scope.clone(), cue));
        let mut cues = desk.cue.subscribe();
        let going = watch::Sender::new(Shutdown::None);
        let mut told = tests::Told::default();
        let job = Job {
            items: input.items(),
            counted: (input.count(), input.count(), 0),
            map: &input,
            system: Some(desk.clone()),
            targets: None,
            meta: RunMeta {
                input_print: "in".to_owned(),
                ..RunMeta::default()
            },
            locks: Some(locks(&scope).await.unwrap()),
            reread: Some(Box::new(|each| input.keys(each))),
            again: None,
            ledger: Some(scope),
        };
        let limiter = Arc::new(Limiter::new(settings.rate));
        let totals = {
            let run = execute(job, &settings, limiter, going.subscribe(), &mut told);
            let mut run = std::pin::pin!(run);
            loop {
                let cue = *cues.borrow_and_update();
                if cue == Cue::CtrlC {
                    going.send_replace(Shutdown::Abort);
                }
                let killed = async {
                    match cue {
                        Cue::KillAt(at) => sleep_until(at).await,
                        _ => sleep(LONGEST).await,
                    }
                };
                tokio::select! {
                    biased;
                    Ok(()) = cues.changed() => {}
                    () = killed => break None,
                    totals = &mut run => break Some(totals.unwrap()),
                }
            }
        };
        self.tell(totals, &told).await
    }

    async fn tell(&self, totals: Option<Totals>, told: &tests::Told) -> Told {
        let scope = self.ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let steps = scope.states(vec![RowKey::new(ROW)]).await.unwrap();
        let name = match self.kind {
            Kind::Create => CREATE,
            Kind::Comment => COMMENT,
        };
        let step = steps[0].iter().find(|step| step.id.name == name);
        let creates = self.kind == Kind::Create;
        let absent = step.map_or(0, |step| step.absent);
        let stopped = totals
            .as_ref()
            .is_some_and(|totals| totals.state != crate::ledger::RunState::Finished);
        Told {
            end: match &totals {
                None => world::End::Died,
                Some(_) => end(told.end(1), stopped),
            },
            state: state(step),
            absent: creates.then(|| u8::try_from(absent).unwrap()),
            tickets: self.books.lock().unwrap().count(),
            doubles: totals.as_ref().map_or(0, |totals| totals.doubles as usize),
            stopped,
            unswept: totals.is_some_and(|totals| totals.unswept),
        }
    }
}

fn state(step: Option<&StepRecord>) -> world::State {
    match step.map(|step| step.state) {
        None | Some(State::Pending) => world::State::Open,
        Some(State::Sending) => world::State::Sending,
        Some(State::InDoubt) => world::State::InDoubt,
        Some(State::Done) => world::State::Done,
        Some(State::Rejected) => world::State::Rejected,
        Some(other) => panic!("{other:?}"),
    }
}

fn end(end: &End, stopped: bool) -> world::End {
    match end {
        End::Created { .. } => world::End::Made,
        End::Skipped(Skip::DoneBefore { .. }) => world::End::Before,
        End::Incomplete { .. } if stopped => world::End::NotSent,
        End::Rejected(_) | End::Incomplete { .. } => world::End::Rejected,
        End::InDoubt { .. } => world::End::InDoubt,
        End::NotSent => world::End::NotSent,
        other => panic!("{other:?}"),
    }
}
