//! Reads `[input]`: how the file is read, what its columns are, which rows count.

use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::field::ERROR_CELLS;
use std::sync::Arc;

use super::field::read_field;
use super::file::{At, Faults, Raw, Section, in_order, integer};
use super::keys::{self, Keys};
use super::load::{Reading, texts};
use super::lookup::LookupRule;
use super::parse::read_parse;
use super::shape::{FieldRule, InputRules, Instead, ParseRule, Take, Version};
use crate::directory::suggest::{did_you_mean, fold, nearest};
use crate::source::{
    Charset, Guards, InputOptions, LABELS, Merged, Numbers, Rule, SheetChoice, SheetName,
};

const NUMBERS: [(&str, Numbers); 2] = [("shown", Numbers::Shown), ("held", Numbers::Held)];
const RULES: [(&str, Rule); 2] = [("read", Rule::Read), ("skip", Rule::Skip)];
const MERGED: [(&str, Merged); 2] = [("fill", Merged::Fill), ("empty", Merged::Empty)];

/// Whether the greatest comes first.
pub(super) const ORDERS: [(&str, bool); 2] = [("ascending", false), ("descending", true)];

pub(super) fn read_input(
    top: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> (InputOptions, InputRules) {
    let version = reading.version;
    let Some((table, at)) = top.table("input", faults) else {
        let rules = InputRules {
            version,
            ..InputRules::default()
        };
        return (InputOptions::default(), rules);
    };
    let input = Section::open(table, at, &keys::INPUT, faults);
    let mut header_rows = read_header_rows(&input, faults);
    let options = InputOptions {
        sheet: read_sheet(&input, faults),
        header_row: header_rows.pop(),
        header_above: header_rows,
        encoding: read_encoding(&input, faults),
        delimiter: read_delimiter(&input, faults),
        guarded: match (input.bool("guarded", faults).unwrap_or(false), version) {
            (false, _) => Guards::None,
            // What an older program read as a part of a key stays one.
            (true, Version::One) => Guards::Ours,
            (true, _) => Guards::All,
        },
        records: input.text("records", faults).map(|text| text.value),
        numbers: input.word("numbers", &NUMBERS, faults),
        hidden_rows: input.word("hidden_rows", &RULES, faults),
        merged: input.word("merged", &MERGED, faults),
        total_rows: input.word("total_rows", &RULES, faults),
        may_be_empty: false,
    };
    let takes = [
        ("first", Take::First),
        ("last", Take::Last),
        ("last_filled", Take::LastFilled),
    ];
    let (columns, computed) = read_input_columns(&input, reading, faults);
    let rules = InputRules {
        version,
        computed: computed.into_iter().map(Arc::new).collect(),
        null: texts(&input, "null", faults),
        empty_errors: input
            .word("error_cells", &ERROR_CELLS, faults)
            .unwrap_or(false),
        timezone: read_zone(&input, faults),
        where_: input.text("where", faults),
        where_group: input.text("where_group", faults),
        group_by: input.texts("group_by", faults).unwrap_or_default(),
        order_by: input.text("order_by", faults),
        descending: input.word("order", &ORDERS, faults).unwrap_or(false),
        take: input.word("take", &takes, faults).unwrap_or_default(),
        columns,
    };
    if rules.group_by.is_empty() {
        for key in ["order_by", "order", "take"] {
            if input.has(key) {
                let message = format!("`{key}` is about the rows of a group and needs `group_by`");
                faults.hint(
                    input.key_at(key),
                    message,
                    format!("leave `{key}` out, or name the columns that make a group"),
                );
            }
        }
    }
    if input.has("order") && rules.order_by.is_none() && !rules.group_by.is_empty() {
        let hint = "name the column that orders the rows of a group";
        faults.hint(input.key_at("order"), "`order` needs `order_by`", hint);
    }
    (options, rules)
}

/// The columns of the input: types of those that it has, and those that are made.
type InputColumns = (Vec<(At<String>, ParseRule)>, Vec<FieldRule>);

fn read_input_columns(
    input: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> InputColumns {
    let Some((table, _)) = input.table("columns", faults) else {
        return Default::default();
    };
    let (mut typed, mut computed) = InputColumns::default();
    for (name, span, raw) in in_order(table) {
        let Some(section) = column_section(name, raw, &keys::COLUMN, faults) else {
            continue;
        };
        let name = At::new(name.to_owned(), span.start);
        let origins = ["from", "from_first", "template", "value"];
        if origins.iter().any(|key| section.has(key)) {
            computed.push(read_computed(name, &section, reading, faults));
            continue;
        }
        let steps = section.keys().filter(|key| !keys::TYPED.has(key.name));
        for key in steps.filter(|key| section.has(key.name)) {
            let message = format!(
                "`{}` needs an origin: it is a step of a column that is made",
                key.name
            );
            let hint = format!("write `from = \"{}\"` before it", name.value);
            faults.hint(section.key_at(key.name), message, hint);
        }
        typed.extend(typed_column(name, &section, reading.version, faults));
    }
    (typed, computed)
}

/// A column that is made as a field is.
fn read_computed(
    name: At<String>,
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> FieldRule {
    let at = name.at;
    let rule = read_field(name, section, reading, faults);
    let otherwise = rule.table.iter().map(|table| &table.otherwise);
    let otherwise = otherwise.chain(rule.lookup.iter().map(LookupRule::otherwise));
    let mut otherwise = otherwise.chain(&rule.when_empty);
    if otherwise.any(|instead| matches!(instead, Instead::SkipRow)) {
        let message = format!("column `{}` cannot leave a row out", rule.name.value);
        faults.hint(
            at,
            message,
            "write `where` in `[input]`, or `skip_row` in a field",
        );
    }
    rule
}

/// Reads `columns` of a table that is looked into: the types of its columns by heading.
pub(super) fn read_columns(
    section: &Section<'_, '_>,
    version: Version,
    faults: &mut Faults,
) -> Vec<(At<String>, ParseRule)> {
    let Some((table, _)) = section.table("columns", faults) else {
        return Vec::new();
    };
    let mut columns = Vec::new();
    for (name, span, raw) in in_order(table) {
        if let Some(section) = column_section(name, raw, &keys::TYPED, faults) {
            let name = At::new(name.to_owned(), span.start);
            columns.extend(typed_column(name, &section, version, faults));
        }
    }
    columns
}

fn column_section<'t, 'a>(
    name: &str,
    raw: &'t Raw<'a>,
    keys: &'static Keys,
    faults: &mut Faults,
) -> Option<Section<'t, 'a>> {
    let DeValue::Table(column) = raw.get_ref() else {
        faults.formal();
        faults.hint(
            raw.span().start,
            format!("column `{name}` must be a table"),
            "for example `{ parse = \"date\", formats = [\"%m/%d/%Y\"] }`",
        );
        return None;
    };
    Some(Section::open(column, raw.span().start, keys, faults))
}

fn typed_column(
    name: At<String>,
    section: &Section<'_, '_>,
    version: Version,
    faults: &mut Faults,
) -> Option<(At<String>, ParseRule)> {
    let parse = read_parse(section, version, faults);
    if parse.is_none() && !section.has("parse") {
        faults.hint(
            name.at,
            format!("column `{}` has no `parse`", name.value),
            "say what it holds: text, date, datetime, number, integer, bool or json",
        );
    }
    Some((name, parse?))
}

fn read_sheet(input: &Section<'_, '_>, faults: &mut Faults) -> SheetChoice {
    let Some(raw) = input.get("sheet") else {
        return SheetChoice::First;
    };
    let name = |value: &DeValue<'_>| match value {
        DeValue::String(name) => Some(SheetName::Name(name.to_string())),
        _ => integer(value)
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number > 0)
            .map(SheetName::Number),
    };
    let chosen = match raw.get_ref() {
        DeValue::String(all) if all == "*" => Some(SheetChoice::All),
        DeValue::Array(list) if !list.is_empty() => list
            .iter()
            .map(|item| name(item.get_ref()))
            .collect::<Option<Vec<_>>>()
            .map(SheetChoice::These),
        value => name(value).map(|name| SheetChoice::These(vec![name])),
    };
    let wanted = "a sheet's name, its number from 1, a list of them, or \"*\"";
    chosen
        .or_else(|| input.wrong("sheet", raw, wanted, faults))
        .unwrap_or_default()
}

/// The rows that bear the headings, from the top; none where the mapping names none.
fn read_header_rows(input: &Section<'_, '_>, faults: &mut Faults) -> Vec<u32> {
    let Some(raw) = input.get("header_row") else {
        return Vec::new();
    };
    let row = |value: &DeValue<'_>, least: i64| {
        let row = integer(value).filter(|row| *row >= least)?;
        Some(u32::try_from(row).unwrap_or(u32::MAX))
    };
    let rows: Option<Vec<u32>> = match raw.get_ref() {
        DeValue::Array(list) if !list.is_empty() => {
            list.iter().map(|item| row(item.get_ref(), 1)).collect()
        }
        DeValue::Array(_) => None,
        value => row(value, 0).map(|row| vec![row]),
    };
    let Some(rows) = rows else {
        let wanted = "a row number, or a list of them from 1: `[2, 3]`";
        input.wrong::<()>("header_row", raw, wanted, faults);
        return Vec::new();
    };
    if !rows.is_sorted_by(|one, next| one < next) {
        let message = "the rows of `header_row` do not stand from the top";
        faults.hint(
            raw.span().start,
            message,
            "write them in order, such as `[2, 3]`",
        );
    }
    rows
}

