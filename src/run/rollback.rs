//! A run taken back: each ticket that it made is looked at, and deleted or closed unless somebody has changed it.
//!
//! The intent is durable before a ticket is touched, the outcome after; a rollback that was stopped goes on with the
//! same command. A request whose answer is lost needs no waiting: what it does may be done twice. After a refusal, and
//! where the answer does not show it, the ticket is read. A refusal in a shape that proves nothing may have been obeyed
//! late: such tickets are read once more at the end, when the system can no longer surprise, and only what they show is
//! noted. A ticket of which nobody knows whether it was taken back keeps its intent: until it is settled, its row is in
//! doubt.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::limiter::Limiter;
use super::retry::Backoff;
use super::{Shutdown, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{Rollback, UndoState, Undoable};
use crate::systems::{Listed, Outcome, Reading, Refusal, Standing, System, Window, without_right};

/// A ticket whose last change is no later than this after our own last write was changed by nobody else: systems
/// stamp a little later than they answer.
const SLACK: SignedDuration = SignedDuration::from_secs(1);
/// After so long a ticket that is not there is asked for again.
const ONCE_MORE: Duration = Duration::from_millis(250);
/// How many tickets are read from the ledger at once.
const PAGE: u32 = 500;
/// What a rollback needs.
const RIGHT: &str = "delete or close tickets";
/// So many tickets in a row that lack it: the next ones lack it too.
const MOST_FORBIDDEN: u32 = 3;
/// How often one ticket is tried.
const MOST_THROTTLED: u32 = 50;
/// How often a request goes that is answered with success and whose ticket does not show it.
const MOST_UNSHOWN: u32 = 4;

/// What a rollback is about.
pub struct Taking {
    /// Where the tickets are.
    pub system: Arc<dyn System>,
    /// The run that made them.
    pub rollback: Rollback,
    /// The rate that is kept.
    pub limiter: Arc<Limiter>,
    /// How many tickets are under way at once.
    pub concurrency: usize,
    /// The note that a closed ticket gets.
    pub note: String,
    /// After so long nothing that was sent can surprise any more.
    pub surprise: Duration,
}

/// What came of one ticket.
enum Taken {
    /// This is so, and noted unless nobody knows; the error by which the rollback stops.
    Noted(UndoState, Option<Error>),
    /// It is to be looked at once more: what the answer said, where it was a refusal, and the error by which the rollback
    /// stops.
    Later(Box<Undoable>, Option<String>, Option<Error>),
}

impl Taken {
    /// Why the system refused it.
    fn why(&self) -> Option<&str> {
        match self {
            Self::Noted(UndoState::Refused(why), _) => Some(why),
            Self::Later(_, why, _) => why.as_deref(),
            Self::Noted(..) => None,
        }
    }
}

/// What would become of the tickets of a run.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// Those that would be taken back.
    pub undone: u64,
    /// Those that were changed since, with why.
    pub kept: Vec<(Undoable, String)>,
    /// Those that somebody has deleted.
    pub gone: u64,
    /// Those that the listing did not show: they are looked at one by one.
    pub unseen: u64,
}

impl Taking {
    /// What a rollback would do, by one listing of the time of the run.
    ///
    /// # Errors
    /// When the tickets cannot be listed, or the ledger cannot be read.
    pub async fn forecast(&self, window: Window) -> Result<Forecast> {
        let count = self.rollback.count().await?;
        if count == 0 {
            return Ok(Forecast::default());
        }
        // Page by page beside the listing: a run may have made more tickets than memory holds.
        let (pages, mut listed) = mpsc::unbounded_channel();
        let limiter = self.limiter.as_ref();
        let listing = async move {
            let mut page = |listed: Vec<Listed>| drop(pages.send(listed));
            self.system.list_created(window, limiter, &mut page).await
        };
        let judging = async {
            let (mut forecast, mut seen) = (Forecast::default(), 0);
            while let Some(page) = listed.recv().await {
                seen += self.judge_page(page, &mut forecast).await?;
            }
            forecast.unseen = count.saturating_sub(seen);
            Ok::<_, Error>(forecast)
        };
        let (listing, judging) = tokio::join!(listing, judging);
        listing?;
        let mut forecast = judging?;
        forecast
            .kept
            .sort_by(|(one, _), (other, _)| by_place(one, other));
        Ok(forecast)
    }

