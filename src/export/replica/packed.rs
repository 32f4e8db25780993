//! Tickets as bytes: small, and quick to be read again.
//!
//! Three parts, so that who does not need comments, or what only one system knows, need not read them. What is JSON by
//! itself stays JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::systems::common::{
    Attachment, Clock, Comment, CommonTicket, CustomValue, Named, NotShown, Service,
};
use crate::systems::{Standing, SystemName};

/// What of a ticket is needed besides its own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// What was said on it.
    pub comments: bool,
    /// What the system did not show.
    pub not_shown: bool,
    /// What the system told beyond the common ticket: JSON, which takes longer to read than all else.
    pub other: bool,
}

impl Parts {
    /// Everything.
    pub const ALL: Self = Self {
        comments: true,
        not_shown: true,
        other: true,
    };

    /// What either needs.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            comments: self.comments || other.comments,
            not_shown: self.not_shown || other.not_shown,
            other: self.other || other.other,
        }
    }

    /// Whether what is stored last is needed.
    pub(super) fn rest(self) -> bool {
        self.not_shown || self.other
    }
}

/// A ticket as it is stored.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) head: Vec<u8>,
    pub(super) comments: Option<Vec<u8>>,
    pub(super) rest: Option<Vec<u8>>,
}

/// A moment as nanoseconds since 1970. One of before 2262 is stored as the 64 bits that earlier versions read.
type Nanos = Option<i128>;

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    number: Option<&'a str>,
    url: Option<&'a str>,
    title: Option<&'a str>,
    description: Option<&'a str>,
    standing: u8,
    #[serde(borrow)]
    named: [Option<Name<'a>>; 7],
    devices: Vec<Name<'a>>,
    tags: Vec<&'a str>,
    custom: Vec<Custom<'a>>,
    attachments: Vec<File<'a>>,
    service: Option<Promise<'a>>,
    times: [Nanos; 4],
}

#[derive(Serialize, Deserialize)]
struct Name<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    email: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Custom<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    #[serde(borrow)]
    value: Json<'a>,
}

/// A JSON value; nearly all are texts.
#[derive(Serialize, Deserialize)]
enum Json<'a> {
    Text(&'a str),
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct File<'a> {
    id: Option<&'a str>,
    name: &'a str,
    url: Option<&'a str>,
    bytes: Option<u64>,
    at: Nanos,
}

#[derive(Serialize, Deserialize)]
struct Promise<'a> {
    name: Option<&'a str>,
    response: Option<Limit>,
    resolution: Option<Limit>,
}

#[derive(Serialize, Deserialize)]
struct Limit {
    target: Option<f64>,
    minutes: Option<f64>,
    is_running: Option<bool>,
    is_breached: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    author: Option<Name<'a>>,
    at: Nanos,
    public: Option<bool>,
    text: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Rest<'a> {
    #[serde(borrow)]
    not_shown: Vec<(&'a str, &'a str)>,
    /// A JSON object.
    other: &'a str,
}

/// Packs a ticket.
pub(super) fn pack(ticket: &CommonTicket) -> Packed {
    let head = Head {
        number: ticket.number.as_deref(),
        url: ticket.url.as_deref(),
        title: ticket.title.as_deref(),
        description: ticket.description.as_deref(),
        standing: match ticket.standing {
            Standing::Open => 0,
            Standing::Closed => 1,
            Standing::Gone => 2,
        },
        named: [
            &ticket.state,
            &ticket.priority,
            &ticket.requester,
            &ticket.assignee,
            &ticket.team,
            &ticket.place,
            &ticket.category,
        ]
        .map(|named| named.as_ref().map(Name::of)),
        devices: ticket.devices.iter().map(Name::of).collect(),
        tags: ticket.tags.iter().map(String::as_str).collect(),
        custom: ticket.custom.iter().map(Custom::of).collect(),
        attachments: ticket.attachments.iter().map(File::of).collect(),
        service: ticket.service.as_ref().map(Promise::of),
        times: [ticket.created, ticket.updated, ticket.closed, ticket.due].map(nanos),
    };
    let said = ticket.comments.iter().map(|comment| Said {
        author: comment.author.as_ref().map(Name::of),
        at: nanos(comment.at),
        public: comment.public,
        text: &comment.text,
    });
    let said: Vec<_> = said.collect();
    let not_shown = ticket.not_shown.iter();
    let other = serde_json::to_string(&ticket.other).unwrap_or_default();
    let rest = Rest {
        not_shown: not_shown
            .map(|hidden| (hidden.field.as_ref(), hidden.why.as_str()))
            .collect(),
        other: &other,
    };
    let is_bare = rest.not_shown.is_empty() && ticket.other.is_empty();
    Packed {
        head: bytes(&head),
        comments: (!said.is_empty()).then(|| bytes(&said)),
        rest: (!is_bare).then(|| bytes(&rest)),
    }
}

