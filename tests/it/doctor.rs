//! The doctor sees what is good, says what is not and what to do about it, and leaves nothing behind.

use serde_json::Value;

use crate::support::{Ended, SandboxProcess, Work};

fn findings(document: &str) -> Vec<Value> {
    let document: Value =
        serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"));
    document["findings"].as_array().unwrap().clone()
}

#[track_caller]
fn of<'f>(findings: &'f [Value], what: &str) -> &'f Value {
    let found = findings.iter().find(|finding| finding["what"] == what);
    found.unwrap_or_else(|| panic!("no `{what}` in {findings:#?}"))
}

#[test]
fn a_good_desk_passes_and_nothing_is_written() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    // Where there are no tickets a filter has nothing to leave out.
    let made = "ticket create --requester helpdesk@district.example --issue Other --place DO --profile district";
    let made: Vec<&str> = made.split(' ').collect();
    work.run(&made).expect(0);
    for profile in ["district", "support"] {
        let ended = work
            .run(&["doctor", "--profile", profile, "--format", "json"])
            .expect(0);
        let findings = findings(&ended.stdout);
        for what in [
            "state folder",
            "ledger",
            "token",
            "name",
            "connection",
            "sign-in",
            "clock",
            "paging",
            "filters",
            "latency",
            "limit",
            "write",
        ] {
            assert_eq!(of(&findings, what)["verdict"], "ok", "{profile}: {what}");
        }
        insta::assert_snapshot!(format!("good_{profile}"), work.shown(&ended.stderr));
    }
    assert_eq!(sandbox.audit().len(), 1);
}

#[test]
fn the_write_probe_leaves_nothing_behind() {
    for temper in ["lenient", "live-like"] {
        let work = Work::new();
        let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--temper", temper]);
        sandbox.profiles(&work, "rate = \"2000/s\"\nvisible_within = \"100ms\"");
        for (profile, system, removal) in [
            ("district", "incidentiq", "delete"),
            ("support", "clearfeed", "message"),
        ] {
            let ended = work
                .run(&[
                    "doctor",
                    "--write-probe",
                    "--profile",
                    profile,
                    "--format",
                    "json",
                ])
                .expect(0);
            let findings = findings(&ended.stdout);
            for what in [
                "write",
                "listed back",
                "marker",
                "time of tickets",
                "refusals",
                "removed",
            ] {
                assert_eq!(
                    of(&findings, what)["verdict"],
                    "ok",
                    "{temper} {profile}: {what}"
                );
            }
            let audit = sandbox.audit();
            let own: Vec<_> = audit
                .iter()
                .filter(|entry| entry["system"] == system)
                .collect();
            assert_eq!(own.len(), 2, "{own:#?}");
            assert_eq!(own[1]["operation"], removal);
            assert_eq!(own[0]["id"], own[1]["id"]);
        }
    }
}

#[test]
fn a_wrong_zone_is_found_by_the_probe() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0", "--temper", "live-like"]);
    sandbox.profiles(
        &work,
        "rate = \"2000/s\"\ntimezone = \"Asia/Tokyo\"\ntimezone_from = \"profile\"\nvisible_within = \"100ms\"",
    );
    let ended = work
        .run(&[
            "doctor",
            "--write-probe",
            "--profile",
            "district",
            "--format",
            "json",
        ])
        .expect(1);
    let findings = findings(&ended.stdout);
    let time = of(&findings, "time of tickets");
    assert_eq!(time["verdict"], "failed");
    insta::assert_snapshot!("wrong_zone", work.shown(&ended.stderr));
    assert_eq!(of(&findings, "removed")["verdict"], "ok");
}

#[test]
fn a_bad_token_is_told_with_where_to_make_one() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    work.write("token", "wrong");
    let ended = work.run(&["doctor", "--profile", "district"]).expect(3);
    insta::assert_snapshot!("bad_token", work.shown(&ended.both()));
}

