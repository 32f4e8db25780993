//! The books against what was said.

use std::collections::BTreeMap;

use serde_json::Value;

use super::books::{Books, Made};
use super::plan::{Marker, Plan};
use super::said::{Claim, Command, tells_of_duplicate};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Wrong {
    /// Said to be done, and not there.
    Lost,
    /// Done twice, and never named.
    Doubled,
    /// Said, and not so; or not said.
    Untrue,
}

/// One wrong thing.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) wrong: Wrong,
    /// The row concerned.
    pub(super) item: Option<usize>,
    pub(super) text: String,
}

/// What came of a sequence.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) faults: Vec<Fault>,
    pub(super) in_doubt: usize,
    pub(super) rejected: usize,
    /// Duplicates that the program named: tickets.
    pub(super) named: usize,
    /// Those of them that no broken assumption excuses.
    pub(super) named_without_excuse: usize,
}

/// Everything that a verdict looks at.
pub(super) struct Case<'a> {
    pub(super) plan: &'a Plan,
    pub(super) books: &'a Books,
    pub(super) commands: &'a [Command],
    /// Whether an assumption was broken on purpose: then duplicates must be named, and no more.
    pub(super) breaks: bool,
    /// Whether what would name a ticket that came too late was hidden meanwhile: its reference, or, under a mapping without
    /// a marker, when it was made.
    pub(super) hides: bool,
    /// Whether the desk hid comments: one of them may be there twice, if the program said that it was sent again.
    pub(super) hides_comments: bool,
    /// Whether the state folder was lost or put back meanwhile.
    pub(super) forgets: bool,
}

