"""What pyarrow reads in Parquet files of others: the values of every column that is flat or a list.

    parquet_values.py read DIR   reads the paths in DIR/files.json; writes DIR/values.json
    parquet_values.py make DIR   makes files of random lists from the seed in DIR/files.json with
                                 pyarrow, DuckDB and polars; DIR/values.json has what was written

values.json has for each path the columns by name, or an error. A column is one text, a line a row.
A value is written as in parquet_peers.py, no value as `null`, a list as `[a,b]`. Names are those of
the schema's groups and columns joined with dots, without the groups that a list consists of. Lists
within lists are left out.
"""

import json
import os
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from parquet_peers import canonical


def texts(array):
    """The values of an array that has no children, as text."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    t = array.type
    for float_type, bits, code in ((pa.float16(), pa.uint16(), "<"), (pa.float32(), pa.uint32(), ">"),
                                   (pa.float64(), pa.uint64(), ">")):
        if t == float_type:  # by its bits, which keeps NaNs as they are
            size, order = t.bit_width // 8, "little" if code == "<" else "big"
            found = [None if v is None else v.to_bytes(size, order).hex()
                     for v in array.view(bits).to_pylist()]
            break
    else:
        if pa.types.is_date64(t):
            array = array.cast(pa.date32())
        found = canonical(array)
    return ["null" if v is None else v for v in found]


def is_list(t):
    return pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t)


def columns(name, array, rows=None):
    """Yields the columns in an array. `rows` gives each row's elements when it is inside a list."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    t = array.type
    if pa.types.is_struct(t):
        for field, child in zip(t, array.flatten()):
            yield from columns(f"{name}.{field.name}", child, rows)
    elif is_list(t) or pa.types.is_map(t):
        if rows is not None:
            return
        if pa.types.is_fixed_size_list(t):
            width = t.list_size
            offsets = [(array.offset + i) * width for i in range(len(array) + 1)]
        else:
            offsets = array.offsets.to_pylist()
        inner = [range(offsets[i], offsets[i + 1]) if valid else None
                 for i, valid in enumerate(array.is_valid().to_pylist())]
        if pa.types.is_map(t):
            yield from columns(name + ".key", array.keys, inner)
            yield from columns(name + ".value", array.items, inner)
        else:
            yield from columns(name, array.values, inner)
    else:
        found = texts(array)
        if rows is None:
            yield name, found
        else:
            yield name, ["null" if row is None else "[" + ",".join(found[i] for i in row) + "]"
                         for row in rows]


def values(table):
    found = {}
    for name, chunked in zip(table.column_names, table.columns):
        chunks = [chunk for chunk in chunked.chunks if len(chunk)]
        if not chunks:
            chunks = [pa.array([], chunked.type)]
        for chunk in chunks:
            for column, lines in columns(name, chunk):
                found.setdefault(column, []).extend(lines)
    return {name: "".join(line + "\n" for line in lines) for name, lines in found.items()}


def read(path):
    file = pq.ParquetFile(path, coerce_int96_timestamp_unit="us", page_checksum_verification=False)
    return values(file.read(use_threads=False))


def main(folder):
    with open(os.path.join(folder, "files.json")) as file:
        paths = json.load(file)
    found = {}
    for path in paths:
        try:
            found[path] = {"columns": read(path)}
        except Exception as error:
            found[path] = {"error": str(error)}
    with open(os.path.join(folder, "values.json"), "w") as file:
        json.dump(found, file)
    print("[]")


