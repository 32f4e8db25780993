//! Tickets counted by one field or several, for the terminal and for scripts.

mod by;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::period::Calendar;
use crate::report::words;
use crate::systems::common::CommonTicket;
use by::Key;

pub use by::By;

/// So many groups are shown in the terminal, and so many of each within them.
const SHOWN: [usize; 2] = [25, 8];
/// A label is cut beyond so many characters.
const LONGEST: usize = 40;
/// The longest bar.
const BAR: usize = 24;

/// Tickets, counted.
#[derive(Debug)]
pub struct Counts {
    by: Vec<By>,
    calendar: Calendar,
    whole: Node,
    /// Under which key a thing is counted, by its field and id: a location that was renamed is the same location.
    known: HashMap<(usize, String), String>,
}

#[derive(Debug, Default)]
struct Node {
    label: String,
    apart: String,
    tickets: u64,
    parts: HashMap<String, Node>,
}

/// A group as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What it is called; empty for the tickets that have none.
    pub label: String,
    /// How many tickets.
    pub tickets: u64,
    /// Which part of the tickets one level above.
    pub share: f64,
    /// By the next field.
    pub groups: Vec<Group>,
}

impl Counts {
    /// Nothing counted yet; days and weeks are those of a calendar.
    pub fn new(by: Vec<By>, calendar: Calendar) -> Self {
        Self {
            by,
            calendar,
            whole: Node::default(),
            known: HashMap::new(),
        }
    }

    /// Counts a ticket. One with several tags or devices counts for each of them.
    pub fn add(&mut self, ticket: &CommonTicket) {
        let mut keys: Vec<Vec<Key>> = self
            .by
            .iter()
            .map(|by| by.of(ticket, &self.calendar))
            .collect();
        for (at, keys) in keys.iter_mut().enumerate() {
            for key in keys {
                if let Some(id) = key.id.take() {
                    let known = self.known.entry((at, id));
                    key.key.clone_from(known.or_insert_with(|| key.key.clone()));
                }
            }
        }
        self.whole.add(&keys);
    }

    /// How many tickets were counted.
    pub fn tickets(&self) -> u64 {
        self.whole.tickets
    }

    /// The groups, the largest first; those of times in their order.
    pub fn groups(&self) -> Vec<Group> {
        self.whole.groups(&self.by)
    }

    /// The document for scripts.
    pub fn document(&self) -> Value {
        let names: Vec<&str> = self.by.iter().map(|by| by.name.as_str()).collect();
        json!({"by": names, "tickets": self.tickets(), "groups": documents(&self.groups(), &names)})
    }

    /// The table for a terminal of so many columns.
    pub fn table(&self, width: usize) -> String {
        let groups = self.groups();
        let mut lines: Vec<(String, Option<(u64, f64)>)> = Vec::new();
        self.lines(&groups, 0, &mut lines);
        let heading: Vec<&str> = self.by.iter().map(|by| by.name.as_str()).collect();
        let heading = heading.join(" / ");
        let labels = lines.iter().map(|(label, _)| label.chars().count());
        let label_width = labels.chain([heading.chars().count()]).max().unwrap_or(0);
        let number_width = words::count(self.tickets()).len().max("tickets".len());
        // Label, number, share, and two spaces between each.
        let taken = label_width + number_width + 2 + 2 + 5 + 2;
        let bar = width.saturating_sub(taken).min(BAR);
        let mut text = format!(
            "{heading:label_width$}  {:>number_width$}  share\n",
            "tickets"
        );
        for (label, number) in &lines {
            let line = match number {
                None => label.clone(),
                Some((tickets, share)) => format!(
                    "{label:label_width$}  {:>number_width$}  {:>3.0} %  {}",
                    words::count(*tickets),
                    share * 100.0,
                    bars(*tickets as f64 / self.tickets() as f64, bar),
                ),
            };
            text.push_str(line.trim_end());
            text.push('\n');
        }
        let total = words::count(self.tickets());
        text.push_str(&format!("{:label_width$}  {total:>number_width$}", "all"));
        text
    }

    fn lines(&self, groups: &[Group], level: usize, lines: &mut Vec<(String, Option<(u64, f64)>)>) {
        let indent = "  ".repeat(level);
        let most = SHOWN[level.min(SHOWN.len() - 1)];
        // One more is no longer than the line that says so.
        let most = if groups.len() == most + 1 {
            most + 1
        } else {
            most
        };
        for group in &groups[..groups.len().min(most)] {
            let name = match group.label.as_str() {
                "" => format!("(no {})", self.by[level].name),
                label => label.chars().take(LONGEST).collect(),
            };
            // What is invisible or moves the cursor is no part of a table.
            let name = name.replace(char::is_control, " ");
            lines.push((
                format!("{indent}{name}"),
                Some((group.tickets, group.share)),
            ));
            self.lines(&group.groups, level + 1, lines);
        }
        if groups.len() > most {
            let rest = &groups[most..];
            let tickets = rest.iter().map(|group| group.tickets).sum();
            let share = rest.iter().map(|group| group.share).sum();
            let name = format!("{indent}({} more)", words::count(rest.len() as u64));
            lines.push((name, Some((tickets, share))));
        }
    }
}

fn documents(groups: &[Group], names: &[&str]) -> Vec<Value> {
    let document = |group: &Group| {
        let value = (!group.label.is_empty()).then_some(&group.label);
        let share = (group.share * 1e4).round() / 1e4;
        let mut document = json!({names[0]: value, "tickets": group.tickets, "share": share});
        if names.len() > 1 {
            document["groups"] = Value::from(documents(&group.groups, &names[1..]));
        }
        document
    };
    groups.iter().map(document).collect()
}

/// A bar of so many columns for the whole, to the eighth of one.
fn bars(share: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let least = usize::from(share > 0.0 && width > 0);
    let eighths = eighths.max(least);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

impl Node {
    fn add(&mut self, keys: &[Vec<Key>]) {
        self.tickets += 1;
        let Some((first, rest)) = keys.split_first() else {
            return;
        };
        for key in first {
            let part = self.parts.entry(key.key.clone()).or_insert_with(|| Node {
                label: key.label.clone(),
                apart: key.apart.clone(),
                ..Self::default()
            });
            // An address is worth more than an id.
            if key.apart.contains('@') && !part.apart.contains('@') {
                part.apart.clone_from(&key.apart);
            }
            part.add(rest);
        }
    }

    fn groups(&self, by: &[By]) -> Vec<Group> {
        let Some((first, rest)) = by.split_first() else {
            return Vec::new();
        };
        let mut names: HashMap<String, u64> = HashMap::new();
        for part in self.parts.values() {
            *names.entry(part.label.to_lowercase()).or_default() += 1;
        }
        let group = |part: &Self| {
            let is_one = names.get(&part.label.to_lowercase()) == Some(&1);
            Group {
                label: match is_one || part.apart.is_empty() {
                    true => part.label.clone(),
                    false => format!("{} ({})", part.label, part.apart),
                },
                tickets: part.tickets,
                share: part.tickets as f64 / self.tickets as f64,
                groups: part.groups(rest),
            }
        };
        let mut groups: Vec<Group> = self.parts.values().map(group).collect();
        groups.sort_by(|one, other| one.label.cmp(&other.label));
        if !first.is_time() {
            groups.sort_by_key(|group| std::cmp::Reverse(group.tickets));
        }
        groups
    }
}
