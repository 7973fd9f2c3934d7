"""What a job that extracts from GitHub costs, beside a bare client that sends the same requests."""

import json
import os
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path

import measure
import table

STANDINS = Path(__file__).resolve().parents[2] / "Tests" / "Standins"
BARE_CLIENT = Path(__file__).resolve().parent / "bare_client.py"
REPOSITORIES = int(os.environ.get("CAIRN_BENCH_REPOSITORIES", "200"))
PULL_REQUESTS = 300
AT_ONCE = 4
MEMORY = 96 << 20
RATE = 0.9
# GitHub takes longer for a page; without any, the stand-in's own speed decides.
LATENCIES = [0.0, 0.05, 0.2]


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
    return [beside(bench, program, folder, answers, latency) for latency in LATENCIES]


def plenty() -> dict:
    return {"rate_limit": {"limit": 10**9, "remaining": 10**9, "reset_in": 86_400}}


def extract(program, standin, file) -> measure.Run:
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    return measure.run(
        [program, "type=github", f"url={standin.url}", f"into=sqlite:{file}", "records=50",
         f"at-once={AT_ONCE}"]
    )  # fmt: skip


def beside(bench, program, folder, answers, latency) -> table.Row:
    ours, theirs, peaks, requests = [], [], [], set()
    with Standin("--replay", answers) as standin:
        standin.tell("settings", {"latency": latency} | plenty())
        for _ in range(bench.rounds):
            run = extract(program, standin, folder / "target.db")
            report = run.figures()
            bare = measure.run(
                [sys.executable, BARE_CLIENT, answers, standin.started["port"], AT_ONCE]
            ).figures()
            ours.append(report["requests"] / report["seconds"])
            theirs.append(bare["requests"] / bare["seconds"])
            peaks.append(run.peak_bytes)
            requests |= {report["requests"], bare["requests"]}
    if len(requests) > 1:
        raise measure.BenchError(f"not always the same requests: {sorted(requests)}")
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
        note=f"{requests.pop():,} answers from memory; beside it Python's http.client with as many "
        "connections sending the same requests and reading their answers; fastest and median",
    )
