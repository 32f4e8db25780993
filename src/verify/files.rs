//! The files of a ticket beside those that its row brought: those that hang on it, and those of the archive.

use super::read::Work;
use super::ticket::{Facts, Judging, last_write};
use super::{Difference, Verdict};
use crate::error::{Error, Result};
use crate::files::archive::{Held, held};
use crate::ledger::{State, StepRecord};
use crate::report::words::plural;
use crate::systems::attach::{ATTACH, BYTES, HASH, Hanging, NAME};
use crate::systems::common::Attachment;
use crate::systems::fields::{FILE_FOLDER, FILE_NAME};
use crate::systems::{Permit, Print, StepPayload, System, call_of};

/// What is shown of the files of a row.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Those that hang on its ticket, or why they cannot be listed; `None`: none is due there.
    hanging: Option<std::result::Result<Hanging, String>>,
    /// What the archive shows of each that is due there, in their order.
    archived: Vec<Held>,
}

fn is_file(step: &str) -> bool {
    call_of(step) == ATTACH
}

/// The folder and the name of a file that is due in the archive.
fn place(step: &StepPayload) -> Option<(&str, &str)> {
    let text = |member: &str| step.body[member].as_str();
    text(FILE_FOLDER).zip(text(FILE_NAME))
}

/// The print of a file that was sent.
fn print(step: &StepRecord) -> Option<&Print> {
    let print = step.print.as_ref().filter(|_| is_file(&step.id.name));
    print.filter(|print| print.traits.contains_key(HASH))
}

/// Looks at the files of a row.
///
/// # Errors
/// When what went wrong would meet every other ticket too.
pub(super) async fn look(
    system: &dyn System,
    permit: &dyn Permit,
    facts: Facts<'_>,
    work: &Work,
    ticket: &str,
) -> Result<Files> {
    let mut files = Files::default();
    let due = work.expected.steps.iter().filter(|it| is_file(&it.step));
    let (archived, sent): (Vec<_>, Vec<_>) = due.partition(|step| place(step).is_some());
    if !archived.is_empty() {
        let places = archived.into_iter().filter_map(place);
        let places: Vec<_> = places
            .map(|(folder, name)| (facts.archive.join(folder), name.to_owned()))
            .collect();
        let look = move || places.iter().map(|(at, name)| held(at, name)).collect();
        let looked = tokio::task::spawn_blocking(look).await;
        files.archived = looked.map_err(|error| Error::machine(error.to_string()))?;
    }
    if !sent.is_empty() || work.steps.iter().any(|step| print(step).is_some()) {
        files.hanging = match system.hanging(ticket, permit).await {
            Ok(shown) => shown.map(Ok),
            Err(error) if super::read::stops(system, permit, &error).await => return Err(error),
            Err(error) => Some(Err(error.to_string())),
        };
    }
    Ok(files)
}

