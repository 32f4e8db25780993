"""The expressions and templates of a mapping: as much of MiniJinja as docs/mapping.md names."""

import datetime
import decimal
import re

from values import Day, Fault, Moment, formatted_date, graphemes, is_number, is_text, placed, plain_date, to_json, to_text

TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+\.\d+|\d+)
  | (?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
  | (?P<name>[^\W\d]\w*)
  | (?P<sign>==|!=|<=|>=|//|\*\*|[-+*/%~<>()\[\]{}.,:|=])
)""",
    re.VERBOSE,
)


def tokens(source):
    out, at = [], 0
    source = source.strip()
    while at < len(source):
        found = TOKEN.match(source, at)
        if not found:
            raise ValueError(f"no expression: {source[at:]!r}")
        kind = found.lastgroup
        out.append((kind, found[kind]))
        at = found.end()
    out.append(("end", ""))
    return out


def unquoted(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text[1:-1])


class Parser:
    def __init__(self, source):
        self.tokens = tokens(source)
        self.at = 0

    def peek(self):
        return self.tokens[self.at][1] if self.tokens[self.at][0] != "text" else None

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, *signs):
        if self.peek() in signs and self.tokens[self.at][0] in ("sign", "name"):
            return self.next()[1]
        return None

    def want(self, sign):
        if not self.take(sign):
            raise ValueError(f"wanted {sign}, found {self.tokens[self.at]}")

    def expression(self):
        value = self.either()
        if self.take("if"):
            condition = self.either()
            other = self.expression() if self.take("else") else ("constant", "")
            return ("choice", condition, value, other)
        return value

    def either(self):
        left = self.both()
        while self.take("or"):
            left = ("or", left, self.both())
        return left

    def both(self):
        left = self.negated()
        while self.take("and"):
            left = ("and", left, self.negated())
        return left

    def negated(self):
        if self.take("not"):
            return ("not", self.negated())
        return self.compared()

    def compared(self):
        left = self.sum()
        while True:
            if sign := self.take("==", "!=", "<", "<=", ">", ">="):
                left = ("compare", sign, left, self.sum())
            elif self.take("in"):
                left = ("in", left, self.sum())
            elif self.peek() == "not" and self.tokens[self.at + 1][1] == "in":
                self.at += 2
                left = ("not", ("in", left, self.sum()))
            else:
                return left

    def sum(self):
        left = self.joined()
        while sign := self.take("+", "-"):
            left = ("math", sign, left, self.joined())
        return left

    def joined(self):
        left = self.product()
        while self.take("~"):
            left = ("join", left, self.product())
        return left

    def product(self):
        left = self.signed()
        while sign := self.take("*", "//", "%"):
            left = ("math", sign, left, self.signed())
        return left

    def signed(self):
        if self.take("-"):
            return ("math", "-", ("constant", 0), self.signed())
        return self.tested()

    def tested(self):
        value = self.primary()
        while True:
            if self.take("."):
                value = ("member", value, ("constant", self.next()[1]))
            elif self.take("["):
                value = self.indexed(value)
            elif self.take("|"):
                name = self.next()[1]
                value = ("filter", name, value, self.arguments() if self.take("(") else ([], {}))
            elif self.take("is"):
                no = self.take("not")
                name = self.next()[1]
                value = ("test", name, value, self.arguments() if self.take("(") else ([], {}))
                value = ("not", value) if no else value
            else:
                return value

    def indexed(self, value):
        start = None if self.peek() == ":" else self.expression()
        if self.take(":"):
            stop = None if self.peek() == "]" else self.expression()
            self.want("]")
            return ("slice", value, start, stop)
        self.want("]")
        return ("member", value, start)

    def arguments(self):
        plain, named = [], {}
        while not self.take(")"):
            if self.tokens[self.at][0] == "name" and self.tokens[self.at + 1] == ("sign", "="):
                name = self.next()[1]
                self.want("=")
                named[name] = self.expression()
            else:
                plain.append(self.expression())
            self.take(",")
        return plain, named

    def primary(self):
        kind, text = self.next()
        if kind == "number":
            return ("constant", decimal.Decimal(text))
        if kind == "text":
            return ("constant", unquoted(text))
        if kind == "name":
            if text in ("true", "false", "none"):
                return ("constant", {"true": True, "false": False, "none": None}[text])
            if self.take("("):
                return ("call", text, self.arguments())
            return ("name", text)
        if text == "(":
            value = self.expression()
            self.want(")")
            return value
        if text == "[":
            members = []
            while not self.take("]"):
                members.append(self.expression())
                self.take(",")
            return ("list", members)
        raise ValueError(f"no value: {text!r}")


def kind_of(value):
    if isinstance(value, bool):
        return "truth"
    if is_number(value):
        return "number"
    if is_text(value):
        return "text"
    if isinstance(value, (Day, Moment)):
        return "date"
    return "other"


def empty(value):
    return value is None or value == ""


def time_of(value):
    """Something by which dates and times are ordered."""
    if isinstance(value, Moment):
        if value.zone is None:
            return value.wall.replace(tzinfo=datetime.timezone.utc)
        return value.instant()
    return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.timezone.utc)


def same_kind(left, right):
    if kind_of(left) != kind_of(right):
        raise Fault("compared")


def equal(left, right):
    if empty(left) or empty(right):
        return empty(left) and empty(right)
    same_kind(left, right)
    if kind_of(left) == "date":
        return ordered(left, right) == 0
    return left == right


def ordered(left, right):
    if kind_of(left) == "date":
        # A time without a zone is of the zone of the other.
        if isinstance(left, Moment) and isinstance(right, Moment) and (left.zone is None or right.zone is None):
            zone = left.zone or right.zone
            left, right = (Moment(side.wall, side.zone or zone) for side in (left, right))
        elif isinstance(left, Moment) != isinstance(right, Moment):
            zone = left.zone if isinstance(left, Moment) else right.zone
            left, right = (
                side if isinstance(side, Moment) else Moment(datetime.datetime(side.year, side.month, side.day), zone)
                for side in (left, right)
            )
        left, right = time_of(left), time_of(right)
    return (left > right) - (left < right)


def compare(sign, left, right):
    if sign in ("==", "!="):
        return equal(left, right) == (sign == "==")
    if empty(left) or empty(right):
        # An empty cell is neither before nor after anything.
        return sign in ("<=", ">=") and empty(left) and empty(right)
    same_kind(left, right)
    order = ordered(left, right)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]


def truth(value):
    if value is None or value == "" or value == []:
        return False
    if isinstance(value, bool) or is_number(value):
        return bool(value)
    return True


def shown(value):
    """A value as a template prints it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_text(value)


def capitalized(text):
    return text[:1].upper() + text[1:].lower()


def titled(text):
    return re.sub(r"[^-\s({\[<]+", lambda found: capitalized(found[0]), text)


def truncate(text, length=255):
    """At most so many characters, cut between words, with a sign at the cut."""
    signs = graphemes(text)
    if len(signs) <= length:
        return text
    cut = "".join(signs[: int(length) - 1])
    spaces = list(re.finditer(r"\s", cut))
    if spaces:
        cut = cut[: spaces[-1].start()].rstrip()
    return cut + "…"


def strftime(value, form):
    if empty(value):
        return ""
    if kind_of(value) != "date":
        raise Fault("template")
    wall = value.wall if isinstance(value, Moment) else datetime.datetime(value.year, value.month, value.day)
    return wall.strftime(form)


def text_of(value):
    return "" if value is None else value if is_text(value) else shown(value)


FILTERS = {
    "upper": lambda value: text_of(value).upper(),
    "lower": lambda value: text_of(value).lower(),
    "title": lambda value: titled(text_of(value)),
    "capitalize": lambda value: capitalized(text_of(value)),
    "trim": lambda value: text_of(value).strip(),
    "replace": lambda value, old, new: text_of(value).replace(old, new),
    "length": lambda value: len(value),
    "default": lambda value, other="", also=False: other if also and not truth(value) else value,
    "join": lambda value, sign="": sign.join(text_of(member) for member in value),
    "first": lambda value: value[0] if value else "",
    "last": lambda value: value[-1] if value else "",
    "reverse": lambda value: value[::-1],
    "unique": lambda value: list(dict.fromkeys(value)),
    "sort": lambda value: sorted(value, key=lambda text: text.lower()),
    "split": lambda value, sign: text_of(value).split(sign),
    "wordcount": lambda value: len(text_of(value).split()),
    "tojson": lambda value: to_json("" if value is None else value),
    "truncate": lambda value, length=255: truncate(text_of(value), length),
    "strftime": strftime,
    "string": text_of,
}

TESTS = {
    "defined": lambda value: True,
    "none": lambda value: value is None,
    "string": is_text,
    "number": lambda value: kind_of(value) == "number",
    "eq": lambda value, other: equal(value, other),
    "ne": lambda value, other: not equal(value, other),
    "gt": lambda value, other: compare(">", value, other),
    "ge": lambda value, other: compare(">=", value, other),
    "lt": lambda value, other: compare("<", value, other),
    "le": lambda value, other: compare("<=", value, other),
    "in": lambda value, others: contains(others, value),
}


def contains(among, value):
    if is_text(among):
        return text_of(value) in among
    if not isinstance(among, list):
        raise Fault("template")
    return any(equal(value, member) for member in among)


def date_function(text, form=None):
    if empty(text):
        return ""
    if isinstance(text, (Day, Moment)):
        return text
    found = None
    if is_text(text):
        found = plain_date(text.strip()) if form is None else formatted_date(text.strip(), form)
    if found is None:
        raise Fault("template")
    if isinstance(found, Day):
        return Moment(datetime.datetime(found.year, found.month, found.day))
    return found


class Scope:
    """Names of an expression: `lookup` gives the value of a column, `known` says whether there is one."""

    def __init__(self, column, extra=None):
        self.column = column
        self.extra = extra or {}

    def with_names(self, **names):
        return Scope(self.column, {**self.extra, **names})

    def evaluate(self, node):
        return getattr(self, "_" + node[0])(*node[1:])

    def _constant(self, value):
        return value

    def _list(self, members):
        return [self.evaluate(member) for member in members]

    def _name(self, name):
        if name in self.extra:
            return self.extra[name]
        value = self.column(name)
        return "" if value is None else value

    def _member(self, owner, name):
        name = self.evaluate(name)
        if owner == ("name", "row"):
            value = self.column(name)
            return "" if value is None else value
        value = self.evaluate(owner)
        if callable(value):
            return value(name)
        if isinstance(value, dict):
            found = value.get(name)
            return "" if found is None else found.strip() if is_text(found) else found
        if isinstance(value, (list, str)) and is_number(name):
            at = int(name)
            return value[at] if -len(value) <= at < len(value) else ""
        return ""

    def _slice(self, value, start, stop):
        value = self.evaluate(value)
        start = None if start is None else int(self.evaluate(start))
        stop = None if stop is None else int(self.evaluate(stop))
        return (value if isinstance(value, list) else text_of(value))[start:stop]

    def _choice(self, condition, value, other):
        return self.evaluate(value if truth(self.evaluate(condition)) else other)

    def _or(self, left, right):
        value = self.evaluate(left)
        return value if truth(value) else self.evaluate(right)

    def _and(self, left, right):
        value = self.evaluate(left)
        return self.evaluate(right) if truth(value) else value

    def _not(self, value):
        return not truth(self.evaluate(value))

    def _compare(self, sign, left, right):
        return compare(sign, self.evaluate(left), self.evaluate(right))

    def _in(self, value, among):
        return contains(self.evaluate(among), self.evaluate(value))

    def _join(self, left, right):
        return text_of(self.evaluate(left)) + text_of(self.evaluate(right))

    def _math(self, sign, left, right):
        left, right = self.evaluate(left), self.evaluate(right)
        if sign == "+" and is_text(left) and is_text(right):
            return left + right
        if not (is_number(left) and is_number(right)):
            raise Fault("template")
        if sign == "//":
            return left // right
        return {"+": left + right, "-": left - right, "*": left * right}.get(sign)

    def _filter(self, name, value, arguments):
        plain, named = self._arguments(arguments)
        value = self.evaluate(value)
        try:
            return FILTERS[name](value, *plain, **named)
        except TypeError as error:
            # A filter that cannot be applied to a value.
            raise Fault("template") from error

    def _test(self, name, value, arguments):
        plain, named = self._arguments(arguments)
        return TESTS[name](self.evaluate(value), *plain, **named)

    def _call(self, name, arguments):
        plain, _ = self._arguments(arguments)
        if name != "date":
            raise ValueError(f"no function {name}")
        return date_function(*plain)

    def _arguments(self, arguments):
        plain, named = arguments
        return [self.evaluate(one) for one in plain], {name: self.evaluate(one) for name, one in named.items()}


def names(node):
    """The columns that an expression names, in their order."""
    out = []
    if isinstance(node, tuple) and node:
        if node[0] == "name":
            return [] if node[1] in ("row", "item", "loop") else [node[1]]
        if node[0] == "member" and node[1] == ("name", "row"):
            return [node[2][1]]
        if node[0] == "constant":
            return []
    if isinstance(node, (tuple, list)):
        for part in node:
            out += names(part)
    return out


def names_of_template(source):
    if source not in TEMPLATES:
        TEMPLATES[source] = parse_template(source)

    def walk(nodes):
        out = []
        for node in nodes:
            if node[0] == "print":
                out += names(node[1])
            elif node[0] == "if":
                for test, body in node[1]:
                    out += names(test) + walk(body)
            elif node[0] == "for":
                out += names(node[2]) + [name for name in walk(node[3]) if name != node[1]]
            elif node[0] == "set":
                out += names(node[2])
        return out

    return walk(TEMPLATES[source])


PARSED = {}


def expression(source):
    if source not in PARSED:
        PARSED[source] = Parser(source).expression()
    return PARSED[source]


def condition(source, scope):
    return truth(scope.evaluate(expression(source)))


# Templates

PIECE = re.compile(r"(\{\{-?.*?-?\}\}|\{%-?.*?-?%\}|\{#-?.*?-?#\})", re.DOTALL)


def pieces(source):
    parts = PIECE.split(source)
    for at in range(1, len(parts), 2):
        if parts[at][2] == "-":
            parts[at - 1] = parts[at - 1].rstrip()
        if parts[at][-3] == "-":
            parts[at + 1] = parts[at + 1].lstrip()
    return parts


def parse_template(source):
    parts = pieces(source)
    # One line break at the end of a template belongs to the file, not to the text.
    if parts[-1].endswith("\n"):
        parts[-1] = parts[-1][:-1]
    at = 0

    def block(ends):
        nonlocal at
        out = []
        while at < len(parts):
            part = parts[at]
            at += 1
            if not PIECE.fullmatch(part):
                if part:
                    out.append(("text", part))
                continue
            inner = part[2:-2].strip("-").strip()
            if part.startswith("{#"):
                continue
            if part.startswith("{{"):
                out.append(("print", expression(inner)))
                continue
            word, _, rest = inner.partition(" ")
            if word in ends:
                return out, (word, rest)
            if word == "if":
                branches = []
                test = expression(rest)
                while True:
                    body, (end, more) = block(("elif", "else", "endif"))
                    branches.append((test, body))
                    if end == "endif":
                        break
                    test = expression(more) if end == "elif" else ("constant", True)
                out.append(("if", branches))
            elif word == "for":
                name, _, among = rest.partition(" in ")
                body, _ = block(("endfor",))
                out.append(("for", name.strip(), expression(among), body))
            elif word == "set":
                name, _, value = rest.partition("=")
                out.append(("set", name.strip(), expression(value)))
            else:
                raise ValueError(f"no statement: {inner}")
        return out, (None, None)

    return block(())[0]


TEMPLATES = {}


def fill(source, scope):
    if source not in TEMPLATES:
        TEMPLATES[source] = parse_template(source)
    return _fill(TEMPLATES[source], scope)


def _fill(nodes, scope):
    out = []
    for node in nodes:
        if node[0] == "text":
            out.append(node[1])
        elif node[0] == "print":
            out.append(shown(scope.evaluate(node[1])))
        elif node[0] == "if":
            for test, body in node[1]:
                if truth(scope.evaluate(test)):
                    out.append(_fill(body, scope))
                    break
        elif node[0] == "for":
            among = scope.evaluate(node[2])
            among = list(among)
            for at, member in enumerate(among):
                loop = {"index": at + 1, "index0": at, "first": at == 0, "last": at + 1 == len(among)}
                out.append(_fill(node[3], scope.with_names(**{node[1]: member, "loop": loop})))
        elif node[0] == "set":
            scope = scope.with_names(**{node[1]: scope.evaluate(node[2])})
    return "".join(out)
