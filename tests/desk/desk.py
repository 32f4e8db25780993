#!/usr/bin/env python3
"""The desk: a stand-in for two help desks, with its own books and misbehaviour on purpose. See README.md."""

from __future__ import annotations

import argparse
import asyncio
import collections
import copy
import json
import math
import socket
import struct
import sys
import time
import traceback
from email.utils import formatdate
from pathlib import Path
from typing import Any

import population
from books import Store, Tx
from chaos import PROXY_PAGE, SAYS, SPECS, STEADY, BadSetting, Chaos, Clock, Rule, View, pick_answer
from clearfeed import ClearFeed
from incidentiq import IncidentIQ
from wire import Call, Refusal, Request, Response, Route

MAX_BODY = 64 * 1024 * 1024
MAX_HEAD = 64 * 1024
SWITCHES = {  # how a well-behaved desk may differ; not chaos
    "create-path": "both|new|create", "create-status": "201|200", "live-like": "", "strict-headers": "", "activity-ignores": "created|owner|id, joined by |",
    "restricted-token": "403|401", "max-page": "N", "errors": "map|list", "soft-errors": "", "omit-nulls": "", "reopen-rule": "", "dialect": "both|v1|rest",
    "wrap-object": "", "erase-after": "SECONDS"}


class Cut(Exception):
    """The client's bytes make no request, or it has gone."""


class Limiter:
    """At most `rate` requests in any second; what was refused does not count."""

    def __init__(self) -> None:
        self.taken: collections.deque[float] = collections.deque()

    def wait(self, rate: float, now: float) -> float:
        """0 when the request may pass, else the seconds until one may."""
        window, most = max(1.0, 1 / rate), max(1, math.floor(rate))
        while self.taken and self.taken[0] <= now - window:
            self.taken.popleft()
        if len(self.taken) < most:
            self.taken.append(now)
            return 0.0
        return self.taken[0] + window - now

    def left(self, rate: float) -> int:
        return max(0, max(1, math.floor(rate)) - len(self.taken))


