//! Small files of the kinds that strangers' exports are: each arrives as it is meant, or what cannot arrive is said.

use std::fs;

use serde_json::Value;

use crate::support::{Work, repository};

/// A work folder with the files of one case.
fn case(name: &str) -> Work {
    let work = Work::new();
    for entry in fs::read_dir(repository().join("tests/cases").join(name)).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        work.write(&file, fs::read(&path).unwrap());
    }
    work
}

fn dry_run(work: &Work, input: &str, mapping: &str, further: &[&str]) -> (String, Value) {
    let mut all = vec![input, "--mapping", mapping, "--sandbox=empty", "--dry-run"];
    all.extend(further);
    let (ended, summary) = work.import(&all);
    (ended.stderr, summary)
}

fn payloads(work: &Work) -> Vec<Value> {
    let lines = work.read("p.jsonl");
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn files_in_other_encodings_are_read_whole() {
    let work = case("01-non-utf8-csv");
    let (said, summary) = dry_run(
        &work,
        "in-latin1.csv",
        "map.toml",
        &["--payloads", "p.jsonl"],
    );
    assert_eq!(
        (&summary["records"], &summary["rejected"]),
        (&50.into(), &0.into()),
        "{said}"
    );
    assert!(work.read("p.jsonl").contains("manutenção"));
    let (said, summary) = dry_run(
        &work,
        "in-utf16.csv",
        "map-utf16.toml",
        &["--payloads", "p16.jsonl"],
    );
    assert_eq!(
        (&summary["records"], &summary["rejected"]),
        (&60.into(), &0.into()),
        "{said}"
    );
    assert!(work.read("p16.jsonl").contains("Büro"));
    let ended = work
        .run(&["init", "in-latin1.csv", "--system", "clearfeed", "-o", "-"])
        .expect(0);
    assert!(ended.stdout.contains("encoding = "), "{}", ended.stdout);
}

#[test]
fn guessed_encodings_are_open_questions_with_a_sample() {
    let work = case("06-oem-mac-mixed-encoding");
    for (file, sample) in [
        ("cp850.csv", "Réseau coupé à l'étage"),
        ("macroman.csv", "Schlüssel für Tür größer"),
        (
            "mixedenc.csv",
            "mixes encodings: row 2 is UTF-8 (`1,Größe`), row 3 is not (`2,Tür`)",
        ),
    ] {
        let mapping = format!("{file}.toml");
        let ended = work
            .run(&[
                "init",
                file,
                "--system",
                "clearfeed",
                "--sandbox",
                "-o",
                &mapping,
                "--format",
                "json",
            ])
            .expect(0);
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        let todos = told["todos"].to_string();
        // Comments are broken into lines.
        let text = work.read(&mapping).replace("\n# ", " ");
        assert!(text.contains(sample), "{file}: {text}");
        assert!(todos.contains("encoding: "), "{file}: {todos}");
    }
}

/// A cell of nothing but signs without a width looks empty, and is no key.
#[test]
fn a_key_that_nobody_sees_is_refused() {
    let work = Work::new();
    work.write("in.csv", "Id,T\nK1,a\n\u{200b},b\n\u{feff}\u{ad},c\n");
    for version in [1, 2] {
        work.write(
            "m.toml",
            format!(
                "version = {version}\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\nkey = [\"Id\"]\n[fields]\n\
                 title = {{ from = \"T\" }}\ndescription = {{ from = \"T\" }}\ncollection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n"
            ),
        );
        let arguments = [
            "in.csv",
            "--mapping",
            "m.toml",
            "--sandbox=empty",
            "--dry-run",
        ];
        let (ended, summary) = work.import(&arguments);
        assert_eq!(summary["rejected"], 2, "{}", ended.stderr);
        assert!(ended.stderr.contains("shows nothing"), "{}", ended.stderr);
    }
}

#[test]
fn keys_that_look_like_done_ones_are_told() {
    let work = case("07-unicode-forms");
    work.import(&["k1.csv", "--mapping", "map-keys.toml", "--sandbox=empty"])
        .0
        .expect(0);
    let (ended, summary) = work.import(&[
        "k2.csv",
        "--mapping",
        "map-keys.toml",
        "--sandbox",
        "--dry-run",
    ]);
    assert!(
        ended.stderr.contains("4 new keys differ from a done one"),
        "{}\n{summary}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .contains("`Cl\\u{65}\\u{301}-1` is like `Clé-1`"),
        "{}",
        ended.stderr
    );
    // Headings and words of maps are found however their accents are put together.
    let (said, summary) = dry_run(&work, "nf.csv", "nf.toml", &[]);
    assert_eq!(
        (&summary["records"], &summary["rejected"]),
        (&5.into(), &0.into()),
        "{said}"
    );
}

#[test]
fn joined_files_are_read_as_one() {
    let work = case("08-bom-in-the-middle");
    work.import(&["bommid.csv", "--mapping", "map.toml", "--sandbox=empty"])
        .0
        .expect(0);
    let (ended, summary) = work.import(&["bomclean.csv", "--mapping", "map.toml", "--sandbox"]);
    assert_eq!(summary["created"], 0, "{}\n{summary:#}", ended.stderr);
    let (said, summary) = dry_run(&work, "bommidhdr.csv", "map.toml", &[]);
    assert_eq!(summary["records"], 2, "{summary:#}");
    assert!(
        said.contains("bommidhdr.csv: 1 row is the headings once more and left out (row 3)"),
        "{said}"
    );
}

#[test]
fn escaped_html_becomes_what_a_person_reads() {
    let work = case("11-escaped-html-glpi");
    for (file, read) in [
        ("glpi.csv", "Bonjour,\n\nle bureau 1 & le 2'e étage"),
        ("glpi2.csv", "Bonjour1\nligne 2\nfin"),
    ] {
        let mapping = format!("{file}.toml");
        work.run(&[
            "init",
            file,
            "--system",
            "clearfeed",
            "--sandbox",
            "-o",
            &mapping,
        ])
        .expect(0);
        assert!(
            work.read(&mapping).contains("html = \"from_escaped\""),
            "{}",
            work.read(&mapping)
        );
        let _ = fs::remove_file(work.path().join("p.jsonl"));
        dry_run(&work, file, &mapping, &["--payloads", "p.jsonl"]);
        let first = payloads(&work)[0].to_string();
        assert!(
            first.contains(&Value::from(read).to_string().trim_matches('"').to_owned()),
            "{first}"
        );
    }
}

#[test]
fn cells_with_errors_pass_where_the_mapping_says_so() {
    let work = case("13-error-cells-no-way-out");
    let (said, summary) = dry_run(&work, "in.xlsx", "map.toml", &[]);
    assert_eq!(summary["rejected"], 0, "{said}");
    let mapping = work.read("map.toml");
    let without = mapping.replace("null = [\"#VALUE!\"]", "");
    work.write("without.toml", &without);
    let (said, summary) = dry_run(&work, "in.xlsx", "without.toml", &[]);
    assert_ne!(summary["rejected"], 0);
    assert!(
        said.contains("column `Time left`: the cell shows the error `#VALUE!`"),
        "{said}"
    );
    work.write(
        "all.toml",
        without.replace("[input]", "[input]\nerror_cells = \"empty\""),
    );
    assert_eq!(dry_run(&work, "in.xlsx", "all.toml", &[]).1["rejected"], 0);
    let field = without.replace(
        "description = {",
        "description = { error_cells = \"empty\",",
    );
    work.write("field.toml", field);
    assert_eq!(
        dry_run(&work, "in.xlsx", "field.toml", &[]).1["rejected"],
        0
    );
}

#[test]
fn what_a_sheet_hides_is_said_and_init_reads_it_as_seen() {
    let work = case("14-layout-unsaid");
    for (file, said_of_it, line) in [
        ("hidden.xlsx", "1 row that is ", "hidden_rows = \"skip\""),
        ("merged.xlsx", "under a merged one", "merged = \"fill\""),
        (
            "hidcol.xlsx",
            "hidden column is read like others: `Secret`",
            "",
        ),
    ] {
        let mapping = format!("{file}.toml");
        let ended = work
            .run(&[
                "init",
                file,
                "--system",
                "clearfeed",
                "--sandbox",
                "-o",
                &mapping,
            ])
            .expect(0);
        let text = work.read(&mapping);
        assert!(text.contains(line), "{file}: {text}");
        assert!(
            ended.stderr.contains("  note       "),
            "{file}: {}",
            ended.stderr
        );
        // A mapping without the keys says what it reads.
        let without: String = text
            .lines()
            .filter(|one| line.is_empty() || !one.starts_with(line))
            .map(|one| format!("{one}\n"))
            .collect();
        work.write("without.toml", without);
        let (said, _) = dry_run(&work, file, "without.toml", &[]);
        assert!(said.contains(said_of_it), "{file}: {said}");
        let ended = work.run(&["validate", "without.toml", "--input", file, "--sandbox"]);
        assert!(
            ended.stdout.contains(said_of_it),
            "{file}: {}",
            ended.stdout
        );
    }
}

#[test]
fn numbers_are_read_as_they_are_shown_where_the_mapping_says_so() {
    let work = case("17-number-formats");
    let ended = work
        .run(&[
            "init",
            "in.xlsx",
            "--system",
            "clearfeed",
            "--sandbox",
            "-o",
            "m.toml",
        ])
        .expect(0);
    assert!(
        work.read("m.toml").contains("numbers = \"shown\""),
        "{}\n{}",
        ended.stderr,
        work.read("m.toml")
    );
    let held = work.read("m.toml").replace("numbers = \"shown\"", "");
    work.write("held.toml", held);
    let (said, _) = dry_run(&work, "in.xlsx", "held.toml", &[]);
    assert!(said.contains("shown as INC0000042, read as 42"), "{said}");
}

/// `="00123"` and its kind: `init` finds them, version 2 takes them off, version 1 says with a count what 2 would change.
#[test]
fn guards_of_other_programs_come_off_in_version_2() {
    let work = Work::new();
    work.write(
        "in.csv",
        "ID,Title\n\"=\"\"00123\"\"\",a printer\n'00124,a screen\n\t00125,a mouse\n",
    );
    work.run(&[
        "init",
        "in.csv",
        "--system",
        "clearfeed",
        "--sandbox",
        "-o",
        "m.toml",
    ])
    .expect(0);
    let mapping = work.read("m.toml");
    assert!(
        mapping.contains("version = 2\n") && mapping.contains("guarded = true"),
        "{mapping}"
    );
    dry_run(&work, "in.csv", "m.toml", &["--outcomes", "o.jsonl"]);
    let keys = work.read("o.jsonl");
    for key in ["\"00123\"", "\"00124\"", "\"00125\""] {
        assert!(keys.contains(key), "no {key} in {keys}");
    }
    work.write(
        "old.toml",
        mapping.replace("version = 2\n", "version = 1\n"),
    );
    let ended = work.run(&["validate", "old.toml", "--input", "in.csv", "--sandbox"]);
    assert!(
        ended
            .stdout
            .contains("`version = 2` of the mapping takes the guards off 3 cells more"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_text_longer_than_a_cell_never_costs_the_error_file() {
    let work = case("02-error-file-long-cell");
    let (ended, summary) = work.import(&["in.ods", "--mapping", "map.toml", "--sandbox=empty"]);
    let ended = ended.expect(1);
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&1.into(), &2.into())
    );
    assert!(
        ended.stderr.contains("whole in in.errors.texts/"),
        "{}",
        ended.stderr
    );
    let mapping = work.read("map.toml");
    work.write(
        "map.toml",
        mapping.replace(
            "from = \"Title\"",
            "from = \"Title\", default = \"untitled\"",
        ),
    );
    let again = ["in.errors.xlsx", "--mapping", "map.toml", "--sandbox"];
    let all = [&again[..], &["--dry-run", "--payloads", "p.jsonl"]].concat();
    work.import(&all).0.expect(0);
    let body = payloads(&work)[0].to_string();
    assert!(
        body.contains(&"x".repeat(40_000)) || body.len() > 40_000,
        "{}",
        body.len()
    );
    let (_, summary) = work.import(&again);
    assert_eq!(summary["created"], 2, "{summary:#}");
    // The same for a name that resolves to nothing.
    let name = "school ".repeat(6_000);
    work.write("long.csv", format!("ID,Title,Body,Where\n9,a,b,{name}\n"));
    work.write(
        "names.toml",
        mapping.replace(
            "value = \"IT Support\"",
            "from = \"Where\", resolve = \"collection\"",
        ),
    );
    let ended = work.run(&[
        "validate",
        "names.toml",
        "--input",
        "long.csv",
        "--sandbox",
        "--write-aliases",
        "names.xlsx",
    ]);
    assert!(work.path().join("names.xlsx").exists(), "{}", ended.stderr);
    let texts = fs::read_dir(work.path().join("names.texts")).unwrap();
    assert_eq!(texts.count(), 1);
}

/// The error workbook has the rows of the other sheet, and the command that is printed takes it.
#[test]
fn an_error_file_of_a_mapping_with_another_sheet_is_an_input() {
    let work = Work::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    let tables: [(&str, &[[&str; 3]]); 2] = [
        (
            "Tickets",
            &[
                ["ID", "Title", "Body"],
                ["1", "one", "x"],
                ["2", "two", "y"],
                ["3", "", "z"],
            ],
        ),
        (
            "Notes",
            &[
                ["ID", "Text", "By"],
                ["1", "good", "ann"],
                ["2", "fine", "ann"],
                ["2", "B!", "bob"],
            ],
        ),
    ];
    for (name, rows) in tables {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(cells) {
                sheet.write_string(row, column, *cell).unwrap();
            }
        }
    }
    work.write("in.xlsx", book.save_to_buffer().unwrap());
    let mapping = "version = 2\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"notes\"\nkey = [\"ID\"]\n\
        [input]\nsheet = \"Tickets\"\n[fields]\ncollection_id = { value = \"IT Support\" }\ntitle = { from = \"Title\" }\n\
        description = { from = \"Body\" }\n[[then]]\noperation = \"comment\"\neach = { sheet = \"Notes\", on = \"ID\" }\n\
        fields = { body = { from = \"item.Text\", pattern = \"^[a-z]+$\" }, public = { value = true } }\n";
    work.write("map.toml", mapping);
    let (ended, summary) = work.import(&["in.xlsx", "--mapping", "map.toml", "--sandbox=empty"]);
    let counts = (&summary["created"], &summary["rejected"]);
    assert_eq!(counts, (&1.into(), &2.into()), "{}", ended.stderr);
    // Nobody has fixed a thing: the same two rows again, and no fault of the mapping.
    let again = ["in.errors.xlsx", "--mapping", "map.toml", "--sandbox"];
    let (ended, summary) = work.import(&again);
    let counts = (&summary["records"], &summary["rejected"]);
    assert_eq!(counts, (&2.into(), &2.into()), "{}", ended.stderr);
    assert!(summary["causes"].to_string().contains("B!"), "{summary:#}");
    work.write(
        "map.toml",
        mapping
            .replace("^[a-z]+$", ".*")
            .replace("\"Title\"", "\"Title\", default = \"none\""),
    );
    let (ended, summary) = work.import(&again);
    assert_eq!(summary["created"], 2, "{}", ended.stderr);
}

#[test]
fn init_writes_nothing_that_every_row_is_refused_for() {
    let work = case("16-no-body-column");
    let ended = work
        .run(&[
            "init",
            "in.csv",
            "--system",
            "clearfeed",
            "--sandbox",
            "-o",
            "m.toml",
        ])
        .expect(0);
    let mapping = work.read("m.toml");
    assert!(
        mapping.contains("description = { from = \"Title\" }") && mapping.contains("# TODO"),
        "{mapping}\n{}",
        ended.stderr
    );
    let (said, summary) = dry_run(&work, "in.csv", "m.toml", &[]);
    assert_eq!(summary["rejected"], 0, "{said}");
}

/// `--limit` counts what is sent: rows that are refused take nothing from it.
#[test]
fn a_limit_counts_rows_that_are_sent() {
    let work = Work::new();
    let rows: String = (1..=10)
        .map(|row| format!("{row},{},text\n", if row <= 4 { "" } else { "a title" }))
        .collect();
    work.write("in.csv", format!("ID,Title,Body\n{rows}"));
    work.write("map.toml", case("02-error-file-long-cell").read("map.toml"));
    let limited = ["in.csv", "--mapping", "map.toml", "--limit", "3"];
    for further in [&["--sandbox=empty", "--dry-run"][..], &["--sandbox=empty"]] {
        let (ended, summary) = work.import(&[&limited[..], further].concat());
        let sent = summary["created"]
            .as_u64()
            .max(summary["would_create"].as_u64());
        assert_eq!(
            (sent, summary["rejected"].as_u64()),
            (Some(3), Some(4)),
            "{}\n{summary:#}",
            ended.stderr
        );
    }
}
