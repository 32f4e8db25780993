//! What a mapping file says, typed: read and checked by itself, not yet against a system or an input.

use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::Value;

use super::alias::Alias;
use super::date::Format;
use super::file::At;
use super::lookup::LookupRule;
use crate::directory::Kind;
use crate::record::{ColumnRef, Header};

/// The version of the format. A mapping of an older one means what it meant: what would give a row that was sent
/// another key or content is for the newest alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Version {
    /// As older programs read it.
    One,
    /// The newest.
    #[default]
    Two,
}

impl Version {
    /// By its number.
    pub(super) fn of(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// Finds a column by the name that a mapping uses. The newest version takes a heading that is written so before one
    /// that only folds to it.
    pub(super) fn find(self, header: &Header, name: &str) -> Option<ColumnRef> {
        match self {
            Self::One => header.find(name),
            Self::Two => header.find_as_written(name),
        }
    }
}

/// What is told about columns with data that nothing reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmapped {
    /// They are told with their counts.
    #[default]
    Warn,
    /// They stop the run.
    Error,
    /// They are listed under the description.
    Append,
}

/// The trace of a key that is left in the system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Marker {
    /// A last line of the description.
    #[default]
    Description,
    /// A text custom field of this name.
    CustomField(String),
    /// None: a row in doubt is never sent again on its own.
    None,
}

/// Which row of a group gives a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Take {
    /// The first row.
    First,
    /// The last row.
    #[default]
    Last,
    /// The last row whose cell is not empty.
    LastFilled,
}

/// `[input]` as far as the mapping itself needs it.
#[derive(Debug, Default)]
pub(super) struct InputRules {
    pub(super) version: Version,
    pub(super) null: Vec<String>,
    /// Whether a cell that shows an error counts as empty.
    pub(super) empty_errors: bool,
    pub(super) timezone: Option<TimeZone>,
    pub(super) where_: Option<At<String>>,
    pub(super) where_group: Option<At<String>>,
    pub(super) group_by: Vec<At<String>>,
    pub(super) order_by: Option<At<String>>,
    /// Whether the greatest comes first.
    pub(super) descending: bool,
    pub(super) take: Take,
    pub(super) columns: Vec<(At<String>, ParseRule)>,
    /// Columns that the input does not have, in the order in which they are made.
    pub(super) computed: Vec<std::sync::Arc<FieldRule>>,
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum Origin {
    /// One or several columns, joined.
    Columns {
        columns: Vec<At<String>>,
        join: Option<String>,
    },
    /// The first column that is not empty.
    First(Vec<At<String>>),
    /// A template.
    Template(At<String>),
    /// A constant.
    Value(At<Value>),
}

/// One field of the mapping, or one part of its key.
#[derive(Debug)]
pub(super) struct FieldRule {
    pub(super) name: At<String>,
    pub(super) version: Version,
    /// Whether something is wrong with it that is told already: later stages look at its name and columns only.
    pub(super) is_faulty: bool,
    pub(super) origin: Origin,
    pub(super) take: Option<Take>,
    pub(super) null: Vec<String>,
    /// Whether a cell that shows an error counts as empty here.
    pub(super) empty_errors: bool,
    pub(super) lookup: Option<LookupRule>,
    pub(super) text: TextRule,
    pub(super) list: Option<ListRule>,
    pub(super) table: Option<TableRule>,
    pub(super) default: Option<At<String>>,
    /// What is done where a cell is empty, where that is no value.
    pub(super) when_empty: Option<Instead>,
    pub(super) parse: Option<ParseRule>,
    pub(super) resolve: ResolveRule,
    pub(super) check: CheckRule,
    /// Whether an empty cell empties the field.
    pub(super) clear: bool,
    /// Whether tables of the input may lack its columns.
    pub(super) optional: bool,
}

impl FieldRule {
    /// Whether it is made of several values, whatever its cells hold.
    pub(super) fn makes_list(&self) -> bool {
        let is_repeated = match &self.origin {
            Origin::Columns { columns, .. } => {
                matches!(columns.as_slice(), [column] if column.value.ends_with("[*]"))
            }
            _ => false,
        };
        let is_listed = |list: &ListRule| list.several || list.split.is_some();
        is_repeated || self.list.as_ref().is_some_and(is_listed)
    }

    /// What stands between its values, where the mapping says so.
    pub(super) fn join(&self) -> Option<&str> {
        match &self.origin {
            Origin::Columns { join, .. } => join.as_deref(),
            _ => None,
        }
    }

    /// Whether a step leaves single values of a list out.
    pub(super) fn skips_items(&self) -> bool {
        let table = self.table.iter().map(|table| &table.otherwise);
        let lookup = self.lookup.iter().map(LookupRule::otherwise);
        let resolve = [&self.resolve.missing, &self.resolve.ambiguous];
        let names = resolve.into_iter().flatten();
        table
            .chain(lookup)
            .chain(names)
            .any(|instead| matches!(instead, Instead::SkipItem))
    }
}

/// Upper or lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
}

