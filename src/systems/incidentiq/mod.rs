//! IncidentIQ (contract incidentiq).

mod fields;
mod schema;

use std::collections::BTreeMap;

use super::Schema;

/// Its schema, for a tenant that names no product of its own.
pub fn schema() -> Box<dyn Schema> {
    schema_with(&BTreeMap::new())
}

/// Its schema with what every create of a tenant carries (`ProductId`, `SiteId`: a snapshot's `constants`).
pub fn schema_with(constants: &BTreeMap<String, String>) -> Box<dyn Schema> {
    Box::new(schema::IncidentIqSchema::new(constants))
}
