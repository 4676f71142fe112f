"""From the nodes of one list item to an interaction: every key known, every value of its type."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from ..expiration import Special
from ..headers import Headers
from ..models import Body, BodyFile, Interaction, RecordedRequest, RecordedResponse, Source
from . import bodies, json_text
from .bodies import InlineBody
from .nodes import Node, NodeError

_BODY_KEYS = ("json", "text", "base64", "file")
_INTERACTION = ("request", "response", "answer", "expires", "keep", "key", "created_at")
_REQUIRED = ("request", "response", "created_at")
# What says how a body is restored, of which forms, and the values where not any may stand there.
_PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "style": (("json",), json_text.STYLES),
    "encoding": (("json", "text"), ()),
    "line_ends": (("text",), ("crlf",)),
}
_REQUEST = ("method", "url", "headers", *_PARAMETERS, *_BODY_KEYS)
_RESPONSE = ("status", "headers", *_PARAMETERS, *_BODY_KEYS)

#: Keys that other tools write and we never do.
_FOREIGN = frozenset(
    {"uri", "body", "http_interactions", "recorded_with", "recorded_at", "protocol", "http_version"}
)

_STATUS = re.compile(r"([0-9]{1,3})(?: (.+))?", re.DOTALL)
_METHOD = re.compile(r"[^\s\x00-\x20\x7f]+")
_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
    r"(?:[ \t]*(?:([Zz]|UTC)|([+-])(\d\d?)(?::?(\d\d))?))?)?"
)
_OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z")

# These have no body, whatever length their header fields speak of (RFC 9110 sections 8.6, 15.3.5, 15.4.5).
_BODILESS_STATUS = frozenset({204, 304})


def interaction(node: Node, folder: Path, source: Source) -> Interaction:
    """The interaction that an item stands for; ``folder`` is where the cassette's body files are.

    Raises NodeError.
    """
    item = _fields(node, "an interaction", _INTERACTION, required=_REQUIRED)
    request = _request(item["request"], folder)
    return Interaction(
        request=request,
        response=_response(item["response"], folder, request.method),
        created_at=time(item["created_at"], "created_at"),
        expires=_expires(item["expires"]) if "expires" in item else None,
        answer=_answer(item["answer"]) if "answer" in item else 1,
        keep=_keep(item["keep"]) if "keep" in item else False,
        key=_text(item["key"], "key") if "key" in item else None,
        source=source,
    )


def url(node: Node) -> str:
    """The URL of an item's request, if the item is a whole one. Raises NodeError."""
    found = request_url(node)
    _fields(node, "an interaction", _INTERACTION, required=_REQUIRED)
    return found


def request_url(node: Node) -> str:
    """The URL of an item's request, of which the rest may be missing. Raises NodeError."""
    item = _fields(node, "an interaction", _INTERACTION, required=("request",))
    return _nonempty(_fields(item["request"], "a request", _REQUEST, required=("url",))["url"], "url")


def unknown_key(name: str, line: int, what: str, known: Collection[str]) -> NodeError:
    """What to say of a key that is not one of ``known``."""
    if name in _FOREIGN:
        return NodeError(
            line,
            f"{what} has a key {name!r}, which other tools' cassettes have (vcrpy, betamax, Ruby VCR); "
            "this is none of ours: move it away and record anew",
        )
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(known)}"
    return NodeError(line, f"{what} has an unknown key {name!r}; {advice}")


def time(node: Node, name: str) -> datetime:
    """A time as we or people write it, in UTC; without a zone it is UTC. Raises NodeError."""
    text = _text(node, name)
    if _OWN_TIME.fullmatch(text) is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)
    found = _TIME.fullmatch(text.strip())
    if found is not None:
        year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = found.groups("0")
        try:
            local = datetime(
                int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=timezone.utc
            )
            local = local.replace(microsecond=int(f"{fraction:0<6.6}"))
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            return local + offset if sign == "-" else local - offset
        except (ValueError, OverflowError):
            pass  # there is no such time
    raise NodeError(node.line, f"{name} is {text!r}; write a time such as 2026-11-23T19:10:00Z or 2026-11-23")


def _request(node: Node, folder: Path) -> RecordedRequest:
    found = _fields(node, "a request", _REQUEST, required=("method", "url"))
    method = _nonempty(found["method"], "method")
    if _METHOD.fullmatch(method) is None:
        raise NodeError(found["method"].line, f"method is {method!r}; write one word such as GET")
    headers = _headers(found["headers"]) if "headers" in found else Headers()
    body = _body(found, headers, folder)
    return RecordedRequest(
        method=method,
        url=_nonempty(found["url"], "url"),
        headers=headers,
        body=None if body is None else bodies.read_body(body),
    )


def _response(node: Node, folder: Path, method: str) -> RecordedResponse:
    found = _fields(node, "a response", _RESPONSE, required=("status",))
    line = _text(found["status"], "status")
    parts = _STATUS.fullmatch(line)
    if parts is None:
        raise NodeError(found["status"].line, f"status is {line!r}; write a code and a reason such as 200 OK")
    status = int(parts[1])
    headers = _headers(found["headers"]) if "headers" in found else Headers()
    body = _body(found, headers, folder)
    body = b"" if body is None else body
    if method != "HEAD" and status >= 200 and status not in _BODILESS_STATUS:
        headers = _with_true_length(headers, body)
    return RecordedResponse(status=status, reason=parts[2] or "", headers=headers, body=body)


