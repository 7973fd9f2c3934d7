"""The Jira stand-in: plain clients of both versions find the truth; answers are as the OpenAPI file says."""

import json
import os
import unittest
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from plain_client import Started

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("CAIRN_SHARED") or HERE.parent.parent.parent / "shared")
OPENAPI = SHARED / "apis/jira-v3.openapi.json"


def started(*arguments):
    server = Started("jira_standin.py", *arguments)
    server.basic()
    return server


def utc(text):
    """A moment of an answer as the truth tells it."""
    if text is None:
        return None
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def plain(document):
    """The text of an Atlassian document."""
    if document is None or isinstance(document, str):
        return document
    return "\n".join("".join(one["text"] for one in line["content"]) for line in document["content"])


class Collector:
    """Reads everything into tables shaped like the truth's."""

    def __init__(self, server, version=3, size=30):
        self.server, self.version, self.size = server, version, size
        self.base = f"/rest/api/{version}"

    def get(self, path, **query):
        text = urlencode(query)
        return self.server.get(path + ("?" + text if text else ""))

    def person(self, shown):
        if shown is None:
            return None
        return shown["accountId"] if self.version == 3 else self.names[shown["name"]]

    def projects(self):
        if self.version == 2:
            return self.get(f"{self.base}/project")
        found = []
        while True:
            page = self.get(f"{self.base}/project/search", startAt=len(found), maxResults=2)
            found += page["values"]
            if page["isLast"]:
                return found

    def users(self):
        found = []
        while True:
            if self.version == 3:
                page = self.get(f"{self.base}/users/search", startAt=len(found), maxResults=25)
            else:
                page = self.get(
                    f"{self.base}/user/search", username=".", includeInactive="true", startAt=len(found), maxResults=25
                )
            if not page:
                return found
            found += page

    def issues(self, project):
        jql = f"project = {project} ORDER BY key ASC"
        asked = {"jql": jql, "maxResults": self.size, "fields": ["*all"], "expand": "changelog"}
        if self.version == 2:
            start = 0
            while True:
                page = self.post("/rest/api/2/search", asked | {"startAt": start, "expand": ["changelog"]})
                yield from page["issues"]
                start += len(page["issues"])
                if start >= page["total"]:
                    return
        while True:
            page = self.post("/rest/api/3/search/jql", asked)
            yield from page["issues"]
            if page["isLast"]:
                return
            asked["nextPageToken"] = page["nextPageToken"]

    def post(self, path, value):
        status, _, body = self.server.ask("POST", path, value)
        if status != 200:
            raise RuntimeError(f"{status}: {body[:300]!r}")
        return json.loads(body)

    def further(self, issue, what, key, rows, total):
        while len(rows) < total:
            page = self.get(f"{self.base}/issue/{issue['id']}/{what}", startAt=len(rows), maxResults=70)
            rows += page[key]
        return rows

    def everything(self):
        tables = {name: [] for name in "projects issues changelogs worklogs users".split()}
        self.names = {one["name"]: one["accountId"] for one in self.server.truth("?table=users")["users"]}
        for one in self.users():
            tables["users"].append(self.person(one))
        for project in self.projects():
            tables["projects"].append(
                {name: project[name] for name in ("id", "key", "name", "projectTypeKey")}
                | {"lead": self.person(project["lead"])}
            )
            for issue in self.issues(project["key"]):
                self.issue(issue, tables)
        for name in ("projects", "issues", "changelogs", "worklogs"):
            tables[name].sort(key=lambda row: int(row["id"]))
        return tables

    def issue(self, issue, tables):
        fields = issue["fields"]
        name = lambda field: fields[field] and fields[field]["name"]  # noqa: E731
        tables["issues"].append(
            {
                "id": issue["id"], "key": issue["key"], "project": fields["project"]["key"],
                "summary": fields["summary"], "description": plain(fields["description"]),
                "issuetype": name("issuetype"), "status": name("status"), "priority": name("priority"),
                "assignee": self.person(fields["assignee"]), "reporter": self.person(fields["reporter"]),
                "labels": fields["labels"], "created": utc(fields["created"]),
                "updated": utc(fields["updated"]), "resolutiondate": utc(fields["resolutiondate"]),
                "parent": (fields.get("parent") or {}).get("id"),
                "storyPoints": fields["customfield_10016"],
                "severity": fields["customfield_10030"] and fields["customfield_10030"]["value"],
                "reviewers": sorted(self.person(one) for one in fields["customfield_10031"] or []),
            }
        )  # fmt: skip
        log = issue["changelog"]
        histories = log["histories"]
        if len(histories) < log["total"]:
            histories = self.further(issue, "changelog", "values", [], log["total"])
        for one in histories:
            tables["changelogs"].append(
                {
                    "id": one["id"], "issue": issue["id"], "author": self.person(one["author"]),
                    "created": utc(one["created"]), "items": one["items"],
                }
            )  # fmt: skip
        work = fields["worklog"]
        for one in self.further(issue, "worklog", "worklogs", work["worklogs"], work["total"]):
            tables["worklogs"].append(
                {
                    "id": one["id"], "issue": one["issueId"], "author": self.person(one["author"]),
                    "comment": plain(one.get("comment")), "timeSpentSeconds": one["timeSpentSeconds"],
                }
                | {name: utc(one[name]) for name in ("started", "created", "updated")}
            )  # fmt: skip


