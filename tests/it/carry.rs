//! States and comments of an export arrive: what was finished is closed, what was said is there, and what cannot come along
//! is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::dry_run::as_foretold;
use crate::support::{SandboxProcess, Work, repository, sums};

const SYSTEMS: [(&str, &str); 2] = [("incidentiq", "district"), ("clearfeed", "support")];

/// What the tickets of one system look like: how many are open, closed, and commented, and how many comments there are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Desk {
    open: usize,
    closed: usize,
    commented: usize,
    comments: usize,
}

fn desk(audit: &[Value], system: &str) -> Desk {
    let mut tickets: BTreeMap<String, bool> = BTreeMap::new();
    let mut commented: BTreeSet<String> = BTreeSet::new();
    let mut desk = Desk::default();
    for entry in audit.iter().filter(|entry| entry["system"] == system) {
        let id = entry["id"].as_str().unwrap().to_owned();
        let body = &entry["body"];
        match entry["operation"].as_str().unwrap() {
            "create" => _ = tickets.insert(id, false),
            "comment" | "message" => {
                desk.comments += 1;
                commented.insert(id);
            }
            "close" => _ = tickets.insert(id, true),
            _ => {
                let state = body["status"].as_str().or(body["state"].as_str());
                if let Some(state) = state {
                    tickets.insert(id, matches!(state, "closed" | "solved"));
                }
            }
        }
    }
    desk.closed = tickets.values().filter(|closed| **closed).count();
    desk.open = tickets.len() - desk.closed;
    desk.commented = commented.len();
    desk
}

