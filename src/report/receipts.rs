//! Receipts: the person's own file once more, with ticket number, link, outcome and time beside each row.
//!
//! The copy is laid out as the file is ([`crate::source::copy`]); the file itself is never written. What stands beside the
//! rows waits in a temporary database, so that memory stays flat in the rows.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, params};

use super::error_file::{self, named_like};
use super::summary::faults_text;
use super::texts::Texts;
use crate::error::{Error, Fault, Result};
use crate::ledger::{RowReceipt, StoredEnd, StoredFault};
use crate::outfile::{self, Claims, Draft, Readers, Records, lock_of};
use crate::source::copy::Beside;
use crate::source::{Input, Notice, Table, What};
use crate::systems::{Operation, Ticket};

/// The columns that are added, in order.
pub(crate) const COLUMNS: [&str; 4] = ["_ticket", "_link", "_outcome", "_time"];
/// The longest outcome, in characters: a row can have many faults.
const LONGEST: usize = 1_000;

/// What stands beside one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Receipt {
    /// The number by which people know the ticket, else its id.
    pub(crate) ticket: String,
    pub(crate) link: String,
    pub(crate) outcome: String,
    /// By the clock here.
    pub(crate) time: String,
}

impl Receipt {
    /// The receipt of a row of which nothing is known but this.
    pub(crate) fn of(outcome: impl Into<String>) -> Self {
        Self {
            outcome: outcome.into(),
            ..Self::default()
        }
    }

    /// The receipt of a row that has these faults by itself.
    pub(crate) fn rejected(faults: &[Fault]) -> Self {
        Self::of(format!("rejected: {}", faults_text(faults)))
    }

    /// The receipt of a row by what the ledger knows of it; `not_kept`: what became of a row of which it knows nothing.
    pub(crate) fn kept(row: &RowReceipt, operation: Operation, not_kept: &str) -> Self {
        let ticket = row.end.as_ref().and_then(StoredEnd::ticket);
        let ticket = ticket.or(row.ticket.as_ref());
        let outcome = match &row.end {
            _ if row.is_undone => "rolled back".to_owned(),
            Some(end) if row.is_of_another && end.ticket().is_none() && row.ticket.is_some() => {
                format!("{}; another run made its ticket", outcome(end, operation))
            }
            Some(end) => outcome(end, operation),
            None if row.is_by_hand => "skipped: settled by hand".to_owned(),
            None if row.is_done => "done before".to_owned(),
            None if ticket.is_some() => "incomplete: a later step is open".to_owned(),
            None => not_kept.to_owned(),
        };
        let at = row.at.filter(|_| outcome != not_kept);
        let time = at.map(|at| {
            let at = at.to_zoned(TimeZone::system());
            at.strftime("%Y-%m-%d %H:%M").to_string()
        });
        Self {
            ticket: ticket.map_or("", number_of).to_owned(),
            link: ticket.and_then(|it| it.url.clone()).unwrap_or_default(),
            outcome,
            time: time.unwrap_or_default(),
        }
    }

    fn cells(self) -> Vec<String> {
        let outcome = match self.outcome.chars().count() > LONGEST {
            true => self
                .outcome
                .chars()
                .take(LONGEST - 1)
                .chain(['…'])
                .collect(),
            false => self.outcome,
        };
        vec![self.ticket, self.link, outcome, self.time]
    }
}

fn number_of(ticket: &Ticket) -> &str {
    ticket.number.as_deref().unwrap_or(&ticket.id)
}

fn outcome(end: &StoredEnd, operation: Operation) -> String {
    let because = |faults: &[StoredFault]| {
        let faults: Vec<Fault> = faults.iter().map(StoredFault::fault).collect();
        faults_text(&faults)
    };
    match end {
        StoredEnd::Created { .. } => operation.done().to_owned(),
        StoredEnd::Updated { .. } => "updated".to_owned(),
        StoredEnd::Known { .. } => "made before; its open steps are done now".to_owned(),
        StoredEnd::Changed { run, from, .. } => {
            format!("not sent: the row changed since run {run} made its ticket from {from}")
        }
        StoredEnd::Skipped { reason } => format!("skipped by the mapping: {reason}"),
        StoredEnd::Rejected { faults } => format!("rejected: {}", because(faults)),
        StoredEnd::Incomplete { faults, .. } => format!("incomplete: {}", because(faults)),
        StoredEnd::InDoubt { reason } => format!("in doubt: {reason}"),
    }
}

