"""The two systems as far as a dry run shows them: fields, their types, and where a value stands in a request.

The snapshots are written for this test: few names, and custom fields of each kind.
"""

import json

from values import MARKUP, html_of_text, to_text


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


ISSUES = [entry("iss_11", "IT Support"), entry("iss_12", "HR Help"), entry("iss_13", "Élan Two")]
LOCATIONS = [entry("loc_1", "High School"), entry("loc_2", "Élan Two"), entry("loc_3", "Other"), entry("loc_4", "Other")]
ROOMS = [
    entry("room_1", "k1", "loc_1"), entry("room_2", "K2", "loc_1"), entry("room_3", "k1", "loc_2"),
    entry("room_4", "k3", "loc_2"), entry("room_5", "k3", "loc_2"), entry("room_6", "k4", "loc_9"),
]
LEVELS = [entry("3", "Low"), entry("5", "Normal"), entry("7", "High"), entry("9", "Urgent")]


def _same(*words):
    return {word: word for word in words}


def _name(entries, resolve, **more):
    return {"kind": "name", "entries": entries, "match": ["name", "email"] if resolve == "user" else ["name"], "resolve": resolve, **more}


PERSON = _name(USERS, "user")


def custom_kinds(ids):
    """The types of custom fields; `ids`: of several options the ids are sent."""
    fields = {}
    kinds = {"date_time": "datetime", "select": "options", "multi_select": "options", "user": "name"}
    for field in CUSTOM:
        kind = {"kind": kinds.get(field["kind"], field["kind"])}
        if "max_length" in field:
            kind["limit"] = field["max_length"]
        if "options" in field:
            # The id of an option is taken too.
            kind["options"] = _same(*(option["value"] for option in field["options"]))
            kind["several"] = field["kind"] == "multi_select"
            if ids and kind["several"]:
                kind["options"] = {option["value"]: option["id"] for option in field["options"]}
        if field["kind"] == "user":
            kind = PERSON
        fields["custom." + field["name"]] = kind
    return fields


class System:
    def __init__(self, name, dialect, tenant, kinds, constants):
        self.name = name
        self.dialect = dialect
        self.tenant = tenant
        self.kinds = kinds
        self.constants = constants

    def snapshot(self):
        return {
            "version": 1,
            "system": self.name,
            "dialect": self.dialect,
            "tenant": self.tenant,
            "pulled_at": "2024-11-30T10:00:00Z",
            "kinds": {kind: {"entries": entries, "total": len(entries)} for kind, entries in self.kinds.items()},
            "custom_fields": CUSTOM,
            "constants": self.constants,
        }


class ClearFeed(System):
    def __init__(self):
        kinds = {"user": USERS, "team": [], "collection": COLLECTIONS}
        super().__init__("clearfeed", "v1", "5404f8d5-6d19-459e-b3ab-b9cea6e24c2e", kinds, {})
        priorities = {"low": "low", "medium": "medium", "normal": "medium", "high": "high", "urgent": "urgent"}
        self.fields = {
            "collection_id": _name(COLLECTIONS, "collection", required=True),
            "title": {"kind": "text", "required": True},
            "description": {"kind": "text", "required": True, "description": True},
            "priority": {"kind": "options", "options": priorities},
            "requester_email": {"kind": "text"},
            "assignee_id": PERSON,
            "tags": {"kind": "text", "several": True},
            "status": {"kind": "options", "options": _same("open", "in_progress", "pending", "on_hold", "solved", "closed")},
            **custom_kinds(False),
        }
        fixed = ("collection_id", "description", "requester_email")
        self.operations = {
            "comment": {"body": {"kind": "text", "required": True}, "public": {"kind": "bool"}},
            "update": {name: {**kind, "required": False} for name, kind in self.fields.items() if name not in fixed},
        }

    def requests(self, fields):
        """What a create becomes: a list of (step, body)."""
        later = {name: value for name, value in fields.items() if name == "status"}
        body = self.members({name: value for name, value in fields.items() if name != "status"})
        return [("create", body)] + ([("update", later)] if later else [])

    def tied(self, fields):
        return []

    def follow(self, operation, fields):
        if operation == "comment":
            return {"html_body": shown(fields["body"]), "is_private": not fields.get("public", False)}
        return self.members(fields)

    def members(self, fields):
        body = {name: value for name, value in fields.items() if not name.startswith("custom.")}
        customs = {name[len("custom.") :]: value for name, value in fields.items() if name.startswith("custom.")}
        return {**body, "custom_fields": customs} if customs else body


