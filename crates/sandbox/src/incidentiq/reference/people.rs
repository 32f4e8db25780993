//! People, agents and teams (contract incidentiq §16).

use serde_json::{Value, json};

use super::{at_path, done, fresh, gone, json_of, named, shown_after};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{self, get, id, is_set, object_or_empty, text};
use crate::incidentiq::book::{Book, Json, Kind, role};
use crate::incidentiq::deed::Order;
use crate::incidentiq::envelope;
use crate::incidentiq::metadata::{cut, one};
use crate::incidentiq::search::PAGED;
use crate::reply::{Answer, Refusal};
use crate::seed::District;
use crate::seed::district::{Role, Team, User};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/users", "users", listed)
        .query(PAGED)
        .takes("UserSearch")
        .gives("List(User)"),
    Row::read("POST", "/users/list", "users", listed)
        .query(PAGED)
        .takes("UserSearch")
        .gives("List(User)"),
    Row::read("GET|POST", "/users/agents", "agents", agents)
        .query(PAGED)
        .gives("List(User)"),
    Row::read("GET|POST", "/users/agents/list", "agents", agents)
        .query(PAGED)
        .gives("List(User)"),
    Row::read(
        "GET",
        "/users/by-email/{siteId:guid}/{email}",
        "user",
        |iiq, call| by_name(iiq, call.parameter("email")),
    )
    .gives("Item(User)"),
    Row::read(
        "GET",
        "/users/by-username/{siteId:guid}/{username}",
        "user",
        |iiq, call| by_name(iiq, call.parameter("username")),
    )
    .gives("Item(User)"),
    Row::read("GET", "/users/search/{query}", "users", search)
        .query(PAGED)
        .gives("List(User)"),
    Row::read("GET", "/users/{userId:guid}", "user", |iiq, call| {
        one(&iiq.book(), call, "userId", Kind::User, |book| &book.users)
    })
    .gives("Item(User)"),
    Row::create("POST", "/users/local/new", "user_save", |iiq, call| {
        shown_after(
            iiq,
            call,
            ("user_save", fresh(iiq)),
            &object_or_empty(call)?,
            200,
            shown,
        )
    })
    .takes("NewUser")
    .gives("Item(User)"),
    Row::write("POST", "/users/{userId:guid}", "user_save", |iiq, call| {
        let (id, body) = known(iiq, call)?;
        shown_after(iiq, call, ("user_save", id), &body, 200, shown)
    })
    .takes("NewUser")
    .gives("Item(User)"),
    Row::write(
        "DELETE",
        "/users/{userId:guid}",
        "user_save",
        |iiq, call| {
            let (id, _) = known(iiq, call)?;
            done(iiq, call, "user_save", id, &gone(true))
        },
    )
    .gives("Action"),
    Row::write(
        "PUT",
        "/users/{userId:guid}/undelete",
        "user_save",
        |iiq, call| {
            let (id, _) = known(iiq, call)?;
            done(iiq, call, "user_save", id, &gone(false))
        },
    )
    .gives("Action"),
    Row::read("GET", "/teams", "teams", teams)
        .query(PAGED)
        .gives("List(Team)"),
    Row::read("GET", "/teams/all", "teams", teams)
        .query(PAGED)
        .gives("List(Team)"),
    Row::read(
        "GET",
        "/teams/{teamId:guid}/members",
        "team_members",
        members,
    )
    .query(PAGED)
    .gives("List(User)"),
    Row::create("POST", "/teams/new", "team_save", |iiq, call| {
        shown_after(
            iiq,
            call,
            ("team_save", fresh(iiq)),
            &object_or_empty(call)?,
            201,
            |book, id| json_of(book, Kind::Team, id, |book| &book.teams),
        )
    })
    .takes("{TeamName* text}")
    .gives("Item(Team)")
    .status(201),
    Row::write(
        "POST",
        "/teams/{teamId:guid}/members/{userId:guid}",
        "team_member",
        |iiq, call| {
            let body = json!({ "UserId": id(call, "userId")? });
            done(iiq, call, "team_member", id(call, "teamId")?, &body)
        },
    )
    .gives("Action"),
];

fn shown(book: &Book, id: Guid) -> Option<&Json> {
    json_of(book, Kind::User, id, |book| &book.users)
}

fn known(iiq: &IncidentIq, call: &Call) -> Result<(Guid, Value), Refusal> {
    let (id, body) = at_path(call, "userId")?;
    match shown(&iiq.book(), id) {
        Some(_) => Ok((id, body)),
        None => Err(Refusal::not_found("The user")),
    }
}

/// People who hold; those who have left where they are asked for.
fn those(iiq: &IncidentIq, call: &Call, asked: &Value, holds: impl Fn(&User) -> bool) -> Answer {
    let (with_deleted, only_deleted) = (
        is_set(asked, "IncludeDeleted"),
        is_set(asked, "OnlyShowDeleted"),
    );
    let book = iiq.book();
    let users = book.district.users.iter().zip(&book.users);
    let items: Vec<&Json> = users
        .filter(|(user, _)| {
            let is_asked = match user.is_deleted {
                true => with_deleted || only_deleted,
                false => !only_deleted,
            };
            is_asked && holds(user)
        })
        .map(|(_, json)| json)
        .collect();
    cut(
        iiq,
        call,
        &items,
        if call.operation == "agents" { 200 } else { 20 },
    )
}

