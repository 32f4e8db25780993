//! Charts as drawings in the page.
//!
//! Text keeps a readable size on a phone because the drawing is narrow; on a wide screen two stand side by side. Each has
//! a title and a description for those who do not see it, the numbers stand in the table beside it, and series differ by
//! more than their colour.

use std::io::{self, Write};

use super::write::{Text, cut, tone};
use crate::export::sheets::{Chart, Scale, Shape, Table, Tone, Tones, Value};

/// The units of a drawing from left to right.
const WIDTH: f64 = 460.0;
/// How high the field of standing bars and lines is.
const FIELD: f64 = 200.0;
/// Where the field begins: what stands left of it are the numbers.
const LEFT: f64 = 46.0;
/// A letter is about so wide.
const LETTER: f64 = 6.6;
/// A lying bar with the room around it, and the room for its label.
const BAR: f64 = 27.0;
const LABEL: f64 = 150.0;
/// A label below a standing bar is cut beyond so many letters.
const LONGEST: usize = 18;

/// Draws a chart with its caption and legend.
pub(super) fn chart(table: &Table, chart: &Chart, id: &str, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "<figure>\n<figcaption>{}</figcaption>\n",
        Text(&chart.title)
    )?;
    let drawing = Drawing::of(table, chart);
    if chart.series.len() > 1 {
        write!(out, "<ul class=\"legend\">")?;
        for (index, &column) in chart.series.iter().enumerate() {
            let name = Text(&table.headings[column]);
            let look = tone(drawing.tone(0, index));
            write!(out, "<li><i class=\"{look}\"></i>{name}</li>")?;
        }
        writeln!(out, "</ul>")?;
    }
    let height = drawing.height();
    write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-labelledby=\"t-{id} d-{id}\">\n\
         <title id=\"t-{id}\">{}</title>\n<desc id=\"d-{id}\">{}</desc>\n",
        Text(&chart.title),
        Text(&drawing.described()),
    )?;
    match chart.is_lying() {
        true => drawing.lying(out)?,
        false => drawing.standing(out)?,
    }
    write!(out, "</svg>\n</figure>\n")
}

/// The numbers of a chart, taken out of its table.
struct Drawing<'a> {
    chart: &'a Chart,
    labels: Vec<String>,
    scale: Scale,
    /// By group, then by series.
    numbers: Vec<Vec<f64>>,
    /// As the table shows them.
    shown: Vec<Vec<String>>,
    names: Vec<&'a str>,
}

impl<'a> Drawing<'a> {
    fn of(table: &'a Table, chart: &'a Chart) -> Self {
        let rows = &table.rows[chart.rows.clone()];
        let value = |row: usize, column: usize| &rows[row][column].value;
        let groups = 0..rows.len();
        let label = |row: usize| match value(row, chart.labels) {
            Value::Day(day) => day.strftime("%-d %b").to_string(),
            Value::Month(day) => day.strftime("%b %y").to_string(),
            other => other.shown(),
        };
        let of = |row: usize| chart.series.iter().map(move |&column| value(row, column));
        Self {
            chart,
            labels: groups.clone().map(label).collect(),
            scale: chart.scale(table),
            numbers: chart.numbers_of(table),
            shown: groups
                .map(|row| of(row).map(Value::shown).collect())
                .collect(),
            names: chart
                .series
                .iter()
                .map(|&column| table.headings[column].as_str())
                .collect(),
        }
    }

    /// What the colour of a mark means.
    fn tone(&self, row: usize, series: usize) -> Tone {
        let tone = match &self.chart.tones {
            Tones::Series(tones) => tones.get(series),
            Tones::Rows(tones) => tones.get(row),
        };
        tone.copied().unwrap_or(Tone::Plain(series))
    }

    fn height(&self) -> f64 {
        match self.chart.is_lying() {
            true => self.labels.len() as f64 * BAR + 44.0,
            false => FIELD + 30.0 + self.label_room(),
        }
    }

