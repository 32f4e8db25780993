"""What a mapping makes of rows, by docs/mapping.md alone."""

import datetime
import functools
import re

import template
import values
from values import Day, Fault, Moment, alike, alike_name, is_number, is_text, to_text


# What is no cell: where a row stands.
OURS = ("_file", "_sheet", "_row")


class SkipField(Exception):
    pass


class SkipRow(Exception):
    pass


class Unfound(str):
    """What `extract` makes of a text in which it finds nothing."""


class Table:
    """Headings and where they stand."""

    def __init__(self, headings, file, sheet):
        self.headings = headings
        self.file = file
        self.sheet = sheet

    @functools.lru_cache(maxsize=None)
    def places(self, name, version):
        """Where the columns of a name stand, or None if there is no such column."""
        if repeated := re.fullmatch(r"(.*)\[(\*|\d+)\]", name):
            alikes = self._alike(repeated[1], version)
            if repeated[2] == "*":
                return alikes or None
            at = int(repeated[2])
            return [alikes[at - 1]] if 0 < at <= len(alikes) else None
        if numbered := re.fullmatch(r"#(\d+)", name):
            return [int(numbered[1]) - 1]
        alikes = self._alike(name, version)
        exact = [at for at in alikes if self.headings[at] == name]
        # The one that is written exactly so goes first; version 1 knows no difference.
        found = exact if exact and version == 2 else alikes
        return found[:1] or None

    def _alike(self, name, version):
        return [at for at, heading in enumerate(self.headings) if alike_name(heading) == alike_name(name)]


class Row:
    def __init__(self, table, number, cells):
        self.table = table
        self.number = number
        self.cells = cells
        self.made = {}
        # What `each` at the top reads the row for.
        self.item = None


def words(value):
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_null(value, nulls, version, own=()):
    """Whether a cell is empty: `nulls` are words of [input], `own` those of a field."""
    if value is None:
        return True
    if is_text(value):
        return not value.strip() or alike(value) in {alike(word) for word in (*nulls, *own)}
    if is_number(value):
        # Version 1 compares only texts with the words of [input].
        return alike(to_text(value)) in {alike(word) for word in (*(nulls if version == 2 else ()), *own)}
    return False