class Desk:
    """Both systems, the chaos around them, and the admin side."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.store = Store(Path(options.data) if options.data else None)
        self.chaos = Chaos(options.seed, defaults={"late": options.late, "visible": options.visible})
        self.chaos.replace(gather(options.chaos))
        self.clock = Clock(self.chaos)
        self.switches: dict[str, Any] = {}
        self.set_switches(gather(options.switch))
        self.systems: dict[str, IncidentIQ | ClearFeed] = {
            "incidentiq": IncidentIQ(self.store, self.chaos, self.clock, options.token, options.zone, self.switches),
            "clearfeed": ClearFeed(self.store, self.chaos, self.clock, options.token, self.switches)}
        self.store.open()
        self.chaos.boot = self.store.boot
        self.limiters = {name: Limiter() for name in self.systems}
        self.answers: dict[str, list[tuple[str, int, Any]]] = {name: [] for name in self.systems}
        self.n = 0
        self.pending = 0  # late commits that have not happened yet

    def set_switches(self, wanted: dict[str, Any]) -> None:
        unknown = set(wanted) - set(SWITCHES)
        if unknown:
            raise BadSetting(f"unknown switch {sorted(unknown)[0]!r}")
        self.switches.clear()
        self.switches.update({k: v for k, v in wanted.items() if v is not False and v is not None})

    # one request --------------------------------------------------------------------------

    async def handle(self, request: Request) -> Response:
        """Answer one request: the admin side, one of the systems, or the page that redirects lead to."""
        first = request.segments[0].lower() if request.segments else ""
        if first == "_desk":
            return self.admin(request)
        if first not in self.systems:
            page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form><input name=user></form></body></html>"
            return Response(200 if first == "sso" else 404, raw=page.encode(), kind="text/html; charset=utf-8")
        system = self.systems[first]
        route, found, other = system.find(request)
        view = self.chaos.view(request.n, first, route.kind if route else "other")
        self.store.books.count(request.method, f"{first}{route.template if route else ' (no such path)'}")
        try:
            response = await self.around(system, request, view, (route, found, other))
        finally:
            self.write_strikes(view)
        self.store.books.statuses[f"{first} {'cut: ' + response.cut if response.cut else response.status}"] += 1
        return response

    async def around(self, system: Any, request: Request, view: View, where: tuple[Route | None, dict[str, str], bool]) -> Response:
        """The chaos around a request, before and after the system sees it."""
        limited = self.over_limit(system, view)
        if limited is not None:
            return limited
        if view.try_strike("reset-before"):
            return Response(cut="reset")
        rule = view.hit("slow")
        if rule:
            view.strike(rule)
            await asyncio.sleep(view.rng("slow-by").uniform(0.2, 1) * rule.args["MS"] / 1000)
        rule = view.hit("refuse-with")
        if rule:
            return self.otherwise(system, view, rule, None)
        rule = view.hit("late-commit")
        if rule:
            return self.late(system, request, view, where, rule)
        replay = self.replay(system, request, view, where)
        if replay is not None:
            return self.after(system, view, replay, None)
        response, ticket, committed = self.run(system, request, view, where)
        self.twice(system, request, view, where, committed)
        rule = view.hit("commit-then") if committed else None
        if rule:
            response = self.otherwise(system, view, rule, ticket)
        return self.after(system, view, response, ticket)

    def run(self, system: Any, request: Request, view: View, where: tuple[Route | None, dict[str, str], bool]) -> tuple[Response, str | None, bool]:
        """Let the system do it, in one transaction: the answer, the ticket, and whether something was stored."""
        route, found, other = where
        tx = Tx(self.store)
        call = Call(request, tx, view, view.kind, system.name)
        try:
            response = system.answer(call, route, found, other)
            tx.commit()
        except Refusal as refusal:
            tx.rollback()
            response = system.refusal(refusal)
        except Exception:
            tx.rollback()
            traceback.print_exc()
            response = system.refusal(Refusal(500, "An error has occurred."))
        if tx.committed and view.kind == "create" and call.answer_id:
            self.answers[system.name].append((call.answer_id, response.status, copy.deepcopy(response.obj)))
        return response, call.ticket, tx.committed

    def twice(self, system: Any, request: Request, view: View, where: Any, committed: bool) -> None:
        rule = view.hit("double-commit") if committed else None
        if rule:
            _, ticket, _ = self.run(system, request, view, where)
            view.strike(rule, ticket)

    def replay(self, system: Any, request: Request, view: View, where: Any) -> Response | None:
        """An earlier create's answer instead of this one's."""
        earlier = list(self.answers[system.name])
        rule = view.hit("replay-answer") if earlier else None
        if rule is None:
            return None
        ticket, committed = None, view.rng("replay-commits").random() < rule.args["Q"]
        if committed:
            response, ticket, done = self.run(system, request, view, where)
            if not done:
                return response
        old, status, obj = view.rng("replay-which").choice(earlier)
        view.strike(rule, ticket, {"answered": old, "committed": committed})
        return Response(status, copy.deepcopy(obj))

    def late(self, system: Any, request: Request, view: View, where: Any, rule: Rule) -> Response:
        """Cut the connection now and do the work later, whether or not anybody waits."""
        delay = view.rng("late-by").uniform(0.1, 1) * rule.args["S"]
        view.strike(rule, None, {"after": round(delay, 3)})
        self.pending += 1

        def commit() -> None:
            self.pending -= 1
            later = self.chaos.view(request.n, system.name, view.kind)
            _, ticket, committed = self.run(system, request, later, where)
            self.write_strikes(later)
            self.store.chaos([{"e": "chaos", "name": "late-commit-done", "at": time.time(), "system": system.name, "request": request.n, "kind": view.kind,
                               "tickets": [ticket] if ticket else [], "detail": {"after": round(delay, 3), "committed": committed}}], True)

        asyncio.get_running_loop().call_later(delay, commit)
        return Response(cut="reset")

    def after(self, system: Any, view: View, response: Response, ticket: str | None) -> Response:
        """The connection modes that come after the work."""
        if view.try_strike("reset-after", ticket):
            return Response(cut="reset")
        rule = view.hit("timeout-after")
        if rule:
            view.strike(rule, ticket)
            return Response(cut="hang", headers={"seconds": str(rule.args["S"])})
        if len(response.payload()) > 1 and view.try_strike("truncate-body", ticket):
            response.cut = "truncate"
        rate = self.rate()
        if rate:
            response.headers.setdefault("X-RateLimit-Limit", str(max(1, math.floor(rate))))
            response.headers.setdefault("X-RateLimit-Remaining", str(self.limiters[system.name].left(rate)))
        return response

    def otherwise(self, system: Any, view: View, rule: Rule, ticket: str | None) -> Response:
        """An answer of another status, in the system's own shape, a proxy's page, or empty."""
        status, shape, retry = pick_answer(view, rule)
        view.strike(rule, ticket, {"status": status, "shape": shape, "retry_after": retry})
        headers = {"Retry-After": str(retry)} if retry is not None else {}
        if status in (301, 302):
            headers["Location"] = "/sso"
        words = SAYS.get(status, "Error")
        if shape == "empty":
            return Response(status, raw=b"", headers=headers)
        if shape == "html":
            return Response(status, raw=PROXY_PAGE.format(f"{status} {words}").encode(), kind="text/html", headers=headers)
        if status < 400:
            return Response(status, {"status": "queued"} if status == 202 else {"message": words}, headers=headers)
        return system.refusal(Refusal(status, words, headers=headers))

    def rate(self) -> float:
        return self.chaos.number("limit", "R") or self.options.rate or 0.0

    def over_limit(self, system: Any, view: View) -> Response | None:
        rate = self.rate()
        wait = self.limiters[system.name].wait(rate, time.monotonic()) if rate > 0 else 0.0
        if wait <= 0:
            return None
        self.store.books.limited += 1
        rule = view.hit("limit")
        if rule:
            view.strike(rule)
        headers = {"Retry-After": str(max(1, math.ceil(wait))), "X-RateLimit-Limit": str(max(1, math.floor(rate))), "X-RateLimit-Remaining": "0"}
        return system.refusal(Refusal(429, "Too many requests.", headers=headers))

    def write_strikes(self, view: View) -> None:
        for name in STEADY - {"limit"}:  # a clock that is off strikes every answer
            rule = view.hit(name)
            if rule:
                view.strike(rule)
        events = [{"at": time.time(), **e} for e in view.strikes.values()]
        self.store.chaos([e for e in events if SPECS[e["name"]].keep], True)
        self.store.chaos([e for e in events if not SPECS[e["name"]].keep], False)

    # admin --------------------------------------------------------------------------------

    def admin(self, request: Request) -> Response:
        """/_desk/...: never struck by chaos, no token needed."""
        what = "/".join(s.lower() for s in request.segments[1:])
        try:
            return self.admin_answer(request, what)
        except (Refusal, BadSetting) as error:
            return Response(getattr(error, "status", 400), {"error": str(error)})

    def admin_answer(self, request: Request, what: str) -> Response:
        books = self.store.books
        if request.method == "GET":
            if what == "books":
                shown = books.as_json()
                if request.q("chaos") == "no":
                    shown.pop("chaos")
                return Response(200, {**shown, "pending_late_commits": self.pending})
            if what == "stats":
                return Response(200, {**books.stats(), "pending_late_commits": self.pending, "boot": self.store.boot, "requests_seen": self.n})
            if what == "population":
                return Response(200, population.as_json(self.options.zone, self.options.token))
            if what == "chaos":
                return Response(200, {"set": self.chaos.settings(), "switches": self.switches, "names": {k: v.form for k, v in SPECS.items()}, "switch_names": SWITCHES})
            if what in ("", "health"):
                return Response(200, {"ok": True})
        if request.method == "POST" and what == "chaos":
            return self.set_chaos(request.object())
        if request.method == "POST" and what == "person":
            return self.person(request, request.object())
        raise Refusal(404, f"no {request.method} /_desk/{what}")

    def set_chaos(self, body: dict[str, Any]) -> Response:
        if "set" in body:
            self.chaos.replace(body["set"] or {})
        if "switches" in body:
            self.set_switches(body["switches"] or {})
        return Response(200, {"set": self.chaos.settings(), "switches": self.switches})

    def person(self, request: Request, body: dict[str, Any]) -> Response:
        system = self.systems.get(str(body.get("system")))
        if system is None:
            raise Refusal(400, "system must be incidentiq or clearfeed")
        tx, view = Tx(self.store), self.chaos.view(request.n, system.name, "person")
        view.quiet = True
        call = Call(request, tx, view, "person", system.name, by="person")
        try:
            done = system.person(call, body)
            tx.commit()
        except BaseException:
            tx.rollback()
            raise
        return Response(200, done)


def gather(pairs: list[str]) -> dict[str, Any]:
    """NAME[=VALUE] options as settings; a repeated name makes a list."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        new: Any = value if sign else True
        found[name] = new if name not in found else [*(found[name] if isinstance(found[name], list) else [found[name]]), new]
    return found