/// A file of a layout: its name, and the text.
fn layouts() -> Vec<(&'static str, &'static str, String)> {
    let csv = |headings: &str, rows: &[&str]| format!("{headings}\n{}\n", rows.join("\n"));
    vec![
        (
            "jira",
            "in.csv",
            csv(
                "Summary,Issue key,Issue Type,Status,Priority,Resolution,Assignee,Reporter,Created,Resolved,Description,Comment,Comment,Status Category",
                &[
                    "a b,H-1,Task,Done,High,Done,,ann@x.example,14/Jan/26 9:29 AM,16/Jan/26 9:29 AM,text,14/Jan/26 9:29 AM;Ann;first,15/Jan/26 9:29 AM;Bo;second; more,Done",
                    "c d,H-2,Task,Released,High,,,ann@x.example,14/Jan/26 9:29 AM,16/Jan/26 9:29 AM,text,,,Done",
                    "e f,H-3,Task,Parked,High,,,ann@x.example,14/Jan/26 9:29 AM,,text,14/Jan/26 9:29 AM;Ann;only,,In Progress",
                    "g h,H-4,Task,Open,High,,,ann@x.example,14/Jan/26 9:29 AM,,text,,,To Do",
                ],
            ),
        ),
        (
            "zendesk",
            "in.csv",
            csv(
                "Id,Requester,Requester email,Assignee,Group,Subject,Tags,Status,Priority,Via,Ticket type,Created at,Solved at,Organization,Comments",
                &[
                    "1,S,s@x.example,,,a b,,Solved,High,Web,Incident,2025-02-03 10:11,2025-02-04 10:11,,It is done",
                    "2,S,s@x.example,,,c d,,Closed,High,Web,Incident,2025-02-03 10:11,,,-",
                    "3,S,s@x.example,,,e f,,On-hold,High,Web,Incident,2025-02-03 10:11,,,Waits",
                    "4,S,s@x.example,,,g h,,Archived here,High,Web,Incident,2025-02-03 10:11,2025-02-04 10:11,,",
                ],
            ),
        ),
        (
            "freshdesk",
            "in.csv",
            csv(
                "Ticket ID,Subject,Description,Status,Priority,Type,Created time,Resolved time,Full name,Email,Company Name,Conversations",
                &[
                    "1,a b,text,Resolved,High,Question,2025-12-03 16:29:08,2025-12-04 16:29:08,S,s@x.example,,Answered",
                    "2,c d,text,Closed,High,Question,2025-12-03 16:29:08,,S,s@x.example,,",
                    "3,e f,text,Waiting on Customer,High,Question,2025-12-03 16:29:08,,S,s@x.example,,Asked back",
                    "4,g h,text,Open,High,Question,2025-12-03 16:29:08,,S,s@x.example,,",
                ],
            ),
        ),
        (
            "osticket",
            "in.csv",
            csv(
                "Ticket Number,Date Created,Subject,From,From Email,Priority,Department,Help Topic,Source,Current Status,Closed Date,Agent Assigned,Comments",
                &[
                    "11,2025-01-07 08:15:00,a b,S,s@x.example,High,Support,Network,Web,Closed,2025-01-08 08:15:00,Lee,Replaced it",
                    "12,2025-01-07 08:15:00,c d,S,s@x.example,High,Support,Network,Web,Resolved,,Lee,",
                    "13,2025-01-07 08:15:00,e f,S,s@x.example,High,Support,Network,Web,Open,,Lee,Will look",
                    "14,2025-01-07 08:15:00,g h,S,s@x.example,High,Support,Network,Web,Our own word,,Lee,",
                ],
            ),
        ),
        (
            "glpi",
            "in.csv",
            csv(
                "ID;Título;Status;Requerente - Requerente;Atribuído - Técnico;Prioridade;Categoria;Tipo;Solução - Solução;Descrição;Data de abertura;Data da solução;Acompanhamentos - Descrição",
                &[
                    "52 267;a b;Fechado;S;;Alta;I;T;Feito.;texto;2025-03-10 08:00;2025-03-11 08:00;\"&lt;p&gt;Feito&lt;/p&gt;\"",
                    "52 268;c d;Solucionado;S;;Alta;I;T;;texto;2025-03-10 08:00;;",
                    "52 269;e f;Pendente;S;;Alta;I;T;;texto;2025-03-10 08:00;;Aguardando",
                    "52 270;g h;Novo;S;;Alta;I;T;;texto;2025-03-10 08:00;;",
                ],
            ),
        ),
        (
            "spiceworks",
            "in.csv",
            csv(
                "id,summary,description,created_at,closed_at,created_by,created_by_email,assigned_to,department,comments",
                &[
                    "1,a b,text,2024-05-06 07:08:09,2024-05-07 07:08:09,S,s@x.example,,Office,Done",
                    "2,c d,text,2024-05-06 07:08:09,2024-05-07 07:08:09,S,s@x.example,,Office,",
                    "3,e f,text,2024-05-06 07:08:09,,S,s@x.example,,Office,Looking",
                    "4,g h,text,2024-05-06 07:08:09,,S,s@x.example,,Office,",
                ],
            ),
        ),
        (
            "servicenow",
            "in.csv",
            csv(
                "Number,Opened,Short description,Caller,Priority,State,Category,Assignment group,Assigned to,Description,Resolution notes,Resolved,Subcategory,Work notes,Active",
                &[
                    "INC1,2025-06-01 08:00:00,a b,S,2 - High,Resolved,Software,Desk,Lee,text,Restarted.,2025-06-02 08:00:00,Mail,\"2025-06-02 08:00:00 - Lee (Work notes)\nRestarted.\n\n2025-06-01 09:00:00 - Lee (Work notes)\nLooking.\",true",
                    "INC2,2025-06-01 08:00:00,c d,S,2 - High,Withdrawn,Software,Desk,Lee,text,,,Mail,,false",
                    "INC3,2025-06-01 08:00:00,e f,S,2 - High,On Hold,Software,Desk,Lee,text,,,Mail,\"2025-06-01 09:00:00 - Lee (Work notes)\nParts are ordered.\",true",
                    "INC4,2025-06-01 08:00:00,g h,S,2 - High,New,Software,Desk,Lee,text,,,Mail,,true",
                ],
            ),
        ),
        (
            "tickets",
            "in.csv",
            csv(
                "Ticket #,Title,Description,Category,Problem,Building,Room,Requester,Requester E-mail,Prio,VIP,Opened,Status,Asset,Devices,Cost,Needed By,Notes",
                &[
                    "1,a b,text,Hardware,Paper jam,LHS,,S,s@x.example,P2,,08/14/2023 10:06,Closed,,,,,Replaced the tray",
                    "2,c d,text,Hardware,Paper jam,LHS,,S,s@x.example,P2,,08/14/2023 10:06,Closed,,,,,",
                    "3,e f,text,Hardware,Paper jam,LHS,,S,s@x.example,P2,,08/14/2023 10:06,In Progress,,,,,Ordered",
                    "4,g h,text,Hardware,Paper jam,LHS,,S,s@x.example,P2,,08/14/2023 10:06,Open,,,,,",
                ],
            ),
        ),
        ("support-queue", "in.jsonl", {
            let row = |number: u32, status: &str, reply: &str| {
                json!({
                    "id": format!("SUP-{number}"), "subject": "Cannot sign in", "body": "Since today.", "queue": "it",
                    "priority": "high", "status": status, "escalated": true, "created_at": "2024-02-05T16:56:11Z",
                    "requester": {"name": "A", "email": "a@x.example", "account_email": "b@x.example"},
                    "assignee": {"name": "T", "email": "t@x.example"}, "product": {"area": null, "platforms": []},
                    "account": {"seats": null, "renewal": "2025-11-22"}, "tags": ["vip"], "first_reply": reply,
                })
                .to_string()
            };
            [
                row(1, "solved", "It works again."),
                row(2, "solved", ""),
                row(3, "pending", "We asked."),
                row(4, "open", ""),
            ]
            .join("\n")
        }),
    ]
}

