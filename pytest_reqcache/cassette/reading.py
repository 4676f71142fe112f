"""From the nodes of one list item to an interaction: every key known, every value of its type."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ..body import read_body, read_file, size_of
from ..expiration import Special
from ..headers import Headers
from ..matching import is_plain
from ..models import Body, BodyFile, Interaction, RecordedRequest, RecordedResponse, Source
from . import bodies, json_text
from .bodies import InlineBody
from .nodes import Node, NodeError

Folder = Callable[[], Path]

_BODY_KEYS = ("json", "text", "base64", "file")
# What says how a body is restored, of which forms, and the values where not any may stand there.
_PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "style": (("json",), json_text.STYLES),
    "encoding": (("json", "text"), ()),
    "line_ends": (("text",), ("crlf",)),
}

#: The keys of each part of a cassette.
_KEYS = {
    "a cassette": ("version", "interactions"),
    "an interaction": ("request", "response", "answer", "expires", "keep", "key", "created_at"),
    "a request": ("method", "url", "headers", *_PARAMETERS, *_BODY_KEYS),
    "a response": ("status", "headers", *_PARAMETERS, *_BODY_KEYS),
}
_PARTS = {"request": "a request", "response": "a response"}
_REQUIRED = ("request", "response", "created_at")

_VCRPY = (
    "this is a cassette of vcrpy or pytest-recording; 'python -m pytest_reqcache import FILE --to DIR' "
    "makes one of ours of it"
)
_OTHER_TOOL = "this is a cassette of betamax or Ruby VCR, and none of ours; move it away and record anew"
#: Keys that other tools write and we never do.
_FOREIGN = {
    "uri": _VCRPY,
    **dict.fromkeys(("http_interactions", "recorded_with", "recorded_at"), _OTHER_TOOL),
}

_STATUS = re.compile(r"([1-9][0-9]{2})(?: (.+))?", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_METHOD = re.compile(r"[^\s\x00-\x20\x7f]+")
_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
    r"(?:[ \t]*(?:([Zz]|UTC)|([+-])(\d\d?)(?::?(\d\d))?))?)?"
)
_OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z")

# These have no body, whatever length their header fields speak of (RFC 9110 sections 8.6, 15.3.5, 15.4.5).
_BODILESS_STATUS = frozenset({204, 304})


def interaction(node: Node, folder: Folder, source: Source) -> Interaction:
    """The interaction that an item stands for; ``folder`` says where the cassette's body files are.

    Raises NodeError.
    """
    item, fields, url = _begun(node)  # first, as where the URL alone is asked for: the same mistake is told
    _require(_REQUIRED, node, item, "an interaction")
    request = _request(item["request"], fields, url, folder)
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
    item, _, url = _begun(node)
    _require(_REQUIRED, node, item, "an interaction")
    return url


def request_url(node: Node) -> str:
    """The URL of an item's request, of which the rest may be missing. Raises NodeError."""
    return _begun(node)[2]


def _begun(node: Node) -> tuple[dict[str, Node], dict[str, Node], str]:
    """An item's keys, those of its request, and its URL; what else it needs may be missing."""
    item = _fields(node, "an interaction", required=("request",))
    request = _fields(item["request"], "a request", required=("url",))
    return item, request, _url(request["url"])


def unknown_key(name: str, node: Node, what: str) -> NodeError:
    """What to say of a key that ``what``, a part of a cassette, does not have."""
    if name in _FOREIGN:
        return node.error(f"{what} has a key {name!r}: {_FOREIGN[name]}")
    owner = next((part for part, keys in _KEYS.items() if name in keys), None)
    if owner is not None:
        return node.error(
            f"{what} has a key {name!r}, which belongs to {owner}; indent it as the other keys there are"
        )
    if name == "body":
        return node.error(f"{what} has an unknown key 'body'; write it as one of {', '.join(_BODY_KEYS)}")
    nearest = difflib.get_close_matches(name, _KEYS[what], n=1, cutoff=0.6)
    advice = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(_KEYS[what])}"
    return node.error(f"{what} has an unknown key {name!r}; {advice}")


def time(node: Node, name: str) -> datetime:
    """A time as we or people write it, in UTC; without a zone it is UTC. Raises NodeError."""
    text = _text(node, name)
    if _OWN_TIME.fullmatch(text) is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(f"{text[:-1]}+00:00")
    found = _TIME.fullmatch(text.strip())
    if found is not None:
        *date_and_time, fraction, _, sign, off_hours, off_minutes = found.groups("0")
        try:
            if int(off_minutes) > 59:
                raise ValueError(off_minutes)
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            zone = timezone(-offset if sign == "-" else offset)
            year, month, day, hour, minute, second = map(int, date_and_time)
            microsecond = int(f"{fraction:0<6.6}")
            local = datetime(year, month, day, hour, minute, second, microsecond, zone)
            return local.astimezone(timezone.utc)
        except (ValueError, OverflowError):
            pass  # there is no such time
    raise node.error(f"{name} is {text!r}; write a time such as 2026-11-23T19:10:00Z or 2026-11-23")


