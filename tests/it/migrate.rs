//! Migrations: the tickets of one desk in another, each once, with what was said on them in its order and the closing last.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use deskferry::migrate::{reference, said};
use deskferry::sandbox::Dice;
use deskferry::systems::Standing;
use deskferry::systems::common::CommonTicket;
use serde_json::{Value, json};

use deskferry_testing::server::MockServer;

use crate::follow::FAULTS;
use crate::support::{SandboxProcess, Work, between, repository};

/// The tickets of a desk that are not deleted, as an export shows them.
pub(crate) fn tickets(work: &Work, profile: &str) -> Vec<CommonTicket> {
    let export = [
        "export",
        "-o",
        "desk.jsonl",
        "--profile",
        profile,
        "--include",
        "comments",
        "--quiet",
        "--refresh",
    ];
    work.run(&export).expect(0);
    let text = work.read("desk.jsonl");
    let read = |line: &str| serde_json::from_str::<CommonTicket>(line).unwrap();
    let all = text.lines().map(read);
    all.filter(|ticket| ticket.standing != Standing::Gone)
        .collect()
}

/// The name by which the ready mappings call the ticket of the source in the description.
pub(crate) fn name(ticket: &CommonTicket) -> &str {
    ticket.number.as_ref().unwrap_or(&ticket.id)
}

/// The tickets that were moved, by that name.
pub(crate) fn moved(target: &[CommonTicket]) -> BTreeMap<String, Vec<&CommonTicket>> {
    let mut moved: BTreeMap<String, Vec<&CommonTicket>> = BTreeMap::new();
    for ticket in target {
        let text = ticket.description.as_deref().unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("Moved from "));
        if let Some(name) = line.and_then(|line| line.split_whitespace().last()) {
            moved.entry(name.to_owned()).or_default().push(ticket);
        }
    }
    moved
}

/// Each ticket of the source is in the target once: with its title, its state, and its conversation.
fn assert_moved(source: &[CommonTicket], target: &[CommonTicket]) {
    let moved = moved(target);
    assert_eq!(moved.len(), source.len());
    for ticket in source {
        let name = name(ticket);
        let [copy] = moved[name].as_slice() else {
            panic!("{name} is there {} times", moved[name].len());
        };
        assert_eq!(copy.title, ticket.title, "{name}");
        assert_eq!(copy.standing, ticket.standing, "{name}");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: Vec<_> = (copy.comments.iter())
            .map(|comment| (words(&comment.text), comment.public))
            .collect();
        let expected: Vec<_> = (ticket.comments.iter())
            .map(|comment| {
                let mut text = comment.text.clone();
                // Tickets that it names are those of the target.
                for named in reference::names(&comment.text) {
                    let Some([copy]) = moved.get(named).map(Vec::as_slice) else {
                        continue;
                    };
                    let was = match text.contains(&format!("#{named}")) {
                        true => format!("#{named}"),
                        false => named.to_owned(),
                    };
                    let is = format!("{} (formerly {was})", self::name(copy));
                    text = text.replace(&was, &is);
                }
                let text = format!("{}\n{text}", said::line(comment));
                (words(&text), comment.public)
            })
            .collect();
        assert_eq!(said, expected, "{name}");
    }
}

pub(crate) fn mapping(name: &str) -> String {
    let path = repository().join(format!("mappings/{name}.toml"));
    path.display().to_string()
}

/// Runs a migration and reads its summary.
pub(crate) fn migrate(
    work: &Work,
    from: &str,
    to: &str,
    name: &str,
    further: &[&str],
) -> (i32, Value) {
    let mapping = mapping(name);
    let mut all = vec!["migrate", "--from", from, "--to", to];
    all.extend(["--mapping", mapping.as_str(), "--format", "json"]);
    all.extend(further);
    let ended = work.run(&all);
    let summary = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("no summary ({error})\n{}\n{}", ended.stdout, ended.stderr));
    (ended.code.unwrap(), summary)
}

/// Reads a pass back: each ticket shows what was sent, with the numbers of the target where it names others, and nothing of
/// the source is lost that the mapping does not give up.
fn assert_verified(work: &Work, run: &str, all: u64) {
    let ended = work.run(&["verify", run, "--format", "json"]).expect(0);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let tally = &report["tally"];
    assert_eq!(
        (&tally["equal"], &tally["open"]),
        (&json!(all), &json!(0)),
        "{}",
        ended.stderr
    );
}

fn assert_both_sandboxes(from: &str, to: &str, name: &str) {
    let work = Work::new();
    let source = tickets(&work, from);
    assert!(source.iter().any(|ticket| !ticket.comments.is_empty()));
    let all = source.len() as u64;
    let (code, rehearsed) = migrate(&work, from, to, name, &["--dry-run"]);
    assert_eq!(
        (code, &rehearsed["would_create"]),
        (0, &json!(all)),
        "{rehearsed:#}"
    );
    let before = tickets(&work, to).len();
    let (code, summary) = migrate(&work, from, to, name, &[]);
    assert_eq!((code, &summary["created"]), (0, &json!(all)), "{summary:#}");
    let target = tickets(&work, to);
    assert_eq!(target.len() - before, source.len());
    assert_moved(&source, &target);
    assert_verified(&work, summary["run"].as_str().unwrap(), all);
    // The next pass has nothing to do.
    let (code, next) = migrate(&work, from, to, name, &[]);
    assert_eq!((code, &next["skipped"]), (0, &json!(all)), "{next:#}");
    assert_eq!(next["requests"], 0, "{next:#}");
}

#[test]
fn incidents_go_into_clearfeed_with_their_conversations() {
    assert_both_sandboxes(
        "sandbox:incidentiq",
        "sandbox:clearfeed",
        "incidentiq-to-clearfeed",
    );
}

#[test]
fn requests_go_into_incidentiq_with_their_conversations() {
    assert_both_sandboxes(
        "sandbox:clearfeed",
        "sandbox:incidentiq",
        "clearfeed-to-incidentiq",
    );
}

