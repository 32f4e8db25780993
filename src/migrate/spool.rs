//! The spool: the chosen tickets of a source as JSON lines in the state folder, the input of an import.
//!
//! It is written anew by each pass and takes its place whole, so that a pass never reads half of one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::held::Parts;
use super::record::{COMMENTS, WAS_CLOSED, record};
use crate::error::{Error, Result};
use crate::ledger::private_folder;
use crate::mapping::OLDER;
use crate::outfile::{self, Draft, Readers};
use crate::source::MOST_RECORD;
use crate::systems::Standing;
use crate::systems::common::CommonTicket;

/// A comment is an older one when it was that old at the first pass.
const RECENT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The folder of the spools within the state folder.
const FOLDER: &str = "migrate";

/// What a pass has found in the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tickets in the spool.
    pub tickets: u64,
    /// How many of them are closed.
    pub closed: u64,
    /// What was said on them.
    pub comments: u64,
    /// How many of those are internal.
    pub internal: u64,
    /// The files that hang on them.
    pub files: u64,
    /// How many bytes these have, as far as the source tells.
    pub bytes: u64,
    /// Tickets that are deleted in the source and are left out.
    pub deleted: u64,
    /// Tickets that are too large for a record and are left out, by number or id.
    pub too_large: Vec<String>,
    /// Of which fields the source does not show everything: the field and why, and for how many tickets.
    pub not_shown: BTreeMap<(String, String), u64>,
    /// How many tickets have what a target may have no field for.
    pub parts: Parts,
}

/// Where the spool of a source and a target is; one for each pair of profiles, and one for their rehearsals: what a dry run
/// reads takes nothing from a run that is under way or failed.
pub fn path(state: &Path, from: &str, to: &str, is_rehearsal: bool) -> PathBuf {
    let safe = |name: &str| -> String {
        let safe = |sign: char| match sign.is_ascii_alphanumeric() || "-_.".contains(sign) {
            true => sign,
            false => '-',
        };
        name.chars().map(safe).collect()
    };
    let ending = if is_rehearsal { ".rehearsal" } else { "" };
    let name = format!("{}-to-{}{ending}.jsonl", safe(from), safe(to));
    state.join(FOLDER).join(name)
}

/// A spool on its way.
pub struct Spool {
    draft: Draft,
    path: PathBuf,
    tenant: String,
    counts: Counts,
    /// The tickets that an earlier pass has found closed, and those that this one does.
    closed: BTreeSet<Digest>,
    /// Where they are kept, a digest a line: the next pass may choose other tickets.
    remembers: Option<PathBuf>,
    /// Before which moment a comment is an older one, where that counts.
    older: Option<Timestamp>,
}

/// An id in few bytes: there may be very many.
type Digest = [u8; 16];

fn digest(id: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    digest
}

/// The tickets that the spool of an earlier pass holds as closed, or as closed before. One that cannot be read, or is of
/// another tenant, knows none.
fn closed_before(path: &Path, tenant: &str) -> BTreeSet<Digest> {
    #[derive(serde::Deserialize)]
    struct Kept {
        source: String,
        id: String,
        standing: String,
        #[serde(default)]
        was_closed: bool,
    }
    let remembered = std::fs::read_to_string(kept_closed(path, tenant)).unwrap_or_default();
    let mut closed: BTreeSet<Digest> = remembered.lines().filter_map(unhex).collect();
    let Ok(file) = File::open(path) else {
        return closed;
    };
    let lines = BufReader::new(file).lines().map_while(std::io::Result::ok);
    let kept = lines.filter_map(|line| serde_json::from_str::<Kept>(&line).ok());
    let kept =
        kept.filter(|kept| kept.source == tenant && (kept.was_closed || kept.standing == "closed"));
    closed.extend(kept.map(|kept| digest(&kept.id)));
    closed
}

/// Where it is kept which tickets of a tenant the passes have found closed.
fn kept_closed(passes: &Path, tenant: &str) -> PathBuf {
    passes.with_extension(format!("{}.closed", tenant_print(tenant)))
}

fn tenant_print(tenant: &str) -> String {
    let of = blake3::hash(tenant.as_bytes()).to_hex();
    of[..8].to_owned()
}

