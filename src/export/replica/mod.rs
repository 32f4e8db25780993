//! The tickets that were read: one row each in a SQLite file of the state folder, readable by its owner only.
//!
//! | table | holds |
//! |---|---|
//! | `ticket` | a ticket in the order of the file: when it was made, its id; then it, packed in three parts ([`Parts`]) |
//! | `part` | the windows of time that are read or to be read |
//! | `fact` | what was asked, since when, up to when it is known |
//! | `ahead` | the tickets whose last change lay in the future when they were read |
//!
//! Times are nanoseconds since 1970 in UTC. Writing is durable against a crash of the program, not of the machine: what is
//! lost then is read again.

mod outline;
mod packed;
mod schema;
mod windows;

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};
use rusqlite::{Connection, OptionalExtension, params};

use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::systems::common::CommonTicket;
use crate::systems::page::Shown;
use crate::systems::query::{Query, Span};

pub(crate) use outline::{Kind, Outline};
pub use packed::Parts;
pub use windows::{State, Window};

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(10);
/// Tickets that go from the thread that reads to the one that writes at once.
const BATCH: usize = 256;
/// Batches that wait there.
const WAITING: usize = 4;

/// The tickets that were read.
#[derive(Debug)]
pub struct Replica {
    path: PathBuf,
    connection: Connection,
}

/// Which tickets are read out, and how much of them.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// Only those for which it holds.
    pub query: Option<&'a Query>,
    /// What is needed of them.
    pub parts: Parts,
    /// Where names come from: what it knows goes before what an answer told when the ticket was read.
    pub directory: &'a Directory,
}

/// What storing a page came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Tickets that were not there before, or are not any more, by the times of their creation.
    pub moved: Vec<Option<Timestamp>>,
    /// How many are other than they were, or new.
    pub changed: u64,
}

/// A page of tickets as they are stored.
#[derive(Debug)]
pub struct PackedPage {
    tickets: Vec<PackedTicket>,
    /// It shows what is so now, even where the last change of a ticket lies before the one that is known.
    is_latest: bool,
    /// When it was read, on the system's clock.
    read_at: Option<Timestamp>,
}

/// A ticket as it is stored; one that does not hold only by its id.
#[derive(Debug)]
struct PackedTicket {
    id: String,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    packed: Option<packed::Packed>,
    /// It bears no word of any text: the system may have erased them.
    is_bare: bool,
    /// By so much its last change may lie later than it says, in nanoseconds.
    may_be_later: i64,
}

impl PackedPage {
    /// Packs the tickets of a page that hold.
    pub fn new(page: Vec<Shown>) -> Self {
        let tickets = page
            .into_iter()
            .map(|Shown { ticket, holds }| PackedTicket {
                packed: holds.then(|| packed::pack(&ticket)),
                is_bare: packed::is_bare(&ticket),
                created: ticket.created,
                updated: ticket.updated,
                id: ticket.id,
                may_be_later: 0,
            });
        Self {
            tickets: tickets.collect(),
            is_latest: false,
            read_at: None,
        }
    }

    /// Says whether it shows what is so now whatever it says itself, on what clock the system writes its times, and when it
    /// was read: in an hour that comes twice, times do not say which of the two they are in, and one that lies in the future
    /// says nothing of what was shown later.
    #[must_use]
    pub fn read(mut self, is_latest: bool, zone: Option<&TimeZone>, read_at: Timestamp) -> Self {
        self.is_latest = is_latest;
        self.read_at = Some(read_at);
        for ticket in &mut self.tickets {
            if let (Some(zone), Some(updated)) = (zone, ticket.updated) {
                ticket.may_be_later = repeated(zone, updated);
            }
        }
        self
    }
}

impl Replica {
    /// Opens the file, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = schema::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Deletes the file of a replica with what SQLite keeps beside it.
    ///
    /// # Errors
    /// When it is there and cannot be deleted.
    pub fn delete(path: &Path) -> Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::machine("what was read cannot be deleted")
                        .at(path.display())
                        .caused_by(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn trouble(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |error| schema::trouble(&self.path, error)
    }

    /// A fact.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        let mut found = self
            .connection
            .prepare_cached("SELECT value FROM fact WHERE name = ?1")
            .map_err(self.trouble())?;
        let found = found.query_row([name], |row| row.get(0)).optional();
        found.map_err(self.trouble())
    }

