//! Reads the fields of a mapping, and tells steps that cannot follow one another.

use std::ops::Range;

use regex::Regex;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::alias::read_aliases;
use super::file::{At, Faults, Section, in_order, integer, number, type_name, written};
use super::input::ORDERS;
use super::keys;
use super::load::Reading;
use super::lookup::read_lookup;
use super::order::check_order;
use super::parse::read_parse;
use super::shape::{
    Case, CheckRule, FieldRule, Html, Instead, ListRule, Origin, ResolveRule, Take, TextRule,
    Version,
};
use super::table::read_table;
use crate::directory::Kind;
use crate::report::words;

/// What becomes of cells that show an error: whether they count as empty.
pub(super) const ERROR_CELLS: [(&str, bool); 2] = [("refuse", false), ("empty", true)];

/// The prefix of custom fields.
pub(super) const CUSTOM: &str = "custom.";

/// The fields as they are read.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) rules: Vec<FieldRule>,
}

impl Fields {
    /// Reads a table of fields; `[fields.custom]` holds the custom ones.
    pub(super) fn read(
        &mut self,
        table: &DeTable<'_>,
        prefix: &str,
        reading: &mut Reading,
        faults: &mut Faults,
    ) {
        for (key, span, raw) in in_order(table) {
            let name = At::new(format!("{prefix}{key}"), span.start);
            match raw.get_ref() {
                DeValue::Table(inner) if prefix.is_empty() && key == "custom" => {
                    self.read(inner, CUSTOM, reading, faults);
                }
                DeValue::Table(inner) => {
                    let before = faults.len();
                    let section = Section::open(inner, span.start, &keys::FIELD, faults);
                    let mut rule = read_field(name, &section, reading, faults);
                    rule.is_faulty = faults.len() > before;
                    self.rules.push(rule);
                }
                other => {
                    faults.formal();
                    faults.hint(
                        raw.span().start,
                        format!(
                            "field `{}` must be a table, not {}",
                            name.value,
                            type_name(other)
                        ),
                        "write `{ from = \"a column\" }` or `{ value = … }`",
                    );
                    let nothing = Origin::Value(At::new(Value::Null, name.at));
                    self.rules.push(FieldRule {
                        is_faulty: true,
                        ..FieldRule::bare(name, nothing)
                    });
                }
            }
        }
    }
}

