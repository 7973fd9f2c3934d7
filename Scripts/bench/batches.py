"""What the mark of an entity batch costs, beside a commit of the bare database."""

import statistics
import sys
from pathlib import Path

import measure
import table
from postgres.cluster import Cluster

MARKS = 1_000
TARGET = 0.001
COMMIT_COST = Path(__file__).resolve().parent / "peers" / "commit_cost.py"


def measure_batches(bench) -> list:
    program = bench.cairn.parent / "batch-program"
    if not program.exists():
        raise measure.BenchError(f"no {program}; swift build -c release --product batch-program")
    folder = bench.fresh("batches")
    folder.mkdir()
    rows = [beside(bench, program, folder, "SQLite", "sqlite", folder / "peer.db", lambda number: [
        f"into=sqlite:{folder / f'marks{number}.db'}"])]  # fmt: skip
    with Cluster() as cluster:
        cluster.reset()
        rows.append(
            beside(
                bench, program, folder, "PostgreSQL", "postgres", cluster.url_with_password,
                lambda number: [f"into={cluster.url_with_password}", f"schema=marks{number}"],
            )
        )  # fmt: skip
    return rows


def beside(bench, program, folder, name, kind, place, into) -> table.Row:
    """Marks without rows, and as many commits of one UPDATE, in turn."""
    ours, theirs = [], []
    for number in range(bench.rounds):
        run = measure.run(
            [program, "bare", f"entities={MARKS}", "size=1", f"folder={folder}", *into(number)]
        )
        ours.append(run.figures()["secondsPerMark"])
        commits = measure.run([sys.executable, COMMIT_COST, kind, place, MARKS])
        theirs.append(commits.figures()["median"])
    middle = statistics.median(ours)
    return table.Row(
        f"mark of an entity batch, {name}",
        f"{milliseconds(min(ours))} / {milliseconds(middle)}",
        f"{milliseconds(min(theirs))} / {milliseconds(statistics.median(theirs))}",
        f"{min(ours) / min(theirs):.2f} / {middle / statistics.median(theirs):.2f}",
        "≤ 1 ms",
        table.verdict(middle <= TARGET),
        note=f"{MARKS:,} marks, each durable and one round trip, from one batch to the next; beside it "
        "Python committing one UPDATE; the medians of each round",
    )


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3f} ms"
