//! A support team: six collections, its people and teams, custom fields with options, a few requests.

use super::names::{FIRST, LAST, address};
use crate::dice::Dice;

/// A collection.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
}

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// The id, as Slack gives it.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// The indexes of its members.
    pub members: Vec<usize>,
}

/// The type of a custom field (contract clearfeed, endpoints).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A date.
    Date,
    /// One option.
    Select,
    /// Several options.
    MultiSelect,
    /// A person.
    UserSelect,
}

impl FieldKind {
    /// Its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Select => "select",
            Self::MultiSelect => "multi_select",
            Self::UserSelect => "user_select",
        }
    }
}

/// A custom field of requests.
#[derive(Debug, Clone)]
pub struct CustomField {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: FieldKind,
    /// The numbers and texts of its options.
    pub options: Vec<(u64, &'static str)>,
}

/// A request that was there before.
#[derive(Debug, Clone)]
pub struct Past {
    /// Its title.
    pub title: String,
    /// Its text.
    pub description: String,
    /// The index of its collection.
    pub collection: usize,
    /// The index of who asked.
    pub author: usize,
    /// The index of who works on it.
    pub assignee: Option<usize>,
}

/// A customer: whom the support team works for.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// What the addresses of its people end with.
    pub domain: &'static str,
}

/// The whole team.
#[derive(Debug, Clone)]
pub struct Support {
    /// Collections.
    pub collections: Vec<Collection>,
    /// People; the first is the help desk's own account. The last stands in no team and no request: nobody
    /// can find that one by listing.
    pub people: Vec<Person>,
    /// Teams.
    pub teams: Vec<Team>,
    /// Custom fields.
    pub custom_fields: Vec<CustomField>,
    /// Custom fields of customers.
    pub customer_fields: Vec<CustomField>,
    /// Customers.
    pub customers: Vec<Client>,
    /// Requests.
    pub past: Vec<Past>,
}

/// How many people work in teams.
const TEAMED: usize = 24;

impl Support {
    /// The team, always the same.
    pub fn new() -> Self {
        let mut dice = Dice::new(0x50_9907);
        let people = people();
        Self {
            collections: [
                (11, "IT Support"),
                (12, "Customer Success"),
                (13, "HR Help"),
                (14, "Facilities"),
                (15, "Security"),
                (16, "Onboarding"),
            ]
            .map(|(id, name)| Collection { id, name })
            .to_vec(),
            teams: teams(),
            custom_fields: custom_fields(),
            customer_fields: customer_fields(),
            customers: [
                (71, "Acme", "acme.example"),
                (72, "Northwind Traders", "northwind.example"),
                (73, "Contoso", "contoso.example"),
                (74, "Example School District", "district.example"),
            ]
            .map(|(id, name, domain)| Client { id, name, domain })
            .to_vec(),
            past: past(&mut dice, people.len()),
            people,
        }
    }
}

impl Default for Support {
    fn default() -> Self {
        Self::new()
    }
}

fn people() -> Vec<Person> {
    let mut people = vec![Person {
        id: "U0HELPDESK".to_owned(),
        name: "Help Desk".to_owned(),
        email: "helpdesk@district.example".to_owned(),
    }];
    for n in 1..60 {
        let (first, last) = (
            FIRST[(n * 5 + 3) % FIRST.len()],
            LAST[(n * 11 + 2) % LAST.len()],
        );
        people.push(Person {
            id: format!("U0{:08X}", 0x4a1_7000 + n * 4_099),
            name: format!("{first} {last}"),
            email: format!("{}@acme.example", address(first, last)),
        });
    }
    people
}

fn teams() -> Vec<Team> {
    [
        (31, "Service Desk", 0..9),
        (32, "Customer Care", 9..17),
        (33, "People Operations", 17..21),
        (34, "Platform", 21..TEAMED),
    ]
    .map(|(id, name, members)| Team {
        id,
        name,
        members: members.collect(),
    })
    .to_vec()
}

fn field(id: u64, name: &'static str, kind: FieldKind, options: &[&'static str]) -> CustomField {
    CustomField {
        id,
        name,
        kind,
        options: (id * 100 + 1..).zip(options.iter().copied()).collect(),
    }
}

fn customer_fields() -> Vec<CustomField> {
    vec![
        field(
            61,
            "Tier",
            FieldKind::Select,
            &["Basic", "Plus", "Enterprise"],
        ),
        field(62, "Region", FieldKind::Text, &[]),
    ]
}

fn custom_fields() -> Vec<CustomField> {
    vec![
        field(51, "Legacy ID", FieldKind::Text, &[]),
        field(52, "Asset Tag", FieldKind::Text, &[]),
        field(53, "Seats", FieldKind::Number, &[]),
        field(54, "Renewal Date", FieldKind::Date, &[]),
        field(
            55,
            "Product Area",
            FieldKind::Select,
            &[
                "Billing",
                "Reporting",
                "Integrations",
                "Sign-in",
                "Mobile app",
            ],
        ),
        field(
            56,
            "Affected Platforms",
            FieldKind::MultiSelect,
            &["Web", "iOS", "Android", "API"],
        ),
        field(57, "Account Manager", FieldKind::UserSelect, &[]),
    ]
}

fn past(dice: &mut Dice, people: usize) -> Vec<Past> {
    const TITLES: [&str; 6] = [
        "Cannot sign in after the update",
        "Export stops half-way",
        "New colleague needs access",
        "Invoice shows the wrong plan",
        "Laptop for a visiting trainer",
        "Badge does not open the lab",
    ];
    (0..40)
        .map(|n| {
            let title = *dice.pick(&TITLES);
            Past {
                title: title.to_owned(),
                description: format!(
                    "{title}. It began this week and keeps coming back ({}).",
                    n + 1
                ),
                collection: dice.below(6),
                author: dice.below(people - 1),
                assignee: dice.chance(0.6).then(|| dice.below(TEAMED)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_promised_entries_are_there() {
        let support = Support::new();
        for name in ["IT Support", "Customer Success"] {
            assert!(support.collections.iter().any(|one| one.name == name));
        }
        assert_eq!(support.people[0].email, "helpdesk@district.example");
    }

    #[test]
    fn people_are_told_apart_and_one_cannot_be_listed() {
        let support = Support::new();
        let addresses: HashSet<_> = support.people.iter().map(|one| &one.email).collect();
        assert_eq!(addresses.len(), support.people.len());
        let last = support.people.len() - 1;
        assert!(
            support
                .teams
                .iter()
                .all(|team| !team.members.contains(&last))
        );
        assert!(support.past.iter().all(|one| one.author != last));
    }
}
