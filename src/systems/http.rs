//! The transport: one request, one classified answer; no retry, no sleep.
