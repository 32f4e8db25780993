//! The audit: one line of JSON for each accepted write. With a data folder the same lines are its journal, from
//! which the tickets are made again at the next start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::SandboxError;
use super::guid::Guid;
use super::seed::Population;

/// The journal's name in the data folder.
const JOURNAL: &str = "journal.jsonl";
/// The version of its lines.
const VERSION: u32 = 1;

/// An accepted write.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    pub(super) time: Timestamp,
    pub(super) system: &'static str,
    pub(super) operation: &'static str,
    pub(super) id: &'a str,
    /// What the replay needs besides: ClearFeed's dialect, or that an update blanked what it left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<&'static str>,
    /// The token, where it is not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<&'static str>,
    /// The reference of the text's last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) marker: Option<&'a str>,
    pub(super) body: &'a RawValue,
}

/// A line of the journal read back.
#[derive(Debug, Deserialize)]
pub(super) struct Kept {
    pub(super) time: Timestamp,
    pub(super) system: String,
    pub(super) operation: String,
    pub(super) id: String,
    #[serde(default)]
    pub(super) mode: Option<String>,
    #[serde(default)]
    pub(super) by: Option<String>,
    pub(super) body: Value,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    sandbox: u32,
    instance: String,
    /// The population, where it was made up to a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    population: Option<Population>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<Box<str>>,
    journal: Option<File>,
    /// What the journal's head says of it.
    population: Option<Population>,
}

/// The lines, in memory and in the journal.
#[derive(Debug, Default)]
pub(super) struct Audit {
    inner: Mutex<Inner>,
}

/// A journal found at the start: what was in it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) audit: Audit,
    pub(super) instance: Guid,
    pub(super) population: Population,
    pub(super) kept: Vec<Kept>,
}