/// The receipts of the rows of an input.
pub(crate) struct Receipts(Connection);

impl Receipts {
    /// None yet.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub(crate) fn new() -> Result<Self> {
        let database = Connection::open("").map_err(failed)?;
        database
            .execute_batch(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
                 CREATE TABLE receipt (tab INTEGER, row INTEGER, ticket TEXT, link TEXT, outcome TEXT, time TEXT,
                                       PRIMARY KEY (tab, row)) STRICT, WITHOUT ROWID;
                 BEGIN;",
            )
            .map_err(failed)?;
        Ok(Self(database))
    }

    /// Notes the receipt of a row of a table; several tickets of one row stand beside it together.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn put(&self, table: usize, row: u64, receipt: &Receipt) -> Result<()> {
        let Receipt {
            ticket,
            link,
            outcome,
            time,
        } = receipt;
        self.0
            .prepare_cached(
                "INSERT INTO receipt VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
                 ticket = trim(ticket || ', ' || excluded.ticket, ', '),
                 link = trim(link || ' ' || excluded.link),
                 outcome = CASE outcome WHEN excluded.outcome THEN outcome ELSE outcome || '; ' || excluded.outcome END,
                 time = max(time, excluded.time)",
            )
            .and_then(|mut insert| {
                insert.execute(params![table as i64, row as i64, ticket, link, outcome, time])
            })
            .map_err(failed)?;
        Ok(())
    }

    /// The receipt of a row.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn get(&self, table: usize, row: u64) -> Result<Option<Receipt>> {
        let mut find = self
            .0
            .prepare_cached(
                "SELECT ticket, link, outcome, time FROM receipt WHERE tab = ?1 AND row = ?2",
            )
            .map_err(failed)?;
        let found = find.query_row(params![table as i64, row as i64], |row| {
            Ok(Receipt {
                ticket: row.get(0)?,
                link: row.get(1)?,
                outcome: row.get(2)?,
                time: row.get(3)?,
            })
        });
        found.optional().map_err(failed)
    }
}

fn failed(error: rusqlite::Error) -> Error {
    Error::machine("the receipts cannot be kept")
        .caused_by(error)
        .hint("free some space in the folder of temporary files")
}

/// Where the receipts of an input go: its files, each with the path of its copy.
///
/// # Errors
/// A usage error when one file is named for several inputs, or one that cannot be laid out like the input.
pub(crate) fn targets(tables: &[Table], to: Option<&Path>) -> Result<Vec<(String, PathBuf)>> {
    let mut files: Vec<&Table> = Vec::new();
    for table in tables {
        if !files.iter().any(|known| known.file == table.file) {
            files.push(table);
        }
    }
    let file = to.filter(|to| !to.is_dir());
    if let (Some(path), true) = (file, files.len() > 1) {
        return Err(Error::usage("each input has a receipt of its own")
            .at(path.display())
            .hint("name a folder that exists"));
    }
    let folder = to.filter(|to| to.is_dir()).unwrap_or(Path::new(""));
    let mut targets: Vec<(String, PathBuf)> = Vec::new();
    for table in files {
        let (stem, extension) = named_like(table);
        let path = match file {
            Some(path) => {
                is_like(path, &extension, table)?;
                path.to_owned()
            }
            None => {
                let mut name = format!("{stem}.receipts.{extension}");
                let mut number = 1;
                while targets.iter().any(|(_, path)| *path == folder.join(&name)) {
                    number += 1;
                    name = format!("{stem}.receipts-{number}.{extension}");
                }
                folder.join(name)
            }
        };
        targets.push((table.file.to_string(), path));
    }
    Ok(targets)
}

