//! How people's cells look: what of it goes on into the next workbook.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::parts::{Parts, Tag, Tags};
use crate::source::{attribute_of, name_of};

/// What links of ours look like, and what stands under our headings.
pub(crate) const LINK: u32 = 0x05_63_C1;
pub(crate) const HEADING: u32 = 0xDD_E6_F0;

/// The look of a cell; nothing of it: as every cell is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Dress {
    #[serde(default, rename = "b", skip_serializing_if = "is_not")]
    pub(crate) bold: bool,
    #[serde(default, rename = "i", skip_serializing_if = "is_not")]
    pub(crate) italic: bool,
    #[serde(default, rename = "u", skip_serializing_if = "is_not")]
    pub(crate) underlined: bool,
    #[serde(default, rename = "s", skip_serializing_if = "is_not")]
    pub(crate) struck: bool,
    /// The colour of the text, as red, green and blue.
    #[serde(default, rename = "t", skip_serializing_if = "Option::is_none")]
    pub(crate) ink: Option<u32>,
    /// The colour of the cell.
    #[serde(default, rename = "g", skip_serializing_if = "Option::is_none")]
    pub(crate) ground: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_not(truth: &bool) -> bool {
    !truth
}

impl Dress {
    /// Whether it is none of people's: every cell has it, or a link or heading that we write.
    fn is_usual(&self, is_heading: bool) -> bool {
        let heading = Self {
            bold: true,
            ground: Some(HEADING),
            ..Self::default()
        };
        let link = Self {
            underlined: true,
            ink: Some(LINK),
            ..Self::default()
        };
        *self == Self::default() || *self == if is_heading { heading } else { link }
    }
}

/// The cells of a sheet that people dressed.
#[derive(Debug, Default)]
pub(super) struct Dressed {
    dresses: Vec<Dress>,
    /// By row, from 1: the columns, from 0, and which dress.
    rows: HashMap<u64, Vec<(u32, usize)>>,
}

impl Dressed {
    /// Of a part of a workbook; `None` where it cannot be read.
    pub(super) fn of(path: &Path, part: &str) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut parts = Parts::open(Box::new(BufReader::new(file)))?;
        let dresses = dresses(&mut parts)?;
        let mut found = Self {
            rows: HashMap::new(),
            dresses,
        };
        if found.dresses.iter().all(|dress| dress.is_usual(false)) {
            return Some(found);
        }
        let (mut row, mut column) = (0_u64, 0_u32);
        let dresses = &found.dresses;
        let rows = &mut found.rows;
        parts.each_tag(part, &mut |tag| {
            let (is_end, name) = name_of(tag);
            if is_end {
                return;
            }
            let number = |name: &[u8]| {
                let text = std::str::from_utf8(attribute_of(tag, name)?).ok()?;
                text.parse::<u64>().ok()
            };
            match name {
                b"row" => {
                    row = number(b"r").unwrap_or(row + 1);
                    column = 0;
                }
                b"c" => {
                    let address = attribute_of(tag, b"r").and_then(|at| str::from_utf8(at).ok());
                    let at = address.and_then(super::beyond::column).unwrap_or(column);
                    column = at + 1;
                    let style = number(b"s").and_then(|style| usize::try_from(style).ok());
                    let style = style.unwrap_or(0);
                    let is_theirs = dresses
                        .get(style)
                        .is_some_and(|dress| !dress.is_usual(row == 1));
                    if is_theirs {
                        rows.entry(row).or_default().push((at, style));
                    }
                }
                _ => {}
            }
        })?;
        Some(found)
    }

    /// The dressed cells of a row, by their columns.
    pub(super) fn row(&self, row: u64) -> impl Iterator<Item = (u32, &Dress)> {
        let cells = self.rows.get(&row).map(Vec::as_slice).unwrap_or_default();
        cells.iter().map(|(at, dress)| (*at, &self.dresses[*dress]))
    }
}

