//! The four kinds of error of the design, and what each means for the exit code.
//!
//! A *row* fault is a value ([`Fault`]): it goes to the error file and the run goes on. Everything that stops
//! a run is an [`Error`]: what went wrong, where, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::directory::Kind;
use crate::record::Place;
use crate::redact::Redactor;
use crate::unicode::shown;

/// The result of whatever can stop a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the program ends. The numbers are documented and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All done, or done before.
    Done = 0,
    /// Some rows were rejected, skipped as changed, or are in doubt.
    SomeRows = 1,
    /// The command line, the configuration, the input or the mapping must change.
    Usage = 2,
    /// The system could not be reached or did not let us in.
    System = 3,
    /// Disk, memory, permission.
    Machine = 4,
    /// Ctrl-C.
    Interrupted = 130,
}

impl ExitCode {
    /// All of them, with what people read of them.
    pub const MEANINGS: [(Self, &'static str); 6] = [
        (Self::Done, "all done, or done before"),
        (
            Self::SomeRows,
            "some rows were rejected, are in doubt, or have changed since they were made",
        ),
        (
            Self::Usage,
            "the command line, the configuration, the input or the mapping must change",
        ),
        (
            Self::System,
            "the system could not be reached or did not let us in",
        ),
        (Self::Machine, "disk, memory, permission"),
        (Self::Interrupted, "interrupted; the same command goes on"),
    ];
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// What kind of thing stopped the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line or `deskferry.toml` must change.
    Usage,
    /// The input as a whole cannot be read (wrong sheet, broken zip, unknown encoding).
    Input,
    /// The mapping file must change.
    Mapping,
    /// The system did not answer.
    Unreachable,
    /// The system does not accept the token, or the token may not do this.
    Denied,
    /// The system answered what nobody can go on with.
    System,
    /// The system refused so many rows that the run stopped; it was reached, and the rows say why.
    Refused,
    /// Disk, memory, permission.
    Machine,
    /// Somebody changed a file meanwhile: what was to take its place is written anew.
    Changed,
    /// Ctrl-C.
    Interrupted,
}

impl ErrorKind {
    /// The one table from kind to exit code.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Usage | Self::Input | Self::Mapping => ExitCode::Usage,
            Self::Refused => ExitCode::SomeRows,
            Self::Unreachable | Self::Denied | Self::System => ExitCode::System,
            Self::Machine | Self::Changed => ExitCode::Machine,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }
}

/// What stops a run: a message, a place, a remedy.
///
/// Messages are lower case without a full stop, the user's values in backticks. `Display` prints the message
/// with its place, [`Error::hints`] what to do.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    place: Option<String>,
    hints: Vec<String>,
    faults: Vec<MappingFault>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of that kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: shown(message.into()),
            place: None,
            hints: Vec::new(),
            faults: Vec::new(),
            source: None,
        }
    }

    /// The command line or the configuration must change.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The input as a whole cannot be read.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// Disk, memory, permission.
    pub fn machine(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Machine, message)
    }

    /// The faults of a mapping file, all at once; never empty.
    pub fn mapping(faults: Vec<MappingFault>) -> Self {
        Self::faulty("the mapping", faults)
    }

    /// The faults of a file of columns, all at once; never empty.
    pub fn columns(faults: Vec<MappingFault>) -> Self {
        Self::faulty("the file of columns", faults)
    }

    fn faulty(what: &str, faults: Vec<MappingFault>) -> Self {
        let message = match faults.len() {
            1 => format!("{what} has a fault"),
            n => format!("{what} has {n} faults"),
        };
        Self {
            faults,
            ..Self::new(ErrorKind::Mapping, message)
        }
    }

    /// Says where: a file, a file with its line, a method and path.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(advice(hint.into()));
        self
    }

    /// Keeps what lies beneath; its text is printed after the message.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same without secrets; what lies beneath becomes part of the message.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        let clean = |text: &str| redactor.text(text).into_owned();
        let mut message = self.message.clone();
        for cause in self.causes() {
            message = format!("{message}: {cause}");
        }
        let is_clean = clean(&message) == message;
        Self {
            message: if is_clean {
                self.message
            } else {
                clean(&message)
            },
            source: self.source.filter(|_| is_clean),
            place: self.place.map(|place| clean(&place)),
            hints: self.hints.iter().map(|hint| clean(hint)).collect(),
            ..self
        }
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first = self.source.as_deref().map(|source| source as &dyn StdError);
        std::iter::successors(first, |&cause| cause.source())
    }

    /// The kind, and by it the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The place, if one was told.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The message alone, without place and cause.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, in order.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The single faults of a mapping.
    pub fn faults(&self) -> &[MappingFault] {
        &self.faults
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        self.causes().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// A hint as it is printed. A command in it stays as it is: it names files, and is to be pasted.
fn advice(hint: String) -> String {
    match hint.contains("deskferry ") {
        true => hint,
        false => shown(hint),
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// A part of a file's text, to be shown underlined.
#[derive(Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The whole text, without a byte-order mark.
    pub text: Arc<str>,
    /// The part, in bytes of that text.
    pub span: Range<usize>,
    /// How many bytes stand before the text in the file (a byte-order mark).
    pub before: usize,
}

impl fmt::Debug for Snippet {
    /// Without the text, which is long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.span)
    }
}

/// One fault of a mapping file, with its place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFault {
    /// The mapping file.
    pub file: String,
    /// Line from 1, where the fault has one.
    pub line: Option<usize>,
    /// Column from 1, in characters.
    pub column: Option<usize>,
    /// The text that is to blame.
    pub snippet: Option<Snippet>,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for MappingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", self.message)
    }
}

