//! What becomes of rows of which the system said that nothing was done, in a shape that proves nothing
//! ([`crate::systems::shape`]): they are looked up with the rows in doubt, hold no other row, and end with what the
//! answer said once they are found absent.

use super::engine::Engine;
use super::intended::Intended;
use super::plan::{Doubtful, Otherwise, Row, Soft, faults_of};
use crate::error::Error;
use crate::event::End;
use crate::ledger::{Change, Said, State, StepId, Trouble};
use crate::record::RowKey;
use crate::systems::shape::Shape;
use crate::systems::{CREATE, Refusal, Ticket, right_of};

impl Engine<'_> {
    /// A row came back with an answer that is looked up before it is believed.
    pub(super) fn unproven(&mut self, row: Row, soft: Soft, at: Intended) {
        let Some(said) = soft.said.as_ref().map(Said::told) else {
            return self.not_sent(row);
        };
        if soft.is_accepted() {
            // A success after all, which is only to be seen.
            self.breaker.clear();
        } else if soft.proven {
            // It counts as it stands, whatever the look-up says.
            self.breaker.clear();
            if let Some(Said::Refused(refusal)) = &soft.said
                && let Some(error) = self.refused_for(&row, refusal)
            {
                self.doubt(row, said, at, Some(soft));
                return self.stop_with(error);
            }
        } else if row.ticket.is_none() && row.requests.reference.is_none() {
            // Nothing can be looked up: as many as would stop a run that believes such answers stop this one.
            if let Some(error) = self.breaker.refused(&said) {
                self.stop_with(error);
            }
        } else if let Some(error) = self.forbidden_for(&row, &soft) {
            self.stop_with(error);
        } else if self.breaker.unproven() {
            self.fold.note(format!(
                "the system refused many rows in a row in a way that does not prove that nothing was made (the last: \
                 {said}): nothing more is sent until they have been looked up; `deskferry doctor --write-probe` learns \
                 how the system refuses"
            ));
        }
        self.last_unclear.clone_from(&said);
        self.doubt(row, said, at, Some(soft));
    }

    /// A row was refused: why the run stops, if it does.
    fn refused_for(&mut self, row: &Row, refusal: &Refusal) -> Option<Error> {
        match refusal.status {
            401 | 403 => {
                let right = right_of(&row.requests.steps[row.next].id.name);
                self.breaker.forbidden(&right, &refusal.message)
            }
            _ => self.breaker.refused(&refusal.message),
        }
    }

    /// The same for an answer that is not believed yet, of a token that lacks a right: whatever became of the row, the
    /// next one will be answered so too.
    fn forbidden_for(&mut self, row: &Row, soft: &Soft) -> Option<Error> {
        match &soft.said {
            Some(Said::Refused(refusal)) if matches!(refusal.status, 401 | 403) => {
                self.refused_for(row, &refusal.clone())
            }
            _ => None,
        }
    }

    /// A ticket turned up that an answer denied: its shape is not believed any more.
    pub(super) fn turned_up(&mut self, soft: &Soft, key: &RowKey, ticket: &Ticket) {
        let Some(shape) = soft.shape.as_ref().filter(|shape| !shape.is_empty()) else {
            return;
        };
        if soft.is_accepted() {
            return;
        }
        let shapes = self.context.system.shapes();
        let was_proven = shapes.was_present(shape);
        let known = shapes.known(shape);
        self.changes.push(Change::Shape(shape.clone(), known));
        let said = match &soft.said {
            Some(said) => format!("`{}`", said.told()),
            None => "that nothing was made".to_owned(),
        };
        let then = match was_proven {
            true => "; such answers are not believed any more, and rows that get one are looked up",
            false => "",
        };
        self.fold.note(format!(
            "row `{key}`: the system said {said}, but ticket `{}` was made{then}",
            ticket.number.as_ref().unwrap_or(&ticket.id)
        ));
    }

    /// A ticket was listed that an answer of this shape denied.
    pub(super) fn disproved(&mut self, shape: Option<&str>) {
        let Some(shape) = shape.filter(|shape| !shape.is_empty()) else {
            return;
        };
        let shapes = self.context.system.shapes();
        if shapes.was_present(shape) {
            let told = shape.parse().map(|shape: Shape| shape.told());
            self.fold.note(format!(
                "answers to a create like that one ({}) are not believed any more: rows that get one are looked up",
                told.unwrap_or_default()
            ));
        }
        let known = shapes.known(shape);
        self.changes.push(Change::Shape(shape.to_owned(), known));
    }

    /// A row that was answered so was looked up and is absent, as a witness shows.
    pub(super) fn bore_out(&mut self, soft: &Soft) {
        if let Some(shape) = soft
            .shape
            .as_ref()
            .filter(|it| !soft.settled && !soft.is_accepted() && !it.is_empty())
        {
            let known = self.context.system.shapes().was_absent(shape);
            self.changes.push(Change::Shape(shape.clone(), known));
        }
    }

    /// Whether a row is taken as absent although its look-up proves nothing: the shape of its answer did, or an earlier
    /// look-up.
    pub(super) fn believes(&self, soft: &Soft) -> bool {
        let is_lost = |shape: &String| self.context.system.shapes().known(shape).lost;
        let is_believed = soft.settled || soft.proven;
        is_believed && !soft.is_unanswered() && !soft.shape.as_ref().is_some_and(is_lost)
    }

    /// The same where something speaks against it: the list was not whole, or there is something that may be what was sent.
    /// Then the shape alone counts, or that the row was never sent as far as is known.
    pub(super) fn believes_against(&self, soft: &Soft) -> bool {
        self.believes(soft) && (soft.proven || soft.shape.is_none())
    }

    /// A row was not made: it ends with what the answer said, or goes again.
    pub(super) fn as_said(&mut self, mut row: Doubtful, soft: Soft) {
        let Some(Said::Refused(refusal)) = soft.said else {
            if soft.settled {
                row.doubt.answer = None;
            }
            return self.absent(row);
        };
        let faults = faults_of(&refusal, &row.base.place);
        let message = refusal.message.clone();
        let trouble = Some(Trouble::Refused(refusal));
        self.settle(row.key.clone(), State::Rejected, None, trouble);
        let create = StepId {
            name: CREATE.to_owned(),
            ordinal: 0,
        };
        self.tell_shape(row.key, create, soft.shape);
        let end = match row.otherwise {
            Otherwise::Send(_) => End::Rejected(faults),
            Otherwise::End(end) => end,
        };
        self.end(row.base, end);
        if soft.proven {
            return;
        }
        if let Some(error) = self.breaker.refused(&message) {
            self.stop_with(error);
        }
    }

    /// One of a shape that is proven, which the run has no time left to look up: it is what the answer said.
    pub(super) fn believed(&mut self, row: Doubtful) {
        let Some(soft) = row.doubt.soft.clone() else {
            return;
        };
        if matches!(soft.said, Some(Said::Refused(_))) {
            return self.as_said(row, soft);
        }
        self.settle(row.key.clone(), State::Pending, None, None);
        let create = StepId {
            name: CREATE.to_owned(),
            ordinal: 0,
        };
        self.tell_shape(row.key, create, soft.shape);
        self.end(row.base, End::NotSent);
    }

    /// Notes in which shape a step was refused.
    pub(super) fn tell_shape(&mut self, key: RowKey, step: StepId, shape: Option<String>) {
        if let Some(shape) = shape {
            self.changes.push(Change::Told {
                key,
                step,
                shape,
                again: false,
            });
        }
    }
}
