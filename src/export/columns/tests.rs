//! Columns files through [`Plan`], and what is told of their faults.

use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::directory::{CustomField, CustomType};
use crate::report::diagnostic::{Look, render};
use crate::systems::common::{CommonTicket, CustomValue, Named};
use crate::systems::{Standing, SystemName};

fn custom_field(name: &str) -> CustomField {
    CustomField {
        id: format!("id of {name}"),
        name: name.to_owned(),
        kind: CustomType::Text,
        options: Vec::new(),
        max_length: None,
        required: false,
    }
}

fn plan(text: &str) -> Plan {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("columns.toml");
    std::fs::write(&path, text).unwrap();
    let zone = TimeZone::get("America/Chicago").unwrap();
    Plan::load(&path, Some(&[custom_field("Asset Tag")]), &zone)
        .unwrap_or_else(|error| panic!("{}", render(error.faults(), Look::Plain)))
}

pub(crate) fn ticket() -> CommonTicket {
    let person = |id: &str, name: &str, email: &str| {
        Some(Named {
            id: Some(id.to_owned()),
            name: Some(name.to_owned()),
            email: Some(email.to_owned()),
        })
    };
    CommonTicket {
        number: Some("0042".to_owned()),
        url: Some("https://district.incidentiq.com/agent/tickets/t-1".to_owned()),
        title: Some("=Beamer \"flackert\"".to_owned()),
        standing: Standing::Open,
        state: Some(Named { name: Some("In Progress".to_owned()), ..Named::default() }),
        requester: person("u-1", "Ann Lee", "ann@district.example"),
        tags: vec!["av".to_owned(), "room 12".to_owned()],
        custom: vec![CustomValue {
            id: None,
            name: Some("Asset Tag".to_owned()),
            value: json!("000123"),
        }],
        created: Some("2024-06-21T22:43:05Z".parse().unwrap()),
        other: json!({"LocationRoom": {"Name": "B 12"}, "SourceId": 3, "Big": 9_007_199_254_740_993_u64})
            .as_object()
            .unwrap()
            .clone(),
        ..CommonTicket::new(SystemName::IncidentIq, "t-1".to_owned())
    }
}

/// The cells of a ticket as texts with their kinds.
fn shown(plan: &mut Plan, ticket: &CommonTicket) -> Vec<String> {
    let mut cells = Vec::new();
    plan.cells(ticket, &mut cells).unwrap();
    let mut shown = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        shown.push(match cell {
            Cell::Empty => "-".to_owned(),
            Cell::Text(text) => format!("text {text}"),
            Cell::Number(number) => format!("number {number}"),
            Cell::Truth(truth) => format!("truth {truth}"),
            Cell::Formatted(shown) => format!("formatted {}", shown.text),
            Cell::Link { url, text } => format!("link {text} → {url}"),
            Cell::Time(local) => {
                let mut text = "time ".to_owned();
                plan.time_text(Some(at), *local, &mut text);
                text
            }
        });
    }
    shown
}

#[test]
fn a_ticket_becomes_the_cells_that_the_file_says() {
    let mut plan = plan(
        r##"
version = 1
timezone = "Europe/London"
[[column]]
from = "number"
link = true
[[column]]
from = "requester.email"
[[column]]
from = "created"
[[column]]
heading = "Day"
from = "created"
format = "dd/mm/yy"
timezone = "America/Chicago"
[[column]]
from = "custom.asset tag"
[[column]]
from = "LocationRoom.Name"
[[column]]
from = "SourceId"
[[column]]
from = "Big"
[[column]]
heading = "What"
template = "{{ title }} / {{ requester }} <{{ requester.email }}> {{ row['custom.Asset Tag'] }}"
[[column]]
heading = "Loud"
template = "{{ requester|upper }} {{ requester.email|upper }} {{ created|strftime('%H') }}"
[[column]]
from = "state"
map = { "in progress" = "being worked on" }
else = "?"
[[column]]
from = "tags"
[[column]]
from = "assignee"
[[column]]
heading = "Remark"
by_hand = true
"##,
    );
    assert_eq!(
        shown(&mut plan, &ticket()),
        [
            "link 0042 → https://district.incidentiq.com/agent/tickets/t-1",
            "text ann@district.example",
            "time 2024-06-21 23:43:05",
            "time 21/06/24",
            "text 000123",
            "text B 12",
            "number 3",
            "text 9007199254740993",
            "text =Beamer \"flackert\" / Ann Lee <ann@district.example> 000123",
            "text ANN LEE ANN@DISTRICT.EXAMPLE 23",
            "text being worked on",
            "text av; room 12",
            "-",
            "-",
        ]
    );
    let headings: Vec<&str> = plan
        .columns()
        .iter()
        .map(|column| column.heading.as_str())
        .collect();
    assert_eq!(headings[..3], ["Ticket", "Requester e-mail", "Created"]);
    assert_eq!(plan.key(), Some(0));
    assert_eq!(plan.never_filled().count(), 0);
}

