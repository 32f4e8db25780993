//! Files of rows: what a mapping does with them, and the steps that bring them.
//!
//! A system that takes files gets one step a file. For any other, files are kept in an archive, a step each, and one internal
//! note names them all; or the note names where they are, and nothing is kept.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value, json};
use url::Url;

use super::bind::BoundPlan;
use super::file::{Faults, Section};
use super::keys;
use super::then::ThenPlan;
use crate::event::Fallback;
use crate::files::archive::{RESERVED, encoded};
use crate::files::place::{Place, last_name};
use crate::files::{ARCHIVE, name, wrong};
use crate::record::{Record, RowKey};
use crate::systems::attach::ATTACH;
use crate::systems::fields::{FILE, FILE_FOLDER, FILE_LINK, FILE_NAME, FieldValue, Target, called};
use crate::systems::{Operation, Schema, StepPayload};
use toml::de::DeValue;

/// What becomes of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They are sent.
    Send,
    /// They are kept in a folder, and a note names them.
    Archive,
    /// A note names where they are.
    Link,
    /// They are left out, and counted.
    Skip,
}

/// The words of [`Mode`].
pub(super) const MODES: [(&str, Mode); 4] = [
    ("send", Mode::Send),
    ("archive", Mode::Archive),
    ("link", Mode::Link),
    ("skip", Mode::Skip),
];

/// `attachments`, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AttachRules {
    at: usize,
    /// `None`: as the system takes files or not.
    mode: Option<Mode>,
    /// The folder of the archive; `None`: the usual one.
    pub(super) folder: Option<String>,
    /// Where the archive can be read in a browser.
    base_url: Option<Url>,
    /// Whether paths may lead out of the folder of the input.
    outside: bool,
}

/// Reads `attachments`: a word, or a table.
pub(super) fn read_attachments(top: &Section<'_, '_>, faults: &mut Faults) -> AttachRules {
    let at = top.key_at("attachments");
    let Some(raw) = top.get("attachments") else {
        return AttachRules::default();
    };
    let DeValue::Table(table) = raw.get_ref() else {
        return AttachRules {
            at,
            mode: top.word("attachments", &MODES, faults),
            ..AttachRules::default()
        };
    };
    let section = Section::open(table, at, &keys::ATTACHMENTS, faults);
    let base_url = section.text("base_url", faults).and_then(|written| {
        let url = Url::parse(&written.value).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        if url.is_none() {
            let message = format!("`base_url` cannot be `{}`", written.value);
            let hint = "write the address under which the archive is published: `https://files.example.org/old-desk`";
            faults.hint(written.at, message, hint);
        }
        url
    });
    AttachRules {
        at,
        mode: section.word("as", &MODES, faults),
        folder: section.text("folder", faults).map(|folder| folder.value),
        base_url,
        outside: section.bool("outside", faults).unwrap_or(false),
    }
}

/// What is done with the files of rows, by a system.
#[derive(Debug, Clone)]
pub(super) struct AttachPlan {
    pub(super) mode: Mode,
    rules: AttachRules,
    /// How large a file may be.
    most: Option<u64>,
}

impl AttachPlan {
    pub(super) fn new(rules: &AttachRules, schema: &dyn Schema, faults: &mut Faults) -> Self {
        let takes = schema.files();
        let usual = if takes.is_some() {
            Mode::Send
        } else {
            Mode::Archive
        };
        let mode = rules.mode.unwrap_or(usual);
        if mode == Mode::Send && takes.is_none() {
            let message = format!(
                "`attachments` cannot be `send`: no call of {} takes a file",
                schema.system()
            );
            let hint = "write \"archive\", \"link\" or \"skip\"";
            faults.hint(rules.at, message, hint);
        }
        Self {
            mode,
            rules: rules.clone(),
            most: takes.filter(|_| mode == Mode::Send).map(|takes| takes.most),
        }
    }

    /// Whether files are read, and not only named.
    pub(super) fn reads_files(&self) -> bool {
        matches!(self.mode, Mode::Send | Mode::Archive)
    }

    /// The calls of an entry of `[[then]]` that brings files.
    pub(super) fn calls(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Send => &[ATTACH],
            Mode::Archive => &[ATTACH, "comment"],
            Mode::Link => &["comment"],
            Mode::Skip => &[],
        }
    }

    fn folder(&self) -> &str {
        self.rules.folder.as_deref().unwrap_or(ARCHIVE)
    }
}

