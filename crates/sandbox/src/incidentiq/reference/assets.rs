//! Devices (contract incidentiq §16).

use super::{Facets, all_hold, wanted};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{get, object_or_empty};
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

const FACETS: Facets = &[
    ("asset", true),
    ("model", true),
    ("location", true),
    ("user", true),
    ("owner", true),
    ("assettag", false),
    ("assetserialnumber", false),
    ("assetname", false),
    ("keyword", false),
];

fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    // Devices do not change here: every one is of the day on which the district was made.
    let ignored = ["createddate", "modifieddate"];
    let filters = wanted(get(&asked, "Filters"), FACETS, &ignored, iiq.rules.temper)?;
    let book = iiq.book();
    those(iiq, call, |asset| {
        all_hold(&filters, |facet, value| match facet {
            "asset" => value.parse() == Ok(asset.id),
            "model" => value.parse() == Ok(Guid::seeded("model", &asset.model)),
            "location" => value.parse() == Ok(book.district.locations[asset.location].id),
            "user" | "owner" => value.parse() == Ok(book.district.users[asset.owner].id),
            "assettag" => asset.tag.eq_ignore_ascii_case(value),
            "assetserialnumber" => asset.serial.eq_ignore_ascii_case(value),
            "assetname" => asset.model.to_lowercase().contains(value),
            _ => {
                let texts = [&asset.tag, &asset.serial, &asset.model];
                texts.iter().any(|text| text.to_lowercase().contains(value))
            }
        })
    })
}
