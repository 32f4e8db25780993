//! Files of rows: hung on tickets where a system takes them, kept in an archive with a page and a note where it takes none. What
//! is wrong with a file is said of its row, and keeps nothing else of the row from being done.

use std::collections::BTreeMap;
use std::fs;

use data_encoding::BASE64;
use serde_json::Value;

use crate::import::assert_balanced;
use crate::support::{SandboxProcess, Work};
use crate::tied::causes;

const INCIDENTIQ: &str = r#"
version   = 2
system    = "incidentiq"
operation = "create"
scope     = "files"
key       = ["ID"]

[fields]
Subject          = { from = "Title" }
IssueDescription = { value = "x" }
IssueId          = { value = "Other" }
LocationId       = { value = "District Office" }
ForId            = { value = "helpdesk@district.example" }

[[then]]
operation = "attach"
each      = { from = "Files", split = ";" }
fields    = { file = { from = "item" } }

[[then]]
operation = "comment"
fields    = { body = { value = "all files are here" } }
"#;

const CLEARFEED: &str = r#"
version     = 2
system      = "clearfeed"
operation   = "create"
scope       = "files"
key         = ["ID"]
attachments = { folder = "kept", base_url = "https://files.example.org/old desk/" }

[fields]
title           = { from = "Title" }
description     = { value = "x" }
collection_id   = { value = "IT Support" }
requester_email = { value = "ann@district.example" }

[[then]]
operation = "attach"
each      = { from = "Files", split = ";" }
fields    = { file = { from = "item" } }
"#;

struct Bench {
    work: Work,
    sandbox: SandboxProcess,
    profile: &'static str,
}

