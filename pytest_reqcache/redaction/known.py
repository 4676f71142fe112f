"""The live secrets that one test has seen, and how they are found where they do not belong."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

from .model import PLACEHOLDER

#: From this length on a secret is replaced wherever it stands.
SEARCHED_LENGTH: Final = 8
#: So many secrets of one test are; of a list of a thousand keys the rest are replaced where they stand.
MOST_SEARCHED: Final = 256

_UNMISTAKABLE: Final = 16  # characters of a word or a number that nobody meets by chance

_ALPHANUMERIC = "[A-Za-z0-9]"
# An escape ends in a letter or digit, and is yet no part of the run that follows it.
_RUN_STARTS = rf"(?:(?<!{_ALPHANUMERIC})|(?<=%[0-9A-Fa-f]{{2}})|(?<=\\[nrt]))"


#: Words that say what is wrong with a secret.
WRONG: Final = frozenset(
    {
        *("invalid", "bad", "missing", "expired", "wrong", "incorrect", "unknown", "malformed", "required"),
        *("no", "revoked", "unsupported", "unexpected", "mismatched", "weak", "empty", "illegal"),
    }
)

_SAID_OF_SECRETS: Final = WRONG | {
    *(
        "access",
        "api",
        "auth",
        "authorization",
        "client",
        "code",
        "credential",
        "credentials",
        "csrf",
        "grant",
    ),
    *(
        "id",
        "jwt",
        "key",
        "login",
        "password",
        "refresh",
        "request",
        "scope",
        "secret",
        "session",
        "signature",
    ),
    *("token", "type", "user"),
}


def is_common(value: str) -> bool:
    """Whether a value is likely to stand elsewhere by chance: a plain word, a number that is not long, or
    what a service says of a secret, as ``invalid_token`` (RFC 6750 section 3.1)."""
    if value.isalpha():
        return value[1:].islower() and len(value) < _UNMISTAKABLE
    if value.isdigit():
        return len(value) < _UNMISTAKABLE
    words = frozenset(re.split("[-_]", value.lower()))
    return words <= _SAID_OF_SECRETS and not words.isdisjoint(WRONG)


class Finder(NamedTuple):
    """Finds whole secrets in a text, in every spelling, and placeholders.

    A secret is whole where it is not inside a longer run of letters and digits. What follows it
    after ``-`` or ``_`` is taken as part of it: the placeholder's own characters could not be told
    from it.
    """

    pattern: re.Pattern[str]
    spelled: dict[str, str]

    def value(self, found: re.Match[str]) -> str:
        """The secret, unescaped, or the placeholder."""
        known = found["known"]
        return found[0] if known is None else self.spelled[known] + found["rest"]

    def may_find(self, text: str) -> bool:
        """Whether there is one in it, or in what its escapes stand for."""
        return "\\" in text or self.pattern.search(text) is not None


class Known:
    """Live secrets by value, with the name of where each was first seen."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.issued: set[str] = set()  # those first seen in a response
        self.cookies: set[str] = set()  # names of cookies that are HttpOnly
        self.stand_ins: dict[str, str] = {}  # what a user's function made of a value
        self.made_up: set[str] = set()  # what stands, or stood, in the place of secrets, and is none
        self.unsearched: set[str] = set()  # those that are replaced at their own places alone
        self._searched: dict[str, None] = {}
        self._shared: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._finder: Finder | None = None

    def learn(self, value: str, name: str, *, issued: bool, searched: bool = True) -> None:
        """Note a secret, and where it was seen; with ``searched`` it is one wherever it stands."""
        if not searched and value not in self.names:
            self.unsearched.add(value)
        elif searched:
            self.unsearched.discard(value)
        if (
            searched
            and len(value) >= SEARCHED_LENGTH
            and not is_common(value)
            and value not in self._searched
            and len(self._searched) < MOST_SEARCHED
        ):
            with self._lock:
                self._searched[value] = None
                self._finder = None
        if value not in self.names:
            with self._lock:
                if self.names.setdefault(value, name) == name and issued:
                    self.issued.add(value)

    @property
    def unmistakable(self) -> dict[str, str]:
        """Those that are too long to be met by chance."""
        return {
            value: self.names.get(value, "secret")
            for value in (*self._searched, *self._shared)
            if len(value) >= _UNMISTAKABLE
        }

    def share(self, values: frozenset[str]) -> None:
        """Search for these too: secrets that other tests have seen."""
        if values is not self._shared:
            with self._lock:
                self._shared, self._finder = values, None

    @property
    def finder(self) -> Finder | None:
        """None while nothing is searched for."""
        finder = self._finder  # another thread may learn one more secret at any moment
        if finder is None and (self._searched or self._shared):
            with self._lock:
                finder = self._finder = _finder((*self._searched, *self._shared))
        return finder


def _finder(values: Iterable[str]) -> Finder:
    spelled: dict[str, str] = {}
    for value in values:
        for spelling in spellings(value):
            spelled.setdefault(spelling, value)
    ordered = sorted(spelled, key=lambda spelling: (-len(spelling), spelling))
    within = "|".join(_whole(spelling) for spelling in ordered if spelling[0].isalnum())
    others = "|".join(_whole(spelling) for spelling in ordered if not spelling[0].isalnum())
    known = "|".join(part for part in (others, within and f"{_RUN_STARTS}(?:{within})") if part)
    return Finder(
        re.compile(f"(?P<known>{known})(?P<rest>[A-Za-z0-9_-]*)|{PLACEHOLDER.pattern}", re.DOTALL), spelled
    )


def _whole(spelling: str) -> str:
    escaped = re.escape(spelling)
    return f"{escaped}(?!{_ALPHANUMERIC})" if spelling[-1].isalnum() else escaped


def in_base64(raw: bytes) -> Iterator[bytes]:
    """What stands in the base64 of a longer text in which these bytes do."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        yield coded[first:last]
        yield coded[first:last].replace(b"+", b"-").replace(b"/", b"_")


def spellings(value: str) -> Iterator[str]:
    yield value
    if value.isascii() and value.isalnum():
        return
    try:
        for escaped in (quote(value, safe=""), quote(value), quote_plus(value)):
            yield escaped
            yield re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), escaped)
    except UnicodeEncodeError:
        pass  # bytes that are no text have one spelling
    yield json.dumps(value)[1:-1]
    yield json.dumps(value)[1:-1].replace("/", "\\/")
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield html.escape(value)
