//! `$filter` of the query: `(Field eq 'v')`, joined with `and` (contract incidentiq §3).

use serde::Serialize;
use serde_json::Value;

use super::IncidentIq;
use super::body::member;
use crate::Temper;
use crate::call::Call;
use crate::reply::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    field: String,
    operator: Operator,
    value: String,
}

/// What a listing is to be narrowed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression(Vec<Clause>);

impl Expression {
    fn parse(text: &str) -> Option<Self> {
        let clauses: Option<Vec<_>> = clauses(bare(text)).iter().map(|one| clause(one)).collect();
        clauses.filter(|all| !all.is_empty()).map(Self)
    }

    fn holds(&self, item: &Value) -> bool {
        self.0.iter().all(|clause| {
            let shown = item
                .as_object()
                .and_then(|item| member(item, &clause.field));
            let shown = match shown {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.to_lowercase(),
                Some(other) => other.to_string(),
            };
            let wanted = clause.value.to_lowercase();
            match clause.operator {
                Operator::Equal => shown == wanted,
                Operator::NotEqual => shown != wanted,
                Operator::Contains => shown.contains(&wanted),
            }
        })
    }
}

/// The text without its outer brackets.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    match inner {
        Some(inner) if !inner.contains('(') => inner.trim(),
        _ => text,
    }
}

/// The pieces between the `and`s that are not within quotes.
fn clauses(text: &str) -> Vec<&str> {
    let lower = text.to_ascii_lowercase();
    let (mut pieces, mut from) = (Vec::new(), 0);
    for (at, _) in lower.match_indices(" and ") {
        let is_quoted = text[..at].matches('\'').count() % 2 == 1;
        if !is_quoted && at >= from {
            pieces.push(&text[from..at]);
            from = at + " and ".len();
        }
    }
    pieces.push(&text[from..]);
    pieces
}

fn clause(text: &str) -> Option<Clause> {
    let text = bare(text);
    let (field, rest) = text.split_once(char::is_whitespace)?;
    let (operator, value) = rest.trim_start().split_once(char::is_whitespace)?;
    let operator = match operator.to_ascii_lowercase().as_str() {
        "eq" => Operator::Equal,
        "ne" => Operator::NotEqual,
        "contains" => Operator::Contains,
        _ => return None,
    };
    let value = value.trim();
    let quoted = value
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    // An id may stand in square brackets.
    let value = quoted.unwrap_or(value);
    let inner = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_name = field
        .chars()
        .all(|sign| sign.is_alphanumeric() || sign == '_');
    (is_name && !field.is_empty()).then(|| Clause {
        field: field.to_owned(),
        operator,
        value: inner.unwrap_or(value).replace("''", "'"),
    })
}

/// The items that the query's `$filter` lets through, where it has one. What is not understood is refused by the
/// documents' temper and dropped by the live one, as filters of a body are.
pub(super) fn narrowed<T: Serialize>(
    iiq: &IncidentIq,
    call: &Call,
    items: &[T],
) -> Result<Option<Vec<Value>>, Refusal> {
    let Some(text) = call.query("$filter").filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let failed = |error: serde_json::Error| Refusal::new(500, error.to_string());
    let shown: Result<Vec<Value>, _> = items.iter().map(serde_json::to_value).collect();
    let mut shown = shown.map_err(failed)?;
    let is_known = |expression: &Expression| {
        shown.is_empty()
            || expression.0.iter().all(|clause| {
                let mut objects = shown.iter().filter_map(Value::as_object);
                objects.any(|item| member(item, &clause.field).is_some())
            })
    };
    match Expression::parse(text).filter(is_known) {
        Some(expression) => {
            shown.retain(|item| expression.holds(item));
            Ok(Some(shown))
        }
        None if iiq.rules.temper == Temper::LiveLike => Ok(None),
        None => {
            let message = format!("The filter {text} is not understood.");
            Err(Refusal::bad("$filter", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(text: &str) -> Option<bool> {
        let item = json!({ "Name": "Room 'A' and B", "Count": 7, "IsOn": true, "Id": "5f-1" });
        Expression::parse(text).map(|one| one.holds(&item))
    }

    #[test]
    fn fields_are_compared() {
        for (text, expected) in [
            ("(Name contains 'room')", true),
            ("(name eq 'Room ''A'' and B')", true),
            ("Count eq 7", true),
            ("(Count ne 7)", false),
            ("(Id eq '[5f-1]')", true),
            ("(IsOn eq true) and (Count eq 7)", true),
            ("IsOn eq true and Count eq 8", false),
        ] {
            assert_eq!(holds(text), Some(expected), "{text}");
        }
        for none in [
            "",
            "Name",
            "Name is x",
            "Name eq",
            "(Name eq 'x') or (Count eq 7)",
        ] {
            assert!(holds(none).is_none_or(|holds| !holds), "{none}");
        }
    }
}
