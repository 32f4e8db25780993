//! What once went wrong without a word: small cases, each with what version 1 keeps and version 2 does.

use super::*;
use crate::intake::Identify;

fn newest(mapping: &str) -> String {
    mapping.replace("version = 1", "version = 2")
}

/// A mapping of the newest version with one more field.
fn fields(text: &str) -> String {
    newest(&with_fields(text))
}

/// What `field` becomes, by both versions: `A` and `B` are the cells.
fn both(field: &str, name: &str, a: &str, b: &str) -> [String; 2] {
    let mapping = with_fields(&format!("{name} = {field}\n"));
    [mapping.clone(), newest(&mapping)].map(|mapping| {
        let bound = bind(&mapping, table(&["Id", "Title", "Building", "A", "B"]));
        match bound.map(&[texts(2, &["7", "t", "DO", a, b])], &RowKey::new("7")) {
            Mapped::Ready(ready) => {
                let bodies = ready.steps.iter();
                let value = bodies.filter_map(|step| step.body.get(name)).next();
                let text = match value {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => "nothing".to_owned(),
                };
                text.trim_end_matches("\n\nRef: s/7").to_owned()
            }
            other => shown(other),
        }
    })
}

fn told(mapping: &str) -> String {
    match compile(mapping) {
        Err(error) => faults(&error),
        Ok(_) => "good".to_owned(),
    }
}

fn bound_told(mapping: &str, table: Table) -> String {
    match compile(mapping).and_then(|plan| plan.bind(&[table])) {
        Err(error) => faults(&error),
        Ok(_) => "good".to_owned(),
    }
}

#[test]
fn only_an_empty_cell_clears() {
    let mapping = |field: &str| {
        fields(&format!("ForId = {field}\n"))
            .replace("operation = \"create\"", "operation = \"upsert\"")
    };
    let clears = |field: &str, cell: &str| {
        let bound = bind(&mapping(field), table(&["Id", "Title", "Building", "A"]));
        let mapped = bound.map(&[texts(2, &["7", "t", "DO", cell])], &RowKey::new("7"));
        let Mapped::Ready(ready) = mapped else {
            panic!("{}", shown(mapped));
        };
        let mut bodies = ready.updates.iter().map(|step| &step.body);
        bodies.any(|body| body.get("ForId") == Some(&Value::Null))
    };
    let skip = r#"{ from = "A", clear = true, missing = { do = "skip_field" } }"#;
    assert!(clears(skip, " "));
    assert!(!clears(skip, "nobody"));
    let table = r#"{ from = "A", clear = true, map = { "x" = "Jane Doe", "gone" = "" }, else = { do = "skip_field" } }"#;
    assert!(!clears(table, "y"));
    assert!(clears(table, "gone"));
    let extract = r#"{ from = "A", clear = true, null = ["-"], extract = '<(.*)>' }"#;
    assert!(!clears(extract, "no mail"));
    assert!(clears(extract, "-"));
}

#[test]
fn columns_may_be_called_like_words_of_the_language() {
    let columns = [
        "Id", "Title", "Building", "date", "loop", "none", "range", "self", "row",
    ];
    let made = |template: &str| {
        let mapping = fields(&format!(
            "IssueDescription = {{ template = \"{template}\" }}\n"
        ));
        let bound = bind(&mapping, table(&columns));
        let cells = ["7", "t", "DO", "3 May", "L", "N", "R", "S", "W"];
        shown(bound.map(&[texts(2, &cells)], &RowKey::new("7")))
    };
    assert!(made("{{ date }}{{ loop }}{{ range }}{{ self }}").contains("\"3 MayLRS\\n"));
    assert!(made("{% if date %}{{ date }}{{ range|upper }}{% endif %}").contains("\"3 MayR\\n"));
    assert!(made("{{ row['none'] }}{% if Id %}!{% endif %}{{ row['row'] }}").contains("\"N!W\\n"));
    let told = |template: &str| {
        let mapping = fields(&format!(
            "IssueDescription = {{ template = \"{template}\" }}\n"
        ));
        bound_told(&mapping, table(&columns))
    };
    assert!(
        told("{{ date|upper }}{{ date('2024-01-01') }}")
            .contains("`date` is a function and a column here")
    );
    assert!(
        told("{% if none == 'VAL' %}x{% endif %}")
            .contains("`none` is a word of the template language")
    );
    assert!(told("{% for x in [1] %}{{ loop.index }}{% endfor %}").contains("`loop` is a word"));
    assert!(told("{% if row %}{{ row }}{% endif %}").contains("`row` is a word"));
    assert!(
        told("{% if Title %}{{ dat('2024') }}{% endif %}").contains("there is no function `dat`")
    );
    let where_ = fields("").replace("[fields]", "[input]\nwhere = \"none == 'VAL'\"\n[fields]");
    assert!(bound_told(&where_, table(&columns)).contains("write the column as `row['none']`"));
    // Without such a column the word is what it is.
    assert_eq!(
        bound_told(&where_.replace("'VAL'", "Title"), table(&columns[..3])),
        "good"
    );
}

