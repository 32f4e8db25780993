//! The body of a new ticket and of a change of one (contract incidentiq §6 to §8).

use std::sync::Arc;

use serde_json::Value;

use super::form::Form;
use super::guid;
use super::values::{asset, custom_value, moment, set_custom, tags};
use crate::guid::Guid;
use crate::incidentiq::book::Kind;
use crate::incidentiq::deed::Order;
use crate::incidentiq::files::{self, File};
use crate::incidentiq::state::State;
use crate::incidentiq::ticket::Ticket;
use crate::reply::Refusal;

/// The longest subject.
const MAX_SUBJECT: usize = 255;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Intent {
    /// `/tickets/create`: requestor, issue and location are required.
    New,
    /// `/tickets/new`: the location is the requestor's where it is not said, the issue the first of the type.
    NewAnywhere,
    /// A change of what is there.
    Update,
}

/// A ticket and the files that came with it.
pub(in super::super) type WithFiles = (Ticket, Vec<Arc<File>>);

/// A new ticket from the body of a create.
pub(in super::super) fn drafted(
    state: &State,
    order: &Order<'_>,
    intent: Intent,
) -> Result<WithFiles, Refusal> {
    let book = &*state.book;
    let mut form = Form::new(book, order.body)?;
    let mut ticket = Ticket::blank(order.at);
    ticket.id = order.target;
    ticket.owner = order.by;
    let by_type = guid(order.body, "IssueTypeId")
        .filter(|_| intent == Intent::NewAnywhere)
        .and_then(|id| {
            book.district
                .issues
                .iter()
                .position(|issue| issue.kind.0 == id)
        });
    for name in ["ForId", "IssueId", "LocationId"] {
        let is_needed = match name {
            "LocationId" => intent == Intent::New,
            "IssueId" => by_type.is_none(),
            _ => true,
        };
        let id = form
            .at(name)
            .flatten()
            .and_then(Value::as_str)
            .unwrap_or("-");
        let is_absent = form.at(name).flatten().is_none() || id.parse() == Ok(Guid::ZERO);
        if is_needed && is_absent {
            form.bad
                .push((name.to_owned(), format!("The {name} field is required.")));
        }
    }
    ticket.issue = by_type.unwrap_or(ticket.issue);
    fill(&mut form, &mut ticket, Intent::New);
    if let Some(flag) = form.flag("IsTraining") {
        ticket.is_training = flag;
    }
    for name in ["IssueTypeId", "IssueCategoryId"] {
        form.guid(name);
    }
    followers(&mut form, &mut ticket);
    if form.at("LocationId").flatten().is_none() {
        ticket.location = book.district.users[ticket.requestor].location;
    }
    if ticket.subject.trim().is_empty() {
        // The server makes a subject of the issue where there is none (contract §6, `Subject`).
        ticket
            .subject
            .clone_from(&book.district.issues[ticket.issue].name);
    }
    let files = attachments(&mut form, &mut ticket, state, order);
    finish(&mut form, &ticket);
    form.refuse_if_bad()?;
    Ok((ticket, files))
}

/// The ticket after an update; where the order says so, what the body leaves out is blanked (contract §8).
pub(in super::super) fn updated(
    state: &State,
    order: &Order<'_>,
    before: &Ticket,
) -> Result<WithFiles, Refusal> {
    let mut form = Form::new(&state.book, order.body)?;
    let mut ticket = before.clone();
    let issue = ticket.issue;
    if order.blanking {
        ticket.description = None;
        ticket.location_details = None;
        ticket.room = None;
        ticket.assignee = None;
        ticket.team = None;
        ticket.due = None;
    }
    ticket.assets_at = order.at;
    fill(&mut form, &mut ticket, Intent::Update);
    if ticket.assets == before.assets {
        ticket.assets_at = before.assets_at;
    }
    fill_update(&mut form, &mut ticket);
    let keeps_subject =
        form.at("Subject").is_some() || form.flag("BypassSubjectUpdate") == Some(true);
    if order.blanking && ticket.issue != issue && !keeps_subject {
        ticket
            .subject
            .clone_from(&state.book.district.issues[ticket.issue].name);
    }
    if form.flag("UpdateTicketFollowers") == Some(true) {
        followers(&mut form, &mut ticket);
    }
    let files = if form.flag("UpdateAttachments") == Some(true) {
        attachments(&mut form, &mut ticket, state, order)
    } else {
        Vec::new()
    };
    finish(&mut form, &ticket);
    form.refuse_if_bad()?;
    Ok((ticket, files))
}

