//! ClearFeed (contract clearfeed), in both its dialects.

mod dialect;
mod fields;
mod schema;

use super::{Dialect, Schema};

/// Its schema in one dialect.
pub fn schema(dialect: Dialect) -> Box<dyn Schema> {
    Box::new(schema::ClearFeedSchema::new(dialect))
}
