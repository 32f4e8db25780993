//! The report of a run as a page: what, where, as whom, counts, causes with their cells, the rate over time, waits, rows in
//! doubt and how they were settled. No text of a ticket is in it but the values that were refused.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::causes::Causes;
use super::words;
use crate::export::html::{self, Page};
use crate::export::sheets::{Cell, Chart, Shape, Sheet, Table, Tone, Tones, Value};
use crate::ledger::{Course, Doubt};
use crate::run::Waited;

/// So many causes are listed.
const MOST_CAUSES: usize = 200;

/// What a report says.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    /// The code of the run.
    pub(crate) code: String,
    /// How it stands, in words.
    pub(crate) state: String,
    /// Lines about what it was: inputs, mapping, system, as whom.
    pub(crate) about: Vec<String>,
    /// Counts of rows by what became of them, and of what they are counts; those of zero are left out.
    pub(crate) counts: Vec<(String, u64, &'static str)>,
    /// Requests, and how long all attempts took together.
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    /// Steps beside the making of tickets, by what people call them.
    pub(crate) steps: Vec<(String, u64)>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) causes: Causes,
    pub(crate) course: Course,
    pub(crate) waits: BTreeMap<String, Waited>,
    /// What changed in the directory between the attempts, a line each.
    pub(crate) directory: Vec<String>,
}

/// One start of the run.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) name: String,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) state: &'static str,
    pub(crate) input: String,
}

/// Writes the page.
///
/// # Errors
/// What `out` could not write.
pub(crate) fn write(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let mut sheets = vec![summary(report)];
    if !report.causes.is_empty() {
        sheets.push(causes(report));
    }
    sheets.extend(pace(report));
    sheets.extend(doubts(report));
    sheets.push(attempts(report));
    let page = Page {
        title: &format!("Run {}", report.code),
        about: &report.about,
        sheets: &sheets,
        tickets: None,
        comments: None,
        signature: None,
    };
    html::write(&page, out)
}

fn text(text: impl Into<String>) -> Cell {
    Value::Text(text.into()).into()
}

fn count(count: u64) -> Cell {
    Value::Count(i64::try_from(count).unwrap_or(i64::MAX)).into()
}

fn sheet(name: &'static str, counted: impl Into<String>, tables: Vec<Table>) -> Sheet {
    Sheet {
        name,
        title: name.to_owned(),
        counted: counted.into(),
        notes: Vec::new(),
        tables,
        is_words: false,
    }
}

fn table(title: &str, headings: &[&str], rows: Vec<Vec<Cell>>) -> Table {
    Table {
        title: title.to_owned(),
        population: String::new(),
        headings: headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect(),
        rows,
        is_figures: false,
        has_total: false,
        charts: Vec::new(),
    }
}

fn figures(rows: impl IntoIterator<Item = (String, Cell, String)>) -> Table {
    let rows = rows.into_iter();
    let rows = rows.map(|(name, value, of)| vec![text(name), value, text(of)]);
    Table {
        is_figures: true,
        ..table("Figures", &["", "", ""], rows.collect())
    }
}

