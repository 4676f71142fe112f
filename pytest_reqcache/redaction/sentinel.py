"""The sentinel: secrets that redaction has not recognised, found in what is about to be written.

It fails closed: nothing is written until somebody has said whether what it found is a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final, NamedTuple

from ..body import open_body
from ..matching import origin_of
from ..models import REDACTED, Body, BodyFile, Interaction
from .known import SEARCHED_LENGTH, in_base64, spellings
from .rules import DEFAULT_RULES, HeaderKind
from .spans import json_path, json_values

_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS)(?:_|$)"
)
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9_.,:-]*")
_PATH: Final = re.compile(r"~?(?:/[a-z0-9_.-]+)+/?|\.{1,2}[/\\].*|[A-Za-z]:[\\/].*|\\\\.*")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:(?P<user>[^/?#@]*):(?P<password>[^/?#]*)@)?.*")


class Shape(NamedTuple):
    """A token that is told by its form: what stands in every one, and its regular expression.

    The token is the expression's first group, where it has one. None may try the rest of a text again from
    each of its places: what is searched may be anybody's.
    """

    name: str
    hints: tuple[bytes, ...]
    regex: re.Pattern[bytes]


# What stands before a token is no letter or digit, but for an escape's last.
_BEFORE: Final = rb"(?:(?<![A-Za-z0-9]%b)|(?<=\\[bfnrt]%b)|(?<=%%[0-9A-Fa-f]{2}%b)|(?<=\\u[0-9A-Fa-f]{4}%b))"


def _shape(name: str, first: bytes, rest: bytes, *hints: bytes) -> Shape:
    """``first`` is how every one begins: that is looked for, and then what stands before it."""
    before = _BEFORE % ((first,) * 4)
    return Shape(name, hints or (first,), re.compile(rb"%b%b(?:%b)" % (first, before, rest)))


NOTHING_LEARNED: Final[Mapping[str, str]] = {}

# Signed (RFC 7515 section 7.1), or encrypted, of five parts (RFC 7516 section 7.1).
_REST_OF_JWT: Final = rb"\.(?:eyJ[\w-]{8,}\.[\w-]{8,}|[\w-]*\.[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"

# Tried once in each run of its characters, and only where what follows the run can be the rest of one.
_JWT: Final = re.compile(
    rb"(?<![\w-])(?=[\w-]{11,}%b)[\w-]*?%b(eyJ[\w-]{8,}%b)"
    % (_REST_OF_JWT, _BEFORE % ((b"",) * 4), _REST_OF_JWT)
)
_BLANK: Final = rb"(?: |\+|%20)"
_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN%b(?:[A-Z0-9]+%b)*PRIVATE%bKEY" % ((_BLANK,) * 3))

SHAPES: Final = (
    Shape("jwt", (b"eyJ",), _JWT),
    Shape("private-key", (b"PRIVATE KEY", b"PRIVATE+KEY", b"PRIVATE%20KEY"), _PRIVATE_KEY),
    _shape("github-token", b"gh", rb"[pousr]_[A-Za-z0-9]{30,}", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
    _shape("github-token", b"github_pat_", rb"\w{22,}"),
    _shape("gitlab-token", b"glpat-", rb"[\w-]{20,}"),
    _shape("sk-token", b"sk-", rb"(?=[\w-]{0,200}[0-9])(?=[\w-]{0,200}[A-Z])[\w-]{20,}"),
    _shape("stripe-key", b"sk_", rb"(?:live|test)_[A-Za-z0-9]{16,}", b"sk_live_", b"sk_test_"),
    _shape("stripe-key", b"rk_", rb"(?:live|test)_[A-Za-z0-9]{16,}", b"rk_live_", b"rk_test_"),
    _shape("aws-access-key", b"AKIA", rb"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("aws-access-key", b"ASIA", rb"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("google-api-key", b"AIza", rb"[\w-]{35}(?![\w-])"),
    _shape("slack-token", b"xox", rb"[abeoprs]-[A-Za-z0-9-]{10,}"),
    _shape("npm-token", b"npm_", rb"[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _shape("pypi-token", b"pypi-", rb"[\w-]{50,}"),
)

_HINTED: Final = [(hint, shape) for shape in SHAPES for hint in shape.hints]
_HINTS: Final = tuple(hint for hint, _ in _HINTED)

_CHUNK: Final = 1024 * 1024
_OVERLAP: Final = 16 * 1024  # bytes that are searched again with the next chunk: no secret is longer


_PARAMETER_BREAK: Final = re.compile(rb"[?&;#\s<>\"']")
_PARAMETER_NAME: Final = re.compile(rb"[A-Za-z][\w.-]{0,63}")

_ANY_EXPRESSION: Final = "re:<an expression that matches it>"


class Kind(Enum):
    """How a secret is known."""

    VARIABLE = "the value of the environment variable"
    SHAPE = "what looks like a"
    LEARNED = "the secret that was sent or received as"


class Leak(NamedTuple):
    """A secret in what is about to be written.

    ``names`` are what may be allowed: the environment variables whose value it is, its shape, or where it
    was first seen. ``part`` is where it stands (``response body``), and ``entry`` where within it: a header's
    name, a JSON path. ``parameter`` is that whose value it stands in, of a URL or a form.
    """

    kind: Kind
    names: tuple[str, ...]
    part: str
    entry: str = ""
    parameter: str = ""

    def __str__(self) -> str:
        at = f" ({self.entry})" if self.entry else ""
        article = "n" if self.kind is Kind.SHAPE and self.names[0].startswith("a") else ""
        return f"{self.kind.value}{article} {self.names[0]}, in the {self.part}{at}"

    @property
    def redaction(self) -> str:
        """The entry of ``redact`` that would have it replaced; empty where none but an expression would."""
        holds_url = self.part.endswith("header") and DEFAULT_RULES.header(self.entry) is HeaderKind.URL
        return self.parameter or ("" if holds_url else self.entry)


class SecretFoundError(Exception):
    """A secret stands in what was about to be recorded; nothing was written.

    Attributes:
        request: the request of the interaction, as it may be printed. leak: what was found, and where.
    """

    def __init__(self, request: str, leak: Leak) -> None:
        super().__init__(request, leak)
        self.request = request
        self.leak = leak

    @classmethod
    def of(cls, interaction: Interaction, leak: Leak) -> SecretFoundError:
        """The error for a secret in an interaction whose other secrets have been replaced."""
        url = interaction.request.url
        if leak.part == "URL":  # then nothing of it but where it leads is fit to be printed
            url = f"{origin_of(url)}/..."
        return cls(f"{interaction.request.method} {url}", leak)

    def __str__(self) -> str:
        if self.leak.part == "key":  # which is stored as it was made
            remedy = "leave it out of what key_fn returns"
        else:
            remedy = "have it replaced:  reqcache_redact = " + (self.leak.redaction or _ANY_EXPRESSION)
        return (
            f"nothing was recorded: {self.leak} of {self.request}\n"
            f"  if it is a secret, {remedy}\n"
            f"  if it is none, allow it:              reqcache_allowed_secrets = {self.leak.names[0]}"
        )


class SecretWarning(UserWarning):
    """A response was not stored, because a secret stands in it."""


class Sentinel:
    """Knows the values of the environment's secrets, from the first time it has seen them on."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, ...]] = {}
        self._spellings: dict[bytes, str] = {}

    def watch(self, environment: Mapping[str, str] = os.environ) -> None:
        """Note the values of the variables that are secrets by their names."""
        for name in filter(_is_secret_name, environment):
            for secret in _secrets_in(environment.get(name, "")):
                known = self._names.get(secret, ())
                if name not in known:
                    self._names[secret] = (*known, name)
                    self._spellings.update(dict.fromkeys(_spelled(secret), secret))

    def cleaned(self, text: str, allowed: Collection[str] = ()) -> str:
        """A text that is printed, with the values of variables replaced, but for ``allowed`` ones."""
        content = _bytes(text)
        # The longest first: what is left of it would be no spelling of another.
        for spelling in sorted(self._spellings, key=len, reverse=True):
            if spelling in content and not _is_allowed(self._names[self._spellings[spelling]], allowed):
                content = content.replace(spelling, REDACTED.encode())
        # One that is no UTF-8 may have left half a character.
        return text if content == _bytes(text) else content.decode("utf-8", "replace")

    def check(
        self,
        written: Interaction,
        allowed: Collection[str] = (),
        *,
        made_up: Collection[str] = (),
        learned: Mapping[str, str] = NOTHING_LEARNED,
    ) -> None:
        """Look through what is about to be written: see :meth:`leak`.

        Raises:
            SecretFoundError: a secret stands in it.
        """
        leak = self.leak(written, allowed, made_up=made_up, learned=learned)
        if leak is not None:
            raise SecretFoundError.of(written, leak)

    def leak(
        self,
        interaction: Interaction,
        allowed: Collection[str] = (),
        *,
        made_up: Collection[str] = (),
        learned: Mapping[str, str] = NOTHING_LEARNED,
    ) -> Leak | None:
        """The first secret in an interaction; None where there is none.

        ``allowed`` names variables and shapes, with ``*`` for any characters; ``made_up`` are values of
        such a shape that are no secrets. ``learned`` are secrets, and where each was first seen: they are
        looked for where redaction does not replace them, in the key and in bodies that are no text.
        """
        parts = list(_parts(interaction))
        if not self._may_be_in(parts, learned):
            return None
        for part, entry, content in parts:
            unedited = learned if _is_unedited(part, content) else NOTHING_LEARNED
            for kind, names, text, at in self._found(content, unedited):
                if _is_allowed(names, allowed):
                    continue
                if not any(text in value for value in made_up):
                    parameter = _parameter(content, at) if _may_hold_parameters(part, entry) else ""
                    return Leak(kind, names, part, entry or _json_place(content, at), parameter)
        return None

    def _may_be_in(self, parts: Sequence[_Part], learned: Mapping[str, str]) -> bool:
        """A quick look: whether there may be a secret in one of them."""
        contents = [(part, content) for part, _, content in parts if isinstance(content, bytes)]
        if len(contents) < len(parts):
            return True  # a body in a file
        everything = b"\n".join([content for _, content in contents])
        if any(map(everything.__contains__, (*_HINTS, *self._spellings))):
            return True
        if not learned:
            return False
        unedited = b"\n".join([content for part, content in contents if _is_unedited(part, content)])
        return any(_bytes(secret) in unedited for secret in learned)

    def _found(
        self, content: Body, learned: Mapping[str, str]
    ) -> Iterator[tuple[Kind, tuple[str, ...], str, int]]:
        """How it is known, its names, the text, and where in the content it begins."""
        for offset, chunk in _chunks(content):
            for spelling, secret in self._spellings.items():
                if spelling in chunk:
                    yield Kind.VARIABLE, self._names[secret], secret, offset + chunk.index(spelling)
            for secret, name in learned.items():
                if _bytes(secret) in chunk:
                    yield Kind.LEARNED, (name,), secret, offset + chunk.index(_bytes(secret))
            for shape in dict.fromkeys([shape for hint, shape in _HINTED if hint in chunk]):
                for found in shape.regex.finditer(chunk):
                    group = shape.regex.groups
                    text = found[group].decode("ascii", "replace")
                    yield Kind.SHAPE, (shape.name,), text, offset + found.start(group)


