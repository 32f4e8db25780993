//! What people see of a run: bar, summary, causes, error file.

pub mod error_file;