impl Case<'_> {
    pub(super) fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        self.exits(&mut verdict);
        self.history(&mut verdict);
        self.ids(&mut verdict);
        self.strays(&mut verdict);
        match self.last() {
            Some(last) => self.rows(last, &mut verdict),
            None => verdict.add(
                Wrong::Untrue,
                None,
                "no import came to its end, so that nothing is said of any row",
            ),
        }
        if !self.breaks {
            verdict.named_without_excuse = verdict.named;
        }
        if self.breaks {
            verdict.faults.retain(|fault| {
                let is_hidden = self.hides && fault.text.ends_with("duplicates named");
                (fault.wrong == Wrong::Doubled && !is_hidden)
                    || fault.text.contains("another row's")
            });
        }
        verdict
    }

    /// The last import: what the program says in the end.
    fn last(&self) -> Option<&Command> {
        let last = self
            .commands
            .iter()
            .rfind(|command| command.line.starts_with("import "))?;
        last.has_outcomes.then_some(last)
    }

    /// Exit codes and sums against the documents.
    fn exits(&self, verdict: &mut Verdict) {
        for command in self.commands {
            if command.stderr.contains("panicked at") {
                verdict.add(Wrong::Untrue, None, &format!("`{}` panicked", command.line));
            }
            let document = command.document();
            if !document["records"].is_number() {
                continue;
            }
            let count = |name: &str| document[name].as_u64().unwrap_or(0);
            let ends = [
                "created", "updated", "known", "skipped", "rejected", "in_doubt", "not_sent",
            ];
            let sum: u64 = ends.into_iter().map(count).sum();
            if sum != count("records") {
                let text = format!("`{}`: the ends do not sum up to the records", command.line);
                verdict.add(Wrong::Untrue, None, &text);
            }
            let changed = document["skipped_because"]["changed"].as_u64().unwrap_or(0);
            let open = count("rejected") + count("in_doubt") + count("incomplete") + changed;
            let stopped = !document["stopped"].is_null();
            if command.code == Some(0) && (open > 0 || stopped) {
                let text = format!("`{}` ends with 0 although not all is done", command.line);
                verdict.add(Wrong::Untrue, None, &text);
            }
        }
    }

    fn key_of(&self, key: &str) -> Option<usize> {
        let row = self.plan.rows.iter().find(|row| row.key == key)?;
        Some(row.item)
    }

    /// What each import said, by the books of its own time.
    fn history(&self, verdict: &mut Verdict) {
        for command in self.commands {
            for (key, claims) in &command.claims {
                let Some(item) = self.key_of(key) else {
                    let text = format!(
                        "`{}` speaks of a row `{key}` that is not there",
                        command.line
                    );
                    verdict.add(Wrong::Untrue, None, &text);
                    continue;
                };
                for claim in claims {
                    self.claim(command, item, claim, verdict);
                }
            }
        }
    }

    fn claim(&self, command: &Command, item: usize, claim: &Claim, verdict: &mut Verdict) {
        let key = &self.plan.rows[item].key;
        if let Some(id) = claim.ticket()
            && !(self.books.by_id(id)).is_some_and(|made| command.took_back(key, &made.number))
        {
            self.is_its_own(&command.line, item, id, verdict);
        }
        let was_there = |made: &&Made| {
            made.item == Some(item)
                && made.at < command.started
                && made.gone_at.is_none_or(|gone| gone > command.ended)
        };
        let there = self.books.tickets.iter().find(was_there);
        if let (Claim::Rejected(why), Some(made)) = (claim, there)
            && !self.held_before(command, item)
            && !self.books.is_denied(made)
        {
            let text = format!(
                "`{}` rejects it ({why}) while {} is there",
                command.line, made.number
            );
            verdict.add(Wrong::Untrue, Some(item), &text);
        }
    }

    /// Whether an upsert knew the ticket: then it is the update that was rejected.
    fn held_before(&self, command: &Command, item: usize) -> bool {
        let key = self.plan.rows.iter().find(|row| row.item == item);
        let Some(key) = key.map(|row| &row.key).filter(|_| self.plan.upsert) else {
            return false;
        };
        let before = self
            .commands
            .iter()
            .filter(|it| it.ended <= command.started);
        // A killed import may have made it known to the ledger without a word.
        before.into_iter().any(|it| it.killed)
            || self.commands.iter().any(|it| {
                let claims = it.claims.get(key).into_iter().flatten();
                claims.into_iter().any(|claim| claim.ticket().is_some())
            })
    }

    fn is_its_own(&self, line: &str, item: usize, id: &str, verdict: &mut Verdict) {
        let text = match self.books.by_id(id) {
            None => format!("`{line}` names the ticket {id}, which does not exist"),
            Some(made) if made.item != Some(item) => {
                format!("`{line}` names another row's ticket {} ({id})", made.number)
            }
            Some(_) => return,
        };
        verdict.add(Wrong::Untrue, Some(item), &text);
    }

    /// What `runs ids` lists.
    fn ids(&self, verdict: &mut Verdict) {
        let mut rows: BTreeMap<String, String> = BTreeMap::new();
        for command in self.commands {
            if !command.line.starts_with("runs ids") {
                continue;
            }
            for line in command.stdout.lines() {
                let Ok(line) = serde_json::from_str::<Value>(line) else {
                    continue;
                };
                let (key, id) = (text(&line, "_key"), text(&line, "_id"));
                if let Some(item) = self.key_of(&key) {
                    self.is_its_own(&command.line, item, &id, verdict);
                }
                let other = rows.insert(id.clone(), key.clone());
                if let Some(other) = other.filter(|other| *other != key) {
                    let text =
                        format!("`runs ids`: {id} is the ticket of `{key}` and of `{other}`");
                    verdict.add(Wrong::Untrue, self.key_of(&key), &text);
                }
            }
        }
    }

    /// Comments on the ticket of another row.
    fn strays(&self, verdict: &mut Verdict) {
        for made in &self.books.tickets {
            let strays = made.comments.iter().filter_map(|comment| comment.note);
            for (item, note) in strays.filter(|(item, _)| Some(*item) != made.item) {
                if self.may_be_taken_for(item, made) {
                    continue;
                }
                let text = format!(
                    "note {item}.{note} is on another row's ticket {}",
                    made.number
                );
                verdict.add(Wrong::Untrue, Some(item), &text);
            }
        }
    }

    /// Whether the desk named the ticket in answer to another row with the same title: docs/delivery.md assumes that it does
    /// not where the ticket's own row never got an answer.
    fn may_be_taken_for(&self, item: usize, made: &Made) -> bool {
        let own = made.item.and_then(|own| self.plan.rows.get(own));
        own.is_some_and(|own| own.title == self.plan.rows[item].title)
            && self.books.is_replayed(made)
    }

    /// Every row in the end.
    fn rows(&self, last: &Command, verdict: &mut Verdict) {
        for row in &self.plan.rows {
            let item = row.item;
            let claims = last
                .claims
                .get(&row.key)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let live = self.books.live(item);
            match claims {
                [] => verdict.add(
                    Wrong::Untrue,
                    Some(item),
                    "nothing is said of it in the end",
                ),
                [claim] => self.end(item, claim, &live, verdict),
                _ => verdict.add(Wrong::Untrue, Some(item), "it has several ends"),
            }
            self.duplicates(item, claims.first(), &live, verdict);
            for made in &live {
                self.follows(item, claims.first(), made, verdict);
            }
        }
    }

    fn end(&self, item: usize, claim: &Claim, live: &[&Made], verdict: &mut Verdict) {
        match claim {
            Claim::Done(id) | Claim::Incomplete(id) => match live.iter().find(|made| made.is(id)) {
                // Its later step is refused because the ticket is gone, which the run says.
                None if self.forgets && matches!(claim, Claim::Incomplete(_)) => {}
                // A ledger that forgets learns of a rollback by its note alone.
                None if self.hides_comments && self.forgets && self.was_noted(id) => {}
                // A rollback was refused as the contract has it, and obeyed.
                None if self.is_undone_and_denied(id) => {}
                None => {
                    let text = format!("it is said to be {id}, which is not there");
                    verdict.add(Wrong::Lost, Some(item), &text);
                }
                Some(made) => {
                    let row = &self.plan.rows[item];
                    let done = matches!(claim, Claim::Done(_));
                    if done && self.plan.upsert && made.title.trim() != row.title.trim() {
                        let text =
                            format!("{} is said to be up to date: `{}`", made.number, made.title);
                        verdict.add(Wrong::Lost, Some(item), &text);
                    }
                }
            },
            Claim::Rejected(why) => {
                verdict.rejected += 1;
                let untold = live.iter().find(|made| !self.books.is_denied(made));
                if let Some(made) = untold.filter(|_| !self.plan.upsert) {
                    let text = format!(
                        "it is rejected in the end ({why}) while {} is there",
                        made.number
                    );
                    verdict.add(Wrong::Untrue, Some(item), &text);
                }
            }
            Claim::InDoubt(_) => verdict.in_doubt += 1,
            Claim::NotSent | Claim::Skipped => {
                let text = format!("in the end it is {claim:?}, with {} tickets", live.len());
                verdict.add(Wrong::Untrue, Some(item), &text);
            }
        }
    }

    fn duplicates(
        &self,
        item: usize,
        claim: Option<&Claim>,
        live: &[&Made],
        verdict: &mut Verdict,
    ) {
        if live.len() < 2 {
            return;
        }
        let held = claim.and_then(Claim::ticket);
        // Of a ticket that the system denied in its own words nobody knows where no reference shows it.
        let is_denied =
            |made: &Made| self.plan.marker == Marker::None && self.books.is_denied(made);
        let extra: Vec<&&Made> = live
            .iter()
            .filter(|made| held.is_none_or(|id| !made.is(id)) && !is_denied(made))
            .collect();
        // Without a ticket of its own, one of them is no duplicate.
        let wanted = extra.len().saturating_sub(usize::from(held.is_none()));
        let named = extra.iter().filter(|made| self.is_named(made)).count();
        verdict.named += named.min(wanted);
        if named < wanted {
            let numbers: Vec<&str> = live.iter().map(|made| made.number.as_str()).collect();
            let text = format!(
                "{} are there, {named} of {wanted} duplicates named",
                numbers.join(", ")
            );
            verdict.add(Wrong::Doubled, Some(item), &text);
        }
    }

    fn is_named(&self, made: &Made) -> bool {
        let mut texts = self.commands.iter().flat_map(Command::texts);
        texts.any(|text| tells_of_duplicate(&text) && made.is_named(&text))
    }

    /// Whether a ticket bears the note of a rollback.
    fn was_noted(&self, id: &str) -> bool {
        let made = self.books.by_id(id);
        made.is_some_and(|made| made.gone_at.is_some() && made.entry["deleted"] != true)
    }

    /// Whether a ticket was rolled back by a request that the desk refused.
    fn is_undone_and_denied(&self, id: &str) -> bool {
        let steps = ["close", "update", "comment", "delete"];
        let fits = |status| (400..500).contains(&status);
        let made = self.books.by_id(id).filter(|made| made.gone_at.is_some());
        made.is_some_and(|made| self.books.denials(made, &steps, fits) > 0)
    }

    /// Whether the program said that a step on the ticket was sent although it may have been before.
    fn was_sent_again(&self, made: &Made) -> bool {
        let mut texts = self.commands.iter().flat_map(Command::texts);
        texts.any(|text| {
            text.contains("an earlier request may have been obeyed") && made.is_named(&text)
        })
    }

    /// Comments and closings.
    fn follows(&self, item: usize, claim: Option<&Claim>, made: &Made, verdict: &mut Verdict) {
        let row = &self.plan.rows[item];
        let is_done = matches!(claim, Some(Claim::Done(id)) if made.is(id));
        for note in 0..row.notes.len() {
            let same = |comment: &&super::books::Comment| comment.note == Some((item, note));
            match made.comments.iter().filter(same).count() {
                0 if is_done => {
                    let text = format!("note {item}.{note} is not on {}", made.number);
                    verdict.add(Wrong::Lost, Some(item), &text);
                }
                0 | 1 => {}
                count if self.hides_comments && self.was_sent_again(made) => {
                    verdict.named += count - 1;
                }
                count => {
                    let text = format!("note {item}.{note} is on {} {count} times", made.number);
                    verdict.add(Wrong::Doubled, Some(item), &text);
                }
            }
        }
        if row.closed && made.closed == 0 && is_done {
            let text = format!("{} was not closed", made.number);
            verdict.add(Wrong::Lost, Some(item), &text);
        }
        // What 429 refused all the same goes again.
        let denied = self
            .books
            .denials(made, &["close", "update"], |status| status == 429);
        if made.closed > u64::from(row.closed) + denied as u64 {
            let text = format!("{} was closed {} times", made.number, made.closed);
            verdict.add(Wrong::Doubled, Some(item), &text);
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

impl Verdict {
    pub(super) fn add(&mut self, wrong: Wrong, item: Option<usize>, text: &str) {
        let text = text.to_owned();
        let same = |fault: &Fault| fault.wrong == wrong && fault.item == item && fault.text == text;
        if !self.faults.iter().any(same) {
            self.faults.push(Fault { wrong, item, text });
        }
    }
}
