"""The desk tests itself over real sockets: python3 -m unittest discover tests/desk"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import chaos  # noqa: E402
from population import TICKETING, guid  # noqa: E402

FOR = guid("user", "kira.abbott@maplevalley.example")
ISSUE = guid("issue", "Cracked Screen")
PLACE = guid("location", "Northfield High School")
COMMENT = "Spark.Shared.Models.TicketActivityComment, Spark.Shared"
TEXT = "Hello @ada, see https://example.com/a?b=1&c=2 \U0001F600\n\n\nsecond \"line\" & more\n" + "x" * 300 + "\nlast line REF-12345"


class Running:
    """A desk in its own process."""

    def __init__(self, *extra: str) -> None:
        self.process = subprocess.Popen([sys.executable, str(HERE / "desk.py"), "--seed", "7", *extra], stdout=subprocess.PIPE, text=True)
        self.at = json.loads(self.process.stdout.readline())  # type: ignore[union-attr]
        self.host = urlsplit(self.at["admin"]).netloc

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, timeout: float = 5) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body)
            sent = {"Authorization": "Bearer desk-token", "Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            raw = answer.read()
            kind = answer.getheader("Content-Type") or ""
            return answer.status, json.loads(raw) if raw and "json" in kind else raw, answer.headers
        finally:
            connection.close()

    def iiq(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any, Any]:
        return self.call(method, "/incidentiq/api/v1.0" + path, body, **more)

    def cf(self, method: str, path: str, body: Any = None, dialect: str = "/rest", **more: Any) -> tuple[int, Any, Any]:
        return self.call(method, "/clearfeed/v1" + dialect + path, body, **more)

    def desk(self, path: str, body: Any = None) -> Any:
        return self.call("GET" if body is None else "POST", "/_desk" + path, body)[1]

    def chaos(self, **settings: Any) -> Any:
        return self.desk("/chaos", {"set": {k.replace("_", "-"): v for k, v in settings.items()}})

    def new_iiq(self, **more: Any) -> tuple[int, Any, Any]:
        return self.iiq("POST", "/tickets/new", {"ForId": FOR, "IssueId": ISSUE, "LocationId": PLACE, "Subject": "Broken " + "screen " * 12, "IssueDescription": TEXT, **more})

    def new_cf(self, **more: Any) -> tuple[int, Any, Any]:
        return self.cf("POST", "/requests", {"collection_id": 11, "title": "VPN " + "down " * 20, "description": TEXT, **more})

    def note(self, ticket: str, text: str = TEXT, public: bool = False, ident: str | None = None) -> tuple[int, Any, Any]:
        body = {"TicketId": ticket, "TicketActivityId": ident, "IsPublic": public, "ActivityItems": [{"$type": COMMENT, "TicketActivityTypeId": 6, "Comments": text}]}
        return self.iiq("POST", f"/tickets/{ticket}/activities/new", body)

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process.returncode is not None:
            return
        os.kill(self.process.pid, how)
        self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]


class WellBehaved(unittest.TestCase):
    """No chaos: both systems do what the contracts say."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.d = Running()
        cls.addClassCleanup(cls.d.stop)

    def test_incidentiq_ticket_life(self) -> None:
        d = self.d
        field = guid("field", "External Reference")
        status, made, _ = d.new_iiq(CustomFieldValues=[{"CustomFieldTypeId": field, "Value": "A-1"}])
        self.assertEqual(201, status)
        ident = made["Item"]["TicketId"]
        self.assertEqual(TEXT, made["Item"]["IssueDescription"])
        activity = guid("an activity")
        self.assertEqual(201, d.note(ident, "<p>one</p>", True, activity)[0])
        self.assertEqual(201, d.note(ident, "<p>one</p>", True, activity)[0])
        d.note(ident, "inside")
        texts = [i.get("Comments") for a in d.iiq("GET", f"/tickets/{ident}/activities?%24s=50")[1]["Items"] for i in a["ActivityItems"]]
        self.assertEqual([None, "<p>one</p>", "inside"], texts)
        self.assertEqual(200, d.iiq("POST", f"/tickets/{ident}/close", {"CloseReasonTypeId": guid("reason", "Completed")})[0])
        shown = d.iiq("GET", f"/tickets/{ident}")[1]["Item"]
        self.assertTrue(shown["IsClosed"])
        self.assertEqual("A-1", shown["CustomFieldValues"][0]["Value"])
        book = next(t for t in d.desk("/books")["tickets"] if t["id"] == ident)
        self.assertEqual((TEXT, 1, ["<p>one</p>", "inside"]), (book["description_as_sent"], book["closed_count"], [c["text_as_sent"] for c in book["comments"]]))

    def test_incidentiq_search(self) -> None:
        d = self.d
        ids = [d.new_iiq(Subject=f"Row {n}", LocationId=guid("location", "Pine Ridge Elementary"))[1]["Uid"] for n in range(5)]
        body = {"Filters": [{"Facet": "location", "Id": guid("location", "Pine Ridge Elementary")}], "Paging": {"PageSize": 50, "PageIndex": 0}}
        page = d.iiq("POST", "/tickets?%24s=2&%24p=1&%24o=TicketCreatedDate%20asc", body)[1]
        self.assertEqual(ids[2:4], [t["TicketId"] for t in page["Items"]])
        self.assertEqual({"TotalRows": 5, "PageCount": 3, "PageSize": 2, "PageIndex": 1}, page["Paging"])
        day = page["Items"][0]["CreatedDate"][:10]
        date = f"{day[5:7]}/{day[8:10]}/{day[:4]}"
        count = lambda facet, value: d.iiq("POST", "/tickets/count", {"Filters": [*body["Filters"], {"Facet": facet, "Value": value}]})[1]["Item"]
        self.assertEqual([5, 0, 5, 5], [count("createddate", f"date>={date}"), count("createddate", f"date<{date}"), count("createddate", "nonsense"), count("nonsense", "x")])

    def test_incidentiq_refuses(self) -> None:
        d = self.d
        self.assertEqual(401, d.iiq("GET", "/tickets/statuses", headers={"Authorization": "Bearer no"})[0])
        self.assertEqual(400, d.iiq("POST", "/tickets/create", {"ForId": FOR, "IssueId": ISSUE})[0])
        status, answer, _ = d.new_iiq(LocationId=guid("nowhere"))
        self.assertEqual((400, ["LocationId"]), (status, list(answer["Errors"])))
        self.assertEqual(404, d.iiq("GET", "/tickets/" + guid("nothing"))[0])
        self.assertEqual(400, d.new_iiq(CustomFieldValues=[{"CustomFieldTypeId": guid("field", "Device Type"), "Value": "Toaster"}])[0])
        d.desk("/chaos", {"switches": {"create-path": "new"}})
        self.assertEqual(404, d.iiq("POST", "/tickets/create", {"ForId": FOR, "IssueId": ISSUE, "LocationId": PLACE})[0])
        d.desk("/chaos", {"switches": {}})

    def test_reference_data(self) -> None:
        d = self.d
        totals = {p: d.iiq(m, p, {} if m == "POST" else None)[1]["Paging"]["TotalRows"] for m, p in (
            ("GET", "/locations/all"), ("POST", "/issues"), ("POST", "/users"), ("GET", "/teams/all"), ("POST", "/custom-fields/for/ticket"), ("GET", "/users/agents"))}
        self.assertEqual([10, 15, 60, 3, 22, 10], list(totals.values()))
        self.assertEqual(4, len(d.cf("GET", "/collections?include=channels")[1]["collections"]))
        self.assertEqual(11, len(d.cf("GET", "/custom-fields")[1]["custom_fields"]))
        self.assertEqual(TICKETING, d.iiq("GET", "/login")[1]["Item"]["ProductId"])

    def test_wide_and_narrow_updates(self) -> None:
        d, ident = self.d, self.d.new_iiq()[1]["Uid"]
        for path, body in (("", {"Subject": "New", "UpdateCustomFields": True, "CustomFieldValues": []}), ("/priority", {"Priority": 20}), ("/tags", [{"Name": "Fresh"}]),
                           ("/assign", {"TicketId": ident, "AssignToUserId": guid("user", "ben.abbott@maplevalley.example")}), ("/start", {}),
                           (f"/followers/user/{FOR}", None), (f"/status/{guid('step', 'IT Workflow', 'Waiting on Requestor')}", None)):
            self.assertEqual(200, d.iiq("POST", f"/tickets/{ident}{path}", body)[0], path)
        self.assertEqual(200, d.iiq("POST", "/subtasks/create", {"TicketId": ident, "Subject": "step one"})[0])
        job = d.iiq("POST", "/tickets/bulk/set-priority", {"TicketIds": [ident], "Request": 160})[1]["Item"]
        self.assertEqual(1, d.iiq("GET", f"/jobs/{job}")[1]["Item"]["Succeeded"])
        t = d.iiq("GET", f"/tickets/{ident}")[1]["Item"]
        self.assertEqual(("New", "Critical", "Fresh", "Waiting on Requestor", 1), (t["Subject"], t["PriorityLevel"]["Name"], t["Tags"][0]["Name"], t["WorkflowStep"]["StepName"], t["SubtaskCount"]))
        self.assertEqual(200, d.iiq("DELETE", f"/tickets/{ident}")[0])
        self.assertTrue(d.iiq("GET", f"/tickets/{ident}")[1]["Item"]["IsDeleted"])

    def test_clearfeed_request_life(self) -> None:
        d = self.d
        status, made, _ = d.new_cf()
        self.assertEqual((201, int), (status, type(made["id"])))
        ident = made["id"]
        self.assertEqual(201, d.cf("POST", f"/requests/{ident}/message", {"html_body": "<p>a &amp; b</p>", "is_private": True})[0])
        self.assertEqual(200, d.cf("PATCH", f"/requests/{ident}", {"state": "closed", "custom_field_values": {"71": "711", "73": [730, 732]}})[0])
        shown = d.cf("GET", f"/requests/{ident}?include=messages")[1]
        self.assertEqual(("closed", [TEXT, "a & b"], {"71": 711, "73": [730, 732]}), (shown["state"], [m["text"] for m in shown["messages"]], shown["custom_field_values"]))
        old = d.cf("GET", f"/requests/req_{ident}", dialect="")[1]
        self.assertEqual((f"req_{ident}", "closed", {"Severity": "Major", "Products": ["Web App", "API"]}), (old["id"], old["status"], old["custom_fields"]))
        self.assertIn(ident, [r["id"] for r in d.cf("GET", "/requests/search?query=REF-12345&limit=100")[1]["requests"]])

    def test_clearfeed_v1_and_paging(self) -> None:
        d = self.d
        body = {"collection_id": "col_13", "title": "Lamp", "description": "dark", "priority": "medium", "tags": ["x"], "custom_fields": {"Severity": "Minor"}}
        ids = [d.cf("POST", "/requests", body, dialect="")[1]["id"] for _ in range(5)]
        seen, cursor = [], ""
        while cursor is not None:
            page = d.cf("GET", f"/requests?collection_id=13&sort_order=asc&limit=2&next_cursor={quote(cursor, safe='')}", dialect="")[1]
            seen += [r["id"] for r in page["requests"]]
            cursor = page["response_metadata"]["next_cursor"]
        self.assertEqual(ids, seen)
        self.assertEqual(400, d.cf("POST", "/requests", {**body, "priority": "normal"}, dialect="")[0])
        self.assertEqual(400, d.cf("POST", "/requests", {"description": "x", "priority": "medium"})[0])
        self.assertEqual(404, d.cf("GET", "/requests/99999")[0])
        self.assertEqual(401, d.cf("GET", "/requests", headers={"Authorization": "desk-token"})[0])

    def test_another_person(self) -> None:
        d = self.d
        for system in ("incidentiq", "clearfeed"):
            ident = d.desk("/person", {"system": system, "title": "By hand", "description": "typed"})["id"]
            d.desk("/person", {"system": system, "comment_on": ident, "text": "me too"})
            d.desk("/person", {"system": system, "edit": ident, "title": "By hand, edited"})
            d.desk("/person", {"system": system, "delete": ident})
            book = next(t for t in d.desk("/books")["tickets"] if t["id"] == ident)
            self.assertEqual(("person", 1, "By hand, edited", True), (book["request"]["by"], len(book["comments"]), book["title_now"], book["deleted"]))

    def test_chunked_and_keep_alive(self) -> None:
        connection = http.client.HTTPConnection(self.d.host, timeout=5)
        for part in (b"{}", b'{"Paging":{"PageSize":3}}'):
            connection.request("POST", "/incidentiq/api/v1.0/tickets", iter([part[:1], part[1:]]), {"Authorization": "Bearer desk-token", "Content-Type": "application/json"}, encode_chunked=True)
            answer = connection.getresponse()
            self.assertEqual(200, answer.status)
            answer.read()
        connection.close()