#[test]
fn a_system_that_is_not_there_is_told_line_by_line() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    drop(sandbox);
    let ended = work.run(&["doctor", "--profile", "district"]).expect(3);
    insta::assert_snapshot!("system_that_is_not_there", work.shown(&ended.both()));
}

#[test]
fn a_damaged_ledger_fails() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    std::fs::create_dir_all(work.state()).unwrap();
    std::fs::write(
        work.state().join("ledger.sqlite"),
        "no ledger at all, but a text that is long enough",
    )
    .unwrap();
    let ended = work
        .run(&["doctor", "--profile", "district", "--format", "json"])
        .expect(1);
    assert_eq!(of(&findings(&ended.stdout), "ledger")["verdict"], "failed");
}

/// The sandbox stands for a proxy: it hears what is meant for another host, and says that it is none.
#[test]
fn the_doctor_says_which_way_requests_go_and_they_go_it() {
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    let place = sandbox.told("incidentiq").trim_start_matches("http://");
    let place = place.split('/').next().unwrap().to_owned();
    let doctor = |further: &str, variables: &[(&str, String)], code: i32| {
        sandbox.profiles(&work, &format!("rate = \"2000/s\"\n{further}"));
        let text = work.read("deskferry.toml").replace(
            &format!("url = \"http://{place}"),
            "url = \"http://desk.invalid",
        );
        work.write("deskferry.toml", text);
        let line = "doctor --profile district --insecure-http --format json";
        let mut command = work.command(&line.split(' ').collect::<Vec<_>>());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        Ended::of(command.output().unwrap()).expect(code)
    };
    let detail = |ended: &Ended, what: &str| {
        let found = findings(&ended.stdout);
        let found = found.iter().find(|finding| finding["what"] == what);
        found.map(|finding| finding["detail"].as_str().unwrap().to_owned())
    };
    let proxy = format!("http://{place}");
    for (further, variables, from) in [
        (
            format!("proxy = \"{place}\""),
            vec![],
            "`proxy` in the profile",
        ),
        (
            String::new(),
            vec![("HTTP_PROXY", proxy.clone())],
            "HTTP_PROXY",
        ),
        (
            String::new(),
            vec![("all_proxy", proxy.clone())],
            "all_proxy",
        ),
        // The profile has the last word.
        (
            format!("proxy = \"{place}\""),
            vec![("HTTP_PROXY", "http://127.0.0.1:1".to_owned())],
            "`proxy` in the profile",
        ),
    ] {
        let ended = doctor(&further, &variables, 3);
        assert_eq!(
            detail(&ended, "proxy").unwrap(),
            format!("requests to `desk.invalid` go by `{place}` ({from})")
        );
        let (_, error) = ended.stderr.split_once("error: ").unwrap();
        insta::assert_snapshot!("sandbox_that_is_no_proxy", work.shown(error));
    }
    // It is for `https://` alone; then one that is excepted. Without a proxy nobody knows the name.
    for (variables, said) in [
        (vec![("HTTPS_PROXY", proxy.clone())], None),
        (
            vec![
                ("HTTP_PROXY", proxy.clone()),
                ("NO_PROXY", "desk.invalid".to_owned()),
            ],
            Some(
                "HTTP_PROXY is set, but requests to `desk.invalid` go direct: NO_PROXY excepts it"
                    .to_owned(),
            ),
        ),
    ] {
        let ended = doctor("", &variables, 3);
        assert_eq!(detail(&ended, "proxy"), said);
        assert!(
            detail(&ended, "name").unwrap().contains("is not known"),
            "{}",
            ended.stdout
        );
    }
    // To go without one that cannot be read may be to go where nobody may.
    let unreadable = [("HTTP_PROXY", "ht!tp://ann:s3cret@proxy".to_owned())];
    let refused = doctor("", &unreadable, 2);
    assert!(!refused.both().contains("s3cret"), "{}", refused.both());
    insta::assert_snapshot!("unreadable_proxy", work.shown(&refused.stderr));
}
