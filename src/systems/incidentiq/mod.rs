//! IncidentIQ (contract incidentiq).

/// Its schema.
pub fn schema() -> Box<dyn super::Schema> {
    unimplemented!()
}
