//! The facets of custom fields, by the kind of their values (contract incidentiq §4).

use jiff::Timestamp;
use serde_json::Value;

use super::facet::{Asked, Test, yes};
use super::number::Compared;
use crate::incidentiq::body::get;
use crate::incidentiq::book::Kind;
use crate::incidentiq::dates::{Window, window};
use crate::seed::District;

/// What a facet of a custom field asks; `None` where it is none or its value is not understood.
pub(super) fn by_custom_field(asked: Asked<'_>, value: &str) -> Option<Test> {
    let kind = asked.facet.strip_prefix("customfield")?;
    let Some(field) = asked.book.find(Kind::Field, asked.field?) else {
        return Some(Test::Nothing);
    };
    let of = move |is: Box<dyn Fn(&str) -> bool + Send>| {
        Test::new(move |scene| {
            let mut own = scene.ticket.custom.iter();
            own.any(|(other, text)| *other == field && is(text))
        })
    };
    let wanted = value.to_owned();
    match kind {
        "number" => {
            let compared = Compared::parse(value);
            of(Box::new(move |text| {
                let number = text.parse::<f64>();
                match compared {
                    Some(compared) => number.is_ok_and(|number| compared.holds(number)),
                    None => number == wanted.parse(),
                }
            }))
        }
        "date" => {
            let window = window(value, asked.now, &asked.book.clock.zone)?;
            let (from, until) = (window.from, window.until);
            let book_zone = asked.book.clock.zone.clone();
            of(Box::new(move |text| {
                let at = text.parse::<Timestamp>().ok().or_else(|| {
                    let day = text
                        .get(..10)
                        .unwrap_or(text)
                        .parse::<jiff::civil::Date>()
                        .ok()?;
                    Some(day.to_zoned(book_zone.clone()).ok()?.timestamp())
                });
                at.is_some_and(|at| Window { from, until }.holds(at))
            }))
        }
        "yesno" => {
            let wanted = yes(value)?;
            of(Box::new(move |text| yes(text) == Some(wanted)))
        }
        "text" => of(Box::new(move |text| text.eq_ignore_ascii_case(&wanted))),
        // Options and pickers hold a text, an id, or JSON with either.
        "" | "select" | "multiselect" | "users" | "locations" | "rooms" | "agents" | "teams" => {
            let wanted = spellings(&asked.book.district, field, value);
            of(Box::new(move |text| {
                wanted.iter().any(|one| text.eq_ignore_ascii_case(one)) || in_json(text, &wanted)
            }))
        }
        _ => None,
    }
}

/// An option's id and its name, whichever was asked for.
fn spellings(district: &District, field: usize, value: &str) -> Vec<String> {
    let options = district.custom_fields[field].options.iter();
    let mut all = vec![value.to_owned()];
    for (id, name) in options {
        if Some(*id) == value.parse().ok() || name.eq_ignore_ascii_case(value) {
            all.push(id.to_string());
            all.push((*name).to_owned());
        }
    }
    all
}

fn in_json(text: &str, wanted: &[String]) -> bool {
    let is_wanted = |value: &Value| {
        let name = value.as_str().or_else(|| get(value, "Id")?.as_str());
        let name = name.or_else(|| get(value, "Name")?.as_str());
        name.is_some_and(|name| wanted.iter().any(|one| one.eq_ignore_ascii_case(name)))
    };
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items.iter().any(is_wanted),
        Ok(value) => is_wanted(&value),
        Err(_) => false,
    }
}
