"""Measures Cairn beside other tools: speed as whole processes, peak memory, size on disk.

Run by `make bench`, which builds the command and the Python environment first. Prints a Markdown
table and writes it to bench-data/results.md. Targets that are missed are said so; only a command
that fails makes the bench fail.
"""

import argparse
import os
import platform
import shutil
import signal
import statistics
import sys
from pathlib import Path

import measure
import table
from batches import measure_batches
from jobs import measure_jobs
from parquet.section import measure_parquet
from postgres.section import measure_postgres
from samples import KEY, Samples
from stages.section import measure_stages

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).resolve().parent / "peers"
SECTIONS = {}


def section(name):
    """Registers a part of the bench under a name for --only."""

    def register(function):
        SECTIONS[name] = function
        return function

    return register


class Bench:
    def __init__(self, cairn: Path, data: Path, shared: Path, rounds: int):
        self.cairn = cairn
        # What measures inside a process, built beside the command.
        self.inside = cairn.with_name("CairnBench")
        self.rounds = rounds
        self.samples = Samples(cairn, data, shared)
        self.work = data / "work"

    def fresh(self, name: str) -> Path:
        """An empty place below the work folder, whatever was there before."""
        path = self.work / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        self.work.mkdir(parents=True, exist_ok=True)
        return path

    def warm(self, path: Path) -> Path:
        """Reads a file once, so that no side pays for the disk."""
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass
        return path

    # The command

    def convert(self, source: Path, *options) -> measure.Run:
        out = self.fresh("chunks")
        return measure.run([self.cairn, "convert", source, "--out", out, "--quiet", *options])

    def snappy(self, source: Path) -> measure.Run:
        return self.convert(source, "--compression", "snappy", "--chunk-rows", 10_000)

    def load_command(self, source: Path, folder: Path, *options):
        return [
            self.cairn, "load", source, "--into", f"sqlite:{folder / 'target.db'}", "--table", "t",
            "--checkpoints", folder / "checkpoints", "--json", *options,
        ]  # fmt: skip

    def load(self, source: Path, *options, environment=None) -> measure.Run:
        folder = self.fresh("load")
        folder.mkdir()
        return measure.run(
            self.load_command(source, folder, *options), environment, directory=folder
        )

    # The others

    def python(self, script: str, *arguments) -> measure.Run:
        return measure.run([sys.executable, PEERS / script, *arguments])


def timed(run: measure.Run):
    return run.seconds, run.peak_bytes


def against_duckdb(bench: Bench, what: str, source: Path, delimiter: str, target: float):
    bench.warm(source)
    queries = []

    def duckdb():
        out = bench.fresh("duckdb.parquet")
        run = bench.python("duckdb_convert.py", source, out, delimiter)
        queries.append(run.figures()["seconds"])
        return timed(run)

    series = measure.side_by_side(
        {"cairn": lambda: timed(bench.snappy(source)), "duckdb": duckdb}, bench.rounds
    )
    note = f"DuckDB's query alone: {table.seconds(min(queries))}, ratio " + (
        f"{min(queries) / series['cairn'].minimum:.1f}"
    )
    return [table.compared(what, series["cairn"], series["duckdb"], target, True, note)]


@section("convert")
def convert(bench: Bench):
    """The extract to Parquet, snappy, beside DuckDB."""
    return against_duckdb(
        bench, "convert `.dat`, beside DuckDB", bench.samples.extract(), "~^", 3
    )


@section("gzip")
def convert_gzip(bench: Bench):
    """The same from a compressed extract."""
    return against_duckdb(
        bench, "convert `.dat.gz`, beside DuckDB", bench.samples.extract_gz(), "~^", 3
    )


@section("flights")
def convert_flights(bench: Bench):
    """A CSV file of flights, beside DuckDB."""
    source = bench.samples.flights()
    if source is None:
        return [
            table.Row("convert `flights.csv`", note="skipped: no data/flights.csv.gz under CAIRN_SHARED")
        ]
    return against_duckdb(bench, "convert `flights.csv`, beside DuckDB", source, ",", 2)


