//! Proving a token and finding the dialect (contract clearfeed): `GET /collections` under `v1` first, then
//! under `rest`; the one that answers is kept.
//!
//! Another dialect means other bodies, other ids and another replica, so one wrong answer must not change it: a dialect that
//! failed is asked again once the other has answered, and one that answered this profile before is never left for the
//! other silently.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use super::listing::PageSize;
use super::schema::ClearFeedSchema;
use super::{ClearFeed, dialect, shapes};
use crate::error::{Error, ErrorKind, Result};
use crate::systems::connection::{ask, asked_again, denied, strange, unreachable};
use crate::systems::http::refusal::{member, refusal};
use crate::systems::http::{Answer, Request, Settings, Transport};
use crate::systems::shape::Shapes;
use crate::systems::{Account, Connection, Dialect};

const REMEDY: &str = "make a personal access token in ClearFeed's web app under Settings > Developer Settings and put it where `token` in the profile points to";

pub(super) async fn sign_in(connection: Connection) -> Result<ClearFeed> {
    let mut failed: Vec<Failed> = Vec::new();
    for &dialect in dialects(&connection)? {
        let transport = transport(&connection, dialect)?;
        match prove(&transport).await {
            Ok(answer) => {
                if let Some((first, answer)) = answers_after_all(&failed).await {
                    let first = failed.swap_remove(first);
                    return signed_in(connection, first.dialect, first.transport, &answer);
                }
                let before = connection.answered_before;
                if let Some(left) = failed.iter().find(|it| Some(it.dialect) == before) {
                    return Err(moved(left, dialect));
                }
                return signed_in(connection, dialect, transport, &answer);
            }
            Err(error) => failed.push(Failed {
                dialect,
                transport,
                error,
            }),
        }
    }
    // A refused token says more than a call that is not known, and that more than silence.
    let errors = failed.into_iter().map(|failed| failed.error);
    let heaviest = errors.reduce(|first, next| match weight(&next) > weight(&first) {
        true => next,
        false => first,
    });
    Err(heaviest.expect("at least one dialect was tried"))
}

/// A dialect that did not answer in its shape.
struct Failed {
    dialect: Dialect,
    transport: Transport,
    error: Error,
}

/// The first of these dialects that answers when it is asked again, by its place.
async fn answers_after_all(failed: &[Failed]) -> Option<(usize, Answer)> {
    for (place, failed) in failed.iter().enumerate() {
        if let Some(answer) = asked_again(|| prove(&failed.transport)).await {
            return Some((place, answer));
        }
    }
    None
}

/// The dialect that answered this profile until now does not, and the other one does.
fn moved(before: &Failed, now: Dialect) -> Error {
    let error = Error::new(
        ErrorKind::System,
        format!(
            "the workspace answers only as dialect `{now}`, but answered this profile as `{}` before; nothing was sent",
            before.dialect
        ),
    );
    error
        .at(before.transport.base().host_str().unwrap_or_default())
        .caused_by(before.error.to_string())
        .hint("run the same command again: a proxy may have answered instead of ClearFeed")
        .hint(format!(
            "if ClearFeed has changed it for good, add `dialect = \"{now}\"` to the profile"
        ))
}

/// The dialects that may answer, the likeliest first.
fn dialects(connection: &Connection) -> Result<&'static [Dialect]> {
    Ok(match connection.dialect {
        None if connection.answered_before == Some(Dialect::Rest) => &[Dialect::Rest, Dialect::V1],
        None => &[Dialect::V1, Dialect::Rest],
        Some(Dialect::V1) => &[Dialect::V1],
        Some(Dialect::Rest) => &[Dialect::Rest],
        Some(Dialect::Only) => {
            return Err(
                Error::usage("ClearFeed has no dialect `only`").hint("write `v1` or `rest`")
            );
        }
    })
}

