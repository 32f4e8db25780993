//! What a migration says before its first write: the requests by call, how long they take, what they set off, and what the
//! target has no field for. They are counted by a rehearsal, so that they are those of the run.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

use super::super::confirm::set_off;
use super::{Import, Migration, Pass};
use crate::error::Result;
use crate::event::{End, Event, Listener};
use crate::ledger::{RunMeta, Scope};
use crate::report::words;
use crate::run::{self, Job, Keep, Shutdown, UNKNOWN_RATE};
use crate::systems::call_of;

/// Counts the requests that would be sent.
#[derive(Debug, Default)]
struct Census {
    /// How many of each call.
    calls: BTreeMap<String, u64>,
    created: u64,
    updated: u64,
    rejected: u64,
}

impl Listener for Census {
    fn on(&mut self, event: &Event) {
        let Event::Row(row) = event else { return };
        match &row.end {
            End::Ready {
                payloads, updates, ..
            } => {
                *match updates {
                    true => &mut self.updated,
                    false => &mut self.created,
                } += 1;
                for step in payloads {
                    *self
                        .calls
                        .entry(call_of(&step.step).to_owned())
                        .or_default() += 1;
                }
            }
            End::Rejected(_) => self.rejected += 1,
            _ => {}
        }
    }
}

impl Import<'_> {
    /// Says what a migration is about to send.
    pub(super) async fn foretell(
        &self,
        pass: &Pass<'_>,
        scope: &Scope,
        meta: &RunMeta,
    ) -> Result<()> {
        let (Some(migration), Some(connected)) = (self.migration(), self.connected) else {
            return Ok(());
        };
        if self.args.dry_run {
            self.say_not_held(migration);
            return Ok(());
        }
        let mut census = Census::default();
        let job = Job {
            items: self.items(pass)?,
            counted: pass.counted,
            map: pass.plan,
            system: Some(std::sync::Arc::clone(&connected.system)),
            ledger: Some(scope.clone()),
            targets: None,
            meta: meta.clone(),
            locks: None,
            reread: None,
            again: None,
        };
        let settings = run::Settings {
            limit: self.limit(),
            dry_run: true,
            keep: Keep::All,
            ..run::Settings::default()
        };
        let (_going, stop) = watch::channel(Shutdown::None);
        let limiter = std::sync::Arc::clone(&self.limiter);
        let totals = run::execute(job, &settings, limiter, stop, &mut census).await?;
        // What could not be read to its end was not counted either.
        if let Some(error) = totals.stopped {
            return Err(error);
        }
        let rate = self.limiter.rate().unwrap_or(UNKNOWN_RATE);
        for line in lines(&census, rate) {
            self.output.say(&line);
        }
        let calls: Vec<(&str, u64)> = (census.calls.iter())
            .map(|(call, count)| (call.as_str(), *count))
            .collect();
        for line in set_off(connected.system.schema(), &calls) {
            self.output.say(&line);
        }
        self.say_not_held(migration);
        Ok(())
    }

    /// Says what the target has no field for.
    fn say_not_held(&self, migration: &Migration) {
        let Some(connected) = self.connected else {
            return;
        };
        let parts = migration.parts.not_held(connected.system.schema());
        if parts.is_empty() {
            return;
        }
        let parts: Vec<String> = (parts.iter())
            .map(|(what, count)| format!("{} {what}", words::count(*count)))
            .collect();
        self.output.say(&format!(
            "  not held   {}: the target has no field for them; the mapping can write them into a text",
            parts.join(", ")
        ));
    }
}

fn lines(census: &Census, rate: f64) -> Vec<String> {
    let all: u64 = census.calls.values().sum();
    if all == 0 {
        return vec!["  forecast   nothing is to be sent".to_owned()];
    }
    let tickets = [
        (census.created, "new ticket", "new tickets"),
        (census.updated, "changed ticket", "changed tickets"),
        (census.rejected, "rejected ticket", "rejected tickets"),
    ];
    let tickets: Vec<String> = (tickets.iter())
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| words::plural(*count, one, many))
        .collect();
    let calls: Vec<String> = (census.calls.iter())
        .map(|(call, count)| format!("{} × {call}", words::count(*count)))
        .collect();
    let least = Duration::try_from_secs_f64(all as f64 / rate).unwrap_or(Duration::MAX);
    vec![
        format!("  forecast   {}", tickets.join(", ")),
        format!(
            "             {}: {}; at least {} at {}",
            words::plural(all, "request", "requests"),
            calls.join(", "),
            words::duration(least),
            words::rate(rate)
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_said_by_call_and_with_their_time() {
        let census = Census {
            calls: [("comment".to_owned(), 1_200), ("create".to_owned(), 300)].into(),
            created: 300,
            updated: 0,
            rejected: 1,
        };
        assert_eq!(
            lines(&census, 10.0),
            [
                "  forecast   300 new tickets, 1 rejected ticket",
                "             1,500 requests: 1,200 × comment, 300 × create; at least 2 min 30 s at 10/s"
            ]
        );
        assert_eq!(
            lines(&Census::default(), 10.0),
            ["  forecast   nothing is to be sent"]
        );
    }
}