    /// What a person who does not see the chart is told: what is drawn, and where it is greatest.
    fn described(&self) -> String {
        let drawn = match self.chart.shape {
            Shape::Bar | Shape::StackedBar | Shape::Column | Shape::StackedColumn => "Bars",
            Shape::Line => "Lines",
        };
        let mut told = format!(
            "{drawn} of {} by {}, from {} to {}.",
            self.chart.numbers.to_lowercase(),
            self.chart.groups.to_lowercase(),
            self.labels.first().map_or("", String::as_str),
            self.labels.last().map_or("", String::as_str),
        );
        for (series, name) in self.names.iter().enumerate() {
            let rows = 0..self.numbers.len();
            let by_number = |&one: &usize, &other: &usize| {
                self.numbers[one][series].total_cmp(&self.numbers[other][series])
            };
            if let Some(row) = rows.max_by(by_number) {
                let (number, label) = (&self.shown[row][series], &self.labels[row]);
                told.push_str(&format!(" {name}: at most {number} ({label})."));
            }
        }
        told
    }

    /// The tip of a mark.
    fn tip(&self, row: usize, series: usize) -> String {
        let (label, number) = (&self.labels[row], &self.shown[row][series]);
        match self.names.len() {
            1 => format!("{label}: {number}"),
            _ => format!("{label}, {}: {number}", self.names[series]),
        }
    }

