//! Tickets that are known to exist: a desk that lists nothing, page after page, looks like an empty one, and without a count
//! nothing else tells the two apart.

use jiff::Timestamp;

use super::Reading;
use crate::error::Result;
use crate::systems::{Reading as Answer, Standing};

impl Reading<'_> {
    /// Doubts the lists where they have left out a ticket that is there and was there when this reading started.
    pub(super) async fn hear_witnesses(&self, started: Timestamp) -> Result<()> {
        let query = &self.order.query;
        // A filter may not hold any more for a ticket that has changed since.
        if !query.goes_by_creation() {
            return Ok(());
        }
        for id in &self.witnesses {
            let id = self.system.schema().ticket_id(id);
            let name = id.clone();
            if self.with(move |replica| replica.has(&name)).await? {
                continue;
            }
            self.check_stop()?;
            let Answer::Found(listed) = self.system.read_ticket(&id, self.permit).await? else {
                continue;
            };
            let is_asked = listed.standing != Standing::Gone
                && (listed.created_at)
                    .is_some_and(|at| at < started && query.created.holds(Some(at)));
            if is_asked {
                self.doubt("the list of tickets leaves out some that are there");
                return Ok(());
            }
        }
        Ok(())
    }
}
