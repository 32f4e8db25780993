//! Files of all kinds through [`Input`], among them other people's torture cases where they are at hand.

mod bounds;
mod delimited;
mod documents;
mod layout;
mod old;
mod order;
mod workbooks;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use deskferry_testing::absent::cannot_be_had;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::record::Cell;

fn file(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn open(name: &str, bytes: &[u8], options: &InputOptions) -> Result<(TempDir, Input)> {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, name, bytes);
    Input::open(&[path], options).map(|input| (dir, input))
}

fn rows(input: &Input) -> Vec<Row> {
    input.rows().unwrap().map(Result::unwrap).collect()
}

fn texts(row: &Row) -> Vec<String> {
    let (Row::Record(record) | Row::Fault(record, _)) = row;
    record
        .cells
        .iter()
        .map(|cell| cell.text().into_owned())
        .collect()
}

/// Row number, texts, and the message of the first fault.
fn table(name: &str, bytes: &[u8]) -> Vec<(u64, Vec<String>, String)> {
    let (_dir, input) = open(name, bytes, &InputOptions::default()).unwrap();
    rows(&input)
        .iter()
        .map(|row| {
            let (record, message) = match row {
                Row::Record(record) => (record, String::new()),
                Row::Fault(record, faults) => (record, faults[0].message.clone()),
            };
            (record.place.row, texts(row), message)
        })
        .collect()
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_like_standard_input_and_a_device_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rows.csv");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let to = path.clone();
    let writing = std::thread::spawn(move || fs::write(to, "Id,Title\n1,a\n2,b\n").unwrap());
    let input = Input::open(&[path], &InputOptions::default()).unwrap();
    writing.join().unwrap();
    for _ in 0..2 {
        let rows = rows(&input);
        assert_eq!(
            rows.iter().map(texts).collect::<Vec<_>>(),
            [["1", "a"], ["2", "b"]]
        );
    }
    input.unchanged().unwrap();
    let error = Input::open(&["/dev/zero".into()], &InputOptions::default()).unwrap_err();
    assert!(error.to_string().contains("is a device"), "{error}");
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let error = open(name, bytes, &InputOptions::default()).unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Input, "{error}");
    assert!(
        !error.hints().is_empty() || error.message().contains("no records"),
        "{error}"
    );
    error.message().to_owned()
}

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(folder);
    if !path.is_dir() {
        cannot_be_had(
            "the files of other projects",
            &format!("`{folder}` of the shared data is not here"),
        );
        return None;
    }
    Some(path)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// The files of the field, with the number of rows that their notes tell.
#[test]
fn real_files() {
    let Some(folder) = data("") else { return };
    for (name, expected, columns) in [
        ("kaggle_customer_support_tickets.csv", 8469, 17),
        ("uci_incident_event_log_6k_excel.csv", 5998, 36),
        ("servicenow_export_107cols.csv", 2, 107),
        ("freshdesk_export.csv", 45, 15),
        ("helpdesk_faq_ja_bom.csv", 10, 7),
        ("support_tickets_100.jsonl", 100, 0),
        ("zendesk_tickets_synth.jsonl", 420, 0),
        ("jira_issues_synth.jsonl", 80, 0),
        ("greatlearning_tickets_8500_x000D.xlsx", 8500, 4),
    ] {
        let input = Input::open(&[folder.join(name)], &InputOptions::default()).unwrap();
        let found = rows(&input);
        let faults: Vec<_> = found
            .iter()
            .filter(|row| matches!(row, Row::Fault(..)))
            .collect();
        assert!(faults.is_empty(), "{name}: {:?}", faults[0]);
        assert_eq!(found.len(), expected, "{name}");
        if columns > 0 {
            assert_eq!(input.tables()[0].header.len(), columns, "{name}");
        }
        if name.starts_with("servicenow_export") || name.starts_with("uci") {
            assert!(matches!(
                input.tables()[0].layout,
                Layout::Csv { crlf: true, .. }
            ));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        start in prop_oneof![Just(""), Just("a,b\n1,"), Just("{\"a\":"), Just("[{"), Just("PK\u{3}\u{4}")],
        name in prop_oneof![Just("t.csv"), Just("t.json"), Just("t.jsonl"), Just("t.xlsx"), Just("t.xls"), Just("t")],
    ) {
        let whole = [start.as_bytes(), &bytes].concat();
        if let Ok((_dir, input)) = open(name, &whole, &InputOptions::default()) {
            input.rows().unwrap().for_each(drop);
        }
    }
}
