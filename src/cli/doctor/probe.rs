//! The write probe: one ticket is made, listed back, compared, and taken away: the only truth from a live tenant.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Doctor, ends, failure};
use crate::cli::confirm::{About, by_call, confirm};
use crate::cli::connect::Connected;
use crate::cli::reference::{Loaded, Origin};
use crate::cli::ticket::{End, Sending, Sent};
use crate::config::StateFolder;
use crate::directory::{Directory, Kind};
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::mapping::{ByHand, PlanOptions, by_hand};
use crate::run::Limiter;
use crate::systems::examine::Finding;
use crate::systems::fields::{Field, FieldType, called};
use crate::systems::shape::Shape;
use crate::systems::{
    self, CREATE, Call, Listed, Operation, Outcome, Permit, Reading, Schema, StepPayload, System,
    Ticket, Way, Window, right_of, without_right,
};

/// What the ticket is called.
const TITLE: &str = "Deskferry write probe: please ignore";
/// What stands in the place of any other text.
const TEXT: &str = "deskferry doctor";
/// How far the system's time of the ticket may be from ours.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// How often the ticket is looked for while it may be invisible yet.
const LOOKS: u32 = 5;
/// How often it is tried to take the ticket away.
const REMOVALS: u32 = 4;

/// A probe on its way.
struct Probe<'a> {
    system: &'a dyn System,
    limiter: &'a Limiter,
    /// What its description bears.
    mark: String,
    visible_within: Duration,
}