#[test]
fn incidents_go_into_another_site() {
    assert_both_sandboxes(
        "sandbox:incidentiq",
        "sandbox:incidentiq-2",
        "incidentiq-to-incidentiq",
    );
}

#[test]
fn requests_go_into_another_workspace() {
    assert_both_sandboxes(
        "sandbox:clearfeed",
        "sandbox:clearfeed-2",
        "clearfeed-to-clearfeed",
    );
}

#[test]
fn a_pass_is_verified_whole_after_a_smaller_one() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let (code, first) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    assert_eq!((code, &first["created"]), (0, &json!(30)), "{first:#}");
    let run = first["run"].as_str().unwrap();
    let (code, sample) = migrate(
        &work,
        "district",
        "support",
        INTO_CLEARFEED,
        &["--sample", "5"],
    );
    assert_eq!((code, &sample["skipped"]), (0, &json!(5)), "{sample:#}");
    assert_verified(&work, run, 30);
    let ended = work.run(&["verify", run, "--format", "json"]).expect(0);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let columns = report["columns"].as_array().unwrap();
    let title = columns.iter().find(|column| column["field"] == "title");
    assert_eq!(title.unwrap()["filled"], 30, "{report:#}");
    let spool = work.state().join("migrate/district-to-support.jsonl");
    let text = std::fs::read_to_string(&spool).unwrap();
    let copies = tickets(&work, "support");
    let copies = moved(&copies);
    let is_left = |name: &&&String| !text.contains(&format!("\"number\":\"{name}\""));
    let left = copies
        .keys()
        .filter(|name| is_left(&name))
        .collect::<Vec<_>>();
    assert_eq!(left.len(), 25);
    let id = copies[left[0]][0].id.trim_start_matches("req_");
    let path = format!("v1/rest/requests/{id}");
    sandbox.person(
        "PATCH",
        "clearfeed",
        &path,
        json!({"title": "Nothing of that"}),
    );
    let verify = || -> Vec<Value> {
        let ended = work.run(&["verify", run, "--format", "json"]).expect(1);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        report["findings"].as_array().unwrap().clone()
    };
    let found = verify();
    assert_eq!(
        (found.len(), &found[0]["what"]),
        (1, &json!("title")),
        "{found:#?}"
    );
    // Without what the first pass has read nobody can compare, and that is said.
    std::fs::remove_file(spool.with_extension("earlier.jsonl")).unwrap();
    let found = verify();
    assert_eq!(found.len(), 25, "{found:#?}");
    let is_open = |it: &Value| (&it["what"], &it["is_open"]) == (&json!("row"), &json!(true));
    assert!(found.iter().all(is_open), "{found:#?}");
}

#[test]
fn the_old_tickets_say_where_they_have_gone() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    // What people say is no note of ours, whatever it looks like.
    let id = tickets(&work, "district")[0].id.clone();
    say(&sandbox, &id, "This ticket has moved to Facilities", false);
    let before = tickets(&work, "district");
    let noting = ["--note-source", "--limit", "5"];
    let (code, summary) = migrate(&work, "district", "support", INTO_CLEARFEED, &noting);
    assert_eq!((code, &summary["created"]), (0, &json!(5)), "{summary:#}");
    let notes = |work: &Work| -> Vec<String> {
        let after = tickets(work, "district");
        let olds = before.iter().map(|old| (old, old.comments.len()));
        let said = olds.flat_map(|(old, count)| {
            let now = after.iter().find(|ticket| ticket.id == old.id).unwrap();
            now.comments[count..].to_vec()
        });
        said.map(|comment| {
            assert_eq!(comment.public, Some(false), "{comment:?}");
            comment.text
        })
        .collect()
    };
    let first = notes(&work);
    assert_eq!(first.len(), 5, "{first:?}");
    let target = tickets(&work, "support");
    let copies = moved(&target);
    for copy in copies.values().map(|copies| copies[0]) {
        let note = format!("This ticket has moved to {}", name(copy));
        assert!(
            first.iter().any(|text| text.starts_with(&note)),
            "{first:?}"
        );
    }
    // Our own notes are none of the conversation, and each ticket has one.
    let (code, next) = migrate(
        &work,
        "district",
        "support",
        INTO_CLEARFEED,
        &["--note-source"],
    );
    assert_eq!(code, 0, "{next:#}");
    assert_eq!(
        (&next["created"], &next["updated"], &next["skipped"]),
        (&json!(25), &json!(0), &json!(5)),
        "{next:#}"
    );
    assert_eq!(notes(&work).len(), 30);
    assert_moved(&before, &tickets(&work, "support"));
    // What is taken back is said there too.
    let run = summary["run"].as_str().unwrap();
    let ended = work.run(&["runs", "rollback", run]).expect(0);
    let line = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("  notes "));
    let command = line.unwrap().split("deskferry ").nth(1).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    work.run(&words).expect(0);
    let all = notes(&work);
    let taken = all
        .iter()
        .filter(|text| text.starts_with("The move to CF-"));
    assert_eq!((all.len(), taken.count()), (35, 5));
    drop(sandbox);
}

#[test]
fn all_that_was_taken_back_is_said_on_the_old_tickets_whatever_died() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let noting = ["--note-source", "--limit", "12"];
    let (_, first) = migrate(&work, "district", "support", INTO_CLEARFEED, &noting);
    assert_eq!(first["created"], 12, "{first:#}");
    // A smaller pass has notes of its own.
    let noting = ["--note-source", "--sample", "3"];
    migrate(&work, "district", "support", INTO_CLEARFEED, &noting);
    let (_, last) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    let messages = || {
        accepted(&sandbox)
            .get("message")
            .copied()
            .unwrap_or_default()
    };
    let before = messages();
    let run = first["run"].as_str().unwrap();
    let mut rolling = work.command(&["runs", "rollback", run, "--rate", "10/s"]);
    let mut rolling = rolling.stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while messages() < before + 4 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    rolling.kill().unwrap();
    rolling.wait().unwrap();
    assert!((before + 4..before + 12).contains(&messages()));
    work.run(&["runs", "rollback", run]).expect(0);
    let rows = work.read("state/migrate/district-to-support.taken-back.jsonl");
    assert_eq!(rows.lines().count(), 12, "{rows}");
    // Tickets that say nothing of a move have nothing to take back.
    let run = last["run"].as_str().unwrap();
    let told = work.run(&["runs", "rollback", run]).expect(0).stderr;
    assert!(!told.contains("  notes "), "{told}");
}

