"""Help desks by a seed, served by the code of tests/desk, and what happens on them without a word to the client.

What a ticket of a desk is, is decided here; what a client may know of it, it is told by the desk's API only.
"""

import asyncio
import random
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "desk"))

import desk as house
import population
from population import guid

ZONES = ["America/New_York", "Europe/Berlin", "Pacific/Auckland", "America/Sao_Paulo", "Asia/Kolkata"]
WORDS = "lamp projector printer toner password screen keyboard network cable badge laptop charger router speaker camera heater window door desk chair".split()
DAY = 86400


class Desk:
    """A desk that runs beside, in a thread of its own."""

    system = "incidentiq"

    def __init__(self, seed, tickets=400, page=60):
        self.rng = random.Random(f"desk {seed}")
        self.seed = seed
        self.zone_name = ZONES[seed % len(ZONES)]
        self.zone = ZoneInfo(self.zone_name)
        self.number = 1000
        given = ["--seed", str(seed), "--zone", self.zone_name, "--switch", f"max-page={page}"]
        self.desk = house.Desk(house.options(given))
        self.populate()
        for _ in range(tickets):
            self.add()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.serve, args=[ready], daemon=True)
        self.thread.start()
        ready.wait()

    def serve(self, ready):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

        async def start():
            server = await asyncio.start_server(house.Server(self.desk).client, "127.0.0.1", 0, limit=house.MAX_HEAD, backlog=512)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self.loop.run_until_complete(start())
        self.loop.run_forever()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def during(self, work):
        """Does something between two requests."""
        done = asyncio.run_coroutine_threadsafe(self.later(work), self.loop)
        return done.result()

    @staticmethod
    async def later(work):
        return work()

    def table(self, name):
        return self.desk.store.tables["iiq." + name]

    @property
    def profile(self):
        return f'system = "incidentiq"\nurl = "http://127.0.0.1:{self.port}/incidentiq"\nsite_id = "{population.SITE_ID}"\n'

    @property
    def count(self):
        return len(self.table("tickets"))

    # what is there ----------------------------------------------------------------------

    def populate(self):
        """300 places, people of one name, teams whose names differ by case."""
        kinds = list(population.LOCATION_TYPES)
        for at in range(300):
            ident = guid("oracle place", self.seed, at)
            name = f"School {at:03d}" if at % 7 else f"Annex of School {at:03d}"
            self.table("locations")[ident] = {"LocationId": ident, "Name": name, "Abbreviation": f"X{at}", "LocationTypeId": kinds[at % 4]}
        self.places = list(self.table("locations"))
        agents = [u for u in self.table("users").values() if u["Portal"] >= 2]
        people = [u for u in self.table("users").values() if u["Portal"] < 2]
        for at in range(4):
            # Two requesters, and two agents, of one name each.
            base = dict((people if at < 2 else agents)[0])
            email = f"maria.garcia{at or ''}@maplevalley.example" if at < 2 else f"jo.smith{at}@maplevalley.example"
            names = ("Maria", "Garcia") if at < 2 else ("Jo", "Smith")
            base.update(UserId=guid("oracle person", at), FirstName=names[0], LastName=names[1], Email=email, Username=email.split("@")[0])
            self.table("users")[base["UserId"]] = base
            (people if at < 2 else agents).append(base)
        self.agents = [u["UserId"] for u in agents]
        self.people = [u["UserId"] for u in people]
        for name in ["service desk", "Roaming Crew"]:
            ident = guid("oracle team", name)
            self.table("teams")[ident] = {"TeamId": ident, "TeamName": name, "Members": self.agents[:2]}
        self.teams = list(self.table("teams"))
        self.issues = list(self.table("issues"))
        self.assets = list(self.table("assets"))
        self.tags = list(self.table("tags"))
        self.fields = {field["Name"]: field for field in self.table("fields").values()}

    # tickets ------------------------------------------------------------------------------

    def moment(self, low, high):
        """A whole second between two moments that the site's clock shows only once."""
        while True:
            at = float(self.rng.randint(int(low), int(high)))
            shown = datetime.fromtimestamp(at, self.zone)
            if shown.replace(fold=0).utcoffset() == shown.replace(fold=1).utcoffset():
                return at

    def sentence(self, words):
        return " ".join(self.rng.choice(WORDS) for _ in range(words)).capitalize()

    def add(self, created=None):
        rng, now = self.rng, time.time()
        # Most are spread over two years; some are of these days, some lie ahead, some are of long ago.
        since = rng.choice([900, 900, 900, 120, 30, 10, 2])
        low, high = now - since * DAY, now - 3600
        if created is None:
            kind = rng.random()
            created = self.moment(now + 2 * 3600, now + 40 * DAY) if kind < 0.02 else self.moment(now - 4000 * DAY, now - 3000 * DAY) if kind < 0.03 else self.moment(low, high)
        self.number += 1
        ident = guid("oracle ticket", self.seed, self.number)
        issue = self.table("issues")[rng.choice(self.issues)]
        steps = sorted((s for s in self.table("steps").values() if s["WorkflowId"] == issue["WorkflowId"]), key=lambda s: s["DisplayOrder"])
        step = rng.choice(steps[:3]) if rng.random() < 0.4 else rng.choice(steps[3:])
        closed = None
        if step["IsClosed"]:
            closed = self.moment(created, max(created + rng.choice([1, 1, 8, 40]) * rng.randint(60, 40_000), created + 60))
            if rng.random() < 0.08:
                # Closed before it was made: brought in with wrong dates.
                closed = self.moment(created - 9 * DAY, created - 60)
            closed = min(closed, max(created, now - 600) if closed > created else closed)
        elif rng.random() < 0.1:
            # Reopened: its old time of closing is still there.
            closed = self.moment(created, created + 5 * DAY)
        due = self.moment(created + 3600, created + 30 * DAY) if rng.random() < 0.4 else None
        if due is not None and abs(due - now) < 7200:
            due = None
        record = {
            "TicketId": ident, "number": self.number, "TicketNumber": f"{self.number:06d}", "ProductId": issue["ProductId"], "Subject": self.sentence(rng.randint(1, 4)),
            "IssueDescription": self.sentence(rng.randint(3, 9)) if rng.random() < 0.9 else None, "OwnerId": rng.choice(self.people), "ForId": rng.choice(self.people[: rng.choice([6, 48])] + self.people[-2:]),
            "AssignedToUserId": rng.choice([None, *self.agents]), "AssignedToTeamId": rng.choice([None, *self.teams]), "LocationId": rng.choice(self.places[: rng.choice([12, 310])]),
            "LocationRoomId": None, "LocationDetails": None, "IssueId": issue["IssueId"], "IsIssueConfirmed": False, "WorkflowStepId": step["WorkflowStepId"], "Closed": closed,
            "ClosedByUserId": None, "CloseReasonTypeId": None, "Priority": rng.choice([20, 70, 100, 100, 300]), "IsUrgent": False, "HasSensitiveInformation": False,
            "IsTraining": False, "SourceId": 3, "Created": created, "Modified": self.moment(min(created, now - 3600), max(created, now - 3600) + 60) if created < now else created,
            "Started": None, "DueDate": due, "SlaId": rng.choice([None, None, *self.table("slas")]), "Tags": rng.sample(self.tags, rng.choice([0, 0, 1, 1, 2, 3])), "Assets": rng.sample(self.assets, rng.choice([0, 0, 0, 1, 1, 2])),
            "FollowerUsers": [], "FollowerTeams": [], "ParentTicketId": None, "IsDeleted": rng.random() < 0.04, "Activities": [], "Log": [], "Attachments": [],
            "CustomFieldValues": self.custom(), "_at": 0, "_visible": 0}
        self.table("tickets")[ident] = record
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            self.comment(record)
        return record

    def custom(self):
        rng, values = self.rng, {}

        def put(name, value):
            values[self.fields[name]["CustomFieldTypeId"]] = value

        if rng.random() < 0.5:
            put("Asset Note", rng.choice(["A-17", "a-17", "B 2", "none so far"]))
        if rng.random() < 0.4:
            put("Students Affected", rng.choice(["4", "4.0", "12", "-3"]))
        if rng.random() < 0.4:
            put("Under Warranty", rng.choice(["yes", "no"]))
        if rng.random() < 0.4:
            put("Device Type", rng.choice(["Chromebook", "iPad", "Desktop"]))
        if rng.random() < 0.3:
            put("Needed By", rng.choice(["03/04/2025", "11/30/2024"]))
        return values

    def comment(self, record):
        rng = self.rng
        ident = guid("oracle comment", record["TicketId"], len(record["Activities"]))
        owner = rng.choice([record["ForId"], *self.agents[:4]])
        public = rng.random() < 0.7
        item = {"$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared", "TicketActivityTypeId": 6, "ByUserId": owner, "IsPublic": public, "ExternalId": None,
                "CommentId": guid("comment", ident, 0), "Comments": self.sentence(4)}
        at = self.moment(record["Created"] + 60, record["Created"] + rng.choice([1, 10, 100]) * 3600)
        activity = {"TicketActivityId": ident, "OwnerId": owner, "IsPublic": public, "Items": [item], "Created": at, "order": len(record["Activities"]),
                    "TicketId": record["TicketId"], "IsDeleted": False, "_at": 0, "_visible": 0}
        self.table("activities")[ident] = activity
        record["Activities"].append(ident)

    # what happens -------------------------------------------------------------------------

    def happen(self):
        """Something happens; its name, and whether a client is told of it by a later date of change or by a count."""
        rng, now = self.rng, time.time()
        records = list(self.table("tickets").values())
        one = rng.choice(records)
        kind = rng.choice(["edit", "edit", "close", "reopen", "delete", "delete quietly", "undelete", "purge", "backdated", "new", "swap", "back", "back far", "quiet edit"])
        told = True
        if kind in ("edit", "close", "reopen", "delete", "undelete"):
            one["Modified"] = now
        if kind in ("edit", "quiet edit", "back", "back far"):
            one["Subject"] = self.sentence(5)
            told = kind == "edit"
        if kind in ("back", "back far"):
            # As a restored copy of a ticket: what it says is new, its last change is old.
            one["Modified"] = one["Created"] if kind == "back far" else one["Modified"] - rng.randint(1, 30) * DAY
        if kind in ("close", "reopen"):
            flow = self.table("issues")[one["IssueId"]]["WorkflowId"]
            steps = [s for s in self.table("steps").values() if s["WorkflowId"] == flow and s["IsClosed"] == (kind == "close")]
            one["WorkflowStepId"] = rng.choice(steps)["WorkflowStepId"]
            one["Closed"] = now if kind == "close" else one["Closed"]
        if kind.startswith("delete"):
            one["IsDeleted"] = True
        if kind == "undelete":
            one["IsDeleted"] = False
        if kind in ("purge", "swap"):
            del self.table("tickets")[one["TicketId"]]
            told = kind == "purge"
        if kind in ("backdated", "swap"):
            record = self.add(created=self.moment(now - 900 * DAY, now - 400 * DAY))
            record["Modified"] = record["Created"]
        if kind == "new":
            record = self.add(created=self.moment(now - 60, now))
            record["Modified"] = now
        return kind, told
