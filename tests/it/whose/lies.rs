//! A desk between the program and the sandbox that gives a wrong answer to one call in fifty.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deskferry::sandbox::Dice;

use crate::support::SandboxProcess;
use crate::support::echo::{Answer, Asked, Echo};

/// How old a page may be that comes instead of a new one: less than the profile's `visible_within`.
const STALE: Duration = Duration::from_secs(1);
/// How often an answer is wrong, where nobody says.
pub(super) const OFTEN: f64 = 0.02;

/// POSTs that only read.
const READS: [&str; 7] = [
    "/tickets",
    "/users",
    "/issues",
    "/assets",
    "/filters",
    "/custom-fields/for/ticket",
    "/locations/rooms/query",
];

/// What it remembers.
struct Liar {
    dice: Dice,
    often: f64,
    pages: HashMap<String, (Instant, Answer)>,
    /// The last answers that are one ticket, by their paths.
    tickets: HashMap<String, Answer>,
}

/// The desk, and whether it lies.
pub(super) struct Lies {
    pub(super) echo: Echo,
    on: Arc<AtomicBool>,
}

impl Lies {
    /// `often` is the chance of a wrong answer.
    pub(super) fn start(sandbox: &SandboxProcess, seed: u64, often: f64) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let liar = Arc::new(Mutex::new(Liar {
            dice: Dice::new(seed ^ 0x11e5),
            often,
            pages: HashMap::new(),
            tickets: HashMap::new(),
        }));
        let (own, is_on) = (Arc::clone(&liar), Arc::clone(&on));
        let instead = move |asked: &Asked| {
            let mut liar = own.lock().unwrap();
            let strikes = is_write(asked) && is_on.load(Ordering::Relaxed);
            let often = liar.often;
            (strikes && liar.dice.chance(often)).then(|| {
                let status = *liar.dice.pick(&[403, 404]);
                refusal(status)
            })
        };
        let is_on = Arc::clone(&on);
        let change = move |_: usize, asked: &Asked, answer: Answer| {
            let mut liar = liar.lock().unwrap();
            let often = liar.often;
            match (is_on.load(Ordering::Relaxed), is_write(asked)) {
                (true, false) => liar.read(asked, answer),
                // It is obeyed, and the answer says nothing.
                (true, true) if liar.dice.chance(often / 2.0) => Answer {
                    body: String::new(),
                    ..answer
                },
                _ => answer,
            }
        };
        Self {
            echo: Echo::between(sandbox, "another-token", instead, change),
            on,
        }
    }

    pub(super) fn ends(&self) {
        self.on.store(false, Ordering::Relaxed);
    }
}

impl Liar {
    fn read(&mut self, asked: &Asked, answer: Answer) -> Answer {
        if answer.status != 200 {
            return answer;
        }
        let place = format!("{} {} {}", asked.method, asked.path, asked.body);
        let before = self.pages.insert(place, (Instant::now(), answer.clone()));
        let path = asked.path.split('?').next().unwrap_or_default().to_owned();
        let other = match is_ticket(&path) {
            true => {
                let others = self.tickets.iter();
                let other = others
                    .filter(|(of, _)| **of != path)
                    .map(|(_, one)| one.clone());
                let other = other.last();
                self.tickets.insert(path, answer.clone());
                other
            }
            false => None,
        };
        if !self.dice.chance(self.often) {
            return answer;
        }
        match self.dice.below(5) {
            0 => refusal(403),
            1 => refusal(404),
            2 => Answer {
                body: String::new(),
                ..answer
            },
            3 => other.unwrap_or(answer),
            _ => match before {
                Some((at, page)) if at.elapsed() < STALE => page,
                _ => answer,
            },
        }
    }
}

fn refusal(status: u16) -> Answer {
    Answer {
        status,
        headers: "content-type: application/json\r\n".to_owned(),
        body: format!(r#"{{"Message":"answered {status}","message":"answered {status}"}}"#),
    }
}

fn is_write(asked: &Asked) -> bool {
    let path = asked.path.split('?').next().unwrap_or_default();
    asked.method != "GET"
        && !(asked.method == "POST" && READS.iter().any(|read| path.ends_with(read)))
}

/// Whether one ticket is read.
fn is_ticket(path: &str) -> bool {
    let parent = path.rsplit_once('/').map(|(parent, _)| parent);
    parent.is_some_and(|parent| parent.ends_with("/tickets") || parent.ends_with("/requests"))
        && !path.ends_with("/statuses")
        && !path.ends_with("/priorities")
        && !path.ends_with("/search")
}
