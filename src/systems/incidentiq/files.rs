//! Files and the tickets that they hang on (contract incidentiq §14, §21): an upload, a link, the list read back.
//!
//! An upload alone hangs on nothing: one whose answer is lost leaves a file that no ticket shows. Only the link is what must
//! not be made twice, and the list of a ticket's files tells whether it was.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::IncidentIq;
use super::calls::Sending;
use super::common::attachment;
use super::envelope::{id, is_same, text};
use super::paging::{self, SIZE};
use super::tickets::{refused, segment};
use super::verify_step::{WITNESSES, made};
use crate::error::{Error, Result};
use crate::systems::attach::{BYTES, FileFacts, Hanging, NAME, TakeBytes, Unread};
use crate::systems::http::classify::{Expect, before_write, pause, write};
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::{member, refusal};
use crate::systems::http::{Fetched, Request};
use crate::systems::{
    Answered, Beside, Call, Next, Outcome, Permit, Print, Refusal, SentAt, Sighting, Ticket, Way,
};

/// The type of entities that tickets are (§5).
const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";

/// The call that uploads a file.
const UPLOAD: &str = "/v1.0/files";

/// How often the reading of a file is tried.
const TRIES: u32 = 4;

/// What a link that was made before a step was sent may be off by, for clocks that are apart.
const CLOCKS: SignedDuration = SignedDuration::from_mins(10);

/// Where a list ends that never does.
const MOST_PAGES: u64 = 100;

impl IncidentIq {
    /// Sends the next request of a call that hangs a file on its ticket.
    pub(super) async fn attach_file(
        &self,
        call: Call<'_>,
        file: &FileFacts,
        way: &mut Way,
    ) -> Answered {
        let Some(ticket) = call.ticket else {
            return refused(format!(
                "the step `{}` needs a ticket that stands",
                call.step
            ));
        };
        let ticket_id = match segment(&ticket.id) {
            Ok(id) => id,
            Err(why) => return refused(why),
        };
        match way.next.take() {
            None => self.upload(ticket_id, file, None, way).await,
            Some(next) if next.path == UPLOAD => self.upload(ticket_id, file, next.body, way).await,
            Some(next) if next.method == Method::POST => self.link(ticket, next, way).await,
            Some(next) => self.read_back(ticket, file, next, way).await,
        }
    }

    /// Uploads a file. No ticket shows what was uploaded before it is linked: a refusal needs no proof, and what was not
    /// answered goes once more. `lost`: what became of the upload before this one.
    async fn upload(
        &self,
        ticket_id: &str,
        file: &FileFacts,
        lost: Option<Value>,
        way: &mut Way,
    ) -> Answered {
        let request = Request::new(Method::POST, UPLOAD);
        let answer = self.transport.send_file(&request, "file", file).await;
        let expect = Expect {
            call: "files",
            ticket: &|body| uploaded(body),
            title: &|_| None,
            levels: 2,
            standing: None,
            makes_more: false,
            rename: str::to_owned,
        };
        let answered = Answered {
            shape: None,
            ..write(answer, &expect)
        };
        match answered.outcome {
            Outcome::Done(uploaded) => match segment(&uploaded.id) {
                Ok(id) => {
                    let path = format!("/v1.0/files/{id}/entity/{TICKETS}/{ticket_id}");
                    way.further(next(Method::POST, path, lost), answered.spent)
                }
                Err(why) => refused(why),
            },
            Outcome::Rejected(refusal) => Answered {
                outcome: Outcome::Rejected(of_file(refusal, file)),
                ..answered
            },
            Outcome::InDoubt(what) => {
                let what = format!(
                    "{what}; the upload of `{}` may have left a file that hangs on no ticket",
                    file.name
                );
                match lost {
                    None => {
                        let again = next(Method::POST, UPLOAD.to_owned(), Some(json!(what)));
                        way.further(again, answered.spent)
                    }
                    Some(_) => Answered {
                        outcome: Outcome::InDoubt(what),
                        ..answered
                    },
                }
            }
            Outcome::Throttled(_) | Outcome::Unsent(_) if lost.is_some() => {
                way.next = Some(next(Method::POST, UPLOAD.to_owned(), lost));
                answered
            }
            _ => answered,
        }
    }