@section("verify")
def verify(bench: Bench):
    """Reading all chunks back, beside parsing the extract again with pandas."""
    source = bench.warm(bench.samples.extract())
    chunks = bench.fresh("verified")
    measure.run([bench.cairn, "convert", source, "--out", chunks, "--quiet"])

    def pandas():
        run = bench.python("pandas_read.py", source)
        return run.figures()["seconds"], run.peak_bytes

    # pandas takes long; two rounds of it tell enough.
    series = measure.side_by_side(
        {
            "cairn": lambda: timed(measure.run([bench.cairn, "verify", chunks, "--quiet"])),
            "pandas": pandas,
        },
        min(bench.rounds, 2),
    )
    return [
        table.compared(
            "verify all chunks, beside pandas on the extract", series["cairn"], series["pandas"],
            60, True, "pandas without the start of Python and its import",
        )
    ]  # fmt: skip


@section("load")
def load(bench: Bench):
    """A full load into SQLite, beside sqlite3's executemany."""
    source = bench.warm(bench.samples.extract())

    def sqlite():
        bench.fresh("peer.db-wal")
        bench.fresh("peer.db-shm")
        run = bench.python("sqlite_upsert.py", source, bench.fresh("peer.db"), KEY)
        return run.figures()["seconds"], run.peak_bytes

    series = measure.side_by_side(
        {"cairn": lambda: timed(bench.load(source, "--key", KEY)), "sqlite3": sqlite}, bench.rounds
    )
    return [
        table.compared(
            "load into SQLite, beside Python's sqlite3", series["cairn"], series["sqlite3"], 1.2,
            False,
            "sqlite3: only executemany and commit, rows in memory, one transaction, all columns "
            "text; ON CONFLICT DO UPDATE SET all, no check for unchanged rows; both WAL, "
            "synchronous=FULL. cairn: the whole process, types inferred, checkpoints on",
        )
    ]  # fmt: skip


@section("checkpoints")
def checkpoints(bench: Bench):
    """What checkpoints cost a fresh load."""
    source = bench.warm(bench.samples.extract())
    # Both without a log: with checkpoints off there would be none.
    on = {"CAIRN_LOG_TO_FILE": "false"}
    off = {**on, "ENABLE_CHECKPOINTING": "false"}
    series = measure.side_by_side(
        {
            "on": lambda: timed(bench.load(source, "--key", KEY, environment=on)),
            "off": lambda: timed(bench.load(source, "--key", KEY, environment=off)),
        },
        bench.rounds,
    )
    return [
        table.compared(
            "load with checkpoints, beside one without", series["on"], series["off"], 1.03, False
        )
    ]


@section("size")
def size(bench: Bench):
    """The size of chunks as they are by default."""
    source = bench.samples.extract()
    bench.convert(source)
    chunks = bench.work / "chunks"
    ours = sum(file.stat().st_size for file in chunks.rglob("*.parquet"))
    theirs = bench.python("pyarrow_size.py", source, bench.fresh("pyarrow.parquet")).figures()
    whole = source.stat().st_size
    beside = ", ".join(
        f"{bytes_ / whole:.1%} at {int(rows):,} rows" for rows, bytes_ in theirs.items()
    )
    return [
        table.Row(
            "size of default chunks / source", f"{ours / whole:.1%}", f"pyarrow, zstd: {beside}",
            target="≤ 20 %", verdict=table.verdict(0 < ours <= 0.20 * whole),
        )
    ]  # fmt: skip