/// The addresses at which a workspace may answer, one a dialect.
pub(super) fn addresses(connection: &Connection) -> Result<Vec<Url>> {
    let dialects = dialects(connection)?.iter();
    dialects
        .map(|dialect| dialect::base(*dialect, connection.url.as_ref()))
        .collect()
}

fn weight(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Denied => 2,
        ErrorKind::System => 1,
        _ => 0,
    }
}

fn transport(connection: &Connection, dialect: Dialect) -> Result<Transport> {
    Transport::new(Settings {
        base: dialect::base(dialect, connection.url.as_ref())?,
        token: &connection.token,
        headers: HeaderMap::new(),
        concurrency: connection.concurrency,
        timeout: connection.timeout,
        insecure_http: connection.insecure_http,
        route: &connection.route,
    })
}

/// What proves a token, and under which name it lists: a token that may not read the one may read the other.
pub(super) const PROOFS: [(&str, &str); 2] =
    [("/collections", "collections"), ("/requests", "requests")];

async fn prove(transport: &Transport) -> Result<Answer> {
    let mut first = None;
    for (path, listed) in PROOFS {
        let one = [("limit", "1".to_owned())];
        let request = Request::get(path);
        let request = match first {
            None => request,
            Some(_) => request.query(&one),
        };
        let answer = ask(transport, &request)
            .await
            .map_err(|lost| unreachable(transport.base(), &lost))?;
        let is_listing = |body: &Value| member(body, &[listed]).is_some_and(Value::is_array);
        match (answer.status, answer.json()) {
            (200..300, Ok(body)) if is_listing(&body) => return Ok(answer),
            (403, _) if first.is_none() => first = Some(answer),
            // The refusal says more than what another call came to.
            _ => return Err(refused(transport, first.as_ref().unwrap_or(&answer))),
        }
    }
    let first = first.expect("the loop ends early unless the first was refused");
    Err(refused(transport, &first))
}

fn refused(transport: &Transport, answer: &Answer) -> Error {
    let status = answer.status;
    let said = match answer.redirect_host() {
        Some(host) if (300..400).contains(&status) => format!("it redirects to `{host}`"),
        _ => refusal(status, answer, str::to_owned).message,
    };
    match status {
        401 | 403 => denied(transport.base(), status, &said, REMEDY),
        _ => strange(transport.base(), status, &said),
    }
}

/// Whether the workspace spells its ids as numbers, by those of its collections, else of the collection of a request.
fn has_numbers(answer: &Answer) -> bool {
    let body = answer.json().unwrap_or_default();
    let first = |name: &str| member(&body, &[name])?.as_array()?.first();
    let of_request = |request: &Value| {
        let own = member(request, &["collection"]).and_then(|own| member(own, &["id"]));
        own.or_else(|| member(request, &["collection_id"])).cloned()
    };
    let first = first("collections")
        .and_then(|collection| member(collection, &["id"]).cloned())
        .or_else(|| of_request(first("requests")?));
    match first {
        Some(Value::Number(_)) => true,
        Some(Value::String(id)) => !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

fn signed_in(
    connection: Connection,
    dialect: Dialect,
    transport: Transport,
    answer: &Answer,
) -> Result<ClearFeed> {
    let sandbox = transport.sandbox(answer);
    let is_sandbox = sandbox.is_some();
    let tenant = sandbox
        .or(connection.tenant)
        .ok_or_else(|| {
            Error::usage("the profile has no `tenant`").hint(
                "add `tenant = \"acme\"`: a name of your own for this workspace, which the API does not tell; never change it",
            )
        })?;
    Ok(ClearFeed {
        account: Account {
            tenant,
            user: None,
            dialect,
            clock_offset: answer.clock_offset(Timestamp::now()),
        },
        schema: ClearFeedSchema::new(dialect).with_numbers(has_numbers(answer)),
        shapes: Shapes::new(shapes::are_documented),
        concurrency: connection.concurrency,
        page_size: PageSize::default(),
        retention: connection.retention,
        is_sandbox,
        transport,
    })
}
