"""Whether other Parquet implementations and ours read the same values from each other's files.

    parquet_matrix.py check DIR    reads DIR/expected.json, and each file it lists with pyarrow,
                                   DuckDB, polars and fastparquet; prints a JSON list of what differs
    parquet_matrix.py make DIR SEED  writes files with pyarrow, DuckDB and polars, among them 200 of
                                   schemas and values drawn from the seed, and cases.json
    parquet_matrix.py compare DIR  reads DIR/found.json, what we read from those files; prints a JSON
                                   list of what differs

Columns are handed over as a pool of values in their physical type, as they lie in a file, and for
each row the place of its value in the pool, or -1; lists with offsets beside. Both sides' values are
turned into one form (see `canonical`) and compared as a whole.
"""

import datetime
import decimal
import json
import os
import random
import sys
import warnings

import numpy
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SCALES = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
WIDTHS = {"boolean": ("u1", 1), "int32": ("<i4", 4), "int64": ("<i8", 8), "float": ("<i4", 4),
          "double": ("<i8", 8)}


# Columns as they are handed over


class Blob:
    def __init__(self, path):
        self.bytes = numpy.fromfile(path, numpy.uint8)

    def array(self, place, dtype):
        start, count = place
        return numpy.frombuffer(self.bytes, dtype, count, start)


def decimals(rows, scale):
    """Big-endian two's complement numbers as decimal128(38)."""
    count, width = rows.shape
    wide = numpy.zeros((count, 16), numpy.uint8)
    if width > 16:
        rows, width = rows[:, width - 16:], 16
    wide[:, :width] = rows[:, ::-1]
    if width:
        wide[:, width:] = numpy.where(rows[:, :1] >= 0x80, 0xFF, 0)
    return pa.Array.from_buffers(
        pa.decimal128(38, scale), count, [None, pa.py_buffer(wide.tobytes())])


def pool(column, blob):
    """The values of a pool, in canonical form."""
    physical, logical = column["physical"], column.get("logical")
    if physical in WIDTHS:
        dtype, width = WIDTHS[physical]
        if logical == "unsigned":
            dtype = dtype.replace("i", "u")
        values = blob.array(column["values"], dtype)
        if physical == "boolean":
            return pa.array(values != 0)
        if logical == "decimal":
            rows = values.astype(">i8").view(numpy.uint8).reshape(-1, 8)
            return decimals(rows, column["scale"])
        if physical in ("float", "double"):
            return pa.array(values)
        if dtype == "<u8":
            return pa.array(values)
        return pa.array(values.astype("<i8") * column.get("nanoseconds", 1))
    lengths = blob.array(column["lengths"], "<u4").astype(numpy.int64)
    values = blob.array(column["values"], "u1")
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)])
    if logical == "decimal":
        if physical == "fixed" and len(lengths):
            return decimals(values.reshape(len(lengths), -1), column["scale"])
        parts = [decimals(values[a:b].reshape(1, -1), column["scale"])
                 for a, b in zip(offsets, offsets[1:])]
        return pa.concat_arrays(parts) if parts else pa.array([], pa.decimal128(38, column["scale"]))
    if logical == "float16":
        return pa.array(values.view("<i2"))
    return pa.Array.from_buffers(
        pa.large_binary(), len(lengths),
        [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(values.tobytes())])


def rows(column, blob):
    """A column that was handed over, in canonical form."""
    picks = blob.array(column["picks"], "<i4")
    values = pool(column, blob)
    if len(values) == 0:
        values = pa.nulls(1, values.type)
    taken = values.take(pa.array(numpy.maximum(picks, 0), mask=picks < 0))
    if "offsets" not in column:
        return taken
    offsets = blob.array(column["offsets"], "<u4").astype(numpy.int32)
    mask = None
    if "absent" in column:
        mask = pa.array(blob.array(column["absent"], "u1") != 0)
    return pa.ListArray.from_arrays(offsets, taken, mask=mask)


# Columns as others give them


