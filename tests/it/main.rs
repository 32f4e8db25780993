//! One integration binary that drives the real program against the real sandbox: a module a command or promise.

mod bad_input;
mod import;
mod mapping_keys;
mod real_files;
mod resume;
mod support;
