//! One run at a time per tenant and token, and per scope whatever the token: a file lock of the operating system, which dies with its process.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Ledger, Scope};
use crate::error::{Error, Result};

/// A lock in the folder `locks` of the state folder; given back when dropped, or when the process dies.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// What says that another run holds the tenant with the token.
fn tenant_held(tenant: &str) -> String {
    format!("another run is sending to `{tenant}` with the same token")
}

/// What says that another run holds the scope.
fn scope_held(tenant: &str, scope: &str) -> String {
    format!("another run is sending rows of the scope `{scope}` to `{tenant}`")
}

impl RunLock {
    /// Takes the lock of a tenant and token. `token` is only hashed into the file's name.
    fn take(state: &Path, system: &str, tenant: &str, token: &str) -> Result<Self> {
        Self::take_named(state, &[system, tenant, token], || tenant_held(tenant))
    }

    /// Takes the lock of a scope: two tokens, or one that is named in two ways, must not send the same rows.
    fn take_scope(state: &Path, system: &str, tenant: &str, scope: &str) -> Result<Self> {
        Self::take_named(state, &["scope", system, tenant, scope], || {
            scope_held(tenant, scope)
        })
    }

    /// Takes the lock of a replica: two exports must not write one. `file` is its name.
    ///
    /// # Errors
    /// When another export holds it, and when the folder cannot be written.
    pub fn take_replica(state: &Path, file: &str) -> Result<Self> {
        Self::take_named(state, &["replica", file], || {
            "another export of the same is under way".to_owned()
        })
    }

    fn take_named(state: &Path, parts: &[&str], held: impl FnOnce() -> String) -> Result<Self> {
        let path = file_of(state, parts);
        super::open::private_folder(crate::outfile::folder(&path))?;
        let file = super::open::private_file(&path)?;
        let mut glances = GLANCES.iter();
        loop {
            match (file.try_lock(), glances.next()) {
                (Ok(()), _) => return Ok(Self { _file: file }),
                (Err(TryLockError::WouldBlock), Some(pause)) => std::thread::sleep(*pause),
                (Err(TryLockError::WouldBlock), None) => return Err(busy(held())),
                (Err(TryLockError::Error(error)), _) => {
                    return Err(Error::machine("cannot lock the state folder")
                        .at(path.display())
                        .hint("choose a folder on a local disk with `--state DIR`")
                        .caused_by(error));
                }
            }
        }
    }
}

/// Whoever only looks whether a lock is held has it for a moment: so long it is tried again.
const GLANCES: [Duration; 3] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
];

fn file_of(state: &Path, parts: &[&str]) -> PathBuf {
    let mut hash = blake3::Hasher::new_derive_key("deskferry 2024 run lock");
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let name = &hash.finalize().to_hex()[..32];
    state.join("locks").join(format!("{name}.lock"))
}

/// Whether some process holds a lock; `None`: that cannot be found out here. Nothing is made.
fn is_held(path: &Path) -> Option<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    match file.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Whether some process holds the lock of a scope, by system, tenant and name.
pub(super) fn is_scope_held(state: &Path, [system, tenant, scope]: &[String; 3]) -> bool {
    is_held(&file_of(state, &["scope", system, tenant, scope])) == Some(true)
}

fn busy(what: String) -> Error {
    Error::usage(what).hint("wait until it has ended, or stop it with Ctrl-C; it can be resumed")
}

/// What the runs of a ledger in memory hold: nobody else can see it.
pub(super) type Held = Arc<Mutex<HashSet<String>>>;

/// A name that is held in memory.
#[derive(Debug)]
struct HeldName {
    name: String,
    held: Held,
}

impl HeldName {
    fn take(held: &Held, name: String, told: impl FnOnce() -> String) -> Result<Self> {
        let is_new = (held.lock().unwrap_or_else(PoisonError::into_inner)).insert(name.clone());
        match is_new {
            true => Ok(Self {
                name,
                held: Arc::clone(held),
            }),
            false => Err(busy(told())),
        }
    }
}

impl Drop for HeldName {
    fn drop(&mut self) {
        (self.held.lock().unwrap_or_else(PoisonError::into_inner)).remove(&self.name);
    }
}

/// The right to change what a ledger knows of one scope, and with a token the right to send to its tenant. Only
/// [`Scope::lock`] and [`Ledger::lock`] give it; all that writes demands it. It is given back with its last clone, or
/// when the process dies.
#[derive(Debug, Clone)]
pub struct RunLocks {
    /// System, tenant, scope.
    names: [String; 3],
    /// The folder of the ledger; `None` for one in memory.
    folder: Option<PathBuf>,
    _files: Arc<Vec<RunLock>>,
    _names: Arc<Vec<HeldName>>,
}

impl RunLocks {
    /// Makes sure that these are the locks of a scope.
    pub(super) fn are_for(&self, scope: &Scope) -> Result<()> {
        self.match_names(&scope.names, scope.ledger.folder().as_deref())
    }

    pub(super) fn match_names(&self, names: &[String; 3], folder: Option<&Path>) -> Result<()> {
        match self.names == *names && self.folder.as_deref() == folder {
            true => Ok(()),
            false => Err(Error::usage(format!(
                "the locks are those of the scope `{}` of `{}`, not of `{}` of `{}` in this ledger",
                self.names[2], self.names[1], names[2], names[1]
            ))),
        }
    }
}

