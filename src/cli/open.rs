//! A connection to one system, for commands that look at tickets, and what they have of its directory.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::args::{Desk, Global};
use super::connect::{Connected, Target};
use super::directory::named_system;
use super::output::Output;
use super::reference::{Loaded, Origin};
use crate::config::StateFolder;
use crate::directory::{Directory, Needs};
use crate::error::Result;
use crate::export::period::Calendar;
use crate::run::Limiter;
use crate::systems::System;

/// What a connection is for: only what reads takes its profile from the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// A connection to one system, and what was loaded of its directory.
pub(super) struct Open {
    pub(super) target: Target,
    pub(super) connected: Connected,
    pub(super) limiter: Limiter,
    state: StateFolder,
    output: Output,
    loaded: Loaded,
}

impl Open {
    pub(super) async fn at(
        desk: &Desk,
        purpose: Purpose,
        global: &Global,
        output: Output,
    ) -> Result<Self> {
        let target = Target::choose(&desk.target, &[], purpose == Purpose::Read, global)?;
        let named = desk.system.as_deref().map(named_system).transpose()?;
        let system = target.the_system(named)?;
        let state = StateFolder::open(global.state.as_deref())?;
        let connected = Connected::open(
            &target,
            system,
            desk.target.insecure_http,
            target.concurrency(),
            &state,
        )
        .await?;
        let limiter = match target.rate() {
            Some(rate) => Limiter::new(Some(rate)),
            None => Limiter::searching(state.found_rate(target.name())),
        };
        let origin = Origin {
            system: connected.system.as_ref(),
            limiter: &limiter,
            state: &state,
            output,
        };
        match Loaded::nothing(origin, desk.refresh).await {
            Ok(loaded) => {
                let open = Self {
                    target,
                    connected,
                    limiter,
                    state,
                    output,
                    loaded,
                };
                if let Some(two_zones) = open.two_zones() {
                    output.say(&two_zones);
                }
                Ok(open)
            }
            Err(error) => {
                connected.close().await?;
                Err(error)
            }
        }
    }

    pub(super) fn system(&self) -> &dyn System {
        self.connected.system.as_ref()
    }

    /// What was loaded of the directory so far.
    pub(super) fn directory(&self) -> &Arc<Directory> {
        &self.loaded.directory
    }

    /// Takes a directory that knows more than the one that was loaded.
    pub(super) fn know(&mut self, directory: Arc<Directory>) {
        self.loaded.directory = directory;
    }

    async fn load(&mut self, needs: Needs) -> Result<()> {
        let origin = Origin {
            system: self.connected.system.as_ref(),
            limiter: &self.limiter,
            state: &self.state,
            output: self.output,
        };
        self.loaded.load(origin, needs).await
    }

    /// Makes something of the directory, and loads what that asks for ([`Loaded::make`]).
    ///
    /// # Errors
    /// When a part cannot be loaded, and what `make` says.
    pub(super) async fn make<T>(&mut self, make: impl Fn(&Self) -> Result<T>) -> Result<T> {
        loop {
            let made = make(self);
            let wanted = self.directory().wanted();
            if wanted.is_empty() {
                self.loaded.tell(self.output);
                return made;
            }
            self.load(wanted).await?;
        }
    }

    /// The zone in which times are shown to people and dates are read: the desk's, else the profile's, else the machine's.
    pub(super) fn zone(&self) -> TimeZone {
        let own = self.target.timezone();
        let site = self.system().site_zone().cloned();
        let zone = match self.target.is_timezone_first() {
            true => own,
            false => site.or(own),
        };
        zone.unwrap_or_else(TimeZone::system)
    }

    /// What is said where the desk and the profile name two zones.
    fn two_zones(&self) -> Option<String> {
        let (site, own) = (self.system().site_zone()?, self.target.timezone()?);
        let (site, own) = (site.iana_name()?, own.iana_name()?);
        (site != own).then(|| match self.target.is_timezone_first() {
            true => format!("times are in `{own}`, as the profile says; the site's zone is `{site}`"),
            false => format!(
                "times are in `{site}`, the site's zone; the profile says `{own}` (`timezone_from = \"profile\"` in it makes that go first)"
            ),
        })
    }

    /// When the days, weeks and school years of people there begin.
    pub(super) fn calendar(&self) -> Calendar {
        self.target.calendar(self.zone())
    }

    /// The flags by which a printed command goes to the same place.
    pub(super) fn flags(&self) -> String {
        let mut words = self.target.flags();
        if self.target.system().is_none() {
            let system = self.system().schema().system();
            words.splice(0..0, ["--system".to_owned(), system.to_string()]);
        }
        words.join(" ")
    }

    pub(super) async fn close(self) -> Result<()> {
        self.connected.close().await
    }
}
