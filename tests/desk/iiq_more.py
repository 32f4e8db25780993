"""IncidentIQ followers, subtasks, bulk routes with their jobs, and files."""

from __future__ import annotations

import base64
from typing import Any, Callable

from iiq_common import file_shown, items, low, multipart_file, unbase64
from population import ENTITY_TYPES, guid
from wire import Call, Refusal, Response

MAX_FILE = 25 * 1024 * 1024


class More:
    """A part of IncidentIQ: what hangs on tickets, and work on many at once."""

    def followers(self, call: Call, tid: str) -> Response:
        record = self.ticket(call, tid, False)
        shown = [{"UserId": u, "User": self.person_shown(u)} for u in record["FollowerUsers"]] + [{"TeamId": t, "Team": self.team_shown(t)} for t in record["FollowerTeams"]]
        return Response(200, self.envelope(200, Items=shown, ItemCount=len(shown)))

    def follow(self, table: str, field: str) -> Callable[..., Response]:
        def followed(call: Call, tid: str, who: str) -> Response:
            ident, record = self.in_path(table, who), self.ticket(call, tid)
            kept = [w for w in record[field] if w != ident]
            self.change(call, tid, **{field: kept + [ident] if call.request.method == "POST" else kept})
            return self.done()
        return followed

    def subtasks_shown(self, ticket: str) -> Response:
        rows = sorted((s for s in self.table("subtasks").values() if s["TicketId"] == ticket and not s["IsDeleted"]), key=lambda s: s["SortOrder"])
        return Response(200, self.envelope(200, Items=rows, ItemCount=len(rows), Ids=[], Uids=[r["TicketSubtaskId"] for r in rows]))

    def subtask_create(self, call: Call) -> Response:
        body = low(call.request.object())
        if not isinstance(body.get("subject"), str) or not body["subject"]:
            raise Refusal(400, "The request is invalid.", {"Subject": "The Subject field is required."})
        ticket = self.known("tickets", body.get("ticketid"), "TicketId")
        call.ticket = ticket
        ident = guid(self.chaos.seed, "subtask", call.tx.next("iiq.subtask"))
        agent = self.agent(body["assignedto"], "AssignedTo") if body.get("assignedto") else None
        call.tx.put("iiq.subtasks", ident, {
            "TicketSubtaskId": ident, "TicketId": ticket, "Subject": body["subject"], "IsCompleted": False, "CompletedBy": None, "CompletedOn": None,
            "IsAssigned": agent is not None, "AssignedTo": agent, "AssignedOn": None, "IsDeleted": False, "CreatedById": self.me, "CreatedDate": self.local(self.clock.created()),
            "HasTicket": False, "CreatedTicketId": None, "SubtaskGroupId": body.get("subtaskgroupid"), "SortOrder": body.get("sortorder") or 0})
        self.edited(call, ticket, {"subtask": body["subject"]})
        return self.subtasks_shown(ticket)

    def subtasks_of(self, call: Call, sid: str) -> Response:
        return self.subtasks_shown(self.in_path("tickets", sid))

    def subtask_open(self, call: Call) -> Response:
        return self.listing(call, [s for s in self.table("subtasks").values() if not s["IsCompleted"] and not s["IsDeleted"]], lambda s: s)

    def subtask_set(self, **fields: Any) -> Callable[..., Response]:
        def changed(call: Call, sid: str, user: str | None = None) -> Response:
            ident = self.in_path("subtasks", sid)
            subtask = call.tx.edit("iiq.subtasks", ident)
            subtask.update(fields)
            if "IsCompleted" in fields:
                done = fields["IsCompleted"]
                subtask.update(CompletedBy=self.me if done else None, CompletedOn=self.local(self.clock.stamp()) if done else None)
            if user is not None:
                subtask.update(IsAssigned=True, AssignedTo=self.agent(user, "AssignedTo"))
            call.ticket = subtask["TicketId"]
            self.edited(call, subtask["TicketId"], {"subtask": subtask["Subject"], **fields})
            return self.subtasks_shown(subtask["TicketId"])
        return changed

    def bulk(self, call: Call, what: str) -> Response:
        """Bulk work is done at once; the answer is the job, which says how each ticket went."""
        body = low(call.request.object())
        request = body.get("request")
        ids = body.get("ticketids") or []
        if body.get("isselectall"):
            ids = [t["TicketId"] for t in self.searcher.select(call, low(body.get("ticketrequest") or {}))]
        work = self.bulk_work(call, what.lower(), request, body)
        if not isinstance(ids, list) or not ids:
            raise Refusal(400, "The request is invalid.", {"TicketIds": "The TicketIds field is required."})
        failed = {}
        for ident in ids:
            try:
                work(str(ident))
            except Refusal as refusal:
                failed[str(ident)] = refusal.message
        job = guid(self.chaos.seed, "job", call.tx.next("iiq.job"))
        call.tx.put("iiq.jobs", job, {"JobId": job, "Status": "Completed", "IsComplete": True, "Total": len(ids), "Succeeded": len(ids) - len(failed),
                                      "Failed": len(failed), "Errors": [{"TicketId": k, "Message": v} for k, v in failed.items()]})
        return self.one(job)

    def bulk_work(self, call: Call, what: str, request: Any, body: dict[str, Any]) -> Callable[[str], Any]:
        inner = low(request) if isinstance(request, dict) else {}
        if call.request.method == "DELETE" and what in ("delete", "remove-sla"):
            return (lambda t: self.delete(call, t)) if what == "delete" else (lambda t: self.change(call, t, SlaId=None))
        if what == "assign":
            return lambda t: self.assign_one(call, t, {k: v for k, v in inner.items() if k != "ticketid"})
        if what == "set-status":
            step = self.known("steps", inner.get("workflowstepid") or (request if isinstance(request, str) else body.get("targetstatus")), "WorkflowStepId")
            return lambda t: self.set_step(call, self.ticket(call, t), step)
        if what == "set-priority":
            value = self.priority(inner.get("priority", inner.get("priorityid")) if inner else request)
            return lambda t: self.change(call, t, Priority=value)
        if what == "set-issue":
            return lambda t: self.change_issue(call, t, inner)
        if what == "assign-sla":
            sla = self.known("slas", inner.get("slaid"), "SlaId")
            return lambda t: self.change(call, t, SlaId=sla)
        if what in ("set-due-date", "remove-due-date"):
            due = self.due(inner) if what == "set-due-date" else None
            return lambda t: self.change(call, t, DueDate=due)
        if what == "set-info":
            return self.bulk_info(call, inner)
        if what == "work":
            return self.bulk_activity(call, inner)
        if what in ("follow", "unfollow", "run-rules", "set-view"):
            return lambda t: self.change(call, t)
        raise Refusal(404, "No HTTP resource was found.")

    def bulk_info(self, call: Call, inner: dict[str, Any]) -> Callable[[str], Any]:
        sent = [{"CustomFieldTypeId": str(low(v).get("key", "")).partition(":")[2], "Value": low(v).get("value")} for v in items(inner.get("values"), "Values")]
        values = self.field_values(sent)

        def work(tid: str) -> None:
            record = self.ticket(call, tid)
            record["CustomFieldValues"] = {**record["CustomFieldValues"], **values}
            self.edited(call, record["TicketId"], self.for_books(record, {}, True))
        return work

    def bulk_activity(self, call: Call, inner: dict[str, Any]) -> Callable[[str], Any]:
        def work(tid: str) -> None:
            record = self.ticket(call, tid)
            if inner.get("isissueconfirmed"):
                record["IsIssueConfirmed"] = True
            if inner.get("activity"):
                sent = low(inner["activity"])
                sent.pop("ticketactivityid", None)
                self.activity_from(call, record, sent, None)
        return work

    def job(self, call: Call, job: str) -> Response:
        return self.one(self.table("jobs")[self.in_path("jobs", job)])

    def keep_file(self, call: Call, name: str, data: bytes, kind: str) -> dict[str, Any]:
        if len(data) > MAX_FILE:
            raise Refusal(413, "The file is too big.")
        ident = guid(self.chaos.seed, "file", call.tx.next("iiq.file"))
        return call.tx.put("iiq.files", ident, {"FileId": ident, "Name": name, "MimeType": kind, "Size": len(data), "data": base64.b64encode(data).decode(),
                                                "CreatedDate": self.local(self.clock.created()), "links": [], "IsDeleted": False})

    def inline_files(self, call: Call, sent: Any) -> list[str]:
        made = []
        for entry in items(sent, "Attachments"):
            entry = low(entry)
            if not entry.get("filename"):
                raise Refusal(400, "The request is invalid.", {"Attachments": "A FileName is required."})
            made.append(self.keep_file(call, str(entry["filename"]), unbase64(entry.get("filedata")), entry.get("contenttype") or "application/octet-stream")["FileId"])
        return made

    def upload(self, call: Call) -> Response:
        name, data, kind = multipart_file(call.request)
        record = self.keep_file(call, name, data, kind)
        return self.one(file_shown(record), record["FileId"], 201)

    def upload_text(self, call: Call) -> Response:
        body = low(call.request.object())
        if not body.get("filename"):
            raise Refusal(400, "The request is invalid.", {"FileName": "The FileName field is required."})
        record = self.keep_file(call, str(body["filename"]), unbase64(body.get("content")), str(body.get("filetype") or "application/octet-stream"))
        return self.one(file_shown(record), record["FileId"], 201)

    def link_parts(self, a: str, b: str) -> tuple[str, str]:
        """Entity type and entity, in either order."""
        first, second = self.norm(a), self.norm(b)
        kind, entity = (first, second) if first in ENTITY_TYPES else (second, first)
        if kind not in ENTITY_TYPES or entity is None:
            raise Refusal(404, "The entity was not found.")
        return kind, entity

    def link(self, call: Call, fid: str, a: str, b: str) -> Response:
        kind, entity = self.link_parts(a, b)
        ident = self.in_path("files", fid)
        record = call.tx.edit("iiq.files", ident)
        deleting = call.request.method == "DELETE"
        if kind == list(ENTITY_TYPES)[0]:
            ticket = self.ticket(call, entity)
            kept = [f for f in ticket["Attachments"] if f != ident]
            ticket["Attachments"] = kept if deleting else kept + [ident]
            self.edited(call, entity, {"file" if not deleting else "file_removed": record["Name"]})
        record["links"] = [l for l in record["links"] if l != [kind, entity]] + ([] if deleting else [[kind, entity]])
        return self.done()

    def files_of(self, call: Call, a: str, b: str) -> Response:
        kind, entity = self.link_parts(a, b)
        ticket = self.table("tickets").get(entity, {})
        rows = [f for f in self.table("files").values() if not f["IsDeleted"] and ([kind, entity] in f["links"] or f["FileId"] in ticket.get("Attachments", []))]
        return self.listing(call, rows, file_shown)

    def download(self, call: Call, fid: str) -> Response:
        record = self.table("files")[self.in_path("files", fid)]
        return Response(200, raw=base64.b64decode(record["data"]), kind=record["MimeType"])

    def download_text(self, call: Call, fid: str) -> Response:
        return self.one({**file_shown(self.table("files")[self.in_path("files", fid)]), "Content": self.table("files")[self.in_path("files", fid)]["data"]})

    def file_details(self, call: Call, fid: str) -> Response:
        return self.one(file_shown(self.table("files")[self.in_path("files", fid)]))

    def file_delete(self, call: Call, fid: str) -> Response:
        call.tx.edit("iiq.files", self.in_path("files", fid))["IsDeleted"] = True
        return self.done()
