//! Tickets that say the same as one of ours, where no reference tells whose they are (`marker = "none"`): a system may make
//! a ticket twice for one request, and answers with one of them.
//!
//! At the end of a run whose rows bear no reference, what was created since they were sent is listed once. A ticket that
//! nobody knows, with the title and the text of a row, in the same collection or product and made at the same time, is
//! possibly a duplicate. Both are named, and people look: it may be somebody's own. It is none where a row of the same
//! content has no ticket: then it may be that row's, which is said where the system refused it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::context::RunContext;
use super::engine::Engine;
use super::intended::INTENT_LASTS;
use super::lookout::name_of;
use super::retry::Backoff;
use crate::error::{ErrorKind, Result};
use crate::html;
use crate::ledger::{Fate, SentSince, Unmarked};
use crate::mapping::reference::group_of;
use crate::record::RowKey;
use crate::systems::{Gap, Listed, SLACK, Standing, TITLE, Ticket, Window, text_print, words};

/// How far the days of a site may be from those of UTC, where its zone is not known.
const FURTHEST_ZONE: SignedDuration = SignedDuration::from_hours(14);
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// A ticket that is possibly a duplicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twin {
    /// The row that says the same.
    key: RowKey,
    /// What became of its create.
    fate: Fate,
    /// The ticket that it made, or may have made; `None` where it is not supposed to have made any.
    own: Option<Ticket>,
    /// The one that nobody knows.
    other: Ticket,
}

/// What a look brought.
#[derive(Debug, Default)]
pub(super) struct Alike {
    twins: Vec<Twin>,
    /// Why the listing is not whole.
    gap: Option<Gap>,
}

/// Looks for tickets that say the same as those of rows that were sent lately, or by a run that did not come to its end.
///
/// # Errors
/// When the ledger cannot be read; a listing that cannot be had is the inner error.
pub(super) async fn alike(
    context: &RunContext,
    commit_within: Duration,
    long: Duration,
) -> Result<std::result::Result<Alike, String>> {
    let long = SignedDuration::try_from(long).unwrap_or(SignedDuration::MAX);
    let before = |at: Timestamp| at.checked_sub(long).unwrap_or(Timestamp::MIN);
    let offset = Offset::of(context);
    let since = SentSince {
        theirs: before(context.surely()),
        ours: before(context.now().checked_sub(offset.0).unwrap_or(context.now())),
    };
    let rows = context.run.unmarked(since).await?;
    let earliest = rows.iter().flat_map(|row| offset.spans(row)).min();
    let Some((from, _)) = earliest else {
        return Ok(Ok(Alike::default()));
    };
    let (mut shown, gap) = match list(context, from).await {
        Ok(listed) => listed,
        Err(why) => return Ok(Err(why)),
    };
    let late = SignedDuration::try_from(INTENT_LASTS + commit_within);
    let late = late.unwrap_or(SignedDuration::MAX).saturating_add(SLACK);
    let rows = Rows::new(rows, offset, late, &shown);
    shown.retain(|one| rows.concerns(one));
    let ids = shown.iter().map(|one| one.ticket.id.clone());
    let held = context.owners(ids.collect()).await?;
    shown.retain(|one| !held.contains_key(&one.ticket.id));
    Ok(Ok(Alike {
        twins: rows.twins(shown),
        gap,
    }))
}

/// How far the system's clock is from ours.
#[derive(Debug, Clone, Copy)]
struct Offset(SignedDuration);

impl Offset {
    fn of(context: &RunContext) -> Self {
        let ours = context.ours();
        Self(ours.map_or(SignedDuration::ZERO, |ours| {
            context.now().duration_since(ours)
        }))
    }

    /// When a create can have been sent, by each of the clocks.
    fn spans(self, row: &Unmarked) -> impl Iterator<Item = (Timestamp, Timestamp)> + use<> {
        let (from, until) = row.sent;
        let other = match (row.by_ours, row.print.as_ref().and_then(|print| print.ours)) {
            (true, _) => from
                .checked_add(self.0)
                .ok()
                .zip(until.checked_add(self.0).ok()),
            (false, Some(ours)) => {
                let lasted = until.duration_since(from);
                Some(ours).zip(ours.checked_add(lasted).ok())
            }
            (false, None) => None,
        };
        std::iter::once((from, until)).chain(other)
    }
}

