"""Sides that run in turn; one that fails is left out from then on and does not stop the others."""

from dataclasses import dataclass, field
from typing import Callable

import measure


@dataclass
class Side:
    """One way to load. `run` does it once and returns what was measured; `check` looks once at
    what it loaded."""

    name: str
    run: Callable[[], measure.Run]
    rounds: int
    check: Callable[[], None]
    series: measure.Series = field(default_factory=measure.Series)
    error: str = ""
    # Whether there was something to run at all.
    installed: bool = True

    def turn(self) -> None:
        if self.error or len(self.series.seconds) >= self.rounds:
            return
        try:
            run = self.run()
            if not self.series.seconds:
                self.check()
        except (measure.BenchError, OSError) as error:
            print(f"  {self.name}: {error}", flush=True)
            self.installed = not isinstance(error, measure.NotInstalled)
            self.error = " ".join(getattr(error, "brief", str(error)).split())
            return
        self.series.add(run.seconds, run.peak_bytes)
        print(f"  {self.name}: {run.seconds:.2f} s", flush=True)

    @property
    def ran(self) -> bool:
        return not self.error and bool(self.series.seconds)


def in_turn(sides: list) -> None:
    """A B C, C B A, A B C …, so that no side always runs on a warmer machine."""
    for turn in range(max(side.rounds for side in sides)):
        for side in sides if turn % 2 == 0 else reversed(sides):
            side.turn()
