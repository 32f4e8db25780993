//! JSON: lines and documents.

use super::*;

#[test]
fn json_lines_and_documents() {
    let text = b"{\"id\":1,\"who\":{\"name\":\"Ada\"}}\n\nnonsense\n{\"id\":2,\"big\":12345678901234567890}\n";
    let found = table("t.jsonl", text);
    assert_eq!(found[0].1, ["1", "Ada", ""]);
    assert_eq!(
        (found[1].0, found[1].2.contains("not valid JSON")),
        (3, true)
    );
    assert_eq!(
        found[2],
        (
            4,
            vec!["2".into(), String::new(), "12345678901234567890".into()],
            String::new()
        )
    );
    let options = InputOptions {
        records: Some("tickets".to_owned()),
        ..InputOptions::default()
    };
    let text = br#"{"count": 2, "x": {"tickets": []}, "tickets": [ {"id": "a]}\""}, {"id": 2} ], "next": null}"#;
    let (_dir, input) = open("t.json", text, &options).unwrap();
    let found: Vec<_> = rows(&input).iter().map(texts).collect();
    assert_eq!(found, [["a]}\""], ["2"]]);
    assert!(
        matches!(&input.tables()[0].layout, Layout::JsonDocument { records: Some(name), .. } if name == "tickets")
    );
    assert_eq!(table("t.json", b"[{\"a\":1},\n{\"a\":2}]").len(), 2);
}

/// What a record has twice is refused where it is read: some programs take the first, others the last.
#[test]
fn a_member_that_comes_twice_is_no_value() {
    let twice = "! the record has this member twice, with different values";
    let (_dir, input) = open(
        "t.jsonl",
        b"{\"id\":1,\"t\":\"a\",\"t\":\"b\"}\n{\"id\":2,\"t\":\"a\",\"t\":\"a\"}\n{\"id\":3,\"a.b\":1,\"a\":{\"b\":2}}\n{\"id\":4,\"l\":[{\"x\":1,\"x\":2}]}\n",
        &InputOptions::default(),
    )
    .unwrap();
    let found: Vec<_> = rows(&input)
        .iter()
        .map(|row| match row {
            Row::Record(record) => (record.cells.iter())
                .map(|cell| match cell {
                    Cell::Fault(why) => format!("! {why}"),
                    cell => cell.text().into_owned(),
                })
                .collect(),
            Row::Fault(_, faults) => vec![faults[0].message.clone()],
        })
        .collect::<Vec<Vec<String>>>();
    assert_eq!(
        found,
        [
            vec!["1", twice, ""],
            vec!["2", "a", ""],
            vec!["3", "", twice],
            vec!["the line has `x` twice in one object, with different values"],
        ]
    );
}

/// Every `n_` is refused, every `y_` is read or refused for holding no records, nothing crashes.
#[test]
fn json_test_suite() {
    let Some(folder) = data("acid/JSONTestSuite") else {
        return;
    };
    let mut count = 0;
    for path in entries(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let complaint = match Input::open(std::slice::from_ref(&path), &InputOptions::default()) {
            Err(error) => Some(error.to_string()),
            Ok(input) => input.rows().unwrap().find_map(|row| match row {
                Err(error) => Some(error.to_string()),
                Ok(Row::Fault(_, faults)) => Some(faults[0].message.clone()),
                Ok(Row::Record(_)) => None,
            }),
        };
        if name.starts_with("n_") {
            assert!(complaint.is_some(), "{name} was taken");
        } else if name.starts_with("y_") {
            let why = complaint.unwrap_or_default();
            assert!(!why.contains("not valid JSON"), "{name}: {why}");
        }
        count += 1;
    }
    assert!(count > 300);
}

fn with_records(member: &str, text: &[u8]) -> Result<Vec<Vec<String>>> {
    let options = InputOptions {
        records: Some(member.to_owned()),
        ..InputOptions::default()
    };
    let (_dir, input) = open("t.json", text, &options)?;
    input
        .rows()?
        .map(|row| row.map(|row| texts(&row)))
        .collect()
}

