//! One ticket at a time, on both systems, in the same words.

use serde_json::Value;

use crate::support::{SandboxProcess, Work};

/// A sandbox that both profiles lead to.
fn desk(arguments: &[&str]) -> (Work, SandboxProcess) {
    let work = Work::new();
    let mut all = vec!["--rate", "0"];
    all.extend(arguments);
    let sandbox = SandboxProcess::start(&work, &all);
    sandbox.profiles(
        &work,
        "rate = \"2000/s\"\ncommit_within = \"300ms\"\nvisible_within = \"100ms\"",
    );
    (work, sandbox)
}

/// Runs `ticket …` for scripts; its document.
#[track_caller]
fn json(work: &Work, arguments: &[&str], code: i32) -> Value {
    let all = [&["ticket"], arguments, &["--format", "json"]].concat();
    let ended = work.run(&all).expect(code);
    serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ended.stdout, ended.stderr))
}

/// Runs `ticket search …`; the numbers of its hits.
#[track_caller]
fn search(work: &Work, arguments: &[&str]) -> Vec<String> {
    let all = [&["ticket", "search"], arguments, &["--format", "json"]].concat();
    let lines = work.run(&all).expect(0).stdout;
    let number = |line: &str| {
        let ticket: Value = serde_json::from_str(line).unwrap();
        ticket["number"].as_str().unwrap().to_owned()
    };
    lines.lines().map(number).collect()
}

const BEAMER: [&str; 12] = [
    "create",
    "--title",
    "The beamer flickers",
    "--description",
    "Since <Monday>, in room 12",
    "--requester",
    "helpdesk@district.example",
    "--issue",
    "Other",
    "--place",
    "LHS",
    "--profile=district",
];

fn made(work: &Work, arguments: &[&str]) -> String {
    let made = json(work, arguments, 0);
    made["ticket"]["number"].as_str().unwrap().to_owned()
}

const REQUEST: [&str; 8] = [
    "create",
    "--title",
    "Login fails",
    "--description",
    "It says 403",
    "--collection",
    "IT Support",
    "--profile=support",
];

#[test]
fn an_incidentiq_ticket_lives_its_life_by_hand() {
    for temper in ["lenient", "live-like"] {
        let (work, sandbox) = desk(&["--temper", temper]);
        let number = made(&work, &BEAMER);
        let on = |words: &[&str]| {
            let all = [
                &[words[0], number.as_str()],
                &words[1..],
                &["--profile", "district"],
            ]
            .concat();
            let document = json(&work, &all, 0);
            assert_eq!(document["outcome"], "done", "{words:?}: {document}");
        };
        on(&[
            "update",
            "--priority",
            "High",
            "--set",
            "IsUrgent=yes",
            "--tag",
            "av",
            "--tag",
            "room 12",
        ]);
        on(&["assign", "--user", "helpdesk@district.example"]);
        on(&["comment", "--body", "On my way", "--public"]);
        on(&[
            "comment",
            "--set",
            "body=Lamp ordered",
            "--set",
            "public=no",
        ]);
        let ticket = json(&work, &["get", &number, "--profile", "district"], 0);
        assert_eq!(ticket["title"], "The beamer flickers");
        assert_eq!(ticket["standing"], "open");
        assert_eq!(ticket["priority"]["name"], "High");
        assert_eq!(ticket["place"]["name"], "Lincoln High School");
        assert_eq!(ticket["assignee"]["email"], "helpdesk@district.example");
        assert_eq!(ticket["tags"].as_array().unwrap().len(), 2, "{ticket:#}");
        assert_eq!(ticket["other"]["IsUrgent"], true);
        let comments = ticket["comments"].as_array().unwrap();
        let said: Vec<_> = comments
            .iter()
            .map(|one| (one["text"].as_str().unwrap(), one["public"].as_bool()))
            .collect();
        assert_eq!(
            said,
            [("On my way", Some(true)), ("Lamp ordered", Some(false))]
        );
        assert_eq!(ticket["not_shown"], serde_json::json!([]), "{temper}");

        on(&["close"]);
        let closed = json(&work, &["get", &number, "--profile", "district"], 0);
        assert_eq!(closed["standing"], "closed");
        assert!(closed["closed"].is_string(), "{closed:#}");
        on(&["delete"]);
        let audit = sandbox.audit();
        assert_eq!(audit.last().unwrap()["operation"], "delete");
        assert!(
            !audit
                .iter()
                .any(|entry| entry["body"]["SendEmails"] == true)
        );
    }
}