    fn lying(&self, out: &mut dyn Write) -> io::Result<()> {
        let scale = self.scale;
        let right = WIDTH - 44.0;
        let bottom = self.labels.len() as f64 * BAR + 4.0;
        let x = |value: f64| LABEL + scale.part(value) * (right - LABEL);
        for tick in scale.ticks() {
            let at = x(tick);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{at:.1} 2V{bottom:.1}\"/>\
                 <text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 15.0,
                round(tick),
            )?;
        }
        let name = Text(&self.chart.numbers);
        let (middle, low) = ((LABEL + right) / 2.0, bottom + 33.0);
        writeln!(
            out,
            "<text class=\"axis\" x=\"{middle:.1}\" y=\"{low:.1}\" text-anchor=\"middle\">{name}</text>"
        )?;
        for (row, label) in self.labels.iter().enumerate() {
            let top = row as f64 * BAR + 5.0;
            write!(
                out,
                "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}<title>{}</title></text>",
                LABEL - 8.0,
                top + 13.5,
                Text(&cut(label, ((LABEL - 10.0) / LETTER) as usize)),
                Text(label),
            )?;
            let mut begin = 0.0;
            // Beside each other they share the room of one.
            let side_by_side = match self.chart.is_stacked() {
                true => 1,
                false => self.names.len(),
            };
            let height = (BAR - 9.0) / side_by_side as f64;
            let mut longest = 0.0_f64;
            for (series, number) in self.numbers[row].iter().enumerate() {
                let (left, end) = (x(begin), x(begin + number));
                longest = longest.max(begin + number);
                let top = match self.chart.is_stacked() {
                    true => top,
                    false => top + height * series as f64,
                };
                write!(
                    out,
                    "<rect class=\"{}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                    tone(self.tone(row, series)),
                    (end - left).max(0.0),
                    height,
                    Text(&self.tip(row, series)),
                )?;
                begin += if self.chart.is_stacked() {
                    *number
                } else {
                    0.0
                };
            }
            let whole = match self.chart.is_stacked() {
                true => Value::Count(begin as i64).shown(),
                false => self.shown[row].join(" / "),
            };
            writeln!(
                out,
                "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x(longest) + 5.0,
                top + 13.5,
                Text(&whole),
            )?;
        }
        Ok(())
    }

    fn longest_label(&self) -> usize {
        let lengths = self.labels.iter().map(|label| label.chars().count());
        lengths.max().unwrap_or(0).min(LONGEST)
    }

    /// How far the labels of standing bars lean, in degrees: each bar has its own, however little room there is.
    fn lean(&self) -> u32 {
        let band = (WIDTH - LEFT) / self.labels.len().max(1) as f64;
        match (self.longest_label() as f64 + 0.5) * LETTER {
            wide if wide <= band => 0,
            _ if band > 24.0 => 36,
            _ => 90,
        }
    }

    fn label_room(&self) -> f64 {
        let letters = self.longest_label() as f64 * LETTER;
        match self.lean() {
            0 => 36.0,
            36 => 26.0 + letters * 0.6,
            _ => 26.0 + letters,
        }
    }

    fn standing(&self, out: &mut dyn Write) -> io::Result<()> {
        let scale = self.scale;
        let (top, right) = (16.0, WIDTH - 16.0);
        let y = |value: f64| top + (1.0 - scale.part(value)) * FIELD;
        for tick in scale.ticks() {
            let at = y(tick);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                round(tick),
            )?;
        }
        let numbers = Text(&self.chart.numbers);
        let groups = Text(&self.chart.groups);
        let middle = top + FIELD / 2.0;
        let low = self.height() - 4.0;
        writeln!(
            out,
            "<text class=\"axis\" transform=\"translate(11 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{numbers}</text>\
             <text class=\"axis\" x=\"{:.1}\" y=\"{low:.1}\" text-anchor=\"middle\">{groups}</text>",
            (LEFT + right) / 2.0,
        )?;
        let band = (right - LEFT) / self.labels.len() as f64;
        self.group_labels(band, top + FIELD, out)?;
        match self.chart.shape {
            Shape::Line => self.lines(band, y, out),
            _ => self.columns(band, y, out),
        }
    }

    fn group_labels(&self, band: f64, bottom: f64, out: &mut dyn Write) -> io::Result<()> {
        let lean = self.lean();
        for (row, label) in self.labels.iter().enumerate() {
            let at = LEFT + band * (row as f64 + 0.5);
            let label = cut(label, LONGEST);
            match lean {
                0 => writeln!(
                    out,
                    "<text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    bottom + 16.0,
                    Text(&label),
                )?,
                lean => {
                    // What is upright stands beside its own middle.
                    let (at, size) = match lean {
                        90 => (at + 3.0, " small"),
                        _ => (at, ""),
                    };
                    writeln!(
                        out,
                        "<text class=\"tick{size}\" transform=\"translate({at:.1} {:.1}) rotate(-{lean})\" text-anchor=\"end\">{}</text>",
                        bottom + if lean == 90 { 6.0 } else { 14.0 },
                        Text(&label),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn columns(&self, band: f64, y: impl Fn(f64) -> f64, out: &mut dyn Write) -> io::Result<()> {
        let side_by_side = if self.chart.is_stacked() {
            1
        } else {
            self.names.len()
        };
        let room = band * 0.72;
        let width = room / side_by_side as f64;
        for (row, numbers) in self.numbers.iter().enumerate() {
            let left = LEFT + band * row as f64 + (band - room) / 2.0;
            let mut begin = 0.0;
            for (series, number) in numbers.iter().enumerate() {
                let x = match self.chart.is_stacked() {
                    true => left,
                    false => left + width * series as f64,
                };
                let (one, other) = (y(begin), y(begin + number));
                write!(
                    out,
                    "<rect class=\"{}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                    tone(self.tone(row, series)),
                    one.min(other),
                    width,
                    (one - other).abs(),
                    Text(&self.tip(row, series)),
                )?;
                begin += if self.chart.is_stacked() {
                    *number
                } else {
                    0.0
                };
            }
            let is_roomy = band > 24.0 && (self.names.len() == 1 || self.chart.is_stacked());
            if is_roomy {
                let top: f64 = numbers.iter().sum();
                let whole = match self.names.len() {
                    1 => self.shown[row][0].clone(),
                    _ => Value::Count(top as i64).shown(),
                };
                write!(
                    out,
                    "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    left + room / 2.0,
                    y(top.max(0.0)) - 4.0,
                    Text(&whole),
                )?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn lines(&self, band: f64, y: impl Fn(f64) -> f64, out: &mut dyn Write) -> io::Result<()> {
        let x = |row: usize| LEFT + band * (row as f64 + 0.5);
        for series in 0..self.names.len() {
            let look = tone(self.tone(0, series));
            let dashes = format!("d{}", series % 4);
            let points = self.numbers.iter().enumerate().map(|(row, numbers)| {
                let turn = if row == 0 { 'M' } else { 'L' };
                format!("{turn}{:.1} {:.1}", x(row), y(numbers[series]))
            });
            let points: String = points.collect();
            writeln!(out, "<path class=\"line {look} {dashes}\" d=\"{points}\"/>")?;
            for (row, numbers) in self.numbers.iter().enumerate() {
                writeln!(
                    out,
                    "<circle class=\"{look}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.2\"><title>{}</title></circle>",
                    x(row),
                    y(numbers[series]),
                    Text(&self.tip(row, series)),
                )?;
            }
        }
        Ok(())
    }
}

/// A tick as it is written: whole numbers in groups, others as short as they are.
fn round(tick: f64) -> String {
    match tick.fract() == 0.0 {
        true => Value::Count(tick as i64).shown(),
        false => format!("{:.2}", tick).trim_end_matches('0').to_owned(),
    }
}
