//! Counts over generated tickets: what the terminal and what scripts get.

use serde_json::{Value, json};

use super::*;
use crate::export::sheets::made::{tickets, zone};
use crate::systems::common::Named;

fn counted(by: &str) -> Counts {
    let mut counts = Counts::new(By::parse(by, &[]).unwrap(), Calendar::of(zone()));
    tickets(300).iter().for_each(|ticket| counts.add(ticket));
    counts
}

#[test]
fn tickets_are_counted_by_two_fields() {
    insta::assert_snapshot!(
        "by_location_and_status",
        counted("location,status").table(100)
    );
}

#[test]
fn months_are_in_their_order() {
    let counts = counted("month");
    let months: Vec<String> = counts
        .groups()
        .into_iter()
        .map(|group| group.label)
        .collect();
    assert!(months.is_sorted() && months.len() > 10, "{months:?}");
}

#[test]
fn weeks_begin_when_the_calendar_says() {
    let mut counts = Counts::new(
        By::parse("week", &[]).unwrap(),
        Calendar {
            week_starts: jiff::civil::Weekday::Sunday,
            ..Calendar::of(zone())
        },
    );
    let mut one = tickets(1).remove(0);
    // A Saturday in Chicago, and the Sunday after it.
    for at in ["2024-06-16T03:00:00Z", "2024-06-17T03:00:00Z"] {
        one.created = Some(at.parse().unwrap());
        counts.add(&one);
    }
    let groups = counts.groups();
    let weeks: Vec<_> = groups.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(weeks, ["2024-06-09", "2024-06-16"]);
}

#[test]
fn scripts_get_every_group() {
    let document = counted("status,tag").document();
    let groups = document["groups"].as_array().unwrap();
    let sum: u64 = groups
        .iter()
        .map(|group| group["tickets"].as_u64().unwrap())
        .sum();
    assert_eq!((sum, &document["tickets"]), (300, &json!(300)));
    assert_eq!(groups[0]["groups"][0]["tag"], Value::Null);
}

#[test]
fn people_of_one_name_are_two() {
    let mut all = tickets(3);
    for (ticket, id) in all.iter_mut().zip(["u1", "u2", "u1"]) {
        ticket.requester = Some(Named {
            id: Some(id.to_owned()),
            name: Some("Maria Garcia".to_owned()),
            email: Some(format!("{id}@x.example")),
        });
    }
    let mut counts = Counts::new(By::parse("requester", &[]).unwrap(), Calendar::of(zone()));
    all.iter().for_each(|ticket| counts.add(ticket));
    let groups = counts.groups();
    let shown: Vec<_> = groups
        .iter()
        .map(|one| (one.label.as_str(), one.tickets))
        .collect();
    assert_eq!(
        shown,
        [
            ("Maria Garcia (u1@x.example)", 2),
            ("Maria Garcia (u2@x.example)", 1)
        ]
    );
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest() {
    let error = By::parse("locaton", &[]).unwrap_err();
    assert_eq!(error.hints()[0], "did you mean `location`?");
    assert!(By::parse("status,state", &[]).is_err());
    assert!(By::parse(" , ", &[]).is_err());
    assert_eq!(By::parse("Locations, Status", &[]).unwrap().len(), 2);
}

#[test]
fn a_location_that_was_renamed_is_one() {
    let mut all = tickets(4);
    let names = ["Annex", "New Annex", "NEW ANNEX", "Gym"];
    for ((ticket, name), id) in all.iter_mut().zip(names).zip(["a", "A", "a", "g"]) {
        ticket.place = Some(Named {
            id: Some(id.to_owned()),
            name: Some(name.to_owned()),
            email: None,
        });
    }
    let mut counts = Counts::new(By::parse("location", &[]).unwrap(), Calendar::of(zone()));
    all.iter().for_each(|ticket| counts.add(ticket));
    let groups = counts.groups();
    let shown: Vec<_> = (groups.iter().map(|one| (one.label.as_str(), one.tickets))).collect();
    assert_eq!(shown, [("Annex", 3), ("Gym", 1)]);
}
