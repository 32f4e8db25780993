//! Each bad input gets its error and its exit code, and nothing is half-done.

use crate::support::{SandboxProcess, Work};

const MAPPING: &str = r##"
version = 1
system = "clearfeed"
operation = "create"
scope = "bad-input"
key = ["Id"]

[fields]
title = { from = "Title" }
description = { from = "Title" }
collection_id = { value = "IT Support", resolve = "collection" }
"##;

/// A work folder with a mapping and one good file.
fn work() -> Work {
    let work = Work::new();
    work.write("map.toml", MAPPING);
    work.write("good.csv", "Id,Title\n1,Printer\n2,Screen\n");
    work
}

/// Runs an import that must fail with this code; returns what it said, which is the scene's snapshot.
#[track_caller]
fn refused(work: &Work, arguments: &[&str], code: i32, scene: &str) -> String {
    let mut all = vec!["import"];
    all.extend(arguments);
    let ended = work.run(&all).expect(code);
    insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    assert!(
        ended.stdout.is_empty(),
        "data on standard output: {}",
        ended.stdout
    );
    ended.stderr
}

/// The same on the embedded sandbox, which must hold nothing afterwards.
#[track_caller]
fn refused_in_sandbox(work: &Work, input: &str, further: &[&str], scene: &str) -> String {
    let mut all = vec![input, "--mapping", "map.toml", "--sandbox"];
    all.extend(further);
    let said = refused(work, &all, 2, scene);
    assert!(work.embedded_audit().is_empty());
    said
}

#[test]
fn a_missing_file() {
    refused_in_sandbox(&work(), "none.csv", &[], "missing_file");
}

#[test]
fn an_empty_file() {
    let work = work();
    work.write("empty.csv", "");
    refused_in_sandbox(&work, "empty.csv", &[], "empty_file");
}

#[test]
fn a_header_without_rows() {
    let work = work();
    work.write("header.csv", "Id,Title\n");
    refused_in_sandbox(&work, "header.csv", &[], "header_without_rows");
}

#[test]
fn a_sheet_that_is_not_there() {
    let work = work();
    let samples = crate::support::repository().join("samples/tickets.xlsx");
    refused_in_sandbox(
        &work,
        samples.to_str().unwrap(),
        &["--sheet", "Nothing"],
        "sheet_that_is_not_there",
    );
}

#[test]
fn a_binary_file_named_csv() {
    let work = work();
    let bytes: Vec<u8> = (0..4096u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    work.write(
        "photo.csv",
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &bytes].concat(),
    );
    refused_in_sandbox(&work, "photo.csv", &[], "binary_file");
}

#[test]
fn a_broken_zip_named_xlsx() {
    let work = work();
    work.write(
        "broken.xlsx",
        b"PK\x03\x04this is no workbook at all".as_slice(),
    );
    refused_in_sandbox(&work, "broken.xlsx", &[], "broken_zip");
}

#[test]
fn a_column_that_is_not_in_the_file() {
    let work = work();
    work.write("other.csv", "Id,Titel\n1,Printer\n");
    refused_in_sandbox(&work, "other.csv", &[], "column_that_is_not_there");
}

#[test]
fn a_first_bad_byte_far_into_the_file_is_told_with_its_position() {
    let work = work();
    let mut bytes = b"Id,Title\n".to_vec();
    for row in 0..40_000 {
        bytes.extend(format!("{row},Printer {row}\n").bytes());
    }
    // Positions are counted from 1, as editors do.
    assert_eq!(bytes.len() + "x,caf".len() + 1, 777_795);
    bytes.extend(b"x,caf\xe9\n");
    work.write("late.csv", bytes);
    refused_in_sandbox(&work, "late.csv", &[], "late_bad_byte");
}

#[test]
fn a_mapping_for_another_system() {
    let work = work();
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "");
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "district"],
        2,
        "mapping_for_another_system",
    );
    assert!(sandbox.audit().is_empty());
}

#[test]
fn an_unknown_profile() {
    let work = work();
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "");
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "suport"],
        2,
        "unknown_profile",
    );
}

#[test]
fn no_profile_and_no_sandbox() {
    let work = work();
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml"],
        2,
        "no_profile",
    );
}

#[test]
fn a_missing_token() {
    let work = work();
    work.write(
        "deskferry.toml",
        "[profiles.support]\nsystem = \"clearfeed\"\nurl = \"http://127.0.0.1:9/clearfeed\"\ntenant = \"acme\"\n\
         token = { env = \"DESKFERRY_TEST_UNSET\" }\n",
    );
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "support"],
        2,
        "missing_token",
    );
}