def _request(node: Node, found: dict[str, Node], url: str, folder: Folder) -> RecordedRequest:
    _require(("method",), node, found, "a request")
    method = _text(found["method"], "method")
    if _METHOD.fullmatch(method) is None:
        raise found["method"].error(f"method is {method!r}; write one word such as GET")
    headers = _headers(found["headers"]) if "headers" in found else Headers()
    body = _body(found, headers, folder)
    return RecordedRequest(
        method=method.upper(),
        url=url,
        headers=headers,
        body=None if body is None else read_body(body),
    )


def _response(node: Node, folder: Folder, method: str) -> RecordedResponse:
    found = _fields(node, "a response", required=("status",))
    line = _text(found["status"], "status")
    parts = _STATUS.fullmatch(line)
    if parts is None:
        raise found["status"].error(
            f"status is {line!r}; write a code of three digits and a reason, such as 200 OK"
        )
    status = int(parts[1])
    headers = _headers(found["headers"]) if "headers" in found else Headers()
    body = _body(found, headers, folder)
    body = b"" if body is None else body
    if method != "HEAD" and status >= 200 and status not in _BODILESS_STATUS:
        headers = _with_true_length(headers, body)
    return RecordedResponse(status=status, reason=parts[2] or "", headers=headers, body=body)


def _with_true_length(headers: Headers, body: Body) -> Headers:
    """A hand-edited body has another length than the one that was received."""
    stated, size = headers.get_all("Content-Length"), str(size_of(body))
    if not stated or "Content-Encoding" in headers or all(value.strip() == size for value in stated):
        return headers
    return headers.replaced("Content-Length", size)


def _headers(node: Node) -> Headers:
    items: list[tuple[str, str]] = []
    if isinstance(node.value, dict):
        for name, value in node.value.items():
            if isinstance(value.value, str):
                items.append((name, value.value))
            elif isinstance(value.value, list):
                items.extend((name, _header_value(each, name)) for each in value.value)
            else:
                items.append((name, _header_value(value, name)))
    elif isinstance(node.value, list):
        for entry in node.value:
            if not isinstance(entry.value, dict) or len(entry.value) != 1:
                raise entry.error(f"headers has {entry.kind} in its list; write one '- Name: value' a line")
            items.extend((name, _header_value(value, name)) for name, value in entry.value.items())
    elif node.value != "":
        raise node.error(f"headers is {node.kind}; write one 'Name: value' a line below it")
    return Headers(tuple(items))


def _header_value(node: Node, name: str) -> str:
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, dict) and list(node.value) == ["base64"]:
        try:  # a value that YAML cannot hold
            raw = base64.b64decode(_text(node.value["base64"], "base64"), validate=True)
            return raw.decode("utf-8", "surrogatepass")
        except (binascii.Error, UnicodeDecodeError):
            raise node.error(f"the header {name} is no base64; write its value as it is") from None
    return _text(node, name)


def _body(found: dict[str, Node], headers: Headers, folder: Folder) -> Body | None:
    forms = [name for name in found if name in _BODY_KEYS]
    if len(forms) > 1:
        first, second = forms[:2]
        raise found[second].error(
            f"a body as {second}, and as {first} in line {found[first].line}; keep one of them"
        )
    form = forms[0] if forms else None
    parameters = tuple(_parameters(found, form))
    if form is None:
        return None
    node = found[form]
    if not isinstance(node.value, str):
        raise node.error(f"{form} is {node.kind}; write '{form}: |', and below it, indented, the {form}")
    if form == "file":
        return _file(node, node.value, folder())
    try:
        return bodies.restore(InlineBody(form, node.value, parameters), headers)
    except json.JSONDecodeError as error:
        raise _no_json(node, error) from None
    except (ValueError, RecursionError) as error:
        raise node.error(str(error)) from None


def _parameters(found: dict[str, Node], form: str | None) -> Iterator[tuple[str, str]]:
    """What says beside a body how it is restored: its ``style``, ``encoding`` and ``line_ends``."""
    for name, (forms, values) in _PARAMETERS.items():
        if name not in found:
            continue
        node = found[name]
        if form not in forms:
            needed = " or ".join(forms)
            raise node.error(f"{name} says how to write {needed}, and there is none; remove it")
        value = _text(node, name)
        if values and value not in values:
            raise node.error(f"{name} is {value!r}; known are {', '.join(values)}")
        yield name, value


