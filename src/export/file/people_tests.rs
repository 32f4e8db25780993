//! What people do to exported workbooks by programs that are not ours, between exports and while one waits: nothing of
//! theirs is lost, and what stands beside a ticket stays beside it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use deskferry_testing::absent::cannot_be_had;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::tests::{options, ticket};
use super::*;
use crate::error::ErrorKind;
use crate::export::sheets::{Analysis, Basis, SheetKind};

const EDIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/people/edit.py");

/// Somebody who edits workbooks by openpyxl: one program for all edits, since to start it takes longer than any of them.
struct People {
    program: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl People {
    /// Of the Python that has openpyxl; `DESKFERRY_PYTHON` names another than `python3`.
    fn new(test: &str) -> Option<Self> {
        let python = std::env::var_os("DESKFERRY_PYTHON").unwrap_or_else(|| "python3".into());
        let mut program = Command::new(&python)
            .arg(EDIT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok();
        let parts = program.as_mut().and_then(|program| {
            let mut answers = BufReader::new(program.stdout.take()?);
            let mut line = String::new();
            answers.read_line(&mut line).ok()?;
            (line == "ready\n").then_some((program.stdin.take()?, answers))
        });
        let Some((asks, answers)) = parts else {
            cannot_be_had(
                test,
                "`python3` has no `openpyxl`: DESKFERRY_PYTHON names another",
            );
            return None;
        };
        Some(Self {
            program: program?,
            asks,
            answers,
        })
    }

    /// What a file has of people's, after an edit where one is named.
    fn people(&mut self, path: &Path, edit: &[&str]) -> Value {
        let path = path.to_str().unwrap();
        let ask: Vec<&str> = [path].into_iter().chain(edit.iter().copied()).collect();
        writeln!(self.asks, "{}", json!(ask)).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{edit:?}: {error}: {line}"))
    }
}

impl Drop for People {
    fn drop(&mut self) {
        // It has ended by itself where its last answer was an error.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
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
fn nothing_is_lost(people: &mut People, path: &Path, had: &Value, written: &Written, what: &str) {
    let has = people.people(path, &[]);
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

/// Saves files of different names by one LibreOffice; `false` where it is not here.
fn saved_by_libreoffice(test: &str, paths: &[&Path]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lo");
    let ended = Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.path().join("profile").display()
        ))
        .args(["--headless", "--convert-to", "xlsx", "--outdir"])
        .arg(&out)
        .args(paths)
        .output();
    if ended.is_err() {
        not_installed_here(test);
        return false;
    }
    for path in paths {
        fs::copy(out.join(path.file_name().unwrap()), path).unwrap();
    }
    true
}

fn not_installed_here(test: &str) {
    cannot_be_had(test, "LibreOffice (`soffice`) is not here");
}

/// What keeps a file from being replaced, and what does not.
#[test]
fn each_thing_that_people_do_is_kept() {
    let Some(mut people) = People::new("each_thing_that_people_do_is_kept") else {
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
        ("rule_like_ours", false),
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
        let had = people.people(&path, &["7", kind]);
        let written = export(&path, &tickets, &mut || {});
        nothing_is_lost(&mut people, &path, &had, &written, kind);
        assert_eq!(
            written.files[0] == path,
            is_replaced,
            "{kind}: {:?}",
            written.notes
        );
        if is_replaced {
            // What is carried once is carried on.
            let written = export(&path, &tickets, &mut || {});
            nothing_is_lost(&mut people, &path, &had, &written, kind);
            assert_eq!(written.files[0], path, "{kind}: {:?}", written.notes);
        }
    }
}

/// A workbook that other programs only saved is ours as before.
#[test]
fn a_workbook_that_was_only_saved_is_replaced() {
    let test = "a_workbook_that_was_only_saved_is_replaced";
    let Some(mut people) = People::new(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    export(&path, &some(0), &mut || {});
    people.people(&path, &["7", "save"]);
    let written = export(&path, &some(0), &mut || {});
    assert_eq!(written.files[0], path, "openpyxl: {:?}", written.notes);
    if saved_by_libreoffice(test, &[&path]) {
        let written = export(&path, &some(0), &mut || {});
        assert_eq!(written.files[0], path, "LibreOffice: {:?}", written.notes);
    }
}

/// Edits and exports in a random order, from a seed.
struct Sequence {
    seed: u64,
    _folder: TempDir,
    path: PathBuf,
    had: Value,
}

impl Sequence {
    fn new(people: &mut People, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("t{seed}.xlsx"));
        export(&path, &some(seed), &mut || {});
        Self {
            seed,
            had: people.people(&path, &[]),
            path,
            _folder: folder,
        }
    }

    /// Edits and exports; whether the file was replaced, so that it goes on.
    fn step(&mut self, people: &mut People, step: u64) -> bool {
        let Self {
            seed, path, had, ..
        } = self;
        let (seed, path) = (*seed, &*path);
        let number = (seed * 10 + step).to_string();
        let mut edit = || *had = people.people(path, &[&number, "any"]);
        let meanwhile = (seed + step).is_multiple_of(3);
        if !meanwhile {
            edit();
        }
        let tickets = some(seed.wrapping_mul(31).wrapping_add(step * 7));
        let written = match meanwhile {
            true => export(path, &tickets, &mut edit),
            false => export(path, &tickets, &mut || {}),
        };
        let what = format!("seed {seed}, step {step}, {}", had["did"]);
        nothing_is_lost(people, path, had, &written, &what);
        written.files[0] == *path
    }

    /// The same after another program has saved the file.
    fn saved(&self, people: &mut People, before: &Value) -> bool {
        let written = export(&self.path, &some(self.seed), &mut || {});
        let what = format!("seed {}, saved by LibreOffice", self.seed);
        nothing_is_lost(people, &self.path, before, &written, &what);
        written.files[0] == self.path
    }
}

/// Sequences side by side: half way LibreOffice saves the files of those for which `is_saved` holds, all of them at once.
fn sequences(people: &mut People, seeds: Range<u64>, is_saved: fn(u64) -> bool) {
    let mut going: Vec<Sequence> = seeds.map(|seed| Sequence::new(people, seed)).collect();
    going.retain_mut(|one| (0..2).all(|step| one.step(people, step)));
    let (saved, plain): (Vec<_>, Vec<_>) = going.into_iter().partition(|one| is_saved(one.seed));
    going = plain;
    let before: Vec<Value> = saved
        .iter()
        .map(|one| people.people(&one.path, &[]))
        .collect();
    let paths: Vec<&Path> = saved.iter().map(|one| one.path.as_path()).collect();
    if paths.is_empty() || !saved_by_libreoffice("sequences", &paths) {
        going.extend(saved);
    } else {
        let saved = saved.into_iter().zip(&before);
        going.extend(saved.filter_map(|(one, before)| one.saved(people, before).then_some(one)));
    }
    for one in &mut going {
        let _ = (2..4).all(|step| one.step(people, step));
    }
}

#[test]
fn nothing_of_theirs_is_lost_in_some_sequences() {
    if let Some(mut people) = People::new("nothing_of_theirs_is_lost_in_some_sequences") {
        sequences(&mut people, 0..8, |_| false);
    }
}

/// `DESKFERRY_SEEDS=8..60` says which of them.
#[test]
#[ignore = "takes half an hour; run it after changes to what is kept"]
fn nothing_of_theirs_is_lost_in_three_hundred_sequences() {
    let seeds = std::env::var("DESKFERRY_SEEDS").unwrap_or_default();
    let seeds = seeds.split_once("..");
    let seeds = seeds.map(|(first, end)| first.parse().unwrap()..end.parse().unwrap());
    let seeds: Range<u64> = seeds.unwrap_or(0..300);
    let Some(mut people) = People::new("nothing_of_theirs_is_lost_in_three_hundred_sequences")
    else {
        return;
    };
    for first in seeds.clone().step_by(24) {
        let some = first..(first + 24).min(seeds.end);
        sequences(&mut people, some.clone(), |seed| seed.is_multiple_of(6));
        println!("seeds {} to {}", some.start, some.end - 1);
    }
}
