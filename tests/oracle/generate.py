"""Random mappings and rows, by a seed."""

import datetime
import json
import random

from inputs import Number, as_text

FORMATS = ("csv", "xlsx", "jsonl")

WORDS = ["printer", "jams", "Room", "12", "café", "straße", "Élan", "e\u0301lan", "x", "HR", "n/a", "login", "2nd"]
SPACE = ["", "", "", " ", "  ", "\t", "\u00a0"]
EMPTY = ["", "", " ", "N/A", "-", "n/a "]
KINDS = ["Open", "open ", "CLOSED", "In Progress", "Élan", "e\u0301lan", "x", "Other"]
EMOJI = ["👨\u200d👩\u200d👧", "👍🏽", "🇩🇪", "e\u0301"]
MARKS = ["<b>bold</b>", "a<br>b", "&amp;", "1 < 2", "<p>one</p><p>two</p>", "<div>block</div>", "AT&T", "&lt;x&gt;", "<i>"]
SHEET = "Tickets"


def message(rng, longest=6):
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, longest)))
    if rng.random() < 0.12:
        text += rng.choice(EMOJI) * rng.randint(1, 4)
    if rng.random() < 0.1:
        text = text.replace(" ", rng.choice(["  ", "\n", "\r\n", "\t "]), 2)
    return rng.choice(SPACE) + text + rng.choice(SPACE)


class Column:
    """A heading, and how its cells come about."""

    def __init__(self, heading, kind, cell):
        self.heading = heading
        self.kind = kind
        self.cell = cell


DATE_STYLES = {
    "plain": (None, ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]),
    "us": (["%m/%d/%Y %H:%M", "%m/%d/%Y"], ["%m/%d/%Y %H:%M", "%m/%d/%Y"]),
    "german": (["%d.%m.%Y", "%d.%m.%Y %H:%M"], ["%d.%m.%Y", "%d.%m.%Y %H:%M"]),
    "short": (["%m/%d/%y"], ["%m/%d/%y"]),
    "words": (["%d %b %Y %I:%M %p"], ["%d %b %Y %I:%M %p"]),
    "long": (["%A, %d. %B %Y %H:%M:%S %z"], ["%A, %d. %B %Y %H:%M:%S +0200"]),
    "two": (["%m/%d/%Y", "%d/%m/%Y"], ["%m/%d/%Y", "%d/%m/%Y"]),
}


def some_time(rng):
    if rng.random() < 0.08:
        # The clocks of Chicago and Berlin change.
        return rng.choice([
            datetime.datetime(2024, 3, 10, 2, 30), datetime.datetime(2024, 11, 3, 1, 30),
            datetime.datetime(2024, 3, 31, 2, 15), datetime.datetime(2024, 10, 27, 2, 45),
        ])
    return datetime.datetime(2023, 1, 1) + datetime.timedelta(minutes=rng.randrange(0, 3 * 365 * 1440, 7))