#[test]
fn what_can_never_be_found_is_told() {
    let condition = |text: &str| {
        fields("").replace(
            "[fields]",
            &format!("[input]\nwhere = \"{text}\"\n[fields]"),
        )
    };
    let csv = || table(&["Id", "Title", "Building"]);
    for text in [
        "row['Id'] in [1001]",
        "Id not in [1001, 1002]",
        "Id is gt(5)",
        "Id is in([5])",
        "5 in Title|upper ~ 'x' and Id in [date('2024-01-01')]",
    ] {
        assert_ne!(bound_told(&condition(text), csv()), "good", "{text}");
    }
    for text in [
        "Id in ['1001']",
        "Id in [1001, '1001']",
        "'x' in Title",
        "Id is eq('5')",
        "Id in ['']",
    ] {
        assert_eq!(bound_told(&condition(text), csv()), "good", "{text}");
    }
    // Only the row shows these: a filter that makes a test, what stands beside a table.
    for text in [
        "Id[:2] == 5",
        "[Id]|select('eq', 51)|list|length > 0",
        "[{'id': Id}]|rejectattr('id', 'gt', 5)|list|length > 0",
        "Id in {'51': 1} and Id[:2] == 5",
        "[Id]|first is sameas(51)",
    ] {
        let sliced = bind(&condition(text), csv());
        assert!(
            sliced.passes(&texts(2, &["51", "t", "DO"])).is_err(),
            "{text}"
        );
    }
    let found = bind(&condition("[Id]|select('eq', '51')|list|length > 0"), csv());
    assert_eq!(found.passes(&texts(2, &["51", "t", "DO"])), Ok(true));
    let bound = bind(
        &condition("Id in [1001, 1002]"),
        workbook(&["Id", "Title", "Building"]),
    );
    let passes = |cell| bound.passes(&record(2, vec![cell, Cell::Text("t".into()), Cell::Empty]));
    assert_eq!(passes(Cell::Number(1001.0)), Ok(true));
    assert_eq!(passes(Cell::Number(7.0)), Ok(false));
    assert_eq!(passes(Cell::Empty), Ok(false));
    assert_eq!(
        passes(Cell::Text("1001".into())).unwrap_err()[0].message,
        "`where` cannot be judged: a text is looked for among what is none: `1001` in `[1001, 1002]`"
    );
}

#[test]
fn lines_of_cells_end_in_one_way() {
    let split = r#"{ from = "A", split = "\n---\n" }"#;
    assert_eq!(
        both(split, "Tags", "a\r\n---\r\nb\rc", ""),
        ["[\"a\\r\\n---\\r\\nb\\rc\"]", "[\"a\",\"b\\nc\"]"]
    );
    let map = "{ from = \"A\", map = { \"x\\ny\" = \"web\" }, else = \"phone\" }";
    assert_eq!(both(map, "Channel", "x\r\ny", ""), ["phone", "web"]);
    let bound = bind(&fields(""), table(&["Id", "Title", "Building"]));
    let content = |title: &str| Identify::content(&bound, &[texts(2, &["7", title, "DO"])]);
    assert_eq!(content("a\r\nb"), content("a\nb"));
}

