//! The two passes against a model that holds everything in memory.

use std::collections::HashMap;
use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::survey::survey_within;
use super::verdict::content_key;
use super::*;
use crate::error::Result as RunResult;
use crate::source::{Input, InputOptions};

/// Columns: key, group, text. `where`: the text is not `drop`; an empty key is a fault, `-` has none.
struct Columns {
    grouped: bool,
}

fn digest(text: &str) -> Digest {
    blake3::hash(text.as_bytes()).as_bytes()[..16]
        .try_into()
        .unwrap()
}

fn bad(record: &Record, message: &str) -> Vec<Fault> {
    vec![Fault::row(record.place.clone(), message)]
}

impl Identify for Columns {
    fn passes(&self, record: &Record) -> Result<bool, Vec<Fault>> {
        match record.cell(2).text().as_ref() {
            "broken" => Err(bad(record, "cannot be judged")),
            text => Ok(text != "drop"),
        }
    }

    fn group(&self, record: &Record) -> Option<Digest> {
        self.grouped.then(|| digest(&record.cell(1).text()))
    }

    fn arrange(&self, rows: &mut Vec<Record>) -> Result<(), Vec<Fault>> {
        rows.sort_by_key(|record| record.cell(2).text().into_owned());
        Ok(())
    }

    fn passes_group(&self, rows: &[Record]) -> Result<bool, Vec<Fault>> {
        Ok(rows
            .iter()
            .all(|record| record.cell(2).text() != "drop group"))
    }

    fn key(&self, rows: &[Record]) -> Result<Option<RowKey>, Vec<Fault>> {
        match rows[0].cell(0).text().as_ref() {
            "" => Err(bad(&rows[0], "no key")),
            "-" => Ok(None),
            key => Ok(Some(RowKey::new(key))),
        }
    }

    fn content(&self, rows: &[Record]) -> Digest {
        let texts: Vec<_> = rows.iter().map(|row| row.cell(2).text()).collect();
        digest(&texts.join("\n"))
    }
}

fn run(
    rows: &[(&str, &str, &str)],
    grouped: bool,
    selection: &str,
    memory: usize,
) -> RunResult<(Survey, Vec<Item>)> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.csv");
    let mut text = "key,group,text\n".to_owned();
    for (key, group, cell) in rows {
        text.push_str(&format!("{key},{group},{cell}\n"));
    }
    fs::write(&path, text).unwrap();
    let input = Input::open(&[path], &InputOptions::default())?;
    let selection = match selection {
        "" => Selection::default(),
        text => text.parse()?,
    };
    let identify = Columns { grouped };
    let survey = survey_within(&input, &identify, &selection, dir.path(), memory)?;
    let items = survey
        .items(&input, &identify)?
        .collect::<RunResult<Vec<_>>>()?;
    assert_eq!(items.len() as u64, survey.records());
    Ok((survey, items))
}

fn told(item: &Item) -> String {
    match &item.subject {
        Subject::Keyed(key) => format!("{key}"),
        Subject::Repeated(key, place) => format!("{key} = {}", place.row),
        Subject::Faulty(_, faults) => format!("! {}", faults[0].message),
    }
}

#[test]
fn doubles_clashes_and_faults() {
    let rows = [
        ("a", "", "x"),
        ("b", "", "x"),
        ("a", "", "x"),
        ("b", "", "y"),
        ("", "", "x"),
        ("c", "", "drop"),
        ("d", "", "broken"),
        ("-", "", "same"),
        ("-", "", "same"),
        ("-", "", "same"),
        ("b", "", "x"),
    ];
    let (survey, items) = run(&rows, false, "", 1 << 20).unwrap();
    assert_eq!(
        (survey.rows(), survey.records(), survey.filtered()),
        (11, 10, 1)
    );
    let key = content_key(&digest("same"));
    let clash = "! the key `b` stands in rows 3, 5 and 12 with different content";
    let expected = [
        "a",
        clash,
        "a = 2",
        clash,
        "! no key",
        "! cannot be judged",
        &key,
        &format!("{key}-2"),
        &format!("{key}-3"),
        clash,
    ];
    assert_eq!(items.iter().map(told).collect::<Vec<_>>(), expected);
    assert!(
        items
            .iter()
            .enumerate()
            .all(|(at, item)| item.ordinal == at as u64)
    );
}

#[test]
fn a_row_keeps_its_key_when_it_is_run_alone() {
    let rows = [("-", "", "same"), ("-", "", "same"), ("z", "", "x")];
    let (survey, items) = run(&rows, false, "3-", 1 << 20).unwrap();
    assert_eq!(
        (survey.rows(), survey.records(), survey.filtered()),
        (3, 2, 1)
    );
    assert!(told(&items[0]).ends_with("-2"));
    assert_eq!(told(&items[1]), "z");
}

#[test]
fn scattered_groups_are_brought_together() {
    let rows = [
        ("a", "1", "t2"),
        ("b", "2", "t1"),
        ("a", "1", "t1"),
        ("c", "3", "broken"),
        ("d", "4", "drop group"),
        ("d", "4", "t"),
        ("a", "1", "drop"),
        ("a", "1", "t3"),
    ];
    let (survey, items) = run(&rows, true, "", 1 << 20).unwrap();
    assert_eq!(
        (survey.rows(), survey.records(), survey.filtered()),
        (8, 3, 3)
    );
    let rows: Vec<Vec<u64>> = items
        .iter()
        .map(|item| item.rows.iter().map(|row| row.place.row).collect())
        .collect();
    assert_eq!(rows, [vec![4, 2, 9], vec![3], vec![5]]);
    assert_eq!(told(&items[2]), "! cannot be judged");
    let together = [("a", "1", "t2"), ("a", "1", "t1"), ("b", "2", "t1")];
    let (survey, items) = run(&together, true, "", 1 << 20).unwrap();
    assert!(survey.spool.is_none());
    assert_eq!(items[0].rows.len(), 2);
}