#[test]
fn a_ticket_that_was_taken_back_is_named_by_nobody() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let source = tickets(&work, "district");
    let (one, other) = (&source[3], &source[9]);
    let note = format!("The same as #{}", name(other));
    say(&sandbox, &one.id, &note, false);
    let (_, first) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    let run = first["run"].as_str().unwrap();
    work.run(&["runs", "rollback", run]).expect(0);
    // This pass makes the one anew, and not the other.
    let filter = format!("number == '{}'", name(one));
    let (code, next) = migrate(
        &work,
        "district",
        "support",
        INTO_CLEARFEED,
        &["--where", &filter],
    );
    assert_eq!((code, &next["created"]), (0, &json!(1)), "{next:#}");
    let target = tickets(&work, "support");
    let copies = &moved(&target)[name(one)];
    let says =
        |copy: &&&CommonTicket, text: &str| copy.comments.iter().any(|it| it.text.contains(text));
    let formerly = format!("(formerly #{})", name(other));
    assert_eq!(
        copies.iter().filter(|copy| says(copy, &formerly)).count(),
        1
    );
    assert_eq!(copies.iter().filter(|copy| says(copy, &note)).count(), 1);
}

#[test]
fn a_description_that_names_other_tickets_names_those_of_the_target() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let source = tickets(&work, "district");
    let (one, other) = (&source[3], &source[9]);
    let text = format!("The same as #{}, and not #77.", name(other));
    let path = format!("api/v1.0/tickets/{}/description", one.id);
    let body = json!({"Description": text});
    sandbox.person("POST", "incidentiq", &path, body);
    let (code, summary) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    assert_eq!(code, 0, "{summary:#}");
    let target = tickets(&work, "support");
    let moved = moved(&target);
    let copy = moved[name(one)][0];
    // No call changes ClearFeed's texts: a note says it.
    assert!(
        copy.description.as_deref().unwrap().contains(&text),
        "{copy:?}"
    );
    let expected = format!(
        "Tickets that the description names: {} (formerly #{})",
        name(moved[name(other)][0]),
        name(other)
    );
    let note = &copy.comments[0];
    let words: Vec<&str> = note.text.split_whitespace().collect();
    assert_eq!((words.join(" "), note.public), (expected, Some(false)));
    assert_verified(&work, summary["run"].as_str().unwrap(), 30);
    let (code, next) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    assert_eq!((code, &next["skipped"]), (0, &json!(30)), "{next:#}");

    // Into IncidentIQ the description itself is written once more, with its reference.
    let of = tickets(&work, "support");
    let text = |ticket: &CommonTicket| ticket.description.clone().unwrap_or_default();
    let is_own = |ticket: &&CommonTicket| !text(ticket).contains("Moved from");
    let other = name(of.iter().find(is_own).unwrap()).to_owned();
    let request = json!({"collection_id": 11, "title": "Once more", "requester_email": "a@acme.example",
        "description": format!("See {other} first.")});
    sandbox.person("POST", "clearfeed", "v1/rest/requests", request);
    let (code, summary) = migrate(&work, "support", "district", "clearfeed-to-incidentiq", &[]);
    assert_eq!(code, 0, "{summary:#}");
    let target = tickets(&work, "district");
    let moved = self::moved(&target);
    let is_it = |ticket: &&CommonTicket| ticket.title.as_deref() == Some("Once more");
    let copy = target.iter().find(is_it).unwrap();
    let text = copy.description.as_deref().unwrap();
    let expected = format!(
        "See {} (formerly {other}) first.",
        name(moved[other.as_str()][0])
    );
    assert!(text.contains(&expected), "{expected}: {text}");
    assert!(text.contains("Ref: "), "{text}");
    let all = summary["created"].as_u64().unwrap();
    let run = summary["run"].as_str().unwrap();
    assert_verified(&work, run, all);
    // One character of a description is a finding too.
    let path = format!("api/v1.0/tickets/{}/description", copy.id);
    let body = json!({"Description": text.replace("first", "fjrst")});
    sandbox.person("POST", "incidentiq", &path, body);
    let ended = work.run(&["verify", run, "--format", "json"]).expect(1);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report:#}");
    assert_eq!(findings[0]["what"], "description", "{report:#}");
}

/// A sandbox of which IncidentIQ is the source and ClearFeed the target.
pub(crate) fn desks(work: &Work, further: &[&str]) -> SandboxProcess {
    let mut arguments = vec!["--rate", "0", "--tickets", "30", "--comments", "3"];
    arguments.extend(further);
    let sandbox = SandboxProcess::start(work, &arguments);
    sandbox.profiles(
        work,
        "rate = \"300/s\"\ntimeout = \"2s\"\ncommit_within = \"1200ms\"\nvisible_within = \"100ms\"",
    );
    sandbox
}

pub(crate) const INTO_CLEARFEED: &str = "incidentiq-to-clearfeed";

/// What ClearFeed has accepted from us, by operation.
fn accepted(sandbox: &SandboxProcess) -> BTreeMap<String, usize> {
    let mut accepted = BTreeMap::new();
    for entry in sandbox.audit() {
        if entry["system"] == "clearfeed" {
            let operation = entry["operation"].as_str().unwrap().to_owned();
            *accepted.entry(operation).or_default() += 1;
        }
    }
    accepted
}

