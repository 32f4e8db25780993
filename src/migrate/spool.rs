//! The spool: the chosen tickets of a source as JSON lines in the state folder, the input of an import.
//!
//! It is written anew by each pass and takes its place whole, so that a pass never reads half of one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::held::Parts;
use super::notes::Ours;
use super::record::{COMMENTS, REFERENCES, WAS_CLOSED, record};
use super::reference::{called, list};
use crate::error::{Error, Result};
use crate::ledger::private_folder;
use crate::mapping::OLDER;
use crate::outfile::{self, Draft, Readers};
use crate::source::MOST_RECORD;
use crate::systems::common::{Comment, CommonTicket, NO_NOTES};
use crate::systems::{Standing, SystemName};

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

/// What is said where IncidentIQ shows no internal note at all: it leaves out what a token may not see.
const NONE_INTERNAL: &str = "internal notes may be missing: none is among the comments of any ticket. \
    The role of the token may not see them";

/// What is true of every ticket of a system: its documents say so, and no pass need.
const USUAL: &str = "ClearFeed";

impl Counts {
    /// The fields of which some tickets do not show everything: field, why, and on how many tickets.
    pub fn partial(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        let partial = self.not_shown.iter();
        let partial = partial.map(|((field, why), count)| (&**field, &**why, *count));
        // Who shows some notes keeps none back.
        let is_of_notes = |why: &str| [NO_NOTES, NONE_INTERNAL].contains(&why);
        let is_usual =
            move |why: &str| why.starts_with(USUAL) || (is_of_notes(why) && self.internal > 0);
        partial.filter(move |(_, why, _)| !is_usual(why))
    }

    /// Whether something of the source is not in the spool.
    pub fn is_whole(&self) -> bool {
        self.too_large.is_empty() && self.partial().next().is_none()
    }
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

/// What the passes over a source have left in the state folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The tenants of the source, by whose names references are kept.
    pub tenants: BTreeSet<String>,
    /// Files with texts.
    pub texts: Vec<PathBuf>,
    /// Files with ids, numbers and links, and no text.
    pub small: Vec<PathBuf>,
}

/// Whether a file beside a spool holds no text.
fn is_small(ending: &str) -> bool {
    let notes = [".notes.", ".taken-back."];
    ending.starts_with('.')
        && ([".closed", ".first"]
            .iter()
            .any(|one| ending.ends_with(one))
            || notes.iter().any(|one| ending.starts_with(one)))
}

/// What the passes have left whose spool this input is; nothing where it is none.
pub fn left(state: &Path, input: &Path) -> Left {
    #[derive(serde::Deserialize)]
    struct Kept {
        source: String,
    }
    let own = input.file_name().and_then(|name| name.to_str());
    let stem = own.and_then(|name| name.strip_suffix(".jsonl"));
    let (true, Some(stem)) = (input.parent() == Some(&state.join(FOLDER)), stem) else {
        return Left::default();
    };
    let stem = stem.strip_suffix(".rehearsal").unwrap_or(stem);
    let mut left = Left::default();
    let entries = std::fs::read_dir(state.join(FOLDER)).into_iter().flatten();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match name.strip_prefix(stem) {
            Some(".jsonl" | ".rehearsal.jsonl" | ".earlier.jsonl") => left.texts.push(path),
            Some(rest) if is_small(rest) => left.small.push(path),
            _ => {}
        }
    }
    for path in &left.texts {
        let first = File::open(path).ok().and_then(|file| {
            let mut line = String::new();
            BufReader::new(file).read_line(&mut line).ok()?;
            serde_json::from_str::<Kept>(&line).ok()
        });
        left.tenants.extend(first.map(|kept| kept.source));
    }
    left.texts.sort();
    left.small.sort();
    left
}

/// Where the records of tickets are that an earlier pass has read and the last one has not: runs are verified against them.
fn earlier(passes: &Path) -> PathBuf {
    passes.with_extension("earlier.jsonl")
}

