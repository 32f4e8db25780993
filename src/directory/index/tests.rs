use super::*;
use crate::directory::{CustomType, differ};
use crate::systems::{Dialect, SystemName};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn entry(id: &str, name: &str, properties: &[(&str, &str)], parent: Option<&str>) -> Entry {
    Entry {
        id: id.to_owned(),
        name: name.to_owned(),
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        parent: parent.map(str::to_owned),
    }
}

fn directory(kinds: Vec<(Kind, Listing)>) -> Directory {
    Directory::new(Snapshot {
        version: Snapshot::VERSION,
        system: SystemName::IncidentIq,
        dialect: Dialect::Only,
        tenant: "t".to_owned(),
        pulled_at: Timestamp::UNIX_EPOCH,
        kinds: kinds.into_iter().collect(),
        custom_fields: vec![CustomField {
            id: "cf1".to_owned(),
            name: "Asset Tag".to_owned(),
            kind: CustomType::Text,
            options: Vec::new(),
            max_length: None,
            required: false,
        }],
        custom_fields_note: None,
        holds: Needs::ALL,
        constants: BTreeMap::new(),
    })
}

fn listing(entries: Vec<Entry>) -> Listing {
    Listing {
        entries,
        total: None,
        ..Listing::default()
    }
}

fn school() -> Directory {
    directory(vec![
        (
            Kind::Location,
            listing(vec![
                entry(
                    "L1",
                    "Lincoln High School",
                    &[("abbreviation", "LHS")],
                    None,
                ),
                entry("L2", "District Office", &[("abbreviation", "DO")], None),
            ]),
        ),
        (
            Kind::Room,
            listing(vec![
                entry("R1", "101", &[], Some("L1")),
                entry("R2", "101", &[], Some("l2")),
                entry("R3", "Lab", &[], Some("L1")),
            ]),
        ),
        (
            Kind::Issue,
            listing(vec![
                entry(
                    "I1",
                    "Screen",
                    &[("path", "Hardware › Laptop › Screen")],
                    None,
                ),
                entry(
                    "I2",
                    "Screen",
                    &[("path", "Hardware › Tablet › Screen")],
                    None,
                ),
                entry("I3", "Other", &[("path", "Other › Other")], None),
            ]),
        ),
    ])
}

fn id<'a>(found: &Found<'a>) -> Option<&'a str> {
    match found {
        Found::One(entry) => Some(entry.id.as_str()),
        _ => None,
    }
}

#[test]
fn names_abbreviations_and_ids_are_found() {
    let directory = school();
    let find = |text| directory.find(Kind::Location, text, &[], None);
    assert_eq!(id(&find("Lincoln High School")), Some("L1"));
    assert_eq!(id(&find("  lincoln  HIGH school ")), Some("L1"));
    assert_eq!(id(&find("lhs")), Some("L1"));
    assert_eq!(id(&find("l2")), Some("L2"));
    assert_eq!(
        find("Linclon HS"),
        Found::Missing(vec!["Lincoln High School".to_owned()])
    );
}

#[test]
fn an_exact_match_beats_a_folded_one() {
    let directory = directory(vec![(
        Kind::Team,
        listing(vec![
            entry("1", "it", &[], None),
            entry("2", "IT", &[], None),
        ]),
    )]);
    let find = |text| directory.find(Kind::Team, text, &[], None);
    assert_eq!(id(&find("IT")), Some("2"));
    assert_eq!(id(&find("it")), Some("1"));
    assert!(matches!(find("It"), Found::Ambiguous(both) if both.len() == 2));
}

#[test]
fn within_makes_a_room_unique() {
    let directory = school();
    let find = |within| directory.find(Kind::Room, "101", &[], within);
    assert!(matches!(find(None), Found::Ambiguous(_)));
    assert_eq!(id(&find(Some("l1"))), Some("R1"));
    assert_eq!(id(&find(Some("L2"))), Some("R2"));
    assert!(matches!(
        directory.find(Kind::Room, "Lab", &[], Some("L2")),
        Found::Missing(_)
    ));
}

#[test]
fn an_issue_is_found_by_its_path_its_tail_and_without_the_middle() {
    let directory = school();
    let find = |text| directory.find(Kind::Issue, text, &[], None);
    assert!(matches!(find("Screen"), Found::Ambiguous(_)));
    assert_eq!(id(&find("Hardware › Laptop › Screen")), Some("I1"));
    assert_eq!(id(&find("tablet › screen")), Some("I2"));
    assert!(matches!(find("Hardware › Screen"), Found::Ambiguous(_)));
    assert_eq!(id(&find("Other")), Some("I3"));
    assert_eq!(id(&find("Other › Other")), Some("I3"));
}

