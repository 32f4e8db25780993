"""The people, places and choices that both systems know from the start. Nothing here depends on the seed."""

from __future__ import annotations

import uuid
from typing import Any

NAMESPACE = uuid.UUID("0d5c7a52-7e1f-4d0b-9a6b-0c0ffee0de5c")
ZERO = "00000000-0000-0000-0000-000000000000"
ONE = "11111111-1111-1111-1111-111111111111"


def guid(*parts: Any) -> str:
    """A GUID that is the same every time for the same words."""
    return str(uuid.uuid5(NAMESPACE, "/".join(str(p) for p in parts)))


# IncidentIQ ------------------------------------------------------------------------------------

SITE_ID = guid("site", "Maple Valley Unified")
SITE_NAME = "Maple Valley Unified School District"
PRODUCTS = {f"88df910c-91aa-e711-80c2-0004ffa000{n}": name for n, name in
            (("10", "Ticketing"), ("20", "Facilities"), ("40", "Change Management"), ("50", "Assets"), ("60", "HR"))}
TICKETING, FACILITIES = list(PRODUCTS)[:2]
ENTITY_TYPES = {f"888891ac-91aa-e711-80c2-100dffa000{n}": name for n, name in
                (("01", "Tickets"), ("02", "Locations"), ("03", "Assets"), ("04", "Users"), ("41", "Rooms"))}
LOCATION_TYPES = {f"16469164-bce0-42b1-be1c-49861087c4{n}": name for n, name in
                  (("01", "Administration"), ("02", "Elementary School"), ("03", "Middle School"), ("04", "High School"))}
ROLES = {f"6d5fee76-e05e-43c0-b8e9-b8447746e5{n}": name for n, name in
         (("01", "Student"), ("02", "Faculty"), ("03", "Agent"), ("05", "iiQ Administrator"))}
STUDENT, FACULTY, AGENT, ADMIN = ROLES
STATUS_IDS = {n: f"c7932b63-7bf4-49f9-a2a3-ea739e7e000{n}" for n in range(1, 7)}
PRIORITIES = [(guid("priority", name), name, low, high, color) for name, low, high, color in
              (("Low", 0, 50, "#7cb342"), ("Medium", 51, 93, "#fdd835"), ("High", 94, 150, "#fb8c00"), ("Critical", 151, 1000, "#e53935"))]
SOURCES = {1: "Web", 2: "Mobile", 3: "API", 4: "Email", 5: "Import"}

LOCATIONS = [("District Office", "DO", "01"), ("Maple Street Elementary", "MSE", "02"), ("Oak Hollow Elementary", "OHE", "02"),
             ("Pine Ridge Elementary", "PRE", "02"), ("Cedar Creek Elementary", "CCE", "02"), ("Riverside Middle School", "RMS", "03"),
             ("Lakeview Middle School", "LMS", "03"), ("Northfield High School", "NHS", "04"), ("Southgate High School", "SHS", "04"),
             ("Transportation Center", "TC", "01")]
SCHOOL_ROOMS = ["101", "102", "201", "Library", "Main Office"]
OTHER_ROOMS = {"District Office": ["Help Desk", "Server Room", "Board Room"], "Transportation Center": ["Dispatch", "Garage"]}

# category, issue type, issues
ISSUES = [("Hardware", "Laptop", ["Cracked Screen", "Will Not Power On", "Keyboard Damaged"]), ("Hardware", "Printer", ["Paper Jam", "Out of Toner"]),
          ("Network", "Wi-Fi", ["Cannot Connect", "Slow Connection"]), ("Network", "Wired", ["Dead Network Port"]),
          ("Accounts", "Password", ["Password Reset", "Account Locked"]), ("Accounts", "Access", ["New Account Request"]),
          ("Software", "Application", ["Application Crash", "Install Request"]), ("Facilities", "HVAC", ["Room Too Hot"]),
          ("Facilities", "Plumbing", ["Leak"])]

