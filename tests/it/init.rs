//! `init`: a first mapping from the columns of a file, ready ones for the exports of common help desks, and what it
//! takes to make it right.

use serde_json::Value;

use crate::dry_run::as_foretold;
use crate::support::{SandboxProcess, Work, creates, real_file, repository};

const SYSTEMS: [(&str, &str); 2] = [("incidentiq", "district"), ("clearfeed", "support")];

fn sandbox(work: &Work) -> SandboxProcess {
    let sandbox = SandboxProcess::start(work, &["--rate", "0"]);
    sandbox.profiles(work, "rate = \"100000/s\"\nconcurrency = 32");
    sandbox
}

/// Runs `init … --format json` and reads what it says.
#[track_caller]
fn init(work: &Work, arguments: &[&str]) -> Value {
    let ended = work
        .run(&[&["init"], arguments, &["--format", "json"]].concat())
        .expect(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The ticket of one system with this marker.
#[track_caller]
fn body<'a>(created: &'a [Value], marker: &str) -> &'a Value {
    let found = created.iter().find(|entry| entry["marker"] == marker);
    &found.unwrap_or_else(|| panic!("no {marker} in {created:#?}"))["body"]
}

#[test]
fn exports_of_common_help_desks_are_known_by_their_headings() {
    let work = Work::new();
    let sandbox = sandbox(&work);
    let mut made = Vec::new();
    for (name, layout, records) in [
        ("jira", "Jira", 3),
        ("zendesk", "Zendesk", 3),
        ("freshdesk", "Freshdesk", 3),
        ("osticket", "osTicket", 2),
        ("glpi", "GLPI", 2),
        ("spiceworks", "Spiceworks", 2),
        ("servicenow", "ServiceNow", 2),
    ] {
        let input = repository().join(format!("tests/layouts/{name}.csv"));
        let input = input.to_str().unwrap();
        for (system, profile) in SYSTEMS {
            let what = format!("{name} into {system}");
            let mapping = format!("{name}-{system}.toml");
            let told = init(&work, &[input, "--profile", profile, "-o", &mapping]);
            assert_eq!(told["layout"], layout, "{what}");
            assert_eq!(told["faults"], serde_json::json!([]), "{what}");
            assert_eq!(
                without_comments(&work.read(&mapping)),
                without_comments(
                    &std::fs::read_to_string(
                        repository().join(format!("mappings/{system}-{name}.toml"))
                    )
                    .unwrap()
                ),
                "{what}: the ready mapping, as it stands"
            );
            let arguments = [input, "--mapping", &mapping, "--profile", profile];
            let (_, (ended, real)) = as_foretold(&work, &sandbox, system, &arguments);
            ended.expect(0);
            assert_eq!(real["created"], records, "{what}: {real:#}");
        }
        made = sandbox.audit();
    }
    let iiq = creates(made.clone(), "incidentiq");
    let cf = creates(made.clone(), "clearfeed");

    let jira = body(&cf, "jira/HELP-1");
    let text = jira["description"].as_str().unwrap();
    insta::assert_snapshot!("description_from_jira", work.shown(text));
    assert_eq!(jira["requester_email"], "sofia.jackson@district.example");
    assert_eq!(jira["priority"], "high");
    // A name is no address, and a state that nobody has explained is left out.
    assert!(body(&cf, "jira/HELP-3").get("requester_email").is_none());
    let states: Vec<&Value> = made
        .iter()
        .filter(|entry| entry["operation"] == "update")
        .map(|entry| &entry["body"]["status"])
        .collect();
    // A new request is open by itself.
    assert_eq!(states.len(), 12, "{states:?}");

    // `52 267`, with a plain space or one that does not break.
    assert_eq!(body(&iiq, "glpi/52267")["Subject"], "Impressora sem papel");
    let text = body(&iiq, "glpi/52268")["IssueDescription"]
        .as_str()
        .unwrap();
    insta::assert_snapshot!("description_from_glpi", work.shown(text));
    assert_eq!(
        body(&cf, "zendesk/5001")["tags"],
        serde_json::json!(["sign-in", "vip"])
    );
    let text = body(&cf, "spiceworks/801")["description"].as_str().unwrap();
    insta::assert_snapshot!("description_from_spiceworks", work.shown(text));
    assert_eq!(
        body(&cf, "servicenow/INC0010002")["title"],
        "Keyboard with coffee in it."
    );
    assert_eq!(
        body(&iiq, "freshdesk/32")["Subject"],
        "App crashes on start"
    );
    assert_eq!(body(&cf, "osticket/271828")["priority"], "urgent");
}

