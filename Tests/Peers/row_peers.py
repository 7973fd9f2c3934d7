"""What pyarrow makes of files written from Swift rows, and files of its own for rows to be read from.

    row_peers.py show DIR   prints a JSON list: the types of DIR/rows.parquet's columns, then its rows
    row_peers.py make DIR   writes DIR/carriers.parquet and others; prints an empty list
"""

import datetime
import decimal
import json
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq


def text(value):
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, list):
        return [text(part) for part in value]
    return value


def show(folder):
    table = pq.read_table(f"{folder}/rows.parquet")
    lines = [
        f"{field.name}: {field.type}{'' if field.nullable else ' not null'}"
        for field in table.schema
    ]
    for row in table.to_pylist():
        lines.append(json.dumps({name: text(value) for name, value in row.items()}))
    return lines


def make(folder):
    instants = [
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
        datetime.datetime(2025, 1, 29, 14, 30, 22, 123000),
    ]
    numbers = [decimal.Decimal("-12345.67"), decimal.Decimal("0.05")]
    wide = [decimal.Decimal("-1234567890123456789012345678.9012345678"), decimal.Decimal("1")]
    table = pa.table(
        {
            "milliseconds": pa.array(instants, pa.timestamp("ms", "UTC")),
            "microseconds": pa.array(instants, pa.timestamp("us")),
            "nanoseconds": pa.array(instants, pa.timestamp("ns", "UTC")),
            "day": pa.array([instant.date() for instant in instants], pa.date32()),
            "decimal_32": pa.array(numbers, pa.decimal128(7, 2)),
            "decimal_64": pa.array(numbers, pa.decimal128(18, 2)),
            "decimal_wide": pa.array(wide, pa.decimal128(38, 10)),
            "whole": pa.array([decimal.Decimal("-7.00"), decimal.Decimal("300.00")], pa.decimal128(9, 2)),
            "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
            "small": pa.array([-128, 127], pa.int8()),
            "half": pa.array([-1.5, 0.000061035], pa.float16()),
            "single": pa.array([0.25, -3.0], pa.float32()),
            "text": pa.array(["ż🐢", None]).dictionary_encode(),
            "tag": pa.array([uuid.UUID(int=1 << 100).bytes, uuid.UUID(int=5).bytes], pa.uuid()),
            "raw": pa.array([b"\xff\x00", b""], pa.binary()),
            "inner": pa.array([{"x": 1, "y": None}, None], pa.struct([("x", pa.int64()), ("y", pa.string())])),
        }
    )
    pq.write_table(table, f"{folder}/carriers.parquet", store_decimal_as_integer=True)
    pq.write_table(
        pa.table({"old": pa.array(instants, pa.timestamp("ns"))}),
        f"{folder}/int96.parquet",
        use_deprecated_int96_timestamps=True,
    )
    pq.write_table(
        pa.table(
            {
                "numbers": pa.array([[1, None, 3], [], None, [4]], pa.list_(pa.int32())),
                "names": pa.array([["a"], ["b", "c"], [], ["a", "a"]], pa.list_(pa.string())),
            }
        ),
        f"{folder}/lists.parquet",
    )
    return []


command, folder = sys.argv[1:]
print(json.dumps(show(folder) if command == "show" else make(folder)))
