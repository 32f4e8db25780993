"""The desk's memory: tables with an append-only journal, and the books that testers read."""

from __future__ import annotations

import copy
import json
import os
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

MISSING = object()
MAX_EVENTS = 50_000


class Books:
    """Every ticket that was really created and what was really done to it."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.chaos: list[dict[str, Any]] = []
        self.struck: Counter[str] = Counter()
        self.limited = 0

    def apply(self, event: dict[str, Any]) -> None:
        """Take one event in; used live and when the journal is read back."""
        kind = event["e"]
        if kind == "chaos":
            self.chaos.append(event)
            self.struck[event["name"]] += 1
            del self.chaos[:-MAX_EVENTS]
            return
        key = f"{event['system']}:{event['id']}"
        if kind == "create":
            self.tickets[key] = self._new(event)
            return
        entry = self.tickets.get(key)
        if entry is not None:
            getattr(self, "_" + kind.replace("-", "_"))(entry, event)

    @staticmethod
    def _new(event: dict[str, Any]) -> dict[str, Any]:
        entry = {k: v for k, v in event.items() if k != "e"}
        entry.update(title_now=event["title"], description_now=event["description_as_sent"], deleted=False,
                     closed_count=0, comments=[], status_changes=[], deletions=[], edits=[])
        return entry

    @staticmethod
    def _comment(entry: dict[str, Any], event: dict[str, Any]) -> None:
        entry["comments"].append({
            "id": event["comment"], "text_as_sent": event["text"], "internal": event["internal"], "at": event["at"],
            "author": event.get("author"), "created_at": event.get("created_at"), "type": event.get("type", "comment"),
            "flags": event.get("flags", {}), "deleted": False, "edits": [], "request": event["request"]})

    @staticmethod
    def _comment_edit(entry: dict[str, Any], event: dict[str, Any]) -> None:
        for comment in entry["comments"]:
            if comment["id"] == event["comment"]:
                comment["edits"].append({k: v for k, v in event.items() if k not in ("e", "system", "id", "comment")})
                if "deleted" in event:
                    comment["deleted"] = event["deleted"]

    @staticmethod
    def _status(entry: dict[str, Any], event: dict[str, Any]) -> None:
        entry["status"] = event["to"]
        entry["closed_count"] += 1 if event["closing"] else 0
        entry["status_changes"].append({k: event.get(k) for k in ("from", "to", "closing", "reason", "at", "request")})

    @staticmethod
    def _edit(entry: dict[str, Any], event: dict[str, Any]) -> None:
        fields = event["fields"]
        entry["edits"].append({"at": event["at"], "fields": fields, "flags": event.get("flags", {}), "request": event["request"]})
        for name, where in (("title", "title_now"), ("description", "description_now"), ("custom_fields", "custom_fields")):
            if name in fields:
                entry[where] = fields[name]

    @staticmethod
    def _delete(entry: dict[str, Any], event: dict[str, Any]) -> None:
        entry["deleted"] = True
        entry["deletions"].append({"at": event["at"], "deleted": True, "request": event["request"]})

    @staticmethod
    def _undelete(entry: dict[str, Any], event: dict[str, Any]) -> None:
        entry["deleted"] = False
        entry["deletions"].append({"at": event["at"], "deleted": False, "request": event["request"]})

    def count(self, method: str, where: str) -> None:
        self.requests[f"{method} {where}"] += 1

    def as_json(self) -> dict[str, Any]:
        return {"tickets": list(self.tickets.values()), "requests": dict(self.requests), "chaos": self.chaos}

    def stats(self) -> dict[str, Any]:
        tickets = Counter(t["system"] for t in self.tickets.values())
        return {"requests": dict(self.requests), "statuses": dict(self.statuses), "limited": self.limited,
                "struck": dict(self.struck), "tickets": dict(tickets)}


class Store:
    """Tables of records. With a directory, every commit is one journal line, written before the answer."""

    def __init__(self, directory: Path | None) -> None:
        self.tables: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.books = Books()
        self.boot = 0
        self.path = directory / "journal.jsonl" if directory else None
        self.file = -1
        if directory:
            directory.mkdir(parents=True, exist_ok=True)

    def open(self) -> None:
        """Read the journal back (after the population was set up) and note this start."""
        if self.path is not None:
            whole = self._replay() if self.path.exists() else 0
            self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            os.ftruncate(self.file, whole)  # a torn last line was never answered
            os.lseek(self.file, whole, os.SEEK_SET)
        self.boot += 1
        self.write({"boot": self.boot, "at": time.time()})

    def _replay(self) -> int:
        whole = 0
        with open(self.path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._take(json.loads(line))
                whole += len(line)
        return whole

    def _take(self, entry: dict[str, Any]) -> None:
        self.boot = entry.get("boot", self.boot)
        for table, ident, value in entry.get("puts", []):
            if value is None:
                self.tables[table].pop(ident, None)
            else:
                self.tables[table][ident] = value
        for event in entry.get("events", []):
            self.books.apply(event)

    def write(self, entry: dict[str, Any]) -> None:
        """Append one line; a killed process loses nothing that was written here."""
        if self.file >= 0:
            data = (json.dumps(entry, ensure_ascii=True, separators=(",", ":")) + "\n").encode()
            while data:
                data = data[os.write(self.file, data):]

    def chaos(self, events: list[dict[str, Any]], keep: bool) -> None:
        for event in events:
            self.books.apply(event)
        if keep and events:
            self.write({"events": events})

    def close(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1


class Tx:
    """One transaction. Changes show at once; `rollback` takes them back, `commit` journals them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.touched: dict[tuple[str, str], Any] = {}  # what was there before
        self.events: list[dict[str, Any]] = []
        self.committed = False

    def _remember(self, table: str, ident: str) -> None:
        self.touched.setdefault((table, ident), self.store.tables[table].get(ident, MISSING))

    def get(self, table: str, ident: str) -> Any:
        return self.store.tables[table].get(ident)

    def edit(self, table: str, ident: str) -> Any:
        """A copy of the record that may be changed in place."""
        if (table, ident) not in self.touched:
            self._remember(table, ident)
            self.store.tables[table][ident] = copy.deepcopy(self.store.tables[table][ident])
        return self.store.tables[table][ident]

    def put(self, table: str, ident: str, value: Any) -> Any:
        self._remember(table, ident)
        self.store.tables[table][ident] = value
        return value

    def next(self, name: str, first: int = 1) -> int:
        value = self.store.tables["seq"].get(name, first - 1) + 1
        self.put("seq", name, value)
        return value

    def event(self, kind: str, **what: Any) -> None:
        self.events.append({"e": kind, "at": time.time(), **what})

    @property
    def writes(self) -> bool:
        return bool(self.touched or self.events)

    def commit(self) -> None:
        if not self.writes:
            return
        puts = [[table, ident, self.store.tables[table].get(ident)] for table, ident in self.touched]
        self.store.write({"at": time.time(), "puts": puts, "events": self.events})
        for event in self.events:
            self.store.books.apply(event)
        self.committed = True

    def rollback(self) -> None:
        for (table, ident), old in self.touched.items():
            if old is MISSING:
                self.store.tables[table].pop(ident, None)
            else:
                self.store.tables[table][ident] = old
        self.touched.clear()
        self.events.clear()