/// Reads one field, or one part of a key; where its origin cannot be read it is a value of nothing.
pub(super) fn read_field(
    name: At<String>,
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> FieldRule {
    let before = faults.len();
    let origin = read_origin(&name, section, faults);
    let takes = [
        ("first", Take::First),
        ("last", Take::Last),
        ("last_filled", Take::LastFilled),
    ];
    let null = section.texts("null", faults).unwrap_or_default();
    let version = reading.version;
    let (default, when_empty) = match read_default(section, faults) {
        Some(Instead::Value(value)) => (Some(value), None),
        other => (None, other),
    };
    let mut rule = FieldRule {
        version,
        is_faulty: false,
        take: section.word("take", &takes, faults),
        null: null.into_iter().map(|word| word.value).collect(),
        empty_errors: section
            .word("error_cells", &ERROR_CELLS, faults)
            .unwrap_or(false),
        lookup: read_lookup(section, reading, faults),
        text: read_text(section, version, faults),
        list: read_list(section, origin.as_ref(), faults),
        table: read_table(section, reading, faults),
        default,
        when_empty,
        parse: read_parse(section, version, faults),
        resolve: read_resolve(&name.value, section, reading, faults),
        check: read_check(section, faults),
        clear: section.bool("clear", faults).unwrap_or(false),
        optional: section.bool("optional", faults).unwrap_or(false),
        origin: origin.unwrap_or_else(|| Origin::Value(At::new(Value::Null, name.at))),
        name,
    };
    check_order(&rule, section, faults);
    rule.is_faulty = faults.len() > before;
    rule
}

fn read_origin(
    name: &At<String>,
    section: &Section<'_, '_>,
    faults: &mut Faults,
) -> Option<Origin> {
    let keys = ["from", "from_first", "template", "value"];
    let present: Vec<&str> = keys.into_iter().filter(|key| section.has(key)).collect();
    match present.as_slice() {
        // A slip in the key is told by itself.
        [] if section.has_unknown => return None,
        [] => {
            let what = format!("`{}` has no origin", name.value);
            faults.hint(
                name.at,
                what,
                "give it one of `from`, `from_first`, `template`, `value`",
            );
            return None;
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("`{}` has both `{first}` and `{second}`", name.value);
            faults.hint(
                section.key_at(second),
                message,
                "a field has exactly one origin",
            );
            return None;
        }
    }
    if section.has("join") && section.get("from").is_none() {
        faults.hint(
            section.key_at("join"),
            "`join` needs `from` with several columns",
            "leave `join` out, or write `from = [\"A\", \"B\"]`",
        );
    }
    let columns = |key: &str, faults: &mut Faults| {
        let columns = section.texts(key, faults)?;
        if columns.is_empty() {
            faults.formal();
            faults.hint(
                section.key_at(key),
                format!("`{key}` names no column"),
                "name a column of the file, as its heading is written",
            );
            return None;
        }
        Some(columns)
    };
    if section.has("from") {
        let columns = columns("from", faults)?;
        let join = section.text("join", faults).map(|join| join.value);
        return Some(Origin::Columns { columns, join });
    }
    if section.has("from_first") {
        return columns("from_first", faults).map(Origin::First);
    }
    if section.has("template") {
        return section.text("template", faults).map(Origin::Template);
    }
    let raw = section.get("value")?;
    let value = constant(raw.get_ref())
        .or_else(|| section.wrong("value", raw, "a text, a number, a truth or a list", faults))?;
    Some(Origin::Value(At::new(value, raw.span().start)))
}

/// A constant of the file as JSON.
pub(super) fn constant(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(_) => Value::from(integer(value)?),
        DeValue::Float(_) => Value::from(number(value)?),
        DeValue::Datetime(at) => Value::String(at.to_string()),
        DeValue::Array(items) => items
            .iter()
            .map(|item| constant(item.get_ref()))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array)?,
        DeValue::Table(_) => return None,
    })
}

fn read_text(section: &Section<'_, '_>, version: Version, faults: &mut Faults) -> TextRule {
    let upper = section.bool("upper", faults).unwrap_or(false);
    let lower = section.bool("lower", faults).unwrap_or(false);
    if upper && lower {
        faults.hint(
            section.key_at("lower"),
            "a text cannot be both `upper` and `lower`",
            "leave one of the two out",
        );
    }
    let words = [
        ("strip", Html::Strip),
        ("keep", Html::Keep),
        ("from_text", Html::FromText),
        ("from_escaped", Html::FromEscaped),
        ("from_wiki", Html::FromWiki),
    ];
    let extract = section.text("extract", faults).and_then(|text| {
        let regex = compile(&text, faults)?;
        if regex.captures_len() != 2 {
            faults.hint(
                text.at,
                format!(
                    "`extract` needs one group, `{}` has {}",
                    text.value,
                    regex.captures_len() - 1
                ),
                "put what you want in round brackets: `#(\\d+)`",
            );
        }
        Some(regex)
    });
    let repairs = [("utf8-read-as-1252", true)];
    let trim = section.bool("trim", faults).unwrap_or(true);
    // The parts of a text are trimmed, not what stands between them.
    let trim = trim && (version < Version::Two || !section.has("split"));
    TextRule {
        repair: section.word("repair", &repairs, faults).unwrap_or(false),
        trim,
        trims_last: trim && version >= Version::Two,
        opens_lines: version >= Version::Two,
        collapse: section.bool("collapse", faults).unwrap_or(false),
        case: match (upper, lower) {
            (true, _) => Some(Case::Upper),
            (false, true) => Some(Case::Lower),
            _ => None,
        },
        replace: read_replace(section, faults),
        extract,
        html: section.word("html", &words, faults),
    }
}

