"""Which rows other Parquet implementations choose by random predicates.

    parquet_filter_peers.py make DIR    writes files with pyarrow, DuckDB and polars, and
                                        expected.json: random predicates of the seed in
                                        DIR/seed.json with the rows that pyarrow chooses
    parquet_filter_peers.py check DIR   reads the files of ours that DIR/ours.json lists, by the
                                        same predicates, with DuckDB and pyarrow; prints a JSON list
                                        of what differs
    parquet_filter_peers.py probe DIR   asks DuckDB what the bloom filters of the files that
                                        DIR/probe.json lists exclude

A predicate is a JSON tree of {"op", "column", "value"}, {"and": [a, b]}, {"or": [a, b]} and
{"not": a}. A value is {"int"}, {"double"}, {"string"}, {"bytes"}, {"bool"}, {"decimal"}, {"date"},
{"time"} or {"timestamp"}.
"""

import datetime
import decimal
import json
import math
import os
import random
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

UNITS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def types():
    """The columns of a table: name, type, and a value from a random number generator."""
    epoch = 1_700_000_000
    return [
        ("i32", pa.int32(), lambda r: r.randint(-50, 50)),
        ("i64", pa.int64(), lambda r: r.choice([r.randint(-(2**63), 2**63 - 1), r.randint(0, 9)])),
        ("u8", pa.uint8(), lambda r: r.randint(0, 255)),
        ("u32", pa.uint32(), lambda r: r.randint(0, 2**32 - 1)),
        ("u64", pa.uint64(), lambda r: r.randint(2**62, 2**64 - 1)),
        ("f32", pa.float32(), lambda r: special(r, r.randint(-40, 40) / 4)),
        ("f64", pa.float64(), lambda r: special(r, r.randint(-40, 40) / 4)),
        ("f16", pa.float16(), lambda r: special(r, r.randint(-40, 40) / 4)),
        ("text", pa.string(), lambda r: r.choice(["", "a", "ab", "żółw", "\U0001f422", "zz"]) * r.randint(0, 3)),
        ("long", pa.string(), lambda r: "ÿ" * 40 + str(r.randint(0, 99))),
        ("bytes", pa.binary(), lambda r: bytes([255] * r.randint(0, 80) + [r.randint(0, 255)])),
        ("fixed", pa.binary(3), lambda r: bytes([r.randint(0, 255), 0, r.randint(0, 3)])),
        ("flag", pa.bool_(), lambda r: r.random() < 0.3),
        ("dec9", pa.decimal128(9, 2), lambda r: decimal.Decimal(r.randint(-9999, 9999)) / 100),
        ("dec18", pa.decimal128(18, 3), lambda r: decimal.Decimal(r.randint(-(10**17), 10**17)) / 1000),
        ("dec38", pa.decimal128(38, 5), lambda r: decimal.Decimal(r.choice([-1, 1]) * r.randint(0, 10**r.randint(1, 30))).scaleb(-5)),
        ("day", pa.date32(), lambda r: datetime.date(2020, 1, 1) + datetime.timedelta(r.randint(-30000, 3000))),
        ("ms", pa.timestamp("ms"), lambda r: (epoch + r.randint(-(10**9), 10**9)) * UNITS["ms"]),
        ("us", pa.timestamp("us", "UTC"), lambda r: (epoch + r.randint(-(10**9), 10**9)) * UNITS["us"] + r.randint(0, 9)),
        ("ns", pa.timestamp("ns"), lambda r: (epoch + r.randint(-(10**9), 10**9)) * UNITS["ns"] + r.randint(0, 9)),
        ("clock", pa.time32("ms"), lambda r: r.randint(0, 86_399_999)),
    ]


def special(r, number):
    return r.choice([math.nan, math.inf, -math.inf, 0.0, -0.0]) if r.random() < 0.15 else number


