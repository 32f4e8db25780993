//! One run at a time per tenant and token, and per scope whatever the token: a file lock of the operating system, which dies with its process.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::{Error, Result};

/// The right to send to a tenant; given back when dropped, or when the process dies.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock in the folder `locks` of the state folder. `token` is only hashed into the file's name.
    ///
    /// # Errors
    /// When another run holds it, and when the folder cannot be written.
    pub fn take(state: &Path, system: &str, tenant: &str, token: &str) -> Result<Self> {
        Self::take_named(state, &[system, tenant, token], || {
            format!("another run is sending to `{tenant}` with the same token")
        })
    }

    /// Takes the lock of a scope: two tokens, or one that is named in two ways, must not send the same rows.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_scope(state: &Path, system: &str, tenant: &str, scope: &str) -> Result<Self> {
        Self::take_named(state, &["scope", system, tenant, scope], || {
            format!("another run is sending rows of the scope `{scope}` to `{tenant}`")
        })
    }

    /// Takes the lock of a replica: two exports must not write one. `file` is its name.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_replica(state: &Path, file: &str) -> Result<Self> {
        Self::take_named(state, &["replica", file], || {
            "another export of the same is under way".to_owned()
        })
    }

    fn take_named(state: &Path, parts: &[&str], held: impl FnOnce() -> String) -> Result<Self> {
        let folder = state.join("locks");
        super::open::private_folder(&folder)?;
        let mut hash = blake3::Hasher::new_derive_key("deskferry 2024 run lock");
        for part in parts {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let name = &hash.finalize().to_hex()[..32];
        let path = folder.join(format!("{name}.lock"));
        let file = super::open::private_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::usage(held())
                .hint("wait until it has ended, or stop it with Ctrl-C; it can be resumed")),
            Err(TryLockError::Error(error)) => Err(Error::machine("cannot lock the state folder")
                .at(path.display())
                .hint("choose a folder on a local disk with `--state DIR`")
                .caused_by(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
