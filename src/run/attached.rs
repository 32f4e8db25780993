//! Files of a row that earlier runs have brought, known again. A mapping numbers and names files by their places among those
//! that the row has now: where one is deleted in the source, those after it have other numbers, and `a (2).png` is `a.png`.
//! What was done stays what it was: a file is known by all else that its step says.

use std::collections::HashSet;

use serde_json::Value;

use super::act::aimed;
use super::files::brings_file;
use super::plan::{Planner, Request, Requests, hash};
use crate::files::archive::encoded;
use crate::files::name::{numbered, unique, unnumbered};
use crate::html;
use crate::intake::Digest;
use crate::ledger::{State, StepId, StepRecord};
use crate::systems::attach::ATTACH;
use crate::systems::fields::{FILE_FOLDER, FILE_NAME};
use crate::systems::{StepPayload, call_of};

impl Planner<'_> {
    /// Gives the files of a row the numbers and names under which the ledger knows them, new ones numbers that none had, and the
    /// note that lists them the number of the last one. `hash` is that of a body.
    pub(super) fn know_files(
        &self,
        requests: &mut Requests,
        prior: &[StepRecord],
        hash: impl Fn(&Value) -> Digest,
    ) {
        let mut names: Vec<String> = requests
            .steps
            .iter()
            .filter(|request| brings_file(&request.id))
            .map(|request| request.id.name.clone())
            .collect();
        names.dedup();
        for name in names {
            let known: Vec<&StepRecord> = known_of(&name, prior).collect();
            let is_its = |request: &&mut Request| request.id.name == name;
            let steps = requests.steps.iter_mut().filter(is_its);
            let files = steps.map(|it| (&mut it.id.ordinal, &mut it.body)).collect();
            let Some(Known { renamed, last }) = know_again(files, &known, &hash) else {
                continue;
            };
            for request in requests.steps.iter_mut().filter(is_its) {
                request.hash = hash(&request.body);
            }
            let note = StepId {
                name: note_name(&name),
                ordinal: last,
            };
            let Some(request) = requests.steps.iter_mut().find(|it| it.id.name == note.name) else {
                continue;
            };
            // It lists what was there when the last file came.
            let told = prior.iter().find(|step| step.id == note);
            match told.filter(|step| matches!(step.state, State::Done | State::Skipped)) {
                Some(told) => request.hash = told.payload.unwrap_or(request.hash),
                None => {
                    rename(&mut request.body, &renamed);
                    request.hash = hash(&request.body);
                    if let Some(system) = &self.system {
                        let body = request.body.clone();
                        request.look_like(&body, system.schema());
                    }
                }
            }
            request.id = note;
        }
    }
}

/// Gives the files of a row the numbers and names under which the ledger knows them, and the note that lists them its number, as
/// a run does; `aim`: the ticket on which the row acts, where it makes none.
pub(crate) fn know_files(steps: &mut [StepPayload], prior: &[StepRecord], aim: Option<&str>) {
    let hash = |body: &Value| match aim {
        Some(ticket) => aimed(&hash(body, None), ticket),
        None => hash(body, None),
    };
    let is_file = |step: &&StepPayload| call_of(&step.step) == ATTACH;
    let mut names: Vec<String> = (steps.iter().filter(is_file))
        .map(|step| step.step.to_string())
        .collect();
    names.dedup();
    for name in names {
        let known: Vec<&StepRecord> = known_of(&name, prior).collect();
        let files = steps.iter_mut().filter(|step| step.step == *name);
        let files = files.map(|it| (&mut it.ordinal, &mut it.body)).collect();
        let Some(Known { renamed, last }) = know_again(files, &known, hash) else {
            continue;
        };
        let note = note_name(&name);
        if let Some(note) = steps.iter_mut().find(|step| step.step == *note) {
            note.ordinal = last;
            rename(&mut note.body, &renamed);
        }
    }
}

/// What earlier runs have brought under a step.
fn known_of<'a>(name: &str, prior: &'a [StepRecord]) -> impl Iterator<Item = &'a StepRecord> {
    prior.iter().filter(move |step| {
        step.id.name == name && step.state != State::Undone && step.payload.is_some()
    })
}

/// The name of the step with the note that lists a file.
pub(crate) fn note_of(file: &StepId) -> String {
    note_name(&file.name)
}

fn note_name(file: &str) -> String {
    let entry = file.strip_suffix(ATTACH).unwrap_or_default();
    format!("{entry}comment")
}

/// What became of files that are known again.
struct Known {
    /// The names that the mapping gave them, with those that they have now.
    renamed: Vec<(String, String)>,
    /// The number of the last one.
    last: u32,
}

