"""Bodies: which form a body takes in a cassette, and the bytes that a form stands for.

| key | for |
|---|---|
| ``json`` | JSON whose exact text a ``style`` restores; ``encoding`` where it is not UTF-8 |
| ``text`` | what decodes, and encodes again to the same bytes; ``encoding`` where nothing else says it, \
``line_ends: crlf`` where all of them are |
| ``base64`` | everything else |
| ``file`` | what is too large to read in a YAML file: its bytes, beside the cassette, named by content |
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from ..body import is_same, new_file, open_body, read_body, size_of
from ..headers import Headers, media_type
from ..models import Body, BodyFile
from . import json_text

#: What the names of cassettes end with.
SUFFIXES = (".yaml", ".yml")
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
_CRLF = re.compile(r"(?:[^\r\n]*\r\n)+[^\r\n]*")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
# What HTML and XML say of themselves stands among their first bytes.
_STATED_ENCODING = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z][\w.:-]*)""", re.IGNORECASE)
_STATED_WITHIN = 1024
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


class InlineBody(NamedTuple):
    """A body that stands in the YAML file; ``parameters`` are what says how to restore its bytes."""

    form: str
    text: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        return dict(self.parameters).get(name)


class FiledBody(NamedTuple):
    """A body that has, or is to have, a file of its own called ``name``, made of ``content``."""

    name: str
    content: Body


def charset(headers: Headers) -> str | None:
    found = _CHARSET.search(headers.get("Content-Type") or "")
    return found[1] if found else None


def present(body: Body, headers: Headers, folder: Path) -> InlineBody | FiledBody:
    """The form that a body takes in the cassette whose body files are in ``folder``."""
    if isinstance(body, BodyFile) and body.path.parent == folder:
        return FiledBody(body.path.name, body)
    if size_of(body) > LARGEST_TEXT:
        return _filed(body, headers, folder)
    content = read_body(body)
    inline = _as_json(content, headers) or _as_text(content, headers)
    if inline is not None:
        return inline
    if len(content) > LARGEST_BASE64:
        return _filed(content, headers, folder)
    return InlineBody("base64", base64.encodebytes(content).decode("ascii"))


def restore(body: InlineBody, headers: Headers) -> bytes:
    """The bytes that a form of the YAML file stands for; ValueError says why it stands for none."""
    named = body.parameter("encoding")
    if body.form == "json":
        text = json_text.from_pretty(body.text, body.parameter("style") or json_text.COMPACT)
        return _encode(text, named, named=True)
    if body.form == "text":
        text = body.text.replace("\n", "\r\n") if body.parameter("line_ends") else body.text
        return _encode(text, named or charset(headers), named=named is not None)
    try:
        return base64.b64decode("".join(body.text.split()), validate=True)
    except ValueError as error:
        raise ValueError(f"no base64: {error}; correct it, or write the body as text") from None


def _filed(body: Body, headers: Headers, folder: Path) -> FiledBody:
    """A body with a file called after its content. Where a file of that name has another one, somebody has
    edited that, and it stays: this body's is called otherwise."""
    digest, suffix = _digest(body), _suffix(headers)
    name = digest + suffix
    while (there := _body_at(folder / name)) is not None and not is_same(there, body):
        digest = _digest(digest.encode())
        name = digest + suffix
    return FiledBody(name, body)


def _body_at(path: Path) -> BodyFile | None:
    try:
        return BodyFile(path, os.stat(path).st_size)
    except FileNotFoundError:
        return None


def is_left_behind(folder: Path) -> bool:
    """Whether a folder of body files is no cassette's any more."""
    return folder.is_dir() and not any(folder.with_suffix(suffix).exists() for suffix in SUFFIXES)


def is_own_name(name: str) -> bool:
    """Whether a file of that name in a cassette's folder of bodies is one that we wrote."""
    return _OWN_NAME.fullmatch(name) is not None


