//! Tickets that name each other by the keys of their rows: whatever the order of the rows, the step that ties them comes when
//! all tickets are made.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::import::assert_balanced;
use crate::support::{SandboxProcess, Work};

const MAPPING: &str = r#"
version   = 2
system    = "incidentiq"
operation = "create"
scope     = "tied"
key       = ["ID"]

[fields]
Subject          = { from = "Title" }
IssueDescription = { value = "x" }
IssueId          = { value = "Other" }
LocationId       = { value = "District Office" }
ForId            = { value = "helpdesk@district.example" }
ParentTicketId   = { from = "Parent", resolve = "key" }
"#;

/// A child that stands before its parent, a root, one that is above itself, and a grandchild.
const ROWS: &str = "ID,Title,Parent\n3,child of 1,1\n1,root,\n2,self,2\n4,child of 3,3\n";

struct Bench {
    work: Work,
    sandbox: SandboxProcess,
}

impl Bench {
    fn new(mapping: &str) -> Self {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"100000/s\"");
        work.write("map.toml", mapping);
        Self { work, sandbox }
    }

    fn import(&self, rows: &str, more: &[&str], code: i32) -> (String, Value) {
        self.work.write("in.csv", rows);
        let mut arguments = vec!["in.csv", "--mapping", "map.toml", "--profile", "district"];
        arguments.extend(more);
        let (ended, summary) = self.work.import(&arguments);
        assert_balanced(&summary);
        let stderr = ended.expect(code).stderr;
        (stderr, summary)
    }

    /// Which ticket is above which, by the subjects with which they were made.
    fn ties(&self) -> BTreeMap<String, String> {
        let audit = self.sandbox.audit();
        let made = audit.iter().filter(|entry| entry["operation"] == "create");
        let subjects: BTreeMap<String, String> = made
            .map(|entry| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (text(&entry["id"]), text(&entry["body"]["Subject"]))
            })
            .collect();
        let assigned = audit
            .iter()
            .filter(|entry| entry["body"].get("AssignToParentId").is_some());
        assigned
            .map(|entry| {
                let name = |id: &Value| {
                    let id = id.as_str().unwrap_or_default();
                    subjects.get(id).cloned().unwrap_or_else(|| id.to_owned())
                };
                (name(&entry["id"]), name(&entry["body"]["AssignToParentId"]))
            })
            .collect()
    }
}

fn pairs(some: &[(&str, &str)]) -> BTreeMap<String, String> {
    let some = some.iter();
    some.map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect()
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let bench = Bench::new(MAPPING);
    let (_, dry) = bench.import(ROWS, &["--dry-run"], 1);
    assert_eq!(dry["rejected"], 1, "{dry:#}");
    let (_, summary) = bench.import(ROWS, &[], 1);
    assert_eq!(summary["created"], 3, "{summary:#}");
    assert_eq!(
        summary["causes"][0]["message"], "names the row itself",
        "{summary:#}"
    );
    assert_eq!(
        bench.ties(),
        pairs(&[("child of 1", "root"), ("child of 3", "child of 1")])
    );
    let (_, summary) = bench.import(ROWS, &[], 1);
    assert_eq!(summary["skipped"], 3, "{summary:#}");
}

#[test]
fn what_is_not_made_yet_is_tied_later() {
    let bench = Bench::new(MAPPING);
    let (_, summary) = bench.import(ROWS, &["--limit", "1"], 1);
    assert_eq!(summary["incomplete"], 1, "{summary:#}");
    assert!(bench.ties().is_empty());
    let (_, summary) = bench.import(ROWS, &[], 1);
    assert_eq!(summary["rejected"], 1, "{summary:#}");
    assert_eq!(
        bench.ties(),
        pairs(&[("child of 1", "root"), ("child of 3", "child of 1")])
    );
}