def _with_true_length(headers: Headers, body: Body) -> Headers:
    """A hand-edited body has another length than the one that was received."""
    stated = headers.get_all("Content-Length")
    size = str(bodies.size_of(body))
    if not stated or "Content-Encoding" in headers or all(value.strip() == size for value in stated):
        return headers
    return headers.replaced("Content-Length", size)


def _headers(node: Node) -> Headers:
    items: list[tuple[str, str]] = []
    if isinstance(node.value, dict):
        for name, value in node.value.items():
            values = value.value if isinstance(value.value, list) else [value]
            items.extend((name, _header_value(each, name)) for each in values)
    elif isinstance(node.value, list):
        for entry in node.value:
            if not isinstance(entry.value, dict) or len(entry.value) != 1:
                raise NodeError(
                    entry.line, f"headers has {entry.kind} in its list; write one '- Name: value' a line"
                )
            items.extend((name, _header_value(value, name)) for name, value in entry.value.items())
    elif node.value != "":
        raise NodeError(node.line, f"headers is {node.kind}; write one 'Name: value' a line below it")
    return Headers(tuple(items))


def _header_value(node: Node, name: str) -> str:
    if isinstance(node.value, dict) and list(node.value) == ["base64"]:
        try:  # a value that YAML cannot hold
            raw = base64.b64decode(_text(node.value["base64"], "base64"), validate=True)
            return raw.decode("utf-8", "surrogatepass")
        except (binascii.Error, UnicodeDecodeError):
            raise NodeError(node.line, f"the header {name} is no base64; write its value as it is") from None
    return _text(node, name)


def _body(found: dict[str, Node], headers: Headers, folder: Path) -> Body | None:
    forms = [name for name in _BODY_KEYS if name in found]
    if len(forms) > 1:
        raise NodeError(found[forms[1]].line, f"a body as {forms[0]} and as {forms[1]}; keep one of them")
    form = forms[0] if forms else None
    parameters = tuple(_parameters(found, form))
    if form is None:
        return None
    text = _text(found[form], form)
    if form == "file":
        return _file(found["file"], text, folder)
    try:
        return bodies.restore(InlineBody(form, text, parameters), headers)
    except json.JSONDecodeError as error:
        line = found[form].line + (0 if found[form].plain else error.lineno)
        raise NodeError(
            line, f"the json body is no JSON: {error.msg}; correct it, or write it as text"
        ) from None
    except (ValueError, RecursionError) as error:
        raise NodeError(found[form].line, str(error)) from None


def _parameters(found: dict[str, Node], form: str | None) -> Iterator[tuple[str, str]]:
    for name, (forms, values) in _PARAMETERS.items():
        if name not in found:
            continue
        node = found[name]
        if form not in forms:
            needed = " or ".join(forms)
            raise NodeError(node.line, f"{name} says how to write {needed}, and there is none; remove it")
        value = _text(node, name)
        if values and value not in values:
            raise NodeError(node.line, f"{name} is {value!r}; known are {', '.join(values)}")
        yield name, value


def _file(node: Node, name: str, folder: Path) -> Body:
    directory, _, file = name.replace("\\", "/").partition("/")
    path = folder / file
    if directory != folder.name or not file or file in (".", "..") or "/" in file or "\0" in file:
        raise NodeError(
            node.line,
            f"the body file {name!r} is not in the cassette's own folder; write {folder.name}/<name>",
        )
    if folder.is_symlink() or path.is_symlink():
        raise NodeError(node.line, f"the body file {name!r} is a symbolic link; put the file itself there")
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise NodeError(node.line, f"the body file {name!r} is no file; put one there")
        size = status.st_size
        return BodyFile(path, size) if size > bodies.LARGEST_IN_MEMORY else path.read_bytes()
    except OSError as error:
        raise NodeError(
            node.line,
            f"cannot read the body file {name!r}: {error.strerror}; restore it or remove the interaction",
        ) from None


def _expires(node: Node) -> datetime | Literal[Special.NEVER]:
    return Special.NEVER if node.value == "never" else time(node, "expires")


def _answer(node: Node) -> int:
    text = _text(node, "answer")
    if re.fullmatch(r"[1-9][0-9]{0,8}", text) is None:
        raise NodeError(node.line, f"answer is {text!r}; write a number from 1")
    return int(text)


def _keep(node: Node) -> bool:
    if node.plain and isinstance(node.value, str) and node.value in ("true", "True", "TRUE"):
        return True
    if node.plain and isinstance(node.value, str) and node.value in ("false", "False", "FALSE"):
        return False
    given = repr(node.value) if isinstance(node.value, str) else node.kind
    raise NodeError(node.line, f"keep is {given}; write true or remove the line")


def _nonempty(node: Node, name: str) -> str:
    text = _text(node, name)
    if not text:
        raise NodeError(node.line, f"{name} is empty; write a value")
    return text


def _text(node: Node, name: str) -> str:
    if isinstance(node.value, str):
        return node.value
    raise NodeError(node.line, f"{name} is {node.kind}; write one text")


def _fields(node: Node, what: str, known: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Node]:
    found = node.value
    if not isinstance(found, dict):
        raise NodeError(node.line, f"{what} expected here, found {node.kind}; write keys and values")
    for name, value in found.items():
        if name not in known:
            raise unknown_key(name, value.line, what, known)
    for name in required:
        if name not in found:
            raise NodeError(node.line, f"{what} without {name}; add it, or remove the interaction")
    return found
