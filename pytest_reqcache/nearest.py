"""The recorded requests that come nearest to one that was missed, and how they differ. No I/O."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote_plus, urlsplit

from .matching import canonical_body, compared_value, kind_of_body, normalize_url
from .models import RecordedRequest

_LONGEST_VALUE: Final = 100  # characters of one value that a diff shows
_MOST_BODY_LINES: Final = 8  # changed lines of a body that a diff shows
# What is compared of a path and, from the first difference on, of a body: difflib may take quadratic time.
_COMPARED_PATH: Final = 300
_COMPARED_LINES, _COMPARED_LINE = 24, 200
# A parameter of a query or a form, or a member of JSON on a line of its own.
_PARAMETER: Final = re.compile(
    r'(?P<quote>"?)(?P<name>[^"=]+)(?P=quote)(?:=|: )"?(?P<value>[^"{}]{8,100}?)"?,?'
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a request differs from a recorded one; either side is None where it is absent.

    ``weight`` says how much further away it puts the recording.
    """

    where: str
    recorded: str | None
    asked: str | None
    weight: int

    def lines(self) -> Iterator[str]:
        """As a diff: ``-`` what is recorded, ``+`` what was asked for."""
        if self.recorded is not None:
            yield f"- {self.where}{_short(self.recorded)}"
        if self.asked is not None:
            yield f"+ {self.where}{_short(self.asked)}"


def nearest(
    asked: RecordedRequest, recorded: Iterable[tuple[RecordedRequest, Iterable[str]]]
) -> list[tuple[RecordedRequest, list[Difference]]]:
    """The recorded requests with what differs, the nearest first; those of other hosts are left out.

    Each is given with the names of the headers that are compared with its own, in lower case.
    """
    host = _split(asked.url).hostname
    ranked = [
        (request, differences(asked, request, names))
        for request, names in recorded
        if _split(request.url).hostname == host
    ]
    return sorted(ranked, key=lambda pair: sum(difference.weight for difference in pair[1]))


def differences(
    asked: RecordedRequest, recorded: RecordedRequest, compared_headers: Iterable[str] = ()
) -> list[Difference]:
    """How a request differs from a recorded one. Names of headers are in lower case."""
    found = []
    if asked.method != recorded.method:
        found.append(Difference("method ", recorded.method, asked.method, 4))
    was, is_now = _split(recorded.url), _split(asked.url)
    if _origin(was) != _origin(is_now):
        found.append(Difference("origin ", _origin(was), _origin(is_now), 2))
    if was.path != is_now.path:
        compared = was.path[:_COMPARED_PATH], is_now.path[:_COMPARED_PATH]
        likeness = difflib.SequenceMatcher(None, *compared, autojunk=False).ratio()
        found.append(Difference("path ", was.path, is_now.path, 3 + round(10 * (1 - likeness))))
    found += _parameters("query ", was.query, is_now.query)
    for name in compared_headers:
        before, after = _header(recorded, name), _header(asked, name)
        if before != after:
            found.append(Difference(f"header {name}: ", before, after, 1))
    found += _body(asked, recorded)
    return found


def one_made_up(asked: RecordedRequest, found: Sequence[Difference]) -> str | None:
    """The parameter in whose value alone a request differs from a recorded one, where both values may have
    been made up for the one request: a time, a nonce, an id; else None."""
    places = [each.where for each in found]
    if places != ["query "] and (places != ["body ", "body "] or kind_of_body(asked) not in ("json", "form")):
        return None
    was = [each.recorded for each in found if each.recorded is not None]
    is_now = [each.asked for each in found if each.asked is not None]
    if len(was) != 1 or len(is_now) != 1:
        return None
    name, other = _made_up_in(was[0]), _made_up_in(is_now[0])
    return name if name == other else None


def is_another_port(found: Sequence[Difference]) -> bool:
    """Whether a request differs from a recorded one of the same host in the port alone."""
    if [each.where for each in found] != ["origin "]:
        return False
    return len({str(side).partition("://")[0] for side in (found[0].recorded, found[0].asked)}) == 1