#[test]
fn a_parent_of_an_earlier_run_is_found() {
    let bench = Bench::new(MAPPING);
    bench.import("ID,Title,Parent\n1,root,\n", &[], 0);
    let later = "ID,Title,Parent\n5,late,1\n6,lost,9\n7,a,8\n8,b,7\n";
    let (_, dry) = bench.import(later, &["--dry-run"], 1);
    assert_eq!(dry["rejected"], 3, "{dry:#}");
    let (_, summary) = bench.import(later, &[], 1);
    let causes: Vec<&str> = summary["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["message"].as_str().unwrap())
        .collect();
    assert!(
        causes.contains(&"no row of the input and no ticket of an earlier run has the key `9`"),
        "{causes:?}"
    );
    assert!(
        causes.contains(&"leads back to the row itself: rows 4 → 5 → 4"),
        "{causes:?}"
    );
    assert_eq!(summary["created"], 1);
    assert_eq!(bench.ties(), pairs(&[("late", "root")]));
}

#[test]
fn a_ticket_that_is_related_is_tied_too() {
    let mapping = MAPPING.replace(
        "ParentTicketId   = { from = \"Parent\", resolve = \"key\" }",
        "[[then]]\noperation = \"assign\"\neach = { from = \"Parent\", split = \";\" }\nfields = { RelatedTicketId = { from = \"item\", resolve = \"key\" } }",
    );
    let bench = Bench::new(&mapping);
    let (_, summary) = bench.import("ID,Title,Parent\n1,a,2;3\n2,b,1\n3,c,\n", &[], 0);
    assert_eq!(summary["created"], 3, "{summary:#}");
    let related = bench
        .sandbox
        .audit()
        .into_iter()
        .filter(|entry| entry["body"].get("AssignToRelatedId").is_some())
        .count();
    assert_eq!(related, 3);
}

#[test]
fn ids_that_are_not_checked_are_told_before_anything_is_sent() {
    let bench = Bench::new(&MAPPING.replace(", resolve = \"key\"", ""));
    let (told, _) = bench.import(ROWS, &["--dry-run"], 0);
    insta::assert_snapshot!("ids_not_checked", bench.work.shown(&told));
}

#[test]
fn a_condition_on_a_mixed_column_stops_before_anything_is_sent() {
    let work = Work::new();
    let rows: String = (0..300)
        .map(|n| {
            format!(
                "{{\"Id\":{n},\"Seats\":{}}}\n",
                if n == 7 {
                    "\"many\"".to_owned()
                } else {
                    n.to_string()
                }
            )
        })
        .collect();
    work.write("in.jsonl", rows);
    let mapping = |types: &str, where_: &str| {
        format!(
            "version = 2\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"mixed\"\nkey = [\"Id\"]\n[input]\nwhere = \"{where_}\"\n{types}[fields]\ntitle = {{ from = \"Id\" }}\ndescription = {{ value = \"x\" }}\ncollection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n"
        )
    };
    work.write("map.toml", mapping("", "Seats > 3"));
    for more in [&["--dry-run"][..], &[]] {
        let mut all = vec![
            "import",
            "in.jsonl",
            "--mapping",
            "map.toml",
            "--sandbox=empty",
        ];
        all.extend(more);
        let told = work.run(&all).expect(2).stderr;
        insta::assert_snapshot!("mixed_where", work.shown(&told));
    }
    let told = work
        .run(&[
            "validate",
            "map.toml",
            "--input",
            "in.jsonl",
            "--sandbox",
            "--write-aliases",
            "a.xlsx",
        ])
        .expect(2);
    let told = format!("{}{}", told.stdout, told.stderr);
    insta::assert_snapshot!("no_names", work.shown(&told));
    work.write(
        "map.toml",
        mapping(
            "[input.columns]\nSeats = { parse = \"text\" }\n",
            "Seats != 'many'",
        ),
    );
    let (ended, summary) = work.import(&[
        "in.jsonl",
        "--mapping",
        "map.toml",
        "--sandbox=empty",
        "--dry-run",
    ]);
    ended.expect(0);
    assert_eq!(summary["records"], 299, "{summary:#}");
}
