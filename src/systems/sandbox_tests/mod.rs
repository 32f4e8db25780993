//! Both connectors against the sandbox, in both tempers and all dialects: signing in, the directory, a create
//! with everything that follows it, and finding it again.

mod bulk;
mod calls;
mod desk;
mod operations;
mod pace;
mod reading;
mod recorder;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::directory::{Choice, CustomType, Kind, Needs, Snapshot};
use crate::error::ErrorKind;
use crate::sandbox::{Config, Dialects, Sandbox, Temper};
use crate::systems::fields::{FieldType, FieldValue, Setting, Target};
use crate::systems::testing::{Free, connection, performed};
use crate::systems::*;

const TEMPERS: [Temper; 2] = [Temper::Lenient, Temper::LiveLike];

async fn start(config: Config) -> Sandbox {
    Sandbox::start(Config {
        rate: 0.0,
        ..config
    })
    .await
    .unwrap()
}

fn profile(sandbox: &Sandbox, system: SystemName) -> Connection {
    let url = sandbox.ready_line()[system.as_str()]
        .as_str()
        .unwrap()
        .to_owned();
    connection(system, &url)
}

async fn signed_in(sandbox: &Sandbox, system: SystemName) -> (Arc<dyn System>, Snapshot) {
    let system = sign_in(profile(sandbox, system)).await.unwrap();
    let snapshot = system
        .load_directory(Needs::ALL, &Free::default(), &|_, _, _| {})
        .await
        .unwrap();
    assert_eq!(snapshot.tenant, system.account().tenant);
    (system, snapshot)
}

#[tokio::test]
async fn only_what_is_needed_is_loaded() {
    // Whoever asks for a kind that it does not need is refused it.
    let denied = [
        "users",
        "locations",
        "issues",
        "custom_fields",
        "teams",
        "collections",
    ];
    let sandbox = start(Config {
        deny: denied.map(str::to_owned).to_vec(),
        ..Config::default()
    })
    .await;
    for (name, kind) in [
        (SystemName::IncidentIq, Kind::Status),
        (SystemName::ClearFeed, Kind::Tag),
    ] {
        let system = sign_in(profile(&sandbox, name)).await.unwrap();
        let load = |needs| {
            let system = Arc::clone(&system);
            async move {
                system
                    .load_directory(needs, &Free::default(), &|_, _, _| {})
                    .await
                    .unwrap()
            }
        };
        let nothing = load(Needs::NONE).await;
        assert!(nothing.kinds.is_empty() && nothing.custom_fields_note.is_none());
        assert!(nothing.holds.is_empty());
        let part = load(Needs::kind(kind)).await;
        assert!(
            part.kinds.values().all(|listing| listing.note.is_none()),
            "{name}"
        );
        assert_eq!(part.holds, Needs::kind(kind));
        assert_eq!(part.constants, nothing.constants);
        let custom = load(Needs::CUSTOM_FIELDS).await;
        assert!(
            custom.kinds.is_empty() && custom.custom_fields_note.is_some(),
            "{name}"
        );
    }
}

/// The id of an entry by its name or one of its properties.
fn id(snapshot: &Snapshot, kind: Kind, name: &str) -> String {
    let entries = &snapshot.kinds[&kind].entries;
    let found = entries
        .iter()
        .find(|entry| entry.name == name || entry.properties.values().any(|value| value == name));
    found
        .unwrap_or_else(|| panic!("no {kind} `{name}`"))
        .id
        .clone()
}

/// A value that fits, for every field that can be set at all.
fn values(schema: &dyn Schema, snapshot: &Snapshot, given: &[(&str, Value)]) -> Vec<FieldValue> {
    let table = schema.create();
    let mut values: Vec<FieldValue> = given
        .iter()
        .map(|(name, value)| FieldValue {
            target: Target::Field(
                table
                    .get(name)
                    .unwrap_or_else(|| panic!("no field {name}"))
                    .clone(),
            ),
            value: value.clone(),
        })
        .collect();
    for field in &snapshot.custom_fields {
        let first = |options: &[Choice]| options[0].id.clone();
        let value = match field.kind {
            CustomType::Text => json!("some text"),
            CustomType::Number => json!(12.5),
            CustomType::Date => json!("2024-06-21"),
            CustomType::DateTime => json!("2024-06-21T22:43:00Z"),
            CustomType::Bool => json!(true),
            CustomType::Select => json!(first(&field.options)),
            CustomType::MultiSelect => json!([first(&field.options)]),
            CustomType::User => json!(snapshot.kinds[&Kind::User].entries[0].id),
            CustomType::Location => json!(snapshot.kinds[&Kind::Location].entries[0].id),
            CustomType::Other => continue,
        };
        values.push(FieldValue {
            target: Target::Custom(Arc::new(field.clone())),
            value,
        });
    }
    values
}

