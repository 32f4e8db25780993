//! Every key of a mapping that this version has is run, and what the sandbox accepted is looked at.

use std::cell::RefCell;
use std::collections::HashSet;

use serde_json::{Value, json};

use crate::import::assert_balanced;
use crate::support::{Ended, SandboxProcess, Work};

/// A work folder and a sandbox for it.
struct Bench {
    work: Work,
    sandbox: SandboxProcess,
    /// The scopes that were run.
    scopes: RefCell<HashSet<String>>,
}

impl Bench {
    fn new() -> Self {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"100000/s\"");
        Self {
            work,
            sandbox,
            scopes: RefCell::default(),
        }
    }

    /// Runs this mapping over these inputs.
    fn run(&self, mapping: &str, inputs: &[&str]) -> (Ended, Value) {
        self.work.write("map.toml", mapping);
        let profile = match mapping.contains("system = \"clearfeed\"") {
            true => "support",
            false => "district",
        };
        let mut arguments = inputs.to_vec();
        arguments.extend(["--mapping", "map.toml", "--profile", profile]);
        // The same rows go into one scope after the other, which an import takes for a scope that was renamed.
        let scope = mapping.lines().find(|line| line.starts_with("scope = "));
        if self.scopes.borrow_mut().insert(scope.unwrap().to_owned()) {
            arguments.push("--again");
        }
        let (ended, summary) = self.work.import(&arguments);
        assert_balanced(&summary);
        (ended, summary)
    }

    /// The bodies of what this mapping creates, by row; every row must be created or skipped.
    #[track_caller]
    fn bodies(&self, mapping: &str, inputs: &[&str]) -> Vec<Value> {
        let before = self.sandbox.audit().len();
        let (ended, summary) = self.run(mapping, inputs);
        assert_eq!(summary["rejected"], 0, "{mapping}\n{summary:#}");
        ended.expect(0);
        self.since(before)
    }

    /// The bodies of the creates since then, ordered by their marker.
    fn since(&self, before: usize) -> Vec<Value> {
        let mut created: Vec<Value> = self.sandbox.audit().split_off(before);
        created.retain(|entry| entry["operation"] == "create");
        created.sort_by_key(|entry| entry["marker"].as_str().map(str::to_owned));
        created
            .into_iter()
            .map(|entry| entry["body"].clone())
            .collect()
    }

    /// Runs an import that must stop before the run; what it says is the scene's snapshot.
    #[track_caller]
    fn stopped(&self, mapping: &str, input: &str, scene: &str) {
        let before = self.sandbox.audit().len();
        self.work.write("map.toml", mapping);
        let profile = match mapping.contains("system = \"clearfeed\"") {
            true => "support",
            false => "district",
        };
        let ended = self
            .work
            .run(&[
                "import",
                input,
                "--mapping",
                "map.toml",
                "--profile",
                profile,
            ])
            .expect(2);
        insta::assert_snapshot!(scene, self.work.shown(&ended.stderr));
        assert_eq!(self.sandbox.audit().len(), before, "something was sent");
    }
}

/// A ClearFeed mapping; the fields that every request must have are filled in where they are not given.
fn clearfeed(scope: &str, head: &str, fields: &str) -> String {
    let mut text = format!(
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"{scope}\"\n{head}\n[fields]\n{fields}\n"
    );
    for (name, definition) in [
        ("title", "{ value = \"T\" }"),
        ("description", "{ value = \"D\" }"),
        (
            "collection_id",
            "{ value = \"IT Support\", resolve = \"collection\" }",
        ),
    ] {
        if !fields
            .lines()
            .any(|line| line.starts_with(&format!("{name} =")))
        {
            text.push_str(&format!("{name} = {definition}\n"));
        }
    }
    text
}

/// The same for IncidentIQ.
fn incidentiq(scope: &str, head: &str, fields: &str) -> String {
    let mut text = format!(
        "version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"{scope}\"\n{head}\n[fields]\n{fields}\n"
    );
    for (name, definition) in [
        (
            "ForId",
            "{ value = \"helpdesk@district.example\", resolve = \"user\" }",
        ),
        (
            "LocationId",
            "{ value = \"District Office\", resolve = \"location\" }",
        ),
        ("IssueId", "{ value = \"Other\", resolve = \"issue\" }"),
    ] {
        if !fields
            .lines()
            .any(|line| line.starts_with(&format!("{name} =")))
        {
            text.push_str(&format!("{name} = {definition}\n"));
        }
    }
    text
}

