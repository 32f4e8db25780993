//! What makes several files or sheets of an export, and the names that these have.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use crate::export::columns::{NOT_IN_SHEETS, SHEET_LENGTH};
use crate::record::fold;
use crate::systems::common::{CommonTicket, Named};

/// How long the name of a part gets in the name of a file, in characters.
const LONGEST: usize = 80;
/// The same in bytes: file systems take 255 for the whole name.
const LONGEST_BYTES: usize = 160;
/// The part of tickets that have no value.
const NONE: &str = "none";
/// What Windows takes for a device, with whatever extension.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// By what tickets are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// The month in which it was made.
    Month,
    /// The year in which it was made.
    Year,
    /// Where it is.
    Location,
    /// The team that works on it.
    Team,
    /// Who works on it.
    Assignee,
    /// How far it is.
    State,
    /// How much it hurries.
    Priority,
    /// What it is filed under.
    Category,
}

impl Partition {
    /// All of them by their words.
    pub const WORDS: [(&'static str, Self); 8] = [
        ("month", Self::Month),
        ("year", Self::Year),
        ("location", Self::Location),
        ("team", Self::Team),
        ("assignee", Self::Assignee),
        ("state", Self::State),
        ("priority", Self::Priority),
        ("category", Self::Category),
    ];

    /// The field of the common ticket by which its parts are called.
    pub(crate) fn shows(self) -> &'static str {
        match self {
            Self::Month | Self::Year => "created",
            Self::Location => "place",
            Self::Team => "team",
            Self::Assignee => "assignee",
            Self::State => "state",
            Self::Priority => "priority",
            Self::Category => "category",
        }
    }

    /// What the part that a ticket belongs to is called.
    fn label(self, ticket: &CommonTicket, zone: &TimeZone) -> String {
        let named = |named: &Option<Named>| named.as_ref().map(|named| named.label().to_owned());
        let day = |format: &str| {
            ticket
                .created
                .map(|at| zone.to_datetime(at).strftime(format).to_string())
        };
        let part = match self {
            Self::Month => day("%Y-%m"),
            Self::Year => day("%Y"),
            Self::Location => named(&ticket.place),
            Self::Team => named(&ticket.team),
            Self::Assignee => named(&ticket.assignee),
            Self::State => named(&ticket.state),
            Self::Priority => named(&ticket.priority),
            Self::Category => named(&ticket.category),
        };
        part.filter(|part| !part.trim().is_empty())
            .unwrap_or_else(|| NONE.to_owned())
    }
}

/// What parts are called, one by one: people by who they are, whatever names they share.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// Names, folded, that several people have: each of them is called with the address too.
    namesakes: HashSet<String>,
    by_person: HashMap<String, String>,
    /// What things are called by their ids: one that was renamed keeps its part.
    by_id: HashMap<String, String>,
    taken: HashSet<String>,
}

impl Labels {
    pub(super) fn new(namesakes: HashSet<String>) -> Self {
        Self {
            namesakes,
            ..Self::default()
        }
    }

    /// The part that a ticket belongs to.
    pub(super) fn of(
        &mut self,
        partition: Partition,
        ticket: &CommonTicket,
        zone: &TimeZone,
    ) -> String {
        let label = partition.label(ticket, zone);
        let thing = match partition {
            Partition::Location => &ticket.place,
            Partition::Team => &ticket.team,
            Partition::Category => &ticket.category,
            _ => &None,
        };
        if let Some(id) = thing.as_ref().and_then(|thing| thing.id.as_ref()) {
            return self.by_id.entry(id.to_lowercase()).or_insert(label).clone();
        }
        let person = match (partition, &ticket.assignee) {
            (Partition::Assignee, Some(person)) => person,
            _ => return label,
        };
        let Some(key) = person.key() else {
            return label;
        };
        if let Some(known) = self.by_person.get(&key) {
            return known.clone();
        }
        let ways = [&person.email, &person.id].into_iter().flatten();
        let told_apart = ways.map(|way| format!("{label} ({way})"));
        let plain = (!self.namesakes.contains(&fold(&label))).then(|| label.clone());
        let free = plain
            .into_iter()
            .chain(told_apart)
            .find(|one| !self.taken.contains(&fold(one)));
        let free = free.unwrap_or(label);
        self.taken.insert(fold(&free));
        self.by_person.insert(key, free.clone());
        free
    }
}

/// Names of parts as files and sheets can bear them, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_part: HashMap<String, String>,
    /// Folded: file systems and workbooks do not tell case.
    taken: HashMap<String, String>,
}

