//! The name of a file that holds data of this program beside people's own: never over a stranger's, never over one that is
//! open elsewhere.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::records::digest_of;
use super::{Draft, Readers, Records, Whole, is_held, lock_of, move_aside};

/// The name that a file got.
#[derive(Debug)]
pub(crate) struct Placed {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The name that was asked for, where a program has that file open.
    open: Option<PathBuf>,
    /// What was there before and is none of ours: its name and its new one.
    aside: Option<(PathBuf, PathBuf)>,
}

impl Placed {
    /// A line for people where the name is another one, or a file stepped aside; `whose`: what writes such files.
    pub(crate) fn note(&self, whose: &str) -> Option<String> {
        let aside = self.aside.as_ref().map(|(was, now)| {
            format!(
                "{} was there and was not written by {whose}: it is now {}",
                was.display(),
                now.display()
            )
        });
        let open = self.open.as_ref().map(|open| {
            format!(
                "{} is open in another program and stays as it is: written beside it as {}",
                open.display(),
                self.path.display()
            )
        });
        let notes: Vec<String> = aside.into_iter().chain(open).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

impl Whole {
    /// Takes a name. What is there steps aside unless it is ours and nobody has changed it; where a program has it open, the next free
    /// name is taken.
    ///
    /// # Errors
    /// When no name can be had.
    pub(crate) fn place(self, path: &Path, records: &Records) -> io::Result<Placed> {
        let placed = self.place_unless_changed(path, records)?;
        // A file that cannot be read again is taken for somebody's the next time.
        records.note(&placed.path, digest_of(&placed.path).ok());
        Ok(placed)
    }

    fn place_unless_changed(self, path: &Path, records: &Records) -> io::Result<Placed> {
        let mut placed = Placed {
            path: path.to_owned(),
            open: None,
            aside: None,
        };
        let is_there = path.exists();
        let left = match is_there && lock_of(path).is_some() {
            true => self,
            false => {
                let is_strange = is_there && !records.is_unchanged(path);
                match self.clear(path, is_strange, &mut placed)? {
                    None => return Ok(placed),
                    Some(left) => left,
                }
            }
        };
        placed.path = left.take_next(path).map_err(io::Error::from)?;
        placed.open = Some(path.to_owned());
        Ok(placed)
    }

    /// Takes a name, whatever has it; where a program has that open, the next free one.
    ///
    /// # Errors
    /// When no name can be had.
    pub(crate) fn place_over(self, path: &Path) -> io::Result<Placed> {
        let mut placed = Placed {
            path: path.to_owned(),
            open: None,
            aside: None,
        };
        let left = match path.exists() && lock_of(path).is_some() {
            true => Some(self),
            false => self.clear(path, false, &mut placed)?,
        };
        if let Some(left) = left {
            placed.path = left.take_next(path).map_err(io::Error::from)?;
            placed.open = Some(path.to_owned());
        }
        Ok(placed)
    }

    /// Takes a name after what has it has stepped aside; gives itself back where that is open elsewhere: on Windows such a
    /// file can neither be moved nor replaced, which is the only sign there.
    fn clear(self, path: &Path, is_strange: bool, placed: &mut Placed) -> io::Result<Option<Self>> {
        if is_strange {
            match move_aside(path) {
                Ok(aside) => placed.aside = Some((path.to_owned(), aside)),
                Err(error) if is_held(&error) => return Ok(Some(self)),
                Err(error) => return Err(error),
            }
        }
        match self.replace(path) {
            Ok(()) => Ok(None),
            Err(unnamed) if is_held(&unnamed.error) => Ok(Some(unnamed.whole)),
            Err(unnamed) => Err(unnamed.error),
        }
    }
}

/// Writes a whole text under a name, in place of what has it; where a program has that open, under the next free one.
///
/// # Errors
/// When the disk does not take it: then what has the name stays as it is.
pub(crate) fn put(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<Placed> {
    let mut draft = Draft::beside(path, readers)?;
    draft.write_all(bytes)?;
    draft.whole()?.place_over(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fake;
    use super::*;

    fn whole(folder: &Path) -> Whole {
        let mut draft = Draft::new(folder, Readers::default()).unwrap();
        draft.write_all(b"new").unwrap();
        draft.whole().unwrap()
    }

    #[test]
    fn what_is_open_elsewhere_stays_and_the_next_free_name_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.csv");
        let records = Records::of(folder.path());
        fs::write(&path, "open").unwrap();
        fs::write(folder.path().join("~$ids.csv"), "").unwrap();
        let placed = whole(folder.path()).place(&path, &records).unwrap();
        assert_eq!(placed.path, folder.path().join("ids-2.csv"));
        assert!(
            placed
                .note("deskferry")
                .unwrap()
                .contains("is open in another program")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "open");
        // Closed again, it is a stranger's: it steps aside once.
        fs::remove_file(folder.path().join("~$ids.csv")).unwrap();
        let placed = whole(folder.path()).place(&path, &records).unwrap();
        assert!(placed.note("deskferry").unwrap().contains("it is now"));
        let placed = whole(folder.path()).place(&path, &records).unwrap();
        assert_eq!((placed.note("deskferry"), placed.path), (None, path));
    }

    /// A person's notes in a file of ours are theirs.
    #[test]
    fn what_somebody_has_changed_steps_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preview.xlsx");
        let records = Records::of(folder.path());
        for _ in 0..2 {
            let placed = whole(folder.path()).place(&path, &records).unwrap();
            assert_eq!(placed.note("deskferry"), None);
        }
        fs::write(&path, "with notes").unwrap();
        let placed = whole(folder.path()).place(&path, &records).unwrap();
        let (_, aside) = placed.aside.unwrap();
        assert_eq!(fs::read_to_string(aside).unwrap(), "with notes");
        assert_eq!(fs::read_to_string(path).unwrap(), "new");
    }

    /// On Windows a program may have a file open without a mark beside it: it can neither be replaced nor renamed.
    #[test]
    fn what_cannot_be_replaced_stays_and_the_next_free_name_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.csv");
        let records = Records::of(folder.path());
        fs::write(&path, "open").unwrap();
        let open = fake::open(&path);
        let next = |number: u32| folder.path().join(format!("ids-{number}.csv"));
        // A stranger's, then one of ours.
        let placed = whole(folder.path()).place(&path, &records).unwrap();
        assert_eq!(placed.path, next(2));
        records.note(&path, digest_of(&path).ok());
        let placed = whole(folder.path()).place(&path, &records).unwrap();
        assert_eq!(placed.path, next(3));
        let placed = put(&path, b"newer", Readers::default()).unwrap();
        assert_eq!(placed.path, next(4));
        assert!(placed.note("deskferry").unwrap().contains("is open"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "open");
        // Nothing else is left beside it.
        let count = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(count, 5, "the file, three beside it, the list");
        drop(open);
        let placed = put(&path, b"newer", Readers::default()).unwrap();
        assert_eq!((placed.note("deskferry"), &placed.path), (None, &path));
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
    }
}
