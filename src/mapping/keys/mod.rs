//! Every key of the file format, in one table: what it takes, what it is for, and which are for later. The loader
//! checks a file by it, and the JSON Schema for editors is made of it.

mod field;
mod file;
mod operation;
#[cfg(test)]
mod page;
#[cfg(test)]
mod prose;
#[cfg(test)]
mod steps;

pub(super) use field::{ACTION, FIELD, KEY_PART, LOOKUP};
pub(super) use file::{
    ATTACHMENTS, BASELINE, COLUMN, COMMENTS, FOLLOWS, INPUT, MARKER, TEST, TOP, TYPED,
};
pub(super) use operation::{EACH, TARGET, THEN, TICKETS};

/// One key of the format.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What stands behind it.
    pub(crate) takes: Takes,
    /// What it is for, in a sentence or two.
    pub(crate) doc: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// This number and no other.
    Version(i64),
    /// A text.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// A text, or a list of one text or more.
    Some,
    /// `true` or `false`.
    Bool,
    /// A whole number from 0.
    Count,
    /// A number.
    Number,
    /// A text, a number, a truth, or a list of them.
    Constant,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, or a table.
    WordOr(&'static [&'static str], &'static Keys),
    /// A value to take, or `{ do = … }` with one of these words.
    Instead(&'static [&'static str]),
    /// A row from 0, or a list of rows from 1.
    Rows,
    /// The name or number of a sheet, a list of them, or `*`.
    Sheet,
    /// Pairs of texts.
    Pairs,
    /// A table from words to words.
    Words,
    /// A table with these keys.
    Table(&'static Keys),
    /// A table from names of one's own to tables with these keys.
    Named(&'static Keys),
    /// A list of tables with these keys.
    Tables(&'static Keys),
    /// A column, or a table with these keys, or a list of both.
    Parts(&'static Keys),
    /// A table from names of fields to tables with these keys; custom fields may stand in one of their own.
    Fields(&'static Keys),
    /// A table from names of fields to values.
    Values,
    /// A table from columns to cells, or a list of such tables.
    Cells,
}

/// The keys of one kind of table.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The table, for people.
    pub(crate) place: &'static str,
    /// What this version does.
    pub(crate) keys: &'static [Key],
    /// Keys of that list which this table does not take.
    pub(crate) without: &'static [&'static str],
    /// What the format has and this version does not do.
    pub(crate) later: &'static [&'static str],
    /// Which keys must be there.
    pub(crate) demands: &'static [Demand],
}

/// What a table demands of its keys. A key that takes a truth counts where it is true.
#[derive(Debug)]
pub(crate) enum Demand {
    /// All of these.
    All(&'static [&'static str]),
    /// At least one of these.
    Any(&'static [&'static str]),
    /// Exactly one of these groups; of a group at least one.
    One(&'static [&'static [&'static str]]),
    /// At most one of these.
    NotTwo(&'static [&'static str]),
    /// With the first also the second.
    With(&'static str, &'static str),
}

impl Demand {
    /// Whether it is met; `has` tells which keys are there.
    pub(crate) fn is_met(&self, has: impl Fn(&str) -> bool) -> bool {
        let any = |keys: &[&str]| keys.iter().any(|key| has(key));
        match self {
            Self::All(keys) => keys.iter().all(|key| has(key)),
            Self::Any(keys) => any(keys),
            Self::One(groups) => groups.iter().filter(|keys| any(keys)).count() == 1,
            Self::NotTwo(keys) => keys.iter().filter(|key| has(key)).count() < 2,
            Self::With(first, second) => !has(first) || has(second),
        }
    }
}

impl Keys {
    /// The keys that this table takes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static Key> + '_ {
        self.keys
            .iter()
            .filter(|key| !self.without.contains(&key.name))
    }

    /// Their names, for suggestions.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.iter().map(|key| key.name).collect()
    }

    /// Whether the table takes a key of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.iter().any(|key| key.name == name)
    }
}

pub(crate) const fn key(name: &'static str, takes: Takes, doc: &'static str) -> Key {
    Key { name, takes, doc }
}

/// What `parse` makes.
const TYPES: &[&str] = &[
    "text", "date", "datetime", "number", "integer", "bool", "json",
];
/// Which way rows are ordered.
const ORDERS: &[&str] = &["ascending", "descending"];
/// Which row of a group gives a value.
const TAKES: &[&str] = &["first", "last", "last_filled"];