/// Marks the comments of a record that are older. One without a time stands where it stands: it is as old as the one before.
fn mark_older(record: &mut Map<String, Value>, ticket: &CommonTicket, older: Timestamp) {
    let Some(Value::Array(comments)) = record.get_mut(COMMENTS) else {
        return;
    };
    let mut is_older = true;
    for (said, comment) in ticket.comments.iter().zip(comments) {
        is_older &= said.at.is_none_or(|at| at < older);
        if is_older && let Some(comment) = comment.as_object_mut() {
            comment.insert(OLDER.to_owned(), Value::Bool(true));
        }
    }
}

fn hex(digest: &Digest) -> String {
    format!("{:032x}", u128::from_be_bytes(*digest))
}

fn unhex(line: &str) -> Option<Digest> {
    let digest = u128::from_str_radix(line, 16).ok()?;
    Some(digest.to_be_bytes())
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Spool {
    /// Begins a spool of the tickets of a tenant; of a rehearsal it is read what the passes have found, and nothing kept.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(path: &Path, tenant: &str, passes: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        let draft = Draft::beside(path, Readers::Owner);
        Ok(Self {
            draft: draft.map_err(|error| unwritable(path, error))?,
            path: path.to_owned(),
            tenant: tenant.to_owned(),
            counts: Counts::default(),
            closed: closed_before(passes, tenant),
            remembers: (path == passes).then(|| kept_closed(passes, tenant)),
            older: None,
        })
    }

    /// Marks comments that are older than a day; without one, than 90 days before the first pass. That moment is kept from the
    /// first pass on: what was sent by itself is never taken into a note later.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn mark_older(&mut self, before: Option<Date>, passes: &Path) -> Result<()> {
        let path = passes.with_extension(format!("{}.first", tenant_print(&self.tenant)));
        let given = before.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        let kept = std::fs::read_to_string(&path).ok();
        let kept = kept.and_then(|text| text.trim().parse::<Timestamp>().ok());
        let now = Timestamp::now();
        let older = match (kept, given) {
            (Some(kept), _) => kept,
            (None, Some(day)) => day.timestamp(),
            (None, None) => now.checked_sub(RECENT).unwrap_or(now),
        };
        if kept.is_none() && self.remembers.is_some() {
            outfile::replace(&path, older.to_string().as_bytes(), Readers::Owner)
                .map_err(|error| unwritable(&path, error))?;
        }
        self.older = Some(older);
        Ok(())
    }

    /// Adds a ticket.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, ticket: &CommonTicket) -> Result<()> {
        if ticket.standing == Standing::Gone {
            self.counts.deleted += 1;
            return Ok(());
        }
        let mut record = record(ticket, &self.tenant);
        if let Some(older) = self.older {
            mark_older(&mut record, ticket, older);
        }
        // True from the pass that finds it closed: else every later pass would take the ticket for a changed one.
        let was_closed =
            ticket.standing == Standing::Closed || self.closed.contains(&digest(&ticket.id));
        record.insert(WAS_CLOSED.to_owned(), was_closed.into());
        if was_closed {
            self.closed.insert(digest(&ticket.id));
        }
        let mut line = Value::Object(record).to_string();
        if line.len() >= MOST_RECORD {
            let name = ticket.number.as_ref().unwrap_or(&ticket.id);
            self.counts.too_large.push(name.clone());
            return Ok(());
        }
        line.push('\n');
        let written = self.draft.write_all(line.as_bytes());
        written.map_err(|error| unwritable(&self.path, error))?;
        self.count(ticket);
        Ok(())
    }

    fn count(&mut self, ticket: &CommonTicket) {
        let counts = &mut self.counts;
        counts.tickets += 1;
        counts.closed += u64::from(ticket.standing == Standing::Closed);
        counts.comments += ticket.comments.len() as u64;
        let internal = ticket
            .comments
            .iter()
            .filter(|said| said.public == Some(false));
        counts.internal += internal.count() as u64;
        counts.parts.count(ticket);
        counts.files += ticket.attachments.len() as u64;
        let bytes = ticket.attachments.iter().filter_map(|file| file.bytes);
        counts.bytes += bytes.sum::<u64>();
        for hidden in &ticket.not_shown {
            let why = (hidden.field.to_string(), hidden.why.clone());
            *counts.not_shown.entry(why).or_default() += 1;
        }
    }

    /// Gives the file its name; what stands in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<Counts> {
        if let Some(path) = &self.remembers {
            let lines = self.closed.iter().map(|one| hex(one) + "\n");
            let text: String = lines.collect();
            outfile::replace(path, text.as_bytes(), Readers::Owner)
                .map_err(|error| unwritable(path, error))?;
        }
        let whole = self.draft.whole();
        let whole = whole.map_err(|error| unwritable(&self.path, error))?;
        let placed = whole.replace(&self.path);
        placed.map_err(|error| unwritable(&self.path, error))?;
        Ok(self.counts)
    }
}

