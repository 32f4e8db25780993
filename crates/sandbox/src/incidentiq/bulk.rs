//! One request for many tickets (contract incidentiq §13). A live system works it later and answers with a job; the
//! sandbox works it at once, each ticket for itself and with its own line in the audit, and keeps the job.

use serde_json::{Map, Value, json};

use super::body::{self, get, guid, id, is_set, list, object_or_empty, text};
use super::book::Kind;
use super::deed::{Deed, Deeds, Effect};
use super::search::found;
use super::state::{Job, State};
use super::{IncidentIq, envelope};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

const JOB: &str = "Job(guid)";
const TAKES: &str = "BulkRequest";

pub(super) const ROUTES: &[Row] = &[
    Row::write("POST", "/tickets/bulk/assign", "bulk_assign", |iiq, call| {
        each(iiq, call, |_, _, request| Ok(vec![("assign", request.clone())]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/set-status", "bulk_status", set_status)
        .takes("{TicketIds [guid], Request any, targetStatus text, comment text, ProductId guid?, IsSelectAll bool, TicketRequest TicketSearch}")
        .gives(JOB),
    Row::write("POST", "/tickets/bulk/set-priority", "bulk_priority", |iiq, call| {
        each(iiq, call, |_, _, request| {
            let priority = get(request, "Priority").unwrap_or(request);
            Ok(vec![("priority", json!({ "Priority": priority }))])
        })
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/set-issue", "bulk_issue", |iiq, call| {
        each(iiq, call, |_, _, request| Ok(vec![("issue", request.clone())]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/assign-sla", "bulk_sla", |iiq, call| {
        each(iiq, call, |_, _, request| Ok(vec![("sla", request.clone())]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("DELETE", "/tickets/bulk/remove-sla", "bulk_remove_sla", |iiq, call| {
        each(iiq, call, |_, _, _| Ok(vec![("unassign_sla", json!({}))]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/assign-workpackage", "bulk_workpackage", |iiq, call| {
        each(iiq, call, |_, _, request| {
            let named = guid(request, "WorkpackageId");
            let package = named.or_else(|| request.as_str()?.parse().ok());
            let package = package.ok_or_else(|| body::missing("WorkpackageId"))?;
            Ok(vec![("assign", json!({ "AssignToWorkpackageId": package }))])
        })
    })
    .takes(TAKES)
    .gives(JOB),
    Row::create("POST", "/tickets/bulk/copy", "bulk_copy", copy)
        .takes(TAKES)
        .gives(JOB),
    Row::create("POST", "/tickets/bulk/work", "bulk_work", |iiq, call| each(iiq, call, work))
        .takes(TAKES)
        .gives(JOB),
    Row::write("POST", "/tickets/bulk/set-info", "bulk_info", |iiq, call| {
        each(iiq, call, set_info)
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/follow", "bulk_follow", |iiq, call| {
        each(iiq, call, |_, _, request| Ok(vec![("follow", object(request))]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/unfollow", "bulk_unfollow", |iiq, call| {
        each(iiq, call, |_, _, request| Ok(vec![("unfollow", object(request))]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/set-due-date", "bulk_due_date", |iiq, call| {
        each(iiq, call, |_, _, request| Ok(vec![("due_dates", request.clone())]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/remove-due-date", "bulk_remove_due_date", |iiq, call| {
        each(iiq, call, |_, _, _| Ok(vec![("due_dates", json!({ "Type": 99 }))]))
    })
    .takes(TAKES)
    .gives(JOB),
    // Rules and views of the sandbox change nothing on a ticket.
    Row::write("POST", "/tickets/bulk/run-rules", "bulk_rules", |iiq, call| {
        each(iiq, call, |_, _, _| Ok(Vec::new()))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("POST", "/tickets/bulk/set-view", "bulk_view", |iiq, call| {
        each(iiq, call, |_, _, _| Ok(Vec::new()))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::write("DELETE", "/tickets/bulk/delete", "bulk_delete", |iiq, call| {
        each(iiq, call, |_, _, _| Ok(vec![("delete", json!({}))]))
    })
    .takes(TAKES)
    .gives(JOB),
    Row::read("GET", "/jobs/{jobId:guid}", "job", job).gives("Item(object)"),
];

pub(super) const DEEDS: Deeds = &[(
    "job",
    Deed::Any(|_, order| {
        Ok(vec![Effect::Job(Job {
            id: order.target,
            shown: order.body.clone(),
        })])
    }),
)];

/// The writes that one ticket needs.
type Writes = Vec<(&'static str, Value)>;

/// An object, whatever stands there.
fn object(request: &Value) -> Value {
    match request {
        Value::Object(_) => request.clone(),
        _ => json!({}),
    }
}

/// The tickets that a request is about: those it names, or all that its search finds.
fn targets(
    iiq: &IncidentIq,
    call: &Call,
    state: &State,
    request: &Value,
) -> Result<Vec<Guid>, Refusal> {
    if is_set(request, "IsSelectAll") {
        let nothing = json!({});
        let search = get(request, "TicketRequest").unwrap_or(&nothing);
        return found(iiq, call, state, search);
    }
    let ids = get(request, "TicketIds").ok_or_else(|| body::missing("TicketIds"))?;
    let ids: Option<Vec<Guid>> = list(ids)?
        .iter()
        .map(|id| id.as_str()?.parse().ok())
        .collect();
    ids.filter(|ids| !ids.is_empty())
        .ok_or_else(|| Refusal::bad("TicketIds", "The TicketIds must be ids of tickets."))
}

/// Has the writes of each ticket done: one that fails is told in the job and does not hold up the others.
fn each(
    iiq: &IncidentIq,
    call: &Call,
    writes: impl Fn(&State, Guid, &Value) -> Result<Writes, Refusal>,
) -> Answer {
    let whole = object_or_empty(call)?;
    let request = get(&whole, "Request").cloned().unwrap_or_default();
    done(iiq, call, &whole, |iiq, call, state, id| {
        for (operation, body) in writes(state, id, &request)? {
            iiq.obey_in(state, call, operation, id, &body)?;
        }
        Ok(())
    })
}

fn done(
    iiq: &IncidentIq,
    call: &Call,
    whole: &Value,
    one: impl Fn(&IncidentIq, &Call, &mut State, Guid) -> Result<(), Refusal>,
) -> Answer {
    let mut state = iiq.state();
    let ids = targets(iiq, call, &state, whole)?;
    let mut results = Vec::new();
    for id in ids {
        let done = match state.ticket(id).map(drop) {
            Ok(()) => one(iiq, call, &mut state, id),
            Err(refusal) => Err(refusal),
        };
        let error = done.err().map(|refusal| refusal.told());
        results.push(json!({ "TicketId": id, "IsSuccess": error.is_none(), "Message": error }));
    }
    let failed = results
        .iter()
        .filter(|one| one["IsSuccess"] == false)
        .count();
    let job = state.next_id("job", state.jobs.len());
    let shown = json!({
        "JobId": job, "Name": call.operation, "Status": "Completed", "Total": results.len(),
        "Succeeded": results.len() - failed, "Failed": failed, "Results": results,
    });
    iiq.obey_in(&mut state, call, "job", job, &shown)?;
    Ok(envelope::item(200, &job, None))
}

/// Two shapes: a step's id under `Request`, or `{targetStatus, comment}` with a status's name (contract §13, D13).
fn set_status(iiq: &IncidentIq, call: &Call) -> Answer {
    let whole = object_or_empty(call)?;
    let request = get(&whole, "Request");
    let step = request.and_then(|request| {
        let id = request
            .as_str()
            .or_else(|| text(request, "WorkflowStepId"))?;
        id.parse::<Guid>().ok()
    });
    let book = iiq.book();
    let by_name = text(&whole, "targetStatus").and_then(|wanted| {
        let id = wanted.parse().ok();
        let mut statuses = book.district.statuses.iter();
        let status = statuses.find(|one| {
            one.name.eq_ignore_ascii_case(wanted) || Some(one.status) == id || Some(one.step) == id
        });
        status.map(|one| one.step)
    });
    let step = step
        .filter(|id| book.find(Kind::Step, *id).is_some())
        .or(by_name)
        .ok_or_else(|| Refusal::bad("Request", "The workflow step does not exist."))?;
    let comment = text(&whole, "comment").filter(|text| !text.trim().is_empty());
    done(iiq, call, &whole, |iiq, call, state, id| {
        let body = json!({ "WorkflowStepId": step });
        iiq.obey_in(state, call, "status", id, &body)?;
        match comment {
            Some(text) => iiq.obey_in(state, call, "comment", id, &comment_body(text)),
            None => Ok(()),
        }
    })
}

fn comment_body(text: &str) -> Value {
    json!({
        "IsPublic": false,
        "ActivityItems": [{
            "$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared",
            "TicketActivityTypeId": 6, "Comments": text,
        }],
    })
}

fn copy(iiq: &IncidentIq, call: &Call) -> Answer {
    let whole = object_or_empty(call)?;
    let options = get(&whole, "Request")
        .map(object)
        .unwrap_or_else(|| json!({}));
    done(iiq, call, &whole, |iiq, call, state, id| {
        let mut options = options.clone();
        options["TicketId"] = json!(id);
        let new = state.next_ticket();
        iiq.obey_in(state, call, "copy", new, &options)
    })
}

/// `{Activity, StatusTypeId, CloseReasonTypeId, IsIssueConfirmed}`: what of it is there, in that order.
fn work(state: &State, _: Guid, request: &Value) -> Result<Writes, Refusal> {
    let mut writes = Writes::new();
    if let Some(confirmed) = get(request, "IsIssueConfirmed").and_then(Value::as_bool) {
        writes.push((if confirmed { "confirm" } else { "unconfirm" }, json!({})));
    }
    if let Some(activity) = get(request, "Activity") {
        writes.push(("comment", activity.clone()));
    }
    if get(request, "StatusTypeId").is_some() {
        let status = body::reference(&state.book, request, "StatusTypeId", Kind::Status)?;
        let status = &state.book.district.statuses[status];
        let reason = get(request, "CloseReasonTypeId");
        writes.push(match (status.is_closed, status.name) {
            (true, "Canceled") => ("cancel", json!({ "CloseReasonTypeId": reason })),
            (true, _) => ("close", json!({ "CloseReasonTypeId": reason })),
            (false, _) => ("status", json!({ "WorkflowStepId": status.step })),
        });
    }
    Ok(writes)
}

/// `{Values: [{Key: "custom-field:{id}", Value}]}`.
fn set_info(_: &State, _: Guid, request: &Value) -> Result<Writes, Refusal> {
    let values = get(request, "Values").and_then(Value::as_array);
    let mut fields = Vec::new();
    for item in values.ok_or_else(|| body::missing("Values"))? {
        let key = text(item, "Key").unwrap_or_default();
        let id = key.strip_prefix("custom-field:");
        let id = id.ok_or_else(|| Refusal::bad("Values", format!("There is no key {key}.")))?;
        let mut field = Map::new();
        field.insert("CustomFieldTypeId".to_owned(), json!(id));
        field.insert(
            "Value".to_owned(),
            get(item, "Value").cloned().unwrap_or_default(),
        );
        fields.push(Value::Object(field));
    }
    Ok(vec![("custom_fields", Value::Array(fields))])
}

/// What became of a job. The documents name the path; the members are the sandbox's own.
fn job(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = id(call, "jobId")?;
    let state = iiq.state();
    let job = state.jobs.iter().find(|job| job.id == id);
    let job = job.ok_or_else(|| Refusal::not_found("The job"))?;
    Ok(envelope::item(200, &job.shown, None))
}