impl Audit {
    /// Opens a data folder, making it where there is none. A last line that was torn by a crash is cut off: its
    /// write was never answered. A population that ends at a time stays as it was when the folder was made; in a folder of
    /// before there is one of the fixed past.
    pub(super) fn open(
        folder: &Path,
        fresh: bool,
        wanted: Population,
    ) -> Result<Opened, SandboxError> {
        let path = folder.join(JOURNAL);
        let failed = |source| SandboxError::Data {
            path: path.clone(),
            source,
        };
        make_private(folder).map_err(failed)?;
        let mut file = open_private(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SandboxError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut text = Vec::new();
        if !fresh {
            file.read_to_end(&mut text).map_err(failed)?;
        }
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let text = String::from_utf8_lossy(&text[..whole]);
        let mut lines = text.lines();
        let kept_population = |wanted: Population| wanted.until.is_some().then_some(wanted);
        let (instance, population) = match lines.next() {
            Some(line) => read_head(line, &path)?,
            None => (Guid::random(), kept_population(wanted)),
        };
        let (mut kept, mut kept_lines) = (Vec::new(), Vec::new());
        for (number, line) in lines.enumerate() {
            let entry = serde_json::from_str(line).map_err(|error| SandboxError::Journal {
                path: path.clone(),
                line: number + 2,
                reason: error.to_string(),
            })?;
            kept.push(entry);
            kept_lines.push(Box::from(line));
        }
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if whole == 0 {
            write_head(&mut file, instance, population).map_err(failed)?;
        }
        Ok(Opened {
            audit: Self {
                inner: Mutex::new(Inner {
                    lines: kept_lines,
                    journal: Some(file),
                    population,
                }),
            },
            instance,
            population: population.unwrap_or(Population {
                until: None,
                ..wanted
            }),
            kept,
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one write. With a data folder the line is handed to the operating system before this returns, so
    /// that an answered write survives the end of the process, however it ends.
    pub(super) fn record(&self, write: &Entry<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(write)?;
        line.push(b'\n');
        let mut inner = self.inner();
        if let Some(journal) = &mut inner.journal {
            journal.write_all(&line)?;
        }
        line.pop();
        let line = String::from_utf8(line).map_err(io::Error::other)?;
        inner.lines.push(line.into_boxed_str());
        Ok(())
    }

    /// All lines as one text.
    pub(super) fn text(&self) -> String {
        let inner = self.inner();
        let mut text = String::with_capacity(inner.lines.iter().map(|line| line.len() + 1).sum());
        for line in &inner.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// How many writes were accepted.
    pub(super) fn len(&self) -> usize {
        self.inner().lines.len()
    }

    /// Forgets everything; the journal begins anew under the instance's new id.
    pub(super) fn reset(&self, instance: Guid) -> io::Result<()> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        inner.lines.clear();
        if let Some(journal) = &mut inner.journal {
            journal.set_len(0)?;
            journal.seek(SeekFrom::Start(0))?;
            write_head(journal, instance, inner.population)?;
        }
        Ok(())
    }

    /// Puts the journal on the disk.
    pub(super) fn flush(&self) -> io::Result<()> {
        match &self.inner().journal {
            Some(journal) => journal.sync_all(),
            None => Ok(()),
        }
    }
}

/// Makes a folder that only its owner can enter; one that is there is left as it is.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_head(file: &mut File, instance: Guid, population: Option<Population>) -> io::Result<()> {
    let mut head = serde_json::to_vec(&Head {
        sandbox: VERSION,
        instance: instance.to_string(),
        population,
    })?;
    head.push(b'\n');
    file.write_all(&head)
}

fn read_head(line: &str, path: &Path) -> Result<(Guid, Option<Population>), SandboxError> {
    let bad = |reason: String| SandboxError::Journal {
        path: PathBuf::from(path),
        line: 1,
        reason,
    };
    let head: Head = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
    if head.sandbox != VERSION {
        return Err(bad(format!(
            "it is of version {}, this program reads version {VERSION}",
            head.sandbox
        )));
    }
    let instance = head.instance.parse();
    let instance = instance.map_err(|_| bad(format!("`{}` is no id", head.instance)))?;
    Ok((instance, head.population))
}

/// The reference that a text's last line bears: `Ref: scope/key`. In HTML a tag ends a line too.
pub(super) fn marker(text: &str) -> Option<&str> {
    let line = text
        .lines()
        .rev()
        .flat_map(|line| line.rsplit('<'))
        .map(|piece| piece.rsplit_once('>').map_or(piece, |(_, after)| after))
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(line.strip_prefix("Ref:")?.trim()).filter(|reference| !reference.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(audit: &Audit, id: &str) {
        let body = RawValue::from_string("{\"a\":1}".to_owned()).unwrap();
        audit
            .record(&Entry {
                time: Timestamp::UNIX_EPOCH,
                system: "incidentiq",
                operation: "create",
                id,
                mode: None,
                by: None,
                marker: None,
                body: &body,
            })
            .unwrap();
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_rest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Audit::open(folder.path(), false, Population::default()).unwrap();
        record(&opened.audit, "one");
        record(&opened.audit, "two");
        let instance = opened.instance;
        drop(opened);
        let path = folder.path().join(JOURNAL);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"time\":\"1970-").unwrap();
        drop(file);

        let opened = Audit::open(folder.path(), false, Population::default()).unwrap();
        assert_eq!(opened.instance, instance);
        assert_eq!(opened.kept.len(), 2);
        record(&opened.audit, "three");
        drop(opened);
        let opened = Audit::open(folder.path(), false, Population::default()).unwrap();
        let ids: Vec<_> = opened.kept.iter().map(|kept| kept.id.as_str()).collect();
        assert_eq!(ids, ["one", "two", "three"]);
    }

    #[test]
    fn a_folder_in_use_is_refused_and_a_fresh_start_is_another_instance() {
        let folder = tempfile::tempdir().unwrap();
        let first = Audit::open(folder.path(), false, Population::default()).unwrap();
        record(&first.audit, "one");
        assert!(matches!(
            Audit::open(folder.path(), false, Population::default()),
            Err(SandboxError::InUse { .. })
        ));
        let instance = first.instance;
        drop(first);
        let second = Audit::open(folder.path(), true, Population::default()).unwrap();
        assert_ne!(second.instance, instance);
        assert!(second.kept.is_empty());
    }

    #[test]
    fn a_population_up_to_a_time_stays_as_it_was_at_the_first_start() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = |hours| Population {
            tickets: 60,
            comments: 4,
            until: Some(Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hours)),
        };
        let open = |fresh, wanted| Audit::open(folder.path(), fresh, wanted).unwrap();
        assert_eq!(open(false, wanted(1)).population, wanted(1));
        assert_eq!(open(false, wanted(2)).population, wanted(1));
        assert_eq!(open(true, wanted(3)).population, wanted(3));
        // A folder of before has the population that it had.
        let instance = Guid::random();
        let head = format!("{{\"sandbox\":1,\"instance\":\"{instance}\"}}\n");
        std::fs::write(folder.path().join(JOURNAL), head).unwrap();
        let fixed = Population {
            until: None,
            ..wanted(4)
        };
        assert_eq!(open(false, wanted(4)).population, fixed);
    }

    #[test]
    fn a_line_that_is_no_journal_names_its_place() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(JOURNAL), "Ticket,Title\n1,x\n").unwrap();
        let error = Audit::open(folder.path(), false, Population::default()).unwrap_err();
        assert!(
            matches!(error, SandboxError::Journal { line: 1, .. }),
            "{error}"
        );
    }

    #[test]
    fn the_marker_is_the_last_line_alone() {
        assert_eq!(
            marker("text\n\nRef: spice-2024/4711\n"),
            Some("spice-2024/4711")
        );
        assert_eq!(marker("Ref: a/1\nmore"), None);
        assert_eq!(marker("Ref:"), None);
        assert_eq!(marker(""), None);
    }

    #[test]
    fn a_tag_ends_a_line_of_html() {
        assert_eq!(marker("text<br><br>Ref: a/1"), Some("a/1"));
        assert_eq!(marker("<p>text</p>\n<p>Ref: a/1</p>"), Some("a/1"));
        assert_eq!(marker("1 < 2\nRef: a/1"), Some("a/1"));
        assert_eq!(marker("Ref: a/1 <b>more</b>"), None);
    }
}
