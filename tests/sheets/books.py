"""Random workbooks of each kind: XLSX and ODS part by part, XLS as LibreOffice makes it of an XLSX."""

import random
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from compare import letters

WORDS = ["printer", "jam", "Wi-Fi", "naïve", "Zoë", "José", "日本語", "Привет", "עברית", "🎉", "a & b", "<b>", "50 %", "=1+1", "'x", '"q"', "@x"]
SPECIAL = [
    "_x0041_", "_x000D_", "x_x005F_y", "00501", "1e5", "TRUE", "2024-06-21", "#N/A", "#REF", "-", "  two  spaces  ", "tab\there",
    "line\nbreak", "a\n\n\nb", "&amp;", "&lt;p&gt;", "\u00a0nbsp\u00a0", "e\u0301", "{{ A }}", "{% if %}", "x" * 2000, "1,234.50", "5%", "ends in space ",
]
# Formats that Excel and LibreOffice show alike.
NUMBERS = ["General", "0", "0.00", "00000", "#,##0", "#,##0.00", "0%", "0.0%", '"INC"0000000', "000-0000", '0" pcs"', "0.0#", "0.00E+00", "0;\\-0", "0.0;(0.0)"]
DATES = ["yyyy-mm-dd", "yyyy-mm-dd hh:mm", "m/d/yyyy", "d.m.yyyy", "hh:mm", "hh:mm:ss", "m/d/yyyy h:mm AM/PM", "mmm d, yyyy", "dddd"]
SPANS = ["[h]:mm", "[h]:mm:ss"]
ERRORS = ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"]


def sentence(random):
    if random.random() < 0.4:
        return random.choice(SPECIAL)
    return " ".join(random.choice(WORDS) for _ in range(random.randint(1, 8)))


def amount(random):
    kind = random.random()
    if kind < 0.5:
        return random.choice([0, 1, 5, 42, 501, 1234, 1_234_567, -7, 2**31])
    return random.choice([0.05, 0.125, 12.5, -3.25, 1e-7, 123456.789, 1 / 3, 99.995, 0.1 + 0.2])


def cells(random):
    """A sheet as (row, column) from 1: (kind, value, format)."""
    made = {}
    height, width = random.randint(1, 25), random.randint(1, 8)
    top, left = random.choice([(0, 0), (0, 0), (random.randint(0, 4), random.randint(0, 3))])
    for row in range(1, height + 1):
        if random.random() < 0.1:
            continue
        for column in range(1, width + 1):
            kind = random.random()
            place = row + top, column + left
            if kind < 0.2:
                continue
            if kind < 0.55:
                made[place] = ("text", sentence(random), None)
            elif kind < 0.75:
                made[place] = ("number", amount(random), random.choice(NUMBERS))
            elif kind < 0.87:
                code = random.choice(DATES)
                value = random.choice([45464, 45464.5, 44002.25, 61, 36525.999988, 0.25]) if "h" in code else random.choice([45464, 44002, 61])
                value = value % 1 if code.startswith("hh") else value
                made[place] = ("date", value, code)
            elif kind < 0.89:
                made[place] = ("span", random.choice([0.5, 1.5, 3.25]), random.choice(SPANS))
            elif kind < 0.94:
                made[place] = ("truth", random.random() < 0.5, None)
            else:
                made[place] = ("error", random.choice(ERRORS), None)
    return made


# XLSX

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def xml_text(text):
    # What looks like an escape of Excel is escaped itself.
    text = text.replace("_x", "_x005F_x")
    return escape(text)


