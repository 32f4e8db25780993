//! IncidentIQ (contract incidentiq).
//!
//! [`schema()`] needs no connection: `fields` says what can be given, `compose` makes the bodies. `sign_in` makes a
//! connection; `tickets` and `calls` write, `bulk` does so to many tickets at once, `directory` and `listing` read, `common`, `service` and `parts` show one ticket,
//! `activities` reads what was done on tickets to the end, `verify_step` reads back what is in doubt, `files` hangs files on tickets.

mod activities;
mod bulk;
mod calls;
mod common;
mod compose;
mod custom_fields;
mod directory;
mod envelope;
mod examine;
mod fields;
mod files;
mod history;
mod listing;
mod newest;
mod paging;
mod parts;
mod schema;
mod service;
mod set;
mod shapes;
mod sign_in;
mod subtasks;
mod tickets;
mod verify_step;

#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use url::Url;

use super::attach::{FileFacts, Hanging, TakeBytes, Unread};
use super::bulk::BulkCall;
use super::common::CommonTicket;
use super::examine::Finding;
use super::http::reader::Reader;
use super::http::{Request, Transport};
use super::page::{PageAsk, TicketPage};
use super::query::{Query, SearchEnd};
use super::shape::Shapes;
use super::{
    Account, Answered, Beside, Call, Connection, DirectoryProgress, Listed, ListingEnd, Permit,
    Reading, Schema, SentAt, Sighting, Standing, System, Ticket, Way, Window,
};
use crate::directory::{Needs, Snapshot};
use crate::error::Result;
use schema::IncidentIqSchema;
use tickets::Spelling;

/// Its schema, for a tenant that names no product of its own.
pub fn schema() -> Box<dyn Schema> {
    schema_with(&BTreeMap::new())
}

/// Its schema with what every create of a tenant carries (`ProductId`, `SiteId`: a snapshot's `constants`).
pub fn schema_with(constants: &BTreeMap<String, String>) -> Box<dyn Schema> {
    Box::new(IncidentIqSchema::new(constants))
}

/// Signs in to a site.
pub(super) async fn sign_in(connection: Connection) -> Result<IncidentIq> {
    sign_in::sign_in(connection).await
}

/// The address at which a site answers.
pub(super) fn address(connection: &Connection) -> Result<Url> {
    sign_in::root(connection)
}

/// A signed-in connection to one site.
#[derive(Debug)]
pub(super) struct IncidentIq {
    transport: Transport,
    /// The same for updates of a whole ticket, which leave what they do not name.
    partial: Transport,
    account: Account,
    schema: IncidentIqSchema,
    shapes: Shapes,
    constants: BTreeMap<String, String>,
    site_id: Option<String>,
    /// The zone of times without an offset; `None`: nobody told.
    zone: Option<TimeZone>,
    /// The zone that the site tells.
    site_zone: Option<TimeZone>,
    /// Where a browser shows tickets; `None` for a sandbox.
    pages: Option<Url>,
    spelling: Spelling,
    concurrency: usize,
}

#[async_trait]
impl System for IncidentIq {
    fn schema(&self) -> &dyn Schema {
        &self.schema
    }

    fn account(&self) -> &Account {
        &self.account
    }

    fn is_sandbox(&self) -> bool {
        self.pages.is_none()
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
        for path in sign_in::PROOFS {
            if self.reader(permit).read(Request::get(path)).await.is_ok() {
                return true;
            }
        }
        false
    }

    async fn perform(&self, call: Call<'_>, way: &mut Way) -> Answered {
        self.write(call, way).await
    }

    async fn attach(&self, call: Call<'_>, file: &FileFacts, way: &mut Way) -> Answered {
        self.attach_file(call, file, way).await
    }

    async fn attached(
        &self,
        call: Call<'_>,
        file: Option<&FileFacts>,
        beside: Beside<'_>,
        since: SentAt,
        permit: &dyn Permit,
    ) -> Result<Sighting> {
        files::attached(self, call, file, beside, since, self.reader(permit)).await
    }

