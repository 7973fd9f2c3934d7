"""What both stand-ins have in common: settings, faults by schedule, counts, the control protocol."""

import argparse
import asyncio
import hashlib
import json
import random
import sys
from collections import Counter

import clock
from http_server import Response, Server

COMMON_SETTINGS = {
    "latency": 0.0,
    "rate_limit": {"limit": 5000, "remaining": 5000, "reset_in": 3600, "form": "RATE_LIMITED"},
    "faults": [],
    "random_faults": None,
    "timeout": 30.0,
    "updates": None,
    "clock": "virtual",
}


FAULT_KINDS = {
    "secondary", "timeout", "refuse", "cut_headers", "cut_body", "garbage", "truncated_json",
    "html502", "resource_limits",
}  # fmt: skip


class Refused(Exception):
    """A control request that makes no sense; its text is the answer."""


class RateWindow:
    """Points of the current window, refilled when it ends."""

    def __init__(self, settings):
        self.limit = settings.get("limit", 5000)
        self.remaining = settings.get("remaining", self.limit)
        self.reset_at = clock.now() + settings.get("reset_in", 3600)
        self.form = settings.get("form", "RATE_LIMITED")

    def refresh(self):
        now = clock.now()
        if now >= self.reset_at:
            self.remaining = self.limit
            self.reset_at = now + 3600

    @property
    def reset_seconds(self):
        # Rounded up: a client that waits until then meets a full window.
        return int(self.reset_at) + 1

    def take(self, points):
        """True when the window held so many points, which are gone now."""
        self.refresh()
        if self.remaining < points:
            self.remaining = 0
            return False
        self.remaining -= points
        return True


class Faults:
    """Decides which request fails how: by schedule, then at random by seed."""

    def __init__(self, settings):
        self.count = 0
        self.rules = [dict(rule) for rule in settings["faults"]]
        self.done = [0] * len(self.rules)
        self.by_partition = [0] * len(self.rules)
        chance = settings["random_faults"]
        self.chance = chance
        self.random = random.Random(chance.get("seed", 0)) if chance else None

    def next(self, partition):
        self.count += 1
        for number, rule in enumerate(self.rules):
            if "partition" in rule and rule["partition"] != partition:
                continue
            self.by_partition[number] += 1
            met = self.by_partition[number] if "partition" in rule else self.count
            if "times" in rule and self.done[number] >= rule["times"]:
                continue
            due = met in rule["at"] if "at" in rule else met % rule.get("every", 1) == 0
            if due:
                self.done[number] += 1
                return rule
        if self.random and self.random.random() < self.chance.get("rate", 0):
            return {"kind": self.random.choice(self.chance.get("kinds", ["502"]))}
        return None


