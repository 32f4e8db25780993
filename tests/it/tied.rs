//! Tickets that name each other by the keys of their rows: whatever the order of the rows, the step that ties them comes when
//! all tickets are made.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::import::assert_balanced;
use crate::support::{SandboxProcess, Work, page_text, sums};

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

/// What is wrong with rows, a line each.
pub(crate) fn causes(summary: &Value) -> String {
    let causes = summary["causes"].as_array().unwrap().iter();
    let mut lines: Vec<&str> = causes
        .map(|cause| cause["message"].as_str().unwrap())
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn a_preview_shows_no_tie_that_is_not_made() {
    let bench = Bench::new(&MAPPING.replace(
        "resolve = \"key\"",
        "resolve = \"key\", missing = { do = \"skip_field\" }",
    ));
    let rows = format!("{ROWS}5,child of nobody,nobody\n6,child of 2,2\n");
    bench.import(&rows, &["--dry-run", "--preview", "preview.html"], 1);
    let page = page_text(&bench.work.read("preview.html"));
    insta::assert_snapshot!("preview_of_ties", page);
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
    insta::assert_snapshot!("parents_that_are_not_found", causes(&summary));
    assert_eq!(summary["created"], 1);
    assert_eq!(bench.ties(), pairs(&[("late", "root")]));
}

/// A child before its parent that is rejected, one behind it, one of a row that is left out, and two that are well.
const REFUSED: &str = "ID,Title,Parent,Note\n2,before,1,\n1,,,\n3,behind,1,\n4,out,,bad\n5,of 4,4,\n6,well,7,\n7,above,,good\n";

/// A person corrects a row once: what else is wrong with it is told with its key.
#[test]
fn all_that_is_wrong_with_a_row_in_a_circle_or_a_clash_is_told() {
    let bench = Bench::new(&MAPPING.replace(
        "Subject          = { from = \"Title\" }",
        "Subject          = { from = \"Title\", max_length = 5 }",
    ));
    let rows = "ID,Title,Parent\n1,too long,2\n2,short,1\n3,too long,\n3,short,\n";
    bench.import(rows, &["--dry-run", "--outcomes", "o.jsonl"], 1);
    let outcomes = bench.work.read("o.jsonl");
    let mut told: Vec<String> = outcomes
        .lines()
        .map(|line| {
            let outcome: Value = serde_json::from_str(line).unwrap();
            let faults = outcome["faults"].as_array().unwrap().iter();
            let messages = faults.map(|fault| fault["message"].as_str().unwrap().to_owned());
            format!(
                "{}: {}",
                outcome["row"],
                messages.collect::<Vec<_>>().join("; ")
            )
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "2: leads back to the row itself: rows 2 → 3 → 2; is longer than 5 characters",
            "3: leads back to the row itself: rows 3 → 2 → 3",
            "4: the key `3` stands in rows 4 and 5 with different content; is longer than 5 characters",
            "5: the key `3` stands in rows 4 and 5 with different content",
        ]
    );
}

#[test]
fn a_dry_run_foresees_whose_parent_would_not_be_made() {
    let mapping = MAPPING.replace(
        "Subject          = { from = \"Title\" }",
        "Subject = { from = \"Title\", required = true }\nLocationDetails = { from = \"Note\", map = { \"good\" = \"good\" }, else = { do = \"skip_row\" } }",
    );
    let bench = Bench::new(&mapping);
    let told = |summary: &Value| {
        let causes = summary["causes"].as_array().unwrap().iter();
        let mut causes: Vec<(String, u64)> = causes
            .map(|cause| {
                let message = cause["message"].as_str().unwrap().to_owned();
                (message, cause["rows"].as_u64().unwrap())
            })
            .collect();
        causes.sort();
        causes
    };
    let (_, dry) = bench.import(REFUSED, &["--dry-run", "--outcomes", "dry.jsonl"], 1);
    assert_eq!(dry["incomplete"], 3, "{dry:#}");
    assert_eq!(dry["would_create"], 5, "{dry:#}");
    let outcomes = bench.work.read("dry.jsonl");
    let lines: Vec<Value> = (outcomes.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |key: &str| lines.iter().find(|line| line["key"] == key).unwrap();
    for key in ["2", "3", "5"] {
        assert_eq!(of(key)["state"], "would create");
        let fault = &of(key)["faults"][0]["message"];
        assert!(
            fault
                .as_str()
                .unwrap()
                .ends_with("a ticket that is not made"),
            "{fault}"
        );
    }
    assert!(of("6").get("faults").is_none(), "{}", of("6"));
    let (stderr, _) = bench.import(REFUSED, &["--dry-run"], 1);
    insta::assert_snapshot!("parents_not_made", bench.work.shown(sums(&stderr)));
    // What was foreseen is what comes.
    let (_, run) = bench.import(REFUSED, &[], 1);
    assert_eq!(run["incomplete"], dry["incomplete"], "{run:#}");
    assert_eq!(run["created"], dry["would_create"], "{run:#}");
    assert_eq!(told(&run), told(&dry));
    assert_eq!(bench.ties(), pairs(&[("well", "above")]));
    // A check of the input says it too.
    let checked = bench.work.run(&[
        "validate",
        "map.toml",
        "--sandbox",
        "--input",
        "in.csv",
        "--format",
        "json",
    ]);
    let json: Value = serde_json::from_str(&checked.expect(1).stdout).unwrap();
    insta::assert_snapshot!(
        "parents_not_made_validated",
        causes(&json["mappings"][0]["input"])
    );
}

#[test]
fn a_dry_run_foresees_what_its_limit_leaves_out() {
    let bench = Bench::new(MAPPING);
    let rows = "ID,Title,Parent\n3,child of 1,1\n1,root,\n";
    let (_, dry) = bench.import(rows, &["--dry-run", "--limit", "1"], 1);
    assert_eq!(dry["incomplete"], 1, "{dry:#}");
    bench.import(rows, &["--limit", "1"], 1);
    // What an earlier run has made is there.
    bench.import("ID,Title,Parent\n1,root,\n", &[], 0);
    let (_, dry) = bench.import(rows, &["--dry-run", "--limit", "1"], 0);
    assert_eq!(dry["incomplete"], 0, "{dry:#}");
}

/// Names parents of tickets that are there.
const ACTING: &str = r#"
version   = 2
system    = "incidentiq"
operation = "assign"
scope     = "tie later"
key       = ["ID"]
target    = { key = ["ID"], scope = "tied" }

[fields]
ParentTicketId = { from = "Parent", resolve = "key" }
"#;

#[test]
fn tickets_that_are_there_are_tied_by_the_keys_of_their_rows() {
    let bench = Bench::new(&MAPPING.replace(
        "ParentTicketId   = { from = \"Parent\", resolve = \"key\" }\n",
        "",
    ));
    let rows = "ID,Title,Parent\n1,root,\n2,child of 1,1\n3,child of 2,2\n4,lost,9\n5,self,5\n";
    bench.import(rows, &[], 0);
    bench.work.write("map.toml", ACTING);
    let checked = bench
        .work
        .run(&["validate", "map.toml", "--sandbox", "--input", "in.csv"]);
    checked.expect(0);
    // These are not created: the sum of an import is another one.
    let act = |rows: &str, more: &[&str], code: i32| {
        bench.work.write("in.csv", rows);
        let mut all = vec!["in.csv", "--mapping", "map.toml", "--profile", "district"];
        all.extend(more);
        let (ended, summary) = bench.work.import(&all);
        ended.expect(code);
        summary
    };
    for more in [&["--dry-run"][..], &[]] {
        let summary = act(rows, more, 1);
        assert_eq!(summary["rejected"], 2, "{summary:#}");
        insta::assert_snapshot!("keys_of_no_other_ticket", causes(&summary));
    }
    assert_eq!(
        bench.ties(),
        pairs(&[("child of 1", "root"), ("child of 2", "child of 1")])
    );
    let summary = act(rows, &[], 1);
    assert_eq!(summary["skipped"], 3, "{summary:#}");
    // With `missing` the rest of the row is done.
    let skipping = ACTING.replace(
        "resolve = \"key\" }",
        "resolve = \"key\", missing = { do = \"skip_field\" } }\nAssignedToUserId = { value = \"helpdesk@district.example\" }",
    );
    bench.work.write("map.toml", skipping);
    let lost = "ID,Title,Parent\n4,lost,9\n";
    let summary = act(lost, &[], 0);
    assert_eq!(summary["assigned"], 1, "{summary:#}");
    let audit = bench.sandbox.audit();
    let last = audit.last().unwrap();
    assert!(last["body"]["AssignToUserId"].is_string(), "{last}");
    assert!(last["body"].get("AssignToParentId").is_none(), "{last}");
}

#[test]
fn what_follows_on_a_ticket_keeps_its_other_fields_where_a_key_is_unknown() {
    let mapping = MAPPING.replace(
        "ParentTicketId   = { from = \"Parent\", resolve = \"key\" }",
        "[[then]]\noperation = \"assign\"\nfields = { AssignedToUserId = { value = \"helpdesk@district.example\" }, RelatedTicketId = { from = \"Parent\", resolve = \"key\", missing = { do = \"skip_field\" } } }",
    );
    let bench = Bench::new(&mapping);
    bench.import("ID,Title,Parent\n1,a,9\n", &[], 0);
    let audit = bench.sandbox.audit();
    let assigned = audit
        .iter()
        .filter(|entry| entry["body"]["AssignToUserId"].is_string());
    assert_eq!(assigned.count(), 1, "{audit:#?}");
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
