"""Rows become records, and records become requests or faults."""

import re

import systems
import template
import values
from evaluator import Context, Mapping, Row, SkipField, SkipRow, alike_key, is_null, words
from values import Day, Fault, Moment, is_number, is_text, to_text

PLAIN = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Outcome:
    def __init__(self, row, state, key=None, steps=(), faults=()):
        self.row = row
        self.state = state
        self.key = key
        self.steps = list(steps)
        self.faults = sorted(faults, key=repr)
        # The key of the row that it is below, and where the cell stands that says so.
        self.parent = self.place = None


def reference(scope, key):
    if key is None and PLAIN.fullmatch(scope):
        # A key made of the content: its length counts.
        return f"Ref: {scope}/{'A' * 16}"
    if key is not None and PLAIN.fullmatch(scope) and PLAIN.fullmatch(key):
        return f"Ref: {scope}/{key}"
    # A hash: it is not compared, but its length counts.
    return "Ref: ????????????????"


class Faults(Exception):
    """Several faults of one key."""


def key_of(mapping, context):
    """The key: its parts behind one another."""
    source = mapping.source.get("key")
    if source is None:
        return None
    parts = source if isinstance(source, list) else [source]
    texts, missing = [], []
    for part in parts:
        spec = {"from": part} if is_text(part) else part
        try:
            value = mapping.value(spec, {"kind": "any"}, context)
        except SkipField:
            value = None
        if value is None:
            missing.append(Fault("empty", ", ".join(words(spec.get("from"))) or None))
        else:
            texts.append(to_text(value).strip())
    if missing:
        raise Faults(missing)
    if len(texts) == 1:
        return texts[0]
    return "/".join(text.replace("\\", "\\\\").replace("/", "\\/") for text in texts)


def order_key(value):
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return (1, value)
    if is_number(value):
        return (2, value)
    if isinstance(value, (Day, Moment)):
        return (3, template.time_of(value))
    return (4, to_text(value))


def groups_of(mapping, rows):
    by = mapping.input.get("group_by")
    if by is None:
        return [[row] for row in rows], []
    groups, faults = {}, []
    for row in rows:
        try:
            key = tuple(group_text(mapping.cell(row, name)) for name in words(by))
        except Fault as fault:
            faults.append((row, fault))
            continue
        # A row that has nothing in any of them is a record of its own.
        groups.setdefault(key if any(key) else row.number, []).append(row)
    return list(groups.values()), faults


def group_text(value):
    return to_text(value).strip()


def ordered(mapping, group, by=None, order=None):
    # Of the rows of a group in `each` outer space never counts.
    trims = by is not None or mapping.version == 2
    by = by or mapping.input.get("order_by")
    if by is None:
        return group

    def key(row):
        value = mapping.cell(row, by)
        if isinstance(value, list):
            value = value[0] if value else None
        if is_text(value) and trims:
            value = value.strip()
        return order_key(value)

    # What is the same stands as in the file, whichever way.
    return sorted(group, key=key, reverse=(order or mapping.input.get("order")) == "descending")


def evaluate(source, table, rows, sheets):
    """All records of an input, by the row under which the program tells them."""
    mapping = Mapping(source, systems.SYSTEMS[source["system"]], sheets)
    outcomes, kept, unjudged = [], [], {}
    for row in of_items(mapping, rows):
        where = mapping.input.get("where")
        try:
            if where is None or Context(mapping, [row], row.item).holds(where):
                kept.append(row)
        except Fault as fault:
            kept.append(row)
            unjudged[id(row)] = (row.number, fault.column, None, judged(fault))
    groups, faults = groups_of(mapping, kept)
    # A row of which `where` cannot be judged says so itself, whatever its group.
    faults = [(row, fault) for row, fault in faults if id(row) not in unjudged]
    alone = [row for row in kept if id(row) in unjudged and not any(row in group for group in groups)]
    outcomes.extend(Outcome(row.number, "rejected", faults=[unjudged[id(row)]]) for row in alone)
    # The others of its record wait for it: they would be sent without it.
    held = [group for group in groups if any(id(row) in unjudged for row in group)]
    groups = [group for group in groups if group not in held]
    for group in held:
        found = [unjudged[id(row)] for row in group if id(row) in unjudged]
        outcomes.append(Outcome(group[0].number, "rejected", faults=found))
    for row, fault in faults:
        outcomes.append(Outcome(row.number, "rejected", faults=[(row.number, fault.column, None, fault.kind)]))
    mapping.keys = {key for group in groups if (key := readable_key(mapping, group)) is not None}
    for group in groups:
        outcome = record(mapping, group)
        if outcome is not None:
            outcomes.append(outcome)
    return tied(mapping, together(outcomes))