/// The name of this computer; empty where it has none.
pub(super) fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

impl Ledger {
    /// Whether some process holds the lock of a scope: a run of it is under way on this computer. `None`: the folder knows no
    /// locks.
    pub(super) fn is_locked(&self, system: &str, tenant: &str, scope: &str) -> Option<bool> {
        let Some(folder) = self.folder() else {
            return Some(true);
        };
        is_held(&file_of(&folder, &["scope", system, tenant, scope]))
    }

    /// Takes the lock of a scope, and with the name of a token that of the tenant: whoever sends needs both.
    ///
    /// # Errors
    /// When another run holds one of them, and when the state folder cannot be written.
    pub fn lock(
        &self,
        system: &str,
        tenant: &str,
        scope: &str,
        token: Option<&str>,
    ) -> Result<RunLocks> {
        let folder = self.folder();
        let (mut files, mut names) = (Vec::new(), Vec::new());
        match &folder {
            Some(folder) => {
                if let Some(token) = token {
                    files.push(RunLock::take(folder, system, tenant, token)?);
                }
                files.push(RunLock::take_scope(folder, system, tenant, scope)?);
            }
            None => {
                if let Some(token) = token {
                    let name = format!("token\n{system}\n{tenant}\n{token}");
                    names.push(HeldName::take(&self.held, name, || tenant_held(tenant))?);
                }
                let name = format!("scope\n{system}\n{tenant}\n{scope}");
                names.push(HeldName::take(&self.held, name, || {
                    scope_held(tenant, scope)
                })?);
            }
        }
        Ok(RunLocks {
            names: [system, tenant, scope].map(str::to_owned),
            folder,
            _files: Arc::new(files),
            _names: Arc::new(names),
        })
    }
}

impl Scope {
    /// Locks that hold nothing: those of a computer whose locks do not reach here.
    #[cfg(test)]
    pub(crate) fn unheld(&self) -> RunLocks {
        RunLocks {
            names: self.names.clone(),
            folder: self.ledger.folder(),
            _files: Arc::default(),
            _names: Arc::default(),
        }
    }

    /// Takes the locks of this scope; see [`Ledger::lock`].
    ///
    /// # Errors
    /// As [`Ledger::lock`].
    pub fn lock(&self, token: Option<&str>) -> Result<RunLocks> {
        let [system, tenant, scope] = &self.names;
        self.ledger.lock(system, tenant, scope, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_of_another_scope_or_ledger_are_none() {
        let ledger = Ledger::in_memory().unwrap();
        let locks = ledger
            .lock("clearfeed", "acme", "s", Some("token"))
            .unwrap();
        assert!(ledger.lock("clearfeed", "acme", "s", None).is_err());
        assert!(
            ledger
                .lock("clearfeed", "acme", "t", Some("token"))
                .is_err()
        );
        let names = |scope: &str| ["clearfeed", "acme", scope].map(str::to_owned);
        locks.match_names(&names("s"), None).unwrap();
        assert!(locks.match_names(&names("t"), None).is_err());
        assert!(
            locks
                .match_names(&names("s"), Some(Path::new("elsewhere")))
                .is_err()
        );
        let clone = locks.clone();
        drop(locks);
        assert!(ledger.lock("clearfeed", "acme", "s", None).is_err());
        drop(clone);
        ledger.lock("clearfeed", "acme", "s", None).unwrap();
    }

    #[test]
    fn a_look_at_a_lock_makes_nothing_and_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let take = || RunLock::take_scope(folder.path(), "clearfeed", "acme", "s");
        let path = file_of(folder.path(), &["scope", "clearfeed", "acme", "s"]);
        assert_eq!(is_held(&path), Some(false));
        assert!(!folder.path().join("locks").exists());
        let lock = take().unwrap();
        assert_eq!(is_held(&path), Some(true));
        drop(lock);
        assert_eq!(is_held(&path), Some(false));
        // Somebody looks at the moment at which a run begins.
        let look = File::open(&path).unwrap();
        look.lock_shared().unwrap();
        let looking = std::thread::spawn(move || {
            std::thread::sleep(GLANCES[0]);
            drop(look);
        });
        drop(take().unwrap());
        looking.join().unwrap();
    }

    #[test]
    fn a_scope_is_sent_by_one_run_whatever_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let _token = RunLock::take(folder.path(), "clearfeed", "acme", "one").unwrap();
        let _first = RunLock::take_scope(folder.path(), "clearfeed", "acme", "s").unwrap();
        let _other = RunLock::take(folder.path(), "clearfeed", "acme", "two").unwrap();
        assert!(RunLock::take_scope(folder.path(), "clearfeed", "acme", "s").is_err());
        let _further = RunLock::take_scope(folder.path(), "clearfeed", "acme", "t").unwrap();
    }

    #[test]
    fn a_second_run_on_the_same_tenant_and_token_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::take(folder.path(), "clearfeed", "acme", "secret").unwrap();
        let error = RunLock::take(folder.path(), "clearfeed", "acme", "secret").unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
        assert!(!error.to_string().contains("secret"));
        let _other = RunLock::take(folder.path(), "clearfeed", "acme", "other").unwrap();
        drop(first);
        RunLock::take(folder.path(), "clearfeed", "acme", "secret").unwrap();
    }
}
