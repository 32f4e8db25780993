"""Misbehaviour on purpose: settings, seeded draws, and the ways texts and pages get bent.

A setting is `VALUE[@SCOPE][#MOST][~SKIP]`. SCOPE says which requests it may strike, MOST how many
requests it strikes in all, SKIP how many it lets pass first. See README.md.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from wire import WRITES

LISTS = "list|comments"
SHOWN = "any"
STATUSES = ("429+", "429-", "301", "302", "400", "401", "403", "404", "409", "422", "500", "502", "503", "504", "202", "204")


@dataclass(frozen=True)
class Spec:
    """What a chaos name takes (`form`), where it strikes by default, and whether its strikes are journaled."""

    form: str
    scope: str
    keep: bool
    what: str


SPECS: dict[str, Spec] = {
    # texts
    "list-truncate": Spec("N", LISTS, False, "texts cut to N characters in listings"),
    "text-truncate": Spec("N", SHOWN, False, "texts cut to N characters everywhere"),
    "strip-last-line": Spec("N=0", SHOWN, False, "the last line of texts longer than N is gone"),
    "split": Spec("N=200", SHOWN, False, "texts longer than N come as several messages"),
    "rewrite": Spec("WORD=soft", SHOWN, False, "links, e-mails, &, <, >, quotes and smileys as Slack writes them"),
    "emoji": Spec("", SHOWN, False, "emoji shown as short codes"),
    "mentions": Spec("", SHOWN, False, "@name shown as <@U...>"),
    "null-text": Spec("P", LISTS, False, "text null or empty in listings"),
    "hide-comments": Spec("P", SHOWN, False, "a fraction of the comments is never listed"),
    "hide-internal": Spec("", SHOWN, False, "internal comments are never listed"),
    "title-rewrite": Spec("WORD=both", SHOWN, False, "titles get a prefix, are trimmed, or both"),
    "collapse-blank-lines": Spec("", SHOWN, False, "blank lines are gone"),
    # listings
    "error-object-200": Spec("P", LISTS, False, "HTTP 200 with an error object"),
    "empty-page": Spec("P:WORD=any", LISTS, False, "a page without rows"),
    "other-names": Spec("P", LISTS, False, "a page whose members have other names"),
    "no-metadata": Spec("P", LISTS, False, "a page without paging metadata or cursor"),
    "silent-cap": Spec("N:WORD=tells", LISTS, False, "never more than N rows on a page"),
    "drop-rows": Spec("P", LISTS, False, "rows missing from pages"),
    "repeat-rows": Spec("P", LISTS, False, "rows repeated on pages"),
    "shuffle": Spec("P:WORD=page", LISTS, False, "order not kept"),
    "more-rows": Spec("P=1", "list", False, "filters and page size ignored"),
    "ignore-filters": Spec("P=1", "list|count", False, "filters ignored"),
    "wrong-count": Spec("P", "list|comments|count", False, "totals are wrong"),
    "cached-page": Spec("P:S=5", LISTS, False, "a page as it was up to S seconds ago"),
    # answers
    "commit-then": Spec("STATUS:P=1:SHAPE=any", "write", True, "done, but the answer says otherwise"),
    "refuse-with": Spec("STATUS:P=1:SHAPE=any", "any", True, "refused, nothing done"),
    "replay-answer": Spec("P:Q=0.5", "create", True, "a create answered with an earlier answer; done with probability Q"),
    "other-id": Spec("P", "get", False, "get by id shows another ticket"),
    "id-form": Spec("WORD", "any", False, "ticket ids in another form"),
    "missing-id": Spec("P", "create", True, "answers without the ticket's id"),
    # connections
    "reset-before": Spec("P", "any", True, "connection reset, nothing done"),
    "reset-after": Spec("P", "any", True, "done, then connection reset"),
    "timeout-after": Spec("P:S=120", "any", True, "done, then no answer for S seconds"),
    "truncate-body": Spec("P", "any", True, "half of the answer, then the end"),
    "late-commit": Spec("P:S=late", "write", True, "connection cut at once, done up to S seconds later"),
    "late-visible": Spec("P:S=visible:WORD=lists", "create|comment", True, "listed only up to S seconds later"),
    "slow": Spec("P:MS", "any", False, "answers after up to MS milliseconds"),
    "double-commit": Spec("P", "create|comment", True, "done twice"),
    # clocks
    "date-skew": Spec("X", "any", False, "the whole clock is off, header and times alike"),
    "date-header-wrong": Spec("X", "any", False, "only the Date header is off"),
    "created-skew": Spec("X", "any", False, "only created times are off"),
    "no-date": Spec("", "any", False, "no Date header"),
    # rate
    "limit": Spec("R", "any", False, "429 at more than R requests a second"),
}

WORDS = {
    "empty-page": ("any", "only", "all"),
    "rewrite": ("soft", "hard"), "title-rewrite": ("prefix", "trim", "both"), "silent-cap": ("tells", "hides", "clamp"),
    "shuffle": ("page", "all"), "id-form": ("number", "string", "prefix", "upper", "mixed"), "late-visible": ("lists", "all"),
}
STEADY = frozenset({"date-skew", "date-header-wrong", "created-skew", "no-date", "limit"})  # no single strikes, or logged elsewhere


class BadSetting(ValueError):
    """A chaos name or value that does not exist."""


@dataclass
class Rule:
    name: str
    text: str
    args: dict[str, Any]
    scope: str
    most: int | None = None
    skip: int = 0
    seen: int = 0
    struck: int = 0


def _argument(name: str, kind: str, text: str, defaults: dict[str, float]) -> Any:
    """One argument by its kind letter."""
    try:
        if kind in ("P", "Q"):
            value = float(text)
            if not 0 <= value <= 1:
                raise ValueError
            return value
        if kind == "N":
            return int(text)
        if kind in ("S", "MS", "R", "X"):
            return float(defaults[text]) if text in defaults else float(text)
    except ValueError:
        raise BadSetting(f"chaos {name}: {text!r} is no {kind}") from None
    if kind == "STATUS" and (text == "any" or re.fullmatch(r"[1-5]\d\d[+-]?", text)):
        return text
    if kind == "SHAPE" and text in ("json", "html", "empty", "any"):
        return text
    if kind == "WORD" and text in WORDS[name]:
        return text
    raise BadSetting(f"chaos {name}: {text!r} is no {kind}")


def parse_rule(name: str, value: Any, defaults: dict[str, float]) -> Rule:
    """Read one setting. A bare name means its defaults (a probability then is 1)."""
    spec = SPECS.get(name)
    if spec is None:
        raise BadSetting(f"unknown chaos name {name!r}")
    text = "" if value is None or value is True else str(value)
    match = re.fullmatch(r"([^@#~]*)(?:@([\w.|-]+))?(?:#(\d+))?(?:~(\d+))?", text)
    if match is None:
        raise BadSetting(f"chaos {name}: cannot read {text!r}")
    given = [g for g in match[1].split(":")] if match[1] else []
    args: dict[str, Any] = {}
    wanted = [w for w in spec.form.split(":") if w]
    if len(given) > len(wanted):
        raise BadSetting(f"chaos {name}: too many values in {text!r} (wanted {spec.form or 'none'})")
    for index, want in enumerate(wanted):
        kind, _, default = want.partition("=")
        piece = given[index] if index < len(given) and given[index] != "" else default
        if piece == "" and kind == "P":
            piece = "1"
        if piece == "":
            raise BadSetting(f"chaos {name}: {kind} is missing (wanted {spec.form})")
        args[kind] = _argument(name, kind, piece, defaults)
    return Rule(name, text, args, match[2] or spec.scope, int(match[3]) if match[3] else None, int(match[4] or 0))


@dataclass
class Chaos:
    """The settings in force, and the seed that all draws come from."""

    seed: int
    boot: int = 1
    defaults: dict[str, float] = field(default_factory=lambda: {"late": 2.0, "visible": 1.0})
    rules: dict[str, list[Rule]] = field(default_factory=dict)

    def replace(self, settings: dict[str, Any]) -> None:
        """Put other settings in force; a value may be a list of values. False takes a name out."""
        rules: dict[str, list[Rule]] = {}
        for name, value in settings.items():
            if value is False:
                continue
            values = value if isinstance(value, list) else [value]
            rules[name] = [parse_rule(name, v, self.defaults) for v in values]
        self.rules = rules

    def number(self, name: str, key: str) -> float:
        """The plain number of a steady setting, 0 when it is not set."""
        rules = self.rules.get(name)
        return rules[0].args[key] if rules else 0.0

    def settings(self) -> dict[str, list[str]]:
        return {name: [r.text for r in rules] for name, rules in self.rules.items()}

    def view(self, n: int, system: str, kind: str) -> "View":
        return View(self, n, system, kind)


class View:
    """The chaos of one request: draws, and what struck."""

    def __init__(self, chaos: Chaos, n: int, system: str, kind: str) -> None:
        self.chaos, self.n, self.system, self.kind = chaos, n, system, kind
        self.decided: dict[int, bool] = {}
        self.strikes: dict[int, dict[str, Any]] = {}
        self.quiet = False  # the books' own look at things

    def rng(self, name: str, key: str = "", stable: bool = False) -> random.Random:
        at = "" if stable else f"{self.chaos.boot}:{self.n}"
        return random.Random(f"{self.chaos.seed}:{at}:{name}:{key}")

    def in_scope(self, scope: str) -> bool:
        """`any`, `read`, `write`, a kind, a system, or `system.kind`; alternatives by `|`."""
        for choice in scope.split("|"):
            system, _, kind = choice.rpartition(".")
            if kind in ("incidentiq", "clearfeed") and not system:
                system, kind = kind, "any"
            fits = kind in ("any", self.kind) or (kind == "write" and self.kind in WRITES) or (kind == "read" and self.kind not in WRITES)
            if fits and system in ("", self.system):
                return True
        return False

    def hit(self, name: str, key: str = "", stable: bool = False) -> Rule | None:
        """Draw: does this mode strike here? `key` tells several draws of one request apart."""
        if self.quiet:
            return None
        for index, rule in enumerate(self.chaos.rules.get(name, ())):
            if not self.in_scope(rule.scope):
                continue
            chance = rule.args.get("P", 1.0)
            if chance < 1 and self.rng(name, f"{index}:{key}", stable).random() >= chance:
                continue
            if self._allowed(rule):
                return rule
        return None

    def _allowed(self, rule: Rule) -> bool:
        """MOST and SKIP count requests, not rows, so the first draw decides for the request."""
        if id(rule) not in self.decided:
            rule.seen += 1
            self.decided[id(rule)] = rule.seen > rule.skip and (rule.most is None or rule.struck < rule.most)
        return self.decided[id(rule)]

    def strike(self, rule: Rule, ticket: str | None = None, detail: Any = None) -> None:
        """Note that a mode really changed something, with the ticket concerned."""
        event = self.strikes.get(id(rule))
        if event is None:
            rule.struck += 1
            event = {"e": "chaos", "name": rule.name, "value": rule.text, "system": self.system, "request": self.n,
                     "kind": self.kind, "tickets": [], "detail": None}
            self.strikes[id(rule)] = event
        if ticket is not None and ticket not in event["tickets"]:
            event["tickets"].append(ticket)
        if detail is not None:
            event["detail"] = detail

    def try_strike(self, name: str, ticket: str | None = None, detail: Any = None, key: str = "") -> Rule | None:
        rule = self.hit(name, key)
        if rule is not None:
            self.strike(rule, ticket, detail)
        return rule

    # texts -------------------------------------------------------------------------------

    def text(self, text: str | None, ticket: str, key: str = "") -> str | None:
        """A description or comment as it is shown."""
        if not text or self.quiet or not self.chaos.rules:
            return text
        for name, change in TEXT_MODES:
            rule = self.hit(name, f"{ticket}:{key}")
            if rule is not None:
                changed = change(text, rule)
                if changed != text:
                    self.strike(rule, ticket)
                    text = changed
        rule = self.hit("null-text", f"{ticket}:{key}")
        if rule is not None:
            self.strike(rule, ticket)
            return None if self.rng("null-or-empty", f"{ticket}:{key}").random() < 0.5 else ""
        return text

    def pieces(self, text: str | None, ticket: str) -> list[str | None]:
        """The text as one message, or as several when `split` strikes."""
        rule = self.hit("split", ticket) if text else None
        if rule is None or len(text or "") <= rule.args["N"]:
            return [text]
        self.strike(rule, ticket)
        return split_text(text or "", max(1, rule.args["N"]))

    def title(self, title: str | None, ticket: str) -> str | None:
        rule = self.hit("title-rewrite", ticket) if title else None
        if rule is None:
            return title
        changed = rewrite_title(title or "", rule.args["WORD"])
        if changed != title:
            self.strike(rule, ticket)
        return changed

    def hidden(self, comment: str, internal: bool, ticket: str) -> bool:
        """Is this comment never listed? The same comment is hidden every time."""
        rule = self.hit("hide-internal") if internal else None
        rule = rule or self.hit("hide-comments", comment, stable=True)
        if rule is not None:
            self.strike(rule, ticket, comment)
        return rule is not None

    # pages -------------------------------------------------------------------------------

    def size(self, size: int) -> int:
        """The page size that is really used, when the server clamps and says so."""
        rule = self.hit("silent-cap")
        if rule is not None and rule.args["WORD"] == "clamp" and size > rule.args["N"]:
            self.strike(rule)
            return max(1, rule.args["N"])
        return size

    def order(self, rows: list[Any]) -> list[Any]:
        rule = self.hit("shuffle")
        if rule is None or rule.args["WORD"] != "all" or len(rows) < 2:
            return rows
        self.strike(rule)
        return self.rng("shuffled").sample(rows, len(rows))


    def rows(self, rows: list[Any], ident: Any) -> tuple[list[Any], str | None]:
        """The rows of one page as they are shown, and how a silent cap speaks of it."""
        said = None
        rule = self.hit("silent-cap")
        if rule is not None and rule.args["WORD"] != "clamp" and len(rows) > rule.args["N"]:
            self.strike(rule)
            rows, said = rows[:rule.args["N"]], rule.args["WORD"]
        shown: list[Any] = []
        for row in rows:
            key = str(ident(row))
            if self.try_strike("drop-rows", key, key=key):
                continue
            shown.append(row)
            if self.try_strike("repeat-rows", key, key=key):
                shown.append(row)
        rule = self.hit("shuffle")
        if rule is not None and rule.args["WORD"] == "page" and len(shown) > 1:
            self.strike(rule)
            shown = self.rng("shuffled").sample(shown, len(shown))
        return shown, said

    def page(self, obj: dict[str, Any], rows: str, meta: tuple[str, ...], renames: dict[str, str], error: dict[str, Any]) -> dict[str, Any]:
        """Bend a finished page: `rows` names its row member, `meta` its paging members."""
        if self.try_strike("error-object-200"):
            return error if self.rng("error-shape").random() < 0.5 else {"error": {"code": "internal_error", "message": "Something went wrong"}}
        rule = self.try_strike("empty-page")
        if rule:
            obj[rows] = []
            word = rule.args["WORD"] if rule.args["WORD"] != "any" else self.rng("empty-how").choice(["only", "all"])
            if word == "all":
                obj = nothing_found(obj)
        if self.try_strike("wrong-count"):
            obj = self._wrong(obj)
        if self.try_strike("no-metadata"):
            for name in meta:
                obj.pop(name, None)
        if self.try_strike("other-names"):
            obj = {renames.get(k, k): v for k, v in obj.items()}
        return obj

    def _wrong(self, obj: dict[str, Any]) -> dict[str, Any]:
        for part, name in (("Paging", "TotalRows"), ("response_metadata", "count")):
            if isinstance(obj.get(part), dict) and isinstance(obj[part].get(name), int):
                obj[part] = {**obj[part], name: self.wrong_number(obj[part][name])}
        return obj

    def wrong_number(self, number: int) -> int:
        rng = self.rng("wrong-number")
        return max(0, number + rng.choice([-7, -2, -1, 1, 3, 11])) if rng.random() < 0.8 else 0

    def show_id(self, number: int, own: Any, string: str, prefix: str, ticket: str) -> Any:
        """A ticket's id in the form that `id-form` asks for."""
        rule = self.hit("id-form")
        if rule is None:
            return own
        word = rule.args["WORD"]
        if word == "mixed":
            word = self.rng("id-form", ticket).choice(["number", "string", "prefix"])
        shown = {"number": number, "string": string, "prefix": prefix, "upper": str(own).upper()}[word]
        if shown != own or type(shown) is not type(own):
            self.strike(rule, ticket)
        return shown