#[test]
fn a_token_that_is_not_accepted() {
    let work = work();
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "");
    work.write("token", "s3cret-but-wrong");
    let said = refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "support"],
        3,
        "token_that_is_not_accepted",
    );
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_wrong_site_id() {
    let work = work();
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "");
    let config = work.read("deskferry.toml").replace(
        sandbox.told("site_id"),
        "11111111-2222-3333-4444-555555555555",
    );
    work.write("deskferry.toml", config);
    let mapping = crate::support::repository().join("mappings/incidentiq-tickets.toml");
    let samples = crate::support::repository().join("samples/tickets.csv");
    let arguments = [
        samples.to_str().unwrap(),
        "--mapping",
        mapping.to_str().unwrap(),
        "--profile",
        "district",
    ];
    refused(&work, &arguments, 3, "wrong_site_id");
    assert!(sandbox.audit().is_empty());
}

#[test]
fn a_host_that_does_not_answer() {
    let work = work();
    // A port that was free a moment ago and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    work.write("token", "sandbox");
    work.write(
        "deskferry.toml",
        format!(
            "[profiles.support]\nsystem = \"clearfeed\"\nurl = \"http://127.0.0.1:{port}/clearfeed\"\ntenant = \"acme\"\n\
             token = {{ file = \"token\" }}\n"
        ),
    );
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "support"],
        3,
        "host_that_does_not_answer",
    );
}

#[test]
fn plain_http_to_another_machine() {
    let work = work();
    work.write("token", "sandbox");
    work.write(
        "deskferry.toml",
        "[profiles.support]\nsystem = \"clearfeed\"\nurl = \"http://desk.invalid/clearfeed\"\ntenant = \"acme\"\ntoken = { file = \"token\" }\n",
    );
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "support"],
        2,
        "plain_http",
    );
}

#[cfg(unix)]
#[test]
fn a_state_folder_that_cannot_be_written() {
    let work = work();
    // A file in its place cannot be written into, even by a user who may write everywhere.
    work.write("state", "");
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--sandbox"],
        4,
        "state_folder_that_cannot_be_written",
    );
}

#[test]
fn no_confirmation_without_a_terminal() {
    let work = work();
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "live = true");
    let arguments = ["good.csv", "--mapping", "map.toml", "--profile", "support"];
    refused(&work, &arguments, 2, "unconfirmed");
    assert!(sandbox.audit().is_empty());
    let mut wrong = arguments.to_vec();
    wrong.extend(["--confirm", "district"]);
    refused(&work, &wrong, 2, "wrongly_confirmed");
    assert!(sandbox.audit().is_empty());
    let mut right = vec!["import"];
    right.extend(arguments);
    right.extend(["--confirm", "support"]);
    work.run(&right).expect(0);
    assert_eq!(sandbox.created("clearfeed").len(), 2);
}

#[test]
fn a_profile_that_the_mapping_does_not_allow() {
    let work = work();
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "");
    work.write(
        "map.toml",
        MAPPING.replace("key =", "profile = [\"support-test\"]\nkey ="),
    );
    refused(
        &work,
        &["good.csv", "--mapping", "map.toml", "--profile", "support"],
        2,
        "profile_that_the_mapping_does_not_allow",
    );
}

#[test]
fn an_error_file_that_is_open_elsewhere_is_left_alone() {
    let work = work();
    work.write("bad.csv", "Id,Title\n1,Printer\n2,\n");
    work.write("bad.errors.csv", "what a person is looking at\n");
    work.write(".~lock.bad.errors.csv#", ",somebody,somewhere,now;");
    let (ended, summary) = work.import(&["bad.csv", "--mapping", "map.toml", "--sandbox"]);
    ended.expect(1);
    assert_eq!(work.read("bad.errors.csv"), "what a person is looking at\n");
    assert_eq!(summary["error_files"][0]["path"], "bad.errors-2.csv");
    insta::assert_snapshot!(
        "second_error_file",
        work.shown(&work.read("bad.errors-2.csv"))
    );
}

#[test]
fn faults_of_a_mapping_are_all_told_at_once() {
    let work = work();
    work.write(
        "map.toml",
        MAPPING
            .replace("title =", "titel =")
            .replace("scope =", "skope ="),
    );
    refused_in_sandbox(&work, "good.csv", &[], "faults_of_a_mapping");
}