    async fn hanging(&self, ticket: &str, permit: &dyn Permit) -> Result<Option<Hanging>> {
        let hanging = files::hanging(self, ticket, self.reader(permit)).await;
        hanging.map(Some)
    }

    async fn download(
        &self,
        file: &str,
        permit: &dyn Permit,
        take: TakeBytes<'_>,
    ) -> std::result::Result<Option<String>, Unread> {
        self.read_attached(file, permit, take).await
    }

    async fn perform_bulk(&self, call: BulkCall<'_>) -> Answered {
        bulk::perform(self, call).await
    }

    async fn shown(
        &self,
        call: BulkCall<'_>,
        closely: bool,
        permit: &dyn Permit,
    ) -> Result<Vec<bool>> {
        bulk::shown(self, call, closely, self.reader(permit)).await
    }

    fn wants_first_alone(&self) -> bool {
        self.spelling.is_unproven()
    }

    async fn verify_step(
        &self,
        call: Call<'_>,
        beside: Beside<'_>,
        since: SentAt,
        permit: &dyn Permit,
    ) -> Result<Sighting> {
        verify_step::verify_step(self, call, beside, since, self.reader(permit)).await
    }

    async fn find_ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<Ticket>> {
        listing::named(self, name, self.reader(permit)).await
    }

    async fn list_created(
        &self,
        window: Window,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<ListingEnd> {
        listing::created(self, window, self.reader(permit), page).await
    }

    async fn list_newest(
        &self,
        since: Timestamp,
        pages: u32,
        permit: &dyn Permit,
        page: &mut (dyn FnMut(Vec<Listed>) + Send),
    ) -> Result<bool> {
        newest::newest(self, since, pages, self.reader(permit), page).await
    }

    async fn read_ticket(&self, id: &str, permit: &dyn Permit) -> Result<Reading> {
        listing::one(self, id, self.reader(permit)).await
    }

    async fn sample(&self, words: &str, permit: &dyn Permit) -> Result<Vec<Listed>> {
        listing::sample(self, words, self.reader(permit)).await
    }

    async fn ticket(&self, name: &str, permit: &dyn Permit) -> Result<Option<CommonTicket>> {
        match self.find_ticket(name, permit).await? {
            Some(found) => common::one(self, &found.id, self.reader(permit)).await,
            None => Ok(None),
        }
    }

    async fn ticket_fields(&self, name: &str, permit: &dyn Permit) -> Result<Option<CommonTicket>> {
        let reader = self.reader(permit);
        let id = match listing::is_id(name) {
            true => name.trim().to_owned(),
            false => match self.find_ticket(name, permit).await? {
                Some(found) => found.id,
                None => return Ok(None),
            },
        };
        common::fields(self, &id, reader).await
    }

    async fn part(&self, ticket: &str, part: &str, permit: &dyn Permit) -> Result<Vec<Value>> {
        parts::read(ticket, part, self.reader(permit)).await
    }

    async fn changed_by(
        &self,
        ticket: &str,
        since: Timestamp,
        permit: &dyn Permit,
    ) -> Result<Vec<String>> {
        let zone = self.zone.as_ref();
        history::changed_by(ticket, since, zone, self.reader(permit)).await
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
        common::page(self, ask, self.reader(permit)).await
    }

    fn site_zone(&self) -> Option<&TimeZone> {
        self.site_zone.as_ref()
    }

    fn window_days(&self) -> Option<TimeZone> {
        Some(self.zone.clone().unwrap_or(TimeZone::UTC))
    }

    async fn examine(&self, permit: &dyn Permit) -> Vec<Finding> {
        examine::examine(self, self.reader(permit)).await
    }

    fn undoing(&self) -> &'static str {
        "deletes them (an administrator can undelete them)"
    }

    fn is_undone(&self, listed: &Listed) -> bool {
        listed.standing == Standing::Gone
    }

    async fn undo(&self, ticket: &Ticket, _: &str, _: bool) -> Answered {
        self.delete(ticket).await
    }
}

impl IncidentIq {
    fn reader<'a>(&'a self, permit: &'a dyn Permit) -> Reader<'a> {
        Reader::new(&self.transport, permit)
    }
}
