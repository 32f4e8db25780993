//! Which request each call of a row makes on a ticket that stands (contract incidentiq §8 to §12).

use std::borrow::Cow;

use reqwest::Method;
use serde_json::{Value, json};

use super::compose::COMMENT_TYPE;
use super::fields::{
    ACTION, ASSETS, ASSIGN, COMMENT_CHANGE, CUSTOM_FIELDS, DESCRIPTION, DUE_DATE, FOLLOW, ISSUE,
    OWNER, PRIORITY, SEND_EMAIL, SENSITIVE, SLA, STATUS, SUBJECT, TAGS, UNASSIGN, UNFOLLOW, URGENT,
    WHOLE,
};
use super::tickets::segment;
use crate::systems::http::refusal::Rename;
use crate::systems::{Call, Operation, Ticket};

/// A request on its way.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Cow<'a, Value>>,
    /// Whether what the body does not name must stay, which a header asks for (§8).
    pub(super) is_partial: bool,
    /// The ticket that stands already.
    pub(super) standing: Option<&'a Ticket>,
    /// The names of its members as the mapping spells them.
    pub(super) rename: Rename,
}

impl<'a> Sending<'a> {
    pub(super) fn new(method: Method, path: String, standing: Option<&'a Ticket>) -> Self {
        Self {
            method,
            path,
            body: None,
            is_partial: false,
            standing,
            rename: field_name,
        }
    }

    pub(super) fn body(self, body: Cow<'a, Value>) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// By which of its members the body of an operation's first step tells the narrow call that takes it.
const TOLD_BY: [(&str, &str); 26] = [
    ("CustomFieldTypeId", CUSTOM_FIELDS),
    ("AssetId", ASSETS),
    ("Name", TAGS),
    ("Subject", SUBJECT),
    ("Description", DESCRIPTION),
    ("IssueId", ISSUE),
    ("IsUrgent", URGENT),
    ("HasSensitiveInformation", SENSITIVE),
    ("Priority", PRIORITY),
    ("AssignToUserId", ASSIGN),
    ("AssignToTeamId", ASSIGN),
    ("AssignToParentId", ASSIGN),
    ("AssignToRelatedId", ASSIGN),
    ("ClearUser", ASSIGN),
    ("ClearTeam", ASSIGN),
    ("SlaId", SLA),
    ("Unassign", UNASSIGN),
    ("CustomDate", DUE_DATE),
    ("TicketFollowerUserId", FOLLOW),
    ("TicketFollowerTeamId", FOLLOW),
    ("UnfollowUserId", UNFOLLOW),
    ("UnfollowTeamId", UNFOLLOW),
    ("CommentId", COMMENT_CHANGE),
    ("WorkflowStepId", STATUS),
    ("Action", ACTION),
    ("OwnerId", OWNER),
];

/// The narrow call of a step: what its body tells of an operation's first step; that of which it is one of several; the
/// step itself.
pub(super) fn narrow<'s>(step: &'s str, body: &Value) -> &'s str {
    let several = [FOLLOW, UNFOLLOW, COMMENT_CHANGE, UNASSIGN];
    if let Some(call) = several.into_iter().find(|call| {
        step.strip_prefix(call)
            .is_some_and(|rest| rest.starts_with('_'))
    }) {
        return call;
    }
    let first = body.as_array().map_or(Some(body), |items| items.first());
    let has = |member: &str| first.is_some_and(|first| first.get(member).is_some());
    match Operation::parse(step) {
        Some(Operation::Update | Operation::Assign | Operation::SetStatus) if !has(WHOLE) => {
            let told = TOLD_BY.iter().find(|(member, _)| has(member));
            told.map_or(step, |(_, call)| call)
        }
        _ => step,
    }
}

