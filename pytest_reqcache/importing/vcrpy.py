"""The reader of vcrpy's cassettes, format version 1: what vcrpy 1.0 and every later one writes.

Facts about them that the code below rests on:

* Bytes that are UTF-8 are written as text, others as ``!!binary``; JSON cassettes hold text alone.
* A header has a list of values (the request's always one), or, where people wrote it, the value itself.
  Names are sorted: the order in which they came is not in the file.
* A file or an iterator that was sent is a tagged Python object. Those two tags are read as the data
  that they hold; no object is ever made of any tag.
* For HTTPX, versions before 6 wrote ``status_code`` and ``content`` in the place of ``status`` and ``body``.
* No interaction says when it was recorded.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import yaml
from yaml.events import DocumentEndEvent, StreamEndEvent

from ..cassette import reading
from ..cassette.nodes import SAFE_TAGS, Node, NodeError, NodeReader, as_node_error, decoded
from ..headers import Headers
from ..models import RecordedRequest
from .foreign import ForeignCassette, LeftAlone, Recording
from .json_nodes import read_json

_YAML: Final = "tag:yaml.org,2002:"
_BINARY: Final = f"{_YAML}binary"
_SENT_FILE: Final = f"{_YAML}python/object/new:_io.BytesIO"
_SENT_ITERATOR: Final = f"{_YAML}python/object/apply:builtins.iter"
_TAGS: Final = SAFE_TAGS | {
    *(f"{_YAML}{name}" for name in ("float", "null", "python/str", "python/unicode", "python/tuple")),
    *(_BINARY, _SENT_FILE, _SENT_ITERATOR),
}

_OURS: Final = b"# Recorded by pytest-reqcache."
_BOM: Final = "\ufeff"
# A key of that name at the top of YAML, or anywhere in JSON; a list of requests and responses is too old.
_LIKELY: Final = re.compile(
    rb"""^(?:\xef\xbb\xbf)?["']?interactions["']?[ \t]*:|[{,]\s*["']?interactions["']?\s*:"""
    rb"""|^- re(?:quest|sponse):|\[\s*\{\s*"re(?:quest|sponse)"\s*:""",
    re.MULTILINE,
)


_WRITTEN: Final = re.compile(rb"""\s*(?:interactions:\s+- request:|\{[^\[{]*"interactions":)""")


def is_written_so(beginning: bytes) -> bool:
    """Whether a file begins as vcrpy writes them: of a file that its name says nothing of."""
    return _WRITTEN.match(beginning) is not None


_NULLS: Final = ("", "~", "null", "Null", "NULL")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")

_INTERACTION: Final = frozenset({"request", "response", "recorded_at"})
_REQUEST: Final = frozenset({"method", "uri", "headers", "body"})
_RESPONSE: Final = frozenset({"status", "headers", "body"})
_OLD_HTTPX: Final = frozenset({"status_code", "content", "headers"})


def read(data: bytes) -> ForeignCassette | LeftAlone:
    """What a file of vcrpy holds, or why it is none. Raises NodeError where it cannot be read."""
    if data.startswith(_OURS):
        return LeftAlone.OURS
    if b"vcr.request.Request" in data and b"!!python/object" in data:
        raise _too_old(1)
    if _LIKELY.search(data) is None:
        return LeftAlone.NO_CASSETTE
    root = _document(decoded(data).removeprefix(_BOM))
    if isinstance(root.value, list):
        if root.value and {"request", "response"} <= set(root.value[0].value):
            raise _too_old(root.line)
        return LeftAlone.NO_CASSETTE
    if not isinstance(root.value, dict) or "interactions" not in root.value:
        return LeftAlone.NO_CASSETTE
    return _cassette(root.value)


def _document(text: str) -> Node:
    if text.lstrip()[:1] in ("{", "["):
        return read_json(text)
    try:
        return _yaml_document(NodeReader(text, tags=_TAGS))
    except yaml.YAMLError as error:
        raise as_node_error(error, text) from None


def _yaml_document(reader: NodeReader) -> Node:
    reader.event()  # start of the stream
    event: Any = reader.event()
    if type(event) is StreamEndEvent:  # nothing but comments
        return Node("", event, event, reader.places)
    node = reader.node(reader.event())
    event = reader.event()
    if type(event) is not DocumentEndEvent or type(event := reader.event()) is not StreamEndEvent:
        raise reader.error(event, "a second document; a cassette is one: remove the '---'")
    return node


def _too_old(line: int) -> NodeError:
    return NodeError(
        line, "a cassette of vcrpy before 1.0; run 'python -m vcr.migration FILE' on a copy of it first"
    )


def _cassette(root: dict[str, Node]) -> ForeignCassette | LeftAlone:
    items = root["interactions"]
    if _is_null(items) or items.value == []:
        return LeftAlone.EMPTY
    if not isinstance(items.value, list):
        raise NodeError(items.line, f"interactions is {items.kind}; a list is expected")
    first = items.value[0]
    if isinstance(first.value, dict) and "request" in first.value:
        request = first.value["request"].value
        if isinstance(request, dict) and "uri" not in request and "url" in request:
            return LeftAlone.OURS
    version = root.get("version")
    if version is not None and version.value != "1":
        raise NodeError(version.line, f"version is {version.value!r}; 1 is known")
    lost = tuple(name for name in root if name not in ("version", "interactions"))
    return ForeignCassette(tuple(_recording(item) for item in items.value), lost)


