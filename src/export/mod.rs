//! Tickets into files.

pub mod html;
pub mod sheets;
