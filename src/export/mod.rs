//! Tickets of a system into files.
//!
//! # The way of a ticket
//!
//! ```text
//! system ─▶ pages ─▶ replica ─▶ columns ─▶ file
//!           windows    SQLite,     a plan     CSV, XLSX,
//!           of time,   a row a     of cells   JSON lines,
//!           side by    ticket                 HTML
//!           side
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`period`] | spans of whole calendar days: `last-week`, `7d`, dates |
//! | [`filter`] | `field=value,value` in the names of the common ticket, by the ids of the directory |
//! | [`search`] | words in what the columns show |
//! | [`people`] | names of people whom a system tells only by their ids |
//! | [`reading`] | windows of time, pages side by side, what proves that nothing is missing, catching up |
//! | [`replica`] | the tickets that were read, one row each, in a file that outlives the program |
//! | [`columns`] | which columns a table has; a ticket as typed cells |
//! | [`mod@file`] | files, each a [`file::Sink`]: safe to open, whole before they have their names |
//! | [`count`] | tickets counted by a field or several, as a table of the terminal |
//! | [`sheets`] | analyses: counted in one pass, formulas and charts of a workbook |
//! | [`html`] | analyses and tickets as one page that needs nothing else |
//! | `keep` | what people wrote into an earlier file, by ticket |
//! | `baseline` | what a file said when it was written, and whose change a cell is that says something else now |
//! | [`back`] | the mapping that brings what people changed back into the tickets |
//!
//! # What always holds
//!
//! - Every export goes through a replica: a plain one through a replica of its own for what was asked, which is deleted when
//!   the file stands; an incremental one through the lasting one of the tenant.
//! - A ticket stands in a replica once, by its id; the file is written in the order of creation, then of ids.
//! - What was read is in the replica before its window counts as read: whoever is killed goes on.
//! - The system's filters are a help: every ticket is judged here.
//! - What cannot be proven complete is told.
//! - No text of a ticket is run by a program that opens a file, and nothing that people wrote into one is lost.

pub mod back;
pub(crate) mod baseline;
pub mod columns;
pub mod count;
pub mod file;
pub mod filter;
pub mod html;
mod keep;
pub mod people;
pub mod period;
pub mod reading;
pub mod replica;
pub mod search;
pub mod sheets;
