#!/usr/bin/env python3
"""Holds every cell that the program would send against what LibreOffice shows.

    python3 tests/sheets/run.py --program target/debug/deskferry                        # 30 generated books of each kind
    python3 tests/sheets/run.py --program target/debug/deskferry --folder DIR           # and every workbook of a folder
    python3 tests/sheets/run.py --program target/debug/deskferry --only NAME --show     # one of them, with all differences

Each sheet of each workbook is imported in a dry run, with `numbers = "held"` and with `numbers = "shown"`, and LibreOffice
writes it as CSV, as it is shown and as it is held. A cell is the same in both, or differs by a rule that README.md lists,
or is refused with its place. The exit code is 1 when one is not, and 3 when LibreOffice is not here.
"""

import argparse
import collections
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parent.parent / "oracle"))

import books
import compare
import systems

KINDS = (".xls", ".xlsx", ".xlsm", ".xlsb", ".ods")
# Commas, quotes, UTF-8, from the first line, American English, texts quoted, as it is shown or as it is held, all sheets.
FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,true,true,{},false,false,-1"
MARK = "\u241e"
BATCH = 10


class Office:
    """LibreOffice with a profile of its own."""

    def __init__(self, home, seconds):
        self.program = shutil.which("soffice") or shutil.which("libreoffice")
        self.profile = f"-env:UserInstallation=file://{home}/profile"
        self.seconds = seconds

    def convert(self, files, to, folder):
        command = [self.program, self.profile, "--headless", "--convert-to", to, "--outdir", str(folder)]
        # The zone is the one in which nothing is moved.
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        process = subprocess.Popen(
            command + [str(file) for file in files],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(self.seconds + 5 * len(files))
        except subprocess.TimeoutExpired:
            # The program starts another, which would go on and hold the profile.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            print(f"  LibreOffice did not end in time with {len(files)} files from {files[0].name}", file=sys.stderr)

    def sheets(self, files, home):
        """By file: by sheet: rows of (as shown, as held), each a (text, quoted)."""
        read = {file: {} for file in files}
        for as_shown in (True, False):
            folder = home / f"csv-{as_shown}"
            folder.mkdir(exist_ok=True)
            # What an earlier run with `--keep` has converted, or tried to.
            done = folder / "tried.txt"
            tried = set(done.read_text().split()) if done.exists() else set()
            left = [file for file in files if file.name not in tried]
            for at in range(0, len(left), BATCH):
                batch = left[at : at + BATCH]
                self.convert(batch, FILTER.format(str(as_shown).lower()), folder)
                missing = [file for file in batch if not list(folder.glob(f"{file.stem}-*.csv"))]
                for file in missing if len(missing) < len(batch) or len(batch) == 1 else batch:
                    # What one file breaks is no reason to leave out the others.
                    self.convert([file], FILTER.format(str(as_shown).lower()), folder)
                tried.update(file.name for file in batch)
                done.write_text("\n".join(sorted(tried)))
            for file in files:
                for path in folder.glob(f"{file.stem}-*.csv"):
                    name = path.stem[len(file.stem) + 1 :]
                    rows = compare.table(path.read_bytes().decode("utf-8", "replace"))
                    read[file].setdefault(name, {})[as_shown] = rows
        return read


class Program:
    """The program in a dry run, without a network."""

    def __init__(self, path, home):
        self.path = os.path.abspath(path)
        self.home = home
        self.snapshot = home / "directory.json"
        self.snapshot.write_text(json.dumps(systems.ClearFeed().snapshot()), encoding="utf-8")
        self.runs = 0

    def _run(self, file, mapping):
        folder = self.home / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.runs += 1
        (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
        command = [self.path, "import", str(file), "-m", "mapping.toml", "--dry-run", "--show", "0"]
        command += ["--directory", str(self.snapshot), "--format", "json"]
        command += ["--payloads", "payloads.jsonl", "--outcomes", "outcomes.jsonl"]
        environment = {**os.environ, "DESKFERRY_STATE": str(folder / "state")}
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
        if ended.returncode not in (0, 1):
            return ended, None, None

        def lines(name):
            path = folder / name
            return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line] if path.exists() else []

        return ended, lines("payloads.jsonl"), lines("outcomes.jsonl")

    def names(self, file):
        """The sheets of a workbook by the program: (name, hidden), or why it is refused."""
        ended, *_ = self._run(file, mapping(999_999, ["A"], "held", "refuse"))
        told = error(ended)
        found = re.findall(r"`(.*?)` \(\d+(, hidden)?\)", told, re.DOTALL) if "there is no sheet number" in told else []
        return ([(name, bool(hidden)) for name, hidden in found], None) if found else ([], told)

    def sheet(self, file, sheet, columns, numbers, errors):
        """What is sent of a sheet: rows of cells by their letters, what is refused, how many columns it has; or why not."""
        while columns:
            letters = [compare.letters(at) for at in range(1, columns + 1)]
            ended, payloads, outcomes = self._run(file, mapping(sheet, letters, numbers, errors))
            told = error(ended) if payloads is None else ""
            if payloads is None and re.search(r"no column|there is no `|has no column|unknown column", told):
                columns -= 1
                continue
            break
        else:
            return {}, [], 0, "no column"
        if payloads is None:
            return {}, [], columns, told
        rows, refused = {}, []
        for payload in payloads:
            parts = payload["body"]["description"].split(MARK)
            rows[payload["row"]] = dict(zip(letters, parts[1:-1]))
        for outcome in outcomes:
            for fault in outcome.get("faults", []):
                refused.append((outcome["row"], fault))
        return rows, refused, columns, None


def mapping(sheet, letters, numbers, errors):
    cells = MARK.join(f"{{{{ row['{letter}'] }}}}" for letter in letters)
    return "\n".join(
        [
            'version = 2\nsystem = "clearfeed"\noperation = "create"\nscope = "sheets"\nmarker = "none"',
            f"[input]\nsheet = {json.dumps(sheet, ensure_ascii=False)}\nheader_row = 0",
            f'numbers = "{numbers}"\nerror_cells = "{errors}"\nmerged = "empty"\nhidden_rows = "read"\ntotal_rows = "read"',
            '[fields]\ncollection_id = { value = "IT Support" }\ntitle = { value = "t" }',
            f"description = {{ template = {json.dumps(MARK + cells + MARK, ensure_ascii=False)} }}",
        ]
    )


def error(ended):
    """All that the program says when it refuses."""
    try:
        told = json.loads(ended.stdout)["error"]
    except (ValueError, KeyError):
        return f"{ended.stdout}{ended.stderr}".strip()
    faults = told.get("faults") or []
    texts = [told.get("message", ""), *told.get("hints", []), told.get("hint") or ""]
    for fault in faults:
        texts += [fault.get("message", ""), *(fault.get("hints") or []), fault.get("hint") or ""]
    return "; ".join(text for text in texts if text)


class Counts:
    def __init__(self):
        self.files = self.sheets = self.cells = 0
        self.rules = collections.Counter()
        self.refused = collections.Counter()
        self.whole = collections.Counter()
        self.differences = []

    def refuse(self, what):
        # The user's values are no part of why.
        self.refused[re.sub(r"`[^`]*`", "`…`", what)[:100]] += 1


def one(program, file, label, theirs, counts):
    counts.files += 1
    names, why = program.names(file)
    if why is not None:
        counts.whole[(re.sub(r"`[^`]*`|: .*", "…", why.split(";")[0])[:80], bool(theirs))] += 1
        return
    if not theirs:
        counts.whole[("LibreOffice does not open it, the program does", False)] += 1
        return
    by_file_name = {compare.file_name(name): name for name, _ in names}
    for written, read in sorted(theirs.items()):
        name = by_file_name.get(compare.file_name(written))
        if name is None and len(names) == len(theirs) == 1:
            # A sheet without a name of its own is called as the file is.
            name = names[0][0]
        if name is None:
            if any(cell[0] for row in read.get(True, []) for cell in row):
                counts.differences.append((label, written, None, "sheet", "not read", "shown"))
            continue
        counts.sheets += 1
        shown, held = read.get(True, []), read.get(False, [])
        for numbers in ("held", "shown"):
            sheet(program, file, (label, name, numbers), shown, held, counts)


def sheet(program, file, place, shown, held, counts):
    label, name, numbers = place
    # An XLSB, and an XLS of Excel 95, give numbers without their formats.
    is_old = file.suffix == ".xls" and "Workbook".encode("utf-16le") not in file.read_bytes()
    has_no_formats = is_old or file.suffix == ".xlsb"
    width = max((at for row in shown for at, cell in enumerate(row, 1) if cell[0]), default=0)
    if not width:
        rows, refused, _, why = program.sheet(file, name, 1, numbers, "refuse")
        if (rows or refused) and label not in compare.ANEW:
            counts.differences.append((label, name, numbers, "sheet", sorted(rows.items())[:2] or refused[:1], "empty"))
        return
    for errors in ("refuse", "empty"):
        rows, refused, columns, why = program.sheet(file, name, width, numbers, errors)
        if why is not None:
            counts.whole[(re.sub(r"`[^`]*`|: .*", "…", why.split(";")[0])[:80], True)] += 1
            if "empty" in why or "column" in why:
                counts.differences.append((label, name, numbers, "sheet", why, "shown"))
            return
        gone = collections.defaultdict(set)
        for row, fault in refused:
            gone[row].add(fault.get("column"))
            if errors == "refuse":
                refuse(place, row, fault, shown, counts)
        for number in range(1, max(len(shown), max(rows, default=0)) + 1):
            if number in gone:
                continue
            if errors == "empty" and number not in redo:
                continue
            ours = rows.get(number, {})
            for at in range(1, max(width, columns) + 1):
                letter = compare.letters(at)
                mine = ours.get(letter, "")
                cell = compare.at(shown, number, at), compare.at(held, number, at)
                form = "held" if has_no_formats else numbers
                rule = compare.rule(mine, *cell, form, errors == "empty")
                counts.cells += 1
                if rule is None and label in compare.ANEW:
                    rule = f"anew: {compare.ANEW[label]}"
                if rule is None:
                    counts.differences.append((label, name, numbers, f"{letter}{number}", mine, cell))
                else:
                    counts.rules[rule] += 1
        redo = set(gone)
        if not redo:
            break


def refuse(place, row, fault, shown, counts):
    """A refused cell must be placed, and must not be one that LibreOffice shows as a plain text."""
    label, name, numbers = place
    column, message = fault.get("column"), fault["message"]
    counts.refuse(message)
    if not fault.get("row") or not (column or "column" in message):
        counts.differences.append((label, name, numbers, f"row {row}", f"refused without a place: {fault}", ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", action="append", default=[], help="all its workbooks; may be repeated")
    parser.add_argument("--generated", type=int, default=30, help="so many generated books of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of the first generated book")
    parser.add_argument("--only", help="only files whose names contain this")
    parser.add_argument("--show", action="store_true", help="all differences, not the first 40")
    parser.add_argument("--seconds", type=int, default=60, help="so long LibreOffice may take for a file")
    parser.add_argument("--keep", help="a folder for what LibreOffice writes: the next run with the same files takes it from there")
    options = parser.parse_args()
    home = Path(options.keep or tempfile.mkdtemp(prefix="sheets-"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        code = compared(options, home)
    finally:
        if not options.keep:
            shutil.rmtree(home, ignore_errors=True)
    sys.exit(code)


def compared(options, home):
    office = Office(home, options.seconds)
    if office.program is None:
        print("LibreOffice is not here (`soffice`): no sheet was compared")
        return 3
    started = time.monotonic()
    labels = {}
    inputs = home / "in"
    inputs.mkdir(exist_ok=True)

    numbers = itertools.count()

    def take(path, label):
        # Two files of one name before the dot would be written over each other.
        copy = inputs / f"f{next(numbers):04}{path.suffix.lower()}"
        if options.only is None or options.only in label:
            shutil.copy(path, copy)
            labels[copy] = label

    for folder in options.folder:
        for path in sorted(Path(folder).iterdir()):
            if path.suffix.lower() in KINDS:
                take(path, path.name)
    made = books.write(home / "made", options.seed, options.generated, office)
    for path in made:
        take(path, path.name)
    program = Program(options.program, home)
    read = office.sheets(list(labels), home)
    counts = Counts()
    for file, label in labels.items():
        one(program, file, label, read[file], counts)
    report(counts, options)
    print(f"{program.runs} runs of the program, {time.monotonic() - started:.0f} s")
    return 1 if counts.differences or not counts.cells else 0


def report(counts, options):
    shown = counts.differences if options.show else counts.differences[:40]
    for label, name, numbers, place, mine, theirs in shown:
        print(f"{label}, sheet {name}, {place} ({numbers}):\n  program:     {mine!r}\n  LibreOffice: {theirs!r}")
    if len(shown) < len(counts.differences):
        print(f"… and {len(counts.differences) - len(shown)} more")
    print(f"{counts.files} files, {counts.sheets} sheets, {counts.cells} cells compared: {len(counts.differences)} differ")
    for title, tally in (("the same, or by rule", counts.rules), ("refused with their place", counts.refused)):
        print(f"  {title}")
        for what, count in tally.most_common():
            print(f"    {count:>7}  {what}")
    print("  files and sheets that are refused as a whole")
    for (what, opens), count in counts.whole.most_common():
        print(f"    {count:>7}  {what}{'' if opens else ' (LibreOffice does not open it)' if 'LibreOffice' not in what else ''}")


if __name__ == "__main__":
    main()
