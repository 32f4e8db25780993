//! People who change tickets meanwhile, so that a rehearsal meets changes that it did not make.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::call::Call;
use super::clearfeed::ClearFeed;
use super::dice::Dice;
use super::incidentiq::IncidentIq;
use super::server::{App, Pick};

/// What somebody does: a method and a path below the server's address, and the body.
pub(super) type Act = (&'static str, String, Value);

/// Among how many of the newest tickets people choose half of the time: that is where they work.
const RECENT: usize = 50;

/// Which of so many tickets somebody takes, the oldest being the first.
pub(super) fn pick(dice: &mut Dice, count: usize) -> Option<usize> {
    if count == 0 {
        return None;
    }
    let from = match dice.chance(0.5) {
        true => count.saturating_sub(RECENT),
        false => 0,
    };
    Some(from + dice.below(count - from))
}

/// What a title is after somebody has looked at the ticket. It does not grow with each of them.
pub(super) fn retitled(title: &str, by: &str) -> String {
    const MARK: &str = " - looked at by ";
    let own = title.split(MARK).next().unwrap_or(title);
    let own: String = own.chars().take(200).collect();
    format!("{own}{MARK}{by}")
}

/// Lets people work until the sandbox stops, `rate` changes a second, in an order that follows from the seed.
pub(super) async fn work(app: Arc<App>, rate: f64, seed: u64) {
    let mut stopped = app.stopped();
    let every = Duration::try_from_secs_f64(1.0 / rate).ok();
    let Some(every) = every.filter(|every| !every.is_zero() && rate > 0.0) else {
        return;
    };
    let mut dice = Dice::new(seed ^ 0x0070_656f_706c_6500);
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            // An error means that the sandbox is gone: as good as stopped.
            _ = stopped.wait_for(|stopped| *stopped) => return,
            _ = ticks.tick() => change(&app, &mut dice),
        }
    }
}

fn change(app: &App, dice: &mut Dice) {
    let incidentiq: Pick<IncidentIq> = |app| (&app.incidentiq, &app.gates[0]);
    let clearfeed: Pick<ClearFeed> = |app| (&app.clearfeed, &app.gates[1]);
    let is_done = if dice.chance(0.5) {
        let act = app.incidentiq.act(dice);
        act.is_some_and(|act| app.act(incidentiq, call(act)))
    } else {
        let act = app.clearfeed.act(dice);
        act.is_some_and(|act| app.act(clearfeed, call(act)))
    };
    if is_done {
        app.people.fetch_add(1, Ordering::Relaxed);
    }
}

fn call((method, path, body): Act) -> Call {
    let body = Bytes::from(body.to_string());
    Call::new(method, &path, None, HeaderMap::new(), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_do_not_grow() {
        let once = retitled("No sound", "Ann");
        assert_eq!(once, "No sound - looked at by Ann");
        assert_eq!(retitled(&once, "Bo"), "No sound - looked at by Bo");
        assert!(retitled(&"x".repeat(500), "Ann").chars().count() < 255);
    }

    #[test]
    fn recent_tickets_are_taken_more_often() {
        let mut dice = Dice::new(1);
        let recent = (0..1_000).filter_map(|_| pick(&mut dice, 1_000));
        let recent = recent.filter(|place| *place >= 950).count();
        assert!((450..650).contains(&recent), "{recent}");
        assert_eq!(pick(&mut dice, 0), None);
    }
}
