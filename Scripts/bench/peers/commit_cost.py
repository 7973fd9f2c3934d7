"""Commits a small UPDATE many times with Python's sqlite3 or psycopg2; prints the median of
their seconds: what the database itself asks for, whoever asks."""

import json
import statistics
import sys
import time

kind, place, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "sqlite":
    import sqlite3

    connection = sqlite3.connect(place, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY, done INTEGER)")
    connection.execute("INSERT OR REPLACE INTO mark VALUES (1, 0)")

    def commit(number):
        connection.execute("UPDATE mark SET done = ? WHERE id = 1", (number,))

else:
    import psycopg2

    connection = psycopg2.connect(place)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS mark (id bigint PRIMARY KEY, done bigint)")
    cursor.execute("INSERT INTO mark VALUES (1, 0) ON CONFLICT DO NOTHING")

    def commit(number):
        cursor.execute("UPDATE mark SET done = %s WHERE id = 1", (number,))


seconds = []
for number in range(count):
    start = time.perf_counter()
    commit(number)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"median": statistics.median(seconds), "minimum": min(seconds)}))
