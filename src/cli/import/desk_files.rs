//! The desk that tickets are migrated from, while their files are read: a pass, a retry of one and its corrected error file find
//! it by the tenant that their rows name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::args::Where;
use super::super::connect::{Connected, Target};
use super::{Import, Pass};
use crate::error::{Error, Result};
use crate::files::FileDesk;
use crate::outfile::{self, Readers};
use crate::run::Limiter;

/// Which profile the tickets of a tenant were read by.
fn kept(state: &Path) -> PathBuf {
    state.join("migrate").join("sources.json")
}

fn known(state: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read(kept(state)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Keeps by which profile the tickets of a tenant were read.
///
/// # Errors
/// When the state folder cannot be written.
pub(in crate::cli) fn keep(state: &Path, tenant: &str, profile: &str) -> Result<()> {
    let mut all = known(state);
    if all.get(tenant).is_some_and(|known| known == profile) {
        return Ok(());
    }
    all.insert(tenant.to_owned(), profile.to_owned());
    let text = serde_json::to_vec_pretty(&all).expect("a map of texts has a JSON form");
    let path = kept(state);
    outfile::replace(&path, &text, Readers::Owner).map_err(|error| {
        Error::machine("the name of the source cannot be kept")
            .at(path.display())
            .caused_by(error)
    })
}

impl Import<'_> {
    /// Opens the desk whose files the rows bring; `None`: they bring none, or nothing is sent.
    pub(super) async fn open_desk(&self, pass: &Pass<'_>) -> Result<Option<(Connected, FileDesk)>> {
        if self.args.dry_run || !self.is_of_desk() || !pass.plan.brings_files() {
            return Ok(None);
        }
        let Some(name) = self.source_profile(pass)? else {
            return Ok(None);
        };
        let named = Where {
            profile: Some(name.clone()),
            sandbox: None,
            insecure_http: self.args.target.insecure_http,
        };
        let target = Target::choose(&named, &[], true, self.global)?;
        let system = target.the_system(None)?;
        let concurrency = target.concurrency();
        let insecure = self.args.target.insecure_http;
        let connected = Connected::open(&target, system, insecure, concurrency, self.state).await?;
        let limiter = match target.rate() {
            Some(rate) => Limiter::new(Some(rate)),
            None => Limiter::searching(self.state.found_rate(target.name())),
        };
        let desk = FileDesk {
            system: Arc::clone(&connected.system),
            permit: Arc::new(limiter),
        };
        Ok(Some((connected, desk)))
    }

    /// The profile of the source of the rows.
    fn source_profile(&self, pass: &Pass<'_>) -> Result<Option<String>> {
        if let Some(migration) = self.migration() {
            return Ok(Some(migration.from.clone()));
        }
        let Some(tenant) = self.source_tenant(pass)? else {
            return Ok(None);
        };
        Ok(known(self.state.path()).remove(&tenant))
    }
}