class TruthTests(unittest.TestCase):
    def equal(self, found, truth):
        self.assertEqual(sorted(found.pop("users")), [one["accountId"] for one in truth["users"]])
        for name, rows in found.items():
            self.assertEqual(len(rows), len(truth[name]), name)
            for row, right in zip(rows, truth[name], strict=True):
                self.assertEqual(row, right, name)

    def test_plain_clients_of_both_versions_collect_the_truth(self):
        with started("--issues", 60) as server:
            truth = server.truth()
            self.assertTrue(all(truth[name] for name in ("projects", "issues", "changelogs", "worklogs")))
            self.equal(Collector(server).everything(), truth)
            counts = server.control("counts")
            self.assertEqual(counts["repeated"], [])
            self.assertEqual(counts["answered"], counts["requests"])
            self.equal(Collector(server, version=2).everything(), truth)
            server.control("settings", {"paging": "keyset"})
            self.equal(Collector(server, size=7).everything(), truth)
            self.assertEqual(server.control("failures"), [])

    def test_changes_while_reading_are_met_by_reading_again(self):
        with started("--issues", 40) as server:
            kinds = ["touch", "grow", "create", "delete", "move"]
            server.control("settings", {"updates": {"every": 2, "kinds": kinds, "times": 50}})
            before = server.truth()
            try:
                Collector(server, size=5).everything()
            except RuntimeError as error:
                # An issue deleted between its page and its changelog.
                self.assertIn("404", str(error))
            server.control("settings", {"updates": None})
            truth = server.truth()
            self.assertNotEqual(truth, before)
            self.equal(Collector(server).everything(), truth)

    def test_development_is_the_truth(self):
        with started("--issues", 30) as server:
            truth = server.truth()["development"]
            found = []
            for issue in {row["issue"] for row in truth}:
                summary = server.get(f"/rest/dev-status/1.0/issue/summary?issueId={issue}")["summary"]
                for kind, key in (("pullrequest", "pullRequests"), ("branch", "branches")):
                    path = f"/rest/dev-status/latest/issue/detail?issueId={issue}&applicationType=GitHub&dataType={kind}"
                    rows = server.get(path)["detail"][0][key]
                    self.assertEqual(len(rows), summary[kind]["overall"]["count"])
                    found += [(issue, kind, one["url"]) for one in rows]
            right = [(r["issue"], r["type"], r["url"]) for r in truth if r["type"] != "commit"]
            self.assertEqual(sorted(found), sorted(right))
            server.control("settings", {"dev_status": False})
            self.assertEqual(server.ask("GET", "/rest/dev-status/1.0/issue/summary?issueId=10001")[0], 404)


