//! Tickets into files: each once, whatever happens meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{SandboxProcess, Work};

/// How often something changes beside an export, at most.
const CHANGES: usize = 60;

/// A sandbox with so many tickets in small pages, and profiles for it.
fn desk(tickets: &str, page: &str, further: &[&str], rate: &str) -> (Work, SandboxProcess) {
    let work = Work::new();
    let all = [
        &["--rate", "0", "--tickets", tickets, "--max-page", page],
        further,
    ]
    .concat();
    let sandbox = SandboxProcess::start(&work, &all);
    sandbox.profiles(
        &work,
        &format!("rate = \"{rate}\"\ntimezone = \"America/Chicago\""),
    );
    (work, sandbox)
}

/// Runs an export into `out.jsonl`; the summary and the tickets.
#[track_caller]
fn export(work: &Work, arguments: &[&str], code: i32) -> (Value, Vec<Value>) {
    let start = ["export", "-o", "out.jsonl", "--format", "json"];
    let ended = work.run(&[&start, arguments].concat()).expect(code);
    let told = serde_json::from_str(&ended.stdout).unwrap();
    (told, lines(work))
}

fn lines(work: &Work) -> Vec<Value> {
    let text = work.read("out.jsonl");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The tickets by their ids; panics where one stands twice or the order is not that of their creation.
#[track_caller]
fn once(tickets: &[Value]) -> BTreeMap<String, Value> {
    let place = |ticket: &Value| {
        let text = |name: &str| ticket[name].as_str().unwrap().to_owned();
        (
            text("created").parse::<jiff::Timestamp>().unwrap(),
            text("id"),
        )
    };
    assert!(
        tickets.is_sorted_by_key(place),
        "not in the order of creation"
    );
    let by_id = tickets
        .iter()
        .map(|ticket| (place(ticket).1, ticket.clone()));
    let by_id: BTreeMap<_, _> = by_id.collect();
    assert_eq!(by_id.len(), tickets.len(), "a ticket stands twice");
    by_id
}

fn of_standing(tickets: &BTreeMap<String, Value>, standing: &str) -> BTreeSet<String> {
    let of = tickets
        .iter()
        .filter(|(_, ticket)| ticket["standing"] == standing);
    of.map(|(id, _)| id.clone()).collect()
}

/// Runs `during` some times beside an export, fewer where that ends before.
fn beside<T>(export: impl FnOnce() -> T, during: impl Fn(usize) + Sync) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let changing = threads.spawn(|| {
            let going_on = |_: &usize| !is_over.load(Ordering::Relaxed);
            (0..CHANGES).take_while(going_on).map(&during).count()
        });
        let ended = export();
        is_over.store(true, Ordering::Relaxed);
        assert!(changing.join().unwrap() > 0, "nothing changed beside it");
        ended
    })
}

#[test]
fn each_ticket_stands_there_once_while_tickets_change() {
    for temper in ["lenient", "live-like"] {
        let (work, sandbox) = desk("300", "20", &["--temper", temper], "2000/s");
        let (told, tickets) = export(&work, &["--profile=district"], 0);
        let before = once(&tickets);
        assert_eq!(
            (before.len(), &told["complete"]),
            (300, &json!(true)),
            "{temper}"
        );
        let ids: Vec<&String> = before.keys().collect();
        let open = of_standing(&before, "open");
        let closed: Vec<_> = open.iter().step_by(3).collect();

        // Open ones are closed, which moves all that follow in a list of the open ones.
        let close = |nth: usize| {
            if let Some(id) = closed.get(nth) {
                let path = format!("api/v1.0/tickets/{id}/close");
                sandbox.person("POST", "incidentiq", &path, json!({}));
            }
        };
        let (told, tickets) = beside(
            || export(&work, &["--filter", "state=open", "--profile=district"], 0),
            close,
        );
        let found: BTreeSet<String> = once(&tickets).into_keys().collect();
        let (_, tickets) = export(&work, &["--profile=district"], 0);
        let stayed = of_standing(&once(&tickets), "open");
        assert!(
            stayed.is_subset(&found),
            "{temper}: an open ticket is missing: {told}"
        );
        assert!(
            found.is_subset(&open),
            "{temper}: a ticket is there that never was open"
        );

        // Any of them gets another text.
        let rename = |nth: usize| {
            let id = ids[nth * 7 % ids.len()];
            let path = format!("api/v1.0/tickets/{id}/subject");
            let subject = json!({"Subject": format!("Changed {nth}")});
            sandbox.person("POST", "incidentiq", &path, subject);
        };
        let (_, tickets) = beside(|| export(&work, &["--profile=district"], 0), rename);
        assert_eq!(once(&tickets).len(), 300, "{temper}");
    }
}