    /// Adds what would become of the run's tickets on a page; how many these are.
    async fn judge_page(&self, page: Vec<Listed>, forecast: &mut Forecast) -> Result<u64> {
        let ids = page.iter().map(|listed| listed.ticket.id.clone()).collect();
        let held = self.rollback.among(ids).await?.into_iter();
        let mut held: HashMap<String, Undoable> =
            held.map(|one| (one.ticket.id.clone(), one)).collect();
        let mut seen = 0;
        for ticket in page {
            let Some(one) = held.remove(&ticket.ticket.id) else {
                continue;
            };
            seen += 1;
            match self.judge(&one, &ticket) {
                Some(UndoState::Kept(why)) => forecast.kept.push((one, why)),
                Some(UndoState::Gone | UndoState::Undone) => forecast.gone += 1,
                _ => forecast.undone += 1,
            }
        }
        Ok(seen)
    }

    /// Takes the tickets back; `each` is told of every one.
    ///
    /// # Errors
    /// When the system or the ledger cannot be reached any more: what was done is noted, and the same again goes on.
    pub async fn run(
        &self,
        stop: Stop,
        mut each: impl FnMut(&Undoable, &UndoState),
    ) -> Result<Shutdown> {
        let mut later = Vec::new();
        let ended = self.take_all(&stop, &mut later, &mut each).await;
        if matches!(ended, Ok(Shutdown::Abort)) {
            return ended;
        }
        self.look_again(later, stop.clone(), &mut each).await?;
        ended.map(|going| going.max(*stop.borrow()))
    }

    /// Reads a ticket. That it is not there counts when it is said twice: something before the system may say so once.
    async fn read(&self, one: &Undoable) -> Result<Reading> {
        let permit = self.limiter.as_ref();
        match self.system.read_ticket(&one.ticket.id, permit).await? {
            Reading::Absent => {
                sleep(ONCE_MORE).await;
                self.system.read_ticket(&one.ticket.id, permit).await
            }
            read => Ok(read),
        }
    }

