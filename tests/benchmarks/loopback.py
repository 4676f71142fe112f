"""The server that is recorded, in a process of its own, and what it answers."""

from __future__ import annotations

import itertools
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PIECE = 64 * 1024
ONE_URL = "one-url"  # a store of requests that their bodies tell apart


def path_of(number: int, size: int = 0) -> str:
    """The path of item ``number``, whose body has ``size`` bytes; 0 stands for about 1 KB."""
    return f"/items/{name_of(number)}?page=1" + (f"&size={size}" if size else "")


POSTED = "/graphql"  # answers what is posted there, the name of an item, with that item


def name_of(number: int) -> str:
    """What item ``number`` is called."""
    return f"item-{number:07d}"


def answer(path: str) -> tuple[list[tuple[str, str]], bytes]:
    """The header fields and the body of an item: JSON, and such fields as an API sends."""
    name = urlsplit(path).path.rpartition("/")[2]
    size = int(path.rpartition("&size=")[2]) if "&size=" in path else 1024
    record = {
        "id": name,
        "title": "Pride and Prejudice",
        "author": {"name": "Jane Austen", "born": 1775},
        "tags": ["classic", "novel", "english"],
        "price": 9.5,
        "available": True,
        "text": "",
    }
    filling = "It is a truth universally acknowledged, that a single man in possession of a good fortune "
    missing = max(0, size - len(json.dumps(record, separators=(",", ":"))))
    record["text"] = (filling * (missing // len(filling) + 1))[:missing]
    body = json.dumps(record, separators=(",", ":")).encode()
    return headers_of(name, len(body)), body


def headers_of(
    name: str, length: int, kind: str = "application/json; charset=utf-8"
) -> list[tuple[str, str]]:
    return [
        ("Date", "Mon, 23 Nov 2026 19:10:00 GMT"),
        ("Server", "nginx/1.27.2"),
        ("Content-Type", kind),
        ("Content-Length", str(length)),
        ("Cache-Control", "public, max-age=31536000"),
        ("Expires", "Tue, 23 Nov 2027 19:10:00 GMT"),
        ("ETag", f'"{name}"'),
        ("Last-Modified", "Mon, 05 Jan 2026 09:00:00 GMT"),
        ("Vary", "Accept-Encoding"),
        ("X-Request-Id", "5f0c9f6e-3d0a-4e0e-9d5e-8a5f7a2b6c11"),
        ("X-RateLimit-Remaining", "4987"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ]


def stream_path(size: int) -> str:
    """The path of a body of that many bytes, sent piece by piece."""
    return f"/stream/{size}"


def pieces(size: int) -> Iterator[bytes]:
    """The body of a stream: no two pieces are alike, and none is text."""
    block = bytes((number * 7919 + number // 256) % 256 for number in range(PIECE - 8))
    for start in range(0, size, PIECE):
        yield (start.to_bytes(8, "big") + block)[: min(PIECE, size - start)]


_served = itertools.count()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    def do_GET(self) -> None:
        if self.path == "/served":  # how many others there were
            body = str(next(_served)).encode()
            self._head(headers_of("served", len(body), "text/plain"))
            self.wfile.write(body)
            return
        next(_served)
        if self.path.startswith("/stream/"):
            size = int(self.path.rpartition("/")[2])
            self._head(headers_of("stream", size, "application/octet-stream"))
            for piece in pieces(size):
                self.wfile.write(piece)
            return
        headers, body = answer(self.path)
        self._head(headers)
        self.wfile.write(body)

    def do_POST(self) -> None:
        next(_served)
        headers, body = answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._head(headers)
        self.wfile.write(body)

    def _head(self, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(200)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing is to be said."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args: object) -> None:
        """A client that went away is no matter."""


def serve() -> None:
    """Serve until standard input ends; the first line of the output is the port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
