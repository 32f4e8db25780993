"""Both systems as a script with `requests` speaks to them: create, search, update, comment, close, errors."""

import os

import requests


def expect(answer, status):
    assert answer.status_code == status, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.text else None


def incidentiq():
    site = requests.Session()
    site.headers.update({
        "Authorization": f"Bearer {os.environ['TOKEN']}",
        "SiteId": os.environ["SITE_ID"],
        "Client": "ApiClient",
    })
    api = os.environ["IIQ"] + "/api/v1.0"
    first = lambda path, **body: expect(site.post(f"{api}/{path}", json=body), 200)["Items"][0]
    user, issue = first("users"), first("issues", SiteScope="Aggregate", Strategy="All")
    location = expect(site.get(f"{api}/locations/all", params={"$s": 5}), 200)["Items"][0]

    ticket = {
        "Subject": "Screen flickers", "IssueDescription": "In room 12", "ForId": user["UserId"],
        "IssueId": issue["IssueId"], "LocationId": location["LocationId"],
    }
    made = expect(site.post(f"{api}/tickets/new", json=ticket), 201)
    one = f"{api}/tickets/{made['Item']['TicketId']}"
    # `requests` writes the dollar of `$s` as %24.
    page = expect(site.post(f"{api}/tickets", params={"$s": 1, "$p": 0, "$o": "TicketCreatedDate desc"}, json={}), 200)
    assert page["Paging"]["PageSize"] == 1 and len(page["Items"]) == 1, page["Paging"]
    word = {"Filters": [{"Facet": "keyword", "Value": "flickers"}]}
    assert [row["Subject"] for row in expect(site.post(f"{api}/tickets", json=word), 200)["Items"]] == ["Screen flickers"]
    expect(site.post(f"{one}/subject", json={"Subject": "Screen dark"}), 200)
    expect(site.put(f"{one}/priority", json={"Priority": 160}), 200)
    comment = {"$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared", "TicketActivityTypeId": 6, "Comments": "On my way"}
    expect(site.post(f"{one}/activities/new", json={"IsPublic": False, "ActivityItems": [comment]}), 201)
    seen = expect(site.get(one), 200)["Item"]
    assert seen["Subject"] == "Screen dark" and seen["Priority"] == 160, seen
    expect(site.post(f"{one}/close", json={}), 200)
    assert expect(site.get(one), 200)["Item"]["IsClosed"]
    assert "Errors" in expect(site.post(f"{api}/tickets/create", json={}), 400)
    expect(site.get(f"{api}/tickets/11111111-1111-1111-1111-111111111111"), 404)
    expect(requests.get(one), 401)


def clearfeed(root, state, custom):
    space = requests.Session()
    space.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
    api = f"{os.environ['CLEARFEED']}{root}"
    collection = expect(space.get(f"{api}/collections", params={"include": "channels"}), 200)["collections"][0]
    new = {"collection_id": collection["id"], "title": "Export hangs", "description": "Since Monday", "requester_email": "bo@customer.example"}
    made = expect(space.post(f"{api}/requests", json=new), 201)
    one = f"{api}/requests/{made['id']}"
    found = expect(space.get(f"{api}/requests/search", params={"query": "hangs", "only_public": "false"}), 200)
    assert made["id"] in [row["id"] for row in found["requests"]], found
    expect(space.patch(one, json={"title": "Export stops", "priority": "urgent"}), 200)
    expect(space.post(f"{one}/message", json={"html_body": "A <b>note</b>", "is_private": True}), 201)
    expect(space.patch(one, json={state: "closed"}), 200)
    seen = expect(space.get(one, params={"include": "messages"}), 200)
    assert (seen[state], seen["title"]) == ("closed", "Export stops") and custom in seen, seen
    # A page, and the one after it.
    page = expect(space.get(f"{api}/requests", params={"limit": 2}), 200)
    after = expect(space.get(f"{api}/requests", params={"limit": 2, "next_cursor": page["response_metadata"]["next_cursor"]}), 200)
    assert not {row["id"] for row in page["requests"]} & {row["id"] for row in after["requests"]}
    expect(space.post(f"{api}/requests", json={"title": "x"}), 400)
    expect(requests.get(one), 401)
    customer = expect(space.post(f"{api}/customers", json={"name": f"New {root}"}), 201)["customer"]
    change = {"name": "Newer", "version": customer["version"]}
    expect(space.patch(f"{api}/customers/{customer['id']}", json=change), 200)
    expect(space.patch(f"{api}/customers/{customer['id']}", json=change), 409)


incidentiq()
clearfeed("/v1", "status", "custom_fields")
clearfeed("/v1/rest", "state", "custom_field_values")
