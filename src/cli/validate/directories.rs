//! The directory for each mapping: of a snapshot, or of a connection that is made once a system.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::super::args::{Global, ValidateArgs};
use super::super::connect::{Connected, Target};
use super::super::output::Output;
use super::super::reference;
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
    known: Vec<(SystemName, Known)>,
    connected: Vec<Connected>,
}

impl<'a> Directories<'a> {
    pub(super) fn new(args: &'a ValidateArgs, global: &'a Global, output: Output) -> Self {
        Self {
            args,
            global,
            output,
            known: Vec::new(),
            connected: Vec::new(),
        }
    }

    /// The directory that a mapping's names are checked against; `None` where none was asked for.
    pub(super) async fn of(&mut self, mapping: &Mapping) -> Result<Option<Known>> {
        let system = mapping.system();
        // Each mapping says where it may run, whatever was fetched for another.
        let target = match self.args.directory.is_empty() && self.is_named() {
            true => Some(self.target_of(mapping)?),
            false => None,
        };
        if let Some((_, known)) = self.known.iter().find(|(name, _)| *name == system) {
            return Ok(Some(known.clone()));
        }
        let found = match target {
            Some(target) => Some(self.connect(&target, system).await?),
            None => self.snapshot_of(system)?,
        };
        if let Some(known) = &found {
            self.known.push((system, known.clone()));
        }
        Ok(found)
    }

    fn is_named(&self) -> bool {
        self.args.target.profile.is_some() || self.args.target.sandbox.is_some()
    }

    /// The snapshot of that system among those that were named; one alone must fit.
    fn snapshot_of(&self, system: SystemName) -> Result<Option<Known>> {
        let paths = &self.args.directory;
        for path in paths {
            let snapshot = cache::read_snapshot(path)?;
            if snapshot.system == system {
                return Ok(Some(Known {
                    described: reference::describe(&snapshot),
                    directory: Arc::new(Directory::new(snapshot)),
                    zone: None,
                }));
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

    async fn connect(&mut self, target: &Target, system: SystemName) -> Result<Known> {
        let typed = &self.args.target;
        let state = StateFolder::open(self.global.state.as_deref())?;
        let concurrency = target.concurrency();
        let connected =
            Connected::open(target, system, typed.insecure_http, concurrency, &state).await?;
        let limiter = Limiter::new(target.rate());
        let quiet = self.output;
        let directory = reference::of(
            connected.system.as_ref(),
            &limiter,
            &state,
            self.args.refresh,
            quiet,
        )
        .await;
        self.connected.push(connected);
        let directory = directory?;
        Ok(Known {
            described: reference::describe(directory.snapshot()),
            directory,
            zone: target.timezone(),
        })
    }

    /// Ends the connections.
    pub(super) async fn close(&mut self) -> Result<()> {
        for connected in self.connected.drain(..) {
            connected.close().await?;
        }
        Ok(())
    }
}
