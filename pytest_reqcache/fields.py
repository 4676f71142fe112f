"""Which fields of a request are recorded with it, and which tell recordings apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .headers import Headers, vary_names
from .matching import CONDITIONAL_FIELDS, NOISE_FIELDS
from .models import Interaction, RecordedRequest
from .policy import is_compared
from .settings import Settings

# Fields of a request that say nothing about it: what the client library sends by itself.
_DEFAULT_FIELDS = {"accept": "*/*", "connection": "keep-alive"}
_UNTOLD_FIELDS = frozenset({"accept-encoding", "content-length", "transfer-encoding", "host"})


def without_noise(interaction: Interaction, kept: Iterable[str], *, encodings: bool = False) -> Interaction:
    """The interaction without the request fields that every client sends, but for those that ``Vary``
    names or ``kept`` does; ``Accept-Encoding`` only with ``encodings``."""
    named = vary_names(interaction.response.headers.get_all("Vary"))
    varying = {*(() if named == "*" else named)} - (set() if encodings else {"accept-encoding"})
    told = {*kept, *varying, *CONDITIONAL_FIELDS}
    fields = [
        (name, value)
        for name, value in interaction.request.headers
        if name.lower() in told or not _is_noise(name.lower(), value)
    ]
    if len(fields) == len(interaction.request.headers):
        return interaction
    return replace(interaction, request=replace(interaction.request, headers=Headers(tuple(fields))))


def _is_noise(name: str, value: str) -> bool:
    if name == "user-agent":
        return value.startswith("python-requests/")
    return name in _UNTOLD_FIELDS or _DEFAULT_FIELDS.get(name) == value.lower()


def kept_fields(settings: Settings) -> tuple[str, ...]:
    """The request fields to keep for matching, in lower case."""
    return settings.match_headers if isinstance(settings.match_headers, tuple) else ()


def compared_fields(asked: RecordedRequest, stored: Interaction, settings: Settings) -> list[str]:
    """The request fields, in lower case, that may tell a stored interaction from what is asked: those of
    ``match_headers``, of its ``Vary``, and the caller's own conditions and ranges."""
    names = dict.fromkeys(kept_fields(settings))
    if settings.match_headers is True:
        for request in (asked, stored.request):
            names.update(dict.fromkeys(name.lower() for name, _ in request.headers))
        for noise in (*NOISE_FIELDS, *CONDITIONAL_FIELDS):
            names.pop(noise, None)
    if not settings.cache_control:
        names.update(dict.fromkeys(sorted(CONDITIONAL_FIELDS)))
    varying = vary_names(stored.response.headers.get_all("Vary"))
    if varying != "*":
        names.update(dict.fromkeys(name for name in varying if is_compared(name, settings)))
    return list(names)
