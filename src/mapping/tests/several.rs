//! Several of something: the rows of a group as comments, lists from several columns, look-ups of the parts of a cell, one
//! row as several tickets, tickets that name each other by the keys of their rows.

use super::*;
use crate::event::{Unfit, UnfitBy};
use crate::intake::{Identify, Named};

fn newest(mapping: &str) -> String {
    mapping.replace("version = 1", "version = 2")
}

fn told(mapping: &str) -> String {
    match compile(mapping) {
        Err(error) => faults(&error),
        Ok(_) => "good".to_owned(),
    }
}

/// A grouped mapping with one comment for each row of a ticket.
fn grouped(each: &str, fields: &str) -> String {
    newest(&format!(
        "{HEAD}key = [\"Id\"]\n[input]\ngroup_by = [\"Id\"]\n[input.columns]\nAt = {{ parse = \"date\", formats = [\"%m/%d/%Y\"] }}\n\"Who said\" = {{ from = \"Who\", upper = true }}\n[fields]\nSubject = {{ from = \"Title\" }}\nLocationId = {{ value = \"DO\" }}\n[[then]]\noperation = \"comment\"\neach = {each}\n[then.fields]\nSubject = {{ value = \"c\" }}\nLocationId = {{ value = \"DO\" }}\n{fields}\n"
    ))
}

const COLUMNS: [&str; 5] = ["Id", "Title", "At", "Who", "Posted text"];

fn notes() -> Vec<Record> {
    [
        ["7", "t", "12/01/2023", "jane", "first"],
        ["7", "t", "06/21/2024", "joe", "second"],
        ["7", "t", "01/05/2024", "", "third"],
    ]
    .iter()
    .zip(2..)
    .map(|(cells, row)| texts(row, cells))
    .collect()
}

/// The texts of the comments of a group.
fn comments(mapping: &str) -> Vec<String> {
    let bound = bind(mapping, table(&COLUMNS));
    match bound.map(&notes(), &RowKey::new("7")) {
        Mapped::Ready(ready) => (ready.steps.iter())
            .filter(|step| step.step.starts_with("then-"))
            .map(|step| {
                step.body["IssueDescription"]
                    .as_str()
                    .unwrap_or("-")
                    .to_owned()
            })
            .collect(),
        other => vec![shown(other)],
    }
}

#[test]
fn the_rows_of_a_group_are_comments() {
    let text = "IssueDescription = { template = \"{{ item['Posted text'] }} by {{ item['Who said'] }} on {{ item.At|strftime('%d.%m.%Y') }}\" }";
    assert_eq!(
        comments(&grouped("{ rows = true }", text)),
        [
            "first by JANE on 01.12.2023",
            "second by JOE on 21.06.2024",
            "third by  on 05.01.2024"
        ]
    );
    let plain = "IssueDescription = { from = \"item.Posted text\" }";
    assert_eq!(
        comments(&grouped("{ rows = true, order_by = \"At\" }", plain)),
        ["first", "third", "second"]
    );
    assert_eq!(
        comments(&grouped(
            "{ rows = true, order_by = \"At\", order = \"descending\" }",
            plain
        )),
        ["second", "third", "first"]
    );
    assert_eq!(
        comments(&grouped("{ rows = true, order = \"descending\" }", plain)),
        ["third", "second", "first"]
    );
    let when = grouped("{ rows = true }\nwhen = \"item.Who != ''\"", plain);
    assert_eq!(comments(&when), ["first", "second"]);
}