class Mapping:
    """A mapping, its further tables (`sheets` by name of sheet or file) and the names of the system."""

    def __init__(self, source, system, sheets):
        self.source = source
        self.system = system
        self.version = source["version"]
        self.input = source.get("input", {})
        self.columns = self.input.get("columns", {})
        self.nulls = words(self.input.get("null"))
        self.zone = self.input.get("timezone")
        self.sheets = sheets
        self.indexes = {}
        # Whether a column was read from which a step left the value out.
        self.left_out = False
        # The keys of all rows of the input.
        self.keys = set()

    # Columns

    def raw(self, row, name):
        """A cell as it is, or the cells of `Name[*]`."""
        if name == "_row":
            return row.number
        if name == "_file":
            return row.table.file
        if name == "_sheet":
            return row.table.sheet
        places = row.table.places(name, self.version)
        if places is None:
            return None
        found = [values.read_cell(row.cells[at], self.version) for at in places]
        return found if name.endswith("[*]") else found[0]

    def type_of(self, name):
        for heading, spec in self.columns.items():
            if alike_name(heading) == alike_name(name):
                return heading, spec
        return None, None

    def is_made(self, name):
        return bool({"from", "from_first", "template", "value"} & set(self.type_of(name)[1] or ()))

    def in_order(self, row):
        """The columns with types as they stand in the file, and those that are made behind them."""
        made = [name for name, spec in self.columns.items() if {"from", "from_first", "template", "value"} & set(spec)]
        typed = [name for name in self.columns if name not in made]
        places = {name: row.table.places(name, self.version) or [len(row.cells)] for name in typed}
        return sorted(typed, key=lambda name: places[name][0]) + made

    def cell(self, row, name, seen=frozenset(), nulls=(), types=None):
        """A column of a row, by its type, or made by its steps; None where it is empty."""
        heading, spec = self.type_of(name) if types is None else (name, types.get(name))
        made = spec is not None and {"from", "from_first", "template", "value"} & set(spec)
        if made and heading not in seen:
            if heading not in row.made:
                row.made[heading] = self._make(row, heading, spec, seen)
            kind, value = row.made[heading]
            if kind == "fault":
                raise Fault(value.kind, value.column or name)
            if kind == "left out":
                self.left_out = True
                return None
            if isinstance(value, list):
                return [one for one in value if not is_null(one, (), self.version, nulls)] or None
            return None if is_null(value, (), self.version, nulls) else value
        value = self.raw(row, name)
        if isinstance(value, list):
            return [one for one in value if not is_null(one, self.nulls, self.version, nulls)]
        typed = spec is not None and not made
        # Version 1 gives the type first.
        if is_null(value, () if name in OURS else self.nulls, self.version, () if typed and self.version == 1 else nulls):
            return None
        if typed:
            try:
                value = self.parse(value, spec, None)
            except Fault as fault:
                raise Fault(fault.kind, name) from fault
            if self.version == 1 and is_null(value, [], 1, nulls):
                return None
        return value

    def _make(self, row, heading, spec, seen):
        # It may be made of those above it; in its own steps its name is the file's column.
        hidden = seen | {heading}
        for other in reversed(self.columns):
            hidden |= {other}
            if other == heading:
                break
        try:
            return "value", self.value(spec, {"kind": "any", "column": True}, Context(self, [row], row.item, hidden))
        except SkipField:
            return "left out", None
        except Fault as fault:
            return "fault", fault

    # Steps

    def parse(self, value, spec, kind):
        """The type of a field or column."""
        parse = spec.get("parse") or {"options": None, "text": None, "any": None}.get(kind, kind)
        if parse in ("number", "integer"):
            number = values.parse_number(value, spec.get("decimal"))
            return values.whole(number) if parse == "integer" else number
        if parse == "bool":
            yes, no = spec.get("true"), spec.get("false")
            return values.parse_bool(value, yes and words(yes), no and words(no))
        if parse == "text":
            return to_text(value)
        if parse in ("date", "datetime"):
            formats = spec.get("formats")
            zone = spec.get("timezone") or self.zone
            return values.parse_date(value, parse, formats and words(formats), zone, self.version)
        return value

    def text_steps(self, value, spec, split=False):
        steps = {"collapse", "upper", "lower", "replace", "extract", "html", "repair"}
        if value is None:
            return None
        if not is_text(value) and not steps & {key for key in spec if spec[key] not in (False, "keep")}:
            return value
        text = to_text(value)
        if spec.get("repair"):
            text = values.repair(text)
        markup = spec.get("html")
        if markup == "strip":
            text = values.strip_html(text, self.version)
        # What is always the same is as it is written.
        trim = spec.get("trim", "value" not in spec)
        if split and self.version == 2:
            # It is split as it is: its parts are trimmed.
            trim = False
        if trim:
            text = text.strip()
        if spec.get("collapse"):
            text = " ".join(text.split())
        if spec.get("upper"):
            text = text.upper()
        if spec.get("lower"):
            text = text.lower()
        for pattern, new in spec.get("replace", []):
            text = re.sub(wording(pattern), functools.partial(_replacement, new), text)
        if "extract" in spec:
            found = re.search(wording(spec["extract"]), text)
            if not found:
                # Nothing is found: that is no empty cell for `clear`.
                return Unfound("")
            text = found[1] or ""
        if trim and self.version == 2:
            text = text.strip()
        if markup == "from_text":
            text = values.html_of_text(text)
        return text

    def map_steps(self, value, spec):
        if "map" not in spec or value is None:
            return value
        table = {alike(word): new for word, new in spec["map"].items()}
        found = table.get(alike(to_text(value)))
        if found is not None:
            return constant(found)
        other = spec.get("else", {"do": "error"})
        return self.instead(other, value, "not in map")

    def instead(self, other, value, kind):
        if not isinstance(other, dict):
            return constant(other)
        do = other["do"]
        if do == "keep":
            return value
        if do == "skip_item":
            return None
        if do == "skip_field":
            raise SkipField
        if do == "skip_row":
            raise SkipRow
        raise Fault(kind)

    def look_up(self, value, spec):
        """`lookup`: the cell is a key into another table."""
        if value is None:
            return None
        table, rows = self.sheets[spec.get("sheet") or spec["file"]]
        key = (id(spec), "index")
        if key not in self.indexes:
            index = {}
            for row in rows:
                if "where" in spec:
                    scope = template.Scope(lambda name, row=row: self.typed(row, name, spec.get("columns", {})))
                    if not template.condition(spec["where"], scope):
                        continue
                by = self.typed(row, spec["by"], spec.get("columns", {}))
                if by is not None:
                    index.setdefault(alike_key(by), []).append(self.typed(row, spec["take"], spec.get("columns", {})))
            self.indexes[key] = index
        found = self.indexes[key].get(alike_key(value))
        if found is None:
            return self.instead(spec.get("else", {"do": "error"}), value, "not in table")
        if len({to_text(one) for one in found}) > 1:
            raise Fault("two in table")
        return found[0]

    def typed(self, row, name, types, trim=True):
        """A cell of a further table."""
        value = self.raw(row, name)
        if is_null(value, [], self.version):
            return None
        value = value.strip() if is_text(value) and trim else value
        return self.parse(value, types[name], None) if name in types else value

    def trimmed(self, value):
        """An item as templates and conditions see it: a null word is empty there as in a cell."""
        if type(value) is dict:
            return {name: self.trimmed(member) for name, member in value.items()}
        if isinstance(value, dict):
            return value
        # Version 1 knows the words only as they are written.
        is_padded = self.version == 1 and is_text(value) and value != value.strip()
        if not is_padded and is_null(value, self.nulls, self.version):
            return ""
        return value.strip() if is_text(value) else value

    def value(self, spec, kind, context):
        """The whole way of a field: None, a value, or a list of values for a field that takes several."""
        several = kind.get("several", False)
        before, self.left_out = self.left_out, False
        try:
            name, found = self.origin(spec, kind, context)
            left_out = self.left_out and "template" not in spec
        finally:
            self.left_out = before
        try:
            value = self._steps(spec, kind, context, several, found)
            if value is None and left_out and found in (None, []):
                # What was left out of a column leaves alone what is made of it.
                raise SkipField
            return value
        except Fault as fault:
            raise Fault(fault.kind, fault.column or name) from fault

    def origin(self, spec, kind, context):
        nulls = words(spec.get("null"))
        if "value" in spec:
            return None, constant(spec["value"])
        if "template" in spec:
            text = context.fill(spec["template"], spec)
            return None, None if is_null(text, (), self.version, nulls) else text
        if "from" in spec and not isinstance(spec["from"], list):
            value = context.column(spec["from"], spec, nulls)
            is_array = isinstance(value, list) and not spec["from"].endswith("[*]") and not self.is_made(spec["from"])
            if is_array and not kind.get("several") and self.version == 1:
                value = to_text(context.column(spec["from"], spec, (), whole=True))
            return spec["from"], value
        if "from" in spec:
            # Version 1 looks at the joined text for the field's own words.
            each = nulls if self.version == 2 or spec.get("list") else []
            found = [context.column(name, spec, each) for name in spec["from"]]
            if spec.get("list"):
                several = []
                for one in found:
                    several += one if isinstance(one, list) else [] if one is None else [one]
                return ", ".join(spec["from"]), several
            text = self.joined([one for one in found if one is not None], spec, kind)
            names = ", ".join(spec["from"])
            if self.version == 1 and text is not None and is_null(text, (), 2, nulls):
                return names, None
            return names, text
        names = words(spec["from_first"])
        for name in names:
            value = context.column(name, spec, nulls)
            if value is None and self.version == 1 and nulls:
                # Version 1 takes a number that is such a word, and then it is empty.
                if is_number(context.column(name, spec)):
                    return ", ".join(names), None
            if isinstance(value, list) and name.endswith("[*]"):
                if self.version == 2:
                    value = value[0] if value else None
            if value is not None and value != []:
                return ", ".join(names), value
        return ", ".join(names), None

    def joined(self, found, spec, kind):
        texts = []
        for one in found:
            inner = [to_text(member) for member in (one if isinstance(one, list) else [one])]
            # Version 1 leaves the values of `Name[*]` as they stand in the file.
            keep = self.version == 1 and isinstance(one, list)
            texts += inner if keep else [text.strip() for text in inner]
        if not texts:
            return None
        return spec.get("join", " › " if "resolve" in kind else " ").join(texts)

    def _steps(self, spec, kind, context, several, found):
        if "lookup" in spec and found is not None:
            found = self.look_up(found.strip() if is_text(found) else found, spec["lookup"])
        if isinstance(found, list):
            parts = [self.text_steps(one, spec) for one in found]
            if "split" in spec:
                parts = [part.strip() if is_text(part) else part for one in parts for part in (one.split(spec["split"]) if is_text(one) and not isinstance(one, Unfound) else [one])]
            parts = [one for one in parts if not (is_text(one) and not isinstance(one, Unfound) and not one.strip())]
        else:
            found = self.text_steps(found, spec, "split" in spec)
            parts = [found]
            if "split" in spec and is_text(found):
                parts = [part.strip() for part in found.split(spec["split"])]
        unfiltered = parts
        parts = [one for one in parts if one is not None and not (is_text(one) and not one.strip())]
        mapped = [self.map_steps(one, spec) for one in parts]
        mapped = [one for one in mapped if one is not None and one != ""]
        if spec.get("order") == "descending":
            mapped.reverse()
        if spec.get("unique"):
            seen = {}
            for one in mapped:
                seen.setdefault(alike(to_text(one)), one)
            mapped = list(seen.values())
        if "max_items" in spec:
            mapped = mapped[: spec["max_items"]]
        if not mapped and "default" in spec:
            default = spec["default"]
            mapped = [self.instead(default, None, "empty")] if isinstance(default, dict) else [constant(default)]
        if kind["kind"] == "any" and "column" in kind and (isinstance(found, list) or "split" in spec or spec.get("list")):
            # A column that is made of several values is a list, unless `join` makes one text of it.
            if mapped and "join" in spec:
                return spec["join"].join(map(to_text, mapped))
            return mapped or None
        if not several and len(mapped) > 1:
            mapped = [spec.get("join", " › " if "resolve" in kind else " ").join(map(to_text, mapped))]
        out = []
        for one in mapped:
            try:
                out.append(self.finish(one, spec, kind, context))
            except SkipItem:
                continue
        if (spec.get("required") or kind.get("required")) and not out:
            raise Fault("empty")
        if several and out:
            return out
        if not out and (isinstance(found, Unfound) or isinstance(found, list) and any(isinstance(one, Unfound) for one in unfiltered)):
            raise SkipField
        return out[0] if out else None

    def finish(self, value, spec, kind, context):
        # A field that takes a day reads a time first.
        typed = self.parse(value, spec, "datetime" if kind["kind"] == "date" else kind["kind"])
        if is_number(typed) and not isinstance(typed, bool):
            if "min" in spec and typed < spec["min"] or "max" in spec and typed > spec["max"]:
                raise Fault("out of bounds")
        if kind["kind"] == "row":
            return self.key_of_row(to_text(typed).strip(), spec)
        if kind["kind"] == "name":
            return self.resolve(typed, spec, kind, context)
        if kind["kind"] == "number":
            typed = values.parse_number(typed)
            if not values.fits_json(typed):
                raise Fault("lost digits")
            return typed
        if kind["kind"] == "integer":
            return values.whole(values.parse_number(typed))
        if kind["kind"] == "bool":
            return values.parse_bool(typed)
        if kind["kind"] == "date":
            at = values.parse_date(typed, "datetime", None, None, self.version)
            if self.zone and not (at.whole and self.version == 2):
                # The day that it is in the zone of the input.
                at = values.in_zone(at, self.zone, self.version)
            return at.wall.date().isoformat()
        if kind["kind"] == "datetime":
            at = self.parse(typed, {}, "datetime")
            if at.zone is None:
                raise Fault("no zone")
            if self.zone and not (at.whole and self.version == 2):
                at = values.in_zone(at, self.zone, self.version)
            return at.instant().isoformat()
        if kind["kind"] == "any":
            return typed
        return self.check_text(typed, spec, kind, context)

    def check_text(self, value, spec, kind, context):
        text = to_text(value)
        if kind["kind"] == "options":
            text = text.strip()
        if "one_of" in spec and alike(text) not in {alike(word) for word in words(spec["one_of"])}:
            raise Fault("no option")
        if "pattern" in spec and not re.fullmatch(wording(spec["pattern"]), text):
            raise Fault("no fit")
        if kind["kind"] == "options":
            for option, means in kind["options"].items():
                if alike(option) == alike(text):
                    return means
            raise Fault("no option")
        room = kind.get("room", 0)
        truncate = spec.get("overflow") == "truncate"
        whole = self.version == 2 or spec.get("html") in ("keep", "from_text")
        if "max_length" in spec:
            limit = spec["max_length"] - room
            if room and limit < 1:
                raise Fault("no room")
            if len(values.graphemes(text)) > limit:
                if not truncate:
                    raise Fault("too long")
                text = values.cut(text, limit, lambda sign: 1, whole)
        if "limit" in kind and len(text) > kind["limit"] - room:
            if not truncate:
                raise Fault("too long")
            text = values.cut(text, kind["limit"] - room, len, whole)
        return text

    def key_of_row(self, key, spec):
        """The key of another row, which the input must have."""
        if key not in self.keys:
            self.instead(spec.get("missing", {"do": "error"}), key, "no key")
        return key

    def resolve(self, value, spec, kind, context):
        name = to_text(value)
        aliases = {alike_name(word): other for word, other in spec.get("aliases", {}).items()}
        name = aliases.get(alike_name(name), name)
        found = self.named(name, spec, kind, context)
        if len(found) == 1:
            return found[0]["id"]
        other = spec.get("ambiguous" if found else "missing", {"do": "error"})
        if isinstance(other, dict):
            if other["do"] == "skip_item":
                raise SkipItem
            self.instead(other, value, "ambiguous" if found else "no name")
        found = self.named(to_text(constant(other)), spec, kind, context)
        return found[0]["id"]

    def named(self, name, spec, kind, context):
        entries = kind["entries"]
        if "within" in spec:
            parent = context.done.get(spec["within"])
            entries = [entry for entry in entries if entry.get("parent") == parent]
        for entry in entries:
            if entry["id"] == name.strip():
                return [entry]
        tried = words(spec.get("match")) or kind["match"]
        for match in tried:
            has = lambda entry: entry["name"] if match == "name" else entry.get("properties", {}).get(match, "")
            exact = [entry for entry in entries if has(entry) == name.strip()]
            alikes = [entry for entry in entries if alike_name(has(entry)) == alike_name(name)]
            found = exact if len(exact) == 1 else alikes
            if found:
                return found
        return []


