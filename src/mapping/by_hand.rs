//! One ticket by hand: fields and their values as somebody typed them, made as a mapping makes those of a row.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::check::Checked;
use super::field::CUSTOM;
use super::load::Mapping;
use super::plan::PlanOptions;
use super::{BoundPlan, MapRows, Mapped};
use crate::directory::{CustomType, Directory};
use crate::error::{Error, Fault};
use crate::record::{Cell, Header, Place, Record, RowKey};
use crate::source::{Layout, Table};
use crate::systems::common::CommonTicket;
use crate::systems::diff::Difference;
use crate::systems::fields::{FieldTable, FieldType};
use crate::systems::{Operation, Schema, StepPayload};

/// The column of the ticket; the others are called after the place of their field.
const TICKET: &str = "ticket";

/// What is to be done with one ticket.
#[derive(Debug)]
pub struct ByHand<'a> {
    /// What.
    pub operation: Operation,
    /// The fields by name with their values. A field that is named more than once gets all the values; an update with
    /// an empty value empties the field.
    pub values: &'a [(String, String)],
    /// Whether e-mails, notifications and rules may fire.
    pub notify: bool,
}

/// The requests that do it, the operation's own first.
///
/// # Errors
/// All that is wrong with the fields, or else with their values.
pub fn by_hand(
    wanted: &ByHand<'_>,
    schema: Arc<dyn Schema>,
    directory: Arc<Directory>,
    options: &PlanOptions,
) -> Result<Vec<StepPayload>, Vec<Fault>> {
    let (plan, record) = bound(wanted, schema, directory, options)?;
    let place = record.place.clone();
    match plan.map(&[record], &RowKey::new(TICKET)) {
        Mapped::Ready(ready) => Ok(ready.steps),
        Mapped::Faults(faults) => Err(faults),
        Mapped::Skip(why) => Err(vec![Fault::row(place, format!("nothing is done: {why}"))]),
    }
}

/// How these requests, which [`by_hand`] made of the same, would change the ticket as it stands.
///
/// # Errors
/// As [`by_hand`].
pub fn by_hand_differences(
    wanted: &ByHand<'_>,
    schema: Arc<dyn Schema>,
    directory: Arc<Directory>,
    options: &PlanOptions,
    (steps, ticket): (&[StepPayload], CommonTicket),
) -> Result<Vec<Difference>, Vec<Fault>> {
    let (plan, record) = bound(wanted, schema, directory, options)?;
    Ok(plan.differences(&[record], &RowKey::new(TICKET), steps, ticket))
}

/// The mapping that is made for what was typed, and its one row.
fn bound(
    wanted: &ByHand<'_>,
    schema: Arc<dyn Schema>,
    directory: Arc<Directory>,
    options: &PlanOptions,
) -> Result<(BoundPlan, Record), Vec<Fault>> {
    let place = Place {
        file: Arc::from("the command line"),
        sheet: None,
        row: 1,
    };
    let table = match schema.fields(wanted.operation) {
        Ok(table) => table,
        Err(why) => return Err(vec![Fault::row(place, why)]),
    };
    let fields = merged(wanted.values);
    let text = mapping(wanted, &fields, schema.system().as_str(), table, &directory);
    let whole = |error: &Error| {
        let faults = error.faults().iter();
        let fault = |fault: &crate::error::MappingFault| Fault {
            hint: fault.hint.clone(),
            ..Fault::row(place.clone(), fault.message.clone())
        };
        faults.map(fault).collect::<Vec<_>>()
    };
    let mapping = Mapping::read(place.file.to_string(), text, Path::new(""))
        .map_err(|error| whole(&error))?;
    let mut checked = Checked::of(&mapping, schema, directory, options);
    let (input, record) = input(&fields, &place);
    match checked.bind(&[input]) {
        Some(plan) => Ok((plan, record)),
        None => Err(whole(&Error::mapping(checked.into_faults()))),
    }
}

/// A field and all its values.
struct Typed<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

/// Each field once, in the order in which they were typed first.
fn merged(values: &[(String, String)]) -> Vec<Typed<'_>> {
    let mut fields: Vec<Typed<'_>> = Vec::new();
    for (name, value) in values {
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.values.push(value),
            None => fields.push(Typed {
                name,
                values: vec![value],
            }),
        }
    }
    fields
}

/// What stands between several values in the one cell of a field: no keyboard types it.
const BETWEEN: &str = "\u{1f}";

fn mapping(
    wanted: &ByHand<'_>,
    fields: &[Typed<'_>],
    system: &str,
    table: &FieldTable,
    directory: &Directory,
) -> String {
    let operation = wanted.operation;
    let mut text = format!(
        "version = 1\nsystem = \"{system}\"\noperation = \"{operation}\"\nscope = \"by hand\"\nnotify = {}\n",
        wanted.notify
    );
    // One ticket that is made while somebody watches needs nothing to be found again by.
    text.push_str(match operation {
        Operation::Create => "marker = \"none\"\n",
        _ => "target = { from = \"ticket\" }\n",
    });
    text.push_str("[fields]\n");
    for (at, field) in fields.iter().enumerate() {
        let split = match (is_list(field.name, table, directory), field.values.len()) {
            (false, 1) => String::new(),
            (true, 1) => ", split = \",\"".to_owned(),
            (_, _) => format!(", split = {}", toml::Value::from(BETWEEN)),
        };
        let clear = match operation {
            Operation::Update => ", clear = true",
            _ => "",
        };
        let name = toml::Value::from(field.name);
        // A write to a text does not fail.
        let _ = writeln!(text, "{name} = {{ from = \"{at}\"{split}{clear} }}");
    }
    text
}

fn is_list(name: &str, table: &FieldTable, directory: &Directory) -> bool {
    match name.strip_prefix(CUSTOM) {
        Some(name) => directory
            .custom_field(name)
            .is_some_and(|field| field.kind == CustomType::MultiSelect),
        None => table
            .get(name)
            .is_some_and(|field| matches!(field.kind, FieldType::List(_))),
    }
}

/// The values as the one row of a table.
fn input(fields: &[Typed<'_>], place: &Place) -> (Table, Record) {
    let mut names: Vec<String> = (0..fields.len()).map(|at| at.to_string()).collect();
    let text = |field: &Typed<'_>| Cell::Text(field.values.join(BETWEEN).into());
    let mut cells: Vec<Cell> = fields.iter().map(text).collect();
    names.push(TICKET.to_owned());
    cells.push(Cell::Text(TICKET.into()));
    let table = Table {
        file: Arc::clone(&place.file),
        sheet: None,
        header: Arc::new(Header::new(names)),
        layout: Layout::JsonLines { is_utf8: true },
        gzip: false,
    };
    let record = Record {
        place: place.clone(),
        table: 0,
        cells,
    };
    (table, record)
}
