//! The values that templates and conditions see, and how conditions compare them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Value, ValueKind};
use unicode_segmentation::UnicodeSegmentation;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use super::date::{self, Format};
use super::each::RowItem;
use super::expr::{COMPARE, Written};
use super::item::Item;
use super::parse::same;
use super::shape::Version;
use crate::record::{Cell, Header};

/// A date or a date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    at: DateTime,
    date_only: bool,
}

impl Object for Stamp {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.at.cmp(&other.downcast_ref::<Self>()?.at))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self.date_only {
            true => Cell::Date(self.at.date()).text().into_owned(),
            false => Cell::DateTime(self.at).text().into_owned(),
        })
    }
}

/// JSON that a cell holds, or the list of several columns; prints as JSON.
#[derive(Debug)]
struct JsonCell(serde_json::Value);

impl Object for JsonCell {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match &self.0 {
            serde_json::Value::Array(_) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match &self.0 {
            serde_json::Value::Array(items) => items.get(key.as_usize()?).map(of_json),
            value => value.get(key.as_str()?).map(of_json),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.0 {
            serde_json::Value::Array(items) => Enumerator::Seq(items.len()),
            serde_json::Value::Object(members) => {
                Enumerator::Values(members.keys().map(Value::from).collect())
            }
            _ => Enumerator::Empty,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn of_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(""),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::from(number),
            None => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        other => Value::from_object(JsonCell(other.clone())),
    }
}

/// The value of a cell as templates see it; an empty one is `""`.
pub(crate) fn of_item(item: Option<Item<'_>>) -> Value {
    let stamp = |at: DateTime, date_only| Value::from_object(Stamp { at, date_only });
    match item {
        None => Value::from(""),
        Some(Item::Text(text)) => Value::from(text.trim()),
        Some(Item::Integer(number)) => Value::from(number),
        Some(Item::Number(number)) => Value::from(number),
        // With a fraction of so many digits it is a text: comparing it with a number is told.
        Some(Item::Decimal(digits)) => match digits.parse::<i128>() {
            Ok(whole) => Value::from(whole),
            Err(_) => Value::from(digits),
        },
        Some(Item::Bool(value)) => Value::from(value),
        Some(Item::Date(date)) => stamp(date.at(0, 0, 0, 0), true),
        Some(Item::DateTime(at)) => stamp(at, false),
        Some(Item::Instant(at) | Item::Day(at)) => stamp(at.datetime(), false),
        Some(Item::Json(value)) => of_json(&value),
    }
}

/// The list of several columns.
pub(crate) fn of_items(items: Vec<Item<'_>>) -> Value {
    let items = items.into_iter().map(Item::into_json).collect();
    Value::from_object(JsonCell(serde_json::Value::Array(items)))
}

/// A row elsewhere that is an item of `each`: its cells by their headings; prints as JSON.
#[derive(Debug)]
pub(crate) struct WholeItem {
    pub(crate) row: Arc<RowItem>,
    /// The words that count as an empty cell.
    pub(crate) null: Vec<String>,
}

impl Object for WholeItem {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        // What cannot be read is told where the column is named by itself.
        let item = self.row.get(name)?.ok()?;
        let is_null = |item: &Item<'_>| self.null.iter().any(|word| same(word, &item.text()));
        Some(of_item(item.filter(|item| !is_null(item))))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.row.names().iter().map(Value::from).collect())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.row.to_json())
    }
}

/// Names and their values: the context of a template, and a nested member.
#[derive(Debug)]
pub(crate) struct Scope(pub(crate) Vec<(Arc<str>, Value)>);

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let found = self.0.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(
            self.0
                .iter()
                .map(|(name, _)| Value::from(&**name))
                .collect(),
        )
    }
}

/// A whole row: every column of its table by any name that the header knows it by.
#[derive(Debug)]
pub(crate) struct WholeRow {
    pub(crate) header: Arc<Header>,
    pub(crate) values: Vec<Value>,
    /// `_file`, `_sheet`, `_row`.
    pub(crate) built_in: [Value; 3],
    /// The columns that are made, by folded name.
    pub(crate) computed: Vec<(String, Value)>,
}