/// What is wrong with a field, and what to do about it.
pub(super) type Wrong = (String, String, Option<&'static str>);

impl BoundPlan {
    /// The step that brings the file which these values name; none where they name none.
    pub(super) fn file_step(
        &self,
        values: &[FieldValue],
        rows: &[Record],
    ) -> Result<Vec<StepPayload>, Vec<Wrong>> {
        let attach = &self.plan().attach;
        let text = |name: &str| {
            let is_it = |value: &&FieldValue| match &value.target {
                Target::Field(field) => field.name == name,
                Target::Custom(_) => false,
            };
            let value = values.iter().find(is_it)?.value.as_str()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let Some(shown) = text(FILE) else {
            return Ok(Vec::new());
        };
        let input = &rows[0].place.file;
        let wrong = |(why, hint): (String, &'static str)| vec![(FILE.to_owned(), why, Some(hint))];
        if attach.reads_files() {
            let place = Place::of(&shown, input, attach.rules.outside).map_err(wrong)?;
            if let Some(why) = self::wrong(&place, &shown, attach.most) {
                return Err(wrong(why));
            }
        }
        let called = text(FILE_NAME).unwrap_or_else(|| last_name(&shown));
        let mut body = Map::from_iter([
            (FILE.to_owned(), json!(shown)),
            (FILE_NAME.to_owned(), json!(name::safe(&called))),
        ]);
        for further in [FILE_FOLDER, FILE_LINK] {
            if let Some(said) = text(further) {
                body.insert(further.to_owned(), json!(said));
            }
        }
        Ok(vec![StepPayload {
            step: Cow::Borrowed(ATTACH),
            ordinal: 0,
            body: Value::Object(body),
        }])
    }

    /// What the files of a row become: steps that bring them, and a note that names them. `then`: which entry they are of.
    pub(super) fn files_together(
        &self,
        then: Option<&ThenPlan>,
        mut files: Vec<StepPayload>,
        key: &RowKey,
        taken: &mut HashSet<String>,
        fallbacks: &mut Vec<Fallback>,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let plan = self.plan();
        let attach = &plan.attach;
        if files.is_empty() {
            return Ok(files);
        }
        if attach.mode == Mode::Archive {
            taken.extend(RESERVED.map(str::to_owned));
        }
        let (mut folder, mut links) = (None, Vec::new());
        for file in &mut files {
            let mut take = |member: &str| file.body.as_object_mut()?.shift_remove(member);
            let (written, link) = (take(FILE_FOLDER), take(FILE_LINK));
            let link = link.as_ref().and_then(Value::as_str).map(str::to_owned);
            links.push(link.or_else(|| file.body[FILE].as_str().map(str::to_owned)));
            let own = written.as_ref().and_then(Value::as_str);
            let own = name::folder(own.unwrap_or(key.as_str()));
            let called = file.body[FILE_NAME].as_str().unwrap_or_default().to_owned();
            file.body[FILE_NAME] = json!(name::unique(called, taken));
            if attach.mode == Mode::Archive {
                file.body[FILE_FOLDER] = json!(own);
            }
            folder.get_or_insert(own);
        }
        let folder = folder.unwrap_or_default();
        match attach.mode {
            Mode::Send => return Ok(files),
            Mode::Skip => {
                let fallback = Fallback {
                    field: then.map_or(ATTACH.to_owned(), |then| then.step(ATTACH).into_owned()),
                    took: Some("no file (attachments = \"skip\")".to_owned()),
                    word: None,
                };
                if !fallbacks.contains(&fallback) {
                    fallbacks.push(fallback);
                }
                return Ok(Vec::new());
            }
            Mode::Archive | Mode::Link => {}
        }
        let note = self.note(&files, &folder, links)?;
        // Files that a later pass brings have a note of their own, which names all of them.
        let ordinal = u32::try_from(files.len() - 1).unwrap_or(u32::MAX);
        if attach.mode == Mode::Link {
            files.clear();
        }
        files.extend(note.into_iter().map(|step| StepPayload {
            step: match then {
                Some(then) => then.step(&step.step),
                None => step.step,
            },
            ordinal,
            body: step.body,
        }));
        Ok(files)
    }

    /// The note that names the files of a ticket.
    fn note(
        &self,
        files: &[StepPayload],
        folder: &str,
        links: Vec<Option<String>>,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let plan = self.plan();
        let attach = &plan.attach;
        let count = match files.len() {
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        let mut text = match attach.mode {
            Mode::Archive => format!(
                "{count} in the archive, folder {}/{folder}:",
                attach.folder()
            ),
            _ => format!("{count} of the former ticket:"),
        };
        for (file, link) in files.iter().zip(links) {
            let called = file.body[FILE_NAME].as_str().unwrap_or_default();
            text.push_str(&format!("\n- {called}"));
            let link = match (&attach.rules.base_url, attach.mode) {
                (Some(base), Mode::Archive) => Some(format!(
                    "{}/{}/{}",
                    base.as_str().trim_end_matches('/'),
                    encoded(folder),
                    encoded(called)
                )),
                (_, Mode::Link) => link,
                _ => None,
            };
            if let Some(link) = link {
                text.push_str(&format!(": {link}"));
            }
        }
        let table = plan.schema.fields(Operation::Comment);
        let table = table.map_err(|why| vec![(ATTACH.to_owned(), why.to_owned())])?;
        let value = |meaning: &'static [&'static str], value: Value| {
            let field = table.fields.iter().find(|field| field.called == meaning)?;
            Some(FieldValue {
                target: Target::Field(field.clone()),
                value,
            })
        };
        let values = [
            value(called::COMMENT, json!(text)),
            value(called::PUBLIC, json!(false)),
        ];
        let values = values.into_iter().flatten().collect();
        plan.schema.compose(Operation::Comment, values, plan.notify)
    }
}
