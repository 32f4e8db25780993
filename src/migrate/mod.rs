//! Tickets of one desk as the input of an import into another.
//!
//! ```text
//! source ─▶ replica ─▶ spool ─▶ import: mapping, ledger, limiter, target
//! pages     SQLite     JSON     all tickets first, then what follows on them
//!                      lines
//! ```
//!
//! The source is read as an export reads it. The tickets that are chosen are written to a file of JSON lines in the state
//! folder, one record a ticket, and that file is an input like any other: what is done with it is done by the engine of
//! `import`. So a pass of a migration has the run, the ledger and the commands that every import has.
//!
//! | module | holds |
//! |---|---|
//! | [`held`] | what the target has no field for |
//! | [`notes`] | notes on the old tickets |
//! | [`mod@reference`] | tickets that comments name, by their numbers in the target |
//! | [`record`] | a ticket as a record: its columns |
//! | [`rewriting`] | what was said on tickets, with these references |
//! | [`said`] | the line above a comment that says who said it, when, and who sees it |
//! | [`sample`] | which tickets a rehearsal takes |
//! | [`spool`] | the file, and what stands in it |

pub mod draft;
pub mod held;
pub mod notes;
pub mod record;
pub mod reference;
pub mod rewriting;
pub mod said;
pub mod sample;
pub mod spool;
