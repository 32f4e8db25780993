"""A cell as the program sends it beside the same cell as LibreOffice shows it, and the rules by which they may differ."""

import datetime
import re

ERRORS = re.compile(r"#N/A|#DIV/0!|#REF!|#VALUE!|#NAME\?|#NUM!|#NULL!|#SPILL!|#CALC!|#GETTING_DATA|Err:\d+")


def letters(number):
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def file_name(sheet):
    """The name of a sheet as far as the name of a file can hold it."""
    return re.sub(r"[^\w]+", "_", sheet)


def table(text):
    """The rows of a CSV; a cell is its text and whether it stands in quotes."""
    rows, row, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            cell, at = "", at + 1
            while True:
                end = text.index('"', at)
                cell += text[at:end]
                at = end + 1
                if text[at : at + 1] != '"':
                    break
                cell += '"'
                at += 1
            row.append((cell, True))
        else:
            end = at
            while end < len(text) and text[end] not in ",\r\n":
                end += 1
            row.append((text[at:end], False))
            at = end
        if text[at : at + 1] == ",":
            at += 1
            if at == len(text) or text[at] in "\r\n":
                row.append(("", False))
            else:
                continue
        at += 2 if text[at : at + 2] == "\r\n" else 1
        rows.append(row)
        row = []
    return rows


def at(rows, row, column):
    try:
        return rows[row - 1][column - 1]
    except IndexError:
        return ("", False)


TRUTHS = {"true": ("TRUE", "VRAI", "1", "12/31/1899"), "false": ("FALSE", "FAUX", "0", "12/30/1899")}
# The days from which spreadsheet programs count: a time of day has none.
EPOCHS = (datetime.date(1899, 12, 30), datetime.date(1904, 1, 1))


def rule(mine, shown, held, numbers, without_errors):
    """The rule by which a cell is what it is; `None`: it differs. What is no number is quoted as it is held."""
    theirs, is_text = shown[0], held[1]
    if mine == theirs:
        return "the same"
    if mine == plain(theirs).strip():
        return "space: outer space, ends of lines"
    if ERRORS.fullmatch(theirs.strip()):
        return "error: a cell with an error counts as empty" if without_errors and not mine else None
    if held[0] in TRUTHS.get(mine, ()) or theirs in TRUTHS.get(mine, ()):
        return "truth: true and false, whatever its format"
    if mine in ("0", "1") and theirs == ("FALSE", "TRUE")[int(mine)]:
        return "truth: one that the file holds as a number"
    if mine.replace("\t", "") == plain(theirs).strip() and "\t" in mine:
        return "tab: LibreOffice drops tabs of an ODS"
    if is_text:
        return None
    if (number := decimal(mine)) is not None and (other := decimal(held[0])) is not None:
        if numbers == "held":
            return "held: a number as it is held" if close(number, other) else None
        is_plain = general(theirs) or theirs == f"{number:.10g}"
        return "general: all digits of a number without a format" if is_plain and close(number, other) else None
    if is_half(mine, theirs.strip(), held[0]):
        return "half: rounded up as Excel does, by the digits and not by the binary fraction"
    if (moment := time(mine)) is not None and moment in times(held[0]):
        return "date: a date or time in the one form in which all are sent"
    return None


# What LibreOffice makes anew, so that nothing of the file is compared: by file.
ANEW = {
    "pivots.xlsx": "LibreOffice builds pivot tables anew, with words of its own",
    "table_with_insertrow_attribute.xlsx": "RAND() is computed anew",
    "issue_646_unsupported_formula_function.xls": "a formula is computed anew",
    "issues.xlsb": "a formula is computed anew",
    "ptgexp-truncated-operand.xls": "a formula is computed anew",
    "xls_formula_columns_beyond_z.xls": "a formula is computed anew",
    "empty-string.xls": "a formula is computed anew",
    "any_sheets.xls": "the data of a chart that is a sheet",
    "inlineStr_with_value.xlsx": "a text that stands beside a value: Excel shows it",
}


def plain(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decimal(text):
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?(?:E[+-]?\d+)?)(%?)", text)
    return float(found[1]) / (100 if found[2] else 1) if found else None


def is_half(mine, theirs, held):
    """Whether two numbers differ by one in their last digit, and what is held lies in the middle."""
    ours, others = (re.sub(r"[^\d.]", "", text) for text in (mine, theirs))
    places = len(ours.partition(".")[2])
    number = decimal(held)
    if number is None or not ours or not others or places != len(others.partition(".")[2]):
        return False
    try:
        step = abs(float(ours) - float(others)) * 10**places
    except ValueError:
        return False
    middle = abs(number) * (100 if "%" in mine else 1) * 10**places % 1
    return abs(step - 1) < 1e-6 and abs(middle - 0.5) < 1e-6


def general(text):
    """Whether a number is shown without a format: LibreOffice shows ten digits of it, the program all."""
    return re.fullmatch(r"-?\d+(\.\d+)?(E[+-]?\d+)?", text) is not None and (
        "E" in text or len(re.sub(r"\D", "", text).lstrip("0")) >= 9
    )


def close(one, two):
    return one == two or abs(one - two) <= 1e-14 * max(abs(one), abs(two))


TIME = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d))?[ T]?(?:(-?\d+):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?")
AMERICAN = re.compile(r"(\d\d?)/(\d\d?)/(\d{2,4})(?: (\d+):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ([AP]M))?)?")
CLOCK = re.compile(r"(\d+):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ([AP]M))?")


def time(text):
    """A date as its day, a time as its second, both as a pair: (date or None, seconds or None)."""
    found = TIME.fullmatch(text)
    if not text or not found:
        return None
    year, month, day, hours, minutes, seconds, part = found.groups()
    try:
        date = datetime.date(int(year), int(month), int(day)) if year else None
    except ValueError:
        return None
    return date, clock(hours, minutes, seconds, part, None)


def clock(hours, minutes, seconds, part, half):
    if hours is None:
        return None
    hours = int(hours)
    if half:
        hours = hours % 12 + (12 if half == "PM" else 0)
    # Parts of a second are rounded in one place and cut in the other.
    return 3600 * hours + 60 * int(minutes) + int(seconds or 0)


def times(text):
    """What a date or time of LibreOffice may be, with a second to both sides."""
    found = []
    text = re.sub(r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3", text)
    if (iso := time(text)) is not None:
        found.append(iso)
    if match := AMERICAN.fullmatch(text):
        month, day, year, hours, minutes, seconds, part, half = match.groups()
        try:
            date = datetime.date(int(year) if len(year) == 4 else 2000 + int(year), int(month), int(day))
            found.append((date, clock(hours, minutes, seconds, part, half)))
            if len(year) == 2:
                found.append((date.replace(year=date.year - 100), found[-1][1]))
        except ValueError:
            pass
    if match := CLOCK.fullmatch(text):
        hours, minutes, seconds, part, half = match.groups()
        found.append((None, clock(hours, minutes, seconds, part, half)))
    for date, seconds in list(found):
        if date in EPOCHS and seconds is not None:
            found.append((None, seconds))
        if seconds is not None:
            # Minutes alone are sent where there are no seconds.
            found += [(date, seconds - 1), (date, seconds + 1)]
            if seconds == 0:
                found.append((date, None))
        elif date is not None:
            # An ODS may say the midnight of a day that is shown without a time.
            found.append((date, 0))
    return found
