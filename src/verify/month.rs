//! The month of a row by its source: the column that a help desk calls the time of creation, as far as it can be read.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::record::{Cell, Record, fold};
use crate::source::Table;
use crate::systems::fields::called;

/// Where each table of an input says when a row was made.
#[derive(Debug)]
pub(super) struct Months {
    columns: Vec<Option<usize>>,
    zone: TimeZone,
}

impl Months {
    pub(super) fn of(tables: &[Table], zone: TimeZone) -> Self {
        let column = |table: &Table| {
            let names = table.header.names();
            let plain = |name: &str| fold(name).replace('_', " ");
            let is = |name: &str| names.iter().position(|known| plain(known) == name);
            called::CREATED.iter().find_map(|name| is(name))
        };
        Self {
            columns: tables.iter().map(column).collect(),
            zone,
        }
    }

    /// The month of a row: `2024-06`.
    pub(super) fn of_row(&self, row: &Record) -> Option<String> {
        let column = (*self.columns.get(row.table)?)?;
        let date = match row.cell(column) {
            Cell::Date(date) => *date,
            Cell::DateTime(at) => at.date(),
            Cell::Text(text) => self.read(text.trim())?,
            _ => return None,
        };
        Some(date.strftime("%Y-%m").to_string())
    }

    /// The month of a moment.
    pub(super) fn of_moment(&self, at: Timestamp) -> String {
        let date = self.zone.to_datetime(at).date();
        date.strftime("%Y-%m").to_string()
    }

    /// A time as exports write it when nobody tells how: only what can mean one day.
    fn read(&self, text: &str) -> Option<Date> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(self.zone.to_datetime(at).date());
        }
        if let Ok(at) = text.parse::<DateTime>() {
            return Some(at.date());
        }
        let day = text.split([' ', 'T']).next()?;
        day.parse::<Date>().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_mean_one_day_is_read() {
        let months = Months {
            columns: vec![Some(0)],
            zone: TimeZone::get("America/Chicago").unwrap(),
        };
        for (text, month) in [
            ("2024-07-01T03:00:00Z", Some("2024-06")),
            ("2024-07-01T03:00:00", Some("2024-07")),
            ("2024-07-01 03:00", Some("2024-07")),
            ("2024-07-01", Some("2024-07")),
            ("01/07/2024", None),
            ("", None),
        ] {
            let read = months.read(text).map(|it| it.strftime("%Y-%m").to_string());
            assert_eq!(read.as_deref(), month, "{text}");
        }
    }
}
