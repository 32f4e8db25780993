"""IncidentIQ metadata and directories: places, people, issues, fields, statuses, assets."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Callable

from iiq_common import SCALARS, items, low
from population import (ADMIN, AGENT, ENTITY_TYPES, LOCATION_TYPES, PRIORITIES, ROLES, SITE_ID, SITE_NAME, SOURCES, STATUS_IDS, TICKETING, guid)
from wire import Call, Refusal, Response, Router


class Reference:
    """A part of IncidentIQ: what is read before anything is written."""

    def rows(self, table: str, key: str, show: Callable[[Any], Any] | None = None, default: int = 100) -> Callable[..., Response]:
        """A handler that lists a whole table by name."""
        def listed(call: Call, **_: str) -> Response:
            found = sorted(self.table(table).values(), key=lambda r: str(r.get(key, "")).lower())
            return self.listing(call, found, show or (lambda r: r), default, lambda r: str(r.get(key)))
        return listed

    def single(self, table: str, show: Callable[[Any], Any] | None = None) -> Callable[..., Response]:
        def shown(call: Call, ident: str) -> Response:
            record = self.table(table)[self.in_path(table, ident)]
            return self.one(show(record) if show else record)
        return shown

    def fixed(self, rows: Callable[[], list[Any]], as_item: bool = False) -> Callable[..., Response]:
        def listed(call: Call, **_: str) -> Response:
            return self.one(rows()) if as_item else self.listing(call, rows(), lambda r: r)
        return listed

    def login(self, call: Call) -> Response:
        return self.one({"UserToken": self.token, "UserId": self.me, "User": self.person_shown(self.me), "SiteId": SITE_ID, "ProductId": TICKETING,
                         "Site": {"SiteId": SITE_ID, "Name": SITE_NAME, "TimeZone": self.windows_zone()}})

    def windows_zone(self) -> str:
        return {"America/New_York": "Eastern Standard Time", "America/Chicago": "Central Standard Time", "America/Denver": "Mountain Standard Time",
                "America/Los_Angeles": "Pacific Standard Time", "UTC": "UTC"}.get(self.zone_name, self.zone_name)

    def settings(self, call: Call, **_: str) -> Response:
        behind = -int(datetime.now(self.zone).utcoffset().total_seconds() // 60)  # type: ignore[union-attr]
        return self.one({"SiteId": SITE_ID, "Name": SITE_NAME, "Domain": "maplevalley", "TimeZone": self.windows_zone(), "OffsetInMinutesFromUtc": behind,
                         "EntityTypes": [{"EntityTypeId": k, "Name": v} for k, v in ENTITY_TYPES.items()], "PriorityLevels": self.priority_rows(),
                         "CloseReasonTypes": list(self.table("reasons").values())})

    @staticmethod
    def priority_rows() -> list[dict[str, Any]]:
        return [{"PriorityLevelId": p[0], "Name": p[1], "Min": p[2], "Max": p[3], "Color": p[4]} for p in PRIORITIES]

    def status_rows(self, workflow: str | None = None) -> list[dict[str, Any]]:
        rows = []
        for step in self.table("steps").values():
            if workflow and step["WorkflowId"] != workflow:
                continue
            row = {"TicketStatusTypeId": step["StatusId"], "StatusId": step["StatusId"], "StatusName": step["StatusName"], "StepName": step["StepName"], "IsClosed": step["IsClosed"],
                   "IsReadonly": False, "IsRequestorInputNeeded": step["StatusId"] == STATUS_IDS[4], "Color": "#2196f3"}
            if not self.live:
                row.update(WorkflowStepId=step["WorkflowStepId"], WorkflowId=step["WorkflowId"], DisplayOrder=step["DisplayOrder"])
            rows.append(row)
        return rows

    def statuses_of(self, call: Call, wid: str) -> Response:
        return self.listing(call, self.status_rows(self.in_path("workflows", wid)), lambda r: r)

    def status_one(self, call: Call, sid: str) -> Response:
        row = next((r for r in self.status_rows() if r["StatusId"] == self.norm(sid)), None)
        if row is None:
            raise Refusal(404, "The status was not found.")
        return self.one(row)

    def steps_of(self, call: Call, wid: str) -> Response:
        ident = self.in_path("workflows", wid)
        return self.listing(call, [s for s in self.table("steps").values() if s["WorkflowId"] == ident], lambda r: r)

    def workflows(self, call: Call, **_: str) -> Response:
        steps = self.table("steps").values()
        rows = [{**w, "Steps": [s for s in steps if s["WorkflowId"] == w["WorkflowId"]]} for w in self.table("workflows").values()]
        return self.listing(call, rows, lambda r: r)

    def field_type(self, field: dict[str, Any]) -> dict[str, Any]:
        """Options are a string that holds JSON."""
        return {"CustomFieldTypeId": field["CustomFieldTypeId"], "Name": field["Name"], "EditorType": field["EditorTypeId"], "EditorTypeId": field["EditorTypeId"],
                "Options": json.dumps(field["Options"]) if field["Options"] else "", "SiteId": SITE_ID}

    def field_shown(self, field: dict[str, Any]) -> dict[str, Any]:
        return {"CustomFieldId": guid("customfield", field["CustomFieldTypeId"]), "CustomFieldTypeId": field["CustomFieldTypeId"],
                "CustomFieldType": self.field_type(field), "IsRequired": field["IsRequired"], "EntityTypeId": list(ENTITY_TYPES)[0], "IsHidden": False}

    def values_of(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid, False)
        rows = [{**self.value_shown(k, v), "TicketId": record["TicketId"]} for k, v in record["CustomFieldValues"].items()]
        return self.listing(call, rows, lambda r: r, 1000)

    def values_upsert(self, call: Call) -> Response:
        for entry in items(call.request.json(), "body"):
            record = self.ticket(call, str(low(entry).get("ticketid")))
            record["CustomFieldValues"] = {**record["CustomFieldValues"], **self.field_values([entry])}
            self.edited(call, record["TicketId"], self.for_books(record, {}, True))
        return self.done()

    def rooms_of(self, call: Call, ident: str) -> Response:
        place = self.in_path("locations", ident)
        return self.listing(call, [r for r in self.table("rooms").values() if r["LocationId"] == place], lambda r: r)

    def rooms_query(self, call: Call) -> Response:
        place = low(call.request.object()).get("locationid")
        wanted = self.known("locations", place, "LocationId") if place else None
        response = self.listing(call, [r for r in self.table("rooms").values() if wanted in (None, r["LocationId"])], lambda r: r)
        response.obj.update(IsSuccessful=True, Messages=[])
        return response

    def users(self, call: Call, agents: bool = False) -> Response:
        body = low(call.request.json({}) or {}) if call.request.method == "POST" else {}
        rows = self.searcher.users(body, agents)
        order = (call.request.q("$o") or "FullName").split()
        keys = {"firstname": "FirstName", "lastname": "LastName", "grade": "Grade", "userid": "UserId"}
        key = keys.get(order[0].lower() if order else "")
        rows.sort(key=lambda u: str(u.get(key) if key else f"{u['FirstName']} {u['LastName']}").lower(), reverse=len(order) > 1 and order[1].lower().startswith("desc"))
        return self.listing(call, rows, self.user_shown, 200 if agents else 20, lambda u: u["UserId"])

    def agents(self, call: Call) -> Response:
        return self.users(call, True)

    def users_matching(self, call: Call, text: str) -> Response:
        rows = [u for u in self.table("users").values() if text.lower() in f"{u['FirstName']} {u['LastName']} {u['Email']}".lower()]
        return self.listing(call, rows, self.user_shown, 20)

    def user_by(self, field: str) -> Callable[..., Response]:
        def found(call: Call, site: str, text: str) -> Response:
            user = next((u for u in self.table("users").values() if u[field].lower() == text.lower() and not u["IsDeleted"]), None)
            if user is None:
                raise Refusal(404, "The user was not found.")
            return self.one(self.user_shown(user))
        return found

    def user_new(self, call: Call) -> Response:
        body = low(call.request.object())
        missing = {n: f"The {n} field is required." for n in ("FirstName", "LastName", "Email") if not body.get(n.lower())}
        if missing:
            raise Refusal(400, "The request is invalid.", missing)
        if any(u["Email"].lower() == str(body["email"]).lower() for u in self.table("users").values()):
            raise Refusal(409, "A user with this e-mail exists.", key="ALREADY_EXISTS")
        place = self.known("locations", body["locationid"], "LocationId") if body.get("locationid") else guid("location", "District Office")
        role = str(body.get("roleid") or list(ROLES)[1]).lower()
        ident = guid(self.chaos.seed, "user", call.tx.next("iiq.user"))
        user = {"UserId": ident, "FirstName": body["firstname"], "LastName": body["lastname"], "Email": body["email"], "Username": body.get("username") or body["email"].split("@")[0],
                "SchoolIdNumber": body.get("schoolidnumber"), "Grade": body.get("grade"), "Homeroom": None, "Phone": body.get("phone"), "ExternalId": body.get("externalid"),
                "LocationId": place, "RoleId": role, "Portal": {ADMIN: 3, AGENT: 2}.get(role, 1), "IsActive": True, "IsDeleted": False}
        call.tx.put("iiq.users", ident, user)
        return self.one(self.user_shown(user), ident)

    def user_edit(self, call: Call, ident: str) -> Response:
        user, body = call.tx.edit("iiq.users", self.in_path("users", ident)), low(call.request.object())
        for name in ("FirstName", "LastName", "Email", "Username", "Phone", "Grade", "ExternalId", "SchoolIdNumber", "IsActive"):
            user[name] = body.get(name.lower(), user[name])
        return self.one(self.user_shown(user), user["UserId"])

    def user_deleted(self, value: bool) -> Callable[..., Response]:
        def deleted(call: Call, ident: str) -> Response:
            call.tx.edit("iiq.users", self.in_path("users", ident))["IsDeleted"] = value
            return self.done()
        return deleted

    def team_shown_wide(self, team: dict[str, Any]) -> dict[str, Any]:
        return {"TeamId": team["TeamId"], "TeamName": team["TeamName"], "MembersCount": len(team["Members"]), "SiteId": SITE_ID}

    def members(self, call: Call, ident: str) -> Response:
        team = self.table("teams")[self.in_path("teams", ident)]
        return self.listing(call, [self.table("users")[m] for m in team["Members"]], self.user_shown)

    def member(self, call: Call, ident: str, uid: str) -> Response:
        team = call.tx.edit("iiq.teams", self.in_path("teams", ident))
        team["Members"] = list(dict.fromkeys(team["Members"] + [self.in_path("users", uid)]))
        return self.done()

    def assets_by(self, field: str, wild: bool = False) -> Callable[..., Response]:
        def found(call: Call, text: str) -> Response:
            wanted = [w.lower().strip("*%") for w in text.split("|")]
            rows = [a for a in self.table("assets").values() if any(w in a[field].lower() if wild else w == a[field].lower() for w in wanted)]
            return self.listing(call, rows, lambda a: a, 20)
        return found

    def assets(self, call: Call) -> Response:
        body = low(call.request.json({}) or {})
        query = str(body.get("query") or "").lower()
        rows = [a for a in self.table("assets").values() if query in a["AssetTag"].lower()]
        return self.listing(call, self.searcher.assets(rows, body), lambda a: a, 20)

    def sla_of(self, call: Call, tid: str) -> Response:
        return self.one(self.sla_shown(self.ticket(call, tid, False)))

    def sla_shown(self, record: dict[str, Any]) -> dict[str, Any]:
        sla = self.table("slas").get(record["SlaId"] or "")
        return {"TicketId": record["TicketId"], "Sla": sla, "SlaTimes": [{"Name": m["Name"], "LogMinutes": 0, "IsRunning": True} for m in (sla or {}).get("Metrics", [])]}

    def slas_found(self, call: Call) -> Response:
        return self.listing(call, self.found(call), self.sla_shown, 20)

    def lookup(self, call: Call) -> Response:
        """POST /filters: names and ids for the values of a facet."""
        body = low(call.request.object())
        name = str(low(body.get("resultsfilter") or {}).get("entityname") or (items(body.get("facets"), "Facets") or [""])[0]).lower()
        tables = {"location": ("locations", "LocationId", "Name"), "issue": ("issues", "IssueId", "Name"), "team": ("teams", "TeamId", "TeamName"),
                  "tag": ("tags", "TagId", "Name"), "room": ("rooms", "LocationRoomId", "Name"), "workflowstep": ("steps", "WorkflowStepId", "StepName")}
        if name not in tables:
            return self.listing(call, [], lambda r: r)
        table, key, label = tables[name]
        query = str(body.get("query") or "").lower()
        rows = [{"Id": r[key], "Name": r[label]} for r in self.table(table).values() if query in r[label].lower()]
        return self.listing(call, rows, lambda r: r)

    def search_all(self, call: Call) -> Response:
        body = low(call.request.object())
        query = str(body.get("query") or "").lower()
        if not query or len(query) > 200:
            raise Refusal(400, "The request is invalid.", {"Query": "The Query field is required, 200 characters at most."})
        bits, most = body.get("facets", 11), int(body.get("limit") or 20)
        now = self.clock.now()
        item: dict[str, Any] = {}
        if bits & 1:
            rows = [t for t in self.table("tickets").values() if t["_visible"] <= now and not t["IsDeleted"] and query in f"{t['TicketNumber']} {t['Subject']} {t['IssueDescription']}".lower()]
            item["Tickets"] = [self.show(call, t) for t in rows[:most]]
        if bits & 4:
            item["Users"] = [self.user_shown(u) for u in self.table("users").values() if query in f"{u['FirstName']} {u['LastName']} {u['Email']}".lower()][:most]
        if bits & 8:
            item["Assets"] = [a for a in self.table("assets").values() if query in a["AssetTag"].lower()][:most]
        if bits & 16:
            item["Locations"] = [p for p in self.table("locations").values() if query in p["Name"].lower()][:most]
        return self.one(item)

    def absent(self, call: Call, **_: str) -> Response:
        raise Refusal(404, "No HTTP resource was found.")

    def empty(self, call: Call, **_: str) -> Response:
        return self.listing(call, [], lambda r: r)


def add_reference(router: Router, s: Any) -> None:
    """Metadata and directory routes."""
    def ref(methods: str, template: str, call: Callable[..., Response]) -> None:
        router.add(methods, template, "ref", call)

    ref("GET", "/tickets/statuses", s.fixed(s.status_rows))
    ref("GET", "/tickets/workflows/statuses", s.fixed(s.status_rows))
    ref("GET", "/tickets/statuses/{sid}", s.status_one)
    ref("GET", "/tickets/{wid}/statuses", s.statuses_of)
    ref("GET", "/workflows", s.workflows)
    ref("GET", "/workflows/allproducts/site/{site}", s.workflows)
    ref("GET", "/workflows/{wid}/steps", s.steps_of)
    ref("GET", "/workflows/steps", s.rows("steps", "StepName"))
    ref("GET", "/tickets/priorities", s.fixed(s.priority_rows))
    ref("GET", "/tickets/sources", s.fixed(lambda: [{"SourceId": k, "Key": v.lower(), "Name": v, "IsActive": True} for k, v in SOURCES.items()]))
    ref("GET", "/tickets/fields", s.fixed(lambda: [{"FieldId": guid("ticketfield", n), "Name": n, "FieldType": k, "IsRequired": n in ("ForId", "IssueId")} for n, (k, _) in SCALARS.items()]))
    for path in ("/tickets/wizards", "/tickets/wizards/site/{site}", "/tickets/wizards/categories"):
        ref("GET", path, s.fixed(lambda: [{"TicketWizardCategoryId": guid("wizard", n), "Name": n, "Icon": None, "SortOrder": i, "IsDisabled": False}
                                          for i, n in enumerate(("Devices", "Network", "Other"))]))
    ref("GET", "/tickets/views", s.fixed(lambda: [{"ViewId": guid("view", "All"), "Name": "All Tickets"}]))
    ref("POST", "/tickets/get-similar-tickets", s.empty)
    ref("GET", "/resolutions/close-reason-types", s.fixed(lambda: list(s.table("reasons").values()), True))
    ref("GET", "/resolutions/actions", s.rows("actions", "Name"))
    ref("GET", "/slas", s.rows("slas", "Name"))
    router.add("POST", "/tickets/slas", "list", s.slas_found)
    for path in ("/custom-fields/for/ticket", "/custom-fields"):
        ref("POST", path, s.rows("fields", "Name", s.field_shown, 1000))
    ref("GET|POST", "/custom-fields/types", s.rows("fields", "Name", s.field_type, 1000))
    ref("GET", "/custom-fields/values/for/ticket/{tid}", s.values_of)
    router.add("POST", "/custom-fields/values/for/tickets", "update", s.values_upsert)
    for path in ("/locations", "/locations/all", "/locations/all/{site}", "/locations/view"):
        ref("GET|POST", path, s.rows("locations", "Name", lambda p: s.place_shown(p["LocationId"])))
    ref("GET", "/locations/types", s.fixed(lambda: [{"LocationTypeId": k, "Name": v} for k, v in LOCATION_TYPES.items()]))
    ref("GET", "/locations/{ident}", s.single("locations", lambda p: s.place_shown(p["LocationId"])))
    ref("GET", "/locations/rooms", s.rows("rooms", "LocationRoomId"))
    ref("GET", "/locations/{ident}/rooms", s.rooms_of)
    ref("POST", "/locations/rooms/query", s.rooms_query)
    ref("GET|POST", "/issues", s.rows("issues", "Name", s.issue_shown, 1000))
    ref("GET", "/issues/site", s.fixed(lambda: [{"IssueId": i, "EnabledRoles": [], "DisabledRoles": []} for i in s.table("issues")]))
    ref("GET|POST", "/issues/types", s.rows("types", "Name", None, 1000))
    ref("GET", "/issues/{ident}", s.single("issues", s.issue_shown))
    ref("GET", "/categories/of/issues", s.rows("categories", "Name", None, 1000))
    ref("POST", "/categories/v2", s.rows("categories", "Name", None, 1000))
    ref("GET|POST", "/users", s.users)
    ref("POST", "/users/list", s.users)
    ref("GET|POST", "/users/agents", s.agents)
    ref("GET|POST", "/users/agents/list", s.agents)
    ref("GET", "/users/search/{text}", s.users_matching)
    ref("GET", "/users/by-email/{site}/{text}", s.user_by("Email"))
    ref("GET", "/users/by-username/{site}/{text}", s.user_by("Username"))
    ref("GET", "/users/{ident}", s.single("users", s.user_shown))
    router.add("POST", "/users/local/new", "update", s.user_new)
    router.add("POST", "/users/{ident}", "update", s.user_edit)
    router.add("DELETE", "/users/{ident}", "update", s.user_deleted(True))
    router.add("PUT", "/users/{ident}/undelete", "update", s.user_deleted(False))
    for path in ("/teams", "/teams/all"):
        ref("GET", path, s.rows("teams", "TeamName", s.team_shown_wide))
    ref("GET", "/teams/{ident}/members", s.members)
    router.add("POST", "/teams/{ident}/members/{uid}", "update", s.member)
    ref("GET", "/tags", s.rows("tags", "Name"))
    ref("GET", "/assets/assettag/{text}", s.assets_by("AssetTag"))
    ref("GET", "/assets/assettag/search/{text}", s.assets_by("AssetTag", True))
    ref("GET", "/assets/serial/{text}", s.assets_by("SerialNumber"))
    ref("GET", "/assets/{ident}", s.single("assets"))
    ref("POST", "/assets", s.assets)
    ref("POST", "/assets/search", s.assets)
    ref("POST", "/filters", s.lookup)
    ref("GET", "/filters/for/entitytype/{kind}", s.fixed(lambda: [{"Facet": f, "Name": f} for f in s.searcher.facets()]))
    router.add("POST", "/search", "list", s.search_all)
    router.add("POST", "/search/v2", "list", s.search_all)
    ref("GET", "/sites/my/settings", s.settings)
    ref("GET", "/sites/{domain}", s.settings)