impl Names {
    /// A name that is not given to a part, but taken.
    pub(super) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_lowercase(), String::new());
    }

    /// The name of a part in the name of a file.
    pub(super) fn file(&mut self, part: &str) -> String {
        self.name(part, LONGEST_BYTES, char::len_utf8, |part| {
            file_name(part).chars().take(LONGEST).collect()
        })
    }

    /// The name of a part as that of a sheet.
    pub(super) fn sheet(&mut self, part: &str) -> String {
        self.name(part, SHEET_LENGTH, char::len_utf16, |part| {
            let plain = part
                .replace(NOT_IN_SHEETS, "-")
                .replace(char::is_control, " ");
            let plain = plain.trim_matches(['\'', ' ']).to_owned();
            // Excel keeps this name for itself.
            match plain.to_lowercase().as_str() {
                "" => NONE.to_owned(),
                "history" => format!("{plain}-"),
                _ => plain,
            }
        })
    }

    /// A name of at most so many units, which `length` counts in a character.
    fn name(
        &mut self,
        part: &str,
        longest: usize,
        length: fn(char) -> usize,
        plain: impl Fn(&str) -> String,
    ) -> String {
        if let Some(name) = self.by_part.get(part) {
            return name.clone();
        }
        let plain = plain(part);
        let mut number = 1;
        let name = loop {
            let end = match number {
                1 => String::new(),
                number => format!("-{number}"),
            };
            let start = cut(&plain, longest - end.len(), length);
            let name = format!("{}{end}", start.trim_end());
            if !self.taken.contains_key(&name.to_lowercase()) {
                break name;
            }
            number += 1;
        };
        self.taken.insert(name.to_lowercase(), part.to_owned());
        self.by_part.insert(part.to_owned(), name.clone());
        name
    }
}

/// The beginning of a text that is no longer than that.
fn cut(text: &str, longest: usize, length: fn(char) -> usize) -> &str {
    let mut units = 0;
    let over = text.char_indices().find(|(_, sign)| {
        units += length(*sign);
        units > longest
    });
    &text[..over.map_or(text.len(), |(at, _)| at)]
}

/// What every file system takes.
fn file_name(part: &str) -> String {
    let is_bad = |sign: char| {
        sign.is_control()
            || matches!(
                sign,
                '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | '%'
            )
    };
    let plain: String = part
        .chars()
        .map(|sign| if is_bad(sign) { '-' } else { sign })
        .collect();
    let plain = plain.trim_matches(['.', ' ', '~', '-']).to_owned();
    let base = plain
        .split('.')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    match plain.as_str() {
        "" => NONE.to_owned(),
        _ if DEVICES.contains(&base.as_str()) => format!("{plain}-"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_that_was_renamed_keeps_its_part() {
        let mut labels = Labels::default();
        let mut part = |id: Option<&str>, name: &str| {
            let ticket = CommonTicket {
                place: Some(Named {
                    id: id.map(str::to_owned),
                    name: Some(name.to_owned()),
                    email: None,
                }),
                ..crate::export::sheets::made::tickets(1).remove(0)
            };
            labels.of(Partition::Location, &ticket, &TimeZone::UTC)
        };
        assert_eq!(part(Some("l1"), "Annex"), "Annex");
        assert_eq!(part(Some("L1"), "New Annex"), "Annex");
        assert_eq!(part(Some("l2"), "Gym"), "Gym");
        assert_eq!(part(None, "Gym"), "Gym");
    }

    #[test]
    fn names_of_parts_are_safe_and_different() {
        let mut names = Names::default();
        for (part, name) in [
            ("Lincoln High School", "Lincoln High School"),
            ("LINCOLN HIGH SCHOOL", "LINCOLN HIGH SCHOOL-2"),
            ("../../etc/passwd", "etc-passwd"),
            ("a/b", "a-b"),
            ("a:b", "a-b-2"),
            ("CON", "CON-"),
            ("nul.txt", "nul.txt-"),
            ("...", "none"),
        ] {
            assert_eq!(names.file(part), name, "{part}");
            assert_eq!(names.file(part), name, "{part} again");
        }
        assert!(names.file(&"ä".repeat(500)).chars().count() <= LONGEST);
        assert_eq!(names.file(&"学".repeat(500)).chars().count(), 53);
        let mut sheets = Names::default();
        sheets.reserve("Comments");
        assert_eq!(sheets.sheet("comments"), "comments-2");
        assert_eq!(sheets.sheet("'[A/B]'"), "-A-B-");
        assert_eq!(sheets.sheet(&"x".repeat(40)).len(), 31);
        // Excel counts in UTF-16.
        assert_eq!(sheets.sheet(&"🏫".repeat(40)), "🏫".repeat(15));
        assert_eq!(
            sheets.sheet(&"🏫".repeat(41)),
            format!("{}-2", "🏫".repeat(14))
        );
        assert_eq!(
            sheets.sheet(&"x".repeat(41)),
            format!("{}-2", "x".repeat(29))
        );
    }
}
