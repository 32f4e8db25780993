//! Columns that the input does not have.

use super::*;
use crate::intake::Identify;

const COLUMNS: [&str; 6] = ["Id", "Title", "Building", "user_id", "Opened", "N"];

fn mapping(columns: &str, more: &str) -> String {
    with_fields(more)
        .replace("version = 1", "version = 2")
        .replace("[fields]", &format!("{columns}\n[fields]"))
}

fn bound(folder: &Path, mapping: &str) -> Result<BoundPlan, String> {
    let path = folder.join("m.toml");
    std::fs::write(&path, mapping).unwrap();
    let made = Mapping::load(&path, Reach::Folder)
        .and_then(|mapping| Plan::compile(&mapping, schema(), directory(), &PlanOptions::default()))
        .and_then(|plan| Arc::new(plan).bind(&[table(&COLUMNS)]));
    made.map_err(|error| faults(&error))
}

fn row(number: u64, cells: [&str; 6]) -> Record {
    texts(number, &cells)
}

#[test]
fn a_looked_up_column_is_read_by_everything() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.csv"), "id,name\n1,Ann\n2,Bo\n").unwrap();
    let columns = r#"[input]
where = "Author != 'Bo'"
group_by = "Root"
order_by = "Number"
[input.columns]
Author = { from = "user_id", lookup = { file = "users.csv", by = "id", take = "name", else = "nobody" } }
Root = { from = "Id", extract = '^([0-9]+)' }
Number = { from = "N", parse = "integer" }
Signed = { template = "{{ Author }}!" }
Title = { from = "Title", upper = true }"#;
    let fields = "IssueDescription = { template = \"{% for r in rows %}{{ r.Author }} {{ r['N'] }} {{ r.Title }};{% endfor %}{{ Signed }}{% if Number > 9 %} many{% endif %}\" }\n";
    let mapping =
        mapping(columns, fields).replace("key = [\"Id\"]", "key = [\"Root\", \"Author\"]");
    let bound = bound(folder.path(), &mapping).unwrap();
    let mut rows = vec![
        row(2, ["7-a", "one", "DO", "1", "", "10"]),
        row(3, ["7-b", "two", "DO", "1", "", "9"]),
    ];
    assert_eq!(bound.passes(&rows[0]), Ok(true));
    assert_eq!(
        bound.passes(&row(4, ["7", "", "DO", "2", "", ""])),
        Ok(false)
    );
    assert_eq!(bound.group(&rows[0]), bound.group(&rows[1]));
    bound.arrange(&mut rows).unwrap();
    assert_eq!(rows[0].place.row, 3);
    assert_eq!(bound.key(&rows).unwrap().unwrap().as_str(), "7/Ann");
    assert_eq!(
        shown(bound.map(&rows, &RowKey::new("7"))),
        r#"create {"Subject":"ONE","LocationId":"loc-2","IssueDescription":"Ann 9 TWO;Ann 10 ONE;Ann! many\n\nRef: s/7"}"#
    );
    assert!(
        bound
            .unread_columns()
            .iter()
            .all(|(_, name)| name == "Opened")
    );
    let bad = row(5, ["7", "t", "DO", "1", "", "x"]);
    let faults = bound.arrange(&mut vec![bad]).unwrap_err();
    assert_eq!(faults[0].message, "column `Number`: `x` is no number");
    assert_eq!(faults[0].column.as_deref(), Some("N"));
}

#[test]
fn a_time_is_shown_in_another_zone() {
    let columns = "[input]\ntimezone = \"America/Chicago\"\n[input.columns]\nSeen = { from = \"Opened\", parse = \"datetime\", timezone = \"UTC\" }";
    let fields = "IssueDescription = { template = \"{{ Seen|strftime('%H:%M') }}\" }\n";
    let mapping = mapping(columns, fields).replace(
        "[input.columns]",
        "[input.columns]\nOpened = { parse = \"datetime\" }",
    );
    let folder = tempfile::tempdir().unwrap();
    let bound = bound(folder.path(), &mapping).unwrap();
    let made = bound.map(
        &[row(2, ["7", "t", "DO", "", "2024-06-21 22:43", ""])],
        &RowKey::new("7"),
    );
    assert!(shown(made).contains("\"03:43\\n"));
}

