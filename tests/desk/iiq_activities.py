"""IncidentIQ activities: comments, actions, the server's own notes, and how they are listed."""

from __future__ import annotations

from typing import Any, Callable

from iiq_common import ACTION, APP, COMMENT, MODELS, items, low
from population import ZERO, guid
from wire import Call, Refusal, Response


class Activities:
    """A part of IncidentIQ: everything about a ticket's conversation."""

    def log(self, call: Call, record: dict[str, Any], kind: int, model: str) -> None:
        """An activity that the server writes by itself."""
        number = call.tx.next("iiq.activity")
        ident = guid(self.chaos.seed, "activity", number)
        item = {"$type": f"{MODELS}{model}, Spark.Shared", "TicketActivityTypeId": kind, "ByUserId": self.me, "StepName": self.step_of(record)["StepName"]}
        self.put_activity(call, record, {"TicketActivityId": ident, "OwnerId": self.me, "IsPublic": True, "Items": [item], "Created": self.clock.created(), "order": number})

    def put_activity(self, call: Call, record: dict[str, Any], activity: dict[str, Any]) -> dict[str, Any]:
        now = self.clock.now()
        activity.update(TicketId=record["TicketId"], IsDeleted=False, _at=now, _visible=now)
        record["Activities"].append(activity["TicketActivityId"])
        return call.tx.put("iiq.activities", activity["TicketActivityId"], activity)

    def activity_from(self, call: Call, record: dict[str, Any], body: dict[str, Any], email: str | None) -> dict[str, Any]:
        """Store one activity of a client. A known client-chosen id on the same ticket adds nothing."""
        ignored = self.ignored_activity_fields()
        chosen = self.norm(body.get("ticketactivityid"))
        if body.get("ticketactivityid") not in (None, ZERO) and chosen is None:
            raise Refusal(400, "The request is invalid.", {"TicketActivityId": "It is not a valid identifier."})
        chosen = None if chosen == ZERO or "id" in ignored else chosen
        known = self.table("activities").get(chosen or "")
        if known is not None:
            if known["TicketId"] != record["TicketId"]:
                raise Refusal(409, "The activity id is in use.", key="ALREADY_EXISTS")
            return known
        public = body.get("ispublic", False)
        if not isinstance(public, bool):
            raise Refusal(400, "The request is invalid.", {"IsPublic": "It must be true or false."})
        owner = self.known("users", body["ownerid"], "OwnerId") if body.get("ownerid") not in (None, ZERO) and "owner" not in ignored else self.me
        created = self.parse_time(body["createddate"], "CreatedDate") if body.get("createddate") and "created" not in ignored else self.clock.created()
        sent = items(body.get("activityitems"), "ActivityItems")
        if not sent:
            raise Refusal(400, "The request is invalid.", {"ActivityItems": "At least one item is required."})
        number = call.tx.next("iiq.activity")
        ident = chosen or guid(self.chaos.seed, "activity", number)
        stored = [self.activity_item(low(item), ident, place, public, owner) for place, item in enumerate(sent)]
        activity = self.put_activity(call, record, {"TicketActivityId": ident, "OwnerId": owner, "IsPublic": public, "Items": stored, "Created": created, "order": number})
        self.late_comment(call, activity)
        self.note_comment(call, activity, {"email": email, "ticket_was_updated": body.get("ticketwasupdated"), "external_id": stored[0].get("ExternalId")})
        self.reopen(call, record, activity)
        return activity

    def ignored_activity_fields(self) -> set[str]:
        switch = self.switches.get("activity-ignores")
        return set(str(switch).split("|")) if switch else {"created"} if self.live else set()

    def activity_item(self, item: dict[str, Any], ident: str, place: int, public: bool, owner: str) -> dict[str, Any]:
        model = str(item.get("$type") or "")
        kind = next((k for k in (COMMENT, ACTION, APP) if k in model), None)
        if kind is None:
            raise Refusal(400, "The request is invalid.", {"ActivityItems.$type": "A known $type is required."})
        by = self.known("users", item["byuserid"], "ByUserId") if item.get("byuserid") not in (None, ZERO) else owner
        shown = {"$type": model, "TicketActivityTypeId": {COMMENT: 6, ACTION: 8, APP: 78}[kind], "ByUserId": by, "IsPublic": public, "ExternalId": item.get("externalid")}
        if kind == COMMENT:
            if not isinstance(item.get("comments"), str) or not item["comments"].strip():
                raise Refusal(400, "The request is invalid.", {"Comments": "The Comments field is required."})
            return {**shown, "CommentId": guid("comment", ident, place), "Comments": item["comments"]}
        if kind == ACTION:
            action = self.known("actions", item.get("resolutionactionid"), "ResolutionActionId")
            return {**shown, "ResolutionActionId": action, "Notes": item.get("notes"), "Effort": item.get("effort"), "EffortIsValid": item.get("effortisvalid", False)}
        return {**shown, "Data": item.get("data")}

    def late_comment(self, call: Call, activity: dict[str, Any]) -> None:
        rule = call.view.hit("late-visible")
        if rule:
            activity["_visible"] += call.view.rng("late-visible-by", activity["TicketActivityId"]).uniform(0.2, 1) * rule.args["S"]
            call.view.strike(rule, activity["TicketId"], activity["TicketActivityId"])

    def note_comment(self, call: Call, activity: dict[str, Any], flags: dict[str, Any]) -> None:
        for place, item in enumerate(activity["Items"]):
            ident = activity["TicketActivityId"] + (f"#{place + 1}" if place else "")
            kind = "action" if ACTION in item["$type"] else "comment"
            call.tx.event("comment", system=self.name, id=activity["TicketId"], comment=ident, text=item.get("Comments", item.get("Notes")), internal=not activity["IsPublic"],
                          author=self.table("users")[activity["OwnerId"]]["Email"], created_at=self.local(activity["Created"]), type=kind, flags=flags, request=call.origin())

    def reopen(self, call: Call, record: dict[str, Any], activity: dict[str, Any]) -> None:
        """The rule that many tenants have (switch `reopen-rule`): a requester's comment reopens a closed ticket."""
        if self.switches.get("reopen-rule") and activity["OwnerId"] == record["ForId"] and self.step_of(record)["IsClosed"]:
            self.set_step(call, record, self.step_named(self.step_of(record)["WorkflowId"], 1))

    def comment(self, call: Call, tid: str, email: str | None = None) -> Response:
        body, record = low(call.request.object()), self.ticket(call, tid)
        self.same_ticket(body, tid, needed=True)
        activity = self.activity_from(call, record, body, email)
        return self.one(self.activity_shown(call, activity), activity["TicketActivityId"], 201)

    def comment_batch(self, call: Call, tid: str, email: str | None = None) -> Response:
        record = self.ticket(call, tid)
        email = email or call.request.q("sendActivityEmail")
        made = []
        for sent in items(call.request.json(), "body"):
            sent = low(sent)
            self.same_ticket(sent, tid)
            made.append(self.activity_from(call, record, sent, email))
        return Response(200, [self.activity_shown(call, a) for a in made])

    def activity_shown(self, call: Call, activity: dict[str, Any]) -> dict[str, Any]:
        ident = activity["TicketActivityId"]
        shown = []
        for place, item in enumerate(activity["Items"]):
            item = dict(item)
            for name in ("Comments", "Notes"):
                if isinstance(item.get(name), str):
                    item[name] = call.view.text(item[name], activity["TicketId"], f"{ident}:{place}")
            shown.append(item)
        return {"TicketActivityId": ident, "TicketId": activity["TicketId"], "OwnerId": activity["OwnerId"], "Owner": self.person_shown(activity["OwnerId"]),
                "CreatedDate": self.local(activity["Created"]), "IsPublic": activity["IsPublic"], "IsDeleted": activity["IsDeleted"], "ActivityItems": shown,
                "SortOrder": activity["order"]}

    def activities_of(self, call: Call, record: dict[str, Any]) -> list[dict[str, Any]]:
        """The feed of one ticket, oldest first, with long texts in several messages when `split` strikes."""
        found, now = [], self.clock.now()
        for ident in record["Activities"]:
            activity = self.table("activities")[ident]
            internal = not activity["IsPublic"]
            if activity["IsDeleted"] or activity["_visible"] > now or (COMMENT in activity["Items"][0]["$type"] and call.view.hidden(ident, internal, record["TicketId"])):
                continue
            found.extend(self.in_pieces(call, activity))
        rest = call.view.pieces(record["IssueDescription"], record["TicketId"])[1:]
        extra = [self.piece(record["TicketId"], record, text, n) for n, text in enumerate(rest)]
        return found[:1] + extra + found[1:]

    def in_pieces(self, call: Call, activity: dict[str, Any]) -> list[dict[str, Any]]:
        text = activity["Items"][0].get("Comments")
        pieces = call.view.pieces(text, activity["TicketId"])
        if len(pieces) == 1:
            return [activity]
        first = {**activity, "Items": [{**activity["Items"][0], "Comments": pieces[0]}] + activity["Items"][1:]}
        return [first] + [self.piece(activity["TicketActivityId"], activity, text, n) for n, text in enumerate(pieces[1:])]

    def piece(self, of: str, source: dict[str, Any], text: str | None, place: int) -> dict[str, Any]:
        item = {"$type": f"{MODELS}{COMMENT}, Spark.Shared", "TicketActivityTypeId": 6, "ByUserId": source["OwnerId"], "CommentId": guid("piece", of, place),
                "Comments": text, "IsPublic": source.get("IsPublic", True)}
        return {"TicketActivityId": guid("split", of, place), "TicketId": source["TicketId"], "OwnerId": source["OwnerId"], "IsPublic": source.get("IsPublic", True),
                "IsDeleted": False, "Created": source["Created"], "Items": [item], "order": place, "_at": source["_at"]}

    def activities(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid, False)
        return self.listing(call, self.activities_of(call, record), lambda a: self.activity_shown(call, a), 20, lambda a: a["TicketActivityId"])

    def activities_of_many(self, call: Call) -> Response:
        rows: list[dict[str, Any]] = []
        for ident in items(call.request.json(), "body"):
            record = self.table("tickets").get(self.norm(ident) or "")
            rows += self.activities_of(call, record) if record else []
        return self.listing(call, rows, lambda a: self.activity_shown(call, a), 20, lambda a: a["TicketActivityId"])

    def activity(self, call: Call, aid: str) -> dict[str, Any]:
        ident = self.in_path("activities", aid)
        call.ticket = self.table("activities")[ident]["TicketId"]
        return call.tx.edit("iiq.activities", ident)

    def activity_get(self, call: Call, aid: str) -> Response:
        ident = self.in_path("activities", aid)
        return self.one(self.activity_shown(call, self.table("activities")[ident]))

    def activity_edit(self, call: Call, tid: str, aid: str) -> Response:
        activity, body = self.activity(call, aid), low(call.request.object())
        if isinstance(body.get("ispublic"), bool):
            activity["IsPublic"] = body["ispublic"]
        sent = items(body.get("activityitems"), "ActivityItems")
        if sent:
            activity["Items"] = [self.activity_item(low(i), activity["TicketActivityId"], n, activity["IsPublic"], activity["OwnerId"]) for n, i in enumerate(sent)]
        self.comment_changed(call, activity, text=activity["Items"][0].get("Comments"), internal=not activity["IsPublic"])
        return self.one(self.activity_shown(call, activity), activity["TicketActivityId"])

    def comment_changed(self, call: Call, activity: dict[str, Any], **what: Any) -> None:
        call.tx.event("comment-edit", system=self.name, id=activity["TicketId"], comment=activity["TicketActivityId"], request=call.origin(), **what)

    def visibility(self, call: Call, tid: str, aid: str) -> Response:
        activity, public = self.activity(call, aid), call.request.json()
        if not isinstance(public, bool):
            raise Refusal(400, "The body must be true or false.")
        activity["IsPublic"] = public
        self.comment_changed(call, activity, internal=not public)
        return self.done()

    def activity_deleted(self, value: bool) -> Callable[..., Response]:
        def deleted(call: Call, aid: str) -> Response:
            activity = self.activity(call, aid)
            activity["IsDeleted"] = value
            self.comment_changed(call, activity, deleted=value)
            return self.done()
        return deleted