/// Files that came with the ticket itself: `{FileName, FileData, ContentType}` (contract §6).
fn attachments(
    form: &mut Form<'_>,
    ticket: &mut Ticket,
    state: &State,
    order: &Order<'_>,
) -> Vec<Arc<File>> {
    let mut made = Vec::new();
    for item in form.list("Attachments").unwrap_or_default() {
        // One that is there already is named by its id.
        if let Some(known) = guid(item, "FileId").and_then(|id| state.file(id).ok()) {
            if !ticket.attachments.iter().any(|file| file.id == known.id) {
                ticket.attachments.push(known.clone());
            }
            continue;
        }
        let nth = state.files.len() + made.len();
        match files::inline(item, state.next_id("file", nth), order.at) {
            Ok(file) => made.push(Arc::new(file)),
            Err(message) => form.wrong.push(("Attachments".to_owned(), message)),
        }
    }
    ticket.attachments.extend(made.iter().cloned());
    made
}

/// What create and update both take.
fn fill(form: &mut Form<'_>, ticket: &mut Ticket, intent: Intent) {
    if let Some(subject) = form.text("Subject").flatten() {
        ticket.subject = subject.to_owned();
    }
    if let Some(description) = form.text("IssueDescription") {
        ticket.description = description.map(str::to_owned);
    }
    if let Some(details) = form.text("LocationDetails") {
        ticket.location_details = details.map(str::to_owned);
    }
    if let Some(Some(user)) = form.reference("ForId", Kind::User, "User") {
        ticket.requestor = user;
    }
    if let Some(Some(location)) = form.reference("LocationId", Kind::Location, "Location") {
        ticket.location = location;
    }
    if let Some(room) = form.reference("LocationRoomId", Kind::Room, "Room") {
        ticket.room = room;
    }
    if let Some(Some(issue)) = form.reference("IssueId", Kind::Issue, "Issue") {
        ticket.issue = issue;
    }
    if let Some(product) = form.text("ProductId").flatten()
        && product.parse() != Ok(form.book.district.product)
    {
        let message = format!("Product {product} is not available on this site.");
        form.wrong.push(("ProductId".to_owned(), message));
    }
    if let Some(source) = form.integer("SourceId") {
        if (1..=5).contains(&source) {
            ticket.source = source;
        } else {
            let message = format!("Source {source} does not exist.");
            form.wrong.push(("SourceId".to_owned(), message));
        }
    }
    if let Some(flag) = form.flag("IsUrgent") {
        ticket.is_urgent = flag;
    }
    if let Some(flag) = form.flag("HasSensitiveInformation") {
        ticket.is_sensitive = flag;
    }
    for name in ["RunRules", "SendNotifications", "SendEmails"] {
        form.flag(name);
    }
    if let Some(category) = form.guid("TicketWizardCategoryId") {
        ticket.wizard_category = category;
    }
    let is_new = intent != Intent::Update;
    if is_new || form.flag("UpdateCustomFields") == Some(true) {
        let keeps = is_new || form.flag("DeleteMissingCustomFieldValues") == Some(false);
        custom_values(form, ticket, keeps);
    }
    if is_new || form.flag("UpdateAssets") == Some(true) {
        assets(form, ticket);
    }
}

