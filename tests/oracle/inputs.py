"""Writes the same rows as a CSV, as a workbook and as JSON lines.

A cell is None, a str, a Number, a bool, a date, a naive datetime or, in JSON lines only, a list or a dict.
"""

import csv
import datetime
import io
import json
import zipfile
from xml.sax.saxutils import escape


class Number:
    """A number as it is held, by its digits, so that nothing is lost on the way."""

    def __init__(self, digits):
        self.digits = digits

    def __repr__(self):
        return f"Number({self.digits!r})"


def as_text(cell):
    """A cell as a CSV has it."""
    if cell is None:
        return ""
    if isinstance(cell, Number):
        return cell.digits
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime.datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return cell


def write_csv(path, headings, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headings)
        for row in rows:
            texts = [as_text(cell) for cell in row]
            # A row of one empty cell would be no row.
            writer.writerow(texts)


def _json(cell):
    if isinstance(cell, Number):
        return cell.digits
    if isinstance(cell, dict):
        members = (f"{json.dumps(name)}: {_json(value)}" for name, value in cell.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(cell, list):
        return "[" + ", ".join(_json(value) for value in cell) + "]"
    if isinstance(cell, datetime.date):
        return json.dumps(as_text(cell))
    return json.dumps(cell, ensure_ascii=False)


def write_jsonl(path, headings, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            record = dict(zip(headings, row))
            file.write(_json(record) + "\n")


def _letters(number):
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


_STYLES = """<?xml version="1.0" encoding="UTF-8"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/><numFmt numFmtId="166" formatCode="00000"/></numFmts>
<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/><xf numFmtId="166" applyNumberFormat="1"/></cellXfs>
</styleSheet>"""

_EPOCH = datetime.datetime(1899, 12, 30)


def _cell(cell, place):
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, Number):
        return f'<c r="{place}"><v>{cell.digits}</v></c>'
    if isinstance(cell, datetime.datetime):
        span = cell - _EPOCH
        days = span.days + span.seconds / 86400
        return f'<c r="{place}" s="2"><v>{days!r}</v></c>'
    if isinstance(cell, datetime.date):
        days = (cell - _EPOCH.date()).days
        return f'<c r="{place}" s="1"><v>{days}</v></c>'
    text = escape(cell).replace("\r", "_x000D_")
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _sheet(headings, rows):
    out = io.StringIO()
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write('<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
    for number, row in enumerate([headings, *rows], 1):
        cells = (_cell(cell, f"{_letters(at)}{number}") for at, cell in enumerate(row, 1))
        out.write(f'<row r="{number}">{"".join(cells)}</row>')
    out.write("</sheetData></worksheet>")
    return out.getvalue()


def write_xlsx(path, sheets):
    """`sheets`: a list of (name, headings, rows)."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{at}" r:id="rId{at}"/>' for at, (name, _, _) in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{at}" Type="{kind}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{types}.worksheet+xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'{head}<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{types}.styles+xml"/>{parts}</Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'{head}<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="rId1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'{head}<workbook xmlns="{main}" xmlns:r="{kind}"><sheets>{names}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{head}<Relationships xmlns="{package}/relationships">{links}'
            f'<Relationship Id="rIdS" Type="{kind}/styles" Target="styles.xml"/></Relationships>',
        )
        book.writestr("xl/styles.xml", _STYLES)
        for at, (_, headings, rows) in enumerate(sheets, 1):
            book.writestr(f"xl/worksheets/sheet{at}.xml", _sheet(headings, rows))
