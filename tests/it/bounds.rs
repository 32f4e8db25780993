//! What the machine has no room for: full disks, files that unpack to too much, templates that never end, outputs that
//! nobody reads.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::Work;

const MAPPING: &str = "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\n[fields]\n\
    title = { from = \"T\" }\ndescription = { template = \"TEMPLATE\" }\n\
    collection_id = { value = \"IT Support\", resolve = \"collection\" }\n";

fn work(template: &str, input: &str) -> Work {
    let work = Work::new();
    work.write("m.toml", MAPPING.replace("TEMPLATE", template));
    work.write("in.csv", input);
    work
}

const IMPORT: [&str; 5] = ["import", "in.csv", "--mapping", "m.toml", "--sandbox"];

#[test]
fn a_template_that_never_ends_rejects_its_rows() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{{ T }}{% endfor %}{% endfor %}{% endfor %}";
    let work = work(endless, "T\none\ntwo\n");
    let start = Instant::now();
    let (ended, summary) = work.import(&IMPORT[1..]);
    let ended = ended.expect(1);
    assert_eq!(summary["rejected"], 2, "{}", ended.stderr);
    insta::assert_snapshot!("endless_template", work.shown(&ended.stderr));
    assert!(start.elapsed() < Duration::from_secs(60));
}

/// Rows whose templates burn all their fuel keep the processors busy for minutes.
#[cfg(unix)]
#[test]
fn two_signals_end_a_run_whose_templates_loop() {
    let endless =
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ T }}{% endfor %}{% endfor %}";
    let rows: String = (0..2_000).map(|n| format!("row {n}\n")).collect();
    let work = work(endless, &format!("T\n{rows}"));
    for signals in [["-INT", "-INT"], ["-INT", "-TERM"]] {
        let mut child = work.command(&IMPORT).spawn().unwrap();
        let id = child.id().to_string();
        // Long enough for the templates to be on.
        std::thread::sleep(Duration::from_secs(3));
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        for signal in signals {
            let sent = std::process::Command::new("kill")
                .args([signal, &id])
                .status();
            assert!(sent.unwrap().success());
            std::thread::sleep(Duration::from_millis(300));
        }
        let until = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                child.kill().unwrap();
                panic!("{signals:?} did not end it");
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert_eq!(status.code(), Some(130), "{signals:?}");
    }
}

#[test]
fn outputs_are_never_what_is_read_or_kept() {
    let work = work("{{ T }}", "T\none\n");
    work.run(&IMPORT).expect(0);
    let before = fs::read(work.state().join("ledger.sqlite")).unwrap();
    let mut told = String::new();
    let mut refused = |arguments: &[&str]| {
        let stderr = work.run(arguments).expect(2).stderr;
        // Each is said once, however many flags lead to it.
        if !told.contains(&stderr) {
            told.push_str(&stderr);
        }
    };
    for flag in ["--errors-to", "--outcomes", "--payloads"] {
        for file in ["in.csv", "m.toml", "state/ledger.sqlite", "state/x.csv"] {
            let dry = match flag {
                "--payloads" => &["--dry-run"][..],
                _ => &[][..],
            };
            refused(&[&IMPORT[..], dry, &[flag, file]].concat());
        }
    }
    refused(&[
        "export",
        "--sandbox",
        "--system",
        "clearfeed",
        "-o",
        "state/ledger.csv",
    ]);
    refused(&[
        "directory",
        "pull",
        "--sandbox",
        "--system",
        "clearfeed",
        "-o",
        "state/ledger.sqlite",
    ]);
    for file in ["in.csv", "m.toml"] {
        refused(&[
            "validate",
            "m.toml",
            "--input",
            "in.csv",
            "--sandbox",
            "--write-aliases",
            file,
        ]);
    }
    insta::assert_snapshot!("outputs_that_are_read_or_kept", work.shown(&told));
    assert_eq!(
        fs::read(work.state().join("ledger.sqlite")).unwrap(),
        before
    );
    assert_eq!(work.read("in.csv"), "T\none\n");
}

#[test]
fn an_error_file_that_somebody_works_on_is_kept_and_said() {
    let work = work("{{ T }}", "T,U\n,1\n,2\n");
    let (ended, summary) = work.import(&IMPORT[1..]);
    ended.expect(1);
    assert_eq!(summary["error_files"][0]["path"], "in.errors.csv");
    // The same again replaces what nobody has changed.
    work.run(&IMPORT).expect(1);
    assert!(!work.path().join("in.errors-2.csv").exists());
    let fixed = work.read("in.errors.csv").replace(",1,", "fixed,1,");
    work.write("in.errors.csv", &fixed);
    let ended = work.run(&IMPORT).expect(1);
    assert_eq!(work.read("in.errors.csv"), fixed);
    assert!(work.path().join("in.errors-2.csv").exists());
    insta::assert_snapshot!("errors_kept", work.shown(&ended.stderr));
}

