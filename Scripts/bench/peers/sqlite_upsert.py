"""Upserts an extract into SQLite with Python's sqlite3; prints the seconds of executemany and
commit alone: the rows are in memory before."""

import json
import sqlite3
import sys
import time

source, database, key = sys.argv[1:]
with open(source, encoding="utf-8", newline="\n") as file:
    names = [name.lower().replace(" ", "_") for name in next(file).rstrip("\n").split("~^")]
    rows = [
        tuple(field or None for field in line.rstrip("\n").split("~^")) for line in file
    ]

connection = sqlite3.connect(database)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
columns = ", ".join(f"{name} TEXT" for name in names if name != key)
connection.execute(f"CREATE TABLE t ({key} TEXT PRIMARY KEY NOT NULL, {columns})")
connection.commit()
updates = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
places = ", ".join("?" for _ in names)
statement = (
    f"INSERT INTO t ({', '.join(names)}) VALUES ({places}) "
    f"ON CONFLICT ({key}) DO UPDATE SET {updates}"
)
start = time.perf_counter()
connection.executemany(statement, rows)
connection.commit()
seconds = time.perf_counter() - start
count = connection.execute("SELECT count(*) FROM t").fetchone()[0]
print(json.dumps({"seconds": seconds, "rows": len(rows), "target_rows": count}))
