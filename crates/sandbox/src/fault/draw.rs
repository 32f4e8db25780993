//! What each request meets: the scripts, and chance.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{FaultKind, FaultSpec, FaultValue, Span};
use crate::dice::Dice;
use crate::route::Access;

/// A fault that strikes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) kind: FaultKind,
    /// For how long, where it takes time.
    pub(crate) time: Duration,
}

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fate {
    /// How late it is obeyed and answered.
    pub(crate) delay: Duration,
    /// How long listings do not show what it creates.
    pub(crate) hidden: Duration,
    /// What else goes wrong.
    pub(crate) strike: Option<Strike>,
}

impl Fate {
    fn take(&mut self, kind: FaultKind, time: Duration) {
        match kind {
            FaultKind::Latency => self.delay = self.delay.max(time),
            FaultKind::Visibility => self.hidden = self.hidden.max(time),
            kind if self.strike.is_none() => self.strike = Some(Strike { kind, time }),
            _ => {}
        }
    }
}

/// A scripted fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) kind: FaultKind,
    /// How many requests it still strikes.
    pub(crate) times: u64,
    /// For how long, where it takes time.
    pub(crate) span: Span,
}

/// A fault by chance, with how often it was asked.
type Chance = (FaultSpec, AtomicU64);

/// All faults of a sandbox.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    chances: Vec<Chance>,
    scripts: Mutex<HashMap<String, VecDeque<Script>>>,
    struck: Mutex<BTreeMap<&'static str, u64>>,
    writes: AtomicU64,
    /// Whether a revoked token has been made good again.
    pardoned: AtomicBool,
}

impl Faults {
    pub(crate) fn new(seed: u64, specs: Vec<FaultSpec>) -> Self {
        Self {
            seed,
            chances: specs
                .into_iter()
                .map(|spec| (spec, AtomicU64::new(0)))
                .collect(),
            scripts: Mutex::default(),
            struck: Mutex::default(),
            writes: AtomicU64::new(0),
            pardoned: AtomicBool::new(false),
        }
    }

    /// What one request meets: the script of its operation first, then the script of all (`*`), then chance. A
    /// script strikes what it names; chance strikes writes only, except where the fault is one of reads.
    pub(crate) fn fate(&self, operation: &str, access: Access) -> Fate {
        let mut fate = Fate::default();
        if let Some(script) = self.next_scripted(operation) {
            fate.take(script.kind, script.span.to);
        }
        for (place, (spec, count)) in self.chances.iter().enumerate() {
            let FaultValue::Chance(probability, span) = spec.value else {
                continue;
            };
            if !spec.kind.strikes(operation, access) {
                continue;
            }
            let n = count.fetch_add(1, Ordering::Relaxed);
            let mut dice = self.dice(place, n);
            if dice.chance(probability) {
                fate.take(spec.kind, span.at(dice.unit()));
            }
        }
        if let Some(strike) = fate.strike {
            self.count(strike.kind);
        }
        if !fate.hidden.is_zero() {
            self.count(FaultKind::Visibility);
        }
        fate
    }

    /// Each fault has its own dice for each request that it is asked about, so that the others change nothing.
    fn dice(&self, place: usize, n: u64) -> Dice {
        let stream = self.seed ^ ((place as u64 + 1) << 48) ^ n.wrapping_mul(0x2545_f491_4f6c_dd1d);
        Dice::new(stream)
    }

    fn count(&self, kind: FaultKind) {
        *lock(&self.struck).entry(kind.as_str()).or_default() += 1;
    }

    /// Counts a write that is about to be obeyed.
    pub(crate) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the token is no longer good.
    pub(crate) fn has_revoked(&self) -> bool {
        let writes = self.writes.load(Ordering::Relaxed);
        self.chances.iter().any(|(spec, _)| {
            spec.kind == FaultKind::RevokeAfter
                && matches!(spec.value, FaultValue::After(most, _) if writes >= most)
        }) && !self.pardoned.load(Ordering::Relaxed)
    }

    /// The limit that this request of a system, counted from 1, brings.
    pub(crate) fn new_rate(&self, nth: u64) -> Option<f64> {
        self.chances.iter().find_map(|(spec, _)| match spec.value {
            FaultValue::After(after, rate) if nth == after + 1 => rate,
            _ => None,
        })
    }