/// What only an update takes (contract §6, W without C).
fn fill_update(form: &mut Form<'_>, ticket: &mut Ticket) {
    if let Some(Some(owner)) = form.reference("OwnerId", Kind::User, "User") {
        ticket.owner = owner;
    }
    if let Some(agent) = form.reference("AssignedToUserId", Kind::User, "User") {
        ticket.assignee = agent;
    }
    if let Some(team) = form.reference("AssignedToTeamId", Kind::Team, "Team") {
        ticket.team = team;
    }
    if let Some(priority) = form.integer("Priority") {
        ticket.priority = priority;
    }
    if let Some(Some(band)) = form.reference("PriorityLevelId", Kind::Priority, "Priority") {
        ticket.priority = form.book.district.priorities[band].band.0;
    }
    if let Some(flag) = form.flag("IsIssueConfirmed") {
        ticket.is_confirmed = flag;
    }
    if let Some(due) = form.text("DueDate") {
        match due.map(|text| moment(text, form.book)).transpose() {
            Ok(due) => ticket.due = due,
            Err(message) => form.bad.push(("DueDate".to_owned(), message)),
        }
    }
    if form.flag("UpdateTags") == Some(true)
        && let Some(items) = form.list("Tags")
    {
        match tags(form.book, items) {
            Ok(tags) => ticket.tags = tags,
            Err(message) => form.wrong.push(("Tags".to_owned(), message)),
        }
    }
}

/// Who follows a new ticket, or an old one from now on.
fn followers(form: &mut Form<'_>, ticket: &mut Ticket) {
    let lists = [
        ("TicketFollowers", Kind::User),
        ("TicketFollowerUserIds", Kind::User),
        ("TicketFollowerTeamIds", Kind::Team),
    ];
    for (name, kind) in lists {
        let Some(items) = form.list(name) else {
            continue;
        };
        let mut places = Vec::new();
        for item in items {
            let id = item.as_str().and_then(|id| id.parse().ok());
            let id = id.or_else(|| guid(item, "UserId"));
            match id.and_then(|id| form.book.find(kind, id)) {
                Some(place) => places.push(place),
                None => form
                    .wrong
                    .push((name.to_owned(), format!("Follower {item} does not exist."))),
            }
        }
        match kind {
            Kind::Team => ticket.followers.teams = places,
            _ => ticket.followers.users = places,
        }
    }
}

/// What holds between fields.
fn finish(form: &mut Form<'_>, ticket: &Ticket) {
    let length = ticket.subject.chars().count();
    if length > MAX_SUBJECT {
        let message = format!(
            "The field Subject must be a string with a maximum length of {MAX_SUBJECT} (it has {length})."
        );
        form.wrong.push(("Subject".to_owned(), message));
    }
    if let Some(room) = ticket.room
        && form.book.district.rooms[room].location != ticket.location
    {
        let message = "The room does not belong to the location.".to_owned();
        form.wrong.push(("LocationRoomId".to_owned(), message));
    }
}

/// Unless told to keep them, an update takes off the values that it does not name (contract §8).
fn custom_values(form: &mut Form<'_>, ticket: &mut Ticket, keeps: bool) {
    let Some(items) = form.list("CustomFieldValues") else {
        return;
    };
    if !keeps {
        ticket.custom.clear();
    }
    for item in items {
        match custom_value(form.book, item) {
            Ok((field, value)) => set_custom(ticket, field, value),
            Err(message) => form.wrong.push(("CustomFieldValues".to_owned(), message)),
        }
    }
}

fn assets(form: &mut Form<'_>, ticket: &mut Ticket) {
    let Some(items) = form.list("Assets") else {
        return;
    };
    ticket.assets.clear();
    for item in items {
        // A device without a tag is named by what it is: no device of the district answers to that.
        if guid(item, "AssetId").is_none() && guid(item, "ModelId").is_some() {
            continue;
        }
        match asset(form.book, item) {
            Ok(asset) => ticket.assets.push(asset),
            Err(message) => form.wrong.push(("Assets".to_owned(), message)),
        }
    }
}
