//! What stands on an analysis sheet, as a short text: by it we tell whether people wrote there.

use std::ops::ControlFlow;

use super::parts::{Parts, Tag, Tags};
use super::{RULE, STATE_WORDS};
use crate::export::sheets::Severity;
use crate::record::Cell;
use crate::source::{Archive, each_cell};

/// How many charts one property names: it takes 255 characters.
const CHARTS_AT_ONCE: usize = 20;

/// A sheet that we made, or that is compared with one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Print {
    /// The hash of its cells: of the texts and numbers as they are, of the formulas where they stand.
    cells: String,
    /// Of the places of its links.
    links: String,
    /// Of the areas that each chart shows.
    charts: Vec<String>,
}

impl Print {
    /// Of a sheet of a workbook, with what of it no row can carry.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn of<'a>(
        open: &dyn Fn() -> std::io::Result<Box<dyn Archive + 'a>>,
        (sheet, part): (&str, &str),
    ) -> Result<(Self, Beside), String> {
        let unreadable = || format!("its sheet `{sheet}` cannot be looked into");
        let mut cells = Vec::new();
        let mut note = |spot: crate::source::Spot, cell: &Cell| {
            let value = match (spot.is_formula, cell) {
                // Its result changes with the tickets.
                (true, _) => "=".to_owned(),
                // As many digits as every program keeps.
                (_, Cell::Number(number)) => format!("n{number:.10e}"),
                (_, Cell::Fault(why)) => format!("!{why}"),
                (_, cell) => format!("t{}", cell.text()),
            };
            cells.push((spot.row, spot.column, value));
            ControlFlow::Continue(())
        };
        let from = open().map_err(|_| unreadable())?;
        each_cell(from, sheet, sheet, &mut note).map_err(|_| unreadable())?;
        cells.retain(|(.., value)| value != "t");
        cells.sort();
        let beside = open().ok().and_then(Parts::open);
        let beside = beside.and_then(|mut parts| Beside::of(&mut parts, part));
        let beside = beside.ok_or_else(unreadable)?;
        let print = Self {
            cells: hashed(&format!("{cells:?}"), 16),
            links: hashed(&beside.links.join(" "), 8),
            charts: beside.charts.clone(),
        };
        Ok((print, beside))
    }

    /// What it says that the other, which we wrote, did not.
    pub(super) fn added_to(&self, written: &Self) -> Option<&'static str> {
        let mut charts = written.charts.clone();
        let is_new = |chart: &String| match charts.iter().position(|known| known == chart) {
            Some(at) => {
                charts.remove(at);
                false
            }
            None => true,
        };
        if self.cells != written.cells {
            return Some("text or numbers");
        }
        // A program may have dropped them all.
        if self.links != written.links && self.links != hashed("", 8) {
            return Some("links");
        }
        self.charts.iter().any(is_new).then_some("a chart")
    }

    /// As the values of properties.
    pub(super) fn written(&self, sheet: &str) -> Vec<String> {
        let chunks = self.charts.chunks(CHARTS_AT_ONCE).map(<[String]>::to_vec);
        let chunks: Vec<Vec<String>> = chunks.collect();
        let value = |charts: &[String]| {
            let charts = charts.join(",");
            format!("{} {} {charts}: {sheet}", self.cells, self.links)
        };
        match chunks.is_empty() {
            true => vec![value(&[])],
            false => chunks.iter().map(|charts| value(charts)).collect(),
        }
    }

    /// Back from such a value, with the sheet.
    pub(super) fn parse(value: &str) -> Option<(String, Self)> {
        let (print, sheet) = value.split_once(": ")?;
        let mut words = print.split(' ');
        let (cells, links) = (words.next()?, words.next()?);
        let charts = words.next().unwrap_or_default().split(',');
        let print = Self {
            cells: cells.to_owned(),
            links: links.to_owned(),
            charts: charts
                .filter(|chart| !chart.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        Some((sheet.to_owned(), print))
    }

    /// Adds what another property says of the same sheet.
    pub(super) fn add(&mut self, other: Self) {
        self.cells = other.cells;
        self.links = other.links;
        self.charts.extend(other.charts);
    }
}

/// What a sheet has besides its cells.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The places that links lead away from (`B2`, `B2:C3`).
    pub(super) links: Vec<String>,
    charts: Vec<String>,
    /// Where rules that colour cells lie which we did not write (`B2:B9 D2`); empty where that is not said.
    pub(super) rules: Vec<String>,
    /// What of it nobody but people puts there.
    pub(super) more: Option<&'static str>,
}

