"""Loads the sample into PostgreSQL with Cairn and with what people use instead."""

import measure
import table
from postgres import tools
from postgres.cairn import Cairn
from postgres.cluster import Cluster
from postgres.sides import Side, in_turn
from postgres.work import Work

# The slow ones are far from any target: twice is enough.
SLOW_ROUNDS = 2
# Tool, target (its time over Cairn's), what to know of it.
OTHERS = [
    (
        "pandas",
        12,
        "python engine, Parquet chunks of 10,000 rows, execute_values of 1,000; without the start "
        "of Python and its imports",
    ),
    (
        "dlt",
        1,
        "merge, upsert, by ADBC; it gets ready typed Arrow tables without duplicates; without the "
        "start of Python and its imports",
    ),
    ("sling", 1, "incremental by key; it gets a ready CSV file without duplicates"),
    ("pgloader", 1, "COPY alone; it gets a ready COPY file without duplicates"),
]


def measure_postgres(bench) -> list:
    with Cluster() as cluster:
        work = Work(bench.samples, bench.cairn)
        work.prepare(cluster)
        bench.warm(work.extract)
        bench.warm(work.binary)
        sides = make_sides(bench, cluster, work)
        # Untimed: the server's files and caches are there for all that follow.
        sides["psql"].run()
        print(f"  PostgreSQL {cluster.version}", flush=True)
        in_turn(list(sides.values()))
        return rows_of(sides, cluster.version)


def make_sides(bench, cluster: Cluster, work: Work) -> dict:
    def check():
        work.check(cluster)

    cairn = Cairn(bench, cluster, work)

    def other(name, rounds):
        def run():
            folder = bench.fresh(name)
            folder.mkdir()
            command = getattr(tools, name)(cluster, work, folder)
            work.empty_target(cluster)
            return tools.measured(command)

        return Side(name, run, rounds, check)

    few = min(bench.rounds, SLOW_ROUNDS)
    sides = [
        other("psql", bench.rounds),
        Side("cairn", cairn.first, bench.rounds, check),
        Side("without checkpoints", cairn.without_checkpoints, bench.rounds, check),
        Side("again", cairn.again, bench.rounds, check),
        *(other(name, few) for name, _, _ in OTHERS),
    ]
    return {side.name: side for side in sides}


def rows_of(sides: dict, version: str) -> list:
    cairn = sides["cairn"]

    def beside(what, ours, theirs, target, at_least, note=""):
        if ours.ran and theirs.ran:
            return table.compared(what, ours.series, theirs.series, target, at_least, note)
        return unmeasured(what, ours, theirs, f"{'≥' if at_least else '≤'} {target:g}", note)

    rows = [
        beside(
            "load into PostgreSQL, beside psql", cairn, sides["psql"], 0.7, False,
            f"PostgreSQL {version}, shared_buffers 512MB, max_wal_size 4GB. psql: \\copy of ready "
            "binary rows into an unlogged table and one merge. cairn: the whole process from the "
            "extract, checkpoints on",
        )
    ]  # fmt: skip
    for name, target, note in OTHERS:
        rows.append(
            beside(f"load into PostgreSQL, beside {name}", cairn, sides[name], target, True, note)
        )
    rows.append(
        beside(
            "load the same rows by another job, beside the first load", sides["again"], cairn, 1,
            False, "all rows are there already; vacuumed in between",
        )
    )  # fmt: skip
    rows.append(
        beside(
            "load into PostgreSQL with checkpoints, beside one without", cairn,
            sides["without checkpoints"], 1.03, False,
        )
    )  # fmt: skip
    rows.append(memory_row(cairn, sides["again"]))
    return rows


def memory_row(first: Side, again: Side) -> table.Row:
    what = "peak memory, first and second load into PostgreSQL"
    target = f"≤ {table.megabytes(measure.MEMORY_LIMIT)}"
    if not first.ran or not again.ran:
        return unmeasured(what, first, again, target)
    peak = max(first.series.peak, again.series.peak)
    return table.Row(
        what, figure=table.megabytes(peak), target=target,
        verdict=table.verdict(peak <= measure.MEMORY_LIMIT), memory=table.megabytes(peak),
    )  # fmt: skip


def unmeasured(what: str, ours: Side, theirs: Side, target: str, note: str = "") -> table.Row:
    """The side that did run, and why the other did not."""

    def figures(side):
        if not side.ran:
            return "not measured"
        return f"{table.seconds(side.series.minimum)} / {table.seconds(side.series.median)}"

    def memory(side):
        return table.megabytes(side.series.peak) if side.ran else "?"

    errors = {side.name: side.error.replace("|", "/") for side in (ours, theirs) if side.error}
    said = "; ".join(f"{name}: {error}" for name, error in errors.items())
    there = any(side.error and side.installed for side in (ours, theirs))
    return table.Row(
        what, figures(ours), figures(theirs), target=target,
        verdict="**failed**" if there else "not measured",
        memory=f"{memory(ours)} / {memory(theirs)}",
        note=". ".join(part for part in (note, said) if part),
    )  # fmt: skip
