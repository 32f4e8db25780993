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
use super::verify_step::made;
use crate::error::{Error, Result};
use crate::systems::attach::{FileFacts, Hanging, TakeBytes, Unread};
use crate::systems::http::classify::{Expect, before_write, pause, write};
use crate::systems::http::reader::{ReadFailure, Reader};
use crate::systems::http::refusal::{member, refusal};
use crate::systems::http::{Fetched, Request};
use crate::systems::{
    Answered, Call, Next, Outcome, Permit, Refusal, SentAt, Sighting, Ticket, Way,
};

/// The type of entities that tickets are (§5).
const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";

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
            None => self.upload(ticket_id, file, way).await,
            Some(next) if next.method == Method::POST => self.link(ticket, next, way).await,
            Some(next) => self.read_back(ticket, file, next, way).await,
        }
    }

    async fn upload(&self, ticket_id: &str, file: &FileFacts, way: &mut Way) -> Answered {
        let request = Request::new(Method::POST, "/v1.0/files");
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
        let answered = write(answer, &expect);
        match answered.outcome {
            Outcome::Done(uploaded) => match segment(&uploaded.id) {
                Ok(id) => {
                    let path = format!("/v1.0/files/{id}/entity/{TICKETS}/{ticket_id}");
                    way.further(next(Method::POST, path, None), answered.spent)
                }
                Err(why) => refused(why),
            },
            Outcome::Rejected(refusal) => Answered {
                outcome: Outcome::Rejected(of_file(refusal, file)),
                ..answered
            },
            Outcome::InDoubt(what) => Answered {
                outcome: Outcome::InDoubt(format!(
                    "{what}; the upload of `{}` may have left a file that hangs on no ticket",
                    file.name
                )),
                ..answered
            },
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
                let list = next(Method::GET, path, Some(json!({"FileId": id})));
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
        let done = |warning: Option<String>| Ticket {
            warnings: warning.into_iter().collect(),
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
    ) -> std::result::Result<(), Unread> {
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
                Ok(Fetched::Whole) => return Ok(()),
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

/// Whether a file hangs on a ticket that was sent at `since`: by its name and size, and not from before.
pub(super) async fn attached(
    system: &IncidentIq,
    call: Call<'_>,
    file: Option<&FileFacts>,
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
    let is_named = |row: &Value| {
        let names = ["FileName", "Name"].map(|member| text(row, member));
        names.iter().flatten().any(|own| own == name)
    };
    let found = |row: &&Value| {
        is_named(row)
            && !is_deleted(row)
            && !is_before(row)
            && !file.is_some_and(|file| differs(row, file))
    };
    Ok(match (rows.iter().any(|row| found(&row)), file) {
        (true, Some(_)) => Sighting::Done,
        (true, None) => Sighting::Unclear(format!(
            "a file `{name}` hangs on the ticket, and the one that was to be sent cannot be read to compare them"
        )),
        (false, _) if is_whole => Sighting::Absent,
        (false, _) => {
            Sighting::Unclear("the ticket's files cannot be listed to their end".to_owned())
        }
    })
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

/// The files of a ticket, and whether as many came as the system counts.
async fn list(
    ticket_id: &str,
    reader: Reader<'_>,
) -> std::result::Result<(Vec<Value>, bool), ReadFailure> {
    let call = paging::Call::get(format!("/v1.0/files/entity/{TICKETS}/{ticket_id}"));
    let (mut rows, mut total) = (Vec::new(), None);
    for index in 0..MOST_PAGES {
        let page = call.page(reader, index, SIZE).await?;
        total = page.total.or(total);
        let before = rows.len();
        for row in page.items {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let is_all = total.is_none_or(|total| rows.len() as u64 >= total);
        if is_all || rows.len() == before {
            break;
        }
    }
    let is_whole = total.is_none_or(|total| rows.len() as u64 >= total);
    Ok((rows, is_whole))
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
