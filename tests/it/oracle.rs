//! The program beside an evaluator of the mapping language that was written from `docs/mapping.md` alone, in another
//! language and by somebody who has not read the sources: random mappings and rows, and what each makes of them.

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
    not_installed("the evaluator of mappings", what);
    None
}

/// `ORACLE_SEEDS` takes more mappings than these, `ORACLE_FROM` others.
#[test]
fn random_mappings_become_what_the_document_says() {
    let Some(python) = python() else {
        return;
    };
    let number = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.into());
    let ended = Command::new(python)
        // No folder of compiled files beside the sources.
        .arg("-B")
        .arg(repository().join("tests/oracle/run.py"))
        .arg("--program")
        .arg(program())
        .args(["--seeds", &number("ORACLE_SEEDS", "200")])
        .args(["--from", &number("ORACLE_FROM", "1")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{failed}");
    println!("{said}");
}