class Standin:
    """The base of a stand-in. A subclass answers `perform(request, entry)` and names its actions."""

    settings_of_kind = {}

    def __init__(self, world, settings=None):
        self.world = world
        self.settings = json.loads(json.dumps(COMMON_SETTINGS | self.settings_of_kind))
        self.server = None
        self.authorizations = {}
        self.tokens_given = []
        self.scheduled = []
        self.requests = 0
        self.reset_counts()
        self.apply(settings or {})

    # MARK: Settings

    def apply(self, given):
        unknown = set(given) - set(self.settings)
        if unknown:
            raise Refused(
                f"no setting {', '.join(sorted(unknown))}; there are {', '.join(sorted(self.settings))}"
            )
        for rule in given.get("faults") or []:
            self.check_kind(rule.get("kind"))
        for kind in (given.get("random_faults") or {}).get("kinds", []):
            self.check_kind(kind)
        before = dict(self.settings)
        self.settings.update(given)
        try:
            self.settings_changed(given)
        except Refused:
            self.settings = before
            raise
        if not hasattr(self, "windows") or "rate_limit" in given:
            self.windows = {}
        if not hasattr(self, "faults") or "faults" in given or "random_faults" in given:
            self.faults = Faults(self.settings)
        if "updates" in given or not hasattr(self, "update_random"):
            updates = self.settings["updates"] or {}
            self.update_random = random.Random(updates.get("seed", 0))
            self.update_count = 0
            self.updates_done = 0
        self.world.real_clock = self.settings["clock"] == "real"

    @staticmethod
    def check_kind(kind):
        if kind not in FAULT_KINDS and not (isinstance(kind, str) and kind.isdigit() and len(kind) == 3):
            raise Refused(f"no fault {kind!r}; there are statuses and {', '.join(sorted(FAULT_KINDS))}")

    def settings_changed(self, given):
        pass

    def window(self, who):
        """The rate window of one token's owner; all begin as the settings say."""
        if who not in self.windows:
            self.windows[who] = RateWindow(self.settings["rate_limit"])
        return self.windows[who]

    # MARK: Counts

    def reset_counts(self):
        self.log = []
        self.points = 0
        self.answered = Counter()
        self.pages = Counter()
        self.by_partition = Counter()
        self.fault_counts = Counter()
        self.samples = {}
        self.counted = 0

    def entry(self, key):
        self.requests += 1
        self.counted += 1
        entry = {
            "n": self.requests, "at": round(clock.now(), 3), "status": None, "fault": None,
            "partition": None, "page": None, "cost": None, "nodes": None, "key": key,
        }  # fmt: skip
        self.log.append(entry)
        return entry

    def count_answer(self, entry):
        self.answered[entry["key"]] += 1
        self.samples.setdefault(entry["key"], (entry["partition"], entry["page"]))
        for page in [entry["page"]] + entry.get("further", []):
            if page:
                self.pages[page] += 1
        if entry["partition"]:
            self.by_partition[entry["partition"]] += 1

    def counts(self):
        return {
            "requests": self.counted,
            "answered": sum(self.answered.values()),
            "repeated": [
                {"key": key, "partition": self.samples[key][0], "page": self.samples[key][1], "times": n}
                for key, n in self.answered.items()
                if n > 1
            ],
            "pages": dict(self.pages),
            "by_partition": dict(self.by_partition),
            "faults": dict(self.fault_counts),
            "points": self.points,
        }

    @staticmethod
    def digest(*parts):
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    # MARK: Changes of the world

    def do(self, action):
        if isinstance(action, list):
            return [self.do(one) for one in action]
        if not isinstance(action, dict) or "action" not in action:
            raise Refused('an action is like {"action": "touch", …}')
        if "after" in action:
            due = self.requests + action["after"]
            self.scheduled.append((due, {k: v for k, v in action.items() if k != "after"}))
            return {"due": due}
        name = action["action"]
        perform = self.actions().get(name)
        if perform is None:
            raise Refused(f"no action {name!r}; there are {', '.join(sorted(self.actions()))}")
        try:
            return perform(**{k: v for k, v in action.items() if k != "action"})
        except (TypeError, LookupError) as error:
            raise Refused(f"{name}: {error}") from error

    def change_world(self):
        """What is due before this request is answered."""
        due = [action for at, action in self.scheduled if at <= self.requests]
        self.scheduled = [one for one in self.scheduled if one[0] > self.requests]
        for action in due:
            self.do(action)
        updates = self.settings["updates"]
        if updates:
            self.update_count += 1
            if self.update_count % updates.get("every", 1) == 0 and self.updates_done < updates.get(
                "times", sys.maxsize
            ):
                self.updates_done += 1
                kinds = updates.get("kinds", ["touch"])
                self.world.random_update(self.update_random, self.update_random.choice(kinds))

    def actions(self):
        return {}

    # MARK: Requests

    async def handle(self, request):
        if request.path.startswith("/_control"):
            try:
                return self.control(request)
            except Refused as error:
                return Response.of({"error": str(error)}, 400)
            except (ValueError, KeyError) as error:
                return Response.of({"error": f"{type(error).__name__}: {error}"}, 400)
        authorization = request.headers.get("authorization")
        if authorization is not None:
            self.authorizations[authorization] = self.authorizations.get(authorization, 0) + 1
        response = await self.perform(request)
        if self.settings["latency"]:
            response.delay += self.settings["latency"]
        return response

    def finish(self, entry, response, good):
        """Writes the outcome into the log, and counts a good answer once it has been sent whole."""
        entry["status"] = response.status
        if entry["fault"]:
            self.fault_counts[entry["fault"]] += 1
        elif good:
            response.on_sent = lambda: self.count_answer(entry)
        return response

    def break_answer(self, response, kind):
        """Faults that spoil an answer which was made."""
        if kind in ("cut_headers", "cut_body"):
            response.broken = kind
        elif kind == "garbage":
            response.body = b"<html><body><h1>It works, but not as you expect</h1></body></html>"
            response.content_type = "text/html"
            response.gzipped = None
        elif kind == "truncated_json":
            response.body = response.body[: len(response.body) * 2 // 3]
            response.gzipped = None
        return response

    def control(self, request):
        name = request.path.removeprefix("/_control").strip("/")
        post = request.method == "POST"
        if name == "truth" and not post:
            return Response.of({"tables": self.truth(request)})
        if name == "counts" and not post:
            return Response.of(self.counts())
        if name == "counts/reset" and post:
            self.reset_counts()
            return Response.of({})
        if name == "log" and not post:
            since = int(request.first("since", "0"))
            return Response.of([entry for entry in self.log if entry["n"] > since])
        if name == "settings":
            if post:
                self.apply(request.json())
            remaining = {who: window.remaining for who, window in self.windows.items()}
            return Response.of(self.settings | {"remaining": remaining})
        if name == "clock":
            if post:
                clock.advance(float(request.json()["advance"]))
            return Response.of({"now": clock.now()})
        if name == "do" and post:
            return Response.of(self.do(request.json()))
        if name == "authorizations" and not post:
            return Response.of({"seen": self.authorizations, "given": self.tokens_given})
        if name == "failures" and not post:
            return Response.of(self.server.failures if self.server else [])
        return self.control_of_kind(name, request) or Response.of(
            {"error": f"no {request.method} /_control/{name}; see Tests/Standins/README.md"}, 404
        )

    def control_of_kind(self, name, request):
        return None

    def truth(self, request):
        tables = self.world.truth(request)
        wanted = request.first("table")
        if wanted is not None:
            if wanted not in tables:
                raise Refused(f"no table {wanted!r}; there are {', '.join(tables)}")
            tables = {wanted: tables[wanted]}
        return tables


def parser(description):
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--seed", type=int, default=7, help="what the generated world depends on")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--settings", type=json.loads, default={}, help="JSON, as POST settings")
    return options


def announce(**facts):
    def ready(port):
        url = f"http://127.0.0.1:{port}"
        print(
            json.dumps({"port": port, "url": url, "control": f"{url}/_control"} | facts), flush=True
        )

    return ready


def serve(standin, ready, port=0):
    """Serves until standard input closes."""

    async def main():
        standin.server = Server(standin.handle)
        await standin.server.run(ready, port=port)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
