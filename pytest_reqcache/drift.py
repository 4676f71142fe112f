"""What a refreshed answer says that the recorded one did not: status, fields that matter, shape of JSON.

Both are taken as they are written, with their secrets replaced; of a body types and sizes are told,
never a value. No I/O, but where a body is in a file of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from .body import is_same, size_of
from .headers import Headers, media_type
from .models import Body, BodyFile, RecordedResponse
from .shapes import Difference, Level, differences, shape_of
from .volatile import is_volatile, lasting_value, says_the_same

LEVELS: Final[tuple[Level, ...]] = ("breaking", "additive", "values")

#: Fields whose value is told: they name formats, languages, methods, rules and dates.
_SHOWN: Final = frozenset(
    {
        "accept-ranges",
        "allow",
        "cache-control",
        "content-encoding",
        "content-language",
        "deprecation",
        "retry-after",
        "sunset",
        "vary",
    }
)
#: Fields of which only is told that they changed.
_NAMED: Final = frozenset({"content-disposition", "content-location", "link", "location", "www-authenticate"})
#: Fields that come and go with the connection, the length or the version of what is sent.
_PASSING: Final = frozenset(
    {
        "alt-svc",
        "connection",
        "content-length",
        "content-type",
        "etag",
        "keep-alive",
        "last-modified",
        "server",
        "set-cookie",
        "transfer-encoding",
        "via",
    }
)
#: How many differences of one answer are told.
MOST: Final = 100
_LONGEST_VALUE: Final = 60


class Drift(NamedTuple):
    """How an answer changed. Its level is that of its worst difference; ``values`` where nothing but
    values did. ``omitted`` counts the differences beyond the first hundred."""

    differences: tuple[Difference, ...] = ()
    omitted: int = 0

    @property
    def level(self) -> Level:
        return self.differences[0].level if self.differences else "values"


def compare(old: RecordedResponse, new: RecordedResponse, volatile: Collection[str] = ()) -> Drift | None:
    """How the new answer differs from the old one, the worst first; None where it says the same.

    Fields that are volatile, or named by ``volatile`` in lower case, do not count.
    """
    if says_the_same(old, new, volatile):
        return None
    found = [*_status(old, new), *_content_type(old, new)]
    if old.status // 100 == new.status // 100:  # an error has headers and a body of another kind
        found += _fields(old.headers, new.headers, volatile)
        if not is_same(old.body, new.body):
            found += _bodies(old.body, new.body)
    found.sort(key=lambda difference: LEVELS.index(difference.level))
    return Drift(tuple(found[:MOST]), max(0, len(found) - MOST))


def _status(old: RecordedResponse, new: RecordedResponse) -> list[Difference]:
    if old.status == new.status:
        return []
    level: Level = "values" if old.status // 100 == new.status // 100 else "breaking"
    return [Difference(level, "status", "status", str(old.status), str(new.status))]


def _content_type(old: RecordedResponse, new: RecordedResponse) -> list[Difference]:
    before, after = (_short(media_type(side.headers)) for side in (old, new))
    if before == after:
        return []
    return [Difference("breaking", "header", "Content-Type", before or "none", after or "none")]


def _fields(old: Headers, new: Headers, volatile: Collection[str]) -> list[Difference]:
    """The fields that appeared, went, or, where that matters, changed."""
    before, after = (_lasting(side, {*volatile, *_PASSING}) for side in (old, new))
    found = [
        Difference("values", "removed", name) for lowered, (name, _) in before.items() if lowered not in after
    ]
    for lowered, (name, value) in after.items():
        if lowered not in before:
            found.append(Difference("values", "added", name))
        elif before[lowered][1] != value and lowered in _SHOWN:
            found.append(Difference("values", "header", name, _short(before[lowered][1]), _short(value)))
        elif before[lowered][1] != value and lowered in _NAMED:
            found.append(Difference("values", "header", name))
    return found


def _lasting(headers: Headers, unwanted: Collection[str]) -> dict[str, tuple[str, str]]:
    """The fields that count, by their names in lower case: the name as it was sent, and the value."""
    return {
        name.lower(): (name, lasting_value(name.lower(), headers.get(name) or ""))
        for name, _ in headers
        if name.lower() not in unwanted and not is_volatile(name.lower())
    }


def _bodies(old: Body, new: Body) -> list[Difference]:
    before, after = (None if isinstance(body, BodyFile) else shape_of(body) for body in (old, new))
    if before is not None and after is not None:
        return list(differences(before, after))
    sizes = [_in_bytes(body) for body in (old, new)]
    if sizes[0] == sizes[1]:
        sizes[1] = f"{sizes[1]}, not the same"
    if before is not None and not isinstance(new, BodyFile):
        return [Difference("breaking", "retyped", "$", before.name, "no JSON")]
    return [Difference("values", "body", "body", *sizes)]


def _in_bytes(body: Body) -> str:
    size = size_of(body)
    return f"{size:,} byte{'' if size == 1 else 's'}"


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 3]}..."
