"""The GitHub stand-in: a plain client that pages through everything finds the truth."""

import base64
import gzip
import http.client
import json
import os
import tempfile
import time
import unittest
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import trim_schema
from plain_client import Started

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("CAIRN_SHARED") or HERE.parent.parent.parent / "shared")
PUBLISHED = SHARED / "apis/github.schema.graphql"

AUTHOR = "author { login } authorAssociation"
COMMIT = (
    "id url commit { id oid message messageHeadline authoredDate committedDate additions deletions "
    "changedFilesIfAvailable author { name email user { login } } }"
)
REVIEW = (
    f"id databaseId fullDatabaseId {AUTHOR} state body createdAt submittedAt updatedAt url commit {{ oid }}"
)
REVIEW_COMMENT = (
    f"id databaseId fullDatabaseId {AUTHOR} body path line diffHunk createdAt updatedAt url "
    "replyTo { id } pullRequestReview { id } pullRequest { id }"
)
THREAD = (
    "id path line isResolved isOutdated resolvedBy { login } diffSide subjectType "
    f"comments(first: $n, after: null) {{ nodes {{ {REVIEW_COMMENT} }} pageInfo {{ endCursor hasNextPage }} }}"
)
COMMENT = f"id databaseId fullDatabaseId {AUTHOR} body createdAt updatedAt url"
LINKED = "id number repository { id }"
PAGE = "pageInfo { endCursor hasNextPage }"
NESTED = {
    "commits": COMMIT, "reviews": REVIEW, "reviewThreads": THREAD,
    "closingIssuesReferences": LINKED, "comments": COMMENT, "labels": "name",
}  # fmt: skip


def nested(names):
    return " ".join(f"{one}(first: $n) {{ nodes {{ {NESTED[one]} }} {PAGE} }}" for one in names)


PULL_REQUESTS = (
    """query($owner: String!, $name: String!, $after: String, $size: Int!, $n: Int!) {
  rateLimit { cost remaining resetAt nodeCount }
  repository(owner: $owner, name: $name) { id
    pullRequests(first: $size, after: $after, orderBy: {field: UPDATED_AT, direction: ASC}) { PAGE totalCount
      nodes { id databaseId fullDatabaseId number title body state isDraft author { login } createdAt updatedAt
        closedAt mergedAt mergedBy { login } mergeCommit { oid } baseRefName headRefName headRefOid
        additions deletions changedFiles url repository { id } authorAssociation locked baseRefOid reviewDecision
        totalCommentsCount milestone { title } assignees(first: 10) { nodes { login } } NESTED } } } }"""
).replace("PAGE", PAGE).replace("NESTED", nested(NESTED))
ISSUES = (
    """query($owner: String!, $name: String!, $after: String, $size: Int!, $n: Int!) {
  repository(owner: $owner, name: $name) { id
    issues(first: $size, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) { PAGE
      nodes { id databaseId fullDatabaseId number title body state stateReason author { login } createdAt
        authorAssociation locked updatedAt closedAt url repository { id } milestone { title } assignees(first: 10) { nodes { login } }
        NESTED } } } }"""
).replace("PAGE", PAGE).replace("NESTED", nested(["comments", "labels"]))
REPOSITORIES = """query($login: String!, $after: String) { organization(login: $login) {
  repositories(first: 2, after: $after, orderBy: {field: NAME, direction: ASC}) { PAGE
    nodes { id databaseId name nameWithOwner description url isPrivate isArchived isFork createdAt updatedAt
      pushedAt owner { login } defaultBranchRef { name } primaryLanguage { name }
      homepageUrl stargazerCount forkCount diskUsage licenseInfo { spdxId }
      repositoryTopics(first: 100) { nodes { topic { name } } } } } } }""".replace("PAGE", PAGE)


def login(actor):
    return actor and actor["login"]


