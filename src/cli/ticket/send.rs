//! Sends the requests of one ticket, one after the other, and says what came of them.

use std::time::Duration;

use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result};
use crate::run::Limiter;
use crate::systems::{
    Beside, CREATE, Call, Outcome, Permit, Refusal, SentAt, Sighting, StepPayload, System, Ticket,
    Way, right_of, without_right,
};

/// How often a request is tried that was not sent, or may be sent again.
const TRIES: u32 = 5;
/// How often one is tried that came too fast.
const MOST_THROTTLED: u32 = 20;
/// The first wait between two tries; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(500);

/// What is said of a refusal that proves nothing.
const UNPROVEN: &str =
    "; an answer of this form does not prove that nothing was done: look before you send it again";

/// What came of it.
#[derive(Debug)]
pub(in crate::cli) struct Sent {
    /// The ticket, where it is known.
    pub(in crate::cli) ticket: Option<Ticket>,
    /// The requests that were obeyed.
    pub(in crate::cli) done: Vec<String>,
    pub(in crate::cli) end: End,
}

/// How it ended.
#[derive(Debug)]
pub(in crate::cli) enum End {
    Done,
    /// The system refused this step.
    Refused(String, Refusal),
    /// Nobody knows whether this step was obeyed: why.
    InDoubt(String, String),
}

/// One ticket's requests on their way.
pub(in crate::cli) struct Sending<'a> {
    pub(in crate::cli) system: &'a dyn System,
    pub(in crate::cli) limiter: &'a Limiter,
    /// When nothing that was sent can surprise any more.
    pub(in crate::cli) surprise: Duration,
    /// Told what it waits for.
    pub(in crate::cli) tell: &'a (dyn Fn(&str) + Sync),
}

/// What one request came to.
enum Step {
    Done(Ticket),
    Refused(Refusal),
    InDoubt(String),
}

