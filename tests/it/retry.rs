//! What failed in a run is run once more, without the file being given again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::echo::{Answer, Echo};
use crate::support::{SandboxProcess, Work};

const ARGUMENTS: [&str; 5] = ["in.csv", "--mapping", "map.toml", "--profile", "support"];

fn start() -> (Work, SandboxProcess) {
    let work = Work::new();
    work.write(
        "map.toml",
        "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"desk\"\nkey = [\"Id\"]\n\n[fields]\n\
         title = { from = \"Title\", required = true }\ndescription = { from = \"Title\" }\n\
         collection_id = { from = \"Team\", resolve = \"collection\" }\n",
    );
    let mut text = "Id,Title,Team\n".to_owned();
    for id in 0..20 {
        let team = if id == 5 { "It Suport" } else { "IT Support" };
        text.push_str(&format!("{id},Matter {id},{team}\n"));
    }
    work.write("in.csv", text);
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"1000/s\"\nconcurrency = 1");
    (work, sandbox)
}

fn retry(work: &Work, arguments: &[&str], code: i32) -> (String, Value) {
    let ended = work
        .run(&[&["runs", "retry", "last", "--format", "json"], arguments].concat())
        .expect(code);
    (ended.stderr, serde_json::from_str(&ended.stdout).unwrap())
}

#[test]
fn only_what_failed_goes_again_and_what_was_refused_too() {
    let (work, sandbox) = start();
    // The system refuses three rows for a reason of its own, which passes.
    let body = serde_json::json!({"operation": "create", "fault": "error-in-200", "times": 3});
    sandbox.admin("POST", "faults", Some(body));
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(1);
    assert_eq!(
        (&summary["created"], &summary["rejected"]),
        (&16.into(), &4.into()),
        "{summary:#}"
    );
    // By itself a refused row goes again only when it has changed.
    assert_eq!(work.import(&ARGUMENTS).1["created"], 0);

    let (_, shown) = retry(&work, &["--dry-run"], 1);
    assert_eq!(
        (&shown["records"], &shown["would_create"]),
        (&4.into(), &3.into()),
        "{shown:#}"
    );
    // From another folder, after the cell was fixed.
    work.write(
        "in.csv",
        work.read("in.csv").replace("It Suport", "IT Support"),
    );
    let elsewhere = work.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let output = work
        .command(&["runs", "retry", "last", "--format", "json"])
        .current_dir(&elsewhere)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    insta::assert_snapshot!("retry_of_a_file_that_has_changed", work.shown(&told));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&summary["records"], &summary["created"]),
        (&4.into(), &4.into()),
        "{summary:#}"
    );
    assert_eq!(sandbox.created("clearfeed").len(), 20);
    // Nothing of that run has failed.
    let ended = work.run(&["runs", "retry", "last"]).expect(0);
    insta::assert_snapshot!("nothing_has_failed", work.shown(&ended.stderr));
}

#[test]
fn a_file_that_has_gone_is_said_with_what_to_do() {
    let (work, _sandbox) = start();
    work.import(&ARGUMENTS).0.expect(1);
    std::fs::remove_file(work.path().join("in.csv")).unwrap();
    let ended = work.run(&["runs", "retry", "last"]).expect(2);
    insta::assert_snapshot!("file_that_has_gone", work.shown(&ended.stderr));
}

/// What is refused before anything is sent; what it says is the scene's snapshot.
#[track_caller]
fn refused(work: &Work, sandbox: &SandboxProcess, scene: &str) {
    let before = sandbox.created("clearfeed").len();
    let ended = work.run(&["runs", "retry", "last"]).expect(2);
    insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    assert_eq!(sandbox.created("clearfeed").len(), before);
}

