//! The one writer: a thread that owns the connection and commits in groups.
//!
//! Commands wait in a bounded channel. The thread takes all that wait (up to [`GROUP`]), runs the writing ones
//! in one transaction and answers them only after its commit, so that an answered write is on the disk and a
//! hundred writers share one `fsync`. While the disk works, the next group gathers by itself.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::generation;
use super::sums::{self, Book};
use crate::error::{Error, Result};

/// How many commands share one commit at most.
const GROUP: usize = 1024;
/// How many commands may wait before the sender waits.
const WAITING: usize = 1024;

/// What a command does with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Answered at once.
    Read,
    /// Answered after the commit.
    Write,
}

trait Command: Send {
    fn kind(&self) -> Kind;
    fn run(&mut self, connection: &Connection) -> Result<(), ()>;
    fn answer(self: Box<Self>, group: Option<&rusqlite::Error>, path: &str);
}

struct Task<T, F> {
    kind: Kind,
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Command for Task<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, connection: &Connection) -> Result<(), ()> {
        let work = self.work.take().ok_or(())?;
        let result = work(connection);
        let ended = result.as_ref().map(drop).map_err(drop);
        self.result = Some(result);
        ended
    }

    fn answer(self: Box<Self>, group: Option<&rusqlite::Error>, path: &str) {
        let result = match (self.result, group) {
            (Some(Err(error)), _) => Err(trouble(path, &error)),
            (_, Some(error)) => Err(trouble(path, error)),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(gone(path)),
        };
        // Who asked may have gone away (an aborted run); the write stands all the same.
        let _ = self.reply.send(result);
    }
}

/// Where commands go.
#[derive(Debug)]
pub(super) struct Worker {
    way: Way,
    path: String,
}

enum Way {
    Thread {
        sender: Option<mpsc::Sender<Box<dyn Command>>>,
        thread: Option<JoinHandle<()>>,
    },
    /// The in-memory twin answers on the spot, so that tests on a paused clock see no time pass.
    Inline(Mutex<Book>),
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Thread { .. } => "Thread",
            Self::Inline(_) => "Inline",
        })
    }
}

impl Worker {
    pub(super) fn spawn(connection: Book, path: PathBuf) -> Result<Self> {
        let path = path.display().to_string();
        let (sender, receiver) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn({
                let path = path.clone();
                move || serve(&connection, receiver, &path)
            })
            .map_err(|error| Error::machine("no thread for the ledger").caused_by(error))?;
        Ok(Self {
            way: Way::Thread {
                sender: Some(sender),
                thread: Some(thread),
            },
            path,
        })
    }

    pub(super) fn inline(connection: Book) -> Self {
        Self {
            way: Way::Inline(Mutex::new(connection)),
            path: ":memory:".to_owned(),
        }
    }

    pub(super) async fn call<T, F>(&self, kind: Kind, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (command, answer) = task(kind, work);
        match &self.way {
            Way::Thread { sender, .. } => {
                let sender = sender.as_ref().ok_or_else(|| gone(&self.path))?;
                sender.send(command).await.map_err(|_| gone(&self.path))?;
            }
            Way::Inline(connection) => self.inline_group(connection, command),
        }
        answer.await.map_err(|_| gone(&self.path))?
    }

    /// As [`Self::call`], from a thread outside of the runtime.
    pub(super) fn call_blocking<T, F>(&self, kind: Kind, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (command, answer) = task(kind, work);
        match &self.way {
            Way::Thread { sender, .. } => {
                let sender = sender.as_ref().ok_or_else(|| gone(&self.path))?;
                sender
                    .blocking_send(command)
                    .map_err(|_| gone(&self.path))?;
                answer.blocking_recv().map_err(|_| gone(&self.path))?
            }
            Way::Inline(connection) => {
                self.inline_group(connection, command);
                let mut answer = answer;
                answer.try_recv().map_err(|_| gone(&self.path))?
            }
        }
    }

    fn inline_group(&self, connection: &Mutex<Book>, command: Box<dyn Command>) {
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        commit_group(&connection, vec![command], &self.path);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Way::Thread { sender, thread } = &mut self.way {
            drop(sender.take());
            if let Some(thread) = thread.take() {
                // A panic of the thread was told where its answers were awaited.
                let _ = thread.join();
            }
        }
    }
}

type Answer<T> = oneshot::Receiver<Result<T>>;

fn task<T, F>(kind: Kind, work: F) -> (Box<dyn Command>, Answer<T>)
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let task = Task {
        kind,
        work: Some(work),
        result: None,
        reply,
    };
    (Box::new(task), answer)
}

fn serve(connection: &Book, mut waiting: mpsc::Receiver<Box<dyn Command>>, path: &str) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, GROUP) > 0 {
        commit_group(connection, std::mem::take(&mut group), path);
    }
    // Another process may have begun a run meanwhile, and died: its last commits stay beside the ledger.
    if let Ok(is_open) = generation::is_open(connection) {
        let _ = super::open::keep_wal(connection, is_open);
    }
}

