//! The columns that tickets of a system have where nobody says.

use super::fields::{CUSTOM, Kind, Path};
use super::plan::{Column, ColumnRule, same_heading};
use super::read::common_column;
use crate::directory::{CustomField, CustomType};
use crate::systems::SystemName;

/// What people ask for, in order; with the heading that people of the system use, where it is another.
const INCIDENTIQ: &[(&str, &str)] = &[
    ("number", ""),
    ("title", ""),
    ("state", ""),
    ("standing", ""),
    ("priority", ""),
    ("requester", ""),
    ("requester.email", ""),
    ("assignee", ""),
    ("assignee.email", ""),
    ("team", ""),
    ("place", ""),
    ("category", "Issue"),
    ("devices", ""),
    ("tags", ""),
    ("created", ""),
    ("updated", ""),
    ("closed", ""),
    ("due", ""),
    ("description", ""),
];

const CLEARFEED: &[(&str, &str)] = &[
    ("number", ""),
    ("title", ""),
    ("state", ""),
    ("standing", ""),
    ("priority", ""),
    ("requester", ""),
    ("requester.email", ""),
    ("assignee", ""),
    ("assignee.email", ""),
    ("team", ""),
    ("category", "Collection"),
    ("tags", ""),
    ("created", ""),
    ("updated", ""),
    ("description", ""),
];

pub(super) fn columns(system: SystemName, custom: &[CustomField]) -> Vec<ColumnRule> {
    let names = match system {
        SystemName::IncidentIq => INCIDENTIQ,
        SystemName::ClearFeed => CLEARFEED,
    };
    let mut columns: Vec<Column> = names
        .iter()
        .filter_map(|(name, heading)| {
            let mut column = common_column(name)?;
            if !heading.is_empty() {
                (*heading).clone_into(&mut column.heading);
            }
            column.link = *name == "number";
            Some(column)
        })
        .collect();
    for field in custom {
        let mut heading = field.name.clone();
        while columns
            .iter()
            .any(|column| same_heading(&column.heading, &heading))
        {
            heading.push_str(" (custom)");
        }
        let mut alike = custom
            .iter()
            .filter(|one| same_heading(&one.name, &field.name));
        let is_first = alike.next().is_some_and(|first| first.id == field.id);
        let (name, path) = match alike.next().is_some() || !is_first {
            false => (
                format!("{CUSTOM}{}", field.name),
                Path::Custom(field.name.clone()),
            ),
            true => (
                format!("{CUSTOM}{}", field.id),
                Path::CustomId {
                    id: field.id.clone(),
                    name: is_first.then(|| field.name.clone()),
                },
            ),
        };
        columns.push(Column::plain(&name, path, heading, custom_kind(field)));
    }
    columns.extend(common_column("id"));
    let rule = |column| ColumnRule { column, zone: None };
    columns.into_iter().map(rule).collect()
}

/// What the values of a custom field are.
pub(super) fn custom_kind(field: &CustomField) -> Kind {
    match field.kind {
        CustomType::MultiSelect => Kind::List,
        CustomType::Number => Kind::Number,
        CustomType::Bool => Kind::Truth,
        CustomType::Date => Kind::Day,
        CustomType::DateTime => Kind::Time,
        CustomType::Text
        | CustomType::Select
        | CustomType::User
        | CustomType::Location
        | CustomType::Other => Kind::Text,
    }
}