impl Doctor<'_> {
    pub(super) async fn probe(
        &mut self,
        connected: &Connected,
        limiter: &Limiter,
        state: &StateFolder,
    ) -> Result<()> {
        let system = connected.system.as_ref();
        let mark = format!("Ref: doctor/{}", Uuid::new_v4());
        let origin = Origin {
            system,
            limiter,
            state,
            output: self.output,
        };
        let mut loaded = Loaded::nothing(origin, false).await?;
        let steps = loaded.make(origin, |directory| Ok(self.steps(directory, system, &mark)));
        let steps = match steps.await? {
            Ok(steps) => steps,
            Err(error) => {
                self.tell(failure("write", &error));
                return Ok(());
            }
        };
        if self.target.is_live(system) {
            let undo = format!("the probe {} itself", system.undoing());
            let about = About {
                operation: Operation::Create,
                tickets: "one ticket".to_owned(),
                requests: Some(steps.len() as f64),
                steps: by_call(steps.iter().map(|step| &*step.step), 1),
                notify: "a rule of the system does it by itself",
                undo: &undo,
            };
            let about = about.say(self.target, connected, limiter);
            confirm(self.target.name(), &about, self.args.confirm.as_deref())?;
        }
        let (commit, visible) = self.target.surprise(system);
        let output = self.output;
        let tell = |text: &str| output.say(&format!("           {text}"));
        let sending = Sending {
            system,
            limiter,
            surprise: commit + visible,
            tell: &tell,
        };
        let sent_at = Timestamp::now() + system.account().clock_offset;
        let sent = match sending.all(&steps, None).await {
            Ok(sent) => sent,
            Err(error) if ends(&error) => return Err(error),
            Err(error) => {
                self.tell(failure("write", &error));
                return Ok(());
            }
        };
        let Some(ticket) = self.made(sent) else {
            return Ok(());
        };
        let probe = Probe {
            system,
            limiter,
            mark,
            visible_within: visible,
        };
        for finding in probe.compare(&ticket, sent_at).await {
            self.tell(finding);
        }
        let learned = self.learn(&probe, state).await;
        self.tell(learned);
        let removed = probe.remove(&ticket, self.target.flags().join(" ")).await;
        self.tell(removed);
        Ok(())
    }

    /// Sends a create that no system may obey, and keeps the shape of its refusal as proof for the tenant.
    async fn learn(&self, probe: &Probe<'_>, state: &StateFolder) -> Finding {
        let not_learned = |detail: String| {
            Finding::warning(
                "refusals",
                detail,
                "nothing to do: rows that are refused are looked up until it is known how the system refuses",
            )
        };
        let shape = match probe.refused(self.target.flags().join(" ")).await {
            Ok(Refused::So(shape)) => shape,
            Ok(Refused::Told(finding)) => return finding,
            Ok(Refused::Unclear(why)) => return not_learned(why),
            Err(error) => return not_learned(error.to_string()),
        };
        let name = shape.to_string();
        let known = probe.system.shapes().was_probed(&name);
        let tenant = probe.system.account().tenant.clone();
        let system = probe.system.schema().system();
        let path = state.ledger();
        let kept = match tokio::task::block_in_place(|| Ledger::open(&path)) {
            Ok(ledger) => {
                ledger
                    .keep_shape(system.as_str(), &tenant, &name, known)
                    .await
            }
            Err(error) => Err(error),
        };
        match kept {
            Ok(()) => Finding::ok(
                "refusals",
                format!(
                    "an invalid ticket is refused ({}) and not made: rows that are refused so are rejected at once",
                    shape.told()
                ),
            ),
            Err(error) => failure("refusals", &error),
        }
    }

    /// The ticket that was made.
    fn made(&mut self, sent: Sent) -> Option<Ticket> {
        let finding = match (&sent.end, &sent.ticket) {
            (End::Done, Some(ticket)) => {
                Finding::ok("write", format!("made ticket {}", name(ticket)))
            }
            (End::InDoubt(_, why), _) => Finding::failed(
                "write",
                format!("nobody knows whether the ticket was made: {why}"),
                format!("look for `{TITLE}` in the system, and remove it by hand"),
            ),
            (End::Refused(_, refusal), _) => {
                let fields: Vec<String> = refusal
                    .fields
                    .iter()
                    .map(|(field, message)| format!("{field}: {message}"))
                    .collect();
                let detail = format!(
                    "refused ({}): {} {}",
                    refusal.status,
                    refusal.message,
                    fields.join("; ")
                );
                Finding::failed(
                    "write",
                    detail.trim_end(),
                    "what the system demands can be given with --set FIELD=VALUE",
                )
            }
            (End::Done, None) => Finding::failed(
                "write",
                "the answer names no ticket",
                format!("look for `{TITLE}` in the system, and remove it by hand"),
            ),
        };
        self.tell(finding);
        sent.ticket
    }

    /// The requests of the ticket: what was typed, and something fitting for whatever else is demanded.
    fn steps(
        &self,
        directory: &Arc<Directory>,
        system: &dyn System,
        mark: &str,
    ) -> Result<Vec<StepPayload>> {
        let schema: Arc<dyn Schema> = Arc::from(systems::schema_for(directory.snapshot())?);
        let table = schema.create();
        let mut values = Vec::new();
        for typed in &self.args.set {
            let Some((name, value)) = typed.split_once('=') else {
                return Err(Error::usage(format!("`--set {typed}` has no `=`"))
                    .hint("write it as --set FIELD=VALUE"));
            };
            values.push((name.to_owned(), value.to_owned()));
        }
        let user = system.account().user.as_deref();
        for field in &table.fields {
            let is_title = field.called == called::TITLE;
            let is_description = field.name == table.description;
            let wanted = field.required || is_title || is_description;
            if !wanted || values.iter().any(|(name, _)| name == field.name) {
                continue;
            }
            let value = match (is_title, is_description) {
                (true, _) => Some(TITLE.to_owned()),
                (_, true) => Some(format!(
                    "Made by `deskferry doctor`, which removes it.\n\n{mark}"
                )),
                _ => fitting(field, directory, user),
            };
            values.extend(value.map(|value| (field.name.to_owned(), value)));
        }
        let wanted = ByHand {
            operation: Operation::Create,
            values: &values,
            notify: false,
        };
        by_hand(
            &wanted,
            schema,
            Arc::clone(directory),
            &PlanOptions::default(),
        )
        .map_err(|faults| {
            let told: Vec<String> = faults
                .iter()
                .map(|fault| match &fault.field {
                    Some(field) => format!("`{field}`: {}", fault.message),
                    None => fault.message.clone(),
                })
                .collect();
            Error::usage(format!("no ticket can be made up: {}", told.join("; ")))
                .hint("give what is missing with --set FIELD=VALUE")
        })
    }
}

/// Something that a field takes: the token's own user, the issue that stands for others, else the first there is.
fn fitting(field: &Field, directory: &Directory, user: Option<&str>) -> Option<String> {
    let FieldType::Reference(kind) = field.kind else {
        return Some(TEXT.to_owned());
    };
    let preferred = match kind {
        Kind::User => user,
        Kind::Issue => Some("Other"),
        _ => None,
    };
    if let Some(name) = preferred
        && let crate::directory::Found::One(entry) = directory.find(kind, name, &[], None)
    {
        return Some(entry.id.clone());
    }
    let listing = directory.listing(kind)?;
    listing.entries.first().map(|entry| entry.id.clone())
}

