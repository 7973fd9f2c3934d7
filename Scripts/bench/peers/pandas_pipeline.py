"""Loads an extract the way it is usually done in Python: pandas, Parquet chunks, psycopg2.

Chunks of 10,000 rows are parsed by pandas (whose C engine takes no separator of two characters),
saved as Parquet with a manifest, and only then read back, checked, converted and upserted with
execute_values, a thousand rows a statement, a transaction a chunk. Everything works on whole
columns; values go over as text where PostgreSQL reads it as it is. Reads the companion job file for
its columns and the PG* variables for the server. Prints the seconds of both phases and of all,
without the start of Python and its imports.
"""

import json
import shutil
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pandas
import psycopg2
import psycopg2.extras
import yaml

CHUNK_ROWS = 10_000
PAGE_ROWS = 1_000


class Manifest:
    def __init__(self, folder: Path, source: Path):
        folder.mkdir(parents=True)
        self.folder = folder
        self.content = {
            "source_file": source.name,
            "source_path": str(source),
            "file_size_bytes": source.stat().st_size,
            "chunk_size": CHUNK_ROWS,
            "status": "converting",
            "chunks": [],
        }

    def save(self) -> None:
        self.content["updated_at"] = datetime.now(timezone.utc).isoformat()
        with open(self.folder / "manifest.json", "w") as file:
            json.dump(self.content, file, indent=2)

    def add(self, frame: pandas.DataFrame) -> None:
        number = len(self.content["chunks"])
        path = self.folder / f"chunk_{number:04d}.parquet"
        frame.to_parquet(path, engine="pyarrow", compression="snappy", index=False)
        chunk = {
            "chunk_id": number,
            "status": "ready",
            "rows": len(frame),
            "parquet_path": path.name,
            "parquet_size_bytes": path.stat().st_size,
        }
        self.content["chunks"].append(chunk)
        self.save()

    def complete(self, chunk: dict, inserted: int, updated: int, rejected: int) -> None:
        chunk.update(
            status="completed", records_inserted=inserted, records_updated=updated,
            validation_errors=rejected,
        )  # fmt: skip
        self.save()


def convert(source: Path, manifest: Manifest) -> None:
    frames = pandas.read_csv(
        source, sep=r"~\^", engine="python", dtype=str, keep_default_na=False, chunksize=CHUNK_ROWS
    )
    for frame in frames:
        frame.columns = [name.lower().replace(" ", "_") for name in frame.columns]
        manifest.add(frame)
    manifest.content["total_chunks"] = len(manifest.content["chunks"])
    manifest.content["status"] = "processing"
    manifest.save()


def transform(frame: pandas.DataFrame, job: dict):
    """The chunk with the target's columns, and which of its rows are good."""
    good = pandas.Series(True, index=frame.index)
    columns = {}
    numbers = {}
    for rule in job["columns"]:
        fields = rule.get("from", [rule["name"]])
        text = frame[fields[0]]
        for name in fields[1:]:
            text = text + " " + frame[name]
        missing = text.isin(["", *rule.get("nulls", [])])
        kind = rule["type"]
        if kind.startswith("numeric"):
            # 13.017- is a number in such extracts.
            minus = text.str.endswith("-")
            text = text.mask(minus, "-" + text.str.slice(stop=-1))
            numbers[rule["name"]] = pandas.to_numeric(text.mask(missing), errors="coerce")
            good &= missing | numbers[rule["name"]].notna()
        elif kind in ("date", "timestamp"):
            style = "%Y%m%d" if kind == "date" else "%Y%m%d %H%M%S"
            when = pandas.to_datetime(text.mask(missing), format=style, errors="coerce")
            good &= missing | when.notna()
        if rule.get("required"):
            good &= ~missing
        if "one_of" in rule:
            good &= missing | text.isin(rule["one_of"])
        # 20240701 000558 and 13.017 are what PostgreSQL reads.
        columns[rule["name"]] = text.astype(object).mask(missing, None)
    for rule in job["rules"]:
        left, comparison, right = rule["check"]
        assert comparison == "<="
        good &= ~(numbers[left] > numbers[right])
    return pandas.DataFrame(columns), good


def process(manifest: Manifest, job: dict, connection) -> None:
    table, (key,) = job["sink"]["table"], job["sink"]["key"]
    names = [rule["name"] for rule in job["columns"]]
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in names if name != key)
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES %s "
        f"ON CONFLICT ({key}) DO UPDATE SET {updates} RETURNING xmax = 0"
    )
    for chunk in manifest.content["chunks"]:
        frame = pandas.read_parquet(manifest.folder / chunk["parquet_path"], engine="pyarrow")
        typed, good = transform(frame, job)
        rejected = int((~good).sum())
        # No statement may touch a row twice.
        typed = typed[good].drop_duplicates(key, keep="last")
        rows = list(typed.itertuples(index=False, name=None))
        with connection, connection.cursor() as cursor:
            fresh = psycopg2.extras.execute_values(
                cursor, statement, rows, page_size=PAGE_ROWS, fetch=True
            )
        inserted = sum(is_new for (is_new,) in fresh)
        manifest.complete(chunk, inserted, len(fresh) - inserted, rejected)


def main() -> None:
    source, job_file, folder = map(Path, sys.argv[1:])
    job = yaml.safe_load(job_file.read_text())
    start = time.perf_counter()
    manifest = Manifest(folder, source)
    convert(source, manifest)
    converted = time.perf_counter()
    connection = psycopg2.connect("")
    process(manifest, job, connection)
    connection.close()
    shutil.rmtree(folder)
    processed = time.perf_counter()
    seconds = {
        "convert": converted - start, "process": processed - converted,
        "seconds": processed - start,
    }  # fmt: skip
    print(json.dumps(seconds))


main()
