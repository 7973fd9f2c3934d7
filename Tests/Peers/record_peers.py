"""Reads what Cairn records with somebody else's eyes.

    record_peers.py events SCHEMA FILE…     what is wrong with the events, by jsonschema
    record_peers.py metrics FILE            the figures, by Prometheus's client

Both print JSON.
"""

import json
import sys


def events(schema_path, *paths):
    import jsonschema

    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    problems, types = [], {}
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        if content and not content.endswith(b"\n"):
            problems.append(f"{path}: the last line has no end")
        for number, line in enumerate(content.split(b"\n")[:-1], 1):
            try:
                event = json.loads(line)
            except ValueError as error:
                problems.append(f"{path}:{number}: {error}: {line[:200]!r}")
                continue
            types[event.get("event_type")] = types.get(event.get("event_type"), 0) + 1
            for error in validator.iter_errors(event):
                problems.append(f"{path}:{number}: {error.message}: {line[:400]!r}")
    print(json.dumps({"problems": problems, "types": types}))


def metrics(path):
    from prometheus_client.parser import text_string_to_metric_families

    with open(path, encoding="utf-8") as file:
        text = file.read()
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            key = f"{sample.name}{{{labels}}}"
            if key in samples:
                sys.exit(f"{key} appears twice")
            samples[key] = sample.value
    print(json.dumps(samples))


if __name__ == "__main__":
    {"events": events, "metrics": metrics}[sys.argv[1]](*sys.argv[2:])
