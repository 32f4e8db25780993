//! People, their teams and their devices.

use std::collections::HashSet;

use super::{Asset, Role, Team, User};
use crate::dice::Dice;
use crate::guid::Guid;
use crate::seed::names::{FIRST, LAST, address};

const MODELS: [&str; 8] = [
    "Chromebook 3100",
    "Chromebook 11 G9",
    "Latitude 5430",
    "MacBook Air 13",
    "iPad 9th generation",
    "LaserJet M404",
    "PowerLite projector",
    "Interactive panel 75",
];

/// How many people, of whom the first so many are agents.
const PEOPLE: usize = 2_000;
const AGENTS: usize = 12;

/// Two people with one display name.
const NAMESAKES: [usize; 2] = [320, 700];

pub(super) fn users(dice: &mut Dice, places: usize) -> Vec<User> {
    let mut users = vec![user(0, "Help", "Desk", "helpdesk", Role::Agent, 0)];
    let mut taken = HashSet::new();
    for n in 1..PEOPLE {
        let (first, last) = if NAMESAKES.contains(&n) {
            ("Maria", "Garcia")
        } else {
            let (first, last) = (
                FIRST[n % FIRST.len()],
                LAST[(n * 7 + n / FIRST.len()) % LAST.len()],
            );
            if (first, last) == ("Maria", "Garcia") {
                ("Maria", "Hughes")
            } else {
                (first, last)
            }
        };
        let role = match n {
            n if n < AGENTS => Role::Agent,
            n if n < 160 => Role::Staff,
            n if n < 620 => Role::Faculty,
            _ => Role::Student,
        };
        let place = if role == Role::Agent {
            0
        } else {
            dice.below(places - 2) + 2
        };
        let mut local = address(first, last);
        if !taken.insert(local.clone()) {
            local = format!("{local}{n}");
        }
        users.push(user(n, first, last, &local, role, place));
    }
    users
}

fn user(n: usize, first: &str, last: &str, local: &str, role: Role, location: usize) -> User {
    User {
        id: Guid::seeded("user", local),
        first: first.to_owned(),
        last: last.to_owned(),
        email: format!("{local}@district.example"),
        role,
        location,
        number: format!("{:06}", 20_000 + n * 3),
    }
}

pub(super) fn teams() -> Vec<Team> {
    [
        ("Help Desk", vec![0, 1, 2, 3]),
        ("Field Technicians", vec![3, 4, 5, 6]),
        ("Network", vec![7, 8]),
        ("Classroom Technology", vec![9, 10]),
        ("Accounts and Data", vec![2, 11]),
    ]
    .into_iter()
    .map(|(name, members)| Team {
        id: Guid::seeded("team", name),
        name: name.to_owned(),
        members,
    })
    .collect()
}

pub(super) fn assets(dice: &mut Dice, users: &[User]) -> Vec<Asset> {
    (0..1_500)
        .map(|n| {
            let owner = AGENTS + dice.below(users.len() - AGENTS);
            let tag = format!("{:06}", 4_100 + n * 7);
            Asset {
                id: Guid::seeded("asset", &tag),
                serial: format!("5CD{:07X}", dice.below(0x0fff_ffff)),
                model: MODELS[dice.below(MODELS.len())].to_owned(),
                owner,
                location: users[owner].location,
                tag,
            }
        })
        .collect()
}
