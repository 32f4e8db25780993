//! Runs templates and conditions on the rows of a record.

use std::sync::Arc;

use minijinja::value::Value;

use super::apply::taken;
use super::columns::{Got, Reader};
use super::each::EachItem;
use super::script::{Context, Kind, Operand, Origin, Script, Scripts, Segment, Shape};
use super::shape::{Take, Version};
use super::slots::Slots;
use super::stages::{loses_digits, lost_digits};
use super::values::{Scope, WholeItem, WholeRow, of_item, of_items, reason, unlike};
use crate::error::{Fault, Rule};
use crate::record::{Header, Record};

/// What is said of a condition that a row does not let judge.
pub(super) const UNJUDGED: &str = "cannot be judged";

/// The text of a template. Cell text is put in as it stands: it is never read as a template.
///
/// # Errors
/// When a cell cannot be read, or the template cannot be filled.
pub(super) fn text(
    scripts: &Scripts,
    script: &Script,
    reader: &Reader<'_>,
    rows: &[Record],
    take: Take,
) -> Result<String, Box<Fault>> {
    match &script.kind {
        Kind::Segments(segments) => {
            let mut text = String::with_capacity(256);
            for segment in segments {
                match segment {
                    Segment::Raw(raw) => text.push_str(raw),
                    Segment::Column(slot) => {
                        match whole(*slot, reader, taken(reader, rows, *slot, take))? {
                            Got::Empty | Got::LeftOut => {}
                            Got::One(item) => text.push_str(item.text().trim()),
                            Got::Many(items) => text.push_str(&of_items(items).to_string()),
                        }
                    }
                }
            }
            Ok(text)
        }
        Kind::Engine { name, context } => {
            run(scripts, name, context, reader, rows, take).map_err(|error| match error {
                Failure::Cell(fault) => fault,
                Failure::Script(reason) => {
                    let message = format!("the template cannot be filled: {reason}");
                    Box::new(Fault::row(rows[0].place.clone(), message))
                }
            })
        }
    }
}

/// Whether a condition holds.
///
/// # Errors
/// When a cell cannot be read, or values of different types are compared.
pub(super) fn holds(
    scripts: &Scripts,
    script: &Script,
    reader: &Reader<'_>,
    rows: &[Record],
    take: Take,
) -> Result<bool, Box<Fault>> {
    let Kind::Engine { name, context } = &script.kind else {
        return Ok(true);
    };
    match run(scripts, name, context, reader, rows, take) {
        Ok(text) => Ok(text == "1"),
        Err(Failure::Cell(fault)) => Err(fault),
        Err(Failure::Script(reason)) => {
            let what = match script.origin {
                Origin::Flag(flag) => flag,
                Origin::Mapping(_) | Origin::Part(..) => "`where`",
            };
            let place = rows[0].place.clone();
            let message = format!("{what} {UNJUDGED}: {reason}");
            let mut fault = Fault::row(place, message);
            if let Some((kinds, _)) = unlike(&reason) {
                let rule = format!("{what} {UNJUDGED}: {kinds}");
                fault = fault.hint(one_type(script, reader.slots));
                fault.rule = match script.origin {
                    Origin::Mapping(at) | Origin::Part(at, _) => Rule::Open { rule, at },
                    Origin::Flag(_) => Rule::Broken(rule),
                };
            } else {
                fault =
                    fault.hint("give the column a type in `[input.columns]`, or correct the cell");
            }
            Err(Box::new(fault))
        }
    }
}

/// What to do about a column whose cells are of several types.
fn one_type(script: &Script, slots: &Slots) -> String {
    let compared = script.comparisons.iter();
    let compared = compared.flat_map(|one| [&one.left, &one.right]);
    let among = script.among.iter().map(|one| &one.left);
    let column = compared.chain(among).find_map(|operand| match operand {
        Operand::Column(slot) => Some(slots.name(*slot)),
        _ => None,
    });
    let name = column.unwrap_or("a column");
    format!(
        "give the column one type in `[input.columns]`: `\"{name}\" = {{ parse = \"text\" }}` and compare it with a text in quotes, or `{{ parse = \"number\" }}`, with `null = [\"…\"]` for words that are no number"
    )
}

enum Failure {
    Cell(Box<Fault>),
    Script(String),
}

fn run(
    scripts: &Scripts,
    name: &str,
    context: &Context,
    reader: &Reader<'_>,
    rows: &[Record],
    take: Take,
) -> Result<String, Failure> {
    let scope = scope(context, reader, rows, take).map_err(Failure::Cell)?;
    let failed = |error: minijinja::Error| Failure::Script(reason(&error));
    let template = scripts.environment.get_template(name).map_err(failed)?;
    template.render(Value::from_object(scope)).map_err(failed)
}

