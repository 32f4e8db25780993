//! Proving a token (contract incidentiq §1): `GET /login` with the bearer, else `GET /tickets/statuses`.
//!
//! The login tells more than that: the site, the product that every create names, the zone. So one wrong answer to it must
//! not leave them out: it is asked again where the statuses are answered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use url::Url;

use super::envelope::{id, text, zone};
use super::schema::IncidentIqSchema;
use super::tickets::Spelling;
use super::{IncidentIq, shapes};
use crate::error::{Error, ErrorKind, Result};
use crate::systems::connection::{ask, asked_again, denied, strange, unreachable};
use crate::systems::http::classify::inner_failure;
use crate::systems::http::refusal::{member, refusal};
use crate::systems::http::{Answer, Request, Settings, Transport};
use crate::systems::shape::Shapes;
use crate::systems::{Account, Connection, Dialect};

const REMEDY: &str = "make a token in IncidentIQ under Admin > Developer Tools and put it where `token` in the profile points to; tokens expire";

/// What any token may read, by which it is proven (§1).
pub(super) const PROOFS: [&str; 2] = ["/v1.0/login", "/v1.0/tickets/statuses"];

/// In which the site is named (§1).
const SITE_HEADER: &str = "siteid";

/// The header that keeps an update from blanking what it does not name, and its value (§8).
const FLAGS_HEADER: &str = "apiflags";
const PARTIAL: &str = "OnlySetMappedProperties";

/// What the sign-in learned.
#[derive(Default)]
struct Learned {
    user: Option<String>,
    site_id: Option<String>,
    product_id: Option<String>,
    zone: Option<TimeZone>,
}

pub(super) async fn sign_in(connection: Connection) -> Result<IncidentIq> {
    let root = root(&connection)?;
    let given = connection.site_id.as_deref().map(str::to_ascii_lowercase);
    let mut transport = transport(&connection, &root)?;
    if let Some(site_id) = &given {
        transport = transport.with_header(SITE_HEADER, site_header(site_id)?);
    }
    let (proof, login) = prove(&transport, given.as_deref()).await?;
    let mut learned = Learned::default();
    if let Some(item) = login.as_ref().and_then(|body| member(body, &["Item"])) {
        learned.of_login(item);
    }
    if let (Some(given), Some(told)) = (&given, &learned.site_id)
        && given != told
    {
        return Err(wrong_site(
            &transport,
            given,
            &format!("the token belongs to the site `{told}`"),
        ));
    }
    let known = given.clone().or_else(|| learned.site_id.clone());
    if (!connection.timezone_first && learned.zone.is_none()) || known.is_none() {
        learned.of_settings(&transport).await;
    }
    let site_id = known.or_else(|| learned.site_id.clone());
    let sandbox = transport.sandbox(&proof);
    let tenant = sandbox.clone().or_else(|| site_id.clone()).ok_or_else(|| {
        Error::usage("the token does not tell the site it belongs to")
            .hint("add `site_id = \"…\"` to the profile: IncidentIQ shows it under Admin > Developer Tools")
    })?;
    if let (None, Some(site_id)) = (&given, &site_id) {
        transport = transport.with_header(SITE_HEADER, site_header(site_id)?);
    }
    let constants = constants(site_id.as_deref(), learned.product_id.as_deref());
    Ok(IncidentIq {
        account: Account {
            tenant,
            user: learned.user,
            dialect: Dialect::Only,
            clock_offset: proof.clock_offset(Timestamp::now()),
        },
        schema: IncidentIqSchema::new(&constants),
        shapes: Shapes::new(shapes::are_documented),
        constants,
        site_id,
        zone: match connection.timezone_first {
            true => connection.timezone,
            false => learned.zone.clone().or(connection.timezone),
        },
        site_zone: learned.zone,
        pages: sandbox.is_none().then_some(root),
        spelling: Spelling::default(),
        concurrency: connection.concurrency,
        partial: transport
            .clone()
            .with_header(FLAGS_HEADER, HeaderValue::from_static(PARTIAL)),
        transport,
    })
}

/// The address of the site, without the `/api/v1.0` that people copy along.
pub(super) fn root(connection: &Connection) -> Result<Url> {
    let url = connection.url.as_ref().ok_or_else(|| {
        Error::usage("the profile has no `url`")
            .hint("add `url = \"https://YOUR-DISTRICT.incidentiq.com\"`")
    })?;
    let text = url.as_str().trim_end_matches('/');
    let text = ["/api/v1.0", "/api/v2.0", "/api"]
        .iter()
        .find_map(|end| text.strip_suffix(end))
        .unwrap_or(text);
    Url::parse(text)
        .map_err(|error| Error::usage(format!("`{url}` is not an address")).caused_by(error))
}

fn transport(connection: &Connection, root: &Url) -> Result<Transport> {
    let mut headers = HeaderMap::new();
    headers.insert("client", HeaderValue::from_static("ApiClient"));
    let base = format!("{}/api", root.as_str().trim_end_matches('/'));
    Transport::new(Settings {
        base: Url::parse(&base).map_err(|error| {
            Error::usage(format!("`{base}` is not an address")).caused_by(error)
        })?,
        token: &connection.token,
        headers,
        concurrency: connection.concurrency,
        timeout: connection.timeout,
        insecure_http: connection.insecure_http,
        route: &connection.route,
    })
}