/// Whether a ticket bears no word of title, description or comments. A person leaves a title; a system that erases texts
/// after a time does not.
pub(super) fn is_bare(ticket: &CommonTicket) -> bool {
    let is_empty =
        |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    is_empty(&ticket.title)
        && is_empty(&ticket.description)
        && (ticket.comments.iter()).all(|comment| comment.text.trim().is_empty())
}

/// A ticket without texts, with those that an older state of it had; `None` where that had none either.
pub(super) fn with_texts(new: &Packed, head: &[u8], comments: Option<Vec<u8>>) -> Option<Packed> {
    let old: Head<'_> = postcard::from_bytes(head).ok()?;
    let mut now: Head<'_> = postcard::from_bytes(&new.head).ok()?;
    if old.title.is_none() && old.description.is_none() && comments.is_none() {
        return None;
    }
    (now.title, now.description) = (old.title, old.description);
    Some(Packed {
        head: bytes(&now),
        comments: comments.or_else(|| new.comments.clone()),
        rest: new.rest.clone(),
    })
}

/// Packing into memory has nothing to fail on: every length is known before.
fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

/// How far a ticket is; `None` where it is damaged.
pub(super) fn standing(head: &[u8]) -> Option<Standing> {
    let head: Head<'_> = postcard::from_bytes(head).ok()?;
    Some(standing_of(head.standing))
}

fn standing_of(code: u8) -> Standing {
    match code {
        0 => Standing::Open,
        1 => Standing::Closed,
        _ => Standing::Gone,
    }
}

/// Unpacks a ticket; `None` where the bytes are none of ours.
pub(super) fn unpack(
    system: SystemName,
    id: &str,
    head: &[u8],
    comments: Option<&[u8]>,
    rest: Option<&[u8]>,
    parts: Parts,
) -> Option<CommonTicket> {
    let head: Head<'_> = postcard::from_bytes(head).ok()?;
    let said: Vec<Said<'_>> = match comments {
        Some(bytes) => postcard::from_bytes(bytes).ok()?,
        None => Vec::new(),
    };
    let rest: Option<Rest<'_>> = match rest {
        Some(bytes) => Some(postcard::from_bytes(bytes).ok()?),
        None => None,
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let [state, priority, requester, assignee, team, place, category] =
        head.named.map(|name| name.map(Name::named));
    let [created, updated, closed, due] = head.times.map(moment);
    let (not_shown, other) = match rest {
        Some(rest) => (
            rest.not_shown
                .into_iter()
                .map(|(field, why)| NotShown {
                    field: field.to_owned().into(),
                    why: why.to_owned(),
                })
                .collect(),
            match parts.other {
                true => serde_json::from_str(rest.other).ok()?,
                false => Map::new(),
            },
        ),
        None => (Vec::new(), Map::new()),
    };
    Some(CommonTicket {
        system,
        id: id.to_owned(),
        number: owned(head.number),
        url: owned(head.url),
        title: owned(head.title),
        description: owned(head.description),
        standing: standing_of(head.standing),
        state,
        priority,
        requester,
        assignee,
        team,
        place,
        category,
        devices: head.devices.into_iter().map(Name::named).collect(),
        tags: head.tags.into_iter().map(str::to_owned).collect(),
        custom: head
            .custom
            .into_iter()
            .map(Custom::value)
            .collect::<Option<_>>()?,
        comments: said.into_iter().map(Said::comment).collect(),
        attachments: head.attachments.into_iter().map(File::file).collect(),
        service: head.service.map(Promise::service),
        created,
        updated,
        closed,
        due,
        not_shown,
        other,
    })
}

fn nanos(at: Option<Timestamp>) -> Nanos {
    at.map(Timestamp::as_nanosecond)
}

fn moment(at: Nanos) -> Option<Timestamp> {
    at.and_then(|at| Timestamp::from_nanosecond(at).ok())
}

impl<'a> Name<'a> {
    fn of(named: &'a Named) -> Self {
        Self {
            id: named.id.as_deref(),
            name: named.name.as_deref(),
            email: named.email.as_deref(),
        }
    }

    fn named(self) -> Named {
        Named {
            id: self.id.map(str::to_owned),
            name: self.name.map(str::to_owned),
            email: self.email.map(str::to_owned),
        }
    }
}