/// A text with its first letter large.
fn titled(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn summary(report: &RunReport) -> Sheet {
    let rows = report.counts.iter();
    let rows = rows.map(|(what, number, of)| (titled(what), count(*number), (*of).to_owned()));
    let steps = report.steps.iter();
    let steps =
        steps.map(|(what, number)| (titled(what), count(*number), "done on tickets".to_owned()));
    let seconds = report.took.as_secs_f64();
    let rate = (seconds > 0.0 && report.requests > 0).then(|| {
        let rate = words::rate(report.requests as f64 / seconds);
        (
            "Rate".to_owned(),
            text(rate),
            "requests, on average".to_owned(),
        )
    });
    let all = [
        (
            "Requests".to_owned(),
            count(report.requests),
            "sent for rows".to_owned(),
        ),
        (
            "Time".to_owned(),
            text(words::duration(report.took)),
            "all attempts together".to_owned(),
        ),
    ];
    let all = rows.chain(steps).chain(all).chain(rate);
    sheet("Summary", report.state.clone(), vec![figures(all)])
}

fn causes(report: &RunReport) -> Sheet {
    let causes = report.causes.sorted();
    let rows = causes.iter().take(MOST_CAUSES).map(|cause| {
        let about = [&cause.field, &cause.column].into_iter().flatten();
        let mut about: Vec<&str> = about.map(String::as_str).collect();
        about.dedup();
        vec![
            text(cause.message.clone()),
            count(cause.rows),
            text(about.join(", column ")),
            text(words::list(&cause.first_rows, cause.rows)),
            text(cause.hint.clone().unwrap_or_default()),
        ]
    });
    let headings = [
        "What is wrong",
        "Faults",
        "Field and column",
        "Rows",
        "What to do",
    ];
    let rows = rows.collect();
    let told = "a row can have several faults";
    sheet(
        "Causes",
        told,
        vec![table("Rejected rows, by cause", &headings, rows)],
    )
}

/// The rate over time, and for what the run waited.
fn pace(report: &RunReport) -> Option<Sheet> {
    let course = &report.course;
    if course.sent.is_empty() {
        return None;
    }
    let seconds = course.span as f64 / 1e6;
    let rows: Vec<Vec<Cell>> = (course.sent.iter())
        .map(|(at, number)| {
            let at = at.to_zoned(TimeZone::system());
            let per_second = (*number as f64 / seconds * 10.0).round() / 10.0;
            vec![
                text(at.strftime("%H:%M:%S").to_string()),
                count(*number),
                Value::Number(per_second).into(),
            ]
        })
        .collect();
    let mut sent = table(
        "Requests over time",
        &["From", "Requests", "Per second"],
        rows,
    );
    sent.charts.push(Chart {
        shape: Shape::Line,
        title: "Requests per second".to_owned(),
        groups: "Time".to_owned(),
        numbers: "Requests per second".to_owned(),
        labels: 0,
        series: vec![2],
        rows: 0..sent.rows.len(),
        tones: Tones::Series(vec![Tone::Plain(0)]),
    });
    let mut tables = vec![sent];
    if !report.waits.is_empty() {
        let rows = report.waits.iter().map(|(why, waited)| {
            let time = Duration::try_from_secs_f64(waited.seconds).unwrap_or_default();
            vec![
                text(why.clone()),
                count(waited.times),
                text(words::duration(time)),
            ]
        });
        let headings = ["The run waited, because", "Times", "In all"];
        tables.push(table("Waits", &headings, rows.collect()));
    }
    let spans = words::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    Some(sheet("Pace", format!("in spans of {spans}"), tables))
}

fn doubts(report: &RunReport) -> Option<Sheet> {
    let doubts = &report.course.doubts;
    if doubts.is_empty() {
        return None;
    }
    let rows = doubts.iter().map(|(doubt, number)| {
        let how = match doubt {
            Doubt::Found => "the system had done it: found, and not sent again",
            Doubt::SentAgain => "the system had not done it: looked for, and sent again",
            Doubt::Refused => "the system refused it",
            Doubt::ByHand => "settled by hand: not sent",
            Doubt::Open => "still in doubt",
        };
        vec![text(how), count(*number)]
    });
    let rows = rows.collect();
    let told = "requests whose answer was lost";
    let settled = table("How they were settled", &["How", "Requests"], rows);
    Some(sheet("In doubt", told, vec![settled]))
}

fn attempts(report: &RunReport) -> Sheet {
    let time = |at: Timestamp| {
        let at = at.to_zoned(TimeZone::system());
        text(at.strftime("%Y-%m-%d %H:%M:%S").to_string())
    };
    let rows = report.attempts.iter().map(|attempt| {
        vec![
            text(attempt.name.clone()),
            time(attempt.started),
            attempt.ended.map_or(Cell::EMPTY, time),
            text(attempt.state),
            text(attempt.input.clone()),
        ]
    });
    let headings = ["Attempt", "Started", "Ended", "State", "Input"];
    let rows = rows.collect();
    let mut sheet = sheet(
        "Attempts",
        "each start of the run",
        vec![table("Attempts", &headings, rows)],
    );
    sheet.notes.clone_from(&report.directory);
    sheet
}
