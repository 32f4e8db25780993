//! Who can read a file that is written.

use std::fs::File;
use std::io;
use std::path::Path;

/// Who can read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whom the user lets read new files; one that is there keeps its rights. For what holds nobody's data: mappings,
    /// manual pages.
    AsUsual,
    /// Its owner, whatever was there: what is in the state folder.
    Owner,
    /// It holds people's data: these rights, else those of the file that is there, else its owner only.
    People(Option<u32>),
}

impl Default for Readers {
    fn default() -> Self {
        Self::People(None)
    }
}

/// Rights as people type them: `640`.
///
/// # Errors
/// A message for the user when they are none, or take the file from its owner.
pub(crate) fn parse_mode(text: &str) -> Result<u32, String> {
    if !cfg!(unix) {
        return Err("this system has no such rights: set them on the folder".to_owned());
    }
    let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| format!("`{text}` is no mode, write three octal digits such as 640"))?;
    match mode & 0o600 == 0o600 {
        true => Ok(mode),
        false => Err(format!(
            "`{text}` lets you not read and write the file yourself, write 600 or more"
        )),
    }
}

impl Readers {
    /// Gives a file that is about to take a name the rights that it is to have there.
    ///
    /// # Errors
    /// When the rights cannot be set: better no file than one that others can read.
    #[cfg(unix)]
    pub(super) fn settle(self, from: &Path, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let there = std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file);
        let mode = match (self, there) {
            (Self::Owner, _) | (Self::AsUsual, None) | (Self::People(None), None) => return Ok(()),
            (Self::People(Some(mode)), _) => mode,
            (Self::AsUsual | Self::People(None), Some(there)) => shared(from, &there)?,
        };
        std::fs::set_permissions(from, std::fs::Permissions::from_mode(mode))
    }

    // Windows: a file has the rights of its folder.
    #[cfg(not(unix))]
    pub(super) fn settle(self, _from: &Path, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    /// The rights of a file, for its copy.
    pub(crate) fn of(file: &File) -> Self {
        #[cfg(unix)]
        if let Ok(meta) = file.metadata() {
            use std::os::unix::fs::MetadataExt;
            return Self::People(Some(meta.mode() & 0o777));
        }
        let _ = file;
        Self::People(None)
    }
}

/// The rights of a file, for another one that is to be read by the same people. It gets the file's group where we may give it
/// away.
#[cfg(unix)]
fn shared(from: &Path, there: &std::fs::Metadata) -> io::Result<u32> {
    use std::os::unix::fs::{MetadataExt, chown};
    let mode = there.mode() & 0o777;
    let is_same_group = std::fs::metadata(from)?.gid() == there.gid();
    // What its group could read is not for another group.
    Ok(
        match is_same_group || chown(from, None, Some(there.gid())).is_ok() {
            true => mode,
            false => mode & !0o070,
        },
    )
}

/// Lets a file be read by those who can read the one that it belongs to.
///
/// # Errors
/// When the rights cannot be set.
#[cfg(unix)]
pub(crate) fn share_as(path: &Path, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = shared(path, &std::fs::metadata(like)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

// Windows: a file has the rights of its folder.
#[cfg(not(unix))]
pub(crate) fn share_as(_path: &Path, _like: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a folder for what belongs to a file, unless it is there: who can read the file can look into it.
///
/// # Errors
/// When it cannot be made, or its rights cannot be set.
pub(crate) fn folder_for(folder: &Path, file: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = shared(folder, &std::fs::metadata(file)?)? & 0o044;
        // To read in a folder is to enter it too.
        let mode = 0o700 | readable | (readable >> 2);
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::{create, replace};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path)
            .expect("the file is there")
            .permissions()
            .mode()
            & 0o777
    }

    #[test]
    fn peoples_data_is_its_owners_unless_a_mode_or_the_file_there_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        replace(&at("new.csv"), b"x", Readers::People(None)).unwrap();
        create(&at("made.csv"), b"x", Readers::People(None)).unwrap();
        assert_eq!(
            (mode(&at("new.csv")), mode(&at("made.csv"))),
            (0o600, 0o600)
        );
        replace(&at("told.csv"), b"x", Readers::People(Some(0o640))).unwrap();
        create(&at("told-2.csv"), b"x", Readers::People(Some(0o644))).unwrap();
        assert_eq!(
            (mode(&at("told.csv")), mode(&at("told-2.csv"))),
            (0o640, 0o644)
        );
        fs::set_permissions(at("new.csv"), fs::Permissions::from_mode(0o664)).unwrap();
        replace(&at("new.csv"), b"y", Readers::People(None)).unwrap();
        assert_eq!(mode(&at("new.csv")), 0o664);
        replace(&at("new.csv"), b"y", Readers::People(Some(0o600))).unwrap();
        assert_eq!(mode(&at("new.csv")), 0o600);
        // State is nobody else's, whatever was there.
        fs::set_permissions(at("new.csv"), fs::Permissions::from_mode(0o664)).unwrap();
        replace(&at("new.csv"), b"y", Readers::Owner).unwrap();
        assert_eq!(mode(&at("new.csv")), 0o600);
        // A mapping or a page that somebody made executable or private stays so.
        fs::set_permissions(at("made.csv"), fs::Permissions::from_mode(0o640)).unwrap();
        replace(&at("made.csv"), b"y", Readers::AsUsual).unwrap();
        assert_eq!(mode(&at("made.csv")), 0o640);
    }

    #[test]
    fn what_belongs_to_a_file_is_read_by_who_reads_the_file() {
        let home = tempfile::tempdir().unwrap();
        for (of_file, of_folder) in [(0o600, 0o700), (0o640, 0o750), (0o664, 0o755)] {
            let file = home.path().join(format!("{of_file:o}.xlsx"));
            let folder = home.path().join(format!("{of_file:o}.texts"));
            replace(&file, b"x", Readers::People(Some(of_file))).unwrap();
            folder_for(&folder, &file).unwrap();
            assert_eq!(mode(&folder), of_folder, "{of_file:o}");
            let text = folder.join("row-1.txt");
            replace(&text, b"x", Readers::default()).unwrap();
            share_as(&text, &file).unwrap();
            assert_eq!(mode(&text), of_file);
        }
        // A folder that is there is somebody's.
        let folder = home.path().join("640.texts");
        folder_for(&folder, &home.path().join("600.xlsx")).unwrap();
        assert_eq!(mode(&folder), 0o750);
    }

    #[test]
    fn modes_are_octal_and_leave_the_file_to_its_owner() {
        assert_eq!(parse_mode("640"), Ok(0o640));
        assert_eq!(parse_mode("0o600"), Ok(0o600));
        for wrong in ["", "rw", "888", "1777", "440", "-1"] {
            assert!(parse_mode(wrong).is_err(), "{wrong}");
        }
    }
}
