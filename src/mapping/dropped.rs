//! `drop`: columns that stay behind on purpose, checked against what the mapping reads.

use super::columns::{Columns, missing_column};
use super::file::Faults;
use super::plan::Plan;
use super::script::Origin;
use crate::record::{ColumnRef, Header};
use crate::source::Table;

/// What stands between a column and a member of its items: `comments[].id`.
pub(super) const MEMBER: &str = "[].";

/// Whether an entry names by a pattern: `Owner.*`, `*.id`. What it stands for may be there or not, as a system tells it.
pub(super) fn is_pattern(entry: &str) -> bool {
    entry.contains('*') && !entry.trim().ends_with("[*]")
}

/// Whether a name is of a pattern, in which `*` stands for any text.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (crate::record::fold(pattern), crate::record::fold(name));
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(head) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        left = match parts.peek() {
            // The last part is the end of the name.
            None => return left.ends_with(part),
            Some(_) => match left.find(part) {
                Some(at) => &left[at + part.len()..],
                None => return false,
            },
        };
    }
    true
}

/// Tells entries of `drop` that name no column, and those that name one which the mapping reads.
pub(super) fn check_dropped(plan: &Plan, columns: &Columns, tables: &[Table], faults: &mut Faults) {
    for dropped in &plan.drop {
        if is_pattern(&dropped.value) {
            if dropped.value.trim().chars().all(|sign| sign == '*') {
                let message = "`drop` names every column: nothing is left to import";
                let hint = "name the columns that stay behind, or a pattern such as `Owner.*`";
                faults.hint(dropped.at, message.to_owned(), hint);
            }
            continue;
        }
        let column = dropped
            .value
            .split_once(MEMBER)
            .map_or(dropped.value.as_str(), |(column, _)| column);
        let is_member = column.len() < dropped.value.len();
        let found = tables.iter().enumerate().flat_map(|(number, table)| {
            let found = positions(plan, &table.header, column).into_iter();
            found.map(move |at| (number, at))
        });
        let found: Vec<(usize, usize)> = found.collect();
        if found.is_empty() {
            missing_column(column, &Origin::Mapping(dropped.at), tables, faults);
            continue;
        }
        let is_read = found.iter().any(|(table, at)| columns.reads(*table, *at));
        if is_read && !is_member {
            let message = format!("`drop` names `{column}`, which the mapping reads");
            faults.hint(dropped.at, message, "leave it out of `drop`");
        }
    }
}

/// Of columns that nothing reads, those that do not stay behind on purpose.
pub(super) fn without_dropped(
    plan: &Plan,
    mut unread: Vec<(usize, String)>,
) -> Vec<(usize, String)> {
    unread.retain(|(_, name)| !is_dropped(plan, name));
    unread
}

/// Whether a column, by its unique name, stays behind on purpose.
pub(super) fn is_dropped(plan: &Plan, name: &str) -> bool {
    if plan.drop.is_empty() {
        return false;
    }
    let alone = Header::new(vec![base(name).to_owned()]);
    plan.drop.iter().any(|dropped| {
        if is_pattern(&dropped.value) {
            return fits(&dropped.value, name);
        }
        let all = dropped.value.trim().ends_with("[*]");
        match all {
            true => !positions(plan, &alone, &dropped.value).is_empty(),
            false => crate::record::fold(&dropped.value) == crate::record::fold(name),
        }
    })
}

/// A heading without the number that tells it from others of its name: `Comment` of `Comment[2]`.
fn base(name: &str) -> &str {
    let numbered = name.strip_suffix(']').and_then(|it| it.rsplit_once('['));
    match numbered {
        Some((base, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => name,
    }
}

fn positions(plan: &Plan, header: &Header, name: &str) -> Vec<usize> {
    match plan.rules.version.find(header, name) {
        Some(ColumnRef::One(at)) => vec![at],
        Some(ColumnRef::All(all)) => all,
        Some(ColumnRef::File | ColumnRef::Sheet | ColumnRef::Row) | None => Vec::new(),
    }
}
