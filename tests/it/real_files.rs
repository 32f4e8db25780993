//! Other people's files, as they came, go into both systems through mappings that a help desk would write.
//!
//! The files stand beside the repository; a test whose file is absent says so on standard error. The numbers were
//! counted in the files by other means than this program.

use serde_json::Value;

use crate::dry_run::as_foretold;
use crate::import::{assert_balanced, assert_once};
use crate::support::{SandboxProcess, Work, creates, real_file, repository};

/// What must come of one file in one system.
#[derive(Default)]
struct Expected<'a> {
    rows: u64,
    records: u64,
    created: u64,
    skipped: u64,
    filtered: u64,
    /// Rows, field and a part of the message; together they are all rejected rows.
    causes: &'a [(u64, &'a str, &'a str)],
    /// Field, rows.
    fallbacks: &'a [(&'a str, u64)],
    /// Field, rows whose word no `map` has.
    unmapped: &'a [(&'a str, u64)],
    /// Field of a further request and how often it was made: the audit's operation.
    further: &'a [(&'a str, usize)],
}

impl Expected<'_> {
    /// Every row is a record and is created.
    fn all(count: u64) -> Self {
        Self {
            rows: count,
            records: count,
            created: count,
            ..Self::default()
        }
    }

    #[track_caller]
    fn check(&self, what: &str, summary: &Value, created: &str) {
        assert_balanced(summary);
        let rejected = self.causes.iter().map(|(rows, ..)| rows).sum::<u64>();
        for (name, expected) in [
            ("rows", self.rows),
            ("records", self.records),
            ("filtered", self.filtered),
            (created, self.created),
            ("skipped", self.skipped),
            ("rejected", rejected),
            ("in_doubt", 0),
            ("not_sent", 0),
        ] {
            assert_eq!(summary[name], expected, "{what}: {name} of {summary:#}");
        }
        let causes = summary["causes"].as_array().unwrap();
        assert_eq!(causes.len(), self.causes.len(), "{what}: {causes:#?}");
        for (rows, field, part) in self.causes {
            assert!(
                causes.iter().any(|cause| cause["rows"] == *rows
                    && cause["field"] == *field
                    && cause["message"].as_str().unwrap().contains(part)),
                "{what}: no {rows} × {field}: {part} in {causes:#?}"
            );
        }
        let took = |unmapped: bool| -> Vec<(&str, u64)> {
            let all = summary["fallbacks"].as_array().unwrap().iter();
            all.filter(|took| took.get("words").is_some() == unmapped)
                .map(|took| {
                    let rows = took["rows"].as_u64().unwrap();
                    (took["field"].as_str().unwrap(), rows)
                })
                .collect()
        };
        assert_eq!(took(false), self.fallbacks, "{what}");
        assert_eq!(took(true), self.unmapped, "{what}: words that no `map` has");
    }
}

/// The tickets that one file became, by system.
struct Made(Vec<Value>);

impl Made {
    /// The body of the ticket of one system with this marker.
    #[track_caller]
    fn body(&self, system: &str, marker: &str) -> &Value {
        let found = self
            .0
            .iter()
            .find(|entry| entry["system"] == system && entry["marker"] == marker);
        &found.unwrap_or_else(|| panic!("no {marker} in {system}"))["body"]
    }

    /// How many creates of a system have a body like that.
    fn count(&self, system: &str, like: impl Fn(&Value) -> bool) -> usize {
        self.0
            .iter()
            .filter(|entry| entry["system"] == system && entry["operation"] == "create")
            .filter(|entry| like(&entry["body"]))
            .count()
    }
}

