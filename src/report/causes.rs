//! Faults grouped by cause: the same field and message is one cause, however many rows have it; so is a rule that
//! many different values break.

use std::collections::HashMap;

use serde::Serialize;

use super::words;
use crate::directory::Kind;
use crate::error::{Fault, MappingFault, Rule};
use crate::mapping::BoundPlan;
use crate::record::Place;

/// How many distinct causes are told apart before the rest is counted together: memory stays flat.
const MOST_CAUSES: usize = 10_000;
/// How many rows of a cause are named.
const ROWS_SHOWN: usize = 5;
/// How many causes a summary prints.
const CAUSES_SHOWN: usize = 20;
/// How many of the values that break one rule are named.
const VALUES_SHOWN: usize = 3;

/// What to do about the causes that are not listed, where no file has them.
pub(super) const FIX_FIRST: &str = "fix these first, and the next check tells the others";

/// One cause with the rows that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// How many faults.
    pub rows: u64,
    /// The field that could not be filled.
    pub field: Option<String>,
    /// The column whose cells are to blame.
    pub column: Option<String>,
    /// What is wrong; the rule alone where several values break it.
    pub message: String,
    /// The first few of the values that break one rule; empty where the message names the value.
    pub values: Vec<String>,
    /// What kind of thing the value should name, where an alias would fix it.
    pub names: Option<Kind>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The first few rows: their numbers, with file and sheet where the faults stand in several.
    pub first_rows: Vec<String>,
    #[serde(skip)]
    first: Vec<Place>,
    /// The byte of the mapping file at which it must be settled, where the mapping leaves it open.
    #[serde(skip)]
    open_at: Option<usize>,
}

impl Cause {
    /// One more value that breaks the rule: from the second on, the rule itself is what is told.
    fn add_value(&mut self, fault: &Fault, rule: &str) {
        let value = fault.message.strip_suffix(rule).unwrap_or_default().trim();
        if self.values.iter().any(|known| known == value) {
            return;
        }
        if self.values.len() == 1 {
            self.message = rule.to_owned();
        }
        match self.values.len() {
            VALUES_SHOWN => self.values.push("…".to_owned()),
            shown if shown < VALUES_SHOWN => self.values.push(value.to_owned()),
            _ => {}
        }
    }

    /// The message, with the values that it is about.
    fn text(&self) -> String {
        match self.values.len() {
            0 | 1 => self.message.clone(),
            _ => format!("{} ({})", self.message, self.values.join(", ")),
        }
    }
}

/// All causes of a run.
#[derive(Debug, Clone, Default)]
pub struct Causes {
    by_text: HashMap<(Option<String>, String), Cause>,
    others: u64,
    /// The first place of all, and whether another stands in another table.
    table: Option<Place>,
    several: bool,
}

impl Causes {
    /// How many faults there are in all.
    pub fn faults(&self) -> u64 {
        self.by_text.values().map(|cause| cause.rows).sum::<u64>() + self.others
    }

    /// Counts the faults of one row.
    pub fn add(&mut self, faults: &[Fault]) {
        for fault in faults {
            let table = self.table.get_or_insert_with(|| fault.place.clone());
            self.several |= (&table.file, &table.sheet) != (&fault.place.file, &fault.place.sheet);
            let field = fault.field.clone().or_else(|| fault.column.clone());
            let text = fault.rule.text().unwrap_or(&fault.message);
            let key = (field.clone(), text.to_owned());
            if !self.by_text.contains_key(&key) && self.by_text.len() >= MOST_CAUSES {
                self.others += 1;
                continue;
            }
            let cause = self.by_text.entry(key).or_insert_with(|| Cause {
                rows: 0,
                field,
                column: fault.column.clone(),
                message: fault.message.clone(),
                values: Vec::new(),
                names: fault.missing.as_ref().map(|missing| missing.kind),
                hint: fault.hint.clone(),
                first_rows: Vec::new(),
                first: Vec::new(),
                open_at: match fault.rule {
                    Rule::Open { at, .. } => Some(at),
                    _ => None,
                },
            });
            cause.rows += 1;
            if let Some(rule) = fault.rule.text() {
                cause.add_value(fault, rule);
            }
            if cause.first.len() < ROWS_SHOWN {
                cause.first.push(fault.place.clone());
            }
        }
    }

    /// What the mapping leaves open and its rows have shown, as faults of the mapping.
    pub fn open(&self, plan: &BoundPlan) -> Vec<MappingFault> {
        let open = self.sorted().into_iter().filter_map(|cause| {
            let rows = words::plural(cause.rows, "row", "rows");
            let message = match cause.values.len() {
                0 | 1 => format!("{}, in {rows}", cause.message),
                _ => format!(
                    "a cell {}: {}, in {rows}",
                    cause.message,
                    cause.values.join(", ")
                ),
            };
            Some(plan.fault_at(cause.open_at?, message, cause.hint))
        });
        open.collect()
    }