# HTTP -------------------------------------------------------------------------------------------


class Server:
    """HTTP/1.1 with keep-alive over asyncio streams."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                request, keep = await self.read(reader, writer)
                response = await self.desk.handle(request)
                if not await self.write(reader, writer, request, response, keep):
                    break
        except (Cut, ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Request, bool]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Cut
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await self.body(reader, headers)
        self.desk.n += 1
        wish = headers.get("connection", "").lower()
        keep = "close" not in wish and (words[2] != "HTTP/1.0" or "keep-alive" in wish)
        return Request(self.desk.n, words[0].upper(), words[1], headers, body), keep

    @staticmethod
    async def body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = bytearray()
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0].strip() or b"x", 16)
                if size == 0:
                    break
                if len(body) + size > MAX_BODY:
                    raise Cut
                body += await reader.readexactly(size)
                await reader.readexactly(2)
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                pass
            return bytes(body)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            raise Cut
        return await reader.readexactly(int(length))

    async def write(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request, response: Response, keep: bool) -> bool:
        """Send the answer, or do to the connection what chaos wants. False ends the connection."""
        if response.cut == "reset":
            reset(writer)
            return False
        if response.cut == "hang":
            await self.hang(reader, float(response.headers["seconds"]))
            return False
        payload = response.payload()
        head = self.head(response, len(payload), keep)
        if request.method == "HEAD" or response.status in (204, 304):
            payload = b""
        if response.cut == "truncate":
            writer.write(head + payload[:len(payload) // 2])
            await writer.drain()
            return False
        writer.write(head + payload)
        await writer.drain()
        return keep

    @staticmethod
    async def hang(reader: asyncio.StreamReader, seconds: float) -> None:
        """Say nothing until the time is over or the client has gone."""
        try:
            await asyncio.wait_for(reader.read(1), seconds)
        except asyncio.TimeoutError:
            pass

    def head(self, response: Response, length: int, keep: bool) -> bytes:
        lines = [f"HTTP/1.1 {response.status} {SAYS.get(response.status, 'Created' if response.status == 201 else 'Status')}"]
        at = self.desk.clock.header()
        if at is not None:
            lines.append("Date: " + formatdate(at, usegmt=True))
        if response.status != 204:
            lines.append(f"Content-Length: {length}")
        if length:
            lines.append(f"Content-Type: {response.kind}")
        lines += [f"{k}: {v}" for k, v in response.headers.items()]
        lines.append("Connection: " + ("keep-alive" if keep and not response.cut else "close"))
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a TCP reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# start ------------------------------------------------------------------------------------------


def options(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="desk.py", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", help="HOST:PORT; port 0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="seed of ids and of all chaos draws")
    parser.add_argument("--chaos", action="append", default=[], metavar="NAME[=VALUE]", help="misbehaviour; may be repeated")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME[=VALUE]", help="a difference that is no misbehaviour; may be repeated")
    parser.add_argument("--data", help="folder of the journal; without it nothing outlives the desk")
    parser.add_argument("--visible", type=float, default=1.0, help="default seconds of late-visible")
    parser.add_argument("--late", type=float, default=2.0, help="default seconds of late-commit")
    parser.add_argument("--rate", type=float, default=0.0, help="429 above this many requests a second and system; 0 is no limit")
    parser.add_argument("--zone", default="America/New_York", help="the IncidentIQ site's time zone")
    parser.add_argument("--token", default="desk-token", help="the access token of both systems")
    return parser.parse_args(argv)


def announcement(desk: Desk, host: str, port: int) -> dict[str, Any]:
    base = f"http://{host}:{port}"
    return {"incidentiq": base + "/incidentiq", "clearfeed": base + "/clearfeed", "admin": base + "/_desk", "token": desk.options.token,
            "site_id": population.SITE_ID, "product_id": population.TICKETING, "zone": desk.options.zone, "boot": desk.store.boot}


async def serve(desk: Desk) -> None:
    host, _, port = desk.options.listen.rpartition(":")
    server = await asyncio.start_server(Server(desk).client, host.strip("[]") or "127.0.0.1", int(port), limit=MAX_HEAD, backlog=512)
    where = server.sockets[0].getsockname()
    print(json.dumps(announcement(desk, where[0], where[1])), flush=True)
    async with server:
        await server.serve_forever()


def main(argv: list[str] | None = None) -> int:
    try:
        desk = Desk(options(argv))
    except BadSetting as error:
        print(f"desk: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(desk))
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