class Collector:
    """Reads everything into tables shaped like the truth's."""

    def __init__(self, server, size=7, nested=10, moving=False):
        self.server, self.size, self.nested, self.moving = server, size, nested, moving
        names = "repositories pull_requests commits reviews review_threads review_comments linked_issues issues comments"
        self.tables = {name: {} for name in names.split()}

    def rest(self, identifier, kind, name, connection, fields):
        """The nodes of a connection with those of its further pages."""
        nodes = list(connection["nodes"])
        while connection["pageInfo"]["hasNextPage"]:
            query = (
                f"query($id: ID!, $after: String, $n: Int!) {{ node(id: $id) {{ ... on {kind} {{ "
                f"{name}(first: $n, after: $after) {{ nodes {{ {fields} }} {PAGE} }} }} }} }}"
            )
            after = connection["pageInfo"]["endCursor"]
            _, _, answer = self.server.graphql(query, id=identifier, after=after, n=self.nested)
            if answer["data"]["node"] is None:
                # Deleted while we read it.
                assert answer["errors"][0]["type"] == "NOT_FOUND", answer
                break
            connection = answer["data"]["node"][name]
            nodes += connection["nodes"]
        keys = [node.get("id") or node["name"] for node in nodes]
        assert self.moving or len(set(keys)) == len(keys), f"{name} of {identifier} came twice"
        return nodes

    def paged(self, query, name, repository):
        owner, _, short = repository.partition("/")
        after = None
        while True:
            data = self.server.data(
                query, owner=owner, name=short, after=after, size=self.size, n=self.nested
            )
            connection = data["repository"][name]
            yield from connection["nodes"]
            if not connection["pageInfo"]["hasNextPage"]:
                return
            after = connection["pageInfo"]["endCursor"]

    def repositories(self):
        after = None
        while True:
            page = self.server.data(REPOSITORIES, login="octo", after=after)["organization"]["repositories"]
            for node in page["nodes"]:
                self.tables["repositories"][node["id"]] = node | {
                    "owner": login(node["owner"]), "state": "ok",
                    "defaultBranch": node.pop("defaultBranchRef") and "main",
                    "primaryLanguage": (node["primaryLanguage"] or {}).get("name"),
                    "license": (node.pop("licenseInfo") or {}).get("spdxId"),
                    "topics": [one["topic"]["name"] for one in node.pop("repositoryTopics")["nodes"]],
                }  # fmt: skip
                yield node["nameWithOwner"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    def comments(self, subject, kind, connection):
        for node in self.rest(subject, kind, "comments", connection, COMMENT):
            row = node | {"author": login(node["author"]), "subject": subject}
            self.tables["comments"][row["id"]] = row

    def pull_request(self, node):
        identifier = node["id"]
        parts = {name: node.pop(name) for name in NESTED}
        parts = {
            name: self.rest(identifier, "PullRequest", name, part, NESTED[name])
            for name, part in parts.items()
        }
        tables = self.tables
        tables["pull_requests"][identifier] = node | {
            "author": login(node["author"]), "mergedBy": login(node["mergedBy"]),
            "repository": node["repository"]["id"],
            "mergeCommit": node["mergeCommit"] and node["mergeCommit"]["oid"],
            "labels": sorted(one["name"] for one in parts["labels"]),
            "assignees": [one["login"] for one in node["assignees"]["nodes"]],
            "milestone": node["milestone"] and node["milestone"]["title"],
        }  # fmt: skip
        for one in parts["commits"]:
            commit = one["commit"]
            tables["commits"][identifier, commit["oid"]] = {
                "pullRequest": identifier, "id": one["id"], "commitId": commit["id"],
                "authorName": commit["author"]["name"], "authorEmail": commit["author"]["email"],
                "authorLogin": login(commit["author"]["user"]),
                "changedFiles": commit["changedFilesIfAvailable"],
            } | {
                name: commit[name]
                for name in "oid message messageHeadline authoredDate committedDate additions deletions".split()
            }  # fmt: skip
        for one in parts["reviews"]:
            tables["reviews"][one["id"]] = one | {
                "pullRequest": identifier, "author": login(one["author"]),
                "commit": one["commit"] and one["commit"]["oid"],
            }  # fmt: skip
        for thread in parts["reviewThreads"]:
            comments = self.rest(
                thread["id"], "PullRequestReviewThread", "comments", thread.pop("comments"), REVIEW_COMMENT
            )
            tables["review_threads"][thread["id"]] = thread | {
                "pullRequest": identifier, "resolvedBy": login(thread["resolvedBy"]),
            }  # fmt: skip
            for one in comments:
                review = one.pop("pullRequestReview")["id"]
                tables["review_comments"][one["id"]] = one | {
                    "pullRequest": identifier, "thread": thread["id"], "author": login(one["author"]),
                    "review": review, "replyTo": one["replyTo"] and one["replyTo"]["id"],
                }  # fmt: skip
        for one in parts["closingIssuesReferences"]:
            tables["linked_issues"][identifier, one["id"]] = {
                "pullRequest": identifier, "issue": one["id"], "number": one["number"],
                "repository": one["repository"]["id"],
            }  # fmt: skip
        for one in parts["comments"]:
            tables["comments"][one["id"]] = one | {"author": login(one["author"]), "subject": identifier}

    def everything(self):
        for name in self.repositories():
            for node in self.paged(PULL_REQUESTS, "pullRequests", name):
                self.pull_request(node)
            for node in self.paged(ISSUES, "issues", name):
                self.comments(node["id"], "Issue", node.pop("comments"))
                self.tables["issues"][node["id"]] = node | {
                    "author": login(node["author"]), "repository": node["repository"]["id"],
                    "milestone": node["milestone"] and node["milestone"]["title"],
                    "assignees": sorted(one["login"] for one in node["assignees"]["nodes"]),
                    "labels": sorted(one["name"] for one in node["labels"]["nodes"]),
                }  # fmt: skip
        return {name: [rows[key] for key in sorted(rows)] for name, rows in self.tables.items()}


def started(*arguments, schema="trimmed"):
    return Started("github_standin.py", "--schema", schema, *arguments)


FIRST = """query($name: String!, $size: Int = 5, $after: String) {
  repository(owner: "octo", name: $name) { id nameWithOwner
    pullRequests(first: $size, after: $after, orderBy: {field: UPDATED_AT, direction: ASC}) {
      nodes { id number updatedAt } pageInfo { endCursor hasNextPage } } } }"""


class TruthTests(unittest.TestCase):
    def equal(self, found, truth):
        for name, rows in found.items():
            self.assertEqual(len(rows), len(truth[name]), name)
            for row, right in zip(rows, truth[name], strict=True):
                self.assertEqual(row, right, name)

    def test_a_plain_client_collects_the_truth(self):
        with started("--repositories", 4, "--pull-requests", 12, "--issues", 8) as server:
            truth = server.truth()
            found = Collector(server).everything()
            self.equal(found, truth)
            self.assertGreater(max(len(rows) for rows in truth.values()), 100)
            counts = server.control("counts")
            self.assertEqual(counts["repeated"], [])
            self.assertEqual(set(counts["pages"].values()), {1})
            self.assertEqual(counts["answered"], counts["requests"])
            self.assertEqual(server.control("failures"), [])

    @unittest.skipUnless(PUBLISHED.is_file(), "no apis/github.schema.graphql in ../shared or CAIRN_SHARED")
    def test_the_published_schema_takes_the_same_queries(self):
        with started("--repositories", 1, "--pull-requests", 2, "--issues", 2, schema=PUBLISHED) as server:
            self.assertEqual(server.facts["schema"], "published")
            self.equal(Collector(server, nested=100).everything(), server.truth())

    @unittest.skipUnless(PUBLISHED.is_file(), "no apis/github.schema.graphql in ../shared or CAIRN_SHARED")
    def test_the_trimmed_schema_is_made_from_the_published_one(self):
        trimmed = Path(__file__).with_name("github.trimmed.graphql").read_text()
        self.assertEqual(trim_schema.trimmed(PUBLISHED.read_text()), trimmed)

    def test_one_seed_makes_one_world(self):
        with started("--seed", 3) as one, started("--seed", 3) as other, started("--seed", 4) as third:
            self.assertEqual(one.truth(), other.truth())
            self.assertNotEqual(one.truth(), third.truth())

    def test_changes_while_reading_are_met_by_reading_again(self):
        with started("--repositories", 3, "--pull-requests", 10, "--issues", 5) as server:
            kinds = ["touch", "grow", "edit", "create", "delete"]
            server.control("settings", {"updates": {"every": 3, "seed": 5, "kinds": kinds, "times": 60}})
            before = server.truth()
            Collector(server, moving=True).everything()
            server.control("settings", {"updates": None})
            self.assertNotEqual(server.truth(), before)
            self.equal(Collector(server).everything(), server.truth())


class PagingTests(unittest.TestCase):
    def setUp(self):
        self.server = started("--repositories", 2, "--pull-requests", 9, "--issues", 4)
        self.addCleanup(self.server.end)

    def first(self, **variables):
        return self.server.data(FIRST, **({"name": "repo-0001"} | variables))["repository"]["pullRequests"]

    def kinds(self, query, **variables):
        status, _, answer = self.server.graphql(query, **variables)
        self.assertEqual(status, 200)
        return [error.get("type") for error in answer["errors"]]

    def test_a_cursor_outlives_its_row(self):
        page = self.first(size=4)
        rest = self.first(size=100, after=page["pageInfo"]["endCursor"])
        self.server.control(
            "do", {"action": "delete", "repository": "octo/repo-0001", "number": page["nodes"][-1]["number"]}
        )
        self.assertEqual(self.first(size=100, after=page["pageInfo"]["endCursor"]), rest)

    def test_what_is_updated_moves_to_the_end(self):
        page = self.first(size=4)
        number = page["nodes"][0]["number"]
        self.server.control("do", {"action": "touch", "repository": "octo/repo-0001", "number": number})
        rest = self.first(size=100, after=page["pageInfo"]["endCursor"])
        self.assertEqual(rest["nodes"][-1]["number"], number)

    def test_backwards_paging_and_bounds(self):
        query = """query($before: String) { repository(owner: "octo", name: "repo-0001") {
            pullRequests(last: 4, before: $before) { nodes { number } pageInfo { startCursor hasPreviousPage } } } }"""
        numbers, before = [], None
        while True:
            page = self.server.data(query, before=before)["repository"]["pullRequests"]
            numbers = [one["number"] for one in page["nodes"]] + numbers
            if not page["pageInfo"]["hasPreviousPage"]:
                break
            before = page["pageInfo"]["startCursor"]
        self.assertEqual(
            numbers, sorted(r["number"] for r in self.server.truth("?repository=octo/repo-0001")["pull_requests"])
        )
        bare = 'query { repository(owner: "octo", name: "repo-0001") { pullRequests%s { totalCount nodes { id } } } }'
        count = bare.replace(" nodes { id }", "") % ""
        self.assertEqual(self.server.data(count)["repository"]["pullRequests"]["totalCount"], len(numbers))
        self.assertEqual(self.kinds(bare % ""), ["MISSING_PAGINATION_BOUNDARIES"])
        self.assertEqual(self.kinds(bare % "(first: 101)"), ["EXCESSIVE_PAGINATION"])
        deep = (
            'query { organization(login: "octo") { repositories(first: 100) { nodes { '
            "pullRequests(first: 100) { nodes { reviews(first: 100) { totalCount } } } } } } }"
        )
        self.assertEqual(self.kinds(deep), ["MAX_NODE_LIMIT_EXCEEDED"])
        for cursor in ("", "nonsense", "Y3Vyc29yOnYyOpHOB52SFQ=="):
            self.assertEqual(self.kinds(FIRST, name="repo-0001", after=cursor), ["INVALID_CURSOR_ARGUMENTS"])

    def test_cost_and_nodes_are_counted_as_documented(self):
        query = """query { rateLimit { cost nodeCount limit used remaining } viewer { login }
            organization(login: "octo") { repositories(first: 100) { nodes { issues(first: 50) {
            nodes { labels(first: 60) { nodes { name } } } } } } } }"""
        figures = self.server.data(query)["rateLimit"]
        self.assertEqual((figures["cost"], figures["nodeCount"]), (51, 305_100))
        self.assertEqual(figures["limit"] - figures["remaining"], 51)

    def test_numbers_that_are_gone_are_named_by_their_path(self):
        truth = self.server.truth("?repository=octo/repo-0001")
        rows = {r["number"]: "PullRequest" for r in truth["pull_requests"]}
        rows |= {r["number"]: "Issue" for r in truth["issues"]}
        self.server.control("do", {"action": "delete", "repository": "octo/repo-0001", "number": 3})
        fields = " ".join(
            f"n{n}: issueOrPullRequest(number: {n}) {{ __typename ... on PullRequest {{ number "
            "closingIssuesReferences(first: 5) { nodes { number } } } ... on Issue { number } }"
            for n in range(1, 101)
        )
        query = f'query {{ repository(owner: "octo", name: "repo-0001") {{ {fields} }} }}'
        _, _, answer = self.server.graphql(query)
        kinds = {k: v and v["__typename"] for k, v in answer["data"]["repository"].items()}
        del rows[3]
        self.assertEqual({k: v for k, v in kinds.items() if v}, {f"n{n}": kind for n, kind in rows.items()})
        gone = {tuple(error["path"]) for error in answer["errors"]}
        self.assertEqual(gone, {("repository", k) for k, v in kinds.items() if v is None})
        self.assertEqual({error["type"] for error in answer["errors"]}, {"NOT_FOUND"})

    def test_issues_since_a_moment(self):
        issues = self.server.truth("?repository=octo/repo-0001")["issues"]
        latest = sorted(row["updatedAt"] for row in issues)[-2:]
        query = """query($since: DateTime) { repository(owner: "octo", name: "repo-0001") {
            issues(first: 50, filterBy: {since: $since}) { nodes { id } } } }"""
        for since in (latest[0], latest[0].replace("Z", ".000+00:00")):
            nodes = self.server.data(query, since=since)["repository"]["issues"]["nodes"]
            expected = {row["id"] for row in issues if row["updatedAt"] >= latest[0]}
            self.assertEqual({node["id"] for node in nodes}, expected)

    def test_an_unknown_field_is_refused_by_the_schema(self):
        status, _, answer = self.server.graphql("query { viewer { nonsense } }")
        self.assertIn("nonsense", answer["errors"][0]["message"])
        self.assertNotIn("data", answer)


class RefusalTests(unittest.TestCase):
    def setUp(self):
        self.server = started("--repositories", 3, "--pull-requests", 6, "--issues", 3)
        self.addCleanup(self.server.end)

    def do(self, **action):
        return self.server.control("do", action)

    def test_renamed_repositories_answer_to_both_names(self):
        before = self.server.data(FIRST, name="repo-0001")["repository"]
        self.do(action="rename", repository="octo/repo-0001", to="moved")
        after = self.server.data(FIRST, name="repo-0001")["repository"]
        self.assertEqual((after["id"], after["nameWithOwner"]), (before["id"], "octo/moved"))
        self.assertEqual(self.server.data(FIRST, name="moved")["repository"], after)
        strict = 'query { repository(owner: "octo", name: "repo-0001", followRenames: false) { id } }'
        self.assertEqual(self.server.graphql(strict)[2]["errors"][0]["type"], "NOT_FOUND")
        counted = self.server.control("counts")["by_partition"]
        self.assertEqual(counted, {"octo/repo-0001": 1, "octo/moved": 2})
        urls = {row["url"] for row in self.server.truth("?repository=octo/moved")["pull_requests"]}
        self.assertTrue(all(url.startswith("https://github.com/octo/moved/") for url in urls))
        # The old name, taken by another repository, is that one's.
        self.do(action="rename", repository="octo/repo-0002", to="repo-0001")
        self.assertNotEqual(self.server.data(FIRST, name="repo-0001")["repository"]["id"], before["id"])

    def test_vanished_and_forbidden_repositories(self):
        node = self.server.truth("?repository=octo/repo-0001")["pull_requests"][0]["id"]
        self.do(action="vanish", repository="octo/repo-0001")
        status, _, answer = self.server.graphql(FIRST, name="repo-0001")
        self.assertEqual((status, answer["data"]), (200, {"repository": None}))
        self.assertEqual(answer["errors"][0]["type"], "NOT_FOUND")
        self.assertEqual(answer["errors"][0]["path"], ["repository"])
        lost = self.server.graphql("query($id: ID!) { node(id: $id) { id } }", id=node)[2]
        self.assertEqual(lost["errors"][0]["type"], "NOT_FOUND")
        self.do(action="restore", repository="octo/repo-0001")
        self.server.data(FIRST, name="repo-0001")
        self.do(action="forbid", repository="octo/repo-0001", mode="saml")
        status, headers, answer = self.server.graphql(FIRST, name="repo-0001")
        self.assertEqual(answer["errors"][0]["type"], "FORBIDDEN")
        self.assertEqual(answer["errors"][0]["extensions"], {"saml_failure": True})
        self.assertIn("x-github-sso", headers)
        listed = self.server.graphql(REPOSITORIES, login="octo")[2]
        self.assertIsNone(listed["data"]["organization"]["repositories"]["nodes"][0])
        self.assertEqual(listed["errors"][0]["path"], ["organization", "repositories", "nodes", 0])
        names = [row["nameWithOwner"] for row in self.server.truth("?accessible=true")["repositories"]]
        self.assertNotIn("octo/repo-0001", names)

    def test_deleted_accounts_have_no_author(self):
        login = next(r["author"] for r in self.server.truth()["pull_requests"] if r["author"])
        self.do(action="ghost", login=login)
        truth = self.server.truth()
        self.assertNotIn(login, json.dumps({k: v for k, v in truth.items() if k == "pull_requests"}))
        self.assertEqual(
            Collector(self.server).everything()["pull_requests"], truth["pull_requests"]
        )

    def test_scheduled_changes_come_with_their_request(self):
        self.do(action="vanish", repository="octo/repo-0001", after=2)
        self.server.data(FIRST, name="repo-0001")
        self.assertEqual(self.server.graphql(FIRST, name="repo-0001")[2]["errors"][0]["type"], "NOT_FOUND")

    def test_bad_credentials(self):
        self.server.authorization = "bearer wrong"
        status, _, answer = self.server.graphql(FIRST, name="repo-0001")
        self.assertEqual((status, answer["message"]), (401, "Bad credentials"))
        self.assertIn("bearer wrong", self.server.control("authorizations")["seen"])
        self.server.authorization = "token test-token"
        self.server.data(FIRST, name="repo-0001")
        nameless = self.server.ask("POST", "/graphql", {}, {"User-Agent": None})
        self.assertEqual(nameless[0], 403)
        self.do(action="revoke", token="test-token")
        self.assertEqual(self.server.graphql(FIRST, name="repo-0001")[0], 401)

    def test_nonsense_is_refused_with_reasons(self):
        for path, value in (
            ("settings", {"speed": 3}),
            ("settings", {"faults": [{"kind": "boom"}]}),
            ("do", {"action": "explode"}),
            ("do", {"action": "touch", "repository": "octo/none"}),
            ("do", {"action": "touch", "repo": "octo/repo-0001"}),
        ):
            with self.assertRaises(RuntimeError):
                self.server.control(path, value)


class LimitTests(unittest.TestCase):
    def setUp(self):
        self.server = started("--repositories", 2, "--pull-requests", 6, "--issues", 3)
        self.addCleanup(self.server.end)

    def first(self):
        return self.server.graphql(FIRST, name="repo-0001")

    def test_the_primary_limit_in_each_form(self):
        for form, status, kind in (
            ("RATE_LIMITED", 200, "RATE_LIMITED"),
            ("RATE_LIMIT", 200, "RATE_LIMIT"),
            ("403", 403, None),
        ):
            self.server.control(
                "settings", {"rate_limit": {"limit": 100, "remaining": 2, "reset_in": 3600, "form": form}}
            )
            seen = [self.first() for _ in range(3)]
            self.assertEqual([one[1]["x-ratelimit-remaining"] for one in seen], ["1", "0", "0"])
            self.assertEqual([one[0] for one in seen], [200, 200, status])
            if kind:
                self.assertEqual(seen[2][2]["errors"][0]["type"], kind)
            reset = int(seen[2][1]["x-ratelimit-reset"])
            self.server.advance(reset - self.server.control("clock")["now"])
            again = self.first()
            self.assertEqual((again[0], again[1]["x-ratelimit-remaining"]), (200, "99"))
        self.assertEqual(self.server.control("counts")["faults"], {"rate_limited": 3})

    def test_the_secondary_limit(self):
        self.server.control("settings", {"secondary": {"retry_after": 2, "status": 403, "times": 2}})
        statuses = [self.first() for _ in range(3)]
        self.assertEqual([one[0] for one in statuses], [403, 403, 200])
        self.assertEqual(statuses[0][1]["retry-after"], "2")
        self.assertIn("secondary rate limit", statuses[0][2]["message"])
        self.assertNotEqual(statuses[0][1]["x-ratelimit-remaining"], "0")

    def test_too_many_at_once_meet_the_secondary_limit(self):
        self.server.control("settings", {"concurrent": 2, "latency": 0.5})
        body = json.dumps({"query": FIRST, "variables": {"name": "repo-0001"}})
        headers = {"Authorization": "bearer test-token", "User-Agent": "plain"}
        clients = [http.client.HTTPConnection("127.0.0.1", self.server.port) for _ in range(3)]
        for client in clients:
            client.request("POST", "/graphql", body, headers)
        answers = [client.getresponse() for client in clients]
        self.assertEqual(sorted(answer.status for answer in answers), [200, 200, 403])
        for client, answer in zip(clients, answers, strict=True):
            # Without a time to come back: a minute at least.
            self.assertIsNone(answer.getheader("Retry-After"))
            answer.read()
            client.close()
        self.assertEqual(self.first()[0], 200)

    def test_heavy_pages_fail_until_they_shrink(self):
        self.server.control("settings", {"heavy": {"nodes": 20}})
        outcomes = [self.server.graphql(FIRST, name="repo-0001", size=size)[0] for size in (40, 21, 20)]
        self.assertEqual(outcomes, [502, 502, 200])

    def test_faults_by_schedule_and_partition(self):
        self.server.control(
            "settings",
            {
                "timeout": 0.2,
                "faults": [
                    {"kind": "503", "at": [2]},
                    {"kind": "cut_body", "at": [3]},
                    {"kind": "timeout", "at": [4]},
                    {"kind": "garbage", "at": [5]},
                    {"kind": "500", "every": 1, "times": 1, "partition": "octo/repo-0002"},
                ],
            },
        )  # fmt: skip
        self.assertEqual([self.first()[0] for _ in range(2)], [200, 503])
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            self.first()
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.first()
        with self.assertRaises(json.JSONDecodeError):
            self.first()
        self.assertEqual(self.first()[0], 200)
        other = [self.server.graphql(FIRST, name="repo-0002")[0] for _ in range(2)]
        self.assertEqual(other, [500, 200])
        counts = self.server.control("counts")
        self.assertEqual(
            counts["faults"], {"503": 1, "cut_body": 1, "timeout": 1, "garbage": 1, "500": 1}
        )
        self.assertEqual((counts["requests"], counts["answered"]), (8, 3))
        self.assertEqual(counts["repeated"][0]["times"], 2)

    def test_random_faults_follow_their_seed(self):
        outcomes = []
        for _ in range(2):
            self.server.control(
                "settings", {"random_faults": {"seed": 9, "rate": 0.4, "kinds": ["502", "503"]}}
            )
            outcomes.append([self.first()[0] for _ in range(30)])
        self.assertEqual(outcomes[0], outcomes[1])
        self.assertEqual(set(outcomes[0]), {200, 502, 503})

    def test_gzip_when_asked_for(self):
        body = {"query": PULL_REQUESTS, "variables": {"owner": "octo", "name": "repo-0001", "size": 5, "n": 5}}
        plain = self.server.ask("POST", "/graphql", body)
        small = self.server.ask("POST", "/graphql", body, {"Accept-Encoding": "gzip"})
        self.assertEqual(small[1]["content-encoding"], "gzip")
        self.assertEqual(
            json.loads(gzip.decompress(small[2]))["data"]["repository"],
            json.loads(plain[2])["data"]["repository"],
        )


class AppTests(unittest.TestCase):
    def setUp(self):
        self.server = started("--repositories", 1, "--pull-requests", 2, "--issues", 1)
        self.addCleanup(self.server.end)
        self.app = self.server.control("app")
        self.key = serialization.load_pem_private_key(self.app["private_key"].encode(), None)

    def token(self, key=None, **claims):
        now = int(time.time())
        payload = {"iss": str(self.app["app_id"]), "iat": now - 60, "exp": now + 540} | claims
        parts = [
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in ({"alg": "RS256", "typ": "JWT"}, payload)
        ]
        text = b".".join(parts)
        signature = (key or self.key).sign(text, padding.PKCS1v15(), hashes.SHA256())
        return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def ask(self, token, installation=None):
        path = f"/app/installations/{installation or self.app['installation_id']}/access_tokens"
        status, _, body = self.server.ask("POST", path, {}, {"Authorization": f"Bearer {token}"})
        return status, json.loads(body)

    def test_an_installation_token_works_until_it_expires(self):
        self.server.control("settings", {"token_lifetime": 600})
        status, given = self.ask(self.token())
        self.assertEqual(status, 201)
        self.server.authorization = f"bearer {given['token']}"
        self.server.data(FIRST, name="repo-0001")
        self.server.advance(601)
        self.assertEqual(self.server.graphql(FIRST, name="repo-0001")[0], 401)
        self.assertEqual(self.server.control("authorizations")["given"], [given["token"]])

    def test_bad_tokens_are_refused(self):
        now = int(time.time())
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        for token, text in (
            (self.token(exp=now + 3600), "too far"),
            (self.token(exp=now - 100), "future time"),
            (self.token(iat=now + 500), "Issued at"),
            (self.token(iss="1"), "public key"),
            (self.token(key=other), "decoded"),
            ("nonsense", "decoded"),
        ):
            status, answer = self.ask(token)
            self.assertEqual(status, 401, text)
            self.assertIn(text, answer["message"])
        self.assertEqual(self.ask(self.token(), 1)[0], 404)


class SpeedTests(unittest.TestCase):
    def test_the_fast_executor_answers_as_graphql_core(self):
        sizes = ("--repositories", 4, "--pull-requests", 9, "--issues", 5)
        fragments = """query($n: Int!, $no: Boolean = false) { one: repository(owner: "octo", name: "repo-0002") {
            ...R @skip(if: $no) other: name name @include(if: $no) } viewer { login }
            gone: repository(owner: "octo", name: "none") { id } rateLimit { cost } }
            fragment R on Repository { __typename owner { __typename login ... on Organization { description } }
            pullRequests(first: 1) { nodes { title } } pullRequests(first: 1) { nodes { commits(first: $n) {
            nodes { commit { author { user { login } } tree { id } } } } } }
            issueOrPullRequest(number: 2) { ... on Issue { number } ... on PullRequest { number isDraft } } }"""
        listed = """query { organization(login: "octo") { repositories(first: 10) { edges { cursor node { id
            issues(first: 3) { nodes { viewerCanUpdate } } } } } } }"""
        with started(*sizes) as right, started(*sizes, "--fast") as fast:
            for server in (right, fast):
                server.control("do", {"action": "forbid", "repository": "octo/repo-0003", "mode": "ip"})
            node = right.truth()["pull_requests"][0]["id"]
            asked = {"owner": "octo", "name": "repo-0001", "after": None, "size": 9, "n": 4}
            for query, variables in (
                (PULL_REQUESTS, asked),
                (ISSUES, asked),
                (REPOSITORIES, {"login": "octo", "after": None}),
                (fragments, {"n": 2}),
                (fragments, {"n": "two"}),
                (listed, {}),
                ("query($id: ID!) { node(id: $id) { __typename id ... on Issue { title } } }", {"id": node}),
                ("query { nodes(ids: [\"nothing\"]) { id } }", {}),
            ):
                answers = [server.graphql(query, **variables) for server in (right, fast)]
                for _, _, answer in answers:
                    answer["errors"] = sorted(answer.get("errors") or [], key=json.dumps)
                    (answer.get("data") or {}).get("rateLimit", {}).pop("resetAt", None)
                self.assertEqual(answers[0][2], answers[1][2])
            self.assertEqual(right.control("counts")["pages"], fast.control("counts")["pages"])
            self.assertEqual(fast.control("failures"), [])

    def test_kept_answers_are_the_executed_ones(self):
        sizes = ("--repositories", 3, "--pull-requests", 10, "--issues", 4)
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "answers"
            with started(*sizes, "--save", saved) as server:
                truth = server.truth()
                first = Collector(server).everything()
                self.assertEqual(Collector(server).everything(), first)
                server.control("do", {"action": "touch", "repository": "octo/repo-0001"})
                self.assertNotEqual(Collector(server).everything(), first)
            with started("--replay", saved) as server:
                found = Collector(server).everything()
                self.assertEqual(len(found["pull_requests"]), len(truth["pull_requests"]))
                asked = {"owner": "octo", "name": "repo-0001", "after": None, "size": 7, "n": 10}
                figures = [server.data(PULL_REQUESTS, **asked)["rateLimit"]["remaining"] for _ in range(2)]
                self.assertLess(figures[1], figures[0])


if __name__ == "__main__":
    unittest.main()