    async fn take_all(
        &self,
        stop: &Stop,
        later: &mut Vec<(Undoable, Option<String>)>,
        each: &mut impl FnMut(&Undoable, &UndoState),
    ) -> Result<Shutdown> {
        let mut after = None;
        while let Some((page, last)) = self.rollback.tickets(after, PAGE).await? {
            after = Some(last);
            let stopping = AtomicBool::new(false);
            let mut under_way = stream::iter(page)
                .take_while(|_| {
                    let goes_on = *stop.borrow() == Shutdown::None
                        && !stopping.load(atomic::Ordering::Relaxed);
                    std::future::ready(goes_on)
                })
                .map(|one| async move {
                    let taken = self.take_back(&one).await?;
                    Ok::<_, Error>((one, taken))
                })
                .buffer_unordered(self.concurrency.max(1));
            let (mut failed, mut forbidden) = (None, 0);
            let mut aborted = stop.clone();
            loop {
                let ended = tokio::select! {
                    ended = under_way.next() => ended,
                    Ok(_) = aborted.wait_for(|going| *going == Shutdown::Abort) => return Ok(Shutdown::Abort),
                };
                match ended {
                    None => break,
                    Some(Ok((one, taken))) => {
                        let lacks_right = taken.why().filter(|why| why.contains(RIGHT));
                        forbidden = lacks_right.map_or(0, |_| forbidden + 1);
                        let denied = lacks_right
                            .filter(|_| forbidden == MOST_FORBIDDEN)
                            .map(denied);
                        let error = match taken {
                            Taken::Noted(state, error) => {
                                each(&one, &state);
                                error.or(denied)
                            }
                            Taken::Later(of, why, error) => {
                                later.push((*of, why));
                                error.or(denied)
                            }
                        };
                        if let Some(error) = error {
                            failed.get_or_insert(error);
                            stopping.store(true, atomic::Ordering::Relaxed);
                        }
                    }
                    // Those under way end first: what they did is noted.
                    Some(Err(error)) => {
                        failed.get_or_insert(error);
                        if failed
                            .as_ref()
                            .is_some_and(|it| it.kind() == ErrorKind::Machine)
                        {
                            break;
                        }
                    }
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
            let going = *stop.borrow();
            if going != Shutdown::None {
                return Ok(going);
            }
        }
        Ok(Shutdown::None)
    }

    /// Reads the tickets once more whose refusal proves nothing, or that somebody else may have changed since, when what was
    /// sent for them must show.
    async fn look_again(
        &self,
        later: Vec<(Undoable, Option<String>)>,
        mut stop: Stop,
        each: &mut impl FnMut(&Undoable, &UndoState),
    ) -> Result<()> {
        if later.is_empty() {
            return Ok(());
        }
        tokio::select! {
            () = sleep(self.surprise) => {}
            Ok(_) = stop.wait_for(|going| *going > Shutdown::None) => {}
        }
        for (of, why) in later {
            let listed = self.read(&of).await?;
            if !of.intended && matches!(listed, Reading::Found(_)) {
                // It shows by now. Nothing was sent for it.
                if *stop.borrow() > Shutdown::None {
                    let why = "the rollback was stopped before its turn".to_owned();
                    each(&of, &UndoState::Unknown(why));
                    continue;
                }
                match self.take_back(&of).await? {
                    Taken::Noted(state, error) => {
                        each(&of, &state);
                        error.map_or(Ok(()), Err)?;
                    }
                    Taken::Later(of, ..) => {
                        let why = "whether it was taken back is not known yet";
                        each(&of, &UndoState::Unknown(why.to_owned()));
                    }
                }
                continue;
            }
            let state = match (listed, why) {
                (listed, Some(why)) => self.undone(&of, listed, &why),
                (Reading::Found(listed), None) => self.judge(&of, &listed).unwrap_or_else(|| {
                    UndoState::Unknown("its request was not answered, and it is there".to_owned())
                }),
                (Reading::Absent, None) => UndoState::Gone,
                (Reading::Another(what) | Reading::Unclear(what), None) => {
                    UndoState::Unknown(format!("it could not be read: {what}"))
                }
            };
            let state = match state {
                UndoState::Refused(why) | UndoState::Kept(why)
                    if *stop.borrow() > Shutdown::None =>
                {
                    UndoState::Unknown(format!("{why}, but its request may still be obeyed"))
                }
                UndoState::Gone if *stop.borrow() > Shutdown::None && self.is_young(&of) => {
                    UndoState::Unknown("it does not show, and may be too young to".to_owned())
                }
                state => state,
            };
            self.note(&of, &state).await?;
            each(&of, &state);
        }
        Ok(())
    }

    /// Notes what became of a ticket. Where nobody knows, the intent stays, and the same command looks anew.
    async fn note(&self, of: &Undoable, state: &UndoState) -> Result<()> {
        match state {
            UndoState::Unknown(_) => Ok(()),
            state => self.rollback.note(of, state.clone()).await,
        }
    }

    /// What a ticket shows after a refusal: that it was taken back all the same, or that it was not.
    fn undone(&self, of: &Undoable, read: Reading, why: &str) -> UndoState {
        match read {
            Reading::Absent => UndoState::Gone,
            Reading::Found(listed) => match self.judge(of, &listed) {
                Some(state @ (UndoState::Undone | UndoState::Gone)) => state,
                // Its first part was obeyed: the ticket is no more what the run made.
                _ if of.intended && self.system.undoes_in_parts() && listed.noted_at.is_some() => {
                    UndoState::Unknown(format!(
                        "{why}, and the ticket bears the note of a rollback"
                    ))
                }
                _ => UndoState::Refused(format!("{why}, and the ticket is there")),
            },
            Reading::Another(what) | Reading::Unclear(what) => {
                UndoState::Unknown(format!("{why}, and it could not be read: {what}"))
            }
        }
    }

    async fn take_back(&self, one: &Undoable) -> Result<Taken> {
        let mut of = one.clone();
        let mut backoff = Backoff::repeat();
        let (mut throttled, mut unshown) = (0, 0);
        // Whether a request may have left, of this rollback or of an earlier one.
        let mut has_left = one.intended;
        // Whether the note of this rollback was answered with success.
        let mut was_noted = false;
        let state = loop {
            let listed = match self.read(one).await? {
                Reading::Found(listed) => listed,
                // What was written a moment ago need not show yet.
                Reading::Absent if self.is_young(&of) => {
                    return Ok(Taken::Later(Box::new(of), None, None));
                }
                Reading::Absent => break UndoState::Gone,
                Reading::Another(what) | Reading::Unclear(what) => {
                    let why = format!("it could not be read: {what}");
                    if has_left {
                        break UndoState::Unknown(why);
                    }
                    if of.intended {
                        self.rollback.withdraw(&of).await?;
                    }
                    // Nothing was learned and nothing was done: the row stays as it was.
                    return Ok(Taken::Noted(UndoState::Refused(why), None));
                }
            };
            let noted = was_noted || listed.noted_at.is_some();
            match self.judge(&of, &listed) {
                // Its note was just taken, and the state with it was not.
                Some(UndoState::Unknown(_)) if was_noted => {}
                // What was sent for it may be obeyed still.
                Some(UndoState::Kept(_) | UndoState::Unknown(_)) if of.intended => {
                    return Ok(Taken::Later(Box::new(of), None, None));
                }
                Some(state) => break state,
                None => {}
            }
            if !of.intended {
                of.was_undone = self.system.is_undone(&listed);
                let was_undone = of.was_undone;
                let state = UndoState::Sending { was_undone };
                self.rollback.note(&of, state).await?;
                of.intended = true;
            }
            self.limiter.take().await;
            let answered = self.system.undo(&one.ticket, &self.note, noted).await;
            has_left |= !matches!(answered.outcome, Outcome::Unsent(_));
            if let Some(left) = answered.spent {
                self.limiter.spent_for(left);
            }
            let is_proven =
                (answered.shape.as_ref()).is_none_or(|shape| self.system.shapes().is_proven(shape));
            match answered.outcome {
                Outcome::Done(_) => {
                    self.limiter.went_through();
                    break UndoState::Undone;
                }
                Outcome::Rejected(refusal) => {
                    let why = format!("{} ({})", refusal.message, refusal.status);
                    let read = self.read(one).await?;
                    match self.undone(&of, read, &why) {
                        UndoState::Refused(_) if !is_proven => {
                            return Ok(Taken::Later(Box::new(of), Some(why), None));
                        }
                        state => break state,
                    }
                }
                Outcome::Forbidden(refusal)
                    if refusal.status != 401 || self.system.admits(self.limiter.as_ref()).await =>
                {
                    let refusal = without_right(RIGHT, refusal);
                    let why = format!("{} ({})", refusal.message, refusal.status);
                    let read = self.read(one).await?;
                    match self.undone(&of, read, &why) {
                        UndoState::Refused(_) if !is_proven => {
                            return Ok(Taken::Later(Box::new(of), Some(why), None));
                        }
                        UndoState::Refused(_) => break UndoState::Refused(why),
                        state => break state,
                    }
                }
                Outcome::Forbidden(Refusal { message: what, .. }) | Outcome::Denied(what) => {
                    let error = denied(&what);
                    if is_proven {
                        let state = UndoState::Refused(what);
                        self.note(&of, &state).await?;
                        return Ok(Taken::Noted(state, Some(error)));
                    }
                    return Ok(Taken::Later(Box::new(of), Some(what), Some(error)));
                }
                // Whether it was done shows on the ticket.
                Outcome::Further if unshown < MOST_UNSHOWN => {
                    self.limiter.went_through();
                    was_noted = true;
                    unshown += 1;
                    // The first look comes at once.
                    if unshown > 1
                        && let Some(wait) = backoff.next()
                    {
                        sleep(wait).await;
                    }
                }
                Outcome::Further => {
                    let why = "the system answers with success, but the ticket does not show it";
                    break UndoState::Unknown(why.to_owned());
                }
                Outcome::Throttled(asked) if throttled < MOST_THROTTLED => {
                    throttled += 1;
                    self.limiter.pause_for(asked);
                }
                Outcome::Throttled(_) => {
                    return Err(unreachable("it refused one request too often as too fast"));
                }
                // It is read before it is tried again: it may have been done.
                Outcome::Unsent(what) | Outcome::InDoubt(what) => match backoff.next() {
                    Some(wait) => sleep(wait).await,
                    None => {
                        if !has_left {
                            self.rollback.withdraw(&of).await?;
                        }
                        return Err(unreachable(&what));
                    }
                },
            }
        };
        self.note(&of, &state).await?;
        Ok(Taken::Noted(state, None))
    }

    /// Whether what the run wrote last on a ticket may be invisible still, by the system's clock or by ours: either may have
    /// been another one then.
    fn is_young(&self, one: &Undoable) -> bool {
        let now = Timestamp::now();
        let theirs = now + self.system.account().clock_offset;
        let surprise = SignedDuration::try_from(self.surprise).unwrap_or(SignedDuration::MAX);
        let is_near = |at: Timestamp, now: Timestamp| after(at, surprise) > now;
        one.written.is_some_and(|written| is_near(written, theirs))
            || is_near(self.rollback.last_heard(), now)
    }

    /// What is settled by looking at a ticket; `None`: it is to be taken back.
    fn judge(&self, one: &Undoable, listed: &Listed) -> Option<UndoState> {
        if one.is_known && !one.intended {
            let why = "named by a person: nobody knows that this run made it".to_owned();
            return Some(UndoState::Kept(why));
        }
        let changed = changed(one, listed);
        // What a rollback has written itself is no change of somebody else's.
        let is_own = one.intended
            && listed
                .noted_at
                .zip(listed.updated_at)
                .is_some_and(|(noted, updated)| updated <= after(noted, SLACK));
        // Where it looked so before, only a later change shows that our request was obeyed.
        let obeyed = !one.was_undone || changed.is_some();
        if one.intended && obeyed && self.system.is_undone(listed) {
            return Some(UndoState::Undone);
        }
        if listed.standing == Standing::Gone {
            return Some(match one.intended {
                true => UndoState::Undone,
                false => UndoState::Gone,
            });
        }
        match changed {
            Some(_) if is_own => None,
            Some(why) if one.intended && self.system.undoes_in_parts() => {
                let why =
                    format!("{why}: by a request of this rollback or an import, or by somebody");
                Some(UndoState::Unknown(why))
            }
            changed => changed.map(UndoState::Kept),
        }
    }
}

/// The order of the input, as far as the ledger tells it.
pub fn by_place(one: &Undoable, other: &Undoable) -> Ordering {
    let key = |one: &Undoable| {
        let place = &one.place;
        (place.file.clone(), place.sheet.clone(), place.row)
    };
    key(one).cmp(&key(other))
}

/// Why a ticket counts as changed since the run wrote it last.
fn changed(one: &Undoable, listed: &Listed) -> Option<String> {
    let Some(updated) = listed.updated_at else {
        return Some("the system does not tell when it was changed last".to_owned());
    };
    let Some(ours) = last_own(one, listed.created_at) else {
        return Some("the system does not tell when it was made".to_owned());
    };
    (updated > after(ours, SLACK)).then(|| {
        format!(
            "changed since, at {} (UTC)",
            updated.strftime("%Y-%m-%d %H:%M:%S")
        )
    })
}

/// When the run wrote on a ticket last, at the latest. By the system's own stamps as far as they go: our clock only tells how
/// long the steps took.
fn last_own(one: &Undoable, made: Option<Timestamp>) -> Option<Timestamp> {
    let Some(made) = made else {
        return one.written;
    };
    let Some((created, written)) = one.created.zip(one.written) else {
        return Some(made);
    };
    let further = written.duration_since(created);
    let ours = after(made, further);
    // It was found later than it was made. A request that was obeyed late counts as somebody's change: then the ticket
    // is kept.
    if one.doubted {
        return Some(made.max(written));
    }
    if further <= SignedDuration::ZERO {
        return Some(ours);
    }
    // The answer to the create may have been read long after the ticket was made: what followed then came as late as it
    // was settled, and no later after the making than after the create was sent.
    let sent = one.sent.unwrap_or(created);
    let latest = after(made, written.duration_since(sent));
    Some(ours.max(written.min(latest)))
}

fn after(at: Timestamp, length: SignedDuration) -> Timestamp {
    at.checked_add(length).unwrap_or(at)
}

fn denied(what: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!("the system does not let us take tickets back: {what}"),
    )
    .hint("give the token's user the right to delete or close tickets, and run the same command again")
}

fn unreachable(what: &str) -> Error {
    Error::new(
        ErrorKind::Unreachable,
        format!("the system cannot be reached: {what}"),
    )
    .hint("run the same command again: it goes on where it was")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        let start: Timestamp = "2026-11-30T08:00:00Z".parse().unwrap();
        start + SignedDuration::from_millis(millis)
    }

