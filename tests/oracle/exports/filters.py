"""Random filters, and which tickets they mean by docs/export.md."""

import re
from datetime import date, timedelta

FIELDS = ["state", "state", "priority", "requester", "assignee", "team", "place", "category", "tag", "tags", "device", "custom", "search"]


def quoted(value):
    return f'"{value}"' if "," in value else value


class Filter:
    """Arguments of a command, and what a ticket must be."""

    FIELDS = FIELDS
    BY = ["created", "created", "updated", "closed"]

    def __init__(self, rng, desk):
        self.rng, self.desk, self.arguments, self.tests, self.states = rng, desk, [], [], None
        for name in sorted(rng.sample(sorted(set(self.FIELDS)), rng.choice([1, 1, 2]))):
            getattr(self, name)()
        if rng.random() < 0.4:
            self.period()
        if self.states is None:
            # Who asks for no state gets all but what is deleted.
            self.tests.append(lambda t: t.standing != "deleted")

    def holds(self, t):
        return all(test(t) for test in self.tests)

    def one_of(self, name, values, test):
        self.arguments += ["--filter", f"{name}={','.join(map(quoted, values))}"]
        self.tests.append(test)

    def pick(self, values, most=2):
        values = sorted(set(values))
        return self.rng.sample(values, min(len(values), self.rng.randint(1, most)))

    def some_of(self, key):
        found = [key(t) for t in self.desk.tickets]
        return [value for value in found if value]

    def maybe_none(self, values):
        return [*values, "none"] if self.rng.random() < 0.25 else values

    # fields -------------------------------------------------------------------------------

    def state(self):
        values = self.pick(["open", "closed", "deleted", *self.some_of(lambda t: t.state)])
        self.states = values

        def test(t):
            if t.standing == "deleted":
                return "deleted" in values
            return t.standing in values or t.state in values

        self.one_of("state", values, test)

    def priority(self):
        values = self.pick(self.some_of(lambda t: t.priority))
        self.one_of("priority", [self.cased(v) for v in values], lambda t: t.priority in values)

    def cased(self, text):
        return self.rng.choice([text, text, text.lower(), text.upper()])

    def person(self, name):
        people = self.pick(self.some_of(lambda t: getattr(t, name)))
        ids, words = {p[0] for p in people}, []
        for ident, full, email in people:
            alone = sum(u["FirstName"] + " " + u["LastName"] == full for u in self.desk.users) == 1
            words.append(self.rng.choice([email, ident, self.cased(full)] if alone else [email, ident]))
        words = self.maybe_none(words)
        self.one_of(name, words, lambda t: (getattr(t, name)[0] in ids) if getattr(t, name) else "none" in words)

    def requester(self):
        self.person("requester")

    def assignee(self):
        self.person("assignee")

    def team(self):
        # Two teams have one name but for its case.
        names = self.pick([name for name in self.some_of(lambda t: t.team and t.team[1]) if name.lower() != "service desk"])
        words = self.maybe_none(names)
        self.one_of("team", words, lambda t: t.team[1] in names if t.team else "none" in words)

    def place(self):
        names = self.pick(self.some_of(lambda t: t.place and t.place[1]))
        self.one_of("place", [self.cased(n) for n in names], lambda t: bool(t.place) and t.place[1] in names)

    def category(self):
        paths = self.pick(self.some_of(lambda t: t.issue))
        self.one_of("category", [p.rsplit(" › ", 1)[1] for p in paths], lambda t: t.issue in paths)

    def tag(self):
        names = self.pick(self.some_of(lambda t: t.tags and t.tags[0]))
        words = self.maybe_none(names)
        self.one_of("tag", words, lambda t: bool(set(t.tags) & set(names)) if t.tags else "none" in words)

    def tags(self):
        """A field that is named again must hold again."""
        for name in self.pick(self.some_of(lambda t: t.tags and t.tags[0]), 3):
            self.one_of("tag", [name], lambda t, name=name: name in t.tags)

    def device(self):
        names = self.pick(self.some_of(lambda t: t.devices and t.devices[0]))
        words = self.maybe_none(names)
        self.one_of("device", words, lambda t: bool(set(t.devices) & set(names)) if t.devices else "none" in words)

    def custom(self):
        name = self.rng.choice(["Asset Note", "Students Affected", "Under Warranty", "Device Type", "Needed By"])
        values = {
            "Asset Note": [("B 2", "B 2"), ("none so far", "none so far")],
            "Students Affected": [("4", 4.0), ("4.0", 4.0), ("12", 12.0), ("-3", -3.0)],
            "Under Warranty": [("yes", True), ("true", True), ("no", False)],
            "Device Type": [("Chromebook", "Chromebook"), ("iPad", "iPad")],
            "Needed By": [("2025-03-04", "03/04/2025"), ("2024-11-30", "11/30/2024")],
        }[name]
        word, wanted = self.rng.choice(values)
        read = {"Students Affected": float, "Under Warranty": lambda v: v == "yes"}.get(name, str)
        if self.rng.random() < 0.2:
            self.one_of(f"custom.{name}", ["none"], lambda t: name not in t.custom)
        else:
            self.one_of(f"custom.{name}", [word], lambda t: name in t.custom and read(t.custom[name]) == wanted)

    def search(self):
        t = self.rng.choice(self.desk.tickets)
        texts = [t.title, t.description, t.place[1] if t.place else "", t.requester[1], t.requester[2], t.assignee[1] if t.assignee else "", t.issue, " ".join(t.tags), " ".join(t.devices)]
        words = [w for w in re.findall(r"[A-Za-z@.\-0-9]{4,}", self.rng.choice([x for x in texts if x])) if not w[0] in ".-"]
        words = self.rng.sample(words, min(len(words), self.rng.choice([1, 1, 2]))) or ["lamp"]
        # A part of a word is enough.
        words = [w[: self.rng.choice([len(w), len(w), 4])] for w in words]
        self.arguments += ["--search", " ".join(words)]

        def shown(t):
            parts = [t.number, t.title, t.state, t.standing, t.priority, *t.requester[1:], *(t.assignee or ("", "", ""))[1:], t.team[1] if t.team else "", t.place[1] if t.place else "",
                     t.issue, *t.devices, *t.tags, t.description, t.id, *(str(v) for v in t.custom.values())]
            return "\n".join(parts).lower()

        self.tests.append(lambda t: all(w.lower() in shown(t) for w in words))

    # days ---------------------------------------------------------------------------------

    def period(self):
        today, rng = self.desk.today, self.rng
        week = today - timedelta(days=today.weekday())
        month = today.replace(day=1)
        last_month = (month - timedelta(days=1)).replace(day=1)
        quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
        last_quarter = (quarter - timedelta(days=80)).replace(day=1)
        last_quarter = last_quarter.replace(month=(last_quarter.month - 1) // 3 * 3 + 1)
        year = date(today.year - (today.month < 7), 7, 1)
        ends = {
            "7d": (today - timedelta(days=7), today - timedelta(days=1)), "30d": (today - timedelta(days=30), today - timedelta(days=1)), "today": (today, today),
            "yesterday": (today - timedelta(days=1),) * 2, "last-week": (week - timedelta(days=7), week - timedelta(days=1)), "this-week": (week, week + timedelta(days=6)),
            "this-month": (month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)), "last-month": (last_month, month - timedelta(days=1)),
            "this-quarter": (quarter, (quarter + timedelta(days=95)).replace(day=1) - timedelta(days=1)), "last-quarter": (last_quarter, quarter - timedelta(days=1)),
            "school-year": (year, year.replace(year=year.year + 1) - timedelta(days=1)), "last-school-year": (year.replace(year=year.year - 1), year - timedelta(days=1))}
        since = today - timedelta(days=rng.randint(1, 900))
        until = since + timedelta(days=rng.randint(0, 200))
        ends[f"{since}..{until}"] = (since, until)
        name = rng.choice([*ends, f"{since}..{until}", f"{since}..{until}"])
        first, last = ends[name]
        by = rng.choice(self.BY)
        self.arguments += ["--period", name, "--by", by]

        def test(t):
            at = getattr(t, by) if by != "closed" or t.standing == "closed" else None
            return at is not None and first <= self.desk.day(at) <= last

        self.tests.append(test)