/// Dry run, run and audit of one file in both systems; `None` where the file is not there.
#[track_caller]
fn import(
    file: &str,
    mapping: &str,
    incidentiq: &Expected<'_>,
    clearfeed: &Expected<'_>,
) -> Option<Made> {
    let input = real_file(file)?;
    let input = input.to_str().unwrap();
    let work = Work::new();
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"100000/s\"\nconcurrency = 32");
    let mut audit: Vec<Value> = Vec::new();
    for (system, profile, expected) in [
        ("incidentiq", "district", incidentiq),
        ("clearfeed", "support", clearfeed),
    ] {
        let what = format!("{file} into {system}");
        let mapping = repository().join(format!("tests/mappings/{mapping}-{system}.toml"));
        let mapping = mapping.to_str().unwrap();
        let arguments = [input, "--mapping", mapping, "--profile", profile];
        let code = i32::from(!expected.causes.is_empty());

        let ((ended, dry), (really_ended, real)) = as_foretold(&work, &sandbox, system, &arguments);
        ended.expect(code);
        expected.check(&format!("dry run of {what}"), &dry, "would_create");
        really_ended.expect(code);
        expected.check(&what, &real, "created");
        for same in ["skipped_because", "rejected", "causes", "fallbacks"] {
            assert_eq!(
                dry[same], real[same],
                "{what}: {same} was told otherwise before"
            );
        }
        audit = sandbox.audit();
        for (operation, times) in expected.further {
            let found = audit
                .iter()
                .filter(|entry| entry["system"] == system && entry["operation"] == *operation)
                .count();
            assert_eq!(found, *times, "{what}: requests that {operation}");
        }
        let created = creates(audit.clone(), system);
        assert_eq!(created.len() as u64, expected.created, "{what}: audit");
        assert_once(&created);
    }
    Some(Made(audit))
}

fn text<'a>(body: &'a Value, member: &str) -> &'a str {
    body[member].as_str().unwrap_or_default()
}

#[test]
fn a_shop_whose_records_hold_newlines_and_braces() {
    let incidentiq = Expected {
        unmapped: &[("IsUrgent", 6340)],
        ..Expected::all(8469)
    };
    let clearfeed = Expected {
        unmapped: &[("collection_id", 6722), ("priority", 6340)],
        ..Expected::all(8469)
    };
    let file = "kaggle_customer_support_tickets.csv";
    let Some(made) = import(file, "kaggle", &incidentiq, &clearfeed) else {
        return;
    };
    let braces = |body: &Value| text(body, "IssueDescription").contains("{product_purchased}");
    assert_eq!(
        made.count("incidentiq", braces),
        8469,
        "text is never evaluated"
    );
    assert_eq!(
        made.count("incidentiq", |body| body["IsUrgent"] == true),
        2129
    );
    assert_eq!(
        made.count("clearfeed", |body| body["priority"] == "urgent"),
        2129
    );
    assert_eq!(
        made.count("clearfeed", |body| body["collection_id"] == "col_11"),
        1747
    );
    let left = |body: &Value| text(body, "description").contains("{product_purchased}");
    assert_eq!(made.count("clearfeed", left), 0);
}

#[test]
fn an_event_log_becomes_890_tickets_as_they_stood_last() {
    let groups = Expected {
        rows: 5998,
        ..Expected::all(890)
    };
    let incidentiq = Expected {
        // A priority each; those whose last group is one of the two teams of the table.
        further: &[("priority", 890), ("assign", 187 + 59)],
        unmapped: &[
            ("AssignedToTeamId", 641),
            ("IsUrgent", 857),
            ("Priority", 133),
        ],
        ..groups
    };
    let clearfeed = Expected {
        rows: 5998,
        fallbacks: &[("custom.Asset Tag", 199)],
        ..Expected::all(890)
    };
    let file = "uci_incident_event_log_6k_excel.csv";
    let Some(made) = import(file, "uci", &incidentiq, &clearfeed) else {
        return;
    };
    let description = text(
        made.body("incidentiq", "uci-incidents/INC0000990"),
        "IssueDescription",
    );
    assert!(
        description.starts_with("Opened 2016-03-02 08:14 by Caller 1402 at Location 204."),
        "{description}"
    );
    assert!(
        description.contains("\n28 changes:\n2016-03-02 08:19  New  Resolver 13\n"),
        "{description}"
    );
    assert!(
        description.contains("\n2016-03-27 08:59  Closed  Resolver 13\n"),
        "{description}"
    );
    // Its last row has no group any more.
    let body = made.body("clearfeed", "uci-incidents/INC0000990");
    assert_eq!(body["custom_fields"]["Asset Tag"], "Resolver 13");
    assert_eq!(body["custom_fields"]["Seats"], 9);
    for (priority, count) in [("medium", 757), ("low", 85), ("high", 33), ("urgent", 15)] {
        assert_eq!(
            made.count("clearfeed", |body| body["priority"] == priority),
            count,
            "{priority}"
        );
    }
}

