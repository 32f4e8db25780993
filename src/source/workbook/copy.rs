//! An XLSX once more, with cells added behind its rows: every part is copied as it is packed, but for the sheets that are
//! read, in whose markup the cells are put.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use memchr::{memchr, memmem};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{Kind, WorkbookPlan};
use crate::error::{Error, Result};
use crate::source::bytes::{Bytes, CHUNK, changed, read_full};
use crate::source::copy::{Beside, Cells, unwritable};
use crate::source::sheet::letters;
use crate::source::{Layout, Table, attribute_of, each_tag, name_of};

/// So many columns a sheet has.
const MOST_COLUMNS: usize = 16_384;
/// How wide the new columns are, in characters; those past the last have the width of that.
const WIDTHS: [u32; 4] = [12, 30, 40, 17];
/// The longest text that a link takes.
const LONGEST_LINK: usize = 255;
/// The longest text that a cell takes.
const LONGEST: usize = 32_000;

impl WorkbookPlan {
    /// Copies the workbook; `false` for kinds that are written anew only, and where a sheet is not found in it.
    pub(in crate::source) fn copy(
        &self,
        bytes: &Bytes,
        tables: &[Table],
        first: usize,
        beside: &mut Beside<'_>,
        out: &mut dyn Write,
    ) -> Result<bool> {
        if self.kind != Kind::Xlsx {
            return Ok(false);
        }
        let file =
            File::open(bytes.path()).map_err(|error| changed(&bytes.named).caused_by(error))?;
        let damaged = |_| changed(&bytes.named);
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        let parts = parts_of_sheets(&mut archive);
        let mut sheets: HashMap<String, (usize, &Table)> = HashMap::new();
        for (offset, sheet) in self.sheets.iter().enumerate() {
            let Some(part) = parts.get(&sheet.name) else {
                return Ok(false);
            };
            let at = first + offset;
            sheets.insert(part.clone(), (at, &tables[at]));
        }
        // An archive is written with its sizes before its bytes, which takes a file that can be gone back in.
        let spool = tempfile::tempfile().map_err(unwritable)?;
        let mut to = ZipWriter::new(BufWriter::new(spool));
        let failed = |error: zip::result::ZipError| unwritable(io::Error::other(error));
        for at in 0..archive.len() {
            let part = archive.by_index_raw(at).map_err(damaged)?;
            let name = part.name().map_err(damaged)?.into_owned();
            let Some((index, table)) = sheets.get(&name) else {
                to.raw_copy_file(part).map_err(failed)?;
                continue;
            };
            drop(part);
            let shape = Shape::of(archive.by_index(at).map_err(damaged)?).map_err(unwritable)?;
            let width = table.header.len().max(shape.columns);
            if width + beside.headings.len() > MOST_COLUMNS {
                return Err(Error::input("has no room for further columns").at(&bytes.named));
            }
            to.start_file(
                &*name,
                SimpleFileOptions::default().large_file(shape.is_large),
            )
            .map_err(failed)?;
            let part = archive.by_index(at).map_err(damaged)?;
            let mut sheet = SheetCopy {
                beside,
                index: *index,
                header_row: match table.layout {
                    Layout::Workbook { header_row, .. } => u64::from(header_row),
                    _ => 0,
                },
                width,
                row: 0,
                style: None,
                widest: 0,
                has_columns: false,
                is_filled: false,
            };
            let mut stopped = None;
            let copied = pieces(part, &mut |piece| match piece {
                Piece::Tag(tag) => sheet.tag(tag, &mut to).map_err(|error| match error {
                    Stop::Io(error) => error,
                    Stop::Ours(error) => {
                        stopped = Some(error);
                        io::Error::other("stopped")
                    }
                }),
                Piece::Other(text) => to.write_all(text),
            });
            if let Some(error) = stopped {
                return Err(error);
            }
            copied.map_err(unwritable)?;
        }
        let spool = to.finish().map_err(failed)?.into_inner();
        let mut spool = spool.map_err(|error| unwritable(error.into_error()))?;
        spool.rewind().map_err(unwritable)?;
        io::copy(&mut spool, out).map_err(unwritable)?;
        Ok(true)
    }
}

