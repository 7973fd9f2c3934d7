"""A generated GitHub: organisation, repositories, pull requests and all below them, from a seed.

Rows are dictionaries of the fields that the truth tells. Keys that begin with an underscore are
the world's own links (children, parents) and are left out of the truth.
"""

import base64
import hashlib
import random
import struct
import time

import clock

BEGIN = 1672531200  # 2023-01-01T00:00:00Z
END = 1751241600  # 2025-06-30T00:00:00Z: nothing generated is newer
BULK = 1750900000  # many rows share an `updatedAt` after this
LARGEST_INT = 2**31 - 1

WORDS = (
    "cache cursor page token index ledger chunk mark column schema retry lease fence batch resume "
    "limit clock parser writer reader socket buffer header footer digest shard queue worker"
).split()
VERBS = "Fix Add Remove Rename Speed-up Document Test Revert Split Guard".split()
ODD_TITLES = (
    'Say "hello, world"; twice',
    "Ünïcode — 你好, мир 🚀",
    "tab\there, and a trailing space ",
    "{braces} $dollar 'quotes' \\backslash\\ %s NULL",
    "-",
)
LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("documentation", "0075ca", None),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("won't fix", "ffffff", ""),
    ("p:1/høy", "b60205", "priority"),
)
LICENSES = ("MIT", "Apache-2.0", "NOASSERTION", None)
TOPICS = ("etl", "swift", "data-engineering", "parquet", "cli")
ASSOCIATIONS = ("MEMBER", "CONTRIBUTOR", "COLLABORATOR", "NONE")
LANGUAGES = ("Swift", "Python", "Rust", "C", None)


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def node_id(prefix, *numbers):
    """A global id of GitHub's newer form: a prefix and MessagePack in base64."""
    packed = bytes([0x91 + len(numbers), 0])
    for number in numbers:
        packed += (
            b"\xce" + struct.pack(">I", number)
            if number < 2**32
            else b"\xcf" + struct.pack(">Q", number)
        )
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