#[test]
fn a_clearfeed_request_lives_its_life_by_hand_in_both_dialects() {
    for dialect in ["v1", "rest"] {
        let (work, sandbox) = desk(&[]);
        sandbox.profiles(
            &work,
            &format!("rate = \"2000/s\"\ndialect = \"{dialect}\""),
        );
        let profiles = work.read("deskferry.toml");
        // IncidentIQ has no dialects.
        let (_, support) = profiles.split_once("[profiles.support]").unwrap();
        work.write("deskferry.toml", format!("[profiles.support]{support}"));
        let number = made(&work, &REQUEST);
        let on = |words: &[&str]| {
            let all = [
                &[words[0], number.as_str()],
                &words[1..],
                &["--profile", "support"],
            ]
            .concat();
            let document = json(&work, &all, 0);
            assert_eq!(document["outcome"], "done", "{words:?}: {document}");
        };
        on(&[
            "update",
            "--priority",
            "medium",
            "--title",
            "Login fails on Mondays",
        ]);
        on(&["assign", "--user", "helpdesk@district.example"]);
        on(&["set-status", "--status", "in_progress"]);
        on(&["comment", "--body", "Looking at it", "--public"]);
        let ticket = json(&work, &["get", &number, "--profile", "support"], 0);
        assert_eq!(ticket["title"], "Login fails on Mondays");
        assert_eq!(ticket["description"], "It says 403");
        assert_eq!(ticket["priority"]["name"], "medium", "{dialect}");
        assert_eq!(ticket["state"]["name"], "in_progress");
        assert_eq!(ticket["category"]["name"], "IT Support");
        assert_eq!(ticket["assignee"]["email"], "helpdesk@district.example");
        assert_eq!(ticket["comments"][0]["text"], "Looking at it");
        let hidden: Vec<_> = ticket["not_shown"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["field"].as_str().unwrap())
            .collect();
        assert!(
            hidden.contains(&"place") && hidden.contains(&"due"),
            "{hidden:?}"
        );
        on(&["close"]);
        let closed = json(&work, &["get", &number, "--profile", "support"], 0);
        assert_eq!(closed["standing"], "closed");
        let ended = work
            .run(&["ticket", "delete", &number, "--profile", "support"])
            .expect(2);
        insta::assert_snapshot!(
            format!("delete_of_a_request_{dialect}"),
            work.shown(&ended.stderr)
        );
    }
}

#[test]
fn a_card_says_what_is_not_in_it() {
    let (work, _sandbox) = desk(&[]);
    let number = made(&work, &REQUEST);
    let card = work
        .run(&["ticket", "get", &number, "--profile", "support"])
        .expect(0);
    insta::assert_snapshot!("card_clearfeed", work.shown(&card.stdout));
}

#[test]
fn a_search_finds_what_it_is_asked_for_whatever_the_system_ignores() {
    for temper in ["lenient", "live-like"] {
        let (work, _sandbox) = desk(&["--temper", temper]);
        let beamer = made(&work, &BEAMER);
        let mut printer = BEAMER;
        printer[2] = "The printer smokes";
        let printer = made(&work, &printer);
        let give = [
            "assign",
            &printer,
            "--user",
            "helpdesk@district.example",
            "--profile",
            "district",
        ];
        json(&work, &give, 0);
        json(&work, &["close", &beamer, "--profile", "district"], 0);
        let found =
            |arguments: &[&str]| search(&work, &[arguments, &["--profile", "district"]].concat());
        assert_eq!(
            found(&["--text", "FLICKERS beamer"]),
            [beamer.as_str()],
            "{temper}"
        );
        assert_eq!(
            found(&["--text", "smokes", "--status", "open"]),
            [printer.as_str()]
        );
        assert!(found(&["--text", "smokes", "--status", "closed"]).is_empty());
        assert_eq!(
            found(&["--created", "1d", "--status", "closed"]),
            [beamer.as_str()]
        );
        let mine = found(&["--assignee", "helpdesk@district.example", "--created", "1d"]);
        assert_eq!(mine, [printer.as_str()], "{temper}");
        assert_eq!(
            found(&["--place", "LHS", "--created", "1d"]),
            [printer.as_str(), beamer.as_str()]
        );
        assert_eq!(
            found(&["--created", "1d", "--limit", "1"]),
            [printer.as_str()]
        );
        assert!(found(&["--created", "2000-01-01..2000-12-31"]).is_empty());
    }
}

#[test]
fn a_search_of_requests_is_judged_too() {
    let (work, _sandbox) = desk(&["--temper", "live-like"]);
    let login = made(&work, &REQUEST);
    let mut other = REQUEST;
    other[2] = "Export hangs";
    let export = made(&work, &other);
    json(&work, &["close", &export, "--profile", "support"], 0);
    let found =
        |arguments: &[&str]| search(&work, &[arguments, &["--profile", "support"]].concat());
    assert_eq!(found(&["--text", "fails login"]), [login.as_str()]);
    assert_eq!(
        found(&["--created", "1d", "--status", "open"]),
        [login.as_str()]
    );
    assert_eq!(
        found(&["--created", "1d", "--status", "closed"]),
        [export.as_str()]
    );
    assert_eq!(
        found(&["--created", "1d"]),
        [export.as_str(), login.as_str()]
    );
    let ended = work
        .run(&["ticket", "search", "--place", "LHS", "--profile", "support"])
        .expect(2);
    insta::assert_snapshot!("search_of_requests_by_place", work.shown(&ended.stderr));
}

