//! Which format a file has, by its content first and its name second, and what is told of those we cannot read.

use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use memchr::{memchr, memmem};

use super::bytes::Bytes;
use super::copy::Beside;
use super::csv::CsvPlan;
use super::encoding::{self, Encoded};
use super::guess;
use super::json::{JsonPlan, Shape};
use super::kept::{Counts, Keeping, Kept};
use super::look::Look;
use super::notice::Notice;
use super::workbook::{Kind, WorkbookPlan, locked};
use super::{InputOptions, Layout, Rows, Table, flatten};
use crate::error::{Error, Result};
use crate::record::Header;

/// How much of a file is looked at.
const HEAD: usize = 64 * 1024;
/// Where the names within a zip archive are looked for, from its end.
const ZIP_TAIL: u64 = 1024 * 1024;

/// One file of an input.
#[derive(Debug)]
pub(super) struct SourceFile {
    bytes: Bytes,
    plan: Plan,
    tables: Range<usize>,
    has_marks: bool,
    keeping: Keeping,
    /// What was noticed when it was opened.
    opened: Vec<Notice>,
    /// What the last pass noticed.
    noticed: Mutex<Counts>,
}

#[derive(Debug)]
enum Plan {
    Csv(CsvPlan),
    Workbook(WorkbookPlan),
    Json(JsonPlan),
}

/// What a file turned out to be.
enum Format {
    Csv,
    Workbook(Kind),
    Json(Shape),
}

impl SourceFile {
    /// Opens a file, adds its tables to those of the input and its bytes to the hash.
    pub(super) fn open(
        path: &Path,
        options: &InputOptions,
        tables: &mut Vec<Table>,
        hasher: &mut blake3::Hasher,
    ) -> Result<Self> {
        let bytes = Bytes::open(path)?;
        let head = bytes.head(HEAD)?;
        let encoded = encoding::find(&head, options.encoding.as_deref())?;
        let format =
            sniff(&bytes, &head, encoded, options).map_err(|error| error.at(&bytes.named))?;
        let first = tables.len();
        // The name and what follows it must not run into the next file's bytes.
        hasher.update(b"\0file\0");
        let mut has_marks = false;
        let (bytes, plan, found) = match format {
            Format::Workbook(kind) => {
                let bytes = bytes.seekable()?;
                bytes.hash(hasher)?;
                let (plan, found) = WorkbookPlan::open(&bytes, kind, options)?;
                let found = found
                    .into_iter()
                    .map(|(sheet, header, layout)| (Some(sheet), header, layout));
                (bytes, Plan::Workbook(plan), found.collect())
            }
            Format::Csv => {
                let encoded = encoding::judge(&bytes, encoded, true, hasher)?;
                has_marks = encoded.has_marks;
                let (plan, header, layout) = CsvPlan::open(&bytes, encoded, options)?;
                (bytes, Plan::Csv(plan), vec![(None, header, layout)])
            }
            Format::Json(shape) => {
                encoding::judge(&bytes, encoded, false, hasher)?;
                let (plan, header, layout) = JsonPlan::open(&bytes, encoded, shape)?;
                (bytes, Plan::Json(plan), vec![(None, header, layout)])
            }
        };
        tables.extend(found.into_iter().map(
            |(sheet, header, layout): (Option<String>, Header, Layout)| Table {
                file: bytes.named.clone(),
                sheet: sheet.map(Into::into),
                header: header.into(),
                layout,
                gzip: bytes.gzip,
            },
        ));
        let facts = match &plan {
            Plan::Workbook(plan) => plan.about().map(|about| about.facts.cloned()).collect(),
            Plan::Csv(_) | Plan::Json(_) => Vec::new(),
        };
        let opened = match &plan {
            Plan::Workbook(plan) => plan.notices(options, &tables[first..]),
            Plan::Csv(plan) => plan.notices(&tables[first..]),
            Plan::Json(_) => Vec::new(),
        };
        Ok(Self {
            keeping: Keeping::new(options, facts, first),
            opened,
            bytes,
            plan,
            tables: first..tables.len(),
            has_marks,
            noticed: Mutex::default(),
        })
    }

    /// Reads the rows of all its tables.
    pub(super) fn rows<'a>(&'a self, tables: &'a [Table]) -> Result<Rows<'a>> {
        let first = self.tables.start;
        let rows = match &self.plan {
            Plan::Csv(plan) => plan.rows(&self.bytes, &tables[first], first),
            Plan::Json(plan) => plan.rows(&self.bytes, &tables[first], first),
            Plan::Workbook(plan) => plan.rows(&self.bytes, tables, first),
        };
        Ok(Box::new(Kept::new(
            rows?,
            tables,
            &self.keeping,
            &self.noticed,
        )))
    }

