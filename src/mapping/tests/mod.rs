//! A system that is none, a small school district, and rows to map.

mod computed;
mod examples;
mod faults;
mod forms;
mod identity;
mod rows;
mod several;
mod silent;
mod speed;
mod steps;
mod uses;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::*;
use crate::directory::{
    Choice, CustomField, CustomType, Directory, Entry, Kind, Listing, Needs, Snapshot,
};
use crate::error::Error;
use crate::record::{Cell, Header, Place};
use crate::source::{Layout, Table};
use crate::systems::fields::{Field, FieldTable, FieldType, FieldValue, Setting, Target, Tie};
use crate::systems::{CREATE, Dialect, Operation, Schema, SystemName};

/// Composes `{"field": value}` and a second body for what its create does not take.
#[derive(Debug)]
struct FakeSchema(FieldTable);

impl Schema for FakeSchema {
    fn system(&self) -> SystemName {
        SystemName::IncidentIq
    }

    fn dialect(&self) -> Dialect {
        Dialect::Only
    }

    fn is_repeatable(&self, call: &str) -> bool {
        call != CREATE
    }

    fn invalid_create(&self, _: &str, _: &str) -> Value {
        Value::Null
    }

    fn fields(&self, _operation: Operation) -> Result<&FieldTable, &'static str> {
        Ok(&self.0)
    }

    fn create(&self) -> &FieldTable {
        &self.0
    }

    fn compose(
        &self,
        _operation: Operation,
        values: Vec<FieldValue>,
        notify: bool,
    ) -> Result<Vec<StepPayload>, Vec<(String, String)>> {
        let mut own = Map::new();
        let mut later = Map::new();
        for value in values {
            match value.target {
                Target::Field(field) if field.setting == Setting::Own => {
                    own.insert(field.name.to_owned(), value.value);
                }
                Target::Field(field) => {
                    later.insert(field.name.to_owned(), value.value);
                }
                Target::Custom(field) => {
                    own.insert(format!("custom:{}", field.id), value.value);
                }
            }
        }
        if own.get("Subject") == Some(&Value::from("refuse me")) {
            return Err(vec![("Subject".to_owned(), "cannot be held".to_owned())]);
        }
        if notify {
            own.insert("notify".to_owned(), Value::Bool(true));
        }
        let step = |step: &'static str, body| StepPayload {
            step: Cow::Borrowed(step),
            ordinal: 0,
            body: Value::Object(body),
        };
        let mut steps = vec![step(CREATE, own)];
        if !later.is_empty() {
            steps.push(step("set_priority", later));
        }
        Ok(steps)
    }

    fn unforeseen(&self, _: &[&str]) -> Vec<&'static str> {
        Vec::new()
    }

    fn cannot_silence(&self) -> Option<&'static str> {
        None
    }
}

fn schema() -> Arc<dyn Schema> {
    let field = |name, kind, required, setting| Field {
        name,
        kind,
        required,
        setting,
        doc: "",
        called: &[],
        tie: match name {
            "ParentTicketId" => Some(Tie::Parent),
            "RelatedTicketId" => Some(Tie::Related),
            _ => None,
        },
    };
    let text = |max_length| FieldType::Text { max_length };
    let own = Setting::Own;
    Arc::new(FakeSchema(FieldTable {
        fields: vec![
            field("Subject", text(Some(60)), true, own),
            field("IssueDescription", text(Some(200)), false, own),
            field(
                "LocationId",
                FieldType::Reference(Kind::Location),
                true,
                own,
            ),
            field(
                "LocationRoomId",
                FieldType::Reference(Kind::Room),
                false,
                own,
            ),
            field("IssueId", FieldType::Reference(Kind::Issue), false, own),
            field("ForId", FieldType::Reference(Kind::User), false, own),
            field("TeamId", FieldType::Reference(Kind::Team), false, own),
            field("IsUrgent", FieldType::Bool, false, own),
            field("Count", FieldType::Integer, false, own),
            field("Cost", FieldType::Number, false, own),
            field("DueDate", FieldType::Date, false, own),
            field("StartedAt", FieldType::DateTime, false, own),
            field(
                "Channel",
                FieldType::Choice(&["email", "phone", "web"]),
                false,
                own,
            ),
            field("ParentTicketId", text(None), false, own),
            field("RelatedTicketId", text(None), false, own),
            field("Tags", FieldType::List(Box::new(text(None))), false, own),
            field(
                "Priority",
                FieldType::Reference(Kind::Priority),
                false,
                Setting::Step("set_priority"),
            ),
            field(
                "CreatedDate",
                FieldType::DateTime,
                false,
                Setting::Never("put the time into a custom field or a line of the description"),
            ),
        ],
        description: "IssueDescription",
        custom: own,
    }))
}