    async fn link(&self, ticket: &Ticket, link: Next, way: &mut Way) -> Answered {
        let sending = Sending::new(Method::POST, link.path.clone(), Some(ticket));
        let answered = self.send(&sending).await.0;
        match &answered.outcome {
            Outcome::Done(_) => {
                let mut parts = link.path.split('/').skip(3);
                let id = parts.next().unwrap_or_default();
                let path = format!("/v1.0/files/entity/{TICKETS}/{}", ticket.id);
                let list = json!({"FileId": id, "Warning": link.body});
                let list = next(Method::GET, path, Some(list));
                way.further(list, answered.spent)
            }
            Outcome::Throttled(_) | Outcome::Unsent(_) => {
                way.next = Some(link);
                answered
            }
            _ => answered,
        }
    }

    /// Reads the ticket's files back. The link was answered: that the file is not shown to us is worth a warning, and is no
    /// reason to send it again.
    async fn read_back(
        &self,
        ticket: &Ticket,
        file: &FileFacts,
        list: Next,
        way: &mut Way,
    ) -> Answered {
        let answer = self.transport.send(&Request::get(&list.path)).await;
        let wanted = list.body.as_ref().and_then(|body| id(body, "FileId"));
        let lost = list.body.as_ref().and_then(|body| text(body, "Warning"));
        let done = |warning: Option<String>| Ticket {
            warnings: lost.iter().cloned().chain(warning).collect(),
            ..ticket.clone()
        };
        let (why, spent) = match before_write(answer, str::to_owned) {
            Ok((body, spent)) => {
                let rows = paging_rows(&body);
                let is_it = |row: &&Value| {
                    let own = id(row, "FileId");
                    own.zip(wanted.as_ref())
                        .is_some_and(|(own, it)| is_same(&own, it))
                };
                match rows.iter().find(is_it) {
                    Some(row) if differs(row, file) => (
                        format!(
                            "the ticket shows it with {} bytes, and {} were sent",
                            size(row).unwrap_or_default(),
                            file.bytes
                        ),
                        spent,
                    ),
                    Some(_) => {
                        return Answered {
                            spent,
                            ..Outcome::Done(done(None)).into()
                        };
                    }
                    None => ("the ticket does not show it".to_owned(), spent),
                }
            }
            Err(answered) => match answered.outcome {
                Outcome::Throttled(_) | Outcome::Unsent(_) => {
                    way.next = Some(list);
                    return answered;
                }
                Outcome::Rejected(refusal) | Outcome::Forbidden(refusal) => {
                    (refusal.message, answered.spent)
                }
                Outcome::InDoubt(what) | Outcome::Denied(what) => (what, answered.spent),
                Outcome::Done(_) | Outcome::Further => (String::new(), answered.spent),
            },
        };
        let warning = format!(
            "`{}` was attached and could not be read back: {why}",
            file.name
        );
        Answered {
            spent,
            ..Outcome::Done(done(Some(warning))).into()
        }
    }

