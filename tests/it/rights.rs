//! What a token may not read costs only who needs it, and is told to them alone: nobody else asks for it.

use std::fs;

use serde_json::Value;

use crate::support::{SandboxProcess, Work};

struct Desk {
    system: &'static str,
    profile: &'static str,
    /// What makes the ticket that everything is done to.
    create: &'static str,
    /// An update of titles, by the ids of tickets.
    retitles: &'static str,
    /// The same, which needs a name of each of these reads.
    denied: &'static [Denied],
}

/// A read that is refused.
#[derive(Clone, Copy)]
struct Denied {
    operation: &'static str,
    /// What `doctor` calls it.
    what: &'static str,
    /// A field of a mapping that needs it; empty: none does.
    field: &'static str,
    /// Which commands need it to show a ticket.
    shown_by: &'static [&'static str],
}

const DESKS: [Desk; 2] = [
    Desk {
        system: "incidentiq",
        profile: "district",
        create: "ticket create --title Beamer --requester helpdesk@district.example --issue Other --place DO",
        retitles: "Subject",
        denied: &[
            Denied {
                operation: "issues",
                what: "issues",
                field: "IssueId = { value = \"Other\", resolve = \"issue\" }",
                shown_by: &["get", "export"],
            },
            Denied {
                operation: "locations",
                what: "places",
                field: "LocationId = { value = \"DO\", resolve = \"location\" }",
                shown_by: &["export"],
            },
            Denied {
                operation: "users",
                what: "people",
                field: "ForId = { value = \"helpdesk@district.example\", resolve = \"user\", match = \"email\" }",
                shown_by: &["export"],
            },
            Denied {
                operation: "custom_fields",
                what: "custom fields",
                field: "\"custom.External Reference\" = { value = \"7\" }",
                shown_by: &["export"],
            },
        ],
    },
    Desk {
        system: "clearfeed",
        profile: "support",
        create: "ticket create --title Beamer --description Dark --set collection_id=IT_Support",
        retitles: "title",
        denied: &[
            Denied {
                operation: "teams",
                what: "teams",
                field: "",
                shown_by: &["export"],
            },
            Denied {
                operation: "users",
                what: "people",
                field: "assignee_id = { value = \"helpdesk@district.example\", resolve = \"user\", match = \"email\" }",
                shown_by: &["export"],
            },
            Denied {
                operation: "custom_fields",
                what: "custom fields",
                field: "\"custom.External Reference\" = { value = \"7\" }",
                shown_by: &["export"],
            },
            Denied {
                operation: "collections",
                what: "collections",
                field: "",
                shown_by: &["export"],
            },
        ],
    },
];

impl Desk {
    fn mapping(&self, further: &str) -> String {
        format!(
            "version = 1\nsystem = \"{}\"\noperation = \"update\"\nscope = \"rights\"\ntarget = {{ from = \"Ticket\" }}\n\n\
             [fields]\n{} = {{ from = \"Title\" }}\n{further}\n",
            self.system, self.retitles
        )
    }

    /// Whether everything that needs none of it goes on.
    fn goes_on(&self, denied: Denied) {
        let Denied {
            operation,
            what,
            field,
            shown_by,
        } = denied;
        let work = Work::new();
        let data = work.path().join("data");
        let data = ["--rate", "0", "--data", data.to_str().unwrap()];
        let sandbox = SandboxProcess::start(&work, &data);
        sandbox.profiles(&work, "rate = \"2000/s\"");
        let run = |line: &str, code: i32| {
            let words = line
                .split(' ')
                .map(|word| word.replace("IT_Support", "IT Support"));
            let words: Vec<String> = words.collect();
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            words.extend(["--profile", self.profile]);
            work.run(&words).expect(code)
        };
        run(self.create, 0);
        let id = sandbox.created(self.system)[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let id = match self.system {
            "clearfeed" => format!("req_{id}"),
            _ => id,
        };
        drop(sandbox);
        fs::remove_dir_all(work.state().join("directory")).unwrap();
        let sandbox = SandboxProcess::start(&work, &[&data[..], &["--deny", operation]].concat());
        sandbox.profiles(&work, "rate = \"2000/s\"");
        let before = sandbox.audit().len();
        let told = |line: &str, is_needed: bool| {
            let told = run(line, 0).stderr;
            let is_told = told.contains("no right to read it");
            assert_eq!(is_told, is_needed, "{operation}, {line}: {told}");
        };
        // It is told where it is found out, and again where it is only remembered.
        for _ in 0..2 {
            told(&format!("ticket get {id}"), shown_by.contains(&"get"));
        }
        told(&format!("ticket update {id} --title Brighter"), false);
        told(&format!("ticket comment {id} --body Seen"), false);
        told("export -o t.csv", shown_by.contains(&"export"));
        assert!(work.read("t.csv").contains("Brighter"), "{operation}");
        work.write(
            "columns.toml",
            "version = 1\n\n[[column]]\nfrom = \"title\"\n",
        );
        told("export -o c.csv --columns columns.toml", false);
        work.write("in.csv", format!("Ticket,Title\n{id},Brightest\n"));
        work.write("map.toml", self.mapping(""));
        told("import in.csv --mapping map.toml --dry-run", false);
        told("import in.csv --mapping map.toml", false);
        told("validate map.toml --input in.csv", false);
        assert_eq!(sandbox.audit().len(), before + 3, "{operation}");
        if !field.is_empty() {
            work.write("map.toml", self.mapping(field));
            let told = run("import in.csv --mapping map.toml --dry-run", 2).stderr;
            assert!(told.contains("no right to read it"), "{operation}: {told}");
        }
        // ClearFeed deletes nothing.
        if self.system == "incidentiq" {
            run(&format!("ticket delete {id}"), 0);
        }
        let doctor = run("doctor --format json", 0).stdout;
        let doctor: Value = serde_json::from_str(&doctor).unwrap();
        let findings = doctor["findings"].as_array().unwrap();
        let what = format!("read {what}");
        let finding = findings
            .iter()
            .find(|finding| finding["what"] == what.as_str());
        let finding = finding.unwrap_or_else(|| panic!("no `{what}` in {findings:#?}"));
        assert_eq!(finding["verdict"], "warning", "{finding}");
        let hint = finding["hint"].as_str().unwrap();
        assert!(hint.contains("without it"), "{finding}");
    }
}

#[test]
fn a_kind_that_incidentiq_refuses_costs_only_who_needs_it() {
    for denied in DESKS[0].denied {
        DESKS[0].goes_on(*denied);
    }
}

#[test]
fn a_kind_that_clearfeed_refuses_costs_only_who_needs_it() {
    for denied in DESKS[1].denied {
        DESKS[1].goes_on(*denied);
    }
}
