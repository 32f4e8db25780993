//! The periods of a report: the one that it is about, the one before, and the same one a year ago.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::export::period::between;
use crate::export::sheets::SheetKind;
use crate::export::sheets::basis::days;
use crate::systems::query::Span;

/// The periods of a report, in the order of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether they are months; else they are weeks.
    pub is_month: bool,
    /// The period, the one before, and the same one a year ago.
    pub spans: [Span; 3],
}

impl Frame {
    /// The periods of a report about a span.
    ///
    /// # Errors
    /// When the span is no week of seven days, or no month of the calendar.
    pub fn of(kind: SheetKind, span: Span, zone: &TimeZone) -> Result<Self> {
        let is_month = kind == SheetKind::Monthly;
        let wrong = || {
            let (what, flag) = match is_month {
                true => ("a month of the calendar", "last-month"),
                false => ("seven days", "last-week"),
            };
            let name = kind.as_str();
            Error::usage(format!(
                "`--sheets {name}` is about {what}, and the period is {}",
                days(span, zone)
            ))
            .at("--period")
            .hint(format!(
                "write --period {flag}, or the first and the last day"
            ))
        };
        let day = |at| zone.to_datetime(at).date();
        let ends = span.from.map(day).zip(span.until.map(day));
        let (first, end) = ends.ok_or_else(wrong)?;
        let is_fit = match is_month {
            true => {
                first.first_of_month() == first && first.checked_add(1.month()).ok() == Some(end)
            }
            false => first.checked_add(7.days()).ok() == Some(end),
        };
        if !is_fit {
            return Err(wrong());
        }
        let earlier = |first: Date, end: Date| between(first, end, zone).ok_or_else(wrong);
        let (before, year) = match is_month {
            true => (
                earlier(first.saturating_sub(1.month()), first)?,
                earlier(first.saturating_sub(1.year()), end.saturating_sub(1.year()))?,
            ),
            // 52 weeks, so that the days of the week are the same.
            false => (
                earlier(first.saturating_sub(7.days()), first)?,
                earlier(
                    first.saturating_sub(364.days()),
                    end.saturating_sub(364.days()),
                )?,
            ),
        };
        Ok(Self {
            is_month,
            spans: [span, before, year],
        })
    }

    /// `Week` or `Month`.
    pub(super) fn word(&self) -> &'static str {
        match self.is_month {
            true => "Month",
            false => "Week",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn shown(kind: SheetKind, first: Date, end: Date) -> Result<Vec<String>> {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let span = between(first, end, &zone).unwrap();
        let frame = Frame::of(kind, span, &zone)?;
        Ok(frame.spans.map(|span| days(span, &zone)).to_vec())
    }

    #[test]
    fn a_week_is_compared_with_the_same_days_of_the_week() {
        // The clocks change within the first of them.
        let shown = shown(SheetKind::Weekly, date(2026, 3, 2), date(2026, 3, 9)).unwrap();
        assert_eq!(
            shown,
            ["2 to 8 Mar 2026", "23 Feb to 1 Mar 2026", "3 to 9 Mar 2025"]
        );
    }

    #[test]
    fn a_month_is_compared_with_months() {
        let shown = shown(SheetKind::Monthly, date(2024, 3, 1), date(2024, 4, 1)).unwrap();
        assert_eq!(
            shown,
            ["1 to 31 Mar 2024", "1 to 29 Feb 2024", "1 to 31 Mar 2023"]
        );
    }

    #[test]
    fn another_span_is_refused_with_what_to_write() {
        let error = shown(SheetKind::Weekly, date(2026, 3, 2), date(2026, 3, 8)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--period: `--sheets weekly` is about seven days, and the period is 2 to 7 Mar 2026"
        );
        let error = shown(SheetKind::Monthly, date(2026, 3, 2), date(2026, 4, 2)).unwrap_err();
        assert!(error.hints()[0].contains("last-month"));
    }
}