/// A regular expression of the file.
fn compile(text: &At<String>, faults: &mut Faults) -> Option<Regex> {
    Regex::new(&text.value)
        .map_err(|error| {
            let text_of_error = error.to_string();
            let reason = text_of_error.lines().last().unwrap_or_default();
            let reason = reason.trim().trim_start_matches("error: ");
            let message = format!("`{}` is no regular expression: {reason}", text.value);
            let fault = match blamed(&text.value) {
                Some(part) => faults.add_in(text.at, &part, message),
                None => faults.add(text.at, message),
            };
            *fault = Some("write signs that stand for themselves as `\\.` `\\(` `\\?`; in TOML use 'single quotes' around it".to_owned());
        })
        .ok()
}

/// The part of a regular expression that keeps it from being one, in its bytes.
fn blamed(regex: &str) -> Option<Range<usize>> {
    let span = match regex_syntax::parse(regex).err()? {
        regex_syntax::Error::Parse(error) => *error.span(),
        regex_syntax::Error::Translate(error) => *error.span(),
        _ => return None,
    };
    Some(span.start.offset..span.end.offset)
}

fn read_replace(section: &Section<'_, '_>, faults: &mut Faults) -> Vec<(Regex, String)> {
    let Some(raw) = section.get("replace") else {
        return Vec::new();
    };
    let wanted = "a list of pairs, `[[\"regex\", \"with\"], …]`";
    let DeValue::Array(pairs) = raw.get_ref() else {
        section.wrong::<()>("replace", raw, wanted, faults);
        return Vec::new();
    };
    let mut replace = Vec::new();
    for pair in pairs {
        let texts: Vec<At<String>> = pair.get_ref().as_array().map_or(Vec::new(), |items| {
            let texts = items.iter().map(|item| {
                let text = written(item.get_ref())?;
                Some(At::new(text, item.span().start))
            });
            texts.collect::<Option<Vec<_>>>().unwrap_or_default()
        });
        match texts.as_slice() {
            [regex, with] => {
                let compiled = compile(regex, faults);
                if let Some(regex) = &compiled {
                    check_replacement(regex, with, faults);
                }
                replace.extend(compiled.map(|regex| (regex, with.value.clone())));
            }
            _ => {
                section.wrong::<()>("replace", pair, wanted, faults);
            }
        }
    }
    replace
}

/// Tells a group that the regular expression does not have: it would put nothing in its place, without a word.
fn check_replacement(regex: &Regex, with: &At<String>, faults: &mut Faults) {
    for Reference { part, name } in references(&with.value) {
        let is_known = match name.parse::<usize>() {
            Ok(number) => number < regex.captures_len(),
            Err(_) => regex.capture_names().flatten().any(|known| known == name),
        };
        let is_dollar = with.value[part.start..].starts_with('$');
        if is_known && is_dollar {
            continue;
        }
        let groups = regex.captures_len() - 1;
        // A backslash and a digit is a path or the like where there is nothing to refer to.
        if !is_dollar && groups == 0 {
            continue;
        }
        let message = match is_dollar {
            true => format!("`replace` has no group `{name}`"),
            false => format!("`\\{name}` is no group here: it would stand in the text as it is"),
        };
        let digits = name.chars().take_while(char::is_ascii_digit).count();
        let number = (1..=digits)
            .rev()
            .find(|length| name[..*length].parse().is_ok_and(|n: usize| n <= groups));
        let hint = match number {
            Some(length) => format!(
                "write `${{{}}}{}`; a `$` that is meant is `$$`",
                &name[..length],
                &name[length..]
            ),
            None if groups == 0 => {
                "put what is meant in round brackets, and write `${1}`; a `$` that is meant is `$$`"
                    .to_owned()
            }
            None => format!(
                "the expression has {} in round brackets, the first is `${{1}}`; a `$` that is meant is `$$`",
                words::plural(groups as u64, "group", "groups")
            ),
        };
        *faults.add_in(with.at, &part, message) = Some(hint);
    }
}