impl Judging<'_> {
    /// The files of the row, those in the archive first.
    pub(super) fn files(&mut self, files: &Files) {
        let expected = self.expected;
        let due = expected.steps.iter().filter(|it| is_file(&it.step));
        let mut kept = files.archived.iter();
        for step in due {
            let name = step.body[FILE_NAME].as_str().unwrap_or_default();
            let what = format!("file `{name}`");
            let known = |known: &&StepRecord| {
                known.id.name == step.step && known.id.ordinal == step.ordinal
            };
            let known = self.steps.iter().find(known);
            let Some((folder, _)) = place(step) else {
                // The same file may stand under another number by now.
                let is_its = |print: &Print| print.is(NAME, name) == Some(true);
                let was_sent = self.steps.iter().filter_map(print).any(is_its);
                if known.is_none() && !was_sent {
                    self.unsent(what);
                }
                continue;
            };
            let difference = match kept.next() {
                Some(Held::Whole) | None => continue,
                // It is reported as a step that is not done.
                Some(_) if known.is_some_and(|known| known.state != State::Done) => continue,
                Some(_) if known.is_none() => {
                    self.unsent(what);
                    continue;
                }
                Some(Held::Missing) => Difference::new(Verdict::Missing, what)
                    .note(format!("it is not in the folder `{folder}` of the archive")),
                Some(Held::Other) => Difference::new(Verdict::Differs, what).note(format!(
                    "the file in the folder `{folder}` of the archive has another content than when it was kept"
                )),
                Some(Held::Unknown(why)) => {
                    Difference::new(Verdict::Unreadable, what).note(why.clone())
                }
            };
            self.judged.add(difference);
        }
        match &files.hanging {
            Some(Ok(shown)) => self.hanging(shown),
            Some(Err(why)) => {
                let due = self.steps.iter().filter(|step| print(step).is_some());
                let due = plural(due.count() as u64, "file", "files");
                let unread = Difference::new(Verdict::Unreadable, "files");
                self.judged.add(unread.expected(due).note(why.clone()));
            }
            None => {}
        }
    }

    fn unsent(&mut self, what: String) {
        let why = "the ledger has no such step: it was not sent".to_owned();
        self.judged
            .add(Difference::new(Verdict::Missing, what).note(why));
    }

    /// The files that hang on the ticket, against those that were sent: by name and size.
    fn hanging(&mut self, shown: &Hanging) {
        let mut left: Vec<&Attachment> = shown.files.iter().collect();
        let mut sent: Vec<&Print> = Vec::new();
        let is_named = |print: &Print, file: &Attachment| print.is(NAME, &file.name) == Some(true);
        // A site may not know a size.
        let has_size = |print: &Print, file: &Attachment| {
            let bytes = file.bytes.filter(|bytes| *bytes > 0)?;
            print.is(BYTES, &bytes.to_string())
        };
        for step in self.steps.iter().filter(|step| is_file(&step.id.name)) {
            let is_done = step.state == State::Done;
            let Some(print) = print(step) else {
                if is_done {
                    // Its content hangs there under another name, as the ledger knew then.
                    self.not_shown("further names of one file", "one content is sent once");
                }
                continue;
            };
            let named = |file: &&Attachment| is_named(print, file);
            let same = |file: &&Attachment| named(file) && has_size(print, file) == Some(true);
            let at = (left.iter().position(same)).or_else(|| left.iter().position(named));
            let file = at.map(|at| left.remove(at));
            sent.push(print);
            // What is not done is reported as a step.
            if !is_done {
                continue;
            }
            let what = self.called(step, print);
            match file.map(|file| (file, has_size(print, file))) {
                Some((_, Some(true))) => {}
                Some((_, None)) => self.not_shown("size of files", "the system does not show it"),
                Some((file, Some(false))) => self.judged.add(
                    Difference::new(Verdict::Differs, what)
                        .found(size(file))
                        .note("another size was sent".to_owned()),
                ),
                None if shown.is_whole => self.judged.add(
                    Difference::new(Verdict::Missing, what)
                        .note("it does not hang on the ticket".to_owned()),
                ),
                None => self.judged.add(
                    Difference::new(Verdict::Unreadable, what)
                        .note("the ticket's files cannot be listed to their end".to_owned()),
                ),
            }
        }
        if !self.facts.operation.makes() {
            return;
        }
        let last = last_write(self.steps);
        for file in left {
            let extra = Difference::new(Verdict::Extra, format!("file `{}`", file.name));
            let extra = extra.found(size(file));
            let is_again =
                |print: &&Print| is_named(print, file) && has_size(print, file) != Some(false);
            let is_later =
                |at: &jiff::Timestamp| last.is_some_and(|last| *at > last + self.facts.slack);
            self.judged.add(match (sent.iter().any(is_again), file.at) {
                (true, _) => extra.note("it hangs there once more".to_owned()),
                (false, Some(at)) if is_later(&at) => {
                    extra.explained(format!("it was added after the run, {at}"))
                }
                _ => extra,
            });
        }
    }

    /// What people call a file that was sent.
    fn called(&self, step: &StepRecord, print: &Print) -> String {
        let names = self.expected.steps.iter().filter(|it| is_file(&it.step));
        let mut names = names.filter_map(|it| it.body[FILE_NAME].as_str());
        match names.find(|name| print.is(NAME, name) == Some(true)) {
            Some(name) => format!("file `{name}`"),
            None => format!("step `{}`", step.id.name),
        }
    }
}

fn size(file: &Attachment) -> Option<String> {
    file.bytes.map(|bytes| plural(bytes, "byte", "bytes"))
}