fn scope(
    context: &Context,
    reader: &Reader<'_>,
    rows: &[Record],
    take: Take,
) -> Result<Scope, Box<Fault>> {
    let mut names = Vec::with_capacity(context.names.len() + 2);
    for (name, shape) in &context.names {
        names.push((Arc::clone(name), value(shape, reader, rows, take)?));
    }
    if context.whole_row {
        let record = match take {
            Take::First => &rows[0],
            Take::Last | Take::LastFilled => &rows[rows.len() - 1],
        };
        names.push((Arc::from("row"), whole_row(reader, record)?));
    } else if !context.row.is_empty() {
        let mut row = Vec::with_capacity(context.row.len());
        for (name, slot) in &context.row {
            row.push((Arc::clone(name), column(*slot, reader, rows, take)?));
        }
        names.push((Arc::from("row"), Value::from_object(Scope(row))));
    }
    if context.rows {
        let all: Result<Vec<Value>, Box<Fault>> = rows
            .iter()
            .map(|record| whole_row(reader, record))
            .collect();
        names.push((Arc::from("rows"), Value::from(all?)));
    }
    Ok(Scope(names))
}

fn value(
    shape: &Shape,
    reader: &Reader<'_>,
    rows: &[Record],
    take: Take,
) -> Result<Value, Box<Fault>> {
    match shape {
        Shape::Slot(slot) => column(*slot, reader, rows, take),
        Shape::Members(members) => {
            let mut values = Vec::with_capacity(members.len());
            for (name, shape) in members {
                values.push((Arc::clone(name), value(shape, reader, rows, take)?));
            }
            Ok(Value::from_object(Scope(values)))
        }
    }
}

fn column(
    slot: usize,
    reader: &Reader<'_>,
    rows: &[Record],
    take: Take,
) -> Result<Value, Box<Fault>> {
    if let (Some(""), Some(EachItem::Row(row))) = (reader.slots.item(slot), reader.item) {
        return Ok(Value::from_object(WholeItem {
            row: Arc::clone(row),
            null: match reader.rules.version {
                Version::One => Vec::new(),
                Version::Two => reader.rules.null.clone(),
            },
        }));
    }
    if let (Some(""), Some(EachItem::Record(row))) = (reader.slots.item(slot), reader.item) {
        return whole_row(reader, row);
    }
    let got = whole(slot, reader, taken(reader, rows, slot, take))?;
    Ok(value_of(got))
}

fn value_of(got: Got<'_>) -> Value {
    match got {
        Got::Empty | Got::LeftOut => of_item(None),
        Got::One(item) => of_item(Some(item)),
        Got::Many(items) => of_items(items),
    }
}

/// What a column gives. A number that a spreadsheet program has spoiled is a fault within the text of a field too; a condition
/// compares it as it is.
fn whole<'r>(slot: usize, reader: &Reader<'_>, record: &'r Record) -> Result<Got<'r>, Box<Fault>> {
    let got = reader.get(slot, record)?;
    if reader
        .field
        .is_none_or(|field| field.version < Version::Two)
    {
        return Ok(got);
    }
    let spoiled = match &got {
        Got::One(item) => Some(item).filter(|item| loses_digits(item)),
        Got::Many(items) => items.iter().find(|item| loses_digits(item)),
        Got::Empty | Got::LeftOut => None,
    };
    let Some(problem) = spoiled.map(lost_digits) else {
        return Ok(got);
    };
    let of_item = reader.slots.item(slot).or(reader.slots.ticket_item(slot));
    let name = match of_item {
        Some(path) => format!("item{path}"),
        None => reader.slots.name(slot).to_owned(),
    };
    let fault = Fault::row(record.place.clone(), problem.message).column(name);
    Err(Box::new(Fault {
        hint: problem.hint,
        rule: problem.rule,
        ..fault
    }))
}

fn whole_row(reader: &Reader<'_>, record: &Record) -> Result<Value, Box<Fault>> {
    let Some(header) = reader.columns.header(record) else {
        return Ok(Value::from(""));
    };
    let header: &Arc<Header> = header;
    let mut values = Vec::with_capacity(header.len());
    for (index, name) in header.names().iter().enumerate() {
        values.push(of_item(reader.cell(index, record, name)?));
    }
    let mut computed = Vec::new();
    for (number, name) in reader.slots.computed.iter().enumerate() {
        // In the steps of a column only those before it are there.
        let Some(computing) = reader.computing.filter(|it| number < it.columns.len()) else {
            break;
        };
        let value = value_of(computing.column(number, reader, record)?);
        computed.push((name.clone(), value));
    }
    let columns = reader.columns;
    Ok(Value::from_object(WholeRow {
        header: Arc::clone(header),
        values,
        built_in: [
            Value::from(&*columns.file(record)),
            Value::from(columns.sheet(record).as_deref().unwrap_or_default()),
            Value::from(columns.row(record)),
        ],
        computed,
    }))
}