/// Sends all steps of a row; the ticket.
async fn send(system: &dyn System, steps: &[StepPayload]) -> Ticket {
    let mut ticket = None;
    for step in steps {
        let call = Call {
            step: &step.step,
            ticket: ticket.as_ref(),
            body: &step.body,
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        };
        match performed(system, call).await.outcome {
            Outcome::Done(done) => {
                if let Some(ticket) = &ticket {
                    let ticket: &Ticket = ticket;
                    assert_eq!(ticket.id, done.id, "{}", step.step);
                } else {
                    ticket = Some(done);
                }
            }
            other => panic!("{}: {other:?}\n{}", step.step, step.body),
        }
    }
    ticket.expect("the first step makes a ticket")
}

/// The tickets of the last minute.
async fn listed(system: &dyn System) -> (Vec<Listed>, ListingEnd) {
    let now = Timestamp::now();
    let window = Window {
        from: now - SignedDuration::from_mins(1),
        to: now + SignedDuration::from_mins(1),
    };
    let mut rows = Vec::new();
    let end = system
        .list_created(window, &Free::default(), &mut |page| rows.extend(page))
        .await
        .unwrap();
    let (newest, whole) = newest(system, window.from, 50).await;
    if end.gap.is_none() {
        let ids = |rows: &[Listed]| -> std::collections::BTreeSet<String> {
            let of_window = rows
                .iter()
                .filter(|row| row.created_at >= Some(window.from));
            of_window.map(|row| row.ticket.id.clone()).collect()
        };
        assert!(whole);
        assert_eq!(ids(&newest), ids(&rows));
    }
    (rows, end)
}

/// The tickets since a moment, the newest first, and whether these are all.
async fn newest(system: &dyn System, since: Timestamp, pages: u32) -> (Vec<Listed>, bool) {
    let mut rows = Vec::new();
    let whole = system
        .list_newest(since, pages, &Free::default(), &mut |page| {
            rows.extend(page)
        })
        .await
        .unwrap();
    (rows, whole)
}

/// What the workspace has erased bears no reference any more: that nothing is seen of it is no proof.
#[tokio::test]
async fn the_newest_of_before_the_retention_are_not_all() {
    let sandbox = start(Config::default()).await;
    for (retention, days, whole) in [
        (None, 90, true),
        (Some(60), 30, true),
        (Some(60), 90, false),
    ] {
        let kept = Connection {
            retention: retention.map(|days| Duration::from_secs(days * 86_400)),
            ..profile(&sandbox, SystemName::ClearFeed)
        };
        let system = sign_in(kept).await.unwrap();
        let since = Timestamp::now() - SignedDuration::from_hours(24 * days);
        let told = newest(system.as_ref(), since, 50).await.1;
        assert_eq!(told, whole, "{retention:?} {days}");
    }
}

fn assert_found(
    schema: &dyn Schema,
    rows: &[Listed],
    ticket: &Ticket,
    create: &Value,
    marker: &str,
) {
    let row = rows
        .iter()
        .find(|row| row.ticket.id == ticket.id)
        .expect("it is listed");
    assert!(row.text.as_deref().unwrap().contains(marker), "{row:?}");
    assert_eq!(row.group, schema.group(create));
    let age = Timestamp::now().duration_since(row.created_at.unwrap());
    assert!(age.abs() < SignedDuration::from_secs(30), "{row:?}");
}

