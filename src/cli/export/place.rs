//! Where what is read is kept: a replica of its own for what was asked, until the file stands; or the lasting one of the
//! tenant.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cli::open::Open;
use crate::config::StateFolder;
use crate::error::Result;
use crate::export::reading::Order;
use crate::export::replica::Replica;
use crate::ledger::RunLock;
use crate::report::words;
use crate::systems::SystemName;

/// After how long an export that was not gone on with is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Which tenant a replica is of, among its facts.
const TENANT: &str = "tenant";

/// The replica of a command, locked.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    system: SystemName,
    tenant: String,
    lasts: bool,
    _lock: RunLock,
}

impl Place {
    pub(super) fn of(state: &StateFolder, open: &Open, order: &Order, lasts: bool) -> Result<Self> {
        let system = open.system();
        let account = system.account();
        let name = system.schema().system();
        let mut hash = blake3::Hasher::new_derive_key("deskferry 2026 replica");
        let dialect = account.dialect.to_string();
        let asked = format!("{order:?}");
        for part in [name.as_str(), &account.tenant, &dialect, &asked] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let kind = if lasts { "replica" } else { "export" };
        let file = format!("{kind}-{}.sqlite", &hash.finalize().to_hex()[..20]);
        let folder = state.path().join("replica");
        let lock = RunLock::take_replica(state.path(), &file)?;
        forget_old(&folder);
        Ok(Self {
            path: folder.join(file),
            system: name,
            tenant: account.tenant.clone(),
            lasts,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn replica(&self) -> Result<Replica> {
        let replica = Replica::open(&self.path)?;
        replica.keep_fact("system", self.system.as_str())?;
        replica.keep_fact(TENANT, &self.tenant)?;
        Ok(replica)
    }

    /// What is said where an earlier command had begun.
    pub(super) fn going_on(&self, replica: &Replica) -> Result<Option<String>> {
        let count = replica.count(crate::systems::query::Span::default())?;
        let tickets = words::plural(count, "ticket", "tickets");
        Ok(match (count, self.lasts) {
            (0, _) => None,
            (_, true) => Some(format!(
                "  replica    {tickets} known, reading what has changed"
            )),
            (_, false) => Some(format!(
                "  going on   {tickets} were read before; --refresh begins anew"
            )),
        })
    }

    /// The file stands: what was read for it alone is not needed any more.
    pub(super) fn done(&self) -> Result<()> {
        match self.lasts {
            true => Ok(()),
            false => Replica::delete(&self.path),
        }
    }
}

/// Deletes what was read of these tenants, and returns what was deleted, and what another command holds. A replica of which
/// nobody can tell whose it is goes too: it is read again when it is needed.
///
/// # Errors
/// When one cannot be deleted.
pub(in crate::cli) fn forget(
    state: &StateFolder,
    tenants: &BTreeSet<String>,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut deleted, mut held) = (Vec::new(), Vec::new());
    let folder = state.path().join("replica");
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path
            .extension()
            .is_none_or(|extension| extension != "sqlite")
        {
            continue;
        }
        let Ok(_lock) = RunLock::take_replica(state.path(), &name) else {
            held.push(path);
            continue;
        };
        let tenant = Replica::open(&path).and_then(|replica| replica.fact(TENANT));
        if tenant.is_ok_and(|of| of.is_some_and(|of| !tenants.contains(&of))) {
            continue;
        }
        Replica::delete(&path)?;
        deleted.push(path);
    }
    Ok((deleted, held))
}

/// Deletes what exports have left that nobody went on with.
fn forget_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_left = name.to_string_lossy().starts_with("export-");
        let changed = entry.metadata().and_then(|meta| meta.modified());
        let is_old = changed.is_ok_and(|at| {
            SystemTime::now()
                .duration_since(at)
                .is_ok_and(|age| age > FORGOTTEN)
        });
        if is_left && is_old {
            // A file that cannot be deleted is tried again the next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
