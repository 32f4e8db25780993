//! The figures of reports that were made, in the state folder: an old week comes out as it was reported.

use std::path::PathBuf;

use crate::cli::open::Open;
use crate::config::StateFolder;
use crate::error::{Error, Result};
use crate::export::sheets::Figures;
use crate::infile;
use crate::ledger::private_folder;
use crate::outfile::{self, Readers};
use crate::systems::query::Query;

/// A file with the figures of one desk and one choice of tickets.
#[derive(Debug)]
pub(super) struct KeptFigures {
    path: PathBuf,
}

impl KeptFigures {
    /// Those of a desk; `query`: which of its tickets, whenever they were made.
    pub(super) fn of(state: &StateFolder, open: &Open, query: &Query) -> Self {
        let account = open.system().account();
        let mut hash = blake3::Hasher::new_derive_key("deskferry 2026 figures of reports");
        let system = open.system().schema().system();
        let dialect = account.dialect.to_string();
        let asked = format!("{query:?}");
        let zone = open.zone();
        let zone = zone.iana_name().unwrap_or_default();
        for part in [system.as_str(), &account.tenant, &dialect, &asked, zone] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let file = format!("{}.json", &hash.finalize().to_hex()[..20]);
        Self {
            path: state.path().join("reports").join(file),
        }
    }

    /// The figures that are kept.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn read(&self) -> Result<Vec<Figures>> {
        let bytes = match infile::read(&self.path, infile::MOST_WORDS) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.damaged(error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| self.damaged(error))
    }

    fn damaged(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::machine("the figures of earlier reports cannot be read")
            .at(self.path.display())
            .caused_by(std::io::Error::other(error))
            .hint("move the file away: old periods are counted anew then")
    }

    /// Keeps figures of periods that are over. What is kept stays, unless it is to be counted anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn keep(&self, counted: Vec<Figures>, anew: bool) -> Result<()> {
        let mut kept = self.read()?;
        let before = kept.len();
        let mut is_changed = false;
        for figures in counted.into_iter().filter(Figures::is_over) {
            let same = |one: &Figures| (one.from, one.until) == (figures.from, figures.until);
            match kept.iter().position(same) {
                Some(at) if anew => {
                    kept[at] = figures;
                    is_changed = true;
                }
                Some(_) => {}
                None => kept.push(figures),
            }
        }
        if kept.len() == before && !is_changed {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            private_folder(folder)?;
        }
        let text = serde_json::to_vec(&kept).map_err(|error| self.damaged(error))?;
        outfile::replace(&self.path, &text, Readers::default())
            .map_err(|error| outfile::unwritable(&self.path, error))
    }
}
