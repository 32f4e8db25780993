//! The directory for each mapping: of a snapshot, or of a connection that is made once a system.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::super::args::{Global, ValidateArgs};
use super::super::connect::{Connected, Target};
use super::super::output::Output;
use super::super::reference::{self, Loaded, Origin};
use crate::config::StateFolder;
use crate::directory::{Directory, cache};
use crate::error::{Error, Result};
use crate::mapping::Mapping;
use crate::run::Limiter;
use crate::systems::SystemName;

/// What names are checked against.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) directory: Arc<Directory>,
    /// The connection's zone, for times without one.
    pub(super) zone: Option<TimeZone>,
    /// For people.
    pub(super) described: String,
}

/// All that were fetched.
pub(super) struct Directories<'a> {
    args: &'a ValidateArgs,
    global: &'a Global,
    output: Output,
    snapshots: Vec<(SystemName, PathBuf, Known)>,
    fetched: Vec<Fetched>,
}

/// What was fetched of one system, and the connection by which more can be.
struct Fetched {
    system: SystemName,
    connected: Connected,
    limiter: Limiter,
    state: StateFolder,
    loaded: Loaded,
    zone: Option<TimeZone>,
}

impl<'a> Directories<'a> {
    pub(super) fn new(args: &'a ValidateArgs, global: &'a Global, output: Output) -> Self {
        Self {
            args,
            global,
            output,
            snapshots: Vec::new(),
            fetched: Vec::new(),
        }
    }

    /// The directory that a mapping's names are checked against, with the parts that `make` asks for; `None` where none
    /// was asked for.
    ///
    /// # Errors
    /// When it cannot be fetched, and what `make` says.
    pub(super) async fn of(
        &mut self,
        mapping: &Mapping,
        make: impl Fn(&Known) -> Result<()>,
    ) -> Result<Option<Known>> {
        let system = mapping.system();
        if !self.args.directory.is_empty() || !self.is_named() {
            let known = self.snapshots.iter().find(|(name, ..)| *name == system);
            let found = match known.cloned() {
                Some(found) => Some(found),
                None => self.snapshot_of(system)?.map(|(path, known)| {
                    self.snapshots.push((system, path.clone(), known.clone()));
                    (system, path, known)
                }),
            };
            let Some((_, path, known)) = found else {
                return Ok(None);
            };
            let (made, asked) = known.directory.asked_by(|| make(&known));
            reference::must_hold(known.directory.snapshot(), asked, &path)?;
            return made.map(|()| Some(known));
        }
        // Each mapping says where it may run, whatever was fetched for another.
        let target = self.target_of(mapping)?;
        let at = match self.fetched.iter().position(|one| one.system == system) {
            Some(at) => at,
            None => {
                let fetched = self.connect(&target, system).await?;
                self.fetched.push(fetched);
                self.fetched.len() - 1
            }
        };
        let Fetched {
            connected,
            limiter,
            state,
            loaded,
            zone,
            ..
        } = &mut self.fetched[at];
        let origin = Origin {
            system: connected.system.as_ref(),
            limiter,
            state,
            output: self.output,
        };
        let known = |directory: &Arc<Directory>| Known {
            directory: Arc::clone(directory),
            zone: zone.clone(),
            described: reference::describe(directory.snapshot()),
        };
        loaded
            .make(origin, |directory| make(&known(directory)))
            .await?;
        Ok(Some(known(&loaded.directory)))
    }

    fn is_named(&self) -> bool {
        self.args.target.profile.is_some() || self.args.target.sandbox.is_some()
    }

    /// The snapshot of that system among those that were named; one alone must fit.
    fn snapshot_of(&self, system: SystemName) -> Result<Option<(PathBuf, Known)>> {
        let paths = &self.args.directory;
        for path in paths {
            let snapshot = cache::read_snapshot(path)?;
            if snapshot.system == system {
                let known = Known {
                    described: reference::describe(&snapshot),
                    directory: Arc::new(Directory::new(snapshot)),
                    zone: None,
                };
                return Ok(Some((path.clone(), known)));
            }
        }
        match paths.as_slice() {
            [only] => reference::from_file(only, system, None).map(|_| None),
            _ => Ok(None),
        }
    }

    /// The connection that was named, if the mapping may run against it.
    fn target_of(&self, mapping: &Mapping) -> Result<Target> {
        let system = mapping.system();
        let target = Target::choose(&self.args.target, mapping.profiles(), false, self.global)?;
        if let Some(other) = target.system().filter(|other| *other != system) {
            let message = format!(
                "the mapping is for `{system}`, but the profile `{}` is of `{other}`",
                target.name()
            );
            return Err(Error::usage(message).at(mapping.name()));
        }
        Ok(target)
    }

    async fn connect(&self, target: &Target, system: SystemName) -> Result<Fetched> {
        let typed = &self.args.target;
        let state = StateFolder::open(self.global.state.as_deref())?;
        let concurrency = target.concurrency();
        let connected =
            Connected::open(target, system, typed.insecure_http, concurrency, &state).await?;
        let limiter = Limiter::new(target.rate());
        let origin = Origin {
            system: connected.system.as_ref(),
            limiter: &limiter,
            state: &state,
            output: self.output,
        };
        let loaded = match Loaded::nothing(origin, self.args.refresh).await {
            Ok(loaded) => loaded,
            Err(error) => {
                connected.close().await?;
                return Err(error);
            }
        };
        Ok(Fetched {
            system,
            connected,
            limiter,
            state,
            loaded,
            zone: target.timezone(),
        })
    }

    /// Ends the connections.
    pub(super) async fn close(&mut self) -> Result<()> {
        for fetched in self.fetched.drain(..) {
            fetched.connected.close().await?;
        }
        Ok(())
    }
}
