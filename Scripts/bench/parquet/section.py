"""The Parquet library beside pyarrow, both with two threads."""

import subprocess
from pathlib import Path

import measure
import table

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = Path(__file__).resolve().parents[1] / "parquet-bench"
THREADS = 2
ROWS = 10_000_000
DECODABLE = 1_000_000
# What one process repeats, after warming up.
REPEATS = 3
# Name, what it is, the target of its times.
COLUMNS = [
    ("int64", "10 M random int64", 1),
    ("double", "10 M random double", 1),
    ("strings-many", "10 M short strings, nearly all distinct", 1),
    ("strings-few", "10 M short strings, 200 distinct", 2),
    ("timestamps", "10 M ascending timestamps, µs", 1),
    ("sorted-ids", "10 M ascending ids", 1),
]


def measure_parquet(bench) -> list:
    ours = build()
    rows = []
    chunks = bench.fresh("sample-chunks")
    measure.run([bench.cairn, "convert", bench.samples.extract(), "--out", chunks, "--quiet"])
    sources = [("the sample's chunks, 45 columns", lambda: chunks, 1)]
    for name, what, target in COLUMNS:
        sources.append((what, lambda name=name: column(bench, name), target))
    for what, source, target in sources:
        # One that fails takes no figures of the others along.
        try:
            rows += Comparison(bench, ours, what, source(), target).rows()
        except (measure.BenchError, OSError) as error:
            rows.append(table.failed(what, error))
    return rows + [decodable(bench, ours)]


def decodable(bench, ours: Path) -> table.Row:
    """A million values of a Codable type, written and read by one thread."""
    target = bench.fresh("rows.parquet")
    written, read = Figures(), Figures()
    for _ in range(max(2, bench.rounds // 2)):
        written.add(measure.run([ours, "rows-write", DECODABLE, target, REPEATS]))
        read.add(measure.run([ours, "rows-read", target, REPEATS]))
    return table.Row(
        "1 M values of a Codable type, six properties: write; read",
        "; ".join(
            f"{table.seconds(one.series.minimum)} / {table.seconds(one.series.median)}"
            for one in (written, read)
        ),
        note=f"processor time {written.cpu:.2f} s; {read.cpu:.2f} s",
    )


def column(bench, name: str) -> Path:
    return bench.samples.column(
        name, lambda path: bench.python("pyarrow_parquet.py", "make", name, path, ROWS)
    )


def build() -> Path:
    """The bench program: the library alone, in release."""
    command = ["swift", "build", "-c", "release", "--package-path", PACKAGE]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise measure.BenchError(f"swift build of {PACKAGE}: {done.stdout[-2000:]}")
    return PACKAGE / ".build/release/parquet-bench"


class Comparison:
    """One set of columns, written and read by both sides."""

    def __init__(self, bench, ours: Path, what: str, source: Path, target: float):
        self.bench = bench
        self.ours = ours
        self.what = what
        self.source = source
        self.target = target
        # Chunks come dictionary-coded from Cairn's reader; pyarrow gets them as text, its default,
        # and dictionary-coded, too.
        self.peers = ["pyarrow"] + (["pyarrow, dictionary"] if source.is_dir() else [])

    def rows(self) -> list:
        found = []
        for codec in ("snappy", "zstd"):
            mine = self.bench.fresh("ours.parquet")
            other = self.bench.fresh("theirs.parquet")
            written = self.run(
                lambda: measure.run(
                    [self.ours, "write", self.source, mine, codec, REPEATS, THREADS]
                ),
                lambda kind: self.bench.python(
                    "pyarrow_parquet.py", "write", self.source, other, codec, REPEATS, *kind
                ),
            )
            found += self.compared(f"write, {codec}", written, sizes=True)
            read = self.run(
                lambda: measure.run([self.ours, "read", other, REPEATS, THREADS]),
                lambda kind: self.bench.python("pyarrow_parquet.py", "read", other, REPEATS, *kind),
            )
            found += self.compared(f"read, {codec}, pyarrow's file", read, sizes=False)
            if codec == "snappy":
                own = self.run(
                    lambda: measure.run([self.ours, "read", mine, REPEATS, THREADS]),
                    lambda kind: self.bench.python(
                        "pyarrow_parquet.py", "read", mine, REPEATS, *kind
                    ),
                )
                found += self.compared(f"read, {codec}, Cairn's file", own, sizes=False)
        return found

    def run(self, ours, theirs) -> dict:
        """The figures of both sides, run in turn."""
        sides = {"ours": lambda: ours()}
        for peer in self.peers:
            kind = ("dictionary",) if "dictionary" in peer else ()
            sides[peer] = lambda kind=kind: theirs(kind)
        figures = {name: Figures() for name in sides}
        for turn in range(max(2, self.bench.rounds // 2)):
            names = list(sides) if turn % 2 == 0 else list(reversed(sides))
            for name in names:
                done = sides[name]()
                figures[name].add(done)
        return figures

    def compared(self, verb: str, figures: dict, sizes: bool) -> list:
        ours = figures["ours"]
        rows = []
        for peer in self.peers:
            theirs = figures[peer]
            note = f"processor time {ours.cpu:.2f} s / {theirs.cpu:.2f} s"
            kind = ", dictionary-coded in pyarrow" if "dictionary" in peer else ""
            row = table.compared(
                f"{self.what}: {verb}{kind}", ours.series, theirs.series, self.target, True, note
            )
            if sizes:
                ratio = ours.bytes / theirs.bytes
                row.note += (
                    f"; size {ours.bytes / 1e6:.1f} MB / {theirs.bytes / 1e6:.1f} MB, "
                    f"{ratio:.3f} ({table.verdict(ratio <= 1.05)})"
                )
            rows.append(row)
        return rows


class Figures:
    """What the processes of one side measured inside."""

    def __init__(self):
        self.series = measure.Series()
        self.all_cpu = []
        self.bytes = 0

    def add(self, run: measure.Run) -> None:
        figures = run.figures()
        for seconds in figures["seconds"]:
            self.series.add(seconds, run.peak_bytes)
        self.all_cpu += figures["cpu"]
        self.bytes = figures.get("bytes", 0)

    @property
    def cpu(self) -> float:
        return min(self.all_cpu)
