//! What tests of several crates share; nothing of it is in the program.

pub mod absent;
pub mod shapes;

pub use shapes::{Exchange, Shapes};
