"""Cells and what is made of them: texts, numbers, dates, yes and no, as docs/mapping.md says."""

import datetime
import decimal
import functools
import html
import json
import re
import unicodedata
from zoneinfo import ZoneInfo

from inputs import Number

decimal.getcontext().prec = 60


class Fault(Exception):
    """A fault of a row: a kind, and the column that is to blame."""

    def __init__(self, kind, column=None):
        super().__init__(kind)
        self.kind = kind
        self.column = column


class Day(datetime.date):
    """A date without a time."""


class Moment:
    """A date and time: `wall` without a zone, and the name of the zone, an offset, or None. `whole` is a day that was read as a time."""

    def __init__(self, wall, zone=None, whole=False):
        self.wall = wall
        self.zone = zone
        self.whole = whole

    def __repr__(self):
        return f"Moment({self.wall}, {self.zone}, {self.whole})"

    def instant(self):
        return placed(self.wall, self.zone)


def zone_of(zone):
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def placed(wall, zone):
    """A wall clock's time in a zone. What the clocks skip is taken as if they had not been changed yet."""
    zone = zone_of(zone)
    at = wall.replace(tzinfo=zone, fold=0)
    # With `fold=0` the offset from before the change is taken, in the gap and in the fold.
    return at.astimezone(datetime.timezone.utc).astimezone(zone)


def is_text(value):
    return isinstance(value, str)


def is_number(value):
    return isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool)


