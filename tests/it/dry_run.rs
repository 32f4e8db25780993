//! The dry run is the run: each row ends as it was foretold, and the requests that leave are those that were shown,
//! byte for byte.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::{Ended, SandboxProcess, Work, repository};

/// A line of `--payloads`, or of the sandbox's audit: all that matters here is the body as it stands.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    #[serde(default)]
    system: Option<String>,
    /// The ticket, which nobody knows before it is made.
    #[serde(default)]
    id: Option<String>,
}

impl Request<'_> {
    /// The body without what only the sending adds: the ticket's id, which a further request carries last, and the id of a
    /// comment, whose path says whether it is sent by e-mail.
    fn as_shown(&self) -> String {
        let body = self.body.get().replace("\"SendEmail\":false,", "");
        if let Some((body, _)) = body.split_once(",\"TicketActivityId\":") {
            return format!("{body}}}");
        }
        let id = self.id.as_deref().unwrap_or_default();
        let named = format!(",\"TicketId\":\"{id}\"}}");
        match body.strip_suffix(&named) {
            Some(rest) => format!("{rest}}}"),
            None => body,
        }
    }
}

/// Runs `import` dry, then for real, and compares them row by row and request by request. The summaries of both.
#[track_caller]
pub(crate) fn as_foretold(
    work: &Work,
    sandbox: &SandboxProcess,
    system: &str,
    arguments: &[&str],
) -> ((Ended, Value), (Ended, Value)) {
    let before = bodies(&sandbox.admin("GET", "audit", None), Some(system));
    let dry = [
        "--dry-run",
        "--show",
        "0",
        "--payloads",
        "foretold.jsonl",
        "--outcomes",
        "dry.jsonl",
    ];
    let dry = work.import(&[arguments, &dry[..]].concat());
    assert_eq!(
        bodies(&sandbox.admin("GET", "audit", None), Some(system)),
        before,
        "{arguments:?}: a dry run wrote"
    );
    let real = work.import(&[arguments, &["--outcomes", "real.jsonl"]].concat());

    let (foretold, became) = (
        outcomes(&work.read("dry.jsonl")),
        outcomes(&work.read("real.jsonl")),
    );
    assert_eq!(foretold.len() as u64, dry.1["records"], "{arguments:?}");
    assert_eq!(foretold.len(), became.len(), "{arguments:?}");
    for (row, outcome) in &foretold {
        assert_eq!(Some(outcome), became.get(row), "{arguments:?}, row {row:?}");
    }
    let mut sent = bodies(&sandbox.admin("GET", "audit", None), Some(system));
    for (body, times) in before {
        *sent.get_mut(&body).unwrap() -= times;
    }
    sent.retain(|_, times| *times > 0);
    let shown = bodies(&work.read("foretold.jsonl"), None);
    assert_eq!(
        shown.values().sum::<u64>(),
        dry.1["requests"],
        "{arguments:?}"
    );
    assert!(
        sent == shown,
        "{arguments:?}: sent but not shown {:?}, shown but not sent {:?}",
        sent.keys().find(|body| !shown.contains_key(*body)),
        shown.keys().find(|body| !sent.contains_key(*body)),
    );
    (dry, real)
}

/// The bodies of JSON lines as they stand, with how often each does.
fn bodies(lines: &str, system: Option<&str>) -> BTreeMap<String, u64> {
    let mut bodies = BTreeMap::new();
    for line in lines.lines() {
        let request: Request<'_> = serde_json::from_str(line).unwrap();
        if system.is_none() || request.system.as_deref() == system {
            *bodies.entry(request.as_shown()).or_insert(0) += 1;
        }
    }
    bodies
}

