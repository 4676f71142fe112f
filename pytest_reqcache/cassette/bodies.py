"""Bodies: which form a body takes in a cassette, and the bytes that a form stands for.

| key | for |
|---|---|
| ``json`` | JSON whose exact bytes a ``style`` restores |
| ``text`` | what decodes, and encodes again to the same bytes; ``encoding`` where nothing else says it |
| ``base64`` | everything else |
| ``file`` | what is too large to read in a YAML file: its bytes, beside the cassette, named by content |
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..headers import Headers
from ..models import Body, BodyFile
from . import json_text

#: Up to this size a text stands in the YAML file itself.
LARGEST_TEXT = 64 * 1024
#: Up to this size other bytes stand in the YAML file itself.
LARGEST_BASE64 = 4 * 1024
#: Up to this size a body file is read into memory.
LARGEST_IN_MEMORY = 1024 * 1024

_SUFFIXES = {
    "application/gzip": ".gz",
    "application/javascript": ".js",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/xml": ".xml",
    "application/zip": ".zip",
    "audio/mpeg": ".mp3",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "image/x-icon": ".ico",
    "text/calendar": ".ics",
    "text/css": ".css",
    "text/csv": ".csv",
    "text/event-stream": ".txt",
    "text/html": ".html",
    "text/javascript": ".js",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/xml": ".xml",
    "video/mp4": ".mp4",
}
_STRUCTURED_SUFFIXES = {"+json": ".json", "+xml": ".xml", "+zip": ".zip"}

_OWN_NAME = re.compile(r"[0-9a-f]{16}\.[a-z0-9]+")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s;"',]+)""", re.IGNORECASE)
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class InlineBody:
    """A body that stands in the YAML file; ``parameter`` is its ``style`` or ``encoding``."""

    form: str
    text: str
    parameter: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class FiledBody:
    """A body that has, or is to have, a file of its own called ``name``, made of ``content``."""

    name: str
    content: Body


def read_body(body: Body) -> bytes:
    """The whole body in memory."""
    return body.path.read_bytes() if isinstance(body, BodyFile) else body


def open_body(body: Body) -> BinaryIO:
    """The body as a readable binary file, to be closed by the caller."""
    return body.path.open("rb") if isinstance(body, BodyFile) else io.BytesIO(body)


def size_of(body: Body) -> int:
    return body.size if isinstance(body, BodyFile) else len(body)


def media_type(headers: Headers) -> str:
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def charset(headers: Headers) -> str | None:
    found = _CHARSET.search(headers.get("Content-Type") or "")
    return found[1] if found else None


def present(body: Body, headers: Headers, folder: Path) -> InlineBody | FiledBody:
    """The form that a body takes in the cassette whose body files are in ``folder``."""
    if isinstance(body, BodyFile) and body.path.parent == folder:
        return FiledBody(body.path.name, body)
    if size_of(body) > LARGEST_TEXT:
        return FiledBody(_digest(body) + _suffix(headers), body)
    content = read_body(body)
    inline = _as_json(content, headers) or _as_text(content, headers)
    if inline is not None:
        return inline
    if len(content) > LARGEST_BASE64:
        return FiledBody(_digest(content) + _suffix(headers), content)
    return InlineBody("base64", base64.encodebytes(content).decode("ascii"))


def restore(body: InlineBody, headers: Headers) -> bytes:
    """The bytes that a form of the YAML file stands for; ValueError says why it stands for none."""
    if body.form == "json":
        return json_text.from_pretty(body.text, body.parameter[1] if body.parameter else json_text.COMPACT)
    if body.form == "text":
        encoding = body.parameter[1] if body.parameter else charset(headers)
        return _encode(body.text, encoding, named=body.parameter is not None)
    try:
        return base64.b64decode("".join(body.text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}; correct it, or write the body as text") from None


def is_own_name(name: str) -> bool:
    """Whether a file of that name in a cassette's folder of bodies is one that we wrote."""
    return _OWN_NAME.fullmatch(name) is not None


def write_file(body: FiledBody, folder: Path) -> bool:
    """Put a body's file in its place, whole or not at all; False where it was there before."""
    target = folder / body.name
    try:
        if target.stat().st_size == size_of(body.content):
            return False  # named by its content
    except FileNotFoundError:
        pass
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{body.name}.{os.getpid()}.tmp"
    try:
        with open_body(body.content) as source, unfinished.open("wb") as out:
            shutil.copyfileobj(source, out, 1024 * 1024)
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return True


def _as_json(content: bytes, headers: Headers) -> InlineBody | None:
    kind = media_type(headers)
    if kind:
        is_json = kind == "application/json" or kind.endswith("+json")
    else:
        is_json = content[:1] in (b"{", b"[") and content.rstrip()[-1:] in (b"}", b"]")
    pretty = json_text.to_pretty(content) if is_json else None
    if pretty is None or not yaml_can_hold(pretty[0]):
        return None
    text, style = pretty
    return InlineBody("json", text, None if style == json_text.COMPACT else ("style", style))


def _as_text(content: bytes, headers: Headers) -> InlineBody | None:
    declared = charset(headers)
    for encoding in dict.fromkeys((declared, None if declared is None else "utf-8", "latin-1")):
        text = _decode(content, encoding or "utf-8")
        if text is None or not yaml_can_hold(text):
            continue
        unreadable = len(_UNREADABLE.findall(text))
        # Any bytes at all are Latin-1: taken for text only where nothing in it looks odd.
        if unreadable * 10 > len(text) or (encoding == "latin-1" and encoding != declared and unreadable):
            continue
        said = encoding == declared
        return InlineBody("text", text, None if said or encoding is None else ("encoding", encoding))
    return None


def yaml_can_hold(text: str) -> bool:
    """YAML has no way to write half a surrogate pair (libyaml refuses its escape)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
        return text if text.encode(encoding) == content else None
    except (LookupError, ValueError):
        return None


def _encode(text: str, encoding: str | None, named: bool) -> bytes:
    try:
        return text.encode(encoding or "utf-8")
    except LookupError:
        if named:
            raise ValueError(
                f"unknown encoding {encoding!r}; use utf-8 or another that Python knows"
            ) from None
        return text.encode()
    except UnicodeEncodeError as error:
        character = text[error.start]
        raise ValueError(
            f"{character!r} cannot be written in {encoding}; say 'encoding: utf-8' beside the text"
        ) from None


def _digest(body: Body) -> str:
    digest = hashlib.sha256()
    with open_body(body) as source:
        while chunk := source.read(1024 * 1024):
            digest.update(chunk)
    return digest.hexdigest()[:16]


def _suffix(headers: Headers) -> str:
    kind = media_type(headers)
    structured = next((end for end in _STRUCTURED_SUFFIXES if kind.endswith(end)), "")
    return _SUFFIXES.get(kind) or _STRUCTURED_SUFFIXES.get(structured, ".bin")
