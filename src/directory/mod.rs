//! The directory: a system's reference data, and how a human's name for a thing is found in it.
//!
//! A [`Snapshot`] is what was pulled, with its age and what could not be listed; it is cached in the state
//! folder and can be kept as a file. A [`Directory`] is a snapshot with its indexes. A command loads only the parts
//! that it needs ([`Needs`]).

pub mod cache;
pub mod index;
mod initials;
mod labels;
mod needs;
pub mod suggest;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::systems::{Dialect, SystemName};

pub use index::{Directory, Found};
pub use needs::Needs;

/// The kinds of things that a name can be resolved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// IncidentIQ's issues (the leaf of category → type → issue).
    Issue,
    /// Places.
    Location,
    /// Rooms of a place (parent: the location).
    Room,
    /// People.
    User,
    /// Teams.
    Team,
    /// Devices, by tag.
    Asset,
    /// Ticket statuses.
    Status,
    /// Priorities.
    Priority,
    /// ClearFeed's collections.
    Collection,
    /// Tags.
    Tag,
    /// Reasons for which IncidentIQ closes a ticket.
    CloseReason,
    /// IncidentIQ's service levels.
    Sla,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Issue,
        Self::Location,
        Self::Room,
        Self::User,
        Self::Team,
        Self::Asset,
        Self::Status,
        Self::Priority,
        Self::Collection,
        Self::Tag,
        Self::CloseReason,
        Self::Sla,
    ];

    /// The word that mappings and commands use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Location => "location",
            Self::Room => "room",
            Self::User => "user",
            Self::Team => "team",
            Self::Asset => "asset",
            Self::Status => "status",
            Self::Priority => "priority",
            Self::Collection => "collection",
            Self::Tag => "tag",
            Self::CloseReason => "close_reason",
            Self::Sla => "sla",
        }
    }

    /// The word in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::CloseReason => "close reason",
            Self::Sla => "service level",
            _ => self.as_str(),
        }
    }

    /// The word for several: `users`, `priorities`.
    pub fn plural(self) -> String {
        let noun = self.noun();
        match noun.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None if noun.ends_with('s') => format!("{noun}es"),
            None => format!("{noun}s"),
        }
    }

    /// The article that goes before the word.
    pub fn article(self) -> &'static str {
        match self {
            Self::Issue | Self::Asset => "an",
            _ => "a",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing of the system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// Its id, as payloads take it.
    pub id: String,
    /// Its name, as people read it.
    pub name: String,
    /// Further properties by which it may be found: `path` (an issue's `Category › Type › Issue`), `abbreviation`,
    /// `email`, `username`, `number`, `tag`, `serial`, … in the order in which they are tried by default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// The id of what it belongs to: a room's location, an issue's category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// All entries of one kind, as far as they could be listed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Entry>,
    /// How many the system says there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What could not be listed, and why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether some of it could not be read: the reason may be gone at the next try, a right that was missing too.
    #[serde(skip)]
    pub failed: bool,
}

impl Listing {
    /// A listing that could not be read: why, for people.
    pub fn unread(why: impl Into<String>) -> Self {
        Self {
            note: Some(why.into()),
            failed: true,
            ..Self::default()
        }
    }
}

/// The type of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CustomType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A date.
    Date,
    /// A date and time.
    DateTime,
    /// On or off.
    Bool,
    /// One of the options.
    Select,
    /// Several of the options.
    MultiSelect,
    /// A person.
    User,
    /// A place.
    Location,
    /// Something this program does not write; why is in the documents.
    Other,
}

/// One option of a select field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// Its text.
    pub value: String,
}

/// A custom field of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// Its id, as payloads take it (IncidentIQ: the `CustomFieldTypeId`).
    pub id: String,
    /// Its name; a mapping writes `custom.NAME`.
    pub name: String,
    /// Its type.
    pub kind: CustomType,
    /// The options of a select field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// The greatest length of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Whether the tenant demands it.
    #[serde(default)]
    pub required: bool,
}

