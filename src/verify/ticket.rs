//! One ticket beside what is due: its texts, its fields, its state and its conversation.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::count::{Dimension, Facet};
use super::files::Files;
use super::text::{around, is_same, without_reference};
use super::{Difference, Verdict};
use crate::directory::{Directory, Kind};
use crate::ledger::{State, StepRecord, Trouble};
use crate::mapping::reference::in_text;
use crate::mapping::{Expected, FollowingValues};
use crate::systems::common::CommonTicket;
use crate::systems::diff::{Agreement, compared};
use crate::systems::fields::{FieldValue, Target, called};
use crate::systems::{CREATE, Left, Operation, Schema, Standing, TITLE, call_of, is_update_step};

/// What all tickets of a run have in common.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) schema: &'a dyn Schema,
    pub(super) directory: &'a Directory,
    pub(super) operation: Operation,
    /// The folder of the archive of files.
    pub(super) archive: &'a Path,
    /// How long after a request what it did may be dated.
    pub(super) slack: SignedDuration,
}

/// What one ticket came to.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// What differs, and whether a later change of the ticket in the desk may be why.
    pub(super) differences: Vec<(Difference, bool)>,
    /// Fields with something due that the ticket does not show, each with why.
    pub(super) not_shown: Vec<(String, String)>,
    /// What is due and not in the answer: it is empty, or the system never shows it.
    pub(super) absent: Vec<Absent>,
    /// Fields of that kind that the ticket does show.
    pub(super) shown: Vec<String>,
    /// How many comments were compared.
    pub(super) comments: u64,
    /// Where the ticket counts.
    pub(super) facets: Vec<Facet>,
}

/// What is due and not in an answer: a difference, if other tickets show such a thing.
#[derive(Debug)]
pub(super) struct Absent {
    /// What kind of thing it is: the field.
    pub(super) field: String,
    /// Why it need not be a difference.
    pub(super) why: String,
    pub(super) difference: Difference,
}

impl Judged {
    pub(super) fn add(&mut self, difference: Difference) {
        self.differences.push((difference, false));
    }
}

/// When the last of these steps was sent, on the system's clock.
pub(super) fn last_write(steps: &[StepRecord]) -> Option<Timestamp> {
    steps.iter().filter_map(|step| step.sent_at).max()
}

/// Compares a ticket with what is due, as far as its answer tells.
pub(super) fn judge(
    facts: Facts<'_>,
    expected: &Expected,
    steps: &[StepRecord],
    files: &Files,
    ticket: &mut CommonTicket,
) -> Judged {
    ticket.fill_names(facts.directory);
    let mut judging = Judging {
        facts,
        expected,
        steps,
        ticket,
        judged: Judged::default(),
    };
    // Of an upsert it is noted what its create has set: only what was sent since is an update.
    let is_sent = |it: &StepRecord| it.state == State::Done && it.attempt > 0;
    let is_updated = (steps.iter()).any(|it| is_update_step(&it.id.name) && is_sent(it));
    if !is_updated {
        judging.texts();
    }
    judging.fields(is_updated);
    judging.state();
    judging.talk();
    judging.files(files);
    judging.steps();
    judging.judged
}

/// A ticket on its way through the comparison.
pub(super) struct Judging<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) expected: &'a Expected,
    pub(super) steps: &'a [StepRecord],
    pub(super) ticket: &'a CommonTicket,
    pub(super) judged: Judged,
}

