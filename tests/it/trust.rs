//! A configuration is trusted, not found; what holds people's data is its owner's; a closed terminal drains.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Ended, SandboxProcess, Work};

/// Runs the program where the configuration is found, not named.
fn run(work: &Work, folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = work.command(arguments);
    command.current_dir(folder).env_remove("DESKFERRY_CONFIG");
    Ended::of(command.output().unwrap())
}

/// A configuration whose token is printed by a command, which leaves a trace.
fn with_command(work: &Work, sandbox: &SandboxProcess) {
    // Its first words look like a key, so that the command is never shown, whatever the folder is called.
    let script = format!(
        ": 1a2b3c4d; touch '{}/ran'; echo sandbox",
        work.path().display()
    );
    let text = format!(
        "[profiles.district]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\ntoken = {{ command = [\"sh\", \"-c\", \"{script}\"] }}\n",
        sandbox.told("incidentiq"),
        sandbox.told("site_id")
    );
    work.write("deskferry.toml", text);
}

const SHOW: [&str; 4] = ["directory", "show", "--profile", "district"];

#[test]
fn a_command_that_was_found_runs_only_after_it_was_trusted_once() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    with_command(&work, &sandbox);
    let deep = work.path().join("deep");
    fs::create_dir(&deep).unwrap();
    let ran = work.path().join("ran");
    let refused = run(&work, &deep, &SHOW).expect(2);
    assert!(!ran.exists());
    insta::assert_snapshot!(work.shown(&refused.stderr));
    run(&work, &deep, &[&SHOW[..], &["--trust"]].concat()).expect(0);
    assert!(ran.exists());
    run(&work, &deep, &SHOW).expect(0);
    // Another rate is no other doing; another command is.
    let text = work.read("deskferry.toml");
    work.write("deskferry.toml", format!("{text}rate = \"50/s\"\n"));
    run(&work, &deep, &SHOW).expect(0);
    work.write(
        "deskferry.toml",
        text.replace("echo sandbox", "printf sandbox"),
    );
    run(&work, &deep, &SHOW).expect(2);
    // What the user names is trusted.
    let named = work.path().join("deskferry.toml");
    let config = ["--config", named.to_str().unwrap()];
    run(&work, &deep, &[&SHOW[..], &config].concat()).expect(0);
}

#[test]
fn a_configuration_that_others_can_change_is_not_read() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    with_command(&work, &sandbox);
    let config = work.path().join("deskferry.toml");
    fs::set_permissions(&config, Permissions::from_mode(0o666)).unwrap();
    let trust = [&SHOW[..], &["--trust"]].concat();
    let refused = run(&work, work.path(), &trust).expect(2);
    insta::assert_snapshot!("others_can_change_it", work.shown(&refused.stderr));
    assert!(!work.path().join("ran").exists());
    fs::set_permissions(&config, Permissions::from_mode(0o644)).unwrap();
    run(&work, work.path(), &trust).expect(0);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_with_peoples_data_are_their_owners_unless_told_otherwise() {
    let work = Work::new();
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"modes\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { from = \"Title\" }\n\
         collection_id = { from = \"Collection\", resolve = \"collection\" }\n",
    );
    work.write(
        "in.csv",
        "Id,Title,Collection\n1,Printer,IT Support\n2,Door,Nowhere\n",
    );
    let import = [
        "import",
        "in.csv",
        "--mapping",
        "map.toml",
        "--sandbox",
        "--outcomes",
        "outcomes.jsonl",
    ];
    work.run(&import).expect(1);
    let export = [
        "export",
        "-o",
        "all.csv",
        "--system",
        "clearfeed",
        "--sandbox",
    ];
    work.run(&export).expect(0);
    work.run(&["runs", "ids", "last", "-o", "ids.csv"])
        .expect(0);
    work.run(&[
        "directory",
        "pull",
        "--system",
        "clearfeed",
        "--sandbox",
        "-o",
        "snapshot.json",
    ])
    .expect(0);
    let at = |name: &str| work.path().join(name);
    for name in [
        "in.errors.csv",
        "outcomes.jsonl",
        "all.csv",
        "ids.csv",
        "snapshot.json",
    ] {
        assert_eq!(mode(&at(name)), 0o600, "{name}");
    }
    assert!(work.read("ids.csv").contains("Printer"));
    // What somebody has allowed stays, in the copy of before too; `--mode` says something else.
    fs::set_permissions(at("all.csv"), Permissions::from_mode(0o640)).unwrap();
    work.run(&export).expect(0);
    assert_eq!(
        (mode(&at("all.csv")), mode(&at("all.csv.bak"))),
        (0o640, 0o640)
    );
    work.run(&[&export[..], &["--mode", "644"]].concat())
        .expect(0);
    assert_eq!(mode(&at("all.csv")), 0o644);
    // Who can read a file can read what belongs to it.
    fs::set_permissions(at("all.csv"), Permissions::from_mode(0o640)).unwrap();
    work.run(
        &[
            &export[..],
            &["--write-mapping", "back.toml", "--archive", "kept"],
        ]
        .concat(),
    )
    .expect(0);
    let kept = fs::read_dir(at("kept")).unwrap().next().unwrap().unwrap();
    assert_eq!(
        [at("all.csv.baseline"), at("kept"), kept.path()].map(|path| mode(&path)),
        [0o640, 0o750, 0o640]
    );
}

