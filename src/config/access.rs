//! Who can write a configuration that was found: it must be ours or root's, and nobody else may be able to change it,
//! replace it, or move one of its folders away.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Whether this platform's rights are checked. Windows keeps them in access lists, which need calls that are not safe Rust.
pub const IS_CHECKED: bool = cfg!(unix);

/// Refuses a file that others can change. `file` is the open file itself, so that nobody can exchange it meanwhile.
///
/// # Errors
/// A usage error that names the file or folder, and what to do.
pub(super) fn check(file: &File, path: &Path) -> Result<()> {
    if !IS_CHECKED {
        return Ok(());
    }
    let unknown = |error: io::Error| {
        Error::usage("who can change the configuration cannot be told")
            .at(path.display())
            .caused_by(error)
    };
    let whole = std::path::absolute(path).map_err(unknown)?;
    let real = std::fs::canonicalize(path).map_err(unknown)?;
    let meta = file.metadata().map_err(unknown)?;
    let me = Me::new();
    refuse(&real, &real, &meta, &me)?;
    // A link leads somewhere else for whoever can change the folder that it is in.
    let mut folders: Vec<PathBuf> = Vec::new();
    for start in [&whole, &real] {
        for folder in start.ancestors().skip(1) {
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
    }
    for folder in folders {
        let meta = std::fs::metadata(&folder).map_err(unknown)?;
        refuse(&real, &folder, &meta, &me)?;
    }
    Ok(())
}

fn refuse(file: &Path, part: &Path, meta: &Metadata, me: &Me) -> Result<()> {
    let Some(why) = me.distrusts(meta) else {
        return Ok(());
    };
    let what = match part == file {
        true => "the configuration".to_owned(),
        false => format!("its folder `{}`", part.display()),
    };
    let remedy = match why {
        Why::Owner => format!(
            "move the file to a folder of yours: `{}` may be written by its owner",
            part.display()
        ),
        Why::Group => format!("take the right away: chmod g-w {}", quoted(part)),
        Why::World => format!("take the right away: chmod o-w {}", quoted(part)),
    };
    Err(Error::usage(format!(
        "the configuration was found but not read: {what} {}",
        match why {
            Why::Owner => "belongs to another user",
            Why::Group => "can be changed by other members of its group",
            Why::World => "can be changed by every user of this computer",
        }
    ))
    .at(file.display())
    .hint(remedy)
    .hint(format!(
        "or, if you trust what it says now, name it: --config {}",
        quoted(file)
    )))
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ':' | '\\'));
    match is_plain {
        true => text,
        false => format!("'{text}'"),
    }
}

/// Why a file or folder is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "Windows has no such rights"))]
enum Why {
    Owner,
    Group,
    World,
}

/// As whom this process reads.
#[cfg(unix)]
struct Me {
    user: u32,
    /// The group that only this user is in, as many systems make one for each user.
    own_group: Option<u32>,
}

#[cfg(unix)]
impl Me {
    fn new() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            user,
            own_group: own_group(user, &read("/etc/passwd"), &read("/etc/group")),
        }
    }

    fn distrusts(&self, meta: &Metadata) -> Option<Why> {
        use std::os::unix::fs::MetadataExt;
        self.judge(meta.uid(), meta.gid(), meta.mode(), meta.is_dir())
    }

    /// In a folder with the sticky bit (`/tmp`) others make files, but neither rename nor remove ours.
    fn judge(&self, owner: u32, group: u32, mode: u32, is_folder: bool) -> Option<Why> {
        const STICKY: u32 = 0o1000;
        if owner != self.user && owner != 0 {
            return Some(Why::Owner);
        }
        if is_folder && mode & STICKY != 0 {
            return None;
        }
        if mode & 0o002 != 0 {
            return Some(Why::World);
        }
        // Who is in root's group can become root by other ways.
        let is_shared = group != 0 && self.own_group != Some(group);
        (mode & 0o020 != 0 && is_shared).then_some(Why::Group)
    }
}