#[test]
fn a_later_pass_brings_what_is_new_and_what_has_changed() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let source = tickets(&work, "district");
    let (code, first) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    assert_eq!((code, &first["created"]), (0, &json!(30)), "{first:#}");
    let before = accepted(&sandbox);
    let is_open = |ticket: &&CommonTicket| ticket.standing == Standing::Open;
    let open: Vec<_> = source.iter().filter(is_open).collect();
    let person = |id: &str, path: &str, body: Value| {
        let path = format!("api/v1.0/tickets/{id}/{path}");
        sandbox.person("POST", "incidentiq", &path, body);
    };
    let comment = "Spark.Shared.Models.TicketActivityComment, Spark.Shared";
    person(
        &open[0].id,
        "activities/new",
        json!({"TicketId": open[0].id, "IsPublic": true, "ActivityItems": [
            {"$type": comment, "TicketActivityTypeId": 6, "Comments": "One more thing"},
        ]}),
    );
    person(&open[1].id, "close", json!({}));
    person(&open[2].id, "subject", json!({"Subject": "Another title"}));
    let (code, rehearsed) = migrate(&work, "district", "support", INTO_CLEARFEED, &["--dry-run"]);
    assert_eq!(
        (code, &rehearsed["would_update"]),
        (0, &json!(3)),
        "{rehearsed:#}"
    );
    let (code, next) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    assert_eq!(code, 0, "{next:#}");
    assert_eq!(
        (&next["created"], &next["updated"], &next["skipped"]),
        (&json!(0), &json!(3), &json!(27)),
        "{next:#}"
    );
    assert_moved(&tickets(&work, "district"), &tickets(&work, "support"));
    let after = accepted(&sandbox);
    let more = |operation: &str| {
        let of = |counts: &BTreeMap<String, usize>| *counts.get(operation).unwrap_or(&0);
        of(&after) - of(&before)
    };
    assert_eq!((more("create"), more("message"), more("update")), (0, 1, 2));
}

#[test]
fn the_state_comes_after_what_was_said() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
    let ours: Vec<Value> = sandbox
        .audit()
        .into_iter()
        .filter(|entry| entry["system"] == "clearfeed")
        .collect();
    // All tickets are made before anything is said on one of them.
    let last_made = ours
        .iter()
        .rposition(|entry| entry["operation"] == "create");
    let first_said = ours
        .iter()
        .position(|entry| entry["operation"] == "message");
    assert!(last_made < first_said, "{last_made:?} {first_said:?}");
    let mut closed: Vec<&Value> = Vec::new();
    for entry in &ours {
        assert!(!closed.contains(&&entry["id"]), "{entry:#}");
        if ["state", "status"]
            .iter()
            .any(|name| entry["body"][name] == "closed")
        {
            closed.push(&entry["id"]);
        }
    }
    assert!(closed.len() > 10);
}

/// Two desks of their own: IncidentIQ, which works well, and ClearFeed, which breaks by a seed in every way that a client
/// survives by itself.
struct Apart {
    work: Work,
    target: SandboxProcess,
    _source: SandboxProcess,
}

impl Apart {
    fn new(seed: u64, tickets: usize, comments: usize) -> Self {
        let work = Work::new();
        let (seed, tickets, comments) =
            (seed.to_string(), tickets.to_string(), comments.to_string());
        let source = ["--rate", "0", "--seed", &seed, "--tickets", &tickets];
        let source = [&source[..], &["--comments", &comments]].concat();
        let source = SandboxProcess::start(&work, &source);
        let data = work.path().join("data").display().to_string();
        let mut broken = vec!["--rate", "0", "--seed", &seed, "--data", &data];
        for fault in FAULTS {
            broken.extend(["--fault", fault]);
        }
        let target = SandboxProcess::start(&work, &broken);
        work.write("source-token", source.told("token"));
        work.write("target-token", target.told("token"));
        let waits = "timeout = \"2s\"\ncommit_within = \"1200ms\"\nvisible_within = \"100ms\"";
        let profiles = format!(
            "[profiles.district]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\n\
             token = {{ file = \"source-token\" }}\nrate = \"2000/s\"\n\
             [profiles.support]\nsystem = \"clearfeed\"\nurl = \"{}\"\ntenant = \"acme\"\n\
             token = {{ file = \"target-token\" }}\nrate = \"{}/s\"\n{waits}\n",
            source.told("incidentiq"),
            source.told("site_id"),
            target.told("clearfeed"),
            setting("MIGRATE_RATE", 300),
        );
        work.write("deskferry.toml", profiles);
        Self {
            work,
            target,
            _source: source,
        }
    }

    fn pass(&self) -> std::process::Command {
        let mapping = mapping(INTO_CLEARFEED);
        let all = [
            "migrate",
            "--from",
            "district",
            "--to",
            "support",
            "--mapping",
            &mapping,
            "--format",
            "json",
        ];
        self.work.command(&all)
    }

    /// Dies by itself at each of these places.
    fn die_at(&self, places: &[&str]) {
        for place in places {
            let mut killed = self.pass();
            killed.env("DESKFERRY_CRASH", place).output().unwrap();
        }
    }