def _recording(node: Node) -> Recording:
    item = _mapping(node, "an interaction", "request", "response")
    lost = [name for name in item if name not in _INTERACTION]
    request = _request(item["request"], lost)
    response = _mapping(item["response"], "a response")
    is_old = "status_code" in response
    known = _OLD_HTTPX if is_old else _RESPONSE
    lost += [f"response.{name}" for name in response if name not in known]
    if is_old:
        status, reason = _status_code(response["status_code"]), ""
        body = response.get("content")
    else:
        status, reason = _status(_required(response, "status", item["response"], "a response"), lost)
        body = response.get("body")
    return Recording(
        node.line,
        request,
        status,
        reason,
        _headers(response.get("headers")),
        (None if body is None else _body(body, "response.body", lost)) or b"",
        _received_at(item.get("recorded_at")),
        tuple(lost),
    )


def _received_at(node: Node | None) -> datetime | None:
    return None if node is None or _is_null(node) else reading.time(node, "recorded_at")


def _request(node: Node, lost: list[str]) -> RecordedRequest:
    found = _mapping(node, "a request", "method", "uri")
    lost += [f"request.{name}" for name in found if name not in _REQUEST]
    body = found.get("body")
    return RecordedRequest(
        _nonempty(found["method"], "method").upper(),
        _nonempty(found["uri"], "uri"),
        _headers(found.get("headers")),
        (None if body is None else _body(body, "request.body", lost)) or None,
    )


def _status(node: Node, lost: list[str]) -> tuple[int, str]:
    if not isinstance(node.value, dict):
        return _status_code(node), ""
    lost += [f"response.status.{name}" for name in node.value if name not in ("code", "message")]
    message = node.value.get("message")
    reason = "" if message is None or _is_null(message) else _text(message, "message")
    return _status_code(_required(node.value, "code", node, "a status")), reason


def _status_code(node: Node) -> int:
    text = _text(node, "the status")
    if re.fullmatch("[1-9][0-9]{2}", text) is None:
        raise NodeError(node.line, f"the status is {text!r}; three digits are expected")
    return int(text)


# --- Headers


def _headers(node: Node | None) -> Headers:
    if node is None or _is_null(node):
        return Headers()
    if not isinstance(node.value, dict):
        raise NodeError(node.line, f"headers is {node.kind}; a mapping of names to values is expected")
    return Headers(
        tuple(
            (name, _header_value(value, name))
            for name, values in node.value.items()
            for value in (values.value if isinstance(values.value, list) else [values])
        )
    )


def _header_value(node: Node, name: str) -> str:
    if _is_null(node):
        return ""
    text = _text(node, f"the header {name}")
    return _from_base64(node).decode("latin-1") if node.tag == _BINARY else text


# --- Bodies


def _body(node: Node, place: str, lost: list[str]) -> bytes | None:
    """The bytes that a body stands for in any of its spellings; None where there is none."""
    if isinstance(node.value, str):
        if _is_null(node):
            return None
        return _from_base64(node) if node.tag == _BINARY else _text_bytes(node, node.value)
    if isinstance(node.value, list):
        return b"".join(_parts(node.value, place, lost))
    if node.tag == _SENT_FILE:
        state = node.value.get("state")
        parts = state.value if state is not None and isinstance(state.value, list) else []
        return _body(parts[0], place, lost) if parts else None
    if node.tag == _SENT_ITERATOR:
        arguments = node.value.get("args")
        return None if arguments is None else _body(arguments, place, lost)
    return _mapped_body(node, node.value, place, lost)


def _parts(nodes: list[Node], place: str, lost: list[str]) -> Iterator[bytes]:
    for node in nodes:
        yield _body(node, place, lost) or b""


def _mapped_body(node: Node, found: dict[str, Node], place: str, lost: list[str]) -> bytes | None:
    form = next((name for name in ("base64_string", "string") if name in found), None)
    if form is None:
        if not found:  # what aiohttp's responses without a body become
            return None
        lost.append(f"{place} as a mapping (written as JSON)")
        return json.dumps(_plain_value(node), separators=(",", ":")).encode()
    lost += [f"{place}.{name}" for name in found if name != form]
    body = found[form]
    return _from_base64(body) if form == "base64_string" else _body(body, place, lost)


def _text_bytes(node: Node, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NodeError(node.line, "a body with half a surrogate pair, which no bytes stand for") from None


def _from_base64(node: Node) -> bytes:
    try:
        return base64.b64decode("".join(_text(node, "base64").split()), validate=True)
    except ValueError:
        raise NodeError(node.line, "a value that is no base64; restore it") from None


def _plain_value(node: Node) -> Any:
    """The value that a node stands for, as JSON knows it."""
    if isinstance(node.value, dict):
        return {name: _plain_value(value) for name, value in node.value.items()}
    if isinstance(node.value, list):
        return [_plain_value(value) for value in node.value]
    if not node.plain:
        return node.value
    if _is_null(node):
        return None
    if node.value in ("true", "false") or _NUMBER.fullmatch(node.value):
        try:
            return json.loads(node.value)
        except ValueError:
            raise NodeError(node.line, f"a number of {len(node.value):,} characters; quote it") from None
    return node.value


# --- Nodes


def _is_null(node: Node) -> bool:
    return node.plain and node.tag in (None, f"{_YAML}null") and node.value in _NULLS


def _mapping(node: Node, what: str, *required: str) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise NodeError(node.line, f"{what} is {node.kind}; a mapping is expected")
    for name in required:
        _required(node.value, name, node, what)
    return node.value


def _required(found: Mapping[str, Node], name: str, node: Node, what: str) -> Node:
    if name not in found:
        raise NodeError(node.line, f"{what} without {name}; restore it, or remove the interaction")
    return found[name]


def _nonempty(node: Node, what: str) -> str:
    text = _text(node, what)
    if not text:
        raise NodeError(node.line, f"{what} is empty; restore it, or remove the interaction")
    return text


def _text(node: Node, what: str) -> str:
    if isinstance(node.value, str):
        return node.value
    raise NodeError(node.line, f"{what} is {node.kind}; a text is expected")