impl Bench {
    fn new(mapping: &str, profile: &'static str) -> Self {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        let quick = "rate = \"100000/s\"\ncommit_within = \"1s\"\nvisible_within = \"1s\"";
        sandbox.profiles(&work, quick);
        work.write("map.toml", mapping);
        work.write("files/log.txt", "it broke");
        work.write("files/copy.txt", "it broke");
        work.write("files/photo.png", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
        Self {
            work,
            sandbox,
            profile,
        }
    }

    fn import(&self, rows: &str, more: &[&str], code: i32) -> (String, Value) {
        self.work.write("in.csv", rows);
        let mut arguments = vec!["in.csv", "--mapping", "map.toml", "--profile", self.profile];
        arguments.extend(more);
        let (ended, summary) = self.work.import(&arguments);
        assert_balanced(&summary);
        let stderr = ended.expect(code).stderr;
        (stderr, summary)
    }

    fn done(&self, operation: &str) -> Vec<Value> {
        let mut audit = self.sandbox.audit();
        audit.retain(|entry| entry["operation"] == operation);
        audit
    }

    /// The names and contents of the files that hang on tickets, by the id of the file.
    fn linked(&self) -> Vec<(String, String)> {
        let content = |entry: &Value| {
            let content = entry["body"]["Content"].as_str().unwrap();
            let content = BASE64.decode(content.as_bytes()).unwrap();
            String::from_utf8_lossy(&content).into_owned()
        };
        let uploads = self.done("file");
        let known: BTreeMap<&str, (String, String)> = (uploads.iter())
            .map(|entry| {
                let name = entry["body"]["FileName"].as_str().unwrap().to_owned();
                (entry["id"].as_str().unwrap(), (name, content(entry)))
            })
            .collect();
        let mut linked: Vec<_> = (self.done("file_link").iter())
            .map(|entry| known[entry["id"].as_str().unwrap()].clone())
            .collect();
        linked.sort();
        linked
    }
}

fn pairs(some: &[(&str, &str)]) -> Vec<(String, String)> {
    let some = some.iter();
    some.map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect()
}

#[test]
fn files_hang_on_their_tickets_each_content_once() {
    let bench = Bench::new(INCIDENTIQ, "district");
    let rows = "ID,Title,Files\n1,one,files/log.txt;files/photo.png;files/copy.txt\n2,two,\n3,three,files/log.txt\n";
    let (_, dry) = bench.import(rows, &["--dry-run"], 0);
    assert_eq!(dry["would_create"], 3, "{dry:#}");
    assert!(bench.done("file").is_empty());
    let (_, summary) = bench.import(rows, &[], 0);
    assert_eq!(summary["created"], 3, "{summary:#}");
    let photo = String::from_utf8_lossy(&[0x89, b'P', b'N', b'G', 0, 1, 2, 3]).into_owned();
    assert_eq!(
        bench.linked(),
        pairs(&[
            ("log.txt", "it broke"),
            ("log.txt", "it broke"),
            ("photo.png", &photo)
        ])
    );
    assert_eq!(bench.done("comment").len(), 3);
    // Nothing is sent a second time, and nothing is left on the disk.
    let before = bench.sandbox.audit().len();
    let (_, summary) = bench.import(rows, &[], 0);
    assert_eq!(summary["skipped"], 3, "{summary:#}");
    assert_eq!(bench.sandbox.audit().len(), before);
    let left = fs::read_dir(bench.work.state().join("files")).map(Iterator::count);
    assert_eq!(left.unwrap_or(0), 0);
}

#[test]
fn a_file_that_is_not_there_is_a_fault_of_its_row_before_anything_is_sent() {
    let bench = Bench::new(INCIDENTIQ, "district");
    bench.work.write("files/empty.txt", "");
    fs::File::create(bench.work.path().join("files/big.bin"))
        .unwrap()
        .set_len(26 << 20)
        .unwrap();
    let rows = "ID,Title,Files\n1,one,files/none.txt\n2,two,../secret.txt\n3,three,files/big.bin\n4,four,files/empty.txt\n\
                5,five,files/log.txt\n";
    let (_, dry) = bench.import(rows, &["--dry-run"], 1);
    assert_eq!(
        (&dry["rejected"], &dry["would_create"]),
        (&4.into(), &1.into()),
        "{dry:#}"
    );
    insta::assert_snapshot!("files_not_there", causes(&dry));
    let (_, summary) = bench.import(rows, &[], 1);
    assert_eq!(
        (&summary["rejected"], &summary["created"]),
        (&4.into(), &1.into()),
        "{summary:#}"
    );
    assert_eq!(bench.sandbox.created("incidentiq").len(), 1);
}

#[test]
fn a_file_that_is_gone_leaves_the_rest_of_its_row_done_and_a_retry_sends_it_alone() {
    let bench = Bench::new(INCIDENTIQ, "district");
    // An address of this machine that answers 404, until it is a file of the sandbox.
    let gone = format!(
        "{}/nothing.txt",
        bench.sandbox.told("admin").trim_end_matches('/')
    );
    let rows = format!(
        "ID,Title,Files\n1,one,files/log.txt;{gone};files/photo.png\n2,two,files/log.txt\n"
    );
    let (_, summary) = bench.import(&rows, &[], 1);
    assert_eq!(
        (&summary["created"], &summary["incomplete"]),
        (&2.into(), &1.into()),
        "{summary:#}"
    );
    insta::assert_snapshot!("file_that_is_gone", bench.work.shown(&causes(&summary)));
    assert_eq!(bench.linked().len(), 3);
    assert_eq!(bench.done("comment").len(), 2);
    // The same command sends nothing of it again, nor the ticket, nor the file.
    let before = bench.sandbox.audit().len();
    let (_, summary) = bench.import(&rows, &[], 1);
    assert_eq!(
        (&summary["skipped"], &summary["incomplete"]),
        (&1.into(), &1.into()),
        "{summary:#}"
    );
    assert_eq!(bench.sandbox.audit().len(), before);
    let ended = bench.work.run(&["runs", "retry", "last"]).expect(1);
    insta::assert_snapshot!("retry_of_a_file", bench.work.shown(&ended.both()));
    assert_eq!(bench.sandbox.audit().len(), before);
}

#[test]
fn a_link_whose_answer_is_lost_is_looked_up_and_not_made_twice() {
    for (operation, links) in [("file_link", 1), ("file", 1)] {
        let bench = Bench::new(INCIDENTIQ, "district");
        let fault = serde_json::json!({"operation": operation, "fault": "reset-after-commit"});
        bench.sandbox.admin("POST", "faults", Some(fault));
        let rows = "ID,Title,Files\n1,one,files/log.txt\n";
        let (stderr, summary) = bench.import(rows, &[], 0);
        assert_eq!(summary["created"], 1, "{operation}: {summary:#}\n{stderr}");
        assert_eq!(bench.done("file_link").len(), links, "{operation}");
        assert_eq!(bench.done("comment").len(), 1, "{operation}");
        assert_eq!(bench.sandbox.created("incidentiq").len(), 1);
    }
}

#[test]
fn a_system_that_takes_no_files_has_an_archive_with_a_page_and_one_note() {
    let bench = Bench::new(CLEARFEED, "support");
    let rows = "ID,Title,Files\n17,one,files/log.txt;files/photo.png;files/copy.txt\n18,two,\n";
    let (_, summary) = bench.import(rows, &[], 0);
    assert_eq!(summary["created"], 2, "{summary:#}");
    assert_eq!(bench.work.read("kept/17/log.txt"), "it broke");
    assert_eq!(bench.work.read("kept/17/copy.txt"), "it broke");
    let page = bench.work.read("kept/17/index.html");
    insta::assert_snapshot!("page_of_the_archive", bench.work.shown(&page));
    assert!(!bench.work.path().join("kept/18").exists());
    let notes = bench.done("message");
    assert_eq!(notes.len(), 1, "{notes:#?}");
    let note = notes[0]["body"].to_string();
    assert!(
        note.contains("3 files in the archive, folder kept/17:"),
        "{note}"
    );
    assert!(
        note.contains("https://files.example.org/old%20desk/17/photo.png"),
        "{note}"
    );
    assert!(note.contains("\"is_private\":true"), "{note}");
    let (_, summary) = bench.import(rows, &[], 0);
    assert_eq!(summary["skipped"], 2, "{summary:#}");
    assert_eq!(bench.done("message").len(), 1);
}

#[test]
fn a_retry_from_another_folder_goes_on_in_the_archive_of_the_run() {
    let bench = Bench::new(CLEARFEED, "support");
    let folder = bench.sandbox.told("admin").trim_end_matches('/').to_owned();
    let rows = format!("ID,Title,Files\n17,one,files/log.txt;{folder}/nothing.txt\n");
    let (_, summary) = bench.import(&rows, &[], 1);
    assert_eq!(summary["incomplete"], 1, "{summary:#}");
    assert!(bench.work.read("kept/17/index.html").contains("missing"));
    let elsewhere = bench.work.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let retry = bench
        .work
        .command(&["runs", "retry", "last"])
        .current_dir(&elsewhere)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&retry.stderr).into_owned();
    assert_eq!(retry.status.code(), Some(1), "{told}");
    assert!(!elsewhere.join("kept").exists(), "{told}");
}

