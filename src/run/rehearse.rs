//! The dry run: the same plans with the sending left out.

use tokio::time::Instant;

use super::engine::{stopping, take};
use super::plan::{Base, Plan, ready_end};
use super::prepare::Feed;
use super::totals::{Fold, Totals};
use super::{Going, Settings, Stop};
use crate::event::End;
use crate::ledger::RunState;
use crate::systems::StepPayload;

/// Takes the plans and tells what each would become.
pub(super) async fn rehearse(
    mut feed: Feed<'_>,
    settings: &Settings,
    stop: Stop,
    mut fold: Fold<'_>,
    started: Instant,
) -> Totals {
    let mut left = settings.limit;
    let mut stop = Some(stop);
    fold.totals.state = RunState::Finished;
    'input: loop {
        let batch = tokio::select! {
            biased;
            going = stopping(&mut stop) => {
                if going > Going::On {
                    fold.totals.state = RunState::Interrupted;
                    break;
                }
                continue;
            }
            batch = feed.next() => batch,
        };
        match batch {
            None => break,
            Some(Err(error)) => {
                fold.totals.state = RunState::Stopped;
                fold.totals.stopped = Some(error);
                break;
            }
            Some(Ok(plans)) => {
                for plan in plans {
                    if !take(&mut left, &plan) {
                        break 'input;
                    }
                    let (base, end) = rehearsed(plan);
                    fold.end(base, end);
                }
            }
        }
    }
    fold.finish(started.elapsed())
}

fn rehearsed(plan: Plan) -> (Base, End) {
    match plan {
        Plan::End(base, end) => (base, end),
        Plan::Send(row) if row.in_doubt().is_some() => {
            let step = row.in_doubt().map(|(request, _)| request.id.name.clone());
            let reason = format!(
                "an earlier run did not learn whether `{}` was done: the next run that sends finds out",
                step.unwrap_or_default()
            );
            (row.base, End::InDoubt { reason })
        }
        Plan::Send(row) => {
            let open = row.requests.steps.into_iter().skip(row.next);
            let payloads = open.map(|request| StepPayload {
                step: request.id.name.into(),
                ordinal: request.id.ordinal,
                body: request.body,
            });
            let end = ready_end(payloads.collect(), row.requests.fallbacks, row.updates);
            (row.base, end)
        }
        Plan::Settle(doubtful) => (
            doubtful.base,
            End::InDoubt {
                reason: format!(
                    "run {} did not learn whether it was made: the next run that sends finds out",
                    doubtful.doubt.run
                ),
            },
        ),
    }
}
