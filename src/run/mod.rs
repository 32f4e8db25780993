//! The engine: one bounded concurrent stage, one fold.