#[test]
fn both_dialects_are_read_by_their_cursors_side_by_side() {
    for dialect in ["v1", "rest"] {
        let (work, sandbox) = desk("1500", "100", &[], "2000/s");
        let profile = format!(
            "[profiles.support]\nsystem = \"clearfeed\"\nurl = \"{}\"\ntenant = \"acme\"\ndialect = \"{dialect}\"\ntoken = {{ file = \"token\" }}\n",
            sandbox.told("clearfeed").trim_end_matches('/').to_owned()
                + if dialect == "v1" { "/v1" } else { "/v1/rest" },
        );
        work.write("deskferry.toml", profile);
        let message = |nth: usize| {
            let path = format!("v1/rest/requests/{}/message", 352 + nth % 1540);
            sandbox.person("POST", "clearfeed", &path, json!({"html_body": "Still so"}));
        };
        let (told, tickets) = beside(
            || export(&work, &["--include", "comments", "--profile=support"], 0),
            message,
        );
        let tickets = once(&tickets);
        assert_eq!(
            (tickets.len(), &told["complete"]),
            (1540, &json!(true)),
            "{dialect}"
        );
        let said = |ticket: &&Value| ticket["comments"][0]["text"] == "Still so";
        assert!(tickets.values().filter(said).count() > 0, "{dialect}");
        // By what was updated, only that is read.
        let (told, tickets) = export(
            &work,
            &[
                "--period",
                "2024-05-01..2024-05-31",
                "--by",
                "updated",
                "--profile=support",
            ],
            0,
        );
        assert!((20..150).contains(&once(&tickets).len()), "{told}");
    }
}

#[test]
fn an_export_that_was_killed_goes_on() {
    let (work, sandbox) = desk("1500", "15", &[], "80/s");
    let asked = || {
        let stats: Value = serde_json::from_str(&sandbox.admin("GET", "stats", None)).unwrap();
        stats["requests"]["incidentiq"].as_u64().unwrap()
    };
    // The directory is there already, so that only pages count.
    work.run(&["directory", "pull", "--profile=district"])
        .expect(0);
    let arguments = ["export", "-o", "out.jsonl", "--profile=district"];
    let began = asked();
    for _ in 0..3 {
        let before = asked();
        let mut child = work.command(&arguments).spawn().unwrap();
        // A few of them sign in; two windows of ten pages are read side by side: one of them is done by then.
        while asked() < before + 30 {
            assert!(
                child.try_wait().unwrap().is_none(),
                "it ended before it was killed"
            );
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!work.path().join("out.jsonl").exists());
    }
    let (told, tickets) = export(&work, &arguments[3..], 0);
    assert_eq!(
        (once(&tickets).len(), &told["complete"]),
        (1500, &json!(true))
    );
    // What was read was not read again, but for the windows that were under way.
    assert!(told["read"]["tickets"].as_u64().unwrap() < 1500, "{told}");
    assert!(asked() > began);
    let left = std::fs::read_dir(work.state().join("replica")).unwrap();
    assert_eq!(left.count(), 0, "what was read is not needed any more");
}