class World:
    def __init__(
        self, seed=7, organization="octo", repositories=5, pull_requests=40, issues=20,
        commits=4, reviews=3, comments=4,
    ):  # fmt: skip
        self.random = random.Random(seed)
        self.seed = seed
        self.login = organization
        self.most_commits, self.most_reviews, self.most_comments = commits, reviews, comments
        self.version = 0
        self.real_clock = False
        self.clock = END
        self.nodes = {}
        self.repositories = {}
        self.names = {}
        self.old_names = {}
        self.hidden = {}
        self.users = {}
        self.deleted = []
        self.next_id = 500_000_000
        self.organization = {
            "__typename": "Organization", "id": node_id("O", 4242), "databaseId": 4242,
            "login": organization, "name": organization.title(), "description": None,
            "url": f"https://github.com/{organization}", "resourcePath": f"/{organization}",
            "createdAt": stamp(BEGIN - 1000), "updatedAt": stamp(BEGIN), "email": None,
        }  # fmt: skip
        self.nodes[self.organization["id"]] = self.organization
        self.make_users()
        for number in range(1, repositories + 1):
            full = number == 1
            empty = number == repositories and repositories >= 3
            self.make_repository(
                number,
                0 if empty else pull_requests if full else self.random.randint(0, pull_requests),
                0 if empty else issues if full else self.random.randint(0, issues),
            )
        for repository in list(self.repositories.values()):
            for pull_request in repository["_prs"]:
                self.link_issues(pull_request)

    # MARK: Generating

    def new_id(self):
        self.next_id += self.random.randint(1, 40)
        return self.next_id

    def add(self, row):
        self.nodes[row["id"]] = row
        return row

    def make_users(self):
        kinds = ["User"] * 24 + ["Bot"] * 2 + ["Mannequin"]
        for number, kind in enumerate(kinds):
            login = {"User": f"user-{number:02}", "Bot": f"robot-{number:02}"}.get(kind, "imported")
            database_id = 1000 + number * 17
            self.users[login] = self.add(
                {
                    "__typename": kind, "id": node_id(kind[0], database_id),
                    "databaseId": database_id, "login": login, "type": kind,
                    "name": None if kind != "User" or number % 5 == 0 else f"Name {number} Ø",
                    "url": f"https://github.com/{login}", "resourcePath": f"/{login}",
                    "avatarUrl": f"https://avatars.githubusercontent.com/u/{database_id}?v=4",
                    "email": f"{login}@example.com" if kind == "User" and number % 2 else "",
                    "createdAt": stamp(BEGIN - 9999), "updatedAt": stamp(BEGIN), "_gone": False,
                }
            )  # fmt: skip
        self.logins = list(self.users)

    def anybody(self, ghosts=0.04):
        login = self.random.choice(self.logins)
        return None if self.random.random() < ghosts or self.users[login]["_gone"] else login

    def make_repository(self, number, pull_requests, issues, created=None):
        database_id = self.new_id()
        name = f"repo-{number:04}"
        full_name = f"{self.login}/{name}"
        created = created or BEGIN + self.random.randint(0, 1_000_000)
        repository = self.add(
            {
                "__typename": "Repository", "id": node_id("R", database_id),
                "databaseId": database_id, "name": name, "nameWithOwner": full_name,
                "owner": self.login, "state": "ok",
                "description": None if number % 4 == 0 else f"The {self.words(2)} of {name}",
                "url": f"https://github.com/{full_name}",
                "isPrivate": number % 3 == 0, "isArchived": number % 11 == 0,
                "isFork": number % 7 == 0, "createdAt": stamp(created),
                "updatedAt": stamp(END - number * 60), "pushedAt": stamp(END - number * 90),
                "defaultBranch": "main" if pull_requests + issues else None,
                "primaryLanguage": LANGUAGES[number % len(LANGUAGES)],
                "license": LICENSES[number % len(LICENSES)],
                "topics": sorted(self.random.sample(TOPICS, number % 4)),
                "homepageUrl": None if number % 2 else f"https://{name}.example.com",
                "stargazerCount": number * 7 % 50, "forkCount": number % 5,
                "diskUsage": database_id % 9000,
                "_prs": [], "_issues": [], "_labels": [], "_number": 0, "_last_commit": None,
            }
        )  # fmt: skip
        if pull_requests + issues == 0:
            repository["pushedAt"] = None
        self.repositories[repository["id"]] = repository
        self.names[full_name.lower()] = repository["id"]
        for label, color, description in LABELS:
            identifier = self.new_id()
            repository["_labels"].append(
                self.add(
                    {
                        "__typename": "Label", "id": node_id("LA", database_id, identifier),
                        "repository": repository["id"], "name": label, "color": color,
                        "description": description, "isDefault": label == "bug",
                        "createdAt": stamp(created), "updatedAt": stamp(created),
                        "url": f"{repository['url']}/labels/{label}",
                    }
                )  # fmt: skip
            )
        kinds = ["pr"] * pull_requests + ["issue"] * issues
        self.random.shuffle(kinds)
        moment = created
        span = (BULK - 3_000_000 - created) // max(1, len(kinds))
        for position, kind in enumerate(kinds):
            # Several may be created within one second.
            if self.random.random() > 0.1:
                moment += self.random.randint(1, max(2, span))
            if kind == "pr":
                self.make_pull_request(repository, moment, position)
            else:
                self.make_issue(repository, moment)
        return repository

    def later(self, moment, most):
        """A moment after `moment`; of what is made while tests run, not ahead of the clock."""
        if moment < END:
            return moment + self.random.randint(1, most)
        return moment if self.real_clock else moment + 1

    def words(self, count):
        return " ".join(self.random.choice(WORDS) for _ in range(count))

    def title(self):
        if self.random.random() < 0.05:
            return self.random.choice(ODD_TITLES)
        return f"{self.random.choice(VERBS)} {self.words(3)}"

    def body(self):
        kind = self.random.random()
        if kind < 0.15:
            return ""
        if kind < 0.16:
            return "long " * 4000
        return f"{self.title()}.\r\n\r\n- {self.words(6)}\r\n- `{self.words(2)}`\r\n" * (
            1 + self.random.randrange(3)
        )

    def updated_at(self, latest):
        """`latest`, or for some rows a moment that many share."""
        if self.random.random() < 0.15:
            return stamp(BULK + self.random.randrange(3) * 3600)
        return latest

    def database_id(self):
        identifier = self.new_id()
        # Newer rows of GitHub have ids that a GraphQL Int cannot hold.
        if self.random.random() < 0.1:
            identifier += 2**31
        return identifier

    def labels_for(self, repository):
        labels = repository["_labels"]
        count = self.random.choice((0, 0, 1, 1, 2, 3))
        return sorted(label["name"] for label in self.random.sample(labels, count))

    def numbered(self, repository, kind, prefix, moment):
        """What issues and pull requests have in common."""
        repository["_number"] += 1
        number = repository["_number"]
        identifier = self.database_id()
        path = "pull" if kind == "PullRequest" else "issues"
        return self.add(
            {
                "__typename": kind,
                "id": node_id(prefix, repository["databaseId"], identifier),
                "databaseId": identifier if identifier <= LARGEST_INT else None,
                "fullDatabaseId": str(identifier),
                "repository": repository["id"], "number": number, "title": self.title(),
                "body": self.body(), "state": "OPEN", "author": self.anybody(),
                "authorAssociation": self.random.choice(ASSOCIATIONS),
                "locked": self.random.random() < 0.05,
                "assignees": sorted(
                    self.random.sample(self.logins[:24], self.random.choice((0, 0, 1, 2)))
                ),
                "milestone": self.random.choice((None, None, "1.0", "2.0 β")),
                "createdAt": stamp(moment), "updatedAt": stamp(moment), "closedAt": None,
                "labels": self.labels_for(repository),
                "url": f"{repository['url']}/{path}/{number}",
                "_order": identifier % 2**31, "_comments": [],
            }
        )  # fmt: skip

    def make_issue(self, repository, moment):
        issue = self.numbered(repository, "Issue", "I", moment)
        issue["stateReason"] = None
        if self.random.random() < 0.6:
            issue["state"] = "CLOSED"
            issue["stateReason"] = self.random.choice(("COMPLETED", "NOT_PLANNED"))
            issue["closedAt"] = stamp(self.later(moment, 2_000_000))
        latest = issue["closedAt"] or issue["createdAt"]
        for _ in range(self.random.randrange(3)):
            latest = max(latest, self.make_comment(issue, self.later(moment, 90_000)))
        issue["updatedAt"] = self.updated_at(latest)
        repository["_issues"].append(issue)
        return issue

    def make_comment(self, subject, moment):
        identifier = self.new_id()
        comment = self.add(
            {
                "__typename": "IssueComment",
                "id": node_id("IC", identifier), "databaseId": identifier,
                "fullDatabaseId": str(identifier), "subject": subject["id"],
                "author": self.anybody(), "body": self.body() or "+1",
                "authorAssociation": self.random.choice(ASSOCIATIONS),
                "createdAt": stamp(moment), "updatedAt": stamp(moment),
                "url": f"{subject['url']}#issuecomment-{identifier}", "_order": identifier % 2**31,
            }
        )  # fmt: skip
        subject["_comments"].append(comment)
        return comment["updatedAt"]

    def make_pull_request(self, repository, moment, position=0):
        pull_request = self.numbered(repository, "PullRequest", "PR", moment)
        pull_request.update(
            {
                "isDraft": self.random.random() < 0.1, "mergedAt": None, "mergedBy": None,
                "mergeCommit": None, "baseRefName": "main",
                "headRefName": f"{self.random.choice(WORDS)}-{pull_request['number']}",
                "baseRefOid": self.oid(pull_request["id"], "base"), "headRefOid": "", "additions": 0, "deletions": 0, "changedFiles": 0,
                "_commits": [], "_reviews": [], "_threads": [], "_linked": [],
            }
        )  # fmt: skip
        # One of the first repository exceeds every page; a tenth exceed small ones.
        giant = len(self.repositories) == 1 and not repository["_prs"]
        times = 3 if position % 10 == 9 else 1
        repository["_prs"].append(pull_request)
        latest = moment
        count = 130 if giant else times * self.random.randint(1, max(1, self.most_commits))
        if self.random.random() < 0.05 and repository["_last_commit"]:
            self.share_commit(pull_request, repository["_last_commit"])
        for _ in range(count):
            latest = self.later(latest, 3600)
            self.make_commit(pull_request, latest)
        repository["_last_commit"] = pull_request["_commits"][0]
        count = 120 if giant else times * self.random.randint(0, self.most_reviews)
        for _ in range(count):
            latest = self.later(latest, 3600)
            self.make_review(pull_request, latest)
        left = times * self.random.randint(0, self.most_comments) if pull_request["_reviews"] else 0
        sizes = [105] + [2] * 104 if giant else []
        while left > 0:
            sizes.append(min(left, self.random.randint(1, 3)))
            left -= sizes[-1]
        for size in sizes:
            thread = self.make_thread(pull_request)
            for _ in range(size):
                latest = self.later(latest, 600)
                self.make_review_comment(thread, latest)
        for _ in range(self.random.choice((0, 0, 1, 2)) if self.most_comments else 0):
            latest = self.later(latest, 600)
            self.make_comment(pull_request, latest)
        latest = self.later(latest, 100_000)
        fate = self.random.random()
        if fate < 0.6:
            pull_request["state"] = "MERGED"
            pull_request["mergedAt"] = pull_request["closedAt"] = stamp(latest)
            pull_request["mergedBy"] = self.anybody()
            if self.random.random() < 0.95:
                pull_request["mergeCommit"] = self.oid(pull_request["id"], "merge")
        elif fate < 0.75:
            pull_request["state"] = "CLOSED"
            pull_request["closedAt"] = stamp(latest)
        pull_request["updatedAt"] = self.updated_at(stamp(latest))
        return pull_request

    @staticmethod
    def oid(*parts):
        return hashlib.sha1("/".join(str(part) for part in parts).encode()).hexdigest()

    def make_commit(self, pull_request, moment):
        oid = self.oid(self.seed, pull_request["id"], len(pull_request["_commits"]), moment)
        login = self.anybody(ghosts=0.2)
        if login and self.users[login]["type"] != "User":
            login = None
        headline = self.title()
        additions, deletions = self.random.randrange(400), self.random.randrange(200)
        commit = {
            "pullRequest": pull_request["id"], "oid": oid,
            "id": node_id("PURC", int(pull_request["fullDatabaseId"]), int(oid[:7], 16)),
            "commitId": node_id("C", self.repository_of(pull_request)["databaseId"], int(oid[:7], 16)),
            "message": headline + ("\n\n" + self.body().replace("\r", "") if self.random.random() < 0.3 else ""),
            "messageHeadline": headline,
            "authoredDate": stamp(moment - self.random.randrange(3) * 60),
            "committedDate": stamp(moment),
            "authorName": None if self.random.random() < 0.02 else (login or "somebody"),
            "authorEmail": None if self.random.random() < 0.02 else f"{login or 'somebody'}@example.com",
            "authorLogin": login, "additions": additions, "deletions": deletions,
            "changedFiles": self.random.randrange(1, 20),
        }  # fmt: skip
        self.put_commit(pull_request, commit)

    def share_commit(self, pull_request, commit):
        self.put_commit(
            pull_request,
            commit
            | {
                "pullRequest": pull_request["id"],
                "id": node_id("PURC", int(pull_request["fullDatabaseId"]), int(commit["oid"][:7], 16)),
            },
        )

    def put_commit(self, pull_request, commit):
        commit["__typename"] = "PullRequestCommit"
        self.add(commit)
        pull_request["_commits"].append(commit)
        pull_request["headRefOid"] = commit["oid"]
        for name in ("additions", "deletions", "changedFiles"):
            pull_request[name] += commit[name]

    def make_review(self, pull_request, moment):
        identifier = self.database_id()
        state = self.random.choices(
            ("APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"), (40, 20, 35, 4, 1)
        )[0]
        review = self.add(
            {
                "__typename": "PullRequestReview",
                "id": node_id("PRR", self.repository_of(pull_request)["databaseId"], identifier),
                "databaseId": identifier if identifier <= LARGEST_INT else None,
                "fullDatabaseId": str(identifier), "pullRequest": pull_request["id"],
                "author": self.anybody(), "state": state,
                "authorAssociation": self.random.choice(ASSOCIATIONS),
                "body": "" if self.random.random() < 0.5 else self.title(),
                "createdAt": stamp(moment),
                "submittedAt": None if state == "PENDING" else stamp(moment),
                "updatedAt": stamp(moment),
                "commit": None if self.random.random() < 0.05 else pull_request["headRefOid"],
                "url": f"{pull_request['url']}#pullrequestreview-{identifier}", "_order": identifier % 2**31,
            }
        )  # fmt: skip
        pull_request["_reviews"].append(review)
        return review

    def make_thread(self, pull_request):
        identifier = self.new_id()
        line = None if self.random.random() < 0.2 else self.random.randint(1, 900)
        thread = self.add(
            {
                "__typename": "PullRequestReviewThread",
                "id": node_id("PRRT", self.repository_of(pull_request)["databaseId"], identifier),
                "pullRequest": pull_request["id"],
                "path": f"Sources/{self.random.choice(WORDS)}.swift", "line": line,
                "isResolved": False, "isOutdated": line is None, "resolvedBy": None,
                "diffSide": "RIGHT", "subjectType": "LINE", "_comments": [], "_order": identifier % 2**31,
            }
        )  # fmt: skip
        if self.random.random() < 0.5:
            thread["isResolved"] = True
            thread["resolvedBy"] = self.anybody(ghosts=0.1)
            if thread["resolvedBy"] and self.users[thread["resolvedBy"]]["type"] != "User":
                thread["resolvedBy"] = None
        pull_request["_threads"].append(thread)
        return thread

    def make_review_comment(self, thread, moment):
        pull_request = self.nodes[thread["pullRequest"]]
        identifier = self.database_id()
        # Answers belong to the review of whoever answers; without reviews there are no threads.
        review = self.random.choice(pull_request["_reviews"])
        comment = self.add(
            {
                "__typename": "PullRequestReviewComment",
                "id": node_id("PRRC", self.repository_of(pull_request)["databaseId"], identifier),
                "databaseId": identifier if identifier <= LARGEST_INT else None,
                "fullDatabaseId": str(identifier), "pullRequest": pull_request["id"],
                "thread": thread["id"], "review": review["id"], "author": self.anybody(),
                "authorAssociation": self.random.choice(ASSOCIATIONS),
                "body": self.body() or "nit", "path": thread["path"], "line": thread["line"],
                "diffHunk": f"@@ -1,2 +1,{identifier % 90} @@\n-{self.words(3)}\n+{self.words(4)}",
                "replyTo": thread["_comments"][0]["id"] if thread["_comments"] else None,
                "createdAt": stamp(moment), "updatedAt": stamp(moment),
                "url": f"{pull_request['url']}#discussion_r{identifier}", "_order": identifier % 2**31,
            }
        )  # fmt: skip
        thread["_comments"].append(comment)
        return comment

    def link_issues(self, pull_request):
        repository = self.repository_of(pull_request)
        giant = pull_request["number"] == repository["_prs"][0]["number"] and repository is next(
            iter(self.repositories.values())
        )
        count = 30 if giant else self.random.choice((0, 0, 1, 1, 2, 5))
        others = [one for one in self.repositories.values() if one["_issues"]]
        for _ in range(count):
            home = repository if self.random.random() < 0.9 else self.random.choice(others or [repository])
            if home["_issues"]:
                self.link(pull_request, self.random.choice(home["_issues"]))

    def link(self, pull_request, issue):
        if issue["id"] not in pull_request["_linked"]:
            pull_request["_linked"].append(issue["id"])

    # MARK: Reading

    def repository_of(self, row):
        """The repository that a row belongs to."""
        while row["__typename"] != "Repository":
            row = self.nodes[
                row.get("repository") or row.get("pullRequest") or row.get("subject") or row.get("thread")
            ]
        return row

    def find(self, owner, name, follow=True):
        """The repository of a name, also of an old one; None if there is none (any more)."""
        full_name = f"{owner}/{name}".lower()
        identifier = self.names.get(full_name)
        if identifier is None and follow:
            identifier = self.old_names.get(full_name)
        return self.repositories.get(identifier)

    def visible(self):
        return list(self.repositories.values())

    def node(self, identifier):
        row = self.nodes.get(identifier)
        if row is None or row["__typename"] in ("Organization", "User", "Bot", "Mannequin"):
            return row
        try:
            return row if self.repository_of(row)["id"] in self.repositories else None
        except KeyError:
            return None

    @staticmethod
    def decision(pull_request):
        states = {one["state"] for one in pull_request["_reviews"]}
        if "CHANGES_REQUESTED" in states:
            return "CHANGES_REQUESTED"
        return "APPROVED" if "APPROVED" in states else None

    @staticmethod
    def comment_count(pull_request):
        threads = pull_request["_threads"]
        return len(pull_request["_comments"]) + sum(len(one["_comments"]) for one in threads)

    # MARK: Truth

    def truth(self, request):
        repositories = list(self.repositories.values())
        wanted = request.first("repository") if request else None
        if wanted:
            repositories = [one for one in repositories if one["nameWithOwner"] == wanted]
        if request and request.first("accessible") == "true":
            repositories = [one for one in repositories if one["state"] == "ok"]
        issues = [issue for one in repositories for issue in one["_issues"]]
        pull_requests = [pull_request for one in repositories for pull_request in one["_prs"]]
        threads = [thread for one in pull_requests for thread in one["_threads"]]
        known = {issue["id"] for issue in issues}
        everywhere = not (request and request.first("accessible") == "true")
        linked = [
            {
                "pullRequest": one["id"], "issue": issue, "number": self.nodes[issue]["number"],
                "repository": self.nodes[issue]["repository"],
            }
            for one in pull_requests
            for issue in one["_linked"]
            if issue in known or everywhere or self.repository_of(self.nodes[issue])["state"] == "ok"
        ]  # fmt: skip

        for one in pull_requests:
            one["reviewDecision"] = self.decision(one)
            one["totalCommentsCount"] = self.comment_count(one)

        def rows(given, *key):
            plain = [{k: v for k, v in row.items() if not k.startswith("_")} for row in given]
            return sorted(plain, key=lambda row: tuple(row[name] for name in key))

        return {
            "repositories": rows(repositories, "id"),
            "pull_requests": rows(pull_requests, "id"),
            "commits": rows((c for one in pull_requests for c in one["_commits"]), "pullRequest", "oid"),
            "reviews": rows((r for one in pull_requests for r in one["_reviews"]), "id"),
            "review_threads": rows(threads, "id"),
            "review_comments": rows((c for thread in threads for c in thread["_comments"]), "id"),
            "linked_issues": rows(linked, "pullRequest", "issue"),
            "issues": rows(issues, "id"),
            "comments": rows((c for one in issues + pull_requests for c in one["_comments"]), "id"),
            "labels": rows((label for one in repositories for label in one["_labels"]), "id"),
            "users": rows((u for u in self.users.values() if not u["_gone"]), "id"),
            "deleted": list(self.deleted),
        }

    # MARK: Changing

    def now(self):
        self.version += 1
        if self.real_clock:
            self.clock = max(self.clock, int(clock.now()))
        else:
            self.clock += 1
        return self.clock

    def named(self, full_name):
        owner, _, name = full_name.partition("/")
        found = self.find(owner, name)
        if found is None:
            raise LookupError(f"no repository {full_name}")
        return found

    def numbered_in(self, repository, number):
        for row in repository["_prs"] + repository["_issues"]:
            if row["number"] == number:
                return row
        raise LookupError(f"{repository['nameWithOwner']} has no #{number}")

    def any_pull_request(self, rng, repository=None):
        homes = [repository] if repository else list(self.repositories.values())
        homes = [one for one in homes if one["_prs"]]
        return rng.choice(rng.choice(homes)["_prs"]) if homes else None

    def touch(self, row):
        moment = self.now()
        row["title"] = f"{row['title'].split(' (edited')[0]} (edited {moment})"
        row["updatedAt"] = stamp(moment)

    def grow(self, pull_request, what, count=1):
        for _ in range(count):
            moment = self.now()
            if what == "commits":
                self.make_commit(pull_request, moment)
                self.repository_of(pull_request)["pushedAt"] = stamp(moment)
            elif what == "reviews":
                self.make_review(pull_request, moment)
            elif what == "review_comments":
                if not pull_request["_reviews"]:
                    self.make_review(pull_request, moment)
                thread = (
                    self.random.choice(pull_request["_threads"])
                    if pull_request["_threads"] and self.random.random() < 0.7
                    else self.make_thread(pull_request)
                )
                self.make_review_comment(thread, moment)
            elif what == "linked_issues":
                issues = self.repository_of(pull_request)["_issues"]
                if issues:
                    self.link(pull_request, self.random.choice(issues))
            elif what == "comments":
                self.make_comment(pull_request, moment)
            else:
                raise LookupError(f"nothing grows by {what!r}")
            pull_request["updatedAt"] = stamp(moment)

    def edit(self, pull_request, rng):
        """Changes what is there: a comment's or a review's text, whether a thread is resolved."""
        moment = stamp(self.now())
        comments = [comment for thread in pull_request["_threads"] for comment in thread["_comments"]]
        chances = comments + pull_request["_reviews"] + pull_request["_threads"]
        if chances:
            row = rng.choice(chances)
            if "body" in row:
                row["body"] = f"{row['body'].split(' (edited')[0]} (edited {self.clock})"
                row["updatedAt"] = moment
            else:
                row["isResolved"] = not row["isResolved"]
                row["resolvedBy"] = rng.choice(self.logins[:24]) if row["isResolved"] else None
        pull_request["updatedAt"] = moment

    def delete(self, row):
        self.now()
        repository = self.repository_of(row)
        if row["__typename"] == "Issue":
            repository["_issues"].remove(row)
            self.deleted.append({"id": row["id"], "table": "issues"})
            for one in self.repositories.values():
                for pull_request in one["_prs"]:
                    if row["id"] in pull_request["_linked"]:
                        pull_request["_linked"].remove(row["id"])
        else:
            repository["_prs"].remove(row)
            self.deleted.append({"id": row["id"], "table": "pull_requests"})
        self.nodes.pop(row["id"])

    def force_push(self, pull_request):
        count = len(pull_request["_commits"])
        for commit in pull_request["_commits"]:
            self.nodes.pop(commit["id"], None)
        pull_request["_commits"].clear()
        for name in ("additions", "deletions", "changedFiles"):
            pull_request[name] = 0
        self.grow(pull_request, "commits", max(1, count - 1))

    def rename(self, repository, to):
        self.now()
        old = repository["nameWithOwner"].lower()
        self.names.pop(old)
        self.old_names[old] = repository["id"]
        full_name = f"{self.login}/{to}"
        self.old_names.pop(full_name.lower(), None)
        self.names[full_name.lower()] = repository["id"]
        before = repository["url"]
        repository |= {"name": to, "nameWithOwner": full_name, "url": f"https://github.com/{full_name}"}
        for row in self.nodes.values():
            # Addresses below it follow.
            if row.get("url", "").startswith(before + "/"):
                row["url"] = repository["url"] + row["url"][len(before) :]

    def vanish(self, repository):
        self.now()
        self.hidden[repository["nameWithOwner"].lower()] = repository
        self.repositories.pop(repository["id"])
        self.names.pop(repository["nameWithOwner"].lower())
        self.old_names = {k: v for k, v in self.old_names.items() if v != repository["id"]}
        self.deleted.append({"id": repository["id"], "table": "repositories"})

    def restore(self, full_name):
        self.now()
        repository = self.hidden.pop(full_name.lower(), None)
        if repository is None:
            repository = self.named(full_name)
            repository["state"] = "ok"
            return
        self.repositories[repository["id"]] = repository
        self.names[full_name.lower()] = repository["id"]
        self.deleted = [one for one in self.deleted if one["id"] != repository["id"]]

    def forbid(self, repository, mode):
        if mode not in ("saml", "ip", "integration"):
            raise LookupError(f"no mode {mode!r}; there are saml, ip, integration")
        self.now()
        repository["state"], repository["_mode"] = "forbidden", mode

    def ghost(self, login):
        """The account is deleted: what it wrote has no author any more."""
        self.now()
        self.users[login]["_gone"] = True
        for row in self.nodes.values():
            for name in ("author", "mergedBy", "resolvedBy", "authorLogin"):
                if row.get(name) == login:
                    row[name] = None
            if login in row.get("assignees", ()):
                row["assignees"].remove(login)

    def create(self, what, repository=None, count=1):
        made = []
        for _ in range(count):
            moment = self.now()
            if what == "repositories":
                numbers = [int(r["name"][5:]) for r in self.repositories.values() if r["name"][5:].isdigit()]
                made.append(self.make_repository(max(numbers, default=0) + 1, 0, 0, moment))
                continue
            home = repository or self.random.choice(list(self.repositories.values()))
            if what == "pull_requests":
                row = self.make_pull_request(home, moment)
            elif what == "issues":
                row = self.make_issue(home, moment)
            else:
                raise LookupError(f"nothing of the kind {what!r} is created")
            # Made now, whatever its parts say of the moments after.
            self.clock = max(self.clock, self.latest(row))
            row["updatedAt"] = stamp(self.now())
            made.append(row)
        return made

    @staticmethod
    def latest(row):
        import calendar

        moments = [row["createdAt"], row["closedAt"] or row["createdAt"]]
        moments += [comment["updatedAt"] for comment in row["_comments"]]
        for thread in row.get("_threads", []):
            moments += [comment["updatedAt"] for comment in thread["_comments"]]
        return calendar.timegm(time.strptime(max(moments), "%Y-%m-%dT%H:%M:%SZ"))

    def random_update(self, rng, kind):
        pull_request = self.any_pull_request(rng)
        if kind == "create" or pull_request is None:
            home = rng.choice(list(self.repositories.values()))
            return self.create(rng.choice(("pull_requests", "pull_requests", "issues")), home)[0]
        if kind == "touch":
            issues = self.repository_of(pull_request)["_issues"]
            row = rng.choice(issues) if issues and rng.random() < 0.3 else pull_request
            self.touch(row)
        elif kind == "grow":
            row = pull_request
            self.grow(
                row, rng.choice(("commits", "reviews", "review_comments", "linked_issues", "comments")),
                rng.randint(1, 3),
            )  # fmt: skip
        elif kind == "edit":
            row = pull_request
            self.edit(row, rng)
        elif kind == "delete":
            issues = self.repository_of(pull_request)["_issues"]
            row = rng.choice(issues) if issues and rng.random() < 0.3 else pull_request
            self.delete(row)
        else:
            raise LookupError(f"no update {kind!r}")
        return row