#[test]
fn dates_of_a_whole_day_stay_the_day() {
    let field = r#"{ from = "A", parse = "datetime", timezone = "Asia/Tokyo" }"#;
    let mapping = with_fields(&format!("DueDate = {field}\n")).replace(
        "[fields]",
        "[input]\ntimezone = \"America/Chicago\"\n[fields]",
    );
    let day = |mapping: &str, cell: Cell| {
        let bound = bind(mapping, workbook(&["Id", "Title", "Building", "A"]));
        let text = |text: &str| Cell::Text(text.into());
        let row = record(2, vec![text("7"), text("t"), text("DO"), cell]);
        shown(bound.map(&[row], &RowKey::new("7")))
    };
    let text = || Cell::Text("2024-06-21".into());
    let date = || Cell::Date(jiff::civil::date(2024, 6, 21));
    for cell in [text, date] {
        assert!(day(&mapping, cell()).contains("\"DueDate\":\"2024-06-20\""));
        assert!(day(&newest(&mapping), cell()).contains("\"DueDate\":\"2024-06-21\""));
    }
    // A moment is another matter.
    let moment = Cell::Text("2024-06-21T01:00:00+09:00".into());
    assert!(day(&newest(&mapping), moment).contains("\"DueDate\":\"2024-06-20\""));
}

#[test]
fn zones_that_a_time_names_count() {
    let field = r#"{ from = "A", parse = "datetime" }"#;
    let cases = [
        (
            "2024-06-21T22:43[Europe/Berlin]",
            "2024-06-21T22:43:00+02:00",
        ),
        (
            "2024-06-21T20:43Z[Europe/Berlin]",
            "2024-06-21T20:43:00+00:00",
        ),
        ("2024-06-21T22:43+05:00[Europe/Berlin]", "is no date like"),
        ("2024-06-21T22:43[Europe/Brelin]", "is no date like"),
    ];
    for (cell, wanted) in cases {
        let made = &both(field, "StartedAt", cell, "")[1];
        let same = wanted
            .parse::<Timestamp>()
            .ok()
            .zip(made.parse::<Timestamp>().ok());
        assert!(
            same.map_or(made.contains(wanted), |(a, b)| a == b),
            "{cell}: {made}"
        );
    }
    let named = r#"{ from = "A", parse = "datetime", formats = ["%Y-%m-%d %H:%M %Q"] }"#;
    let made = &both(named, "StartedAt", "2024-06-21 22:43 Europe/Berlin", "")[1];
    assert!(made.ends_with("+02:00"), "{made}");
    let meridiem =
        r#"{ from = "A", formats = ["%m/%d/%Y %H:%M %p"], parse = "datetime", timezone = "UTC" }"#;
    for (cell, wanted) in [
        ("06/21/2024 13:05 PM", "13:05"),
        ("06/21/2024 01:05 PM", "13:05"),
        ("06/21/2024 12:05 AM", "00:05"),
        ("06/21/2024 00:05 AM", "00:05"),
        ("06/21/2024 13:05 AM", "is no date"),
        ("06/21/2024 00:05 PM", "is no date"),
    ] {
        let made = &both(meridiem, "StartedAt", cell, "")[1];
        assert!(made.contains(wanted), "{cell}: {made}");
    }
    let twice = r#"StartedAt = { from = "A", parse = "datetime", formats = ["%Y-%m-%d %H:%m"] }"#;
    assert!(told(&with_fields(twice)).contains("%m is there twice; minutes are %M"));
}

