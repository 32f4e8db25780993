//! Whether a mapping has anything that `--bulk` could send together.

use crate::error::{Error, Result};
use crate::mapping::Mapping;
use crate::systems;

/// Refuses `--bulk` where no request is for many tickets.
pub(super) fn can(mapping: &Mapping) -> Result<()> {
    let (system, operation) = (mapping.system(), mapping.operation());
    let Some(bulk) = systems::schema(system, None)?.bulk() else {
        return Err(Error::usage(format!(
            "`--bulk` sends one request for many tickets, and `{system}` has no such request"
        ))
        .at(mapping.name())
        .hint("leave it out: each ticket gets a request of its own"));
    };
    if bulk.operations.contains(&operation) {
        return Ok(());
    }
    let names: Vec<&str> = bulk.operations.iter().map(|it| it.as_str()).collect();
    let why = match operation.makes() {
        true => "tickets are made one by one",
        false => "it has no request for many tickets",
    };
    Err(Error::usage(format!(
        "`--bulk` is not for `operation = \"{operation}\"`: {why}"
    ))
    .at(mapping.name())
    .hint(format!(
        "leave it out; for `{system}` it goes with {}",
        words(&names)
    )))
}

fn words(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