/// The lines that mean something, whatever the name of the move is and whatever parts the cells.
fn without_comments(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("scope ") && !line.is_empty())
        .filter(|line| *line != "[input]" && !line.starts_with("delimiter "))
        .map(str::to_owned)
        .collect()
}

/// A file, how many tickets it makes, and the fields that must be given a name where `init` knew none: by system.
type Case = (&'static str, u64, [&'static [&'static str]; 2]);

/// The edit: which name each field gets in the place of `TODO`.
const NAMES: [(&str, &str); 4] = [
    ("ForId", "helpdesk@district.example"),
    ("IssueId", "Other"),
    ("LocationId", "District Office"),
    ("collection_id", "IT Support"),
];

const QUEUE: &[&str] = &["collection_id"];

const SMALL: [Case; 7] = [
    ("freshdesk_export.csv", 45, [&[], &[]]),
    (
        "helpdesk_faq_ja_bom.csv",
        10,
        [&["ForId", "LocationId"], QUEUE],
    ),
    ("servicenow_export_107cols.csv", 2, [&["LocationId"], QUEUE]),
    (
        "jira_issues_synth.jsonl",
        80,
        [&["ForId", "LocationId"], QUEUE],
    ),
    (
        "zendesk_tickets_synth.jsonl",
        420,
        [&["ForId", "LocationId"], QUEUE],
    ),
    (
        "support_tickets_100.jsonl",
        100,
        [&["ForId", "IssueId", "LocationId"], QUEUE],
    ),
    (
        "support_multisheet_different_headers.xlsx",
        65,
        [&["ForId", "LocationId"], QUEUE],
    ),
];

const LARGE: [Case; 4] = [
    (
        "kaggle_customer_support_tickets.csv",
        8469,
        [&["LocationId"], QUEUE],
    ),
    ("uci_incident_event_log_6k_excel.csv", 890, [&[], QUEUE]),
    (
        "greatlearning_tickets_8500_x000D.xlsx",
        8500,
        [&["IssueId", "LocationId"], QUEUE],
    ),
    ("servicenow_incidents_5000x92.xlsx", 5000, [&[], &[]]),
];

#[test]
fn real_files_need_three_edits_at_most() {
    edits(&SMALL);
}

#[test]
#[ignore = "reads four large files eight times: cargo test --test it real_files_need -- --ignored"]
fn large_real_files_need_three_edits_at_most() {
    edits(&LARGE);
}

/// With the names of the system `init` needs no edit, and every row ends as foretold; without them at most three.
fn edits(cases: &[Case]) {
    let work = Work::new();
    let sandbox = sandbox(&work);
    for (file, records, fields) in cases {
        let Some(input) = real_file(file) else {
            continue;
        };
        let input = input.to_str().unwrap();
        for ((system, profile), fields) in SYSTEMS.into_iter().zip(fields) {
            let what = format!("{file} into {system}");
            let mapping = format!("{file}.{system}.toml");
            let told = init(&work, &[input, "--profile", profile, "-o", &mapping]);
            assert_eq!(told["faults"], serde_json::json!([]), "{what}");
            let arguments = [input, "--mapping", &mapping, "--profile", profile];
            let (_, (_, real)) = as_foretold(&work, &sandbox, system, &arguments);
            assert_eq!(real["records"], *records, "{what}: {real:#}");
            let rejected = real["rejected"].as_u64().unwrap();
            assert!(rejected * 100 <= *records, "{what}: {:#}", real["causes"]);

            let bare = format!("{file}.{system}.bare.toml");
            init(&work, &[input, "--system", system, "-o", &bare]);
            assert!(fields.len() <= 3, "{what}");
            let mut text = work.read(&bare);
            for field in *fields {
                let (_, name) = NAMES.iter().find(|(named, _)| named == field).unwrap();
                let open = format!("\n{field} = {{ value = \"TODO\"");
                assert!(text.contains(&open), "{what}: no `{open}` in\n{text}");
                text = text.replace(&open, &format!("\n{field} = {{ value = \"{name}\""));
            }
            work.write(&bare, &text);
            let arguments = [
                input,
                "--mapping",
                &bare,
                "--profile",
                profile,
                "--dry-run",
                "--limit",
                "1",
            ];
            let (ended, dry) = work.import(&arguments);
            assert_ne!(ended.code, Some(2), "{what}: {dry:#}\n{text}");
            assert_eq!(dry["records"], *records, "{what}");
        }
    }
}

#[test]
fn a_mapping_that_is_there_is_never_written_over() {
    let work = Work::new();
    work.write("tickets.csv", "Id,Subject\n1,Printer\n");
    let arguments = ["init", "tickets.csv", "--system", "clearfeed"];
    let ended = work.run(&arguments).expect(0);
    insta::assert_snapshot!("first_mapping", work.shown(&ended.stderr));
    let first = work.read("tickets.mapping.toml");
    let ended = work.run(&arguments).expect(2);
    insta::assert_snapshot!("mapping_that_is_there", work.shown(&ended.stderr));
    assert_eq!(work.read("tickets.mapping.toml"), first);
    let ended = work.run(&[&arguments[..], &["-o", "-"]].concat()).expect(0);
    assert_eq!(ended.stdout, first);
    let ended = work
        .run(&["init", "tickets.csv", "-o", "other.toml"])
        .expect(2);
    insta::assert_snapshot!("no_system", work.shown(&ended.stderr));
}

#[test]
fn the_file_is_read_as_it_is() {
    let work = Work::new();
    // Windows' own letters, semicolons, the day first, and a word for nothing.
    let (text, _, _) = encoding_rs::WINDOWS_1252.encode(
        "Nr;Betreff;Beschreibung;Priorität;Fällig;E-Mail;Standort\n\
         1;Drucker;Druckt nichts mehr, seit gestern schon, auch nicht aus dem Büro.;Hoch;03.04.2024;jo@schule.example;N/A\n\
         2;Beamer;Flackert, sobald jemand im Raum das Licht anmacht, und wird heiß.;Niedrig;21.06.2024;;Haus A\n",
    );
    work.write("alt.csv", text);
    let told = init(&work, &["alt.csv", "--system", "clearfeed"]);
    assert_eq!(told["layout"], Value::Null);
    insta::assert_snapshot!("guessed", work.shown(&work.read("alt.mapping.toml")));
    let ended = work.run(&[
        "init",
        "alt.csv",
        "--system",
        "incidentiq",
        "--sandbox",
        "-o",
        "iiq.toml",
    ]);
    let ended = ended.expect(0);
    insta::assert_snapshot!("told", work.shown(&ended.stderr));
}

/// A layout as another program hands it on: two lines above the headings, semicolons, the letters of Windows.
fn handed_on(name: &str) -> Vec<u8> {
    let path = repository().join(format!("tests/layouts/{name}.csv"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = String::from("Tickets of the old desk\n\u{a0}\nfrom Café Straße, 2024\n");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .from_writer(Vec::new());
    for record in reader.records() {
        writer.write_record(&record.unwrap()).unwrap();
    }
    rows.push_str(std::str::from_utf8(&writer.into_inner().unwrap()).unwrap());
    encoding_rs::WINDOWS_1252.encode(&rows).0.into_owned()
}

#[test]
fn a_ready_mapping_says_how_its_input_was_read() {
    let work = Work::new();
    let read_as = ["--header-row", "4", "--delimiter", ";"];
    for name in ["zendesk", "servicenow", "spiceworks"] {
        work.write(&format!("{name}.csv"), handed_on(name));
        for given in [&read_as[..], &[]] {
            let what = format!("{name} {given:?}");
            let (file, mapping) = (format!("{name}.csv"), format!("{name}{}.toml", given.len()));
            let arguments = [&file, "--system", "incidentiq", "--sandbox", "-o", &mapping];
            let told = init(&work, &[&arguments, given].concat());
            assert_ne!(told["layout"], Value::Null, "{what}");
            assert_eq!(told["faults"], serde_json::json!([]), "{what}");
            let text = work.read(&mapping);
            for line in [
                "[input]",
                "header_row = 4",
                "encoding = \"windows-1252\"",
                "delimiter = \";\"",
            ] {
                let found = text.lines().filter(|other| *other == line).count();
                assert_eq!(found, 1, "{what}: {line} in\n{text}");
            }
            let arguments = [&file, "--mapping", &mapping, "--sandbox", "--dry-run"];
            let (ended, dry) = work.import(&arguments);
            ended.expect(0);
            assert_eq!(dry["rejected"], 0, "{what}: {dry:#}");
        }
    }
}

#[test]
fn headings_below_a_title_are_found() {
    let work = Work::new();
    work.write(
        "tickets.csv",
        "Tickets of the old desk,,,\nmade on,2024-07-01,,\n,,,\nTicket #,Subject,Text,Building\n\
         1,Printer,It jams whenever somebody prints more than a page.,North\n2,Screen,,\n3,Mouse,It is gone since the holidays.,South\n",
    );
    init(&work, &["tickets.csv", "--system", "clearfeed"]);
    let text = work.read("tickets.mapping.toml");
    insta::assert_snapshot!("headings_below_a_title", work.shown(&text));
    // What is typed counts.
    let typed = ["-o", "-", "--header-row", "1"];
    let ended = work.run(
        &[
            &["init", "tickets.csv", "--system", "clearfeed"][..],
            &typed,
        ]
        .concat(),
    );
    let text = ended.expect(0).stdout;
    insta::assert_snapshot!("headings_as_typed", work.shown(&text));

    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(1, 1, "Tickets of the old desk").unwrap();
    for (row, cells) in [
        ["Ticket #", "Subject", "Opened by"],
        ["1", "Printer", "Jo"],
        ["2", "Screen", "Mo"],
    ]
    .iter()
    .enumerate()
    {
        let row = u32::try_from(row).unwrap() + 4;
        for (column, cell) in (1..).zip(cells) {
            sheet.write(row, column, *cell).unwrap();
        }
    }
    workbook.save(work.path().join("tickets.xlsx")).unwrap();
    let ended = work.run(&["init", "tickets.xlsx", "--system", "clearfeed", "-o", "-"]);
    let text = ended.expect(0).stdout;
    insta::assert_snapshot!("headings_in_a_workbook", work.shown(&text));
}

#[test]
fn validate_takes_what_init_wrote() {
    let work = Work::new();
    let samples = ["tickets.csv", "tickets.xlsx", "support-queue.jsonl"]
        .map(|name| repository().join("samples").join(name));
    let real = SMALL.iter().filter_map(|(name, ..)| real_file(name));
    for input in samples.into_iter().chain(real) {
        let name = input.file_name().unwrap().to_str().unwrap();
        let input = input.to_str().unwrap();
        for (system, _) in SYSTEMS {
            let mapping = format!("{name}.{system}.toml");
            init(
                &work,
                &[input, "--system", system, "--sandbox", "-o", &mapping],
            );
            let snapshot = format!("{system}.json");
            let pull = [
                "directory",
                "pull",
                "--system",
                system,
                "--sandbox",
                "-o",
                &snapshot,
            ];
            work.run(&pull).expect(0);
            let arguments = ["validate", &mapping, "--input", input];
            let json = ["--directory", &snapshot, "--format", "json"];
            let ended = work.run(&[&arguments[..], &json].concat());
            let document: Value = serde_json::from_str(&ended.stdout).unwrap();
            let found = &document["mappings"][0];
            assert_eq!(found["faults"], serde_json::json!([]), "{mapping}");
            assert!(found["input"]["good"].as_u64().unwrap() > 0, "{mapping}");
            // Names that the system does not know are an open point; nearly all else must be right.
            let records = found["input"]["records"].as_u64().unwrap();
            for cause in found["input"]["causes"].as_array().unwrap() {
                let is_open = !cause["names"].is_null();
                let rows = cause["rows"].as_u64().unwrap();
                assert!(is_open || rows * 10 <= records, "{mapping}: {cause:#}");
            }
        }
    }
}

#[test]
fn a_mapping_between_two_desks_matches_their_names_and_migrates() {
    for (from, to) in [
        ("sandbox:incidentiq", "sandbox:clearfeed"),
        ("sandbox:clearfeed", "sandbox:incidentiq"),
        ("sandbox:incidentiq", "sandbox:incidentiq-2"),
        ("sandbox:clearfeed", "sandbox:clearfeed-2"),
    ] {
        let work = Work::new();
        let made = init(&work, &["--from", from, "--to", to, "-o", "m.toml"]);
        assert_eq!(made["mapping"], "m.toml");
        let text = work.read("m.toml");
        let told = |line: &&str| line.starts_with("# Matched") || line.starts_with("scope");
        let lines = text.lines().filter(told).collect::<Vec<_>>().join("\n");
        let scene = format!("between_desks_{from}_{to}").replace("sandbox:", "");
        insta::assert_snapshot!(scene, work.shown(&lines));
        let ended = work.run(&[
            "migrate",
            "--from",
            from,
            "--to",
            to,
            "--mapping",
            "m.toml",
            "--dry-run",
            "--format",
            "json",
        ]);
        let summary: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{text}", ended.stderr));
        assert_eq!(summary["rejected"], 0, "{from} {to} {summary:#}\n{text}");
        // It writes over no file.
        let again = work.run(&["init", "--from", from, "--to", to, "-o", "m.toml"]);
        assert_eq!(again.code, Some(2));
    }
}