WORKFLOWS = {  # name -> steps (name, status number, closed)
    "IT Workflow": [("Submitted", 1, False), ("In Progress", 2, False), ("Waiting on Requestor", 4, False), ("Resolved", 3, True), ("Canceled", 5, True)],
    "Facilities Workflow": [("Submitted", 1, False), ("Work Scheduled", 6, False), ("In Progress", 2, False), ("Resolved", 3, True), ("Canceled", 5, True)],
}

FIRST = ["Ada", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maya", "Noah", "Olga"]
LAST = ["Abbott", "Brooks", "Castillo", "Dawson"]
TEAMS = {"Service Desk": [0, 1, 2, 3], "Network Team": [4, 5, 6], "Facilities Crew": [7, 8, 9]}

FIELDS = [  # name, editor type, options
    ("Asset Note", 1, None), ("External Reference", 1, None), ("Legacy Ticket ID", 1, None), ("Steps Tried", 2, None), ("Parent Contact Notes", 2, None),
    ("Students Affected", 4, None), ("Cost Estimate", 4, None), ("Needed By", 6, None), ("First Noticed", 6, None), ("Appointment", 54, None),
    ("Under Warranty", 8, None), ("Loaner Issued", 8, None), ("Device Type", 9, ["Chromebook", "iPad", "Windows Laptop", "Desktop"]),
    ("Damage Cause", 9, ["Accident", "Wear and Tear", "Unknown"]), ("Affected Apps", 10, ["Google Classroom", "Canvas", "Zoom", "PowerSchool"]),
    ("Peripherals", 10, ["Mouse", "Keyboard", "Headset"]), ("Guardian Email", 11, None), ("Callback Phone", 12, None),
    ("Witness", 21, None), ("Pickup Location", 22, None), ("Preferred Agent", 32, None), ("Escalation Team", 33, None)]

CLOSE_REASONS = ["Completed", "No Issue Found", "Duplicate", "Withdrawn"]
ACTIONS = [("Repaired", "Hardware"), ("Replaced", "Hardware"), ("Reset Password", "Accounts"), ("Remote Support", "General")]
SLAS = [("Standard", 480, 2880), ("Urgent", 60, 480)]
TAGS = ["VIP", "Recurring", "Imported"]
ASSET_TAGS = [f"MV-{1001 + i}" for i in range(12)]


def iiq_users() -> list[dict[str, Any]]:
    """60 users. The first ten are agents; the last two share one name but not one address."""
    users = []
    for i in range(60):
        first, last = FIRST[i % 15], LAST[i // 15]
        email = f"{first}.{last}@maplevalley.example".lower()
        if i == 59:
            first, last, email = "Noah", "Dawson", "noah.dawson2@maplevalley.example"
        role = ADMIN if i == 0 else AGENT if i < 10 else FACULTY if i < 40 else STUDENT
        place = LOCATIONS[0][0] if i < 10 else LOCATIONS[i % 10][0]
        users.append({"UserId": guid("user", email), "FirstName": first, "LastName": last, "Email": email, "Username": email.split("@")[0],
                      "SchoolIdNumber": f"S{10000 + i}", "Grade": str(6 + i % 7) if role == STUDENT else None, "Homeroom": None,
                      "Phone": f"555-01{i:02d}", "ExternalId": f"ext-{i}", "LocationId": guid("location", place), "RoleId": role,
                      "Portal": 3 if role == ADMIN else 2 if role == AGENT else 1, "IsActive": True, "IsDeleted": False})
    return users


def iiq_tables() -> dict[str, dict[str, Any]]:
    """The tables of a fresh IncidentIQ site, keyed by id."""
    tables: dict[str, dict[str, Any]] = {n: {} for n in ("locations", "rooms", "categories", "types", "issues", "workflows", "steps", "users",
                                                         "teams", "fields", "reasons", "actions", "slas", "tags", "assets")}
    for name, short, kind in LOCATIONS:
        ident = guid("location", name)
        tables["locations"][ident] = {"LocationId": ident, "Name": name, "Abbreviation": short, "LocationTypeId": list(LOCATION_TYPES)[int(kind) - 1]}
        for room in OTHER_ROOMS.get(name, SCHOOL_ROOMS):
            rid = guid("room", name, room)
            tables["rooms"][rid] = {"LocationRoomId": rid, "Name": room, "LocationId": ident}
    for workflow, steps in WORKFLOWS.items():
        wid = guid("workflow", workflow)
        tables["workflows"][wid] = {"WorkflowId": wid, "Name": workflow}
        for order, (step, status, closed) in enumerate(steps):
            sid = guid("step", workflow, step)
            tables["steps"][sid] = {"WorkflowStepId": sid, "WorkflowId": wid, "StepName": step, "StatusId": STATUS_IDS[status],
                                    "StatusName": step, "IsClosed": closed, "DisplayOrder": order}
    for category, kind, names in ISSUES:
        cid, tid = guid("category", category), guid("issuetype", category, kind)
        product = FACILITIES if category == "Facilities" else TICKETING
        tables["categories"][cid] = {"IssueCategoryId": cid, "Name": category, "ProductId": product}
        tables["types"][tid] = {"IssueTypeId": tid, "Name": kind, "IssueCategoryId": cid}
        for name in names:
            iid = guid("issue", name)
            tables["issues"][iid] = {"IssueId": iid, "Name": name, "IssueTypeId": tid, "IssueCategoryId": cid, "ProductId": product,
                                     "WorkflowId": guid("workflow", "Facilities Workflow" if product == FACILITIES else "IT Workflow")}
    tables["users"] = {u["UserId"]: u for u in iiq_users()}
    agents = list(tables["users"])
    for team, members in TEAMS.items():
        tid = guid("team", team)
        tables["teams"][tid] = {"TeamId": tid, "TeamName": team, "Members": [agents[m] for m in members]}
    for name, editor, options in FIELDS:
        fid = guid("field", name)
        tables["fields"][fid] = {"CustomFieldTypeId": fid, "Name": name, "EditorTypeId": editor, "IsRequired": False,
                                 "Options": [{"Id": guid("option", name, o), "Name": o} for o in options or []]}
    tables["reasons"] = {guid("reason", n): {"CloseReasonTypeId": guid("reason", n), "Name": n} for n in CLOSE_REASONS}
    tables["actions"] = {guid("action", n): {"ResolutionActionId": guid("action", n), "Name": n, "ActionCategoryName": c} for n, c in ACTIONS}
    tables["slas"] = {guid("sla", n): {"SlaId": guid("sla", n), "Name": n, "Metrics": [{"Name": "Response", "ValueInMinutes": a}, {"Name": "Resolution", "ValueInMinutes": b}]}
                      for n, a, b in SLAS}
    tables["tags"] = {guid("tag", n): {"TagId": guid("tag", n), "Name": n, "TagTypeId": guid("tagtype"), "Scope": "Site", "IsDeleted": False} for n in TAGS}
    for i, tag in enumerate(ASSET_TAGS):
        aid = guid("asset", tag)
        tables["assets"][aid] = {"AssetId": aid, "AssetTag": tag, "SerialNumber": f"SN{70000 + i}", "OwnerId": agents[10 + i],
                                 "LocationId": guid("location", LOCATIONS[i % 10][0]), "ModelId": guid("model", "Chromebook 11"), "ModelName": "Chromebook 11",
                                 "CategoryId": guid("assetcategory", "Laptop"), "AssetTypeId": guid("assettype", "Device")}
    return tables


# ClearFeed -------------------------------------------------------------------------------------

COLLECTIONS = {11: ("IT Support", ["it-help", "it-urgent"]), 12: ("HR Helpdesk", ["hr-questions"]), 13: ("Facilities", ["facilities"]),
               14: ("Customer Success", ["acme-support", "globex-support"])}
CF_FIRST = ["Amy", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hal", "Ivy", "Jack"]
CF_LAST = ["Stone", "Rivers", "Fields"]
CF_TEAMS = {31: ("Support Tier 1", [501, 502, 503, 504, 505]), 32: ("Platform", [506, 507, 508])}
CF_FIELDS = [  # id, name, type, options, entity
    (71, "Severity", "select", ["Minor", "Major", "Critical"], "request"), (72, "Department", "select", ["Sales", "Engineering", "Finance"], "request"),
    (73, "Products", "multi_select", ["Web App", "Mobile App", "API", "Billing"], "request"), (74, "Labels", "multi_select", ["bug", "question", "feature"], "request"),
    (75, "External Reference", "text", None, "request"), (76, "Order Number", "text", None, "request"), (77, "Due Date", "date", None, "request"),
    (78, "Reported On", "date", None, "request"), (79, "Seats", "number", None, "request"), (80, "Estimated Hours", "number", None, "request"),
    (81, "Account Owner", "user_select", None, "request"), (91, "Plan", "select", ["Free", "Pro", "Enterprise"], "customer"), (92, "Notes", "text", None, "customer")]
CF_CUSTOMERS = [(41, "Acme", ["acme.example"], 14), (42, "Globex", ["globex.example"], 14), (43, "Initech", ["initech.example"], 11)]


def cf_tables() -> dict[str, dict[str, Any]]:
    """The tables of a fresh ClearFeed workspace, keyed by id as text."""
    users = {str(501 + i): {"id": 501 + i, "name": f"{CF_FIRST[i % 10]} {CF_LAST[i // 10]}",
                            "email": f"{CF_FIRST[i % 10]}.{CF_LAST[i // 10]}@acme.example".lower()} for i in range(30)}
    collections = {str(cid): {"id": cid, "name": name, "channels": [
        {"id": f"C{cid}0{n + 1}DESK", "name": channel, "owner": 501 + n, "status": "active"} for n, channel in enumerate(channels)]}
        for cid, (name, channels) in COLLECTIONS.items()}
    teams = {str(tid): {"id": tid, "name": name, "members": members} for tid, (name, members) in CF_TEAMS.items()}
    fields = {}
    for fid, name, kind, options, entity in CF_FIELDS:
        config: dict[str, Any] = {"options": [{"id": fid * 10 + n, "value": o} for n, o in enumerate(options)]} if options else {}
        config.update({"max_length": 3000} if kind == "text" else {})
        fields[str(fid)] = {"id": fid, "name": name, "type": kind, "config": config, "entity_type": entity}
    customers = {str(cid): {"id": cid, "name": name, "domains": domains, "channel_ids": [], "collection_id": collection, "owner": 501, "portal_users": [],
                            "external_system": None, "external_entity_id": None, "custom_field_values": {}, "version": 1}
                 for cid, name, domains, collection in CF_CUSTOMERS}
    return {"users": users, "collections": collections, "teams": teams, "fields": fields, "customers": customers}


def as_json(zone: str, token: str) -> dict[str, Any]:
    """What GET /_desk/population answers."""
    iiq, cf = iiq_tables(), cf_tables()
    place = {k: v["Name"] for k, v in iiq["locations"].items()}
    return {
        "token": token,
        "incidentiq": {
            "site_id": SITE_ID, "site_name": SITE_NAME, "zone": zone, "products": PRODUCTS, "entity_types": ENTITY_TYPES,
            "locations": [{**v, "rooms": [r for r in iiq["rooms"].values() if r["LocationId"] == k]} for k, v in iiq["locations"].items()],
            "issues": [{**v, "category": iiq["categories"][v["IssueCategoryId"]]["Name"], "type": iiq["types"][v["IssueTypeId"]]["Name"]} for v in iiq["issues"].values()],
            "users": [{**u, "location": place[u["LocationId"]], "role": ROLES[u["RoleId"]]} for u in iiq["users"].values()],
            "teams": list(iiq["teams"].values()), "custom_fields": list(iiq["fields"].values()), "steps": list(iiq["steps"].values()),
            "workflows": list(iiq["workflows"].values()), "priorities": [{"PriorityLevelId": p[0], "Name": p[1], "Min": p[2], "Max": p[3]} for p in PRIORITIES],
            "sources": SOURCES, "slas": list(iiq["slas"].values()), "close_reasons": list(iiq["reasons"].values()), "actions": list(iiq["actions"].values()),
            "tags": list(iiq["tags"].values()), "assets": list(iiq["assets"].values())},
        "clearfeed": {k: list(v.values()) for k, v in cf.items()},
    }
