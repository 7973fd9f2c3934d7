"""Prints how large pyarrow makes an extract with zstd, by rows of a row group."""

import json
import os
import sys

import pyarrow
import pyarrow.parquet

source, target = sys.argv[1:]
with open(source, encoding="utf-8", newline="\n") as file:
    names = next(file).rstrip("\n").split("~^")
    columns = [[] for _ in names]
    for line in file:
        for column, field in zip(columns, line.rstrip("\n").split("~^"), strict=True):
            column.append(field or None)
table = pyarrow.table(
    {name: pyarrow.array(column, pyarrow.string()) for name, column in zip(names, columns)}
)
del columns
sizes = {}
for rows in (10_000, 50_000):
    pyarrow.parquet.write_table(table, target, compression="zstd", row_group_size=rows)
    sizes[str(rows)] = os.path.getsize(target)
print(json.dumps(sizes))