/// What came of a create that no system may obey.
enum Refused {
    /// It was refused in this shape, and no ticket was made.
    So(Shape),
    /// Something was made all the same.
    Told(Finding),
    /// Nothing was learned: why.
    Unclear(String),
}

impl Probe<'_> {
    /// Sends the invalid create, and looks whether a ticket was made of it.
    async fn refused(&self, flags: String) -> Result<Refused> {
        let mark = format!("{}-invalid", self.mark);
        let text = format!("Made by `deskferry doctor`, which removes it.\n\n{mark}");
        let body = self.system.schema().invalid_create(TITLE, &text);
        let sent_at = Timestamp::now() + self.system.account().clock_offset;
        let id = Uuid::new_v4();
        let call = Call {
            step: CREATE,
            ticket: None,
            body: &body,
            id,
            old_id: id,
        };
        let mut way = Way::default();
        let answered = loop {
            self.limiter.permit().await;
            let answered = self.system.perform(call, &mut way).await;
            if answered.outcome != Outcome::Further {
                break answered;
            }
        };
        let shape = match (answered.outcome, answered.shape) {
            (Outcome::Rejected(_), Some(shape)) => shape,
            (Outcome::Done(ticket), _) => {
                let removed = self.remove(&ticket, flags).await;
                return Ok(Refused::Unclear(format!(
                    "a ticket with ids that do not exist was taken: ticket {} {}",
                    name(&ticket),
                    removed.detail
                )));
            }
            (Outcome::Forbidden(refusal), _) => {
                let refusal = without_right(&right_of(CREATE), refusal);
                return Ok(Refused::Unclear(format!(
                    "an invalid ticket was not refused: {}",
                    refusal.message
                )));
            }
            (Outcome::Denied(why) | Outcome::InDoubt(why) | Outcome::Unsent(why), _) => {
                return Ok(Refused::Unclear(format!(
                    "an invalid ticket was not refused: {why}"
                )));
            }
            _ => {
                return Ok(Refused::Unclear(
                    "the system takes no more requests".to_owned(),
                ));
            }
        };
        tokio::time::sleep(self.visible_within).await;
        let bears = |listed: &Listed| {
            let text = listed.text.as_deref().unwrap_or_default();
            text.contains(&mark)
        };
        Ok(match self.look(sent_at, &bears).await? {
            None => Refused::So(shape),
            Some(listed) => {
                let removed = self.remove(&listed.ticket, flags).await;
                Refused::Told(Finding::failed(
                    "refusals",
                    format!(
                        "the system refused an invalid ticket ({}) and made it all the same: ticket {} {}",
                        shape.told(),
                        name(&listed.ticket),
                        removed.detail
                    ),
                    "something before the system refuses what it passes on: rows that are refused are looked up",
                ))
            }
        })
    }

    /// The first ticket of two days around a moment that is what is looked for.
    async fn look(
        &self,
        sent_at: Timestamp,
        is_it: &(dyn Fn(&Listed) -> bool + Sync),
    ) -> Result<Option<Listed>> {
        let day = SignedDuration::from_hours(24);
        let window = Window {
            from: sent_at.checked_sub(day).unwrap_or(sent_at),
            to: sent_at.checked_add(day).unwrap_or(sent_at),
        };
        let mut found = None;
        let mut take = |page: Vec<Listed>| {
            let mut page = page.into_iter();
            found = found.take().or_else(|| page.find(is_it));
        };
        self.system
            .list_created(window, self.limiter, &mut take)
            .await?;
        Ok(found)
    }

    /// Whether the ticket is listed back as it was sent.
    async fn compare(&self, ticket: &Ticket, sent_at: Timestamp) -> Vec<Finding> {
        let listed = match self.listed(ticket, sent_at).await {
            Ok(Some(listed)) => listed,
            Ok(None) => {
                return vec![Finding::failed(
                    "listed back",
                    format!("ticket {} is in no listing", name(ticket)),
                    "a row whose answer is lost could not be found: raise `visible_within` in the profile, and see whether the token's user may see such tickets",
                )];
            }
            Err(error) => return vec![failure("listed back", &error)],
        };
        let mut findings = vec![Finding::ok("listed back", "the listing shows the ticket")];
        let text = listed.text.as_deref().unwrap_or_default();
        findings.push(match (text.contains(&self.mark), listed.text.is_some()) {
            (true, _) => Finding::ok("marker", "the reference line came back as it was sent"),
            (false, true) => Finding::failed(
                "marker",
                "the description came back without its reference line",
                "mappings need `marker = { custom_field = \"…\" }`, else rows whose answer is lost are left to you",
            ),
            (false, false) => Finding::failed(
                "marker",
                "the listing does not show the description",
                "mappings need `marker = { custom_field = \"…\" }`, else rows whose answer is lost are left to you",
            ),
        });
        findings.push(zone(listed.created_at, sent_at));
        findings
    }

    /// The ticket as a listing shows it. It is looked for in all of two days, so that a wrong zone hides nothing.
    async fn listed(&self, ticket: &Ticket, sent_at: Timestamp) -> Result<Option<Listed>> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(self.visible_within / (LOOKS - 1)).await;
            }
            let is_it = |listed: &Listed| listed.ticket.id == ticket.id;
            let found = self.look(sent_at, &is_it).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Takes the ticket away, and looks whether it is.
    async fn remove(&self, ticket: &Ticket, flags: String) -> Finding {
        let note = "Made by `deskferry doctor` to see whether tickets can be written.";
        let mut said = String::new();
        let mut noted = false;
        for tried in 0..REMOVALS {
            if tried > 0 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            self.limiter.permit().await;
            match self.system.undo(ticket, note, noted).await.outcome {
                Outcome::Done(_) | Outcome::Further => {
                    noted = true;
                    let read = self.system.read_ticket(&ticket.id, self.limiter).await;
                    match read {
                        Ok(Reading::Absent) => {
                            return Finding::ok(
                                "removed",
                                format!("ticket {} is gone", name(ticket)),
                            );
                        }
                        Ok(Reading::Found(listed)) if self.system.is_undone(&listed) => {
                            let detail =
                                format!("ticket {} {}", name(ticket), listed.standing.as_str());
                            return Finding::ok("removed", detail);
                        }
                        _ => {
                            said = "the system says that it is removed, but it is still there"
                                .to_owned()
                        }
                    }
                }
                Outcome::Rejected(refusal) | Outcome::Forbidden(refusal) => {
                    said = refusal.message;
                    break;
                }
                Outcome::Denied(why) => {
                    said = why;
                    break;
                }
                Outcome::Throttled(pause) => self.limiter.pause(pause),
                Outcome::Unsent(why) | Outcome::InDoubt(why) => said = why,
            }
        }
        Finding::failed(
            "removed",
            format!("ticket {} stands still: {said}", name(ticket)),
            format!(
                "remove it by hand, or: deskferry ticket close {} {flags}",
                name(ticket)
            ),
        )
    }
}