#[test]
fn numbers_keep_their_digits_or_are_told() {
    let number = r#"{ from = "A" }"#;
    for (cell, wanted) in [
        (
            "89014103211118510720",
            "has more digits than a number keeps",
        ),
        (
            "0.12345678901234567890123",
            "has more digits than a number keeps",
        ),
        ("9007199254740993.5", "has more digits than a number keeps"),
        ("18446744073709551615", "18446744073709551615"),
        ("9007199254740993", "9007199254740993"),
        ("12.10", "12.1"),
        ("0.1", "0.1"),
        ("00012.5000", "12.5"),
        ("8.9E+18", "has lost digits"),
    ] {
        for made in both(number, "Cost", cell, "") {
            assert!(made.contains(wanted), "{cell}: {made}");
        }
    }
    // Nothing is lost of nothing.
    for made in both(number, "IssueDescription", "0.00E+00", "") {
        assert!(
            made.contains("0.00E+00") && !made.contains("lost"),
            "{made}"
        );
    }
    // As a text they stay as they are.
    let text = r#"{ from = "A", parse = "number", decimal = "," }"#;
    assert_eq!(
        both(
            text,
            "IssueDescription",
            "89.014.103.211.118.510.720,25",
            ""
        )[1],
        "89014103211118510720.25"
    );
    // A spreadsheet program has spoiled these already.
    for made in both(number, "IssueDescription", "8.90141E+18", "") {
        assert!(made.contains("has lost digits"), "{made}");
    }
    let bound = bind(
        &fields(r#""custom.Asset Tag" = { from = ["A", "Id"] }"#),
        workbook(&["Id", "Title", "Building", "A"]),
    );
    let text = |text: &str| Cell::Text(text.into());
    let row = record(
        2,
        vec![text("7"), text("t"), text("DO"), Cell::Number(8.9e18)],
    );
    assert!(shown(bound.map(&[row], &RowKey::new("7"))).contains("has lost digits"));
}

#[test]
fn groups_of_a_replacement_are_known() {
    for (regex, with, wanted) in [
        (r"(\d+)-(\w+)", "$2_$1", "write `${2}_`"),
        (r"(\d+)", "$1st", "write `${1}st`"),
        (r"(\d+)", "$100", "write `${1}00`"),
        (r"(\d+)-(\w+)", r"\2", "write `${2}`"),
        (
            r"(\d+)",
            "${name}",
            "the expression has 1 group in round brackets",
        ),
        (r"\d+", "$1", "put what is meant in round brackets"),
        (r"(?P<n>\d+)", "$n-$0-${n}-$$5 $ ", "good"),
        (r"\d+", r"C:\2024 \d \1", "good"),
    ] {
        let field = format!("Tags = {{ from = \"A\", replace = [['{regex}', '{with}']] }}");
        for mapping in [with_fields(&field), fields(&field)] {
            let told = told(&mapping);
            assert!(told.contains(wanted), "{with}: {told}");
        }
    }
}

#[test]
fn one_value_of_a_list_is_left_out_alone() {
    let list = |what: &str| {
        format!(
            "{{ from = \"A\", split = \",\", map = {{ \"a\" = \"x\", \"b\" = \"y\" }}, else = {{ do = \"{what}\" }} }}"
        )
    };
    assert_eq!(
        both(&list("skip_item"), "Tags", "a,q,b", "")[1],
        "[\"x\",\"y\"]"
    );
    assert_eq!(both(&list("skip_field"), "Tags", "a,q,b", "")[1], "nothing");
    assert_eq!(both(&list("skip_item"), "Tags", "q", "")[1], "nothing");
    let single =
        "Channel = { from = \"A\", map = { \"a\" = \"web\" }, else = { do = \"skip_item\" } }";
    assert!(told(&fields(single)).contains("`skip_item` is for lists"));
}

#[test]
fn further_tables_have_the_columns_too() {
    let other = || Table {
        file: Arc::from("u.csv"),
        ..table(&["Id", "Titel", "Building"])
    };
    let bind = |mapping: &str| {
        let tables = [table(&["Id", "Title", "Building"]), other()];
        compile(mapping)
            .unwrap_or_else(|error| panic!("{}", faults(&error)))
            .bind(&tables)
            .map(|bound| bound.notes())
            .map_err(|error| faults(&error))
    };
    let told = bind(&fields("")).unwrap_err();
    assert!(told.contains("`u.csv` has no column `Title`"), "{told}");
    assert!(told.contains("did you mean `Titel`?"), "{told}");
    let optional = fields("").replace(
        "{ from = \"Title\" }",
        "{ from = \"Title\", optional = true }",
    );
    assert_eq!(bind(&optional), Ok(Vec::new()));
    assert_eq!(
        bind(&with_fields("")).unwrap(),
        ["`u.csv` has no column `Title`: it counts as empty there"]
    );
    // What another field needs is needed.
    let needed = optional.replace("[fields]", "[fields]\nTags = { from = \"Title\" }");
    assert!(bind(&needed).is_err());
}

#[test]
fn null_words_count_for_each_of_several_columns() {
    let joined = r#"{ from = ["A", "B"], null = ["-"] }"#;
    assert_eq!(both(joined, "IssueDescription", "x", "-"), ["x -", "x"]);
    assert_eq!(
        both(joined, "IssueDescription", "-", " - "),
        ["- -", "Ref: s/7"]
    );
}

#[test]
fn what_replace_and_extract_leave_is_trimmed() {
    let extract = r#"{ from = "A", extract = '#(.*)' }"#;
    assert_eq!(both(extract, "Channel", "# web", "")[1], "web");
    let key = with_fields("").replace(
        "key = [\"Id\"]",
        "key = { from = \"Id\", extract = '#(.*)' }",
    );
    let key_of = |mapping: &str, id: &str| {
        let bound = bind(mapping, table(&["Id", "Title", "Building"]));
        bound.key(&[texts(2, &[id, "t", "DO"])]).unwrap().unwrap()
    };
    assert_ne!(key_of(&key, "# 12"), key_of(&key, "#12"));
    assert_eq!(key_of(&newest(&key), "# 12"), key_of(&newest(&key), "#12"));
    let keep = newest(&key).replace("extract =", "trim = false, extract =");
    assert_ne!(key_of(&keep, "# 12"), key_of(&keep, "#12"));
}

#[test]
fn rows_that_cannot_be_ordered_are_told() {
    let grouped = |columns: &str| {
        fields("").replace(
            "[fields]",
            &format!(
                "[input]\ngroup_by = \"Id\"\norder_by = \"N\"\n[input.columns]\n{columns}[fields]"
            ),
        )
    };
    let csv = || table(&["Id", "Title", "Building", "N"]);
    let row = |number, n: &str| texts(number, &["a", "t", "DO", n]);
    let typed = bind(&grouped("N = { parse = \"integer\" }\n"), csv());
    let mut rows = vec![row(2, "10"), row(3, "?")];
    let faults = typed.arrange(&mut rows).unwrap_err();
    assert_eq!(faults[0].message, "`?` is no number");
    let untyped = bind(&grouped(""), csv());
    let mut rows = vec![row(2, " b"), row(3, "a"), row(4, "9"), row(5, "10")];
    untyped.arrange(&mut rows).unwrap();
    let order: Vec<u64> = rows.iter().map(|row| row.place.row).collect();
    assert_eq!(order, [5, 4, 3, 2]);
    assert_eq!(
        untyped.notes(),
        [
            "`order_by = \"N\"` compares texts, and puts `10` before `9`: give the column a type in [input.columns]"
        ]
    );
    // A cell of the group that cannot be read is no empty one.
    let bound = bind(&grouped(""), workbook(&["Id", "Title", "Building", "N"]));
    let bad = record(
        2,
        vec![
            Cell::Fault("#N/A".to_owned()),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ],
    );
    assert!(bound.passes(&bad).is_err());
}

#[test]
fn headings_are_told_apart_as_they_are_written() {
    let columns = [
        "Id",
        "Title",
        "Building",
        "Status ",
        "Status",
        "status",
        "Asset\u{a0}Tag",
        "Room\nNo.",
    ];
    let cells = ["7", "t", "DO", "one", "two", "three", "four", "five"];
    let made = |column: &str| {
        let mapping = fields(&format!("IssueDescription = {{ from = \"{column}\" }}\n"));
        let bound = bind(&mapping, table(&columns));
        let made = shown(bound.map(&[texts(2, &cells)], &RowKey::new("7")));
        made.split("IssueDescription\":\"")
            .nth(1)
            .unwrap()
            .split("\\n")
            .next()
            .unwrap()
            .to_owned()
    };
    for (name, wanted) in [
        ("Status ", "one"),
        ("Status", "two"),
        ("status", "three"),
        ("Status[1]", "one"),
        ("Status[2]", "two"),
        ("Status[3]", "three"),
        ("Asset Tag", "four"),
        ("Room No.", "five"),
    ] {
        assert_eq!(made(name), wanted, "{name:?}");
    }
    let first = "{ from_first = [\"A[*]\", \"Title\"], null = [\"-\"] }";
    let mapping = |text: &str| text.replace("SUB", first);
    let bound =
        |mapping: String| bind(&mapping, table(&["Id", "Title", "Building", "A", "A", "A"]));
    let row = [texts(2, &["7", "t", "DO", "-", "x", "y"])];
    let text = with_fields("IssueDescription = SUB\n");
    assert!(shown(bound(mapping(&text)).map(&row, &RowKey::new("7"))).contains("\"x y\\n"));
    assert!(shown(bound(mapping(&newest(&text))).map(&row, &RowKey::new("7"))).contains("\"x\\n"));
}

#[test]
fn a_cut_goes_through_no_tag() {
    let field = r#"{ from = "A", max_length = 60, overflow = "truncate" }"#;
    let cell = format!(
        "{} <a href=\"https://x.example/{}\">here</a>",
        "x".repeat(30),
        "y".repeat(40)
    );
    let [old, new] = both(field, "IssueDescription", &cell, "");
    assert!(old.contains("<a href"), "{old}");
    assert_eq!(new, format!("{}…", "x".repeat(30)));
    let quoted = format!(
        "{} <a title=\"a > b\" href=\"{}\">here</a>",
        "x".repeat(20),
        "y".repeat(40)
    );
    assert_eq!(
        both(field, "IssueDescription", &quoted, "")[1],
        format!("{}…", "x".repeat(20))
    );
    let plain = "1 < 2 and 3 > 1 ".repeat(9);
    assert!(both(field, "IssueDescription", &plain, "")[1].starts_with("1 < 2 and 3 > 1 1 < 2"));
    let short = r#"{ from = "A", max_length = 10, overflow = "truncate" }"#;
    for made in both(short, "IssueDescription", "some text", "") {
        assert!(made.contains("leaves no room for the text"), "{made}");
    }
    let none = r#"{ from = "A", max_length = 5, overflow = "truncate" }"#;
    assert!(both(none, "IssueDescription", "", "")[1].contains("leaves no room"));
}

#[test]
fn bounds_that_do_nothing_are_told() {
    for (field, wanted) in [
        (
            "\"custom.Colour\" = { from = \"A\", max_length = 3 }",
            "`max_length` is for texts",
        ),
        (
            "Channel = { from = \"A\", max_length = 3, overflow = \"truncate\" }",
            "`overflow` is for texts",
        ),
        (
            "IssueId = { from = \"A\", pattern = 'x+' }",
            "`pattern` is for texts",
        ),
        (
            "DueDate = { from = \"A\", min = 3 }",
            "`min` and `max` are for numbers",
        ),
    ] {
        let told = told(&fields(field));
        assert!(told.contains(wanted), "{told}");
    }
    assert_eq!(
        told(&with_fields(
            "\"custom.Colour\" = { from = \"A\", max_length = 3 }"
        )),
        "good"
    );
}

#[test]
fn what_would_refuse_every_row_is_told_before() {
    for (field, wanted) in [
        (
            "IssueDescription = { template = \"{% if A > date('01/02/2024') %}x{% endif %}\" }",
            "`01/02/2024` is no date",
        ),
        (
            "IssueDescription = { template = \"{{ A|strftime('%!') }}\" }",
            "is no date format",
        ),
        (
            "IssueDescription = { template = \"{{ date(A, '%H') }}\" }",
            "it holds no whole date",
        ),
        (
            "IssueDescription = { template = \"{% include 'x' %}\" }",
            "loads nothing",
        ),
        (
            "StartedAt = { from = \"A\", parse = \"datetime\", formats = [\"%m/%d/%Y %H:%M\"] }",
            "nothing says in which zone",
        ),
        (
            "StartedAt = { from = \"A\", parse = \"date\" }",
            "nothing says in which zone",
        ),
    ] {
        let told = told(&with_fields(field));
        assert!(told.contains(wanted), "{field}: {told}");
    }
    assert_eq!(
        told(&with_fields(
            "StartedAt = { from = \"A\", formats = [\"%Y-%m-%dT%H:%M:%S%z\"], parse = \"datetime\" }"
        )),
        "good"
    );
    let rows = with_fields("")
        + "[[test]]\nrow = [{ Id = \"1\", Title = \"a\" }, { Id = \"1\", Title = \"b\" }]\nexpect = { Subject = \"b\" }\n";
    assert!(told(&rows).contains("has several rows, and no `group_by`"));
}

#[test]
fn rows_elsewhere_have_types() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("notes.csv"),
        "Ticket,When,Text\n7,06/21/2024,b\n7,12/01/2023,a\n",
    )
    .unwrap();
    let follow = |columns: &str, text: &str| {
        format!(
            "{}[[then]]\noperation = \"comment\"\neach = {{ file = \"notes.csv\", on = \"Id\", by = \"Ticket\", order_by = \"When\"{columns} }}\nfields = {{ Subject = {{ template = \"{text}\" }}, LocationId = {{ value = \"DO\" }} }}\n",
            fields("")
        )
    };
    let made = |mapping: &str| {
        let path = folder.path().join("m.toml");
        std::fs::write(&path, mapping).unwrap();
        let mapping = match Mapping::load(&path, Reach::Folder) {
            Ok(mapping) => mapping,
            Err(error) => return faults(&error),
        };
        let plan = Plan::compile(&mapping, schema(), directory(), &PlanOptions::default()).unwrap();
        match Arc::new(plan).bind(&[table(&["Id", "Title", "Building"])]) {
            Err(error) => faults(&error),
            Ok(bound) => {
                let Mapped::Ready(ready) =
                    bound.map(&[texts(2, &["7", "t", "DO"])], &RowKey::new("7"))
                else {
                    panic!("the row is good");
                };
                let subjects = ready
                    .steps
                    .iter()
                    .skip(1)
                    .map(|step| step.body["Subject"].to_string());
                format!(
                    "{} {:?}",
                    subjects.collect::<Vec<_>>().join(" "),
                    bound.notes()
                )
            }
        }
    };
    let types = ", columns = { When = { parse = \"date\", formats = [\"%m/%d/%Y\"] } }";
    assert_eq!(
        made(&follow(
            types,
            "{{ item.Text }} {{ item.When|strftime('%d.%m.%y') }} {{ item['Text'] }}"
        )),
        "\"a 01.12.23 a\" \"b 21.06.24 b\" []"
    );
    let untyped = made(&follow("", "{{ item.Text }}"));
    assert!(untyped.starts_with("\"b\" \"a\""), "{untyped}");
    assert!(
        untyped.contains("compares texts, and puts `06/21/2024` before `12/01/2023`"),
        "{untyped}"
    );
    assert!(made(&follow(types, "{{ item.Txt }}")).contains("`notes.csv` has no column `Txt`"));
    std::fs::write(
        folder.path().join("notes.csv"),
        "Ticket,When,Text\n7,soon,b\n",
    )
    .unwrap();
    assert!(
        made(&follow(types, "{{ item.Text }}"))
            .contains("`notes.csv`, row 2, column `When`: `soon` is no date")
    );
}

