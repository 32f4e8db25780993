//! The notation in which rows say what bodies hold, and the JSON Schema that it stands for.
//!
//! ```text
//! type   = guid | text | int | number | bool | time | object | any | Name | [type] | {fields} | Wrap(type)
//! fields = name type, name* type, …        name* is required, type? may be null
//! ```

use serde_json::{Map, Value, json};

/// A type as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type<'a> {
    /// A plain type, or the name of a schema.
    Name(&'a str),
    List(Box<Type<'a>>),
    Object(Vec<Field<'a>>),
    /// A type in an envelope of the system.
    Wrapped(&'a str, Box<Type<'a>>),
    OrNull(Box<Type<'a>>),
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    is_required: bool,
    pub(super) of: Type<'a>,
}

/// What a system puts around what it answers: the schema of an envelope by its name, and that of what is in it.
pub(super) type Wrap = fn(&str, Value) -> Value;

/// The text being read.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(format!("`{sign}` is expected before `{}`", self.rest))
    }

    fn word(&mut self) -> Result<&'a str, String> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|sign: char| !(sign.is_alphanumeric() || "$_.-".contains(sign)))
            .unwrap_or(self.rest.len());
        if end == 0 {
            return Err(format!("a name is expected before `{}`", self.rest));
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    fn one(&mut self) -> Result<Type<'a>, String> {
        let of = if self.eat('[') {
            let inner = self.one()?;
            self.expect(']')?;
            Type::List(Box::new(inner))
        } else if self.eat('{') {
            let fields = self.fields()?;
            self.expect('}')?;
            Type::Object(fields)
        } else {
            let word = self.word()?;
            if self.eat('(') {
                let inner = self.one()?;
                self.expect(')')?;
                Type::Wrapped(word, Box::new(inner))
            } else {
                Type::Name(word)
            }
        };
        Ok(if self.eat('?') {
            Type::OrNull(Box::new(of))
        } else {
            of
        })
    }

    fn fields(&mut self) -> Result<Vec<Field<'a>>, String> {
        let mut fields = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Ok(fields);
            }
            let name = self.word()?;
            let is_required = self.eat('*');
            let of = self.one()?;
            fields.push(Field {
                name,
                is_required,
                of,
            });
            if !self.eat(',') {
                return Ok(fields);
            }
        }
    }

    fn end<T>(&self, read: T) -> Result<T, String> {
        if self.rest.trim().is_empty() {
            return Ok(read);
        }
        Err(format!("`{}` is left over", self.rest))
    }
}

/// The type that a notation writes.
///
/// # Errors
/// When the text is none in the notation.
pub(super) fn parse(notation: &str) -> Result<Type<'_>, String> {
    let mut reader = Reader { rest: notation };
    let read = reader.one()?;
    reader.end(read)
}

/// The JSON Schema of a type.
///
/// # Errors
/// When the text is none in the notation.
pub(super) fn schema(notation: &str, wrap: Wrap) -> Result<Value, String> {
    Ok(shown(&parse(notation)?, wrap))
}

/// A parameter: its name, whether it is required, its schema.
pub(super) type Parameter<'a> = (&'a str, bool, Value);

/// The parameters that a row's query names.
///
/// # Errors
/// When the text is none in the notation.
pub(super) fn parameters(notation: &str) -> Result<Vec<Parameter<'_>>, String> {
    let mut reader = Reader { rest: notation };
    let fields = reader.fields()?;
    let fields = reader.end(fields)?.into_iter();
    Ok(fields
        .map(|field| {
            (
                field.name,
                field.is_required,
                shown(&field.of, |_, inner| inner),
            )
        })
        .collect())
}

fn shown(of: &Type<'_>, wrap: Wrap) -> Value {
    match of {
        Type::Name(name) => plain(name),
        Type::List(inner) => json!({ "type": "array", "items": shown(inner, wrap) }),
        Type::Wrapped(name, inner) => wrap(name, shown(inner, wrap)),
        Type::OrNull(inner) => json!({ "anyOf": [shown(inner, wrap), { "type": "null" }] }),
        Type::Object(fields) => {
            let properties: Map<String, Value> = fields
                .iter()
                .map(|field| (field.name.to_owned(), shown(&field.of, wrap)))
                .collect();
            let required: Vec<&str> = fields
                .iter()
                .filter(|field| field.is_required)
                .map(|field| field.name)
                .collect();
            let mut object = json!({ "type": "object", "properties": properties });
            if !required.is_empty() {
                object["required"] = json!(required);
            }
            object
        }
    }
}

fn plain(name: &str) -> Value {
    match name {
        "guid" => json!({ "type": "string", "format": "uuid" }),
        "text" => json!({ "type": "string" }),
        "int" => json!({ "type": "integer" }),
        "number" => json!({ "type": "number" }),
        "bool" => json!({ "type": "boolean" }),
        // Offset or none: on live systems none is told (contract incidentiq §5).
        "time" => json!({ "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}" }),
        "object" => json!({ "type": "object" }),
        "any" => json!({}),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_stands_for_a_schema() {
        let read = schema(
            "{Id* guid, Name text?, Tags [{Name text}], For User}",
            |_, v| v,
        );
        assert_eq!(
            read.unwrap(),
            json!({
                "type": "object",
                "properties": {
                    "Id": { "type": "string", "format": "uuid" },
                    "Name": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
                    "Tags": { "type": "array", "items": { "type": "object", "properties": { "Name": { "type": "string" } } } },
                    "For": { "$ref": "#/components/schemas/User" },
                },
                "required": ["Id"],
            })
        );
        let wrapped = schema("Item([int])", |name, inner| json!({ name: inner }));
        assert_eq!(
            wrapped.unwrap(),
            json!({ "Item": { "type": "array", "items": { "type": "integer" } } })
        );
    }

    #[test]
    fn what_is_left_over_is_told() {
        assert!(schema("{Id guid", |_, v| v).unwrap_err().contains('}'));
        assert!(
            schema("guid guid", |_, v| v)
                .unwrap_err()
                .contains("left over")
        );
    }
}