fn entry(id: &str, name: &str, properties: &[(&str, &str)], parent: Option<&str>) -> Entry {
    Entry {
        id: id.to_owned(),
        name: name.to_owned(),
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        parent: parent.map(str::to_owned),
    }
}

fn directory() -> Arc<Directory> {
    let listing = |entries| Listing {
        entries,
        ..Listing::default()
    };
    let kinds = BTreeMap::from([
        (
            Kind::Location,
            listing(vec![
                entry(
                    "loc-1",
                    "Lincoln High School",
                    &[("abbreviation", "LHS")],
                    None,
                ),
                entry("loc-2", "District Office", &[("abbreviation", "DO")], None),
                entry("loc-3", "Twin", &[], None),
                entry("loc-4", "Twin", &[], None),
            ]),
        ),
        (
            Kind::Room,
            listing(vec![
                entry("room-1", "101", &[], Some("loc-1")),
                entry("room-2", "101", &[], Some("loc-2")),
            ]),
        ),
        (
            Kind::Issue,
            listing(vec![
                entry(
                    "iss-1",
                    "Screen",
                    &[("path", "Hardware › Laptop › Screen")],
                    None,
                ),
                entry("iss-2", "Other", &[("path", "Other › Other")], None),
            ]),
        ),
        (
            Kind::User,
            listing(vec![
                entry(
                    "usr-1",
                    "Jane Doe",
                    &[("email", "jane@district.example")],
                    None,
                ),
                entry(
                    "usr-2",
                    "Help Desk",
                    &[("email", "helpdesk@district.example")],
                    None,
                ),
            ]),
        ),
        (
            Kind::Priority,
            listing(vec![
                entry("pri-1", "High", &[], None),
                entry("pri-2", "Medium", &[], None),
            ]),
        ),
        (
            Kind::Team,
            Listing {
                entries: vec![entry("t-1", "Tech", &[], None)],
                total: Some(9),
                ..Listing::default()
            },
        ),
    ]);
    let custom = |id: &str, name: &str, kind, options: &[(&str, &str)]| CustomField {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        options: options
            .iter()
            .map(|(id, value)| Choice {
                id: (*id).to_owned(),
                value: (*value).to_owned(),
            })
            .collect(),
        max_length: None,
        required: false,
    };
    let colours = [("o-1", "Red"), ("o-2", "Blue")];
    Arc::new(Directory::new(Snapshot {
        version: Snapshot::VERSION,
        system: SystemName::IncidentIq,
        dialect: Dialect::Only,
        tenant: "t".to_owned(),
        pulled_at: Timestamp::UNIX_EPOCH,
        kinds,
        custom_fields: vec![
            custom("cf-1", "Asset Tag", CustomType::Text, &[]),
            custom("cf-2", "Colour", CustomType::Select, &colours),
            custom("cf-3", "Colours", CustomType::MultiSelect, &colours),
        ],
        custom_fields_note: None,
        holds: Needs::ALL,
        constants: BTreeMap::new(),
    }))
}

/// The beginning that every mapping here shares; `[fields]` is open at its end.
const HEAD: &str = "version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"s\"\n";

