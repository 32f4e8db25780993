//! Tickets that were changed in the source and in the target since the pass before: nothing of people's is overwritten.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deskferry::systems::Standing;
use deskferry::systems::common::CommonTicket;
use serde_json::{Value, json};

use crate::migrate::{INTO_CLEARFEED, desks, hang_files, migrate, moved, name, tickets};
use crate::support::{SandboxProcess, Told, Work, between, patch};

/// Two desks of which a first pass has moved the tickets.
struct Moved {
    work: Work,
    sandbox: SandboxProcess,
    /// The tickets of the source that are open.
    open: Vec<CommonTicket>,
    /// The ids of the copies, by what the copies call their tickets.
    ids: BTreeMap<String, String>,
}

impl Moved {
    fn new() -> Self {
        let work = Work::new();
        let sandbox = desks(&work, &[]);
        Self::by(work, sandbox, 0)
    }

    /// `code`: how the first pass ends.
    fn by(work: Work, sandbox: SandboxProcess, code: i32) -> Self {
        let (ended, first) = migrate(&work, "district", "support", INTO_CLEARFEED, &[]);
        assert_eq!(ended, code, "{first:#}");
        let mut open = tickets(&work, "district");
        open.retain(|ticket| ticket.standing == Standing::Open);
        let copies = tickets(&work, "support");
        let ids = (moved(&copies).into_iter())
            .map(|(name, copies)| (name, copies[0].id.clone()))
            .collect();
        Self {
            work,
            sandbox,
            open,
            ids,
        }
    }

    /// ClearFeed shows whole seconds, and what comes right after us may be ours.
    fn wait(&self) {
        std::thread::sleep(Duration::from_millis(4_000));
    }

    fn pass(&self, further: &[&str]) -> (i32, Value) {
        migrate(&self.work, "district", "support", INTO_CLEARFEED, further)
    }

    /// The source says something else.
    fn here(&self, at: usize, path: &str, body: Value) {
        let path = format!("api/v1.0/tickets/{}/{path}", self.open[at].id);
        self.sandbox.person("POST", "incidentiq", &path, body);
    }

    fn rename(&self, at: usize, title: &str) {
        self.here(at, "subject", json!({"Subject": title}));
    }

    /// Somebody works on the copy.
    fn there(&self, at: usize, body: Value) {
        self.sandbox
            .person("PATCH", "clearfeed", &self.path(at), body);
    }

    fn path(&self, at: usize) -> String {
        let id = &self.ids[name(&self.open[at])];
        format!("v1/rest/requests/{}", id.trim_start_matches("req_"))
    }

    fn copy(&self, at: usize) -> CommonTicket {
        let id = &self.ids[name(&self.open[at])];
        let mut copies = tickets(&self.work, "support");
        copies.retain(|copy| copy.id == *id);
        copies.remove(0)
    }

    fn title(&self, at: usize) -> String {
        self.copy(at).title.unwrap()
    }

    fn state(&self, at: usize) -> String {
        self.copy(at).state.unwrap().label().to_owned()
    }
}

/// What is said of the rows that were not sent.
fn causes(summary: &Value) -> String {
    summary["causes"].to_string()
}

/// Updated, rejected, skipped.
fn sums(summary: &Value) -> [u64; 3] {
    ["updated", "rejected", "skipped"].map(|name| summary[name].as_u64().unwrap())
}

#[test]
fn what_was_changed_on_both_sides_is_listed_and_not_overwritten() {
    let desks = Moved::new();
    desks.wait();
    desks.rename(0, "Only here");
    desks.rename(1, "Another title here");
    desks.there(1, json!({"title": "Another title there"}));
    desks.there(2, json!({"title": "Only there"}));
    let (code, next) = desks.pass(&[]);
    assert_eq!((code, sums(&next)), (1, [1, 1, 28]), "{next:#}");
    assert_eq!(desks.title(0), "Only here");
    assert_eq!(desks.title(1), "Another title there");
    assert_eq!(desks.title(2), "Only there");
    // The mapping beside the list takes it back into the desk.
    let listed = ["import", "district-to-support.conflicts.xlsx"];
    let mapping = ["--mapping", "district-to-support.conflicts.toml"];
    let profile = ["--profile", "support", "--dry-run"];
    desks
        .work
        .run(&[&listed[..], &mapping, &profile].concat())
        .expect(0);
    // The source may win.
    let (code, next) = desks.pass(&["--overwrite"]);
    assert_eq!((code, sums(&next)[0]), (0, 1), "{next:#}");
    assert_eq!(desks.title(1), "Another title here");
}

