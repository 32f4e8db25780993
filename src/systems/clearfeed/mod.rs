//! ClearFeed (contract clearfeed), in both its dialects.
//!
//! [`schema()`] needs no connection: `fields` says what can be given, `compose` makes the bodies. `sign_in` makes a
//! connection and finds the dialect; `requests` writes and reads, `listing` reads lists, `directory` the reference data, `verify_step` reads
//! back what is in doubt.

mod common;
mod compose;
mod dialect;
mod directory;
mod examine;
mod fields;
mod ids;
mod listing;
mod mentions;
mod newest;
mod requests;
mod schema;
mod set;
mod shapes;
mod sign_in;
mod verify_step;

#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::common::CommonTicket;
use super::examine::Finding;
use super::http::reader::Reader;
use super::http::{Request, Transport};
use super::page::{Axis, PageAsk, TicketPage};
use super::query::{Query, SearchEnd};
use super::shape::Shapes;
use super::{
    Account, Answered, Beside, Call, Connection, Dialect, DirectoryProgress, Gap, Listed,
    ListingEnd, Outcome, Permit, Reading, Schema, SentAt, Sighting, Standing, System, Ticket, Way,
    Window,
};
use crate::directory::{Entry, Needs, Snapshot};
use crate::error::Result;
pub(super) use common::settled;
use schema::ClearFeedSchema;

/// Its schema in one dialect.
pub fn schema(dialect: Dialect) -> Box<dyn Schema> {
    Box::new(ClearFeedSchema::new(dialect))
}

/// Signs in to a workspace.
pub(super) async fn sign_in(connection: Connection) -> Result<ClearFeed> {
    sign_in::sign_in(connection).await
}

/// The addresses at which a workspace may answer.
pub(super) fn addresses(connection: &Connection) -> Result<Vec<Url>> {
    sign_in::addresses(connection)
}

/// Why a window says nothing about all of its time: the workspace has erased the texts at its beginning.
fn erased(retention: Option<Duration>, window: Window, now: Timestamp) -> Option<Gap> {
    let retention = retention?;
    let kept_from = now
        .checked_sub(SignedDuration::try_from(retention).ok()?)
        .ok()?;
    (window.from < kept_from).then_some(Gap::Erased {
        days: retention.as_secs() / 86_400,
    })
}

/// A signed-in connection to one workspace.
#[derive(Debug)]
pub(super) struct ClearFeed {
    transport: Transport,
    account: Account,
    schema: ClearFeedSchema,
    shapes: Shapes,
    concurrency: usize,
    page_size: listing::PageSize,
    retention: Option<Duration>,
    /// Whether the sandbox answers instead of the workspace.
    is_sandbox: bool,
}

