"""A server that plays a script on the bare socket, and may break off wherever the script does."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator

#: What is done with a connection once a request has come: the pieces to send, and then it is closed.
#: ``RESET`` closes it with a reset, ``KEEP`` leaves it open for the next request.
RESET, KEEP = object(), object()
Script = Callable[[], Iterable[object]]


class Hostile:
    """Answers each path by its script; counts the requests. ``close`` ends every connection."""

    def __init__(self) -> None:
        self.requests = 0
        self.connections = 0
        self.scripts: dict[bytes, Script] = {}
        self.over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        socket.create_connection(self._listening.getsockname()).close()
        self._thread.join()
        self._listening.close()

    def hang(self) -> Iterator[object]:
        """The part of a script in which nothing more comes."""
        self.over.wait(20)
        yield RESET

    def _accept(self) -> None:
        while not self.over.is_set():
            connection, _ = self._listening.accept()
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as received:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while (line := received.readline()) and not self.over.is_set():
                    while received.readline() not in (b"\r\n", b""):
                        pass
                    self.requests += 1
                    if not self._play(connection, self.scripts[line.split()[1]]()):
                        return
            except OSError:
                return  # the client has gone

    def _play(self, connection: socket.socket, script: Iterable[object]) -> bool:
        """Whether the connection stays open."""
        for piece in script:
            if piece is KEEP:
                return True
            if piece is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            assert isinstance(piece, bytes)
            connection.sendall(piece)
        return False
