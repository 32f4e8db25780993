//! The tickets of an old help desk.

use std::error::Error;
use std::path::Path;

use deskferry::sandbox::Dice;
use deskferry::sandbox::seed::District;
use deskferry::sandbox::seed::district::{Issue, Location, Room, User};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, date};

/// How many tickets there are.
const COUNT: usize = 1_200;
/// The number before the first one's.
const FIRST_NUMBER: u64 = 24_000;

/// The columns, in their order.
pub(crate) const COLUMNS: [&str; 18] = [
    "Ticket #",
    "Title",
    "Description",
    "Category",
    "Problem",
    "Building",
    "Room",
    "Requester",
    "Requester E-mail",
    "Prio",
    "VIP",
    "Opened",
    "Status",
    "Asset",
    "Devices",
    "Cost",
    "Needed By",
    "Notes",
];

/// A ticket as the old help desk exports it.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) problem: String,
    pub(crate) building: String,
    pub(crate) room: String,
    pub(crate) requester: String,
    pub(crate) email: String,
    pub(crate) prio: &'static str,
    pub(crate) vip: bool,
    pub(crate) opened: DateTime,
    pub(crate) status: &'static str,
    pub(crate) asset: String,
    pub(crate) devices: &'static str,
    pub(crate) cost: Option<f64>,
    pub(crate) needed_by: Option<Date>,
    pub(crate) notes: String,
}

const STORIES: [&str; 12] = [
    "It worked yesterday. Nothing was changed that we know of.",
    "Happens every morning, goes away after a restart,\nthen comes back before lunch.",
    "The screen says \"Error 0x80070035\", then nothing.",
    "Three colleagues next door have the same, so it may not be this one alone.",
    "We need this for state testing on Thursday, please come before.",
    "Tried: restart, another cable, another outlet. No change.",
    "Reported last year too; see the old ticket.\n\nThe room is open from 7:30.",
    "A student told me, I have not seen it myself.",
    "Please call before you come, the class is full until 2:15.",
    "It makes a noise like a coffee grinder, then stops.",
    "Substitute teacher in this week, she does not know the password.",
    "Ordered parts in March, they never came.",
];

const NOTES: [&str; 6] = [
    "Left a voicemail.",
    "On site, could not reproduce.",
    "Part ordered.\nETA two weeks.",
    "Swapped with a spare, tag follows.",
    "Vendor case 55-1042, \"waiting on parts\"",
    "Talked to the librarian; will try again Monday.",
];

/// All tickets, always the same.
pub(crate) fn tickets() -> Vec<Ticket> {
    let district = District::new();
    let mut dice = Dice::new(0x7e57_da7a);
    let mut opened = date(2023, 8, 14).at(7, 41, 0, 0);
    (1..=COUNT as u64)
        .map(|n| {
            opened = later(opened, &mut dice);
            ticket(&district, &mut dice, FIRST_NUMBER + n, opened)
        })
        .collect()
}

/// Some minutes later, within the hours of a school.
fn later(opened: DateTime, dice: &mut Dice) -> DateTime {
    let minutes = 5 + dice.below(190) as i64;
    let next = opened
        .checked_add(minutes.minutes())
        .expect("a time of this century");
    if next.hour() < 17 && next.date() == opened.date() {
        return next;
    }
    let mut day = next.date().tomorrow().expect("a day of this century");
    while matches!(
        day.weekday(),
        jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
    ) {
        day = day.tomorrow().expect("a day of this century");
    }
    day.at(7, dice.below(60) as i8, 0, 0)
}

