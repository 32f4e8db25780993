//! Notes on the tickets of a source, each with the number and link of what it has become. They are an import into the source:
//! comments on tickets that are there, with a ledger, a limit and a run of their own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::outfile::{self, Draft, Readers};
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
    /// Of a ticket that was made.
    pub fn of(id: String, key: String, ticket: &Ticket) -> Self {
        Self {
            id,
            new: ticket.number.as_ref().unwrap_or(&ticket.id).clone(),
            link: ticket.url.clone().unwrap_or_default(),
            key,
        }
    }
}

/// What is said on the old tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The scope of the migration whose notes have this one.
    pub fn scope_of(self, notes: &str) -> String {
        let ending = format!(".{}", self.ending());
        notes.strip_suffix(&ending).unwrap_or(notes).to_owned()
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
            toml::Value::String(format!("{scope}.{}", self.ending())),
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

/// Whether a comment is a note of ours: it is none of what people have said on the ticket.
pub fn is_ours(comment: &Comment) -> bool {
    static OURS: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^\s*(This ticket has moved to \S+(: \S+)?|The move to \S+ was taken back: this ticket goes on here\.)\s*$";
        Regex::new(pattern).expect("a constant expression")
    });
    comment.public != Some(true) && OURS.is_match(&comment.text)
}

/// The notes that a pass has written; none where it wrote none.
pub fn read(spool: &Path) -> Vec<Note> {
    let [rows, _] = Says::Moved.paths(spool);
    let text = std::fs::read_to_string(rows).unwrap_or_default();
    let notes = text.lines().map(serde_json::from_str);
    notes.filter_map(std::result::Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Mapping, Reach};

    #[test]
    fn only_our_own_notes_are_ours() {
        let is_ours = |text: &str, public| {
            is_ours(&Comment {
                author: None,
                at: None,
                public,
                text: text.to_owned(),
            })
        };
        for text in [
            "This ticket has moved to CF-412",
            "This ticket has moved to CF-412: https://a.example/t/1\n",
            "The move to 10003 was taken back: this ticket goes on here.",
        ] {
            assert!(is_ours(text, Some(false)), "{text}");
            assert!(!is_ours(text, Some(true)), "{text}");
        }
        for text in [
            "This ticket has moved to the other school",
            "As said: This ticket has moved to CF-412",
            "",
        ] {
            assert!(!is_ours(text, Some(false)), "{text}");
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
        assert!(read(&spool).is_empty());
        for says in [Says::Moved, Says::TakenBack] {
            for system in [SystemName::IncidentIq, SystemName::ClearFeed] {
                let notes = [Ok(note.clone())].into_iter();
                let [_, mapping] = says.write(&spool, (system, "a \"move\""), notes).unwrap();
                let mapping = Mapping::load(&mapping, Reach::told(false)).unwrap();
                assert_eq!(mapping.system(), system);
                assert_eq!(mapping.key_columns(), ["id", "new"]);
            }
        }
        assert_eq!(read(&spool), [note]);
    }
}