#[test]
fn every_ready_mapping_brings_states_and_comments_over() {
    for (name, file, text) in layouts() {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
        sandbox.profiles(&work, "rate = \"100000/s\"");
        work.write(file, &text);
        for (system, profile) in SYSTEMS {
            let what = format!("{name} into {system}:\n{text}");
            let mapping = repository().join(format!("mappings/{system}-{name}.toml"));
            let arguments = [
                file,
                "--mapping",
                mapping.to_str().unwrap(),
                "--profile",
                profile,
            ];
            let ((dry, foretold), (ended, real)) = as_foretold(&work, &sandbox, system, &arguments);
            assert_eq!(real["created"], 4, "{what}{}{real:#}", ended.stderr);
            // Jira has two comments in one ticket, and ServiceNow two entries in one journal.
            let comments = match name {
                "jira" | "servicenow" => 3,
                _ => 2,
            };
            // A word that osTicket does not have by itself says nothing: it is open, and told.
            let wanted = Desk {
                open: if name == "zendesk" { 1 } else { 2 },
                closed: if name == "zendesk" { 3 } else { 2 },
                commented: 2,
                comments,
            };
            assert_eq!(desk(&sandbox.audit(), system), wanted, "{what}");
            let told: u64 = foretold["states"]
                .as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_u64)
                .sum();
            assert_eq!(told, 4, "{what}{foretold:#}");
            assert!(
                dry.stderr.contains("  the desk   4 tickets: "),
                "{what}{}",
                dry.stderr
            );
        }
    }
}

#[test]
fn a_journal_becomes_comments_the_oldest_first_and_a_comment_of_jira_says_who_wrote_it() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"100000/s\"");
    let comments = |name: &str| -> Vec<String> {
        let (_, file, text) = layouts().into_iter().find(|one| one.0 == name).unwrap();
        work.write(file, text);
        let before = sandbox.audit().len();
        let mapping = repository().join(format!("mappings/clearfeed-{name}.toml"));
        let arguments = [
            file,
            "--mapping",
            mapping.to_str().unwrap(),
            "--profile",
            "support",
        ];
        work.import(&arguments).0.expect(0);
        let audit = sandbox.audit();
        let comments = audit[before..]
            .iter()
            .filter(|entry| entry["operation"] == "message");
        comments
            .map(|entry| entry["body"]["html_body"].as_str().unwrap().to_owned())
            .collect()
    };
    let of = |all: &[String], text: &str| all.iter().position(|one| one.contains(text)).unwrap();
    let journal = comments("servicenow");
    assert!(
        of(&journal, "Looking.") < of(&journal, "Restarted."),
        "{journal:?}"
    );
    assert!(
        journal[of(&journal, "Looking.")].contains("2025-06-01 09:00:00 - Lee (Work notes)"),
        "{journal:?}"
    );
    let jira = comments("jira");
    assert!(of(&jira, "first") < of(&jira, "second; more"), "{jira:?}");
    assert!(
        jira[of(&jira, "second; more")].starts_with("Bo on 15/Jan/26 9:29 AM:"),
        "{jira:?}"
    );
}

