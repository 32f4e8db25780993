//! Notes on the tickets of a source, each with the number and link of what it has become. They are an import into the source:
//! comments on tickets that are there, with a ledger, a limit and a run of their own.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::outfile::{self, Draft, Readers};
use crate::record::RowKey;
use crate::systems::common::Comment;
use crate::systems::{SystemName, Ticket};

/// An old ticket, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The old ticket's id.
    pub id: String,
    /// The number of the new one.
    pub new: String,
    /// The link of the new one, where there is one.
    pub link: String,
    /// The key under which the new one was made.
    pub key: String,
}

impl Note {
    /// What a note calls a new ticket.
    pub fn name(ticket: &Ticket) -> &str {
        ticket.number.as_ref().unwrap_or(&ticket.id)
    }

    /// Of a ticket that was made.
    pub fn of(id: String, key: String, ticket: &Ticket) -> Self {
        Self {
            id,
            new: Self::name(ticket).to_owned(),
            link: ticket.url.clone().unwrap_or_default(),
            key,
        }
    }
}

/// What is said on the old tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Says {
    /// What they have become.
    Moved,
    /// That this was taken back.
    TakenBack,
}

impl Says {
    fn ending(self) -> &'static str {
        match self {
            Self::Moved => "notes",
            Self::TakenBack => "taken-back",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Moved => "This ticket has moved to {{ new }}{% if link %}: {{ link }}{% endif %}",
            Self::TakenBack => "The move to {{ new }} was taken back: this ticket goes on here.",
        }
    }

    /// The scope of the notes of a migration that has this one.
    pub fn scope(self, migration: &str) -> String {
        format!("{migration}.{}", self.ending())
    }

    /// Where the notes of a spool are: the rows, and the mapping.
    pub fn paths(self, spool: &Path) -> [PathBuf; 2] {
        ["jsonl", "toml"].map(|kind| spool.with_extension(format!("{}.{kind}", self.ending())))
    }

    /// The mapping by which they become comments that nobody but the team sees. `scope`: that of the migration.
    pub fn mapping(self, source: SystemName, scope: &str) -> String {
        let mentions = match source {
            SystemName::ClearFeed => "mentions = { value = \"neutral\" }\n",
            SystemName::IncidentIq => "",
        };
        format!(
            "# Made by `deskferry migrate --note-source`.\nversion = 2\nsystem = \"{source}\"\noperation = \"comment\"\n\
             scope = {}\nkey = [\"id\", \"new\"]\ntarget = {{ from = \"id\" }}\nnotify = false\ndrop = [\"key\"]\n\n\
             [fields]\nbody = {{ template = \"{}\", html = \"from_text\" }}\npublic = {{ value = false }}\n{mentions}",
            toml::Value::String(self.scope(scope)),
            self.text(),
        )
    }

    /// Writes the rows and the mapping; the paths.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(
        self,
        spool: &Path,
        (source, scope): (SystemName, &str),
        notes: impl Iterator<Item = Result<Note>>,
    ) -> Result<[PathBuf; 2]> {
        let paths = self.paths(spool);
        let [rows, mapping] = &paths;
        let failed = |error: std::io::Error| {
            Error::machine("the notes for the source cannot be kept")
                .at(rows.display())
                .caused_by(error)
        };
        let mut draft = Draft::beside(rows, Readers::Owner).map_err(failed)?;
        for note in notes {
            let mut line = serde_json::to_string(&note?).unwrap_or_default();
            line.push('\n');
            draft.write_all(line.as_bytes()).map_err(failed)?;
        }
        let whole = draft.whole().map_err(failed)?;
        whole.replace(rows).map_err(|error| failed(error.into()))?;
        let text = self.mapping(source, scope);
        outfile::replace(mapping, text.as_bytes(), Readers::Owner).map_err(failed)?;
        Ok(paths)
    }
}

/// The notes that are ours, as the ledger holds them: by what each says, the old ticket and the new one.
#[derive(Debug, Default)]
pub struct Ours(HashSet<(Says, RowKey)>);

