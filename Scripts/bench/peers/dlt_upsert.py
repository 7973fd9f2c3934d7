"""Merges a typed Parquet file into PostgreSQL with dlt, strategy upsert.

Reads the PG* variables for the server. Arrow tables, and Parquet that ADBC loads, are the fastest of
dlt's ways into PostgreSQL. Prints the seconds of the pipeline, without Python's start and imports.
"""

import json
import os
import sys
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
import pyarrow.parquet

source, table, key, folder = sys.argv[1:]


@dlt.resource(
    name=table, primary_key=key, write_disposition={"disposition": "merge", "strategy": "upsert"}
)
def rows():
    with pyarrow.parquet.ParquetFile(source) as file:
        for batch in file.iter_batches(batch_size=50_000):
            yield pyarrow.Table.from_batches([batch])


get = os.environ.get
url = f"postgresql://{get('PGUSER')}:{get('PGPASSWORD')}@{get('PGHOST')}:{get('PGPORT')}/{get('PGDATABASE')}"
start = time.perf_counter()
pipeline = dlt.pipeline(
    "bench", pipelines_dir=folder, destination=dlt.destinations.postgres(url),
    dataset_name="public",
)  # fmt: skip
pipeline.run(rows(), loader_file_format="parquet").raise_on_failed_jobs()
print(json.dumps({"seconds": time.perf_counter() - start}))