/// The looks that cells may have, by their numbers.
fn dresses(parts: &mut Parts<'_>) -> Option<Vec<Dress>> {
    let styles = parts.text("xl/styles.xml")?;
    let theme = parts.text("xl/theme/theme1.xml").unwrap_or_default();
    let colours = Colours::of(&theme);
    let (mut fonts, mut fills, mut dresses) = (Vec::new(), Vec::new(), Vec::new());
    let mut section = "";
    // Whether what comes is of a pattern that covers the cell.
    let mut is_filled = false;
    for tag in Tags(&styles) {
        match tag.name {
            "fonts" | "fills" | "borders" | "cellStyleXfs" | "cellXfs" | "cellStyles" | "dxfs"
            | "numFmts" | "tableStyles" | "colors" | "extLst" => section = tag.name,
            "font" if section == "fonts" => fonts.push(Dress::default()),
            "fill" if section == "fills" => fills.push(None),
            "xf" if section == "cellXfs" => {
                let of = |name: &str| tag.attribute(name)?.parse::<usize>().ok();
                let font: Option<&Dress> = of("fontId").and_then(|at| fonts.get(at));
                let fill = of("fillId").and_then(|at| fills.get(at));
                dresses.push(Dress {
                    ground: fill.copied().flatten(),
                    ..font.cloned().unwrap_or_default()
                });
            }
            "patternFill" if section == "fills" => {
                let pattern = tag.attribute("patternType");
                is_filled = pattern.is_some_and(|it| !matches!(it.as_str(), "none" | "gray125"));
            }
            // White is what a sheet is anyhow.
            "fgColor" if section == "fills" && is_filled => {
                if let Some(fill) = fills.last_mut() {
                    *fill = colours.of_tag(&tag).filter(|colour| *colour != 0xFF_FF_FF);
                }
            }
            name if section == "fonts" => {
                let Some(font) = fonts.last_mut() else {
                    continue;
                };
                let value = tag.attribute("val");
                let is_on = !matches!(value.as_deref(), Some("0" | "false" | "none"));
                match name {
                    "b" => font.bold = is_on,
                    "i" => font.italic = is_on,
                    "u" => font.underlined = is_on,
                    "strike" => font.struck = is_on,
                    "color" => font.ink = colours.of_tag(&tag).filter(|colour| *colour != 0),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Some(dresses)
}

/// The colours of a workbook's theme, in the order in which cells name them.
struct Colours(Vec<u32>);

impl Colours {
    fn of(theme: &str) -> Self {
        let mut named = HashMap::new();
        let mut name = None;
        for tag in Tags(theme) {
            match tag.name {
                "dk1" | "lt1" | "dk2" | "lt2" | "accent1" | "accent2" | "accent3" | "accent4"
                | "accent5" | "accent6" | "hlink" | "folHlink" => name = Some(tag.name),
                "srgbClr" | "sysClr" => {
                    let value = tag.attribute("lastClr").or_else(|| tag.attribute("val"));
                    let value = value.and_then(|value| u32::from_str_radix(&value, 16).ok());
                    if let Some((name, value)) = name.take().zip(value) {
                        named.entry(name).or_insert(value);
                    }
                }
                _ => {}
            }
        }
        // Cells count the light ones first (ECMA-376 18.8.3).
        let order = [
            "lt1", "dk1", "lt2", "dk2", "accent1", "accent2", "accent3", "accent4", "accent5",
            "accent6", "hlink", "folHlink",
        ];
        let colour = |(at, name): (usize, &&str)| match (named.get(name), at) {
            (Some(colour), _) => *colour,
            (None, 0) => 0xFF_FF_FF,
            (None, _) => 0,
        };
        Self(order.iter().enumerate().map(colour).collect())
    }

    fn of_tag(&self, tag: &Tag<'_>) -> Option<u32> {
        let number = |name: &str| tag.attribute(name)?.parse::<usize>().ok();
        let plain = if let Some(rgb) = tag.attribute("rgb") {
            u32::from_str_radix(&rgb, 16).ok()? & 0xFF_FF_FF
        } else if let Some(theme) = number("theme") {
            *self.0.get(theme)?
        } else {
            *INDEXED.get(number("indexed")?)?
        };
        let tint = tag.attribute("tint").and_then(|tint| tint.parse().ok());
        Some(tinted(plain, tint.unwrap_or(0.0)))
    }
}

/// A colour nearer to white (up to 1) or black (down to -1).
fn tinted(colour: u32, tint: f64) -> u32 {
    let part = |shift: u32| {
        let part = f64::from(colour >> shift & 0xFF);
        let tinted = match tint < 0.0 {
            true => part * (1.0 + tint.max(-1.0)),
            false => part + (255.0 - part) * tint.min(1.0),
        };
        (tinted.round() as u32) << shift
    };
    part(16) | part(8) | part(0)
}

/// The colours of old programs by number (ECMA-376 18.8.27).
const INDEXED: [u32; 64] = [
    0x000000, 0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF, 0x000000,
    0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF, 0x800000, 0x008000,
    0x000080, 0x808000, 0x800080, 0x008080, 0xC0C0C0, 0x808080, 0x9999FF, 0x993366, 0xFFFFCC,
    0xCCFFFF, 0x660066, 0xFF8080, 0x0066CC, 0xCCCCFF, 0x000080, 0xFF00FF, 0xFFFF00, 0x00FFFF,
    0x800080, 0x800000, 0x008080, 0x0000FF, 0x00CCFF, 0xCCFFFF, 0xCCFFCC, 0xFFFF99, 0x99CCFF,
    0xFF99CC, 0xCC99FF, 0xFFCC99, 0x3366FF, 0x33CCCC, 0x99CC00, 0xFFCC00, 0xFF9900, 0xFF6600,
    0x666699, 0x969696, 0x003366, 0x339966, 0x003300, 0x333300, 0x993300, 0x993366, 0x333399,
    0x333333,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_that_programs_show() {
        let theme = r#"<a:clrScheme><a:dk1><a:sysClr val="windowText" lastClr="000000"/></a:dk1><a:lt1><a:sysClr val="window" lastClr="FFFFFF"/></a:lt1><a:accent1><a:srgbClr val="4472C4"/></a:accent1></a:clrScheme>"#;
        let colours = Colours::of(theme);
        for (tag, colour) in [
            (r#"<color rgb="FFFFFF00"/>"#, Some(0xFF_FF_00)),
            (r#"<color theme="1"/>"#, Some(0)),
            (r#"<color theme="0"/>"#, Some(0xFF_FF_FF)),
            (
                r#"<color theme="4" tint="0.5999938962981048"/>"#,
                Some(0xB4_C7_E7),
            ),
            (r#"<color theme="0" tint="-0.25"/>"#, Some(0xBF_BF_BF)),
            (r#"<color indexed="5"/>"#, Some(0xFF_FF_00)),
            // Whatever the program has for texts.
            (r#"<color indexed="64"/>"#, None),
            (r#"<color auto="1"/>"#, None),
        ] {
            let found = Tags(tag).next().and_then(|tag| colours.of_tag(&tag));
            assert_eq!(found, colour, "{tag}");
        }
    }
}