#[test]
fn what_makes_no_column_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (column, wanted) in [
        ("A = { upper = true }", "`upper` needs an origin"),
        ("A = { from = \"Nope\" }", "the input has no column `Nope`"),
        (
            "A = { from = \"B\" }\nB = { from = \"Id\" }",
            "the input has no column `B`",
        ),
        (
            "A = { from = \"Id\", map = { x = \"y\" }, else = { do = \"skip_row\" } }",
            "cannot leave a row out",
        ),
        (
            "A = { from = \"Id\", resolve = \"user\" }",
            "a column has no key `resolve`",
        ),
        (
            "A = { from = \"Id\", take = \"first\" }",
            "a column has no key `take`",
        ),
        (
            "A = { from = \"Id\" }\n\" a\" = { from = \"Id\" }",
            "is made twice",
        ),
    ] {
        let told = bound(
            folder.path(),
            &mapping(&format!("[input.columns]\n{column}"), ""),
        )
        .unwrap_err();
        assert!(told.contains(wanted), "{column}: {told}");
    }
}

#[test]
fn the_content_of_a_row_is_what_its_fields_are_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let content = |columns: &str, fields: &str, cells: [&str; 6]| {
        let mapping = mapping(&format!("[input.columns]\n{columns}"), fields);
        Identify::content(&bound(folder.path(), &mapping).unwrap(), &[row(2, cells)])
    };
    let one = ["7", "t", "DO", "1", "", ""];
    let two = ["7", "t", "DO", "2", "", ""];
    let column = "Author = { from = \"user_id\" }";
    let reads = "IssueDescription = { from = \"Author\" }\n";
    assert_ne!(content(column, reads, one), content(column, reads, two));
    assert_eq!(content(column, "", one), content(column, "", two));
}

#[test]
fn a_column_of_several_values_is_a_list_however_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let made = |column: &str, template: &str, cell: Value| {
        let columns = format!("[input.columns]\nMade = {column}");
        let fields = format!("IssueDescription = {template}\n");
        let bound = bound(folder.path(), &mapping(&columns, &fields)).unwrap();
        let text = |text: &str| Cell::Text(text.into());
        let cells = vec![text("7"), text("t"), text("DO"), Cell::Empty, Cell::Empty];
        let cells = cells.into_iter().chain([match cell {
            Value::String(one) => text(&one),
            cell => Cell::Json(cell.into()),
        }]);
        let mapped = bound.map(&[record(2, cells.collect())], &RowKey::new("7"));
        let Mapped::Ready(ready) = mapped else {
            panic!("{}", shown(mapped));
        };
        let text = ready.steps[0].body["IssueDescription"].as_str().unwrap();
        text.trim_end_matches("Ref: s/7").trim_end().to_owned()
    };
    let loops = r#"{ template = "{% for one in Made %}[{{ one }}]{% endfor %}{{ Made|length }}" }"#;
    let from = r#"{ from = "N" }"#;
    let split = r#"{ from = "N", split = ";" }"#;
    let list = r#"{ from = ["N", "Opened"], list = true }"#;
    let json = serde_json::json!(["web", "", "a"]);
    assert_eq!(made(from, loops, json.clone()), "[web][a]2");
    assert_eq!(made(from, loops, serde_json::json!(["web"])), "[web]1");
    assert_eq!(made(from, loops, serde_json::json!([])), "0");
    assert_eq!(made(split, loops, "one;two".into()), "[one][two]2");
    assert_eq!(made(split, loops, "one".into()), "[one]1");
    assert_eq!(made(list, loops, "one".into()), "[one]1");
    let parsed = r#"{ from = "N", parse = "json" }"#;
    assert_eq!(made(parsed, loops, "[1]".into()), "[1]1");
    // Each goes through the steps, and none of them is taken from JSON as a text.
    let sent = r#"{ from = "Made", default = "none" }"#;
    let marked = r#"{ from = "N", replace = [["^", "> "]] }"#;
    assert_eq!(made(marked, sent, json.clone()), "> web > a");
    assert_eq!(made(marked, sent, serde_json::json!([])), "none");
    // The first column that holds anything is taken whole.
    let first = r#"{ from_first = ["Made", "Title"], null = ["a"] }"#;
    assert_eq!(made(split, first, "web;b;a".into()), "web b");
    assert_eq!(made(split, first, "a;a".into()), "t");
    let default = r#"{ from = "N", default = "some" }"#;
    assert_eq!(made(default, sent, serde_json::json!([])), "some");
    let joined = r#"{ from = "N", join = " / " }"#;
    assert_eq!(
        made(joined, r#"{ template = "{{ Made|upper }}" }"#, json.clone()),
        "WEB / A"
    );
    // A list prints as JSON, also a part of one.
    for template in [
        "{{ Made }}",
        "{{ Made[:5] }}",
        "{{ Made|string }}",
        "{{ 'web a'|split(' ') }}",
    ] {
        let template = format!("{{ template = \"{template}\" }}");
        assert_eq!(
            made(from, &template, json.clone()),
            r#"["web","a"]"#,
            "{template}"
        );
    }
    assert_eq!(
        made(
            from,
            r#"{ template = "{% if 'we' in Made %}yes{% endif %}-" }"#,
            serde_json::json!(["web"])
        ),
        "-"
    );
}