/// Refuses a name that would promise another kind of file: it is laid out like the input.
fn is_like(path: &Path, extension: &str, table: &Table) -> Result<()> {
    let own = path.extension().unwrap_or_default().to_string_lossy();
    let own = own.to_lowercase();
    let texts = ["csv", "tsv", "tab", "txt"];
    let is_text = |extension: &str| texts.contains(&extension);
    let lines = ["jsonl", "ndjson"];
    let is_lines = |extension: &str| lines.contains(&extension);
    let same = own == extension
        || (is_text(&own) && is_text(extension))
        || (is_lines(&own) && is_lines(extension));
    match same {
        true => Ok(()),
        false => Err(Error::usage(format!(
            "a receipt is a copy of its input, and `{}` needs a name that ends in .{extension}",
            table.file
        ))
        .at(path.display())
        .hint(format!(
            "name it so: {}",
            path.with_extension(extension).display()
        ))),
    }
}

/// A copy that was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    /// How many rows of the file have a receipt of their own.
    pub(crate) rows: u64,
    /// What a person should know of it.
    pub(crate) note: Option<String>,
}

/// What is known of the files around.
pub(crate) struct Around<'a> {
    pub(crate) records: &'a Records,
    pub(crate) readers: Readers,
    pub(crate) claims: &'a Claims,
}

/// Why a row of the file is no row of the run, as far as the input tells.
fn left_out(notices: &[Notice], table: &Table, row: u64) -> &'static str {
    let why = |notice: &Notice| {
        Some(match &notice.what {
            What::Headings => "no row: the headings once more",
            What::HiddenRows {
                is_read: false,
                is_filtered: true,
            } => "left out: the row is filtered away",
            What::HiddenRows { is_read: false, .. } => "left out: the row is hidden",
            What::Totals { is_read: false } => "left out: the row sums up others",
            What::Below => "no row: a note below the table",
            _ => return None,
        })
    };
    let mine = (notices.iter())
        .filter(|notice| notice.file == table.file && notice.sheet == table.sheet)
        .filter_map(|notice| Some((notice, why(notice)?)));
    let mut may_be = false;
    for (notice, why) in mine {
        if notice.rows.contains(&row) {
            return why;
        }
        // Of many only the first are named.
        may_be |= notice.count > notice.rows.len() as u64;
    }
    match may_be {
        true => "left out: hidden, outside the table, or excluded by a condition",
        false => "left out by a condition",
    }
}

