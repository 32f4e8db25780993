//! What the ledger holds beside a step that is looked up: done ones of its kind, by which a ticket shows that it shows
//! such things.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::steps::print;
use super::sums::{CHECKED, verify};
use crate::systems::{CREATE, Print, Ticket};

/// How many on other tickets are told: some of each kind, as a rule.
const ELSEWHERE: u32 = 64;

/// Done calls of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DoneBeside {
    /// On the ticket, whichever row and scope made them.
    pub here: Vec<Print>,
    /// On other tickets of the scope, by their ids.
    pub elsewhere: Vec<(String, Print)>,
    /// How the ticket itself was to look, where a row made it.
    pub ticket: Option<Print>,
}

/// Where the steps of a ticket are found: those that name it, and those of the row that made it.
const HERE: [&str; 2] = [
    "step WHERE about IN (?1, ?2) AND state = 2 AND print IS NOT NULL AND (step = ?3 OR step LIKE '%/' || ?3)",
    "step AS made JOIN step ON step.scope = made.scope AND step.key = made.key
     WHERE made.ticket = ?1 AND step.about IS NULL AND step.state = 2 AND step.print IS NOT NULL
       AND (step.step = ?3 OR step.step LIKE '%/' || ?3)",
];

/// In the order of the table, so that it ends with the first ones.
const ELSEWHERE_OF_SCOPE: &str = "
    FROM step LEFT JOIN step AS made
      ON made.scope = step.scope AND made.key = step.key AND made.step = ?3 AND made.ordinal = 0
    WHERE step.scope = ?1 AND step.state = 2 AND step.print IS NOT NULL
      AND (step.step = ?2 OR step.step LIKE '%/' || ?2)
      AND coalesce(step.about, made.ticket) NOT IN (?4, ?5)
    LIMIT ?6";