fn site_header(site_id: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(site_id).map_err(|_| {
        Error::usage(format!("`{site_id}` is no site id"))
            .hint("`site_id` looks like `5d3f0c1e-7b52-4a0e-9d0c-0c5a4f1e2b3d`")
    })
}

/// The answer that proves the token, and the body of `/login` where that one did.
async fn prove(transport: &Transport, site_id: Option<&str>) -> Result<(Answer, Option<Value>)> {
    let [login, statuses] = PROOFS;
    let refused = match proof(transport, login, site_id).await? {
        Ok((answer, body)) => return Ok((answer, Some(body))),
        Err(refused) => refused,
    };
    match proof(transport, statuses, site_id).await? {
        Ok((proof_of_statuses, _)) => {
            let again = || async { proof(transport, login, site_id).await? };
            Ok(match asked_again(again).await {
                Some((answer, body)) => (answer, Some(body)),
                None => (proof_of_statuses, None),
            })
        }
        // A refused token is the better reason than a call that is not known.
        Err(_) if refused.kind() == ErrorKind::Denied => Err(refused),
        Err(error) => Err(error),
    }
}

/// What one read comes to, as a proof: the inner error lets another one be tried.
async fn proof(
    transport: &Transport,
    path: &str,
    site_id: Option<&str>,
) -> Result<Result<(Answer, Value)>> {
    let answer = ask(transport, &Request::get(path))
        .await
        .map_err(|lost| unreachable(transport.base(), &lost))?;
    let body = answer.json();
    let status = match &body {
        Ok(body) => inner_failure(body).unwrap_or(answer.status),
        Err(_) => answer.status,
    };
    // A login that tells nothing is none.
    let is_whole = |body: &Value| match path == PROOFS[0] {
        true => member(body, &["Item"]).is_some_and(Value::is_object),
        false => body.is_object(),
    };
    Ok(match (status, body) {
        (200..300, Ok(body)) if is_whole(&body) && answer.status < 300 => Ok((answer, body)),
        (200..400, _) => {
            let said = match answer.redirect_host() {
                Some(host) => format!("it redirects to `{host}`"),
                None => refusal(status, &answer, str::to_owned).message,
            };
            Err(strange(transport.base(), status, &said))
        }
        (status, _) => {
            let said = refusal(status, &answer, str::to_owned).message;
            Err(match (status, site_id) {
                (400..500, Some(site_id)) if said.to_ascii_lowercase().contains("site") => {
                    return Err(wrong_site(transport, site_id, &said));
                }
                (401 | 403, _) => denied(transport.base(), status, &said, REMEDY),
                (status, _) => strange(transport.base(), status, &said),
            })
        }
    })
}

fn wrong_site(transport: &Transport, site_id: &str, said: &str) -> Error {
    Error::new(
        ErrorKind::Denied,
        format!("the site id `{site_id}` is not accepted: {said}"),
    )
    .at(transport.base().host_str().unwrap_or_default())
    .hint("fix `site_id` in the profile (IncidentIQ shows it under Admin > Developer Tools), or leave it out if the token tells it")
}

fn constants(site_id: Option<&str>, product_id: Option<&str>) -> BTreeMap<String, String> {
    let mut constants = BTreeMap::new();
    let product_id = product_id.unwrap_or(super::schema::TICKETING);
    constants.insert("ProductId".to_owned(), product_id.to_owned());
    if let Some(site_id) = site_id {
        constants.insert("SiteId".to_owned(), site_id.to_owned());
    }
    constants
}

impl Learned {
    fn of_login(&mut self, item: &Value) {
        let user = member(item, &["User"]).unwrap_or(item);
        self.user = text(user, "Email").or_else(|| text(user, "Name"));
        self.product_id = id(item, "ProductId");
        self.of_site(item);
    }

    fn of_site(&mut self, item: &Value) {
        let site = member(item, &["Site"]).unwrap_or(item);
        let site_id = id(item, "SiteId").or_else(|| id(site, "SiteId"));
        self.site_id = self.site_id.take().or(site_id);
        self.zone = self.zone.take().or_else(|| zone(site));
    }

    /// What the login did not tell; not every token may read it, so a failure teaches nothing.
    async fn of_settings(&mut self, transport: &Transport) {
        let settings = || async {
            let request = Request::get("/v1.0/sites/my/settings");
            let answer = ask(transport, &request).await;
            let answer = answer.map_err(|lost| unreachable(transport.base(), &lost))?;
            match (answer.status, answer.json()) {
                (200, Ok(body)) if body.is_object() => Ok(body),
                (status, _) => Err(strange(transport.base(), status, "no settings")),
            }
        };
        let told = match settings().await {
            Ok(body) => Some(body),
            Err(_) => asked_again(settings).await,
        };
        if let Some(body) = told {
            self.of_site(member(&body, &["Item"]).unwrap_or(&body));
        }
    }
}