/// What is wrong with one row: the sheet must change. A value, never an `Err`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The row (of a group: the row that bears the cell).
    pub place: Place,
    /// The column as the mapping names it, where one cell is to blame.
    pub column: Option<String>,
    /// The field of the system that could not be filled.
    pub field: Option<String>,
    /// The value that is to blame, as it stands in the cell.
    pub value: Option<String>,
    /// What is wrong, with the value in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The name that resolves to nothing or to several things, where that is what is wrong.
    pub missing: Option<Missing>,
    /// What makes it one cause with the faults of other rows.
    pub rule: Rule,
}

/// What faults of several rows have in common, for counting them by cause.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Rule {
    /// Their message.
    #[default]
    Message,
    /// A rule that they break whatever their value: `is above 40`.
    Broken(String),
    /// What the mapping leaves open, whatever the value: `is a different date under `%m/%d/%Y` and `%d/%m/%Y``.
    Open {
        /// What is open.
        rule: String,
        /// The byte of the mapping file at which it must be settled.
        at: usize,
    },
    /// The row holds what its cells cannot say: something of it is in none of them.
    Lost,
    /// The row cannot be read: its cells may be those of other columns, or parts of other rows.
    Mangled,
}

impl Rule {
    /// What the faults of several rows have in common besides their message.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Message | Self::Lost | Self::Mangled => None,
            Self::Broken(rule) | Self::Open { rule, .. } => Some(rule),
        }
    }
}

/// A name that the directory does not know, or knows twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What it should be the name of.
    pub kind: Kind,
    /// As it stands in the file.
    pub name: String,
}

/// How a fault of a key begins.
const OF_KEY: &str = "the key `";

impl Fault {
    /// A fault of a whole row.
    pub fn row(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            column: None,
            field: None,
            value: None,
            message: shown(message.into()),
            hint: None,
            missing: None,
            rule: Rule::Message,
        }
    }

    /// A fault of a key; `what` is said of it.
    pub(crate) fn of_key(place: Place, key: &str, what: &str) -> Self {
        Self::row(place, format!("{OF_KEY}{key}` {what}")).value(key)
    }

    /// Whether the cells of the row are not all that its file said.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.rule, Rule::Lost | Rule::Mangled)
    }

    /// Whether the key as a whole is to blame, whatever columns it is made of.
    pub(crate) fn is_of_key(&self) -> bool {
        self.column.is_none() && self.field.is_none() && self.message.starts_with(OF_KEY)
    }

    /// Says what it has in common with the faults of other rows.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(advice(hint.into()));
        self
    }

    /// Names the column whose cell is to blame.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// Names the field that could not be filled.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds the value that is to blame.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}