/// What was pulled from a system: the form in which it is cached and kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of this form.
    pub version: u32,
    /// Which system.
    pub system: SystemName,
    /// Which spelling answered.
    pub dialect: Dialect,
    /// Which tenant.
    pub tenant: String,
    /// When it was pulled; the oldest part of it, where several were pulled after one another.
    pub pulled_at: Timestamp,
    /// Which parts were pulled at all.
    #[serde(default = "all", skip_serializing_if = "Needs::is_all")]
    pub holds: Needs,
    /// The entries by kind.
    pub kinds: BTreeMap<Kind, Listing>,
    /// The custom fields of tickets.
    pub custom_fields: Vec<CustomField>,
    /// Why they could not be read, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields_note: Option<String>,
    /// What every create of this tenant must carry besides the row's own fields (IncidentIQ: `ProductId`,
    /// `SiteId`), for the composer.
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
}

/// Whether two fingerprints of directories ([`Directory::fingerprint`]) say that the same parts are not as they were.
/// Of other parts nothing is known; earlier versions said only what all parts were.
pub fn differ(before: &str, now: &str) -> bool {
    match (before.split_once(':'), now.split_once(':')) {
        (Some((parts, before)), Some((same, now))) => parts == same && before != now,
        _ => false,
    }
}

/// Earlier versions always pulled everything.
fn all() -> Needs {
    Needs::ALL
}

impl Snapshot {
    /// One that names nothing.
    #[cfg(test)]
    pub(crate) fn empty(system: SystemName, dialect: Dialect) -> Self {
        Self {
            version: Self::VERSION,
            system,
            dialect,
            tenant: "t".to_owned(),
            pulled_at: Timestamp::UNIX_EPOCH,
            holds: Needs::ALL,
            kinds: BTreeMap::new(),
            custom_fields: Vec::new(),
            custom_fields_note: None,
            constants: BTreeMap::new(),
        }
    }

    /// A hash of some of its parts, whenever they were pulled: snapshots in which they are equal resolve equally.
    pub fn fingerprint(&self, needs: Needs) -> String {
        let mut hash = blake3::Hasher::new();
        let kinds = self.kinds.iter().filter(|(kind, _)| needs.has(**kind));
        let custom_fields = match needs.has_custom_fields() {
            true => self.custom_fields.as_slice(),
            false => &[],
        };
        let parts = (
            &self.system,
            &self.dialect,
            &self.tenant,
            kinds.collect::<BTreeMap<_, _>>(),
            custom_fields,
            &self.constants,
        );
        serde_json::to_writer(&mut hash, &parts).expect("strings and numbers have a JSON form");
        hash.finalize().to_hex()[..32].to_owned()
    }

    /// The same, with nothing but these parts.
    #[must_use]
    pub fn only(mut self, needs: Needs) -> Self {
        self.kinds.retain(|kind, _| needs.has(*kind));
        if !needs.has_custom_fields() {
            self.custom_fields.clear();
            self.custom_fields_note = None;
        }
        self.holds = self.holds.without(Needs::ALL.without(needs));
        self.version = Self::version_of(self.holds);
        self
    }

    /// The same without what could not be read: the next command asks for it again.
    #[must_use]
    pub fn without_failed(self) -> Self {
        let failed = self.kinds.iter().filter(|(_, listing)| listing.failed);
        let failed: Vec<Kind> = failed.map(|(kind, _)| *kind).collect();
        let failed = Needs::kinds(&failed).and(match &self.custom_fields_note {
            Some(_) => Needs::CUSTOM_FIELDS,
            None => Needs::NONE,
        });
        match failed.is_empty() {
            true => self,
            false => self.only(Needs::ALL.without(failed)),
        }
    }

    /// The same with the parts that were pulled later; of a part that both have, the later one counts.
    #[must_use]
    pub fn with(mut self, later: Self) -> Self {
        self.kinds.extend(later.kinds);
        if later.holds.has_custom_fields() {
            self.custom_fields = later.custom_fields;
            self.custom_fields_note = later.custom_fields_note;
        }
        self.constants = later.constants;
        self.holds = self.holds.and(later.holds);
        self.version = Self::version_of(self.holds);
        self
    }

    /// The version of the form of one that holds these parts: an earlier program takes every snapshot for a whole one.
    pub(crate) fn version_of(holds: Needs) -> u32 {
        match holds.is_all() {
            true => Self::VERSION,
            false => Self::PARTIAL,
        }
    }

    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// The version of a snapshot that has not all parts.
    pub const PARTIAL: u32 = 2;
}
