"""The ClearFeed side of the desk, in both dialects: `rest` under /v1/rest and `v1` under /v1."""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import datetime, timezone
from typing import Any, Callable

from books import Store
from chaos import Chaos, Clock
from population import cf_tables
from wire import Call, Refusal, Request, Response, Route, Router, StalePages

STATES = ("open", "in_progress", "pending", "on_hold", "solved", "closed")
CLOSED = ("solved", "closed")
PRIORITIES = {"rest": ("low", "normal", "high", "urgent"), "v1": ("low", "medium", "high", "urgent")}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
CUSTOMER_FIELDS = ("owner", "domains", "channel_ids", "collection_id", "portal_users", "external_system", "external_entity_id")
ERRORS = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 409: "conflict", 413: "payload_too_large",
          415: "unsupported_media_type", 422: "unprocessable_entity", 429: "rate_limited"}


class ClearFeed:
    """One workspace. Every handler takes the call and the captured parts of the path; `call.dialect` tells the spelling."""

    name = "clearfeed"

    def __init__(self, store: Store, chaos: Chaos, clock: Clock, token: str, switches: dict[str, Any]) -> None:
        self.store, self.chaos, self.clock, self.token, self.switches = store, chaos, clock, token, switches
        self.stale = StalePages()
        self.me = 501
        for table, rows in cf_tables().items():
            store.tables["cf." + table].update(rows)
        self.router = Router()
        add_routes(self.router, self)

    # the outside --------------------------------------------------------------------------

    def find(self, request: Request) -> tuple[Route | None, dict[str, str], bool]:
        segments = request.segments[1:]
        if not segments or segments[0] != "v1":
            return None, {}, False
        dialect = "rest" if segments[1:2] == ["rest"] else "v1"
        if self.switches.get("dialect", "both") not in ("both", dialect):
            return None, {}, False
        return self.router.find(request.method, segments[2:] if dialect == "rest" else segments[1:])

    def answer(self, call: Call, route: Route | None, found: dict[str, str], other_verb: bool) -> Response:
        words = (call.request.header("authorization") or "").split()
        if len(words) != 2 or words[0].lower() != "bearer" or words[1] != self.token:
            raise Refusal(401, "Invalid or missing access token")
        if route is None:
            raise Refusal(405 if other_verb else 404, f"Cannot {call.request.method} {call.request.path}")
        if call.request.body and "json" not in (call.request.header("content-type") or "").lower():
            raise Refusal(415, "Content-Type must be application/json")
        return route.call(call, **found)

    @staticmethod
    def dialect(call: Call) -> str:
        return "rest" if call.request.segments[2:3] == ["rest"] or call.by == "person" else "v1"

    def refusal(self, refusal: Refusal) -> Response:
        obj: dict[str, Any] = {"error": {"code": ERRORS.get(refusal.status, "internal_error"), "message": refusal.message}}
        if refusal.errors:
            obj["error"]["details"] = [{"field": k, "message": v} for k, v in refusal.errors.items()]
        return Response(refusal.status, obj, headers=dict(refusal.headers))

    @staticmethod
    def bad(field: str, message: str) -> Refusal:
        return Refusal(400, f"{field}: {message}", {field: message})

    @staticmethod
    def iso(at: float) -> str:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def table(self, name: str) -> dict[str, Any]:
        return self.store.tables["cf." + name]

    # ids ----------------------------------------------------------------------------------

    @staticmethod
    def own_id(call: Call, prefix: str, number: int | None) -> Any:
        """A number in dialect rest, a prefixed string in v1."""
        return number if number is None or ClearFeed.dialect(call) == "rest" else f"{prefix}_{number}"

    @staticmethod
    def number(value: Any, prefix: str) -> str | None:
        """The number in an id of either dialect, as text; None when it is no id."""
        match = re.fullmatch(rf"(?:{prefix}_)?(\d{{1,12}})", str(value)) if not isinstance(value, bool) else None
        return str(int(match[1])) if match else None

    def known(self, table: str, prefix: str, value: Any, field: str) -> int:
        found = self.number(value, prefix)
        if found is None or found not in self.table(table):
            raise self.bad(field, f"unknown id {value!r}")
        return int(found)

    def request_record(self, call: Call, rid: str, write: bool = False) -> dict[str, Any]:
        """A request by the id in the path: 272, req_272 or CF-10272."""
        match = re.fullmatch(r"CF-(\d+)", rid, re.I)
        found = str(int(match[1]) - 10000) if match else self.number(rid, "req")
        record = self.table("requests").get(found or "")
        hidden = record is not None and record.get("_unseen") and record["_visible"] > self.clock.now()
        if record is None or hidden or record["deleted"]:
            raise Refusal(404, f"Request {rid} not found")
        call.ticket = str(record["id"])
        if not write:
            return record
        record = call.tx.edit("cf.requests", str(record["id"]))
        record["updated"] = self.clock.stamp()
        return record

    # creating -----------------------------------------------------------------------------

    def create(self, call: Call) -> Response:
        body, dialect = call.request.object(), self.dialect(call)
        fields = self.rest_fields(body) if dialect == "rest" else self.v1_fields(body)
        record = self.put_new(call, fields, body)
        call.answer_id = str(record["id"])
        shown = self.show(call, record) if dialect == "rest" else self.show_created(call, record)
        if call.view.try_strike("missing-id", str(record["id"])):
            shown.pop("id")
            shown.pop("ticket_id", None)
        return Response(201, self.wrapped(shown))

    def wrapped(self, shown: dict[str, Any]) -> dict[str, Any]:
        return {"request": shown} if self.switches.get("wrap-object") else shown

    def rest_fields(self, body: dict[str, Any]) -> dict[str, Any]:
        """rest takes a description, title, priority, requester and collection; the rest of a body is not heard."""
        text = self.text(body, "description", True)
        collection = body.get("collection_id", 11)
        if isinstance(collection, bool) or not isinstance(collection, int):
            raise self.bad("collection_id", "must be an integer")
        title = self.text(body, "title", False) or (text or "").strip().split("\n")[0][:100]
        return {"description": text, "title": title, "collection": self.known("collections", "col", collection, "collection_id"),
                "priority": self.priority(body.get("priority", "normal"), "rest"), "email": self.email(body),
                "ignored": sorted(set(body) - {"description", "title", "priority", "requester_email", "collection_id"})}

    def v1_fields(self, body: dict[str, Any]) -> dict[str, Any]:
        collection = body.get("collection_id")
        if not isinstance(collection, str):
            raise self.bad("collection_id", "must be a string" if "collection_id" in body else "is required")
        fields = {"collection": self.known("collections", "col", collection, "collection_id"), "title": self.text(body, "title", True),
                  "description": self.text(body, "description", True), "priority": self.priority(body.get("priority", "medium"), "v1"), "email": self.email(body)}
        if body.get("assignee_id") is not None:
            fields["assignee"] = self.known("users", "usr", body["assignee_id"], "assignee_id")
        tags = body.get("tags", [])
        if not isinstance(tags, list) or not all(isinstance(t, str) for t in tags):
            raise self.bad("tags", "must be a list of strings")
        values = self.values_by_name(body.get("custom_fields") or {})
        known = {"collection_id", "title", "description", "priority", "requester_email", "assignee_id", "custom_fields", "tags"}
        return {**fields, "tags": tags, "values": values, "ignored": sorted(set(body) - known)}

    def text(self, body: dict[str, Any], name: str, required: bool) -> str | None:
        value = body.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str) or (required and not value.strip()):
            raise self.bad(name, "is required" if value in (None, "") else "must be a non-empty string")
        return value

    def email(self, body: dict[str, Any]) -> str | None:
        value = body.get("requester_email")
        if value is not None and (not isinstance(value, str) or not EMAIL.fullmatch(value)):
            raise self.bad("requester_email", "is not an e-mail address")
        return value

    def priority(self, value: Any, dialect: str) -> str:
        """The priority in the spelling of rest."""
        if value not in PRIORITIES[dialect]:
            raise self.bad("priority", f"must be one of {', '.join(PRIORITIES[dialect])}")
        return "normal" if value == "medium" else value

    def put_new(self, call: Call, fields: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        number, now, created = call.tx.next("cf.request", 272), self.clock.now(), self.clock.created()
        collection = self.table("collections")[str(fields["collection"])]
        email = fields["email"]
        author = next((u["id"] for u in self.table("users").values() if u["email"].lower() == (email or "").lower()), None) if email else self.me
        channel, ts = collection["channels"][0], self.slack_ts(call, created)
        record = {"id": number, "title": fields["title"], "state": "open", "priority": fields["priority"], "author": author,
                  "author_email": email or self.table("users")[str(self.me)]["email"], "customer_id": self.customer_of(email), "assignee": fields.get("assignee"), "team": None,
                  "tickets": [], "channel": {k: channel[k] for k in ("id", "name", "owner")}, "collection": fields["collection"], "values": fields.get("values", {}),
                  "tags": fields.get("tags", []), "created": created, "updated": self.clock.stamp(), "deleted": False, "_at": now, "_visible": now,
                  "messages": [{"text": fields["description"], "author": author, "ts": ts, "thread_ts": ts, "responder": False, "private": False, "_at": now, "_visible": now}]}
        rule = call.view.hit("late-visible")
        if rule:
            record["_visible"] += call.view.rng("late-visible-by").uniform(0.2, 1) * rule.args["S"]
            record["_unseen"] = rule.args["WORD"] == "all"
            call.view.strike(rule, str(number))
        call.tx.put("cf.requests", str(number), record)
        call.ticket = str(number)
        call.tx.event("create", system=self.name, id=str(number), number=f"CF-{10000 + number}", created_at=self.iso(created), title=record["title"],
                      description_as_sent=fields["description"], custom_fields=self.values_named(record), collection=collection["name"], priority=record["priority"],
                      requester=record["author_email"], assignee=record["assignee"], tags=record["tags"], status="open", ignored=fields.get("ignored", []),
                      request=call.origin(True))
        return record

    def customer_of(self, email: str | None) -> int | None:
        domain = (email or "").rpartition("@")[2].lower()
        return next((c["id"] for c in self.table("customers").values() if domain in c["domains"]), None)

    def slack_ts(self, call: Call, at: float) -> str:
        """A message time that no other message has."""
        return f"{int(at)}.{call.tx.next('cf.ts', 100):06d}"

    # custom fields --------------------------------------------------------------------------

    def values_by_name(self, sent: Any) -> dict[str, Any]:
        """v1: field name -> option names. Kept by field id, with option ids."""
        if not isinstance(sent, dict):
            raise self.bad("custom_fields", "must be an object")
        names = {f["name"].lower(): f for f in self.table("fields").values() if f["entity_type"] == "request"}
        found = {}
        for name, value in sent.items():
            field = names.get(str(name).lower())
            if field is None:
                raise self.bad("custom_fields", f"unknown field {name!r}")
            found[str(field["id"])] = self.value(field, value, "value")
        return found

    def values_by_id(self, sent: Any, entity: str = "request") -> dict[str, Any]:
        if not isinstance(sent, dict):
            raise self.bad("custom_field_values", "must be an object")
        found = {}
        for ident, value in sent.items():
            field = self.table("fields").get(str(ident))
            if field is None or field["entity_type"] != entity:
                raise self.bad("custom_field_values", f"unknown field {ident!r}")
            found[str(field["id"])] = self.value(field, value, "id")
        return found

    def value(self, field: dict[str, Any], value: Any, by: str) -> Any:
        """One value, checked by the field's type; options are named by `by` (id or value). None clears."""
        kind, name = field["type"], field["name"]
        if value is None:
            return None
        if kind in ("select", "multi_select"):
            if isinstance(value, list) != (kind == "multi_select"):
                raise self.bad(name, "must be a list of options" if kind == "multi_select" else "must be one option")
            picked = [self.option(field, v, by) for v in (value if isinstance(value, list) else [value])]
            return picked if kind == "multi_select" else picked[0]
        if kind == "text":
            if not isinstance(value, str) or len(value) > field["config"].get("max_length", 3000):
                raise self.bad(name, "must be a text of at most 3000 characters")
        elif kind == "number":
            if isinstance(value, bool) or not re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
                raise self.bad(name, "must be a number")
            return float(value) if "." in str(value) else int(value)
        elif kind == "date":
            self.time(str(value), name)
        elif kind == "user_select":
            return self.known("users", "usr", value, name)
        return value

    def option(self, field: dict[str, Any], value: Any, by: str) -> int:
        for option in field["config"]["options"]:
            if str(option[by]) == str(value):
                return option["id"]
        raise self.bad(field["name"], f"unknown option {value!r}")

    def option_name(self, field: dict[str, Any], ident: Any) -> str:
        return next((o["value"] for o in field["config"]["options"] if o["id"] == ident), str(ident))

    def values_named(self, record: dict[str, Any]) -> dict[str, Any]:
        """Field name -> value with option names: what v1 shows, and the books."""
        found = {}
        for ident, value in record["values"].items():
            field = self.table("fields")[ident]
            if field["type"] == "multi_select" and value is not None:
                value = [self.option_name(field, v) for v in value]
            elif field["type"] == "select" and value is not None:
                value = self.option_name(field, value)
            found[field["name"]] = value
        return found

    # showing --------------------------------------------------------------------------------

    def shown_id(self, call: Call, record: dict[str, Any]) -> Any:
        number = record["id"]
        return call.view.show_id(number, self.own_id(call, "req", number), str(number), f"req_{number}", str(number))

    def show_created(self, call: Call, record: dict[str, Any]) -> dict[str, Any]:
        """The short answer of a create in dialect v1."""
        return {"id": self.shown_id(call, record), "ticket_id": f"CF-{10000 + record['id']}", "collection_id": self.own_id(call, "col", record["collection"]),
                "title": call.view.title(record["title"], str(record["id"])), "status": record["state"], "priority": self.priority_shown(call, record),
                "created_at": self.iso(record["created"]), "slack_thread_url": self.thread(record)["url"]}

    def priority_shown(self, call: Call, record: dict[str, Any]) -> str:
        return "medium" if record["priority"] == "normal" and self.dialect(call) == "v1" else record["priority"]

    @staticmethod
    def thread(record: dict[str, Any], triage: bool = False) -> dict[str, Any]:
        channel, ts = record["channel"]["id"] + ("T" if triage else ""), record["messages"][0]["ts"]
        return {"channel_id": channel, "thread_ts": ts, "team_id": "T0DESK", "url": f"https://desk.slack.example/archives/{channel}/p{ts.replace('.', '')}"}

    def erased(self, record: dict[str, Any]) -> bool:
        after = self.switches.get("erase-after")
        return bool(after) and self.clock.now() - record["_at"] > float(after)

    def show(self, call: Call, record: dict[str, Any], messages: bool = False) -> dict[str, Any]:
        """The request object; v1 differs in spelling only."""
        v1, ident = self.dialect(call) == "v1", str(record["id"])
        live = bool(self.switches.get("live-like"))
        title = None if self.erased(record) else call.view.title(record["title"], ident)
        collection = self.table("collections")[str(record["collection"])]
        person = lambda number: self.own_id(call, "usr", number)
        shown: dict[str, Any] = {
            "id": self.shown_id(call, record), "title": title, "status" if v1 else "state": record["state"], "priority": self.priority_shown(call, record),
            "author": person(record["author"]), "author_email": record["author_email"], "customer_id": record["customer_id"],
            "assignee": {"id": person(record["assignee"])} if record["assignee"] else None, "assigned_team": {"id": self.own_id(call, "team", record["team"])} if record["team"] else None,
            "tickets": record["tickets"], "csat_survey": None, "channel": record["channel"], "collection": {"id": self.own_id(call, "col", collection["id"]), "name": collection["name"]},
            "request_thread": self.thread(record), "triage_thread": self.thread(record, True),
            "sla_metrics": {"first_response_time": None, "resolution_time": None, "first_resolution_time": None},
            "created_at": self.iso(record["created"]), "updated_at": self.iso(record["updated"]), "last_message_time": self.iso(record["updated"])}
        if v1:
            shown.update(ticket_id=f"CF-{10000 + record['id']}", collection_id=shown["collection"]["id"], custom_fields=self.values_named(record))
        else:
            shown["custom_field_values"] = dict(record["values"])
        if live:
            shown.update(ai_field_values={}, not_a_request_state=None)
            shown.pop("author_email")
        if messages:
            shown["messages"] = self.messages(call, record)
        return shown

    def messages(self, call: Call, record: dict[str, Any]) -> list[dict[str, Any]]:
        ident, shown, now = str(record["id"]), [], self.clock.now()
        live = bool(self.switches.get("live-like"))
        for place, message in enumerate(record["messages"]):
            if place and (message["_visible"] > now or call.view.hidden(f"{ident}:{message['ts']}", message["private"], ident)):
                continue
            text = "" if self.erased(record) else message["text"]
            for part, piece in enumerate(call.view.pieces(text, ident)):
                ts = message["ts"] if not part else f"{message['ts'][:-2]}{part:02d}1"
                author = None if live and not place else self.own_id(call, "usr", message["author"])
                shown.append({"text": call.view.text(piece, ident, f"{place}:{part}"), "author": author, "ts": ts, "thread_ts": message["thread_ts"],
                              "is_responder": message["responder"]})
        return shown

    # lists ------------------------------------------------------------------------------------

    def limit(self, request: Request, default: int) -> int:
        text = request.q("limit")
        if text is None:
            return default
        if not text.isdigit() or not 1 <= int(text) <= 100:
            raise self.bad("limit", "must be from 1 to 100")
        return int(text)

    def time(self, text: str, name: str) -> float:
        try:
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
        except ValueError:
            raise self.bad(name, "is not an ISO 8601 date") from None

    def include(self, request: Request, word: str) -> bool:
        return any(word in v.split(",") for v in request.qs("include"))

    def filtered(self, call: Call, by: str) -> list[dict[str, Any]]:
        """The visible requests that the query's filters let pass."""
        request, now = call.request, self.clock.now()
        rows = [r for r in self.table("requests").values() if r["_visible"] <= now and not r["deleted"]]
        keep = self.filters(call, by)
        rule = call.view.hit("ignore-filters") or call.view.hit("more-rows")
        if rule is None:
            return [r for r in rows if all(test(r) for test in keep)]
        if keep:
            call.view.strike(rule)
        return rows

    def filters(self, call: Call, by: str) -> list[Callable[[dict[str, Any]], bool]]:
        request, keep = call.request, []
        collection, channel = request.q("collection_id"), request.q("channel_id")
        if collection is not None:
            number = self.known("collections", "col", collection, "collection_id")
            keep.append(lambda r: r["collection"] == number)
        if channel is not None:
            keep.append(lambda r: r["channel"]["id"] == channel)
        states = [s for v in request.qs("state") + (request.qs("status") if self.dialect(call) == "v1" else []) for s in v.split(",")]
        if any(s not in STATES for s in states):
            raise self.bad("state", f"must be one of {', '.join(STATES)}")
        if states:
            keep.append(lambda r: r["state"] in states)
        emails = [e.strip().lower() for v in request.qs("author_emails") for e in v.split(",") if e.strip()]
        if len(emails) > 50:
            raise self.bad("author_emails", "takes 50 addresses at most")
        if emails:
            keep.append(lambda r: (r["author_email"] or "").lower() in emails)
        for name, sign in (("after", 1), ("before", -1)):
            if request.q(name) is not None:
                at = self.time(request.q(name) or "", name)
                keep.append(lambda r, at=at, sign=sign: sign * (shown_ms(r[by]) - at) > 0)
        return keep

    def list(self, call: Call) -> Response:
        """A page in the order asked for; the cursor holds the last row's place, so new rows do not shift pages."""
        request, view = call.request, call.view
        which, order = request.q("filter_by") or "created_at", request.q("sort_order") or "desc"
        if which not in ("created_at", "updated_at") or order not in ("asc", "desc"):
            raise self.bad("filter_by" if order in ("asc", "desc") else "sort_order", "has an unknown value")
        by, down, limit = which.split("_")[0], order == "desc", self.limit(request, 50)
        cached = self.stale.get(call, self.clock.now())
        if cached is not None:
            return Response(200, cached)
        rows = self.stale.old_rows(call, self.filtered(call, by), self.clock.now())
        place = lambda r: (shown_ms(r[by]), r["id"])
        rows = sorted(rows, key=place, reverse=down)
        cursor = request.q("next_cursor")
        if cursor:
            last = self.read_cursor(cursor, f"{by}:{order}")
            rows = [r for r in rows if (place(r) < last if down else place(r) > last)]
        rows = view.order(rows)
        size = view.size(limit) * (3 if view.try_strike("more-rows") else 1)
        part, left = rows[:size], len(rows) > size
        shown, said = view.rows(part, lambda r: r["id"])
        more = left and said is None
        meta = {"next_cursor": self.make_cursor(place(part[-1]), f"{by}:{order}") if more else None, "count": len(part) if said == "tells" else len(shown)}
        return self.page(call, shown, meta, self.include(request, "messages"))

    def page(self, call: Call, rows: list[dict[str, Any]], meta: dict[str, Any] | None, messages: bool) -> Response:
        obj: dict[str, Any] = {"requests": [self.show(call, r, messages) for r in rows]}
        if meta is not None:
            obj["response_metadata"] = meta
        obj = self.stale.keep(call, self.clock.now(), obj)
        error = {"error": "internal_error"}
        return Response(200, call.view.page(obj, "requests", ("response_metadata",), {"requests": "items", "response_metadata": "meta"}, error))

    @staticmethod
    def make_cursor(place: tuple[float, int], order: str) -> str:
        return base64.b64encode(json.dumps({"t": place[0], "i": place[1], "o": order, "v": "?>~"}).encode()).decode()

    def read_cursor(self, cursor: str, order: str) -> tuple[float, int]:
        try:
            found = json.loads(base64.b64decode(cursor, validate=True))
            if found["o"] == order:
                return float(found["t"]), int(found["i"])
        except (ValueError, KeyError, TypeError):
            pass
        raise self.bad("next_cursor", "is not valid here")

    def search(self, call: Call) -> Response:
        request = call.request
        words = (request.q("query") or "").lower().split()
        if not words:
            raise self.bad("query", "is required")
        limit, public = self.limit(request, 10), (request.q("only_public") or "true").lower() != "false"
        tests = self.search_filters(call)
        now = self.clock.now()
        rows = [r for r in self.table("requests").values() if r["_visible"] <= now and not r["deleted"] and not self.erased(r)]
        rule = call.view.hit("ignore-filters") or call.view.hit("more-rows")
        if rule:
            call.view.strike(rule)
        else:
            rows = [r for r in rows if all(t(r) for t in tests) and all(w in self.searched(r, public) for w in words)]
        rows = self.stale.old_rows(call, sorted(rows, key=lambda r: -r["created"]), now)
        shown, _ = call.view.rows(call.view.order(rows)[:limit * (3 if call.view.hit("more-rows") else 1)], lambda r: r["id"])
        return self.page(call, shown, {"next_cursor": None, "count": len(shown)}, self.include(request, "messages"))

    def search_filters(self, call: Call) -> list[Callable[[dict[str, Any]], bool]]:
        request, keep = call.request, []
        for name, sign in (("created_after", 1), ("created_before", -1)):
            if request.q(name) is not None:
                at = self.time(request.q(name) or "", name)
                keep.append(lambda r, at=at, sign=sign: sign * (shown_ms(r["created"]) - at) > 0)
        if request.q("customer_id") is not None:
            customer = self.known("customers", "cus", request.q("customer_id"), "customer_id")
            keep.append(lambda r: r["customer_id"] == customer)
        if request.q("collection_id") is not None:
            collection = self.known("collections", "col", request.q("collection_id"), "collection_id")
            keep.append(lambda r: r["collection"] == collection)
        return keep

    @staticmethod
    def searched(record: dict[str, Any], public: bool) -> str:
        texts = [m["text"] or "" for m in record["messages"] if not (public and m["private"])]
        return "\n".join([record["title"] or "", *texts]).lower()

    # one request --------------------------------------------------------------------------

    def get(self, call: Call, rid: str) -> Response:
        record = self.request_record(call, rid)
        rule = call.view.hit("other-id")
        others = [r for r in self.table("requests").values() if r["id"] != record["id"] and not r["deleted"]]
        if rule and others:
            call.view.strike(rule, str(record["id"]))
            record = call.view.rng("other").choice(others)
        return Response(200, self.wrapped(self.show(call, record, self.include(call.request, "messages"))))

    def patch(self, call: Call, rid: str) -> Response:
        body, v1 = call.request.object(), self.dialect(call) == "v1"
        record = self.request_record(call, rid, True)
        fields = self.patch_fields(body, v1)
        if not fields:
            raise Refusal(400, "Nothing to update")
        state = fields.pop("state", None)
        values = fields.pop("values", None)
        record.update(fields)
        if values is not None:
            record["values"] = {k: v for k, v in {**record["values"], **values}.items() if v is not None}
        told = {**fields, **({"custom_fields": self.values_named(record)} if values is not None else {})}
        if told:
            call.tx.event("edit", system=self.name, id=str(record["id"]), fields=told, request=call.origin())
        if state:
            self.set_state(call, record, state)
        return Response(200, self.wrapped(self.show(call, record)))

    def patch_fields(self, body: dict[str, Any], v1: bool) -> dict[str, Any]:
        """The checked fields of a PATCH; v1 takes both spellings."""
        fields: dict[str, Any] = {}
        for name in ("state", "status") if v1 else ("state",):
            if name in body:
                fields["state"] = self.state(body[name])
        for name in ("assignee", "assignee_id") if v1 else ("assignee",):
            if name in body:
                value = body[name]["id"] if isinstance(body[name], dict) and "id" in body[name] else body[name]
                fields["assignee"] = None if value is None else self.known("users", "usr", value, name)
        if "title" in body:
            fields["title"] = self.text(body, "title", True)
        if "priority" in body:
            fields["priority"] = self.priority(body["priority"], "v1" if v1 else "rest")
        if "custom_field_values" in body:
            fields["values"] = self.values_by_id(body["custom_field_values"])
        if v1 and "custom_fields" in body:
            fields["values"] = {**fields.get("values", {}), **self.values_by_name(body["custom_fields"])}
        return fields

    def state(self, value: Any, message: bool = False) -> str:
        """A state; messages may also carry `re_open` and `committed`."""
        value = {"re_open": "open", "committed": "in_progress"}.get(value, value) if message and isinstance(value, str) else value
        if value not in STATES:
            raise self.bad("state", f"must be one of {', '.join(STATES)}")
        return value

    def set_state(self, call: Call, record: dict[str, Any], state: str) -> None:
        old, record["state"] = record["state"], state
        call.tx.event("status", system=self.name, id=str(record["id"]), **{"from": old}, to=state, closing=state in CLOSED, request=call.origin())

    def message(self, call: Call, rid: str) -> Response:
        body = call.request.object()
        record = self.request_record(call, rid, True)
        if body.get("html_body") is None and body.get("state") is None:
            raise self.bad("html_body", "is required")
        for name in ("is_private", "post_as_bot"):
            if not isinstance(body.get(name, False), bool):
                raise self.bad(name, "must be true or false")
        if body.get("user_reply_channel_type") not in (None, "triage", "request"):
            raise self.bad("user_reply_channel_type", "must be triage or request")
        state = self.state(body["state"], True) if body.get("state") is not None else None
        shown: dict[str, Any] = {"ok": True}
        if body.get("html_body") is not None:
            sent = self.text(body, "html_body", True) or ""
            private = body.get("is_private", False) or body.get("user_reply_channel_type") == "triage"
            message = self.add_message(call, record, sent, plain(sent), private, self.me, body)
            shown = {"text": call.view.text(message["text"], str(record["id"])), "author": self.own_id(call, "usr", self.me), "ts": message["ts"],
                     "thread_ts": message["thread_ts"], "is_responder": True}
        if state:
            self.set_state(call, record, state)
        return Response(201, shown)

    def add_message(self, call: Call, record: dict[str, Any], sent: str, text: str, private: bool, author: int, flags: dict[str, Any]) -> dict[str, Any]:
        now, created = self.clock.now(), self.clock.created()
        message = {"text": text, "author": author, "ts": self.slack_ts(call, created), "thread_ts": flags.get("thread_ts") or record["messages"][0]["ts"],
                   "responder": author <= 508, "private": private, "_at": now, "_visible": now}
        rule = call.view.hit("late-visible")
        if rule:
            message["_visible"] += call.view.rng("late-visible-by").uniform(0.2, 1) * rule.args["S"]
            call.view.strike(rule, str(record["id"]), message["ts"])
        record["messages"].append(message)
        call.tx.event("comment", system=self.name, id=str(record["id"]), comment=message["ts"], text=sent, internal=private,
                      author=self.table("users")[str(author)]["email"], created_at=self.iso(created), request=call.origin(),
                      flags={k: flags[k] for k in ("post_as_bot", "thread_ts", "user_reply_channel_type") if k in flags})
        return message

    # reference data -------------------------------------------------------------------------

    def listed(self, call: Call, name: str, rows: list[dict[str, Any]]) -> Response:
        """A cursor-paged listing of a small table."""
        limit, cursor = self.limit(call.request, 100), call.request.q("next_cursor")
        start = int(self.read_cursor(cursor, name)[0]) if cursor else 0
        part = rows[start:start + limit]
        more = start + limit < len(rows)
        part, _ = call.view.rows(part, lambda r: r["id"])
        obj = {name: part, "response_metadata": {"next_cursor": self.make_cursor((start + limit, 0), name) if more else None, "count": len(part)}}
        return Response(200, call.view.page(obj, name, ("response_metadata",), {name: "items", "response_metadata": "meta"}, {"error": "internal_error"}))

    def collections(self, call: Call) -> Response:
        channels = self.include(call.request, "channels")
        rows = [{"id": self.own_id(call, "col", c["id"]), "name": c["name"], **({"channels": c["channels"]} if channels else {})} for c in self.table("collections").values()]
        return self.listed(call, "collections", rows)

    def custom_fields(self, call: Call) -> Response:
        entity = call.request.q("entity_type") or "request"
        if entity not in ("request", "customer"):
            raise self.bad("entity_type", "must be request or customer")
        rows = [{k: f[k] for k in ("id", "name", "type", "config", "entity_type")} for f in self.table("fields").values() if f["entity_type"] == entity]
        return self.listed(call, "custom_fields", rows)

    def users(self, call: Call) -> Response:
        ids = [i for v in call.request.qs("ids") for i in v.split(",") if i]
        if not 1 <= len(ids) <= 100:
            raise self.bad("ids", "takes 1 to 100 ids")
        found = [self.table("users").get(self.number(i, "usr") or "") for i in dict.fromkeys(ids)]
        return self.listed_whole(call, "users", [{**u, "id": self.own_id(call, "usr", u["id"])} for u in found if u])

    @staticmethod
    def listed_whole(call: Call, name: str, rows: list[dict[str, Any]]) -> Response:
        return Response(200, call.view.page({name: rows}, name, ("response_metadata",), {name: "items"}, {"error": "internal_error"}))

    def team_shown(self, call: Call, team: dict[str, Any]) -> dict[str, Any]:
        members = [{**self.table("users")[str(m)], "id": self.own_id(call, "usr", m)} for m in team["members"]]
        return {"id": self.own_id(call, "team", team["id"]), "name": team["name"], **({"team_members": members} if self.include(call.request, "team_members") else {})}

    def teams(self, call: Call) -> Response:
        return self.listed(call, "teams", [self.team_shown(call, t) for t in self.table("teams").values()])

    def team(self, call: Call, tid: str) -> Response:
        team = self.table("teams").get(self.number(tid, "team") or "")
        if team is None:
            raise Refusal(404, f"Team {tid} not found")
        return Response(200, self.team_shown(call, team))

    def form(self, call: Call) -> Response:
        return Response(200, {"fields": [{"id": f["id"], "name": f["name"], "type": f["type"], "required": False} for f in self.table("fields").values() if f["entity_type"] == "request"]})

    # customers ------------------------------------------------------------------------------

    def customers(self, call: Call) -> Response:
        return self.listed(call, "customers", list(self.table("customers").values()))

    def customer_record(self, cid: str) -> dict[str, Any]:
        record = self.table("customers").get(self.number(cid, "cus") or "")
        if record is None:
            raise Refusal(404, f"Customer {cid} not found")
        return record

    def customer(self, call: Call, cid: str) -> Response:
        return Response(200, self.customer_record(cid))

    def customer_search(self, call: Call) -> Response:
        rows = list(self.table("customers").values())
        filters = call.request.object().get("filters", [])
        if not isinstance(filters, list):
            raise self.bad("filters", "must be a list")
        for f in filters:
            if not isinstance(f, dict) or f.get("field") not in CUSTOMER_FIELDS or f.get("operator") != "overlaps" or not isinstance(f.get("values"), list):
                raise self.bad("filters", "unknown field or operator")
            rows = [r for r in rows if set(map(str, many(r[f["field"]]))) & set(map(str, f["values"]))]
        return self.listed(call, "customers", rows)

    def customer_create(self, call: Call) -> Response:
        body = call.request.object()
        number = call.tx.next("cf.customer", 51)
        record = {"id": number, "name": self.text(body, "name", True), "domains": [], "channel_ids": [], "collection_id": None, "owner": None, "portal_users": [],
                  "external_system": None, "external_entity_id": None, "custom_field_values": {}, "version": 1}
        record.update(self.customer_fields(body))
        return Response(201, call.tx.put("cf.customers", str(number), record))

    def customer_fields(self, body: dict[str, Any]) -> dict[str, Any]:
        fields = {n: body[n] for n in ("name", *CUSTOMER_FIELDS) if n in body}
        if "custom_field_values" in body:
            fields["custom_field_values"] = self.values_by_id(body["custom_field_values"], "customer")
        return fields

    def customer_patch(self, call: Call, cid: str) -> Response:
        body = call.request.object()
        record = call.tx.edit("cf.customers", str(self.customer_record(cid)["id"]))
        if not isinstance(body.get("version"), int):
            raise self.bad("version", "is required")
        if body["version"] != record["version"]:
            raise Refusal(409, "The customer was changed by somebody else")
        record.update(self.customer_fields(body))
        record["version"] += 1
        return Response(200, record)

    def link(self, call: Call) -> Response:
        """Link a request to a ticket elsewhere; the request is found by its channel and first message."""
        body = call.request.object()
        data = body.get("data")
        if body.get("type") != "link" or not isinstance(data, dict) or not data.get("integration") or not data.get("ticket_id"):
            raise self.bad("data", "type link with integration and ticket_id is required")
        for ident, record in self.table("requests").items():
            if record["messages"][0]["ts"] == data.get("message_ts") and data.get("channel_id") in (None, record["channel"]["id"]):
                record = self.request_record(call, ident, True)
                ticket = {"id": len(record["tickets"]) + 1, "type": str(data["integration"]).lower(), "key": str(data["ticket_id"]), "url": None, "created_at": self.iso(self.clock.created())}
                record["tickets"].append(ticket)
                call.tx.event("edit", system=self.name, id=ident, fields={"linked": ticket}, request=call.origin())
                return Response(201, ticket)
        raise Refusal(404, "No request has this message")

    # another person -------------------------------------------------------------------------

    def person(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """Somebody else in Slack: makes, edits, comments, closes or deletes."""
        author = next((u["id"] for u in self.table("users").values() if u["email"] == body.get("email")), 520)
        if body.get("comment_on"):
            record = self.request_record(call, str(body["comment_on"]), True)
            text = str(body.get("text") or body.get("description") or "")
            return {"comment": self.add_message(call, record, text, text, bool(body.get("internal")), author, {})["ts"]}
        if body.get("edit"):
            record = self.request_record(call, str(body["edit"]), True)
            if "title" in body:
                record["title"] = body["title"]
            if "description" in body:
                record["messages"][0]["text"] = body["description"]
            fields = {k: body[k] for k in ("title", "description") if k in body}
            call.tx.event("edit", system=self.name, id=str(record["id"]), fields=fields, request=call.origin())
            return {"id": str(record["id"])}
        for name, state in (("close", "closed"), ("reopen", "open")):
            if body.get(name):
                record = self.request_record(call, str(body[name]), True)
                self.set_state(call, record, state)
                return {"id": str(record["id"])}
        if body.get("delete"):
            record = self.request_record(call, str(body["delete"]), True)
            record["deleted"] = True
            call.tx.event("delete", system=self.name, id=str(record["id"]), request=call.origin())
            return {"id": str(record["id"])}
        collection = next((c["id"] for c in self.table("collections").values() if c["name"] == body.get("collection", "IT Support")), None)
        if collection is None:
            raise self.bad("collection", "unknown name")
        text = str(body.get("description") or body.get("title") or "")
        fields = {"description": text, "title": body.get("title") or text.split("\n")[0][:100], "collection": collection, "priority": body.get("priority", "normal"),
                  "email": body.get("email") or self.table("users")["520"]["email"]}
        record = self.put_new(call, fields, body)
        return {"id": str(record["id"]), "number": f"CF-{10000 + record['id']}"}


# helpers ------------------------------------------------------------------------------------------


def shown_ms(at: float) -> float:
    """A time as precise as it is shown, so that a filter with a shown time fits."""
    return round(at, 3)


def many(value: Any) -> list[Any]:
    """A customer's field as a list; portal users count by e-mail and id."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [x for v in values for x in ([v.get("email"), v.get("id")] if isinstance(v, dict) else [v])]


def plain(sent: str) -> str:
    """HTML as Slack shows it: paragraphs and breaks as lines, links as <url|text>, no other tags."""
    text = re.sub(r"(?i)<br\s*/?>\n?|</(?:p|div|li|h[1-6]|tr|blockquote|pre)>\n?", "\n", sent)
    text = re.sub(r'(?is)<a\s[^>]*href="([^"]*)"[^>]*>(.*?)</a>', lambda m: m[1] if m[1] == m[2] else f"{m[2]} ({m[1]})", text)
    return html.unescape(re.sub(r"<[A-Za-z/!][^>]*>", "", text)).strip("\n")


def add_routes(router: Router, s: ClearFeed) -> None:
    """All routes, in the order of the contract."""
    for methods, template, kind, call in (
            ("POST", "/requests", "create", s.create), ("GET", "/requests", "list", s.list), ("GET", "/requests/search", "list", s.search),
            ("GET", "/requests/{rid}", "get", s.get), ("PATCH", "/requests/{rid}", "update", s.patch), ("POST", "/requests/{rid}/message", "comment", s.message),
            ("GET", "/collections", "ref", s.collections), ("GET", "/custom-fields", "ref", s.custom_fields), ("GET", "/users", "ref", s.users),
            ("GET", "/teams", "ref", s.teams), ("GET", "/teams/{tid}", "ref", s.team), ("GET", "/customers", "ref", s.customers),
            ("POST", "/customers/search", "ref", s.customer_search), ("POST", "/customers", "update", s.customer_create), ("GET", "/customers/{cid}", "ref", s.customer),
            ("PATCH", "/customers/{cid}", "update", s.customer_patch), ("POST", "/tickets", "update", s.link), ("GET", "/tickets/form", "ref", s.form)):
        router.add(methods, template, kind, call)