#[test]
fn only_the_named_properties_are_tried() {
    let directory = school();
    let by = ["abbreviation".to_owned()];
    assert_eq!(
        id(&directory.find(Kind::Location, "LHS", &by, None)),
        Some("L1")
    );
    assert!(matches!(
        directory.find(Kind::Location, "Lincoln High School", &by, None),
        Found::Missing(_)
    ));
    assert_eq!(
        directory.properties(Kind::Location),
        ["name", "id", "abbreviation"]
    );
}

#[test]
fn a_partial_listing_resolves_nothing() {
    let part = Listing {
        entries: vec![entry("1", "a", &[], None)],
        total: Some(2),
        note: Some("page 2 was refused".to_owned()),
        ..Listing::default()
    };
    let noted = Listing {
        note: Some("only those seen".to_owned()),
        ..listing(vec![entry("1", "a", &[], None)])
    };
    let directory = directory(vec![(Kind::User, part), (Kind::Team, noted)]);
    assert_eq!(
        directory.can_resolve(Kind::User).unwrap_err(),
        "only 1 of 2 users could be listed: page 2 was refused"
    );
    assert!(directory.can_resolve(Kind::Team).is_ok());
    assert_eq!(
        directory.can_resolve(Kind::Asset).unwrap_err(),
        "incidentiq lists no `asset`"
    );
}

#[test]
fn a_page_that_came_twice_is_no_ambiguity() {
    let directory = directory(vec![(
        Kind::Team,
        listing(vec![
            entry("A", "IT", &[], None),
            entry("a", "IT", &[], None),
        ]),
    )]);
    assert_eq!(id(&directory.find(Kind::Team, "IT", &[], None)), Some("A"));
}

#[test]
fn custom_fields_are_found_folded() {
    let directory = school();
    assert!(directory.custom_field("Asset Tag").is_some());
    assert!(directory.custom_field(" asset  tag").is_some());
    assert!(directory.custom_field("Tag").is_none());
}

#[test]
fn what_is_asked_for_and_not_there_is_wanted_until_it_is_loaded() {
    let whole = school();
    let none = Directory::new(whole.snapshot().clone().only(Needs::NONE));
    assert!(none.wanted().is_empty());
    assert_eq!(
        none.find(Kind::Location, "Lincoln High School", &[], None),
        Found::Missing(Vec::new())
    );
    assert!(none.custom_field("Asset Tag").is_none());
    let wanted = Needs::kind(Kind::Location).and(Needs::CUSTOM_FIELDS);
    assert_eq!(none.wanted(), wanted);
    // What is looked at only where it is loaded already asks for nothing.
    assert!(none.loaded_entry(Kind::User, "u1").is_none());
    assert_eq!(none.wanted(), wanted);
    let some = Directory::new(whole.snapshot().clone().only(wanted)).asked_for(none.asked());
    assert!(some.wanted().is_empty());
    assert!(some.custom_field("Asset Tag").is_some());
    // A kind that the system does not have is loaded with nothing.
    assert!(whole.listing(Kind::Collection).is_none());
    assert!(whole.wanted().is_empty());
}

#[test]
fn fingerprints_compare_what_both_have_asked_for() {
    let (whole, other) = (school(), school());
    whole.ask(Needs::kind(Kind::Location));
    other.ask(Needs::kind(Kind::Location));
    let print = whole.fingerprint();
    assert!(!differ(&print, &other.fingerprint()));
    let fewer = Directory::new(whole.snapshot().clone().only(Needs::kind(Kind::Location)));
    fewer.ask(Needs::kind(Kind::Location));
    assert_eq!(fewer.fingerprint(), print);
    let mut changed = whole.snapshot().clone();
    changed
        .kinds
        .insert(Kind::Location, Listing::unread("denied"));
    let changed = Directory::new(changed);
    changed.ask(Needs::kind(Kind::Location));
    assert!(differ(&print, &changed.fingerprint()));
    // Who needs more, or said so before that was told, is not compared.
    changed.ask(Needs::kind(Kind::User));
    assert!(!differ(&print, &changed.fingerprint()));
    assert!(!differ("0123456789abcdef", &print));
}

proptest! {
    #[test]
    fn whatever_is_listed_is_found_or_ambiguous(
        names in proptest::collection::vec("[a-cA-C ]{1,4}", 1..12),
        text in ".{0,6}",
    ) {
        let entries: Vec<Entry> = names
            .iter()
            .enumerate()
            .map(|(n, name)| entry(&format!("id-{n}"), name, &[], None))
            .collect();
        let directory = directory(vec![(Kind::Team, listing(entries))]);
        for name in names.iter().filter(|name| !name.trim().is_empty()) {
            let found = directory.find(Kind::Team, name, &[], None);
            prop_assert!(!matches!(found, Found::Missing(_)));
        }
        directory.find(Kind::Team, &text, &[], None);
    }
}
