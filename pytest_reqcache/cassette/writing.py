"""From an interaction to the text that stands for it in a cassette.

The skeleton is fixed; every scalar is written by PyYAML's emitter (libyaml's where present), which
decides about quotes, escapes and whether a literal block can hold a text.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.emitter import Emitter, ScalarAnalysis
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from ..body import read_body, size_of
from ..expiration import Special
from ..headers import Headers
from ..models import BodyFile, Interaction
from . import bodies
from .bodies import FiledBody

VERSION = 1

#: What a new cassette begins with.
HEADER = b"# Recorded by pytest-reqcache. Edit freely: see docs/cassettes.\nversion: 1\ninteractions:\n"

_LIBYAML: Any = yaml.cyaml if yaml.__with_libyaml__ else None

# Widths are C integers in libyaml; this one means: never fold a line.
_NO_FOLDING = 2**31 - 1

_LEAVE_OUT = "leave it out (while recording: with passthrough or filter_fn)"

# Readers, ours included, turn CR and NEL inside a block into a line feed, and LS and PS are line breaks.
_BREAK = re.compile("[\n\r\x85\u2028\u2029\ufeff]")
# What a literal block cannot hold; none of it is printable.
_NO_BLOCK = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# What has to be escaped in double quotes, or is better seen so.
_TO_ESCAPE = re.compile(
    '["\\\\\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]'
)
_LINE = re.compile("[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
# Neither emitter writes tabs in a block, and libyaml does not write what is beyond the BMP in one.
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


class Draft(NamedTuple):
    """The text of an interaction, and the body files it refers to."""

    interaction: Interaction
    text: bytes
    files: tuple[FiledBody, ...]


def draft(interaction: Interaction, folder: Path) -> Draft:
    """The text for a cassette whose body files are in ``folder``; ValueError where YAML cannot hold it."""
    _check(interaction)
    request, response = interaction.request, interaction.response
    forms = [
        None if request.body is None else bodies.present(request.body, request.headers, folder),
        bodies.present(response.body, response.headers, folder) if size_of(response.body) else None,
    ]
    events = [
        _SEQUENCE,
        _MAPPING,
        _KEYS["request"],
        _MAPPING,
        _KEYS["method"],
        _text(request.method),
        _KEYS["url"],
        _text(request.url),
        *_headers(request.headers),
        *_body(forms[0], folder),
        _MAPPING_END,
        _KEYS["response"],
        _MAPPING,
        _KEYS["status"],
        _status(response.status, response.reason),
        *_headers(response.headers),
        *_body(forms[1], folder),
        _MAPPING_END,
        *_rest(interaction),
        _MAPPING_END,
        _SEQUENCE_END,
    ]
    files = tuple(form for form in forms if isinstance(form, FiledBody))
    return Draft(_as_read(interaction, forms[1], folder), _emit(events), files)


def timestamp(time: datetime) -> str:
    """UTC with milliseconds, which are left out where there are none."""
    utc = time.astimezone(timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds") + "Z"


def scalar_line(key: str, value: str, indent: int) -> bytes:
    """The line that we would write for a key and a text."""
    return b" " * indent + _emit([_MAPPING, _text(key), _text(value), _MAPPING_END])


def closing_lines(interaction: Interaction) -> tuple[bytes, bytes]:
    """The lines for ``expires`` (empty where there is none) and for ``created_at``."""
    expires = b"" if interaction.expires is None else f"  expires: {_expiry(interaction.expires)}\n".encode()
    return expires, f"  created_at: {timestamp(interaction.created_at)}\n".encode()


def _as_read(
    interaction: Interaction, form: bodies.InlineBody | FiledBody | None, folder: Path
) -> Interaction:
    """As it will be read: times have milliseconds, a large body is in its own file."""
    response, expires = interaction.response, interaction.expires
    if isinstance(form, FiledBody):
        size = size_of(response.body)
        in_memory = size <= bodies.LARGEST_IN_MEMORY
        body = read_body(response.body) if in_memory else BodyFile(folder / form.name, size)
        response = replace(response, body=body)
    elif isinstance(response.body, BodyFile):
        response = replace(response, body=read_body(response.body))
    return replace(
        interaction,
        response=response,
        created_at=_to_milliseconds(interaction.created_at),
        expires=_to_milliseconds(expires) if isinstance(expires, datetime) else expires,
    )


def _to_milliseconds(time: datetime) -> datetime:
    return time.astimezone(timezone.utc).replace(microsecond=time.microsecond // 1000 * 1000)


def _check(interaction: Interaction) -> None:
    request = interaction.request
    if not 100 <= interaction.response.status <= 999:
        raise ValueError(
            f"{interaction.response.status} is no status of HTTP, 100 to 999 are accepted; {_LEAVE_OUT}"
        )
    texts = [
        ("method", request.method),
        ("URL", request.url),
        ("reason", interaction.response.reason),
        ("key", interaction.key or ""),
        *[("header name", name) for name, _ in (*request.headers, *interaction.response.headers)],
    ]
    if bodies.yaml_can_hold("\n".join([text for _, text in texts])):
        return
    for what, text in texts:
        if not bodies.yaml_can_hold(text):
            raise ValueError(f"{what} {text!r} holds half a surrogate pair, which YAML cannot; {_LEAVE_OUT}")


def _rest(interaction: Interaction) -> Iterator[Event]:
    if interaction.answer != 1:
        yield _KEYS["answer"]
        yield _plain(str(interaction.answer))
    if interaction.expires is not None:
        yield _KEYS["expires"]
        yield _plain(_expiry(interaction.expires))
    if interaction.keep:
        yield _KEYS["keep"]
        yield _plain("true")
    if interaction.key is not None:
        yield _KEYS["key"]
        yield _text(interaction.key)
    yield _KEYS["created_at"]
    yield _plain(timestamp(interaction.created_at))


def _expiry(expires: datetime | Special) -> str:
    return timestamp(expires) if isinstance(expires, datetime) else expires.value


def _status(status: int, reason: str) -> Event:
    return _text(f"{status} {reason}") if reason else _plain(str(status))


def _headers(headers: Headers) -> list[Event]:
    if not headers:
        return []
    lines: list[tuple[str, list[str]]] = []
    for name, value in headers:
        if lines and lines[-1][0] == name:
            lines[-1][1].append(value)
        else:
            lines.append((name, [value]))
    events = [_KEYS["headers"]]
    if len({name for name, _ in lines}) == len(lines):
        events.append(_MAPPING)
        for name, values in lines:
            events += (_text(name), *_header_values(values))
        events.append(_MAPPING_END)
    else:  # the same name in two places: no mapping has that order
        events.append(_SEQUENCE)
        for name, value in headers:
            events += (_MAPPING, _text(name), *_header_values([value]), _MAPPING_END)
        events.append(_SEQUENCE_END)
    return events


def _header_values(values: list[str]) -> Iterable[Event]:
    if len(values) > 1:
        return (_SEQUENCE, *(event for value in values for event in _header_values([value])), _SEQUENCE_END)
    [value] = values
    if bodies.yaml_can_hold(value):
        return (_text(value),)
    raw = value.encode("utf-8", "surrogatepass")
    return (_MAPPING, _KEYS["base64"], _text(base64.b64encode(raw).decode("ascii")), _MAPPING_END)


def _body(form: bodies.InlineBody | FiledBody | None, folder: Path) -> Iterator[Event]:
    if form is None:
        return
    if isinstance(form, FiledBody):
        yield _KEYS["file"]
        yield _text(f"{folder.name}/{form.name}")
        return
    for name, value in form.parameters:
        yield _KEYS[name]
        yield _text(value)
    yield _KEYS[form.form]
    if form.text and _fits_block(form.text):
        kind = _OddBlock if _is_beyond_libyaml(form.text) else ScalarEvent
        yield kind(None, None, (False, True), form.text, style="|")
    else:
        kind = _QuotedLines if len(_LINE.findall(form.text)) > 1 else ScalarEvent
        yield kind(None, None, (False, True), form.text, style='"')


def _fits_block(text: str) -> bool:
    """Whether a literal block can hold it, and an editor that tidies up would take nothing off: spaces at
    the end of a line."""
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        return False
    return text.replace("\n", "").isprintable() or not _NO_BLOCK.search(text)


# Events are immutable in practice: the emitter only reads them.
_MAPPING, _MAPPING_END = MappingStartEvent(None, None, True, flow_style=False), MappingEndEvent()
_SEQUENCE, _SEQUENCE_END = SequenceStartEvent(None, None, True, flow_style=False), SequenceEndEvent()
_KEYS: dict[str, Event] = {
    name: ScalarEvent(None, None, (True, True), name)
    for name in (
        *("request", "response", "method", "url", "headers", "status", "style", "encoding"),
        *("line_ends", "json", "text", "base64", "file", "answer", "expires", "keep", "key", "created_at"),
    )
}


def _plain(text: str) -> Event:
    """A scalar that is no text: a number, a time, true."""
    return ScalarEvent(None, None, (True, False), text)


_resolve: Any = Resolver().resolve
_TEXT_TAG = "tag:yaml.org,2002:str"


@lru_cache(maxsize=1024)
def _text(text: str) -> Event:
    text = str.__str__(text)  # libyaml takes no subclass
    is_plain = _resolve(ScalarNode, text, (True, False)) == _TEXT_TAG
    # In single quotes line breaks would stand as they are, on lines of their own.
    style = '"' if not text.isprintable() and _BREAK.search(text) else None
    return ScalarEvent(None, None, (is_plain, True), text, style=style)


class _QuotedLines(ScalarEvent):
    """A text in double quotes, of which each line is written as a line."""


class _OddBlock(ScalarEvent):
    """A text in a block, with characters that libyaml would not write in one."""


_NOT_FOR_LIBYAML = frozenset({_QuotedLines, _OddBlock})


class _BodyEmitter(Emitter):
    """PyYAML's own emitter, but tabs may stand in a literal block, where YAML allows them, and a text
    in double quotes goes on in a new line behind each line break: changes of it can be reviewed."""

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        if not isinstance(self.event, _QuotedLines):
            super().write_double_quoted(text, split)
            return
        self.write_indicator('"', True)
        for number, line in enumerate(_LINE.findall(text)):
            if number:
                self.stream.write("\\")
                self.write_line_break()
                self.write_indent()
            # White space at the start of a line that goes on would be skipped.
            start = "\\" if number and line[0] == " " else ""
            self.stream.write(start + _TO_ESCAPE.sub(_escape, line))
        self.write_indicator('"', False)

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        analysis = super().analyze_scalar(scalar)
        if "\t" in scalar:
            analysis.allow_block = super().analyze_scalar(scalar.replace("\t", " ")).allow_block
        return analysis

    def determine_block_hints(self, text: str) -> str:
        hints = super().determine_block_hints(text)
        return f"{self.best_indent}{hints}" if text.startswith("\t") else hints


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in Emitter.ESCAPE_REPLACEMENTS:
        return "\\" + Emitter.ESCAPE_REPLACEMENTS[character]
    code = ord(character)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}"


def _emit(events: list[Event]) -> bytes:
    document = [
        StreamStartEvent(),
        DocumentStartEvent(),
        *events,
        DocumentEndEvent(),
        StreamEndEvent(),
    ]
    suits_libyaml = _LIBYAML is not None and _NOT_FOR_LIBYAML.isdisjoint(map(type, events))
    made_by = _LIBYAML.CEmitter if suits_libyaml else _BodyEmitter
    stream = io.StringIO()
    emitter = made_by(stream, allow_unicode=True, width=_NO_FOLDING)
    try:
        for event in document:
            emitter.emit(event)
    finally:
        emitter.dispose()
    text = stream.getvalue()
    # libyaml ends a document with a line of "..." if a block in it kept its trailing newlines.
    return (text[:-4] if text.endswith("\n...\n") else text).encode()


def _is_beyond_libyaml(block: str) -> bool:
    return "\t" in block or (not block.isascii() and _BEYOND_BMP.search(block) is not None)
