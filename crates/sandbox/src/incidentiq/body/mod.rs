//! Reading bodies: types first (400, a map), then whether it makes sense (422, a list), as contract incidentiq §7
//! and §17 have it.

mod form;
mod ticket;
mod values;

use serde_json::{Map, Value, json};

pub(super) use self::ticket::{Intent, drafted, updated};
pub(super) use self::values::{asset, custom_value, moment, set_custom, tags};
use super::book::{Book, Kind};
use crate::call::Call;
use crate::fit::{Misfit, Wanted};
use crate::guid::Guid;
use crate::reply::Refusal;

/// The refusal of a body of the wrong types, in the words of the framework.
pub(super) fn unfit(misfits: &[Misfit]) -> Refusal {
    let mut refusal = Refusal::new(400, "One or more validation errors occurred.");
    for misfit in misfits {
        let (of_the_body, name) = match misfit.wanted {
            Wanted::Guid => ("guid", "System.Guid"),
            Wanted::Text => ("string", "System.String"),
            Wanted::Integer => ("integer", "System.Int32"),
            Wanted::Number => ("number", "System.Double"),
            Wanted::Flag => ("boolean", "System.Boolean"),
            Wanted::Object => ("object", "System.Object"),
            Wanted::List => ("array", "System.Collections.Generic.List`1"),
        };
        if misfit.place.is_empty() {
            let message = format!("A request body of type {of_the_body} is required.");
            return Refusal::new(400, message);
        }
        let message = format!("Error converting value {} to type '{name}'.", misfit.found);
        refusal.fields.push((misfit.place.clone(), message));
    }
    refusal
}

/// A member of an object, its name without case.
pub(super) fn member<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).or_else(|| {
        body.iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A member of a value that may be no object; null is absent.
pub(super) fn get<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    member(body.as_object()?, name).filter(|value| !value.is_null())
}

/// An id under a name.
pub(super) fn guid(body: &Value, name: &str) -> Option<Guid> {
    get(body, name)?.as_str()?.parse().ok()
}

/// A text under a name.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    get(body, name)?.as_str()
}

/// Whether a member is `true`.
pub(super) fn is_set(body: &Value, name: &str) -> bool {
    get(body, name).and_then(Value::as_bool) == Some(true)
}

/// An id in the path.
pub(super) fn id(call: &Call, parameter: &str) -> Result<Guid, Refusal> {
    let id = call.parameter(parameter).parse();
    id.map_err(|_| Refusal::not_found("The resource"))
}

/// The body; where there is none an object without members.
pub(super) fn object_or_empty(call: &Call) -> Result<Value, Refusal> {
    Ok(match call.json()? {
        Value::Null => json!({}),
        body => body,
    })
}

/// A body that must be an array.
pub(super) fn list(body: &Value) -> Result<&[Value], Refusal> {
    body.as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Refusal::new(400, "A request body of type array is required."))
}

/// A text that must be there.
pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    text(body, name).ok_or_else(|| missing(name))
}

/// A member is not there, or is no such thing.
pub(super) fn missing(name: &str) -> Refusal {
    Refusal::bad(name, format!("The {name} field is required."))
}

/// The place of the thing whose id stands under a name.
pub(super) fn reference(
    book: &Book,
    body: &Value,
    name: &str,
    kind: Kind,
) -> Result<usize, Refusal> {
    let id = required(body, name)?;
    id.parse()
        .ok()
        .and_then(|id| book.find(kind, id))
        .ok_or_else(|| Refusal::bad(name, format!("{id} does not exist.")))
}

/// The same, where it is there at all.
pub(super) fn optional(
    book: &Book,
    body: &Value,
    name: &str,
    kind: Kind,
) -> Result<Option<usize>, Refusal> {
    match guid(body, name) {
        Some(Guid::ZERO) => Ok(None),
        _ if get(body, name).is_none() => Ok(None),
        _ => reference(book, body, name, kind).map(Some),
    }
}
