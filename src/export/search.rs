//! Words that are looked for in tickets: in what the columns show where nobody says which, names of options and paths of
//! categories too, and in nothing else. So they find the same tickets however these were read.

use jiff::tz::TimeZone;

use super::columns::{Cell, Plan};
use super::replica::Parts;
use crate::directory::Directory;
use crate::directory::suggest::fold;
use crate::error::Result;
use crate::record::Cell as Plain;
use crate::systems::SystemName;
use crate::systems::common::CommonTicket;

/// Words, each of which must stand somewhere in a ticket.
#[derive(Debug)]
pub struct Words {
    plan: Plan,
    words: Vec<String>,
}

impl Words {
    /// The words of a text; none where it has none.
    pub fn of(
        text: &str,
        system: SystemName,
        directory: &Directory,
        zone: &TimeZone,
    ) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(fold).collect();
        let custom = &directory.snapshot().custom_fields;
        (!words.is_empty()).then(|| Self {
            plan: Plan::by_default(system, custom, zone),
            words,
        })
    }

    /// What of a ticket must be read to look for them.
    pub fn parts(&self) -> Parts {
        self.plan.parts(false)
    }

    /// Whether all of them stand in a ticket that has its names.
    ///
    /// # Errors
    /// Never: the columns have no templates.
    pub fn are_in(&mut self, ticket: &CommonTicket) -> Result<bool> {
        let mut cells = Vec::new();
        self.plan.cells(ticket, &mut cells)?;
        let mut texts = Vec::with_capacity(cells.len());
        for (at, cell) in cells.iter().enumerate() {
            match cell {
                Cell::Text(text) | Cell::Link { text, .. } => texts.push(fold(text)),
                Cell::Number(number) => texts.push(fold(&Plain::Number(*number).text())),
                Cell::Formatted(shown) => texts.push(fold(&shown.text)),
                Cell::Time(at_time) => {
                    let mut text = String::new();
                    self.plan.time_text(Some(at), *at_time, &mut text);
                    texts.push(fold(&text));
                }
                Cell::Empty | Cell::Truth(_) => {}
            }
        }
        let stands = |word: &String| texts.iter().any(|text| text.contains(word.as_str()));
        Ok(self.words.iter().all(stands))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::{Choice, CustomField, CustomType, Entry, Kind, Listing, Snapshot};
    use crate::systems::Dialect;
    use crate::systems::common::{CustomValue, Named};

    #[test]
    fn words_are_looked_for_in_what_the_columns_show() {
        let mut snapshot = Snapshot::empty(SystemName::IncidentIq, Dialect::Only);
        snapshot.custom_fields.push(CustomField {
            id: "f-1".to_owned(),
            name: "Plan".to_owned(),
            kind: CustomType::Select,
            options: vec![Choice {
                id: "o-1".to_owned(),
                value: "Fee waived".to_owned(),
            }],
            max_length: None,
            required: false,
        });
        snapshot.kinds.insert(
            Kind::Issue,
            Listing {
                entries: vec![Entry {
                    id: "i-1".to_owned(),
                    name: "Flickers".to_owned(),
                    properties: [("path".to_owned(), "Room › Projector › Flickers".to_owned())]
                        .into(),
                    parent: None,
                }],
                ..Listing::default()
            },
        );
        let directory = Directory::new(snapshot);
        let mut ticket = CommonTicket {
            title: Some("Beamer".to_owned()),
            url: Some("https://feedback.example/1".to_owned()),
            category: Some(Named::id("i-1")),
            custom: vec![CustomValue {
                id: Some("f-1".to_owned()),
                name: None,
                value: json!("o-1"),
            }],
            ..CommonTicket::new(SystemName::IncidentIq, "t-1".to_owned())
        };
        ticket.refresh_names(&directory);
        let finds = |text: &str| {
            let words = Words::of(text, SystemName::IncidentIq, &directory, &TimeZone::UTC);
            words.unwrap().are_in(&ticket).unwrap()
        };
        for (text, expected) in [
            ("beamer", true),
            ("FEE", true),
            ("projector waived", true),
            // The address of its page, and the name of the system, are in no column.
            ("feedback", false),
            ("incidentiq", false),
            ("beamer printer", false),
        ] {
            assert_eq!(finds(text), expected, "{text}");
        }
        assert!(Words::of("  ", SystemName::IncidentIq, &directory, &TimeZone::UTC).is_none());
    }
}
