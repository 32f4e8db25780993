//! The main job: samples go in once, a second run creates nothing, an error file is fixed and run again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{SandboxProcess, Work, creates, repository};

fn sample(name: &str) -> String {
    path_text(&repository().join("samples").join(name))
}

fn mapping(name: &str) -> String {
    path_text(&repository().join("mappings").join(name))
}

fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// created + skipped + rejected + in doubt + not sent = records.
#[track_caller]
pub(crate) fn assert_balanced(summary: &Value) {
    let sum: u64 = [
        "created",
        "would_create",
        "skipped",
        "rejected",
        "in_doubt",
        "not_sent",
    ]
    .into_iter()
    .map(|name| summary[name].as_u64().unwrap())
    .sum();
    assert_eq!(sum, summary["records"].as_u64().unwrap(), "{summary:#}");
}

/// Every marker in an audit stands there once.
#[track_caller]
pub(crate) fn assert_once(created: &[Value]) {
    let mut markers: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in created {
        *markers
            .entry(
                entry["marker"]
                    .as_str()
                    .unwrap_or_else(|| panic!("no marker: {entry}")),
            )
            .or_default() += 1;
    }
    let doubled: Vec<_> = markers.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
}

#[test]
fn the_readme_command_creates_1200_tickets_once() {
    let work = Work::new();
    let arguments = [
        &sample("tickets.csv"),
        "--mapping",
        &mapping("incidentiq-tickets.toml"),
        "--sandbox",
    ];
    let (ended, summary) = work.import(&arguments);
    ended.expect(0);
    assert_eq!(summary["records"], 1200);
    assert_eq!(summary["created"], 1200);
    assert_balanced(&summary);

    let (ended, summary) = work.import(&arguments);
    ended.expect(0);
    assert_eq!(summary["created"], 0);
    assert_eq!(summary["skipped_because"]["done_before"], 1200);
    assert_balanced(&summary);

    let created = creates(work.embedded_audit(), "incidentiq");
    assert_eq!(created.len(), 1200);
    assert_once(&created);
}

#[test]
fn a_dry_run_predicts_the_run_and_sends_nothing() {
    // Row by row, and for all samples, it is compared in `dry_run.rs`.
    for (file, map, profile) in [
        ("tickets.xlsx", "incidentiq-tickets.toml", "district"),
        (
            "support-queue.jsonl",
            "clearfeed-support-queue.toml",
            "support",
        ),
    ] {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"5000/s\"");
        let (sample, map) = (sample(file), mapping(map));
        let arguments = [sample.as_str(), "--mapping", &map, "--profile", profile];
        let (_, dry) = work.import(&[&arguments[..], &["--dry-run"]].concat());
        assert_balanced(&dry);
        assert!(
            sandbox.audit().is_empty(),
            "{file}: a dry run wrote something"
        );

        let (ended, real) = work.import(&arguments);
        assert_balanced(&real);
        assert_eq!(
            dry["would_create"], real["created"],
            "{file} with {map}: {real:#}"
        );
        for same in ["skipped", "rejected", "in_doubt", "causes", "fallbacks"] {
            assert_eq!(dry[same], real[same], "{file} with {map}: {same}");
        }
        assert!(
            real["created"].as_u64().unwrap() > 100,
            "{file} with {map}: {real:#}"
        );
        assert_eq!(
            ended.code,
            Some(
                if real["rejected"] == 0 && real["skipped_because"]["changed"] == 0 {
                    0
                } else {
                    1
                }
            )
        );
    }
}

