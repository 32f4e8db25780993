//! Faults on request: by chance (`--fault`, repeatable by seed) or scripted, first in first out, per operation.
//!
//! A new fault is a variant of [`FaultKind`] with its name in [`FaultKind::ALL`]; where it acts — before the
//! write is committed or after — is decided in `server`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::dice::Dice;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FaultKind {
    /// The answer comes late.
    Latency,
    /// 429 without a word on how long.
    Status429,
    /// 429 with `Retry-After`.
    Status429RetryAfter,
    /// 500, nothing committed.
    Status500,
    /// 503, nothing committed.
    Status503,
    /// The connection is dropped, nothing committed.
    ResetBeforeCommit,
    /// The connection is dropped after the write was committed.
    ResetAfterCommit,
    /// The write is committed and no answer ever comes.
    TimeoutAfterCommit,
    /// HTTP 200 with an error in its body, nothing committed.
    ErrorIn200,
    /// HTTP 200 with a page of HTML, nothing committed.
    Html,
    /// The write is committed, the answer breaks off in the middle.
    Truncate,
}

impl FaultKind {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Latency, "latency"),
        (Self::Status429, "status-429"),
        (Self::Status429RetryAfter, "status-429-retry-after"),
        (Self::Status500, "status-500"),
        (Self::Status503, "status-503"),
        (Self::ResetBeforeCommit, "reset-before-commit"),
        (Self::ResetAfterCommit, "reset-after-commit"),
        (Self::TimeoutAfterCommit, "timeout-after-commit"),
        (Self::ErrorIn200, "error-in-200"),
        (Self::Html, "html"),
        (Self::Truncate, "truncate"),
    ];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("?", |(_, name)| name)
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(kind, _)| *kind)
    }
}

/// A fault that happens by chance: `NAME=VALUE` parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSpec {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often or how long.
    pub value: FaultValue,
}

/// How often a fault strikes a write, or how long an answer takes.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultValue {
    /// From 0 to 1.
    Probability(f64),
    /// Between these, evenly.
    Delay(Duration, Duration),
}

/// Why a fault cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No value.
    #[error("`{0}` has no value: write NAME=VALUE, as in `status-503=0.02` or `latency=5ms..50ms`")]
    NoValue(String),
    /// No such fault.
    #[error("there is no fault `{name}`; there are {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No probability.
    #[error("`{value}` of `{name}` is no probability: write a number from 0 to 1, as in `0.02`")]
    Probability {
        /// The fault.
        name: String,
        /// What was written.
        value: String,
    },
    /// No time.
    #[error(
        "`{value}` of `{name}` is no time or range of times: write `20ms`, `2s` or `5ms..50ms`"
    )]
    Delay {
        /// The fault.
        name: String,
        /// What was written.
        value: String,
    },
}

impl FromStr for FaultSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| FaultError::NoValue(text.to_owned()))?;
        Self::parse(name.trim(), value.trim())
    }
}

impl FaultSpec {
    /// A fault from its name and the text of its value.
    ///
    /// # Errors
    /// When there is no such fault or the value does not fit it.
    pub fn parse(name: &str, value: &str) -> Result<Self, FaultError> {
        let kind = FaultKind::parse(name).ok_or_else(|| unknown(name))?;
        let value = if kind == FaultKind::Latency {
            let (low, high) = delay(value).ok_or_else(|| FaultError::Delay {
                name: name.to_owned(),
                value: value.to_owned(),
            })?;
            FaultValue::Delay(low, high)
        } else {
            let probability = value
                .parse::<f64>()
                .ok()
                .filter(|number| (0.0..=1.0).contains(number))
                .ok_or_else(|| FaultError::Probability {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })?;
            FaultValue::Probability(probability)
        };
        Ok(Self { kind, value })
    }
}

/// The error for a name that is no fault.
pub(super) fn unknown(name: &str) -> FaultError {
    let names: Vec<_> = FaultKind::ALL
        .iter()
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    FaultError::Unknown {
        name: name.to_owned(),
        known: names.join(", "),
    }
}

fn delay(text: &str) -> Option<(Duration, Duration)> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let (low, high) = (duration(low.trim())?, duration(high.trim())?);
    (low <= high).then_some((low, high))
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let seconds = digits.parse::<f64>().ok()?
        * match &text[digits.len()..] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            _ => return None,
        };
    Duration::try_from_secs_f64(seconds).ok()
}

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fate {
    /// How late the answer comes.
    pub(super) delay: Duration,
    /// What else goes wrong.
    pub(super) fault: Option<FaultKind>,
}

/// A scripted fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) kind: FaultKind,
    /// How many requests it still strikes.
    pub(super) times: u64,
    /// The delay of a scripted latency.
    pub(super) delay: Duration,
}

/// All faults of a sandbox.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    chances: Vec<(FaultSpec, AtomicU64)>,
    scripts: Mutex<HashMap<String, VecDeque<Script>>>,
    struck: Mutex<BTreeMap<&'static str, u64>>,
}

impl Faults {
    pub(super) fn new(seed: u64, specs: Vec<FaultSpec>) -> Self {
        Self {
            seed,
            chances: specs
                .into_iter()
                .map(|spec| (spec, AtomicU64::new(0)))
                .collect(),
            scripts: Mutex::default(),
            struck: Mutex::default(),
        }
    }

