//! The queue of a support team, one JSON object a line.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use deskferry::sandbox::Dice;
use deskferry::sandbox::seed::Support;
use jiff::Timestamp;
use serde_json::{Value, json};

/// How many requests there are.
const COUNT: usize = 300;

const SUBJECTS: [&str; 8] = [
    "Cannot sign in with single sign-on",
    "Invoice shows the wrong number of seats",
    "Export to spreadsheet stops at 10,000 rows",
    "How do we add a second workspace?",
    "Mobile app closes on start",
    "Need access for a new colleague",
    "Webhook delivers every event twice",
    "Report is a day behind",
];

const BODIES: [&str; 5] = [
    "<p>Hello,</p><p>it began on Monday &amp; we cannot work around it.</p>",
    "<p>Steps:</p><ul><li>open the page</li><li>press <b>Save</b></li><li>nothing happens</li></ul>",
    "Plain text this time.\nTwo lines of it, with \"quotes\".",
    "<p>Please see the screenshot in the old system: <a href=\"https://old.example/s/17\">17</a></p>",
    "<p>Café team here ☕: same as last week.</p>",
];

/// Where requests wait; one goes by a short name.
const QUEUES: [&str; 5] = [
    "IT Support",
    "Customer Success",
    "Customer Success",
    "it",
    "Onboarding",
];
const PRIORITIES: [&str; 5] = ["low", "normal", "normal", "high", "P1"];
const STATUSES: [&str; 3] = ["open", "pending", "solved"];

/// Writes the queue.
pub(crate) fn write(path: &Path) -> Result<(), Box<dyn Error>> {
    let support = Support::new();
    let mut dice = Dice::new(0x0a11_ce00);
    let mut at: Timestamp = "2024-02-05T14:03:11Z".parse()?;
    let mut text = Vec::new();
    for n in 0..COUNT {
        at += jiff::SignedDuration::from_mins(7 + i64::try_from(dice.below(600))?);
        serde_json::to_writer(&mut text, &request(&support, &mut dice, n, at))?;
        text.write_all(b"\n")?;
    }
    std::fs::write(path, text)?;
    Ok(())
}

fn request(support: &Support, dice: &mut Dice, n: usize, at: Timestamp) -> Value {
    // The last of the people is nobody's to find.
    let requester = &support.people[1 + dice.below(support.people.len() - 2)];
    let assignee = &support.people[dice.below(20)];
    let area = dice.chance(0.7).then(|| dice.below(5));
    let area = area.map(|place| support.custom_fields[4].options[place].1);
    let platforms: Vec<_> = support.custom_fields[5]
        .options
        .iter()
        .filter(|_| dice.chance(0.4))
        .map(|(_, name)| *name)
        .collect();
    let tags: Vec<&str> = ["vip", "renewal", "bug", "how-to"]
        .into_iter()
        .filter(|_| dice.chance(0.25))
        .collect();
    let renewal = dice
        .chance(0.3)
        .then(|| format!("2025-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28)));
    json!({
        "id": format!("SUP-{}", 3_100 + n),
        "subject": SUBJECTS[dice.below(SUBJECTS.len())],
        "body": BODIES[dice.below(BODIES.len())],
        "queue": dice.pick(&QUEUES),
        "priority": dice.pick(&PRIORITIES),
        "status": dice.pick(&STATUSES),
        "escalated": dice.chance(0.1),
        "created_at": at.to_string(),
        "requester": {
            "name": requester.name,
            "email": if dice.chance(0.1) { None } else { Some(&requester.email) },
            "account_email": format!("accounts+{}@acme.example", 1 + dice.below(40)),
        },
        "assignee": dice.chance(0.7).then(|| json!({ "name": assignee.name, "email": assignee.email })),
        "product": { "area": area, "platforms": platforms },
        "account": { "seats": dice.chance(0.5).then(|| 5 + dice.below(400)), "renewal": renewal },
        "tags": tags,
        "first_reply": if dice.chance(0.4) { "Thank you, we are on it." } else { "" },
    })
}