fn read_encoding(input: &Section<'_, '_>, faults: &mut Faults) -> Option<String> {
    let label = input.text("encoding", faults)?;
    if Charset::of_label(&label.value).is_none() {
        faults.hint(
            label.at,
            format!("no encoding `{}`", label.value),
            format!("one of {LABELS}"),
        );
    }
    Some(label.value)
}

fn read_delimiter(input: &Section<'_, '_>, faults: &mut Faults) -> Option<char> {
    let text = input.text("delimiter", faults)?;
    let mut characters = text.value.chars();
    match (text.value.as_str(), characters.next(), characters.next()) {
        ("tab" | "\\t", _, _) => Some('\t'),
        (_, Some(one), None) if one.is_ascii() && !matches!(one, '"' | '\r' | '\n') => Some(one),
        _ => {
            faults.hint(
                text.at,
                format!("`{}` is no delimiter", text.value),
                "one character, such as \",\" \";\" \"|\", or \"tab\"",
            );
            None
        }
    }
}

/// The zone that was meant: people write the city alone, or slip.
fn near_zone(written: &str) -> Option<String> {
    let names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    let city = fold(&written.replace(' ', "_"));
    let same_city = names.iter().find(|name| {
        name.rsplit_once('/')
            .is_some_and(|(_, last)| fold(last) == city)
    });
    match same_city {
        Some(name) => did_you_mean(std::slice::from_ref(name)),
        None => did_you_mean(&nearest(written, names.iter().map(String::as_str))),
    }
}

/// The `timezone` of a table.
pub(crate) fn read_zone(section: &Section<'_, '_>, faults: &mut Faults) -> Option<TimeZone> {
    let name = section.text("timezone", faults)?;
    let zone = TimeZone::get(&name.value).ok();
    if zone.is_none() {
        let hint = near_zone(&name.value).unwrap_or_else(|| {
            "a name of the time zone database, such as \"America/Chicago\" or \"UTC\"".to_owned()
        });
        faults.hint(name.at, format!("no time zone `{}`", name.value), hint);
    }
    zone
}