#[test]
fn what_a_row_of_the_group_lacks_is_told() {
    let of = |fields: &str| {
        let mapping = grouped("{ rows = true }", fields);
        match compile(&mapping).and_then(|plan| plan.bind(&[table(&COLUMNS)])) {
            Err(error) => faults(&error),
            Ok(_) => "good".to_owned(),
        }
    };
    assert!(of("IssueDescription = { from = \"item.Txt\" }").contains("no column `Txt`"));
    assert!(
        of("IssueDescription = { template = \"{{ item['Txt']|upper }}\" }")
            .contains("no column `Txt`")
    );
    // A comparison knows the type of the column.
    let mapping = grouped("{ rows = true }\nwhen = \"item.At > 5\"", "");
    let bound = compile(&mapping).and_then(|plan| plan.bind(&[table(&COLUMNS)]));
    assert!(faults(&bound.unwrap_err()).contains("is compared with a number"));
    let ungrouped = grouped("{ rows = true }", "").replace("group_by = [\"Id\"]\n", "");
    assert!(told(&ungrouped).contains("needs `group_by`"));
    let both = grouped("{ rows = true, from = \"Who\" }", "");
    assert!(told(&both).contains("`from` has no place there"));
}

#[test]
fn a_fault_of_an_item_stands_in_its_own_row() {
    let mapping = grouped(
        "{ rows = true }",
        "IssueDescription = { from = \"item.Who\", required = true }",
    );
    let text = comments(&mapping).join("\n");
    assert!(text.starts_with("row 4 [item.Who]"), "{text}");
}

#[test]
fn a_fault_of_an_item_elsewhere_stands_in_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.csv"), "T,X\nz,1\ng,hello\n").unwrap();
    let told = |field: &str, when: &str| {
        let text = newest(&format!(
            "{HEAD}key = [\"Id\"]\n[input.columns]\n\"item count\" = {{ parse = \"integer\" }}\n[fields]\nSubject = {{ value = \"s\" }}\nLocationId = {{ value = \"DO\" }}\n[[then]]\noperation = \"comment\"\neach = {{ file = \"c.csv\", on = \"T\" }}\n{when}[then.fields]\nSubject = {{ value = \"c\" }}\nLocationId = {{ value = \"DO\" }}\nIssueDescription = {field}\n"
        ));
        let mapping = Mapping::read("m.toml".to_owned(), text, folder.path()).unwrap();
        let plan = Plan::compile(&mapping, schema(), directory(), &PlanOptions::default()).unwrap();
        let bound = Arc::new(plan)
            .bind(&[table(&["Id", "T", "item count"])])
            .unwrap();
        match bound.map(&[texts(2, &["1", "g", "x1"])], &RowKey::new("1")) {
            Mapped::Faults(faults) => {
                let place = &faults[0].place;
                let file = Path::new(&*place.file).file_name().unwrap();
                format!("{} {}", file.to_string_lossy(), place.row)
            }
            other => shown(other),
        }
    };
    // What is wrong with the row is told of the row, whatever its column is called.
    let of_row = "{ template = \"{{ item.X }} {{ row['item count'] }}\" }";
    assert_eq!(told(of_row, ""), "t.csv 2");
    assert_eq!(told("{ from = \"item count\" }", ""), "t.csv 2");
    let when = "when = \"row['item count'] > 1\"\n";
    assert_eq!(told("{ from = \"item.X\" }", when), "t.csv 2");
    // What is wrong with the item is told of the item.
    let of_item = "{ from = \"item.X\", parse = \"integer\" }";
    assert_eq!(told(of_item, ""), "c.csv 3");
}

#[test]
fn the_content_of_a_row_holds_what_its_comments_say() {
    let mapping = grouped(
        "{ rows = true }",
        "IssueDescription = { from = \"item.Who\" }",
    );
    let bound = bind(&mapping, table(&COLUMNS));
    let mut rows = notes();
    let before = MapRows::content(&bound, &rows);
    rows[2].cells[3] = Cell::Text("x".into());
    assert_ne!(before, MapRows::content(&bound, &rows));
}

#[test]
fn the_rows_of_a_group_may_stand_from_the_last() {
    let mapping = newest(&with_fields("IssueDescription = { from = \"At\" }\n")).replace(
        "[fields]",
        "[input]\ngroup_by = [\"Id\"]\norder_by = \"At\"\norder = \"descending\"\ntake = \"first\"\n[fields]",
    );
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "At"]));
    let mut rows: Vec<Record> = ["1", "3", "", "2"]
        .iter()
        .zip(2..)
        .map(|(at, row)| texts(row, &["7", "t", "DO", at]))
        .collect();
    bound.arrange(&mut rows).unwrap();
    let order: Vec<String> = rows
        .iter()
        .map(|row| row.cell(3).text().into_owned())
        .collect();
    assert_eq!(order, ["3", "2", "1", ""]);
    let alone = mapping.replace("order_by = \"At\"\n", "");
    assert!(told(&alone).contains("`order` needs `order_by`"));
}

