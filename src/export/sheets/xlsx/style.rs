//! How cells look, and how wide columns are.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::export::sheets::{Severity, Table, Value};

/// The ink of text beside the point.
const GREY: Color = Color::RGB(0x59_59_59);
/// A column is at least and at most so wide, in characters.
const WIDTHS: (usize, usize) = (9, 48);
/// A heading that is no longer has one line.
const ONE_LINE: usize = 14;
/// Text that runs on in lines has a column that is so wide.
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
    /// A word in a column of numbers.
    word: Format,
    count: Format,
    number: Format,
    share: Format,
    near_count: Format,
    near_number: Format,
    near_share: Format,
    more: Format,
    more_number: Format,
    more_share: Format,
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
            wrapped,
            population: Format::new().set_font_color(GREY),
            priorities: Severity::ALL.map(priority).to_vec(),
            labels: Severity::ALL.map(label).to_vec(),
            caption: Format::new().set_bold().set_font_size(12),
            heading_number: heading.clone().set_align(FormatAlign::Right),
            heading_text: heading.clone().set_indent(1),
            heading,
            body: Formats::on(&Format::new().set_align(FormatAlign::Top)),
            total: Formats::on(&Format::new().set_bold().set_border_top(FormatBorder::Thin)),
        }
    }
}

impl Formats {
    fn on(base: &Format) -> Self {
        let number = |code: &str| base.clone().set_num_format(code);
        let left = |code: &str| number(code).set_align(FormatAlign::Left).set_indent(1);
        Self {
            label: base.clone(),
            label_day: number("d mmm yyyy").set_align(FormatAlign::Left),
            label_month: number("mmm yyyy").set_align(FormatAlign::Left),
            // Numbers end where the next column begins. Without an alignment of its own a text at the top has no indent.
            text: base.clone().set_align(FormatAlign::Left).set_indent(1),
            word: base.clone().set_align(FormatAlign::Right),
            count: number("#,##0"),
            number: number("#,##0.0"),
            share: number("0%"),
            near_count: number("\"≈ \"#,##0"),
            near_number: number("\"≈ \"#,##0.0"),
            near_share: number("\"≈ \"0%"),
            more: number("+#,##0;-#,##0;0"),
            more_number: number("+#,##0.0;-#,##0.0;0.0"),
            more_share: number("+0%;-0%;0%"),
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
    /// The format of a word in a column of numbers.
    pub(super) fn word(&self, is_total: bool) -> &Format {
        match is_total {
            true => &self.total.word,
            false => &self.body.word,
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
                Value::Change(_) => self.of(value, is_total, is_label),
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

/// How wide a heading of so many characters is: bold letters are wider.
pub(super) fn bold(characters: usize) -> f64 {
    (characters * 11 / 10 + 3) as f64
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

/// The widths of the columns, in characters, over all tables of a sheet; `has_lines`: long text has several lines, else
/// it runs over its edge.
pub(super) fn widths(tables: &[Table], has_lines: bool) -> Vec<f64> {
    let columns = tables.iter().map(|table| table.headings.len()).max();
    let mut widths = vec![WIDTHS.0; columns.unwrap_or(0)];
    for table in tables {
        let last = table.headings.len() - 1;
        for (column, heading) in table.headings.iter().enumerate() {
            let length = bold(half(heading)).ceil() as usize;
            widths[column] = widths[column].max(length.min(WIDTHS.1));
        }
        for row in &table.rows {
            for (column, cell) in row.iter().enumerate() {
                let length = cell.value.shown().chars().count() + 3;
                let runs_on = column == last && column > 1 && matches!(cell.value, Value::Text(_));
                let most = match (runs_on, has_lines) {
                    (true, true) => TEXT,
                    (true, false) => 0,
                    (false, _) => WIDTHS.1,
                };
                widths[column] = widths[column].max(length.min(most));
            }
        }
    }
    widths.into_iter().map(|width| width as f64).collect()
}