/// A state between new and finished is set where the workflow has one step of that name, and named where it has none.
#[test]
fn open_states_are_set_where_the_workflow_has_a_step_of_that_name() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"100000/s\"");
    let (_, file, text) = layouts()
        .into_iter()
        .find(|one| one.0 == "servicenow")
        .unwrap();
    let text = text.replace("2 - High,New", "2 - High,In Progress");
    work.write(file, &text);
    let mapping = repository().join("mappings/incidentiq-servicenow.toml");
    let arguments = [
        file,
        "--mapping",
        mapping.to_str().unwrap(),
        "--profile",
        "district",
    ];
    let ((dry, _), (ended, real)) = as_foretold(&work, &sandbox, "incidentiq", &arguments);
    assert_eq!(real["created"], 4, "{}{real:#}", ended.stderr);
    insta::assert_snapshot!("open_states_rehearsed", work.shown(&dry.stderr));
    insta::assert_snapshot!("open_states", work.shown(&ended.stderr));
    let audit = sandbox.audit();
    let moved: Vec<&Value> = audit
        .iter()
        .filter(|entry| entry["operation"] == "status")
        .collect();
    assert_eq!(moved.len(), 1, "{moved:#?}");
}

/// How tickets were solved comes along, or is listed with its rows.
#[test]
fn how_tickets_were_solved_comes_along_or_is_told() {
    for (name, heading) in [
        ("jira", "Resolution"),
        ("zendesk", "Resolution"),
        ("freshdesk", "Resolution notes"),
        ("osticket", "Solution"),
        ("spiceworks", "resolution"),
        ("servicenow", "Close notes"),
        ("glpi", "Custo da solução"),
    ] {
        let work = Work::new();
        let (_, file, text) = layouts().into_iter().find(|one| one.0 == name).unwrap();
        let mark = if name == "glpi" { ";" } else { "," };
        let mut lines = text.split_inclusive('\n');
        let mut with = String::new();
        if text
            .lines()
            .next()
            .unwrap()
            .split(mark)
            .any(|one| one == heading)
        {
            with = text.replace(",High,Done,", ",High,Replaced the fuser unit,");
        } else {
            with.push_str(&format!(
                "{}{mark}{heading}\n",
                lines.next().unwrap().trim_end()
            ));
            for (at, line) in text.trim_end().split('\n').skip(1).enumerate() {
                // A journal has lines of its own.
                let is_end = !line.contains('"') || line.ends_with(",true") || line.ends_with('"');
                let more = match (is_end, at) {
                    (true, 0) => format!("{mark}Replaced the fuser unit"),
                    (true, _) if name != "servicenow" => mark.to_owned(),
                    (true, _) => format!("{mark}Replaced the fuser unit"),
                    (false, _) => String::new(),
                };
                with.push_str(&format!("{line}{more}\n"));
            }
        }
        work.write(file, &with);
        let told = init(&work, file, "incidentiq");
        let (dry, _) = work.import(&[
            file,
            "--mapping",
            "m.toml",
            "--sandbox=empty",
            "--dry-run",
            "--payloads",
            "p.jsonl",
        ]);
        let is_sent = work.read("p.jsonl").contains("Replaced the fuser unit");
        let is_told = told.contains(&format!("how tickets were solved: `{heading}` in "));
        assert!(
            is_sent || is_told,
            "{name}: {told}\n{}\n{}\n{with}",
            dry.stderr,
            work.read("m.toml")
        );
    }
}

/// A work folder with the files of one case.
fn case(name: &str) -> Work {
    let work = Work::new();
    let folder = repository().join("tests/cases").join(name);
    work.write("in.csv", fs::read(folder.join("in.csv")).unwrap());
    work
}

fn init(work: &Work, input: &str, system: &str) -> String {
    let ended = work.run(&[
        "init",
        input,
        "--system",
        system,
        "--sandbox",
        "-o",
        "m.toml",
    ]);
    ended.expect(0).stderr
}

#[test]
fn finished_issues_of_an_export_are_closed_in_incidentiq() {
    let work = case("03-incidentiq-closed-become-open");
    init(&work, "in.csv", "incidentiq");
    let arguments = ["in.csv", "--mapping", "m.toml", "--sandbox=empty"];
    let (dry, summary) = work.import(&[&arguments[..], &["--dry-run"]].concat());
    insta::assert_snapshot!("finished_rehearsed", work.shown(sums(&dry.stderr)));
    let states = json!({"open": 2, "In Progress": 1, "closed": 5});
    assert_eq!(summary["states"], states);
    let (ended, summary) = work.import(&arguments);
    assert_eq!(summary["created"], 8, "{}", ended.stderr);
    let wanted = Desk {
        open: 3,
        closed: 5,
        ..Desk::default()
    };
    let audit = work.embedded_audit();
    assert_eq!(desk(&audit, "incidentiq"), wanted);
    // With their reasons.
    let closings = audit.iter().filter(|entry| entry["operation"] == "close");
    assert!(
        closings
            .clone()
            .all(|entry| entry["body"]["CloseReasonTypeId"].is_string()),
        "{audit:#?}"
    );
    assert_eq!(closings.count(), 5);
}

