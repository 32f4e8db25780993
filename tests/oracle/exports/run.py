#!/usr/bin/env python3
"""Compares exports with a recomputation that knows the desk's API and docs/export.md and nothing else.

    python3 tests/oracle/exports/run.py --program target/debug/deskferry                                            # as the tests do
    python3 tests/oracle/exports/run.py --program target/debug/deskferry --desks 5 --filters 100 --sequences 40     # the long form
    python3 tests/oracle/exports/run.py --program target/debug/deskferry --from 3 --desks 1 --keep DIR              # one desk, its files kept

For each desk: every figure of every sheet (of the whole desk, of a period, of a week, of a month, of a filter), random filters
online, from the replica and into a CSV, and sequences of changes, kills and exports. The exit code is 1 when something differs.
"""

import argparse
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import book
import desks
import figures
import filters
import requests
import tickets


class Work:
    """A folder with a profile for a desk."""

    def __init__(self, program, desk, keep):
        self.program, self.desk = program, desk
        self.folder = Path(keep or tempfile.mkdtemp(prefix="oracle-exports-"))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.kept = keep is not None
        (self.folder / "token").write_text("desk-token")
        (self.folder / "token").chmod(0o600)
        profile = f'[profiles.desk]\n{desk.profile}token = {{ file = "token" }}\nrate = "5000/s"\nlive = false\n'
        (self.folder / "deskferry.toml").write_text(profile)
        # What LibreOffice and the like make of the environment is none of this test's business.
        self.environment = {**{k: v for k, v in os.environ.items() if not k.startswith("DESKFERRY")}, "HOME": str(self.folder), "TZ": "Pacific/Honolulu"}

    def command(self, *arguments):
        return [self.program, "export", *arguments, "--profile", "desk", "--trust", "--state", str(self.folder / "state")]

    def run(self, *arguments, codes=(0,)):
        ended = subprocess.run(self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if ended.returncode not in codes:
            raise Failed(f"{' '.join(arguments)}\nends with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended

    def lines(self, name="out.jsonl"):
        with open(self.folder / name, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def done(self):
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)


class Failed(Exception):
    pass


def api(desk):
    return (requests if desk.system == "clearfeed" else tickets).Api(desk)


class Known:
    """What is known of a desk at a moment."""

    def __init__(self, desk, comments=False):
        self.api = api(desk)
        self.tickets = self.api.tickets(comments)
        self.users = list(desk.table("users").values())
        self.zone = desk.zone

    @property
    def today(self):
        return datetime.now(self.zone).date()

    def day(self, at):
        return at.astimezone(self.zone).date()


def read_at(rows, zone):
    """When a workbook's tickets were read, by its second line."""
    said = re.search(r"read on \w+ (\d+ \w+ \d+), (\d+:\d+)", rows[1][0])
    return datetime.strptime(f"{said[1]} {said[2]}", "%d %b %Y %H:%M").replace(tzinfo=zone)


class Run:
    """All comparisons, and what came of them."""

    def __init__(self, options):
        self.options, self.counts, self.differences = options, Counter(), []

    def note(self, what, differences, count):
        self.counts[what] += count
        self.counts += Counter()
        for one in differences:
            self.differences.append(f"{what}: {one}")
            # What is found is said at once: a long form takes its time.
            print(self.differences[-1], flush=True)

    def desk(self, seed):
        is_clearfeed = self.options.system == "clearfeed"
        desk = (requests.Workspace if is_clearfeed else desks.Desk)(seed, self.options.tickets)
        work = Work(self.options.program, desk, self.options.keep)
        try:
            if not is_clearfeed and not self.options.no_sheets:
                self.sheets(seed, desk, work)
            self.filtered(seed, desk, work)
            first = self.options.first_sequence
            for at in range(first, first + self.options.sequences):
                self.sequence(seed, at, desk, work)
        finally:
            desk.stop()
            work.done()

    # sheets -----------------------------------------------------------------------------

    def sheets(self, seed, desk, work):
        known = Known(desk, comments=True)
        rng = random.Random(f"sheets {seed}")
        today = known.today
        since = today - timedelta(days=rng.randint(20, 700))
        until = since + timedelta(days=rng.randint(0, 120))
        monday = today - timedelta(days=today.weekday() + 7 * rng.randint(1, 60))
        month = (today.replace(day=1) - timedelta(days=rng.randint(1, 500))).replace(day=1)
        all_sheets = ["--sheets", "all", "--include", "comments"]
        cases = [
            ("whole", all_sheets, None, None), ("replica", [*all_sheets, "--incremental"], None, None),
            ("period", [*all_sheets, "--incremental", "--period", f"{since}..{until}"], (since, until), None),
            ("period alone", [*all_sheets, "--period", f"{since}..{until}"], (since, until), None),
            ("week", ["--sheets", "weekly", "--include", "comments", "--period", f"{monday}..{monday + timedelta(days=6)}"], None, (monday, 7)),
            ("month", ["--sheets", "monthly", "--include", "comments", "--period", f"{month}..{figures.Sheets.later(month, 1) - timedelta(days=1)}"], None, (month, 0)),
            ("filter", [*all_sheets, "--filter", "priority=High,Critical"], None, None)]
        if self.options.short:
            cases = [case for case in cases if case[0] in ("whole", "period", "week")]
        for name, arguments, period, report in cases:
            path = work.folder / f"{name}.xlsx".replace(" ", "-")
            work.run("-o", path.name, *arguments)
            found = book.sheets(path)
            now = read_at(next(rows for title, rows in found.items() if title not in ("Tickets", "Comments")), desk.zone)
            some = known.tickets if name != "filter" else [t for t in known.tickets if t.priority in ("High", "Critical")]
            whole = figures.Desk(some, now, desk.zone)
            listed = whole
            if period:
                listed = whole.of([t for t in some if period[0] <= whole.day(t.created) <= period[1]])
                whole = listed if name == "period alone" else whole
            if report:
                checks = figures.Report(found, whole, *self.spans(*report)).run().checks
            else:
                sheets = figures.Sheets(found, whole, listed, period)
                sheets.is_only_period = name == "period alone"
                checks = sheets.run().checks
            if not checks:
                self.note(f"desk {seed}, {name}", ["no table of figures at all"], 1)
            for check in checks:
                self.note(f"desk {seed}, {name}", check.differences, 0)
                self.counts["figures"] += check.count
            self.listing(seed, name, found, listed if not report else whole.of([t for t in whole.tickets if self.spans(*report)[0][0] <= whole.day(t.created) <= self.spans(*report)[0][1]]))

    def listing(self, seed, name, found, listed):
        """The sheet of tickets lists those of the period."""
        numbers = sorted(row[0] for row in found["Tickets"][1:] if row)
        wanted = sorted(t.number for t in listed.tickets)
        self.counts["listings"] += 1
        if numbers != wanted:
            self.note(f"desk {seed}, {name}", [f"lists {len(numbers)} tickets, and {len(wanted)} are asked for: {sorted(set(numbers) ^ set(wanted))[:8]}"], 0)

    @staticmethod
    def spans(first, days):
        if days:
            return [(first - timedelta(days=back), first - timedelta(days=back - days + 1)) for back in (0, 7, 364)]
        later = figures.Sheets.later
        return [(later(first, by), later(first, by + 1) - timedelta(days=1)) for by in (0, -1, -12)]

    # filters ------------------------------------------------------------------------------

    def filtered(self, seed, desk, work):
        known = Known(desk)
        first = self.options.first_filter
        for at in range(first, first + self.options.filters):
            rng = random.Random(f"filter {seed} {at}")
            asked = (requests if desk.system == "clearfeed" else filters).Filter(rng, known)
            wanted = {t.id for t in known.tickets if asked.holds(t)}
            for name, arguments in [("online", ["-o", "out.jsonl"]), ("replica", ["-o", "out.jsonl", "--incremental"]), ("csv", ["-o", "out.csv", "--incremental"])]:
                work.run(*arguments, *asked.arguments)
                if name == "csv":
                    with open(work.folder / "out.csv", encoding="utf-8-sig", newline="") as lines:
                        rows = list(csv.DictReader(lines))
                    got = {row["Ticket ID"] for row in rows}
                    (work.folder / "out.csv").unlink()
                else:
                    rows = work.lines()
                    got = {row["id"] for row in rows}
                self.counts["filters"] += 1
                if got != wanted or len(rows) != len(got):
                    lacks, more = wanted - got, got - wanted
                    one = next((t for t in known.tickets if t.id in (lacks or more)), None)
                    self.note(f"desk {seed}, filter {at} {name}", [f"{' '.join(asked.arguments)}: {len(wanted)} wanted, lacks {len(lacks)}, has {len(more)} more, such as {one}"], 0)

    # sequences ----------------------------------------------------------------------------

    def sequence(self, seed, at, desk, work):
        rng = random.Random(f"sequence {seed} {at}")
        story = []
        quiet = 0
        for _ in range(rng.randint(2, 4)):
            for _ in range(rng.randint(1, 3)):
                kind, told = desk.during(desk.happen)
                story.append(kind)
                quiet += not told
            if rng.random() < 0.4:
                child = subprocess.Popen(work.command("-o", "seq.jsonl", "--incremental"), cwd=work.folder, env=work.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0, 0.5))
                child.kill()
                child.wait()
                story.append("kill")
            # What no count and no date shows is found when its page is compared: one page each time.
            pages = -(-desk.count // 60)
            for turn in range(pages + 1 if quiet else 1):
                ended = work.run("-o", "seq.jsonl", "--incremental", codes=(0, 1))
                differs = self.compare(desk, work.lines("seq.jsonl"))
                self.counts["exports of sequences"] += 1
                if not differs:
                    break
                self.counts["exports that a quiet change made wrong"] += 1
            story.append("export" if turn == 0 else f"{turn + 1} exports")
            quiet = 0
            if differs or ended.returncode:
                self.note(f"desk {seed}, sequence {at}", [f"{', '.join(story)}: {differs[:3]} {ended.stderr if ended.returncode else ''}"], 0)
                return
        self.counts["sequences"] += 1

    @staticmethod
    def compare(desk, rows):
        known = {t.id: t for t in api(desk).tickets() if t.standing != "deleted"}
        got = {row["id"]: row for row in rows}
        found = [f"{ident} is missing" for ident in known.keys() - got.keys()] + [f"{ident} is too many" for ident in got.keys() - known.keys()]
        if len(rows) != len(got):
            found.append("a ticket stands there twice")
        for ident in known.keys() & got.keys():
            t, row = known[ident], got[ident]
            wanted = {"title": t.title, "standing": t.standing, "state": t.state, "created": t.created, "updated": t.updated}
            told = {"title": row["title"], "standing": row["standing"], "state": row["state"]["name"], "created": moment(row["created"]), "updated": moment(row["updated"])}
            found += [f"{ident} {name}: {told[name]!r}, and it is {wanted[name]!r}" for name in wanted if told[name] != wanted[name]]
        return found


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--desks", type=int, default=1)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--tickets", type=int, default=400)
    parser.add_argument("--filters", type=int, default=12)
    parser.add_argument("--sequences", type=int, default=3)
    parser.add_argument("--system", choices=("incidentiq", "clearfeed"), default="incidentiq")
    parser.add_argument("--no-sheets", action="store_true", help="filters and sequences alone")
    parser.add_argument("--first-sequence", type=int, default=0, help="the number of the first sequence")
    parser.add_argument("--first-filter", type=int, default=0, help="the number of the first filter")
    parser.add_argument("--short", action="store_true", help="fewer workbooks of a desk")
    parser.add_argument("--keep", help="a folder for the files")
    options = parser.parse_args()
    options.program = str(Path(options.program).resolve())
    run, began = Run(options), time.monotonic()
    for seed in range(options.first, options.first + options.desks):
        try:
            run.desk(seed)
        except Failed as failed:
            run.note(f"desk {seed}", [str(failed)], 0)
    print(", ".join(f"{count} {what}" for what, count in sorted(run.counts.items())), f"in {time.monotonic() - began:.0f} s; {len(run.differences)} differences")
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
