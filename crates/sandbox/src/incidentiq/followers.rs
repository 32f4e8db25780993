//! Who is told of a ticket, and the mails that were sent of it (contract incidentiq §11).

use serde_json::{Value, json};

use super::body::{self, id};
use super::book::Kind;
use super::dates::shown;
use super::deed::{Deed, Deeds, Order};
use super::state::State;
use super::ticket::Ticket;
use super::{IncidentIq, envelope, viewing};
use crate::call::Call;
use crate::incidentiq::Row;
use crate::reply::{Answer, Refusal};

pub(super) const ROUTES: &[Row] = &[
    Row::read(
        "GET",
        "/tickets/{ticketId:guid}/followers",
        "followers",
        listed,
    )
    .gives("List(Follower)"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/followers/user/{userId:guid}",
        "follow",
        user,
    )
    .gives("Action"),
    Row::write(
        "DELETE",
        "/tickets/{ticketId:guid}/followers/user/{userId:guid}",
        "unfollow",
        user,
    )
    .gives("Action"),
    Row::write(
        "POST",
        "/tickets/{ticketId:guid}/followers/team/{teamId:guid}",
        "follow",
        team,
    )
    .gives("Action"),
    Row::write(
        "DELETE",
        "/tickets/{ticketId:guid}/followers/team/{teamId:guid}",
        "unfollow",
        team,
    )
    .gives("Action"),
    Row::read(
        "GET",
        "/notifications/emails/for/ticket/{ticketId:guid}",
        "emails",
        emails,
    )
    .gives("List({Subject text, To [text], SentDate time})"),
];

pub(super) const DEEDS: Deeds = &[
    (
        "follow",
        Deed::Ticket(70, "Follower added", |state, order, ticket| {
            let (place, list) = follower(state, order, ticket)?;
            if !list.contains(&place) {
                list.push(place);
            }
            Ok(())
        }),
    ),
    (
        "unfollow",
        Deed::Ticket(71, "Follower removed", |state, order, ticket| {
            let (place, list) = follower(state, order, ticket)?;
            list.retain(|one| *one != place);
            Ok(())
        }),
    ),
];

/// The follower that the body names, and the list where it stands or will stand.
fn follower<'a>(
    state: &State,
    order: &Order<'_>,
    ticket: &'a mut Ticket,
) -> Result<(usize, &'a mut Vec<usize>), Refusal> {
    if let Some(team) = body::optional(&state.book, order.body, "TeamId", Kind::Team)? {
        return Ok((team, &mut ticket.followers.teams));
    }
    let user = body::optional(&state.book, order.body, "UserId", Kind::User)?;
    // Nobody named: whoever asks.
    Ok((user.unwrap_or(order.by), &mut ticket.followers.users))
}

fn user(iiq: &IncidentIq, call: &Call) -> Answer {
    follow(iiq, call, &json!({ "UserId": id(call, "userId")? }))
}

fn team(iiq: &IncidentIq, call: &Call) -> Answer {
    follow(iiq, call, &json!({ "TeamId": id(call, "teamId")? }))
}

fn follow(iiq: &IncidentIq, call: &Call, body: &Value) -> Answer {
    drop(iiq.obey(call, id(call, "ticketId")?, body)?);
    Ok(envelope::action("OK"))
}

fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    viewing::part(iiq, call, |state, ticket| {
        let district = &state.book.district;
        let users = ticket.followers.users.iter().map(|place| {
            let user = &district.users[*place];
            json!({ "UserId": user.id, "TeamId": null, "Name": user.name(), "Email": user.email })
        });
        let teams = ticket.followers.teams.iter().map(|place| {
            let team = &district.teams[*place];
            json!({ "UserId": null, "TeamId": team.id, "Name": team.name, "Email": null })
        });
        users.chain(teams).collect()
    })
}

fn emails(iiq: &IncidentIq, call: &Call) -> Answer {
    viewing::part(iiq, call, |state, ticket| {
        let to = &state.book.district.users[ticket.requestor].email;
        let mails = ticket.mails.iter();
        mails
            .map(|(at, what)| {
                json!({
                    "Subject": format!("{what}: {}", ticket.subject), "To": [to],
                    "SentDate": shown(*at, &state.book.clock.zone, iiq.rules.temper),
                })
            })
            .collect()
    })
}
