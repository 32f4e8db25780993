//! IncidentIQ's envelopes and the conventions of its values (contract incidentiq §2, §3, §5).

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::systems::http::refusal::member;

/// What a listing answered.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// `Paging.TotalRows`.
    pub(super) total: Option<u64>,
    /// `Paging.PageSize`.
    pub(super) size: Option<u64>,
    /// `Paging.PageIndex`.
    pub(super) index: Option<u64>,
}

impl Page {
    /// Takes `Items`, an array in `Item`, or a bare array. A site may leave out what is null (§2): a list that counts no rows
    /// needs none.
    ///
    /// # Errors
    /// What the answer lacks to be a list.
    pub(super) fn of(mut body: Value) -> Result<Self, String> {
        let number = |names: &[&str]| {
            member(&body, &["Paging"])
                .and_then(|paging| member(paging, names))
                .and_then(Value::as_u64)
        };
        let (total, size, index) = (
            number(&["TotalRows", "Total", "TotalCount"]),
            number(&["PageSize"]),
            number(&["PageIndex"]),
        );
        let items = match &mut body {
            Value::Array(items) => Some(std::mem::take(items)),
            Value::Object(members) => {
                ["Items", "Item"]
                    .iter()
                    .find_map(|name| match members.get_mut(*name) {
                        Some(Value::Array(items)) => Some(std::mem::take(items)),
                        _ => None,
                    })
            }
            _ => None,
        };
        let items = items
            .or_else(|| (total == Some(0)).then(Vec::new))
            .ok_or("it has no list `Items`")?;
        Ok(Self {
            items,
            total,
            size,
            index,
        })
    }

    /// The same of a list that must count its rows: where it ends is known by nothing else.
    ///
    /// # Errors
    /// What the answer lacks to be such a list.
    pub(super) fn counted(body: Value) -> Result<Self, String> {
        let page = Self::of(body)?;
        match page.total {
            Some(_) => Ok(page),
            None => Err("it has no `Paging.TotalRows`, which counts the rows".to_owned()),
        }
    }
}

/// A text that is there and not empty.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    let text = match member(value, &[name])? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The one spelling of an id: a GUID in lower case with its hyphens, whether it came in capitals, in braces or without
/// hyphens.
pub(super) fn canonical(id: &str) -> String {
    let id = id.trim();
    match Uuid::try_parse(id) {
        Ok(guid) => guid.to_string(),
        Err(_) => id.to_ascii_lowercase(),
    }
}

/// Whether two spellings name one thing.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// An id that is one: in its one spelling, and not the zero id that stands for none (§5).
pub(super) fn id(value: &Value, name: &str) -> Option<String> {
    text(value, name)
        .map(|id| canonical(&id))
        .filter(|id| !id.chars().all(|c| c == '0' || c == '-'))
}

/// A moment; without an offset it is the site's local time (§5), year 1 stands for none (§2).
pub(super) fn moment(value: &Value, name: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
    let text = text(value, name)?;
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let local = local(&text)?;
    zone?.to_timestamp(local).ok()
}

/// A time as it is written, whatever its zone: good for telling an order.
pub(super) fn local(text: &str) -> Option<DateTime> {
    let local: DateTime = text.parse().ok()?;
    (local.year() > 1).then_some(local)
}

/// The zone of a site: its Windows name, else its offset at this time (§5).
pub(super) fn zone(site: &Value) -> Option<TimeZone> {
    let named = ["TimeZone", "TimeZoneId"]
        .iter()
        .find_map(|name| text(site, name))
        .and_then(|name| {
            let iana = WINDOWS_ZONES
                .iter()
                .find(|(windows, _)| windows.eq_ignore_ascii_case(&name))
                .map_or(name.as_str(), |(_, iana)| *iana);
            TimeZone::get(iana).ok()
        });
    named.or_else(|| {
        let minutes = member(site, &["OffsetInMinutesFromUtc"])?.as_i64()?;
        // 240 is Eastern in summer: the offset counts westwards.
        let west =
            SignedDuration::try_from(Duration::from_secs(minutes.unsigned_abs() * 60)).ok()?;
        let seconds = i32::try_from(west.as_secs()).ok()? * if minutes > 0 { -1 } else { 1 };
        jiff::tz::Offset::from_seconds(seconds)
            .ok()
            .map(TimeZone::fixed)
    })
}

