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
            let scene = format!("{}_needs_{operation}", self.system);
            insta::assert_snapshot!(scene, work.shown(&told));
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
        let scene = format!("{}_without_{operation}", self.system);
        insta::assert_snapshot!(scene, finding["hint"].as_str().unwrap());
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

/// A snapshot of some kinds says so where others are needed: no name is called unknown because its kind is not there.
#[test]
fn a_partial_snapshot_is_never_taken_for_a_whole_one() {
    let work = Work::new();
    // What a command has cached is such a part.
    let show = "directory show team --system incidentiq --sandbox";
    let run = |line: &str| work.run(&line.split(' ').collect::<Vec<_>>());
    run(show).expect(0);
    let cached = fs::read_dir(work.state().join("directory")).unwrap();
    let cached = cached.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::copy(cached, work.path().join("part.json")).unwrap();
    let mapping = |field: &str| {
        format!(
            "version = 1\nsystem = \"incidentiq\"\noperation = \"update\"\nscope = \"part\"\n\n\
             target = {{ from = \"Id\" }}\n\n[fields]\n{field}\n"
        )
    };
    work.write(
        "place.toml",
        mapping("LocationId = { from = \"Where\", resolve = \"location\" }"),
    );
    work.write(
        "custom.toml",
        mapping("\"custom.External Reference\" = { from = \"Where\" }"),
    );
    work.write("title.toml", mapping("Subject = { from = \"Where\" }"));
    work.write("in.csv", "Id,Where\n1,District Office\n");
    let refused = [
        "import in.csv --mapping place.toml --dry-run",
        "validate place.toml --input in.csv",
        "import in.csv --mapping custom.toml --dry-run",
        "validate custom.toml",
        "directory show location",
        "directory search Lincoln",
        "directory pull -o whole.json",
        "init in.csv -o new.toml",
    ]
    .map(|line| {
        let refused = run(&format!("{line} --directory part.json")).expect(2);
        format!("$ deskferry {line}\n{}", refused.stderr)
    });
    insta::assert_snapshot!("partial_snapshot", work.shown(&refused.concat()));
    // Who needs nothing else is content with it; of two mappings only the one that needs more is refused.
    run("validate title.toml --input in.csv --directory part.json").expect(0);
    run("directory show team --directory part.json").expect(0);
    let shown = run("directory show --directory part.json").expect(0).stdout;
    insta::assert_snapshot!("partial_snapshot_shown", work.shown(&shown));
    let both = run("validate place.toml title.toml --directory part.json --format json").expect(2);
    let both: Value = serde_json::from_str(&both.stdout).unwrap();
    let good: Vec<&Value> = (both["mappings"].as_array().unwrap().iter())
        .map(|mapping| &mapping["good"])
        .collect();
    assert_eq!(good, [&Value::Bool(false), &Value::Bool(true)], "{both:#}");
}