/// The part of each sheet, by the name of the sheet.
fn parts_of_sheets(archive: &mut ZipArchive<BufReader<File>>) -> HashMap<String, String> {
    let names: Vec<String> = archive
        .file_names()
        .filter_map(|name| name.ok().map(|name| name.into_owned()))
        .collect();
    // Of several the one that is nearest to the root.
    let book = names.iter().filter(|name| name.ends_with("workbook.xml"));
    let Some(book) = book.min_by_key(|name| name.len()).cloned() else {
        return HashMap::new();
    };
    let text = |value: Option<&[u8]>| {
        let value = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        html_escape::decode_html_entities(&value).into_owned()
    };
    let (folder, file) = book.rsplit_once('/').unwrap_or(("", &book));
    let mut targets: HashMap<String, String> = HashMap::new();
    if let Ok(part) = archive.by_name(&format!("{folder}/_rels/{file}.rels")) {
        each_tag(part, &mut |tag| {
            if name_of(tag) == (false, b"Relationship") {
                let target = text(attribute_of(tag, b"Target"));
                let part = match target.strip_prefix('/') {
                    Some(whole) => whole.to_owned(),
                    None => format!("{folder}/{target}"),
                };
                targets.insert(text(attribute_of(tag, b"Id")), part);
            }
        });
    }
    let mut parts = HashMap::new();
    if let Ok(part) = archive.by_name(&book) {
        each_tag(part, &mut |tag| {
            if name_of(tag) != (false, b"sheet") {
                return;
            }
            let id = attribute_of(tag, b"r:id").or_else(|| attribute_of(tag, b"id"));
            if let Some(part) = targets.get(&text(id)).filter(|part| names.contains(part)) {
                parts.insert(text(attribute_of(tag, b"name")), part.clone());
            }
        });
    }
    parts
}

/// How wide a sheet is.
#[derive(Default)]
struct Shape {
    /// How many columns hold something.
    columns: usize,
    /// Whether its markup needs the long form of sizes.
    is_large: bool,
}