def write_file(body: FiledBody, folder: Path) -> None:
    """Put a body's file in its place, whole or not at all, if it is not there. One with another content is
    never replaced."""
    target = folder / body.name
    if (there := _body_at(target)) is not None:
        if not is_same(there, body.content):
            raise OSError(f"{target.name} was edited while we wrote")
        return
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{body.name}.{os.getpid()}.tmp"
    try:
        with open_body(body.content) as source, new_file(unfinished) as out:
            shutil.copyfileobj(source, out, 1024 * 1024)
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _as_json(content: bytes, headers: Headers) -> InlineBody | None:
    kind = media_type(headers)
    if kind:
        is_json = kind == "application/json" or kind.endswith("+json")
    else:
        is_json = content[:1] in (b"{", b"[") and content.rstrip()[-1:] in (b"}", b"]")
    if not is_json:
        return None
    for encoding in dict.fromkeys((json.detect_encoding(content), charset(headers) or "utf-8", "latin-1")):
        text = _decode(content, encoding)
        pretty = None if text is None else json_text.to_pretty(text)
        if pretty is not None:
            readable, style = pretty
            parameters = (("style", style), ("encoding", encoding))
            absent = (("style", json_text.COMPACT), ("encoding", "utf-8"))
            return InlineBody("json", readable, tuple(said for said in parameters if said not in absent))
    return None


def _as_text(content: bytes, headers: Headers) -> InlineBody | None:
    declared = charset(headers)
    for encoding, may_look_odd in _encodings(content, declared).items():
        text = _decode(content, encoding)
        if text is None or not yaml_can_hold(text):
            continue
        unreadable = len(_UNREADABLE.findall(text))
        if unreadable * 10 > len(text) or (unreadable and not may_look_odd):
            continue
        parameters = () if encoding == (declared or "utf-8") else (("encoding", encoding),)
        if _CRLF.fullmatch(text):
            return InlineBody("text", text.replace("\r\n", "\n"), (*parameters, ("line_ends", "crlf")))
        return InlineBody("text", text, parameters)
    return None


def _encodings(content: bytes, declared: str | None) -> dict[str, bool]:
    """The encodings that a text may be in, the likeliest first, and whether something in it may look odd:
    nearly any bytes can be decoded as what is only a guess."""
    found: dict[str, bool] = {}
    if content.startswith(codecs.BOM_UTF8):
        found["utf-8-sig"] = True
    found[declared or "utf-8"] = True
    found.setdefault("utf-8", True)
    if content.startswith(_WIDE_MARKS):
        found.setdefault(json.detect_encoding(content), False)
    stated = _STATED_ENCODING.search(content[:_STATED_WITHIN])
    if stated:
        found.setdefault(stated[1].decode("ascii"), False)
    found.setdefault("latin-1", False)
    return found


def yaml_can_hold(text: str) -> bool:
    """YAML has no way to write half a surrogate pair (libyaml refuses its escape)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# Python's, and no encoding of texts; they warn, or take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})


def _decode(content: bytes, encoding: str) -> str | None:
    try:
        if codecs.lookup(encoding).name.replace("_", "-") in _NO_CHARSETS:
            return None
        text = content.decode(encoding)
        return text if text.encode(encoding) == content else None
    except (LookupError, ValueError):
        return None


def _encode(text: str, encoding: str | None, named: bool) -> bytes:
    if encoding is None:
        return text.encode()
    if not _is_known(encoding):
        if named:
            raise ValueError(f"unknown encoding {encoding!r}; use utf-8 or another that Python knows")
        return text.encode()
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        character = text[error.start]
        raise ValueError(
            f"{character!r} cannot be written in {encoding}; say 'encoding: utf-8' beside the text"
        ) from None


def _is_known(encoding: str) -> bool:
    try:
        "".encode(encoding)
        " ".encode(encoding)
    except (LookupError, ValueError):  # not there, or one that is made to fail
        return False
    return True


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
