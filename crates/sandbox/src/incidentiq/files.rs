//! Files, and the tickets that they hang on (contract incidentiq §14).

use std::sync::Arc;

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{self, guid, id, object_or_empty, required, text};
use super::book::Book;
use super::deed::{Deed, Deeds, Effect, Order};
use super::state::State;
use super::ticket::Ticket;
use super::{IncidentIq, dates, envelope};
use crate::Temper;
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::Row;
use crate::multipart;
use crate::reply::{Answer, Refusal, Reply};

/// A file larger than this is refused with 413.
const MAX_SIZE: usize = 25 << 20;
/// The type of entities that tickets are (contract §5).
const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";

pub(super) const ROUTES: &[Row] = &[
    Row::create("POST", "/files", "file", upload)
        .takes("Multipart(file)")
        .gives("Item(File)")
        .status(201),
    Row::create("POST", "/files/base64/save", "file", save)
        .takes("{FileName* text, Content* text, FileType int?}")
        .gives("Item(File)")
        .status(201),
    Row::write(
        "POST",
        "/files/{fileId:guid}/entity/{entityTypeId:guid}/{entityId:guid}",
        "file_link",
        link,
    )
    .gives("Action"),
    Row::write(
        "DELETE",
        "/files/{fileId:guid}/entity/{entityTypeId:guid}/{entityId:guid}",
        "file_unlink",
        link,
    )
    .gives("Action"),
    Row::write(
        "DELETE",
        "/files/{fileId:guid}",
        "file_delete",
        |iiq, call| {
            drop(iiq.obey(call, id(call, "fileId")?, &json!({}))?);
            Ok(envelope::action("OK"))
        },
    )
    .gives("Action"),
    Row::read(
        "GET",
        "/files/{fileId:guid}/details",
        "file_details",
        |iiq, call| {
            let state = iiq.state();
            let file = state.file(id(call, "fileId")?)?;
            let shown = file.shown(&state.book, iiq.rules.temper);
            Ok(envelope::item(200, &shown, None))
        },
    )
    .gives("Item(File)"),
    Row::read(
        "GET",
        "/files/base64/{fileId:guid}",
        "download",
        |iiq, call| {
            let state = iiq.state();
            let file = state.file(id(call, "fileId")?)?;
            let shown = json!({
                "FileName": file.name, "FileType": 0, "Content": BASE64.encode(&file.content),
            });
            Ok(envelope::item(200, &shown, None))
        },
    )
    .gives("Item({FileName text, FileType int, Content text})"),
    Row::read(
        "GET",
        "/files/entity/{entityTypeId:guid}/{entityId:guid}",
        "files",
        linked,
    )
    .gives("List(File)"),
    Row::read("GET", "/files/{fileId:guid}", "download", |iiq, call| {
        let state = iiq.state();
        let file = state.file(id(call, "fileId")?)?;
        // What people call a file and its type is any text; a header holds no control characters.
        let name = file
            .name
            .replace(|sign: char| sign == '"' || sign.is_control(), "_");
        let kind = match file.kind.chars().any(char::is_control) || file.kind.trim().is_empty() {
            true => media_type(&file.name),
            false => &file.kind,
        };
        let disposition = format!("attachment; filename=\"{name}\"");
        Ok(Reply::bytes(kind, &file.content).with("content-disposition", disposition))
    })
    .gives("Binary(file)"),
];

pub(super) const DEEDS: Deeds = &[
    (
        "file",
        Deed::Any(|_, order| {
            let file = inline(order.body, order.target, order.at);
            let file = file.map_err(|message| Refusal::bad("Content", message))?;
            Ok(vec![Effect::File(Arc::new(file))])
        }),
    ),
    ("file_link", Deed::Any(hung)),
    (
        "file_unlink",
        Deed::Any(|state, order| {
            let id = state.file(order.target)?.id;
            let mut ticket = named(state, order)?.clone();
            let before = ticket.attachments.len();
            ticket.attachments.retain(|one| one.id != id);
            if ticket.attachments.len() == before {
                return Err(Refusal::not_found("The file"));
            }
            ticket.modified = order.at;
            Ok(vec![Effect::Changed(Box::new(ticket))])
        }),
    ),
    (
        "file_delete",
        Deed::Any(|state, order| Ok(vec![Effect::FileDeleted(state.file(order.target)?.id)])),
    ),
];

/// A file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) id: Guid,
    pub(super) name: String,
    /// Its media type.
    pub(super) kind: String,
    pub(super) content: Vec<u8>,
    pub(super) at: Timestamp,
}

