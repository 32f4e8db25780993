//! One integration binary: a module a command or promise.