#[test]
fn an_export_of_107_columns() {
    let incidentiq = Expected {
        fallbacks: &[("ForId", 2), ("LocationId", 2)],
        further: &[("priority", 2), ("due_dates", 2)],
        ..Expected::all(2)
    };
    let clearfeed = Expected {
        further: &[("update", 2)],
        ..Expected::all(2)
    };
    let file = "servicenow_export_107cols.csv";
    let Some(made) = import(file, "servicenow-export", &incidentiq, &clearfeed) else {
        return;
    };
    let body = made.body("incidentiq", "servicenow-all-columns/INC0149495");
    let description = text(body, "IssueDescription");
    assert!(
        description
            .contains("Asked by Joe Bob (Admin) on 2024-12-02 08:16, closed 2024-12-06 08:19"),
        "{description}"
    );
    let body = made.body("clearfeed", "servicenow-all-columns/0149622");
    assert_eq!(body["custom_fields"]["Seats"], 8_975_566);
    assert_eq!(
        text(body, "description"),
        "some more wording here\n\nanother comment\n\nanother work note\n\nRef: servicenow-all-columns/0149622"
    );
}

#[test]
fn an_export_of_tickets_with_their_contacts() {
    let incidentiq = Expected {
        fallbacks: &[("ForId", 45)],
        further: &[("priority", 45)],
        ..Expected::all(45)
    };
    let clearfeed = Expected {
        rows: 45,
        records: 45,
        created: 44,
        causes: &[(1, "status", "`map` has no `OpenPending`")],
        fallbacks: &[("collection_id", 3)],
        unmapped: &[("collection_id", 34)],
        further: &[("update", 44)],
        ..Expected::default()
    };
    let Some(made) = import("freshdesk_export.csv", "freshdesk", &incidentiq, &clearfeed) else {
        return;
    };
    let body = made.body("incidentiq", "freshdesk/1");
    assert_eq!(
        body["Subject"], "404 error when on a specific page",
        "`No Summary` is nothing"
    );
}

#[test]
fn japanese_with_a_byte_order_mark() {
    let incidentiq = Expected {
        further: &[("tags", 10)],
        ..Expected::all(10)
    };
    let clearfeed = Expected {
        unmapped: &[("collection_id", 8)],
        ..Expected::all(10)
    };
    let Some(made) = import("helpdesk_faq_ja_bom.csv", "faq", &incidentiq, &clearfeed) else {
        return;
    };
    let body = made.body("incidentiq", "faq-ja/1");
    assert_eq!(body["Subject"], "パスワードを忘れた場合はどうすればよい…");
    let body = made.body("clearfeed", "faq-ja/1");
    assert_eq!(body["tags"][0], "アカウント管理");
    assert_eq!(body["collection_id"], "col_16");
    assert_eq!(body["custom_fields"]["Renewal Date"], "2024-08-22");
}

#[test]
fn a_workbook_with_cell_errors_doubles_and_escapes() {
    let error = (6, "the cell shows the error `#NAME?`");
    let incidentiq = Expected {
        rows: 8500,
        records: 8500,
        created: 8492,
        causes: &[(error.0, "Subject", error.1), (2, "Subject", "is empty")],
        fallbacks: &[("ForId", 8492)],
        unmapped: &[("AssignedToTeamId", 8203)],
        ..Expected::default()
    };
    let clearfeed = Expected {
        rows: 8500,
        records: 8500,
        created: 8494,
        causes: &[(error.0, "title", error.1)],
        ..Expected::default()
    };
    let file = "greatlearning_tickets_8500_x000D.xlsx";
    let Some(made) = import(file, "greatlearning", &incidentiq, &clearfeed) else {
        return;
    };
    for system in ["incidentiq", "clearfeed"] {
        let escaped = |body: &Value| body.to_string().contains("_x000D_");
        assert_eq!(made.count(system, escaped), 0, "{system}");
    }
}