@section("memory")
def memory(bench: Bench):
    """Peak memory of convert and load."""
    rows = []
    files = [
        ("140 MB extract", bench.samples.extract(), ("--key", KEY)),
        ("2 GB extract", bench.samples.extract_2gb(), ("--key", KEY)),
        ("fields of 1 MB", bench.samples.long_fields(), ("--key", "id")),
        ("all values distinct", bench.samples.distinct(), ()),
    ]
    for what, source, key in files:
        for verb, run in (
            ("convert", lambda: bench.convert(source)),
            ("load", lambda: bench.load(source, *key)),
        ):
            try:
                done = run()
            except measure.BenchError as error:
                rows.append(table.failed(f"peak memory, {verb}, {what}", error))
                continue
            rate = source.stat().st_size / done.seconds
            rows.append(
                table.Row(
                    f"peak memory, {verb}, {what}", table.seconds(done.seconds),
                    figure=table.megabytes(done.peak_bytes),
                    target=f"≤ {table.megabytes(measure.MEMORY_LIMIT)}",
                    verdict=table.verdict(done.peak_bytes <= measure.MEMORY_LIMIT),
                    memory=table.megabytes(done.peak_bytes), note=f"{rate / 1e6:.0f} MB/s",
                )
            )  # fmt: skip
            bench.fresh("chunks")
            bench.fresh("load")
    return rows


@section("postgres")
def postgres(bench: Bench):
    """The extract with typed columns into PostgreSQL, beside other tools."""
    try:
        return measure_postgres(bench)
    except ImportError as error:
        raise measure.BenchError(
            f"{error}; pip install -r Scripts/bench/requirements.txt"
        ) from error


@section("parquet")
def parquet(bench: Bench):
    """The Parquet library beside pyarrow, two threads each."""
    return measure_parquet(bench)


@section("batches")
def batches(bench: Bench):
    """The mark of an entity batch, on both sinks."""
    return measure_batches(bench)


@section("jobs")
def jobs(bench: Bench):
    """A job that extracts from GitHub, beside a bare client."""
    return measure_jobs(bench)


@section("stages")
def stages(bench: Bench):
    """Saving and loading stages, beside the design in pandas that they replace."""
    return measure_stages(bench)


@section("resume")
def resume(bench: Bench):
    """How soon a resumed run of 10,000 chunks processes its first new row."""
    source = bench.samples.extract_small()
    crashed = bench.fresh("crashed")
    crashed.mkdir()
    folder = bench.work / "load"
    options = ("--key", KEY, "--chunk-rows", 10)
    # Begun where it will be resumed, so that its paths hold; kept aside, so that it can be
    # resumed several times.
    bench.fresh("load").mkdir()
    measure.run(
        bench.load_command(source, folder, *options),
        {"CAIRN_CRASH_AT": "commit-after:10000"}, directory=folder, accept=(-9,),
    )  # fmt: skip
    shutil.copytree(folder, crashed, dirs_exist_ok=True)
    series = measure.Series()
    whole = []
    for _ in range(bench.rounds):
        bench.fresh("load")
        shutil.copytree(crashed, folder)
        run = measure.run(bench.load_command(source, folder, *options), directory=folder)
        first = find(run.figures(), "seconds_to_first_row")
        if first is None:
            raise measure.BenchError("the receipt has no seconds_to_first_row")
        series.add(first, run.peak_bytes)
        whole.append(run.seconds)
    return [
        table.Row(
            "resume after 10,000 chunks, to the first new row",
            f"{table.seconds(series.minimum)} / {table.seconds(series.median)}",
            target="≤ 100 ms", verdict=table.verdict(series.median <= 0.1),
            memory=table.megabytes(series.peak),
            note=f"the whole resume: {table.seconds(min(whole))}",
        )
    ]  # fmt: skip


