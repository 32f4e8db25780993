//! IncidentIQ as contract incidentiq says: `/incidentiq/api/v1.0/…`, and `/api/v2.0` for places and rooms.
//!
//! ```text
//! row of the table ─▶ handler: reads the body ─▶ order ─▶ deed: decides ─▶ audit ─▶ state: done ─▶ answer
//! ```
//!
//! Each section of the contract has a page that holds its rows, its handlers and its deeds.
//!
//! | module | section of the contract |
//! |---|---|
//! | `search` | §3, §4: filters, order, pages; counts, service levels, views |
//! | `viewing` | §6: one ticket, and what hangs on it |
//! | `create`, `update`, `assign` | §7, §8, §9 |
//! | `workflow`, `approvals`, `next_steps` | §10 |
//! | `activities`, `shown_activity`, `followers`, `rules` | §11; what the tenant's rules do then |
//! | `subtasks` | §12 |
//! | `bulk`, `files` | §13, §14 |
//! | `metadata`, `custom_fields`, `reference` | §15, §16 |
//! | `envelope`, `dates`, `schemas`, `expression` | §2, §5; what bodies hold; `$filter` of the query |
//! | `population`, `people` | the tickets that are there from the beginning, what people do to tickets meanwhile |
//! | `book`, `ticket`, `state`, `deed` | the district, a ticket, everything that is kept, what a write does |

mod activities;
mod approvals;
mod assign;
mod body;
mod book;
mod bulk;
mod create;
mod custom_fields;
mod dates;
mod deed;
mod envelope;
mod expression;
mod files;
mod followers;
mod metadata;
mod next_steps;
mod people;
mod population;
mod reference;
mod rules;
mod schemas;
mod search;
mod shown_activity;
mod state;
mod subtasks;
mod ticket;
mod update;
mod viewing;
mod workflow;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use self::book::{Book, Clock};
use self::deed::{Order, decide};
use self::state::State;
use self::ticket::Ticket;
use super::audit::{Audit, Entry, Kept, marker};
use super::call::Call;
use super::emulator::Emulator;
use super::fit::{Misfit, Types};
use super::guid::Guid;
use super::reply::{Answer, Refusal, Reply};
use super::route::{Endpoint, Section, Table};
use super::seed::{District, Population};
use super::token::{Token, forbidden};
use super::{Config, Rule, Temper, Unheeded};

/// The rows of a section, all under the first version of the API.
const V1: &str = "/api/v1.0";
/// The second version: places and rooms.
const V2: &str = "/api/v2.0";

/// A row of this system.
type Row = Endpoint<IncidentIq>;

/// How this emulator was asked to behave.
#[derive(Debug)]
struct Rules {
    temper: Temper,
    strict_headers: bool,
    max_page: usize,
    /// Whether notes among the team are shown to nobody.
    hides_notes: bool,
    /// What a new activity says that is not heeded.
    unheeded: Vec<Unheeded>,
    /// What it does by itself where something is said.
    own: Vec<Rule>,
    /// Tickets that are there from the beginning.
    population: Population,
}

/// The emulator.
#[derive(Debug)]
pub(super) struct IncidentIq {
    rules: Rules,
    table: Table<Self>,
    site: Guid,
    /// The reference data as it is seeded: a reset begins with it again.
    seeded: Arc<Book>,
    state: Mutex<State>,
    audit: Arc<Audit>,
}

impl IncidentIq {
    pub(super) fn new(
        config: &Config,
        instance: Guid,
        population: Population,
        audit: Arc<Audit>,
    ) -> Self {
        let clock = Clock {
            zone: config.site_zone.clone(),
            name: config.site_zone_name.clone(),
        };
        let seeded = Arc::new(Book::new(District::new(), clock));
        Self {
            rules: Rules {
                temper: config.temper,
                strict_headers: config.strict_headers,
                max_page: config.max_page.max(1),
                hides_notes: config.hides_notes,
                unheeded: config.unheeded(),
                own: config.rules.clone(),
                population,
            },
            table: Table::new(
                sections(config.mission_paths),
                Types::new(schemas::ALL, Self::NAMES_HAVE_NO_CASE),
            ),
            site: seeded.district.site,
            state: Mutex::new(fresh(instance, &seeded, population)),
            seeded,
            audit,
        }
    }

    pub(super) fn site(&self) -> Guid {
        self.site
    }

    pub(super) fn count(&self) -> usize {
        let state = self.state();
        state.tickets.len() - state.deleted
    }

