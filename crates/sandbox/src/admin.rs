//! `/_sandbox`: the audit, counts, scripted faults, reset. On this machine it needs no token: it holds nothing that the
//! sandbox does not. Beyond it has one of its own ([`super::guard`]).

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::fault::{FaultSpec, FaultValue, Script, Span};
use super::reply::Reply;
use super::server::App;

pub(super) fn answer(app: &App, call: &Call) -> Reply {
    let path = call.path();
    match (call.method.as_str(), &path[1..]) {
        ("GET", ["audit"]) => Reply::text(200, "application/x-ndjson", app.audit.text()),
        ("GET", ["stats"]) => Reply::json(200, &stats(app)),
        ("GET", ["faults"]) => Reply::json(200, &faults(app)),
        ("POST", ["faults"]) => match script(app, call) {
            Ok(()) => Reply::json(200, &faults(app)),
            Err(message) => Reply::json(400, &json!({ "error": message })),
        },
        ("DELETE", ["faults"]) => {
            app.faults.clear();
            Reply::json(200, &faults(app))
        }
        ("POST", ["reset"]) => match app.reset() {
            Ok(instance) => Reply::json(200, &json!({ "instance": instance })),
            Err(error) => Reply::json(500, &json!({ "error": error.to_string() })),
        },
        _ => Reply::json(
            404,
            &json!({ "error": "there are GET audit, GET stats, GET|POST|DELETE faults, POST reset" }),
        ),
    }
}

fn stats(app: &App) -> Value {
    let [incidentiq, clearfeed] = &app.gates;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    json!({
        "instance": app.instance(),
        "tickets": { "incidentiq": app.incidentiq.count(), "clearfeed": app.clearfeed.count() },
        "writes": app.audit.len(),
        "people": count(&app.people),
        "requests": { "incidentiq": count(&incidentiq.requests), "clearfeed": count(&clearfeed.requests) },
        "throttled": { "incidentiq": count(&incidentiq.throttled), "clearfeed": count(&clearfeed.throttled) },
        "faults": app.faults.struck(),
    })
}

fn faults(app: &App) -> Value {
    let scripted: serde_json::Map<String, Value> = app
        .faults
        .scripted()
        .into_iter()
        .map(|(operation, scripts)| {
            let scripts: Vec<_> = scripts
                .iter()
                .map(|one| match one.span == Span::default() {
                    true => json!({ "fault": one.kind.as_str(), "times": one.times }),
                    false => json!({
                        "fault": one.kind.as_str(), "times": one.times, "value": one.span.to_string(),
                    }),
                })
                .collect();
            (operation, Value::from(scripts))
        })
        .collect();
    let chances: Vec<_> = app
        .faults
        .chances()
        .map(|spec| match spec.value {
            FaultValue::Chance(p, span) => json!({
                "fault": spec.kind.as_str(),
                "probability": p,
                "from_ms": span.from.as_secs_f64() * 1e3,
                "to_ms": span.to.as_secs_f64() * 1e3,
            }),
            FaultValue::After(count, rate) => json!({
                "fault": spec.kind.as_str(), "after": count, "rate": rate,
            }),
        })
        .collect();
    json!({ "scripted": scripted, "chance": chances })
}

/// What `POST faults` takes: one, or a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The operation's name as in the audit, or `*` for any.
    #[serde(default = "any")]
    operation: String,
    fault: String,
    #[serde(default = "once")]
    times: u64,
    /// For how long, where the fault takes time: the most of a range.
    #[serde(default)]
    value: Option<String>,
}

fn any() -> String {
    "*".to_owned()
}

fn once() -> u64 {
    1
}

fn script(app: &App, call: &Call) -> Result<(), String> {
    let body = call.json().map_err(|refusal| refusal.message)?;
    let bodies = match body {
        Value::Array(items) => items,
        one => vec![one],
    };
    let mut scripts = Vec::new();
    for body in bodies {
        let wanted: Wanted = serde_json::from_value(body).map_err(|error| error.to_string())?;
        let span = FaultSpec::scripted(&wanted.fault, wanted.value.as_deref())
            .map_err(|error| error.to_string())?;
        let (kind, span) = span;
        let times = wanted.times;
        scripts.push((wanted.operation, Script { kind, times, span }));
    }
    for (operation, one) in scripts {
        app.faults.script(&operation, one);
    }
    Ok(())
}