    /// Reads a file by its id.
    pub(super) async fn read_attached(
        &self,
        file: &str,
        permit: &dyn Permit,
        take: TakeBytes<'_>,
    ) -> std::result::Result<Option<String>, Unread> {
        let file = segment(file).map_err(Unread::Gone)?;
        let path = format!("/v1.0/files/{file}");
        let mut tried = 0;
        loop {
            permit.permit().await;
            tried += 1;
            let mut began = false;
            let mut note = |piece: &[u8]| {
                began = true;
                take(piece)
            };
            let fetched = self
                .transport
                .read_file(&Request::get(&path), &mut note)
                .await;
            let failed = match fetched {
                Ok(Fetched::Whole(kind)) => return Ok(kind),
                Ok(Fetched::Unkept(error)) => return Err(Unread::Unkept(error.to_string())),
                Ok(Fetched::Answer(answer)) => {
                    let said = || refusal(answer.status, &answer, str::to_owned).message;
                    match answer.status {
                        404 | 410 if !answer.is_page() => return Err(Unread::Gone(said())),
                        401 | 403 => return Err(Unread::Forbidden(said())),
                        429 => permit.pause(pause(&answer, Timestamp::now())),
                        _ => {}
                    }
                    format!("the system answered {}: {}", answer.status, said())
                }
                Err(lost) => lost.message().to_owned(),
            };
            // Half a file was handed on already: whoever keeps it begins anew.
            if began || tried >= TRIES {
                return Err(Unread::Broken(failed));
            }
        }
    }
}

/// Whether a file hangs on a ticket that was sent at `since`: by its name and size, and not from before. That none does counts
/// only where a file is listed back that the ledger holds as done: a site that takes the ids of the path in another order, or
/// shows its token no such file, lists none either.
pub(super) async fn attached(
    system: &IncidentIq,
    call: Call<'_>,
    file: Option<&FileFacts>,
    beside: Beside<'_>,
    since: SentAt,
    reader: Reader<'_>,
) -> Result<Sighting> {
    let ticket = call
        .ticket
        .ok_or_else(|| Error::usage(format!("the step `{}` has no ticket", call.step)))?;
    let ticket_id = segment(&ticket.id).map_err(Error::usage)?;
    let name = call.body["name"].as_str().unwrap_or_default();
    let (rows, is_whole) = list(ticket_id, reader).await?;
    let is_before = |row: &Value| {
        let made = made(system, row, false);
        let limit = since.at.checked_sub(CLOCKS).unwrap_or(since.at);
        let times = [made.at, made.or];
        let mut known = times.iter().flatten().peekable();
        known.peek().is_some() && known.all(|at| *at < limit)
    };
    let found = |row: &&Value| {
        names(row).any(|own| own == name)
            && !is_deleted(row)
            && !is_before(row)
            && !file.is_some_and(|file| differs(row, file))
    };
    match (rows.iter().any(|row| found(&row)), file) {
        (true, Some(_)) => return Ok(Sighting::Done),
        (true, None) => {
            return Ok(Sighting::Unclear(format!(
                "a file `{name}` hangs on the ticket, and the one that was to be sent cannot be read to compare them"
            )));
        }
        (false, _) if !is_whole => {
            return Ok(Sighting::Unclear(
                "the ticket's files cannot be listed to their end".to_owned(),
            ));
        }
        (false, _) => {}
    }
    let shows = |rows: &[Value], print: &Print| rows.iter().any(|row| is_of(row, print));
    if !beside.here.iter().all(|print| shows(&rows, print)) {
        return Ok(Sighting::Unclear(
            "it is not shown, and a file that was attached before is not either".to_owned(),
        ));
    }
    if !beside.here.is_empty() {
        return Ok(Sighting::Absent);
    }
    for (other, print) in beside.elsewhere.iter().take(WITNESSES) {
        if let Ok(other) = segment(other)
            && let Ok((rows, _)) = list(other, reader).await
            && shows(&rows, print)
        {
            return Ok(Sighting::Absent);
        }
    }
    Ok(Sighting::Unseen(
        "it is not shown, and no other file that was attached was listed back either, so that proves nothing"
            .to_owned(),
    ))
}

/// The files that hang on a ticket.
pub(super) async fn hanging(
    system: &IncidentIq,
    ticket: &str,
    reader: Reader<'_>,
) -> Result<Hanging> {
    let (rows, is_whole) = list(segment(ticket).map_err(Error::usage)?, reader).await?;
    let files = rows.iter().filter_map(|row| attachment(system, row));
    Ok(Hanging {
        files: files.collect(),
        is_whole,
    })
}