def xlsx_text(random, text, shared):
    """The element of a text: whole, in runs, with a reading beside it."""
    keep = ' xml:space="preserve"'
    how = random.random()
    if how < 0.6 or len(text) < 2:
        inner = f"<t{keep}>{xml_text(text)}</t>"
    else:
        # An escape that is cut in two is none.
        cut = random.choice([at for at in range(1, len(text)) if "_" not in text[max(0, at - 7) : at + 7]] or [len(text)])
        parts = [text[:cut], text[cut:]]
        inner = "".join(f"<r><rPr><b/></rPr><t{keep}>{xml_text(part)}</t></r>" for part in parts if part)
        if how > 0.9:
            inner += '<rPh sb="0" eb="1"><t>reading</t></rPh><phoneticPr fontId="1"/>'
    if random.random() < 0.5:
        return "inlineStr", f"<is>{inner}</is>"
    shared.append(f"<si>{inner}</si>")
    return "s", f"<v>{len(shared) - 1}</v>"


def xlsx(path, seed):
    rnd = random.Random(f"xlsx {seed}")
    is_1904 = rnd.random() < 0.2
    codes, shared, sheets = [], [], []

    def style(code):
        if code is None:
            return 0
        if code not in codes:
            codes.append(code)
        return codes.index(code) + 1

    for number in range(1, rnd.randint(1, 3) + 1):
        made, rows = cells(rnd), {}
        places = rnd.random() < 0.8
        for (row, column), (kind, value, code) in sorted(made.items()):
            text, sort = "", None
            if kind == "text":
                sort, text = xlsx_text(rnd, value, shared)
                if rnd.random() < 0.15 and len(value) < 200 and "\n" not in value and "\t" not in value:
                    # LibreOffice computes what Excel did not write: the formula is the text.
                    quoted = value.replace('"', '""')
                    sort, text = "str", f'<f>"{escape(quoted)}"</f><v>{xml_text(value)}</v>'
            elif kind == "truth":
                sort, text = "b", f"<v>{int(value)}</v>"
            elif kind == "error":
                sort, text = "e", f"<f>NA()</f><v>{escape(value)}</v>"
            else:
                text = f"<v>{value!r}</v>"
            place = f' r="{letters(column)}{row}"'
            rows.setdefault(row, []).append((column, f'<c{{}} s="{style(code)}"{f" t={quoteattr(sort)}" if sort else ""}>{text}</c>', place))
        body = ""
        for row, its in rows.items():
            if places or its[-1][0] != len(its):
                body += f'<row r="{row}">' + "".join(cell.replace("{}", place, 1) for _, cell, place in its) + "</row>"
            else:
                body += f'<row r="{row}">' + "".join(cell.replace("{}", "", 1) for _, cell, _ in its) + "</row>"
        sheets.append((f"Sheet {number}", body))
    formats = "".join(f'<numFmt numFmtId="{164 + at}" formatCode={quoteattr(code)}/>' for at, code in enumerate(codes))
    styles = "".join(f'<xf numFmtId="{164 + at}" applyNumberFormat="1" xfId="0"/>' for at in range(len(codes)))
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        + "".join(f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>' for at in range(1, len(sheets) + 1))
        + '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{KIND}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{KIND}"><workbookPr{" date1904=" + quoteattr("1") if is_1904 else ""}/><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}"/>' for at, (name, _) in enumerate(sheets, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(f'<Relationship Id="rId{at}" Type="{KIND}/worksheet" Target="worksheets/sheet{at}.xml"/>' for at in range(1, len(sheets) + 1))
        + f'<Relationship Id="rId98" Type="{KIND}/styles" Target="styles.xml"/><Relationship Id="rId99" Type="{KIND}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="{len(codes)}">{formats}</numFmts><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="{len(codes) + 1}"><xf numFmtId="0" xfId="0"/>{styles}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}" count="{len(shared)}" uniqueCount="{len(shared)}">{"".join(shared)}</sst>',
    }
    if not codes:
        parts["xl/styles.xml"] = parts["xl/styles.xml"].replace('<numFmts count="0"></numFmts>', "")
    for at, (_, body) in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{at}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, head + text)


# ODS