/// Tags behind the cells of a sheet, and what they are.
const MORE: [(&str, &str); 8] = [
    ("dataValidation", "drop-downs or other rules for cells"),
    ("tablePart", "tables"),
    ("oleObject", "embedded files"),
    ("control", "buttons or boxes"),
    ("picture", "a picture in the background"),
    ("sparklineGroup", "small charts in cells"),
    ("slicer", "slicers"),
    ("scenario", "scenarios"),
];
/// What lies on a sheet and is no chart.
const DRAWN: [&str; 5] = ["sp", "pic", "cxnSp", "grpSp", "contentPart"];

impl Beside {
    /// Of a part; `None` where it cannot be told.
    pub(super) fn of(parts: &mut Parts<'_>, part: &str) -> Option<Self> {
        let behind = parts.behind_cells(part)?;
        let mut beside = Self::default();
        let mut drawings = Vec::new();
        let mut area = String::new();
        // A rule whose formula is not read yet.
        let mut unread: Option<String> = None;
        // Rules as earlier versions wrote them, which are people's in a file of this one.
        let (mut before, mut is_of_now) = (Vec::new(), false);
        for tag in Tags(&behind) {
            if let Some((_, what)) = MORE.iter().find(|(name, _)| *name == tag.name) {
                beside.more = beside.more.or(Some(what));
            }
            match tag.name {
                "conditionalFormatting" => area = tag.attribute("sqref").unwrap_or_default(),
                "cfRule" => {
                    beside.rules.extend(unread.take());
                    match tag.attribute("type").as_deref() {
                        Some("expression") => unread = Some(area.clone()),
                        _ if is_rule_of_before(&tag) => before.push(area.clone()),
                        _ => beside.rules.push(area.clone()),
                    }
                }
                "formula" => {
                    let is_ours = tag.text().replace(' ', "").contains(RULE);
                    is_of_now |= is_ours;
                    beside.rules.extend(unread.take().filter(|_| !is_ours));
                }
                "hyperlink" => beside.links.extend(tag.attribute("ref")),
                "drawing" => drawings.extend(tag.attribute("id")),
                _ => {}
            }
        }
        beside.rules.extend(unread);
        beside
            .rules
            .extend(before.into_iter().filter(|_| is_of_now));
        beside.links.sort();
        if !drawings.is_empty() {
            let targets = parts.targets(part);
            for drawing in drawings {
                beside.look_at_drawing(parts, targets.get(&drawing)?)?;
            }
        }
        beside.charts.sort();
        Some(beside)
    }

    fn look_at_drawing(&mut self, parts: &mut Parts<'_>, drawing: &str) -> Option<()> {
        let text = parts.text(drawing)?;
        let mut charts = Vec::new();
        for tag in Tags(&text) {
            if DRAWN.contains(&tag.name) {
                self.more = self.more.or(Some("a shape or picture"));
            }
            if tag.name == "chart" {
                charts.extend(tag.attribute("id"));
            }
        }
        if charts.is_empty() {
            return Some(());
        }
        let targets = parts.targets(drawing);
        for chart in charts {
            let text = parts.text(targets.get(&chart)?)?;
            let mut areas: Vec<String> = Tags(&text)
                .filter(|tag| tag.name == "f")
                // Programs write the same area with and without these.
                .map(|tag| tag.text().replace(['$', '\'', ' '], ""))
                .collect();
            areas.sort();
            areas.dedup();
            self.charts.push(hashed(&areas.join(" "), 8));
        }
        Some(())
    }

    /// Whether it has a chart.
    pub(super) fn has_charts(&self) -> bool {
        !self.charts.is_empty()
    }
}

/// Whether a rule is of the kind that earlier versions wrote: a word of a state or of a priority.
fn is_rule_of_before(rule: &Tag<'_>) -> bool {
    let states = STATE_WORDS.into_iter();
    let mut words = states.chain(Severity::ALL.map(Severity::words));
    let word = rule.attribute("text").unwrap_or_default();
    rule.attribute("type").as_deref() == Some("containsText")
        && words.any(|words| words.contains(&word.as_str()))
}

fn hashed(text: &str, length: usize) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..length].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_is_written_and_read() {
        let print = Print {
            cells: "c".repeat(16),
            links: "l".repeat(8),
            charts: (0..45).map(|number| format!("{number:08}")).collect(),
        };
        let written = print.written("Müller: 31 characters of a name");
        assert_eq!(written.len(), 3);
        assert!(written.iter().all(|value| value.len() <= 255));
        let mut read = Print::default();
        for value in &written {
            let (sheet, one) = Print::parse(value).unwrap();
            assert_eq!(sheet, "Müller: 31 characters of a name");
            read.add(one);
        }
        assert_eq!(read, print);
        assert_eq!(read.added_to(&print), None);
    }
}