/// Runs a group in order; writes share one transaction and are answered after its commit. A read that comes while the
/// transaction is open waits for its end: what it answers is durable, whatever becomes of the group.
fn commit_group(connection: &Book, group: Vec<Box<dyn Command>>, path: &str) {
    let mut open = false;
    let mut failed = None;
    let mut written = Vec::new();
    let mut reads = Vec::new();
    let read = |mut command: Box<dyn Command>| {
        let _ = command.run(connection);
        command.answer(None, path);
    };
    for mut command in group {
        if command.kind() == Kind::Read {
            match open {
                true => reads.push(command),
                false => read(command),
            }
            continue;
        }
        if !open && failed.is_none() {
            match connection.execute_batch("BEGIN IMMEDIATE") {
                Ok(()) => open = true,
                Err(error) => failed = Some(error),
            }
        }
        // After a failure the rest of the group is not begun: all of it is rolled back together.
        if open && command.run(connection).is_err() {
            let _ = connection.execute_batch("ROLLBACK");
            connection.forget_moves();
            open = false;
            failed = Some(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT),
                Some("another write of the same group failed".to_owned()),
            ));
        }
        written.push(command);
    }
    let commit = || {
        connection.add_up()?;
        connection.execute_batch("COMMIT")
    };
    if open && let Err(error) = commit() {
        let _ = connection.execute_batch("ROLLBACK");
        connection.forget_moves();
        failed = Some(error);
    }
    for command in written {
        command.answer(failed.as_ref(), path);
    }
    reads.into_iter().for_each(read);
}

fn gone(path: &str) -> Error {
    Error::machine("the ledger has stopped").at(path)
}

/// What to do about damage.
const DAMAGE_HINT: &str = "keep the file, it knows which tickets were made: move it away with the files beside it and put a \
    backup in its place, then let `deskferry runs adopt` learn from the system what was made since";

/// An error of SQLite with what a person can do about it.
pub(super) fn trouble(path: &str, error: &rusqlite::Error) -> Error {
    if let Some(error) = generation::ours(error) {
        return error;
    }
    if let Some(what) = sums::damage(error) {
        return Error::machine(format!(
            "the ledger is damaged: {what} is not as it was written"
        ))
        .at(path)
        .hint(DAMAGE_HINT)
        .hint("`deskferry state check` reads the whole ledger and lists what is damaged");
    }
    let (message, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ("the ledger is damaged", DAMAGE_HINT)
        }
        Some(ErrorCode::DiskFull) => (
            "the disk is full",
            "make room and run the same command again: it goes on where it was",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            "the disk does not take what is written",
            "make room or fix the disk, and run the same command again: it goes on where it was",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            "the ledger cannot be written",
            "make its folder writable, or choose another with `--state DIR`",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            "the ledger is held by another process",
            "wait until the other command is done and run this one again",
        ),
        _ => (
            "the ledger does not work",
            "run the same command again: it goes on where it was",
        ),
    };
    Error::machine(message)
        .at(path)
        .hint(hint)
        .caused_by(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(folder: &std::path::Path) -> Worker {
        let path = folder.join("ledger.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER UNIQUE)")
            .unwrap();
        Worker::spawn(Book::bare(connection), path).unwrap()
    }

    #[tokio::test]
    async fn a_group_is_all_or_nothing_and_a_later_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let worker = worker(folder.path());
        let insert = |n: i64| {
            worker.call(Kind::Write, move |connection| {
                connection.execute("INSERT INTO t VALUES (?1)", [n])
            })
        };
        insert(1).await.unwrap();
        assert!(insert(1).await.is_err());
        insert(2).await.unwrap();
        let count = worker
            .call(Kind::Read, |connection| {
                connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
            })
            .await
            .unwrap();
        assert_eq!(count, 2);
    }

    #[tokio::test]
    async fn a_read_never_answers_what_is_not_committed() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER UNIQUE); INSERT INTO t VALUES (1)")
            .unwrap();
        let book = Book::bare(connection);
        let insert = |n: i64| {
            task(Kind::Write, move |c: &Connection| {
                c.execute("INSERT INTO t VALUES (?1)", [n])
            })
        };
        let (first, done) = insert(2);
        let (read, count) = task(Kind::Read, |c: &Connection| {
            c.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        });
        // This one breaks the group, and what came before it is rolled back with it.
        let (second, failed) = insert(1);
        commit_group(&book, vec![first, read, second], "t");
        assert!(done.await.unwrap().is_err());
        assert!(failed.await.unwrap().is_err());
        assert_eq!(count.await.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn what_is_answered_is_seen_by_another_connection() {
        let folder = tempfile::tempdir().unwrap();
        let worker = worker(folder.path());
        let other = Connection::open(folder.path().join("ledger.sqlite")).unwrap();
        let writes = (0..500).map(|n| {
            let write = worker.call(Kind::Write, move |connection| {
                connection.execute("INSERT INTO t VALUES (?1)", [n])
            });
            let other = &other;
            async move {
                write.await.unwrap();
                let there: bool = other
                    .query_row("SELECT EXISTS (SELECT 1 FROM t WHERE n = ?1)", [n], |row| {
                        row.get(0)
                    })
                    .unwrap();
                assert!(there, "{n} was answered before its commit");
            }
        });
        futures::future::join_all(writes).await;
    }
}