#[test]
fn links_are_listed_and_what_is_skipped_is_counted() {
    let as_link = CLEARFEED.replace(
        "{ folder = \"kept\", base_url = \"https://files.example.org/old desk/\" }",
        "\"link\"",
    );
    let bench = Bench::new(&as_link, "support");
    let rows = "ID,Title,Files\n1,one,https://old.example/a%20b.png\n";
    let (_, summary) = bench.import(rows, &[], 0);
    assert_eq!(summary["created"], 1, "{summary:#}");
    let notes = bench.done("message");
    assert!(
        notes[0]["body"]
            .to_string()
            .contains("a b.png: https://old.example/a%20b.png"),
        "{notes:#?}"
    );
    let as_skip = as_link
        .replace("\"link\"", "\"skip\"")
        .replace("scope       = \"files\"", "scope = \"skipped\"");
    let bench = Bench::new(&as_skip, "support");
    let (_, summary) = bench.import(rows, &[], 0);
    assert_eq!(summary["created"], 1, "{summary:#}");
    assert!(bench.done("message").is_empty());
    assert!(
        summary["fallbacks"].to_string().contains("skip"),
        "{summary:#}"
    );
    let sent = CLEARFEED.replace(
        "{ folder = \"kept\", base_url = \"https://files.example.org/old desk/\" }",
        "\"send\"",
    );
    bench.work.write("map.toml", sent);
    let ended = bench
        .work
        .run(&["validate", "map.toml", "--profile", "support"])
        .expect(2);
    insta::assert_snapshot!("no_files_in_clearfeed", bench.work.shown(&ended.both()));
}

#[test]
fn rows_bring_files_to_tickets_that_are_there() {
    let bench = Bench::new(INCIDENTIQ, "district");
    bench.import("ID,Title,Files\n1,one,\n", &[], 0);
    bench.work.write(
        "map.toml",
        "version = 2\nsystem = \"incidentiq\"\noperation = \"attach\"\nscope = \"more\"\n\
         target = { key = [\"ID\"], scope = \"files\" }\n[fields]\nfile = { from = \"File\" }\nname = { from = \"Name\" }\n",
    );
    bench.work.write(
        "more.csv",
        "ID,File,Name\n1,files/log.txt,what happened?.txt\n",
    );
    let arguments = ["more.csv", "--mapping", "map.toml", "--profile", "district"];
    let (ended, summary) = bench.work.import(&arguments);
    ended.expect(0);
    assert_eq!(summary["attached"], 1, "{summary:#}");
    assert_eq!(bench.linked(), pairs(&[("what happened_.txt", "it broke")]));
}
