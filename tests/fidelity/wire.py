"""A server that sends the very bytes it is told to: any status line, header line and framing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """The bytes of one answer. ``body`` is as it travels, any content coding applied.

    ``framing``: ``"length"``, ``"close"`` (the body ends with the connection), or the sizes of the chunks,
    the last one repeated.
    """

    status: bytes = b"200 OK"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    framing: str | tuple[int, ...] = "length"
    interim: tuple[bytes, ...] = ()
    version: bytes = b"HTTP/1.1"

    def is_bodiless(self, method: bytes) -> bool:
        return method == b"HEAD" or self.status[:3] in (b"204", b"304") or self.status[:1] == b"1"

    def ends_connection(self, method: bytes) -> bool:
        """Whether the client expects its end: else it may send its next request before it sees that."""
        return self.version == b"HTTP/1.0" or (self.framing == "close" and not self.is_bodiless(method))

    def sent(self, method: bytes) -> bytes:
        interim = b"".join(b"HTTP/1.1 %s\r\n\r\n" % status for status in self.interim)
        bodiless = self.is_bodiless(method)
        head = [b"%s %s" % (self.version, self.status), *(b"%s: %s" % header for header in self.headers)]
        if self.framing == "length" and not (bodiless and method != b"HEAD"):
            head.append(b"Content-Length: %d" % len(self.body))
        elif isinstance(self.framing, tuple) and not (bodiless and method != b"HEAD"):
            head.append(b"Transfer-Encoding: chunked")
        body = b"" if bodiless else self._framed()
        return interim + b"\r\n".join(head) + b"\r\n\r\n" + body

    def _framed(self) -> bytes:
        if not isinstance(self.framing, tuple):
            return self.body
        parts, at, number = [], 0, 0
        while at < len(self.body):
            size = self.framing[min(number, len(self.framing) - 1)]
            piece = self.body[at : at + size]
            parts.append(b"%x\r\n%s\r\n" % (len(piece), piece))
            at, number = at + size, number + 1
        return b"".join(parts) + b"0\r\n\r\n"


class Wire:
    """Answers each path with its reply, or with its replies one after the other, and counts requests."""

    def __init__(self) -> None:
        self.requests = 0
        self._replies: dict[bytes, list[Reply]] = {}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self, replies: dict[str, Reply | Iterable[Reply]]) -> None:
        """What to answer from now on, by path."""
        self._replies = {
            path.encode(): [reply] if isinstance(reply, Reply) else list(reply)
            for path, reply in replies.items()
        }

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as received:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while line := received.readline():
                method, target, _ = line.split(b" ", 2)
                length = 0
                while (field := received.readline()) not in (b"\r\n", b""):
                    name, _, value = field.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                received.read(length)
                self.requests += 1
                replies = self._replies[target.partition(b"?")[0]]
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                try:
                    connection.sendall(reply.sent(method))
                except OSError:
                    return  # the client has gone
                if reply.ends_connection(method):
                    return
