//! A ticket for people: one on a card, several in a table.

use std::fmt::Write as _;

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::systems::common::{Attachment, Clock, CommonTicket, Named, Service};

/// The widest a title gets in a table.
const TITLE: usize = 50;
/// The widest a name gets in a table.
const NAME: usize = 24;

/// A ticket with all that is known of it.
pub(super) fn card(ticket: &CommonTicket, zone: &TimeZone) -> String {
    let mut card = Card::default();
    let number = ticket.number.as_deref().unwrap_or(&ticket.id);
    let title = ticket.title.as_deref().unwrap_or("(no title)");
    let _ = writeln!(card.0, "{}   {}", clean(number), clean(title));
    card.line("url", ticket.url.as_deref());
    card.line("id", Some(&ticket.id));
    card.line("state", Some(&state(ticket)));
    for (label, named) in [
        ("priority", &ticket.priority),
        ("requester", &ticket.requester),
        ("assignee", &ticket.assignee),
        ("team", &ticket.team),
        ("place", &ticket.place),
        ("category", &ticket.category),
    ] {
        card.line(label, named.as_ref().map(person).as_deref());
    }
    let devices: Vec<&str> = ticket.devices.iter().map(Named::label).collect();
    card.line("devices", Some(&devices.join(", ")));
    card.line("tags", Some(&ticket.tags.join(", ")));
    for (label, at) in [
        ("created", ticket.created),
        ("updated", ticket.updated),
        ("closed", ticket.closed),
        ("due", ticket.due),
    ] {
        card.line(label, at.map(|at| time(at, zone)).as_deref());
    }
    if let Some(service) = &ticket.service {
        card.line("service", Some(&promise(service)));
    }
    for value in &ticket.custom {
        let name = value.name.as_ref().or(value.id.as_ref());
        let label = format!("custom.{}", name.map_or("?", String::as_str));
        card.line(&label, Some(&plain(&value.value)));
    }
    if let Some(description) = &ticket.description {
        card.block("description", description);
    }
    for comment in &ticket.comments {
        let mut parts = Vec::new();
        parts.extend(comment.at.map(|at| time(at, zone)));
        parts.extend(
            comment
                .author
                .as_ref()
                .map(|author| author.label().to_owned()),
        );
        parts.push(
            match comment.public {
                Some(true) => "public",
                Some(false) => "internal note",
                None => "comment",
            }
            .to_owned(),
        );
        card.block(&parts.join("   "), &comment.text);
    }
    if !ticket.attachments.is_empty() {
        let lines: Vec<_> = ticket.attachments.iter().map(file).collect();
        card.block("files", &lines.join("\n"));
    }
    if !ticket.not_shown.is_empty() {
        let lines = ticket.not_shown.iter();
        let lines: Vec<_> = lines
            .map(|hidden| format!("{}: {}", hidden.field, hidden.why))
            .collect();
        card.block("not shown", &lines.join("\n"));
    }
    if !ticket.other.is_empty() {
        let names: Vec<&str> = ticket.other.keys().map(String::as_str).collect();
        card.block("further, with --format json", &names.join(", "));
    }
    card.0
}

/// What hangs on a ticket, a row a line, as the system names things; what is empty or nested deep is left to JSON.
pub(super) fn part(name: &str, rows: &Value) -> String {
    let line = |row: &Value| {
        let members = row.as_object().into_iter().flatten();
        let told = members.filter_map(|(name, value)| {
            let text = match value {
                Value::Null | Value::Object(_) => return None,
                value => plain(value),
            };
            (!text.is_empty()).then(|| format!("{name}: {}", text.replace('\n', " ")))
        });
        told.collect::<Vec<_>>().join("   ")
    };
    let rows: Vec<String> = rows.as_array().into_iter().flatten().map(line).collect();
    let mut card = Card::default();
    card.block(
        name,
        match rows.is_empty() {
            true => "none".to_owned(),
            false => rows.join("\n"),
        }
        .as_str(),
    );
    card.0
}

#[derive(Default)]
struct Card(String);

impl Card {
    /// A field on one line; what is not there has none.
    fn line(&mut self, label: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let value = clean(value).replace('\n', " ");
            let _ = writeln!(self.0, "  {:<11} {value}", clean(label));
        }
    }

    /// A text under its heading.
    fn block(&mut self, heading: &str, text: &str) {
        let _ = writeln!(self.0, "\n  {}", clean(heading));
        for line in clean(text).trim().lines() {
            let _ = writeln!(self.0, "    {}", line.trim_end());
        }
    }
}

