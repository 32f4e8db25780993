//! Rules that colour the cells of states and priorities in a workbook.
//!
//! A rule colours the cells that say one name. Whether a name is that of a severe priority or of a closed state is judged by
//! its words, so that `Slow` is not `low` and `Incomplete` not `complete`. Each name that the column shows has a rule, and so
//! has each word by itself, for what people write into it later.

use std::collections::BTreeMap;

use rust_xlsxwriter::utility::row_col_to_cell;
use rust_xlsxwriter::{Color, ConditionalFormatFormula, Format, Worksheet, XlsxError};

use crate::export::columns::Column;
use crate::export::keep::{RULE, STATE_WORDS};
use crate::export::sheets::{Severity, words_that_hold};

/// So many names of a column are looked at.
const MOST: usize = 200;
/// A longer name is that of nothing that has a colour.
const LONGEST: usize = 100;

/// What the cells of a column are coloured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Palette {
    States,
    Priorities,
}

impl Palette {
    /// That of a column, if it has one.
    pub(super) fn of(column: &Column) -> Option<Self> {
        match column.shows() {
            Some("state" | "standing") => Some(Self::States),
            Some("priority") => Some(Self::Priorities),
            _ => None,
        }
    }

    /// The colours of text and background of a cell that says such a name. Priorities have those of their severity, which
    /// are the same in every chart and table.
    fn colours(self, name: &str) -> Option<(u32, u32)> {
        const STATES: [(u32, u32); 3] = [
            (0x37_56_23, 0xE2_EF_DA),
            (0x1F_4E_78, 0xDD_EB_F7),
            (0x59_59_59, 0xED_ED_ED),
        ];
        match self {
            Self::States => {
                let name = name.to_lowercase();
                let mut words = words_that_hold(&name);
                let at = words
                    .find_map(|word| (STATE_WORDS.iter()).position(|words| words.contains(&word)));
                at.map(|at| STATES[at])
            }
            Self::Priorities => match Severity::of(name) {
                Severity::Unset => None,
                severity => Some((severity.ink(), severity.colour())),
            },
        }
    }

    /// The words that have a colour by themselves.
    fn words(self) -> Vec<&'static str> {
        match self {
            Self::States => STATE_WORDS.into_iter().flatten().copied().collect(),
            Self::Priorities => {
                let words = Severity::ALL.map(Severity::words);
                words.into_iter().flatten().copied().collect()
            }
        }
    }
}

/// The names that a column shows.
#[derive(Debug)]
pub(super) struct Tints {
    palette: Palette,
    /// Each with whether it has a colour.
    names: BTreeMap<String, bool>,
}

impl Tints {
    pub(super) fn new(palette: Palette) -> Self {
        Self {
            palette,
            names: BTreeMap::new(),
        }
    }

    /// Takes what a cell says.
    pub(super) fn add(&mut self, name: &str) {
        if self.names.contains_key(name) || self.names.len() >= MOST || name.len() > LONGEST {
            return;
        }
        let is_plain = !name.contains(char::is_control) && name.trim() == name;
        let is_coloured = is_plain && self.palette.colours(name).is_some();
        self.names.insert(name.to_owned(), is_coloured);
    }

    /// Writes the rules for the cells of a column from the second row to the last.
    pub(super) fn write(
        &self,
        sheet: &mut Worksheet,
        column: u16,
        last: u32,
    ) -> Result<(), XlsxError> {
        let names = self.names.iter().filter(|(_, is_coloured)| **is_coloured);
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        let is_new = |word: &&str| !names.iter().any(|name| name.to_lowercase() == **word);
        let words = self.palette.words();
        let words = words.into_iter().filter(is_new);
        let cell = row_col_to_cell(1, column);
        for name in names.iter().copied().chain(words) {
            let Some((ink, background)) = self.palette.colours(name) else {
                continue;
            };
            let format = Format::new()
                .set_font_color(Color::RGB(ink))
                .set_background_color(Color::RGB(background));
            let name = name.replace('"', "\"\"");
            let rule = ConditionalFormatFormula::new()
                .set_rule(format!("=AND({cell}=\"{name}\",{RULE}=0)").as_str())
                .set_stop_if_true(true)
                .set_format(&format);
            sheet.add_conditional_format(1, column, last, column, &rule)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_coloured_by_its_words() {
        let priority = |name| Palette::Priorities.colours(name);
        for (one, other) in [
            ("low", "2 - Low"),
            ("high", "HIGH"),
            ("urgent", "P1/urgent"),
            ("medium", "Normal"),
        ] {
            assert!(priority(one).is_some(), "{one}");
            assert_eq!(priority(one), priority(other), "{other}");
        }
        for name in ["Slow", "Highway", "Lower", "not urgent", "Below", ""] {
            assert_eq!(priority(name), None, "{name}");
        }
        let state = |name| Palette::States.colours(name);
        for (one, other) in [
            ("closed", "Closed - no reply"),
            ("solved", "Resolved"),
            ("progress", "In Progress"),
            ("waiting", "Waiting on requestor"),
            ("hold", "On-hold"),
        ] {
            assert!(state(one).is_some(), "{one}");
            assert_eq!(state(one), state(other), "{other}");
        }
        for name in [
            "Incomplete",
            "Unresolved",
            "Not done",
            "Threshold",
            "Disclosed",
            "Open",
        ] {
            assert_eq!(state(name), None, "{name}");
        }
    }
}