    /// Keeps a fact.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_fact(&self, name: &str, value: &str) -> Result<()> {
        let kept = self.connection.execute(
            "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
            [name, value],
        );
        kept.map(drop).map_err(self.trouble())
    }

    /// Forgets a fact.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_fact(&self, name: &str) -> Result<()> {
        let forgotten = self
            .connection
            .execute("DELETE FROM fact WHERE name = ?1", [name]);
        forgotten.map(drop).map_err(self.trouble())
    }

    /// A fact that is a moment.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn moment(&self, name: &str) -> Result<Option<Timestamp>> {
        Ok(self.fact(name)?.and_then(|text| text.parse().ok()))
    }

    /// Stores the tickets of a page that hold, and forgets those that do not hold any more. With a window, how far that
    /// one has come is stored in the same breath.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn store(
        &mut self,
        page: &PackedPage,
        reached: Option<(i64, Timestamp)>,
    ) -> Result<Stored> {
        self.write(page, reached)
            .map_err(|error| schema::trouble(&self.path, error))
    }

    fn write(
        &mut self,
        page: &PackedPage,
        reached: Option<(i64, Timestamp)>,
    ) -> rusqlite::Result<Stored> {
        let transaction = self.connection.transaction()?;
        let mut stored = Stored::default();
        {
            let mut known =
                transaction.prepare_cached("SELECT created, updated FROM ticket WHERE id = ?1")?;
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO ticket (created, id, updated, head, comments, rest)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut delete = transaction.prepare_cached("DELETE FROM ticket WHERE id = ?1")?;
            let mut texts =
                transaction.prepare_cached("SELECT head, comments FROM ticket WHERE id = ?1")?;
            let mut ahead = transaction.prepare_cached("SELECT 1 FROM ahead WHERE id = ?1")?;
            let mut goes_ahead =
                transaction.prepare_cached("INSERT OR IGNORE INTO ahead (id) VALUES (?1)")?;
            let mut is_reached = transaction.prepare_cached("DELETE FROM ahead WHERE id = ?1")?;
            let now = instant(Some(page.read_at.unwrap_or(Timestamp::MAX)));
            let has_ahead =
                transaction.query_row("SELECT EXISTS (SELECT 1 FROM ahead)", [], |row| row.get(0));
            let has_ahead: bool = has_ahead?;
            for ticket in &page.tickets {
                let times = known.query_row([&ticket.id], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
                });
                let times = times.optional()?;
                let (created, updated) = (instant(ticket.created), instant(ticket.updated));
                if times.is_some() != ticket.packed.is_some() {
                    stored.moved.push(ticket.created);
                }
                // What is there was shown later, unless one of the two times says nothing of that.
                let is_old = match times {
                    Some((_, known)) if !page.is_latest && ticket.updated.is_some() => {
                        known > updated.saturating_add(ticket.may_be_later)
                            && known <= now
                            && !(has_ahead && ahead.exists([&ticket.id])?)
                    }
                    _ => false,
                };
                match (&ticket.packed, times) {
                    _ if is_old => {}
                    (Some(packed), times) => {
                        // A text that the system has erased since is kept, and so is what was said.
                        let kept = match (ticket.is_bare, times) {
                            (true, Some(_)) => {
                                let old = texts.query_row([&ticket.id], |row| {
                                    Ok((
                                        row.get::<_, Vec<u8>>(0)?,
                                        row.get::<_, Option<Vec<u8>>>(1)?,
                                    ))
                                })?;
                                packed::with_texts(packed, &old.0, old.1)
                            }
                            _ => None,
                        };
                        let packed = kept.as_ref().unwrap_or(packed);
                        stored.changed += u64::from(times != Some((created, updated)));
                        if times.is_some_and(|(known, _)| known != created) {
                            delete.execute([&ticket.id])?;
                        }
                        insert.execute(params![
                            created,
                            ticket.id,
                            updated,
                            packed.head,
                            packed.comments,
                            packed.rest
                        ])?;
                        if updated > now {
                            goes_ahead.execute([&ticket.id])?;
                        } else if has_ahead {
                            is_reached.execute([&ticket.id])?;
                        }
                    }
                    (None, Some(_)) => {
                        stored.changed += 1;
                        delete.execute([&ticket.id])?;
                    }
                    (None, None) => {}
                }
            }
            if let Some((window, at)) = reached {
                transaction
                    .prepare_cached("UPDATE part SET from_at = ?2 WHERE id = ?1")?
                    .execute(params![window, instant(Some(at))])?;
            }
        }
        transaction.commit()?;
        Ok(stored)
    }

    /// The tickets that were made in a span and were not seen, with when they were made.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn others(
        &self,
        span: Span,
        is_seen: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, Timestamp)>> {
        let (from, until) = ends(span);
        let found = || -> rusqlite::Result<Vec<(String, i64)>> {
            let mut found = self.connection.prepare_cached(
                "SELECT id, created FROM ticket WHERE created >= ?1 AND created < ?2",
            )?;
            let mut rows = found.query([from, until])?;
            let mut others = Vec::new();
            while let Some(row) = rows.next()? {
                let id = row.get_ref(0)?.as_str()?;
                if !is_seen(id) {
                    others.push((id.to_owned(), row.get(1)?));
                }
            }
            Ok(others)
        };
        let others = found().map_err(self.trouble())?.into_iter();
        let with_times = others.filter_map(|(id, made)| {
            let made = Timestamp::from_nanosecond(i128::from(made)).ok()?;
            Some((id, made))
        });
        Ok(with_times.collect())
    }

    /// Whether a ticket is there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has(&self, id: &str) -> Result<bool> {
        let found = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM ticket WHERE id = ?1)",
            [id],
            |row| row.get(0),
        );
        found.map_err(self.trouble())
    }

    /// Forgets a ticket.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&self, id: &str) -> Result<()> {
        let forgotten = self
            .connection
            .execute("DELETE FROM ticket WHERE id = ?1", [id]);
        forgotten.map(drop).map_err(self.trouble())
    }

    /// How many tickets there are that were made in a span.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self, span: Span) -> Result<u64> {
        let (from, until) = ends(span);
        let counted = self.connection.query_row(
            "SELECT count(*) FROM ticket WHERE created >= ?1 AND created < ?2",
            [from, until],
            |row| row.get::<_, i64>(0),
        );
        let counted = counted.map_err(self.trouble())?;
        Ok(u64::try_from(counted).unwrap_or_default())
    }

    /// Hands on every ticket that is selected, once, in the order of creation, then of ids; how many. Reading and unpacking
    /// are done in a thread of their own.
    ///
    /// # Errors
    /// When the file cannot be read, and whatever `take` answers.
    pub fn each(
        &self,
        selection: Selection<'_>,
        take: &mut dyn FnMut(CommonTicket) -> Result<()>,
    ) -> Result<u64> {
        let reader = schema::open_to_read(&self.path)?;
        let path = &self.path;
        std::thread::scope(|threads| {
            let (hand_on, batches) = sync_channel::<Vec<CommonTicket>>(WAITING);
            let unpacking = threads.spawn(move || {
                let mut batch = Vec::with_capacity(BATCH);
                read_out(&reader, path, selection, &mut |ticket| {
                    batch.push(ticket);
                    if batch.len() < BATCH {
                        return true;
                    }
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                    hand_on.send(full).is_ok()
                })?;
                // Who takes them may have failed.
                let _ = hand_on.send(batch);
                Ok(())
            });
            let mut taken = 0;
            for batch in batches {
                for ticket in batch {
                    take(ticket)?;
                    taken += 1;
                }
            }
            match unpacking.join() {
                Ok(read) => read.map(|()| taken),
                Err(_) => {
                    Err(Error::machine("what was read cannot be unpacked").at(path.display()))
                }
            }
        })
    }
}