def _made_up_in(pair: str) -> str | None:
    """The name of a parameter whose value may be made up."""
    found = _PARAMETER.fullmatch(pair)
    return found["name"] if found is not None and any(map(str.isdigit, found["value"])) else None


def _split(url: str) -> SplitResult:
    """The parts of a URL as it is compared; of one that is none, as people may write it, it is all path."""
    try:
        return urlsplit(normalize_url(url))
    except ValueError:
        return SplitResult("", "", url, "", "")


def _origin(url: SplitResult) -> str:
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def _header(request: RecordedRequest, name: str) -> str | None:
    value = request.headers.get(name)
    return None if value is None else compared_value(name, value)


def _parameters(where: str, recorded: str, asked: str) -> Iterator[Difference]:
    was, is_now = _by_name(recorded), _by_name(asked)
    for name in dict.fromkeys((*was, *is_now)):
        for before, after in zip_longest(was.get(name, ()), is_now.get(name, ())):
            if before is None or after is None:
                yield Difference(where, before and unquote_plus(before), after and unquote_plus(after), 2)
            elif before != after:
                told = unquote_plus(before), unquote_plus(after)
                if told[0] == told[1]:  # alike when they are decoded, which is not compared
                    told = before, after
                yield Difference(where, *told, 1)


def _by_name(query: str) -> dict[str, list[str]]:
    """The parameters of each name, in order, as they are spelt."""
    found: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        found.setdefault(unquote_plus(pair.partition("=")[0]), []).append(pair)
    return found


def _body(asked: RecordedRequest, recorded: RecordedRequest) -> Iterator[Difference]:
    if canonical_body(asked) == canonical_body(recorded):
        return
    if asked.body == recorded.body:  # what it is, says the type
        before, after = _header(recorded, "content-type"), _header(asked, "content-type")
        yield Difference("header content-type: ", before or "none", after or "none", 1)
        return
    was, is_now = _readable(recorded), _readable(asked)
    if was == is_now:  # alike as values, yet spelt otherwise
        was, is_now = _spelt(recorded), _spelt(asked)
    if was == is_now:  # bytes that are no text
        is_now = [f"{line}, not the same" for line in is_now]
    shown = 0
    for line in difflib.ndiff(*_excerpts(was, is_now)):
        if line[0] in "-+" and shown < _MOST_BODY_LINES:
            shown += 1
            text = line[2:].strip()
            yield Difference("body ", text if line[0] == "-" else None, text if line[0] == "+" else None, 1)


def _excerpts(was: list[str], is_now: list[str]) -> tuple[list[str], list[str]]:
    """The lines of both from the first in which they differ, no more and no longer than can be compared."""
    start = next(
        (number for number, pair in enumerate(zip(was, is_now, strict=False)) if pair[0] != pair[1]), -1
    )
    if start < 0:
        start = min(len(was), len(is_now))
    return _excerpt(was[start:]), _excerpt(is_now[start:])


def _excerpt(lines: list[str]) -> list[str]:
    return [line[:_COMPARED_LINE] for line in lines[:_COMPARED_LINES]]


def _readable(request: RecordedRequest) -> list[str]:
    """A body as lines that can be compared: JSON as JSON, a form by its fields."""
    try:
        text = (request.body or b"").decode()
    except UnicodeDecodeError:
        return _spelt(request)
    kind = kind_of_body(request)
    if kind == "multipart":
        return canonical_body(request).decode("utf-8", "replace").splitlines()
    if kind == "form":
        return sorted(f"{name}={value}" for name, value in parse_qsl(text, keep_blank_values=True))
    try:
        return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):
        return text.splitlines()


def _spelt(request: RecordedRequest) -> list[str]:
    """A body's own lines; of bytes that are no text, their number."""
    body = request.body or b""
    try:
        return body.decode().splitlines()
    except UnicodeDecodeError:
        return [f"{len(body)} bytes"]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
