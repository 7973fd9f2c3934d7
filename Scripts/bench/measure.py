"""Runs a command as a whole process and says how long it took and how much memory it had."""

import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field


# What Cairn may have at its peak.
MEMORY_LIMIT = 96 << 20


class BenchError(Exception):
    """A command did not do what it should; the message says which and what it said."""


class CommandFailed(BenchError):
    """A command that ended with another code than it should."""

    def __init__(self, command, code: int, said: str):
        super().__init__(f"`{' '.join(map(str, command))}` ended with {code}: {said}")
        # For a table, which has no room for the command.
        self.brief = f"ended with {code}: {said}"


class NotInstalled(BenchError):
    """A tool to compare with is not on this machine."""


@dataclass
class Run:
    """One run of a command."""

    seconds: float
    peak_bytes: int
    output: str
    code: int
    user_seconds: float

    def figures(self) -> dict:
        """The JSON object that the command printed last on standard output."""
        lines = self.output.strip()
        try:
            return json.loads(lines)
        except ValueError:
            pass
        for line in reversed(lines.splitlines()):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
        raise BenchError(f"expected JSON on standard output, found: {lines[-300:]!r}")


def run(command, environment=None, directory=None, accept=(0,), timeout=3600) -> Run:
    """Runs a command to its end.

    The peak is ru_maxrss of wait4: the process itself, or the largest of those it waited for. On
    Linux a new program starts out with the peak of the process that started it, some 20 MB here:
    smaller figures cannot be seen.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=directory,
            env={**os.environ, **(environment or {})},
        )
        previous = signal.signal(signal.SIGALRM, lambda *_: child.send_signal(signal.SIGKILL))
        signal.alarm(timeout)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
        seconds = time.perf_counter() - start
        code = os.waitstatus_to_exitcode(status)
        child.returncode = code
        out.seek(0)
        err.seek(0)
        output = out.read().decode(errors="replace")
        if code not in accept:
            said = err.read().decode(errors="replace").strip()[-600:]
            raise CommandFailed(command, code, said or output[-600:])
    scale = 1 if os.uname().sysname == "Darwin" else 1024
    return Run(seconds, usage.ru_maxrss * scale, output, code, usage.ru_utime)


@dataclass
class Series:
    """The runs of one side of a comparison."""

    seconds: list = field(default_factory=list)
    peaks: list = field(default_factory=list)

    def add(self, seconds: float, peak: int) -> None:
        self.seconds.append(seconds)
        self.peaks.append(peak)

    @property
    def minimum(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def peak(self) -> int:
        return max(self.peaks)


def side_by_side(sides: dict, rounds: int) -> dict:
    """Runs functions that return (seconds, peak bytes) in turn: A B A B …, the order of a round
    turned around every other time, so that neither side always runs on a warmer machine."""
    series = {name: Series() for name in sides}
    names = list(sides)
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else reversed(names):
            series[name].add(*sides[name]())
    return series
