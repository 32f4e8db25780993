//! Files that another program holds for a moment: a virus scanner, a search index, a sync client.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// The pauses between tries: under a second in all.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
];

/// Whether an error may be over in a moment. On Windows a file that is open elsewhere is *denied*, as one without rights is.
pub(crate) fn is_held(error: &io::Error) -> bool {
    const SHARING: [i32; 3] = [5, 32, 33];
    match cfg!(windows) {
        true => error
            .raw_os_error()
            .is_some_and(|code| SHARING.contains(&code)),
        false => matches!(
            error.kind(),
            io::ErrorKind::ResourceBusy | io::ErrorKind::ExecutableFileBusy
        ),
    }
}

/// Tries again while a file is held, with a pause before each try.
pub(super) fn patiently<T, E>(
    mut attempt: impl FnMut() -> Result<T, E>,
    is_held: impl Fn(&E) -> bool,
    mut pause: impl FnMut(Duration),
) -> Result<T, E> {
    for before in PAUSES {
        match attempt() {
            Err(error) if is_held(&error) => pause(before),
            ended => return ended,
        }
    }
    attempt()
}

/// Renames a file, in place of what has the name.
///
/// # Errors
/// When the system refuses it, also a second later where another program held the file.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let attempt = || {
        free(from).and_then(|()| free(to))?;
        std::fs::rename(from, to)
    };
    patiently(attempt, is_held, sleep)
}

/// Deletes a file.
///
/// # Errors
/// The same.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    patiently(
        || {
            free(path)?;
            std::fs::remove_file(path)
        },
        is_held,
        sleep,
    )
}

/// Whether a file may take another name or go, as far as that is known before it is tried.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "in tests a file may be held")]
pub(super) fn free(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use fake::free;

/// Files that programs have open as Windows knows it, on any system: nothing renames, replaces or deletes them.
#[cfg(test)]
pub(crate) mod fake {
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::path::PathBuf;

    use super::{Path, io};

    thread_local! {
        static OPEN: RefCell<HashSet<PathBuf>> = RefCell::default();
    }

    /// A file that is open, as long as this is there.
    #[derive(Debug)]
    pub(crate) struct Opened(PathBuf);

    /// Opens a file, for this thread.
    pub(crate) fn open(path: &Path) -> Opened {
        OPEN.with_borrow_mut(|open| open.insert(path.to_owned()));
        Opened(path.to_owned())
    }

    impl Drop for Opened {
        fn drop(&mut self) {
            OPEN.with_borrow_mut(|open| open.remove(&self.0));
        }
    }

    pub(in crate::outfile) fn free(path: &Path) -> io::Result<()> {
        match OPEN.with_borrow(|open| open.contains(path)) {
            true => Err(io::Error::from(io::ErrorKind::ResourceBusy)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_tried_again_and_what_is_refused_is_not() {
        let busy = || io::Error::from(io::ErrorKind::ResourceBusy);
        let looks_held = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
        let mut left = 3;
        let mut paused = Duration::ZERO;
        let ended = patiently(
            || {
                left -= 1;
                if left > 0 { Err(busy()) } else { Ok("done") }
            },
            looks_held,
            |pause| paused += pause,
        );
        assert_eq!(ended.unwrap(), "done");
        assert_eq!(paused, PAUSES[0] + PAUSES[1]);
        let mut tries = 0;
        let ended: io::Result<()> = patiently(
            || {
                tries += 1;
                Err(busy())
            },
            looks_held,
            |_| {},
        );
        assert!(ended.is_err() && tries == PAUSES.len() + 1);
        tries = 0;
        let ended: io::Result<()> = patiently(
            || {
                tries += 1;
                Err(io::Error::from(io::ErrorKind::StorageFull))
            },
            looks_held,
            |_| {},
        );
        assert!(ended.is_err() && tries == 1);
    }

    #[test]
    #[cfg(windows)]
    fn a_sharing_violation_is_a_file_that_is_held() {
        assert!(is_held(&io::Error::from_raw_os_error(32)));
        assert!(!is_held(&io::Error::from_raw_os_error(2)));
    }
}
