//! How cells look, and how wide columns are.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::export::sheets::{Severity, Table, Value};

/// The ink of text beside the point.
const GREY: Color = Color::RGB(0x59_59_59);
/// A column is at least and at most so wide, in characters.
const WIDTHS: (usize, usize) = (9, 38);
/// The last column of a table without charts holds text that runs on, in as many lines as it needs.
const TEXT: usize = 90;

/// The formats of all sheets.
pub(super) struct Style {
    pub(super) title: Format,
    pub(super) counted: Format,
    pub(super) note: Format,
    pub(super) caption: Format,
    /// The line that says which tickets a table counts.
    pub(super) population: Format,
    /// A text of several lines.
    pub(super) wrapped: Format,
    pub(super) heading: Format,
    pub(super) heading_number: Format,
    body: Formats,
    total: Formats,
    /// By the rank of a severity.
    priorities: Vec<Format>,
}

/// The formats of values.
struct Formats {
    text: Format,
    count: Format,
    number: Format,
    share: Format,
    near_count: Format,
    near_number: Format,
    near_share: Format,
    day: Format,
    month: Format,
    time: Format,
}

impl Default for Style {
    fn default() -> Self {
        let wrapped = Format::new()
            .set_text_wrap()
            .set_align(FormatAlign::Left)
            .set_align(FormatAlign::Top);
        let heading = Format::new()
            .set_bold()
            .set_background_color(Color::RGB(0xE8_EE_F5))
            .set_border_bottom(FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            counted: wrapped.clone().set_font_color(GREY),
            note: wrapped.clone().set_italic().set_font_color(GREY),
            wrapped,
            population: Format::new().set_font_color(GREY),
            priorities: Severity::ALL.map(priority).to_vec(),
            caption: Format::new().set_bold().set_font_size(12),
            heading_number: heading.clone().set_align(FormatAlign::Right),
            heading,
            body: Formats::on(&Format::new()),
            total: Formats::on(&Format::new().set_bold().set_border_top(FormatBorder::Thin)),
        }
    }
}

impl Formats {
    fn on(base: &Format) -> Self {
        let number = |code: &str| base.clone().set_num_format(code);
        let left = |code: &str| number(code).set_align(FormatAlign::Left);
        Self {
            text: base.clone(),
            count: number("#,##0"),
            number: number("#,##0.0"),
            share: number("0%"),
            near_count: number("\"≈ \"#,##0"),
            near_number: number("\"≈ \"#,##0.0"),
            near_share: number("\"≈ \"0%"),
            day: left("d mmm yyyy"),
            month: left("mmm yyyy"),
            time: left("d mmm yyyy hh:mm"),
        }
    }
}

impl Style {
    pub(super) fn of(&self, value: &Value, is_total: bool) -> &Format {
        let formats = if is_total { &self.total } else { &self.body };
        match value {
            Value::Priority(name) => &self.priorities[Severity::of(name).rank()],
            Value::Near(value) => match **value {
                Value::Count(_) => &formats.near_count,
                Value::Share(_) => &formats.near_share,
                _ => &formats.near_number,
            },
            Value::Empty | Value::Text(_) | Value::Link { .. } => &formats.text,
            Value::Count(_) => &formats.count,
            Value::Number(_) => &formats.number,
            Value::Share(_) => &formats.share,
            Value::Day(_) => &formats.day,
            Value::Month(_) => &formats.month,
            Value::Time(_) => &formats.time,
        }
    }
}

/// The look of a priority. One that says nothing of how severe it is looks like any text.
fn priority(severity: Severity) -> Format {
    match severity {
        Severity::Unset => Format::new(),
        severity => Format::new()
            .set_background_color(Color::RGB(severity.colour()))
            .set_font_color(Color::RGB(severity.ink())),
    }
}

/// The widths of the columns, in characters, over all tables of a sheet.
pub(super) fn widths(tables: &[Table]) -> Vec<f64> {
    let columns = tables.iter().map(|table| table.headings.len()).max();
    let mut widths = vec![WIDTHS.0; columns.unwrap_or(0)];
    // Text that runs on takes what the other tables leave.
    let mut running = Vec::new();
    for table in tables {
        let last = table.headings.len() - 1;
        for (column, heading) in table.headings.iter().enumerate() {
            // Bold letters are wider.
            let length = heading.chars().count() * 11 / 10 + 2;
            widths[column] = widths[column].max(length.min(WIDTHS.1));
        }
        for row in &table.rows {
            for (column, cell) in row.iter().enumerate() {
                let length = cell.value.shown().chars().count() + 2;
                let runs_on = column == last && column > 1 && matches!(cell.value, Value::Text(_));
                match runs_on && table.charts.is_empty() {
                    true => running.push((column, length)),
                    false => widths[column] = widths[column].max(length.min(WIDTHS.1)),
                }
            }
        }
    }
    let is_shared = |column: usize| {
        let mut others = tables
            .iter()
            .filter(|table| table.headings.len() > column + 1);
        others.next().is_some() || tables.iter().any(|table| !table.charts.is_empty())
    };
    for (column, length) in running {
        let most = if is_shared(column) { WIDTHS.1 } else { TEXT };
        widths[column] = widths[column].max(length.min(most));
    }
    widths.into_iter().map(|width| width as f64).collect()
}