#[test]
fn a_replica_is_brought_up_to_date() {
    let (work, sandbox) = desk("500", "25", &["--temper", "live-like"], "2000/s");
    let incremental = |further: &[&str]| {
        let all = [&["--incremental", "--profile=district"], further].concat();
        let (told, tickets) = export(&work, &all, 0);
        (told["read"]["tickets"].as_u64().unwrap(), once(&tickets))
    };
    let (_, before) = incremental(&[]);
    assert_eq!(before.len(), 500);
    let ids: Vec<&String> = before.keys().collect();
    for id in &ids[..10] {
        let path = format!("api/v1.0/tickets/{id}/subject");
        sandbox.person("POST", "incidentiq", &path, json!({"Subject": "Changed"}));
    }
    // Somebody marries; those tickets do not change by it.
    let who = before[ids[20]]["requester"].clone();
    let path = format!("api/v1.0/users/{}", who["id"].as_str().unwrap());
    sandbox.person(
        "POST",
        "incidentiq",
        &path,
        json!({"FirstName": "Ada", "LastName": "Byron"}),
    );
    let path = format!("api/v1.0/tickets/{}", ids[30]);
    sandbox.person("DELETE", "incidentiq", &path, json!({}));

    let (came, after) = incremental(&[]);
    assert!(came <= 60, "{came} tickets came for eleven changes");
    let changed = after.values().filter(|ticket| ticket["title"] == "Changed");
    assert_eq!((after.len(), changed.count()), (499, 10));
    assert_eq!(after[ids[20]]["requester"]["name"], "Ada Byron");
    // The same as if all had been read now.
    let (_, whole) = export(&work, &["--profile=district"], 0);
    let stripped = |ticket: &Value| {
        let mut ticket = ticket.clone();
        // An answer may be older than the directory.
        ticket["other"] = Value::Null;
        ticket["requester"]["name"] = Value::Null;
        ticket
    };
    for (id, ticket) in once(&whole) {
        assert_eq!(stripped(&ticket), stripped(&after[&id]));
    }
    let (came, open) = incremental(&["--filter", "state=open"]);
    assert!(came <= 60 && open.values().all(|ticket| ticket["standing"] == "open"));
}

