//! The steps of a sequence, drawn from its seed.

use deskferry::run::CrashPlace;
use deskferry::sandbox::Dice;

use super::plan::{Marker, Plan};

/// When an import is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Death {
    /// By itself, at a named place: `DESKFERRY_CRASH`.
    Place(String),
    /// When the desk has seen so many more requests.
    Requests(u64),
    /// After so many milliseconds.
    Millis(u64),
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `import`, to its end; at most so many rows.
    Import(Option<u64>),
    /// `import`, killed on its way.
    Kill(Death),
    Retry,
    /// `runs settle`, by a person who looks at the desk.
    Settle,
    Adopt,
    Rollback,
    Export,
    /// The state folder is copied.
    Copy,
    /// The state folder becomes what it was when it was copied.
    Restore,
    /// The state folder is lost, and the ledger rebuilt by `runs adopt`.
    Lose,
    /// The desk is killed and comes back.
    RestartDesk,
    /// The input changes.
    Edit,
    /// Other people make tickets.
    People,
}

/// What may happen besides imports and kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// The ledger is kept.
    Kept,
    /// An old copy of it comes back.
    Restored,
    /// It is lost once.
    Lost,
}

/// An import of some rows: the whole input only goes in the end, so that each kill finds something to do.
fn limited(dice: &mut Dice) -> Step {
    Step::Import(Some(2 + dice.below(10) as u64))
}

/// The steps of a seed: at least three kills.
pub(super) fn steps(plan: &Plan, memory: Memory, dice: &mut Dice) -> Vec<Step> {
    let kills = 3 + dice.below(2);
    let share = plan.requests() / (kills + 1);
    let mut steps: Vec<Step> = (0..kills)
        .map(|_| Step::Kill(death(plan, share, dice)))
        .collect();
    for _ in 0..2 + dice.below(3) {
        let step = match dice.below(12) {
            0 | 1 => Step::Retry,
            2 | 3 => Step::Settle,
            4 => Step::Export,
            5 if plan.marker != Marker::None => Step::Adopt,
            6 => Step::Rollback,
            7 => Step::RestartDesk,
            8 | 9 => Step::Edit,
            10 => Step::People,
            _ => limited(dice),
        };
        steps.push(step);
    }
    steps.push(limited(dice));
    // Fisher and Yates.
    for at in (1..steps.len()).rev() {
        steps.swap(at, dice.below(at + 1));
    }
    // There is nothing to act on before something was sent.
    let first = steps.iter().position(|step| matches!(step, Step::Kill(_)));
    steps.swap(0, first.unwrap_or(0));
    match memory {
        Memory::Kept => {}
        Memory::Lost => steps.insert(2 + dice.below(steps.len() - 2), Step::Lose),
        Memory::Restored => {
            let copied = 1 + dice.below(2);
            steps.insert(copied, Step::Copy);
            let restored = copied + 2 + dice.below(steps.len() - copied - 2);
            steps.insert(restored, Step::Restore);
        }
    }
    steps
}

/// A death when about that many requests have left.
fn death(plan: &Plan, share: usize, dice: &mut Dice) -> Death {
    match dice.below(3) {
        0 => {
            let (_, place) = *dice.pick(&CrashPlace::ALL);
            // Groups of intents come a few times in a run, rows often, decisions seldom.
            let most = match place {
                "before-decision" => 1,
                "before-intent" | "after-intent" => 3,
                _ => share.max(4),
            };
            Death::Place(format!("{place}:{}", 1 + dice.below(most)))
        }
        1 => Death::Requests(3 + dice.below(2 * share) as u64),
        _ => Death::Millis(150 + dice.below(2 * share * 1_000 / plan.rate) as u64),
    }
}
