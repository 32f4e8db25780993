//! Values inside bodies: devices, tags, moments, custom fields.

use jiff::Timestamp;
use serde_json::Value;

use super::{get, guid};
use crate::guid::Guid;
use crate::incidentiq::book::{Book, Kind};
use crate::incidentiq::ticket::{Tag, Ticket};

/// Sets one custom field; one without a text is taken off.
pub(in super::super) fn set_custom(ticket: &mut Ticket, field: usize, value: Option<String>) {
    ticket.custom.retain(|(other, _)| *other != field);
    ticket.custom.extend(value.map(|value| (field, value)));
}

/// A device named by its id.
pub(in super::super) fn asset(book: &Book, item: &Value) -> Result<usize, String> {
    let id = guid(item, "AssetId").ok_or("An asset needs an AssetId.")?;
    book.find(Kind::Asset, id)
        .ok_or_else(|| format!("Asset {id} does not exist."))
}

/// Tags named by id, or new ones by name.
pub(in super::super) fn tags(book: &Book, items: &[Value]) -> Result<Vec<Tag>, String> {
    items
        .iter()
        .map(|item| {
            let known = |place: usize| {
                let (id, name) = book.district.tags[place];
                Tag {
                    id,
                    name: name.to_owned(),
                }
            };
            if let Some(id) = guid(item, "TagId").filter(|id| *id != Guid::ZERO) {
                let place = book.find(Kind::Tag, id);
                return place.map(known).ok_or(format!("Tag {id} does not exist."));
            }
            let name = get(item, "Name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim();
            if name.is_empty() {
                return Err("A tag needs a TagId or a Name.".to_owned());
            }
            let place = book
                .district
                .tags
                .iter()
                .position(|(_, known)| known.eq_ignore_ascii_case(name));
            Ok(place.map_or_else(
                || Tag {
                    id: Guid::seeded("tag", name),
                    name: name.to_owned(),
                },
                known,
            ))
        })
        .collect()
}

/// A moment as IncidentIQ takes it: with an offset, or in the site's zone.
pub(in super::super) fn moment(text: &str, book: &Book) -> Result<Timestamp, String> {
    let bad = || format!("Error converting value \"{text}\" to type 'System.DateTime'.");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let civil = text
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| jiff::civil::Date::strptime("%m/%d/%Y", text).map(|day| day.at(0, 0, 0, 0)))
        .map_err(|_| bad())?;
    let zoned = civil.to_zoned(book.clock.zone.clone()).map_err(|_| bad())?;
    Ok(zoned.timestamp())
}

/// One custom field's value: always a string, what it may hold depends on the editor (contract §15).
pub(in super::super) fn custom_value(
    book: &Book,
    item: &Value,
) -> Result<(usize, Option<String>), String> {
    let id = guid(item, "CustomFieldTypeId").ok_or("A value needs a CustomFieldTypeId.")?;
    let place = book
        .find(Kind::Field, id)
        .ok_or_else(|| format!("Custom field {id} does not exist."))?;
    let field = &book.district.custom_fields[place];
    let text = match get(item, "Value") {
        None => return Ok((place, None)),
        Some(Value::String(text)) => text,
        Some(other) => {
            return Err(format!(
                "{}: the value must be a string, not {other}.",
                field.name
            ));
        }
    };
    let is_option = |text: &str| {
        let id = text.parse::<Guid>().ok();
        field
            .options
            .iter()
            .any(|(known, name)| Some(*known) == id || *name == text)
    };
    // Options come as an id, as a text, or as an object with both.
    let is_option_json = |value: &Value| {
        let name = value
            .as_str()
            .or_else(|| get(value, "Id").or_else(|| get(value, "Name"))?.as_str());
        name.is_some_and(is_option)
    };
    let is_good = text.is_empty()
        || match field.editor {
            4 => text.parse::<f64>().is_ok_and(f64::is_finite),
            6 => moment(text, book).is_ok() || text.parse::<jiff::civil::Date>().is_ok(),
            8 => ["yes", "no", "true", "false"].contains(&text.to_lowercase().as_str()),
            9 => {
                is_option(text)
                    || serde_json::from_str(text).is_ok_and(|value: Value| match value.as_array() {
                        Some(items) => items.len() == 1 && items.iter().all(is_option_json),
                        None => is_option_json(&value),
                    })
            }
            10 => serde_json::from_str::<Vec<Value>>(text)
                .is_ok_and(|items| items.iter().all(is_option_json)),
            _ => true,
        };
    if is_good {
        Ok((place, Some(text.clone())))
    } else {
        Err(format!("{}: {text:?} is not a valid value.", field.name))
    }
}