#[test]
fn custom_fields_have_the_types_that_the_system_says() {
    let typed = |name: &str, kind| CustomField {
        kind,
        ..custom_field(name)
    };
    let fields = [
        typed("Cost", CustomType::Number),
        typed("Needed By", CustomType::Date),
        typed("Seen", CustomType::DateTime),
    ];
    let zone = TimeZone::get("America/Chicago").unwrap();
    let mut plan = Plan::by_default(SystemName::IncidentIq, &fields, &zone);
    let mut told = |values: [serde_json::Value; 3]| {
        let mut ticket = ticket();
        let named = fields.iter().zip(values);
        let named = named.map(|(field, value)| CustomValue {
            id: None,
            name: Some(field.name.clone()),
            value,
        });
        ticket.custom = named.collect();
        let all = shown(&mut plan, &ticket);
        let custom = all.len() - 4..all.len() - 1;
        all[custom].join(", ")
    };
    assert_eq!(
        told([
            json!("12.50"),
            json!("2024-06-21"),
            json!("2024-06-21T22:43:05Z")
        ]),
        "number 12.5, time 2024-06-21, time 2024-06-21 17:43:05"
    );
    assert_eq!(
        told([
            json!(-3),
            json!("2024-06-21T00:00:00"),
            json!("2024-06-21T08:30:00")
        ]),
        "number -3, time 2024-06-21, time 2024-06-21 08:30"
    );
    assert_eq!(
        told([json!("007"), json!("next week"), json!("soon")]),
        "text 007, text next week, text soon"
    );
    assert_eq!(
        told([
            json!("1234567890123456"),
            json!("2024-06-21T10:00:00"),
            json!("")
        ]),
        "text 1234567890123456, text 2024-06-21T10:00:00, -"
    );

    let text = "version = 1\n[[column]]\nfrom = \"id\"\n[[column]]\nfrom = \"custom.needed by\"\nformat = \"dd/mm/yyyy\"\n";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("columns.toml");
    std::fs::write(&path, text).unwrap();
    let mut plan = Plan::load(&path, Some(&fields), &zone).unwrap();
    let mut ticket = ticket();
    ticket.custom[0].name = Some("Needed By".to_owned());
    ticket.custom[0].value = json!("2024-06-21");
    assert_eq!(shown(&mut plan, &ticket)[1], "time 21/06/2024");
}