class IncidentIq(System):
    """Its custom fields are texts, and what a create does not take goes by requests of its own."""

    SITE = "9ebb0524-0290-5a2c-9bb7-53ed384b8f38"
    PRODUCT = "88df910c-91aa-e711-80c2-0004ffa00010"

    def __init__(self):
        kinds = {"user": USERS, "team": [], "issue": ISSUES, "location": LOCATIONS, "room": ROOMS, "priority": LEVELS}
        super().__init__("incidentiq", "only", self.SITE, kinds, {"ProductId": self.PRODUCT, "SiteId": self.SITE})
        self.fields = {
            "ForId": {**PERSON, "required": True},
            "IssueId": _name(ISSUES, "issue", required=True),
            "LocationId": _name(LOCATIONS, "location", required=True),
            "LocationRoomId": _name(ROOMS, "room"),
            "LocationDetails": {"kind": "text"},
            "Subject": {"kind": "text", "limit": 255},
            "IssueDescription": {"kind": "text", "description": True},
            "IsUrgent": {"kind": "bool"},
            "Priority": _name(LEVELS, "priority"),
            "Tags": {"kind": "text", "several": True},
            "AssignedToUserId": PERSON,
            "ParentTicketId": {"kind": "row"},
            **custom_kinds(True),
        }
        self.operations = {
            "comment": {"body": {"kind": "text", "required": True}, "public": {"kind": "bool"}},
            "update": {name: {**kind, "required": False} for name, kind in self.fields.items() if name.startswith("custom.")},
        }

    def requests(self, fields):
        body = {
            "ProductId": self.PRODUCT, "SiteId": self.SITE, "SourceId": 3, "IsUrgent": False, "HasSensitiveInformation": False,
            "IsTraining": False, "RunRules": False, "SendNotifications": False, "SendEmails": False,
        }
        own = ("ForId", "IssueId", "LocationId", "LocationRoomId", "LocationDetails", "Subject", "IssueDescription", "IsUrgent")
        body.update({name: value for name, value in fields.items() if name in own})
        if customs := self.customs(fields):
            body["CustomFieldValues"] = customs
        made = [("create", body)]
        if "Priority" in fields:
            level = int(fields["Priority"])
            made.append(("priority", {"Priority": level, "PriorityId": level}))
        if "Tags" in fields:
            made.append(("tags", [{"Name": tag} for tag in fields["Tags"]]))
        if "AssignedToUserId" in fields:
            made.append(("assign", {"AssignToUserId": fields["AssignedToUserId"]}))
        return made

    def tied(self, fields):
        """What is set once the tickets of other rows are there."""
        if "ParentTicketId" not in fields:
            return []
        return [("tie/assign", {"AssignToParentId": {"ticket_of_key": fields["ParentTicketId"]}})]

    def customs(self, fields):
        ids = {"custom." + field["name"]: field for field in CUSTOM}
        return [
            {"CustomFieldTypeId": ids[name]["id"], "Value": self.text(ids[name]["kind"], value)}
            for name, value in fields.items() if name in ids
        ]

    @staticmethod
    def text(kind, value):
        if value is None:
            return None
        if kind in ("user", "multi_select"):
            return json.dumps(value if isinstance(value, list) else [value], separators=(",", ":"))
        if isinstance(value, bool):
            return "yes" if value else "no"
        return to_text(value)

    def follow(self, operation, fields):
        if operation == "comment":
            public = fields.get("public", False)
            kind = "Spark.Shared.Models.TicketActivityComment, Spark.Shared"
            item = {"$type": kind, "TicketActivityTypeId": 6, "Comments": shown(fields["body"]), "IsPublic": public}
            return {"IsPublic": public, "SendEmail": False, "ActivityItems": [item]}
        return self.customs(fields)


def shown(text):
    """A text with HTML in it is taken as HTML, another is shown as it stands."""
    return text if MARKUP.search(text) else html_of_text(text)


SYSTEMS = {system.name: system for system in (ClearFeed(), IncidentIq())}
