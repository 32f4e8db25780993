//! How cells look, and how wide columns are.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use super::paper;
use crate::export::sheets::{Severity, Table, Value};

/// The ink of text beside the point.
const GREY: Color = Color::RGB(0x59_59_59);
/// A column is at least and at most so wide, in characters.
const WIDTHS: (usize, usize) = (9, 48);
/// A heading that is no longer has one line.
const ONE_LINE: usize = 18;
/// Text that runs on in lines has a column that is at least and at most so wide.
const TEXT: (usize, usize) = (36, 90);

/// The formats of all sheets.
pub(super) struct Style {
    pub(super) title: Format,
    pub(super) counted: Format,
    pub(super) note: Format,
    pub(super) caption: Format,
    /// The line that says which tickets a table counts.
    pub(super) population: Format,
    /// A text of several lines that labels a row.
    pub(super) wrapped: Format,
    /// A text of several lines behind another column.
    pub(super) wrapped_text: Format,
    pub(super) heading: Format,
    pub(super) heading_number: Format,
    pub(super) heading_text: Format,
    body: Formats,
    total: Formats,
    /// By the rank of a severity.
    priorities: Vec<Format>,
    /// The same as the label of a row.
    labels: Vec<Format>,
}

/// The formats of values.
struct Formats {
    label: Format,
    label_day: Format,
    label_month: Format,
    text: Format,
    /// A word, a day or a time in a column of numbers.
    word: Format,
    day_among: Format,
    time_among: Format,
    count: Format,
    number: Format,
    share: Format,
    near_count: Format,
    near_number: Format,
    near_share: Format,
    more: Format,
    more_number: Format,
    more_share: Format,
    near_more: Format,
    near_more_number: Format,
    near_more_share: Format,
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
            .set_text_wrap()
            .set_align(FormatAlign::Bottom)
            .set_background_color(Color::RGB(0xE8_EE_F5))
            .set_border_bottom(FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            counted: wrapped.clone().set_font_color(GREY),
            note: wrapped.clone().set_italic().set_font_color(GREY),
            // Numbers end where the next column begins.
            wrapped_text: wrapped.clone().set_indent(1),
            wrapped,
            population: Format::new().set_font_color(GREY),
            priorities: Severity::ALL.map(priority).to_vec(),
            labels: Severity::ALL.map(label).to_vec(),
            caption: Format::new().set_bold().set_font_size(12),
            heading_number: heading.clone().set_align(FormatAlign::Right),
            heading_text: heading.clone().set_align(FormatAlign::Left).set_indent(1),
            heading,
            body: Formats::on(&Format::new().set_align(FormatAlign::Top)),
            total: Formats::on(&Format::new().set_bold().set_border_top(FormatBorder::Thin)),
        }
    }
}

impl Formats {
    fn on(base: &Format) -> Self {
        let number = |code: &str| base.clone().set_num_format(code);
        let near = |code: &str| {
            let parts = code.split(';').map(|part| format!("\"≈ \"{part}"));
            number(&parts.collect::<Vec<_>>().join(";"))
        };
        let left = |code: &str| number(code).set_align(FormatAlign::Left).set_indent(1);
        Self {
            label: base.clone(),
            label_day: number("d mmm yyyy").set_align(FormatAlign::Left),
            label_month: number("mmm yyyy").set_align(FormatAlign::Left),
            // Without an alignment of its own a text at the top has no indent.
            text: base.clone().set_align(FormatAlign::Left).set_indent(1),
            word: base.clone().set_align(FormatAlign::Right),
            day_among: number("d mmm yyyy").set_align(FormatAlign::Right),
            time_among: number("d mmm yyyy hh:mm").set_align(FormatAlign::Right),
            count: number("#,##0"),
            number: number("#,##0.0"),
            share: number("0%"),
            near_count: near("#,##0"),
            near_number: near("#,##0.0"),
            near_share: near("0%"),
            more: number("+#,##0;-#,##0;0"),
            more_number: number("+#,##0.0;-#,##0.0;0.0"),
            more_share: number("+0%;-0%;0%"),
            near_more: near("+#,##0;-#,##0;0"),
            near_more_number: near("+#,##0.0;-#,##0.0;0.0"),
            near_more_share: near("+0%;-0%;0%"),
            day: left("d mmm yyyy"),
            month: left("mmm yyyy"),
            time: left("d mmm yyyy hh:mm"),
        }
    }
}

impl Formats {
    fn of_label(&self, value: &Value) -> &Format {
        match value {
            Value::Day(_) => &self.label_day,
            Value::Month(_) => &self.label_month,
            _ => &self.label,
        }
    }
}

