"""Times pyarrow's Parquet, and makes the columns that are measured.

pyarrow_parquet.py make NAME TARGET ROWS
pyarrow_parquet.py write SOURCE TARGET CODEC ROUNDS [dictionary]
pyarrow_parquet.py read SOURCE ROUNDS [dictionary]

Prints a JSON object: seconds and processor seconds of each round, and bytes. SOURCE may be a folder
of chunks. With `dictionary`, strings are dictionary-coded in memory.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet

THREADS = 2
ROW_GROUP = 1 << 20


def make(name: str, target: str, rows: int) -> None:
    source = numpy.random.default_rng(1)
    if name == "int64":
        column = pyarrow.array(source.integers(-(2**62), 2**62, rows))
    elif name == "double":
        column = pyarrow.array(source.normal(100, 15, rows))
    elif name == "strings-many":
        numbers = source.integers(0, 10**12, rows)
        column = pyarrow.array([f"id-{number:x}" for number in numbers.tolist()])
    elif name == "strings-few":
        values = pyarrow.array([f"status {number}" for number in range(200)])
        column = values.take(pyarrow.array(source.integers(0, 200, rows)))
    elif name == "timestamps":
        steps = source.integers(0, 2_000_000, rows).cumsum() + 1_700_000_000_000_000
        column = pyarrow.array(steps, pyarrow.timestamp("us", "UTC"))
    elif name == "sorted-ids":
        column = pyarrow.array(source.integers(1, 4, rows).cumsum())
    else:
        raise SystemExit(f"no column {name}")
    # Neither encoded nor compressed: both sides have the values in memory before they are timed.
    pyarrow.parquet.write_table(
        pyarrow.table({"value": column}), target, compression="none", use_dictionary=False,
        row_group_size=ROW_GROUP, write_statistics=False,
    )  # fmt: skip


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measured(rounds: int, body) -> dict:
    body()
    figures = {"seconds": [], "cpu": []}
    for _ in range(rounds):
        cpu = processor_seconds()
        start = time.perf_counter()
        body()
        figures["seconds"].append(time.perf_counter() - start)
        figures["cpu"].append(processor_seconds() - cpu)
    return figures


def files(source) -> list:
    path = Path(source)
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]


def load(source, dictionary: bool) -> pyarrow.Table:
    parts = []
    for file in files(source):
        names = pyarrow.parquet.read_schema(file).names
        parts.append(
            pyarrow.parquet.read_table(
                file, use_threads=True, read_dictionary=names if dictionary else None
            )
        )
    return pyarrow.concat_tables(parts) if len(parts) > 1 else parts[0]


def dictionary_coded(table: pyarrow.Table) -> pyarrow.Table:
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_string(field.type) or pyarrow.types.is_binary(field.type):
            table = table.set_column(index, field.name, table.column(index).dictionary_encode())
    return table


def main() -> None:
    pyarrow.set_cpu_count(THREADS)
    pyarrow.set_io_thread_count(THREADS)
    command, *rest = sys.argv[1:]
    dictionary = rest[-1] == "dictionary"
    if command == "make":
        make(rest[0], rest[1], int(rest[2]))
        return
    if command == "write":
        source, target, codec, rounds = rest[:4]
        # Coded after reading, as pyarrow reads not every encoding of the chunks into a dictionary,
        # and each chunk by itself, or each row group would get the dictionary of all.
        parts = [load(file, False) for file in files(source)]
        if dictionary:
            parts = [dictionary_coded(part) for part in parts]
        table = pyarrow.concat_tables(parts)
        # A row group for each chunk, or as many rows as the source has in one.
        size = pyarrow.parquet.read_metadata(files(source)[0]).row_group(0).num_rows
        figures = measured(
            int(rounds),
            lambda: pyarrow.parquet.write_table(
                table, target, compression=codec, row_group_size=size
            ),
        )
        figures["bytes"] = os.path.getsize(target)
    else:
        source, rounds = rest[:2]
        figures = measured(int(rounds), lambda: load(source, dictionary))
    print(json.dumps(figures))


main()
