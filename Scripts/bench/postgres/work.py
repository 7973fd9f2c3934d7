"""What is loaded: the sample by its companion job, and the same rows ready for each tool."""

import json
import os
import sys
from pathlib import Path

import measure
from postgres.cluster import Cluster
from postgres.columns import columns_of
from samples import KEY, Samples

TABLE = "transport_documents"
NUMBERED = "numbered_rows"
NUMBER = "row_number"


class Work:
    """Files under a folder, made when they are not there."""

    def __init__(self, samples: Samples, cairn: Path):
        self.extract = samples.extract()
        self.folder = samples.folder / "postgres"
        self.folder.mkdir(exist_ok=True)
        self.job = self.folder / "job.yaml"
        self.other_job = self.folder / "other-job.yaml"
        # All rows, typed, each with its number, as a table's order is not the order it was filled
        # in: for psql.
        self.binary = self.folder / "all.copy"
        # One row a key, the last one, for the tools that cannot settle duplicates themselves.
        self.latest_csv = self.folder / "latest.csv"
        self.latest_copy = self.folder / "latest.copy"
        self.latest_parquet = self.folder / "latest.parquet"
        self.expected = self.folder / "expected.json"
        self._write_jobs(cairn)
        self.columns = columns_of(self.job)
        self.names = [column.name for column in self.columns]

    def _write_jobs(self, cairn: Path) -> None:
        out = self.folder / "one-row.dat"
        measure.run([cairn, "sample", "--rows", 1, "--seed", 1, "--job", self.job, out])
        out.unlink()
        # Another job to Cairn, which does not look at the name alone; the same work.
        text = self.job.read_text()
        rule = "net_not_above_gross"
        if rule not in text:
            raise measure.BenchError(f"the companion job has no rule {rule} any more")
        self.other_job.write_text(text.replace(rule, "same_rule_renamed"))

    @property
    def table_sql(self) -> str:
        """The target, the same for every tool."""
        columns = ", ".join(
            f"{c.name} {c.type}{' PRIMARY KEY' if c.name == KEY else ''}" for c in self.columns
        )
        return f"CREATE TABLE {TABLE} ({columns})"

    @property
    def numbered_sql(self) -> str:
        """A staging table for all rows of the extract."""
        return f"CREATE UNLOGGED TABLE {NUMBERED} (LIKE {TABLE}, {NUMBER} integer)"

    def prepare(self, cluster: Cluster) -> None:
        """Makes what is missing; `expected` last, so that a broken attempt is made anew."""
        if self.expected.exists():
            return
        print("making the rows ready for each tool …", flush=True)
        measure.run(
            [
                sys.executable, "-m", "postgres.ready_rows", self.extract, self.job, KEY,
                self.folder,
            ],
            directory=Path(__file__).resolve().parents[1],
        )  # fmt: skip
        all_csv = self.folder / "all.csv"
        in_order = f"(SELECT * FROM {NUMBERED} ORDER BY {NUMBER})"
        self.empty_target(cluster)
        cluster.sql(
            self.numbered_sql,
            f"\\copy {NUMBERED} FROM '{all_csv}' WITH (FORMAT csv)",
            f"\\copy {in_order} TO '{self.binary}' WITH (FORMAT binary)",
            f"\\copy {TABLE} FROM '{self.latest_csv}' WITH (FORMAT csv, HEADER)",
            f"\\copy {TABLE} TO '{self.latest_copy}'",
        )
        all_csv.unlink()
        aside = self.expected.with_suffix(".new")
        aside.write_text(json.dumps(self.found(cluster)))
        os.replace(aside, self.expected)

    def empty_target(self, cluster: Cluster) -> None:
        cluster.reset()
        cluster.sql(self.table_sql)

    def found(self, cluster: Cluster) -> dict:
        """How many rows the target has, and a sum over all their values."""
        row = ", ".join(self.names)
        rows, total = cluster.sql(
            f"SELECT count(*), sum(hashtextextended(ROW({row})::text, 0)::numeric) FROM {TABLE}"
        ).split("|")
        return {"rows": int(rows), "sum": total}

    def check(self, cluster: Cluster) -> None:
        """Refuses a target that lacks the last row of a key, as the extract has it."""
        expected = json.loads(self.expected.read_text())
        for name, value in self.found(cluster).items():
            if value != expected[name]:
                raise measure.BenchError(
                    f"loaded wrongly: {name} {value} where {expected[name]} is expected "
                    f"(delete {self.folder} if the sample has changed)"
                )