#[tokio::test]
async fn incidentiq_takes_every_field_and_lists_what_it_made() {
    for (temper, mission_paths, max_page) in [
        (Temper::Lenient, true, 2_000),
        (Temper::LiveLike, false, 100),
    ] {
        let sandbox = start(Config {
            temper,
            mission_paths,
            max_page,
            strict_headers: true,
            ..Config::default()
        })
        .await;
        let known = Connection {
            site_id: sandbox.ready_line()["site_id"].as_str().map(str::to_owned),
            ..profile(&sandbox, SystemName::IncidentIq)
        };
        let system = sign_in(known).await.unwrap();
        let snapshot = system
            .load_directory(Needs::ALL, &Free::default(), &|_, _, _| {})
            .await
            .unwrap();
        for kind in [
            Kind::Issue,
            Kind::Location,
            Kind::Room,
            Kind::User,
            Kind::Team,
            Kind::Asset,
            Kind::Status,
            Kind::Priority,
            Kind::Tag,
        ] {
            let listing = &snapshot.kinds[&kind];
            assert!(
                !listing.entries.is_empty(),
                "{temper:?} {kind}: {:?}",
                listing.note
            );
            assert_eq!(listing.note, None, "{temper:?} {kind}");
            assert_eq!(listing.total, Some(listing.entries.len() as u64), "{kind}");
        }
        let school = id(&snapshot, Kind::Location, "LHS");
        let room = snapshot.kinds[&Kind::Room]
            .entries
            .iter()
            .find(|room| room.parent.as_ref() == Some(&school));
        let helpdesk = id(&snapshot, Kind::User, "helpdesk@district.example");
        let schema = schema_for(&snapshot).unwrap();
        let given = [
            ("ForId", json!(helpdesk)),
            ("IssueId", json!(id(&snapshot, Kind::Issue, "Other"))),
            ("LocationId", json!(school)),
            (
                "LocationRoomId",
                json!(room.expect("a school has rooms").id),
            ),
            ("Subject", json!("Screen stays dark")),
            ("IssueDescription", json!("It does.\n\nRef: test/1")),
            ("IsUrgent", json!(true)),
            (
                "Assets",
                json!([snapshot.kinds[&Kind::Asset].entries[0].id]),
            ),
            ("Priority", json!(id(&snapshot, Kind::Priority, "High"))),
            ("Tags", json!(["imported"])),
            ("AssignedToUserId", json!(helpdesk)),
            (
                "AssignedToTeamId",
                json!(snapshot.kinds[&Kind::Team].entries[0].id),
            ),
            ("DueDate", json!("2030-01-02T15:00:00-06:00")),
            (
                "WorkflowStepId",
                json!(id(&snapshot, Kind::Status, "In Progress")),
            ),
        ];
        let steps = schema
            .compose(
                Operation::Create,
                values(schema.as_ref(), &snapshot, &given),
                false,
            )
            .unwrap();
        let ticket = send(system.as_ref(), &steps).await;
        assert!(ticket.number.is_some() && ticket.url.is_none());
        let (rows, end) = listed(system.as_ref()).await;
        assert!(end.is_whole(), "{temper:?}");
        assert_found(
            schema.as_ref(),
            &rows,
            &ticket,
            &steps[0].body,
            "Ref: test/1",
        );
        sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn incidentiq_listings_go_over_many_pages() {
    for temper in TEMPERS {
        let sandbox = start(Config {
            temper,
            ..Config::default()
        })
        .await;
        let (system, snapshot) = signed_in(&sandbox, SystemName::IncidentIq).await;
        let schema = schema_for(&snapshot).unwrap();
        for n in 0..250 {
            let given = [
                (
                    "ForId",
                    json!(id(&snapshot, Kind::User, "helpdesk@district.example")),
                ),
                ("IssueId", json!(id(&snapshot, Kind::Issue, "Other"))),
                (
                    "LocationId",
                    json!(id(&snapshot, Kind::Location, "District Office")),
                ),
                ("IssueDescription", json!(format!("Ref: many/{n}"))),
            ];
            let mut values = values(schema.as_ref(), &snapshot, &given);
            values.retain(|value| matches!(value.target, Target::Field(_)));
            let steps = schema.compose(Operation::Create, values, false).unwrap();
            send(system.as_ref(), &steps).await;
        }
        let (rows, end) = listed(system.as_ref()).await;
        assert_eq!(
            (rows.len(), end.is_whole(), end.pages),
            (250, true, 4),
            "{temper:?}"
        );
    }
}

#[tokio::test]
async fn clearfeed_takes_every_field_in_both_dialects() {
    for (temper, dialects, dialect) in [
        (Temper::Lenient, Dialects::Both, Dialect::V1),
        (Temper::LiveLike, Dialects::Rest, Dialect::Rest),
        (Temper::LiveLike, Dialects::V1, Dialect::V1),
    ] {
        let sandbox = start(Config {
            temper,
            dialects,
            ..Config::default()
        })
        .await;
        let (system, snapshot) = signed_in(&sandbox, SystemName::ClearFeed).await;
        assert_eq!(system.account().dialect, dialect);
        assert!(!snapshot.custom_fields.is_empty());
        assert!(!snapshot.kinds[&Kind::Team].entries.is_empty());
        let schema = schema_for(&snapshot).unwrap();
        let mut given = vec![
            (
                "collection_id",
                json!(id(&snapshot, Kind::Collection, "IT Support")),
            ),
            ("title", json!("Screen stays dark")),
            ("description", json!("It does.\n\nRef: test/1")),
            ("priority", json!("normal")),
            ("requester_email", json!("helpdesk@district.example")),
            (
                "assignee_id",
                json!(snapshot.kinds[&Kind::User].entries[0].id),
            ),
            ("status", json!("closed")),
        ];
        let tags = schema.create().get("tags").unwrap();
        if !matches!(tags.setting, Setting::Never(_)) {
            given.push(("tags", json!(["imported"])));
        }
        let steps = schema
            .compose(
                Operation::Create,
                values(schema.as_ref(), &snapshot, &given),
                false,
            )
            .unwrap();
        let ticket = send(system.as_ref(), &steps).await;
        let (rows, end) = listed(system.as_ref()).await;
        assert!(end.is_whole());
        assert_found(
            schema.as_ref(),
            &rows,
            &ticket,
            &steps[0].body,
            "Ref: test/1",
        );
        sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn clearfeed_listings_follow_the_cursor() {
    let sandbox = start(Config::default()).await;
    let settled = Connection {
        dialect: Some(Dialect::Rest),
        ..profile(&sandbox, SystemName::ClearFeed)
    };
    let system = sign_in(settled).await.unwrap();
    let snapshot = system
        .load_directory(Needs::ALL, &Free::default(), &|_, _, _| {})
        .await
        .unwrap();
    let before = listed(system.as_ref()).await.0.len();
    let collection = id(&snapshot, Kind::Collection, "Customer Success");
    for n in 0..230 {
        let body = json!({"collection_id": collection.parse::<i64>().unwrap(), "title": "t",
                          "description": format!("Ref: many/{n}")});
        let steps = [StepPayload {
            step: CREATE.into(),
            ordinal: 0,
            body,
        }];
        send(system.as_ref(), &steps).await;
    }
    let (rows, end) = listed(system.as_ref()).await;
    assert_eq!((rows.len(), end.is_whole()), (before + 230, true));
    assert!(rows.is_sorted_by_key(|row| row.created_at));
    let since = rows[rows.len() - 230].created_at.unwrap();
    let (newest, whole) = newest(system.as_ref(), since, 2).await;
    assert_eq!((newest.len(), whole), (200, false));
    assert_eq!(newest[0].ticket.id, rows[rows.len() - 1].ticket.id);
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_site_are_denied() {
    let sandbox = start(Config::default()).await;
    for system in SystemName::ALL {
        let wrong = Connection {
            token: SecretString::from("not-the-token"),
            ..profile(&sandbox, system)
        };
        let error = sign_in(wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(!error.hints().is_empty());
    }
    let site = "99999999-0000-0000-0000-000000000009";
    let elsewhere = Connection {
        site_id: Some(site.to_owned()),
        ..profile(&sandbox, SystemName::IncidentIq)
    };
    let error = sign_in(elsewhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains(site), "{error}");
}

#[tokio::test]
async fn what_the_sandbox_refuses_names_the_field() {
    let sandbox = start(Config::default()).await;
    let (system, snapshot) = signed_in(&sandbox, SystemName::IncidentIq).await;
    let schema = schema_for(&snapshot).unwrap();
    assert!(matches!(
        schema.create().get("ForId").unwrap().kind,
        FieldType::Reference(Kind::User)
    ));
    let body = json!({"Subject": "x", "IssueId": id(&snapshot, Kind::Issue, "Other"),
                      "LocationId": id(&snapshot, Kind::Location, "LHS")});
    let call = Call {
        step: CREATE,
        ticket: None,
        body: &body,
        id: Uuid::nil(),
        old_id: Uuid::nil(),
    };
    let Outcome::Rejected(refusal) = performed(system.as_ref(), call).await.outcome else {
        panic!("a ticket for nobody is refused");
    };
    assert!(
        refusal.fields.iter().any(|(field, _)| field == "ForId"),
        "{refusal:?}"
    );
}

/// A create that the sandbox takes, with a marker.
fn plain_create(schema: &dyn Schema, snapshot: &Snapshot) -> Value {
    let given = match schema.system() {
        SystemName::IncidentIq => vec![
            (
                "ForId",
                json!(id(snapshot, Kind::User, "helpdesk@district.example")),
            ),
            ("IssueId", json!(id(snapshot, Kind::Issue, "Other"))),
            ("LocationId", json!(id(snapshot, Kind::Location, "LHS"))),
            ("IssueDescription", json!("Ref: fault/1")),
        ],
        SystemName::ClearFeed => vec![
            (
                "collection_id",
                json!(id(snapshot, Kind::Collection, "IT Support")),
            ),
            ("title", json!("t")),
            ("description", json!("Ref: fault/1")),
        ],
    };
    let mut values = values(schema, snapshot, &given);
    values.retain(|value| matches!(value.target, Target::Field(_)));
    let steps = schema.compose(Operation::Create, values, false).unwrap();
    steps[0].body.clone()
}

#[tokio::test]
async fn every_fault_is_judged_by_what_it_may_have_left() {
    let cases = [
        ("status-429", "throttled", false),
        ("status-429-retry-after", "throttled", false),
        ("status-500", "in doubt", false),
        ("status-503", "in doubt", false),
        ("reset-before-commit", "in doubt", false),
        ("html", "in doubt", false),
        ("error-in-200", "rejected", false),
        ("reset-after-commit", "in doubt", true),
        ("timeout-after-commit", "in doubt", true),
        ("truncate", "in doubt", true),
    ];
    // The population is the same in every sandbox: its bodies are made once.
    let calm = start(Config::default()).await;
    let mut bodies = Vec::new();
    for name in SystemName::ALL {
        let (_, snapshot) = signed_in(&calm, name).await;
        let schema = schema_for(&snapshot).unwrap();
        bodies.push((name, plain_create(schema.as_ref(), &snapshot)));
    }
    for (fault, expected, is_made) in cases {
        let faults = vec![format!("{fault}=1").parse().unwrap()];
        let sandbox = start(Config {
            faults,
            ..Config::default()
        })
        .await;
        for (name, body) in &bodies {
            let hasty = Connection {
                timeout: Duration::from_millis(700),
                ..profile(&sandbox, *name)
            };
            let system = sign_in(hasty).await.unwrap();
            let outcome = performed(
                system.as_ref(),
                Call {
                    step: CREATE,
                    ticket: None,
                    body,
                    id: Uuid::nil(),
                    old_id: Uuid::nil(),
                },
            )
            .await
            .outcome;
            let judged = match &outcome {
                Outcome::Throttled(_) => "throttled",
                Outcome::InDoubt(_) => "in doubt",
                Outcome::Rejected(_) => "rejected",
                _ => "otherwise",
            };
            assert_eq!(judged, expected, "{name}, {fault}: {outcome:?}");
            let (rows, end) = listed(system.as_ref()).await;
            let found = rows
                .iter()
                .filter(|row| row.text.as_deref() == Some("Ref: fault/1"))
                .count();
            assert_eq!(
                (found, end.is_whole()),
                (usize::from(is_made), true),
                "{name}, {fault}"
            );
        }
    }
}
