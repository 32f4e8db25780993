//! A quick look at many keys: which are done, and from what content. A run that is resumed asks this of every row.
//!
//! The keys of a batch are looked up in their order: as long as the ledger's next keys are mostly those that are
//! asked for (a file in the order of its keys), one scan is merged with them; where it is not, each key is looked up.

use rusqlite::{CachedStatement, Connection, Row, params};

use super::steps::{State, is_of_older_version};
use super::sums::{CHECKED, verify};
use super::{Scope, worker::Kind};
use crate::error::Result;
use crate::intake::Digest;
use crate::record::RowKey;
use crate::systems::{CREATE, Ticket};

/// How many rows of a scan are passed before it is judged whether they are those that are asked for.
const JUDGED: usize = 32;

/// What a quick look at a key tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glance {
    /// The ledger has never seen it.
    Unknown,
    /// All its steps are done or skipped, its create among them.
    Done(Ticket, Vec<Digest>),
    /// Something is open: to be looked at whole.
    Open,
}

impl Scope {
    /// A quick look at each key, from a thread outside of the runtime.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn glance_blocking(&self, keys: Vec<RowKey>) -> Result<Vec<Glance>> {
        let Some(id) = self.id.filter(|_| !keys.is_empty()) else {
            return Ok(vec![Glance::Unknown; keys.len()]);
        };
        self.ledger
            .worker
            .call_blocking(Kind::Read, move |c| glance(c, id, &keys))
    }
}

const COLUMNS: &str = "SELECT key, step, state, content, ticket, number, url";

fn glance(c: &Connection, scope: i64, keys: &[RowKey]) -> rusqlite::Result<Vec<Glance>> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by(|one, other| keys[*one].as_str().cmp(keys[*other].as_str()));
    let mut seen = vec![Glance::Unknown; keys.len()];
    let merged = merge(c, scope, keys, &order, &mut seen)?;
    let mut one = c.prepare_cached(&format!(
        "{COLUMNS}, {CHECKED} FROM step WHERE scope = ?1 AND key = ?2"
    ))?;
    for at in &order[merged..] {
        seen[*at] = look(&mut one, scope, &keys[*at])?;
    }
    for (key, glance) in keys.iter().zip(&mut seen) {
        if *glance == Glance::Unknown
            && let Some(old) = key.old_spelling()
            && is_of_older_version(c, scope, &old)?
        {
            *glance = Glance::Open;
        }
        // Steps without a create that is done, whatever came to pass.
        if matches!(glance, Glance::Done(ticket, _) if ticket.id.is_empty()) {
            *glance = Glance::Open;
        }
    }
    for pair in order.windows(2) {
        if keys[pair[0]] == keys[pair[1]] {
            seen[pair[1]] = seen[pair[0]].clone();
        }
    }
    Ok(seen)
}

/// Merges a scan with the keys in their order, as far as it is worth it; how many of them are told.
fn merge(
    c: &Connection,
    scope: i64,
    keys: &[RowKey],
    order: &[usize],
    seen: &mut [Glance],
) -> rusqlite::Result<usize> {
    let (Some(first), Some(last)) = (order.first(), order.last()) else {
        return Ok(0);
    };
    let mut scan = c.prepare_cached(&format!(
        "{COLUMNS}, {CHECKED} FROM step WHERE scope = ?1 AND key >= ?2 AND key <= ?3 ORDER BY key"
    ))?;
    let mut rows = scan.query(params![scope, keys[*first].as_str(), keys[*last].as_str()])?;
    let (mut told, mut passed, mut met) = (0, 0, 0);
    while let Some(row) = rows.next()? {
        let key = row.get_ref(0)?.as_str()?;
        while told < order.len() && keys[order[told]].as_str() < key {
            told += 1;
        }
        if order.get(told).is_some_and(|at| keys[*at].as_str() == key) {
            add(&mut seen[order[told]], row)?;
            met += 1;
        }
        passed += 1;
        if passed % JUDGED == 0 && met * 2 < passed {
            // The steps of the key at which the scan stands may not all have come.
            if let Some(at) = order.get(told) {
                seen[*at] = Glance::Unknown;
            }
            return Ok(told);
        }
    }
    Ok(order.len())
}

fn look(one: &mut CachedStatement<'_>, scope: i64, key: &RowKey) -> rusqlite::Result<Glance> {
    let mut rows = one.query(params![scope, key.as_str()])?;
    let mut glance = Glance::Unknown;
    while let Some(row) = rows.next()? {
        add(&mut glance, row)?;
    }
    Ok(glance)
}

