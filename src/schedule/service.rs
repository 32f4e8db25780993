//! The foreground service: looks at the clock, starts what is due, and tells what happens.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::task::JoinSet;

use super::attempt::{Attempt, Caller, attempt};
use super::decide::{CountFrom, Decision, Due, Watched, count_from, decide, jump};
use super::store::{History, Name, Past, Schedule, Store, replace};
use super::when::When;
use crate::error::{Error, Result};
use crate::run::{Shutdown, Stop};

/// At least so often the clock is looked at: a machine that woke is noticed within this time, whatever its timers did.
const LOOK: Duration = Duration::from_secs(30);
/// So long it waits before it tries again what another process was at, or what went wrong on this machine.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What happens, for people.
#[derive(Debug)]
pub enum Told {
    /// It looks after these.
    Watching(Vec<(Name, Option<Timestamp>)>),
    /// A run begins.
    Begins {
        /// Of this schedule.
        name: Name,
        /// The time that it is for.
        at: Timestamp,
        /// How many times before were missed.
        missed: u64,
        /// Whether its time is long past.
        late: bool,
    },
    /// A run is due, and another one still goes.
    Waits {
        /// Of this schedule.
        name: Name,
        /// The time that it is for.
        at: Timestamp,
    },
    /// A run has ended.
    Ended(Name, Past),
    /// Another process is at it, or was quicker.
    Elsewhere(Name),
    /// The machine slept, or its clock was set, by so much.
    Jumped(SignedDuration),
    /// The last run of a schedule is dated at a moment that is still to come.
    WrongClock(Name, Timestamp),
    /// Something is wrong with a schedule or on this machine.
    Wrong(Name, Error),
    /// No more runs begin; so many still go.
    Stopping(usize),
}

/// The service.
pub struct Service {
    /// Where schedules are kept.
    pub store: Store,
    /// Our own executable file.
    pub program: PathBuf,
    /// The state folder.
    pub state: PathBuf,
    /// Only these; none named: all, those added later too.
    pub only: Vec<Name>,
    /// Where it says that it is alive.
    pub health: PathBuf,
    /// Who is told.
    pub tell: Box<dyn Fn(Told) + Send + Sync>,
}

/// A schedule as it is read at each look.
struct Loaded {
    name: Name,
    schedule: Schedule,
    when: When,
    history: History,
}

/// What the service knows beyond what is kept.
#[derive(Default)]
struct Mind {
    running: HashSet<Name>,
    /// What it has begun counts as done even where the history could not be written.
    begun: HashMap<Name, Timestamp>,
    not_before: HashMap<Name, Timestamp>,
    told_waiting: HashSet<(Name, Timestamp)>,
    told_wrong: HashSet<Name>,
    told_clock: HashSet<(Name, Timestamp)>,
}

