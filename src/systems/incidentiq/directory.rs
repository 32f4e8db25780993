//! IncidentIQ's reference data (contract incidentiq §15, §16): all kinds at once, each page by page.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::IncidentIq;
use super::custom_fields::custom_field;
use super::envelope::{Page, id, text};
use super::paging::{Call, Intake, all};
use crate::directory::{CustomField, Entry, Kind, Listing, Needs, Snapshot};
use crate::error::Result;
use crate::systems::http::Request;
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::member;
use crate::systems::{DirectoryProgress, SystemName};

/// How many pages of one kind are read at a time; several kinds are read beside each other.
const PAGES_AT_A_TIME: usize = 4;

/// Between the parts of an issue's path.
const ARROW: &str = " › ";

/// Loads the kinds that are needed.
pub(super) async fn load(
    system: &IncidentIq,
    needs: Needs,
    reader: Reader<'_>,
    progress: DirectoryProgress<'_>,
) -> Result<Snapshot> {
    let loader = Loader {
        reader,
        progress,
        concurrency: system.concurrency.clamp(1, PAGES_AT_A_TIME),
    };
    let (
        issues,
        locations,
        rooms,
        users,
        teams,
        assets,
        statuses,
        priorities,
        tags,
        close_reasons,
        levels,
        custom_fields,
    ) = futures::join!(
        if_in(needs, Kind::Issue, loader.issues()),
        if_in(
            needs,
            Kind::Location,
            loader.locations(system.site_id.as_deref())
        ),
        if_in(needs, Kind::Room, loader.rooms()),
        if_in(needs, Kind::User, loader.users()),
        if_in(needs, Kind::Team, loader.teams()),
        if_in(needs, Kind::Asset, loader.assets()),
        if_in(needs, Kind::Status, loader.statuses()),
        if_in(needs, Kind::Priority, loader.priorities()),
        if_in(needs, Kind::Tag, loader.tags()),
        if_in(needs, Kind::CloseReason, loader.close_reasons()),
        if_in(needs, Kind::Sla, loader.levels()),
        async {
            match needs.has_custom_fields() {
                true => Some(loader.custom_fields().await),
                false => None,
            }
        },
    );
    let mut kinds = BTreeMap::new();
    // Every create names these: a directory without them is none. What the token may not read costs only who needs it.
    for (kind, listing) in [
        (Kind::Issue, issues),
        (Kind::Location, locations),
        (Kind::User, users),
    ] {
        if let Some(listing) = listing {
            kinds.insert(kind, listing.or_else(denied)?);
        }
    }
    // No create needs these: what cannot be read is told, and only who wants to resolve it is stopped.
    for (kind, listing) in [
        (Kind::Room, rooms),
        (Kind::Team, teams),
        (Kind::Asset, assets),
        (Kind::Status, statuses),
        (Kind::Priority, priorities),
        (Kind::Tag, tags),
        (Kind::CloseReason, close_reasons),
        (Kind::Sla, levels),
    ] {
        let unread = |failure: ReadFailure| Listing::unread(failure.note());
        if let Some(listing) = listing {
            kinds.insert(kind, listing.unwrap_or_else(unread));
        }
    }
    let (custom_fields, custom_fields_note) = match custom_fields.unwrap_or(Ok(Vec::new())) {
        Ok(fields) => (fields, None),
        Err(failure) if failure.is_denied() => (Vec::new(), Some(failure.note())),
        Err(failure) => return Err(failure.into()),
    };
    Ok(Snapshot {
        version: Snapshot::version_of(needs),
        holds: needs,
        system: SystemName::IncidentIq,
        dialect: system.account.dialect,
        tenant: system.account.tenant.clone(),
        pulled_at: Timestamp::now(),
        kinds,
        custom_fields,
        custom_fields_note,
        constants: system.constants.clone(),
    })
}

/// What is read where it is needed.
async fn if_in<T>(needs: Needs, kind: Kind, read: impl Future<Output = T>) -> Option<T> {
    match needs.has(kind) {
        true => Some(read.await),
        false => None,
    }
}