def random_lists(choose, rows):
    """A table of lists, maps and groups with lists, of values that repeat or do not."""
    words = [f"w{i}" * choose.randint(0, 4) for i in range(choose.choice([2, 40, 1000]))]
    leaves = [
        (pa.int32(), lambda: choose.randint(-2**31, 2**31 - 1)),
        (pa.int64(), lambda: choose.randint(0, 9)),
        (pa.float64(), lambda: choose.random()),
        (pa.bool_(), lambda: choose.random() < 0.8),
        (pa.string(), lambda: choose.choice(words)),
        (pa.binary(), lambda: choose.randbytes(choose.randint(0, 12))),
        (pa.binary(4), lambda: choose.randbytes(4)),
    ]

    def field(name, kind, depth=0):
        nullable = choose.random() < 0.7
        absent = choose.choice([0, 0.05, 0.5, 0.95]) if nullable else 0
        if kind == "leaf":
            t, value = choose.choice(leaves)
        elif kind == "list":
            inner, item = field("element", choose.choice(["leaf", "leaf", "leaf", "group"]), 1)
            t, most = pa.list_(inner), choose.choice([0, 1, 3, 3, 70])
            def value(): return [item() for _ in range(choose.randint(0, most))]
        elif kind == "map":
            inner, item = field("value", "leaf", 1)
            t = pa.map_(pa.string(), inner)
            def value(): return [(f"key {k}", item()) for k in range(choose.randint(0, 3))]
        else:
            kinds = ["leaf", "leaf"] if depth else ["leaf", "list"]
            parts = [field(f"f{i}", k, 1) for i, k in enumerate(kinds)]
            t = pa.struct([part for part, _ in parts])
            def value(): return {part.name: make() for part, make in parts}
        return (pa.field(name, t, nullable=nullable),
                lambda: None if choose.random() < absent else value())

    kinds = [choose.choice(["leaf", "list", "list", "list", "map", "group"]) for _ in range(5)]
    fields = [field(f"c{i}", kind) for i, kind in enumerate(kinds)]
    return pa.table([pa.array([make() for _ in range(rows)], part.type) for part, make in fields],
                    schema=pa.schema([part for part, _ in fields]))


def has_bytes_in_struct(type, inside=False):
    """Whether a struct, or a map, has a field of bytes somewhere."""
    if pa.types.is_binary(type) or pa.types.is_fixed_size_binary(type):
        return inside
    inside = inside or pa.types.is_struct(type) or pa.types.is_map(type)
    fields = [type.field(number).type for number in range(type.num_fields)]
    return any(has_bytes_in_struct(field, inside) for field in fields)


def make(folder):
    import duckdb
    import polars

    with open(os.path.join(folder, "files.json")) as file:
        seed = int(json.load(file)[0])
    connection = duckdb.connect()
    connection.execute("set threads=1")
    found = {}
    for number in range(40):
        choose = random.Random(seed * 1000 + number)
        table = random_lists(choose, choose.choice([1, 2, 9, 100, 700]))
        path = os.path.join(folder, f"{number}.parquet")
        writer = choose.choice(["arrow", "arrow", "arrow", "duckdb", "polars"])
        if writer == "polars" and any(pa.types.is_map(t) or pa.types.is_fixed_size_binary(t)
                                      for t in table.schema.types):
            writer = "arrow"  # polars has neither
        if writer == "duckdb" and any(has_bytes_in_struct(t) for t in table.schema.types):
            # DuckDB 2.0 writes a BLOB for structs that are null, before those of others: neither it
            # nor pyarrow reads the values again that were written. Here such a page is malformed.
            writer = "arrow"
        if writer == "arrow":
            pq.write_table(
                table, path, data_page_version=choose.choice(["1.0", "2.0"]),
                compression=choose.choice(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]),
                use_dictionary=choose.random() < 0.6, store_schema=choose.random() < 0.5,
                data_page_size=choose.choice([40, 1000, 1 << 20]),
                write_batch_size=choose.choice([3, 64, 1024]),
                row_group_size=choose.choice([50, 10_000]), write_page_checksum=True,
                dictionary_pagesize_limit=choose.choice([100, 1 << 20]),
                write_page_index=choose.random() < 0.5)
        elif writer == "duckdb":
            version = choose.choice(["v1", "v2"])
            connection.execute(f"copy (select * from \"table\") to '{path}' (format parquet, "
                               f"parquet_version {version}, codec 'snappy')")
        else:
            polars.from_arrow(table).write_parquet(path, compression="zstd", data_page_size=500)
        found[f"{number}.parquet"] = {"columns": values(table)}
    with open(os.path.join(folder, "values.json"), "w") as file:
        json.dump(found, file)
    print("[]")


if __name__ == "__main__":
    {"read": main, "make": make}[sys.argv[1]](sys.argv[2])
