"""Checkpoints of stages: what a save and a load take, and what they add to a pipeline."""

import statistics
import subprocess
from pathlib import Path

import measure
import table

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 200
# A stage of the pipeline works for so many milliseconds: 0.5 % of four of them is what checkpoints
# may add.
WORK = 500


def built() -> Path:
    command = ["swift", "build", "-c", "release", "--product", "StageBench"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise measure.BenchError(f"StageBench does not build: {done.stderr[-600:]}")
    return ROOT / ".build/release/StageBench"


def milliseconds(times) -> str:
    return f"{min(times) * 1e3:.2f} / {statistics.median(times) * 1e3:.2f} ms"


def at_most(what, ours, theirs, limit, note="") -> table.Row:
    """A median that must not exceed a limit in seconds."""
    middle = statistics.median(ours)
    return table.Row(
        what, milliseconds(ours), milliseconds(theirs) if theirs else "",
        f"{statistics.median(theirs) / middle:.1f} times as fast" if theirs else "",
        f"≤ {limit * 1e3:g} ms" if limit else "", table.verdict(middle <= limit) if limit else "",
        note=note,
    )  # fmt: skip


def measure_stages(bench):
    program = built()
    ours, theirs = [], []
    # Sides in turn, each a process of its own with its own warm-up.
    for _ in range(2):
        folder = bench.fresh("stages")
        ours.append(measure.run([program, folder, ROUNDS, WORK]).figures())
        theirs.append(
            bench.python("pandas_checkpoints.py", bench.fresh("peer-stages"), ROUNDS).figures()
        )

    def all_of(runs, *path):
        found = []
        for run in runs:
            for name in path:
                run = run[name]
            found += run
        return found

    saves, loads = all_of(theirs, "saves"), all_of(theirs, "loads")
    rows = [
        at_most(
            "save a stage, 250 rows × 10 columns, beside pandas",
            all_of(ours, "unsynced", "saves"), saves, 0.5e-3,
            "both with digest and registry, without fsync; the peer's registry grows to 200 entries",
        ),
        at_most(
            "load it, beside pandas", all_of(ours, "unsynced", "loads"), loads, 0.3e-3,
            "both hold the content against its digest",
        ),
        at_most("save a stage, with fsync", all_of(ours, "synced", "saves"), None, None),
    ]  # fmt: skip
    small = statistics.median(all_of(ours, "among", "10"))
    for others in ("1000", "100000"):
        times = all_of(ours, "among", others)
        ratio = statistics.median(times) / small
        rows.append(
            table.Row(
                f"save among {int(others):,} checkpoints, beside 10", milliseconds(times),
                f"{small * 1e3:.2f} ms", f"{ratio:.2f}", "≤ 1.1", table.verdict(ratio <= 1.1),
            )
        )  # fmt: skip
    off = statistics.median(all_of(ours, "pipelineOff"))
    for what, name, target in (
        ("without fsync", "pipelineOn", 0.005),
        ("with fsync", "pipelineSynced", 0.005),
    ):
        on = statistics.median(all_of(ours, name))
        share = (on - off) / off
        rows.append(
            table.Row(
                f"pipeline of 4 stages of {WORK} ms, {what}, beside none saved", table.seconds(on),
                table.seconds(off), f"{share:.2%}", "< 0.5 %", table.verdict(share < target),
            )
        )  # fmt: skip
    return rows
