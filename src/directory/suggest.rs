//! The nearest names.