/// Tickets, one a line.
pub(super) fn table(tickets: &[CommonTicket], zone: &TimeZone) -> String {
    let mut rows = vec![["number", "state", "created", "assignee", "title"].map(str::to_owned)];
    rows.extend(tickets.iter().map(|ticket| {
        let number = ticket.number.as_deref().unwrap_or(&ticket.id);
        let assignee = ticket.assignee.as_ref().map_or("-", Named::label);
        let created = ticket.created.map_or("-".to_owned(), |at| time(at, zone));
        let line = |text: &str, width| {
            let text = clean(text).replace('\n', " ");
            truncate_str(&text, width, "…").into_owned()
        };
        [
            line(number, NAME),
            line(&state(ticket), NAME),
            created,
            line(assignee, NAME),
            line(ticket.title.as_deref().unwrap_or("-"), TITLE),
        ]
    }));
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(
                ' ',
                width - measure_text_width(cell) + 2,
            ));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The system's own word for how far it is, and how it stands where that does not say it.
fn state(ticket: &CommonTicket) -> String {
    let standing = ticket.standing.as_str();
    match &ticket.state {
        Some(state) if !state.label().eq_ignore_ascii_case(standing) => {
            format!("{} ({standing})", state.label())
        }
        _ => standing.to_owned(),
    }
}

/// A name with what tells it from others of the same name.
fn person(named: &Named) -> String {
    match (&named.name, &named.email) {
        (Some(name), Some(email)) if name != email => format!("{name} <{email}>"),
        _ => named.label().to_owned(),
    }
}

/// A promise in one line: `Standard: response in 35 of 480 min, resolution of 2400 min`.
fn promise(service: &Service) -> String {
    let clock = |label: &str, clock: &Option<Clock>| {
        let clock = clock.as_ref()?;
        let mut text = label.to_owned();
        if let Some(minutes) = clock.minutes {
            let _ = write!(text, " in {minutes}");
        }
        if let Some(target) = clock.target {
            let _ = write!(text, " of {target}");
        }
        text.push_str(" min");
        if clock.is_running == Some(true) {
            text.push_str(" so far");
        }
        if clock.is_breached == Some(true) {
            text.push_str(" (too long)");
        }
        Some(text)
    };
    let clocks = [
        clock("response", &service.response),
        clock("resolution", &service.resolution),
    ];
    let clocks = clocks.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let parts = [service.name.clone().unwrap_or_default(), clocks];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(": ")
}

/// A file in one line: what it is called, how big it is, where it is.
fn file(file: &Attachment) -> String {
    let bytes = file.bytes.map(|bytes| format!("{bytes} bytes"));
    let parts = [Some(file.name.clone()), bytes, file.url.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("   ")
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A text of a ticket without what could steer a terminal: whoever writes tickets does not write to ours.
fn clean(text: &str) -> String {
    let is_plain = |sign: &char| !sign.is_control() || *sign == '\n';
    text.replace('\t', "    ")
        .chars()
        .filter(is_plain)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::SystemName;

    #[test]
    fn a_promise_stands_in_one_line() {
        let service = Service {
            name: Some("Gold".to_owned()),
            response: Some(Clock {
                target: Some(60.0),
                minutes: Some(61.5),
                is_running: Some(false),
                is_breached: Some(true),
            }),
            resolution: Some(Clock {
                target: Some(480.0),
                ..Clock::default()
            }),
        };
        assert_eq!(
            promise(&service),
            "Gold: response in 61.5 of 60 min (too long), resolution of 480 min"
        );
    }

    #[test]
    fn no_ticket_steers_the_terminal() {
        let ticket = CommonTicket {
            title: Some("\u{1b}[31mred\u{7}".to_owned()),
            description: Some("a\r\nb\u{9b}2J".to_owned()),
            ..CommonTicket::new(SystemName::IncidentIq, "t-1".to_owned())
        };
        let card = card(&ticket, &TimeZone::UTC);
        assert!(card.starts_with("t-1   [31mred\n"), "{card}");
        assert!(card.ends_with("  description\n    a\n    b2J\n"), "{card}");
        assert!(!table(&[ticket], &TimeZone::UTC).contains('\u{1b}'));
    }
}
