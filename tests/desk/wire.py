"""Plain HTTP pieces shared by both systems: request, response, refusals and a small router."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

JSON_TYPE = "application/json; charset=utf-8"
WRITES = frozenset({"create", "comment", "update", "close", "delete", "upload"})


class Refusal(Exception):
    """A request that the system does not accept; the system turns it into its own error body."""

    def __init__(self, status: int, message: str, errors: dict[str, str] | None = None,
                 key: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.key = status, message, key
        self.errors = errors or {}
        self.headers = headers or {}


@dataclass
class Request:
    """One request as it came over the wire."""

    n: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = parts.path
        self.segments = [unquote(s) for s in parts.path.split("/") if s]
        self.query = parse_qsl(parts.query, keep_blank_values=True)

    def q(self, name: str) -> str | None:
        """The last value of a query key, or None. The name is compared without case."""
        found = [v for k, v in self.query if k.lower() == name.lower()]
        return found[-1] if found else None

    def qs(self, name: str) -> list[str]:
        """All values of a repeated query key; `name[]` counts too."""
        names = {name.lower(), name.lower() + "[]"}
        return [v for k, v in self.query if k.lower() in names]

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    def json(self, empty: Any = None) -> Any:
        """The JSON body; `empty` when there is none; a 400 when it is not JSON."""
        if not self.body.strip():
            return empty
        try:
            return json.loads(self.body)
        except (ValueError, UnicodeDecodeError):
            raise Refusal(400, "The request body is not valid JSON.") from None

    def object(self) -> dict[str, Any]:
        """The JSON body as an object (an absent body is an empty one)."""
        body = self.json({})
        if not isinstance(body, dict):
            raise Refusal(400, "The request body must be a JSON object.")
        return body


@dataclass
class Response:
    """An answer. `obj` is kept as an object until it is sent, so that chaos can bend it."""

    status: int = 200
    obj: Any = None
    raw: bytes | None = None
    kind: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    cut: str | None = None  # "reset", "hang" or "truncate": what happens to the connection

    def payload(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.obj is None:
            return b""
        return json.dumps(self.obj, ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Route:
    methods: frozenset[str]
    parts: tuple[str, ...]
    kind: str
    call: Callable[..., Response]

    @property
    def template(self) -> str:
        return "/" + "/".join(self.parts)

    def match(self, segments: list[str]) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for part, segment in zip(self.parts, segments):
            if part.startswith("{"):
                found[part[1:-1]] = segment
            elif part.lower() != segment.lower():
                return None
        return found


class Router:
    """Routes by number of segments; literal segments win over captured ones; no case."""

    def __init__(self) -> None:
        self.by_length: dict[int, list[Route]] = {}

    def add(self, methods: str, template: str, kind: str, call: Callable[..., Response]) -> None:
        parts = tuple(p for p in template.split("/") if p)
        bucket = self.by_length.setdefault(len(parts), [])
        bucket.append(Route(frozenset(methods.split("|")), parts, kind, call))
        bucket.sort(key=lambda r: [p.startswith("{") for p in r.parts])

    def find(self, method: str, segments: list[str], absent: Iterable[str] = ()) -> tuple[Route | None, dict[str, str], bool]:
        """The route, its captured values, and whether the path exists under another verb."""
        absent, other = set(absent), False
        for route in self.by_length.get(len(segments), []):
            if route.template in absent:
                continue
            found = route.match(segments)
            if found is None:
                continue
            if method in route.methods:
                return route, found, False
            other = True
        return None, {}, other


@dataclass
class Call:
    """What a handler gets: the request, the open transaction, the chaos of this request."""

    request: Request
    tx: Any
    view: Any
    kind: str
    system: str
    by: str = "api"
    ticket: str | None = None  # the ticket this request touched, for the books
    answer_id: str | None = None

    @property
    def listing(self) -> bool:
        return self.kind in ("list", "comments")

    def origin(self, body: bool = False) -> dict[str, Any]:
        """The request that made something, for the books."""
        made = {"n": self.request.n, "method": self.request.method, "path": self.request.target, "by": self.by}
        if body:
            try:
                made["body"] = self.request.json()
            except Refusal:
                made["body"] = None
        return made


class StalePages:
    """Earlier pages of a system's listings, for the `cached-page` mode."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, bytes], tuple[float, Any]] = {}

    @staticmethod
    def _key(request: Request) -> tuple[str, bytes]:
        return request.target, request.body

    def get(self, call: Call, now: float) -> Any:
        """The page as it was, when the mode strikes and such a page is young enough."""
        rule = call.view.hit("cached-page")
        at, page = self.pages.get(self._key(call.request), (0.0, None))
        if rule is None or page is None or now - at > rule.args["S"]:
            return None
        call.view.strike(rule)
        return json.loads(page)

    def old_rows(self, call: Call, rows: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
        """Without an earlier page: the rows without the youngest."""
        rule = call.view.hit("cached-page")
        if rule is None:
            return rows
        kept = [r for r in rows if r.get("_at", 0) <= now - rule.args["S"]]
        if len(kept) < len(rows):
            call.view.strike(rule)
        return kept

    def keep(self, call: Call, now: float, page: Any) -> Any:
        if "cached-page" in call.view.chaos.rules:
            key = self._key(call.request)
            # an old page stays until it is too old to be shown
            if now - self.pages.get(key, (0.0, None))[0] > 5:
                self.pages[key] = (now, json.dumps(page))
            while len(self.pages) > 300:
                self.pages.pop(next(iter(self.pages)))
        return page
