//! The reference data: places, issues, people, teams, devices (contract incidentiq §16). It is read; the one thing that
//! can be changed is a person.

mod assets;
mod issues;
mod people;
mod places;

use serde_json::Value;

pub(super) use self::people::DEEDS;
use super::body::{get, is_set, text};
use super::{IncidentIq, V1, V2};
use crate::Temper;
use crate::guid::Guid;
use crate::reply::Refusal;
use crate::route::Section;

/// A filter of a list of reference data.
#[derive(Debug)]
struct Wanted {
    facet: String,
    values: Vec<String>,
    /// Whether it is what holds that is left out.
    is_unwanted: bool,
}

/// The facets of a list, and whether each one's values are ids.
type Facets = &'static [(&'static str, bool)];

/// The filters of a body or of its options. What is not understood is refused by the documents' temper and dropped by
/// the live one (contract §4, rule 1); `ignored` are facets that the documents know and no server heeds.
fn wanted(
    filters: Option<&Value>,
    facets: Facets,
    ignored: &[&str],
    temper: Temper,
) -> Result<Vec<Wanted>, Refusal> {
    let mut all: Vec<Wanted> = Vec::new();
    for one in filters.and_then(Value::as_array).into_iter().flatten() {
        let facet = text(one, "Facet").unwrap_or_default().to_lowercase();
        if ignored.contains(&facet.as_str()) {
            continue;
        }
        let is_id = facets.iter().find(|(name, _)| *name == facet);
        let values: Vec<String> = values_of(one).into_iter().map(str::to_lowercase).collect();
        let is_good = |(_, is_id): &&(&str, bool)| {
            !values.is_empty()
                && (!is_id || values.iter().all(|value| value.parse::<Guid>().is_ok()))
        };
        if is_id.filter(is_good).is_none() {
            if temper == Temper::LiveLike {
                continue;
            }
            let message = format!("The filter {one} is not understood.");
            return Err(Refusal::bad("Filters", message));
        }
        let is_unwanted = is_set(one, "Negative");
        let same = all
            .iter_mut()
            .find(|known| known.facet == facet && known.is_unwanted == is_unwanted);
        match same {
            Some(known) => known.values.extend(values),
            None => all.push(Wanted {
                facet,
                values,
                is_unwanted,
            }),
        }
    }
    Ok(all)
}

/// Whether all of them hold, by what one value of a facet asks.
fn all_hold(wanted: &[Wanted], is: impl Fn(&str, &str) -> bool) -> bool {
    wanted.iter().all(|one| {
        let mut values = one.values.iter();
        values.any(|value| is(&one.facet, value)) != one.is_unwanted
    })
}

/// The values of a filter: `Value`, `Values`, `Id`, `Ids`.
fn values_of(filter: &Value) -> Vec<&str> {
    let single = ["Value", "Id"]
        .into_iter()
        .filter_map(|name| text(filter, name));
    let lists = ["Values", "Ids"]
        .into_iter()
        .filter_map(|name| get(filter, name)?.as_array());
    single
        .chain(lists.flatten().filter_map(Value::as_str))
        .collect()
}

pub(super) fn sections() -> Vec<Section<IncidentIq>> {
    let section = |name, root, routes| Section { name, root, routes };
    vec![
        section("Locations", V1, places::ROUTES),
        section("Locations", V2, places::ROUTES_V2),
        section("Issues", V1, issues::ROUTES),
        section("Users", V1, people::ROUTES),
        section("Assets", V1, assets::ROUTES),
    ]
}
