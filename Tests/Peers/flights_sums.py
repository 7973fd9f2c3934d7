"""What a load of the flights data must hold, computed with Python's csv module alone.

Usage: flights_sums.py flights.csv.gz ROWS [key columns …]
Prints JSON: rows, and for each column how many values it has and, for numeric ones, their sum.
With key columns the last row of each key counts. ROWS 0 means all.
"""

import csv
import gzip
import json
import sys

path, limit, key = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
NUMERIC = ["year", "month", "day", "dep_time", "dep_delay", "arr_delay", "flight", "air_time",
           "distance", "hour", "minute"]

rows = []
with gzip.open(path, "rt", newline="") as file:
    for number, row in enumerate(csv.DictReader(file)):
        if limit and number >= limit:
            break
        rows.append(row)
if key:
    rows = list({tuple(row[name] for name in key): row for row in rows}.values())

result = {"rows": len(rows), "filled": {}, "sums": {}}
for name in rows[0]:
    values = [row[name] for row in rows if row[name] not in ("", "NA")]
    result["filled"][name] = len(values)
    if name in NUMERIC:
        result["sums"][name] = sum(int(value) for value in values)
print(json.dumps(result))
