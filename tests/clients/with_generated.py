"""Both systems through the clients that a generator made of the sandbox's OpenAPI documents."""

import os

import clearfeed
import incidentiq
from clearfeed.api.dialect_rest import (
    get_rest_collections, get_rest_requests_by_request_id, get_rest_requests_search,
    patch_rest_requests_by_request_id, post_rest_requests, post_rest_requests_by_request_id_message,
)
from clearfeed.models import NewMessage, NewRequest, Patch
from incidentiq.api.communication import post_v10_tickets_by_ticket_id_activities_new
from incidentiq.api.issues import post_v10_issues
from incidentiq.api.locations import get_v10_locations_all
from incidentiq.api.searching import post_v10_tickets
from incidentiq.api.submitting import post_v10_tickets_create
from incidentiq.api.updating import post_v10_tickets_by_ticket_id_subject
from incidentiq.api.users import post_v10_users
from incidentiq.api.viewing import get_v10_tickets_by_ticket_id
from incidentiq.api.workflow import post_v10_tickets_by_ticket_id_close
from incidentiq.models import CloseRequest, NewActivity, NewTicket, TicketSearch, UserSearch


def expect(answer, status):
    assert answer.status_code == status, f"{answer.status_code}: {answer.content!r}"
    return answer.parsed


def body(of, **members):
    """A body of a generated type, by its names on the wire."""
    return of.from_dict(members)


def of_incidentiq():
    headers = {"SiteId": os.environ["SITE_ID"], "Client": "ApiClient"}
    client = incidentiq.AuthenticatedClient(base_url=os.environ["IIQ"], token=os.environ["TOKEN"], headers=headers)
    user = expect(post_v10_users.sync_detailed(client=client, body=body(UserSearch)), 200).items[0]
    issue = expect(post_v10_issues.sync_detailed(client=client), 200).items[0]
    location = expect(get_v10_locations_all.sync_detailed(client=client), 200).items[0]
    new = body(
        NewTicket, Subject="Keyboard sticks", IssueDescription="The space bar", ForId=str(user.user_id),
        IssueId=str(issue.issue_id), LocationId=str(location.location_id),
    )
    made = expect(post_v10_tickets_create.sync_detailed(client=client, body=new), 201)
    one = made.item.ticket_id
    word = body(TicketSearch, Filters=[{"Facet": "keyword", "Value": "sticks"}])
    found = expect(post_v10_tickets.sync_detailed(client=client, body=word), 200)
    assert [row.ticket_id for row in found.items] == [one]
    subject_body = post_v10_tickets_by_ticket_id_subject.sync_detailed.__annotations__["body"].__args__[0]
    expect(post_v10_tickets_by_ticket_id_subject.sync_detailed(one, client=client, body=body(subject_body, Subject="Keyboard is stuck")), 200)
    comment = {"$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared", "TicketActivityTypeId": 6, "Comments": "Cleaned"}
    said = body(NewActivity, IsPublic=True, ActivityItems=[comment])
    expect(post_v10_tickets_by_ticket_id_activities_new.sync_detailed(one, client=client, body=said), 201)
    expect(post_v10_tickets_by_ticket_id_close.sync_detailed(one, client=client, body=body(CloseRequest)), 200)
    seen = expect(get_v10_tickets_by_ticket_id.sync_detailed(one, client=client), 200).item
    assert seen.is_closed and seen.subject == "Keyboard is stuck", seen
    bad = body(NewTicket, ForId=str(user.user_id), Subject="x")
    expect(post_v10_tickets_create.sync_detailed(client=client, body=bad), 400)
    stranger = incidentiq.AuthenticatedClient(base_url=os.environ["IIQ"], token="wrong")
    expect(get_v10_tickets_by_ticket_id.sync_detailed(one, client=stranger), 401)


def of_clearfeed():
    client = clearfeed.AuthenticatedClient(base_url=os.environ["CLEARFEED"], token=os.environ["TOKEN"])
    collection = expect(get_rest_collections.sync_detailed(client=client), 200).collections[0]
    new = body(NewRequest, collection_id=collection.id, title="Invoice is wrong", description="Twice the sum")
    made = expect(post_rest_requests.sync_detailed(client=client, body=new), 201)
    one = str(made.id)
    found = expect(get_rest_requests_search.sync_detailed(client=client, query="invoice", only_public=False), 200)
    assert made.id in [row.id for row in found.requests]
    expect(patch_rest_requests_by_request_id.sync_detailed(one, client=client, body=body(Patch, title="Invoice was wrong")), 200)
    note = body(NewMessage, html_body="Sent a new one", is_private=False)
    expect(post_rest_requests_by_request_id_message.sync_detailed(one, client=client, body=note), 201)
    expect(patch_rest_requests_by_request_id.sync_detailed(one, client=client, body=body(Patch, state="closed")), 200)
    seen = expect(get_rest_requests_by_request_id.sync_detailed(one, client=client, include="messages"), 200)
    assert (seen.state, seen.title) == ("closed", "Invoice was wrong") and len(seen.messages) == 2, seen
    expect(patch_rest_requests_by_request_id.sync_detailed(one, client=client, body=body(Patch, state="nearly")), 400)
    stranger = clearfeed.AuthenticatedClient(base_url=os.environ["CLEARFEED"], token="wrong")
    expect(get_rest_collections.sync_detailed(client=stranger), 401)


of_incidentiq()
of_clearfeed()