/// The request of a step.
///
/// # Errors
/// Why there is none.
pub(super) fn sending(call: Call<'_>) -> Result<Sending<'_>, String> {
    let ticket = call
        .ticket
        .ok_or_else(|| format!("the step `{}` needs a ticket that stands", call.step))?;
    let root = format!("/v1.0/tickets/{}", segment(&ticket.id)?);
    let to = |method, tail: &str| {
        let path = match tail {
            "" => root.clone(),
            tail => format!("{root}/{tail}"),
        };
        Sending::new(method, path, Some(ticket))
    };
    let post = |tail: &str| to(Method::POST, tail);
    let member = |name: &str| segment(call.body[name].as_str().unwrap_or_default());
    let of_ticket = |body: &Value| {
        let mut body = body.clone();
        body["TicketId"] = json!(ticket.id);
        body
    };
    let is_on = |name: &str| call.body[name] == json!(true);
    if let Some(operation) = Operation::parse(call.step) {
        match operation {
            Operation::Comment => return Ok(comment(call, &post)),
            Operation::Close => return Ok(post("close").body(Cow::Borrowed(call.body))),
            Operation::Delete => return Ok(to(Method::DELETE, "")),
            Operation::Subtask => {
                let path = "/v1.0/subtasks/create".to_owned();
                let create = Sending::new(Method::POST, path, Some(ticket));
                return Ok(create.body(Cow::Owned(of_ticket(call.body))));
            }
            _ => {}
        }
    }
    Ok(match narrow(call.step, call.body) {
        SUBJECT => post("subject").body(Cow::Owned(of_ticket(call.body))),
        DESCRIPTION => post("description").body(Cow::Owned(of_ticket(call.body))),
        ISSUE => post("issue").body(Cow::Owned(of_ticket(call.body))),
        CUSTOM_FIELDS => {
            let values = call.body.as_array().into_iter().flatten();
            post("custom-fields").body(Cow::Owned(values.map(of_ticket).collect()))
        }
        URGENT if is_on("IsUrgent") => post("mark-urgent"),
        URGENT => post("mark-not-urgent"),
        SENSITIVE if is_on("HasSensitiveInformation") => post("mark-sensitive"),
        SENSITIVE => post("mark-not-sensitive"),
        PRIORITY => post("priority").body(Cow::Owned(of_ticket(call.body))),
        TAGS => post("tags").body(Cow::Borrowed(call.body)),
        ASSETS => post("assets").body(Cow::Borrowed(call.body)),
        DUE_DATE => post("due-dates").body(Cow::Borrowed(call.body)),
        ASSIGN => post("assign").body(Cow::Owned(of_ticket(call.body))),
        SLA if call.body["SlaId"].is_null() => post("unassign-sla"),
        SLA => post("sla").body(Cow::Borrowed(call.body)),
        UNASSIGN => match call.body["Unassign"].as_str() {
            Some("user") => post("unassign/user"),
            Some("team") => post("unassign/team"),
            Some("related") => post(&format!("unassign/related/{}", member("OtherId")?)),
            _ => post("unassign-sla"),
        },
        OWNER => post(&format!(
            "owner/{}/for/{}",
            member("OwnerId")?,
            member("ForId")?
        )),
        FOLLOW if call.body["TicketFollowerTeamId"].is_string() => post(&format!(
            "followers/team/{}",
            member("TicketFollowerTeamId")?
        )),
        FOLLOW => post(&format!(
            "followers/user/{}",
            member("TicketFollowerUserId")?
        )),
        UNFOLLOW => {
            let tail = match call.body["UnfollowTeamId"].is_string() {
                true => format!("followers/team/{}", member("UnfollowTeamId")?),
                false => format!("followers/user/{}", member("UnfollowUserId")?),
            };
            to(Method::DELETE, &tail)
        }
        COMMENT_CHANGE => comment_change(call, &post, member("CommentId")?),
        STATUS => post(&format!("status/{}", member("WorkflowStepId")?)),
        ACTION => match call.body["Action"].as_str().unwrap_or_default() {
            "undelete" => to(Method::PUT, "undelete"),
            "withdraw-approval" => to(Method::DELETE, "workflow/delete"),
            "resolve-step" => post(&format!("next-steps/{}/resolve", member("NextStepId")?)),
            "request-approval" => {
                let body = of_ticket(&only(call.body, &["ApproverIds"]));
                post("workflow/approval").body(Cow::Owned(body))
            }
            verdict @ ("approve" | "deny") => {
                let mut body = of_ticket(&only(call.body, &["Comments"]));
                body["Action"] = json!(if verdict == "deny" { "Deny" } else { "Approve" });
                body["IsCommentPublic"] = json!(false);
                post("workflow/approval/response").body(Cow::Owned(body))
            }
            "duplicate" => post(&format!("mark-as-duplicate/{}", member("DuplicateOfId")?)),
            name => {
                let (tail, members) = action(name)?;
                let action = post(tail);
                match members {
                    [] => action,
                    members => action.body(Cow::Owned(only(call.body, members))),
                }
            }
        },
        step if Operation::parse(step) == Some(Operation::Update) => Sending {
            is_partial: true,
            ..post("").body(Cow::Borrowed(call.body))
        },
        other => return Err(format!("IncidentIQ has no step `{other}`")),
    })
}

/// Where an action of the workflow leads, and what of the body it takes (§10).
fn action(name: &str) -> Result<(&'static str, &'static [&'static str]), String> {
    Ok(match name {
        "start" => ("start", &["UserId"]),
        "stop" => ("stop", &[]),
        "confirm" => ("confirm-issue", &[]),
        "unconfirm" => ("unconfirm-issue", &[]),
        "waiting" => ("status/waiting-on-requestor", &[]),
        "responded" => ("status/requestor-responded", &[]),
        "resolve" => ("resolve", &["CloseReasonTypeId"]),
        "cancel" => ("cancel", &["CloseReasonTypeId"]),
        other => return Err(format!("IncidentIQ has no action `{other}`")),
    })
}

/// These members of a body.
fn only(body: &Value, members: &[&str]) -> Value {
    let given = members
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), body.get(name)?.clone())));
    Value::Object(given.collect())
}