/// By file, sheet and row what became of it, without what only a real run can know.
fn outcomes(lines: &str) -> BTreeMap<(String, String, u64), Value> {
    let mut outcomes = BTreeMap::new();
    for line in lines.lines() {
        let mut outcome: Value = serde_json::from_str(line).unwrap();
        let members = outcome.as_object_mut().unwrap();
        if members["state"] == "would create" {
            members["state"] = "created".into();
        }
        for name in ["id", "number", "link", "requests"] {
            members.remove(name);
        }
        let text = |name: &str| members[name].as_str().unwrap_or_default().to_owned();
        let place = (
            text("file"),
            text("sheet"),
            members["row"].as_u64().unwrap(),
        );
        let twice = outcomes.insert(place, outcome);
        assert!(twice.is_none(), "{twice:?}");
    }
    outcomes
}

#[test]
fn every_row_of_the_samples_ends_as_foretold() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"100000/s\"\nconcurrency = 32");
    for (sample, mapping) in [
        ("tickets.csv", "tickets"),
        ("tickets.xlsx", "tickets"),
        ("support-queue.jsonl", "support-queue"),
    ] {
        for (system, profile) in [("incidentiq", "district"), ("clearfeed", "support")] {
            let input = repository().join("samples").join(sample);
            let mapping = repository().join(format!("mappings/{system}-{mapping}.toml"));
            let arguments = [
                input.to_str().unwrap(),
                "--mapping",
                mapping.to_str().unwrap(),
                "--profile",
                profile,
            ];
            let ((_, dry), (_, real)) = as_foretold(&work, &sandbox, system, &arguments);
            for same in ["records", "skipped", "rejected", "causes", "fallbacks"] {
                assert_eq!(dry[same], real[same], "{sample} into {system}: {same}");
            }
        }
    }
}

#[test]
fn what_the_limit_leaves_out_is_explained() {
    let work = Work::new();
    let input = repository().join("samples/tickets.csv");
    let mapping = repository().join("mappings/clearfeed-tickets.toml");
    let arguments = [
        "import",
        input.to_str().unwrap(),
        "--mapping",
        mapping.to_str().unwrap(),
        "--sandbox",
        "--limit",
        "5",
    ];
    for (scene, more) in [
        ("limited_dry_run", &["--dry-run", "--show", "1"][..]),
        ("limited_run", &[]),
    ] {
        let ended = work.run(&[&arguments[..], more].concat()).expect(0);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    }
}

#[test]
fn what_is_read_is_never_written() {
    let work = Work::new();
    let mapping = "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\n[fields]\ntitle = { from = \"T\" }\ndescription = { from = \"T\" }\ncollection_id = { value = \"IT Support\", resolve = \"collection\" }\n";
    work.write("m.toml", mapping);
    work.write("in.csv", "T\none\n");
    for flag in ["--payloads", "--outcomes"] {
        for (file, read) in [("in.csv", "input"), ("m.toml", "mapping")] {
            let arguments = [
                "import",
                "in.csv",
                "--mapping",
                "m.toml",
                "--sandbox",
                "--dry-run",
                flag,
                file,
            ];
            let ended = work.run(&arguments).expect(2);
            let scene = format!("{}_over_the_{read}", flag.trim_start_matches("--"));
            insta::assert_snapshot!(scene, work.shown(&ended.stderr));
        }
    }
    assert_eq!(work.read("m.toml"), mapping);
    assert_eq!(work.read("in.csv"), "T\none\n");
}

#[test]
fn the_command_for_unknown_names_writes_them_as_a_table() {
    let work = Work::new();
    for name in ["samples/tickets.xlsx", "mappings/incidentiq-tickets.toml"] {
        work.write(name, std::fs::read(repository().join(name)).unwrap());
    }
    let arguments = [
        "import",
        "samples/tickets.xlsx",
        "--mapping",
        "mappings/incidentiq-tickets.toml",
        "--sandbox",
        "--dry-run",
    ];
    let (_, summary) = work.import(&arguments[1..]);
    let command = summary["write_aliases"].as_str().unwrap().to_owned();
    let ended = work.run(&arguments).expect(1);
    assert!(ended.stderr.contains(&command), "{}", ended.stderr);
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[0], "deskferry");
    // The rows are faulty still: that is what the table is for.
    work.run(&words[1..]).expect(1);
    assert!(work.path().join("names.xlsx").exists(), "{command}");
}
