//! A workbook as an archive: whose it is, and what it holds besides rows.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::{COLUMN_PROPERTY, OURS, SHEET_PROPERTY};

/// The largest part that is looked into.
const MOST: u64 = 16 * 1024 * 1024;

/// What a workbook holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Its sheets, in order.
    pub(super) sheets: Vec<String>,
    /// Those that we wrote rows to, and those that we made of them; empty where its properties do not say.
    pub(super) rows: Vec<String>,
    pub(super) made: Vec<String>,
    /// Whether its properties say that it is ours.
    pub(super) is_ours: bool,
    /// The columns that we wrote; empty where its properties do not say.
    pub(super) columns: Vec<String>,
    /// What it holds that rows cannot carry.
    pub(super) more: Option<&'static str>,
}

/// Parts of the archive by the beginning of their names, and what they are.
const MORE: [(&str, &str); 8] = [
    ("xl/vbaProject", "macros"),
    ("xl/pivot", "pivot tables"),
    ("xl/comments", "notes"),
    ("xl/threadedComments", "comments"),
    ("xl/media/", "pictures"),
    ("xl/embeddings/", "embedded files"),
    ("xl/externalLinks/", "links to other workbooks"),
    ("xl/queryTables/", "queries"),
];

impl Look {
    /// Looks into a workbook.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn at(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("it cannot be read ({error})"))?;
        let mut archive = ZipArchive::new(BufReader::new(file))
            .map_err(|_| "it is no workbook, or has a password".to_owned())?;
        let more = archive
            .file_names()
            .flatten()
            .find_map(|name| MORE.iter().find(|(start, _)| name.starts_with(start)))
            .map(|(_, what)| *what);
        let mut text = |name: &str| {
            let mut text = String::new();
            let part = archive.by_name(name).ok()?;
            part.take(MOST).read_to_string(&mut text).ok()?;
            Some(text)
        };
        let workbook = text("xl/workbook.xml").ok_or("it is no workbook")?;
        let sheets = tags(&workbook, "sheet").filter_map(|(tag, _)| attribute(tag, "name"));
        let mut look = Self {
            sheets: sheets.collect(),
            more,
            ..Self::default()
        };
        let properties = text("docProps/custom.xml").unwrap_or_default();
        let properties: Vec<(String, String)> = tags(&properties, "property")
            .filter_map(|(tag, inner)| Some((attribute(tag, "name")?, value(inner)?)))
            .collect();
        if !properties.iter().any(|(name, _)| name == OURS) {
            return Ok(look);
        }
        look.is_ours = true;
        for (name, value) in properties {
            if let Some(number) = name.strip_prefix(SHEET_PROPERTY) {
                let list = if number.ends_with(" (made)") {
                    &mut look.made
                } else {
                    &mut look.rows
                };
                list.push(value);
            } else if name.starts_with(COLUMN_PROPERTY) {
                look.columns.push(value);
            }
        }
        Ok(look)
    }
}

/// The tags of a name with what stands behind each, up to the next.
fn tags<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = (&'x str, &'x str)> {
    let start = format!("<{name} ");
    let mut rest = xml;
    std::iter::from_fn(move || {
        let at = rest.find(&start)? + start.len();
        rest = &rest[at..];
        let end = rest.find('>')?;
        let tag = &rest[..end];
        let inner = &rest[end + 1..];
        let inner = &inner[..inner.find(&start).unwrap_or(inner.len())];
        Some((tag, inner))
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    let at = match tag.starts_with(&start) {
        true => start.len(),
        false => tag.find(&format!(" {start}"))? + start.len() + 1,
    };
    let text = &tag[at..];
    Some(plain(&text[..text.find('"')?]))
}

/// The text of a property, whatever type it has.
fn value(inner: &str) -> Option<String> {
    let inner = &inner[inner.find("<vt:")?..];
    let inner = &inner[inner.find('>')? + 1..];
    Some(plain(&inner[..inner.find('<')?]))
}

fn plain(xml: &str) -> String {
    html_escape::decode_html_entities(xml).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        let xml = r#"<sheets><sheet name="A &amp; &quot;B&quot;" sheetId="1"/><sheet sheetId="2" codename="x" name="C"/></sheets>"#;
        let names: Vec<String> = tags(xml, "sheet")
            .filter_map(|(tag, _)| attribute(tag, "name"))
            .collect();
        assert_eq!(names, ["A & \"B\"", "C"]);
        assert_eq!(
            value(r#"<vt:lpwstr>x &lt; y</vt:lpwstr></property>"#).as_deref(),
            Some("x < y")
        );
    }
}
