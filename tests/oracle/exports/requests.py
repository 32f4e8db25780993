"""A ClearFeed workspace by a seed, its requests as its API shows them, and filters for them.

The same as `desks.py`, `tickets.py` and `filters.py` for the other system: no deleted tickets, no places, no time of closing.
"""

import http.client
import json
import random
import time
from urllib.parse import quote

import desks
import filters
import tickets

STATES = ("open", "in_progress", "pending", "on_hold", "solved", "closed")
RANKS = {"urgent": 0, "high": 1, "normal": 2, "low": 3}


class Workspace(desks.Desk):
    """Requests instead of tickets."""

    system = "clearfeed"

    def table(self, name):
        return self.desk.store.tables["cf." + name]

    @property
    def profile(self):
        return f'system = "clearfeed"\ndialect = "v1"\nurl = "http://127.0.0.1:{self.port}/clearfeed"\ntenant = "oracle"\ntimezone = "{self.zone_name}"\n'

    def populate(self):
        """Two people of one name, and one in no team."""
        for number, name in ((601, "Maria Garcia"), (602, "Maria Garcia"), (603, "Nell Nobody")):
            self.table("users")[str(number)] = {"id": number, "name": name, "email": f"{name.split()[0].lower()}{number}@acme.example"}
        self.people = [user["id"] for user in self.table("users").values()]
        self.collections = [one["id"] for one in self.table("collections").values()]

    def add(self, created=None):
        rng, now = self.rng, time.time()
        created = created or self.moment(now - rng.choice([900, 120, 30, 3]) * desks.DAY, now - 3600)
        self.number += 1
        collection = self.table("collections")[str(rng.choice(self.collections))]
        channel = rng.choice(collection["channels"])
        author = rng.choice(self.people)
        # Somebody who writes by mail is no member of the workspace.
        email = self.table("users")[str(author)]["email"] if rng.random() < 0.8 else f"guest{rng.randint(1, 5)}@globex.example"
        if email.startswith("guest"):
            author = None
        said = [self.message(created, author, None)]
        for _ in range(rng.choice([0, 0, 1, 2])):
            said.append(self.message(created + 60 * rng.randint(1, 2000), rng.choice(self.people), said[0]["ts"]))
        record = {
            "id": self.number, "title": self.sentence(rng.randint(1, 4)), "state": rng.choice(STATES), "priority": rng.choice(["low", "normal", "normal", "high", "urgent"]), "author": author, "author_email": email,
            "customer_id": None, "assignee": rng.choice([None, *self.people[:4], *self.people[-3:]]), "team": rng.choice([None, 31, 32]), "tickets": [], "channel": {k: channel[k] for k in ("id", "name", "owner")},
            "collection": collection["id"], "values": self.custom(), "tags": [], "created": created, "updated": self.moment(created, max(created, now - 1800)), "deleted": False, "_at": 0, "_visible": 0, "messages": said}
        self.table("requests")[str(self.number)] = record
        return record

    def message(self, at, author, thread):
        self.told = getattr(self, "told", 0) + 1
        ts = f"{int(at)}.{self.told:06d}"
        return {"text": self.sentence(5), "author": author, "ts": ts, "thread_ts": thread or ts, "responder": False, "private": False, "_at": 0, "_visible": 0}

    def custom(self):
        rng, values = self.rng, {}
        if rng.random() < 0.5:
            values["71"] = rng.choice([710, 711, 712])
        if rng.random() < 0.4:
            values["79"] = rng.choice([4, 4.5, 12, -3])
        if rng.random() < 0.4:
            values["75"] = rng.choice(["A-17", "a-17", "B 2", "none so far"])
        return values

    def happen(self):
        rng, now = self.rng, time.time()
        one = rng.choice(list(self.table("requests").values()))
        kind = rng.choice(["edit", "edit", "close", "reopen", "comment", "new", "assign"])
        one["updated"] = now
        if kind == "edit":
            one["title"] = self.sentence(5)
        elif kind in ("close", "reopen"):
            one["state"] = rng.choice(STATES[4:] if kind == "close" else STATES[:4])
        elif kind == "comment":
            one["messages"].append(self.message(now, rng.choice(self.people), one["messages"][0]["ts"]))
        elif kind == "assign":
            one["assignee"] = rng.choice(self.people)
        else:
            self.add(created=self.moment(now - 60, now))["updated"] = now
        return kind, True

    @property
    def count(self):
        return len(self.table("requests"))


