//! A workbook as an archive: whose it is, which sheets and columns of it we wrote, and what of it no rows can carry.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::parts::{Parts, Tags};
use super::print::Print;
use super::{COLUMN_PROPERTY, OURS, PRINT_PROPERTY, SHEET_PROPERTY};

/// What a workbook holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Its sheets, in order.
    pub(super) sheets: Vec<String>,
    /// Their parts.
    pub(super) parts: HashMap<String, String>,
    /// Those that we wrote rows to, and those that we made of them; empty where its properties do not say.
    pub(super) rows: Vec<String>,
    pub(super) made: Vec<String>,
    /// What stood on those that we made.
    pub(super) prints: HashMap<String, Print>,
    /// Whether its properties say that it is ours.
    pub(super) is_ours: bool,
    /// The columns that we wrote; empty where its properties do not say.
    pub(super) columns: Vec<String>,
    /// What it holds that rows cannot carry.
    pub(super) more: Option<String>,
}

/// Parts of the archive that hold what people put there, by the beginning of their names.
const MORE: [(&str, &str); 16] = [
    ("xl/vbaProject", "macros"),
    ("xl/pivot", "pivot tables"),
    ("xl/comments", "notes"),
    ("xl/threadedComments", "comments"),
    ("xl/media/", "pictures"),
    ("xl/richData/", "pictures or linked data in cells"),
    ("xl/embeddings/", "embedded files"),
    ("xl/externalLinks/", "links to other workbooks"),
    ("xl/queryTables/", "queries"),
    ("xl/connections", "queries"),
    ("xl/tables/", "tables"),
    ("xl/slicer", "slicers"),
    ("xl/timeline", "timelines"),
    ("xl/ctrlProps/", "buttons or boxes"),
    ("xl/activeX/", "buttons or boxes"),
    ("xl/diagrams/", "diagrams"),
];

/// Parts that every workbook may have, and what is looked into by itself.
const USUAL: [&str; 18] = [
    "[Content_Types].xml",
    "_rels/",
    "docProps/",
    "docMetadata/",
    // What stores of documents note of a file; no cell leads there.
    "customXml/",
    "xl/workbook.xml",
    "xl/_rels/",
    "xl/styles",
    "xl/theme/",
    "xl/sharedStrings",
    "xl/metadata",
    "xl/calcChain",
    "xl/worksheets/",
    "xl/drawings/",
    "xl/charts/",
    "xl/printerSettings/",
    "xl/persons/",
    "xl/featurePropertyBag/",
];

impl Look {
    /// Looks into a workbook.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn at(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("it cannot be read ({error})"))?;
        let mut parts = Parts::open(Box::new(BufReader::new(file)))
            .ok_or_else(|| "it is no workbook, or has a password".to_owned())?;
        let more = unusual(parts.names());
        let workbook = parts.text("xl/workbook.xml").ok_or("it is no workbook")?;
        let targets = parts.targets("xl/workbook.xml");
        let mut look = Self {
            more: more.or_else(|| named(&workbook)),
            ..Self::default()
        };
        for tag in Tags(&workbook).filter(|tag| tag.name == "sheet") {
            let Some(name) = tag.attribute("name") else {
                continue;
            };
            if let Some(part) = tag.attribute("id").and_then(|id| targets.get(&id)) {
                look.parts.insert(name.clone(), part.clone());
            }
            look.sheets.push(name);
        }
        let properties = parts.text("docProps/custom.xml").unwrap_or_default();
        let mut name = None;
        for tag in Tags(&properties) {
            match tag.name {
                "property" => name = tag.attribute("name"),
                // The value, whatever type it has.
                _ => {
                    if let Some(name) = name.take() {
                        look.property(&name, tag.text());
                    }
                }
            }
        }
        if !look.is_ours {
            look = Self {
                sheets: look.sheets,
                parts: look.parts,
                more: look.more,
                ..Self::default()
            };
        }
        Ok(look)
    }

    fn property(&mut self, name: &str, value: String) {
        if name == OURS {
            self.is_ours = true;
        } else if let Some(number) = name.strip_prefix(SHEET_PROPERTY) {
            match number.ends_with(" (made)") {
                true => self.made.push(value),
                false => self.rows.push(value),
            }
        } else if name.starts_with(COLUMN_PROPERTY) {
            self.columns.push(value);
        } else if name.starts_with(PRINT_PROPERTY)
            && let Some((sheet, print)) = Print::parse(&value)
        {
            self.prints.entry(sheet).or_default().add(print);
        }
    }
}

/// A part that no export has and that no row carries.
fn unusual<'n>(names: impl Iterator<Item = Cow<'n, str>>) -> Option<String> {
    let mut found = None;
    for name in names {
        let more = MORE.iter().find(|(start, _)| name.starts_with(start));
        if let Some((_, what)) = more {
            return Some((*what).to_owned());
        }
        let is_usual = name.ends_with('/') || USUAL.iter().any(|start| name.starts_with(start));
        if !is_usual {
            found = found.or(Some(format!("a part that we do not know (`{name}`)")));
        }
    }
    found
}

/// A name that people gave to an area.
fn named(workbook: &str) -> Option<String> {
    let mut names = Tags(workbook).filter(|tag| tag.name == "definedName");
    let name = names.find_map(|tag| {
        let name = tag.attribute("name")?;
        // The areas of filters and prints, and those of the views of a program.
        let is_usual = name.starts_with("_xlnm.")
            || name.ends_with("_FilterDatabase")
            || name.contains(".wvu.");
        (!is_usual).then_some(name)
    })?;
    Some(format!("the defined name `{name}`"))
}