/// Runs the program as somebody whose new files everybody may read and write.
fn loosely(work: &Work, line: &str, code: i32) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let like = work.command(&words);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    command.arg(like.get_program()).args(like.get_args());
    command.current_dir(work.path());
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ended::of(command.output().unwrap()).expect(code).stdout
}

/// All files and folders below one, by their path within it.
fn walk(folder: &Path, below: &Path, all: &mut Vec<(String, u32, bool)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(below).unwrap().display().to_string();
        all.push((name, mode(&path), path.is_dir()));
        if path.is_dir() {
            walk(&path, below, all);
        }
    }
}

#[test]
fn every_file_that_the_program_leaves_is_its_owners() {
    let work = Work::new();
    // A state folder that somebody made keeps its rights: what is in it is private by itself.
    fs::create_dir(work.state()).unwrap();
    fs::set_permissions(work.state(), Permissions::from_mode(0o755)).unwrap();
    let mapping = "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"modes\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { from = \"Title\" }\n\
         collection_id = { from = \"Collection\", resolve = \"collection\" }\n";
    work.write("map.toml", mapping);
    let rows = [
        ["Id", "Title", "Collection"],
        ["1", "Printer", "IT Support"],
        ["2", "Door", "Nowhere"],
    ];
    work.write("in.csv", rows.map(|row| row.join(",")).join("\n"));
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (at, row) in (0..).zip(rows) {
        sheet.write_row(at, 0, row).unwrap();
    }
    book.save(work.path().join("in.xlsx")).unwrap();
    // A text that no cell of a workbook holds, and a name that is one.
    let long = "long ".repeat(8_000);
    work.write("names.csv", format!("Id,Title,Collection\n3,Lamp,{long}\n"));
    let cases = crate::support::repository().join("tests/cases/02-error-file-long-cell");
    for (file, name) in [("in.ods", "huge.ods"), ("map.toml", "huge.toml")] {
        work.write(name, fs::read(cases.join(file)).unwrap());
    }
    let run = |line: &str, code: i32| loosely(&work, line, code);
    run(
        "import in.csv --mapping map.toml --sandbox --outcomes outcomes.jsonl",
        1,
    );
    run(
        "import in.xlsx --mapping map.toml --sandbox --outcomes outcomes.csv",
        1,
    );
    run(
        "import in.csv --mapping map.toml --sandbox --dry-run --payloads payloads.jsonl",
        1,
    );
    run("import huge.ods --mapping huge.toml --sandbox", 1);
    run("runs retry last", 1);
    run("runs ids last -o ids.csv", 0);
    run("runs settle last --to settle.csv", 0);
    for aliases in ["aliases.csv", "aliases.xlsx"] {
        run(
            &format!("validate map.toml --input in.csv --sandbox --write-aliases {aliases}"),
            1,
        );
    }
    run(
        "validate map.toml --input names.csv --sandbox --write-aliases names.xlsx",
        1,
    );
    run(
        "directory pull --system clearfeed --sandbox -o snapshot.json",
        0,
    );
    for file in ["all.xlsx", "all.html", "all.jsonl"] {
        let comments = if file.ends_with("html") {
            ""
        } else {
            " --include comments"
        };
        run(
            &format!("export -o {file} --system clearfeed --sandbox{comments}"),
            0,
        );
    }
    let parted = "export -o parts.csv --partition-by state --system clearfeed --sandbox";
    run(&format!("{parted} --archive kept"), 0);
    run(
        "export -o week.xlsx --sheets weekly --period last-week --incremental --system clearfeed --sandbox",
        0,
    );
    let back = "export -o all.csv --write-mapping back.toml --system clearfeed --sandbox";
    run(back, 0);
    let found = run(
        "ticket search --text Printer --system clearfeed --sandbox --format json",
        0,
    );
    let ticket: serde_json::Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
    let (id, title) = (
        ticket["id"].as_str().unwrap(),
        ticket["title"].as_str().unwrap(),
    );
    // The second in which the export ended is over.
    std::thread::sleep(Duration::from_millis(1_100));
    run(
        &format!("ticket update {id} --title Theirs --system clearfeed --sandbox"),
        0,
    );
    let mine = work
        .read("all.csv")
        .replace(&format!(",{title},"), ",Mine,");
    work.write("all.csv", mine);
    run("import all.csv --mapping back.toml --sandbox", 1);
    // Once more: the file of before becomes a copy.
    run("export -o all.jsonl --system clearfeed --sandbox", 0);
    run(
        "schedule add often --every day --at 07:00 --keep 2 -- export -o {year}/often-{date}.csv --system clearfeed --sandbox",
        0,
    );
    run("schedule run often --once", 0);
    let runs = run("runs list --format json", 0);
    let runs: serde_json::Value = serde_json::from_str(&runs).unwrap();
    let huge = (runs.as_array().unwrap().iter())
        .find(|one| one["scope"] == "huge")
        .unwrap();
    run(
        &format!("runs rollback {}", huge["run"].as_str().unwrap()),
        0,
    );
    run("runs adopt in.csv --mapping map.toml --sandbox", 0);
    run("runs purge last --keep ids", 0);
    let mut left = Vec::new();
    walk(work.path(), work.path(), &mut left);
    left.sort();
    let own = [
        "map.toml",
        "huge.toml",
        "back.toml",
        "in.csv",
        "in.xlsx",
        "names.csv",
        "huge.ods",
        "state",
    ];
    left.retain(|(name, ..)| !own.contains(&name.as_str()));
    let year = jiff::Zoned::now().strftime("%Y").to_string();
    let wrong: Vec<String> = (left.iter())
        // The folder of a schedule's file shows nothing but the date.
        .filter(|(name, mode, is_folder)| match is_folder {
            true => *mode != 0o700 && *name != year,
            false => *mode != 0o600,
        })
        .map(|(name, mode, _)| format!("{name} {mode:o}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Nothing that is made is missing here.
    let names: String = (left.iter())
        .filter(|(.., is_folder)| !is_folder)
        .map(|(name, ..)| format!("{name}\n"))
        .collect();
    insta::with_settings!({filters => vec![
        (r"\d{4}-\d\d-\d\d", "DATE"), (r"\b\d{4}/", "YEAR/"), (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID"), (r"[0-9a-f]{12,}", "HASH"), (r"-[0-9a-f]{8}\.txt", "-HASH.txt"),
    ]}, { insta::assert_snapshot!(names); });
    assert_eq!(mode(&work.state()), 0o755);
}

/// A program has the file open: it stays as it is, and the new one has the next free name, whatever writes it.
#[test]
fn what_is_open_in_another_program_stays_whatever_is_written() {
    let work = Work::new();
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"open\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\" }\ndescription = { from = \"Title\" }\n\
         collection_id = { from = \"Collection\", resolve = \"collection\" }\n",
    );
    work.write(
        "in.csv",
        "Id,Title,Collection\n1,Printer,IT Support\n2,Door,Nowhere\n",
    );
    let import = "import in.csv --mapping map.toml --sandbox";
    let export = "export --system clearfeed --sandbox --wait 0 -o";
    for (line, file, code) in [
        (
            format!("{import} --dry-run --payloads"),
            "payloads.jsonl",
            1,
        ),
        (format!("{import} --outcomes"), "outcomes.jsonl", 1),
        (format!("{import} --errors-to"), "wrong.csv", 1),
        ("runs ids last -o".to_owned(), "ids.csv", 0),
        (format!("{export} "), "all.csv", 0),
        (format!("{export} "), "all.xlsx", 0),
        (format!("{export} "), "all.jsonl", 0),
        (format!("{export} "), "all.html", 0),
        (
            "directory pull --system clearfeed --sandbox -o".to_owned(),
            "snapshot.json",
            0,
        ),
        (
            "validate map.toml --input in.csv --sandbox --write-aliases".to_owned(),
            "aliases.xlsx",
            1,
        ),
        ("schema mapping -o".to_owned(), "mapping.json", 0),
        ("completions bash -o".to_owned(), "deskferry.bash", 0),
    ] {
        let line = format!("{} {file}", line.trim_end());
        let words: Vec<&str> = line.split(' ').collect();
        work.run(&words).expect(code);
        let before = fs::read(work.path().join(file)).unwrap();
        work.write(&format!(".~lock.{file}#"), "");
        let ended = work.run(&words).expect(code);
        assert_eq!(fs::read(work.path().join(file)).unwrap(), before, "{line}");
        let (stem, extension) = file.split_once('.').unwrap();
        let next = format!("{stem}-2.{extension}");
        assert!(
            work.path().join(&next).is_file(),
            "{line}: {}",
            ended.stderr
        );
        assert!(ended.both().contains(&next), "{line}: {}", ended.both());
    }
}

/// Starts an import that takes seconds, and sends it a signal when it is at work.
fn hung_up(work: &Work, sandbox: &SandboxProcess, script: &str) -> (Option<i32>, Duration) {
    let mut command = std::process::Command::new("sh");
    let like = work.command(&[
        "import",
        "in.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "support",
    ]);
    command.args(["-c", &format!("{script} exec \"$0\" \"$@\"")]);
    command.arg(like.get_program()).args(like.get_args());
    command
        .current_dir(work.path())
        .stderr(std::process::Stdio::null());
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    // Signals are heard when something is sent.
    while sandbox.created("clearfeed").is_empty() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-HUP", &id])
        .status()
        .unwrap();
    (child.wait().unwrap().code(), begun.elapsed())
}

#[test]
fn a_closed_terminal_drains_and_nohup_goes_on() {
    for (script, code) in [("", 130), ("trap '' HUP;", 0)] {
        if code == 0 && !Path::new("/proc/self/status").exists() {
            continue;
        }
        let work = Work::new();
        work.write(
            "map.toml",
            "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"hangup\"\nkey = [\"Id\"]\n\n[fields]\n\
             title = { from = \"Title\" }\ndescription = { from = \"Title\" }\n\
             collection_id = { value = \"IT Support\", resolve = \"collection\" }\n",
        );
        let rows: String = (0..60).map(|id| format!("{id},Printer {id}\n")).collect();
        work.write("in.csv", format!("Id,Title\n{rows}"));
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(
            &work,
            "rate = \"12/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
        );
        let (ended, took) = hung_up(&work, &sandbox, script);
        assert_eq!(ended, Some(code), "{script} {took:?}");
    }
}
