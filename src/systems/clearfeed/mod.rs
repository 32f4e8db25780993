//! ClearFeed (contract clearfeed).

/// Its schema in one dialect.
pub fn schema(_dialect: super::Dialect) -> Box<dyn super::Schema> {
    unimplemented!()
}
