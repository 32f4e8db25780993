//! What people do to exported workbooks by programs that are not ours, between exports and while one waits: nothing of
//! theirs is lost, and what stands beside a ticket stays beside it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use deskferry_testing::absent::cannot_be_had;
use serde_json::Value;

use super::tests::{options, ticket};
use super::*;
use crate::error::ErrorKind;
use crate::export::sheets::{Analysis, Basis, SheetKind};

const EDIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/people/edit.py");

/// The Python that has openpyxl; `DESKFERRY_PYTHON` names another than `python3`.
fn python(test: &str) -> Option<OsString> {
    let python = std::env::var_os("DESKFERRY_PYTHON").unwrap_or_else(|| "python3".into());
    let ended = Command::new(&python)
        .args(["-c", "import openpyxl"])
        .output();
    if ended.is_ok_and(|ended| ended.status.success()) {
        return Some(python);
    }
    cannot_be_had(
        test,
        "`python3` has no `openpyxl`: DESKFERRY_PYTHON names another",
    );
    None
}

/// What a file has of people's, after an edit where one is named.
fn people(python: &OsString, path: &Path, edit: &[&str]) -> Value {
    let ended = Command::new(python)
        .arg(EDIT)
        .arg(path)
        .args(edit)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{edit:?}: {errors}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

fn texts(found: &Value, member: &str) -> BTreeSet<String> {
    let texts = found[member].as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// Exports some tickets with comments and an analysis; `during` runs while the new file is written.
fn export(path: &Path, tickets: &[CommonTicket], during: &mut dyn FnMut()) -> Written {
    let mut tries = 0;
    loop {
        let mut analysis = Analysis::new(
            &[SheetKind::Summary],
            Basis {
                zone: jiff::tz::TimeZone::UTC,
                now: "2024-06-30T00:00:00Z".parse().unwrap(),
                source: "sandbox".to_owned(),
                filter: None,
                by_state: false,
                period: None,
                is_whole: true,
                frame: None,
                kept: Vec::new(),
            },
        );
        tickets.iter().for_each(|ticket| analysis.add(ticket, true));
        let mut options = options(path);
        options.comments = true;
        options.sheets = analysis.finish();
        let mut sink = create(options).unwrap();
        tickets
            .iter()
            .for_each(|ticket| sink.ticket(ticket).unwrap());
        if tries == 0 {
            during();
        }
        tries += 1;
        match sink.finish() {
            Err(error) if error.kind() == ErrorKind::Changed && tries < 3 => {}
            ended => return ended.unwrap(),
        }
    }
}

/// A desk of twelve tickets, some of which are asked for.
fn some(seed: u64) -> Vec<CommonTicket> {
    let numbers = (1..13_usize).filter(|number| (seed >> (number % 7)) & 3 != 3);
    numbers.map(|number| ticket(number, "lamp")).collect()
}

/// All that people had is in the file of that name, and beside the same tickets. A file that is not replaced is as it was.
#[track_caller]
fn nothing_is_lost(python: &OsString, path: &Path, had: &Value, written: &Written, what: &str) {
    let has = people(python, path, &[]);
    for member in ["marks", "numbers", "beside", "looks"] {
        let lost: Vec<String> = texts(had, member)
            .difference(&texts(&has, member))
            .cloned()
            .collect();
        assert!(
            lost.is_empty(),
            "{what}: of {member} is lost: {lost:?}\nnotes: {:?}\nhas: {has}",
            written.notes
        );
    }
    if written.files[0] != path {
        assert!(
            written
                .notes
                .iter()
                .any(|note| note.contains("stays as it is")),
            "{what}: {:?}",
            written.notes
        );
    }
}

/// Saves a file by LibreOffice; `false` where it is not here.
fn saved_by_libreoffice(test: &str, path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let out = folder.join("lo");
    let ended = Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.join("profile").display()
        ))
        .args(["--headless", "--convert-to", "xlsx", "--outdir"])
        .arg(&out)
        .arg(path)
        .output();
    if ended.is_err() {
        not_installed_here(test);
        return false;
    }
    fs::copy(out.join(path.file_name().unwrap()), path).unwrap();
    true
}

fn not_installed_here(test: &str) {
    cannot_be_had(test, "LibreOffice (`soffice`) is not here");
}