/// Lists what was created since, a few times when it does not work.
async fn list(
    context: &RunContext,
    since: Timestamp,
) -> std::result::Result<(Vec<Shown>, Option<Gap>), String> {
    // A system that filters by whole days does so by its own, where it tells its zone.
    let is_vague = context.system.window_days().is_some() && context.system.site_zone().is_none();
    let wider = if is_vague { FURTHEST_ZONE } else { SLACK };
    let mut backoff = Backoff::repeat();
    loop {
        let now = context.now_at_the_latest().max(since);
        let window = Window {
            from: since.checked_sub(wider).unwrap_or(Timestamp::MIN),
            to: now.checked_add(A_DAY).unwrap_or(Timestamp::MAX),
        };
        let mut shown = Vec::new();
        let mut page = |listed: Vec<Listed>| shown.extend(listed.iter().map(Shown::of));
        let permit = context.limiter.as_ref();
        match context.system.list_created(window, permit, &mut page).await {
            Ok(end) => return Ok((shown, end.gap)),
            Err(error) => match backoff.next() {
                Some(wait) if error.kind() != ErrorKind::Denied => sleep(wait).await,
                _ => return Err(error.to_string()),
            },
        }
    }
}

/// What a ticket says, in eight bytes.
type Look = u64;

fn look(title: &str, text: &str) -> Look {
    let hash = blake3::hash(format!("{title}\n{text}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    Look::from_le_bytes(first)
}

/// A ticket as it was listed.
#[derive(Debug, Clone)]
struct Shown {
    ticket: Ticket,
    created_at: Option<Timestamp>,
    group: String,
    /// Whether it is deleted, or was taken back.
    is_gone: bool,
    /// What it says, in the readings that are possible, as it was shown first.
    looks: Vec<Look>,
}

impl Shown {
    fn of(listed: &Listed) -> Self {
        let title = listed.title().map(words).unwrap_or_default();
        let text = listed.text.as_deref().unwrap_or_default();
        let unlinked = html::unlinked(text);
        let plain = html::to_text(&unlinked);
        let mut looks: Vec<Look> = Vec::new();
        for text in [text, &unlinked, &plain] {
            let look = look(&title, &text_print(text));
            if !looks.contains(&look) {
                looks.push(look);
            }
        }
        Self {
            ticket: Ticket {
                warnings: Vec::new(),
                ..listed.ticket.clone()
            },
            created_at: listed.created_at,
            group: listed.group.clone(),
            is_gone: listed.is_taken_back || listed.standing == Standing::Gone,
            looks,
        }
    }
}

/// The rows, by what they say.
struct Rows {
    all: Vec<Unmarked>,
    by_look: HashMap<Look, Vec<usize>>,
    /// The tickets of rows, and when the system says that they were made.
    own: HashMap<String, Option<Timestamp>>,
    offset: Offset,
    /// How long after a create was sent its ticket may be made.
    late: SignedDuration,
}

impl Rows {
    fn new(all: Vec<Unmarked>, offset: Offset, late: SignedDuration, shown: &[Shown]) -> Self {
        let shown: HashMap<&str, &Shown> =
            (shown.iter()).map(|one| (&*one.ticket.id, one)).collect();
        let mut by_look: HashMap<Look, Vec<usize>> = HashMap::new();
        let mut own = HashMap::new();
        for (at, row) in all.iter().enumerate() {
            let sent = row.print.as_ref().map(|print| {
                let title = print.traits.get(TITLE).map_or("", String::as_str);
                look(title, &print.text)
            });
            let ticket = row.ticket.as_ref();
            let seen = ticket.and_then(|ticket| shown.get(&*ticket.id));
            // What a system rewrites or cuts it does to both.
            let seen_as = seen.and_then(|seen| seen.looks.first().copied());
            let looks: HashSet<Look> = sent.into_iter().chain(seen_as).collect();
            for look in looks {
                by_look.entry(look).or_default().push(at);
            }
            if let Some(ticket) = ticket {
                own.insert(ticket.id.clone(), seen.and_then(|seen| seen.created_at));
            }
        }
        Self {
            all,
            by_look,
            own,
            offset,
            late,
        }
    }

    /// Whether a ticket is there, none of theirs, and says what one of them says.
    fn concerns(&self, shown: &Shown) -> bool {
        !shown.is_gone && !self.own.contains_key(&shown.ticket.id) && !self.like(shown).is_empty()
    }

    /// The rows that say the same and whose ticket can have been made then, the nearest first.
    fn like(&self, shown: &Shown) -> Vec<usize> {
        let rows = shown.looks.iter().filter_map(|look| self.by_look.get(look));
        let mut like: Vec<(SignedDuration, usize)> = (rows.flatten())
            .filter_map(|at| Some((self.apart(&self.all[*at], shown)?, *at)))
            .collect();
        like.sort_unstable();
        like.dedup();
        like.into_iter().map(|(_, at)| at).collect()
    }

    /// How long after the row's ticket, or before it, one was made; `None`: not for the same request.
    fn apart(&self, row: &Unmarked, shown: &Shown) -> Option<SignedDuration> {
        let group = group_of(&row.group);
        if !group.is_empty() && !shown.group.is_empty() && group != shown.group {
            return None;
        }
        let Some(at) = shown.created_at else {
            return Some(SignedDuration::ZERO);
        };
        let own = row
            .ticket
            .as_ref()
            .and_then(|ticket| *self.own.get(&ticket.id)?);
        if let Some(own) = own {
            let apart = at.duration_since(own).abs();
            return (apart <= self.late).then_some(apart);
        }
        let mut spans = self.offset.spans(row);
        let span = spans.find(|(from, until)| {
            let to = until.checked_add(self.late).unwrap_or(Timestamp::MAX);
            (from.checked_sub(SLACK).unwrap_or(Timestamp::MIN)..=to).contains(&at)
        });
        span.map(|(from, _)| at.duration_since(from).abs())
    }

    /// Of tickets that nobody knows those that no row in doubt explains, the earliest first.
    fn twins(&self, mut shown: Vec<Shown>) -> Vec<Twin> {
        shown.sort_by(|one, other| {
            let by = |it: &Shown| (it.created_at, it.ticket.id.clone());
            by(one).cmp(&by(other))
        });
        // The first ticket that may be that of a row which has none is no duplicate.
        let mut explained: HashMap<usize, Ticket> = HashMap::new();
        let mut twins = Vec::new();
        for one in shown {
            let like = self.like(&one);
            let has_ticket = |at: &&usize| self.all[**at].ticket.is_some();
            let twin = |at: &usize, own: Option<&Ticket>| Twin {
                key: self.all[*at].key.clone(),
                fate: self.all[*at].fate,
                own: own.cloned(),
                other: one.ticket.clone(),
            };
            let mut without = like.iter().filter(|at| !has_ticket(at));
            if let Some(at) = without.find(|at| !explained.contains_key(*at)) {
                if self.all[*at].fate == Fate::Refused {
                    twins.push(twin(at, None));
                }
                explained.insert(*at, one.ticket);
            } else if let Some(at) = like.iter().find(has_ticket).or(like.first()) {
                let own = self.all[*at].ticket.as_ref().or(explained.get(at));
                twins.push(twin(at, own));
            }
        }
        twins
    }
}

impl Engine<'_> {
    /// Names what says the same as a ticket of ours.
    pub(super) fn tell_alike(&mut self, alike: std::result::Result<Alike, String>) {
        let alike = match alike {
            Ok(alike) => alike,
            Err(why) => {
                self.fold.totals.unswept = true;
                return self.fold.note(format!(
                    "duplicates may have been missed: the newest tickets could not be listed ({why}); run the same command again"
                ));
            }
        };
        for twin in alike.twins {
            if self.doubles.insert(twin.other.id.clone()) {
                match &twin.own {
                    Some(_) => self.fold.totals.doubles += 1,
                    None => self.fold.totals.unswept = true,
                }
                self.fold.note(twin.to_string());
            }
        }
        if let Some(gap) = alike.gap {
            self.fold.totals.unswept = true;
            self.fold.note(format!(
                "duplicates may have been missed, because the list of tickets is not complete ({gap}): run the same command again"
            ));
        }
    }
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, other) = (&self.key, name_of(&self.other));
        let Some(own) = self.own.as_ref().map(name_of) else {
            return write!(
                f,
                "row `{key}` was refused, but ticket `{other}` says what was sent, and belongs to no row: look whether it was \
                 made all the same before you send the row again"
            );
        };
        match self.fate {
            Fate::Made => write!(
                f,
                "row `{key}`: ticket `{other}` is possibly a duplicate of its ticket `{own}`: both say the same, were made at \
                 the same time, and `{other}` belongs to no row; look at both before you close one"
            ),
            Fate::GivenUp => write!(
                f,
                "row `{key}`: ticket `{other}` is possibly a duplicate of `{own}`, which the row has given up: both say the \
                 same, were made at the same time, and `{other}` belongs to no row; look at both before you close one"
            ),
            Fate::Refused | Fate::Open => write!(
                f,
                "row `{key}` has no ticket as far as is known, and tickets `{own}` and `{other}` both say what was sent: \
                 one of them is possibly a duplicate; look at both before you close one"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