impl Service {
    /// Runs until it is told to stop; the runs that still go are waited for.
    ///
    /// # Errors
    /// When a named schedule is not there, or the health file cannot be written.
    pub async fn serve(&self, mut stop: Stop) -> Result<()> {
        for name in &self.only {
            self.store.load(name)?;
        }
        let started = Timestamp::now();
        let mut mind = Mind::default();
        let mut running: JoinSet<(Name, Result<Option<Past>>)> = JoinSet::new();
        let mut last_look = (started, Instant::now());
        let mut first = true;
        while *stop.borrow() == Shutdown::None {
            let loaded = self.load(&mut mind)?;
            let now = Timestamp::now();
            self.notice_jump(&mut last_look, now);
            let decision = self.look(&loaded, &mut mind, now);
            if first {
                (self.tell)(Told::Watching(next_times(&loaded, now)));
            }
            for due in &decision.start {
                self.begin(
                    &loaded[due.index],
                    *due,
                    now,
                    &mut mind,
                    &mut running,
                    &stop,
                );
            }
            match self.write_health(&loaded, &mind, started, now, "running") {
                // A wrong place is told at once; a disk that is full later stops no export.
                Err(error) if first => return Err(error),
                Err(error) => tracing::warn!(%error, "cannot write the health file"),
                Ok(()) => {}
            }
            first = false;
            tokio::select! {
                () = tokio::time::sleep(until(decision.wake, now)) => {}
                Some(ended) = running.join_next() => self.end(ended, &mut mind)?,
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        (self.tell)(Told::Stopping(running.len()));
        while let Some(ended) = running.join_next().await {
            self.end(ended, &mut mind)?;
        }
        let loaded = self.load(&mut mind)?;
        self.write_health(&loaded, &mind, started, Timestamp::now(), "stopped")
    }

    /// Reads all schedules; one that cannot be read is told once and does not hold up the others.
    fn load(&self, mind: &mut Mind) -> Result<Vec<Loaded>> {
        let names = match self.only.is_empty() {
            true => self.store.names()?,
            false => self
                .only
                .iter()
                .filter(|name| self.store.has(name))
                .cloned()
                .collect(),
        };
        let mut all = Vec::new();
        for name in names {
            let load = || {
                let schedule = self.store.load(&name)?;
                Ok((schedule.when()?, self.store.history(&name)?, schedule))
            };
            match load() {
                Ok((when, history, schedule)) => {
                    mind.told_wrong.remove(&name);
                    all.push(Loaded {
                        name,
                        schedule,
                        when,
                        history,
                    });
                }
                Err(error) => {
                    if mind.told_wrong.insert(name.clone()) {
                        (self.tell)(Told::Wrong(name, error));
                    }
                }
            }
        }
        Ok(all)
    }

    fn look(&self, loaded: &[Loaded], mind: &mut Mind, now: Timestamp) -> Decision {
        // What was noted by a clock that was ahead holds nothing up.
        mind.begun
            .retain(|_, begun| count_from(*begun, [], now).instead_of.is_none());
        mind.not_before
            .retain(|_, at| at.duration_since(now) <= AGAIN);
        for one in loaded {
            if let Some(moment) = one.count_from(now).instead_of
                && mind.told_clock.insert((one.name.clone(), moment))
            {
                (self.tell)(Told::WrongClock(one.name.clone(), moment));
            }
        }
        let watched: Vec<Watched<'_>> = loaded
            .iter()
            .map(|one| Watched {
                running: mind.running.contains(&one.name),
                not_before: mind.not_before.get(&one.name).copied(),
                ..one.watched(mind.begun.get(&one.name).copied(), now)
            })
            .collect();
        let decision = decide(&watched, now);
        for due in &decision.wait {
            let waiting = (loaded[due.index].name.clone(), due.at);
            if mind.told_waiting.insert(waiting.clone()) {
                (self.tell)(Told::Waits {
                    name: waiting.0,
                    at: waiting.1,
                });
            }
        }
        decision
    }

    fn begin(
        &self,
        one: &Loaded,
        due: Due,
        now: Timestamp,
        mind: &mut Mind,
        running: &mut JoinSet<(Name, Result<Option<Past>>)>,
        stop: &Stop,
    ) {
        let name = one.name.clone();
        let late =
            SignedDuration::from_secs(i64::try_from(one.schedule.jitter_seconds).unwrap_or(0))
                + AGAIN;
        (self.tell)(Told::Begins {
            name: name.clone(),
            at: due.at,
            missed: due.missed,
            late: now.duration_since(due.at) > late,
        });
        mind.told_waiting.retain(|(waiting, _)| *waiting != name);
        mind.running.insert(name.clone());
        mind.begun.insert(name.clone(), now);
        let this = Attempt {
            store: self.store.clone(),
            program: self.program.clone(),
            state: self.state.clone(),
            name: name.clone(),
            schedule: one.schedule.clone(),
            caller: Caller::Due {
                at: due.at,
                missed: due.missed,
            },
        };
        let stop = stop.clone();
        running.spawn(async move { (name, attempt(this, stop).await) });
    }

    fn end(
        &self,
        ended: Result<(Name, Result<Option<Past>>), tokio::task::JoinError>,
        mind: &mut Mind,
    ) -> Result<()> {
        let (name, ended) =
            ended.map_err(|error| Error::machine("a run broke off").caused_by(error))?;
        mind.running.remove(&name);
        let again = Timestamp::now()
            .checked_add(AGAIN)
            .unwrap_or(Timestamp::MAX);
        match ended {
            Ok(Some(past)) => (self.tell)(Told::Ended(name, past)),
            Ok(None) => {
                mind.begun.remove(&name);
                mind.not_before.insert(name.clone(), again);
                (self.tell)(Told::Elsewhere(name));
            }
            Err(error) => {
                mind.not_before.insert(name.clone(), again);
                (self.tell)(Told::Wrong(name, error));
            }
        }
        Ok(())
    }

    fn notice_jump(&self, last: &mut (Timestamp, Instant), now: Timestamp) {
        let look = (now, Instant::now());
        if let Some(by) = jump(now.duration_since(last.0), look.1.duration_since(last.1)) {
            (self.tell)(Told::Jumped(by));
        }
        *last = look;
    }

    fn write_health(
        &self,
        loaded: &[Loaded],
        mind: &Mind,
        started: Timestamp,
        now: Timestamp,
        state: &str,
    ) -> Result<()> {
        let schedules: Vec<_> = loaded
            .iter()
            .map(|one| {
                json!({
                    "name": one.name.as_str(), "next": one.next(now), "running": mind.running.contains(&one.name),
                    "last": one.history.last(),
                })
            })
            .collect();
        let document = json!({
            "state": state, "process": std::process::id(), "started_at": started, "alive_at": now,
            "alive_every_seconds": LOOK.as_secs(), "schedules": schedules,
        });
        replace(&self.health, format!("{document:#}\n").as_bytes())
    }
}

/// A schedule as it stands.
#[derive(Debug)]
pub struct Standing {
    /// What it is.
    pub schedule: Schedule,
    /// When.
    pub when: When,
    /// What came of it.
    pub history: History,
    /// When it is due next by its calendar; `None`: never.
    pub next: Option<Timestamp>,
    /// The run that is due now, with how many were missed before it.
    pub due: Option<(Timestamp, u64)>,
    /// Whether it is running, whoever runs it.
    pub running: bool,
    /// Up to when times are marked as done, where that is still to come: the clock was ahead, or is behind.
    pub wrong_clock: Option<Timestamp>,
}

/// Looks at a schedule.
///
/// # Errors
/// When it is not there or cannot be read.
pub fn standing(store: &Store, name: &Name, now: Timestamp) -> Result<Standing> {
    let schedule = store.load(name)?;
    let loaded = Loaded {
        name: name.clone(),
        when: schedule.when()?,
        history: store.history(name)?,
        schedule,
    };
    let decision = decide(&[loaded.watched(None, now)], now);
    Ok(Standing {
        next: loaded.next(now),
        wrong_clock: loaded.count_from(now).instead_of,
        due: decision.start.first().map(|due| (due.at, due.missed)),
        running: store.hold(name)?.is_none(),
        schedule: loaded.schedule,
        when: loaded.when,
        history: loaded.history,
    })
}

impl Loaded {
    fn count_from(&self, now: Timestamp) -> CountFrom {
        self.history.count_from(&self.schedule, now)
    }

    /// When it is due next by its calendar.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.when.next(now.max(self.count_from(now).at))
    }

    fn watched(&self, begun: Option<Timestamp>, now: Timestamp) -> Watched<'_> {
        let done = self.count_from(now).at;
        Watched {
            name: &self.name,
            target: &self.schedule.target,
            when: &self.when,
            jitter: Duration::from_secs(self.schedule.jitter_seconds),
            done_until: begun.map_or(done, |begun| begun.max(done)),
            running: false,
            not_before: None,
        }
    }
}

fn next_times(loaded: &[Loaded], now: Timestamp) -> Vec<(Name, Option<Timestamp>)> {
    loaded
        .iter()
        .map(|one| (one.name.clone(), one.next(now)))
        .collect()
}

fn until(wake: Option<Timestamp>, now: Timestamp) -> Duration {
    let wait = wake.map_or(LOOK, |wake| {
        // A timer that is a little early must not make it look too soon.
        let wait = Duration::try_from(wake.duration_since(now)).unwrap_or_default();
        wait + Duration::from_millis(5)
    });
    wait.min(LOOK)
}
