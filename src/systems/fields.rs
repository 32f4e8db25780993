//! The shape of the one table of fields: from it validation, `init`, the JSON schema and the reference pages
//! are made. Each system's `fields.rs` fills it from its contract.

pub(crate) mod called;

use std::sync::Arc;

use crate::directory::{CustomField, Kind};

/// The field that names a file.
pub(crate) const FILE: &str = "file";

/// The field that says what the file is called on the ticket.
pub(crate) const FILE_NAME: &str = "name";

/// The field that says where people find the file.
pub(crate) const FILE_LINK: &str = "link";

/// The field that says in which folder of an archive the file is kept.
pub(crate) const FILE_FOLDER: &str = "folder";

/// What a value of a field must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// Text of at most so many characters, where a limit is known.
    Text {
        /// The limit in Unicode scalar values.
        max_length: Option<usize>,
    },
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A calendar date; as a payload value `2024-06-21`.
    Date,
    /// A moment; as a payload value RFC 3339 with an offset.
    DateTime,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The id of a directory entry.
    Reference(Kind),
    /// Several of the inner type.
    List(Box<FieldType>),
}

impl FieldType {
    /// The type of one value: of several that of each.
    pub fn item(&self) -> &Self {
        match self {
            Self::List(inner) => inner,
            one => one,
        }
    }
}

/// How a field gets onto the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The operation's first request carries it.
    Own,
    /// A further request sets it: the name of that step.
    Step(&'static str),
    /// No call sets it: what people do instead.
    Never(&'static str),
}

/// One field of one operation of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name that a mapping uses, as the system spells it.
    pub name: &'static str,
    /// The type of its value.
    pub kind: FieldType,
    /// Whether the operation is refused without it.
    pub required: bool,
    /// How it gets onto the ticket.
    pub setting: Setting,
    /// One sentence for the reference page, with the contract section in brackets.
    pub doc: &'static str,
    /// What columns of this meaning are called in the exports of help desks, the likeliest first, in lower case.
    pub called: &'static [&'static str],
    /// How it ties the ticket to another one, where it takes the id of a ticket.
    pub tie: Option<Tie>,
}

/// How a field ties a ticket to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// That one is above it: nothing is above itself.
    Parent,
    /// The two have to do with each other.
    Related,
}

/// The fields of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTable {
    /// Every field by its name in the mapping; `custom.NAME` is not in here, it comes from the directory.
    pub fields: Vec<Field>,
    /// The field whose text bears the reference line, with the room it has; empty where the operation has none.
    pub description: &'static str,
    /// How `custom.NAME` gets onto the ticket.
    pub custom: Setting,
}

impl FieldTable {
    /// The fields of an operation on a ticket that stands, which neither marks it nor sets its custom fields.
    pub(crate) fn following(fields: Vec<Field>) -> Self {
        Self {
            fields,
            description: "",
            custom: Setting::Never(
                "this operation sets no custom fields: `operation = \"update\"` does",
            ),
        }
    }

    /// The fields of a file that is hung on a ticket, which are the same everywhere.
    pub(crate) fn attach() -> Self {
        Self::following(vec![
            Field::own(
                FILE,
                FieldType::TEXT,
                "the file: a path beside the input, or a web address; an empty cell is no file",
            )
            .called(called::ATTACHMENT)
            .required(),
            Field::own(
                FILE_NAME,
                FieldType::TEXT,
                "what it is called on the ticket; by default as its path or address ends",
            ),
            Field::own(
                FILE_FOLDER,
                FieldType::TEXT,
                "the folder in which an archive keeps the ticket's files, its number for example; by default the row's key",
            ),
            Field::own(
                FILE_LINK,
                FieldType::TEXT,
                "the address under which people find it, for `attachments = \"link\"`; by default the file itself",
            ),
        ])
    }

    /// The field of that exact name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// All names, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.fields.iter().map(|field| field.name)
    }
}

/// Which field a value is for.
#[derive(Debug, Clone)]
pub enum Target {
    /// A field of the table.
    Field(Field),
    /// A custom field of the tenant.
    Custom(Arc<CustomField>),
}

/// A checked value on its way into a payload.
///
/// The JSON value follows the type: text, id, date and moment are strings, lists are arrays; a custom field's
/// select value is the id of the option, a multi-select's an array of option ids.
#[derive(Debug, Clone)]
pub struct FieldValue {
    /// The field.
    pub target: Target,
    /// The value.
    pub value: serde_json::Value,
}

impl Field {
    /// What it is, without the section of the contract.
    pub fn sentence(&self) -> &'static str {
        self.doc
            .rsplit_once(" [")
            .map_or(self.doc, |(text, _)| text)
    }

    /// An optional field that the first request carries.
    pub(crate) fn own(name: &'static str, kind: FieldType, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            setting: Setting::Own,
            doc,
            called: &[],
            tie: None,
        }
    }

    /// A field that a further request sets.
    pub(crate) fn step(
        name: &'static str,
        kind: FieldType,
        step: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            setting: Setting::Step(step),
            ..Self::own(name, kind, doc)
        }
    }

    /// A field that nothing sets, with what people do instead.
    pub(crate) fn never(
        name: &'static str,
        kind: FieldType,
        instead: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            setting: Setting::Never(instead),
            ..Self::own(name, kind, doc)
        }
    }

    /// The same field with the names that columns of its meaning bear.
    pub(crate) fn called(self, called: &'static [&'static str]) -> Self {
        Self { called, ..self }
    }

    /// The same field, which takes the id of a ticket.
    pub(crate) fn ties(self, tie: Tie) -> Self {
        Self {
            tie: Some(tie),
            ..self
        }
    }

    /// The same field, demanded.
    pub(crate) fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }
}

impl FieldType {
    /// Text without a known limit.
    pub(crate) const TEXT: Self = Self::Text { max_length: None };

    /// Several of this type.
    pub(crate) fn list(self) -> Self {
        Self::List(Box::new(self))
    }
}
