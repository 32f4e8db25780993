//! What is wrong with a mapping, fault by fault: each file in `tests/mapping_faults` and the message that people read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deskferry::directory::{Directory, cache};
use deskferry::mapping::{Checked, Draft, PlanOptions, Reach};
use deskferry::report::diagnostic::{Look, render};
use deskferry::source::{Input, InputOptions};
use deskferry::systems::{SystemName, schema_for};

use crate::support::Work;

/// Relative, as a person names a file: the tests run in the repository's folder.
const FOLDER: &str = "tests/mapping_faults";

fn directory(work: &Work, system: SystemName) -> Arc<Directory> {
    let file = format!("{system}.json");
    let name = system.as_str();
    work.run(&[
        "directory",
        "pull",
        "--system",
        name,
        "--sandbox",
        "-o",
        &file,
        "--quiet",
    ])
    .expect(0);
    let snapshot = cache::read_snapshot(&work.path().join(file)).unwrap();
    Arc::new(Directory::new(snapshot))
}

fn mappings() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    paths
}

/// Everything that is found wrong with a mapping, with its rows' columns too.
fn faults(path: &Path, directories: &[Arc<Directory>], input: &Input) -> Checked {
    let draft = Draft::load(path, Reach::Folder).unwrap();
    let system = draft.mapping().map(|mapping| mapping.system());
    let directory = directories
        .iter()
        .find(|directory| Some(directory.snapshot().system) == system)
        .unwrap_or(&directories[0]);
    let schema = Arc::from(schema_for(directory.snapshot()).unwrap());
    let mut checked = Checked::new(
        draft,
        schema,
        Arc::clone(directory),
        &PlanOptions::default(),
    );
    checked.run_tests();
    checked.bind(input.tables());
    checked
}

#[test]
fn each_fault_is_told_with_its_place_and_what_to_write() {
    let work = Work::new();
    let directories = SystemName::ALL.map(|system| directory(&work, system));
    let rows = Path::new(FOLDER).join("tables/tickets.csv");
    let input = Input::open(&[rows], &InputOptions::default()).unwrap();
    let mut kinds = BTreeSet::new();
    let mut failed = String::new();
    for path in mappings() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let found = faults(&path, &directories, &input).into_faults();
        if found.is_empty() {
            let _ = writeln!(failed, "{name}: nothing is wrong");
        }
        for fault in &found {
            if fault.line.is_none() || fault.snippet.is_none() {
                let _ = writeln!(failed, "{name}: no place: {fault}");
            }
            if fault.hint.is_none() {
                let _ = writeln!(failed, "{name}: no advice: {fault}");
            }
            // A message without the names in it is a kind of fault.
            let parts: Vec<&str> = fault.message.split('`').step_by(2).collect();
            kinds.insert(parts.join("`"));
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../mapping_faults/told" }, {
            insta::assert_snapshot!(name, render(&found, Look::Plain));
        });
    }
    assert!(failed.is_empty(), "{failed}");
    assert!(
        kinds.len() >= 40,
        "only {} kinds of fault: {kinds:#?}",
        kinds.len()
    );
}
