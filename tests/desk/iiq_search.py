"""IncidentIQ searching: facets, date expressions, schemas, sorting.

The rule of the contract holds in both tempers: an unknown facet or a value that cannot be read is
discarded, and the answer is 200 without that filter.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Callable, Iterable

from population import ONE, PRIORITIES, PRODUCTS, ZERO
from wire import Call, Refusal

Test = Callable[[dict[str, Any]], bool]
SCHEMAS = {s.lower() for s in (
    "All", "Open", "OpenWithView", "OpenWithModify", "OpenFollowing", "Available", "AssignedToMe", "AssignedToMe_Unassigned", "Closed", "MyClosed", "MyClosedRecently",
    "OthersClosed", "OpenOthers", "Others", "Unassigned", "Canceled", "Deleted", "WaitingOnRequestor", "ForMe", "ByMeForOthers")}
BY_ID = {"ticket": "TicketId", "agent": "AssignedToUserId", "user": "ForId", "for": "ForId", "onbehalfof": "ForId", "submittedby": "OwnerId", "team": "AssignedToTeamId",
         "location": "LocationId", "room": "LocationRoomId", "workflowstep": "WorkflowStepId", "issue": "IssueId", "sla": "SlaId", "closereason": "CloseReasonTypeId"}
BY_DATE = {"createddate": "Created", "modifieddate": "Modified", "activitydate": "Modified", "closedate": "Closed", "closeddate": "Closed", "duedate": "DueDate", "scheduleddate": "DueDate"}
BOOLS: dict[str, Callable[[Any, dict[str, Any]], bool]] = {
    "unassigned": lambda s, t: t["AssignedToUserId"] is None, "assignedtome": lambda s, t: t["AssignedToUserId"] == s.me, "isurgent": lambda s, t: t["IsUrgent"],
    "sensitiveinfo": lambda s, t: t["HasSensitiveInformation"], "hasassetattached": lambda s, t: bool(t["Assets"]), "isasubticket": lambda s, t: bool(t["ParentTicketId"]),
    "hassubtickets": lambda s, t: bool(t.get("HasChildren")), "isticketfollower": lambda s, t: s.me in t["FollowerUsers"],
    "ispastdue": lambda s, t: bool(t["DueDate"] and t["DueDate"] < s.clock.stamp() and not s.step_of(t)["IsClosed"])}
OTHERS = ("status", "previousstatus", "ticketstate", "workflow", "issuetype", "issuecategory", "prioritylevel", "locationtype", "tag", "asset", "keyword", "ticketnumber",
          "assettag", "source", "priorityrange", "daysstale", "statustypename")


class Discard(Exception):
    """The filter is not understood and is left out."""


class Searcher:
    """Turns search bodies into rows of one site."""

    def __init__(self, system: Any) -> None:
        self.s = system

    @staticmethod
    def facets() -> list[str]:
        return sorted([*BY_ID, *BY_DATE, *BOOLS, *OTHERS, "customfield"])

    # tickets ------------------------------------------------------------------------------

    def select(self, call: Call, body: dict[str, Any], filters: bool = True) -> list[dict[str, Any]]:
        """The visible tickets that a search body asks for."""
        now = self.s.clock.now()
        rows: Iterable[dict[str, Any]] = (t for t in self.s.table("tickets").values() if t["_visible"] <= now)
        schema = body.get("schema") or "All"
        if not isinstance(schema, str) or schema.lower() not in SCHEMAS:
            raise Refusal(400, "The request is invalid.", {"Schema": f"'{schema}' is not a ticket schema."})
        if body.get("onlyshowdeleted") or schema.lower() == "deleted":
            rows = (t for t in rows if t["IsDeleted"])
        elif not body.get("includedeleted"):
            rows = (t for t in rows if not t["IsDeleted"])
        if body.get("filterbyproduct"):
            product = self.s.norm(body.get("productid") or call.request.header("productid"))
            rows = (t for t in rows if product not in PRODUCTS or t["ProductId"] == product)
        kept = [t for t in rows if self.in_schema(schema.lower(), t)]
        if not filters:
            return kept
        sent = body.get("filters") or []
        test = self.tests(sent if isinstance(sent, list) else [])
        return [t for t in kept if test(t)]

    def in_schema(self, schema: str, t: dict[str, Any]) -> bool:
        closed, me = self.s.step_of(t)["IsClosed"], self.s.me
        if schema.startswith("open") or schema == "available":
            return not closed
        if "closed" in schema:
            return closed and (schema == "closed" or (t["ForId"] == me) == schema.startswith("my"))
        own = {"unassigned": t["AssignedToUserId"] is None, "assignedtome": t["AssignedToUserId"] == me, "assignedtome_unassigned": t["AssignedToUserId"] in (me, None),
               "canceled": self.s.step_of(t)["StepName"] == "Canceled", "waitingonrequestor": self.s.step_of(t)["StepName"] == "Waiting on Requestor",
               "forme": t["ForId"] == me, "others": t["ForId"] != me, "bymeforothers": t["OwnerId"] == me and t["ForId"] != me}
        return own.get(schema, True)

    def tests(self, sent: list[Any]) -> Test:
        """One test of all filters: groups are OR-ed; in a group the same facet is OR, others AND."""
        groups: dict[int, dict[str, tuple[list[Test], list[Test]]]] = {}
        for entry in sent:
            if not isinstance(entry, dict):
                continue
            f = {str(k).lower(): v for k, v in entry.items()}
            try:
                test = self.test(f)
            except Discard:
                continue
            facet = str(f.get("facet")).lower() + str(f.get("customfieldtypeid") or "").lower()
            group = f.get("groupindex") if isinstance(f.get("groupindex"), int) else 0
            pair = groups.setdefault(group, {}).setdefault(facet, ([], []))
            pair[1 if f.get("negative") else 0].append(test)

        def whole(t: dict[str, Any]) -> bool:
            return not groups or any(all((not yes or any(y(t) for y in yes)) and not any(n(t) for n in no) for yes, no in facets.values()) for facets in groups.values())
        return whole

    def wanted(self, f: dict[str, Any]) -> tuple[set[str], list[str]]:
        """The ids and the values of a filter; lists of them only outside the live-like temper."""
        ids, values = [f.get("id")], [f.get("value")]
        if not self.s.live:
            ids += f["ids"] if isinstance(f.get("ids"), list) else []
            values += f["values"] if isinstance(f.get("values"), list) else []
        texts = [str(v) for v in values if v is not None]
        found = {i for i in (self.s.norm(v) for v in ids) if i}
        return found | ({i for i in map(self.s.norm, texts) if i} if not self.s.live else set()), texts

    def test(self, f: dict[str, Any]) -> Test:
        s, facet = self.s, str(f.get("facet") or "").lower()
        ids, values = self.wanted(f)
        if facet in BY_DATE:
            return self.dates(BY_DATE[facet], values)
        if facet in BOOLS:
            want = self.truth(f, values)
            return lambda t: BOOLS[facet](s, t) == want
        if facet.startswith("customfield"):
            return self.custom(s.norm(f.get("customfieldtypeid")), ids, values)
        if facet == "ticketstate":
            return self.state(ids, values)
        if facet == "statustypename" and not s.live:
            names = need({v.lower() for v in values})
            return lambda t: s.step_of(t)["StepName"].lower() in names or ("closed" if s.step_of(t)["IsClosed"] else "open") in names
        if facet in ("priorityrange", "daysstale"):
            return self.numbers(facet, values)
        return self.by_value(facet, values) or self.by_id(facet, ids)

    def by_value(self, facet: str, values: list[str]) -> Test | None:
        words = [v.lower() for v in values]
        if facet == "keyword":
            return lambda t, w=need(words): any(x in f"{t['TicketNumber']} {t['Subject']} {t['IssueDescription']}".lower() for x in w)
        if facet == "ticketnumber":
            return lambda t, w=need([x.lstrip("0") for x in words]): t["TicketNumber"].lstrip("0") in w
        if facet == "assettag":
            return lambda t, w=need(words): any(self.s.table("assets")[a]["AssetTag"].lower() in w for a in t["Assets"])
        if facet == "source":
            return lambda t, w=need(words): str(t["SourceId"]) in w
        return None

    def by_id(self, facet: str, ids: set[str]) -> Test:
        s, need_ids = self.s, need(ids)
        if facet in BY_ID:
            return lambda t: t[BY_ID[facet]] in need_ids
        issue = {"issuetype": "IssueTypeId", "issuecategory": "IssueCategoryId"}.get(facet)
        tests: dict[str, Test] = {
            "status": lambda t: bool({s.step_of(t)["StatusId"], t["WorkflowStepId"]} & need_ids), "workflow": lambda t: s.step_of(t)["WorkflowId"] in need_ids,
            "tag": lambda t: bool(set(t["Tags"]) & need_ids), "asset": lambda t: bool(set(t["Assets"]) & need_ids),
            "prioritylevel": lambda t: any(p[0] in need_ids and p[2] <= t["Priority"] <= p[3] for p in PRIORITIES),
            "locationtype": lambda t: s.table("locations")[t["LocationId"]]["LocationTypeId"] in need_ids}
        if issue:
            return lambda t: s.table("issues")[t["IssueId"]][issue] in need_ids
        if facet not in tests:
            raise Discard
        return tests[facet]

    def state(self, ids: set[str], values: list[str]) -> Test:
        words = {v.lower() for v in values}
        closed = "closed" in words or ONE in ids or "1" in words
        opened = "open" in words or ZERO in ids or "0" in words
        if not closed and not opened:
            raise Discard
        return lambda t: (closed and self.s.step_of(t)["IsClosed"]) or (opened and not self.s.step_of(t)["IsClosed"])

    @staticmethod
    def truth(f: dict[str, Any], values: list[str]) -> bool:
        text = (values or [str(f.get("name") or "")])[0].lower()
        if text in ("yes", "true", "1"):
            return True
        if text in ("no", "false", "0"):
            return False
        raise Discard

    def custom(self, field: str | None, ids: set[str], values: list[str]) -> Test:
        if field is None or field not in self.s.table("fields"):
            raise Discard
        wanted = need({v.lower() for v in values} | ids)

        def has(t: dict[str, Any]) -> bool:
            value = str(t["CustomFieldValues"].get(field) or "").lower()
            return any(w == value or (w and value.startswith(("[", "{")) and w in value) for w in wanted)
        return has

    def numbers(self, facet: str, values: list[str]) -> Test:
        match = re.fullmatch(r"numoperator:(equals|lessthan|lessthanequal|greaterthan|greaterthanequal):(-?\d+)", values[0]) if values else None
        if match is None:
            raise Discard
        number, compare = int(match[2]), {"equals": int.__eq__, "lessthan": int.__lt__, "lessthanequal": int.__le__, "greaterthan": int.__gt__, "greaterthanequal": int.__ge__}[match[1]]
        if facet == "priorityrange":
            return lambda t: compare(t["Priority"], number)
        return lambda t: compare(int((self.s.clock.stamp() - t["Modified"]) // 86400), number)

    def dates(self, field: str, values: list[str]) -> Test:
        """Whole days in the site's zone (`value:N` counts in UTC)."""
        ranges = [self.day_range(v) for v in need(values)]

        def within(t: dict[str, Any]) -> bool:
            if t[field] is None:
                return False
            for low, high, utc in ranges:
                day = datetime.fromtimestamp(t[field], timezone.utc if utc else self.s.zone).date()
                if low <= day <= high:
                    return True
            return False
        return within

    def day_range(self, text: str) -> tuple[date, date, bool]:
        today = datetime.fromtimestamp(self.s.clock.stamp(), self.s.zone).date()
        match = re.fullmatch(r"date(:|>=|<=|>|<):?(\d\d/\d\d/\d{4})", text)
        if match:
            day, one = us_day(match[2]), timedelta(days=1)
            return {":": (day, day), ">=": (day, date.max), "<=": (date.min, day), ">": (day + one, date.max), "<": (date.min, day - one)}[match[1]] + (False,)
        match = re.fullmatch(r"daterange:(\d\d/\d\d/\d{4})-(\d\d/\d\d/\d{4})", text)
        if match:
            return us_day(match[1]), us_day(match[2]), False
        match = re.fullmatch(r"(lastdays|nextdays|value):(\d{1,5})", text)
        if match:
            days = timedelta(days=int(match[2]))
            if match[1] == "value":
                day = datetime.fromtimestamp(self.s.clock.stamp(), timezone.utc).date() - days
                return day, day, True
            return (today - days, today, False) if match[1] == "lastdays" else (today, today + days, False)
        match = re.fullmatch(r"range:(today|tomorrow|yesterday|(?:last|next)?(?:week|month|year))", text)
        if match is None:
            raise Discard
        return named_range(match[1], today) + (False,)

    # users, assets ------------------------------------------------------------------------

    def users(self, body: dict[str, Any], agents: bool) -> list[dict[str, Any]]:
        rows = [u for u in self.s.table("users").values() if not agents or u["Portal"] >= 2]
        if body.get("onlyshowdeleted"):
            rows = [u for u in rows if u["IsDeleted"]]
        elif not body.get("includedeleted"):
            rows = [u for u in rows if not u["IsDeleted"]]
        for entry in body.get("filters") or []:
            f = {str(k).lower(): v for k, v in entry.items()} if isinstance(entry, dict) else {}
            ids, values = self.wanted(f)
            facet = str(f.get("facet") or "").lower()
            field = {"user": "UserId", "location": "LocationId", "role": "RoleId"}.get(facet)
            if field and ids:
                rows = [u for u in rows if (u[field] in ids) != bool(f.get("negative"))]
            elif facet in ("keyword", "email", "schoolidnumber") and values:
                words = [v.lower() for v in values]
                rows = [u for u in rows if any(w in f"{u['FirstName']} {u['LastName']} {u['Email']} {u['SchoolIdNumber']}".lower() for w in words)]
        return rows

    def assets(self, rows: list[dict[str, Any]], body: dict[str, Any]) -> list[dict[str, Any]]:
        for entry in body.get("filters") or []:
            f = {str(k).lower(): v for k, v in entry.items()} if isinstance(entry, dict) else {}
            ids, values = self.wanted(f)
            field = {"asset": "AssetId", "location": "LocationId", "model": "ModelId", "user": "OwnerId"}.get(str(f.get("facet") or "").lower())
            if field and ids:
                rows = [a for a in rows if a[field] in ids]
            if str(f.get("facet") or "").lower() in ("assettag", "assetserialnumber") and values:
                rows = [a for a in rows if a["AssetTag"] in values or a["SerialNumber"] in values]
        return rows