    /// The file as the user named it.
    pub(super) fn named(&self) -> &str {
        &self.bytes.named
    }

    /// Copies it with cells beside the rows of its tables, which stand among those of the input; `false`: such a file can
    /// only be written anew.
    pub(super) fn copy(
        &self,
        tables: &[Table],
        beside: &mut Beside<'_>,
        out: &mut dyn Write,
    ) -> Result<bool> {
        let first = self.tables.start;
        match &self.plan {
            Plan::Csv(plan) => plan.copy(&self.bytes, (first, &tables[first]), beside, out)?,
            Plan::Json(plan) => plan.copy(&self.bytes, first, beside, out)?,
            Plan::Workbook(plan) => return plan.copy(&self.bytes, tables, first, beside, out),
        }
        Ok(true)
    }

    /// How its tables look.
    pub(super) fn looks(&self) -> Vec<Look> {
        match &self.plan {
            Plan::Workbook(plan) => plan.looks().collect(),
            Plan::Csv(_) | Plan::Json(_) => vec![Look::default(); self.tables.len()],
        }
    }

    /// What the last pass over its rows noticed.
    pub(super) fn notices(&self, tables: &[Table]) -> Vec<Notice> {
        let noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notices = self.opened.clone();
        notices.extend(self.keeping.notices(&noticed, tables));
        notices
    }

    pub(super) fn has_marks(&self) -> bool {
        self.has_marks
    }

    pub(super) fn unchanged(&self) -> Result<()> {
        self.bytes.unchanged()
    }
}