#[test]
fn a_state_that_people_have_set_is_not_set_back() {
    let desks = Moved::new();
    desks.wait();
    // Both sides end one of them, and both go on with another in their own ways.
    desks.here(0, "close", json!({}));
    desks.there(0, json!({"state": "closed"}));
    desks.here(1, "close", json!({}));
    desks.there(1, json!({"state": "pending"}));
    let (code, next) = desks.pass(&[]);
    assert_eq!(sums(&next)[1], 1, "{next:#}");
    assert_eq!(code, 1, "{next:#}");
    assert_eq!(desks.state(1), "pending");
    assert!(causes(&next).contains("`state`"), "{next:#}");
    let (code, next) = desks.pass(&["--overwrite"]);
    assert_eq!((code, sums(&next)[0]), (0, 1), "{next:#}");
    assert_eq!(desks.copy(1).standing, Standing::Closed);
}

#[test]
fn a_value_that_comes_back_in_the_source_goes_over_nobody() {
    let desks = Moved::new();
    let first = desks.open[0].title.clone().unwrap();
    desks.rename(0, "For a while");
    let (code, next) = desks.pass(&[]);
    assert_eq!((code, sums(&next)[0]), (0, 1), "{next:#}");
    desks.wait();
    desks.there(0, json!({"title": "Theirs"}));
    desks.rename(0, &first);
    let (code, next) = desks.pass(&[]);
    assert_eq!((code, sums(&next)[1]), (1, 1), "{next:#}");
    assert_eq!(desks.title(0), "Theirs");
}

fn told(status: u16, text: &str) -> Told {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    (status, headers.into(), text.to_owned())
}

/// Lets one of the profiles go through a server of ours.
fn through(
    work: &Work,
    (runtime, address): (&tokio::runtime::Runtime, &str),
    meddle: impl Fn(&deskferry_testing::server::Request, &dyn Fn() -> Told) -> Told
    + Send
    + Sync
    + 'static,
) -> deskferry_testing::server::MockServer {
    let server = runtime.block_on(between(address, meddle));
    let profiles = work.read("deskferry.toml");
    work.write("deskferry.toml", profiles.replace(address, &server.uri()));
    server
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_ticket_of_which_a_file_was_lost_is_compared_all_the_same() {
    let runtime = runtime();
    let work = Work::new();
    let sandbox = desks(&work, &[]);
    let mut open = tickets(&work, "district");
    open.retain(|ticket| ticket.standing == Standing::Open);
    hang_files(&sandbox, &open);
    let address = sandbox.told("incidentiq").to_owned();
    let _server = through(&work, (&runtime, &address), |request, ask| {
        let path = request.url.path();
        let is_download = request.method == "GET" && path.contains("/files/");
        match is_download && !path.contains("/entity/") {
            true => told(404, "{}"),
            false => ask(),
        }
    });
    let desks = Moved::by(work, sandbox, 1);
    desks.wait();
    desks.rename(0, "Here");
    desks.there(0, json!({"title": "There"}));
    let (_, next) = desks.pass(&[]);
    assert_eq!(desks.title(0), "There", "{next:#}");
    assert!(causes(&next).contains("changed on both sides"), "{next:#}");
    // What nobody has touched there goes.
    desks.rename(1, "Only here");
    desks.pass(&[]);
    assert_eq!(desks.title(1), "Only here");
}

#[test]
fn what_is_changed_there_after_the_comparison_is_not_overwritten() {
    let runtime = runtime();
    let desks = Moved::new();
    desks.wait();
    desks.rename(0, "Here");
    let address = desks.sandbox.told("clearfeed").to_owned();
    let id = desks.ids[name(&desks.open[0])].clone();
    let url = format!("{}/{}", address.trim_end_matches('/'), desks.path(0));
    let token = desks.sandbox.told("token").to_owned();
    let seen = AtomicUsize::new(0);
    let _server = through(&desks.work, (&runtime, &address), move |request, ask| {
        let is_it = request.method == "GET" && request.url.path().ends_with(&id);
        // Each reading takes two requests: by the third one it is about to be written to.
        if is_it && seen.fetch_add(1, Ordering::SeqCst) == 2 {
            let (token, url) = (token.clone(), url.clone());
            let theirs = move || patch(&url, &token, json!({"title": "There"}));
            std::thread::spawn(theirs).join().unwrap();
        }
        ask()
    });
    let (code, next) = desks.pass(&[]);
    assert_eq!((code, sums(&next)[1]), (1, 1), "{next:#}");
    assert_eq!(desks.title(0), "There");
    let why = causes(&next);
    assert!(why.contains("while this run was under way"), "{next:#}");
    // The next one compares it anew.
    let (code, next) = desks.pass(&[]);
    assert_eq!(code, 1, "{next:#}");
    assert!(causes(&next).contains("changed on both sides"), "{next:#}");
}