    pub(super) fn reset(&self, instance: Guid) {
        *self.state() = fresh(instance, &self.seeded, self.rules.population);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reference data as it is now.
    fn book(&self) -> Arc<Book> {
        self.state().book.clone()
    }

    /// Does again what a line of the journal says.
    pub(super) fn replay(&self, kept: &Kept) -> Result<(), Refusal> {
        let target = kept
            .id
            .parse()
            .map_err(|_| Refusal::new(400, format!("`{}` is no id", kept.id)))?;
        let by = kept.by.as_deref().and_then(Token::parse);
        let mut state = self.state();
        let order = Order {
            operation: &kept.operation,
            target,
            body: &kept.body,
            at: kept.time,
            by: actor(by.unwrap_or_default()),
            blanking: kept.mode.as_deref() == Some(BLANKING),
        };
        let effects = decide(&state, &order)?;
        state.commit(effects, Duration::ZERO);
        Ok(())
    }

    /// Obeys a write: decided, kept in the audit, done. All of it or nothing.
    fn obey(
        &self,
        call: &Call,
        target: Guid,
        body: &Value,
    ) -> Result<MutexGuard<'_, State>, Refusal> {
        let mut state = self.state();
        self.obey_in(&mut state, call, call.operation, target, body)?;
        Ok(state)
    }

    /// The same for a call that is several writes.
    fn obey_in(
        &self,
        state: &mut State,
        call: &Call,
        operation: &'static str,
        target: Guid,
        body: &Value,
    ) -> Result<(), Refusal> {
        let noted;
        let body = match operation {
            "comment" => {
                noted = rules::noted(body, &self.rules.own);
                &noted
            }
            _ => body,
        };
        let order = Order {
            operation,
            target,
            body,
            at: state.not_before(call.at),
            by: actor(call.token),
            blanking: operation == "update" && self.blanks(call),
        };
        if let Ok(ticket) = state.ticket(target) {
            self.check_seen(call, ticket)?;
        }
        let effects = decide(state, &order)?;
        if effects.is_empty() {
            return Ok(());
        }
        let failed = |error: std::io::Error| {
            Refusal::new(500, format!("The sandbox cannot keep its data: {error}"))
        };
        let raw = RawValue::from_string(body.to_string()).map_err(|error| failed(error.into()))?;
        self.audit
            .record(&Entry {
                time: order.at,
                system: Self::NAME,
                operation,
                id: &target.to_string(),
                mode: order.blanking.then_some(BLANKING),
                by: call.token.told(),
                marker: reference_of(body),
                body: &raw,
            })
            .map_err(failed)?;
        state.commit(effects, call.hidden);
        Ok(())
    }

    /// A live system blanks what an update leaves out, unless the header says otherwise (contract §8).
    fn blanks(&self, call: &Call) -> bool {
        let is_partial = call
            .header("apiflags")
            .is_some_and(|flags| flags.to_lowercase().contains("onlysetmappedproperties"));
        !is_partial && self.rules.temper == Temper::LiveLike
    }

    /// Who asks for help sees the own tickets alone.
    fn check_seen(&self, call: &Call, ticket: &Ticket) -> Result<(), Refusal> {
        if call.token == Token::Requestor && !ticket.concerns(actor(call.token)) {
            return Err(forbidden(self.rules.temper));
        }
        Ok(())
    }
}

/// What is there at the beginning.
fn fresh(instance: Guid, seeded: &Arc<Book>, population: Population) -> State {
    let mut state = State::new(instance, seeded.clone());
    population::populate(&mut state, population);
    state
}

/// The person that a token acts as: the help desk's account, an agent, a teacher.
fn actor(token: Token) -> usize {
    match token {
        Token::HelpDesk => 0,
        Token::Agent => 4,
        Token::NoDirectory => 5,
        Token::People => 6,
        Token::ReadOnly => 11,
        Token::Requestor => 200,
    }
}

/// The mode of an update that blanked what it left out.
const BLANKING: &str = "blanking";

/// The reference in a description or a comment.
fn reference_of(body: &Value) -> Option<&str> {
    let text = body
        .get("ActivityItems")
        .and_then(|items| items.get(0)?.get("Comments"))
        .or_else(|| body.get("IssueDescription"))
        .or_else(|| body.get("Description"))?;
    marker(text.as_str()?)
}

