//! The short flags: which field of the system each of them fills.

use crate::cli::args::{WriteArgs, common_flags};
use crate::error::{Error, Result};
use crate::systems::fields::{FieldTable, FieldType};
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
    let meanings = common_flags();
    for (id, value) in args.common.typed() {
        let meaning = meanings.iter().find(|(known, _)| *known == id);
        let meaning = meaning.map_or(&[][..], |(_, meaning)| *meaning);
        // The one of which there can be several is typed one by one.
        let flag = format!("--{}", if id == "tags" { "tag" } else { id });
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
        values.push((field.name.to_owned(), value));
    }
    Ok(values)
}

/// The command that lists the fields.
pub(super) fn listing(operation: Operation, system: SystemName) -> String {
    format!("its fields: deskferry schema fields --system {system} --operation {operation}")
}