def canonical(array, column):
    """Values of another implementation: integers as such, times in nanoseconds, floats as their
    bits, decimals as decimal128(38), everything else as bytes."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    t = array.type
    if pa.types.is_dictionary(t):
        return canonical(array.dictionary_decode(), column)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        offsets = array.offsets.to_numpy().astype(numpy.int32)
        values = canonical(array.values[offsets[0]:offsets[-1]], column)
        mask = array.is_null() if array.null_count else None
        return pa.ListArray.from_arrays(offsets - offsets[0], values, mask=mask)
    if pa.types.is_null(t) or pa.types.is_boolean(t):
        return array
    if pa.types.is_date32(t):
        return array.cast(pa.int32()).cast(pa.int64())
    if pa.types.is_time(t) or pa.types.is_timestamp(t) or pa.types.is_duration(t):
        narrow = pa.types.is_time32(t)
        numbers = array.view(pa.int32() if narrow else pa.int64()).cast(pa.int64())
        return pc.multiply(numbers, pa.scalar(SCALES[t.unit], pa.int64()))
    if pa.types.is_decimal(t):
        return array.cast(pa.decimal128(38, t.scale))
    if pa.types.is_float16(t):
        return array.view(pa.int16())
    if pa.types.is_float32(t) and column.get("logical") == "float16":  # DuckDB's
        numbers = array.fill_null(0).to_numpy(zero_copy_only=False).astype(numpy.float16)
        return pa.array(numbers.view(numpy.int16), mask=array.is_null().to_numpy(False))
    if pa.types.is_float32(t):
        return array.view(pa.int32())
    if pa.types.is_float64(t):
        return array.view(pa.int64())
    if pa.types.is_uint64(t):
        return array
    if pa.types.is_integer(t):
        return array.cast(pa.int64())
    if column.get("logical") == "uuid" and pa.types.is_string(t):  # DuckDB's text
        return pa.array([None if v is None else bytes.fromhex(v.replace("-", ""))
                         for v in array.to_pylist()], pa.large_binary())
    if pa.types.is_fixed_size_binary(t):
        return array.cast(pa.binary()).cast(pa.large_binary())
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return array.cast(pa.large_string()).cast(pa.large_binary())
    return array.cast(pa.large_binary())


def difference(found, expected):
    """What differs between two canonical columns; None if nothing does."""
    if len(found) != len(expected):
        return f"{len(found)} rows instead of {len(expected)}"
    if found.null_count == len(found) and expected.null_count == len(expected):
        return None
    if found.type != expected.type:
        if pa.types.is_decimal(found.type) or pa.types.is_decimal(expected.type):
            return f"{found.type} instead of {expected.type}"
        try:
            found = found.cast(expected.type)
        except pa.ArrowInvalid as error:
            return f"{found.type} instead of {expected.type}: {error}"
    if found.equals(expected):
        return None
    for row in range(len(found)):
        if not found[row].equals(expected[row]):
            return f"row {row}: {found[row]} instead of {expected[row]}"
    return None if found.to_pylist() == expected.to_pylist() else "something"


# Peers


class PyArrow:
    def read(self, path, names):
        file = pq.ParquetFile(path, page_checksum_verification=True)
        table = file.read(columns=names, use_threads=False)
        table.validate(full=True)
        return {name: table.column(name) for name in names}


class DuckDB:
    def __init__(self):
        import duckdb
        self.connection = duckdb.connect()
        self.connection.execute("set timezone='UTC'; set threads=1")

    def read(self, path, names):
        chosen = ", ".join(f'"{name}"' for name in names)
        table = self.connection.sql(f"select {chosen} from read_parquet('{path}')").to_arrow_table()
        return {name: table.column(name) for name in names}


class Polars:
    def read(self, path, names):
        import polars
        frame = polars.read_parquet(path, columns=names)
        return {name: frame.get_column(name).to_arrow() for name in names}


class FastParquet:
    def read(self, path, names):
        import fastparquet
        frame = fastparquet.ParquetFile(path).to_pandas(columns=names)
        return {name: pa.Array.from_pandas(frame[name]) for name in names}

    @staticmethod
    def adjust(found, expected, column):
        """Two canonical columns as far as pandas can tell: a date is a time, NaN is no value."""
        if column.get("logical") == "date" and found.type == pa.int64():
            found = pc.divide(found, 86_400 * 10**9)
        if column["physical"] in ("float", "double") and not pa.types.is_list(expected.type):
            kind = pa.float32() if column["physical"] == "float" else pa.float64()
            is_number = pc.invert(pc.is_nan(expected.view(kind)))
            expected = pc.if_else(is_number, expected, pa.scalar(None, expected.type))
        return found, expected


PEERS = {"pyarrow": PyArrow, "duckdb": DuckDB, "polars": Polars, "fastparquet": FastParquet}


def check(folder):
    warnings.simplefilter("ignore")
    problems = []
    with open(os.path.join(folder, "expected.json")) as file:
        expected = json.load(file)
    blob = Blob(os.path.join(folder, "expected.bin"))
    columns = [None] * len(expected["columns"])
    for name, peer in [(n, PEERS[n]()) for n in expected["peers"]]:
        for case in expected["files"]:
            path = os.path.join(folder, case["file"])
            wanted = [c for c in case["columns"] if name not in c["excluded"]]
            names = [c["name"] for c in wanted]
            if not names:
                continue
            try:
                found = peer.read(path, names)
            except BaseException as error:  # polars panics are no Exception
                text = str(error).splitlines()[:1]
                problems.append(f"{case['file']}: {name}: {type(error).__name__} {text}")
                for column in names if len(names) > 1 else []:
                    try:
                        peer.read(path, [column])
                    except BaseException as error:
                        problems.append(f"    because of {column}: {str(error).splitlines()[:1]}")
                continue
            for column in wanted:
                number = column["column"]
                if columns[number] is None:
                    columns[number] = rows(expected["columns"][number], blob)
                place = f"{case['file']} {column['name']} {column.get('encoding', '')}: {name}"
                try:
                    description = expected["columns"][number]
                    pair = canonical(found[column["name"]], description), columns[number]
                    if name == "fastparquet":
                        pair = FastParquet.adjust(*pair, description)
                    problem = difference(*pair)
                except Exception as error:
                    problem = f"{type(error).__name__} {error}"
                if problem:
                    problems.append(f"{place}: {problem}")
            if name == "pyarrow":
                problems += check_statistics(path, case, columns)
    for case in expected["files"]:
        for column in case["columns"]:
            parts = [rows(expected["columns"][n], blob) for n in column["parts"]]
            wanted = columns[column["column"]]
            problem = difference(pa.concat_arrays(parts) if parts else wanted.slice(0, 0), wanted)
            if problem:
                problems.append(f"{case['file']} {column['name']}: ourselves: {problem}")
    print(json.dumps(problems))


def check_statistics(path, case, columns):
    """Counts of values and nulls, as the format counts them."""
    problems = []
    metadata = pq.ParquetFile(path).metadata
    for index, column in enumerate(case["columns"]):
        array = columns[column["column"]]
        values, nulls = len(array), array.null_count
        if pa.types.is_list(array.type):
            lengths = pc.fill_null(pc.list_value_length(array), 0)
            hollow = pc.sum(pc.equal(lengths, 0)).as_py() or 0
            flat = array.flatten()
            values, nulls = len(flat) + hollow, flat.null_count + hollow
        chunks = [metadata.row_group(g).column(index) for g in range(metadata.num_row_groups)]
        found = sum(c.num_values for c in chunks), sum(c.statistics.null_count for c in chunks)
        if found != (values, nulls):
            problems.append(f"{case['file']} {column['name']}: {found} values and nulls instead "
                            f"of {values}, {nulls}")
        wanted = column.get("encoding")
        filled = [c for c in chunks if c.statistics.null_count < c.num_values]
        if wanted and any(wanted not in c.encodings for c in filled):
            problems.append(f"{case['file']} {column['name']}: {filled[0].encodings}")
    return problems


# Files of others


def drawn(choose, type_, count, distinct):
    """Values of a type, drawn from so many."""
    seeds = [choose.randrange(distinct) for _ in range(count)]
    bits = [s * 0x9E3779B97F4A7C15 % 2**64 for s in seeds]
    if pa.types.is_boolean(type_):
        return [b >> 63 == 1 for b in bits]
    if pa.types.is_unsigned_integer(type_):
        return [b >> (64 - type_.bit_width) for b in bits]
    if pa.types.is_integer(type_):
        return [(b >> (64 - type_.bit_width)) - (1 << (type_.bit_width - 1)) for b in bits]
    if pa.types.is_floating(type_):
        special = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0]
        values = [special[s] if s < 5 else s % 300_000 / 7 - 20 for s in seeds]
        return [numpy.float16(v) for v in values] if pa.types.is_float16(type_) else values
    if pa.types.is_date32(type_):
        return [datetime.date.fromordinal(600_000 + b % 200_000) for b in bits]
    if pa.types.is_time(type_):
        return [b % (86_400_000_000_000 // SCALES[type_.unit]) for b in bits]
    if pa.types.is_timestamp(type_):
        return [(b % 2**62 - 2**61) // SCALES[type_.unit] for b in bits]
    if pa.types.is_decimal(type_):
        most = 10 ** type_.precision
        return [decimal.Decimal(s * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (2 * most) - most + (s == 0))
                .scaleb(-type_.scale) for s in seeds]
    if pa.types.is_fixed_size_binary(type_):
        return [b.to_bytes(8, "big").rjust(type_.byte_width, b"\x80")[-type_.byte_width:]
                for b in bits]
    texts = [f"value {s}" if s % 5 else "ż" * (s % 40) for s in seeds]
    return [t.encode() for t in texts] if pa.types.is_binary(type_) else texts


TYPES = {
    "bool": pa.bool_(), "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(),
    "int64": pa.int64(), "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(),
    "uint64": pa.uint64(), "half": pa.float16(), "float": pa.float32(), "double": pa.float64(),
    "string": pa.string(), "binary": pa.binary(), "fixed": pa.binary(5), "date": pa.date32(),
    "time_ms": pa.time32("ms"), "time_us": pa.time64("us"), "time_ns": pa.time64("ns"),
    "ts_ms": pa.timestamp("ms"), "ts_us": pa.timestamp("us", "UTC"), "ts_ns": pa.timestamp("ns"),
    "decimal9": pa.decimal128(9, 2), "decimal18": pa.decimal128(18, 3),
    "decimal38": pa.decimal128(38, 5),
}
PATTERNS = {
    "required": lambda i, n: False, "none": lambda i, n: False, "all": lambda i, n: True,
    "alternating": lambda i, n: i % 2 == 1, "runs": lambda i, n: i // 70 % 3 == 1,
    "rare": lambda i, n: i % 97 == 5, "ends": lambda i, n: i in (0, n - 1),
}


def encodings(type_):
    found = ["PLAIN"]
    if pa.types.is_boolean(type_):
        return found + ["RLE"]
    if pa.types.is_floating(type_) or pa.types.is_integer(type_) or pa.types.is_decimal(type_):
        found.append("BYTE_STREAM_SPLIT")
    if pa.types.is_integer(type_) or (pa.types.is_temporal(type_)):
        found.append("DELTA_BINARY_PACKED")
    if pa.types.is_string(type_) or pa.types.is_binary(type_):
        found += ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]
    if pa.types.is_fixed_size_binary(type_) and not pa.types.is_decimal(type_):
        found += ["BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY"]
    return found


def table(choose, names, patterns, count, distinct):
    """A table of every type with every pattern of nulls."""
    arrays, fields = [], []
    for name in names:
        type_ = TYPES[name]
        for pattern in patterns:
            values = drawn(choose, type_, count, distinct)
            is_null = PATTERNS[pattern]
            nulls = numpy.array([is_null(i, count) for i in range(count)], bool)
            if pa.types.is_float16(type_):
                array = pa.array(numpy.array(values, numpy.float16), type_, mask=nulls)
            else:
                array = pa.array([None if n else v for v, n in zip(values, nulls)], type_)
            arrays.append(array)
            fields.append(pa.field(f"{name}_{pattern}", type_, nullable=pattern != "required"))
    return pa.table(arrays, schema=pa.schema(fields))


class Maker:
    def __init__(self, folder):
        import duckdb
        import polars
        self.folder = folder
        self.cases = []
        self.connection = duckdb.connect()
        self.connection.execute("set timezone='UTC'; set threads=1")
        self.polars = polars

    def add(self, name, contents, columns):
        """Keeps what a file holds for `compare`: as the IPC of the table it was made from."""
        kept = contents.select(columns)
        with pa.OSFile(os.path.join(self.folder, name + ".arrow"), "wb") as sink:
            with pa.ipc.new_file(sink, kept.schema) as writer:
                writer.write_table(kept)
        self.cases.append(name)

    def pyarrow(self, name, contents, turn=None, **options):
        if turn is not None:
            options["use_dictionary"] = False
            options["column_encoding"] = {
                field.name: encodings(field.type)[turn % len(encodings(field.type))]
                for field in contents.schema}
        pq.write_table(contents, os.path.join(self.folder, name), **options)
        self.add(name, contents, contents.column_names)

    def duckdb(self, name, contents, **options):
        # DuckDB has neither of these types, and would write other values.
        columns = [f.name for f in contents.schema
                   if f.type not in (pa.time64("ns"), pa.binary(5), pa.float16())]
        chosen = contents.select(columns)  # noqa: F841: DuckDB finds it by its name
        given = "".join(f", {key} {value}" for key, value in options.items())
        self.connection.execute(
            f"copy (select * from chosen) to '{os.path.join(self.folder, name)}' "
            f"(format parquet{given})")
        self.add(name, contents, columns)

    def polars_(self, name, contents, **options):
        # polars has no fixed-size binary, and other resolutions of times.
        columns = [f.name for f in contents.schema if f.type not in (pa.binary(5), pa.time32("ms"))]
        frame = self.polars.from_arrow(contents.select(columns))
        frame.write_parquet(os.path.join(self.folder, name), **options)
        self.add(name, contents, columns)


def make(folder, seed):
    choose = random.Random(seed)
    maker = Maker(folder)
    names, patterns = list(TYPES), list(PATTERNS)
    sizes = [0, 1, 7, 8, 9, 63, 64, 65, 129, 400]
    tables = [table(choose, names, patterns, size, distinct)
              for size in sizes for distinct in (3, 10**9)]
    turn = 0
    for version in ("1.0", "2.0"):
        for codec in ("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4", "BROTLI"):
            for encoding in (None, "dictionary", 0, 1, 2):
                if codec == "BROTLI" and encoding not in (None, 1):
                    continue
                contents = tables[turn * 7 % len(tables)]
                turn += 1
                options = {"compression": codec, "data_page_version": version,
                           "write_page_checksum": True}
                if encoding is None:
                    options |= {"use_dictionary": False}
                elif encoding == "dictionary":
                    options |= {"dictionary_pagesize_limit": [1 << 20, 100][turn % 2]}
                else:
                    options["turn"] = encoding
                if turn % 3 == 0:
                    options |= {"data_page_size": 64, "write_batch_size": 16, "row_group_size": 150}
                maker.pyarrow(f"arrow-{version}-{codec}-{encoding}-{turn}.parquet", contents,
                              **options)
    for version in ("V1", "V2"):
        for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"):
            for contents in (tables[turn % len(tables)], tables[-1], tables[-2]):
                turn += 1
                maker.duckdb(f"duckdb-{version}-{codec}-{turn}.parquet", contents, codec=codec,
                             parquet_version=version, row_group_size=150)
    for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4", "brotli"):
        for contents in (tables[turn % len(tables)], tables[-1], tables[-2]):
            turn += 1
            maker.polars_(f"polars-{codec}-{turn}.parquet", contents, compression=codec,
                          data_page_size=[100, 1 << 20][turn % 2], row_group_size=150)
    large = pa.table({
        "id": pa.array(numpy.arange(1_000_000) * 7, pa.int64()),
        "double": pa.array(numpy.arange(1_000_000) / 3, mask=numpy.arange(1_000_000) % 11 == 0),
        "few": pa.array(numpy.arange(1_000_000) % 1000).cast(pa.string()),
    })
    maker.pyarrow("arrow-large.parquet", large, row_group_size=400_000)
    maker.duckdb("duckdb-large.parquet", large)
    maker.polars_("polars-large.parquet", large)
    for number in range(200):
        chosen = random.Random(f"{seed} {number}")
        contents = table(chosen, chosen.sample(names, chosen.randint(1, 6)),
                         chosen.sample(patterns, chosen.randint(1, 2)),
                         chosen.choice(sizes + [chosen.randint(0, 600)]),
                         chosen.choice([1, 2, 20, 10**9]))
        name = f"random-{seed}-{number}.parquet"
        writer = chosen.choice(["pyarrow", "pyarrow", "duckdb", "polars"])
        if writer == "pyarrow":
            maker.pyarrow(
                f"arrow-{name}", contents, chosen.choice([None, 0, 1, 2, 3]),
                data_page_version=chosen.choice(["1.0", "2.0"]),
                compression=chosen.choice(["NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4"]),
                data_page_size=chosen.choice([1, 50, 1000, 1 << 20]),
                write_batch_size=chosen.choice([1, 10, 1024]),
                dictionary_pagesize_limit=chosen.choice([20, 1 << 20]),
                row_group_size=chosen.choice([7, 64, 1000]),
                write_statistics=chosen.choice([True, False]),
                store_decimal_as_integer=chosen.choice([True, False]))
            continue
        columns = [f for f in contents.schema
                   if f.type not in (pa.binary(5), pa.time32("ms"), pa.time64("ns"), pa.float16())]
        if not columns:
            continue
        contents = contents.select([f.name for f in columns])
        if writer == "duckdb":
            maker.duckdb(f"duckdb-{name}", contents, parquet_version=chosen.choice(["V1", "V2"]),
                         codec=chosen.choice(["uncompressed", "snappy", "gzip", "zstd", "lz4_raw"]))
        else:
            maker.polars_(f"polars-{name}", contents,
                          compression=chosen.choice(["uncompressed", "snappy", "gzip", "zstd"]),
                          data_page_size=chosen.choice([1, 50, 1000, 1 << 20]))
    with open(os.path.join(folder, "cases.json"), "w") as file:
        json.dump(maker.cases, file)
    print("[]")


def compare(folder):
    problems = []
    with open(os.path.join(folder, "found.json")) as file:
        found = json.load(file)
    blob = Blob(os.path.join(folder, "found.bin"))
    for case in found["files"]:
        with pa.memory_map(os.path.join(folder, case["file"] + ".arrow")) as source:
            expected = pa.ipc.open_file(source).read_all()
        if [c["name"] for c in case["columns"]] != expected.column_names:
            problems.append(f"{case['file']}: columns {[c['name'] for c in case['columns']]}")
            continue
        for column in case["columns"]:
            name = column["name"]
            wanted = canonical(expected.column(name), column)
            parts = [rows(found["columns"][n], blob) for n in column["parts"]]
            values = pa.concat_arrays(parts) if parts else pa.array([], wanted.type)
            problem = difference(values, wanted)
            if problem:
                problems.append(f"{case['file']} {name}: {problem}")
    print(json.dumps(problems))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        with decimal.localcontext(decimal.Context(prec=100)):
            make(sys.argv[2], sys.argv[3])
    else:
        {"check": check, "compare": compare}[sys.argv[1]](sys.argv[2])