def nothing_found(obj: dict[str, Any]) -> dict[str, Any]:
    """An empty page that claims there is nothing at all."""
    if isinstance(obj.get("Paging"), dict):
        obj.update(ItemCount=0, Paging={**obj["Paging"], "TotalRows": 0, "PageCount": 0})
    if isinstance(obj.get("response_metadata"), dict):
        obj["response_metadata"] = {"next_cursor": None, "count": 0}
    return obj


# what is done to texts -----------------------------------------------------------------------


def split_text(text: str, size: int) -> list[str | None]:
    """Cut into pieces of at most `size`, at a line end where there is one."""
    pieces: list[str | None] = []
    while len(text) > size:
        at = text.rfind("\n", 1, size)
        at = at if at > 0 else size
        pieces.append(text[:at])
        text = text[at + 1:] if text[at] == "\n" else text[at:]
    return pieces + [text]


def strip_last_line(text: str, longer_than: int) -> str:
    if len(text) <= longer_than or "\n" not in text.rstrip("\n"):
        return text
    return text.rstrip("\n").rpartition("\n")[0]


SLACK = re.compile(r"(?P<url>https?://[^\s<>|\"']+)|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|(?P<bare>\b(?:[a-z0-9-]+\.)+(?:com|org|net|edu|io|ai)\b)|(?P<smile>(?<!\w)[:;]-?[)(DP](?!\w))", re.I)
SMILES = {")": ":slightly_smiling_face:", "(": ":disappointed:", "d": ":smile:", "p": ":stuck_out_tongue:"}