impl File {
    pub(super) fn shown(&self, book: &Book, temper: Temper) -> Value {
        json!({
            "FileId": self.id, "Name": self.name, "FileName": self.name, "Url": format!("/api/v1.0/files/{}", self.id),
            "FileType": 0, "MimeType": self.kind, "Size": self.content.len(),
            "CreatedDate": dates::shown(self.at, &book.clock.zone, temper),
            "IsPrivateInternal": false, "IsDeleted": false, "IsImage": self.kind.starts_with("image/"),
        })
    }
}

/// A file inside a body: its name, and its content as base64 under one of the names that the documents use.
pub(super) fn inline(item: &Value, id: Guid, at: Timestamp) -> Result<File, String> {
    let name = text(item, "FileName").or_else(|| text(item, "Name"));
    let name = name.filter(|name| !name.trim().is_empty());
    let name = name.ok_or("A file needs a FileName.")?;
    let data = text(item, "FileData").or_else(|| text(item, "Content"));
    let data = data.ok_or("A file needs its content as base64.")?;
    // Browsers put what it is before the content itself.
    let data = data.rsplit_once("base64,").map_or(data, |(_, data)| data);
    let content = BASE64
        .decode(data.trim().as_bytes())
        .map_err(|error| format!("The content of {name} is not base64: {error}."))?;
    if content.len() > MAX_SIZE {
        return Err(format!("{name} is too large."));
    }
    let kind = text(item, "ContentType").or_else(|| text(item, "MimeType"));
    Ok(File {
        id,
        kind: kind.map_or_else(|| media_type(name).to_owned(), str::to_owned),
        name: name.to_owned(),
        content,
        at,
    })
}

/// The media type of a name.
fn media_type(name: &str) -> &'static str {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    match extension.to_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "pdf" => "application/pdf",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        _ => "application/octet-stream",
    }
}

fn too_large() -> Refusal {
    Refusal::new(413, "The file is too large.")
}

fn upload(iiq: &IncidentIq, call: &Call) -> Answer {
    let kind = call.header("content-type").unwrap_or_default();
    let part = multipart::file(kind, &call.body);
    let part = part.ok_or_else(|| Refusal::bad("file", "A form with a file is required."))?;
    if part.content.len() > MAX_SIZE {
        return Err(too_large());
    }
    let body = json!({
        "FileName": part.name, "ContentType": part.kind, "Content": BASE64.encode(part.content),
    });
    kept(iiq, call, &body)
}

fn save(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = object_or_empty(call)?;
    required(&body, "FileName")?;
    // Four letters stand for three bytes.
    if required(&body, "Content")?.len() / 4 * 3 > MAX_SIZE {
        return Err(too_large());
    }
    kept(iiq, call, &body)
}

fn kept(iiq: &IncidentIq, call: &Call, body: &Value) -> Answer {
    let mut state = iiq.state();
    let id = state.next_id("file", state.files.len());
    iiq.obey_in(&mut state, call, "file", id, body)?;
    let shown = state.file(id)?.shown(&state.book, iiq.rules.temper);
    Ok(envelope::item(201, &shown, Some(id)))
}

/// The ticket, in whichever slot its id stands beside that of its type (contract §19, D14).
fn ticket(call: &Call) -> Result<Guid, Refusal> {
    let (first, second) = (id(call, "entityTypeId")?, id(call, "entityId")?);
    match Guid::known(TICKETS) {
        kind if kind == first => Ok(second),
        kind if kind == second => Ok(first),
        _ => Err(Refusal::not_found("The ticket")),
    }
}

fn link(iiq: &IncidentIq, call: &Call) -> Answer {
    let body = json!({ "EntityTypeId": TICKETS, "EntityId": ticket(call)? });
    drop(iiq.obey(call, id(call, "fileId")?, &body)?);
    Ok(envelope::action("OK"))
}

/// The ticket that a body names.
fn named<'s>(state: &'s State, order: &Order<'_>) -> Result<&'s Ticket, Refusal> {
    let ticket = guid(order.body, "EntityId").ok_or_else(|| body::missing("EntityId"))?;
    state.ticket(ticket)
}

/// Hangs a file on a ticket, among whose attachments it stands from then on.
fn hung(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let file = state.file(order.target)?;
    let mut ticket = named(state, order)?.clone();
    ticket.attachments.retain(|one| one.id != file.id);
    ticket.attachments.push(file.clone());
    ticket.modified = order.at;
    Ok(vec![Effect::Changed(Box::new(ticket))])
}

fn linked(iiq: &IncidentIq, call: &Call) -> Answer {
    let state = iiq.state();
    let ticket = state.ticket(ticket(call)?)?;
    iiq.check_seen(call, ticket)?;
    let shown = |file: &Arc<File>| file.shown(&state.book, iiq.rules.temper);
    let items: Vec<_> = ticket.attachments.iter().map(shown).collect();
    Ok(envelope::whole(&items))
}
