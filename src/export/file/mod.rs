//! Files that tickets are written into.

mod jsonl;

use crate::error::Result;
use crate::export::replica::Parts;
use crate::systems::common::CommonTicket;

pub use jsonl::JsonLines;

/// What takes tickets, one after the other in the order of the file.
pub trait Sink {
    /// What of a ticket it needs: the rest need not be read.
    fn parts(&self) -> Parts {
        Parts::ALL
    }

    /// Takes a ticket.
    ///
    /// # Errors
    /// When it cannot be written.
    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()>;

    /// Ends the file: only now it stands under its name.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Tickets in it.
    pub tickets: u64,
    /// Where; `None`: standard output.
    pub path: Option<std::path::PathBuf>,
    /// What a person should know.
    pub notes: Vec<String>,
}
