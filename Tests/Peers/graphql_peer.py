"""Holds GraphQL queries against a schema: prints a line of JSON for each, its errors.

    graphql_peer.py SCHEMA QUERIES.json     (a list of texts)
"""

import json
import sys

from graphql import build_schema, parse, validate

with open(sys.argv[1], encoding="utf-8") as file:
    schema = build_schema(file.read(), assume_valid=True, assume_valid_sdl=True)
with open(sys.argv[2], encoding="utf-8") as file:
    for query in json.load(file):
        print(json.dumps([error.message for error in validate(schema, parse(query))]))