    /// What one request meets: the script of its operation first, then the script of all (`*`), then chance.
    /// Chance strikes writes only, except for latency; a script strikes what it names.
    pub(super) fn fate(&self, operation: &str, is_write: bool) -> Fate {
        let mut fate = Fate::default();
        match self.next_scripted(operation) {
            Some(script) if script.kind == FaultKind::Latency => fate.delay = script.delay,
            Some(script) => fate.fault = Some(script.kind),
            None => {}
        }
        for (place, (spec, count)) in self.chances.iter().enumerate() {
            if !is_write && spec.kind != FaultKind::Latency {
                continue;
            }
            let n = count.fetch_add(1, Ordering::Relaxed);
            let stream =
                self.seed ^ ((place as u64 + 1) << 48) ^ n.wrapping_mul(0x2545_f491_4f6c_dd1d);
            let mut dice = Dice::new(stream);
            match spec.value {
                FaultValue::Delay(low, high) => {
                    fate.delay = fate.delay.max(low + (high - low).mul_f64(dice.unit()));
                }
                FaultValue::Probability(p) if fate.fault.is_none() && dice.chance(p) => {
                    fate.fault = Some(spec.kind);
                }
                FaultValue::Probability(_) => {}
            }
        }
        if let Some(kind) = fate.fault {
            let mut struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
            *struck.entry(kind.as_str()).or_default() += 1;
        }
        fate
    }

    fn next_scripted(&self, operation: &str) -> Option<Script> {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if scripts.is_empty() {
            return None;
        }
        let name = [operation, "*"]
            .into_iter()
            .find(|name| scripts.get(*name).is_some_and(|queue| !queue.is_empty()))?;
        let queue = scripts.get_mut(name)?;
        let script = queue.front_mut()?;
        let struck = script.clone();
        script.times -= 1;
        if script.times == 0 {
            queue.pop_front();
        }
        if queue.is_empty() {
            scripts.remove(name);
        }
        Some(struck)
    }

    /// Adds to the script of an operation.
    pub(super) fn script(&self, operation: &str, script: Script) {
        if script.times == 0 {
            return;
        }
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts
            .entry(operation.to_owned())
            .or_default()
            .push_back(script);
    }

    /// Forgets what is scripted; what happens by chance stays.
    pub(super) fn clear(&self) {
        self.scripts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What is scripted, per operation in the order in which it strikes.
    pub(super) fn scripted(&self) -> BTreeMap<String, Vec<Script>> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts
            .iter()
            .map(|(operation, queue)| (operation.clone(), queue.iter().cloned().collect()))
            .collect()
    }

    /// What happens by chance.
    pub(super) fn chances(&self) -> impl Iterator<Item = &FaultSpec> {
        self.chances.iter().map(|(spec, _)| spec)
    }

    /// How often each fault struck.
    pub(super) fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.struck
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_parsed() {
        assert_eq!(
            "latency=5ms..50ms".parse(),
            Ok(FaultSpec {
                kind: FaultKind::Latency,
                value: FaultValue::Delay(Duration::from_millis(5), Duration::from_millis(50)),
            })
        );
        assert_eq!(
            "reset-after-commit=0.1".parse(),
            Ok(FaultSpec {
                kind: FaultKind::ResetAfterCommit,
                value: FaultValue::Probability(0.1),
            })
        );
    }

    #[test]
    fn a_bad_fault_says_what_to_write() {
        let error = |text: &str| text.parse::<FaultSpec>().unwrap_err().to_string();
        assert!(error("status-503").contains("NAME=VALUE"));
        assert!(error("status-599=1").contains("`status-503`"));
        assert!(error("status-503=2").contains("from 0 to 1"));
        assert!(error("latency=50ms..5ms").contains("5ms..50ms"));
        assert!(error("latency=0.5").contains("5ms..50ms"));
    }

    #[test]
    fn scripts_strike_in_order_and_only_their_operation() {
        let faults = Faults::new(0, Vec::new());
        let script = |kind, times| Script {
            kind,
            times,
            delay: Duration::ZERO,
        };
        faults.script("create", script(FaultKind::Status503, 2));
        faults.script("create", script(FaultKind::Html, 1));
        assert_eq!(faults.fate("search", false).fault, None);
        let seen: Vec<_> = (0..4).map(|_| faults.fate("create", true).fault).collect();
        assert_eq!(
            seen,
            [
                Some(FaultKind::Status503),
                Some(FaultKind::Status503),
                Some(FaultKind::Html),
                None
            ]
        );
        assert_eq!(faults.struck()["status-503"], 2);
    }

    #[test]
    fn chance_is_repeatable_by_seed_and_spares_reads() {
        let strikes = |seed| {
            let faults = Faults::new(seed, vec!["status-500=0.3".parse().unwrap()]);
            (0..100)
                .map(|_| faults.fate("create", true).fault.is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(strikes(3), strikes(3));
        assert_ne!(strikes(3), strikes(4));
        let hits = strikes(3).iter().filter(|hit| **hit).count();
        assert!((15..45).contains(&hits), "{hits}");
        let faults = Faults::new(3, vec!["status-500=1".parse().unwrap()]);
        assert_eq!(faults.fate("search", false).fault, None);
    }
}
