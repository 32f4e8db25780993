use deskferry_testing::absent::not_installed;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::export::sheets::made::{basis, sheets, tickets, week, zone};
use crate::export::sheets::{Analysis, Frame, SheetKind};
use crate::systems::common::CommonTicket;

fn value(text: Option<&str>) -> Value {
    text.map_or(Value::Empty, |text| Value::Text(text.to_owned()))
}

fn cells(ticket: &CommonTicket) -> Vec<Value> {
    let url = ticket.url.clone().unwrap();
    let time = |at: Option<jiff::Timestamp>| {
        at.map_or(Value::Empty, |at| Value::Time(zone().to_datetime(at)))
    };
    vec![
        Value::Link {
            text: ticket.number.clone().unwrap(),
            url,
        },
        value(ticket.title.as_deref()),
        value(ticket.state.as_ref().map(|state| state.label())),
        value(ticket.place.as_ref().map(|place| place.label())),
        time(ticket.created),
        time(ticket.closed),
        Value::Count(ticket.devices.len() as i64),
    ]
}

fn page(count: u64) -> String {
    let tickets = tickets(count);
    let mut listed = Listing {
        headings: [
            "Number", "Title", "State", "Location", "Created", "Closed", "Devices",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..Listing::default()
    };
    for ticket in &tickets {
        listed.all += 1;
        if listed.has_room() {
            listed.rows.push(cells(ticket));
        }
    }
    let about = [
        "IncidentIQ, district".to_owned(),
        "Read on 24 Jun 2024".to_owned(),
    ];
    let mut out = Vec::new();
    let page = Page {
        title: "Tickets of </title><script>alert(1)</script>",
        about: &about,
        sheets: &sheets(&tickets),
        tickets: Some(&listed),
        comments: None,
        signature: None,
    };
    write(&page, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_page_runs_and_fetches_nothing_but_itself() {
    let page = page(2100);
    // One style, one script, both named by the policy, which allows nothing else.
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("<style").count(), 1);
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    for active in [
        " style=",
        " onclick=",
        " onload=",
        "src=",
        "javascript:",
        "<img",
        "<link",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(active), "{active}");
    }
    let links = page.matches("href=").count();
    let known =
        page.matches("href=\"#").count() + page.matches("href=\"https://district.example/").count();
    assert_eq!(links, known);
    // What was hostile shows as it stands.
    assert!(page.contains("=cmd|&#39;/c calc&#39;!A7 &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("&lt;Annex&gt;"));
    assert!(page.contains("The first 2,000 of 2,100 tickets"));
    // Every drawing has its words.
    let drawings = page.matches("<svg").count();
    assert!(drawings > 12, "{drawings}");
    assert_eq!(page.matches("<desc").count(), drawings);
}

/// A report is a page that a mail can be: nothing in it runs, is drawn or comes from elsewhere.
#[test]
fn a_report_is_a_page_to_mail() {
    let mut basis = basis(Some(week()));
    basis.frame = Some(Frame::of(SheetKind::Weekly, week().span, &basis.zone).unwrap());
    let mut analysis = Analysis::new(&[SheetKind::Weekly], basis);
    let mut listed = Listing::default();
    for ticket in tickets(200) {
        let is_listed = week().holds(&ticket);
        listed.all += u64::from(is_listed);
        analysis.add(&ticket, is_listed);
    }
    let mut out = Vec::new();
    let page = Page {
        title: "Tickets of district",
        about: &["IncidentIQ, district".to_owned()],
        sheets: &analysis.finish(),
        tickets: Some(&listed),
        comments: None,
        signature: None,
    };
    write(&page, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    for active in [
        "<script", "<svg", " style=", "src=", "<img", "<link", "url(", "var(",
    ] {
        assert!(!page.contains(active), "{active}");
    }
    assert!(page.starts_with(HEAD));
    let (_, body) = page.split_once("</head>").unwrap();
    insta::assert_snapshot!("a_report_to_mail", body);
}

#[test]
fn an_address_that_is_none_of_the_web_is_no_link() {
    let link = Value::Link {
        text: "INC1".to_owned(),
        url: "javascript:alert(1)".to_owned(),
    };
    let mut out = Vec::new();
    fragment(&link, &mut out).unwrap();
    assert_eq!(out, b"INC1");
}

/// With the browser in `CHROMIUM` or on the path.
#[test]
fn a_browser_shows_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page(300)).unwrap();
    let browser = std::env::var_os("CHROMIUM").map_or_else(|| "chromium".into(), PathBuf::from);
    let out = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=3000",
        ])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", file.display()))
        .output();
    let out = match out {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            not_installed(
                "a browser shows the page",
                "no Chromium is here, and `CHROMIUM` names none",
            );
            return;
        }
        out => out.unwrap(),
    };
    let (dom, log) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    // The policy let the script run, and the style apply.
    assert!(dom.contains("<input type=\"search\""), "{log}");
    assert!(!log.contains("CONSOLE"), "{log}");
    assert_eq!(dom.matches("<button type=\"button\">").count(), 7);
}
