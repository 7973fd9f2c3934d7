"""The table that a bench prints."""

from dataclasses import dataclass


@dataclass
class Row:
    """One line: what was measured, on which side, and whether the target is met."""

    what: str
    ours: str = ""
    theirs: str = ""
    figure: str = ""
    target: str = ""
    verdict: str = ""
    memory: str = ""
    note: str = ""


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def megabytes(value: float) -> str:
    return f"{value / (1 << 20):.0f} MB"


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"


def failed(what: str, error: Exception) -> Row:
    return Row(what, verdict="**failed**", note=" ".join(str(error).replace("|", "/").split()))


def compared(what, ours, theirs, target, at_least, note="") -> Row:
    """A comparison of two series. `at_least`: their time over ours must reach the target;
    otherwise our time over theirs must not exceed it. The medians decide."""
    if at_least:
        least, middle = theirs.minimum / ours.minimum, theirs.median / ours.median
        met = middle >= target
    else:
        least, middle = ours.minimum / theirs.minimum, ours.median / theirs.median
        met = middle <= target
    sign, digits = ("≥", 1) if at_least else ("≤", 3 if target < 1.1 else 2)
    return Row(
        what,
        f"{seconds(ours.minimum)} / {seconds(ours.median)}",
        f"{seconds(theirs.minimum)} / {seconds(theirs.median)}",
        f"{least:.{digits}f} / {middle:.{digits}f}",
        f"{sign} {target:g}",
        verdict(met),
        f"{megabytes(ours.peak)} / {megabytes(theirs.peak)}",
        note,
    )


def markdown(rows) -> str:
    head = [
        "| | cairn, min / median | beside it, min / median | ratio of min / of median | target | | peak memory, cairn / beside it | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines = [
        f"| {r.what} | {r.ours} | {r.theirs} | {r.figure} | {r.target} | {r.verdict} | {r.memory} | {r.note} |"
        for r in rows
    ]
    return "\n".join(head + lines)
