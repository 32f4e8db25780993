//! The log of a schedule: lines with their time, in two files of bounded size.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::Result;
use crate::ledger::private_file;

/// A log that is longer becomes the old one, and the old one goes.
const MOST: u64 = 1 << 20;
/// A longer line is cut.
const LONGEST_LINE: usize = 4096;

/// An open log.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    size: u64,
    zone: TimeZone,
}

impl Log {
    /// Opens it, to be added to.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(path: &Path, zone: TimeZone) -> Result<Self> {
        let mut file = private_file(path)?;
        // Where its end cannot be found, it begins anew.
        let size = file.seek(SeekFrom::End(0)).unwrap_or(0);
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            zone,
        })
    }

    /// Adds a line. A log that cannot be written (a full disk) stops no export.
    pub(super) fn line(&mut self, text: &str) {
        let now = Timestamp::now().to_zoned(self.zone.clone());
        let mut end = text.len().min(LONGEST_LINE);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let line = format!("{}  {}\n", now.strftime("%Y-%m-%d %H:%M:%S"), &text[..end]);
        if self.size + line.len() as u64 > MOST {
            self.turn();
        }
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => self.size += line.len() as u64,
            Err(error) => {
                tracing::warn!(%error, log = %self.path.display(), "cannot write the log")
            }
        }
    }

    fn turn(&mut self) {
        let old = self.path.with_extension("old.txt");
        let turned = std::fs::copy(&self.path, old).and_then(|_| {
            let mut options = OpenOptions::new();
            options.write(true).truncate(true).open(&self.path)
        });
        match turned {
            Ok(file) => (self.file, self.size) = (file, 0),
            Err(error) => tracing::warn!(%error, log = %self.path.display(), "cannot turn the log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_small_and_keeps_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let mut log = Log::open(&path, TimeZone::UTC).unwrap();
        log.line("first");
        for number in 0..800 {
            log.line(&format!("{number} {}", "ä".repeat(3000)));
        }
        drop(log);
        let mut log = Log::open(&path, TimeZone::UTC).unwrap();
        log.line("last");
        let texts = ["log.txt", "log.old.txt"]
            .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
        assert!(texts.iter().all(|text| text.len() as u64 <= MOST));
        assert!(texts[0].ends_with("  last\n") && texts[0].contains("  799 "));
        assert!(texts.iter().all(|text| !text.contains("first")));
    }
}
