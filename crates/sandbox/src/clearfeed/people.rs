//! What people do to requests meanwhile.

use serde_json::json;

use super::{ClearFeed, Dialect};
use crate::dice::Dice;
use crate::people::{Act, pick, retitled};

impl ClearFeed {
    /// Something that somebody does to a request; `None` where there is none.
    pub(crate) fn act(&self, dice: &mut Dice) -> Option<Act> {
        let requests = self.requests();
        let request = &requests[pick(dice, requests.len())?];
        let has_rest = self.table.sections.iter().any(|one| one.root == "/v1/rest");
        let (root, dialect, state) = match has_rest {
            true => ("/v1/rest", Dialect::Rest, "state"),
            false => ("/v1", Dialect::V1, "status"),
        };
        let id = dialect.id("req", request.id);
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let path = format!("/clearfeed{root}/requests/{id}");
        let person = &self.support.people[1 + dice.below(20)];
        let words = ["open", "in_progress", "pending", "solved", "closed"];
        Some(match dice.below(20) {
            0..8 => {
                let body = json!({
                    "html_body": format!("{} looks into it.", person.name), "is_private": dice.chance(0.3),
                });
                ("POST", format!("{path}/message"), body)
            }
            8..13 => {
                let title = retitled(&request.title, &person.name);
                ("PATCH", path, json!({ "title": title }))
            }
            13..15 => ("PATCH", path, json!({ "assignee": person.id })),
            15..17 => ("PATCH", path, json!({ "priority": "high" })),
            _ => (
                "PATCH",
                path,
                json!({ state: words[dice.below(words.len())] }),
            ),
        })
    }
}
