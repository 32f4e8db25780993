//! Deskferry moves help-desk tickets in bulk: spreadsheets into a ticket system, and a ticket system into spreadsheets.
//!
//! # The way of a row
//!
//! ```text
//! source ─▶ record ─▶ intake ─▶ mapping plan ─▶ payload ─▶ ledger: intent ─▶ limiter ─▶ system ─▶ ledger: outcome ─▶ event ─▶ report
//! csv       cells     keys       from/steps     composed    (durable before    (governor)  (http)      (id, state)       bar, summary,
//! xlsx      typed     doubles    resolve        validated    it is sent)                                                 error file
//! jsonl     placed    groups       ▲
//!                              directory (loaded once, cached, shown with its age)
//! ```
//!
//! One direction, bounded channels; each stage is a module that knows only its neighbours' types.
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | a record: named cells with a position |
//! | [`source`] | files into records: CSV, workbooks, JSON lines; their encodings, and how these are guessed |
//! | [`intake`] | the input read twice: keys, doubles, groups, filters |
//! | [`mapping`] | the mapping file, checked and compiled once into a plan that turns a record into payloads; its JSON Schema; the first mapping guessed from a file |
//! | [`directory`] | the system's reference data, of which a command loads what it uses; its indexes, its cache |
//! | [`systems`] | one folder a system behind one trait; its fields, its requests, its directory; the common ticket, what a token may read |
//! | [`ledger`] | the durable record of every step of every row; runs and the attempts at them; how old it is |
//! | [`run`] | the engine: one concurrent stage, the limiter, what may be retried, rows in doubt; an input compared with the ledger, a run taken back |
//! | [`export`] | tickets of a system into files: periods, filters, windows of time, the replica and how it heals, columns, tables that keep what people wrote, analyses, counts and reports, baselines of files that come back |
//! | `outfile` | the one place that writes files: beside, onto the disk, renamed when whole; what may not be written over, who may read it |
//! | `infile` | small files that are held whole, each with a bound |
//! | [`event`] | what happened, as values: the only bridge from the engine to output |
//! | [`report`] | what an import tells: bar, summary, causes, error file, payloads and outcomes as files, faults of a mapping underlined, unknown names as a table |
//! | [`migrate`] | tickets of one desk as the input of an import into another: a spool that is read, checked and filled up again, their files, and the notes in the old desk |
//! | [`schedule`] | exports that are repeated: times, runs, what came of them, the schedulers of machines |
//! | [`verify`] | a run read back: what each row says should be there against what the system shows |
//! | [`sandbox`] | the emulator of both systems, a crate of its own (`crates/sandbox`), so that it cannot share a type with the rest |
//! | `html` | plain text and HTML: one from the other |
//! | `markup` | escaped HTML, GLPI's marks, BBCode and wiki markup as plain text |
//! | `unicode` | texts that look the same: how they are compared, how what is invisible is printed |
//! | [`config`] | `deskferry.toml`: profiles, secrets by reference; which of the files that are found are trusted |
//! | [`redact`] | secrets taken out of text, in every form in which a system may hand them back |
//! | [`cli`] | the command line |
//!
//! # The way of a ticket
//!
//! ```text
//! system ─▶ pages ─▶ replica ─▶ columns ─▶ file
//!           windows    SQLite,     a plan     CSV, XLSX,
//!           of time    by id       of cells   JSON lines, HTML
//! ```
//!
//! The other direction ([`export`]): what is read is in the replica before it counts as read, and the file is written from
//! there.
//!
//! One ticket by hand (`deskferry ticket`) goes the same way without source, intake and ledger: what was typed is the one
//! row of a mapping that is made for it, and its requests leave one by one.
//!
//! # What always holds
//!
//! - A record ends in exactly one [`event::End`], and the ends sum up to the records.
//! - Nothing is sent before its intent is durable in the ledger, and nothing is sent twice while it is unknown
//!   whether the first request was obeyed.
//! - Reading and mapping are synchronous and do no network I/O; the dry run is the same code without the sending.
//! - The engine never names a system.
//!
//! To start reading: [`run`] for the engine, [`mapping`] for what a row becomes, [`export`] for the way back.

pub mod cli;
pub mod config;
pub mod directory;
pub mod error;
pub mod event;
pub mod export;
pub mod files;
mod html;
mod infile;
pub mod intake;
pub mod ledger;
pub mod mapping;
mod markup;
pub mod migrate;
mod outfile;
pub mod record;
pub mod redact;
pub mod report;
pub mod run;
pub mod schedule;
pub mod source;
pub mod systems;
mod unicode;
pub mod verify;

pub use deskferry_sandbox as sandbox;