def _is_allowed(names: Iterable[str], allowed: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in allowed)


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name.upper()) is not None


def _secrets_in(value: str) -> Iterable[str]:
    """The value, if it can be a secret: long enough, no path, number, plain word or plain URL."""
    url = _URL.fullmatch(value)
    if url is not None:
        found = [value, url["password"]] if url["password"] else []
    elif _NUMBER.fullmatch(value) or _PATH.fullmatch(value) or (value.isalpha() and value.islower()):
        found = []
    else:
        found = [value]
    return [secret for secret in found if len(secret) >= SEARCHED_LENGTH]


def _spelled(secret: str) -> Iterator[bytes]:
    for spelling in spellings(secret):
        yield spelling.encode("utf-8", "surrogateescape")
    raw = secret.encode("utf-8", "surrogateescape")
    yield from (secret.encode(codec, "surrogatepass") for codec in ("utf-16-le", "utf-16-be"))
    yield from in_base64(raw)


_Part = tuple[str, str, Body]


def _parts(interaction: Interaction) -> Iterator[_Part]:
    """``(what it is, the name of a header, its content)`` of all that is written of an interaction."""
    request, response = interaction.request, interaction.response
    yield "URL", "", _bytes(request.url)
    yield "key", "", _bytes(interaction.key or "")
    yield "reason", "", _bytes(response.reason)
    for kind, headers in (("request", request.headers), ("response", response.headers)):
        for name, value in headers:
            yield f"{kind} header", name, _bytes(value)
    yield "request body", "", request.body or b""
    yield "response body", "", response.body


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _chunks(content: Body) -> Iterator[tuple[int, bytes]]:
    if isinstance(content, bytes):
        yield 0, content
        return
    offset, kept = 0, b""
    with open_body(content) as file:
        while chunk := file.read(_CHUNK):
            yield offset - len(kept), kept + chunk
            offset += len(chunk)
            kept = chunk[-_OVERLAP:]


def _is_text(content: Body) -> bool:
    if isinstance(content, BodyFile):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_unedited(part: str, content: Body) -> bool:
    """Whether redaction does not replace what it knows in it."""
    return part == "key" or not _is_text(content)


def _may_hold_parameters(part: str, entry: str) -> bool:
    return part in ("URL", "request body") or DEFAULT_RULES.header(entry) is HeaderKind.URL


def _parameter(content: Body, at: int) -> str:
    """The name of the parameter of a URL or a form in whose value an offset is; empty where it is in none."""
    if isinstance(content, BodyFile):
        return ""
    name, equals, _ = _PARAMETER_BREAK.split(content[:at])[-1].partition(b"=")
    return name.decode() if equals and _PARAMETER_NAME.fullmatch(name) else ""


def _json_place(content: Body, at: int) -> str:
    """The JSON path of what stands at an offset; empty where there is none."""
    if isinstance(content, BodyFile) or content.lstrip()[:1] not in (b"{", b"["):
        return ""
    index = len(content[:at].decode("utf-8", "replace"))
    text = content.decode("utf-8", "replace")
    values = (value for value in json_values(text) if value.start <= index < value.end)
    return next((json_path(value.path) for value in values if value.path), "")