/// What keeps a file from being replaced, and what does not.
#[test]
fn each_thing_that_people_do_is_kept() {
    let Some(python) = python("each_thing_that_people_do_is_kept") else {
        return;
    };
    // Whether the file is replaced all the same.
    for (kind, is_replaced) in [
        ("note", true),
        ("heading_alone", true),
        ("column_inserted", true),
        ("column_without_heading", true),
        ("far_cell", true),
        ("second_state", false),
        ("own_column_gone", true),
        ("sorted_rows", true),
        ("row_of_theirs", true),
        ("row_copied", true),
        ("formula", false),
        ("error", false),
        ("duration", true),
        ("share", true),
        ("cell_note", false),
        ("own_sheet", false),
        ("sheet_renamed", false),
        ("on_analysis", false),
        ("over_analysis", false),
        ("formula_on_analysis", false),
        ("on_comments", false),
        ("row_on_comments", false),
        ("chart", false),
        ("link", false),
        ("heading_coloured", true),
        ("cell_coloured", true),
        ("cells_of_ours_coloured", true),
        ("rule", false),
        ("rule_on_ours", false),
        ("rule_on_analysis", false),
        ("rule_on_comments", false),
        ("drop_down", false),
        ("table", false),
        ("defined_name", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        let tickets = some(0);
        export(&path, &tickets, &mut || {});
        let had = people(&python, &path, &["7", kind]);
        let written = export(&path, &tickets, &mut || {});
        nothing_is_lost(&python, &path, &had, &written, kind);
        assert_eq!(
            written.files[0] == path,
            is_replaced,
            "{kind}: {:?}",
            written.notes
        );
        if is_replaced {
            // What is carried once is carried on.
            let written = export(&path, &tickets, &mut || {});
            nothing_is_lost(&python, &path, &had, &written, kind);
            assert_eq!(written.files[0], path, "{kind}: {:?}", written.notes);
        }
    }
}

/// A workbook that other programs only saved is ours as before.
#[test]
fn a_workbook_that_was_only_saved_is_replaced() {
    let test = "a_workbook_that_was_only_saved_is_replaced";
    let Some(python) = python(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    export(&path, &some(0), &mut || {});
    let save = "import sys, openpyxl; openpyxl.load_workbook(sys.argv[1]).save(sys.argv[1])";
    let ended = Command::new(&python).args(["-c", save]).arg(&path).status();
    assert!(ended.unwrap().success());
    let written = export(&path, &some(0), &mut || {});
    assert_eq!(written.files[0], path, "openpyxl: {:?}", written.notes);
    if saved_by_libreoffice(test, &path) {
        let written = export(&path, &some(0), &mut || {});
        assert_eq!(written.files[0], path, "LibreOffice: {:?}", written.notes);
    }
}

/// Edits, exports and saves in a random order, from a seed.
fn sequence(python: &OsString, seed: u64, by_libreoffice: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    export(&path, &some(seed), &mut || {});
    let mut had = people(python, &path, &[]);
    for step in 0..4_u64 {
        let number = (seed * 10 + step).to_string();
        let mut edit = || had = people(python, &path, &[&number, "any"]);
        let meanwhile = (seed + step).is_multiple_of(3);
        if !meanwhile {
            edit();
        }
        let tickets = some(seed.wrapping_mul(31).wrapping_add(step * 7));
        let written = match meanwhile {
            true => export(&path, &tickets, &mut edit),
            false => export(&path, &tickets, &mut || {}),
        };
        let what = format!("seed {seed}, step {step}, {}", had["did"]);
        nothing_is_lost(python, &path, &had, &written, &what);
        if written.files[0] != path {
            return;
        }
        if by_libreoffice && step == 1 {
            let before = people(python, &path, &[]);
            saved_by_libreoffice("sequences", &path);
            let written = export(&path, &some(seed), &mut || {});
            nothing_is_lost(
                python,
                &path,
                &before,
                &written,
                &format!("{what}, saved by LibreOffice"),
            );
            if written.files[0] != path {
                return;
            }
        }
    }
}

#[test]
fn nothing_of_theirs_is_lost_in_some_sequences() {
    if let Some(python) = python("nothing_of_theirs_is_lost_in_some_sequences") {
        (0..8).for_each(|seed| sequence(&python, seed, false));
    }
}

#[test]
#[ignore = "takes half an hour; run it after changes to what is kept"]
fn nothing_of_theirs_is_lost_in_three_hundred_sequences() {
    if let Some(python) = python("nothing_of_theirs_is_lost_in_three_hundred_sequences") {
        (0..300).for_each(|seed| sequence(&python, seed, seed.is_multiple_of(6)));
    }
}