/// Whether the system's time of the ticket is read in the right zone.
fn zone(created_at: Option<Timestamp>, sent_at: Timestamp) -> Finding {
    const REMEDY: &str =
        "add the site's zone to the profile: `timezone = \"America/Chicago\"`, or whichever it is";
    let Some(created_at) = created_at else {
        return Finding::failed(
            "time of tickets",
            "it cannot be read, since nobody tells its zone",
            REMEDY,
        );
    };
    let off = created_at.duration_since(sent_at);
    match off.abs() <= TOLERANCE {
        true => Finding::ok("time of tickets", "is read in the right zone"),
        false => {
            let hours = off.as_secs_f64() / 3600.0;
            Finding::failed("time of tickets", format!("is {hours:+.1} h off"), REMEDY)
        }
    }
}

fn name(ticket: &Ticket) -> &str {
    ticket.number.as_deref().unwrap_or(&ticket.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::examine::Verdict;

    #[test]
    fn a_wrong_zone_shows_by_its_hours() {
        let sent: Timestamp = "2024-06-21T13:00:00Z".parse().unwrap();
        let at = |text: &str| zone(text.parse().ok(), sent);
        assert_eq!(at("2024-06-21T13:00:02Z").verdict, Verdict::Ok);
        assert_eq!(at("2024-06-21T08:00:02Z").detail, "is -5.0 h off");
        assert_eq!(zone(None, sent).verdict, Verdict::Failed);
    }
}