/// How many keys are asked for at once.
const AT_ONCE: u32 = 1_000;

impl Ours {
    /// Those that were left on the tickets of a tenant. `scope`: that of the migration.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn of(
        ledger: &Ledger,
        (system, tenant): (SystemName, &str),
        scope: &str,
    ) -> Result<Self> {
        let mut ours = Self::default();
        for says in [Says::Moved, Says::TakenBack] {
            let scope = says.scope(scope);
            let scope = ledger.scope(system.as_str(), tenant, &scope).await?;
            let mut after = None;
            loop {
                let keys = scope.keys(None, after, AT_ONCE).await?;
                after = keys.last().cloned();
                ours.0.extend(keys.into_iter().map(|key| (says, key)));
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(ours)
    }

    /// Whether a comment on an old ticket is one of them: it is none of what people have said there.
    pub fn has(&self, ticket: &str, comment: &Comment) -> bool {
        static OURS: LazyLock<Regex> = LazyLock::new(|| {
            let pattern = r"^\s*(?:This ticket has moved to (\S+?)(?:: \S+)?|The move to (\S+) was taken back: this ticket goes on here\.)\s*$";
            Regex::new(pattern).expect("a constant expression")
        });
        if comment.public == Some(true) {
            return false;
        }
        let Some(found) = OURS.captures(&comment.text) else {
            return false;
        };
        let said = [Says::Moved, Says::TakenBack].into_iter().zip(1..);
        let said = said.filter_map(|(says, at)| Some((says, found.get(at)?.as_str())));
        said.into_iter().any(|(says, new)| {
            let key = RowKey::of_parts(&[ticket.to_owned(), new.to_owned()]);
            self.0.contains(&(says, key))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Mapping, Reach};

    #[test]
    fn only_our_own_notes_are_ours() {
        let key = |id: &str, new: &str| RowKey::of_parts(&[id.to_owned(), new.to_owned()]);
        let ours = Ours(HashSet::from([
            (Says::Moved, key("t1", "CF-412")),
            (Says::TakenBack, key("t1", "10003")),
        ]));
        let has = |id: &str, text: &str, public| {
            let comment = Comment {
                author: None,
                at: None,
                public,
                text: text.to_owned(),
            };
            ours.has(id, &comment)
        };
        for text in [
            "This ticket has moved to CF-412",
            "This ticket has moved to CF-412: https://a.example/t/1\n",
            "The move to 10003 was taken back: this ticket goes on here.",
        ] {
            assert!(
                has("t1", text, Some(false)) && has("t1", text, None),
                "{text}"
            );
            assert!(!has("t1", text, Some(true)), "{text}");
            // One that another ticket has, or another migration has left, is history.
            assert!(!has("t2", text, Some(false)), "{text}");
        }
        for text in [
            "This ticket has moved to Facilities",
            "This ticket has moved to the other school",
            "This ticket has moved to CF-413: https://a.example/t/1",
            "The move to CF-412 was taken back: this ticket goes on here.",
            "As said: This ticket has moved to CF-412",
            "",
        ] {
            assert!(!has("t1", text, Some(false)), "{text}");
        }
    }

    #[test]
    fn the_notes_are_rows_of_a_mapping_that_comments_on_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("north-to-south.jsonl");
        let ticket = Ticket {
            id: "9".to_owned(),
            number: Some("CF-9".to_owned()),
            ..Ticket::default()
        };
        let note = Note::of("t1".to_owned(), "acme/t1".to_owned(), &ticket);
        for says in [Says::Moved, Says::TakenBack] {
            for system in [SystemName::IncidentIq, SystemName::ClearFeed] {
                let notes = [Ok(note.clone())].into_iter();
                let [_, mapping] = says.write(&spool, (system, "a \"move\""), notes).unwrap();
                let mapping = Mapping::load(&mapping, Reach::told(false)).unwrap();
                assert_eq!(mapping.system(), system);
                assert_eq!(mapping.key_columns(), ["id", "new"]);
            }
        }
    }
}