/// The extension in lower case, `.gz` taken off.
fn extension(named: &str) -> String {
    let lower = named.to_lowercase();
    let lower = lower.strip_suffix(".gz").unwrap_or(&lower);
    Path::new(lower)
        .extension()
        .map(|extension| extension.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn sniff(bytes: &Bytes, head: &[u8], encoded: Encoded, options: &InputOptions) -> Result<Format> {
    let extension = extension(&bytes.named);
    if head.is_empty() {
        return Err(Error::input("is empty").hint("look whether the export was finished"));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return zip(bytes, head, &extension);
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return compound(bytes, head);
    }
    if head.starts_with(b"%PDF") {
        return Err(Error::input("is a PDF, not a table").hint("export the tickets as CSV or XLSX"));
    }
    let text = encoded.charset.text_of(head);
    let text = text.trim_start();
    markup(text)?;
    if matches!(extension.as_str(), "xlsx" | "xlsm" | "xlsb" | "ods") {
        return Err(Error::input(format!(
            "is named .{extension} and is no workbook: it does not begin as one"
        ))
        .hint("the file is damaged or was renamed: export it again, or give a text table the name .csv"));
    }
    let json = matches!(extension.as_str(), "json" | "jsonl" | "ndjson");
    if !json && binary(head, encoded) {
        return Err(Error::input("is a binary file, not a table")
            .hint("give a CSV, XLSX, XLS, ODS, JSON or JSON lines file"));
    }
    Ok(
        match json_shape(text, &extension, head.len() < HEAD, options) {
            Some(shape) => Format::Json(shape),
            None => Format::Csv,
        },
    )
}

/// Tells the kinds of workbook that are zip archives apart by the names in their directory.
fn zip(bytes: &Bytes, head: &[u8], extension: &str) -> Result<Format> {
    let names = if bytes.gzip {
        head.to_vec()
    } else {
        let mut names = head.to_vec();
        names.extend(bytes.tail(ZIP_TAIL)?);
        names
    };
    let has = |name: &[u8]| memmem::find(&names, name).is_some();
    if has(b"application/vnd.oasis.opendocument.spreadsheet") {
        return Ok(Format::Workbook(Kind::Ods));
    }
    if has(b"workbook.bin") {
        return Ok(Format::Workbook(Kind::Xlsb));
    }
    if has(b"word/document.xml") || has(b"ppt/presentation.xml") {
        return Err(
            Error::input("is a text document or a presentation, not a table")
                .hint("copy the table into a spreadsheet and save it as .xlsx"),
        );
    }
    match extension {
        "xlsb" => Ok(Format::Workbook(Kind::Xlsb)),
        "ods" => Ok(Format::Workbook(Kind::Ods)),
        _ if matches!(extension, "xlsx" | "xlsm") || has(b"workbook.xml") => {
            Ok(Format::Workbook(Kind::Xlsx))
        }
        _ => Err(Error::input("is a zip archive and no workbook").hint("unpack it first")),
    }
}

/// An old binary workbook, or a new one that is encrypted: both are compound files.
fn compound(bytes: &Bytes, head: &[u8]) -> Result<Format> {
    let mut names = head.to_vec();
    if !bytes.gzip {
        names.extend(bytes.tail(ZIP_TAIL)?);
    }
    let encrypted: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if memmem::find(&names, &encrypted).is_some() {
        return Err(locked());
    }
    Ok(Format::Workbook(Kind::Xls))
}

/// Pages and XML under whatever name.
fn markup(text: &str) -> Result<()> {
    let start: String = text.chars().take(2048).collect::<String>().to_lowercase();
    if start.starts_with("<?xml") && start.contains("office:spreadsheet") {
        return Err(Error::input("is an XML spreadsheet of Excel 2003")
            .hint("open it in Excel or LibreOffice and save it as .xlsx"));
    }
    let page = [
        "<!doctype html",
        "<html",
        "<table",
        "<head",
        "<body",
        "<meta",
    ];
    if page.iter().any(|tag| start.starts_with(tag))
        || (start.starts_with("<?xml") && start.contains("<html"))
    {
        return Err(Error::input("is an HTML page, whatever its name says").hint(
            "open it in Excel or LibreOffice and save it as .xlsx; if it is a sign-in page, download the export again",
        ));
    }
    if start.starts_with("<?xml") {
        return Err(
            Error::input("is an XML file, not a table").hint("export the tickets as CSV or XLSX")
        );
    }
    Ok(())
}

/// Whether a file is no text at all. A stray NUL deep in a text is not asked about here: it is told with its place.
fn binary(head: &[u8], encoded: Encoded) -> bool {
    if encoded.charset.is_utf16() {
        return false;
    }
    let known: [&[u8]; 7] = [
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"7z\xbc\xaf",
        b"Rar!",
        b"\x7fELF",
        b"SQLite format 3\0",
    ];
    if known.iter().any(|magic| head.starts_with(magic)) {
        return true;
    }
    // Without a mark it has control signs where its texts are not Latin.
    if guess::utf16(head).is_some() {
        return false;
    }
    let start = &head[..head.len().min(1024)];
    let odd = start
        .iter()
        .filter(|&&byte| {
            byte < 0x20 && !matches!(byte, 0 | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1b)
        })
        .count();
    // UTF-16 without a mark is half NULs and has no other control bytes: the NUL's own message says so.
    odd * 20 > start.len() || (odd > 0 && memchr(0, start).is_some())
}

/// Whether the text is JSON, and of which shape.
fn json_shape(text: &str, extension: &str, whole: bool, options: &InputOptions) -> Option<Shape> {
    let named_lines = matches!(extension, "jsonl" | "ndjson");
    let named_document = extension == "json";
    let looks = text.starts_with('{') || text.starts_with('[');
    let table = matches!(extension, "csv" | "tsv" | "tab" | "txt" | "xls");
    if named_lines {
        return Some(Shape::Lines);
    }
    let document = Shape::Document(options.records.clone());
    if text.starts_with('{') && options.records.is_none() {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let object = flatten::object(first.trim());
        let more = !rest.trim().is_empty();
        // One object alone may be a single line of JSON lines, unless its records lie under a member.
        let alone = whole
            && !more
            && object
                .as_ref()
                .is_ok_and(|cells| !cells.iter().any(|(_, cell)| holds_records(cell)));
        if (more && object.is_ok() && !rest.trim_start().starts_with(['}', ']', ','])) || alone {
            return Some(Shape::Lines);
        }
        // A first line longer than the head cannot be judged; a document is rarely written on one line
        // by a program that calls it a table.
        return (named_document || !table).then_some(document);
    }
    let array = text.starts_with('[') && (!table || flatten_array(text));
    (named_document || (looks && (array || !table))).then_some(document)
}

fn holds_records(cell: &crate::record::Cell) -> bool {
    let crate::record::Cell::Json(value) = cell else {
        return false;
    };
    value
        .as_array()
        .is_some_and(|items| items.iter().any(serde_json::Value::is_object))
}

/// Whether what stands in a file named as a table is an array of objects after all.
fn flatten_array(text: &str) -> bool {
    text[1..].trim_start().starts_with("{\"")
}
