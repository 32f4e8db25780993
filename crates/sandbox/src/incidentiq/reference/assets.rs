//! Devices (contract incidentiq §16).

use serde_json::Value;

use super::{at_path, fresh, json_of, named, shown_after};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{self, get, object_or_empty, text};
use crate::incidentiq::book::{Book, Json, Kind};
use crate::incidentiq::deed::Order;
use crate::incidentiq::metadata::{cut, one};
use crate::incidentiq::search::PAGED;
use crate::reply::{Answer, Refusal};
use crate::seed::District;
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
    Row::read("GET", "/assets/serial/{serial}", "assets", |iiq, call| {
        let wanted = call.parameter("serial").to_lowercase();
        those(iiq, call, |asset| asset.serial.to_lowercase() == wanted)
    })
    .gives("List(Asset)"),
    Row::read("POST", "/assets/search", "assets", |iiq, call| {
        let asked = object_or_empty(call)?;
        let wanted = text(&asked, "Query").unwrap_or_default().to_lowercase();
        those(iiq, call, |asset| {
            let fields = [&asset.tag, &asset.serial, &asset.model];
            fields
                .iter()
                .any(|field| field.to_lowercase().contains(&wanted))
        })
    })
    .query(PAGED)
    .takes("{Query* text, SearchAssetTag bool}")
    .gives("List(Asset)"),
    Row::create("POST", "/assets/new", "asset_save", |iiq, call| {
        shown_after(
            iiq,
            call,
            ("asset_save", fresh(iiq)),
            &object_or_empty(call)?,
            200,
            shown,
        )
    })
    .takes("NewAsset")
    .gives("Item(Asset)"),
    Row::read("GET", "/assets/{assetId:guid}", "asset", |iiq, call| {
        one(&iiq.book(), call, "assetId", Kind::Asset, |book| {
            &book.assets
        })
    })
    .gives("Item(Asset)"),
    Row::write(
        "POST",
        "/assets/{assetId:guid}",
        "asset_save",
        |iiq, call| {
            let (id, body) = at_path(call, "assetId")?;
            if shown(&iiq.book(), id).is_none() {
                return Err(Refusal::not_found("The asset"));
            }
            shown_after(iiq, call, ("asset_save", id), &body, 200, shown)
        },
    )
    .takes("NewAsset")
    .gives("Item(Asset)"),
];

fn shown(book: &Book, id: Guid) -> Option<&Json> {
    json_of(book, Kind::Asset, id, |book| &book.assets)
}

fn those(iiq: &IncidentIq, call: &Call, holds: impl Fn(&Asset) -> bool) -> Answer {
    let book = iiq.book();
    let assets = book.district.assets.iter().zip(&book.assets);
    let items: Vec<&Json> = assets
        .filter(|(asset, _)| !asset.is_deleted && holds(asset))
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

/// Makes a device, or changes the one of that id.
pub(super) fn asset(
    book: &Book,
    order: &Order<'_>,
    district: &mut District,
) -> Result<(), Refusal> {
    let place = book.find(Kind::Asset, order.target);
    let others = district.assets.iter().filter(|one| one.id != order.target);
    let tag = named(
        order,
        "AssetTag",
        place.is_none(),
        others.map(|one| one.tag.clone()),
    )?;
    let owner = body::optional(book, order.body, "OwnerId", Kind::User)?;
    let location = body::optional(book, order.body, "LocationId", Kind::Location)?;
    let owned = |name| text(order.body, name).map(str::to_owned);
    let Some(place) = place else {
        district.assets.push(Asset {
            id: order.target,
            tag: tag.unwrap_or_default(),
            serial: owned("SerialNumber").unwrap_or_default(),
            model: owned("ModelName").unwrap_or_else(|| "Unknown".to_owned()),
            owner: owner.unwrap_or(order.by),
            location: location.unwrap_or(0),
            is_deleted: false,
        });
        return Ok(());
    };
    let one = &mut district.assets[place];
    one.tag = tag.unwrap_or_else(|| one.tag.clone());
    one.serial = owned("SerialNumber").unwrap_or_else(|| one.serial.clone());
    one.model = owned("ModelName").unwrap_or_else(|| one.model.clone());
    one.owner = owner.unwrap_or(one.owner);
    one.location = location.unwrap_or(one.location);
    Ok(())
}
