"""The cookies that a client sends on replay: those that recorded answers have set, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from ..headers import Headers
from ..models import Interaction


def with_cookies_of_replay(items: Iterable[Interaction]) -> Iterator[Interaction]:
    """The interactions with the cookies that a client has that they are replayed to.

    A recording may lack the answers that changed a cookie. On replay nobody gets those values: where an
    answer before has set a cookie of that name, that one is sent still.
    """
    jar = _Jar()
    for item in items:
        host = _host(item.request.url)
        headers = Headers(
            tuple(
                (name, jar.sent(host, value) if name.lower() == "cookie" else value)
                for name, value in item.request.headers
            )
        )
        for cookie in item.response.headers.get_all("Set-Cookie"):
            jar.note(host, cookie)
        same = headers == item.request.headers
        yield item if same else replace(item, request=replace(item.request, headers=headers))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class _Jar:
    """What was set, by name: the values with the domains that they are for, the last one at the end."""

    def __init__(self) -> None:
        self._set: dict[str, list[tuple[str, str]]] = {}

    def note(self, host: str, cookie: str) -> None:
        """A ``Set-Cookie`` of a host (RFC 6265 section 4.1)."""
        pair, *attributes = cookie.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        domain = host
        for attribute in attributes:
            key, _, text = attribute.partition("=")
            if key.strip().lower() == "domain" and text.strip(" ."):
                domain = text.strip(" .").lower()
        if value:
            self._set.setdefault(name, []).append((domain, value))

    def sent(self, host: str, cookies: str) -> str:
        """A ``Cookie`` header in which each value is one that was set, if any of its name was."""
        return ";".join(self._sent(host, pair) for pair in cookies.split(";"))

    def _sent(self, host: str, pair: str) -> str:
        name, equals, value = pair.partition("=")
        known = [
            given
            for domain, given in self._set.get(name.strip(), ())
            if host == domain or host.endswith(f".{domain}")
        ]
        if not equals or not known or value.strip() in known:
            return pair
        return f"{name}={known[-1]}"