/// Reads the tickets out until nobody takes them any more.
fn read_out(
    connection: &Connection,
    path: &Path,
    selection: Selection<'_>,
    hand_on: &mut dyn FnMut(CommonTicket) -> bool,
) -> Result<()> {
    let trouble = |error| schema::trouble(path, error);
    let system = connection
        .query_row("SELECT value FROM fact WHERE name = 'system'", [], |row| {
            row.get::<_, String>(0)
        })
        .optional()
        .map_err(trouble)?;
    let damaged = || schema::damaged(path);
    let system = system.and_then(|name| crate::systems::SystemName::parse(&name));
    let system = system.ok_or_else(damaged)?;
    let parts = selection.parts;
    let column = |wanted: bool, name| if wanted { name } else { "NULL" };
    let text = format!(
        "SELECT id, head, {}, {} FROM ticket ORDER BY created, id",
        column(parts.comments, "comments"),
        column(parts.rest(), "rest"),
    );
    let mut all = connection.prepare(&text).map_err(trouble)?;
    let mut rows = all.query([]).map_err(trouble)?;
    while let Some(row) = rows.next().map_err(trouble)? {
        let bytes = |at: usize| {
            row.get_ref(at)
                .and_then(|value| Ok(value.as_blob_or_null()?))
        };
        let id = row.get_ref(0).map_err(trouble)?;
        let id = id.as_str().map_err(|_| damaged())?;
        let head = bytes(1).map_err(trouble)?.ok_or_else(damaged)?;
        let (comments, rest) = (bytes(2).map_err(trouble)?, bytes(3).map_err(trouble)?);
        let mut ticket =
            packed::unpack(system, id, head, comments, rest, parts).ok_or_else(damaged)?;
        ticket.settle();
        // What words are looked for in is judged when it has its names.
        let holds = |query: &Query| query.holds(&ticket, &serde_json::Value::Null);
        if !selection.query.is_none_or(holds) {
            continue;
        }
        ticket.refresh_names(selection.directory);
        if !hand_on(ticket) {
            return Ok(());
        }
    }
    Ok(())
}