    /// Made at 1 s by the system's stamps; which changes of later seconds count as somebody else's.
    fn others(one: &Undoable, seconds: &[i64]) -> Vec<i64> {
        let is_others = |seconds: &&i64| {
            let listed = Listed {
                created_at: Some(at(1_000)),
                updated_at: Some(at(**seconds * 1_000)),
                ..Listed::default()
            };
            changed(one, &listed).is_some()
        };
        seconds.iter().filter(is_others).copied().collect()
    }

    #[test]
    fn an_answer_that_is_read_late_makes_no_change_somebody_elses() {
        // Made at 1 s, answered at 4 s, its further step settled at 5 s.
        let slow = Undoable::at(at(0), at(4_000), at(5_000));
        assert_eq!(others(&slow, &[1, 3, 5, 6, 7, 20]), [7, 20]);
        // Nothing followed: every later change is somebody's, however late the answer was read.
        let alone = Undoable::at(at(0), at(4_000), at(4_000));
        assert_eq!(others(&alone, &[1, 2, 3, 4, 20]), [3, 4, 20]);
        // The system's clock said an hour too much: how long it all took is the bound.
        let hour = 3_600_000;
        let ahead = Undoable::at(at(hour), at(hour + 4_000), at(hour + 5_000));
        assert_eq!(others(&ahead, &[5, 7, 8, 20]), [8, 20]);
        // It said too little: as many further seconds as were counted.
        let behind = Undoable::at(at(-hour), at(4_000 - hour), at(5_000 - hour));
        assert_eq!(others(&behind, &[2, 3, 4, 20]), [4, 20]);
        // Sent at 0 s, made at 1 s, and found by a look at 60 s: who changed it before the look did so.
        let mut found = Undoable::at(at(0), at(60_000), at(0));
        found.doubted = true;
        assert_eq!(others(&found, &[1, 2, 3, 59, 61]), [3, 59, 61]);
    }
}
