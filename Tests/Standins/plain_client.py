"""Starts stand-ins and asks them, in the plainest way: what their own tests are written with."""

import base64
import http.client
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Started:
    """A stand-in under way; `with` ends it by closing its standard input."""

    def __init__(self, script, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, HERE / script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=HERE,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{script} did not start: exit code {self.process.wait()}")
        self.facts = json.loads(line)
        self.port = self.facts["port"]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.authorization = "bearer test-token"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()

    def end(self):
        if self.process.stdin:
            self.connection.close()
            self.process.stdin.close()
            self.process.stdin = None
            code = self.process.wait(20)
            self.process.stdout.close()
            if code != 0:
                raise RuntimeError(f"the stand-in ended with {code}")

    def ask(self, method, path, value=None, headers=None):
        """Status, headers and body; a broken answer raises what http.client raises."""
        given = {"Authorization": self.authorization, "Content-Type": "application/json", "User-Agent": "plain"}
        given |= headers or {}
        body = None if value is None else json.dumps(value)
        try:
            self.connection.request(method, path, body, {k: v for k, v in given.items() if v is not None})
            response = self.connection.getresponse()
            data = response.read()
        except BaseException:
            self.connection.close()
            raise
        return response.status, {k.lower(): v for k, v in response.getheaders()}, data

    def control(self, path, value=None):
        method = "GET" if value is None else "POST"
        status, _, body = self.ask(method, f"/_control/{path}", value, {"Authorization": None})
        if status != 200:
            raise RuntimeError(body.decode())
        return json.loads(body)

    def truth(self, query=""):
        return self.control(f"truth{query}")["tables"]

    def advance(self, seconds):
        """Has the time pass for the stand-in."""
        self.control("clock", {"advance": seconds})

    # MARK: GitHub

    def graphql(self, query, /, **variables):
        status, headers, body = self.ask("POST", "/graphql", {"query": query, "variables": variables})
        return status, headers, json.loads(body)

    def data(self, query, /, **variables):
        status, _, answer = self.graphql(query, **variables)
        if status != 200 or "errors" in answer:
            raise RuntimeError(f"{status}: {json.dumps(answer)[:500]}")
        return answer["data"]

    # MARK: Jira

    def basic(self, email="bot@example.com", token="test-token"):
        self.authorization = "Basic " + base64.b64encode(f"{email}:{token}".encode()).decode()

    def get(self, path):
        status, _, body = self.ask("GET", path)
        if status != 200:
            raise RuntimeError(f"{status}: {body[:500]!r}")
        return json.loads(body)
