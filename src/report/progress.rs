//! The bar: rows, rate against the limit, what the run waits for, when it will end, counts by outcome.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words;
use crate::event::{End, Event, Wait};

/// Over how long the shown rate is taken.
const RATE_WINDOW: Duration = Duration::from_secs(5);

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
    waiting: Option<String>,
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
        let style = ProgressStyle::with_template(
            "  {bar:24} {human_pos}/{human_len}  {msg}  {prefix}ETA {eta}",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self {
            bar,
            show,
            limit,
            sent: VecDeque::new(),
            created: 0,
            skipped: 0,
            rejected: 0,
            in_doubt: 0,
            waiting: None,
            shown: Instant::now(),
        }
    }

    /// Folds one event in.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::Counted { records, .. } => self.bar.set_length(*records),
            Event::Row(row) => {
                match &row.end {
                    End::Created { .. } | End::Ready { .. } | End::Incomplete { .. } => {
                        self.created += 1
                    }
                    End::Skipped(_) => self.skipped += 1,
                    End::Rejected(_) => self.rejected += 1,
                    End::InDoubt { .. } => self.in_doubt += 1,
                    End::NotSent => {}
                }
                self.bar.inc(1);
            }
            Event::Sent => self.sent.push_back(Instant::now()),
            Event::Waiting(wait) => self.waiting = Some(wait_text(wait)),
            Event::Going => self.waiting = None,
            Event::Note(note) => self.line(&format!("note: {note}")),
            Event::Draining { under_way } => {
                let requests = words::plural(*under_way as u64, "request", "requests");
                self.line(&format!(
                    "stopping: {requests} under way will be finished; Ctrl-C again stops at once"
                ));
            }
        }
        let urgent = matches!(event, Event::Waiting(_) | Event::Going);
        if urgent || self.shown.elapsed() > Duration::from_millis(100) {
            self.draw();
        }
    }

    fn line(&self, text: &str) {
        if self.show != Show::Nothing {
            self.bar.suspend(|| eprintln!("  {text}"));
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
        let mut text = match (self.sent.is_empty(), self.limit) {
            (true, _) => String::new(),
            (false, Some(limit)) => format!("{} of {}  ", words::rate(rate), words::rate(limit)),
            (false, None) => format!("{}  ", words::rate(rate)),
        };
        for (count, what) in [
            (self.created, "created"),
            (self.skipped, "skipped"),
            (self.rejected, "rejected"),
            (self.in_doubt, "in doubt"),
        ] {
            if count > 0 {
                text.push_str(&format!("{what} {}  ", words::count(count)));
            }
        }
        self.bar.set_message(text.trim_end().to_owned());
        self.bar.set_prefix(
            self.waiting
                .as_ref()
                .map(|wait| format!("waiting: {wait}  "))
                .unwrap_or_default(),
        );
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn wait_text(wait: &Wait) -> String {
    match wait {
        Wait::Pause(left) => format!("the system asked for a pause of {}", words::duration(*left)),
        Wait::Doubt { rows, left } => {
            let rows = words::plural(*rows as u64, "row", "rows");
            format!("{rows} in doubt, looked up in {}", words::duration(*left))
        }
    }
}
