#!/usr/bin/env python3
"""Compares the program with an evaluator of the mapping language that knows docs/mapping.md and nothing else.

    python3 tests/oracle/run.py --program target/debug/deskferry --seeds 200
    python3 tests/oracle/run.py --program target/debug/deskferry --seeds 5000       # the long form
    python3 tests/oracle/run.py --program target/debug/deskferry --seed 17 --show   # one of them, with all that it holds

Each seed makes a mapping, 40 rows and a form: CSV, workbook or JSON lines. The program imports them in a dry run without a
network. Requests, keys and faults (row, column, field, kind) must be the same. The exit code is 1 when they are not.
"""

import argparse
import collections
import concurrent.futures
import decimal
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import generate
import inputs
import records
import systems
from evaluator import Row, Table

KINDS = [
    (r"^is empty$", "empty"),
    (r"^is longer than", "too long"),
    (r"is no number$", "no number"),
    (r"is no whole number$", "no whole number"),
    (r"has lost digits|has more digits", "lost digits"),
    (r"is a different date under", "two dates"),
    (r"is no date|has a year before", "no date"),
    (r"has no time zone", "no zone"),
    (r"is neither yes nor no", "no truth"),
    (r"is not one of its values", "no option"),
    (r"^`map` has no", "not in map"),
    (r"does not fit the pattern", "no fit"),
    (r"is below|is above", "out of bounds"),
    (r"leaves no room", "no room"),
    (r"^the key `.*` stands in rows", "one key"),
    (r"cannot be judged", "where"),
    (r"template cannot be filled", "template"),
    (r"^no \w+ `", "no name"),
    (r"^\d+ [a-z ]+ are called `", "ambiguous"),
    (r"^no row of the input and no ticket", "no key"),
    (r"leads back to the row itself|names the row itself", "circle"),
    (r"is the key of a ticket that is not made", "not made"),
    (r"^`[^`]+` of (?:sheet )?`[^`]+` has no", "not in table"),
]


def kind_of(message):
    for pattern, kind in KINDS:
        if re.search(pattern, message):
            return kind
    return message


def write(case, folder):
    headings = [column.heading for column in case.columns]
    name = f"input.{case.fmt}"
    if case.fmt == "csv":
        inputs.write_csv(folder / name, headings, case.rows)
    elif case.fmt == "jsonl":
        inputs.write_jsonl(folder / name, headings, case.rows)
    else:
        sheets = [(generate.SHEET, headings, case.rows)]
        sheets += [(sheet, *table) for sheet, table in case.tables.items()]
        inputs.write_xlsx(folder / name, sheets)
    for sheet, (columns, rows) in case.tables.items():
        inputs.write_csv(folder / f"{sheet}.csv", columns, rows)
    (folder / "mapping.toml").write_text(generate.toml(case.mapping), encoding="utf-8")
    return name


def flattened(headings, row):
    """Members of JSON are `a.b`."""
    names, cells = [], []
    for heading, cell in zip(headings, row):
        if isinstance(cell, dict):
            inner = flattened([f"{heading}.{name}" for name in cell], list(cell.values()))
            names += inner[0]
            cells += inner[1]
        else:
            names.append(heading)
            cells.append(cell)
    return names, cells


def expected(case, name):
    headings = [column.heading for column in case.columns]
    rows = case.rows
    sheet = generate.SHEET if case.fmt == "xlsx" else ""
    if case.fmt == "csv":
        rows = [[inputs.as_text(cell) for cell in row] for row in rows]
    first = 1 if case.fmt == "jsonl" else 2
    if case.fmt == "jsonl":
        flat = [flattened(headings, row) for row in rows]
        headings = flat[0][0]
        rows = [row for _, row in flat]
    table = Table(headings, name, sheet)
    made = [Row(table, first + at, cells) for at, cells in enumerate(rows)]
    further = {}
    for key, (columns, lines) in case.tables.items():
        for place in (key, key + ".csv"):
            other = Table(columns, place, key)
            further[place] = (other, [Row(other, 2 + at, cells) for at, cells in enumerate(lines)])
    return records.evaluate(case.mapping, table, made, further)


