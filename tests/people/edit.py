"""Things that people do to exported workbooks, one a line of standard input: `["PATH", "SEED", "KIND"]`, KIND a name of KINDS,
`any`, or `save`. Answers with the marks and durations that the file holds afterwards, as `["PATH"]` does without touching it.
"""

import json
import random
import re
import sys
import zipfile

import openpyxl
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule, FormulaRule, Rule
from openpyxl.styles import Color, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

KEY = "Ticket ID"


def headings(sheet):
    return [cell.value for cell in sheet[1]]


def remarks(sheet, rng, heading="Remark"):
    """The column of that heading, made behind the last where there is none."""
    names = headings(sheet)
    if heading in names:
        return names.index(heading) + 1
    sheet.cell(1, len(names) + 1, heading)
    return len(names) + 1


def row(sheet, rng):
    return rng.randint(2, max(sheet.max_row, 2))


def note(book, sheet, rng, mark):
    sheet.cell(row(sheet, rng), remarks(sheet, rng)).value = mark


def heading_alone(book, sheet, rng, mark):
    sheet.cell(1, sheet.max_column + 1).value = mark


def column_inserted(book, sheet, rng, mark):
    at = rng.randint(1, sheet.max_column)
    sheet.insert_cols(at)
    sheet.cell(1, at).value = "Their " + mark
    sheet.cell(row(sheet, rng), at).value = mark


def column_without_heading(book, sheet, rng, mark):
    sheet.cell(row(sheet, rng), sheet.max_column + 1).value = mark


def far_cell(book, sheet, rng, mark):
    sheet.cell(sheet.max_row + rng.randint(1, 40), sheet.max_column + rng.randint(2, 30)).value = mark


def second_state(book, sheet, rng, mark):
    at = rng.choice([1, sheet.max_column + 1])
    sheet.insert_cols(at)
    sheet.cell(1, at).value = "State"
    sheet.cell(row(sheet, rng), at).value = mark


def own_column_gone(book, sheet, rng, mark):
    names = headings(sheet)
    gone = [at for at, name in enumerate(names, 1) if name in ("Priority", "Team", "Tags")]
    if gone:
        sheet.delete_cols(rng.choice(gone))
    note(book, sheet, rng, mark)


def sorted_rows(book, sheet, rng, mark):
    note(book, sheet, rng, mark)
    rows = [[cell.value for cell in line] for line in sheet.iter_rows(min_row=2)]
    rng.shuffle(rows)
    for at, line in enumerate(rows, 2):
        for column, value in enumerate(line, 1):
            sheet.cell(at, column).value = value


def row_of_theirs(book, sheet, rng, mark):
    names = headings(sheet)
    sheet.cell(sheet.max_row + rng.randint(1, 3), names.index("Title") + 1).value = mark


def row_copied(book, sheet, rng, mark):
    note(book, sheet, rng, mark)
    line = row(sheet, rng)
    for column in range(1, sheet.max_column + 1):
        sheet.cell(sheet.max_row + (1 if column == 1 else 0), column).value = sheet.cell(line, column).value


def formula(book, sheet, rng, mark):
    sheet.cell(row(sheet, rng), remarks(sheet, rng)).value = f'="{mark}"&A2'


def error(book, sheet, rng, mark):
    at = remarks(sheet, rng, "Their " + mark)
    cell = sheet.cell(row(sheet, rng), at)
    cell.value = "#N/A"
    cell.data_type = "e"


def duration(book, sheet, rng, mark):
    cell = sheet.cell(row(sheet, rng), remarks(sheet, rng, "Spent"))
    cell.value = rng.randint(1, 5000) / 1440
    cell.number_format = "[h]:mm"


def share(book, sheet, rng, mark):
    cell = sheet.cell(row(sheet, rng), remarks(sheet, rng, "Done"))
    cell.value = rng.randint(1, 99) / 100
    cell.number_format = "0%"


def cell_note(book, sheet, rng, mark):
    sheet.cell(row(sheet, rng), rng.randint(1, 5)).comment = Comment(mark, "Ada")


def own_sheet(book, sheet, rng, mark):
    book.create_sheet("Mine")["B2"] = mark


def sheet_renamed(book, sheet, rng, mark):
    note(book, sheet, rng, mark)
    sheet.title = "Their " + mark


def on_analysis(book, sheet, rng, mark):
    made = book["Summary"]
    made.cell(rng.randint(40, 90), rng.randint(8, 16)).value = mark


def over_analysis(book, sheet, rng, mark):
    book["Summary"].cell(1, 1).value = mark


