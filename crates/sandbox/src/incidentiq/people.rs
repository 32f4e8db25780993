//! What people do to tickets meanwhile.

use serde_json::{Value, json};

use super::IncidentIq;
use crate::dice::Dice;
use crate::people::{Act, pick, retitled};

impl IncidentIq {
    /// Something that somebody does to a ticket; `None` where there is none.
    pub(crate) fn act(&self, dice: &mut Dice) -> Option<Act> {
        let state = self.state();
        let place = pick(dice, state.tickets.len())?;
        let ticket = &state.tickets[place];
        let district = &state.book.district;
        let agent = &district.users[1 + dice.below(10)];
        let (tail, body) = match dice.below(20) {
            _ if ticket.is_deleted => return None,
            0..8 => {
                let comment = json!({
                    "$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared",
                    "TicketActivityTypeId": 6, "Comments": format!("{} looks into it.", agent.first),
                });
                let is_public = dice.chance(0.7);
                let body = json!({ "IsPublic": is_public, "ActivityItems": [comment] });
                ("activities/new/false".to_owned(), body)
            }
            8..13 => {
                let subject = retitled(&ticket.subject, &agent.first);
                ("subject".to_owned(), json!({ "Subject": subject }))
            }
            13..16 => {
                let priority = 30 + dice.below(140);
                ("priority".to_owned(), json!({ "Priority": priority }))
            }
            16..18 => {
                let body = json!({ "TicketId": ticket.id, "AssignToUserId": agent.id });
                ("assign".to_owned(), body)
            }
            _ if ticket.closed.is_none() => ("close".to_owned(), json!({})),
            _ => (format!("status/{}", district.statuses[0].step), Value::Null),
        };
        let path = format!("/incidentiq/api/v1.0/tickets/{}/{tail}", ticket.id);
        Some(("POST", path, body))
    }
}