#[test]
fn records_lie_as_deep_as_they_like() {
    let text = br#"{"ok": true, "data": {"page": {"n": 1}, "tickets": [{"id": 1}, {"id": 2}], "more": [9]}, "end": []}"#;
    assert_eq!(with_records("data.tickets", text).unwrap(), [["1"], ["2"]]);
    let deep = br#"{"a": {"b": {"c": {"d": [{"id": 7}]}, "x": 1}, "y": 2}, "z": 3}"#;
    assert_eq!(with_records("a.b.c.d", deep).unwrap(), [["7"]]);
    // A name with a dot in it is a name first.
    let dotted = br#"{"data.tickets": [{"id": 1}], "data": {"tickets": []}}"#;
    assert_eq!(with_records("data.tickets", dotted).unwrap(), [["1"]]);
    let error = with_records("data.rows", text).unwrap_err();
    assert!(
        error.to_string().contains("has no member `rows`"),
        "{error}"
    );
    // The members that may be meant are named, however deep they lie.
    let error = open("t.json", text, &InputOptions::default()).unwrap_err();
    assert_eq!(error.hints(), ["add records = \"data.tickets\" to [input]"]);
}

#[test]
fn several_documents_in_one_file_are_one_table() {
    let joined = table("t.json", b"[{\"a\":1},\n{\"a\":2}]\n[]\n[{\"a\":3}]\n");
    assert_eq!(
        joined
            .iter()
            .map(|row| row.1[0].as_str())
            .collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    let objects = table(
        "t.json",
        b"{\n \"a\": 1\n}\n{\n \"a\": {\"b\": 2}\n} {\"a\": 3}",
    );
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[1].1, ["", "2"]);
    let wrapped = br#"{"n": 1, "d": {"t": [{"a": 1}]}} {"n": 2, "d": {"t": [{"a": 2}], "x": 0}}"#;
    assert_eq!(with_records("d.t", wrapped).unwrap(), [["1"], ["2"]]);
    assert!(refusal("t.json", b"[{\"a\":1}] nonsense").contains("the end of the file"));
    assert!(refusal("t.json", b"[][]").contains("no records"));
}

#[test]
fn marks_and_nul_characters_of_json() {
    for name in ["t.json", "t.jsonl", "t"] {
        let text = match name {
            "t.json" => "\u{feff}[{\"a\":1}]".to_owned(),
            _ => "\u{feff}{\"a\":1}\n\u{feff}{\"a\":2}\n".to_owned(),
        };
        let found = table(name, text.as_bytes());
        assert_eq!((&*found[0].1[0], &*found[0].2), ("1", ""), "{name}");
        assert!(
            found.iter().all(|row| row.2.is_empty()),
            "{name}: {found:?}"
        );
    }
    let found = table(
        "t.jsonl",
        b"{\"a\":\"x\\u0000y\"}\n{\"a\":{\"b\":[\"\\u0000\"]}}\n{\"a\":\"z\"}\n",
    );
    assert_eq!(
        found[0].2,
        "the line holds a NUL character (\\u0000) in `a`"
    );
    assert_eq!(
        found[1].2,
        "the line holds a NUL character (\\u0000) in `a.b`"
    );
    assert_eq!(found[2].2, "");
}

proptest! {
    /// Whatever lies around them and however they are joined: the same records in the same order.
    #[test]
    fn records_are_found_at_any_depth_in_any_number_of_documents(
        depth in 0_usize..5,
        documents in prop::collection::vec(prop::collection::vec(0_u32..1000, 1..4), 1..4),
        noise in "[a-c\\]\\[{}\", ]{0,8}",
        space in "[ \n]{0,2}",
    ) {
        let noise = serde_json::Value::from(noise.as_str());
        let text: String = documents.iter().map(|records| {
            let records: Vec<String> = records.iter().map(|id| format!("{{\"id\":{id},\"x\":{noise}}}")).collect();
            let array = format!("[{}]", records.join(&format!("{space},")));
            (0..depth).fold(array, |inner, level| {
                format!("{{\"before\":[{noise}],\"m{level}\":{inner},\"after\":{{\"m0\":{noise}}}}}")
            }) + &space
        }).collect();
        let path: Vec<String> = (0..depth).rev().map(|level| format!("m{level}")).collect();
        let expected: Vec<String> = documents.iter().flatten().map(u32::to_string).collect();
        let found = match depth {
            0 => table("t.json", text.as_bytes()).into_iter().map(|row| row.1[0].clone()).collect(),
            _ => {
                let rows = with_records(&path.join("."), text.as_bytes()).unwrap();
                rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
            }
        };
        prop_assert_eq!(found, expected);
    }
}
