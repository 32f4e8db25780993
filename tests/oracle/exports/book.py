"""The sheets of a workbook as tables: a title, whom it counts, headings, rows. Standard library only."""

import re
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


@dataclass
class Table:
    title: str
    counts: str
    headings: list
    rows: list


def sheets(path):
    """Every sheet by its name: its rows, each a list of cells; dates stay numbers."""
    with zipfile.ZipFile(path) as archive:
        shared = []
        if "xl/sharedStrings.xml" in archive.namelist():
            for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")):
                shared.append("".join(text.text or "" for text in item.iter(MAIN + "t")))
        targets = {one.get("Id"): one.get("Target") for one in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))}
        found = {}
        for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(MAIN + "sheet"):
            part = "xl/" + targets[sheet.get(REL + "id")].removeprefix("/xl/")
            found[sheet.get("name")] = rows(ElementTree.fromstring(archive.read(part)), shared)
        return found


def rows(sheet, shared):
    found = []
    for row in sheet.iter(MAIN + "row"):
        while len(found) < int(row.get("r")):
            found.append([])
        cells = found[-1]
        for cell in row.iter(MAIN + "c"):
            letters = re.match("[A-Z]+", cell.get("r"))[0]
            at = 0
            for letter in letters:
                at = at * 26 + ord(letter) - 64
            while len(cells) < at:
                cells.append(None)
            cells[at - 1] = value(cell, shared)
    return found


def value(cell, shared):
    kind, held = cell.get("t"), cell.find(MAIN + "v")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(MAIN + "t"))
    if held is None or held.text is None:
        return None
    if kind == "s":
        return shared[int(held.text)]
    if kind == "b":
        return held.text == "1"
    return held.text if kind in ("str", "e") else float(held.text)


def tables(found):
    """The lines above the tables of a sheet, and these."""
    blocks, block = [], []
    for row in [*found, []]:
        filled = [cell for cell in row if cell not in (None, "")]
        if filled:
            block.append(row)
        elif block:
            blocks.append(block)
            block = []
    above = [row[0] for row in blocks[0]] if blocks else []
    made = []
    for block in blocks[1:]:
        title, rest, counts = block[0][0], block[1:], ""
        if rest and isinstance(rest[0][0], str) and rest[0][0].startswith("Counts "):
            counts, rest = rest[0][0].removeprefix("Counts "), rest[1:]
        headings = rest[0] if rest else []
        made.append(Table(title, counts, headings, [row + [None] * (len(headings) - len(row)) for row in rest[1:]]))
    return above, made


def day(serial):
    """The date and time of a number."""
    return datetime(1899, 12, 30) + timedelta(milliseconds=round(serial * 86_400_000))
