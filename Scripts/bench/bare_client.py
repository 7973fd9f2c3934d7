"""Sends requests over a few connections, reads the answers, and does nothing with them.

    python bare_client.py ANSWERS PORT CONNECTIONS

ANSWERS is what the stand-in for GitHub has saved. A process of its own: what it holds in memory would
count for every process that is started beside it.
"""

import json
import pickle
import queue
import sys
import threading
import time
from http.client import HTTPConnection

HEADERS = {
    "Authorization": "bearer test-token", "Content-Type": "application/json", "User-Agent": "bench",
}  # fmt: skip


class Stub:
    """Stands for whatever was pickled before the requests."""

    def __init__(self, *arguments, **named):
        pass

    def __setstate__(self, state):
        pass


class Answers(pickle.Unpickler):
    def find_class(self, module, name):
        return Stub


def requests_of(path) -> list:
    """The bodies of the requests whose answers were kept."""
    with open(path, "rb") as file:
        Answers(file).load()
        return pickle.load(file)


def main() -> int:
    path, port, connections = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    bodies = requests_of(path)
    left = queue.SimpleQueue()
    for body in bodies:
        left.put(body)
    failures = []

    def send():
        connection = HTTPConnection("127.0.0.1", port)
        while True:
            try:
                body = left.get_nowait()
            except queue.Empty:
                return
            connection.request("POST", "/graphql", body, HEADERS)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)

    start = time.perf_counter()
    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failures:
        print(f"not every answer is one: {failures[:3]}", file=sys.stderr)
        return 1
    print(json.dumps({"requests": len(bodies), "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