def plain(value):
    """Requests as they are compared: numbers by their digits, references without their hash."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, decimal.Decimal)):
        return ("number", format(decimal.Decimal(value).normalize(), "f"))
    if isinstance(value, str):
        return re.sub(r"Ref: (?:[\w-]+/[A-Z2-7]{16}|[a-z2-7?]{16})$", "Ref: ?", value)
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return [plain(member) for member in value]


def ran(case, folder, name, program, snapshot):
    command = [program, "import", name, "-m", "mapping.toml", "--dry-run", "--show", "0", "--directory", snapshot]
    command += ["--payloads", "payloads.jsonl", "--outcomes", "outcomes.jsonl", "--format", "json"]
    environment = {**os.environ, "DESKFERRY_STATE": str(folder / "state")}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        return ended, None, None

    def lines(file):
        with open(folder / file, encoding="utf-8") as text:
            return [json.loads(line, parse_float=decimal.Decimal) for line in text]

    return ended, lines("payloads.jsonl"), lines("outcomes.jsonl")


def compare(case, folder, program, snapshot):
    """Differences of one case: a list of (what, row, expected, found)."""
    name = write(case, folder)
    wanted = expected(case, name)
    ended, payloads, outcomes = ran(case, folder, name, program, snapshot)
    if payloads is None:
        try:
            error = json.loads(ended.stdout)["error"]
            told = "; ".join(fault["message"] for fault in error["faults"]) or error["message"]
        except (ValueError, KeyError):
            told = ended.stdout + ended.stderr
        return 0, [("mapping refused", None, "taken", told)]
    steps = collections.defaultdict(list)
    for payload in payloads:
        steps[payload["row"], payload["key"]].append((payload["step"], plain(payload["body"])))
    keyed = "key" in case.mapping
    differences = []
    for row, mine, its in paired(wanted, outcomes, keyed):
        if mine is None or its is None:
            differences.append(("record", row, mine and (mine.state, mine.key), its and (its["state"], its["key"])))
            continue
        if mine.state != its["state"]:
            told = [(f["column"], f["field"], f["message"]) for f in its.get("faults", [])]
            differences.append(("state", row, (mine.state, mine.faults), (its["state"], told)))
            continue
        if mine.state == "rejected" or mine.faults or its.get("faults"):
            told = [(f["row"], f["column"], f["field"], kind_of(f["message"])) for f in its.get("faults", [])]
            if sorted(map(placed, told), key=repr) != sorted(map(placed, mine.faults), key=repr):
                differences.append(("faults", row, mine.faults, sorted(told, key=repr)))
        if keyed and mine.key != its["key"] and mine.state != "rejected":
            differences.append(("key", row, mine.key, its["key"]))
        if mine.state == "would create":
            sent = steps[row, its["key"]]
            want = [(step, plain(body)) for step, body in mine.steps]
            if sent != want:
                differences.append(("request", row, *parted(want, sent)))
    return len(wanted), differences


def paired(wanted, outcomes, keyed):
    """What the document and the program say of each record: (row, mine, its). A row may become several."""
    rows = {}
    for outcome in wanted:
        rows.setdefault(outcome.row, ([], []))[0].append(outcome)
    for outcome in outcomes:
        rows.setdefault(outcome["row"], ([], []))[1].append(outcome)
    for row, (mine, its) in sorted(rows.items()):
        if len(mine) > 1 and keyed:
            mine.sort(key=lambda outcome: outcome.key or "")
            its.sort(key=lambda outcome: outcome["key"] or "")
        for pair in itertools.zip_longest(mine, its):
            yield row, *pair


def placed(fault):
    """Where a fault is told. Of what follows the row is left open: items that are rows elsewhere have a row and file of their own."""
    row, column, field, kind = fault
    return (None if field is None or field.startswith("then-") else row, column, field, kind)


def parted(want, sent):
    """Only what differs of two lists of requests."""
    if [step for step, _ in want] != [step for step, _ in sent]:
        return [(s, b) for s, b in want], [(s, b) for s, b in sent]
    mine, its = {}, {}
    for at, ((step, body), (_, other)) in enumerate(zip(want, sent)):
        for one, two, out in ((body, other, mine), (other, body, its)):
            flat, against = flat_body(one), flat_body(two)
            out.update({f"{step}#{at}.{key}": value for key, value in flat.items() if against.get(key, "absent") != value})
    return mine, its


def flat_body(body):
    if isinstance(body, list):
        return {"list": body}
    return {**{k: v for k, v in body.items() if k != "custom_fields"}, **body.get("custom_fields", {})}


def one(seed, options, snapshots):
    case = generate.Generator(seed, options.rows, options.form, options.system)
    folder = Path(tempfile.mkdtemp(prefix="oracle-"))
    try:
        count, differences = compare(case, folder, options.program, snapshots[case.system])
    except Exception:
        count, differences = 0, [("evaluator", None, "", traceback.format_exc())]
    finally:
        if options.keep:
            shutil.copytree(folder, Path(options.keep) / str(seed), dirs_exist_ok=True)
        shutil.rmtree(folder)
    return seed, (case.system, case.fmt, case.version, generate.toml(case.mapping)), count, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--seeds", type=int, default=200, help="how many mappings")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--form", choices=generate.FORMATS)
    parser.add_argument("--system", choices=tuple(systems.SYSTEMS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", help="a folder for the files of each case")
    parser.add_argument("--show", action="store_true", help="the mapping of each difference too")
    parser.add_argument("--most", type=int, default=20, help="so many differences are printed")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    home = Path(tempfile.mkdtemp(prefix="oracle-"))
    try:
        snapshots = {}
        for name, system in systems.SYSTEMS.items():
            snapshots[name] = str(home / f"{name}.json")
            Path(snapshots[name]).write_text(json.dumps(system.snapshot()), encoding="utf-8")
        code = compared(seeds, options, snapshots)
    finally:
        shutil.rmtree(home)
    sys.exit(code)


def compared(seeds, options, snapshots):
    total, differing, kinds = 0, 0, collections.Counter()
    forms = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        work = [pool.submit(one, seed, options, snapshots) for seed in seeds]
        for done in work:
            seed, (system, form, version, mapping), count, differences = done.result()
            total += count
            forms[form] += 1
            forms[system] += 1
            if not differences:
                continue
            differing += 1
            kinds.update(what for what, *_ in differences)
            if differing <= options.most:
                print(f"seed {seed} ({system}, {form}, version {version}): {len(differences)} differences")
                if options.show:
                    print(mapping)
                for what, row, want, sent in differences[: 40 if options.show else 3]:
                    print(f"  {what}, row {row}\n    document: {want}\n    program:  {sent}")
    told = ", ".join(f"{count} {form}" for form, count in sorted(forms.items()))
    print(f"{sum(forms.values()) // 2} mappings ({told}), {total} records compared: {differing} mappings differ {dict(kinds) or ''}")
    return 1 if differing else 0


if __name__ == "__main__":
    main()
