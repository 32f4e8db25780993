//! ClearFeed (contract clearfeed), in both its dialects.
//!
//! [`schema()`] needs no connection: `fields` says what can be given, `compose` makes the bodies. `sign_in` makes a
//! connection and finds the dialect; `requests` writes and lists, `directory` reads what can be listed, `sighted` reads
//! back what is in doubt.

mod common;
mod compose;
mod dialect;
mod directory;
mod examine;
mod fields;
mod mentions;
mod requests;
mod schema;
mod sighted;
mod sign_in;

#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::common::CommonTicket;
use super::examine::Finding;
use super::http::Transport;
use super::http::reader::Reader;
use super::page::{Axis, PageAsk, TicketPage};
use super::query::{Query, SearchEnd};
use super::{
    Account, Answered, Call, Connection, Dialect, DirectoryProgress, Listed, ListingEnd, Permit,
    Reading, Schema, Sighting, Standing, System, Ticket, Window,
};
use crate::directory::Snapshot;
use crate::error::Result;
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

/// A signed-in connection to one workspace.
#[derive(Debug)]
pub(super) struct ClearFeed {
    transport: Transport,
    account: Account,
    schema: ClearFeedSchema,
    concurrency: usize,
}

#[async_trait]
impl System for ClearFeed {
    fn schema(&self) -> &dyn Schema {
        &self.schema
    }

    fn account(&self) -> &Account {
        &self.account
    }

    async fn load_directory(
        &self,
        permit: &dyn Permit,
        progress: DirectoryProgress<'_>,
    ) -> Result<Snapshot> {
        directory::load(self, self.reader(permit), progress).await
    }

    async fn perform(&self, call: Call<'_>) -> Answered {
        self.write(call).await
    }

    async fn sighted(
        &self,
        call: Call<'_>,
        others: &[&Value],
        since: Timestamp,
        permit: &dyn Permit,
    ) -> Result<Sighting> {
        sighted::sighted(call, others, since, self.reader(permit)).await
    }

    async fn find_ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<Ticket>> {
        requests::named(name, self.reader(permit)).await
    }

    async fn list_created(
        &self,
        window: Window,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd> {
        requests::created(window, self.reader(permit), page).await
    }

    async fn read_ticket(&self, id: &str, permit: &dyn Permit) -> Result<Reading> {
        requests::one(id, self.reader(permit)).await
    }

    async fn sample(&self, words: &str, permit: &dyn Permit) -> Result<Vec<Listed>> {
        requests::sample(words, self.reader(permit)).await
    }

    async fn ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<CommonTicket>> {
        match self.find_ticket(name, permit).await? {
            Some(found) => Ok(common::one(&found.id, self.reader(permit)).await?),
            None => Ok(None),
        }
    }

    async fn search(
        &self,
        query: &Query,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<CommonTicket>) -> ControlFlow<()> + Send),
    ) -> Result<SearchEnd> {
        common::search(self, query, self.reader(permit), page).await
    }

    async fn page(&self, ask: &PageAsk<'_>, permit: &dyn Permit) -> Result<TicketPage> {
        common::bulk(self, ask, self.reader(permit)).await
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

    async fn undo(&self, ticket: &Ticket, note: &str) -> Answered {
        self.close(ticket, note).await
    }
}

impl ClearFeed {
    fn reader<'a>(&'a self, permit: &'a dyn Permit) -> Reader<'a> {
        Reader {
            transport: &self.transport,
            permit,
        }
    }
}
