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