impl Judging<'_> {
    pub(super) fn hidden(&self, field: &str) -> Option<&str> {
        let hidden = self.ticket.not_shown.iter().find(|it| it.field == field);
        hidden.map(|it| it.why.as_str())
    }

    pub(super) fn not_shown(&mut self, field: &str, why: &str) {
        let entry = (field.to_owned(), why.to_owned());
        if !self.judged.not_shown.contains(&entry) {
            self.judged.not_shown.push(entry);
        }
    }

    /// The title and the description that the create sent.
    fn texts(&mut self) {
        let Some(create) = self.expected.steps.first().filter(|it| it.step == CREATE) else {
            return;
        };
        let looks = self.facts.schema.looks(CREATE, &create.body);
        let title = looks.traits.iter().find(|(name, _)| *name == TITLE);
        if let Some((_, sent)) = title {
            self.text("title", sent, self.ticket.title.as_deref());
        }
        if looks.text.is_empty() {
            return;
        }
        let shown = self.ticket.description.as_deref();
        let sent = self.described().unwrap_or(&looks.text).to_owned();
        let Some(reference) = self.expected.reference.as_deref() else {
            return self.text("description", &sent, shown);
        };
        if let Some(text) = shown
            && !in_text(text).is(reference)
        {
            let due = format!("Ref: {reference}");
            self.judged.add(
                Difference::new(Verdict::Missing, "reference")
                    .expected(due)
                    .note("nothing but the ledger says whose ticket it is".to_owned()),
            );
        }
        let bare = |text: &str| without_reference(text, reference);
        let shown = shown.map(bare);
        self.text("description", &bare(&sent), shown.as_deref());
    }

    /// The description that a later step has set.
    fn described(&self) -> Option<&str> {
        let is_done = |it: &&FollowingValues| {
            let own = |step: &&StepRecord| step.id.name == it.step && step.id.ordinal == it.ordinal;
            (self.steps.iter().find(own)).is_some_and(|step| step.state == State::Done)
        };
        let following = self.expected.following.iter().rev().filter(is_done);
        let mut values = following.flat_map(|it| &it.values);
        let described = values.find(|value| called_of(value) == called::DESCRIPTION)?;
        described.value.as_str()
    }

    fn text(&mut self, what: &str, sent: &str, shown: Option<&str>) {
        match (shown, self.hidden(what)) {
            (None, Some(why)) => {
                let why = why.to_owned();
                self.not_shown(what, &why);
            }
            (shown, _) if is_same(sent, shown.unwrap_or_default()) => {}
            (shown, _) => {
                let (due, found) = around(sent, shown.unwrap_or_default());
                let found = Some(found).filter(|text| !text.is_empty());
                self.judged.add(
                    Difference::new(Verdict::Differs, what)
                        .expected(due)
                        .found(found),
                );
            }
        }
    }

    /// The values of the row's own fields, and of what follows: the last one of a field counts.
    fn fields(&mut self, is_updated: bool) {
        let own = match is_updated {
            true => &self.expected.later,
            false => &self.expected.values,
        };
        let makes = self.facts.operation.makes();
        let is_text = |value: &&FieldValue| {
            let called = called_of(value);
            makes && !is_updated && (called == called::TITLE || called == called::DESCRIPTION)
        };
        let is_state = |value: &&FieldValue| makes && called_of(value) == called::STATUS;
        let is_own = !matches!(
            self.facts.operation,
            Operation::Comment
                | Operation::Close
                | Operation::SetStatus
                | Operation::Subtask
                | Operation::Attach
        );
        let mut values: Vec<&FieldValue> = Vec::new();
        let own = own
            .iter()
            .filter(|value| is_own && !is_text(value) && !is_state(value));
        let following = self
            .expected
            .following
            .iter()
            .filter(|it| matches!(it.operation, Operation::Assign | Operation::Update));
        let following = following
            .flat_map(|it| &it.values)
            .filter(|value| !is_text(value));
        for value in own.chain(following) {
            values.retain(|other| place_of(other) != place_of(value));
            values.push(value);
        }
        let values: Vec<FieldValue> = values.into_iter().cloned().collect();
        for (value, one) in values
            .iter()
            .flat_map(|value| {
                let one = compared(
                    self.ticket,
                    std::slice::from_ref(value),
                    self.facts.directory,
                );
                one.into_iter().map(move |one| (value, one))
            })
            .collect::<Vec<_>>()
        {
            self.facet(value, &one.is, one.wanted.as_deref(), one.now.as_deref());
            if self.ticket.other.contains_key(&one.field) {
                self.judged.shown.push(one.field.clone());
            }
            let difference = || {
                Difference::new(Verdict::Differs, one.field.clone())
                    .expected(one.wanted.clone())
                    .found(one.now.clone())
            };
            match &one.is {
                Agreement::Same => {}
                Agreement::Other => self.judged.differences.push((difference(), true)),
                Agreement::Absent => self.judged.absent.push(Absent {
                    field: one.field.clone(),
                    why: "no ticket shows it".to_owned(),
                    difference: difference(),
                }),
                Agreement::NotShown(why) => self.not_shown(&one.field, why),
            }
        }
    }

    /// Where the ticket counts by this field.
    fn facet(
        &mut self,
        value: &FieldValue,
        is: &Agreement,
        wanted: Option<&str>,
        now: Option<&str>,
    ) {
        if matches!(is, Agreement::NotShown(_)) {
            return;
        }
        let called = called_of(value);
        if called == called::TAGS {
            let due = texts(&value.value);
            let found = self.ticket.tags.clone();
            self.judged
                .facets
                .extend(due.into_iter().map(Facet::due(Dimension::Tag)));
            self.judged
                .facets
                .extend(found.into_iter().map(Facet::found(Dimension::Tag)));
            return;
        }
        let dimension = match called {
            called::LOCATION => Dimension::Location,
            called::ASSIGNEE => Dimension::Assignee,
            _ => return,
        };
        let now = match is {
            Agreement::Same => wanted,
            _ => now,
        };
        let due = wanted.map(str::to_owned).map(Facet::due(dimension));
        let found = now.map(str::to_owned).map(Facet::found(dimension));
        self.judged.facets.extend(due.into_iter().chain(found));
    }

    /// The state in which the requests leave the ticket.
    fn state(&mut self) {
        let operation = self.facts.operation;
        let schema = self.facts.schema;
        let is_deleted = operation == Operation::Delete
            || (self.expected.following.iter()).any(|it| it.operation == Operation::Delete);
        let left = schema.leaves(&self.expected.steps);
        if !operation.makes() && !is_deleted && left == Left::Open {
            return;
        }
        let standing = self.ticket.standing;
        let state = self.ticket.state.as_ref();
        let is_state = |id: &str| {
            state.is_some_and(|state| {
                let is = |name: &Option<String>| {
                    name.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(id))
                };
                is(&state.id) || is(&state.name)
            })
        };
        let label = state.map_or(standing.as_str(), |state| state.label());
        let (due, found, is_so) = match left {
            _ if is_deleted => (
                Standing::Gone.as_str().to_owned(),
                standing.as_str(),
                standing == Standing::Gone,
            ),
            Left::Open => (
                Standing::Open.as_str().to_owned(),
                standing.as_str(),
                standing == Standing::Open,
            ),
            Left::Closed => (
                Standing::Closed.as_str().to_owned(),
                standing.as_str(),
                standing == Standing::Closed,
            ),
            Left::State(word) => (word.to_owned(), label, is_state(word)),
            Left::Status(id) => {
                let entry = self.facts.directory.entry(Kind::Status, id);
                let due = entry.map_or(id, |entry| entry.name.as_str()).to_owned();
                (due, label, is_state(id))
            }
        };
        let shown = if is_so { due.clone() } else { found.to_owned() };
        self.judged
            .facets
            .push(Facet::due(Dimension::Status)(due.clone()));
        self.judged
            .facets
            .push(Facet::found(Dimension::Status)(shown.clone()));
        if is_so {
            return;
        }
        let difference = Difference::new(Verdict::Differs, "state")
            .expected(due)
            .found(shown);
        self.judged.differences.push((difference, true));
    }

    /// Steps that are not done, and whose lack no field may tell.
    fn steps(&mut self) {
        let subtask = Operation::Subtask.as_str();
        let subtasks = self.expected.steps.iter();
        for step in subtasks.filter(|step| call_of(&step.step) == subtask) {
            self.not_shown("subtasks", "they are not read back");
            // What was not sent is not there.
            if let Some(why) = self.trouble(step) {
                let lost = Difference::new(Verdict::Missing, format!("step `{}`", step.step));
                self.judged.differences.push((lost.note(why), false));
            }
        }
        let comment = Operation::Comment.as_str();
        let open = self.steps.iter().filter(|step| {
            !matches!(step.state, State::Done | State::Skipped)
                && step.id.name != CREATE
                && ![comment, subtask].contains(&call_of(&step.id.name))
        });
        for step in open {
            let what = format!("step `{}`", step.id.name);
            self.judged.differences.push((
                Difference::new(Verdict::Missing, what).note(told(step)),
                false,
            ));
        }
    }
}

/// What the ledger holds of a step that is not done, in a sentence.
pub(super) fn told(step: &StepRecord) -> String {
    let why = match &step.trouble {
        Some(Trouble::Refused(refusal)) => format!(": {}", refusal.message),
        Some(Trouble::Doubt(why)) => format!(": {why}"),
        Some(Trouble::Said { said, .. }) => format!(": {}", said.told()),
        None => String::new(),
    };
    let state = match step.state {
        State::Pending => "was not sent",
        State::Sending | State::InDoubt => "is in doubt",
        State::Rejected => "was refused",
        State::Done | State::Skipped => "is done",
        State::Undone => "was rolled back",
    };
    format!("by the ledger it {state} in run {}{why}", step.run)
}

pub(super) fn called_of(value: &FieldValue) -> &'static [&'static str] {
    match &value.target {
        Target::Field(field) => field.called,
        Target::Custom(_) => &[],
    }
}

/// Which field a value is for.
fn place_of(value: &FieldValue) -> (bool, String) {
    match &value.target {
        Target::Field(field) => (false, field.name.to_owned()),
        Target::Custom(field) => (true, field.id.clone()),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}