impl Style {
    /// The format of what is no number in a column of numbers, if it has one of its own there.
    pub(super) fn among_numbers(&self, value: &Value, is_total: bool) -> Option<&Format> {
        let formats = if is_total { &self.total } else { &self.body };
        match value {
            Value::Text(_) => Some(&formats.word),
            Value::Day(_) => Some(&formats.day_among),
            Value::Time(_) => Some(&formats.time_among),
            _ => None,
        }
    }

    /// The format of a value; `is_label`: it is the first of its row.
    pub(super) fn of(&self, value: &Value, is_total: bool, is_label: bool) -> &Format {
        let formats = if is_total { &self.total } else { &self.body };
        match value {
            Value::Priority(name) if is_label => &self.labels[Severity::of(name).rank()],
            Value::Priority(name) => &self.priorities[Severity::of(name).rank()],
            Value::Change(value) => match **value {
                Value::Count(_) => &formats.more,
                Value::Share(_) => &formats.more_share,
                _ => &formats.more_number,
            },
            Value::Near(value) => match &**value {
                Value::Change(value) => match **value {
                    Value::Count(_) => &formats.near_more,
                    Value::Share(_) => &formats.near_more_share,
                    _ => &formats.near_more_number,
                },
                Value::Count(_) => &formats.near_count,
                Value::Share(_) => &formats.near_share,
                _ => &formats.near_number,
            },
            Value::Text(_) | Value::Link { .. } | Value::Day(_) | Value::Month(_) if is_label => {
                formats.of_label(value)
            }
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
            .set_font_color(Color::RGB(severity.ink()))
            .set_indent(1),
    }
}

/// The look of a priority that labels a row: a wide column of its colour would shout.
fn label(severity: Severity) -> Format {
    match severity {
        Severity::Unset => Format::new(),
        severity => Format::new()
            .set_border_left(FormatBorder::Thick)
            .set_border_left_color(Color::RGB(severity.colour()))
            .set_indent(1),
    }
}

/// How wide a heading of so many characters is: bold letters are wider, and the next heading begins where it ends.
pub(super) fn bold(characters: usize) -> f64 {
    (characters * 11 / 10 + 4) as f64
}

/// How many characters a heading has on its longer line, where it is long enough for two.
fn half(heading: &str) -> usize {
    let whole = heading.chars().count();
    let breaks = heading.char_indices().filter(|(_, sign)| *sign == ' ');
    let longer = breaks.map(|(at, _)| {
        let before = heading[..at].chars().count();
        before.max(whole - before - 1)
    });
    match whole > ONE_LINE {
        true => longer.min().unwrap_or(whole),
        false => whole,
    }
}

/// The widths of the columns, in characters, over all tables of a sheet; `has_lines`: long text has several lines, and as
/// wide a column as the page has room for, else it runs over its edge.
pub(super) fn widths(tables: &[Table], has_lines: bool) -> Vec<f64> {
    let columns = tables.iter().map(|table| table.headings.len()).max();
    let mut widths = vec![WIDTHS.0; columns.unwrap_or(0)];
    let mut texts = Vec::new();
    for table in tables {
        let last = table.headings.len() - 1;
        for (column, heading) in table.headings.iter().enumerate() {
            let length = bold(half(heading)).ceil() as usize;
            widths[column] = widths[column].max(length.min(WIDTHS.1));
        }
        let mut longest = 0;
        for row in &table.rows {
            for (column, cell) in row.iter().enumerate() {
                let length = cell.value.shown().chars().count() + 3;
                if column == last && column > 1 && matches!(cell.value, Value::Text(_)) {
                    longest = longest.max(length);
                } else {
                    widths[column] = widths[column].max(length.min(WIDTHS.1));
                }
            }
        }
        texts.push((last, longest));
    }
    for (last, longest) in texts.into_iter().filter(|_| has_lines) {
        let before: Vec<f64> = widths[..last].iter().map(|width| *width as f64).collect();
        let room = (paper::room_behind(&before) as usize).clamp(TEXT.0, TEXT.1);
        widths[last] = widths[last].max(longest.min(room));
    }
    widths.into_iter().map(|width| width as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sheets::Cell;

    #[test]
    fn a_long_text_leaves_the_sheet_as_wide_as_can_be_read_on_paper() {
        let table = |before: usize| {
            let mut table = Table::new("At risk", ["a", "b", "c", "d", "e"]);
            let text = |length: usize| Cell::from(Value::Text("x".repeat(length)));
            let mut row: Vec<Cell> = (0..4).map(|_| text(before)).collect();
            row.push(text(300));
            table.rows = vec![row];
            table
        };
        let last = |before: usize, has_lines| widths(&[table(before)], has_lines)[4];
        assert_eq!(last(10, true), 90.0);
        assert_eq!(last(30, true), 79.0);
        assert_eq!(last(45, true), 36.0, "it is wide enough to be read");
        assert_eq!(last(45, false), 9.0, "it runs over its edge");
    }
}