/// Filters that are not known are ignored, that on the time of a change too (contract §4, rule 5).
fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let book = iiq.book();
    let filters = get(&asked, "Filters").and_then(Value::as_array).cloned();
    let filters: Vec<(String, String)> = filters
        .unwrap_or_default()
        .iter()
        .filter_map(|one| {
            let value = text(one, "Id").or_else(|| text(one, "Value"))?;
            Some((text(one, "Facet")?.to_lowercase(), value.to_lowercase()))
        })
        .collect();
    those(iiq, call, &asked, |user| {
        filters.iter().all(|(facet, value)| match facet.as_str() {
            "user" => value.parse() == Ok(user.id),
            "location" => value.parse() == Ok(book.district.locations[user.location].id),
            "role" => value.parse() == Ok(role(user.role).0),
            "keyword" | "name" => {
                user.name().to_lowercase().contains(value) || user.email.contains(value)
            }
            "email" => user.email == *value,
            "schoolidnumber" => user.number == *value,
            _ => true,
        })
    })
}

fn agents(iiq: &IncidentIq, call: &Call) -> Answer {
    those(iiq, call, &Value::Null, |user| user.role == Role::Agent)
}

fn by_name(iiq: &IncidentIq, name: &str) -> Answer {
    let book = iiq.book();
    let place = book.user_by_name(name);
    let place = place.ok_or_else(|| Refusal::not_found("The user"))?;
    Ok(envelope::item(200, &book.users[place], None))
}

fn search(iiq: &IncidentIq, call: &Call) -> Answer {
    let wanted = call.parameter("query").to_lowercase();
    those(iiq, call, &Value::Null, |user| {
        user.name().to_lowercase().contains(&wanted) || user.email.contains(&wanted)
    })
}

/// Said to be unpaged, but a page of 20 comes where none is asked for (contract §3).
fn teams(iiq: &IncidentIq, call: &Call) -> Answer {
    cut(iiq, call, &iiq.book().teams, 20)
}

fn members(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let place = book.find(Kind::Team, id(call, "teamId")?);
    let place = place.ok_or_else(|| Refusal::not_found("The team"))?;
    let members = book.district.teams[place].members.iter();
    let items: Vec<&Json> = members.map(|user| &book.users[*user]).collect();
    cut(iiq, call, &items, 100)
}

/// Makes a person, or changes the one of that id; a password is taken and not kept.
pub(super) fn user(book: &Book, order: &Order<'_>, district: &mut District) -> Result<(), Refusal> {
    let place = book.find(Kind::User, order.target);
    let others = district.users.iter().filter(|one| one.id != order.target);
    let email = named(
        order,
        "Email",
        place.is_none(),
        others.map(|one| one.email.clone()),
    )?;
    let location = body::optional(book, order.body, "LocationId", Kind::Location)?;
    let wanted = body::guid(order.body, "RoleId");
    let roles = [Role::Student, Role::Faculty, Role::Staff, Role::Agent];
    let wanted = wanted.and_then(|id| roles.into_iter().find(|one| role(*one).0 == id));
    let owned = |name| text(order.body, name).map(str::to_owned);
    let Some(place) = place else {
        district.users.push(User {
            id: order.target,
            first: owned("FirstName").ok_or_else(|| body::missing("FirstName"))?,
            last: owned("LastName").ok_or_else(|| body::missing("LastName"))?,
            email: email.unwrap_or_default().to_lowercase(),
            role: wanted.unwrap_or(Role::Staff),
            location: location.ok_or_else(|| body::missing("LocationId"))?,
            number: owned("SchoolIdNumber").unwrap_or_default(),
            is_deleted: false,
        });
        return Ok(());
    };
    let one = &mut district.users[place];
    one.first = owned("FirstName").unwrap_or_else(|| one.first.clone());
    one.last = owned("LastName").unwrap_or_else(|| one.last.clone());
    one.email = email.map_or_else(|| one.email.clone(), |email| email.to_lowercase());
    one.number = owned("SchoolIdNumber").unwrap_or_else(|| one.number.clone());
    one.role = wanted.unwrap_or(one.role);
    one.location = location.unwrap_or(one.location);
    let is_deleted = get(order.body, "IsDeleted").and_then(Value::as_bool);
    one.is_deleted = is_deleted.unwrap_or(one.is_deleted);
    Ok(())
}

pub(super) fn team(_: &Book, order: &Order<'_>, district: &mut District) -> Result<(), Refusal> {
    let others = district.teams.iter().map(|one| one.name.clone());
    let name = named(order, "TeamName", true, others)?;
    district.teams.push(Team {
        id: order.target,
        name: name.unwrap_or_default(),
        members: Vec::new(),
    });
    Ok(())
}

pub(super) fn member(
    book: &Book,
    order: &Order<'_>,
    district: &mut District,
) -> Result<(), Refusal> {
    let team = book.find(Kind::Team, order.target);
    let team = team.ok_or_else(|| Refusal::not_found("The team"))?;
    let user = body::reference(book, order.body, "UserId", Kind::User)?;
    let members = &mut district.teams[team].members;
    if !members.contains(&user) {
        members.push(user);
    }
    Ok(())
}