#[test]
fn comments_come_for_many_tickets_at_once() {
    let (work, _sandbox) = desk("60", "25", &[], "2000/s");
    let (_, tickets) = export(&work, &["--profile=district"], 0);
    let id = tickets[7]["id"].as_str().unwrap();
    work.run(&[
        "ticket",
        "comment",
        id,
        "--body",
        "On my way",
        "--profile=district",
    ])
    .expect(0);
    let (_, tickets) = export(&work, &["--include=comments", "--profile=district"], 0);
    for ticket in &tickets {
        let texts: Vec<_> = ticket["comments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["text"])
            .collect();
        let expected: &[&str] = if ticket["id"] == id {
            &["On my way"]
        } else {
            &[]
        };
        assert_eq!(texts, expected);
        assert_eq!(ticket["not_shown"], json!([]));
    }
}

#[test]
fn what_is_asked_for_is_what_is_written() {
    let (work, _sandbox) = desk("300", "100", &["--temper", "live-like"], "2000/s");
    let (_, all) = export(&work, &["--profile=district"], 0);
    let of = |arguments: &[&str], holds: &dyn Fn(&Value) -> bool| {
        let (_, found) = export(&work, &[arguments, &["--profile=district"]].concat(), 0);
        let expected: Vec<_> = all.iter().filter(|ticket| holds(ticket)).collect();
        assert!(
            !found.is_empty() && found.len() < all.len(),
            "{arguments:?}: {}",
            found.len()
        );
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{arguments:?}");
    };
    of(&["--filter", "priority=high, critical"], &|ticket| {
        matches!(
            ticket["priority"]["name"].as_str(),
            Some("High" | "Critical")
        )
    });
    of(&["--filter", "assignee=none"], &|ticket| {
        ticket["assignee"].is_null()
    });
    let place = all[0]["place"]["name"].as_str().unwrap().to_owned();
    of(
        &[
            "--filter",
            &format!("place={place}"),
            "--filter",
            "state=closed",
        ],
        &|ticket| ticket["place"]["name"] == place.as_str() && ticket["standing"] == "closed",
    );
    of(&["--search", "projector picture"], &|ticket| {
        let texts = [
            &ticket["title"],
            &ticket["description"],
            &ticket["category"]["name"],
        ];
        let text = format!("{texts:?}").to_lowercase();
        text.contains("projector") && text.contains("picture")
    });
    for by in ["created", "updated", "closed"] {
        // No ticket of the population stands within a day of these ends but for the zone's hours.
        of(
            &["--period", "2024-06-01..2024-08-31", "--by", by],
            &|ticket| {
                let at = ticket[by]
                    .as_str()
                    .map(|at| at.parse::<jiff::Timestamp>().unwrap());
                let ends = ["2024-06-01T05:00:00Z", "2024-09-01T05:00:00Z"];
                let [from, until] = ends.map(|end| end.parse::<jiff::Timestamp>().unwrap());
                at.is_some_and(|at| at >= from && at < until)
            },
        );
    }
    let refused = |arguments: &[&str], scene: &str| {
        let start = ["export", "-o", "-", "--profile=district"];
        let ended = work.run(&[&start, arguments].concat()).expect(2);
        insta::assert_snapshot!(scene, work.shown(&ended.stderr));
        assert_eq!(ended.stdout, "");
    };
    refused(&["--filter", "asignee=x"], "filter_that_is_unknown");
    refused(&["--filter", "priority=Hihg"], "name_that_is_unknown");
    refused(&["--period", "lastweek"], "period_that_is_unknown");
    let fields = work.run(&["export", "--fields"]).expect(0).stdout;
    insta::assert_snapshot!("fields_to_filter_by", work.shown(&fields));
}

/// Takes minutes: `cargo nextest run --release --run-ignored only -E 'test(two_hundred_thousand)'`.
#[test]
#[ignore = "takes minutes"]
fn of_two_hundred_thousand_tickets_each_stands_there_once() {
    let (work, sandbox) = desk("200000", "1000", &[], "2000/s");
    let (_, tickets) = export(
        &work,
        &["--period", "2024-03-11..2024-03-18", "--profile=district"],
        0,
    );
    let ids: Vec<String> = once(&tickets).into_keys().collect();
    let rename = |nth: usize| {
        let path = format!("api/v1.0/tickets/{}/subject", ids[nth * 31 % ids.len()]);
        sandbox.person(
            "POST",
            "incidentiq",
            &path,
            json!({"Subject": format!("Changed {nth}")}),
        );
    };
    let arguments = ["export", "-o", "out.jsonl", "--profile=district"];
    let came = || {
        let stats: Value = serde_json::from_str(&sandbox.admin("GET", "stats", None)).unwrap();
        stats["requests"]["incidentiq"].as_u64().unwrap()
    };
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let changing = threads.spawn(|| {
            let going_on = |_: &usize| !over.load(Ordering::Relaxed);
            (0..2_000).take_while(going_on).map(rename).count()
        });
        for _ in 0..3 {
            let before = came();
            let mut child = work.command(&arguments).spawn().unwrap();
            // The changes are requests too.
            while came() < before + 300 && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            let _ = child.kill();
            child.wait().unwrap();
        }
        let (told, tickets) = export(&work, &arguments[3..], 0);
        over.store(true, Ordering::Relaxed);
        assert_eq!(
            (once(&tickets).len(), &told["complete"]),
            (200_000, &json!(true))
        );
        assert!(changing.join().unwrap() > 0);
    });
    // What the audit says of each is what the file says.
    let (_, tickets) = export(&work, &arguments[3..], 0);
    let tickets = once(&tickets);
    let mut last = BTreeMap::new();
    for entry in sandbox.audit() {
        last.insert(
            entry["id"].as_str().unwrap().to_owned(),
            entry["body"]["Subject"].clone(),
        );
    }
    for (id, subject) in last {
        assert_eq!(tickets[&id]["title"], subject);
    }

    let incremental = ["--incremental", "--profile=district"];
    export(&work, &incremental, 0);
    (0..100).for_each(rename);
    let (told, tickets) = export(&work, &incremental, 0);
    assert_eq!(once(&tickets).len(), 200_000);
    println!("{told:#}");
}

