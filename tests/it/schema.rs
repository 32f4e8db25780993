//! The schema for editors and the loader say the same.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Work, repository};

/// The schema as the program prints it, and what judges by it.
struct Judge {
    schemas: boon::Schemas,
    schema: boon::SchemaIndex,
}

impl Judge {
    fn new() -> Self {
        let printed = Work::new().run(&["schema", "mapping"]).expect(0).stdout;
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let mut compiler = boon::Compiler::new();
        compiler.add_resource("mapping.json", printed).unwrap();
        let mut schemas = boon::Schemas::new();
        let schema = compiler.compile("mapping.json", &mut schemas).unwrap();
        Self { schemas, schema }
    }

    fn judge(&self, mapping: &str) -> Result<(), String> {
        let value: Value = toml::from_str(mapping).map_err(|error| error.to_string())?;
        self.schemas
            .validate(&value, self.schema)
            .map_err(|error| error.to_string())
    }
}

fn mappings(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    paths
}

#[test]
fn every_mapping_of_the_repository_fits_the_schema() {
    let judge = Judge::new();
    let mut count = 0;
    for path in mappings("mappings")
        .into_iter()
        .chain(mappings("tests/mappings"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        judge
            .judge(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count > 20, "only {count} mappings were looked at");
}

#[test]
fn what_the_loader_calls_an_unknown_key_or_word_the_schema_does_too() {
    let judge = Judge::new();
    for name in [
        "top_unknown_key",
        "top_version",
        "top_system",
        "top_operation",
        "top_unmapped_word",
        "top_notify_text",
        "input_header_row",
        "field_no_table",
        "field_unknown",
        "field_unknown_key",
        "field_unknown_of_clearfeed",
        "field_never_set",
        "field_required_missing",
        "resolve_word",
        "resolve_missing_action",
        "step_repair_word",
        "type_word",
    ] {
        let path = repository().join(format!("tests/mapping_faults/{name}.toml"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(judge.judge(&text).is_err(), "{name} fits the schema");
    }
}

#[test]
fn the_fields_of_each_system_are_listed() {
    let work = Work::new();
    for system in ["incidentiq", "clearfeed"] {
        let ended = work
            .run(&["schema", "fields", "--system", system])
            .expect(0);
        insta::assert_snapshot!(format!("fields_{system}"), ended.stdout);
        let json = work
            .run(&["schema", "fields", "--system", system, "--format", "json"])
            .expect(0);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert!(json["dialects"][0]["fields"].as_array().unwrap().len() > 5);
    }
    let ended = work
        .run(&["schema", "fields", "--system", "zendesk"])
        .expect(2);
    insta::assert_snapshot!("unknown_system", work.shown(&ended.stderr));
}

#[test]
fn the_fields_of_every_operation_are_listed() {
    let work = Work::new();
    let fields = |system: &str, operation: &str, code: i32| {
        work.run(&[
            "schema",
            "fields",
            "--system",
            system,
            "--operation",
            operation,
        ])
        .expect(code)
    };
    for operation in [
        "update",
        "comment",
        "assign",
        "set-status",
        "close",
        "delete",
        "subtask",
    ] {
        insta::assert_snapshot!(
            format!("fields_incidentiq_{operation}"),
            fields("incidentiq", operation, 0).stdout
        );
    }
    // As a mapping writes it.
    assert_eq!(
        fields("incidentiq", "set_status", 0).stdout,
        fields("incidentiq", "set-status", 0).stdout
    );
    insta::assert_snapshot!(
        "fields_clearfeed_comment",
        fields("clearfeed", "comment", 0).stdout
    );
    let none = fields("clearfeed", "delete", 2).stderr;
    insta::assert_snapshot!("operation_that_a_system_lacks", work.shown(&none));
    let unknown = fields("clearfeed", "coment", 2).stderr;
    insta::assert_snapshot!("unknown_operation", work.shown(&unknown));
}

/// The names of all keys in a schema.
fn keys(schema: &Value, found: &mut std::collections::BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| keys(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn the_reference_for_people_names_every_key_and_its_sample_is_good() {
    let work = Work::new();
    let printed = work.run(&["schema", "mapping"]).expect(0).stdout;
    let mut schema: Value = serde_json::from_str(&printed).unwrap();
    // The fields are each system's own.
    schema.as_object_mut().unwrap().remove("allOf");
    let mut names = std::collections::BTreeSet::new();
    keys(&schema, &mut names);
    let page = std::fs::read_to_string(repository().join("docs/mapping.md")).unwrap();
    for name in names {
        let is_there = page.contains(&format!("`{name}`"))
            || page.contains(&format!("{name} ="))
            || page.contains(&format!("`{name} "));
        assert!(is_there, "docs/mapping.md does not tell `{name}`");
    }
    let sample = page.split("```toml\n").nth(1).unwrap();
    work.write("sample.toml", sample.split("```").next().unwrap());
    let ended = work.run(&["validate", "sample.toml", "--sandbox"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    insta::assert_snapshot!("sample_of_the_reference", work.shown(&ended.stderr));
}