#[test]
fn names_that_several_things_have_are_not_said_to_be_none() {
    let mapping = fields("").replace(
        "{ from = \"Building\" }",
        "{ from = \"Building\", ambiguous = { do = \"skip_row\" } }",
    );
    assert_eq!(
        map_one(&mapping, &["Id", "Title", "Building"], &["7", "t", "Twin"]),
        "skip LocationId: 2 locations are called `Twin`"
    );
}

#[test]
fn a_no_break_space_of_html_is_a_space_however_it_is_written() {
    let strip = r#"{ from = "A", html = "strip" }"#;
    let cell = "x&#160;y&nbsp;z&#xA0;w";
    assert_eq!(
        both(strip, "IssueDescription", cell, ""),
        ["x\u{a0}y z\u{a0}w", "x y z w"]
    );
    let escaped = r#"{ from = "A", html = "from_escaped" }"#;
    assert_eq!(
        both(
            escaped,
            "IssueDescription",
            "&lt;b&gt;x&lt;/b&gt;&#160;y",
            ""
        )[1],
        "x y"
    );
}

#[test]
fn a_text_is_not_written_as_a_date() {
    let told = |template: &str, columns: &str| {
        let mapping = fields(&format!(
            "IssueDescription = {{ template = \"{template}\" }}\n"
        ));
        let columns = format!("[input.columns]\n{columns}\n[fields]");
        bound_told(
            &mapping.replace("[fields]", &columns),
            table(&["Id", "Title", "Building"]),
        )
    };
    let template = "{{ Title|strftime('%d.%m.%Y') }}";
    let typed = "Title = { parse = \"date\" }";
    assert!(told(template, "").contains("`Title` is a text, and `strftime` takes a date"));
    assert!(told(template, "Title = { parse = \"number\" }").contains("is a number"));
    assert!(told("{{ Id|upper|strftime('%d') }}", typed).contains("this is a text"));
    assert_eq!(told(template, typed), "good");
    assert_eq!(told("{{ date(Title)|strftime('%d') }}", ""), "good");
}

