//! People and teams (contract incidentiq §16).

use super::{Facets, all_hold, wanted};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{self, get, guid, id, is_set, object_or_empty, text};
use crate::incidentiq::book::{Book, Json, Kind, role};
use crate::incidentiq::deed::{Deed, Deeds, Effect, Order};
use crate::incidentiq::envelope;
use crate::incidentiq::metadata::{cut, one};
use crate::incidentiq::search::PAGED;
use crate::incidentiq::state::State;
use crate::reply::{Answer, Refusal};
use crate::seed::district::{Role, User};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/users", "users", listed)
        .query(PAGED)
        .takes("UserSearch")
        .gives("List(User)"),
    Row::read("GET", "/users/{userId:guid}", "user", |iiq, call| {
        one(&iiq.book(), call, "userId", Kind::User, |book| &book.users)
    })
    .gives("Item(User)"),
    Row::write("POST", "/users/{userId:guid}", "user_save", save)
        .takes("UserUpdate")
        .gives("Item(User)"),
    Row::read("GET", "/teams", "teams", teams)
        .query(PAGED)
        .gives("List(Team)"),
    Row::read("GET", "/teams/all", "teams", teams)
        .query(PAGED)
        .gives("List(Team)"),
];

pub(in crate::incidentiq) const DEEDS: Deeds = &[("user_save", Deed::Any(changed))];

const FACETS: Facets = &[
    ("user", true),
    ("location", true),
    ("role", true),
    ("keyword", false),
    ("name", false),
    ("email", false),
    ("schoolidnumber", false),
    ("grade", false),
];

/// The time of a change is known as a filter and not heeded (contract §4, rule 5).
fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let book = iiq.book();
    let ignored = ["modifieddate"];
    let filters = wanted(get(&asked, "Filters"), FACETS, &ignored, iiq.rules.temper)?;
    let holds = |user: &User| {
        all_hold(&filters, |facet, value| match facet {
            "user" => value.parse() == Ok(user.id),
            "location" => value.parse() == Ok(book.district.locations[user.location].id),
            "role" => value.parse() == Ok(role(user.role).0),
            "email" => user.email == *value,
            "schoolidnumber" => user.number == *value,
            "grade" => {
                let grade = book.district.grade(user);
                grade.is_some_and(|grade| grade.eq_ignore_ascii_case(value))
            }
            _ => user.name().to_lowercase().contains(value) || user.email.contains(value),
        })
    };
    // Nobody has left.
    let is_shown = !is_set(&asked, "OnlyShowDeleted");
    let users = book.district.users.iter().zip(&book.users);
    let items: Vec<&Json> = users
        .filter(|(user, _)| is_shown && holds(user))
        .map(|(_, json)| json)
        .collect();
    cut(iiq, call, &items, 20)
}

/// Said to be unpaged, but a page of 20 comes where none is asked for (contract §3).
fn teams(iiq: &IncidentIq, call: &Call) -> Answer {
    cut(iiq, call, &iiq.book().teams, 20)
}

fn save(iiq: &IncidentIq, call: &Call) -> Answer {
    let id = id(call, "userId")?;
    let state = iiq.obey(call, id, &object_or_empty(call)?)?;
    let place = known(&state.book, id)?;
    Ok(envelope::item(200, &state.book.users[place], Some(id)))
}

fn known(book: &Book, id: Guid) -> Result<usize, Refusal> {
    let place = book.find(Kind::User, id);
    place.ok_or_else(|| Refusal::not_found("The user"))
}

/// Changes a person, and makes the whole of the district anew, with all its indexes: changes are rare, looking up is
/// not.
fn changed(state: &State, order: &Order<'_>) -> Result<Vec<Effect>, Refusal> {
    let (book, body) = (&state.book, order.body);
    let place = known(book, order.target)?;
    let mut district = book.district.clone();
    let owned = |name| text(body, name).map(str::to_owned);
    let email = text(body, "Email").map(|email| email.trim().to_lowercase());
    if let Some(email) = email.filter(|email| !email.is_empty()) {
        let owner = book.by_email.get(&email);
        if owner.is_some_and(|owner| *owner != place) {
            let taken = Refusal::new(409, format!("{email} exists already."));
            return Err(taken.with_key("ALREADY_EXISTS"));
        }
        district.users[place].email = email;
    }
    let location = body::optional(book, body, "LocationId", Kind::Location)?;
    let roles = [Role::Student, Role::Faculty, Role::Staff, Role::Agent];
    let wanted = guid(body, "RoleId");
    let wanted = wanted.and_then(|id| roles.into_iter().find(|one| role(*one).0 == id));
    let one = &mut district.users[place];
    one.first = owned("FirstName").unwrap_or_else(|| one.first.clone());
    one.last = owned("LastName").unwrap_or_else(|| one.last.clone());
    one.number = owned("SchoolIdNumber").unwrap_or_else(|| one.number.clone());
    one.role = wanted.unwrap_or(one.role);
    one.location = location.unwrap_or(one.location);
    Ok(vec![Effect::District(Box::new(district))])
}
