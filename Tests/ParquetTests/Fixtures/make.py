"""Makes the files of this folder again, and values.json: what pyarrow reads in them.

    python Tests/ParquetTests/Fixtures/make.py     (pyarrow, duckdb and polars in the venv)
"""

import datetime
import decimal
import json
import os
import sys
import uuid

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "..", "Peers"))
import parquet_values  # noqa: E402

ROWS = 24


def cycle(*values):
    return [values[i % len(values)] for i in range(ROWS)]


def lists():
    """Lists of every shape that can be read, and one that cannot."""
    tags = cycle(["red", "green"], [], None, ["red", None, "blue"], [None], ["green"], [])
    numbers = [[i * 1000 + j for j in range(i * 7 % 5)] for i in range(ROWS)]
    maps = cycle([("a", 1), ("b", None)], [], None, [("a", 3)], [("c", 4), ("a", 5), ("b", 6)])
    inner = cycle({"n": 1, "l": [0.5, -1.5]}, {"n": None, "l": None}, None, {"n": 3, "l": []},
                  {"n": 4, "l": [None, 2.0]})
    pairs = cycle([{"x": 1, "y": "one"}, None, {"x": None, "y": "none"}], [], None,
                  [{"x": 2, "y": None}])
    deep = cycle([[1, 2], []], None, [[3]])
    long = [[j for j in range(20)] if i % 3 == 0 else [] for i in range(ROWS)]
    item = pa.field("element", pa.int32(), nullable=False)
    schema = pa.schema([
        pa.field("id", pa.int64(), nullable=False),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("numbers", pa.list_(item), nullable=False),
        pa.field("map", pa.map_(pa.string(), pa.int64())),
        pa.field("group", pa.struct([("n", pa.int32()), ("l", pa.list_(pa.float64()))])),
        pa.field("pairs", pa.list_(pa.struct([("x", pa.int32()), ("y", pa.string())]))),
        pa.field("deep", pa.list_(pa.list_(pa.int32()))),
        pa.field("long", pa.list_(pa.int16())),
        pa.field("flags", pa.list_(pa.bool_())),
        pa.field("fixed", pa.list_(pa.binary(3))),
    ])
    return pa.table({
        "id": list(range(ROWS)), "tags": tags, "numbers": numbers, "map": maps, "group": inner,
        "pairs": pairs, "deep": deep, "long": long,
        "flags": cycle([True, False, None], None, [True] * 9),
        "fixed": cycle([b"abc", None], [b"xyz"], None, []),
    }, schema=schema)


def types():
    stamps = [datetime.datetime(1600 + 37 * i, 1 + i % 12, 1 + i, i, i, i, i) for i in range(ROWS)]
    with decimal.localcontext(decimal.Context(prec=60)):
        decimals = [None if i % 5 == 3 else decimal.Decimal((-7) ** (i % 9)).scaleb(-2)
                    for i in range(ROWS)]
        wide = [decimal.Decimal((-9) ** (i % 39)).scaleb(-4) for i in range(ROWS)]
    columns = {
        "half": pa.array([None if i % 4 == 1 else i / 3 - 2 for i in range(ROWS)], pa.float16()),
        "decimal5": pa.array(decimals, pa.decimal128(9, 2)),
        "decimal38": pa.array(wide, pa.decimal128(38, 4)),
        "decimal76": pa.array(wide, pa.decimal256(76, 4)),
        "nothing": pa.nulls(ROWS),
        "uuid": pa.array([uuid.UUID(int=i << 70 | i).bytes for i in range(ROWS)], pa.uuid()),
        "uint8": pa.array(range(200, 200 + ROWS), pa.uint8()),
        "uint64": pa.array([2**64 - 1 - i for i in range(ROWS)], pa.uint64()),
        "time": pa.array([i * 3_600_000_001 for i in range(ROWS)], pa.time64("us")),
        "stamp": pa.array(stamps, pa.timestamp("us", "UTC")),
        "all": pa.array([None] * ROWS, pa.string()),
    }
    return pa.table(columns)


def tiny():
    """As few bytes as can be with every kind of page, for tests that damage each of them."""
    schema = pa.schema([
        pa.field("number", pa.int32(), nullable=False),
        pa.field("word", pa.string()),
        pa.field("list", pa.list_(pa.string())),
        pa.field("lists", pa.list_(pa.field("element", pa.int64(), nullable=False)),
                 nullable=False),
    ])
    return pa.table({
        "number": [7, -8, 900, 10, 11, 2**31 - 1],
        "word": ["ab", None, "cde", "ab", "ab", "cde"],
        "list": [["x", "yz"], [], None, ["x", None], ["x"], ["yz", "x", "x"]],
        "lists": [[1, 2, 3], [], [4], [5, 1 << 40], [], [-6]],
    }, schema=schema)


def write(name, table, **options):
    pq.write_table(table, os.path.join(FOLDER, name + ".parquet"), write_page_checksum=True,
                   store_schema=False, **options)


def main():
    small = {"data_page_size": 100, "write_batch_size": 8}
    write("arrow-lists-v1-snappy", lists(), compression="snappy", **small)
    write("arrow-lists-v1-brotli", lists(), compression="brotli", use_dictionary=False)
    write("arrow-lists-v2-zstd", lists(), compression="zstd", data_page_version="2.0", **small)
    write("arrow-lists-v2-plain", lists(), compression="none", data_page_version="2.0",
          use_dictionary=False)
    write("arrow-types-v1-gzip", types(), compression="gzip")
    write("arrow-types-v2-lz4", types(), compression="lz4", data_page_version="2.0",
          use_dictionary=False, store_decimal_as_integer=True)
    write("arrow-int96-v1-plain", types().select(["stamp"]), compression="none",
          use_deprecated_int96_timestamps=True)
    for codec, version in (("none", "1.0"), ("snappy", "2.0"), ("gzip", "1.0"), ("zstd", "2.0"),
                           ("brotli", "1.0"), ("lz4", "2.0")):
        write(f"tiny-{codec}", tiny(), compression=codec, data_page_version=version,
              use_dictionary=["word", "list.list.element"])
    write("tiny-encodings", tiny(), compression="none", data_page_version="2.0",
          use_dictionary=False,
          column_encoding={"number": "BYTE_STREAM_SPLIT", "word": "DELTA_BYTE_ARRAY",
                           "list.list.element": "DELTA_LENGTH_BYTE_ARRAY",
                           "lists.list.element": "DELTA_BINARY_PACKED"})
    connection = duckdb.connect()
    table = lists()  # found by DuckDB under this name
    connection.execute("set threads=1")
    for version in ("v1", "v2"):
        path = os.path.join(FOLDER, f"duckdb-lists-{version}.parquet")
        connection.execute(f"copy (select * from \"table\") to '{path}' (format parquet, "
                           f"parquet_version {version}, codec 'zstd')")
    frame = polars.from_arrow(table.drop_columns(["map"]))
    frame.write_parquet(os.path.join(FOLDER, "polars-lists.parquet"), compression="lz4")
    found = {name: parquet_values.read(os.path.join(FOLDER, name))
             for name in sorted(os.listdir(FOLDER)) if name.endswith(".parquet")}
    with open(os.path.join(FOLDER, "values.json"), "w") as file:
        json.dump(found, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