def columns_of(rng, fmt, case):
    typed = fmt != "csv"

    def blank(rng, cell, share=0.12):
        if rng.random() < share:
            return rng.choice([*EMPTY, None])
        return cell

    def number_text(rng):
        return rng.choice([*(["2.0"] if case["version"] == 2 else []), "5", "0", "-3", "1.50", "0012", " 7 ", "1 234", "99999", "+4", "0.125", "1,234.5", "1.234,5", "12,5", "x1", "1e3", "5%"])

    def number(rng):
        if typed and rng.random() < 0.5:
            return Number(rng.choice(["5", "0", "-3", "1.5", "12", "1234567", "0.125", "42"]))
        return number_text(rng)

    style = case["style"]

    def when(rng):
        at = some_time(rng)
        if fmt == "xlsx" and rng.random() < 0.4:
            return at.date() if rng.random() < 0.4 else at.replace(second=0)
        if rng.random() < 0.05:
            return rng.choice(["2024-13-01", "soon", "31/31/2024"])
        text = at.strftime(rng.choice(DATE_STYLES[style][1]))
        if style == "plain" and rng.random() < 0.25 and "T" in text:
            text += rng.choice(["Z", "+02:00", "-08:00", "[Europe/Berlin]"])
        return text

    def flag(rng):
        if typed and rng.random() < 0.3:
            return rng.random() < 0.5
        return rng.choice(["yes", "No", "Y ", "true", "0", "1", "on", "off", "x", "ja", "nein", "maybe"])

    def listed(rng):
        if fmt == "jsonl" and rng.random() < 0.3:
            return [rng.choice(["a", "B", " c ", "", "web"]) for _ in range(rng.randint(0, 4))]
        return rng.choice([",", ", "]).join(rng.choice(["a", "b", "B", " c", "", "web", "iOS", "API", "x"]) for _ in range(rng.randint(1, 5)))

    def note(rng):
        sign = case["note_sign"]
        if fmt == "jsonl" and rng.random() < 0.3:
            return [rng.choice(["called", "came back", "", "done "]) for _ in range(rng.randint(0, 3))]
        parts = [rng.choice(["called", " came back ", "", "closed it", "N/A"]) for _ in range(rng.randint(1, 3))]
        return sign.join(parts)

    def person(rng):
        return rng.choice(["Ada Byron", "ada  byron", " José Núñez", "jose\u0301 nu\u0301n\u0303ez", "ada@x.example", "Sam Lee", "U1", "Nobody", "boss", "sam@y.example"])

    def markup(rng):
        return " ".join(rng.choice([*MARKS, *WORDS]) for _ in range(rng.randint(1, 5)))

    def ident(at):
        def cell(rng, row):
            if rng.random() < 0.02:
                return ""
            if at == "number" and typed:
                return Number(str(1000 + row))
            return {"number": str(1000 + row), "hash": f"# {row}", "long": f"INC-{row:04d} of the old desk/{row % 3}", "space": f" A {row} "}[at]
        return cell

    made = [
        Column("Id", "id", ident(case["id_style"])),
        Column("Title", "text", lambda rng, row: blank(rng, message(rng))),
        Column("Body", "text", lambda rng, row: blank(rng, message(rng, 14))),
        Column("Kind", "word", lambda rng, row: blank(rng, rng.choice(KINDS))),
        Column("List", "list", lambda rng, row: blank(rng, listed(rng))),
        Column("Amount", "number", lambda rng, row: blank(rng, number(rng))),
        Column("When", "date", lambda rng, row: blank(rng, when(rng))),
        Column("Flag", "bool", lambda rng, row: blank(rng, flag(rng))),
        Column("Ticket #", "text", lambda rng, row: blank(rng, f"#{row} of {rng.choice(WORDS)}")),
        Column("Person", "person", lambda rng, row: blank(rng, person(rng))),
        Column("Team", "group", lambda rng, row: rng.choice(["a", "b", "c ", "d", "e", "f", "g"]) if rng.random() > 0.02 else ""),
        Column("Code", "code", lambda rng, row: blank(rng, rng.choice(["k1", "K2 ", "k3", "k9", "k4"]))),
        Column("Notes", "notes", lambda rng, row: blank(rng, note(rng))),
        Column("Markup", "markup", lambda rng, row: blank(rng, markup(rng))),
        Column("Area", "option", lambda rng, row: blank(rng, rng.choice(["billing", "Sign-in ", "Mobile app", "other"]))),
        Column("Priority", "priority", lambda rng, row: blank(rng, rng.choice(["Low", "high", "NORMAL", "medium ", "p1"]))),
    ]
    if fmt != "jsonl":
        made += [Column("Comment", "text", lambda rng, row: blank(rng, message(rng, 3), 0.5)) for _ in range(3)]
    else:
        made.append(Column("More", "object", lambda rng, row: {"a": rng.choice(["in", None, " out "]), "b": Number("3")}))
    if rng.random() < 0.3:
        heading = rng.choice([" Odd\u00a0 Heading", "odd\nheading", "Odd Heading "])
        made.append(Column(heading, "odd", lambda rng, row: blank(rng, message(rng, 2))))
    return made


def key_spelling(rng, columns):
    """Names of columns as a mapping may write them."""
    return [column.heading for column in columns]