def readable_key(mapping, group):
    """The key of a record, whatever else is wrong with it. What `where` and `where_group` leave out is none."""
    try:
        group = ordered(mapping, group)
        context = Context(mapping, group, group[0].item)
        where = mapping.input.get("where_group")
        if where is not None and not context.holds(where):
            return None
        return key_of(mapping, context)
    except (Fault, Faults):
        return None


def tied(mapping, outcomes):
    """Nobody is above himself; a ticket whose parent is not made is made without it."""
    by_key = {outcome.key: outcome for outcome in outcomes if outcome.key is not None}
    circles = []
    for outcome in outcomes:
        at, met = outcome, []
        while at is not None and at.parent is not None and at not in met:
            met.append(at)
            at = by_key.get(at.parent)
        if at is outcome and met:
            circles.append(outcome)
    for outcome in circles:
        row, column, field = outcome.place
        outcome.state, outcome.steps = "rejected", []
        outcome.faults = sorted([*outcome.faults, (row, column, field, "circle")], key=repr)
    for outcome in outcomes:
        above = by_key.get(outcome.parent)
        if outcome.state == "would create" and outcome.parent is not None and (above is None or above.state != "would create"):
            outcome.faults = [(outcome.row, None, None, "not made")]
    return outcomes


def together(outcomes):
    """Rows of one key say the same and are one, or all of them are at fault."""
    by_key = {}
    for outcome in outcomes:
        if outcome.key is not None:
            by_key.setdefault(outcome.key, []).append(outcome)
    for same in by_key.values():
        if len({outcome.row for outcome in same}) == 1:
            # One item twice in a row.
            for outcome in same[1:]:
                outcome.state, outcome.faults = "skipped", []
            continue
        for outcome in same:
            outcome.state = "rejected"
            outcome.faults = sorted([*outcome.faults, (outcome.row, None, None, "one key")], key=repr)
    return outcomes


def judged(fault):
    """A column that cannot be read is named; else the condition as a whole cannot be judged."""
    return fault.kind if fault.column else "where"


def of_items(mapping, rows):
    """`each` at the top: a row for each item. One without items makes one ticket, with an empty item."""
    each = mapping.source.get("each")
    if each is None:
        return rows
    out = []
    for row in rows:
        for item in items_of(mapping, each, Context(mapping, [row])) or [""]:
            out.append(Row(row.table, row.number, row.cells))
            out[-1].item = item
    return out


def record(mapping, group):
    first = group[0].number
    unread = []
    for row in group:
        try:
            if "order_by" in mapping.input:
                mapping.cell(row, mapping.input["order_by"])
        except Fault as fault:
            unread.append((row.number, fault.column, None, fault.kind))
    if unread:
        return Outcome(first, "rejected", faults=unread)
    group = ordered(mapping, group)
    first = group[0].number
    context = Context(mapping, group, group[0].item)
    where = mapping.input.get("where_group")
    try:
        if where is not None and not context.holds(where):
            return None
    except Fault as fault:
        return Outcome(first, "rejected", faults=[(context.taken or first, fault.column, None, judged(fault))])
    faults = []
    key = None
    try:
        key = key_of(mapping, context)
    except Faults as several:
        faults = [(context.taken or first, fault.column, None, fault.kind) for fault in several.args[0]]
        return Outcome(first, "rejected", None, faults=faults)
    except Fault as fault:
        # A row without its key is no row that anything could be said of.
        return Outcome(first, "rejected", None, faults=[(context.taken or first, fault.column, None, fault.kind)])
    try:
        fields = fields_of(mapping, mapping.source["fields"], mapping.system.fields, context, faults, first, "", key)
        steps = mapping.system.requests(fields) + mapping.system.tied(fields) if not faults else []
        for at, then in enumerate(mapping.source.get("then", []), 1):
            steps += then_steps(mapping, then, at, context, faults, first)
        outcome = Outcome(first, "rejected", key, faults=faults) if faults else Outcome(first, "would create", key, steps)
    except SkipRow:
        outcome = Outcome(first, "skipped", key)
    above(mapping, context, outcome)
    return outcome


def above(mapping, context, outcome):
    """What the cells say of the row that it is below, whatever else is with it."""
    spec = mapping.source["fields"].get("ParentTicketId")
    if spec is None:
        return
    context.taken = None
    try:
        outcome.parent = mapping.value(spec, mapping.system.fields["ParentTicketId"], context)
    except (Fault, SkipField, SkipRow):
        return
    # What no column is to blame for is told of the record.
    place = context.taken if column_of(spec) else None
    outcome.place = place or outcome.row, column_of(spec), "ParentTicketId"


