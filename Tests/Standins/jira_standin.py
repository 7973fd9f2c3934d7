"""Jira for tests: Cloud's REST v3 and Data Center's v2 over one generated world.

README.md beside this file tells how to start it, what its control endpoints are and what it does
as Jira does.
"""

import base64
import json
import re
import sys
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import clock
import standin
from http_server import Response
from jira_answers import Answers
from jira_world import World
from jql import Invalid, Query, number
from standin import Refused, Standin

V3_SEARCH_FIELDS = {
    "jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys",
    "reconcileIssues", "failFast",
}  # fmt: skip
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full "
    "migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)


class Failure(Exception):
    """An answer that is an error."""

    def __init__(self, status, *messages, headers=None):
        super().__init__(status)
        self.status = status
        self.value = {"errorMessages": list(messages), "errors": {}}
        self.headers = headers or {}


class Jira(Standin):
    settings_of_kind = {
        "paging": "offset", "token_lifetime": 604800, "dev_status": True, "max_results": 100,
        "index_lag": 0, "timezone": "America/New_York", "tokens": ["test-token"],
        "email": "bot@example.com", "bad_credentials": "401", "deployment": "both", "missing_keys": "empty",
        "index": "ready",
    }  # fmt: skip

    def __init__(self, world, settings=None):
        # nextPageToken: when it was given
        self.given_pages = {}
        super().__init__(world, settings)

    def settings_changed(self, given):
        try:
            self.zone = ZoneInfo(self.settings["timezone"])
        except (KeyError, ValueError) as error:
            raise Refused(f"no time zone {self.settings['timezone']!r}") from error
        for name, known in (
            ("paging", ("offset", "keyset")),
            ("bad_credentials", ("401", "anonymous")),
            ("missing_keys", ("empty", "refused")),
            ("index", ("ready", "rebuilding")),
            ("deployment", ("both", "cloud", "datacenter")),
        ):
            if self.settings[name] not in known:
                raise Refused(f"{name} is one of {', '.join(known)}")
        self.world.index_lag = self.settings["index_lag"]

    # MARK: Control

    def actions(self):
        world = self.world

        def found(issue=None, project=None):
            if issue is None:
                return world.any_issue(world.random, project)
            row = world.issues.get(str(issue)) or world.issues.get(world.keys.get(str(issue)))
            if row is None:
                raise LookupError(f"no issue {issue}")
            return row

        def told(one):
            return {name: one[name] for name in ("id", "key", "updated")}

        def touch(issue=None, project=None):
            row = found(issue, project)
            world.touch(row)
            return told(row)

        def grow(what, issue=None, project=None, count=1):
            row = found(issue, project)
            world.grow(row, what, count)
            return told(row)

        def delete(issue=None, project=None):
            row = found(issue, project)
            world.delete(row)
            return told(row)

        def move(to, issue=None, project=None):
            row = found(issue, project)
            world.move(row, to)
            return told(row)

        def hide(project):
            if project not in world.projects:
                raise LookupError(f"no project {project}")
            world.version += 1
            world.hidden.add(project)

        def vanish(project):
            hide(project)
            for row in [one for one in world.issues.values() if one["project"] == project]:
                world.issues.pop(row["id"])
                world.deleted.append({"id": row["id"], "table": "issues", "key": row["key"]})
            row = world.projects.pop(project)
            world.deleted.append({"id": row["id"], "table": "projects", "key": project})

        def restore(project):
            world.version += 1
            world.hidden.discard(project)

        def update(count=1, kinds=("touch", "grow", "create", "delete", "move")):
            return [told(world.random_update(world.random, world.random.choice(kinds))) for _ in range(count)]

        def revoke(token):
            self.settings["tokens"] = [one for one in self.settings["tokens"] if one != token]

        return {
            "touch": touch, "grow": grow, "delete": delete, "move": move, "update": update,
            "create": lambda project=None, count=1: [told(one) for one in world.create(project, count)],
            "forbid": hide, "vanish": vanish, "restore": restore, "revoke": revoke,
        }  # fmt: skip

    # MARK: Requests

    def owner_of(self, request):
        """Who asks; None for credentials that are not right, or none."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and given.strip() in self.settings["tokens"]:
            return given.strip()
        if scheme.lower() == "basic":
            try:
                name, _, token = base64.b64decode(given).decode().partition(":")
            except ValueError:
                return None
            email = self.settings["email"]
            if name in (email, email.partition("@")[0]) and token in self.settings["tokens"]:
                return token
        return None

    async def perform(self, request):
        body = request.body
        try:
            if body:
                body = json.dumps(json.loads(body), sort_keys=True).encode()
        except ValueError:
            pass
        query = json.dumps(request.query, sort_keys=True)
        entry = self.entry(self.digest(request.method, request.path, query, body.decode("latin-1")))
        self.world.requests = self.requests
        self.change_world()
        version = 2 if request.path.startswith("/rest/api/2/") else 3
        entry["partition"] = self.partition(request)
        owner = self.owner_of(request)
        headers = {"X-AREQUESTID": f"{self.requests:032x}"}
        fault = self.faults.next(entry["partition"])
        if fault and fault["kind"] not in ("cut_headers", "cut_body", "garbage", "truncated_json"):
            return self.fault(entry, fault, headers)
        anonymous = owner is None and self.settings["bad_credentials"] == "anonymous"
        if owner is None:
            headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
            if not anonymous or "/myself" in request.path:
                headers["WWW-Authenticate"] = 'OAuth realm="https%3A%2F%2Fjira.example.com"'
                value = {
                    "message": "Client must be authenticated to access this resource.", "status-code": 401,
                }  # fmt: skip
                return self.finish(entry, Response.of(value, 401, headers), False)
        window = self.window(owner or "anonymous")
        if not window.take(1):
            return self.exhausted(entry, window, headers, version)
        self.points += 1
        headers |= self.limit_headers(window, version)
        hidden = self.world.hidden
        if anonymous:
            self.world.hidden = set(self.world.projects)
        try:
            value = self.answer(request, Answers(self.world, self.zone, version), entry)
            response = Response.of(value, 200, headers)
            good = not anonymous
        except Failure as failure:
            response = Response.of(failure.value, failure.status, headers | failure.headers)
            good = False
        except Invalid as error:
            response = Response.of({"errorMessages": error.messages, "errors": {}}, 400, headers)
            good = False
        finally:
            self.world.hidden = hidden
        if fault:
            entry["fault"] = fault["kind"]
            self.break_answer(response, fault["kind"])
        return self.finish(entry, response, good)

    def partition(self, request):
        path = request.path
        match = re.search(r"/issue/([^/]+)", path)
        if "dev-status" in path:
            issue = self.world.issues.get(request.first("issueId"))
            return issue["project"] if issue else None
        if match:
            issue = self.world.find_issue(match[1])
            return issue["project"] if issue else None
        if "/search" in path and "/user" not in path and "/project" not in path:
            try:
                jql = request.first("jql") or (request.json().get("jql") if request.method == "POST" else "")
                named = Query(jql or "").projects()
                return str(named[0]) if named else None
            except (Invalid, ValueError, AttributeError):
                return None
        return "users" if "/user" in path else "projects" if "/project" in path else None

    def answer(self, request, answers, entry):
        deployment = self.settings["deployment"]
        path, method = request.path, request.method
        get = method == "GET"
        if path == "/rest/api/3/search" or (path == "/rest/api/2/search" and deployment == "cloud"):
            raise Failure(410, REMOVED)
        if deployment == "datacenter" and path.startswith("/rest/api/3/"):
            raise Failure(404, "null for uri: https://jira.example.com" + path)
        if path == "/rest/api/3/search/jql" and method in ("GET", "POST"):
            return self.search_cloud(request, answers, entry)
        if path == "/rest/api/2/search" and method in ("GET", "POST"):
            return self.search_data_center(request, answers, entry)
        match = re.fullmatch(r"/rest/api/([23])/(.+)", path)
        if match and get:
            return self.resource(match[2], request, answers, entry)
        if path == "/rest/api/3/changelog/bulkfetch" and method == "POST":
            return self.bulk_changelogs(request, answers, entry)
        match = re.fullmatch(r"/rest/dev-status/(?:1\.0|latest)/issue/(summary|detail)", path)
        if match and get:
            return self.development(match[1], request, answers, entry)
        raise Failure(405 if match else 404, f"null for uri: https://jira.example.com{path}")

    def resource(self, path, request, answers, entry):
        cloud = answers.version == 3
        if path == "myself":
            return self.myself(answers)
        if path == "serverInfo":
            kind = "Cloud" if cloud or self.settings["deployment"] == "cloud" else "Server"
            version = "1001.0.0-SNAPSHOT" if kind == "Cloud" else "9.12.0"
            now = datetime.fromtimestamp(clock.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            return {
                "baseUrl": "https://jira.example.com", "version": version,
                "versionNumbers": [int(n) for n in re.findall(r"\d+", version)[:3]],
                "deploymentType": kind, "buildNumber": 100000, "serverTime": answers.moment(now),
                "serverTitle": "Jira",
            }  # fmt: skip
        if path == "field":
            return answers.field_details()
        if path == "project/search" and cloud:
            return self.project_search(request, answers, entry)
        if path == "project":
            entry["page"] = "projects at=0"
            return [answers.project(one) for one in self.world.visible_projects()]
        match = re.fullmatch(r"project/([^/]+)", path)
        if match:
            for one in self.world.visible_projects():
                if match[1] in (one["id"], one["key"]):
                    return answers.project(one)
            raise Failure(404, f"No project could be found with key '{match[1]}'.")
        if path == ("users/search" if cloud else "user/search"):
            return self.users(request, answers, entry)
        match = re.fullmatch(r"issue/([^/]+)(?:/(changelog|worklog))?", path)
        if match:
            issue = self.world.find_issue(match[1])
            if issue is None:
                raise Failure(404, "Issue does not exist or you do not have permission to see it.")
            if match[2] is None:
                wanted = self.wanted(request.query.get("fields")) or ["*all"]
                return answers.issue(issue, wanted, request.first("expand") or "")
            start = self.whole(request, "startAt", 0)
            if match[2] == "changelog":
                most = min(self.whole(request, "maxResults", 100), 100)
                entry["page"] = f"{issue['key']} changelog at={start}"
                return answers.changelog(issue, start, most)
            most = min(self.whole(request, "maxResults", 5000), 5000)
            entry["page"] = f"{issue['key']} worklog at={start}"
            return answers.worklogs(issue, start, most)
        raise Failure(404, f"null for uri: https://jira.example.com{request.path}")

    def myself(self, answers):
        shown = {
            "self": f"{answers.base}/myself", "emailAddress": self.settings["email"],
            "displayName": "The Bot", "active": True, "timeZone": self.settings["timezone"],
            "locale": "en_US",
        }  # fmt: skip
        if answers.version == 3:
            return shown | {"accountId": "712020:b07", "accountType": "atlassian"}
        return shown | {"name": "bot", "key": "JIRAUSER10000"}

    @staticmethod
    def whole(request, name, default):
        text = request.first(name)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,9}", text):
            raise Failure(400, f"The value '{text}' of the parameter '{name}' is not a number.")
        return int(text)

    @staticmethod
    def wanted(given):
        """The names in `fields`, which come as a list, separated by commas, or both."""
        return [one.strip() for part in given or [] for one in part.split(",") if one.strip()]

    def project_search(self, request, answers, entry):
        rows = sorted(self.world.visible_projects(), key=lambda one: one["key"])
        keys = self.wanted(request.query.get("keys"))
        if keys:
            rows = [one for one in rows if one["key"] in keys]
        start, most = self.whole(request, "startAt", 0), min(self.whole(request, "maxResults", 50), 100)
        page = rows[start : start + most]
        entry["page"] = f"projects at={start}"
        path = f"{answers.base}/project/search"
        value = {
            "self": f"{path}?maxResults={most}&startAt={start}", "maxResults": most, "startAt": start,
            "total": len(rows), "isLast": start + len(page) >= len(rows),
            "values": [answers.project(one) for one in page],
        }  # fmt: skip
        if not value["isLast"]:
            value["nextPage"] = f"{path}?maxResults={most}&startAt={start + len(page)}"
        return value

    def users(self, request, answers, entry):
        start, most = self.whole(request, "startAt", 0), min(self.whole(request, "maxResults", 50), 1000)
        rows = list(self.world.users.values())
        if answers.version == 2:
            if request.first("username") is None:
                raise Failure(400, "The username query parameter was not provided")
            if request.first("includeInactive") != "true":
                rows = [one for one in rows if one["active"]]
        entry["page"] = f"users at={start}"
        return [answers.user(one["accountId"]) for one in rows[start : start + most]]

    def development(self, kind, request, answers, entry):
        allowed = self.settings["dev_status"]
        if allowed is not True:
            status = allowed if isinstance(allowed, int) and allowed else 404
            raise Failure(status, f"null for uri: https://jira.example.com{request.path}")
        issue = self.world.issues.get(request.first("issueId"))
        if issue is None or issue["project"] in self.world.hidden:
            raise Failure(404, "Issue does not exist or you do not have permission to see it.")
        if kind == "summary":
            entry["page"] = f"{issue['key']} development"
            return answers.development_summary(issue)
        application, data = request.first("applicationType"), request.first("dataType")
        if not application or not data:
            raise Failure(400, "applicationType and dataType must be given")
        entry["page"] = f"{issue['key']} development {application} {data}"
        return answers.development_detail(issue, application, data)

    # MARK: Searching

    def asked(self, request):
        """What a search asks for, from the query or the body, by Jira's names."""
        if request.method == "GET":
            asked = {name: values[0] for name, values in request.query.items()}
            asked["fields"] = self.wanted(request.query.get("fields"))
            for name in ("maxResults", "startAt"):
                if name in asked:
                    asked[name] = self.whole(request, name, 0)
            return asked
        try:
            asked = request.json()
            if not isinstance(asked, dict):
                raise ValueError
        except ValueError as error:
            raise Failure(400, "Invalid request payload. Refer to the REST API documentation and try again.") from error
        return asked

    def search_cloud(self, request, answers, entry):
        asked = self.asked(request)
        fields, expand = asked.get("fields") or [], asked.get("expand") or ""
        most = asked.get("maxResults", 50)
        if set(asked) - V3_SEARCH_FIELDS and request.method == "POST" or not (
            isinstance(fields, list) and isinstance(expand, str) and isinstance(most, int) and most >= 0
        ):
            raise Failure(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        fields = self.wanted(fields) or ["id"]
        jql = asked.get("jql") or ""
        query = Query(jql)
        if not query.conditions:
            raise Failure(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        rows = self.searched(query, self.settings["missing_keys"] == "empty")
        light = all(one in ("id", "key") for one in fields) and not expand
        most = min(most, 5000 if light else self.settings["max_results"])
        start, rows = self.resumed(query, rows, asked.get("nextPageToken"))
        page = rows[:most]
        entry["page"] = f"{entry['partition']} search {jql} at={start}"
        value = {"issues": [answers.issue(one, fields, expand) for one in page], "isLast": len(page) == len(rows)}
        if not value["isLast"]:
            value["nextPageToken"] = self.page_token(query, start + len(page) if isinstance(start, int) else None, page)
        if "names" in expand:
            value["names"] = {one["id"]: one["name"] for one in answers.field_details()}
        return value

    def searched(self, query, lenient=False):
        rows = self.world.search(query, self.zone, lenient)
        return [] if self.settings["index"] == "rebuilding" else rows

    def page_token(self, query, offset, page):
        """Where the next page begins: how many rows were before it, or the last of them."""
        place = offset if offset is not None else [self.place(query, page[-1]), page[-1]["id"]]
        data = json.dumps([self.digest(query.text), place], separators=(",", ":"))
        token = base64.urlsafe_b64encode(data.encode()).decode()
        self.given_pages[token] = clock.now()
        return token

    @staticmethod
    def place(query, issue):
        return [
            [issue["project"], number(issue["key"])] if field == "key" else issue.get(f"_{field}", issue.get(field))
            for field, _ in query.orders
        ]

    def resumed(self, query, rows, token):
        """Where a page begins (a number, or the place in the order), and the rows from there."""
        keyset = self.settings["paging"] == "keyset"
        if not token:
            return ("" if keyset else 0), rows
        given = self.given_pages.get(token)
        try:
            text, place = json.loads(base64.urlsafe_b64decode(token))
        except (ValueError, TypeError):
            given = None
        if given is None or given + self.settings["token_lifetime"] < clock.now() or text != self.digest(query.text):
            raise Failure(400, "The provided next page token is invalid or has expired.")
        if isinstance(place, int):
            return place, rows[place:]
        last = {"id": place[1], "project": "", "key": "X-0"}
        for (field, _), value in zip(query.orders, place[0], strict=True):
            if field == "key":
                last["project"], last["key"] = value[0], f"{value[0]}-{value[1]}"
            elif field in ("updated", "created"):
                last[f"_{field}"] = value
            else:
                last[field] = value
        edge = self.world.order_key(query, last)
        return f"after {place[1]}", [one for one in rows if edge < self.world.order_key(query, one)]

    def search_data_center(self, request, answers, entry):
        asked = self.asked(request)
        fields, expand = asked.get("fields") or [], asked.get("expand") or ""
        if isinstance(expand, list):
            expand = ",".join(expand)
        fields = self.wanted(fields) or ["*navigable"]
        most, start = min(asked.get("maxResults", 50), 1000), asked.get("startAt", 0)
        jql = asked.get("jql") or ""
        rows = self.searched(Query(jql))
        entry["page"] = f"{entry['partition']} search {jql} at={start}"
        return {
            "expand": "schema,names", "startAt": start, "maxResults": most, "total": len(rows),
            "issues": [answers.issue(one, fields, expand) for one in rows[start : start + most]],
        }  # fmt: skip

    def bulk_changelogs(self, request, answers, entry):
        asked = self.asked(request)
        names = asked.get("issueIdsOrKeys")
        if not isinstance(names, list) or not 1 <= len(names) <= 1000:
            raise Failure(400, "Between 1 and 1000 issue ids or keys are needed.")
        token = asked.get("nextPageToken")
        start = 0
        if token:
            if token not in self.given_pages:
                raise Failure(400, "The provided next page token is invalid or has expired.")
            start = json.loads(base64.urlsafe_b64decode(token))
        issues = [issue for issue in map(self.world.find_issue, names) if issue]
        rows = [one for issue in issues for one in issue["_histories"]]
        page = rows[start : start + min(asked.get("maxResults", 1000), 10000)]
        entry["page"] = f"changelogs {self.digest(*map(str, names))} at={start}"
        logs = {}
        for one in page:
            logs.setdefault(one["issue"], []).append(answers.history(one))
        value = {"issueChangeLogs": [{"issueId": k, "changeHistories": v} for k, v in logs.items()]}
        if start + len(page) < len(rows):
            next_page = base64.urlsafe_b64encode(json.dumps(start + len(page)).encode()).decode()
            self.given_pages[next_page] = clock.now()
            value["nextPageToken"] = next_page
        return value

    # MARK: Limits and faults

    def limit_headers(self, window, version):
        if version == 2:
            return {
                "X-RateLimit-Limit": window.limit, "X-RateLimit-Remaining": window.remaining,
                "X-RateLimit-Interval-Seconds": 3600, "X-RateLimit-FillRate": window.limit,
            }  # fmt: skip
        reset = datetime.fromtimestamp(window.reset_seconds, timezone.utc)
        headers = {
            "X-RateLimit-Limit": window.limit, "X-RateLimit-Remaining": window.remaining,
            "X-RateLimit-Reset": reset.strftime("%Y-%m-%dT%H:%MZ"),
        }  # fmt: skip
        if window.remaining < window.limit / 5:
            headers["X-RateLimit-NearLimit"] = "true"
        return headers

    def exhausted(self, entry, window, headers, version):
        entry["fault"] = "rate_limited"
        headers |= self.limit_headers(window, version)
        headers["Retry-After"] = max(1, window.reset_seconds - int(clock.now()))
        if version == 3:
            headers["RateLimit-Reason"] = "jira-quota-based"
        value = {"errorMessages": ["Rate limit exceeded."], "errors": {}}
        return self.finish(entry, Response.of(value, 429, headers), False)

    def fault(self, entry, fault, headers):
        kind = fault["kind"]
        entry["fault"] = kind
        if kind == "timeout":
            response = Response(504, broken="refuse", delay=self.settings["timeout"])
        elif kind == "refuse":
            response = Response(502, broken="refuse")
        elif kind in ("429", "secondary"):
            if fault.get("retry_after") is not None:
                headers["Retry-After"] = fault["retry_after"]
            headers["RateLimit-Reason"] = "jira-cost-based"
            response = Response.of({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, headers)
        elif kind in ("502", "504", "html502"):
            status = 504 if kind == "504" else 502
            response = Response(status, b"<html><body><h1>Bad Gateway</h1></body></html>", "text/html", headers)
        else:
            status = int(kind) if kind.isdigit() else 500
            if fault.get("retry_after") is not None:
                headers["Retry-After"] = fault["retry_after"]
            response = Response.of({"errorMessages": ["Internal server error"], "errors": {}}, status, headers)
        return self.finish(entry, response, False)


def main():
    options = standin.parser(__doc__.split("\n")[0])
    options.add_argument("--projects", type=int, default=3)
    options.add_argument("--issues", type=int, default=120, help="up to, in each project")
    options.add_argument("--token", action="append", help="a valid token; default test-token")
    options.add_argument("--email", default="bot@example.com", help="the API user's")
    options.add_argument("--timezone", default="America/New_York", help="of the API user's profile")
    given = options.parse_args()
    settings = {"email": given.email, "timezone": given.timezone}
    if given.token:
        settings["tokens"] = given.token
    jira = Jira(World(given.seed, given.projects, given.issues), settings | given.settings)
    standin.serve(jira, standin.announce(), given.port)


if __name__ == "__main__":
    sys.exit(main())
