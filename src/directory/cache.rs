//! Snapshots in the state folder, and snapshots as files that people keep.
//!
//! Written whole or not at all, readable by their owner only: they hold names and e-mail addresses.

use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Snapshot;
use crate::error::{Error, Result};
use crate::infile;
use crate::outfile::{self, Placed, Readers};
use crate::systems::SystemName;

/// The folder below the state folder.
const FOLDER: &str = "directory";

/// What the cache holds for a tenant.
#[derive(Debug, Clone, PartialEq)]
pub enum Cached {
    /// Nothing yet.
    Absent,
    /// A snapshot; how old it is, `pulled_at` says, and `dialect` in which spelling its ids are.
    Found(Box<Snapshot>),
    /// A file that is no snapshot of this tenant: why. It is to be told and pulled anew.
    Unusable(String),
}

/// The cached snapshot of a tenant.
///
/// # Errors
/// When the file is there and the machine does not let us read it.
pub fn load_cached(state: &Path, system: SystemName, tenant: &str) -> Result<Cached> {
    let path = path(state, system, tenant);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(Cached::Absent),
        Err(error) => {
            return Err(Error::machine("the cached directory cannot be read")
                .at(path.display())
                .caused_by(error));
        }
    };
    Ok(match parse(&bytes) {
        Ok(snapshot) if snapshot.system == system && snapshot.tenant == tenant => {
            Cached::Found(Box::new(snapshot))
        }
        Ok(_) => Cached::Unusable("the cached directory is another tenant's".to_owned()),
        Err(Unfit::Version(version)) => Cached::Unusable(format!(
            "the cached directory has the form {version}, this program reads {}",
            Snapshot::VERSION
        )),
        Err(Unfit::Broken(reason)) => {
            Cached::Unusable(format!("the cached directory is damaged ({reason})"))
        }
    })
}

/// Keeps a snapshot in the cache; where, is returned.
///
/// # Errors
/// When it cannot be written.
pub fn store(state: &Path, snapshot: &Snapshot) -> Result<PathBuf> {
    let path = path(state, snapshot.system, &snapshot.tenant);
    let folder = path.parent().unwrap_or(state);
    make_private(folder).map_err(|error| {
        Error::machine("the state folder cannot be written")
            .at(folder.display())
            .caused_by(error)
            .hint("give it write permission, or choose another folder by --state")
    })?;
    outfile::replace(&path, &bytes(snapshot), Readers::Owner)
        .map_err(|error| unwritten(&path, error))?;
    Ok(path)
}

/// Deletes the cached snapshot of a tenant; where it was, if there was one.
///
/// # Errors
/// When it cannot be deleted.
pub fn forget(state: &Path, system: SystemName, tenant: &str) -> Result<Option<PathBuf>> {
    let path = path(state, system, tenant);
    match fs::remove_file(&path) {
        Ok(()) => Ok(Some(path)),
        Err(error) if error.kind() == IoKind::NotFound => Ok(None),
        Err(error) => Err(Error::machine("the cached directory cannot be deleted")
            .at(path.display())
            .caused_by(error)),
    }
}

/// Reads a snapshot that somebody keeps as a file.
///
/// # Errors
/// When there is none, or it is none that this program reads.
pub fn read_snapshot(path: &Path) -> Result<Snapshot> {
    let bytes = infile::read(path, infile::MOST_SNAPSHOT).map_err(|error| {
        Error::input("the directory snapshot cannot be read")
            .at(path.display())
            .caused_by(error)
            .hint("`deskferry directory pull -o FILE` writes one")
    })?;
    parse(&bytes).map_err(|unfit| match unfit {
        Unfit::Version(version) => Error::input(format!(
            "the snapshot has the form {version}, this program reads {}",
            Snapshot::VERSION
        ))
        .at(path.display())
        .hint("pull it again with this program: `deskferry directory pull -o FILE`"),
        Unfit::Broken(reason) => Error::input(format!("this is no directory snapshot: {reason}"))
            .at(path.display())
            .hint("`deskferry directory pull -o FILE` writes one"),
    })
}

/// Writes a snapshot to a file that somebody keeps: where a program has that open, under the next free name.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_snapshot(path: &Path, snapshot: &Snapshot, readers: Readers) -> Result<Placed> {
    outfile::put(path, &bytes(snapshot), readers).map_err(|error| unwritten(path, error))
}