#[test]
fn an_export_onto_somebody_elses_file_keeps_it() {
    let work = Work::new();
    work.write("wages.csv", "Name,Wage\nAda,1\n");
    let export = [
        "export",
        "--sandbox",
        "--system",
        "clearfeed",
        "-o",
        "wages.csv",
    ];
    let ended = work.run(&export).expect(0);
    insta::assert_snapshot!("foreign_file", work.shown(&ended.stderr));
    assert!(work.read("wages.csv").contains("Ticket"));
    let ours = |name: &String| name.starts_with("wages.2");
    let names = names(work.path());
    let aside: Vec<&String> = names.iter().filter(|name| ours(name)).collect();
    assert_eq!(aside.len(), 1, "{names:?}");
    assert_eq!(work.read(aside[0]), "Name,Wage\nAda,1\n");
    // The next one knows its own file.
    work.run(&export).expect(0);
    let after = self::names(work.path());
    assert_eq!(
        after.iter().filter(|name| ours(name)).count(),
        1,
        "{after:?}"
    );
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn files_beside_a_mapping_have_a_bound() {
    let work = work("{{ T }}", "T\none\n");
    let map_file = fs::File::create(work.path().join("words.csv")).unwrap();
    map_file.set_len(20 * 1024 * 1024).unwrap();
    let mut lookup = fs::File::create(work.path().join("lookup.csv")).unwrap();
    writeln!(lookup, "k,v").unwrap();
    for row in 0..1_400 {
        writeln!(lookup, "{row},{}", "x".repeat(100_000)).unwrap();
    }
    for (scene, step) in [
        ("large_map_file", "map_file = \"words.csv\""),
        (
            "large_lookup",
            "lookup = { file = \"lookup.csv\", by = \"k\", take = \"v\" }",
        ),
        #[cfg(unix)]
        ("endless_map_file", "map_file = \"/dev/zero\""),
        #[cfg(unix)]
        (
            "endless_lookup",
            "lookup = { file = \"/dev/zero\", by = \"k\", take = \"v\" }",
        ),
    ] {
        let mapping = MAPPING.replace("TEMPLATE", "{{ T }}").replace(
            "title = { from = \"T\" }",
            &format!("title = {{ from = \"T\", {step} }}"),
        );
        work.write("m.toml", mapping);
        // Devices are outside the folder of the mapping.
        let trusting = [&IMPORT[..], &["--trust"]].concat();
        let ended = work.run(&trusting).expect(2);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    }
}

/// Outputs that are full, and small disks: Linux has both at hand.
#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::process::Stdio;

    use super::*;
    use crate::support::Ended;

    /// Standard output and standard error of these arguments go there.
    fn with_outputs(work: &Work, arguments: &[&str], out: Stdio, err: Stdio) -> Ended {
        let mut command = work.command(arguments);
        Ended::of(command.stdout(out).stderr(err).output().unwrap())
    }

    #[test]
    fn outputs_that_are_full_or_closed_never_panic() {
        let work = work("{{ T }}", "T,U\none,1\n,2\n");
        let full = || {
            Stdio::from(
                fs::OpenOptions::new()
                    .write(true)
                    .open("/dev/full")
                    .unwrap(),
            )
        };
        let json = [&IMPORT[..], &["--format", "json"]].concat();
        for arguments in [
            &IMPORT[..],
            &json,
            &[
                "-vv",
                "import",
                "missing.csv",
                "--mapping",
                "m.toml",
                "--sandbox",
            ],
        ] {
            let plain = with_outputs(&work, arguments, Stdio::piped(), Stdio::piped());
            let ended = with_outputs(&work, arguments, Stdio::piped(), full());
            assert_eq!(ended.code, plain.code, "{arguments:?}");
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let ended = with_outputs(&work, arguments, Stdio::piped(), writer.into());
            assert_eq!(ended.code, plain.code, "{arguments:?}");
        }
        // Data that cannot be written is a fault of the machine.
        let ended = with_outputs(&work, &["schema", "mapping"], full(), Stdio::piped());
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        let ended = with_outputs(&work, &json, full(), full());
        assert_eq!(ended.code, Some(4));
    }

    /// Writes until nothing more fits.
    fn fill(path: &Path) {
        let mut file = File::create(path).unwrap();
        while file.write_all(&[b'x'; 512]).is_ok() {}
    }

    /// A folder of 512 kB. Only root may make one.
    struct SmallDisk<'w>(&'w Path);

    impl<'w> SmallDisk<'w> {
        fn at(folder: &'w Path) -> Self {
            fs::create_dir_all(folder).unwrap();
            let mounted = std::process::Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
                .arg(folder)
                .status()
                .unwrap();
            assert!(mounted.success(), "only root can run this test");
            Self(folder)
        }
    }

    impl Drop for SmallDisk<'_> {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg(self.0).status();
        }
    }

    #[test]
    #[ignore = "mounts a small disk, which only root may: cargo test --test it a_full_disk -- --ignored"]
    fn a_full_disk_keeps_the_export_of_before() {
        let work = Work::new();
        let folder = work.path().join("small");
        let disk = SmallDisk::at(&folder);
        // Something to export.
        work.write("m.toml", MAPPING.replace("TEMPLATE", "{{ T }}"));
        work.write("in.csv", "T\none\ntwo\n");
        work.run(&IMPORT).expect(0);
        for name in ["t.xlsx", "t.csv", "t.html", "t.jsonl"] {
            let file = format!("small/{name}");
            let export = ["export", "--sandbox", "--system", "clearfeed", "-o", &file];
            work.run(&export).expect(0);
            let before = fs::read(folder.join(name)).unwrap();
            fill(&folder.join("filler"));
            let ended = work.run(&export).expect(4);
            assert!(
                ended.stderr.contains("cannot be written"),
                "{}",
                ended.stderr
            );
            assert_eq!(fs::read(folder.join(name)).unwrap(), before, "{name}");
            let left = names(&folder);
            assert!(
                !left.iter().any(|name| name.starts_with(".deskferry-")),
                "{left:?}"
            );
            for left in left {
                fs::remove_file(folder.join(left)).unwrap();
            }
        }
        drop(disk);
    }
}
