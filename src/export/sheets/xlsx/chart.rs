//! Charts over the cells of a table.

use rust_xlsxwriter::{
    Chart, ChartAxis, ChartAxisCrossing, ChartFont, ChartFormat, ChartLegendPosition, ChartLine,
    ChartMarker, ChartMarkerType, ChartSolidFill, ChartType, Color, Worksheet, XlsxError,
};

use super::formula::Grid;
use crate::export::sheets::{Shape, Table, Value};

/// A chart takes so many rows, with the room below it.
pub(super) const CHART_ROWS: u32 = 17;
/// Its size in pixels; a row has twenty.
const SIZE: (u32, u32) = (640, 320);

/// The colours of the series, told apart by people with any kind of sight.
const COLOURS: [u32; 8] = [
    0x1F_6F_B4, 0xE0_7B_00, 0x2A_8F_6B, 0xB2_3A_6E, 0x7A_5B_B5, 0x8C_8C_1A, 0x4F_A8_C9, 0x7F_7F_7F,
];

/// Draws a chart to the right of its table.
pub(super) fn place(
    out: &mut Worksheet,
    table: &Table,
    chart: &crate::export::sheets::Chart,
    grid: Grid,
    row: u32,
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
    let cells = table.rows[chart.rows.clone()]
        .iter()
        .flat_map(|row| chart.series.iter().map(|&column| &row[column].value));
    let is_negative = cells.filter_map(Value::number).any(|number| number < 0.0);
    let is_lying = matches!(chart.shape, Shape::Bar | Shape::StackedBar);
    for (index, &column) in chart.series.iter().enumerate() {
        let colour = Color::RGB(COLOURS[index % COLOURS.len()]);
        let heading = (name.as_str(), grid.first_row - 1, column as u16);
        let series = drawn.add_series();
        series
            .set_categories(range(chart.labels))
            .set_values(range(column))
            .set_name(heading);
        match chart.shape {
            Shape::Line => {
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
            }
            _ => {
                let fill = ChartSolidFill::new().set_color(colour).clone();
                series
                    .set_format(ChartFormat::new().set_solid_fill(&fill))
                    .set_gap(60);
            }
        }
    }
    let mut font = ChartFont::new();
    font.set_size(13).set_bold();
    drawn.title().set_name(chart.title.as_str()).set_font(&font);
    let grey = ChartLine::new().set_color(Color::RGB(0xD9_D9_D9)).clone();
    let format = label_format(table, chart.labels, last);
    let dress_groups = |axis: &mut ChartAxis| {
        axis.set_name(chart.groups.as_str()).set_text_axis(true);
        if let Some(format) = format {
            axis.set_num_format(format);
        }
        if is_lying {
            // The first row on top, and the numbers below all the same.
            axis.set_reverse()
                .set_crossing(ChartAxisCrossing::Max)
                .set_label_interval(1);
        }
    };
    let dress_numbers = |axis: &mut ChartAxis| {
        axis.set_name(chart.numbers.as_str())
            .set_major_gridlines(true)
            .set_major_gridlines_line(&grey);
        // A bar that does not begin at nothing shows no proportion.
        if !is_negative {
            axis.set_min(0);
        }
    };
    // The axes go by where they are, not by what they show.
    if is_lying {
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
        .set_width(SIZE.0)
        .set_height(SIZE.1)
        .set_alt_text(chart.title.as_str());
    out.insert_chart(row, table.headings.len() as u16 + 1, &drawn)?;
    Ok(())
}

/// How labels that are dates are shown.
fn label_format(table: &Table, column: usize, row: usize) -> Option<&'static str> {
    match table.rows[row][column].value {
        Value::Month(_) => Some("mmm yy"),
        Value::Day(_) => Some("d mmm"),
        _ => None,
    }
}
