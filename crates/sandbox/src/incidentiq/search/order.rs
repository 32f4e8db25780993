//! What tickets are sorted by (contract incidentiq §3). What is not known is silently ignored.

use crate::call::Call;
use crate::incidentiq::book::Book;
use crate::incidentiq::ticket::Ticket;

/// What a ticket is compared by.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

/// A field to sort by; none is the order of creation.
type By = fn(&Book, &Ticket) -> Key;

/// An order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    by: Option<By>,
    pub(super) is_descending: bool,
}

impl Order {
    /// The order asked for: `$o=Field dir`, or `$o` with `$d`, or both without the sign; newest first where
    /// nothing is said.
    pub(super) fn read(call: &Call) -> Self {
        let asked = call
            .query("$o")
            .or_else(|| call.query("o"))
            .unwrap_or_default();
        let mut words = asked.split_whitespace();
        let Some(by) = field(&words.next().unwrap_or_default().to_lowercase()) else {
            return Self {
                by: None,
                is_descending: true,
            };
        };
        let direction = words
            .next()
            .or_else(|| call.query("$d"))
            .or_else(|| call.query("d"))
            .unwrap_or("asc")
            .to_lowercase();
        Self {
            by,
            is_descending: direction.starts_with("desc") || direction == "1",
        }
    }

    /// Whether tickets stand in it as they are kept.
    pub(super) fn is_by_creation(self) -> bool {
        self.by.is_none()
    }

    /// Sorts places that stand in the order of creation.
    pub(super) fn sort(self, book: &Book, places: &mut [usize], all: &[Ticket]) {
        if let Some(by) = self.by {
            let mut keyed: Vec<(Key, usize)> = places
                .iter()
                .map(|place| (by(book, &all[*place]), *place))
                .collect();
            keyed.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
            for (place, (_, sorted)) in places.iter_mut().zip(keyed) {
                *place = sorted;
            }
        }
        if self.is_descending {
            places.reverse();
        }
    }
}

fn text(text: impl AsRef<str>) -> Key {
    Key::Text(text.as_ref().to_lowercase())
}

fn flag(flag: bool) -> Key {
    Key::Number(i64::from(flag))
}

fn time(at: Option<jiff::Timestamp>) -> Key {
    Key::Number(at.map_or(i64::MIN, jiff::Timestamp::as_microsecond))
}

fn field(name: &str) -> Option<Option<By>> {
    let by: By = match name {
        "ticketcreateddate" | "ticketnumber" | "ticketnumbersort" => return Some(None),
        "ticketid" => |_, ticket| text(ticket.id.to_string()),
        "ticketmodifieddate" => |_, ticket| time(Some(ticket.modified)),
        "ticketcloseddate" => |_, ticket| time(ticket.closed.map(|(at, _)| at)),
        "ticketduedate" => |_, ticket| time(ticket.due),
        "ticketstarteddate" => |_, ticket| time(ticket.started),
        "ticketsubject" => |_, ticket| text(&ticket.subject),
        "ticketpriority" => |_, ticket| Key::Number(ticket.priority),
        "ticketisurgent" => |_, ticket| flag(ticket.is_urgent),
        "ticketstatusname" | "workflowstepname" => {
            |book, ticket| text(book.district.statuses[ticket.step].name)
        }
        "isclosed" => |_, ticket| flag(ticket.closed.is_some()),
        "issuecategoryid" => {
            |book, ticket| text(book.district.issues[ticket.issue].category.0.to_string())
        }
        "issuecategoryname" => |book, ticket| text(&book.district.issues[ticket.issue].category.1),
        "issuetypeid" => |book, ticket| text(book.district.issues[ticket.issue].kind.0.to_string()),
        "issuetypename" => |book, ticket| text(&book.district.issues[ticket.issue].kind.1),
        "locationname" => |book, ticket| text(&book.district.locations[ticket.location].name),
        "locationroomname" => |book, ticket| {
            text(
                ticket
                    .room
                    .map_or("", |room| book.district.rooms[room].name.as_str()),
            )
        },
        "assigneduserfirstname" => |book, ticket| {
            text(
                ticket
                    .assignee
                    .map_or("", |user| book.district.users[user].first.as_str()),
            )
        },
        "assignedteamname" => |book, ticket| {
            text(
                ticket
                    .team
                    .map_or("", |team| book.district.teams[team].name.as_str()),
            )
        },
        "forname" => |book, ticket| text(book.district.users[ticket.requestor].name()),
        "forfirstname" => |book, ticket| text(&book.district.users[ticket.requestor].first),
        "forlocationname" => |book, ticket| {
            let user = &book.district.users[ticket.requestor];
            text(&book.district.locations[user.location].name)
        },
        "ownerrole" => |book, ticket| {
            let role = crate::incidentiq::book::role(book.district.users[ticket.owner].role);
            text(role.1)
        },
        // The same for every ticket of the sandbox.
        "siteid" | "overallsurveyrating" => |_, _| Key::Number(0),
        _ => return None,
    };
    Some(Some(by))
}