class SearchTests(unittest.TestCase):
    def setUp(self):
        self.server = started("--issues", 50)
        self.addCleanup(self.server.end)
        self.issues = self.server.truth()["issues"]

    def search(self, jql, **more):
        asked = {"jql": jql, "maxResults": 100, "fields": ["updated", "created"]} | more
        status, _, body = self.server.ask("POST", "/rest/api/3/search/jql", asked)
        return status, json.loads(body)

    def keys(self, jql):
        found, asked = [], {}
        while True:
            status, page = self.search(jql, **asked)
            self.assertEqual(status, 200, page)
            found += [one["key"] for one in page["issues"]]
            if page["isLast"]:
                return found
            asked = {"nextPageToken": page["nextPageToken"]}

    def refusal(self, jql, **more):
        status, value = self.search(jql, **more)
        self.assertEqual(status, 400, value)
        return value["errorMessages"][0]

    def of_project(self, project, test=lambda row: True):
        rows = [row for row in self.issues if row["project"] == project and test(row)]
        return [r["key"] for r in sorted(rows, key=lambda row: int(row["key"].partition("-")[2]))]

    def test_conditions_and_orders(self):
        self.assertEqual(self.keys("project = P01 ORDER BY key ASC"), self.of_project("P01"))
        self.assertEqual(self.keys('project in ("P01") order by issuekey desc'), self.of_project("P01")[::-1])
        self.assertEqual(
            self.keys("project = P01 AND key > P01-10 AND key <= P01-20 ORDER BY key"),
            [f"P01-{n}" for n in range(11, 21)],
        )
        by_update = sorted(
            (r for r in self.issues if r["project"] == "P01"), key=lambda r: (r["updated"], -int(r["id"]))
        )
        self.assertEqual(
            self.keys("project = P01 ORDER BY updated ASC, id DESC")[0], by_update[0]["key"]
        )
        done = self.of_project("P01", lambda row: row["status"] == "Done")
        self.assertEqual(self.keys('project = P01 AND status = "Done" ORDER BY key ASC'), done)

    def test_dates_have_minutes_of_the_users_zone(self):
        row = next(r for r in self.issues if r["updated"][17:] not in ("00.000Z",))
        zone = ZoneInfo("America/New_York")
        moment = datetime.fromisoformat(row["updated"].replace("Z", "+00:00"))
        local = moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        wrong = moment.strftime("%Y-%m-%d %H:%M")
        only = f"key = {row['key']} AND updated"
        self.assertEqual(self.keys(f'{only} >= "{local}"'), [row["key"]])
        self.assertEqual(self.keys(f'{only} > "{local}"'), [row["key"]])
        self.assertEqual(self.keys(f'{only} <= "{local}"'), [])
        # The same text, meant as UTC, lies hours ahead.
        self.assertEqual(self.keys(f'{only} >= "{wrong}"'), [])
        milliseconds = round(moment.timestamp() * 1000)
        self.assertEqual(self.keys(f"{only} >= {milliseconds}"), [row["key"]])
        self.assertEqual(self.keys(f"{only} > {milliseconds}"), [])
        self.assertIn("is invalid", self.refusal('updated >= "2025-01-01 10:00:00"'))
        self.server.control("settings", {"timezone": "UTC"})
        self.assertEqual(self.keys(f'{only} >= "{wrong}"'), [row["key"]])

    def test_refusals(self):
        for jql, text in (
            ("", "Unbounded"),
            ("ORDER BY key", "Unbounded"),
            ("project = NONE", "The value 'NONE' does not exist for the field 'project'."),
            ("key = nonsense", "The issue key 'nonsense' for field 'key' is invalid."),
            ("nonsense = 1", "Field 'nonsense' does not exist"),
            ("project > P01", "not supported by the 'project' field"),
            ("project = P01 ORDER BY summary", "Not able to sort"),
            ("project P01", "Expecting operator"),
        ):
            self.assertIn(text, self.refusal(jql), jql)
        self.assertIn("Invalid request payload", self.refusal("project = P01", startAt=0))
        self.assertIn("Invalid request payload", self.refusal("project = P01", expand=["changelog"]))
        self.assertEqual(self.server.ask("GET", "/rest/api/3/search?jql=project=P01")[0], 410)

    def test_a_search_from_a_key_that_was_deleted_or_moved(self):
        self.server.control("do", {"action": "delete", "issue": "P01-5"})
        self.server.control("do", {"action": "move", "issue": "P01-6", "to": "P02"})
        for number, text in ((5, "does not exist for field 'key'"), (6, "cannot be applied to moved issue key 'P01-6'")):
            jql = f"project = P01 AND key > P01-{number}"
            # Cloud finds nothing and does not say why; Data Center refuses.
            self.server.control("settings", {"missing_keys": "empty"})
            self.assertEqual(self.keys(jql), [])
            status, _, body = self.server.ask("GET", f"/rest/api/2/search?jql={quote(jql)}")
            self.assertEqual(status, 400)
            self.assertIn(text, json.loads(body)["errorMessages"][0])
            self.server.control("settings", {"missing_keys": "refused"})
            self.assertIn(text, self.refusal(jql))
        moved = self.server.get("/rest/api/3/issue/P01-6?fields=summary")
        self.assertTrue(moved["key"].startswith("P02-"))
        self.assertEqual(self.server.truth()["moved"][0]["from"], "P01-6")

    def test_pages_by_offset_skip_when_rows_leave(self):
        jql = "project = P01 ORDER BY key ASC"
        for paging, skipped in (("offset", True), ("keyset", False)):
            self.server.control("settings", {"paging": paging})
            _, page = self.search(jql, maxResults=10)
            nexts = self.of_project("P01")
            first = [one["key"] for one in page["issues"]]
            self.server.control("do", {"action": "delete", "issue": first[3]})
            _, following = self.search(jql, maxResults=10, nextPageToken=page["nextPageToken"])
            expected = nexts[nexts.index(first[-1]) + 1]
            self.assertEqual(following["issues"][0]["key"] != expected, skipped)
            self.issues = self.server.truth()["issues"]

    def test_tokens_expire_and_belong_to_their_query(self):
        self.server.control("settings", {"token_lifetime": 600})
        _, page = self.search("project = P01", maxResults=5)
        token = page["nextPageToken"]
        self.assertIn("page token", self.refusal("project = P02", nextPageToken=token))
        self.assertIn("page token", self.refusal("project = P01", nextPageToken="nonsense"))
        self.assertEqual(self.search("project = P01", nextPageToken=token)[0], 200)
        self.server.advance(601)
        self.assertIn("page token", self.refusal("project = P01", nextPageToken=token))

    def test_fields_are_what_is_asked_for(self):
        def shown(**asked):
            return self.search("key = P01-1", **asked)[1]["issues"][0]

        self.assertEqual(list(shown(fields=None)), ["id"])
        self.assertNotIn("fields", shown(fields=["key"]))
        self.assertEqual(list(shown(fields=["summary"])["fields"]), ["summary"])
        self.assertNotIn("worklog", shown(fields=["*navigable"])["fields"])
        self.assertNotIn("summary", shown(fields=["*all", "-summary"])["fields"])
        log = shown(fields=["summary"], expand="changelog")["changelog"]
        self.assertEqual((len(log["histories"]), log["total"]), (40, 130))
        many = self.search("project = P01", maxResults=5000, fields=["*all"])[1]
        self.assertLessEqual(len(many["issues"]), 100)

    def test_the_index_lags(self):
        self.server.control("settings", {"index_lag": 3})
        before = self.server.get("/rest/api/3/issue/P01-2")["fields"]["summary"]
        self.server.control("do", {"action": "touch", "issue": "P01-2"})
        seen = [self.search("key = P01-2", fields=["summary"])[1]["issues"][0]["fields"]["summary"] for _ in range(3)]
        now = self.server.get("/rest/api/3/issue/P01-2")["fields"]["summary"]
        self.assertNotEqual(now, before)
        self.assertEqual(seen, [before, before, now])


