//! Steps that cannot follow one another, told from the file alone.

use super::file::{Faults, Section};
use super::shape::{FieldRule, Instead, Origin, ParseKind, ParseRule, ResolveRule};

/// Tells what in a field cannot work, whatever the rows hold.
pub(super) fn check_order(rule: &FieldRule, section: &Section<'_, '_>, faults: &mut Faults) {
    needs(section, "else", &["map", "map_file"], faults);
    check_resolve(rule, section, faults);
    check_parse(rule, section, faults);
    check_bounds(rule, section, faults);
    check_list(rule, section, faults);
    if let Origin::Value(_) = rule.origin {
        let idle = [
            "null",
            "error_cells",
            "lookup",
            "repair",
            "trim",
            "collapse",
            "upper",
            "lower",
            "replace",
            "extract",
            "html",
            "list",
            "split",
            "map",
            "map_file",
            "default",
            "take",
            "missing",
        ];
        for key in idle
            .into_iter()
            .filter(|key| section.has("value") && section.has(key))
        {
            faults.hint(
                section.key_at(key),
                format!("`{key}` does nothing to a fixed `value`"),
                format!("leave `{key}` out, and write the value as it should be"),
            );
        }
    }
}

/// Tells a key that means nothing without another.
fn needs(section: &Section<'_, '_>, key: &str, others: &[&str], faults: &mut Faults) {
    if section.has(key) && !others.iter().any(|other| section.has(other)) {
        let message = format!("`{key}` needs `{}`", others[0]);
        faults.hint(
            section.key_at(key),
            message,
            format!("add `{}`, or leave `{key}` out", others[0]),
        );
    }
}

fn check_resolve(rule: &FieldRule, section: &Section<'_, '_>, faults: &mut Faults) {
    if !section.has("resolve") {
        return;
    }
    for key in ["one_of", "pattern", "min", "max", "max_length", "overflow"] {
        if section.has(key) {
            faults.hint(
                section.key_at(key),
                format!("`{key}` comes after `resolve` and would look at an id"),
                "leave it out: a name that resolves is a good one",
            );
        }
    }
    if let Some(parse) = &rule.parse
        && matches!(
            parse.kind,
            ParseKind::Bool | ParseKind::Json | ParseKind::Date | ParseKind::DateTime
        )
    {
        faults.hint(
            section.key_at("parse"),
            "`parse` comes before `resolve`, which needs a name",
            "leave `parse` out",
        );
    }
    if rule.resolve.by_key.is_some() {
        for key in ["match", "within", "aliases", "aliases_file", "ambiguous"] {
            if section.has(key) {
                let message = format!(
                    "`{key}` is about names of the system, and `resolve = \"key\"` takes keys of rows"
                );
                faults.hint(section.key_at(key), message, "leave it out");
            }
        }
        if matches!(rule.resolve.missing, Some(Instead::Value(_))) {
            let message = "`missing` cannot be a value where a row is named by its key";
            let hint = "write `missing = { do = \"skip_field\" }`";
            faults.hint(section.key_at("missing"), message, hint);
        }
    }
    let ResolveRule { within, .. } = &rule.resolve;
    if within
        .as_ref()
        .is_some_and(|within| within.value == rule.name.value)
    {
        faults.hint(
            section.key_at("within"),
            "a field cannot be `within` itself",
            "name the field that holds it: a room is `within = \"LocationId\"`",
        );
    }
}

fn check_parse(rule: &FieldRule, section: &Section<'_, '_>, faults: &mut Faults) {
    let makes_text = |parse: &ParseRule| parse.kind == ParseKind::Text;
    if rule.parse.as_ref().is_none_or(makes_text) || section.has("resolve") {
        return;
    }
    for key in ["max_length", "overflow", "pattern"] {
        if section.has(key) {
            faults.hint(
                section.key_at(key),
                format!("`{key}` comes after `parse` and is for texts"),
                "leave one of the two out",
            );
        }
    }
}

fn check_bounds(rule: &FieldRule, section: &Section<'_, '_>, faults: &mut Faults) {
    let check = &rule.check;
    if let (Some(min), Some(max)) = (&check.min, &check.max)
        && min.value > max.value
    {
        faults.hint(
            max.at,
            format!("`max` {} is below `min` {}", max.value, min.value),
            "nothing would pass: change one of the two",
        );
    }
    let numeric = |kind| matches!(kind, ParseKind::Number | ParseKind::Integer);
    if let Some(parse) = &rule.parse
        && !numeric(parse.kind)
    {
        for key in ["min", "max"].into_iter().filter(|key| section.has(key)) {
            faults.hint(
                section.key_at(key),
                format!("`{key}` is for numbers"),
                "leave it out; rows of other dates are left out by `where` in `[input]`",
            );
        }
    }
    if check.max_length == Some(0) {
        faults.hint(
            section.key_at("max_length"),
            "`max_length = 0` lets nothing through",
            "write the number of characters that are allowed",
        );
    }
    if section.has("one_of") && check.one_of.is_empty() {
        faults.formal();
        faults.hint(
            section.key_at("one_of"),
            "`one_of` is empty: nothing would pass",
            "list the values that are allowed",
        );
    }
}

fn check_list(rule: &FieldRule, section: &Section<'_, '_>, faults: &mut Faults) {
    let Some(list) = &rule.list else {
        return;
    };
    let reads_list = match &rule.origin {
        Origin::Columns { columns, .. } => {
            columns.iter().any(|column| column.value.ends_with("[*]"))
        }
        _ => false,
    };
    let makes_list = list.several
        || list.split.is_some()
        || reads_list
        || rule
            .parse
            .as_ref()
            .is_some_and(|parse| parse.kind == ParseKind::Json);
    for key in ["order", "max_items", "unique"] {
        // A JSON array is a list by itself; only the rows can tell.
        if section.has(key) && !makes_list && !matches!(rule.origin, Origin::Columns { .. }) {
            faults.hint(
                section.key_at(key),
                format!("`{key}` needs `split` or a column `…[*]`"),
                "say what stands between the values: `split = \";\"`",
            );
        }
    }
    if list.max_items == Some(0) {
        faults.hint(
            section.key_at("max_items"),
            "`max_items = 0` lets nothing through",
            "write how many values are taken",
        );
    }
}
