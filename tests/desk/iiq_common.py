"""Small helpers of the IncidentIQ side: loose bodies, picker values, files."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from wire import Refusal, Request

COMMENT, ACTION, APP = "TicketActivityComment", "TicketActivityAction", "TicketActivityApp"
MODELS = "Spark.Shared.Models."
SCALARS = {  # name -> (kind, may be blank)
    "Subject": ("text", True), "IssueDescription": ("text", True), "LocationDetails": ("text", True), "ForId": ("users", False), "OwnerId": ("users", False),
    "AssignedToUserId": ("users", True), "AssignedToTeamId": ("teams", True), "LocationId": ("locations", False), "LocationRoomId": ("rooms", True),
    "IssueId": ("issues", False), "IsIssueConfirmed": ("bool", False), "WorkflowStepId": ("steps", False), "Priority": ("int", False),
    "IsUrgent": ("bool", False), "HasSensitiveInformation": ("bool", False), "IsTraining": ("bool", False), "SourceId": ("source", True),
    "ProductId": ("product", False), "DueDate": ("date", True), "SlaId": ("slas", True)}


def low(body: Any) -> dict[str, Any]:
    """An object with lower-case keys: the real server does not mind the case."""
    if not isinstance(body, dict):
        raise Refusal(400, "An object was expected.")
    return {str(k).lower(): v for k, v in body.items()}


def items(body: Any, name: str) -> list[Any]:
    if body is None:
        return []
    if not isinstance(body, list):
        raise Refusal(400, "The request is invalid.", {name: "A list was expected."})
    return body


def first_int(*values: Any) -> int | None:
    for value in values:
        try:
            return int(value)
        except (TypeError, ValueError):
            continue
    return None


def picks(value: str) -> list[str]:
    """The ids or names in a picker's value: plain text, or JSON text of ids, names or {Id, Name}."""
    try:
        found = json.loads(value)
    except ValueError:
        return [value]
    found = found if isinstance(found, list) else [found]
    return [str(low(f).get("id") or low(f).get("name")) if isinstance(f, dict) else str(f) for f in found]


def unbase64(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "The request is invalid.", {"FileData": "It is not base64."}) from None


def multipart_file(request: Request) -> tuple[str, bytes, str]:
    """The `file` part of a multipart body: name, content, media type."""
    mark = re.search(r'boundary="?([^";]+)"?', request.header("content-type") or "")
    for part in request.body.split(b"--" + mark[1].encode()) if mark else []:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="([^"]*)"', head)
        if name and re.search(rb'name="file"', head, re.I):
            kind = re.search(rb"content-type:\s*([^\r\n]+)", head, re.I)
            return name[1].decode("utf-8", "replace"), content.removesuffix(b"\r\n"), kind[1].decode() if kind else "application/octet-stream"
    raise Refusal(400, "The request is invalid.", {"file": "A multipart part named file is required."})


def file_shown(record: dict[str, Any]) -> dict[str, Any]:
    return {"FileId": record["FileId"], "Name": record["Name"], "FileName": record["Name"], "Url": f"/files/{record['FileId']}", "FileType": 0, "MimeType": record["MimeType"],
            "Size": record["Size"], "CreatedDate": record["CreatedDate"], "IsPrivateInternal": False, "IsDeleted": record["IsDeleted"]}
