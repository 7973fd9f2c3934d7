"""A small HTTP/1.1 server on one asyncio loop, made for tests: it can also break its answers.

Only what clients of the stand-ins need: keep-alive, requests in sequence on a connection, bodies
with a length or chunked, `Expect: 100-continue`, gzip when asked for.
"""

import asyncio
import gzip
import json
import socket
import sys
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qs, unquote, urlsplit

import clock

REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 410: "Gone",
    413: "Payload Too Large", 422: "Unprocessable Entity", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout",
}  # fmt: skip
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 16 * 1024 * 1024
SMALLEST_GZIP = 1024


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    target: str

    def json(self):
        return json.loads(self.body or b"{}")

    def first(self, name, default=None):
        return self.query.get(name, [default])[0]


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict = field(default_factory=dict)
    # How the answer is broken: "refuse", "cut_headers" or "cut_body"; None leaves it whole.
    broken: str | None = None
    # Seconds to wait before the answer (or the break).
    delay: float = 0.0
    # Whether the body is compressed for who takes it so.
    compresses: bool = True
    # The body compressed, when it was kept so.
    gzipped: bytes | None = None
    # Called when the answer has been handed to the socket whole.
    on_sent: object = None
    # Called when the request is over, however it ended.
    on_end: object = None

    @staticmethod
    def of(value, status=200, headers=None):
        return Response(status, json.dumps(value, separators=(",", ":")).encode(), headers=headers or {})


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()
        self.task = None
        self.transport = None
        self.wake = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.ended = False

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections.add(self)
        self.task = asyncio.get_running_loop().create_task(self.serve())

    def data_received(self, data):
        self.buffer += data
        self.wake.set()

    def eof_received(self):
        # Answers still under way are finished.
        self.ended = True
        self.wake.set()
        return True

    def connection_lost(self, error):
        self.ended = True
        self.server.connections.discard(self)
        self.writable.set()
        self.wake.set()
        if self.task:
            self.task.cancel()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    async def more(self):
        """Waits for bytes; False at the end of the stream."""
        if self.ended:
            return False
        self.wake.clear()
        await self.wake.wait()
        return True

    async def serve(self):
        try:
            while True:
                request = await self.read_request()
                if request is None:
                    break
                keep = request.headers.get("connection", "").lower() != "close"
                response = await self.server.handle(request)
                try:
                    whole = await self.write(request, response, keep)
                finally:
                    if response.on_end:
                        response.on_end()
                if not whole or not keep:
                    break
            self.transport.close()
        except asyncio.CancelledError:
            pass
        except ValueError as error:
            text = str(error).encode()
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                % (len(text), text)
            )
            self.transport.close()
        except Exception as error:  # A fault of the stand-in itself: tell whoever reads stderr.
            import traceback

            traceback.print_exc(file=sys.stderr)
            self.transport.abort()
            self.server.failures.append(repr(error))

    async def read_request(self):
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(self.buffer) > LARGEST_HEAD:
                raise ValueError("head of the request too large")
            if not await self.more():
                return None
        lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
        del self.buffer[: end + 4]
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self.read_chunks()
        else:
            body = await self.take(int(headers.get("content-length") or 0))
        if body is None:
            return None
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True) if parts.query else {}
        return Request(method, unquote(parts.path), query, headers, body, target)

    async def take(self, count):
        if count > LARGEST_BODY:
            raise ValueError("body of the request too large")
        while len(self.buffer) < count:
            if not await self.more():
                return None
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    async def read_chunks(self):
        body = bytearray()
        while True:
            while (end := self.buffer.find(b"\r\n")) < 0:
                if not await self.more():
                    return None
            size = int(bytes(self.buffer[:end]).split(b";")[0], 16)
            del self.buffer[: end + 2]
            chunk = await self.take(size + 2)
            if chunk is None:
                return None
            if size == 0:
                return bytes(body)
            body += chunk[:-2]
            if len(body) > LARGEST_BODY:
                raise ValueError("body of the request too large")

    async def write(self, request, response, keep):
        """Writes the answer; False when the connection is of no more use."""
        if response.delay:
            await asyncio.sleep(response.delay)
        if response.broken == "refuse":
            self.transport.abort()
            return False
        body = response.body
        encoding = b""
        if response.compresses and len(body) >= SMALLEST_GZIP and "gzip" in request.headers.get("accept-encoding", ""):
            if response.gzipped is None:
                response.gzipped = gzip.compress(body, 1, mtime=0)
            body = response.gzipped
            encoding = b"Content-Encoding: gzip\r\n"
        extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
        head = (
            b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nDate: %s\r\n%s%s%s\r\n"
            % (
                response.status,
                REASONS.get(response.status, "Status").encode(),
                response.content_type.encode(),
                len(body),
                self.server.date(),
                encoding,
                extra.encode("latin-1"),
                b"" if keep else b"Connection: close\r\n",
            )
        )
        if response.broken == "cut_headers":
            self.transport.write(head[: len(head) // 2])
            self.transport.close()
            return False
        if response.broken == "cut_body":
            self.transport.write(head + body[: len(body) // 2])
            self.transport.close()
            return False
        self.transport.write(head + body)
        if response.on_sent:
            response.on_sent()
        await self.writable.wait()
        return True


class Server:
    """Serves `handler(request) -> Response` (a coroutine) until standard input closes."""

    def __init__(self, handler):
        self.handle = handler
        self.connections = set()
        self.failures = []
        self._date = (0, b"")

    def date(self):
        now = int(clock.now())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True).encode())
        return self._date[1]

    async def run(self, ready, stop_with_input=True, port=0):
        loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=512)
        ready(server.sockets[0].getsockname()[1])
        if stop_with_input:
            threading.Thread(target=self._watch_input, args=(loop,), daemon=True).start()
        await self.stopping.wait()
        server.close()
        for connection in list(self.connections):
            if connection.transport:
                connection.transport.abort()

    def _watch_input(self, loop):
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(self.stopping.set)

