"""The IncidentIQ side of the desk: routes, tickets, workflow. Its other parts are in the iiq_*.py files."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import Any, Callable
from zoneinfo import ZoneInfo

from books import Store
from chaos import Chaos, Clock
from iiq_activities import Activities
from iiq_common import COMMENT, MODELS, SCALARS, file_shown, first_int, items, low, picks
from iiq_more import More
from iiq_reference import Reference, add_reference
from iiq_search import Searcher, sort_tickets
from population import LOCATION_TYPES, PRIORITIES, PRODUCTS, ROLES, SITE_ID, SOURCES, STATUS_IDS, ZERO, guid, iiq_tables
from wire import Call, Refusal, Request, Response, Route, Router, StalePages

GUID = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.I)
ON_CREATE = {"Subject", "IssueDescription", "LocationDetails", "ForId", "LocationId", "LocationRoomId", "IssueId", "IsUrgent",
             "HasSensitiveInformation", "IsTraining", "SourceId", "ProductId"}
FLAGS = ("RunRules", "SendNotifications", "SendEmails")


class IncidentIQ(Activities, More, Reference):
    """One site. Every handler takes the call and the captured parts of the path."""

    name = "incidentiq"

    def __init__(self, store: Store, chaos: Chaos, clock: Clock, token: str, zone: str, switches: dict[str, Any]) -> None:
        self.store, self.chaos, self.clock, self.token, self.switches = store, chaos, clock, token, switches
        self.zone = ZoneInfo(zone)
        self.zone_name = zone
        self.stale = StalePages()
        self.searcher = Searcher(self)
        self.me = guid("user", "ada.abbott@maplevalley.example")
        for table, rows in iiq_tables().items():
            store.tables["iiq." + table].update(rows)
        self.router = Router()
        add_routes(self.router, self)

    # the outside --------------------------------------------------------------------------

    def find(self, request: Request) -> tuple[Route | None, dict[str, str], bool]:
        segments = request.segments[1:]
        if len(segments) > 1 and segments[0].lower() == "api" and segments[1].lower() in ("v1.0", "v2.0", "v1", "v2"):
            segments = segments[2:]
        elif segments and segments[0].lower() == "services":
            segments = segments[1:]
        else:
            return None, {}, False
        present = self.switches.get("create-path", "both")
        absent = {"new": ["/tickets/create"], "create": ["/tickets/new"]}.get(present, [])
        return self.router.find(request.method, segments, absent)

    def answer(self, call: Call, route: Route | None, found: dict[str, str], other_verb: bool) -> Response:
        self.check_token(call.request)
        if route is None:
            raise Refusal(405 if other_verb else 404, "The requested resource does not support this method." if other_verb else "No HTTP resource was found.")
        self.check_headers(call.request)
        denied = self.switches.get("restricted-token")
        if denied and route.kind == "ref":
            raise Refusal(int(denied) if str(denied) in ("401", "403") else 403, "You do not have permission for this action.")
        return route.call(call, **found)

    def check_token(self, request: Request) -> None:
        given = (request.header("authorization") or "").strip()
        given = given[7:].strip() if given.lower().startswith("bearer ") else given
        if self.token not in (given, request.header("usertoken")):
            raise Refusal(401, "Authorization has been denied for this request.")

    def check_headers(self, request: Request) -> None:
        """SiteId and Client are optional unless the `strict-headers` switch is on; a wrong one never passes."""
        site, strict = request.header("siteid"), self.switches.get("strict-headers")
        if strict and (not site or not request.header("client")):
            raise Refusal(400, "The SiteId and Client headers are required.")
        if site and not GUID.fullmatch(site):
            raise Refusal(400, "The SiteId header is not a valid identifier.")
        if site and site.lower() != SITE_ID:
            raise Refusal(403, "You do not have access to this site.")
        product = request.header("productid")
        if product and product.lower() not in PRODUCTS:
            raise Refusal(400, "The ProductId header names no product.")
        kind = (request.header("content-type") or "").lower()
        if request.body and "json" not in kind and "multipart" not in kind:
            raise Refusal(415, "The request entity's media type is not supported.")

    def refusal(self, refusal: Refusal) -> Response:
        """The error body of the contract: Errors as a map, or as a list (switch `errors=list`)."""
        obj: dict[str, Any] = {"StatusCode": refusal.status, "Message": refusal.message, "RequestDate": self.utc(self.clock.stamp())}
        if refusal.errors:
            as_list = self.switches.get("errors") == "list"
            obj["Errors"] = ([{"Field": k, "Message": v} for k, v in refusal.errors.items()] if as_list else {k: [v] for k, v in refusal.errors.items()})
        if refusal.key:
            obj["ErrorKey"] = refusal.key
        if refusal.status == 500:
            obj["RequestId"] = guid("request", time.time())
        if "Retry-After" in refusal.headers:
            obj["RetryAfter"] = int(refusal.headers["Retry-After"])
        return Response(refusal.status, obj, headers=dict(refusal.headers))

    def envelope(self, status: int = 200, **members: Any) -> dict[str, Any]:
        return {**members, "UserToken": ZERO, "RequestDate": self.utc(self.clock.stamp()), "ExecutionTime": 3.25, "StatusCode": status,
                "Message": members.get("Message"), "ServerName": "DESK01", "ProcessId": 4711, "Properties": {}}

    def done(self, message: str = "") -> Response:
        return Response(200, self.envelope(200, Message=message or None))

    def one(self, item: Any, uid: str | None = None, status: int = 200) -> Response:
        extra = {"Uid": uid, "Id": 0} if uid else {}
        return Response(status, self.envelope(status, Item=item, **extra))

    # times ----------------------------------------------------------------------------------

    @staticmethod
    def utc(at: float) -> str:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"

    def local(self, at: float | None) -> str | None:
        """Ticket times have no offset: they are the site's local time."""
        if at is None:
            return "0001-01-01T00:00:00" if self.live else None
        return datetime.fromtimestamp(at, self.zone).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]

    def parse_time(self, text: Any, field: str) -> float:
        """An ISO date or time; without an offset it is the site's local time."""
        try:
            at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
            return (at if at.tzinfo else at.replace(tzinfo=self.zone)).timestamp()
        except ValueError:
            raise Refusal(400, "The request is invalid.", {field: "The value is not a valid date."}) from None

    @property
    def live(self) -> bool:
        return bool(self.switches.get("live-like"))

    # lookups --------------------------------------------------------------------------------

    def table(self, name: str) -> dict[str, Any]:
        return self.store.tables["iiq." + name]

    @staticmethod
    def norm(value: Any) -> str | None:
        """A GUID in plain lower-case form, or None when it is none."""
        if not isinstance(value, str) or not GUID.fullmatch(value.strip()):
            return None
        plain = value.strip().strip("{}").replace("-", "").lower()
        return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"

    def known(self, table: str, value: Any, field: str) -> str:
        """The id of a known record, or a 400 that names the field."""
        ident = self.norm(value)
        if ident is None:
            raise Refusal(400, "The request is invalid.", {field: f"'{value}' is not a valid identifier."})
        if ident not in self.table(table):
            raise Refusal(400, "The request is invalid.", {field: f"No record with the id {ident} exists."})
        return ident

    def in_path(self, table: str, value: str) -> str:
        """The id of a known record in a path, or a 404."""
        ident = self.norm(value)
        if ident is None or ident not in self.table(table):
            raise Refusal(404, f"The resource '{value}' was not found.")
        return ident

    def ticket(self, call: Call, value: str, write: bool = True) -> dict[str, Any]:
        """A ticket by the id in the path; a copy that may be changed when `write`."""
        ident = self.in_path("tickets", value)
        record = self.table("tickets")[ident]
        if record.get("_unseen") and record["_visible"] > self.clock.now():
            raise Refusal(404, f"The resource '{value}' was not found.")
        call.ticket = ident
        if not write:
            return record
        if record["IsDeleted"]:
            raise Refusal(400, "The ticket is deleted.")
        record = call.tx.edit("iiq.tickets", ident)
        record["Modified"] = self.clock.stamp()
        return record

    def step_of(self, record: dict[str, Any]) -> dict[str, Any]:
        return self.table("steps")[record["WorkflowStepId"]]

    def step_named(self, workflow: str, number: int) -> str:
        for ident, step in self.table("steps").items():
            if step["WorkflowId"] == workflow and step["StatusId"] == STATUS_IDS[number]:
                return ident
        raise Refusal(400, "The workflow has no such step.")

    # checking values ------------------------------------------------------------------------

    def scalar(self, name: str, value: Any) -> Any:
        """One field of a ticket body, checked."""
        kind, blank = SCALARS[name]
        if value is None or value == ZERO or (value == "" and kind not in ("text", "bool", "int")):
            if blank:
                return None
            raise Refusal(400, "The request is invalid.", {name: f"The {name} field is required."})
        if kind == "text":
            good = isinstance(value, str)
        elif kind == "bool":
            good = isinstance(value, bool)
        elif kind in ("int", "source"):
            good = isinstance(value, int) and not isinstance(value, bool) and (kind == "int" or value in SOURCES)
        elif kind == "product":
            value = self.norm(value)
            good = value in PRODUCTS
        elif kind == "date":
            return self.parse_time(value, name)
        else:
            return self.known(kind, value, name)
        if not good:
            raise Refusal(400, "The request is invalid.", {name: f"The value for {name} is not valid."})
        return value

    def check_room(self, record: dict[str, Any]) -> None:
        room = record.get("LocationRoomId")
        if room and self.table("rooms")[room]["LocationId"] != record["LocationId"]:
            raise Refusal(400, "The request is invalid.", {"LocationRoomId": "The room is not in this location."})

    def agent(self, value: Any, field: str) -> str:
        ident = self.known("users", value, field)
        if self.table("users")[ident]["Portal"] < 2:
            raise Refusal(400, "The request is invalid.", {field: "The user is not an agent."})
        return ident

    def field_values(self, sent: Any, name: str = "CustomFieldValues") -> dict[str, str | None]:
        """Checked custom field values: field id -> text."""
        found: dict[str, str | None] = {}
        for entry in items(sent, name):
            entry = low(entry)
            ident = self.known("fields", entry.get("customfieldtypeid"), name + ".CustomFieldTypeId")
            field, value = self.table("fields")[ident], entry.get("value")
            editor = entry.get("editortypeid")
            if editor not in (None, 0, field["EditorTypeId"]):
                raise Refusal(400, "The request is invalid.", {field["Name"]: f"EditorTypeId {editor} does not fit the field."})
            if value is not None and not isinstance(value, str):
                raise Refusal(400, "The request is invalid.", {field["Name"]: "The Value must be a string."})
            if value and not self.fits(field, value):
                raise Refusal(400, "The request is invalid.", {field["Name"]: f"'{value}' is not a valid value."})
            found[ident] = value
        return found

    def fits(self, field: dict[str, Any], value: str) -> bool:
        """Does a value suit the field's editor?"""
        editor = field["EditorTypeId"]
        if editor == 4:
            return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
        if editor in (6, 54):
            return self.is_date(value)
        if editor == 8:
            return value.lower() in ("yes", "no", "true", "false")
        if editor == 11:
            return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None
        if editor in (9, 10):
            names = {o[k].lower() for o in field["Options"] for k in ("Id", "Name")}
            picked = picks(value)
            listed = value.lstrip().startswith("[")
            return all(p.lower() in names for p in picked) and (listed if editor == 10 else len(picked) == 1)
        table = {21: "users", 32: "users", 22: "locations", 33: "teams", 35: "rooms", 23: "assets", 24: "tickets"}.get(editor)
        return table is None or all(self.norm(p) in self.table(table) for p in picks(value))

    def is_date(self, value: str) -> bool:
        for form in ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p"):
            try:
                return bool(datetime.strptime(value, form))
            except ValueError:
                continue
        try:
            return bool(self.parse_time(value, "Value"))
        except Refusal:
            return False

    def field_names(self, values: dict[str, str | None]) -> dict[str, str | None]:
        return {self.table("fields")[k]["Name"]: v for k, v in values.items()}

    # creating -------------------------------------------------------------------------------

    def create(self, call: Call, required: tuple[str, ...] = ("ForId", "IssueId")) -> Response:
        record = self.make(call, low(call.request.object()), required)
        status = 200 if self.switches.get("create-status") in (200, "200") else 201
        call.answer_id = record["TicketId"]
        response = self.one(self.show(call, record), record["TicketId"], status)
        if self.switches.get("soft-errors"):
            response.obj["Errors"] = [{"Field": "LocationDetails", "Message": "The value was shortened.", "Code": "SOFT"}]
        rule = call.view.try_strike("missing-id", record["TicketId"])
        if rule:
            response.obj.pop("Uid")
            response.obj["Item"].pop("TicketId")
        return response

    def create_strict(self, call: Call) -> Response:
        return self.create(call, ("ForId", "IssueId", "LocationId"))

    def make(self, call: Call, body: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
        """Check a create body and store the ticket."""
        missing = {n: f"The {n} field is required." for n in required if body.get(n.lower()) in (None, "", ZERO)}
        if missing:
            raise Refusal(400, "The request is invalid.", missing)
        given = {n: self.scalar(n, body[n.lower()]) for n in ON_CREATE if body.get(n.lower()) not in (None, "")}
        issue = self.table("issues")[given["IssueId"]]
        for name, table, key in (("IssueTypeId", "types", "IssueTypeId"), ("IssueCategoryId", "categories", "IssueCategoryId")):
            if body.get(name.lower()) not in (None, ZERO) and self.known(table, body[name.lower()], name) != issue[key]:
                raise Refusal(400, "The request is invalid.", {name: "It does not belong to the issue."})
        record = self.blank(call, given, issue)
        self.check_room(record)
        record["CustomFieldValues"] = self.field_values(body.get("customfieldvalues"))
        record["Assets"] = self.asset_ids(body.get("assets"))
        record["FollowerUsers"] = [self.known("users", low(f).get("userid") if isinstance(f, dict) else f, "TicketFollowers") for f in items(body.get("ticketfollowers"), "TicketFollowers")]
        record["Attachments"] = self.inline_files(call, body.get("attachments"))
        self.put_new(call, record, {f: body[f.lower()] for f in FLAGS if f.lower() in body})
        return record

    def blank(self, call: Call, given: dict[str, Any], issue: dict[str, Any]) -> dict[str, Any]:
        number = call.tx.next("iiq.ticket", 1001)
        created, now = self.clock.created(), self.clock.now()
        record = {
            "TicketId": guid(self.chaos.seed, "ticket", number), "number": number, "TicketNumber": f"{number:06d}", "ProductId": issue["ProductId"],
            "Subject": issue["Name"], "IssueDescription": None, "OwnerId": self.me, "AssignedToUserId": None, "AssignedToTeamId": None,
            "LocationId": self.table("users")[given["ForId"]]["LocationId"], "LocationRoomId": None, "LocationDetails": None, "IsIssueConfirmed": False,
            "WorkflowStepId": self.step_named(issue["WorkflowId"], 1), "Closed": None, "ClosedByUserId": None, "CloseReasonTypeId": None, "Priority": 100,
            "IsUrgent": False, "HasSensitiveInformation": False, "IsTraining": False, "SourceId": 3, "Created": created, "Modified": self.clock.stamp(),
            "Started": None, "DueDate": None, "SlaId": None, "Tags": [], "FollowerUsers": [], "FollowerTeams": [], "ParentTicketId": None,
            "IsDeleted": False, "Activities": [], "Log": [], "_at": now, "_visible": now}
        record.update(given)
        return record

    def put_new(self, call: Call, record: dict[str, Any], flags: dict[str, Any]) -> None:
        ident = record["TicketId"]
        rule = call.view.hit("late-visible")
        if rule:
            record["_visible"] += call.view.rng("late-visible-by").uniform(0.2, 1) * rule.args["S"]
            record["_unseen"] = rule.args["WORD"] == "all"
            call.view.strike(rule, ident)
        call.tx.put("iiq.tickets", ident, record)
        call.ticket = ident
        self.log(call, record, 5, "TicketCreated")
        issue, place = self.table("issues")[record["IssueId"]], self.table("locations")[record["LocationId"]]
        call.tx.event("create", system=self.name, id=ident, number=record["TicketNumber"], created_at=self.local(record["Created"]), title=record["Subject"],
                      description_as_sent=record["IssueDescription"], custom_fields=self.field_names(record["CustomFieldValues"]), location=place["Name"],
                      room=self.table("rooms").get(record["LocationRoomId"] or "", {}).get("Name"), product=PRODUCTS[record["ProductId"]], issue=issue["Name"],
                      requester=self.table("users")[record["ForId"]]["Email"], status=self.step_of(record)["StepName"], flags=flags, request=call.origin(True))

    def create_simple(self, call: Call) -> Response:
        body = low(call.request.object())
        user = next((u for u in self.table("users").values() if u["Username"].lower() == str(body.get("forusername", "")).lower()), None)
        issue = next((i for i in self.table("issues").values() if i["Name"].lower() == str(body.get("issue", "")).lower()), None)
        if user is None or issue is None:
            raise Refusal(404, "ForUsername or Issue does not resolve.")
        made = {"forid": user["UserId"], "issueid": issue["IssueId"], "issuedescription": body.get("issuedescription")}
        if body.get("assettag"):
            asset = next((a for a in self.table("assets").values() if a["AssetTag"] == body["assettag"]), None)
            if asset is None:
                raise Refusal(404, "AssetTag does not resolve.")
            made["assets"] = [{"AssetId": asset["AssetId"]}]
        record = self.make(call, made, ("ForId", "IssueId"))
        call.answer_id = record["TicketId"]
        return self.one(self.show(call, record), record["TicketId"], 200)

    def copy(self, call: Call, tid: str) -> Response:
        old, body = self.ticket(call, tid, False), low(call.request.object())
        made = []
        for _ in range(max(1, min(20, int(body.get("quantity") or 1)))):
            issue = self.known("issues", body["newissueid"], "NewIssueId") if body.get("newissueid") else old["IssueId"]
            fresh = {"forid": old["ForId"] if body.get("copyrequestor", True) else self.me, "issueid": issue, "locationid": old["LocationId"],
                     "subject": body.get("newsubject") or old["Subject"], "issuedescription": old["IssueDescription"]}
            record = self.make(call, fresh, ("ForId", "IssueId"))
            record["CustomFieldValues"] = dict(old["CustomFieldValues"]) if body.get("copycustomfieldvalues") else {}
            made.append(self.show(call, record))
        return Response(200, self.envelope(200, Items=made, Uids=[m["TicketId"] for m in made], Ids=[]))

    # showing --------------------------------------------------------------------------------

    def get(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid, False)
        rule = call.view.hit("other-id")
        if rule:
            others = [t for t in self.table("tickets").values() if t["TicketId"] != record["TicketId"]]
            if others:
                call.view.strike(rule, record["TicketId"])
                record = call.view.rng("other").choice(others)
        return self.one(self.show(call, record))

    def show(self, call: Call, t: dict[str, Any]) -> dict[str, Any]:
        """A ticket as the API shows it, with its expansions."""
        view, ident = call.view, t["TicketId"]
        issue, step = self.table("issues")[t["IssueId"]], self.step_of(t)
        level = next(p for p in PRIORITIES if t["Priority"] <= p[3] or p is PRIORITIES[-1])
        parent = self.table("tickets").get(t["ParentTicketId"] or "")
        subtasks = [s for s in self.table("subtasks").values() if s["TicketId"] == ident and not s["IsDeleted"]]
        children = [c for c in self.table("tickets").values() if c["ParentTicketId"] == ident] if t.get("HasChildren") else []
        form = view.hit("id-form")
        word = form.args["WORD"] if form else ""
        shown_id = ident.upper() if word == "upper" else ident
        number = t["number"] if word == "number" else t["TicketNumber"]
        if form and word in ("upper", "number"):
            view.strike(form, ident)
        shown = {
            "TicketId": shown_id, "TicketNumber": number, "SiteId": SITE_ID, "ProductId": t["ProductId"], "Subject": view.title(t["Subject"], ident),
            "IssueDescription": view.text(view.pieces(t["IssueDescription"], ident)[0], ident), "ForId": t["ForId"], "For": self.person_shown(t["ForId"]),
            "OwnerId": t["OwnerId"], "Owner": self.person_shown(t["OwnerId"]), "AssignedToUserId": t["AssignedToUserId"],
            "AssignedToUser": self.person_shown(t["AssignedToUserId"]), "AssignedToTeamId": t["AssignedToTeamId"], "AssignedToTeam": self.team_shown(t["AssignedToTeamId"]),
            "LocationId": t["LocationId"], "Location": self.place_shown(t["LocationId"]), "LocationRoomId": t["LocationRoomId"],
            "LocationRoom": self.table("rooms").get(t["LocationRoomId"] or "") or self.shell({"LocationRoomId": ZERO, "Name": ""}), "LocationDetails": t["LocationDetails"],
            "IssueId": t["IssueId"], "Issue": self.issue_shown(issue), "IsIssueConfirmed": t["IsIssueConfirmed"], "WorkflowStepId": t["WorkflowStepId"],
            "WorkflowStep": {**step, "Color": "#2196f3"}, "IsClosed": step["IsClosed"], "ClosedDate": self.local(t["Closed"]), "ClosedByUserId": t["ClosedByUserId"],
            "CloseReasonTypeId": t["CloseReasonTypeId"], "CloseReason": self.table("reasons").get(t["CloseReasonTypeId"] or ""), "Priority": t["Priority"],
            "PriorityLevelId": level[0], "PriorityLevel": {"PriorityLevelId": level[0], "Name": level[1], "Min": level[2], "Max": level[3], "Color": level[4]},
            "IsUrgent": t["IsUrgent"], "HasSensitiveInformation": t["HasSensitiveInformation"], "IsPastDue": bool(t["DueDate"] and not step["IsClosed"] and t["DueDate"] < self.clock.now()),
            "IsTraining": t["IsTraining"], "SourceId": t["SourceId"], "CreatedDate": self.local(t["Created"]), "ModifiedDate": self.local(t["Modified"]),
            "StartedDate": self.local(t["Started"]), "DueDate": self.local(t["DueDate"]), "SlaId": t["SlaId"], "Sla": self.table("slas").get(t["SlaId"] or ""),
            "Assets": [self.asset_link(t, a) for a in t["Assets"]], "CustomFieldValues": [self.value_shown(k, v) for k, v in t["CustomFieldValues"].items()],
            "Tags": [self.table("tags")[g] for g in t["Tags"]], "TicketFollowerUserIds": t["FollowerUsers"], "TicketFollowerTeamIds": t["FollowerTeams"],
            "Attachments": [file_shown(self.table("files")[f]) for f in t["Attachments"]], "ParentTicketId": t["ParentTicketId"],
            "ParentTicketNumber": parent["TicketNumber"] if parent else None, "SubtaskCount": len(subtasks), "SubtasksClosed": sum(s["IsCompleted"] for s in subtasks),
            "SubticketCount": len(children), "SubticketsClosed": sum(self.step_of(c)["IsClosed"] for c in children), "IsDeleted": t["IsDeleted"],
            "UserPermissions": {"CanView": True, "CanWork": True, "CanResolve": True, "CanCancel": True, "Rights": []}}
        return {k: v for k, v in shown.items() if v is not None} if self.switches.get("omit-nulls") else shown

    def shell(self, empty: dict[str, Any]) -> dict[str, Any] | None:
        """What stands for nothing: null, or an empty shell in the live-like temper."""
        return empty if self.live else None

    def person_shown(self, ident: str | None) -> dict[str, Any] | None:
        user = self.table("users").get(ident or "")
        if user is None:
            return self.shell({"UserId": ZERO, "Name": "", "FirstName": "", "LastName": "", "Email": ""})
        names = ("UserId", "FirstName", "LastName", "Email", "Username", "LocationId", "RoleId", "SchoolIdNumber")
        return {"Name": f"{user['FirstName']} {user['LastName']}", **{n: user[n] for n in names}, "Role": {"RoleId": user["RoleId"], "Name": ROLES.get(user["RoleId"])},
                "IsOnline": False}

    def user_shown(self, user: dict[str, Any]) -> dict[str, Any]:
        hidden = {k: v for k, v in user.items() if not k.startswith("_")}
        return {**hidden, "Name": f"{user['FirstName']} {user['LastName']}", "LocationName": self.table("locations")[user["LocationId"]]["Name"],
                "RoleName": ROLES.get(user["RoleId"]), "SiteId": SITE_ID}

    def team_shown(self, ident: str | None) -> dict[str, Any] | None:
        team = self.table("teams").get(ident or "")
        return {"TeamId": team["TeamId"], "TeamName": team["TeamName"]} if team else self.shell({"TeamId": ZERO, "TeamName": ""})

    def place_shown(self, ident: str) -> dict[str, Any]:
        place = self.table("locations")[ident]
        return {**place, "LocationType": {"LocationTypeId": place["LocationTypeId"], "Name": LOCATION_TYPES.get(place["LocationTypeId"])}, "SiteId": SITE_ID,
                "AddressId": None, "Address": None}

    def issue_shown(self, issue: dict[str, Any]) -> dict[str, Any]:
        return {**issue, "IssueTypeName": self.table("types")[issue["IssueTypeId"]]["Name"], "IssueCategoryName": self.table("categories")[issue["IssueCategoryId"]]["Name"],
                "Scope": "Site", "SiteId": SITE_ID}

    def value_shown(self, field: str, value: str | None) -> dict[str, Any]:
        return {"CustomFieldTypeId": field, "Value": value, "EditorTypeId": self.table("fields")[field]["EditorTypeId"], "IsHidden": False, "ComplexValue": None,
                "CustomFieldId": ZERO, "TicketId": None}

    def asset_link(self, t: dict[str, Any], asset: str) -> dict[str, Any]:
        """Asset links carry UTC times, unlike the ticket."""
        return {"TicketAssetId": guid("ticketasset", t["TicketId"], asset), **self.table("assets")[asset], "CreatedDate": self.utc(t["Created"])[:-2]}

    # lists ----------------------------------------------------------------------------------

    def paging(self, call: Call, default: int) -> tuple[int, int]:
        """Page and size: query, then body Paging, then RequestOptions.Paging, then the default."""
        request, body = call.request, {}
        if request.body and request.method != "GET":
            sent = request.json({})
            body = low(sent) if isinstance(sent, dict) else {}
        options = low(body.get("requestoptions") or {})
        own = {} if self.live else low(body.get("paging") or {})
        nested = low(options.get("paging") or {})
        size = first_int(request.q("$s"), own.get("pagesize"), nested.get("pagesize"))
        index = first_int(request.q("$p"), own.get("pageindex"), nested.get("pageindex"))
        most = int(self.switches.get("max-page", 2000))
        size = default if size is None else most if size == -1 else size
        return max(0, index or 0), max(1, min(most, size))

    def listing(self, call: Call, rows: list[Any], show: Callable[[Any], Any], default: int = 100, ident: Callable[[Any], Any] = id) -> Response:
        """A page of rows in the list envelope, bent by chaos."""
        view, now = call.view, self.clock.now()
        index, size = self.paging(call, default)
        cached = self.stale.get(call, now)
        if cached is not None:
            return Response(200, cached)
        size = view.size(size)
        if call.listing:
            rows = self.stale.old_rows(call, rows, now)
        rows, total = view.order(rows), len(rows)
        more = view.try_strike("more-rows")
        part = rows[index * size:index * size + size * (3 if more else 1)]
        part, said = view.rows(part, ident)
        shown = [show(row) for row in part]
        total = index * size + len(shown) if said == "hides" else total
        page = {"TotalRows": total, "PageCount": -(-total // size), "PageSize": size, "PageIndex": index}
        obj = self.stale.keep(call, now, self.envelope(200, Items=shown, ItemCount=len(shown), Paging=page))
        error = {"StatusCode": 500, "Message": "An error has occurred.", "RequestDate": self.utc(self.clock.stamp())}
        renames = {"Items": "Data", "Paging": "Pagination", "ItemCount": "Count"}
        return Response(200, view.page(obj, "Items", ("Paging", "ItemCount"), renames, error))

    def found(self, call: Call) -> list[dict[str, Any]]:
        """The tickets that a search body selects, in order."""
        body = call.request.json({}) if call.request.method != "GET" else {}
        body = low(body or {})
        free = call.view.hit("ignore-filters") or call.view.hit("more-rows")
        if free and body.get("filters"):
            call.view.strike(free)
        rows = self.searcher.select(call, body, filters=not free)
        return sort_tickets(self, rows, call.request.q("$o") or call.request.q("o"), call.request.q("$d") or call.request.q("d"), body)

    def search(self, call: Call) -> Response:
        return self.listing(call, self.found(call), lambda t: self.show(call, t), 20, lambda t: t["TicketId"])

    def count(self, call: Call) -> Response:
        number = len(self.found(call))
        if call.view.try_strike("wrong-count"):
            number = call.view.wrong_number(number)
        return self.one(number)

    # updating -------------------------------------------------------------------------------

    def edited(self, call: Call, ident: str, fields: dict[str, Any], flags: dict[str, Any] | None = None) -> None:
        call.tx.event("edit", system=self.name, id=ident, fields=fields, flags=flags or {}, request=call.origin())

    def update(self, call: Call, tid: str) -> Response:
        """The wide update. Collections count only with their Update... flag."""
        record, body = self.ticket(call, tid), low(call.request.object())
        partial = "onlysetmappedproperties" in (call.request.header("apiflags") or "").lower()
        fields: dict[str, Any] = {}
        before = record["WorkflowStepId"]
        for name in SCALARS:
            if name.lower() in body:
                record[name] = fields[name] = self.scalar(name, body[name.lower()])
            elif self.live and not partial and SCALARS[name][1] and record[name] is not None:
                record[name] = fields[name] = None
        workflow = self.table("issues")[record["IssueId"]]["WorkflowId"]
        if "IssueId" in fields and "WorkflowStepId" not in fields and self.step_of(record)["WorkflowId"] != workflow:
            record["WorkflowStepId"] = before = self.step_named(workflow, 1)
        self.check_room(record)
        if body.get("updateassets"):
            record["Assets"] = fields["Assets"] = self.asset_ids(body.get("assets"))
        if body.get("updatetags"):
            record["Tags"] = fields["Tags"] = self.tag_ids(call, body.get("tags"))
        if body.get("updateticketfollowers"):
            record["FollowerUsers"] = [self.known("users", u, "TicketFollowerUserIds") for u in items(body.get("ticketfolloweruserids"), "TicketFollowerUserIds")]
        if body.get("updateattachments"):
            record["Attachments"] = record["Attachments"] + self.inline_files(call, body.get("attachments"))
        if body.get("updatecustomfields"):
            values = self.field_values(body.get("customfieldvalues"))
            kept = {} if body.get("deletemissingcustomfieldvalues", True) else record["CustomFieldValues"]
            record["CustomFieldValues"] = {**kept, **values}
        self.edited(call, record["TicketId"], self.for_books(record, fields, "updatecustomfields" in body), {f: body[f.lower()] for f in FLAGS if f.lower() in body})
        if record["WorkflowStepId"] != before:
            after, record["WorkflowStepId"] = record["WorkflowStepId"], before
            self.set_step(call, record, after)
        return self.one(self.show(call, record), record["TicketId"])

    def for_books(self, record: dict[str, Any], fields: dict[str, Any], custom: bool) -> dict[str, Any]:
        told = dict(fields)
        told.update({"title": fields["Subject"]} if "Subject" in fields else {})
        told.update({"description": fields["IssueDescription"]} if "IssueDescription" in fields else {})
        told.update({"custom_fields": self.field_names(record["CustomFieldValues"])} if custom else {})
        return told

    def change(self, call: Call, tid: str, **fields: Any) -> dict[str, Any]:
        """Set checked fields of a ticket and note it."""
        record = self.ticket(call, tid)
        record.update(fields)
        self.edited(call, record["TicketId"], self.for_books(record, fields, False))
        return record

    def set_subject(self, call: Call, tid: str) -> Response:
        value = low(call.request.object()).get("subject")
        if not isinstance(value, str) or not value:
            raise Refusal(400, "The request is invalid.", {"Subject": "The Subject field is required."})
        self.change(call, tid, Subject=value)
        return self.done()

    def set_description(self, call: Call, tid: str) -> Response:
        body = low(call.request.object())
        if not isinstance(body.get("description"), str):
            raise Refusal(400, "The request is invalid.", {"Description": "The Description field is required."})
        self.change(call, tid, IssueDescription=body["description"])
        return self.done()

    def set_issue(self, call: Call, tid: str) -> Response:
        self.change_issue(call, tid, low(call.request.object()))
        return self.done()

    def change_issue(self, call: Call, tid: str, body: dict[str, Any]) -> None:
        ident = self.known("issues", body.get("issueid"), "IssueId")
        record, issue = self.change(call, tid, IssueId=ident), self.table("issues")[ident]
        if self.step_of(record)["WorkflowId"] != issue["WorkflowId"]:
            record["WorkflowStepId"] = self.step_named(issue["WorkflowId"], 1)
        if body.get("autoupdatesubject"):
            record["Subject"] = issue["Name"]

    def set_fields(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid)
        values = self.field_values(call.request.json([]), "CustomFieldValues")
        record["CustomFieldValues"] = {**record["CustomFieldValues"], **values}
        self.edited(call, record["TicketId"], self.for_books(record, {}, True))
        return self.done()

    def set_priority(self, call: Call, tid: str) -> Response:
        body = low(call.request.object())
        self.change(call, tid, Priority=self.priority(body.get("priority", body.get("priorityid"))))
        return self.done()

    def priority(self, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        for level in PRIORITIES:
            if self.norm(value) == level[0]:
                return level[2]
        raise Refusal(400, "The request is invalid.", {"Priority": "The Priority field is not valid."})

    def set_due(self, call: Call, tid: str) -> Response:
        body = low(call.request.object())
        self.change(call, tid, DueDate=self.due(body))
        return self.one(self.show(call, self.ticket(call, tid, False)))

    def due(self, body: dict[str, Any]) -> float | None:
        kind = body.get("type")
        if kind not in (0, 1, 2, 3, 4, 5, 99):
            raise Refusal(400, "The request is invalid.", {"Type": "The Type field is not valid."})
        if kind == 99:
            return None
        if kind == 3:
            return self.parse_time(body.get("customdate"), "CustomDate")
        days = {0: 1, 1: 7, 2: 30}.get(body.get("period", 0), 1)
        return self.clock.stamp() + 86400 * days * int(body.get("count") or 0)

    def set_assets(self, call: Call, tid: str) -> Response:
        ids = self.asset_ids(call.request.json([]))
        record = self.change(call, tid, Assets=ids)
        return Response(200, self.envelope(200, Items=[self.asset_link(record, a) for a in ids], Ids=[], Uids=ids))

    def asset_ids(self, sent: Any) -> list[str]:
        return [self.known("assets", low(a).get("assetid") if isinstance(a, dict) else a, "Assets") for a in items(sent, "Assets")
                if not (isinstance(a, dict) and low(a).get("assetid") is None and low(a).get("modelid"))]

    def set_tags(self, call: Call, tid: str) -> Response:
        self.change(call, tid, Tags=self.tag_ids(call, call.request.json([])))
        return self.done()

    def tag_ids(self, call: Call, sent: Any) -> list[str]:
        """Tags by id, or by name; a new name makes a new tag."""
        found = []
        for tag in items(sent, "Tags"):
            tag = low(tag) if isinstance(tag, dict) else {"tagid": tag}
            name = tag.get("name")
            if tag.get("tagid") in (None, ZERO) and isinstance(name, str) and name:
                known = next((t["TagId"] for t in self.table("tags").values() if t["Name"].lower() == name.lower()), None)
                ident = known or guid("tag", name)
                if known is None:
                    call.tx.put("iiq.tags", ident, {"TagId": ident, "Name": name, "TagTypeId": guid("tagtype"), "Scope": "Site", "IsDeleted": False})
            else:
                ident = self.known("tags", tag.get("tagid"), "TagId")
            found.append(ident)
        return list(dict.fromkeys(found))

    def one_tag(self, call: Call, tid: str, tag: str) -> Response:
        ident, record = self.in_path("tags", tag), self.ticket(call, tid)
        kept = [t for t in record["Tags"] if t != ident]
        self.change(call, tid, Tags=kept + [ident] if call.request.method == "POST" else kept)
        return self.done()

    def mark(self, field: str, value: bool) -> Callable[..., Response]:
        def set_mark(call: Call, tid: str) -> Response:
            self.change(call, tid, **{field: value})
            return self.done()
        return set_mark

    def delete(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid)
        record["IsDeleted"] = True
        call.tx.event("delete", system=self.name, id=record["TicketId"], request=call.origin())
        ident = record["TicketId"]
        return Response(200, self.envelope(200, Id=ident, Uid=ident, Item={"TicketId": ident, "IsDeleted": True}))

    def undelete(self, call: Call, tid: str) -> Response:
        ident = self.ticket(call, tid, False)["TicketId"]
        record = call.tx.edit("iiq.tickets", ident)
        record["IsDeleted"] = False
        call.tx.event("undelete", system=self.name, id=ident, request=call.origin())
        return self.one(self.show(call, record), ident)

    # assigning ------------------------------------------------------------------------------

    def assign(self, call: Call, tid: str) -> Response:
        self.assign_one(call, tid, low(call.request.object()))
        return self.done()

    def assign_one(self, call: Call, tid: str, body: dict[str, Any]) -> None:
        fields: dict[str, Any] = {}
        if body.get("assigntouserid"):
            fields["AssignedToUserId"] = self.agent(body["assigntouserid"], "AssignToUserId")
        if body.get("assigntoteamid"):
            fields["AssignedToTeamId"] = self.known("teams", body["assigntoteamid"], "AssignToTeamId")
        if body.get("assigntoslaid"):
            fields["SlaId"] = self.known("slas", body["assigntoslaid"], "AssignToSlaId")
        if body.get("assigntoparentid"):
            fields["ParentTicketId"] = self.known("tickets", body["assigntoparentid"], "AssignToParentId")
        fields.update({"AssignedToUserId": None} if body.get("clearuser") else {})
        fields.update({"AssignedToTeamId": None} if body.get("clearteam") else {})
        if not fields:
            raise Refusal(400, "The request is invalid.", {"AssignToUserId": "Nothing to assign was given."})
        self.same_ticket(body, tid)
        self.change(call, tid, **fields)
        if fields.get("ParentTicketId"):
            call.tx.edit("iiq.tickets", fields["ParentTicketId"])["HasChildren"] = True

    def same_ticket(self, body: dict[str, Any], tid: str, needed: bool = False) -> None:
        """A TicketId in the body must be the one in the path."""
        sent = body.get("ticketid")
        if (sent is None and needed) or (sent is not None and self.norm(sent) != self.norm(tid)):
            raise Refusal(400, "The request is invalid.", {"TicketId": "The TicketId must be the one in the path."})

    def set_sla(self, call: Call, tid: str) -> Response:
        self.change(call, tid, SlaId=self.known("slas", low(call.request.object()).get("slaid"), "SlaId"))
        return self.done()

    def clear(self, field: str) -> Callable[..., Response]:
        def cleared(call: Call, tid: str) -> Response:
            self.change(call, tid, **{field: None})
            return self.done()
        return cleared

    def set_owner(self, call: Call, tid: str, owner: str, other: str) -> Response:
        self.change(call, tid, OwnerId=self.in_path("users", owner), ForId=self.in_path("users", other))
        return self.done()

    # workflow -------------------------------------------------------------------------------

    def set_step(self, call: Call, record: dict[str, Any], step_id: str, reason: str | None = None) -> None:
        """Move a ticket to a step of its own workflow; a closed step closes it."""
        step, old = self.table("steps")[step_id], self.step_of(record)
        workflow = self.table("issues")[record["IssueId"]]["WorkflowId"]
        if step["WorkflowId"] != workflow:
            raise Refusal(400, "The step does not belong to the ticket's workflow.")
        record["WorkflowStepId"] = step_id
        record["Modified"] = self.clock.stamp()
        if step["IsClosed"]:
            record.update(Closed=record["Closed"] or self.clock.stamp(), ClosedByUserId=self.me, CloseReasonTypeId=reason or record["CloseReasonTypeId"])
        else:
            record.update(Closed=None, ClosedByUserId=None, CloseReasonTypeId=None)
        self.log(call, record, 63, "TicketStatusChanged")
        call.tx.event("status", system=self.name, id=record["TicketId"], **{"from": old["StepName"]}, to=step["StepName"], closing=step["IsClosed"],
                      reason=self.table("reasons").get(reason or "", {}).get("Name"), request=call.origin())

    def status_to(self, call: Call, tid: str, step: str) -> Response:
        record = self.ticket(call, tid)
        named = {"waiting-on-requestor": 4, "requestor-responded": 2}.get(step.lower())
        workflow = self.table("issues")[record["IssueId"]]["WorkflowId"]
        self.set_step(call, record, self.step_named(workflow, named) if named else self.in_path("steps", step))
        response = self.one(self.show(call, record))
        response.obj["Message"] = "Status changed."
        return response

    def to_number(self, number: int) -> Callable[..., Response]:
        """close, resolve, cancel: to the step with this status, with an optional reason."""
        def moved(call: Call, tid: str) -> Response:
            body = low(call.request.object())
            reason = self.known("reasons", body["closereasontypeid"], "CloseReasonTypeId") if body.get("closereasontypeid") not in (None, ZERO) else None
            record = self.ticket(call, tid)
            self.set_step(call, record, self.step_named(self.step_of(record)["WorkflowId"], number), reason)
            return self.done()
        return moved

    def start(self, call: Call, tid: str) -> Response:
        body, record = low(call.request.object()), self.ticket(call, tid)
        if self.step_of(record)["IsClosed"]:
            raise Refusal(400, "A closed ticket cannot be started.")
        if body.get("userid"):
            record["AssignedToUserId"] = self.agent(body["userid"], "UserId")
        record["Started"] = self.clock.stamp()
        self.set_step(call, record, self.step_named(self.step_of(record)["WorkflowId"], 2))
        return self.one(self.show(call, record))

    def stop(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid)
        record["Started"] = None
        self.set_step(call, record, self.step_named(self.step_of(record)["WorkflowId"], 1))
        return self.done()

    def status_read(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid, False)
        return self.one({"CurrentWorkflowStep": self.step_of(record), "IsAwaitingOnApproval": False, "CanBeSentForApproval": False, "ApproverIds": [], "ApprovalLog": []})

    def duplicate(self, call: Call, tid: str, original: str) -> Response:
        if self.norm(original) not in self.table("tickets") or self.norm(tid) not in self.table("tickets"):
            raise Refusal(500, "An error has occurred.")
        record = self.ticket(call, tid)
        record["DuplicateOf"] = self.norm(original)
        self.set_step(call, record, self.step_named(self.step_of(record)["WorkflowId"], 3), guid("reason", "Duplicate"))
        return self.done()

    # another person -------------------------------------------------------------------------

    def person(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """Somebody else at the desk: makes, edits, comments, closes or deletes."""
        if body.get("comment_on"):
            record = self.ticket(call, self.by_number(body["comment_on"]))
            owner = next((u["UserId"] for u in self.table("users").values() if u["Email"] == body.get("email")), self.me)
            sent = {"ownerid": owner, "ispublic": not body.get("internal", False),
                    "activityitems": [{"$type": f"{MODELS}{COMMENT}, Spark.Shared", "Comments": body.get("text") or body.get("description")}]}
            return {"comment": self.activity_from(call, record, sent, None)["TicketActivityId"]}
        if body.get("edit"):
            ident = self.by_number(body["edit"])
            fields = {n: body[k] for k, n in (("title", "Subject"), ("description", "IssueDescription")) if k in body}
            self.change(call, ident, **fields)
            return {"id": ident}
        for name, act in (("close", self.to_number(3)), ("reopen", self.stop), ("delete", self.delete), ("undelete", self.undelete)):
            if body.get(name):
                ident = self.by_number(body[name])
                call.request.body = b""
                act(call, ident)
                return {"id": ident}
        place = next((i for i, p in self.table("locations").items() if p["Name"] == body.get("location", "District Office")), None)
        issue = next((i for i, p in self.table("issues").items() if p["Name"] == body.get("issue", "Cracked Screen")), None)
        user = next((i for i, u in self.table("users").items() if u["Email"] == body.get("email", "kira.abbott@maplevalley.example")), None)
        if None in (place, issue, user):
            raise Refusal(400, "No such location, issue or e-mail.")
        record = self.make(call, {"forid": user, "issueid": issue, "locationid": place, "subject": body.get("title"), "issuedescription": body.get("description"), "sourceid": 1},
                           ("ForId", "IssueId"))
        return {"id": record["TicketId"], "number": record["TicketNumber"]}

    def by_number(self, text: Any) -> str:
        """A ticket's id from its id or its number."""
        return next((t["TicketId"] for t in self.table("tickets").values() if t["TicketNumber"] == str(text)), str(text))


def add_routes(router: Router, s: IncidentIQ) -> None:
    """All routes, in the order of the contract."""
    add, t = router.add, "/tickets/{tid}"
    add("GET", "/login", "login", s.login)
    add("POST|GET", "/tickets", "list", s.search)
    add("POST", "/tickets/search", "list", s.search)
    add("POST", "/tickets/count", "count", s.count)
    add("POST", "/tickets/new", "create", s.create)
    add("POST", "/tickets/create", "create", s.create_strict)
    add("POST", "/tickets/simple/new", "create", s.create_simple)
    add("POST", t + "/copy", "create", s.copy)
    add("GET", t, "get", s.get)
    add("POST|PUT", t, "update", s.update)
    add("DELETE", t, "delete", s.delete)
    add("PUT|POST", t + "/undelete", "delete", s.undelete)
    for path, call in (("subject", s.set_subject), ("description", s.set_description), ("issue", s.set_issue), ("custom-fields", s.set_fields), ("priority", s.set_priority),
                       ("due-dates", s.set_due), ("assets", s.set_assets), ("tags", s.set_tags), ("assign", s.assign), ("sla", s.set_sla), ("unassign-sla", s.clear("SlaId")),
                       ("mark-urgent", s.mark("IsUrgent", True)), ("mark-not-urgent", s.mark("IsUrgent", False)), ("start", s.start), ("stop", s.stop),
                       ("mark-sensitive", s.mark("HasSensitiveInformation", True)), ("mark-not-sensitive", s.mark("HasSensitiveInformation", False)),
                       ("confirm-issue", s.mark("IsIssueConfirmed", True)), ("unconfirm-issue", s.mark("IsIssueConfirmed", False))):
        add("POST|PUT", f"{t}/{path}", "update", call)
    add("POST|PUT", t + "/close", "close", s.to_number(3))
    add("POST|PUT", t + "/resolve", "close", s.to_number(3))
    add("POST|PUT", t + "/cancel", "close", s.to_number(5))
    add("POST|DELETE", t + "/tags/{tag}", "update", s.one_tag)
    add("POST", t + "/unassign/user", "update", s.clear("AssignedToUserId"))
    add("POST", t + "/unassign/team", "update", s.clear("AssignedToTeamId"))
    add("POST", t + "/owner/{owner}/for/{other}", "update", s.set_owner)
    add("POST|PUT", t + "/status/{step}", "update", s.status_to)
    add("GET", t + "/status", "get", s.status_read)
    add("POST", t + "/mark-as-duplicate/{original}", "close", s.duplicate)
    add("GET", t + "/sla", "get", s.sla_of)
    add("GET", t + "/next-steps", "get", s.empty)
    add("GET", t + "/approvals", "get", s.empty)
    for path in ("/activities", "/activities/new", "/activities/new/{email}"):
        add("POST", t + path, "comment", s.comment)
    add("POST", t + "/activities/new-batch", "comment", s.comment_batch)
    add("POST", t + "/activities/new-batch/{email}", "comment", s.comment_batch)
    add("GET", t + "/activities", "comments", s.activities)
    add("GET|POST", t + "/timeline", "comments", s.activities)
    add("POST", "/tickets/activities", "comments", s.activities_of_many)
    add("GET", "/tickets/activities/{aid}", "comments", s.activity_get)
    add("DELETE", "/tickets/activities/{aid}", "comment", s.activity_deleted(True))
    add("PUT", "/tickets/activities/{aid}/undelete", "comment", s.activity_deleted(False))
    add("POST", t + "/activities/{aid}", "comment", s.activity_edit)
    add("POST", t + "/activities/{aid}/visibility", "comment", s.visibility)
    add("GET", t + "/followers", "get", s.followers)
    add("POST|DELETE", t + "/followers/user/{who}", "update", s.follow("users", "FollowerUsers"))
    add("POST|DELETE", t + "/followers/team/{who}", "update", s.follow("teams", "FollowerTeams"))
    add("POST", "/subtasks/create", "update", s.subtask_create)
    add("GET", "/subtasks", "ref", s.subtask_open)
    add("GET", "/subtasks/{sid}", "get", s.subtasks_of)
    add("DELETE", "/subtasks/{sid}", "update", s.subtask_set(IsDeleted=True))
    add("POST", "/subtasks/{sid}/complete", "update", s.subtask_set(IsCompleted=True))
    add("POST", "/subtasks/{sid}/revert", "update", s.subtask_set(IsCompleted=False))
    add("POST", "/subtasks/{sid}/unassign", "update", s.subtask_set(IsAssigned=False, AssignedTo=None))
    add("POST", "/subtasks/{sid}/assign/{user}", "update", s.subtask_set())
    add("DELETE", "/subtickets/{tid}", "update", s.clear("ParentTicketId"))
    add("POST|DELETE", "/tickets/bulk/{what}", "update", s.bulk)
    add("GET", "/jobs/{job}", "ref", s.job)
    add("POST", "/files", "upload", s.upload)
    add("POST", "/files/base64/save", "upload", s.upload_text)
    add("POST|DELETE", "/files/{fid}/entity/{a}/{b}", "upload", s.link)
    add("GET", "/files/entity/{a}/{b}", "ref", s.files_of)
    add("GET", "/files/{fid}", "ref", s.download)
    add("GET", "/files/base64/{fid}", "ref", s.download_text)
    add("GET", "/files/{fid}/details", "ref", s.file_details)
    add("DELETE", "/files/{fid}", "upload", s.file_delete)
    add_reference(router, s)
    for path in ("/tickets/categories", "/assets/counts", t + "/attachments", t + "/comments", t + "/history", t + "/notes"):
        add("GET|POST", path, "other", s.absent)