class SkipItem(Exception):
    pass


def alike_key(value):
    return alike(to_text(value)) if is_text(value) else to_text(value)


def constant(value):
    """A value of a mapping: TOML's numbers are numbers of the language."""
    if isinstance(value, list):
        return [constant(member) for member in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return values.decimal.Decimal(str(value))
    return value


def wording(pattern):
    """Accents and joiners belong to words, which Python does not know."""
    return pattern.replace(r"\w", "[\\w\u0300-\u036f\u200c\u200d]")


def _replacement(new, found):
    def group(part):
        if part[0] == "$$":
            return "$"
        return found[int(part[1] or part[2])] or ""

    return re.sub(r"\$\$|\$\{(\d+)\}|\$(\d+)", group, new)


class Context:
    """The rows of a record, the item of `each`, and what other fields have become."""

    def __init__(self, mapping, rows, item=None, hidden=frozenset()):
        self.mapping = mapping
        self.rows = rows
        self.item = item
        self.hidden = hidden
        self.done = {}
        # The row that gave the first value.
        self.taken = None

    def column(self, name, spec, nulls=(), whole=False):
        """A column of the record; `whole` is a JSON array as it stands in the file."""
        if whole:
            row = self.rows[0 if (spec.get("take") or self.mapping.input.get("take", "last")) == "first" else -1]
            return self.mapping.raw(row, name)
        if name == "item" or name.startswith("item."):
            value = self.member(name)
            return None if is_null(value, self.mapping.nulls, self.mapping.version, nulls) else value
        take = spec.get("take") or self.mapping.input.get("take", "last")
        if take == "last_filled":
            for row in reversed(self.rows):
                # For version 1 a cell that is a word of the field's own `null` is filled.
                value = self.reads(row, name, nulls if self.mapping.version == 2 else ())
                if value is not None and not (value == [] and name.endswith("[*]")):
                    self.taken = self.taken or row.number
                    return self.reads(row, name, nulls)
            # Where none is filled it is the last.
            self.taken = self.taken or self.rows[-1].number
            self.mapping.left_out = False
            return self.reads(self.rows[-1], name, nulls)
        row = self.rows[0 if take == "first" else -1]
        self.taken = self.taken or row.number
        return self.reads(row, name, nulls)

    def reads(self, row, name, nulls):
        try:
            return self.mapping.cell(row, name, self.hidden, nulls)
        except Fault:
            self.taken = row.number
            raise

    def member(self, name):
        value = self.item
        for part in name.split(".")[1:]:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def seen(self, name, spec=None):
        """A column as conditions and templates see it; the empty words of a field are such in each column of its template."""
        value = self.column(name, spec or {}, self.own(name, spec))
        return value.strip() if is_text(value) else value

    def own(self, name, spec):
        """The empty words of a field, where it sees a column in a template."""
        is_new = self.mapping.version == 2 and name not in OURS
        return words((spec or {}).get("null") if is_new else None)

    def scope(self, spec=None):
        extra = {}
        if self.item is not None:
            extra["item"] = self.mapping.trimmed(self.item)
        rows = []
        for row in self.rows:
            one = Context(self.mapping, [row], self.item, self.hidden)
            rows.append(lambda name, one=one: "" if (found := one.seen(name)) is None else found)
        extra["rows"] = rows
        return template.Scope(lambda name: self.seen(name, spec), extra)

    def fill(self, source, spec=None):
        try:
            if "item[" in source and hasattr(self.item, "row"):
                # By brackets the item is read whole.
                for name in self.mapping.in_order(self.item.row):
                    self.reads(self.item.row, name, ())
            # A column that is named is read, whatever the rest says.
            self.read(template.names_of_template(source), spec)
            return template.fill(source, self.scope(spec))
        except Fault as fault:
            raise Fault(fault.kind if fault.column else "template", fault.column) from fault

    def read(self, names, spec=None):
        for name in sorted(names):
            if self.mapping.type_of(name)[1] is not None:
                self.column(name, spec or {}, self.own(name, spec))
        if "rows" in names:
            # They may say anything of any row.
            for row in self.rows:
                for name in self.mapping.in_order(row):
                    self.reads(row, name, ())

    def holds(self, source):
        self.read(template.names(template.expression(source)))
        return template.condition(source, self.scope())
