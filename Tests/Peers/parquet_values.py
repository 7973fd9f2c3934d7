"""What pyarrow reads in Parquet files of others: the values of every column that is flat or a list.

    parquet_values.py read DIR   reads the paths in DIR/files.json; writes DIR/values.json

values.json has for each path the columns by name, or an error. A column is one text, a line a row.
A value is written as in parquet_peers.py, no value as `null`, a list as `[a,b]`. Names are those of
the schema's groups and columns joined with dots, without the groups that a list consists of. Lists
within lists are left out.
"""

import json
import os
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


if __name__ == "__main__":
    {"read": main}[sys.argv[1]](sys.argv[2])
