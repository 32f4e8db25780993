//! Single tickets that stand out, as rows of a table.

use jiff::civil::DateTime;

use super::facts::Facts;
use super::value::{Cell, Field, Table, Value};
use crate::systems::common::CommonTicket;

/// So many tickets a list has at most.
pub(super) const MOST: usize = 25;

/// A title longer than this is cut.
const LONGEST: usize = 90;

/// A ticket with what a list shows of it.
#[derive(Debug)]
pub(super) struct Listed {
    ticket: Value,
    title: String,
    state: String,
    priority: String,
    team: String,
    assignee: String,
    created: Option<DateTime>,
}

impl Listed {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let ticket = facts.ticket;
        let label = |named| Facts::label(named).to_owned();
        Self {
            ticket: reference(ticket),
            title: shortened(ticket.title.as_deref().unwrap_or_default()),
            state: label(ticket.state.as_ref()),
            priority: label(ticket.priority.as_ref()),
            team: label(ticket.team.as_ref()),
            assignee: label(ticket.assignee.as_ref()),
            created: facts.created,
        }
    }

    /// A table of such tickets, with more columns behind.
    pub(super) fn table<const N: usize>(
        title: &str,
        more: [&str; N],
        tickets: impl IntoIterator<Item = (Self, [Cell; N])>,
    ) -> Table {
        let mut table = Table::new(
            title,
            ["Ticket", "State", "Priority", "Team", "Assignee", "Created"],
        );
        table.headings.extend(more.map(str::to_owned));
        // Last, where it may be as long as it is.
        table.headings.push("Title".to_owned());
        for (ticket, cells) in tickets {
            let mut row = vec![Cell::from(ticket.ticket), Cell::filled(ticket.state)];
            row.push(match ticket.priority.is_empty() {
                true => Cell::EMPTY,
                false => Cell::named(Field::Priority, ticket.priority),
            });
            row.extend([ticket.team, ticket.assignee].map(Cell::filled));
            row.push(ticket.created.map_or(Value::Empty, Value::Time).into());
            row.extend(cells);
            row.push(Cell::filled(ticket.title));
            table.rows.push(row);
        }
        table
    }
}

/// The number or id, with the address behind it.
fn reference(ticket: &CommonTicket) -> Value {
    let text = ticket.number.as_ref().unwrap_or(&ticket.id).clone();
    let is_web = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
    match ticket.url.as_ref().filter(is_web) {
        Some(url) => Value::Link {
            text,
            url: url.clone(),
        },
        None => Value::Text(text),
    }
}

fn shortened(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        None => line,
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}
