"""How GitHub's schema reads the generated world: a resolver per connection and derived field."""

import base64
import math
import struct
from datetime import datetime, timezone

from graphql import GraphQLError, GraphQLNonNull

from github_world import stamp


def failure(kind, message, **more):
    return GraphQLError(message, extensions={"type": kind} | more)


def moment(text):
    """A DateTime of a query as the world writes them; it may have an offset and fractions."""
    try:
        given = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise GraphQLError(f"{text!r} is no DateTime") from error
    seconds = given.replace(tzinfo=given.tzinfo or timezone.utc).timestamp()
    return stamp(math.ceil(seconds))


# MARK: Cursors


def pack(values):
    """A cursor over sort values, as GitHub makes them: MessagePack behind a label, in base64."""
    packed = bytes([0x90 + len(values)])
    for value in values:
        if isinstance(value, int):
            packed += (
                b"\xce" + struct.pack(">I", value) if value < 2**32 else b"\xcf" + struct.pack(">Q", value)
            )
        else:
            text = value.encode()
            packed += b"\xd9" + bytes([len(text)]) + text
    return base64.b64encode(b"cursor:v2:" + packed).decode()


def unpack(cursor, count):
    try:
        data = base64.b64decode(cursor, validate=True)
        label, data = data[:10], data[10:]
        if label != b"cursor:v2:" or data[0] != 0x90 + count:
            raise ValueError
        values, at = [], 1
        while len(values) < count:
            mark = data[at]
            if mark == 0xCE:
                values.append(struct.unpack(">I", data[at + 1 : at + 5])[0])
                at += 5
            elif mark == 0xCF:
                values.append(struct.unpack(">Q", data[at + 1 : at + 9])[0])
                at += 9
            elif mark == 0xD9:
                end = at + 2 + data[at + 1]
                values.append(data[at + 2 : end].decode())
                at = end
            else:
                raise ValueError
        if at != len(data):
            raise ValueError
        return tuple(values)
    except (ValueError, IndexError, struct.error) as error:
        raise failure(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error


def position(cursor):
    try:
        number = int(base64.b64decode(cursor + "=" * (-len(cursor) % 4), validate=True))
        if number < 1:
            raise ValueError
        return number
    except ValueError as error:
        raise failure(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error


def position_cursor(number):
    return base64.b64encode(str(number).encode()).decode().rstrip("=")


# MARK: Pages


class Keyset:
    """An order by values and id: a cursor holds them, so it outlives its row."""

    def __init__(self, *fields, descending=False):
        self.fields = fields
        self.descending = descending

    def key(self, row):
        return tuple(row[field] for field in self.fields) + (row["_order"],)

    def page(self, rows, first, after, last, before):
        key = self.key
        rows = sorted(rows, key=key, reverse=self.descending)
        count = len(self.fields) + 1
        total = len(rows)
        if after is not None:
            edge = unpack(after, count)
            rows = [row for row in rows if (key(row) < edge if self.descending else key(row) > edge)]
        passed = total - len(rows)
        if before is not None:
            edge = unpack(before, count)
            rows = [row for row in rows if (key(row) > edge if self.descending else key(row) < edge)]
        kept = rows[:first] if first is not None else rows[max(0, len(rows) - last) :]
        ahead = passed > 0 or (last is not None and len(rows) > len(kept))
        behind = (first is not None and len(rows) > len(kept)) or (
            before is not None and passed + len(rows) < total
        )
        return kept, [lambda row=row: pack(key(row)) for row in kept], ahead, behind


class Positions:
    """An order without keys: a cursor is how many came before it."""

    def page(self, rows, first, after, last, before):
        rows = list(rows)
        start = position(after) if after is not None else 0
        end = position(before) - 1 if before is not None else len(rows)
        if first is not None:
            end_of_page = min(end, start + first)
            begin = start
        else:
            begin = max(start, end - last)
            end_of_page = end
        kept = rows[begin:end_of_page]
        cursors = [lambda n=n: position_cursor(n) for n in range(begin + 1, begin + 1 + len(kept))]
        return kept, cursors, begin > 0 and bool(rows), end_of_page < len(rows)


def connection(info, parent, rows, order, args, label, show=None):
    """A page of rows as a connection. `show` turns a row into the node (or an error in its place)."""
    rows = list(rows)
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        return {"totalCount": len(rows)}
    after, before = args.get("after"), args.get("before")
    kept, cursors, ahead, behind = order.page(rows, first, after, last, before)
    nodes = [show(row) for row in kept] if show else kept
    # A single row is a look-up, not a page.
    if first != 1:
        info.context.page(info, label, after)
    return {
        "nodes": nodes,
        "edges": lambda: [
            {"cursor": cursor(), "node": node} for cursor, node in zip(cursors, nodes, strict=True)
        ],
        "pageInfo": lambda: {
            "startCursor": cursors[0]() if cursors else None,
            "endCursor": cursors[-1]() if cursors else None,
            "hasNextPage": behind,
            "hasPreviousPage": ahead,
        },
        "totalCount": len(rows),
        "totalDiskUsage": 0,
    }


FIELDS = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "NAME": "name", "PUSHED_AT": "pushedAt"}


def order_of(args, fallback=None):
    order = args.get("orderBy") or fallback
    if order is None:
        return Keyset()
    field = FIELDS.get(order["field"])
    if field is None:
        raise GraphQLError(f"the stand-in does not order by {order['field']}")
    return Keyset(field, descending=order["direction"] == "DESC")


# MARK: The schema's fields


def forbidden(row):
    mode = row.get("_mode", "saml")
    if mode == "saml":
        return failure(
            "FORBIDDEN",
            "Resource protected by organization SAML enforcement. You must grant your Personal "
            "Access token access to this organization.",
            saml_failure=True,
        )
    if mode == "ip":
        return failure(
            "FORBIDDEN",
            "Although you appear to have the correct authorization credentials, the "
            f"`{row['owner']}` organization has an IP allow list enabled, and your IP address is "
            "not permitted to access this resource.",
        )
    return failure("FORBIDDEN", "Resource not accessible by integration")


class Resolvers:
    """Puts resolvers over one world into a schema."""

    def __init__(self, schema, world):
        self.world = world
        self.schema = schema
        kinds = {
            "Query": self.query(), "Organization": self.organization(), "Repository": self.repository(),
            "PullRequest": self.pull_request(), "Issue": self.issue(),
            "PullRequestReview": self.review(), "PullRequestReviewThread": self.thread(),
            "PullRequestReviewComment": self.review_comment(), "PullRequestCommit": self.commit(),
            "IssueComment": self.comment(),
        }  # fmt: skip
        for name, fields in kinds.items():
            known = schema.type_map.get(name)
            for field, resolve in fields.items():
                if known and field in known.fields:
                    known.fields[field].resolve = resolve

    @staticmethod
    def default(source, info, **args):
        """A field of a row; what the world does not know is null, or an error that names it."""
        value = source.get(info.field_name, Resolvers) if isinstance(source, dict) else Resolvers
        if value is Resolvers:
            if isinstance(info.return_type, GraphQLNonNull):
                raise GraphQLError(
                    f"the stand-in's world has no {info.parent_type.name}.{info.field_name}"
                )
            return None
        return value() if callable(value) else value

    # Shown only when its repository may be read.
    def guard(self, row):
        if row is not None and row.get("state") == "forbidden" and row["__typename"] == "Repository":
            return forbidden(row)
        return row

    def actor(self, field):
        def resolve(row, info, **args):
            user = self.world.users.get(row[field])
            return None if user is None or user["_gone"] else user

        return resolve

    def home(self, row, info):
        return self.guard(self.world.repository_of(row))

    def label_of(self, row):
        repository = self.world.repository_of(row)
        if row is repository:
            return row["nameWithOwner"]
        kind = row["__typename"]
        if kind in ("PullRequest", "Issue"):
            return f"{repository['nameWithOwner']}#{row['number']}"
        pull_request = self.world.nodes.get(row.get("pullRequest"))
        number = pull_request["number"] if pull_request else "?"
        return f"{repository['nameWithOwner']}#{number}/{row['id']}"

    def pages(self, name, rows, order, show=None):
        """A resolver of a connection below a row."""

        def resolve(row, info, **args):
            chosen = rows(row, args)
            ordered = order(args) if callable(order) else order
            return connection(
                info, row, chosen, ordered, args, lambda: f"{self.label_of(row)} {name}", show
            )

        return resolve

    def query(self):
        world = self.world

        def organization(root, info, login):
            if login.lower() != world.login.lower():
                raise failure(
                    "NOT_FOUND", f"Could not resolve to an Organization with the login of '{login}'."
                )
            return world.organization

        def owner(root, info, login):
            found = world.users.get(login)
            if login.lower() == world.login.lower():
                return world.organization
            return found if found and found["type"] == "User" else None

        def user(root, info, login):
            found = world.users.get(login)
            if found is None or found["_gone"] or found["type"] != "User":
                raise failure("NOT_FOUND", f"Could not resolve to a User with the login of '{login}'.")
            return found

        def repository(root, info, owner, name, followRenames=True):
            found = world.find(owner, name, followRenames)
            if found is None:
                raise failure(
                    "NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'."
                )
            if found["state"] == "forbidden":
                raise forbidden(found)
            return found

        def by_id(identifier):
            row = world.node(identifier)
            if row is None or row.get("_gone"):
                return failure(
                    "NOT_FOUND", f"Could not resolve to a node with the global id of '{identifier}'."
                )
            if row["__typename"] not in ("Organization", "User", "Bot", "Mannequin"):
                home = world.repository_of(row)
                if home["state"] == "forbidden":
                    return forbidden(home)
            return row

        def node(root, info, id):
            row = by_id(id)
            if isinstance(row, Exception):
                raise row
            return row

        def rate_limit(root, info, dryRun=False):
            return info.context.rate_limit()

        return {
            "organization": organization, "repositoryOwner": owner, "repository": repository,
            "user": user, "node": node, "nodes": lambda root, info, ids: [by_id(one) for one in ids],
            "viewer": lambda root, info: next(iter(world.users.values())),
            "rateLimit": rate_limit,
        }  # fmt: skip

    def organization(self):
        world = self.world

        def repositories(row, info, **args):
            chosen = world.visible()
            for name in ("isFork", "isArchived"):
                if args.get(name) is not None:
                    chosen = [one for one in chosen if one[name] == args[name]]
            wanted = args.get("visibility") or args.get("privacy")
            if wanted:
                chosen = [one for one in chosen if one["isPrivate"] == (wanted == "PRIVATE")]
            order = order_of(args, {"field": "NAME", "direction": "ASC"})
            if order.fields == ("pushedAt",):
                chosen = [one for one in chosen if one["pushedAt"]]
            for one in chosen:
                one["_order"] = one["databaseId"]
            return connection(
                info, row, chosen, order, args, lambda: f"{world.login} repositories", self.guard
            )

        def repository(row, info, name, followRenames=True):
            found = world.find(world.login, name, followRenames)
            if found is None:
                raise failure(
                    "NOT_FOUND",
                    f"Could not resolve to a Repository with the name '{world.login}/{name}'.",
                )
            if found["state"] == "forbidden":
                raise forbidden(found)
            return found

        return {"repositories": repositories, "repository": repository}

    def repository(self):
        world = self.world

        def narrowed(rows, args):
            if args.get("states"):
                rows = [row for row in rows if row["state"] in args["states"]]
            if args.get("labels"):
                wanted = set(args["labels"])
                rows = [row for row in rows if wanted & set(row["labels"])]
            for name in ("baseRefName", "headRefName"):
                if args.get(name):
                    rows = [row for row in rows if row[name] == args[name]]
            narrow = args.get("filterBy") or {}
            if narrow.get("since"):
                since = moment(narrow["since"])
                rows = [row for row in rows if row["updatedAt"] >= since]
            if narrow.get("states"):
                rows = [row for row in rows if row["state"] in narrow["states"]]
            return rows

        def numbered(kind, rows):
            def resolve(row, info, number):
                for one in rows(row):
                    if one["number"] == number:
                        return one
                raise failure("NOT_FOUND", f"Could not resolve to {kind} with the number of {number}.")

            return resolve

        def branch(row, info):
            if row["defaultBranch"] is None:
                return None
            return {
                "__typename": "Ref", "id": f"REF_{row['id']}", "name": row["defaultBranch"],
                "prefix": "refs/heads/", "repository": row,
            }  # fmt: skip

        def language(row, info):
            name = row["primaryLanguage"]
            return name and {"__typename": "Language", "id": f"LANG_{name}", "name": name, "color": None}

        def license_info(row, info):
            name = row["license"]
            return name and {
                "__typename": "License", "id": f"LIC_{name}", "key": name.lower(), "name": name,
                "spdxId": name, "nickname": None, "url": None,
            }  # fmt: skip

        def topics(row, args):
            return [
                {
                    "__typename": "RepositoryTopic", "id": f"RT_{row['id']}_{name}",
                    "topic": {"__typename": "Topic", "id": f"T_{name}", "name": name},
                    "url": f"https://github.com/topics/{name}", "resourcePath": f"/topics/{name}",
                }
                for name in row["topics"]
            ]  # fmt: skip

        def fixed(value):
            return lambda row, info, **args: value

        return {
            "owner": lambda row, info: world.organization,
            "defaultBranchRef": branch,
            "primaryLanguage": language,
            "pullRequests": self.pages(
                "pullRequests", lambda row, args: narrowed(row["_prs"], args), order_of
            ),
            "issues": self.pages(
                "issues", lambda row, args: narrowed(row["_issues"], args), order_of
            ),
            "labels": self.pages("labels", lambda row, args: row["_labels"], Positions()),
            "pullRequest": numbered("a PullRequest", lambda row: row["_prs"]),
            "issue": numbered("an Issue", lambda row: row["_issues"]),
            "issueOrPullRequest": numbered(
                "an issue or pull request", lambda row: row["_prs"] + row["_issues"]
            ),
            "resourcePath": lambda row, info: f"/{row['nameWithOwner']}",
            "visibility": lambda row, info: "PRIVATE" if row["isPrivate"] else "PUBLIC",
            "isEmpty": lambda row, info: row["pushedAt"] is None,
            "isInOrganization": fixed(True),
            "isDisabled": fixed(False), "isLocked": fixed(False), "isMirror": fixed(False),
            "isTemplate": fixed(False), "hasIssuesEnabled": fixed(True), "hasWikiEnabled": fixed(False),
            "hasProjectsEnabled": fixed(False), "hasDiscussionsEnabled": fixed(False),
            "licenseInfo": license_info,
            "repositoryTopics": self.pages("repositoryTopics", topics, Positions()),
        }  # fmt: skip

    def common(self):
        world = self.world

        def labels(row, args):
            known = world.repository_of(row)["_labels"]
            return [label for label in known if label["name"] in row["labels"]]

        def milestone(row, info):
            title = row["milestone"]
            return title and {
                "__typename": "Milestone", "id": f"MI_{row['repository']}_{title}", "title": title,
                "number": 1 + (title != "1.0"), "state": "OPEN", "createdAt": stamp(0),
                "updatedAt": stamp(0), "description": None, "dueOn": None, "closedAt": None,
            }  # fmt: skip

        def assignees(row, args):
            return [world.users[one] for one in row["assignees"]]

        return {
            "milestone": milestone,
            "assignees": self.pages("assignees", assignees, Positions()),
            "author": self.actor("author"),
            "repository": self.home,
            "labels": self.pages("labels", labels, Positions()),
            "comments": self.pages("comments", lambda row, args: row["_comments"], Keyset()),
            "bodyText": lambda row, info: row["body"],
            "closed": lambda row, info: row["state"] != "OPEN",
            "permalink": lambda row, info: row["url"],
            "resourcePath": lambda row, info: row["url"].removeprefix("https://github.com"),
            "publishedAt": lambda row, info: row["createdAt"],
            "lastEditedAt": lambda row, info: None,
            "includesCreatedEdit": lambda row, info: False,
            "createdViaEmail": lambda row, info: False,
        }

    def pull_request(self):
        world = self.world

        def merge_commit(row, info):
            oid = row["mergeCommit"]
            return oid and {
                "__typename": "Commit", "id": f"C_{oid[:16]}", "oid": oid,
                "abbreviatedOid": oid[:7], "repository": world.repository_of(row),
                "messageHeadline": f"Merge #{row['number']}", "message": f"Merge #{row['number']}",
                "committedDate": row["mergedAt"], "authoredDate": row["mergedAt"],
                "url": f"{world.repository_of(row)['url']}/commit/{oid}",
                "additions": row["additions"], "deletions": row["deletions"],
            }  # fmt: skip

        def reviews(row, args):
            chosen = row["_reviews"]
            if args.get("states"):
                chosen = [one for one in chosen if one["state"] in args["states"]]
            if args.get("author"):
                chosen = [one for one in chosen if one["author"] == args["author"]]
            return chosen

        def linked(row, args):
            rows = [world.nodes[one] for one in row["_linked"]]
            return [one for one in rows if world.repository_of(one)["state"] == "ok"]

        return self.common() | {
            "mergedBy": self.actor("mergedBy"),
            "mergeCommit": merge_commit,
            "merged": lambda row, info: row["state"] == "MERGED",
            "mergeable": lambda row, info: "UNKNOWN",
            "reviewDecision": lambda row, info: world.decision(row),
            "baseRepository": self.home,
            "headRepository": lambda row, info: None,
            "isCrossRepository": lambda row, info: False,
            "maintainerCanModify": lambda row, info: False,
            "totalCommentsCount": lambda row, info: world.comment_count(row),
            "commits": self.pages("commits", lambda row, args: row["_commits"], Positions()),
            "reviews": self.pages("reviews", reviews, Keyset("createdAt")),
            "reviewThreads": self.pages("reviewThreads", lambda row, args: row["_threads"], Positions()),
            "closingIssuesReferences": self.pages("closingIssuesReferences", linked, Positions()),
        }

    def issue(self):
        def closing(row, args):
            homes = self.world.repositories.values()
            found = [one for home in homes for one in home["_prs"] if row["id"] in one["_linked"]]
            return [one for one in found if self.world.repository_of(one)["state"] == "ok"]

        return self.common() | {
            "closedByPullRequestsReferences": self.pages(
                "closedByPullRequestsReferences", closing, Positions()
            ),
        }

    def remark(self):
        """What reviews and comments have in common."""
        world = self.world
        return {
            "author": self.actor("author"),
            "repository": self.home,
            "pullRequest": lambda row, info: world.nodes[row["pullRequest"]],
            "bodyText": lambda row, info: row["body"],
            "resourcePath": lambda row, info: row["url"].removeprefix("https://github.com"),
            "publishedAt": lambda row, info: row["createdAt"],
            "lastEditedAt": lambda row, info: None,
            "isMinimized": lambda row, info: False,
            "includesCreatedEdit": lambda row, info: False,
            "createdViaEmail": lambda row, info: False,
        }

    def commit_of(self, row):
        oid = row["commit"]
        return oid and {
            "__typename": "Commit", "id": f"C_{oid[:16]}", "oid": oid, "abbreviatedOid": oid[:7],
            "repository": self.world.repository_of(row),
        }  # fmt: skip

    def review(self):
        def comments(row, args):
            threads = self.world.nodes[row["pullRequest"]]["_threads"]
            found = [c for thread in threads for c in thread["_comments"] if c["review"] == row["id"]]
            return sorted(found, key=lambda one: one["_order"])

        return self.remark() | {
            "commit": lambda row, info: self.commit_of(row),
            "comments": self.pages("comments", comments, Positions()),
        }

    def thread(self):
        world = self.world
        return {
            "resolvedBy": self.actor("resolvedBy"),
            "repository": self.home,
            "pullRequest": lambda row, info: world.nodes[row["pullRequest"]],
            "comments": self.pages("comments", lambda row, args: row["_comments"], Positions()),
            "isCollapsed": lambda row, info: row["isResolved"],
            "originalLine": lambda row, info: row["line"],
        }

    def review_comment(self):
        world = self.world
        return self.remark() | {
            "pullRequestReview": lambda row, info: world.nodes.get(row["review"]),
            "replyTo": lambda row, info: world.nodes.get(row["replyTo"]),
            "outdated": lambda row, info: row["line"] is None,
            "originalLine": lambda row, info: row["line"],
            "originalPosition": lambda row, info: row["line"] or 1,
            "position": lambda row, info: row["line"],
            "draftedAt": lambda row, info: row["createdAt"],
            "state": lambda row, info: "SUBMITTED",
            "subjectType": lambda row, info: "LINE",
        }

    def comment(self):
        world = self.world

        def subject(kind):
            def resolve(row, info):
                found = world.nodes[row["subject"]]
                return found if found["__typename"] == kind else None

            return resolve

        return self.remark() | {
            "issue": lambda row, info: world.nodes[row["subject"]],
            "pullRequest": subject("PullRequest"),
        }

    def commit(self):
        world = self.world

        def actor(row, with_user):
            login = row["authorLogin"] if with_user else None
            user = world.users.get(login)
            return {
                "__typename": "GitActor", "name": row["authorName"], "email": row["authorEmail"],
                "date": row["authoredDate"],
                "user": user if user and user["type"] == "User" and not user["_gone"] else None,
                "avatarUrl": "https://avatars.githubusercontent.com/u/0?v=4",
            }  # fmt: skip

        def commit(row, info):
            home = world.repository_of(row)
            return {
                "__typename": "Commit", "id": row["commitId"], "oid": row["oid"],
                "abbreviatedOid": row["oid"][:7], "message": row["message"],
                "messageHeadline": row["messageHeadline"],
                "messageBody": row["message"].partition("\n\n")[2],
                "authoredDate": row["authoredDate"], "committedDate": row["committedDate"],
                "author": actor(row, True), "committer": actor(row, True),
                "additions": row["additions"], "deletions": row["deletions"],
                "changedFiles": row["changedFiles"], "changedFilesIfAvailable": row["changedFiles"],
                "pushedDate": None, "repository": home, "authoredByCommitter": True,
                "committedViaWeb": False, "url": f"{home['url']}/commit/{row['oid']}",
                "commitUrl": f"{home['url']}/commit/{row['oid']}",
            }  # fmt: skip

        def address(row, info):
            pull_request = world.nodes[row["pullRequest"]]
            return f"{pull_request['url']}/commits/{row['oid']}"

        return {
            "commit": commit,
            "pullRequest": lambda row, info: world.nodes[row["pullRequest"]],
            "url": address,
            "resourcePath": lambda row, info: address(row, info).removeprefix("https://github.com"),
        }


