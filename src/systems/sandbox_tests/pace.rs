//! Calls that take more than one request, at a system that takes ten a second: each request waits for a permit.

use super::*;
use crate::run::Limiter;

/// How often each call is made: more than the second's worth of requests that the sandbox lets through at once.
const TIMES: u32 = 15;

/// What the outcome of a call is, with one permit for each request.
async fn paced(system: &dyn System, limiter: &Limiter, call: Call<'_>) -> Outcome {
    let mut way = Way::default();
    loop {
        limiter.permit().await;
        let outcome = system.perform(call, &mut way).await.outcome;
        if outcome != Outcome::Further {
            return outcome;
        }
    }
}

/// The calls of one round.
fn calls(name: SystemName, round: u32) -> Vec<(&'static str, Value)> {
    match name {
        SystemName::IncidentIq => {
            let subtask = json!({"Subject": format!("Order part {round}")});
            vec![("subtask", subtask.clone()), ("complete", subtask)]
        }
        SystemName::ClearFeed => {
            let link =
                json!({"link_integration": "jira", "link_ticket_id": format!("OPS-{round}")});
            vec![("update", link)]
        }
    }
}

#[tokio::test]
async fn no_call_is_too_fast_whatever_it_takes() {
    for name in SystemName::ALL {
        let sandbox = Sandbox::start(Config {
            rate: 10.0,
            ..Config::default()
        })
        .await
        .unwrap();
        let system = sign_in(profile(&sandbox, name)).await.unwrap();
        let limiter = Limiter::new(Some(10.0));
        let snapshot = system
            .load_directory(Needs::ALL, &limiter, &|_, _, _| {})
            .await
            .unwrap();
        let schema = schema_for(&snapshot).unwrap();
        let body = plain_create(schema.as_ref(), &snapshot);
        let create = Call {
            step: CREATE,
            ticket: None,
            body: &body,
            id: Uuid::nil(),
            old_id: Uuid::nil(),
        };
        let Outcome::Done(ticket) = paced(system.as_ref(), &limiter, create).await else {
            panic!("{name}: a ticket is made");
        };
        for round in 0..TIMES {
            for (step, body) in calls(name, round) {
                let call = Call {
                    step,
                    ticket: Some(&ticket),
                    body: &body,
                    id: Uuid::new_v4(),
                    old_id: Uuid::nil(),
                };
                let outcome = paced(system.as_ref(), &limiter, call).await;
                assert!(
                    matches!(outcome, Outcome::Done(_)),
                    "{name}, round {round}, {step}: {outcome:?}"
                );
            }
        }
        sandbox.stop().await.unwrap();
    }
}