SPACES = {
    "office": "office:1.0", "style": "style:1.0", "text": "text:1.0", "table": "table:1.0", "number": "datastyle:1.0",
    "dc": None, "fo": "xsl-fo-compatible:1.0", "xlink": None,
}
FIXED = {"dc": "http://purl.org/dc/elements/1.1/", "xlink": "http://www.w3.org/1999/xlink"}
ODS_NUMBERS = {
    "plain": None,
    "two": '<number:number-style style:name="{}"><number:number number:decimal-places="2" number:min-decimal-places="2" number:min-integer-digits="1"/></number:number-style>',
    "ids": '<number:number-style style:name="{}"><number:number number:decimal-places="0" number:min-integer-digits="5"/></number:number-style>',
    "inc": '<number:number-style style:name="{}"><number:text>INC</number:text><number:number number:decimal-places="0" number:min-integer-digits="7"/></number:number-style>',
    "thousands": '<number:number-style style:name="{}"><number:number number:decimal-places="0" number:min-integer-digits="1" number:grouping="true"/></number:number-style>',
    "percent": '<number:percentage-style style:name="{}"><number:number number:decimal-places="0" number:min-integer-digits="1"/><number:text>%</number:text></number:percentage-style>',
}


def ods_text(random, text):
    """Paragraphs with spans, links, tabs, spaces and breaks."""
    paragraphs = []
    for line in text.split("\n"):
        out, at = "", 0
        while at < len(line):
            if line[at] == "\t":
                out += "<text:tab/>"
                at += 1
            elif line[at] == " " and (at == 0 or line[at - 1] in " \t" or at == len(line) - 1):
                run = len(line[at:]) - len(line[at:].lstrip(" "))
                out += f'<text:s text:c="{run}"/>' if run > 1 or random.random() < 0.5 else "<text:s/>"
                at += run
            else:
                end = at + 1
                while end < len(line) and line[end] not in "\t" and not (line[end] == " " and (line[end - 1] == " " or end == len(line) - 1)):
                    end += 1
                piece = escape(line[at:end])
                how = random.random()
                if how < 0.15:
                    piece = f"<text:span>{piece}</text:span>"
                elif how < 0.25:
                    piece = f'<text:a xlink:href="https://x.example/" xlink:type="simple">{piece}</text:a>'
                out += piece
                at = end
        paragraphs.append(out)
    note = ""
    if random.random() < 0.1:
        note = "<office:annotation><dc:creator>Ada</dc:creator><text:p>a note</text:p></office:annotation>"
    return note + "".join(f"<text:p>{paragraph}</text:p>" for paragraph in paragraphs)


