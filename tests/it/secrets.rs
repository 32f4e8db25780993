//! A system that hands the token back in every spelling: no byte that leaves the program holds it. And what counts as live.

use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD};

use crate::support::echo::{Answer, Asked, Echo};
use crate::support::{Ended, SandboxProcess, Work};

const TOKEN: &str = "Xk7/q+Zr9_Wm-4tLbN2~vC8sH0==";

const MAPPING: &str = "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"desk\"\nkey = [\"Id\"]\n\n[fields]\n\
    title = { from = \"Title\", required = true }\ndescription = { from = \"Title\" }\n\
    collection_id = { from = \"Team\", resolve = \"collection\" }\n";

fn rows(work: &Work, count: usize) {
    let rows: String = (0..count)
        .map(|id| format!("{id},Matter {id},IT Support\n"))
        .collect();
    work.write("in.csv", format!("Id,Title,Team\n{rows}"));
    work.write("map.toml", MAPPING);
}

/// The token as systems spell it, written here by hand: JSON, addresses, pages, base64 in three places.
fn spellings() -> Vec<String> {
    let each = |spell: &dyn Fn(u8) -> String| TOKEN.bytes().map(spell).collect::<String>();
    let some = |spell: &dyn Fn(u8) -> String| {
        let spell = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => spell(byte),
        };
        TOKEN.bytes().map(spell).collect::<String>()
    };
    let mut all = vec![
        TOKEN.to_owned(),
        TOKEN.replace('/', "\\/"),
        TOKEN.replace('+', "\\u002B").replace('/', "\\/"),
        TOKEN.replace('+', " "),
        each(&|byte| format!("\\u{byte:04x}")),
        some(&|byte| format!("%{byte:02X}")),
        some(&|byte| format!("%{byte:02x}")),
        some(&|byte| format!("%25{byte:02X}")),
        some(&|byte| format!("&#{byte};")),
        each(&|byte| format!("&#x{byte:x};")),
        some(&|byte| format!("&amp;#{byte};")),
        TOKEN
            .replace('+', "&plus;")
            .replace('/', "&sol;")
            .replace('=', "&equals;"),
    ];
    for before in ["", "user:", "Bearer "] {
        let text = format!("{before}{TOKEN}");
        all.push(BASE64.encode(text.as_bytes()));
        all.push(BASE64URL_NOPAD.encode(text.as_bytes()));
        all.push(BASE64.encode(text.as_bytes()).replace('/', "%2F"));
    }
    all
}

/// What of a spelling may stand nowhere: of base64 the part that depends on the token alone.
fn core(spelling: &str) -> &str {
    &spelling[spelling.len().min(12)..spelling.len() - 3]
}

fn assert_clean(name: &str, bytes: &[u8]) {
    for spelling in spellings() {
        for needle in [spelling.as_str(), core(&spelling)] {
            let found = memchr::memmem::find(bytes, needle.as_bytes());
            assert!(
                found.is_none(),
                "{name} holds {needle}: {}",
                String::from_utf8_lossy(&bytes[found.unwrap_or(0)..])
                    .chars()
                    .take(200)
                    .collect::<String>()
            );
        }
    }
}