/// What is done about HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Html {
    /// Tags become nothing or line breaks, entities become characters.
    Strip,
    /// The text is HTML and stays so.
    Keep,
    /// The text is plain and becomes HTML.
    FromText,
    /// HTML that was escaped, and GLPI's marks, become plain text.
    FromEscaped,
    /// BBCode and wiki markup become plain text.
    FromWiki,
}

/// The text steps.
#[derive(Debug)]
pub(super) struct TextRule {
    /// Whether UTF-8 that was read as Windows-1252 is fixed.
    pub(super) repair: bool,
    pub(super) trim: bool,
    pub(super) collapse: bool,
    pub(super) case: Option<Case>,
    pub(super) replace: Vec<(Regex, String)>,
    pub(super) extract: Option<Regex>,
    pub(super) html: Option<Html>,
    /// Whether each block of HTML begins on a line of its own.
    pub(super) opens_lines: bool,
    /// Whether outer space is also taken off what `replace` and `extract` leave.
    pub(super) trims_last: bool,
}

impl TextRule {
    /// Whether a number or a date must become text for these steps.
    pub(super) fn wants_text(&self) -> bool {
        self.collapse
            || self.repair
            || self.case.is_some()
            || !self.replace.is_empty()
            || self.extract.is_some()
            || !matches!(self.html, None | Some(Html::Keep))
    }
}

/// The list step.
#[derive(Debug)]
pub(super) struct ListRule {
    /// Whether each of several columns is a value.
    pub(super) several: bool,
    pub(super) split: Option<String>,
    /// Whether the last value comes first.
    pub(super) descending: bool,
    pub(super) max_items: Option<usize>,
    pub(super) unique: bool,
}

/// What to do instead of an error.
#[derive(Debug, Clone)]
pub(super) enum Instead {
    /// A fault of the row.
    Error,
    /// This value, which goes on like a cell.
    Value(At<String>),
    /// The value as it stands.
    Keep,
    /// The field is left out.
    SkipField,
    /// One value of a list is left out.
    SkipItem,
    /// The row is left out.
    SkipRow,
}

/// The table step: keys are folded.
#[derive(Debug)]
pub(super) struct TableRule {
    pub(super) map: std::collections::HashMap<String, At<String>>,
    /// The keys as written, for suggestions.
    pub(super) written: Vec<String>,
    pub(super) otherwise: Instead,
}

/// What a text is parsed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParseKind {
    Date,
    DateTime,
    Number,
    Integer,
    Bool,
    Json,
    Text,
}

impl ParseKind {
    pub(super) const WORDS: [(&'static str, Self); 7] = [
        ("text", Self::Text),
        ("date", Self::Date),
        ("datetime", Self::DateTime),
        ("number", Self::Number),
        ("integer", Self::Integer),
        ("bool", Self::Bool),
        ("json", Self::Json),
    ];
}

/// The type step.
#[derive(Debug, Clone)]
pub(super) struct ParseRule {
    pub(super) version: Version,
    pub(super) kind: ParseKind,
    pub(super) formats: Vec<Format>,
    pub(super) decimal: Option<char>,
    pub(super) timezone: Option<TimeZone>,
    pub(super) truths: Option<Vec<String>>,
    pub(super) falses: Option<Vec<String>>,
}

impl ParseRule {
    /// The type step as a system's own type asks for it, when the mapping says none.
    pub(super) fn plain(kind: ParseKind) -> Self {
        Self {
            version: Version::Two,
            kind,
            formats: Vec::new(),
            decimal: None,
            timezone: None,
            truths: None,
            falses: None,
        }
    }
}

/// The resolve step.
#[derive(Debug, Default)]
pub(super) struct ResolveRule {
    /// `None`: the field's own kind, where it takes the id of something.
    pub(super) kind: Option<At<Kind>>,
    /// Where it is said that the value is the key of the row that makes a ticket.
    pub(super) by_key: Option<usize>,
    pub(super) match_: Vec<At<String>>,
    pub(super) within: Option<At<String>>,
    pub(super) aliases: Vec<Alias>,
    pub(super) missing: Option<Instead>,
    pub(super) ambiguous: Option<Instead>,
    /// Where the first of `match`, `within`, … stands, for the fault that there is nothing to resolve.
    pub(super) detail_at: Option<usize>,
}

/// The check step.
#[derive(Debug, Default)]
pub(super) struct CheckRule {
    pub(super) required: bool,
    pub(super) max_length: Option<usize>,
    pub(super) truncate: bool,
    pub(super) min: Option<At<f64>>,
    pub(super) max: Option<At<f64>>,
    pub(super) one_of: Vec<At<String>>,
    pub(super) pattern: Option<(Regex, String)>,
}
