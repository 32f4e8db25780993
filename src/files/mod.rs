//! Files that hang on tickets: where they are, copied to the disk before they are sent, kept in an archive where a system
//! takes none.
//!
//! | module | holds |
//! |---|---|
//! | `place` | a path or a web address as a cell names it, and whether the mapping allows it |
//! | `name` | names that every system and every disk takes |
//! | `spool` | one file on this machine, hashed, with its size checked; removed when it is dropped |
//! | `archive` | the folder with the files of tickets, a page beside each |

pub(crate) mod archive;
pub(crate) mod name;
pub(crate) mod place;
mod spool;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::systems::{Permit, System};

pub(crate) use spool::wrong;
pub use spool::{Failure, Spooled};

/// Begins what names a file of the desk that tickets are migrated from: the rest is the file's id there.
pub(crate) const OF_DESK: &str = "desk:";

/// The folder of an archive, where the mapping names none.
pub(crate) const ARCHIVE: &str = "attachments";

/// Where the files of a run come from, and where those go that no system takes.
#[derive(Debug, Clone)]
pub struct Files {
    /// Where files are copied to before they are sent.
    pub spool: PathBuf,
    /// The archive.
    pub archive: PathBuf,
    /// The desk that tickets are migrated from.
    pub desk: Option<FileDesk>,
    /// Held while the page of a ticket is written.
    pub(crate) listing: Arc<Mutex<()>>,
}

/// A desk whose files are read.
#[derive(Clone)]
pub struct FileDesk {
    /// The desk.
    pub system: Arc<dyn System>,
    /// Its limit.
    pub permit: Arc<dyn Permit>,
}

impl std::fmt::Debug for FileDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileDesk")
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl Default for Files {
    /// Files in the machine's own folder for what is temporary.
    fn default() -> Self {
        Self {
            spool: std::env::temp_dir(),
            archive: PathBuf::from(ARCHIVE),
            desk: None,
            listing: Arc::default(),
        }
    }
}