/// What the system did without a word: the replica lacks it, or has it otherwise.
#[test]
fn a_replica_heals() {
    let (work, sandbox) = desk("500", "100", &[], "2000/s");
    let incremental = || {
        let (told, tickets) = export(&work, &["--incremental", "--profile=district"], 0);
        let by_id = tickets
            .into_iter()
            .map(|ticket| (ticket["id"].to_string(), ticket));
        let by_id: BTreeMap<String, Value> = by_id.collect();
        (told["read"]["pages"].as_u64().unwrap(), by_id)
    };
    let (_, before) = incremental();
    let ids: Vec<&str> = before.keys().map(|id| id.trim_matches('"')).collect();
    let replica = || {
        let files = std::fs::read_dir(work.state().join("replica")).unwrap();
        let mut paths = files.map(|entry| entry.unwrap().path());
        let path = paths.find(|path| path.extension().is_some_and(|it| it == "sqlite"));
        rusqlite::Connection::open(path.unwrap()).unwrap()
    };
    // Nothing happened: a few requests, most of them counts.
    let (pages, after) = incremental();
    assert_eq!(after, before);
    assert!(pages <= 11, "{pages} pages for nothing");
    // A ticket was purged while another one came with an old date: as many as before.
    let purged = "INSERT INTO ticket SELECT created - 7000000000000000, 'gone', updated, head, comments, rest FROM ticket WHERE id = ?1";
    assert_eq!(replica().execute(purged, [ids[10]]).unwrap(), 1);
    assert_eq!(
        replica()
            .execute("DELETE FROM ticket WHERE id = ?1", [ids[400]])
            .unwrap(),
        1
    );
    let healed = (0..5).any(|_| incremental().1 == before);
    assert!(healed, "each page is compared once in five turns");
    // One was deleted, and its last change is before the one that is known.
    let old = replica().query_row("SELECT head FROM ticket WHERE id = ?1", [ids[50]], |row| {
        row.get::<_, Vec<u8>>(0)
    });
    let old = old.unwrap();
    let path = format!("api/v1.0/tickets/{}", ids[50]);
    sandbox.person("DELETE", "incidentiq", &path, json!({}));
    let (_, deleted) = incremental();
    assert_ne!(deleted, before);
    let later = "UPDATE ticket SET head = ?2, updated = updated + 86400000000000 WHERE id = ?1";
    assert_eq!(
        replica()
            .execute(later, rusqlite::params![ids[50], old])
            .unwrap(),
        1
    );
    assert_eq!(incremental().1, deleted);
}

/// A count that differed once hides nothing that differs as much elsewhere.
#[test]
fn a_difference_that_was_told_hides_no_other() {
    let (work, sandbox) = desk("500", "100", &[], "2000/s");
    let incremental = || {
        let (_, tickets) = export(&work, &["--incremental", "--profile=district"], 0);
        once(&tickets)
    };
    let before = incremental();
    let open = |(id, ticket): (&String, &Value)| (ticket["standing"] == "open").then(|| id.clone());
    let id = &before.iter().find_map(open).unwrap();
    let files = std::fs::read_dir(work.state().join("replica")).unwrap();
    let mut paths = files.map(|entry| entry.unwrap().path());
    let path = paths.find(|path| path.extension().is_some_and(|it| it == "sqlite"));
    let replica = rusqlite::Connection::open(path.unwrap()).unwrap();
    let old: Vec<u8> = replica
        .query_row("SELECT head FROM ticket WHERE id = ?1", [id], |row| {
            row.get(0)
        })
        .unwrap();
    let place =
        "SELECT count(*) FROM ticket WHERE created < (SELECT created FROM ticket WHERE id = ?1)";
    let place: i64 = replica.query_row(place, [id], |row| row.get(0)).unwrap();
    let path = format!("api/v1.0/tickets/{id}");
    sandbox.person("DELETE", "incidentiq", &path, json!({}));
    let deleted = incremental();
    assert_ne!(deleted, before);
    // It was deleted without a word: the replica knows it as it was, by a later date that is over. Its page is not the one
    // that is compared, and neither is its rank.
    let forget = |remembered: &str| {
        let later = "UPDATE ticket SET head = ?2, updated = updated + 1000000 WHERE id = ?1";
        let changed = replica.execute(later, rusqlite::params![id, old]);
        assert_eq!(changed.unwrap(), 1);
        let keep =
            "INSERT OR REPLACE INTO fact VALUES ('counted.not deleted', ?1), ('compared', ?2)";
        let turn = if place < 100 { "1" } else { "0" };
        assert_eq!(replica.execute(keep, [remembered, turn]).unwrap(), 2);
    };
    for remembered in [
        "498 499",
        "2019-01-01T06:00:00Z 2019-01-02T06:00:00Z -1",
        "spread -2",
    ] {
        forget(remembered);
        assert_eq!(incremental(), deleted, "{remembered}");
        let kept = "SELECT count(*) FROM fact WHERE name LIKE 'counted.%'";
        let kept: i64 = replica.query_row(kept, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 0, "{remembered}: nothing differs any more");
    }
}