impl Object for WholeRow {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        use crate::record::ColumnRef;
        if !self.computed.is_empty() {
            let folded = crate::record::fold(key);
            if let Some((_, value)) = self.computed.iter().find(|(name, _)| *name == folded) {
                return Some(value.clone());
            }
        }
        match self.header.find(key)? {
            ColumnRef::One(index) => self.values.get(index).cloned(),
            ColumnRef::All(all) => {
                let values = all.iter().filter_map(|index| self.values.get(*index));
                Some(values.cloned().collect::<Vec<Value>>().into())
            }
            ColumnRef::File => Some(self.built_in[0].clone()),
            ColumnRef::Sheet => Some(self.built_in[1].clone()),
            ColumnRef::Row => Some(self.built_in[2].clone()),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.header.names().iter().map(Value::from).collect())
    }
}

/// What one template may cost for one row: about so many instructions, or 64 times as many bytes that it makes. A loop over ten
/// thousand rows of a group takes a tenth of it.
const FUEL: u64 = 1_000_000;

/// The engine with what the format adds to it: `date('…')`, the filter `strftime`, checked comparisons.
/// Templates load nothing: there is no include.
pub(super) fn environment_of(version: Version) -> Environment<'static> {
    let mut environment = environment();
    if version >= Version::Two {
        // As a field sends it, whatever else stands in the template.
        environment.set_formatter(|out, state, value| match plainly(value) {
            Some(text) => out.write_str(&text).map_err(Error::from),
            None => minijinja::escape_formatter(out, state, value),
        });
        environment.add_filter("string", |value: Value| {
            Value::from(plainly(&value).unwrap_or_else(|| value.to_string()))
        });
    }
    environment
}

/// The same, in which a truth is written as MiniJinja does.
pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax());
    environment.set_fuel(Some(FUEL));
    environment.add_function("date", make_date);
    environment.add_function(COMPARE, compare);
    for word in ["==", "!=", "<", "<=", ">", ">=", "in"] {
        let test = move |left: Value, right: Value| compare(word, left, right);
        environment.add_test(format!("{COMPARE}{word}"), test);
    }
    environment.add_test("filled", is_filled);
    environment.add_filter("strftime", strftime);
    environment.add_filter("tojson", to_json);
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", word_count);
    environment
}

/// Whether a cell holds anything: 0 and `false` are something, unlike for `if`.
fn is_filled(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Number | ValueKind::Bool) || value.is_true()
}

/// A truth or a number as a field sends it, and a list as JSON, whatever it comes from. `None`: it prints so by itself.
fn plainly(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::Bool => Some(value.is_true().to_string()),
        ValueKind::Number => {
            let text = value.to_string();
            Some(text.strip_suffix(".0").map_or(text.clone(), str::to_owned))
        }
        ValueKind::Seq | ValueKind::Iterable
            if value.downcast_object_ref::<JsonCell>().is_none() =>
        {
            Some(json_of(value).to_string())
        }
        _ => None,
    }
}

/// The syntax: MiniJinja's own, but a last line break stays.
pub(crate) fn syntax() -> minijinja::syntax::SyntaxConfig {
    minijinja::syntax::SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .expect("the default delimiters are valid")
}

/// Why a constant about dates is none.
pub(super) fn check_date(written: &Written) -> Result<(), String> {
    match written {
        Written::Date(text, format, _) => make_date(Value::from(text.as_str()), format.clone())
            .map(drop)
            .map_err(|error| reason(&error)),
        Written::Read(format, _) => Format::new(format, false).map(drop),
        Written::Format(format, _) => {
            let sample = jiff::civil::date(2024, 11, 23).at(22, 43, 51, 0);
            jiff::fmt::strtime::format(format, sample)
                .map(drop)
                .map_err(|error| format!("`{format}` is no date format: {error}"))
        }
    }
}

/// `date('2024-01-01')`, `date(Opened, '%d.%m.%Y')`.
fn make_date(value: Value, format: Option<String>) -> Result<Value, Error> {
    if value.downcast_object_ref::<Stamp>().is_some() {
        return Ok(value);
    }
    let Some(text) = value.as_str() else {
        return Err(invalid(format!("`{value}` is no date")));
    };
    if text.trim().is_empty() {
        return Ok(value);
    }
    let formats = match format {
        Some(format) => vec![Format::new(&format, false).map_err(invalid)?],
        None => Vec::new(),
    };
    let item = date::to_datetime(Item::borrowed(text), &formats, None)
        .map_err(|problem| invalid(problem.message))?;
    Ok(of_item(Some(item)))
}

