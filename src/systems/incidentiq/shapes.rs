//! Which shapes of refusals IncidentIQ documents (contract incidentiq §2, §17).

use crate::systems::shape::Shape;

/// Members of every envelope (§2) that an error may bear as well.
const COMMON: [&str; 13] = [
    "UserToken",
    "RequestDate",
    "ExecutionTime",
    "ErrorKey",
    "ServerName",
    "ProcessId",
    "OperationId",
    "Properties",
    "Metadata",
    "Logs",
    "Errors",
    "IsSuccess",
    "CorrelationId",
];

/// The error bodies of §17: status and message, and what §2 lets every answer bear. A refusal that names a ticket, that
/// contradicts its own status or that bears a member of another spelling is none.
pub(super) fn are_documented(shape: &Shape) -> bool {
    let with = |further: &[&str]| {
        let allowed: Vec<&str> = COMMON.iter().chain(further).copied().collect();
        shape.has(&["StatusCode", "Message"], &allowed)
    };
    match (shape.http, shape.status) {
        // §2: a success is none whose `StatusCode` says otherwise.
        (200..300, 400..500) => with(&["RetryAfter"]),
        (http, status) if http != status => false,
        (_, 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422) => with(&["ResourceId"]),
        (_, 429) => with(&["RetryAfter"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_of_the_contract_count_and_no_others() {
        let parse = |text: &str| text.parse::<Shape>().unwrap();
        for documented in [
            "create 400/400 json CorrelationId,Errors,Message,StatusCode",
            "create 401/401 json Message,RequestDate,StatusCode",
            "create 404/404 json Message,RequestDate,ResourceId,StatusCode",
            "create 409/409 json ErrorKey,Message,StatusCode",
            "create 429/429 json Message,RetryAfter,StatusCode",
            "create 200/400 json Errors,IsSuccess,Message,RequestDate,StatusCode",
        ] {
            assert!(are_documented(&parse(documented)), "{documented}");
        }
        for other in [
            "create 400/400 json message",
            "create 400/400 json Message,StatusCode,status!",
            "create 400/400 json Item,Message,StatusCode",
            "create 400/400 html ",
            "create 403/403 empty ",
            "create 302/302 json Message,StatusCode",
            "create 200/400 json Item,Message,StatusCode",
            "create 500/500 json Message,StatusCode",
        ] {
            assert!(!are_documented(&parse(other)), "{other}");
        }
    }
}
