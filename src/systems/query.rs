//! What tickets are looked for, in the words of the common ticket.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::common::{CommonTicket, CustomValue, Named};
use super::{Gap, Standing};
use crate::directory::CustomType;
use crate::directory::suggest::fold;

/// What tickets are looked for, in the words of the common ticket. Everything that is said must hold. A [`Named`] without
/// id, name and address, and an empty text, stand for tickets that have none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// How far they are: any of these.
    pub states: Vec<StateFilter>,
    /// Who works on them: any of these.
    pub assignee: Vec<Named>,
    /// The team that works on them: any of these.
    pub team: Vec<Named>,
    /// Who needs help: any of these.
    pub requester: Vec<Named>,
    /// Where they are: any of these.
    pub place: Vec<Named>,
    /// What they are filed under: any of these.
    pub category: Vec<Named>,
    /// How much they hurry: any of these, by name or by the system's own value.
    pub priority: Vec<Named>,
    /// Tags: one of each of these lists.
    pub tags: Vec<Vec<String>>,
    /// Devices that they are about, by their tags: one of each of these lists.
    pub devices: Vec<Vec<String>>,
    /// When they were made.
    pub created: Span,
    /// When they were changed last.
    pub updated: Span,
    /// When they were closed.
    pub closed: Span,
    /// Custom fields and what they hold: each of them.
    pub custom: Vec<CustomFilter>,
    /// Words, each of which stands somewhere in what the system shows of the ticket.
    pub words: Vec<String>,
}

/// What a custom field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomFilter {
    /// The field's id.
    pub id: String,
    /// The field's name.
    pub name: String,
    /// What kind of values it holds, by which they are compared.
    pub kind: CustomType,
    /// Any of these, as text or as the id of an option; an empty text: nothing.
    pub values: Vec<String>,
}

impl CustomFilter {
    fn holds(&self, ticket: &CommonTicket) -> bool {
        let is_field = |value: &&CustomValue| match &value.id {
            Some(id) => id.eq_ignore_ascii_case(&self.id),
            None => value.name.as_deref() == Some(self.name.as_str()),
        };
        let mut found = Vec::new();
        for value in ticket.custom.iter().filter(is_field) {
            texts(&value.value, &mut found);
        }
        self.values.iter().any(|wanted| match wanted.is_empty() {
            true => found.is_empty(),
            false => found
                .iter()
                .any(|found| same_value(self.kind, wanted, found)),
        })
    }
}

/// Whether both texts are the same value of that kind: `4` is `4.0`, a date is itself with a time of day, `yes` is `true`.
fn same_value(kind: CustomType, one: &str, other: &str) -> bool {
    let alike = match kind {
        CustomType::Number => both(one, other, |text| text.trim().parse::<f64>().ok()),
        CustomType::Bool => both(one, other, truth),
        CustomType::Date => both(one, other, date),
        CustomType::DateTime => both(one, other, |text| text.trim().parse::<Timestamp>().ok())
            .or_else(|| both(one, other, date)),
        _ => None,
    };
    alike.unwrap_or_else(|| fold(one) == fold(other))
}

/// Whether both are read as the same; `None` where one is not read.
fn both<T: PartialEq>(one: &str, other: &str, read: impl Fn(&str) -> Option<T>) -> Option<bool> {
    Some(read(one)? == read(other)?)
}

/// A day as filters write it, or as IncidentIQ's pages do: the month first.
fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    let plain = text.parse().ok();
    plain.or_else(|| Date::strptime("%m/%d/%Y", text).ok())
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The texts of a value, one by one.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        // IncidentIQ writes what was picked as the text of JSON: ids, or objects with `Id` and `Name`.
        Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
            match serde_json::from_str(text) {
                Ok(picked @ (Value::Array(_) | Value::Object(_))) => texts(&picked, found),
                _ => found.push(text.clone()),
            }
        }
        Value::Object(members) => {
            let is_picked = |name: &str| {
                ["Id", "Name"]
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(name))
            };
            let picked = members.iter().filter(|(name, _)| is_picked(name));
            picked.for_each(|(_, value)| texts(value, found));
        }
        Value::String(text) if text.trim().is_empty() => {}
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Bool(is_on) => found.push(is_on.to_string()),
        Value::Null => {}
    }
}

