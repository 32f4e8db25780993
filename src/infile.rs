//! Small files that are held whole: mappings, tables of words, settings. Each has a bound, so that one of any size, or a
//! device that never ends, is an error and not the machine's memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file of words that people write, in bytes: a mapping, a `map_file`, columns, settings.
pub(crate) const MOST_WORDS: u64 = 16 * 1024 * 1024;
/// The largest file with a secret or with variables, in bytes.
pub(crate) const MOST_SECRET: u64 = 1024 * 1024;
/// The largest snapshot of a directory, in bytes.
pub(crate) const MOST_SNAPSHOT: u64 = 512 * 1024 * 1024;

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read, or has more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    bytes_of(File::open(path)?, most)
}

fn bytes_of(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {} MB", most / 1024 / 1024),
        ));
    }
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// The same, and when it is no UTF-8.
pub(crate) fn text(path: &Path, most: u64) -> io::Result<String> {
    text_of(File::open(path)?, most)
}

/// The text of a file that is open already.
///
/// # Errors
/// The same.
pub(crate) fn text_of(file: File, most: u64) -> io::Result<String> {
    String::from_utf8(bytes_of(file, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    #[cfg(unix)]
    fn a_device_that_never_ends_is_an_error() {
        let error = read(Path::new("/dev/zero"), MOST_WORDS).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 16 MB");
    }
}