def slack_rewrite(text: str, hard: bool = False) -> str:
    """Escapes, links, mail links, curly quotes and smileys; `hard` writes colons as entities too."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if hard:
        text = re.sub(r":(?=\S)(?!//)", "&#58;", text)
    text = SLACK.sub(_slack_piece, text)
    text = re.sub(r'(^|[\s(\[])"', "\\1\u201c", text).replace('"', "\u201d")
    return re.sub(r"(^|[\s(\[])'", "\\1\u2018", text).replace("'", "\u2019")


def _slack_piece(match: re.Match[str]) -> str:
    found = match[0]
    if match["url"]:
        return f"<{found}>"
    if match["mail"]:
        return f"<mailto:{found}|{found}>"
    if match["bare"]:
        return f"<http://{found}|{found}>"
    return SMILES[found[-1].lower()]


def emoji_codes(text: str) -> str:
    return "".join(_emoji(c) for c in text)


def _emoji(char: str) -> str:
    if ord(char) in (0xFE0F, 0x200D) or 0x1F3FB <= ord(char) <= 0x1F3FF:
        return ""
    if ord(char) >= 0x1F300 or 0x2600 <= ord(char) <= 0x27BF or char in "\u2b50\u231a\u231b":
        return ":" + re.sub(r"[^a-z0-9]+", "_", unicodedata.name(char, "emoji").lower()).strip("_") + ":"
    return char


def mention_codes(text: str) -> str:
    return re.sub(r"(?<![\w.@|:+/-])@([A-Za-z][\w-]*(?:\.[\w-]+)*)", lambda m: "<@U" + hashlib.sha256(m[1].lower().encode()).hexdigest()[:9].upper() + ">", text)


def rewrite_title(title: str, how: str) -> str:
    if how in ("trim", "both"):
        title = " ".join(title.split())
        title = title if len(title) <= 60 else title[:57].rstrip() + "..."
    return "[EXT] " + title if how in ("prefix", "both") else title


TEXT_MODES: list[tuple[str, Any]] = [
    ("collapse-blank-lines", lambda t, r: re.sub(r"\n[ \t\r]*(?=\n)", "", t)),
    ("strip-last-line", lambda t, r: strip_last_line(t, r.args["N"])),
    ("rewrite", lambda t, r: slack_rewrite(t, r.args["WORD"] == "hard")),
    ("mentions", lambda t, r: mention_codes(t)),
    ("emoji", lambda t, r: emoji_codes(t)),
    ("text-truncate", lambda t, r: t[:r.args["N"]]),
    ("list-truncate", lambda t, r: t[:r.args["N"]]),
]


# what is done to answers ---------------------------------------------------------------------

PROXY_PAGE = ("<!DOCTYPE html>\n<html><head><title>{0}</title></head>\n<body><center><h1>{0}</h1></center>"
              "<hr><center>proxy.example (trace 7f3a)</center></body></html>\n")
SAYS = {200: "OK", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found", 400: "Bad Request",
        401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity",
        429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


def pick_answer(view: View, rule: Rule) -> tuple[int, str, int | None]:
    """The status, the body's shape and the Retry-After (or None) of a commit-then or refuse-with."""
    rng = view.rng(rule.name + "-shape", rule.text)
    text = rule.args["STATUS"]
    text = rng.choice(STATUSES) if text == "any" else text
    status, sign = int(text[:3]), text[3:]
    shape = rule.args["SHAPE"]
    shape = rng.choice(["json", "html", "empty"]) if shape == "any" else shape
    shape = "empty" if status == 204 else shape
    retry = None
    if status in (429, 503) and sign != "-" and (sign == "+" or rng.random() < 0.5):
        retry = rng.choice([1, 1, 2])
    return status, shape, retry


class Clock:
    """True time, and the times that the systems show."""

    def __init__(self, chaos: Chaos) -> None:
        self.chaos = chaos

    def now(self) -> float:
        """True time; used for everything the desk does itself."""
        return time.time()

    def stamp(self) -> float:
        """The system's own time, as it stands in modified and closed times."""
        return round(self.now() + self.chaos.number("date-skew", "X"), 3)

    def created(self) -> float:
        return round(self.stamp() + self.chaos.number("created-skew", "X"), 3)

    def header(self) -> float | None:
        """The time for the Date header, or None for no header."""
        return None if self.chaos.rules.get("no-date") else self.stamp() + self.chaos.number("date-header-wrong", "X")
