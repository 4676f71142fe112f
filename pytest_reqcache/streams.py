"""Recording the body of a live response while the caller reads it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from weakref import finalize

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util.response import is_fp_closed

from .body import read_body
from .conversion import uncoded
from .models import Body, BodyFile, Interaction

_SPOOL_PREFIX = "reqcache-"
_IN_MEMORY = 1 << 20  # bytes of a streamed body that are kept in memory while it is recorded


class _SpooledBody(BodyFile):
    """A body in a temporary file of ours; what a cassette refers to is none, whatever its file is called."""

    __slots__ = ()


class _Spool:
    """Bytes as they arrive: in memory, and in a temporary file once they are many."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._file: BinaryIO | None = None
        self._drop: finalize[..., _Spool]
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self._file is None:
            self._buffer += data
            if self.size <= _IN_MEMORY:
                return
            file = tempfile.NamedTemporaryFile(prefix=_SPOOL_PREFIX, delete=False)  # noqa: SIM115
            self._file = cast(BinaryIO, file)
            # Nobody closes a response that he forgets.
            self._drop = finalize(self, _dropped, self._file, os.getpid())
            data, self._buffer = bytes(self._buffer), bytearray()
        self._file.write(data)
        self._file.flush()  # a process that is forked would write once more what is held back

    @property
    def is_gone(self) -> bool:
        """Whether the process has come to its end, and dropped the file."""
        return self._file is not None and self._file.closed

    def body(self) -> Body:
        """The bytes; a file of them is the caller's from here on."""
        if self._file is None:
            return bytes(self._buffer)
        file, self._file = self._file, None
        self._drop.detach()
        file.close()
        return _SpooledBody(Path(file.name), self.size)

    def discard(self) -> None:
        if self._file is not None:
            self._file = None
            self._drop()


def _dropped(file: BinaryIO, owner: int) -> None:
    file.close()
    if os.getpid() == owner:  # a process that was forked ends, and the file is still written here
        Path(file.name).unlink(missing_ok=True)


def discard_spooled(item: Interaction, kept: Interaction | None = None) -> None:
    """Remove the temporary file of a recorded body, once it is stored or dropped; what ``kept`` has stays."""
    body = item.response.body
    if isinstance(body, _SpooledBody):
        if kept is None or kept.response.body != body:
            body.path.unlink(missing_ok=True)


class Tee:
    """Follows what a caller reads of a streamed response, and reports the body once it is whole."""

    def __init__(self, complete: Callable[[Body], object], abandoned: Callable[[str], object]) -> None:
        self._complete = complete
        self._abandoned = abandoned
        self._spool: _Spool | None = _Spool()
        self._decoded: bool | None = None
        self._depth = 0

    @contextmanager
    def reading(self) -> Iterator[bool]:
        """Around one read; gives whether it is the caller's own, not one that urllib3 makes of it."""
        self._depth += 1
        try:
            yield self._depth == 1
        except BaseException:
            self.abandon()
            raise
        finally:
            self._depth -= 1

    def take(self, data: bytes, decoded: bool) -> None:
        if self._spool is None or not data:
            return
        if self._decoded is None:
            self._decoded = decoded
        # Partly decoded and partly not, it cannot be put together.
        if self._decoded is not decoded or self._spool.is_gone:
            self.abandon()
            return
        self._spool.write(data)

    def finish(self, coding: str) -> None:
        if self._spool is None:
            return
        spool, self._spool = self._spool, None
        body = spool.body()
        if self._decoded is False and coding:
            data = read_body(body)
            if isinstance(body, BodyFile):
                body.path.unlink()
            try:
                body = uncoded(data, coding)
            except HTTPError:  # the caller reads it as it is, and may do so
                self._abandoned(f"a streamed body that is no {coding}")
                return
        self._complete(body)

    def abandon(self) -> None:
        """The body will not be read to its end, or cannot be: drop what was read of it."""
        if self._spool is not None:
            self._spool.discard()
            self._spool = None
            self._abandoned("a streamed body that was not read to its end")


class _TeedResponse(HTTPResponse):
    """A urllib3 response whose body is recorded as the caller consumes it.

    ``stream``, iteration and ``readinto`` go through the three methods below.
    """

    _tee: Tee

    def read(
        self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False
    ) -> bytes:
        with self._tee.reading() as own:
            data = super().read(amt, decode_content, cache_content)
        if own:
            self._taken(data, decode_content, amt)
        return data

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        with self._tee.reading() as own:
            data = super().read1(amt, decode_content)
        if own:
            self._taken(data, decode_content, amt)
        return data

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:  # type: ignore[override]
        parts = super().read_chunked(amt, decode_content)
        if not self.chunked:
            yield from parts  # an error, but nothing has been read
        while True:
            with self._tee.reading():
                data = next(parts, None)
            if data is None:
                self._tee.finish(self.headers.get("Content-Encoding", ""))
                return
            self._tee.take(data, self._is_decoding(decode_content))
            yield data

    def _taken(self, data: bytes, decode_content: bool | None, amt: int | None) -> None:
        self._tee.take(data, self._is_decoding(decode_content))
        if amt == 0:
            return
        if (self._fp is None or is_fp_closed(self._fp)) and not self._is_undelivered():
            self._tee.finish(self.headers.get("Content-Encoding", ""))

    def _is_undelivered(self) -> bool:
        """Whether decoded bytes, or coded ones that the decoder keeps back, are still to come."""
        decoder = getattr(self, "_decoder", None)
        return bool(
            len(getattr(self, "_decoded_buffer", ())) or getattr(decoder, "has_unconsumed_tail", False)
        )

    def _is_decoding(self, decode_content: bool | None) -> bool:
        if "Content-Encoding" not in self.headers:
            return True  # both are the same bytes
        return self.decode_content if decode_content is None else decode_content

    def close(self) -> None:
        super().close()
        if self._tee._depth == 0:
            self._tee.abandon()


def record_stream(
    response: requests.Response, complete: Callable[[Body], object], abandoned: Callable[[str], object]
) -> Tee | None:
    """Call ``complete`` with the decoded body once the caller has read all of it, or ``abandoned``, with the
    reason, where that cannot be.

    None where the raw object is not urllib3's own: then the body cannot be followed.
    """
    raw: Any = response.raw
    if type(raw) is not HTTPResponse:
        return None
    raw.__class__ = _TeedResponse
    tee = Tee(complete, abandoned)
    setattr(raw, "_tee", tee)  # noqa: B010
    if raw.length_remaining == 0 and raw.tell() == 0:  # nobody reads what is not there: HEAD, 204
        tee.finish("")
    return tee