    /// Whether some rows hold names that an alias would fix.
    pub fn has_names(&self) -> bool {
        self.by_text.values().any(|cause| cause.names.is_some())
    }

    fn row(&self, place: &Place) -> String {
        match &place.sheet {
            _ if !self.several => place.row.to_string(),
            Some(sheet) => format!("{}:{sheet}!{}", place.file, place.row),
            None => format!("{}:{}", place.file, place.row),
        }
    }

    /// The causes, most frequent first.
    pub fn sorted(&self) -> Vec<Cause> {
        let mut causes: Vec<_> = self.by_text.values().cloned().collect();
        for cause in &mut causes {
            cause.first_rows = cause.first.iter().map(|place| self.row(place)).collect();
        }
        causes.sort_by(|a, b| {
            b.rows
                .cmp(&a.rows)
                .then_with(|| (&a.field, &a.message).cmp(&(&b.field, &b.message)))
        });
        causes
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }

    /// The lines of a summary: count, field, message, then the hint or the rows. `rest` says what to do about the
    /// causes that are not listed.
    pub fn lines(&self, rest: &str) -> Vec<String> {
        let causes = self.sorted();
        let shown = &causes[..causes.len().min(CAUSES_SHOWN)];
        let width = |text: &dyn Fn(&Cause) -> usize| shown.iter().map(text).max().unwrap_or(0);
        let counts = width(&|cause| words::count(cause.rows).len());
        let fields = width(&|cause| cause.field.as_deref().unwrap_or("row").chars().count());
        let messages = width(&|cause| cause.text().chars().count()).min(48);
        let mut lines: Vec<String> = shown
            .iter()
            .map(|cause| {
                let field = cause.field.as_deref().unwrap_or("row");
                let count = words::count(cause.rows);
                let rows = || {
                    let noun = if cause.rows == 1 { "row" } else { "rows" };
                    format!("{noun} {}", words::list(&cause.first_rows, cause.rows))
                };
                let further = match &cause.hint {
                    Some(hint) if cause.rows > ROWS_SHOWN as u64 => hint.clone(),
                    Some(hint) => format!("{hint}   ({})", rows()),
                    None => rows(),
                };
                format!(
                    "{count:>counts$}  {field:<fields$}  {:<messages$}   {further}",
                    cause.text()
                )
            })
            .collect();
        let hidden = causes[shown.len()..]
            .iter()
            .map(|cause| cause.rows)
            .sum::<u64>()
            + self.others;
        if hidden > 0 {
            let noun = words::plural(hidden, "fault", "faults");
            lines.push(format!("…  {noun} of other causes: {rest}"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Place;

    fn fault(row: u64, field: &str, message: &str) -> Fault {
        Fault::row(
            Place {
                file: "t.csv".into(),
                sheet: None,
                row,
            },
            message,
        )
        .field(field)
    }

    #[test]
    fn equal_faults_are_one_cause_and_the_most_frequent_comes_first() {
        let mut causes = Causes::default();
        causes.add(&[fault(17, "Subject", "is empty")]);
        for row in 20..28 {
            causes.add(&[fault(row, "LocationId", "no location `Linclon HS`")
                .hint("did you mean `Lincoln High School`?")]);
        }
        causes.add(&[fault(204, "Subject", "is empty")]);
        insta::assert_snapshot!(causes.lines("").join("\n"), @r"
        8  LocationId  no location `Linclon HS`   did you mean `Lincoln High School`?
        2  Subject     is empty                   rows 17, 204
        ");
    }

    #[test]
    fn a_rule_that_many_values_break_is_one_cause() {
        let mut causes = Causes::default();
        let above = |row, value: &str| {
            fault(row, "Cost", &format!("`{value}` is above 40"))
                .rule(Rule::Broken("is above 40".to_owned()))
        };
        causes.add(&[above(2, "42")]);
        assert_eq!(causes.lines(""), ["1  Cost  `42` is above 40   row 2"]);
        for (row, value) in [(3, "53.4"), (4, "42"), (5, "54.6"), (6, "60"), (7, "61")] {
            causes.add(&[above(row, value)]);
        }
        assert_eq!(
            causes.lines(""),
            ["6  Cost  is above 40 (`42`, `53.4`, `54.6`, …)   rows 2, 3, 4, 5, 6 and 1 more"]
        );
    }

    #[test]
    fn memory_stays_flat_in_the_number_of_causes() {
        let mut causes = Causes::default();
        for row in 0..(MOST_CAUSES as u64 + 5) {
            causes.add(&[fault(row, "Subject", &format!("no such thing `{row}`"))]);
        }
        assert_eq!(causes.by_text.len(), MOST_CAUSES);
        let hidden = words::count((MOST_CAUSES + 5 - CAUSES_SHOWN) as u64);
        assert!(
            causes.lines("").last().unwrap().contains(&hidden),
            "{:?}",
            causes.lines("").last()
        );
    }
}