/// What changes a comment that stands (§11): the text with who sees it, that alone, or whether it is deleted.
fn comment_change<'a>(call: Call<'a>, post: &dyn Fn(&str) -> Sending<'a>, id: &str) -> Sending<'a> {
    let (said, is_public) = (&call.body["CommentText"], &call.body["CommentIsPublic"]);
    match (said.as_str(), &call.body["CommentIsDeleted"]) {
        (Some(said), _) => {
            let (kind, number) = COMMENT_TYPE;
            let body = json!({
                "TicketId": call.ticket.map(|ticket| &ticket.id),
                "TicketActivityId": id,
                "IsPublic": is_public,
                "ActivityItems": [{
                    "$type": kind, "TicketActivityTypeId": number, "Comments": said, "IsPublic": is_public,
                }],
            });
            post(&format!("activities/{id}")).body(Cow::Owned(body))
        }
        (None, Value::Bool(is_deleted)) => {
            let path = format!("/v1.0/tickets/activities/{id}");
            match is_deleted {
                true => Sending::new(Method::DELETE, path, call.ticket),
                false => Sending::new(Method::PUT, format!("{path}/undelete"), call.ticket),
            }
        }
        _ => post(&format!("activities/{id}/visibility")).body(Cow::Borrowed(is_public)),
    }
}

/// A comment under an id of our choice, by which the system tells a repeated one (§11).
fn comment<'a>(call: Call<'a>, post: &dyn Fn(&str) -> Sending<'a>) -> Sending<'a> {
    let mut body = call.body.clone();
    let silent = body
        .as_object_mut()
        .and_then(|members| members.shift_remove(SEND_EMAIL));
    body["TicketActivityId"] = json!(call.id.to_string());
    if let Some(ticket) = call.ticket {
        body["TicketId"] = json!(ticket.id);
    }
    let sending = match silent {
        Some(_) => post("activities/new/false"),
        None => post("activities/new"),
    };
    Sending {
        rename: comment_field_name,
        ..sending.body(Cow::Owned(body))
    }
}

/// A member of a request as the mapping calls the field.
fn field_name(member: &str) -> String {
    let name = member.split(['.', '[']).next().unwrap_or(member);
    match name {
        "AssignToUserId" => "AssignedToUserId",
        "AssignToTeamId" => "AssignedToTeamId",
        "AssignToParentId" => "ParentTicketId",
        "AssignToRelatedId" => "RelatedTicketId",
        "PriorityId" => "Priority",
        "CustomDate" => "DueDate",
        "Description" => "IssueDescription",
        _ => return member.to_owned(),
    }
    .to_owned()
}

/// The same for a comment.
fn comment_field_name(member: &str) -> String {
    let last = member.rsplit(['.', ']']).next().unwrap_or(member);
    match last {
        "OwnerId" | "ByUserId" => "by",
        "IsPublic" => "public",
        _ => "body",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_of_an_operation_tells_its_call() {
        let cases = [
            ("update", json!({WHOLE: false, "Subject": "s"}), "update"),
            ("update", json!({"Subject": "s"}), SUBJECT),
            ("update", json!({"Description": null}), DESCRIPTION),
            ("update", json!([{"CustomFieldTypeId": "f"}]), CUSTOM_FIELDS),
            ("update", json!([{"Name": "old"}]), TAGS),
            ("assign", json!({"ClearUser": true}), ASSIGN),
            ("assign", json!({"SlaId": "s"}), SLA),
            ("assign", json!({"Unassign": "team"}), UNASSIGN),
            (
                "set_status",
                json!({"Action": "start", "UserId": "u"}),
                ACTION,
            ),
            ("tags", json!([]), TAGS),
            ("follow_12", json!({"TicketFollowerUserId": "u"}), FOLLOW),
            ("unassign_2", json!({"Unassign": "team"}), UNASSIGN),
        ];
        for (step, body, call) in cases {
            assert_eq!(narrow(step, &body), call, "{step} {body}");
        }
    }

    #[test]
    fn what_a_comment_is_refused_for_bears_the_names_of_its_fields() {
        assert_eq!(comment_field_name("ActivityItems[0].ByUserId"), "by");
        assert_eq!(comment_field_name("ActivityItems"), "body");
    }
}