/// The same of an input that is a spool, where there are such records.
pub fn earlier_of(state: &Path, input: &Path) -> Option<PathBuf> {
    let input = input.canonicalize().ok()?;
    let folder = state.join(FOLDER).canonicalize().ok()?;
    Some(earlier(&input)).filter(|path| path.parent() == Some(&folder) && path.exists())
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
    /// What the source calls those of its tickets that descriptions name.
    named: HashSet<String>,
    /// The notes that were left on the tickets of the source.
    ours: Ours,
    /// The tickets that it holds.
    held: HashSet<Digest>,
}

/// An id in few bytes: there may be very many.
type Digest = [u8; 16];

fn digest(id: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    digest
}

fn of_source(tenant: &str, id: &str) -> Digest {
    digest(&format!("{tenant}\n{id}"))
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
            named: HashSet::new(),
            ours: Ours::default(),
            held: HashSet::new(),
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

    /// Lists of each ticket which of these its description names.
    pub fn naming(self, named: HashSet<String>) -> Self {
        Self { named, ..self }
    }

    /// Leaves out these notes of ours.
    pub fn without(self, ours: Ours) -> Self {
        Self { ours, ..self }
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
        let is_ours = |comment: &Comment| self.ours.has(&ticket.id, comment);
        let bare = ticket.comments.iter().any(is_ours).then(|| {
            let mut bare = ticket.clone();
            bare.comments.retain(|comment| !is_ours(comment));
            bare
        });
        let ticket = bare.as_ref().unwrap_or(ticket);
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
        let own = called(
            Some(&ticket.id),
            ticket.number.as_deref(),
            ticket.url.as_deref(),
        );
        let is_other = |name: &str| self.named.contains(name) && !own.iter().any(|it| it == name);
        let text = ticket
            .description
            .as_deref()
            .filter(|_| !self.named.is_empty());
        if let Some(named) = text.and_then(|text| list(text, is_other)) {
            record.insert(REFERENCES.to_owned(), named.into());
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
        self.held.insert(of_source(&self.tenant, &ticket.id));
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
        if ticket.system == SystemName::IncidentIq && !ticket.comments.is_empty() {
            let why = ("comments".to_owned(), NONE_INTERNAL.to_owned());
            *counts.not_shown.entry(why).or_default() += 1;
        }
        for hidden in &ticket.not_shown {
            let why = (hidden.field.to_string(), hidden.why.clone());
            *counts.not_shown.entry(why).or_default() += 1;
        }
    }

    /// Keeps the records of the pass before whose tickets this one does not hold, each once.
    fn keep_earlier(&mut self) -> Result<()> {
        #[derive(serde::Deserialize)]
        struct Kept {
            source: String,
            id: String,
        }
        let path = earlier(&self.path);
        let mut draft =
            Draft::beside(&path, Readers::Owner).map_err(|error| unwritable(&path, error))?;
        let mut is_empty = true;
        for from in [&self.path, &path] {
            let file = match File::open(from) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unwritable(from, error)),
            };
            for line in BufReader::new(file).lines() {
                let line = line.map_err(|error| unwritable(from, error))?;
                let Ok(kept) = serde_json::from_str::<Kept>(&line) else {
                    continue;
                };
                if self.held.insert(of_source(&kept.source, &kept.id)) {
                    let written = writeln!(draft, "{line}");
                    written.map_err(|error| unwritable(&path, error))?;
                    is_empty = false;
                }
            }
        }
        if !is_empty {
            let whole = draft.whole().map_err(|error| unwritable(&path, error))?;
            return (whole.replace(&path)).map_err(|error| unwritable(&path, error));
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(unwritable(&path, error))
            }
            _ => Ok(()),
        }
    }

    /// Gives the file its name; what stands in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<Counts> {
        if self.remembers.is_some() {
            self.keep_earlier()?;
        }
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
    fn what_the_last_pass_has_not_read_is_kept_of_the_passes_before() {
        let folder = tempfile::tempdir().unwrap();
        let own = path(folder.path(), "north", "south", false);
        let pass = |own: &Path, ids: &[&str]| -> Vec<String> {
            let mut spool =
                Spool::create(own, "acme", &path(folder.path(), "north", "south", false)).unwrap();
            for id in ids {
                spool.add(&ticket(id, Standing::Open, "x")).unwrap();
            }
            spool.finish().unwrap();
            let kept = earlier_of(folder.path(), &path(folder.path(), "north", "south", false));
            let text = kept.map_or(String::new(), |path| std::fs::read_to_string(path).unwrap());
            let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].clone();
            let ids = text
                .lines()
                .map(|line| id(line).as_str().unwrap().to_owned());
            ids.collect()
        };
        assert!(pass(&own, &["1", "2", "3"]).is_empty());
        assert_eq!(pass(&own, &["2"]), ["1", "3"]);
        assert_eq!(pass(&own, &["1"]), ["2", "3"]);
        // A rehearsal changes nothing of it.
        let rehearsal = path(folder.path(), "north", "south", true);
        assert_eq!(pass(&rehearsal, &["3"]), ["2", "3"]);
        assert!(pass(&own, &["1", "2", "3", "4"]).is_empty());
    }

    #[test]
    fn which_comments_are_older_is_the_same_in_all_later_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "north", "south", false);
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        let said = |at: Option<&str>| Comment {
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
    fn notes_that_one_ticket_shows_are_kept_back_on_none() {
        let mut counts = Counts {
            not_shown: [
                (("comments".to_owned(), NO_NOTES.to_owned()), 7),
                (("due".to_owned(), "ClearFeed has none".to_owned()), 9),
            ]
            .into(),
            ..Counts::default()
        };
        assert!(!counts.is_whole());
        assert_eq!(counts.partial().count(), 1);
        counts.internal = 1;
        assert!(counts.is_whole());
        counts.too_large.push("7".to_owned());
        assert!(!counts.is_whole());
    }

    #[test]
    fn a_site_that_shows_no_internal_note_may_keep_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "north", "south", false);
        let pass = |publics: &[Option<bool>]| {
            let mut spool = Spool::create(&path, "acme", &path).unwrap();
            for (at, public) in publics.iter().enumerate() {
                let mut ticket = CommonTicket::new(SystemName::IncidentIq, at.to_string());
                ticket.comments.extend(public.map(|public| Comment {
                    author: None,
                    at: None,
                    public: Some(public),
                    text: "x".to_owned(),
                }));
                spool.add(&ticket).unwrap();
            }
            let counts = spool.finish().unwrap();
            let partial = counts
                .partial()
                .map(|(field, _, count)| (field.to_owned(), count));
            (partial.collect::<Vec<_>>(), counts.is_whole())
        };
        let doubt = vec![("comments".to_owned(), 2)];
        assert_eq!(pass(&[Some(true), None, Some(true)]), (doubt, false));
        assert_eq!(pass(&[Some(true), None, Some(false)]), (Vec::new(), true));
        assert_eq!(pass(&[None, None]), (Vec::new(), true));
    }

    #[test]
    fn what_the_passes_have_left_is_found_by_their_spool() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        for (to, is_rehearsal) in [("south", false), ("south", true), ("south-2", false)] {
            let own = path(state, "north", to, is_rehearsal);
            let mut spool = Spool::create(&own, "acme", &path(state, "north", to, false)).unwrap();
            spool.add(&ticket("1", Standing::Closed, "one")).unwrap();
            spool.finish().unwrap();
        }
        std::fs::write(earlier(&path(state, "north", "south", false)), "{}").unwrap();
        let found = left(state, &path(state, "north", "south", false));
        let names = |paths: &[PathBuf]| -> Vec<String> {
            let names = paths.iter().map(|path| path.file_name().unwrap());
            names
                .map(|name| name.to_string_lossy().into_owned())
                .collect()
        };
        assert_eq!(
            names(&found.texts),
            [
                "north-to-south.earlier.jsonl",
                "north-to-south.jsonl",
                "north-to-south.rehearsal.jsonl"
            ]
        );
        assert_eq!(found.small.len(), 1, "{found:?}");
        assert_eq!(found.tenants, BTreeSet::from(["acme".to_owned()]));
        // A file of somebody is none, wherever it lies.
        assert_eq!(
            left(state, Path::new("north-to-south.jsonl")),
            Left::default()
        );
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
