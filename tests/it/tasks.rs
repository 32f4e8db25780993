//! Ten moves that technicians had to make, as mappings: each is good, its own tests pass, and what arrives is what was meant.

use std::collections::HashMap;

use serde_json::Value;

use crate::import::assert_balanced;
use crate::support::{Work, repository};

/// What was done in the sandbox by a task: its creates, comments, assignments and closings, each by what it says.
fn done(task: &str, summary: &[(&str, u64)]) -> Vec<String> {
    let work = Work::new();
    let mut input = None;
    for entry in std::fs::read_dir(repository().join("tests/tasks").join(task)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("in.") {
            input = Some(name.clone());
        }
        work.write(&name, std::fs::read(&path).unwrap());
    }
    let input = input.unwrap();
    let checked = work.run(&["validate", "map.toml", "--sandbox", "--input", &input]);
    checked.expect(0);
    let (ended, told) = work.import(&[&input, "--mapping", "map.toml", "--sandbox=empty"]);
    for (name, count) in summary {
        assert_eq!(
            told[name], *count,
            "{task}, {name}: {told:#}\n{}",
            ended.stderr
        );
    }
    assert_balanced(&told);
    ended.expect(0);
    let audit = work.embedded_audit();
    // Tickets are made side by side, the steps of each in their order.
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut done: Vec<String> = (audit.iter())
        .map(|entry| match entry["operation"].as_str() {
            Some("comment" | "message") => {
                let count = counts.entry(entry["id"].to_string()).or_default();
                *count += 1;
                format!("{} ({count})", shown(entry))
            }
            _ => shown(entry),
        })
        .collect();
    done.sort();
    done
}

/// One entry of the audit, in a few words.
fn shown(entry: &Value) -> String {
    let body = &entry["body"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let operation = text(&entry["operation"]);
    let what = match () {
        () if body["Subject"].is_string() => text(&body["Subject"]),
        () if body["title"].is_string() => format!("{} {}", text(&body["title"]), body["tags"]),
        () if body["ActivityItems"].is_array() => {
            format!(
                "{} {}",
                text(&body["ActivityItems"][0]["Comments"]),
                body["IsPublic"]
            )
        }
        () if body.get("AssignToParentId").is_some() => "parent".to_owned(),
        () if body.get("AssignToRelatedId").is_some() => "related".to_owned(),
        () => String::new(),
    };
    format!("{operation} {what}").trim_end().to_owned()
}

#[test]
fn each_task_arrives_as_it_was_meant() {
    let tasks: [(&str, &[(&str, u64)]); 10] = [
        ("01-jira-subtasks", &[("created", 3)]),
        ("02-jira-labels", &[("created", 2)]),
        ("03-servicenow-journal", &[("created", 2)]),
        ("04-servicenow-related", &[("created", 3)]),
        ("05-zendesk-json", &[("created", 2)]),
        ("06-zendesk-comment-rows", &[("created", 2)]),
        ("07-osticket-threads", &[("created", 2)]),
        ("08-glpi", &[("created", 2)]),
        ("09-district-devices", &[("created", 3)]),
        ("10-district-weekly", &[("created", 1), ("skipped", 1)]),
    ];
    let told =
        tasks.map(|(task, summary)| format!("{task}\n  {}", done(task, summary).join("\n  ")));
    insta::assert_snapshot!("tasks", told.join("\n"));
}
