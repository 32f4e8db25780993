//! Exports from a desk whose lists are not whole: they end with 1 and say so, and the next one completes the file.

use serde_json::{Value, json};

use super::can_run;
use super::server::Desk;
use crate::support::{Ended, Work};

const TICKETS: usize = 60;

fn work(desk: &Desk) -> Work {
    let work = Work::new();
    work.write("token", desk.told("token"));
    let common = "token = { file = \"token\" }\nlive = false\nvisible_within = \"1s\"\n";
    let (incidents, requests) = (desk.told("incidentiq"), desk.told("clearfeed"));
    let site = desk.told("site_id");
    work.write(
        "deskferry.toml",
        format!(
            "[profiles.incidents]\nsystem = \"incidentiq\"\nurl = \"{incidents}\"\nsite_id = \"{site}\"\n{common}\n\
             [profiles.requests]\nsystem = \"clearfeed\"\nurl = \"{requests}\"\ntenant = \"acme\"\n{common}"
        ),
    );
    work
}

fn exported(work: &Work, profile: &str) -> Ended {
    work.run(&[
        "export",
        "--profile",
        profile,
        "-o",
        "all.jsonl",
        "--format",
        "json",
        "--trust",
    ])
}

#[test]
fn a_partial_export_ends_with_1_and_the_next_one_is_whole() {
    if !can_run("exports of partial lists") {
        return;
    }
    let folder = Work::new();
    let desk = Desk::start(&folder, 7);
    let work = work(&desk);
    for n in 0..TICKETS {
        let title = format!("Ticket {n}");
        desk.person(&json!({"system": "incidentiq", "title": title, "description": "-"}));
        desk.person(&json!({"system": "clearfeed", "title": title, "description": "-"}));
    }
    // Tickets show with a delay of up to `visible_within`.
    std::thread::sleep(std::time::Duration::from_secs(1));
    for (profile, chaos) in [
        ("incidents", json!({"empty-page": "1:only@list"})),
        ("requests", json!({"silent-cap": "7:hides@list"})),
    ] {
        desk.set_chaos(&chaos);
        let ended = exported(&work, profile);
        let told = format!("{profile}, {chaos}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(1), "{told}");
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_ne!(document["complete"], true, "{told}");
        desk.set_chaos(&json!({}));
        let ended = exported(&work, profile).expect(0);
        let whole: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(whole["complete"], true, "{profile}");
        assert_eq!(whole["tickets"], TICKETS, "{profile}");
        assert_eq!(work.read("all.jsonl").lines().count(), TICKETS, "{profile}");
    }
}