@section("events")
def events(bench: Bench):
    """An event, beside Python's logging into the same files."""
    count = 100_000
    whole, caller, sparse, single, processor, json_alone, both = ([] for _ in range(7))
    for _ in range(bench.rounds):
        ours = measure.run(
            [bench.inside, "events", count, bench.fresh("events-cairn")]
        ).figures()
        if ours["events"] != ours["expected"]:
            raise measure.BenchError(f"{ours['expected']} events recorded, {ours['events']} found")
        theirs = bench.python("python_logging.py", count, bench.fresh("events-python")).figures()
        whole.append(ours["seconds_per_event"])
        caller.append(ours["caller_seconds_per_event"])
        sparse.append(ours["sparse_seconds"])
        single.append(ours["single_seconds"])
        processor.append(ours["processor_seconds_per_event"])
        json_alone.append(theirs["json_alone"])
        both.append(theirs["both"])

    def micro(values):
        return f"{min(values) * 1e6:.2f} / {statistics.median(values) * 1e6:.2f} µs"

    beside = f"{micro(json_alone)}; with the line for people {micro(both)}"
    rows = []
    for what, values, note in (
        ("an event, to the caller", caller, "bursts of 1,000"),
        ("an event, 100,000 without a pause, all written", whole,
         f"processor time {micro(processor)}"),
        ("an event, to the caller, one every 5 ms", sparse, ""),
        # No target: what it takes to wake a thread is the system's.
        ("an event, to the caller, after 0.7 s without one", single, "wakes the log's thread"),
    ):  # fmt: skip
        middle = statistics.median(values)
        rows.append(
            table.Row(
                what, micro(values), beside,
                figure=f"{statistics.median(json_alone) / middle:.1f} times as fast",
                target="" if values is single else "≤ 5 µs",
                verdict="" if values is single else table.verdict(middle <= 5e-6), note=note,
            )
        )  # fmt: skip
        beside = ""
    return rows


@section("log")
def log(bench: Bench):
    """What the log and the figures of data quality cost a load."""
    source = bench.warm(bench.samples.extract())
    sides = {"on": [], "off": []}
    for number in range(2 * bench.rounds):
        # In turn, and the turn changes: on off off on.
        for side in ("on", "off") if number % 2 == 0 else ("off", "on"):
            environment = {"CAIRN_LOG_TO_FILE": "true" if side == "on" else "false"}
            run = bench.load(source, "--key", KEY, environment=environment)
            sides[side].append((run.seconds, run.user_seconds))
    rows = []
    for what, place in (("wall", 0), ("user time", 1)):
        on, off = ([figures[place] for figures in sides[side]] for side in ("on", "off"))
        ratio = statistics.median(on) / statistics.median(off)
        rows.append(
            table.Row(
                f"load with log and data quality, beside one without, {what}",
                f"{table.seconds(min(on))} / {table.seconds(statistics.median(on))}",
                f"{table.seconds(min(off))} / {table.seconds(statistics.median(off))}",
                f"{ratio:.3f}",
            )
        )  # fmt: skip
    return rows


def find(value, name: str):
    """A member of a JSON value, however deep."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            found = find(part, name)
            if found is not None:
                return found
    return None


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    load = os.getloadavg()[0]
    busy = "; the machine is busy with something else, mind the figures" if load > 1 else ""
    return f"{os.cpu_count()} cores, {cpu}; load average at the start {load:.1f}{busy}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure Cairn beside other tools.")
    parser.add_argument("--only", help="sections, with commas: " + ", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=5, help="how often each side runs")
    parser.add_argument("--cairn", type=Path, default=ROOT / ".build/release/cairn")
    parser.add_argument("--data", type=Path, default=ROOT / "bench-data")
    options = parser.parse_args()

    # So that a bench that is ended takes its server down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = options.only.split(",") if options.only else list(SECTIONS)
    unknown = [name for name in wanted if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    shared = Path(os.environ.get("CAIRN_SHARED", ROOT / ".." / "shared")).resolve()
    bench = Bench(options.cairn.resolve(), options.data.resolve(), shared, max(options.rounds, 1))

    about = machine()
    rows = []
    for name in wanted:
        print(f"{name}: {SECTIONS[name].__doc__}", flush=True)
        try:
            rows += SECTIONS[name](bench)
        except (measure.BenchError, OSError) as error:
            rows.append(table.failed(name, error))
    shutil.rmtree(bench.work, ignore_errors=True)

    text = f"{about}\n\nSides run in turn, {bench.rounds} times; medians decide.\n\n"
    text += table.markdown(rows) + "\n"
    (options.data / "results.md").write_text(text)
    print("\n" + text)
    return 1 if any("failed" in row.verdict for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
