//! What the two dialects spell differently (contract clearfeed, the table of dialects).

use serde_json::{Value, json};
use url::Url;

use crate::directory::{CustomField, CustomType};
use crate::error::{Error, Result};
use crate::systems::Dialect;

/// Where dialect `v1` lives for a profile without a `url`.
const V1_BASE: &str = "https://api.clearfeed.ai/v1";
/// Where dialect `rest` lives for a profile without a `url`.
const REST_BASE: &str = "https://api.clearfeed.app/v1/rest";

/// The base of a dialect: the contract's own, or below the profile's `url`, to which `/v1` or `/v1/rest` is
/// added (an ending that is there already counts).
pub(super) fn base(dialect: Dialect, url: Option<&Url>) -> Result<Url> {
    let rest = dialect == Dialect::Rest;
    let text = match url {
        None if rest => REST_BASE.to_owned(),
        None => V1_BASE.to_owned(),
        Some(url) => {
            let given = url.as_str().trim_end_matches('/');
            let root = given.strip_suffix("/rest").unwrap_or(given);
            let root = root.strip_suffix("/v1").unwrap_or(root);
            format!("{root}{}", if rest { "/v1/rest" } else { "/v1" })
        }
    };
    Url::parse(&text)
        .map_err(|error| Error::usage(format!("`{text}` is not an address")).caused_by(error))
}

/// A priority as the dialect spells it.
pub(super) fn priority(dialect: Dialect, word: &str) -> &str {
    match (dialect, word) {
        (Dialect::Rest, "medium") => "normal",
        (Dialect::V1, "normal") => "medium",
        (_, word) => word,
    }
}

/// The member that holds the state.
pub(super) fn status_member(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Rest => "state",
        _ => "status",
    }
}

/// The member that holds the assignee when a request is changed. The contract shows `PATCH` only for `rest`
/// and says that `v1` spells it its own way.
pub(super) fn assignee_member(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Rest => "assignee",
        _ => "assignee_id",
    }
}

/// An id as the dialect's bodies hold it: integers in `rest` where it is one, else strings.
pub(super) fn id(dialect: Dialect, id: &str) -> Value {
    match id.parse::<i64>() {
        Ok(number) if dialect == Dialect::Rest && number.to_string() == id => json!(number),
        _ => json!(id),
    }
}

/// A custom field's name or id and its value, as the dialect's bodies hold them: by name and option text in
/// `v1`, by id and option id in `rest`.
///
/// # Errors
/// When the type cannot be written.
pub(super) fn custom(
    dialect: Dialect,
    field: &CustomField,
    value: Value,
) -> Result<(String, Value), String> {
    if field.kind == CustomType::Other {
        return Err(format!(
            "the custom field `{}` is of a type that cannot be written from a table",
            field.name
        ));
    }
    let name = custom_key(dialect, field).to_owned();
    let value = match (field.kind, value) {
        (CustomType::Select | CustomType::User, Value::String(text)) => {
            option(dialect, field, &text)
        }
        (CustomType::MultiSelect, Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => option(dialect, field, &text),
                other => other,
            })
            .collect(),
        (CustomType::MultiSelect, Value::String(text)) => json!([option(dialect, field, &text)]),
        (_, value) => value,
    };
    Ok((name, value))
}

/// What a request object calls a custom field.
pub(super) fn custom_key(dialect: Dialect, field: &CustomField) -> &str {
    match dialect {
        Dialect::Rest => &field.id,
        _ => &field.name,
    }
}

fn option(dialect: Dialect, field: &CustomField, option_id: &str) -> Value {
    if dialect == Dialect::Rest {
        return id(dialect, option_id);
    }
    field
        .options
        .iter()
        .find(|option| option.id == option_id)
        .map_or_else(|| json!(option_id), |option| json!(option.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_grow_from_the_profile_url() {
        let base = |dialect, url: Option<&str>| {
            let url = url.map(|url| Url::parse(url).unwrap());
            base(dialect, url.as_ref()).unwrap().to_string()
        };
        assert_eq!(base(Dialect::V1, None), "https://api.clearfeed.ai/v1");
        assert_eq!(
            base(Dialect::Rest, None),
            "https://api.clearfeed.app/v1/rest"
        );
        let local = "http://127.0.0.1:8700/clearfeed";
        for given in [
            local.to_owned(),
            format!("{local}/"),
            format!("{local}/v1"),
            format!("{local}/v1/rest"),
        ] {
            assert_eq!(base(Dialect::V1, Some(&given)), format!("{local}/v1"));
            assert_eq!(
                base(Dialect::Rest, Some(&given)),
                format!("{local}/v1/rest")
            );
        }
    }

    #[test]
    fn ids_are_integers_in_rest_only_when_they_are() {
        assert_eq!(id(Dialect::Rest, "11"), json!(11));
        assert_eq!(id(Dialect::Rest, "011"), json!("011"));
        assert_eq!(id(Dialect::Rest, "U7"), json!("U7"));
        assert_eq!(id(Dialect::V1, "11"), json!("11"));
    }
}