def ods_cell(random, kind, value, code):
    if kind == "text":
        if random.random() < 0.1:
            return f'office:value-type="string" office:string-value={quoteattr(value).replace(chr(10), "&#10;").replace(chr(9), "&#9;")}', ods_text(random, value)
        return 'office:value-type="string"', ods_text(random, value)
    if kind == "number":
        style = random.choice(list(ODS_NUMBERS))
        name = "" if style == "plain" else f'table:style-name="c-{style}" '
        sort = "percentage" if style == "percent" else "float"
        return f'{name}office:value-type="{sort}" office:value="{value!r}"', f"<text:p>{ods_shown(value, style)}</text:p>"
    if kind == "date":
        day, part = divmod(value, 1)
        if day == 0:
            seconds = round(part * 86400)
            hours, minutes = divmod(seconds // 60, 60)
            return f'table:style-name="c-time" office:value-type="time" office:time-value="PT{hours:02}H{minutes:02}M{seconds % 60:02}S"', f"<text:p>{hours:02}:{minutes:02}</text:p>"
        date = {45464: "2024-06-21", 44002: "2020-06-20", 61: "1900-03-01", 36525: "1999-12-31"}[day]
        clock = {0: "", 0.5: "T12:00:00", 0.25: "T06:00:00"}.get(part, "T23:59:59")
        return f'table:style-name="c-date" office:value-type="date" office:date-value="{date}{clock}"', f"<text:p>{date}</text:p>"
    if kind == "span":
        hours = round(value * 24)
        return f'table:style-name="c-span" office:value-type="time" office:time-value="PT{hours}H00M00S"', f"<text:p>{hours}:00:00</text:p>"
    if kind == "truth":
        return f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"', f"<text:p>{str(value).upper()}</text:p>"
    return 'table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"', "<text:p>#N/A</text:p>"


def ods_shown(value, style):
    """As LibreOffice writes it beside the value; ours is the only reader that takes it from there."""
    if style == "two":
        return f"{value + 0.0:.2f}"
    if style == "ids":
        return ("-" if round_half(value) < 0 else "") + f"{abs(round_half(value)):05}"
    if style == "inc":
        return ("-" if round_half(value) < 0 else "") + f"INC{abs(round_half(value)):07}"
    if style == "thousands":
        return f"{round_half(value):,}"
    if style == "percent":
        return f"{round_half(value * 100)}%"
    text = f"{value:.10g}"
    return text


def round_half(value):
    return int(abs(value) + 0.5 + 1e-9) * (-1 if value < 0 else 1)


def ods(path, seed):
    rnd = random.Random(f"ods {seed}")
    names = " ".join(
        f'xmlns:{name}="{FIXED.get(name) or "urn:oasis:names:tc:opendocument:xmlns:" + space}"' for name, space in SPACES.items()
    )
    names += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0" xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2"'
    styles = "".join(style.format(f"n-{name}") for name, style in ODS_NUMBERS.items() if style)
    styles += '<number:date-style style:name="n-date"><number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/></number:date-style>'
    styles += '<number:time-style style:name="n-time"><number:hours number:style="long"/><number:text>:</number:text><number:minutes number:style="long"/></number:time-style>'
    styles += '<number:time-style style:name="n-span" number:truncate-on-overflow="false"><number:hours/><number:text>:</number:text><number:minutes number:style="long"/><number:text>:</number:text><number:seconds number:style="long"/></number:time-style>'
    for name in [*[name for name, style in ODS_NUMBERS.items() if style], "date", "time", "span"]:
        styles += f'<style:style style:name="c-{name}" style:family="table-cell" style:data-style-name="n-{name}"/>'
    body = ""
    for number in range(1, rnd.randint(1, 3) + 1):
        made = cells(rnd)
        body += f'<table:table table:name="Sheet {number}"><table:table-column table:number-columns-repeated="16384"/>'
        height = max((row for row, _ in made), default=0)
        next_row = 1
        for row in range(1, height + 1):
            its = sorted((column, cell) for (at, column), cell in made.items() if at == row)
            if not its:
                continue
            if row > next_row:
                body += f'<table:table-row table:number-rows-repeated="{row - next_row}"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
            next_row = row + 1
            body += "<table:table-row>"
            next_column = 1
            for column, cell in its:
                if column > next_column:
                    body += f'<table:table-cell table:number-columns-repeated="{column - next_column}"/>'
                next_column = column + 1
                attributes, inner = ods_cell(rnd, *cell)
                body += f"<table:table-cell {attributes}>{inner}</table:table-cell>"
            body += "</table:table-row>"
        body += "</table:table>"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    content = f'{head}<office:document-content {names} office:version="1.2"><office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>'
    manifest = f'{head}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest, zipfile.ZIP_DEFLATED)
        archive.writestr("content.xml", content, zipfile.ZIP_DEFLATED)


def write(folder, seed, count, office):
    """Writes so many books of each kind; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, olds = [], []
    for number in range(seed, seed + count):
        for kind, make in (("xlsx", xlsx), ("ods", ods)):
            path = folder / f"made-{number}.{kind}"
            make(path, number)
            paths.append(path)
        old = folder / f"old-{number}.xlsx"
        xlsx(old, f"old {number}")
        olds.append(old)
    if olds:
        # LibreOffice writes an XLS, and an ODS of its own kind.
        for kind in ("xls", "ods"):
            if not all(path.with_suffix(f".{kind}").exists() for path in olds):
                office.convert(olds, kind, folder)
            paths += [path for path in (Path(old).with_suffix(f".{kind}") for old in olds) if path.exists()]
    return paths