/// A group that a replacement refers to.
struct Reference<'t> {
    /// Where, in bytes.
    part: Range<usize>,
    name: &'t str,
}

/// What a replacement refers to: `$1`, `${name}`, and `\1` as other programs write it.
fn references(with: &str) -> Vec<Reference<'_>> {
    let bytes = with.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        at += 1;
        match (bytes[start], bytes.get(at)) {
            (b'$', Some(b'$')) => at += 1,
            (b'$', Some(b'{')) => {
                if let Some(end) = with[at..].find('}') {
                    let name = &with[at + 1..at + end];
                    at += end + 1;
                    let part = start..at;
                    found.push(Reference { part, name });
                }
            }
            (b'$', Some(next)) if is_word(next) => {
                let length = bytes[at..].iter().take_while(|byte| is_word(byte)).count();
                let name = &with[at..at + length];
                at += length;
                let part = start..at;
                found.push(Reference { part, name });
            }
            (b'\\', Some(next)) if next.is_ascii_digit() => {
                let length = bytes[at..].iter().take_while(|byte| is_word(byte)).count();
                if length == 1 {
                    let name = &with[at..=at];
                    let part = start..at + 1;
                    found.push(Reference { part, name });
                }
                at += length;
            }
            _ => {}
        }
    }
    found
}

fn read_list(
    section: &Section<'_, '_>,
    origin: Option<&Origin>,
    faults: &mut Faults,
) -> Option<ListRule> {
    let several = section.bool("list", faults).unwrap_or(false);
    let columns = match origin {
        Some(Origin::Columns { columns, .. }) => columns.len(),
        _ => 0,
    };
    if several && columns < 2 && origin.is_some() {
        let message = "`list` needs `from` with several columns";
        let hint = "leave it out: the parts of one cell are a list by `split`";
        faults.hint(section.key_at("list"), message, hint);
    }
    if several && section.has("join") {
        let message = "`list` and `join` say two things of several columns";
        let hint = "leave `join` out for several values, `list` for one";
        faults.hint(section.key_at("join"), message, hint);
    }
    let split = section.text("split", faults);
    if split.as_ref().is_some_and(|split| split.value.is_empty()) {
        faults.hint(
            section.key_at("split"),
            "`split` is empty",
            "name what stands between the items, such as \",\" or \"\\n\"",
        );
    }
    let max_items = section.count("max_items", faults);
    let unique = section.bool("unique", faults).unwrap_or(false);
    let descending = section.word("order", &ORDERS, faults);
    let is_list =
        several || split.is_some() || max_items.is_some() || unique || descending.is_some();
    is_list.then_some(ListRule {
        several,
        split: split.map(|split| split.value),
        descending: descending.unwrap_or(false),
        max_items,
        unique,
    })
}

/// A text, or a number or truth of the file as text.
pub(super) fn scalar(value: &DeValue<'_>) -> Option<String> {
    Some(match constant(value)? {
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) | Value::Null => return None,
        other => other.to_string(),
    })
}

fn read_default(section: &Section<'_, '_>, faults: &mut Faults) -> Option<Instead> {
    let actions = [
        ("error", Instead::Error),
        ("skip_field", Instead::SkipField),
        ("skip_row", Instead::SkipRow),
    ];
    let default = read_instead(section, "default", &actions, faults)?;
    if let Instead::Value(value) = &default
        && value.value.trim().is_empty()
    {
        faults.hint(
            value.at,
            "`default` is empty",
            "leave it out: an empty cell stays empty by itself",
        );
    }
    Some(default)
}