class Generator:
    def __init__(self, seed, rows=40, fmt=None, system=None):
        self.rng = rng = random.Random(seed)
        self.seed = seed
        self.fmt = fmt or FORMATS[seed % len(FORMATS)]
        self.version = 1 if rng.random() < 0.2 else 2
        self.style = rng.choice(list(DATE_STYLES))
        self.id_style = rng.choice(["number", "number", "hash", "long", "space"])
        self.note_sign = rng.choice([";", "\n---\n", "|"])
        case = {"version": self.version, "style": self.style, "id_style": self.id_style, "note_sign": self.note_sign}
        self.columns = columns_of(rng, self.fmt, case)
        self.names = [column.heading for column in self.columns]
        # What templates may read an item by, where a row makes several tickets.
        self.item = None
        self.grouped = rng.random() < 0.25
        self.zone = rng.choice([None, "America/Chicago", "Europe/Berlin", "UTC"])
        self.typed = {}
        self.made = {}
        # Columns of the file that are made anew: what they hold may be no text.
        self.made_here = set()
        self.tables = self.further_tables()
        self.rows = [[column.cell(rng, row) for column in self.columns] for row in range(rows)]
        self.mapping = self.a_mapping()
        # What came later has dice of its own, so that a seed keeps the rest of its mapping.
        self.rng = random.Random(f"{seed} again")
        self.turned(self.mapping)
        self.system = system or ("incidentiq" if self.rng.random() < 0.4 else "clearfeed")
        if self.system == "incidentiq":
            self.for_incidentiq(self.mapping)
            self.rng = random.Random(f"{seed} parents")
            if self.rng.random() < 0.5:
                self.with_parents(self.mapping)
        self.rng = random.Random(f"{seed} lists")
        self.with_lists(self.mapping["input"].get("columns", {}))

    def turned(self, mapping):
        """Lists and items, some of them from the last to the first."""
        lists = [mapping["fields"][name] for name in ("tags", "custom.Platforms") if name in mapping["fields"]]
        items = [each for each in (mapping.get("each"), *(then.get("each") for then in mapping.get("then", []))) if each]
        for spec in lists + [each for each in items if "order_by" not in each and "order" not in each]:
            if self.rng.random() < 0.2:
                spec["order"] = self.rng.choice(["descending", "descending", "ascending"])

    def with_lists(self, columns):
        """Some of the columns that are made are lists, and some of them leave words out."""
        rng = self.rng
        for name in sorted(self.made_here | set(self.made)):
            if name not in columns or rng.random() > 0.25:
                continue
            spec = {"from": "List", "split": ","}
            if rng.random() < 0.25:
                spec = {"from": rng.sample(["Kind", "Code", "Body"], 2), "list": True}
            for key, value in (("unique", True), ("max_items", 2), ("order", "descending"), ("upper", True), ("default", "dd"), ("null", ["a", "x"])):
                if rng.random() < 0.2:
                    spec[key] = value
            if "list" not in spec and rng.random() < 0.2:
                spec["join"] = rng.choice([" / ", "+"])
            if rng.random() < 0.25:
                spec["map"] = {"a": "A", "web": "", "open": "o"}
                spec["else"] = {"do": rng.choice(["keep", "skip_item", "skip_field"])}
            columns[name] = spec

    def for_incidentiq(self, mapping):
        """The same fields under the names of the other system, and those that only it has."""
        rng = self.rng
        names = {"title": "Subject", "description": "IssueDescription", "tags": "Tags", "assignee_id": "AssignedToUserId", "collection_id": "IssueId"}
        fields = {names.get(name, name): spec for name, spec in mapping["fields"].items() if name not in ("priority", "requester_email", "status")}
        issue = fields["IssueId"]
        issue["value"] = issue["value"].replace("col_", "iss_")
        if "resolve" in issue:
            issue["resolve"] = "issue"
        fields["ForId"] = {"value": "Help Desk"} if rng.random() < 0.5 else {**self.person_field(), "default": "Help Desk"}
        if fields["ForId"].get("match") == "email":
            del fields["ForId"]["match"]
        fields["LocationId"] = rng.choice([
            {"value": "high school"}, {"value": "loc_2"},
            {"from": "Team", "aliases": {"a": "High School", "C": "Élan Two", "f": "loc_1"}, "missing": rng.choice(["High School", {"do": "error"}, {"do": "skip_row"}])},
            {"from": "Kind", "aliases": {"open": "High School", "x": "loc_2"}, "missing": "Élan Two", "default": "élan  two", **rng.choice([{}, {"ambiguous": {"do": "skip_row"}}, {"ambiguous": "loc_3"}])},
        ])
        if rng.random() < 0.6:
            fields["LocationRoomId"] = {"from": "Code", "within": "LocationId"}
            for key in ("missing", "ambiguous"):
                if rng.random() < 0.7:
                    fields["LocationRoomId"][key] = {"do": rng.choice(["skip_field", "skip_field", "skip_row", "error"])}
        if rng.random() < 0.4:
            fields["Priority"] = {"from": "Priority", **rng.choice([{}, {"missing": "normal"}, {"missing": {"do": "skip_field"}}])}
            if rng.random() < 0.5:
                fields["Priority"]["map"] = {"p1": "Urgent", "medium": "Normal"}
                fields["Priority"]["else"] = {"do": "keep"}
            if rng.random() < 0.3:
                fields["Priority"]["default"] = "High"
        if rng.random() < 0.3:
            fields["IsUrgent"] = self.bool_field()
        if rng.random() < 0.2:
            fields["LocationDetails"] = {"template": "{{ Kind }}, {{ Code|upper }}"}
        mapping["system"] = "incidentiq"
        mapping["fields"] = fields

    def with_parents(self, mapping):
        """A column with keys of other rows, as far as these are what a cell says, and the field that takes them."""
        rng, key = self.rng, mapping.get("key")
        if key is None or "each" in mapping:
            return
        parts = [self.names.index(part) for part in (key if isinstance(key, list) else [key]) if isinstance(part, str) and part in self.names]
        parts = parts or [self.names.index("Id")]

        def of(row):
            texts = [as_text(self.rows[row][at]).strip() for at in parts]
            return texts[0] if len(texts) == 1 else "/".join(text.replace("\\", "\\\\").replace("/", "\\/") for text in texts)

        def cell(row):
            pick = rng.random()
            if pick < 0.4:
                return rng.choice(["", " ", None, "N/A"])
            if pick < 0.5:
                return rng.choice(["nobody", of(row).upper(), "0"])
            text = of(rng.randrange(len(self.rows)) if pick < 0.75 else max(row - rng.randint(0, 3), 0))
            return rng.choice([text, text, f" {text} "])

        self.columns.append(Column("Parent", "parent", None))
        self.names.append("Parent")
        for row, parent in enumerate([cell(row) for row in range(len(self.rows))]):
            self.rows[row].append(parent)
        spec = {"from": rng.choice(["Parent", "Parent", "parent"]), "resolve": "key"}
        if isinstance(key, dict) and "from" in key and isinstance(key["from"], str):
            # The same steps lead to the same key.
            spec.update({step: key[step] for step in ("extract", "replace", "upper") if step in key})
        elif key == {"template": "k{{ Id }}"}:
            spec = {"template": "{% if Parent %}k{{ Parent }}{% endif %}", "resolve": "key"}
        if rng.random() < 0.6:
            spec["missing"] = {"do": rng.choice(["skip_field", "skip_field", "skip_row", "error"])}
        if rng.random() < 0.2:
            spec["null"] = ["nobody"]
        if self.grouped and rng.random() < 0.4:
            spec["take"] = rng.choice(["first", "last", "last_filled"])
        mapping["fields"]["ParentTicketId"] = spec

    # Further tables

    def further_tables(self):
        rng = self.rng
        codes = [["k1", "alpha", "1"], ["K2", "beta", "2"], ["k3", "", "3"], ["k4", " delta ", "10"]]
        if rng.random() < 0.2:
            codes.append(["k1", "alpha", "1"])
        comments = []
        for _ in range(12):
            at = some_time(rng)
            comments.append([rng.choice(["a", "b", "c", "d"]), message(rng, 3), at.strftime("%m/%d/%Y"), str(rng.randint(1, 12))])
        return {
            "codes": (["Code", "Name", "Level"], codes),
            "comments": (["Team", "Text", "Day", "No"], comments),
        }

    def place(self, name):
        """Where a further table lies: a sheet of the workbook, or a file."""
        if self.fmt == "xlsx" and self.rng.random() < 0.5:
            return {"sheet": name}
        return {"file": name + ".csv"}

    # Columns

    def of(self, *kinds):
        found = [column.heading for column in self.columns if column.kind in kinds]
        return found

    def name(self, *kinds):
        return self.rng.choice(self.of(*kinds))

    def any_text(self):
        name = self.name("text", "word", "odd", "number", "markup", "code") if self.rng.random() < 0.9 else self.name("text")
        return self.spelled(name)

    def spelled(self, name):
        rng = self.rng
        if name == "Comment":
            return rng.choice(["Comment", "Comment[2]", "Comment[3]", "Comment[*]"])
        if "dd" in name.lower() and "eading" in name:
            return rng.choice([name, "Odd Heading", "odd heading"])
        if rng.random() < 0.08:
            return rng.choice([name.lower(), name.upper(), f" {name} "])
        return name

    # Fields

    def text_steps(self, spec, mild=False):
        rng = self.rng
        if rng.random() < 0.15:
            spec["collapse"] = True
        if rng.random() < 0.2:
            spec[rng.choice(["upper", "lower"])] = True
        if rng.random() < 0.2:
            spec["replace"] = [
                rng.choice([
                    ["[0-9]+", "#"], [r"\s+", "_"], ["(?i)room (\\w+)", "R$1"], ["(\\w+) (\\w+)", "${2} $1"],
                    ["x", ""], ["^", "> "], ["#", "$$"], ["a", " a "], ["\\bHR\\b", "hr "], ["(q)?x", "[$1]"],
                ])
                for _ in range(rng.randint(1, 2))
            ]
        if rng.random() < 0.12 and not mild:
            spec["extract"] = rng.choice([r"(\d+)", r"(\w+)", r"^(.{0,6})", r"of (.*)", r"( \w+ )"])
        if rng.random() < 0.06:
            spec["trim"] = False
        if rng.random() < 0.1:
            spec["null"] = rng.choice([["x"], ["printer", "N/A"], "5", ["HR", "0"]])
        return spec

    def checks(self, spec, plain=True):
        rng = self.rng
        if rng.random() < 0.25:
            spec["max_length"] = rng.choice([1, 3, 8, 12, 20, 60])
            if rng.random() < 0.8:
                spec["overflow"] = "truncate"
        if rng.random() < 0.05 and plain:
            spec["pattern"] = rng.choice([r"\w+", r"[^#]*", r"a|.*x.*"])
        if rng.random() < 0.06:
            spec["required"] = True
        return spec

    def origin(self, made=True):
        rng = self.rng
        pick = rng.random()
        if pick < 0.03:
            return {"from": "List", **({"join": "+"} if rng.random() < 0.5 else {})}
        if pick < 0.5:
            return {"from": self.any_text()}
        if pick < 0.65:
            spec = {"from": [self.any_text() for _ in range(rng.randint(2, 3))]}
            if rng.random() < 0.5:
                spec["join"] = rng.choice([" / ", "-", "", "\n"])
            return spec
        if pick < 0.8:
            return {"from_first": [self.any_text() for _ in range(rng.randint(2, 3))]}
        if pick < 0.84:
            return {"value": rng.choice(["fixed", 5, True, 1.5])}
        if self.made and made and pick < 0.9:
            return {"from": rng.choice(list(self.made))}
        return {"template": self.a_template()}

    def map_step(self, spec, several=False):
        rng = self.rng
        names = ["Open", "closed", "Élan", "x", "a", "b", "web", "5", "printer", "true"]
        table = {name: rng.choice(["X", "Y", "one", "", 7, True, "Web"]) for name in rng.sample(names, rng.randint(1, 5))}
        spec["map"] = table
        do = ["error", "keep", "keep", "skip_field", "skip_row"] + (["skip_item"] * 2 if several else [])
        other = rng.choice([None, "else", "", {"do": rng.choice(do)}, {"do": "keep"}])
        if other is not None:
            spec["else"] = other
        return spec

    def text_field(self, required=False):
        rng = self.rng
        spec = self.origin()
        if "value" not in spec:
            self.text_steps(spec, mild=required)
        if rng.random() < 0.1 and "from" in spec and isinstance(spec["from"], str):
            spec = {"from": "Code", "lookup": self.look_up()}
        if rng.random() < 0.12 and not required and "value" not in spec:
            self.map_step(spec)
        if required or rng.random() < 0.2:
            if "value" not in spec:
                spec["default"] = rng.choice(["dd", "a default", 7] if not required else ["dd"])
                if rng.random() < 0.15:
                    spec["default"] = {"do": rng.choice(["error", "skip_row"] + (["skip_field"] if not required else []))}
        if rng.random() < 0.1:
            spec["html"] = rng.choice(["strip", "keep", "from_text"])
            if isinstance(spec.get("from"), str) and rng.random() < 0.8:
                spec["from"] = "Markup"
        self.checks(spec, plain=not {"value", "default", "map"} & set(spec))
        if "value" in spec:
            spec = {key: spec[key] for key in spec if key in ("value", "max_length", "overflow")}
        if {"value", "default", "map"} & set(spec):
            # Fixed values are held to the checks before the run.
            spec.pop("overflow", None) if "max_length" in spec and spec["max_length"] < 10 else None
            if spec.get("max_length", 10) < 10:
                spec["max_length"] = 10
                spec["overflow"] = "truncate"
        if self.grouped and "value" not in spec and rng.random() < 0.4:
            spec["take"] = rng.choice(["first", "last", "last_filled"])
        return spec

    def look_up(self):
        rng = self.rng
        spec = {**self.place("codes"), "by": "Code", "take": rng.choice(["Name", "Level"])}
        if rng.random() < 0.6:
            spec["else"] = rng.choice(["none", {"do": "keep"}, {"do": "skip_field"}, {"do": "skip_row"}, {"do": "error"}])
        if rng.random() < 0.25:
            spec["columns"] = {"Level": {"parse": "number"}}
            spec["where"] = rng.choice(["Level < 5", "Level != 2 and Name != ''"])
        elif rng.random() < 0.1:
            spec["where"] = "Name != 'beta'"
        return spec

    def number_field(self):
        rng = self.rng
        spec = {"from": self.spelled(self.name("number"))}
        if rng.random() < 0.6:
            spec["parse"] = rng.choice(["number", "number", "integer"])
            if rng.random() < 0.6:
                spec["decimal"] = rng.choice([",", "."])
        if rng.random() < 0.2:
            spec["min"] = rng.choice([0, -1, 1.5])
        if rng.random() < 0.2:
            spec["max"] = rng.choice([10, 1234.5, 100000])
        if rng.random() < 0.15:
            spec["default"] = rng.choice([3, "4", 8])
        if rng.random() < 0.15:
            spec["replace"] = [[r"%|\s", ""]]
        if rng.random() < 0.1:
            spec["extract"] = r"(-?\d+)"
        if rng.random() < 0.08:
            self.map_step(spec)
            spec["map"] = {"5": 6, "x1": "2", "0": ""}
            spec["else"] = rng.choice([{"do": "keep"}, 9])
        return spec

    def date_field(self, moment):
        rng = self.rng
        formats = DATE_STYLES[self.style][0]
        spec = {"from": self.spelled("When")}
        if "When" not in self.typed:
            if formats:
                spec["parse"] = rng.choice(["date", "datetime"]) if not moment else "datetime"
                spec["formats"] = formats if len(formats) > 1 else rng.choice([formats, formats[0]])
            elif rng.random() < 0.3:
                spec["parse"] = rng.choice(["date", "datetime"]) if not moment else "datetime"
        elif rng.random() < 0.4:
            spec["parse"] = "datetime" if moment else rng.choice(["date", "datetime"])
        if "parse" in spec and rng.random() < 0.4:
            spec["timezone"] = rng.choice(["Europe/Berlin", "Asia/Tokyo", "America/Chicago"])
        if rng.random() < 0.1:
            spec["null"] = "soon"
        if moment and self.zone is None and "timezone" not in spec and "timezone" not in self.typed.get("When", {}):
            spec["parse"] = "datetime"
            spec["timezone"] = "America/New_York"
        return spec

    def bool_field(self):
        rng = self.rng
        spec = {"from": self.spelled("Flag")}
        if rng.random() < 0.5:
            spec["parse"] = "bool"
            if rng.random() < 0.5:
                spec["true"] = rng.choice(["ja", ["ja", "yes", "Y", "x", "1"]])
            if rng.random() < 0.5:
                spec["false"] = rng.choice(["nein", ["nein", "NO", "0"]])
        ours = not {"true", "false"} & set(spec)
        if rng.random() < 0.3 and ours:
            spec["map"] = {"maybe": "no", "ja": "yes", "nein": False}
            spec["else"] = {"do": "keep"}
        if rng.random() < 0.2 and ours:
            spec["default"] = rng.choice([True, "no"])
        return spec

    def list_field(self, options=False):
        rng = self.rng
        spec = {"from": self.spelled("List")}
        if rng.random() < 0.15 and self.fmt != "jsonl":
            spec = {"from": "Comment[*]"}
        elif rng.random() < 0.15:
            spec = {"from": [self.any_text() for _ in range(rng.randint(2, 3))], "list": True}
        else:
            spec["split"] = ","
        if rng.random() < 0.4:
            spec["unique"] = True
        if rng.random() < 0.3:
            spec["max_items"] = rng.choice([1, 2, 3])
        if rng.random() < 0.3:
            spec[rng.choice(["upper", "lower", "collapse"])] = True
        if rng.random() < 0.15:
            spec["replace"] = [rng.choice([["b", "b,q"], ["[xX]", ""], [",+", ","]])]
        if options or rng.random() < 0.35:
            self.map_step(spec, several=True)
            if options:
                spec["map"] = {"a": "Android", "b": "ios", "c": "API"}
                spec["else"] = {"do": rng.choice(["keep", "skip_item"])}
        if rng.random() < 0.2:
            spec["default"] = "Web" if options else "dd"
        if rng.random() < 0.08:
            spec["required"] = True
        if rng.random() < 0.1:
            spec["null"] = ["x", "a"]
        fixed = {"map", "default"} & set(spec)
        if not options and not fixed and rng.random() < 0.25:
            spec["max_length"] = rng.choice([1, 3])
            if rng.random() < 0.5:
                spec["overflow"] = "truncate"
        if not options and not fixed and rng.random() < 0.15:
            spec["one_of"] = ["a", "B", "c", "web", "dd"]
        return spec

    def option_field(self, priority):
        rng = self.rng
        spec = {"from": "Priority" if priority else "Area"}
        if rng.random() < 0.6:
            spec["map"] = {"p1": "urgent", "low": "Low"} if priority else {"other": rng.choice(["Billing", "mobile APP"])}
            spec["else"] = rng.choice([{"do": "keep"}, {"do": "skip_field"}, "medium" if priority else "Billing"])
        if rng.random() < 0.3:
            spec["default"] = "High" if priority else "sign-in"
        return spec

    def person_field(self):
        rng = self.rng
        spec = {"from": "Person"}
        if rng.random() < 0.5:
            spec["aliases"] = rng.choice([{"Boss": "Ada Byron"}, {"boss": "Help Desk", "Nobody": "jose@x.example"}])
        if rng.random() < 0.6:
            spec["missing"] = rng.choice(["Help Desk", {"do": "skip_field"}, {"do": "skip_row"}, {"do": "error"}])
        if rng.random() < 0.4:
            spec["ambiguous"] = rng.choice(["ada@x.example", {"do": "skip_field"}, {"do": "error"}])
        constants = {"aliases", "missing", "ambiguous"} & set(spec)
        if rng.random() < 0.3:
            spec["match"] = ["email", "name"] if constants else rng.choice(["email", "name", ["email", "name"]])
        if rng.random() < 0.2 and (constants or "match" not in spec):
            spec["default"] = "Ada Byron"
        return spec

    # Templates and conditions

    def reference(self, name):
        if name.isidentifier() and self.rng.random() < 0.7:
            return name
        return f"row['{name}']"

    def text_expression(self):
        rng = self.rng
        name = self.reference(rng.choice(self.of("text", "word", "code", "markup")))
        return rng.choice([
            name, name, name, f"{name}|upper", f"{name}|lower|trim", f"{name}|replace('x', 'y')", f"{name}[:{rng.randint(1, 9)}]",
            f"{name}|truncate({rng.randint(4, 14)})", f"{name}|capitalize", f"{name}|default('none', true)", f"{name} ~ '!'",
            f"{name}|wordcount", f"{name}|length", f"({name} if {name} else 'nothing')", f"{name}|tojson", f"({name}|first if {name} else '-')",
            f"{name}|string|split(' ')|join('+')", f"{name}|string|split(' ')|first", f"{name}|title", f"{name}|string|split(' ')|length",
        ])

    def a_template(self, item=None):
        rng = self.rng
        parts = []
        item = item or self.item
        for _ in range(rng.randint(1, 4)):
            pick = rng.random()
            if item and pick < 0.5:
                parts.append("{{ " + rng.choice(item) + " }}")
            elif pick < 0.55:
                parts.append("{{ " + self.text_expression() + " }}")
            elif pick < 0.62 and "Amount" in self.typed:
                parts.append("{{ " + rng.choice(["Amount", "Amount|string"]) + " }}")
            elif pick < 0.66 and self.version == 2 and ("Flag" in self.typed or self.fmt != "csv"):
                parts.append("{{ " + rng.choice(["Flag", "Flag|string", "Flag|upper"]) + " }}")
            elif pick < 0.7 and "When" in self.typed:
                parts.append("{{ " + rng.choice(["When", "When|strftime('%d.%m.%Y')", "When|strftime('%H:%M')"]) + " }}")
            elif pick < 0.8:
                parts.append("{% if " + self.text_condition(True) + " %}yes" + rng.choice(["{% else %}no", "{% elif Kind %}maybe", ""]) + "{% endif %}")
            elif pick < 0.86:
                parts.append("{% for part in List|string|split(',') %}{{ loop.index }}{{ part|trim }}{% if not loop.last %};{% endif %}{% endfor %}" if self.fmt != "jsonl" else "-")
            elif pick < 0.9 and self.grouped:
                parts.append("{% for one in rows -%} {{ one.Title }}|{% endfor %}{{ rows|length }}")
            elif pick < 0.93:
                parts.append("{{ _row }}")
            else:
                parts.append(rng.choice([" at ", "\n", "x: ", "{% set k = Kind|upper %}{{ k }}", " {#- gone #}", "#{{ row['Ticket #'] }}"]))
        return rng.choice(["", " ", ": "]).join(parts)

    def text_condition(self, template=False):
        rng = self.rng
        names = [name for name in self.of("word", "text", "code", "group") if name not in self.made_here]
        name = self.reference(rng.choice(names))
        word = rng.choice(["Open", "x", "k1", "a", "Élan", "", "CLOSED"])
        return rng.choice([
            f"{name} == '{word}'", f"{name} != '{word}'", f"{name}|lower == 'open'", f"{name} in ['Open', 'x', 'k3', 'a']",
            f"not {name}", name, f"{name} < 'm'" if not template else f"{name} and {name} < 'm'", f"'o' in {name}", f"{name} is eq('{word}')", f"{name} not in ['x', 'b']",
        ])

    def condition(self):
        rng = self.rng
        simple = [self.text_condition()]
        if "Amount" in self.typed:
            simple += [f"Amount > {rng.choice(['0', '5', '1.5'])}", "Amount == 5", "Amount in [5, 0]", "Amount is ge(3)", "Amount != 7"]
        if "When" in self.typed:
            day = rng.choice(["2023-07-01", "2024-06-01 12:00", "2025-01-01"])
            simple += [f"When >= date('{day}')", f"When < date('{day}')", f"not When or When != date('{day}')"]
        simple.append("_row > 4")
        first = rng.choice(simple)
        if rng.random() < 0.5:
            return first
        second = rng.choice(simple)
        return rng.choice([f"{first} or {second}", f"({first}) and not ({second})", f"({first}) and {second}" if " or " not in first else first])

    # The whole

    def a_mapping(self):
        rng = self.rng
        mapping = {"version": self.version, "system": "clearfeed", "operation": "create", "scope": rng.choice(["o1", "a-long_scope-2024", "spaced scope"])}
        pick = rng.random()
        if pick < 0.5:
            mapping["key"] = rng.choice(["Id", ["Id"]])
        elif pick < 0.7:
            mapping["key"] = rng.choice([["Id", "Kind"], ["Team", "Id"], ["Id", "Ticket #"]])
        elif pick < 0.9:
            mapping["key"] = rng.choice([
                {"from": "Id", "extract": r"(\d+)"}, {"from": "Id", "replace": [["# ?", ""]]}, {"from": "Id", "upper": True},
                ["Team", {"from": "Id", "replace": [[r"\D", ""]]}], {"template": "k{{ Id }}"}, {"from": ["Id", "Id"], "join": "+"},
            ])
        marker = rng.random()
        if marker < 0.1:
            mapping["marker"] = "none"
        mapping["input"] = self.an_input()
        if not self.grouped and rng.random() < 0.12:
            mapping["each"] = rng.choice([
                {"from": "List", "split": ","}, {"from": "Notes", "split": self.note_sign}, {"from": ["Kind", "Code"], "list": True},
            ])
            mapping["key"] = ["Id", "item"]
            self.item = ["item", "item|upper", "item"]
            if rng.random() < 0.4:
                mapping["input"]["where"] = rng.choice(["item != ''", "item != 'x' and Kind != 'x'"])
        mapping["fields"] = self.fields()
        if rng.random() < 0.5:
            mapping["then"] = [self.a_then() for _ in range(rng.randint(1, 2))]
        return mapping

    def an_input(self):
        rng = self.rng
        made = {}
        if rng.random() < 0.6:
            made["null"] = rng.choice([["N/A", "-"], "N/A", ["-", "0"], ["n/a", "other"]])
        if self.zone:
            made["timezone"] = self.zone
        columns = {}
        if rng.random() < 0.4:
            columns["When"] = {"parse": rng.choice(["datetime", "datetime", "date"])}
            formats = DATE_STYLES[self.style][0]
            if formats:
                columns["When"]["formats"] = formats
            if rng.random() < 0.3:
                columns["When"]["timezone"] = rng.choice(["Europe/Berlin", "America/Chicago"])
        if rng.random() < 0.4:
            columns["Amount"] = {"parse": rng.choice(["number", "number", "integer"])}
            if rng.random() < 0.6:
                columns["Amount"]["decimal"] = rng.choice([",", "."])
        if rng.random() < 0.15:
            columns["Flag"] = {"parse": "bool"}
        if rng.random() < 0.1:
            columns["Ticket #"] = {"parse": "text"}
        self.typed = dict(columns)
        for name in ("Made", "Second", "Title"):
            if rng.random() < 0.15:
                spec = self.origin(made=True)
                if "value" not in spec:
                    self.text_steps(spec)
                if rng.random() < 0.15:
                    spec = {"from": "Code", "lookup": self.look_up()}
                    spec["lookup"]["else"] = rng.choice(["none", {"do": "keep"}])
                if rng.random() < 0.2 and "value" not in spec:
                    spec["default"] = "dd"
                columns[name] = spec
                if name == "Title":
                    self.made_here.add(name)
                else:
                    self.made[name] = spec
        if columns:
            made["columns"] = columns
        if rng.random() < 0.35:
            made["where"] = self.condition()
        if self.grouped:
            made["group_by"] = rng.choice(["Team", ["Team"], ["Team", "Code"]])
            if rng.random() < 0.4:
                made["where_group"] = rng.choice([self.condition(), "rows|length > 3", "rows[0].Kind == 'Open'"])
            if rng.random() < 0.5:
                made["order_by"] = rng.choice(["Title", *self.typed])
            if "order_by" in made and rng.random() < 0.3:
                made["order"] = "descending"
            if rng.random() < 0.5:
                made["take"] = rng.choice(["first", "last", "last_filled"])
        return made

    def fields(self):
        rng = self.rng
        made = {"collection_id": rng.choice([{"value": "IT Support"}, {"value": "élan  two"}, {"value": "col_12"}, {"value": "hr help", "resolve": "collection"}])}
        made["title"] = self.text_field(required=True) if rng.random() < 0.7 else {"from": "Title", "default": "t"}
        description = self.text_field(required=True) if rng.random() < 0.7 else {"from": "Body", "default": "d"}
        if description.get("max_length", 0) and description["max_length"] < 20 and rng.random() < 0.7:
            description["max_length"] = rng.choice([40, 60, 100])
        made["description"] = description
        custom = {
            **{f"custom.T{at}": self.text_field for at in range(1, 6)},
            "custom.Short": self.text_field,
            "custom.N1": self.number_field, "custom.N2": self.number_field,
            "custom.D1": lambda: self.date_field(False), "custom.D2": lambda: self.date_field(False),
            "custom.M1": lambda: self.date_field(True), "custom.M2": lambda: self.date_field(True),
            "custom.B1": self.bool_field, "custom.B2": self.bool_field,
            "custom.Area": lambda: self.option_field(False), "custom.Manager": self.person_field,
            "custom.Platforms": lambda: self.list_field(True), "tags": self.list_field,
            "priority": lambda: self.option_field(True), "assignee_id": self.person_field,
        }
        for name in sorted(rng.sample(sorted(custom), rng.randint(2, 7))):
            made[name] = custom[name]()
        if rng.random() < 0.15:
            made["status"] = {"from": "Kind", "map": {"open": "open", "closed": "Closed", "In Progress": "in_progress"}, "else": {"do": rng.choice(["skip_field", "error"])}}
        return made

    def a_then(self):
        rng = self.rng
        made = {"operation": "comment"}
        item = None
        pick = rng.random()
        if pick < 0.45:
            made["each"] = {"from": "Notes", "split": self.note_sign}
            if rng.random() < 0.2:
                made["each"]["null"] = ["N/A", "closed it"]
            if rng.random() < 0.2:
                made["each"]["replace"] = [["closed", "opened"]]
            item = ["item", "item|upper", "item|replace('a', 'o')", "item[:3]"]
        elif pick < 0.5 and self.grouped:
            made["each"] = {"rows": True}
            item = ["item.Title", "item['Ticket #']", "item.Kind", *(["item.Amount"] if "Amount" in self.typed else [])]
            if rng.random() < 0.5:
                made["each"]["order_by"] = rng.choice(["Body", *self.typed])
        elif pick < 0.65:
            made["each"] = {**self.place("comments"), "on": "Team"}
            item = ["item.Text", "item['Text']", "item.No", "item.Day"]
            if rng.random() < 0.6:
                made["each"]["columns"] = {"Day": {"parse": "date", "formats": "%m/%d/%Y"}, "No": {"parse": "number"}}
                made["each"]["order_by"] = rng.choice(["Day", "No"])
                item += ["item.Day|strftime('%Y')", "item.No + 1"]
            elif rng.random() < 0.4:
                made["each"]["order_by"] = rng.choice(["Text", "Day"])
        if "order_by" in made.get("each", {}) and rng.random() < 0.3:
            made["each"]["order"] = "descending"
        if rng.random() < 0.4:
            made["when"] = self.condition() if item is None or rng.random() < 0.5 else rng.choice(["item != 'called'", "item == 'called'"]) if "from" in made["each"] else "item.Kind != 'x'" if "rows" in made["each"] else "item.Text != 'x'"
        body = {"template": self.a_template(item)} if item or rng.random() < 0.5 else {"from": self.any_text()}
        if item and rng.random() < 0.2:
            body = {"from": "item" if "from" in made["each"] else "item.Title" if "rows" in made["each"] else "item.Text", "lower": True}
        body["default"] = "nothing"
        made["fields"] = {"body": body}
        if rng.random() < 0.3:
            made["fields"]["public"] = rng.choice([{"value": True}, {"from": "Flag", "map": {"maybe": "no", "ja": "yes", "nein": "no"}, "else": {"do": "keep"}}])
        if rng.random() < 0.25:
            made = {key: value for key, value in made.items() if key in ("when",)}
            if "item" in made.get("when", ""):
                del made["when"]
            made["operation"] = "update"
            made["fields"] = {"custom.T9": self.text_field(), "custom.N3": self.number_field()}
            for spec in made["fields"].values():
                if rng.random() < 0.4:
                    spec["clear"] = True
        return made


# TOML


def toml(mapping):
    lines = []
    for key, value in mapping.items():
        if key not in ("input", "fields", "then", "each"):
            lines.append(f"{key} = {inline(value)}")
    if "each" in mapping:
        lines.append(f"each = {inline(mapping['each'])}")
    made = dict(mapping.get("input", {}))
    columns = made.pop("columns", {})
    lines.append("\n[input]")
    lines += [f"{key} = {inline(value)}" for key, value in made.items()]
    if columns:
        lines.append("\n[input.columns]")
        lines += [f"{json.dumps(key)} = {inline(value)}" for key, value in columns.items()]
    lines.append("\n[fields]")
    lines += [f"{json.dumps(key)} = {inline(value)}" for key, value in mapping["fields"].items()]
    for then in mapping.get("then", []):
        lines.append("\n[[then]]")
        lines += [f"{key} = {inline(value)}" for key, value in then.items()]
    return "\n".join(lines) + "\n"


def inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {inline(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(inline(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(key):
    return key if key.isascii() and key.replace("_", "").isalnum() else json.dumps(key, ensure_ascii=False)
