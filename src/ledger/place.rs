//! Where a ledger may be: on a disk of this computer. A synced folder copies it to other computers in the middle of a run,
//! and on a network folder the locks of two computers may not see each other.

use std::path::{Component, Path, Prefix};

/// Folders that a sync client keeps the same on several computers, by the beginning of their names.
const SYNCED: [(&str, &str); 8] = [
    ("onedrive", "OneDrive"),
    ("dropbox", "Dropbox"),
    ("google drive", "Google Drive"),
    ("googledrive", "Google Drive"),
    ("icloud", "iCloud"),
    ("mobile documents", "iCloud"),
    ("nextcloud", "Nextcloud"),
    ("box sync", "Box"),
];

/// Kinds of file systems that are on another computer, as Linux names them.
const REMOTE: [&str; 11] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "9p",
    "ceph",
    "glusterfs",
    "fuse.sshfs",
    "davfs",
];

/// Why a folder is none for a ledger, for people; `None`: nothing is against it.
pub(crate) fn objection(folder: &Path) -> Option<String> {
    let whole = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mounts = match cfg!(target_os = "linux") {
        true => std::fs::read_to_string("/proc/self/mounts").unwrap_or_default(),
        false => String::new(),
    };
    synced(&whole)
        .map(|service| format!("it is in a folder that {service} syncs"))
        .or_else(|| {
            remote(&whole, &mounts).map(|kind| format!("it is on a network folder ({kind})"))
        })
}

fn synced(folder: &Path) -> Option<&'static str> {
    folder.components().find_map(|part| {
        let Component::Normal(name) = part else {
            return None;
        };
        let name = name.to_string_lossy().to_lowercase();
        let found = SYNCED.iter().find(|(begin, _)| {
            name.strip_prefix(begin)
                // `OneDrive - District`, but not `onedriver`.
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        });
        found.map(|(_, service)| *service)
    })
}

fn remote(folder: &Path, mounts: &str) -> Option<String> {
    if let Some(Component::Prefix(prefix)) = folder.components().next()
        && matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
    {
        return Some("a share of Windows".to_owned());
    }
    // The longest mount point that the folder is below; of two at one place the later counts.
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(place), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        // Spaces are written as `\040`.
        let place = place.replace("\\040", " ");
        if folder.starts_with(&place) && best.is_none_or(|(length, _)| place.len() >= length) {
            best = Some((place.len(), kind));
        }
    }
    let kind = best?.1;
    REMOTE.contains(&kind).then(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_folders_are_known_by_their_names() {
        for (folder, expected) in [
            ("/home/ann/.local/state/deskferry", None),
            ("/home/ann/OneDrive - District/deskferry", Some("OneDrive")),
            (
                "/Users/ann/Library/Mobile Documents/com~apple/state",
                Some("iCloud"),
            ),
            ("/home/ann/onedriver/state", None),
            ("/home/ann/Dropbox/state", Some("Dropbox")),
        ] {
            assert_eq!(synced(Path::new(folder)), expected, "{folder}");
        }
    }

    #[test]
    fn network_folders_are_known_by_their_mount() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/sdb1 /home/ann/local\\040disk ext4 rw 0 0\n";
        let kind = |folder: &str| remote(Path::new(folder), mounts);
        assert_eq!(kind("/var/lib/deskferry"), None);
        assert_eq!(kind("/home/ann/state").as_deref(), Some("nfs4"));
        assert_eq!(kind("/home/ann/local disk/state"), None);
        assert_eq!(kind("/homes/state"), None);
    }

    #[test]
    #[cfg(windows)]
    fn a_share_is_a_network_folder() {
        assert!(remote(Path::new(r"\\server\share\deskferry"), "").is_some());
        assert!(remote(Path::new(r"C:\deskferry"), "").is_none());
    }
}
