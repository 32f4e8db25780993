//! What the desk will look like: how many of the new tickets a dry run leaves in which state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::words;

/// New tickets by the state in which they are left.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk(BTreeMap<String, u64>);

impl Desk {
    /// Counts one; nothing where no ticket would be made.
    pub(super) fn add(&mut self, state: Option<&str>) {
        let Some(state) = state else { return };
        match self.0.get_mut(state) {
            Some(count) => *count += 1,
            None => _ = self.0.insert(state.to_owned(), 1),
        }
    }

    /// Whether no ticket would be made.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `3,000 tickets: 1,200 open, 1,800 closed`: the open ones first, the closed ones last. `None` where none would be made.
    pub(super) fn line(&self) -> Option<String> {
        let rank = |state: &str| match state {
            "open" => 0,
            "closed" => 2,
            _ => 1,
        };
        let mut states: Vec<(&String, &u64)> = self.0.iter().collect();
        states.sort_by_key(|(state, count)| (rank(state), std::cmp::Reverse(**count)));
        let all = states.iter().map(|(_, count)| **count).sum();
        let parts: Vec<String> = states
            .iter()
            .map(|(state, count)| format!("{} {state}", words::count(**count)))
            .collect();
        (!parts.is_empty()).then(|| {
            format!(
                "{}: {}",
                words::plural(all, "ticket", "tickets"),
                parts.join(", ")
            )
        })
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> Value {
        json!(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_the_desk_are_one_line() {
        let mut desk = Desk::default();
        assert_eq!(desk.line(), None);
        desk.add(None);
        assert!(desk.is_empty());
        for (state, count) in [("closed", 1_800), ("open", 1_198), ("in progress", 2)] {
            (0..count).for_each(|_| desk.add(Some(state)));
        }
        assert_eq!(
            desk.line().as_deref(),
            Some("3,000 tickets: 1,198 open, 2 in progress, 1,800 closed")
        );
        let mut one = Desk::default();
        one.add(Some("closed"));
        assert_eq!(one.line().as_deref(), Some("1 ticket: 1 closed"));
    }
}
