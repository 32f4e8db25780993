//! `comments = "fold"`: the older comments of a ticket as one internal note, the newer ones each by itself.
//!
//! Which ones are older the record says, by a member `older` of the item: it must not change from pass to pass, since nothing
//! that was sent can be taken into a note later.

use jiff::civil::Date;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::bind::BoundPlan;
use super::each::EachItem;
use super::file::{Faults, Section};
use super::keys;
use crate::systems::fields::{FieldValue, Target, called};
use crate::systems::{Operation, StepPayload};

/// The member of an item that says so.
pub(crate) const OLDER: &str = "older";

/// How many characters a note holds; what is more goes into further ones.
const MOST: usize = 100_000;

/// `comments`, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FoldRules {
    /// Whether older comments become one note.
    pub(crate) folds: bool,
    /// Before which day a comment is older; `None`: 90 days before the first pass.
    pub(crate) before: Option<Date>,
}

/// Reads `comments`: a word, or a table.
pub(super) fn read_comments(top: &Section<'_, '_>, faults: &mut Faults) -> FoldRules {
    let words = [("each", false), ("fold", true)];
    let Some(raw) = top.get("comments") else {
        return FoldRules::default();
    };
    let DeValue::Table(table) = raw.get_ref() else {
        return FoldRules {
            folds: top.word("comments", &words, faults).unwrap_or_default(),
            before: None,
        };
    };
    let section = Section::open(table, top.key_at("comments"), &keys::COMMENTS, faults);
    let before = section.text("before", faults).and_then(|written| {
        let day = written.value.parse::<Date>().ok();
        if day.is_none() {
            let message = format!("`before` cannot be `{}`", written.value);
            faults.hint(written.at, message, "write a day: before = \"2026-01-01\"");
        }
        day
    });
    FoldRules {
        folds: section.word("as", &words, faults).unwrap_or_default(),
        before,
    }
}

/// Whether an item is one of the older ones.
pub(super) fn is_older(item: Option<&EachItem>) -> bool {
    matches!(item, Some(EachItem::Json(item)) if item[OLDER] == json!(true))
}

/// What a comment says, by its values.
pub(super) fn text_of(values: &[FieldValue]) -> Option<&str> {
    let is_it = |value: &&FieldValue| match &value.target {
        Target::Field(field) => field.called == called::COMMENT,
        Target::Custom(_) => false,
    };
    values.iter().find(is_it)?.value.as_str()
}

impl BoundPlan {
    /// The notes that hold these texts, in their order.
    pub(super) fn folded(
        &self,
        texts: &[String],
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let plan = self.plan();
        let table = plan.schema.fields(Operation::Comment);
        let table = table.map_err(|why| vec![("comments".to_owned(), why.to_owned())])?;
        let value = |meaning: &'static [&'static str], value: Value| {
            let field = table.fields.iter().find(|field| field.called == meaning)?;
            Some(FieldValue {
                target: Target::Field(field.clone()),
                value,
            })
        };
        let mut notes: Vec<String> = Vec::new();
        for text in texts {
            match notes.last_mut() {
                Some(note) if note.len() + text.len() <= MOST => {
                    note.push_str("\n\n");
                    note.push_str(text);
                }
                _ => notes.push(text.clone()),
            }
        }
        let mut steps = Vec::with_capacity(notes.len());
        for (ordinal, note) in (0..).zip(notes) {
            let values = [
                value(called::COMMENT, json!(note)),
                value(called::PUBLIC, json!(false)),
            ];
            let values = values.into_iter().flatten().collect();
            let note = plan
                .schema
                .compose(Operation::Comment, values, plan.notify)?;
            steps.extend(note.into_iter().map(|step| StepPayload { ordinal, ..step }));
        }
        Ok(steps)
    }
}
