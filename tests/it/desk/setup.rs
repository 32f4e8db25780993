//! What a seed decides about a sequence, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use deskferry::sandbox::Dice;

use super::chaos::Chaos;
use super::plan::{Marker, Plan};
use super::sequence::Sequence;
use super::step::{Memory, Step, steps};
use super::verdict::Verdict;

/// A desk that takes longer to answer lets `commit_within` and `visible_within` pass: their 3 s less the 1.8 s of late
/// commits.
const STARVED: Duration = Duration::from_millis(1_000);
/// So often a sequence is tried on a machine that has no time for it.
const TRIES: usize = 3;

/// What a seed decides.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) seed: u64,
    pub(super) plan: Plan,
    pub(super) chaos: Chaos,
    pub(super) steps: Vec<Step>,
    /// Whether an assumption is broken on purpose.
    pub(super) breaks: bool,
    /// Whether people write references of the rows into tickets of their own.
    pub(super) quoted: bool,
    pub(super) dice: Dice,
}

impl Setup {
    /// A sequence of the proof. Every tenth breaks an assumption.
    pub(super) fn new(seed: u64) -> Self {
        let breaks = seed % 10 == 9;
        let mut dice = Dice::new(seed);
        let mut plan = Plan::new(seed, &mut dice);
        let memory = match (plan.marker, dice.below(5)) {
            (Marker::None, _) => Memory::Kept,
            (_, 0) => Memory::Restored,
            (_, 1) => Memory::Lost,
            _ => Memory::Kept,
        };
        let chaos = Chaos::new(&mut dice, breaks, memory == Memory::Kept);
        let quoted = dice.chance(0.3);
        if chaos.cuts_last_lines() {
            plan.quote_within();
        }
        Self {
            quoted,
            ..Self::of(seed, plan, chaos, memory, dice)
        }
    }

    /// The same with people who quote references.
    pub(super) fn quoted(self) -> Self {
        Self {
            quoted: true,
            ..self
        }
    }

    /// The same with one misbehaviour alone, or none.
    pub(super) fn only(seed: u64, label: Option<&str>, memory: Memory) -> Self {
        let mut dice = Dice::new(seed);
        let mut plan = Plan::new(seed, &mut dice);
        if memory != Memory::Kept && plan.marker == Marker::None {
            plan.marker = Marker::Description;
        }
        let chaos = label.map(|label| Chaos::only(label, &mut dice));
        Self::of(seed, plan, chaos.unwrap_or_default(), memory, dice)
    }

    fn of(seed: u64, plan: Plan, chaos: Chaos, memory: Memory, mut dice: Dice) -> Self {
        let steps = steps(&plan, memory, &mut dice);
        let breaks = chaos.breaks();
        Self {
            seed,
            plan,
            chaos,
            steps,
            breaks,
            quoted: false,
            dice,
        }
    }

    /// Runs it to its verdict. One that failed while the machine had no time for the desk is run again.
    pub(super) fn run(self) -> Outcome {
        let mut starved = 0;
        loop {
            let mut outcome = Sequence::new(self.clone()).run();
            let is_proven = outcome.verdict.faults.is_empty() || outcome.lag < STARVED;
            if is_proven || starved + 1 == TRIES {
                outcome.starved = starved;
                return outcome;
            }
            starved += 1;
        }
    }
}

/// What came of a sequence.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) seed: u64,
    pub(super) commands: usize,
    pub(super) kills: usize,
    pub(super) rows: usize,
    pub(super) tickets: usize,
    /// How often each misbehaviour struck.
    pub(super) struck: BTreeMap<String, u64>,
    pub(super) took: Duration,
    /// How long the desk took to answer at most.
    pub(super) lag: Duration,
    /// How often it failed on a machine that had no time for the desk, and was run again.
    pub(super) starved: usize,
    pub(super) verdict: Verdict,
    /// Everything that is needed to understand a failure.
    pub(super) story: String,
}
