//! The comments of a ticket beside those that its row sent.

use jiff::SignedDuration;

use super::talk::{Said, align, has_one_moment_in_order, is_of_one_moment};
use super::text::{Readings, around, beginning};
use super::ticket::{Absent, Judging, called_of, last_write, told};
use super::{Difference, Verdict};
use crate::directory::Kind;
use crate::ledger::{State, StepRecord};
use crate::mapping::FollowingValues;
use crate::report::words::plural;
use crate::run::note_of;
use crate::systems::attach::ATTACH;
use crate::systems::common::{Comment, Named};
use crate::systems::fields::{FieldValue, called};
use crate::systems::{INTERNAL, KIND, Operation, PUBLIC, StepPayload, call_of, is_following_step};

/// The field that stands for comments that the requester does not see.
const NOTES: &str = "internal comments";

/// The field that stands for the order of comments that were made at one moment: some systems show it, some do not.
const ORDER: &str = "order of comments of one moment";

/// Notes that list files as they were in an earlier pass.
#[derive(Default)]
struct Lists<'a> {
    /// Their steps.
    due: Vec<(&'a str, u32)>,
    /// The places at which the ticket shows them.
    left: Vec<usize>,
    /// How many of them it does not show.
    lost: usize,
}

impl<'a> Judging<'a> {
    /// The comments that the row sent, against those of the ticket.
    pub(super) fn talk(&mut self) {
        let is_comment = |step: &&StepPayload| call_of(&step.step) == Operation::Comment.as_str();
        let Lists { due, left, lost } = self.lists();
        let sent: Vec<(&StepPayload, Said)> = (self.expected.steps.iter())
            .filter(is_comment)
            .filter(|step| !due.contains(&(&*step.step, step.ordinal)))
            .map(|step| (step, self.said(step)))
            .filter(|(_, said)| !said.text.read().is_empty())
            .collect();
        let is_whole = self.facts.operation.makes();
        if sent.is_empty() && lost == 0 && !is_whole {
            return;
        }
        let others = self.ticket.comments.iter().enumerate();
        let others = others.filter(|(at, _)| !left.contains(at));
        let shown: Vec<Said> = others.map(|(_, comment)| said_by(comment)).collect();
        self.judged.comments = sent.len() as u64;
        let hidden = self.hidden("comments").map(str::to_owned);
        if shown.iter().any(|said| said.public == Some(false)) {
            self.judged.shown.push(NOTES.to_owned());
        }
        let has_public = sent.iter().any(|(_, said)| said.public != Some(false));
        if let (Some(why), true, true) = (&hidden, has_public, shown.is_empty()) {
            let due = plural(sent.len() as u64, "comment", "comments");
            self.judged.add(
                Difference::new(Verdict::Unreadable, "comments")
                    .expected(due)
                    .note(why.clone()),
            );
            return;
        }
        for _ in 0..lost {
            let missing = Difference::new(Verdict::Missing, "note that lists files").note(
                "it is not among the comments, or says something else than when it was sent"
                    .to_owned(),
            );
            match &hidden {
                Some(why) => self.judged.absent.push(Absent {
                    field: NOTES.to_owned(),
                    why: why.clone(),
                    difference: missing,
                }),
                None => self.judged.add(missing),
            }
        }
        let saids: Vec<Said> = sent.iter().map(|(_, said)| said.clone()).collect();
        let found = align(&saids, &shown, is_whole);
        if has_one_moment_in_order(&found, &shown) {
            self.judged.shown.push(ORDER.to_owned());
        }
        let name = |at: usize| format!("comment {}", at + 1);
        for at in found.missing {
            let note = self.trouble(sent[at].0).or_else(|| hidden.clone());
            let missing = Difference::new(Verdict::Missing, name(at))
                .expected(beginning(saids[at].text.read()))
                .note(note);
            match &hidden {
                Some(why) if saids[at].public == Some(false) => self.judged.absent.push(Absent {
                    field: NOTES.to_owned(),
                    why: why.clone(),
                    difference: missing,
                }),
                _ => self.judged.add(missing),
            }
        }
        let may_be_order = !found.moved.is_empty() && is_of_one_moment(&saids, &shown, is_whole);
        for (at, other) in found.moved.iter().copied() {
            let moved = Difference::new(Verdict::OutOfOrder, name(at))
                .expected(format!("in place {}", at + 1))
                .found(format!("in place {}", other + 1))
                .note(beginning(saids[at].text.read()));
            match may_be_order {
                true => self.judged.absent.push(Absent {
                    field: ORDER.to_owned(),
                    why: "the system shows none".to_owned(),
                    difference: moved,
                }),
                false => self.judged.add(moved),
            }
        }
        for (at, other) in found.changed.iter().copied() {
            let (due, shown) = around(saids[at].text.read(), shown[other].text.read());
            self.judged.add(
                Difference::new(Verdict::Differs, format!("{} text", name(at)))
                    .expected(due)
                    .found(shown),
            );
        }
        let pairs = found.pairs.iter().chain(&found.moved).chain(&found.changed);
        for (at, other) in pairs.copied() {
            self.about(&name(at), &saids[at], &shown[other]);
        }
        if !is_whole {
            return;
        }
        for (other, repeats) in found.extra {
            self.extra(&shown[other], repeats);
        }
    }