def _no_json(node: Node, error: json.JSONDecodeError) -> NodeError:
    problem = f"the json body is no JSON: {error.msg}; correct it, or write it as text"
    if not node.is_block:
        return node.error(problem)
    # What is missing at the end is missing in the last line, not below it.
    last = max(error.doc.rstrip().count("\n") + 1, 1)
    return NodeError(node.line + min(error.lineno, last), problem)


def _file(node: Node, name: str, folder: Path) -> Body:
    """A body in ``folder``, the cassette's own. Who renames a cassette renames its folder, too, and leaves
    the name that stood in the text."""
    # Where a name may hold a backslash, the folder's own may.
    spelt = name if name.startswith(f"{folder.name}/") else name.replace("\\", "/")
    directory, _, file = spelt.rpartition("/")
    path = folder / file
    is_folder = directory == folder.name or re.fullmatch(r"[^/:\0]+\.bodies", directory) is not None
    if not is_folder or not file or file in (".", "..") or re.search(r"[\\:\0]", file):
        raise node.error(
            f"the body file {name!r} is not in the cassette's own folder; write {folder.name}/<name>",
        )
    if folder.is_symlink() or path.is_symlink():
        raise node.error(f"the body file {name!r} is a symbolic link; put the file itself there")
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise node.error(f"the body file {name!r} is no file; put one there")
        size = status.st_size
        return BodyFile(path, size) if size > bodies.LARGEST_IN_MEMORY else read_file(path)
    except OSError as error:
        shown = f"{folder.name}/{file}"
        advice = "restore it or remove the interaction"
        if directory != folder.name and bodies.is_left_behind(folder.with_name(directory)):
            advice = f"if the cassette was renamed, rename the folder {directory}, too, or {advice}"
        elif directory != folder.name:
            advice = f"it belongs into {folder.name}: put it there, or remove the interaction"
        raise node.error(f"cannot read the body file {shown!r}: {error.strerror}; {advice}") from None


def _expires(node: Node) -> datetime | Literal[Special.NEVER]:
    return Special.NEVER if node.value == "never" else time(node, "expires")


def _answer(node: Node) -> int:
    text = _text(node, "answer")
    if re.fullmatch(r"[1-9][0-9]{0,8}", text) is None:
        raise node.error(f"answer is {text!r}; write a number from 1")
    return int(text)


def _keep(node: Node) -> bool:
    if node.plain and isinstance(node.value, str) and node.value in ("true", "True", "TRUE"):
        return True
    if node.plain and isinstance(node.value, str) and node.value in ("false", "False", "FALSE"):
        return False
    given = repr(node.value) if isinstance(node.value, str) else node.kind
    raise node.error(f"keep is {given}; write true, without quotes, or remove the line")


def _url(node: Node) -> str:
    url = _text(node, "url")
    if is_plain(url):
        return url
    if _SCHEME.match(url) is None:
        raise node.error(f"url is {url!r}; write a whole one, with its 'https://'")
    try:
        urlsplit(url)  # the brackets of an address are looked at; a redirect may lead to any port
    except ValueError as error:
        raise node.error(f"url is {url!r}: {error}; correct it") from None
    return url


def _text(node: Node, name: str) -> str:
    if isinstance(node.value, str):
        return node.value
    raise node.error(f"{name} is {node.kind}; write one text")


def _fields(node: Node, what: str, required: tuple[str, ...]) -> dict[str, Node]:
    found = node.value
    if not isinstance(found, dict):
        raise node.error(f"{what} expected here, found {node.kind}; write keys and values")
    for name in found:
        if name not in _KEYS[what]:
            telling = next((foreign for foreign in found if foreign in _FOREIGN), name)
            raise unknown_key(telling, found[telling], what)
    _require(required, node, found, what)
    return found


def _require(names: tuple[str, ...], node: Node, found: dict[str, Node], what: str) -> None:
    for name in names:
        if name not in found:
            raise _missing(name, node, found, what)


def _missing(name: str, node: Node, found: dict[str, Node], what: str) -> NodeError:
    for key, part in _PARTS.items():  # indented too deep, it is there, and one level down
        inner = found[key].value if key in found else None
        if isinstance(inner, dict) and name in inner:
            return unknown_key(name, inner[name], part)
    return node.error(f"{what} without {name}; add it, or remove the interaction")