pub(super) fn beside(
    connection: &Connection,
    scope: i64,
    call: &str,
    ticket: &Ticket,
) -> rusqlite::Result<DoneBeside> {
    let number = ticket.number.as_ref().unwrap_or(&ticket.id);
    let checked = |row: &Row<'_>| {
        verify(row, 1)?;
        print(row, 0)
    };
    let [named, of_row] = HERE.map(|from| format!("SELECT step.print, {CHECKED} FROM {from}"));
    let mut here: Vec<Option<Print>> = connection
        .prepare_cached(&named)?
        .query_map(params![ticket.id, number, call], checked)?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached(&of_row)?;
    for row in statement.query_map(params![ticket.id, number, call], checked)? {
        here.push(row?);
    }
    let elsewhere: Vec<(String, Option<Print>)> = connection
        .prepare_cached(&format!(
            "SELECT coalesce(step.about, made.ticket), step.print, {CHECKED} {ELSEWHERE_OF_SCOPE}"
        ))?
        .query_map(
            params![scope, call, CREATE, ticket.id, number, ELSEWHERE],
            |row| {
                verify(row, 2)?;
                Ok((row.get(0)?, print(row, 1)?))
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    let made = connection
        .prepare_cached(&format!(
            "SELECT print, {CHECKED} FROM step WHERE ticket = ?1 AND step = ?2 LIMIT 1"
        ))?
        .query_row(params![ticket.id, CREATE], checked)
        .optional()?;
    Ok(DoneBeside {
        here: here.into_iter().flatten().collect(),
        elsewhere: (elsewhere.into_iter())
            .filter_map(|(ticket, print)| Some((ticket, print?)))
            .collect(),
        ticket: made.flatten(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{
        Candidate, Change, Intent, Ledger, RunMeta, SetSteps, Settlement, State, StepId,
    };
    use crate::record::{Place, RowKey};
    use crate::systems::Looks;
    use jiff::Timestamp;

    fn print(text: &str) -> Print {
        Print::of(&Looks {
            text: text.to_owned(),
            ..Looks::default()
        })
    }

    fn ticket(id: &str) -> Ticket {
        Ticket {
            id: id.to_owned(),
            number: Some(format!("#{id}")),
            ..Ticket::default()
        }
    }

    fn sent(key: &str, step: &str, text: &str, about: Option<&str>) -> Change {
        Change::Intend(Intent {
            step: StepId {
                name: step.to_owned(),
                ordinal: 0,
            },
            about: about.map(str::to_owned),
            print: Some(print(text)),
            ..Intent::of_create(RowKey::new(key), 2)
        })
    }

    fn done(key: &str, step: &str, made: Option<&str>) -> Change {
        Change::Settle(Settlement {
            key: RowKey::new(key),
            step: StepId {
                name: step.to_owned(),
                ordinal: 0,
            },
            to: State::Done,
            ticket: made.map(ticket),
            trouble: None,
            doubted: false,
            at: Timestamp::now(),
        })
    }

    #[tokio::test]
    async fn done_calls_of_a_kind_are_told_by_their_ticket() {
        let ledger = Ledger::in_memory().unwrap();
        let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let run = scope
            .start_run(&scope.lock(None).unwrap(), RunMeta::default())
            .await
            .unwrap();
        let late = run
            .apply(vec![
                sent("a", CREATE, "broken", None),
                done("a", CREATE, Some("1")),
                sent("a", "then-1/comment", "first", None),
                done("a", "then-1/comment", None),
                sent("a", "then-2/comment", "in doubt", None),
                sent("b", "comment", "by its number", Some("#1")),
                done("b", "comment", None),
                sent("c", "comment", "elsewhere", Some("2")),
                done("c", "comment", None),
                sent("d", "subtask", "another kind", Some("1")),
                done("d", "subtask", None),
            ])
            .await
            .unwrap();
        assert!(late.is_empty());
        let mut beside = run.beside("comment", &ticket("1")).await.unwrap();
        beside.here.sort_by_key(|print| print.length);
        assert_eq!(beside.here, [print("first"), print("by its number")]);
        assert_eq!(beside.elsewhere, [("2".to_owned(), print("elsewhere"))]);
        assert_eq!(beside.ticket, Some(print("broken")));
    }

    /// One that a look has found, of a ticket that was learned from the system, is a witness from then on.
    #[tokio::test]
    async fn what_a_look_found_is_told_too() {
        let ledger = Ledger::in_memory().unwrap();
        let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let run = scope
            .start_run(&scope.lock(None).unwrap(), RunMeta::default())
            .await
            .unwrap();
        let step = StepId {
            name: "then-1/comment".to_owned(),
            ordinal: 0,
        };
        let found = Change::Set(SetSteps {
            key: RowKey::new("a"),
            place: Place {
                file: "t.csv".into(),
                sheet: None,
                row: 2,
            },
            content: [1; 16],
            steps: vec![(step, [2; 16])],
            print: Some(print("found")),
            at: Timestamp::now(),
        });
        run.apply(vec![
            sent("a", CREATE, "broken", None),
            done("a", CREATE, Some("1")),
            found,
        ])
        .await
        .unwrap();
        let beside = run.beside("comment", &ticket("1")).await.unwrap();
        assert_eq!(beside.here, [print("found")]);
    }

    #[tokio::test]
    async fn candidates_are_kept_until_the_row_is_sent_again() {
        let ledger = Ledger::in_memory().unwrap();
        let scope = ledger.scope("clearfeed", "acme", "s").await.unwrap();
        let run = scope
            .start_run(&scope.lock(None).unwrap(), RunMeta::default())
            .await
            .unwrap();
        let candidate = Candidate {
            ticket: ticket("7"),
            title: Some("Screen is dark".to_owned()),
            created_at: Some(Timestamp::UNIX_EPOCH),
            is_marked: true,
        };
        let told = Change::Candidates(RowKey::new("a"), vec![candidate.clone()]);
        let sent = || sent("a", CREATE, "broken", None);
        run.apply(vec![sent(), told]).await.unwrap();
        let whole = ledger.whole_run(run.code()).await.unwrap();
        let doubtful = || ledger.doubtful(&whole);
        assert_eq!(doubtful().await.unwrap()[0].candidates, [candidate]);
        run.apply(vec![sent()]).await.unwrap();
        assert!(doubtful().await.unwrap()[0].candidates.is_empty());
    }
}
