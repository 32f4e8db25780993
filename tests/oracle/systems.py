"""The two systems as far as a dry run shows them: fields, their types, and where a value stands in a request.

The snapshots are written for this test: few names, and custom fields of each kind.
"""

from values import MARKUP, html_of_text


def entry(id_, name, parent=None, **properties):
    made = {"id": id_, "name": name, "properties": properties}
    return {**made, "parent": parent} if parent else made


def custom(id_, name, kind, options=(), **more):
    made = {"id": id_, "name": name, "kind": kind, "required": False, **more}
    if options:
        made["options"] = [{"id": f"{id_}_{at}", "value": value} for at, value in enumerate(options)]
    return made


USERS = [
    entry("U0HELPDESK", "Help Desk", email="helpdesk@district.example"),
    entry("U1", "Ada Byron", email="ada@x.example"),
    entry("U2", "José Núñez", email="jose@x.example"),
    entry("U3", "Sam Lee", email="sam.lee@x.example"),
    entry("U4", "Sam Lee", email="sam@y.example"),
]

COLLECTIONS = [entry("col_11", "IT Support"), entry("col_12", "HR Help"), entry("col_13", "Élan Two")]

CUSTOM = (
    [custom(f"cf_{at}", f"T{at}", "text", max_length=3000) for at in range(1, 10)]
    + [custom("cf_30", "Short", "text", max_length=12)]
    + [custom(f"cf_4{at}", f"N{at}", "number") for at in range(1, 4)]
    + [custom(f"cf_5{at}", f"D{at}", "date") for at in range(1, 4)]
    + [custom(f"cf_6{at}", f"M{at}", "date_time") for at in range(1, 4)]
    + [custom(f"cf_7{at}", f"B{at}", "bool") for at in range(1, 3)]
    + [
        custom("cf_80", "Area", "select", ("Billing", "Sign-in", "Mobile app")),
        custom("cf_81", "Platforms", "multi_select", ("Web", "iOS", "Android", "API")),
        custom("cf_82", "Manager", "user"),
    ]
)


def snapshot():
    def kind(entries):
        return {"entries": entries, "total": len(entries)}

    return {
        "version": 1,
        "system": "clearfeed",
        "dialect": "v1",
        "tenant": "5404f8d5-6d19-459e-b3ab-b9cea6e24c2e",
        "pulled_at": "2024-11-30T10:00:00Z",
        "kinds": {"user": kind(USERS), "team": kind([]), "collection": kind(COLLECTIONS)},
        "custom_fields": CUSTOM,
        "constants": {},
    }


def _same(*words):
    return {word: word for word in words}


PRIORITIES = {"low": "low", "medium": "medium", "normal": "medium", "high": "high", "urgent": "urgent"}
STATES = _same("open", "in_progress", "pending", "on_hold", "solved", "closed")
PERSON = {"kind": "name", "entries": USERS, "match": ["name", "email"], "resolve": "user"}


def _kinds():
    fields = {
        "collection_id": {"kind": "name", "entries": COLLECTIONS, "match": ["name"], "resolve": "collection", "required": True},
        "title": {"kind": "text", "required": True},
        "description": {"kind": "text", "required": True, "description": True},
        "priority": {"kind": "options", "options": PRIORITIES},
        "requester_email": {"kind": "text"},
        "assignee_id": PERSON,
        "tags": {"kind": "text", "several": True},
        "status": {"kind": "options", "options": STATES},
    }
    kinds = {"date_time": "datetime", "select": "options", "multi_select": "options", "user": "name"}
    for field in CUSTOM:
        kind = {"kind": kinds.get(field["kind"], field["kind"])}
        if "max_length" in field:
            kind["limit"] = field["max_length"]
        if "options" in field:
            # The id of an option is taken too.
            kind["options"] = _same(*(option["value"] for option in field["options"]))
            kind["several"] = field["kind"] == "multi_select"
        if field["kind"] == "user":
            kind = PERSON
        fields["custom." + field["name"]] = kind
    return fields


FIELDS = _kinds()

OPERATIONS = {
    "comment": {"body": {"kind": "text", "required": True}, "public": {"kind": "bool"}},
    "update": {name: {**kind, "required": False} for name, kind in FIELDS.items() if name not in ("collection_id", "description", "requester_email")},
}


def requests(fields):
    """What a create becomes: a list of (step, body)."""
    body, later, customs = {}, {}, {}
    for name, value in fields.items():
        if name.startswith("custom."):
            customs[name[len("custom.") :]] = value
        elif name == "status":
            later[name] = value
        else:
            body[name] = value
    if customs:
        body["custom_fields"] = customs
    made = [("create", body)]
    return made + ([("update", later)] if later else [])


def follow(operation, fields):
    if operation == "comment":
        body = fields["body"]
        if not MARKUP.search(body):
            # A text with HTML in it is taken as HTML, another is shown as it stands.
            body = html_of_text(body)
        return {"html_body": body, "is_private": not fields.get("public", False)}
    body = {name: value for name, value in fields.items() if not name.startswith("custom.")}
    customs = {name[len("custom.") :]: value for name, value in fields.items() if name.startswith("custom.")}
    return {**body, "custom_fields": customs} if customs else body