#[test]
fn a_workbook_of_5000_incidents_with_real_dates() {
    let incidentiq = Expected {
        fallbacks: &[("LocationId", 5000)],
        unmapped: &[("IsUrgent", 3721)],
        ..Expected::all(5000)
    };
    // 1,047 were resolved before 2025.
    let clearfeed = Expected {
        rows: 5000,
        filtered: 1047,
        unmapped: &[("collection_id", 1667)],
        ..Expected::all(3953)
    };
    let file = "servicenow_incidents_5000x92.xlsx";
    let Some(made) = import(file, "servicenow-incidents", &incidentiq, &clearfeed) else {
        return;
    };
    let body = made.body("incidentiq", "servicenow-incidents/INC100001");
    assert!(
        text(body, "IssueDescription")
            .contains("Opened 2024-06-21 22:43 by Jim Ranzetti over Walk-in"),
        "{body:#}"
    );
    assert_eq!(
        made.count("incidentiq", |body| body["IsUrgent"] == true),
        1279
    );
}

#[test]
fn four_sheets_with_four_headers() {
    let all = 8 + 15 + 27 + 15;
    let incidentiq = Expected::all(all);
    let clearfeed = Expected {
        unmapped: &[("collection_id", 42)],
        ..Expected::all(all)
    };
    let file = "support_multisheet_different_headers.xlsx";
    let Some(made) = import(file, "multisheet", &incidentiq, &clearfeed) else {
        return;
    };
    let description = text(
        made.body("incidentiq", "salesforce-support/API-001"),
        "IssueDescription",
    );
    assert!(
        description.contains("From sheet API Integration, row 2."),
        "{description}"
    );
    let body = made.body("clearfeed", "salesforce-support/API-001");
    assert_eq!(
        body["tags"],
        serde_json::json!(["oauth refresh", "access token"])
    );
    assert_eq!(
        made.count("clearfeed", |body| body["collection_id"] == "col_12"),
        27 + 15
    );
}

#[test]
fn json_lines_of_zendesk() {
    let incidentiq = Expected {
        fallbacks: &[("IsUrgent", 386)],
        unmapped: &[("IsUrgent", 14), ("Priority", 217)],
        further: &[("priority", 420), ("assign", 420)],
        ..Expected::all(420)
    };
    let clearfeed = Expected {
        unmapped: &[("collection_id", 386)],
        further: &[("update", 420)],
        ..Expected::all(420)
    };
    let file = "zendesk_tickets_synth.jsonl";
    let Some(made) = import(file, "zendesk", &incidentiq, &clearfeed) else {
        return;
    };
    assert_eq!(
        made.count("incidentiq", |body| body["IsUrgent"] == true),
        20
    );
    let four = |body: &Value| {
        body["tags"] == serde_json::json!(["support", "escalated", "tier3", "performance"])
    };
    assert_eq!(made.count("clearfeed", four), 34);
}

#[test]
fn json_lines_of_jira() {
    let incidentiq = Expected {
        rows: 80,
        records: 80,
        created: 77,
        causes: &[(3, "custom.Estimated Cost", "is above 40")],
        further: &[("priority", 77)],
        ..Expected::default()
    };
    let clearfeed = Expected {
        skipped: 19 + 14,
        created: 47,
        unmapped: &[("priority", 34)],
        further: &[("update", 47)],
        ..Expected::all(80)
    };
    let Some(made) = import("jira_issues_synth.jsonl", "jira", &incidentiq, &clearfeed) else {
        return;
    };
    let body = made.body("clearfeed", "jira/JIRA_ACMECORP-001");
    assert_eq!(body["custom_fields"]["Seats"], 8);
    assert_eq!(body["custom_fields"]["Asset Tag"], "ZD_3fd5fe22-cfd");
    assert!(
        body["custom_fields"].get("Renewal Date").is_none(),
        "null is empty: {body:#}"
    );
}

#[test]
fn json_lines_of_a_support_desk() {
    let incidentiq = Expected::all(100);
    let clearfeed = Expected {
        unmapped: &[("custom.Product Area", 52)],
        ..Expected::all(100)
    };
    let file = "support_tickets_100.jsonl";
    let Some(made) = import(file, "support-tickets", &incidentiq, &clearfeed) else {
        return;
    };
    assert_eq!(
        made.count("incidentiq", |body| body["IsUrgent"] == true),
        34
    );
    assert_eq!(
        made.count("clearfeed", |body| body["priority"] == "urgent"),
        34
    );
}