/// Why bytes are no snapshot.
enum Unfit {
    Version(u64),
    Broken(String),
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

fn parse(bytes: &[u8]) -> Result<Snapshot, Unfit> {
    let broken = |error: serde_json::Error| Unfit::Broken(error.to_string());
    // The version first: another form fails in ways that say nothing.
    let versioned: Versioned = serde_json::from_slice(bytes).map_err(broken)?;
    let known = [Snapshot::VERSION, Snapshot::PARTIAL].map(u64::from);
    if !known.contains(&versioned.version) {
        return Err(Unfit::Version(versioned.version));
    }
    serde_json::from_slice(bytes).map_err(broken)
}

fn bytes(snapshot: &Snapshot) -> Vec<u8> {
    serde_json::to_vec_pretty(snapshot).expect("a snapshot is always written as JSON")
}

fn unwritten(path: &Path, error: std::io::Error) -> Error {
    Error::machine("the directory snapshot cannot be written")
        .at(path.display())
        .caused_by(error)
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn path(state: &Path, system: SystemName, tenant: &str) -> PathBuf {
    state
        .join(FOLDER)
        .join(format!("{system}-{}.json", file_name(tenant)))
}

/// A tenant's name as every file system takes it; what had to be changed is told apart by its hash.
fn file_name(tenant: &str) -> String {
    const MOST: usize = 60;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !tenant.is_empty() && tenant.len() <= MOST && tenant.chars().all(is_plain) {
        return tenant.to_owned();
    }
    let plain: String = tenant
        .chars()
        .take(MOST)
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let hash = blake3::hash(tenant.as_bytes()).to_hex();
    format!("{plain}.{}", &hash[..12])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::directory::{Entry, Kind, Listing, Needs};
    use crate::systems::Dialect;

    fn snapshot(tenant: &str) -> Snapshot {
        let listing = Listing {
            entries: vec![Entry {
                id: "l-1".into(),
                name: "Lincoln High School".into(),
                ..Entry::default()
            }],
            total: Some(1),
            ..Listing::default()
        };
        Snapshot {
            version: Snapshot::VERSION,
            system: SystemName::IncidentIq,
            dialect: Dialect::Only,
            tenant: tenant.into(),
            pulled_at: "2024-06-21T22:43:00Z".parse().unwrap(),
            kinds: BTreeMap::from([(Kind::Location, listing)]),
            custom_fields: Vec::new(),
            custom_fields_note: None,
            holds: Needs::ALL,
            constants: BTreeMap::new(),
        }
    }

    fn cached(state: &Path, tenant: &str) -> Cached {
        load_cached(state, SystemName::IncidentIq, tenant).unwrap()
    }

    #[test]
    fn what_is_stored_is_found_by_its_tenant_alone() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(cached(state.path(), "Acme/1"), Cached::Absent);
        let path = store(state.path(), &snapshot("Acme/1")).unwrap();
        store(state.path(), &snapshot("Acme/1")).unwrap();
        assert_eq!(
            cached(state.path(), "Acme/1"),
            Cached::Found(Box::new(snapshot("Acme/1")))
        );
        assert_eq!(cached(state.path(), "acme/1"), Cached::Absent);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
        }
    }

    /// The next command asks for it again: what refused it may have been a proxy, and rights are given.
    #[test]
    fn what_could_not_be_read_is_not_kept() {
        let mut part = snapshot("t");
        let unread = Listing::unread("the token has no right to read it");
        part.kinds.insert(Kind::Location, unread);
        part.custom_fields_note = Some("the token has no right to read them".to_owned());
        let kept = part.without_failed();
        assert!(!kept.holds.has(Kind::Location) && kept.holds.has(Kind::Issue));
        assert!(!kept.kinds.contains_key(&Kind::Location));
        assert!(!kept.holds.has_custom_fields() && kept.custom_fields_note.is_none());
    }

    #[test]
    fn a_part_is_kept_as_one_and_completed_later() {
        let state = tempfile::tempdir().unwrap();
        let part = snapshot("t").only(Needs::kind(Kind::Location));
        let path = store(state.path(), &part).unwrap();
        // An earlier program takes every snapshot of its own form for a whole one.
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"version\": 2"), "{text}");
        let Cached::Found(found) = cached(state.path(), "t") else {
            panic!("it is not found");
        };
        assert_eq!(*found, part);
        let rest = Needs::ALL.without(Needs::kind(Kind::Location));
        let whole = found.with(snapshot("t").only(rest));
        assert_eq!(whole, snapshot("t"));
        store(state.path(), &whole).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("\"version\": 1") && !text.contains("holds"),
            "{text}"
        );
    }

    #[test]
    fn a_damaged_cache_is_told_and_not_fatal() {
        let state = tempfile::tempdir().unwrap();
        let path = store(state.path(), &snapshot("t")).unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(
            matches!(cached(state.path(), "t"), Cached::Unusable(why) if why.contains("damaged"))
        );
        fs::write(&path, r#"{"version": 99, "kinds": 7}"#).unwrap();
        assert!(matches!(cached(state.path(), "t"), Cached::Unusable(why) if why.contains("99")));
        fs::write(&path, serde_json::to_vec(&snapshot("other")).unwrap()).unwrap();
        assert!(
            matches!(cached(state.path(), "t"), Cached::Unusable(why) if why.contains("another"))
        );
    }

    #[test]
    fn snapshot_files_say_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("district.json");
        write_snapshot(&path, &snapshot("t"), Readers::default()).unwrap();
        assert_eq!(read_snapshot(&path).unwrap(), snapshot("t"));
        fs::write(&path, "Name,Id\n").unwrap();
        let error = read_snapshot(&path).unwrap_err();
        assert!(error.to_string().contains("no directory snapshot"));
        assert!(!error.hints().is_empty());
    }

    proptest! {
        #[test]
        fn file_names_are_safe_and_differ(a in ".{0,80}", b in ".{0,80}") {
            let (name, other) = (file_name(&a), file_name(&b));
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)));
            prop_assert!(!name.is_empty() && name.len() < 100);
            prop_assert_eq!(a == b, name == other);
        }
    }
}
