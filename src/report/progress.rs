//! The bar: rows, rate against the limit, what the run waits for, when it will end, counts by outcome.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::{Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::words::{self, fitted};
use crate::event::{End, Event, Wait};

/// Over how long the shown rate is taken.
const RATE_WINDOW: Duration = Duration::from_secs(5);
/// How often the bar is drawn while nothing happens, so that a wait counts down.
const TICK: Duration = Duration::from_millis(500);

/// The bar, and a bar on a narrow terminal, in characters.
const BAR: (usize, usize) = (24, 12);
/// A terminal is narrow below so many columns.
const NARROW: usize = 100;

/// A wait of this length is told as a line where there is no bar.
const LONG_WAIT: Duration = Duration::from_secs(3);

/// What the run waits for, and until when.
type Wanted = Option<(String, Instant)>;

/// What stands beside the bar, and what the run waits for; read by the bar whenever it draws itself.
type Told = Arc<Mutex<(String, Wanted)>>;

/// How much is shown while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// A bar, and what happens as lines above it: standard error is a terminal.
    Bar,
    /// Only what happens, as lines.
    Lines,
    /// Nothing.
    Nothing,
}

/// A bar on standard error; drawn only on a terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    show: Show,
    limit: Option<f64>,
    sent: VecDeque<Instant>,
    created: u64,
    skipped: u64,
    rejected: u64,
    in_doubt: u64,
    told: Told,
    records: u64,
    requests: u64,
    shown: Instant,
}

