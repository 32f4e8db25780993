//! Tickets that listings do not show yet.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Until when which tickets are hidden, by number.
#[derive(Debug, Default)]
pub(super) struct Visibility {
    hidden: HashMap<u64, Instant>,
    /// When the last of them shows.
    clear: Option<Instant>,
}

impl Visibility {
    /// Hides one for so long.
    pub(super) fn hide(&mut self, number: u64, time: Duration) {
        if time.is_zero() {
            return;
        }
        let until = Instant::now() + time;
        self.hidden.insert(number, until);
        self.clear = self.clear.max(Some(until));
    }

    /// Whether nothing is hidden.
    pub(super) fn is_clear(&self) -> bool {
        self.clear.is_none_or(|until| until <= Instant::now())
    }

    /// Whether this one is hidden.
    pub(super) fn hides(&self, number: u64) -> bool {
        self.hidden
            .get(&number)
            .is_some_and(|until| Instant::now() < *until)
    }
}