    /// Is killed so many times, each time after these milliseconds at the latest.
    fn kill(&self, times: usize, longest: usize, dice: &mut Dice) {
        for _ in 0..times {
            let mut child = self.pass().stderr(Stdio::null()).spawn().unwrap();
            let lives = Duration::from_millis(300 + dice.below(longest) as u64);
            let until = Instant::now() + lives;
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
            // It may be over by itself.
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Passes until nothing is left to do; how many there were.
    fn finish(&self) -> usize {
        let mut last = String::new();
        for pass in 1..=PASSES {
            let output = self.pass().output().unwrap();
            let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let code = output.status.code();
            last = String::from_utf8_lossy(&output.stderr).into_owned() + &summary.to_string();
            // Nobody has asked it to stop.
            assert!(matches!(code, Some(0 | 1 | 3)), "{code:?}: {last}");
            if code == Some(0) && summary["skipped"] == summary["records"] {
                return pass;
            }
            // What was lost three times in a row is left to a person, who sends it again.
            self.work.run(&["runs", "retry", "last", "--quiet"]);
        }
        panic!("it does not come to its end: {last}");
    }

    /// Each ticket of the source is in the target once, with all that was said on it in its order, and reading the run back
    /// finds the same.
    fn assert_whole(&self) {
        let source = tickets(&self.work, "district");
        assert_moved(&source, &tickets(&self.work, "support"));
        assert_eq!(self.target.created("clearfeed").len(), source.len());
        let ended = (self.work).run(&["verify", "last", "--full", "--format", "json"]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let tally = &report["tally"];
        let is_equal = (&tally["compared"], &tally["open"]) == (&json!(source.len()), &json!(0));
        assert!(is_equal, "{tally:#}\n{}", ended.stderr);
    }
}

/// So many passes a migration may take until all is done.
const PASSES: usize = 20;

fn setting(name: &str, default: usize) -> usize {
    let set = std::env::var(name).ok();
    set.and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_is_lost_or_doubled_whatever_dies_when() {
    let apart = Apart::new(7, 8, 2);
    apart.die_at(&["after-send:5", "before-outcome:12"]);
    apart.kill(1, 600, &mut Dice::new(7));
    apart.finish();
    apart.assert_whole();
}

#[test]
#[ignore = "minutes to hours, by MIGRATE_TICKETS: see docs/migrating.md"]
fn a_whole_desk_is_moved_whatever_dies_when() {
    let seed = setting("MIGRATE_SEED", 7);
    let all = setting("MIGRATE_TICKETS", 1_000);
    let kills = setting("MIGRATE_KILLS", 10);
    let apart = Apart::new(seed as u64, all, setting("MIGRATE_COMMENTS", 5));
    let started = Instant::now();
    let places = [
        "after-intent:9",
        "before-send:40",
        "after-send:25",
        "before-outcome:30",
    ];
    apart.die_at(&places);
    let mut dice = Dice::new(seed as u64);
    let longest = setting("MIGRATE_LIVES", 1_000 + all * 10);
    apart.kill(kills, longest, &mut dice);
    println!("killed {kills} times after {:?}", started.elapsed());
    let passes = apart.finish();
    println!("{passes} passes to the end after {:?}", started.elapsed());
    println!("accepted: {:?}", accepted(&apart.target));
    apart.assert_whole();
    println!("verified after {:?}", started.elapsed());
}

/// The files below a folder that hold this text.
fn holding(folder: &std::path::Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let words = text.lines().next().unwrap().as_bytes();
            if bytes.windows(words.len()).any(|part| part == words) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_purged_migration_leaves_no_text_of_the_source() {
    for keeps_ids in [true, false] {
        let work = Work::new();
        let sandbox = desks(&work, &[]);
        let source = tickets(&work, "district");
        let mut words = source.iter().flat_map(|ticket| &ticket.comments);
        let said = words.next().unwrap().text.clone();
        let limit = ["--limit", "3"];
        let (_, first) = migrate(&work, "district", "support", INTO_CLEARFEED, &limit);
        assert_eq!(first["created"], 3, "{first:#}");
        let kept = || {
            let files = std::fs::read_dir(work.state().join("migrate")).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut endings: Vec<String> = names
                .map(|name| name.rsplit('.').next().unwrap().to_owned())
                // Which profile a source was read by, of all migrations.
                .filter(|ending| ending != "json")
                .collect();
            endings.sort();
            endings
        };
        assert_eq!(kept(), ["closed", "jsonl", "jsonl"]);
        // What a killed process has left of a private file.
        std::fs::create_dir_all(work.state().join("files")).unwrap();
        work.write("state/files/file-1", "private");
        let texts = || holding(&work.state(), &said);
        assert!(!texts().is_empty());
        let code = first["run"].as_str().unwrap();
        if !keeps_ids {
            let purge = ["runs", "purge", code, "--confirm", code];
            work.run(&purge).expect(0);
            assert!(kept().is_empty(), "{:?}", kept());
            assert_eq!(texts(), Vec::<std::path::PathBuf>::new());
            assert!(!work.state().join("files/file-1").exists());
            let read = std::fs::read_dir(work.state().join("replica")).unwrap();
            assert_eq!(read.count(), 0);
            continue;
        }
        work.run(&["runs", "purge", code, "--keep", "ids"])
            .expect(0);
        // Which ticket was closed stays, and what those that comments name are called now: no text is in these.
        assert_eq!(kept(), ["closed", "jsonl"]);
        assert_eq!(texts(), Vec::<std::path::PathBuf>::new());
        let (code, next) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
        assert_eq!((code, &next["created"]), (0, &json!(27)), "{next:#}");
        assert_eq!(sandbox.created("clearfeed").len(), 30);
    }
}

/// A migration that is refused before anything is read or sent: the error that people see.
fn refused(work: &Work, arguments: &[&str]) -> String {
    let mut all = vec!["migrate"];
    all.extend(arguments);
    work.run(&all).expect(2).stderr
}

#[test]
fn what_cannot_be_a_migration_is_refused() {
    let work = Work::new();
    let ready = mapping(INTO_CLEARFEED);
    let text = std::fs::read_to_string(&ready).unwrap();
    work.write("key.toml", text.replace("[\"source\", \"id\"]", "[\"id\"]"));
    work.write("update.toml", text.replace("\"upsert\"", "\"update\""));
    for (scene, from, to, mapping) in [
        ("key_without_source", "incidentiq", "clearfeed", "key.toml"),
        ("only_an_update", "incidentiq", "clearfeed", "update.toml"),
        ("into_itself", "incidentiq", "incidentiq", &ready),
        ("from_no_sandbox", "jira", "clearfeed", &ready),
        ("into_another_system", "incidentiq", "incidentiq-2", &ready),
    ] {
        let (from, to) = (format!("sandbox:{from}"), format!("sandbox:{to}"));
        let all = ["--from", &from, "--to", &to, "--mapping", mapping];
        insta::assert_snapshot!(scene, work.shown(&refused(&work, &all)));
    }
}

#[test]
fn a_tenant_under_two_names_is_not_migrated_into_itself() {
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let profiles = work.read("deskferry.toml");
    let again = profiles.replace("profiles.support", "profiles.other");
    let only = again.split("[profiles.other]").nth(1).unwrap();
    work.write(
        "deskferry.toml",
        format!("{profiles}\n[profiles.other]{only}"),
    );
    let mapping = mapping("clearfeed-to-clearfeed");
    let told = refused(
        &work,
        &["--from", "support", "--to", "other", "--mapping", &mapping],
    );
    insta::assert_snapshot!("one_tenant_under_two_names", work.shown(&told));
    assert!(sandbox.created("clearfeed").is_empty());
}

/// A server before the sandbox that leaves the first ticket out of every page of tickets.
async fn liar(sandbox: &SandboxProcess) -> MockServer {
    between(sandbox.told("incidentiq"), |request, ask| {
        let (status, headers, text) = ask();
        let is_list = request.url.path().ends_with("/tickets");
        let text = match serde_json::from_str::<Value>(&text) {
            Ok(mut page)
                if is_list && page["Items"].as_array().is_some_and(|it| !it.is_empty()) =>
            {
                page["Items"].as_array_mut().unwrap().remove(0);
                page.to_string()
            }
            _ => text,
        };
        (status, headers, text)
    })
    .await
}

#[test]
fn nothing_is_sent_where_the_source_may_hold_more() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let server = runtime.block_on(liar(&sandbox));
    let profiles = work.read("deskferry.toml");
    let own = sandbox.told("incidentiq");
    work.write("deskferry.toml", profiles.replace(own, &server.uri()));
    let mapping = mapping(INTO_CLEARFEED);
    let ended = work
        .run(&[
            "migrate",
            "--from",
            "district",
            "--to",
            "support",
            "--mapping",
            &mapping,
        ])
        .expect(1);
    insta::assert_snapshot!("source_may_hold_more", work.shown(&ended.stderr));
    assert!(sandbox.created("clearfeed").is_empty());
}

/// Hangs a file on a ticket of the IncidentIQ side; its id.
fn hang(sandbox: &SandboxProcess, ticket: &CommonTicket, name: &str, content: &str) -> String {
    let body = json!({"FileName": name, "Content": content});
    sandbox.person("POST", "incidentiq", "api/v1.0/files/base64/save", body);
    let audit = sandbox.audit();
    let mut files = audit.iter().rev();
    let file = files.find(|entry| entry["operation"] == "file").unwrap();
    let file = file["id"].as_str().unwrap().to_owned();
    sandbox.person("POST", "incidentiq", &hung(&file, ticket), json!({}));
    file
}

/// The path of a file on its ticket.
fn hung(file: &str, ticket: &CommonTicket) -> String {
    let id = &ticket.id;
    format!("api/v1.0/files/{file}/entity/888891ac-91aa-e711-80c2-100dffa00001/{id}")
}

/// Hangs files on the first tickets of the IncidentIQ side, one of them twice with the same content.
pub(crate) fn hang_files(sandbox: &SandboxProcess, tickets: &[CommonTicket]) {
    let files = [
        ("log.txt", "aXQgYnJva2U="),
        ("a/b photo.png", "iVBORw=="),
        ("copy.txt", "aXQgYnJva2U="),
    ];
    for ticket in tickets.iter().take(2) {
        for (name, content) in files {
            hang(sandbox, ticket, name, content);
        }
    }
}

const SMALL_SOURCE: &str = "ID,Title\n1,one\n2,two\n3,three\n";

/// A sandbox with three tickets in IncidentIQ, of which two have files.
fn with_files(work: &Work) -> (SandboxProcess, Vec<CommonTicket>) {
    let sandbox = SandboxProcess::start(work, &["--rate", "0"]);
    sandbox.profiles(
        work,
        "rate = \"100000/s\"\ncommit_within = \"1s\"\nvisible_within = \"1s\"",
    );
    work.write("small.csv", SMALL_SOURCE);
    work.write(
        "small.toml",
        "version = 2\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"small\"\nkey = [\"ID\"]\n[fields]\n\
         Subject = { from = \"Title\" }\nIssueDescription = { value = \"x\" }\nIssueId = { value = \"Other\" }\n\
         LocationId = { value = \"District Office\" }\nForId = { value = \"helpdesk@district.example\" }\n",
    );
    work.import(&[
        "small.csv",
        "--mapping",
        "small.toml",
        "--profile",
        "district",
    ])
    .0
    .expect(0);
    let source = tickets(work, "district");
    assert_eq!(source.len(), 3);
    hang_files(&sandbox, &source);
    (sandbox, source)
}

#[test]
fn the_files_of_tickets_are_kept_where_the_target_takes_none() {
    let work = Work::new();
    let (sandbox, source) = with_files(&work);
    let (code, summary) = migrate(&work, "district", "support", "incidentiq-to-clearfeed", &[]);
    assert_eq!((code, &summary["created"]), (0, &json!(3)), "{summary:#}");
    for ticket in &source[..2] {
        let at = |name: &str| format!("attachments/{}/{name}", folder_of(&work, ticket));
        assert_eq!(work.read(&at("log.txt")), "it broke");
        assert_eq!(work.read(&at("copy.txt")), "it broke");
        assert!(work.path().join(at("b photo.png")).exists());
        assert!(work.read(&at("index.html")).contains("log.txt"));
    }
    let notes = |sandbox: &SandboxProcess| {
        let mut audit = sandbox.audit();
        audit.retain(|it| it["operation"] == "message" && it["system"] == "clearfeed");
        audit.retain(|it| it["body"].to_string().contains("in the archive"));
        audit.len()
    };
    assert_eq!(notes(&sandbox), 2);
    let (code, again) = migrate(&work, "district", "support", "incidentiq-to-clearfeed", &[]);
    assert_eq!((code, &again["created"]), (0, &json!(0)), "{again:#}");
    assert_eq!(notes(&sandbox), 2);
}

#[test]
fn what_the_source_answers_in_the_place_of_a_file_is_not_taken_for_it() {
    let work = Work::new();
    let (sandbox, source) = with_files(&work);
    // Two files of one ticket, each as often as it is tried.
    let fault = json!({"operation": "download", "fault": "error-in-200", "times": 6});
    sandbox.admin("POST", "faults", Some(fault));
    let more = ["--concurrency", "1"];
    let (code, summary) = migrate(
        &work,
        "district",
        "support",
        "incidentiq-to-clearfeed",
        &more,
    );
    assert_eq!(
        (code, &summary["created"], &summary["incomplete"]),
        (1, &json!(3), &json!(1)),
        "{summary:#}"
    );
    let causes = summary["causes"].to_string();
    assert!(
        causes.contains("bytes came, and the desk says that it has"),
        "{summary:#}"
    );
    let kept = |ticket: &CommonTicket| {
        let folder = folder_of(&work, ticket);
        let folder = work.path().join("attachments").join(folder);
        let files = std::fs::read_dir(folder).unwrap();
        files.count()
    };
    let mut counts: Vec<usize> = source[..2].iter().map(kept).collect();
    counts.sort_unstable();
    // The list and the page are beside the files.
    assert_eq!(counts, [3, 5]);
    let ended = work.run(&["runs", "retry", "last"]).expect(0);
    assert!(
        source[..2].iter().all(|ticket| kept(ticket) == 5),
        "{}",
        ended.both()
    );
}

/// The folder of a ticket's files in the archive: it names the source and the number.
fn folder_of(work: &Work, ticket: &CommonTicket) -> String {
    let folders = std::fs::read_dir(work.path().join("attachments")).unwrap();
    let mut names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let ending = format!("-{}", name(ticket));
    let found = names.find(|folder| folder.ends_with(&ending));
    found.unwrap_or_else(|| panic!("no folder of {ending}"))
}

#[test]
fn a_file_that_is_deleted_in_the_source_changes_nothing_in_the_target() {
    let work = Work::new();
    let (sandbox, source) = with_files(&work);
    let other = SandboxProcess::start(&work, &["--rate", "0"]);
    let config = work.read("deskferry.toml");
    let more = format!(
        "{config}\n[profiles.other]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\ntoken = {{ file = \"token\" }}\n\
         rate = \"100000/s\"\ncommit_within = \"1s\"\nvisible_within = \"1s\"\n",
        other.told("incidentiq"),
        other.told("site_id"),
    );
    work.write("deskferry.toml", more);
    let ticket = &source[2];
    let first = hang(&sandbox, ticket, "a.png", "b25l");
    hang(&sandbox, ticket, "a.png", "dHdv");
    hang(&sandbox, ticket, "b.png", "dGhyZWU=");
    let count = |sandbox: &SandboxProcess, operation: &str, text: &str| {
        let mut audit = sandbox.audit();
        audit.retain(|it| it["operation"] == operation && it["body"].to_string().contains(text));
        audit.len()
    };
    let targets = [
        ("support", "incidentiq-to-clearfeed"),
        ("other", "incidentiq-to-incidentiq"),
    ];
    let pass = || {
        for (to, name) in targets {
            let (code, summary) = migrate(&work, "district", to, name, &[]);
            assert_eq!(code, 0, "{summary:#}");
            let run = summary["run"].as_str().unwrap();
            assert_verified(&work, run, 3);
        }
        let notes = count(&sandbox, "message", "in the archive");
        (notes, count(&other, "file_link", ""))
    };
    assert_eq!(pass(), (3, 9 - 2));
    let folder = folder_of(&work, ticket);
    let read = |name: &str| work.read(&format!("attachments/{folder}/{name}"));
    assert_eq!(
        (read("a.png"), read("a (2).png")),
        ("one".into(), "two".into())
    );
    sandbox.person("DELETE", "incidentiq", &hung(&first, ticket), json!({}));
    assert_eq!(pass(), (3, 7));
    assert_eq!(
        (read("a.png"), read("a (2).png")),
        ("one".into(), "two".into())
    );
    // A new one comes alone, under a name that none has, with a note of its own.
    hang(&sandbox, ticket, "a.png", "Zm91cg==");
    assert_eq!(pass(), (4, 8));
    let note = sandbox.audit();
    let note = note.iter().rev().find(|it| it["operation"] == "message");
    let note = note.unwrap()["body"].to_string();
    assert!(note.contains("3 files in the archive"), "{note}");
    for (name, content) in [
        ("a (2).png", "two"),
        ("b.png", "three"),
        ("a (4).png", "four"),
    ] {
        assert_eq!(read(name), content);
        assert!(note.contains(&format!("- {name}")), "{note}");
    }
    assert_eq!(pass(), (4, 8));
    // What only the last pass brought is looked for under the name that it has.
    let path = format!("attachments/{folder}/a (4).png");
    std::fs::remove_file(work.path().join(path)).unwrap();
    let (_, summary) = migrate(&work, "district", "support", targets[0].1, &[]);
    let ended = work.run(&["verify", summary["run"].as_str().unwrap()]);
    let told = ended.expect(1).stderr;
    assert!(told.contains("file `a (4).png`"), "{told}");
    assert!(told.contains("1 difference is open"), "{told}");
}

#[test]
fn tickets_of_one_number_in_two_sources_never_share_a_folder() {
    let work = Work::new();
    let (sandbox, _) = with_files(&work);
    let ready = std::fs::read_to_string(mapping("incidentiq-to-clearfeed")).unwrap();
    // A mapping of an earlier version, whose folders name no source.
    let old = ready.replace(
        "template = \"{{ source }}-{{ number or id }}\"",
        "from = \"number\"",
    );
    assert_ne!(old, ready);
    work.write("north.toml", &old);
    // To the archive a ticket of another key is one of another source.
    let other = old
        .replace("[\"source\", \"id\"]", "[\"source\", \"id\", \"number\"]")
        .replace("scope    = \"", "scope    = \"south-");
    assert_ne!(other, old);
    work.write("south.toml", &other);
    let pass = |mapping: &str| {
        let from = ["migrate", "--from", "district", "--to", "support"];
        work.run(&[&from[..], &["--mapping", mapping]].concat())
    };
    pass("north.toml").expect(0);
    let notes = |sandbox: &SandboxProcess| {
        let mut audit = sandbox.audit();
        audit.retain(|it| it["body"].to_string().contains("in the archive"));
        audit.len()
    };
    assert_eq!(notes(&sandbox), 2);
    let ended = pass("south.toml");
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("holds the files of another ticket"),
        "{}",
        ended.stderr
    );
    assert_eq!(notes(&sandbox), 2);
    // A later pass of the first one goes on.
    pass("north.toml").expect(0);
}

#[test]
fn the_files_of_tickets_go_into_another_site_and_one_that_has_gone_keeps_nothing_else_back() {
    let work = Work::new();
    let (sandbox, source) = with_files(&work);
    let other = SandboxProcess::start(&work, &["--rate", "0"]);
    let config = work.read("deskferry.toml");
    let quick = "rate = \"100000/s\"\ncommit_within = \"1s\"\nvisible_within = \"1s\"";
    let more = format!(
        "{config}\n[profiles.other]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\ntoken = {{ file = \"token\" }}\n{quick}\n",
        other.told("incidentiq"),
        other.told("site_id"),
    );
    work.write("deskferry.toml", more);
    let audit = sandbox.audit();
    let photo = audit
        .iter()
        .find(|it| it["body"]["FileName"] == "a/b photo.png")
        .unwrap();
    // The tickets are read with it; then it goes.
    let gone = format!("api/v1.0/files/{}", photo["id"].as_str().unwrap());
    let (code, _) = migrate(
        &work,
        "district",
        "other",
        "incidentiq-to-incidentiq",
        &["--dry-run"],
    );
    assert_eq!(code, 0);
    sandbox.person("DELETE", "incidentiq", &gone, json!({}));
    let (code, summary) = migrate(&work, "district", "other", "incidentiq-to-incidentiq", &[]);
    let linked = |sandbox: &SandboxProcess| {
        let audit = sandbox.audit();
        audit
            .iter()
            .filter(|it| it["operation"] == "file_link")
            .count()
    };
    // The list of the source shows it no more: what is left goes, each content once a ticket.
    assert!(code == 0 || code == 1, "{summary:#}");
    assert_eq!(summary["created"], 3, "{summary:#}");
    assert_eq!(linked(&other), 3, "{summary:#}");
    assert_eq!(source.len(), 3);
}

/// Somebody comments on an incident.
fn say(sandbox: &SandboxProcess, id: &str, text: &str, is_public: bool) {
    let item = json!({"$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared",
        "TicketActivityTypeId": 6, "Comments": text, "IsPublic": is_public});
    let body = json!({"TicketId": id, "IsPublic": is_public, "ActivityItems": [item]});
    let path = format!("api/v1.0/tickets/{id}/activities/new");
    sandbox.person("POST", "incidentiq", &path, body);
}

#[test]
fn a_site_that_shows_no_internal_note_is_doubted() {
    let work = Work::new();
    let (sandbox, source) = with_files(&work);
    let pass = |code: i32| {
        let mapping = mapping(INTO_CLEARFEED);
        let desks = ["migrate", "--from", "district", "--to", "support"];
        let rest = ["--mapping", mapping.as_str(), "--dry-run"];
        work.run(&[&desks[..], &rest].concat()).expect(code).stderr
    };
    pass(0);
    say(&sandbox, &source[0].id, "for everybody", true);
    let told = pass(1);
    assert!(
        told.contains(
            "warning    `comments` of 1 ticket may not be whole: internal notes may be missing"
        ),
        "{told}"
    );
    say(&sandbox, &source[1].id, "for the team", false);
    pass(0);
}

#[test]
fn older_comments_become_one_note_and_a_later_pass_adds_only_what_is_new() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(
        &work,
        "rate = \"100000/s\"\ncommit_within = \"1s\"\nvisible_within = \"1s\"",
    );
    work.write("small.csv", "ID,Title\n1,one\n");
    work.write(
        "small.toml",
        "version = 2\nsystem = \"incidentiq\"\noperation = \"create\"\nscope = \"small\"\nkey = [\"ID\"]\n[fields]\n\
         Subject = { from = \"Title\" }\nIssueDescription = { value = \"x\" }\nIssueId = { value = \"Other\" }\n\
         LocationId = { value = \"District Office\" }\nForId = { value = \"helpdesk@district.example\" }\n",
    );
    work.import(&[
        "small.csv",
        "--mapping",
        "small.toml",
        "--profile",
        "district",
    ])
    .0
    .expect(0);
    let id = tickets(&work, "district")[0].id.clone();
    for text in ["one", "<p><img src='cid:1'></p>", "three"] {
        say(&sandbox, &id, text, true);
    }
    say(&sandbox, &id, "for the team", false);
    // All that is there is older than tomorrow.
    let tomorrow = jiff::Zoned::now().date().tomorrow().unwrap();
    let text = std::fs::read_to_string(mapping("incidentiq-to-clearfeed")).unwrap();
    let text = text.replace(
        "unmapped = \"warn\"",
        &format!("unmapped = \"warn\"\ncomments = {{ as = \"fold\", before = \"{tomorrow}\" }}"),
    );
    work.write("fold.toml", text);
    let pass = || {
        let ended = work.run(&[
            "migrate",
            "--from",
            "district",
            "--to",
            "support",
            "--mapping",
            "fold.toml",
            "--format",
            "json",
        ]);
        let summary: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
        assert_eq!(ended.code, Some(0), "{summary:#}\n{}", ended.stderr);
    };
    let said = || {
        let mut audit = sandbox.audit();
        audit.retain(|it| it["operation"] == "message" && it["system"] == "clearfeed");
        audit
            .iter()
            .map(|it| it["body"].to_string())
            .collect::<Vec<_>>()
    };
    pass();
    let notes = said();
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(
        notes[0].contains("one") && notes[0].contains("three"),
        "{notes:#?}"
    );
    assert_eq!(notes[0].matches("public reply:").count(), 3, "{notes:#?}");
    assert!(notes[0].contains("\"is_private\":true"), "{notes:#?}");
    pass();
    assert_eq!(said().len(), 1);
}