impl Progress {
    /// A bar that has not been drawn yet.
    pub fn new(show: Show, limit: Option<f64>) -> Self {
        let target = if show == Show::Bar {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let told = Told::default();
        let columns = usize::from(Term::stderr().size().1);
        let length = if columns < NARROW { BAR.1 } else { BAR.0 };
        let style = ProgressStyle::with_template(&format!("  {{bar:{length}}} {{told}}"))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let shown = Arc::clone(&told);
        bar.set_style(
            style.with_key("told", move |_: &ProgressState, out: &mut dyn Write| {
                // A line that is longer than the terminal would leave its rest behind when it is drawn anew.
                let columns = usize::from(Term::stderr().size().1);
                let line = line_of(&shown, columns.saturating_sub(length + 4));
                // A bar that cannot be written is nobody's loss.
                let _ = out.write_str(&line);
            }),
        );
        if show == Show::Bar {
            bar.enable_steady_tick(TICK);
        }
        Self {
            bar,
            show,
            limit,
            sent: VecDeque::new(),
            created: 0,
            skipped: 0,
            rejected: 0,
            in_doubt: 0,
            told,
            records: 0,
            requests: 0,
            shown: Instant::now(),
        }
    }

    /// Folds one event in.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::Counted { records, .. } => {
                self.records = *records;
                self.bar.set_length(*records);
            }
            Event::Row(row) => {
                match &row.end {
                    End::Created { .. }
                    | End::Updated { .. }
                    | End::Known { .. }
                    | End::Ready { .. }
                    | End::Incomplete { .. } => self.created += 1,
                    End::Skipped(_) => self.skipped += 1,
                    End::Rejected(_) => self.rejected += 1,
                    End::InDoubt { .. } => self.in_doubt += 1,
                    End::NotSent => return,
                }
                self.bar.inc(1);
            }
            Event::Sent => {
                self.requests += 1;
                self.sent.push_back(Instant::now());
            }
            Event::Waiting(wait) => {
                let (what, until) = wait_until(wait);
                let left = until.saturating_duration_since(Instant::now());
                // Where there is no bar, a line says why nothing happens.
                if self.show == Show::Lines && left >= LONG_WAIT {
                    self.line(&format!("waiting: {what} {}", words::duration(left)));
                }
                self.wait(Some((what, until)));
            }
            Event::Shutdown => self.wait(None),
            Event::Note(note) => self.line(&format!("note: {note}")),
            Event::Draining { under_way } => {
                let rows = words::plural(*under_way as u64, "row", "rows");
                self.line(&match under_way {
                    0 => "stopping".to_owned(),
                    _ => format!(
                        "stopping: what is under way ({rows} at most) is finished; Ctrl-C again stops at once"
                    ),
                });
            }
        }
        let urgent = matches!(event, Event::Waiting(_) | Event::Shutdown);
        if urgent || self.shown.elapsed() > Duration::from_millis(100) {
            self.draw();
        }
    }

    fn wait(&self, wait: Wanted) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).1 = wait;
    }

    fn is_waiting(&self) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.1.is_some()
    }

    fn ended(&self) -> u64 {
        self.created + self.skipped + self.rejected + self.in_doubt
    }

    /// How long the records that are left take at this rate, each with as many requests as those so far.
    fn left(&self, rate: f64) -> Option<Duration> {
        let sent = (self.ended() - self.skipped).max(1) as f64;
        let left = self.records.saturating_sub(self.ended()) as f64;
        let seconds = left * (self.requests as f64 / sent).max(1.0) / rate;
        Duration::try_from_secs_f64(seconds.round())
            .ok()
            .filter(|left| !left.is_zero())
    }

    /// A line for people, above the bar.
    pub(super) fn line(&self, text: &str) {
        if self.show != Show::Nothing {
            self.bar.suspend(|| {
                // Nobody may be listening, which ends nothing.
                let _ = writeln!(std::io::stderr(), "{}", fitted(&format!("  {text}")));
            });
        }
    }

    fn draw(&mut self) {
        let now = Instant::now();
        self.shown = now;
        while self.sent.front().is_some_and(|at| now - *at > RATE_WINDOW) {
            self.sent.pop_front();
        }
        let span = self
            .sent
            .front()
            .map_or(Duration::ZERO, |first| now - *first)
            .max(Duration::from_millis(500));
        let rate = self.sent.len() as f64 / span.as_secs_f64();
        let mut parts = vec![format!(
            "{} of {}",
            words::count(self.ended()),
            words::plural(self.records, "row", "rows")
        )];
        if !self.sent.is_empty() {
            parts.push(requests(rate, self.limit));
        }
        let mut counted = |count: u64, what: &str| {
            if count > 0 {
                parts.push(format!("{} {what}", words::count(count)));
            }
        };
        counted(self.rejected, "rejected");
        counted(self.in_doubt, "in doubt");
        // While the run waits, its rate says nothing about its end.
        if !self.sent.is_empty()
            && !self.is_waiting()
            && let Some(left) = self.left(rate)
        {
            parts.push(format!("{} left", words::duration(left)));
        }
        if self.skipped > 0 {
            parts.push(format!("{} skipped", words::count(self.skipped)));
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.0 = parts.join(" · ");
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What stands beside the bar within so many columns, as many whole parts as fit: what the run waits for goes before the
/// counts.
fn line_of(told: &Told, columns: usize) -> String {
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let (counts, wait) = &*told;
    let waiting = wait.as_ref().map(|(what, until)| {
        let left = until.saturating_duration_since(Instant::now());
        let seconds = Duration::from_secs(left.as_secs_f64().ceil() as u64);
        format!("waiting: {what} {}", words::duration(seconds))
    });
    let mut parts = counts.split(" · ");
    let line = match waiting {
        Some(waiting) => {
            let line = format!("{} · {waiting}", parts.next().unwrap_or_default());
            match measure_text_width(&line) <= columns {
                true => line,
                false => waiting,
            }
        }
        None => {
            let mut line = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                if measure_text_width(&line) + 3 + measure_text_width(part) > columns {
                    break;
                }
                line = format!("{line} · {part}");
            }
            line
        }
    };
    // Where not even the first part fits.
    truncate_str(&line, columns, "…").into_owned()
}

/// `98 requests/s of 100`, or `30 requests/min of 2/s` where the units differ.
fn requests(rate: f64, limit: Option<f64>) -> String {
    let named = |rate: f64| words::rate(rate).replacen('/', " requests/", 1);
    let Some(limit) = limit else {
        return named(rate);
    };
    let (now, most) = (words::rate(rate), words::rate(limit));
    let unit = |text: &str| text.split_once('/').map(|(_, unit)| unit.to_owned());
    let most = match unit(&now) == unit(&most) {
        true => most.split('/').next().unwrap_or_default().to_owned(),
        false => most,
    };
    format!("{} of {most}", named(rate))
}

fn wait_until(wait: &Wait) -> (String, Instant) {
    let now = Instant::now();
    match wait {
        Wait::Pause(left) => ("the system asked for a pause of".to_owned(), now + *left),
        Wait::Spent(left) => (
            "the system's limit is used up, and whole again in".to_owned(),
            now + *left,
        ),
        Wait::Closed(left) => ("the hours of `--hours` begin in".to_owned(), now + *left),
        Wait::Doubt { rows, left } => {
            let rows = words::plural(*rows as u64, "row", "rows");
            (format!("{rows} in doubt, looked up in"), now + *left)
        }
        Wait::Sweep(left) => ("a last look for doubles in".to_owned(), now + *left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RowEnd;
    use crate::record::Place;

    fn row(end: End) -> Event {
        let place = Place {
            file: "t.csv".into(),
            sheet: None,
            row: 2,
        };
        Event::Row(Box::new(RowEnd {
            place,
            key: None,
            rows: Vec::new(),
            end,
        }))
    }

    #[test]
    fn rows_that_are_not_sent_do_not_move_the_bar_and_skipped_ones_do_not_speed_it_up() {
        let mut progress = Progress::new(Show::Nothing, Some(10.0));
        progress.on(&Event::Counted {
            rows: 1000,
            records: 1000,
            filtered: 0,
        });
        for _ in 0..500 {
            progress.on(&row(End::Skipped(crate::event::Skip::ByMapping {
                reason: String::new(),
            })));
        }
        for _ in 0..10 {
            progress.on(&Event::Sent);
            progress.on(&Event::Sent);
            progress.on(&row(End::Created {
                ticket: crate::systems::Ticket::default(),
                fallbacks: Vec::new(),
            }));
        }
        progress.on(&row(End::NotSent));
        assert_eq!(progress.ended(), 510);
        assert_eq!(progress.bar.position(), 510);
        // Two requests each for the 490 that are left.
        assert_eq!(progress.left(10.0), Some(Duration::from_secs(98)));
    }

    #[test]
    fn a_line_says_rows_and_requests_and_fits() {
        let told = Told::default();
        told.lock().unwrap().0 = "212 of 300 rows · 98 requests/s of 100 · 3 rejected".to_owned();
        assert_eq!(
            line_of(&told, 80),
            "212 of 300 rows · 98 requests/s of 100 · 3 rejected"
        );
        assert_eq!(line_of(&told, 50), "212 of 300 rows · 98 requests/s of 100");
        assert_eq!(line_of(&told, 20), "212 of 300 rows");
        assert_eq!(line_of(&told, 10), "212 of 30…");
        told.lock().unwrap().1 = Some(wait_until(&Wait::Doubt {
            rows: 3,
            left: Duration::from_secs(60),
        }));
        assert!(
            line_of(&told, 80)
                .starts_with("212 of 300 rows · waiting: 3 rows in doubt, looked up in"),
            "{}",
            line_of(&told, 80)
        );
        assert!(line_of(&told, 60).starts_with("waiting: 3 rows in doubt"));
        assert_eq!(requests(98.0, Some(100.0)), "98 requests/s of 100");
        assert_eq!(requests(0.5, Some(2.0)), "30 requests/min of 2/s");
        assert_eq!(requests(2.5, None), "2.5 requests/s");
    }
}
