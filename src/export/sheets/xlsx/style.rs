//! How cells look, and how wide columns are.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::export::sheets::{Table, Value};

/// The ink of text beside the point.
const GREY: Color = Color::RGB(0x59_59_59);
/// A column is at least and at most so wide, in characters.
const WIDTHS: (usize, usize) = (9, 38);

/// The formats of all sheets.
pub(super) struct Style {
    pub(super) title: Format,
    pub(super) counted: Format,
    pub(super) note: Format,
    pub(super) caption: Format,
    pub(super) heading: Format,
    pub(super) heading_number: Format,
    body: Formats,
    total: Formats,
}

/// The formats of values.
struct Formats {
    text: Format,
    count: Format,
    number: Format,
    share: Format,
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
            note: wrapped.set_italic().set_font_color(GREY),
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

/// The widths of the columns, in characters, over all tables of a sheet.
pub(super) fn widths(tables: &[Table]) -> Vec<f64> {
    let columns = tables.iter().map(|table| table.headings.len()).max();
    let mut widths = vec![WIDTHS.0; columns.unwrap_or(0)];
    for table in tables {
        let last = table.headings.len() - 1;
        for row in &table.rows {
            for (column, cell) in row.iter().enumerate() {
                // What stands last may run over its edge.
                let is_free = column > 1 && column == last && matches!(cell.value, Value::Text(_));
                if !is_free {
                    let length = cell.value.shown().chars().count() + 2;
                    widths[column] = widths[column].max(length);
                }
            }
        }
        for (column, heading) in table.headings.iter().enumerate() {
            // Bold letters are wider.
            let length = heading.chars().count() * 11 / 10 + 2;
            widths[column] = widths[column].max(length);
        }
    }
    let width = |width: usize| width.min(WIDTHS.1) as f64;
    widths.into_iter().map(width).collect()
}