/// Writes the copy of one file of the input. A file of that name that somebody has changed since keeps it: then the next
/// free name is taken.
///
/// # Errors
/// When it cannot be written, or the input changed since it was opened.
pub(crate) fn write(
    input: &Input,
    (file, path): &(String, PathBuf),
    receipts: &Receipts,
    around: &Around<'_>,
) -> Result<Written> {
    around.claims.may_write(path, "--receipts")?;
    let failed = |error: std::io::Error| outfile::unwritable(path, error);
    let notices = input.notices();
    let mut rows = 0;
    let draft = || Draft::beside(path, around.readers).map(Draft::digested);
    let mut out = draft().map_err(failed)?;
    let mut cells = |table: usize, row: u64| {
        let receipt = receipts.get(table, row)?;
        let left_out = || Receipt::of(left_out(&notices, &input.tables()[table], row));
        rows += u64::from(receipt.is_some());
        Ok(Some(receipt.unwrap_or_else(left_out).cells()))
    };
    let mut beside = Beside {
        headings: &COLUMNS,
        cells: &mut cells,
    };
    let mut texts = None;
    if !input.copy(file, &mut beside, &mut out)? {
        let folder = outfile::folder(path);
        let anew = (out, Texts::new(folder, around.readers));
        let written = error_file::anew(input, file, &COLUMNS, &mut cells, anew)?;
        out = written.0;
        texts = Some(written.1);
    }
    let whole = out.whole().map_err(failed)?;
    let digest = whole.digest();
    let is_ours = !path.exists() || around.records.is_unchanged(path);
    let (placed, mut note) = match is_ours && lock_of(path).is_none() {
        true => (whole.replace(path).map(|()| path.clone()), None),
        false => {
            let placed = whole.take_next(path);
            let note = placed.as_ref().ok().map(|next| {
                format!(
                    "{} is open, or is not what was written there last: it is kept, and the receipts are {}",
                    path.display(),
                    next.display()
                )
            });
            (placed, note)
        }
    };
    let placed = placed.map_err(|error| failed(error.into()))?;
    around.records.note(&placed, digest);
    if let Some(texts) = texts {
        note = note.or(texts.place(&placed).map_err(failed)?);
    }
    Ok(Written {
        path: placed,
        rows,
        note,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::InputOptions;

    fn receipts() -> Receipts {
        let receipts = Receipts::new().unwrap();
        let made = Receipt {
            ticket: "10023".to_owned(),
            link: "https://desk.example/agent/tickets/1".to_owned(),
            outcome: "created".to_owned(),
            time: "2026-11-30 16:44".to_owned(),
        };
        receipts.put(0, 5, &made).unwrap();
        let faulty = "rejected: Location: no location is called `Linc, \"old\"`";
        receipts.put(0, 7, &Receipt::of(faulty)).unwrap();
        receipts
    }

    fn copy(name: &str, bytes: &[u8], options: &InputOptions) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let input = Input::open(std::slice::from_ref(&path), options).unwrap();
        let target = &targets(input.tables(), Some(folder.path())).unwrap()[0];
        let around = Around {
            records: &Records::default(),
            readers: Readers::default(),
            claims: &Claims::default().reading(&path, "an input"),
        };
        let written = write(&input, target, &receipts(), &around).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes, "the original is as it was");
        fs::read(written.path).unwrap()
    }

    /// Rows above the headings, blank rows, quotes and line ends are as they were.
    #[test]
    fn a_csv_is_copied_as_it_is_laid_out() {
        let text = "District help desk;;\r\n;;\r\nId;\"Subject\";Room\r\n\r\n1;\"Printer; \"\"old\"\"\";101\r\n;;\r\n2;Screen\r\n3;\"Two\r\nlines\";103\r\n";
        let options = InputOptions {
            header_row: Some(3),
            ..InputOptions::default()
        };
        let copied = copy("in.csv", text.as_bytes(), &options);
        insta::assert_snapshot!(String::from_utf8(copied).unwrap().replace("\r\n", "␍\n"), @r#"
        District help desk;;␍
        ;;␍
        Id;"Subject";Room;_ticket;_link;_outcome;_time␍
        ␍
        1;"Printer; ""old""";101;10023;https://desk.example/agent/tickets/1;created;2026-11-30 16:44␍
        ;;␍
        2;Screen;;;;"rejected: Location: no location is called `Linc, ""old""`";␍
        3;"Two␍
        lines";103;;;left out by a condition;␍
        "#);
    }

    #[test]
    fn the_last_row_needs_no_line_end_and_another_encoding_stays_what_it_is() {
        let (text, ..) = encoding_rs::WINDOWS_1252.encode("Id,Ort\n1,Köln\n2,a\n3,b\n4,Mölln");
        let options = InputOptions {
            encoding: Some("windows-1252".to_owned()),
            ..InputOptions::default()
        };
        let copied = copy("in.csv", &text, &options);
        let (copied, ..) = encoding_rs::WINDOWS_1252.decode(&copied);
        assert!(copied.starts_with("Id,Ort,_ticket,_link,_outcome,_time\n1,Köln,,,"));
        assert!(copied.contains("\n4,Mölln,10023,https://"));
        assert!(copied.ends_with("2026-11-30 16:44"), "{copied}");
    }

    #[test]
    fn json_lines_and_documents_get_members() {
        let lines = "{\"id\": 1}\n\n{ }\n\n{\"id\": 2, \"who\": {\"name\": \"x\"}}\n";
        let copied = copy("in.jsonl", lines.as_bytes(), &InputOptions::default());
        let copied = String::from_utf8(copied).unwrap();
        let last: serde_json::Value = serde_json::from_str(copied.lines().last().unwrap()).unwrap();
        assert_eq!(
            (last["_ticket"].as_str(), last["who"]["name"].as_str()),
            (Some("10023"), Some("x"))
        );
        let options = InputOptions {
            records: Some("tickets".to_owned()),
            ..InputOptions::default()
        };
        let copied = copy(
            "in.json",
            br#"{"tickets": [{"id": 1}, {"id": 2}]}"#,
            &options,
        );
        let whole: serde_json::Value = serde_json::from_slice(&copied).unwrap();
        assert_eq!(whole["tickets"][1]["_outcome"], "left out by a condition");
    }

    #[test]
    fn several_tickets_of_a_row_stand_beside_it_together() {
        let receipts = receipts();
        let second = Receipt {
            ticket: "10024".to_owned(),
            outcome: "created".to_owned(),
            ..Receipt::default()
        };
        receipts.put(0, 5, &second).unwrap();
        let both = receipts.get(0, 5).unwrap().unwrap();
        assert_eq!((&*both.ticket, &*both.outcome), ("10023, 10024", "created"));
    }

    #[test]
    fn a_receipt_is_named_like_its_input_and_is_never_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        fs::write(&path, "Id\n1\n").unwrap();
        let input = Input::open(std::slice::from_ref(&path), &InputOptions::default()).unwrap();
        let wrong = targets(input.tables(), Some(Path::new("out.xlsx"))).unwrap_err();
        assert!(wrong.hints()[0].contains("out.csv"), "{wrong:?}");
        let named = targets(input.tables(), None).unwrap();
        assert_eq!(named[0].1, Path::new("in.receipts.csv"));
        let around = Around {
            records: &Records::default(),
            readers: Readers::default(),
            claims: &Claims::default().reading(&path, "an input"),
        };
        let own = (input.tables()[0].file.to_string(), path.clone());
        assert!(write(&input, &own, &receipts(), &around).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "Id\n1\n");
        // What somebody has written over is kept.
        let taken = folder.path().join("out.csv");
        fs::write(&taken, "mine").unwrap();
        let written = write(&input, &(own.0, taken.clone()), &receipts(), &around).unwrap();
        assert_eq!(written.path, folder.path().join("out-2.csv"));
        assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
    }

    /// What a workbook holds besides the rows stays: the other parts byte for byte.
    #[test]
    fn a_workbook_keeps_all_that_it_has() {
        use rust_xlsxwriter::{Chart, Format, Formula, Workbook};
        let mut book = Workbook::new();
        let bold = Format::new().set_bold();
        let cover = book.add_worksheet();
        cover.set_name("Read me").unwrap();
        cover.write_string(0, 0, "nothing here").unwrap();
        let sheet = book.add_worksheet();
        sheet.set_name("Tickets & more").unwrap();
        sheet.write_string(0, 0, "District").unwrap();
        for (column, heading) in (0..).zip(["Id", "Subject", "Sum"]) {
            sheet
                .write_string_with_format(2, column, heading, &bold)
                .unwrap();
        }
        for row in 3..8 {
            sheet.write_number(row, 0, row).unwrap();
            sheet.write_string(row, 1, "<Printer> & co").unwrap();
            let sum = Formula::new(format!("=A{}*2", row + 1)).set_result("8");
            sheet.write_formula(row, 2, sum).unwrap();
        }
        sheet.set_column_width(1, 40).unwrap();
        let mut chart = Chart::new_column();
        chart.add_series().set_values("'Tickets & more'!$A$4:$A$8");
        sheet.insert_chart(10, 0, &chart).unwrap();
        let before = book.save_to_buffer().unwrap();
        let options = InputOptions {
            sheet: crate::source::SheetChoice::These(vec![crate::source::SheetName::Name(
                "Tickets & more".to_owned(),
            )]),
            header_row: Some(3),
            ..InputOptions::default()
        };
        let after = copy("in.xlsx", &before, &options);
        let read = |bytes: &[u8]| -> Vec<(String, Vec<u8>)> {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
            (0..archive.len())
                .map(|at| {
                    use std::io::Read;
                    let mut part = archive.by_index(at).unwrap();
                    let mut bytes = Vec::new();
                    part.read_to_end(&mut bytes).unwrap();
                    (part.name().unwrap().into_owned(), bytes)
                })
                .collect()
        };
        let (before, after) = (read(&before), read(&after));
        let changed: Vec<&str> = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other)
            .map(|(one, _)| one.0.as_str())
            .collect();
        assert_eq!(changed, ["xl/worksheets/sheet2.xml"]);
        let sheet = after.iter().find(|(name, _)| name == changed[0]).unwrap();
        let text = String::from_utf8(sheet.1.clone())
            .unwrap()
            .replace("><", ">\n<");
        insta::assert_snapshot!(text);
    }
}
