//! What of the tickets of a source has no field of its own in the target.

use std::collections::BTreeMap;

use crate::systems::Schema;
use crate::systems::common::CommonTicket;
use crate::systems::fields::{Setting, called};

/// Something that a ticket may have, in people's words.
type Part = (&'static str, &'static [&'static str]);

/// What is looked for, with what fields of that meaning are called.
const PARTS: [Part; 9] = [
    ("times of creation", called::CREATED),
    ("times of closing", called::CLOSED),
    ("locations", called::LOCATION),
    ("devices", called::ASSET),
    ("due dates", called::DUE),
    ("teams", called::TEAM),
    ("tags", called::TAGS),
    ("numbers", called::NUMBER),
    ("files", &[]),
];

/// How many tickets have each part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts(BTreeMap<&'static str, u64>);

impl Parts {
    /// Counts the parts of a ticket.
    pub fn count(&mut self, ticket: &CommonTicket) {
        let has = [
            ticket.created.is_some(),
            ticket.closed.is_some(),
            ticket.place.is_some(),
            !ticket.devices.is_empty(),
            ticket.due.is_some(),
            ticket.team.is_some(),
            !ticket.tags.is_empty(),
            ticket.number.is_some(),
            !ticket.attachments.is_empty(),
        ];
        for ((what, _), _) in PARTS.iter().zip(has).filter(|(_, has)| *has) {
            *self.0.entry(what).or_default() += 1;
        }
    }

    /// The parts for which the target has no field that a create or a further call sets, with how many tickets have them.
    pub fn not_held(&self, target: &dyn Schema) -> Vec<(&'static str, u64)> {
        let fields = &target.create().fields;
        let is_held = |names: &[&str]| {
            let mut of = fields.iter().filter(|field| field.called == names);
            of.any(|field| !matches!(field.setting, Setting::Never(_)))
        };
        let not_held = PARTS.iter().filter(|(_, names)| !is_held(names));
        not_held
            .filter_map(|(what, _)| Some((*what, *self.0.get(what)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Snapshot;
    use crate::systems::common::Named;
    use crate::systems::{Dialect, SystemName, schema_for};

    #[test]
    fn what_a_target_has_no_field_for_is_counted() {
        let ticket = CommonTicket {
            number: Some("7".to_owned()),
            created: "2024-06-21T14:05:09Z".parse().ok(),
            place: Some(Named::id("LHS")),
            due: "2024-07-01T00:00:00Z".parse().ok(),
            ..CommonTicket::new(SystemName::IncidentIq, "t1".to_owned())
        };
        let mut parts = Parts::default();
        parts.count(&ticket);
        parts.count(&CommonTicket {
            due: None,
            ..ticket
        });
        let clearfeed = schema_for(&Snapshot::empty(SystemName::ClearFeed, Dialect::V1)).unwrap();
        assert_eq!(
            parts.not_held(clearfeed.as_ref()),
            [
                ("times of creation", 2),
                ("locations", 2),
                ("due dates", 1),
                ("numbers", 2)
            ]
        );
        let incidentiq =
            schema_for(&Snapshot::empty(SystemName::IncidentIq, Dialect::Only)).unwrap();
        assert_eq!(
            parts.not_held(incidentiq.as_ref()),
            [("times of creation", 2), ("numbers", 2)]
        );
    }
}