/// Windows names of the zones in which there are IncidentIQ sites.
const WINDOWS_ZONES: [(&str, &str); 20] = [
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indiana/Indianapolis"),
    ("Central Standard Time", "America/Chicago"),
    ("Mountain Standard Time", "America/Denver"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Aleutian Standard Time", "America/Adak"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("SA Western Standard Time", "America/Puerto_Rico"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Canada Central Standard Time", "America/Regina"),
    ("West Pacific Standard Time", "Pacific/Guam"),
    ("UTC", "UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Romance Standard Time", "Europe/Paris"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shells_are_nothing() {
        let shell = json!({
            "TeamId": "00000000-0000-0000-0000-000000000000",
            "ClosedDate": "0001-01-01T00:00:00",
            "Name": " ",
            "UserId": "ABCDEF00-0000-0000-0000-000000000001",
        });
        assert_eq!(id(&shell, "TeamId"), None);
        assert_eq!(moment(&shell, "ClosedDate", Some(&TimeZone::UTC)), None);
        assert_eq!(text(&shell, "Name"), None);
        assert_eq!(
            id(&shell, "UserId").unwrap(),
            "abcdef00-0000-0000-0000-000000000001"
        );
    }

    #[test]
    fn an_id_has_one_spelling() {
        let same = "abcdef00-0000-0000-0000-000000000001";
        for id in [
            "ABCDEF00-0000-0000-0000-000000000001",
            "{abcdef00-0000-0000-0000-000000000001}",
            "abcdef00000000000000000000000001",
        ] {
            assert_eq!(canonical(id), same);
            assert!(is_same(id, same));
        }
        assert_eq!(canonical("Bell"), "bell");
    }

    #[test]
    fn times_without_an_offset_are_the_sites() {
        let site = json!({"TimeZone": "Eastern Standard Time"});
        let zone = zone(&site).unwrap();
        let ticket = json!({"A": "2025-09-12T08:30:00.1234567", "B": "2025-09-12T08:30:00Z"});
        let moment = |name| moment(&ticket, name, Some(&zone)).unwrap().to_string();
        assert_eq!(moment("A"), "2025-09-12T12:30:00.1234567Z");
        assert_eq!(moment("B"), "2025-09-12T08:30:00Z");
        let offset = super::zone(&json!({"OffsetInMinutesFromUtc": 240})).unwrap();
        assert_eq!(
            offset
                .to_timestamp(local("2025-09-12T08:30:00").unwrap())
                .unwrap()
                .to_string(),
            "2025-09-12T12:30:00Z"
        );
    }

    #[test]
    fn pages_come_in_three_forms() {
        let body =
            json!({"Items": [1, 2], "Paging": {"TotalRows": 5, "PageSize": 2, "PageIndex": 0}});
        let page = Page::of(body).unwrap();
        assert_eq!(
            (page.items.len(), page.total, page.size),
            (2, Some(5), Some(2))
        );
        assert_eq!(Page::of(json!({"Item": [1]})).unwrap().items.len(), 1);
        assert_eq!(Page::of(json!([1, 2, 3])).unwrap().items.len(), 3);
    }

    #[test]
    fn what_lists_nothing_is_no_page() {
        for body in [
            json!({}),
            json!(null),
            json!({"Data": [], "Pagination": {"TotalRows": 0}}),
            json!({"Message": "An error has occurred."}),
            json!({"Paging": {"TotalRows": 5}}),
        ] {
            assert!(Page::of(body.clone()).is_err(), "{body}");
        }
        // An older site leaves out what is null.
        let none = json!({"Paging": {"TotalRows": 0}});
        assert_eq!(Page::counted(none).unwrap().items.len(), 0);
        let uncounted = json!({"Items": []});
        assert!(Page::of(uncounted.clone()).is_ok());
        assert!(Page::counted(uncounted).is_err());
    }
}
