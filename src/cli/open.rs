//! A connection to one system with its directory, for commands that look at tickets.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::args::{Desk, Global};
use super::connect::{Connected, Target};
use super::directory::named_system;
use super::output::Output;
use super::reference;
use crate::config::StateFolder;
use crate::directory::Directory;
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

/// A connection to one system with its directory.
pub(super) struct Open {
    pub(super) target: Target,
    pub(super) connected: Connected,
    pub(super) limiter: Limiter,
    pub(super) directory: Arc<Directory>,
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
        let system = connected.system.as_ref();
        match reference::of(system, &limiter, &state, desk.refresh, output).await {
            Ok(directory) => {
                let open = Self {
                    target,
                    connected,
                    limiter,
                    directory,
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