fn assert_clean_folder(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_clean_folder(&path);
        } else if path.file_name().is_none_or(|name| name != "token") {
            assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

fn assert_clean_end(ended: &Ended) {
    assert_clean("standard output", ended.stdout.as_bytes());
    assert_clean("standard error", ended.stderr.as_bytes());
}

/// Every answer holds a spelling: errors in all shapes, warnings of what went well, texts of tickets, names, headers.
fn hand_back(nth: usize, asked: &Asked, mut answer: Answer) -> Answer {
    let spellings = spellings();
    let spelling = &spellings[nth % spellings.len()];
    let quoted = serde_json::to_string(spelling).unwrap();
    // As it is where that is JSON: then the system has escaped it itself.
    let json = match spelling.contains('\\') {
        true => format!("\"{spelling}\""),
        false => quoted,
    };
    answer.headers.push_str(&format!("x-echo: {spelling}\r\n"));
    if asked.method == "GET" {
        for member in ["name", "title", "description", "text"] {
            let begin = format!("\"{member}\":\"");
            let replaced = format!("\"{member}\":\"{} ", json.trim_matches('"'));
            if member != "name" || asked.path.contains("/teams") {
                answer.body = answer.body.replace(&begin, &replaced);
            }
        }
        return answer;
    }
    match nth % 6 {
        0 => Answer {
            status: 400,
            body: format!("{{\"statusCode\":400,\"message\":{json},\"error\":{json}}}"),
            ..answer
        },
        1 => Answer {
            status: 422,
            body: format!("no: {spelling}"),
            ..answer
        },
        2 => Answer {
            status: 400,
            body: format!("<html><title>{spelling}</title>{spelling}</html>"),
            ..answer
        },
        3 => Answer {
            status: 500,
            body: format!("{{\"error\":{json}}}"),
            ..answer
        },
        _ => {
            answer.body = answer
                .body
                .replacen('{', &format!("{{\"details\":[{json}],"), 1);
            answer
        }
    }
}

#[test]
fn a_token_that_is_handed_back_is_in_no_byte_that_leaves_the_program() {
    let work = Work::new();
    rows(&work, 60);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--tickets", "30"]);
    let echo = Echo::start(&sandbox, TOKEN, hand_back);
    echo.profile(&work, "rate = \"1000/s\"\nconcurrency = 4");
    let arguments = ["in.csv", "--mapping", "map.toml", "--profile", "support"];
    let written = [
        "--outcomes",
        "outcomes.jsonl",
        "-vv",
        "--max-errors",
        "100%",
    ];
    let (ended, summary) = work.import(&[&arguments[..], &written].concat());
    assert!(summary["rejected"].as_u64().unwrap() > 5, "{summary:#}");
    assert!(summary["created"].as_u64().unwrap() > 5, "{summary:#}");
    assert!(ended.stderr.contains('…') && work.read("in.errors.csv").contains('…'));
    assert_clean_end(&ended);
    let mut commands: Vec<Vec<&str>> = vec![
        vec!["runs", "show", "last"],
        vec!["runs", "ids", "last"],
        vec![
            "directory",
            "pull",
            "--profile",
            "support",
            "-o",
            "snapshot.json",
        ],
        vec!["ticket", "search", "--profile", "support"],
        vec!["doctor", "--profile", "support"],
    ];
    for file in ["all.csv", "all.jsonl", "all.xlsx", "all.html"] {
        commands.push(vec!["export", "--profile", "support", "-o", file]);
    }
    for command in commands {
        assert_clean_end(&work.run(&command));
    }
    assert!(work.read("all.csv").contains('…'));
    drop(sandbox);
    assert_clean_end(&work.run(&["doctor", "--profile", "support"]));
    assert_clean_folder(work.path());
}

#[test]
fn a_refused_token_is_not_printed_in_any_spelling() {
    for spelling in spellings() {
        let work = Work::new();
        rows(&work, 1);
        let sandbox = SandboxProcess::start(&work, &[]);
        let echo = Echo::start(&sandbox, TOKEN, move |_, _, answer| Answer {
            status: 401,
            body: format!(
                "{{\"message\":{}}}",
                serde_json::to_string(&format!("no {spelling}")).unwrap()
            ),
            ..answer
        });
        echo.profile(&work, "");
        let ended = work.run(&[
            "import",
            "in.csv",
            "--mapping",
            "map.toml",
            "--profile",
            "support",
        ]);
        assert_clean_end(&ended.expect(3));
    }
}

#[test]
fn a_token_typed_as_a_profile_is_not_printed() {
    let work = Work::new();
    rows(&work, 1);
    let sandbox = SandboxProcess::start(&work, &[]);
    sandbox.profiles(&work, "");
    for command in [
        &["import", "in.csv", "--mapping", "map.toml"][..],
        &["doctor"],
        &["export", "-o", "x.csv"],
    ] {
        let ended = work
            .run(&[command, &["--profile", TOKEN]].concat())
            .expect(2);
        insta::assert_snapshot!("token_as_a_profile", work.shown(&ended.stderr));
        assert_clean_end(&ended);
        let mut command = work.command(command);
        let ended = Ended::of(command.env("DESKFERRY_PROFILE", TOKEN).output().unwrap());
        assert_clean_end(&ended);
    }
}

/// The sandbox without the header by which it is known: what answers on loopback may be a tunnel to a desk.
fn unknown(sandbox: &SandboxProcess) -> Echo {
    Echo::start(sandbox, TOKEN, |_, _, mut answer| {
        let lines = answer.headers.split_inclusive("\r\n");
        answer.headers = lines
            .filter(|line| !line.to_lowercase().starts_with("x-deskferry-sandbox"))
            .collect();
        answer
    })
}

#[test]
fn what_is_no_sandbox_is_live_wherever_it_is() {
    let work = Work::new();
    rows(&work, 2);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    let echo = unknown(&sandbox);
    let import = [
        "import",
        "in.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "support",
    ];
    echo.profile(&work, "");
    let ended = work.run(&import).expect(2);
    insta::assert_snapshot!("no_sandbox_unconfirmed", work.shown(&ended.stderr));
    // A live desk hears of no crash.
    let confirmed = [&import[..], &["--confirm", "support", "--limit", "1"]].concat();
    let mut command = work.command(&confirmed);
    command.env("DESKFERRY_CRASH", "before-send:1");
    Ended::of(command.output().unwrap()).expect(0);
    // The profile has the last word.
    echo.profile(&work, "live = false");
    work.run(&import).expect(0);
    assert_eq!(sandbox.created("clearfeed").len(), 2);
}

#[test]
fn the_waits_of_what_is_live_are_long_on_loopback_too() {
    let elsewhere = Work::new();
    let sandbox = SandboxProcess::start(&elsewhere, &["--rate", "0"]);
    let lost = |answer: Answer| Answer {
        status: 500,
        body: "{}".to_owned(),
        ..answer
    };
    let change = move |_: usize, asked: &Asked, answer: Answer| match asked.method.as_str() {
        "POST" => lost(answer),
        _ => answer,
    };
    let echo = Echo::start(&sandbox, TOKEN, change);
    let import = [
        "import",
        "in.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "support",
        "--confirm",
        "support",
    ];
    for (further, is_long) in [
        ("live = true", true),
        (
            "live = true\ncommit_within = \"1s\"\nvisible_within = \"1s\"",
            false,
        ),
    ] {
        let work = Work::new();
        rows(&work, 1);
        echo.profile(&work, further);
        let mut child = work.command(&import).spawn().unwrap();
        let begun = std::time::Instant::now();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if begun.elapsed().as_secs() > 8 && is_long {
                break None;
            }
            assert!(begun.elapsed().as_secs() < 60, "{further}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        };
        // It would have settled the row after three seconds.
        assert_eq!(ended.is_none(), is_long, "{further}");
        let _ = child.kill();
        let _ = child.wait();
    }
}