#[test]
fn a_state_that_nobody_has_explained_is_told_and_follows_its_category() {
    let work = case("04-jira-unknown-status-left-out");
    init(&work, "in.csv", "clearfeed");
    let arguments = ["in.csv", "--mapping", "m.toml", "--sandbox=empty"];
    let (dry, summary) =
        work.import(&[&arguments[..], &["--dry-run", "--outcomes", "o.jsonl"]].concat());
    assert_eq!(summary["states"]["closed"], 5, "{}", dry.stderr);
    insta::assert_snapshot!("unexplained_states", work.shown(sums(&dry.stderr)));
    for word in ["Cancelled", "Rejected", "Released", "Verified"] {
        assert_eq!(summary["fallbacks"][0]["words"][word], 1, "{summary:#}");
    }
    let outcomes = work.read("o.jsonl");
    let first: Value = serde_json::from_str(outcomes.lines().next().unwrap()).unwrap();
    assert_eq!(first["fallbacks"][0]["word"], "Cancelled", "{first:#}");
    let (ended, real) = work.import(&arguments);
    assert_eq!(real["fallbacks"], summary["fallbacks"], "{}", ended.stderr);
    assert_eq!(desk(&work.embedded_audit(), "clearfeed").closed, 5);
}

#[test]
fn words_that_a_map_does_not_have_are_counted_and_named_everywhere() {
    let work = Work::new();
    work.write(
        "in.csv",
        "Id,T,State,Tags\n1,a,Open,x;y\n2,b,Parked,x\n3,c,Parked,z\n4,d,medium,\n",
    );
    let mapping = |otherwise: &str| {
        format!(
            "version = 2\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\nkey = [\"Id\"]\n[fields]\n\
             title = {{ from = \"T\" }}\ndescription = {{ from = \"T\" }}\ncollection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n\
             priority = {{ from = \"State\", map = {{ Open = \"low\" }}, else = {otherwise} }}\n\
             tags = {{ from = \"Tags\", split = \";\", map = {{ x = \"X\" }}, else = {{ do = \"keep\" }} }}\n"
        )
    };
    for (scene, otherwise, took) in [
        ("words_with_a_value", "\"medium\"", json!("medium")),
        ("words_without", "{ do = \"skip_field\" }", Value::Null),
    ] {
        work.write("m.toml", mapping(otherwise));
        let arguments = [
            "in.csv",
            "--mapping",
            "m.toml",
            "--sandbox=empty",
            "--outcomes",
            "o.jsonl",
        ];
        let mut told = String::new();
        for more in [&["--dry-run"][..], &[]] {
            let (ended, summary) = work.import(&[&arguments[..], more].concat());
            told.push_str(sums(&ended.stderr));
            assert_eq!(summary["fallbacks"][0]["took"], took, "{summary:#}");
            let outcomes = work.read("o.jsonl");
            let mut outcomes = outcomes
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            let outcome = outcomes.find(|outcome| outcome["row"] == 3).unwrap();
            let wanted =
                json!({"field": "priority", "took": took, "word": "Parked", "because": "map"});
            assert_eq!(outcome["fallbacks"][0], wanted, "{outcome:#}");
        }
        let validate = ["validate", "m.toml", "--input", "in.csv", "--sandbox"];
        told.push_str(&work.run(&validate).expect(0).stdout);
        insta::assert_snapshot!(scene, work.shown(&told));
    }
}

