//! Named places at which a run can be made to die, for the proof of the delivery (`docs/delivery.md`): a kill at a
//! random moment hits the few microseconds between two steps of the protocol too rarely to prove anything about them.
//!
//! The process aborts: no destructor runs and nothing is written any more, as after `kill -9`. Unset, each place
//! costs the look at an `Option`.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a request that is to be left behind has been under way.
const UNDER_WAY: Duration = Duration::from_millis(3);

/// A place of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Intents are about to be handed to the ledger.
    BeforeIntent,
    /// Intents are durable, their requests have not left.
    AfterIntent,
    /// A request is about to leave.
    BeforeSend,
    /// A request has left and its answer has not come.
    AfterSend,
    /// An answer has come and nothing of it is written.
    BeforeOutcome,
    /// Outcomes are durable.
    AfterOutcome,
    /// A listing has told what became of rows in doubt, and nothing of it is written.
    BeforeDecision,
}

impl Place {
    /// Every place with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::BeforeIntent, "before-intent"),
        (Self::AfterIntent, "after-intent"),
        (Self::BeforeSend, "before-send"),
        (Self::AfterSend, "after-send"),
        (Self::BeforeOutcome, "before-outcome"),
        (Self::AfterOutcome, "after-outcome"),
        (Self::BeforeDecision, "before-decision"),
    ];
}

/// Where a run dies: `PLACE:N`, at the Nth time that it comes to the place.
#[derive(Debug)]
pub struct Crash {
    place: Place,
    left: AtomicU64,
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, count) = text.split_once(':').unwrap_or((text, "1"));
        let place = Place::ALL.iter().find(|(_, known)| *known == name);
        let count = count.parse().ok().filter(|count| *count > 0);
        match (place, count) {
            (Some((place, _)), Some(count)) => Ok(Self {
                place: *place,
                left: AtomicU64::new(count),
            }),
            _ => Err(format!(
                "`{text}` is no place to crash: write NAME:N, where NAME is one of {}",
                Place::ALL.map(|(_, name)| name).join(", ")
            )),
        }
    }
}

impl Crash {
    /// Whether this is the time.
    fn is_due(&self, place: Place) -> bool {
        self.place == place && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Dies when this is the place and the time.
pub(super) fn here(crash: Option<&Crash>, place: Place) {
    if crash.is_some_and(|crash| crash.is_due(place)) {
        std::process::abort();
    }
}

/// Lets a request go, and dies while it is under way when this is the time.
pub(super) async fn while_under_way<T>(
    crash: Option<&Crash>,
    request: impl Future<Output = T>,
) -> T {
    if crash.is_some_and(|crash| crash.is_due(Place::AfterSend)) {
        // An answer that comes earlier is forgotten, which is the same.
        let _ = tokio::time::timeout(UNDER_WAY, request).await;
        std::process::abort();
    }
    request.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_come_to_so_often() {
        let crash: Crash = "before-send:3".parse().unwrap();
        assert!(!crash.is_due(Place::AfterSend));
        let due: Vec<bool> = (0..5).map(|_| crash.is_due(Place::BeforeSend)).collect();
        assert_eq!(due, [false, false, true, false, false]);
        assert!("before-send".parse::<Crash>().is_ok());
        for wrong in ["nowhere:1", "before-send:0", "before-send:x", ""] {
            assert!(wrong.parse::<Crash>().is_err(), "{wrong}");
        }
    }
}
