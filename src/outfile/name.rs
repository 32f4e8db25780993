//! Names: those that a file may have instead, and the marks of programs that have a file open.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How many names are tried.
const MOST: u32 = 1000;

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

fn parts(path: &Path) -> (String, String) {
    let part = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let stem = part(path.file_stem()).unwrap_or_default();
    let extension = part(path.extension()).map(|extension| format!(".{extension}"));
    (stem, extension.unwrap_or_default())
}

/// The names that a file may have instead: `tickets-2.xlsx`, `tickets-3.xlsx`, …
pub(crate) fn next_names(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    let (stem, extension) = parts(path);
    (2..MOST).map(move |number| path.with_file_name(format!("{stem}-{number}{extension}")))
}

/// The names under which a file steps aside: `tickets.2026-11-29.xlsx`, `tickets.2026-11-29-2.xlsx`, …
pub(crate) fn aside<'p>(
    path: &'p Path,
    now: &jiff::Zoned,
) -> impl Iterator<Item = PathBuf> + use<'p> {
    let (stem, extension) = parts(path);
    let day = now.strftime("%Y-%m-%d").to_string();
    (1..MOST).map(move |number| {
        path.with_file_name(match number {
            1 => format!("{stem}.{day}{extension}"),
            number => format!("{stem}.{day}-{number}{extension}"),
        })
    })
}
