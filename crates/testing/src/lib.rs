//! What tests of several crates share; nothing of it is in the program.

#![expect(
    clippy::unwrap_used,
    reason = "a test that lacks what it needs ends there"
)]

pub mod absent;
pub mod server;
pub mod shapes;

pub use shapes::{Exchange, Shapes};