/// Whether each list has one of the texts, however it is written; an empty wish is that there is none.
fn has_each<'t>(lists: &[Vec<String>], found: impl Iterator<Item = &'t str>) -> bool {
    if lists.is_empty() {
        return true;
    }
    let found: Vec<String> = found.map(fold).collect();
    lists.iter().all(|list| {
        list.iter().any(|wanted| match wanted.is_empty() {
            true => found.is_empty(),
            false => found.contains(&fold(wanted)),
        })
    })
}

/// A state to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateFilter {
    /// Every state in which a ticket stands so.
    Standing(Standing),
    /// The state of that name or id.
    Named(Named),
}

/// A span of time: from its beginning to just before its end; an open side has no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Span {
    /// Whether no side has a bound.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }

    /// Whether a moment is in it; one that is not known is in the span without bounds only.
    pub fn holds(&self, at: Option<Timestamp>) -> bool {
        match at {
            None => self.is_open(),
            Some(at) => {
                self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
            }
        }
    }
}

impl StateFilter {
    fn holds(&self, ticket: &CommonTicket) -> bool {
        match self {
            Self::Standing(standing) => ticket.standing == *standing,
            // A deleted ticket keeps its status, and is no ticket of that status any more.
            Self::Named(named) => {
                ticket.standing != Standing::Gone
                    && ticket
                        .state
                        .as_ref()
                        .is_some_and(|state| same_name(state, named) || state.is(named))
            }
        }
    }
}

/// Whether both bear one name, however it is written.
fn same_name(one: &Named, other: &Named) -> bool {
    match (&one.name, &other.name) {
        (Some(one), Some(other)) => plain(one) == plain(other),
        _ => false,
    }
}

/// A state's name without what people write one way or the other.
fn plain(name: &str) -> String {
    fold(&name.replace(['_', '-'], " "))
}

impl Query {
    /// The word that a system's own search is asked for. One is enough, since every hit is judged again, and what a system
    /// takes several words for is not told: both, either, or one behind the other.
    pub(super) fn word(&self) -> Option<&str> {
        let longest = self.words.iter().max_by_key(|word| word.chars().count());
        longest.map(String::as_str)
    }

    /// Whether work on a ticket can move it in or out: all that is said but when it was made.
    pub fn is_mutable(&self) -> bool {
        let bare = Self {
            created: self.created,
            ..Self::default()
        };
        *self != bare
    }

    /// Whether nothing but the time of its creation decides if a ticket is asked for, unless it is deleted.
    pub fn goes_by_creation(&self) -> bool {
        let is_standing = |standing| self.states.contains(&StateFilter::Standing(standing));
        let asks_for_all = [Standing::Open, Standing::Closed]
            .into_iter()
            .all(is_standing);
        let states = match asks_for_all {
            true => Vec::new(),
            false => self.states.clone(),
        };
        let bare = Self {
            created: self.created,
            ..Self::default()
        };
        Self {
            states,
            ..self.clone()
        } == bare
    }

    /// Whether deleted tickets are asked for.
    pub fn wants_deleted(&self) -> bool {
        self.states.contains(&StateFilter::Standing(Standing::Gone))
    }

    /// Whether a ticket is what is looked for, whatever the system thinks of its own filters: a real tenant ignores a
    /// filter that it does not know, and answers with everything. `shown` is all that was shown of the ticket.
    pub fn holds(&self, ticket: &CommonTicket, shown: &Value) -> bool {
        let is = |wanted: &[Named], found: &Option<Named>| {
            let fits = |one: &Named| match found {
                Some(found) => found.is(one),
                None => *one == Named::default(),
            };
            wanted.is_empty() || wanted.iter().any(fits)
        };
        let hurries = |wanted: &Named| match &ticket.priority {
            Some(found) => same_name(found, wanted) || found.is(wanted),
            None => *wanted == Named::default(),
        };
        let tags = ticket.tags.iter().map(String::as_str);
        let devices = ticket.devices.iter().map(Named::label);
        let stands = match self.states.as_slice() {
            [] => ticket.standing != Standing::Gone,
            states => states.iter().any(|state| state.holds(ticket)),
        };
        stands
            && is(&self.assignee, &ticket.assignee)
            && is(&self.team, &ticket.team)
            && is(&self.requester, &ticket.requester)
            && is(&self.place, &ticket.place)
            && is(&self.category, &ticket.category)
            && (self.priority.is_empty() || self.priority.iter().any(hurries))
            && has_each(&self.tags, tags)
            && has_each(&self.devices, devices)
            && self.custom.iter().all(|custom| custom.holds(ticket))
            && self.created.holds(ticket.created)
            && self.updated.holds(ticket.updated)
            && self.closed.holds(ticket.still_closed())
            && self.words.iter().all(|word| has_word(shown, &fold(word)))
    }
}