/// How long the clocks of a zone show again what they show at this moment, in nanoseconds; mostly not at all.
fn repeated(zone: &TimeZone, at: Timestamp) -> i64 {
    match zone.to_ambiguous_timestamp(zone.to_datetime(at)).offset() {
        AmbiguousOffset::Fold { before, after } => {
            i64::from(before.seconds() - after.seconds()).abs() * 1_000_000_000
        }
        _ => 0,
    }
}

/// A moment as it is stored; none is before all others.
fn instant(at: Option<Timestamp>) -> i64 {
    at.map_or(i64::MIN, |at| {
        let least = i128::from(i64::MIN + 1);
        let nanoseconds = at.as_nanosecond().clamp(least, i128::from(i64::MAX));
        i64::try_from(nanoseconds).unwrap_or(i64::MAX)
    })
}

/// The ends of a span as they are stored.
fn ends(span: Span) -> (i64, i64) {
    (
        instant(span.from),
        span.until.map_or(i64::MAX, |until| instant(Some(until))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Snapshot;
    use crate::export::replica::packed::tests::whole;
    use crate::systems::{Dialect, SystemName};

    fn shown(id: &str, hour: u32, updated: u32, holds: bool) -> Shown {
        let at = |hour: u32| format!("2024-06-21T{hour:02}:00:00Z").parse().ok();
        Shown {
            ticket: CommonTicket {
                id: id.to_owned(),
                created: at(hour),
                updated: at(updated),
                ..whole()
            },
            holds,
        }
    }

    fn ids(replica: &Replica) -> Vec<String> {
        tickets(replica)
            .into_iter()
            .map(|ticket| ticket.id)
            .collect()
    }

    fn tickets(replica: &Replica) -> Vec<CommonTicket> {
        let directory = Directory::new(Snapshot::empty(SystemName::IncidentIq, Dialect::Only));
        let selection = Selection {
            query: None,
            parts: Parts::default(),
            directory: &directory,
        };
        let mut all = Vec::new();
        let mut take = |ticket: CommonTicket| {
            all.push(ticket);
            Ok(())
        };
        replica.each(selection, &mut take).unwrap();
        all
    }

    #[test]
    fn a_ticket_stands_once_in_the_order_of_creation() {
        let folder = tempfile::tempdir().unwrap();
        let mut replica = Replica::open(&folder.path().join("r.sqlite")).unwrap();
        replica.keep_fact("system", "incidentiq").unwrap();
        let page = [
            shown("c", 3, 4, true),
            shown("a", 3, 4, true),
            shown("z", 1, 4, true),
        ];
        assert_eq!(
            replica
                .store(&PackedPage::new(page.to_vec()), None)
                .unwrap()
                .moved
                .len(),
            3
        );
        assert_eq!(
            replica
                .store(&PackedPage::new(page.to_vec()), None)
                .unwrap()
                .moved
                .len(),
            0
        );
        assert_eq!(ids(&replica), ["z", "a", "c"]);
        // Whoever does not hold any more goes; what was shown before what is there changes nothing.
        replica
            .store(
                &PackedPage::new(vec![shown("a", 3, 5, false), shown("z", 1, 2, false)]),
                None,
            )
            .unwrap();
        assert_eq!(ids(&replica), ["z", "c"]);
        let again = vec![shown("c", 3, 4, true), shown("z", 1, 5, true)];
        let stored = replica.store(&PackedPage::new(again), None).unwrap();
        assert_eq!(stored.changed, 1, "only one was changed since");
    }

    #[test]
    fn a_text_that_the_system_has_erased_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut replica = Replica::open(&folder.path().join("r.sqlite")).unwrap();
        replica.keep_fact("system", "clearfeed").unwrap();
        let mut first = shown("a", 3, 4, true);
        first.ticket.title = Some("Printer".to_owned());
        first.ticket.description = Some("It is out of paper".to_owned());
        replica.store(&PackedPage::new(vec![first]), None).unwrap();
        let mut erased = shown("a", 3, 9, true);
        let ticket = &mut erased.ticket;
        (ticket.title, ticket.description) = (None, Some(String::new()));
        ticket.comments.clear();
        ticket.tags = vec!["closed".to_owned()];
        replica.store(&PackedPage::new(vec![erased]), None).unwrap();
        let found = tickets(&replica);
        assert_eq!(found[0].title.as_deref(), Some("Printer"));
        assert_eq!(found[0].description.as_deref(), Some("It is out of paper"));
        assert_eq!(found[0].tags, ["closed"], "all else is as it is now");
        // A person who empties the description leaves the title.
        let mut emptied = shown("a", 3, 10, true);
        emptied.ticket.title = Some("Printer".to_owned());
        emptied.ticket.description = None;
        replica
            .store(&PackedPage::new(vec![emptied]), None)
            .unwrap();
        assert_eq!(tickets(&replica)[0].description, None);
    }

    #[test]
    fn times_of_the_far_future_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut replica = Replica::open(&folder.path().join("r.sqlite")).unwrap();
        replica.keep_fact("system", "incidentiq").unwrap();
        let far: Timestamp = "2999-12-31T23:00:00Z".parse().unwrap();
        let mut late = shown("b", 3, 4, true);
        (late.ticket.due, late.ticket.created) = (Some(far), Some(far));
        let page = PackedPage::new(vec![late, shown("a", 3, 4, true)]);
        replica.store(&page, None).unwrap();
        let found = tickets(&replica);
        assert_eq!((found[1].due, found[1].created), (Some(far), Some(far)));
    }

    #[test]
    fn windows_outlive_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.sqlite");
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let mut replica = Replica::open(&path).unwrap();
        replica.begin(at(9), Span::default()).unwrap();
        let whole = replica.windows(State::Open).unwrap()[0];
        let rest = Span {
            from: Some(at(5)),
            until: None,
        };
        let late = replica.cut_window(whole.id, at(5), rest).unwrap();
        replica.end_window(late, State::Read, 2).unwrap();
        replica
            .store(
                &PackedPage::new(vec![shown("a", 3, 4, true)]),
                Some((whole.id, at(2))),
            )
            .unwrap();
        drop(replica);
        let replica = Replica::open(&path).unwrap();
        let left = replica.windows(State::Open).unwrap();
        let expected = Span {
            from: Some(at(2)),
            until: Some(at(5)),
        };
        assert_eq!(
            left.iter().map(|one| one.span).collect::<Vec<_>>(),
            [expected]
        );
        assert_eq!(replica.reopen(&[at(6)]).unwrap(), 1);
        assert_eq!(replica.windows(State::Open).unwrap().len(), 2);
        // Those that only lay over others when it was killed do not stay.
        let mut replica = replica;
        replica.lay_over(&[rest, Span::default()]).unwrap();
        drop(replica);
        let mut replica = Replica::open(&path).unwrap();
        assert_eq!(replica.windows(State::Open).unwrap().len(), 4);
        for _ in 0..2 {
            replica.take_off().unwrap();
            assert_eq!(replica.windows(State::Open).unwrap().len(), 2);
        }
    }

    #[test]
    fn an_earlier_change_counts_where_it_may_be_the_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let zone = TimeZone::get("America/Chicago").unwrap();
        let page = |title: &str, updated: &str| {
            let mut shown = shown("a", 1, 1, true);
            shown.ticket.updated = updated.parse().ok();
            shown.ticket.title = Some(title.to_owned());
            PackedPage::new(vec![shown])
        };
        let after = |known: &str, page: PackedPage| {
            let path = folder.path().join("r.sqlite");
            Replica::delete(&path).unwrap();
            let mut replica = Replica::open(&path).unwrap();
            replica.keep_fact("system", "incidentiq").unwrap();
            replica.store(&first(known), None).unwrap();
            replica.store(&page, None).unwrap();
            tickets(&replica).remove(0).title.unwrap()
        };
        // From 06:00 to 08:00 the clocks there show 01:00 to 02:00 twice.
        let (known, later) = ("2024-11-03T06:50:00Z", "2024-11-03T06:10:00Z");
        assert_eq!(after(known, page("new", later)), "old");
        let now: Timestamp = "2024-11-03T09:00:00Z".parse().unwrap();
        let read =
            |zone: Option<&TimeZone>, is_latest| page("new", later).read(is_latest, zone, now);
        assert_eq!(after(known, read(Some(&zone), false)), "new");
        assert_eq!(after(known, read(None, true)), "new");
        // Any other hour is what it says.
        let ordinary = page("new", "2024-11-02T06:10:00Z").read(false, Some(&zone), now);
        assert_eq!(after("2024-11-02T06:50:00Z", ordinary), "old");
    }

    #[test]
    fn a_change_that_lay_in_the_future_hides_none_that_came_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.sqlite");
        let page = |title: &str, updated: Option<&str>, read_at: &str| {
            let mut shown = shown("a", 1, 1, true);
            shown.ticket.updated = updated.map(|at| at.parse().unwrap());
            shown.ticket.title = Some(title.to_owned());
            PackedPage::new(vec![shown]).read(false, None, read_at.parse().unwrap())
        };
        let after = |pages: &[PackedPage]| {
            Replica::delete(&path).unwrap();
            for page in pages {
                // Each page comes in an export of its own.
                let mut replica = Replica::open(&path).unwrap();
                replica.keep_fact("system", "incidentiq").unwrap();
                replica.store(page, None).unwrap();
            }
            let replica = Replica::open(&path).unwrap();
            tickets(&replica).remove(0).title.unwrap()
        };
        let (monday, tuesday) = ("2024-06-03T09:00:00Z", "2024-06-04T09:00:00Z");
        let (wednesday, friday) = ("2024-06-05T09:00:00Z", "2024-06-07T09:00:00Z");
        let ahead = || page("old", Some(friday), monday);
        // It still lies ahead when the next page is read, or has come meanwhile.
        for read_at in [wednesday, "2024-06-08T09:00:00Z"] {
            let edited = page("new", Some(tuesday), read_at);
            assert_eq!(after(&[ahead(), edited]), "new", "{read_at}");
        }
        // From then on its date counts again.
        let edited = || page("edited", Some(wednesday), friday);
        let late = || page("late", Some(tuesday), friday);
        assert_eq!(after(&[ahead(), edited(), late()]), "edited");
        assert_eq!(after(&[edited(), late()]), "edited");
        // Who was changed at no known time is as it is shown.
        assert_eq!(after(&[edited(), page("new", None, friday)]), "new");
    }

    fn first(updated: &str) -> PackedPage {
        let mut shown = shown("a", 1, 1, true);
        shown.ticket.updated = updated.parse().ok();
        shown.ticket.title = Some("old".to_owned());
        PackedPage::new(vec![shown])
    }

    #[test]
    fn a_replica_of_another_form_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.sqlite");
        std::fs::write(
            &path,
            b"no database at all, but long enough to be looked at",
        )
        .unwrap();
        let replica = Replica::open(&path).unwrap();
        assert_eq!(replica.count(Span::default()).unwrap(), 0);
    }
}