/// A kind that the token may not read.
fn denied(failure: ReadFailure) -> Result<Listing, ReadFailure> {
    match failure.is_denied() {
        true => Ok(Listing::unread(failure.note())),
        false => Err(failure),
    }
}

struct Loader<'a> {
    reader: Reader<'a>,
    progress: DirectoryProgress<'a>,
    concurrency: usize,
}

impl Loader<'_> {
    /// Reads the first of several spellings that the system knows.
    async fn first_of(
        &self,
        kind: Kind,
        calls: &[Call],
        entry: &(dyn Fn(&Value) -> Option<Entry> + Send + Sync),
    ) -> Result<Listing, ReadFailure> {
        let told = |count, total| (self.progress)(kind.as_str(), count, total);
        let intake = Intake {
            entry,
            told: &told,
            concurrency: self.concurrency,
        };
        // What the preferred spelling said is the better message.
        let mut first = None;
        for call in calls {
            match all(self.reader, call, &intake).await {
                Ok(listing) => return Ok(listing),
                Err(failure) if failure.is_unknown_call() => first = first.or(Some(failure)),
                Err(failure) => return Err(failure),
            }
        }
        Err(first.expect("there is at least one spelling"))
    }

    async fn issues(&self) -> Result<Listing, ReadFailure> {
        let names = |path, ids: &'static [&'static str]| self.names(path, ids);
        let (types, categories) = futures::join!(
            names("/v1.0/issues/types", &["IssueTypeId"]),
            names(
                "/v1.0/categories/of/issues",
                &["IssueCategoryId", "CategoryId"]
            ),
        );
        let entry = |item: &Value| issue(item, &types, &categories);
        let calls = [
            Call::post(
                "/v1.0/issues",
                json!({"SiteScope": "Aggregate", "Strategy": "All"}),
            ),
            Call::get("/v1.0/issues"),
        ];
        self.first_of(Kind::Issue, &calls, &entry).await
    }

    /// Names by id, for what issues tell only the id of; without them paths are shorter.
    async fn names(&self, path: &str, ids: &[&str]) -> HashMap<String, String> {
        let entry = |item: &Value| {
            Some(Entry {
                id: ids.iter().find_map(|name| id(item, name))?,
                name: text(item, "Name").or_else(|| text(item, "CategoryName"))?,
                ..Entry::default()
            })
        };
        let intake = Intake {
            entry: &entry,
            told: &|_, _| {},
            concurrency: self.concurrency,
        };
        match all(self.reader, &Call::get(path), &intake).await {
            Ok(listing) => listing
                .entries
                .into_iter()
                .map(|entry| (entry.id, entry.name))
                .collect(),
            Err(failure) => {
                tracing::debug!(
                    request = failure.request,
                    message = failure.message,
                    "no names"
                );
                HashMap::new()
            }
        }
    }

    async fn locations(&self, site_id: Option<&str>) -> Result<Listing, ReadFailure> {
        let mut calls = Vec::new();
        // Lists without the site may hold only what the token's user sees (§16).
        calls.extend(site_id.map(|site_id| Call::get(format!("/v1.0/locations/all/{site_id}"))));
        calls.push(Call::get("/v1.0/locations/all"));
        calls.extend(site_id.map(|site_id| Call::get(format!("/v2.0/locations/all/{site_id}"))));
        calls.push(Call::get("/v2.0/locations/all"));
        let entry = |item: &Value| {
            let properties = [("abbreviation", text(item, "Abbreviation"))];
            entry(id(item, "LocationId")?, text(item, "Name")?, properties)
        };
        self.first_of(Kind::Location, &calls, &entry).await
    }

    async fn rooms(&self) -> Result<Listing, ReadFailure> {
        let calls = [
            Call::get("/v1.0/locations/rooms"),
            Call::post("/v2.0/locations/rooms/query", json!({})),
        ];
        let entry = |item: &Value| {
            let properties = [(
                "number",
                text(item, "RoomNumber").or_else(|| text(item, "Number")),
            )];
            let room = entry(id(item, "LocationRoomId")?, text(item, "Name")?, properties)?;
            Some(Entry {
                parent: id(item, "LocationId"),
                ..room
            })
        };
        self.first_of(Kind::Room, &calls, &entry).await
    }

    async fn users(&self) -> Result<Listing, ReadFailure> {
        let calls = [
            Call::post("/v1.0/users", json!({"Filters": []})).sorted("UserId asc"),
            Call::get("/v1.0/users"),
        ];
        let entry = |item: &Value| {
            if is_deleted(item) {
                return None;
            }
            let parts = [text(item, "FirstName"), text(item, "LastName")];
            let name = text(item, "Name")
                .or_else(|| text(item, "FullName"))
                .or_else(|| Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" ")))
                .filter(|name| !name.is_empty())
                .or_else(|| text(item, "Email"))?;
            let properties = [
                ("email", text(item, "Email")),
                ("username", text(item, "Username")),
                ("number", text(item, "SchoolIdNumber")),
                // By these people tell namesakes apart; nobody is found by them.
                (
                    "role",
                    text(item, "RoleName").or_else(|| text(&item["Role"], "Name")),
                ),
                ("location", text(item, "LocationName")),
            ];
            entry(id(item, "UserId")?, name, properties)
        };
        self.first_of(Kind::User, &calls, &entry).await
    }

    async fn teams(&self) -> Result<Listing, ReadFailure> {
        let calls = [Call::get("/v1.0/teams/all"), Call::get("/v1.0/teams")];
        let entry = |item: &Value| {
            let name = text(item, "TeamName").or_else(|| text(item, "Name"))?;
            entry(id(item, "TeamId")?, name, [])
        };
        self.first_of(Kind::Team, &calls, &entry).await
    }

    async fn assets(&self) -> Result<Listing, ReadFailure> {
        let calls = [Call::post("/v1.0/assets", json!({"Filters": []})).sorted("AssetTag asc")];
        let entry = |item: &Value| {
            if is_deleted(item) {
                return None;
            }
            let (tag, serial) = (text(item, "AssetTag"), text(item, "SerialNumber"));
            let name = tag.clone().or_else(|| serial.clone())?;
            entry(
                id(item, "AssetId")?,
                name,
                [("tag", tag), ("serial", serial)],
            )
        };
        self.first_of(Kind::Asset, &calls, &entry).await
    }

    async fn statuses(&self) -> Result<Listing, ReadFailure> {
        let entry = |item: &Value| {
            let status = text(item, "StatusName");
            let name = text(item, "StepName").or_else(|| status.clone())?;
            let step = entry(id(item, "WorkflowStepId")?, name, [("status", status)])?;
            Some(Entry {
                parent: id(item, "WorkflowId"),
                ..step
            })
        };
        let statuses = [Call::get("/v1.0/tickets/statuses")];
        let listing = self.first_of(Kind::Status, &statuses, &entry).await?;
        if !listing.entries.is_empty() {
            return Ok(listing);
        }
        // Live answers may omit the steps (§15), and only a step can be set.
        let steps = [Call::get("/v1.0/workflows/steps")];
        self.first_of(Kind::Status, &steps, &entry).await
    }

    async fn priorities(&self) -> Result<Listing, ReadFailure> {
        let calls = [Call::get("/v1.0/tickets/priorities")];
        let entry = |item: &Value| {
            let level = id(item, "PriorityLevelId");
            // A priority is a score (§5); the least of its band stands for the level (§19 D12).
            let score = text(item, "Min").or_else(|| text(item, "Max"));
            let properties = [("level", level.clone())];
            entry(score.or(level)?, text(item, "Name")?, properties)
        };
        self.first_of(Kind::Priority, &calls, &entry).await
    }

    /// There is no listing of tags; the look-up of filter values knows them (§4, Discovery).
    async fn tags(&self) -> Result<Listing, ReadFailure> {
        let wanted = json!({
            "Facets": ["tag"],
            "Query": "",
            "ResultsFilter": {"ShowAll": true, "ShowDeleted": false},
        });
        let calls = [Call::post("/v1.0/filters", wanted)];
        let entry = |item: &Value| {
            let facet = text(item, "Facet").unwrap_or_else(|| "tag".to_owned());
            if !facet.eq_ignore_ascii_case("tag") {
                return None;
            }
            entry(id(item, "Id")?, text(item, "Name")?, [])
        };
        self.first_of(Kind::Tag, &calls, &entry).await
    }

    async fn close_reasons(&self) -> Result<Listing, ReadFailure> {
        let calls = [Call::get("/v1.0/resolutions/close-reason-types")];
        let entry = |item: &Value| {
            let name = text(item, "Name").or_else(|| text(item, "CloseReasonName"))?;
            entry(id(item, "CloseReasonTypeId")?, name, [])
        };
        self.first_of(Kind::CloseReason, &calls, &entry).await
    }

    async fn levels(&self) -> Result<Listing, ReadFailure> {
        let calls = [Call::get("/v1.0/slas")];
        let entry = |item: &Value| entry(id(item, "SlaId")?, text(item, "Name")?, []);
        self.first_of(Kind::Sla, &calls, &entry).await
    }

    async fn custom_fields(&self) -> Result<Vec<CustomField>, ReadFailure> {
        let (empty, aggregate) = (
            json!({}),
            json!({"SiteScope": "Aggregate", "Strategy": "AggregateTicket"}),
        );
        let calls = [
            Request::new(Method::POST, "/v1.0/custom-fields/for/ticket").body(&empty),
            Request::new(Method::POST, "/v1.0/custom-fields").body(&aggregate),
            Request::get("/v1.0/custom-fields/types"),
        ];
        let mut first = None;
        for call in calls {
            match self.reader.read_shaped(call, Page::of).await {
                Ok(page) => return Ok(self.fields_of(page)),
                Err(failure) if failure.is_unknown_call() => first = first.or(Some(failure)),
                Err(failure) => return Err(failure),
            }
        }
        Err(first.expect("there is at least one spelling"))
    }

    fn fields_of(&self, page: Page) -> Vec<CustomField> {
        let mut fields: Vec<CustomField> = Vec::new();
        for field in page.items.iter().filter_map(custom_field) {
            if fields.iter().all(|known| known.id != field.id) {
                fields.push(field);
            }
        }
        let count = fields.len() as u64;
        (self.progress)("custom field", count, Some(count));
        fields
    }
}

