//! What a token must be allowed to do, in words that people can look for among the rights of their system.

use super::{CREATE, Operation, Refusal, call_of};

/// The right that a step needs, to follow *the right to*: `close tickets`.
pub fn right_of(step: &str) -> String {
    let call = call_of(step);
    let Some(operation) = Operation::parse(call) else {
        return format!("change `{call}` of tickets");
    };
    match operation {
        Operation::Create | Operation::Upsert => format!("{CREATE} tickets"),
        Operation::SetStatus => "change the status of tickets".to_owned(),
        Operation::Attach => "upload files".to_owned(),
        Operation::Subtask => "work on subtasks".to_owned(),
        other => format!("{} tickets", other.verb()),
    }
}

/// A refusal that names the right that is missing.
pub fn without_right(right: &str, refusal: Refusal) -> Refusal {
    Refusal {
        message: format!("the token has no right to {right}: {}", refusal.message),
        // No cell is at fault.
        fields: Vec::new(),
        ..refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_called_by_what_people_do() {
        let cases = [
            ("create", "create tickets"),
            ("then-2/comment", "comment on tickets"),
            ("update/update", "update tickets"),
            ("close", "close tickets"),
            ("then-1/attach", "upload files"),
            ("then-1/complete", "change `complete` of tickets"),
        ];
        for (step, right) in cases {
            assert_eq!(right_of(step), right);
        }
    }
}
