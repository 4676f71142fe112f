"""A real HTTP server on loopback that answers as a test says, and keeps a log of what it was asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it arrived; ``path`` with its query, header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What to answer. A dict or a list as ``body`` becomes JSON; a str is UTF-8 text.

    With an ``ETag`` or ``Last-Modified`` in ``headers``, a request that carries it is answered 304
    (with ``headers_304``). ``drop`` closes the connection without an answer; ``cut`` sends that many
    bytes of the body, and then closes it.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] | list[tuple[str, str]] = field(default_factory=dict)
    headers_304: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    delay: float = 0.0
    drop: bool = False
    cut: int | None = None
    chunks: list[bytes] | None = None
    conditional: bool = True

    def content(self) -> tuple[bytes, str]:
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


Script = Answer | Callable[[Received], Answer]


class Origin:
    """The server. ``origin["/path"] = answer, answer, ...``: one after the other, the last one held.

    A path without a script answers 200 with ``{"path": ..., "n": how many requests came so far}``.
    """

    def __init__(self) -> None:
        self.log: list[Received] = []
        self._scripts: dict[str, list[Script]] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self._port}"

    def __setitem__(self, path: str, answers: Script | tuple[Script, ...]) -> None:
        self._scripts[path] = list(answers) if isinstance(answers, tuple) else [answers]

    def count(self, path: str | None = None, method: str | None = None) -> int:
        """How many requests have come: for a path (with or without its query), of a method."""
        return sum(
            1
            for seen in self.log
            if (path is None or path in (seen.path, seen.path.partition("?")[0]))
            and (method is None or seen.method == method)
        )

    @property
    def last(self) -> Received:
        return self.log[-1]

    def start(self) -> None:
        """Listen, on the same port as before."""
        origin = self

        class Handler(_Handler):
            server_origin = origin

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args: Any) -> None:
                """A client that went away is no matter."""

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; those that are open are closed after their next answer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer_to(self, received: Received) -> Answer:
        with self._lock:
            self.log.append(received)
            number = len(self.log)
            path = received.path.partition("?")[0]
            scripts = self._scripts.get(f"{received.method} {path}") or self._scripts.get(path)
            if not scripts:
                return Answer({"path": received.path, "n": number})
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        return script(received) if callable(script) else script


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms
    server_origin: Origin

    def handle_one_request(self) -> None:
        super().handle_one_request()
        if self.server_origin._server is None:
            self.close_connection = True

    def _serve(self) -> None:
        received = Received(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            self._read_body(),
        )
        answer = self.server_origin.answer_to(received)
        if answer.delay:
            time.sleep(answer.delay)
        if answer.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        headers = answer.headers.items() if isinstance(answer.headers, dict) else answer.headers
        headers = list(headers)
        if answer.conditional and self._matches(dict(headers), received):
            self._head(304, None, [*headers, *answer.headers_304.items()])
            self.end_headers()
            return
        self._body(answer, headers)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    @staticmethod
    def _matches(headers: dict[str, str], received: Received) -> bool:
        etag, modified = headers.get("ETag"), headers.get("Last-Modified")
        if etag and "if-none-match" in received.headers:
            return received.headers["if-none-match"] == etag
        return bool(modified) and received.headers.get("if-modified-since") == modified

    def _head(self, status: int, reason: str | None, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status, reason)
        names = {name.lower() for name, _ in headers}
        if "date" not in names:
            self.send_header("Date", formatdate(time.time(), usegmt=True))
        for name, value in headers:
            self.send_header(name, value)

    def _body(self, answer: Answer, headers: list[tuple[str, str]]) -> None:
        content, kind = answer.content()
        names = {name.lower() for name, _ in headers}
        if "content-type" not in names and answer.status not in (204, 304):
            headers.append(("Content-Type", kind))
        if answer.chunks is not None:
            self._head(answer.status, answer.reason, [*headers, ("Transfer-Encoding", "chunked")])
            self.end_headers()
            for chunk in answer.chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            if answer.cut is None:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.close_connection = True
            return
        if answer.status not in (204, 304) and "content-length" not in names:
            headers.append(("Content-Length", str(len(content))))
        self._head(answer.status, answer.reason, headers)
        self.end_headers()
        if self.command == "HEAD" or answer.status in (204, 304):
            return
        if answer.cut is not None:
            self.wfile.write(content[: answer.cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def log_message(self, *args: Any) -> None:
        """The log is the origin's own."""
