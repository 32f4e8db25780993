use std::fs;

use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use tempfile::TempDir;

use super::name::aside;
use super::*;

/// A disk that takes so many bytes; it may fail only when it is synced.
struct Small {
    disk: Vec<u8>,
    room: usize,
    only_at_sync: bool,
}

fn full() -> io::Error {
    io::Error::from(io::ErrorKind::StorageFull)
}

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room.saturating_sub(self.disk.len());
        match (room, self.only_at_sync) {
            (0, false) if !bytes.is_empty() => Err(full()),
            (_, true) => self.disk.write(bytes),
            (room, false) => self.disk.write(&bytes[..bytes.len().min(room)]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Small {
    fn sync(&mut self) -> io::Result<()> {
        match self.disk.len() > self.room {
            true => Err(full()),
            false => Ok(()),
        }
    }
}

fn small(folder: &Path, room: usize, only_at_sync: bool) -> Draft {
    let (_, path) = temporary(folder, Readers::AsUsual).unwrap().into_parts();
    let disk = Small {
        disk: Vec::new(),
        room,
        only_at_sync,
    };
    Draft::onto(Box::new(disk), path, Readers::AsUsual)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

fn end(draft: Draft, path: &Path) -> io::Result<()> {
    draft.whole()?.replace(path).map_err(io::Error::from)
}

proptest! {
    /// Wherever the disk is full, there is an error, the old file, and nothing beside it.
    #[test]
    fn a_full_disk_leaves_the_old_file(size in 1..600_000_usize, part in 0.0..1.0_f64, only_at_sync: bool) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tickets.csv");
        fs::write(&path, "old").unwrap();
        let room = (size as f64 * part) as usize;
        let mut draft = small(folder.path(), room, only_at_sync);
        // Who writes may swallow the error: the end tells it still.
        let _ = draft.write_all(&vec![b'x'; size]);
        let ended = end(draft, &path);
        prop_assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::StorageFull);
        prop_assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        prop_assert_eq!(names(folder.path()), ["tickets.csv"]);
    }
}

/// The writer of workbooks drops its buffers without their errors.
#[test]
fn a_workbook_on_a_full_disk_is_an_error_wherever_it_is_full() {
    let make = || {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..50 {
            sheet.write_string(row, 0, format!("ticket {row}")).unwrap();
        }
        book
    };
    // It holds the time at which it was made, which packs to more or less.
    let size = make().save_to_buffer().unwrap().len();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tickets.xlsx");
    fs::write(&path, "old").unwrap();
    for room in (0..size).step_by(97).take_while(|room| room + 100 < size) {
        let mut draft = small(folder.path(), room, false);
        let saved = make().save_to_writer(BufWriter::new(&mut draft));
        let ended = end(draft, &path);
        assert!(
            saved.is_err() || ended.is_err(),
            "room for {room} of {size} bytes"
        );
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}

#[test]
fn a_draft_rests_and_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.csv");
    let mut draft = Draft::beside(&path, Readers::AsUsual).unwrap();
    draft.write_all(b"one\n").unwrap();
    draft.rest().unwrap();
    draft.write_all(b"two\n").unwrap();
    end(draft, &path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
}

#[test]
fn a_draft_that_is_dropped_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let mut draft = Draft::new(folder.path(), Readers::AsUsual).unwrap();
    draft.write_all(b"one").unwrap();
    drop(draft);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_name_that_is_taken_is_not_given_twice() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "old").unwrap();
    let error = create(&path, b"new", Readers::AsUsual).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    replace(&path, b"new", Readers::AsUsual).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn what_steps_aside_gets_a_dated_name_that_is_free() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tickets.xlsx");
    let mut moved = Vec::new();
    for text in ["first", "second"] {
        fs::write(&path, text).unwrap();
        moved.push(move_aside(&path).unwrap());
    }
    assert!(!path.exists());
    let texts = moved.iter().map(|path| fs::read_to_string(path).unwrap());
    assert_eq!(texts.collect::<Vec<_>>(), ["first", "second"]);
    let now: jiff::Zoned = "2026-11-29T10:00:00[UTC]".parse().unwrap();
    let names: Vec<PathBuf> = aside(Path::new("a/b.xlsx"), &now).take(2).collect();
    assert_eq!(
        names,
        [
            PathBuf::from("a/b.2026-11-29.xlsx"),
            PathBuf::from("a/b.2026-11-29-2.xlsx")
        ]
    );
}

#[test]
fn what_is_read_or_kept_is_refused_as_output() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("tickets.csv"), "id\n1\n").unwrap();
    fs::create_dir(at("state")).unwrap();
    fs::write(at("state").join("ledger.sqlite"), "ledger").unwrap();
    let mut claims = Claims::default()
        .reading(&at("tickets.csv"), "an input")
        .reading(Path::new("-"), "an input")
        .keeping(&at("state"));
    let refused = |claims: &Claims, path: &Path| claims.may_write(path, "-o").unwrap_err();
    let error = refused(&claims, &at("state").join("..").join("tickets.csv"));
    assert_eq!(
        error.message(),
        "is an input of this command and cannot be written by it"
    );
    for name in ["ledger.sqlite", "new.csv"] {
        let error = refused(&claims, &at("state").join(name));
        assert!(error.message().contains("state folder"), "{error}");
    }
    #[cfg(unix)]
    {
        fs::hard_link(at("tickets.csv"), at("second.csv")).unwrap();
        std::os::unix::fs::symlink(at("tickets.csv"), at("link.csv")).unwrap();
        fs::hard_link(at("state").join("ledger.sqlite"), at("copy.sqlite")).unwrap();
        for name in ["second.csv", "link.csv", "copy.sqlite"] {
            refused(&claims, &at(name));
        }
    }
    claims.write(&at("new.csv"), "-o").unwrap();
    let error = claims.write(&at("new.csv"), "--errors").unwrap_err();
    assert_eq!(error.message(), "`-o` and `--errors` name the same file");
}