fn ticket(district: &District, dice: &mut Dice, number: u64, opened: DateTime) -> Ticket {
    let user = requester(district, dice);
    let issue = dice.pick(&district.issues);
    let location = &district.locations[user.location];
    let room = room(district, dice, user.location);
    let vip = dice.chance(0.04);
    Ticket {
        number,
        title: title(dice, issue, location, room),
        description: format!(
            "{}{}",
            dice.pick(&["", "", "Hi, ", "Hello!\n"]),
            dice.pick(&STORIES)
        ),
        category: issue.category.1.clone(),
        problem: issue.name.clone(),
        building: building(dice, location),
        room: match room {
            Some(room) => room.name.clone(),
            None if dice.chance(0.2) => "Hallway".to_owned(),
            None => String::new(),
        },
        requester: user.name(),
        email: user.email.clone(),
        prio: ["P1", "P2", "P2", "P3", "P3", "P3", "P3", "P4", "P4", ""][dice.below(10)],
        vip,
        opened,
        status: ["Open", "In Progress", "Closed", "Closed", "Closed"][dice.below(5)],
        asset: asset(district, dice, issue),
        devices: devices(issue),
        cost: dice
            .chance(0.15)
            .then(|| (2_000 + dice.below(60_000)) as f64 / 100.0),
        needed_by: dice.chance(0.1).then(|| {
            let days = 3 + dice.below(30) as i64;
            opened
                .date()
                .checked_add(days.days())
                .expect("a day of this century")
        }),
        notes: if dice.chance(0.3) {
            (*dice.pick(&NOTES)).to_owned()
        } else {
            String::new()
        },
    }
}

/// Who writes to a help desk: mostly teachers and staff.
fn requester<'a>(district: &'a District, dice: &mut Dice) -> &'a User {
    let place = if dice.chance(0.85) {
        12 + dice.below(608)
    } else {
        620 + dice.below(1_380)
    };
    &district.users[place]
}

fn room<'a>(district: &'a District, dice: &mut Dice, location: usize) -> Option<&'a Room> {
    let rooms: Vec<&Room> = district
        .rooms
        .iter()
        .filter(|room| room.location == location)
        .collect();
    let room = rooms[dice.below(rooms.len())];
    dice.chance(0.8).then_some(room)
}

fn title(dice: &mut Dice, issue: &Issue, location: &Location, room: Option<&Room>) -> String {
    let what = &issue.name;
    match (dice.below(4), room) {
        (0, Some(room)) => format!("{what}, {} {}", location.abbreviation, room.name),
        (1, Some(room)) => format!("{what} in \"{}\"", room.name),
        (2, _) => format!("{}: {}", issue.kind.1, what.to_lowercase()),
        _ => what.clone(),
    }
}

fn building(dice: &mut Dice, location: &Location) -> String {
    match dice.below(10) {
        0..=2 => location.abbreviation.clone(),
        3 => location.name.to_uppercase(),
        _ => location.name.clone(),
    }
}

fn asset(district: &District, dice: &mut Dice, issue: &Issue) -> String {
    if issue.category.1 == "Hardware" && dice.chance(0.7) {
        dice.pick(&district.assets).tag.clone()
    } else {
        String::new()
    }
}

fn devices(issue: &Issue) -> &'static str {
    match issue.kind.1.as_str() {
        "Laptop" => "Laptop",
        "Chromebook" => "Chromebook",
        "Printer" => "Printer; Laptop",
        "Projector" | "Audio and video" => "Projector",
        "Phone" => "Phone",
        _ => "",
    }
}

/// Writes them as CSV, every row of which can be imported.
pub(crate) fn write_csv(tickets: &[Ticket], path: &Path) -> Result<(), Box<dyn Error>> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(COLUMNS)?;
    for ticket in tickets {
        writer.write_record(cells(ticket))?;
    }
    writer.flush()?;
    Ok(())
}

fn cells(ticket: &Ticket) -> [String; COLUMNS.len()] {
    let day = |day: Date| day.strftime("%m/%d/%Y").to_string();
    [
        ticket.number.to_string(),
        ticket.title.clone(),
        ticket.description.clone(),
        ticket.category.clone(),
        ticket.problem.clone(),
        ticket.building.clone(),
        ticket.room.clone(),
        ticket.requester.clone(),
        ticket.email.clone(),
        ticket.prio.to_owned(),
        vip(ticket).to_owned(),
        ticket.opened.strftime("%m/%d/%Y %H:%M").to_string(),
        ticket.status.to_owned(),
        ticket.asset.clone(),
        ticket.devices.to_owned(),
        ticket
            .cost
            .map(|cost| format!("{cost:.2}"))
            .unwrap_or_default(),
        ticket.needed_by.map(day).unwrap_or_default(),
        ticket.notes.clone(),
    ]
}

/// The cell for somebody important.
pub(crate) fn vip(ticket: &Ticket) -> &'static str {
    if ticket.vip { "x" } else { "" }
}
