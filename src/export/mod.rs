//! Tickets into files.

pub mod back;
pub mod columns;
pub mod file;
mod keep;