    /// The notes that list files and that the mapping would not write so any more: a later pass found files added or deleted.
    /// They are known by what the ledger keeps of them.
    fn lists(&self) -> Lists<'a> {
        let mut lists = Lists::default();
        let notes: Vec<String> = (self.steps.iter())
            .filter(|step| call_of(&step.id.name) == ATTACH)
            .map(|step| note_of(&step.id))
            .collect();
        for step in self.steps {
            let Some(print) = &step.print else { continue };
            let id = (&*step.id.name, step.id.ordinal);
            if step.state != State::Done || !notes.contains(&step.id.name) {
                continue;
            }
            let due = self.expected.steps.iter();
            let due = due.filter(|it| (&*it.step, it.ordinal) == id);
            if due
                .map(|it| self.said(it))
                .any(|said| print.is_text(said.text.read()))
            {
                continue;
            }
            lists.due.push(id);
            let mut shown = self.ticket.comments.iter().enumerate();
            let is_it =
                |(at, it): &(usize, &Comment)| !lists.left.contains(at) && print.is_text(&it.text);
            match shown.find(is_it) {
                Some((at, _)) => lists.left.push(at),
                None => lists.lost += 1,
            }
        }
        lists
    }

    /// Who said a comment, when, and who sees it.
    fn about(&mut self, name: &str, sent: &Said, shown: &Said) {
        let word = |public: bool| if public { PUBLIC } else { INTERNAL };
        match (sent.public, shown.public) {
            (Some(due), Some(found)) if due != found => self.judged.add(
                Difference::new(Verdict::Differs, format!("{name} visibility"))
                    .expected(word(due).to_owned())
                    .found(word(found).to_owned()),
            ),
            (Some(_), None) => {
                self.not_shown("visibility of comments", "the system does not show it");
            }
            _ => {}
        }
        if let Some(due) = sent.author.first() {
            match shown.author.iter().any(|one| one.eq_ignore_ascii_case(due)) {
                true => {}
                false if shown.author.is_empty() => {
                    self.not_shown("author of comments", "the system does not show it");
                }
                false => {
                    let entry = self.facts.directory.entry(Kind::User, due);
                    let due = entry.map_or(due.as_str(), |entry| entry.name.as_str());
                    self.judged.add(
                        Difference::new(Verdict::Differs, format!("{name} author"))
                            .expected(due.to_owned())
                            .found(shown.author.last().cloned()),
                    );
                }
            }
        }
        if let Some(due) = sent.at {
            match shown.at {
                // Some systems keep whole seconds.
                Some(at) if at.duration_since(due).abs() < SignedDuration::from_secs(1) => {}
                None => self.not_shown("time of comments", "the system does not show it"),
                Some(at) => self.judged.add(
                    Difference::new(Verdict::Differs, format!("{name} time"))
                        .expected(due.to_string())
                        .found(at.to_string()),
                ),
            }
        }
    }

    /// A comment that the row did not send: one that came later is somebody's work.
    fn extra(&mut self, shown: &Said, repeats: Option<usize>) {
        let difference =
            Difference::new(Verdict::Extra, "comment").found(beginning(shown.text.read()));
        let last = last_write(self.steps);
        let is_later = match (shown.at, last) {
            (Some(at), Some(last)) => at > last + self.facts.slack,
            _ => false,
        };
        let who = shown.author.last().map_or("somebody", String::as_str);
        self.judged.add(match (repeats, is_later, shown.at) {
            (Some(at), ..) => difference.note(format!("it repeats comment {}", at + 1)),
            (None, true, Some(at)) => {
                difference.explained(format!("written by {who} after the run, {at}"))
            }
            _ => difference,
        });
    }

    /// A comment as a step sends it.
    fn said(&self, step: &StepPayload) -> Said {
        let looks = self.facts.schema.looks(call_of(&step.step), &step.body);
        let kind = looks.traits.iter().find(|(name, _)| *name == KIND);
        let following = self.expected.following.iter();
        let is_its = |it: &&FollowingValues| it.step == step.step && it.ordinal == step.ordinal;
        let values: Vec<&FieldValue> = match is_following_step(&step.step) {
            false => self.expected.values.iter().collect(),
            true => following.filter(is_its).flat_map(|it| &it.values).collect(),
        };
        let value = |called: &[&str]| {
            let found = values.iter().find(|value| called_of(value) == called)?;
            found.value.as_str().map(str::to_owned)
        };
        Said {
            text: Readings::sent(&looks.text),
            public: kind.map(|(_, kind)| kind == PUBLIC),
            author: value(called::AUTHOR).into_iter().collect(),
            at: value(called::CREATED).and_then(|at| at.parse().ok()),
        }
    }

    /// What the ledger holds of a step that is not done.
    pub(super) fn trouble(&self, step: &StepPayload) -> Option<String> {
        let is_it =
            |known: &&StepRecord| known.id.name == step.step && known.id.ordinal == step.ordinal;
        match self.steps.iter().find(is_it) {
            Some(known) if known.state == State::Done => None,
            Some(known) => Some(told(known)),
            None => Some("the ledger has no such step: it was not sent".to_owned()),
        }
    }
}

fn said_by(comment: &Comment) -> Said {
    let who = |named: &Named| {
        let parts = [&named.id, &named.email, &named.name];
        parts.into_iter().flatten().cloned().collect()
    };
    Said {
        text: Readings::shown(&comment.text),
        public: comment.public,
        author: comment.author.as_ref().map(who).unwrap_or_default(),
        at: comment.at,
    }
}
