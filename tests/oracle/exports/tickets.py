"""Tickets as the desk's API tells them, read by this program itself: POST /tickets page by page, activities one by one."""

import http.client
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass
class Ticket:
    id: str
    number: str
    title: str
    description: str
    state: str
    standing: str
    priority: str
    rank: int
    requester: tuple
    assignee: tuple
    team: tuple
    place: tuple
    issue: str
    devices: list
    tags: list
    created: datetime
    updated: datetime
    closed: datetime
    due: datetime
    custom: dict
    promised: bool = False
    comments: list = field(default_factory=list)


class Api:
    """Asks a desk as any client would."""

    def __init__(self, desk):
        self.desk = desk
        self.line = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60)
        self.head = {"Authorization": "Bearer desk-token", "Client": "ApiClient", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        self.line.request(method, f"/incidentiq/api/v1.0/{path}", json.dumps(body) if body is not None else None, self.head)
        answer = self.line.getresponse()
        text = answer.read()
        assert answer.status == 200, (method, path, answer.status, text[:300])
        return json.loads(text)

    def tickets(self, comments=False):
        fields = {f["CustomFieldTypeId"]: f for f in self.desk.table("fields").values()}
        found, index = {}, 0
        while True:
            page = self.ask("POST", f"tickets?$s=50&$p={index}", {"IncludeDeleted": True})
            for row in page["Items"]:
                found[row["TicketId"]] = self.ticket(row, fields)
            index += 1
            if index >= page["Paging"]["PageCount"]:
                break
        if comments:
            for ticket in found.values():
                ticket.comments = self.comments(ticket.id)
        return list(found.values())

    def comments(self, ident):
        said = []
        for activity in self.ask("GET", f"tickets/{ident}/activities?$s=1000")["Items"]:
            for item in activity.get("ActivityItems") or activity.get("Items") or []:
                if "TicketActivityComment" in str(item.get("$type")):
                    said.append((self.time(activity["CreatedDate"]), item.get("ByUserId") or activity["OwnerId"], activity["IsPublic"]))
        return sorted(said, key=lambda one: one[0])

    def time(self, text):
        if not text:
            return None
        at = datetime.fromisoformat(text.replace("Z", "+00:00")[:26] if text.endswith("Z") else text)
        # In UTC, for Python reckons with wall clocks within a zone.
        return (at if at.tzinfo else at.replace(tzinfo=self.desk.zone)).astimezone(timezone.utc)

    def ticket(self, row, fields):
        def named(member, *names):
            value = row.get(member)
            if not value:
                return None
            return tuple(value.get(name) for name in names)

        issue = row["Issue"]
        custom = {fields[v["CustomFieldTypeId"]]["Name"]: v["Value"] for v in row["CustomFieldValues"] if v["Value"] not in (None, "")}
        return Ticket(
            id=row["TicketId"], number=row["TicketNumber"], title=row["Subject"], description=row["IssueDescription"] or "", state=row["WorkflowStep"]["StepName"],
            standing="deleted" if row["IsDeleted"] else "closed" if row["IsClosed"] else "open", priority=row["PriorityLevel"]["Name"], rank=-row["PriorityLevel"]["Min"],
            requester=named("For", "UserId", "Name", "Email"), assignee=named("AssignedToUser", "UserId", "Name", "Email"), team=named("AssignedToTeam", "TeamId", "TeamName"),
            place=named("Location", "LocationId", "Name"), issue=" › ".join([issue["IssueCategoryName"], issue["IssueTypeName"], issue["Name"]]),
            devices=[a["AssetTag"] for a in row["Assets"]], tags=[t["Name"] for t in row["Tags"]], created=self.time(row["CreatedDate"]),
            updated=self.time(row["ModifiedDate"]), closed=self.time(row["ClosedDate"]), due=self.time(row["DueDate"]), custom=custom, promised=bool(row["Sla"]))
