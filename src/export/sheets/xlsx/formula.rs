//! Traces as formulas.

use jiff::civil::{Date, DateTime};
use rust_xlsxwriter::utility::{column_number_to_name, row_col_to_cell};

use crate::export::sheets::{At, Condition, Field, Test, Trace};

/// Over more rows than this, numbers stay numbers: hundreds of formulas would make the workbook slow to open.
const MOST_ROWS: u32 = 200_000;
/// A text in a formula has at most 255 characters.
const LONGEST: usize = 250;

/// The tickets that formulas count: where they stand in the workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The sheets that hold them.
    pub sheets: Vec<TracedSheet>,
    /// The columns, from 0, that hold fields of the common ticket as they are: names as text, times as dates in the
    /// zone of the analysis.
    pub columns: Vec<(Field, u16)>,
}

/// A sheet of tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedSheet {
    /// Its name.
    pub name: String,
    /// The row of its first ticket, from 0.
    pub first_row: u32,
    /// The row of its last ticket.
    pub last_row: u32,
}

/// Where the cells of a table are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// The row of its first row below the headings, from 0.
    pub(super) first_row: u32,
}

impl Grid {
    pub(super) fn row(self, row: usize) -> u32 {
        self.first_row + row as u32
    }

    fn cell(self, at: At) -> String {
        row_col_to_cell(self.row(at.row), at.column as u16)
    }

    fn column(self, column: usize, rows: &std::ops::Range<usize>) -> String {
        let cell = |row| self.cell(At { row, column });
        format!("{}:{}", cell(rows.start), cell(rows.end - 1))
    }
}

impl Traced {
    /// Whether a trace over the tickets becomes a formula.
    pub(super) fn can_count(&self, trace: &Trace) -> bool {
        match trace {
            Trace::Count(conditions) => self.count(conditions).is_some(),
            _ => false,
        }
    }

    /// How people find it.
    pub(super) fn named(&self) -> String {
        let names: Vec<_> = self
            .sheets
            .iter()
            .map(|sheet| sheet.name.as_str())
            .collect();
        match names.as_slice() {
            [one] => format!("the sheet {one}"),
            many => format!("the sheets {}", many.join(", ")),
        }
    }

    fn count(&self, conditions: &[Condition]) -> Option<String> {
        let rows: u32 = self.sheets.iter().map(TracedSheet::rows).sum();
        if rows == 0 || rows > MOST_ROWS {
            return None;
        }
        let columns = conditions.iter().map(|condition| {
            let known = self
                .columns
                .iter()
                .find(|(field, _)| *field == condition.field);
            known.map(|(_, column)| (*column, &condition.test))
        });
        let columns: Vec<(u16, &Test)> = columns.collect::<Option<_>>()?;
        let is_fit = |text: &String| text.chars().count() <= LONGEST;
        let mut texts = columns.iter().filter_map(|(_, test)| test.text());
        if !texts.all(is_fit) {
            return None;
        }
        let is_plain = columns
            .iter()
            .all(|(_, test)| test.text().is_none_or(|text| is_plain(text)));
        let sheets = self.sheets.iter().filter(|sheet| sheet.rows() > 0);
        let counts: Vec<String> = sheets
            .map(|sheet| match is_plain {
                true => sheet.counted(&columns),
                false => sheet.compared(&columns),
            })
            .collect();
        Some(counts.join("+"))
    }
}

impl TracedSheet {
    fn rows(&self) -> u32 {
        (self.last_row + 1).saturating_sub(self.first_row)
    }

    fn range(&self, column: u16) -> String {
        let name = self.name.replace('\'', "''");
        let column = column_number_to_name(column);
        let (first, last) = (self.first_row + 1, self.last_row + 1);
        format!("'{name}'!${column}${first}:${column}${last}")
    }