#[test]
fn each_step_of_a_text() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "A,B,C,D,H,L\n\" Pump  house \",x,,21.06.2024,\"<p>a &amp; <b>b</b></p>\",a < b\n",
    );
    bench.work.write("words.csv", "from,to\nX,ex\ny,why\n");
    for (number, (definition, expected)) in [
        (r#"{ from = "A" }"#, "Pump  house"),
        (r#"{ from = "a " }"#, "Pump  house"),
        (r#"{ from = "A", trim = false, replace = [["^ ", "_"]] }"#, "_Pump  house "),
        (r#"{ from = "A", collapse = true }"#, "Pump house"),
        (r#"{ from = "A", upper = true }"#, "PUMP  HOUSE"),
        (r#"{ from = "A", lower = true }"#, "pump  house"),
        (r#"{ from = ["B", "C", "D"] }"#, "x 21.06.2024"),
        (r#"{ from = ["B", "D"], join = "/" }"#, "x/21.06.2024"),
        (r#"{ from_first = ["C", "B"] }"#, "x"),
        (r#"{ template = "{{ B }}-{{ row['D'] }}{% if C %}!{% endif %}" }"#, "x-21.06.2024"),
        (r#"{ value = "fixed" }"#, "fixed"),
        (r#"{ from = "A", replace = [["P(u)mp", "B${1}mp"], ["house", "shed"]] }"#, "Bump  shed"),
        (r#"{ from = "A", extract = 'Pump\s+(\w+)' }"#, "house"),
        (r#"{ from = "H", html = "strip" }"#, "a & b"),
        (r#"{ from = "H", html = "keep" }"#, "<p>a &amp; <b>b</b></p>"),
        (r#"{ from = "L", html = "from_text" }"#, "a &lt; b"),
        (r#"{ from = "B", map = { " X" = "ex" } }"#, "ex"),
        (r#"{ from = "B", map_file = "words.csv" }"#, "ex"),
        (r#"{ from = "D", map = { "x" = "ex" }, else = "other" }"#, "other"),
        (r#"{ from = "D", map = { "x" = "ex" }, else = { do = "keep" } }"#, "21.06.2024"),
        (r#"{ from = "C", map = { "x" = "ex" }, default = "none" }"#, "none"),
        (r#"{ from = "B", null = ["x"], default = "none" }"#, "none"),
        (r#"{ from = "D", parse = "date", formats = ["%d.%m.%Y"] }"#, "2024-06-21"),
        (r#"{ value = "1.234,50", parse = "number", decimal = "," }"#, "1234.5"),
        (r#"{ from = "A", max_length = 4, overflow = "truncate" }"#, "Pum…"),
        (r#"{ from = "B", required = true, one_of = ["x", "y"], pattern = "[a-z]", max_length = 1 }"#, "x"),
    ]
    .into_iter()
    .enumerate()
    {
        let mapping = clearfeed(&format!("text-{number}"), "", &format!("title = {definition}"));
        let bodies = bench.bodies(&mapping, &["in.csv"]);
        assert_eq!(bodies[0]["title"], expected, "{definition}");
    }
}

#[test]
fn each_type_and_list_and_what_the_steps_before_leave() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "Id,N,Day,Seen,Yes,Tags,Json\n1,\"1.234,0\",24/12/2024,12/31/2024 18:30,ja,\"b; a;b;c;d\",\"[\"\"Web\"\",\"\"API\"\"]\"\n",
    );
    let fields = r#"
"custom.Seats" = { from = "N", parse = "integer", decimal = ",", min = 1, max = 2000 }
"custom.Renewal Date" = { from = "Day", parse = "date", formats = ["%d/%m/%Y"] }
"custom.Affected Platforms" = { from = "Json", parse = "json" }
"custom.Product Area" = { value = "billing" }
title = { from = "Seen" }
tags = { from = "Tags", split = ";", unique = true, max_items = 3, upper = true }
"#;
    let head = "key = [\"Id\"]\n[input.columns]\nSeen = { parse = \"datetime\", formats = [\"%m/%d/%Y %H:%M\"], timezone = \"America/Chicago\" }";
    let body = &bench.bodies(&clearfeed("types", head, fields), &["in.csv"])[0];
    let custom = &body["custom_fields"];
    assert_eq!(custom["Seats"], 1234);
    assert_eq!(custom["Renewal Date"], "2024-12-24");
    assert_eq!(
        custom["Affected Platforms"].as_array().unwrap().len(),
        2,
        "{body:#}"
    );
    assert!(!custom["Product Area"].is_null(), "{body:#}");
    assert_eq!(body["title"], "2024-12-31 18:30");
    assert_eq!(body["tags"], json!(["B", "A", "C"]));

    let fields = r#"
IsUrgent = { from = "Yes", parse = "bool", true = ["ja"], false = ["nein"] }
IsTraining = { value = false }
DueDate = { from = "Seen", parse = "datetime", formats = ["%m/%d/%Y %H:%M"], timezone = "America/Chicago" }
"#;
    let before = bench.sandbox.audit().len();
    let body = &bench.bodies(&incidentiq("types", "key = [\"Id\"]", fields), &["in.csv"])[0];
    assert_eq!(body["IsUrgent"], true);
    assert_eq!(body["IsTraining"], false);
    let due = bench.sandbox.audit().split_off(before);
    let due = due
        .iter()
        .find(|entry| entry["operation"] == "due_dates")
        .unwrap();
    assert_eq!(due["body"]["CustomDate"], "2024-12-31T18:30:00-06:00");
}

#[test]
fn what_a_table_does_with_a_word_that_it_does_not_have() {
    let bench = Bench::new();
    bench.work.write("in.csv", "Id,W\n1,known\n2,other\n3,\n");
    for (action, titles, skipped, rejected) in [
        ("\"keep\"", vec!["k", "other", "-"], 0, 0),
        ("\"skip_field\"", vec!["k", "-", "-"], 0, 0),
        ("\"skip_row\"", vec!["k", "-"], 1, 0),
        ("\"error\"", vec!["k", "-"], 0, 1),
    ] {
        let fields = format!(
            "title = {{ from = \"Id\" }}\n\"custom.Legacy ID\" = {{ from = \"W\", map = {{ known = \"k\" }}, else = {{ do = {action} }} }}"
        );
        let scope = format!("else-{}", action.trim_matches('"'));
        let before = bench.sandbox.audit().len();
        let (_, summary) = bench.run(&clearfeed(&scope, "key = [\"Id\"]", &fields), &["in.csv"]);
        assert_eq!(summary["skipped"], skipped, "{action}: {summary:#}");
        assert_eq!(summary["rejected"], rejected, "{action}: {summary:#}");
        let made: Vec<String> = bench
            .since(before)
            .iter()
            .map(|body| {
                body["custom_fields"]["Legacy ID"]
                    .as_str()
                    .unwrap_or("-")
                    .to_owned()
            })
            .collect();
        assert_eq!(made, titles, "{action}");
    }
}

#[test]
fn names_become_ids() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "Id,Where,Room,Who,Tag\n1,LHS,101,HELPDESK@district.example,004100\n2,the big school,Board Room,nobody@nowhere.example,\n3,Lincoln  high school,999,nobody@nowhere.example,004107\n",
    );
    let fields = r#"
Subject = { from = "Id" }
LocationId = { from = "Where", resolve = "location", match = ["name", "abbreviation"], aliases = { "The Big School" = "Lincoln High School" } }
LocationRoomId = { from = "Room", resolve = "room", within = "LocationId", missing = { do = "skip_field" } }
ForId = { from = "Who", resolve = "user", match = "email", missing = "helpdesk@district.example" }
Assets = { from = "Tag", resolve = "asset" }
OwnerId = { value = "Help Desk", resolve = "user", match = "name", ambiguous = { do = "skip_field" } }
"#;
    let mapping = incidentiq("names", "key = [\"Id\"]", fields);
    let bodies = bench.bodies(&mapping, &["in.csv"]);
    assert_eq!(bodies.len(), 3);
    assert!(
        bodies
            .iter()
            .all(|body| body["LocationId"] == bodies[0]["LocationId"]),
        "{bodies:#?}"
    );
    assert!(
        bodies
            .iter()
            .all(|body| body["ForId"] == bodies[0]["ForId"]),
        "{bodies:#?}"
    );
    assert!(bodies[0]["LocationRoomId"].is_string(), "{:#}", bodies[0]);
    assert!(
        bodies[2].get("LocationRoomId").is_none_or(Value::is_null),
        "{:#}",
        bodies[2]
    );
    assert!(
        bodies[0]["Assets"][0].is_object() || bodies[0]["Assets"][0].is_string(),
        "{:#}",
        bodies[0]
    );

    // A room's number is in every building: never guessed, unless the mapping says what then.
    let room = |ambiguous: &str| {
        incidentiq(
            &format!("rooms{}", ambiguous.len()),
            "key = [\"Id\"]\n[input]\nwhere = \"Id == '1'\"",
            &format!("LocationRoomId = {{ from = \"Room\", resolve = \"room\"{ambiguous} }}"),
        )
    };
    let (_, summary) = bench.run(&room(""), &["in.csv"]);
    assert_eq!(summary["rejected"], 1);
    let causes = format!("{:#}", summary["causes"]);
    insta::assert_snapshot!("room_in_every_building", bench.work.shown(&causes));
    let bodies = bench.bodies(&room(", ambiguous = { do = \"skip_field\" }"), &["in.csv"]);
    assert!(bodies[0].get("LocationRoomId").is_none_or(Value::is_null));

    let skip = "LocationId = { from = \"Where\", resolve = \"location\", missing = { do = \"skip_row\" } }";
    let (_, summary) = bench.run(&incidentiq("skip", "key = [\"Id\"]", skip), &["in.csv"]);
    assert_eq!(
        (
            &summary["created"],
            &summary["skipped_because"]["by_mapping"]
        ),
        (&json!(2), &json!(1)),
        "`LHS` is an abbreviation, `the big school` nothing: {summary:#}"
    );
}

#[test]
fn all_faults_of_a_row_are_told_together() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "Id,Title,N,Low,Mail,Desk,Kind,Day,Word,Empty\n1,much too long,12,0,nobody,Nowhere,c,soon,what,\n",
    );
    let fields = r#"
title = { from = "Title", max_length = 4, overflow = "error" }
description = { from = "Empty", required = true }
collection_id = { from = "Desk", resolve = "collection" }
requester_email = { from = "Mail", pattern = "[^@]+@[^@]+" }
priority = { from = "Word", map = { low = "low" } }
tags = { from = "Kind", one_of = ["a", "b"] }
"custom.Seats" = { from = "N", parse = "integer", max = 10 }
"custom.Asset Tag" = { from = "Low", parse = "integer", min = 1 }
"custom.Renewal Date" = { from = "Day", parse = "date", formats = ["%Y-%m-%d"] }
"#;
    let (ended, summary) = bench.run(&clearfeed("faults", "key = [\"Id\"]", fields), &["in.csv"]);
    ended.expect(1);
    assert_eq!(summary["rejected"], 1);
    let told = bench.work.read("in.errors.csv");
    insta::assert_snapshot!("error_file_of_all_faults", bench.work.shown(&told));
    let causes = format!("{:#}", summary["causes"]);
    insta::assert_snapshot!("causes_of_all_faults", bench.work.shown(&causes));
    assert!(bench.sandbox.audit().is_empty());
}

#[test]
fn the_text_of_a_cell_is_never_evaluated() {
    let bench = Bench::new();
    let wild = "{{ Id }} {% for x in y %} {{ 7 * 7 }} {# gone #} ${1} {product}";
    bench.work.write("in.csv", format!("Id,Text\n1,{wild}\n"));
    let fields =
        "title = { from = \"Text\" }\ndescription = { template = \"{{ Text }} of {{ Id }}\" }";
    let body = &bench.bodies(&clearfeed("data", "key = [\"Id\"]", fields), &["in.csv"])[0];
    assert_eq!(body["title"], wild);
    assert_eq!(body["description"], format!("{wild} of 1\n\nRef: data/1"));
}

#[test]
fn columns_by_number_by_occurrence_and_by_position() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "Id,Comment,,Comment,Comment\n7,one,nameless,two,three\n",
    );
    let fields = r##"
title = { from = ["Comment", "Comment[2]", "#3"], join = "/" }
tags = { from = "Comment[*]" }
description = { template = "{{ _file }} {{ _row }} {{ row['Comment[3]'] }}" }
"##;
    let body = &bench.bodies(&clearfeed("columns", "key = [\"Id\"]", fields), &["in.csv"])[0];
    assert_eq!(body["title"], "one/two/nameless");
    assert_eq!(body["tags"], json!(["one", "two", "three"]));
    assert_eq!(body["description"], "in.csv 2 three\n\nRef: columns/7");
}

#[test]
fn how_an_input_is_read() {
    let bench = Bench::new();
    // windows-1252, `;`, two lines above the header, words for nothing.
    bench.work.write(
        "in.txt.csv",
        b"Export of the old desk\n\nId;Title;Opened;State\n1;Caf\xe9, hall;03/04/2024 08:00;open\n2;n/a;04/05/2024 09:00;open\n3;Spam;01/01/2023 00:00;spam\n",
    );
    let head = r#"key = ["Id"]
[input]
encoding = "windows-1252"
delimiter = ";"
header_row = 3
null = ["n/a"]
timezone = "America/Chicago"
where = "State != 'spam' and Opened >= date('2024-01-01')"
[input.columns]
Opened = { parse = "datetime", formats = ["%m/%d/%Y %H:%M"] }"#;
    let fields =
        "title = { from = \"Title\", default = \"nothing\" }\ndescription = { from = \"Opened\" }";
    let bodies = bench.bodies(&clearfeed("read", head, fields), &["in.txt.csv"]);
    let titles: Vec<_> = bodies
        .iter()
        .map(|body| body["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["Café, hall", "nothing"]);
    assert_eq!(bodies[0]["description"], "2024-03-04 08:00\n\nRef: read/1");

    bench.work.write("bare.csv", "1,first\n2,second\n");
    let head = "key = [\"A\"]\n[input]\nheader_row = 0";
    let bodies = bench.bodies(
        &clearfeed("bare", head, "title = { from = \"B\" }"),
        &["bare.csv"],
    );
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[1]["title"], "second");

    bench.work.write(
        "doc.json",
        r#"{"page": 1, "tickets": [{"id": 1, "who": {"name": "Ada"}, "note": null}, {"id": 2, "who": {"name": "Bo"}}]}"#,
    );
    let head = "key = [\"id\"]\n[input]\nrecords = \"tickets\"";
    let bodies = bench.bodies(
        &clearfeed("doc", head, "title = { from = \"who.name\" }"),
        &["doc.json"],
    );
    assert_eq!(bodies[1]["title"], "Bo");

    let workbook = crate::support::repository().join("samples/tickets.xlsx");
    let head = "[input]\nsheet = 1\nwhere = \"_row <= 3\"";
    let fields = "title = { value = \"T\" }\ndescription = { from = \"_sheet\" }";
    let bodies = bench.bodies(
        &clearfeed("sheet", head, fields),
        &[workbook.to_str().unwrap()],
    );
    assert_eq!(bodies.len(), 2);
    assert!(
        bodies[0]["description"]
            .as_str()
            .unwrap()
            .starts_with("Tickets"),
        "{:#}",
        bodies[0]
    );
}

#[test]
fn rows_of_a_group_are_one_record() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "Id,At,State,Who\n1,2024-01-02,closed,\n2,2024-01-01,open,Bo\n1,2024-01-01,open,Ada\n3,2024-01-01,open,Cy\n3,2024-01-05,spam,Di\n",
    );
    let fields = r#"
title = { from = "State" }
description = { template = "{% for row in rows %}{{ row.State }};{% endfor %}" }
tags = { from = "Who", take = "last_filled" }
"custom.Legacy ID" = { from = "Who", take = "first" }
"#;
    for (take, titles) in [
        ("last", ["closed", "open"]),
        ("first", ["open", "open"]),
        ("last_filled", ["closed", "open"]),
    ] {
        let head = format!(
            "key = [\"Id\"]\n[input]\ngroup_by = [\"Id\"]\norder_by = \"At\"\ntake = \"{take}\"\nwhere_group = \"not (State == 'spam' or Id == '3')\"\n[input.columns]\nAt = {{ parse = \"date\", formats = [\"%Y-%m-%d\"] }}"
        );
        let bodies = bench.bodies(
            &clearfeed(&format!("group-{take}"), &head, fields),
            &["in.csv"],
        );
        let made: Vec<_> = bodies
            .iter()
            .map(|body| body["title"].as_str().unwrap())
            .collect();
        assert_eq!(made, titles, "{take}");
        assert_eq!(bodies[0]["tags"], json!(["Ada"]));
        assert_eq!(bodies[0]["custom_fields"]["Legacy ID"], "Ada");
        let description = format!("open;closed;\n\nRef: group-{take}/1");
        assert_eq!(bodies[0]["description"], description, "{take}");
    }
}

#[test]
fn keys_markers_profiles_and_silence() {
    let bench = Bench::new();
    bench
        .work
        .write("in.csv", "Id,T,Extra\nSR-0007,Printer,x\n");
    let key = "key = [{ from = \"Id\", extract = '^SR-0*(\\d+)$' }]";
    let body = &bench.bodies(&clearfeed("steps", key, ""), &["in.csv"])[0];
    assert_eq!(body["description"], "D\n\nRef: steps/7");

    let body = &bench.bodies(
        &clearfeed("none", "key = [\"Id\"]\nmarker = \"none\"", ""),
        &["in.csv"],
    )[0];
    assert_eq!(body["description"], "D");

    for (notify, expected) in [("", false), ("notify = true", true)] {
        let mapping = incidentiq(
            &format!("notify{expected}"),
            &format!("key = [\"Id\"]\n{notify}"),
            "",
        );
        let body = &bench.bodies(&mapping, &["in.csv"])[0];
        // Left out, the system does what it always does: it tells people.
        for switch in ["SendEmails", "SendNotifications", "RunRules"] {
            assert_eq!(body[switch] != false, expected, "{switch} of {body:#}");
        }
    }

    let other = clearfeed("profile", "key = [\"Id\"]\nprofile = [\"elsewhere\"]", "");
    bench.stopped(&other, "in.csv", "profile_that_is_not_allowed");
    let own = clearfeed("profile", "key = [\"Id\"]\nprofile = [\"support\"]", "");
    assert_eq!(bench.bodies(&own, &["in.csv"]).len(), 1);

    let warned = clearfeed(
        "unmapped",
        "key = [\"Id\"]\nunmapped = \"warn\"",
        "title = { from = \"T\" }",
    );
    bench.work.write("map.toml", &warned);
    let told = bench
        .work
        .run(&[
            "import",
            "in.csv",
            "--mapping",
            "map.toml",
            "--profile",
            "support",
            "--again",
        ])
        .expect(0);
    insta::assert_snapshot!("column_that_nothing_reads", bench.work.shown(&told.stderr));
    let refused = clearfeed(
        "unmapped2",
        "key = [\"Id\"]\nunmapped = \"error\"",
        "title = { from = \"T\" }",
    );
    bench.stopped(&refused, "in.csv", "column_that_must_be_read");
}

#[test]
fn a_step_that_would_do_nothing_is_told() {
    let bench = Bench::new();
    bench.work.write("in.csv", "Id,T\n1,Printer\n");
    for key in [
        "upper = true",
        "html = \"from_text\"",
        "map = { a = \"b\" }",
    ] {
        let mapping = clearfeed(
            "idle",
            "key = [\"Id\"]",
            &format!("title = {{ value = \"a\", {key} }}"),
        );
        let name = key.split(' ').next().unwrap();
        bench.stopped(&mapping, "in.csv", &format!("idle_{name}"));
    }
}

#[test]
fn a_name_that_match_does_not_look_for_is_told() {
    let bench = Bench::new();
    bench
        .work
        .write("in.csv", "Id,Who\n1,helpdesk@district.example\n");
    let user = |more: &str| {
        let field =
            format!("ForId = {{ from = \"Who\", resolve = \"user\", match = \"name\"{more} }}");
        incidentiq("elsewhere", "key = [\"Id\"]", &field)
    };
    let hint =
        "it is the email of `Help Desk`, and `match` does not look there: add \"email\" to `match`";
    let missing = user(", missing = \"helpdesk@district.example\"");
    bench.stopped(&missing, "in.csv", "match_that_does_not_look_there");
    let (_, summary) = bench.run(&user(""), &["in.csv"]);
    assert_eq!(summary["causes"][0]["hint"], hint, "{summary:#}");
}

/// A workbook of these sheets; the first row of each is its heading.
fn workbook(path: &std::path::Path, sheets: &[(&str, &[&[&str]])]) {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    for (name, rows) in sheets {
        let sheet = workbook.add_worksheet();
        sheet.set_name(*name).unwrap();
        for (row, cells) in (0..).zip(*rows) {
            for (column, cell) in (0..).zip(*cells) {
                match cell.parse::<f64>() {
                    Ok(number) => sheet.write_number(row, column, number).unwrap(),
                    Err(_) => sheet.write_string(row, column, *cell).unwrap(),
                };
            }
        }
    }
    workbook.save(path).unwrap();
}

#[test]
fn a_key_is_looked_up_in_a_sheet_or_in_a_file() {
    let bench = Bench::new();
    workbook(
        &bench.work.path().join("in.xlsx"),
        &[
            (
                "Tickets",
                &[
                    &["Id", "Who", "Where"],
                    &["1", "7", "b"],
                    &["2", "8", "A"],
                    &["3", "", ""],
                ],
            ),
            (
                "People",
                &[
                    &["id", "email", "active"],
                    &["7", "helpdesk@district.example", "yes"],
                    &["8", "nobody@district.example", "no"],
                    &["8", "helpdesk@district.example", "yes"],
                ],
            ),
        ],
    );
    bench.work.write(
        "places.csv",
        "code;place\na;Lincoln High School\nB;District Office\n",
    );
    let people = "ForId = { from = \"Who\", lookup = { sheet = \"People\", by = \"id\", take = \"email\", where = \"active == 'yes'\" }, resolve = \"user\", default = \"helpdesk@district.example\" }";
    let places = "LocationId = { from = \"Where\", lookup = { file = \"places.csv\", by = \"code\", take = \"place\" }, default = \"District Office\" }";
    let mapping = incidentiq("lookup", "key = [\"Id\"]", &format!("{people}\n{places}"));
    let bodies = bench.bodies(&mapping, &["in.xlsx"]);
    assert_eq!(bodies.len(), 3);
    let place = |body: &Value| body["LocationId"].clone();
    assert_eq!(
        place(&bodies[0]),
        place(&bodies[2]),
        "B is the District Office"
    );
    assert_ne!(place(&bodies[0]), place(&bodies[1]), "A is found as a");
    assert_eq!(bodies[0]["ForId"], bodies[1]["ForId"]);

    // A key that is not there is a fault of the row, told with the nearest.
    bench.work.write("in2.csv", "Id,Where\n1,bb\n2,zzz\n");
    let skip = places.replace(
        "take = \"place\" }",
        "take = \"place\", else = { do = \"skip_row\" } }",
    );
    let (_, summary) = bench.run(
        &incidentiq("lookup2", "key = [\"Id\"]", places),
        &["in2.csv"],
    );
    assert_eq!(summary["rejected"], 2, "{summary:#}");
    let causes = summary["causes"].as_array().unwrap();
    assert!(
        causes
            .iter()
            .any(|cause| cause["message"] == "`code` of `places.csv` has no `zzz`"),
        "{summary:#}"
    );
    let (_, summary) = bench.run(
        &incidentiq("lookup3", "key = [\"Id\"]", &skip),
        &["in2.csv"],
    );
    assert_eq!(summary["skipped"], 2, "{summary:#}");
}

#[test]
fn columns_that_nothing_reads_are_listed_under_the_description() {
    let bench = Bench::new();
    bench.work.write(
        "in.csv",
        "Id,T,D,Vendor,Cost,Note\n1,a,It broke,Dell,12.50,\n2,b,,\"<b>\",N/A,late\n",
    );
    let head = "key = [\"Id\"]\nunmapped = \"append\"\n[input]\nnull = [\"N/A\"]";
    let fields = "Subject = { from = \"T\" }\nIssueDescription = { from = \"D\" }";
    let bodies = bench.bodies(&incidentiq("append", head, fields), &["in.csv"]);
    assert_eq!(
        bodies[0]["IssueDescription"],
        "It broke\n\nVendor: Dell\nCost: 12.50\n\nRef: append/1"
    );
    assert_eq!(
        bodies[1]["IssueDescription"],
        "Vendor: <b>\nNote: late\n\nRef: append/2"
    );
    let html =
        "IssueDescription = { from = \"D\", html = \"from_text\" }\nSubject = { from = \"T\" }";
    let bodies = bench.bodies(&incidentiq("append-html", head, html), &["in.csv"]);
    assert_eq!(
        bodies[0]["IssueDescription"],
        "It broke<br><br>Vendor: Dell<br>Cost: 12.50<br><br>Ref: append-html/1"
    );
    assert_eq!(
        bodies[1]["IssueDescription"],
        "Vendor: &lt;b&gt;<br>Note: late<br><br>Ref: append-html/2"
    );
    // Without a field for it the list is the whole description.
    let bodies = bench.bodies(
        &incidentiq("append-bare", head, "Subject = { from = \"T\" }"),
        &["in.csv"],
    );
    assert_eq!(
        bodies[1]["IssueDescription"],
        "Vendor: <b>\nNote: late\n\nRef: append-bare/2"
    );
    // What is too long with the list is a fault, or is cut before the reference.
    let cut = "IssueDescription = { from = \"D\", max_length = 40, overflow = \"truncate\" }\nSubject = { from = \"T\" }";
    let bodies = bench.bodies(&incidentiq("append-cut", head, cut), &["in.csv"]);
    assert_eq!(
        bodies[0]["IssueDescription"],
        "It broke\n\nVendor: De…\n\nRef: append-cut/1"
    );
    let (_, summary) = bench.run(
        &incidentiq(
            "append-long",
            head,
            &cut.replace(", overflow = \"truncate\"", ""),
        ),
        &["in.csv"],
    );
    assert_eq!(summary["rejected"], 2, "{summary:#}");
}

#[test]
fn two_rows_of_one_key_that_differ_in_what_is_listed_are_told() {
    let bench = Bench::new();
    bench
        .work
        .write("in.csv", "Id,T,Vendor\n1,a,Dell\n1,a,HP\n");
    let head = "key = [\"Id\"]\nunmapped = \"append\"";
    let (_, summary) = bench.run(
        &incidentiq("append-twice", head, "Subject = { from = \"T\" }"),
        &["in.csv"],
    );
    assert_eq!(summary["rejected"], 2, "{summary:#}");
}

#[test]
fn names_that_resolve_to_nothing_go_through_a_table_that_people_fill() {
    let bench = Bench::new();
    bench.work.write("in.csv", "Id,B,W\n1,Linclon HS,ann\n2,linclon hs,bob\n3,Old Gym,ann\n4,DO,helpdesk@district.example\n");
    let field = |more: &str| {
        let mapping = incidentiq(
            "fill",
            "key = [\"Id\"]",
            &format!(
                "LocationId = {{ from = \"B\"{more} }}\nForId = {{ from = \"W\", resolve = \"user\"{more} }}"
            ),
        );
        bench.work.write("map.toml", mapping);
    };
    let validate = |code| {
        bench
            .work
            .run(&[
                "validate",
                "map.toml",
                "--input",
                "in.csv",
                "--profile",
                "district",
                "--write-aliases",
                "names.xlsx",
                "--format",
                "json",
            ])
            .expect(code)
    };
    field("");
    let ended = validate(1);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        found["mappings"][0]["input"]["names_without_match"], 5,
        "{}",
        ended.stdout
    );
    assert_eq!(
        sheet(&bench.work.path().join("names.xlsx"), "LocationId"),
        [
            ["in the file", "rows", "suggestion", "use"],
            ["Linclon HS", "1", "Lincoln High School", ""],
            ["Old Gym", "1", "", ""],
            ["linclon hs", "1", "Lincoln High School", ""],
        ]
    );
    // A person fills the column `use`, one row is left open.
    workbook(
        &bench.work.path().join("names.xlsx"),
        &[
            (
                "LocationId",
                &[
                    &["in the file", "rows", "suggestion", "use"],
                    &["Linclon HS", "1", "", "Lincoln High School"],
                    &["Old Gym", "1", "", "District Office"],
                ],
            ),
            (
                "ForId",
                &[
                    &["in the file", "rows", "suggestion", "use"],
                    &["ann", "2", "", "helpdesk@district.example"],
                    &["bob", "1", "", ""],
                ],
            ),
        ],
    );
    field(", aliases_file = \"names.xlsx\"");
    let ended = validate(1);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let input = &found["mappings"][0]["input"];
    assert_eq!(
        (&input["good"], &input["names_without_match"]),
        (&json!(3), &json!(1)),
        "{}",
        ended.stdout
    );
    // What was filled in is still there; a word stands once, with the name that was tried and does not fit.
    let filled = [
        ["in the file", "rows", "suggestion", "use"],
        ["Linclon HS", "1", "", "Lincoln High School"],
        ["ann", "2", "", "Anne"],
    ];
    let filled: Vec<&[&str]> = filled.iter().map(|row| &row[..]).collect();
    let tried = bench.work.path().join("tried.xlsx");
    workbook(&tried, &[("ForId", &filled)]);
    let mut arguments = vec!["validate", "map.toml", "--input", "in.csv"];
    arguments.extend(["--profile", "district", "--write-aliases", "tried.xlsx"]);
    bench.work.run(&arguments).expect(1);
    field("");
    bench.work.run(&arguments).expect(1);
    let words: Vec<[String; 4]> = sheet(&tried, "ForId")[1..].to_vec();
    assert_eq!(words[0], ["Linclon HS", "", "", "Lincoln High School"]);
    assert_eq!(words[1][..2], ["ann", "2"]);
    assert_eq!((words[1][3].as_str(), words.len()), ("Anne", 3));
    field(", aliases_file = \"names.xlsx\"");
    let kept = sheet(&bench.work.path().join("names.xlsx"), "LocationId");
    assert_eq!(
        kept[1..],
        [
            ["Linclon HS", "", "", "Lincoln High School"],
            ["Old Gym", "", "", "District Office"]
        ]
    );
    let people = sheet(&bench.work.path().join("names.xlsx"), "ForId");
    assert_eq!(people[1], ["ann", "", "", "helpdesk@district.example"]);
    assert_eq!(people[2][0], "bob");
    let (_, summary) = bench.run(&bench.work.read("map.toml"), &["in.csv"]);
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&json!(3), &json!(1)),
        "{summary:#}"
    );
}

/// The cells of a sheet as texts.
fn sheet(path: &std::path::Path, name: &str) -> Vec<[String; 4]> {
    use deskferry::source::{Input, InputOptions, Row, SheetChoice, SheetName};
    let options = InputOptions {
        sheet: SheetChoice::These(vec![SheetName::Name(name.to_owned())]),
        header_row: Some(0),
        ..InputOptions::default()
    };
    let input = Input::open(&[path.to_path_buf()], &options).unwrap();
    let rows = input.rows().unwrap().map(|row| match row.unwrap() {
        Row::Record(record) => {
            std::array::from_fn(|column| record.cell(column).text().into_owned())
        }
        Row::Fault(..) => panic!("a row that cannot be read"),
    });
    rows.collect()
}
