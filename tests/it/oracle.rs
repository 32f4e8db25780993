//! The program beside evaluators that were written in another language from the documents alone: of the mapping language, by
//! random mappings and rows, and of exports, by desks whose figures are recomputed.

use std::ffi::OsString;
use std::process::Command;

use deskferry_testing::absent::not_installed;

use crate::support::{program, repository};

/// The Python that runs the evaluator; `DESKFERRY_PYTHON` names another than `python3`.
fn python() -> Option<OsString> {
    let python = std::env::var_os("DESKFERRY_PYTHON").unwrap_or_else(|| "python3".into());
    let has =
        "import sys, zoneinfo; sys.exit(sys.version_info < (3, 11)); zoneinfo.ZoneInfo('UTC')";
    let ended = Command::new(&python).args(["-c", has]).output();
    if ended.is_ok_and(|ended| ended.status.success()) {
        return Some(python);
    }
    let what = "`python3` (3.11 or later) is not here: DESKFERRY_PYTHON names another";
    not_installed("the oracle", what);
    None
}

/// Runs one of the scripts on the program; what it says.
fn compare(script: &str, arguments: &[&str]) {
    let Some(python) = python() else {
        return;
    };
    let ended = Command::new(python)
        // No folder of compiled files beside the sources.
        .arg("-B")
        .arg(repository().join("tests/oracle").join(script))
        .arg("--program")
        .arg(program())
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{failed}");
    println!("{said}");
}

fn number(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.into())
}

/// `ORACLE_SEEDS` takes more mappings than these, `ORACLE_FROM` others.
#[test]
fn random_mappings_become_what_the_document_says() {
    let (seeds, from) = (number("ORACLE_SEEDS", "200"), number("ORACLE_FROM", "1"));
    compare("run.py", &["--seeds", &seeds, "--from", &from]);
}

/// The figures of a desk, filters, and exports of a desk that changes, recomputed from `docs/export.md`; `ORACLE_FROM` takes
/// another desk.
#[test]
fn exports_say_what_a_recomputation_from_the_document_says() {
    let from = number("ORACLE_FROM", "1");
    let some = ["--filters", "6", "--sequences", "2", "--short"];
    compare("exports/run.py", &[&["--from", &from], &some[..]].concat());
}

#[test]
#[ignore = "takes an hour; run it after changes to exports"]
fn five_desks_are_exported_as_a_recomputation_from_the_document_says() {
    let from = number("ORACLE_FROM", "1");
    let all = ["--desks", "5", "--filters", "100", "--sequences", "40"];
    compare("exports/run.py", &[&["--from", &from], &all[..]].concat());
}
