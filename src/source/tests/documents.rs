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
        matches!(&input.tables()[0].layout, Layout::JsonDocument { records: Some(name) } if name == "tickets")
    );
    assert_eq!(table("t.json", b"[{\"a\":1},\n{\"a\":2}]").len(), 2);
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
