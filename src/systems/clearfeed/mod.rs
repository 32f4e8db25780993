//! ClearFeed (contract clearfeed), in both its dialects.
//!
//! [`schema()`] needs no connection; `sign_in` makes one and finds the dialect; `requests` writes and lists,
//! `directory` reads what can be listed.

mod dialect;
mod directory;
mod fields;
mod requests;
mod schema;
mod sign_in;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use jiff::Timestamp;

use super::http::Transport;
use super::http::reader::Reader;
use super::{
    Account, Answered, CREATE, Call, Connection, Dialect, DirectoryProgress, Listed, ListingEnd,
    Permit, Reading, Schema, Sighting, Standing, System, Ticket, Window,
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

    fn is_repeatable(&self, step: &str) -> bool {
        // A `PATCH` sets what it sets.
        step != CREATE
    }

    async fn sighted(&self, _: Call<'_>, _: Timestamp, _: &dyn Permit) -> Result<Sighting> {
        Ok(Sighting::Unclear(
            "what is not repeatable cannot be read back yet".to_owned(),
        ))
    }

    async fn find_ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<Ticket>> {
        Ok(match self.read_ticket(name, permit).await? {
            Reading::Found(listed) => Some(listed.ticket),
            Reading::Absent | Reading::Unclear(_) => None,
        })
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