fn unwritable(path: &Path, error: impl Into<std::io::Error>) -> Error {
    Error::machine("the tickets of the source cannot be kept")
        .at(path.display())
        .caused_by(error.into())
        .hint("make room in the state folder, or name another one with --state DIR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::SystemName;

    fn ticket(id: &str, standing: Standing, text: &str) -> CommonTicket {
        CommonTicket {
            standing,
            description: Some(text.to_owned()),
            ..CommonTicket::new(SystemName::ClearFeed, id.to_owned())
        }
    }

    #[test]
    fn a_ticket_that_was_closed_is_known_in_all_later_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "north", "south", false);
        let pass = |tenant: &str, standing| {
            let mut spool = Spool::create(&path, tenant, &path).unwrap();
            spool.add(&ticket("1", standing, "one")).unwrap();
            spool.finish().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let record: Value = serde_json::from_str(&text).unwrap();
            record[WAS_CLOSED].as_bool().unwrap()
        };
        assert!(!pass("acme", Standing::Open));
        assert!(pass("acme", Standing::Closed));
        assert!(pass("acme", Standing::Closed));
        assert!(pass("acme", Standing::Open));
        assert!(pass("acme", Standing::Open));
        assert!(!pass("other", Standing::Open));
        // A pass over other tickets, and a rehearsal, forget nothing.
        assert!(pass("acme", Standing::Open));
        let rehearsal = super::path(folder.path(), "north", "south", true);
        let mut spool = Spool::create(&rehearsal, "acme", &path).unwrap();
        spool.add(&ticket("1", Standing::Open, "one")).unwrap();
        spool.finish().unwrap();
        let text = std::fs::read_to_string(&rehearsal).unwrap();
        assert!(text.contains("\"was_closed\":true"), "{text}");
    }

    #[test]
    fn which_comments_are_older_is_the_same_in_all_later_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "north", "south", false);
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        let said = |at: Option<&str>| crate::systems::common::Comment {
            author: None,
            at: at.map(|at| at.parse().unwrap()),
            public: None,
            text: "x".to_owned(),
        };
        let pass = |before: Option<Date>| -> Vec<bool> {
            let mut spool = Spool::create(&path, "acme", &path).unwrap();
            spool.mark_older(before, &path).unwrap();
            let comments = [
                said(Some("2024-01-01T00:00:00Z")),
                said(None),
                said(Some("2026-01-02T00:00:00Z")),
                said(Some("2024-01-03T00:00:00Z")),
            ];
            let ticket = CommonTicket {
                comments: comments.to_vec(),
                ..ticket("1", Standing::Open, "one")
            };
            spool.add(&ticket).unwrap();
            spool.finish().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let record: Value = serde_json::from_str(&text).unwrap();
            let comments = record[COMMENTS].as_array().unwrap();
            comments
                .iter()
                .map(|it| it[OLDER] == Value::Bool(true))
                .collect()
        };
        let expected = [true, true, false, false];
        assert_eq!(pass(day("2026-01-01")), expected);
        // What the mapping says later takes nothing into a note that was sent by itself.
        assert_eq!(pass(day("2026-12-01")), expected);
        assert_eq!(pass(None), expected);
    }

    #[test]
    fn a_spool_holds_a_line_a_ticket_and_counts_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "sandbox:clearfeed", "district", false);
        assert_eq!(
            path.strip_prefix(folder.path()).unwrap(),
            Path::new("migrate/sandbox-clearfeed-to-district.jsonl")
        );
        let mut spool = Spool::create(&path, "acme", &path).unwrap();
        let huge = "x".repeat(MOST_RECORD);
        for ticket in [
            ticket("1", Standing::Open, "one"),
            ticket("2", Standing::Gone, "two"),
            ticket("3", Standing::Closed, &huge),
            ticket("4", Standing::Closed, "four"),
        ] {
            spool.add(&ticket).unwrap();
        }
        assert!(!path.exists());
        let counts = spool.finish().unwrap();
        assert_eq!((counts.tickets, counts.closed, counts.deleted), (2, 1, 1));
        assert_eq!(counts.too_large, ["3"]);
        let text = std::fs::read_to_string(&path).unwrap();
        let ids: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|record| record["id"].clone())
            .collect();
        assert_eq!(ids, ["1", "4"]);
    }
}
