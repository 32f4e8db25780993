//! Tickets that are made, for exports.

use deskferry::systems::common::CommonTicket;
use jiff::Timestamp;
use serde_json::json;

/// A ticket like no other: names, texts and times of all lengths.
pub(crate) fn ticket(number: u64) -> CommonTicket {
    let pick = |salt: u64, from: &[&str]| {
        let mixed = (number ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        from[mixed as usize % from.len()].to_owned()
    };
    let topic = pick(
        1,
        &[
            "Beamer flackert",
            "No sound in room",
            "Wi-Fi drops",
            "=broken printer",
            "Password",
        ],
    );
    let person = |salt: u64| {
        let first = pick(salt, &["Ann", "Zoë", "Omar", "Lucía", "Wei", "Ivan"]);
        let last = pick(
            salt + 9,
            &["Lee", "Müller", "Haddad", "García", "Chen", "Petrov"],
        );
        let id = number % 977 + salt;
        json!({"id": format!("{id:08x}-0000-4000-8000-000000000000"), "name": format!("{first} {last}"),
               "email": format!("{first}.{last}{id}@district.example")})
    };
    let named =
        |salt: u64, from: &[&str]| json!({"id": format!("{salt}"), "name": pick(salt, from)});
    let created = 1_700_000_000 + number as i64 * 37;
    let at = |second: i64| {
        Timestamp::from_second(second)
            .expect("it is in range")
            .to_string()
    };
    let is_closed = !number.is_multiple_of(3);
    let sentence =
        "It began after the holidays, and only in the afternoon; the lamp was changed in May. ";
    serde_json::from_value(json!({
        "system": "incidentiq",
        "id": format!("{number:08x}-1111-4000-8000-{number:012x}"),
        "number": format!("{number}"),
        "url": format!("https://district.incidentiq.com/agent/tickets/{number:08x}-1111-4000-8000-{number:012x}"),
        "title": format!("{topic} {number}"),
        "description": sentence.repeat(1 + (number % 4) as usize),
        "standing": if is_closed { "closed" } else { "open" },
        "state": named(3, &["New", "In Progress", "Waiting on requestor", "Closed"]),
        "priority": named(4, &["Low", "Medium", "High", "Critical"]),
        "requester": person(5),
        "assignee": person(6),
        "team": named(7, &["IT Support", "Facilities", "AV"]),
        "place": named(8, &["Lincoln High School", "District Office", "Sankt-Peter-Schule"]),
        "category": named(9, &["Hardware › Projector › Flickers", "Network › Wi-Fi", "Other"]),
        "devices": [{"id": "d", "name": format!("{:06}", number % 40_000)}],
        "tags": ["import", pick(2, &["av", "room 12", "urgent"])],
        "custom": [], "comments": [], "attachments": [], "service": null,
        "created": at(created), "updated": at(created + 90_000),
        "closed": is_closed.then(|| at(created + 80_000)), "due": at(created + 200_000),
        "not_shown": [], "other": {},
    }))
    .expect("it is a ticket")
}
