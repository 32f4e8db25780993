//! The ledger: the durable record of every step of every row.