/// Gives files, by their numbers and bodies, what the ledger knows of them. `None`: they are as they were, or nothing says which
/// is which.
fn know_again(
    mut files: Vec<(&mut u32, &mut Value)>,
    known: &[&StepRecord],
    hash: impl Fn(&Value) -> Digest,
) -> Option<Known> {
    let last = known.iter().map(|step| step.id.ordinal).max()?;
    let most = last.saturating_add(u32::try_from(files.len()).unwrap_or(u32::MAX)) + 2;
    let mut is_taken = vec![false; known.len()];
    let mut found: Vec<Option<(usize, String)>> = vec![None; files.len()];
    let mut find = |ordinal: u32, body: &Value, is_in_place: bool| -> Option<(usize, String)> {
        let hash = hash(body);
        let is_it = |(at, step): &(usize, &&StepRecord)| {
            !is_taken[*at]
                && step.payload == Some(hash)
                && (!is_in_place || step.id.ordinal == ordinal)
        };
        let (at, _) = known.iter().enumerate().find(is_it)?;
        is_taken[at] = true;
        Some((at, named(body).to_owned()))
    };
    for is_in_place in [true, false] {
        for ((ordinal, body), found) in files
            .iter()
            .zip(&mut found)
            .filter(|(_, found)| found.is_none())
        {
            *found = find(**ordinal, body, is_in_place);
        }
    }
    for ((ordinal, body), found) in files
        .iter()
        .zip(&mut found)
        .filter(|(_, found)| found.is_none())
    {
        let mut other = Value::clone(body);
        *found = variants(named(body), most).find_map(|name| {
            other[FILE_NAME] = Value::String(name);
            find(**ordinal, &other, false)
        });
    }
    let is_in_place = |(ordinal, found): (u32, &Option<(usize, String)>)| match found {
        Some((at, _)) => known[*at].id.ordinal == ordinal,
        None => ordinal > last,
    };
    let ordinals = files.iter().map(|(ordinal, _)| **ordinal);
    let has_lost = is_taken.contains(&false);
    let is_as_it_was = !has_lost && ordinals.zip(&found).all(is_in_place);
    if is_as_it_was || found.iter().all(Option::is_none) {
        return None;
    }
    let mut taken: HashSet<String> = found
        .iter()
        .flatten()
        .map(|(_, name)| name.to_lowercase())
        .collect();
    let mut next = last;
    let mut renamed = Vec::with_capacity(files.len());
    for ((ordinal, body), found) in files.iter_mut().zip(found) {
        let before = named(body).to_owned();
        let now = match found {
            Some((at, name)) => {
                **ordinal = known[at].id.ordinal;
                name
            }
            None => {
                next += 1;
                **ordinal = next;
                // In an archive the file is still there that has gone from the ticket, and nobody knows how it is called.
                let is_kept = has_lost && !body[FILE_FOLDER].is_null();
                let base = || unnumbered(&before).unwrap_or_else(|| before.clone());
                let name = match is_kept {
                    true => numbered(&base(), next + 1),
                    false if taken.contains(&before.to_lowercase()) => base(),
                    false => before.clone(),
                };
                unique(name, &mut taken)
            }
        };
        body[FILE_NAME] = Value::String(now.clone());
        renamed.push((before, now));
    }
    Some(Known {
        renamed,
        last: next,
    })
}

fn named(body: &Value) -> &str {
    body[FILE_NAME].as_str().unwrap_or_default()
}

/// What a file of that name may have been called beside others of its name.
fn variants(name: &str, most: u32) -> impl Iterator<Item = String> {
    let bases: Vec<String> = std::iter::once(name.to_owned())
        .chain(unnumbered(name))
        .collect();
    bases.into_iter().flat_map(move |base| {
        let others: Vec<String> = (2..=most).map(|nth| numbered(&base, nth)).collect();
        std::iter::once(base).chain(others)
    })
}

/// Calls the files in a note what they are called now: it has a line for each, in their order.
fn rename(note: &mut Value, renamed: &[(String, String)]) {
    match note {
        Value::String(text) => {
            // As HTML it has the same lines, and names as HTML writes them.
            let is_html = text.contains("<br>");
            let lines = if is_html { "<br>" } else { "\n" };
            let shown = |name: &str| match is_html {
                true => html::from_text(name),
                false => name.to_owned(),
            };
            let mut names = renamed.iter();
            let mut named = |line: &str| -> Option<String> {
                let rest = line.strip_prefix("- ")?;
                let (before, now) = names.next()?;
                let link = rest.strip_prefix(&shown(before))?;
                let link = match link.strip_suffix(&encoded(before)) {
                    Some(folder) if !link.is_empty() => folder.to_owned() + &encoded(now),
                    _ => link.to_owned(),
                };
                Some(format!("- {}{link}", shown(now)))
            };
            let renamed: Vec<String> = text
                .split(lines)
                .map(|line| named(line).unwrap_or_else(|| line.to_owned()))
                .collect();
            *text = renamed.join(lines);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Value::Object(members) => members.values_mut().for_each(|item| rename(item, renamed)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_calls_files_what_they_are_called_now() {
        let mut note = json!({"text": "2 files in the archive, folder kept/17:\n- a.png: https://x/17/a.png\n- b c.png"});
        let renamed = [("a.png", "a (2).png"), ("b c.png", "b c (4).png")];
        let renamed = renamed.map(|(one, other)| (one.to_owned(), other.to_owned()));
        rename(&mut note, &renamed);
        assert_eq!(
            note["text"],
            "2 files in the archive, folder kept/17:\n- a (2).png: https://x/17/a%20%282%29.png\n- b c (4).png"
        );
    }

    #[test]
    fn a_note_in_html_does_too() {
        let mut note = json!({"html_body": "1 file:<br>- a &amp; b.png<br>- c.png"});
        let renamed = [("a & b.png", "a & b (2).png"), ("c.png", "c.png")];
        let renamed = renamed.map(|(one, other)| (one.to_owned(), other.to_owned()));
        rename(&mut note, &renamed);
        assert_eq!(
            note["html_body"],
            "1 file:<br>- a &amp; b (2).png<br>- c.png"
        );
    }

    #[test]
    fn a_name_has_variants_with_and_without_a_number() {
        let all: Vec<String> = variants("a (2).png", 3).collect();
        for name in ["a.png", "a (2).png", "a (3).png"] {
            assert!(all.iter().any(|it| it == name), "{all:?}");
        }
    }
}