/// The last change of a ticket goes back behind that of most others.
#[test]
fn a_last_change_that_goes_back_is_found_at_once() {
    let (work, _sandbox) = desk("600", "20", &[], "2000/s");
    let incremental = || {
        let (told, _) = export(&work, &["--incremental", "--profile=district"], 0);
        told["read"]["pages"].as_u64().unwrap()
    };
    incremental();
    let files = std::fs::read_dir(work.state().join("replica")).unwrap();
    let mut paths = files.map(|entry| entry.unwrap().path());
    let path = paths.find(|path| path.extension().is_some_and(|it| it == "sqlite"));
    let replica = rusqlite::Connection::open(path.unwrap()).unwrap();
    let changed = || -> Vec<(String, i64)> {
        let mut all = replica
            .prepare("SELECT id, updated FROM ticket ORDER BY updated, id")
            .unwrap();
        let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        all.unwrap().map(Result::unwrap).collect()
    };
    let desk = changed();
    let pages = incremental();
    assert!(pages <= 11, "{pages} pages for nothing");
    // The replica knows later changes than the desk shows, of one ticket and of three.
    for moved in [&[10][..], &[3, 4, 200]] {
        for (at, place) in moved.iter().enumerate() {
            let later = desk[590 + at].1 + 1;
            let update = "UPDATE ticket SET updated = ?2 WHERE id = ?1";
            let known = replica.execute(update, rusqlite::params![desk[*place].0, later]);
            assert_eq!(known.unwrap(), 1);
        }
        assert_ne!(changed(), desk);
        let pages = incremental();
        assert_eq!(changed(), desk, "{moved:?} after {pages} pages");
        assert!(pages <= 90, "{pages} pages for {moved:?}");
    }
    let pages = incremental();
    assert!(pages <= 11, "{pages} pages for nothing");
}

/// ClearFeed lists no people: whom the directory does not know is asked for, once.
#[test]
fn people_who_are_met_have_their_names() {
    let (work, sandbox) = desk("50", "100", &[], "2000/s");
    let profile = "--profile=support";
    let (_, named) = export(&work, &[profile], 0);
    let names = |tickets: &[Value]| -> BTreeSet<String> {
        let people = tickets
            .iter()
            .flat_map(|ticket| [&ticket["requester"], &ticket["assignee"]]);
        people
            .filter_map(|one| Some(one["name"].as_str()?.to_owned()))
            .collect()
    };
    assert!(names(&named).len() > 3, "{named:?}");
    // A directory that has none of them.
    let folder = std::fs::read_dir(work.state().join("directory")).unwrap();
    let forget = || {
        for path in folder.map(|entry| entry.unwrap().path()) {
            let mut snapshot: Value =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            if snapshot["system"] == "clearfeed" {
                snapshot["kinds"]["user"]["entries"] = json!([]);
                std::fs::write(&path, snapshot.to_string()).unwrap();
            }
        }
    };
    forget();
    let asked = || {
        let stats: Value = serde_json::from_str(&sandbox.admin("GET", "stats", None)).unwrap();
        stats["requests"]["clearfeed"].as_u64().unwrap()
    };
    let before = asked();
    let (_, again) = export(&work, &[profile], 0);
    assert_eq!(names(&again), names(&named));
    assert!(asked() - before < 10, "{} requests", asked() - before);
}

/// Words are looked for in what the columns show, however the tickets are read.
#[test]
fn words_find_the_same_tickets_however_these_are_read() {
    let (work, _sandbox) = desk("200", "100", &[], "2000/s");
    for profile in ["--profile=district", "--profile=support"] {
        let (_, all) = export(&work, &[profile], 0);
        let category = all
            .iter()
            .find_map(|ticket| ticket["category"]["name"].as_str());
        let word = category
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned();
        for (word, finds) in [
            (word.as_str(), true),
            ("clearfeed", false),
            ("incidentiq", false),
        ] {
            let (_, online) = export(&work, &["--search", word, profile], 0);
            let (_, kept) = export(&work, &["--search", word, "--incremental", profile], 0);
            assert_eq!(once(&online), once(&kept), "{profile}, {word}");
            assert_eq!(
                !online.is_empty(),
                finds,
                "{profile}, {word}: {}",
                online.len()
            );
        }
    }
}
