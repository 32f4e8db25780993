//! `--rows 10-20,31`: which rows of the input are taken.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::record::Record;

/// Rows by the numbers that a spreadsheet program shows; all of them by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    rows: Option<Vec<(u64, u64)>>,
}

impl Selection {
    /// Whether a row is taken.
    pub fn takes(&self, row: u64) -> bool {
        match &self.rows {
            None => true,
            Some(ranges) => ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&row)),
        }
    }

    /// Whether one of the rows that make a record is taken.
    pub(super) fn takes_any(&self, rows: &[Record]) -> bool {
        rows.iter().any(|record| self.takes(record.place.row))
    }
}

impl FromStr for Selection {
    type Err = Error;

    /// Reads numbers and ranges, `10-20,31,40-`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let rows: Option<Vec<(u64, u64)>> = text.split(',').map(range).collect();
        match rows {
            Some(rows) => Ok(Self { rows: Some(rows) }),
            None => Err(Error::usage(format!("`{text}` names no rows")).hint(
                "write row numbers and ranges as the spreadsheet shows them, such as 10-20,31",
            )),
        }
    }
}

impl fmt::Display for Selection {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.rows.as_deref().unwrap_or(&[(1, u64::MAX)]);
        for (at, (first, last)) in ranges.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            match *last {
                last if last == *first => write!(f, "{first}")?,
                u64::MAX => write!(f, "{first}-")?,
                last => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

fn range(text: &str) -> Option<(u64, u64)> {
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|&row| row > 0);
    match text.split_once('-') {
        None => number(text).map(|row| (row, row)),
        Some((first, "")) => number(first).map(|first| (first, u64::MAX)),
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some((first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges() {
        let selection: Selection = "10-20, 31,40-".parse().unwrap();
        let taken: Vec<u64> = [9, 10, 20, 21, 31, 39, 40, 4000]
            .into_iter()
            .filter(|&row| selection.takes(row))
            .collect();
        assert_eq!(taken, [10, 20, 31, 40, 4000]);
        for bad in ["", "x", "0", "5-3", "1,,2", "-4"] {
            assert!(bad.parse::<Selection>().is_err(), "{bad}");
        }
    }
}
