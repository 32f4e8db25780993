//! Files that people open: written beside under another name, renamed when they are whole, never over one that a
//! spreadsheet program has open.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How many names are tried.
const MOST: u32 = 1000;

/// A temporary file in a folder, with the rights that a new file of the user has.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile<File>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".deskferry-");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666))
    };
    builder.tempfile_in(folder)
}

/// The folder of a path.
pub(crate) fn folder(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// The mark that a spreadsheet program leaves beside a file that it has open.
pub(crate) fn lock_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    // Excel cuts the first two characters of long names off for its own file.
    let cut: String = name.chars().skip(2).collect();
    [
        format!(".~lock.{name}#"),
        format!("~${name}"),
        format!("~${cut}"),
    ]
    .iter()
    .map(|lock| path.with_file_name(lock))
    .find(|lock| lock.exists())
}

/// The names that a file may have instead: `tickets-2.xlsx`, `tickets-3.xlsx`, …
pub(crate) fn next_names(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    let part =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = part(path.file_stem()).unwrap_or_default();
    let extension = part(path.extension()).map(|extension| format!(".{extension}"));
    let extension = extension.unwrap_or_default();
    (2..MOST).map(move |number| path.with_file_name(format!("{stem}-{number}{extension}")))
}
