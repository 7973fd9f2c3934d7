"""Logs events with Python's logging, as pipelines in Python do: COUNT FOLDER.

The same files as Cairn's: JSON lines into a file rotated daily, a line for people into one rotated
by size. Prints JSON: seconds per event, with both and with the JSON alone.
"""

import json
import logging
import logging.handlers
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

count, folder = int(sys.argv[1]), Path(sys.argv[2])
(folder / "events").mkdir(parents=True)

events = logging.getLogger("events")
events.setLevel(logging.INFO)
events.propagate = False
handler = logging.handlers.TimedRotatingFileHandler(
    folder / "events" / "events.log", when="midnight", utc=True, backupCount=7
)
handler.setFormatter(logging.Formatter("%(message)s"))
events.addHandler(handler)

pipeline = logging.getLogger("pipeline")
pipeline.setLevel(logging.INFO)
pipeline.propagate = False
handler = logging.handlers.RotatingFileHandler(
    folder / "pipeline.log", maxBytes=10 * 1024 * 1024, backupCount=5
)
handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
pipeline.addHandler(handler)


def log_event(number, both):
    event = {
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "event_type": "stage_complete",
        "pipeline_id": "pipeline_20251007_204353",
        "stage": "data_extraction",
        "status": "success",
        "metadata": {"duration_seconds": 0.148, "rows": number},
    }
    events.info(json.dumps(event))
    if both:
        pipeline.info(
            "%s - %s - %s", event["pipeline_id"], event["stage"], event["event_type"]
        )


figures = {}
for name, both in (("json_alone", False), ("both", True)):
    start = time.perf_counter()
    for number in range(count):
        log_event(number, both)
    figures[name] = (time.perf_counter() - start) / count
print(json.dumps(figures))
