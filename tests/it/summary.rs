//! What people read at the end of a run, as snapshots.

use crate::support::{SandboxProcess, Work, repository};

fn work() -> (Work, SandboxProcess) {
    let work = Work::new();
    for name in ["samples/tickets.xlsx", "mappings/incidentiq-tickets.toml"] {
        work.write(name, std::fs::read(repository().join(name)).unwrap());
    }
    let sandbox = SandboxProcess::start(&work, &["--rate", "0"]);
    sandbox.profiles(&work, "rate = \"2000/s\"");
    (work, sandbox)
}

#[test]
fn a_file_of_faults_and_its_dry_run() {
    let (work, _sandbox) = work();
    let arguments = [
        "import",
        "samples/tickets.xlsx",
        "--mapping",
        "mappings/incidentiq-tickets.toml",
        "--profile",
        "district",
    ];
    let ended = work
        .run(&[&arguments[..], &["--dry-run", "--show", "1"]].concat())
        .expect(1);
    insta::assert_snapshot!("dry_run", work.shown(&ended.stderr));
    let ended = work.run(&arguments).expect(1);
    insta::assert_snapshot!("import", work.shown(&ended.stderr));
    let ended = work.run(&arguments).expect(1);
    insta::assert_snapshot!("import_again", work.shown(&ended.stderr));
    let ended = work.run(&["runs", "errors", "last"]).expect(0);
    insta::assert_snapshot!("runs_errors", work.shown(&ended.stdout));
}

#[test]
fn ids_stand_beside_the_columns_of_the_input() {
    let (work, sandbox) = work();
    let arguments = [
        "import",
        "samples/tickets.xlsx",
        "--mapping",
        "mappings/incidentiq-tickets.toml",
        "--profile",
        "district",
    ];
    work.run(&arguments).expect(1);
    let ids = work.run(&["runs", "ids", "last"]).expect(0).stdout;
    let mut reader = csv::Reader::from_reader(ids.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|heading| heading == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let created = sandbox.created("incidentiq");
    assert_eq!(rows.len(), created.len());
    for row in &rows {
        assert_eq!(row[column("Ticket #")], row[column("_key")]);
        let id = &row[column("_id")];
        let entry = created.iter().find(|entry| entry["id"] == *id).unwrap();
        assert!(
            entry["marker"]
                .as_str()
                .unwrap()
                .ends_with(&row[column("Ticket #")]),
            "{entry}"
        );
        assert_eq!(entry["body"]["Subject"], row[column("Title")], "{entry}");
    }

    std::fs::remove_file(work.path().join("samples/tickets.xlsx")).unwrap();
    let ended = work.run(&["runs", "ids", "last"]).expect(0);
    assert_eq!(ended.stdout.lines().count(), created.len() + 1);
    insta::assert_snapshot!("ids_of_a_file_that_has_gone", work.shown(&ended.stderr));
}