#[test]
fn the_workbook_tells_its_wrong_cells_and_its_error_file_is_mended() {
    let work = Work::new();
    let map = mapping("incidentiq-tickets.toml");
    let (ended, summary) = work.import(&[&sample("tickets.xlsx"), "--mapping", &map, "--sandbox"]);
    ended.expect(1);
    assert_balanced(&summary);
    let rejected = summary["rejected"].as_u64().unwrap();
    assert!(rejected >= 8, "{summary:#}");
    let causes: Vec<_> = summary["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["message"].as_str().unwrap())
        .collect();
    insta::assert_snapshot!("wrong_cells", work.shown(&causes.join("\n")));
    let created = creates(work.embedded_audit(), "incidentiq").len();
    assert_eq!(created as u64, summary["created"].as_u64().unwrap());

    // The error file as it stands creates nothing and says the same again.
    let errors = work
        .path()
        .join(summary["error_files"][0]["path"].as_str().unwrap());
    assert!(
        errors.ends_with("tickets.errors.xlsx"),
        "{}",
        errors.display()
    );
    let (ended, again) = work.import(&[errors.to_str().unwrap(), "--mapping", &map, "--sandbox"]);
    ended.expect(1);
    assert_eq!(again["rejected"].as_u64(), Some(rejected));
    assert_eq!(again["records"].as_u64(), Some(rejected));
}

#[test]
fn a_mended_csv_error_file_creates_exactly_the_missing_rows() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"5000/s\"");
    let text = std::fs::read_to_string(sample("tickets.csv")).unwrap();
    // Three buildings misspelt, in a copy.
    let mut wrong = 0;
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for line in &mut lines {
        if wrong < 3 && line.contains(",Lincoln High School,") {
            *line = line.replace(",Lincoln High School,", ",Linclon High Schol,");
            wrong += 1;
        }
    }
    assert_eq!(
        wrong, 3,
        "the sample has too few rows of Lincoln High School"
    );
    let all: u64 = 1200;
    work.write("tickets.csv", lines.concat());
    let map = mapping("incidentiq-tickets.toml");
    let (ended, summary) =
        work.import(&["tickets.csv", "--mapping", &map, "--profile", "district"]);
    ended.expect(1);
    assert_eq!(summary["created"], all - 3);
    assert_eq!(summary["rejected"], 3);
    let command = summary["error_files"][0]["run_again"].as_str().unwrap();
    insta::assert_snapshot!("command_of_an_error_file", work.shown(command));

    let fixed = work
        .read("tickets.errors.csv")
        .replace(",Linclon High Schol,", ",Lincoln High School,");
    work.write("tickets.errors.csv", fixed);
    // The printed command, as it stands.
    let words: Vec<&str> = command.split(' ').skip(2).collect();
    let (ended, summary) = work.import(&words);
    ended.expect(0);
    assert_eq!(summary["created"], 3);
    let created = sandbox.created("incidentiq");
    assert_eq!(created.len() as u64, all);
    assert_once(&created);
}

#[test]
fn a_mapping_without_a_key_carries_its_keys_in_the_error_file() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"5000/s\"");
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"no-key\"\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { from = \"Text\" }\ncollection_id = { from = \"Desk\", resolve = \"collection\" }\n",
    );
    work.write(
        "in.csv",
        "Title,Text,Desk\nA,one,IT Support\nB,two,Nowhere\nA,one,IT Support\nC,three,Nowhere\n",
    );
    let (ended, summary) =
        work.import(&["in.csv", "--mapping", "map.toml", "--profile", "support"]);
    ended.expect(1);
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&2.into(), &2.into()),
        "{summary:#}"
    );

    work.write(
        "in.errors.csv",
        work.read("in.errors.csv").replace("Nowhere", "IT Support"),
    );
    let (ended, summary) = work.import(&[
        "in.errors.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "support",
    ]);
    ended.expect(0);
    assert_eq!(summary["created"], 2);
    // Fixed once more: the same rows under the same keys, so nothing is made twice.
    let (ended, summary) = work.import(&[
        "in.errors.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "support",
    ]);
    ended.expect(0);
    assert_eq!(summary["created"], 0);
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), 4);
    assert_once(&created);
}

