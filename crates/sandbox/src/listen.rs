//! Connections: serving until it is told to stop, a request read whole, the system that its path names.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::admin;
use super::call::Call;
use super::clearfeed::ClearFeed;
use super::delayed_commit::{self, Job};
use super::departure::{Departure, respond, takes_gzip};
use super::incidentiq::IncidentIq;
use super::openapi;
use super::people;
use super::reply::Reply;
use super::server::{App, Pick};
use super::wire::{Door, Switch};

/// The greatest body.
const MAX_BODY: usize = 64 << 20;

/// Serves until it is told to stop.
pub(super) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    later: mpsc::UnboundedReceiver<Job>,
    (people, seed): (f64, u64),
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state(app.clone());
    let door = Door::new(listener, app.down.subscribe())?;
    let mut stop = app.stopped();
    let serving = axum::serve(door, router.into_make_service_with_connect_info::<Switch>())
        .with_graceful_shutdown(async move {
            // An error means that the sandbox was dropped.
            let _ = stop.wait_for(|stopped| *stopped).await;
        });
    let people = people::work(app.clone(), people, seed);
    let (served, (), ()) = tokio::join!(
        serving.into_future(),
        delayed_commit::attend(app, later),
        people
    );
    served
}

async fn answer(
    State(app): State<Arc<App>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let codings = parts.headers.get(header::ACCEPT_ENCODING);
    let packs = takes_gzip(codings.and_then(|value| value.to_str().ok()));
    let is_admitted = app.guard.admits(&parts.uri, &parts.headers);
    let departure = match to_bytes(body, MAX_BODY).await {
        _ if !is_admitted => Departure::Whole(Reply::text(
            403,
            "text/plain",
            "this sandbox answers under localhost and the address at which it listens, and to no page of another site: \
             look at the headers Host and Origin\n"
                .to_owned(),
        )),
        Ok(body) => {
            let call = Call::new(
                parts.method.as_str(),
                parts.uri.path(),
                parts.uri.query(),
                parts.headers,
                body,
            );
            depart(&app, call).await
        }
        Err(_) => Departure::Whole(Reply::text(
            413,
            "text/plain",
            "the body is too long or broke off\n".to_owned(),
        )),
    };
    if matches!(departure, Departure::Cut) {
        switch.cut();
    }
    respond(departure, app.instance_header(), packs)
}

async fn depart(app: &App, call: Call) -> Departure {
    let path = call.path();
    let reads = call.method == "GET" || call.method == "HEAD";
    match path.as_slice() {
        // Who makes a client of the document has no token yet.
        ["incidentiq", "openapi.json"] if reads => {
            Departure::Whole(Reply::json(200, &openapi::document(&app.incidentiq)))
        }
        ["clearfeed", "openapi.json"] if reads => {
            Departure::Whole(Reply::json(200, &openapi::document(&app.clearfeed)))
        }
        ["incidentiq", ..] => {
            let pick: Pick<IncidentIq> = |app| (&app.incidentiq, &app.gates[0]);
            app.emulate(pick, call).await
        }
        ["clearfeed", ..] => {
            let pick: Pick<ClearFeed> = |app| (&app.clearfeed, &app.gates[1]);
            app.emulate(pick, call).await
        }
        ["_sandbox", ..] if !app.guard.may_administer(call.header("authorization")) => {
            let error = "send the `admin_token` of the ready line as `Authorization: Bearer TOKEN`";
            Departure::Whole(Reply::json(401, &serde_json::json!({ "error": error })))
        }
        ["_sandbox", ..] => Departure::Whole(admin::answer(app, &call)),
        _ => Departure::Whole(Reply::text(
            404,
            "text/plain",
            "a sandbox of deskferry: /incidentiq, /clearfeed, /_sandbox\n".to_owned(),
        )),
    }
}
