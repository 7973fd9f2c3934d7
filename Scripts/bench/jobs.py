"""What a job that extracts from GitHub costs, beside a bare client that sends the same requests."""

import json
import os
import pickle
import queue
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPConnection
from pathlib import Path

import measure
import table

STANDINS = Path(__file__).resolve().parents[2] / "Tests" / "Standins"
REPOSITORIES = int(os.environ.get("CAIRN_BENCH_REPOSITORIES", "200"))
PULL_REQUESTS = 300
AT_ONCE = 4
MEMORY = 96 << 20
RATE = 0.9
# GitHub takes longer for a page; without any, the stand-in's own speed decides.
LATENCIES = [0.0, 0.05]


class Standin:
    """The stand-in for GitHub, ended with its standard input."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, STANDINS / "github_standin.py", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.started = json.loads(self.process.stdout.readline())
        self.url = self.started["url"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def tell(self, path, value):
        request = urllib.request.Request(
            f"{self.started['control']}/{path}", json.dumps(value).encode(), method="POST"
        )
        urllib.request.urlopen(request).read()


def measure_jobs(bench) -> list:
    program = bench.cairn.parent / "connector-program"
    if not program.exists():
        raise measure.BenchError(
            f"no {program}; swift build -c release --product connector-program"
        )
    folder = bench.fresh("jobs")
    folder.mkdir()
    answers = folder / "answers"
    with Standin(
        "--repositories", REPOSITORIES, "--pull-requests", PULL_REQUESTS, "--fast",
        "--schema", "trimmed", "--save", answers,
    ) as recorded:  # fmt: skip
        recorded.tell("settings", plenty())
        extract(program, recorded, folder / "recorded.db")
    bodies = requests_of(answers)
    return [beside(bench, program, folder, answers, bodies, latency) for latency in LATENCIES]


def plenty() -> dict:
    return {"rate_limit": {"limit": 10**9, "remaining": 10**9, "reset_in": 86_400}}


def extract(program, standin, file) -> measure.Run:
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    return measure.run(
        [program, "type=github", f"url={standin.url}", f"into=sqlite:{file}", "records=50",
         f"at-once={AT_ONCE}"]
    )  # fmt: skip


def beside(bench, program, folder, answers, bodies, latency) -> table.Row:
    ours, theirs, peaks = [], [], []
    with Standin("--replay", answers) as standin:
        standin.tell("settings", {"latency": latency} | plenty())
        for _ in range(bench.rounds):
            run = extract(program, standin, folder / "target.db")
            report = run.figures()
            if report["requests"] != len(bodies):
                raise measure.BenchError(
                    f"{report['requests']} requests, and {len(bodies)} when they were recorded"
                )
            ours.append(report["requests"] / report["seconds"])
            peaks.append(run.peak_bytes)
            theirs.append(len(bodies) / bare(standin, bodies))
    rate = statistics.median(ours) / statistics.median(theirs)
    met = rate >= RATE and max(peaks) <= MEMORY
    name = f"GitHub into SQLite, {latency * 1000:.0f} ms latency" if latency else "GitHub into SQLite"
    return table.Row(
        f"{name}: {REPOSITORIES} repositories of up to {PULL_REQUESTS} pull requests",
        f"{max(ours):,.0f} / {statistics.median(ours):,.0f} requests/s",
        f"{max(theirs):,.0f} / {statistics.median(theirs):,.0f} requests/s",
        f"{max(ours) / max(theirs):.2f} / {rate:.2f}",
        "≥ 0.9, ≤ 96 MB",
        table.verdict(met),
        table.megabytes(max(peaks)),
        note=f"{len(bodies):,} answers from memory; beside it Python's http.client with as many "
        "connections sending the same requests and reading their answers; fastest and median",
    )


class Stub:
    """Stands for whatever was pickled beside the requests."""

    def __init__(self, *arguments, **named):
        pass

    def __setstate__(self, state):
        pass


class Requests(pickle.Unpickler):
    def find_class(self, module, name):
        return Stub


def requests_of(answers) -> list:
    """The bodies of the requests whose answers were kept."""
    with open(answers, "rb") as file:
        kept = Requests(file).load()
    return [
        json.dumps({"query": query, "variables": variables}).encode()
        for _, query, variables, _ in kept
    ]


def bare(standin, bodies) -> float:
    """Sends every request once over a few connections, reads the answers, and does nothing with them."""
    left = queue.SimpleQueue()
    for body in bodies:
        left.put(body)
    failures = []

    def send():
        connection = HTTPConnection("127.0.0.1", standin.started["port"])
        headers = {"Authorization": "bearer test-token", "Content-Type": "application/json"}
        while True:
            try:
                body = left.get_nowait()
            except queue.Empty:
                return
            connection.request("POST", "/graphql", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)

    start = time.perf_counter()
    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise measure.BenchError(f"the bare client got {failures[:3]}")
    return time.perf_counter() - start