class LimitTests(unittest.TestCase):
    def setUp(self):
        self.server = started("--issues", 20)
        self.addCleanup(self.server.end)

    def test_429_tells_when_to_come_back(self):
        self.server.control("settings", {"rate_limit": {"limit": 50, "remaining": 1, "reset_in": 3600}})
        answers = [self.server.ask("GET", "/rest/api/3/myself") for _ in range(2)]
        self.assertEqual([one[0] for one in answers], [200, 429])
        headers = answers[1][1]
        self.assertRegex(headers["x-ratelimit-reset"], r"^\d{4}-\d\d-\d\dT\d\d:\d\dZ$")
        self.assertEqual((headers["x-ratelimit-remaining"], headers["ratelimit-reason"]), ("0", "jira-quota-based"))
        self.assertEqual(answers[0][1]["x-ratelimit-nearlimit"], "true")
        self.server.advance(int(headers["retry-after"]))
        self.assertEqual(self.server.ask("GET", "/rest/api/3/myself")[0], 200)

    def test_faults_by_schedule(self):
        self.server.control(
            "settings", {"faults": [{"kind": "429", "at": [1], "retry_after": 7}, {"kind": "503", "at": [2]}]}
        )
        answers = [self.server.ask("GET", "/rest/api/3/myself") for _ in range(3)]
        self.assertEqual([one[0] for one in answers], [429, 503, 200])
        self.assertEqual(answers[0][1]["retry-after"], "7")

    def test_authorization(self):
        self.server.authorization = "Bearer test-token"
        self.assertEqual(self.server.get("/rest/api/3/myself")["timeZone"], "America/New_York")
        self.server.basic(token="wrong")
        path = "/rest/api/3/search/jql?jql=" + quote("project = P01")
        self.assertEqual(self.server.ask("GET", path)[0], 401)
        # Jira Cloud may take wrong credentials for nobody, who sees nothing.
        self.server.control("settings", {"bad_credentials": "anonymous"})
        status, headers, body = self.server.ask("GET", path)
        self.assertEqual((status, headers["x-seraph-loginreason"]), (400, "AUTHENTICATED_FAILED"))
        self.assertIn("does not exist for the field 'project'", body.decode())
        self.assertEqual(self.server.get("/rest/api/3/project/search")["total"], 0)
        self.assertEqual(self.server.ask("GET", "/rest/api/3/myself")[0], 401)

    def test_one_of_the_two_versions_alone(self):
        paths = ("/rest/api/3/search/jql?jql=project=P01", "/rest/api/2/search?jql=project=P01")
        for deployment, statuses in (("both", [200, 200]), ("cloud", [200, 410]), ("datacenter", [404, 200])):
            self.server.control("settings", {"deployment": deployment})
            self.assertEqual([self.server.ask("GET", path)[0] for path in paths], statuses)
        with self.assertRaises(RuntimeError):
            self.server.control("settings", {"deployment": "nowhere"})
        self.assertEqual(self.server.control("settings")["deployment"], "datacenter")

    def test_forbidden_and_vanished_projects(self):
        self.server.control("do", {"action": "forbid", "project": "P01"})
        keys = [one["key"] for one in self.server.get("/rest/api/3/project/search")["values"]]
        self.assertNotIn("P01", keys)
        self.assertEqual(self.server.ask("GET", "/rest/api/3/issue/P01-1")[0], 404)
        self.server.control("do", {"action": "restore", "project": "P01"})
        self.assertEqual(self.server.get("/rest/api/3/issue/P01-1")["key"], "P01-1")
        self.server.control("do", {"action": "vanish", "project": "P01"})
        self.assertEqual([one["key"] for one in self.server.truth()["projects"]], ["P02", "P03"])