/// A value to take, or `{ do = … }`.
pub(super) fn read_instead(
    section: &Section<'_, '_>,
    key: &str,
    actions: &[(&str, Instead)],
    faults: &mut Faults,
) -> Option<Instead> {
    let raw = section.get(key)?;
    let at = raw.span().start;
    if let DeValue::Table(table) = raw.get_ref() {
        let action = Section::open(table, at, &keys::ACTION, faults);
        if !action.has("do") {
            let message = format!("`{key}` does not say what is done");
            let hint = "write `{ do = \"skip_field\" }`, or a value";
            faults.hint(at, message, hint);
        }
        let word = action.text("do", faults)?;
        let found = actions.iter().find(|(name, _)| *name == word.value);
        if found.is_none() {
            let names: Vec<&str> = actions.iter().map(|(name, _)| *name).collect();
            let message = format!("`{key}` cannot do `{}`", word.value);
            faults.formal();
            faults.unknown(word.at, message, &word.value, &names);
        }
        return found.map(|(_, instead)| instead.clone());
    }
    let text = scalar(raw.get_ref())
        .or_else(|| section.wrong(key, raw, "a value, or `{ do = … }`", faults))?;
    if actions.iter().any(|(name, _)| *name == text) {
        faults.hint(
            at,
            format!("`{key} = \"{text}\"` would be a value"),
            format!("write `{key} = {{ do = \"{text}\" }}`"),
        );
        return None;
    }
    Some(Instead::Value(At::new(text, at)))
}

fn read_resolve(
    field: &str,
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> ResolveRule {
    let kinds = Kind::ALL.map(|kind| (kind.as_str(), Some(kind)));
    let kinds: Vec<(&str, Option<Kind>)> = kinds.into_iter().chain([("key", None)]).collect();
    let at = section.key_at("resolve");
    let (kind, by_key) = match section.word("resolve", &kinds, faults) {
        Some(Some(kind)) => (Some(At::new(kind, at)), None),
        Some(None) => (None, Some(at)),
        None => (None, None),
    };
    let aliases = read_aliases(field, section, reading, faults);
    let actions = [
        ("error", Instead::Error),
        ("skip_item", Instead::SkipItem),
        ("skip_field", Instead::SkipField),
        ("skip_row", Instead::SkipRow),
    ];
    let details = [
        "match",
        "within",
        "aliases",
        "aliases_file",
        "missing",
        "ambiguous",
    ];
    ResolveRule {
        kind,
        by_key,
        match_: section.texts("match", faults).unwrap_or_default(),
        within: section.text("within", faults),
        aliases,
        missing: read_instead(section, "missing", &actions, faults),
        ambiguous: read_instead(section, "ambiguous", &actions, faults),
        detail_at: details
            .into_iter()
            .find(|key| section.has(key))
            .map(|key| section.key_at(key)),
    }
}

fn read_check(section: &Section<'_, '_>, faults: &mut Faults) -> CheckRule {
    let pattern = section.text("pattern", faults).and_then(|text| {
        // The whole value must fit: a pattern that fits somewhere in it would let `x1234y` pass for a number.
        compile(&text, faults)?;
        let whole = At::new(format!("^(?:{})$", text.value), text.at);
        Some((compile(&whole, faults)?, text.value))
    });
    let overflow = [("error", false), ("truncate", true)];
    CheckRule {
        required: section.bool("required", faults).unwrap_or(false),
        max_length: section.count("max_length", faults),
        truncate: section.word("overflow", &overflow, faults).unwrap_or(false),
        min: section.number("min", faults),
        max: section.number("max", faults),
        one_of: section.texts("one_of", faults).unwrap_or_default(),
        pattern,
    }
}

impl FieldRule {
    /// A field that does nothing but read its origin.
    pub(super) fn bare(name: At<String>, origin: Origin) -> Self {
        Self {
            name,
            version: Version::Two,
            is_faulty: false,
            origin,
            take: None,
            null: Vec::new(),
            empty_errors: false,
            lookup: None,
            text: TextRule {
                repair: false,
                trim: true,
                collapse: false,
                case: None,
                replace: Vec::new(),
                extract: None,
                html: None,
                trims_last: true,
                opens_lines: true,
            },
            list: None,
            table: None,
            default: None,
            when_empty: None,
            parse: None,
            resolve: ResolveRule::default(),
            clear: false,
            optional: false,
            check: CheckRule::default(),
        }
    }
}
