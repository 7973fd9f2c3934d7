"""Converts a delimited file to Parquet with DuckDB; prints the seconds of the query alone."""

import json
import sys
import time

import duckdb

source, target, delimiter = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET threads = 2")
start = time.perf_counter()
connection.execute(
    f"COPY (FROM read_csv('{source}', delim = '{delimiter}', all_varchar = true, quote = '', "
    f"header = true)) TO '{target}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 10240)"
)
print(json.dumps({"seconds": time.perf_counter() - start}))