/// A whole mapping from its fields; `Subject` and `LocationId` are there already.
fn with_fields(fields: &str) -> String {
    format!(
        "{HEAD}key = [\"Id\"]\n[fields]\nSubject = {{ from = \"Title\" }}\nLocationId = {{ from = \"Building\" }}\n{fields}"
    )
}

fn load(text: &str) -> Result<Mapping, Error> {
    Mapping::read("m.toml".to_owned(), text.to_owned(), Path::new("."))
}

fn compile(text: &str) -> Result<Arc<Plan>, Error> {
    compile_with(text, &PlanOptions::default())
}

fn compile_with(text: &str, options: &PlanOptions) -> Result<Arc<Plan>, Error> {
    Plan::compile(&load(text)?, schema(), directory(), options).map(Arc::new)
}

/// A CSV of these columns.
fn table(columns: &[&str]) -> Table {
    Table {
        file: Arc::from("t.csv"),
        sheet: None,
        header: Arc::new(Header::new(
            columns.iter().map(|name| (*name).to_owned()).collect(),
        )),
        layout: Layout::Csv {
            delimiter: b',',
            encoding: crate::source::Charset::UTF_8,
            bom: false,
            crlf: false,
            guarded: crate::source::Guards::None,
            header_row: 1,
            tells_delimiter: false,
        },
        gzip: false,
    }
}

fn workbook(columns: &[&str]) -> Table {
    Table {
        layout: Layout::Workbook {
            number: 1,
            header_row: 1,
        },
        ..table(columns)
    }
}

/// A row of cells; row numbers begin at 2.
fn record(row: u64, cells: Vec<Cell>) -> Record {
    Record {
        place: Place {
            file: Arc::from("t.csv"),
            sheet: None,
            row,
        },
        table: 0,
        cells,
    }
}

fn texts(row: u64, cells: &[&str]) -> Record {
    record(
        row,
        cells
            .iter()
            .map(|cell| Cell::Text((*cell).into()))
            .collect(),
    )
}

fn faults(error: &Error) -> String {
    let lines: Vec<String> = error
        .faults()
        .iter()
        .map(|fault| match &fault.hint {
            Some(hint) => format!("{fault}\n    {hint}"),
            None => fault.to_string(),
        })
        .collect();
    match lines.is_empty() {
        true => error.to_string(),
        false => lines.join("\n"),
    }
}

/// What a mapping of these fields makes of one row of a CSV.
fn map_one(mapping: &str, columns: &[&str], cells: &[&str]) -> String {
    let bound = bind(mapping, table(columns));
    shown(bound.map(&[texts(2, cells)], &RowKey::new("7")))
}

fn bind(mapping: &str, table: Table) -> BoundPlan {
    let plan = compile(mapping).unwrap_or_else(|error| panic!("{}", faults(&error)));
    plan.bind(&[table])
        .unwrap_or_else(|error| panic!("{}", faults(&error)))
}

fn shown(mapped: Mapped) -> String {
    match mapped {
        Mapped::Ready(ready) => {
            let mut lines: Vec<String> = ready
                .steps
                .iter()
                .map(|step| format!("{} {}", step.step, step.body))
                .collect();
            for fallback in &ready.fallbacks {
                let took = fallback.took.as_deref().unwrap_or("nothing");
                let why = fallback.word.as_ref();
                let why = why.map_or(String::new(), |word| format!(" for `{}`", word.text));
                lines.push(format!("{} took {took}{why}", fallback.field));
            }
            lines.join("\n")
        }
        Mapped::Skip(why) => format!("skip {why}"),
        Mapped::Faults(faults) => faults.iter().map(fault_line).collect::<Vec<_>>().join("\n"),
    }
}

fn fault_line(fault: &Fault) -> String {
    format!(
        "row {} [{}] {}: {}{}",
        fault.place.row,
        fault.column.as_deref().unwrap_or("-"),
        fault.field.as_deref().unwrap_or("-"),
        fault.message,
        fault
            .hint
            .as_ref()
            .map(|hint| format!(" — {hint}"))
            .unwrap_or_default()
    )
}
