"""GitHub for tests: executes GraphQL queries against GitHub's schema over a generated world.

README.md beside this file tells how to start it, what its control endpoints are and what it does
as GitHub does.
"""

import json
import os
import pickle
import re
import sys
from pathlib import Path

from graphql import GraphQLError, build_schema, execute, parse, validate
from graphql.language import ast

import github_cost
import standin
from fast_executor import FastExecution
from github_app import App, Refusal
from github_resolvers import Resolvers
from github_world import World, stamp
from http_server import Response
from standin import Refused, Standin

DOCS = "https://docs.github.com/graphql"
LIMIT_DOCS = f"{DOCS}/overview/rate-limits-and-node-limits-for-the-graphql-api"
UNICORN = "<!DOCTYPE html><html><head><title>Unicorn! &middot; GitHub</title></head><body></body></html>"
# Figures that stand in kept answers for what differs from one request to the next.
REMAINING, USED, RESET = 1999999991, 1999999992, "9999-12-31T23:59:59Z"
CHANGING = re.compile(rb'1999999991|1999999992|9999-12-31T23:59:59Z')


def find_schema(given):
    """The published schema where it is, else the trimmed one beside this file."""
    here = Path(__file__).resolve().parent
    if given == "trimmed":
        given = here / "github.trimmed.graphql"
    shared = os.environ.get("CAIRN_SHARED") or here.parent.parent.parent / "shared"
    for path, kind in (
        (Path(given) if given else None, "trimmed" if given == here / "github.trimmed.graphql" else "published"),
        (Path(shared) / "apis/github.schema.graphql", "published"),
        (here / "github.trimmed.graphql", "trimmed"),
    ):
        if path is not None and path.is_file():
            return path, kind
        if given:
            raise SystemExit(f"{given}: no such file; --schema names GitHub's published schema")
    raise SystemExit("no schema: neither the published one nor github.trimmed.graphql")


class Context:
    """What one execution tells: the pages it opened, the rate limit it shows."""

    def __init__(self, rate_limit):
        self.rate_limit = rate_limit
        self.pages = []

    def page(self, info, label, after):
        path = info.path.as_list()
        nested = any(isinstance(key, int) for key in (path[2:] if path[0] == "nodes" else path))
        if after is not None or not nested:
            self.pages.append(f"{label()} after={after or ''}")


class Kept:
    """An answer kept in memory: its bytes, cut where the rate limit stands."""

    def __init__(self, body, entry, good):
        self.good = good
        self.facts = {name: entry.get(name) for name in ("partition", "page", "further", "cost", "nodes")}
        self.parts = CHANGING.split(body)
        self.marks = CHANGING.findall(body)
        self.saml = b'"saml_failure":true' in body

    def body(self, window):
        if not self.marks:
            return self.parts[0]
        values = {
            b"1999999991": b"%d" % window.remaining,
            b"1999999992": b"%d" % (window.limit - window.remaining),
            RESET.encode(): stamp(window.reset_seconds).encode(),
        }
        pieces = [self.parts[0]]
        for mark, part in zip(self.marks, self.parts[1:], strict=True):
            pieces += (values[mark], part)
        return b"".join(pieces)