#[test]
fn the_empty_words_of_a_template_count_for_columns_that_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let columns = "[input.columns]\nMade = { from = \"N\", lower = true }";
    let fields = "IssueDescription = { template = \"a{% if Made %} {{ Made }}{% endif %}\", null = [\"none\"] }\n";
    let bound = bound(folder.path(), &mapping(columns, fields)).unwrap();
    let made = |cell| {
        let rows = [row(2, ["7", "t", "DO", "", "", cell])];
        shown(bound.map(&rows, &RowKey::new("7")))
    };
    assert!(made("None").contains("\"a\\n"), "{}", made("None"));
    assert!(made("Some").contains("\"a some\\n"));
}

#[test]
fn a_column_from_which_a_step_left_the_value_out_empties_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clears = |column: &str, field: &str, cell: &str| {
        let columns = format!("[input.columns]\nMade = {column}");
        let mapping = mapping(&columns, &format!("ForId = {field}\n"))
            .replace("operation = \"create\"", "operation = \"upsert\"");
        let bound = bound(folder.path(), &mapping).unwrap();
        let mapped = bound.map(&[row(2, ["7", "t", "DO", "", "", cell])], &RowKey::new("7"));
        let Mapped::Ready(ready) = mapped else {
            panic!("{}", shown(mapped));
        };
        let mut bodies = ready.updates.iter().map(|step| &step.body);
        bodies.any(|body| body.get("ForId") == Some(&Value::Null))
    };
    let left_out =
        r#"{ from = "N", map = { a = "Jane Doe", gone = "" }, else = { do = "skip_field" } }"#;
    let extract = r#"{ from = "N", extract = "<(.*)>" }"#;
    for field in [
        r#"{ from = "Made", clear = true }"#,
        r#"{ from = ["Made", "Opened"], clear = true }"#,
        r#"{ from_first = ["Opened", "Made"], clear = true }"#,
    ] {
        assert!(!clears(left_out, field, "nobody"), "{field}");
        assert!(!clears(extract, field, "no mail"), "{field}");
        assert!(clears(left_out, field, ""), "{field}");
        assert!(clears(left_out, field, "gone"), "{field}");
    }
}