impl<'a> Custom<'a> {
    fn of(custom: &'a CustomValue) -> Self {
        Self {
            id: custom.id.as_deref(),
            name: custom.name.as_deref(),
            value: match &custom.value {
                Value::String(text) => Json::Text(text),
                other => Json::Other(other.to_string()),
            },
        }
    }

    fn value(self) -> Option<CustomValue> {
        Some(CustomValue {
            id: self.id.map(str::to_owned),
            name: self.name.map(str::to_owned),
            value: match self.value {
                Json::Text(text) => Value::String(text.to_owned()),
                Json::Other(text) => serde_json::from_str(&text).ok()?,
            },
        })
    }
}

impl<'a> File<'a> {
    fn of(file: &'a Attachment) -> Self {
        Self {
            id: file.id.as_deref(),
            name: &file.name,
            url: file.url.as_deref(),
            bytes: file.bytes,
            at: nanos(file.at),
        }
    }

    fn file(self) -> Attachment {
        Attachment {
            id: self.id.map(str::to_owned),
            name: self.name.to_owned(),
            url: self.url.map(str::to_owned),
            bytes: self.bytes,
            at: moment(self.at),
        }
    }
}

impl<'a> Promise<'a> {
    fn of(service: &'a Service) -> Self {
        let limit = |clock: &Clock| Limit {
            target: clock.target,
            minutes: clock.minutes,
            is_running: clock.is_running,
            is_breached: clock.is_breached,
        };
        Self {
            name: service.name.as_deref(),
            response: service.response.as_ref().map(limit),
            resolution: service.resolution.as_ref().map(limit),
        }
    }

    fn service(self) -> Service {
        let clock = |limit: Limit| Clock {
            target: limit.target,
            minutes: limit.minutes,
            is_running: limit.is_running,
            is_breached: limit.is_breached,
        };
        Service {
            name: self.name.map(str::to_owned),
            response: self.response.map(clock),
            resolution: self.resolution.map(clock),
        }
    }
}

impl Said<'_> {
    fn comment(self) -> Comment {
        Comment {
            author: self.author.map(Name::named),
            at: moment(self.at),
            public: self.public,
            text: self.text.to_owned(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A ticket with something in every field.
    pub(in crate::export) fn whole() -> CommonTicket {
        serde_json::from_value(json!({
            "system": "incidentiq", "id": "t-1", "number": "007", "url": "https://x/7", "title": "Beamer", "description": "It\nflackert",
            "standing": "closed", "state": {"id": "s", "name": "Closed"}, "priority": {"id": "100", "name": "High"},
            "requester": {"id": "u-1", "name": "Ann", "email": "ann@x.example"}, "assignee": {"id": "u-2", "name": null},
            "team": {"id": "m", "name": "Desk"}, "place": {"id": "l", "name": "LHS"}, "category": {"id": "i", "name": "A / B"},
            "devices": [{"id": "d", "name": "000123"}], "tags": ["av", "room 12"],
            "custom": [{"id": "c", "name": null, "value": "x"}, {"id": null, "name": "Seats", "value": 4}],
            "comments": [{"author": {"id": "u-2", "name": "Bo"}, "at": "2024-06-21T12:00:00.1234567Z", "public": false, "text": "hm"}],
            "attachments": [{"id": "a", "name": "x.png", "url": null, "bytes": 12, "at": null}],
            "service": {"name": "Gold", "response": {"target": 60.0, "minutes": 12.5, "is_running": false, "is_breached": false}, "resolution": null},
            "created": "2024-06-21T11:00:00.1234567Z", "updated": "2024-06-22T11:00:00Z", "closed": "2024-06-22T11:00:00Z", "due": null,
            "not_shown": [{"field": "due", "why": "nobody knows"}], "other": {"IsUrgent": true, "Room": {"Name": "12"}},
        }))
        .unwrap()
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let ticket = whole();
        let packed = pack(&ticket);
        let unpacked = |comments, rest| {
            let parts = Parts::ALL;
            unpack(
                SystemName::IncidentIq,
                "t-1",
                &packed.head,
                comments,
                rest,
                parts,
            )
            .unwrap()
        };
        let all = unpacked(packed.comments.as_deref(), packed.rest.as_deref());
        assert_eq!(all, ticket);
        let bare = unpacked(None, None);
        assert_eq!(bare.title, ticket.title);
        assert!(bare.comments.is_empty() && bare.other.is_empty());
        let bad = unpack(
            SystemName::IncidentIq,
            "t-1",
            b"\xff\xff",
            None,
            None,
            Parts::ALL,
        );
        assert!(bad.is_none());
    }
}