#[test]
fn a_scope_that_has_changed_since_is_refused_and_nothing_is_doubled() {
    let (work, sandbox) = start();
    // One answer is lost: sent under another scope, the row would be made a second time.
    sandbox.profiles(
        &work,
        "rate = \"1000/s\"\nconcurrency = 1\ncommit_within = \"100ms\"\nvisible_within = \"100ms\"",
    );
    work.write(
        "map.toml",
        work.read("map.toml")
            .replace("key =", "marker = \"none\"\nkey ="),
    );
    let body =
        serde_json::json!({"operation": "create", "fault": "reset-after-commit", "times": 1});
    sandbox.admin("POST", "faults", Some(body));
    let (ended, summary) = work.import(&ARGUMENTS);
    ended.expect(1);
    assert_eq!(summary["in_doubt"], 1, "{summary:#}");
    let mapping = work.read("map.toml");
    work.write("map.toml", mapping.replace("\"desk\"", "\"desk-2\""));
    refused(&work, &sandbox, "retry_under_another_scope");
}

#[test]
fn another_tenant_of_the_profile_is_refused() {
    let (work, first) = start();
    work.import(&ARGUMENTS).0.expect(1);
    drop(first);
    // Each sandbox is a tenant of its own.
    let second = SandboxProcess::start(&work, &["--rate", "0"]);
    second.profiles(&work, "rate = \"1000/s\"");
    let fixed = work.read("in.csv").replace("It Suport", "IT Support");
    work.write("in.csv", fixed);
    refused(&work, &second, "retry_in_another_tenant");
}

#[test]
fn a_retry_is_recorded_with_the_rows_and_the_limit_of_its_run() {
    let (work, sandbox) = start();
    let body = serde_json::json!({"operation": "create", "fault": "error-in-200", "times": 2});
    sandbox.admin("POST", "faults", Some(body));
    let part = [&ARGUMENTS[..], &["--rows", "2-4", "--limit", "2"]].concat();
    work.import(&part).0.expect(1);
    // The rows are known by their keys, wherever they stand now.
    let grown = work.read("in.csv").replace(
        "Id,Title,Team\n",
        "Id,Title,Team\n90,New,IT Support\n91,New,IT Support\n92,New,IT Support\n",
    );
    work.write("in.csv", grown);
    let (_, summary) = retry(&work, &[], 0);
    assert_eq!(summary["created"], 2, "{summary:#}");
    let shown = work
        .run(&["runs", "show", "last", "--format", "json"])
        .expect(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let resume = shown["resume"].as_str().unwrap();
    insta::assert_snapshot!("retry_of_a_part", work.shown(resume));
}

#[test]
fn the_corrected_error_file_is_imported_as_an_attempt_at_the_run() {
    let (work, sandbox) = start();
    let (_, summary) = work.import(&ARGUMENTS);
    let code = summary["run"].as_str().unwrap().to_owned();
    let corrected = work
        .read("in.errors.csv")
        .replace("It Suport", "IT Support");
    work.write("in.errors.csv", corrected);
    // Nobody is there to be asked: it is named, and the file of the run is read as it stands.
    let (told, summary) = retry(&work, &[], 1);
    assert_eq!(summary["created"], 0);
    insta::assert_snapshot!("a_corrected_error_file_is_named", work.shown(&told));
    let corrected = work
        .run(&["runs", "retry", &code, "in.errors.csv", "--format", "json"])
        .expect(0);
    let summary: Value = serde_json::from_str(&corrected.stdout).unwrap();
    assert_eq!(summary["created"], 1, "{summary:#}");
    assert_eq!(summary["run"], format!("{code}.3"));
    assert_eq!(sandbox.created("clearfeed").len(), 20);
}

/// A step that was refused goes again days later; people have worked on its ticket meanwhile.
#[test]
fn what_people_set_before_a_refused_step_goes_again_stays() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    let refuses = Arc::new(AtomicBool::new(true));
    let is_on = Arc::clone(&refuses);
    let desk = Echo::between(
        &sandbox,
        "token",
        move |asked| {
            let strikes = asked.path.ends_with("/priority") && is_on.load(Ordering::Relaxed);
            strikes.then(|| Answer {
                status: 403,
                headers: "content-type: application/json\r\n".to_owned(),
                body: r#"{"StatusCode":403,"Message":"no right"}"#.to_owned(),
            })
        },
        |_, _, answer| answer,
    );
    desk.profiles(&sandbox, &work, "rate = \"2000/s\"");
    work.write(
        "map.toml",
        "version = 1\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"desk\"\nkey = [\"Id\"]\n\n[fields]\n\
         Subject = { from = \"Title\" }\nIssueDescription = { from = \"Title\" }\n\
         IssueId = { value = \"Other\", resolve = \"issue\" }\nLocationId = { value = \"District Office\", resolve = \"location\" }\n\
         ForId = { value = \"helpdesk@district.example\", resolve = \"user\", match = \"email\" }\n\
         Priority = { value = \"High\", resolve = \"priority\" }\n",
    );
    work.write("in.csv", "Id,Title\n1,Beamer\n2,Printer\n");
    let arguments = ["in.csv", "--mapping", "map.toml", "--profile", "district"];
    let (_, summary) = work.import(&arguments);
    assert_eq!(summary["incomplete"], 2, "{summary:#}");
    let made = sandbox.created("incidentiq");
    let theirs = made[0]["id"].as_str().unwrap();
    // Who changes a ticket within a second of its making may be the system itself.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let path = format!("api/v1.0/tickets/{theirs}/priority");
    let low = serde_json::json!({"TicketId": theirs, "Priority": 31, "PriorityId": 31});
    sandbox.person("POST", "incidentiq", &path, low);
    refuses.store(false, Ordering::Relaxed);

    let (told, summary) = retry(&work, &[], 1);
    assert_eq!(summary["in_doubt"], 1, "{told}{summary:#}");
    let audit = sandbox.audit();
    let set = audit
        .iter()
        .filter(|entry| entry["operation"] == "priority");
    let set: Vec<(&str, &Value)> = set
        .map(|entry| (entry["id"].as_str().unwrap(), &entry["body"]["Priority"]))
        .collect();
    let other = made[1]["id"].as_str().unwrap();
    assert_eq!(set[0], (theirs, &Value::from(31)), "{set:?}");
    assert_eq!((set.len(), set[1].0), (2, other), "{set:?}");
}