def fields_of(mapping, specs, kinds, context, faults, row, prefix, key=None):
    made, faulty = {}, set()
    context.done = made
    # What a field lies within comes before it.
    for name, spec in sorted(specs.items(), key=lambda item: "within" in item[1]):
        kind = kinds[name]
        marked = kind.get("description") and mapping.source.get("marker") != "none"
        if marked:
            ref = reference(mapping.source["scope"], key)
            gap = "<br><br>" if spec.get("html") in ("from_text", "keep") else "\n\n"
            kind = {**kind, "room": len(ref) + len(gap)}
        if spec.get("within") in faulty:
            # What it lies within is told already.
            faulty.add(name)
            continue
        context.taken = None
        try:
            value = mapping.value(spec, kind, context)
        except SkipField:
            if kind.get("required") or spec.get("required") or spec.get("default") == {"do": "error"}:
                faults.append((context.taken or row, column_of(spec), prefix + name, "empty"))
                faulty.add(name)
            elif marked:
                made[name] = ref
            continue
        except Fault as fault:
            # What no column is to blame for is told of the record.
            place = context.taken if fault.column else None
            faults.append((place or row, fault.column, prefix + name, fault.kind))
            faulty.add(name)
            continue
        if value is None:
            if spec.get("clear"):
                made[name] = None
            elif marked:
                # The line stands alone.
                made[name] = ref
            continue
        if marked:
            value = f"{value}{gap}{ref}"
        made[name] = value
    for name, kind in kinds.items():
        if kind.get("required") and name not in specs:
            raise ValueError(f"{name} is required")
    return made


def column_of(spec):
    return ", ".join(words(spec.get("from") or spec.get("from_first"))) or None


def items_of(mapping, each, context):
    if each is None:
        return [None]
    if each.get("rows"):
        rows = context.rows
        if "order_by" in each:
            rows = ordered(mapping, rows, each["order_by"], each.get("order", "ascending"))
        elif each.get("order") == "descending":
            rows = rows[::-1]
        return [RowItem(mapping, row) for row in rows]
    if "from" in each:
        return items_of_cells(mapping, each, context)
    _, rows = mapping.sheets[each.get("sheet") or each["file"]]
    wanted = context.column(each["on"], {})
    if wanted is None:
        raise Fault("empty", each["on"])
    types = each.get("columns", {})
    by = each.get("by", each["on"])
    rows = [row for row in rows if (found := mapping.typed(row, by, types)) is not None and alike_key(found) == alike_key(wanted)]
    if "order_by" in each:
        key = lambda row: order_key(mapping.typed(row, each["order_by"], types, trim=mapping.version == 2))
        rows = sorted(rows, key=key, reverse=each.get("order") == "descending")
    elif each.get("order") == "descending":
        rows = rows[::-1]
    return [
        {heading: mapping.typed(row, heading, types, trim=mapping.version == 2) for heading in row.table.headings}
        for row in rows
    ]


class RowItem(dict):
    """A row of the group as an item: its cells typed and made as [input.columns] says."""

    def __init__(self, mapping, row):
        super().__init__()
        self.mapping = mapping
        self.row = row

    def get(self, name, default=None):
        return self.mapping.cell(self.row, name)


def items_of_cells(mapping, each, context):
    own = words(each.get("null"))
    found = []
    for name in words(each["from"]):
        value = context.column(name, {}, own)
        if is_text(value) and "replace" in each:
            value = mapping.text_steps(value, {"replace": each["replace"], "trim": mapping.version == 1})
        if is_text(value) and "split" in each:
            value = value.strip() if mapping.version == 1 else value
            value = [part.strip() for part in value.split(each["split"])]
        if is_text(value) and each.get("parse") == "json":
            value = values_of_json(value)
        found += value if isinstance(value, list) else [] if value is None else [value]
    # Null words are no items; for version 1 they are, and only a cell that is one as a whole has none.
    words_of_input, own = (mapping.nulls, own) if mapping.version == 2 else ((), ())
    kept = [one for one in found if not is_null(one, words_of_input, mapping.version, own)]
    return kept[::-1] if each.get("order") == "descending" else kept


def values_of_json(text):
    import decimal
    import json

    try:
        value = json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
    except ValueError as error:
        raise Fault("no json") from error
    return value


def then_steps(mapping, then, at, context, faults, row):
    operation = then["operation"]
    kinds = mapping.system.operations[operation]
    steps = []
    prefix = f"then-{at}/"
    try:
        items = items_of(mapping, then.get("each"), context)
    except Fault as fault:
        faults.append((context.taken or row, fault.column or column_of(then["each"]), None, fault.kind))
        return []
    for item in items:
        one = Context(mapping, context.rows, context.item if item is None else item)
        try:
            if "when" in then and not one.holds(then["when"]):
                continue
        except Fault as fault:
            faults.append((one.taken or row, fault.column, None, judged(fault)))
            continue
        fields = fields_of(mapping, then["fields"], kinds, one, faults, row, prefix)
        if not faults and (fields or operation != "update"):
            steps.append((f"then-{at}/{operation}", mapping.system.follow(operation, fields)))
    return steps