class Restart(unittest.TestCase):
    def test_killed_desk_comes_back(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            d = Running("--data", folder)
            self.addCleanup(d.stop)
            iiq, cf = d.new_iiq()[1]["Uid"], d.new_cf()[1]["id"]
            d.note(iiq, "kept")
            before = d.desk("/books")["tickets"]
            d.stop(signal.SIGKILL)
            with open(Path(folder) / "journal.jsonl", "ab") as journal:
                journal.write(b'{"torn')
            again = Running("--data", folder, "--listen", d.host)
            self.addCleanup(again.stop)
            self.assertEqual((d.host, 2), (again.host, again.at["boot"]))
            self.assertEqual(before, again.desk("/books")["tickets"])
            self.assertEqual(200, again.iiq("GET", f"/tickets/{iiq}")[0])
            self.assertEqual(2, len(again.iiq("GET", f"/tickets/{iiq}/activities")[1]["Items"]))
            self.assertEqual(200, again.cf("GET", f"/requests/{cf}")[0])
            self.assertNotEqual(iiq, again.new_iiq()[1]["Uid"])
            again.stop()


class Misbehaving(unittest.TestCase):
    """Every chaos name strikes, and does what it says."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.d = Running()
        cls.addClassCleanup(cls.d.stop)
        cls.ticket = cls.d.new_iiq()[1]["Uid"]
        cls.request = cls.d.new_cf()[1]["id"]
        cls.d.note(cls.ticket)
        cls.d.cf("POST", f"/requests/{cls.request}/message", {"html_body": "inside " + "y" * 300, "is_private": True})
        cls.d.new_iiq(), cls.d.new_cf()

    def tearDown(self) -> None:
        self.d.chaos()

    def quiet(self, call: Any, *args: Any, **more: Any) -> Any:
        """A call that may lose its connection."""
        try:
            return call(*args, **more)
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def traffic_until(self, name: str) -> int:
        """A little of everything, until the mode has struck."""
        d = self.d
        for call, *args in ((d.iiq, "POST", "/tickets?%24s=50", {"Filters": [{"Facet": "ticketstate", "Value": "open"}]}), (d.iiq, "GET", f"/tickets/{self.ticket}"),
                            (d.iiq, "GET", f"/tickets/{self.ticket}/activities"), (d.cf, "GET", "/requests?include=messages&state=open"),
                            (d.cf, "GET", f"/requests/{self.request}?include=messages"), (d.new_iiq,), (d.new_cf,), (d.note, self.ticket)):
            self.quiet(call, *args, timeout=0.25) if call in (d.iiq, d.cf) else self.quiet(call, *args)
            struck = d.desk("/stats")["struck"].get(name, 0)
            if struck:
                return struck
        return 0

    def test_every_mode_strikes(self) -> None:
        values = {"list-truncate": "40", "text-truncate": "40", "strip-last-line": "100", "split": "100", "silent-cap": "1:hides", "cached-page": "1:60", "commit-then": "502:1:html",
                  "refuse-with": "any", "replay-answer": "1:1", "id-form": "string", "late-commit": "1:0.01", "late-visible": "1:0.01", "slow": "1:5", "date-skew": "-3600",
                  "date-header-wrong": "90", "created-skew": "60", "limit": "3", "timeout-after": "1:0.05"}
        self.d.note(self.ticket, "\U0001F600 hi @bob\n\n\nbye\nend " + "z" * 150)
        for name in chaos.SPECS:
            with self.subTest(name):
                self.d.chaos(**{name: values.get(name, True)})
                self.assertGreater(self.traffic_until(name), 0)

    def test_texts(self) -> None:
        d = self.d
        shown = lambda: d.cf("GET", f"/requests/{self.request}?include=messages")[1]
        d.chaos(rewrite=True, mentions=True, emoji=True, title_rewrite="prefix")
        got = shown()
        self.assertIn("<https://example.com/a?b=1&amp;c=2> :grinning_face:", got["messages"][0]["text"])
        self.assertIn("<@U", got["messages"][0]["text"])
        self.assertTrue(got["title"].startswith("[EXT] VPN"))
        d.chaos(strip_last_line="50")
        self.assertNotIn("REF-12345", shown()["messages"][0]["text"])
        d.chaos(split="100")
        self.assertGreater(len(shown()["messages"]), 3)
        d.chaos(hide_internal=True)
        self.assertEqual(1, len(shown()["messages"]))

    def test_commit_then_really_commits(self) -> None:
        d = self.d
        before = d.desk("/stats")["tickets"]
        d.chaos(commit_then=["429+:1:json@create#1", "404:1:empty@create#1"])
        first, second, third = d.new_iiq(), d.new_iiq(), d.new_iiq()
        self.assertEqual([429, 404, 201], [first[0], second[0], third[0]])
        self.assertEqual(str(first[1]["RetryAfter"]), first[2]["Retry-After"])
        d.chaos(refuse_with="500:1:html@create")
        self.assertEqual(500, d.new_cf()[0])
        after = d.desk("/stats")["tickets"]
        self.assertEqual((before["incidentiq"] + 3, before["clearfeed"]), (after["incidentiq"], after["clearfeed"]))

    def test_connections(self) -> None:
        d = self.d
        count = lambda: d.desk("/stats")["tickets"]["clearfeed"]
        start = count()
        for settings, more in (({"reset_before": "1@create"}, 0), ({"reset_after": "1@create"}, 1), ({"truncate_body": "1@create"}, 1), ({"double_commit": "1@create"}, 2)):
            d.chaos(**settings)
            self.quiet(d.new_cf)
            start += more
            self.assertEqual(start, count(), settings)
        d.chaos(late_commit="1:0.2@create")
        self.assertIsNone(self.quiet(d.new_cf))
        self.assertEqual(start, count())
        time.sleep(0.3)
        self.assertEqual(start + 1, count())
        self.assertEqual("late-commit-done", d.desk("/books")["chaos"][-1]["name"])

    def test_late_visible(self) -> None:
        d = self.d
        d.chaos(late_visible="1:0.5")
        ident = d.new_cf(title="Hidden")[1]["id"]
        listed = lambda: ident in [r["id"] for r in d.cf("GET", "/requests?limit=100")[1]["requests"]]
        self.assertFalse(listed())
        self.assertEqual(200, d.cf("GET", f"/requests/{ident}")[0])
        time.sleep(0.55)
        self.assertTrue(listed())

    def test_bad_settings_are_refused(self) -> None:
        for settings in ({"nonsense": True}, {"slow": "1"}, {"drop-rows": "2"}, {"commit-then": "abc"}, {"rewrite": "x"}, {"emoji": "1"}):
            self.assertIn("error", self.d.chaos(**settings))


if __name__ == "__main__":
    unittest.main()
