"""A generated Jira: projects, issues, their history and work, users, from a seed.

Rows are what the truth tells; keys that begin with an underscore are the world's own.
"""

import random
import re
import time

import clock
from jql import Gone, Invalid, Word, number

BEGIN = 1672531200000  # 2023-01-01T00:00:00Z, in milliseconds
END = 1751241600000  # 2025-06-30T00:00:00Z: nothing generated is newer
# Both sides of the hour that clocks in New York repeat: 2024-11-03T05:30Z and 06:30Z are 01:30 there.
REPEATED_HOUR = 1730611800000

WORDS = (
    "login invoice export import page token cache search filter report billing mail upload sync "
    "queue worker chart table field form header retry timeout limit audit role group tenant"
).split()
TYPES = ("Bug", "Story", "Task", "Epic", "Sub-task")
STATUSES = ("To Do", "In Progress", "In Review", "Done")
PRIORITIES = ("Highest", "High", "Medium", "Low", None)
LABELS = ("backend", "front-end", "tech_debt", "p1", "größer", "a.b")
ODD = ('Say "hello", world; twice', "Ünïcode — 你好, мир 🚀", "tab\there ", "{code} *bold* $x 'q' \\n", "-")


def stamp(milliseconds):
    """As the truth tells moments: UTC, to the millisecond."""
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03}Z"