fn sections(mission_paths: bool) -> Vec<Section<IncidentIq>> {
    let section = |name, root, routes: &'static [Row]| Section { name, root, routes };
    let mut sections = vec![
        section("Searching", V1, search::ROUTES),
        section("Viewing", V1, viewing::ROUTES),
        section("Submitting", V1, create::ROUTES),
        section("Updating", V1, update::ROUTES),
        section("Assigning", V1, assign::ROUTES),
        section("Workflow", V1, workflow::ROUTES),
        section("Workflow", V1, approvals::ROUTES),
        section("Workflow", V1, next_steps::ROUTES),
        section("Communication", V1, activities::ROUTES),
        section("Communication", V1, followers::ROUTES),
        section("Subtasks", V1, subtasks::ROUTES),
        section("Subtasks", V1, subtasks::GROUPS),
        section("Bulk", V1, bulk::ROUTES),
        section("Files", V1, files::ROUTES),
        section("Metadata", V1, metadata::ROUTES),
        section("Metadata", V1, custom_fields::ROUTES),
    ];
    sections.extend(reference::sections());
    if mission_paths {
        sections.push(section("Submitting", V1, create::MISSION));
    }
    sections
}

impl Emulator for IncidentIq {
    const NAME: &'static str = "incidentiq";
    const TAKES_MORE_THAN_BEARER: bool = true;
    const ROWS: &'static str = "Items";
    const NAMES_HAVE_NO_CASE: bool = true;
    const DIRECTORY: &'static [&'static str] = &[
        "locations",
        "location",
        "location_types",
        "rooms",
        "issues",
        "issue_types",
        "issue_categories",
        "users",
        "user",
        "teams",
        "assets",
        "asset",
        "custom_fields",
        "custom_field_types",
        "close_reasons",
        "actions",
        "sla_types",
        "filters",
        "wizards",
    ];
    const ADMINISTRATION: &'static [&'static str] =
        &["delete", "undelete", "bulk_delete", "user_save"];

    fn table(&self) -> &Table<Self> {
        &self.table
    }

    fn temper(&self) -> Temper {
        self.rules.temper
    }

    fn admit(&self, call: &Call) -> Result<(), Refusal> {
        match call.header("siteid") {
            Some(site) if site.parse() == Ok(self.site) => {}
            Some(_) => {
                return Err(Refusal::new(
                    403,
                    "The access token is not valid for this site.",
                ));
            }
            None if self.rules.strict_headers => {
                return Err(Refusal::new(400, "The SiteId header is required."));
            }
            None => {}
        }
        let client = call.header("client");
        if self.rules.strict_headers
            && !client.is_some_and(|name| name.eq_ignore_ascii_case("ApiClient"))
        {
            return Err(Refusal::new(400, "The Client header must be ApiClient."));
        }
        Ok(())
    }

    fn unfit(&self, misfits: &[Misfit]) -> Refusal {
        body::unfit(misfits)
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        envelope::refusal(refusal)
    }

    fn throttle(&self, after: Option<u64>) -> Reply {
        envelope::throttle(after)
    }

    fn error_in_200(&self) -> Reply {
        envelope::error_in_200()
    }

    fn schemas(&self) -> Vec<(&'static str, &'static str)> {
        schemas::ALL.to_vec()
    }

    fn wrapped(name: &str, inner: Value) -> Value {
        schemas::wrapped(name, inner)
    }

    fn another(&self, call: &Call) -> Option<(&'static str, String)> {
        let asked: Guid = call.parameter("ticketId").parse().ok()?;
        let state = self.state();
        let place = state.place(asked).ok()?;
        let other = &state.tickets[(place + 1) % state.tickets.len()];
        (other.id != asked).then(|| ("ticketId", other.id.to_string()))
    }

    fn example(&self, parameter: &str) -> Option<String> {
        schemas::example(&self.state(), parameter)
    }
}

/// An operation whose answer holds nothing but its success.
fn action(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = body::object_or_empty(call)?;
    drop(iiq.obey(call, body::id(call, "ticketId")?, &body)?);
    Ok(envelope::action("OK"))
}

/// An operation whose answer holds the ticket.
fn with_item(iiq: &IncidentIq, call: &Call) -> Answer {
    let (id, body) = (body::id(call, "ticketId")?, body::object_or_empty(call)?);
    let state = iiq.obey(call, id, &body)?;
    let view = state.ticket(id)?.view(&state, iiq.rules.temper);
    Ok(envelope::item(200, &view, Some(id)))
}