/// The files of a ticket, and whether all of them came.
async fn list(
    ticket_id: &str,
    reader: Reader<'_>,
) -> std::result::Result<(Vec<Value>, bool), ReadFailure> {
    let listed = pages(&format!("{TICKETS}/{ticket_id}"), reader).await?;
    if !listed.0.is_empty() {
        return Ok(listed);
    }
    // Some sites take the two ids in the other order (§14).
    match pages(&format!("{ticket_id}/{TICKETS}"), reader).await {
        Ok(other) if other.0.is_empty() => Ok(listed),
        Ok(other) => Ok(other),
        Err(failure) if failure.is_unknown_call() || failure.is_denied() => Ok(listed),
        Err(failure) => Err(failure),
    }
}

/// A list of files to its end, and whether as many came as the system counts. One that counts nothing ends with a page that is
/// not full and is followed by nothing else.
async fn pages(
    of: &str,
    reader: Reader<'_>,
) -> std::result::Result<(Vec<Value>, bool), ReadFailure> {
    let call = paging::Call::get(format!("/v1.0/files/entity/{of}"));
    let (mut rows, mut total, mut is_full) = (Vec::new(), None, false);
    for index in 0..MOST_PAGES {
        let page = call.page(reader, index, SIZE).await?;
        total = page.total.max(total);
        let before = rows.len();
        is_full = page.items.len() as u64 >= SIZE;
        for row in page.items {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let is_all = total.is_some_and(|total| rows.len() as u64 >= total);
        if is_all || rows.len() == before {
            break;
        }
    }
    let is_whole = total.map_or(!is_full, |total| rows.len() as u64 >= total);
    Ok((rows, is_whole))
}

/// Whether a listed file is one that the ledger holds as done.
fn is_of(row: &Value, print: &Print) -> bool {
    let size = size(row).filter(|size| *size != 0);
    names(row).any(|name| print.is(NAME, &name) == Some(true))
        && size.is_none_or(|size| print.is(BYTES, &size.to_string()) != Some(false))
}

/// What a listed file is called.
fn names(row: &Value) -> impl Iterator<Item = String> {
    ["FileName", "Name"]
        .into_iter()
        .filter_map(|member| text(row, member))
}

fn next(method: Method, path: String, body: Option<Value>) -> Next {
    Next {
        method,
        path,
        body,
        before: None,
    }
}

/// The file that an upload's answer names.
fn uploaded(body: &Value) -> Option<Ticket> {
    let item = member(body, &["Item"]).unwrap_or(&Value::Null);
    let id = id(item, "FileId").or_else(|| id(body, "Uid"))?;
    Some(Ticket {
        id,
        ..Ticket::default()
    })
}

fn paging_rows(body: &Value) -> &[Value] {
    let rows = body
        .as_array()
        .or_else(|| member(body, &["Items"])?.as_array())
        .or_else(|| member(body, &["Item"])?.as_array());
    rows.map(Vec::as_slice).unwrap_or_default()
}

fn size(row: &Value) -> Option<u64> {
    member(row, &["Size"]).and_then(Value::as_u64)
}

/// Whether a listed file is another one, by its size.
fn differs(row: &Value, file: &FileFacts) -> bool {
    size(row).is_some_and(|size| size != 0 && size != file.bytes)
}

fn is_deleted(row: &Value) -> bool {
    member(row, &["IsDeleted"]).and_then(Value::as_bool) == Some(true)
}

/// A refusal that names the file.
fn of_file(refusal: Refusal, file: &FileFacts) -> Refusal {
    Refusal {
        message: format!(
            "`{}` ({} bytes): {}",
            file.name, file.bytes, refusal.message
        ),
        fields: Vec::new(),
        ..refusal
    }
}