#[test]
fn fields_that_fell_back_are_put_right_when_their_names_resolve_and_nothing_else_is_touched() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"1000/s\"");
    let mapping = |aliases: &str| {
        format!(
            "version = 2\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"people\"\nkey = [\"ID\"]\n[fields]\n\
             Subject = {{ from = \"Title\" }}\nIssueDescription = {{ value = \"x\" }}\nIssueId = {{ value = \"Other\" }}\n\
             LocationId = {{ from = \"Place\", resolve = \"location\", missing = \"District Office\"{aliases} }}\n\
             ForId = {{ value = \"helpdesk@district.example\" }}\n"
        )
    };
    work.write("map.toml", mapping(""));
    work.write(
        "in.csv",
        "ID,Title,Place\n1,one,Lincoln HS west wing\n2,two,District Office\n3,three,Nowhere\n",
    );
    let arguments = ["in.csv", "--mapping", "map.toml", "--profile", "district"];
    let (ended, summary) = work.import(&arguments);
    ended.expect(0);
    assert_eq!(summary["created"], 3, "{summary:#}");
    let fallen = |code: i32, more: &[&str]| {
        let all = [
            &["runs", "retry", "last", "--fallbacks", "--format", "json"],
            more,
        ]
        .concat();
        let ended = work.run(&all).expect(code);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    // Nothing resolves yet: nothing is sent.
    let before = sandbox.audit().len();
    let shown = fallen(0, &["--dry-run"]);
    assert_eq!(
        (&shown["records"], &shown["skipped"]),
        (&2.into(), &2.into()),
        "{shown:#}"
    );
    // Now the one place is known by that name.
    work.write(
        "map.toml",
        mapping(", aliases = { \"Lincoln HS west wing\" = \"Lincoln High School\" }"),
    );
    let put = fallen(0, &[]);
    assert_eq!(
        (&put["updated"], &put["skipped"]),
        (&1.into(), &1.into()),
        "{put:#}"
    );
    let after = sandbox.audit().split_off(before);
    assert_eq!(after.len(), 1, "{after:#?}");
    assert!(after[0]["body"]["LocationId"].is_string(), "{after:#?}");
    assert!(after[0]["body"].get("Subject").is_none(), "{after:#?}");
}
