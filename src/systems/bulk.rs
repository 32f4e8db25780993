//! One request for many tickets, where a system has such.
//!
//! What a system does with one may be done later and in part, and its answer need not say so: it is confirmed by
//! reading the tickets back ([`super::System::shown`]).

use serde_json::Value;

use super::{Operation, Ticket};

/// What a system can do to many tickets by one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bulk {
    /// How many tickets one request may be for.
    pub most: usize,
    /// The operations of which something can be done so.
    pub operations: &'static [Operation],
}

/// One change to many tickets.
#[derive(Debug, Clone, Copy)]
pub struct BulkCall<'a> {
    /// The call that each of them would get by itself ([`super::call_of`]).
    pub step: &'a str,
    /// The composed body of that.
    pub body: &'a Value,
    /// The tickets, each once.
    pub tickets: &'a [Ticket],
}