#[test]
fn arrays_of_comments_in_json_become_comments() {
    let work = Work::new();
    let row = |number: u32, comments: Value| {
        json!({
            "id": number, "subject": format!("Printer {number} jams"), "status": if number == 1 { "closed" } else { "open" },
            "description": "It jams whenever somebody prints more than one page of it.", "comments": comments,
        })
        .to_string()
    };
    let one = |text: &str| json!({"author": {"name": "Lee"}, "created_at": "2025-06-01T09:00:00Z", "body": text, "public": false});
    work.write(
        "in.jsonl",
        [
            row(1, json!([one("Looked at it."), one("Replaced the tray.")])),
            row(2, json!([])),
            row(3, json!([one("Ordered.")])),
        ]
        .join("\n"),
    );
    for (system, _) in SYSTEMS {
        let work_file = "m.toml";
        let _ = fs::remove_file(work.path().join(work_file));
        init(&work, "in.jsonl", system);
        let text = work.read(work_file);
        let (_, steps) = text.split_once("[[then]]").unwrap();
        insta::assert_snapshot!(format!("comments_of_json_in_{system}"), work.shown(steps));
        let arguments = ["in.jsonl", "--mapping", work_file, "--sandbox=empty"];
        let (ended, summary) = work.import(&arguments);
        assert_eq!(summary["created"], 3, "{text}\n{}", ended.stderr);
        let wanted = Desk {
            open: 2,
            closed: 1,
            commented: 2,
            comments: 3,
        };
        let audit = work.embedded_audit();
        assert_eq!(desk(&audit, system), wanted, "{text}");
        let said = audit.iter().any(|entry| {
            entry["body"]
                .to_string()
                .contains("Lee, 2025-06-01T09:00:00Z:")
        });
        assert!(said, "{audit:#?}");
    }
}

#[test]
fn what_a_ready_mapping_leaves_behind_is_listed_with_its_rows() {
    let work = Work::new();
    work.write(
        "in.csv",
        "Summary,Issue key,Issue Type,Status,Priority,Assignee,Reporter,Created,Resolved,Description,Parent,Attachment,Attachment,Watchers\n\
         a,H-1,Task,Done,High,,ann@x.example,14/Jan/26 9:29 AM,,text,H-9,a.png,b.png,Bo\n\
         b,H-2,Task,Open,High,,ann@x.example,14/Jan/26 9:29 AM,,text,,c.png,,\n",
    );
    let said = init(&work, "in.csv", "clearfeed");
    insta::assert_snapshot!("left_behind", work.shown(&said));
    let mapping = work.read("m.toml");
    let (_, last) = mapping.rsplit_once("\n\n").unwrap();
    insta::assert_snapshot!("left_behind_in_the_mapping", work.shown(last));
}

/// Of what `lookup` and `missing` catch the same is told as of what the `else` of a `map` catches.
#[test]
fn keys_and_names_that_nothing_has_are_counted_and_named_everywhere() {
    let work = Work::new();
    work.write(
        "in.csv",
        "Id,T,Who,Code\n1,a,Nobody Atall,1\n2,b,,2\n3,c,Nobody Atall,3\n4,d,Some Body,3\n",
    );
    work.write("codes.csv", "code,tag\n1,one\n");
    let mapping = |otherwise: &str| {
        format!(
            "version = 2\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\nkey = [\"Id\"]\n[fields]\n\
             title = {{ from = \"T\" }}\ndescription = {{ from = \"T\" }}\ncollection_id = {{ value = \"IT Support\", resolve = \"collection\" }}\n\
             assignee_id = {{ from = \"Who\", resolve = \"user\", missing = {{ do = \"skip_field\" }} }}\n\
             tags = {{ from = \"Code\", lookup = {{ file = \"codes.csv\", by = \"code\", take = \"tag\", else = {otherwise} }} }}\n"
        )
    };
    for (scene, otherwise, took) in [
        ("keys_with_a_value", "\"other\"", json!("other")),
        ("keys_kept", "{ do = \"keep\" }", json!("3")),
        ("keys_without", "{ do = \"skip_field\" }", Value::Null),
    ] {
        work.write("m.toml", mapping(otherwise));
        let arguments = [
            "in.csv",
            "--mapping",
            "m.toml",
            "--sandbox=empty",
            "--outcomes",
            "o.jsonl",
        ];
        let mut told = String::new();
        for more in [&["--dry-run"][..], &[]] {
            let (ended, _) = work.import(&[&arguments[..], more].concat());
            told.push_str(sums(&ended.stderr));
            let outcomes = work.read("o.jsonl");
            let mut outcomes = outcomes
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            let outcome = outcomes.find(|outcome| outcome["row"] == 4).unwrap();
            let wanted = json!([
                {"field": "assignee_id", "took": null, "word": "Nobody Atall", "because": "missing"},
                {"field": "tags", "took": took, "word": "3", "because": "lookup"},
            ]);
            assert_eq!(outcome["fallbacks"], wanted, "{outcome:#}");
        }
        let validate = ["validate", "m.toml", "--input", "in.csv", "--sandbox"];
        told.push_str(&work.run(&validate).expect(0).stdout);
        insta::assert_snapshot!(scene, work.shown(&told));
    }
}
