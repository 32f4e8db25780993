//! The bar of an export: tickets, and how many are expected.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::Show;
use super::words;
use crate::export::reading::Told;

/// How often a line says how far it is where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How often the bar is drawn while nothing comes.
const TICK: Duration = Duration::from_millis(500);

/// A bar on standard error; drawn only on a terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    show: Show,
    said: Mutex<Instant>,
}

impl Bar {
    /// A bar that has not been drawn yet.
    pub fn new(show: Show, limit: Option<f64>) -> Self {
        let target = match show {
            Show::Bar => ProgressDrawTarget::stderr(),
            Show::Lines | Show::Nothing => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style =
            ProgressStyle::with_template("  {bar:24} {human_pos} tickets, {per_sec}  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(match limit {
            Some(limit) => format!("(limit {limit:.0} requests/s)"),
            None => String::new(),
        });
        if show == Show::Bar {
            bar.enable_steady_tick(TICK);
        }
        Self {
            bar,
            show,
            said: Mutex::new(Instant::now()),
        }
    }

    /// Folds in what happened.
    pub fn on(&self, told: Told) {
        match told {
            Told::Expected(more) => self.bar.inc_length(more),
            Told::Came(tickets) => {
                self.bar.inc(tickets);
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                if self.show == Show::Lines && said.elapsed() >= LINE_EVERY {
                    *said = Instant::now();
                    // Nobody may be listening, which ends nothing.
                    let _ = writeln!(
                        std::io::stderr(),
                        "  {} tickets so far",
                        words::count(self.bar.position())
                    );
                }
            }
            Told::Phase(phase) => self.bar.set_message(phase),
            Told::Note(note) => match self.show {
                Show::Bar => self.bar.println(format!("  {note}")),
                // The summary tells it too.
                Show::Lines | Show::Nothing => {}
            },
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
