"""When two interactions of a cassette are the same recording, under the settings of the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from .headers import vary_names
from .kin import Keys
from .matching import Compared, Matcher, normalize_url, normalize_urls
from .models import Interaction, RecordedRequest
from .policy import answers_part, compared_lines, conditional_fields, is_compared, varies_as
from .redaction import Masked, Redactor, has_ignored, strip_ignored
from .redaction.spans import split_url
from .settings import Settings

if TYPE_CHECKING:
    from requests import PreparedRequest


class Asked(NamedTuple):
    """A request, and what it is found by. ``masked`` is what its key was computed from; ``again`` says that
    a chain of redirects has led back to it."""

    request: RecordedRequest
    masked: Masked
    compared: Compared
    key: str
    again: bool = False

    @property
    def locator(self) -> str:
        return self.compared.url

    @property
    def what(self) -> str:
        """The request in a log or a report, with nothing secret in it."""
        return f"{self.request.method} {self.masked.request.url}"


class Identity:
    """How interactions of one cassette are told apart, under the settings of the moment."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings

    def mask(self, request: RecordedRequest) -> Masked:
        """The request with nothing in it that is not compared."""
        return Masked(self._stripped(request))

    def _stripped(self, request: RecordedRequest) -> RecordedRequest:
        return strip_ignored(request, self._settings().ignored_parameters)

    def terms(self) -> tuple[object, ...]:
        """The settings that locators depend on."""
        settings = self._settings()
        return (settings.ignored_parameters, settings.redact)

    @property
    def keys(self) -> Keys:
        """What tells the requests to one URL apart."""
        return Keys(self.key, self._key_terms)

    def _key_terms(self) -> tuple[object, ...]:
        settings = self._settings()
        return (*self.terms(), settings.match_headers, settings.cache_control)

    def ask(self, request: RecordedRequest, key: str | None = None) -> Asked:
        masked = self.mask(request)
        compared = self._compared(masked)
        return Asked(request, masked, compared, compared.key if key is None else key)

    def _compared(self, masked: Masked) -> Compared:
        return self._matcher().compared(masked.request, masked.places)

    def same_key(self, item: Interaction, asked: Asked) -> Masked | None:
        """A stored interaction's request, masked, if it is of the key that is asked for."""
        if item.key is not None or self._settings().key_fn is not None:
            return self.mask(item.request) if item.key == asked.key and has_what(item, asked) else None
        own = self.mask(item.request)
        return own if self._compared(own) == asked.compared else None

    def locate(self, url: str) -> str:
        """The locator of a stored URL."""
        if self._is_bare(url):
            return normalize_url(url)
        return normalize_url(self.mask(RecordedRequest("GET", url)).request.url)

    def locate_all(self, urls: Sequence[str]) -> Sequence[str]:
        """The locators of stored URLs."""
        return normalize_urls(urls) if self._are_bare(urls) else [self.locate(url) for url in urls]

    def _is_bare(self, url: str) -> bool:
        """Whether nothing in a URL is masked: a quick look."""
        return not has_ignored(url, self._settings().ignored_parameters)

    def _are_bare(self, urls: Sequence[str]) -> bool:
        """Whether nothing in many URLs is masked: mostly one look at all of them tells."""
        names, text = self._settings().ignored_parameters, "\n".join(urls).lower()
        if not names or not ("%" in text or "+" in text or any(map(text.__contains__, names))):
            return True
        return not any(has_ignored(url, names) for url in urls)

    def key(self, interaction: Interaction) -> str:
        if interaction.key is not None:
            return interaction.key
        return self.ask(interaction.request).key

    def asks_the_same(self, old: Interaction, new: Interaction) -> bool:
        """Whether nothing that tells requests apart is another in a new recording than in the one it is to
        replace: what is compared, credentials, and what ``Vary`` names."""
        if not varies_as(old, new.request, self._settings()):
            return False
        asked, before = (self.ask(item.request, item.key) for item in (new, old))
        return (asked.key, asked.masked.credentials) == (before.key, before.masked.credentials)

    def identify(self, interaction: Interaction) -> tuple[str, int, tuple[str, ...]]:
        """What tells recordings apart: the key, which answer it is, and the variant (``Vary``)."""
        return (self.key(interaction), interaction.answer, variant(interaction, self._settings()))

    def _matcher(self) -> Matcher:
        settings = self._settings()
        return Matcher(settings.match_headers, conditions=not settings.cache_control)


