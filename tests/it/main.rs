//! One integration binary that drives the real program against the real sandbox: a module a command or promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod again;
mod attach;
mod attempts;
mod bad_input;
mod both_sides;
mod bounds;
mod bulk;
mod carry;
mod commands;
#[cfg(unix)]
mod delivery;
#[cfg(unix)]
mod desk;
mod diff;
mod doctor;
mod dry_run;
mod export;
mod export_files;
mod export_sheets;
mod files;
mod follow;
mod help;
mod import;
mod init;
mod machine;
mod mapping_faults;
mod mapping_keys;
mod migrate;
mod old_ledger;
mod oracle;
mod people;
mod real_files;
mod resume;
mod retry;
mod rights;
mod rollback;
mod round_trip;
mod schedule;
mod schema;
mod secrets;
mod settle;
mod summary;
mod support;
mod systems;
mod tasks;
mod ticket;
mod tied;
mod tours;
#[cfg(unix)]
mod trust;
mod unreadable;
mod upsert;
mod validate;
mod verify;
#[cfg(unix)]
mod whose;