fn entry<const N: usize>(
    id: String,
    name: String,
    properties: [(&str, Option<String>); N],
) -> Option<Entry> {
    let properties = properties
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Some(Entry {
        id,
        name,
        properties,
        parent: None,
    })
}

fn is_deleted(item: &Value) -> bool {
    member(item, &["IsDeleted"]).and_then(Value::as_bool) == Some(true)
}

/// An issue with its path `Category › Type › Issue`; `Category › Issue` finds it too.
fn issue(
    item: &Value,
    types: &HashMap<String, String>,
    categories: &HashMap<String, String>,
) -> Option<Entry> {
    let name = text(item, "Name").or_else(|| text(item, "IssueName"))?;
    let part = |told: &str, id_name: &str, names: &HashMap<String, String>| {
        text(item, told).or_else(|| names.get(&id(item, id_name)?).cloned())
    };
    let category = part("IssueCategoryName", "IssueCategoryId", categories);
    let kind = part("IssueTypeName", "IssueTypeId", types);
    let path = [category.as_ref(), kind.as_ref(), Some(&name)]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(ARROW);
    let short = category.map(|category| format!("{category}{ARROW}{name}"));
    let entry = entry(
        id(item, "IssueId")?,
        name,
        [("path", Some(path)), ("short_path", short), ("type", kind)],
    )?;
    Some(Entry {
        parent: id(item, "IssueCategoryId"),
        ..entry
    })
}