/// The group of a user that has no other member, by the files of users and groups; what a directory server knows is not
/// asked, and such a group counts as shared.
#[cfg(unix)]
fn own_group(user: u32, users: &str, groups: &str) -> Option<u32> {
    let users: Vec<Vec<&str>> = users
        .lines()
        .map(|line| line.split(':').collect())
        .collect();
    let mine = users
        .iter()
        .find(|fields| fields.get(2).and_then(|id| id.parse().ok()) == Some(user))?;
    let (name, group) = (*mine.first()?, *mine.get(3)?);
    let is_alone = users
        .iter()
        .all(|fields| fields.get(3) != Some(&group) || fields.first() == Some(&name));
    let fields: Vec<&str> = groups
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&group))?;
    let members = fields.get(3).copied().unwrap_or_default();
    let has_others = members
        .split(',')
        .any(|member| !member.trim().is_empty() && member.trim() != name);
    match is_alone && !has_others {
        true => group.parse().ok(),
        false => None,
    }
}

#[cfg(not(unix))]
struct Me;

#[cfg(not(unix))]
impl Me {
    fn new() -> Self {
        Self
    }

    fn distrusts(&self, _meta: &Metadata) -> Option<Why> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    }

    #[test]
    fn what_others_can_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("deep");
        fs::create_dir(&deep).unwrap();
        set_mode(&deep, 0o755);
        let path = deep.join("deskferry.toml");
        fs::write(&path, "").unwrap();
        set_mode(&path, 0o644);
        let look = || check(&File::open(&path).unwrap(), &path);
        look().unwrap();
        for (part, mode, chmod) in [(&path, 0o646, "chmod o-w"), (&deep, 0o757, "chmod o-w")] {
            set_mode(part, mode);
            let error = look().unwrap_err();
            assert!(error.hints()[0].contains(chmod), "{error:?}");
            set_mode(part, mode & 0o755);
        }
        look().unwrap();
        // A link in a folder that others can change.
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        set_mode(&shared, 0o755);
        let link = shared.join("deskferry.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        check(&File::open(&link).unwrap(), &link).unwrap();
        set_mode(&shared, 0o777);
        let error = check(&File::open(&link).unwrap(), &link).unwrap_err();
        assert!(error.message().contains("its folder"), "{error}");
    }

    #[test]
    fn rights_are_judged_by_owner_group_and_sticky_bit() {
        let me = Me {
            user: 1000,
            own_group: Some(1000),
        };
        for (owner, group, mode, is_folder, expected) in [
            (1000, 1000, 0o100_664, false, None),
            (0, 0, 0o100_664, false, None),
            (1000, 100, 0o100_664, false, Some(Why::Group)),
            (1000, 100, 0o100_644, false, None),
            (1001, 1001, 0o100_600, false, Some(Why::Owner)),
            (0, 0, 0o041_777, true, None),
            (0, 0, 0o040_777, true, Some(Why::World)),
            (1000, 1000, 0o101_666, false, Some(Why::World)),
        ] {
            assert_eq!(
                me.judge(owner, group, mode, is_folder),
                expected,
                "{owner} {group} {mode:o}"
            );
        }
        // Root in somebody's folder runs nothing of theirs.
        let root = Me {
            user: 0,
            own_group: None,
        };
        assert_eq!(root.judge(1000, 1000, 0o100_600, false), Some(Why::Owner));
    }

    #[test]
    fn a_group_of_ones_own_has_no_other_member() {
        let users = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\n\
                     cat:x:1002:1002::/home/cat:/bin/sh\ndan:x:1003:100::/home/dan:/bin/sh\n";
        let groups = "root:x:0:\nusers:x:100:\nann:x:1000:ann\ncat:x:1002:cat,bob\n";
        assert_eq!(own_group(1000, users, groups), Some(1000));
        assert_eq!(own_group(1001, users, groups), None);
        assert_eq!(own_group(1002, users, groups), None);
        assert_eq!(own_group(4711, users, groups), None);
    }
}
