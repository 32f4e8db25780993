"""What the sheets of analyses must say of a desk's tickets, recomputed from docs/export.md and the sheet *Definitions* alone."""

import math
import re
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone

import book

NONE = {"team": "no team", "assignee": "nobody", "place": "no location", "issue": "no issue", "device": "no device", "priority": "no priority", "state": "no state", "requester": "nobody"}
LENGTHS = [("under 1 hour", 1), ("1 to 4 hours", 4), ("4 to 8 hours", 8), ("8 to 24 hours", 24), ("1 to 3 days", 72), ("3 to 7 days", 168), ("1 to 4 weeks", 672), ("4 weeks or more", math.inf)]
RESPONSES = [("under 15 minutes", 0.25), ("15 to 60 minutes", 1), ("1 to 4 hours", 4), ("4 to 8 hours", 8), ("8 to 24 hours", 24), ("1 to 3 days", 72), ("3 days or more", math.inf)]
MONTHS = 36
AGES = [("today", 1), ("1 to 2 days", 3), ("3 to 6 days", 7), ("1 to 2 weeks", 14), ("2 to 4 weeks", 30), ("1 to 3 months", 90), ("3 to 6 months", 180), ("6 to 12 months", 365), ("a year or more", math.inf)]


def percentile(values, part):
    """As PERCENTILE.INC does."""
    if not values:
        return None
    values = sorted(values)
    place = part * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def hours(span):
    """In whole seconds, as the document says."""
    return math.floor(span.total_seconds()) / 3600


def mean(values):
    return sum(values) / len(values) if values else None


class Desk:
    """Tickets of a moment, on the clock of a site."""

    def __init__(self, tickets, now, zone):
        self.tickets, self.now, self.zone = [t for t in tickets if t.standing != "deleted"], now.astimezone(timezone.utc), zone
        self.today = now.astimezone(zone).date()

    def of(self, tickets):
        return Desk(tickets, self.now, self.zone)

    def day(self, at):
        return at.astimezone(self.zone).date()

    def begin(self, day):
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(timezone.utc)

    # one ticket -----------------------------------------------------------------------

    @staticmethod
    def took(t):
        """Hours from creation to closing; none for one that is open, or was closed before it was made."""
        if t.standing != "closed" or t.closed is None or t.closed < t.created:
            return None
        return hours(t.closed - t.created)

    @staticmethod
    def answered(t):
        for at, who, public in t.comments:
            if public and who != t.requester[0] and at >= t.created:
                return hours(at - t.created)
        return None

    def overdue(self, t):
        return t.standing == "open" and t.due is not None and t.due < self.now

    def within(self, at, days):
        return at is not None and self.today - timedelta(days=days - 1) <= self.day(at) <= self.today

    def open_at(self, t, moment):
        return t.created < moment and not (t.standing == "closed" and t.closed is not None and t.closed < moment)

    def solution(self, t):
        """What became of the promise of a solution. The clock of a service level is not shown: the due date stands for it."""
        if t.due is None:
            return "running" if t.promised and t.standing == "open" else None
        if t.standing == "closed":
            return None if t.closed is None else "kept" if t.closed <= t.due else "broken"
        return "broken" if self.now > t.due else "running"

    def response(self, t):
        """What became of the promise of a first response: nobody shows how long its clock has run."""
        return "running" if t.promised and t.standing == "open" else None

    def at_risk(self, t):
        whole = t.due - t.created if t.due else None
        return whole is not None and self.solution(t) == "running" and self.now - t.created >= 0.8 * whole

    def age(self, t):
        return max((self.today - self.day(t.created)).days, 0)

    # many -----------------------------------------------------------------------------

    def times(self, tickets):
        return [took for took in map(self.took, tickets) if took is not None]

    def groups(self, by):
        """Labels, each with its tickets; what has none is under None."""
        found = defaultdict(list)
        for t in self.tickets:
            for key in self.keys(t, by):
                found[key].append(t)
        return found

    @staticmethod
    def keys(t, by):
        if by in ("assignee", "requester"):
            who = getattr(t, by)
            return [who[0] if who else None]
        if by in ("team", "place"):
            one = getattr(t, by)
            return [one[1].lower() if one else None]
        if by == "device":
            return [d.lower() for d in t.devices] or [None]
        return [getattr(t, by).lower()]