/// `Opened|strftime('%d.%m.%Y')`; an empty cell stays empty.
fn strftime(value: Value, format: String) -> Result<Value, Error> {
    if value.as_str() == Some("") {
        return Ok(value);
    }
    let Some(stamp) = value.downcast_object_ref::<Stamp>() else {
        return Err(invalid(format!(
            "`{value}` is no date: give its column a type in `[input.columns]`, an item of `each` in `columns` there"
        )));
    };
    jiff::fmt::strtime::format(&format, stamp.at)
        .map(Value::from)
        .map_err(|error| invalid(format!("`{format}` is no date format: {error}")))
}

/// `Tags|tojson`.
fn to_json(value: Value) -> Value {
    Value::from(json_of(&value).to_string())
}

fn json_of(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => match i64::try_from(value.clone()) {
            Ok(whole) => Json::from(whole),
            Err(_) => f64::try_from(value.clone()).map_or(Json::Null, Json::from),
        },
        ValueKind::Seq | ValueKind::Iterable => items().map(|item| json_of(&item)).collect(),
        ValueKind::Map => items()
            .filter_map(|key| Some((key.to_string(), json_of(&value.get_item(&key).ok()?))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        _ => Json::String(value.to_string()),
    }
}

/// `Title|truncate(80)`: at most so many characters, `…` at the cut, which goes between words unless `killwords`.
fn truncate(
    text: String,
    length: Option<usize>,
    killwords: Option<bool>,
    end: Option<String>,
) -> String {
    let length = length.unwrap_or(255);
    let end = end.unwrap_or_else(|| "…".to_owned());
    let signs: Vec<&str> = text.graphemes(true).collect();
    if signs.len() <= length {
        return text;
    }
    let room = length.saturating_sub(end.graphemes(true).count());
    let cut = signs[..room].concat();
    let at_word = cut.rsplit_once(char::is_whitespace).map(|(words, _)| words);
    let kept = match (killwords.unwrap_or(false), at_word) {
        (false, Some(words)) => words,
        _ => cut.as_str(),
    };
    format!("{}{end}", kept.trim_end())
}

/// `Description|wordcount`.
fn word_count(text: String) -> usize {
    text.split_whitespace().count()
}

/// Compares two values of a row. An empty cell equals only another empty one and is neither before nor after
/// anything; values of different types are an error, never an order.
fn compare(op: &str, left: Value, right: Value) -> Result<bool, Error> {
    if op == "in" {
        return contains(&left, &right);
    }
    let is_empty =
        |value: &Value| value.is_none() || value.is_undefined() || value.as_str() == Some("");
    let ordering = match (is_empty(&left), is_empty(&right)) {
        (true, true) => Some(Ordering::Equal),
        (true, false) | (false, true) => None,
        (false, false) => Some(order(&left, &right)?),
    };
    Ok(match op {
        "==" => ordering == Some(Ordering::Equal),
        "!=" => ordering != Some(Ordering::Equal),
        "<" => ordering == Some(Ordering::Less),
        ">" => ordering == Some(Ordering::Greater),
        "<=" => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
    })
}

/// Whether a value is among those of a list, or a part of a text. Where nothing in the list is of its type it can never
/// be found, which is an error and no answer.
fn contains(left: &Value, right: &Value) -> Result<bool, Error> {
    let is_empty = |value: &Value| value.as_str() == Some("");
    if let Some(text) = right.as_str() {
        return match left.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(invalid(format!(
                "{} is looked for in a text: `{left}` in `{right}`",
                name(left)
            ))),
        };
    }
    let mut items = 0;
    let mut alike = 0;
    let of_list = right.try_iter().map_err(|_| {
        invalid(format!(
            "`{left}` is looked for in {}: `{right}`",
            name(right)
        ))
    })?;
    for item in of_list {
        if is_empty(&item) || item.is_none() {
            if is_empty(left) || left.is_none() {
                return Ok(true);
            }
            continue;
        }
        items += 1;
        if name(&item) == name(left) {
            alike += 1;
            if item == *left {
                return Ok(true);
            }
        }
    }
    match is_empty(left) || items == 0 || alike > 0 {
        true => Ok(false),
        false => Err(invalid(format!(
            "{} is looked for among what is none: `{left}` in `{right}`",
            name(left)
        ))),
    }
}

