//! Charts over the cells of a table.

use rust_xlsxwriter::{
    Chart, ChartAxis, ChartAxisCrossing, ChartDataLabel, ChartFont, ChartFormat,
    ChartLegendPosition, ChartLine, ChartMarker, ChartMarkerType, ChartPoint, ChartSeries,
    ChartSolidFill, ChartType, Color, Worksheet, XlsxError,
};

use super::formula::Grid;
use crate::export::sheets::{Shape, Table, Tone, Tones, Value};

/// The height of a row in pixels.
pub(super) const ROW: u32 = 20;
/// The width of a chart in pixels.
pub(super) const WIDTH: u32 = 640;
/// Its height; one with many lying bars is higher.
const HEIGHT: u32 = 320;
/// The height of a lying bar, and of what stands around all of them.
const BAR: u32 = 20;
const AROUND: u32 = 110;
/// The room below a chart.
const GAP: u32 = 20;
/// So many bars have their numbers on them.
const MOST_NUMBERS: usize = 16;

/// How high a chart is, in pixels.
fn height(chart: &crate::export::sheets::Chart) -> u32 {
    match chart.is_lying() {
        true => HEIGHT.max(AROUND + BAR * chart.rows.len() as u32),
        false => HEIGHT,
    }
}

/// How many rows a chart takes, with the room below it.
pub(super) fn rows(chart: &crate::export::sheets::Chart) -> u32 {
    (height(chart) + GAP).div_ceil(ROW)
}

/// Draws a chart with its upper left corner in a cell.
pub(super) fn place(
    out: &mut Worksheet,
    table: &Table,
    chart: &crate::export::sheets::Chart,
    grid: Grid,
    (row, column): (u32, u16),
) -> Result<(), XlsxError> {
    let mut drawn = Chart::new(match chart.shape {
        Shape::Bar => ChartType::Bar,
        Shape::StackedBar => ChartType::BarStacked,
        Shape::Column => ChartType::Column,
        Shape::StackedColumn => ChartType::ColumnStacked,
        Shape::Line => ChartType::Line,
    });
    let name = out.name();
    let (first, last) = (chart.rows.start, chart.rows.end - 1);
    let range = |column: usize| {
        let column = column as u16;
        (
            name.as_str(),
            grid.row(first),
            column,
            grid.row(last),
            column,
        )
    };
    for (index, &column) in chart.series.iter().enumerate() {
        let heading = (name.as_str(), grid.first_row - 1, column as u16);
        let series = drawn.add_series();
        series
            .set_categories(range(chart.labels))
            .set_values(range(column))
            .set_name(heading);
        dress(series, chart, index);
    }
    let mut font = ChartFont::new();
    font.set_size(13).set_bold();
    drawn.title().set_name(chart.title.as_str()).set_font(&font);
    let scale = chart.scale(table);
    let grey = ChartLine::new().set_color(Color::RGB(0xD9_D9_D9)).clone();
    let format = label_format(table, chart.labels, last);
    let dress_groups = |axis: &mut ChartAxis| {
        // Every bar has its label, however little room there is.
        axis.set_name(chart.groups.as_str())
            .set_text_axis(true)
            .set_label_interval(1);
        if let Some(format) = format {
            axis.set_num_format(format);
        }
        if chart.is_lying() {
            // The first row on top, and the numbers below all the same.
            axis.set_reverse().set_crossing(ChartAxisCrossing::Max);
        } else if let Some(rotation) = rotation(table, chart) {
            axis.set_font(ChartFont::new().set_rotation(rotation));
        }
    };
    let dress_numbers = |axis: &mut ChartAxis| {
        axis.set_name(chart.numbers.as_str())
            .set_num_format(if scale.step < 1.0 { "0.0" } else { "#,##0" })
            // Else a chart of few tickets has halves of them.
            .set_major_unit(scale.step)
            .set_major_gridlines(true)
            .set_major_gridlines_line(&grey);
        // A bar that does not begin at nothing shows no proportion.
        if scale.least >= 0.0 {
            axis.set_min(0);
        }
    };
    // The axes go by where they are, not by what they show.
    if chart.is_lying() {
        dress_groups(drawn.y_axis());
        dress_numbers(drawn.x_axis());
        drawn.y_axis().set_major_gridlines(false);
    } else {
        dress_groups(drawn.x_axis());
        dress_numbers(drawn.y_axis());
    }
    match chart.series.len() {
        1 => drawn.legend().set_hidden(),
        _ => drawn.legend().set_position(ChartLegendPosition::Bottom),
    };
    drawn
        .set_width(WIDTH)
        .set_height(height(chart))
        .set_alt_text(chart.title.as_str());
    out.insert_chart(row, column, &drawn)?;
    Ok(())
}

fn fill(tone: Tone) -> ChartFormat {
    let fill = ChartSolidFill::new()
        .set_color(Color::RGB(tone.colour()))
        .clone();
    ChartFormat::new().set_solid_fill(&fill).clone()
}

/// The colours of a series, and the numbers on its bars where there is room for them.
fn dress(series: &mut ChartSeries, chart: &crate::export::sheets::Chart, index: usize) {
    let tone = match &chart.tones {
        Tones::Series(tones) => tones.get(index).copied(),
        Tones::Rows(_) => None,
    };
    let tone = tone.unwrap_or(Tone::Plain(index));
    if chart.shape == Shape::Line {
        let colour = Color::RGB(tone.colour());
        let line = ChartLine::new().set_color(colour).set_width(2.25).clone();
        let mut marker = ChartMarker::new();
        let fill = ChartSolidFill::new().set_color(colour).clone();
        marker
            .set_type(ChartMarkerType::Circle)
            .set_size(5)
            .set_format(ChartFormat::new().set_solid_fill(&fill));
        series
            .set_format(ChartFormat::new().set_line(&line))
            .set_marker(&marker);
        return;
    }
    series.set_format(&mut fill(tone)).set_gap(60);
    if let Tones::Rows(tones) = &chart.tones {
        let point = |tone: &Tone| ChartPoint::new().set_format(&mut fill(*tone));
        let points: Vec<ChartPoint> = tones.iter().map(point).collect();
        series.set_points(&points);
    }
    if chart.series.len() == 1 && chart.rows.len() <= MOST_NUMBERS {
        series.set_data_label(ChartDataLabel::new().show_value());
    }
}

/// How far labels below standing bars lean, in degrees, where they would run into each other.
fn rotation(table: &Table, chart: &crate::export::sheets::Chart) -> Option<i16> {
    let labels = table.rows[chart.rows.clone()].iter();
    let lengths = labels.map(|row| row[chart.labels].value.shown().chars().count());
    let longest = lengths.max().unwrap_or(0);
    match longest * chart.rows.len() {
        0..=80 => None,
        _ if chart.rows.len() > 18 => Some(-90),
        _ => Some(-45),
    }
}

/// How labels that are dates are shown.
fn label_format(table: &Table, column: usize, row: usize) -> Option<&'static str> {
    match table.rows[row][column].value {
        Value::Month(_) => Some("mmm yy"),
        Value::Day(_) => Some("d mmm"),
        _ => None,
    }
}