def need(found: Any) -> Any:
    """An empty wish is no filter."""
    if not found:
        raise Discard
    return found


def us_day(text: str) -> date:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()
    except ValueError:
        raise Discard from None


def named_range(name: str, today: date) -> tuple[date, date]:
    one = timedelta(days=1)
    if name in ("today", "yesterday", "tomorrow"):
        day = today + {"today": 0, "yesterday": -1, "tomorrow": 1}[name] * one
        return day, day
    step = -1 if name.startswith("last") else 1 if name.startswith("next") else 0
    if name.endswith("week"):
        first = today - one * ((today.weekday() + 1) % 7) + 7 * step * one
        return first, first + 6 * one
    if name.endswith("month"):
        month = today.year * 12 + today.month - 1 + step
        first, after = date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
        return first, after - one
    return date(today.year + step, 1, 1), date(today.year + step, 12, 31)


def sort_tickets(s: Any, rows: list[dict[str, Any]], order: str | None, direction: str | None, body: dict[str, Any]) -> list[dict[str, Any]]:
    """By `$o=Field dir`; an unknown field is ignored, and the newest number comes first then."""
    user = lambda key, name: lambda t: s.table("users").get(t[key] or "", {}).get(name, "")
    step = lambda t: s.step_of(t)
    issue = lambda t: s.table("issues")[t["IssueId"]]
    keys: dict[str, Callable[[dict[str, Any]], Any]] = {
        "ticketnumber": lambda t: t["TicketNumber"], "ticketnumbersort": lambda t: t["number"], "ticketid": lambda t: t["TicketId"], "ticketcreateddate": lambda t: t["Created"],
        "ticketmodifieddate": lambda t: t["Modified"], "ticketcloseddate": lambda t: t["Closed"], "ticketduedate": lambda t: t["DueDate"], "ticketstarteddate": lambda t: t["Started"],
        "ticketsubject": lambda t: (t["Subject"] or "").lower(), "ticketpriority": lambda t: t["Priority"], "ticketisurgent": lambda t: t["IsUrgent"],
        "ticketstatusname": lambda t: step(t)["StatusName"], "workflowstepname": lambda t: step(t)["StepName"], "isclosed": lambda t: step(t)["IsClosed"],
        "issuecategoryid": lambda t: issue(t)["IssueCategoryId"], "issuetypeid": lambda t: issue(t)["IssueTypeId"],
        "locationname": lambda t: s.table("locations")[t["LocationId"]]["Name"], "forlocationname": lambda t: s.table("locations")[t["LocationId"]]["Name"],
        "locationroomname": lambda t: s.table("rooms").get(t["LocationRoomId"] or "", {}).get("Name", ""),
        "assigneduserfirstname": user("AssignedToUserId", "FirstName"), "assignedteamname": lambda t: s.table("teams").get(t["AssignedToTeamId"] or "", {}).get("TeamName", ""),
        "forname": lambda t: user("ForId", "LastName")(t), "forfirstname": user("ForId", "FirstName")}
    words = (order or "").split()
    key = keys.get(words[0].lower()) if words else None
    if key is None:
        return sorted(rows, key=lambda t: -t["number"])
    down = (words[1] if len(words) > 1 else direction or "asc").lower()
    rows = sorted(rows, key=lambda t: t["number"])
    return sorted(rows, key=lambda t: (key(t) is not None, key(t) if key(t) is not None else 0), reverse=down.startswith("desc") or down == "1")