def formula_on_analysis(book, sheet, rng, mark):
    book["Summary"].cell(60, 12).value = f'="{mark}"'


def comments(book):
    """The sheet of comments, or where nobody said anything that of the tickets."""
    return book["Comments"] if "Comments" in book.sheetnames else book.worksheets[0]


def on_comments(book, sheet, rng, mark):
    made = comments(book)
    at = made.max_column + 1
    if rng.random() < 0.5:
        made.cell(1, at).value = "Answered"
    made.cell(2, at).value = mark


def row_on_comments(book, sheet, rng, mark):
    made = comments(book)
    made.cell(made.max_row + 1, 7).value = mark


def chart(book, sheet, rng, mark):
    made = BarChart()
    made.title = mark
    made.add_data(Reference(sheet, min_col=2, min_row=2, max_row=4))
    rng.choice([sheet, book["Summary"]]).add_chart(made, "J60")


def link(book, sheet, rng, mark):
    cell = sheet.cell(row(sheet, rng), remarks(sheet, rng))
    cell.value = "see"
    cell.hyperlink = f"https://{mark}.example/"


def heading_coloured(book, sheet, rng, mark):
    at = rng.choice([1, sheet.max_column + 1])
    sheet.insert_cols(at)
    cell = sheet.cell(1, at)
    cell.value = "Their " + mark
    cell.fill = PatternFill("solid", fgColor=rng.choice(["FFFFC000", "FF92D050"]))
    cell.font = Font(bold=rng.random() < 0.5, italic=True, color="FF7030A0")


def cell_coloured(book, sheet, rng, mark):
    cell = sheet.cell(row(sheet, rng), remarks(sheet, rng))
    cell.value = mark
    cell.fill = PatternFill("solid", fgColor=Color(theme=rng.randint(4, 9), tint=0.4))
    cell.font = Font(strike=True, underline="single")


def cells_of_ours_coloured(book, sheet, rng, mark):
    line = row(sheet, rng)
    sheet.cell(line, remarks(sheet, rng)).value = mark
    for cell in sheet[line]:
        cell.fill = PatternFill("solid", fgColor="FFFFFF00")


def rule(book, sheet, rng, mark):
    at = get_column_letter(remarks(sheet, rng))
    fill = PatternFill("solid", bgColor="FFFFC7CE")
    made = [
        FormulaRule(formula=[f'ISNUMBER(SEARCH("{mark}",{at}2))'], fill=fill),
        Rule(type="containsText", operator="containsText", text=mark, formula=[f'LEN("{mark}")>0']),
        CellIsRule(operator="equal", formula=[f'"{mark}"'], fill=fill),
    ]
    sheet.conditional_formatting.add(f"{at}2:{at}40", rng.choice(made))


def rule_like_ours(book, sheet, rng, mark):
    at = get_column_letter(remarks(sheet, rng))
    made = Rule(type="containsText", operator="containsText", text="low", formula=[f'ISNUMBER(SEARCH("low","{mark}"))'])
    sheet.conditional_formatting.add(f"{at}2:{at}40", made)


def rule_on_ours(book, sheet, rng, mark):
    sheet.conditional_formatting.add("A2:C40", CellIsRule(operator="equal", formula=[f'"{mark}"']))


def rule_on_analysis(book, sheet, rng, mark):
    book["Summary"].conditional_formatting.add("B2:B9", CellIsRule(operator="equal", formula=[f'"{mark}"']))


def rule_on_comments(book, sheet, rng, mark):
    comments(book).conditional_formatting.add("B2:B9", CellIsRule(operator="equal", formula=[f'"{mark}"']))


def drop_down(book, sheet, rng, mark):
    rule = DataValidation(type="list", formula1=f'"{mark},other"')
    rule.add("C2:C9")
    sheet.add_data_validation(rule)


def table(book, sheet, rng, mark):
    made = comments(book)
    made.add_table(Table(displayName=mark, ref=f"A1:G{max(made.max_row, 2)}"))


def defined_name(book, sheet, rng, mark):
    book.defined_names[mark] = DefinedName(mark, attr_text="Tickets!$A$1:$A$3")


KINDS = {
    make.__name__: make
    for make in [
        note, heading_alone, column_inserted, column_without_heading, far_cell, second_state, own_column_gone,
        sorted_rows, row_of_theirs, row_copied, formula, error, duration, share, cell_note, own_sheet, sheet_renamed,
        on_analysis, over_analysis, formula_on_analysis, on_comments, row_on_comments, chart, link, drop_down, table,
        defined_name, heading_coloured, cell_coloured, cells_of_ours_coloured, rule, rule_on_ours, rule_on_analysis,
        rule_on_comments, rule_like_ours,
    ]
}  # fmt: skip


