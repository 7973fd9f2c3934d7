"""The command under test, loading the work into PostgreSQL."""

import measure
from postgres.cluster import Cluster
from postgres.work import Work


class Cairn:
    def __init__(self, bench, cluster: Cluster, work: Work):
        self.bench = bench
        self.cluster = cluster
        self.work = work

    def first(self) -> measure.Run:
        """Into an empty table, everything on."""
        self.work.empty_target(self.cluster)
        return self._load(self.work.job)

    def without_checkpoints(self) -> measure.Run:
        self.work.empty_target(self.cluster)
        return self._load(self.work.job, {"ENABLE_CHECKPOINTING": "false"})

    def again(self) -> measure.Run:
        """The same rows by another job, after a first load that is not measured."""
        self.first()
        self.cluster.settle()
        run = self._load(self.work.other_job)
        counts = run.figures()["counts"]
        # Keys that two chunks have in common change back and forth; all else must be found equal.
        settled = counts["unchanged"] + counts["superseded"] + counts["updated"]
        if counts["inserted"] or settled != counts["rows"] or not counts["unchanged"]:
            raise measure.BenchError(
                f"the second load did not find the rows of the first: {counts}"
            )
        return run

    def _load(self, job, environment=None) -> measure.Run:
        folder = self.bench.fresh("load")
        folder.mkdir()
        run = measure.run(
            [
                self.bench.cairn, "load", self.work.extract, "--job", job,
                "--into", self.cluster.url, "--checkpoints", folder / "checkpoints", "--json",
                "--quiet",
            ],
            {**self.cluster.environment, **(environment or {})}, directory=folder,
        )  # fmt: skip
        receipt = run.figures()
        if receipt["was_loaded_before"] or receipt["counts"]["rejected"]:
            raise measure.BenchError(f"expected a load without rejects, found {receipt['counts']}")
        return run
