//! Who and what the sandbox is populated with: a school district for IncidentIQ, a support team for ClearFeed.
//! The same for ever, whatever the seed of the faults: samples and tests count on it.

pub mod district;
mod issues;
mod names;
pub mod support;

pub use district::District;
pub use support::Support;
