//! Devices (contract incidentiq §16).

use serde_json::Value;

use crate::call::Call;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{get, object_or_empty, text};
use crate::incidentiq::book::Json;
use crate::incidentiq::metadata::cut;
use crate::incidentiq::search::PAGED;
use crate::reply::Answer;
use crate::seed::district::Asset;

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/assets", "assets", listed)
        .query(PAGED)
        .takes("{Filters [Filter]}")
        .gives("List(Asset)"),
    Row::read("GET", "/assets/assettag/{tag}", "asset", |iiq, call| {
        // Irregular: a list, empty where there is no such tag (contract §2).
        let wanted = call.parameter("tag").to_lowercase();
        those(iiq, call, |asset| asset.tag.to_lowercase() == wanted)
    })
    .gives("List(Asset)"),
    Row::read(
        "GET",
        "/assets/assettag/search/{tags}",
        "assets",
        |iiq, call| {
            let wanted = call.parameter("tags").to_lowercase();
            let wanted: Vec<_> = wanted
                .split('|')
                .map(|one| one.trim_matches('*').to_owned())
                .collect();
            those(iiq, call, |asset| {
                wanted
                    .iter()
                    .any(|one| asset.tag.to_lowercase().contains(one))
            })
        },
    )
    .query(PAGED)
    .gives("List(Asset)"),
];

fn those(iiq: &IncidentIq, call: &Call, holds: impl Fn(&Asset) -> bool) -> Answer {
    let book = iiq.book();
    let assets = book.district.assets.iter().zip(&book.assets);
    let items: Vec<&Json> = assets
        .filter(|(asset, _)| holds(asset))
        .map(|(_, json)| json)
        .collect();
    cut(iiq, call, &items, 20)
}

fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let filters = get(&asked, "Filters").and_then(Value::as_array).cloned();
    let filters = filters.unwrap_or_default();
    let book = iiq.book();
    those(iiq, call, |asset| {
        filters.iter().all(|one| {
            let value = text(one, "Id")
                .or_else(|| text(one, "Value"))
                .unwrap_or_default();
            let facet = text(one, "Facet").unwrap_or_default().to_lowercase();
            match facet.as_str() {
                "asset" => value.parse() == Ok(asset.id),
                "assettag" => asset.tag.eq_ignore_ascii_case(value),
                "assetserialnumber" => asset.serial.eq_ignore_ascii_case(value),
                "location" => value.parse() == Ok(book.district.locations[asset.location].id),
                "user" | "owner" => value.parse() == Ok(book.district.users[asset.owner].id),
                _ => true,
            }
        })
    })
}