/// Of a reason why two values could not be compared: of what types they are, and which they are.
pub(super) fn unlike(reason: &str) -> Option<(&str, &str)> {
    let is_unlike = [" is compared with ", " is looked for "]
        .iter()
        .any(|words| reason.contains(words));
    reason.split_once(": ").filter(|_| is_unlike)
}

/// What a value is, for people.
fn name(value: &Value) -> &'static str {
    match value.kind() {
        _ if value.downcast_object_ref::<Stamp>().is_some() => "a date",
        ValueKind::String => "a text",
        ValueKind::Number => "a number",
        ValueKind::Bool => "a truth",
        _ => "a list",
    }
}

fn order(left: &Value, right: &Value) -> Result<Ordering, Error> {
    if name(left) != name(right) {
        return Err(invalid(format!(
            "{} is compared with {}: `{left}` with `{right}`",
            name(left),
            name(right)
        )));
    }
    Ok(left.cmp(right))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// What went wrong in a template or condition, in one line.
pub(crate) fn reason(error: &Error) -> String {
    let detail = error.detail().map(str::to_owned);
    let text = match (error.kind(), detail) {
        (ErrorKind::OutOfFuel, _) => "the template takes too long, or makes too long a text: does one of its loops grow with \
                                      every turn?"
            .to_owned(),
        (ErrorKind::InvalidOperation, Some(detail)) => detail,
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(expression: &str) -> Result<bool, String> {
        let mut environment = environment();
        environment
            .add_template_owned(
                "t".to_owned(),
                format!("{{% if {expression} %}}1{{% endif %}}"),
            )
            .map_err(|error| reason(&error))?;
        let template = environment
            .get_template("t")
            .map_err(|error| reason(&error))?;
        template
            .render(())
            .map(|text| text == "1")
            .map_err(|error| reason(&error))
    }

    /// A loop that would run for hours, and texts that would fill the memory.
    #[test]
    fn a_template_that_does_not_end_is_an_error() {
        let start = std::time::Instant::now();
        for text in [
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
            "{% set ns = namespace(x='xxxxxxxx') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "{{ 'x' * 99999999999 }}",
            "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
            "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
        ] {
            let rendered = environment().render_str(text, ());
            assert!(rendered.is_err(), "{text}");
        }
        let error = environment()
            .render_str(
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                (),
            )
            .unwrap_err();
        assert!(
            reason(&error).starts_with("the template takes too long"),
            "{error}"
        );
        assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    }

    /// A group of ten thousand rows, each written with a few cells.
    #[test]
    fn a_long_loop_that_ends_has_fuel_enough() {
        let text = "{% for a in range(10000) %}{{ a }}: {{ a|string|upper }}{% if a > 5 %}, {% endif %}{% endfor %}";
        assert!(environment().render_str(text, ()).is_ok());
    }

    #[test]
    fn filters_that_people_expect_are_there() {
        for (expression, wanted) in [
            ("'one two three'|truncate(9)", "one two…"),
            ("'one two three'|truncate(9, true)", "one two…"),
            ("'onetwothree'|truncate(5)", "onet…"),
            ("'short'|truncate(9)", "short"),
            ("'one two three'|truncate(9, false, '..')", "one.."),
            ("' a b  c '|wordcount", "3"),
            ("[1, 'a', none]|tojson", "[1,\"a\",null]"),
            ("'abcdef'[:3]", "abc"),
        ] {
            let text = format!("{{{{ {expression} }}}}");
            assert_eq!(
                environment().render_str(&text, ()).unwrap(),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn empty_is_neither_before_nor_after() {
        assert_eq!(truth("__compare('<', '', 5)"), Ok(false));
        assert_eq!(truth("__compare('>', '', date('2024-01-01'))"), Ok(false));
        assert_eq!(truth("__compare('!=', '', 5)"), Ok(true));
        assert_eq!(truth("__compare('==', '', '')"), Ok(true));
    }

    #[test]
    fn dates_are_ordered_and_types_never_mixed() {
        assert_eq!(
            truth("__compare('<', date('2024-01-02'), date('2024-01-10'))"),
            Ok(true)
        );
        assert_eq!(
            truth("__compare('<', date('2024-01-02'), '2024')").unwrap_err(),
            "a date is compared with a text: `2024-01-02 00:00` with `2024`"
        );
        assert_eq!(
            truth("date('2024-06-21')|strftime('%d.%m.%Y') == '21.06.2024'"),
            Ok(true)
        );
        assert!(truth("date('soon')").is_err());
    }
}