def theme_colours(path):
    """The colours of the theme, as cells name them by number."""
    with zipfile.ZipFile(path) as archive:
        theme = archive.read("xl/theme/theme1.xml").decode()
    found = re.findall(r'<a:(\w+)>\s*<a:(?:srgbClr val|sysClr val="\w+" lastClr)="(\w{6})"', theme)
    named = dict(found[:12])
    return [named.get(name, "000000") for name in "lt1 dk1 lt2 dk2 accent1 accent2 accent3 accent4 accent5 accent6".split()]


def colour(found, palette):
    """A colour in coarse steps, for programs round it; empty: that of every text or cell."""
    if found is None or found.type == "indexed":
        return ""
    text = palette[found.theme] if found.type == "theme" else found.rgb[-6:]
    parts = [int(text[at : at + 2], 16) for at in (0, 2, 4)]
    tint = found.tint or 0
    parts = [part + (255 - part) * tint if tint > 0 else part * (1 + tint) for part in parts]
    if text == "000000" and not tint:
        return ""
    return "".join(str((round(part) + 20) // 64) for part in parts)


def seen(cell, palette):
    """How a cell looks, where it does not look like every cell."""
    font = cell.font
    flags = [name for name, on in [("b", font.b), ("i", font.i), ("u", font.u), ("s", font.strike)] if on]
    ground = colour(cell.fill.fgColor, palette) if cell.fill.patternType == "solid" else ""
    return " ".join(filter(None, ["".join(flags), "text " + colour(font.color, palette), "cell " + ground]))


def looks_of(line, names, palette):
    """The looks of cells that people marked, and of all cells of rows that they made yellow and wrote into."""
    marks = re.findall(r"mark\d+x", " ".join(str(cell.value) for cell in line))
    for cell in line:
        look = seen(cell, palette)
        own = re.findall(r"mark\d+x", str(cell.value))
        # A heading without a look gets that of ours.
        if cell.row == 1 and look == "text  cell ":
            continue
        yield from (f"{mark} {look}" for mark in own)
        if cell.row > 1 and look.endswith("cell 440") and cell.column <= len(names) and names[cell.column - 1]:
            yield from (f"{mark} in {names[cell.column - 1]} {look}" for mark in marks)


def found(path):
    """What of people's is in a file: marks anywhere, durations and shares, marks beside the ids of their tickets."""
    marks = set()
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if part.startswith("docProps/"):
                continue
            marks.update(re.findall(r"mark\d+x", archive.read(part).decode("utf-8", "replace")))
    book = openpyxl.load_workbook(path)
    numbers, beside, looks = set(), set(), set()
    palette = theme_colours(path)
    for sheet in book.worksheets:
        names = headings(sheet) if sheet.max_row else []
        key = names.index(KEY) if KEY in names else None
        if sheet.title not in ("Summary", "Comments"):
            for line in sheet.iter_rows():
                looks.update(looks_of(line, names, palette))
        for line in sheet.iter_rows(min_row=2):
            for cell in line:
                is_theirs = isinstance(cell.value, (int, float)) and ("[h]" in cell.number_format or "%" in cell.number_format)
                if sheet.title != "Summary" and (is_theirs or hasattr(cell.value, "total_seconds")):
                    value = cell.value.total_seconds() / 86400 if hasattr(cell.value, "total_seconds") else cell.value
                    numbers.add(f"{value:.6f} {'%' if '%' in cell.number_format else 'h'}")
                if key is not None and sheet.title != "Comments" and isinstance(cell.value, str):
                    for mark in re.findall(r"mark\d+x", cell.value):
                        beside.add(f"{mark} {line[key].value or ''}")
    return {"marks": sorted(marks), "numbers": sorted(numbers), "beside": sorted(beside), "looks": sorted(looks)}


def answer(path, seed=None, kind=None):
    if seed is None:
        return {"did": [], **found(path)}
    rng = random.Random(int(seed))
    book = openpyxl.load_workbook(path)
    names = [kind] if kind != "any" else [rng.choice(sorted(KINDS)) for _ in range(rng.randint(1, 2))]
    for at, name in enumerate(names if kind != "save" else []):
        KINDS[name](book, book.worksheets[0], rng, f"mark{seed}{at}x")
    book.save(path)
    return {"did": names, **found(path)}


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), flush=True)


main()