class Check:
    """Compares and counts."""

    def __init__(self, where):
        self.where, self.count, self.differences = where, 0, []

    def same(self, what, got, want, near=1e-9):
        self.count += 1
        if got in ("", "none"):
            got = None
        if isinstance(got, (int, float)) and isinstance(want, (int, float)) and not isinstance(want, bool):
            if abs(got - want) <= near * max(1, abs(want)):
                return
        elif got == want:
            return
        self.differences.append(f"{self.where} › {what}: the file says {got!r}, and it is {want!r}")

    def fault(self, what):
        self.count += 1
        self.differences.append(f"{self.where} › {what}")


class Sheets:
    """The analyses of one workbook."""

    def __init__(self, found, desk, listed, period=None):
        self.found, self.desk, self.listed, self.period = found, desk, listed, period
        self.checks, self.is_only_period = [], False

    def run(self):
        kinds = {
            "Summary": self.summary, "Monthly volume": self.volume, "Backlog by age": self.backlog, "Time to resolve": self.resolution, "Load by team": self.teams, "SLA": self.sla,
            "By location": lambda s, t: self.ranked(s, t, "place"), "By issue": lambda s, t: self.ranked(s, t, "issue"), "By device": lambda s, t: self.ranked(s, t, "device"),
            "Frequent requesters": lambda s, t: self.ranked(s, t, "requester"), "First response": self.response}
        for name, rows in self.found.items():
            if name not in kinds:
                continue
            for table in book.tables(rows)[1]:
                check = Check(f"{name} › {table.title}")
                self.checks.append(check)
                try:
                    kinds[name](check, table)
                except (ValueError, TypeError, IndexError, KeyError, AttributeError, ZeroDivisionError) as error:
                    check.fault(f"cannot be understood: {error!r}")
        return self

    def counts(self, check, text):
        """The tickets of a table, by its own words."""
        words = text.lower().replace("\u00a0", " ").replace("\u202f", " ")
        desk = self.desk if words.startswith("the whole desk") or words.endswith("of the whole desk") else self.listed
        number = re.search(r"(\d[\d ,]*) tickets?", words)
        if number is None:
            check.fault(f"says {text!r} of the tickets that it counts")
        else:
            check.same("tickets counted", int(re.sub(r"\D", "", number[1])), len(desk.tickets))
        return desk

    def only_desk(self, check, table):
        if not table.counts.startswith("the whole desk") and not table.counts.endswith("of the whole desk"):
            check.fault(f"counts {table.counts!r} and not the whole desk")

    # sheets -----------------------------------------------------------------------------

    def summary(self, check, table):
        if table.title == "Key figures":
            for row in table.rows:
                desk = self.counts(check, row[2])
                check.same(row[0], *self.key_figure(check, desk, row))
        elif table.title == "The last days":
            desk = self.counts(check, table.counts)
            days = [self.serial(row[0]) for row in table.rows]
            check.same("days", days, [desk.today - timedelta(days=13 - at) for at in range(14)])
            for row, day in zip(table.rows, days):
                check.same(f"{day}, created", row[1], sum(desk.day(t.created) == day for t in desk.tickets))
                check.same(f"{day}, closed", row[2], sum(t.standing == "closed" and t.closed is not None and desk.day(t.closed) == day for t in desk.tickets))
        elif table.title in ("By state", "By priority"):
            self.grouped(check, table, table.title[3:], self.counts(check, table.counts))
        else:
            check.fault("a table that the document does not know")

    def key_figure(self, check, desk, row):
        name, got, tickets = row[0], row[1], desk.tickets
        opened = [t for t in tickets if t.standing == "open"]
        days = re.fullmatch(r"(Created|Closed) in (\d+) days, since (.*)", name)
        if days:
            count = int(days[2])
            check.same(f"{name}, its day", datetime.strptime(days[3], "%d %b %Y").date(), desk.today - timedelta(days=count - 1))
            if days[1] == "Created":
                return got, sum(desk.within(t.created, count) for t in tickets)
            return got, sum(t.standing == "closed" and desk.within(t.closed, count) for t in tickets)
        if name in ("Oldest open ticket, created", "Newest ticket, created"):
            times = [t.created for t in (opened if name[0] == "O" else tickets)]
            at = (min if name[0] == "O" else max)(times)
            got = book.day(got).replace(second=0, microsecond=0) if got is not None else None
            return got, at.astimezone(desk.zone).replace(tzinfo=None, second=0, microsecond=0)
        first, last = (desk.begin(self.period[0]), desk.begin(self.period[1] + timedelta(days=1))) if self.period else (None, None)
        simple = {
            "Tickets": lambda: len(tickets), "Open": lambda: len(opened), "Closed": lambda: sum(t.standing == "closed" for t in tickets),
            "Median hours to resolve": lambda: percentile(desk.times(tickets), 0.5), "Open without an assignee": lambda: sum(t.assignee is None for t in opened),
            "Open and overdue": lambda: sum(map(desk.overdue, tickets)), "Open now": lambda: len(opened),
            "Created in the period": lambda: sum(first <= t.created < last for t in tickets),
            "Closed in the period": lambda: sum(t.standing == "closed" and t.closed is not None and first <= t.closed < last for t in tickets),
            "Open at the start of the period": lambda: sum(desk.open_at(t, first) for t in tickets), "Open at the end of the period": lambda: sum(desk.open_at(t, last) for t in tickets)}
        if name not in simple:
            check.fault(f"{name}: a figure that the document does not know")
            return got, got
        return got, simple[name]()

    def volume(self, check, table):
        desk = self.counts(check, table.counts)
        if self.is_only_period:
            # Of the tickets that were read only when they were made is known of all.
            check.same("columns", table.headings, ["Month", "Created"])
        else:
            self.only_desk(check, table)
        rows = [self.said_month(row[0]) for row in table.rows]
        months = [datetime.strptime(label, "%b %Y").date() for label in rows if re.fullmatch(r"\w{3} \d{4}", label)]
        if months:
            check.same("the months follow each other", months, [self.later(months[0], at) for at in range(len(months))])
        created, closed, first = defaultdict(int), defaultdict(int), {}
        times = [t.created for t in desk.tickets]
        if not self.is_only_period:
            times += [t.closed for t in desk.tickets if t.standing == "closed" and t.closed is not None]
        for t in desk.tickets:
            label = self.month_label(desk, t.created, times)
            created[label] += 1
            first[label] = min(first.get(label, t.created), t.created)
            if t.standing == "closed" and t.closed is not None and not self.is_only_period:
                label = self.month_label(desk, t.closed, times)
                closed[label] += 1
                first[label] = min(first.get(label, t.closed), t.closed)
        check.same("months that are missing", sorted(first.keys() - set(rows)), [])
        for label, row in zip(rows, table.rows):
            if label == "Total":
                wanted, end = (len(desk.tickets), sum(closed.values())), None
            else:
                wanted = created[label], closed[label]
                ahead, before = label.startswith("in the future"), label.startswith("before")
                end = None if ahead else desk.begin(datetime.strptime(label[-8:], "%b %Y").date()) if before else desk.begin(self.later(datetime.strptime(label, "%b %Y").date(), 1))
                opened = sum(t.standing == "open" if ahead else desk.open_at(t, end) for t in desk.tickets)
            check.same(f"{label}, created", row[1], wanted[0])
            if not self.is_only_period:
                check.same(f"{label}, closed", row[2], wanted[1])
                check.same(f"{label}, difference", row[3], wanted[0] - wanted[1])
                if label != "Total":
                    check.same(f"{label}, open at the end", row[4], opened)

    def backlog(self, check, table):
        self.only_desk(check, table)
        desk = self.counts(check, table.counts)
        opened = [t for t in desk.tickets if t.standing == "open"]
        if table.title == "Open tickets by age":
            names = {row[0]: row for row in table.rows}
            low = 0
            check.same("the ages", [row[0] for row in table.rows], [name for name, _ in AGES] + ["Total"])
            for name, high in [*AGES, ("Total", None)]:
                some = opened if high is None else [t for t in opened if low <= desk.age(t) < high]
                row = names.get(name)
                if row is None:
                    continue
                check.same(f"{name}, open", row[1], len(some))
                if high is not None:
                    check.same(f"{name}, share", row[2], len(some) / len(opened))
                    low = high
                for heading, got in zip(table.headings[3:], row[3:]):
                    check.same(f"{name}, {heading}", got, sum(t.priority == heading for t in some))
            check.same("priorities, the most severe first", table.headings[3:], [p for _, p in sorted({(t.rank, t.priority) for t in opened})])
        else:
            self.listed_tickets(check, table, desk, sorted(opened, key=lambda t: t.created), "The oldest open tickets", lambda t, heading: desk.age(t) if heading == "Age in days" else None)

    def listed_tickets(self, check, table, desk, wanted, title, further, near=1e-9):
        """A list of tickets: which, and what stands beside each."""
        by_number = {t.number: t for t in wanted}
        numbers = [row[0] for row in table.rows]
        check.same("which", numbers, [t.number for t in wanted[: len(numbers)]])
        if len(numbers) < min(25, len(wanted)):
            check.fault(f"lists {len(numbers)} of {len(wanted)}")
        said = re.search(r"(\d[\d  \u00a0]*)(?: of (\d[\d  \u00a0]*))?$", table.title)
        if said:
            check.same("how many the title says", int(re.sub(r"\D", "", said[2] or said[1])), len(wanted))
        for row in table.rows:
            t = by_number.get(row[0])
            if t is None:
                continue
            for heading, got in zip(table.headings[1:], row[1:]):
                if heading == "Created":
                    check.same(f"{t.number}, {heading}", book.day(got).replace(second=0, microsecond=0), t.created.astimezone(desk.zone).replace(tzinfo=None, second=0, microsecond=0))
                    continue
                plain = {"State": t.state, "Priority": t.priority, "Team": t.team and t.team[1], "Assignee": t.assignee and t.assignee[1], "Title": t.title}
                want = plain[heading] if heading in plain else further(t, heading)
                check.same(f"{t.number}, {heading}", got, want, near)

    def stats(self, check, label, headings, row, times, whole):
        """A row with how many times there are, their middle, nine tenths, and mean."""
        for heading, got in zip(headings[1:], row[1:]):
            want = {"Tickets": len(times), "Share of all tickets": len(times) / whole if whole else 0, "Median hours": percentile(times, 0.5), "90 % within hours": percentile(times, 0.9),
                    "Mean hours": mean(times)}
            if heading not in want:
                check.fault(f"{heading}: a column that the document does not know")
                continue
            check.same(f"{label}, {heading}", got, want[heading], 1e-6)

    def lengths(self, check, table, times, bounds):
        low, so_far = 0, 0
        names = {row[0]: row for row in table.rows}
        check.same("the lengths", [row[0] for row in table.rows], [name for name, _ in bounds] + ["Total"])
        for name, high in bounds:
            count = sum(low <= time < high for time in times)
            so_far += count
            row = names.get(name)
            if row is not None:
                check.same(f"{name}, tickets", row[1], count)
                check.same(f"{name}, share", row[2], count / len(times))
                check.same(f"{name}, up to here", row[3], so_far / len(times))
            low = high
        if "Total" in names:
            check.same("Total", names["Total"][1], len(times))

    def resolution(self, check, table):
        self.durations(check, table, Desk.took, lambda t: t.closed, "By month of closing")

    def response(self, check, table):
        self.durations(check, table, Desk.answered, lambda t: t.created, None)

    def durations(self, check, table, time_of, month_by, by_month):
        desk = self.counts(check, table.counts)
        pairs = [(t, time_of(t)) for t in desk.tickets]
        pairs = [(t, took) for t, took in pairs if took is not None]
        times = [took for _, took in pairs]
        if table.title == "In all":
            for row in table.rows:
                self.stats(check, str(row[0]), table.headings, row, times, len(desk.tickets))
        elif table.title == "By length":
            self.lengths(check, table, times, RESPONSES if by_month is None else LENGTHS)
        elif table.title.startswith("By month"):
            wanted = defaultdict(list)
            for t, took in pairs:
                wanted[self.month_label(desk, month_by(t), [month_by(one) for one, _ in pairs])].append(took)
            for row in table.rows:
                # A month in which there was none.
                wanted[self.said_month(row[0])]
            self.by_label(check, table, wanted, self.said_month, times, len(desk.tickets))
        elif table.title in ("By priority", "By team", "By assignee", "By location"):
            by = {"By location": "place"}.get(table.title, table.title[3:].lower())
            wanted = defaultdict(list)
            for t, took in pairs:
                for key in desk.keys(t, by):
                    wanted[key if key is not None else NONE[by]].append(took)
            self.by_label(check, table, wanted, self.label_of(by, [t for t, _ in pairs]), times, len(desk.tickets))
        else:
            check.fault("a table that the document does not know")

    def by_label(self, check, table, wanted, key_of, times, whole):
        left = dict(wanted)
        for row in table.rows:
            others = re.fullmatch(r"(\d+) others?", str(row[0]))
            if row[0] == "Total":
                self.stats(check, "Total", table.headings, row, times, whole)
            elif others:
                check.same("how many others", int(others[1]), len(left))
                self.stats(check, row[0], table.headings, row, [time for some in left.values() for time in some], whole)
                left = {}
            else:
                key = key_of(row[0])
                if key not in left:
                    check.fault(f"{row[0]}: a row that is not of this desk, or there twice")
                    continue
                self.stats(check, str(row[0]), table.headings, row, left.pop(key), whole)
        left = {key: some for key, some in left.items() if some}
        if left:
            check.fault(f"lacks {sorted(map(str, left))[:5]}")

    def label_of(self, by, tickets):
        """What a row's label stands for."""
        if by not in ("assignee", "requester"):
            return lambda label: NONE[by] if label == NONE[by] else str(label).lower()
        people = {getattr(t, by) for t in tickets if getattr(t, by)}

        def key(label):
            if label == NONE[by]:
                return label
            named = [p for p in people if p[1] == label]
            with_address = [p for p in people if p[2] and p[1] in label and p[2] in label]
            found = named if len(named) == 1 else with_address
            return found[0][0] if len(found) == 1 else f"? {label}"

        return key

    def teams(self, check, table):
        if not self.is_only_period:
            self.only_desk(check, table)
        largest = "Tickets" if self.is_only_period else "Open"
        check.same("shows what is open", "Open" in table.headings, not self.is_only_period)
        self.grouped(check, table, {"By team": "team", "By assignee": "assignee"}.get(table.title, table.title), self.counts(check, table.counts), largest)

    def ranked(self, check, table, by):
        self.grouped(check, table, by, self.counts(check, table.counts), "Tickets")

    def grouped(self, check, table, by, desk, largest=None):
        groups = {(key if key is not None else NONE[by]): some for key, some in desk.groups(by).items()}
        if by == "device":
            groups.pop(NONE[by], None)
        key_of = self.label_of(by, desk.tickets)
        addresses = {t.requester[2]: t.requester[0] for t in desk.tickets if t.requester} if "E-mail" in table.headings else {}
        left, last = dict(groups), math.inf
        for row in table.rows:
            others = re.fullmatch(r"(\d+) others?", str(row[0]))
            if row[0] == "Total":
                some = desk.tickets if by != "device" else list({t.id: t for some in groups.values() for t in some}.values())
            elif others:
                check.same("how many others", int(others[1]), len(left))
                some = [t for one in left.values() for t in one]
                left = {}
            else:
                key = addresses.get(row[table.headings.index("E-mail")]) if addresses else key_of(row[0])
                if key not in left:
                    check.fault(f"{row[0]}: a row that is not of this desk, or there twice")
                    continue
                some = left.pop(key)
                if largest:
                    number = row[table.headings.index(largest)]
                    if number > last:
                        check.fault(f"{row[0]}: the largest do not come first")
                    last = number
            self.group_row(check, table, row, desk, some)
        if left:
            check.fault(f"lacks {sorted(map(str, left))[:5]}")

    def group_row(self, check, table, row, desk, some):
        for heading, got in zip(table.headings[1:], row[1:]):
            if heading in ("E-mail", None) or (row[0] == "Total" and heading == "Share"):
                continue
            if heading == "Last ticket":
                check.same(f"{row[0]}, {heading}", book.day(got).date() if got is not None else None, max(desk.day(t.created) for t in some))
                continue
            want = {
                "Tickets": lambda: len(some), "Share": lambda: len(some) / len(desk.tickets), "Open": lambda: sum(t.standing == "open" for t in some),
                "Closed": lambda: sum(t.standing == "closed" for t in some), "Overdue": lambda: sum(map(desk.overdue, some)),
                "Created, 30 days": lambda: sum(desk.within(t.created, 30) for t in some),
                "Closed, 30 days": lambda: sum(t.standing == "closed" and desk.within(t.closed, 30) for t in some), "Median hours to resolve": lambda: percentile(desk.times(some), 0.5)}
            if heading not in want:
                check.fault(f"{heading}: a column that the document does not know")
                continue
            check.same(f"{row[0]}, {heading}", got, want[heading](), 1e-6)

    def sla(self, check, table):
        desk = self.counts(check, table.counts)
        if table.title.startswith(("Broken and still open", "At risk")):
            self.only_desk(check, table)
            is_broken = table.title.startswith("Broken")
            wanted = [t for t in desk.tickets if (t.standing == "open" and desk.solution(t) == "broken" if is_broken else desk.at_risk(t))]
            wanted.sort(key=(lambda t: t.due) if is_broken else (lambda t: -(desk.now - t.created) / (t.due - t.created)))
            self.listed_tickets(check, table, desk, wanted, table.title, lambda t, heading: self.beside(desk, t, heading), 1 / 50)
            return
        if table.title == "In all":
            for row in table.rows:
                self.promises(check, table, row, desk, desk.tickets, desk.solution if row[0] == "Solution" else desk.response)
            return
        by = table.title.removeprefix("Solutions by ")
        groups = defaultdict(list)
        for t in desk.tickets:
            if desk.solution(t) is not None or t.due is not None:
                keys = [self.month_label(desk, t.created, [one.created for one in desk.tickets if desk.solution(one) is not None or one.due is not None])] if by == "month of creation" else [key if key is not None else NONE[by] for key in desk.keys(t, by)]
                for key in keys:
                    groups[key].append(t)
        key_of = self.said_month if by == "month of creation" else self.label_of(by, desk.tickets)
        if by == "month of creation":
            for row in table.rows:
                groups[self.said_month(row[0])]
        left = dict(groups)
        for row in table.rows:
            others = re.fullmatch(r"(\d+) others?", str(row[0]))
            if row[0] == "Total":
                some = desk.tickets
            elif others:
                some, left = [t for one in left.values() for t in one], {}
            elif key_of(row[0]) in left:
                some = left.pop(key_of(row[0]))
            else:
                check.fault(f"{row[0]}: a row that is not of this desk, or there twice")
                continue
            self.promises(check, table, row, desk, some)
        if left:
            check.fault(f"lacks {sorted(map(str, left))[:5]}")

    @staticmethod
    def beside(desk, t, heading):
        return {"Hours over": lambda: hours(desk.now - t.due), "Hours left": lambda: hours(t.due - desk.now), "Time used": lambda: (desk.now - t.created) / (t.due - t.created)}.get(heading, lambda: None)()

    @staticmethod
    def promises(check, table, row, desk, some, of=None):
        told = [(of or desk.solution)(t) for t in some]
        kept, broken = told.count("kept"), told.count("broken")
        want = {"Promised": len(told) - told.count(None), "Kept": kept, "Broken": broken, "Running": told.count("running"), "At risk": 0 if of == desk.response else sum(map(desk.at_risk, some)),
                "Kept of those over": kept / (kept + broken) if kept + broken else None}
        for heading, got in zip(table.headings[1:], row[1:]):
            if heading not in want:
                check.fault(f"{heading}: a column that the document does not know")
                continue
            check.same(f"{row[0]}, {heading}", got, want[heading])

    def month_label(self, desk, at, others):
        """The row of a month: what lies ahead, or long ago, is one."""
        month, now = desk.day(at).replace(day=1), desk.today.replace(day=1)
        if month > now:
            return f"in the future, from {self.later(now, 1):%b %Y}"
        last = max((day for day in (desk.day(other).replace(day=1) for other in others) if day <= now), default=now)
        first = self.later(last, 1 - MONTHS)
        return f"before {first:%b %Y}" if month < first else f"{month:%b %Y}"

    def said_month(self, label):
        return f"{self.month(label):%b %Y}" if isinstance(label, float) else label

    # labels -------------------------------------------------------------------------------

    @staticmethod
    def serial(cell):
        return book.day(cell).date() if isinstance(cell, float) else datetime.strptime(cell, "%d %b %Y").date()

    @staticmethod
    def month(cell):
        return book.day(cell).date().replace(day=1) if isinstance(cell, float) else datetime.strptime(cell, "%b %Y").date()

    @staticmethod
    def later(month, by):
        at = month.year * 12 + month.month - 1 + by
        return date(at // 12, at % 12 + 1, 1)


class Report:
    """The report of a week or a month, as nobody made one before."""

    def __init__(self, found, desk, period, before, year_ago):
        self.found, self.desk, self.spans = found, desk, [period, before, year_ago]
        self.checks = []

    def run(self):
        for name, rows in self.found.items():
            if name not in ("Weekly report", "Monthly report"):
                continue
            for table in book.tables(rows)[1]:
                check = Check(f"{name} › {table.title}")
                self.checks.append(check)
                try:
                    self.table(check, table)
                except (ValueError, TypeError, IndexError, KeyError, AttributeError, ZeroDivisionError) as error:
                    check.fault(f"cannot be understood: {error!r}")
        return self

    def inside(self, span):
        return self.desk.begin(span[0]), self.desk.begin(span[1] + timedelta(days=1))

    def table(self, check, table):
        desk = self.desk
        if table.title == "At a glance":
            for row in table.rows:
                values = [self.figure(row[0], span) for span in self.spans]
                if "?" in values:
                    check.fault(f"{row[0]}: a figure that the document does not know")
                    continue
                self.row(check, row, values)
        elif table.title.startswith("Time to resolve by priority"):
            for row in table.rows:
                for at, span in enumerate(self.spans):
                    times = [took for took in (desk.took(t) for t in self.closed(span) if t.priority == row[0]) if took is not None]
                    check.same(f"{row[0]}, closed, {span[0]}", row[1 + 2 * at], len(times))
                    check.same(f"{row[0]}, median, {span[0]}", row[2 + 2 * at], percentile(times, 0.5), 1e-6)
        elif "moved most" in table.title:
            by = "place" if table.title.startswith("Location") else "issue"
            counts = [defaultdict(int) for _ in self.spans]
            for t in desk.tickets:
                for at, span in enumerate(self.spans):
                    first, last = self.inside(span)
                    if first <= t.created < last:
                        counts[at][desk.keys(t, by)[0]] += 1
            moves = sorted((-abs(counts[0][key] - counts[1][key]) for key in {*counts[0], *counts[1]}))
            got = []
            for row in table.rows:
                key = str(row[0]).lower()
                self.row(check, row, [count[key] for count in counts])
                got.append(-abs(counts[0][key] - counts[1][key]))
            check.same("which moved most", got, moves[: len(got)])
            if len(got) < min(10, len([m for m in moves if m])):
                check.fault(f"lists {len(got)} of {len(moves)}")
        elif table.title.startswith(("At risk", "Broken and still open")):
            Sheets({}, desk, desk).sla(check, table)
        else:
            check.fault("a table that the document does not know")

    def row(self, check, row, values):
        now, before, year = values
        check.same(f"{row[0]}, now", row[1], now, 1e-6)
        check.same(f"{row[0]}, before", row[2], before, 1e-6)
        check.same(f"{row[0]}, change", row[3], now - before if None not in (now, before) else None, 1e-6)
        check.same(f"{row[0]}, a year ago", row[4], year, 1e-6)
        check.same(f"{row[0]}, change in a year", row[5], now - year if None not in (now, year) else None, 1e-6)

    def closed(self, span):
        first, last = self.inside(span)
        return [t for t in self.desk.tickets if t.standing == "closed" and t.closed is not None and first <= t.closed < last]

    def created(self, span):
        first, last = self.inside(span)
        return [t for t in self.desk.tickets if first <= t.created < last]

    def figure(self, name, span):
        desk = self.desk
        first, last = self.inside(span)
        if name == "Created":
            return len(self.created(span))
        if name == "Closed":
            return len(self.closed(span))
        if name in ("Open at the start", "Open at the end"):
            return sum(desk.open_at(t, first if name.endswith("start") else last) for t in desk.tickets)
        if name == "Time to resolve, median hours":
            return percentile(desk.times(self.closed(span)), 0.5)
        if name == "First response, median hours":
            return percentile([a for a in map(desk.answered, self.created(span)) if a is not None], 0.5)
        if name == "First responses in the promised time":
            return None
        if name == "Solutions in the promised time":
            told = [desk.solution(t) for t in self.closed(span)]
            over = told.count("kept") + told.count("broken")
            return told.count("kept") / over if over else None
        return "?"