/// Adds a step to what is known of its key.
fn add(glance: &mut Glance, row: &Row<'_>) -> rusqlite::Result<()> {
    verify(row, 7)?;
    let closed = matches!(row.get::<_, State>(2)?, State::Done | State::Skipped);
    let content: Option<Digest> = row.get_ref(3)?.as_blob()?.try_into().ok();
    let is_create = row.get_ref(1)?.as_str()? == CREATE;
    let ticket = match row.get_ref(4)?.as_str_or_null()? {
        Some(id) if is_create => Some(Ticket {
            id: id.to_owned(),
            number: row.get(5)?,
            url: row.get(6)?,
            warnings: Vec::new(),
        }),
        _ => None,
    };
    let before = std::mem::replace(glance, Glance::Open);
    let (Some(content), true) = (content, closed) else {
        return Ok(());
    };
    *glance = match before {
        Glance::Unknown => Glance::Done(ticket.unwrap_or_default(), vec![content]),
        Glance::Done(known, mut contents) => {
            contents.push(content);
            Glance::Done(ticket.unwrap_or(known), contents)
        }
        Glance::Open => Glance::Open,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Intent, Ledger, RunMeta, Settlement, StepId};
    use super::*;
    use crate::record::Place;
    use jiff::Timestamp;

    fn key(n: usize) -> RowKey {
        RowKey::new(n.to_string())
    }

    fn step(name: &str) -> StepId {
        StepId {
            name: name.to_owned(),
            ordinal: 0,
        }
    }

    fn intent(n: usize) -> Intent {
        Intent {
            key: key(n),
            step: step(CREATE),
            later: if n % 10 == 3 {
                vec![step("assign")]
            } else {
                Vec::new()
            },
            place: Place {
                file: "in.csv".into(),
                sheet: None,
                row: n as u64,
            },
            content: [u8::try_from(n % 7).unwrap(); 16],
            payload: [2; 16],
            reference: None,
            group: String::new(),
            absent: 0,
            doubted: false,
            redo: false,
            about: None,
            stale: Vec::new(),
            print: None,
            at: Timestamp::now(),
        }
    }

    fn done(n: usize, name: &str) -> Settlement {
        Settlement {
            key: key(n),
            step: step(name),
            to: State::Done,
            ticket: (name == CREATE).then(|| Ticket {
                id: format!("id{n}"),
                ..Ticket::default()
            }),
            trouble: None,
            doubted: false,

            at: Timestamp::now(),
        }
    }

    /// Whatever order the keys come in, and however densely they stand in the ledger, it tells what a whole look tells.
    #[tokio::test]
    async fn a_quick_look_tells_what_a_whole_one_does() {
        let ledger = Ledger::in_memory().unwrap();
        let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let run = {
            let locks = scope.lock(None).unwrap();
            scope.start_run(&locks, RunMeta::default()).await.unwrap()
        };
        let known = || (0..2_000).filter(|n| n % 5 != 4);
        run.intend(known().map(intent).collect()).await.unwrap();
        let settled = known().filter(|n| n % 11 != 0);
        run.settle(settled.map(|n| done(n, CREATE)).collect())
            .await
            .unwrap();
        let prioritised = known().filter(|n| n % 20 == 3);
        let steps = prioritised.map(|n| {
            super::super::Change::Intend(Intent {
                step: step("assign"),
                later: Vec::new(),
                ..intent(n)
            })
        });
        run.apply(steps.collect()).await.unwrap();
        run.settle(
            known()
                .filter(|n| n % 20 == 3)
                .map(|n| done(n, "assign"))
                .collect(),
        )
        .await
        .unwrap();
        let scope = run.scope();
        let in_order: Vec<usize> = (1_000..1_256).collect();
        let scattered: Vec<usize> = (0..256).map(|n| n * 7_919 % 2_500).collect();
        let few = vec![1_999, 3, 3, 2_400];
        for wanted in [in_order, scattered, few] {
            let keys: Vec<RowKey> = wanted.iter().map(|n| key(*n)).collect();
            let whole = scope.states(keys.clone()).await.unwrap();
            let quick = scope.glance_blocking(keys.clone()).unwrap();
            for ((key, steps), glance) in keys.iter().zip(whole).zip(quick) {
                let closed = |step: &super::super::StepRecord| {
                    matches!(step.state, State::Done | State::Skipped)
                };
                match glance {
                    Glance::Unknown => assert!(steps.is_empty(), "{key}: {steps:?}"),
                    Glance::Done(ticket, contents) => {
                        assert!(!steps.is_empty() && steps.iter().all(closed), "{key}");
                        assert_eq!(ticket.id, format!("id{key}"));
                        assert_eq!(contents.len(), steps.len());
                    }
                    Glance::Open => assert!(
                        !steps.iter().all(closed) && !steps.is_empty(),
                        "{key}: {steps:?}"
                    ),
                }
            }
        }
    }
}