    fn next_scripted(&self, operation: &str) -> Option<Script> {
        let mut scripts = lock(&self.scripts);
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
    pub(crate) fn script(&self, operation: &str, script: Script) {
        if script.times == 0 {
            return;
        }
        lock(&self.scripts)
            .entry(operation.to_owned())
            .or_default()
            .push_back(script);
    }

    /// Forgets what is scripted, and makes a revoked token good again; what happens by chance stays.
    pub(crate) fn clear(&self) {
        lock(&self.scripts).clear();
        self.pardoned.store(true, Ordering::Relaxed);
    }

    /// What is scripted, per operation in the order in which it strikes.
    pub(crate) fn scripted(&self) -> BTreeMap<String, Vec<Script>> {
        lock(&self.scripts)
            .iter()
            .map(|(operation, queue)| (operation.clone(), queue.iter().cloned().collect()))
            .collect()
    }

    /// What happens by chance.
    pub(crate) fn chances(&self) -> impl Iterator<Item = &FaultSpec> {
        self.chances.iter().map(|(spec, _)| spec)
    }

    /// How often each fault struck.
    pub(crate) fn struck(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.struck).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(fate: Fate) -> Option<FaultKind> {
        fate.strike.map(|strike| strike.kind)
    }

    #[test]
    fn scripts_strike_in_order_and_only_their_operation() {
        let faults = Faults::new(0, Vec::new());
        let script = |kind, times| Script {
            kind,
            times,
            span: Span::default(),
        };
        faults.script("create", script(FaultKind::Status503, 2));
        faults.script("create", script(FaultKind::Html, 1));
        assert_eq!(kind(faults.fate("search", Access::Read)), None);
        let seen: Vec<_> = (0..4)
            .map(|_| kind(faults.fate("create", Access::Create)))
            .collect();
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
                .map(|_| faults.fate("create", Access::Create).strike.is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(strikes(3), strikes(3));
        assert_ne!(strikes(3), strikes(4));
        let hits = strikes(3).iter().filter(|hit| **hit).count();
        assert!((15..45).contains(&hits), "{hits}");
        let faults = Faults::new(3, vec!["status-500=1".parse().unwrap()]);
        assert_eq!(kind(faults.fate("search", Access::Read)), None);
    }

    #[test]
    fn a_second_fault_does_not_move_the_first() {
        let strikes = |specs: &[&str]| {
            let specs = specs.iter().map(|spec| spec.parse().unwrap()).collect();
            let faults = Faults::new(5, specs);
            (0..200)
                .map(|_| kind(faults.fate("create", Access::Create)) == Some(FaultKind::Status500))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            strikes(&["status-500=0.1"]),
            strikes(&["status-500=0.1", "html=0.5", "latency=1ms..2ms"])
        );
    }

    #[test]
    fn what_is_hidden_or_repeated_strikes_only_what_it_is_about() {
        let specs = ["visibility=1s..2s", "repeat-in-search=1"];
        let faults = Faults::new(1, specs.map(|spec| spec.parse().unwrap()).into());
        let create = faults.fate("create", Access::Create);
        assert!(create.hidden >= Duration::from_secs(1) && create.strike.is_none());
        assert_eq!(faults.fate("update", Access::Write), Fate::default());
        assert_eq!(
            kind(faults.fate("search", Access::Read)),
            Some(FaultKind::RepeatInSearch)
        );
        assert_eq!(faults.fate("users", Access::Read), Fate::default());
    }

    #[test]
    fn what_comes_after_a_count_comes_once() {
        let specs = ["revoke-after=2", "rate-after=3:10/s"];
        let faults = Faults::new(1, specs.map(|spec| spec.parse().unwrap()).into());
        assert!(!faults.has_revoked());
        faults.wrote();
        faults.wrote();
        assert!(faults.has_revoked());
        faults.clear();
        assert!(!faults.has_revoked());
        let rates: Vec<_> = (1..7).map(|nth| faults.new_rate(nth)).collect();
        assert_eq!(rates, [None, None, None, Some(10.0), None, None]);
    }
}