class Api(tickets.Api):
    """GET /requests page by page, as any client would."""

    def __init__(self, desk):
        self.desk = desk
        self.line = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60)
        self.head = {"Authorization": "Bearer desk-token"}

    def ask(self, path):
        self.line.request("GET", f"/clearfeed/v1/{path}", None, self.head)
        answer = self.line.getresponse()
        text = answer.read()
        assert answer.status == 200, (path, answer.status, text[:300])
        return json.loads(text)

    def tickets(self, comments=False):
        users = {f"usr_{user['id']}": user for user in self.desk.table("users").values()}
        teams = {str(team["id"]): team["name"] for team in self.desk.table("teams").values()}
        found, cursor = {}, ""
        while cursor is not None:
            page = self.ask(f"requests?limit=100&sort_order=asc&include=messages{'&next_cursor=' + quote(cursor, safe='') if cursor else ''}")
            for row in page["requests"]:
                found[row["id"]] = self.request(row, users, teams)
            cursor = page["response_metadata"]["next_cursor"]
        return list(found.values())

    def person(self, ident, users, email=None):
        if ident is None and email is None:
            return None
        user = users.get(ident)
        return (ident, user["name"] if user else None, user["email"] if user else email)

    def request(self, row, users, teams):
        assignee = row["assignee"] and row["assignee"]["id"]
        team = row["assigned_team"] and str(row["assigned_team"]["id"])
        messages = row["messages"]
        custom = {name: value for name, value in row["custom_fields"].items() if value not in (None, "", [])}
        return tickets.Ticket(
            id=row["id"], number=row["ticket_id"], title=row["title"], description=messages[0]["text"] if messages else "", state=row["status"],
            standing="closed" if row["status"] in ("solved", "closed") else "open", priority=row["priority"], rank=RANKS[{"medium": "normal"}.get(row["priority"], row["priority"])],
            requester=self.person(row["author"], users, row["author_email"]), assignee=self.person(assignee, users), team=(team, teams.get(team.removeprefix("team_"))) if team else None, place=None,
            issue=row["collection"]["name"], devices=[], tags=[], created=self.time(row["created_at"]), updated=self.time(row["updated_at"]), closed=None, due=None, custom=custom)


class Filter(filters.Filter):
    FIELDS = ["state", "state", "priority", "requester", "assignee", "team", "category", "custom", "search"]

    def state(self):
        # A deleted request is none that ClearFeed would have.
        values = self.states = self.pick(["open", "closed", *self.some_of(lambda t: t.state)])
        self.one_of("state", values, lambda t: t.standing in values or t.state in values)

    def person(self, name):
        wanted = self.pick([p[2] for p in self.some_of(lambda t: getattr(t, name)) if p[2]])
        words = self.maybe_none(wanted)
        self.one_of(name, words, lambda t: (getattr(t, name)[2] in wanted) if getattr(t, name) else "none" in words)

    def category(self):
        names = self.pick(self.some_of(lambda t: t.issue))
        self.one_of("category", [self.cased(name) for name in names], lambda t: t.issue in names)

    def custom(self):
        name = self.rng.choice(["Severity", "Seats", "External Reference"])
        values = {
            "Severity": [("Minor", "Minor"), ("Critical", "Critical")], "Seats": [("4", 4.0), ("4.0", 4.0), ("4.5", 4.5), ("-3", -3.0)],
            "External Reference": [("B 2", "B 2"), ("none so far", "none so far")]}[name]
        word, wanted = self.rng.choice(values)
        read = float if name == "Seats" else str
        if self.rng.random() < 0.2:
            self.one_of(f"custom.{name}", ["none"], lambda t: name not in t.custom)
        else:
            self.one_of(f"custom.{name}", [word], lambda t: name in t.custom and read(t.custom[name]) == wanted)

    def search(self):
        t = self.rng.choice(self.desk.tickets)
        texts = [t.title, t.description, t.requester[1] or "", t.requester[2] or "", (t.assignee or ("", "", ""))[1] or "", t.issue]
        words = [w for w in filters.re.findall(r"[A-Za-z@.\-0-9]{4,}", self.rng.choice([x for x in texts if x])) if w[0] not in ".-"]
        words = self.rng.sample(words, min(len(words), self.rng.choice([1, 1, 2]))) or ["lamp"]
        words = [w[: self.rng.choice([len(w), len(w), 4])] for w in words]
        self.arguments += ["--search", " ".join(words)]

        def shown(t):
            people = [*t.requester[1:], *(t.assignee or ("", "", ""))[1:], t.team[1] if t.team else ""]
            parts = [t.number, t.title, t.state, t.standing, t.priority, *people, t.issue, t.description, t.id, *(str(value) for value in t.custom.values())]
            return "\n".join(filter(None, parts)).lower()

        self.tests.append(lambda t: all(w.lower() in shown(t) for w in words))

    BY = ["created", "created", "updated"]