class TestIdentity(Identity):
    """Identity in a test: secrets are masked, so that a placeholder and a live value are the same."""

    __test__ = False

    def __init__(self, settings: Callable[[], Settings], redactor: Redactor) -> None:
        super().__init__(settings)
        self._redactor = redactor
        #: Stored requests by the refs of their items, each as it is compared; and what is left of that
        #: without some names. Both hold as long as the terms are ``_known_by``.
        self._known: dict[str, tuple[RecordedRequest, Masked, Compared]] = {}
        self._bare: dict[tuple[Compared, frozenset[str]], Compared] = {}
        self._known_by: object = None

    @property
    def basis(self) -> tuple[object, ...]:
        """What locators depend on besides the requests: as long as it is equal, they stay what they are."""
        return (*self.terms(), self._redactor.searched)

    def _key_terms(self) -> tuple[object, ...]:
        return (*super()._key_terms(), self._redactor.masks_by)

    def _is_bare(self, url: str) -> bool:
        return super()._is_bare(url) and self._redactor.is_plain_url(url)

    def _are_bare(self, urls: Sequence[str]) -> bool:
        # What a user's pattern matches, or a secret that is searched for, may be path and query in one.
        finder = self._redactor.searched
        if self._settings().redact.rules.patterns or (finder and finder.pattern.search("\n".join(urls))):
            return False
        if not super()._are_bare(urls):
            return False
        queries = {url.partition("?")[2] for url in urls}
        text = "\n".join(urls).replace("?", "\n")  # with all their parameters behind
        return self._redactor.is_plain_url(f"{text}?{'&'.join(queries)}")

    def mask(self, request: RecordedRequest) -> Masked:
        return self._redactor.mask(self._stripped(request))

    def of_key(self, stored: Sequence[Interaction], asked: Asked) -> list[tuple[Interaction, Masked]]:
        """The stored interactions of the key that is asked for, each with its request masked."""
        if len(stored) < 2 or self._settings().key_fn is not None:
            return [(item, own) for item in stored if (own := self.same_key(item, asked)) is not None]
        self._forget_of_other_terms()
        known = [(item, *self._compared_of(item)) for item in stored if item.key is None]
        return [(item, own) for item, own, compared in known if compared == asked.compared]

    def of_anybody(self, asked: Asked) -> Callable[[Interaction], bool]:
        """Whether a stored request is that which is asked for, with another credential or with none: what
        holds one in either of them is compared in neither."""
        self._forget_of_other_terms()

        def is_same(item: Interaction) -> bool:
            own, compared = self._compared_of(item)
            names = frozenset(_names(asked.masked) | _names(own))
            return self._without(names, asked.masked, asked.compared) == self._without(names, own, compared)

        return is_same

    def _forget_of_other_terms(self) -> None:
        terms = self._key_terms()
        if terms != self._known_by:
            self._known_by = terms
            self._known.clear()
            self._bare.clear()

    def _compared_of(self, item: Interaction) -> tuple[Masked, Compared]:
        found = self._known.get(item.ref)
        if found is None or found[0] != item.request:  # an alias stands for another one further down
            own = self.mask(item.request)
            found = item.request, own, self._compared(own)
            if item.ref:
                self._known[item.ref] = found
        return found[1:]

    def _without(self, names: frozenset[str], masked: Masked, compared: Compared) -> Compared:
        found = self._bare.get((compared, names))
        if found is None:
            bare = _without_userinfo(strip_ignored(masked.request, names))
            found = self._bare[compared, names] = self._matcher().compared(bare)
        return found


def _names(masked: Masked) -> set[str]:
    """The names of the parameters, fields and headers that hold a request's credentials."""
    places = (place.partition(":") for place in masked.places)
    return {"cookie" if kind == "cookie" else name.lower() for kind, _, name in places}


def _without_userinfo(request: RecordedRequest) -> RecordedRequest:
    before, _, address, tail = split_url(request.url)
    return replace(request, url=before + address + tail)


def has_what(item: Interaction, asked: Asked) -> bool:
    """Whether a stored answer, which a ``key_fn`` takes for one to the request, may be one: what was answered
    to a HEAD has no body (RFC 9110 section 9.3.2)."""
    return item.request.method != "HEAD" or asked.request.method == "HEAD"


def made_key(prepared: PreparedRequest, settings: Settings) -> str | None:
    """The key that the user's ``key_fn`` makes of a request; None where there is no such function."""
    if settings.key_fn is None:
        return None
    arguments = {
        name: getattr(settings, name)
        for name in ("ignored_parameters", "match_headers", "cache_control", "expire_after")
    }
    return str(settings.key_fn(prepared, **arguments))


def variant(interaction: Interaction, settings: Settings) -> tuple[str, ...]:
    """The request's values of the fields that the response's ``Vary`` names, and of those of a condition or
    range, where it answers that alone; and whether it answers HEAD, where a ``key_fn`` does not say so."""
    request = interaction.request
    fields = conditional_fields(request) if answers_part(interaction, settings) else ()
    conditions = tuple(f"{name}: {value}" for name, value in fields)
    if interaction.key is not None and request.method == "HEAD":
        conditions += ("HEAD",)
    lines = interaction.response.headers.get_all("Vary")
    if not lines:
        return conditions
    names = vary_names(lines)
    if names == "*":
        return ("*", *conditions)
    varying = (
        f"{name}: {compared_lines(request.headers, name, settings)}"
        for name in sorted(names)
        if is_compared(name, settings)
    )
    return (*varying, *conditions)