#[async_trait]
impl System for ClearFeed {
    fn schema(&self) -> &dyn Schema {
        &self.schema
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn is_sandbox(&self) -> bool {
        self.is_sandbox
    }

    fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    async fn load_directory(
        &self,
        needs: Needs,
        permit: &dyn Permit,
        progress: DirectoryProgress<'_>,
    ) -> Result<Snapshot> {
        directory::load(self, needs, self.reader(permit).confirming(), progress).await
    }

    async fn admits(&self, permit: &dyn Permit) -> bool {
        for (path, _) in sign_in::PROOFS {
            if self.reader(permit).read(Request::get(path)).await.is_ok() {
                return true;
            }
        }
        false
    }

    async fn perform(&self, call: Call<'_>, way: &mut Way) -> Answered {
        let mut answered = self.write(call, way).await;
        if let (Outcome::Done(made), None) = (&mut answered.outcome, call.ticket) {
            self.respell(made);
        }
        answered
    }

    async fn verify_step(
        &self,
        call: Call<'_>,
        beside: Beside<'_>,
        since: SentAt,
        permit: &dyn Permit,
    ) -> Result<Sighting> {
        verify_step::verify_step(call, beside, since, self.reader(permit)).await
    }

    async fn find_ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<Ticket>> {
        let found = requests::named(name, self.reader(permit)).await?;
        Ok(found.map(|ticket| self.respelled(ticket)))
    }

    async fn list_created(
        &self,
        window: Window,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd> {
        let mut page = |listed: Vec<Listed>| page(self.respelled_all(listed));
        let reader = self.reader(permit);
        let mut end = listing::created(&self.page_size, window, reader, &mut page).await?;
        // A ticket without its text bears no reference: that it is not found is no proof.
        let now = Timestamp::now();
        end.gap = end.gap.or_else(|| erased(self.retention, window, now));
        Ok(end)
    }

    async fn list_newest(
        &self,
        since: Timestamp,
        pages: u32,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<bool> {
        let mut page = |listed: Vec<Listed>| page(self.respelled_all(listed));
        let reader = self.reader(permit);
        let all = newest::newest(&self.page_size, since, pages, reader, &mut page).await?;
        // Of what has lost its text nobody sees whose it is.
        let now = Timestamp::now();
        let window = Window {
            from: since,
            to: now,
        };
        Ok(all && erased(self.retention, window, now).is_none())
    }

    async fn read_ticket(&self, id: &str, permit: &dyn Permit) -> Result<Reading> {
        let mut reading = requests::one(id, self.reader(permit)).await?;
        if let Reading::Found(listed) = &mut reading {
            self.respell(&mut listed.ticket);
        }
        Ok(reading)
    }

    async fn sample(&self, words: &str, permit: &dyn Permit) -> Result<Vec<Listed>> {
        let mut sample = requests::sample(words, self.reader(permit)).await?;
        sample
            .iter_mut()
            .for_each(|it| self.respell(&mut it.ticket));
        Ok(sample)
    }

    async fn ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<CommonTicket>> {
        match self.find_ticket(name, permit).await? {
            Some(found) => {
                let ticket = common::one(&found.id, self.reader(permit)).await?;
                Ok(ticket.map(|ticket| self.respelled_common(ticket)))
            }
            None => Ok(None),
        }
    }

    async fn search(
        &self,
        query: &Query,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
    ) -> Result<SearchEnd> {
        let mut page = |tickets: Vec<CommonTicket>| {
            let respelled = tickets.into_iter().map(|it| self.respelled_common(it));
            page(respelled.collect())
        };
        common::search(self, query, self.reader(permit), &mut page).await
    }

    async fn page(&self, ask: &PageAsk<'_>, permit: &dyn Permit) -> Result<TicketPage> {
        common::bulk(self, ask, self.reader(permit)).await
    }

    async fn people(&self, ids: &[String], permit: &dyn Permit) -> Result<Option<Vec<Entry>>> {
        let people = directory::people(ids, self.reader(permit).confirming()).await?;
        Ok(Some(people))
    }

    fn windows_by(&self, query: &Query) -> Axis {
        match query.created.is_open() && !query.updated.is_open() {
            true => Axis::Updated,
            false => Axis::Created,
        }
    }

    async fn examine(&self, permit: &dyn Permit) -> Vec<Finding> {
        examine::examine(self, self.reader(permit)).await
    }

    fn undoing(&self) -> &'static str {
        "closes them with an internal note: ClearFeed cannot delete"
    }

    fn is_undone(&self, listed: &Listed) -> bool {
        listed.standing == Standing::Closed
    }

    async fn undo(&self, ticket: &Ticket, note: &str, noted: bool) -> Answered {
        if noted {
            return self.close(ticket).await;
        }
        let answered = self.close_with(ticket, note).await;
        match answered.outcome {
            // The answer is about the message: whether the state was taken with it shows on the request.
            Outcome::Done(_) => Answered {
                outcome: Outcome::Further,
                ..answered
            },
            _ => answered,
        }
    }

    fn undoes_in_parts(&self) -> bool {
        true
    }
}

impl ClearFeed {
    /// Gives a ticket the one spelling of its id.
    fn respell(&self, ticket: &mut Ticket) {
        ticket.id = self.schema.ticket_id(&ticket.id);
    }

    fn respelled(&self, mut ticket: Ticket) -> Ticket {
        self.respell(&mut ticket);
        ticket
    }

    fn respelled_all(&self, mut listed: Vec<Listed>) -> Vec<Listed> {
        listed
            .iter_mut()
            .for_each(|it| self.respell(&mut it.ticket));
        listed
    }

    fn respelled_common(&self, mut ticket: CommonTicket) -> CommonTicket {
        ticket.id = self.schema.ticket_id(&ticket.id);
        ticket
    }

    fn reader<'a>(&'a self, permit: &'a dyn Permit) -> Reader<'a> {
        Reader::new(&self.transport, permit)
    }
}

#[cfg(test)]
mod retention_tests {
    use super::*;

    #[test]
    fn a_window_that_reaches_behind_the_retention_proves_nothing() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = |from| Window {
            from: at(from),
            to: at("2026-11-30T00:00:00Z"),
        };
        let now = at("2026-11-30T12:00:00Z");
        let sixty = Some(Duration::from_secs(60 * 86_400));
        let (young, old) = ("2026-11-01T00:00:00Z", "2026-09-01T00:00:00Z");
        assert_eq!(erased(None, window(old), now), None);
        assert_eq!(erased(sixty, window(young), now), None);
        let gap = erased(sixty, window(old), now).unwrap();
        assert_eq!(gap, Gap::Erased { days: 60 });
        assert!(gap.to_string().contains("after 60 days"));
    }
}