#[test]
fn custom_fields_of_one_name_are_columns_of_their_own() {
    let field = |id: &str, name: &str| CustomField {
        id: id.to_owned(),
        ..custom_field(name)
    };
    let fields = [
        field("F-1", "Room"),
        field("F-2", "room"),
        field("F-3", "Shelf"),
    ];
    let mut plan = Plan::by_default(SystemName::IncidentIq, &fields, &TimeZone::UTC);
    let mut told = |values: &[(Option<&str>, &str, &str)]| {
        let values = values.iter().map(|(id, name, value)| CustomValue {
            id: id.map(str::to_owned),
            name: Some((*name).to_owned()),
            value: json!(value),
        });
        let mut ticket = ticket();
        ticket.custom = values.collect();
        let all = shown(&mut plan, &ticket);
        all[all.len() - 4..all.len() - 1].join(", ")
    };
    assert_eq!(
        told(&[(Some("F-2"), "room", "two"), (Some("f-1"), "Room", "one")]),
        "text one, text two, -"
    );
    assert_eq!(told(&[(Some("F-2"), "room", "two")]), "-, text two, -");
    // A system that shows names alone has one of them at a time.
    assert_eq!(
        told(&[(None, "Room", "B 12"), (None, "Shelf", "3")]),
        "text B 12, -, text 3"
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("columns.toml");
    let load = |name: &str| {
        std::fs::write(
            &path,
            format!("version = 1\n[[column]]\nfrom = \"custom.{name}\"\n"),
        )
        .unwrap();
        Plan::load(&path, Some(&fields), &TimeZone::UTC)
    };
    load("F-2").unwrap();
    load("Shelf").unwrap();
    let error = load("Room").unwrap_err();
    let told = render(error.faults(), Look::Plain);
    assert!(told.contains("2 custom fields are called `Room`"), "{told}");
    assert!(told.contains("`custom.F-1`, `custom.F-2`"), "{told}");
}

#[test]
fn a_member_that_no_ticket_has_is_told() {
    let mut plan = plan("version = 1\n[[column]]\nfrom = \"LocationRoom.Nmae\"\n");
    shown(&mut plan, &ticket());
    assert_eq!(
        plan.never_filled().collect::<Vec<_>>(),
        ["LocationRoom.Nmae"]
    );
}

#[test]
fn a_list_that_cannot_be_parted_again_is_known() {
    let mut plan = plan("version = 1\n[[column]]\nfrom = \"tags\"\n[[column]]\nfrom = \"title\"\n");
    let with = |tags: &[&str]| CommonTicket {
        title: Some("a; b".to_owned()),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..ticket()
    };
    shown(&mut plan, &with(&["room 12", "av"]));
    assert!(!plan.is_merged(0));
    shown(&mut plan, &with(&["room 12; 13", "av"]));
    assert!(plan.is_merged(0));
    assert!(!plan.is_merged(1), "a text is no list");
}

#[test]
fn every_system_has_columns_that_say_which_ticket_it_is() {
    for system in SystemName::ALL {
        let mut plan = Plan::by_default(
            system,
            &[custom_field("Title"), custom_field("X")],
            &TimeZone::UTC,
        );
        let key = plan.key().unwrap();
        assert_eq!(plan.columns()[key].shows(), Some("id"), "{system}");
        let headings: Vec<String> = plan
            .columns()
            .iter()
            .map(|column| column.heading.to_lowercase())
            .collect();
        let different: std::collections::HashSet<&String> = headings.iter().collect();
        assert_eq!(different.len(), headings.len(), "{system}");
        assert_eq!(shown(&mut plan, &ticket()).last().unwrap(), "text t-1");
    }
}

#[test]
fn all_faults_are_told_at_once_with_their_place() {
    let text = r##"version = 2
sheet = "a/b"
titel = "x"
[[column]]
from = "assigne.email"
[[column]]
from = "assignee.phone"
[[column]]
from = "custom.Asset Tg"
[[column]]
from = "created"
format = "%Y-%m-%d"
timezone = "Chicago"
[[column]]
from = "title"
template = "x"
[[column]]
heading = "Title"
template = "{{ titel }} {{ state|uper }}"
[[column]]
heading = "title"
from = "title"
link = "yes"
[[column]]
template = "{{ title "
heading = "Y"
[[column]]
by_hand = true
map = { a = "b" }
[[column]]
from = "state"
else = "x"
[[column]]
"##;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("columns.toml");
    std::fs::write(&path, text).unwrap();
    let error = Plan::load(&path, Some(&[custom_field("Asset Tag")]), &TimeZone::UTC).unwrap_err();
    let told =
        render(error.faults(), Look::Plain).replace(&path.display().to_string(), "columns.toml");
    insta::assert_snapshot!(format!("{}\n{told}", error.message()));
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = json_schema();
    let columns = &schema["properties"]["column"]["items"]["properties"];
    for key in [
        "from", "template", "heading", "format", "timezone", "map", "else", "link", "width",
        "by_hand",
    ] {
        assert!(columns[key]["description"].is_string(), "{key}");
    }
}