impl Shape {
    fn of(part: impl Read) -> io::Result<Self> {
        let mut shape = Self::default();
        let (mut column, mut size) = (0, 0_u64);
        pieces(part, &mut |piece| {
            let (Piece::Tag(text) | Piece::Other(text)) = &piece;
            size += text.len() as u64;
            let Piece::Tag(tag) = piece else {
                return Ok(());
            };
            let inside = inside(tag);
            match name_of(inside) {
                (false, b"row") => column = 0,
                (false, b"c") => {
                    let named = attribute_of(inside, b"r").and_then(column_of);
                    column = named.unwrap_or(column) + 1;
                    // A cell that has nothing but a look is in nobody's way.
                    if !inside.ends_with(b"/") {
                        shape.columns = shape.columns.max(column);
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        // With room for what is added.
        shape.is_large = size > u64::from(u32::MAX) / 2;
        Ok(shape)
    }
}

/// The column of a place such as `AB12`, from 0.
fn column_of(place: &[u8]) -> Option<usize> {
    let letters = place.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let number = letters.fold(0_usize, |number, byte| {
        number * 26 + usize::from(byte.to_ascii_uppercase() - b'A') + 1
    });
    number.checked_sub(1)
}

/// A tag without its brackets.
fn inside(tag: &[u8]) -> &[u8] {
    let tag = tag.strip_prefix(b"<").unwrap_or(tag);
    tag.strip_suffix(b">").unwrap_or(tag)
}

enum Stop {
    Io(io::Error),
    Ours(Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A sheet on its way.
struct SheetCopy<'a, 'b> {
    beside: &'a mut Beside<'b>,
    /// The number of its table in the input.
    index: usize,
    header_row: u64,
    /// The first new column, from 0.
    width: usize,
    row: u64,
    /// How the last heading looks.
    style: Option<Vec<u8>>,
    /// The last column that has a width of its own, from 1.
    widest: usize,
    has_columns: bool,
    /// Whether a cell of the row holds something: a row that has nothing but a look is none of the table.
    is_filled: bool,
}

impl SheetCopy<'_, '_> {
    fn tag(&mut self, tag: &[u8], out: &mut impl Write) -> std::result::Result<(), Stop> {
        let inside = inside(tag);
        let (is_end, name) = name_of(inside);
        match (is_end, name) {
            (false, b"dimension") => {
                let wider = attribute_of(inside, b"ref").and_then(|area| self.wider(area));
                if let Some((old, new)) = wider {
                    let text = String::from_utf8_lossy(tag).replace(&old, &new);
                    out.write_all(text.as_bytes())?;
                    return Ok(());
                }
            }
            (false, b"cols") => self.has_columns = true,
            (false, b"col") => {
                let last = attribute_of(inside, b"max").and_then(number);
                let last = last.and_then(|last| usize::try_from(last).ok());
                self.widest = self.widest.max(last.unwrap_or(0));
            }
            (true, b"cols") => self.columns(prefix(inside), out)?,
            (false, b"sheetData") if !self.has_columns => {
                let prefix = prefix(inside);
                write!(out, "<{prefix}cols>")?;
                self.columns(prefix, out)?;
                write!(out, "</{prefix}cols>")?;
            }
            (false, b"row") => return self.begin(tag, inside, out),
            (false, b"c") if self.row == self.header_row => {
                let style = attribute_of(inside, b"s").map(<[u8]>::to_vec);
                self.style = style.or_else(|| self.style.take());
            }
            (false, b"v" | b"is" | b"f") => self.is_filled = true,
            (true, b"row") => {
                let cells = match self.row {
                    row if row == self.header_row => Some(self.beside.headings()),
                    row if row < self.header_row || !self.is_filled => None,
                    row => self.beside.of(self.index, row).map_err(Stop::Ours)?,
                };
                if let Some(cells) = cells {
                    self.cells(&cells, prefix(inside), out)?;
                }
            }
            _ => {}
        }
        out.write_all(tag)?;
        Ok(())
    }

    fn begin(
        &mut self,
        tag: &[u8],
        inside: &[u8],
        out: &mut impl Write,
    ) -> std::result::Result<(), Stop> {
        let named = attribute_of(inside, b"r").and_then(number);
        self.row = named.unwrap_or(self.row + 1);
        // A row without cells is none of the table.
        if inside.ends_with(b"/") {
            out.write_all(tag)?;
            return Ok(());
        }
        self.is_filled = false;
        // It says which columns the row spans, which may be no longer right.
        let spans = attribute_of(inside, b"spans").filter(|_| self.row >= self.header_row);
        match spans {
            Some(spans) => {
                let spans = format!(" spans=\"{}\"", String::from_utf8_lossy(spans));
                let text = String::from_utf8_lossy(tag).replace(&spans, "");
                out.write_all(text.as_bytes())?;
            }
            None => out.write_all(tag)?,
        }
        Ok(())
    }

    /// The area of the sheet, and as it is with the new columns.
    fn wider(&self, area: &[u8]) -> Option<(String, String)> {
        let area = std::str::from_utf8(area).ok()?;
        let (from, to) = area.split_once(':')?;
        let row = to.trim_start_matches(|sign: char| sign.is_ascii_alphabetic());
        let last = letters(self.width + self.beside.headings.len() - 1);
        Some((format!("\"{area}\""), format!("\"{from}:{last}{row}\"")))
    }

    /// The widths of the new columns, unless the sheet says something of them already.
    fn columns(&self, prefix: &str, out: &mut impl Write) -> io::Result<()> {
        for offset in 0..self.beside.headings.len() {
            let column = self.width + offset + 1;
            if column > self.widest {
                let width = WIDTHS[offset.min(WIDTHS.len() - 1)];
                write!(
                    out,
                    "<{prefix}col min=\"{column}\" max=\"{column}\" width=\"{width}\" customWidth=\"1\"/>"
                )?;
            }
        }
        Ok(())
    }

    fn cells(&self, cells: &Cells, prefix: &str, out: &mut impl Write) -> io::Result<()> {
        let style = match &self.style {
            Some(style) if self.row == self.header_row => {
                format!(" s=\"{}\"", String::from_utf8_lossy(style))
            }
            _ => String::new(),
        };
        for (offset, text) in cells
            .iter()
            .enumerate()
            .filter(|(_, text)| !text.is_empty())
        {
            let place = format!("{}{}", letters(self.width + offset), self.row);
            let start = format!("<{prefix}c r=\"{place}\"{style}");
            if is_number(text) {
                write!(out, "{start}><{prefix}v>{text}</{prefix}v></{prefix}c>")?;
            } else if is_link(text) {
                let link = escaped(text);
                write!(
                    out,
                    "{start} t=\"str\"><{prefix}f>HYPERLINK(\"{link}\")</{prefix}f><{prefix}v>{link}</{prefix}v></{prefix}c>"
                )?;
            } else {
                let text: String = text.chars().take(LONGEST).collect();
                write!(
                    out,
                    "{start} t=\"inlineStr\"><{prefix}is><{prefix}t xml:space=\"preserve\">{}</{prefix}t></{prefix}is></{prefix}c>",
                    escaped(&text)
                )?;
            }
        }
        Ok(())
    }
}

/// A number as a workbook keeps and shows it.
fn is_number(text: &str) -> bool {
    let is_plain = text == "0" || !text.starts_with('0');
    (1..=15).contains(&text.len()) && is_plain && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_link(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && text.len() <= LONGEST_LINK && !text.contains([' ', '"', '\n'])
}

/// A text within markup; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' | '\t' => escaped.push(sign),
            sign if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => {}
            sign => escaped.push(sign),
        }
    }
    escaped
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The prefix of the name of a tag, with its colon.
fn prefix(inside: &[u8]) -> &str {
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    let end = inside
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'/');
    let name = std::str::from_utf8(&inside[..end.unwrap_or(inside.len())]).unwrap_or_default();
    name.find(':').map_or("", |at| &name[..=at])
}

/// A piece of a document.
enum Piece<'p> {
    /// A tag with its brackets.
    Tag(&'p [u8]),
    /// A text, a comment, an instruction, or a part of one.
    Other(&'p [u8]),
}

/// Hands out a document piece by piece, none of it left out.
fn pieces(
    mut from: impl Read,
    each: &mut dyn FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut held = Vec::new();
    loop {
        let before = held.len();
        held.resize(before + CHUNK, 0);
        let count = read_full(&mut from, &mut held[before..])?;
        held.truncate(before + count);
        let is_over = count < CHUNK;
        let mut at = 0;
        while let Some((piece, length)) = next(&held[at..], is_over) {
            each(piece)?;
            at += length;
        }
        if is_over {
            return Ok(());
        }
        held.drain(..at);
    }
}

/// The first piece and its length; `None` where its end has not come yet.
fn next(bytes: &[u8], is_over: bool) -> Option<(Piece<'_>, usize)> {
    if bytes.is_empty() {
        return None;
    }
    let other = |length: usize| Some((Piece::Other(&bytes[..length]), length));
    if bytes[0] != b'<' {
        return other(memchr(b'<', bytes).unwrap_or(bytes.len()));
    }
    // Not yet to be told from a comment.
    if bytes.len() < 9 && !is_over {
        return None;
    }
    let quoted: [(&[u8], &[u8]); 3] = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")];
    let found = match quoted.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((start, end)) => {
            let at = memmem::find(&bytes[start.len()..], end);
            match at {
                Some(at) => return other(start.len() + at + end.len()),
                None => None,
            }
        }
        None => end_of_tag(bytes),
    };
    match found {
        Some(end) => Some((Piece::Tag(&bytes[..end]), end)),
        None if is_over => other(bytes.len()),
        None => None,
    }
}

/// Behind the bracket that ends a tag.
fn end_of_tag(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (byte, quote) {
            (b'>', None) => return Some(at + 1),
            (b'"' | b'\'', None) => quote = Some(*byte),
            (byte, Some(open)) if *byte == open => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOCUMENT: &str =
        "<?xml version='1' a=\"?\"?><a b='>'><!-- <no> -- > -->t<c/><![CDATA[<no>]]></a>rest";

    /// What is read in so many bytes at a time.
    struct Slow<'t>(&'t [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_document_is_lost(step in 1..DOCUMENT.len(), cut in 0..DOCUMENT.len()) {
            let document = &DOCUMENT.as_bytes()[..cut];
            let (mut all, mut tags) = (Vec::new(), Vec::new());
            pieces(Slow(document, step), &mut |piece| {
                match piece {
                    Piece::Tag(tag) => {
                        tags.push(String::from_utf8_lossy(tag).into_owned());
                        all.extend_from_slice(tag);
                    }
                    Piece::Other(text) => all.extend_from_slice(text),
                }
                Ok(())
            }).unwrap();
            prop_assert_eq!(all, document);
            prop_assert!(["<a b='>'>", "<c/>", "</a>"].iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>().starts_with(&tags));
        }
    }

    #[test]
    fn places_numbers_and_links_are_told_apart() {
        assert_eq!(column_of(b"A1"), Some(0));
        assert_eq!(column_of(b"AB12"), Some(27));
        assert_eq!(column_of(b"12"), None);
        assert!(is_number("10023") && is_number("0") && !is_number("0123") && !is_number(""));
        assert!(is_link("https://desk.example/1") && !is_link("see https://desk.example/1"));
        assert_eq!(prefix(b"/x:row"), "x:");
        assert_eq!(prefix(b"row r=\"1:2\""), "");
    }
}
