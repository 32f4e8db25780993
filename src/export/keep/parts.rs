//! The parts of a workbook as an archive: their texts, their tags, which leads to which.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};

use zip::ZipArchive;

use crate::source::Archive;

/// The largest part that is looked into, and the largest end of a sheet.
const MOST: u64 = 16 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// A workbook that is looked into.
pub(super) struct Parts<'a>(ZipArchive<Box<dyn Archive + 'a>>);

impl<'a> Parts<'a> {
    /// Opens it; `None` for what is no archive.
    pub(super) fn open(from: Box<dyn Archive + 'a>) -> Option<Self> {
        ZipArchive::new(from).ok().map(Self)
    }

    /// The names of the parts.
    pub(super) fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        // A name that is no text is not known to be harmless either.
        let names = self.0.file_names();
        names.map(|name| name.unwrap_or(Cow::Borrowed("?")))
    }

    /// A part as text; `None` where it is not there, too large, or no text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let mut text = String::new();
        let part = self.0.by_name(name).ok()?;
        part.take(MOST).read_to_string(&mut text).ok()?;
        (text.len() < MOST as usize).then_some(text)
    }

    /// What stands behind the cells of a sheet; `None` where that cannot be told.
    pub(super) fn behind_cells(&mut self, name: &str) -> Option<String> {
        let mut part = self.0.by_name(name).ok()?;
        let mut held = Vec::new();
        let mut chunk = vec![0; CHUNK];
        let mut is_behind = false;
        loop {
            let count = match part.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            held.extend_from_slice(&chunk[..count]);
            if is_behind {
                if held.len() as u64 > MOST {
                    return None;
                }
                continue;
            }
            if let Some(end) = end_of_cells(&held) {
                held.drain(..end);
                is_behind = true;
            } else {
                // The end may lie across two chunks.
                held.drain(..held.len().saturating_sub(END.len()));
            }
        }
        String::from_utf8(held).ok().filter(|_| is_behind)
    }

    /// Hands out the tags of a part of any size; `None` where it cannot be read to its end.
    pub(super) fn each_tag(&mut self, name: &str, each: &mut dyn FnMut(&[u8])) -> Option<()> {
        let part = self.0.by_name(name).ok()?;
        crate::source::each_tag(part, each).then_some(())
    }

    /// Where the relations of a part lead to, by their ids.
    pub(super) fn targets(&mut self, name: &str) -> HashMap<String, String> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let relations = self.text(&format!("{folder}/_rels/{file}.rels"));
        let relations = relations.unwrap_or_default();
        let named = Tags(&relations).filter(|tag| tag.name == "Relationship");
        named
            .filter_map(|tag| {
                let target = tag.attribute("Target")?;
                Some((tag.attribute("Id")?, resolved(folder, &target)))
            })
            .collect()
    }
}

/// What ends the cells.
const END: &[u8] = b"</sheetData>";

fn end_of_cells(held: &[u8]) -> Option<usize> {
    [END, b"<sheetData/>", b"<sheetData />"]
        .iter()
        .filter_map(|end| Some(memchr::memmem::find(held, end)? + end.len()))
        .min()
}

/// A target as the name of a part.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(whole) = target.strip_prefix('/') {
        return whole.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => {
                steps.pop();
            }
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// A tag that begins something, without the prefix of its name space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'x> {
    pub(super) name: &'x str,
    attributes: &'x str,
    /// What stands behind it, up to the next tag.
    text: &'x str,
}

impl Tag<'_> {
    /// An attribute, by its name without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let start = format!("{name}=\"");
        let mut from = 0;
        loop {
            let at = from + self.attributes[from..].find(&start)?;
            let text = &self.attributes[at + start.len()..];
            let before = self.attributes[..at].chars().next_back();
            if before.is_none_or(|sign| sign.is_whitespace() || sign == ':') {
                return Some(plain(&text[..text.find('"')?]));
            }
            from = at + start.len();
        }
    }

    pub(super) fn text(&self) -> String {
        plain(self.text)
    }
}

/// The tags of a text.
pub(super) struct Tags<'x>(pub(super) &'x str);

impl<'x> Iterator for Tags<'x> {
    type Item = Tag<'x>;

    fn next(&mut self) -> Option<Tag<'x>> {
        loop {
            let rest = &self.0[self.0.find('<')? + 1..];
            self.0 = rest;
            if rest.starts_with(['/', '?', '!']) {
                continue;
            }
            let inside = &rest[..rest.find('>')?];
            let end = inside.find(|sign: char| sign.is_whitespace() || sign == '/');
            let (whole, attributes) = inside.split_at(end.unwrap_or(inside.len()));
            let text = &rest[inside.len() + 1..];
            self.0 = text;
            return Some(Tag {
                name: whole.rsplit(':').next().unwrap_or(whole),
                attributes,
                text: &text[..text.find('<').unwrap_or(text.len())],
            });
        }
    }
}

fn plain(xml: &str) -> String {
    html_escape::decode_html_entities(xml).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_whatever_prefix_they_have() {
        let xml = r#"<?xml version="1.0"?><x:sheets><x:sheet name="A &amp; &quot;B&quot;" sheetId="1" r:id="rId1"/><sheet sheetId="2" codename="x" name="C"/></x:sheets><c:f>'A &amp; B'!$A$1</c:f>"#;
        let names: Vec<Option<String>> = Tags(xml)
            .filter(|tag| tag.name == "sheet")
            .map(|tag| tag.attribute("name"))
            .collect();
        assert_eq!(names, [Some("A & \"B\"".to_owned()), Some("C".to_owned())]);
        let first = Tags(xml).find(|tag| tag.name == "sheet").unwrap();
        assert_eq!(first.attribute("id").as_deref(), Some("rId1"));
        let formula = Tags(xml).find(|tag| tag.name == "f").unwrap();
        assert_eq!(formula.text(), "'A & B'!$A$1");
    }

    #[test]
    fn targets_are_names_of_parts() {
        for (folder, target, name) in [
            (
                "xl/worksheets",
                "../drawings/drawing1.xml",
                "xl/drawings/drawing1.xml",
            ),
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            (
                "xl",
                "/xl/worksheets/sheet1.xml",
                "xl/worksheets/sheet1.xml",
            ),
        ] {
            assert_eq!(resolved(folder, target), name);
        }
    }
}