/// Whether a text of a value has that word in it.
fn has_word(shown: &Value, word: &str) -> bool {
    match shown {
        Value::String(text) => fold(text).contains(word),
        Value::Array(items) => items.iter().any(|item| has_word(item, word)),
        Value::Object(members) => members.values().any(|item| has_word(item, word)),
        Value::Number(number) => number.to_string() == word,
        Value::Bool(_) | Value::Null => false,
    }
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchEnd {
    /// How many tickets the system showed: many more than were found means that it ignores filters.
    pub looked_at: u64,
    /// Whether everything that can match was seen; `false` also when the caller had enough.
    pub whole: bool,
    /// Why it is not proven that everything was seen, where the system is the reason.
    pub gap: Option<Gap>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::systems::SystemName;

    fn ticket() -> CommonTicket {
        CommonTicket {
            state: Some(Named {
                id: Some("STEP-1".to_owned()),
                name: Some("In Progress".to_owned()),
                email: None,
            }),
            assignee: Some(Named::id("u-1")),
            created: Some("2024-06-21T13:00:00Z".parse().unwrap()),
            ..CommonTicket::new(SystemName::IncidentIq, "t-1".to_owned())
        }
    }

    fn named(name: &str) -> StateFilter {
        StateFilter::Named(Named {
            name: Some(name.to_owned()),
            ..Named::default()
        })
    }

    #[test]
    fn what_the_system_lets_through_is_judged_again() {
        let shown = json!({"Subject": "Beamer flackert", "For": {"Name": "Ann Lee"}});
        let holds = |query: &Query| query.holds(&ticket(), &shown);
        assert!(holds(&Query::default()));
        for (state, expected) in [("in_progress", true), ("in progress", true), ("new", false)] {
            let query = Query {
                states: vec![named(state)],
                ..Query::default()
            };
            assert_eq!(holds(&query), expected, "{state}");
        }
        let of = |id: &str| Query {
            assignee: vec![Named::id(id)],
            ..Query::default()
        };
        assert!(holds(&of("U-1")));
        assert!(!holds(&of("u-2")));
        let words = |words: &[&str]| Query {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Query::default()
        };
        assert!(holds(&words(&["BEAMER", "lee"])));
        assert!(!holds(&words(&["beamer", "printer"])));
        let team = Query {
            team: vec![Named::id("u-1")],
            ..Query::default()
        };
        assert!(!holds(&team), "who has no team is in none");
    }

    #[test]
    fn who_was_reopened_is_not_closed_in_a_period() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let query = Query {
            closed: Span {
                from: at("2024-06-21T00:00:00Z"),
                until: at("2024-06-22T00:00:00Z"),
            },
            states: Standing::ALL.map(StateFilter::Standing).to_vec(),
            ..Query::default()
        };
        for standing in Standing::ALL {
            // A system may still tell when it was closed before.
            let ticket = CommonTicket {
                standing,
                closed: at("2024-06-21T09:00:00Z"),
                ..ticket()
            };
            let is_closed = standing == Standing::Closed;
            assert_eq!(query.holds(&ticket, &json!({})), is_closed, "{standing:?}");
        }
    }

    #[test]
    fn a_span_ends_before_its_end() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let span = Span {
            from: at("2024-06-21T00:00:00Z"),
            until: at("2024-06-22T00:00:00Z"),
        };
        assert!(span.holds(at("2024-06-21T00:00:00Z")));
        assert!(!span.holds(at("2024-06-22T00:00:00Z")));
        assert!(!span.holds(None));
        assert!(Span::default().holds(None));
    }

    #[test]
    fn what_is_empty_and_what_a_custom_field_holds_can_be_asked_for() {
        let shown = Value::Null;
        let with = |value: Value| CommonTicket {
            custom: vec![CustomValue {
                id: Some("F-1".to_owned()),
                name: None,
                value,
            }],
            ..ticket()
        };
        let custom = |values: &[&str]| Query {
            custom: vec![CustomFilter {
                id: "f-1".to_owned(),
                name: "Asset Tag".to_owned(),
                kind: CustomType::Text,
                values: values.iter().map(|one| (*one).to_owned()).collect(),
            }],
            ..Query::default()
        };
        for (value, wanted, holds) in [
            (json!("A 17"), "a 17", true),
            (json!("A 17"), "17", false),
            (json!(17), "17", true),
            (json!("[\"x\",\"y\"]"), "y", true),
            (
                json!("{\"Id\":\"u-7\",\"Name\":\"Ann Lee\"}"),
                "ann lee",
                true,
            ),
            (
                json!("[{\"Id\":\"u-7\",\"Name\":\"Ann Lee\"}]"),
                "u-7",
                true,
            ),
            (json!("{no JSON"), "{no JSON", true),
            (json!("  "), "", true),
            (json!("x"), "", false),
        ] {
            let is_held = custom(&[wanted]).holds(&with(value.clone()), &shown);
            assert_eq!(is_held, holds, "{value} {wanted}");
        }
        assert!(custom(&[""]).holds(&ticket(), &shown));
        assert!(custom(&["", "x"]).holds(&with(json!("x")), &shown));
        let nobody = Query {
            assignee: vec![Named::default()],
            ..Query::default()
        };
        assert!(!nobody.holds(&ticket(), &shown));
        let untouched = CommonTicket {
            assignee: None,
            ..ticket()
        };
        assert!(nobody.holds(&untouched, &shown));
    }

    #[test]
    fn values_of_custom_fields_are_compared_by_their_kind() {
        for (kind, one, other, is_same) in [
            (CustomType::Number, "4", "4.0", true),
            (CustomType::Number, "4", " 4.00 ", true),
            (CustomType::Number, "4", "40", false),
            (CustomType::Number, "n/a", "N/A", true),
            (CustomType::Text, "4", "4.0", false),
            (CustomType::Date, "2024-06-21", "2024-06-21T00:00:00", true),
            (CustomType::Date, "2024-06-21", "2024-06-22", false),
            (CustomType::Date, "2025-03-04", "03/04/2025", true),
            (CustomType::Date, "2025-03-04", "04/03/2025", false),
            (
                CustomType::DateTime,
                "2024-06-21T12:00:00Z",
                "2024-06-21T14:00:00+02:00",
                true,
            ),
            (CustomType::Bool, "yes", "true", true),
            (CustomType::Bool, "No", "false", true),
            (CustomType::Bool, "no", "true", false),
        ] {
            assert_eq!(same_value(kind, one, other), is_same, "{one} {other}");
        }
    }

    #[test]
    fn each_filter_of_tags_holds() {
        let tagged = CommonTicket {
            tags: vec!["Urgent".to_owned(), "vip".to_owned()],
            ..ticket()
        };
        let tags = |lists: &[&[&str]]| Query {
            tags: lists
                .iter()
                .map(|list| list.iter().map(|tag| (*tag).to_owned()).collect())
                .collect(),
            ..Query::default()
        };
        let holds = |lists: &[&[&str]]| tags(lists).holds(&tagged, &Value::Null);
        assert!(holds(&[&["urgent", "x"]]));
        assert!(holds(&[&["urgent"], &["VIP"]]));
        assert!(!holds(&[&["urgent"], &["x"]]), "all filters hold");
        assert!(!holds(&[&[""]]) && tags(&[&[""]]).holds(&ticket(), &Value::Null));
    }

    #[test]
    fn a_deleted_ticket_has_no_status() {
        let gone = CommonTicket {
            standing: Standing::Gone,
            ..ticket()
        };
        let of = |states: &[StateFilter]| Query {
            states: states.to_vec(),
            ..Query::default()
        };
        let deleted = StateFilter::Standing(Standing::Gone);
        assert!(!of(&[named("in progress")]).holds(&gone, &Value::Null));
        assert!(of(&[named("in progress"), deleted]).holds(&gone, &Value::Null));
    }

    #[test]
    fn a_deleted_ticket_is_found_by_who_asks_for_it() {
        let gone = CommonTicket {
            standing: Standing::Gone,
            ..ticket()
        };
        assert!(!Query::default().holds(&gone, &Value::Null));
        let deleted = Query {
            states: vec![StateFilter::Standing(Standing::Gone)],
            ..Query::default()
        };
        assert!(deleted.holds(&gone, &Value::Null) && deleted.wants_deleted());
    }
}
