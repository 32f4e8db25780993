//! The short flags: which field of the system each of them fills.

use crate::cli::args::WriteArgs;
use crate::error::{Error, Result};
use crate::systems::fields::{FieldTable, FieldType, called};
use crate::systems::{Operation, SystemName};

/// The fields and values that were typed, by the system's own names.
///
/// # Errors
/// For a flag that is no field of the operation; the names of `--set` are judged with their values.
pub(super) fn values(
    args: &WriteArgs,
    operation: Operation,
    system: SystemName,
    table: &FieldTable,
) -> Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for typed in &args.set {
        let Some((name, value)) = typed.split_once('=') else {
            return Err(Error::usage(format!("`--set {typed}` has no `=`"))
                .hint("write it as --set FIELD=VALUE"));
        };
        values.push((name.trim().to_owned(), value.to_owned()));
    }
    let common = &args.common;
    let public = common.public.then(|| "true".to_owned());
    let flags: [(&str, &[&str], &Option<String>); 14] = [
        ("--title", called::TITLE, &common.title),
        ("--description", called::DESCRIPTION, &common.description),
        ("--body", called::COMMENT, &common.body),
        ("--public", called::PUBLIC, &public),
        ("--user", called::ASSIGNEE, &common.user),
        ("--team", called::TEAM, &common.team),
        ("--status", called::STATUS, &common.status),
        ("--priority", called::PRIORITY, &common.priority),
        ("--requester", called::REQUESTER, &common.requester),
        ("--place", called::LOCATION, &common.place),
        ("--issue", called::ISSUE, &common.issue),
        ("--collection", called::QUEUE, &common.collection),
        ("--reason", called::CLOSE_REASON, &common.reason),
        ("--due", called::DUE, &common.due),
    ];
    let tags = common.tags.iter().map(|tag| ("--tag", called::TAGS, tag));
    let given = flags
        .into_iter()
        .filter_map(|(flag, meaning, value)| Some((flag, meaning, value.as_ref()?)));
    for (flag, meaning, value) in given.chain(tags) {
        let field = table.fields.iter().find(|field| field.called == meaning);
        let field = field.ok_or_else(|| {
            Error::usage(format!(
                "`{operation}` of {system} has no field for `{flag}`"
            ))
            .hint(listing(operation, system))
        })?;
        let is_list = matches!(field.kind, FieldType::List(_));
        if !is_list && values.iter().any(|(name, _)| name == field.name) {
            let message = format!("`{flag}` and `--set` both give `{}`", field.name);
            return Err(Error::usage(message).hint("leave one of them out"));
        }
        values.push((field.name.to_owned(), value.clone()));
    }
    Ok(values)
}

/// The command that lists the fields.
pub(super) fn listing(operation: Operation, system: SystemName) -> String {
    format!("its fields: deskferry schema fields --system {system} --operation {operation}")
}