#[test]
fn a_group_is_judged_whole_although_its_first_part_is_left_out() {
    let rows = [
        ("a", "1", "drop group"),
        ("b", "2", "t"),
        ("a", "1", "t2"),
        ("c", "3", "t"),
        ("d", "4", "t1"),
        ("c", "3", "drop group"),
    ];
    let (survey, items) = run(&rows, true, "", 1 << 20).unwrap();
    assert_eq!(
        (survey.rows(), survey.records(), survey.filtered()),
        (6, 2, 4)
    );
    let rows: Vec<u64> = items.iter().map(|item| item.place().row).collect();
    assert_eq!(rows, [3, 6]);
}

#[test]
fn a_file_that_changes_in_between_stops_the_run() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.csv");
    fs::write(&path, "key,group,text\na,,x\n").unwrap();
    let input = Input::open(std::slice::from_ref(&path), &InputOptions::default()).unwrap();
    let identify = Columns { grouped: false };
    let survey = survey(&input, &identify, &Selection::default(), dir.path()).unwrap();
    fs::write(&path, "key,group,text\na,,x\nb,,y\n").unwrap();
    let error = survey
        .items(&input, &identify)
        .err()
        .expect("it is noticed");
    assert_eq!(error.kind(), crate::error::ErrorKind::Machine);
}

#[test]
fn a_file_that_grows_while_it_is_read_again_hands_on_no_more_than_was_counted() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.csv");
    let rows = |from: usize| -> String {
        let row = |n| format!("{n},,{}\n", "x".repeat(40));
        (from..from + 20_000).map(row).collect()
    };
    fs::write(&path, format!("key,group,text\n{}", rows(0))).unwrap();
    let input = Input::open(std::slice::from_ref(&path), &InputOptions::default()).unwrap();
    let identify = Columns { grouped: false };
    let survey = survey(&input, &identify, &Selection::default(), dir.path()).unwrap();
    let mut items = survey.items(&input, &identify).unwrap();
    assert!(items.next().unwrap().is_ok());
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, rows(20_000).as_bytes()).unwrap();
    let rest: Vec<_> = items.collect();
    let good = rest.iter().filter(|item| item.is_ok()).count() as u64;

    assert!(good < survey.records(), "{good}");
    assert!(rest.last().unwrap().is_err());
}

/// What each record is, worked out with everything in memory.
fn model(rows: &[(String, String)]) -> Vec<String> {
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (key, text)) in rows.iter().enumerate() {
        let key = if key == "-" {
            content_key(&digest(text))
        } else {
            key.clone()
        };
        by_key.entry(key).or_default().push(at);
    }
    let mut out = vec![String::new(); rows.len()];
    for (key, at) in by_key {
        let differ = at.iter().any(|&i| rows[i].1 != rows[at[0]].1);
        for (nth, &i) in at.iter().enumerate() {
            out[i] = match (differ, nth, rows[i].0.as_str()) {
                (true, ..) => "clash".to_owned(),
                (false, 0, _) => key.clone(),
                (false, nth, "-") => format!("{key}-{}", nth + 1),
                (false, ..) => format!("{key} = {}", at[0] + 2),
            };
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is broken where: a group is handed on with all of its rows, or held back.
    #[test]
    fn a_group_is_whole_or_held_back(
        rows in proptest::collection::vec(("[1-4]", 0..12_u8), 1..20),
        is_cut in any::<bool>(),
    ) {
        let text = |kind: u8| match kind {
            0 if is_cut => "t,beyond",
            1 => "broken",
            _ => "t",
        };
        let given: Vec<(&str, &str, &str)> =
            rows.iter().map(|(group, kind)| (group.as_str(), group.as_str(), text(*kind))).collect();
        let (_, items) = run(&given, true, "", 1 << 20).unwrap();
        let is_stray = given.iter().any(|(.., text)| *text == "t,beyond");
        for item in &items {
            let group = item.rows[0].cell(1).text().into_owned();
            let of_group: Vec<u64> = (2..)
                .zip(&given)
                .filter(|(_, row)| row.1 == group)
                .map(|(number, _)| number)
                .collect();
            let is_broken = given.iter().any(|row| row.1 == group && row.2 == "broken");
            let is_faulty = matches!(item.subject, Subject::Faulty(..));
            prop_assert_eq!(is_faulty, is_stray || is_broken, "{}", told(item));
            if !is_faulty {
                let mut found: Vec<u64> = item.rows.iter().map(|row| row.place.row).collect();
                found.sort_unstable();
                prop_assert_eq!(found, of_group);
            }
        }
        prop_assert_eq!(items.iter().map(|item| item.rows.len()).sum::<usize>(), rows.len());
    }

    #[test]
    fn verdicts_equal_the_model(
        rows in proptest::collection::vec(("[abc-]", "[xy]"), 1..40),
        memory in prop_oneof![Just(1_usize), Just(200), Just(1 << 20)],
    ) {
        let borrowed: Vec<(&str, &str, &str)> =
            rows.iter().map(|(key, text)| (key.as_str(), "", text.as_str())).collect();
        let (_, items) = run(&borrowed, false, "", memory).unwrap();
        let found: Vec<String> = items
            .iter()
            .map(|item| match &item.subject {
                Subject::Faulty(..) => "clash".to_owned(),
                _ => told(item),
            })
            .collect();
        prop_assert_eq!(found, model(&rows));
    }
}