impl Sending<'_> {
    /// Sends them until one is not obeyed.
    ///
    /// # Errors
    /// When the system cannot be reached or does not let us in.
    pub(in crate::cli) async fn all(
        &self,
        steps: &[StepPayload],
        ticket: Option<Ticket>,
    ) -> Result<Sent> {
        let mut sent = Sent {
            ticket,
            done: Vec::new(),
            end: End::Done,
        };
        for step in steps {
            let name = step.step.to_string();
            match self.step(step, sent.ticket.as_ref(), &sent.done).await? {
                Step::Done(ticket) => {
                    sent.ticket = Some(ticket);
                    sent.done.push(name);
                }
                Step::Refused(refusal) => {
                    sent.end = End::Refused(name, refusal);
                    break;
                }
                Step::InDoubt(why) => {
                    sent.end = End::InDoubt(name, why);
                    break;
                }
            }
        }
        Ok(sent)
    }

    async fn step(
        &self,
        step: &StepPayload,
        ticket: Option<&Ticket>,
        done: &[String],
    ) -> Result<Step> {
        // The same for every try, so that the system can tell a repeated one where it looks at it.
        let id = Uuid::new_v4();
        let call = Call {
            step: &step.step,
            ticket,
            body: &step.body,
            id,
            old_id: id,
        };
        let is_repeatable = self.system.schema().is_repeatable(call.step);
        let (mut tried, mut throttled) = (0, 0);
        let mut way = Way::default();
        loop {
            self.limiter.permit().await;
            let since = SentAt::now(self.system);
            let answered = self.system.perform(call, &mut way).await;
            if let Some(spent) = answered.spent {
                self.limiter.spent(spent);
            }
            tried += 1;
            let wait = WAIT * 2_u32.pow(tried - 1);
            let shape = answered.shape.filter(|_| !is_repeatable);
            let is_proven = shape.is_none_or(|shape| self.system.shapes().is_proven(&shape));
            match answered.outcome {
                // The person decides, and is told what the answer is worth.
                Outcome::Rejected(mut refusal) if !is_proven => {
                    refusal.message.push_str(UNPROVEN);
                    return Ok(Step::Refused(refusal));
                }
                Outcome::Forbidden(refusal) if !is_proven => {
                    let refusal = without_right(&right_of(call.step), refusal);
                    let why = format!("{}{UNPROVEN}", refusal.message);
                    return Err(stopped(ErrorKind::Denied, &why, done));
                }
                Outcome::Denied(why) if !is_proven => {
                    return Err(stopped(
                        ErrorKind::Denied,
                        &format!("{why}{UNPROVEN}"),
                        done,
                    ));
                }
                // It would go again by itself.
                Outcome::Throttled(_) if !is_proven => {
                    let why = format!("the system answered 429, too fast{UNPROVEN}");
                    return match call.step == CREATE {
                        true => Ok(Step::InDoubt(why)),
                        false => self.look(call, since, &why).await,
                    };
                }
                Outcome::Done(ticket) => return Ok(Step::Done(ticket)),
                Outcome::Rejected(refusal) => return Ok(Step::Refused(refusal)),
                Outcome::Throttled(pause) if throttled < MOST_THROTTLED => {
                    throttled += 1;
                    tried = 0;
                    self.limiter.pause(pause);
                }
                Outcome::Throttled(_) => {
                    return Err(stopped(
                        ErrorKind::System,
                        "the system takes no more requests",
                        done,
                    )
                    .hint("wait a few minutes, then send it again"));
                }
                Outcome::Unsent(_) if tried < TRIES => tokio::time::sleep(wait).await,
                Outcome::Unsent(why) => return Err(stopped(ErrorKind::Unreachable, &why, done)),
                // One more request is needed, and nothing was done yet.
                Outcome::Further => tried = 0,
                Outcome::Forbidden(refusal) => {
                    let refusal = without_right(&right_of(call.step), refusal);
                    return Err(stopped(ErrorKind::Denied, &refusal.message, done)
                        .hint("give the token's user that right, or use another token"));
                }
                Outcome::Denied(why) => {
                    return Err(stopped(ErrorKind::Denied, &why, done).hint(
                        "the token's user may not do this: give it the right, or use another token",
                    ));
                }
                Outcome::InDoubt(_) if is_repeatable && tried < TRIES => {
                    tokio::time::sleep(wait).await;
                }
                Outcome::InDoubt(why) if is_repeatable || call.step == CREATE => {
                    return Ok(Step::InDoubt(why));
                }
                Outcome::InDoubt(why) => return self.look(call, since, &why).await,
            }
        }
    }

    /// Looks whether a request was obeyed that may not be sent twice.
    async fn look(&self, call: Call<'_>, since: SentAt, why: &str) -> Result<Step> {
        (self.tell)(&format!(
            "{why}: looking in {} s whether it was obeyed",
            self.surprise.as_secs()
        ));
        tokio::time::sleep(self.surprise).await;
        Ok(
            match self
                .system
                .verify_step(call, Beside::default(), since, self.limiter)
                .await?
            {
                Sighting::Done => Step::Done(call.ticket.cloned().unwrap_or_default()),
                Sighting::Absent => Step::Refused(Refusal {
                    status: 0,
                    message: format!(
                        "{why}; it was not obeyed, as the ticket shows: send it again"
                    ),
                    fields: Vec::new(),
                }),
                Sighting::Unseen(unclear)
                | Sighting::Unclear(unclear)
                | Sighting::Hidden(unclear) => Step::InDoubt(format!("{why}; {unclear}")),
            },
        )
    }
}

/// What ends it half-way, with what was done until then.
fn stopped(kind: ErrorKind, why: &str, done: &[String]) -> Error {
    let error = Error::new(kind, why);
    match done {
        [] => error.hint("nothing was done"),
        done => error.hint(format!("done before that: {}", done.join(", "))),
    }
}
