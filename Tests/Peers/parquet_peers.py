"""What other Parquet implementations make of our files, and files of theirs for us to read.

    parquet_peers.py check DIR   reads DIR/expected.json, and each file it lists with pyarrow and
                                 DuckDB; prints a JSON list of what differs
    parquet_peers.py make DIR    writes files with pyarrow, DuckDB and polars, and expected.json

A value is written as text: integers in decimal (times in nanoseconds, decimals unscaled), floats
as the hexadecimal of their bits, bytes in hexadecimal, no value as null.
"""

import datetime
import decimal
import json
import math
import os
import re
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def canonical(column):
    """A column's values as text."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    t = column.type
    if pa.types.is_dictionary(t):
        return canonical(column.dictionary_decode())
    if pa.types.is_null(t):
        return [None] * len(column)
    if pa.types.is_date32(t):
        return canonical(column.cast(pa.int32()))
    if pa.types.is_time32(t) or pa.types.is_time64(t) or pa.types.is_timestamp(t):
        integers = column.view(pa.int32() if pa.types.is_time32(t) else pa.int64())
        scale = NANOSECONDS[t.unit]
        return [None if v is None else str(v * scale) for v in integers.to_pylist()]
    if pa.types.is_decimal(t):
        with decimal.localcontext(decimal.Context(prec=100)):
            return [
                None if v is None else str(int(v.scaleb(t.scale))) for v in column.to_pylist()
            ]
    if pa.types.is_float32(t):
        return [None if v is None else struct.pack(">f", v).hex() for v in column.to_pylist()]
    if pa.types.is_float64(t):
        return [None if v is None else struct.pack(">d", v).hex() for v in column.to_pylist()]
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        column = column.cast(pa.large_string()).cast(pa.large_binary())
    if pa.types.is_boolean(t):
        return [None if v is None else str(v).lower() for v in column.to_pylist()]
    if pa.types.is_integer(t):
        return [None if v is None else str(v) for v in column.to_pylist()]
    return [None if v is None else v.hex() for v in column.to_pylist()]


def first_difference(found, expected):
    if len(found) != len(expected):
        return f"{len(found)} rows instead of {len(expected)}"
    for row, (f, e) in enumerate(zip(found, expected)):
        if f != e:
            return f"row {row}: {f!r} instead of {e!r}"
    return None


def check_bounds(metadata, index, column, values, problems, name):
    """Holds a column's statistics against its values."""
    nulls = sum(v is None for v in values)
    seen_nulls = 0
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(index)
        statistics = chunk.statistics
        if statistics is None or not statistics.has_null_count:
            problems.append(f"{name}: no null count")
            return
        seen_nulls += statistics.null_count
        if column.get("bounds", True) and not statistics.has_min_max and nulls < len(values):
            problems.append(f"{name}: no bounds")
    if seen_nulls != nulls:
        problems.append(f"{name}: null count {seen_nulls} instead of {nulls}")
    if metadata.num_row_groups != 1 or column["order"] == "none":
        return
    statistics = metadata.row_group(0).column(index).statistics
    present = [v for v in values if v is not None]
    if column["order"] == "bytes":
        present = [bytes.fromhex(v) for v in present]
        if not present or not statistics.has_min_max:
            return
        low, high = statistics.min_raw, statistics.max_raw
        low = low.encode() if isinstance(low, str) else low
        high = high.encode() if isinstance(high, str) else high
        smallest, largest = min(present), max(present)
        if low > smallest or (len(smallest) <= 64 and low != smallest) or len(low) > 64:
            problems.append(f"{name}: lower bound {low!r} of {smallest!r}")
        if high < largest or (len(largest) <= 64 and high != largest) or len(high) > 64:
            problems.append(f"{name}: upper bound {high!r} of {largest!r}")
        if smallest != largest and len(low) == 64 and low == high:
            problems.append(f"{name}: bounds do not differ")
    elif column["order"] == "number" and present:
        scale = column.get("scale", 1)
        low, high = statistics.min_raw, statistics.max_raw
        if column["name"].startswith("uint"):  # pyarrow gives the signed number of these bits
            bits = 64 if column["name"] == "uint64" else 32
            low, high = low % (1 << bits), high % (1 << bits)
        expected = min(int(v) // scale for v in present), max(int(v) // scale for v in present)
        if (low, high) != expected:
            problems.append(f"{name}: bounds {low}, {high} instead of {expected}")
    elif column["order"] == "float":
        code = ">f" if len(present and present[0] or "") == 8 else ">d"
        numbers = [struct.unpack(code, bytes.fromhex(v))[0] for v in present]
        numbers = [v for v in numbers if not math.isnan(v)]
        if not numbers:
            if statistics.has_min_max:
                problems.append(f"{name}: bounds of no numbers")
            return
        low, high = statistics.min_raw, statistics.max_raw
        if low != min(numbers) or high != max(numbers):
            problems.append(f"{name}: bounds {low}, {high}")
        if low == 0 and math.copysign(1, low) > 0 or high == 0 and math.copysign(1, high) < 0:
            problems.append(f"{name}: zero bounds {low}, {high}")


def check(folder):
    problems = []
    with open(os.path.join(folder, "expected.json")) as file:
        cases = json.load(file)
    connection = duckdb.connect()
    connection.execute("set timezone='UTC'; set threads=1")
    for case in cases:
        path = os.path.join(folder, case["file"])
        try:
            parquet = pq.ParquetFile(path, page_checksum_verification=True)
            table = parquet.read(use_threads=False)
            table.validate(full=True)
        except Exception as error:
            problems.append(f"{case['file']}: pyarrow: {error}")
            continue
        metadata = parquet.metadata
        for key, value in case.get("keyValues", {}).items():
            if (metadata.metadata or {}).get(key.encode()) != value.encode():
                problems.append(f"{case['file']}: metadata {metadata.metadata}")
        if "rowGroups" in case and metadata.num_row_groups != case["rowGroups"]:
            problems.append(f"{case['file']}: {metadata.num_row_groups} row groups")
        if not re.fullmatch(r"cairn version \S+ \(build \S+\)", metadata.created_by):
            problems.append(f"{case['file']}: created by {metadata.created_by}")
        for index, column in enumerate(case["columns"]):
            name = f"{case['file']} {column['name']}"
            if "arrow" in column and str(table.schema.field(index).type) != column["arrow"]:
                problems.append(f"{name}: pyarrow type {table.schema.field(index).type}")
            if table.schema.field(index).nullable != column["optional"]:
                problems.append(f"{name}: nullable is not {column['optional']}")
            difference = first_difference(canonical(table.column(index)), column["values"])
            if difference:
                problems.append(f"{name}: pyarrow: {difference}")
            if "encoding" in column:
                for group in range(metadata.num_row_groups):
                    found = metadata.row_group(group).column(index).encodings
                    if column["encoding"] not in found:
                        problems.append(f"{name}: {found} instead of {column['encoding']}")
            check_bounds(metadata, index, column, column["values"], problems, name)
        try:
            found = connection.sql(f"select * from read_parquet('{path}')").to_arrow_table()
        except Exception as error:
            problems.append(f"{case['file']}: duckdb: {error}")
            continue
        for index, column in enumerate(case["columns"]):
            if not column.get("duckdb", True):
                continue
            values = canonical(found.column(index))
            if str(found.schema.field(index).type) == "string" and "uuid" in column["name"]:
                values = [
                    None if v is None else bytes.fromhex(v).decode().replace("-", "")
                    for v in values
                ]
            difference = first_difference(values, column["values"])
            if difference:
                problems.append(f"{case['file']} {column['name']}: duckdb: {difference}")
        # A filter makes DuckDB trust our bounds.
        for column in case["columns"]:
            if column["order"] != "bytes" or not column.get("arrow") == "string":
                continue
            present = [v for v in column["values"] if v is not None]
            if present:
                wanted = bytes.fromhex(max(present)).decode()
                count = connection.execute(
                    f"select count(*) from read_parquet('{path}') where \"{column['name']}\" = ?",
                    [wanted],
                ).fetchall()[0][0]
                if count != present.count(max(present)):
                    problems.append(f"{case['file']} {column['name']}: duckdb filter: {count}")
    print(json.dumps(problems))


def source_table(rows):
    """A table of every type, with nulls in different patterns."""
    def ints(bits, signed, step):
        low = -(1 << (bits - 1)) if signed else 0
        return [low + (i * step) % (1 << bits) for i in range(rows)]

    def nulls(values, pattern):
        keep = {
            "none": lambda i: True,
            "alternating": lambda i: i % 2 == 0,
            "runs": lambda i: (i // 100) % 3 != 1,
            "rare": lambda i: i % 97 != 5,
            "all": lambda i: False,
        }[pattern]
        return [v if keep(i) else None for i, v in enumerate(values)]

    words = [f"value {i * 7919 % 1000}" for i in range(rows)]
    columns = {
        "bool": (pa.bool_(), [i % 3 == 0 for i in range(rows)]),
        "bool_runs": (pa.bool_(), [i // 200 % 2 == 0 for i in range(rows)]),
        "int8": (pa.int8(), ints(8, True, 7)),
        "int16": (pa.int16(), ints(16, True, 977)),
        "int32": (pa.int32(), ints(32, True, 2654435761)),
        "int64": (pa.int64(), ints(64, True, 11400714819323198485)),
        "uint8": (pa.uint8(), ints(8, False, 7)),
        "uint16": (pa.uint16(), ints(16, False, 977)),
        "uint32": (pa.uint32(), ints(32, False, 2654435761)),
        "uint64": (pa.uint64(), ints(64, False, 11400714819323198485)),
        "counter": (pa.int64(), [1_000_000_007 * i for i in range(rows)]),
        "constant": (pa.int32(), [42] * rows),
        "float": (pa.float32(), [i / 3 for i in range(rows)]),
        "double": (pa.float64(), [(-1) ** i * i / 7 for i in range(rows)]),
        "string": (pa.string(), words),
        "unique": (pa.string(), [f"{i:08d}-{i * i}" for i in range(rows)]),
        "utf8": (pa.string(), ["żółw 🐢" * (i % 4) for i in range(rows)]),
        "binary": (pa.binary(), [bytes([i % 256]) * (i % 19) for i in range(rows)]),
        "fixed": (pa.binary(5), [struct.pack(">IB", i, i % 256) for i in range(rows)]),
        "date": (pa.date32(), [datetime.date.fromordinal(700000 + i * 13 % 40000)
                               for i in range(rows)]),
        "time_ms": (pa.time32("ms"), [i * 8_641 % 86_400_000 for i in range(rows)]),
        "time_us": (pa.time64("us"), [i * 8_640_001 % 86_400_000_000 for i in range(rows)]),
        "time_ns": (pa.time64("ns"), [i * 86_400_001 % 86_400_000_000_000 for i in range(rows)]),
        "timestamp_ms": (pa.timestamp("ms"), [i * 86_400_017 for i in range(rows)]),
        "timestamp_us": (pa.timestamp("us", "UTC"), [i * 86_400_000_017 for i in range(rows)]),
        "timestamp_ns": (pa.timestamp("ns"), [i * 86_400_000_000_017 for i in range(rows)]),
        "decimal9": (pa.decimal128(9, 2), [decimal.Decimal(i * 12345 % 10**9 - 5 * 10**8)
                                           .scaleb(-2) for i in range(rows)]),
        "decimal18": (pa.decimal128(18, 3), [decimal.Decimal(i * 10**13 - 5 * 10**16)
                                             .scaleb(-3) for i in range(rows)]),
        "decimal38": (pa.decimal128(38, 0), [decimal.Decimal((-3) ** (i % 70))
                                             for i in range(rows)]),
    }
    arrays, fields = [], []
    patterns = ["none", "alternating", "runs", "rare", "all"]
    for index, (name, (type_, values)) in enumerate(columns.items()):
        chosen = {"required": None, "optional": patterns[index % 4]}
        for kind, pattern in chosen.items():
            used = values if pattern is None else nulls(values, pattern)
            arrays.append(pa.array(used, type_))
            fields.append(pa.field(f"{name}_{kind}", type_, nullable=pattern is not None))
    arrays.append(pa.array([None] * rows, pa.string()))
    fields.append(pa.field("string_all_null", pa.string()))
    return pa.table(arrays, schema=pa.schema(fields))


def encodings_of(type_):
    encodings = ["PLAIN"]
    if pa.types.is_boolean(type_):
        return ["PLAIN", "RLE"]
    if pa.types.is_integer(type_) or pa.types.is_temporal(type_):
        encodings.append("DELTA_BINARY_PACKED")
    if pa.types.is_string(type_) or pa.types.is_binary(type_):
        encodings += ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]
    if pa.types.is_fixed_size_binary(type_):
        encodings.append("DELTA_BYTE_ARRAY")
    return encodings


def make(folder):
    cases = []
    with decimal.localcontext(decimal.Context(prec=100)):
        tables = {rows: source_table(rows) for rows in (0, 1, 503)}
    expected = {
        rows: {name: canonical(table.column(name)) for name in table.column_names}
        for rows, table in tables.items()
    }

    def add(name, rows, **options):
        pq.write_table(tables[rows], os.path.join(folder, name), **options)
        cases.append({"file": name, "table": str(rows)})

    for version in ("1.0", "2.0"):
        for codec in ("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4"):
            for dictionary in (True, False):
                add(f"arrow-v{version}-{codec}-{'dictionary' if dictionary else 'plain'}.parquet",
                    503, compression=codec, use_dictionary=dictionary,
                    data_page_version=version, write_page_checksum=codec != "GZIP")
        for rows in (0, 1):
            add(f"arrow-v{version}-{rows}-rows.parquet", rows, data_page_version=version)
        add(f"arrow-v{version}-pages.parquet", 503, data_page_version=version,
            data_page_size=200, write_batch_size=64, row_group_size=300, write_page_checksum=True)
        add(f"arrow-v{version}-fallback.parquet", 503, data_page_version=version,
            dictionary_pagesize_limit=500, data_page_size=300, write_batch_size=50)
        for turn in range(3):
            chosen = {}
            for field in tables[503].schema:
                possible = encodings_of(field.type)
                chosen[field.name] = possible[turn % len(possible)]
            add(f"arrow-v{version}-encodings-{turn}.parquet", 503, data_page_version=version,
                use_dictionary=False, column_encoding=chosen, data_page_size=1000,
                write_batch_size=100, compression="SNAPPY" if turn else "NONE")
        add(f"arrow-v{version}-decimals.parquet", 503, data_page_version=version,
            store_decimal_as_integer=True)

    connection = duckdb.connect()
    connection.execute("set timezone='UTC'; set threads=1")
    source = os.path.join(folder, "arrow-v1.0-SNAPPY-plain.parquet")
    names = [n for n in tables[503].column_names
             if not any(part in n for part in ("decimal38", "time_ns", "fixed"))]
    chosen = ", ".join(f'"{n}"' for n in names)
    for version in ("V1", "V2"):
        for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw"):
            name = f"duckdb-{version}-{codec}.parquet"
            connection.execute(
                f"copy (select {chosen} from read_parquet('{source}')) to "
                f"'{os.path.join(folder, name)}' (format parquet, codec '{codec}', "
                f"parquet_version {version})")
            cases.append({"file": name, "table": "503", "columns": names})

    import polars
    frame = polars.from_arrow(tables[503].select(
        [n for n in tables[503].column_names if "decimal" not in n and "fixed" not in n
         and "time_ms" not in n]))
    for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4"):
        name = f"polars-{codec}.parquet"
        frame.write_parquet(os.path.join(folder, name), compression=codec, data_page_size=2000)
        cases.append({"file": name, "table": "503", "columns": frame.columns})
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump({"cases": cases, "tables": {str(r): v for r, v in expected.items()}}, file)
    print("[]")


if __name__ == "__main__":
    {"check": check, "make": make}[sys.argv[1]](sys.argv[2])
