//! What rows become.

use super::*;
use proptest::prelude::*;

#[test]
fn a_whole_row() {
    let mapping = with_fields(
        "IssueDescription = { template = \"{{ Text }}\\n\\nOpened {{ Opened }} as #{{ row['Ticket #'] }}\" }\nIssueId = { from = [\"Category\", \"Problem\"], resolve = \"issue\" }\nForId = { from = \"Mail\", resolve = \"user\", match = \"email\", missing = \"helpdesk@district.example\" }\nLocationRoomId = { from = \"Room\", resolve = \"room\", within = \"LocationId\", missing = { do = \"skip_field\" } }\nPriority = { from = \"Prio\", map = { \"P1\" = \"High\" }, else = \"Medium\", resolve = \"priority\" }\nIsUrgent = { from = \"VIP\", parse = \"bool\", true = [\"x\"] }\nTags = { from = \"Tags\", split = \",\", unique = true, max_items = 2 }\n\"custom.Asset Tag\" = { from = \"Asset\", upper = true }\n\"custom.Colour\" = { from = \"Colour\" }\n",
    );
    let columns = [
        "Id", "Title", "Building", "Text", "Opened", "Ticket #", "Category", "Problem", "Mail",
        "Room", "Prio", "VIP", "Tags", "Asset", "Colour",
    ];
    let cells = [
        "7",
        " Broken ",
        "lhs",
        "{{ evil }} {% raw %}",
        "6/1/2024",
        "7",
        "Hardware",
        "Screen",
        "nobody@x.example",
        "101",
        "p1",
        "X",
        "a, b,A,c",
        "a-1",
        "blue",
    ];
    insta::assert_snapshot!(map_one(&mapping, &columns, &cells), @r##"
    create {"Subject":"Broken","LocationId":"loc-1","IssueDescription":"{{ evil }} {% raw %}\n\nOpened 6/1/2024 as #7\n\nRef: s/7","IssueId":"iss-1","ForId":"usr-2","LocationRoomId":"room-1","IsUrgent":true,"Tags":["a","b"],"custom:cf-1":"A-1","custom:cf-2":"o-2"}
    set_priority {"Priority":"pri-1"}
    ForId took helpdesk@district.example
    "##);
    let plan = compile(&mapping).unwrap();
    assert_eq!(plan.steps(), ["create", "set_priority"]);
}

#[test]
fn all_faults_of_a_row_are_told() {
    let mapping = with_fields(
        "ForId = { from = \"Mail\", resolve = \"user\" }\nLocationRoomId = { from = \"Room\", within = \"LocationId\" }\nCount = { from = \"N\", parse = \"integer\", min = 1, max = 9 }\nDueDate = { from = \"Due\", parse = \"date\", formats = [\"%m/%d/%Y\", \"%d/%m/%Y\"] }\nChannel = { from = \"Via\" }\nIssueId = { from = \"Issue\" }\nPriority = { from = \"P\", map = { \"P1\" = \"High\" } }\n",
    );
    let columns = [
        "Id", "Title", "Building", "Mail", "Room", "N", "Due", "Via", "Issue", "P",
    ];
    let cells = [
        "7",
        "",
        "Linclon HS",
        "jane@district.exmple",
        "101",
        "12",
        "03/04/2024",
        "fax",
        "1.2E+05",
        "P11",
    ];
    insta::assert_snapshot!(map_one(&mapping, &columns, &cells), @r##"
    row 2 [Title] Subject: is empty — fill the cell, or give the field a `default`
    row 2 [Building] LocationId: no location `Linclon HS` — did you mean `Lincoln High School`?
    row 2 [Mail] ForId: no user `jane@district.exmple` — did you mean `jane@district.example`?
    row 2 [N] Count: `12` is above 9
    row 2 [Due] DueDate: `03/04/2024` is a different date under `%m/%d/%Y` and `%d/%m/%Y` — `03/04/2024` would be 2024-03-04 or 2024-04-03: keep only the format in which this column is written
    row 2 [Via] Channel: `fax` is not one of its values — it takes email, phone, web
    row 2 [Issue] IssueId: `1.2E+05` has lost digits — spreadsheet programs keep 15 digits of a number: format the column as text and fill in the ids anew
    row 2 [P] Priority: `map` has no `P11` — did you mean `P1`?
    "##);
    insta::assert_snapshot!(map_one(
            &mapping,
            &columns,
            &["7", "t", "Twin", "", "101", "", "", "", "", ""]
        ), @r##"row 2 [Building] LocationId: 2 locations are called `Twin` — it could be `Twin (loc-3)`, `Twin (loc-4)`; say more in the cell, narrow it by `match` or `within`, or give an id"##);
    insta::assert_snapshot!(map_one(
            &mapping,
            &columns,
            &["7", "t", "LHS", "", "102", "x", "soon", "", "", ""]
        ), @r##"
    row 2 [Room] LocationRoomId: no room `102` within the row's `LocationId` — did you mean `101`?
    row 2 [N] Count: `x` is no number — write digits only
    row 2 [Due] DueDate: `soon` is no date of the form %m/%d/%Y or %d/%m/%Y — fix the cell, or add its form to `formats`
    "##);
}

#[test]
fn skips_and_refusals() {
    let mapping = with_fields(
        "ForId = { from = \"Mail\", missing = { do = \"skip_row\" } }\nChannel = { from = \"Via\", map = { \"mail\" = \"email\" }, else = { do = \"skip_row\" } }\n",
    );
    let columns = ["Id", "Title", "Building", "Mail", "Via"];
    assert_eq!(
        map_one(&mapping, &columns, &["7", "t", "DO", "who", ""]),
        "skip ForId: no user `who`"
    );
    assert_eq!(
        map_one(&mapping, &columns, &["7", "", "DO", "", "fax"]),
        "skip Channel: `fax`"
    );
    assert_eq!(
        map_one(&mapping, &columns, &["7", "refuse me", "DO", "", ""]),
        "row 2 [Title] Subject: cannot be held"
    );
}

#[test]
fn what_extract_does_not_find_is_what_default_says_of_an_empty_cell() {
    let columns = ["Id", "Title", "Building", "Via"];
    let default = "default = { do = \"skip_row\" }";
    for steps in ["", ", trim = false", ", split = \";\""] {
        let field = match steps.contains("split") {
            true => "Tags",
            false => "Channel",
        };
        let mapping = with_fields(&format!(
            "{field} = {{ from = \"Via\", extract = \"([0-9]+)\", {default}{steps} }}\n"
        ));
        for cell in ["mail", ""] {
            assert_eq!(
                map_one(&mapping, &columns, &["7", "t", "DO", cell]),
                format!("skip {field}: empty"),
                "{cell:?} {steps}"
            );
        }
    }
}

#[test]
fn the_reference_keeps_its_room() {
    let mapping = with_fields("IssueDescription = { from = \"Text\", overflow = \"truncate\" }\n");
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "Text"]));
    let long = "x".repeat(500);
    let Mapped::Ready(ready) = bound.map(&[texts(2, &["7", "t", "DO", &long])], &RowKey::new("7"))
    else {
        panic!("the row is good");
    };
    let text = ready.steps[0].body["IssueDescription"].as_str().unwrap();
    assert_eq!(text.chars().count(), 200);
    assert!(text.ends_with("x…\n\nRef: s/7"), "{text}");
    assert_eq!(ready.reference.as_deref(), Some("s/7"));
    let none = mapping.replace("scope =", "marker = \"none\"\nscope =");
    let bound = bind(&none, table(&["Id", "Title", "Building", "Text"]));
    let Mapped::Ready(ready) = bound.map(&[texts(2, &["7", "t", "DO", ""])], &RowKey::new("7"))
    else {
        panic!("the row is good");
    };
    assert_eq!(ready.reference, None);
    assert!(ready.steps[0].body.get("IssueDescription").is_none());
}

#[test]
fn a_long_description_bears_the_reference_first_and_last() {
    let mapping = with_fields("").replace("scope =", "unmapped = \"append\"\nscope =");
    let bound = bind(&mapping, table(&["Id", "Title", "Building", "Text"]));
    let described = |length: usize| {
        let row = texts(2, &["7", "t", "DO", &"x".repeat(length)]);
        let Mapped::Ready(ready) = bound.map(&[row], &RowKey::new("7")) else {
            panic!("the row is good");
        };
        ready.steps[0].body["IssueDescription"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let long = described(1_500);
    let first = format!("{}\n\nText: x", reference::head("s/7"));
    assert!(long.starts_with(&first), "{long}");
    assert!(long.ends_with("x\n\nRef: s/7"));
    assert!(described(1_400).starts_with("Text: x"));
}

#[test]
fn a_description_of_its_own_bears_the_reference() {
    assert_eq!(
        map_one(
            &with_fields(""),
            &["Id", "Title", "Building"],
            &["7", "t", "DO"]
        ),
        r#"create {"Subject":"t","LocationId":"loc-2","IssueDescription":"Ref: s/7"}"#
    );
}

#[test]
fn workbook_cells_need_no_format() {
    let mapping = with_fields(
        "DueDate = { from = \"Due\" }\nStartedAt = { from = \"At\", parse = \"datetime\", timezone = \"America/Chicago\" }\nCount = { from = \"N\" }\nIsUrgent = { from = \"B\" }\nIssueDescription = { template = \"{{ At }} {{ N }}\" }\n",
    );
    let bound = bind(
        &mapping,
        workbook(&["Id", "Title", "Building", "Due", "At", "N", "B"]),
    );
    let at = jiff::civil::date(2024, 6, 21).at(22, 43, 0, 0);
    let row = record(
        2,
        vec![
            Cell::Number(7.0),
            Cell::Number(1234.0),
            Cell::Text("DO".into()),
            Cell::DateTime(at),
            Cell::DateTime(at),
            Cell::Number(3.0),
            Cell::Bool(true),
        ],
    );
    insta::assert_snapshot!(shown(bound.map(&[row], &RowKey::new("7"))), @r##"create {"Subject":"1234","LocationId":"loc-2","DueDate":"2024-06-21","StartedAt":"2024-06-21T22:43:00-05:00","Count":3,"IsUrgent":true,"IssueDescription":"2024-06-21 22:43 3\n\nRef: s/7"}"##);
    let row = record(
        2,
        vec![
            Cell::Number(1e16),
            Cell::Fault("the formula gives #N/A".to_owned()),
            Cell::Text("DO".into()),
            Cell::Empty,
            Cell::Empty,
            Cell::Number(3.5),
            Cell::Empty,
        ],
    );
    insta::assert_snapshot!(shown(bound.map(&[row], &RowKey::new("7"))), @r##"
    row 2 [Title] Subject: column `Title`: the formula gives #N/A — fix the cell in the spreadsheet program
    row 2 [N] Count: `3.5` is no whole number
    "##);
}

#[test]
fn a_time_without_a_zone_is_told() {
    let mapping = with_fields("StartedAt = { from = \"At\" }\n");
    let columns = ["Id", "Title", "Building", "At"];
    insta::assert_snapshot!(map_one(&mapping, &columns, &["7", "t", "DO", "2024-06-21 22:43"]), @r##"row 2 [At] StartedAt: `2024-06-21 22:43` has no time zone — say in which zone the times of this file are: `timezone = "America/Chicago"` in `[input]` or in the profile"##);
    assert!(
        map_one(
            &mapping,
            &columns,
            &["7", "t", "DO", "2024-06-21T22:43:00Z"]
        )
        .contains("2024-06-21T22:43:00+00:00")
    );
}

#[test]
fn null_words_lists_and_first_columns() {
    let mapping = with_fields("Tags = { from = \"Tag[*]\", null = [\"-\"] }\nIssueDescription = { from_first = [\"A\", \"B\"], html = \"strip\" }\nChannel = { from = \"Via\", default = \"web\" }\n\"custom.Colours\" = { from = \"C\", split = \"|\" }\n")
        .replace("[fields]", "[input]\nnull = [\"N/A\"]\n[fields]");
    insta::assert_snapshot!(map_one(
            &mapping,
            &[
                "Id", "Title", "Building", "Tag", "Tag", "Tag", "A", "B", "Via", "C"
            ],
            &[
                "7",
                "t",
                "DO",
                "x",
                "-",
                "y",
                "n/a",
                "<p>Hi &amp; bye</p>",
                "N/A",
                "red|Blue"
            ]
        ), @r##"
    create {"Subject":"t","LocationId":"loc-2","Tags":["x","y"],"IssueDescription":"Hi & bye\n\nRef: s/7","Channel":"web","custom:cf-3":["o-1","o-2"]}
    Channel took web
    "##);
}

#[test]
fn templates_see_typed_values_and_groups() {
    let mapping = with_fields("IssueDescription = { template = \"{% for r in rows %}{{ r.Note }};{% endfor %}{{ Opened|strftime('%d.%m.%Y') }} {{ requester.email }}{% if Opened > date('2024-01-01') %}!{% endif %}\" }\n")
        .replace("[fields]", "[input]\ngroup_by = [\"Id\"]\ntake = \"last_filled\"\n[input.columns]\nOpened = { parse = \"date\", formats = [\"%m/%d/%Y\"] }\n[fields]");
    let bound = bind(
        &mapping,
        table(&[
            "Id",
            "Title",
            "Building",
            "Note",
            "Opened",
            "requester.email",
        ]),
    );
    let rows = [
        texts(2, &["7", "t", "DO", "one", "6/1/2024", "a@b.example"]),
        texts(3, &["7", "", "", "two", "", ""]),
    ];
    insta::assert_snapshot!(shown(bound.map(&rows, &RowKey::new("7"))), @r##"create {"Subject":"t","LocationId":"loc-2","IssueDescription":"one;two;01.06.2024 a@b.example!\n\nRef: s/7"}"##);
}

proptest! {
    #[test]
    fn no_cell_makes_a_mapping_panic(cells in proptest::collection::vec(".{0,30}", 8)) {
        let mapping = with_fields("IssueDescription = { from = \"A\", html = \"strip\", collapse = true, replace = [[\"a+\", \"$0\"]], max_length = 20, overflow = \"truncate\" }\nTags = { from = \"B\", split = \",\", lower = true, unique = true, max_items = 3 }\nCost = { from = \"C\", parse = \"number\", decimal = \",\", min = 0 }\nStartedAt = { from = \"D\", parse = \"datetime\", formats = [\"%d/%m/%Y\", \"%m/%d/%Y %H:%M\"], timezone = \"Europe/London\" }\nIsUrgent = { from = \"E\", parse = \"bool\" }\nLocationRoomId = { from = [\"A\", \"B\"], within = \"LocationId\" }\n");
        let bound = bind(&mapping, table(&["Id", "Title", "Building", "A", "B", "C", "D", "E"]));
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let row = [texts(2, &cells)];
        let _ = bound.identify_row(&row);
        bound.map(&row, &RowKey::new("7"));
    }
}

impl BoundPlan {
    fn identify_row(&self, rows: &[Record]) -> bool {
        crate::intake::Identify::identify(self, rows).is_ok()
    }
}

#[test]
fn a_map_file_stands_beside_the_mapping() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("via.csv"),
        "from;to\nMail;email\nCall;phone\n",
    )
    .unwrap();
    let path = folder.path().join("m.toml");
    let text = with_fields("Channel = { from = \"Via\", map_file = \"via.csv\" }\n");
    std::fs::write(&path, &text).unwrap();
    let mapping = Mapping::load(&path, Reach::Folder).unwrap();
    let first = mapping.fingerprint().to_owned();
    let plan = Plan::compile(&mapping, schema(), directory(), &PlanOptions::default()).unwrap();
    let bound = Arc::new(plan)
        .bind(&[table(&["Id", "Title", "Building", "Via"])])
        .unwrap();
    let made = shown(bound.map(&[texts(2, &["7", "t", "DO", "mail"])], &RowKey::new("7")));
    assert!(made.contains(r#""Channel":"email""#), "{made}");
    std::fs::write(folder.path().join("via.csv"), "Mail;web\n").unwrap();
    assert_ne!(
        Mapping::load(&path, Reach::Folder).unwrap().fingerprint(),
        first
    );
    std::fs::remove_file(folder.path().join("via.csv")).unwrap();
    let error = Mapping::load(&path, Reach::Folder).unwrap_err();
    assert!(
        faults(&error).contains("`via.csv` cannot be read"),
        "{}",
        faults(&error)
    );
}

#[test]
fn a_file_outside_the_mappings_folder_is_read_only_where_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let table = "Id,Name\nMail,email\n";
    std::fs::write(folder.path().join("via.csv"), table).unwrap();
    std::fs::write(inner.join("via.csv"), table).unwrap();
    let path = inner.join("m.toml");
    let absolute = folder.path().join("via.csv");
    let mut outside = vec!["../via.csv".to_owned(), absolute.display().to_string()];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, inner.join("link.csv")).unwrap();
        outside.push("link.csv".to_owned());
    }
    let with = |file: &str| {
        [
            format!("Channel = {{ from = \"Via\", map_file = '{file}' }}\n"),
            format!(
                "Channel = {{ from = \"Via\", lookup = {{ file = '{file}', by = \"Id\", take = \"Name\" }} }}\n"
            ),
            format!("IssueId = {{ from = \"Via\", aliases_file = '{file}' }}\n"),
        ]
    };
    for file in outside {
        for field in with(&file) {
            std::fs::write(&path, with_fields(&field)).unwrap();
            let told = match Mapping::load(&path, Reach::Folder) {
                Ok(_) => panic!("it was read: {field}"),
                Err(error) => faults(&error),
            };
            assert!(told.contains("outside the folder"), "{field}: {told}");
            if let Err(error) = Mapping::load(&path, Reach::Anywhere) {
                let told = faults(&error);
                assert!(!told.contains("outside the folder"), "{field}: {told}");
            }
        }
    }
    for field in with("via.csv").into_iter().chain(with("../inner/via.csv")) {
        std::fs::write(&path, with_fields(&field)).unwrap();
        if let Err(error) = Mapping::load(&path, Reach::Folder) {
            let told = faults(&error);
            assert!(!told.contains("outside the folder"), "{field}: {told}");
        }
    }
}

#[test]
fn a_mapping_that_is_not_there_or_for_another_system_stops() {
    let error = Mapping::load(Path::new("nowhere.toml"), Reach::Folder).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("nowhere.toml: the mapping cannot be read")
    );
    let other = with_fields("").replace("incidentiq", "clearfeed");
    assert_eq!(
        compile(&other).unwrap_err().message(),
        "the mapping is for clearfeed, the profile for incidentiq"
    );
}

#[test]
fn several_columns_of_a_field_that_takes_an_id_are_a_path() {
    let mapping = with_fields("IssueId = { from = [\"A\", \"B\", \"C\"] }\n");
    let columns = ["Id", "Title", "Building", "A", "B", "C"];
    let made = map_one(
        &mapping,
        &columns,
        &["7", "t", "DO", "laptop", "", "SCREEN"],
    );
    assert!(made.contains("iss-1"), "{made}");
}

#[test]
fn a_workbook_number_past_fifteen_digits_resolves_to_nothing() {
    let bound = bind(&with_fields(""), workbook(&["Id", "Title", "Building"]));
    let row = |number| {
        let cells = vec![Cell::Empty, Cell::Text("t".into()), Cell::Number(number)];
        shown(bound.map(&[record(2, cells)], &RowKey::new("7")))
    };
    assert!(row(2_000_000_000_000_000.0).contains("`2000000000000000` has lost digits"));
    assert!(row(200_000_000_000_000.0).contains("no location `200000000000000`"));
}