#[test]
fn a_row_that_changed_since_is_told_and_left_alone() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"5000/s\"");
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"changed\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { from = \"Title\" }\ncollection_id = { value = \"IT Support\", resolve = \"collection\" }\n",
    );
    work.write("a.csv", "Id,Title\n1,Printer\n2,Screen\n");
    work.import(&["a.csv", "--mapping", "map.toml", "--profile", "support"])
        .0
        .expect(0);
    work.write("b.csv", "Id,Title\n1,Printer\n2,Keyboard\n3,Mouse\n");
    let (ended, summary) = work.import(&["b.csv", "--mapping", "map.toml", "--profile", "support"]);
    ended.expect(1);
    assert_eq!(summary["created"], 1);
    assert_eq!(summary["skipped_because"]["changed"], 1);
    insta::assert_snapshot!("changed_row", work.shown(&summary["changed"].to_string()));
    assert_eq!(sandbox.created("clearfeed").len(), 3);
}

#[test]
fn standard_input_gzip_and_several_inputs() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"5000/s\"");
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"several\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { template = \"{{ Title }} from {{ _file }}\" }\n\
         collection_id = { value = \"IT Support\", resolve = \"collection\" }\n",
    );
    work.write("a.csv", "Id,Title\n1,Printer\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(
        &mut packed,
        b"{\"Id\": 2, \"Title\": \"Screen\"}\n{\"Id\": 3, \"Title\": \"Mouse\"}\n",
    )
    .unwrap();
    work.write("b.jsonl.gz", packed.finish().unwrap());
    let mut command = work.command(&[
        "import",
        "a.csv",
        "b.jsonl.gz",
        "-",
        "--mapping",
        "map.toml",
        "--profile",
        "support",
        "--format",
        "json",
    ]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"Id;Title\n4;Keyboard\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let created = sandbox.created("clearfeed");
    assert_eq!(created.len(), 4);
    assert!(
        created
            .iter()
            .any(|entry| entry["body"].to_string().contains("Keyboard from -")),
        "{created:?}"
    );
}

#[test]
fn the_clean_sample_leaves_no_error_file() {
    let work = Work::new();
    let map = mapping("clearfeed-tickets.toml");
    work.import(&[
        &sample("tickets.csv"),
        "--mapping",
        &map,
        "--sandbox",
        "--limit",
        "20",
    ])
    .0
    .expect(0);
    let left: Vec<PathBuf> = std::fs::read_dir(work.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [work.state()], "only the state folder");
    assert_eq!(creates(work.embedded_audit(), "clearfeed").len(), 20);
}

#[test]
fn a_limit_that_is_used_up_is_waited_for_and_not_run_into() {
    // By the answer to a write, and by that to a read which is alone on its way.
    for (profile, map, operations) in [
        (
            "district",
            "incidentiq-tickets.toml",
            &["create", "search"][..],
        ),
        ("support", "clearfeed-tickets.toml", &["create"]),
    ] {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        // One at a time: no other request is under way while the answer comes.
        sandbox.profiles(&work, "concurrency = 1\nrate = \"1000/s\"");
        for operation in operations {
            let body = serde_json::json!({"operation": operation, "fault": "rate-limit-spent", "value": "1:600ms"});
            sandbox.admin("POST", "faults", Some(body));
        }
        let (_, summary) = work.import(&[
            &sample("tickets.csv"),
            "--mapping",
            &mapping(map),
            "--profile",
            profile,
            "--limit",
            "5",
        ]);
        assert_eq!(summary["created"], 5, "{summary:#}");
        let stats: Value = serde_json::from_str(&sandbox.admin("GET", "stats", None)).unwrap();
        assert_eq!(
            stats["faults"]["rate-limit-spent"],
            operations.len(),
            "{stats:#}"
        );
        assert_eq!(
            stats["throttled"],
            serde_json::json!({"incidentiq": 0, "clearfeed": 0}),
            "{profile}"
        );
    }
}