class GitHub(Standin):
    settings_of_kind = {
        "heavy": None, "secondary": None, "concurrent": None, "page_limit": 100,
        "node_limit": 500_000, "token_lifetime": 3600, "tokens": ["test-token"],
    }  # fmt: skip

    def __init__(self, world, schema_text=None, settings=None, cache=False, kept=None, fast=False):
        self.fast = fast
        self.app = App()
        self.documents = {}
        self.cache = {} if cache else None
        self.replay = kept
        self.keys = {}
        self.under_way = 0
        if schema_text is not None:
            # GitHub deprecates fields that an interface keeps; graphql-core would refuse that.
            self.schema = build_schema(schema_text, assume_valid=True, assume_valid_sdl=True)
            Resolvers(self.schema, world)
        super().__init__(world, settings)

    def settings_changed(self, given):
        # What queries ask for, by their key; bounds may just have changed.
        self.demands = {}
        if "secondary" in given or not hasattr(self, "secondary_left"):
            secondary = self.settings["secondary"]
            self.secondary_left = secondary.get("times", 1) if secondary else 0

    # MARK: Control

    def control_of_kind(self, name, request):
        if name == "app" and request.method == "GET":
            return Response.of(
                {
                    "app_id": self.app.app_id, "installation_id": self.app.installation_id,
                    "private_key": self.app.private_key,
                }
            )  # fmt: skip
        return None

    def actions(self):
        world = self.world

        def row(repository, number):
            home = world.named(repository)
            if number is not None:
                return world.numbered_in(home, number)
            found = world.any_pull_request(world.random, home)
            if found is None:
                raise LookupError(f"{repository} has no pull request")
            return found

        def told(one):
            return {
                "id": one["id"], "number": one.get("number"), "repository": one.get("repository"),
                "updatedAt": one["updatedAt"],
            }  # fmt: skip

        def touch(repository, number=None):
            found = row(repository, number)
            world.touch(found)
            return told(found)

        def grow(repository, what, number=None, count=1):
            found = row(repository, number)
            world.grow(found, what, count)
            return told(found)

        def edit(repository, number=None):
            found = row(repository, number)
            world.edit(found, world.random)
            return told(found)

        def create(what="pull_requests", repository=None, count=1):
            home = world.named(repository) if repository else None
            return [told(one) for one in world.create(what, home, count)]

        def delete(repository, number=None):
            found = row(repository, number)
            world.delete(found)
            return told(found)

        def force_push(repository, number=None):
            found = row(repository, number)
            world.force_push(found)
            return told(found)

        def unlink(repository, number):
            found = row(repository, number)
            found["_linked"].clear()
            found["updatedAt"] = stamp(world.now())
            return told(found)

        def update(count=1, kinds=("touch", "grow", "create", "delete")):
            chosen = [world.random_update(world.random, world.random.choice(kinds)) for _ in range(count)]
            return [told(one) for one in chosen]

        def revoke(token):
            self.settings["tokens"] = [one for one in self.settings["tokens"] if one != token]
            self.app.tokens.pop(token, None)
            return {}

        return {
            "touch": touch, "grow": grow, "edit": edit, "create": create, "delete": delete,
            "force_push": force_push, "unlink": unlink, "update": update, "revoke": revoke,
            "rename": lambda repository, to: world.rename(world.named(repository), to),
            "vanish": lambda repository: world.vanish(world.named(repository)),
            "restore": lambda repository: world.restore(repository),
            "forbid": lambda repository, mode="saml": world.forbid(world.named(repository), mode),
            "ghost": lambda login: world.ghost(login),
        }  # fmt: skip

    # MARK: Requests

    async def perform(self, request):
        path = request.path.removeprefix("/api/v3")
        if not request.headers.get("user-agent"):
            entry = self.entry(self.digest(request.method, request.target, "no user agent"))
            text = (
                b"Request forbidden by administrative rules. Please make sure your request has a "
                b"User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api"
                b"#user-agent-required). Check https://developer.github.com for other possible causes.\r\n"
            )
            return self.finish(entry, Response(403, text, "text/html"), False)
        if path in ("/graphql", "/api/graphql") and request.method == "POST":
            return self.graphql(request)
        match = re.fullmatch(r"/app/installations/(\d+)/access_tokens", path)
        if match and request.method == "POST":
            return self.installation_token(request, int(match[1]))
        entry = self.entry(self.digest(request.method, request.target))
        return self.finish(entry, self.plain({"message": "Not Found"}, 404), False)

    def plain(self, value, status=200, headers=None):
        if status >= 400 and "message" in value:
            value = value | {"documentation_url": DOCS, "status": str(status)}
        return Response.of(value, status, self.identify(headers or {}))

    def identify(self, headers):
        number = self.requests
        return {
            "Server": "github.com", "X-GitHub-Media-Type": "github.v4; format=json",
            "X-GitHub-Request-Id": f"{number:04X}:{number * 7919 % 65536:04X}:57A2D1:68E1F:67242405",
        } | headers  # fmt: skip

    @staticmethod
    def token(request):
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in ("bearer", "token") else None

    def installation_token(self, request, installation):
        entry = self.entry(self.digest(request.method, request.target))
        self.change_world()
        entry["partition"], entry["page"] = "app", "access_tokens"
        token = self.token(request)
        fault = self.faults.next("app")
        if fault:
            return self.fault(entry, fault, lambda: self.plain({}, 201))
        try:
            if not token:
                raise Refusal("A JSON web token could not be decoded")
            self.app.check(token)
        except Refusal as error:
            return self.finish(entry, self.plain({"message": str(error)}, 401), False)
        if installation != self.app.installation_id:
            return self.finish(entry, self.plain({"message": "Not Found"}, 404), False)
        given = self.app.give(self.settings["token_lifetime"])
        self.tokens_given.append(given["token"])
        return self.finish(entry, self.plain(given, 201), False)

    def owner_of(self, token):
        """Whose rate limit a token uses; None for one that is not valid."""
        if token in self.settings["tokens"]:
            return token
        if self.app.valid(token):
            return f"installation {self.app.installation_id}"
        return None

    def graphql(self, request):
        key = self.keys.get(request.body)
        if key is None:
            try:
                asked = request.json()
                query, variables = asked["query"], asked.get("variables") or {}
                if not isinstance(query, str) or not isinstance(variables, dict):
                    raise TypeError
            except (ValueError, KeyError, TypeError):
                entry = self.entry(self.digest("unreadable", request.body.decode("latin-1")))
                answer = self.plain({"message": "Problems parsing JSON"}, 400)
                return self.finish(entry, answer, False)
            name = asked.get("operationName")
            key = (self.digest(query, json.dumps(variables, sort_keys=True), name or ""), query, variables, name)
            if self.cache is not None or self.replay is not None:
                self.keys[request.body] = key
        key, query, variables, name = key
        entry = self.entry(key)
        self.change_world()
        owner = self.owner_of(self.token(request))
        if owner is None:
            return self.finish(entry, self.plain({"message": "Bad credentials"}, 401), False)
        window = self.window(owner)
        if self.replay is not None:
            return self.from_memory(entry, window, self.replay.get(key))
        document, operation, problems = self.prepare(query, name)
        if problems:
            answer = {"errors": [self.shown(error) for error in problems]}
            return self.finish(entry, self.limited(window, answer), False)
        variables = github_cost.with_defaults(operation, variables)
        entry["partition"] = github_cost.partition(self.world, operation, variables)
        fault = self.faults.next(entry["partition"])
        if fault and fault["kind"] not in ("cut_headers", "cut_body", "garbage", "truncated_json"):
            return self.fault(entry, fault, None, window)
        self.under_way += 1
        most = self.settings["concurrent"]
        if self.secondary_left or (most and self.under_way > most):
            self.secondary_left = max(0, self.secondary_left - 1)
            return self.leaving(self.secondary(entry, window, self.settings["secondary"] or {}))
        try:
            demand = self.demands.get(key)
            if demand is None:
                demand = self.demands[key] = github_cost.demand(
                    self.schema, document, operation, variables,
                    self.settings["page_limit"], self.settings["node_limit"],
                )  # fmt: skip
        except GraphQLError as error:
            answer = self.limited(window, {"errors": [self.shown(error)]})
            return self.leaving(self.finish(entry, answer, False))
        entry["cost"], entry["nodes"] = demand.cost, demand.nodes
        if not window.take(demand.cost):
            return self.leaving(self.exhausted(entry, window))
        self.points += demand.cost
        heavy = self.settings["heavy"]
        if heavy and demand.nodes > heavy.get("nodes", 5000):
            return self.leaving(self.fault(entry, {"kind": heavy.get("kind", "502")}, None, window))
        kept = self.cache.get(key) if self.cache is not None else None
        if kept and kept[0] == self.world.version:
            kept = kept[1]
            entry.update(kept.facts)
        else:
            kept = self.execute(entry, document, operation, variables, demand, window)
            if self.cache is not None:
                self.cache[key] = (self.world.version, kept)
        headers = self.limit_headers(window)
        if kept.saml:
            headers["X-GitHub-SSO"] = (
                f"required; url=https://github.com/orgs/{self.world.login}/sso?authorization_request=A"
            )
        response = Response(200, kept.body(window), headers=self.identify(headers))
        if fault:
            entry["fault"] = fault["kind"]
            self.break_answer(response, fault["kind"])
        return self.leaving(self.finish(entry, response, kept.good))

    def leaving(self, response):
        def end():
            self.under_way -= 1

        response.on_end = end
        return response

    def from_memory(self, entry, window, kept):
        if kept is None:
            answer = {"errors": [{"message": "not among the answers of --replay"}]}
            return self.finish(entry, self.limited(window, answer), False)
        entry.update(kept.facts)
        window.take(entry["cost"])
        self.points += entry["cost"]
        # What rateLimit tells changes: each would have to be compressed anew.
        headers = self.identify(self.limit_headers(window))
        response = Response(200, kept.body(window), headers=headers, compresses=False)
        return self.finish(entry, response, kept.good)

    def prepare(self, query, name):
        """The query parsed and validated, once for each text."""
        known = self.documents.get((query, name))
        if known is None:
            try:
                document = parse(query)
                problems = validate(self.schema, document)
                operations = [
                    one
                    for one in document.definitions
                    if isinstance(one, ast.OperationDefinitionNode)
                    and (name is None or (one.name and one.name.value == name))
                ]
                if not problems and len(operations) != 1:
                    problems = [GraphQLError("An operation name is required")]
                known = (document, operations[0] if operations else None, problems)
            except GraphQLError as error:
                known = (None, None, [error])
            self.documents[(query, name)] = known
        return known

    def execute(self, entry, document, operation, variables, demand, window):
        keeping = self.cache is not None

        def rate_limit():
            return {
                "limit": window.limit, "cost": demand.cost, "nodeCount": demand.nodes,
                "remaining": REMAINING if keeping else window.remaining,
                "used": USED if keeping else window.limit - window.remaining,
                "resetAt": RESET if keeping else stamp(window.reset_seconds),
            }  # fmt: skip

        context = Context(rate_limit)
        if self.fast:
            execution = FastExecution(
                self.schema, document, operation, variables, context, Resolvers.default
            )
            data, errors = execution.run()
        else:
            result = execute(
                self.schema, document, root_value={}, context_value=context,
                variable_values=variables, field_resolver=Resolvers.default,
                operation_name=operation.name.value if operation.name else None,
                is_awaitable=lambda value: False,
            )  # fmt: skip
            data, errors = result.data, result.errors
        answer = {"data": data}
        if errors:
            answer["errors"] = [self.shown(error) for error in errors]
        if context.pages:
            entry["page"], entry["further"] = context.pages[0], context.pages[1:]
        useful = {k: v for k, v in (data or {}).items() if k != "rateLimit"}
        good = any(value is not None for value in useful.values())
        body = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
        return Kept(body, entry, good)

    @staticmethod
    def shown(error):
        """An error as GitHub shows it: its type stands beside the message."""
        extensions = dict(error.extensions or {})
        shown = {}
        kind = extensions.pop("type", None)
        if kind:
            shown["type"] = kind
        if error.path:
            shown["path"] = list(error.path)
        if extensions:
            shown["extensions"] = extensions
        if error.locations:
            shown["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
        shown["message"] = error.message
        return shown

    # MARK: Limits and faults

    def limit_headers(self, window):
        window.refresh()
        return {
            "X-RateLimit-Limit": window.limit, "X-RateLimit-Remaining": window.remaining,
            "X-RateLimit-Used": window.limit - window.remaining,
            "X-RateLimit-Reset": window.reset_seconds, "X-RateLimit-Resource": "graphql",
        }  # fmt: skip

    def limited(self, window, value, status=200, headers=None):
        return self.plain(value, status, self.limit_headers(window) | (headers or {}))

    def exhausted(self, entry, window):
        message = "API rate limit exceeded for user ID 1017."
        if window.form in ("403", "429"):
            response = self.limited(window, {"message": message}, int(window.form))
        elif window.form == "RATE_LIMIT":
            message = "API rate limit already exceeded for user ID 1017."
            error = {"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": message}
            response = self.limited(window, {"errors": [error]})
        else:
            error = {"type": "RATE_LIMITED", "message": message}
            response = self.limited(window, {"errors": [error]})
        entry["fault"] = "rate_limited"
        return self.finish(entry, response, False)

    def secondary(self, entry, window, form):
        entry["fault"] = "secondary"
        value = {
            "documentation_url": f"{LIMIT_DOCS}#secondary-rate-limits",
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before "
            "you try again. If you reach out to GitHub Support for help, please include the "
            "request ID and the timestamp.",
        }
        headers = self.limit_headers(window)
        if form.get("retry_after") is not None:
            headers["Retry-After"] = form["retry_after"]
        response = Response.of(value, form.get("status", 403), self.identify(headers))
        return self.finish(entry, response, False)

    def fault(self, entry, fault, whole, window=None):
        kind = fault["kind"]
        entry["fault"] = kind
        headers = self.limit_headers(window) if window else {}
        sorry = {
            "data": None,
            "errors": [
                {
                    "message": "Something went wrong while executing your query. This may be the "
                    "result of a timeout, or it could be a GitHub bug. Please include "
                    f"`{self.identify({})['X-GitHub-Request-Id']}` when reporting this issue."
                }
            ],
        }
        if kind == "secondary" or (kind == "429" and window):
            form = {"retry_after": fault.get("retry_after"), "status": int(fault.get("status", 403))}
            if kind == "429":
                form["status"] = 429
            return self.secondary(entry, window or self.window("app"), form)
        if kind == "timeout":
            if window:
                window.take(1)
            response = Response(504, broken="refuse", delay=self.settings["timeout"])
        elif kind == "refuse":
            response = Response(502, broken="refuse")
        elif kind in ("502", "504"):
            # A query that ran out of time costs nevertheless.
            if window:
                window.take(1)
            response = Response.of(sorry, int(kind), self.identify(headers))
        elif kind == "html502":
            response = Response(502, UNICORN.encode(), "text/html; charset=utf-8", self.identify(headers))
        elif kind == "resource_limits":
            error = {
                "type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded.",
            }  # fmt: skip
            response = Response.of({"data": None, "errors": [error]}, 200, self.identify(headers))
        elif kind.isdigit():
            messages = {"401": "Bad credentials", "403": "Resource not accessible by integration"}
            response = self.plain({"message": messages.get(kind, "Server Error")}, int(kind), headers)
        elif whole:
            response = self.break_answer(whole(), kind)
        else:
            raise Refused(f"no fault of the kind {kind!r}")
        return self.finish(entry, response, False)


def main():
    options = standin.parser(__doc__.split("\n")[0])
    options.add_argument("--organization", default="octo")
    options.add_argument("--repositories", type=int, default=5)
    options.add_argument("--pull-requests", type=int, default=40, help="up to, in each repository")
    options.add_argument("--issues", type=int, default=20, help="up to, in each repository")
    options.add_argument("--commits", type=int, default=4, help="up to, of most pull requests")
    options.add_argument("--reviews", type=int, default=3, help="up to, of most pull requests")
    options.add_argument("--comments", type=int, default=4, help="up to, of most pull requests")
    options.add_argument("--token", action="append", help="a valid token; default test-token")
    options.add_argument("--schema", help="GitHub's published schema, a file of GraphQL")
    options.add_argument("--fast", action="store_true", help="without graphql-core's executor")
    options.add_argument("--cache", action="store_true", help="keep answers while nothing changes")
    options.add_argument("--save", help="write the kept answers to this file at the end")
    options.add_argument("--replay", help="serve the answers of this file, execute nothing")
    given = options.parse_args()
    settings = given.settings
    if given.token:
        settings = {"tokens": given.token} | settings
    if given.replay:
        with open(given.replay, "rb") as file:
            kept = pickle.load(file)
        world, text, kind = World(repositories=0), None, "replay"
    else:
        path, kind = find_schema(given.schema)
        text, kept = path.read_text(), None
        world = World(
            given.seed, given.organization, given.repositories, given.pull_requests, given.issues,
            given.commits, given.reviews, given.comments,
        )  # fmt: skip
    keeping = given.cache or bool(given.save)
    github = GitHub(world, text, settings, keeping, kept, given.fast)
    standin.serve(github, standin.announce(schema=kind), given.port)
    if given.save:
        with open(given.save, "wb") as file:
            pickle.dump({key: kept for key, (_, kept) in github.cache.items()}, file)
            # What was asked, each once: for clients that ask the same.
            pickle.dump(list({key[0]: body for body, key in github.keys.items()}.values()), file)


if __name__ == "__main__":
    sys.exit(main())