def digits(value):
    """A number without exponent and without zeros that say nothing."""
    text = format(decimal.Decimal(value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def clock(wall):
    text = wall.strftime("%Y-%m-%d %H:%M") if wall.year >= 1000 else wall.isoformat(" ", "minutes")
    return text + wall.strftime(":%S") if wall.second else text


def to_text(value):
    """A value where a text is wanted."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return digits(value)
    if isinstance(value, Moment):
        return clock(value.wall)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return to_json(value)


def to_json(value):
    def plain(value):
        if isinstance(value, list):
            return "[" + ",".join(plain(member) for member in value) + "]"
        if isinstance(value, dict):
            return "{" + ",".join(f"{json.dumps(k)}:{plain(v)}" for k, v in value.items()) + "}"
        if is_number(value):
            return digits(value)
        if isinstance(value, (Moment, datetime.date)):
            return json.dumps(to_text(value))
        return json.dumps(value, ensure_ascii=False)

    return plain(value)


def read_cell(cell, version):
    """A cell of an input as the language sees it."""
    if isinstance(cell, Number):
        return decimal.Decimal(cell.digits)
    if isinstance(cell, bool) or cell is None:
        return cell
    if isinstance(cell, str):
        return cell.replace("\r\n", "\n").replace("\r", "\n") if version == 2 else cell
    if isinstance(cell, datetime.datetime):
        return Moment(cell)
    if isinstance(cell, datetime.date):
        return Day(cell.year, cell.month, cell.day)
    if isinstance(cell, list):
        return [read_cell(member, version) for member in cell]
    if isinstance(cell, dict):
        return {name: read_cell(member, version) for name, member in cell.items()}
    raise TypeError(cell)


# What looks the same is the same.

INVISIBLE = re.compile("[\u200b\u200c\u200e\u200f\u2060\ufeff\u00ad]")


@functools.lru_cache(maxsize=100_000)
def alike(text):
    """A text for comparing words: without case, outer space, invisible signs and the way accents are put together."""
    return INVISIBLE.sub("", unicodedata.normalize("NFC", text)).strip().lower()


@functools.lru_cache(maxsize=100_000)
def alike_name(text):
    """A name of the system or a heading: any white space is one space, too."""
    return " ".join(alike(text).split())


# Texts


def graphemes(text):
    """Characters as people see them: good enough for what the generator writes."""
    out = []
    for sign in text:
        joins = out and (
            unicodedata.category(sign) in ("Mn", "Me", "Mc")
            or sign in "\u200d\ufe0f"
            or 0x1F3FB <= ord(sign) <= 0x1F3FF
            or out[-1].endswith("\u200d") and ord(sign) > 0x2000
            or out[-1] == "\r" and sign == "\n"
            or 0x1F1E6 <= ord(sign) <= 0x1F1FF
            and len(out[-1]) == 1
            and 0x1F1E6 <= ord(out[-1]) <= 0x1F1FF
        )
        if joins:
            out[-1] += sign
        else:
            out.append(sign)
    return out


MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>|&(?:[a-zA-Z][a-zA-Z0-9]*|#[0-9]+|#[xX][0-9a-fA-F]+);")


def cut(text, limit, weigh, whole_markup):
    """A text of at most `limit`, each character weighing what `weigh` says, with a sign at the cut."""
    signs = graphemes(text)
    if sum(map(weigh, signs)) <= limit:
        return text
    kept, room = "", limit - 1
    for sign in signs:
        if weigh(sign) > room:
            break
        kept += sign
        room -= weigh(sign)
    if whole_markup:
        for found in MARKUP.finditer(text):
            if found.start() < len(kept) < found.end():
                kept = text[: found.start()]
    return kept.rstrip() + "…"


BLOCK = "p|div|li|ul|ol|tr|table|h[1-6]|blockquote"


def unescape(text, version):
    """Entities become signs. A no-break space is a space, for version 1 only by its name."""
    text = text.replace("&nbsp;", " ")
    if version == 2:
        text = re.sub(r"&#(?:0*160|[xX]0*[aA]0);", " ", text)
    return html.unescape(text)


def strip_html(text, version):
    text = re.sub(r"(?s)<!--.*?-->", "", text)
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>", "", text)
    if not re.search(r"<[a-zA-Z/]", text):
        return unescape(text, version)
    out = ""
    for part in re.split(r"(<[a-zA-Z/][^<>]*>)", text):
        tag = re.fullmatch(r"<(/?)([a-zA-Z0-9]+)[^<>]*>", part)
        if not tag:
            out += unescape(part, version)
            continue
        name, closing = tag[2].lower(), bool(tag[1])
        if name == "br":
            out += "\n"
        elif re.fullmatch(BLOCK, name):
            # A block is a line of its own; for version 1 its beginning is nothing.
            if out and not out.endswith("\n") and (closing or version == 2):
                out += "\n"
            if name == "li" and not closing:
                out += "- "
    return out


def html_of_text(text):
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.replace("\r\n", "\n").replace("\n", "<br>")


def repair(text):
    """UTF-8 that was read as Windows-1252; what is not spoiled so stays."""
    def byte(sign):
        try:
            return sign.encode("windows-1252")
        except UnicodeEncodeError:
            return sign.encode("latin-1")

    try:
        return b"".join(byte(sign) for sign in text).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


# Numbers

SPACES = "\u0020\u00a0\u2009\u202f"


def parse_number(value, sign=None):
    """`sign`: the one before the decimals; the other one and spaces then part thousands."""
    if is_number(value):
        return value
    if not is_text(value):
        raise Fault("no number")
    text = value.strip().replace("\u2212", "-")
    # What parts thousands stands between three digits and three digits.
    parting = SPACES + {None: "", ",": ".'", ".": ",'"}[sign]
    decimals = re.escape(sign or ".")
    grouped = rf"[0-9]{{1,3}}(?:[{re.escape(parting)}][0-9]{{3}})+"
    if not re.fullmatch(rf"[+-]?(?:(?:{grouped}|[0-9]+)(?:{decimals}[0-9]*)?|{decimals}[0-9]+)", text):
        raise Fault("no number")
    text = re.sub(f"[{re.escape(parting)}]", "", text).replace(sign or ".", ".")
    return decimal.Decimal(text)


def whole(number):
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise Fault("no whole number")
    return number


def fits_json(number):
    """15 to 17 digits fit a number of JSON."""
    if number == number.to_integral_value() and abs(number) < 2**63:
        return True
    return decimal.Decimal(repr(float(number))) == number


# Yes and no

YES = {"true", "yes", "y", "1", "x", "on", "t"}
NO = {"false", "no", "n", "0", "off", "f"}


def parse_bool(value, yes=None, no=None):
    if isinstance(value, bool):
        return value
    if isinstance(value, (datetime.date, Moment)):
        raise Fault("no truth")
    word = alike(to_text(value))
    yes = None if yes is None else {alike(member) for member in yes}
    no = None if no is None else {alike(member) for member in no}
    if yes is None and no is None:
        yes, no = YES, NO
    if yes is not None and word in yes:
        return True
    if no is not None and word in no:
        return False
    if yes is None:
        return True
    if no is None:
        return False
    raise Fault("no truth")


# Dates

PLAIN = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?(?:\[([A-Za-z_/]+)\])?)?"
)


def _offset(text):
    if text == "Z":
        return datetime.timezone.utc
    sign = -1 if text[0] == "-" else 1
    numbers = text[1:].replace(":", "")
    return datetime.timezone(sign * datetime.timedelta(hours=int(numbers[:2]), minutes=int(numbers[2:])))


def plain_date(text):
    """A date as it is read without `formats`: a Day or a Moment."""
    found = PLAIN.fullmatch(text)
    if not found:
        return None
    try:
        if found[4] is None:
            return Day(int(found[1]), int(found[2]), int(found[3]))
        wall = datetime.datetime(*(int(part or 0) for part in found.groups()[:6]))
    except ValueError:
        return None
    zone = found[8] or (_offset(found[7]) if found[7] else None)
    return Moment(wall, zone)


MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def _part(directive):
    names = {"B": MONTHS, "b": [m[:3] for m in MONTHS], "A": DAYS, "a": [d[:3] for d in DAYS]}
    if directive in names:
        return "(" + "|".join(names[directive]) + ")"
    if directive == "Y":
        return "([0-9]{1,4})"
    if directive == "z":
        return "([+-][0-9]{2}:?[0-9]{2})"
    if directive == "p":
        return "([AP]M)"
    return "([0-9]{1,2})"


def formatted_date(text, form):
    """A date by one format: a Day or a Moment, or None."""
    pattern, directives = "", []
    for piece in re.findall(r"%.|\s+|.", form):
        if piece[0] == "%":
            directives.append(piece[1])
            pattern += _part(piece[1])
        elif piece.isspace():
            pattern += r"\s+"
        else:
            pattern += re.escape(piece)
    found = re.fullmatch(pattern, text, re.IGNORECASE)
    if not found:
        return None
    parts = dict(zip(directives, found.groups()))
    year = int(parts["Y"]) if "Y" in parts else int(parts["y"])
    if "Y" in parts and year < 1000:
        raise Fault("no date")
    if "y" in parts:
        year += 1900 if year >= 69 else 2000
    if "m" in parts:
        month = int(parts["m"])
    else:
        name = parts.get("B") or parts.get("b")
        month = [m[:3].lower() for m in MONTHS].index(name[:3].lower()) + 1
    hour, minute, second = int(parts.get("H", 0)), int(parts.get("M", 0)), int(parts.get("S", 0))
    if "I" in parts:
        if not 1 <= int(parts["I"]) <= 12:
            return None
        hour = int(parts["I"]) % 12 + (12 if parts["p"].upper() == "PM" else 0)
    try:
        wall = datetime.datetime(year, month, int(parts["d"]), hour, minute, second)
    except ValueError:
        return None
    if "A" in parts and DAYS[wall.weekday()].lower() != parts["A"].lower():
        return None
    if not {"H", "I"} & set(parts):
        return Day(wall.year, wall.month, wall.day)
    return Moment(wall, _offset(parts["z"]) if "z" in parts else None)


def read_date(value, formats=None):
    """What a cell says: a Day, or a Moment with the zone that it names."""
    if isinstance(value, (Day, Moment)):
        return value
    if not is_text(value):
        raise Fault("no date")
    text = re.sub("[\u00a0\u2009\u202f]", " ", value).strip()
    if formats is None:
        found = plain_date(text)
        if found is None:
            raise Fault("no date")
        return found
    readings = []
    for form in formats:
        found = formatted_date(text, form)
        if found is not None and to_text(found) not in map(to_text, readings):
            readings.append(found)
    if not readings:
        raise Fault("no date")
    if len(readings) > 1:
        raise Fault("two dates")
    return readings[0]


def parse_date(value, kind, formats, zone, version):
    """`kind`: "date" or "datetime"; `zone`: of times that come without one, and in which others are shown."""
    read = read_date(value, formats)
    if isinstance(read, Day):
        if kind == "date":
            return read
        return Moment(datetime.datetime(read.year, read.month, read.day), zone, whole=True)
    at = in_zone(read, zone, version)
    return Day(at.wall.year, at.wall.month, at.wall.day) if kind == "date" else at


def in_zone(at, zone, version):
    """A time in a zone; one that names none is of it. A day stays the day."""
    if zone is None:
        return at
    if at.zone is None:
        return Moment(placed(at.wall, zone).replace(tzinfo=None), zone, at.whole)
    if at.whole and version == 2:
        return at
    there = at.instant().astimezone(zone_of(zone))
    return Moment(there.replace(tzinfo=None), zone, at.whole)
