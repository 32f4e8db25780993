//! The tests that a mapping has itself.

use super::*;
use crate::mapping::check::Checked;

/// What is wrong with the tests of a mapping.
fn run(mapping: &str) -> String {
    let mapping = load(&mapping.replace("version = 1", "version = 2"))
        .unwrap_or_else(|error| panic!("{}", faults(&error)));
    let mut checked = Checked::of(&mapping, schema(), directory(), &PlanOptions::default());
    let ran = checked.run_tests();
    let faults = checked.into_faults();
    let told: Vec<String> = faults.iter().map(|fault| fault.message.clone()).collect();
    assert_eq!(ran.failed > 0, !told.is_empty(), "{told:?}");
    told.join("\n")
}

#[test]
fn keys_steps_that_follow_and_lists_are_tested() {
    let mapping = |test: &str| {
        with_fields("Tags = { from = \"Tag[*]\" }\nIsUrgent = { from = \"Comment[2]\" }\n").replace(
            "key = [\"Id\"]",
            "key = [{ from = \"Id\", extract = '#(.*)' }]",
        ) + "[[then]]\noperation = \"comment\"\neach = { from = \"Notes\", split = \";\" }\nwhen = \"item != 'no'\"\nfields = { Subject = { template = \"{{ item|upper }}\" }, LocationId = { value = \"DO\" } }\n[[test]]\nrow = { Id = \"# 7\", Title = \"t\", Building = \"DO\", \"Tag[2]\" = \"b\", Tag = \"a\", Comment = \"x\", \"Comment[2]\" = \"yes\", Notes = \"one;no;two\" }\n"
            + test
    };
    for (test, wanted) in [
        ("expect_key = \"7\"", ""),
        (
            "expect_key = \"# 7\"",
            "test number 1 fails: the key becomes `7`",
        ),
        ("expect = { Tags = [\"a\", \"b\"], IsUrgent = true }", ""),
        (
            "expect = { Tags = [\"a\"] }",
            "test number 1 fails: `Tags` becomes [`a`, `b`]",
        ),
        (
            "expect_then = [{ operation = \"comment\", fields = { Subject = \"ONE\" } }, { operation = \"comment\", fields = { Subject = \"TWO\" } }]",
            "",
        ),
        (
            "expect_then = [{ operation = \"comment\" }, { operation = \"comment\", fields = { Subject = \"NO\" } }]",
            "test number 1 fails: `Subject` becomes `TWO`",
        ),
        (
            "expect_then = []",
            "test number 1 fails: what follows is comment, comment",
        ),
    ] {
        assert_eq!(run(&mapping(test)), wanted, "{test}");
    }
}

#[test]
fn what_is_expected_is_what_is_sent() {
    let mapping = |expected: &str| {
        with_fields(
            "IssueDescription = { from = \"Text\", max_length = 40, overflow = \"truncate\" }\n",
        ) + "[[test]]\nrow = { Id = \"7\", Title = \"t\", Building = \"DO\", Text = \"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\" }\nexpect = { IssueDescription = \""
            + expected
            + "\" }\n"
    };
    let cut = "abcdefghijklmnopqrstuvwxyzabc…";
    assert_eq!(run(&mapping(cut)), "");
    assert_eq!(run(&mapping(&format!("{cut}\\n\\nRef: s/7"))), "");
    assert_ne!(
        run(&mapping("abcdefghijklmnopqrstuvwxyzabcdefghijklm…")),
        ""
    );
    let empty = mapping("").replace(
        "Text = \"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\"",
        "Text = \"\"",
    );
    assert_eq!(run(&empty), "");
}

#[test]
fn what_is_wrong_with_a_step_that_follows_is_told() {
    let mapping = with_fields("")
        + "[[then]]\noperation = \"comment\"\nfields = { Subject = { from = \"Title\" }, LocationId = { from = \"Where\" } }\n[[test]]\nrow = { Id = \"7\", Title = \"t\", Building = \"DO\", Where = \"nowhere\" }\nexpect_key = \"7\"\n";
    assert!(run(&mapping).contains("no location `nowhere`"));
}

#[test]
fn the_schema_and_the_loader_say_one_thing() {
    let schema = json_schema().unwrap();
    let schema = |text: &str| {
        let value: toml::Value = toml::from_str(text).unwrap();
        let value = serde_json::to_value(value).unwrap();
        let mut schemas = boon::Schemas::new();
        let mut compiler = boon::Compiler::new();
        compiler
            .add_resource("mapping.json", schema.clone())
            .unwrap();
        let index = compiler.compile("mapping.json", &mut schemas).unwrap();
        schemas.validate(&value, index).is_ok()
    };
    let head = |text: &str| text.replace("version = 1", "version = 2");
    let field = |steps: &str| {
        head(&format!(
            "{HEAD}[fields]\nSubject = {{ from = \"T\" }}\nLocationId = {{ from = \"B\" }}\nIssueId = {{ from = \"I\" }}\nForId = {{ from = \"F\", {steps} }}\n"
        ))
    };
    let each = |each: &str| {
        field("null = []") + &format!("[[then]]\noperation = \"comment\"\neach = {{ {each} }}\n")
    };
    for (text, is_good) in [
        (field("aliases = { a = 1 }"), true),
        (field("aliases = { a = [1] }"), false),
        (field("missing = {}"), false),
        (field("map = { a = \"b\" }, else = {}"), false),
        (
            field("map = { a = \"b\" }, else = { do = \"skip_item\" }"),
            true,
        ),
        (field("resolve = \"sla\""), true),
        (field("optional = true"), true),
        (field("optional = \"yes\""), false),
        (field("a = 1"), false),
        (each("from = \"N\", parse = \"json\""), true),
        (each("from = \"N\", parse = \"date\""), false),
        (
            each("sheet = \"N\", on = \"I\", columns = { D = { parse = \"date\" } }"),
            true,
        ),
        (
            each("sheet = \"N\", on = \"I\", columns = { D = { from = \"date\" } }"),
            false,
        ),
        (
            field("null = []").replace("[fields]", "marker = { tag = \"x\" }\n[fields]"),
            false,
        ),
        (
            field("null = []").replace(
                "[fields]",
                "[input.columns]\nA = { from = \"B\", upper = true }\n[fields]",
            ),
            true,
        ),
        (
            field("null = []").replace(
                "[fields]",
                "[input.columns]\nA = { from = \"B\", resolve = \"user\" }\n[fields]",
            ),
            false,
        ),
        (
            field("null = []") + "[[test]]\nrow = {}\nexpect_then = [{ operation = \"close\" }]\n",
            true,
        ),
    ] {
        let loaded = load(&text).map(drop).map_err(|error| faults(&error));
        assert_eq!(loaded.is_ok(), is_good, "loader: {text}\n{loaded:?}");
        assert_eq!(schema(&text), is_good, "schema: {text}");
    }
}
