"""Holds the page indexes of Parquet files against their pages and the values that pyarrow reads.

    parquet_page_index.py check DIR   reads DIR/files.json, a list of file names, and prints a JSON
                                      list of what is wrong

Thrift's compact protocol is parsed here by itself, so that a mistake in our own reader and writer
cannot hide.
"""

import json
import math
import os
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq


class Thrift:
    """A value of Thrift's compact protocol: structs as dictionaries by field number."""

    def __init__(self, data, position=0):
        self.data = data
        self.position = position

    def byte(self):
        self.position += 1
        return self.data[self.position - 1]

    def varint(self):
        result = shift = 0
        while True:
            byte = self.byte()
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind, in_list=False):
        if kind in (1, 2):
            return self.byte() == 1 if in_list else kind == 1
        if kind == 3:
            return struct.unpack("b", bytes([self.byte()]))[0]
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 7:
            self.position += 8
            return struct.unpack("<d", self.data[self.position - 8 : self.position])[0]
        if kind == 8:
            length = self.varint()
            self.position += length
            return self.data[self.position - length : self.position]
        if kind in (9, 10):
            head = self.byte()
            count = head >> 4
            if count == 15:
                count = self.varint()
            return [self.value(head & 15, True) for _ in range(count)]
        assert kind == 12, kind
        fields = {}
        last = 0
        while True:
            head = self.byte()
            if head == 0:
                return fields
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)


def key(column, physical):
    """How bounds of a column are decoded, and its values as what they are compared as."""
    t = column.type
    if physical == 0:
        return lambda b: b[0] == 1, column.to_pylist()
    if physical in (1, 2):
        unsigned = pa.types.is_unsigned_integer(t)
        decode = lambda b: int.from_bytes(b, "little", signed=not unsigned)
        if pa.types.is_decimal(t):
            return decode, [None if v is None else int(v.scaleb(t.scale)) for v in column.to_pylist()]
        if pa.types.is_integer(t):
            return decode, column.to_pylist()
        wide = column.view(pa.int32() if physical == 1 else pa.int64())
        return decode, wide.to_pylist()
    if physical in (4, 5):
        form = "<f" if physical == 4 else "<d"
        return lambda b: struct.unpack(form, b)[0], column.to_pylist()
    if pa.types.is_decimal(t):
        decode = lambda b: int.from_bytes(b, "big", signed=True)
        return decode, [None if v is None else int(v.scaleb(t.scale)) for v in column.to_pylist()]
    if pa.types.is_float16(t):
        return lambda b: struct.unpack("<e", b)[0], [None if v is None else float(v) for v in column.to_pylist()]
    if pa.types.is_string(t):
        column = column.cast(pa.binary())
    return lambda b: b, column.to_pylist()


def check_chunk(data, chunk, values, decode, problem):
    pages = Thrift(data, chunk[4]).value(12)
    locations = pages[1]
    end = len(values)
    if locations[0][3] != 0:
        problem("the first page does not start at row 0")
    bounds = None
    if 6 in chunk:
        parser = Thrift(data, chunk[6])
        bounds = parser.value(12)
        if parser.position - chunk[6] != chunk[7]:
            problem("the column index has another length")
        for field in (1, 2, 3, 5, 8):
            if field in bounds and len(bounds[field]) != len(locations):
                problem(f"list {field} of the column index has another length")
    for i, page in enumerate(locations):
        first = page[3]
        last = locations[i + 1][3] if i + 1 < len(locations) else end
        parser = Thrift(data, page[1])
        header = parser.value(12)
        if header[1] not in (0, 3) or parser.position - page[1] + header[3] != page[2]:
            problem(f"page {i} is not where the offset index says")
        count = header[5][1] if header[1] == 0 else header[8][1]
        if count != last - first:
            problem(f"page {i} has {count} values instead of {last - first}")
        part = values[first:last]
        if bounds is None:
            continue
        present = [v for v in part if v is not None]
        if bounds[1][i] != (not present):
            problem(f"page {i}: null_pages is {bounds[1][i]}")
        if bounds[5][i] != len(part) - len(present):
            problem(f"page {i}: null_counts is {bounds[5][i]}")
        numbers = [v for v in present if not (isinstance(v, float) and math.isnan(v))]
        if 8 in bounds and bounds[8][i] != len(present) - len(numbers):
            problem(f"page {i}: nan_counts is {bounds[8][i]}")
        if present:
            low, high = decode(bounds[2][i]), decode(bounds[3][i])
            if any(v < low or v > high for v in numbers) or not numbers:
                problem(f"page {i}: {low} and {high} are no bounds")
        elif bounds[2][i] or bounds[3][i]:
            problem(f"page {i} has no values, but bounds")
    if bounds is not None and bounds[4] != 0:
        for field in (2, 3):
            found = [decode(b) for b, none in zip(bounds[field], bounds[1]) if not none]
            if found != sorted(found, reverse=bounds[4] == 2):
                problem(f"bounds are not in the order {bounds[4]}")
    return len(locations)


def check(folder):
    with open(os.path.join(folder, "files.json")) as file:
        files = json.load(file)
    problems = []
    pages = 0
    for name in files:
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        length = struct.unpack("<I", data[-8:-4])[0]
        footer = Thrift(data, len(data) - 8 - length).value(12)
        reader = pq.ParquetFile(path)
        for g, group in enumerate(footer[4]):
            table = reader.read_row_group(g)
            for c, chunk in enumerate(group[1]):
                if 4 not in chunk:
                    continue
                where = f"{name}, row group {g}, {table.column_names[c]}"
                column = table.column(c).combine_chunks()
                if isinstance(column.type, pa.BaseExtensionType):
                    column = column.storage
                decode, values = key(column, chunk[3][1])
                pages += check_chunk(
                    data, chunk, values, decode, lambda text: problems.append(f"{where}: {text}")
                )
    if pages < 100:
        problems.append(f"only {pages} pages were checked")
    return problems


if __name__ == "__main__":
    print(json.dumps({"check": check}[sys.argv[1]](sys.argv[2])))