#[test]
fn what_is_typed_wrong_is_told_with_what_to_write() {
    let (work, sandbox) = desk(&[]);
    let number = made(&work, &BEAMER);
    let before = sandbox.audit().len();
    let number = number.as_str();
    for (scene, arguments) in [
        (
            "unknown_field",
            &["comment", number, "--set", "bodi=Done"][..],
        ),
        (
            "flag_without_a_field",
            &["comment", number, "--body", "x", "--team", "AV"],
        ),
        (
            "unknown_user",
            &["assign", number, "--user", "helpdesk@distrct.example"],
        ),
        (
            "unknown_status",
            &["set-status", number, "--status", "Zzzz"],
        ),
        ("comment_without_a_body", &["comment", number]),
        (
            "field_that_is_given_twice",
            &["comment", number, "--body", "x", "--set", "body=y"],
        ),
        ("nothing_to_update", &["update", number]),
        ("no_such_ticket", &["get", "99999999"]),
        ("unknown_state", &["search", "--status", "opne"]),
    ] {
        let all = [&["ticket"], arguments, &["--profile", "district"]].concat();
        let ended = work.run(&all).expect(2);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
    }
    assert_eq!(sandbox.audit().len(), before, "nothing was written");
}

#[test]
fn a_rehearsal_prints_the_requests_and_sends_nothing() {
    let (work, sandbox) = desk(&[]);
    let number = made(&work, &BEAMER);
    let before = sandbox.audit().len();
    let rehearsed = json(
        &work,
        &[
            "update",
            &number,
            "--title",
            "New",
            "--priority",
            "High",
            "--dry-run",
            "--profile",
            "district",
        ],
        0,
    );
    assert_eq!(rehearsed["dry_run"], true);
    assert_eq!(
        rehearsed["requests"].as_array().unwrap().len(),
        2,
        "{rehearsed:#}"
    );
    let people = work
        .run(&[
            "ticket",
            "comment",
            &number,
            "--body",
            "Hm",
            "--dry-run",
            "--profile",
            "district",
        ])
        .expect(0);
    insta::assert_snapshot!(
        "rehearsed_comment",
        work.shown(&format!("{}\n{}", people.stdout, people.stderr))
    );
    assert_eq!(sandbox.audit().len(), before);
}

#[test]
fn a_lost_answer_is_told_and_nothing_is_sent_twice() {
    let (work, sandbox) = desk(&["--fault", "reset-after-commit=1"]);
    let lost = work.run(&[&["ticket"], &BEAMER[..]].concat()).expect(1);
    insta::assert_snapshot!("lost_answer", work.shown(&lost.stderr));
    assert_eq!(sandbox.created("incidentiq").len(), 1);
    sandbox.admin("DELETE", "faults", None);
    let found = search(
        &work,
        &[
            "--text",
            "beamer flickers",
            "--created",
            "1d",
            "--profile",
            "district",
        ],
    );
    assert_eq!(found.len(), 1);
}

#[test]
fn a_comment_whose_answer_is_lost_is_looked_for() {
    let (work, sandbox) = desk(&[]);
    let number = made(&work, &BEAMER);
    let body =
        serde_json::json!({"operation": "comment", "fault": "reset-after-commit", "times": 1});
    sandbox.admin("POST", "faults", Some(body));
    let said = work
        .run(&[
            "ticket",
            "comment",
            &number,
            "--body",
            "On my way",
            "--profile",
            "district",
        ])
        .expect(0);
    insta::assert_snapshot!("comment_that_is_looked_for", work.shown(&said.stderr));
    sandbox.admin("DELETE", "faults", None);
    let ticket = json(&work, &["get", &number, "--profile", "district"], 0);
    assert_eq!(ticket["comments"].as_array().unwrap().len(), 1);
}

#[test]
fn the_first_write_to_a_live_profile_is_confirmed() {
    let (work, sandbox) = desk(&[]);
    sandbox.profiles(&work, "live = true");
    let refused = work.run(&[&["ticket"], &BEAMER[..]].concat()).expect(2);
    insta::assert_snapshot!("first_write_unconfirmed", work.shown(&refused.stderr));
    assert!(sandbox.created("incidentiq").is_empty());
    work.run(&[&["ticket"], &BEAMER[..], &["--confirm", "district"]].concat())
        .expect(0);
    assert_eq!(sandbox.created("incidentiq").len(), 1);
}

#[test]
fn a_refusal_bears_the_systems_words() {
    let (work, _sandbox) = desk(&[]);
    let number = made(&work, &BEAMER);
    let parent = "ParentTicketId=11111111-1111-1111-1111-111111111111";
    let assign = ["assign", &number, "--set", parent, "--profile", "district"];
    let refused = json(&work, &assign, 1);
    assert_eq!(refused["outcome"], "refused", "{refused:#}");
    assert_eq!(refused["ticket"]["number"], number.as_str());
    let message = refused["message"].as_str().unwrap();
    insta::assert_snapshot!("refusal", work.shown(message));
}