    fn counted(&self, columns: &[(u16, &Test)]) -> String {
        // LibreOffice passes over empty cells at the end of a column: they are what the filled ones leave.
        if let Some(at) = columns.iter().position(|(_, test)| **test == Test::Empty) {
            let mut others = columns.to_vec();
            let (column, _) = others.remove(at);
            let all = match others.is_empty() {
                true => format!("ROWS({})", self.range(column)),
                false => self.counted(&others),
            };
            others.push((column, &Test::Filled));
            return format!("({all}-{})", self.counted(&others));
        }
        let pairs = columns.iter().map(|(column, test)| {
            let criterion = match test {
                Test::Is(text) => quoted(text),
                Test::IsNot(text) => quoted(&format!("<>{text}")),
                Test::Empty | Test::Filled => "\"<>\"".to_owned(),
                // Joined by the program, so that the number is written as its language has it.
                Test::From(day) => format!("\">=\"&{}", date(*day)),
                Test::Before(day) => format!("\"<\"&{}", date(*day)),
                Test::BeforeTime(time) => format!("\"<\"&({})", moment(*time)),
            };
            format!("{},{criterion}", self.range(*column))
        });
        format!("COUNTIFS({})", pairs.collect::<Vec<_>>().join(","))
    }

    /// The same for texts that COUNTIFS would take for patterns or numbers.
    fn compared(&self, columns: &[(u16, &Test)]) -> String {
        let factors = columns.iter().map(|(column, test)| {
            let range = self.range(*column);
            match test {
                Test::Is(text) => format!("({range}={})", quoted(text)),
                Test::IsNot(text) => format!("({range}<>{})", quoted(text)),
                Test::Empty => format!("({range}=\"\")"),
                Test::Filled => format!("({range}<>\"\")"),
                Test::From(day) => format!("({range}>={})", date(*day)),
                // What is empty is before everything.
                Test::Before(day) => format!("({range}<>\"\")*({range}<{})", date(*day)),
                Test::BeforeTime(time) => {
                    format!("({range}<>\"\")*({range}<{})", moment(*time))
                }
            }
        });
        format!("SUMPRODUCT(1*{})", factors.collect::<Vec<_>>().join("*"))
    }
}

impl Test {
    fn text(&self) -> Option<&String> {
        match self {
            Self::Is(text) | Self::IsNot(text) => Some(text),
            _ => None,
        }
    }
}

/// Whether COUNTIFS takes a text as it stands: without patterns, and like no number, date, truth or comparison.
fn is_plain(text: &str) -> bool {
    let is_truth = ["true", "false"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    let is_open = |sign: char| sign.is_numeric() || "*?~".contains(sign);
    text.starts_with(char::is_alphabetic) && !is_truth && !text.contains(is_open)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn date(day: Date) -> String {
    format!("DATE({},{},{})", day.year(), day.month(), day.day())
}

fn moment(time: DateTime) -> String {
    let day = date(time.date());
    format!(
        "{day}+TIME({},{},{})",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A trace as a formula, if the workbook holds what it looks at.
pub(super) fn formula(trace: &Trace, grid: Grid, traced: Option<&Traced>) -> Option<String> {
    let formula = match trace {
        Trace::Count(conditions) => traced?.count(conditions)?,
        Trace::Sum { column, rows } => format!("SUM({})", grid.column(*column, rows)),
        Trace::Rest { whole, rows } => {
            let rest = grid.column(whole.column, rows);
            format!("{}-SUM({rest})", grid.cell(*whole))
        }
        Trace::Ratio(part, whole) => format!("{}/{}", grid.cell(*part), grid.cell(*whole)),
        Trace::Part { of, rest } => {
            let (of, rest) = (grid.cell(*of), grid.cell(*rest));
            format!("{of}/({of}+{rest})")
        }
        Trace::Less(one, other) => format!("{}-{}", grid.cell(*one), grid.cell(*other)),
    };
    Some(format!("={formula}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_what_the_filled_cells_leave() {
        let sheet = TracedSheet {
            name: "Tickets".to_owned(),
            first_row: 1,
            last_row: 9,
        };
        let open = Test::Is("open".to_owned());
        assert_eq!(
            sheet.counted(&[(0, &Test::Empty), (1, &open)]),
            "(COUNTIFS('Tickets'!$B$2:$B$10,\"open\")-COUNTIFS('Tickets'!$B$2:$B$10,\"open\",'Tickets'!$A$2:$A$10,\"<>\"))"
        );
        assert_eq!(
            sheet.counted(&[(0, &Test::Empty)]),
            "(ROWS('Tickets'!$A$2:$A$10)-COUNTIFS('Tickets'!$A$2:$A$10,\"<>\"))"
        );
    }
}