#[test]
fn a_number_without_its_digits_is_none_within_a_text() {
    let mapping = with_fields(
        "IssueDescription = { template = \"No. {{ A }}{% if B %} {{ B }}{% endif %}\" }\n",
    );
    let made = |mapping: &str, a: &str, b: &str| {
        let bound = bind(mapping, table(&["Id", "Title", "Building", "A", "B"]));
        shown(bound.map(&[texts(2, &["7", "t", "DO", a, b])], &RowKey::new("7")))
    };
    let spoiled = "8.90141E+18";
    assert!(made(&mapping, spoiled, "").contains("No. 8.90141E+18"));
    let told = made(&newest(&mapping), spoiled, "");
    assert!(
        told.contains("[A] IssueDescription: `8.90141E+18` has lost digits"),
        "{told}"
    );
    assert!(made(&newest(&mapping), "1", spoiled).contains("[B]"));
    // A condition only looks at it.
    let looks = newest(&mapping)
        .replace("{{ B }}", "yes")
        .replace("{% if B %}", "{% if B != 'x' %}");
    assert!(made(&looks, "1", "2").contains("No. 1 yes"));
}

#[test]
fn a_group_does_not_swallow_the_items_of_a_row() {
    let told = |group_by: &str| {
        let mapping = fields("").replace(
            "key = [\"Id\"]",
            "key = [\"Id\", \"item\"]\neach = { from = \"Title\", split = \";\" }",
        );
        let input = format!(
            "[input]\ngroup_by = {group_by}\n[input.columns]\nPart = {{ from = \"item\", upper = true }}\n[fields]"
        );
        told(&mapping.replace("[fields]", &input))
    };
    assert!(told("[\"Id\"]").contains("`group_by` makes one record of all items of a row"));
    assert_eq!(told("[\"Id\", \"item\"]"), "good");
    assert_eq!(told("[\"Id\", \"Part\"]"), "good");
}

#[test]
fn what_is_wrong_is_told_of_the_row_that_was_taken() {
    let mapping = fields("IssueDescription = { from = \"A\", null = [\"x\"], pattern = \"[0-9]+\", take = \"last_filled\" }\n")
        .replace("[fields]", "[input]\ngroup_by = \"Id\"\n[fields]");
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "A"]));
    let rows = [
        texts(2, &["7", "t", "DO", "a"]),
        texts(3, &["7", "t", "DO", "x"]),
    ];
    let told = shown(bound.map(&rows, &RowKey::new("7")));
    assert!(told.contains("row 2 [A]"), "{told}");
}
