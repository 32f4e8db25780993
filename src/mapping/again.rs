//! A mapping that puts right what fell back: the same fields of the same rows, on the tickets that these made, as far as their
//! names resolve by now.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Mapping;
use crate::error::{Error, Result};
use crate::systems::fields::Setting;
use crate::systems::{Operation, Schema};

/// What stays of the top of a mapping.
const KEPT: [&str; 7] = [
    "version", "system", "notify", "profile", "input", "each", "key",
];

/// What a field took in the place of a name.
const INSTEAD: [&str; 2] = ["missing", "ambiguous"];

/// A mapping that puts fields right, and those of them that no update sets.
#[derive(Debug)]
pub(crate) struct Fallbacks {
    pub(crate) mapping: Mapping,
    /// The fields that it sets.
    pub(crate) fields: Vec<String>,
    /// Those that stay: no update sets them.
    pub(crate) fixed: Vec<String>,
}

impl Mapping {
    /// The mapping that sets those of these fields that an update can set, and leaves out what still does not resolve.
    ///
    /// # Errors
    /// When rows have no key by which their tickets are known, or no update sets any of the fields.
    pub(crate) fn of_fallbacks(
        &self,
        fields: &BTreeSet<String>,
        schema: &dyn Schema,
    ) -> Result<Fallbacks> {
        let whole: Table = self.source.text.parse().map_err(|error: toml::de::Error| {
            Error::usage("the mapping cannot be read")
                .at(self.name())
                .caused_by(error)
        })?;
        let Some(key) = whole.get("key") else {
            return Err(Error::usage(
                "the mapping has no `key`: nothing says which ticket is of which row",
            )
            .at(self.name()));
        };
        let mut target = Table::new();
        let parts = match key {
            list @ Value::Array(_) => list.clone(),
            one => Value::Array(vec![one.clone()]),
        };
        target.insert("key".to_owned(), parts);
        target.insert("scope".to_owned(), Value::String(self.scope.clone()));
        let update = schema.fields(Operation::Update).map_err(Error::usage)?;
        let can_be_set = |name: &str| match name.strip_prefix("custom.") {
            Some(_) => !matches!(update.custom, Setting::Never(_)),
            None => update
                .get(name)
                .is_some_and(|field| !matches!(field.setting, Setting::Never(_))),
        };
        let written = written(&whole);
        let (mut kept, mut fixed, mut rules) = (Vec::new(), Vec::new(), Table::new());
        for name in fields {
            let rule = written.get(name).and_then(Value::as_table);
            match rule.filter(|_| can_be_set(name)) {
                Some(rule) => {
                    rules.insert(name.clone(), Value::Table(without_instead(rule)));
                    kept.push(name.clone());
                }
                None => fixed.push(name.clone()),
            }
        }
        if rules.is_empty() {
            return Err(Error::usage(format!(
                "no update sets what fell back: `{}`",
                fixed.join("`, `")
            ))
            .hint("correct these tickets by hand: `deskferry runs receipts` lists them"));
        }
        // What a field needs to be resolved goes along.
        for needed in within(&rules) {
            if let (Some(rule), false) = (written.get(&needed), rules.contains_key(&needed)) {
                rules.insert(needed, rule.clone());
            }
        }
        let mut top: Table = (whole.iter())
            .filter(|(name, _)| KEPT.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        top.insert("operation".to_owned(), Value::String("update".to_owned()));
        top.insert(
            "scope".to_owned(),
            Value::String(format!("{} fallbacks", self.scope)),
        );
        top.insert("unmapped".to_owned(), Value::String("warn".to_owned()));
        top.insert("target".to_owned(), Value::Table(target));
        top.insert("fields".to_owned(), Value::Table(rules));
        let mapping = Self::read(self.name().to_owned(), top.to_string(), &self.folder)?;
        Ok(Fallbacks {
            mapping,
            fields: kept,
            fixed,
        })
    }
}

/// The fields as they are written, custom ones by their whole names.
fn written(whole: &Table) -> Table {
    let mut fields = Table::new();
    for (name, rule) in whole
        .get("fields")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        match (name.as_str(), rule.as_table()) {
            ("custom", Some(custom)) => {
                let custom = custom.iter();
                fields.extend(custom.map(|(name, rule)| (format!("custom.{name}"), rule.clone())));
            }
            _ => {
                fields.insert(name.clone(), rule.clone());
            }
        }
    }
    fields
}

/// A field that is left out where its name does not resolve.
fn without_instead(rule: &Table) -> Table {
    let mut rule = rule.clone();
    let skip = || {
        Value::Table(Table::from_iter([(
            "do".to_owned(),
            Value::String("skip_field".to_owned()),
        )]))
    };
    for key in INSTEAD {
        if rule.contains_key(key) {
            rule.insert(key.to_owned(), skip());
        }
    }
    if rule.contains_key("else") {
        rule.insert("else".to_owned(), skip());
    }
    rule.remove("default");
    rule.remove("required");
    rule
}

/// The fields within whose values others are resolved.
fn within(rules: &Table) -> Vec<String> {
    let of = |rule: &Value| Some(rule.as_table()?.get("within")?.as_str()?.to_owned());
    rules.values().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::systems::{self, SystemName};

    #[test]
    fn only_what_fell_back_is_set_and_never_to_what_it_fell_back_to() {
        let text = "version = 2\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"old\"\nkey = [\"ID\"]\n[fields]\n\
            Subject = { from = \"Title\" }\nIssueId = { value = \"Other\" }\nLocationId = { value = \"District Office\" }\n\
            ForId = { from = \"Who\", default = \"helpdesk@district.example\", missing = \"helpdesk@district.example\" }\n\
            [[then]]\noperation = \"comment\"\nfields = { body = { value = \"x\" } }\n";
        let mapping = Mapping::read("m.toml".to_owned(), text.to_owned(), Path::new("")).unwrap();
        let schema = systems::schema(SystemName::IncidentIq, None).unwrap();
        let fields = ["ForId".to_owned(), "then-1/by".to_owned()].into();
        let made = mapping.of_fallbacks(&fields, schema.as_ref()).unwrap();
        assert_eq!(made.fields, ["ForId"]);
        assert_eq!(made.fixed, ["then-1/by"]);
        let text = made.mapping.source.text.to_string();
        assert!(!text.contains("helpdesk"), "{text}");
        assert!(!text.contains("Title"), "{text}");
        assert_eq!(made.mapping.operation(), Operation::Update);
        assert_eq!(made.mapping.target_scope(), Some("old"));
        let nothing = ["then-1/by".to_owned()].into();
        assert!(mapping.of_fallbacks(&nothing, schema.as_ref()).is_err());
    }
}
