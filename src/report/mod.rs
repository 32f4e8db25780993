//! What people see of a run: bar, summary, causes, error file, and row by row. All of it is made from [`crate::event`]s.

pub mod aliases;
pub mod causes;
pub(crate) mod conflicts;
mod desk;
pub mod diagnostic;
pub mod diff;
pub mod error_file;
pub mod fallbacks;
pub(crate) mod preview;
pub mod progress;
pub mod reading;
pub(crate) mod receipts;
pub mod reporter;
pub mod rows;
pub(crate) mod run_report;
pub mod samples;
pub mod summary;
pub mod tally;
pub(crate) mod texts;
pub mod unread;
pub mod words;

pub use reporter::Reporter;
pub use summary::{Context, Summary};
