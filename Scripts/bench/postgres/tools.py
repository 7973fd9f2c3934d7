"""The commands that load the work with tools other than Cairn, each as its users would tune it."""

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import measure
from postgres.cluster import Cluster
from postgres.work import NUMBER, NUMBERED, TABLE, Work
from samples import KEY

PEERS = Path(__file__).resolve().parents[1] / "peers"
INSTALL = "pip install -r Scripts/bench/requirements.txt"


@dataclass
class Command:
    line: list
    environment: dict = field(default_factory=dict)
    # It says itself how long it took, sparing it the start of Python and its imports.
    says_seconds: bool = False


def measured(command: Command) -> measure.Run:
    run = measure.run(command.line, command.environment, timeout=900)
    if command.says_seconds:
        run.seconds = run.figures()["seconds"]
    return run


def psql(cluster: Cluster, work: Work, folder: Path) -> Command:
    """One psql: binary COPY of ready rows into an unlogged table, then one merge of them."""
    names = ", ".join(work.names)
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in work.names if name != KEY)
    script = folder / "merge.sql"
    script.write_text(
        f"{work.numbered_sql};\n"
        f"\\copy {NUMBERED} FROM '{work.binary}' WITH (FORMAT binary)\n"
        f"INSERT INTO {TABLE} ({names})\n"
        f"SELECT DISTINCT ON ({KEY}) {names} FROM {NUMBERED} ORDER BY {KEY}, {NUMBER} DESC\n"
        f"ON CONFLICT ({KEY}) DO UPDATE SET {updates};\n"
        f"DROP TABLE {NUMBERED};\n"
    )
    return Command(cluster.psql("--file", script), cluster.environment)


def pandas(cluster: Cluster, work: Work, folder: Path) -> Command:
    installed("pandas", "psycopg2")
    return Command(
        [
            sys.executable, PEERS / "pandas_pipeline.py", work.extract, work.job,
            folder / "checkpoints",
        ],
        cluster.environment, says_seconds=True,
    )  # fmt: skip


def dlt(cluster: Cluster, work: Work, folder: Path) -> Command:
    installed("dlt", "adbc_driver_postgresql")
    return Command(
        [
            sys.executable, PEERS / "dlt_upsert.py", work.latest_parquet, TABLE, KEY,
            folder / "pipelines",
        ],
        cluster.environment, says_seconds=True,
    )  # fmt: skip


def sling(cluster: Cluster, work: Work, folder: Path) -> Command:
    # Staged as text and cast by PostgreSQL: of the ways tried the fastest.
    return Command(
        [
            sling_binary(), "run", "--src-stream", f"file://{work.latest_csv}",
            "--src-options", json.dumps({"delimiter": ",", "header": True, "empty_as_null": True}),
            "--columns", json.dumps({"*": "text"}), "--tgt-conn", "BENCH",
            "--tgt-object", f"public.{TABLE}", "--mode", "incremental", "--primary-key", KEY,
        ],
        {
            "BENCH": f"{cluster.url_with_password}?sslmode=disable",
            "SLING_HOME_DIR": str(folder),
            "SLING_DISABLE_TELEMETRY": "true",
        },
    )  # fmt: skip


def pgloader(cluster: Cluster, work: Work, folder: Path) -> Command:
    program = shutil.which("pgloader")
    if not program:
        raise measure.NotInstalled("pgloader is not installed")
    # Its own COPY format: a third of the time that it takes with CSV.
    script = folder / "copy.load"
    script.write_text(
        f"LOAD COPY FROM '{work.latest_copy}' WITH ENCODING utf-8\n"
        f"INTO {cluster.url_with_password}\n"
        f"TARGET TABLE public.{TABLE};\n"
    )
    return Command([program, "--root-dir", folder / "rejects", script])


def installed(*modules) -> None:
    for name in modules:
        if importlib.util.find_spec(name) is None:
            raise measure.NotInstalled(f"{name} is not installed: {INSTALL}")


def sling_binary() -> Path:
    for module in ("sling_linux_amd64", "sling_linux_arm64", "sling_mac_universal"):
        spec = importlib.util.find_spec(module)
        if spec and spec.submodule_search_locations:
            for path in Path(spec.submodule_search_locations[0]).glob("bin/sling*"):
                if os.access(path, os.X_OK):
                    return path
    found = shutil.which("sling")
    if not found:
        raise measure.NotInstalled(f"sling is not installed: {INSTALL}")
    return Path(found)