class World:
    def __init__(self, seed=7, projects=3, issues=120):
        self.random = random.Random(seed)
        self.version = 0
        self.real_clock = False
        self.clock = END
        self.requests = 0
        self.index_lag = 0
        self.users = {}
        self.projects = {}
        self.hidden = set()
        self.issues = {}
        self.keys = {}
        self.deleted = []
        self.moved = []
        # issue id: (what searches still see of it, from which request on no more)
        self.stale = {}
        self.next_id = 10_000
        self.make_users()
        for n in range(1, projects + 1):
            full, empty = n == 1, n == projects and projects >= 3
            self.make_project(n, 0 if empty else issues if full else self.random.randint(0, issues))

    # MARK: Generating

    def new_id(self):
        self.next_id += self.random.randint(1, 3)
        return str(self.next_id)

    def words(self, count):
        return " ".join(self.random.choice(WORDS) for _ in range(count))

    def make_users(self):
        for n in range(60):
            kind = "app" if n % 20 == 19 else "customer" if n % 13 == 12 else "atlassian"
            account = f"{n % 7}12020:{self.random.getrandbits(64):016x}{n:04x}"
            self.users[account] = {
                "accountId": account, "displayName": f"Person {n:02} Ø" if kind == "atlassian" else f"Robot {n:02}",
                "emailAddress": f"person{n:02}@example.com" if n % 3 else None,
                "active": n % 9 != 8, "accountType": kind,
                "timeZone": "America/New_York" if n % 2 else "Europe/Paris",
                "name": f"person{n:02}", "key": f"JIRAUSER1{n:04}",
            }  # fmt: skip
        self.accounts = [one["accountId"] for one in self.users.values() if one["accountType"] == "atlassian"]

    def anybody(self, nobody=0.05):
        return None if self.random.random() < nobody else self.random.choice(self.accounts)

    def make_project(self, n, issues):
        key = f"P{n:02}"
        self.projects[key] = {
            "id": self.new_id(), "key": key, "name": f"Project {n}: {self.words(2)}",
            "projectTypeKey": "software" if n % 3 else "service_desk",
            "lead": self.random.choice(self.accounts), "_number": 0,
        }  # fmt: skip
        moment = BEGIN + self.random.randint(0, 10**9)
        span = (END - 10**9 - moment) // max(1, issues)
        for n in range(issues):
            moment += self.random.randint(1, max(2, span))
            self.make_issue(key, moment, giant=n == 0 and key == "P01")
        return self.projects[key]

    def make_issue(self, project, moment, giant=False):
        self.projects[project]["_number"] += 1
        key = f"{project}-{self.projects[project]['_number']}"
        earlier = [one for one in self.issues.values() if one["project"] == project]
        kind = self.random.choice(TYPES if earlier else TYPES[:-1])
        title = self.random.choice(ODD) if self.random.random() < 0.05 else self.words(4).capitalize()
        parent = self.random.choice(earlier)["id"] if kind == "Sub-task" else None
        issue = {
            "id": self.new_id(), "key": key, "project": project, "summary": title,
            "description": None if self.random.random() < 0.2 else f"{self.words(8)}.\n{self.words(5)}",
            "issuetype": kind, "status": "To Do", "priority": self.random.choice(PRIORITIES),
            "assignee": self.anybody(0.3), "reporter": self.anybody(),
            "labels": sorted(self.random.sample(LABELS, self.random.choice((0, 0, 1, 2)))),
            "created": "", "updated": "", "resolutiondate": None, "parent": parent,
            "storyPoints": self.random.choice((None, None, 1.0, 2.5, 8.0)),
            "severity": self.random.choice((None, None, "Minor", "Major")),
            "reviewers": sorted(self.random.sample(self.accounts, self.random.choice((0, 0, 1, 2)))),
            "_created": moment, "_updated": moment, "_histories": [], "_worklogs": [], "_development": [],
        }  # fmt: skip
        issue["created"] = stamp(moment)
        self.issues[issue["id"]] = issue
        self.keys[key] = issue["id"]
        latest = moment
        changes = 130 if giant else self.random.choice((0, 1, 2, 3, 3, 45 if moment % 7 == 0 else 4))
        for _ in range(changes):
            latest = self.later(latest, 86_400_000)
            self.change(issue, latest)
        for _ in range(45 if giant else self.random.choice((0, 0, 1, 2, 25 if moment % 11 == 0 else 0))):
            latest = self.later(latest, 3_600_000)
            self.log_work(issue, latest)
        if moment < END:
            chance = self.random.random()
            if chance < 0.05 and latest < REPEATED_HOUR:
                # Local times that mean two moments.
                latest = REPEATED_HOUR + self.random.choice((0, 3_600_000)) + self.random.randrange(60_000)
            elif chance < 0.2:
                # Bulk changes: many issues of one minute, several of one millisecond.
                bulk = END - 50_000_000 + self.random.randrange(3) * 7_000_000
                latest = max(latest, bulk + self.random.choice((0, 0, 500, 30_250, 59_999)))
            latest = min(latest, END)
        self.set_updated(issue, latest)
        if self.random.random() < 0.4:
            self.develop(issue, latest)
        return issue

    def later(self, moment, most):
        if moment < END:
            return moment + self.random.randint(1, most)
        return moment if self.real_clock else moment + 1

    def set_updated(self, issue, moment):
        issue["_updated"], issue["updated"] = moment, stamp(moment)

    def change(self, issue, moment, field=None):
        """One entry of the issue's history, and what it changed."""
        field = field or self.random.choice(("status", "status", "assignee", "summary", "storyPoints"))
        item = {"field": field, "fieldtype": "jira", "fieldId": field}
        before = issue[field]
        if field == "status":
            after = self.random.choice([one for one in STATUSES if one != before])
            item |= {"from": str(STATUSES.index(before) + 1), "to": str(STATUSES.index(after) + 1)}
            item |= {"fromString": before, "toString": after}
            issue["resolutiondate"] = stamp(moment) if after == "Done" else None
        elif field == "assignee":
            after = self.anybody(0.2)
            item |= {"from": before, "to": after}
            item |= {"fromString": self.name(before), "toString": self.name(after)}
        elif field == "summary":
            after = f"{before.split(' (edited')[0]} (edited {moment})"
            item |= {"from": None, "to": None, "fromString": before, "toString": after}
        elif field == "storyPoints":
            after = self.random.choice((None, 1.0, 3.0, 5.5))
            item |= {"field": "Story Points", "fieldtype": "custom", "fieldId": "customfield_10016"}
            item |= {"from": None, "to": None, "fromString": shown(before), "toString": shown(after)}
        else:
            raise LookupError(f"no change of {field!r}")
        issue[field] = after
        self.add_history(issue, moment, [item])

    def name(self, account):
        return None if account is None else self.users[account]["displayName"]

    def add_history(self, issue, moment, items):
        issue["_histories"].append(
            {
                "id": self.new_id(), "issue": issue["id"], "author": self.anybody(0.02),
                "created": stamp(moment), "items": items, "_created": moment,
            }
        )  # fmt: skip

    def log_work(self, issue, moment):
        author = self.random.choice(self.accounts)
        issue["_worklogs"].append(
            {
                "id": self.new_id(), "issue": issue["id"], "author": author,
                "started": stamp(moment - self.random.randrange(7200) * 1000),
                "created": stamp(moment), "updated": stamp(moment),
                "timeSpentSeconds": self.random.choice((60, 900, 3600, 28800)),
                "comment": None if self.random.random() < 0.4 else self.words(4),
            }
        )  # fmt: skip

    def develop(self, issue, moment):
        name = self.random.choice(WORDS)
        for kind in self.random.sample(("pullrequest", "branch", "commit"), self.random.randint(1, 3)):
            for _ in range(self.random.randint(1, 2)):
                n = self.random.randrange(10_000)
                address = {"pullrequest": f"pull/{n}", "branch": f"tree/{issue['key']}-{n}", "commit": f"commit/{n:040x}"}[kind]
                issue["_development"].append(
                    {
                        "issue": issue["id"], "type": kind, "id": {"pullrequest": f"#{n}", "branch": f"{issue['key']}-{n}", "commit": f"{n:040x}"}[kind],
                        "name": f"{issue['key']} {name}", "repository": "octo/repo-0001",
                        "url": f"https://github.com/octo/repo-0001/{address}",
                        "status": self.random.choice(("OPEN", "MERGED", "DECLINED")) if kind == "pullrequest" else None,
                        "lastUpdate": stamp(moment - moment % 1000),
                    }
                )  # fmt: skip

    # MARK: Reading

    def visible_projects(self):
        return [one for key, one in self.projects.items() if key not in self.hidden]

    def project_named(self, field, value):
        for one in self.visible_projects():
            if str(value).upper() == one["key"] or value == one["id"] or value == one["name"]:
                return one
        raise Invalid(f"The value '{value}' does not exist for the field '{field}'.")

    def find_issue(self, text):
        """An issue by id or key, also by a key it had before; None if it is not to be seen."""
        issue = self.issues.get(text) or self.issues.get(self.keys.get(str(text).upper()))
        return None if issue is None or issue["project"] in self.hidden else issue

    def issue_named(self, value):
        if isinstance(value, Word) and value.isdigit():
            issue = self.find_issue(value)
            if issue is None:
                raise Gone(f"An issue with ID '{value}' does not exist for field 'key'.")
            return issue
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+-\d+", value):
            raise Invalid(f"The issue key '{value}' for field 'key' is invalid.")
        issue = self.find_issue(value)
        if issue is None:
            raise Gone(f"An issue with key '{value}' does not exist for field 'key'.")
        return issue

    def now_milliseconds(self):
        return int(clock.now() * 1000) if self.real_clock else self.clock

    def indexed(self):
        """The issues as searches see them."""
        self.stale = {k: v for k, v in self.stale.items() if v[1] > self.requests}
        rows = [self.stale[one["id"]][0] if one["id"] in self.stale else one for one in self.issues.values()]
        rows += [row for key, (row, _) in self.stale.items() if key not in self.issues]
        return [one for one in rows if one is not None and one["project"] not in self.hidden]

    def search(self, query, zone, lenient=False):
        matches = query.compiled(self, zone, lenient)
        rows = [one for one in self.indexed() if matches(one)]
        return sorted(rows, key=lambda one: self.order_key(query, one))

    @staticmethod
    def order_key(query, issue):
        """Sorts by the query's order, then by what Jira falls back to: the newest first."""
        keys = []
        for field, descending in query.orders:
            if field == "key":
                part = (issue["project"], number(issue["key"]))
            elif field in ("updated", "created"):
                part = issue[f"_{field}"]
            else:
                part = issue[field] or ""
            keys.append(Reversed(part) if descending else part)
        keys.append(Reversed(int(issue["id"])))
        return keys

    # MARK: Truth

    def truth(self, request):
        wanted = request.first("project") if request else None
        accessible = request is not None and request.first("accessible") == "true"
        projects = [
            one
            for key, one in self.projects.items()
            if wanted in (None, key) and not (accessible and key in self.hidden)
        ]
        keys = {one["key"] for one in projects}
        issues = [one for one in self.issues.values() if one["project"] in keys]

        def rows(given, key="id"):
            plain = [{k: v for k, v in row.items() if not k.startswith("_")} for row in given]
            return sorted(plain, key=lambda row: int(row[key]) if row[key].isdigit() else row[key])

        return {
            "projects": rows(projects), "issues": rows(issues),
            "changelogs": rows(h for one in issues for h in one["_histories"]),
            "worklogs": rows(w for one in issues for w in one["_worklogs"]),
            "users": rows(self.users.values(), "accountId"),
            "development": sorted(
                (d for one in issues for d in one["_development"]),
                key=lambda row: (int(row["issue"]), row["type"], row["url"]),
            ),
            "deleted": list(self.deleted), "moved": list(self.moved),
        }  # fmt: skip

    # MARK: Changing

    def now(self):
        self.version += 1
        if self.real_clock:
            self.clock = max(self.clock, int(clock.now() * 1000))
        else:
            self.clock += 1000
        return self.clock

    def before_change(self, issue):
        """Searches go on seeing what was, for a while."""
        if self.index_lag and issue["id"] not in self.stale:
            copy = issue | {"_histories": list(issue["_histories"]), "_worklogs": list(issue["_worklogs"])}
            self.stale[issue["id"]] = (copy, self.requests + self.index_lag)

    def touch(self, issue):
        self.before_change(issue)
        moment = self.now()
        self.change(issue, moment, "summary")
        self.set_updated(issue, moment)

    def grow(self, issue, what, count=1):
        self.before_change(issue)
        for _ in range(count):
            moment = self.now()
            if what == "changelogs":
                self.change(issue, moment)
            elif what == "worklogs":
                self.log_work(issue, moment)
            else:
                raise LookupError(f"nothing grows by {what!r}")
            self.set_updated(issue, moment)

    def create(self, project=None, count=1):
        made = []
        for _ in range(count):
            home = project or self.random.choice([one["key"] for one in self.visible_projects()])
            issue = self.make_issue(home, self.now())
            self.clock = max(self.clock, issue["_updated"])
            self.set_updated(issue, self.now())
            if self.index_lag:
                self.stale[issue["id"]] = (None, self.requests + self.index_lag)
            made.append(issue)
        return made

    def delete(self, issue):
        self.before_change(issue)
        self.now()
        self.issues.pop(issue["id"])
        self.keys = {key: one for key, one in self.keys.items() if one != issue["id"]}
        self.deleted.append({"id": issue["id"], "table": "issues", "key": issue["key"]})
        # Sub-tasks go with their issue.
        for one in [one for one in self.issues.values() if one["parent"] == issue["id"]]:
            self.delete(one)

    def move(self, issue, to):
        """To another project: the same id, another key; the old key goes on finding it."""
        if to not in self.projects:
            raise LookupError(f"no project {to}")
        self.before_change(issue)
        moment = self.now()
        old_key, old_project = issue["key"], issue["project"]
        self.projects[to]["_number"] += 1
        issue["key"], issue["project"] = f"{to}-{self.projects[to]['_number']}", to
        self.keys[issue["key"]] = issue["id"]
        self.add_history(
            issue, moment,
            [
                {
                    "field": "project", "fieldtype": "jira", "fieldId": "project",
                    "from": self.projects[old_project]["id"], "to": self.projects[to]["id"],
                    "fromString": self.projects[old_project]["name"], "toString": self.projects[to]["name"],
                },
                {
                    "field": "Key", "fieldtype": "jira", "fieldId": "", "from": None, "to": None,
                    "fromString": old_key, "toString": issue["key"],
                },
            ],
        )  # fmt: skip
        self.set_updated(issue, moment)
        self.moved.append({"id": issue["id"], "from": old_key, "to": issue["key"]})

    def any_issue(self, rng, project=None):
        rows = [
            one
            for one in self.issues.values()
            if one["project"] not in self.hidden and project in (None, one["project"])
        ]
        if not rows:
            raise LookupError("no issue left")
        return rng.choice(rows)

    def random_update(self, rng, kind):
        if kind == "create" or not self.issues:
            return self.create(rng.choice([one["key"] for one in self.visible_projects()]))[0]
        issue = self.any_issue(rng)
        if kind == "touch":
            self.touch(issue)
        elif kind == "grow":
            self.grow(issue, rng.choice(("changelogs", "worklogs")), rng.randint(1, 2))
        elif kind == "delete":
            self.delete(issue)
        elif kind == "move":
            others = [one["key"] for one in self.visible_projects() if one["key"] != issue["project"]]
            if others:
                self.move(issue, rng.choice(others))
        else:
            raise LookupError(f"no update {kind!r}")
        return issue


def shown(value):
    return None if value is None else f"{value:g}"


class Reversed:
    """Turns the order of a value round."""

    def __init__(self, value):
        self.value = value

    def __lt__(self, other):
        return other.value < self.value

    def __eq__(self, other):
        return self.value == other.value