def table(seed, rows):
    """A table whose columns are sorted, in runs or in disorder, with more or fewer nulls."""
    r = random.Random(seed)
    columns = {"row": pa.array(range(rows), pa.int64())}
    for name, kind, value in types():
        values = [value(r) for _ in range(rows)]
        shape = r.choice(["sorted", "runs", "any", "any"])
        if shape == "sorted" and name not in ("f32", "f64", "f16"):
            values.sort()
        if shape == "runs":
            values = [values[i // 40] for i in range(rows)]
        share = r.choice([0, 0, 0.02, 0.5])
        run = r.choice([1, 70])
        gaps = [r.random() < share for _ in range(rows // run + 1)]
        values = [None if gaps[i // run] else v for i, v in enumerate(values)]
        if name in ("dec9", "dec18", "dec38"):
            with decimal.localcontext(decimal.Context(prec=60)):
                values = [None if v is None else v.quantize(decimal.Decimal(1).scaleb(-kind.scale)) for v in values]
        columns[name] = pa.array(values, kind)
    inner = pa.array([None if r.random() < 0.3 else r.randint(0, 5) for _ in range(rows)], pa.int32())
    mask = pa.array([r.random() < 0.2 for _ in range(rows)])
    columns["s"] = pa.StructArray.from_arrays([inner], names=["a"], mask=mask)
    columns["none"] = pa.nulls(rows, pa.int32())
    return pa.table(columns)


# Predicates


def literal(kind, value):
    """A literal in JSON for a value of a column of arrow type `kind`."""
    if pa.types.is_boolean(kind):
        return {"bool": value}
    if pa.types.is_integer(kind):
        return {"int": str(value)}
    if pa.types.is_floating(kind):
        return {"double": repr(float(value))}
    if pa.types.is_string(kind):
        return {"string": value}
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return {"bytes": value.hex()}
    if pa.types.is_decimal(kind):
        return {"decimal": [str(int(value.scaleb(kind.scale))), kind.scale]}
    if pa.types.is_date32(kind):
        return {"date": (value - datetime.date(1970, 1, 1)).days}
    if pa.types.is_time32(kind):
        return {"time": [value, "ms"]}
    return {"timestamp": [value, kind.unit]}


def leaf(r, t, names):
    name = r.choice(names)
    if r.random() < 0.12:
        return {"op": "null", "column": name}
    array = flat(t, name)
    kind = array.type
    draw = dict((n, v) for n, _, v in types()).get(name, lambda r: r.randint(-1, 6))

    def value():
        # One that is there, or any.
        if r.random() < 0.6 and len(array):
            found = plain(array[r.randrange(len(array))])
            if found is not None:
                return found
        drawn = draw(r)
        if pa.types.is_decimal(kind):
            drawn = drawn.quantize(decimal.Decimal(1).scaleb(-kind.scale))
        return drawn

    with decimal.localcontext(decimal.Context(prec=60)):
        if r.random() < 0.15:
            values = [value() for _ in range(r.randint(0, 6))]
            if pa.types.is_floating(kind):
                values = [v for v in values if not math.isnan(v)]
            return {"op": "in", "column": name, "value": [literal(kind, v) for v in values]}
        op = r.choice(["==", "==", "!=", "<", "<=", ">", ">="])
        if name in ("i32", "u8") and r.random() < 0.2:
            return {"op": op, "column": name, "value": {"double": repr(value() + 0.5)}}
        return {"op": op, "column": name, "value": literal(kind, value())}


def predicate(r, t, names, depth):
    if depth == 0 or r.random() < 0.3:
        return leaf(r, t, names)
    kind = r.choice(["and", "or", "and", "or", "not"])
    if kind == "not":
        return {"not": predicate(r, t, names, depth - 1)}
    return {kind: [predicate(r, t, names, depth - 1), predicate(r, t, names, depth - 1)]}


def flat(t, name):
    column = t.column(name.split(".")[0]).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return pc.struct_field(column, "a") if "." in name else column


def plain(scalar):
    """A Python value; of times the stored number."""
    kind = scalar.type
    if pa.types.is_timestamp(kind) or pa.types.is_time32(kind):
        return scalar.value if scalar.is_valid else None
    value = scalar.as_py()
    return float(value) if value is not None and pa.types.is_floating(kind) else value


def scalar(kind, value):
    (form, given), = value.items()
    if form == "int":
        return pa.scalar(int(given), kind)
    if form == "double":
        return pa.scalar(float(given), pa.float64())
    if form == "bytes":
        return pa.scalar(bytes.fromhex(given), kind)
    if form == "decimal":
        with decimal.localcontext(decimal.Context(prec=60)):
            return pa.scalar(decimal.Decimal(given[0]).scaleb(-given[1]), kind)
    if form == "date":
        return pa.scalar(given, pa.int32()).cast(pa.date32())
    if form in ("time", "timestamp"):
        return pa.scalar(given[0], kind)
    return pa.scalar(given, kind)


COMPARE = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def truths(t, node):
    """The truth of a predicate for each row, with three values."""
    if "and" in node:
        return pc.and_kleene(truths(t, node["and"][0]), truths(t, node["and"][1]))
    if "or" in node:
        return pc.or_kleene(truths(t, node["or"][0]), truths(t, node["or"][1]))
    if "not" in node:
        return pc.invert(truths(t, node["not"]))
    column = flat(t, node["column"])
    if node["op"] == "null":
        return pc.is_null(column)
    kind = column.type
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        column, kind = column.cast(pa.float64()), pa.float64()
    if node["op"] == "in":
        result = pa.array([None if not v.is_valid else False for v in column], pa.bool_())
        for value in node["value"]:
            result = pc.or_kleene(result, pc.equal(column, scalar(kind, value)))
        return result
    return COMPARE[node["op"]](column, scalar(kind, node["value"]))


def chosen(t, node):
    return t.column("row").filter(pc.fill_null(truths(t, node), False)).to_pylist()


# Commands


def writers(folder, name, t, r):
    """Writes a table in several ways; gives (file, columns) of each."""
    files = []
    names = [n for n in t.column_names if n != "s"] + ["s.a"]
    for index in range(3):
        file = f"{name}-arrow{index}.parquet"
        filters = r.sample(["row", "i32", "u64", "f64", "f32", "text", "fixed", "dec9", "dec38", "day", "us"], 6)
        pq.write_table(
            t,
            os.path.join(folder, file),
            row_group_size=r.choice([97, 400, 10_000]),
            use_dictionary=r.choice([True, False, ["i32", "text", "long"]]),
            compression=r.choice(["none", "snappy", "zstd"]),
            data_page_version=r.choice(["1.0", "2.0"]),
            data_page_size=r.choice([64, 400, 1 << 20]),
            write_batch_size=r.choice([7, 64]),
            write_page_index=r.random() < 0.8,
            store_decimal_as_integer=r.random() < 0.5,
            use_deprecated_int96_timestamps=index == 2,
            bloom_filter_options={c: {"ndv": len(t), "fpp": 0.05} for c in filters},
        )
        files.append((file, names))
    plain_names = [n for n in names if n not in ("f16", "s.a")]
    file = f"{name}-duckdb.parquet"
    view = t.select(plain_names)
    view = view.set_column(
        view.column_names.index("fixed"), "fixed", view.column("fixed").cast(pa.binary())
    )
    connection = duckdb.connect()
    connection.register("view", view)
    version = r.choice(["V1", "V2"])
    connection.execute(
        f"COPY view TO '{os.path.join(folder, file)}' (FORMAT parquet, ROW_GROUP_SIZE 2048, PARQUET_VERSION {version})"
    )
    # DuckDB has no such type and writes local timestamps for those in UTC and times in microseconds.
    files.append((file, [n for n in plain_names if n not in ("clock",)]))
    file = f"{name}-polars.parquet"
    view = t.select([n for n in plain_names if n not in ("fixed", "dec9", "dec18", "dec38", "clock", "none")])
    polars.from_arrow(view).write_parquet(
        os.path.join(folder, file), row_group_size=r.choice([150, 5000]), data_page_size=r.choice([256, None])
    )
    files.append((file, view.column_names))
    return files


def make(folder):
    with open(os.path.join(folder, "seed.json")) as file:
        seed = json.load(file)
    cases = []
    for index in range(seed["tables"]):
        r = random.Random(seed["seed"] + index)
        t = table(seed["seed"] + index, r.choice([1, 60, 700, 2500]))
        for file, names in writers(folder, f"t{index}", t, r):
            predicates = []
            for _ in range(seed["predicates"]):
                node = predicate(r, t, names, r.randint(0, 3))
                predicates.append({"predicate": node, "rows": chosen(t, node)})
            cases.append({"file": file, "table": f"t{index}", "predicates": predicates})
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(cases, file)
    return []


def sql(node):
    """The predicate in DuckDB's SQL, or None if it speaks of what DuckDB sees otherwise."""
    for form in ("and", "or"):
        if form in node:
            parts = [sql(part) for part in node[form]]
            return None if None in parts else "(" + f" {form} ".join(parts) + ")"
    if "not" in node:
        part = sql(node["not"])
        return None if part is None else f"(not {part})"
    column = node["column"]
    # NaN is a number to DuckDB; it has no float16; and `fixed` it compares as text.
    if column in ("f16", "f32", "f64"):
        return None
    name = "s.a" if column == "s.a" else f'"{column}"'
    if node["op"] == "null":
        return f"({name} is null)"

    def text(value):
        (form, given), = value.items()
        if form in ("int", "double"):
            return given
        if form == "bool":
            return str(given).lower()
        if form == "string":
            return "'" + given + "'"
        if form == "bytes":
            return "'" + "".join(f"\\x{b:02X}" for b in bytes.fromhex(given)) + "'::BLOB"
        if form == "decimal":
            exact = decimal.Context(prec=60)
            return format(decimal.Decimal(given[0]).scaleb(-given[1], exact), "f")
        if form == "date":
            return f"(DATE '1970-01-01' + {given})"
        if form == "time":
            return None
        count, unit = given
        if unit == "ns":
            return f"make_timestamp_ns({count})"
        made = f"make_timestamp({count * (1000 if unit == 'ms' else 1)})"
        return made + " AT TIME ZONE 'UTC'" if column == "us" else made

    if node["op"] == "in":
        values = [text(v) for v in node["value"]]
        if not values or None in values:
            return None
        return f"({name} in ({', '.join(values)}))"
    value = text(node["value"])
    return None if value is None else f"({name} {node['op']} {value})"


def check(folder):
    with open(os.path.join(folder, "expected.json")) as file:
        cases = {case["file"]: case for case in json.load(file)}
    with open(os.path.join(folder, "ours.json")) as file:
        ours = json.load(file)
    problems = []
    compared = 0
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for entry in ours:
        path = os.path.join(folder, entry["file"])
        t = pq.read_table(path)
        for item in cases[entry["like"]]["predicates"]:
            condition = sql(item["predicate"])
            if condition is None:
                continue
            # We write no groups: the column's own name has the dot.
            condition = condition.replace("s.a", '"s.a"')
            try:
                rows = connection.execute(
                    f"SELECT row FROM read_parquet('{path}') WHERE {condition} ORDER BY row"
                ).fetchall()
            except duckdb.Error as error:
                problems.append(f"{entry['file']} {condition}: {error}")
                continue
            compared += 1
            if [row[0] for row in rows] != item["rows"]:
                problems.append(f"{entry['file']}: DuckDB chooses other rows where {condition}")
        if t.column("row").to_pylist() != list(range(len(t))):
            problems.append(f"{entry['file']}: pyarrow reads other rows")
    if ours and not compared:
        problems.append("nothing was compared")
    return problems


def probe(folder):
    """For each column and value: whether DuckDB finds it excluded in every row group."""
    with open(os.path.join(folder, "probe.json")) as file:
        cases = json.load(file)
    problems = []
    for case in cases:
        path = os.path.join(folder, case["file"])
        excluded = 0
        for value in case["present"] + case["absent"]:
            rows = duckdb.execute(
                f"SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe('{path}', '{case['column']}', {value})"
            ).fetchall()
            if rows[0][0] is None:
                problems.append(f"{case['column']}: DuckDB sees no filter")
                break
            if value in case["present"] and rows[0][0]:
                problems.append(f"{case['column']}: {value} is there, but excluded")
            excluded += bool(rows[0][0])
        if excluded < 0.8 * len(case["absent"]):
            problems.append(f"{case['column']}: only {excluded} of {len(case['absent'])} are excluded")
    return problems


if __name__ == "__main__":
    print(json.dumps({"make": make, "check": check, "probe": probe}[sys.argv[1]](sys.argv[2])))