#[test]
fn several_columns_are_a_list() {
    let mapping = |field: &str| newest(&with_fields(field));
    let columns = ["Id", "Title", "Building", "A", "B"];
    let one =
        |field: &str, a: &str, b: &str| map_one(&mapping(field), &columns, &["7", "t", "DO", a, b]);
    let tags = "Tags = { from = [\"A\", \"B\"], list = true, null = [\"-\"], lower = true, unique = true }\n";
    assert!(one(tags, "X", "y").contains(r#""Tags":["x","y"]"#));
    assert!(one(tags, "X", "x").contains(r#""Tags":["x"]"#));
    assert!(one(tags, "-", "y").contains(r#""Tags":["y"]"#));
    assert!(!one(tags, "-", " ").contains("Tags"));
    // Without it they are one.
    let joined = "Tags = { from = [\"A\", \"B\"] }\n";
    assert!(one(joined, "X", "y").contains(r#""Tags":["X y"]"#));
    // What is split is split in each.
    let split = "Tags = { from = [\"A\", \"B\"], list = true, split = \",\" }\n";
    assert!(one(split, "a, b", "c").contains(r#""Tags":["a","b","c"]"#));
    assert!(
        told(&mapping(
            "IssueDescription = { from = [\"A\", \"B\"], list = true }\n"
        ))
        .contains("`IssueDescription` takes one value, and `list` makes several")
    );
    assert!(told(&mapping("Tags = { from = \"A\", list = true }\n")).contains("several columns"));
    assert!(
        told(&mapping(
            "Tags = { from = [\"A\", \"B\"], list = true, join = \"/\" }\n"
        ))
        .contains("`list` and `join`")
    );
    let then = mapping(
        "[[then]]\noperation = \"comment\"\neach = { from = [\"A\", \"B\"], list = true }\nfields = { Subject = { from = \"item\" }, LocationId = { value = \"DO\" } }\n",
    );
    let made = map_one(&then, &columns, &["7", "t", "DO", "one", "two"]);
    assert!(made.contains(r#"then-1/create {"Subject":"one""#), "{made}");
    assert!(made.contains(r#"then-1/create {"Subject":"two""#), "{made}");
}

#[test]
fn the_parts_of_a_cell_are_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("users.csv"),
        "id,tag\n1,one\n2,two\n\"3,4\",both\n",
    )
    .unwrap();
    let one = |version: &str, more: &str, cell: &str| {
        let field = format!(
            "Tags = {{ from = \"A\", split = \",\", lookup = {{ file = \"users.csv\", by = \"id\", take = \"tag\"{more} }} }}\n"
        );
        let text = with_fields(&field).replace("version = 1", version);
        let mapping = Mapping::read("m.toml".to_owned(), text, folder.path()).unwrap();
        let plan = Plan::compile(&mapping, schema(), directory(), &PlanOptions::default()).unwrap();
        let bound = Arc::new(plan)
            .bind(&[table(&["Id", "Title", "Building", "A"])])
            .unwrap();
        shown(bound.map(&[texts(2, &["7", "t", "DO", cell])], &RowKey::new("7")))
    };
    let two = "version = 2";
    assert!(one(two, "", "1, 2").contains(r#""Tags":["one","two"]"#));
    assert!(one(two, "", "2").contains(r#""Tags":["two"]"#));
    // What is a key as a whole is one.
    assert!(one(two, "", "3,4").contains(r#""Tags":["both"]"#));
    assert!(one(two, "", "1,9").contains("has no `9`"));
    let skip = ", else = { do = \"skip_item\" }";
    assert!(one(two, skip, "1,9,2").contains(r#""Tags":["one","two"]"#));
    // An older mapping said what becomes of such a cell as a whole.
    assert!(!one("version = 1", skip, "1,2").contains(r#""Tags":"#));
    assert!(one("version = 1", "", "1,2").contains(r#""Tags":["one","two"]"#));
}

#[test]
fn a_list_may_stand_from_the_last() {
    let columns = ["Id", "Title", "Building", "A", "B"];
    let one = |field: &str, a: &str, b: &str| {
        let mapping = newest(&with_fields(&format!("Tags = {{ {field} }}\n")));
        map_one(&mapping, &columns, &["7", "t", "DO", a, b])
    };
    let split = "from = \"A\", split = \",\", order = \"descending\"";
    assert!(one(split, "a, b,c", "").contains(r#""Tags":["c","b","a"]"#));
    // It comes before what shortens the list.
    let shortened = format!("{split}, unique = true, max_items = 2");
    assert!(one(&shortened, "a,b,c,A", "").contains(r#""Tags":["A","c"]"#));
    let several = "from = [\"A\", \"B\"], list = true, order = \"descending\"";
    assert!(one(several, "x", "y").contains(r#""Tags":["y","x"]"#));
    let ascending = split.replace("descending", "ascending");
    assert!(one(&ascending, "a,b", "").contains(r#""Tags":["a","b"]"#));
    let told = |field: &str| told(&newest(&with_fields(&format!("Tags = {field}\n"))));
    assert!(
        told("{ template = \"{{ Title }}\", order = \"descending\" }")
            .contains("`order` needs `split` or a column `…[*]`")
    );
    let wrong = told("{ from = \"A\", split = \",\", order = \"backwards\" }");
    assert_eq!(wrong.matches("`order` cannot be").count(), 1, "{wrong}");
}

/// What is said of a row by the comments of its mapping.
fn items(each: &str, cell: &str) -> Vec<String> {
    let mapping = newest(&with_fields(&format!(
        "[[then]]\noperation = \"comment\"\neach = {each}\nfields = {{ Subject = {{ from = \"item\" }}, LocationId = {{ value = \"DO\" }} }}\n"
    )));
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "A", "B"]));
    match bound.map(
        &[texts(2, &["7", "t", "DO", cell, "last"])],
        &RowKey::new("7"),
    ) {
        Mapped::Ready(ready) => (ready.steps.iter().skip(1))
            .map(|step| step.body["Subject"].as_str().unwrap_or("-").to_owned())
            .collect(),
        other => vec![shown(other)],
    }
}

#[test]
fn items_may_stand_from_the_last() {
    let descending = "order = \"descending\"";
    let split = format!("{{ from = \"A\", split = \";\", null = [\"-\"], {descending} }}");
    assert_eq!(items(&split, "new; - ;older;old"), ["old", "older", "new"]);
    let json = format!("{{ from = \"A\", parse = \"json\", {descending} }}");
    assert_eq!(items(&json, r#"["b", "a"]"#), ["a", "b"]);
    let columns = format!("{{ from = [\"A\", \"B\"], list = true, {descending} }}");
    assert_eq!(items(&columns, "first"), ["last", "first"]);
    let ascending = split.replace("descending", "ascending");
    assert_eq!(items(&ascending, "a;b"), ["a", "b"]);
    let wrong = told(&newest(&with_fields(&format!(
        "[[then]]\noperation = \"comment\"\neach = {}\nfields = {{}}\n",
        split.replace("descending", "backwards")
    ))));
    assert_eq!(wrong.matches("`order` cannot be").count(), 1, "{wrong}");
    let bound = bind(
        &devices(
            "{ from = \"Devices\", split = \";\", order = \"descending\" }",
            "[\"Id\", \"item\"]",
        ),
        table(&["Id", "Title", "Devices"]),
    );
    let records = bound.apart(&texts(2, &["7", "jam", "a; b"])).unwrap();
    let keys: Vec<String> = (records.iter())
        .map(|one| {
            bound
                .key(std::slice::from_ref(one))
                .unwrap()
                .unwrap()
                .to_string()
        })
        .collect();
    assert_eq!(keys, ["7/b", "7/a"]);
}

/// A mapping whose rows make a ticket for each device.
fn devices(each: &str, key: &str) -> String {
    newest(&format!(
        "{HEAD}key = {key}\neach = {each}\n[fields]\nSubject = {{ template = \"{{{{ Title }}}} {{{{ item }}}}\" }}\nLocationId = {{ value = \"DO\" }}\n"
    ))
}

#[test]
fn one_row_is_several_tickets() {
    let mapping = devices(
        "{ from = \"Devices\", split = \";\" }",
        "[\"Id\", \"item\"]",
    );
    let bound = bind(&mapping, table(&["Id", "Title", "Devices"]));
    let row = texts(2, &["7", "jam", "a; b"]);
    let records = bound.apart(&row).unwrap();
    assert_eq!(records.len(), 2);
    let keys: Vec<String> = (records.iter())
        .map(|one| {
            bound
                .key(std::slice::from_ref(one))
                .unwrap()
                .unwrap()
                .to_string()
        })
        .collect();
    assert_eq!(keys, ["7/a", "7/b"]);
    let made: Vec<String> = (records.iter().zip(&keys))
        .map(|(one, key)| shown(bound.map(std::slice::from_ref(one), &RowKey::new(key))))
        .collect();
    assert!(made[0].contains("\"Subject\":\"jam a\""), "{made:?}");
    assert!(made[1].contains("\"Subject\":\"jam b\""), "{made:?}");
    let contents: Vec<_> = (records.iter())
        .map(|one| MapRows::content(&bound, std::slice::from_ref(one)))
        .collect();
    assert_ne!(contents[0], contents[1]);
    // A row without items is one ticket, which no key names here.
    let none = bound.apart(&texts(3, &["8", "jam", " "])).unwrap();
    assert_eq!(none.len(), 1);
    assert!(bound.key(&none).is_err());
    // Cells that the row lacks do not move the item.
    let short = record(4, vec![Cell::Text("9".into())]);
    assert_eq!(bound.apart(&short).unwrap()[0].cells.len(), 4);
}

#[test]
fn the_item_of_a_row_is_read_everywhere() {
    let mapping = devices(
        "{ from = \"Devices\", parse = \"json\" }",
        "[\"Id\", \"Tag\"]",
    )
    .replace(
        "[fields]",
        "[input]\nwhere = \"item.kind == 'laptop'\"\n[input.columns]\nTag = { from = \"item.tag\", upper = true }\n[fields]",
    )
    .replace("{{ item }}", "{{ item.tag }} {{ row['Tag'] }}");
    let bound = bind(&mapping, table(&["Id", "Title", "Devices"]));
    let cell = r#"[{"tag": "x1", "kind": "laptop"}, {"tag": "x2", "kind": "desk"}]"#;
    let records = bound.apart(&texts(2, &["7", "jam", cell])).unwrap();
    let passes: Vec<bool> = records
        .iter()
        .map(|one| bound.passes(one).unwrap())
        .collect();
    assert_eq!(passes, [true, false]);
    let key = bound.key(&records[..1]).unwrap().unwrap();
    assert_eq!(key.as_str(), "7/X1");
    let made = shown(bound.map(&records[..1], &key));
    assert!(made.contains("\"Subject\":\"jam x1 X1\""), "{made}");
    assert!(bound.apart(&texts(2, &["7", "jam", "[x"])).is_err());
    assert!(
        told(&devices("{ from = \"Devices\" }", "[\"Id\"]"))
            .contains("`key` is the same for all tickets of a row")
    );
    let without = devices("{ from = \"Devices\" }", "[]").replace("key = []\n", "");
    assert!(told(&without).contains("`each` needs `key`"));
    assert!(told(&devices("{ rows = true }", "[\"Id\"]")).contains("has no key `rows`"));
}

/// A mapping whose rows name those above them.
fn tied(more: &str) -> String {
    newest(&with_fields(&format!(
        "ParentTicketId = {{ from = \"Parent\", resolve = \"key\"{more} }}\n"
    )))
}

const TIED: [&str; 4] = ["Id", "Title", "Building", "Parent"];

#[test]
fn a_row_names_the_one_above_it() {
    let bound = bind(&tied(""), table(&TIED));
    let row = [texts(2, &["2", "t", "DO", " 1 "])];
    assert_eq!(
        Identify::ties(&bound, &row),
        [Named {
            key: RowKey::new("1"),
            is_above: true
        }]
    );
    let made = shown(bound.map(&row, &RowKey::new("2")));
    assert!(
        made.ends_with(r#"tie/create {"ParentTicketId":{"ticket_of_key":"1"}}"#),
        "{made}"
    );
    assert!(!made.lines().next().unwrap().contains("Parent"), "{made}");
    let empty = [texts(2, &["2", "t", "DO", ""])];
    assert!(Identify::ties(&bound, &empty).is_empty());
    assert_eq!(
        shown(bound.map(&empty, &RowKey::new("2"))).lines().count(),
        1
    );
}

#[test]
fn a_key_that_nothing_has_is_a_fault_of_the_row() {
    let row = [texts(2, &["2", "t", "DO", "9"])];
    let of = |more: &str| bind(&tied(more), table(&TIED)).untied(&row, &[RowKey::new("9")]);
    let told = of("");
    assert_eq!(
        fault_line(&told.faults[0]).split(" — ").next().unwrap(),
        "row 2 [Parent] ParentTicketId: no row of the input and no ticket of an earlier run has the key `9`"
    );
    // Of a group it is told of the row that the value is taken from.
    let group = [
        texts(2, &["2", "t", "DO", ""]),
        texts(3, &["2", "t", "DO", "9"]),
    ];
    let told = bind(&tied(""), table(&TIED)).untied(&group, &[RowKey::new("9")]);
    assert_eq!(told.faults[0].place.row, 3);
    let left_out = Fallback {
        field: "ParentTicketId".to_owned(),
        took: None,
        word: Some(Unfit {
            text: "9".to_owned(),
            by: UnfitBy::Names,
        }),
    };
    let expected = Untied {
        fallbacks: vec![left_out],
        ..Untied::default()
    };
    assert_eq!(of(", missing = { do = \"skip_field\" }"), expected);
    let skip = of(", missing = { do = \"skip_row\" }").skip;
    assert_eq!(skip.as_deref(), Some("ParentTicketId: `9`"));
}

#[test]
fn keys_are_for_fields_that_take_tickets() {
    assert!(
        told(&newest(&with_fields(
            "Tags = { from = \"A\", resolve = \"key\" }\n"
        )))
        .contains("it is for ParentTicketId, RelatedTicketId")
    );
    let without = tied("").replace("key = [\"Id\"]\n", "");
    assert!(told(&without).contains("needs `key`"));
    assert!(told(&tied(", match = [\"name\"]")).contains("`match` is about names"));
    assert!(told(&tied(", missing = \"1\"")).contains("cannot be a value"));
    assert_eq!(told(&acting("")), "good");
    let by_content = acting("").replace("key = [\"Id\"]\n", "");
    assert_eq!(told(&by_content), "good");
}

/// A mapping that updates tickets, and names others by the keys of the rows that made them.
fn acting(more: &str) -> String {
    tied(more).replace(
        "operation = \"create\"\nscope = \"s\"",
        "operation = \"update\"\nscope = \"s\"\ntarget = { from = \"Id\" }",
    )
}

#[test]
fn tickets_that_are_there_name_others_by_keys() {
    let mapping = acting(", missing = { do = \"skip_field\" }");
    assert_eq!(load(&mapping).unwrap().target_scope(), Some("s"));
    let elsewhere = mapping.replace("{ from = \"Id\" }", "{ key = [\"Id\"], scope = \"old\" }");
    assert_eq!(load(&elsewhere).unwrap().target_scope(), Some("old"));
    let without = acting("").replace(", resolve = \"key\"", "");
    assert_eq!(load(&without).unwrap().target_scope(), None);
    let bound = bind(&mapping, table(&TIED));
    assert!(Identify::names_elsewhere(&bound));
    assert!(!Identify::names_elsewhere(&bind(&tied(""), table(&TIED))));
    let row = [texts(2, &["2", "t", "DO", "1"])];
    let made = shown(bound.map(&row, &RowKey::new("2")));
    assert_eq!(made.lines().count(), 1, "{made}");
    assert!(
        made.contains(r#""ParentTicketId":{"ticket_of_key":"1"}"#),
        "{made}"
    );
    let without = shown(bound.map_without(&row, &RowKey::new("2"), &[RowKey::new("1")]));
    assert!(without.contains(r#""Subject":"t""#), "{without}");
    assert!(!without.contains("ParentTicketId"), "{without}");
    let fault = bind(&acting(""), table(&TIED)).untied(&row, &[RowKey::new("1")]);
    assert_eq!(
        fault.faults[0].message,
        "no ticket was made under the key `1`"
    );
}

#[test]
fn a_step_keeps_what_it_says_besides_a_key_that_nothing_has() {
    let mapping = newest(&with_fields(
        "[[then]]\noperation = \"assign\"\nfields = { Subject = { value = \"s\" }, LocationId = { value = \"DO\" }, RelatedTicketId = { from = \"Parent\", resolve = \"key\", missing = { do = \"skip_field\" } } }\n",
    ));
    let bound = bind(&mapping, table(&TIED));
    let row = [texts(2, &["2", "t", "DO", "9"])];
    let made = shown(bound.map_without(&row, &RowKey::new("2"), &[RowKey::new("9")]));
    let step = made.lines().nth(1).unwrap();
    assert!(step.contains(r#""Subject":"s""#), "{made}");
    assert!(!step.contains("RelatedTicketId"), "{made}");
}

#[test]
fn ids_that_nobody_checks_are_told() {
    let mapping = newest(&with_fields("ParentTicketId = { from = \"Parent\" }\n"));
    let notes = bind(&mapping, table(&TIED)).notes();
    assert!(notes[0].contains("resolve = \"key\""), "{notes:?}");
    assert!(bind(&tied(""), table(&TIED)).notes().is_empty());
}

#[test]
fn a_mixed_column_is_one_fault_of_the_mapping() {
    let mapping = |where_: &str, types: &str| {
        newest(&with_fields("")).replace(
            "[fields]",
            &format!("[input]\nwhere = \"{where_}\"\n{types}[fields]"),
        )
    };
    let columns = ["Id", "Title", "Building", "Seats"];
    let row = |seats: Cell| {
        let text = |text: &str| Cell::Text(text.into());
        record(2, vec![text("7"), text("t"), text("DO"), seats])
    };
    let bound = bind(&mapping("Seats > 3", ""), workbook(&columns));
    assert_eq!(bound.passes(&row(Cell::Number(4.0))), Ok(true));
    assert!(bound.unlike().is_empty());
    assert!(bound.passes(&row(Cell::Text("many".into()))).is_err());
    assert!(bound.passes(&row(Cell::Text("few".into()))).is_err());
    let told = bound.unlike();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].message,
        "`where` cannot be judged: a text is compared with a number: `many` with `3`, in row 2"
    );
    assert!(
        told[0]
            .hint
            .as_deref()
            .unwrap()
            .contains("`\"Seats\" = { parse = \"text\" }`"),
        "{told:?}"
    );
    let types = "[input.columns]\nSeats = { parse = \"text\" }\n";
    let bound = bind(&mapping("Seats == '4'", types), workbook(&columns));
    assert_eq!(bound.passes(&row(Cell::Number(4.0))), Ok(true));
    assert_eq!(bound.passes(&row(Cell::Text("many".into()))), Ok(false));
    let text = faults(
        &compile(&mapping("Seats == 4", types))
            .and_then(|plan| plan.bind(&[workbook(&columns)]))
            .unwrap_err(),
    );
    assert!(text.contains("is compared with a number"), "{text}");
}