@unittest.skipUnless(OPENAPI.is_file(), "no apis/jira-v3.openapi.json in ../shared or CAIRN_SHARED")
class OpenAPITests(unittest.TestCase):
    def test_answers_are_as_described(self):
        document = json.loads(OPENAPI.read_text())
        registry = Registry().with_resource("api", Resource.from_contents(document, default_specification=DRAFT4))

        def dense(value):
            """Without nulls: Jira sends them where its description does not say so."""
            if isinstance(value, dict):
                return {k: dense(v) for k, v in value.items() if v is not None}
            return [dense(one) for one in value] if isinstance(value, list) else value

        checked = 0
        with started("--issues", 25) as server:

            def check(template, method, path, body=None):
                nonlocal checked
                answers = document["paths"][template][method]["responses"]
                schema = answers["200"]["content"]["application/json"]["schema"]
                text = json.dumps(schema).replace('"#/', '"api#/')
                validator = Draft4Validator(json.loads(text), registry=registry)
                status, _, found = server.ask(method.upper(), path, body)
                self.assertEqual(status, 200, found)
                problems = [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(dense(json.loads(found)))]
                self.assertEqual(problems, [], path)
                checked += 1

            jql = quote("project = P01 ORDER BY key")
            check("/rest/api/3/search/jql", "get", f"/rest/api/3/search/jql?jql={jql}&maxResults=3")
            check(
                "/rest/api/3/search/jql", "post", "/rest/api/3/search/jql",
                {"jql": "project = P01", "fields": ["*all"], "expand": "changelog,names"},
            )  # fmt: skip
            check("/rest/api/3/project/search", "get", "/rest/api/3/project/search?maxResults=1")
            issue = "/rest/api/3/issue/{issueIdOrKey}"
            check(issue, "get", "/rest/api/3/issue/P01-1?expand=changelog")
            check(issue + "/changelog", "get", "/rest/api/3/issue/P01-1/changelog?maxResults=50")
            check(issue + "/worklog", "get", "/rest/api/3/issue/P01-1/worklog")
            check("/rest/api/3/users/search", "get", "/rest/api/3/users/search")
            check("/rest/api/3/myself", "get", "/rest/api/3/myself")
            check("/rest/api/3/field", "get", "/rest/api/3/field")
            check("/rest/api/3/serverInfo", "get", "/rest/api/3/serverInfo")
            check(
                "/rest/api/3/changelog/bulkfetch", "post", "/rest/api/3/changelog/bulkfetch",
                {"issueIdsOrKeys": ["P01-1", "P01-2"], "maxResults": 50},
            )  # fmt: skip
        self.assertEqual(checked, 11)


if __name__ == "__main__":
    unittest.main()
