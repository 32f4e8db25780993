//! One integration binary that drives the real program against the real sandbox: a module a command or promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod bad_input;
#[cfg(unix)]
mod delivery;
mod help;
mod import;
mod mapping_keys;
mod model;
mod real_files;
mod resume;
mod summary;
mod support;
